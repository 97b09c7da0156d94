#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/net.sh [OPTION]... [TEST]...: guests, a container's network namespace and
# the host on one switch, on a test kernel. Prints TAP.
#
#   --host FLAVOUR   kernel of the bed (6.12)
#   --guest FLAVOUR  kernel of the guests (6.12)
#   --load MODULES   what the bed loads (kvmlite,vswitch,veth)
#
# Tests: guests (two of `virtlite vm run`, with all that they can reach), qemu
# (Debian's QEMU on a queue's descriptor). By default guests, with LONG=1 both.

cd "$(dirname "$0")/../.." || exit 1
host=6.12 guest=6.12 load=kvmlite,vswitch,veth
while [ $# -gt 0 ]; do
	case $1 in
	--host) host=$2;;
	--guest) guest=$2;;
	--load) load=$2;;
	-*) echo "net.sh: unknown option $1" >&2; exit 2;;
	*) break;;
	esac
	shift 2
done
[ $# -gt 0 ] || set -- guests ${LONG:+qemu}

kernel=$(scripts/testbed/kernel "$guest") || exit 1
# Below build/, which the machine sees as it sees the host's other files.
mkdir -p build
work=$(mktemp -d "$PWD/build/net-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/root/bin" "$work/root/modules" "$work/root/proc" \
	"$work/root/sys" "$work/root/dev" "$work/root/tmp"
cp "$(command -v busybox)" "$work/root/bin/busybox"
for name in awk cat dd echo grep head httpd insmod ip ls md5sum mount ping ping6 \
		poweroff sh sleep stty wc wget; do
	ln -s busybox "$work/root/bin/$name"
done
for name in virtio virtio_ring virtio_pci virtio_pci_modern_dev \
		virtio_pci_legacy_dev failover net_failover virtio_net; do
	find "$kernel" -name "$name.ko" -exec cp {} "$work/root/modules" \; 2>/dev/null
done
cat >"$work/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci \
		failover net_failover virtio_net; do
	[ -e "/modules/$m.ko" ] && insmod "/modules/$m.ko"
done
# Commands come by the console, see net-bed.sh: as a script, not as somebody who
# would be prompted for them.
stty -echo
echo "guest: up"
exec sh /dev/console
END
chmod 755 "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/guest.cpio" || exit 1
cp "$kernel/bzImage" tools/tests/net-bed.sh selftests/lib/tap.sh "$work" || exit 1

make -s -C tools OUT="$PWD/build/tools" || exit 1
cp build/tools/virtlite "$work"
scripts/testbed/run --bed qemu --kernel "$host" --load "$load" --host-root --mem 1536 \
	--timeout 880 --keep-log "${VIRTLITE_LOG:-$work/log}.kernel" -- \
	sh "$work/net-bed.sh" "$work" "$@"
