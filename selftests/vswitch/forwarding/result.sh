# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests of ours among the kernel's: results as those print them.

bad=0

# result STATUS TITLE
result() {
	if [ "$1" = 0 ]; then
		echo "TEST: $2 [ OK ]"
	else
		echo "TEST: $2 [FAIL]"
		# shellcheck disable=SC2034
		bad=1
	fi
}
