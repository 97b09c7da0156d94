// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: what kvmlite can give a guest, what user space chose of it, and what
 * follows from that choice.
 */

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xstate.h>
#include <asm/processor.h>
#include <asm/kvm_para.h>

#include "cpuid.h"
#include "dev.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "pv.h"
#include "regs.h"
#include "vendor.h"
#include "vm.h"

/* ---- what can be offered ---- */

#define F(name) BIT(X86_FEATURE_##name & 31)

/*
 * Bits of each feature register that a guest may have if the CPU has them.
 * Left out: what needs more than the instruction itself (MONITOR, PMU, VMX,
 * SVM, PKU, CET, AMX, SGX, speculation controls).
 */
static const u32 kl_1_edx =
	F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) |
	F(CX8) | F(APIC) | F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) |
	F(PAT) | F(PSE36) | F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) |
	F(SELFSNOOP);
static const u32 kl_1_ecx =
	F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) |
	F(XMM4_1) | F(XMM4_2) | F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) |
	F(AVX) | F(F16C) | F(RDRAND);
static const u32 kl_7_0_ebx =
	F(FSGSBASE) | F(BMI1) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) |
	F(BMI2) | F(ERMS) | F(INVPCID) | F(ZERO_FCS_FDS) | F(AVX512F) |
	F(AVX512DQ) | F(RDSEED) | F(ADX) | F(SMAP) | F(AVX512IFMA) |
	F(CLFLUSHOPT) | F(CLWB) | F(AVX512PF) | F(AVX512ER) | F(AVX512CD) |
	F(SHA_NI) | F(AVX512BW) | F(AVX512VL);
static const u32 kl_7_0_ecx =
	F(AVX512VBMI) | F(UMIP) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) |
	F(VPCLMULQDQ) | F(AVX512_VNNI) | F(AVX512_BITALG) |
	F(AVX512_VPOPCNTDQ) | F(LA57) | F(RDPID) | F(CLDEMOTE) | F(MOVDIRI) |
	F(MOVDIR64B);
static const u32 kl_7_0_edx =
	F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(FSRM) |
	F(AVX512_VP2INTERSECT) | F(MD_CLEAR) | F(SERIALIZE);
static const u32 kl_7_1_eax =
	F(AVX_VNNI) | F(AVX512_BF16) |
	BIT(10) | BIT(11) | BIT(12);	/* fast short REP MOVSB, STOSB, CMPSB */
static const u32 kl_d_1_eax = F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) | F(XSAVES);
static const u32 kl_80000001_edx =
	F(SYSCALL) | F(NX) | F(MMXEXT) | F(FXSR_OPT) | F(RDTSCP) | F(LM) |
	F(GBPAGES) | F(3DNOWEXT) | F(3DNOW);
static const u32 kl_80000001_ecx =
	F(LAHF_LM) | F(CMP_LEGACY) | F(CR8_LEGACY) | F(ABM) | F(SSE4A) |
	F(MISALIGNSSE) | F(3DNOWPREFETCH) | F(OSVW) | F(XOP) | F(FMA4) |
	F(TBM) | F(TOPOEXT);
static const u32 kl_80000008_ebx = F(CLZERO) | F(XSAVEERPTR) | F(WBNOINVD);
#undef F

/* AMD repeats these bits of leaf 1's EDX in 8000_0001h. */
#define KL_AMD_ALIASES 0x0183f3ffU

static struct kvm_cpuid_entry2 *kl_supported;
static unsigned int kl_nr_supported;
static u64 kl_supported_xcr0;

u64 kl_cpuid_supported_xcr0(void)
{
	return kl_supported_xcr0;
}

static struct kvm_cpuid_entry2 *kl_add(u32 leaf, u32 index, u32 flags)
{
	struct kvm_cpuid_entry2 *e;

	if (WARN_ON_ONCE(kl_nr_supported == KL_CPUID_MAX_ENTRIES))
		return &kl_supported[KL_CPUID_MAX_ENTRIES - 1];
	e = &kl_supported[kl_nr_supported++];
	memset(e, 0, sizeof(*e));
	e->function = leaf;
	e->index = index;
	e->flags = flags;
	cpuid_count(leaf, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	return e;
}

static struct kvm_cpuid_entry2 *kl_add_zero(u32 leaf)
{
	struct kvm_cpuid_entry2 *e = kl_add(leaf, 0, 0);

	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
	return e;
}

/* The kernel's own view counts where it is narrower than the CPU's. */
static void kl_mask(u32 *reg, u32 mask, enum cpuid_leafs word)
{
	*reg &= mask & boot_cpu_data.x86_capability[word];
}

static void kl_add_xsave(void)
{
	struct kvm_cpuid_entry2 *e;
	unsigned int i;

	e = kl_add(0xd, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	e->eax = kl_supported_xcr0;
	e->ebx = kl_host_xsave_size(kl_supported_xcr0);
	e->ecx = e->ebx;
	e->edx = kl_supported_xcr0 >> 32;
	if (!kl_supported_xcr0)
		return;

	e = kl_add(0xd, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	kl_mask(&e->eax, kl_d_1_eax, CPUID_D_1_EAX);
	if (!kl_ops->has_xsaves)
		e->eax &= ~BIT(X86_FEATURE_XSAVES & 31);
	e->ebx = 0;
	e->ecx = 0;	/* no supervisor states */
	e->edx = 0;
	for (i = 2; i < 63; i++) {
		if (!(kl_supported_xcr0 & BIT_ULL(i)))
			continue;
		e = kl_add(0xd, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		e->ecx &= ~1U;
		e->edx = 0;
	}
}

static void kl_add_basic(u32 leaf)
{
	struct kvm_cpuid_entry2 *e;
	u32 i, n;

	switch (leaf) {
	case 0:
		e = kl_add(0, 0, 0);
		e->eax = min(e->eax, 0x1fU);
		break;
	case 1:
		e = kl_add(1, 0, 0);
		kl_mask(&e->edx, kl_1_edx, CPUID_1_EDX);
		kl_mask(&e->ecx, kl_1_ecx, CPUID_1_ECX);
		e->ecx |= BIT(X86_FEATURE_X2APIC & 31) |
			  BIT(X86_FEATURE_HYPERVISOR & 31) |
			  BIT(X86_FEATURE_TSC_DEADLINE_TIMER & 31);
		break;
	case 2:
		kl_add(2, 0, 0);
		break;
	case 4:
		for (i = 0; i < 16; i++) {
			e = kl_add(4, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
			if (!(e->eax & 0x1f))
				break;
		}
		break;
	case 6:
		e = kl_add_zero(6);
		e->eax = BIT(2);	/* ARAT: the LAPIC timer never stops */
		break;
	case 7:
		e = kl_add(7, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		n = min(e->eax, 1U);
		e->eax = n;
		kl_mask(&e->ebx, kl_7_0_ebx, CPUID_7_0_EBX);
		kl_mask(&e->ecx, kl_7_0_ecx, CPUID_7_ECX);
		kl_mask(&e->edx, kl_7_0_edx, CPUID_7_EDX);
		if (!kl_ops->has_invpcid)
			e->ebx &= ~BIT(X86_FEATURE_INVPCID & 31);
		e->ebx |= BIT(X86_FEATURE_TSC_ADJUST & 31);
		e->edx |= BIT(X86_FEATURE_ARCH_CAPABILITIES & 31);
		if (!n)
			break;
		e = kl_add(7, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		kl_mask(&e->eax, kl_7_1_eax, CPUID_7_1_EAX);
		e->ebx = 0;
		e->ecx = 0;
		e->edx = 0;
		break;
	case 0xb:
	case 0x1f:
		/* User space describes the topology of its own machine. */
		e = kl_add_zero(leaf);
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		break;
	case 0xd:
		kl_add_xsave();
		break;
	default:
		kl_add_zero(leaf);
	}
}

/* AMD's description of the caches, one subleaf for each; TOPOEXT names it. */
static void kl_add_caches(void)
{
	struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; i < 16; i++) {
		e = kl_add(0x8000001d, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		if (!(e->eax & 0x1f))
			break;
	}
}

/* Both leaves must be there, and say something. */
static bool kl_has_topoext(void)
{
	return cpuid_eax(0x80000000) >= 0x8000001e &&
	       (cpuid_eax(0x8000001d) & 0x1f);
}

static void kl_add_extended(u32 leaf)
{
	struct kvm_cpuid_entry2 *e;

	switch (leaf) {
	case 0x80000000:
		e = kl_add(leaf, 0, 0);
		e->eax = clamp(e->eax, 0x80000008U, 0x80000021U);
		break;
	case 0x80000001:
		e = kl_add(leaf, 0, 0);
		kl_mask(&e->edx, kl_80000001_edx |
			(e->edx & kl_1_edx & KL_AMD_ALIASES), CPUID_8000_0001_EDX);
		if (boot_cpu_data.x86_vendor == X86_VENDOR_AMD)
			e->edx |= cpuid_edx(1) & kl_1_edx & KL_AMD_ALIASES;
		if (!kl_ops->has_rdtscp)
			e->edx &= ~BIT(X86_FEATURE_RDTSCP & 31);
		kl_mask(&e->ecx, kl_80000001_ecx, CPUID_8000_0001_ECX);
		if (!kl_has_topoext())
			e->ecx &= ~BIT(X86_FEATURE_TOPOEXT & 31);
		break;
	case 0x80000002 ... 0x80000006:
	case 0x8000001a:
		kl_add(leaf, 0, 0);
		break;
	case 0x80000007:
		e = kl_add(leaf, 0, 0);
		e->eax = 0;
		e->ebx = 0;
		e->ecx = 0;
		e->edx &= BIT(8);	/* invariant TSC */
		break;
	case 0x80000008:
		e = kl_add(leaf, 0, 0);
		e->eax = boot_cpu_data.x86_phys_bits |
			 boot_cpu_data.x86_virt_bits << 8;
		kl_mask(&e->ebx, kl_80000008_ebx, CPUID_8000_0008_EBX);
		e->ecx = 0;
		e->edx = 0;
		break;
	case 0x8000001d:
		kl_add_caches();
		break;
	case 0x80000021:
		e = kl_add(leaf, 0, 0);
		e->eax &= BIT(0) | BIT(2) | BIT(6);
		e->ebx = 0;
		e->ecx = 0;
		e->edx = 0;
		break;
	default:
		kl_add_zero(leaf);
	}
}

/* Leaves that the CPU has beyond the last named one are zero. */
void kl_cpuid_init(void)
{
	static struct kvm_cpuid_entry2 table[KL_CPUID_MAX_ENTRIES];
	struct kvm_cpuid_entry2 *e;
	u32 leaf, max;

	kl_supported = table;
	kl_nr_supported = 0;
	kl_supported_xcr0 = kl_host_xcr0() &
		(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512);

	kl_add_basic(0);
	max = kl_supported[0].eax;
	for (leaf = 1; leaf <= max; leaf++)
		kl_add_basic(leaf);

	e = kl_add_zero(KVM_CPUID_SIGNATURE);
	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, "KVMK", 4);
	memcpy(&e->ecx, "VMKV", 4);
	memcpy(&e->edx, "M\0\0\0", 4);
	e = kl_add_zero(KVM_CPUID_FEATURES);
	e->eax = kl_pv_features();

	kl_add_extended(0x80000000);
	max = kl_supported[kl_nr_supported - 1].eax;
	for (leaf = 0x80000001; leaf <= max; leaf++)
		kl_add_extended(leaf);
}

static long kl_copy_entries(struct kvm_cpuid2 __user *user,
			    const struct kvm_cpuid_entry2 *entries,
			    unsigned int nent)
{
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (room < nent || !room)
		return -E2BIG;
	if (copy_to_user(user->entries, entries, nent * sizeof(*entries)))
		return -EFAULT;
	return put_user(nent, &user->nent);
}

long kl_cpuid_get_supported(struct kvm_cpuid2 __user *user, bool emulated)
{
	/* No instruction is emulated that the CPU itself does not have. */
	return kl_copy_entries(user, kl_supported, emulated ? 0 : kl_nr_supported);
}

/* ---- a vCPU's own ---- */

void kl_cpuid_vcpu_free(struct kl_vcpu *vcpu)
{
	kvfree(vcpu->cpuid.entries);
}

static struct kvm_cpuid_entry2 *kl_find(struct kvm_cpuid_entry2 *entries,
					unsigned int nent, u32 leaf, u32 index)
{
	unsigned int i;

	for (i = 0; i < nent; i++) {
		if (entries[i].function != leaf)
			continue;
		if (!(entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		    entries[i].index == index)
			return &entries[i];
	}
	return NULL;
}

struct kvm_cpuid_entry2 *kl_cpuid_find(struct kl_vcpu *vcpu, u32 leaf, u32 index)
{
	struct kl_cpuid *c = &vcpu->cpuid;
	unsigned int first = 0;

	/* Where the leaf's first entry is, for the leaves guests ask about. */
	if (leaf < ARRAY_SIZE(c->basic))
		first = c->basic[array_index_nospec(leaf, ARRAY_SIZE(c->basic))];
	else if (leaf - 0x80000000 < ARRAY_SIZE(c->extended))
		first = c->extended[array_index_nospec(leaf - 0x80000000,
						       ARRAY_SIZE(c->extended))];
	if (first == 0xffff)
		return NULL;
	return kl_find(c->entries + first, c->nent - first, leaf, index);
}

static const struct {
	u32 leaf, index;
	unsigned int reg;	/* EAX…EDX */
} kl_feature_words[] = {
	[CPUID_1_EDX] = { 1, 0, 3 },
	[CPUID_8000_0001_EDX] = { 0x80000001, 0, 3 },
	[CPUID_1_ECX] = { 1, 0, 2 },
	[CPUID_8000_0001_ECX] = { 0x80000001, 0, 2 },
	[CPUID_7_0_EBX] = { 7, 0, 1 },
	[CPUID_D_1_EAX] = { 0xd, 1, 0 },
	[CPUID_7_1_EAX] = { 7, 1, 0 },
	[CPUID_8000_0008_EBX] = { 0x80000008, 0, 1 },
	[CPUID_7_ECX] = { 7, 0, 2 },
	[CPUID_7_EDX] = { 7, 0, 3 },
};

bool kl_guest_has(struct kl_vcpu *vcpu, unsigned int x86_feature)
{
	unsigned int word = x86_feature / 32;
	struct kvm_cpuid_entry2 *e;
	u32 reg;

	if (WARN_ON_ONCE(word >= ARRAY_SIZE(kl_feature_words) ||
			 !kl_feature_words[word].leaf))
		return false;
	e = kl_cpuid_find(vcpu, kl_feature_words[word].leaf,
			  kl_feature_words[word].index);
	if (!e)
		return false;
	reg = (&e->eax)[kl_feature_words[word].reg];
	return reg & BIT(x86_feature & 31);
}

u32 kl_cpuid_pv_features(struct kl_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e = kl_cpuid_find(vcpu, KVM_CPUID_FEATURES, 0);

	return e ? e->eax : 0;
}

void kl_cpuid_update_runtime(struct kl_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e;

	e = kl_cpuid_find(vcpu, 1, 0);
	if (e) {
		if (kl_guest_has(vcpu, X86_FEATURE_XSAVE) &&
		    (kl_cr4(vcpu) & X86_CR4_OSXSAVE))
			e->ecx |= BIT(X86_FEATURE_OSXSAVE & 31);
		else
			e->ecx &= ~BIT(X86_FEATURE_OSXSAVE & 31);
		if (vcpu->apic_base & MSR_IA32_APICBASE_ENABLE)
			e->edx |= BIT(X86_FEATURE_APIC & 31);
		else
			e->edx &= ~BIT(X86_FEATURE_APIC & 31);
	}
	/* Who halts without leaving the guest cannot be kicked out of it. */
	e = kl_cpuid_find(vcpu, KVM_CPUID_FEATURES, 0);
	if (e && (READ_ONCE(vcpu->vm->disabled_exits) & KVM_X86_DISABLE_EXITS_HLT))
		e->eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
	e = kl_cpuid_find(vcpu, 0xd, 0);
	if (e)
		e->ebx = kl_host_xsave_size(vcpu->xcr0);
	e = kl_cpuid_find(vcpu, 0xd, 1);
	if (e && (e->eax & (BIT(X86_FEATURE_XSAVES & 31) |
			    BIT(X86_FEATURE_XSAVEC & 31))))
		e->ebx = kl_host_xsave_compacted_size(vcpu->xcr0 | vcpu->xss);
}

static void kl_cr4_reserved(struct kl_vcpu *vcpu)
{
	u64 ok = X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE |
		 X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE |
		 X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	if (kl_guest_has(vcpu, X86_FEATURE_UMIP))
		ok |= X86_CR4_UMIP;
	if (kl_guest_has(vcpu, X86_FEATURE_LA57))
		ok |= X86_CR4_LA57;
	if (kl_guest_has(vcpu, X86_FEATURE_FSGSBASE))
		ok |= X86_CR4_FSGSBASE;
	if (kl_guest_has(vcpu, X86_FEATURE_PCID))
		ok |= X86_CR4_PCIDE;
	if (kl_guest_has(vcpu, X86_FEATURE_XSAVE))
		ok |= X86_CR4_OSXSAVE;
	if (kl_guest_has(vcpu, X86_FEATURE_SMEP))
		ok |= X86_CR4_SMEP;
	if (kl_guest_has(vcpu, X86_FEATURE_SMAP))
		ok |= X86_CR4_SMAP;
	/* What user space promised, the CPU must be able to keep. */
	vcpu->cpuid.cr4_reserved = ~(ok & kl_host_cr4_possible());
}

static void kl_efer_allowed(struct kl_vcpu *vcpu)
{
	u64 ok = EFER_SCE;

	if (kl_guest_has(vcpu, X86_FEATURE_LM))
		ok |= EFER_LME;
	if (kl_guest_has(vcpu, X86_FEATURE_NX))
		ok |= EFER_NX;
	if (kl_guest_has(vcpu, X86_FEATURE_FXSR_OPT))
		ok |= EFER_FFXSR;
	vcpu->cpuid.efer_allowed = ok & kl_host_efer_possible();
}

static void kl_cpuid_index(struct kl_cpuid *c)
{
	unsigned int i;
	u32 leaf;

	memset(c->basic, 0xff, sizeof(c->basic));
	memset(c->extended, 0xff, sizeof(c->extended));
	for (i = c->nent; i--;) {
		leaf = c->entries[i].function;
		if (leaf < ARRAY_SIZE(c->basic))
			c->basic[leaf] = i;
		else if (leaf - 0x80000000 < ARRAY_SIZE(c->extended))
			c->extended[leaf - 0x80000000] = i;
	}
}

void kl_cpuid_vcpu_init(struct kl_vcpu *vcpu)
{
	struct kl_cpuid *c = &vcpu->cpuid;

	/*
	 * Before KVM_SET_CPUID2 the CPUID instruction answers nothing, but small
	 * programs that never call it switch on paging and long mode all the
	 * same: what could be offered may be used.
	 */
	c->entries = kl_supported;
	c->nent = kl_nr_supported;
	kl_cpuid_index(c);
	kl_cr4_reserved(vcpu);
	kl_efer_allowed(vcpu);

	c->entries = NULL;
	c->nent = 0;
	c->maxphyaddr = 36;
	c->linear_bits = 48;
	c->reserved_gpa = GENMASK_ULL(63, 36);
	memset(c->basic, 0xff, sizeof(c->basic));
	memset(c->extended, 0xff, sizeof(c->extended));
}

/* All that follows from the entries, worked out once. */
static void kl_cpuid_derive(struct kl_vcpu *vcpu)
{
	struct kl_cpuid *c = &vcpu->cpuid;
	struct kvm_cpuid_entry2 *e;

	kl_cpuid_index(c);
	e = kl_cpuid_find(vcpu, 0x80000008, 0);
	c->maxphyaddr = e ? clamp(e->eax & 0xff, 32U, 52U) : 36;
	c->reserved_gpa = GENMASK_ULL(63, c->maxphyaddr);
	/* Found under other rules. */
	vcpu->code.known = false;

	e = kl_cpuid_find(vcpu, 0xd, 0);
	c->xcr0_allowed = e ? (e->eax | (u64)e->edx << 32) & kl_supported_xcr0 : 0;
	c->xss_allowed = 0;

	e = kl_cpuid_find(vcpu, 0, 0);
	c->intel = e && e->ebx == 0x756e6547;
	kl_efer_allowed(vcpu);
	kl_cr4_reserved(vcpu);
	c->linear_bits = c->cr4_reserved & X86_CR4_LA57 ? 48 : 57;
	kl_cpuid_update_runtime(vcpu);
	kl_ops->cpuid_changed(vcpu);
	if (vcpu->apic)
		kl_lapic_cpuid_changed(vcpu);
}

/* A guest that has run keeps its CPU; the same entries again are welcome. */
static long kl_cpuid_unchanged(struct kl_vcpu *vcpu,
			       const struct kvm_cpuid_entry2 *entries,
			       unsigned int nent)
{
	struct kl_cpuid *c = &vcpu->cpuid, saved = *c;
	bool same;

	if (nent != c->nent)
		return -EINVAL;
	/* Bring the newcomer's run-time bits to the vCPU's state as well. */
	c->entries = (struct kvm_cpuid_entry2 *)entries;
	kl_cpuid_index(c);
	kl_cpuid_update_runtime(vcpu);
	same = !memcmp(entries, saved.entries, nent * sizeof(*entries));
	*c = saved;
	return same ? 0 : -EINVAL;
}

static long kl_cpuid_install(struct kl_vcpu *vcpu,
			     struct kvm_cpuid_entry2 *entries, unsigned int nent)
{
	struct kvm_cpuid_entry2 *e;
	u32 bits;
	long ret;

	if (vcpu->last_cpu >= 0) {
		ret = kl_cpuid_unchanged(vcpu, entries, nent);
		kvfree(entries);
		return ret;
	}
	e = kl_find(entries, nent, 0x80000008, 0);
	bits = e ? (e->eax >> 8) & 0xff : 0;
	if (bits != 0 && bits != 48 && bits != 57) {
		kvfree(entries);
		return -EINVAL;
	}
	kvfree(vcpu->cpuid.entries);
	vcpu->cpuid.entries = entries;
	vcpu->cpuid.nent = nent;
	kl_cpuid_derive(vcpu);
	return 0;
}

long kl_cpuid_set(struct kl_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > KL_CPUID_MAX_ENTRIES)
		return -E2BIG;
	if (head.nent) {
		entries = vmemdup_user(user->entries,
				       array_size(head.nent, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	return kl_cpuid_install(vcpu, entries, head.nent);
}

/* The first call of that name knew no sub-leaves. */
long kl_cpuid_set_old(struct kl_vcpu *vcpu, struct kvm_cpuid __user *user)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid_entry *old;
	struct kvm_cpuid head;
	unsigned int i;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > KL_CPUID_MAX_ENTRIES)
		return -E2BIG;
	if (!head.nent)
		return kl_cpuid_install(vcpu, NULL, 0);
	old = vmemdup_user(user->entries, array_size(head.nent, sizeof(*old)));
	if (IS_ERR(old))
		return PTR_ERR(old);
	entries = kvcalloc(head.nent, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries) {
		kvfree(old);
		return -ENOMEM;
	}
	for (i = 0; i < head.nent; i++) {
		entries[i].function = old[i].function;
		entries[i].eax = old[i].eax;
		entries[i].ebx = old[i].ebx;
		entries[i].ecx = old[i].ecx;
		entries[i].edx = old[i].edx;
	}
	kvfree(old);
	return kl_cpuid_install(vcpu, entries, head.nent);
}

long kl_cpuid_get(struct kl_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (room < vcpu->cpuid.nent)
		return -E2BIG;
	if (copy_to_user(user->entries, vcpu->cpuid.entries,
			 vcpu->cpuid.nent * sizeof(*vcpu->cpuid.entries)))
		return -EFAULT;
	return put_user(vcpu->cpuid.nent, &user->nent);
}

void kl_cpuid(struct kl_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	struct kvm_cpuid_entry2 *e = kl_cpuid_find(vcpu, *eax, *ecx), *max;
	u32 leaf = *eax, index = *ecx;

	if (!e && vcpu->cpuid.intel) {
		/*
		 * Beyond the last leaf of its range an Intel CPU answers with
		 * the last basic one (SDM vol. 2, CPUID).
		 */
		max = kl_cpuid_find(vcpu, leaf & 0x80000000, 0);
		if (!max || leaf > max->eax) {
			max = kl_cpuid_find(vcpu, 0, 0);
			e = max ? kl_cpuid_find(vcpu, max->eax, index) : NULL;
		}
	}
	if (e) {
		*eax = e->eax;
		*ebx = e->ebx;
		*ecx = e->ecx;
		*edx = e->edx;
		return;
	}
	*eax = 0;
	*ebx = 0;
	*ecx = 0;
	*edx = 0;
	/* Topology leaves give back the level asked for, and the x2APIC id. */
	if (leaf == 0xb || leaf == 0x1f) {
		e = kl_cpuid_find(vcpu, leaf, 1);
		if (e) {
			*ecx = index & 0xff;
			*edx = e->edx;
		}
	}
}
