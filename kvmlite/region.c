// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_USER_MEMORY_REGION: slots made, moved, deleted, logged or no longer
 * logged, also under running vCPUs.
 *
 * The order of a change: publish the new slots; raise the sequence number, so
 * that no fault in flight maps by the old ones; take what they had mapped out
 * of the tables and the TLBs; wait until nobody can have a pointer to the old
 * slot; free it. When the ioctl returns the guest and the hypervisor on its
 * behalf have let go of memory that is no longer in a slot.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mmu_internal.h"
#include "vcpu.h"

/* As KVM has it: a slot's pages can be counted in an int. */
#define MAX_SLOT_PAGES	((1UL << 31) - 1)
#define MIN_TABLE	32

static struct kl_memslots *table_alloc(unsigned int cap)
{
	struct kl_memslots *slots;

	slots = kvmalloc(struct_size(slots, slot, cap), GFP_KERNEL_ACCOUNT);
	if (slots) {
		slots->nr = 0;
		slots->hint = 0;
		slots->cap = cap;
	}
	return slots;
}

int kl_slots_init(struct kl_vm *vm)
{
	struct kl_memslots *slots = table_alloc(MIN_TABLE);

	if (!slots)
		return -ENOMEM;
	xa_init_flags(&vm->mmu.slots_by_id, XA_FLAGS_ACCOUNT);
	RCU_INIT_POINTER(vm->slots, slots);
	return 0;
}

void kl_slots_destroy(struct kl_vm *vm)
{
	/* The VM's last reference is gone: nobody reads or changes them. */
	struct kl_memslots *slots = rcu_dereference_protected(vm->slots, true);
	unsigned int i;

	for (i = 0; i < slots->nr; i++) {
		kvfree(slots->slot[i]->dirty);
		kfree(slots->slot[i]);
	}
	kvfree(slots);
	xa_destroy(&vm->mmu.slots_by_id);
}

struct kl_memslot *kl_slot_by_id(struct kl_vm *vm, u32 slot)
{
	lockdep_assert_held(&vm->slots_lock);
	return xa_load(&vm->mmu.slots_by_id, slot);
}

static int check_region(struct kl_vm *vm,
			const struct kvm_userspace_memory_region2 *mem)
{
	u64 npages = mem->memory_size >> PAGE_SHIFT;

	if (mem->flags & ~(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
		return -EINVAL;
	if (!PAGE_ALIGNED(mem->memory_size) ||
	    !PAGE_ALIGNED(mem->guest_phys_addr) ||
	    !PAGE_ALIGNED(mem->userspace_addr))
		return -EINVAL;
	if (mem->userspace_addr != untagged_addr(mem->userspace_addr) ||
	    !access_ok(u64_to_user_ptr(mem->userspace_addr), mem->memory_size))
		return -EINVAL;
	/* The upper half names an address space, of which there is one. */
	if (mem->slot >= KL_USER_SLOTS)
		return -EINVAL;
	if (mem->guest_phys_addr + mem->memory_size < mem->guest_phys_addr)
		return -EINVAL;
	if (npages > MAX_SLOT_PAGES)
		return -EINVAL;
	/* A deletion does not care where. */
	if (npages && (mem->guest_phys_addr >> PAGE_SHIFT) + npages >
		      kl_tdp_end(&vm->mmu))
		return -EINVAL;
	return 0;
}

static unsigned long *dirty_alloc(struct kl_vm *vm, u64 npages)
{
	unsigned long *dirty;

	/* Up to 256 MiB, on nothing but the caller's word: fail, do not kill. */
	dirty = kvcalloc(BITS_TO_LONGS(npages), sizeof(long),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			 __GFP_RETRY_MAYFAIL);
	/* A ring tells of bits that are set: none may be from the start. */
	if (dirty && !vm->dirty_ring_size &&
	    (vm->mmu.manual_protect & KVM_DIRTY_LOG_INITIALLY_SET))
		bitmap_set(dirty, 0, npages);
	return dirty;
}

/*
 * Put @new in the place of @old (either may be NULL) where readers see it.
 * @stale: set to a table that is to be freed after a grace period.
 * On error nothing has changed.
 */
static int publish(struct kl_vm *vm, struct kl_memslot *old,
		   struct kl_memslot *new, struct kl_memslots **stale)
{
	struct kl_memslots *slots = kl_slots(vm), *copy = NULL;
	unsigned int nr = slots->nr + !!new;
	bool in_place;
	void *ret;

	/* What can fail comes first. */
	in_place = old && new ? old->base == new->base :
		   new ? nr <= slots->cap &&
			 (!slots->nr ||
			  slots->slot[slots->nr - 1]->base < new->base) :
		   slots->slot[slots->nr - 1] == old;
	if (!in_place) {
		copy = table_alloc(max_t(unsigned int, MIN_TABLE, nr + nr / 2));
		if (!copy)
			return -ENOMEM;
	}
	if (new) {
		ret = xa_store(&vm->mmu.slots_by_id, new->id, new,
			       GFP_KERNEL_ACCOUNT);
		if (xa_is_err(ret)) {
			kvfree(copy);
			return xa_err(ret);
		}
	} else {
		xa_erase(&vm->mmu.slots_by_id, old->id);
	}

	if (copy) {
		kl_memslots_merge(copy, slots, old, new);
		rcu_assign_pointer(vm->slots, copy);
		*stale = slots;
	} else if (old && new) {
		kl_memslots_replace(slots, old, new);
	} else if (new) {
		kl_memslots_append(slots, new);
	} else {
		kl_memslots_pop(slots, old);
	}
	return 0;
}

/* Make the nested page tables agree with the change that was published. */
static void apply(struct kl_vm *vm, const struct kl_memslot *old,
		  const struct kl_memslot *new)
{
	if (!old)
		return;		/* nothing was mapped there */

	kl_mmu_slots_changed(vm);
	if (!new || new->base != old->base) {
		kl_mmu_zap_and_free(vm, old->base, kl_memslot_end(old));
	} else if (!new->dirty) {
		/* No longer logged: let large leaves come back. */
		kl_mmu_zap_and_free(vm, old->base, kl_memslot_end(old));
	} else if (vm->dirty_ring_size ||
		   !(vm->mmu.manual_protect & KVM_DIRTY_LOG_INITIALLY_SET)) {
		kl_mmu_write_protect(vm, new->base, kl_memslot_end(new));
	}
}

static int change_slot(struct kl_vm *vm, struct kl_memslot *old,
		       struct kl_memslot *new)
{
	struct kl_memslots *stale = NULL;
	int ret;

	/*
	 * From when the slot is no longer in vm->slots until its leaves are
	 * gone, the notifier finds it here: the host may want the pages back in
	 * just that time.
	 */
	smp_store_release(&vm->mmu.retiring, old);
	/* Pairs with the acquire of the number of slots in zap_hvas(). */
	smp_wmb();
	ret = publish(vm, old, new, &stale);
	if (!ret)
		apply(vm, old, new);
	/* Pairs with zap_hvas(): who finds nothing here finds no leaves. */
	smp_store_release(&vm->mmu.retiring, NULL);
	if (ret)
		return ret;
	if (old || stale)
		synchronize_srcu_expedited(&vm->srcu);
	kvfree(stale);
	if (old) {
		if (!new || new->dirty != old->dirty)
			kvfree(old->dirty);
		kfree(old);
	}
	return 0;
}

long kl_set_memory_region(struct kl_vm *vm,
			  const struct kvm_userspace_memory_region2 *mem)
{
	struct kl_memslot *old, *new;
	int ret;

	lockdep_assert_held(&vm->slots_lock);
	ret = check_region(vm, mem);
	if (ret)
		return ret;
	old = kl_slot_by_id(vm, mem->slot);
	if (!mem->memory_size)
		return old ? change_slot(vm, old, NULL) : -EINVAL;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->base = mem->guest_phys_addr >> PAGE_SHIFT;
	new->npages = mem->memory_size >> PAGE_SHIFT;
	new->hva = mem->userspace_addr;
	new->flags = mem->flags;
	new->id = mem->slot;

	if (old) {
		/* A live slot can be moved, and logged or not; no more. */
		ret = -EINVAL;
		if (new->hva != old->hva || new->npages != old->npages ||
		    ((new->flags ^ old->flags) & KVM_MEM_READONLY))
			goto err_free;
		ret = 0;
		if (new->base == old->base && new->flags == old->flags)
			goto err_free;
	}
	ret = -EEXIST;
	if ((!old || new->base != old->base) &&
	    kl_memslots_overlap(kl_slots(vm), new->base, new->npages, old))
		goto err_free;

	if (new->flags & KVM_MEM_LOG_DIRTY_PAGES) {
		ret = -ENOMEM;
		new->dirty = old && old->dirty ? old->dirty :
			     dirty_alloc(vm, new->npages);
		if (!new->dirty)
			goto err_free;
	}
	ret = change_slot(vm, old, new);
	if (ret)
		goto err_dirty;
	return 0;

err_dirty:
	if (!old || new->dirty != old->dirty)
		kvfree(new->dirty);
err_free:
	kfree(new);
	return ret;
}
