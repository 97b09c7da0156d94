// SPDX-License-Identifier: GPL-2.0
/*
 * Exit handlers, reached by a table; each returns as ../exit.h says. Fields of
 * the exit qualification are those of SDM vol. 3, 28.2.1.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <uapi/asm/debugreg.h>
#include <asm/trapnr.h>

#include "../exit.h"
#include "../host.h"
#include "../regs.h"
#include "insn.h"
#include "vmx.h"

#define KL_QUAL_NMI_UNBLOCKED	BIT(12)	/* of EPT violations */

/*
 * An exit in IRET after it unblocked NMIs: the IRET runs again, so they are still
 * blocked (28.2.3). Not if the exit came in the delivery of an event.
 */
static void kl_vmx_reblock_nmi(struct kl_vcpu *vcpu, bool unblocked)
{
	if (unlikely(unblocked) && !to_vmx(vcpu)->idt_info)
		kl_vmx_set_nmi_mask(vcpu, true);
}

static int kl_vmx_exit_db(struct kl_vcpu *vcpu, u32 info)
{
	u64 dr6 = kl_vmread(EXIT_QUALIFICATION) & (DR_TRAP_BITS | DR_STEP | BIT(13));
	u32 shadow;

	/* INT1 is a trap, but the exit leaves RIP at it. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION)
		kl_vmx_skip_insn(vcpu);

	/* TF with blocking needs the #DB to stay pending (27.3.1.5). */
	shadow = kl_vmx_get_shadow(vcpu);
	if (unlikely(shadow) && (dr6 & DR_STEP) &&
	    (kl_rflags_read(vcpu) & X86_EFLAGS_TF))
		kl_vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, DR_STEP);

	return kl_exit_debug(vcpu, X86_TRAP_DB, dr6);
}

/*
 * The host wants to know about split locks: it slows the thread down and lets the
 * instruction be run again, or refuses (split_lock_detect=fatal).
 */
static int kl_vmx_exit_ac(struct kl_vcpu *vcpu)
{
	u32 error_code = kl_vmread(VM_EXIT_INTR_ERROR_CODE);

	vcpu->stats.exception++;
	if (kl_vmx_ac_is_guests(kl_host_detects_split_locks(),
				kl_ops->get_cpl(vcpu), kl_cr0(vcpu),
				kl_rflags_read(vcpu))) {
		kl_queue_exception_e(vcpu, X86_TRAP_AC, error_code);
		return 1;
	}
	if (kl_host_split_lock(kl_rip_read(vcpu)))
		return 1;
	vcpu->run->exit_reason = KVM_EXIT_EXCEPTION;
	vcpu->run->ex.exception = X86_TRAP_AC;
	vcpu->run->ex.error_code = error_code;
	return 0;
}

static int kl_vmx_exit_exception(struct kl_vcpu *vcpu)
{
	u32 info = kl_vmread(VM_EXIT_INTR_INFO);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	/* NMI and #MC: kl_vmx_handle_irqoff() has passed them to the host. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		vcpu->stats.nmi++;
		return 1;
	}
	if (vector != X86_TRAP_DF)
		kl_vmx_reblock_nmi(vcpu, info & INTR_INFO_UNBLOCK_NMI);

	switch (vector) {
	case X86_TRAP_MC:
		return 1;
	case X86_TRAP_UD:
		return kl_exit_guest_ud(vcpu);
	case X86_TRAP_DB:
		return kl_vmx_exit_db(vcpu, info);
	case X86_TRAP_BP:
		return kl_exit_debug(vcpu, X86_TRAP_BP, 0);
	case X86_TRAP_AC:
		return kl_vmx_exit_ac(vcpu);
	default:
		return kl_unexpected_exit(vcpu, to_vmx(vcpu)->exit_reason);
	}
}

/* The host took it as soon as interrupts were on again. */
static int kl_vmx_exit_external_interrupt(struct kl_vcpu *vcpu)
{
	vcpu->stats.external_interrupt++;
	return 1;
}

/*
 * INIT and SIPI are for the host's CPU and mean nothing in VMX operation; the
 * preemption timer only ends a long stay.
 */
static int kl_vmx_exit_ignored(struct kl_vcpu *vcpu)
{
	vcpu->stats.other++;
	return 1;
}

static int kl_vmx_exit_irq_window(struct kl_vcpu *vcpu)
{
	vcpu->stats.irq_window++;
	kl_vmx_set_cpu_ctl(to_vmx(vcpu), 0, CPU_BASED_INTR_WINDOW_EXITING);
	kl_request(vcpu, KL_REQ_EVENT);
	return 1;
}

static int kl_vmx_exit_nmi_window(struct kl_vcpu *vcpu)
{
	vcpu->stats.nmi_window++;
	kl_vmx_set_cpu_ctl(to_vmx(vcpu), 0, CPU_BASED_NMI_WINDOW_EXITING);
	kl_request(vcpu, KL_REQ_EVENT);
	return 1;
}

/* What the exit was, for an internal error that user space may print. */
static int kl_vmx_emulation_failed(struct kl_vcpu *vcpu)
{
	const u64 data[] = {
		to_vmx(vcpu)->exit_reason,
		kl_vmread(EXIT_QUALIFICATION),
		to_vmx(vcpu)->idt_info,
		kl_rip_read(vcpu),
	};

	return kl_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION,
				 ARRAY_SIZE(data), data);
}

static int kl_vmx_exit_task_switch(struct kl_vcpu *vcpu)
{
	int ret = kl_vmx_task_switch(vcpu);

	vcpu->stats.other++;
	return ret < 0 ? kl_vmx_emulation_failed(vcpu) : ret;
}

static int kl_vmx_exit_cr(struct kl_vcpu *vcpu)
{
	u64 qual = kl_vmread(EXIT_QUALIFICATION);
	int cr = qual & 15, reg = (qual >> 8) & 15;

	switch ((qual >> 4) & 3) {
	case 0:
		return kl_exit_mov_to_cr(vcpu, cr, reg);
	case 1:
		return kl_exit_mov_from_cr(vcpu, cr, reg);
	case 2:
		return kl_exit_clts(vcpu);
	default:
		return kl_exit_lmsw(vcpu, qual >> 16);
	}
}

static int kl_vmx_exit_dr(struct kl_vcpu *vcpu)
{
	u64 qual = kl_vmread(EXIT_QUALIFICATION);

	return kl_exit_mov_dr(vcpu, qual & 7, (qual >> 8) & 15, !(qual & BIT(4)));
}

static int kl_vmx_exit_io(struct kl_vcpu *vcpu)
{
	u64 qual = kl_vmread(EXIT_QUALIFICATION);
	int size = (qual & 7) + 1;
	bool in = qual & BIT(3);
	u16 port = qual >> 16;
	u32 info;

	/* Right after the exit nobody has them, and all that follows wants both. */
	vcpu->regs[KL_REG_RIP] = kl_vmread(GUEST_RIP);
	vcpu->regs[KL_REG_RFLAGS] = kl_vmread(GUEST_RFLAGS);
	vcpu->regs_avail |= BIT(KL_REG_RIP) | BIT(KL_REG_RFLAGS);
	if (likely(!(qual & BIT(4))))
		return kl_exit_io(vcpu, port, size, in);

	/* Address size in 9:7, segment in 17:15 (table 28-8). */
	info = kl_vmread(VMX_INSTRUCTION_INFO);
	return kl_exit_io_string(vcpu, port, size, in,
				 in ? KL_SEG_ES : (info >> 15) & 7,
				 2 << ((info >> 7) & 3), qual & BIT(5));
}

static int kl_vmx_exit_ept_violation(struct kl_vcpu *vcpu)
{
	u64 qual = kl_vmread(EXIT_QUALIFICATION);
	u32 access = 0;

	kl_vmx_reblock_nmi(vcpu, qual & KL_QUAL_NMI_UNBLOCKED);
	if (qual & EPT_VIOLATION_ACC_READ)
		access |= KL_FAULT_READ;
	if (qual & EPT_VIOLATION_ACC_WRITE)
		access |= KL_FAULT_WRITE;
	if (qual & EPT_VIOLATION_ACC_INSTR)
		access |= KL_FAULT_EXEC;
	if ((qual & (EPT_VIOLATION_GVA_IS_VALID | EPT_VIOLATION_GVA_TRANSLATED)) ==
	    EPT_VIOLATION_GVA_IS_VALID)
		access |= KL_FAULT_WALK;
	return kl_exit_tdp_fault(vcpu, kl_vmread(GUEST_PHYSICAL_ADDRESS), access);
}

/* An entry that the CPU cannot make sense of: the tables are broken. */
static int kl_vmx_exit_ept_misconfig(struct kl_vcpu *vcpu)
{
	pr_err_ratelimited("EPT misconfiguration at guest physical 0x%lx\n",
			   kl_vmread(GUEST_PHYSICAL_ADDRESS));
	kl_vm_kill(vcpu->vm);
	return -EIO;
}

/* Nobody asked for these: CPUs with SEAM leave for them by themselves. */
#define KL_EXIT_REASON_SEAMCALL	76
#define KL_EXIT_REASON_TDCALL	77

typedef int (*kl_vmx_handler)(struct kl_vcpu *vcpu);

static const kl_vmx_handler kl_vmx_handlers[] = {
	[EXIT_REASON_EXCEPTION_NMI]	= kl_vmx_exit_exception,
	[EXIT_REASON_TRIPLE_FAULT]	= kl_exit_triple_fault,
	[EXIT_REASON_INIT_SIGNAL]	= kl_vmx_exit_ignored,
	[EXIT_REASON_SIPI_SIGNAL]	= kl_vmx_exit_ignored,
	[EXIT_REASON_INTERRUPT_WINDOW]	= kl_vmx_exit_irq_window,
	[EXIT_REASON_NMI_WINDOW]	= kl_vmx_exit_nmi_window,
	[EXIT_REASON_TASK_SWITCH]	= kl_vmx_exit_task_switch,
	[KL_EXIT_REASON_SEAMCALL]	= kl_exit_ud,
	[KL_EXIT_REASON_TDCALL]		= kl_exit_ud,
	[EXIT_REASON_CPUID]		= kl_exit_cpuid,
	[EXIT_REASON_HLT]		= kl_exit_hlt,
	[EXIT_REASON_INVD]		= kl_exit_invd,
	[EXIT_REASON_RDPMC]		= kl_exit_rdpmc,
	[EXIT_REASON_VMCALL]		= kl_exit_hypercall,
	[EXIT_REASON_VMCLEAR]		= kl_exit_ud,
	[EXIT_REASON_VMLAUNCH]		= kl_exit_ud,
	[EXIT_REASON_VMPTRLD]		= kl_exit_ud,
	[EXIT_REASON_VMPTRST]		= kl_exit_ud,
	[EXIT_REASON_VMREAD]		= kl_exit_ud,
	[EXIT_REASON_VMRESUME]		= kl_exit_ud,
	[EXIT_REASON_VMWRITE]		= kl_exit_ud,
	[EXIT_REASON_VMOFF]		= kl_exit_ud,
	[EXIT_REASON_VMON]		= kl_exit_ud,
	[EXIT_REASON_CR_ACCESS]		= kl_vmx_exit_cr,
	[EXIT_REASON_DR_ACCESS]		= kl_vmx_exit_dr,
	[EXIT_REASON_MSR_READ]		= kl_exit_rdmsr,
	[EXIT_REASON_MWAIT_INSTRUCTION]	= kl_exit_monitor,
	[EXIT_REASON_MONITOR_INSTRUCTION] = kl_exit_monitor,
	[EXIT_REASON_PAUSE_INSTRUCTION]	= kl_exit_pause,
	[EXIT_REASON_EPT_MISCONFIG]	= kl_vmx_exit_ept_misconfig,
	[EXIT_REASON_INVEPT]		= kl_exit_ud,
	[EXIT_REASON_PREEMPTION_TIMER]	= kl_vmx_exit_ignored,
	[EXIT_REASON_INVVPID]		= kl_exit_ud,
	[EXIT_REASON_WBINVD]		= kl_exit_invd,
	[EXIT_REASON_XSETBV]		= kl_exit_xsetbv,
	[EXIT_REASON_VMFUNC]		= kl_exit_ud,
	[EXIT_REASON_ENCLS]		= kl_exit_ud,
};

int kl_vmx_handle_exit(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;

	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return kl_vmx_entry_failed(vcpu);
	/* Bits 31:16 say where it happened (25.9.1), not what. */
	reason &= 0xffff;
	/* Direct calls for what is frequent: indirect ones may be retpolines. */
	switch (reason) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		return kl_vmx_exit_external_interrupt(vcpu);
	case EXIT_REASON_IO_INSTRUCTION:
		return kl_vmx_exit_io(vcpu);
	case EXIT_REASON_EPT_VIOLATION:
		return kl_vmx_exit_ept_violation(vcpu);
	case EXIT_REASON_MSR_WRITE:
		return kl_exit_wrmsr(vcpu);
	}
	if (unlikely(reason >= ARRAY_SIZE(kl_vmx_handlers)))
		return kl_unexpected_exit(vcpu, vmx->exit_reason);
	reason = array_index_nospec(reason, ARRAY_SIZE(kl_vmx_handlers));
	if (unlikely(!kl_vmx_handlers[reason]))
		return kl_unexpected_exit(vcpu, vmx->exit_reason);
	return kl_vmx_handlers[reason](vcpu);
}

void kl_vmx_exit_info(struct kl_vcpu *vcpu, u32 *reason, u64 *info1,
		      u64 *info2, u32 *intr_info)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	*reason = vmx->exit_reason;
	*info1 = 0;
	*info2 = vmx->idt_info;
	*intr_info = 0;
	if (vmx->entry_error)
		return;
	*info1 = kl_vmread(EXIT_QUALIFICATION);
	*intr_info = kl_vmread(VM_EXIT_INTR_INFO);
}
