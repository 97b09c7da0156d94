#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The command line: what it refuses, with which status and which words; and
# that manual and completion know what it knows. VIRTLITE names the program.

cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
n=0
failed=0

result() {
	n=$((n + 1))
	echo "$1 $n - $2"
	[ "$1" = ok ] && return
	sed 's/^/# /' "$work/err"
	failed=1
}

# t NAME STATUS TEXT ARGUMENT...: that status, and TEXT in what is printed
t() {
	name=$1 status=$2 text=$3
	shift 3
	"$VIRTLITE" "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	if [ $got = "$status" ] && cat "$work/out" "$work/err" | grep -q -e "$text"; then
		result ok "$name"
	else
		result "not ok" "$name (status $got)"
	fi
}

t "no argument: help" 0 "Usage"
t "help" 0 "OBJECT" help
t "version" 0 "^virtlite [0-9]" version
t "version in JSON" 0 '{"version":"[0-9.]*"}' -j version
t "an unknown object" 2 'unknown object "disc"' disc
t "an unknown verb" 2 'unknown vm verb "walk"' vm walk
t "an unknown option" 2 "bogus" --bogus
t "vm alone: its help" 0 "vm run" vm
t "the beginning of a verb" 0 "vm run" vm he

t "run without a kernel" 2 "kernel is missing" vm run
t "run with an unknown option" 2 "bogus" vm run --bogus
t "run with a word too many" 2 'unexpected "now"' vm run --kernel k now
t "no memory" 2 "mem 0" vm run --kernel k --mem 0
t "memory that is no number" 2 "mem much" vm run --kernel k --mem much
t "negative memory" 2 "mem -1" vm run --kernel k --mem -1
t "too much memory" 2 "mem" vm run --kernel k --mem 99999999999G
t "no CPU" 2 "cpus 0" vm run --kernel k --cpus 0
t "CPUs that are no number" 2 "cpus 1x" vm run --kernel k --cpus 1x
t "a disk without a path" 2 "no path" vm run --kernel k --disk ,ro
t "a balloon without a socket" 2 "which control socket" vm balloon
t "a balloon of no size" 2 "much: not a size" vm balloon sock much
t "a balloon and a word too many" 2 'unexpected "now"' vm balloon sock 64M now
t "a wait that is no number" 2 "wait long" vm balloon --wait long sock
t "a socket that is not there" 1 "$work/none" vm balloon "$work/none"
t "another console" 2 "only stdio" vm run --kernel k --console vga
t "an empty mark" 2 "mark" vm run --kernel k --mark ""

t "a device that is not there" 1 "$work/none.*loaded" vm run --kernel k --device "$work/none"
t "a device that is none" 1 "/dev/null: KVM_GET_API_VERSION" vm run --kernel k --device /dev/null
t "info about no device" 1 "$work/none" vm info --device "$work/none"
t "info about a device that is none" 1 KVM_GET_API_VERSION vm info --device /dev/null

t "switch alone: its help" 0 "switch port add" switch
t "an unknown switch verb" 2 'unknown switch verb "walk"' switch walk
t "a switch without a name" 2 "name is missing" switch add
t "a switch with too long a name" 2 "too long" switch add abcdefghijklmnop
t "an ageing time that is no number" 2 "ageing soon" switch add s ageing soon
t "an unknown attribute" 2 'unexpected "colour"' switch add s colour
t "no switch" 2 "switch is missing" switch port add

grep -o '{ "[a-z-]*", VSWITCH_P' virtlite/switch_port.c | cut -d'"' -f2 >"$work/options"
while read -r option; do
	manual=$(echo "$option" | sed 's/-/\\-/g')
	if grep -qF -e "$manual" virtlite/virtlite-switch.1 &&
	   grep -qw -e "$option" virtlite/completion; then
		result ok "$option is in the manual and in the completion"
	else
		result "not ok" "$option is in the manual and in the completion"
	fi
done <"$work/options"

t "a device without a name" 2 "vfio: no device" vm run --kernel k --vfio ""
t "too many devices" 2 "vfio: more than 8" vm run --kernel k --vfio 1 --vfio 2 --vfio 3 \
	--vfio 4 --vfio 5 --vfio 6 --vfio 7 --vfio 8 --vfio 9
t "a card without a switch" 2 "switch=NAME is missing" vm run --kernel k --nic vlan=3
t "a card in no VLAN" 2 "vlan: a value" vm run --kernel k --nic switch=s,vlan=4095
t "a card with half an address" 2 "mac: a value" vm run --kernel k --nic switch=s,mac=2:3
t "a card's unknown word" 2 'unknown "speed' vm run --kernel k --nic switch=s,speed=3
t "too many cards" 2 "more than 6" vm run --kernel k --nic switch=s --nic switch=s \
	--nic switch=s --nic switch=s --nic switch=s --nic switch=s --nic switch=s

t "disk alone: its help" 0 "disk attach" disk
t "attach nothing" 2 "one of --file" disk attach
t "attach two things" 2 "one of --file" disk attach --ram --file f
t "memory without a size" 2 "needs a --size" disk attach --ram
t "a size that is none" 2 "size 5x" disk attach --ram --size 5x
t "a size beyond 64 bits" 2 "size 99999999T" disk attach --ram --size 99999999T
t "a number that is none" 2 "id -1" disk attach --ram --size 1M --id -1
t "attach with a word too many" 2 'unexpected "now"' disk attach --ram now
t "detach nothing" 2 "which disk" disk detach
t "detach what is no disk" 2 '"sda" is no disk' disk detach sda
t "detach in two ways" 2 "wait or --force" disk detach 0 --wait --force
t "show two disks" 2 'unexpected "1"' disk show 0 1
t "limit by no number" 2 "iops many" disk limit 0 --iops many
if [ ! -e /dev/vblk-control ]; then
	t "no device for disks" 1 "module vblk loaded" disk list
	t "no device to attach with" 1 "module vblk loaded" disk attach --ram --size 1M
fi

t "gpu alone: its help" 0 "gpu create" gpu
t "a GPU without VRAM" 2 "vram is missing" gpu create
t "VRAM that is no size" 2 "vram 5x: not a size" gpu create --vram 5x
t "VRAM beyond 64 bits" 2 "not a size" gpu create --vram 99999999999G
t "a time without a unit" 2 "quantum 5: not a time" gpu create --vram 1G --quantum 5
t "a time that is negative" 2 "not a time" gpu create --vram 1G --job-timeout -1ms
t "an unknown policy" 2 "policy first: there is no such policy" gpu create --policy first
t "an unknown clock" 2 "there is no such clock" gpu create --clock wall
t "engines that are no number" 2 "engines two: not a number" gpu create --engines two
t "create with a word too many" 2 'unexpected "now"' gpu create --vram 1G now
t "delete no GPU" 2 "which GPU" gpu delete
t "delete what is no GPU" 2 '"vblk0" is no GPU' gpu delete vblk0
t "stats of two GPUs" 2 'unexpected "1"' gpu stats 0 1
t "list with a word too many" 2 'unexpected "0"' gpu list 0
t "set nothing" 2 "set what" gpu set 0
t "a slice of no type" 2 "which type" gpu slice add 0 1of3
t "a slice without a GPU" 2 "which GPU" gpu slice add
t "a UUID that is none" 2 "not a UUID" gpu slice add 0 1of4 --uuid 12
t "a slice that is no UUID" 2 "by its UUID" gpu slice del 0
t "set nothing of a slice" 2 "set what" gpu slice set 0 0
t "a mode that is none" 2 "not a mode" gpu slice set 0 0 --mode 1024
t "a personality that is none" 2 "compute or display" gpu slice set 0 0 --personality both
t "run nothing" 2 "which program" gpu run --slice x
t "run nowhere" 2 "slice is missing" gpu run x.vgpu
t "no such program" 1 "No such file" gpu run /nonexistent --slice x
t "an interval that is none" 2 "not a time" gpu top 0 --interval 5
if [ ! -e /dev/vgpu ]; then
	t "no device for GPUs" 1 "module vgpu_mdev loaded" gpu list
	t "no device to create with" 1 "module vgpu_mdev loaded" gpu create --vram 64M --quantum 1ms
	t "no device with vgpu0" 1 "module vgpu_mdev loaded" gpu delete vgpu0 --force
fi

echo '{"disks":[{"name":"d","ram":true,"size":"1M"}]}' >"$work/set.json"
echo '{"disks":[{"name":"d","ram":true,"size":"1X"}]}' >"$work/size.json"
echo '{"disks":[{"name":"d","ram":true,"size":"1M","colour":1}]}' >"$work/colour.json"
echo '{"switches":[{"name":"s","ageing":"soon"}]}' >"$work/switch.json"
echo '{"switches":[{"name":"s","ports":[{"name":"p","kind":"tap"}]}]}' >"$work/kind.json"
echo '{"switches":[{"name":"s","ports":[{"name":"p","kind":"vnic","hue":1}]}]}' >"$work/port.json"
echo '{"gpus":[{"name":"g","vram":"64M","slices":[{"name":"s","type":"1of4","uuid":"1"}]}]}' \
	>"$work/uuid.json"
echo '{"guests":[{"name":"g","kernel":"k","nics":[{"switch":"s","vlan":5000}]}]}' >"$work/nic.json"
echo '{"guests":[{"name":"g","kernel":"k","cpus":0}]}' >"$work/cpus.json"
echo '{' >"$work/broken.json"
printf '{"disks": [],\n "gpus" [] }\n' >"$work/comma.json"
t "up of nothing" 2 "up: which file" up
t "up of two files" 2 "which file" up a b
t "up of a file that is not there" 2 "$work/none" up "$work/none"
t "up of what is no JSON" 2 "broken.json:2: it ends too early" up "$work/broken.json"
t "a set that is well-formed" 0 "set: 1 objects" up --check "$work/set.json"
t "a line with a mistake" 2 "comma.json:2: " up "$work/comma.json"
t "a disk's wrong size" 2 "size.json: disk d: --size 1X" up --check "$work/size.json"
t "a disk's unknown option" 2 "disk d: unrecognized option.*colour" up --check "$work/colour.json"
t "a switch's wrong value" 2 "switch s: ageing soon" up --check "$work/switch.json"
t "a port's unknown kind" 2 "port s/p: the kind is vnic" up --check "$work/kind.json"
t "a port's unknown option" 2 'port s/p: unexpected "hue"' up --check "$work/port.json"
t "a slice's UUID that is none" 2 'slice g/s: "uuid"' up --check "$work/uuid.json"
t "a card's VLAN that is none" 2 "guest g: --nic: vlan" up --check "$work/nic.json"
t "a guest's CPUs" 2 "guest g: --cpus 0" up --check "$work/cpus.json"
t "the example of the manual" 0 "lab: 10 objects" up --check ../Documentation/examples/lab.json
t "down of what is not up" 0 "set is down: nothing to do" down --state "$work/state" set
t "down of a folder" 2 "Is a directory" down --state "$work/state" ..
t "status" 0 "^vswitch" status --state "$work/state"
t "status as JSON" 0 '"module":"vgpu_mdev"' -j status
t "status of something" 2 'unexpected "now"' status now
if [ ! -e /dev/vblk-control ]; then
	t "up without the module" 1 "disk d: .*module vblk loaded" up --state "$work/state" \
		"$work/set.json"
	t "leaves no record" 0 "nothing to do" down --state "$work/state" "$work/set.json"
fi
grep -oh '{ "[a-z-]*", [a-z]*_argument' virtlite/up.c virtlite/status.c | cut -d'"' -f2 |
	sort -u >"$work/options"
while read -r option; do
	if sed 's/\\-/-/g' virtlite/virtlite-up.1 | grep -qw -e "--$option" &&
	   grep -qw -e "--$option" virtlite/completion; then
		result ok "up --$option is in the manual and in the completion"
	else
		result "not ok" "up --$option is in the manual and in the completion"
	fi
done <"$work/options"

for object in vm disk gpu; do
	grep -oh '{ "[a-z-]*", [a-z]*_argument' virtlite/$object.c virtlite/"$object"_*.c | cut -d'"' -f2 |
		sort -u >"$work/options"
	while read -r option; do
		what="$object --$option is in the manual and in the completion"
		if sed 's/\\-/-/g' virtlite/virtlite-$object.1 | grep -qw -e "--$option" &&
		   grep -qw -e "--$option" virtlite/completion; then
			result ok "$what"
		else
			result "not ok" "$what"
		fi
	done <"$work/options"
done

# complete WORD...: what the completion offers for the last word
complete_words() {
	bash -c '. virtlite/completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_virtlite; echo "${COMPREPLY[@]}"' _ "$@"
}
c() {
	name=$1 text=$2
	shift 2
	complete_words "$@" >"$work/err" 2>&1
	if grep -qw -e "$text" "$work/err"; then
		result ok "$name"
	else
		result "not ok" "$name"
	fi
}
c "completion of an object" vm virtlite ""
c "completion of up" up virtlite u
c "completion of up's option" --check virtlite up --c
c "completion of down's option" --force virtlite down --f
c "completion of a verb" run virtlite vm r
c "completion of an option" --kernel virtlite vm run --k
c "completion of a value" stdio virtlite vm run --console ""
c "completion of a device" /sys/class virtlite vm run --vfio /sys/clas
c "completion of a disk's verb" attach virtlite disk a
c "completion of a disk's option" --force virtlite disk detach --f
for option in vram engines policy clock quantum preempt-timeout job-timeout id paused; do
	c "completion of a new GPU's $option" "--$option" virtlite gpu create "--${option%?}"
done
c "completion of a policy" best-effort virtlite gpu create --policy ""
c "completion of a sector" 4096 virtlite disk attach --sector ""

echo "1..$n"
exit $failed
