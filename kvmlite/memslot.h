/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_MEMSLOT_H
#define KVMLITE_MEMSLOT_H

/*
 * Memory slots: which guest frames lie where in the VMM's address space.
 */

#include <linux/types.h>

/**
 * struct kl_memslot - a run of guest frames backed by a run of host addresses
 * @base: first gfn
 * @npages: at least 1
 * @hva: host address of the first page
 * @flags: KVM_MEM_* bits
 * @id: number by which user space knows it
 * @dirty: one bit per page; NULL unless writes are logged
 *
 * Never changes once published, except for the bits of @dirty: a change of the
 * slot publishes a successor, which may take @dirty over. Readers are inside
 * vm->srcu; the old slot is freed after a grace period.
 */
struct kl_memslot {
	u64 base;
	u64 npages;
	unsigned long hva;
	u32 flags;
	u16 id;
	unsigned long *dirty;
};

/**
 * struct kl_memslots - a VM's slots, sorted by gfn, never overlapping
 * @nr: slots in use
 * @cap: room for so many
 * @hint: where the last search ended; wrong as often as it likes
 * @slot: the slots
 *
 * Readers see the table change in three ways only: a slot is appended at the
 * end, the last one is taken away, or one is replaced by its successor at the
 * same place. Everything else publishes a new table. A reader that took @nr
 * once may still look at an entry beyond the new end: nothing else is put
 * there before a grace period has passed.
 */
struct kl_memslots {
	unsigned int nr;
	unsigned int cap;
	unsigned int hint;
	struct kl_memslot *slot[];
};

static inline u64 kl_memslot_end(const struct kl_memslot *slot)
{
	return slot->base + slot->npages;
}

static inline bool kl_memslot_contains(const struct kl_memslot *slot, u64 gfn)
{
	return gfn - slot->base < slot->npages;
}

static inline unsigned long kl_memslot_hva(const struct kl_memslot *slot,
					   u64 gfn)
{
	return slot->hva + ((gfn - slot->base) << 12);
}

/* The slot that has @gfn, or NULL. */
struct kl_memslot *kl_memslots_find(struct kl_memslots *slots, u64 gfn);
/* Does [base, base + npages) meet a slot other than @but? The range is sane. */
bool kl_memslots_overlap(const struct kl_memslots *slots, u64 base, u64 npages,
			 const struct kl_memslot *but);

/*
 * For the one writer at a time. Each returns true if it changed the table in
 * place; otherwise a new one must be made by kl_memslots_merge().
 */
bool kl_memslots_append(struct kl_memslots *slots, struct kl_memslot *new);
bool kl_memslots_pop(struct kl_memslots *slots, const struct kl_memslot *old);
bool kl_memslots_replace(struct kl_memslots *slots,
			 const struct kl_memslot *old, struct kl_memslot *new);
/**
 * kl_memslots_merge - a copy of a table with one slot less, or more, or moved
 * @dst: empty, with room for all
 * @src: the table
 * @old: a slot to leave out, or NULL
 * @new: a slot to add, or NULL
 */
void kl_memslots_merge(struct kl_memslots *dst, const struct kl_memslots *src,
		       const struct kl_memslot *old, struct kl_memslot *new);

#endif
