#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# virtlite up, down and status on the real modules: all made in order, nothing left when
# something fails, nothing taken that is somebody else's. Prints TAP.

# A kernel that does nothing: 64-bit entry, cli, hlt, and again. "up.sh kernel FILE" makes
# no more than that.
put() { # shellcheck disable=SC2059
	printf "$2" | dd of="$image" bs=1 seek=$(($1)) conv=notrunc 2>/dev/null; }
make_kernel() {
	image=$1
	truncate -s 2048 "$image"
	put 0x1f1 '\001'
	put 0x1f4 '\100'
	put 0x1fe '\125\252\353\146HdrS\017\002'
	put 0x211 '\001'
	put 0x236 '\001\000\377\007'
	put 0x25b '\001'
	put 0x262 '\020'
	put 1536 '\372\364\353\375'
}
if [ "$1" = kernel ]; then
	make_kernel "$2"
	exit
fi

for node in vswitch vblk-control vgpu kvmlite; do
	[ -c /dev/$node ] || { echo "1..0 # SKIP no /dev/$node"; exit 4; }
done
v=$(pwd)/virtlite
# shellcheck source=selftests/lib/tap.sh
. ./tap.sh
work=$(mktemp -d) && cd "$work" || exit 1
state=$work/state
# ends STATUS TEXT COMMAND...: with that status, and TEXT in what it says
ends() {
	want=$1 text=$2
	shift 2
	"$@" >said 2>&1
	got=$?
	cat said
	[ "$got" = "$want" ] && grep -q -e "$text" said && return
	echo "status $got, not $want"
	false
}
up() { "$v" up --state "$state" "$@"; }
down() { "$v" down --state "$state" "$@"; }
status() { "$v" "$@" status --state "$state"; }
guests() { pidof virtlite | wc -w; }

# What there is of everything; the same text twice means that nothing has changed.
all() {
	"$v" -j switch show
	"$v" -j disk list
	"$v" -j gpu list | sed 's/"busy":[0-9]*//; s/"now":[0-9]*//'
	ls /sys/bus/mdev/devices
	guests
}
# Nothing of ours, and no record.
clean() {
	[ "$("$v" -j switch show)" = "[]" ] && [ "$("$v" -j disk list)" = "[]" ] &&
	[ "$("$v" -j gpu list)" = "[]" ] && [ -z "$(ls /sys/bus/mdev/devices)" ] &&
	[ "$(guests)" = 0 ] && [ -z "$(ls "$state" 2>/dev/null)" ] && return
	all
	ls "$state"
	false
}
same() { [ "$(all)" = "$before" ] || { echo "$before"; all; false; }; }

make_kernel kernel
truncate -s 8M data.raw
# lab EXTRA-PORT EXTRA-SLICE KERNEL: the set, with places for what is wrong
lab() {
	cat <<E
{ "name": "lab",
  "switches": [ { "name": "lan0", "ageing": 60000, "ports": [
    { "name": "web0", "kind": "vnic", "access": 10, "rate-in": 125000000 },
    { "name": "db0", "kind": "vnic", "isolated": true, "learn": false }$1 ] } ],
  "disks": [ { "name": "data", "file": "$work/data.raw" },
    { "name": "scratch", "ram": true, "size": "4M", "sector": 4096 } ],
  "gpus": [ { "name": "gpu", "vram": "64M", "engines": 2, "slices": [
    { "name": "a", "type": "1of4", "weight": 512 },
    { "name": "b", "type": "1of2", "uuid": "6e0c1a52-3a8f-4a44-9a51-2a4f6d1f0a77" }$2 ] } ],
  "guests": [ { "name": "web", "kernel": "$3", "mem": "32M", "disks": [ "data", "scratch,ro" ],
    "nics": [ { "switch": "lan0", "vlan": 10 } ] } ] }
E
}
lab "" "" "$work/kernel" >lab.json
lab ', { "name": "web0", "kind": "uplink" }' "" "$work/kernel" >two.json
lab ', { "name": "no-such-dev", "kind": "uplink" }' "" "$work/kernel" >port.json
lab "" ', { "name": "c", "type": "1of2" }' "$work/kernel" >slice.json
lab "" "" "$work/no-kernel" >guest.json
sed 's/data.raw/none.raw/' lab.json >disk.json
sed 's/"engines": 2/"engines": 2, "id": 4000/' lab.json >gpu.json
sed 's/"engines": 2/"engine": 2/; s/"mem": "32M"/"mem": "32X"/' lab.json >option.json

"$v" disk attach --ram --size 1M --id 7 >/dev/null
before=$(all)
check "status before" ends 0 '^vblk *loaded .* 1 disks' status
check "a file is checked without anything being made" ends 0 "lab: 9 objects" up --check lab.json
check "an option's wrong value" ends 2 'guest web: --mem 32X' up --check \
	"$(sed 's/"32M"/"32X"/' lab.json >mem.json; echo mem.json)"
check "an unknown option" ends 2 'gpu gpu: unrecognized option .--colour' up \
	"$(sed 's/"engines": 2/"colour": 2/' lab.json >colour.json; echo colour.json)"
check "two of a name" ends 2 "two of that name" up two.json
check "no file" ends 2 "none.json" up none.json
check "nothing was touched" same

# fails NAME TEXT FILE: up does not get through, and leaves nothing
fails() {
	check "$1" ends 1 "$2" up "$3"
	check "nothing is left of it" same
}
fails "an uplink that is not there" "port lan0/no-such-dev" port.json
fails "a disk whose file is not there" "disk data: .*none.raw" disk.json
fails "a GPU whose number cannot be" "gpu gpu" gpu.json
fails "a slice for which there is no room" "slice gpu/c" slice.json
fails "a guest whose kernel is not there" "guest web: .*no-kernel" guest.json
check "and no record" test -z "$(ls "$state")"

"$v" switch add lan0
check "a switch of that name is there already" ends 1 "lan0: it is there already" up lab.json
check "and stays" "$v" switch del lan0
check "nothing else is left" same

check "up" ends 0 "^lab is up: 9 made" up lab.json
check "the guest runs" test "$(guests)" = 1
check "status" ends 0 "^lab is up: 9 objects, 1 of 1 guests running" status
check "status knows the machine" ends 0 "^kvmlite *loaded .* 1 vms" status
check "status as JSON" ends 0 '"name":"lan0","ports":3' status -j
before=$(all)
check "up again changes nothing" ends 0 "^lab is up: nothing to do" up lab.json
check "really" same
check "as JSON" ends 0 '"result":"ok","changed":false' "$v" -j up --state "$state" lab.json
check "described otherwise" ends 1 "disk data is up, and described otherwise" up disk.json
check "and not touched" same

"$v" switch port add lan0 vnic guest0 >/dev/null
check "down leaves a switch with somebody's port" ends 3 "up did not make its port [0-9]* (guest0)" \
	down lab.json
check "and says what it is" ends 0 "^lab is up: 1 objects" status
"$v" switch port del lan0 guest0
check "then down" ends 0 "^lab is down: 0 made, 1 removed" down lab
before=$("$v" -j disk list)
check "the disk that was there before is still" test "$before" != "[]"
check "down again" ends 0 "^lab is not up\|nothing to do" down lab.json
"$v" disk detach 7
check "and nothing else is" clean

check "up for a disk that somebody opens" ends 0 "9 made" up lab.json
disk=$("$v" disk list | sed -n 's/^\(vblk[0-9]*\) .*file.*/\1/p')
exec 9<"/dev/$disk"
check "down keeps it" ends 3 "disk data" down lab.json
check "down --force does not" ends 0 "1 removed" down --force lab.json
exec 9<&-
check "and nothing is left of it" clean

check "up for a guest that ends" ends 0 "9 made" up lab.json
kill -9 "$(pidof virtlite)"
sleep 1
check "up starts it again, and nothing else" ends 0 "1 made, 0 removed, 8 unchanged" up lab.json
check "down of all" ends 0 "9 removed" down lab.json
check "leaves nothing" clean

# Killed somewhere: whatever is there then is found by the next one.
for pause in 0 0.01 0.02 0.04 0.06 0.08 0.1 0.15 0.2 0.3; do
	"$v" up --state "$state" lab.json >/dev/null 2>&1 &
	sleep $pause
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	# A guest that was being started ends by itself or is found.
	check "killed after $pause s, up" ends 0 "^lab is up" up lab.json
	check "down of that" ends 0 "^lab is down" down lab.json
	check "all gone" clean
done

rm -r "$work"
finish
