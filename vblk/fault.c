// SPDX-License-Identifier: GPL-2.0
/* Faults on demand: errors, delays, writes of which only the beginning arrives. */

#include <linux/blk-mq.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "disk.h"
#include "fault.h"
#include "trace.h"

#define MAX_DELAY 10000000000ULL

struct vb_fault_rule {
	u32 ops;
	u32 every;
	u64 count;
	u64 first;
	u64 last;
	struct vb_verdict verdict;
	atomic64_t seen;
	atomic64_t hits;
};

/* I/O that is held up; on vb_faults::delayed until its time has come. */
struct vb_delayed {
	struct delayed_work work;
	struct list_head node;
	struct vb_disk *disk;
	struct bio *bio;
	struct request *rq;
	u64 start;
};

/**
 * vb_fault_judge() - does something go wrong with this request?
 * @disk: where
 * @op: VBLK_OP_*
 * @sector: of its beginning
 * @bytes: its length
 * @v: the answer; @v->kind is VBLK_FAULT_NONE if not
 */
void vb_fault_judge(struct vb_disk *disk, unsigned int op, sector_t sector, unsigned int bytes,
		    struct vb_verdict *v)
{
	u64 pos = (u64)sector << SECTOR_SHIFT;
	struct vb_fault_rule *r;
	u64 nth;

	v->kind = VBLK_FAULT_NONE;
	rcu_read_lock();
	r = rcu_dereference(disk->fault.rule);
	if (!r || !(r->ops & BIT(op)))
		goto out;
	if (op != VBLK_OP_FLUSH && (pos > r->last || pos + bytes <= r->first))
		goto out;
	nth = atomic64_inc_return(&r->seen);
	if (nth % r->every)
		goto out;
	if (r->count && nth / r->every > r->count)
		goto out;
	atomic64_inc(&r->hits);
	*v = r->verdict;
	trace_vblk_fault(disk->id, v->kind, op, sector);
out:
	rcu_read_unlock();
}

static void delay_over(struct work_struct *work)
{
	struct vb_delayed *d = container_of(to_delayed_work(work), struct vb_delayed, work);
	struct vb_disk *disk = d->disk;
	bool dead;

	spin_lock(&disk->fault.lock);
	list_del(&d->node);
	dead = disk->fault.dead;
	spin_unlock(&disk->fault.lock);

	if (d->bio && dead)
		vb_bio_fail(disk, d->bio, BLK_STS_IOERR);
	else if (d->bio)
		disk->kind->submit(disk, d->bio, 0, d->start);
	else if (dead)
		vb_rq_fail(disk, d->rq, BLK_STS_IOERR);
	else
		vb_rq_go(disk, d->rq, 0);
	kfree(d);
}

/**
 * vb_fault_delay() - hold something up
 * @disk: where
 * @delay: ns
 * @bio: on a bio-based disk
 * @rq: on the others
 * @start: of @bio, for the statistics
 *
 * Return: false if there is no memory for it, or the disk goes: then it is still
 * the caller's.
 */
bool vb_fault_delay(struct vb_disk *disk, u64 delay, struct bio *bio, struct request *rq,
		    u64 start)
{
	struct vb_delayed *d = kmalloc(sizeof(*d), GFP_NOWAIT | __GFP_NOWARN);

	if (!d)
		return false;
	INIT_DELAYED_WORK(&d->work, delay_over);
	d->disk = disk;
	d->bio = bio;
	d->rq = rq;
	d->start = start;
	spin_lock(&disk->fault.lock);
	if (disk->fault.dead) {
		spin_unlock(&disk->fault.lock);
		kfree(d);
		return false;
	}
	list_add(&d->node, &disk->fault.delayed);
	/* Under the lock, so that vb_fault_kill() finds it queued. */
	queue_delayed_work(disk->gate.wq, &d->work, nsecs_to_jiffies(delay) + 1);
	spin_unlock(&disk->fault.lock);
	return true;
}

static bool known_error(u32 error)
{
	switch (error) {
	case EIO:
	case ENOSPC:
	case ETIMEDOUT:
	case ENOLINK:
	case ENODATA:
	case EILSEQ:
	case ENOMEM:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

static int check(struct vb_disk *disk, struct vblk_fault *f)
{
	switch (f->kind) {
	case VBLK_FAULT_NONE:
		return f->ops || f->every || f->count || f->first || f->length || f->delay ||
		       f->torn || f->error ? -EINVAL : 0;
	case VBLK_FAULT_ERROR:
		f->error = f->error ?: EIO;
		if (f->delay || f->torn || !known_error(f->error))
			return -EINVAL;
		break;
	case VBLK_FAULT_DELAY:
		if (f->error || f->torn || !f->delay || f->delay > MAX_DELAY)
			return -EINVAL;
		break;
	case VBLK_FAULT_TORN:
		if (f->error || f->delay || f->ops != BIT(VBLK_OP_WRITE) || !f->torn ||
		    f->torn % disk->sector_size || f->torn > SZ_1G)
			return -EINVAL;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!f->ops || f->ops >= BIT(VBLK_NR_OPS) || f->first > VB_MAX_BYTES ||
	    f->length > VB_MAX_BYTES)
		return -EINVAL;
	return 0;
}

/**
 * vb_fault_set() - change what goes wrong
 * @disk: whose lock is held
 * @f: from user space; @hits is filled in
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP or -ENOMEM.
 */
int vb_fault_set(struct vb_disk *disk, struct vblk_fault *f)
{
	struct vb_fault_rule *r = NULL, *old;
	int ret;

	lockdep_assert_held(&disk->lock);
	ret = check(disk, f);
	if (ret)
		return ret;
	if (f->kind != VBLK_FAULT_NONE) {
		r = kzalloc(sizeof(*r), GFP_KERNEL);
		if (!r)
			return -ENOMEM;
		r->ops = f->ops;
		r->every = f->every ?: 1;
		r->count = f->count;
		r->first = f->first;
		r->last = f->length ? f->first + f->length - 1 : U64_MAX;
		r->verdict.kind = f->kind;
		r->verdict.error = -(int)f->error;
		r->verdict.delay = f->delay;
		r->verdict.torn = f->torn;
	}
	old = rcu_replace_pointer(disk->fault.rule, r, lockdep_is_held(&disk->lock));
	vb_slow_set(disk, VB_SLOW_FAULT, r);
	f->hits = 0;
	if (old) {
		/* The count is complete once nobody uses the old rule. */
		synchronize_rcu();
		f->hits = atomic64_read(&old->hits);
		kfree(old);
	}
	return 0;
}

void vb_fault_init(struct vb_disk *disk)
{
	spin_lock_init(&disk->fault.lock);
	INIT_LIST_HEAD(&disk->fault.delayed);
}

/**
 * vb_fault_kill() - what is held up fails at once
 * @disk: going by force
 */
void vb_fault_kill(struct vb_disk *disk)
{
	struct vb_delayed *d;

	spin_lock(&disk->fault.lock);
	disk->fault.dead = true;
	list_for_each_entry(d, &disk->fault.delayed, node)
		mod_delayed_work(disk->gate.wq, &d->work, 0);
	spin_unlock(&disk->fault.lock);
}

/**
 * vb_fault_exit() - the other end of vb_fault_init()
 * @disk: without any I/O left
 */
void vb_fault_exit(struct vb_disk *disk)
{
	kfree(rcu_dereference_protected(disk->fault.rule, true));
}
