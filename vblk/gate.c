// SPDX-License-Identifier: GPL-2.0
/*
 * Limits on requests and bytes per second: what exceeds them waits here, in the
 * order of arrival, and goes on from the disk's workqueue.
 */

#include <linux/blk-mq.h>

#include "compat.h"
#include "disk.h"
#include "gate.h"
#include "trace.h"

#define MAX_IOPS	1000000000ULL
#define MAX_BPS		BIT_ULL(40)
#define MIN_BURST	SZ_1M

/* May this much go now? If so it is charged for. Returns how long to wait. */
static u64 admit(struct vb_gate *g, unsigned int bytes, u64 now)
{
	u64 wait;

	lockdep_assert_held(&g->lock);
	wait = max(vb_bucket_wait(&g->iops, 1, now), vb_bucket_wait(&g->bps, bytes, now));
	if (!wait) {
		vb_bucket_take(&g->iops, 1, now);
		vb_bucket_take(&g->bps, bytes, now);
	}
	return wait;
}

static void arm(struct vb_disk *disk, u64 wait)
{
	trace_vblk_throttle(disk->id, wait);
	hrtimer_start(&disk->gate.timer, ns_to_ktime(wait), HRTIMER_MODE_REL);
}

static enum hrtimer_restart time_to_go(struct hrtimer *timer)
{
	struct vb_gate *g = container_of(timer, struct vb_gate, timer);

	queue_work(g->wq, &g->work);
	return HRTIMER_NORESTART;
}

/* Bytes that the limit on bytes is about; discards move none. */
static unsigned int bio_cost(const struct bio *bio)
{
	return bio_has_data((struct bio *)bio) ? bio->bi_iter.bi_size : 0;
}

static unsigned int rq_cost(struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return blk_rq_bytes(rq);
	default:
		return 0;
	}
}

/**
 * vb_gate_keep_bio() - does a bio have to wait?
 * @disk: bio-based
 * @bio: a new one, counted in @disk->inflight
 *
 * Return: false if it may go on at once; else it is the gate's.
 */
bool vb_gate_keep_bio(struct vb_disk *disk, struct bio *bio)
{
	struct vb_gate *g = &disk->gate;
	bool first;
	u64 wait = 0;

	if (!bio->bi_iter.bi_size)
		return false;
	spin_lock(&g->lock);
	first = bio_list_empty(&g->bios);
	if (first)
		wait = admit(g, bio_cost(bio), ktime_get_ns());
	if (g->dead || (first && !wait)) {
		spin_unlock(&g->lock);
		return false;
	}
	if (bio->bi_opf & REQ_NOWAIT) {
		spin_unlock(&g->lock);
		vb_bio_fail(disk, bio, BLK_STS_AGAIN);
		return true;
	}
	bio_list_add(&g->bios, bio);
	if (first)
		arm(disk, wait);
	spin_unlock(&g->lock);
	return true;
}

/**
 * vb_gate_keep_rq() - does a request have to wait?
 * @disk: blk-mq
 * @rq: a new one, started
 *
 * Return: false if it may go on at once; else it is the gate's.
 */
bool vb_gate_keep_rq(struct vb_disk *disk, struct request *rq)
{
	struct vb_gate *g = &disk->gate;
	bool first;
	u64 wait = 0;

	if (req_op(rq) == REQ_OP_FLUSH)
		return false;
	spin_lock(&g->lock);
	first = list_empty(&g->rqs);
	if (first)
		wait = admit(g, rq_cost(rq), ktime_get_ns());
	if (g->dead || (first && !wait)) {
		spin_unlock(&g->lock);
		return false;
	}
	list_add_tail(&rq->queuelist, &g->rqs);
	if (first)
		arm(disk, wait);
	spin_unlock(&g->lock);
	return true;
}

/* Let one go, if there is one and it may. */
static bool let_go(struct vb_disk *disk)
{
	struct vb_gate *g = &disk->gate;
	struct request *rq;
	struct bio *bio;
	bool dead;
	u64 wait;

	spin_lock(&g->lock);
	bio = bio_list_peek(&g->bios);
	rq = list_first_entry_or_null(&g->rqs, struct request, queuelist);
	if (!bio && !rq) {
		spin_unlock(&g->lock);
		return false;
	}
	dead = g->dead;
	wait = dead ? 0 : admit(g, bio ? bio_cost(bio) : rq_cost(rq), ktime_get_ns());
	if (wait) {
		arm(disk, wait);
		spin_unlock(&g->lock);
		return false;
	}
	if (bio)
		bio_list_pop(&g->bios);
	else
		list_del_init(&rq->queuelist);
	spin_unlock(&g->lock);

	this_cpu_inc(disk->stats->throttled);
	if (dead && bio)
		vb_bio_fail(disk, bio, BLK_STS_IOERR);
	else if (dead)
		vb_rq_fail(disk, rq, BLK_STS_IOERR);
	else if (bio)
		vb_bio_pass(disk, bio);
	else
		vb_rq_pass(disk, rq);
	return true;
}

static void gate_work(struct work_struct *work)
{
	struct vb_gate *g = container_of(work, struct vb_gate, work);
	struct vb_disk *disk = container_of(g, struct vb_disk, gate);

	while (let_go(disk))
		cond_resched();
}

/**
 * vb_gate_limits() - set or read the limits of a disk
 * @disk: whose lock is held
 * @l: from and to user space
 *
 * Return: 0 or -EINVAL.
 */
int vb_gate_limits(struct vb_disk *disk, struct vblk_limits *l)
{
	struct vb_gate *g = &disk->gate;
	u64 now = ktime_get_ns();

	lockdep_assert_held(&disk->lock);
	if (l->flags & VBLK_LIMITS_GET) {
		l->iops = g->iops.rate;
		l->bps = g->bps.rate;
		l->iops_burst = g->iops.burst;
		l->bps_burst = g->bps.burst;
		return 0;
	}
	if (l->iops > MAX_IOPS || l->iops_burst > MAX_IOPS || l->bps > MAX_BPS ||
	    l->bps_burst > MAX_BPS || (!l->iops && l->iops_burst) || (!l->bps && l->bps_burst))
		return -EINVAL;
	if (l->iops && !l->iops_burst)
		l->iops_burst = max(l->iops / 10, 1ULL);
	if (l->bps && !l->bps_burst)
		l->bps_burst = max(l->bps / 10, MIN_BURST);

	spin_lock(&g->lock);
	vb_bucket_set(&g->iops, l->iops, l->iops_burst, now);
	vb_bucket_set(&g->bps, l->bps, l->bps_burst, now);
	spin_unlock(&g->lock);
	/*
	 * Without limits nothing new comes here; those who wait go now, and may
	 * be overtaken, which the block layer allows at any time.
	 */
	vb_slow_set(disk, VB_SLOW_LIMITS, l->iops || l->bps);
	queue_work(g->wq, &g->work);
	return 0;
}

/**
 * vb_gate_init() - no limits; also makes the disk's workqueue
 * @disk: new, with its number
 *
 * Return: 0 or -ENOMEM.
 */
int vb_gate_init(struct vb_disk *disk)
{
	struct vb_gate *g = &disk->gate;

	spin_lock_init(&g->lock);
	bio_list_init(&g->bios);
	INIT_LIST_HEAD(&g->rqs);
	hrtimer_setup(&g->timer, time_to_go, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	INIT_WORK(&g->work, gate_work);
	g->wq = alloc_workqueue("vblk%d", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, disk->id);
	return g->wq ? 0 : -ENOMEM;
}

/**
 * vb_gate_kill() - everybody who waits fails, nobody waits from now on
 * @disk: going by force
 */
void vb_gate_kill(struct vb_disk *disk)
{
	struct vb_gate *g = &disk->gate;

	spin_lock(&g->lock);
	g->dead = true;
	spin_unlock(&g->lock);
	queue_work(g->wq, &g->work);
}

/**
 * vb_gate_exit() - the other end of vb_gate_init()
 * @disk: without any I/O left
 */
void vb_gate_exit(struct vb_disk *disk)
{
	/* The timer queues the work, and the work starts the timer. */
	hrtimer_cancel(&disk->gate.timer);
	cancel_work_sync(&disk->gate.work);
	hrtimer_cancel(&disk->gate.timer);
	destroy_workqueue(disk->gate.wq);
}
