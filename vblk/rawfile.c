// SPDX-License-Identifier: GPL-2.0
/* Raw disks on a file: byte for byte. */

#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/uio.h>

#include "backing.h"
#include "mq.h"

/* Where in the backing a request begins. */
static void place(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	cmd->pos = disk->offset + ((u64)blk_rq_pos(rq) << SECTOR_SHIFT);
}

static void raw_try(struct vb_disk *disk, struct request *rq)
{
	place(disk, rq);
	vb_transfer(disk, rq, true);
}

/* Zeroes written out, for file systems that cannot say it shorter. */
static long write_zeroes(struct vb_mq *f, u64 pos, u64 len)
{
	struct bio_vec bv[16];
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t ret = 0;
	unsigned int i;
	u64 n;

	for (i = 0; i < ARRAY_SIZE(bv); i++)
		bv[i] = (struct bio_vec){ .bv_page = ZERO_PAGE(0), .bv_len = PAGE_SIZE };
	file_start_write(f->file);
	while (len) {
		n = min_t(u64, len, ARRAY_SIZE(bv) * PAGE_SIZE);
		iov_iter_bvec(&iter, WRITE, bv, DIV_ROUND_UP(n, PAGE_SIZE), n);
		init_sync_kiocb(&iocb, f->file);
		iocb.ki_pos = pos;
		ret = f->file->f_op->write_iter(&iocb, &iter);
		if (ret <= 0)
			break;
		pos += ret;
		len -= ret;
		cond_resched();
	}
	file_end_write(f->file);
	return len ? (ret < 0 ? ret : -EIO) : 0;
}

/*
 * Discard and write-zeroes make holes in the file; if the blocks are to stay,
 * it zeroes them. What it cannot do, is written.
 */
static void punch(struct vb_disk *disk, struct request *rq)
{
	bool discard = req_op(rq) == REQ_OP_DISCARD;
	bool keep = !discard && rq->cmd_flags & REQ_NOUNMAP;
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_mq *f = disk->mq;
	u64 pos = cmd->pos, len = blk_rq_bytes(rq);
	int mode = keep ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
	long ret;

	if (vb_rq_lost(disk, rq)) {
		vb_rq_done(rq, BLK_STS_IOERR);
		return;
	}
	ret = vfs_fallocate(f->file, mode | FALLOC_FL_KEEP_SIZE, pos, len);
	if (ret == -EOPNOTSUPP && !discard)
		ret = write_zeroes(f, pos, len);
	if (!ret && rq->cmd_flags & REQ_FUA)
		ret = vfs_fsync(f->file, 1);
	vb_rq_done(rq, errno_to_blk_status(ret));
}

static void raw_work(struct vb_disk *disk, struct request *rq)
{
	place(disk, rq);
	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		vb_transfer(disk, rq, false);
		break;
	case REQ_OP_FLUSH:
		vb_rq_done(rq, errno_to_blk_status(vfs_fsync(disk->mq->file, 1)));
		break;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		punch(disk, rq);
		break;
	default:
		vb_rq_done(rq, BLK_STS_NOTSUPP);
	}
}

static void raw_limits(struct vb_disk *disk, struct compat_limits *lim)
{
	struct file *file = disk->backing->file;

	lim->logical = disk->sector_size;
	lim->physical = disk->sector_size;
	lim->io_opt = i_blocksize(file_inode(file));
	lim->max_sectors = SZ_1M >> SECTOR_SHIFT;
	lim->max_segments = VB_MAX_SEGMENTS;
	/* Every bio_vec must be a multiple of what direct I/O wants. */
	lim->dma_mask = disk->sector_size - 1;
	lim->write_cache = !vb_rdonly(disk);
	if (vb_rdonly(disk) || !file->f_op->fallocate)
		return;
	lim->discard_granularity = max_t(unsigned int, i_blocksize(file_inode(file)),
					 disk->sector_size);
	lim->discard_sectors = UINT_MAX >> SECTOR_SHIFT;
	lim->zeroes_sectors = SZ_1G >> SECTOR_SHIFT;
}

static int raw_init(struct vb_disk *disk, struct vb_msg *msg)
{
	struct compat_limits lim = {};

	raw_limits(disk, &lim);
	return vb_mq_init(disk, disk->backing->file, &lim);
}

static u64 raw_backing_bytes(struct vb_disk *disk)
{
	return i_size_read(disk->backing->file->f_mapping->host);
}

static u64 raw_allocated(struct vb_disk *disk)
{
	return (u64)file_inode(disk->backing->file)->i_blocks << SECTOR_SHIFT;
}

const struct vb_kind vb_rawfile_kind = {
	.init = raw_init,
	.exit = vb_mq_exit,
	.rq_try = raw_try,
	.rq_work = raw_work,
	.backing_bytes = raw_backing_bytes,
	.allocated = raw_allocated,
};
