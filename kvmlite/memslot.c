// SPDX-License-Identifier: GPL-2.0
/* The table of memory slots: searching, and making the next one. */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <asm/barrier.h>

#include "memslot.h"

/* How many of the first @nr slots begin at or below @gfn. */
static unsigned int count_up_to(const struct kl_memslots *slots,
				unsigned int nr, u64 gfn)
{
	unsigned int low = 0;

	while (low < nr) {
		unsigned int mid = low + (nr - low) / 2;

		if (READ_ONCE(slots->slot[mid])->base <= gfn)
			low = mid + 1;
		else
			nr = mid;
	}
	return low;
}

struct kl_memslot *kl_memslots_find(struct kl_memslots *slots, u64 gfn)
{
	/* Pairs with the release in kl_memslots_append(). */
	unsigned int nr = smp_load_acquire(&slots->nr);
	unsigned int hint = READ_ONCE(slots->hint);
	struct kl_memslot *slot;

	if (hint < nr) {
		slot = READ_ONCE(slots->slot[hint]);
		if (kl_memslot_contains(slot, gfn))
			return slot;
	}
	hint = count_up_to(slots, nr, gfn);
	if (!hint)
		return NULL;
	slot = READ_ONCE(slots->slot[--hint]);
	if (!kl_memslot_contains(slot, gfn))
		return NULL;
	WRITE_ONCE(slots->hint, hint);
	return slot;
}

bool kl_memslots_overlap(const struct kl_memslots *slots, u64 base, u64 npages,
			 const struct kl_memslot *but)
{
	unsigned int i = count_up_to(slots, slots->nr, base);

	/*
	 * Only the last slot that begins at or before @base can reach into
	 * the range from below, unless that is the one to be ignored: then its
	 * own predecessor ends before it begins, thus before @base, too.
	 */
	if (i && slots->slot[i - 1] != but &&
	    kl_memslot_end(slots->slot[i - 1]) > base)
		return true;
	for (; i < slots->nr && slots->slot[i]->base < base + npages; i++)
		if (slots->slot[i] != but)
			return true;
	return false;
}

bool kl_memslots_append(struct kl_memslots *slots, struct kl_memslot *new)
{
	unsigned int nr = slots->nr;

	if (nr == slots->cap ||
	    (nr && slots->slot[nr - 1]->base >= new->base))
		return false;
	WRITE_ONCE(slots->slot[nr], new);
	/* Who sees the number sees the slot. */
	smp_store_release(&slots->nr, nr + 1);
	return true;
}

bool kl_memslots_pop(struct kl_memslots *slots, const struct kl_memslot *old)
{
	if (slots->slot[slots->nr - 1] != old)
		return false;
	WRITE_ONCE(slots->nr, slots->nr - 1);
	return true;
}

bool kl_memslots_replace(struct kl_memslots *slots,
			 const struct kl_memslot *old, struct kl_memslot *new)
{
	unsigned int i = count_up_to(slots, slots->nr, old->base) - 1;

	if (old->base != new->base)
		return false;
	/* Who sees the pointer sees what it points to. */
	smp_store_release(&slots->slot[i], new);
	return true;
}

void kl_memslots_merge(struct kl_memslots *dst, const struct kl_memslots *src,
		       const struct kl_memslot *old, struct kl_memslot *new)
{
	unsigned int i;

	dst->nr = 0;
	dst->hint = 0;
	for (i = 0; i < src->nr; i++) {
		struct kl_memslot *slot = src->slot[i];

		if (slot == old)
			continue;
		if (new && new->base < slot->base) {
			dst->slot[dst->nr++] = new;
			new = NULL;
		}
		dst->slot[dst->nr++] = slot;
	}
	if (new)
		dst->slot[dst->nr++] = new;
}
