// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: registers, doorbell, reset, halt. What their threads do is in thread.c.
 *
 * A queue is changed under its engine's lock by anybody. The thread works without
 * it, from one checkpoint to the next, and looks at the epoch when it comes back:
 * if that has changed, nobody wants its result any more.
 */

#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat.h"
#include "engine.h"
#include "gpu.h"
#include "queue.h"
#include "slice.h"
#include "trace.h"

static enum hrtimer_restart poll_semaphore(struct hrtimer *t)
{
	vg_queue_look_again(container_of(t, struct vg_queue, poll));
	return HRTIMER_NORESTART;
}

/**
 * vg_queue_init() - a queue of a new slice
 * @q: queue, zeroed
 * @slice: whose
 * @e: engine
 */
void vg_queue_init(struct vg_queue *q, struct vg_slice *slice, struct vg_engine *e)
{
	q->slice = slice;
	q->engine = e;
	q->nr = e->nr;
	q->ent.weight = VGPU_DEFAULT_WEIGHT;
	init_waitqueue_head(&q->wait);
	init_waitqueue_head(&q->idle);
	hrtimer_setup(&q->poll, poll_semaphore, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	vg_queue_memory(q);
}

/* Off, whatever it does; what the thread does is void from here. */
static void stop(struct vg_queue *q)
{
	lockdep_assert_held(&q->engine->lock);
	q->epoch++;
	q->enabled = false;
	q->waiting = false;
	q->held = false;
	vg_engine_sleep(q->engine, q);
	if (q->granted)
		vg_engine_end_turn(q->engine, q, VGPU_TURN_STOPPED);
	/* Guest memory may not come before somebody else does something: no matter. */
	if (q->stepping)
		send_sig(SIGKILL, q->task, 1);
}

static void clear(struct vg_queue *q, bool registers)
{
	q->put = 0;
	q->heard = 0;
	q->get = 0;
	q->error = 0;
	q->fence = 0;
	q->job_used = 0;
	if (registers) {
		q->ring = 0;
		q->order = 0;
		q->fence_hi = 0;
	}
}

/**
 * vg_queue_open() - somebody opens the slice
 * @q: queue
 *
 * Return: 0 or -ENOMEM, or what kthread_create() says.
 */
int vg_queue_open(struct vg_queue *q)
{
	struct vg_slice *slice = q->slice;
	struct task_struct *task;

	q->x = kvzalloc(sizeof(*q->x), GFP_KERNEL_ACCOUNT);
	if (!q->x)
		return -ENOMEM;
	task = kthread_create(vg_queue_thread, q, "vgpu%d/%d:%u", slice->gpu->id, slice->nr, q->nr);
	if (IS_ERR(task)) {
		kvfree(q->x);
		return PTR_ERR(task);
	}
	q->task = get_task_struct(task);
	/* Its CPU time is the owner's; if that cannot be, it is the kernel's. */
	cgroup_attach_task_all(current, task);
	wake_up_process(task);
	spin_lock_irq(&q->engine->lock);
	q->enabled = false;
	clear(q, true);
	vg_engine_add(q->engine, q);
	spin_unlock_irq(&q->engine->lock);
	return 0;
}

/**
 * vg_queue_close() - the slice is closed: no memory is accessed from here
 * @q: queue
 */
void vg_queue_close(struct vg_queue *q)
{
	spin_lock_irq(&q->engine->lock);
	stop(q);
	vg_engine_del(q->engine, q);
	spin_unlock_irq(&q->engine->lock);
	hrtimer_cancel(&q->poll);
	kthread_stop(q->task);
	put_task_struct(q->task);
	q->task = NULL;
	kvfree(q->x);
}

/* Wait for the end of the step that is being made, if any. */
static int settle(struct vg_queue *q, u32 seen)
{
	return wait_event_killable(q->idle, !READ_ONCE(q->stepping) ||
				   READ_ONCE(q->steps) != seen);
}

/**
 * vg_queue_settle() - wait until the thread knows what has been changed
 * @q: queue
 *
 * Return: 0 or -EINTR.
 */
int vg_queue_settle(struct vg_queue *q)
{
	u32 seen;

	spin_lock_irq(&q->engine->lock);
	seen = q->steps;
	spin_unlock_irq(&q->engine->lock);
	return settle(q, seen) ? -EINTR : 0;
}

/**
 * vg_queue_reset() - off, and its counters to 0
 * @q: queue
 * @registers: those of the ring, too
 *
 * Return: 0, or -EINTR if a fatal signal came before the step was over.
 */
int vg_queue_reset(struct vg_queue *q, bool registers)
{
	spin_lock_irq(&q->engine->lock);
	stop(q);
	clear(q, registers);
	spin_unlock_irq(&q->engine->lock);
	return vg_queue_settle(q);
}

/**
 * vg_queue_halt() - stop a queue that is enabled
 * @q: queue, its engine locked
 * @error: VGPU_ERR_*
 * @reason: VGPU_TURN_*, for the log
 */
void vg_queue_halt(struct vg_queue *q, u32 error, u32 reason)
{
	lockdep_assert_held(&q->engine->lock);
	q->error = error;
	q->epoch++;
	q->waiting = false;
	q->held = false;
	vg_engine_sleep(q->engine, q);
	if (q->granted)
		vg_engine_end_turn(q->engine, q, reason);
	/* Its step is for nothing now, and may hold locks while memory does not come. */
	if (q->stepping)
		send_sig(SIGKILL, q->task, 1);
	trace_vgpu_halt(q, error);
	vg_irq_raise(q->slice, VGPU_INTR_ERROR(q->nr));
}

/**
 * vg_queue_hang() - a command has taken too long: the slice is reset
 * @q: queue, its engine locked; has a turn
 * @reason: VGPU_TURN_*
 */
void vg_queue_hang(struct vg_queue *q, u32 reason)
{
	q->n.faults++;
	q->n.hangs++;
	vg_queue_halt(q, VGPU_ERR_HANG, reason);
	vg_slice_hung(q->slice, q->nr);
}

static void ring(struct vg_queue *q)
{
	bool waited = q->waiting;

	q->waiting = false;
	q->heard = q->put;
	if (waited || q->heard != q->get)
		vg_engine_wake(q->engine, q);
}

/**
 * vg_queue_release() - a doorbell that was held up is heard
 * @q: queue
 *
 * Context: any.
 */
void vg_queue_release(struct vg_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->engine->lock, flags);
	if (q->held) {
		q->held = false;
		ring(q);
	}
	spin_unlock_irqrestore(&q->engine->lock, flags);
}

/**
 * vg_queue_look_again() - the semaphore that it waits for may have changed
 * @q: queue
 *
 * Context: any.
 */
void vg_queue_look_again(struct vg_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->engine->lock, flags);
	if (q->waiting) {
		q->waiting = false;
		vg_engine_wake(q->engine, q);
	}
	spin_unlock_irqrestore(&q->engine->lock, flags);
}

static void doorbell(struct vg_queue *q, u32 put)
{
	bool back = put - q->put > 1u << q->order;

	if (!q->enabled || q->error)
		return;
	q->put = put;
	/* Not backwards either: the end may have been passed. */
	if (back || put - q->get > 1u << q->order) {
		q->n.faults++;
		vg_queue_halt(q, VGPU_ERR_RING, VGPU_TURN_FAULT);
		vg_slice_fault(q->slice, q->nr, VGPU_ERR_RING);
		return;
	}
	if (vg_slice_doorbell(q->slice))
		q->held = true;
	else
		ring(q);
}

static u32 check_ring(const struct vg_queue *q)
{
	u64 at = q->ring & ~VGPU_VRAM, bytes, end;

	if (q->ring % VGPU_RING_ALIGN)
		return VGPU_ERR_ALIGN;
	if (q->order < VGPU_RING_ORDER_MIN || q->order > VGPU_RING_ORDER_MAX)
		return VGPU_ERR_RANGE;
	bytes = sizeof(struct vgpu_cmd) << q->order;
	end = q->ring & VGPU_VRAM ? q->mem.vram_bytes : VGPU_VRAM;
	return at > end || bytes > end - at ? VGPU_ERR_RANGE : 0;
}

static void enable(struct vg_queue *q)
{
	u32 error;

	if (q->enabled)
		return;
	q->enabled = true;
	q->hangs = atomic_read(&q->slice->hangs);
	q->put = 0;
	q->heard = 0;
	q->get = 0;
	q->error = 0;
	error = vg_slice_rests(q->slice) ? VGPU_ERR_STORM : check_ring(q);
	if (error)
		vg_queue_halt(q, error, VGPU_TURN_FAULT);
}

static u32 status(const struct vg_queue *q)
{
	if (!q->enabled)
		return VGPU_Q_OFF;
	if (q->error)
		return VGPU_Q_HALTED;
	if (q->waiting)
		return VGPU_Q_WAIT;
	return q->get == q->put ? VGPU_Q_IDLE : VGPU_Q_BUSY;
}

static u32 get_reg(struct vg_queue *q, u32 reg)
{
	switch (reg) {
	case VGPU_Q_CONTROL:
		return q->enabled ? VGPU_Q_ENABLE : 0;
	case VGPU_Q_STATUS:
		return status(q);
	case VGPU_Q_RING_LO:
		return q->ring;
	case VGPU_Q_RING_HI:
		return q->ring >> 32;
	case VGPU_Q_RING_ORDER:
		return q->order;
	case VGPU_Q_PUT:
		return q->put;
	case VGPU_Q_GET:
		return q->get;
	case VGPU_Q_ERROR:
		return q->error;
	case VGPU_Q_FENCE_LO:
		q->fence_hi = q->fence >> 32;
		return q->fence;
	case VGPU_Q_FENCE_HI:
		return q->fence_hi;
	}
	return 0;
}

/**
 * vg_queue_get_reg() - read a register
 * @q: queue
 * @reg: VGPU_Q_*
 */
u32 vg_queue_get_reg(struct vg_queue *q, u32 reg)
{
	u32 value;

	spin_lock_irq(&q->engine->lock);
	value = get_reg(q, reg);
	spin_unlock_irq(&q->engine->lock);
	return value;
}

static void set_reg(struct vg_queue *q, u32 reg, u32 value)
{
	if (reg == VGPU_Q_PUT)
		doorbell(q, value);
	else if (reg == VGPU_Q_CONTROL && value & VGPU_Q_ENABLE)
		enable(q);
	else if (q->enabled)
		return;
	else if (reg == VGPU_Q_RING_LO)
		q->ring = (q->ring & ~0xffffffffULL) | value;
	else if (reg == VGPU_Q_RING_HI)
		q->ring = (q->ring & 0xffffffffULL) | (u64)value << 32;
	else if (reg == VGPU_Q_RING_ORDER)
		q->order = value;
}

/**
 * vg_queue_set_reg() - write a register
 * @q: queue
 * @reg: VGPU_Q_*
 * @value: to it
 *
 * Return: 0; -EINTR, only of a reset.
 */
int vg_queue_set_reg(struct vg_queue *q, u32 reg, u32 value)
{
	if (reg == VGPU_Q_CONTROL && value & VGPU_Q_RESET)
		return vg_queue_reset(q, false);
	spin_lock_irq(&q->engine->lock);
	set_reg(q, reg, value);
	spin_unlock_irq(&q->engine->lock);
	return 0;
}
