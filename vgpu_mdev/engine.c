// SPDX-License-Identifier: GPL-2.0
/*
 * Handing an engine round. Each queue has a thread, which works while its queue has
 * the engine; who comes next, sched.c says. Whoever ends a turn - the thread at a
 * checkpoint, somebody who resets the queue, the watchdog if the thread does not
 * come back - gives the engine to the next.
 */

#include <linux/ktime.h>
#include <linux/sched.h>

#include "compat.h"
#include "engine.h"
#include "gpu.h"
#include "log.h"
#include "queue.h"
#include "slice.h"
#include "trace.h"

/* On a virtual clock, time passes at once while nobody has a right to the engine. */
#define MAX_SKIPS 1000

/**
 * vg_engine_now() - time on an engine's clock
 * @e: engine
 *
 * Return: ns.
 */
u64 vg_engine_now(const struct vg_engine *e)
{
	return e->gpu->clock == VGPU_CLOCK_VIRTUAL ? READ_ONCE(e->clock) : ktime_get_ns();
}

/* A timeout on a virtual clock says nothing about how long a thread takes. */
#define VIRTUAL_PATIENCE (10ULL * NSEC_PER_SEC)

static u64 patience(const struct vg_engine *e)
{
	return e->gpu->clock == VGPU_CLOCK_VIRTUAL ? VIRTUAL_PATIENCE : e->preempt_timeout;
}

static void watch(struct vg_engine *e, u64 turn)
{
	e->seen = e->holder->steps;
	e->deadline = ktime_get_ns() + turn + patience(e);
	/* Mostly it is running already, and will look at the deadline again. */
	if (e->watching && e->watch_at <= e->deadline)
		return;
	e->watching = true;
	e->watch_at = e->deadline;
	hrtimer_start(&e->watchdog, ns_to_ktime(e->deadline), HRTIMER_MODE_ABS);
}

static void grant(struct vg_engine *e, struct vg_queue *q, u64 turn)
{
	u64 now = vg_engine_now(e);

	e->holder = q;
	e->preempt = false;
	e->turns++;
	q->turn = turn;
	q->turn_used = 0;
	q->turn_units = 0;
	q->turn_start = now;
	q->turn_paid = now;
	q->turn_begun = false;
	q->n.turns++;
	q->n.wait += now - min(q->wait_since, now);
	q->granted = true;
	watch(e, turn);
	trace_vgpu_turn_begin(q, turn);
	/* Even if it is the current task: this may be an interrupt on its way to sleep. */
	wake_up(&q->wait);
}

/* The engine is free: who gets it? */
static void dispatch(struct vg_engine *e)
{
	struct vg_ent *ent;
	u64 turn, wait;
	u32 i;

	lockdep_assert_held(&e->lock);
	if (e->holder || e->paused)
		return;
	for (i = 0; i < MAX_SKIPS; i++) {
		ent = vg_sched_pick(&e->sched, vg_engine_now(e), &turn, &wait);
		if (ent) {
			grant(e, container_of(ent, struct vg_queue, ent), turn);
			return;
		}
		if (wait == U64_MAX)
			return;
		if (e->gpu->clock == VGPU_CLOCK_REAL)
			break;
		WRITE_ONCE(e->clock, e->clock + wait);
	}
	hrtimer_start(&e->refill, ns_to_ktime(min_t(u64, wait, NSEC_PER_SEC)), HRTIMER_MODE_REL);
}

static enum hrtimer_restart refill(struct hrtimer *t)
{
	struct vg_engine *e = container_of(t, struct vg_engine, refill);
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	dispatch(e);
	spin_unlock_irqrestore(&e->lock, flags);
	return HRTIMER_NORESTART;
}

/*
 * The time is up. A holder that comes to checkpoints knows by itself, and may only be
 * slow. One that does not is stuck, in guest memory that does not come: go on
 * without it.
 */
static void look_after(struct vg_engine *e, struct vg_queue *q, u64 now)
{
	if (q->steps == e->seen) {
		q->n.revoked++;
		vg_queue_hang(q, VGPU_TURN_REVOKED);
		return;
	}
	e->seen = q->steps;
	e->deadline = now + patience(e);
}

static enum hrtimer_restart watchdog(struct hrtimer *t)
{
	struct vg_engine *e = container_of(t, struct vg_engine, watchdog);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	u64 now = ktime_get_ns();
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (e->holder && now >= e->deadline)
		look_after(e, e->holder, now);
	/* Whoever has got it meanwhile may have started the timer anew. */
	if (!hrtimer_is_queued(t)) {
		e->watching = e->holder;
		if (e->holder) {
			e->watch_at = e->deadline;
			hrtimer_set_expires(t, ns_to_ktime(e->deadline));
			again = HRTIMER_RESTART;
		}
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return again;
}

/**
 * vg_engine_init() - an engine that nobody uses
 * @e: engine
 * @gpu: its GPU, whose settings it takes over
 * @nr: its number
 */
void vg_engine_init(struct vg_engine *e, struct vg_gpu *gpu, u32 nr)
{
	e->gpu = gpu;
	e->nr = nr;
	spin_lock_init(&e->lock);
	e->paused = gpu->paused;
	e->preempt_timeout = gpu->preempt_timeout;
	e->job_timeout = gpu->job_timeout;
	hrtimer_setup(&e->refill, refill, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer_setup(&e->watchdog, watchdog, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	vg_sched_init(&e->sched, gpu->policy, gpu->quantum, vg_engine_now(e));
	vg_sched_pause(&e->sched, gpu->paused, vg_engine_now(e));
}

/**
 * vg_engine_exit() - the end: no slice is left
 * @e: engine
 */
void vg_engine_exit(struct vg_engine *e)
{
	hrtimer_cancel(&e->refill);
	hrtimer_cancel(&e->watchdog);
}

/**
 * vg_engine_pause() - let an engine rest, or work again
 * @e: engine
 * @paused: which
 *
 * The holder goes on to its next checkpoint.
 */
void vg_engine_pause(struct vg_engine *e, bool paused)
{
	spin_lock_irq(&e->lock);
	e->paused = paused;
	vg_sched_pause(&e->sched, paused, vg_engine_now(e));
	dispatch(e);
	spin_unlock_irq(&e->lock);
}

/**
 * vg_engine_add() - a queue may want the engine from now on
 * @e: engine, locked
 * @q: queue
 */
void vg_engine_add(struct vg_engine *e, struct vg_queue *q)
{
	lockdep_assert_held(&e->lock);
	vg_sched_add(&e->sched, &q->ent, vg_engine_now(e));
}

/**
 * vg_engine_del() - a queue will not want the engine any more
 * @e: engine, locked
 * @q: queue; has no turn
 */
void vg_engine_del(struct vg_engine *e, struct vg_queue *q)
{
	lockdep_assert_held(&e->lock);
	vg_sched_del(&e->sched, &q->ent, vg_engine_now(e));
}

/**
 * vg_engine_wake() - a queue has work
 * @e: engine, locked
 * @q: queue
 */
void vg_engine_wake(struct vg_engine *e, struct vg_queue *q)
{
	lockdep_assert_held(&e->lock);
	if (q->ent.runnable)
		return;
	q->wait_since = vg_engine_now(e);
	vg_sched_wake(&e->sched, &q->ent, q->wait_since);
	if (e->holder && vg_sched_prefers(&e->sched, &q->ent, &e->holder->ent))
		e->preempt = true;
	dispatch(e);
}

static void pay(struct vg_engine *e, struct vg_queue *q, u64 used, u64 now)
{
	e->busy += used;
	q->n.busy += used;
	vg_sched_charge(&e->sched, &q->ent, used, now);
}

/*
 * On the real clock, whoever has the engine pays for all of the time, whatever became
 * of it: the others have waited. Returns what has passed since the last time.
 */
static u64 pay_time(struct vg_engine *e, struct vg_queue *q, u64 now)
{
	u64 used = now - q->turn_paid;

	q->turn_paid = now;
	pay(e, q, used, now);
	return used;
}

/* The same, as a part of the turn that it is in. */
static void pay_turn(struct vg_engine *e, struct vg_queue *q, u64 now)
{
	u64 used;

	if (e->gpu->clock != VGPU_CLOCK_REAL)
		return;
	used = pay_time(e, q, now);
	if (q->turn_begun)
		q->turn_used += used;
}

/**
 * vg_engine_sleep() - a queue has no work, for now
 * @e: engine, locked
 * @q: queue; if it has a turn, that is to be ended next
 */
void vg_engine_sleep(struct vg_engine *e, struct vg_queue *q)
{
	u64 now = vg_engine_now(e);

	lockdep_assert_held(&e->lock);
	/* What it has had comes off its credit before the credit it cannot use is cut. */
	if (q->granted)
		pay_turn(e, q, now);
	if (q->ent.runnable && !q->granted)
		q->n.wait += now - min(q->wait_since, now);
	vg_sched_sleep(&e->sched, &q->ent, now);
}

/**
 * vg_engine_begin() - a turn's first step
 * @e: engine, locked
 * @q: who has it, and has been woken up
 *
 * Until a thread runs that has been woken up, much time may pass, if its cgroup or
 * the machine is busy. That is the slice's, but no part of the turn, or nobody would
 * get much done in one.
 */
void vg_engine_begin(struct vg_engine *e, struct vg_queue *q)
{
	lockdep_assert_held(&e->lock);
	if (q->turn_begun)
		return;
	q->turn_begun = true;
	if (e->gpu->clock == VGPU_CLOCK_REAL)
		pay_time(e, q, vg_engine_now(e));
}

/**
 * vg_engine_charge() - a step is over
 * @e: engine, locked
 * @q: who made it; if somebody has taken the engine away meanwhile, the time is paid
 * @units: work units
 */
void vg_engine_charge(struct vg_engine *e, struct vg_queue *q, u32 units)
{
	u64 used = 0;

	lockdep_assert_held(&e->lock);
	if (e->gpu->clock == VGPU_CLOCK_VIRTUAL) {
		used = units;
		WRITE_ONCE(e->clock, e->clock + units);
		pay(e, q, used, e->clock);
	} else if (q->granted) {
		used = pay_time(e, q, vg_engine_now(e));
		/* A late step of an earlier turn: it has kept this one from beginning. */
		if (!q->turn_begun)
			used = 0;
	}
	e->units += units;
	q->n.units += units;
	q->turn_used += used;
	q->turn_units += units;
	q->job_used += used;
}

/**
 * vg_engine_must_yield() - is a turn over?
 * @e: engine, locked
 * @q: who has it
 */
bool vg_engine_must_yield(const struct vg_engine *e, const struct vg_queue *q)
{
	return q->turn_used >= q->turn || e->preempt || e->paused;
}

/**
 * vg_engine_end_turn() - the engine goes to the next
 * @e: engine, locked
 * @q: who has it
 * @reason: VGPU_TURN_*
 */
void vg_engine_end_turn(struct vg_engine *e, struct vg_queue *q, u32 reason)
{
	struct vgpu_turn turn = {
		.start = q->turn_start,
		.end = vg_engine_now(e),
		.units = q->turn_units,
		.slice_seq = q->slice->seq,
		.slice = q->slice->nr,
		.engine = e->nr,
		.reason = reason,
	};

	lockdep_assert_held(&e->lock);
	pay_turn(e, q, turn.end);
	vg_log_add(&e->gpu->log, &turn);
	trace_vgpu_turn_end(q, reason);
	if (reason == VGPU_TURN_QUANTUM)
		q->n.preemptions++;
	if (q->turn_used > q->turn + VGPU_CHECKPOINT_UNITS)
		q->n.overruns++;
	q->wait_since = turn.end;
	q->granted = false;
	e->holder = NULL;
	dispatch(e);
}
