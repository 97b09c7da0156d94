// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers that both vendors have. Those that live in the
 * control structure or exist with one vendor only are the vendor code's; what
 * neither knows does not exist.
 */

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/kvm_para.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>
#include <asm/processor.h>

#include "kvm_uapi.h"

#include "cpuid.h"
#include "dev.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "pv.h"
#include "regs.h"
#include "tsc.h"
#include "vendor.h"
#include "vm.h"

#define KL_VAR_MTRRS	8
#define KL_FIXED_MTRRS	11
#define KL_MSR_MAX_IO	256
#define KL_MSR_MTRR_DEF_TYPE	0x2ff

/* Memory types are kept for the guest and never applied. */
struct kl_mtrr {
	u64 var[KL_VAR_MTRRS * 2];
	u64 fixed[KL_FIXED_MTRRS];
	u64 deftype;
};

/* One of 64K, two of 16K, eight of 4K: SDM vol. 3, table 12-9. */
static const u32 kl_fixed_mtrr[KL_FIXED_MTRRS] = {
	0x250, 0x258, 0x259,
	0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

/* What user space saves and restores. Each is there on every vCPU. */
static const u32 kl_msr_candidates[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_STAR, MSR_CSTAR, MSR_KERNEL_GS_BASE, MSR_SYSCALL_MASK, MSR_LSTAR,
	MSR_IA32_TSC, MSR_IA32_CR_PAT, MSR_TSC_AUX, MSR_IA32_XSS,
	MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK,
	MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_WALL_CLOCK_NEW,
	MSR_KVM_STEAL_TIME, MSR_KVM_POLL_CONTROL,
	MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_DEADLINE, MSR_IA32_ARCH_CAPABILITIES,
	MSR_IA32_MISC_ENABLE, MSR_IA32_MCG_STATUS, MSR_IA32_MCG_CTL,
	MSR_IA32_UCODE_REV, MSR_PLATFORM_INFO, MSR_MISC_FEATURES_ENABLES,
	MSR_K7_HWCR, MSR_IA32_POWER_CTL, MSR_IA32_DEBUGCTLMSR,
};

static u32 kl_msr_list[ARRAY_SIZE(kl_msr_candidates)];
static unsigned int kl_nr_msrs;

static const u32 kl_feature_candidates[] = {
	MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_UCODE_REV, MSR_PLATFORM_INFO,
	MSR_AMD64_DE_CFG,
};

static u32 kl_feature_list[ARRAY_SIZE(kl_feature_candidates)];
static unsigned int kl_nr_features;

/* ---- features ---- */

/* "Not vulnerable" bits of the host hold for a guest as well; nothing else. */
static u64 kl_arch_capabilities(void)
{
	u64 caps = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	caps &= ARCH_CAP_RDCL_NO | ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO |
		ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO |
		ARCH_CAP_PSDP_NO | ARCH_CAP_SSB_NO | ARCH_CAP_IBRS_ALL |
		ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO;
	/* The flush before each entry is the host's business. */
	return caps | ARCH_CAP_SKIP_VMENTRY_L1DFLUSH;
}

static int kl_msr_feature(u32 index, u64 *data)
{
	switch (index) {
	case MSR_IA32_ARCH_CAPABILITIES:
		*data = kl_arch_capabilities();
		return 0;
	case MSR_IA32_UCODE_REV:
		return rdmsrl_safe(index, data) ? KL_MSR_UNKNOWN : 0;
	case MSR_PLATFORM_INFO:
		*data = MSR_PLATFORM_INFO_CPUID_FAULT;
		return 0;
	default:
		return kl_ops->msr_feature(index, data);
	}
}

static bool kl_is_feature_msr(u32 index)
{
	unsigned int i;

	for (i = 0; i < kl_nr_features; i++)
		if (kl_feature_list[i] == index)
			return true;
	return false;
}

void kl_msr_init(void)
{
	unsigned int i;
	u64 data;
	u32 msr;

	for (i = 0; i < ARRAY_SIZE(kl_msr_candidates); i++) {
		msr = kl_msr_candidates[i];
		if (msr == MSR_TSC_AUX && !kl_ops->has_rdtscp)
			continue;
		if (msr == MSR_IA32_XSS && !kl_ops->has_xsaves)
			continue;
		if (msr == MSR_K7_HWCR &&
		    boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
			continue;
		kl_msr_list[kl_nr_msrs++] = msr;
	}
	for (i = 0; i < ARRAY_SIZE(kl_feature_candidates); i++)
		if (!kl_msr_feature(kl_feature_candidates[i], &data))
			kl_feature_list[kl_nr_features++] = kl_feature_candidates[i];
}

/* E2BIG says how many there are: both numbers are always written. */
static long kl_copy_list(struct kvm_msr_list __user *user, const u32 *list,
			 u32 count)
{
	u32 room;

	if (get_user(room, &user->nmsrs) || put_user(count, &user->nmsrs))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_to_user(user->indices, list, count * sizeof(*list)) ?
		-EFAULT : 0;
}

long kl_msr_get_index_list(struct kvm_msr_list __user *user)
{
	return kl_copy_list(user, kl_msr_list, kl_nr_msrs);
}

long kl_msr_get_feature_list(struct kvm_msr_list __user *user)
{
	return kl_copy_list(user, kl_feature_list, kl_nr_features);
}

/* ---- MTRRs and PAT: checked and kept ---- */

static bool kl_memtype_ok(u8 type)
{
	return type < 8 && ((1u << type) & 0x73);	/* 0, 1, 4, 5, 6 */
}

static bool kl_pat_ok(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || !((1u << (pat & 0xff)) & 0xf3))
			return false;
	return true;
}

static u64 *kl_mtrr_slot(struct kl_vcpu *vcpu, u32 index)
{
	unsigned int i;

	if (index >= 0x200 && index < 0x200 + KL_VAR_MTRRS * 2)
		return &vcpu->mtrr->var[array_index_nospec(index - 0x200,
							   KL_VAR_MTRRS * 2)];
	if (index == KL_MSR_MTRR_DEF_TYPE)
		return &vcpu->mtrr->deftype;
	for (i = 0; i < KL_FIXED_MTRRS; i++)
		if (kl_fixed_mtrr[i] == index)
			return &vcpu->mtrr->fixed[i];
	return NULL;
}

static int kl_mtrr_set(struct kl_vcpu *vcpu, u32 index, u64 data)
{
	u64 *slot = kl_mtrr_slot(vcpu, index), v = data;
	int i;

	if (index == KL_MSR_MTRR_DEF_TYPE) {
		if ((data & ~0xcffULL) || !kl_memtype_ok(data & 0xff))
			return 1;
	} else if (index < 0x200 + KL_VAR_MTRRS * 2) {
		if (data & vcpu->cpuid.reserved_gpa)
			return 1;
		if (index & 1) {
			if (data & 0x7ff)
				return 1;
		} else if ((data & 0xf00) || !kl_memtype_ok(data & 0xff)) {
			return 1;
		}
	} else {
		for (i = 0; i < 8; i++, v >>= 8)
			if (!kl_memtype_ok(v & 0xff))
				return 1;
	}
	*slot = data;
	return 0;
}

/*
 * SDM vol. 3, 11.4.4. With no LAPIC in the kernel the value is user space's, and
 * so are the registers that a mode has; which modes there are is CPUID's to say.
 */
int kl_set_apic_base(struct kl_vcpu *vcpu, u64 base, bool host_initiated)
{
	int ret = kl_lapic_set_base(vcpu, base, host_initiated);

	if (!ret)
		kl_cpuid_update_runtime(vcpu);
	return ret;
}

/* ---- machine check ---- */

static bool kl_is_mce_bank(struct kl_vcpu *vcpu, u32 index)
{
	u32 banks = vcpu->mcg_cap & 0xff;

	return index >= MSR_IA32_MC0_CTL && index < MSR_IA32_MC0_CTL + 4 * banks;
}

static u32 kl_mce_offset(u32 index)
{
	return array_index_nospec(index - MSR_IA32_MC0_CTL, 4 * KL_MCE_BANKS);
}

static int kl_mce_set(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	u32 off = kl_mce_offset(msr->index);
	u64 data = msr->data;

	/*
	 * CTL: all on or all off, whatever Linux wants to leave out (bit 10,
	 * bit 0). STATUS: a guest may only clear it, AMD's HWCR aside.
	 */
	if (off % 4 == 0 && data && (data | BIT_ULL(10) | 1) != ~0ULL)
		return 1;
	if (off % 4 == 1 && !msr->host_initiated && data &&
	    !(vcpu->hwcr & BIT_ULL(18)))
		return 1;
	vcpu->mce_banks[off] = data;
	return 0;
}

/* ---- registers that hold nothing ---- */

/*
 * System software reads these without asking, and some of them it writes, on
 * every CPU of the vendor. They read as @value; writing @value back, or
 * anything where @write, changes nothing.
 */
static const struct kl_legacy_msr {
	u32 index;
	bool write;
	u64 value;
} kl_legacy_msrs[] = {
	{ MSR_IA32_P5_MC_ADDR },
	{ MSR_IA32_P5_MC_TYPE },
	{ MSR_IA32_PLATFORM_ID },
	{ MSR_IA32_EBL_CR_POWERON },
	{ MSR_EBC_FREQUENCY_ID, .value = 1 << 24 },
	{ MSR_IA32_PERF_STATUS, .value = 1000 | 4ULL << 40 },
	{ MSR_IA32_DEBUGCTLMSR },
	{ MSR_IA32_UCODE_WRITE, .write = true },
	{ MSR_AMD64_SYSCFG },
	{ MSR_AMD64_NB_CFG },
	{ MSR_AMD64_PATCH_LOADER, .write = true },
	{ MSR_K8_INT_PENDING_MSG },
	{ MSR_FAM10H_MMIO_CONF_BASE },
	{ MSR_K8_TSEG_ADDR },
	{ MSR_K8_TSEG_MASK },
	{ MSR_AMD64_DC_CFG },
	{ MSR_AMD64_BU_CFG2 },
	{ MSR_F15H_EX_CFG },
	{ MSR_K7_EVNTSEL0 }, { MSR_K7_EVNTSEL0 + 1 },
	{ MSR_K7_EVNTSEL0 + 2 }, { MSR_K7_EVNTSEL0 + 3 },
	{ MSR_K7_PERFCTR0 }, { MSR_K7_PERFCTR0 + 1 },
	{ MSR_K7_PERFCTR0 + 2 }, { MSR_K7_PERFCTR0 + 3 },
};

static const struct kl_legacy_msr *kl_legacy_msr(u32 index)
{
	bool amd = boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
		   boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kl_legacy_msrs); i++)
		if (kl_legacy_msrs[i].index == index)
			return index >> 16 == 0xc001 && !amd ?
				NULL : &kl_legacy_msrs[i];
	return NULL;
}

/* ---- one register ---- */

int kl_msr_get(struct kl_vcpu *vcpu, struct kl_msr *msr)
{
	const struct kl_legacy_msr *legacy;
	u64 *slot;
	int ret;

	switch (msr->index) {
	case MSR_EFER:
		msr->data = vcpu->efer;
		return 0;
	case MSR_IA32_TSC:
		msr->data = kl_guest_tsc(vcpu, rdtsc());
		return 0;
	case MSR_IA32_TSC_ADJUST:
		msr->data = vcpu->tsc_adjust;
		return 0;
	case MSR_IA32_CR_PAT:
		msr->data = vcpu->pat;
		return 0;
	case MSR_IA32_APICBASE:
		msr->data = vcpu->apic_base;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
	case 0x800 ... 0x8ff:
		if (vcpu->apic)
			return kl_lapic_msr_get(vcpu, msr->index, &msr->data);
		if (msr->index == MSR_IA32_TSC_DEADLINE && msr->host_initiated) {
			msr->data = 0;
			return 0;
		}
		return 1;
	case MSR_IA32_MISC_ENABLE:
		msr->data = vcpu->misc_enable;
		return 0;
	case MSR_IA32_XSS:
		if (!msr->host_initiated &&
		    !kl_guest_has(vcpu, X86_FEATURE_XSAVES))
			return 1;
		msr->data = vcpu->xss;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!msr->host_initiated &&
		    !kl_guest_has(vcpu, X86_FEATURE_ARCH_CAPABILITIES))
			return 1;
		msr->data = vcpu->arch_capabilities;
		return 0;
	case MSR_IA32_UCODE_REV:
		msr->data = vcpu->microcode_version;
		return 0;
	case MSR_PLATFORM_INFO:
		if (!msr->host_initiated && vcpu->vm->no_platform_info)
			return 1;
		msr->data = vcpu->platform_info;
		return 0;
	case MSR_MISC_FEATURES_ENABLES:
		msr->data = vcpu->misc_features_enables;
		return 0;
	case MSR_IA32_POWER_CTL:
		msr->data = vcpu->power_ctl;
		return 0;
	case MSR_K7_HWCR:
		msr->data = vcpu->hwcr;
		return 0;
	case MSR_MTRRcap:
		msr->data = BIT(8) | BIT(10) | KL_VAR_MTRRS;
		return 0;
	case MSR_IA32_MCG_CAP:
		msr->data = vcpu->mcg_cap;
		return 0;
	case MSR_IA32_MCG_STATUS:
		msr->data = vcpu->mcg_status;
		return 0;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->mcg_cap & MCG_CTL_P) && !msr->host_initiated)
			return 1;
		msr->data = vcpu->mcg_ctl;
		return 0;
	}

	slot = kl_mtrr_slot(vcpu, msr->index);
	if (slot) {
		msr->data = *slot;
		return 0;
	}
	if (kl_is_mce_bank(vcpu, msr->index)) {
		msr->data = vcpu->mce_banks[kl_mce_offset(msr->index)];
		return 0;
	}
	ret = kl_pv_msr_get(vcpu, msr->index, &msr->data);
	if (ret != KL_MSR_UNKNOWN)
		return ret;
	ret = kl_ops->msr_get(vcpu, msr);
	if (ret != KL_MSR_UNKNOWN)
		return ret;
	legacy = kl_legacy_msr(msr->index);
	if (legacy) {
		/* What is there to be written only does not answer. */
		msr->data = legacy->value;
		return legacy->write && !msr->host_initiated;
	}
	if (msr->host_initiated && kl_is_feature_msr(msr->index))
		return kl_msr_feature(msr->index, &msr->data);
	return KL_MSR_UNKNOWN;
}

static int kl_msr_set_xss(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	if (!msr->host_initiated && !kl_guest_has(vcpu, X86_FEATURE_XSAVES))
		return 1;
	if (msr->data & ~vcpu->cpuid.xss_allowed)
		return 1;
	vcpu->xss = msr->data;
	return 0;
}

static int kl_msr_set_misc_enable(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	const u64 fixed = MSR_IA32_MISC_ENABLE_EMON |
			  MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
			  MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL;

	/* What says that there is no PMU stays as it is. */
	if (!msr->host_initiated && ((msr->data ^ vcpu->misc_enable) & fixed))
		return 1;
	vcpu->misc_enable = msr->data;
	return 0;
}

static int kl_msr_set_mcg(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	if (msr->index == MSR_IA32_MCG_STATUS) {
		vcpu->mcg_status = msr->data;
		return 0;
	}
	if (!(vcpu->mcg_cap & MCG_CTL_P) && (msr->data || !msr->host_initiated))
		return 1;
	if (msr->data && msr->data != ~0ULL)
		return 1;
	vcpu->mcg_ctl = msr->data;
	return 0;
}

/* Registers that only user space may change. */
static int kl_msr_set_host_only(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	switch (msr->index) {
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!msr->host_initiated ||
		    (msr->data & ~kl_arch_capabilities()))
			return 1;
		vcpu->arch_capabilities = msr->data;
		return 0;
	case MSR_IA32_UCODE_REV:
		/* A guest writes 0 before it reads the revision. */
		if (msr->host_initiated)
			vcpu->microcode_version = msr->data;
		return 0;
	case MSR_PLATFORM_INFO:
		if (!msr->host_initiated)
			return 1;
		vcpu->platform_info = msr->data;
		return 0;
	default:
		if (!msr->host_initiated &&
		    (msr->data & ~MSR_MISC_FEATURES_ENABLES_CPUID_FAULT))
			return 1;
		if (!msr->host_initiated && msr->data &&
		    !(vcpu->platform_info & MSR_PLATFORM_INFO_CPUID_FAULT))
			return 1;
		vcpu->misc_features_enables = msr->data;
		return 0;
	}
}

int kl_msr_set(struct kl_vcpu *vcpu, struct kl_msr *msr)
{
	const struct kl_legacy_msr *legacy;
	int ret;

	switch (msr->index) {
	case MSR_EFER:
		return kl_set_efer(vcpu, msr->data, msr->host_initiated);
	case MSR_IA32_TSC:
	case MSR_IA32_TSC_ADJUST:
		return kl_tsc_msr_set(vcpu, msr);
	case MSR_IA32_CR_PAT:
		if (!kl_pat_ok(msr->data))
			return 1;
		vcpu->pat = msr->data;
		return kl_ops->msr_set(vcpu, msr) == 1;
	case MSR_IA32_APICBASE:
		return kl_set_apic_base(vcpu, msr->data, msr->host_initiated);
	case MSR_IA32_TSC_DEADLINE:
	case 0x800 ... 0x8ff:
		if (vcpu->apic)
			return kl_lapic_msr_set(vcpu, msr->index, msr->data,
						msr->host_initiated);
		if (msr->index == MSR_IA32_TSC_DEADLINE && msr->host_initiated)
			return msr->data ? 1 : 0;
		return 1;
	case MSR_IA32_MISC_ENABLE:
		return kl_msr_set_misc_enable(vcpu, msr);
	case MSR_IA32_XSS:
		return kl_msr_set_xss(vcpu, msr);
	case MSR_IA32_ARCH_CAPABILITIES:
	case MSR_IA32_UCODE_REV:
	case MSR_PLATFORM_INFO:
	case MSR_MISC_FEATURES_ENABLES:
		return kl_msr_set_host_only(vcpu, msr);
	case MSR_IA32_POWER_CTL:
		vcpu->power_ctl = msr->data;
		return 0;
	case MSR_K7_HWCR:
		/* Bits that a guest sets and that change nothing here. */
		if (msr->data & ~(BIT_ULL(18) | BIT_ULL(24) | 0x148ULL))
			return 1;
		vcpu->hwcr = msr->data & (BIT_ULL(18) | BIT_ULL(24));
		return 0;
	case MSR_IA32_MCG_STATUS:
	case MSR_IA32_MCG_CTL:
		return kl_msr_set_mcg(vcpu, msr);
	}

	if (kl_mtrr_slot(vcpu, msr->index))
		return kl_mtrr_set(vcpu, msr->index, msr->data);
	if (kl_is_mce_bank(vcpu, msr->index))
		return kl_mce_set(vcpu, msr);
	ret = kl_pv_msr_set(vcpu, msr->index, msr->data);
	if (ret != KL_MSR_UNKNOWN)
		return ret;
	ret = kl_ops->msr_set(vcpu, msr);
	if (ret != KL_MSR_UNKNOWN)
		return ret;
	legacy = kl_legacy_msr(msr->index);
	if (legacy)
		return !legacy->write && msr->data != legacy->value;
	return KL_MSR_UNKNOWN;
}

/* ---- lists of registers ---- */

static long kl_msr_entries(struct kl_vcpu *vcpu, struct kvm_msrs __user *user,
			   int (*one)(struct kl_vcpu *, struct kvm_msr_entry *),
			   bool write_back)
{
	struct kvm_msr_entry *entries;
	struct kvm_msrs head;
	size_t size;
	long n = 0;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= KL_MSR_MAX_IO)
		return -E2BIG;
	size = array_size(head.nmsrs, sizeof(*entries));
	entries = memdup_user(user->entries, size);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	while (n < head.nmsrs && !one(vcpu, &entries[n]))
		n++;
	if (write_back && copy_to_user(user->entries, entries, size))
		n = -EFAULT;
	kfree(entries);
	return n;
}

static int kl_msr_entry_get(struct kl_vcpu *vcpu, struct kvm_msr_entry *entry)
{
	struct kl_msr msr = { .index = entry->index, .host_initiated = true };
	int ret = kl_msr_get(vcpu, &msr);

	entry->data = msr.data;
	return ret;
}

static int kl_msr_entry_set(struct kl_vcpu *vcpu, struct kvm_msr_entry *entry)
{
	struct kl_msr msr = {
		.index = entry->index,
		.data = entry->data,
		.host_initiated = true,
	};

	return kl_msr_set(vcpu, &msr);
}

static int kl_msr_entry_feature(struct kl_vcpu *vcpu, struct kvm_msr_entry *entry)
{
	if (!kl_is_feature_msr(entry->index))
		return 1;
	return kl_msr_feature(entry->index, &entry->data);
}

long kl_msr_io(struct kl_vcpu *vcpu, struct kvm_msrs __user *user, bool set)
{
	return kl_msr_entries(vcpu, user,
			      set ? kl_msr_entry_set : kl_msr_entry_get, !set);
}

long kl_msr_get_features(struct kvm_msrs __user *user)
{
	return kl_msr_entries(NULL, user, kl_msr_entry_feature, true);
}

/* ---- life ---- */

int kl_msr_alloc(struct kl_vcpu *vcpu)
{
	vcpu->mtrr = kzalloc(sizeof(*vcpu->mtrr), GFP_KERNEL_ACCOUNT);
	if (!vcpu->mtrr)
		return -ENOMEM;
	vcpu->mce_banks = kcalloc(KL_MCE_BANKS * 4, sizeof(u64),
				  GFP_KERNEL_ACCOUNT);
	if (!vcpu->mce_banks) {
		kfree(vcpu->mtrr);
		return -ENOMEM;
	}
	vcpu->mcg_cap = KL_MCE_BANKS;
	vcpu->arch_capabilities = kl_arch_capabilities();
	vcpu->platform_info = MSR_PLATFORM_INFO_CPUID_FAULT;
	vcpu->microcode_version = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
				  0x100000000ULL : 0x01000065;
	return 0;
}

void kl_msr_free(struct kl_vcpu *vcpu)
{
	kfree(vcpu->mce_banks);
	kfree(vcpu->mtrr);
}

void kl_msr_reset(struct kl_vcpu *vcpu)
{
	vcpu->pat = 0x0007040600070406ULL;	/* SDM vol. 3, 12.12.4 */
	vcpu->misc_enable = MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
			    MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL |
			    MSR_IA32_MISC_ENABLE_FAST_STRING;
	vcpu->misc_features_enables = 0;
}
