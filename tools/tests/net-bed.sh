#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# net-bed.sh FOLDER TEST...: the part of tests/net.sh that runs on a test kernel,
# in the host's root. Prints TAP. FOLDER holds virtlite, bzImage and guest.cpio.

work=$1
shift
PATH=$work:/usr/sbin:/usr/bin:/sbin:/bin
tmp=$(mktemp -d) || exit 1
cd "$tmp" || exit 1
# shellcheck source=selftests/lib/tap.sh
. "$work/tap.sh"
evidence() {
	for g in a b q; do
		[ ! -e "$g.out" ] || tail -n 12 "$g.out" | sed "s/^/$g: /"
	done
}

# until_said FILE PATTERN: wait for a line of a guest
until_said() {
	i=0
	while ! grep -aq "$2" "$1"; do
		i=$((i + 1))
		[ $i -lt 900 ] || return 1
		sleep 0.2
	done
}

# where NAME: a guest that does not answer, and what its VMM is doing
where() {
	echo "# $1 does not answer; its console, and the VMMs' threads:"
	tail -n 3 "$1.out" | sed 's/^/# /'
	for t in /proc/[0-9]*/task/[0-9]*; do
		read -r comm 2>/dev/null <"$t/comm" || continue
		case $comm in
		virtlite*) echo "# $t $comm: $(cat "$t/wchan") $(tr '\n' ' ' <"$t/stack")";;
		esac
	done
}

# start NAME COMMAND...: run a machine whose console is NAME.in and NAME.out
start() {
	g=$1
	shift
	mkfifo "$g.in"
	: >"$g.out"
	timeout 500 "$@" <"$g.in" >"$g.out" 2>"$g.err" &
	eval "pid_$g=$!"
	case $g in
	a) exec 5>a.in;;
	b) exec 6>b.in;;
	q) exec 7>q.in;;
	esac
}

# tell NAME COMMAND: a line for a guest's shell
tell() {
	case $1 in
	a) echo "$2" >&5;;
	b) echo "$2" >&6;;
	q) echo "$2" >&7;;
	esac
}

# in_guest NAME COMMAND: have it done, and know how it ended. What it prints is
# in NAME.last.
seq=0
in_guest() {
	seq=$((seq + 1))
	from=$(($(wc -c <"$1.out") + 1))
	tell "$1" "$2; echo \"done: \$(($seq)) \$?\""
	if ! until_said "$1.out" "^done: $seq [0-9]"; then
		where "$1" >&8
		return 1
	fi
	tail -c "+$from" "$1.out" | tr -d '\r' >"$1.last"
	cat "$1.last"
	grep -q "^done: $seq 0" "$1.last"
}

# guest_says NAME PATTERN COMMAND: it succeeds and prints that
guest_says() {
	in_guest "$1" "$3" && grep -q "$2" "$1.last"
}

# refuse COMMAND...: it must fail
refuse() { ! "$@"; }

# stat PORT COUNTER
stat() { virtlite -j switch stats vsw0 "$1" | jq ".[0].$2"; }
port_named() {
	virtlite -j switch show vsw0 | jq -r ".[0].ports[] | select(.name == \"$1\") | .port"
}
nr_ports() { virtlite -j switch show vsw0 | jq '.[0].ports | length'; }

# served NAMESPACE NAME: a web server with a file of random bytes, its sum in NAME.sum
serve() {
	mkdir -p "www-$2"
	dd if=/dev/urandom "of=www-$2/blob" bs=64k count=32 2>/dev/null
	md5sum <"www-$2/blob" | cut -d' ' -f1 >"$2.sum"
	ip netns exec "$1" busybox httpd -h "www-$2" -p 80
}

exec 8>&1

set_up() {
	sysctl -qw net.ipv6.conf.default.accept_dad=0
	ip netns add container
	ip netns add tenant
	ip netns add outside
	virtlite switch add vsw0
	virtlite switch port add vsw0 vnic c0 netns container
	virtlite switch port add vsw0 vnic t0 netns tenant access 10
	ip link add cable type veth peer name wire
	ip link set wire netns outside
	ip link set cable up
	virtlite switch port add vsw0 uplink cable
	ip addr add 10.0.0.1/24 dev vsw0
	ip addr add fd00::1/64 dev vsw0
	ip link set vsw0 up
	ip -n container addr add 10.0.0.2/24 dev c0
	ip -n container addr add fd00::2/64 dev c0
	ip -n container link set c0 up
	ip -n tenant addr add 10.0.10.2/24 dev t0
	ip -n tenant link set t0 up
	ip -n outside addr add 10.0.0.9/24 dev wire
	ip -n outside addr add fd00::9/64 dev wire
	ip -n outside link set wire up
	for ns in container tenant outside; do
		ip -n $ns link set lo up
	done
	serve container c
	serve outside o
}

# Of both guests: addresses, and a file to fetch.
prepare_guest() {
	in_guest "$1" "ip addr add 10.0.0.$2/24 dev eth0; ip addr add fd00::$2/64 dev eth0
		echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set lo up
		ip link set eth0 up; mkdir -p /www
		dd if=/dev/urandom of=/www/blob bs=64k count=32 2>/dev/null; httpd -h /www -p 80" \
		>/dev/null
	guest_says "$1" "^[0-9a-f]\{32\}" "md5sum </www/blob" >/dev/null
	grep -o "^[0-9a-f]\{32\}" "$1.last" >"$1.sum"
}

fetch_says() { guest_says "$1" "^$(cat "$3.sum")" "wget -q -O - http://$2/blob | md5sum"; }
fetched() {
	[ "$(ip netns exec "$1" busybox wget -q -O - "http://$2/blob" | md5sum |
		cut -d' ' -f1)" = "$(cat "$3.sum")" ]
}

test_guests() {
	line="console=ttyS0 panic=-1 quiet"
	start a virtlite vm run --kernel "$work/bzImage" --initrd "$work/guest.cpio" \
		--cmdline "$line" --mem 128M --nic switch=vsw0,mac=52:54:00:00:00:0a,name=vma
	start b virtlite vm run --kernel "$work/bzImage" --initrd "$work/guest.cpio" \
		--cmdline "$line" --mem 128M --cpus 2 \
		--nic switch=vsw0,name=vmb --nic switch=vsw0,vlan=10,name=vmb10,mtu=1400,queues=1
	check "a guest with one card comes up" until_said a.out "^guest: up"
	check "one with two cards and two CPUs does" until_said b.out "^guest: up"
	check "the switch has their ports" [ "$(nr_ports)" = 7 ]
	prepare_guest a 3
	prepare_guest b 4
	check "the card's address is the one that was given" \
		guest_says a "52:54:00:00:00:0a" "cat /sys/class/net/eth0/address"
	check "it has interrupts of its own" \
		guest_says a "MSI.*virtio.-input" "grep virtio /proc/interrupts"

	for peer in "1 host" "2 container" "4 other-guest" "9 outside"; do
		who=${peer#* }
		who=$(echo "$who" | tr - ' ')
		check "the guest reaches the $who" \
			in_guest a "ping -c 2 -W 20 10.0.0.${peer% *}"
		check "and by IPv6" in_guest a "ping6 -c 2 -W 20 fd00::${peer% *}"
	done
	check "the container reaches the guest" \
		ip netns exec container ping -c 2 -W 20 10.0.0.3
	check "who is outside does" ip netns exec outside ping -c 2 -W 20 10.0.0.4
	check "and the host" ping -c 2 -W 20 10.0.0.3
	check "what the guest says is learned at its port" \
		[ "$(virtlite -j switch fdb show vsw0 vma |
			jq -r '.[] | select(.mac == "52:54:00:00:00:0a") | .vlan')" = 0 ]

	check "2 MiB from the container to the guest" fetch_says a 10.0.0.2 c
	check "from outside to the guest" fetch_says b 10.0.0.9 o
	check "from one guest to the other" fetch_says b 10.0.0.3 a
	check "from a guest to the container" fetched container 10.0.0.3 a
	check "from a guest to who is outside" fetched outside 10.0.0.4 b
	check "super-packets come out of a guest whole" \
		[ $(($(stat vma in_bytes) / $(stat vma in_frames))) -gt 1600 ]
	check "and go into one" [ $(($(stat vma out_bytes) / $(stat vma out_frames))) -gt 1600 ]
	check "two CPUs have two pairs of queues" \
		guest_says b "rx-1" "ls /sys/class/net/eth0/queues"
	check "both of which work" \
		guest_says b "^used 4" "awk '/virtio0-(in|out)put/ && \$2 + \$3 > 0 { k++ }
			END { print \"used\", k }' /proc/interrupts"

	in_guest b "ip addr add 10.0.10.4/24 dev eth1; ip link set eth1 up" >/dev/null
	check "a card in a VLAN reaches who else is there" \
		in_guest b "ping -c 2 -W 20 10.0.10.2"
	check "and its MTU is the port's" guest_says b "^1400" "cat /sys/class/net/eth1/mtu"
	# The host could answer, had it ever been asked.
	ip addr add 10.0.10.1/24 dev vsw0
	check "but not who is not" refuse in_guest b "ping -c 2 -W 3 10.0.10.1"

	check "a port is deleted" virtlite switch port del vsw0 vmb10
	check "and the guest's cable is out" guest_says b "^0" \
		"n=0; while grep -q 1 /sys/class/net/eth1/carrier && [ \$n -lt 100 ]; do
			sleep 0.1; n=\$((n + 1)); done; cat /sys/class/net/eth1/carrier"
	check "its other card does not mind" in_guest b "ping -c 2 -W 20 10.0.0.1"
	tell a "poweroff -f"
	tell b "poweroff -f"
	# shellcheck disable=SC2154
	wait "$pid_a"
	check "the first guest ends well" [ $? = 0 ]
	# shellcheck disable=SC2154
	wait "$pid_b"
	check "and the second" [ $? = 0 ]
	exec 5>&- 6>&-
	check "their ports went with them" [ "$(nr_ports)" = 4 ]
	check "a switch that is not there" \
		refuse virtlite vm run --kernel "$work/bzImage" --nic switch=nothing
	grep -q "switch nothing" tap.said || result 1 "and the words for it"
}

# An unchanged QEMU takes descriptor 3 for a tap device's.
test_qemu() {
	[ -e /dev/kvm ] || ln -s kvmlite /dev/kvm
	start q virtlite switch queue vsw0 mac 52:54:00:00:00:0c -- \
		qemu-system-x86_64 -M q35 -cpu host -m 192 -accel kvm,kernel-irqchip=split \
		-nodefaults -no-user-config -display none -serial stdio -no-reboot \
		-kernel "$work/bzImage" -initrd "$work/guest.cpio" \
		-append "console=ttyS0 panic=-1 quiet" \
		-netdev tap,id=n0,fd=3,vhost=off \
		-device virtio-net-pci,netdev=n0,mac=52:54:00:00:00:0c,romfile=
	check "QEMU takes a queue for a tap device" until_said q.out "^guest: up"
	prepare_guest q 5
	check "its guest reaches the host" in_guest q "ping -c 2 -W 20 10.0.0.1"
	check "and is reached from outside" ip netns exec outside ping -c 2 -W 20 10.0.0.5
	check "2 MiB to it" fetch_says q 10.0.0.9 o
	check "and from it" fetched container 10.0.0.5 q
	id=$(port_named qemu-system-x86)
	check "super-packets come out of it whole" \
		[ $(($(stat "$id" in_bytes) / $(stat "$id" in_frames))) -gt 1600 ]
	check "and go into it" \
		[ $(($(stat "$id" out_bytes) / $(stat "$id" out_frames))) -gt 1600 ]
	tell q "poweroff -f"
	# shellcheck disable=SC2154
	wait "$pid_q"
	check "QEMU ends well" [ $? = 0 ]
	exec 7>&-
	check "and its port with it" [ "$(nr_ports)" = 4 ]
}

set_up
for t; do
	case $t in
	guests) test_guests;;
	qemu)
		if command -v qemu-system-x86_64 >/dev/null; then
			test_qemu
		else
			n=$((n + 1))
			echo "ok $n - qemu # SKIP there is no qemu-system-x86_64"
		fi;;
	*) echo "net-bed.sh: unknown test $t" >&2; exit 2;;
	esac
done
# Nothing that this started may be left.
busybox killall -q httpd
virtlite switch del vsw0
for ns in container tenant outside; do
	ip netns del $ns
done
finish
