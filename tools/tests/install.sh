#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make install, dkms_install and uninstall below a DESTDIR: what is there, whether it is
# usable, and that nothing is left of it. With LONG=1 and dkms on this machine the modules
# are built by it, too. TAP.

cd "$(dirname "$0")/../.." || exit 1
dest=$(mktemp -d) || exit 1
trap 'rm -rf "$dest"' EXIT
n=0 failed=0

check() {
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$dest.out" 2>&1; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$dest.out"
		echo "not ok $n - $name"
		failed=1
	fi
	rm -f "$dest.out"
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
# Not with what this make has been told.
clean_make() { env -u MAKEFLAGS -u MFLAGS make -s "$@" DESTDIR="$dest" PREFIX=/usr; }
there() {
	local f
	for f; do
		[ -s "$dest$f" ] || { echo "$f is not there"; return 1; }
	done
}
mode() { [ "$(stat -c %a "$dest$2")" = "$1" ] || { stat "$dest$2"; false; }; }

check "make install" clean_make install KERNEL=6.12
check "the command runs" "$dest/usr/bin/virtlite" version
check "it may be run by all" mode 755 /usr/bin/virtlite
check "the plugin for ip, by both names" there /usr/lib/virtlite/ip/link_vswitch.so \
	/usr/lib/virtlite/ip/link_vswitch_vnic.so
pages=()
for f in tools/virtlite/*.1; do
	pages+=("/usr/share/man/man1/${f##*/}")
done
check "all manual pages" there "${pages[@]}"
verbs() { # every page that virtlite(1) names is there
	local p
	grep -oh 'virtlite\\-[a-z]*' tools/virtlite/virtlite.1 | sort -u | sed 's/\\//' |
	while read -r p; do
		there "/usr/share/man/man1/$p.1" || exit 1
	done
}
check "and those that the first one names" verbs
completes() {
	bash -c '. "$1"; COMP_WORDS=(virtlite u); COMP_CWORD=1; _virtlite; [ "${COMPREPLY[*]}" = up ]' _ \
		"$dest/usr/share/bash-completion/completions/virtlite"
}
check "completion" completes
headers() {
	local h
	for h in uapi/virtlite/*.h; do
		echo "#include <virtlite/${h##*/}>"
	done | gcc -std=c99 -Wall -Werror -fsyntax-only -I"$dest/usr/include" -x c -
}
check "headers, which a program can include" headers
check "the example, which is one" "$dest/usr/bin/virtlite" up --check \
	"$dest/usr/share/doc/virtlite/examples/lab.json"
check "udev rules and the group" there /usr/lib/udev/rules.d/60-virtlite.rules \
	/usr/lib/sysusers.d/virtlite.conf
modules() {
	local m ko
	for m in kvmlite vswitch vblk vgpu_mdev vgpu_guest; do
		ko=$(find "$dest/lib/modules" -name "$m.ko*")
		if [ -z "$ko" ] || [ "$(modinfo -F name "$ko")" != "$m" ]; then
			echo "$m: $ko"
			return 1
		fi
	done
}
check "the modules" modules
if [ ! -e "/lib/modules/$(uname -r)/build/Makefile" ]; then
	without() { clean_make modules_install 2>&1 | grep "linux-headers-$(uname -r)"; }
	check "without headers it says which are missing" without
else
	skip "without headers it says which are missing" "this machine has them"
fi

rules() {
	! grep -vE '^(#.*)?$|^([A-Z]+(==|=)"[^"]*", )*[A-Z]+(==|=)"[^"]*"$' \
		"$dest/usr/lib/udev/rules.d/60-virtlite.rules"
}
check "udev rules, each of keys and values" rules
nodes() { # each node of a module has a rule, with the mode that the module gives it
	local file name mode
	while read -r file name mode; do
		grep -qE "KERNEL==\"$name\",.* MODE=\"$mode\"" tools/system/60-virtlite.rules ||
			{ echo "$file: $name $mode"; return 1; }
	done < <(awk '/struct miscdevice/ { on = 1 } on && /\.name/ { gsub(/[",]/, ""); name = $3 }
		on && /\.mode/ { gsub(/,/, ""); print FILENAME, name, $3; on = 0 }' \
			kvmlite/*.c vswitch/*.c vblk/*.c vgpu_mdev/*.c)
}
check "a rule for each node, with the mode that its module gives it" nodes

check "make dkms_install" clean_make dkms_install
version=$("$dest/usr/bin/virtlite" version | cut -d' ' -f2)
src=$dest/usr/src/virtlite-$version
check "sources for DKMS, of the command's version" there "/usr/src/virtlite-$version/dkms.conf" \
	"/usr/src/virtlite-$version/Kbuild"
conf() ( # as dkms reads it
	dkms_tree=/tree kernel_source_dir=/headers
	. "$src/dkms.conf"
	# shellcheck disable=SC2154
	[ "$PACKAGE_VERSION" = "$version" ] && [ "${#BUILT_MODULE_NAME[@]}" = 5 ] &&
	[ "${MAKE[0]}" = "make -C /headers M=/tree/virtlite/$version/build modules" ] || exit 1
	for i in 0 1 2 3 4; do
		[ -e "$src/${BUILT_MODULE_LOCATION[i]}/Kbuild" ] &&
		grep -qw "${BUILT_MODULE_NAME[i]}" Kbuild "$src/${BUILT_MODULE_LOCATION[i]}/Kbuild" ||
			exit 1
	done
	for k in 6.1.0-28-amd64 6.12.9 6.6 7.0.1; do
		[[ $k =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "not for $k"; exit 1; }
	done
	for k in 5.10.0-30-amd64 4.19 6.0.3; do
		[[ ! $k =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "for $k"; exit 1; }
	done
)
check "dkms.conf names the modules that there are, and the kernels" conf
complete() {
	local m
	for m in compat uapi kvmlite vswitch vblk vgpu_mdev; do
		diff -r --exclude='*.o' "$src/$m" "build/6.12/$m" | grep "^Only in $src\|^diff" && return 1
		(cd "$m" && find . -name '*.[chS]' -o -name Kbuild) | while read -r f; do
			case $f in *.mod.c) continue;; esac
			[ -e "$src/$m/$f" ] || { echo "$m/$f is missing"; exit 1; }
		done || return 1
	done
}
check "all sources are there" complete
# dkms itself, with the headers of the kernel that the testbed has.
dkms_build() {
	local build tree=$dest/dkms k=6.12-test
	build=$(scripts/testbed/kernel 6.12)/build
	mkdir -p "$tree" "$dest/lib/modules/$k"
	dkms build "virtlite/$version" --dkmstree "$tree" --sourcetree "$dest/usr/src" \
		--installtree "$dest/lib/modules" -k "$k" --kernelsourcedir "$build" --arch x86_64 ||
		{ cat "$tree/virtlite/$version/build/make.log"; return 1; }
	[ "$(find "$tree" -path '*/module/*.ko*' | wc -l)" = 4 ]
}
if [ -z "$LONG" ]; then
	skip "dkms builds them" "with LONG=1"
elif ! command -v dkms >/dev/null; then
	skip "dkms builds them" "there is no dkms on this machine"
else
	check "dkms builds them" dkms_build
	rm -rf "$dest/dkms"
fi

echo other >"$dest/usr/lib/virtlite/somebodys"
check "make uninstall" clean_make uninstall
left() {
	local all
	all=$(find "$dest" -type f -o -type l | grep -v '/lib/modules/.*/modules\.')
	[ "$all" = "$dest/usr/lib/virtlite/somebodys" ] || { echo "$all"; false; }
}
check "leaves nothing, and what is somebody else's" left
check "uninstall of nothing" clean_make uninstall

echo "1..$n"
exit $failed
