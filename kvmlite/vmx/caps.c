// SPDX-License-Identifier: GPL-2.0
/*
 * The machine's VMX: is it there, is it allowed, is it enough? The vendor ops.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cache.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "vmx.h"

struct kl_vmx_caps kl_vmx_caps __ro_after_init;

#define KL_CPUID1_ECX_VMX	BIT(5)

/*
 * A firmware that forbids VMX locks IA32_FEATURE_CONTROL without it (24.7). The
 * kernel locks it with VMX allowed where the firmware left it open, on every CPU,
 * so an open one here means that the kernel was told not to.
 */
static int kl_vmx_check_feature_control(void)
{
	u64 ctl;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &ctl)) {
		pr_err("cannot read IA32_FEATURE_CONTROL: VT-x is not usable here\n");
		return -ENODEV;
	}
	if (!(ctl & FEAT_CTL_LOCKED)) {
		pr_err("IA32_FEATURE_CONTROL is not locked: the kernel did not enable VT-x (built without CONFIG_KVM_INTEL?)\n");
		return -ENODEV;
	}
	if (!(ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("VT-x is switched off in the firmware; enable it there\n");
		return -ENODEV;
	}
	return 0;
}

static void kl_vmx_read_msrs(struct kl_vmx_cap_msrs *m)
{
	memset(m, 0, sizeof(*m));
	rdmsrl(MSR_IA32_VMX_BASIC, m->basic);
	/* Without the true ones choose_controls() refuses on account of @basic. */
	if (!(m->basic & BIT_ULL(55)))
		return;
	rdmsrl(MSR_IA32_VMX_TRUE_PINBASED_CTLS, m->pin);
	rdmsrl(MSR_IA32_VMX_TRUE_PROCBASED_CTLS, m->cpu);
	rdmsrl(MSR_IA32_VMX_TRUE_EXIT_CTLS, m->exit);
	rdmsrl(MSR_IA32_VMX_TRUE_ENTRY_CTLS, m->entry);
	/* Both exist only if what names them may be set (A.3.3, A.10). */
	if ((m->cpu >> 32) & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)
		rdmsrl(MSR_IA32_VMX_PROCBASED_CTLS2, m->sec);
	if ((m->sec >> 32) & (SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID))
		rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, m->ept_vpid);
}

int kl_vmx_check(void)
{
	struct kl_vmx_controls ctl;
	struct kl_vmx_cap_msrs m;
	const char *missing;
	int ret;

	if (!(cpuid_ecx(1) & KL_CPUID1_ECX_VMX)) {
		pr_err("this CPU has no VT-x\n");
		return -ENODEV;
	}
	ret = kl_vmx_check_feature_control();
	if (ret)
		return ret;

	kl_vmx_read_msrs(&m);
	missing = kl_vmx_choose_controls(&m, &ctl);
	if (missing) {
		pr_err("this CPU's VT-x lacks what kvmlite requires: %s\n", missing);
		return -EOPNOTSUPP;
	}
	return 0;
}

int kl_vmx_init(void)
{
	struct kl_vmx_caps *caps = &kl_vmx_caps;
	struct kl_vmx_cap_msrs m;

	kl_vmx_read_msrs(&m);
	if (kl_vmx_choose_controls(&m, &caps->ctl))
		return -EOPNOTSUPP;
	caps->basic = m.basic;
	caps->ept_vpid = m.ept_vpid;
	rdmsrl(MSR_IA32_VMX_MISC, caps->misc);
	caps->has_invvpid = (m.ept_vpid & VMX_VPID_INVVPID_BIT << 32) &&
			    (m.ept_vpid & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT << 32);
	caps->has_ept_ad = m.ept_vpid & VMX_EPT_AD_BIT;
	caps->has_ept_1g = m.ept_vpid & VMX_EPT_1GB_PAGE_BIT;

	kl_vmx_ops.has_1g = caps->has_ept_1g;
	kl_vmx_ops.has_ad = caps->has_ept_ad;
	kl_vmx_ops.has_xsaves = caps->ctl.sec & VMCS_CONTROL_BIT(XSAVES);
	kl_vmx_ops.has_invpcid = caps->ctl.sec & SECONDARY_EXEC_ENABLE_INVPCID;
	kl_vmx_ops.has_rdtscp = caps->ctl.sec & SECONDARY_EXEC_ENABLE_RDTSCP;
	if (caps->ctl.sec & SECONDARY_EXEC_TSC_SCALING) {
		kl_vmx_ops.tsc_scaling_frac_bits = 48;
		kl_vmx_ops.max_tsc_ratio = U64_MAX;
	}
	kl_vmx_msr_init();
	return kl_vmx_alloc_regions();
}

void kl_vmx_exit(void)
{
	kl_vmx_free_regions();
}

/* VMCALL */
static const u8 kl_vmx_hypercall[3] = { 0x0f, 0x01, 0xc1 };

#define KL_VMX_OP(type, name, args) .name = kl_vmx_##name,

struct kl_vendor_ops kl_vmx_ops __ro_after_init = {
	.name = "vmx",
	.vcpu_size = sizeof(struct kl_vmx),
	.tdp_levels = 4,
	.is_ept = true,
	.hypercall = kl_vmx_hypercall,
	KL_VENDOR_CALLS(KL_VMX_OP)
};
