#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/boot.sh [OPTION]... [TEST]...: boot Linux guests by `virtlite vm run` on
# a test kernel and judge what they did. Prints TAP.
#
#   --bed BED        qemu (default), bochs, kvm; see scripts/testbed/run
#   --host FLAVOUR   kernel of the bed (6.12)
#   --guest FLAVOUR  kernel of the guests (6.12)
#   --load MODULES   hypervisor: kvm-amd, kvm-intel (default: the suite's)
#   --device NODE    its device (/dev/kvmlite)
#   --append ARGS    more for the guests' command line
#   --smp N          CPUs of the bed
#   --cpus N         CPUs of the guest in the test smp (4)
#
# Tests: disk volume smp intx reboot keyboard panic triple memory balloon type
# signal small bad; all by default.

cd "$(dirname "$0")/../.." || exit 1
bed=qemu host=6.12 guest=6.12 load='' device=/dev/kvmlite append='' smp='' cpus=4
while [ $# -gt 0 ]; do
	case $1 in
	--bed) bed=$2;;
	--host) host=$2;;
	--guest) guest=$2;;
	--load) load=$2;;
	--device) device=$2;;
	--append) append=$2;;
	--smp) smp=$2;;
	--cpus) cpus=$2;;
	-*) echo "boot.sh: unknown option $1" >&2; exit 2;;
	*) break;;
	esac
	shift 2
done
[ $# -gt 0 ] || set -- disk volume smp intx reboot keyboard panic triple memory balloon type \
	signal small bad

kernel=$(scripts/testbed/kernel "$guest") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The guest: one program under many names, and for a kernel that has its
# drivers as modules, those.
mkdir -p "$work/root/bin" "$work/root/modules" "$work/root/proc" \
	"$work/root/sys" "$work/root/dev" "$work/root/big"
cp "$(command -v busybox)" "$work/root/bin/busybox"
for name in awk cat dd echo grep insmod ls md5sum mount nproc poweroff reboot rm sh \
		sleep sync taskset tr wc; do
	ln -s busybox "$work/root/bin/$name"
done
cp tools/tests/guest-init "$work/root/init"
chmod 755 "$work/root/init"
for name in virtio virtio_ring virtio_pci virtio_pci_modern_dev \
		virtio_pci_legacy_dev virtio_blk rng-core virtio-rng virtio_balloon; do
	find "$kernel/root" -name "$name.ko" -exec cp {} "$work/root/modules" \; 2>/dev/null
done
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/guest.cpio" || exit 1
# The same as a file system to boot from; without mke2fs its test skips.
if PATH=$PATH:/usr/sbin:/sbin command -v mke2fs >/dev/null; then
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -b 4096 -d "$work/root" \
		"$work/guest.ext4" 24M >/dev/null || exit 1
else
	: >"$work/guest.ext4"
fi
cp tools/tests/bed.sh "$work/bed.sh"
chmod 755 "$work/bed.sh"

make -s -C tools OUT="$PWD/build/tools" || exit 1
GUEST_APPEND=$append
export GUEST_APPEND
scripts/testbed/run --bed "$bed" --kernel "$host" ${load:+--load "$load"} \
	${smp:+--smp "$smp"} \
	--file build/tools/virtlite --file "$kernel/bzImage" \
	--file "$work/guest.cpio" --file "$work/guest.ext4" --file "$work/bed.sh" \
	--timeout 880 --keep-log "${VIRTLITE_LOG:-$work/log}.kernel" -- \
	env GUEST_APPEND="$append" GUEST_CPUS="$cpus" ./bed.sh "$device" "$@"
