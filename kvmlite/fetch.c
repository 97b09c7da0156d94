// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction at RIP, for exits that do not tell what the guest was doing.
 *
 * A guest that drives a device leaves from the same few places again and again,
 * and the walk of its page tables costs more than all the rest. So what the last
 * walk read is kept: where each entry lies in the VMM, and what it said. While
 * they all still say the same, under the same registers and slots, a new walk
 * would come to the same page. Nothing can be stale that way, and nobody has to
 * tell of a change.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "exit.h"
#include "mmu_internal.h"
#include "regs.h"
#include "vendor.h"

enum kl_mode kl_code_mode(struct kl_vcpu *vcpu)
{
	int db, l;

	kl_ops->get_cs_db_l(vcpu, &db, &l);
	if (l && kl_is_long_mode(vcpu))
		return KL_MODE_LONG64;
	if (!kl_is_protected(vcpu))
		return KL_MODE_REAL;
	if (kl_rflags_read(vcpu) & X86_EFLAGS_VM)
		return KL_MODE_VM86;
	return db ? KL_MODE_PROT32 : KL_MODE_PROT16;
}

u32 kl_cpl_access(struct kl_vcpu *vcpu)
{
	return kl_ops->get_cpl(vcpu) == 3 ? KL_ACCESS_USER : 0;
}

/*
 * As the last time? Each entry of the guest's is read once, after @seq: if that
 * is the same, the slots are (kl_mmu_fault() has the other side of it).
 */
static bool kl_fetch_again(struct kl_vcpu *vcpu, u64 la, u32 access,
			   u8 bytes[KL_FETCH_BUF])
{
	const struct kl_code_page *c = &vcpu->code;
	const struct kl_walked *e, *end = c->entry + c->nr;
	unsigned int off = offset_in_page(la);
	u64 val[2];

	if (!c->known || c->linear != la - off || off > PAGE_SIZE - KL_FETCH_BUF ||
	    c->access != access || c->seq != READ_ONCE(vcpu->vm->mmu.seq) ||
	    c->cr3 != kl_cr3(vcpu) || c->cr0 != kl_cr0(vcpu) ||
	    c->cr4 != kl_cr4(vcpu) || c->efer != vcpu->efer)
		return false;
	/* The entries are looked at after @seq. */
	smp_rmb();

	/* That slots lie in user space was checked when they were made. */
	if (!user_read_access_begin((void __user *)c->hva, PAGE_SIZE))
		return false;
	for (e = c->entry; e < end; e++) {
		unsafe_get_user(val[0], (u64 __user *)e->hva, other);
		if (val[0] != e->val)
			goto other;
	}
	unsafe_get_user(val[0], (u64 __user *)(c->hva + off), other);
	unsafe_get_user(val[1], (u64 __user *)(c->hva + off + 8), other);
	user_read_access_end();
	/* No instruction has a sixteenth byte. */
	val[1] &= ~0ULL >> 8;
	memcpy(bytes, val, KL_FETCH_BUF);
	return true;

other:
	user_read_access_end();
	return false;
}

/* The bytes up to the end of the page; as kl_gva_read(). */
static int kl_fetch_anew(struct kl_vcpu *vcpu, u64 la, u32 access, u8 *bytes,
			 unsigned int len, struct kl_exception *fault)
{
	struct kl_code_page *c = &vcpu->code;
	gpa_t gpa;
	int ret;

	c->known = false;
	c->exact = true;
	c->nr = 0;
	c->seq = READ_ONCE(vcpu->vm->mmu.seq);
	/* The slots are looked at after @seq. */
	smp_rmb();

	ret = kl_gva_walk(vcpu, la, access, &gpa, fault, c);
	if (!ret)
		ret = kl_gpa_read(vcpu->vm, gpa, bytes, len);
	/* PAE's top level is in registers that are not compared. */
	if (ret || !c->exact || kl_is_pae_paging(vcpu))
		return ret;

	c->hva = kl_gpa_hva(vcpu->vm, gpa & PAGE_MASK);
	c->linear = la & PAGE_MASK;
	c->access = access;
	c->cr0 = kl_cr0(vcpu);
	c->cr3 = kl_cr3(vcpu);
	c->cr4 = kl_cr4(vcpu);
	c->efer = vcpu->efer;
	c->known = c->hva;
	return 0;
}

int kl_fetch_insn(struct kl_vcpu *vcpu, enum kl_mode mode, u8 bytes[KL_FETCH_BUF])
{
	u32 access = KL_ACCESS_FETCH | KL_ACCESS_SET_AD | kl_cpl_access(vcpu);
	u64 la = kl_rip_read(vcpu);
	struct kl_exception fault;
	struct kvm_segment cs;
	int first, ret;

	if (mode != KL_MODE_LONG64) {
		kl_ops->get_segment(vcpu, KL_SEG_CS, &cs);
		la = (u32)(cs.base + la);
	}
	if (likely(kl_fetch_again(vcpu, la, access, bytes)))
		return KL_INSN_MAX;

	memset(bytes, 0, KL_FETCH_BUF);
	first = min_t(int, KL_INSN_MAX, PAGE_SIZE - offset_in_page(la));
	ret = kl_fetch_anew(vcpu, la, access, bytes, first, &fault);
	if (ret == 1)
		kl_queue_page_fault(vcpu, fault.payload, fault.error_code);
	if (ret)
		return 0;
	if (first < KL_INSN_MAX &&
	    !kl_gva_read(vcpu, la + first, bytes + first, KL_INSN_MAX - first,
			 access, &fault))
		return KL_INSN_MAX;
	return first;
}
