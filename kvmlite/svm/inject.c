// SPDX-License-Identifier: GPL-2.0
/*
 * Events on their way into the guest (APM 15.20, 15.21).
 *
 * Interrupts: the virtual interrupt that V_IRQ raises is never delivered; it
 * is intercepted, and so tells when the guest could take a real one.
 *
 * NMIs: without virtual NMIs the CPU does not know that a guest handles one.
 * From injection on, IRET is intercepted; that exit comes before the IRET has
 * run, and NMIs stay masked until it has: until RIP has moved, seen at a later
 * exit. If one is waiting, the IRET is single-stepped to get that exit at once.
 * While stepping every exception is intercepted, because its delivery would
 * save our TF for the guest to see; such an exception is injected instead.
 */

#include <asm/kvm.h>
#include <asm/processor-flags.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "../regs.h"
#include "event.h"
#include "svm.h"

/* Vectors that exist as exceptions; 2 is the NMI, 9 and 15 are not used. */
#define KL_ALL_EXCEPTIONS	0x003f7dfbu

static void kl_svm_set_event(struct kl_svm *svm, u32 info, u32 error_code)
{
	svm->vmcb->control.event_inj = info;
	svm->vmcb->control.event_inj_err = error_code;
	svm->injected = true;
}

void kl_svm_inject_irq(struct kl_vcpu *vcpu, bool reinject)
{
	/*
	 * INT n interrupted on its way is never queued again by us: RIP still
	 * is at the instruction, which runs once more. So is one that user
	 * space restored from elsewhere.
	 */
	if (vcpu->events.interrupt.soft) {
		vcpu->events.interrupt.injected = false;
		return;
	}
	kl_svm_set_event(to_svm(vcpu),
			 SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_INTR |
			 vcpu->events.interrupt.vector, 0);
}

void kl_svm_inject_nmi(struct kl_vcpu *vcpu)
{
	kl_svm_set_nmi_mask(vcpu, true);
	kl_svm_set_event(to_svm(vcpu),
			 SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | X86_TRAP_NMI, 0);
}

void kl_svm_inject_exception(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	const struct kl_exception *ex = &vcpu->events.exception;

	/*
	 * INT3 and INTO are one byte long and their handlers return to what
	 * follows. The CPU pushes NextRIP if it keeps one, else RIP as it is.
	 */
	if (ex->vector == X86_TRAP_BP || ex->vector == X86_TRAP_OF) {
		svm->soft_old_rip = kl_rip_read(vcpu);
		svm->soft_next_rip = svm->soft_old_rip + 1;
		if (!kl_is_64bit(vcpu))
			svm->soft_next_rip = (u32)svm->soft_next_rip;
		if (kl_svm_caps.nrips)
			svm->vmcb->control.next_rip = svm->soft_next_rip;
		else
			kl_rip_write(vcpu, svm->soft_next_rip);
		svm->soft_exception = true;
	}
	kl_svm_set_event(svm, kl_svm_exception_info(ex->vector,
						    ex->has_error_code),
			 ex->error_code);
}

/* An injected #BP or #OF did not arrive: back to the instruction. */
static void kl_svm_undo_soft(struct kl_svm *svm)
{
	if (!svm->soft_exception)
		return;
	svm->soft_exception = false;
	if (kl_rip_read(&svm->vcpu) == svm->soft_next_rip)
		kl_rip_write(&svm->vcpu, svm->soft_old_rip);
}

/**
 * kl_svm_requeue_event - take note of what an exit did to event delivery
 * @svm: the vCPU, after an exit
 * @info: EXITINTINFO (or EVENTINJ, if the entry never happened)
 * @error_code: the error code that goes with it
 *
 * What was injected has arrived unless @info says otherwise.
 */
void kl_svm_requeue_event(struct kl_svm *svm, u32 info, u32 error_code)
{
	struct kl_vcpu *vcpu = &svm->vcpu;
	bool ours = svm->soft_exception;

	svm->injected = false;
	kl_clear_injected(vcpu);

	if (!(info & SVM_EXITINTINFO_VALID)) {
		svm->soft_exception = false;
		return;
	}
	kl_svm_undo_soft(svm);

	switch (kl_svm_requeue_kind(info, ours)) {
	case KL_REQUEUE_IRQ:
		kl_queue_interrupt(vcpu, info & SVM_EXITINTINFO_VEC_MASK, false);
		break;
	case KL_REQUEUE_NMI:
		vcpu->events.nmi_injected = true;
		kl_request(vcpu, KL_REQ_EVENT);
		break;
	case KL_REQUEUE_EXCEPTION:
		kl_requeue_exception(vcpu, info & SVM_EXITINTINFO_VEC_MASK,
				     info & SVM_EXITINTINFO_VALID_ERR, error_code);
		break;
	case KL_REQUEUE_NONE:
		break;
	}
}

void kl_svm_cancel_injection(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (!svm->injected)
		return;
	kl_svm_requeue_event(svm, control->event_inj, control->event_inj_err);
	control->event_inj = 0;
}

u32 kl_svm_get_shadow(struct kl_vcpu *vcpu)
{
	/* The CPU does not tell STI's from MOV SS's: call it both. */
	if (to_svm(vcpu)->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK)
		return KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS;
	return 0;
}

void kl_svm_set_shadow(struct kl_vcpu *vcpu, u32 shadow)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;

	if (shadow)
		control->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	else
		control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

bool kl_svm_irq_allowed(struct kl_vcpu *vcpu)
{
	return (kl_rflags_read(vcpu) & X86_EFLAGS_IF) &&
	       !kl_svm_get_shadow(vcpu);
}

bool kl_svm_nmi_allowed(struct kl_vcpu *vcpu)
{
	return !to_svm(vcpu)->nmi_masked && !kl_svm_get_shadow(vcpu);
}

void kl_svm_want_irq_window(struct kl_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	/* Of the highest priority, so that V_TPR does not hold it back. */
	vmcb->control.int_ctl |= V_IRQ_INJECTION_BITS_MASK;
	vmcb->control.int_vector = 0;
	kl_svm_intercept(vmcb, INTERCEPT_VINTR, true);
}

void kl_svm_end_irq_window(struct kl_svm *svm)
{
	svm->vmcb->control.int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	kl_svm_intercept(svm->vmcb, INTERCEPT_VINTR, false);
}

bool kl_svm_get_nmi_mask(struct kl_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi_masked;
}

void kl_svm_set_nmi_mask(struct kl_vcpu *vcpu, bool masked)
{
	struct kl_svm *svm = to_svm(vcpu);

	svm->nmi_masked = masked;
	svm->iret_begun = false;
	kl_svm_intercept(svm->vmcb, INTERCEPT_IRET, masked);
}

/* The IRET intercept: about to run, at RIP. */
void kl_svm_iret_begins(struct kl_svm *svm)
{
	kl_svm_intercept(svm->vmcb, INTERCEPT_IRET, false);
	svm->iret_begun = true;
	svm->iret_rip = kl_rip_read(&svm->vcpu);
	kl_request(&svm->vcpu, KL_REQ_EVENT);
}

void kl_svm_unmask_nmi(struct kl_svm *svm)
{
	svm->nmi_masked = false;
	svm->iret_begun = false;
	kl_request(&svm->vcpu, KL_REQ_EVENT);
}

void kl_svm_want_nmi_window(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	/* The IRET intercept comes first and asks again. */
	if (svm->nmi_masked && !svm->iret_begun)
		return;
	/* Just before the IRET, or in a shadow of one instruction. */
	svm->step = true;
}

/*
 * Right before an entry, if it or the last one steps; undone by
 * kl_svm_step_end() right after the exit.
 */
void kl_svm_step_begin(struct kl_svm *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	svm->stepped = svm->step;
	if (!svm->step)
		return;
	svm->step = false;
	svm->step_rip = vmcb->save.rip;
	svm->step_tf = !!(vmcb->save.rflags & X86_EFLAGS_TF);
	vmcb->save.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
	vmcb->control.intercepts[INTERCEPT_EXCEPTION] = KL_ALL_EXCEPTIONS;
}

/*
 * @stepped stays set for the exit handlers. After an IRET that ran, RFLAGS are
 * what it popped; in every other case TF is still ours.
 */
void kl_svm_step_end(struct kl_svm *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	u32 code = svm->vmcb->control.exit_code;
	bool ran = save->rip != svm->step_rip ||
		   code == SVM_EXIT_EXCP_BASE + X86_TRAP_DB;

	kl_svm_update_exception_bitmap(&svm->vcpu);
	if (svm->iret_begun && ran) {
		kl_svm_unmask_nmi(svm);
		return;
	}
	if (!svm->step_tf)
		save->rflags &= ~X86_EFLAGS_TF;
	kl_request(&svm->vcpu, KL_REQ_EVENT);
}
