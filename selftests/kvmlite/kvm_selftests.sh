#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kvm_selftests.sh [--device DEV] [--timeout SECONDS] [TEST]...
#
# Runs the kernel's own selftests for KVM, as the package has them, against
# DEV (default /dev/kvmlite) in place of /dev/kvm. They are in the folder "kvm"
# beside this script; default: all that are there. Each has a process and a
# time limit of its own; one that skips counts as failed. The output is TAP.
#
# The tests also look at /sys/module/kvm*/parameters: kvm.ko is loaded without
# a vendor module, which makes no /dev/kvm, and a tmpfs with the answers of the
# vendor's module lies over /sys/module meanwhile.

device=/dev/kvmlite
limit=120
while [ $# -gt 0 ]; do
	case $1 in
	--device) device=$2; shift 2;;
	--timeout) limit=$2; shift 2;;
	--*) sed -n '4s/^# //p' "$0" >&2; exit 2;;
	*) break;;
	esac
done
folder=$(dirname "$0")/kvm
# shellcheck disable=SC2046  # one word for each name
[ $# -gt 0 ] || set -- $(ls "$folder")

if [ ! -e "$device" ]; then
	echo "1..0 # SKIP $device is not there"
	exit 4
fi

parameter() {
	mkdir -p "/tmp/module/$1/parameters"
	echo "$3" >"/tmp/module/$1/parameters/$2"
}

disguise() {
	if ! grep -q '^kvm ' /proc/modules; then
		modprobe kvm || exit 1
		unload=kvm
	fi
	[ -e /dev/kvm ] && { echo "Bail out! /dev/kvm is in use"; exit 1; }
	ln -s "${device#/dev/}" /dev/kvm
	mkdir -p /tmp/module
	for m in /sys/module/*; do
		mkdir -p "/tmp/module/${m##*/}/parameters"
	done
	for f in /sys/module/kvm/parameters/*; do
		parameter kvm "${f##*/}" "$(cat "$f")"
	done
	if grep -q GenuineIntel /proc/cpuinfo; then
		parameter kvm_intel ept Y
		parameter kvm_intel unrestricted_guest Y
		parameter kvm_intel nested N
		parameter kvm_intel enable_apicv N
	else
		parameter kvm_amd npt 1
		parameter kvm_amd nested 0
		parameter kvm_amd avic N
	fi
	mount -o bind /tmp/module /sys/module
}

undo() {
	umount /sys/module
	rm -rf /tmp/module /dev/kvm
	[ -z "$unload" ] || rmmod kvm irqbypass 2>/dev/null
}

# set_memory_region_test gives its vCPU 100 ms to get into the next loop, then
# expects it there: on a busy machine with a debug kernel it may not be yet.
too_slow() {
	[ "$t" = set_memory_region_test ] && [ $status -eq 254 ] &&
		grep -q 'Bad rip, expected' /tmp/kvm_selftest.log
}

unload=
if [ "$device" != /dev/kvm ]; then
	disguise
	trap undo EXIT
fi

echo "TAP version 13"
echo "1..$#"
n=0
failed=0
for t in "$@"; do
	n=$((n + 1))
	for attempt in 1 2 3; do
		timeout -k 5 "$limit" "$folder/$t" >/tmp/kvm_selftest.log 2>&1 </dev/null
		status=$?
		too_slow || break
		echo "# attempt $attempt of $t was too slow for its own sleeps"
	done
	case $status in
	0) echo "ok $n $t";;
	*)
		sed 's/^/# /' /tmp/kvm_selftest.log | tail -n 30
		case $status in
		4) echo "# a skip counts as a failure here";;
		124 | 137 | 143) echo "# no end after $limit s";;
		*) echo "# exit status $status";;
		esac
		echo "not ok $n $t"
		failed=$((failed + 1))
		;;
	esac
done
rm -f /tmp/kvm_selftest.log
[ $failed -eq 0 ]
