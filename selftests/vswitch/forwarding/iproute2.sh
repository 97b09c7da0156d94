#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The plugin that gives ip the options of switches and vNICs, with the real ip; and
# the real bridge, for which nothing is needed.

. ./result.sh

ip=/usr/sbin/ip bridge=/usr/sbin/bridge
[ -x $ip ] || ip=/sbin/ip bridge=/sbin/bridge
IP_LIB_DIR=$(dirname "$(command -v virtlite)")
export IP_LIB_DIR

$ip link add sw0 type vswitch ageing 5000 fdb-limit 100
result $? "ip: a switch with options"
$ip -d -j link show sw0 | jq -e '.[0].linkinfo | .info_kind == "vswitch" and
	(.info_data | .ageing_ms == 5000 and .fdb_limit == 100 and .vlan_aware == 0)' >/dev/null
result $? "ip: shows them"
$ip -d link show sw0 | grep -q "ageing 5000 fdb-limit 100 "
result $? "ip: to people, too"
! $ip link add sw1 type vswitch fdb-limit 0 2>/dev/null &&
	! $ip link add sw1 type vswitch colour 7 2>/dev/null && [ ! -e /sys/class/net/sw1 ]
result $? "ip: what makes no sense is refused"
$ip link set sw0 type vswitch ageing 7000 &&
	$ip -d link show sw0 | grep -q "ageing 7000 fdb-limit 100 "
result $? "ip: changes one option"
$ip link add n7 link sw0 type vswitch_vnic port 7 &&
	$ip -d -j link show n7 | jq -e '.[0].linkinfo.info_data.port == 7' >/dev/null
result $? "ip: a vNIC with a port number"
$ip link set n7 up
$bridge vlan add dev n7 vid 10 pvid untagged self && $bridge vlan add dev n7 vid 20-29 self &&
	virtlite -j switch show sw0 | grep -q '"vlan_aware":true'
result $? "bridge: VLANs of a vNIC"
vlans=$($bridge -j vlan show dev n7)
jq -e '[.[] | select(.ifname == "n7").vlans[]] |
	any(.vlan == 10 and (.flags | index("PVID"))) and
	any(.vlan == 20 and .vlanEnd == 29)' >/dev/null <<<"$vlans" ||
	{ echo "$vlans"; false; }
result $? "bridge: shows them"
$ip link add v0 type veth peer name v1
$ip link set v0 up master sw0
$bridge link set dev v0 learning off flood off &&
	$bridge -d -j link show dev v0 |
		jq -e '.[0] | .learning == false and .flood == false and .mcast_flood == true' \
			>/dev/null
result $? "bridge: options of an uplink"
$ip link del v0
$ip link del sw0
exit $bad
