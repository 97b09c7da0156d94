#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `virtlite gpu` on the real thing, as a user types it. Prints TAP.

[ -e /dev/vgpu ] || { echo "1..0 # SKIP no /dev/vgpu"; exit 4; }
[ -e /sys/module/vfio_iommu_type1 ] || modprobe vfio_iommu_type1
v=$(pwd)/virtlite
uuid=6e0c1a52-3a8f-4a44-9a51-2a4f6d1f0a01
n=0 failed=0

# t NAME TEXT COMMAND...: it succeeds and prints TEXT (a basic regular expression)
t() {
	name=$1 text=$2
	shift 2
	n=$((n + 1))
	if out=$("$@" 2>&1) && echo "$out" | grep -q -e "$text"; then
		echo "ok $n $name"
	else
		failed=1
		echo "not ok $n $name"
		echo "$out" | sed 's/^/# /'
	fi
}
# f NAME TEXT COMMAND...: it fails, and says TEXT
f() {
	name=$1 text=$2
	shift 2
	n=$((n + 1))
	if out=$("$@" 2>&1) || ! echo "$out" | grep -q -e "$text"; then
		failed=1
		echo "not ok $n $name"
		echo "$out" | sed 's/^/# /'
	else
		echo "ok $n $name"
	fi
}

cat >crc.vgpu <<E
memory text 9
memory crc 4
vram copy 9
put text u8 0x31 0x32 0x33 0x34 0x35 0x36 0x37 0x38 0x39
copy src=text dst=copy bytes=9
crc32c src=copy dst=crc bytes=9
expect crc u32 0xe3069283
show crc 4
E
sed 's/0xe3069283/1/' crc.vgpu >wrong.vgpu
echo fault >fault.vgpu

f "a GPU that is too small" "power of two" "$v" gpu create --vram 1M
t "create" '^vgpu0$' "$v" gpu create --vram 64M --engines 2 --preempt-timeout 20s \
	--test-commands
f "the same number again" "there already" "$v" gpu create --vram 64M --id 0
t "types" '^1of4 *4 more' "$v" gpu types 0
t "slice add" "^$uuid\$" "$v" gpu slice add 0 1of4 --uuid $uuid
t "types, with one fewer" '^1of4 *3 more' "$v" gpu types vgpu0
t "types as JSON" '"available": *3' "$v" -j gpu types vgpu0
t "list" "$uuid *4/16 compute" "$v" gpu list
t "slice set" '' "$v" gpu slice set 0 0 --weight 77 --priority 3
t "list after that" '"weight": *77' "$v" -j gpu list
f "a slice that is not there" "No such" "$v" gpu slice set 0 5 --weight 7
t "set" '' "$v" gpu set 0 --policy equal --quantum 2ms
t "list after that" '"quantum": *2000000' "$v" -j gpu list
t "run" 'crc+0: 83 92 06 e3' "$v" gpu run crc.vgpu --slice $uuid --timeout 60s
t "run on the other queue" 'crc+0: 83' "$v" gpu run crc.vgpu --slice $uuid --queue 1 --timeout 60s
f "run what does not come out" 'wrong.vgpu:7: not as expected' \
	"$v" gpu run wrong.vgpu --slice $uuid --timeout 60s
f "run what faults" 'fault.vgpu:1: ' "$v" gpu run fault.vgpu --slice $uuid --timeout 60s
t "stats" '^ *0 ' "$v" gpu stats 0
t "stats as JSON" '"faults": *1' "$v" -j gpu stats 0
t "log" 'engine 1 slice 0' "$v" gpu log 0
t "log as a picture" '<svg .*' "$v" gpu log 0 --svg
t "top" '^ *0 .*' "$v" gpu top 0 --interval 100ms --count 1
f "delete with a slice" "has slices" "$v" gpu delete 0
t "slice del" '' "$v" gpu slice del $uuid
t "delete" '' "$v" gpu delete 0
f "delete again" "No such" "$v" gpu delete 0

echo "1..$n"
exit $failed
