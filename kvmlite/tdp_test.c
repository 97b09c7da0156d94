// SPDX-License-Identifier: GPL-2.0
/*
 * Nested page tables: the two formats' entries against the numbers in the
 * manuals, and trees built, walked, split and taken down again.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "tdp.h"

#define ME_MASK BIT_ULL(47)

static struct kl_tdp_fmt fmt_of(bool ept, bool has_ad)
{
	struct kl_tdp_fmt fmt;

	kl_tdp_fmt_init(&fmt, ept, has_ad, 0);
	return fmt;
}

static void ept_entries(struct kunit *test)
{
	struct kl_tdp_fmt fmt = fmt_of(true, true);
	const u64 host = KL_TDP_HOST_WRITABLE;

	/* read, write, execute, accessed */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_table(&fmt, 0x1234000), 0x1234107);
	/* read, execute, WB, ignore PAT, accessed */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC),
			0x1234175);
	/* … write, dirty */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC |
					       KL_LEAF_WRITE), 0x1234377);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC |
					       KL_LEAF_HOST_WRITABLE),
			0x1234175 | host);
	/* … large; not executable */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x12200, 2, 0), 0x122001f1);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x40000, 3, KL_LEAF_EXEC |
					       KL_LEAF_WRITE), 0x400003f7);
	/* uncached */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0xfee00, 1,
					       KL_LEAF_DEVICE | KL_LEAF_EXEC),
			0xfee00145);
	/* without accessed and dirty bits */
	fmt = fmt_of(true, false);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_table(&fmt, 0x1234000), 0x1234007);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC |
					       KL_LEAF_WRITE), 0x1234077);
}

static void npt_entries(struct kunit *test)
{
	struct kl_tdp_fmt fmt = fmt_of(false, true);

	/* present, write, user, accessed */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_table(&fmt, 0x1234000), 0x1234027);
	/* present, user, accessed */
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC),
			0x1234025);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC |
					       KL_LEAF_WRITE), 0x1234067);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0x12200, 2, 0),
			0x122000a5 | BIT_ULL(63));
	KUNIT_EXPECT_EQ(test, kl_tdp_make_leaf(&fmt, 0xfee00, 1,
					       KL_LEAF_DEVICE | KL_LEAF_EXEC),
			0xfee0003d);
}

static void encrypted_entries(struct kunit *test)
{
	struct kl_tdp_fmt fmt;
	u64 leaf;

	kl_tdp_fmt_init(&fmt, false, true, ME_MASK);
	leaf = kl_tdp_make_leaf(&fmt, 0x1234, 1, KL_LEAF_EXEC);
	KUNIT_EXPECT_EQ(test, leaf, 0x1234025 | ME_MASK);
	KUNIT_EXPECT_EQ(test, kl_tdp_addr(&fmt, leaf), 0x1234000);
	KUNIT_EXPECT_EQ(test, kl_tdp_make_table(&fmt, 0x1000), 0x1027 | ME_MASK);
	leaf = kl_tdp_make_leaf(&fmt, 0xfee00, 1, KL_LEAF_DEVICE);
	KUNIT_EXPECT_EQ(test, leaf & ME_MASK, 0);
}

static void entry_questions(struct kunit *test)
{
	int ept;

	for (ept = 0; ept < 2; ept++) {
		struct kl_tdp_fmt fmt = fmt_of(ept, true);
		u64 table = kl_tdp_make_table(&fmt, 0x5000);
		u64 ro = kl_tdp_make_leaf(&fmt, 0x600, 2, KL_LEAF_EXEC);
		u64 rw = kl_tdp_make_leaf(&fmt, 0x600, 2, KL_LEAF_EXEC |
					  KL_LEAF_WRITE);
		u64 nx = kl_tdp_make_leaf(&fmt, 0x600, 2, KL_LEAF_WRITE);

		KUNIT_EXPECT_FALSE(test, kl_tdp_present(&fmt, 0));
		KUNIT_EXPECT_FALSE(test, kl_tdp_is_leaf(&fmt, 0, 1));
		KUNIT_EXPECT_FALSE(test, kl_tdp_is_table(&fmt, 0, 2));
		KUNIT_EXPECT_TRUE(test, kl_tdp_is_table(&fmt, table, 2));
		KUNIT_EXPECT_FALSE(test, kl_tdp_is_leaf(&fmt, table, 2));
		KUNIT_EXPECT_TRUE(test, kl_tdp_is_leaf(&fmt, ro, 2));
		KUNIT_EXPECT_TRUE(test, kl_tdp_is_leaf(&fmt, table, 1));

		KUNIT_EXPECT_TRUE(test, kl_tdp_leaf_covers(&fmt, rw, ro));
		KUNIT_EXPECT_FALSE(test, kl_tdp_leaf_covers(&fmt, ro, rw));
		KUNIT_EXPECT_FALSE(test, kl_tdp_leaf_covers(&fmt, nx, rw));
		KUNIT_EXPECT_TRUE(test, kl_tdp_leaf_covers(&fmt, rw, nx));
	}
	KUNIT_EXPECT_EQ(test, kl_tdp_index(0x1ff, 1), 0x1ff);
	KUNIT_EXPECT_EQ(test, kl_tdp_index(0x200, 1), 0);
	KUNIT_EXPECT_EQ(test, kl_tdp_index(0x200, 2), 1);
	KUNIT_EXPECT_EQ(test, kl_tdp_index(0xfffffffff, 4), 0x1ff);
}

static void split_children(struct kunit *test)
{
	int ept, i;

	for (ept = 0; ept < 2; ept++) {
		struct kl_tdp_fmt fmt = fmt_of(ept, true);
		u64 flags = KL_LEAF_HOST_WRITABLE;
		u64 huge = kl_tdp_make_leaf(&fmt, 0x40000, 3, flags);
		u64 large = kl_tdp_make_leaf(&fmt, 0x40200, 2, flags);

		/* Every child is what mapping it by itself would have made. */
		flags |= KL_LEAF_EXEC;
		for (i = 0; i < KL_TDP_ENTRIES; i++) {
			KUNIT_EXPECT_EQ(test,
					kl_tdp_split_child(&fmt, huge, 3, i),
					kl_tdp_make_leaf(&fmt, 0x40000 + i * 512,
							 2, flags));
			KUNIT_EXPECT_EQ(test,
					kl_tdp_split_child(&fmt, large, 2, i),
					kl_tdp_make_leaf(&fmt, 0x40200 + i, 1,
							 flags));
		}
	}
}

/* ---- trees ---- */

struct tree {
	struct kl_mmu mmu;
	struct kl_tdp_pages spare, dead;
	bool flush;
};

static void tree_init(struct kunit *test, struct tree *t, bool ept, int levels)
{
	struct kl_tdp_fmt fmt = fmt_of(ept, true);

	memset(t, 0, sizeof(*t));
	spin_lock_init(&t->mmu.lock);
	INIT_LIST_HEAD(&t->spare.list);
	INIT_LIST_HEAD(&t->dead.list);
	KUNIT_ASSERT_EQ(test, kl_tdp_init(&t->mmu, &fmt, levels), 0);
}

static struct tree *tree_new(struct kunit *test, bool ept, int levels)
{
	struct tree *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	tree_init(test, t, ept, levels);
	return t;
}

static void tree_free(struct kunit *test, struct tree *t)
{
	int i;

	kl_tdp_pages_free(&t->spare);
	kl_tdp_pages_free(&t->dead);
	kl_tdp_destroy(&t->mmu);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&t->mmu.nr_tables), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, atomic_long_read(&t->mmu.nr_leaves[i]), 0);
}

static u64 leaf_of(struct tree *t, u64 pfn, int level, u32 flags)
{
	return kl_tdp_make_leaf(&t->mmu.fmt, pfn, level, flags | KL_LEAF_EXEC);
}

/* Map as a fault would; returns how often spare pages had to be got. */
static int map(struct tree *t, u64 gfn, u64 pfn, int level, u32 flags)
{
	int tries = 0;

	t->flush = false;
	for (;;) {
		int ret;

		spin_lock(&t->mmu.lock);
		ret = kl_tdp_map(&t->mmu, gfn, level, leaf_of(t, pfn, level, flags),
				 &t->spare, &t->dead, &t->flush);
		spin_unlock(&t->mmu.lock);
		if (!ret)
			return tries;
		tries++;
		if (ret != -EAGAIN || tries > 1 ||
		    kl_tdp_pages_fill(&t->spare, t->mmu.levels - level))
			return -1;
	}
}

static u64 lookup(struct tree *t, u64 gfn, int *level)
{
	u64 val;

	spin_lock(&t->mmu.lock);
	val = *kl_tdp_lookup(&t->mmu, gfn, level);
	spin_unlock(&t->mmu.lock);
	return val;
}

static void expect_leaf(struct kunit *test, struct tree *t, u64 gfn, u64 pfn,
			int level, u32 flags)
{
	int at;

	KUNIT_EXPECT_EQ(test, lookup(t, gfn, &at), leaf_of(t, pfn, level, flags));
	KUNIT_EXPECT_EQ(test, at, level);
}

static long tables(struct tree *t)
{
	return atomic_long_read(&t->mmu.nr_tables);
}

static long leaves(struct tree *t, int level)
{
	return atomic_long_read(&t->mmu.nr_leaves[level - 1]);
}

/* Walk the tables as the CPU would, by physical addresses from the root. */
static u64 hardware_walk(struct tree *t, u64 gfn, int *level)
{
	u64 addr = t->mmu.root, entry;
	int l;

	for (l = t->mmu.levels;; l--) {
		u64 *table = phys_to_virt(addr);

		entry = table[(gfn >> (9 * (l - 1))) & 511];
		if (!(entry & 7) || l == 1 || (entry & BIT(7)))
			break;
		addr = entry & GENMASK_ULL(51, 12);
	}
	*level = l;
	return entry;
}

static void map_and_walk(struct kunit *test)
{
	int ept, levels, level;

	for (ept = 0; ept < 2; ept++) {
		for (levels = 4; levels <= 5; levels++) {
			struct tree *t = tree_new(test, ept, levels);
			u64 top = kl_tdp_end(&t->mmu) - 1;

			KUNIT_EXPECT_EQ(test, lookup(t, 5, &level), 0);
			KUNIT_EXPECT_EQ(test, level, levels);

			KUNIT_EXPECT_EQ(test, map(t, 5, 0x77, 1, 0), 1);
			KUNIT_EXPECT_EQ(test, map(t, 6, 0x78, 1, KL_LEAF_WRITE), 0);
			KUNIT_EXPECT_EQ(test, tables(t), levels);
			KUNIT_EXPECT_EQ(test, map(t, 0x2345, 0x8200, 2, 0), 0);
			KUNIT_EXPECT_GE(test, map(t, top, 0x99, 1, 0), 0);
			KUNIT_EXPECT_FALSE(test, t->flush);

			expect_leaf(test, t, 5, 0x77, 1, 0);
			expect_leaf(test, t, 6, 0x78, 1, KL_LEAF_WRITE);
			expect_leaf(test, t, 0x2200, 0x8200, 2, 0);
			expect_leaf(test, t, 0x23ff, 0x8200, 2, 0);
			expect_leaf(test, t, top, 0x99, 1, 0);
			KUNIT_EXPECT_EQ(test, lookup(t, 7, &level), 0);
			KUNIT_EXPECT_EQ(test, level, 1);
			KUNIT_EXPECT_EQ(test, lookup(t, 0x2400, &level), 0);
			KUNIT_EXPECT_EQ(test, level, 2);

			KUNIT_EXPECT_EQ(test, hardware_walk(t, 6, &level),
					leaf_of(t, 0x78, 1, KL_LEAF_WRITE));
			KUNIT_EXPECT_EQ(test, hardware_walk(t, 0x23ff, &level),
					leaf_of(t, 0x8200, 2, 0));
			KUNIT_EXPECT_EQ(test, level, 2);
			KUNIT_EXPECT_EQ(test, leaves(t, 1), 3);
			KUNIT_EXPECT_EQ(test, leaves(t, 2), 1);
			tree_free(test, t);
		}
	}
}

static void map_again(struct kunit *test)
{
	struct tree *t = tree_new(test, true, 4);

	map(t, 5, 0x77, 1, KL_LEAF_WRITE | KL_LEAF_HOST_WRITABLE);
	/* A reader that comes late takes nothing away. */
	map(t, 5, 0x77, 1, 0);
	expect_leaf(test, t, 5, 0x77, 1,
		    KL_LEAF_WRITE | KL_LEAF_HOST_WRITABLE);
	KUNIT_EXPECT_FALSE(test, t->flush);
	/* More rights need no flush, */
	map(t, 6, 0x78, 1, 0);
	map(t, 6, 0x78, 1, KL_LEAF_WRITE);
	expect_leaf(test, t, 6, 0x78, 1, KL_LEAF_WRITE);
	KUNIT_EXPECT_FALSE(test, t->flush);
	/* another page does. */
	map(t, 6, 0x79, 1, 0);
	expect_leaf(test, t, 6, 0x79, 1, 0);
	KUNIT_EXPECT_TRUE(test, t->flush);
	KUNIT_EXPECT_EQ(test, leaves(t, 1), 2);
	tree_free(test, t);
}

static void split_on_write(struct kunit *test)
{
	int ept, i;

	for (ept = 0; ept < 2; ept++) {
		struct tree *t = tree_new(test, ept, 4);

		map(t, 0x40000, 0x80000, 3, KL_LEAF_HOST_WRITABLE);
		KUNIT_EXPECT_EQ(test, leaves(t, 3), 1);
		/* The large leaf serves readers as it is. */
		map(t, 0x40405, 0x80405, 1, 0);
		KUNIT_EXPECT_EQ(test, leaves(t, 3), 1);

		map(t, 0x40405, 0x80405, 1,
		    KL_LEAF_WRITE | KL_LEAF_HOST_WRITABLE);
		KUNIT_EXPECT_FALSE(test, t->flush);
		KUNIT_EXPECT_EQ(test, leaves(t, 3), 0);
		KUNIT_EXPECT_EQ(test, leaves(t, 2), 511);
		KUNIT_EXPECT_EQ(test, leaves(t, 1), 512);
		KUNIT_EXPECT_EQ(test, tables(t), 4);
		for (i = 0; i < 512; i++)
			expect_leaf(test, t, 0x40400 + i, 0x80400 + i, 1,
				    KL_LEAF_HOST_WRITABLE |
				    (i == 5 ? KL_LEAF_WRITE : 0));
		expect_leaf(test, t, 0x40200, 0x80200, 2, KL_LEAF_HOST_WRITABLE);
		expect_leaf(test, t, 0x7fe00, 0xbfe00, 2, KL_LEAF_HOST_WRITABLE);
		tree_free(test, t);
	}
}

static void large_over_tables(struct kunit *test)
{
	struct tree *t = tree_new(test, false, 4);
	int i;

	for (i = 0; i < 10; i++)
		map(t, 0x200 + i, 0x5000 + i * 3, 1, 0);
	KUNIT_EXPECT_EQ(test, tables(t), 4);
	map(t, 0x200, 0x8200, 2, KL_LEAF_WRITE);
	KUNIT_EXPECT_TRUE(test, t->flush);
	KUNIT_EXPECT_EQ(test, t->dead.nr, 1);
	KUNIT_EXPECT_EQ(test, tables(t), 3);
	KUNIT_EXPECT_EQ(test, leaves(t, 1), 0);
	KUNIT_EXPECT_EQ(test, leaves(t, 2), 1);
	expect_leaf(test, t, 0x209, 0x8200, 2, KL_LEAF_WRITE);
	tree_free(test, t);
}

static void iterate(struct kunit *test)
{
	static const u64 mapped[] = { 0, 1, 0x1ff, 0x200, 0x3ff, 0x7ffff, 0x80000 };
	struct tree *t = tree_new(test, true, 4);
	struct kl_tdp_iter it;
	unsigned int i, n = 0;
	u64 covered = 0;

	for (i = 0; i < ARRAY_SIZE(mapped); i++)
		map(t, mapped[i], 0x100 + i, 1, 0);
	map(t, 0x400, 0x400, 2, 0);

	i = 0;
	spin_lock(&t->mmu.lock);
	/* Every gfn is covered by one entry, in order, without a gap. */
	kl_tdp_for_each(&it, &t->mmu, 0, kl_tdp_end(&t->mmu)) {
		KUNIT_EXPECT_EQ(test, it.gfn, covered);
		covered = it.gfn + KL_TDP_PAGES(it.level);
		if (!kl_tdp_iter_is_leaf(&it))
			continue;
		n++;
		if (it.level == 1)
			KUNIT_EXPECT_EQ(test, it.gfn, mapped[i++]);
		else
			KUNIT_EXPECT_EQ(test, it.gfn, 0x400);
	}
	KUNIT_EXPECT_EQ(test, covered, kl_tdp_end(&t->mmu));
	KUNIT_EXPECT_EQ(test, n, ARRAY_SIZE(mapped) + 1);

	/* A range cuts off what lies outside, but not part of a large leaf. */
	n = 0;
	kl_tdp_for_each(&it, &t->mmu, 0x1ff, 0x401)
		n += kl_tdp_iter_is_leaf(&it);
	KUNIT_EXPECT_EQ(test, n, 4);
	n = 0;
	kl_tdp_for_each(&it, &t->mmu, 5, 5)
		n++;
	KUNIT_EXPECT_EQ(test, n, 0);
	spin_unlock(&t->mmu.lock);
	tree_free(test, t);
}

static void zap_and_prune(struct kunit *test)
{
	struct tree *t = tree_new(test, true, 4);
	struct kl_tdp_iter it;
	long before;
	u64 gfn;

	map(t, 0x10, 0x10, 1, 0);
	before = tables(t);
	for (gfn = 0x40000; gfn < 0x40000 + 0x1000; gfn += 0x80)
		map(t, gfn, gfn, 1, KL_LEAF_WRITE);
	map(t, 0x80000, 0x80000, 2, 0);

	spin_lock(&t->mmu.lock);
	/* Nothing is empty yet. */
	kl_tdp_prune(&t->mmu, 0, kl_tdp_end(&t->mmu), &t->dead);
	KUNIT_EXPECT_EQ(test, t->dead.nr, 0);
	kl_tdp_for_each(&it, &t->mmu, 0x40000, 0x90000)
		if (kl_tdp_iter_is_leaf(&it))
			kl_tdp_zap(&it);
	KUNIT_EXPECT_EQ(test, leaves(t, 1), 1);
	KUNIT_EXPECT_EQ(test, leaves(t, 2), 0);
	kl_tdp_prune(&t->mmu, 0x40000, 0x90000, &t->dead);
	spin_unlock(&t->mmu.lock);
	/* Eight tables of leaves and the two above them. */
	KUNIT_EXPECT_EQ(test, t->dead.nr, 10);
	KUNIT_EXPECT_EQ(test, tables(t), before);
	expect_leaf(test, t, 0x10, 0x10, 1, 0);
	tree_free(test, t);
}

static void write_protect_and_age(struct kunit *test)
{
	int ept;

	for (ept = 0; ept < 2; ept++) {
		struct tree *t = tree_new(test, ept, 4);
		u64 dirty = t->mmu.fmt.dirty, accessed = t->mmu.fmt.accessed;
		struct kl_tdp_iter it;
		int level;
		u64 *entry;

		map(t, 3, 3, 1, KL_LEAF_WRITE | KL_LEAF_HOST_WRITABLE);
		spin_lock(&t->mmu.lock);
		kl_tdp_iter_start(&it, &t->mmu, 3, 4);
		KUNIT_EXPECT_TRUE(test, kl_tdp_write_protect(&it));
		KUNIT_EXPECT_FALSE(test, kl_tdp_write_protect(&it));
		KUNIT_EXPECT_EQ(test, *it.entry & ~dirty,
				leaf_of(t, 3, 1, KL_LEAF_HOST_WRITABLE));
		entry = kl_tdp_lookup(&t->mmu, 3, &level);
		kl_tdp_make_writable(&t->mmu, entry);
		KUNIT_EXPECT_EQ(test, *entry | dirty,
				leaf_of(t, 3, 1, KL_LEAF_WRITE |
					KL_LEAF_HOST_WRITABLE));

		KUNIT_EXPECT_TRUE(test, kl_tdp_young(&it, false));
		KUNIT_EXPECT_TRUE(test, kl_tdp_young(&it, true));
		KUNIT_EXPECT_FALSE(test, kl_tdp_young(&it, false));
		KUNIT_EXPECT_FALSE(test, kl_tdp_young(&it, true));
		/* The CPU sets it again. */
		*it.entry |= accessed;
		KUNIT_EXPECT_TRUE(test, kl_tdp_young(&it, false));
		spin_unlock(&t->mmu.lock);
		tree_free(test, t);
	}
}

static struct kunit_case tdp_cases[] = {
	KUNIT_CASE(ept_entries),
	KUNIT_CASE(npt_entries),
	KUNIT_CASE(encrypted_entries),
	KUNIT_CASE(entry_questions),
	KUNIT_CASE(split_children),
	KUNIT_CASE(map_and_walk),
	KUNIT_CASE(map_again),
	KUNIT_CASE(split_on_write),
	KUNIT_CASE(large_over_tables),
	KUNIT_CASE(iterate),
	KUNIT_CASE(zap_and_prune),
	KUNIT_CASE(write_protect_and_age),
	{}
};

static struct kunit_suite tdp_suite = {
	.name = "kvmlite_tdp",
	.test_cases = tdp_cases,
};

kunit_test_suite(tdp_suite);
