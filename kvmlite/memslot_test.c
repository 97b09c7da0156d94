// SPDX-License-Identifier: GPL-2.0
/* The table of memory slots, against a plain search over all of them. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "memslot.h"

#define CAP 64

static struct kl_memslots *table_new(struct kunit *test)
{
	struct kl_memslots *t;

	t = kunit_kzalloc(test, struct_size(t, slot, CAP), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->cap = CAP;
	return t;
}

static struct kl_memslot *slot_new(struct kunit *test, u64 base, u64 npages)
{
	struct kl_memslot *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->base = base;
	s->npages = npages;
	s->hva = 0x7f0000000000 + (base << 12);
	return s;
}

static void find_at_edges(struct kunit *test)
{
	struct kl_memslots *t = table_new(test);
	struct kl_memslot *low = slot_new(test, 0, 0xa0);
	struct kl_memslot *mid = slot_new(test, 0xc0, 0x40);
	struct kl_memslot *next = slot_new(test, 0x100, 0x100);
	struct kl_memslot *top = slot_new(test, (1ULL << 36) - 1, 1);
	int again;

	KUNIT_EXPECT_NULL(test, kl_memslots_find(t, 0));
	KUNIT_EXPECT_TRUE(test, kl_memslots_append(t, low));
	KUNIT_EXPECT_TRUE(test, kl_memslots_append(t, mid));
	KUNIT_EXPECT_TRUE(test, kl_memslots_append(t, next));
	KUNIT_EXPECT_TRUE(test, kl_memslots_append(t, top));

	/* Twice, for the hint of the first round. */
	for (again = 0; again < 2; again++) {
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0), low);
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0x9f), low);
		KUNIT_EXPECT_NULL(test, kl_memslots_find(t, 0xa0));
		KUNIT_EXPECT_NULL(test, kl_memslots_find(t, 0xbf));
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0xc0), mid);
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0xff), mid);
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0x100), next);
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0x1ff), next);
		KUNIT_EXPECT_NULL(test, kl_memslots_find(t, 0x200));
		KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, (1ULL << 36) - 1),
				    top);
		KUNIT_EXPECT_NULL(test, kl_memslots_find(t, 1ULL << 36));
		KUNIT_EXPECT_NULL(test, kl_memslots_find(t, ~0ULL));
	}
	KUNIT_EXPECT_EQ(test, kl_memslot_hva(mid, 0xc3), mid->hva + 0x3000);
}

static void overlap(struct kunit *test)
{
	struct kl_memslots *t = table_new(test);
	struct kl_memslot *a = slot_new(test, 0x10, 0x10);
	struct kl_memslot *b = slot_new(test, 0x30, 0x10);

	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0, 0x1000, NULL));
	kl_memslots_append(t, a);
	kl_memslots_append(t, b);

	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0, 0x10, NULL));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0, 0x11, NULL));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0x10, 0x10, NULL));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0x18, 1, NULL));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0x1f, 1, NULL));
	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0x20, 0x10, NULL));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0x20, 0x11, NULL));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0, 0x1000, NULL));
	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0x40, 0x1000, NULL));

	/* A slot that is moved does not stand in its own way. */
	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0x18, 0x10, a));
	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0x08, 0x10, a));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0x21, 0x10, a));
	KUNIT_EXPECT_TRUE(test, kl_memslots_overlap(t, 0x1f, 0x10, b));
	KUNIT_EXPECT_FALSE(test, kl_memslots_overlap(t, 0x38, 0x10, b));
}

static void changes_in_place(struct kunit *test)
{
	struct kl_memslots *t = table_new(test);
	struct kl_memslot *a = slot_new(test, 0x10, 0x10);
	struct kl_memslot *b = slot_new(test, 0x30, 0x10);
	struct kl_memslot *b2 = slot_new(test, 0x30, 0x10);
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, kl_memslots_append(t, b));
	/* Not at the end: */
	KUNIT_EXPECT_FALSE(test, kl_memslots_append(t, a));
	KUNIT_EXPECT_EQ(test, t->nr, 1);
	KUNIT_EXPECT_TRUE(test, kl_memslots_replace(t, b, b2));
	KUNIT_EXPECT_PTR_EQ(test, kl_memslots_find(t, 0x38), b2);
	KUNIT_EXPECT_FALSE(test, kl_memslots_pop(t, b));
	KUNIT_EXPECT_TRUE(test, kl_memslots_pop(t, b2));
	KUNIT_EXPECT_NULL(test, kl_memslots_find(t, 0x38));
	/* Full: */
	for (i = 0; i < CAP; i++)
		kl_memslots_append(t, slot_new(test, i * 2, 1));
	KUNIT_EXPECT_EQ(test, t->nr, CAP);
	KUNIT_EXPECT_FALSE(test, kl_memslots_append(t, slot_new(test, 999, 1)));
}

static struct kl_memslot *find_plainly(struct kl_memslot **all, u64 gfn)
{
	unsigned int i;

	for (i = 0; i < CAP; i++)
		if (all[i] && gfn >= all[i]->base &&
		    gfn < all[i]->base + all[i]->npages)
			return all[i];
	return NULL;
}

static bool overlap_plainly(struct kl_memslot **all, u64 base, u64 npages)
{
	unsigned int i;

	for (i = 0; i < CAP; i++)
		if (all[i] && base < all[i]->base + all[i]->npages &&
		    all[i]->base < base + npages)
			return true;
	return false;
}

static void random_changes(struct kunit *test)
{
	struct kl_memslots *t = table_new(test), *other = table_new(test);
	struct kl_memslot *all[CAP] = {};
	struct rnd_state rnd;
	unsigned int round, i;

	prandom_seed_state(&rnd, 42);
	for (round = 0; round < 2000; round++) {
		struct kl_memslot *old, *new = NULL;
		u64 base = prandom_u32_state(&rnd) % 1000;
		u64 npages = 1 + prandom_u32_state(&rnd) % 30;

		i = prandom_u32_state(&rnd) % CAP;
		old = all[i];
		all[i] = NULL;
		KUNIT_ASSERT_EQ(test, kl_memslots_overlap(t, base, npages, old),
				overlap_plainly(all, base, npages));
		/* Move it or make it where there is room; else delete it. */
		if (!overlap_plainly(all, base, npages))
			new = slot_new(test, base, npages);
		kl_memslots_merge(other, t, old, new);
		swap(t, other);
		all[i] = new;

		for (i = 1; i < t->nr; i++)
			KUNIT_ASSERT_LE(test, kl_memslot_end(t->slot[i - 1]),
					t->slot[i]->base);
		for (i = 0; i < 20; i++) {
			u64 gfn = prandom_u32_state(&rnd) % 1100;

			KUNIT_ASSERT_PTR_EQ(test, kl_memslots_find(t, gfn),
					    find_plainly(all, gfn));
		}
	}
}

static struct kunit_case memslot_cases[] = {
	KUNIT_CASE(find_at_edges),
	KUNIT_CASE(overlap),
	KUNIT_CASE(changes_in_place),
	KUNIT_CASE(random_changes),
	{}
};

static struct kunit_suite memslot_suite = {
	.name = "kvmlite_memslot",
	.test_cases = memslot_cases,
};

kunit_test_suite(memslot_suite);
