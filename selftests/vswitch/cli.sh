#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The command against the module: what it sets is there, what it removes is
# gone. ./virtlite is the static program.

# shellcheck source=selftests/lib/tap.sh
. ./tap.sh

v=./virtlite

$v switch add vswt0 ageing 5000 fdb-limit 100
result $? "add"
$v -j switch show vswt0 | grep -q '"ageing_ms":5000.*"fdb_limit":100'
result $? "show what was set"
$v switch set vswt0 move-limit 9 && $v -j switch show vswt0 | grep -q '"move_limit":9,"move_hold_ms":1000'
result $? "set one of two values, the other stays"
$v switch set vswt0 snooping on repeat-limit 7 &&
	$v -j switch show vswt0 | grep -q '"repeat_limit":7.*"snooping":true'
result $? "snooping and the repeat limit"
$v -j switch groups vswt0 | grep -q '^\[ *\]$'
result $? "groups: none"
$v switch policy vswt0 off && [ "$($v switch policy vswt0)" = none ]
result $? "policy: none"
! $v switch policy vswt0 pinned /nowhere 2>err && grep -q /nowhere err
result $? "policy: nothing is pinned there"
$v switch port add vswt0 vnic vnict0 mac 02:00:00:00:00:07 access 10 locked on isolated
result $? "port add"
ip link show vnict0 2>/dev/null | grep -q 02:00:00:00:00:07
result $? "the interface is there"
$v -j switch show vswt0 | grep -q '"name":"vnict0","kind":"vnic".*"role":"isolated".*'
result $? "show the port"
$v -j switch show vswt0 | grep -q '"vlan_aware":true'
result $? "its VLAN makes the switch VLAN-aware"
$v switch port set vswt0 vnict0 trunk 10,20-29 native 5 rate-in 1000000 promiscuous
result $? "port set by name"
$v switch fdb add vswt0 02:00:00:00:00:08 vnict0 vlan 20 static
result $? "fdb add"
$v switch fdb show vswt0 | grep -q '02:00:00:00:00:08 *20 *1 static'
result $? "fdb show"
! $v switch fdb add vswt0 02:00:00:00:00:08 vnict0 vlan 20 2>err
result $? "fdb add once more fails"
grep -q "there is an entry" err
result $? "and says why"
$v switch fdb del vswt0 02:00:00:00:00:08 vlan 20
result $? "fdb del"
$v switch mirror vswt0 1 vnict0 to 0 in snap 64
result $? "mirror"
$v switch mirror vswt0 1 off
result $? "mirror off"
$v switch add vswt1 && $v switch port add vswt1 vnic vnict1 &&
	$v switch port add vswt0 uplink vnict1 team 3
result $? "an uplink of a team"
$v -j switch show vswt0 | grep -q '"name":"vnict1","kind":"uplink".*"team":3'
result $? "show its team"
! $v switch port set vswt0 vnict0 team 3 2>err && grep -q "only uplinks" err
result $? "others have none"
$v switch port set vswt0 vnict0 trunk 20,30-32 native 5 isolated rate-in 1000000 limit 9
$v switch fdb add vswt0 02:00:00:00:00:08 vnict0 vlan 20 static
$v switch mirror vswt0 1 vnict0 to 0 in snap 64
$v switch save vswt0 >saved
result $? "save"
$v switch port del vswt0 vnict0
! $v switch restore saved vswt0 2>err
result $? "restore fails where the switch is"
$v switch del vswt0
$v switch restore saved
result $? "restore"
$v switch save vswt0 >again
cmp saved again
result $? "and what is saved then is the same"
$v switch del vswt0
ip link add vnict0 type dummy 2>/dev/null || ip link add vnict0 type vswitch
! $v switch restore saved vswt0 2>err
result $? "restore fails where a name is taken"
! $v switch show vswt0 >/dev/null 2>&1
result $? "and leaves nothing behind"
ip link del vnict0
$v switch restore - vswt0 <saved
result $? "restore from what is piped in"
$v switch mirror vswt0 1 off
$v switch stats vswt0 vnict0 | grep -q "port 1"
result $? "stats"
$v switch events vswt0 >told &
sleep 1
$v switch port del vswt0 vnict0
result $? "port del"
! ip link show vnict0 >/dev/null 2>&1
result $? "the interface is gone"
$v switch del vswt0
result $? "del"
$v switch del vswt1
wait
grep -q "port-removed port 1" told && grep -q switch-removed told
result $? "events told of both, and ended"
finish
