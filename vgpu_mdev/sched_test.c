// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets the engine, on a clock that the test turns: shares over a second for
 * 2 to 16 slices, equal and weighted, commands short and long.
 */
#include <kunit/test.h>

#include <virtlite/vgpu_isa.h>

#include "sched.h"

#define MS 1000000ULL
#define SEC (1000 * MS)
#define CHECKPOINT VGPU_CHECKPOINT_UNITS

struct player {
	struct vg_ent e;
	u64 command;	/* each takes so long */
	u64 used;
};

struct game {
	struct vg_sched s;
	struct player p[VGPU_MAX_SLICES];
	u64 now;
	u64 idle;
	u32 nr;
};

static struct game *new_game(struct kunit *test, u32 policy, u32 nr)
{
	static const u64 lengths[] = { 7000, 30000, 10500, 32768, 4001, 20000 };
	struct game *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->now = 17;
	g->nr = nr;
	vg_sched_init(&g->s, policy, MS, g->now);
	for (i = 0; i < nr; i++) {
		g->p[i].e.weight = VGPU_DEFAULT_WEIGHT;
		g->p[i].e.share = VGPU_WHOLE_SHARE / nr;
		g->p[i].command = lengths[i % ARRAY_SIZE(lengths)];
		vg_sched_add(&g->s, &g->p[i].e, g->now);
		vg_sched_wake(&g->s, &g->p[i].e, g->now);
	}
	return g;
}

/* Everybody who is runnable always has more work. Returns when the time is over. */
static void play(struct game *g, u64 ns)
{
	u64 until = g->now + ns, turn, wait, used;

	while (g->now < until) {
		struct vg_ent *e = vg_sched_pick(&g->s, g->now, &turn, &wait);
		struct player *p;

		if (!e) {
			wait = min(wait, until - g->now);
			g->idle += wait;
			g->now += wait;
			continue;
		}
		p = container_of(e, struct player, e);
		for (used = 0; used < turn; used += p->command) {
			g->now += p->command;
			p->used += p->command;
			vg_sched_charge(&g->s, e, p->command, g->now);
		}
	}
}

/* Off by at most 1 % of the share, or one checkpoint. */
static void expect_share(struct kunit *test, struct game *g, u32 i, u64 total, u64 num, u64 den)
{
	u64 due = mul_u64_u64_div_u64(total, num, den);
	u64 slack = max_t(u64, due / 100, CHECKPOINT);
	u64 used = g->p[i].used;
	u64 off = used > due ? used - due : due - used;

	KUNIT_EXPECT_LE_MSG(test, off, slack, "slice %u of %u: %llu ns instead of %llu", i, g->nr,
			    used, due);
}

static u64 total_of(struct game *g)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < g->nr; i++)
		total += g->p[i].used;
	return total;
}

static void share_equal_weights(struct kunit *test)
{
	u32 nr, i;

	for (nr = 2; nr <= VGPU_MAX_SLICES; nr++) {
		struct game *g = new_game(test, VGPU_POLICY_BEST_EFFORT, nr);

		play(g, SEC);
		KUNIT_EXPECT_EQ(test, g->idle, 0);
		for (i = 0; i < nr; i++)
			expect_share(test, g, i, total_of(g), 1, nr);
	}
}

static void share_weighted(struct kunit *test)
{
	u32 nr, i, sum;

	for (nr = 2; nr <= VGPU_MAX_SLICES; nr++) {
		struct game *g = new_game(test, VGPU_POLICY_BEST_EFFORT, nr);

		for (i = sum = 0; i < nr; i++) {
			u32 w = i % 4 + 1;

			vg_sched_change(&g->s, &g->p[i].e, w * 100, 1, 0, g->now);
			sum += w;
		}
		play(g, SEC);
		for (i = 0; i < nr; i++)
			expect_share(test, g, i, total_of(g), i % 4 + 1, sum);
	}
}

static void share_equal_is_strict(struct kunit *test)
{
	u32 nr, i;

	for (nr = 2; nr <= VGPU_MAX_SLICES; nr++) {
		struct game *g = new_game(test, VGPU_POLICY_EQUAL, nr);

		/* One does nothing: its time stays unused. */
		vg_sched_sleep(&g->s, &g->p[nr - 1].e, g->now);
		play(g, SEC);
		KUNIT_EXPECT_GE(test, g->idle, SEC / nr * 98 / 100);
		for (i = 0; i < nr - 1; i++)
			expect_share(test, g, i, SEC, 1, nr);
		KUNIT_EXPECT_EQ(test, g->p[nr - 1].used, 0);
	}
}

static void share_fixed(struct kunit *test)
{
	static const u32 share[] = { 5000, 2500, 1250, 625, 100 };
	struct game *g = new_game(test, VGPU_POLICY_FIXED, ARRAY_SIZE(share));
	u32 i;

	for (i = 0; i < ARRAY_SIZE(share); i++)
		vg_sched_change(&g->s, &g->p[i].e, 1, share[i], 0, g->now);
	play(g, SEC);
	for (i = 0; i < ARRAY_SIZE(share); i++)
		expect_share(test, g, i, SEC, share[i], VGPU_WHOLE_SHARE);
}

static void share_fixed_alone(struct kunit *test)
{
	struct game *g = new_game(test, VGPU_POLICY_FIXED, 1);

	vg_sched_change(&g->s, &g->p[0].e, 1, 300, 0, g->now);
	play(g, SEC);
	expect_share(test, g, 0, SEC, 300, VGPU_WHOLE_SHARE);
}

static void debt_is_carried(struct kunit *test)
{
	u32 policy;

	for (policy = VGPU_POLICY_BEST_EFFORT; policy <= VGPU_POLICY_FIXED; policy++) {
		struct game *g = new_game(test, policy, 2);

		/* One turn of 300 ms that nobody could end. */
		g->now += 300 * MS;
		g->p[0].used += 300 * MS;
		vg_sched_charge(&g->s, &g->p[0].e, 300 * MS, g->now);
		/* Going to sleep does not help, nor does a new start. */
		vg_sched_sleep(&g->s, &g->p[0].e, g->now);
		vg_sched_del(&g->s, &g->p[0].e, g->now);
		vg_sched_add(&g->s, &g->p[0].e, g->now);
		vg_sched_wake(&g->s, &g->p[0].e, g->now);
		play(g, 250 * MS);
		KUNIT_EXPECT_EQ(test, g->p[0].used, 300 * MS);
		play(g, 450 * MS);
		expect_share(test, g, 0, SEC, 1, 2);
	}
}

static void sleep_is_no_claim(struct kunit *test)
{
	struct game *g = new_game(test, VGPU_POLICY_BEST_EFFORT, 2);

	vg_sched_sleep(&g->s, &g->p[0].e, g->now);
	play(g, SEC);
	vg_sched_wake(&g->s, &g->p[0].e, g->now);
	g->p[0].used = 0;
	g->p[1].used = 0;
	play(g, SEC);
	expect_share(test, g, 0, total_of(g), 1, 2);
	expect_share(test, g, 1, total_of(g), 1, 2);
}

static void credit_is_not_hoarded(struct kunit *test)
{
	struct game *g = new_game(test, VGPU_POLICY_EQUAL, 2);

	vg_sched_sleep(&g->s, &g->p[0].e, g->now);
	play(g, SEC);
	vg_sched_wake(&g->s, &g->p[0].e, g->now);
	g->p[0].used = 0;
	g->p[1].used = 0;
	play(g, 100 * MS);
	/* Its half and one quantum, at most. */
	KUNIT_EXPECT_LE(test, g->p[0].used, 51 * MS + 2 * CHECKPOINT);
	KUNIT_EXPECT_GE(test, g->p[1].used, 48 * MS);
}

static void priority_is_strict(struct kunit *test)
{
	struct game *g = new_game(test, VGPU_POLICY_PRIORITY, 4);
	u32 i;

	for (i = 0; i < 4; i++)
		vg_sched_change(&g->s, &g->p[i].e, 1024 * (i + 1), 1, i / 2, g->now);
	play(g, SEC);
	KUNIT_EXPECT_EQ(test, g->p[0].used + g->p[1].used, 0);
	expect_share(test, g, 2, total_of(g), 3, 7);
	expect_share(test, g, 3, total_of(g), 4, 7);
	KUNIT_EXPECT_TRUE(test, vg_sched_prefers(&g->s, &g->p[3].e, &g->p[0].e));
	KUNIT_EXPECT_FALSE(test, vg_sched_prefers(&g->s, &g->p[3].e, &g->p[2].e));
	/* Who was left out longest has no claim against a newcomer of its level. */
	vg_sched_sleep(&g->s, &g->p[2].e, g->now);
	vg_sched_sleep(&g->s, &g->p[3].e, g->now);
	g->p[2].used = 0;
	g->p[3].used = 0;
	play(g, SEC);
	expect_share(test, g, 0, total_of(g), 1, 3);
	expect_share(test, g, 1, total_of(g), 2, 3);
}

static void change_while_running(struct kunit *test)
{
	struct game *g = new_game(test, VGPU_POLICY_BEST_EFFORT, 3);
	u32 i;

	play(g, SEC);
	vg_sched_change(&g->s, &g->p[1].e, 4 * VGPU_DEFAULT_WEIGHT, 1, 0, g->now);
	vg_sched_change(&g->s, &g->p[2].e, 4 * VGPU_DEFAULT_WEIGHT, 1, 0, g->now);
	for (i = 0; i < 3; i++)
		g->p[i].used = 0;
	play(g, SEC);
	expect_share(test, g, 0, total_of(g), 1, 9);
	expect_share(test, g, 1, total_of(g), 4, 9);
	vg_sched_policy(&g->s, VGPU_POLICY_EQUAL, g->now);
	for (i = 0; i < 3; i++)
		g->p[i].used = 0;
	play(g, SEC);
	for (i = 0; i < 3; i++)
		expect_share(test, g, i, SEC, 1, 3);
}

/* A day's pause by order is nobody's claim: afterwards everything is as before. */
static void pause_is_no_claim(struct kunit *test)
{
	struct game *g = new_game(test, VGPU_POLICY_EQUAL, 2);
	u32 i;

	play(g, 100 * MS);
	vg_sched_pause(&g->s, true, g->now);
	g->now += 86400 * SEC;
	vg_sched_pause(&g->s, false, g->now);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_LE(test, -vg_sched_debt(&g->p[i].e), (s64)MS);
	/* One leaves: the other one has no more than its half. */
	vg_sched_sleep(&g->s, &g->p[0].e, g->now);
	g->p[1].used = 0;
	g->idle = 0;
	play(g, SEC);
	expect_share(test, g, 1, SEC, 1, 2);
	KUNIT_EXPECT_GE(test, g->idle, 490 * MS);
}

/* The least weight there is, alone, for hours and days: whoever comes has a half. */
static void least_weight_for_days(struct kunit *test)
{
	static const u32 hours[] = { 1, 3, 5, 8, 24, 24 * 365 };
	u32 i, h;

	for (i = 0; i < ARRAY_SIZE(hours); i++) {
		struct game *g = new_game(test, VGPU_POLICY_BEST_EFFORT, 2);
		u64 turn, wait;

		vg_sched_sleep(&g->s, &g->p[1].e, g->now);
		vg_sched_change(&g->s, &g->p[0].e, 1, 1, 0, g->now);
		vg_sched_change(&g->s, &g->p[1].e, 1, 1, 0, g->now);
		for (h = 0; h < 6 * hours[i]; h++) {
			KUNIT_EXPECT_PTR_EQ(test, vg_sched_pick(&g->s, g->now, &turn, &wait),
					    &g->p[0].e);
			g->now += 600 * SEC;
			vg_sched_charge(&g->s, &g->p[0].e, 600 * SEC, g->now);
		}
		/* Time for the last charge to be made up for. */
		vg_sched_pick(&g->s, g->now, &turn, &wait);
		vg_sched_wake(&g->s, &g->p[1].e, g->now);
		play(g, SEC);
		expect_share(test, g, 0, total_of(g), 1, 2);
		expect_share(test, g, 1, total_of(g), 1, 2);
	}
}

static struct kunit_case sched_cases[] = {
	KUNIT_CASE(share_equal_weights),
	KUNIT_CASE(share_weighted),
	KUNIT_CASE(share_equal_is_strict),
	KUNIT_CASE(share_fixed),
	KUNIT_CASE(share_fixed_alone),
	KUNIT_CASE(debt_is_carried),
	KUNIT_CASE(sleep_is_no_claim),
	KUNIT_CASE(credit_is_not_hoarded),
	KUNIT_CASE(priority_is_strict),
	KUNIT_CASE(change_while_running),
	KUNIT_CASE(pause_is_no_claim),
	KUNIT_CASE(least_weight_for_days),
	{}
};

static struct kunit_suite sched_suite = {
	.name = "vgpu_sched",
	.test_cases = sched_cases,
};

kunit_test_suite(sched_suite);
