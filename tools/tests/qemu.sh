#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/qemu.sh [OPTION]... [MACHINE/IRQCHIP]...: an unchanged qemu-system-x86_64
# with -accel kvm boots Linux with two CPUs on a test kernel whose /dev/kvm is
# kvmlite. Prints TAP.
#
#   --host FLAVOUR   kernel of the bed, QEMU's (6.12)
#   --guest FLAVOUR  kernel of the guests (6.12)
#   --load MODULES   hypervisor (kvmlite); kvm-amd to compare
#   --cpu MODEL      CPU of the guests (host; with irqchip "off" qemu64)
#   --limit SECONDS  for each guest (120)
#
# Machines: microvm q35; irqchips: split on off. Default: all but off.

cd "$(dirname "$0")/../.." || exit 1
host=6.12 guest=6.12 load=kvmlite cpu='' limit=120
while [ $# -gt 0 ]; do
	case $1 in
	--host) host=$2;;
	--guest) guest=$2;;
	--load) load=$2;;
	--cpu) cpu=$2;;
	--limit) limit=$2;;
	-*) echo "qemu.sh: unknown option $1" >&2; exit 2;;
	*) break;;
	esac
	shift 2
done
[ $# -gt 0 ] || set -- microvm/split microvm/on q35/split q35/on
if ! command -v qemu-system-x86_64 >/dev/null; then
	echo "1..0 # SKIP no qemu-system-x86_64"
	exit 4
fi

kernel=$(scripts/testbed/kernel "$guest") || exit 1
# Below build/, which the machine sees as it sees the host's other files.
mkdir -p build
work=$(mktemp -d "$PWD/build/qemu-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/sys" "$work/root/dev"
cp "$(command -v busybox)" "$work/root/bin/busybox"
for name in cat echo grep mount nproc reboot sh; do
	ln -s busybox "$work/root/bin/$name"
done
cat >"$work/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
echo "guest: cpus $(nproc)"
echo "guest: clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "guest: shell $((6 * 7))"
reboot -f
END
chmod 755 "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/guest.cpio" || exit 1
cp "$kernel/bzImage" "$work/bzImage"

cat >"$work/bed.sh" <<'END'
cd "$1" || exit 1
cpu=$2
shift 2
[ -e /dev/kvm ] || ln -s kvmlite /dev/kvm
n=0
bad=0
for t; do
	machine=${t%/*} irqchip=${t#*/}
	model=${cpu:-host}
	[ -n "$cpu" ] || [ "$irqchip" != off ] || model=qemu64
	timeout -k 10 "$LIMIT" qemu-system-x86_64 -M "$machine" -cpu "$model" -smp 2 -m 256 \
		-accel "kvm,kernel-irqchip=$irqchip" -nodefaults -no-user-config \
		-display none -serial file:/tmp/console -no-reboot \
		-kernel bzImage -initrd guest.cpio \
		-append "console=ttyS0 panic=-1 reboot=t quiet" >/tmp/said 2>&1 </dev/null
	status=$?
	n=$((n + 1))
	if [ $status = 0 ] && grep -q "^guest: cpus 2" /tmp/console &&
			grep -q "^guest: shell 42" /tmp/console; then
		echo "ok $n - $machine, kernel-irqchip=$irqchip"
	else
		bad=1
		echo "# exit status $status"
		sed 's/^/# /' /tmp/said
		tail -n 40 /tmp/console | sed 's/\r$//; s/^/# /'
		echo "not ok $n - $machine, kernel-irqchip=$irqchip"
	fi
done
echo "1..$n"
exit $bad
END

scripts/testbed/run --bed qemu --kernel "$host" --load "$load" --host-root \
	--mem 1536 --timeout $(((limit + 10) * $# + 200)) --keep-log "${VIRTLITE_LOG:-$work/log}.kernel" -- \
	env LIMIT="$limit" sh "$work/bed.sh" "$work" "$cpu" "$@"
