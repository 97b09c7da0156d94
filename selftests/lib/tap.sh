# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# TAP for tests in shell: result or check for each property, finish at the end. What the
# command of the last check printed is in tap.said; a function evidence prints what else
# may help, where there is one.

n=0
failed=0

# result STATUS NAME
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
		return
	fi
	echo "not ok $n - $2"
	failed=1
	[ ! -e tap.said ] || sed 's/^/# /' tap.said
	if command -v evidence >/dev/null; then
		evidence | tr -d '\r' | sed 's/^/# /'
	fi
}

# check NAME COMMAND...: it succeeds
check() {
	name=$1
	shift
	if "$@" >tap.said 2>&1; then
		result 0 "$name"
	else
		result 1 "$name"
	fi
}

# finish: the plan, and the status
finish() {
	echo "1..$n"
	exit "$failed"
}
