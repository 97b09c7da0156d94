/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_MMU_INTERNAL_H
#define KVMLITE_MMU_INTERNAL_H

/* What the files of the memory part share, and nobody else needs. */

#include <linux/srcu.h>

#include "dirty_ring.h"
#include "memslot.h"
#include "tdp.h"
#include "vcpu.h"
#include "vm.h"

/* The slots, for readers inside vm->srcu and for holders of slots_lock. */
static inline struct kl_memslots *kl_slots(struct kl_vm *vm)
{
	return srcu_dereference_check(vm->slots, &vm->srcu,
				      lockdep_is_held(&vm->slots_lock));
}

static inline struct kl_memslot *kl_slot_of_gfn(struct kl_vm *vm, gfn_t gfn)
{
	return kl_memslots_find(kl_slots(vm), gfn);
}

static inline void kl_slot_mark_dirty(struct kl_vm *vm,
				      const struct kl_memslot *slot, gfn_t gfn)
{
	if (slot->dirty && !test_and_set_bit(gfn - slot->base, slot->dirty) &&
	    vm->dirty_ring_size)
		kl_dirty_ring_push(slot, gfn);
}

/* mmu.c: ranges of the tables, in steps short enough for the scheduler. */

/*
 * Faults that looked their slot up before now start again. To be called after
 * new slots were published and before the tables are cleaned of the old ones.
 */
void kl_mmu_slots_changed(struct kl_vm *vm);
/*
 * Remove what maps [start, end); on return no CPU has it cached.
 * @may_sleep: reschedule now and then.
 */
void kl_mmu_zap_range(struct kl_vm *vm, gfn_t start, gfn_t end, bool may_sleep);
/* The same, and free the tables that this leaves empty. Sleeps. */
void kl_mmu_zap_and_free(struct kl_vm *vm, gfn_t start, gfn_t end);
/* Forbid all writes to [start, end) and flush. Sleeps. */
void kl_mmu_write_protect(struct kl_vm *vm, gfn_t start, gfn_t end);

/* region.c */
int kl_slots_init(struct kl_vm *vm);
void kl_slots_destroy(struct kl_vm *vm);
long kl_set_memory_region(struct kl_vm *vm,
			  const struct kvm_userspace_memory_region2 *mem);
/* The slot that user space names, for its ioctls; under slots_lock. */
struct kl_memslot *kl_slot_by_id(struct kl_vm *vm, u32 slot);

/* dirty.c */
/*
 * Take bits out of @slot's dirty[first…first + n) and protect their pages.
 * @words says which, and receives those that were set. True: flush TLBs.
 */
bool kl_dirty_take(struct kl_vm *vm, const struct kl_memslot *slot,
		   unsigned long first, unsigned long n, unsigned long *words);
long kl_get_dirty_log(struct kl_vm *vm, const struct kvm_dirty_log *log);
long kl_clear_dirty_log(struct kl_vm *vm,
			const struct kvm_clear_dirty_log *log);

/* guestmem.c: an aligned table entry of 4 or 8 bytes, read in one go. */
int kl_gpa_read_entry(struct kl_vm *vm, gpa_t gpa, u64 *entry,
		      unsigned int size);
/* Where it lies in the VMM; 0: in no slot. */
unsigned long kl_gpa_hva(struct kl_vm *vm, gpa_t gpa);

/* gva.c: kl_gva_to_gpa(), and what was read on the way noted in @trail. */
int kl_gva_walk(struct kl_vcpu *vcpu, u64 gva, u32 access, gpa_t *gpa,
		struct kl_exception *fault, struct kl_code_page *trail);

/* notifier.c */
int kl_notifier_register(struct kl_vm *vm);

#endif
