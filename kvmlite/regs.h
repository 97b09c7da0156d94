/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_REGS_H
#define KVMLITE_REGS_H

/*
 * The guest's registers as the vendor-neutral code sees them.
 *
 * The sixteen general registers live in vcpu->regs[] and are loaded and
 * stored by the entry code. What the hardware keeps in its control structure
 * (RSP, RIP, RFLAGS and CR3 everywhere; CR0 and CR4 as far as the guest owns
 * bits of them) is fetched on first use after an exit and written back before
 * the next entry: regs_avail says which copies are current, regs_dirty which
 * ones the hardware does not know yet.
 *
 * Context of every accessor: the vCPU is loaded on this CPU (vcpu_load), or
 * is being created or destroyed and nobody else can see it.
 */

#include "vcpu.h"
#include "vendor.h"

static inline bool kl_reg_is_avail(const struct kl_vcpu *vcpu, enum kl_reg reg)
{
	return vcpu->regs_avail & BIT(reg);
}

static inline void kl_reg_mark_dirty(struct kl_vcpu *vcpu, enum kl_reg reg)
{
	vcpu->regs_avail |= BIT(reg);
	vcpu->regs_dirty |= BIT(reg);
}

static inline unsigned long kl_reg_read(struct kl_vcpu *vcpu, enum kl_reg reg)
{
	if (!kl_reg_is_avail(vcpu, reg))
		kl_ops->cache_reg(vcpu, reg);
	return vcpu->regs[reg];
}

static inline void kl_reg_write(struct kl_vcpu *vcpu, enum kl_reg reg,
				unsigned long val)
{
	vcpu->regs[reg] = val;
	kl_reg_mark_dirty(vcpu, reg);
}

/* The low halves of RDX:RAX, the way MSR and XCR instructions pair them. */
static inline u64 kl_read_edx_eax(struct kl_vcpu *vcpu)
{
	return (u32)vcpu->regs[KL_REG_RAX] |
	       (u64)(u32)vcpu->regs[KL_REG_RDX] << 32;
}

static inline void kl_write_edx_eax(struct kl_vcpu *vcpu, u64 val)
{
	vcpu->regs[KL_REG_RAX] = (u32)val;
	vcpu->regs[KL_REG_RDX] = (u32)(val >> 32);
}

static inline unsigned long kl_rip_read(struct kl_vcpu *vcpu)
{
	return kl_reg_read(vcpu, KL_REG_RIP);
}

static inline void kl_rip_write(struct kl_vcpu *vcpu, unsigned long val)
{
	kl_reg_write(vcpu, KL_REG_RIP, val);
}

static inline unsigned long kl_rflags_read(struct kl_vcpu *vcpu)
{
	return kl_reg_read(vcpu, KL_REG_RFLAGS);
}

static inline void kl_rflags_write(struct kl_vcpu *vcpu, unsigned long val)
{
	kl_reg_write(vcpu, KL_REG_RFLAGS, val | X86_EFLAGS_FIXED);
}

static inline unsigned long kl_cr0(struct kl_vcpu *vcpu)
{
	return kl_reg_read(vcpu, KL_REG_CR0);
}

static inline unsigned long kl_cr3(struct kl_vcpu *vcpu)
{
	return kl_reg_read(vcpu, KL_REG_CR3);
}

static inline unsigned long kl_cr4(struct kl_vcpu *vcpu)
{
	return kl_reg_read(vcpu, KL_REG_CR4);
}

static inline bool kl_is_protected(struct kl_vcpu *vcpu)
{
	return kl_cr0(vcpu) & X86_CR0_PE;
}

static inline bool kl_is_paging(struct kl_vcpu *vcpu)
{
	return kl_cr0(vcpu) & X86_CR0_PG;
}

static inline bool kl_is_pae(struct kl_vcpu *vcpu)
{
	return kl_cr4(vcpu) & X86_CR4_PAE;
}

/* IA-32e mode is active: 64-bit or compatibility sub-mode. */
static inline bool kl_is_long_mode(struct kl_vcpu *vcpu)
{
	return vcpu->efer & EFER_LMA;
}

static inline bool kl_is_pae_paging(struct kl_vcpu *vcpu)
{
	return !kl_is_long_mode(vcpu) && kl_is_pae(vcpu) && kl_is_paging(vcpu);
}

/* Executing 64-bit code: long mode and CS.L. */
static inline bool kl_is_64bit(struct kl_vcpu *vcpu)
{
	int db, l;

	if (!kl_is_long_mode(vcpu))
		return false;
	kl_ops->get_cs_db_l(vcpu, &db, &l);
	return l;
}

/* The guest asked for CPUID to fault outside ring 0. */
static inline bool kl_cpuid_faults(const struct kl_vcpu *vcpu)
{
	return vcpu->misc_features_enables & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT;
}

/* Control-register writes with the architecture's checks; 0, or 1 for #GP. */
int kl_set_cr8(struct kl_vcpu *vcpu, unsigned long cr8);
unsigned long kl_get_cr8(struct kl_vcpu *vcpu);
int kl_set_efer(struct kl_vcpu *vcpu, u64 efer, bool host_initiated);
int kl_set_xcr0(struct kl_vcpu *vcpu, u32 index, u64 xcr);

/* General detect: any access to a debug register traps. */
#define KL_DR7_GD	BIT(13)
#define KL_DR7_FIXED	BIT(10)

/* Debug registers; 0, or 1 for #GP (the caller has dealt with CR4.DE). */
int kl_set_dr(struct kl_vcpu *vcpu, int dr, unsigned long val);
/* Recompute DR7 for the hardware and the #DB/#BP intercepts. */
void kl_update_debug(struct kl_vcpu *vcpu);

bool kl_is_noncanonical(struct kl_vcpu *vcpu, u64 la);

#endif
