// SPDX-License-Identifier: GPL-2.0
/* SVM as the vendor-neutral code sees it. */

#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "../host.h"
#include "../vendor.h"
#include "../vm.h"
#include "svm.h"

int kl_svm_tsc_aux_slot __ro_after_init = -1;

int kl_svm_init(void)
{
	int ret;

	if (boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID))
		kl_svm_tsc_aux_slot = kl_uret_add(MSR_TSC_AUX);

	ret = kl_svm_init_iopm();
	if (ret)
		return ret;
	ret = kl_svm_init_cpus();
	if (ret)
		goto err_iopm;
	return 0;

err_iopm:
	kl_svm_free_iopm();
	return ret;
}

void kl_svm_exit(void)
{
	kl_svm_free_cpus();
	kl_svm_free_iopm();
}

void kl_svm_write_tsc_offset(struct kl_vcpu *vcpu, u64 offset)
{
	to_svm(vcpu)->vmcb->control.tsc_offset = offset;
}

void kl_svm_write_tsc_ratio(struct kl_vcpu *vcpu, u64 ratio)
{
	struct kl_svm *svm = to_svm(vcpu);

	svm->tsc_ratio = ratio ?: SVM_TSC_RATIO_DEFAULT;
	/* The next prepare_run() loads it. */
	svm->host_saved = false;
}

/* VMMCALL */
static const u8 kl_svm_hypercall[3] = { 0x0f, 0x01, 0xd9 };

#define KL_SVM_OP(type, name, args) .name = kl_svm_##name,

struct kl_vendor_ops kl_svm_ops __ro_after_init = {
	.name = "svm",
	.vcpu_size = sizeof(struct kl_svm),
	.tdp_levels = 4,
	.has_ad = true,
	.is_ept = false,
	.hypercall = kl_svm_hypercall,
	KL_VENDOR_CALLS(KL_SVM_OP)
};
