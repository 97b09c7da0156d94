// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a disk. Whoever changes its state from VB_LIVE to VB_GOING, under
 * disk->lock and the gendisk's open_mutex, takes it apart; nobody opens it any
 * more from then on.
 */

#include <linux/module.h>
#include <linux/sched/signal.h>

#include "backing.h"
#include "disk.h"
#include "event.h"
#include "image.h"
#include "trace.h"

/* For those who look at every new disk for a moment. */
#define GRACE (NSEC_PER_SEC)

/* Is somebody there who will not go by himself: a file system, dm? */
static bool claimed(struct gendisk *gd)
{
	return READ_ONCE(gd->part0->bd_holder);
}

/* Worth another try? */
static bool free_to_go(struct vb_disk *disk)
{
	return !disk_openers(disk->gd) || READ_ONCE(disk->state) != VB_LIVE;
}

/* Try to be the one who ends it. -EBUSY: it is open. */
static int try_go(struct vb_disk *disk, bool force)
{
	struct gendisk *gd = disk->gd;
	int ret = 0;

	mutex_lock(&disk->lock);
	if (disk->state != VB_LIVE) {
		mutex_unlock(&disk->lock);
		return -ENOENT;
	}
	mutex_lock(&gd->open_mutex);
	if (!force && disk_openers(gd))
		ret = -EBUSY;
	else
		disk->state = VB_GOING;
	mutex_unlock(&gd->open_mutex);
	mutex_unlock(&disk->lock);
	return ret;
}

/* ns from now; 0 stands for never. */
static u64 remaining(u64 deadline)
{
	u64 now = ktime_get_ns();

	return deadline > now ? deadline - now : 0;
}

static int wait_and_go(struct vb_disk *disk, const struct vblk_detach *d, struct vb_msg *msg)
{
	bool wait = d->flags & VBLK_DETACH_WAIT;
	u64 deadline = wait ? d->deadline : ktime_get_ns() + GRACE;
	unsigned long left;
	int ret;

	for (;;) {
		ret = try_go(disk, false);
		if (ret != -EBUSY)
			return ret;
		if (!wait && claimed(disk->gd)) {
			vb_say(msg, "vblk%d has a file system or another owner on it", disk->id);
			return -EBUSY;
		}
		if (deadline && !remaining(deadline)) {
			vb_say(msg, "vblk%d is open", disk->id);
			return wait ? -ETIMEDOUT : -EBUSY;
		}
		/*
		 * The block layer counts an opener after our open, and a closer
		 * before our close: there is always a wakeup after the last. The
		 * hour bounds the sleep if no deadline does.
		 */
		left = deadline ? nsecs_to_jiffies(remaining(deadline)) + 1 : 3600 * HZ;
		ret = wait_event_killable_timeout(disk->closed, free_to_go(disk), left);
		if (ret < 0)
			return -EINTR;
	}
}

static void take_apart(struct vb_disk *disk, bool force)
{
	trace_vblk_detach(disk->id, force);
	if (force) {
		/*
		 * New I/O fails, what is held up fails, the owners hear of it;
		 * what the backing has of it, it must finish.
		 */
		vb_slow_set(disk, VB_SLOW_DEAD, true);
		vb_gate_kill(disk);
		vb_fault_kill(disk);
		blk_mark_disk_dead(disk->gd);
	}
	/*
	 * Bios that come from now on fail: nobody who has it open could send one,
	 * or it is by force. Before the rest, which lasts as long as this does.
	 */
	if (!vb_is_mq(disk))
		percpu_ref_kill(&disk->inflight);
	/* Waits for requests, and for those who are in submit_bio()... */
	del_gendisk(disk->gd);
	/* ...and this for bios on their way. */
	if (!vb_is_mq(disk))
		wait_for_completion(&disk->idle);

	vb_gate_exit(disk);
	vb_fault_exit(disk);
	disk->kind->exit(disk);
	vb_volume_close(disk);
	vb_backing_close(disk->backing);
	vb_event(disk, VBLK_EVENT_DETACHED, force);
	/* Openers may keep it, and with it the struct; see struct vb_disk. */
	put_disk(disk->gd);
	vb_disk_unpublish(disk);
	module_put(THIS_MODULE);
}

/**
 * vb_detach() - ioctl(VBLK_DETACH)
 * @d: from user space
 * @msg: what was wrong
 *
 * Return: 0 or a negative errno, see the uapi header.
 */
int vb_detach(const struct vblk_detach *d, struct vb_msg *msg)
{
	struct vb_disk *disk;
	int ret;

	if (d->flags & ~(VBLK_DETACH_WAIT | VBLK_DETACH_FORCE) || d->pad || d->pad2 ||
	    (d->flags & VBLK_DETACH_WAIT && d->flags & VBLK_DETACH_FORCE) ||
	    (d->deadline && !(d->flags & VBLK_DETACH_WAIT)))
		return -EINVAL;
	disk = vb_disk_get(d->id, d->seq);
	if (!disk)
		return -ENOENT;
	if (d->flags & VBLK_DETACH_FORCE)
		ret = try_go(disk, true);
	else
		ret = wait_and_go(disk, d, msg);
	if (!ret)
		take_apart(disk, d->flags & VBLK_DETACH_FORCE);
	vb_disk_put(disk);
	return ret;
}
