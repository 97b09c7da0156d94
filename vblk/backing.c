// SPDX-License-Identifier: GPL-2.0
/*
 * Opening what lies below a disk, once for all who write. Files go by a table
 * here; block devices are claimed, which the kernel keeps the table of.
 */

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/stat.h>

#include "backing.h"

static LIST_HEAD(in_use);
static DEFINE_MUTEX(in_use_lock);	/* protects in_use; nothing is taken under it */

/* Read-only disks claim a block device together, in this name. */
static char shared_claim;

static int take(struct vb_backing *b, struct vb_msg *msg)
{
	struct vb_backing *other;
	int ret = 0;

	mutex_lock(&in_use_lock);
	list_for_each_entry(other, &in_use, node)
		if (other->inode == b->inode && (other->write || b->write))
			ret = -EBUSY;
	if (!ret)
		list_add(&b->node, &in_use);
	mutex_unlock(&in_use_lock);
	if (ret)
		vb_say(msg, "another disk uses this file, and one of them for writing");
	return ret;
}

static void give(struct vb_backing *b)
{
	mutex_lock(&in_use_lock);
	list_del(&b->node);
	mutex_unlock(&in_use_lock);
}

static int check_depth(struct vb_backing_spec *spec, struct gendisk *below, struct vb_msg *msg)
{
	spec->depth = 1 + (below ? vb_disk_depth_below(below) : 0);
	if (spec->depth <= VB_MAX_DEPTH)
		return 0;
	vb_say(msg, "more than %d vblk disks on top of one another", VB_MAX_DEPTH);
	return -ELOOP;
}

/* The sector and the window must suit what direct I/O can do; 0: buffered. */
static unsigned int direct_align(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;
	struct kstat st;

	if (vfs_getattr(&file->f_path, &st, STATX_DIOALIGN, AT_STATX_SYNC_AS_STAT))
		return 0;
	if (st.result_mask & STATX_DIOALIGN)
		return st.dio_mem_align <= PAGE_SIZE ? st.dio_offset_align : 0;
	return sb->s_bdev ? bdev_logical_block_size(sb->s_bdev) : SECTOR_SIZE;
}

static struct file *open_own(struct file *theirs, bool write, bool direct)
{
	int flags = O_LARGEFILE | O_NOATIME | (write ? O_RDWR : O_RDONLY);

	return dentry_open(&theirs->f_path, flags | (direct ? O_DIRECT : 0), current_cred());
}

static bool can_direct(struct vb_backing_spec *spec, unsigned int align)
{
	unsigned int sector = spec->sector_size ?: max_t(unsigned int, align, SECTOR_SIZE);

	return align && align <= sector && sector <= 4096 && spec->offset % align == 0;
}

/* Choose between direct and buffered, and with it the sector. */
static int open_file(struct vb_backing_spec *spec, struct file *theirs, struct vb_msg *msg)
{
	struct vb_backing *b = spec->b;
	unsigned int align;
	struct file *file;

	if (!(spec->flags & VBLK_ATTACH_BUFFERED)) {
		align = direct_align(theirs);
		file = ERR_PTR(-EINVAL);
		if (can_direct(spec, align))
			file = open_own(theirs, b->write, true);
		if (!IS_ERR(file)) {
			b->file = file;
			spec->flags |= VBLK_ATTACH_DIRECT;
			if (!spec->sector_size)
				spec->sector_size = max_t(unsigned int, align, SECTOR_SIZE);
			return 0;
		}
		if (PTR_ERR(file) != -EINVAL)
			return PTR_ERR(file);
		if (spec->flags & VBLK_ATTACH_DIRECT) {
			vb_say(msg, align ? "direct I/O wants sectors and an offset of %u bytes" :
			       "this file cannot do direct I/O", align);
			return -EINVAL;
		}
		spec->flags |= VBLK_ATTACH_BUFFERED;
	}
	file = open_own(theirs, b->write, false);
	if (IS_ERR(file))
		return PTR_ERR(file);
	b->file = file;
	if (!spec->sector_size)
		spec->sector_size = SECTOR_SIZE;
	return 0;
}

static int open_regular(struct vb_backing_spec *spec, struct file *theirs, struct vb_msg *msg)
{
	struct inode *inode = d_real_inode(theirs->f_path.dentry);
	struct vb_backing *b = spec->b;
	int ret;

	if (b->write && (IS_IMMUTABLE(inode) || IS_APPEND(inode))) {
		vb_say(msg, "the file is immutable or append-only");
		return -EPERM;
	}
	if (IS_SWAPFILE(inode)) {
		vb_say(msg, "the file is swapped to");
		return -ETXTBSY;
	}
	if (!theirs->f_op->read_iter || (b->write && !theirs->f_op->write_iter)) {
		vb_say(msg, "the file system cannot read or write from the kernel");
		return -EINVAL;
	}
	ret = check_depth(spec, inode->i_sb->s_bdev ? inode->i_sb->s_bdev->bd_disk : NULL, msg);
	if (ret)
		return ret;
	b->inode = inode;
	ret = take(b, msg);
	if (ret)
		return ret;
	ret = open_file(spec, theirs, msg);
	if (ret) {
		give(b);
		return ret;
	}
	b->theirs = get_file(theirs);
	return 0;
}

static int open_bdev(struct vb_backing_spec *spec, struct file *theirs, struct vb_msg *msg)
{
	struct block_device *bdev = I_BDEV(theirs->f_mapping->host);
	struct vb_backing *b = spec->b;
	unsigned int logical;
	int ret;

	if (!spec->image && spec->flags & (VBLK_ATTACH_BUFFERED | VBLK_ATTACH_DIRECT)) {
		vb_say(msg, "direct and buffered are for files");
		return -EINVAL;
	}
	ret = check_depth(spec, bdev->bd_disk, msg);
	if (ret)
		return ret;
	ret = compat_bdev_open(&b->bdev, bdev->bd_dev, b->write,
			       b->write ? (void *)b : &shared_claim);
	if (ret) {
		vb_say(msg, ret == -EBUSY ? "somebody else has claimed the block device" :
		       "cannot open the block device");
		return ret;
	}
	bdev = b->bdev.bdev;
	logical = bdev_logical_block_size(bdev);
	ret = -EINVAL;
	if (bdev_is_zoned(bdev)) {
		vb_say(msg, "zoned block devices cannot back a disk");
		goto err_close;
	}
	if (!spec->sector_size)
		spec->sector_size = logical;
	if (spec->sector_size < logical || spec->offset % logical) {
		vb_say(msg, "the block device wants sectors and an offset of %u bytes", logical);
		goto err_close;
	}
	/* An image is a file of blocks, whatever it is on. */
	if (spec->image) {
		b->file = open_own(theirs, b->write, !(spec->flags & VBLK_ATTACH_BUFFERED));
		ret = PTR_ERR_OR_ZERO(b->file);
		if (ret)
			goto err_close;
		if (!(spec->flags & VBLK_ATTACH_BUFFERED))
			spec->flags |= VBLK_ATTACH_DIRECT;
	}
	return 0;

err_close:
	compat_bdev_close(&b->bdev);
	return ret;
}

static int open_fd(struct vb_backing_spec *spec, struct file *file, struct vb_msg *msg)
{
	umode_t mode = file_inode(file)->i_mode;

	if (!(file->f_mode & FMODE_READ) ||
	    (spec->b->write && !(file->f_mode & FMODE_WRITE))) {
		vb_say(msg, "the fd must be open for reading%s",
		       spec->b->write ? " and writing" : "");
		return -EBADF;
	}
	if (spec->backing == VBLK_BACKING_FILE && S_ISREG(mode))
		return open_regular(spec, file, msg);
	if (spec->backing == VBLK_BACKING_BDEV && S_ISBLK(mode))
		return open_bdev(spec, file, msg);
	vb_say(msg, "the fd is not a %s", spec->backing == VBLK_BACKING_FILE ? "regular file" :
	       "block device");
	return -EOPNOTSUPP;
}

/**
 * vb_backing_open() - open what a disk or an image is to be on
 * @spec: what is wanted; on return also what follows from that
 * @msg: what was wrong
 *
 * Return: the backing, or an error pointer.
 */
struct vb_backing *vb_backing_open(struct vb_backing_spec *spec, struct vb_msg *msg)
{
	struct vb_backing *b;
	struct file *file;
	int ret;

	file = fget(spec->fd);
	if (!file) {
		vb_say(msg, "fd %d is not open", spec->fd);
		return ERR_PTR(-EBADF);
	}
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	ret = -ENOMEM;
	if (b) {
		b->write = !(spec->flags & VBLK_ATTACH_RDONLY);
		spec->b = b;
		ret = open_fd(spec, file, msg);
	}
	fput(file);
	if (ret) {
		kfree(b);
		return ERR_PTR(ret);
	}
	return b;
}

/**
 * vb_backing_close() - the other end of vb_backing_open()
 * @b: without any I/O left, or NULL
 */
void vb_backing_close(struct vb_backing *b)
{
	if (!b)
		return;
	/* Files are closed when this call returns to user space, at the latest. */
	if (b->file)
		fput(b->file);
	if (b->bdev.bdev) {
		compat_bdev_close(&b->bdev);
	} else {
		fput(b->theirs);
		give(b);
	}
	kfree(b);
}

/* The device that a file is: also behind a node in any file system. */
struct block_device *vb_backing_bdev(struct file *file)
{
	return S_ISBLK(file_inode(file)->i_mode) ? I_BDEV(file->f_mapping->host) : NULL;
}
