#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# no_forwarding.sh passes with a switch that is dead. This sends the very same
# frames by the very same functions, but between ports that may talk, and wants
# them to arrive: first on a switch without VLANs, then in one VLAN of two access
# ports. It runs beside no_forwarding.sh and lib.sh.

# All of it but what it does at its end.
# shellcheck disable=SC1090
source <(sed -e '/^trap cleanup EXIT/,$d' -e 's/^ALL_TESTS=.*//' no_forwarding.sh)

ALL_TESTS="one_switch one_vlan"

# Untagged frames: an access port passes no others.
vids=()

# A second is what lib.sh gives tcpdump to begin; an emulated machine needs more,
# and the frame that was sent meanwhile would be missed.
eval "lib_$(declare -f tcpdump_start)"
# shellcheck disable=SC2154,SC2317
tcpdump_start()
{
	lib_tcpdump_start "$@"
	for _ in $(seq 100); do
		grep -q "listening on" "${capout[$1]}" && return
		sleep 0.2
	done
	echo "tcpdump does not listen"
}

# shellcheck disable=SC2317
check_rcv()
{
	RET=0
	tcpdump_show "$1" | grep -q "$3"
	check_err $? "did not arrive"
	log_test "$2"
}

# shellcheck disable=SC2034,SC2154
one_switch()
{
	# A switch without VLANs passes tagged ones, too.
	local vids=(5)

	ip link add br0 type bridge && ip link set br0 up
	ip link set "$swp1" master br0
	ip link set "$swp2" master br0
	run_test "Ports of one switch"
	ip link del br0
}

one_vlan()
{
	ip link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0
	ip link set br0 up
	ip link set "$swp1" master br0
	ip link set "$swp2" master br0
	bridge vlan add dev "$swp1" vid 7 pvid untagged
	bridge vlan add dev "$swp2" vid 7 pvid untagged
	run_test "Ports of one VLAN"
	ip link del br0
}

trap cleanup EXIT
setup_prepare
setup_wait
tests_run
exit "$EXIT_STATUS"
