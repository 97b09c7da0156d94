// SPDX-License-Identifier: GPL-2.0
/* What this CPU's SVM can do, and whether that is enough (APM 15.4, 15.30). */

#include <linux/cc_platform.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "../vendor.h"
#include "svm.h"

/* CPUID Fn8000_000A_EDX */
#define KL_SVM_NP		BIT(0)
#define KL_SVM_NRIPS		BIT(3)
#define KL_SVM_TSC_RATIO	BIT(4)
#define KL_SVM_FLUSH_BY_ASID	BIT(6)
#define KL_SVM_DECODE_ASSISTS	BIT(7)
#define KL_SVM_PAUSE_FILTER	BIT(10)
#define KL_SVM_PAUSE_THRESHOLD	BIT(12)

/* VM_CR: set by firmware, for good if locked. */
#define KL_VM_CR_SVMDIS		BIT(4)

struct kl_svm_caps kl_svm_caps __ro_after_init;

int kl_svm_check(void)
{
	u32 eax, ebx, ecx, edx;
	u64 vm_cr;

	if (cpuid_eax(0x80000000) < SVM_CPUID_FUNC) {
		pr_err("SVM: this CPU does not describe its SVM (CPUID 0x8000000a is missing)\n");
		return -ENODEV;
	}
	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & KL_VM_CR_SVMDIS)) {
		pr_err("SVM is disabled by the firmware (VM_CR.SVMDIS); enable it in the machine's setup\n");
		return -EOPNOTSUPP;
	}
	/* Nested tables would need the encryption bit in every entry. */
	if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT)) {
		pr_err("SVM: host memory encryption (mem_encrypt=on) is not supported\n");
		return -EOPNOTSUPP;
	}
	cpuid(SVM_CPUID_FUNC, &eax, &ebx, &ecx, &edx);
	if (!(edx & KL_SVM_NP)) {
		pr_err("SVM: this CPU has no nested paging (NPT), which kvmlite requires\n");
		return -ENODEV;
	}
	/* One for the host, one for a guest, and one to change to. */
	if (ebx < 3) {
		pr_err("SVM: this CPU has %u address space identifiers; kvmlite requires 3\n",
		       ebx);
		return -ENODEV;
	}

	kl_svm_caps.nr_asids = ebx;
	kl_svm_caps.nrips = edx & KL_SVM_NRIPS;
	/*
	 * Every CPU with XSAVE and SVM has NRIPS and this intercept; an emulated
	 * one that lacks the first lacks the second.
	 */
	kl_svm_ops.xsetbv_unseen = !kl_svm_caps.nrips && boot_cpu_has(X86_FEATURE_OSXSAVE);
	kl_svm_caps.tsc_ratio = edx & KL_SVM_TSC_RATIO;
	kl_svm_caps.flush_by_asid = edx & KL_SVM_FLUSH_BY_ASID;
	kl_svm_caps.decode_assists = edx & KL_SVM_DECODE_ASSISTS;
	kl_svm_caps.pause_filter = edx & KL_SVM_PAUSE_FILTER;
	kl_svm_caps.pause_threshold = edx & KL_SVM_PAUSE_THRESHOLD;

	/* Nested tables have the format and depth of the host's own. */
	kl_svm_ops.tdp_levels = pgtable_l5_enabled() ? 5 : 4;
	kl_svm_ops.has_1g = boot_cpu_has(X86_FEATURE_GBPAGES);
	kl_svm_ops.has_xsaves = boot_cpu_has(X86_FEATURE_XSAVES);
	kl_svm_ops.has_invpcid = boot_cpu_has(X86_FEATURE_INVPCID);
	kl_svm_ops.has_rdtscp = boot_cpu_has(X86_FEATURE_RDTSCP);
	if (kl_svm_caps.tsc_ratio) {
		kl_svm_ops.tsc_scaling_frac_bits = 32;
		kl_svm_ops.max_tsc_ratio = SVM_TSC_RATIO_MAX;
	}
	return 0;
}
