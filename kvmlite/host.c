// SPDX-License-Identifier: GPL-2.0
/*
 * The host kernel as a hypervisor needs it. Kernel symbols that exist for
 * hypervisors only are used here and nowhere else.
 */

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/hw_breakpoint.h>
#include <linux/percpu.h>
#include <linux/sched/smt.h>
#include <linux/user-return-notifier.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/xstate.h>
#include <asm/mmu_context.h>
#include <asm/ldt.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/pkru.h>
#include <asm/reboot.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "compat.h"
#include "cpuid.h"
#include "host.h"
#include "mitigate.h"
#include "regs.h"
#include "vm.h"

/* ---- user-return MSRs ---- */

struct kl_uret_cpu {
	struct user_return_notifier urn;
	bool registered;
	u64 host[KL_MAX_URET];	/* what user space of the host expects */
};

DEFINE_PER_CPU(u64 [KL_MAX_URET], kl_uret_curr);

static u32 kl_uret_msr[KL_MAX_URET];
static int kl_uret_count;
static DEFINE_PER_CPU(struct kl_uret_cpu, kl_uret);

static void kl_uret_restore(struct user_return_notifier *urn)
{
	struct kl_uret_cpu *c = container_of(urn, struct kl_uret_cpu, urn);
	unsigned long flags;
	int i;

	/* kl_uret_cpu_offline() may come in by IPI between test and unregister. */
	local_irq_save(flags);
	if (c->registered) {
		c->registered = false;
		user_return_notifier_unregister(urn);
	}
	local_irq_restore(flags);

	for (i = 0; i < kl_uret_count; i++) {
		if (__this_cpu_read(kl_uret_curr[i]) != c->host[i]) {
			wrmsrl(kl_uret_msr[i], c->host[i]);
			__this_cpu_write(kl_uret_curr[i], c->host[i]);
		}
	}
}

int kl_uret_add(u32 msr)
{
	u64 val;

	if (kl_uret_count == KL_MAX_URET || rdmsrl_safe(msr, &val) ||
	    wrmsrl_safe(msr, val))
		return -1;
	kl_uret_msr[kl_uret_count] = msr;
	return kl_uret_count++;
}

/* On each CPU as it is taken: what the host has in these registers. */
static void kl_uret_cpu_online(void)
{
	struct kl_uret_cpu *c = this_cpu_ptr(&kl_uret);
	int i;

	for (i = 0; i < kl_uret_count; i++) {
		rdmsrl_safe(kl_uret_msr[i], &c->host[i]);
		__this_cpu_write(kl_uret_curr[i], c->host[i]);
	}
}

static void kl_uret_cpu_offline(void)
{
	struct kl_uret_cpu *c = this_cpu_ptr(&kl_uret);

	if (c->registered)
		kl_uret_restore(&c->urn);
}

int kl_uret_set(int slot, u64 value, u64 mask)
{
	struct kl_uret_cpu *c = this_cpu_ptr(&kl_uret);

	value = (value & mask) | (c->host[slot] & ~mask);
	if (value == __this_cpu_read(kl_uret_curr[slot]))
		return 0;
	if (wrmsrl_safe(kl_uret_msr[slot], value))
		return 1;
	__this_cpu_write(kl_uret_curr[slot], value);
	if (!c->registered) {
		c->urn.on_user_return = kl_uret_restore;
		user_return_notifier_register(&c->urn);
		c->registered = true;
	}
	return 0;
}

/* ---- taking the CPUs ---- */

static DEFINE_PER_CPU(bool, kl_cpu_enabled);
/* The GDT as the kernel has it loaded: the read-only alias, which never moves. */
static DEFINE_PER_CPU(struct desc_ptr, kl_host_gdt);

static int kl_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int ret = 0;

	local_irq_save(flags);
	if (!__this_cpu_read(kl_cpu_enabled)) {
		kl_uret_cpu_online();
		*this_cpu_ptr(&kl_host_gdt) = (struct desc_ptr){
			.size = GDT_SIZE - 1,
			.address = (unsigned long)get_cpu_gdt_ro(cpu),
		};
		ret = kl_ops->cpu_enable();
		if (!ret)
			__this_cpu_write(kl_cpu_enabled, true);
	}
	local_irq_restore(flags);
	return ret;
}

static int kl_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	if (__this_cpu_read(kl_cpu_enabled)) {
		kl_ops->cpu_disable();
		kl_uret_cpu_offline();
		__this_cpu_write(kl_cpu_enabled, false);
	}
	local_irq_restore(flags);
	return 0;
}

static void kl_cpu_online_ipi(void *failed)
{
	int ret = kl_cpu_online(smp_processor_id());

	if (ret)
		atomic_cmpxchg((atomic_t *)failed, 0, ret);
}

static void kl_cpu_offline_ipi(void *unused)
{
	kl_cpu_offline(smp_processor_id());
}

/* Suspend leaves one CPU online, interrupts off: hotplug did the others. */
static int kl_syscore_suspend(KL_SYSCORE_ARG)
{
	return kl_cpu_offline(smp_processor_id());
}

static void kl_syscore_resume(KL_SYSCORE_ARG)
{
	if (kl_cpu_online(smp_processor_id()))
		pr_crit("cannot take the CPU again after resume\n");
}

/* Reboot and kexec: INIT is ignored by a CPU in VMX operation. */
static void kl_syscore_shutdown(KL_SYSCORE_ARG)
{
	on_each_cpu(kl_cpu_offline_ipi, NULL, 1);
}

KL_SYSCORE_OPS kl_syscore_ops = {
	.suspend = kl_syscore_suspend,
	.resume = kl_syscore_resume,
	.shutdown = kl_syscore_shutdown,
};

static struct syscore kl_syscore = {
	.ops = &kl_syscore_ops,
};

static void kl_emergency(void)
{
	kl_ops->cpu_emergency();
}

bool kl_host_kvm_active(void)
{
	int ret;

	/* No CPU may come online between the two: nothing is set up for it. */
	cpus_read_lock();
	ret = cpuhp_setup_state_nocalls_cpuslocked(KL_CPUHP_KVM, "kvmlite:probe",
						   kl_cpu_online, kl_cpu_offline);
	if (!ret)
		__cpuhp_remove_state_cpuslocked(KL_CPUHP_KVM, false);
	cpus_read_unlock();
	return ret;
}

int kl_host_take_cpus(void)
{
	atomic_t failed = ATOMIC_INIT(0);
	int ret;

	cpus_read_lock();
	ret = cpuhp_setup_state_nocalls_cpuslocked(KL_CPUHP_KVM,
						   "kvmlite:online",
						   kl_cpu_online,
						   kl_cpu_offline);
	if (ret) {
		cpus_read_unlock();
		pr_err("the kernel's own KVM is active; unload kvm_intel or kvm_amd first\n");
		return -EBUSY;
	}
	cpu_emergency_register_virt_callback(kl_emergency);
	on_each_cpu(kl_cpu_online_ipi, &failed, 1);
	ret = atomic_read(&failed);
	if (ret)
		goto err_offline;
	cpus_read_unlock();

	register_syscore(&kl_syscore);
	/* A forced reboot may have passed the shutdown hook already. */
	if (system_state == SYSTEM_HALT || system_state == SYSTEM_POWER_OFF ||
	    system_state == SYSTEM_RESTART) {
		kl_host_give_cpus();
		return -EBUSY;
	}
	return 0;

err_offline:
	on_each_cpu(kl_cpu_offline_ipi, NULL, 1);
	cpu_emergency_unregister_virt_callback(kl_emergency);
	__cpuhp_remove_state_cpuslocked(KL_CPUHP_KVM, false);
	cpus_read_unlock();
	return ret;
}

void kl_host_give_cpus(void)
{
	unregister_syscore(&kl_syscore);
	cpus_read_lock();
	on_each_cpu(kl_cpu_offline_ipi, NULL, 1);
	cpu_emergency_unregister_virt_callback(kl_emergency);
	__cpuhp_remove_state_cpuslocked(KL_CPUHP_KVM, false);
	cpus_read_unlock();
}

/* ---- FPU ---- */

int kl_fpu_alloc(struct kl_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->fpu) ? 0 : -ENOMEM;
}

void kl_fpu_free(struct kl_vcpu *vcpu)
{
	if (vcpu->fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->fpu);
}

void kl_fpu_load_guest(struct kl_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu, true);
}

void kl_fpu_put_guest(struct kl_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu, false);
}

void kl_fpu_reload(void)
{
	switch_fpu_return();
}

u64 kl_host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
}

static u64 kl_host_xss(void)
{
	u64 xss = 0;

	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, xss);
	return xss;
}

/* XCR0 and XSS never change once the kernel is up: read them once. */
static u64 kl_xcr0_host __ro_after_init, kl_xss_host __ro_after_init;

u64 kl_host_cr4_possible(void)
{
	u64 cr4 = X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE |
		  X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE |
		  X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
	u32 eax, ebx, ecx, edx;

	if (kl_xcr0_host)
		cr4 |= X86_CR4_OSXSAVE;
	if (cpuid_ecx(1) & BIT(X86_FEATURE_PCID & 31))
		cr4 |= X86_CR4_PCIDE;
	if (cpuid_eax(0) < 7)
		return cr4;
	cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	if (ebx & BIT(X86_FEATURE_FSGSBASE & 31))
		cr4 |= X86_CR4_FSGSBASE;
	if (ebx & BIT(X86_FEATURE_SMEP & 31))
		cr4 |= X86_CR4_SMEP;
	if (ebx & BIT(X86_FEATURE_SMAP & 31))
		cr4 |= X86_CR4_SMAP;
	if (ecx & BIT(X86_FEATURE_UMIP & 31))
		cr4 |= X86_CR4_UMIP;
	if (ecx & BIT(X86_FEATURE_LA57 & 31))
		cr4 |= X86_CR4_LA57;
	return cr4;
}

u64 kl_host_efer_possible(void)
{
	u32 edx = cpuid_edx(0x80000001);
	u64 efer = EFER_SCE | EFER_LME;

	if (edx & BIT(X86_FEATURE_NX & 31))
		efer |= EFER_NX;
	if (edx & BIT(X86_FEATURE_FXSR_OPT & 31))
		efer |= EFER_FFXSR;
	return efer;
}

void kl_xcr_switch_to_guest(struct kl_vcpu *vcpu)
{
	if (vcpu->xcr0 != kl_xcr0_host)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->xcr0);
	if (vcpu->xss != kl_xss_host)
		wrmsrl(MSR_IA32_XSS, vcpu->xss);
}

void kl_xcr_sync(struct kl_vcpu *vcpu)
{
	u64 xcr0;

	if (!kl_has_own_xcr(vcpu))
		return;
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (xcr0 == vcpu->xcr0)
		return;
	vcpu->xcr0 = xcr0;
	kl_cpuid_update_runtime(vcpu);
}

void kl_xcr_switch_to_host(struct kl_vcpu *vcpu)
{
	if (unlikely(kl_ops->xsetbv_unseen))
		kl_xcr_sync(vcpu);
	if (vcpu->xcr0 != kl_xcr0_host)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, kl_xcr0_host);
	if (vcpu->xss != kl_xss_host)
		wrmsrl(MSR_IA32_XSS, kl_xss_host);
}

void kl_fpu_to_uabi(struct kl_vcpu *vcpu, void *buf, unsigned int size)
{
	fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu, buf, size,
				       vcpu->cpuid.xcr0_allowed |
				       XFEATURE_MASK_FPSSE, 0);
}

int kl_fpu_from_uabi(struct kl_vcpu *vcpu, const void *buf)
{
	u32 pkru = 0;

	return fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu, buf,
					      kl_cpuid_supported_xcr0(), &pkru);
}

/* Power-up state of x87 and SSE (SDM vol. 3, table 10-1); all else is zero. */
void kl_fpu_reset(struct kl_vcpu *vcpu, bool init_event)
{
	struct fxregs_state *fx = &vcpu->fpu.fpstate->regs.fxsave;

	/* INIT leaves the FPU alone. */
	if (init_event)
		return;
	memset(fx, 0, sizeof(*fx));
	fx->cwd = 0x37f;
	fx->mxcsr = MXCSR_DEFAULT;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		vcpu->fpu.fpstate->regs.xsave.header.xfeatures |= XFEATURE_MASK_FPSSE;
}

struct fxregs_state *kl_fpu_fxsave(struct kl_vcpu *vcpu)
{
	return &vcpu->fpu.fpstate->regs.fxsave;
}

void kl_fpu_mark_used(struct kl_vcpu *vcpu)
{
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		vcpu->fpu.fpstate->regs.xsave.header.xfeatures |= XFEATURE_MASK_FPSSE;
}

u32 kl_host_xsave_size(u64 xcr0)
{
	u32 eax, ebx, ecx, edx, size = FXSAVE_SIZE + XSAVE_HDR_SIZE;
	int i;

	xcr0 &= ~XFEATURE_MASK_FPSSE;
	for (i = 2; xcr0 >> i; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		size = max(size, ebx + eax);
	}
	return size;
}

/* XSAVEC's and XSAVES' layout: one after the other, some of them aligned. */
u32 kl_host_xsave_compacted_size(u64 features)
{
	u32 eax, ebx, ecx, edx, size = FXSAVE_SIZE + XSAVE_HDR_SIZE;
	int i;

	features &= ~XFEATURE_MASK_FPSSE;
	for (i = 2; i < 63 && features >> i; i++) {
		if (!(features & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		if (ecx & 2)
			size = ALIGN(size, 64);
		size += eax;
	}
	return size;
}

static u32 kl_mxcsr_mask __ro_after_init;

u32 kl_host_mxcsr_mask(void)
{
	return kl_mxcsr_mask;
}

/* FXSAVE writes which bits of MXCSR there are; 0 means the first SSE's. */
static u32 __init kl_read_mxcsr_mask(void)
{
	static struct fxregs_state fx __initdata __aligned(16);

	asm volatile("fxsave %0" : "=m" (fx));
	return fx.mxcsr_mask ?: 0xffbf;
}

/* ---- the rest of the CPU ---- */

unsigned long kl_host_cr4(void)
{
	return cr4_read_shadow();
}

void kl_host_reload_gdt_tr(void)
{
	/* The TSS's I/O bitmap lies beyond the limit an exit leaves. */
	invalidate_tss_limit();
	native_load_gdt(this_cpu_ptr(&kl_host_gdt));
}

void kl_host_nmi(void)
{
	asm volatile("int $2");
}

void kl_host_mce(void)
{
	asm volatile("int $18");
}

void kl_host_enable_vmxe(void)
{
	/* Processor trace cannot run in VMX operation on older CPUs. */
	intel_pt_handle_vmx(1);
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
}

void kl_host_disable_vmxe(void)
{
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

void kl_host_emergency_vmxe(void)
{
	cr4_clear_bits(X86_CR4_VMXE);
}

void kl_host_load_gs(unsigned int selector)
{
	load_gs_index(selector);
}

void kl_host_reload_ldt(void)
{
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	struct mm_struct *mm = current->mm;
	const struct ldt_struct *ldt;
	unsigned long flags;

	if (likely(!mm || !READ_ONCE(mm->context.ldt)))
		return;
	/* Who puts another in its place waits for our answer before it frees this. */
	local_irq_save(flags);
	ldt = READ_ONCE(mm->context.ldt);
	/* With page-table isolation it is mapped where user space's tables have it. */
	if (boot_cpu_has(X86_FEATURE_PTI))
		set_ldt((void *)(LDT_BASE_ADDR + ldt->slot *
				 (LDT_ENTRIES * LDT_ENTRY_SIZE)), ldt->nr_entries);
	else
		set_ldt(ldt->entries, ldt->nr_entries);
	local_irq_restore(flags);
#endif
}

void kl_host_restore_breakpoints(void)
{
	hw_breakpoint_restore();
}

bool kl_host_detects_split_locks(void)
{
	return boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT);
}

bool kl_host_split_lock(unsigned long rip)
{
	return handle_guest_split_lock(rip);
}

/* ---- the boundary: what mitigate.c decided ---- */

/* Twice the L1D of the CPUs in question, whose replacement is not quite LRU. */
#define KL_L1D_ORDER	4

DEFINE_STATIC_KEY_FALSE(kl_host_guards);
static struct kl_host_report kl_report __ro_after_init;
static u64 kl_actions __ro_after_init;		/* KVMLITE_MITIGATION_* */
static struct page *kl_l1d_pages __ro_after_init;

struct kl_feature_map {
	unsigned int feature;
	u32 bit;
};

static const struct kl_feature_map kl_host_features[] __initconst = {
	{ X86_FEATURE_CLEAR_CPU_BUF, KL_HOST_VERW },
	{ X86_FEATURE_CLEAR_CPU_BUF_VM, KL_HOST_VERW_VMRUN },
	{ X86_FEATURE_FLUSH_L1D, KL_HOST_L1D_COMMAND },
	{ X86_FEATURE_USE_IBPB, KL_HOST_IBPB },
	{ X86_FEATURE_RSB_VMEXIT, KL_HOST_RSB },
	{ X86_FEATURE_RSB_VMEXIT_LITE, KL_HOST_RSB_ONE },
	{ X86_FEATURE_KERNEL_IBRS, KL_HOST_IBRS },
	{ X86_FEATURE_IBRS_ENHANCED, KL_HOST_EIBRS },
	{ X86_FEATURE_CALL_DEPTH, KL_HOST_CALL_DEPTH },
	{ X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT, KL_HOST_BHB_LOOP },
	{ X86_FEATURE_CLEAR_BHB_HW, KL_HOST_BHI_DIS },
	{ X86_FEATURE_IBPB_EXIT_TO_USER, KL_HOST_IBPB_USER },
	{ X86_FEATURE_UNRET, KL_HOST_UNTRAIN },
	{ X86_FEATURE_SRSO, KL_HOST_SRSO },
	{ X86_FEATURE_SRSO_ALIAS, KL_HOST_SRSO },
	{ X86_FEATURE_ENTRY_IBPB, KL_HOST_IBPB_EXIT },
	{ X86_FEATURE_IBPB_ON_VMEXIT, KL_HOST_IBPB_EXIT },
};

static const struct kl_feature_map kl_host_bugs[] __initconst = {
	{ X86_BUG_L1TF, KVMLITE_BUG_L1TF },
	{ X86_BUG_MDS, KVMLITE_BUG_MDS },
	{ X86_BUG_TAA, KVMLITE_BUG_TAA },
	{ X86_BUG_MMIO_STALE_DATA, KVMLITE_BUG_MMIO },
	{ X86_BUG_RFDS, KVMLITE_BUG_RFDS },
	{ X86_BUG_TSA, KVMLITE_BUG_TSA },
	{ X86_BUG_SPECTRE_V2, KVMLITE_BUG_SPECTRE_V2 },
	{ X86_BUG_RETBLEED, KVMLITE_BUG_RETBLEED },
	{ X86_BUG_SRSO, KVMLITE_BUG_SRSO },
	{ X86_BUG_EIBRS_PBRSB, KVMLITE_BUG_PBRSB },
	{ X86_BUG_BHI, KVMLITE_BUG_BHI },
	{ X86_BUG_VMSCAPE, KVMLITE_BUG_VMSCAPE },
};

static enum kl_host_l1tf __init kl_read_l1tf(void)
{
	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return KL_L1TF_OFF;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return KL_L1TF_ALWAYS;
	default:
		return KL_L1TF_COND;
	}
}

static void __init kl_read_report(struct kl_host_report *r)
{
	unsigned int i;
	u64 caps = 0;

	r->vmx = boot_cpu_has(X86_FEATURE_VMX);
	r->l1tf = kl_read_l1tf();
	for (i = 0; i < ARRAY_SIZE(kl_host_features); i++)
		if (boot_cpu_has(kl_host_features[i].feature))
			r->does |= kl_host_features[i].bit;
	for (i = 0; i < ARRAY_SIZE(kl_host_bugs); i++)
		if (boot_cpu_has(kl_host_bugs[i].feature))
			r->bugs |= kl_host_bugs[i].bit;
	if (static_key_enabled(&mmio_stale_data_clear))
		r->does |= KL_HOST_VERW_MMIO;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	if (caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		r->does |= KL_HOST_L1D_DONE;
}

static int __init kl_boundary_init(void)
{
	unsigned int i;

	kl_read_report(&kl_report);
	kl_actions = kl_mitigate(&kl_report);
	if ((kl_actions & KVMLITE_MITIGATION_L1D_FLUSH) &&
	    !(kl_actions & KVMLITE_MITIGATION_L1D_COMMAND)) {
		kl_l1d_pages = alloc_pages(GFP_KERNEL, KL_L1D_ORDER);
		if (!kl_l1d_pages)
			return -ENOMEM;
		/* All different, lest an outer hypervisor merges them. */
		for (i = 0; i < 1 << KL_L1D_ORDER; i++)
			memset(page_address(kl_l1d_pages + i), i + 1, PAGE_SIZE);
	}
	if (kl_actions)
		static_branch_enable(&kl_host_guards);
	return 0;
}

void kl_host_boundary_info(struct kvmlite_info *info)
{
	struct kl_host_report r = kl_report;

	/* Siblings come and go. */
	if (sched_smt_active())
		r.does |= KL_HOST_SMT;
	info->mitigations = kl_actions;
	info->bugs = r.bugs;
	info->exposed = kl_exposed(&r, kl_actions);
}

/* Everything in the L1D is replaced by lines that hold no secret. */
static void kl_fill_l1d(void)
{
	const char *p = page_address(kl_l1d_pages);
	unsigned long i;

	/* Pages first: no page walk is to bring anything in later. */
	for (i = 0; i < PAGE_SIZE << KL_L1D_ORDER; i += PAGE_SIZE)
		READ_ONCE(p[i]);
	/* LFENCE: the walks are over before the lines are read … */
	rmb();
	for (i = 0; i < PAGE_SIZE << KL_L1D_ORDER; i += SMP_CACHE_BYTES)
		READ_ONCE(p[i]);
	/* … and those before the guest is entered. */
	rmb();
}

/*
 * The host's data get into the cache while it serves a fault or an interrupt, or
 * runs another thread; the short handlers touch the vCPU's own only.
 */
static void kl_flush_l1d(struct kl_vcpu *vcpu)
{
	bool unclean = vcpu->l1d_unclean || kvm_get_cpu_l1tf_flush_l1d();

	vcpu->l1d_unclean = false;
	kvm_clear_cpu_l1tf_flush_l1d();
	if (!unclean && !(kl_actions & KVMLITE_MITIGATION_L1D_ALWAYS))
		return;
	vcpu->stats.l1d_flush++;
	if (kl_actions & KVMLITE_MITIGATION_L1D_COMMAND)
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		kl_fill_l1d();
}

void kl_host_do_guard_entry(struct kl_vcpu *vcpu)
{
	static const u16 selector = __KERNEL_DS;

	if (kl_actions & KVMLITE_MITIGATION_L1D_FLUSH)
		kl_flush_l1d(vcpu);
	/* Only what devices left behind: enter.S need not have the last word. */
	if (kl_actions & KVMLITE_MITIGATION_VERW_MMIO)
		asm volatile("verw %0" : : "m" (selector) : "cc");
	if (kl_actions & (KVMLITE_MITIGATION_VERW | KVMLITE_MITIGATION_VERW_MMIO))
		vcpu->stats.verw++;
}

void kl_host_do_guard_exit(struct kl_vcpu *vcpu)
{
	u64 a = kl_actions;

	if (a & KVMLITE_MITIGATION_IBPB_USER) {
		/* The VMM's own branches must not follow the guest's training. */
		compat_ibpb_exit_to_user();
		vcpu->stats.ibpb_user++;
	}
	if (a & (KVMLITE_MITIGATION_RSB_FILL | KVMLITE_MITIGATION_RSB_ONE))
		vcpu->stats.rsb_fill++;
	if (a & KVMLITE_MITIGATION_SPEC_CTRL)
		vcpu->stats.spec_ctrl++;
	if (a & KVMLITE_MITIGATION_BHB_CLEAR)
		vcpu->stats.bhb_clear++;
	if (a & KVMLITE_MITIGATION_UNTRAIN)
		vcpu->stats.untrain++;
	if (a & KVMLITE_MITIGATION_IBPB_EXIT)
		vcpu->stats.ibpb_exit++;
}

/*
 * Indirect branches trained by one guest must not steer another. Within a VM
 * the guest's own kernel is in charge.
 */
DEFINE_PER_CPU(struct kl_vm *, kl_last_vm);

void kl_host_vm_switch(struct kl_vcpu *vcpu)
{
	__this_cpu_write(kl_last_vm, vcpu->vm);
	if (!(kl_actions & KVMLITE_MITIGATION_IBPB))
		return;
	indirect_branch_prediction_barrier();
	vcpu->stats.ibpb++;
}

void kl_host_forget_vm(struct kl_vm *vm)
{
	int cpu;

	/* The address may be used again: the next VM must not look like it. */
	for_each_possible_cpu(cpu)
		cmpxchg(per_cpu_ptr(&kl_last_vm, cpu), vm, NULL);
}

int __init kl_host_init(void)
{
	kl_xcr0_host = kl_host_xcr0();
	kl_xss_host = kl_host_xss();
	kl_mxcsr_mask = kl_read_mxcsr_mask();
	return kl_boundary_init();
}

void kl_host_exit(void)
{
	if (kl_l1d_pages)
		__free_pages(kl_l1d_pages, KL_L1D_ORDER);
}
