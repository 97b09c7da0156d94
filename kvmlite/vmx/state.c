// SPDX-License-Identifier: GPL-2.0
/*
 * Guest registers that live in the VMCS.
 */

#include <linux/kvm.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../host.h"
#include "../regs.h"
#include "insn.h"
#include "segment.h"
#include "vmx.h"

/*
 * Bits that the guest may change without an exit: nothing else follows from
 * them, and the host does not care. Of CR4 the guest must have been offered them.
 */
#define KL_CR0_GUEST_OWNED	(X86_CR0_MP | X86_CR0_TS | X86_CR0_WP | X86_CR0_AM)
#define KL_CR4_GUEST_OWNED	(X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE |	\
				 X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR |	\
				 X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

/*
 * When MOV changes one of these the CPU forgets translations (4.10.4.1); where
 * the MOV exits it does not.
 */
#define KL_CR4_FLUSH		(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE |	\
				 X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP |	\
				 X86_CR4_PKE | X86_CR4_LA57)

/* The VMCS's order of the segment fields: ES, CS, SS, DS, FS, GS, LDTR, TR. */
static const u8 kl_vmx_seg_index[KL_NR_SEGS] = {
	[KL_SEG_ES] = 0, [KL_SEG_CS] = 1, [KL_SEG_SS] = 2, [KL_SEG_DS] = 3,
	[KL_SEG_FS] = 4, [KL_SEG_GS] = 5, [KL_SEG_LDTR] = 6, [KL_SEG_TR] = 7,
};

static unsigned long kl_seg_field(unsigned long es_field, enum kl_seg seg)
{
	return es_field + 2 * kl_vmx_seg_index[seg];
}

/* Registers that are not in one field as they are. */
static noinline void kl_vmx_cache_composed(struct kl_vmx *vmx, enum kl_reg reg)
{
	struct kl_vcpu *vcpu = &vmx->vcpu;
	unsigned long owned;

	switch (reg) {
	case KL_REG_CR0:
		owned = vmx->cr0_guest_owned;
		vcpu->regs[reg] = (vcpu->regs[reg] & ~owned) |
				  (kl_vmread(GUEST_CR0) & owned);
		break;
	case KL_REG_CR4:
		owned = vmx->cr4_guest_owned;
		vcpu->regs[reg] = (vcpu->regs[reg] & ~owned) |
				  (kl_vmread(GUEST_CR4) & owned);
		break;
	case KL_REG_PDPTR:
		vcpu->pdptrs[0] = kl_vmread(GUEST_PDPTR0);
		vcpu->pdptrs[1] = kl_vmread(GUEST_PDPTR1);
		vcpu->pdptrs[2] = kl_vmread(GUEST_PDPTR2);
		vcpu->pdptrs[3] = kl_vmread(GUEST_PDPTR3);
		break;
	default:
		/* General registers are always there. */
		break;
	}
}

void kl_vmx_cache_reg(struct kl_vcpu *vcpu, enum kl_reg reg)
{
	static const u16 fields[KL_NR_REGS] = {
		[KL_REG_RSP] = GUEST_RSP, [KL_REG_RIP] = GUEST_RIP,
		[KL_REG_RFLAGS] = GUEST_RFLAGS, [KL_REG_CR3] = GUEST_CR3,
	};

	if (likely(fields[reg]))
		vcpu->regs[reg] = kl_vmread(fields[reg]);
	else
		kl_vmx_cache_composed(to_vmx(vcpu), reg);
	vcpu->regs_avail |= BIT(reg);
}

static u32 kl_vmx_cs_ar(struct kl_vmx *vmx)
{
	if (!(vmx->seg_cached & KL_VMX_CACHED_CS)) {
		vmx->cs_ar = kl_vmread(GUEST_CS_AR_BYTES);
		vmx->seg_cached |= KL_VMX_CACHED_CS;
	}
	return vmx->cs_ar;
}

static u32 kl_vmx_ss_ar(struct kl_vmx *vmx)
{
	if (!(vmx->seg_cached & KL_VMX_CACHED_SS)) {
		vmx->ss_ar = kl_vmread(GUEST_SS_AR_BYTES);
		vmx->seg_cached |= KL_VMX_CACHED_SS;
	}
	return vmx->ss_ar;
}

void kl_vmx_get_segment(struct kl_vcpu *vcpu, enum kl_seg seg,
			struct kvm_segment *var)
{
	var->base = kl_vmread(kl_seg_field(GUEST_ES_BASE, seg));
	var->limit = kl_vmread(kl_seg_field(GUEST_ES_LIMIT, seg));
	var->selector = kl_vmread(kl_seg_field(GUEST_ES_SELECTOR, seg));
	kl_ar_decode(kl_vmread(kl_seg_field(GUEST_ES_AR_BYTES, seg)), var);
}

void kl_vmx_set_segment(struct kl_vcpu *vcpu, enum kl_seg seg,
			const struct kvm_segment *var)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	u32 ar = kl_ar_encode(var);

	/*
	 * Entry insists on the accessed bit (27.3.1.2). A CPU that loaded the
	 * segment would have set it; user space often has not.
	 */
	if (ar & KL_AR_S)
		ar |= 1;

	vmx->seg_cached = 0;
	kl_vmwrite(kl_seg_field(GUEST_ES_BASE, seg), var->base);
	kl_vmwrite(kl_seg_field(GUEST_ES_LIMIT, seg), var->limit);
	kl_vmwrite(kl_seg_field(GUEST_ES_SELECTOR, seg), var->selector);
	kl_vmwrite(kl_seg_field(GUEST_ES_AR_BYTES, seg), ar);
}

/* The CPL is SS's DPL in every mode (25.4.1); in real mode that is 0. */
int kl_vmx_get_cpl(struct kl_vcpu *vcpu)
{
	return kl_ar_dpl(kl_vmx_ss_ar(to_vmx(vcpu)));
}

void kl_vmx_get_cs_db_l(struct kl_vcpu *vcpu, int *db, int *l)
{
	u32 ar = kl_vmx_cs_ar(to_vmx(vcpu));

	*db = !!(ar & KL_AR_DB);
	*l = !!(ar & KL_AR_L);
}

void kl_vmx_get_idt(struct kl_vcpu *vcpu, struct kvm_dtable *dt)
{
	dt->base = kl_vmread(GUEST_IDTR_BASE);
	dt->limit = kl_vmread(GUEST_IDTR_LIMIT);
}

void kl_vmx_set_idt(struct kl_vcpu *vcpu, const struct kvm_dtable *dt)
{
	kl_vmwrite(GUEST_IDTR_BASE, dt->base);
	kl_vmwrite(GUEST_IDTR_LIMIT, dt->limit);
}

void kl_vmx_get_gdt(struct kl_vcpu *vcpu, struct kvm_dtable *dt)
{
	dt->base = kl_vmread(GUEST_GDTR_BASE);
	dt->limit = kl_vmread(GUEST_GDTR_LIMIT);
}

void kl_vmx_set_gdt(struct kl_vcpu *vcpu, const struct kvm_dtable *dt)
{
	kl_vmwrite(GUEST_GDTR_BASE, dt->base);
	kl_vmwrite(GUEST_GDTR_LIMIT, dt->limit);
}

/*
 * EFER.LMA is LME and paging together; the entry control must agree with it, and
 * in IA-32e mode TR must be a busy 64-bit TSS although a guest that has only just
 * set CR0.PG has not loaded one (27.3.1.2).
 */
static void kl_vmx_sync_lma(struct kl_vmx *vmx)
{
	struct kl_vcpu *vcpu = &vmx->vcpu;
	bool lma = (vcpu->efer & EFER_LME) && (vcpu->regs[KL_REG_CR0] & X86_CR0_PG);
	u32 ar;

	if (!lma) {
		vcpu->efer &= ~(u64)EFER_LMA;
		kl_vmx_set_entry_ctl(vmx, 0, VM_ENTRY_IA32E_MODE);
	} else {
		vcpu->efer |= EFER_LMA;
		kl_vmx_set_entry_ctl(vmx, VM_ENTRY_IA32E_MODE, 0);
		ar = kl_vmread(GUEST_TR_AR_BYTES);
		if ((ar & (KL_AR_TYPE | KL_AR_UNUSABLE)) != 11)
			kl_vmwrite(GUEST_TR_AR_BYTES, (ar & ~KL_AR_TYPE) | 11);
	}
	kl_vmwrite(GUEST_IA32_EFER, vcpu->efer);
	/* Whether SYSCALL's registers are needed depends on EFER. */
	kl_vmx_reload_guest_msrs(vmx);
}

void kl_vmx_set_cr0(struct kl_vcpu *vcpu, unsigned long cr0)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	bool paging = (vcpu->regs[KL_REG_CR0] ^ cr0) & X86_CR0_PG;

	vcpu->regs[KL_REG_CR0] = cr0;
	vcpu->regs_avail |= BIT(KL_REG_CR0);
	kl_vmwrite(CR0_READ_SHADOW, cr0);
	/* Entry leaves CD and NW alone: the host's caching is not the guest's. */
	kl_vmwrite(GUEST_CR0, (cr0 & ~(X86_CR0_CD | X86_CR0_NW)) |
			      X86_CR0_NE | X86_CR0_ET);
	if (paging)
		vmx->tlb_flush |= KL_VMX_FLUSH_VPID;
	kl_vmx_sync_lma(vmx);
}

void kl_vmx_set_cr3(struct kl_vcpu *vcpu, unsigned long cr3)
{
	vcpu->regs[KL_REG_CR3] = cr3;
	vcpu->regs_avail |= BIT(KL_REG_CR3);
	vcpu->regs_dirty &= ~BIT(KL_REG_CR3);
	kl_vmwrite(GUEST_CR3, cr3);
	to_vmx(vcpu)->tlb_flush |= KL_VMX_FLUSH_VPID;
}

bool kl_vmx_cr4_ok(struct kl_vcpu *vcpu, unsigned long cr4)
{
	/* No VMX within VMX. */
	return !(cr4 & X86_CR4_VMXE);
}

void kl_vmx_set_cr4(struct kl_vcpu *vcpu, unsigned long cr4)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	if ((vcpu->regs[KL_REG_CR4] ^ cr4) & KL_CR4_FLUSH)
		vmx->tlb_flush |= KL_VMX_FLUSH_VPID;
	vcpu->regs[KL_REG_CR4] = cr4;
	vcpu->regs_avail |= BIT(KL_REG_CR4);
	kl_vmwrite(CR4_READ_SHADOW, cr4);
	/*
	 * A machine check in the guest is the host's affair: with MCE clear it
	 * would shut the machine down.
	 */
	kl_vmwrite(GUEST_CR4, (cr4 & ~X86_CR4_MCE) | X86_CR4_VMXE |
			      (kl_host_cr4() & X86_CR4_MCE));
}

/* Which bits the guest owns depends on what it was offered. */
void kl_vmx_set_cr4_owned(struct kl_vmx *vmx)
{
	struct kl_vcpu *vcpu = &vmx->vcpu;
	unsigned long cr4 = kl_cr4(vcpu);

	vmx->cr0_guest_owned = KL_CR0_GUEST_OWNED;
	vmx->cr4_guest_owned = KL_CR4_GUEST_OWNED & ~vcpu->cpuid.cr4_reserved;
	kl_vmwrite(CR0_GUEST_HOST_MASK, ~vmx->cr0_guest_owned);
	kl_vmwrite(CR4_GUEST_HOST_MASK, ~vmx->cr4_guest_owned);
	kl_vmx_set_cr4(vcpu, cr4);
}

void kl_vmx_set_efer(struct kl_vcpu *vcpu, u64 efer)
{
	vcpu->efer = efer;
	kl_vmx_sync_lma(to_vmx(vcpu));
}

void kl_vmx_set_dr7(struct kl_vcpu *vcpu, unsigned long dr7)
{
	kl_vmwrite(GUEST_DR7, dr7);
}

/*
 * Every MOV to a debug register exits, and #DB does, with its DR6 bits in the
 * exit qualification rather than in DR6: what the CPU holds is what was loaded.
 */
void kl_vmx_sync_drs(struct kl_vcpu *vcpu)
{
	vcpu->dr_dirty = false;
}

void kl_vmx_update_exception_bitmap(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	const u32 sw_bp = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	/*
	 * #UD: the other vendor's hypercall. #DB, #AC: a guest can make their
	 * delivery raise them again without end, with no exit in between. #MC:
	 * the host's.
	 */
	u32 bitmap = BIT(X86_TRAP_UD) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) |
		     BIT(X86_TRAP_MC);

	if ((vcpu->guest_debug & sw_bp) == sw_bp)
		bitmap |= BIT(X86_TRAP_BP);
	if (bitmap == vmx->exception_bitmap)
		return;
	vmx->exception_bitmap = bitmap;
	kl_vmwrite(EXCEPTION_BITMAP, bitmap);
}

void kl_vmx_flush_tlb(struct kl_vcpu *vcpu)
{
	to_vmx(vcpu)->tlb_flush |= KL_VMX_FLUSH_EPT;
}

void kl_vmx_set_tdp_root(struct kl_vcpu *vcpu, u64 root)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	vmx->eptp = root | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4;
	if (kl_vmx_caps.has_ept_ad)
		vmx->eptp |= VMX_EPTP_AD_ENABLE_BIT;
	kl_vmwrite(EPT_POINTER, vmx->eptp);
	vmx->tlb_flush |= KL_VMX_FLUSH_EPT;
}
