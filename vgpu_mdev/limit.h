/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_LIMIT_H
#define VG_LIMIT_H

#include "pure.h"

/**
 * struct vg_limit - so many a second, and a few at once
 * @rate: a second; 0: no limit
 * @level: what may happen at once, in 1/NSEC_PER_SEC
 * @last: when that was so, ns
 */
struct vg_limit {
	u32 rate;
	u64 level;
	u64 last;
};

/**
 * struct vg_window - so many a minute, or rest
 * @limit: a minute; 0: no limit
 * @count: in this minute
 * @begin: of this minute, ns
 * @until: end of the rest, ns
 */
struct vg_window {
	u32 limit;
	u32 count;
	u64 begin;
	u64 until;
};

/**
 * struct vg_seldom - something of which one a second is told
 * @last: when that was, ns; 0: never
 * @held: how many since have not been
 */
struct vg_seldom {
	u64 last;
	u64 held;
};

void vg_limit_set(struct vg_limit *l, u32 rate, u64 now);
u64 vg_limit_take(struct vg_limit *l, u64 now);
bool vg_window_count(struct vg_window *w, u64 now);
bool vg_window_rests(const struct vg_window *w, u64 now);
bool vg_seldom(struct vg_seldom *s, u64 now);
u64 vg_seldom_due(const struct vg_seldom *s);
u64 vg_seldom_over(struct vg_seldom *s, u64 now);

#endif
