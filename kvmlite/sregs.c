// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET/SET_SREGS and SREGS2: segments, tables, control registers, EFER and
 * the APIC base, all at once and so in any order that makes a legal whole.
 */

#include "cpuid.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "regs.h"
#include "sregs.h"
#include "vendor.h"
#include "vm.h"

/* The part that struct kvm_sregs and kvm_sregs2 have in common, by name. */
#define KL_GET_COMMON(vcpu, s) do {					\
	kl_ops->get_segment(vcpu, KL_SEG_CS, &(s)->cs);			\
	kl_ops->get_segment(vcpu, KL_SEG_DS, &(s)->ds);			\
	kl_ops->get_segment(vcpu, KL_SEG_ES, &(s)->es);			\
	kl_ops->get_segment(vcpu, KL_SEG_FS, &(s)->fs);			\
	kl_ops->get_segment(vcpu, KL_SEG_GS, &(s)->gs);			\
	kl_ops->get_segment(vcpu, KL_SEG_SS, &(s)->ss);			\
	kl_ops->get_segment(vcpu, KL_SEG_TR, &(s)->tr);			\
	kl_ops->get_segment(vcpu, KL_SEG_LDTR, &(s)->ldt);		\
	kl_ops->get_gdt(vcpu, &(s)->gdt);				\
	kl_ops->get_idt(vcpu, &(s)->idt);				\
	(s)->cr0 = kl_cr0(vcpu);					\
	(s)->cr2 = (vcpu)->cr2;						\
	(s)->cr3 = kl_cr3(vcpu);					\
	(s)->cr4 = kl_cr4(vcpu);					\
	(s)->cr8 = kl_get_cr8(vcpu);					\
	(s)->efer = (vcpu)->efer;					\
	(s)->apic_base = (vcpu)->apic_base;				\
} while (0)

void kl_get_sregs2(struct kl_vcpu *vcpu, struct kvm_sregs2 *s)
{
	memset(s, 0, sizeof(*s));
	KL_GET_COMMON(vcpu, s);
	if (kl_is_pae_paging(vcpu)) {
		kl_reg_read(vcpu, KL_REG_PDPTR);
		memcpy(s->pdptrs, vcpu->pdptrs, sizeof(s->pdptrs));
		s->flags |= KVM_SREGS2_FLAGS_PDPTRS_VALID;
	}
}

void kl_get_sregs(struct kl_vcpu *vcpu, struct kvm_sregs *s)
{
	int irq = -1;

	memset(s, 0, sizeof(*s));
	KL_GET_COMMON(vcpu, s);
	if (vcpu->events.interrupt.injected && !vcpu->events.interrupt.soft)
		irq = vcpu->events.interrupt.vector;
	else if (vcpu->user_irq >= 0)
		irq = vcpu->user_irq;
	if (irq >= 0)
		s->interrupt_bitmap[irq / 64] |= BIT_ULL(irq % 64);
}

/* A combination that no sequence of instructions reaches, or the CPU refuses. */
static bool kl_sregs_valid(struct kl_vcpu *vcpu, const struct kvm_sregs2 *s)
{
	u64 efer = s->efer;

	if ((efer & EFER_LME) && (s->cr0 & X86_CR0_PG)) {
		/* IA-32e mode: PAE, LMA, a CR3 the CPU can hold. */
		if (!(s->cr4 & X86_CR4_PAE) || !(efer & EFER_LMA))
			return false;
		if (s->cr3 & vcpu->cpuid.reserved_gpa)
			return false;
	} else {
		if ((efer & EFER_LMA) || s->cs.l)
			return false;
	}
	if (efer & ~(vcpu->cpuid.efer_allowed | (u64)EFER_LMA))
		return false;
	if (s->cr4 & vcpu->cpuid.cr4_reserved || !kl_ops->cr4_ok(vcpu, s->cr4))
		return false;
	if (s->cr0 >> 32)
		return false;
	if ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE))
		return false;
	if ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD))
		return false;
	return s->cr8 < 16;
}

static const struct {
	enum kl_seg seg;
	unsigned int offset;
} kl_sregs_segs[] = {
	{ KL_SEG_CS, offsetof(struct kvm_sregs2, cs) },
	{ KL_SEG_DS, offsetof(struct kvm_sregs2, ds) },
	{ KL_SEG_ES, offsetof(struct kvm_sregs2, es) },
	{ KL_SEG_FS, offsetof(struct kvm_sregs2, fs) },
	{ KL_SEG_GS, offsetof(struct kvm_sregs2, gs) },
	{ KL_SEG_SS, offsetof(struct kvm_sregs2, ss) },
	{ KL_SEG_TR, offsetof(struct kvm_sregs2, tr) },
	{ KL_SEG_LDTR, offsetof(struct kvm_sregs2, ldt) },
};

static long kl_set_sregs_common(struct kl_vcpu *vcpu, const struct kvm_sregs2 *s,
				bool load_pdptrs)
{
	unsigned int i;

	if (!kl_sregs_valid(vcpu, s))
		return -EINVAL;
	if (vcpu->apic_base != s->apic_base &&
	    kl_set_apic_base(vcpu, s->apic_base, true))
		return -EINVAL;

	kl_ops->set_idt(vcpu, &s->idt);
	kl_ops->set_gdt(vcpu, &s->gdt);
	vcpu->cr2 = s->cr2;
	kl_reg_write(vcpu, KL_REG_CR3, s->cr3);
	kl_ops->set_cr3(vcpu, s->cr3);
	kl_set_cr8(vcpu, s->cr8);

	vcpu->efer = s->efer;
	kl_ops->set_efer(vcpu, s->efer);
	kl_ops->set_cr0(vcpu, s->cr0);
	kl_ops->set_cr4(vcpu, s->cr4);
	kl_cpuid_update_runtime(vcpu);
	if (load_pdptrs && kl_is_pae_paging(vcpu))
		kl_load_pdptrs(vcpu, s->cr3);

	for (i = 0; i < ARRAY_SIZE(kl_sregs_segs); i++)
		kl_ops->set_segment(vcpu, kl_sregs_segs[i].seg,
				    (const void *)s + kl_sregs_segs[i].offset);

	/*
	 * An application processor that user space starts at the reset vector
	 * by hand, as for a machine without a LAPIC in the kernel.
	 */
	if (vcpu->id == vcpu->vm->bsp_id && s->cs.selector == 0xf000 &&
	    s->cs.base == 0xffff0000 && kl_rip_read(vcpu) == 0xfff0 &&
	    !(s->cr0 & X86_CR0_PE))
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;

	kl_request(vcpu, KL_REQ_TLB_FLUSH);
	kl_request(vcpu, KL_REQ_EVENT);
	return 0;
}

long kl_set_sregs2(struct kl_vcpu *vcpu, const struct kvm_sregs2 *s)
{
	bool valid_pdptrs = s->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	bool pae = (s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) &&
		   !(s->efer & EFER_LMA);
	long ret;

	if (s->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (valid_pdptrs && !pae)
		return -EINVAL;
	ret = kl_set_sregs_common(vcpu, s, !valid_pdptrs);
	if (ret)
		return ret;
	if (valid_pdptrs) {
		memcpy(vcpu->pdptrs, s->pdptrs, sizeof(vcpu->pdptrs));
		kl_reg_mark_dirty(vcpu, KL_REG_PDPTR);
	}
	return 0;
}

long kl_set_sregs(struct kl_vcpu *vcpu, const struct kvm_sregs *s)
{
	struct kvm_sregs2 s2 = { 0 };
	unsigned int i;
	long ret;

	/* Up to and including apic_base the two structs are laid out alike. */
	BUILD_BUG_ON(offsetof(struct kvm_sregs, interrupt_bitmap) !=
		     offsetof(struct kvm_sregs2, flags));
	memcpy(&s2, s, offsetof(struct kvm_sregs2, flags));
	ret = kl_set_sregs_common(vcpu, &s2, true);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(s->interrupt_bitmap); i++) {
		if (!s->interrupt_bitmap[i])
			continue;
		if (vcpu->apic)
			kl_queue_interrupt(vcpu, i * 64 + __ffs64(s->interrupt_bitmap[i]),
					   false);
		else
			vcpu->user_irq = i * 64 + __ffs64(s->interrupt_bitmap[i]);
		break;
	}
	return 0;
}
