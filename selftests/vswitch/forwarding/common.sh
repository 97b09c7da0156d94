# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the stand-ins for ip and bridge share. They come first in PATH for tests
# that were written for the kernel's bridge, and have a switch do what the
# bridge is told. What a switch cannot do is an error here, too.
#
# VSWITCH_STATE is a folder for what a bridge remembers and a switch does not:
# SWITCH.filtering holds the default PVID of a "vlan_filtering 1" bridge.

real_ip=/usr/sbin/ip
real_bridge=/usr/sbin/bridge
[ -x $real_ip ] || real_ip=/sbin/ip
[ -x $real_bridge ] || real_bridge=/sbin/bridge
: "${VSWITCH_STATE:=/tmp/vswitch-state}"

die() {
	echo "${0##*/} (vswitch): $*" >&2
	exit 2
}

is_switch() {
	[ -n "$1" ] && virtlite switch show "$1" >/dev/null 2>&1
}

# The switch whose port this interface is
switch_of() {
	master=$(readlink "/sys/class/net/$1/master") || die "$1 is no port"
	echo "${master##*/}"
}

# onoff OPTION VALUE: "OPTION on" or "OPTION off"
onoff() {
	case $2 in
	on|1) echo "$1 on";;
	off|0) echo "$1 off";;
	*) die "$1: $2?";;
	esac
}

# port_option SWITCH PORT NAME VALUE: an option of a bridge port
port_option() {
	case $3 in
	flood) words=$(onoff flood-unknown "$4");;
	mcast_flood) words=$(onoff flood-mcast "$4");;
	bcast_flood) words=$(onoff flood-bcast "$4");;
	learning) words=$(onoff learn "$4");;
	guard) words=$(onoff bpdu-guard "$4");;
	isolated)
		words=promiscuous
		case $4 in on|1) words=isolated;; esac;;
	*) die "a switch's port has no \"$3\"";;
	esac
	# shellcheck disable=SC2086
	virtlite switch port set "$1" "$2" $words
}

# switch_option SWITCH NAME VALUE: an option of a bridge
switch_option() {
	case $2 in
	ageing_time) virtlite switch set "$1" ageing $(($3 * 10));;
	mcast_snooping)
		[ "$3" = 0 ] && virtlite switch set "$1" snooping off && return
		virtlite switch set "$1" snooping on;;
	vlan_filtering)
		if [ "$3" = 1 ]; then
			echo 1 >"$VSWITCH_STATE/$1.filtering"
		else
			rm -f "$VSWITCH_STATE/$1.filtering"
		fi;;
	vlan_default_pvid)
		[ -e "$VSWITCH_STATE/$1.filtering" ] || return 0
		echo "$3" >"$VSWITCH_STATE/$1.filtering";;
	vlan_protocol)
		case $3 in 802.1[qQ]) ;; *) die "vlan_protocol $3";; esac;;
	fdb_max_learned) virtlite switch set "$1" fdb-limit "$3";;
	*) die "a switch has no \"$2\"";;
	esac
}

# join SWITCH PORT: a new port of a bridge with VLAN filtering
join() {
	[ -e "$VSWITCH_STATE/$1.filtering" ] || return 0
	read -r pvid <"$VSWITCH_STATE/$1.filtering"
	if [ "$pvid" = 0 ]; then
		virtlite switch port set "$1" "$2" trunk ''
	else
		virtlite switch port set "$1" "$2" trunk "$pvid" native "$pvid"
	fi
}

mkdir -p "$VSWITCH_STATE"
