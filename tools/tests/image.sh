#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# virtlite disk create, convert, check, repair, dump as a user sees them. Prints TAP.

# shellcheck source=selftests/lib/tap.sh
. "$(dirname "$0")/../../selftests/lib/tap.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$VIRTLITE" "$work/virtlite" || exit 1
cd "$work" || exit 1

d() { ./virtlite disk "$@"; }
status() { want=$1; shift; "$@"; [ $? = "$want" ]; }
says() { text=$1; shift; "$@" 2>&1 | grep -q -- "$text"; }
blocks() { stat -c %b "$1"; }
small() { [ "$(($(blocks "$1") * 512))" -lt "$2" ] || { stat "$1"; false; }; }

# A disk with data here and there, sparse, and not a whole number of clusters.
truncate -s 300001k raw
dd if=/dev/urandom of=raw bs=64k seek=3 count=40 conv=notrunc 2>/dev/null
dd if=/dev/urandom of=raw bs=4k seek=51203 count=7 conv=notrunc 2>/dev/null
dd if=/dev/urandom of=raw bs=1k seek=300000 count=1 conv=notrunc 2>/dev/null
dd if=/dev/zero of=raw bs=1M seek=100 count=20 conv=notrunc 2>/dev/null

check "create" d create new.img --size 1T --cluster 64k
check "it is sound" d check new.img
check "and takes no space" small new.img 400000
check "create does not overwrite" status 1 d create new.img --size 1G
check "unless told to" d create new.img --size 1G --force
check "create without a size is a mistake" status 2 d create x.img
check "and makes nothing" [ ! -e x.img ]
check "a cluster of 5k is a mistake" status 2 d create x.img --size 1G --cluster 5k
check "create for a pool too small leaves nothing behind" \
	status 2 d create x.img --size 1G --pool 4k

for cluster in 4k 64k; do
	check "raw to image, $cluster" d convert raw a.img --to image --cluster $cluster --force
	check "sound" d check a.img
	check "sparse" small a.img 6000000
	check "and back" d convert a.img back --to raw --force
	check "the same bytes" cmp raw back
	check "sparse again" small back 6000000
done
check "with checksums" d convert a.img b.img --to image --data-crc --cluster 16k --name two
check "sound" d check b.img
check "image to image to raw" d convert b.img back --to raw --volume two --force
check "the same bytes" cmp raw back
check "a volume that is not there" status 1 d convert b.img x --to raw --volume three
check "makes nothing" [ ! -e x ]
check "convert does not overwrite" status 1 d convert b.img back --to raw
check "a pool that is too small" status 1 d convert raw x --to image --pool 1M
check "makes nothing either" [ ! -e x ]
check "convert shows a bar" says "100% \[#####" d convert raw c.img --to image --progress
check "none unasked" says "^$" sh -c "./virtlite disk convert raw c.img --to image --force; echo"
check "convert as JSON" says '"size":307201024' ./virtlite -j disk convert raw c.img --to image --force

check "dump names the volume" says "name  *two" d dump b.img
check "dump with everything" d dump b.img --map --log
check "dump shows the map" says "^  *196608  *2621440" d dump b.img --map
check "dump as JSON" says '"start":196608,"length":2621440' ./virtlite -j disk dump b.img --map
check "check as JSON" says '"sound":true,"damages":0' ./virtlite -j disk check b.img
check "no image" status 3 d check raw
check "no file" status 1 d check nothing

# Damage: a byte of data, found by its checksum.
block=$(./virtlite -j disk dump b.img --map |
	sed 's/.*"start":196608,"length":2621440,"block":\([0-9]*\).*/\1/')
cp b.img broken.img
at=$((block * 4096 + 7))
other=x
[ "$(od -An -c -N1 -j"$at" broken.img | tr -d ' ')" != x ] || other=y
printf %s "$other" | dd of=broken.img bs=1 seek="$at" conv=notrunc 2>/dev/null
check "a byte of data has changed: status 3" status 3 d check broken.img
check "and is named" says "^data: volume 0 \"two\", 16384 bytes at 196608" d check broken.img
check "not looking at data" d check --no-data broken.img
check "as JSON" says '"kind":"data"' ./virtlite -j disk check broken.img
check "cannot be read" status 1 d convert broken.img x --to raw
check "and leaves nothing" [ ! -e x ]
check "cannot be repaired as it was" status 3 d repair broken.img
check "only with a loss" d repair --lossy broken.img
check "sound then" d check broken.img
check "readable then" d convert broken.img x --to raw
check "all but one byte" [ "$(cmp -l raw x | wc -l)" -le 1 ]

# Metadata that can be derived.
cp a.img broken.img
block=$(./virtlite -j disk dump a.img | sed 's/.*"bitmap":{"block":\([0-9]*\).*/\1/')
dd if=/dev/urandom of=broken.img bs=4096 seek="$block" count=1 conv=notrunc 2>/dev/null
check "the bitmap is gone" says "^bitmap: " d check broken.img
check "repair makes a new one" says "^repaired" d repair broken.img
check "sound then" d check broken.img
check "nothing is lost" d convert broken.img back --to raw --force
check "the same bytes" cmp raw back
sum=$(cksum <b.img)
check "repair of what is sound" d repair b.img
check "changes nothing" [ "$sum" = "$(cksum <b.img)" ]
dd if=/dev/zero of=broken.img bs=4096 count=17 conv=notrunc 2>/dev/null
check "no superblock: status 3" status 3 d check broken.img
check "beyond repair: status 3" status 3 d repair --lossy broken.img

# One writer, or readers.
cat >locked.py <<'END'
import fcntl, os, struct, subprocess, sys
F_OFD_SETLK = 37
kind, *command = sys.argv[1:]
fd = os.open("new.img", os.O_RDWR)
kind = fcntl.F_WRLCK if kind == "write" else fcntl.F_RDLCK
fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhqqi4x", kind, 0, 0, 0, 0))
sys.exit(subprocess.run(["./virtlite", "disk"] + command).returncode)
END
check "an image that has a writer" says "has locked it" python3 locked.py write check new.img
check "one that has readers: another" python3 locked.py read check new.img
check "but no writer" status 1 python3 locked.py read repair new.img
finish
