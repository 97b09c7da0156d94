// SPDX-License-Identifier: GPL-2.0
/* Limits on what a slice may do how often. Pure: the caller tells the time. */

#include "limit.h"

#define SECOND 1000000000ULL
#define MINUTE (60 * SECOND)

/* As much as an eighth of a second allows may come at once. */
static u64 burst(const struct vg_limit *l)
{
	return max_t(u64, l->rate / 8, 1) * SECOND;
}

/**
 * vg_limit_set() - another limit, from now on
 * @l: limit
 * @rate: a second; 0: none
 * @now: ns
 */
void vg_limit_set(struct vg_limit *l, u32 rate, u64 now)
{
	l->rate = rate;
	l->level = burst(l);
	l->last = now;
}

/**
 * vg_limit_take() - may it happen now?
 * @l: limit
 * @now: ns
 *
 * Return: 0 if so, and it counts; else ns until it may.
 */
u64 vg_limit_take(struct vg_limit *l, u64 now)
{
	u64 passed = now > l->last ? now - l->last : 0;

	if (!l->rate)
		return 0;
	/* Whatever is longer than this fills it anyhow; the product fits. */
	passed = min_t(u64, passed, 2 * SECOND);
	l->level = min(l->level + passed * l->rate, burst(l));
	l->last = max(l->last, now);
	if (l->level >= SECOND) {
		l->level -= SECOND;
		return 0;
	}
	return div64_u64(SECOND - l->level, l->rate) + 1;
}

/**
 * vg_window_count() - it has happened
 * @w: window
 * @now: ns
 *
 * Return: this was one too many, a rest begins.
 */
bool vg_window_count(struct vg_window *w, u64 now)
{
	if (!w->limit)
		return false;
	if (now - w->begin >= MINUTE) {
		w->begin = now;
		w->count = 0;
	}
	if (++w->count <= w->limit)
		return false;
	w->until = now + MINUTE;
	w->begin = now;
	w->count = 0;
	return true;
}

/**
 * vg_window_rests() - is it a time of rest?
 * @w: window
 * @now: ns
 */
bool vg_window_rests(const struct vg_window *w, u64 now)
{
	return w->limit && now < w->until;
}

/**
 * vg_seldom() - may it be told, once a second?
 * @s: what was told of it
 * @now: ns
 *
 * Return: it may, and counts as told; else it is held back, and counted.
 */
bool vg_seldom(struct vg_seldom *s, u64 now)
{
	if (s->last && now - s->last < SECOND) {
		s->held++;
		return false;
	}
	s->last = now;
	return true;
}

/**
 * vg_seldom_due() - when is it to be told how many were held back?
 * @s: what was told of it
 *
 * Return: ns; 0: none were.
 */
u64 vg_seldom_due(const struct vg_seldom *s)
{
	return s->held ? s->last + SECOND : 0;
}

/**
 * vg_seldom_over() - how many were held back
 * @s: what was told of it; this is being told now, and counts
 * @now: ns
 *
 * Return: how many; 0: none, or it is not time yet.
 */
u64 vg_seldom_over(struct vg_seldom *s, u64 now)
{
	u64 held = s->held;

	if (!held || now < vg_seldom_due(s))
		return 0;
	s->held = 0;
	s->last = now;
	return held;
}
