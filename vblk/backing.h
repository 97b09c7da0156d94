/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_BACKING_H
#define VB_BACKING_H

#include <linux/fs.h>
#include <linux/list.h>

#include "compat_blk.h"
#include "disk.h"

/**
 * struct vb_backing - what a disk's bytes are kept in, other than memory
 * @node: in the table of files that are in use
 * @inode: file: the real one, behind an overlay; what the table goes by
 * @write: somebody writes to it
 * @file: opened by us, so that nobody can change its flags; NULL if it is a raw
 *	disk's block device
 * @theirs: file: the user's, kept for the locks that came with it
 * @bdev: the block device, claimed
 *
 * Belongs to its disk or its image alone.
 */
struct vb_backing {
	struct list_head node;
	struct inode *inode;
	bool write;
	struct file *file;
	struct file *theirs;
	struct compat_bdev bdev;
};

/**
 * struct vb_backing_spec - what is wanted of a backing, and what it can do
 * @backing: VBLK_BACKING_FILE or VBLK_BACKING_BDEV
 * @fd: the user's
 * @image: it is for an image
 * @flags: VBLK_ATTACH_*; on return with the way of I/O that was chosen for a file
 * @sector_size: wanted or 0; on return what is chosen
 * @offset: where the disk will begin
 * @depth: on return: vblk disks on top of one another, a new one included
 * @b: the backing while it is being opened
 */
struct vb_backing_spec {
	u32 backing;
	int fd;
	bool image;
	u32 flags;
	u32 sector_size;
	u64 offset;
	u32 depth;
	struct vb_backing *b;
};

struct vb_backing *vb_backing_open(struct vb_backing_spec *spec, struct vb_msg *msg);
void vb_backing_close(struct vb_backing *b);
struct block_device *vb_backing_bdev(struct file *file);

#endif
