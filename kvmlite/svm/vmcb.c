// SPDX-License-Identifier: GPL-2.0
/* The control block of a vCPU: allocation, and what leaves the guest. */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "../vm.h"
#include "../vendor.h"
#include "msrpm.h"
#include "svm.h"

/* Three pages of ones: every port access is ours, also those that wrap. */
#define KL_IOPM_ORDER	2

/* A guest in a spin loop leaves after so many PAUSEs close together. */
#define KL_PAUSE_COUNT		3000
#define KL_PAUSE_THRESHOLD	128

static struct page *kl_svm_iopm;
phys_addr_t kl_svm_iopm_pa;

int kl_svm_init_iopm(void)
{
	kl_svm_iopm = alloc_pages(GFP_KERNEL, KL_IOPM_ORDER);
	if (!kl_svm_iopm)
		return -ENOMEM;
	memset(page_address(kl_svm_iopm), 0xff, PAGE_SIZE << KL_IOPM_ORDER);
	kl_svm_iopm_pa = page_to_phys(kl_svm_iopm);
	return 0;
}

void kl_svm_free_iopm(void)
{
	__free_pages(kl_svm_iopm, KL_IOPM_ORDER);
}

/*
 * #DB and #AC: a guest can make their delivery raise them again, for ever and
 * without an instruction boundary at which an interrupt could end guest mode.
 */
void kl_svm_update_exception_bitmap(struct kl_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	u32 mask = BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC) |
		   BIT(X86_TRAP_UD);

	if ((vcpu->guest_debug & KVM_GUESTDBG_ENABLE) &&
	    (vcpu->guest_debug & KVM_GUESTDBG_USE_SW_BP))
		mask |= BIT(X86_TRAP_BP);
	vmcb->control.intercepts[INTERCEPT_EXCEPTION] = mask;

	/* The debug registers were the guest's for its next entry; no more. */
	if (vcpu->guest_debug && vcpu->dr_dirty) {
		kl_svm_intercept_drs(vmcb, true);
		vcpu->dr_dirty = false;
	}
}

/* Instructions the guest may execute only if its CPUID says so. */
void kl_svm_cpuid_changed(struct kl_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	kl_svm_intercept(vmcb, INTERCEPT_RDTSCP,
			 boot_cpu_has(X86_FEATURE_RDTSCP) &&
			 !kl_guest_has(vcpu, X86_FEATURE_RDTSCP));
	kl_svm_intercept(vmcb, INTERCEPT_INVPCID,
			 boot_cpu_has(X86_FEATURE_INVPCID) &&
			 !kl_guest_has(vcpu, X86_FEATURE_INVPCID));
	kl_svm_msr_filter_changed(vcpu);
}

/*
 * Not intercepted with nested paging: CR2, CR3, INVLPG, task switches (the CPU
 * does them whole), descriptor tables, INT n, PUSHF, POPF, RDTSC, IRET except
 * while an NMI is handled.
 */
static const u8 kl_svm_intercepts[] = {
	INTERCEPT_CR4_WRITE, INTERCEPT_CR8_READ, INTERCEPT_CR8_WRITE,
	INTERCEPT_SELECTIVE_CR0,
	INTERCEPT_INTR, INTERCEPT_NMI, INTERCEPT_SMI, INTERCEPT_INIT,
	INTERCEPT_RDPMC, INTERCEPT_CPUID, INTERCEPT_RSM, INTERCEPT_INVD,
	INTERCEPT_HLT, INTERCEPT_INVLPGA, INTERCEPT_IOIO_PROT,
	INTERCEPT_MSR_PROT, INTERCEPT_SHUTDOWN,
	INTERCEPT_VMRUN, INTERCEPT_VMMCALL, INTERCEPT_VMLOAD, INTERCEPT_VMSAVE,
	INTERCEPT_STGI, INTERCEPT_CLGI, INTERCEPT_SKINIT, INTERCEPT_WBINVD,
	INTERCEPT_MONITOR, INTERCEPT_MWAIT, INTERCEPT_XSETBV, INTERCEPT_RDPRU,
};

/**
 * kl_svm_init_control - write the control area from nothing
 * @svm: the vCPU; what its CPUID, debug flags and CR0/CR4 ask for on top is
 *	the business of the functions that set those
 */
void kl_svm_init_control(struct kl_svm *svm)
{
	struct vmcb *vmcb = svm->vmcb;
	struct vmcb_control_area *control = &vmcb->control;
	u32 disabled = svm->vcpu.vm->disabled_exits;
	int i;

	memset(control, 0, sizeof(*control));
	for (i = 0; i < ARRAY_SIZE(kl_svm_intercepts); i++)
		kl_svm_intercept(vmcb, kl_svm_intercepts[i], true);
	kl_svm_intercept_drs(vmcb, true);
	if (disabled & KVM_X86_DISABLE_EXITS_HLT)
		kl_svm_intercept(vmcb, INTERCEPT_HLT, false);
	if (disabled & KVM_X86_DISABLE_EXITS_MWAIT) {
		kl_svm_intercept(vmcb, INTERCEPT_MONITOR, false);
		kl_svm_intercept(vmcb, INTERCEPT_MWAIT, false);
	}

	if (kl_svm_caps.pause_filter && !(disabled & KVM_X86_DISABLE_EXITS_PAUSE)) {
		kl_svm_intercept(vmcb, INTERCEPT_PAUSE, true);
		control->pause_filter_count = KL_PAUSE_COUNT;
		if (kl_svm_caps.pause_threshold)
			control->pause_filter_thresh = KL_PAUSE_THRESHOLD;
	}

	control->iopm_base_pa = kl_svm_iopm_pa;
	control->msrpm_base_pa = virt_to_phys(svm->msrpm);
	control->int_ctl = V_INTR_MASKING_MASK;
	control->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	control->nested_cr3 = svm->vcpu.vm->mmu.root;
	control->tsc_offset = svm->vcpu.tsc_offset;

	/*
	 * All entries write-back: the guest's PAT is stored and never applied,
	 * as there is no memory here that wants another type.
	 */
	vmcb->save.g_pat = 0x0606060606060606ULL;
	/* Clean bits stay 0: the CPU takes every field from memory. */

	kl_svm_update_exception_bitmap(&svm->vcpu);
	svm->asid_gen = 0;
}

int kl_svm_vcpu_init(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct page *page;

	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	svm->vmcb = page_address(page);
	svm->vmcb_pa = page_to_phys(page);

	page = alloc_pages(GFP_KERNEL_ACCOUNT, KL_MSRPM_ORDER);
	if (!page)
		goto err_vmcb;
	svm->msrpm = page_address(page);
	memset(svm->msrpm, 0xff, KL_MSRPM_SIZE);

	svm->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
	kl_svm_init_control(svm);
	kl_svm_msr_filter_changed(vcpu);
	return 0;

err_vmcb:
	free_page((unsigned long)svm->vmcb);
	svm->vmcb = NULL;
	return -ENOMEM;
}

void kl_svm_vcpu_free(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	free_pages((unsigned long)svm->msrpm, KL_MSRPM_ORDER);
	free_page((unsigned long)svm->vmcb);
}
