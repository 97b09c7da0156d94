// SPDX-License-Identifier: GPL-2.0
/*
 * Events: into the guest by the next entry, and those that an exit interrupted.
 *
 * The core forgets an event once it is in the entry field and guest mode is
 * certain; what an exit interrupts goes back to vcpu->events from here.
 */

#include <linux/kvm.h>
#include <asm/trapnr.h>

#include "../regs.h"
#include "insn.h"
#include "vmx.h"

#define KL_SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/* INT n (CD ib), INT3 (CC), INTO (CE): the lengths that entry adds to RIP. */
#define KL_INT_N_LEN	2
#define KL_INT3_LEN	1

static void kl_vmx_put_event(struct kl_vmx *vmx, u32 info)
{
	/* A guest whose HLT does not exit sleeps in the CPU; an event wakes it. */
	if (!(vmx->cpu_ctl & CPU_BASED_HLT_EXITING))
		kl_vmwrite(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	kl_vmwrite(VM_ENTRY_INTR_INFO_FIELD, info | INTR_INFO_VALID_MASK);
	vmx->injecting = true;
}

void kl_vmx_inject_irq(struct kl_vcpu *vcpu, bool reinject)
{
	u32 info = vcpu->events.interrupt.vector;

	if (vcpu->events.interrupt.soft) {
		kl_vmwrite(VM_ENTRY_INSTRUCTION_LEN, KL_INT_N_LEN);
		info |= INTR_TYPE_SOFT_INTR;
	} else {
		info |= INTR_TYPE_EXT_INTR;
	}
	kl_vmx_put_event(to_vmx(vcpu), info);
}

void kl_vmx_inject_nmi(struct kl_vcpu *vcpu)
{
	kl_vmx_put_event(to_vmx(vcpu), X86_TRAP_NMI | INTR_TYPE_NMI_INTR);
}

void kl_vmx_inject_exception(struct kl_vcpu *vcpu)
{
	const struct kl_exception *e = &vcpu->events.exception;
	u32 info = e->vector;

	if (e->vector == X86_TRAP_BP || e->vector == X86_TRAP_OF) {
		kl_vmwrite(VM_ENTRY_INSTRUCTION_LEN, KL_INT3_LEN);
		info |= INTR_TYPE_SOFT_EXCEPTION;
	} else {
		info |= INTR_TYPE_HARD_EXCEPTION;
	}
	/* Real mode pushes no error code, and entry refuses one (27.2.1.3). */
	if (e->has_error_code && (vcpu->regs[KL_REG_CR0] & X86_CR0_PE)) {
		kl_vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, e->error_code);
		info |= INTR_INFO_DELIVER_CODE_MASK;
	}
	kl_vmx_put_event(to_vmx(vcpu), info);
}

void kl_vmx_cancel_injection(struct kl_vcpu *vcpu)
{
	struct kl_vmx *vmx = to_vmx(vcpu);

	if (!vmx->injecting)
		return;
	kl_vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx->injecting = false;
}

/**
 * kl_vmx_requeue_event - deliver again what an exit interrupted (28.2.4)
 * @vmx: the vCPU
 * @info: the event, as in the IDT-vectoring information field
 * @error_code: valid if @info says that there is one
 *
 * An INT instruction of the guest's own has not completed: RIP is still at it
 * and it executes again. One that was injected stays in vcpu->events.
 */
void kl_vmx_requeue_event(struct kl_vmx *vmx, u32 info, u32 error_code)
{
	struct kl_vcpu *vcpu = &vmx->vcpu;
	u8 vector = info & INTR_INFO_VECTOR_MASK;
	bool code = info & INTR_INFO_DELIVER_CODE_MASK;

	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_NMI_INTR:
		/* The delivery blocked NMIs; entry refuses another one then. */
		kl_vmx_set_nmi_mask(vcpu, false);
		vcpu->events.nmi_injected = true;
		kl_request(vcpu, KL_REQ_EVENT);
		break;
	case INTR_TYPE_EXT_INTR:
		kl_queue_interrupt(vcpu, vector, false);
		break;
	case INTR_TYPE_HARD_EXCEPTION:
		kl_requeue_exception(vcpu, vector, code, code ? error_code : 0);
		break;
	case INTR_TYPE_SOFT_INTR:
		if (vmx->injecting)
			kl_queue_interrupt(vcpu, vector, true);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
		if (vmx->injecting)
			kl_requeue_exception(vcpu, vector, false, 0);
		break;
	}
}

static u32 kl_vmx_interruptibility(void)
{
	return kl_vmread(GUEST_INTERRUPTIBILITY_INFO);
}

bool kl_vmx_irq_allowed(struct kl_vcpu *vcpu)
{
	return (kl_rflags_read(vcpu) & X86_EFLAGS_IF) &&
	       !(kl_vmx_interruptibility() & KL_SHADOW);
}

bool kl_vmx_nmi_allowed(struct kl_vcpu *vcpu)
{
	return !(kl_vmx_interruptibility() & (KL_SHADOW | GUEST_INTR_STATE_NMI));
}

void kl_vmx_want_irq_window(struct kl_vcpu *vcpu)
{
	kl_vmx_set_cpu_ctl(to_vmx(vcpu), CPU_BASED_INTR_WINDOW_EXITING, 0);
}

/*
 * The NMI window opens at once where only STI's shadow is in the way; STI has
 * set IF, so the interrupt window is the one that opens after it.
 */
void kl_vmx_want_nmi_window(struct kl_vcpu *vcpu)
{
	u32 window = CPU_BASED_NMI_WINDOW_EXITING;

	if (kl_vmx_interruptibility() & GUEST_INTR_STATE_STI)
		window = CPU_BASED_INTR_WINDOW_EXITING;
	kl_vmx_set_cpu_ctl(to_vmx(vcpu), window, 0);
}

bool kl_vmx_get_nmi_mask(struct kl_vcpu *vcpu)
{
	return kl_vmx_interruptibility() & GUEST_INTR_STATE_NMI;
}

void kl_vmx_set_nmi_mask(struct kl_vcpu *vcpu, bool masked)
{
	u32 old = kl_vmx_interruptibility();
	u32 new = old & ~GUEST_INTR_STATE_NMI;

	if (masked)
		new |= GUEST_INTR_STATE_NMI;
	if (new != old)
		kl_vmwrite(GUEST_INTERRUPTIBILITY_INFO, new);
}

u32 kl_vmx_get_shadow(struct kl_vcpu *vcpu)
{
	u32 info = kl_vmx_interruptibility(), shadow = 0;

	if (info & GUEST_INTR_STATE_STI)
		shadow |= KVM_X86_SHADOW_INT_STI;
	if (info & GUEST_INTR_STATE_MOV_SS)
		shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	return shadow;
}

void kl_vmx_set_shadow(struct kl_vcpu *vcpu, u32 shadow)
{
	u32 old = kl_vmx_interruptibility();
	u32 new = old & ~KL_SHADOW;

	/* Never both (27.3.1.5). */
	if (shadow & KVM_X86_SHADOW_INT_MOV_SS)
		new |= GUEST_INTR_STATE_MOV_SS;
	else if (shadow & KVM_X86_SHADOW_INT_STI)
		new |= GUEST_INTR_STATE_STI;
	if (new != old)
		kl_vmwrite(GUEST_INTERRUPTIBILITY_INFO, new);
}
