// SPDX-License-Identifier: GPL-2.0
/*
 * An image's backing, in the caller's time: blocks of metadata, bytes of data,
 * holes. The caller must not be under submit_bio(), and has NOIO.
 */

#include <linux/fs.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/falloc.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "backing.h"
#include "image.h"

/* How often a backing that had no memory is asked again, 20 ms apart. */
#define TRIES 250

static int transfer(struct vb_image *im, u64 pos, struct iov_iter *iter, bool write, int flags)
{
	struct file *file = im->backing->file;
	unsigned int tries = 0;
	struct kiocb iocb;
	ssize_t ret;

	if (write)
		file_start_write(file);
	while (iov_iter_count(iter)) {
		init_sync_kiocb(&iocb, file);
		iocb.ki_pos = pos;
		iocb.ki_flags |= flags;
		if (write)
			ret = file->f_op->write_iter(&iocb, iter);
		else
			ret = file->f_op->read_iter(&iocb, iter);
		if (ret == -ENOMEM && ++tries < TRIES) {
			msleep(20);
			continue;
		}
		if (ret <= 0)
			break;
		pos += ret;
	}
	if (write)
		file_end_write(file);
	if (!iov_iter_count(iter))
		return 0;
	/* Some file systems' word for a caller that is being killed. */
	if (ret == -ERESTARTSYS)
		ret = -EINTR;
	/* A file that has become shorter reads as nothing. */
	return ret < 0 ? ret : -EIO;
}

static bool inside(struct vb_image *im, u64 pos, u64 bytes)
{
	return pos + bytes <= i_size_read(im->backing->file->f_mapping->host);
}

/**
 * vb_meta_read() - read a block
 * @im: image
 * @block: which, checked
 * @data: a page for it
 *
 * Return: 0 or a negative errno.
 */
int vb_meta_read(struct vb_image *im, u64 block, void *data)
{
	struct bio_vec bv;
	struct iov_iter iter;

	bvec_set_page(&bv, virt_to_page(data), VB_BLOCK, 0);
	iov_iter_bvec(&iter, ITER_DEST, &bv, 1, VB_BLOCK);
	return transfer(im, block * VB_BLOCK, &iter, false, 0);
}

/**
 * vb_meta_out() - write a block, with its neighbours if there are any
 * @im: image
 * @block: where
 * @page: stays as it is until vb_meta_out_end()
 *
 * Return: 0, or a negative errno, perhaps from an earlier block.
 */
int vb_meta_out(struct vb_image *im, u64 block, struct page *page)
{
	struct vb_out *o = &im->out;
	int ret = 0;

	lockdep_assert_held(&im->committing);
	/* Metadata goes down from the end of the image: so do the blocks of a run. */
	if (o->nr && (o->nr == VB_OUT_BLOCKS || block != o->block - 1))
		ret = vb_meta_out_end(im);
	o->block = block;
	o->pages[o->nr++] = page;
	return ret;
}

int vb_meta_out_end(struct vb_image *im)
{
	struct bio_vec bv[VB_OUT_BLOCKS];
	struct vb_out *o = &im->out;
	struct iov_iter iter;
	unsigned int i, nr = o->nr;

	for (i = 0; i < nr; i++)
		bvec_set_page(&bv[i], o->pages[nr - 1 - i], VB_BLOCK, 0);
	o->nr = 0;
	if (!nr)
		return 0;
	if (!inside(im, o->block * VB_BLOCK, nr * VB_BLOCK))
		return -EIO;
	iov_iter_bvec(&iter, ITER_SOURCE, bv, nr, nr * VB_BLOCK);
	return transfer(im, o->block * VB_BLOCK, &iter, true, 0);
}

/**
 * vb_meta_super() - write a superblock, durably
 * @im: image
 * @s: what it says
 *
 * Return: 0 or a negative errno.
 */
int vb_meta_super(struct vb_image *im, const struct vb_super *s)
{
	struct bio_vec bv;
	struct iov_iter iter;
	void *raw = (void *)__get_free_page(VB_GFP_SURE);
	int ret;

	vb_super_pack(raw, s);
	bvec_set_page(&bv, virt_to_page(raw), VB_BLOCK, 0);
	iov_iter_bvec(&iter, ITER_SOURCE, &bv, 1, VB_BLOCK);
	ret = transfer(im, VB_SUPER_BLOCK(s->epoch) * VB_BLOCK, &iter, true, IOCB_DSYNC);
	free_page((unsigned long)raw);
	return ret;
}

/* What has been written is durable. */
int vb_meta_flush(struct vb_image *im)
{
	return vfs_fsync(im->backing->file, 1);
}

/**
 * vb_data_io() - read or write data
 * @im: image
 * @pos: byte in the image
 * @iter: used up
 * @write: which
 *
 * Return: 0 or a negative errno.
 */
int vb_data_io(struct vb_image *im, u64 pos, struct iov_iter *iter, bool write)
{
	if (!inside(im, pos, iov_iter_count(iter)))
		return -EIO;
	return transfer(im, pos, iter, write, 0);
}

/**
 * vb_data_punch() - make a hole where nothing is in use
 * @im: image
 * @block: the first
 * @blocks: how many
 *
 * If the backing cannot, nothing is lost but space.
 */
void vb_data_punch(struct vb_image *im, u64 block, u64 blocks)
{
	struct vb_backing *b = im->backing;

	if (b->bdev.bdev) {
		if (bdev_max_discard_sectors(b->bdev.bdev))
			blkdev_issue_discard(b->bdev.bdev, block << 3, blocks << 3, GFP_NOIO);
	} else if (b->file->f_op->fallocate && inside(im, block * VB_BLOCK, blocks * VB_BLOCK)) {
		vfs_fallocate(b->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      block * VB_BLOCK, blocks * VB_BLOCK);
	}
}
