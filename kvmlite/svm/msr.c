// SPDX-License-Identifier: GPL-2.0
/* Registers that the VMCB holds, and which of them the guest reaches directly. */

#include <linux/bitmap.h>
#include <asm/msr-index.h>

#include "../msr_filter.h"
#include "../regs.h"
#include "../vm.h"
#include "msrpm.h"
#include "svm.h"

/*
 * VMLOAD and VMSAVE switch these with the guest, so that an intercept would
 * serve nothing. Address checks are the CPU's own.
 */
static const u32 kl_svm_direct_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

static void kl_svm_direct(struct kl_vcpu *vcpu, u32 msr)
{
	unsigned long *map = to_svm(vcpu)->msrpm;
	int bit = kl_msrpm_bit(msr);

	__assign_bit(bit, map, !kl_msr_allowed(vcpu, msr, KVM_MSR_FILTER_READ));
	__assign_bit(bit + 1, map,
		     !kl_msr_allowed(vcpu, msr, KVM_MSR_FILTER_WRITE));
}

void kl_svm_msr_filter_changed(struct kl_vcpu *vcpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kl_svm_direct_msrs); i++)
		kl_svm_direct(vcpu, kl_svm_direct_msrs[i]);
}

static u64 *kl_svm_msr(struct kl_svm *svm, u32 index)
{
	struct vmcb_save_area *save = &svm->vmcb->save;

	switch (index) {
	case MSR_STAR:
		return &save->star;
	case MSR_LSTAR:
		return &save->lstar;
	case MSR_CSTAR:
		return &save->cstar;
	case MSR_SYSCALL_MASK:
		return &save->sfmask;
	case MSR_KERNEL_GS_BASE:
		return &save->kernel_gs_base;
	case MSR_FS_BASE:
		return &save->fs.base;
	case MSR_GS_BASE:
		return &save->gs.base;
	case MSR_IA32_SYSENTER_CS:
		return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &save->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &save->sysenter_eip;
	default:
		return NULL;
	}
}

static bool kl_svm_msr_is_address(u32 index)
{
	switch (index) {
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_KERNEL_GS_BASE:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		return true;
	default:
		return false;
	}
}

/* Not switched by VMRUN: a user-return MSR, loaded with the vCPU. */
static bool kl_svm_has_tsc_aux(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	return msr->host_initiated || kl_guest_has(vcpu, X86_FEATURE_RDTSCP) ||
	       kl_guest_has(vcpu, X86_FEATURE_RDPID);
}

static int kl_svm_set_tsc_aux(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	if (!kl_svm_has_tsc_aux(vcpu, msr) || msr->data >> 32)
		return 1;
	/* The next kl_svm_prepare_run() sees the difference. */
	vcpu->tsc_aux = msr->data;
	return 0;
}

int kl_svm_msr_get(struct kl_vcpu *vcpu, struct kl_msr *msr)
{
	const u64 *val = kl_svm_msr(to_svm(vcpu), msr->index);

	if (msr->index == MSR_TSC_AUX) {
		msr->data = vcpu->tsc_aux;
		return !kl_svm_has_tsc_aux(vcpu, msr);
	}
	if (!val)
		return KL_MSR_UNKNOWN;
	msr->data = *val;
	return 0;
}

int kl_svm_msr_set(struct kl_vcpu *vcpu, struct kl_msr *msr)
{
	u64 *val = kl_svm_msr(to_svm(vcpu), msr->index);

	if (msr->index == MSR_TSC_AUX)
		return kl_svm_set_tsc_aux(vcpu, msr);
	if (!val)
		return KL_MSR_UNKNOWN;
	if (kl_svm_msr_is_address(msr->index) &&
	    kl_is_noncanonical(vcpu, msr->data))
		return 1;
	*val = msr->data;
	return 0;
}

/* None that describes what SVM can do: nested virtualization is not offered. */
int kl_svm_msr_feature(u32 index, u64 *data)
{
	return KL_MSR_UNKNOWN;
}
