// SPDX-License-Identifier: GPL-2.0
/*
 * From one epoch to the next: Documentation/vblk-format.rst, "How an image changes".
 * Maps do not change while a commit collects and writes; reading goes on, and writing
 * in place.
 *
 * Commits are the workers' of im->wq alone. A caller's task would write to the backing
 * under limits and signals that are not the image's: a commit that fails in the middle
 * ends all writing.
 */

#include <linux/slab.h>

#include "image.h"
#include "mq.h"
#include "trace.h"

static int write_maps(struct vb_image *im)
{
	struct vb_vol *vol;
	unsigned long number;
	int ret;

	xa_for_each_marked(&im->volumes, number, vol, VB_CHANGED) {
		ret = vb_tree_write(&vol->tree, vol);
		if (ret)
			return ret;
	}
	return 0;
}

/* Step 1 of the document. An operation that fails by itself leaves no trace. */
static int collect(struct vb_image *im, struct vb_op *op)
{
	int ret = write_maps(im);

	if (ret)
		return ret;
	if (op) {
		im->ops = true;
		op->ret = op->fn(im, op->arg);
		ret = write_maps(im);
	}
	ret = ret ?: vb_vols_write(im) ?: vb_tree_write(&im->table, NULL);
	if (ret)
		return ret;
	im->next.volumes = im->table.root;
	im->next.next_volume = im->next_volume;
	im->next.nr_volumes = im->nr_volumes;
	return vb_log_write(im) ?: vb_meta_out_end(im);
}

static int commit(struct vb_image *im, struct vb_op *op)
{
	int ret;

	lockdep_assert_held_write(&im->change);
	/* What was written in place is durable even if the maps cannot be any more. */
	if (!im->changed && !op)
		return vb_meta_flush(im);
	if (vb_image_rdonly(im))
		return -EROFS;
	/* An epoch has 48 bits. What is durable stays so. */
	if (im->next.epoch >= VB_MAX_EPOCH) {
		vb_image_fail(im, -EOVERFLOW, "after the last epoch");
		return -EIO;
	}
	ret = collect(im, op);
	if (!ret && im->error)
		ret = -EIO;
	ret = ret ?: vb_meta_flush(im) ?: vb_meta_super(im, &im->next);
	trace_vblk_commit(im->next.epoch, im->next.log_records, im->next.nr_free, ret);
	if (ret) {
		vb_image_fail(im, ret, "writing an epoch");
		return -EIO;
	}
	im->super = im->next;
	im->next.epoch++;
	vb_vols_durable(im);
	im->changed = false;
	return 0;
}

static void answer(struct list_head *list, int error, bool released)
{
	struct vb_waiter *w, *next;

	list_for_each_entry_safe(w, next, list, node) {
		if (w->released && !released)
			continue;
		list_del(&w->node);
		w->done(w, error);
	}
}

/**
 * vb_commit_now() - make all that has been acknowledged durable
 * @im: image, not read-only
 * @op: to be part of it, or NULL
 *
 * Context: a worker of im->wq, between vb_worker_begin() and _end(), without im->change.
 * Also answers who waits for a commit.
 *
 * Return: 0 or a negative errno; @op->ret, if it was called, is another matter.
 */
int vb_commit_now(struct vb_image *im, struct vb_op *op)
{
	LIST_HEAD(waiting);
	int ret;

	mutex_lock(&im->committing);
	spin_lock(&im->waiting_lock);
	list_splice_init(&im->waiting, &waiting);
	spin_unlock(&im->waiting_lock);

	if (op)
		op->ret = -EROFS;
	down_write(&im->change);
	ret = commit(im, op);
	up_write(&im->change);
	answer(&waiting, ret, false);
	if (!ret) {
		/* Whoever looked at the map before is still reading what is given up. */
		if (!list_empty(&im->space.given))
			synchronize_srcu_expedited(&im->srcu);
		vb_space_release(im);
	}
	answer(&waiting, ret, true);
	mutex_unlock(&im->committing);
	return ret;
}

/* What a caller has a worker do. */
struct job {
	struct work_struct work;
	struct vb_image *im;
	int (*fn)(struct vb_image *im, void *arg);
	void *arg;
	int ret;
};

static void job_work(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);
	struct vb_worker w;

	vb_worker_begin(&w);
	job->ret = job->fn(job->im, job->arg);
	vb_worker_end(&w);
}

/**
 * vb_image_run() - have a worker do something for the caller, who waits
 * @im: image
 * @fn: what; it waits for nothing but the backing, and not for another of these workers
 * @arg: its argument
 *
 * Context: process, without im->change. No signal ends the wait.
 *
 * Return: what @fn returned.
 */
int vb_image_run(struct vb_image *im, int (*fn)(struct vb_image *im, void *arg), void *arg)
{
	struct job job = { .im = im, .fn = fn, .arg = arg };

	INIT_WORK_ONSTACK(&job.work, job_work);
	queue_work(im->wq, &job.work);
	flush_work(&job.work);
	destroy_work_on_stack(&job.work);
	return job.ret;
}

static int run_commit(struct vb_image *im, void *arg)
{
	return vb_commit_now(im, arg);
}

/**
 * vb_commit() - the same for a caller who is no worker
 * @im: image, not read-only
 * @op: to be part of it, or NULL
 *
 * Context: process, without im->change.
 *
 * Return: as vb_commit_now().
 */
int vb_commit(struct vb_image *im, struct vb_op *op)
{
	return vb_image_run(im, run_commit, op);
}

/* Within a second, or, if there is much to write, now. */
void vb_commit_soon(struct vb_image *im, bool now)
{
	if (now)
		mod_delayed_work(im->wq, &im->commit_work, 0);
	else
		queue_delayed_work(im->wq, &im->commit_work, HZ);
}

void vb_commit_work(struct work_struct *work)
{
	struct vb_worker w;

	vb_worker_begin(&w);
	vb_commit_now(container_of(work, struct vb_image, commit_work.work), NULL);
	vb_worker_end(&w);
}

/**
 * vb_commit_wait_async() - be told of a commit of all that has been acknowledged
 * @im: image
 * @w: @done and @released are set
 *
 * Context: any process.
 */
void vb_commit_wait_async(struct vb_image *im, struct vb_waiter *w)
{
	spin_lock(&im->waiting_lock);
	list_add_tail(&w->node, &im->waiting);
	spin_unlock(&im->waiting_lock);
	mod_delayed_work(im->wq, &im->commit_work, 0);
}

struct sleeper {
	struct vb_waiter waiter;
	struct completion done;
	int error;
};

static void wake(struct vb_waiter *w, int error)
{
	struct sleeper *s = container_of(w, struct sleeper, waiter);

	s->error = error;
	complete(&s->done);
}

/**
 * vb_commit_wait() - have everything committed
 * @im: image
 * @released: wait until what is given up can be used, too
 *
 * Return: 0 or a negative errno.
 */
int vb_commit_wait(struct vb_image *im, bool released)
{
	struct sleeper s = { .waiter = { .done = wake, .released = released } };

	init_completion(&s.done);
	vb_commit_wait_async(im, &s.waiter);
	wait_for_completion(&s.done);
	return s.error;
}
