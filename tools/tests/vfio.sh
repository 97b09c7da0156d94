#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/vfio.sh [OPTION]...: slices of a GPU in a guest of `virtlite vm run`, on a
# test kernel. Prints TAP.
#
#   --bed BED        qemu (default), bochs, kvm; see scripts/testbed/run
#   --host FLAVOUR   kernel of the bed (6.12)
#   --guest FLAVOUR  kernel of the guest (6.12)
#   --load MODULES   what the bed loads (kvmlite,vfio_iommu_type1,vgpu_mdev)
#   --device NODE    the hypervisor (/dev/kvmlite)

cd "$(dirname "$0")/../.." || exit 1
bed=qemu host=6.12 guest=6.12 load=kvmlite,vfio_iommu_type1,vgpu_mdev device=/dev/kvmlite
while [ $# -gt 0 ]; do
	case $1 in
	--bed) bed=$2;;
	--host) host=$2;;
	--guest) guest=$2;;
	--load) load=$2;;
	--device) device=$2;;
	*) echo "vfio.sh: unknown option $1" >&2; exit 2;;
	esac
	shift 2
done

kernel=$(scripts/testbed/kernel "$guest") || exit 1
source=$(scripts/testbed/kernel source 6.12) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/root/bin" "$work/root/modules" "$work/root/proc" \
	"$work/root/sys" "$work/root/dev"
cp "$(command -v busybox)" "$work/root/bin/busybox"
for name in cat echo grep insmod ls mount poweroff readlink sed sh sleep; do
	ln -s busybox "$work/root/bin/$name"
done
# What these two need goes in before them.
modules=$(echo "$kernel"/root/lib/modules/*)
i=10
# shellcheck disable=SC2013
for name in $(awk -F: '$1 ~ /\/(vfio-pci|bochs)\.ko$/ {
			for (n = split($2, needs, " "); n; n--) print needs[n]
			print $1
		}' "$modules/modules.dep" | awk '!seen[$0]++'); do
	cp "$modules/$name" "$work/root/modules/$i-${name##*/}" || exit 1
	i=$((i + 1))
done
cp tools/tests/vfio-guest "$work/root/init"
chmod 755 "$work/root/init"
gcc -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -static -s -Iuapi -o "$work/root/bin/vfio_guest" \
	tools/tests/vfio_guest.c || exit 1
# Debian's headers for programs have nothing of DRM, the kernel's source has.
gcc -std=gnu11 -O2 -Wall -static -s -D__user= -idirafter "$source/include/uapi" \
	-o "$work/root/bin/draw" selftests/vgpu/guest/draw.c || exit 1
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/guest.cpio" || exit 1
cp tools/tests/vfio-bed.sh "$work"

make -s -C tools OUT="$PWD/build/tools" || exit 1
scripts/testbed/run --bed "$bed" --kernel "$host" --load "$load" \
	--file build/tools/virtlite --file "$kernel/bzImage" \
	--file "$work/guest.cpio" --file "$work/vfio-bed.sh" --file selftests/lib/tap.sh \
	--timeout 580 --keep-log "${VIRTLITE_LOG:-$work/log}.kernel" -- \
	sh ./vfio-bed.sh "$device"
