// SPDX-License-Identifier: GPL-2.0
/*
 * Module init and exit, in order, and the counting of VMs: the CPUs are taken
 * for VMX or SVM with the first one and given back with the last.
 */

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <asm/cpufeature.h>

#include "dev.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "param.h"
#include "stats.h"
#include "vendor.h"
#include "vm.h"

const struct kl_vendor_ops *kl_ops __ro_after_init;

enum kl_run_result kl_null_run(struct kl_vcpu *vcpu)
{
	return KL_RUN_EXIT;
}

int kl_null_handle_exit(struct kl_vcpu *vcpu)
{
	return -EIO;
}

void kl_null_vcpu(struct kl_vcpu *vcpu)
{
}

void kl_null_load(struct kl_vcpu *vcpu, int cpu)
{
}

DEFINE_STATIC_CALL(kl_run, kl_null_run);
DEFINE_STATIC_CALL(kl_handle_exit, kl_null_handle_exit);
DEFINE_STATIC_CALL(kl_prepare_run, kl_null_vcpu);
DEFINE_STATIC_CALL(kl_vendor_skip, kl_null_handle_exit);
DEFINE_STATIC_CALL(kl_vendor_load, kl_null_load);
DEFINE_STATIC_CALL(kl_vendor_put, kl_null_vcpu);

/* Held while CPUs are taken or given; protects kl_nr_vms. */
static DEFINE_MUTEX(kl_hardware_lock);
static unsigned int kl_nr_vms;

int kl_hardware_get(void)
{
	int ret = 0;

	mutex_lock(&kl_hardware_lock);
	if (kl_nr_vms >= READ_ONCE(kl_param_max_vms))
		ret = -ENOSPC;
	else if (!kl_nr_vms)
		ret = kl_host_take_cpus();
	if (!ret)
		kl_nr_vms++;
	mutex_unlock(&kl_hardware_lock);
	return ret;
}

void kl_hardware_put(void)
{
	mutex_lock(&kl_hardware_lock);
	if (!--kl_nr_vms)
		kl_host_give_cpus();
	mutex_unlock(&kl_hardware_lock);
}

static int __init kl_choose_vendor(void)
{
	if (boot_cpu_has(X86_FEATURE_VMX))
		kl_ops = &kl_vmx_ops;
	else if (boot_cpu_has(X86_FEATURE_SVM))
		kl_ops = &kl_svm_ops;

	if (!kl_ops) {
		pr_err("this CPU offers neither VT-x nor SVM; is it off in the firmware, or is this a guest without nested virtualization?\n");
		return -ENODEV;
	}
	return kl_ops->check();
}

static int __init kl_init(void)
{
	int ret;

	ret = kl_choose_vendor();
	if (ret)
		return ret;
	if (kl_host_kvm_active()) {
		pr_err("the kernel's own KVM is active; unload kvm_intel or kvm_amd first\n");
		return -EBUSY;
	}
	ret = kl_host_init();
	if (ret)
		return ret;
	ret = kl_ops->init();
	if (ret)
		goto err_host;

	static_call_update(kl_run, kl_ops->run);
	static_call_update(kl_handle_exit, kl_ops->handle_exit);
	static_call_update(kl_prepare_run, kl_ops->prepare_run);
	static_call_update(kl_vendor_skip, kl_ops->skip_insn);
	static_call_update(kl_vendor_load, kl_ops->vcpu_load);
	static_call_update(kl_vendor_put, kl_ops->vcpu_put);

	kl_cpuid_init();
	kl_msr_init();
	kl_stats_init();

	ret = kl_irqchip_module_init();
	if (ret)
		goto err_stats;
	/*
	 * Patches the scheduler while it runs on all CPUs: once, and not with
	 * every first VM.
	 */
	preempt_notifier_inc();
	ret = kl_dev_init();
	if (ret)
		goto err_notifier;
	pr_info("ready on %s\n", kl_ops->name);
	return 0;

err_notifier:
	preempt_notifier_dec();
	kl_irqchip_module_exit();
err_stats:
	kl_stats_exit();
	kl_ops->exit();
err_host:
	kl_host_exit();
	return ret;
}

static void __exit kl_exit(void)
{
	/* Every file holds the module, so no VM is left. */
	kl_dev_exit();
	preempt_notifier_dec();
	kl_irqchip_module_exit();
	kl_stats_exit();
	kl_ops->exit();
	kl_host_exit();
}

module_init(kl_init);
module_exit(kl_exit);

MODULE_DESCRIPTION("virtlite hypervisor: VT-x/EPT and SVM/NPT with the KVM ABI");
MODULE_LICENSE("GPL");
