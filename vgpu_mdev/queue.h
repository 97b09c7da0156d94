/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_QUEUE_H
#define VG_QUEUE_H

#include <linux/hrtimer.h>
#include <linux/wait.h>

#include "exec.h"
#include "sched.h"

struct task_struct;
struct vg_engine;
struct vg_slice;

/**
 * struct vg_counters - what a queue has done since its slice was made
 *
 * The fields are those of struct vgpu_stats.
 */
struct vg_counters {
	u64 busy;
	u64 units;
	u64 wait;
	u64 commands;
	u64 turns;
	u64 preemptions;
	u64 overruns;
	u64 revoked;
	u64 faults;
	u64 hangs;
};

/**
 * struct vg_queue - a ring of commands, and the thread that executes them
 * @slice: whose; contains it
 * @engine: which executes it. Its lock protects all that follows but @x, @loaded,
 *	@loaded_epoch and @job_ran, which are the thread's, and @task, which is there from open to
 *	close
 * @nr: number in the slice
 * @ent: for the scheduler
 * @enabled: VGPU_Q_ENABLE
 * @hangs: of the slice, before it was enabled
 * @waiting: in an ACQUIRE
 * @held: its doorbell rang too often, and is heard later
 * @ring: address
 * @order: log2 of its commands
 * @put: commands written
 * @heard: of those, what the doorbell has told; less than @put while @held
 * @get: commands completed
 * @error: VGPU_ERR_* that halted it
 * @fence: of the last FENCE
 * @fence_hi: latched
 * @epoch: what the thread does for an earlier one is void
 * @stepping: the thread is in a step, and may access memory
 * @steps: how many it has made
 * @granted: has the engine
 * @turn: how long, ns on the engine's clock
 * @turn_used: of that
 * @turn_units: likewise, work units
 * @turn_start: when
 * @turn_paid: on the real clock: up to when it is paid for
 * @turn_begun: its first step has begun
 * @job_used: engine time of this command
 * @job_ran: running time of the thread when it began
 * @wait_since: has work and no engine since then
 * @n: counters
 * @task: thread
 * @wait: of the thread, for the engine
 * @idle: of those who wait for the end of a step
 * @poll: look at a semaphore again
 * @x: the command
 * @mem: what it works on
 * @loaded: @x is a command
 * @loaded_epoch: of which epoch
 */
struct vg_queue {
	struct vg_slice *slice;
	struct vg_engine *engine;
	u32 nr;
	struct vg_ent ent;
	bool enabled;
	u32 hangs;
	bool waiting;
	bool held;
	u64 ring;
	u32 order;
	u32 put;
	u32 heard;
	u32 get;
	u32 error;
	u64 fence;
	u32 fence_hi;
	u32 epoch;
	bool stepping;
	u32 steps;
	bool granted;
	u64 turn;
	u64 turn_used;
	u64 turn_units;
	u64 turn_start;
	u64 turn_paid;
	bool turn_begun;
	u64 job_used;
	u64 job_ran;
	u64 wait_since;
	struct vg_counters n;
	struct task_struct *task;
	wait_queue_head_t wait;
	wait_queue_head_t idle;
	struct hrtimer poll;
	struct vg_exec *x;
	struct vg_mem mem;
	bool loaded;
	u32 loaded_epoch;
};

void vg_queue_init(struct vg_queue *q, struct vg_slice *slice, struct vg_engine *e);
int vg_queue_open(struct vg_queue *q);
void vg_queue_close(struct vg_queue *q);
u32 vg_queue_get_reg(struct vg_queue *q, u32 reg);
int vg_queue_set_reg(struct vg_queue *q, u32 reg, u32 value);
void vg_queue_release(struct vg_queue *q);
void vg_queue_look_again(struct vg_queue *q);
void vg_queue_halt(struct vg_queue *q, u32 error, u32 reason);
void vg_queue_hang(struct vg_queue *q, u32 reason);
int vg_queue_reset(struct vg_queue *q, bool registers);
int vg_queue_settle(struct vg_queue *q);

/* thread.c */
int vg_queue_thread(void *data);
void vg_queue_memory(struct vg_queue *q);

#endif
