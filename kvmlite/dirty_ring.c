// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty rings: per vCPU, the pages it was the first to write to, in the order
 * in which it did (KVM_CAP_DIRTY_LOG_RING).
 *
 * The bitmaps of dirty.c stay what write protection goes by; a ring tells user
 * space of each bit that is set. So a page is in the rings once, until user
 * space has collected it (its flag RESET) and KVM_RESET_DIRTY_RINGS has cleared
 * its bit and forbidden writes again.
 *
 * The head is the vCPU's thread's, the tail that of whoever holds
 * vm->slots_lock. The entries are shared with user space: what is read from
 * them is checked like any other argument.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "dirty_ring.h"
#include "mmu_internal.h"
#include "vcpu.h"

#define MAX_ENTRIES	65536
/*
 * Room kept for what one trip can write before the fullness is looked at again:
 * the guest's page, and what the hypervisor writes on its behalf.
 */
#define RESERVED	64

struct kl_dirty_ring {
	struct kvm_dirty_gfn *entries;
	u32 size;		/* a power of 2 */
	u32 head;		/* next to be written; only its thread changes it */
	u32 tail;		/* next to be reset; under vm->slots_lock */
};

/* Who is to be told about a write by the hypervisor itself. */
DEFINE_PER_CPU(struct kl_vcpu *, kl_running_vcpu);

static u32 ring_used(const struct kl_dirty_ring *ring)
{
	return READ_ONCE(ring->head) - READ_ONCE(ring->tail);
}

bool kl_dirty_ring_full(struct kl_vcpu *vcpu)
{
	return vcpu->ring &&
	       ring_used(vcpu->ring) >= vcpu->ring->size - RESERVED;
}

void kl_dirty_ring_push(const struct kl_memslot *slot, gfn_t gfn)
{
	struct kl_dirty_ring *ring;
	struct kvm_dirty_gfn *e;
	struct kl_vcpu *vcpu;

	preempt_disable();
	vcpu = __this_cpu_read(kl_running_vcpu);
	/* Guest memory is written by vCPUs' threads alone. */
	if (WARN_ON_ONCE(!vcpu || !vcpu->ring))
		goto out;
	ring = vcpu->ring;
	if (ring_used(ring) >= ring->size) {
		/* Calls that write, one after the other, and no KVM_RUN. */
		pr_warn_once("a dirty ring overflowed: its pages are not told\n");
		goto out;
	}
	e = &ring->entries[ring->head & (ring->size - 1)];
	e->slot = slot->id;
	e->offset = gfn - slot->base;
	/* The flag after what it vouches for. */
	smp_store_release(&e->flags, KVM_DIRTY_GFN_F_DIRTY);
	WRITE_ONCE(ring->head, ring->head + 1);
	if (kl_dirty_ring_full(vcpu))
		kl_request(vcpu, KL_REQ_DIRTY_RING);
out:
	preempt_enable();
}

/* Pages of one word of one slot's bitmap that are to be cleared together. */
struct reset_run {
	u32 slot;
	unsigned long word;
	unsigned long mask;
};

static bool reset_pages(struct kl_vm *vm, const struct reset_run *run)
{
	struct kl_memslot *slot;
	unsigned long mask = run->mask;

	if (!mask || run->slot >= KL_USER_SLOTS)
		return false;
	slot = kl_slot_by_id(vm, run->slot);
	/* Gone, or no longer logged; or never was: user space says what it likes. */
	if (!slot || !slot->dirty || run->word >= BITS_TO_LONGS(slot->npages))
		return false;
	return kl_dirty_take(vm, slot, run->word, 1, &mask);
}

static u32 reset_ring(struct kl_vm *vm, struct kl_dirty_ring *ring, bool *flush)
{
	struct reset_run run = { };
	struct kvm_dirty_gfn *e;
	u32 count = 0, slot;
	u64 offset;

	/* A ring that is filled as fast as it is emptied has an end, too. */
	while (count < ring->size && ring->tail != READ_ONCE(ring->head) &&
	       !signal_pending(current)) {
		e = &ring->entries[ring->tail & (ring->size - 1)];
		/* Pairs with user space's release when it has collected it. */
		if (!(smp_load_acquire(&e->flags) & KVM_DIRTY_GFN_F_RESET))
			break;
		slot = READ_ONCE(e->slot);
		offset = READ_ONCE(e->offset);
		WRITE_ONCE(e->flags, 0);
		if (slot != run.slot || offset / BITS_PER_LONG != run.word) {
			*flush |= reset_pages(vm, &run);
			run.slot = slot;
			run.word = offset / BITS_PER_LONG;
			run.mask = 0;
		}
		run.mask |= BIT_ULL(offset % BITS_PER_LONG);
		count++;
		/* The entry is free for the vCPU's thread from here on. */
		smp_store_release(&ring->tail, ring->tail + 1);
		cond_resched();
	}
	*flush |= reset_pages(vm, &run);
	return count;
}

/**
 * kl_dirty_rings_reset - KVM_RESET_DIRTY_RINGS
 * @vm: the VM; slots_lock held
 *
 * Return: how many pages will be told again when they are written to.
 */
long kl_dirty_rings_reset(struct kl_vm *vm)
{
	struct kl_vcpu *vcpu;
	bool flush = false;
	unsigned long i;
	long count = 0;

	lockdep_assert_held(&vm->slots_lock);
	if (!READ_ONCE(vm->dirty_ring_size))
		return -EINVAL;
	kl_for_each_vcpu(i, vcpu, vm)
		count += reset_ring(vm, vcpu->ring, &flush);
	if (flush)
		kl_request_all(vm, KL_REQ_TLB_FLUSH);
	return count;
}

int kl_dirty_ring_max(void)
{
	return MAX_ENTRIES * sizeof(struct kvm_dirty_gfn);
}

long kl_dirty_ring_enable(struct kl_vm *vm, u64 bytes)
{
	u64 n = bytes / sizeof(struct kvm_dirty_gfn);
	long ret = -EINVAL;

	if (bytes < PAGE_SIZE || !is_power_of_2(bytes) || n <= RESERVED)
		return -EINVAL;
	if (n > MAX_ENTRIES)
		return -E2BIG;
	mutex_lock(&vm->lock);
	if (!vm->dirty_ring_size && !vm->nr_vcpus) {
		WRITE_ONCE(vm->dirty_ring_size, n);
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

int kl_dirty_ring_create(struct kl_vcpu *vcpu)
{
	u32 size = vcpu->vm->dirty_ring_size;
	struct kl_dirty_ring *ring;

	if (!size)
		return 0;
	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -ENOMEM;
	ring->size = size;
	ring->entries = __vmalloc(array_size(size, sizeof(*ring->entries)),
				  GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!ring->entries) {
		kfree(ring);
		return -ENOMEM;
	}
	vcpu->ring = ring;
	return 0;
}

void kl_dirty_ring_free(struct kl_vcpu *vcpu)
{
	if (!vcpu->ring)
		return;
	/* User mappings hold references of their own on its pages. */
	vfree(vcpu->ring->entries);
	kfree(vcpu->ring);
	vcpu->ring = NULL;
}

unsigned long kl_dirty_ring_pages(struct kl_vcpu *vcpu)
{
	return vcpu->ring ? vcpu->ring->size * sizeof(struct kvm_dirty_gfn) >>
			    PAGE_SHIFT : 0;
}

struct page *kl_dirty_ring_page(struct kl_vcpu *vcpu, unsigned long index)
{
	return vmalloc_to_page((void *)vcpu->ring->entries + index * PAGE_SIZE);
}
