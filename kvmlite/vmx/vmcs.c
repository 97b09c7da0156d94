// SPDX-License-Identifier: GPL-2.0
/*
 * The VMCS of a vCPU: its life, what is written into it once, what is written
 * when it moves to another CPU, and the guest's reset state.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/tsc.h>

#include "../regs.h"
#include "insn.h"
#include "segment.h"
#include "vmx.h"

/* Cycles between two PAUSEs of one loop, and those of a loop worth ending. */
#define KL_PLE_GAP	128
#define KL_PLE_WINDOW	4096

/*
 * No stay in the guest is longer than this. External interrupts end it anyway,
 * but Bochs 2.7 holds them off while the guest's RFLAGS.IF is 0: there, a guest
 * that spins with interrupts off would stop the machine. The CPU loads the timer
 * anew at each entry.
 */
#define KL_LONGEST_STAY_MS	2

/* VPID 0 is the host's. */
static DEFINE_IDA(kl_vmx_vpids);

void kl_vmx_set_cpu_ctl(struct kl_vmx *vmx, u32 set, u32 clear)
{
	u32 ctl = (vmx->cpu_ctl & ~clear) | set;

	if (ctl == vmx->cpu_ctl)
		return;
	vmx->cpu_ctl = ctl;
	kl_vmwrite(CPU_BASED_VM_EXEC_CONTROL, ctl);
}

void kl_vmx_set_sec_ctl(struct kl_vmx *vmx, u32 set, u32 clear)
{
	u32 ctl = (vmx->sec_ctl & ~clear) | (set & kl_vmx_caps.ctl.sec);

	if (ctl == vmx->sec_ctl)
		return;
	vmx->sec_ctl = ctl;
	kl_vmwrite(SECONDARY_VM_EXEC_CONTROL, ctl);
}

void kl_vmx_set_entry_ctl(struct kl_vmx *vmx, u32 set, u32 clear)
{
	u32 ctl = (vmx->entry_ctl & ~clear) | set;

	if (ctl == vmx->entry_ctl)
		return;
	vmx->entry_ctl = ctl;
	kl_vmwrite(VM_ENTRY_CONTROLS, ctl);
}

/* The host's state that is the same on every CPU and for every task. */
static void kl_vmx_write_host_constants(struct kl_vmx *vmx)
{
	struct desc_ptr idt;
	u64 val;

	kl_vmwrite(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	kl_vmwrite(HOST_CS_SELECTOR, __KERNEL_CS);
	kl_vmwrite(HOST_SS_SELECTOR, __KERNEL_DS);
	/* User space's; kl_vmx_restore_host() puts them back. */
	kl_vmwrite(HOST_DS_SELECTOR, 0);
	kl_vmwrite(HOST_ES_SELECTOR, 0);
	kl_vmwrite(HOST_FS_SELECTOR, 0);
	kl_vmwrite(HOST_GS_SELECTOR, 0);
	kl_vmwrite(HOST_FS_BASE, 0);
	kl_vmwrite(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);

	store_idt(&idt);
	kl_vmwrite(HOST_IDTR_BASE, idt.address);

	rdmsrl(MSR_IA32_SYSENTER_CS, val);
	kl_vmwrite(HOST_IA32_SYSENTER_CS, (u32)val);
	rdmsrl(MSR_IA32_SYSENTER_EIP, val);
	kl_vmwrite(HOST_IA32_SYSENTER_EIP, val);
	rdmsrl(MSR_EFER, val);
	kl_vmwrite(HOST_IA32_EFER, val);

	kl_vmwrite(HOST_RIP, (unsigned long)kl_vmx_exit_point);
}

/* What follows the CPU that the vCPU runs on. Preemption off. */
static void kl_vmx_write_host_cpu(struct kl_vmx *vmx, int cpu)
{
	u64 val;

	kl_vmwrite(HOST_TR_BASE,
		   (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	/* The read-only alias; kl_host_reload_gdt_tr() restores its limit. */
	kl_vmwrite(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	rdmsrl(MSR_IA32_SYSENTER_ESP, val);
	kl_vmwrite(HOST_IA32_SYSENTER_ESP, val);
	rdmsrl(MSR_GS_BASE, val);
	kl_vmwrite(HOST_GS_BASE, val);
}

static void kl_vmx_write_timer(void)
{
	/* The timer counts changes of one bit of the TSC (26.5.1). */
	u64 ticks = ((u64)tsc_khz * KL_LONGEST_STAY_MS) >>
		    vmx_misc_preemption_timer_rate(kl_vmx_caps.misc);

	kl_vmwrite(VMX_PREEMPTION_TIMER_VALUE, min_t(u64, ticks, U32_MAX));
}

static void kl_vmx_write_controls(struct kl_vmx *vmx)
{
	const struct kl_vmx_controls *ctl = &kl_vmx_caps.ctl;
	u32 disabled = vmx->vcpu.vm->disabled_exits;

	vmx->cpu_ctl = ctl->cpu;
	vmx->sec_ctl = ctl->sec;
	if (disabled & KVM_X86_DISABLE_EXITS_HLT)
		vmx->cpu_ctl &= ~CPU_BASED_HLT_EXITING;
	if (disabled & KVM_X86_DISABLE_EXITS_MWAIT)
		vmx->cpu_ctl &= ~(CPU_BASED_MWAIT_EXITING |
				  CPU_BASED_MONITOR_EXITING);
	if (disabled & KVM_X86_DISABLE_EXITS_PAUSE)
		vmx->sec_ctl &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	vmx->entry_ctl = ctl->entry;

	kl_vmwrite(PIN_BASED_VM_EXEC_CONTROL, ctl->pin);
	kl_vmwrite(CPU_BASED_VM_EXEC_CONTROL, vmx->cpu_ctl);
	kl_vmwrite(SECONDARY_VM_EXEC_CONTROL, vmx->sec_ctl);
	kl_vmwrite(VM_EXIT_CONTROLS, ctl->exit);
	kl_vmwrite(VM_ENTRY_CONTROLS, vmx->entry_ctl);

	kl_vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	kl_vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
	kl_vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	kl_vmwrite(VM_EXIT_MSR_LOAD_ADDR, __pa(vmx->auto_host));
	kl_vmwrite(VM_ENTRY_MSR_LOAD_ADDR, __pa(vmx->auto_guest));
	kl_vmwrite(CR3_TARGET_COUNT, 0);
	kl_vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	kl_vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	kl_vmwrite(VMCS_LINK_POINTER, ~0ul);
	kl_vmwrite(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	kl_vmwrite(MSR_BITMAP, __pa(vmx->msr_bitmap));

	if (ctl->pin & PIN_BASED_VMX_PREEMPTION_TIMER)
		kl_vmx_write_timer();
	if (ctl->sec & SECONDARY_EXEC_PAUSE_LOOP_EXITING) {
		kl_vmwrite(PLE_GAP, KL_PLE_GAP);
		kl_vmwrite(PLE_WINDOW, KL_PLE_WINDOW);
	}
	if (ctl->sec & VMCS_CONTROL_BIT(XSAVES))
		kl_vmwrite(XSS_EXIT_BITMAP, 0);
	if (ctl->sec & SECONDARY_EXEC_ENCLS_EXITING)
		kl_vmwrite(ENCLS_EXITING_BITMAP, ~0ul);
	/* On when a guest asks for another frequency: write_tsc_ratio(). */
	kl_vmx_set_sec_ctl(vmx, 0, SECONDARY_EXEC_TSC_SCALING);
	kl_vmwrite(TSC_OFFSET, 0);
}

int kl_vmx_vcpu_init(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	int ret, cpu;

	vmx->vmcs_cpu = -1;
	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs)
		return -ENOMEM;
	vmx->vmcs->revision = vmx_basic_vmcs_revision_id(kl_vmx_caps.basic);

	ret = -ENOMEM;
	vmx->msr_bitmap = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->msr_bitmap)
		goto err_vmcs;

	ret = ida_alloc_range(&kl_vmx_vpids, 1, U16_MAX, GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		goto err_bitmap;
	vmx->vpid = ret;

	kl_vmx_init_msr_bitmap(vmx);
	cpu = get_cpu();
	kl_vmx_load_vmcs(vmx, cpu);
	kl_vmx_write_controls(vmx);
	kl_vmx_write_host_constants(vmx);
	kl_vmx_write_host_cpu(vmx, cpu);
	vmx->tlb_flush = KL_VMX_FLUSH_EPT;
	kl_vmx_set_tdp_root(vcpu, vcpu->vm->mmu.root);
	kl_vmx_update_exception_bitmap(vcpu);
	put_cpu();
	return 0;

err_bitmap:
	free_page((unsigned long)vmx->msr_bitmap);
err_vmcs:
	free_page((unsigned long)vmx->vmcs);
	return ret;
}

void kl_vmx_vcpu_free(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	kl_vmx_unload_vmcs(vmx);
	ida_free(&kl_vmx_vpids, vmx->vpid);
	free_page((unsigned long)vmx->msr_bitmap);
	free_page((unsigned long)vmx->vmcs);
}

/* SDM vol. 3, table 10-1 */
void kl_vmx_vcpu_reset(struct kl_vcpu *vcpu, bool init_event)
{
	static const struct kvm_segment code = {
		.base = 0xffff0000, .limit = 0xffff, .selector = 0xf000,
		.type = 11, .present = 1, .s = 1,
	}, data = {
		.limit = 0xffff, .type = 3, .present = 1, .s = 1,
	}, ldt = {
		.limit = 0xffff, .type = 2, .present = 1,
	}, tss = {
		.limit = 0xffff, .type = 11, .present = 1,
	};
	static const struct kvm_dtable table = { .limit = 0xffff };
	struct kl_vmx *vmx = to_vmx(vcpu);
	int seg;

	for (seg = KL_SEG_ES; seg <= KL_SEG_GS; seg++)
		kl_vmx_set_segment(vcpu, seg, seg == KL_SEG_CS ? &code : &data);
	kl_vmx_set_segment(vcpu, KL_SEG_LDTR, &ldt);
	kl_vmx_set_segment(vcpu, KL_SEG_TR, &tss);
	kl_vmx_set_gdt(vcpu, &table);
	kl_vmx_set_idt(vcpu, &table);

	if (!init_event) {
		kl_vmwrite(GUEST_SYSENTER_CS, 0);
		kl_vmwrite(GUEST_SYSENTER_ESP, 0);
		kl_vmwrite(GUEST_SYSENTER_EIP, 0);
		vmx->guest_kernel_gs_base = 0;
		memset(vmx->syscall_msr, 0, sizeof(vmx->syscall_msr));
		vmx->feat_ctl = 0;
	}
	kl_vmwrite(GUEST_IA32_DEBUGCTL, 0);
	kl_vmwrite(GUEST_DR7, BIT(10));	/* always 1 */
	kl_vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	kl_vmwrite(GUEST_INTERRUPTIBILITY_INFO, 0);
	kl_vmwrite(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	kl_vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx->injecting = false;
	kl_vmx_set_cpu_ctl(vmx, 0, CPU_BASED_INTR_WINDOW_EXITING |
				   CPU_BASED_NMI_WINDOW_EXITING);
	kl_vmx_set_cr4_owned(vmx);
	vmx->tlb_flush |= KL_VMX_FLUSH_VPID;
}

void kl_vmx_vcpu_load(struct kl_vcpu *vcpu, int cpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	if (!kl_vmx_load_vmcs(vmx, cpu))
		return;
	kl_vmx_write_host_cpu(vmx, cpu);
	/*
	 * This CPU may remember translations from before the vCPU went elsewhere,
	 * and flushes that were asked for meanwhile were done there.
	 */
	vmx->tlb_flush |= KL_VMX_FLUSH_EPT;
}

void kl_vmx_vcpu_put(struct kl_vcpu *vcpu)
{
	kl_vmx_restore_host(to_vmx(vcpu));
}

static void kl_vmx_offer(struct kl_vmx *vmx, u32 ctl, bool on)
{
	kl_vmx_set_sec_ctl(vmx, on ? ctl : 0, ctl);
}

void kl_vmx_cpuid_changed(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	/* The instructions raise #UD unless the control is 1 (26.3). */
	kl_vmx_offer(vmx, SECONDARY_EXEC_ENABLE_RDTSCP,
		     kl_guest_has(vcpu, X86_FEATURE_RDTSCP) ||
		     kl_guest_has(vcpu, X86_FEATURE_RDPID));
	kl_vmx_offer(vmx, SECONDARY_EXEC_ENABLE_INVPCID,
		     kl_guest_has(vcpu, X86_FEATURE_INVPCID));
	kl_vmx_offer(vmx, VMCS_CONTROL_BIT(XSAVES),
		     kl_guest_has(vcpu, X86_FEATURE_XSAVES));
	kl_vmx_set_cr4_owned(vmx);
}
