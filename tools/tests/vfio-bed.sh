#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vfio-bed.sh DEVICE: the part of tests/vfio.sh that runs on a test kernel, beside
# virtlite, bzImage and guest.cpio. Prints TAP.

device=$1
compute=6e0c1a52-3a8f-4a44-9a51-2a4f6d1f0b11
screen=6e0c1a52-3a8f-4a44-9a51-2a4f6d1f0b12
mdev=/sys/bus/mdev/devices
# shellcheck source=selftests/lib/tap.sh
. ./tap.sh
evidence() { cat out err; }

# background WORD ARGUMENT...: start a guest, its console to out, its id in $pid
background() {
	word=$1
	shift
	: >out
	timeout 400 ./virtlite vm run --device "$device" --kernel bzImage --initrd guest.cpio \
		--cmdline "console=ttyS0 panic=-1 quiet do=$word" --mem 192M "$@" \
		>out 2>err </dev/null &
	pid=$!
}

# refused TEXT ARGUMENT...: a guest does not start, and says why
refused() {
	text=$1
	shift
	background nothing "$@"
	wait "$pid"
	[ $? = 1 ] && grep -q "$text" err
}

said() { grep -q "^guest: $1" out; }
ended() { [ "$status" = "$1" ]; }
gone() { [ ! -e "$mdev/$1" ]; }

# await TEXT: until the guest has said it, or is no more
await() {
	until said "$1"; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
}

: >out
: >err
check "a GPU" ./virtlite gpu create --vram 64M
check "a slice to compute on" ./virtlite gpu slice add 0 1of4 --uuid $compute
check "a slice for a screen" ./virtlite gpu slice add 0 1of4 --uuid $screen
check "with a mode" ./virtlite gpu slice set 0 1 --personality display --mode 640x400

background slices --vfio $mdev/$compute --vfio $screen
wait "$pid"
status=$?
# The console's line ends are a terminal's.
sed 's/\r$//' out >lines
mv lines out
check "a guest with both ends by itself" ended 0
check "it sees the one" said "pci 0000:00:[0-9a-f.]* 0x1d61 0x120000"
check "and the other" said "pci 0000:00:[0-9a-f.]* 0x1111 0x038000"
check "with memory of 16 MiB, 64-bit and prefetchable" \
	said "bar [0-9a-f:.]* 1:0x00000000.*000000 0x00000000.*ffffff 0x000000000014220c"
check "and registers" said "bar [0-9a-f:.]* 5:.*000 0x00000000.*fff 0x0000000000040200"
check "its own bochs-drm drives the screen" said "bochs-drm has 0000"
check "and finds the mode that was set" said "draw drawn 640x400"
grep "^guest: [yn][eo]s* " out >answers
while read -r _ answer name; do
	check "in the guest: $name" [ "$answer" = yes ]
done <answers
check "which is all" said "done"

background wait --vfio $mdev/$compute
first=$pid
check "a guest waits with a slice" await "waits"
check "no other gets it" refused "somebody else has the group open" --vfio $mdev/$compute
check "of two that are named, one that is not there" \
	refused "vfio $mdev/nothing: No such file" --vfio $screen --vfio $mdev/nothing
check "nor by its name" refused "nothing: neither a mediated device" --vfio nothing
check "what is in no group" refused "in no IOMMU group" --vfio /sys/devices/system
check "the first one does not mind" kill -0 "$first"
check "its slice is taken from it" ./virtlite gpu slice del $compute
wait "$first"
status=$?
check "which ends it" ended 5
check "and the slice" gone $compute
check "the other slice" ./virtlite gpu slice del $screen
check "and the GPU" ./virtlite gpu delete 0
finish
