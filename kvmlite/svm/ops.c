// SPDX-License-Identifier: GPL-2.0
/* SVM as the vendor-neutral code sees it. */

#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "../host.h"
#include "../vendor.h"
#include "../vm.h"
#include "svm.h"

int kl_svm_tsc_aux_slot __ro_after_init = -1;

static int kl_svm_init(void)
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

static void kl_svm_exit(void)
{
	kl_svm_free_cpus();
	kl_svm_free_iopm();
}

static int kl_svm_vm_init(struct kl_vm *vm)
{
	return 0;
}

static void kl_svm_vm_free(struct kl_vm *vm)
{
}

static void kl_svm_write_tsc_offset(struct kl_vcpu *vcpu, u64 offset)
{
	to_svm(vcpu)->vmcb->control.tsc_offset = offset;
}

static void kl_svm_write_tsc_ratio(struct kl_vcpu *vcpu, u64 ratio)
{
	struct kl_svm *svm = to_svm(vcpu);

	svm->tsc_ratio = ratio ?: SVM_TSC_RATIO_DEFAULT;
	/* The next prepare_run() loads it. */
	svm->host_saved = false;
}

static void kl_svm_hypercall_insn(u8 insn[3])
{
	static const u8 vmmcall[3] = { 0x0f, 0x01, 0xd9 };

	memcpy(insn, vmmcall, sizeof(vmmcall));
}

/* CR8 is intercepted both ways, and V_TPR holds nothing back: nothing to tell. */
static void kl_svm_set_virtual_apic(struct kl_vcpu *vcpu, int tpr, int irr)
{
}

struct kl_vendor_ops kl_svm_ops __ro_after_init = {
	.name = "svm",
	.vcpu_size = sizeof(struct kl_svm),
	.vm_size = sizeof(struct kl_vm),
	.tdp_levels = 4,
	.has_ad = true,
	.is_ept = false,

	.check = kl_svm_check,
	.init = kl_svm_init,
	.exit = kl_svm_exit,
	.cpu_enable = kl_svm_cpu_enable,
	.cpu_disable = kl_svm_cpu_disable,
	.cpu_emergency = kl_svm_cpu_emergency,

	.vm_init = kl_svm_vm_init,
	.vm_free = kl_svm_vm_free,
	.vcpu_init = kl_svm_vcpu_init,
	.vcpu_free = kl_svm_vcpu_free,
	.vcpu_reset = kl_svm_vcpu_reset,
	.vcpu_load = kl_svm_vcpu_load,
	.vcpu_put = kl_svm_vcpu_put,
	.cpuid_changed = kl_svm_cpuid_changed,

	.cache_reg = kl_svm_cache_reg,
	.get_segment = kl_svm_get_segment,
	.set_segment = kl_svm_set_segment,
	.get_cpl = kl_svm_get_cpl,
	.get_cs_db_l = kl_svm_get_cs_db_l,
	.get_idt = kl_svm_get_idt,
	.set_idt = kl_svm_set_idt,
	.get_gdt = kl_svm_get_gdt,
	.set_gdt = kl_svm_set_gdt,
	.set_cr0 = kl_svm_set_cr0,
	.set_cr3 = kl_svm_set_cr3,
	.cr4_ok = kl_svm_cr4_ok,
	.set_cr4 = kl_svm_set_cr4,
	.set_efer = kl_svm_set_efer,
	.set_dr7 = kl_svm_set_dr7,
	.sync_drs = kl_svm_sync_drs,
	.update_exception_bitmap = kl_svm_update_exceptions,
	.flush_tlb = kl_svm_flush_tlb,
	.set_tdp_root = kl_svm_set_tdp_root,

	.inject_irq = kl_svm_inject_irq,
	.inject_nmi = kl_svm_inject_nmi,
	.inject_exception = kl_svm_inject_exception,
	.irq_allowed = kl_svm_irq_allowed,
	.nmi_allowed = kl_svm_nmi_allowed,
	.want_irq_window = kl_svm_want_irq_window,
	.want_nmi_window = kl_svm_want_nmi_window,
	.get_nmi_mask = kl_svm_get_nmi_mask,
	.set_nmi_mask = kl_svm_set_nmi_mask,
	.get_shadow = kl_svm_get_shadow,
	.set_shadow = kl_svm_set_shadow,
	.cancel_injection = kl_svm_cancel_injection,

	.prepare_run = kl_svm_prepare_run,
	.run = kl_svm_run,
	.handle_irqoff = kl_svm_handle_irqoff,
	.handle_exit = kl_svm_handle_exit,
	.skip_insn = kl_svm_skip_insn,
	.exit_info = kl_svm_exit_info,

	.msr_get = kl_svm_msr_get,
	.msr_set = kl_svm_msr_set,
	.msr_feature = kl_svm_msr_feature,
	.msr_filter_changed = kl_svm_msr_filter_changed,
	.write_tsc_offset = kl_svm_write_tsc_offset,
	.write_tsc_ratio = kl_svm_write_tsc_ratio,
	.hypercall_insn = kl_svm_hypercall_insn,
	.set_virtual_apic = kl_svm_set_virtual_apic,
};
