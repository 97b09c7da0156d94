// SPDX-License-Identifier: GPL-2.0
/*
 * A slice from open to close: everything that belongs to its user is made and
 * unmade here. And what stops it in between: resets, hangs, storms.
 */

#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "compat.h"
#include "engine.h"
#include "event.h"
#include "gpu.h"
#include "scanout.h"
#include "slice.h"
#include "vram.h"

static enum hrtimer_restart later(struct hrtimer *t)
{
	struct vg_slice *s = container_of(t, struct vg_slice, later);
	unsigned long flags;
	u64 wait = 0;
	u32 i;

	spin_lock_irqsave(&s->irq.lock, flags);
	if (s->irq.bell_delayed) {
		/* The timer may have come for an interrupt. */
		wait = vg_limit_take(&s->irq.bell_limit, ktime_get_ns());
		if (wait)
			vg_slice_later(s, wait);
		else
			s->irq.bell_delayed = false;
	}
	spin_unlock_irqrestore(&s->irq.lock, flags);
	for (i = 0; !wait && i < s->gpu->nr_engines; i++)
		vg_queue_release(&s->queue[i]);
	vg_irq_flush(s);
	return HRTIMER_NORESTART;
}

static void count_reset(struct vg_slice *s, u32 why)
{
	static const u8 said[] = {
		[VGPU_RESET_USER] = VG_SAID_RESET_USER,
		[VGPU_RESET_GUEST] = VG_SAID_RESET_GUEST,
		[VGPU_RESET_HANG] = VG_SAID_RESET_HANG,
	};

	spin_lock_irq(&s->irq.lock);
	s->irq.resets++;
	s->irq.all_resets++;
	if (why == VGPU_RESET_HOST)
		vg_event(s, VGPU_EVENT_RESET, why);
	else
		vg_event_seldom(s, said[why], VGPU_EVENT_RESET, why);
	spin_unlock_irq(&s->irq.lock);
}

/* Whoever may open it can do so in a loop. */
static void tell_of(struct vg_slice *s, u32 what, u32 type)
{
	spin_lock_irq(&s->irq.lock);
	vg_event_seldom(s, what, type, 0);
	spin_unlock_irq(&s->irq.lock);
}

/* @hang: only those queues that were enabled before that one. */
static void halt_queues(struct vg_slice *s, u32 why, u32 hang)
{
	u32 i;

	for (i = 0; i < s->gpu->nr_engines; i++) {
		struct vg_queue *q = &s->queue[i];

		spin_lock_irq(&q->engine->lock);
		if (q->enabled && !q->error && (why != VGPU_RESET_HANG || q->hangs != hang))
			vg_queue_halt(q, VGPU_ERR_RESET, VGPU_TURN_STOPPED);
		spin_unlock_irq(&q->engine->lock);
	}
	count_reset(s, why);
	vg_irq_raise(s, VGPU_INTR_RESET);
}

/*
 * Another queue has hung: all of them are stopped, and told so, but not what their
 * driver has set up anew since.
 */
static void hung(struct work_struct *work)
{
	struct vg_slice *s = container_of(work, struct vg_slice, hung);

	halt_queues(s, VGPU_RESET_HANG, atomic_read(&s->hangs));
}

/**
 * vg_tenant_init() - a new slice
 * @s: slice
 */
void vg_tenant_init(struct vg_slice *s)
{
	hrtimer_setup(&s->later, later, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	INIT_WORK(&s->hung, hung);
}

static bool is_display(const struct vg_slice *s)
{
	return s->set.personality == VGPU_PERSONALITY_DISPLAY;
}

/* Configuration space and display as after power-on. The monitor stays. */
static void power_on(struct vg_slice *s)
{
	WRITE_ONCE(s->master, false);
	s->scratch = 0;
	s->time_hi = 0;
	vg_config_init(&s->config, is_display(s), s->vram_bytes);
	if (is_display(s))
		vg_display_reset(&s->disp);
	if (s->scanout)
		vg_scanout_move(s->scanout, 0);
}

static int make_memory(struct vg_slice *s)
{
	struct vg_scanout *sc;

	s->vram = vg_vram_alloc(s->vram_bytes);
	if (!s->vram)
		return -ENOMEM;
	s->scanout = NULL;
	if (!is_display(s) || s->set.display != VGPU_DISPLAY_REGION)
		return 0;
	sc = vg_scanout_alloc(s->vram, s->set.carveout);
	if (IS_ERR(sc)) {
		vg_vram_put(s->vram);
		s->vram = NULL;
		return PTR_ERR(sc);
	}
	s->scanout = sc;
	return 0;
}

/* The host's VGPU_STATS looks at both under the GPU's lock. */
static void free_memory(struct vg_slice *s)
{
	if (s->scanout)
		vg_scanout_put(s->scanout);
	s->scanout = NULL;
	vg_vram_put(s->vram);
	s->vram = NULL;
}

/**
 * vg_tenant_open() - somebody opens the slice
 * @s: slice, not open
 *
 * Return: 0, -ENODEV if it is being removed, -ENOMEM, or what keeps a thread from
 * being made.
 */
int vg_tenant_open(struct vg_slice *s)
{
	struct vg_gpu *gpu = s->gpu;
	u32 i;
	int ret;

	mutex_lock(&gpu->lock);
	ret = s->removing ? -ENODEV : make_memory(s);
	if (ret)
		goto out;
	mutex_lock(&s->lock);
	if (is_display(s))
		vg_display_init(&s->disp, s->set.width, s->set.height, s->set.carveout);
	power_on(s);
	s->picture_id = 0;	/* what the last tenant saw is not this one's */
	mutex_unlock(&s->lock);
	vg_irq_reset(s);
	vg_irq_intx_off(s, false);
	s->irq.resets = 0;
	for (i = 0; i < gpu->nr_engines; i++) {
		ret = vg_queue_open(&s->queue[i]);
		if (ret)
			goto err_queues;
	}
	s->owner = get_pid(task_tgid(current));
	s->open = true;
	tell_of(s, VG_SAID_OPENED, VGPU_EVENT_OPENED);
	goto out;

err_queues:
	while (i--)
		vg_queue_close(&s->queue[i]);
	free_memory(s);
out:
	mutex_unlock(&gpu->lock);
	return ret;
}

/**
 * vg_tenant_close() - its user has closed it
 * @s: slice
 *
 * Guest memory is not accessed any more when this returns.
 */
void vg_tenant_close(struct vg_slice *s)
{
	struct vg_vram *vram = s->vram;
	struct vg_gpu *gpu = s->gpu;
	u32 i;

	/* Not under the GPU's lock: a thread may wait for memory that never comes. */
	for (i = 0; i < gpu->nr_engines; i++)
		vg_queue_close(&s->queue[i]);
	mutex_lock(&gpu->lock);
	s->open = false;
	mutex_lock(&s->lock);
	vg_irq_close(s);
	mutex_unlock(&s->lock);
	/* The queues are off: neither is started again. */
	cancel_work_sync(&s->hung);
	hrtimer_cancel(&s->later);
	vg_vram_get(vram);
	free_memory(s);
	put_pid(s->owner);
	s->owner = NULL;
	tell_of(s, VG_SAID_CLOSED, VGPU_EVENT_CLOSED);
	mutex_unlock(&gpu->lock);
	/* Many pages take long. */
	vg_vram_put(vram);
}

static int queues_off(struct vg_slice *s)
{
	int ret = 0;
	u32 i;

	/* All are stopped, even if one is not waited for. */
	for (i = 0; i < s->gpu->nr_engines; i++)
		ret = vg_queue_reset(&s->queue[i], true) ?: ret;
	/*
	 * What hung before is over. The work takes no lock that may be held here: engines'
	 * and irq.lock only.
	 */
	cancel_work_sync(&s->hung);
	return ret;
}

/**
 * vg_tenant_reset() - VFIO_DEVICE_RESET
 * @s: slice, locked, open
 *
 * Return: 0, or -EINTR: the slice is off, but some of it is as it was.
 */
int vg_tenant_reset(struct vg_slice *s)
{
	int ret;

	lockdep_assert_held(&s->lock);
	WRITE_ONCE(s->master, false);
	ret = queues_off(s);
	if (ret)
		return ret;
	vg_irq_reset(s);
	vg_irq_intx_off(s, false);
	power_on(s);
	vg_vram_clear(s->vram);
	count_reset(s, VGPU_RESET_USER);
	return 0;
}

/**
 * vg_guest_reset() - VGPU_CONTROL_RESET: registers and queues, no more
 * @s: slice, open
 *
 * Return: 0 or -EINTR.
 */
int vg_guest_reset(struct vg_slice *s)
{
	int ret = queues_off(s);

	if (ret)
		return ret;
	vg_irq_reset(s);
	WRITE_ONCE(s->scratch, 0);
	count_reset(s, VGPU_RESET_GUEST);
	return 0;
}

/**
 * vg_slice_reset() - the host stops all queues
 * @s: slice, open; or nothing happens
 * @why: VGPU_RESET_*
 */
void vg_slice_reset(struct vg_slice *s, u32 why)
{
	halt_queues(s, why, 0);
}

/**
 * vg_slice_hung() - a queue has been stopped because it took too long
 * @s: slice
 * @queue: its number
 *
 * Context: any; that queue's engine is locked.
 */
void vg_slice_hung(struct vg_slice *s, u32 queue)
{
	unsigned long flags;

	spin_lock_irqsave(&s->irq.lock, flags);
	vg_event_seldom(s, VG_SAID_HANG, VGPU_EVENT_HANG, queue);
	spin_unlock_irqrestore(&s->irq.lock, flags);
	vg_slice_fault(s, queue, VGPU_ERR_HANG);
	atomic_inc(&s->hangs);
	schedule_work(&s->hung);
}

/**
 * vg_slice_fault() - a command has failed
 * @s: slice
 * @queue: number of the queue
 * @error: VGPU_ERR_*
 *
 * Context: any.
 */
void vg_slice_fault(struct vg_slice *s, u32 queue, u32 error)
{
	struct vg_irq *irq = &s->irq;
	unsigned long flags;

	spin_lock_irqsave(&irq->lock, flags);
	vg_event_seldom(s, VG_SAID_FAULT, VGPU_EVENT_FAULT, (u64)queue << 32 | error);
	if (vg_window_count(&irq->faults, ktime_get_ns())) {
		irq->fault_storms++;
		vg_event_seldom(s, VG_SAID_STORM_FAULT, VGPU_EVENT_STORM, VGPU_STORM_FAULT);
	}
	spin_unlock_irqrestore(&irq->lock, flags);
}

/**
 * vg_slice_rests() - has it had too many faults, so that no queue may be enabled?
 * @s: slice
 *
 * Context: any.
 */
bool vg_slice_rests(struct vg_slice *s)
{
	unsigned long flags;
	bool yes;

	spin_lock_irqsave(&s->irq.lock, flags);
	yes = vg_window_rests(&s->irq.faults, ktime_get_ns());
	spin_unlock_irqrestore(&s->irq.lock, flags);
	return yes;
}

/**
 * vg_slice_later() - something was held up, and goes on after a while
 * @s: slice, its irq.lock is held
 * @ns: how long
 */
void vg_slice_later(struct vg_slice *s, u64 ns)
{
	lockdep_assert_held(&s->irq.lock);
	if (!hrtimer_is_queued(&s->later) ||
	    ktime_to_ns(hrtimer_get_remaining(&s->later)) > (s64)ns)
		hrtimer_start(&s->later, ns_to_ktime(ns), HRTIMER_MODE_REL);
}

/**
 * vg_slice_doorbell() - a doorbell is rung
 * @s: slice
 *
 * Return: it is too much, and will be heard later.
 */
bool vg_slice_doorbell(struct vg_slice *s)
{
	struct vg_irq *irq = &s->irq;
	unsigned long flags;
	u64 wait;

	spin_lock_irqsave(&irq->lock, flags);
	irq->bells++;
	wait = vg_limit_take(&irq->bell_limit, ktime_get_ns());
	if (wait) {
		vg_slice_later(s, wait);
		if (!irq->bell_delayed) {
			irq->bell_delayed = true;
			irq->bell_storms++;
			vg_event_seldom(s, VG_SAID_STORM_DOORBELL, VGPU_EVENT_STORM,
					VGPU_STORM_DOORBELL);
		}
	}
	spin_unlock_irqrestore(&irq->lock, flags);
	return wait;
}

/**
 * vg_slice_released() - a semaphore may have changed: whoever waits looks again
 * @s: slice
 */
void vg_slice_released(struct vg_slice *s)
{
	u32 i;

	atomic_inc(&s->releases);
	smp_mb__after_atomic();	/* pairs with that of wait_for_semaphore() */
	for (i = 0; i < s->gpu->nr_engines; i++)
		if (READ_ONCE(s->queue[i].waiting))
			vg_queue_look_again(&s->queue[i]);
}
