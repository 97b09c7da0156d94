#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bed.sh FOLDER TEST[:PART]...: the part of run that runs on a test kernel, each test
# in a network namespace of its own and all at once, for they wait more than they do.
# PART is one of the functions that ALL_TESTS in the test names. Makes one TAP stream of
# the lines "TEST: … [ OK ]".

work=$1
shift
export PATH=$work/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Time that the tests give interfaces to come up is for real cards. What is learned
# must not age while a busy machine comes to look at it.
export WAIT_TIME=1 LOW_AGEING_TIME=3000 TEAMD=: LC_ALL=C
cd "$work/forwarding" || exit 1
# What takes long the first time is no fault of the switch.
tcpdump --version >/dev/null 2>&1
# For "ip vrf exec", which would mount it anew in each namespace.
mkdir -p /run/cgroup2 && mount -t cgroup2 none /run/cgroup2

# one TEST: what it prints is in $said/TEST
one() {
	local name=${1%%:*} part='' status

	[ "$name" = "$1" ] || part=${1#*:}
	ip netns add "test-$1" || return 1
	# Addresses are there at once: a ping that was not sent proves nothing.
	ip netns exec "test-$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0
	# Most pings of these two must get no answer, and each waits for it.
	case $name in
	no_forwarding|control) export PING_COUNT=1 PING_TIMEOUT=1;;
	*) export PING_COUNT=2 PING_TIMEOUT=5;;
	esac
	TESTS=$part VSWITCH_STATE=/tmp/state/$1 timeout 1000 \
		ip netns exec "test-$1" "./$name.sh" >"$said/$1" 2>&1 </dev/null
	status=$?
	ip netns del "test-$1"
	return $status
}

said=/tmp/said
mkdir -p $said
pids=()
for t; do
	one "$t" &
	pids+=($!)
done
n=0
bad=0
for t; do
	wait "${pids[0]}"
	status=$?
	pids=("${pids[@]:1}")
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
			*"[FAIL]"*) bad=1; echo "not ok $n - ${t%%:*}: $title";;
			*"[SKIP]"*|*"[XFAIL]"*) echo "ok $n - ${t%%:*}: $title # SKIP it says so";;
			*) echo "ok $n - ${t%%:*}: $title";;
			esac;;
		*) echo "# $line";;
		esac
	done <"$said/$t"
	if [ "$status" != 0 ] || [ $results = 0 ]; then
		n=$((n + 1))
		bad=1
		echo "not ok $n - $t: exit status $status after $results results"
	fi
done
echo "1..$n"
exit $bad
