// SPDX-License-Identifier: GPL-2.0
/*
 * Into the guest and back: what is done for every entry and exit.
 */

#include <uapi/asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/trapnr.h>

#include "../host.h"
#include "../regs.h"
#include "insn.h"
#include "vmx.h"

/* General registers other than RSP: kl_vmx_enter() has stored them. */
#define KL_REGS_AFTER_EXIT	(GENMASK(KL_REG_R15, KL_REG_RAX) & ~BIT(KL_REG_RSP))

/*
 * Exits that can come in the middle of an event's delivery (28.2.4). For all
 * others the IDT-vectoring information is known to be invalid.
 */
#define KL_EXITS_IN_DELIVERY	(BIT_ULL(EXIT_REASON_EXCEPTION_NMI) |	\
				 BIT_ULL(EXIT_REASON_TASK_SWITCH) |	\
				 BIT_ULL(EXIT_REASON_EPT_VIOLATION) |	\
				 BIT_ULL(EXIT_REASON_EPT_MISCONFIG))

static bool kl_vmx_exit_in_delivery(u32 reason)
{
	return reason < 64 && (KL_EXITS_IN_DELIVERY & BIT_ULL(reason));
}

/*
 * A selector with a privilege level or from the LDT may not be host state
 * (27.2.3): zero then, and kl_vmx_restore_host() loads it.
 */
static noinline void kl_vmx_write_host_fs_gs(struct kl_vmx *vmx)
{
	struct kl_vmx_host *host = &vmx->host;
	u16 fs = host->fs_sel & 7 ? 0 : host->fs_sel;
	u16 gs = host->gs_sel & 7 ? 0 : host->gs_sel;

	if (fs != vmx->host_fs_sel) {
		vmx->host_fs_sel = fs;
		kl_vmwrite(HOST_FS_SELECTOR, fs);
	}
	if (gs != vmx->host_gs_sel) {
		vmx->host_gs_sel = gs;
		kl_vmwrite(HOST_GS_SELECTOR, gs);
	}
}

void kl_vmx_prepare_run(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	struct kl_vmx_host *host = &vmx->host;

	vmx->host_checked = false;
	vmx->fast_left = KL_FAST_EXITS;
	if (host->saved)
		return;
	savesegment(fs, host->fs_sel);
	savesegment(gs, host->gs_sel);
	savesegment(ds, host->ds_sel);
	savesegment(es, host->es_sel);
	if (static_cpu_has(X86_FEATURE_FSGSBASE))
		host->fs_base = rdfsbase();
	else
		rdmsrl(MSR_FS_BASE, host->fs_base);
	/* Untraced, as in every place on the way in or out. */
	host->kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	if (unlikely(host->fs_sel != vmx->host_fs_sel ||
		     host->gs_sel != vmx->host_gs_sel))
		kl_vmx_write_host_fs_gs(vmx);
	if (host->fs_base != vmx->host_fs_base) {
		vmx->host_fs_base = host->fs_base;
		kl_vmwrite(HOST_FS_BASE, host->fs_base);
	}

	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
	host->saved = true;
	kl_vmx_load_guest_msrs(vmx);
}

/* Preemption off, on the CPU where kl_vmx_prepare_run() was. */
void kl_vmx_restore_host(struct kl_vmx *vmx)
{
	struct kl_vmx_host *host = &vmx->host;

	if (!host->saved)
		return;
	host->saved = false;

	vmx->guest_kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	/* Before the selectors that may point into it. */
	kl_host_reload_ldt();
	if (host->gs_sel & 7)
		kl_host_load_gs(host->gs_sel);
	if (host->fs_sel & 7)
		loadsegment(fs, host->fs_sel);
	if (unlikely(host->ds_sel | host->es_sel)) {
		loadsegment(ds, host->ds_sel);
		loadsegment(es, host->es_sel);
	}
	/* After kl_host_load_gs(), which writes the base too. */
	native_wrmsrl(MSR_KERNEL_GS_BASE, host->kernel_gs_base);
	kl_host_reload_gdt_tr();
}

static noinline void kl_vmx_write_other_regs(struct kl_vcpu *vcpu, u32 dirty)
{
	if (dirty & BIT(KL_REG_RSP))
		kl_vmwrite(GUEST_RSP, vcpu->regs[KL_REG_RSP]);
	if (dirty & BIT(KL_REG_RFLAGS))
		kl_vmwrite(GUEST_RFLAGS, vcpu->regs[KL_REG_RFLAGS]);
	if (dirty & BIT(KL_REG_CR3))
		kl_vmwrite(GUEST_CR3, vcpu->regs[KL_REG_CR3]);
	if (dirty & BIT(KL_REG_PDPTR)) {
		kl_vmwrite(GUEST_PDPTR0, vcpu->pdptrs[0]);
		kl_vmwrite(GUEST_PDPTR1, vcpu->pdptrs[1]);
		kl_vmwrite(GUEST_PDPTR2, vcpu->pdptrs[2]);
		kl_vmwrite(GUEST_PDPTR3, vcpu->pdptrs[3]);
	}
}

static void kl_vmx_write_dirty_regs(struct kl_vcpu *vcpu)
{
	u32 dirty = vcpu->regs_dirty;

	if (dirty & BIT(KL_REG_RIP))
		kl_vmwrite(GUEST_RIP, vcpu->regs[KL_REG_RIP]);
	/* RIP moves in most exits, the others seldom. */
	if (unlikely(dirty & ~BIT(KL_REG_RIP)))
		kl_vmx_write_other_regs(vcpu, dirty);
	vcpu->regs_dirty = 0;
}

/*
 * The host's perf events: those that do not count guests stop with the entry, and
 * PEBS, which writes to linear addresses, must not write to the guest's.
 */
static void kl_vmx_switch_perf(struct kl_vmx *vmx)
{
	const struct perf_guest_switch_msr *msrs;
	unsigned int n;
	int nr = 0;

	msrs = kl_host_perf_msrs(&nr);
	if (likely(!(nr | vmx->nr_auto)))
		return;
	n = kl_vmx_switch_list(msrs, nr, vmx->auto_guest, vmx->auto_host,
			       KL_MAX_PERF_MSRS);
	if (n == vmx->nr_auto)
		return;
	vmx->nr_auto = n;
	kl_vmwrite(VM_ENTRY_MSR_LOAD_COUNT, n);
	kl_vmwrite(VM_EXIT_MSR_LOAD_COUNT, n);
}

/*
 * Host state that changes with interrupts on only: once after each
 * kl_vmx_prepare_run().
 */
static void kl_vmx_check_host(struct kl_vmx *vmx)
{
	unsigned long cr3 = __native_read_cr3();
	unsigned long cr4 = kl_host_cr4();

	if (cr3 != vmx->host_cr3) {
		vmx->host_cr3 = cr3;
		kl_vmwrite(HOST_CR3, cr3);
	}
	if (cr4 != vmx->host_cr4) {
		vmx->host_cr4 = cr4;
		kl_vmwrite(HOST_CR4, cr4);
	}
	/* An exit clears it (28.5.1). */
	vmx->host_debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	kl_vmx_switch_perf(vmx);
	vmx->host_checked = true;
}

/* Move RIP past the instruction that exited; its interrupt shadow ends too. */
int kl_vmx_skip_insn(struct kl_vcpu *vcpu)
{
	unsigned long rip = kl_rip_read(vcpu);
	unsigned long next = rip + kl_vmread(VM_EXIT_INSTRUCTION_LEN);
	u32 info;

	/* EIP and IP wrap: only 64-bit code carries into bit 32. */
	if (unlikely((next ^ rip) & BIT(31)) && !kl_is_64bit(vcpu))
		next = (u32)next;
	kl_rip_write(vcpu, next);

	info = kl_vmread(GUEST_INTERRUPTIBILITY_INFO);
	if (unlikely(info & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		kl_vmwrite(GUEST_INTERRUPTIBILITY_INFO,
			   info & ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
	return 1;
}

/*
 * CPUID needs nothing that interrupts could not wait for, so many times in a row.
 * A single step and CPUID faulting are left to the handler.
 */
static enum kl_run_result kl_vmx_fast_cpuid(struct kl_vmx *vmx)
{
	struct kl_vcpu *vcpu = &vmx->vcpu;
	u32 eax = vcpu->regs[KL_REG_RAX];
	u32 ecx = vcpu->regs[KL_REG_RCX];
	u32 ebx, edx;

	if (unlikely(!vmx->fast_left--) ||
	    unlikely(kl_rflags_read(vcpu) & X86_EFLAGS_TF) ||
	    unlikely(kl_cpuid_faults(vcpu)))
		return KL_RUN_EXIT;
	kl_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	vcpu->regs[KL_REG_RAX] = eax;
	vcpu->regs[KL_REG_RBX] = ebx;
	vcpu->regs[KL_REG_RCX] = ecx;
	vcpu->regs[KL_REG_RDX] = edx;
	vcpu->stats.cpuid++;
	kl_vmx_skip_insn(vcpu);
	return KL_RUN_FAST;
}

/* Nothing was delivered: what was to be injected goes back to vcpu->events. */
static enum kl_run_result kl_vmx_entry_refused(struct kl_vmx *vmx)
{
	vmx->failed_event = 0;
	if (vmx->injecting) {
		vmx->failed_event = kl_vmread(VM_ENTRY_INTR_INFO_FIELD);
		kl_vmx_requeue_event(vmx, vmx->failed_event,
				     kl_vmread(VM_ENTRY_EXCEPTION_ERROR_CODE));
		kl_vmx_cancel_injection(&vmx->vcpu);
	}
	return vmx->entry_error ? KL_RUN_EXIT : KL_RUN_HOST_EVENT;
}

enum kl_run_result kl_vmx_run(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	bool failed;

	if (vcpu->regs_dirty)
		kl_vmx_write_dirty_regs(vcpu);
	if (!vmx->host_checked)
		kl_vmx_check_host(vmx);
	if (unlikely(vmx->tlb_flush))
		kl_vmx_flush(vmx);
	/*
	 * TF with blocking by STI or MOV SS needs a pending #DB (27.3.1.5); a
	 * debugger's step ends the blocking. Without blocking no exit that is
	 * enabled leaves a #DB pending (28.3.4), but Bochs 2.7 does so when an
	 * instruction exits under TF: it would trap once more before the step.
	 */
	if (unlikely(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)) {
		kl_vmx_set_shadow(vcpu, 0);
		kl_vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	}
	if (vcpu->cr2 != native_read_cr2())
		native_write_cr2(vcpu->cr2);

	failed = kl_vmx_enter(vcpu->regs, &vmx->host_rsp, vmx->launched);

	vcpu->cr2 = native_read_cr2();
	if (unlikely(vmx->host_debugctl))
		wrmsrl(MSR_IA32_DEBUGCTLMSR, vmx->host_debugctl);
	vcpu->regs_avail = KL_REGS_AFTER_EXIT;
	vmx->seg_cached = 0;
	vmx->idt_info = 0;

	vmx->entry_error = failed;
	if (unlikely(failed)) {
		vmx->exit_reason = VMX_EXIT_REASONS_FAILED_VMENTRY;
		return kl_vmx_entry_refused(vmx);
	}
	vmx->exit_reason = kl_vmread(VM_EXIT_REASON);
	if (unlikely(vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return kl_vmx_entry_refused(vmx);
	/* Not before: a VMLAUNCH that is refused leaves the VMCS as it was. */
	vmx->launched = true;

	if (kl_vmx_exit_in_delivery(vmx->exit_reason)) {
		u32 info = kl_vmread(IDT_VECTORING_INFO_FIELD);

		if (unlikely(info & INTR_INFO_VALID_MASK)) {
			vmx->idt_info = info;
			kl_vmx_requeue_event(vmx, info,
					     kl_vmread(IDT_VECTORING_ERROR_CODE));
		}
		vmx->injecting = false;
		return vmx->exit_reason == EXIT_REASON_EXCEPTION_NMI ?
			KL_RUN_HOST_EVENT : KL_RUN_EXIT;
	}
	vmx->injecting = false;

	if (vmx->exit_reason == EXIT_REASON_CPUID)
		return kl_vmx_fast_cpuid(vmx);
	return KL_RUN_EXIT;
}

void kl_vmx_handle_irqoff(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	u32 info;

	switch ((u16)vmx->exit_reason) {
	case EXIT_REASON_EXCEPTION_NMI:
		info = kl_vmread(VM_EXIT_INTR_INFO);
		/* NMIs are blocked since the exit; the handler's IRET ends that. */
		if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
			kl_host_nmi();
		else if ((info & INTR_INFO_VECTOR_MASK) == X86_TRAP_MC)
			kl_host_mce();
		break;
	case EXIT_REASON_MCE_DURING_VMENTRY:
		kl_host_mce();
		break;
	}
}
