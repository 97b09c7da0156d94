#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/bed.sh DEVICE TEST...: the part of tests/boot.sh that runs on a test
# kernel, beside virtlite, bzImage and guest.cpio. Prints TAP.

device=$1
shift
n=0
# The first test wants to see the kernel's own messages, the others are quicker
# without them.
line="console=ttyS0 panic=-1 $GUEST_APPEND"

result() {
	n=$((n + 1))
	echo "$1 $n - $2"
	[ "$1" = ok ] || sed 's/\r$//; s/^/# /' out err
}

# check NAME COMMAND...: a property of the run that went before
check() {
	name=$1
	shift
	if "$@" >/dev/null; then
		result ok "$name"
	else
		result "not ok" "$name"
	fi
}

# What it boots from is in memory, but for who says otherwise.
initrd="--initrd guest.cpio"

# background LINE ARGUMENT...: start a guest, its console to out, its id in $pid
background() {
	more=$1
	shift
	# By way of another descriptor: of a background command the shell itself
	# makes the input empty.
	# shellcheck disable=SC2086
	timeout 200 ./virtlite vm run --device "$device" --kernel bzImage $initrd \
		--cmdline "$line $more" -v "$@" <&3 >out 2>err 3<&- &
	pid=$!
} 3<&0

# run LINE ARGUMENT...: the same to its end, which is in $status
run() {
	background "$@"
	wait "$pid"
	status=$?
}

said() { grep -q "^guest: $1" out; }
unsaid() { ! said "$1"; }
same() { [ "$(md5sum <b)" = "$1" ]; }
ended() { [ "$status" = "$1" ]; }

# clone_has CLONE TEXT: what the guest of a clone has left there; - is nothing
clone_has() {
	left=-
	dev=$(./virtlite disk attach --image pool.img --volume "$1" --ro) || return
	mkdir -p left && mount -t ext4 -o ro,noload "$dev" left || return
	[ ! -e left/mark ] || left=$(cat left/mark)
	umount left
	./virtlite disk detach "${dev#/dev/vblk}" || return
	[ "$left" = "$2" ] || { echo "$1: $left"; false; }
}

# await TEXT: until the guest has said it, for a minute at most
await() {
	i=0
	until said "$1"; do
		i=$((i + 1))
		[ $i -lt 600 ] || return
		sleep 0.1
	done
}

# How many KiB of the host's memory the guest of `background` has.
resident() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$(pidof virtlite)/status"
}

for t; do
	case $t in
	disk)
		dd if=/dev/urandom of=b bs=64k count=40 2>/dev/null
		dd if=/dev/zero of=a bs=64k count=40 2>/dev/null
		sum=$(md5sum <b)
		run do=disk --cpus 2 --disk a --disk b,ro </dev/null
		check "boots and powers off" ended 0
		check "has two CPUs" said "cpus 2"
		check "sees both disks" said "sectors 5120 5120"
		check "and their names" said "names virtlite-1 virtlite-2"
		check "has a queue for each CPU" said "queues 2"
		check "copies one disk to the other" said "sum ${sum%% *}"
		check "which is in the file" cmp a b
		check "cannot write to a read-only disk" unsaid wrote
		check "which is as it was" same "$sum"
		check "gets random bytes" said "random 16"
		check "has interrupts of the first queue" said "queue 0 [1-9]"
		check "and of the second" said "queue 1 [1-9]"
		check "all of them MSI-X" said "intx 0"
		check "the summary has the time to /init" grep -q "time to /init.*ticks" err
		check "and the exits" grep -q "exits to user.*IO [1-9]" err;;
	volume)
		if [ ! -e /dev/vblk-control ] || [ ! -s guest.ext4 ]; then
			n=$((n + 1))
			echo "ok $n - boots from a volume # SKIP vblk is not loaded, or no mke2fs"
			continue
		fi
		# One golden image, of which each guest has a clone.
		check "a golden image" ./virtlite disk convert guest.ext4 pool.img --to image \
			--name golden --pool 64M 2>err
		./virtlite disk snapshot pool.img golden gold >/dev/null
		initrd=
		for clone in one two; do
			./virtlite disk clone pool.img gold $clone >/dev/null
			dev=$(./virtlite disk attach --image pool.img --volume $clone)
			run "quiet do=volume mark=$clone root=/dev/vda rw init=/init" \
				--disk "$dev" </dev/null
			check "a guest boots from its clone on $dev" ended 0
			check "which is as the golden image was" said "mark -"
			check "and writes to it" said "wrote $clone"
			check "the disk is free again" ./virtlite disk detach "${dev#/dev/vblk}"
			[ -n "$LONG" ] || break
		done
		initrd="--initrd guest.cpio"
		check "the clone has what its guest wrote" clone_has one one
		[ -z "$LONG" ] || check "and so has the other" clone_has two two
		check "the golden image has not" clone_has golden -
		check "the image is sound" ./virtlite disk check pool.img;;
	smp)
		run "quiet do=smp" --cpus "$GUEST_CPUS" </dev/null
		check "$GUEST_CPUS CPUs: boots and powers off" ended 0
		check "all of them are there" said "cpus $GUEST_CPUS"
		check "each has its timer" said "busy $GUEST_CPUS"
		check "and goes off and on again" said "back $GUEST_CPUS";;
	intx)
		dd if=/dev/zero of=a bs=64k count=40 2>/dev/null
		dd if=/dev/urandom of=b bs=64k count=40 2>/dev/null
		run "quiet do=disk pci=nomsi" --disk a --disk b,ro </dev/null
		check "boots without MSI-X" ended 0
		check "has INTx interrupts" said "intx [1-9]"
		check "copies by them" cmp a b;;
	reboot)
		run "quiet do=reboot" </dev/null
		check "a reboot is status 3" ended 3;;
	keyboard)
		run "quiet do=reboot reboot=k" </dev/null
		check "so is one by the keyboard controller" ended 3;;
	panic)
		run "quiet do=panic" </dev/null
		check "so is a panic" ended 3;;
	triple)
		run "quiet do=reboot reboot=t" </dev/null
		check "a triple fault is status 4" ended 4;;
	memory)
		run "quiet do=memory" --mem 4500M </dev/null
		check "memory above the hole: powers off" ended 0
		check "memory above the hole is there" said "memory 4[2-6][0-9]*";;
	balloon)
		background "quiet do=balloon" --mem 256M --control control </dev/null
		await "begins with"
		before=$(resident)
		# Some of it may have gone back already, by the reports of free pages.
		check "a guest of 256 MiB does with 96" \
			./virtlite vm balloon --wait 60 control 96M
		after=$(resident)
		check "and sees it" await shrunk
		# It had touched 160 MiB beside the kernel; the rest is the VMM's own.
		echo "# $before KiB before, $after KiB after"
		check "the host has the memory" [ "$after" -lt 120000 ]
		check "the guest gets it back" ./virtlite vm balloon --wait 60 control 256M
		wait "$pid"
		status=$?
		check "and sees that" said grown
		check "and works with it" said "used f5ffba20ce077a9f789a61ff8aedb471"
		check "and powers off" ended 0;;
	type)
		# shellcheck disable=SC2016
		echo 'echo "guest: typed" $((6 * 7)); poweroff -f' >in
		run "quiet do=type" <in
		check "what is piped in is typed" said "typed 42"
		check "and the end of it is not the end" ended 0;;
	signal)
		background "quiet do=wait" </dev/null
		await waits
		kill "$pid"
		wait "$pid"
		status=$?
		check "SIGTERM is status 6" ended 6
		check "and the summary comes all the same" grep -q "exits to user" err;;
	small)
		run "quiet do=none" --mem 16M </dev/null
		check "too little memory is status 1" ended 1
		check "and says how much it takes" grep -q "needs at least" err;;
	bad)
		for f in /proc/cpuinfo guest.cpio virtlite; do
			./virtlite vm run --device "$device" --kernel $f >out 2>err </dev/null
			status=$?
			check "$f is no kernel" ended 1
		done
		run "quiet do=none" --disk nothing </dev/null
		check "a disk that is not there" grep -q "nothing: No such" err;;
	esac
done
echo "1..$n"
