// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers that VMX switches, or that are switched around the
 * guest by hand; the MSR bitmap; the guest's TSC.
 */

#include <linux/bitmap.h>
#include <asm/msr.h>

#include "../host.h"
#include "../regs.h"
#include "insn.h"
#include "vmx.h"

/*
 * SYSCALL's registers: the kernel uses them on the way from user space only, so
 * the guest's values stay until the next return to it. CSTAR is among them for
 * its value's sake; an Intel CPU never uses it.
 */
static const u32 kl_vmx_syscall_msrs[KL_VMX_NR_SYSCALL_MSRS] = {
	MSR_STAR, MSR_LSTAR, MSR_SYSCALL_MASK, MSR_CSTAR,
};

#define KL_VMX_NR_SYSCALL_SWITCHED	3

static int kl_vmx_syscall_slot[KL_VMX_NR_SYSCALL_SWITCHED] __ro_after_init;
static int kl_vmx_tsc_aux_slot __ro_after_init;

/* Registers the CPU saves and loads at every exit and entry, or by hand. */
static const u32 kl_vmx_passed_through[] = {
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

void kl_vmx_msr_init(void)
{
	int i;

	for (i = 0; i < KL_VMX_NR_SYSCALL_SWITCHED; i++)
		kl_vmx_syscall_slot[i] = kl_uret_add(kl_vmx_syscall_msrs[i]);
	kl_vmx_tsc_aux_slot = kl_uret_add(MSR_TSC_AUX);
}

/*
 * The bitmap page (25.6.9): a bit each for reads of 0…0x1fff and 0xc0000000…,
 * then for writes of them. 1 exits; an MSR outside both ranges always does.
 */
static void kl_vmx_pass(unsigned long *bitmap, u32 msr, bool write)
{
	u32 bit = msr & 0x1fff;

	if (msr & 0xc0000000)
		bit += 0x400 * 8;
	if (write)
		bit += 0x800 * 8;
	__clear_bit(bit, bitmap);
}

void kl_vmx_init_msr_bitmap(struct kl_vmx *vmx)
{
	int i;

	bitmap_fill(vmx->msr_bitmap, PAGE_SIZE * 8);
	/* A filter looks at every access: nothing goes past it. */
	if (rcu_access_pointer(vmx->vcpu.vm->msr_filter))
		return;
	for (i = 0; i < ARRAY_SIZE(kl_vmx_passed_through); i++) {
		kl_vmx_pass(vmx->msr_bitmap, kl_vmx_passed_through[i], false);
		kl_vmx_pass(vmx->msr_bitmap, kl_vmx_passed_through[i], true);
	}
	/* Offset and ratio apply to RDMSR as to RDTSC (26.3). */
	kl_vmx_pass(vmx->msr_bitmap, MSR_IA32_TSC, false);
}

void kl_vmx_msr_filter_changed(struct kl_vcpu *vcpu)
{
	kl_vmx_init_msr_bitmap(to_vmx(vcpu));
}

/* Registers left to the next return to user space. Preemption off. */
void kl_vmx_load_guest_msrs(struct kl_vmx *vmx)
{
	struct kl_vcpu *vcpu = &vmx->vcpu;
	int i, slot;

	/* SYSCALL is invalid otherwise, and every change costs two WRMSRs. */
	if ((vcpu->efer & (EFER_SCE | EFER_LMA)) == (EFER_SCE | EFER_LMA)) {
		for (i = 0; i < KL_VMX_NR_SYSCALL_SWITCHED; i++) {
			slot = kl_vmx_syscall_slot[i];
			if (slot >= 0)
				kl_uret_load(slot, vmx->syscall_msr[i]);
		}
	}
	if (kl_vmx_tsc_aux_slot >= 0 &&
	    (vmx->sec_ctl & SECONDARY_EXEC_ENABLE_RDTSCP))
		kl_uret_load(kl_vmx_tsc_aux_slot, vcpu->tsc_aux);
}

void kl_vmx_reload_guest_msrs(struct kl_vmx *vmx)
{
	preempt_disable();
	if (vmx->host.saved)
		kl_vmx_load_guest_msrs(vmx);
	preempt_enable();
}

static int kl_vmx_syscall_index(u32 msr)
{
	int i;

	for (i = 0; i < KL_VMX_NR_SYSCALL_MSRS; i++)
		if (kl_vmx_syscall_msrs[i] == msr)
			return i;
	return -1;
}

static u64 kl_vmx_get_kernel_gs_base(struct kl_vmx *vmx)
{
	preempt_disable();
	if (vmx->host.saved)
		rdmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
	preempt_enable();
	return vmx->guest_kernel_gs_base;
}

static void kl_vmx_set_kernel_gs_base(struct kl_vmx *vmx, u64 val)
{
	preempt_disable();
	vmx->guest_kernel_gs_base = val;
	if (vmx->host.saved)
		wrmsrl(MSR_KERNEL_GS_BASE, val);
	preempt_enable();
}

static bool kl_vmx_has_tsc_aux(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	return msr->host_initiated || kl_guest_has(vcpu, X86_FEATURE_RDTSCP) ||
	       kl_guest_has(vcpu, X86_FEATURE_RDPID);
}

int kl_vmx_msr_get(struct kl_vcpu *vcpu, struct kl_msr *msr)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	int i;

	switch (msr->index) {
	case MSR_FS_BASE:
		msr->data = kl_vmread(GUEST_FS_BASE);
		return 0;
	case MSR_GS_BASE:
		msr->data = kl_vmread(GUEST_GS_BASE);
		return 0;
	case MSR_KERNEL_GS_BASE:
		msr->data = kl_vmx_get_kernel_gs_base(vmx);
		return 0;
	case MSR_IA32_SYSENTER_CS:
		msr->data = kl_vmread(GUEST_SYSENTER_CS);
		return 0;
	case MSR_IA32_SYSENTER_ESP:
		msr->data = kl_vmread(GUEST_SYSENTER_ESP);
		return 0;
	case MSR_IA32_SYSENTER_EIP:
		msr->data = kl_vmread(GUEST_SYSENTER_EIP);
		return 0;
	case MSR_STAR:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_SYSCALL_MASK:
		i = kl_vmx_syscall_index(msr->index);
		msr->data = vmx->syscall_msr[i];
		return 0;
	case MSR_TSC_AUX:
		if (!kl_vmx_has_tsc_aux(vcpu, msr))
			return 1;
		msr->data = vcpu->tsc_aux;
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		msr->data = kl_vmread(GUEST_IA32_DEBUGCTL);
		return 0;
	case MSR_IA32_FEAT_CTL:
		msr->data = vmx->feat_ctl;
		return 0;
	default:
		return KL_MSR_UNKNOWN;
	}
}

int kl_vmx_msr_set(struct kl_vcpu *vcpu, struct kl_msr *msr)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	u64 data = msr->data;
	int i;

	switch (msr->index) {
	case MSR_FS_BASE:
		if (kl_is_noncanonical(vcpu, data))
			return 1;
		kl_vmwrite(GUEST_FS_BASE, data);
		return 0;
	case MSR_GS_BASE:
		if (kl_is_noncanonical(vcpu, data))
			return 1;
		kl_vmwrite(GUEST_GS_BASE, data);
		return 0;
	case MSR_KERNEL_GS_BASE:
		if (kl_is_noncanonical(vcpu, data))
			return 1;
		kl_vmx_set_kernel_gs_base(vmx, data);
		return 0;
	case MSR_IA32_SYSENTER_CS:
		kl_vmwrite(GUEST_SYSENTER_CS, (u32)data);
		return 0;
	case MSR_IA32_SYSENTER_ESP:
		if (kl_is_noncanonical(vcpu, data))
			return 1;
		kl_vmwrite(GUEST_SYSENTER_ESP, data);
		return 0;
	case MSR_IA32_SYSENTER_EIP:
		if (kl_is_noncanonical(vcpu, data))
			return 1;
		kl_vmwrite(GUEST_SYSENTER_EIP, data);
		return 0;
	case MSR_LSTAR:
	case MSR_CSTAR:
		if (kl_is_noncanonical(vcpu, data))
			return 1;
		fallthrough;
	case MSR_STAR:
	case MSR_SYSCALL_MASK:
		/* The mask's upper half is reserved: writing it is #GP. */
		if (msr->index == MSR_SYSCALL_MASK && data >> 32)
			return 1;
		i = kl_vmx_syscall_index(msr->index);
		vmx->syscall_msr[i] = data;
		kl_vmx_reload_guest_msrs(vmx);
		return 0;
	case MSR_TSC_AUX:
		if (!kl_vmx_has_tsc_aux(vcpu, msr) || data >> 32)
			return 1;
		vcpu->tsc_aux = data;
		kl_vmx_reload_guest_msrs(vmx);
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		if (data & ~(DEBUGCTLMSR_BTF | DEBUGCTLMSR_LBR))
			return 1;
		/* No last-branch records are offered; starting them is harmless. */
		kl_vmwrite(GUEST_IA32_DEBUGCTL, data & DEBUGCTLMSR_BTF);
		return 0;
	case MSR_IA32_FEAT_CTL:
		if (data & ~(u64)FEAT_CTL_LOCKED)
			return 1;
		if (!msr->host_initiated && (vmx->feat_ctl & FEAT_CTL_LOCKED))
			return 1;
		vmx->feat_ctl = data;
		return 0;
	default:
		return KL_MSR_UNKNOWN;
	}
}

/* VMX is not offered to guests, so neither are the MSRs that describe it. */
int kl_vmx_msr_feature(u32 index, u64 *data)
{
	return KL_MSR_UNKNOWN;
}

void kl_vmx_write_tsc_offset(struct kl_vcpu *vcpu, u64 offset)
{
	kl_vmwrite(TSC_OFFSET, offset);
}

void kl_vmx_write_tsc_ratio(struct kl_vcpu *vcpu, u64 ratio)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	if (!(kl_vmx_caps.ctl.sec & SECONDARY_EXEC_TSC_SCALING))
		return;
	if (ratio)
		kl_vmwrite(TSC_MULTIPLIER, ratio);
	kl_vmx_set_sec_ctl(vmx, ratio ? SECONDARY_EXEC_TSC_SCALING : 0,
			   SECONDARY_EXEC_TSC_SCALING);
}
