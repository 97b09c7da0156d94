#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# soak.sh [SECONDS [SEED]]: the four modules under load together. Objects of all kinds come
# and go at random, under traffic, I/O, engine work and running guests; processes are killed
# in the middle of it; and where the kernel can inject faults, allocations fail. What a
# command says does not matter here. What does: at the end everything can be removed, and
# whoever runs this sees to the rest: no splat, no leak, modules that unload.
#
# With LONG in the environment ten minutes, else less than one. Prints TAP.

# shellcheck disable=SC2086,SC2046 # numbers and names that are made here
for node in vswitch vblk-control vgpu kvmlite; do
	[ -c /dev/$node ] || { echo "1..0 # SKIP no /dev/$node"; exit 4; }
done
seconds=${1:-${LONG:+600}}
seconds=${seconds:-45}
seed=${2:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
echo "# seed $seed, $seconds s: soak.sh $seconds $seed does the same again"
home=$(pwd)
v=$home/virtlite
work=$(mktemp -d) && cd "$work" || exit 1
now() { cut -d. -f1 /proc/uptime; }
end=$(($(now) + seconds))
[ -e /sys/module/vfio_iommu_type1 ] || modprobe vfio_iommu_type1

# rnd N: a number below N in $r, from the worker's own row
rnd() { seed=$(((seed * 1103515245 + 12345) & 0x7fffffff)); r=$(((seed >> 8) % $1)); }
# Is there time for one more round? Each is counted.
more() { rounds=$((rounds + 1)); [ "$(now)" -lt $end ]; }

# Every third command of a worker has one in ten of its allocations fail.
faults=/sys/kernel/debug/failslab
if [ -d $faults ]; then
	echo 10 >$faults/probability
	echo -1 >$faults/times
	echo 0 >$faults/verbose
	echo Y >$faults/task-filter
	echo N >$faults/ignore-gfp-wait
fi
run() {
	rnd 3
	if [ "$r" = 0 ] && [ -d $faults ]; then
		# shellcheck disable=SC2016
		sh -c 'echo 1 >/proc/self/make-it-fail; exec "$@"' _ "$@"
	else
		"$@"
	fi >/dev/null 2>&1
}
# Ends what the worker has started last, some time from now, as the OOM killer would.
later() {
	rnd 10
	usleep $((r * 30000))
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
}

switches() {
	rnd 2
	s=soak$r
	run "$v" switch add $s ageing 1000
	unshare -n sleep 2 &
	ns=$!
	usleep 50000
	run "$v" switch port add $s vnic a$s netns $ns
	run "$v" switch port add $s vnic b$s access 5
	run "$v" switch port set $s b$s transparent rate-in 1000000 antispoof on
	nsenter -t $ns -n ip addr add 10.9.0.1/24 dev a$s 2>/dev/null
	nsenter -t $ns -n ip link set a$s up 2>/dev/null
	ip addr add 10.9.0.2/24 dev b$s 2>/dev/null
	ip link set b$s up 2>/dev/null
	ip link set $s up 2>/dev/null
	nsenter -t $ns -n ping -q -c 100 -i 0.01 -s 1400 10.9.0.2 >/dev/null 2>&1 &
	later
	run "$v" switch mirror $s 0 all to b$s
	run "$v" switch fdb flush $s
	rnd 3
	case $r in
	0) kill -9 $ns;;
	1) run "$v" switch port del $s b$s;;
	esac
	"$v" switch del $s 2>/dev/null
	kill -9 $ns 2>/dev/null
	wait $ns 2>/dev/null
}

disks() {
	rnd 3
	case $r in
	0) d=$("$v" disk attach --ram --size 8M 2>/dev/null);;
	1) truncate -s 8M raw$me; d=$("$v" disk attach --file raw$me 2>/dev/null);;
	*)
		rm -f pool$me
		run "$v" disk create pool$me --size 4M --pool 32M --name vol --cluster 4k --force
		d=$("$v" disk attach --image pool$me --volume vol 2>/dev/null);;
	esac
	[ -b "$d" ] || return
	dd if=/dev/urandom of="$d" bs=64k count=32 conv=fsync 2>/dev/null &
	later
	if [ "$r" -gt 4 ]; then
		run "$v" disk limit "$d" --iops 2000
	fi
	run "$v" disk snapshot pool$me vol snap
	run "$v" disk clone pool$me snap clone
	dd if="$d" of=/dev/null bs=64k 2>/dev/null &
	run "$v" disk commit pool$me clone
	run "$v" disk delete pool$me snap
	run "$v" disk resize "$d" --size 6M
	later
	rnd 2
	if [ "$r" = 0 ]; then
		dd if=/dev/zero of="$d" bs=4k 2>/dev/null &
		"$v" disk detach "$d" --force
		wait $!
	else
		"$v" disk detach "$d" --wait
	fi >/dev/null 2>&1
}

cat >job.vgpu <<E
memory text 9
vram copy 9
put text u8 0x31 0x32 0x33 0x34 0x35 0x36 0x37 0x38 0x39
copy src=text dst=copy bytes=9
E
echo fault >fault.vgpu
gpus() {
	g=$("$v" gpu create --vram 64M --engines 2 --test-commands --preempt-timeout 100ms 2>/dev/null)
	[ -n "$g" ] || return
	a=$("$v" gpu slice add "$g" 1of4 2>/dev/null)
	b=$("$v" gpu slice add "$g" 1of8 2>/dev/null)
	run "$v" gpu slice set "$g" 0 --weight 100
	run "$v" gpu run job.vgpu --slice "$b"
	"$v" gpu run job.vgpu --slice "$a" >/dev/null 2>&1 &
	run "$v" gpu run fault.vgpu --slice "$b"
	later
	run "$v" gpu set "$g" --policy priority
	run "$v" gpu slice del "$b"
	"$v" gpu run job.vgpu --slice "$a" >/dev/null 2>&1 &
	"$v" gpu delete "$g" --force >/dev/null 2>&1
	later
}

guests() {
	rnd 1000
	"$home/guest_fuzz" --seconds 2 --seed $r >/dev/null 2>&1 &
	rnd 3
	sleep $r
	later
	"$home/ioctl_fuzz" --count 200 --seed $r >/dev/null 2>&1 &
	later
}

# The whole at once, killed at some point, and made whole and undone after that.
sed "s|WORK|$work|" >lab.json <<E
{ "switches": [ { "name": "lab0", "ports": [ { "name": "labv", "kind": "vnic" } ] } ],
  "disks": [ { "name": "d", "ram": true, "size": "4M" } ],
  "gpus": [ { "name": "g", "vram": "64M", "slices": [ { "name": "s", "type": "1of2" } ] } ],
  "guests": [ { "name": "vm", "kernel": "WORK/kernel", "mem": "16M", "disks": [ "d" ],
    "nics": [ { "switch": "lab0" } ] } ] }
E
"$home/up.sh" kernel kernel
together() {
	run "$v" up --state state lab.json &
	later
	run "$v" up --state state lab.json
	run "$v" down --state state lab
	"$v" down --state state --force lab >/dev/null 2>&1
}

worker() { # NAME: until the time is up
	me=$1
	seed=$((seed + $2))
	rounds=0
	while more; do
		$1
	done
	echo $((rounds - 1)) >rounds.$1
}
n=0
workers='switches disks gpus guests together'
for w in $workers; do
	n=$((n + 1))
	worker $w $((n * 7919)) &
	pids="$pids $!"
done
# shellcheck disable=SC2086
wait $pids
[ ! -d $faults ] || echo 0 >$faults/probability

# shellcheck source=selftests/lib/tap.sh
. "$home/tap.sh"
for w in $workers; do
	echo "# $w: $(cat rounds.$w) rounds"
	[ "$(cat rounds.$w)" -gt 0 ]
	result $? "$w: had a round"
done
# What is left of those who were killed.
kill -9 $(pidof virtlite guest_fuzz ioctl_fuzz dd ping) 2>/dev/null
"$v" down --state state --force lab
for d in /sys/block/vblk*; do
	[ ! -e "$d" ] || "$v" disk detach "${d##*/}" --force
done
for g in /sys/class/vgpu/vgpu*; do
	[ ! -e "$g" ] || "$v" gpu delete "${g##*/}" --force
done
for s in soak0 soak1 lab0; do
	[ ! -e /sys/class/net/$s ] || "$v" switch del $s
done
left=$("$v" -j disk list; "$v" -j gpu list; "$v" -j switch show)
[ "$left" = "[]
[]
[]" ]
result $? "all can be removed"
echo "$left" | sed 's/^/# /'
cd / && rm -r "$work"
finish
