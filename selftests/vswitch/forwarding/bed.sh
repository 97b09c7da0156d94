#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bed.sh FOLDER TEST...: the part of run that runs on a test kernel. Makes one TAP
# stream of the lines "TEST: … [ OK ]".

work=$1
shift
export PATH=$work/bin:/usr/sbin:/usr/bin:/sbin:/bin
export VSWITCH_STATE=/tmp/vswitch-state
# The tests wait for the answer to each ping that must get none. Time that they
# give interfaces to come up is for real cards.
export PING_COUNT=2 PING_TIMEOUT=2 WAIT_TIME=1 TEAMD=: LC_ALL=C
cd "$work/forwarding" || exit 1
# What takes long the first time is no fault of the switch.
tcpdump --version >/dev/null 2>&1
n=0
bad=0
for t; do
	results=0
	while IFS= read -r line; do
		case $line in
		*"TEST: "*"[ OK ]"*|*"TEST: "*"[FAIL]"*|*"TEST: "*"[SKIP]"*|*"TEST: "*"[XFAIL]"*)
			title=${line#*TEST: }
			title=${title%%[*}
			title=${title%"${title##*[! ]}"}
			n=$((n + 1))
			results=$((results + 1))
			case $line in
			*"[FAIL]"*) bad=1; echo "not ok $n - $t: $title";;
			*"[SKIP]"*|*"[XFAIL]"*) echo "ok $n - $t: $title # SKIP it says so";;
			*) echo "ok $n - $t: $title";;
			esac;;
		*) echo "# $line";;
		esac
	done < <(timeout 900 "./$t.sh" 2>&1 </dev/null; echo "status $?" >/tmp/status)
	read -r _ status </tmp/status
	if [ "$status" != 0 ] || [ $results = 0 ]; then
		n=$((n + 1))
		bad=1
		echo "not ok $n - $t: exit status $status after $results results"
	fi
done
echo "1..$n"
exit $bad
