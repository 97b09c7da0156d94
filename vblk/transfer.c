// SPDX-License-Identifier: GPL-2.0
/* A request's pages go to a file, or come from it, all in one place there. */

#include <linux/fs.h>
#include <linux/uio.h>

#include "event.h"
#include "mq.h"

/**
 * vb_rq_lost() - has the file become shorter than a request needs?
 * @disk: where; who listens is told
 * @rq: its place in the file is known
 *
 * Return: true if so.
 */
bool vb_rq_lost(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	u64 bytes = i_size_read(disk->mq->file->f_mapping->host);

	if (likely(cmd->pos + blk_rq_bytes(rq) <= bytes))
		return false;
	vb_event_lost(disk, bytes);
	return true;
}

static void leave(struct vb_disk *disk, struct vb_cmd *cmd)
{
	if (disk->kind->leave)
		disk->kind->leave(disk, cmd);
}

/* The file has answered, and nobody uses the iocb any more. Any context. */
static void answered(struct vb_cmd *cmd)
{
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	struct vb_disk *disk = vb_rq_disk(rq);
	long ret = cmd->ret;

	if (cmd->frozen) {
		cmd->frozen = false;
		kiocb_end_write(&cmd->iocb);
	}
	leave(disk, cmd);
	/* Without waiting it did nothing, or not all: again, with patience. */
	if (cmd->nowait && ret != cmd->want && (ret >= 0 || ret == -EAGAIN ||
						ret == -EOPNOTSUPP)) {
		vb_rq_hand(disk, rq, VB_WHY_BLOCKS);
		return;
	}
	if (ret >= 0)
		ret = ret == cmd->want && !cmd->torn ? 0 : -EIO;
	/* Truncated while it was under way? Then that is what to say. */
	if (ret)
		vb_rq_lost(disk, rq);
	vb_rq_done(rq, errno_to_blk_status(ret));
}

static void put(struct vb_cmd *cmd)
{
	if (atomic_dec_and_test(&cmd->refs))
		answered(cmd);
}

static void iocb_complete(struct kiocb *iocb, long ret)
{
	struct vb_cmd *cmd = container_of(iocb, struct vb_cmd, iocb);

	cmd->ret = ret;
	put(cmd);
}

/**
 * vb_gather() - the pages of a request as an iterator
 * @f: whose pool to use
 * @rq: of a single bio it is its own array, of several a copy of all of theirs
 * @iter: filled in
 * @gfp: may it wait
 *
 * Return: false if there is no memory now.
 */
bool vb_gather(struct vb_mq *f, struct request *rq, struct iov_iter *iter, gfp_t gfp)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct bio *bio = rq->bio;
	unsigned int nr = 0;
	struct bio_vec *vec;
	struct req_iterator it;
	struct bio_vec bv;

	if (bio != rq->biotail) {
		if (!cmd->vec)
			cmd->vec = mempool_alloc(&f->vecs, gfp);
		if (!cmd->vec)
			return false;
		rq_for_each_bvec(bv, rq, it) {
			if (WARN_ON_ONCE(nr == VB_MAX_SEGMENTS))
				return false;
			cmd->vec[nr++] = bv;
		}
		iov_iter_bvec(iter, rq_data_dir(rq), cmd->vec, nr, blk_rq_bytes(rq));
	} else {
		vec = __bvec_iter_bvec(bio->bi_io_vec, bio->bi_iter);
		rq_for_each_bvec(bv, rq, it)
			nr++;
		iov_iter_bvec(iter, rq_data_dir(rq), vec, nr, blk_rq_bytes(rq));
		iter->iov_offset = bio->bi_iter.bi_bvec_done;
	}
	return true;
}

/*
 * A write holds off freezing until it is answered, maybe by an interrupt: to
 * lockdep it looks given back. False: frozen, and the caller would not wait.
 */
static bool hold_off_freeze(struct vb_cmd *cmd, bool nowait)
{
	struct inode *inode = file_inode(cmd->iocb.ki_filp);
	struct super_block *sb = inode->i_sb;

	/* A block device is none of its node's file system. */
	if (!S_ISREG(inode->i_mode))
		return true;
	if (!nowait) {
		kiocb_start_write(&cmd->iocb);
	} else {
		if (!sb_start_write_trylock(sb))
			return false;
		__sb_writers_release(sb, SB_FREEZE_WRITE);
	}
	cmd->frozen = true;
	return true;
}

/**
 * vb_transfer() - read or write
 * @disk: where
 * @rq: READ or WRITE; its place in the file is in its vb_cmd
 * @nowait: do not block
 *
 * If it need not wait, or must not, the answer comes later by iocb_complete(); the
 * request may be over when this returns.
 */
void vb_transfer(struct vb_disk *disk, struct request *rq, bool nowait)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_mq *f = disk->mq;
	struct kiocb *iocb = &cmd->iocb;
	bool write = rq_data_dir(rq) == WRITE;
	struct iov_iter iter;
	ssize_t ret;

	memset(iocb, 0, sizeof(*iocb));
	iocb->ki_filp = f->file;
	iocb->ki_pos = cmd->pos;
	iocb->ki_complete = iocb_complete;
	iocb->ki_ioprio = req_get_ioprio(rq);
	if (f->direct)
		iocb->ki_flags |= IOCB_DIRECT;
	if (nowait)
		iocb->ki_flags |= IOCB_NOWAIT;
	if (rq->cmd_flags & REQ_FUA)
		iocb->ki_flags |= IOCB_DSYNC;
	cmd->want = blk_rq_bytes(rq);
	cmd->nowait = nowait;

	/* The backing shrinks, the disk does not: what is gone cannot come back. */
	if (vb_rq_lost(disk, rq)) {
		leave(disk, cmd);
		vb_rq_done(rq, BLK_STS_IOERR);
		return;
	}
	if (!vb_gather(f, rq, &iter, nowait ? GFP_NOWAIT : GFP_NOIO) ||
	    (write && !hold_off_freeze(cmd, nowait))) {
		leave(disk, cmd);
		if (nowait)
			vb_rq_hand(disk, rq, VB_WHY_BLOCKS);
		else
			vb_rq_done(rq, BLK_STS_IOERR);
		return;
	}
	if (cmd->torn && cmd->torn < cmd->want) {
		iov_iter_truncate(&iter, cmd->torn);
		cmd->want = cmd->torn;
	}
	atomic_set(&cmd->refs, 2);
	if (write)
		ret = f->file->f_op->write_iter(iocb, &iter);
	else
		ret = f->file->f_op->read_iter(iocb, &iter);
	if (ret != -EIOCBQUEUED)
		iocb_complete(iocb, ret);
	put(cmd);
}
