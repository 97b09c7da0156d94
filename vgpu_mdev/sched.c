// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets an engine next, and for how long. Pure.
 *
 * Best effort and priority: weighted fair queueing. Each one's time is counted
 * divided by its weight, and whoever has had least goes next. Who comes back
 * from a pause begins where the others are; who has had more than they is not
 * forgiven.
 *
 * Equal and fixed: everybody earns engine time at the rate of the share, and may
 * run with enough for half a turn: with less, turns would be ever so short. A turn
 * that took too long is paid for afterwards, however long that takes; what is not
 * used is kept up to one quantum. While nobody has credit the engine rests.
 *
 * A turn is as long as five quanta times the share, but not longer than one, so
 * that everybody comes round within that time and over a second nobody is off
 * by more than half a percent of the share.
 */

#include "sched.h"

#define FRAC 1024

/* Of struct vg_vtime: as many as the largest weight has. */
#define FRAC_BITS 20

/* What takes longer, an hour, counts as if it had not. The product must fit. */
#define MOST_AT_ONCE ((1ULL << (62 - FRAC_BITS)) - 1)

/* Five quanta for everybody together. */
#define ROUND 5

static bool strict(const struct vg_sched *s)
{
	return s->policy == VGPU_POLICY_EQUAL || s->policy == VGPU_POLICY_FIXED;
}

static u32 level(const struct vg_sched *s, const struct vg_ent *e)
{
	return s->policy == VGPU_POLICY_PRIORITY ? e->priority : 0;
}

/* The share as a fraction: never 0, because a share of 0 cannot be set. */
static void fraction(const struct vg_sched *s, const struct vg_ent *e, u32 *num, u32 *den)
{
	if (s->policy == VGPU_POLICY_EQUAL) {
		*num = 1;
		*den = max(s->nr, 1u);
	} else {
		*num = max(e->share, 1u);
		*den = VGPU_WHOLE_SHARE;
	}
}

/* Give everybody what they have earned since the last time. */
static void earn(struct vg_sched *s, u64 now)
{
	s64 most = (s64)s->quantum * FRAC;
	u32 num, den, i;
	u64 dt;

	if (now <= s->last)
		return;
	dt = now - s->last;
	s->last = now;
	if (!strict(s) || s->paused)
		return;
	for (i = 0; i < s->nr; i++) {
		struct vg_ent *e = s->ents[i];

		fraction(s, e, &num, &den);
		e->credit += mul_u64_u64_div_u64(dt * FRAC, num, den);
		if (!e->runnable && e->credit > most)
			e->credit = most;
	}
}

/**
 * vg_sched_init() - an engine nobody uses
 * @s: its scheduler
 * @policy: VGPU_POLICY_*
 * @quantum: longest turn, ns
 * @now: ns
 */
void vg_sched_init(struct vg_sched *s, u32 policy, u64 quantum, u64 now)
{
	memset(s, 0, sizeof(*s));
	s->policy = policy;
	s->quantum = quantum;
	s->last = now;
}

/**
 * vg_sched_policy() - another policy: everybody starts anew
 * @s: scheduler
 * @policy: VGPU_POLICY_*
 * @now: ns
 */
void vg_sched_policy(struct vg_sched *s, u32 policy, u64 now)
{
	u32 i;

	s->policy = policy;
	s->last = now;
	memset(s->vmin, 0, sizeof(s->vmin));
	for (i = 0; i < s->nr; i++) {
		s->ents[i]->vtime = (struct vg_vtime){ };
		s->ents[i]->credit = 0;
	}
}

/**
 * vg_sched_pause() - the engine rests by order, or works again
 * @s: scheduler
 * @paused: which
 * @now: ns
 *
 * There is no engine time to have a right to meanwhile: nobody earns any.
 */
void vg_sched_pause(struct vg_sched *s, bool paused, u64 now)
{
	earn(s, now);
	s->paused = paused;
}

static bool before(struct vg_vtime a, struct vg_vtime b)
{
	return a.ns == b.ns ? a.frac < b.frac : (s64)(a.ns - b.ns) < 0;
}

static void advance(struct vg_vtime *t, u64 fractions)
{
	u64 sum = t->frac + fractions;

	t->ns += sum >> FRAC_BITS;
	t->frac = sum & ((1U << FRAC_BITS) - 1);
}

/* No place further ahead than that of the others, and none behind its own. */
static void place(struct vg_sched *s, struct vg_ent *e)
{
	struct vg_vtime vmin = s->vmin[level(s, e)];

	if (before(e->vtime, vmin))
		e->vtime = vmin;
}

/* How far ahead of the others, in fractions. What takes hours to make up for is cut. */
static u64 lead(const struct vg_sched *s, const struct vg_ent *e)
{
	struct vg_vtime vmin = s->vmin[level(s, e)];

	if (before(e->vtime, vmin))
		return 0;
	return (min(e->vtime.ns - vmin.ns, MOST_AT_ONCE) << FRAC_BITS) + e->vtime.frac - vmin.frac;
}

/**
 * vg_sched_add() - somebody may want the engine from now on
 * @s: scheduler
 * @e: has no work yet; its debt from before, if any, counts
 * @now: ns
 */
void vg_sched_add(struct vg_sched *s, struct vg_ent *e, u64 now)
{
	earn(s, now);
	e->runnable = false;
	e->credit = min_t(s64, e->credit, 0);
	s->ents[s->nr++] = e;
	place(s, e);
}

/**
 * vg_sched_del() - somebody has gone
 * @s: scheduler
 * @e: who
 * @now: ns
 */
void vg_sched_del(struct vg_sched *s, struct vg_ent *e, u64 now)
{
	u32 i;

	earn(s, now);
	for (i = 0; i < s->nr && s->ents[i] != e; i++)
		;
	if (i < s->nr)
		s->ents[i] = s->ents[--s->nr];
	e->runnable = false;
}

/**
 * vg_sched_change() - somebody gets more or less from now on
 * @s: scheduler
 * @e: who
 * @weight: see struct vg_ent
 * @share: likewise
 * @priority: likewise
 * @now: ns
 */
void vg_sched_change(struct vg_sched *s, struct vg_ent *e, u32 weight, u32 share,
		     u32 priority, u64 now)
{
	u64 ahead;

	earn(s, now);
	/* The lead over the others is in the old weight's time, on the old level. */
	ahead = lead(s, e);
	/* The quotient must fit. */
	if (weight < e->weight)
		ahead = min(ahead, mul_u64_u64_div_u64(1ULL << 62, weight, e->weight));
	ahead = mul_u64_u64_div_u64(ahead, max(e->weight, 1u), weight);
	e->weight = weight;
	e->share = share;
	e->priority = priority;
	e->vtime = s->vmin[level(s, e)];
	advance(&e->vtime, ahead);
}

/**
 * vg_sched_wake() - somebody has work
 * @s: scheduler
 * @e: who
 * @now: ns
 */
void vg_sched_wake(struct vg_sched *s, struct vg_ent *e, u64 now)
{
	if (e->runnable)
		return;
	earn(s, now);
	e->runnable = true;
	place(s, e);
}

/**
 * vg_sched_sleep() - somebody has no work
 * @s: scheduler
 * @e: who
 * @now: ns
 */
void vg_sched_sleep(struct vg_sched *s, struct vg_ent *e, u64 now)
{
	earn(s, now);
	e->runnable = false;
}

static u64 turn_for(const struct vg_sched *s, u64 num, u64 den)
{
	u64 turn = mul_u64_u64_div_u64(ROUND * s->quantum, num, den);

	return min(max(turn, min_t(u64, VG_MIN_TURN, s->quantum)), s->quantum);
}

/* Who has waited longest for what is due, by share. */
static struct vg_ent *pick_strict(struct vg_sched *s, u64 *turn, u64 *wait)
{
	u64 best_due = 0, due, lack, whole;
	struct vg_ent *best = NULL;
	u32 num, den, i;

	*wait = U64_MAX;
	for (i = 0; i < s->nr; i++) {
		struct vg_ent *e = s->ents[i];

		if (!e->runnable)
			continue;
		fraction(s, e, &num, &den);
		whole = turn_for(s, num, den);
		if (e->credit < (s64)(whole / 2) * FRAC) {
			lack = (whole / 2 + 1) * FRAC - e->credit;
			/* The quotient must fit; who waits longer is asked again. */
			lack = min_t(u64, lack, 1ULL << 50);
			lack = mul_u64_u64_div_u64(lack, den, num);
			*wait = min_t(u64, *wait, lack / FRAC + 1);
			continue;
		}
		due = mul_u64_u64_div_u64(e->credit, den, num);
		if (!best || due > best_due) {
			best = e;
			best_due = due;
			*turn = min(whole, max_t(u64, e->credit / FRAC, VG_MIN_TURN));
		}
	}
	return best;
}

static struct vg_ent *pick_weighted(struct vg_sched *s, u64 *turn, u64 *wait)
{
	struct vg_ent *best = NULL;
	u64 weights = 0;
	u32 i, at = 0;

	*wait = U64_MAX;
	for (i = 0; i < s->nr; i++) {
		struct vg_ent *e = s->ents[i];
		u32 l = level(s, e);

		if (!e->runnable)
			continue;
		if (!best || l > at) {
			best = e;
			at = l;
			weights = e->weight;
			continue;
		}
		if (l < at)
			continue;
		weights += e->weight;
		if (before(e->vtime, best->vtime))
			best = e;
	}
	if (!best)
		return NULL;
	if (before(s->vmin[at], best->vtime))
		s->vmin[at] = best->vtime;
	*turn = turn_for(s, best->weight, weights);
	return best;
}

/**
 * vg_sched_pick() - who is next
 * @s: scheduler
 * @now: ns
 * @turn: set to how long, ns
 * @wait: set, if nobody may: ns until somebody who has work may; U64_MAX: nobody has
 *
 * Return: who, or NULL.
 */
struct vg_ent *vg_sched_pick(struct vg_sched *s, u64 now, u64 *turn, u64 *wait)
{
	earn(s, now);
	return strict(s) ? pick_strict(s, turn, wait) : pick_weighted(s, turn, wait);
}

/**
 * vg_sched_charge() - somebody has used the engine
 * @s: scheduler
 * @e: who
 * @used: ns
 * @now: ns
 */
void vg_sched_charge(struct vg_sched *s, struct vg_ent *e, u64 used, u64 now)
{
	earn(s, now);
	if (strict(s))
		e->credit -= used * FRAC;
	else
		advance(&e->vtime, div64_u64(min(used, MOST_AT_ONCE) << FRAC_BITS, e->weight));
}

/**
 * vg_sched_prefers() - must the engine be given up in the middle of a turn?
 * @s: scheduler
 * @e: somebody with work
 * @to: who has it
 */
bool vg_sched_prefers(const struct vg_sched *s, const struct vg_ent *e, const struct vg_ent *to)
{
	return level(s, e) > level(s, to);
}

/**
 * vg_sched_debt() - engine time used beyond what was due
 * @e: who
 *
 * Return: ns; negative: it may use so much.
 */
s64 vg_sched_debt(const struct vg_ent *e)
{
	return -e->credit / FRAC;
}
