#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The command against the module: images from one snapshot to the next, as a user does
# it. ./virtlite is the static program.

# shellcheck source=selftests/lib/tap.sh
. ./tap.sh

d() { ./virtlite disk "$@"; }
j() { ./virtlite -j disk "$@"; }
status() { want=$1; shift; "$@"; [ $? = "$want" ]; }
says() { text=$1; shift; "$@" 2>&1 | tee seen | grep -q -- "$text" || { cat seen; false; }; }
prints() { text=$1; shift; [ "$("$@")" = "$text" ] || { "$@"; false; }; }
# Eight blocks of a letter at a place, in blocks.
letter() {
	head -c 32768 /dev/zero | tr '\0' "$2" |
		dd of=/dev/vblk"$1" bs=4096 seek="$3" conv=notrunc 2>/dev/null && sync
}
reads() { [ "$(dd if=/dev/vblk"$1" bs=4096 skip="$3" count=1 2>/dev/null | head -c 1)" = "$2" ]; }

work=$(mktemp -d) || exit 1
cp ./virtlite "$work" && cd "$work" || exit 1
for i in $(d list | sed -n 's/^vblk\([0-9]*\) .*/\1/p'); do
	d detach "$i" --force
done

d create pool.img --size 64M --cluster 4k >/dev/null
check "attach prints the disk" prints /dev/vblk0 d attach --image pool.img
check "list names the image" says "^vblk0  *67108864  *512 rw  *image in file" d list
check "list as JSON has the volume" says '"volume":0' j list
check "write" letter 0 a 16
check "the image is locked for others" says "locked it" d check pool.img
check "snapshot by the file's name" prints 1 d snapshot pool.img disk first
check "write after it" letter 0 b 16
check "snapshot by the disk's name" says '"number":2,"name":"second"' j snapshot vblk0 0 second
check "a name is there once" says "volume with that name" d snapshot 0 disk first
check "diff since the first" says "^ *65536  *32768 data" d diff pool.img second --since first
check "diff as JSON" says '\[{"start":65536,"length":32768,"zero":false}\]' \
	j diff vblk0 disk --since first
check "no difference" prints 1 sh -c "./virtlite disk diff 0 disk --since second | wc -l"
check "clone" prints 3 d clone pool.img second copy
check "attach a clone by name" prints /dev/vblk1 d attach --image pool.img --volume copy
check "which volume?" says "say which" d attach --image pool.img
check "a snapshot is read-only" says "a snapshot is read-only" \
	d attach --image pool.img --volume first
check "attach it for reading" prints /dev/vblk2 d attach --image pool.img --volume first --ro
check "it has the old data" reads 2 a 16
check "the clone has the new" reads 1 b 16
check "write to the clone" letter 1 c 16
check "the volume does not see it" reads 0 b 16
check "show the image" says "snapshot  *67108864 vblk2  *-  *0 .* first$" d show pool.img
check "show it as JSON" says '"name":"copy","state":"volume".*"disk":"vblk1"' j show pool.img
check "show a disk" says "^backing  *image in file" d show 1
check "what is attached is not deleted" says "it is vblk2" d delete pool.img first
check "what is attached is not replaced" says "vblk1 is on it" d commit 0 copy
check "detach" d detach 2
check "a bar for who waits" status 2 d delete vblk0 first --progress
check "delete" says "^.*delete 100% \[####*\]" d delete vblk0 first --wait --progress
check "it is gone" says 'volume "first"' d diff pool.img disk --since first
d detach 1
d detach 0
check "commit a clone" d commit pool.img copy --wait
check "under the volume's name" prints /dev/vblk0 d attach --image pool.img
check "with the clone's data" reads 0 c 16
check "resize" says "134217728 bytes" d resize 0 --size 128M
check "resize as JSON" says '{"name":"vblk0","size":134217728}' j resize 0 --size 128M
check "add a volume" prints 4 d add vblk0 more --size 1G
check "stats" says "^write " d stats 0
d detach 0
check "the image is sound" says "^sound: .* 3 volumes" d check pool.img
check "no such image" status 1 d show nothing.img
check "no image" says "no superblock" d show ./virtlite
check "snapshot without a name" status 2 d snapshot pool.img disk
check "add without a size" status 2 d add pool.img x
check "--volume without --image" status 2 d attach --ram --size 1M --volume x

cd / && rm -rf "$work"
finish
