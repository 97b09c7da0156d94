// SPDX-License-Identifier: GPL-2.0
/*
 * Guest faults: find the host's page and map it.
 *
 * The page is looked up without a lock and may be gone again by the time it is
 * to be mapped. So the sequence number of the invalidations is read before the
 * slot and the page are looked up; if, under the lock, it is still the same and
 * no invalidation of these addresses is under way, the page is still the one,
 * and the notifier will come by before it ceases to be. The reference on the
 * page is dropped right after.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#include "compat.h"
#include "mmu_internal.h"
#include "param.h"
#include "vcpu.h"
#include "vendor.h"

/**
 * struct host_page - what lies at a host address
 * @pfn: its number
 * @page: a reference on it; NULL for memory that has no struct page of its own
 *	to count (VM_PFNMAP, VM_IO)
 * @writable: the host's mapping allows writes now
 */
struct host_page {
	u64 pfn;
	struct page *page;
	bool writable;
};

/**
 * struct fault - one guest fault being handled
 * @seq: vm->mmu.seq before anything was looked up
 * @gfn: where the guest faulted
 * @access: KL_FAULT_* bits
 * @slot: of @gfn
 * @hva: host address of the page
 * @host: what is there
 * @level: of the leaf to be made
 */
struct fault {
	unsigned long seq;
	gfn_t gfn;
	u32 access;
	struct kl_memslot *slot;
	unsigned long hva;
	struct host_page host;
	int level;
};

static bool is_write(const struct fault *f)
{
	return f->access & KL_FAULT_WRITE;
}

/* Memory that drivers map by frame number; mmap_lock keeps the VMA. */
static int host_pfnmap(const struct fault *f, struct host_page *host)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool unlocked = false;
	unsigned long pfn;
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	do {
		ret = -EFAULT;
		vma = vma_lookup(mm, f->hva);
		if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)) ||
		    !(vma->vm_flags & (is_write(f) ? VM_WRITE : VM_READ)))
			break;
		ret = compat_follow_pfn(vma, f->hva, &pfn, &host->writable);
		if (!ret && (host->writable || !is_write(f)))
			break;
		/* The driver fills it in by faults. Once; then the guest asks. */
		if (unlocked) {
			ret = -EAGAIN;
			break;
		}
		ret = fixup_user_fault(mm, f->hva,
				       is_write(f) ? FAULT_FLAG_WRITE : 0,
				       &unlocked);
		unlocked = true;
	} while (!ret);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	/* What the VMM may write is not what its guest may. */
	if (f->slot->flags & KVM_MEM_READONLY)
		host->writable = false;
	host->pfn = pfn;
	host->page = NULL;
	return 0;
}

static int gup(unsigned long hva, unsigned int flags, struct page **page)
{
	long ret = get_user_pages_unlocked(hva, 1, page, flags | FOLL_HWPOISON |
					   FOLL_INTERRUPTIBLE);

	return ret == 1 ? 0 : ret ? ret : -EFAULT;
}

/*
 * The page at f->hva. A read fault takes a writable page where the host has
 * one already (then the first write costs no second fault), but never asks for
 * one: that would break sharing, of KSM's pages and of the zero page.
 */
static int host_page_get(const struct fault *f, struct host_page *host)
{
	bool may_write = !(f->slot->flags & KVM_MEM_READONLY);
	struct page *wpage;
	int ret;

	if (get_user_page_fast_only(f->hva, may_write ? FOLL_WRITE : 0,
				    &host->page)) {
		host->writable = may_write;
		goto found;
	}
	ret = gup(f->hva, is_write(f) ? FOLL_WRITE : 0, &host->page);
	if (ret == -EFAULT && !fatal_signal_pending(current))
		return host_pfnmap(f, host);
	if (ret)
		return ret;
	host->writable = is_write(f);
	if (!host->writable && may_write &&
	    get_user_page_fast_only(f->hva, FOLL_WRITE, &wpage)) {
		put_page(host->page);
		host->page = wpage;
		host->writable = true;
	}
found:
	host->pfn = page_to_pfn(host->page);
	return 0;
}

/*
 * The level at which the host maps @hva. With interrupts off its tables are not
 * freed under us; what was read may be stale, which the sequence number tells.
 */
static int host_level(struct mm_struct *mm, unsigned long hva)
{
	int level = KL_TDP_LEVEL_4K;
	unsigned long flags;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = KL_TDP_LEVEL_1G;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		level = KL_TDP_LEVEL_2M;
out:
	local_irq_restore(flags);
	return level;
}

/* The largest leaf that the slot allows around @gfn, at most @level. */
static int slot_level(const struct kl_memslot *slot, gfn_t gfn, int level)
{
	for (; level > KL_TDP_LEVEL_4K; level--) {
		u64 pages = KL_TDP_PAGES(level);
		u64 first = gfn & ~(pages - 1);

		if (first >= slot->base && first + pages <= kl_memslot_end(slot) &&
		    !((slot->base ^ (slot->hva >> PAGE_SHIFT)) & (pages - 1)))
			break;
	}
	return level;
}

static int choose_level(struct kl_vm *vm, const struct fault *f)
{
	int max = kl_ops->has_1g ? KL_TDP_LEVEL_1G : KL_TDP_LEVEL_2M;
	int allowed = KL_TDP_LEVEL_4K + READ_ONCE(kl_param_large_pages);
	struct page *page = f->host.page;

	/* The log counts single pages. */
	if (f->slot->dirty)
		return KL_TDP_LEVEL_4K;
	if (vm->mmu.large_nx && (f->access & KL_FAULT_EXEC))
		return KL_TDP_LEVEL_4K;
	max = slot_level(f->slot, f->gfn, min(max, allowed));
	if (max == KL_TDP_LEVEL_4K)
		return max;
	/* Only parts of compound pages and of devices are mapped large. */
	if (page && !PageCompound(page) && !is_zone_device_page(page))
		return KL_TDP_LEVEL_4K;
	return min(max, host_level(vm->mm, f->hva));
}

static bool is_stale(struct kl_mmu *mmu, const struct fault *f)
{
	u64 size = KL_TDP_PAGES(f->level) << PAGE_SHIFT;
	u64 start = f->hva & ~(size - 1);

	lockdep_assert_held(&mmu->lock);
	return mmu->seq != f->seq ||
	       (mmu->in_progress && start < mmu->inv_end &&
		start + size > mmu->inv_start);
}

static u64 make_leaf(struct kl_mmu *mmu, const struct fault *f)
{
	u64 pfn = f->host.pfn & ~(KL_TDP_PAGES(f->level) - 1);
	u32 flags = 0;

	if (f->level == KL_TDP_LEVEL_4K || !mmu->large_nx)
		flags |= KL_LEAF_EXEC;
	if (f->host.writable) {
		flags |= KL_LEAF_HOST_WRITABLE;
		/* Logged memory is written to only after the bit was set. */
		if (!f->slot->dirty || is_write(f))
			flags |= KL_LEAF_WRITE;
	}
	if (!f->host.page && !pfn_valid(f->host.pfn))
		flags |= KL_LEAF_DEVICE;
	return kl_tdp_make_leaf(&mmu->fmt, pfn, f->level, flags);
}

/*
 * The page was handed to somebody who writes without telling. Under the lock,
 * while the notifier cannot have let the host clean it.
 */
static void note_use(const struct fault *f)
{
	struct page *page = f->host.page;

	if (!page || PageReserved(page) || is_zone_device_page(page))
		return;
	if (f->host.writable && !PageDirty(page))
		SetPageDirty(page);
	mark_page_accessed(page);
}

/*
 * With large_nx a large leaf and its 4 KiB pieces would take turns, by whether
 * the guest last executed or read.
 */
static void keep_split(struct kl_mmu *mmu, struct fault *f)
{
	int level;

	if (!mmu->large_nx || f->level == KL_TDP_LEVEL_4K)
		return;
	kl_tdp_lookup(mmu, f->gfn, &level);
	f->level = min(f->level, level);
}

static void count_mapped(struct kl_vcpu *vcpu, int level)
{
	switch (level) {
	case KL_TDP_LEVEL_4K:
		vcpu->stats.tdp_mapped_4k++;
		break;
	case KL_TDP_LEVEL_2M:
		vcpu->stats.tdp_mapped_2m++;
		break;
	default:
		vcpu->stats.tdp_mapped_1g++;
	}
}

/* KL_FAULT_DONE or a negative errno. Drops nothing of f->host. */
static int install(struct kl_vcpu *vcpu, struct fault *f)
{
	struct kl_tdp_pages spare = KL_TDP_PAGES_INIT(spare);
	struct kl_tdp_pages dead = KL_TDP_PAGES_INIT(dead);
	struct kl_vm *vm = vcpu->vm;
	struct kl_mmu *mmu = &vm->mmu;
	bool flush = false;
	int ret;

	for (;;) {
		spin_lock(&mmu->lock);
		/* Not mapped: the guest runs into the same fault again. */
		ret = KL_FAULT_DONE;
		if (is_stale(mmu, f))
			break;
		keep_split(mmu, f);
		ret = kl_tdp_map(mmu, f->gfn, f->level, make_leaf(mmu, f),
				 &spare, &dead, &flush);
		if (!ret) {
			if (is_write(f))
				kl_slot_mark_dirty(vm, f->slot, f->gfn);
			note_use(f);
			count_mapped(vcpu, f->level);
			ret = KL_FAULT_DONE;
			break;
		}
		spin_unlock(&mmu->lock);
		/* Most faults find all tables there, so only now. */
		ret = kl_tdp_pages_fill(&spare, mmu->levels - f->level);
		if (ret)
			goto out;
	}
	if (flush)
		kl_request_all(vm, KL_REQ_TLB_FLUSH);
	spin_unlock(&mmu->lock);
out:
	kl_tdp_pages_free(&spare);
	kl_tdp_pages_free(&dead);
	return ret;
}

/*
 * The first write to a page since the log was read: its leaf is there, and
 * read-only for the log's sake alone.
 */
static bool log_first_write(struct kl_vm *vm, const struct fault *f)
{
	struct kl_mmu *mmu = &vm->mmu;
	bool done = false;
	u64 *entry, val;
	int level;

	if (!f->slot->dirty || !is_write(f))
		return false;
	spin_lock(&mmu->lock);
	if (mmu->seq == f->seq) {
		entry = kl_tdp_lookup(mmu, f->gfn, &level);
		val = READ_ONCE(*entry);
		if (level == KL_TDP_LEVEL_4K && kl_tdp_present(&mmu->fmt, val) &&
		    (val & KL_TDP_HOST_WRITABLE)) {
			kl_slot_mark_dirty(vm, f->slot, f->gfn);
			kl_tdp_make_writable(mmu, entry);
			done = true;
		}
	}
	spin_unlock(&mmu->lock);
	return done;
}

static int host_error(const struct fault *f, int ret)
{
	if (ret == -EHWPOISON) {
		/* As if the thread itself had touched it. */
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)f->hva,
				PAGE_SHIFT, current);
		return KL_FAULT_DONE;
	}
	if (ret == -EINTR || fatal_signal_pending(current))
		return -EINTR;
	return ret == -EAGAIN ? KL_FAULT_DONE : ret;
}

int kl_mmu_fault(struct kl_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct kl_vm *vm = vcpu->vm;
	struct fault f = {
		.gfn = gpa >> PAGE_SHIFT,
		.access = access,
	};
	int ret;

	f.seq = READ_ONCE(vm->mmu.seq);
	/* The slots and the host's tables are looked at after @seq. */
	smp_rmb();

	f.slot = kl_slot_of_gfn(vm, f.gfn);
	if (!f.slot || (is_write(&f) && (f.slot->flags & KVM_MEM_READONLY)))
		return KL_FAULT_MMIO;
	if (log_first_write(vm, &f))
		return KL_FAULT_DONE;

	f.hva = kl_memslot_hva(f.slot, f.gfn);
	ret = host_page_get(&f, &f.host);
	if (ret)
		return host_error(&f, ret);
	f.level = choose_level(vm, &f);
	ret = install(vcpu, &f);
	if (f.host.page)
		put_page(f.host.page);
	return ret;
}

/* Is something mapped at @gfn? @level: of the leaf, or of where one is missing. */
static bool is_mapped(struct kl_mmu *mmu, gfn_t gfn, int *level)
{
	bool mapped;

	spin_lock(&mmu->lock);
	mapped = kl_tdp_present(&mmu->fmt,
				READ_ONCE(*kl_tdp_lookup(mmu, gfn, level)));
	spin_unlock(&mmu->lock);
	return mapped;
}

long kl_mmu_prefault(struct kl_vcpu *vcpu, struct kvm_pre_fault_memory *range)
{
	u64 begun = range->size, step;
	gfn_t gfn;
	int level;
	long ret = 0;

	if (range->flags || !PAGE_ALIGNED(range->gpa) ||
	    !PAGE_ALIGNED(range->size) || !range->size ||
	    range->gpa + range->size <= range->gpa)
		return -EINVAL;
	while (range->size) {
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
		gfn = range->gpa >> PAGE_SHIFT;
		ret = -ENOENT;
		if (gfn >= kl_tdp_end(&vcpu->vm->mmu))
			break;
		if (!is_mapped(&vcpu->vm->mmu, gfn, &level)) {
			ret = kl_mmu_fault(vcpu, range->gpa, KL_FAULT_READ);
			if (ret == KL_FAULT_MMIO)
				ret = -ENOENT;
			if (ret < 0)
				break;
			/* If somebody took the page away again: once more. */
			continue;
		}
		step = (KL_TDP_PAGES(level) - (gfn & (KL_TDP_PAGES(level) - 1)))
		       << PAGE_SHIFT;
		step = min(step, range->size);
		range->gpa += step;
		range->size -= step;
	}
	return range->size < begun ? 0 : ret;
}
