// SPDX-License-Identifier: GPL-2.0
/*
 * Guest registers that live in the VMCB. It is ordinary memory, so reading
 * and writing it costs nothing; only RSP, RIP and RFLAGS, which the
 * vendor-neutral code changes all the time, are written late (run.c).
 */

#include <linux/sched.h>
#include <linux/string.h>
#include <asm/debugreg.h>
#include <asm/kvm.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "../host.h"
#include "../mmu.h"
#include "../regs.h"
#include "../vm.h"
#include "seg.h"
#include "svm.h"

/* Bit 10 reads as one; no breakpoint is enabled. */
#define KL_DR7_RESET	0x400

/* In the type of a system segment: a TSS in use. */
#define KL_TSS_BUSY	0x2

#define KL_CR0_CACHE	(X86_CR0_CD | X86_CR0_NW)

static struct vmcb_seg *kl_svm_seg(struct kl_svm *svm, enum kl_seg seg)
{
	struct vmcb_save_area *save = &svm->vmcb->save;

	switch (seg) {
	case KL_SEG_ES:
		return &save->es;
	case KL_SEG_CS:
		return &save->cs;
	case KL_SEG_SS:
		return &save->ss;
	case KL_SEG_DS:
		return &save->ds;
	case KL_SEG_FS:
		return &save->fs;
	case KL_SEG_GS:
		return &save->gs;
	case KL_SEG_TR:
		return &save->tr;
	default:
		return &save->ldtr;
	}
}

void kl_svm_get_segment(struct kl_vcpu *vcpu, enum kl_seg seg,
			struct kvm_segment *var)
{
	struct kl_svm *svm = to_svm(vcpu);
	const struct vmcb_seg *s = kl_svm_seg(svm, seg);

	memset(var, 0, sizeof(*var));
	var->base = s->base;
	var->limit = s->limit;
	var->selector = s->selector;
	kl_svm_unpack_attrib(s->attrib, var);

	/* The CPU need not keep G; what it means for the limit, it does. */
	var->g = s->limit > 0xfffff;

	switch (seg) {
	case KL_SEG_TR:
		/* A task register that is in use is busy. */
		var->type |= KL_TSS_BUSY;
		break;
	case KL_SEG_SS:
		/*
		 * CPL is kept apart and SS.DPL may be stale after SYSRET; who
		 * looks at SS for the privilege level must find it there.
		 */
		var->dpl = svm->vmcb->save.cpl;
		if (var->unusable)
			var->db = 0;
		break;
	case KL_SEG_DS:
	case KL_SEG_ES:
	case KL_SEG_FS:
	case KL_SEG_GS:
		/* VT-x refuses a usable data segment that was never accessed. */
		if (!var->unusable)
			var->type |= 1;
		break;
	default:
		break;
	}
}

void kl_svm_set_segment(struct kl_vcpu *vcpu, enum kl_seg seg,
			const struct kvm_segment *var)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct vmcb_seg *s = kl_svm_seg(svm, seg);

	s->base = var->base;
	s->limit = var->limit;
	s->selector = var->selector;
	s->attrib = kl_svm_pack_attrib(var);
	if (seg == KL_SEG_SS)
		svm->vmcb->save.cpl = var->dpl & 3;
	/*
	 * LTR marks the descriptor busy in memory; the CPU's copy stays
	 * "available", and QEMU's CPU stops dead where it finds another one.
	 */
	if (seg == KL_SEG_TR)
		s->attrib &= ~KL_TSS_BUSY;
}

int kl_svm_get_cpl(struct kl_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->save.cpl;
}

void kl_svm_get_cs_db_l(struct kl_vcpu *vcpu, int *db, int *l)
{
	u16 attrib = to_svm(vcpu)->vmcb->save.cs.attrib;

	*db = !!(attrib & SVM_SELECTOR_DB_MASK);
	*l = !!(attrib & SVM_SELECTOR_L_MASK);
}

void kl_svm_get_idt(struct kl_vcpu *vcpu, struct kvm_dtable *dt)
{
	const struct vmcb_seg *s = &to_svm(vcpu)->vmcb->save.idtr;

	memset(dt, 0, sizeof(*dt));
	dt->base = s->base;
	dt->limit = s->limit;
}

void kl_svm_set_idt(struct kl_vcpu *vcpu, const struct kvm_dtable *dt)
{
	struct vmcb_seg *s = &to_svm(vcpu)->vmcb->save.idtr;

	s->base = dt->base;
	s->limit = dt->limit;
}

void kl_svm_get_gdt(struct kl_vcpu *vcpu, struct kvm_dtable *dt)
{
	const struct vmcb_seg *s = &to_svm(vcpu)->vmcb->save.gdtr;

	memset(dt, 0, sizeof(*dt));
	dt->base = s->base;
	dt->limit = s->limit;
}

void kl_svm_set_gdt(struct kl_vcpu *vcpu, const struct kvm_dtable *dt)
{
	struct vmcb_seg *s = &to_svm(vcpu)->vmcb->save.gdtr;

	s->base = dt->base;
	s->limit = dt->limit;
}

void kl_svm_cache_reg(struct kl_vcpu *vcpu, enum kl_reg reg)
{
	struct kl_svm *svm = to_svm(vcpu);
	const struct vmcb_save_area *save = &svm->vmcb->save;

	vcpu->regs_avail |= BIT(reg);
	switch (reg) {
	case KL_REG_RSP:
		vcpu->regs[reg] = save->rsp;
		break;
	case KL_REG_RIP:
		vcpu->regs[reg] = save->rip;
		break;
	case KL_REG_RFLAGS:
		vcpu->regs[reg] = save->rflags;
		break;
	case KL_REG_CR0:
		/* TS and MP may have changed without an exit. */
		vcpu->regs[reg] = save->cr0 | svm->cr0_hidden;
		break;
	case KL_REG_CR3:
		vcpu->regs[reg] = save->cr3;
		break;
	case KL_REG_CR4:
		/* Every write is intercepted: vcpu->regs[] is the truth. */
		break;
	case KL_REG_PDPTR:
		/*
		 * The CPU keeps none: with nested paging the entries are read
		 * from memory as they are needed (APM 15.25.10).
		 */
		kl_load_pdptrs(vcpu, kl_cr3(vcpu));
		break;
	default:
		break;
	}
}

void kl_svm_flush_tlb(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	if (kl_svm_caps.flush_by_asid)
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ASID;
	else
		svm->asid_gen = 0;
}

void kl_svm_set_tdp_root(struct kl_vcpu *vcpu, u64 root)
{
	struct kl_svm *svm = to_svm(vcpu);

	svm->vmcb->control.nested_cr3 = root;
	svm->asid_gen = 0;
}

/*
 * SVME must be set for VMRUN to accept the state; no guest sees it. LME means something
 * when PG becomes set, and that write leaves the guest: until then the CPU has no use for
 * it. The emulated CPU of QEMU (7.2) even loses the host's CR0 at the exit of a guest
 * that has LME, but not PAE.
 */
static u64 hw_efer(u64 efer)
{
	if (!(efer & EFER_LMA))
		efer &= ~(u64)EFER_LME;
	return efer | EFER_SVME;
}

void kl_svm_set_efer(struct kl_vcpu *vcpu, u64 efer)
{
	struct vmcb_save_area *save = &to_svm(vcpu)->vmcb->save;

	if (save->efer != hw_efer(efer))
		kl_svm_flush_tlb(vcpu);
	save->efer = hw_efer(efer);
}

/*
 * CD and NW would only make guest memory uncached: firmware leaves them set
 * for long. They are kept from the CPU, and as long as the guest's value
 * differs from the real one, its reads are intercepted too. Otherwise only
 * writes that change something besides TS and MP leave the guest.
 */
void kl_svm_set_cr0(struct kl_vcpu *vcpu, unsigned long cr0)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;
	unsigned long hw = (cr0 & ~KL_CR0_CACHE) | X86_CR0_ET;

	svm->cr0_hidden = cr0 & KL_CR0_CACHE;
	kl_svm_intercept(vmcb, INTERCEPT_CR0_READ, svm->cr0_hidden);
	kl_svm_intercept(vmcb, INTERCEPT_CR0_WRITE, svm->cr0_hidden);

	/* A MOV to CR0 that we do for the guest flushes what the CPU's would. */
	if ((vmcb->save.cr0 ^ hw) & (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE))
		kl_svm_flush_tlb(vcpu);
	vmcb->save.cr0 = hw;
	/* Setting PG activates long mode; the core has worked out LMA. */
	vmcb->save.efer = hw_efer(vcpu->efer);

	vcpu->regs[KL_REG_CR0] = cr0;
	vcpu->regs_avail |= BIT(KL_REG_CR0);
}

void kl_svm_set_cr3(struct kl_vcpu *vcpu, unsigned long cr3)
{
	to_svm(vcpu)->vmcb->save.cr3 = cr3;
	vcpu->regs[KL_REG_CR3] = cr3;
	vcpu->regs_avail |= BIT(KL_REG_CR3);
	vcpu->regs_avail &= ~BIT(KL_REG_PDPTR);
	kl_svm_flush_tlb(vcpu);
}

bool kl_svm_cr4_ok(struct kl_vcpu *vcpu, unsigned long cr4)
{
	return !(cr4 & X86_CR4_VMXE);
}

/* Machine checks stay enabled as the host has them, whatever the guest says. */
void kl_svm_set_cr4(struct kl_vcpu *vcpu, unsigned long cr4)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	unsigned long hw = cr4 | (kl_host_cr4() & X86_CR4_MCE);

	kl_svm_intercept(vmcb, INTERCEPT_CR4_READ, hw != cr4);
	if (vmcb->save.cr4 != hw)
		kl_svm_flush_tlb(vcpu);
	vmcb->save.cr4 = hw;
	vcpu->regs[KL_REG_CR4] = cr4;
	vcpu->regs_avail |= BIT(KL_REG_CR4);
}

void kl_svm_set_dr7(struct kl_vcpu *vcpu, unsigned long dr7)
{
	to_svm(vcpu)->vmcb->save.dr7 = dr7;
}

/* The guest had the debug registers to itself (kl_svm_on_dr()): no longer. */
void kl_svm_sync_drs(struct kl_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	get_debugreg(vcpu->db[0], 0);
	get_debugreg(vcpu->db[1], 1);
	get_debugreg(vcpu->db[2], 2);
	get_debugreg(vcpu->db[3], 3);
	vcpu->dr6 = vmcb->save.dr6;
	vcpu->dr7 = vmcb->save.dr7;
	/* An intercepted #DB is judged by what it left there. */
	if (vmcb->control.exit_code != SVM_EXIT_EXCP_BASE + X86_TRAP_DB)
		vmcb->save.dr6 = DR6_RESERVED;
	kl_svm_intercept_drs(vmcb, true);
	vcpu->dr_dirty = false;
}

static void kl_svm_reset_seg(struct vmcb_seg *s, u16 selector, u16 attrib,
			     u64 base)
{
	s->selector = selector;
	s->attrib = attrib;
	s->limit = 0xffff;
	s->base = base;
}

/* APM 14.1.3, "Processor Initialization State". */
void kl_svm_vcpu_reset(struct kl_vcpu *vcpu, bool init_event)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct vmcb_save_area *save = &svm->vmcb->save;
	const u16 data = 0x3 | SVM_SELECTOR_S_MASK | SVM_SELECTOR_P_MASK;
	const u16 code = data | SVM_SELECTOR_CODE_MASK;

	kl_svm_reset_seg(&save->cs, 0xf000, code, 0xffff0000);
	kl_svm_reset_seg(&save->ds, 0, data, 0);
	kl_svm_reset_seg(&save->es, 0, data, 0);
	kl_svm_reset_seg(&save->fs, 0, data, 0);
	kl_svm_reset_seg(&save->gs, 0, data, 0);
	kl_svm_reset_seg(&save->ss, 0, data, 0);
	kl_svm_reset_seg(&save->gdtr, 0, 0, 0);
	kl_svm_reset_seg(&save->idtr, 0, 0, 0);
	kl_svm_reset_seg(&save->ldtr, 0, 0x2 | SVM_SELECTOR_P_MASK, 0);
	/* A 16-bit TSS; busy, as everybody sees it. */
	kl_svm_reset_seg(&save->tr, 0, 0x1 | SVM_SELECTOR_P_MASK, 0);
	save->cpl = 0;

	save->dr6 = DR6_RESERVED;
	save->dr7 = KL_DR7_RESET;
	save->dbgctl = 0;

	if (!init_event) {
		save->star = 0;
		save->lstar = 0;
		save->cstar = 0;
		save->sfmask = 0;
		save->kernel_gs_base = 0;
		save->sysenter_cs = 0;
		save->sysenter_esp = 0;
		save->sysenter_eip = 0;
	}

	control->event_inj = 0;
	control->int_state = 0;
	kl_svm_end_irq_window(svm);
	kl_svm_set_nmi_mask(vcpu, false);
	svm->soft_exception = false;
	svm->step = false;
	svm->asid_gen = 0;
}
