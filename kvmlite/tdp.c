// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of nested page tables: walking, mapping, splitting, removing.
 *
 * A table page belongs to the tree from the moment its parent's entry points
 * to it until that entry is cleared; the CPU may walk it a little longer, from
 * its paging-structure caches, so whoever unlinks it hands it to the caller,
 * who frees it after the flush.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "tdp.h"

int kl_tdp_pages_fill(struct kl_tdp_pages *pages, unsigned int nr)
{
	struct page *page;

	while (pages->nr < nr) {
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			return -ENOMEM;
		list_add(&page->lru, &pages->list);
		pages->nr++;
	}
	return 0;
}

static u64 *take_page(struct kl_tdp_pages *pages)
{
	struct page *page;

	page = list_first_entry_or_null(&pages->list, struct page, lru);
	if (!page)
		return NULL;
	list_del(&page->lru);
	pages->nr--;
	return page_address(page);
}

static void give_page(struct kl_tdp_pages *pages, u64 *table)
{
	list_add(&virt_to_page(table)->lru, &pages->list);
	pages->nr++;
}

void kl_tdp_pages_free(struct kl_tdp_pages *pages)
{
	u64 *table;

	while ((table = take_page(pages)))
		free_page((unsigned long)table);
}

static u64 *entry_to_table(struct kl_mmu *mmu, u64 entry)
{
	return phys_to_virt(kl_tdp_addr(&mmu->fmt, entry));
}

static void count_leaf(struct kl_mmu *mmu, int level, long n)
{
	atomic_long_add(n, &mmu->nr_leaves[level - 1]);
}

int kl_tdp_init(struct kl_mmu *mmu, const struct kl_tdp_fmt *fmt, int levels)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return -ENOMEM;
	mmu->fmt = *fmt;
	mmu->levels = levels;
	mmu->root_table = page_address(page);
	/* An encrypting host has the root encrypted like every other table. */
	mmu->root = page_to_phys(page) |
		    (fmt->table & KL_TDP_ADDR_MASK & ~fmt->addr);
	atomic_long_set(&mmu->nr_tables, 1);
	return 0;
}

/*
 * Take a table and everything below it out of the counts and hand the pages
 * over. The table's parent no longer points to it. Recursion is bounded by the
 * number of levels.
 */
static void release_subtree(struct kl_mmu *mmu, u64 *table, int level,
			    struct kl_tdp_pages *dead, bool may_sleep)
{
	unsigned int i;

	for (i = 0; i < KL_TDP_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (kl_tdp_is_leaf(&mmu->fmt, entry, level))
			count_leaf(mmu, level, -1);
		else if (kl_tdp_present(&mmu->fmt, entry))
			release_subtree(mmu, entry_to_table(mmu, entry),
					level - 1, dead, may_sleep);
	}
	atomic_long_dec(&mmu->nr_tables);
	give_page(dead, table);
	if (may_sleep) {
		kl_tdp_pages_free(dead);
		cond_resched();
	}
}

void kl_tdp_destroy(struct kl_mmu *mmu)
{
	struct kl_tdp_pages dead = KL_TDP_PAGES_INIT(dead);

	if (!mmu->root_table)
		return;
	release_subtree(mmu, mmu->root_table, mmu->levels, &dead, true);
	mmu->root_table = NULL;
	mmu->root = 0;
}

u64 *kl_tdp_lookup(struct kl_mmu *mmu, gfn_t gfn, int *level)
{
	u64 *table = mmu->root_table;
	int l = mmu->levels;

	lockdep_assert_held(&mmu->lock);
	for (;; l--) {
		u64 *entry = table + kl_tdp_index(gfn, l);
		u64 val = READ_ONCE(*entry);

		if (!kl_tdp_is_table(&mmu->fmt, val, l)) {
			*level = l;
			return entry;
		}
		table = entry_to_table(mmu, val);
	}
}

static void iter_seek(struct kl_tdp_iter *it, gfn_t gfn)
{
	if (gfn >= it->end) {
		it->entry = NULL;
		return;
	}
	it->entry = kl_tdp_lookup(it->mmu, gfn, &it->level);
	it->gfn = gfn & ~(KL_TDP_PAGES(it->level) - 1);
}

void kl_tdp_iter_start(struct kl_tdp_iter *it, struct kl_mmu *mmu, gfn_t start,
		       gfn_t end)
{
	it->mmu = mmu;
	it->end = min(end, kl_tdp_end(mmu));
	iter_seek(it, start);
}

void kl_tdp_iter_next(struct kl_tdp_iter *it)
{
	gfn_t gfn = it->gfn + KL_TDP_PAGES(it->level);

	/* Neighbours in a table of 4 KiB leaves need no new walk. */
	if (it->level == KL_TDP_LEVEL_4K && gfn < it->end &&
	    kl_tdp_index(gfn, KL_TDP_LEVEL_4K)) {
		it->gfn = gfn;
		it->entry++;
		return;
	}
	iter_seek(it, gfn);
}

void kl_tdp_iter_resume(struct kl_tdp_iter *it)
{
	iter_seek(it, it->gfn);
}

static void link_table(struct kl_mmu *mmu, u64 *entry, u64 *table)
{
	/* The CPU may follow the entry as soon as it is there. */
	smp_wmb();
	WRITE_ONCE(*entry, kl_tdp_make_table(&mmu->fmt, virt_to_phys(table)));
	atomic_long_inc(&mmu->nr_tables);
}

/*
 * Put a table of smaller leaves in the place of a large one. The translations
 * stay the same, so a TLB that still has the large one does no harm.
 */
static void split_leaf(struct kl_mmu *mmu, u64 *entry, int level, u64 *table)
{
	u64 large = READ_ONCE(*entry);
	unsigned int i;

	for (i = 0; i < KL_TDP_ENTRIES; i++)
		table[i] = kl_tdp_split_child(&mmu->fmt, large, level, i);
	link_table(mmu, entry, table);
	count_leaf(mmu, level, -1);
	count_leaf(mmu, level - 1, KL_TDP_ENTRIES);
}

/* Does the large leaf @large at @level map what @leaf would, as generously? */
static bool large_covers(const struct kl_tdp_fmt *fmt, u64 large, int level,
			 gfn_t gfn, u64 leaf)
{
	u64 offset = (gfn & (KL_TDP_PAGES(level) - 1)) << 12;

	return kl_tdp_addr(fmt, large) + offset == kl_tdp_addr(fmt, leaf) &&
	       kl_tdp_leaf_covers(fmt, large, leaf);
}

static void set_leaf(struct kl_mmu *mmu, u64 *entry, int level, u64 leaf,
		     struct kl_tdp_pages *dead, bool *flush)
{
	const struct kl_tdp_fmt *fmt = &mmu->fmt;
	u64 old = READ_ONCE(*entry);

	if (!kl_tdp_present(fmt, old)) {
		WRITE_ONCE(*entry, leaf);
		count_leaf(mmu, level, 1);
		return;
	}
	if (kl_tdp_is_table(fmt, old, level)) {
		WRITE_ONCE(*entry, leaf);
		count_leaf(mmu, level, 1);
		release_subtree(mmu, entry_to_table(mmu, old), level - 1, dead,
				false);
		*flush = true;
		return;
	}
	if (kl_tdp_addr(fmt, old) == kl_tdp_addr(fmt, leaf)) {
		/* Another vCPU was here; never take away what it was given. */
		if (kl_tdp_leaf_covers(fmt, old, leaf))
			return;
		leaf |= old & (fmt->write | fmt->dirty | KL_TDP_HOST_WRITABLE);
		if (kl_tdp_leaf_exec(fmt, old))
			leaf = (leaf & ~fmt->no_exec) | fmt->exec;
	} else {
		*flush = true;
	}
	WRITE_ONCE(*entry, leaf);
}

int kl_tdp_map(struct kl_mmu *mmu, gfn_t gfn, int level, u64 leaf,
	       struct kl_tdp_pages *spare, struct kl_tdp_pages *dead,
	       bool *flush)
{
	u64 *table = mmu->root_table;
	int l;

	lockdep_assert_held(&mmu->lock);
	for (l = mmu->levels; l > level; l--) {
		u64 *entry = table + kl_tdp_index(gfn, l);
		u64 old = READ_ONCE(*entry);
		u64 *child;

		if (kl_tdp_is_table(&mmu->fmt, old, l)) {
			table = entry_to_table(mmu, old);
			continue;
		}
		if (kl_tdp_present(&mmu->fmt, old) &&
		    large_covers(&mmu->fmt, old, l, gfn, leaf))
			return 0;
		child = take_page(spare);
		if (!child)
			return -EAGAIN;
		if (kl_tdp_present(&mmu->fmt, old))
			split_leaf(mmu, entry, l, child);
		else
			link_table(mmu, entry, child);
		table = child;
	}
	set_leaf(mmu, table + kl_tdp_index(gfn, level), level, leaf, dead,
		 flush);
	return 0;
}

void kl_tdp_zap(struct kl_tdp_iter *it)
{
	lockdep_assert_held(&it->mmu->lock);
	WRITE_ONCE(*it->entry, 0);
	count_leaf(it->mmu, it->level, -1);
}

/*
 * The CPU sets accessed and dirty bits behind our back, so single bits of a
 * live entry change by locked instructions.
 */
static bool clear_mask_bit(u64 *entry, u64 mask)
{
	return test_and_clear_bit(__ffs64(mask), (unsigned long *)entry);
}

bool kl_tdp_write_protect(struct kl_tdp_iter *it)
{
	u64 write = it->mmu->fmt.write;

	lockdep_assert_held(&it->mmu->lock);
	return (READ_ONCE(*it->entry) & write) &&
	       clear_mask_bit(it->entry, write);
}

void kl_tdp_make_writable(struct kl_mmu *mmu, u64 *entry)
{
	lockdep_assert_held(&mmu->lock);
	set_bit(__ffs64(mmu->fmt.write), (unsigned long *)entry);
}

bool kl_tdp_young(struct kl_tdp_iter *it, bool clear)
{
	u64 accessed = it->mmu->fmt.accessed;

	lockdep_assert_held(&it->mmu->lock);
	/* Without such bits the leaf's being there is all there is to know. */
	if (!accessed)
		return true;
	if (!(READ_ONCE(*it->entry) & accessed))
		return false;
	return !clear || clear_mask_bit(it->entry, accessed);
}

static void prune_table(struct kl_mmu *mmu, u64 *table, int level, gfn_t base,
			gfn_t start, gfn_t end, struct kl_tdp_pages *dead)
{
	gfn_t span = KL_TDP_PAGES(level);
	gfn_t gfn = max(base, start & ~(span - 1));
	gfn_t stop = min(base + span * KL_TDP_ENTRIES, end);

	for (; gfn < stop; gfn += span) {
		u64 *entry = table + kl_tdp_index(gfn, level);
		u64 old = READ_ONCE(*entry);
		u64 *child;

		if (!kl_tdp_is_table(&mmu->fmt, old, level))
			continue;
		child = entry_to_table(mmu, old);
		if (level - 1 > KL_TDP_LEVEL_4K)
			prune_table(mmu, child, level - 1, gfn, start, end,
				    dead);
		if (memchr_inv(child, 0, PAGE_SIZE))
			continue;
		WRITE_ONCE(*entry, 0);
		atomic_long_dec(&mmu->nr_tables);
		give_page(dead, child);
	}
}

void kl_tdp_prune(struct kl_mmu *mmu, gfn_t start, gfn_t end,
		  struct kl_tdp_pages *dead)
{
	lockdep_assert_held(&mmu->lock);
	prune_table(mmu, mmu->root_table, mmu->levels, 0, start,
		    min(end, kl_tdp_end(mmu)), dead);
}
