// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as a whole: its life, its ioctls, and what is done to ranges
 * of the nested page tables.
 */
#include <linux/compat.h>
#include <linux/cpu.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#include "mmu_internal.h"
#include "vendor.h"

/* Tables are pruned in steps of so many gfns: 1 GiB, 512 tables. */
#define PRUNE_STEP	KL_TDP_PAGES(KL_TDP_LEVEL_1G)

int kl_mmu_init_vm(struct kl_vm *vm)
{
	struct kl_mmu *mmu = &vm->mmu;
	struct kl_tdp_fmt fmt;
	int ret;

	spin_lock_init(&mmu->lock);
	kl_tdp_fmt_init(&fmt, kl_ops->is_ept, kl_ops->has_ad, __sme_set(0));
	/*
	 * On these CPUs a guest that changes the size of a page under an
	 * instruction fetch stops the machine for good; it cannot if no large
	 * leaf can be fetched from.
	 */
	mmu->large_nx = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) &&
			!cpu_mitigations_off();

	ret = kl_slots_init(vm);
	if (ret)
		return ret;
	ret = kl_tdp_init(mmu, &fmt, kl_ops->tdp_levels);
	if (ret)
		goto err_slots;
	/* Last, because its callbacks need all the rest. */
	ret = kl_notifier_register(vm);
	if (ret)
		goto err_tdp;
	return 0;

err_tdp:
	kl_tdp_destroy(mmu);
err_slots:
	kl_slots_destroy(vm);
	return ret;
}

void kl_mmu_release_vm(struct kl_vm *vm)
{
	/* Waits for callbacks that are running; the mm may be long dead. */
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}

void kl_mmu_destroy_vm(struct kl_vm *vm)
{
	kl_tdp_destroy(&vm->mmu);
	kl_slots_destroy(vm);
}

void kl_mmu_slots_changed(struct kl_vm *vm)
{
	/* kl_mmu_fault() reads them in the other order. */
	smp_wmb();
	spin_lock(&vm->mmu.lock);
	vm->mmu.seq++;
	spin_unlock(&vm->mmu.lock);
}

/*
 * The TLBs are flushed before the lock is dropped: otherwise somebody else who
 * wants the same pages gone would find nothing in the tables, not flush, and
 * give pages away that a vCPU can still write to.
 */
static void flush_if(struct kl_vm *vm, bool *flush)
{
	lockdep_assert_held(&vm->mmu.lock);
	if (*flush)
		kl_request_all(vm, KL_REQ_TLB_FLUSH);
	*flush = false;
}

static bool should_break(struct kl_mmu *mmu)
{
	return need_resched() || spin_needbreak(&mmu->lock);
}

static void zap_locked(struct kl_vm *vm, gfn_t start, gfn_t end, bool may_sleep,
		       bool *flush)
{
	struct kl_mmu *mmu = &vm->mmu;
	struct kl_tdp_iter it;

	kl_tdp_for_each(&it, mmu, start, end) {
		if (kl_tdp_iter_is_leaf(&it)) {
			kl_tdp_zap(&it);
			*flush = true;
		}
		if (may_sleep && should_break(mmu)) {
			flush_if(vm, flush);
			cond_resched_lock(&mmu->lock);
			kl_tdp_iter_resume(&it);
		} else if (!may_sleep && spin_is_contended(&mmu->lock)) {
			/* The OOM reaper must not sleep; vCPUs must not spin. */
			flush_if(vm, flush);
			spin_unlock(&mmu->lock);
			cpu_relax();
			spin_lock(&mmu->lock);
			kl_tdp_iter_resume(&it);
		}
	}
}

void kl_mmu_zap_range(struct kl_vm *vm, gfn_t start, gfn_t end, bool may_sleep)
{
	bool flush = false;

	spin_lock(&vm->mmu.lock);
	zap_locked(vm, start, end, may_sleep, &flush);
	flush_if(vm, &flush);
	spin_unlock(&vm->mmu.lock);
}

void kl_mmu_zap_and_free(struct kl_vm *vm, gfn_t start, gfn_t end)
{
	struct kl_tdp_pages dead = KL_TDP_PAGES_INIT(dead);
	gfn_t next;

	for (; start < end; start = next) {
		bool flush = false;

		next = min(end, (start | (PRUNE_STEP - 1)) + 1);
		spin_lock(&vm->mmu.lock);
		zap_locked(vm, start, next, true, &flush);
		kl_tdp_prune(&vm->mmu, start, next, &dead);
		if (dead.nr)
			flush = true;
		flush_if(vm, &flush);
		spin_unlock(&vm->mmu.lock);
		kl_tdp_pages_free(&dead);
		cond_resched();
	}
}

void kl_mmu_write_protect(struct kl_vm *vm, gfn_t start, gfn_t end)
{
	struct kl_mmu *mmu = &vm->mmu;
	struct kl_tdp_iter it;
	bool flush = false;

	spin_lock(&mmu->lock);
	kl_tdp_for_each(&it, mmu, start, end) {
		if (kl_tdp_iter_is_leaf(&it))
			flush |= kl_tdp_write_protect(&it);
		if (should_break(mmu)) {
			cond_resched_lock(&mmu->lock);
			kl_tdp_iter_resume(&it);
		}
	}
	/* Only rights were taken away, not pages: one flush at the end will do. */
	flush_if(vm, &flush);
	spin_unlock(&mmu->lock);
}

/*
 * KVM_SET_NR_MMU_PAGES bounds the shadow page tables, of which there are none
 * with nested paging: every value that KVM would accept is kept to.
 */
static long set_nr_mmu_pages(unsigned long n)
{
	return n < 64 ? -EINVAL : 0;
}

long kl_mmu_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, void __user *argp)
{
	union {
		struct kvm_userspace_memory_region region;
		struct kvm_userspace_memory_region2 region2;
		struct kvm_dirty_log dirty;
		struct kvm_clear_dirty_log clear;
	} u;
	long ret;

	memset(&u, 0, sizeof(u));
	switch (ioctl) {
	case KVM_RESET_DIRTY_RINGS:
		break;
	case KVM_SET_NR_MMU_PAGES:
		return set_nr_mmu_pages((unsigned long)argp);
	case KVM_SET_USER_MEMORY_REGION:
		/* The first fields of the two structs are the same. */
		if (copy_from_user(&u.region, argp, sizeof(u.region)))
			return -EFAULT;
		break;
	case KVM_SET_USER_MEMORY_REGION2:
		if (copy_from_user(&u.region2, argp, sizeof(u.region2)))
			return -EFAULT;
		break;
	case KVM_GET_DIRTY_LOG:
		if (copy_from_user(&u.dirty, argp, sizeof(u.dirty)))
			return -EFAULT;
		/* The pointer is half of the field; the rest is anything. */
		if (in_compat_syscall())
			u.dirty.padding2 = (u32)u.dirty.padding2;
		break;
	case KVM_CLEAR_DIRTY_LOG:
		if (copy_from_user(&u.clear, argp, sizeof(u.clear)))
			return -EFAULT;
		if (in_compat_syscall())
			u.clear.padding2 = (u32)u.clear.padding2;
		break;
	default:
		return -ENOIOCTLCMD;
	}

	mutex_lock(&vm->slots_lock);
	switch (ioctl) {
	case KVM_RESET_DIRTY_RINGS:
		ret = kl_dirty_rings_reset(vm);
		break;
	case KVM_GET_DIRTY_LOG:
		ret = kl_get_dirty_log(vm, &u.dirty);
		break;
	case KVM_CLEAR_DIRTY_LOG:
		ret = kl_clear_dirty_log(vm, &u.clear);
		break;
	default:
		ret = kl_set_memory_region(vm, &u.region2);
		break;
	}
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int kl_mmu_check_extension(struct kl_vm *vm, long cap)
{
	switch (cap) {
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_USER_MEMORY2:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_MULTI_ADDRESS_SPACE:
	case KVM_CAP_MMU_SHADOW_CACHE_CONTROL:
		return 1;
	case KVM_CAP_PRE_FAULT_MEMORY:
		return 1;
	case KVM_CAP_DIRTY_LOG_RING:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return kl_dirty_ring_max();
	case KVM_CAP_NR_MEMSLOTS:
		return KL_USER_SLOTS;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
		       KVM_DIRTY_LOG_INITIALLY_SET;
	}
	return -ENOIOCTLCMD;
}

long kl_mmu_enable_cap(struct kl_vm *vm, const struct kvm_enable_cap *cap)
{
	u64 allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (cap->cap == KVM_CAP_DIRTY_LOG_RING ||
	    cap->cap == KVM_CAP_DIRTY_LOG_RING_ACQ_REL)
		return kl_dirty_ring_enable(vm, cap->args[0]);
	if (cap->cap != KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)
		return -ENOIOCTLCMD;
	/* Bits set from the start make sense only if user space clears them. */
	if (cap->args[0] & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (cap->flags || (cap->args[0] & ~allowed))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm->mmu.manual_protect = cap->args[0];
	mutex_unlock(&vm->slots_lock);
	return 0;
}
