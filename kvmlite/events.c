// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions, NMIs and interrupts on their way into a guest.
 *
 * "Pending" is an event that has yet to be checked against the guest's state;
 * "injected" is one whose delivery has begun: if the guest leaves before it is
 * complete, the vendor code queues it again and it goes in before all others.
 */

#include <linux/kvm.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "exit.h"
#include "irqchip/irqchip.h"
#include "regs.h"
#include "trace.h"
#include "vendor.h"
#include "vm.h"

/* SDM vol. 3, table 6-5: which pairs make a double fault. */
enum kl_class { KL_BENIGN, KL_CONTRIBUTORY, KL_PAGE_FAULT, KL_DOUBLE };

static enum kl_class kl_exception_class(u8 vector)
{
	switch (vector) {
	case X86_TRAP_PF:
		return KL_PAGE_FAULT;
	case X86_TRAP_DF:
		return KL_DOUBLE;
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
		return KL_CONTRIBUTORY;
	default:
		return KL_BENIGN;
	}
}

static void kl_exception_set(struct kl_vcpu *vcpu, u8 vector, bool has_error,
			     u32 error_code, bool has_payload, u64 payload)
{
	struct kl_exception *ex = &vcpu->events.exception;
	enum kl_class first, second;

	kl_request(vcpu, KL_REQ_EVENT);

	if (!ex->pending && !ex->injected)
		goto set;
	first = kl_exception_class(ex->vector);
	second = kl_exception_class(vector);
	if (first == KL_DOUBLE) {
		ex->pending = false;
		ex->injected = false;
		kl_request(vcpu, KL_REQ_TRIPLE_FAULT);
		return;
	}
	if ((first == KL_CONTRIBUTORY && second == KL_CONTRIBUTORY) ||
	    (first == KL_PAGE_FAULT && second != KL_BENIGN)) {
		vector = X86_TRAP_DF;
		has_error = true;
		error_code = 0;
		has_payload = false;
		payload = 0;
	}
	/*
	 * Otherwise the second is served first; the instruction that raised
	 * the first is run again afterwards.
	 */
set:
	ex->pending = true;
	ex->injected = false;
	ex->vector = vector;
	ex->has_error_code = has_error;
	ex->error_code = error_code;
	ex->has_payload = has_payload;
	ex->payload = payload;
}

void kl_queue_exception(struct kl_vcpu *vcpu, u8 vector)
{
	kl_exception_set(vcpu, vector, false, 0, false, 0);
}

void kl_queue_exception_e(struct kl_vcpu *vcpu, u8 vector, u32 error_code)
{
	kl_exception_set(vcpu, vector, true, error_code, false, 0);
}

void kl_queue_exception_p(struct kl_vcpu *vcpu, u8 vector, u64 payload)
{
	kl_exception_set(vcpu, vector, false, 0, true, payload);
}

void kl_queue_page_fault(struct kl_vcpu *vcpu, u64 address, u32 error_code)
{
	kl_exception_set(vcpu, X86_TRAP_PF, true, error_code, true, address);
}

void kl_requeue_exception(struct kl_vcpu *vcpu, u8 vector, bool has_error,
			  u32 error_code)
{
	struct kl_exception *ex = &vcpu->events.exception;

	ex->pending = false;
	ex->injected = true;
	ex->vector = vector;
	ex->has_error_code = has_error;
	ex->error_code = error_code;
	ex->has_payload = false;
	kl_request(vcpu, KL_REQ_EVENT);
}

void kl_queue_interrupt(struct kl_vcpu *vcpu, u8 vector, bool soft)
{
	vcpu->events.interrupt.injected = true;
	vcpu->events.interrupt.soft = soft;
	vcpu->events.interrupt.vector = vector;
	kl_request(vcpu, KL_REQ_EVENT);
}

void kl_inject_nmi(struct kl_vcpu *vcpu)
{
	atomic_inc(&vcpu->events.nmi_queued);
	kl_request(vcpu, KL_REQ_EVENT);
	kl_vcpu_kick(vcpu);
}

/* The architectural side effect of an exception, once it is certain. */
void kl_deliver_payload(struct kl_vcpu *vcpu, struct kl_exception *ex)
{
	if (!ex->has_payload)
		return;
	switch (ex->vector) {
	case X86_TRAP_DB:
		/* B0–B3 are replaced, BS BD BT accumulate, RTM is inverted. */
		vcpu->dr6 &= ~DR_TRAP_BITS;
		vcpu->dr6 |= DR6_RESERVED;
		vcpu->dr6 |= ex->payload;
		vcpu->dr6 ^= ex->payload & (DR6_RESERVED & BIT(16));
		vcpu->dr6 &= ~BIT(12);
		break;
	case X86_TRAP_PF:
		vcpu->cr2 = ex->payload;
		break;
	}
	ex->has_payload = false;
	ex->payload = 0;
}

static bool kl_is_fault(u8 vector)
{
	switch (vector) {
	case X86_TRAP_BP:
	case X86_TRAP_OF:
	case X86_TRAP_DB:	/* traps mostly; the code that queues a #DB fault sets RF */
	case X86_TRAP_DF:
	case X86_TRAP_MC:
		return false;
	default:
		return true;
	}
}

static void kl_inject_pending_exception(struct kl_vcpu *vcpu)
{
	struct kl_exception *ex = &vcpu->events.exception;

	if (kl_is_fault(ex->vector))
		kl_rflags_write(vcpu, kl_rflags_read(vcpu) | X86_EFLAGS_RF);
	if (ex->vector == X86_TRAP_DB) {
		kl_deliver_payload(vcpu, ex);
		if (vcpu->dr7 & KL_DR7_GD) {
			vcpu->dr7 &= ~KL_DR7_GD;
			kl_update_debug(vcpu);
		}
	} else {
		kl_deliver_payload(vcpu, ex);
	}
	ex->pending = false;
	ex->injected = true;
	/* Real mode pushes no error codes (SDM vol. 3, 20.1.4). */
	if (!kl_is_protected(vcpu))
		ex->has_error_code = false;
	trace_kl_inject(vcpu, "exception", ex->vector, false);
	vcpu->stats.exception_injected++;
	kl_ops->inject_exception(vcpu);
}

/* One more NMI may wait while one is being handled; the rest are lost. */
static void kl_collect_nmis(struct kl_vcpu *vcpu)
{
	unsigned int queued = atomic_xchg(&vcpu->events.nmi_queued, 0);
	unsigned int limit = 2;

	if (kl_ops->get_nmi_mask(vcpu) || vcpu->events.nmi_injected)
		limit = 1;
	vcpu->events.nmi_pending = min(vcpu->events.nmi_pending + queued, limit);
}

/* With a split irqchip KVM_INTERRUPT stands for the PIC, behind LINT0. */
static bool kl_user_irq_pending(struct kl_vcpu *vcpu)
{
	return vcpu->user_irq >= 0 &&
	       (!vcpu->apic || kl_lapic_accepts_pic(vcpu));
}

bool kl_irq_source_pending(struct kl_vcpu *vcpu)
{
	return kl_user_irq_pending(vcpu) ||
	       (vcpu->apic && kl_irq_pending(vcpu));
}

static int kl_take_irq(struct kl_vcpu *vcpu)
{
	int vector = vcpu->user_irq;

	if (kl_user_irq_pending(vcpu)) {
		vcpu->user_irq = -1;
		return vector;
	}
	return kl_irq_ack(vcpu);
}

int kl_inject_events(struct kl_vcpu *vcpu)
{
	struct kl_events *ev = &vcpu->events;
	bool busy = true;
	int vector;

	if (unlikely(atomic_read(&ev->nmi_queued)))
		kl_collect_nmis(vcpu);

	if (ev->exception.injected) {
		trace_kl_inject(vcpu, "exception", ev->exception.vector, true);
		kl_ops->inject_exception(vcpu);
	} else if (ev->nmi_injected) {
		kl_ops->inject_nmi(vcpu);
	} else if (ev->interrupt.injected) {
		trace_kl_inject(vcpu, "interrupt", ev->interrupt.vector, true);
		kl_ops->inject_irq(vcpu, true);
	} else if (ev->exception.pending) {
		kl_inject_pending_exception(vcpu);
	} else {
		busy = false;
	}

	/*
	 * A new exception raised while an event is delivered again waits for
	 * the exit right after the delivery.
	 */
	if (busy && ev->exception.pending)
		vcpu->exit_soon = true;

	/* Interrupts wait while user space single-steps and asked for that. */
	if ((vcpu->guest_debug & KVM_GUESTDBG_BLOCKIRQ))
		return 1;

	if (ev->nmi_pending) {
		if (!busy && kl_ops->nmi_allowed(vcpu)) {
			ev->nmi_pending--;
			ev->nmi_injected = true;
			trace_kl_inject(vcpu, "nmi", 2, false);
			vcpu->stats.nmi_injected++;
			kl_ops->inject_nmi(vcpu);
			busy = true;
		}
		if (ev->nmi_pending)
			kl_ops->want_nmi_window(vcpu);
	}

	if (kl_irq_source_pending(vcpu)) {
		if (!busy && kl_ops->irq_allowed(vcpu)) {
			vector = kl_take_irq(vcpu);
			if (vector >= 0) {
				ev->interrupt.injected = true;
				ev->interrupt.soft = false;
				ev->interrupt.vector = vector;
				trace_kl_inject(vcpu, "interrupt", vector, false);
				vcpu->stats.irq_injected++;
				kl_ops->inject_irq(vcpu, false);
			}
		}
		if (kl_irq_source_pending(vcpu))
			kl_ops->want_irq_window(vcpu);
	}
	return 1;
}
