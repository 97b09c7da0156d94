/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_SCHED_H
#define VG_SCHED_H

#include <virtlite/vgpu.h>

#include "pure.h"

#define VG_MIN_TURN	50000ULL
#define VG_LEVELS	(VGPU_MAX_PRIORITY + 1)

/**
 * struct vg_vtime - engine time divided by a weight
 * @ns: with the least weight it takes centuries to go round
 * @frac: with the largest one, 1 ns is one of these
 */
struct vg_vtime {
	u64 ns;
	u32 frac;
};

/**
 * struct vg_ent - one who wants an engine: a queue of a slice
 * @weight: 1 to VGPU_MAX_WEIGHT
 * @share: of VGPU_WHOLE_SHARE, with VGPU_POLICY_FIXED
 * @priority: 0 to VGPU_MAX_PRIORITY
 * @runnable: has work
 * @vtime: engine time by weight; who has least is next
 * @credit: engine time that it has a right to, in 1/1024 ns; negative: debt
 */
struct vg_ent {
	u32 weight;
	u32 share;
	u32 priority;
	bool runnable;
	struct vg_vtime vtime;
	s64 credit;
};

/**
 * struct vg_sched - who gets an engine next
 * @policy: VGPU_POLICY_*
 * @quantum: longest turn, ns
 * @paused: time passes for nobody
 * @last: when credit was given last, ns
 * @vmin: least vtime of those who have work, by level of priority; never falls
 * @ents: those that have it open
 * @nr: how many they are
 *
 * No clock and no lock of its own: the caller tells the time and serializes.
 */
struct vg_sched {
	u32 policy;
	u64 quantum;
	bool paused;
	u64 last;
	struct vg_vtime vmin[VG_LEVELS];
	struct vg_ent *ents[VGPU_MAX_SLICES];
	u32 nr;
};

void vg_sched_init(struct vg_sched *s, u32 policy, u64 quantum, u64 now);
void vg_sched_policy(struct vg_sched *s, u32 policy, u64 now);
void vg_sched_pause(struct vg_sched *s, bool paused, u64 now);
void vg_sched_add(struct vg_sched *s, struct vg_ent *e, u64 now);
void vg_sched_del(struct vg_sched *s, struct vg_ent *e, u64 now);
void vg_sched_change(struct vg_sched *s, struct vg_ent *e, u32 weight, u32 share,
		     u32 priority, u64 now);
void vg_sched_wake(struct vg_sched *s, struct vg_ent *e, u64 now);
void vg_sched_sleep(struct vg_sched *s, struct vg_ent *e, u64 now);
struct vg_ent *vg_sched_pick(struct vg_sched *s, u64 now, u64 *turn, u64 *wait);
void vg_sched_charge(struct vg_sched *s, struct vg_ent *e, u64 used, u64 now);
bool vg_sched_prefers(const struct vg_sched *s, const struct vg_ent *e, const struct vg_ent *to);
s64 vg_sched_debt(const struct vg_ent *e);

#endif
