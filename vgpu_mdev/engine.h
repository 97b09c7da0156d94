/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_ENGINE_H
#define VG_ENGINE_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>

#include "sched.h"

struct vg_gpu;
struct vg_queue;
struct vg_slice;

/**
 * struct vg_engine - one of a GPU's engines: a token that one queue at a time has
 * @gpu: whose; lives as long
 * @nr: which
 * @lock: protects all that follows, and every queue of this number of every slice:
 *	taken from interrupts too. A slice's irq.lock may be taken inside, and the
 *	log's and the listeners'
 * @sched: who is next
 * @holder: who has it, or NULL
 * @paused: nobody gets it
 * @preempt: the holder is to give it up at its next checkpoint
 * @clock: of a GPU with a virtual clock, ns
 * @preempt_timeout: of the GPU, ns
 * @job_timeout: of the GPU, ns
 * @refill: somebody has a right to the engine again then
 * @watchdog: has the holder come back?
 * @watching: @watchdog will run at @watch_at
 * @watch_at: CLOCK_MONOTONIC, ns
 * @deadline: when the holder must have come to a checkpoint, likewise
 * @seen: steps that it had made when that was set
 * @busy: engine time used, ns
 * @units: work units
 * @turns: how many
 */
struct vg_engine {
	struct vg_gpu *gpu;
	u32 nr;
	spinlock_t lock;	/* the engine and its queues */
	struct vg_sched sched;
	struct vg_queue *holder;
	bool paused;
	bool preempt;
	u64 clock;
	u64 preempt_timeout;
	u64 job_timeout;
	struct hrtimer refill;
	struct hrtimer watchdog;
	bool watching;
	u64 watch_at;
	u64 deadline;
	u32 seen;
	u64 busy;
	u64 units;
	u64 turns;
};

void vg_engine_init(struct vg_engine *e, struct vg_gpu *gpu, u32 nr);
void vg_engine_exit(struct vg_engine *e);
u64 vg_engine_now(const struct vg_engine *e);
void vg_engine_pause(struct vg_engine *e, bool paused);
void vg_engine_add(struct vg_engine *e, struct vg_queue *q);
void vg_engine_del(struct vg_engine *e, struct vg_queue *q);
void vg_engine_wake(struct vg_engine *e, struct vg_queue *q);
void vg_engine_sleep(struct vg_engine *e, struct vg_queue *q);
void vg_engine_begin(struct vg_engine *e, struct vg_queue *q);
void vg_engine_charge(struct vg_engine *e, struct vg_queue *q, u32 units);
bool vg_engine_must_yield(const struct vg_engine *e, const struct vg_queue *q);
void vg_engine_end_turn(struct vg_engine *e, struct vg_queue *q, u32 reason);

#endif
