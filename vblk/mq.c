// SPDX-License-Identifier: GPL-2.0
/*
 * Disks with requests: blk-mq with a hardware queue for each CPU.
 *
 * A request goes to the file from where it is submitted if that cannot block
 * and nothing speaks against it (submitter_may()); else by a worker: reads and
 * writes that may come back with -EAGAIN in batches, one after the other without
 * waiting, everything else by a work item of its own, which may block.
 *
 * Workers run with PF_LOCAL_THROTTLE, because a disk's dirty pages may wait for
 * them, and with NOIO, because memory may wait for the disk.
 */

#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mq.h"
#include "trace.h"

/**
 * vb_rq_hand() - give a request to a worker, which then has time for it
 * @disk: where
 * @rq: started
 * @why: for the tracepoint
 *
 * Context: any.
 */
void vb_rq_hand(struct vb_disk *disk, struct request *rq, enum vb_why why)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	trace_vblk_hand(disk->id, blk_rq_pos(rq), why);
	this_cpu_inc(disk->stats->handed);
	vb_payer_find(&cmd->payer, rq);
	queue_work(disk->gate.wq, &cmd->work);
}

/**
 * vb_rq_done() - end a request
 * @rq: started
 * @status: how it went
 *
 * Context: any.
 */
void vb_rq_done(struct request *rq, blk_status_t status)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	cmd->status = status;
	if (likely(!blk_should_fake_timeout(rq->q)))
		blk_mq_complete_request(rq);
}

/**
 * vb_worker_begin() - the caller, a worker, works for a disk from here
 * @w: filled in
 */
void vb_worker_begin(struct vb_worker *w)
{
	w->flags = current->flags & PF_LOCAL_THROTTLE;
	current->flags |= PF_LOCAL_THROTTLE;
	w->noio = memalloc_noio_save();
}

/**
 * vb_worker_end() - to here
 * @w: from vb_worker_begin()
 */
void vb_worker_end(const struct vb_worker *w)
{
	memalloc_noio_restore(w->noio);
	if (!w->flags)
		current->flags &= ~PF_LOCAL_THROTTLE;
}

static void single_work(struct work_struct *work)
{
	struct vb_cmd *cmd = container_of(work, struct vb_cmd, work);
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	struct vb_disk *disk = vb_rq_disk(rq);
	struct vb_paying paying;
	struct vb_worker w;

	vb_worker_begin(&w);
	vb_payer_begin(&paying, &cmd->payer);
	disk->kind->rq_work(disk, rq);
	vb_payer_end(&paying);
	vb_worker_end(&w);
}

static void batch_work(struct work_struct *work)
{
	struct vb_batch *batch = container_of(work, struct vb_batch, work);
	struct llist_node *list = llist_reverse_order(llist_del_all(&batch->list));
	bool several = list && list->next;
	struct vb_cmd *cmd, *next;
	struct vb_paying paying;
	struct blk_plug plug;
	struct vb_worker w;

	vb_worker_begin(&w);
	/*
	 * What is put off by a plug cannot be over when the file system looks, and the end
	 * of a direct write then costs another worker.
	 */
	if (several)
		blk_start_plug(&plug);
	llist_for_each_entry_safe(cmd, next, list, node) {
		vb_payer_begin(&paying, &cmd->payer);
		batch->disk->kind->rq_try(batch->disk, blk_mq_rq_from_pdu(cmd));
		vb_payer_end(&paying);
	}
	if (several)
		blk_finish_plug(&plug);
	vb_worker_end(&w);
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
 * - Not under a limit for the size of files: the backing is not the submitter's,
 *   who would get a signal, and the disk an error.
 */
static bool submitter_may(void)
{
	return !current->bio_list && !current->journal_info &&
	       rlimit(RLIMIT_FSIZE) == RLIM_INFINITY &&
	       !(current->flags & (PF_MEMALLOC | PF_KTHREAD));
}

static void issue(struct vb_disk *disk, struct vb_batch *batch, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	unsigned int noio;

	if (!disk->mq->nowait || (req_op(rq) != REQ_OP_READ && req_op(rq) != REQ_OP_WRITE) ||
	    rq->cmd_flags & REQ_FUA) {
		vb_rq_hand(disk, rq, VB_WHY_KIND);
		return;
	}
	if (submitter_may()) {
		noio = memalloc_noio_save();
		disk->kind->rq_try(disk, rq);
		memalloc_noio_restore(noio);
		return;
	}
	trace_vblk_hand(disk->id, blk_rq_pos(rq), VB_WHY_SUBMITTER);
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
	vb_rq_hand(disk, rq, VB_WHY_KIND);
}

/**
 * vb_rq_fail() - end a request that has not been tried
 * @disk: where
 * @rq: started
 * @status: why
 */
void vb_rq_fail(struct vb_disk *disk, struct request *rq, blk_status_t status)
{
	vb_rq_done(rq, status);
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

static blk_status_t mq_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_disk *disk = vb_rq_disk(rq);

	blk_mq_start_request(rq);
	cmd->torn = 0;
	cmd->start = ktime_get_ns();
	if (unlikely(READ_ONCE(disk->slow)))
		rq_slow(disk, rq);
	else
		issue(disk, hctx->driver_data, rq);
	return BLK_STS_OK;
}

static void mq_complete(struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct vb_disk *disk = vb_rq_disk(rq);

	vb_stats_done(disk, rq_op(rq), blk_rq_pos(rq), blk_rq_bytes(rq), cmd->start, cmd->status);
	if (cmd->vec) {
		mempool_free(cmd->vec, &disk->mq->vecs);
		cmd->vec = NULL;
	}
	vb_payer_drop(&cmd->payer);
	blk_mq_end_request(rq, cmd->status);
}

/* Once for each tag; the fields that requests leave behind are always empty. */
static int mq_init_request(struct blk_mq_tag_set *set, struct request *rq, unsigned int hctx,
			   unsigned int node)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	INIT_WORK(&cmd->work, single_work);
	cmd->vec = NULL;
	cmd->payer = (struct vb_payer){};
	cmd->frozen = false;
	cmd->section = -1;
	return 0;
}

static int mq_init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct vb_disk *disk = data;

	hctx->driver_data = &disk->mq->batch[index];
	return 0;
}

static const struct blk_mq_ops mq_ops = {
	.queue_rq = mq_queue_rq,
	.complete = mq_complete,
	.init_request = mq_init_request,
	.init_hctx = mq_init_hctx,
};

/**
 * vb_mq_init() - tags, queues and gendisk of a disk whose requests go to a file
 * @disk: new
 * @file: the file
 * @lim: what the disk can do
 *
 * Return: 0 or a negative errno.
 */
int vb_mq_init(struct vb_disk *disk, struct file *file, const struct compat_limits *lim)
{
	struct vb_mq *f;
	struct gendisk *gd;
	unsigned int i;
	int ret;

	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	disk->mq = f;
	f->file = file;
	f->direct = file->f_flags & O_DIRECT;
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

	f->set.ops = &mq_ops;
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
	gd = compat_alloc_mq_disk(&f->set, lim, disk);
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
	disk->mq = NULL;
	return ret;
}

/**
 * vb_mq_exit() - the other end of vb_mq_init()
 * @disk: without any I/O left
 */
void vb_mq_exit(struct vb_disk *disk)
{
	struct vb_mq *f = disk->mq;

	blk_mq_free_tag_set(&f->set);
	mempool_exit(&f->vecs);
	kfree(f->batch);
	kfree(f);
	disk->mq = NULL;
}
