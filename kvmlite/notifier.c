// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's memory management asks of us: give pages back, and say which
 * ones the guest has used of late.
 *
 * Guest pages are not pinned. Between invalidate_range_start and _end the host
 * may change what lies at the addresses; in that time, and when it has passed
 * since a fault looked a page up, nothing is mapped there (fault.c).
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include "mmu_internal.h"
#include "vcpu.h"

/* The part of a slot that lies in a range of host addresses. */
static bool slot_part(const struct kl_memslot *slot, unsigned long start,
		      unsigned long end, gfn_t *gfn, gfn_t *gfn_end)
{
	unsigned long first = max(start, slot->hva);
	unsigned long last = min(end, slot->hva +
				      (unsigned long)(slot->npages << PAGE_SHIFT));

	if (first >= last)
		return false;
	*gfn = slot->base + ((first - slot->hva) >> PAGE_SHIFT);
	*gfn_end = slot->base + ((last - 1 - slot->hva) >> PAGE_SHIFT) + 1;
	return true;
}

static void zap_hvas(struct kl_vm *vm, unsigned long start, unsigned long end,
		     bool may_sleep)
{
	struct kl_memslots *slots;
	struct kl_memslot *slot;
	unsigned int i, nr;
	gfn_t gfn, gfn_end;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = kl_slots(vm);
	/* Pairs with the release in kl_memslots_append(). */
	nr = smp_load_acquire(&slots->nr);
	for (i = 0; i < nr; i++)
		if (slot_part(READ_ONCE(slots->slot[i]), start, end, &gfn,
			      &gfn_end))
			kl_mmu_zap_range(vm, gfn, gfn_end, may_sleep);
	/*
	 * A slot that was not found above because it is being taken away is
	 * here, or has no leaves any more: it is put here before it leaves the
	 * table and stays until its leaves are gone (change_slot()). The
	 * acquire above orders the two looks.
	 */
	slot = smp_load_acquire(&vm->mmu.retiring);
	if (slot && slot_part(slot, start, end, &gfn, &gfn_end))
		kl_mmu_zap_range(vm, gfn, gfn_end, may_sleep);
	srcu_read_unlock(&vm->srcu, idx);
}

static int kl_invalidate_range_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct kl_vm *vm = container_of(mn, struct kl_vm, notifier);
	struct kl_mmu *mmu = &vm->mmu;

	/*
	 * Counted whether or not a slot has these addresses: one that does may
	 * be made before the invalidation ends.
	 */
	spin_lock(&mmu->lock);
	if (!mmu->in_progress++) {
		mmu->inv_start = range->start;
		mmu->inv_end = range->end;
	} else {
		mmu->inv_start = min(mmu->inv_start, range->start);
		mmu->inv_end = max(mmu->inv_end, range->end);
	}
	spin_unlock(&mmu->lock);

	zap_hvas(vm, range->start, range->end,
		 mmu_notifier_range_blockable(range));
	return 0;
}

static void kl_invalidate_range_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct kl_vm *vm = container_of(mn, struct kl_vm, notifier);
	struct kl_mmu *mmu = &vm->mmu;

	spin_lock(&mmu->lock);
	/*
	 * A fault may have looked up the page as it was before, and come here
	 * after: it must not find everything quiet.
	 */
	mmu->seq++;
	mmu->in_progress--;
	WARN_ON_ONCE(mmu->in_progress < 0);
	spin_unlock(&mmu->lock);
}

static bool age_locked(struct kl_vm *vm, gfn_t gfn, gfn_t end, bool clear,
		       bool *zapped)
{
	struct kl_mmu *mmu = &vm->mmu;
	struct kl_tdp_iter it;
	bool young = false;

	kl_tdp_for_each(&it, mmu, gfn, end) {
		if (!kl_tdp_iter_is_leaf(&it) || !kl_tdp_young(&it, clear))
			continue;
		young = true;
		if (!clear)
			break;
		/* No accessed bits: the next access must come by here again. */
		if (!mmu->fmt.accessed) {
			kl_tdp_zap(&it);
			*zapped = true;
		}
	}
	return young;
}

static int age_hvas(struct kl_vm *vm, unsigned long start, unsigned long end,
		    bool clear, bool flush)
{
	struct kl_memslots *slots;
	bool young = false;
	gfn_t gfn, gfn_end;
	unsigned int i, nr;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = kl_slots(vm);
	/* Pairs with the release in kl_memslots_append(). */
	nr = smp_load_acquire(&slots->nr);
	for (i = 0; i < nr; i++) {
		bool zapped = false, found;

		if (!slot_part(READ_ONCE(slots->slot[i]), start, end, &gfn,
			       &gfn_end))
			continue;
		spin_lock(&vm->mmu.lock);
		found = age_locked(vm, gfn, gfn_end, clear, &zapped);
		if (zapped || (found && flush))
			kl_request_all(vm, KL_REQ_TLB_FLUSH);
		spin_unlock(&vm->mmu.lock);
		young |= found;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return young;
}

static int kl_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return age_hvas(container_of(mn, struct kl_vm, notifier), start, end,
			true, true);
}

static int kl_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			  unsigned long start, unsigned long end)
{
	/* A missed access ages a page too fast; a flush would cost more. */
	return age_hvas(container_of(mn, struct kl_vm, notifier), start, end,
			true, false);
}

static int kl_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			 unsigned long address)
{
	return age_hvas(container_of(mn, struct kl_vm, notifier), address,
			address + PAGE_SIZE, false, false);
}

/* The address space dies before the VM's files are closed: let go of all. */
static void kl_notifier_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct kl_vm *vm = container_of(mn, struct kl_vm, notifier);

	kl_mmu_zap_range(vm, 0, kl_tdp_end(&vm->mmu), true);
}

static const struct mmu_notifier_ops kl_notifier_ops = {
	.release = kl_notifier_release,
	.clear_flush_young = kl_clear_flush_young,
	.clear_young = kl_clear_young,
	.test_young = kl_test_young,
	.invalidate_range_start = kl_invalidate_range_start,
	.invalidate_range_end = kl_invalidate_range_end,
};

int kl_notifier_register(struct kl_vm *vm)
{
	vm->notifier.ops = &kl_notifier_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}
