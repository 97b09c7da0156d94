// SPDX-License-Identifier: GPL-2.0
/*
 * Disks on a file: blk-mq with a hardware queue for each CPU.
 *
 * A request goes to the file from where it is submitted if that cannot block
 * and nothing speaks against it (submitter_may()); else by a worker: reads and
 * writes that may come back with -EAGAIN in batches, one after the other without
 * waiting, everything else by a work item of its own, which may block.
 *
 * Workers run with PF_LOCAL_THROTTLE, because a disk's dirty pages may wait for
 * them, and with NOIO, because memory may wait for the disk.
 */

#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "backing.h"
#include "event.h"
#include "rawfile.h"
#include "trace.h"

enum why {
	WHY_KIND,
	WHY_SUBMITTER,
	WHY_BLOCKS,
};

static struct vb_disk *rq_disk(struct request *rq)
{
	return rq->q->queuedata;
}

static struct inode *backing_inode(struct vb_disk *disk)
{
	return disk->file->file->f_mapping->host;
}

/* A request that needs a worker's whole attention. */
static void hand(struct vb_disk *disk, struct request *rq, enum why why)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	trace_vblk_hand(disk->id, blk_rq_pos(rq), why);
	this_cpu_inc(disk->stats->handed);
	vb_payer_find(&cmd->payer, rq);
	queue_work(disk->gate.wq, &cmd->work);
}

/* Where in the backing a request begins. */
static u64 backing_pos(struct vb_disk *disk, struct request *rq)
{
	return disk->offset + ((u64)blk_rq_pos(rq) << SECTOR_SHIFT);
}

/* Has the backing become shorter than this request needs? Tell it, too. */
static bool check_lost(struct vb_disk *disk, struct request *rq)
{
	u64 bytes = i_size_read(backing_inode(disk));

	if (likely(backing_pos(disk, rq) + blk_rq_bytes(rq) <= bytes))
		return false;
	vb_event_lost(disk, bytes);
	return true;
}

static void done(struct request *rq, blk_status_t status)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	cmd->status = status;
	if (likely(!blk_should_fake_timeout(rq->q)))
		blk_mq_complete_request(rq);
}

/* The file has answered, and nobody uses the iocb any more. Any context. */
static void answered(struct vb_cmd *cmd)
{
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	struct vb_disk *disk = rq_disk(rq);
	long ret = cmd->ret;

	if (cmd->frozen) {
		cmd->frozen = false;
		kiocb_end_write(&cmd->iocb);
	}
	/* Without waiting it did nothing, or not all: again, with patience. */
	if (cmd->nowait && ret != cmd->want && (ret >= 0 || ret == -EAGAIN ||
						ret == -EOPNOTSUPP)) {
		hand(disk, rq, WHY_BLOCKS);
		return;
	}
	if (ret >= 0)
		ret = ret == cmd->want && !cmd->torn ? 0 : -EIO;
	/* Truncated while it was under way? Then that is what to say. */
	if (ret)
		check_lost(disk, rq);
	done(rq, errno_to_blk_status(ret));
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

/*
 * The pages of a request as an iterator: of a single bio its own array, of
 * several a copy of all their arrays. False: there is no memory now.
 */
static bool gather(struct vb_rawfile *f, struct request *rq, struct iov_iter *iter, gfp_t gfp)
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
	struct super_block *sb = file_inode(cmd->iocb.ki_filp)->i_sb;

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

/*
 * Read or write. If it need not wait, or must not, the answer comes later by
 * iocb_complete(); the request may be over when this returns.
 */
static void transfer(struct vb_disk *disk, struct request *rq, bool nowait)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_rawfile *f = disk->file;
	struct kiocb *iocb = &cmd->iocb;
	bool write = rq_data_dir(rq) == WRITE;
	struct iov_iter iter;
	ssize_t ret;

	memset(iocb, 0, sizeof(*iocb));
	iocb->ki_filp = f->file;
	iocb->ki_pos = backing_pos(disk, rq);
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
	if (check_lost(disk, rq)) {
		done(rq, BLK_STS_IOERR);
		return;
	}
	if (!gather(f, rq, &iter, nowait ? GFP_NOWAIT : GFP_NOIO) ||
	    (write && !hold_off_freeze(cmd, nowait))) {
		if (nowait)
			hand(disk, rq, WHY_BLOCKS);
		else
			done(rq, BLK_STS_IOERR);
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

/* What a worker is while it works for a disk. */
struct worker {
	unsigned int flags;
	unsigned int noio;
};

static void worker_begin(struct worker *w)
{
	w->flags = current->flags & PF_LOCAL_THROTTLE;
	current->flags |= PF_LOCAL_THROTTLE;
	w->noio = memalloc_noio_save();
}

static void worker_end(const struct worker *w)
{
	memalloc_noio_restore(w->noio);
	if (!w->flags)
		current->flags &= ~PF_LOCAL_THROTTLE;
}

/* Zeroes written out, for file systems that cannot say it shorter. */
static long write_zeroes(struct vb_rawfile *f, u64 pos, u64 len)
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
	struct vb_rawfile *f = disk->file;
	u64 pos = backing_pos(disk, rq), len = blk_rq_bytes(rq);
	int mode = keep ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
	long ret;

	if (check_lost(disk, rq)) {
		done(rq, BLK_STS_IOERR);
		return;
	}
	ret = vfs_fallocate(f->file, mode | FALLOC_FL_KEEP_SIZE, pos, len);
	if (ret == -EOPNOTSUPP && !discard)
		ret = write_zeroes(f, pos, len);
	if (!ret && rq->cmd_flags & REQ_FUA)
		ret = vfs_fsync(f->file, 1);
	done(rq, errno_to_blk_status(ret));
}

static void single_work(struct work_struct *work)
{
	struct vb_cmd *cmd = container_of(work, struct vb_cmd, work);
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	struct vb_disk *disk = rq_disk(rq);
	struct vb_paying paying;
	struct worker w;

	worker_begin(&w);
	vb_payer_begin(&paying, &cmd->payer);
	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		transfer(disk, rq, false);
		break;
	case REQ_OP_FLUSH:
		done(rq, errno_to_blk_status(vfs_fsync(disk->file->file, 1)));
		break;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		punch(disk, rq);
		break;
	default:
		done(rq, BLK_STS_NOTSUPP);
	}
	vb_payer_end(&paying);
	worker_end(&w);
}

static void batch_work(struct work_struct *work)
{
	struct vb_batch *batch = container_of(work, struct vb_batch, work);
	struct llist_node *list = llist_reverse_order(llist_del_all(&batch->list));
	struct vb_cmd *cmd, *next;
	struct vb_paying paying;
	struct blk_plug plug;
	struct worker w;

	worker_begin(&w);
	blk_start_plug(&plug);
	llist_for_each_entry_safe(cmd, next, list, node) {
		vb_payer_begin(&paying, &cmd->payer);
		transfer(batch->disk, blk_mq_rq_from_pdu(cmd), true);
		vb_payer_end(&paying);
	}
	blk_finish_plug(&plug);
	worker_end(&w);
}

/*
 * May a request go to the file from here, without a worker?
 *
 * - Not within submit_bio(): what the file system sends down would be put on
 *   current->bio_list and stay there until we return, and reading an extent's
 *   block waits for it, NOWAIT or not.
 * - Not within a transaction: the file system below would take another one's
 *   handle in current->journal_info for its own.
 * - Not while reclaiming: what it allocates would come out of the reserves.
 * - Not from a kernel thread, whose cgroup is not the one to charge.
 */
static bool submitter_may(void)
{
	return !current->bio_list && !current->journal_info &&
	       !(current->flags & (PF_MEMALLOC | PF_KTHREAD));
}

static void issue(struct vb_disk *disk, struct vb_batch *batch, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_rawfile *f = disk->file;
	unsigned int noio;

	if (!f->nowait || (req_op(rq) != REQ_OP_READ && req_op(rq) != REQ_OP_WRITE) ||
	    rq->cmd_flags & REQ_FUA) {
		hand(disk, rq, WHY_KIND);
		return;
	}
	if (submitter_may()) {
		noio = memalloc_noio_save();
		transfer(disk, rq, true);
		memalloc_noio_restore(noio);
		return;
	}
	trace_vblk_hand(disk->id, blk_rq_pos(rq), WHY_SUBMITTER);
	this_cpu_inc(disk->stats->handed);
	vb_payer_find(&cmd->payer, rq);
	if (llist_add(&cmd->node, &batch->list))
		queue_work(disk->gate.wq, &batch->work);
}

/**
 * vb_rq_go() - do a request that nothing speaks against
 * @disk: where
 * @rq: started
 * @torn: bytes to write before failing, or 0
 */
void vb_rq_go(struct vb_disk *disk, struct request *rq, unsigned int torn)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	cmd->torn = torn;
	hand(disk, rq, WHY_KIND);
}

/**
 * vb_rq_fail() - end a request that has not been tried
 * @disk: where
 * @rq: started
 * @status: why
 */
void vb_rq_fail(struct vb_disk *disk, struct request *rq, blk_status_t status)
{
	done(rq, status);
}

static unsigned int rq_op(struct request *rq)
{
	return vb_op((__force blk_opf_t)req_op(rq), blk_rq_bytes(rq));
}

/**
 * vb_rq_pass() - do a request that has passed the limits
 * @disk: where
 * @rq: started
 */
void vb_rq_pass(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_verdict v = { .kind = VBLK_FAULT_NONE };

	cmd->start = ktime_get_ns();
	if (test_bit(VB_SLOW_FAULT, &disk->slow))
		vb_fault_judge(disk, rq_op(rq), blk_rq_pos(rq), blk_rq_bytes(rq), &v);
	if (v.kind == VBLK_FAULT_ERROR)
		vb_rq_fail(disk, rq, errno_to_blk_status(v.error));
	else if (v.kind != VBLK_FAULT_DELAY || !vb_fault_delay(disk, v.delay, NULL, rq, 0))
		vb_rq_go(disk, rq, v.kind == VBLK_FAULT_TORN ? v.torn : 0);
}

static void rq_slow(struct vb_disk *disk, struct request *rq)
{
	if (test_bit(VB_SLOW_DEAD, &disk->slow) ||
	    (test_bit(VB_SLOW_RDONLY, &disk->slow) && op_is_write(req_op(rq)) &&
	     req_op(rq) != REQ_OP_FLUSH))
		vb_rq_fail(disk, rq, BLK_STS_IOERR);
	else if (!test_bit(VB_SLOW_LIMITS, &disk->slow) || !vb_gate_keep_rq(disk, rq))
		vb_rq_pass(disk, rq);
}

static blk_status_t raw_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_disk *disk = rq_disk(rq);

	blk_mq_start_request(rq);
	cmd->torn = 0;
	cmd->start = ktime_get_ns();
	if (unlikely(READ_ONCE(disk->slow)))
		rq_slow(disk, rq);
	else
		issue(disk, hctx->driver_data, rq);
	return BLK_STS_OK;
}

static void raw_complete(struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_disk *disk = rq_disk(rq);

	vb_stats_done(disk, rq_op(rq), blk_rq_pos(rq), blk_rq_bytes(rq), cmd->start, cmd->status);
	if (cmd->vec) {
		mempool_free(cmd->vec, &disk->file->vecs);
		cmd->vec = NULL;
	}
	vb_payer_drop(&cmd->payer);
	blk_mq_end_request(rq, cmd->status);
}

/* Once for each tag; the fields that requests leave behind are always empty. */
static int raw_init_request(struct blk_mq_tag_set *set, struct request *rq, unsigned int hctx,
			    unsigned int node)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	INIT_WORK(&cmd->work, single_work);
	cmd->vec = NULL;
	cmd->payer = (struct vb_payer){};
	cmd->frozen = false;
	return 0;
}

static int raw_init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct vb_disk *disk = data;

	hctx->driver_data = &disk->file->batch[index];
	return 0;
}

static const struct blk_mq_ops raw_ops = {
	.queue_rq = raw_queue_rq,
	.complete = raw_complete,
	.init_request = raw_init_request,
	.init_hctx = raw_init_hctx,
};

static void raw_limits(struct vb_disk *disk, struct compat_limits *lim)
{
	struct file *file = disk->file->file;

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
	struct vb_rawfile *f;
	struct gendisk *gd;
	unsigned int i;
	int ret;

	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	disk->file = f;
	f->file = disk->backing->file;
	f->direct = disk->flags & VBLK_ATTACH_DIRECT;
	f->nowait = f->direct && f->file->f_mode & FMODE_NOWAIT;
	f->batch = kcalloc(nr_cpu_ids, sizeof(*f->batch), GFP_KERNEL);
	ret = -ENOMEM;
	if (!f->batch)
		goto err_free;
	for (i = 0; i < nr_cpu_ids; i++) {
		f->batch[i].disk = disk;
		init_llist_head(&f->batch[i].list);
		INIT_WORK(&f->batch[i].work, batch_work);
	}
	ret = mempool_init_kmalloc_pool(&f->vecs, 2, VB_MAX_SEGMENTS * sizeof(struct bio_vec));
	if (ret)
		goto err_batch;

	f->set.ops = &raw_ops;
	f->set.nr_hw_queues = nr_cpu_ids;
	f->set.queue_depth = disk->queue_depth;
	f->set.numa_node = NUMA_NO_NODE;
	f->set.cmd_size = sizeof(struct vb_cmd);
	f->set.flags = BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_STACKING | BLK_MQ_F_BLOCKING |
		       BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	f->set.driver_data = disk;
	ret = blk_mq_alloc_tag_set(&f->set);
	if (ret)
		goto err_vecs;
	raw_limits(disk, &lim);
	gd = compat_alloc_mq_disk(&f->set, &lim, disk);
	ret = PTR_ERR_OR_ZERO(gd);
	if (ret)
		goto err_set;
	gd->fops = &vb_mq_fops;
	disk->gd = gd;
	return 0;

err_set:
	blk_mq_free_tag_set(&f->set);
err_vecs:
	mempool_exit(&f->vecs);
err_batch:
	kfree(f->batch);
err_free:
	kfree(f);
	disk->file = NULL;
	return ret;
}

static void raw_exit(struct vb_disk *disk)
{
	struct vb_rawfile *f = disk->file;

	blk_mq_free_tag_set(&f->set);
	mempool_exit(&f->vecs);
	kfree(f->batch);
	kfree(f);
	disk->file = NULL;
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
	.exit = raw_exit,
	.backing_bytes = raw_backing_bytes,
	.allocated = raw_allocated,
};
