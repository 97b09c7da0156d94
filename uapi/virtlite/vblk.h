/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_VIRTLITE_VBLK_H
#define _UAPI_VIRTLITE_VBLK_H

/*
 * /dev/vblk-control makes virtual disks, /dev/vblkN, out of files, block
 * devices, memory and volumes of images.
 *
 * Every struct begins with its own size as the caller knows it. A call that is
 * unknown fails with ENOTTY, a struct that is longer than the kernel's with
 * non-zero bytes at its end with E2BIG, an unknown value of a known field with
 * EOPNOTSUPP, an unknown flag, a non-zero padding field or a bad number with
 * EINVAL. Every call but VBLK_GET_INFO needs CAP_SYS_ADMIN in the initial user
 * namespace, or fails with EPERM. A struct that cannot be read or written fails
 * with EFAULT; a wait that a fatal signal ends, with EINTR.
 *
 * Where a struct has @msg_ptr and @msg_len, a call that fails writes one line
 * of text there, NUL-terminated and cut to fit, that says what was wrong.
 *
 * A disk is named by its number, @id. Numbers are used again after a detach:
 * @seq, different for every disk since the module was loaded, tells one from
 * its successor. A call with a @seq other than 0 that does not match fails with
 * ENOENT.
 */

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define VBLK_MAGIC 0xb8

#define VBLK_CONTROL_PATH "/dev/vblk-control"

/* What a disk's bytes are kept in. */
#define VBLK_BACKING_RAM	1
#define VBLK_BACKING_FILE	2
#define VBLK_BACKING_BDEV	3
#define VBLK_BACKING_IMAGE	4	/* an image's fd, from VBLK_IMAGE_OPEN */

/* How they are arranged there. */
#define VBLK_FORMAT_RAW		1
#define VBLK_FORMAT_IMAGE	2	/* a volume of an image */

#define VBLK_FEATURE_RAM	_BITULL(0)
#define VBLK_FEATURE_FILE	_BITULL(1)
#define VBLK_FEATURE_BDEV	_BITULL(2)
#define VBLK_FEATURE_LIMITS	_BITULL(3)
#define VBLK_FEATURE_EVENTS	_BITULL(4)
#define VBLK_FEATURE_FAULTS	_BITULL(5)
#define VBLK_FEATURE_IMAGES	_BITULL(6)

/**
 * struct vblk_info - ioctl(VBLK_GET_INFO)
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @features: VBLK_FEATURE_*
 * @max_disks: most disks at a time; numbers are below this
 * @max_depth: most vblk disks on top of one another
 * @max_queue_depth: most requests of a disk in flight on each hardware queue
 * @nr_disks: disks that are attached now
 * @build: the module's source version, NUL-terminated; empty if not recorded
 *
 * Return: 0.
 */
struct vblk_info {
	__u32 size;
	__u32 flags;
	__u64 features;
	__u32 max_disks;
	__u32 max_depth;
	__u32 max_queue_depth;
	__u32 nr_disks;
	__u8 build[32];
};

#define VBLK_GET_INFO _IO(VBLK_MAGIC, 0x00)

/* The disk cannot be written to. */
#define VBLK_ATTACH_RDONLY	(1U << 0)
/* File: go through the page cache of its file system. */
#define VBLK_ATTACH_BUFFERED	(1U << 1)
/* File: fail rather than go through the page cache. */
#define VBLK_ATTACH_DIRECT	(1U << 2)
/* Do not look for partitions. */
#define VBLK_ATTACH_NO_PART	(1U << 3)

/**
 * struct vblk_attach - ioctl(VBLK_ATTACH): make a disk
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_ATTACH_*; without VBLK_ATTACH_BUFFERED and VBLK_ATTACH_DIRECT a
 *	file is used with direct I/O if it can be, else buffered. On return, one
 *	of the two for files, and VBLK_ATTACH_RDONLY if it was asked for
 * @backing: VBLK_BACKING_*
 * @format: VBLK_FORMAT_*
 * @fd: file or block device, open for reading and, unless VBLK_ATTACH_RDONLY,
 *	for writing; it may be closed afterwards. An open file description lock
 *	on a file (F_OFD_SETLK) stays as long as the disk. -1 with
 *	VBLK_BACKING_RAM. An image's fd with VBLK_BACKING_IMAGE
 * @id: number of the disk, or -1 for the lowest one that is free; its number on
 *	return
 * @sector_size: logical sector, 512 or 4096 bytes; 0: the smallest that the
 *	backing can do. On return the one chosen
 * @queue_depth: requests in flight on each hardware queue of a disk on a file or
 *	an image; 0: 128
 * @offset: where in the backing the disk begins, in bytes; a multiple of the
 *	sector. 0 with VBLK_BACKING_RAM and VBLK_BACKING_IMAGE
 * @length: size of the disk in bytes, a multiple of the sector; 0: up to the
 *	end of the backing, rounded down. 0 with VBLK_BACKING_IMAGE. On return the
 *	disk's size
 * @seq: on return, unique to this disk
 * @major: on return, of /dev/vblkN
 * @minor: on return, of /dev/vblkN
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @volume: VBLK_BACKING_IMAGE: number of the volume; else 0
 *
 * The node /dev/vblkN is there on return. Whoever attaches a file or a block
 * device for writing is alone with it; read-only disks may share one. A block
 * device is claimed exclusively. The disk stays until it is detached; the module
 * cannot be unloaded before.
 *
 * Return: 0, or
 * -EBADF if @fd is not open, or not for what is wanted,
 * -EBUSY if the number or the backing is in use,
 * -EINVAL if a size, an offset or a sector does not fit the backing, or it cannot
 * do direct I/O as asked,
 * -ELOOP if too many vblk disks are on top of one another,
 * -ENODEV if the block device is gone,
 * -ENOENT if the image has no such volume,
 * -ENOMEM,
 * -ENOSPC if all numbers are in use,
 * -EPERM if the file is immutable,
 * -EROFS if the backing is on a read-only file system or device, or a snapshot is
 * to be written to,
 * -ETXTBSY if the file is swapped to or being executed,
 * -EOPNOTSUPP for an unknown @backing or @format, or a backing of the wrong kind.
 */
struct vblk_attach {
	__u32 size;
	__u32 flags;
	__u32 backing;
	__u32 format;
	__s32 fd;
	__s32 id;
	__u32 sector_size;
	__u32 queue_depth;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 seq;
	__u32 major;
	__u32 minor;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 volume;
};

#define VBLK_ATTACH _IO(VBLK_MAGIC, 0x01)

/* Wait, killably and up to @deadline, until nobody has the disk open. */
#define VBLK_DETACH_WAIT	(1U << 0)
/* Do not care who has it open: their I/O fails from now on. */
#define VBLK_DETACH_FORCE	(1U << 1)

/**
 * struct vblk_detach - ioctl(VBLK_DETACH): end a disk
 * @size: size of this struct in the caller's view, in bytes
 * @flags: one of VBLK_DETACH_*, or 0
 * @id: number of the disk
 * @pad: 0
 * @seq: of the disk, or 0
 * @deadline: with VBLK_DETACH_WAIT, on CLOCK_MONOTONIC in ns, or 0 for none
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad2: 0
 *
 * On return the node is gone, no I/O is in flight and the backing is closed.
 * Without flags the disk is given a second to be closed by those who look at
 * every new disk for a moment; a file system on it, or another exclusive owner,
 * makes the call fail at once.
 *
 * Return: 0, -ENOENT, -EBUSY if it is open, -ETIMEDOUT if it still is at
 * @deadline, -EINTR.
 */
struct vblk_detach {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 pad;
	__aligned_u64 seq;
	__aligned_u64 deadline;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad2;
};

#define VBLK_DETACH _IO(VBLK_MAGIC, 0x02)

/* The disk with the lowest number that is not below @id. */
#define VBLK_QUERY_NEXT		(1U << 0)

/**
 * struct vblk_query - ioctl(VBLK_QUERY): what a disk is
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_QUERY_NEXT or 0
 * @id: number of the disk; all that follows but @seq is written only
 * @attach_flags: VBLK_ATTACH_*
 * @seq: of the disk, or 0; without meaning on input with VBLK_QUERY_NEXT
 * @backing: VBLK_BACKING_*
 * @format: VBLK_FORMAT_*
 * @sector_size: bytes
 * @queue_depth: requests in flight on each hardware queue; 0: has none
 * @length: size of the disk in bytes
 * @offset: of its beginning in the backing, in bytes
 * @backing_length: present size of the backing in bytes; 0 for memory
 * @allocated: bytes that the backing takes up; 0 for a block device; of an image
 *	what is in use in it
 * @backing_dev: the block device, or the device of the file's file system, as
 *	stat() would encode it: 12 bits of major above 20 of minor
 * @major: of /dev/vblkN
 * @backing_ino: the file's inode number
 * @minor: of /dev/vblkN
 * @openers: how often the disk and its partitions are open
 * @depth: of this disk above others: 1 if there is no vblk disk below
 * @volume: of an image: number of the volume; 0 on input
 *
 * Return: 0, -ENOENT.
 */
struct vblk_query {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 attach_flags;
	__aligned_u64 seq;
	__u32 backing;
	__u32 format;
	__u32 sector_size;
	__u32 queue_depth;
	__aligned_u64 length;
	__aligned_u64 offset;
	__aligned_u64 backing_length;
	__aligned_u64 allocated;
	__aligned_u64 backing_ino;
	__u32 backing_dev;
	__u32 major;
	__u32 minor;
	__u32 openers;
	__u32 depth;
	__u32 volume;
};

#define VBLK_QUERY _IO(VBLK_MAGIC, 0x03)

/* The disk may become smaller. Nobody may have it open then. */
#define VBLK_RESIZE_SHRINK	(1U << 0)

/**
 * struct vblk_resize - ioctl(VBLK_RESIZE)
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_RESIZE_SHRINK or 0
 * @id: number of the disk
 * @pad: 0
 * @seq: of the disk, or 0
 * @length: new size in bytes, a multiple of the sector; 0: up to the end of the
 *	backing as it is now. On return the disk's size
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad2: 0
 *
 * The backing itself is never made larger or smaller. A volume of an image may become
 * larger than the image. Memory and clusters beyond the new end
 * are freed and read as zeroes if the disk grows again.
 *
 * Return: 0, -ENOENT, -EINVAL if it does not fit the backing, or 0 was given for
 * memory or a volume, -EROFS for a snapshot, -EBUSY if it would shrink while it is open
 * or without the flag.
 */
struct vblk_resize {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 pad;
	__aligned_u64 seq;
	__aligned_u64 length;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad2;
};

#define VBLK_RESIZE _IO(VBLK_MAGIC, 0x04)

/* Only read the limits. */
#define VBLK_LIMITS_GET		(1U << 0)

/**
 * struct vblk_limits - ioctl(VBLK_LIMITS): how much a disk may do
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_LIMITS_GET or 0
 * @id: number of the disk
 * @pad: 0
 * @seq: of the disk, or 0
 * @iops: requests per second, up to 10^9; 0: no limit
 * @bps: bytes per second of reads and writes, up to 2^40; 0: no limit
 * @iops_burst: requests that may follow one another at once after a pause, up
 *	to 10^9; 0: a tenth of @iops, at least 1
 * @bps_burst: the same in bytes, up to 2^40; 0: a tenth of @bps, at least 1 MiB
 *
 * What exceeds a limit waits, in the order of arrival; FLUSH does not. A request
 * that is larger than the burst passes alone, and is paid for afterwards.
 *
 * Return: 0, -ENOENT, -EINVAL if a number is too large, or a burst has no limit.
 */
struct vblk_limits {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 pad;
	__aligned_u64 seq;
	__aligned_u64 iops;
	__aligned_u64 bps;
	__aligned_u64 iops_burst;
	__aligned_u64 bps_burst;
};

#define VBLK_LIMITS _IO(VBLK_MAGIC, 0x05)

#define VBLK_OP_READ		0
#define VBLK_OP_WRITE		1
#define VBLK_OP_DISCARD		2	/* and write zeroes */
#define VBLK_OP_FLUSH		3
#define VBLK_NR_OPS		4
#define VBLK_NR_BUCKETS		32

/**
 * struct vblk_op_stats - of one kind of request
 * @ios: finished, the failed ones, too
 * @bytes: of those that succeeded
 * @errors: failed
 * @time: from arrival to completion, all together, in ns
 * @latency: bucket 0 counts those below 512 ns, bucket i those from 2^(i+8) to
 *	2^(i+9) ns, the last one all above
 */
struct vblk_op_stats {
	__aligned_u64 ios;
	__aligned_u64 bytes;
	__aligned_u64 errors;
	__aligned_u64 time;
	__aligned_u64 latency[VBLK_NR_BUCKETS];
};

/**
 * struct vblk_stats - ioctl(VBLK_STATS): what a disk has done
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: number of the disk
 * @pad: 0
 * @seq: of the disk, or 0
 * @throttled: requests that waited for a limit
 * @handed: requests of a file's disk that a worker had to submit
 * @op: by VBLK_OP_*
 *
 * A FLUSH that a file's disk gets together with data is counted apart.
 *
 * Return: 0, -ENOENT.
 */
struct vblk_stats {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 pad;
	__aligned_u64 seq;
	__aligned_u64 throttled;
	__aligned_u64 handed;
	struct vblk_op_stats op[VBLK_NR_OPS];
};

#define VBLK_STATS _IO(VBLK_MAGIC, 0x06)

#define VBLK_EVENT_ATTACHED	1	/* arg: size in bytes */
#define VBLK_EVENT_DETACHED	2	/* arg: 1 if by force */
#define VBLK_EVENT_RESIZED	3	/* arg: size in bytes */
#define VBLK_EVENT_ERROR	4	/* arg: errno */
#define VBLK_EVENT_NO_SPACE	5	/* the backing is full; arg: ENOSPC */
#define VBLK_EVENT_LOST		6	/* the backing became shorter; arg: its size */
#define VBLK_EVENT_LOW_SPACE	7	/* of an image; arg: bytes left */
#define VBLK_EVENT_READ_ONLY	8	/* an image's metadata failed; arg: errno */

/**
 * struct vblk_event - what read() of an event fd returns, one or several
 * @type: VBLK_EVENT_*
 * @id: number of the disk
 * @seq: of the disk
 * @time: CLOCK_MONOTONIC, ns
 * @arg: see the types
 * @lost: events that did not fit before this one
 * @pad: 0
 *
 * An fd keeps up to 64 events. Of ERROR, NO_SPACE and LOST a disk reports one a
 * second each.
 */
struct vblk_event {
	__u32 type;
	__s32 id;
	__aligned_u64 seq;
	__aligned_u64 time;
	__aligned_u64 arg;
	__u32 lost;
	__u32 pad;
};

/**
 * struct vblk_events - ioctl(VBLK_EVENTS): get an event fd
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: report of this number only, or -1 for all disks
 * @fd: on return, the fd, close-on-exec: poll() and read() it
 *
 * read() waits unless O_NONBLOCK is set with fcntl(); a buffer shorter than one
 * event fails with EINVAL. No disk need have the number yet.
 *
 * Return: 0, -EINVAL if @id is out of range, -ENOMEM, -EMFILE, -ENFILE.
 */
struct vblk_events {
	__u32 size;
	__u32 flags;
	__s32 id;
	__s32 fd;
};

#define VBLK_EVENTS _IO(VBLK_MAGIC, 0x07)

#define VBLK_FAULT_NONE		0	/* no more faults */
#define VBLK_FAULT_ERROR	1	/* fails, the backing sees nothing */
#define VBLK_FAULT_DELAY	2	/* takes longer */
#define VBLK_FAULT_TORN		3	/* a write fails, its first part is written */

/**
 * struct vblk_fault - ioctl(VBLK_FAULT): make requests of a disk go wrong
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: number of the disk
 * @kind: VBLK_FAULT_*; replaces the fault that was set before
 * @seq: of the disk, or 0
 * @ops: bit mask of the requests meant, by VBLK_OP_*; VBLK_FAULT_TORN: writes
 *	only
 * @every: each how many-th of them; 0: each
 * @count: how often at most; 0: no end
 * @first: first byte of the range where it happens; requests that touch it are
 *	meant. FLUSH has no place, and is not asked for one
 * @length: of the range in bytes; 0: to the end
 * @delay: VBLK_FAULT_DELAY: ns, up to 10 s
 * @torn: VBLK_FAULT_TORN: bytes that are written, a multiple of the sector
 * @error: VBLK_FAULT_ERROR: EIO, ENOSPC, ETIMEDOUT, ENOLINK, ENODATA, EILSEQ,
 *	ENOMEM or EOPNOTSUPP, as a positive number; 0: EIO
 * @pad: 0
 * @hits: on return, how often the fault that was set before has happened
 *
 * Return: 0, -ENOENT, -ENOMEM, -EINVAL if a field that @kind does not use is not
 * 0, or one is out of range.
 */
struct vblk_fault {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 kind;
	__aligned_u64 seq;
	__u32 ops;
	__u32 every;
	__aligned_u64 count;
	__aligned_u64 first;
	__aligned_u64 length;
	__aligned_u64 delay;
	__aligned_u64 torn;
	__u32 error;
	__u32 pad;
	__aligned_u64 hits;
};

#define VBLK_FAULT _IO(VBLK_MAGIC, 0x08)

/**
 * struct vblk_image_open - ioctl(VBLK_IMAGE_OPEN): open an image
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_ATTACH_RDONLY, _BUFFERED, _DIRECT; on return those that hold
 * @backing: VBLK_BACKING_FILE, VBLK_BACKING_BDEV; or VBLK_BACKING_IMAGE for the
 *	image that disk @id is on
 * @fd: file or block device, open as for VBLK_ATTACH; -1 with VBLK_BACKING_IMAGE
 * @id: number of a disk with VBLK_BACKING_IMAGE, else 0
 * @image: on return, the image's fd, close-on-exec
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad: 0
 *
 * The fd answers the VBLK_IMAGE_* calls that follow. An image that is open already is
 * not opened again: @flags are then what they are, and VBLK_ATTACH_RDONLY if that was
 * asked for; to ask for writing what is open read-only fails with EBUSY. An fd that was
 * asked for with VBLK_ATTACH_RDONLY changes nothing, nor a disk that is attached by it.
 * The image stays open as long as an fd or a disk uses it.
 *
 * Return: 0, the errors of VBLK_ATTACH for the backing, -ENOENT if there is no such
 * disk, -EINVAL if it is on no image, -EUCLEAN if this is no image or breaks the
 * format, -EOPNOTSUPP if it needs what is not known here.
 */
struct vblk_image_open {
	__u32 size;
	__u32 flags;
	__u32 backing;
	__s32 fd;
	__s32 id;
	__s32 image;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad;
};

#define VBLK_IMAGE_OPEN _IO(VBLK_MAGIC, 0x09)

/**
 * struct vblk_image_info - ioctl(VBLK_IMAGE_INFO) on an image's fd
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @attach_flags: VBLK_ATTACH_*
 * @error: errno for which the image has become read-only, or 0
 * @uuid: of the image
 * @epoch: of the last commit
 * @length: bytes, all in all
 * @free: bytes that nothing uses
 * @reserved: of those, bytes that only deletes may use
 * @cluster: bytes
 * @volumes: how many there are, snapshots and what is being deleted included
 * @next_volume: lowest number that no volume has had
 * @deleting: how many are being deleted
 * @cached: bytes of maps in memory, of volumes and of the space
 * @to_delete: bytes of those that are being deleted that have not been looked at yet, as
 *	they see themselves: for who shows how far it is
 *
 * Return: 0.
 */
struct vblk_image_info {
	__u32 size;
	__u32 flags;
	__u32 attach_flags;
	__u32 error;
	__u8 uuid[16];
	__aligned_u64 epoch;
	__aligned_u64 length;
	__aligned_u64 free;
	__aligned_u64 reserved;
	__u32 cluster;
	__u32 volumes;
	__u32 next_volume;
	__u32 deleting;
	__aligned_u64 cached;
	__aligned_u64 to_delete;
};

#define VBLK_IMAGE_INFO _IO(VBLK_MAGIC, 0x20)

#define VBLK_NO_VOLUME		0xffffffffU
#define VBLK_NAME_BYTES		128

/* What a volume is. */
#define VBLK_VOLUME_LIVE	1
#define VBLK_VOLUME_SNAPSHOT	2
#define VBLK_VOLUME_HIDDEN	3	/* a snapshot that is deleted when its clones are */
#define VBLK_VOLUME_DELETED	4	/* being deleted */

/* The volume with the lowest number that is not below @volume. */
#define VBLK_VOLUME_NEXT	(1U << 0)

/**
 * struct vblk_volume - ioctl(VBLK_IMAGE_VOLUME) on an image's fd: what a volume is
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_VOLUME_NEXT or 0
 * @volume: its number
 * @state: VBLK_VOLUME_*
 * @length: bytes
 * @born: epoch in which it was made
 * @time: of that, seconds since 1970
 * @taken: of a snapshot, the epoch that it has
 * @origin: snapshot that its branch was cloned from, or VBLK_NO_VOLUME
 * @older: the next older snapshot, or VBLK_NO_VOLUME
 * @newer: of a snapshot, the next newer one or the volume, or VBLK_NO_VOLUME
 * @clones: of a snapshot, how many there are
 * @disk: number of the disk that it is attached as, or -1
 * @pad: 0
 * @uuid: its own
 * @name: NUL-terminated; empty if it has none
 *
 * Return: 0, -ENOENT.
 */
struct vblk_volume {
	__u32 size;
	__u32 flags;
	__u32 volume;
	__u32 state;
	__aligned_u64 length;
	__aligned_u64 born;
	__aligned_u64 time;
	__aligned_u64 taken;
	__u32 origin;
	__u32 older;
	__u32 newer;
	__u32 clones;
	__s32 disk;
	__u32 pad;
	__u8 uuid[16];
	__u8 name[VBLK_NAME_BYTES];
};

#define VBLK_IMAGE_VOLUME _IO(VBLK_MAGIC, 0x21)

/**
 * struct vblk_image_make - ioctl(VBLK_IMAGE_CREATE, _SNAPSHOT, _CLONE)
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @source: VBLK_IMAGE_SNAPSHOT: the volume; VBLK_IMAGE_CLONE: the snapshot; else 0
 * @volume: on return, number of what was made
 * @length: VBLK_IMAGE_CREATE: bytes, a multiple of 512, up to 2^52; else 0; on return
 *	its size
 * @epoch: on return, that of its commit
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad: 0
 * @name: NUL-terminated, not empty; no other volume of the image has it
 *
 * VBLK_IMAGE_CREATE makes an empty volume. VBLK_IMAGE_SNAPSHOT keeps a volume as it is
 * now, with every write that has been acknowledged, attached or not.
 * VBLK_IMAGE_CLONE makes a volume that begins as a snapshot. Each returns after its
 * commit, and takes as long whatever the volume's size is.
 *
 * Return: 0, -ENOENT if there is no @source, -EINVAL if it is of the wrong kind, or a
 * name or a length are, -EEXIST if the name is in use, -ENOSPC if all numbers have been
 * used, or there is no space, -EROFS, -EIO, -ENOMEM.
 */
struct vblk_image_make {
	__u32 size;
	__u32 flags;
	__u32 source;
	__u32 volume;
	__aligned_u64 length;
	__aligned_u64 epoch;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad;
	__u8 name[VBLK_NAME_BYTES];
};

#define VBLK_IMAGE_CREATE _IO(VBLK_MAGIC, 0x22)
#define VBLK_IMAGE_SNAPSHOT _IO(VBLK_MAGIC, 0x23)
#define VBLK_IMAGE_CLONE _IO(VBLK_MAGIC, 0x24)

/**
 * struct vblk_image_volume - ioctl(VBLK_IMAGE_DELETE, _PROMOTE)
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @volume: number
 * @pad: 0
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad2: 0
 *
 * VBLK_IMAGE_DELETE deletes a volume or a snapshot: its name is free on return, its
 * space becomes so step by step, after a crash, too. A snapshot that has clones is
 * hidden until they are gone. A volume's snapshots stay.
 *
 * VBLK_IMAGE_PROMOTE makes a clone take the place of the volume whose newest snapshot
 * it was cloned from: it gets that one's number and name, what that was is deleted.
 *
 * Return: 0, -ENOENT, -EBUSY if it, or the volume it is to replace, is attached, or
 * that has other clones or newer snapshots, -EINVAL if it is no clone, -EROFS, -EIO.
 */
struct vblk_image_volume {
	__u32 size;
	__u32 flags;
	__u32 volume;
	__u32 pad;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad2;
};

#define VBLK_IMAGE_DELETE _IO(VBLK_MAGIC, 0x25)
#define VBLK_IMAGE_PROMOTE _IO(VBLK_MAGIC, 0x26)

/* It reads as zeroes in @volume. */
#define VBLK_EXTENT_ZERO	(1U << 0)

/**
 * struct vblk_extent - what differs between two volumes
 * @offset: bytes
 * @length: bytes
 * @flags: VBLK_EXTENT_*
 * @pad: 0
 */
struct vblk_extent {
	__aligned_u64 offset;
	__aligned_u64 length;
	__u32 flags;
	__u32 pad;
};

/**
 * struct vblk_image_diff - ioctl(VBLK_IMAGE_DIFF): what is not the same in two volumes
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @base: number of one, or VBLK_NO_VOLUME: everything that is not a hole
 * @volume: number of the other
 * @offset: where to begin, in bytes; on return where to go on, the end of @volume if
 *	that was all
 * @extents: address of an array of struct vblk_extent
 * @count: how many it has space for, at least 1; on return how many were written
 * @pad: 0
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad2: 0
 *
 * By the maps, in clusters: what was written anew counts, even if it is the same. A call
 * looks at a bounded number of clusters: it may return without any extent before the
 * end. Volumes that are written to meanwhile are seen as they are when they are
 * looked at: compare snapshots.
 *
 * Return: 0, -ENOENT, -EINVAL if @offset is beyond the end, or @count is 0, -EFAULT,
 * -EIO.
 */
struct vblk_image_diff {
	__u32 size;
	__u32 flags;
	__u32 base;
	__u32 volume;
	__aligned_u64 offset;
	__aligned_u64 extents;
	__u32 count;
	__u32 pad;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad2;
};

#define VBLK_IMAGE_DIFF _IO(VBLK_MAGIC, 0x27)

/* Until nothing is being deleted any more. */
#define VBLK_COMMIT_DELETES	(1U << 0)

/**
 * struct vblk_image_commit - ioctl(VBLK_IMAGE_COMMIT): make all durable
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VBLK_COMMIT_DELETES or 0
 * @epoch: on return, of the last commit
 *
 * Return: 0, -EROFS, -EIO, -EINTR.
 */
struct vblk_image_commit {
	__u32 size;
	__u32 flags;
	__aligned_u64 epoch;
};

#define VBLK_IMAGE_COMMIT _IO(VBLK_MAGIC, 0x28)

#endif
