/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_TDP_H
#define KVMLITE_TDP_H

/*
 * The nested page tables themselves: a tree of pages, one per VM.
 *
 * Everything here runs under mmu->lock, except creation and destruction. The
 * functions know nothing of vCPUs: where one takes something away that a TLB
 * may still hold, it says so, and the caller flushes before it drops the lock
 * and frees table pages only after the flush.
 */

#include <linux/list.h>

#include "mmu.h"

/* Table pages on their way into the tree, or out of it to be freed. */
struct kl_tdp_pages {
	struct list_head list;
	unsigned int nr;
};

#define KL_TDP_PAGES_INIT(name) { .list = LIST_HEAD_INIT((name).list) }

/* Add zeroed pages until there are @nr. May sleep. 0 or -ENOMEM. */
int kl_tdp_pages_fill(struct kl_tdp_pages *pages, unsigned int nr);
void kl_tdp_pages_free(struct kl_tdp_pages *pages);

/* The root; 0 or -ENOMEM. Destruction: no vCPU can run any more. */
int kl_tdp_init(struct kl_mmu *mmu, const struct kl_tdp_fmt *fmt, int levels);
void kl_tdp_destroy(struct kl_mmu *mmu);

/* First gfn that the tables cannot reach. */
static inline gfn_t kl_tdp_end(const struct kl_mmu *mmu)
{
	return KL_TDP_PAGES(mmu->levels + 1);
}

/**
 * struct kl_tdp_iter - the entries that cover a range of gfns, in order
 * @mmu: the tables
 * @gfn: first gfn that @entry covers (for the first entry: at most the start
 *	of the range)
 * @end: first gfn beyond the range
 * @entry: a leaf, or an entry below which there is nothing; NULL at the end
 * @level: of @entry
 */
struct kl_tdp_iter {
	struct kl_mmu *mmu;
	gfn_t gfn;
	gfn_t end;
	u64 *entry;
	int level;
};

void kl_tdp_iter_start(struct kl_tdp_iter *it, struct kl_mmu *mmu, gfn_t start,
		       gfn_t end);
void kl_tdp_iter_next(struct kl_tdp_iter *it);
/* The lock was dropped after this entry was dealt with: find the place again. */
void kl_tdp_iter_resume(struct kl_tdp_iter *it);

#define kl_tdp_for_each(it, mmu, start, end)				\
	for (kl_tdp_iter_start(it, mmu, start, end); (it)->entry;	\
	     kl_tdp_iter_next(it))

static inline bool kl_tdp_iter_is_leaf(const struct kl_tdp_iter *it)
{
	return kl_tdp_is_leaf(&it->mmu->fmt, READ_ONCE(*it->entry), it->level);
}

/**
 * kl_tdp_lookup - the entry that decides about a gfn
 * @mmu: the tables
 * @gfn: below kl_tdp_end()
 * @level: set to the entry's level
 *
 * Return: a leaf, or an entry that maps nothing; never NULL.
 */
u64 *kl_tdp_lookup(struct kl_mmu *mmu, gfn_t gfn, int *level);

/**
 * kl_tdp_map - put a leaf in its place
 * @mmu: the tables
 * @gfn: a gfn that the leaf covers
 * @level: the leaf's level
 * @leaf: the entry
 * @spare: pages for missing tables; at most mmu->levels - 1 are taken
 * @dead: receives tables that the leaf replaces
 * @flush: set to true if TLBs must be flushed before the lock is dropped;
 *	true whenever @dead received something
 *
 * A leaf that is there already and allows as much stays. A larger one that
 * does not is split.
 *
 * Return: 0, or -EAGAIN if @spare was too small: fill it, check again that
 * the leaf is still right, and repeat.
 */
int kl_tdp_map(struct kl_mmu *mmu, gfn_t gfn, int level, u64 leaf,
	       struct kl_tdp_pages *spare, struct kl_tdp_pages *dead,
	       bool *flush);

/* Remove the leaf at @it. The TLBs must be flushed. */
void kl_tdp_zap(struct kl_tdp_iter *it);
/* Forbid writes through the leaf at @it; true: they were allowed, flush. */
bool kl_tdp_write_protect(struct kl_tdp_iter *it);
/* Allow writes through a leaf of kl_tdp_lookup(). No flush is needed. */
void kl_tdp_make_writable(struct kl_mmu *mmu, u64 *entry);
/*
 * Was the leaf used since the last time? @clear: forget it; a CPU that has the
 * translation cached need not set the bit again until it is flushed.
 */
bool kl_tdp_young(struct kl_tdp_iter *it, bool clear);

/* Unlink empty tables of [start, end). Flush if @dead received any. */
void kl_tdp_prune(struct kl_mmu *mmu, gfn_t start, gfn_t end,
		  struct kl_tdp_pages *dead);

#endif
