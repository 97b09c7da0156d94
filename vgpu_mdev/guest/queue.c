// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: the ring is written here, and only here. Each job ends with a FENCE whose value
 * is its number; what the device says of fences and counters is looked at (answer.c)
 * before anybody believes it.
 */

#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "answer.h"
#include "command.h"
#include "guest.h"

#define FOR_EVER	(~0ULL)

static u32 reg(const struct vgg_queue *q, u32 what)
{
	return vgg_read(q->dev, VGPU_QUEUE(q->nr) + what);
}

static void set_reg(struct vgg_queue *q, u32 what, u32 value)
{
	vgg_write(q->dev, VGPU_QUEUE(q->nr) + what, value);
}

/* It talks nonsense, of which no interrupt tells those who wait. */
static void give_up(struct vgg_queue *q)
{
	q->broken = true;
	wake_up_all(&q->wait);
}

/* What has the device done? */
static void look(struct vgg_queue *q)
{
	u64 fence;
	u32 error;

	lockdep_assert_held(&q->lock);
	if (!q->running || q->broken || q->error)
		return;
	/* First the reason, then how far it came: what halts, halts for good. */
	error = reg(q, VGPU_Q_ERROR);
	fence = reg(q, VGPU_Q_FENCE_LO);
	fence |= (u64)reg(q, VGPU_Q_FENCE_HI) << 32;
	if (!vgg_fence_right(q->done, q->seq, fence)) {
		give_up(q);
		return;
	}
	q->done = fence;
	if (!error)
		return;
	q->error = error;
	/* GET counts fences, too: one for each job that is done. */
	q->commands = (u32)(reg(q, VGPU_Q_GET) - (u32)q->done);
}

/**
 * vgg_interrupt() - the device has something to say
 * @irq: unused
 * @data: device
 *
 * Return: whether it was this one.
 */
irqreturn_t vgg_interrupt(int irq, void *data)
{
	struct vgg_device *dev = data;
	u32 status = vgg_read(dev, VGPU_REG_INTR_STATUS), i;

	/* All ones: it is gone, and has not interrupted. */
	if (!(status & VGPU_INTR_ALL) || status == ~0U)
		return IRQ_NONE;
	vgg_write(dev, VGPU_REG_INTR_STATUS, status);
	for (i = 0; i < dev->nr_queues; i++) {
		struct vgg_queue *q = &dev->queue[i];

		if (!(status & (VGPU_INTR_FENCE(i) | VGPU_INTR_ERROR(i) | VGPU_INTR_RESET)))
			continue;
		spin_lock(&q->lock);
		look(q);
		spin_unlock(&q->lock);
		wake_up_all(&q->wait);
	}
	return IRQ_HANDLED;
}

/**
 * vgg_queue_init() - a queue that nobody uses
 * @q: queue, zeroed
 * @dev: its device
 * @nr: its number
 */
void vgg_queue_init(struct vgg_queue *q, struct vgg_device *dev, u32 nr)
{
	q->dev = dev;
	q->nr = nr;
	spin_lock_init(&q->lock);
	init_waitqueue_head(&q->wait);
}

/* Nobody believes the device from here. */
static void forget(struct vgg_queue *q)
{
	spin_lock_irq(&q->lock);
	q->running = false;
	q->epoch++;
	spin_unlock_irq(&q->lock);
	wake_up_all(&q->wait);
}

static void free_ring(struct vgg_queue *q)
{
	if (q->ring)
		dma_free_coherent(&q->dev->pci->dev, sizeof(*q->ring) << q->order, q->ring,
				  q->ring_dma);
	q->ring = NULL;
}

/* After a write of RESET the device accesses no memory of the queue. */
static void stop(struct vgg_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	forget(q);
	if (!q->dev->gone)
		set_reg(q, VGPU_Q_CONTROL, VGPU_Q_RESET);
}

static int make_ring(struct vgg_queue *q, u32 order)
{
	struct vgpu_cmd *ring;
	dma_addr_t dma;

	if (q->ring && q->order == order)
		return 0;
	ring = dma_alloc_coherent(&q->dev->pci->dev, sizeof(*ring) << order, &dma,
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ring)
		return -ENOMEM;
	free_ring(q);
	q->ring = ring;
	q->ring_dma = dma;
	q->order = order;
	return 0;
}

static void believe(struct vgg_queue *q)
{
	spin_lock_irq(&q->lock);
	q->seq = 0;
	q->done = 0;
	q->error = 0;
	q->commands = 0;
	q->broken = false;
	q->running = true;
	spin_unlock_irq(&q->lock);
}

static int start(struct vgg_queue *q, u32 order, u32 *error)
{
	int ret;

	stop(q);
	ret = make_ring(q, order);
	if (ret)
		return ret;
	q->put = 0;
	q->quiet = false;
	believe(q);
	set_reg(q, VGPU_Q_RING_LO, lower_32_bits(q->ring_dma));
	set_reg(q, VGPU_Q_RING_HI, upper_32_bits(q->ring_dma));
	set_reg(q, VGPU_Q_RING_ORDER, order);
	set_reg(q, VGPU_Q_CONTROL, VGPU_Q_ENABLE);
	if (reg(q, VGPU_Q_STATUS) == VGPU_Q_IDLE)
		return 0;
	*error = reg(q, VGPU_Q_ERROR);
	return -EIO;
}

/**
 * vgg_start() - VGPU_GUEST_START
 * @f: file
 * @s: of the ioctl
 *
 * Return: as the ioctl.
 */
int vgg_start(struct vgg_file *f, struct vgpu_guest_start *s)
{
	struct vgg_device *dev = f->dev;
	struct vgg_queue *q;
	int ret;

	s->error = 0;
	if (s->queue >= dev->nr_queues)
		return -ENOENT;
	if (s->order < VGPU_GUEST_ORDER_MIN || s->order > VGPU_GUEST_ORDER_MAX)
		return -EINVAL;
	q = &dev->queue[s->queue];
	mutex_lock(&dev->lock);
	if (dev->gone) {
		ret = -ENODEV;
	} else if (q->owner && q->owner != f) {
		ret = -EBUSY;
	} else {
		q->owner = f;
		ret = start(q, s->order, &s->error);
	}
	mutex_unlock(&dev->lock);
	return ret;
}

/* Of those that the file has started. The number is not the compiler's to look up early. */
static struct vgg_queue *own_queue(struct vgg_file *f, u32 nr)
{
	struct vgg_queue *q;

	if (nr >= f->dev->nr_queues)
		return NULL;
	q = &f->dev->queue[nr];
	return READ_ONCE(q->owner) == f ? q : NULL;
}

/* A job with so many commands can be taken now. */
static int has_room(struct vgg_queue *q, u32 count)
{
	int ret, room;

	spin_lock_irq(&q->lock);
	look(q);
	/* One that is halted may have been reset since. */
	room = q->error ? 0 : vgg_ring_room(q->put, reg(q, VGPU_Q_GET), q->order);
	/* What halts it may have come after the look: its GET stands, at worst. */
	if (q->running && room < 0)
		give_up(q);
	ret = !q->running ? -ENOENT : q->broken ? -EPROTO : q->error ? -EIO :
		room <= count ? -EAGAIN : 0;
	spin_unlock_irq(&q->lock);
	return ret;
}

static void put_command(struct vgg_queue *q, const struct vgpu_cmd *c)
{
	q->ring[q->put++ & ((1u << q->order) - 1)] = *c;
}

static u64 put_job(struct vgg_queue *q, const struct vgpu_cmd *c, u32 count)
{
	struct vgpu_cmd fence = { .op = VGPU_OP_FENCE, .flags = VGPU_F_IRQ };
	u32 i;

	spin_lock_irq(&q->lock);
	fence.fence.value = ++q->seq;
	spin_unlock_irq(&q->lock);
	for (i = 0; i < count; i++)
		put_command(q, &c[i]);
	put_command(q, &fence);
	/* The device may look once it reads PUT; writel() orders what is before it. */
	set_reg(q, VGPU_Q_PUT, q->put);
	return fence.fence.value;
}

static int submit(struct vgg_file *f, struct vgpu_guest_submit *s, struct vgpu_cmd *c)
{
	struct vgg_queue *q = own_queue(f, s->queue);
	int ret;
	u32 i;

	if (f->dev->gone)
		return -ENODEV;
	if (!q || !q->ring)
		return -ENOENT;
	if (s->count >= 1u << q->order)
		return -EINVAL;
	for (i = 0; i < s->count; i++) {
		ret = vgg_command(&c[i], vgg_translate, f);
		if (ret) {
			s->bad = i;
			return ret;
		}
	}
	ret = has_room(q, s->count);
	if (!ret)
		s->job = put_job(q, c, s->count);
	return ret;
}

/**
 * vgg_submit() - VGPU_GUEST_SUBMIT
 * @f: file
 * @s: of the ioctl
 *
 * The commands are copied once; what is checked is what the device gets.
 *
 * Return: as the ioctl.
 */
int vgg_submit(struct vgg_file *f, struct vgpu_guest_submit *s)
{
	struct vgpu_cmd *c;
	int ret;

	s->job = 0;
	s->bad = 0;
	if (s->count >= 1u << VGPU_GUEST_ORDER_MAX)
		return -EINVAL;
	c = kvmalloc_array(s->count ?: 1, sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	if (copy_from_user(c, u64_to_user_ptr(s->cmds_ptr), s->count * sizeof(*c))) {
		ret = -EFAULT;
	} else {
		mutex_lock(&f->dev->lock);
		ret = submit(f, s, c);
		mutex_unlock(&f->dev->lock);
	}
	kvfree(c);
	return ret;
}

/* 1: go on waiting. */
static int state(struct vgg_queue *q, u32 epoch, u64 job)
{
	int ret = 1;

	spin_lock_irq(&q->lock);
	if (READ_ONCE(q->dev->gone))
		ret = -ENODEV;
	else if (q->epoch != epoch || !q->running)
		ret = -ECANCELED;
	else if (q->done >= job)
		ret = 0;
	else if (q->broken)
		ret = -EPROTO;
	else if (q->error)
		ret = -EIO;
	spin_unlock_irq(&q->lock);
	return ret;
}

/* What there is to wait for; the device is asked in case it does not interrupt. */
static int begin_wait(struct vgg_file *f, struct vgg_queue *q, u64 job, u32 *epoch)
{
	int ret = 0;

	mutex_lock(&f->dev->lock);
	spin_lock_irq(&q->lock);
	if (f->dev->gone)
		ret = -ENODEV;
	else if (q->owner != f || !q->running)
		ret = -ENOENT;
	else if (job > q->seq)
		ret = -EINVAL;
	else
		look(q);
	*epoch = q->epoch;
	spin_unlock_irq(&q->lock);
	mutex_unlock(&f->dev->lock);
	return ret;
}

static ktime_t left_of(u64 timeout)
{
	u64 now = ktime_get_ns();

	if (timeout == FOR_EVER)
		return KTIME_MAX;
	return timeout > now ? ns_to_ktime(min_t(u64, timeout - now, KTIME_MAX - 1)) : 0;
}

static void say(struct vgg_queue *q, u32 epoch, struct vgpu_guest_wait *w)
{
	spin_lock_irq(&q->lock);
	if (q->epoch == epoch) {
		w->error = q->error;
		w->done = q->done;
		w->commands = q->commands;
	}
	spin_unlock_irq(&q->lock);
}

/**
 * vgg_wait() - VGPU_GUEST_WAIT
 * @f: file
 * @w: of the ioctl
 *
 * Return: as the ioctl; -ERESTARTSYS for -EINTR.
 */
int vgg_wait(struct vgg_file *f, struct vgpu_guest_wait *w)
{
	struct vgg_queue *q = own_queue(f, w->queue);
	ktime_t left;
	u32 epoch;
	int ret, s;

	w->error = 0;
	w->done = 0;
	w->commands = 0;
	if (!q)
		return READ_ONCE(f->dev->gone) ? -ENODEV : -ENOENT;
	ret = begin_wait(f, q, w->job, &epoch);
	if (ret)
		return ret;
	left = left_of(w->timeout);
	s = state(q, epoch, w->job);
	if (s == 1 && left > 0)
		ret = wait_event_interruptible_hrtimeout(q->wait,
							 (s = state(q, epoch, w->job)) != 1, left);
	say(q, epoch, w);
	if (s != 1)
		return s;
	return ret == -ERESTARTSYS ? ret : -ETIMEDOUT;
}

/*
 * A queue that is halted from outside, or because another one hangs, may have a step of a
 * command before it; once it is reset it has not. What it said last is known.
 */
static void quieten(struct vgg_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	if (q->quiet)
		return;
	set_reg(q, VGPU_Q_CONTROL, VGPU_Q_RESET);
	q->quiet = true;
}

/**
 * vgg_has_work() - may the device touch a buffer of the file?
 * @f: file; the device is locked
 *
 * Resets queues that are halted.
 */
bool vgg_has_work(struct vgg_file *f)
{
	struct vgg_device *dev = f->dev;
	bool yes = false, halted;
	u32 i;

	if (dev->gone)
		return false;
	for (i = 0; i < dev->nr_queues; i++) {
		struct vgg_queue *q = &dev->queue[i];

		if (q->owner != f)
			continue;
		spin_lock_irq(&q->lock);
		look(q);
		/* One that talks nonsense may do anything, until it is started anew. */
		yes |= q->running && (q->broken || (!q->error && q->done != q->seq));
		halted = q->running && !q->broken && q->error;
		spin_unlock_irq(&q->lock);
		if (halted)
			quieten(q);
	}
	return yes;
}

/**
 * vgg_stop_all() - a file is closed
 * @f: file; the device is locked
 */
void vgg_stop_all(struct vgg_file *f)
{
	struct vgg_device *dev = f->dev;
	u32 i;

	for (i = 0; i < dev->nr_queues; i++) {
		struct vgg_queue *q = &dev->queue[i];

		if (q->owner != f)
			continue;
		stop(q);
		/* The ring of a device that is gone went with it. */
		if (!dev->gone)
			free_ring(q);
		q->owner = NULL;
	}
}

/**
 * vgg_queue_gone() - the device is gone
 * @q: queue; the device is locked, and stopped
 */
void vgg_queue_gone(struct vgg_queue *q)
{
	forget(q);
	free_ring(q);
}
