// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers: what a guest may write to them, and what follows.
 * SDM vol. 3, 2.5 (control registers) and 4.1 (paging-mode changes).
 */

#include <linux/kvm.h>

#include "kvm_uapi.h"

#include "cpuid.h"
#include "exit.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "regs.h"
#include "vendor.h"
#include "vm.h"

#define KL_CR0_BITS	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			 X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
			 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
/* Changing one of these changes what cached translations mean. */
#define KL_CR0_TLB	(X86_CR0_PG | X86_CR0_WP)
#define KL_CR4_TLB	(X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | \
			 X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PCIDE | \
			 X86_CR4_LA57)
/* With PAE paging, these make the CPU load the PDPTEs again. */
#define KL_CR0_PDPTR	(X86_CR0_CD | X86_CR0_NW | X86_CR0_PG)
#define KL_CR4_PDPTR	(X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_SMEP)

bool kl_is_noncanonical(struct kl_vcpu *vcpu, u64 la)
{
	int bits = kl_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48;

	return (u64)((s64)(la << (64 - bits)) >> (64 - bits)) != la;
}

static int kl_set_cr0(struct kl_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old = kl_cr0(vcpu);
	u64 efer = vcpu->efer;
	int db, l;

	cr0 |= X86_CR0_ET;
	if (cr0 & ~KL_CR0_BITS & 0xffffffff00000000UL)
		return 1;
	cr0 &= KL_CR0_BITS;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return 1;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return 1;
	if (!(cr0 & X86_CR0_PG) &&
	    (kl_is_64bit(vcpu) || (kl_cr4(vcpu) & X86_CR4_PCIDE)))
		return 1;

	if ((efer & EFER_LME) && !(old & X86_CR0_PG) && (cr0 & X86_CR0_PG)) {
		if (!kl_is_pae(vcpu))
			return 1;
		kl_ops->get_cs_db_l(vcpu, &db, &l);
		if (l)
			return 1;
		efer |= EFER_LMA;
	}
	if (!(cr0 & X86_CR0_PG))
		efer &= ~(u64)EFER_LMA;
	if (!(efer & EFER_LMA) && (cr0 & X86_CR0_PG) && kl_is_pae(vcpu) &&
	    ((cr0 ^ old) & KL_CR0_PDPTR) && !kl_load_pdptrs(vcpu, kl_cr3(vcpu)))
		return 1;

	if (efer != vcpu->efer) {
		vcpu->efer = efer;
		kl_ops->set_cr0(vcpu, cr0);
		kl_ops->set_efer(vcpu, efer);
	} else {
		kl_ops->set_cr0(vcpu, cr0);
	}
	if ((cr0 ^ old) & KL_CR0_TLB)
		kl_request(vcpu, KL_REQ_TLB_FLUSH);
	return 0;
}

int kl_set_cr3(struct kl_vcpu *vcpu, unsigned long cr3)
{
	bool noflush = false;

	if (kl_cr4(vcpu) & X86_CR4_PCIDE) {
		noflush = cr3 & X86_CR3_PCID_NOFLUSH;
		cr3 &= ~X86_CR3_PCID_NOFLUSH;
	}
	if (kl_is_long_mode(vcpu) && (cr3 & vcpu->cpuid.reserved_gpa))
		return 1;
	if (kl_is_pae_paging(vcpu) && !kl_load_pdptrs(vcpu, cr3))
		return 1;
	kl_reg_write(vcpu, KL_REG_CR3, cr3);
	kl_ops->set_cr3(vcpu, cr3);
	if (!noflush)
		kl_request(vcpu, KL_REQ_TLB_FLUSH);
	return 0;
}

static int kl_set_cr4(struct kl_vcpu *vcpu, unsigned long cr4)
{
	unsigned long old = kl_cr4(vcpu);

	if (cr4 & vcpu->cpuid.cr4_reserved)
		return 1;
	if (!kl_ops->cr4_ok(vcpu, cr4))
		return 1;
	if (kl_is_long_mode(vcpu)) {
		if (!(cr4 & X86_CR4_PAE) || ((cr4 ^ old) & X86_CR4_LA57))
			return 1;
	} else if (kl_is_paging(vcpu) && (cr4 & X86_CR4_PAE) &&
		   ((cr4 ^ old) & KL_CR4_PDPTR) &&
		   !kl_load_pdptrs(vcpu, kl_cr3(vcpu))) {
		return 1;
	}
	if ((cr4 & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE) &&
	    (!kl_is_long_mode(vcpu) || (kl_cr3(vcpu) & X86_CR3_PCID_MASK)))
		return 1;

	kl_ops->set_cr4(vcpu, cr4);
	if ((cr4 ^ old) & X86_CR4_OSXSAVE)
		kl_cpuid_update_runtime(vcpu);
	if ((cr4 ^ old) & KL_CR4_TLB)
		kl_request(vcpu, KL_REQ_TLB_FLUSH);
	return 0;
}

unsigned long kl_get_cr8(struct kl_vcpu *vcpu)
{
	return vcpu->apic ? kl_lapic_get_cr8(vcpu) : vcpu->cr8;
}

int kl_set_cr8(struct kl_vcpu *vcpu, unsigned long cr8)
{
	if (cr8 > 15)
		return 1;
	if (vcpu->apic)
		kl_lapic_set_cr8(vcpu, cr8);
	else
		vcpu->cr8 = cr8;
	return 0;
}

static void kl_lmsw(struct kl_vcpu *vcpu, unsigned long msw)
{
	/* LMSW sets PE but cannot clear it. */
	kl_set_cr0(vcpu, (kl_cr0(vcpu) & ~0xeUL) | (msw & 0xf));
}

int kl_set_efer(struct kl_vcpu *vcpu, u64 efer, bool host_initiated)
{
	u64 old = vcpu->efer;

	if (efer & ~(vcpu->cpuid.efer_allowed | (u64)EFER_LMA))
		return 1;
	if (!host_initiated) {
		if (kl_is_paging(vcpu) && ((efer ^ old) & EFER_LME))
			return 1;
		efer = (efer & ~(u64)EFER_LMA) | (old & EFER_LMA);
	}
	vcpu->efer = efer;
	kl_ops->set_efer(vcpu, efer);
	if ((efer ^ old) & (EFER_NX | EFER_LME))
		kl_request(vcpu, KL_REQ_TLB_FLUSH);
	return 0;
}

int kl_set_xcr0(struct kl_vcpu *vcpu, u32 index, u64 xcr)
{
	/* SDM vol. 1, 13.3: x87 always; each group whole or not at all. */
	if (index || !(xcr & XFEATURE_MASK_FP))
		return 1;
	if ((xcr & XFEATURE_MASK_YMM) && !(xcr & XFEATURE_MASK_SSE))
		return 1;
	if (xcr & ~(vcpu->cpuid.xcr0_allowed | XFEATURE_MASK_FP))
		return 1;
	if (xcr & XFEATURE_MASK_AVX512) {
		if ((xcr & XFEATURE_MASK_AVX512) != XFEATURE_MASK_AVX512 ||
		    !(xcr & XFEATURE_MASK_YMM))
			return 1;
	}
	vcpu->xcr0 = xcr;
	kl_cpuid_update_runtime(vcpu);
	return 0;
}

int kl_exit_mov_to_cr(struct kl_vcpu *vcpu, int cr, int reg)
{
	unsigned long val = kl_reg_read(vcpu, reg), old;
	int ret;

	vcpu->stats.cr++;
	if (!kl_is_64bit(vcpu))
		val = (u32)val;
	switch (cr) {
	case 0:
		ret = kl_set_cr0(vcpu, val);
		break;
	case 3:
		ret = kl_set_cr3(vcpu, val);
		break;
	case 4:
		ret = kl_set_cr4(vcpu, val);
		break;
	case 8:
		old = kl_get_cr8(vcpu);
		ret = kl_set_cr8(vcpu, val);
		if (ret)
			break;
		ret = kl_skip_insn(vcpu);
		/* User space's LAPIC must know when lower vectors may go. */
		if (ret > 0 && !vcpu->apic && val < old) {
			vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
			return 0;
		}
		return ret;
	default:
		kl_queue_exception(vcpu, X86_TRAP_UD);
		return 1;
	}
	if (ret) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	return kl_skip_insn(vcpu);
}

int kl_exit_mov_from_cr(struct kl_vcpu *vcpu, int cr, int reg)
{
	unsigned long val;

	vcpu->stats.cr++;
	switch (cr) {
	case 0:
		val = kl_cr0(vcpu);
		break;
	case 2:
		val = vcpu->cr2;
		break;
	case 3:
		val = kl_cr3(vcpu);
		break;
	case 4:
		val = kl_cr4(vcpu);
		break;
	case 8:
		val = kl_get_cr8(vcpu);
		break;
	default:
		kl_queue_exception(vcpu, X86_TRAP_UD);
		return 1;
	}
	kl_reg_write(vcpu, reg, kl_is_64bit(vcpu) ? val : (u32)val);
	return kl_skip_insn(vcpu);
}

int kl_exit_clts(struct kl_vcpu *vcpu)
{
	vcpu->stats.cr++;
	kl_ops->set_cr0(vcpu, kl_cr0(vcpu) & ~X86_CR0_TS);
	return kl_skip_insn(vcpu);
}

int kl_exit_lmsw(struct kl_vcpu *vcpu, u16 msw)
{
	vcpu->stats.cr++;
	kl_lmsw(vcpu, msw);
	return kl_skip_insn(vcpu);
}
