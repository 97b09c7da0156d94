// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG.
 *
 * While a slot is logged, a page whose bit is clear is not writable in the
 * nested page tables. The first write faults; the handler sets the bit and
 * then allows writes. Taking a bit and forbidding writes again happens under
 * mmu.lock, as the handler's work does, so that no write falls between. A TLB
 * may allow a page's writes a little longer, which is as if they came before
 * the bit was taken, as long as it is flushed before user space gets to look
 * at the page.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mmu_internal.h"
#include "vcpu.h"

/* Words of the bitmap handled at a time: a page of them. */
#define CHUNK	(PAGE_SIZE / sizeof(long))

/* Forbid writes to those of 64 pages whose bits are set in @mask. */
static void protect_mask(struct kl_mmu *mmu, gfn_t gfn, unsigned long mask)
{
	struct kl_tdp_iter it;

	kl_tdp_for_each(&it, mmu, gfn + __ffs(mask), gfn + __fls(mask) + 1) {
		/* A large leaf goes as a whole; its other bits are set yet. */
		if (kl_tdp_iter_is_leaf(&it) &&
		    (it.level > KL_TDP_LEVEL_4K ||
		     mask & BIT_ULL(it.gfn - gfn)))
			kl_tdp_write_protect(&it);
	}
}

bool kl_dirty_take(struct kl_vm *vm, const struct kl_memslot *slot,
		   unsigned long first, unsigned long n, unsigned long *words)
{
	struct kl_mmu *mmu = &vm->mmu;
	bool flush = false;
	unsigned long i;

	spin_lock(&mmu->lock);
	for (i = 0; i < n; i++) {
		unsigned long *p = &slot->dirty[first + i];
		unsigned long mask = words[i];

		words[i] = 0;
		if (!(mask & READ_ONCE(*p)))
			continue;
		mask &= atomic_long_fetch_andnot(mask, (atomic_long_t *)p);
		words[i] = mask;
		if (!mask)
			continue;
		protect_mask(mmu, slot->base + (first + i) * BITS_PER_LONG,
			     mask);
		flush = true;
		cond_resched_lock(&mmu->lock);
	}
	spin_unlock(&mmu->lock);
	return flush;
}

/* User space did not get them: a page that is not protected may be in there. */
static void give_back(const struct kl_memslot *slot, unsigned long first,
		      unsigned long n, const unsigned long *words)
{
	unsigned long i;

	for (i = 0; i < n; i++)
		atomic_long_or(words[i], (atomic_long_t *)&slot->dirty[first + i]);
}

static struct kl_memslot *logged_slot(struct kl_vm *vm, u32 id)
{
	struct kl_memslot *slot;

	lockdep_assert_held(&vm->slots_lock);
	/* The rings tell instead. */
	if (vm->dirty_ring_size)
		return ERR_PTR(-ENXIO);
	if (id >= KL_USER_SLOTS)
		return ERR_PTR(-EINVAL);
	slot = kl_slot_by_id(vm, id);
	return slot && slot->dirty ? slot : ERR_PTR(-ENOENT);
}

long kl_get_dirty_log(struct kl_vm *vm, const struct kvm_dirty_log *log)
{
	struct kl_memslot *slot = logged_slot(vm, log->slot);
	unsigned long __user *to = log->dirty_bitmap;
	unsigned long first, n, total, *words;
	bool flush = false;
	long ret = 0;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	total = BITS_TO_LONGS(slot->npages);
	if (vm->mmu.manual_protect & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		return copy_to_user(to, slot->dirty, total * sizeof(long)) ?
		       -EFAULT : 0;

	words = kmalloc_array(CHUNK, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!words)
		return -ENOMEM;
	for (first = 0; first < total; first += n) {
		n = min(total - first, CHUNK);
		memset(words, 0xff, n * sizeof(long));
		flush |= kl_dirty_take(vm, slot, first, n, words);
		if (copy_to_user(to + first, words, n * sizeof(long))) {
			give_back(slot, first, n, words);
			ret = -EFAULT;
			break;
		}
		cond_resched();
	}
	if (flush)
		kl_request_all(vm, KL_REQ_TLB_FLUSH);
	kfree(words);
	return ret;
}

long kl_clear_dirty_log(struct kl_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct kl_memslot *slot = logged_slot(vm, log->slot);
	const unsigned long __user *from = log->dirty_bitmap;
	unsigned long first, done, n, total, *words;
	bool flush = false;
	long ret = 0;
	u64 rest;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (log->first_page % BITS_PER_LONG || log->first_page > slot->npages)
		return -EINVAL;
	rest = slot->npages - log->first_page;
	if (log->num_pages > rest ||
	    (log->num_pages < rest && log->num_pages % BITS_PER_LONG))
		return -EINVAL;

	words = kmalloc_array(CHUNK, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!words)
		return -ENOMEM;
	first = log->first_page / BITS_PER_LONG;
	total = BITS_TO_LONGS(log->num_pages);
	for (done = 0; done < total; done += n) {
		n = min(total - done, CHUNK);
		if (copy_from_user(words, from + done, n * sizeof(long))) {
			ret = -EFAULT;
			break;
		}
		flush |= kl_dirty_take(vm, slot, first + done, n, words);
		cond_resched();
	}
	if (flush)
		kl_request_all(vm, KL_REQ_TLB_FLUSH);
	kfree(words);
	return ret;
}
