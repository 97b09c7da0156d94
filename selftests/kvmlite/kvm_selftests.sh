#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kvm_selftests.sh [--device DEV] [--timeout SECONDS] [--results] [TEST]...
#
# Runs the kernel's own selftests for KVM, as the package has them, against
# DEV (default /dev/kvmlite) in place of /dev/kvm. They are in the folder "kvm"
# beside this script; default: all that are there. Each has a process and a
# time limit of its own; one that skips counts as failed. The output is TAP, or
# with --results a line "PASS|SKIP|FAIL|TIME TEST" for each, for compare-kvm.
#
# The tests also look at /sys/module/kvm*/parameters: kvm.ko is loaded without
# a vendor module, which makes no /dev/kvm, and a tmpfs with the answers of the
# vendor's module lies over /sys/module meanwhile.

device=/dev/kvmlite
limit=120
results=
while [ $# -gt 0 ]; do
	case $1 in
	--device) device=$2; shift 2;;
	--timeout) limit=$2; shift 2;;
	--results) results=y; shift;;
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

unload=
if [ "$device" != /dev/kvm ]; then
	disguise
	trap undo EXIT
fi

# set_memory_region_test gives its vCPU 100 ms to get into the next loop, then
# expects it there: on a busy machine with a debug kernel it may not be yet.
too_slow() {
	[ "$1" = set_memory_region_test ] && [ $status -eq 254 ] &&
		grep -q 'Bad rip, expected' /tmp/kvm_selftest.log
}

# run TEST: its verdict in $verdict, its output in the log
run() {
	for attempt in 1 2 3; do
		timeout -k 5 "$limit" "$folder/$1" >/tmp/kvm_selftest.log 2>&1 </dev/null
		status=$?
		too_slow "$1" || break
		echo "# attempt $attempt of $1 was too slow for its own sleeps"
	done
	case $status in
	0) verdict=PASS;;
	4) verdict=SKIP;;
	124 | 137 | 143) verdict=TIME;;
	*) verdict=FAIL;;
	esac
}

details() {
	[ $verdict = PASS ] || sed 's/^/# /' /tmp/kvm_selftest.log | tail -n 20
}

if [ -n "$results" ]; then
	for t; do
		run "$t"
		details
		echo "$verdict $t"
	done
	rm -f /tmp/kvm_selftest.log
	exit 0
fi

echo "TAP version 13"
echo "1..$#"
n=0
failed=0
for t; do
	n=$((n + 1))
	run "$t"
	details
	case $verdict in
	PASS)
		echo "ok $n $t"
		continue;;
	SKIP) echo "# a skip counts as a failure here";;
	TIME) echo "# no end after $limit s";;
	FAIL) echo "# exit status $status";;
	esac
	echo "not ok $n $t"
	failed=$((failed + 1))
done
rm -f /tmp/kvm_selftest.log
[ $failed -eq 0 ]
