// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_RUN: into the guest and out again until user space has something to do.
 */

#include <linux/entry-kvm.h>
#include <linux/hw_breakpoint.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vtime.h>
#include <trace/events/ipi.h>
#include <asm/debugreg.h>

#include "compat.h"
#include "kvm_uapi.h"

#include "dirty_ring.h"
#include "exit.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "pv.h"
#include "regs.h"
#include "state.h"
#include "trace.h"
#include "vendor.h"
#include "vm.h"

/* Does KVM_INTERRUPT have a way to the CPU? With a split irqchip, by LINT0. */
static bool kl_accepts_user_irq(struct kl_vcpu *vcpu)
{
	return vcpu->vm->irqchip_mode != KL_IRQCHIP_KERNEL &&
	       (!vcpu->apic || kl_lapic_accepts_pic(vcpu));
}

/*
 * Could user space's KVM_INTERRUPT be delivered at once? Without a PIC in the
 * kernel this is what ready_for_interrupt_injection in the run page means.
 */
static bool kl_ready_for_user_irq(struct kl_vcpu *vcpu)
{
	return kl_accepts_user_irq(vcpu) &&
	       vcpu->user_irq < 0 && !vcpu->events.interrupt.injected &&
	       !vcpu->events.exception.pending &&
	       !vcpu->events.exception.injected &&
	       kl_ops->irq_allowed(vcpu);
}

static bool kl_user_wants_window(struct kl_vcpu *vcpu)
{
	return READ_ONCE(vcpu->run->request_interrupt_window) &&
	       kl_accepts_user_irq(vcpu);
}

/* Would the vCPU, were it in HLT, have a reason to go on? */
static bool kl_vcpu_runnable(struct kl_vcpu *vcpu)
{
	/* Waits for an INIT or a SIPI: no event of another kind wakes it. */
	if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED ||
	    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		return kl_request_test(vcpu, KL_REQ_VM_DEAD) ||
		       (vcpu->apic && kl_lapic_has_init_sipi(vcpu));
	if (vcpu->events.exception.pending || vcpu->events.nmi_injected ||
	    vcpu->events.interrupt.injected)
		return true;
	if ((vcpu->events.nmi_pending || atomic_read(&vcpu->events.nmi_queued)) &&
	    kl_ops->nmi_allowed(vcpu))
		return true;
	if (kl_request_test(vcpu, KL_REQ_TRIPLE_FAULT) ||
	    kl_request_test(vcpu, KL_REQ_VM_DEAD) ||
	    kl_request_test(vcpu, KL_REQ_UNHALT))
		return true;
	if (READ_ONCE(vcpu->pv_unhalted))
		return true;
	if (vcpu->apic && kl_lapic_has_init_sipi(vcpu))
		return true;
	return kl_irq_source_pending(vcpu) && kl_ops->irq_allowed(vcpu);
}

static int kl_signal_exit(struct kl_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	vcpu->stats.signal_exits++;
	return -EINTR;
}

/*
 * HLT with a LAPIC in the kernel: sleep until there is something to deliver.
 * The vCPU stays loaded; the preempt notifier takes it off the CPU.
 * 1: it goes on; -EINTR: a signal.
 */
static int kl_vcpu_block(struct kl_vcpu *vcpu)
{
	int ret = 1;

	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kl_vcpu_runnable(vcpu))
			break;
		if (signal_pending(current)) {
			ret = kl_signal_exit(vcpu);
			break;
		}
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	if (ret < 0)
		return ret;
	/* One that does not become runnable does not come by its requests. */
	if (kl_request_test(vcpu, KL_REQ_VM_DEAD))
		return -EIO;

	if (kl_lapic_has_init_sipi(vcpu)) {
		ret = kl_lapic_process_init_sipi(vcpu);
		if (ret < 0)
			return ret;
		/* A SIPI that nobody waited for does not end HLT. */
		if (vcpu->mp_state == KVM_MP_STATE_HALTED && !kl_vcpu_runnable(vcpu))
			return 1;
	}
	vcpu->stats.halt_wakeup++;
	kl_request_take(vcpu, KL_REQ_UNHALT);
	WRITE_ONCE(vcpu->pv_unhalted, false);
	if (vcpu->mp_state == KVM_MP_STATE_HALTED)
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	kl_request(vcpu, KL_REQ_EVENT);
	return 1;
}

/* 1 go on, 0 to user space, negative errno. */
static int kl_handle_requests(struct kl_vcpu *vcpu)
{
	if (kl_request_test(vcpu, KL_REQ_VM_DEAD))
		return -EIO;
	if (kl_request_take(vcpu, KL_REQ_TDP_RELOAD))
		kl_ops->set_tdp_root(vcpu, vcpu->vm->mmu.root);
	if (kl_request_take(vcpu, KL_REQ_TLB_FLUSH)) {
		vcpu->stats.tlb_flush++;
		kl_ops->flush_tlb(vcpu);
	}
	if (kl_request_take(vcpu, KL_REQ_TRIPLE_FAULT)) {
		vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	if (kl_request_test(vcpu, KL_REQ_DIRTY_RING)) {
		if (kl_dirty_ring_full(vcpu)) {
			/* The request stays: no entry before it is emptied. */
			vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
			return 0;
		}
		kl_request_take(vcpu, KL_REQ_DIRTY_RING);
	}
	if (kl_request_take(vcpu, KL_REQ_CLOCK))
		kl_pv_update_clock(vcpu);
	if (kl_request_take(vcpu, KL_REQ_STEAL))
		kl_pv_update_steal(vcpu);
	if (kl_request_take(vcpu, KL_REQ_TPR_ACCESS)) {
		kl_lapic_fill_tpr_access(vcpu);
		return 0;
	}
	if (kl_request_take(vcpu, KL_REQ_IOAPIC_EOI_EXIT)) {
		vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
		vcpu->run->eoi.vector = vcpu->pending_ioapic_eoi;
		return 0;
	}
	if (kl_request_take(vcpu, KL_REQ_MSR_FILTER))
		kl_ops->msr_filter_changed(vcpu);
	kl_request_take(vcpu, KL_REQ_UNHALT);
	kl_request_take(vcpu, KL_REQ_EXIT);
	if (vcpu->apic && kl_lapic_has_init_sipi(vcpu)) {
		int ret = kl_lapic_process_init_sipi(vcpu);

		if (ret < 0)
			return ret;
		if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
			return 1;
	}
	return 1;
}

/*
 * The debug registers the guest is to see while it runs. The host's own
 * breakpoints are put back by the kernel's copy of them.
 */
static void kl_load_guest_drs(struct kl_vcpu *vcpu)
{
	if (likely(!vcpu->switch_drs))
		return;
	set_debugreg(0, 7);
	set_debugreg(vcpu->eff_db[0], 0);
	set_debugreg(vcpu->eff_db[1], 1);
	set_debugreg(vcpu->eff_db[2], 2);
	set_debugreg(vcpu->eff_db[3], 3);
}

static void kl_load_host_drs(struct kl_vcpu *vcpu)
{
	if (unlikely(vcpu->dr_dirty)) {
		kl_ops->sync_drs(vcpu);
		kl_update_debug(vcpu);
	}
	if (hw_breakpoint_active())
		kl_host_restore_breakpoints();
	else if (unlikely(vcpu->switch_drs))
		set_debugreg(0, 7);
}

/* Requests, and what they say is to be injected. As every handler. */
static int kl_before_entry(struct kl_vcpu *vcpu)
{
	int ret = kl_handle_requests(vcpu);

	if (ret <= 0 || vcpu->mp_state != KVM_MP_STATE_RUNNABLE ||
	    !kl_request_take(vcpu, KL_REQ_EVENT))
		return ret;
	ret = kl_inject_events(vcpu);
	if (ret > 0 && kl_user_wants_window(vcpu))
		kl_ops->want_irq_window(vcpu);
	return ret;
}

/*
 * One trip into the guest. As every handler: 1, 0 or a negative errno.
 *
 * vm->srcu is held before and after, but not in the guest: one that spins there
 * would keep every change of the slots waiting.
 */
static int kl_enter_guest(struct kl_vcpu *vcpu, bool again)
{
	enum kl_run_result res;
	int ret, idx;

	if (unlikely(kl_user_wants_window(vcpu)))
		kl_request(vcpu, KL_REQ_EVENT);

	if (kl_request_pending(vcpu)) {
		idx = srcu_read_lock(&vcpu->vm->srcu);
		ret = kl_before_entry(vcpu);
		srcu_read_unlock(&vcpu->vm->srcu, idx);
		if (ret <= 0)
			return ret;
		if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
			return 1;
	}

	preempt_disable();
	static_call(kl_prepare_run)(vcpu);
	local_irq_disable();

	WRITE_ONCE(vcpu->mode, KL_IN_GUEST);
	/* See the comment at the top of request.c. */
	smp_mb();
	if (unlikely(kl_request_pending(vcpu) ||
		     xfer_to_guest_mode_work_pending())) {
		WRITE_ONCE(vcpu->mode, KL_OUTSIDE_GUEST);
		local_irq_enable();
		preempt_enable();
		kl_ops->cancel_injection(vcpu);
		kl_request(vcpu, KL_REQ_EVENT);
		return 1;
	}

	kl_load_guest_drs(vcpu);
	kl_fpu_assure();
	kl_xcr_load_guest(vcpu);
	vtime_account_guest_enter();
	/*
	 * A thread that stays here would hold up RCU's grace periods; one that
	 * came from user space was quiescent there.
	 */
	if (again)
		rcu_virt_note_context_switch();
	trace_kl_entry(vcpu);

	/* An interrupt of our own ends guest mode right after the delivery. */
	if (unlikely(vcpu->exit_soon))
		smp_send_reschedule(vcpu->cpu);
	/*
	 * From here on the hardware knows; the vendor queues again what it did
	 * not finish.
	 */
	kl_clear_injected(vcpu);

	for (;;) {
		vcpu->stats.entries++;
		kl_host_guard_entry(vcpu);
		res = static_call(kl_run)(vcpu);
		kl_host_guard_exit(vcpu);
		vcpu->stats.exits++;
		if (res != KL_RUN_FAST)
			break;
		vcpu->stats.exits_fast++;
		if (unlikely(kl_request_pending(vcpu) ||
			     xfer_to_guest_mode_work_pending()))
			break;
	}
	vcpu->last_cpu = vcpu->cpu;
	if (unlikely(vcpu->exit_soon)) {
		vcpu->exit_soon = false;
		kl_request(vcpu, KL_REQ_EVENT);
	}

	kl_xcr_load_host(vcpu);
	kl_load_host_drs(vcpu);
	WRITE_ONCE(vcpu->mode, KL_OUTSIDE_GUEST);
	if (unlikely(res == KL_RUN_HOST_EVENT))
		kl_ops->handle_irqoff(vcpu);
	/*
	 * The interrupt that ended guest mode, if that was it, is taken here,
	 * while time still counts as the guest's.
	 */
	local_irq_enable();
	/* One instruction, for none is interrupted right after STI. */
	asm volatile("nop" : : : "memory");
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
	preempt_enable();

	if (unlikely(res == KL_RUN_FAST))
		return 1;
	if (trace_kl_exit_enabled())
		kl_trace_exit(vcpu);
	idx = srcu_read_lock(&vcpu->vm->srcu);
	ret = static_call(kl_handle_exit)(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret;
}

static int kl_run_loop(struct kl_vcpu *vcpu)
{
	bool again = false;
	int ret;

	for (;; again = true) {
		if (likely(vcpu->mp_state == KVM_MP_STATE_RUNNABLE))
			ret = kl_enter_guest(vcpu, again);
		else
			ret = kl_vcpu_block(vcpu);
		if (ret <= 0)
			break;
		if (unlikely(kl_user_wants_window(vcpu)) &&
		    kl_ready_for_user_irq(vcpu)) {
			vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			vcpu->stats.irq_window++;
			ret = 0;
			break;
		}
		if (__xfer_to_guest_mode_work_pending()) {
			if (kl_host_guest_mode_work()) {
				ret = kl_signal_exit(vcpu);
				break;
			}
		}
	}
	return ret;
}

/* What the run page tells user space on every return. */
static void kl_fill_run(struct kl_vcpu *vcpu)
{
	bool if_flag = kl_rflags_read(vcpu) & X86_EFLAGS_IF;
	struct kvm_run *run = vcpu->run;

	run->if_flag = if_flag;
	run->cr8 = vcpu->apic ? kl_get_cr8(vcpu) : vcpu->cr8;
	run->apic_base = vcpu->apic_base;
	run->flags = 0;
	run->ready_for_interrupt_injection =
		vcpu->vm->irqchip_mode == KL_IRQCHIP_KERNEL ||
		(if_flag && kl_ready_for_user_irq(vcpu));
}

/* An application processor that has had no SIPI yet. */
static int kl_run_uninitialized(struct kl_vcpu *vcpu)
{
	int ret;

	if (kl_immediate_exit(vcpu->run))
		return -EINTR;
	ret = kl_vcpu_block(vcpu);
	return ret < 0 ? ret : -EAGAIN;
}

int kl_vcpu_run(struct kl_vcpu *vcpu)
{
	int (*complete)(struct kl_vcpu *vcpu) = vcpu->complete_io;
	struct kvm_run *run = vcpu->run;
	u64 valid, dirty, cr8;
	int ret, idx;

	valid = READ_ONCE(run->kvm_valid_regs);
	dirty = READ_ONCE(run->kvm_dirty_regs);
	if ((valid | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;

	/*
	 * A signal that is blocked outside stays pending for the caller, also if
	 * its action is to be ignored or to kill: hence real_blocked, as for
	 * sigtimedwait().
	 */
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);

	run->flags = 0;
	if (unlikely(vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED)) {
		ret = kl_run_uninitialized(vcpu);
		goto out;
	}

	if (unlikely(dirty)) {
		idx = srcu_read_lock(&vcpu->vm->srcu);
		ret = kl_sync_regs_load(vcpu, dirty);
		srcu_read_unlock(&vcpu->vm->srcu, idx);
		run->kvm_dirty_regs = 0;
		if (ret)
			goto out;
	}
	if (!vcpu->apic) {
		cr8 = READ_ONCE(run->cr8);
		if (unlikely(cr8 != vcpu->cr8) && kl_set_cr8(vcpu, cr8)) {
			ret = -EINVAL;
			goto out;
		}
	}

	kl_fpu_load_guest(vcpu);
	ret = 1;
	/* What the last exit began, now that user space has done its part. */
	if (complete) {
		vcpu->complete_io = NULL;
		ret = complete(vcpu);
	}
	if (ret > 0) {
		if (kl_immediate_exit(run)) {
			/* The reason of the exit that was completed stands. */
			ret = -EINTR;
		} else {
			run->exit_reason = KVM_EXIT_UNKNOWN;
			ret = kl_run_loop(vcpu);
		}
	}
	kl_fpu_put_guest(vcpu);

	if (valid)
		kl_sync_regs_store(vcpu, valid);
	kl_fill_run(vcpu);
	vcpu->stats.exits_to_user++;
	trace_kl_user_exit(vcpu, run->exit_reason, ret);
out:
	if (vcpu->sigset_active) {
		sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
		sigemptyset(&current->real_blocked);
	}
	return ret;
}
