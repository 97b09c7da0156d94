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
 * @file: file: opened by us, so that nobody can change its flags; NULL if it is
 *	a block device
 * @theirs: file: the user's, kept for the locks that came with it
 * @bdev: the block device, claimed
 *
 * Belongs to its disk alone.
 */
struct vb_backing {
	struct list_head node;
	struct inode *inode;
	bool write;
	struct file *file;
	struct file *theirs;
	struct compat_bdev bdev;
};

int vb_backing_open(struct vb_disk *disk, const struct vblk_attach *a, struct vb_msg *msg);
void vb_backing_close(struct vb_disk *disk);

#endif
