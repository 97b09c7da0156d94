#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two hosts, each a network namespace with a switch and a container on it, that are
# one Ethernet by an uplink: a VXLAN tunnel, then a bond with LACP. As the manual
# says to set it up ("More than one host").

. ./result.sh

# eventually COMMAND...: until it succeeds, a minute at most
eventually() {
	for _ in $(seq 120); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.5
	done
	"$@"
}

host() { ip netns exec "host$1" "${@:2}"; }
container() { ip netns exec "c$1" "${@:2}"; }

# reaches FROM ADDRESS [OPTION]...: by ping
reaches() { container "$1" ping -c 1 -W 2 "${@:3}" "$2"; }

# The module is to be unloaded when this is over.
# shellcheck disable=SC2317
cleanup() {
	for n in 1 2; do
		host "$n" virtlite switch del vsw0
		ip netns del "host$n"
		ip netns del "c$n"
	done
}
trap cleanup EXIT

for n in 1 2; do
	ip netns add host$n
	ip netns add c$n
	host $n ip link set lo up
	host $n virtlite switch add vsw0
	host $n virtlite switch port add vsw0 vnic c$n
	host $n ip link set c$n netns c$n
	container $n ip addr add 10.1.0.$n/24 dev c$n
	container $n ip link set c$n up
done
for n in wire0 wire1; do
	ip link add $n netns host1 type veth peer name $n netns host2
done

# ------------------------------------------------------------------- VXLAN
for n in 1 2; do
	host $n ip addr add 192.0.2.$n/24 dev wire0
	host $n ip link set wire0 up
	host $n ip link add vx0 type vxlan id 42 dstport 4789 remote 192.0.2.$((3 - n)) || {
		echo "TEST: VXLAN [SKIP]"
		exit 0
	}
	host $n ip link set vx0 mtu 1450 up
	host $n virtlite switch port add vsw0 uplink vx0
done
eventually reaches 1 10.1.0.2
result $? "VXLAN: the containers reach each other"
container 2 ip neigh show 10.1.0.1 | grep -q "$(container 1 cat /sys/class/net/c1/address)"
result $? "VXLAN: and see each other's address"
reaches 1 10.1.0.2 -s 1422 -M "do"
result $? "VXLAN: what just fits passes"
! reaches 1 10.1.0.2 -s 1423 -M "do" &&
	host 1 virtlite -j switch stats vsw0 vx0 | grep -q '"drop_too_big": *[1-9]'
result $? "VXLAN: what does not fit is dropped and counted"
for n in 1 2; do
	host $n virtlite switch port del vsw0 vx0
done
! reaches 1 10.1.0.2
result $? "VXLAN: without the uplink nothing passes"
for n in 1 2; do
	host $n ip link del vx0
	host $n ip addr flush dev wire0
	host $n ip link set wire0 down
done

# -------------------------------------------------------------------- bond
for n in 1 2; do
	host $n ip link add bond0 type bond mode 802.3ad miimon 100 lacp_rate fast || {
		echo "TEST: bond [SKIP]"
		exit $bad
	}
	host $n ip link set wire0 down master bond0
	host $n ip link set wire1 down master bond0
	host $n ip link set bond0 up
	host $n virtlite switch port add vsw0 uplink bond0
done
eventually reaches 1 10.1.0.2
result $? "bond: the containers reach each other"

# Each bond's partner is the other one: its LACP came through, past the switch.
has_partner() {
	host 1 cat /sys/class/net/bond0/bonding/ad_partner_mac |
		grep -q "$(host 2 cat /sys/class/net/bond0/address)"
}
has_ports() { [ "$(host 1 cat /sys/class/net/bond0/bonding/ad_num_ports)" = "$1" ]; }
eventually has_partner
result $? "bond: LACP finds its partner"
eventually has_ports 2
result $? "bond: and uses both cables"
host 1 virtlite -j switch stats vsw0 bond0 | grep -q '"drop_loop": *0'
result $? "bond: no frame comes back by the other cable"
host 2 ip link set wire0 down
eventually has_ports 1
result $? "bond: a cable that is cut is not used"
eventually reaches 1 10.1.0.2
result $? "bond: and the other one carries what there is"
exit $bad
