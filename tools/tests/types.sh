#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/types.sh [--host FLAVOUR]: on a distribution's kernel (stock-6.1) bpftool knows
# the types of the suite's modules and attaches to their functions. Prints TAP.

cd "$(dirname "$0")/../.." || exit 1
host=stock-6.1
if [ "$1" = --host ]; then
	host=$2
	shift 2
fi
PATH=$PATH:/usr/sbin:/sbin
for tool in bpftool bpf-gcc pahole; do
	if ! command -v $tool >/dev/null; then
		echo "1..0 # SKIP there is no $tool"
		exit 4
	fi
done

make -s -C tools OUT="$PWD/build/tools" || exit 1
# Below build/, which the machine sees as it sees the host's other files.
mkdir -p build
work=$(mktemp -d "$PWD/build/types-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
bpf-gcc -O2 -Wall -gbtf -mcpu=v2 -o "$work/calls.o" -c tools/tests/calls.bpf.c || exit 1
gcc -O2 -Wall -Wextra -o "$work/attach" tools/tests/attach.c || exit 1
cat >"$work/bed.sh" <<'END'
work=$1 virtlite=$2
n=0
result() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' /tmp/said
	fi
}
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
bpftool btf list >/tmp/said 2>&1
for module in kvmlite vswitch vblk vgpu_mdev; do
	grep -q "\[$module\]" /tmp/said
	result $? "listed: the types of $module"
done
bpftool btf dump file /sys/kernel/btf/vswitch -B /sys/kernel/btf/vmlinux format raw >/tmp/said 2>&1
grep -q "STRUCT 'vsw_port'" /tmp/said
result $? 'its structures are among them'
bpftool prog loadall "$work/calls.o" /sys/fs/bpf/calls >/tmp/said 2>&1
result $? 'programs are loaded for functions of two modules'
cat >/tmp/work.sh <<'EOF'
"$1" switch add types0 && "$1" vm info
EOF
"$work/attach" /sys/fs/bpf/calls/* -- sh /tmp/work.sh "$virtlite" >/tmp/said 2>&1
result $? 'the modules work with the programs attached'
bpftool -j map dump name calls.bss >/tmp/said 2>&1
cat >/tmp/count.py <<'EOF'
import json, sys
values = [int(b, 16) for e in json.load(open('/tmp/said')) for b in e['value']]
sys.exit(not (any(values[0:8]) and any(values[8:16])))
EOF
/usr/bin/python3 /tmp/count.py
result $? 'and both have seen calls'
rm -rf /sys/fs/bpf/calls
"$virtlite" switch del types0 >/tmp/said 2>&1 && rmmod vswitch >>/tmp/said 2>&1
result $? 'a module goes when they are gone'
echo "1..$n"
END
scripts/testbed/run --bed qemu --kernel "$host" --host-root --timeout 200 \
	--keep-log "${VIRTLITE_LOG:-$work/log}.kernel" -- \
	sh "$work/bed.sh" "$work" "$PWD/build/tools/virtlite"
