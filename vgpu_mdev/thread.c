// SPDX-License-Identifier: GPL-2.0
/*
 * A queue's thread: takes commands from the ring and executes them, while its queue
 * has the engine. It is the only one that touches guest memory, and always through
 * vfio_dma_rw(): nothing is pinned, so that when an unmap, a reset of the queue or
 * a close has returned nothing can be left.
 */

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/vfio.h>

#include "cmd.h"
#include "engine.h"
#include "gpu.h"
#include "queue.h"
#include "slice.h"
#include "vram.h"

#define LOOK_AGAIN_NS NSEC_PER_MSEC

static struct vg_queue *of(struct vg_mem *m)
{
	return container_of(m, struct vg_queue, mem);
}

static u32 dma(struct vg_mem *m, u64 iova, void *buf, u32 len, bool write)
{
	struct vg_slice *slice = of(m)->slice;

	if (!READ_ONCE(slice->master))
		return VGPU_ERR_BUS_MASTER;
	return vfio_dma_rw(&slice->vdev, iova, buf, len, write) ? VGPU_ERR_DMA : 0;
}

static u8 *vram(struct vg_mem *m, u64 off)
{
	return vg_vram_at(of(m)->slice->vram, off);
}

static u64 now(struct vg_mem *m)
{
	return vg_engine_now(of(m)->engine);
}

static u64 spin(struct vg_mem *m, u64 ns)
{
	u64 begin, passed;

	if (of(m)->slice->gpu->clock == VGPU_CLOCK_VIRTUAL)
		return ns;
	begin = ktime_get_ns();
	do {
		cpu_relax();
		passed = ktime_get_ns() - begin;
	} while (passed < ns);
	return passed;
}

/**
 * vg_queue_memory() - what commands of a queue work on
 * @q: queue of a new slice
 */
void vg_queue_memory(struct vg_queue *q)
{
	q->mem = (struct vg_mem){
		.dma = dma, .vram = vram, .now = now, .spin = spin,
		.vram_bytes = q->slice->vram_bytes,
	};
}

/* What this thread has had of a CPU, ns; it is less by up to a tick. */
static u64 running_time(void)
{
	return READ_ONCE(current->se.sum_exec_runtime);
}

/* The next command, read once and checked. */
static u32 load(struct vg_queue *q, u64 ring, u32 order, u32 get)
{
	u64 at = ring + (get & ((1u << order) - 1)) * sizeof(struct vgpu_cmd);
	struct vgpu_cmd c;
	u32 err;

	err = vg_read(&q->mem, at, &c, sizeof(c));
	if (!err && vg_cmd_is_test(&c) && !q->slice->gpu->tests)
		err = VGPU_ERR_OPCODE;
	err = err ?: vg_cmd_check(&c, q->mem.vram_bytes);
	if (!err)
		vg_exec_begin(q->x, &c);
	q->job_ran = running_time();
	return err;
}

struct step {
	u32 epoch;
	u64 ring;
	u32 order;
	u32 get;
	int ret;
	u32 units;
	u32 releases;	/* of semaphores in the slice, before the step */
};

/* To the next checkpoint; the engine is not locked. */
static void make_step(struct vg_queue *q, struct step *s)
{
	u32 err;

	s->units = VGPU_COMMAND_UNITS;
	s->releases = atomic_read(&q->slice->releases);
	if (!q->loaded || q->loaded_epoch != s->epoch) {
		q->loaded = false;
		err = load(q, s->ring, s->order, s->get);
		if (err) {
			s->ret = err;
			return;
		}
		q->loaded = true;
		q->loaded_epoch = s->epoch;
	}
	s->ret = vg_exec_step(q->x, &q->mem);
	s->units = q->x->units;
}

/* Engine time, less what passed while others had the CPU. */
static u64 job_time(const struct vg_queue *q)
{
	if (q->engine->gpu->clock == VGPU_CLOCK_VIRTUAL)
		return q->job_used;
	return min(q->job_used, running_time() - q->job_ran);
}

static bool took_too_long(const struct vg_queue *q)
{
	const struct vg_engine *e = q->engine;
	bool atomic = q->x->c.flags & VGPU_F_NOPREEMPT &&
		      (q->x->c.op == VGPU_OP_SPIN || q->x->c.op == VGPU_OP_SPIN_FOREVER);

	if (e->job_timeout && job_time(q) > e->job_timeout)
		return true;
	return atomic && q->turn_used > q->turn + e->preempt_timeout;
}

static bool may_be_interrupted(const struct vg_queue *q)
{
	return !(q->loaded && q->x->c.flags & VGPU_F_NOPREEMPT &&
		 (q->x->c.op == VGPU_OP_SPIN || q->x->c.op == VGPU_OP_SPIN_FOREVER));
}

/* An ACQUIRE: sleep, unless somebody has released something meanwhile. */
static void wait_for_semaphore(struct vg_queue *q, const struct step *s)
{
	struct vg_engine *e = q->engine;

	q->waiting = true;
	smp_mb();	/* pairs with vg_slice_released(): one of us sees the other */
	if (atomic_read(&q->slice->releases) != s->releases) {
		q->waiting = false;
		/* Or a look would cost nothing, and another queue's releases no turn. */
		vg_engine_charge(e, q, VGPU_COMMAND_UNITS);
		if (vg_engine_must_yield(e, q))
			vg_engine_end_turn(e, q, VGPU_TURN_QUANTUM);
		return;
	}
	vg_engine_sleep(e, q);
	vg_engine_end_turn(e, q, VGPU_TURN_WAIT);
	hrtimer_start(&q->poll, ns_to_ktime(LOOK_AGAIN_NS), HRTIMER_MODE_REL);
}

/* Returns whether it was one that others may wait for. */
static bool complete_command(struct vg_queue *q)
{
	const struct vgpu_cmd *c = &q->x->c;
	struct vg_engine *e = q->engine;

	q->loaded = false;
	q->job_used = 0;
	q->get++;
	q->n.commands++;
	if (c->op == VGPU_OP_FENCE) {
		q->fence = c->fence.value;
		if (c->flags & VGPU_F_IRQ)
			vg_irq_raise(q->slice, VGPU_INTR_FENCE(q->nr));
	}
	if (q->get == q->heard) {
		vg_engine_sleep(e, q);
		vg_engine_end_turn(e, q, VGPU_TURN_DONE);
	} else if (vg_engine_must_yield(e, q)) {
		vg_engine_end_turn(e, q, VGPU_TURN_QUANTUM);
	}
	return c->op == VGPU_OP_RELEASE || c->op == VGPU_OP_FENCE;
}

/* The engine is locked, the epoch is still that of the step. */
static bool after_step(struct vg_queue *q, const struct step *s)
{
	if (s->ret == VG_DONE)
		return complete_command(q);
	if (s->ret == VG_WAIT) {
		wait_for_semaphore(q, s);
		return false;
	}
	if (s->ret > 0) {
		q->loaded = false;
		q->job_used = 0;
		q->n.faults++;
		vg_queue_halt(q, s->ret, VGPU_TURN_FAULT);
		vg_slice_fault(q->slice, q->nr, s->ret);
		return false;
	}
	if (took_too_long(q)) {
		q->job_used = 0;
		vg_queue_hang(q, VGPU_TURN_HANG);
	} else if (vg_engine_must_yield(q->engine, q) && may_be_interrupted(q)) {
		vg_engine_end_turn(q->engine, q, VGPU_TURN_QUANTUM);
	}
	return false;
}

/* One step of a turn: in and out with the engine locked. */
static void one_step(struct vg_queue *q)
{
	struct vg_engine *e = q->engine;
	struct step s = {
		.epoch = q->epoch, .ring = q->ring, .order = q->order, .get = q->get,
	};
	bool released = false;

	vg_engine_begin(e, q);
	q->stepping = true;
	spin_unlock_irq(&e->lock);
	make_step(q, &s);
	cond_resched();
	spin_lock_irq(&e->lock);
	q->stepping = false;
	q->steps++;
	if (wq_has_sleeper(&q->idle))
		wake_up_all(&q->idle);
	vg_engine_charge(e, q, s.units);
	if (s.epoch == q->epoch) {
		released = after_step(q, &s);
	} else {
		/* Whoever has made it void may have sent a signal, once. */
		flush_signals(current);
		q->job_used = 0;
	}
	if (!released)
		return;
	spin_unlock_irq(&e->lock);
	vg_slice_released(q->slice);
	spin_lock_irq(&e->lock);
}

/**
 * vg_queue_thread() - the thread, from open to close
 * @data: queue
 */
int vg_queue_thread(void *data)
{
	struct vg_queue *q = data;
	struct vg_engine *e = q->engine;

	/* An access to guest memory that does not come must be ended by a close. */
	allow_signal(SIGKILL);
	while (!kthread_should_stop()) {
		spin_lock_irq(&e->lock);
		while (q->granted)
			one_step(q);
		spin_unlock_irq(&e->lock);
		wait_event_idle(q->wait, READ_ONCE(q->granted) || kthread_should_stop());
	}
	return 0;
}
