/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_TDP_ENTRY_H
#define KVMLITE_TDP_ENTRY_H

/*
 * Entries of the nested page tables, as pure functions of numbers.
 *
 * EPT has a format of its own (SDM vol. 3, 29.3.2); nested paging of SVM uses
 * ordinary long-mode entries in which the user bit must be set everywhere,
 * because every guest access counts as a user access (APM vol. 2, 15.25.5).
 * Both have 512 entries of eight bytes a table and the same shape, so one set
 * of masks per format says all there is to say.
 *
 * Level 1 is a table of 4 KiB leaves; a leaf at level 2 maps 2 MiB, at level
 * 3 it maps 1 GiB.
 */

#include <linux/bits.h>
#include <linux/types.h>

#define KL_TDP_ENTRIES		512
#define KL_TDP_LEVEL_4K		1
#define KL_TDP_LEVEL_2M		2
#define KL_TDP_LEVEL_1G		3
#define KL_TDP_MAX_LEVELS	5

/* How many 4 KiB pages an entry at this level covers. */
#define KL_TDP_PAGES(level)	(1ULL << (9 * ((level) - 1)))

#define KL_TDP_ADDR_MASK	GENMASK_ULL(51, 12)

/*
 * Ignored by the hardware in both formats: the host's mapping allows writes,
 * so that a leaf which is read-only for the dirty log's sake may be made
 * writable without asking the host again.
 */
#define KL_TDP_HOST_WRITABLE	BIT_ULL(52)

#define KL_EPT_READ		BIT_ULL(0)
#define KL_EPT_WRITE		BIT_ULL(1)
#define KL_EPT_EXEC		BIT_ULL(2)
#define KL_EPT_MEMTYPE_UC	(0ULL << 3)
#define KL_EPT_MEMTYPE_WB	(6ULL << 3)
#define KL_EPT_IGNORE_PAT	BIT_ULL(6)
#define KL_EPT_LARGE		BIT_ULL(7)
#define KL_EPT_ACCESSED		BIT_ULL(8)
#define KL_EPT_DIRTY		BIT_ULL(9)

#define KL_NPT_PRESENT		BIT_ULL(0)
#define KL_NPT_WRITE		BIT_ULL(1)
#define KL_NPT_USER		BIT_ULL(2)
#define KL_NPT_PWT		BIT_ULL(3)
#define KL_NPT_PCD		BIT_ULL(4)
#define KL_NPT_ACCESSED		BIT_ULL(5)
#define KL_NPT_DIRTY		BIT_ULL(6)
#define KL_NPT_LARGE		BIT_ULL(7)
#define KL_NPT_NX		BIT_ULL(63)

/**
 * struct kl_tdp_fmt - one format of entries
 * @present: an entry with none of these bits maps nothing
 * @table: bits of an entry that points to the next table
 * @leaf: bits of every leaf
 * @wb: leaf bits for ordinary memory
 * @uc: leaf bits for memory of devices
 * @write: the leaf may be written
 * @exec: bits set in a leaf that may be executed
 * @no_exec: bits set in a leaf that may not
 * @large: the entry is a leaf, at level 2 and 3
 * @accessed: set by the CPU; 0: it does not
 * @dirty: likewise
 * @addr: where the physical address is
 */
struct kl_tdp_fmt {
	u64 present;
	u64 table;
	u64 leaf;
	u64 wb;
	u64 uc;
	u64 write;
	u64 exec;
	u64 no_exec;
	u64 large;
	u64 accessed;
	u64 dirty;
	u64 addr;
};

/**
 * kl_tdp_fmt_init - describe the format of this machine
 * @fmt: filled in
 * @ept: EPT rather than nested paging
 * @has_ad: EPT keeps accessed and dirty bits (nested paging always does)
 * @me_mask: address bit that makes memory encrypted, or 0; part of every
 *	address that is not a device's
 */
static inline void kl_tdp_fmt_init(struct kl_tdp_fmt *fmt, bool ept,
				   bool has_ad, u64 me_mask)
{
	if (ept) {
		*fmt = (struct kl_tdp_fmt) {
			.present = KL_EPT_READ | KL_EPT_WRITE | KL_EPT_EXEC,
			.table = KL_EPT_READ | KL_EPT_WRITE | KL_EPT_EXEC,
			.leaf = KL_EPT_READ | KL_EPT_IGNORE_PAT,
			.wb = KL_EPT_MEMTYPE_WB,
			.uc = KL_EPT_MEMTYPE_UC,
			.write = KL_EPT_WRITE,
			.exec = KL_EPT_EXEC,
			.large = KL_EPT_LARGE,
			.accessed = has_ad ? KL_EPT_ACCESSED : 0,
			.dirty = has_ad ? KL_EPT_DIRTY : 0,
		};
	} else {
		*fmt = (struct kl_tdp_fmt) {
			.present = KL_NPT_PRESENT,
			.table = KL_NPT_PRESENT | KL_NPT_WRITE | KL_NPT_USER,
			.leaf = KL_NPT_PRESENT | KL_NPT_USER,
			.uc = KL_NPT_PCD | KL_NPT_PWT,
			.write = KL_NPT_WRITE,
			.no_exec = KL_NPT_NX,
			.large = KL_NPT_LARGE,
			.accessed = KL_NPT_ACCESSED,
			.dirty = KL_NPT_DIRTY,
		};
	}
	/*
	 * Set in advance, accessed and dirty bits cost the CPU no locked write
	 * to the table when the guest first uses the page.
	 */
	fmt->table |= fmt->accessed | me_mask;
	fmt->leaf |= fmt->accessed;
	fmt->wb |= me_mask;
	fmt->addr = KL_TDP_ADDR_MASK & ~me_mask;
}

static inline unsigned int kl_tdp_index(u64 gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & (KL_TDP_ENTRIES - 1);
}

static inline bool kl_tdp_present(const struct kl_tdp_fmt *fmt, u64 entry)
{
	return entry & fmt->present;
}

static inline bool kl_tdp_is_leaf(const struct kl_tdp_fmt *fmt, u64 entry,
				  int level)
{
	return kl_tdp_present(fmt, entry) &&
	       (level == KL_TDP_LEVEL_4K || (entry & fmt->large));
}

static inline bool kl_tdp_is_table(const struct kl_tdp_fmt *fmt, u64 entry,
				   int level)
{
	return kl_tdp_present(fmt, entry) && !kl_tdp_is_leaf(fmt, entry, level);
}

static inline u64 kl_tdp_addr(const struct kl_tdp_fmt *fmt, u64 entry)
{
	return entry & fmt->addr;
}

static inline u64 kl_tdp_make_table(const struct kl_tdp_fmt *fmt, u64 table)
{
	return table | fmt->table;
}

/* What a leaf allows. */
#define KL_LEAF_WRITE		BIT(0)
#define KL_LEAF_EXEC		BIT(1)
#define KL_LEAF_HOST_WRITABLE	BIT(2)
#define KL_LEAF_DEVICE		BIT(3)	/* not RAM: uncached, never encrypted */

/**
 * kl_tdp_make_leaf - an entry that maps memory
 * @fmt: the format
 * @pfn: host page number, a multiple of what the leaf covers
 * @level: 1 to 3
 * @flags: KL_LEAF_* bits
 */
static inline u64 kl_tdp_make_leaf(const struct kl_tdp_fmt *fmt, u64 pfn,
				   int level, u32 flags)
{
	u64 entry = (pfn << 12) | fmt->leaf;

	entry |= flags & KL_LEAF_DEVICE ? fmt->uc : fmt->wb;
	entry |= flags & KL_LEAF_EXEC ? fmt->exec : fmt->no_exec;
	if (flags & KL_LEAF_WRITE)
		entry |= fmt->write | fmt->dirty;
	if (flags & KL_LEAF_HOST_WRITABLE)
		entry |= KL_TDP_HOST_WRITABLE;
	if (level > KL_TDP_LEVEL_4K)
		entry |= fmt->large;
	return entry;
}

static inline bool kl_tdp_leaf_exec(const struct kl_tdp_fmt *fmt, u64 leaf)
{
	return (leaf & fmt->exec) == fmt->exec && !(leaf & fmt->no_exec);
}

/* Does @leaf allow all that @other allows? Same format and level. */
static inline bool kl_tdp_leaf_covers(const struct kl_tdp_fmt *fmt, u64 leaf,
				      u64 other)
{
	if ((other & fmt->write) && !(leaf & fmt->write))
		return false;
	return !kl_tdp_leaf_exec(fmt, other) || kl_tdp_leaf_exec(fmt, leaf);
}

/**
 * kl_tdp_split_child - one of the 512 leaves that stand for a large one
 * @fmt: the format
 * @large: the large leaf
 * @level: its level, 2 or 3
 * @index: which child
 *
 * The child maps its part of the same memory with the same rights, except
 * that it may always be executed: only large leaves are ever refused that.
 */
static inline u64 kl_tdp_split_child(const struct kl_tdp_fmt *fmt, u64 large,
				     int level, unsigned int index)
{
	u64 child = large + ((u64)index * KL_TDP_PAGES(level - 1) << 12);

	if (level - 1 == KL_TDP_LEVEL_4K)
		child &= ~fmt->large;
	return (child & ~fmt->no_exec) | fmt->exec;
}

#endif
