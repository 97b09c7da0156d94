// SPDX-License-Identifier: GPL-2.0
/*
 * After an entry that the CPU refused: say why, and tell user space.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "../exit.h"
#include "../regs.h"
#include "check.h"
#include "insn.h"
#include "vmx.h"

static void kl_vmx_gather(struct kl_entry_state *s)
{
	int i;

	s->cr0 = kl_vmread(GUEST_CR0);
	s->cr3 = kl_vmread(GUEST_CR3);
	s->cr4 = kl_vmread(GUEST_CR4);
	s->efer = kl_vmread(GUEST_IA32_EFER);
	s->dr7 = kl_vmread(GUEST_DR7);
	s->debugctl = kl_vmread(GUEST_IA32_DEBUGCTL);
	s->rip = kl_vmread(GUEST_RIP);
	s->rflags = kl_vmread(GUEST_RFLAGS);
	s->sysenter_esp = kl_vmread(GUEST_SYSENTER_ESP);
	s->sysenter_eip = kl_vmread(GUEST_SYSENTER_EIP);
	for (i = 0; i < KL_CHECK_NR_SEGS; i++) {
		s->seg[i].base = kl_vmread(GUEST_ES_BASE + 2 * i);
		s->seg[i].limit = kl_vmread(GUEST_ES_LIMIT + 2 * i);
		s->seg[i].ar = kl_vmread(GUEST_ES_AR_BYTES + 2 * i);
		s->seg[i].selector = kl_vmread(GUEST_ES_SELECTOR + 2 * i);
	}
	s->gdtr_base = kl_vmread(GUEST_GDTR_BASE);
	s->gdtr_limit = kl_vmread(GUEST_GDTR_LIMIT);
	s->idtr_base = kl_vmread(GUEST_IDTR_BASE);
	s->idtr_limit = kl_vmread(GUEST_IDTR_LIMIT);
	s->activity = kl_vmread(GUEST_ACTIVITY_STATE);
	s->interruptibility = kl_vmread(GUEST_INTERRUPTIBILITY_INFO);
	s->pending_dbg = kl_vmread(GUEST_PENDING_DBG_EXCEPTIONS);
	for (i = 0; i < 4; i++)
		s->pdptr[i] = kl_vmread(GUEST_PDPTR0 + 2 * i);
	s->entry_ctl = kl_vmread(VM_ENTRY_CONTROLS);
	s->insn_len = kl_vmread(VM_ENTRY_INSTRUCTION_LEN);

	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, s->cr4_allowed);
	s->phys_bits = boot_cpu_data.x86_phys_bits;
	s->linear_bits = boot_cpu_has(X86_FEATURE_LA57) ? 57 : 48;
}

/* 27.8: bits 15:0 of the reason; the qualification tells some cases apart. */
static void kl_vmx_explain(struct kl_vmx *vmx)
{
	struct kl_entry_state s = { .intr_info = vmx->failed_event };
	const char *bad;

	kl_vmx_gather(&s);
	bad = kl_check_entry(&s);
	pr_err_ratelimited("entry refused, reason 0x%x, qualification %lu: %s\n",
			   vmx->exit_reason, kl_vmread(EXIT_QUALIFICATION),
			   bad ?: "no rule known here is broken");
	pr_err_ratelimited("CR0 %llx CR3 %llx CR4 %llx EFER %llx RIP %x:%llx RFLAGS %llx CS %x/%x SS %x/%x event %x\n",
			   s.cr0, s.cr3, s.cr4, s.efer,
			   s.seg[KL_CHECK_CS].selector, s.rip, s.rflags,
			   s.seg[KL_CHECK_CS].ar, s.seg[KL_CHECK_CS].limit,
			   s.seg[KL_CHECK_SS].ar, s.seg[KL_CHECK_SS].limit,
			   s.intr_info);
}

int kl_vmx_entry_failed(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);
	u32 error;

	/*
	 * Controls and host state are ours, not the guest's: an error here is a
	 * bug, but for an injection that MOV SS blocks (31.4, error 26).
	 */
	if (vmx->entry_error) {
		error = kl_vmread(VM_INSTRUCTION_ERROR);
		if (error == VMXERR_ENTRY_INVALID_CONTROL_FIELD)
			kl_vmx_explain(vmx);
		pr_err_ratelimited("VMLAUNCH or VMRESUME failed, error %u\n", error);
		return kl_fail_entry(vcpu, error);
	}
	kl_vmx_explain(vmx);
	return kl_fail_entry(vcpu, vmx->exit_reason);
}
