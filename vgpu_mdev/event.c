// SPDX-License-Identifier: GPL-2.0
/*
 * Event fds. A listener lives as long as its file. Events come from any context,
 * also from timers that hold an engine's lock, so the locks are spinlocks with
 * interrupts off: the list's, then one listener's.
 */

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "compat.h"
#include "event.h"
#include "gpu.h"
#include "slice.h"

#define RING 64

struct listener {
	struct list_head node;
	int id;
	spinlock_t lock;	/* protects what follows */
	wait_queue_head_t wait;
	unsigned int head;	/* read here; both run freely */
	unsigned int tail;	/* write here */
	u32 lost;
	struct vgpu_event ring[RING];
};

static LIST_HEAD(listeners);
static DEFINE_SPINLOCK(listeners_lock);

static void tell(struct listener *l, const struct vgpu_event *event)
{
	struct vgpu_event *e;
	unsigned long flags;

	spin_lock_irqsave(&l->lock, flags);
	if (l->tail - l->head < RING) {
		e = &l->ring[l->tail++ % RING];
		*e = *event;
		e->lost = l->lost;
		l->lost = 0;
	} else {
		l->lost++;
	}
	spin_unlock_irqrestore(&l->lock, flags);
	wake_up_interruptible(&l->wait);
}

static void tell_all(const struct vgpu_event *event)
{
	struct listener *l;
	unsigned long flags;

	spin_lock_irqsave(&listeners_lock, flags);
	list_for_each_entry(l, &listeners, node)
		if (l->id < 0 || l->id == event->id)
			tell(l, event);
	spin_unlock_irqrestore(&listeners_lock, flags);
}

/**
 * vg_event() - something has happened to a slice
 * @s: slice
 * @type: VGPU_EVENT_*
 * @arg: see the type
 *
 * Context: any.
 */
void vg_event(const struct vg_slice *s, u32 type, u64 arg)
{
	struct vgpu_event event = {
		.type = type,
		.id = s->gpu->id,
		.slice = s->nr,
		.seq = s->seq,
		.time = ktime_get_ns(),
		.arg = arg,
	};

	tell_all(&event);
}

/**
 * vg_event_seldom() - something has happened that a slice's user can repeat at will
 * @s: slice, its irq.lock is held
 * @what: VG_SAID_*: which of those
 * @type: VGPU_EVENT_*
 * @arg: see the type
 *
 * Listeners have room for few events, and others have some to tell, too. How many were
 * held back is told a second after the last one that was not.
 *
 * Context: any.
 */
void vg_event_seldom(struct vg_slice *s, u32 what, u32 type, u64 arg)
{
	struct vg_seldom *said = &s->irq.said[what];

	lockdep_assert_held(&s->irq.lock);
	if (vg_seldom(said, ktime_get_ns()))
		vg_event(s, type, arg);
	else if (!hrtimer_is_queued(&s->quiet))
		hrtimer_start(&s->quiet, ns_to_ktime(vg_seldom_due(said)), HRTIMER_MODE_ABS);
}

static const u32 types[VG_SAID] = {
	[VG_SAID_FAULT] = VGPU_EVENT_FAULT,
	[VG_SAID_HANG] = VGPU_EVENT_HANG,
	[VG_SAID_RESET_USER] = VGPU_EVENT_RESET,
	[VG_SAID_RESET_GUEST] = VGPU_EVENT_RESET,
	[VG_SAID_RESET_HANG] = VGPU_EVENT_RESET,
	[VG_SAID_STORM_DOORBELL] = VGPU_EVENT_STORM,
	[VG_SAID_STORM_IRQ] = VGPU_EVENT_STORM,
	[VG_SAID_STORM_FAULT] = VGPU_EVENT_STORM,
	[VG_SAID_OPENED] = VGPU_EVENT_OPENED,
	[VG_SAID_CLOSED] = VGPU_EVENT_CLOSED,
};

/* Tells what is due by now. Returns when there is more, 0: never. */
static u64 tell_held(struct vg_slice *s, u64 now)
{
	u64 next = 0, due, held;
	u32 i;

	lockdep_assert_held(&s->irq.lock);
	for (i = 0; i < VG_SAID; i++) {
		held = vg_seldom_over(&s->irq.said[i], now);
		if (held)
			vg_event(s, VGPU_EVENT_HELD,
				 (u64)types[i] << 32 | min_t(u64, held, U32_MAX));
		due = vg_seldom_due(&s->irq.said[i]);
		if (due && (!next || due < next))
			next = due;
	}
	return next;
}

static enum hrtimer_restart quiet(struct hrtimer *t)
{
	struct vg_slice *s = container_of(t, struct vg_slice, quiet);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	unsigned long flags;
	u64 next;

	spin_lock_irqsave(&s->irq.lock, flags);
	next = tell_held(s, ktime_get_ns());
	/* Whoever has held one back meanwhile may have started it anew. */
	if (next && !hrtimer_is_queued(t)) {
		hrtimer_set_expires(t, ns_to_ktime(next));
		again = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&s->irq.lock, flags);
	return again;
}

/**
 * vg_event_init() - a new slice
 * @s: slice
 */
void vg_event_init(struct vg_slice *s)
{
	hrtimer_setup(&s->quiet, quiet, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
}

/**
 * vg_event_exit() - nobody can do anything with the slice any more
 * @s: slice
 *
 * What was held back is told now.
 */
void vg_event_exit(struct vg_slice *s)
{
	hrtimer_cancel(&s->quiet);
	spin_lock_irq(&s->irq.lock);
	tell_held(s, U64_MAX);
	spin_unlock_irq(&s->irq.lock);
}

/**
 * vg_event_gpu() - something has happened to a GPU
 * @id: its number
 * @type: VGPU_EVENT_*
 *
 * Context: any.
 */
void vg_event_gpu(int id, u32 type)
{
	struct vgpu_event event = {
		.type = type,
		.id = id,
		.slice = -1,
		.time = ktime_get_ns(),
	};

	tell_all(&event);
}

static bool take(struct listener *l, struct vgpu_event *event)
{
	bool some;

	spin_lock_irq(&l->lock);
	some = l->head != l->tail;
	if (some)
		*event = l->ring[l->head++ % RING];
	spin_unlock_irq(&l->lock);
	return some;
}

static ssize_t event_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct listener *l = file->private_data;
	struct vgpu_event event;
	size_t done = 0;
	int ret;

	if (len < sizeof(event))
		return -EINVAL;
	while (len - done >= sizeof(event)) {
		if (!take(l, &event)) {
			if (done)
				break;
			if (file->f_flags & O_NONBLOCK)
				return -EAGAIN;
			ret = wait_event_interruptible(l->wait, READ_ONCE(l->head) !=
						       READ_ONCE(l->tail));
			if (ret)
				return ret;
			continue;
		}
		/* A reader that gives a bad address loses what it asked for. */
		if (copy_to_user(buf + done, &event, sizeof(event)))
			return done ?: -EFAULT;
		done += sizeof(event);
	}
	return done;
}

static __poll_t event_poll(struct file *file, poll_table *wait)
{
	struct listener *l = file->private_data;

	poll_wait(file, &l->wait, wait);
	return READ_ONCE(l->head) != READ_ONCE(l->tail) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int event_release(struct inode *inode, struct file *file)
{
	struct listener *l = file->private_data;

	spin_lock_irq(&listeners_lock);
	list_del(&l->node);
	spin_unlock_irq(&listeners_lock);
	kfree(l);
	return 0;
}

static const struct file_operations event_fops = {
	.owner = THIS_MODULE,
	.read = event_read,
	.poll = event_poll,
	.release = event_release,
	.llseek = noop_llseek,
};

/**
 * vg_event_open() - make a listener
 * @id: number of the GPU, or -1 for all
 *
 * Return: its file or an error pointer.
 */
struct file *vg_event_open(int id)
{
	struct listener *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!l)
		return ERR_PTR(-ENOMEM);
	l->id = id;
	spin_lock_init(&l->lock);
	init_waitqueue_head(&l->wait);
	file = anon_inode_getfile("[vgpu-events]", &event_fops, l, O_RDONLY);
	if (IS_ERR(file)) {
		kfree(l);
		return file;
	}
	spin_lock_irq(&listeners_lock);
	list_add(&l->node, &listeners);
	spin_unlock_irq(&listeners_lock);
	return file;
}
