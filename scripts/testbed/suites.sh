#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs in the guest for scripts/check: the results that KUnit left, then every
# line "TIMEOUT FOLDER PROGRAM [ARGUMENT]..." of the file plan. A line that begins
# with @@ speaks to scripts/check, all others are what a test printed.

for f in /sys/kernel/debug/kunit/*/results; do
	[ -e "$f" ] || continue
	suite=${f%/results}
	echo "@@ kunit ${suite##*/}"
	cat "$f"
	printf '\n@@ end 0\n'
done

# Where the machine starts programs, and has put their folders.
home=$PWD
n=0
while read -r seconds folder program arguments; do
	echo "@@ start $n"
	cd "$home/$folder" || exit 1
	# shellcheck disable=SC2086
	timeout -k 5 "$seconds" "./$program" $arguments </dev/null 2>&1
	status=$?
	printf '\n@@ end %s\n' "$status"
	n=$((n + 1))
done <"$home/plan"
echo "@@ done"
