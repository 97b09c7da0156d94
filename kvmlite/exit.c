// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that both vendors have: what happens once it is known what the guest
 * did. Return values: see exit.h.
 */

#include <linux/kvm.h>
#include <linux/sched.h>

#include "exit.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "regs.h"
#include "trace.h"
#include "vendor.h"
#include "vm.h"

int kl_exit_cpuid(struct kl_vcpu *vcpu)
{
	u32 eax = vcpu->regs[KL_REG_RAX], ecx = vcpu->regs[KL_REG_RCX];
	u32 ebx, edx;

	if (unlikely(kl_cpuid_faults(vcpu)) && kl_ops->get_cpl(vcpu)) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	kl_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	vcpu->regs[KL_REG_RAX] = eax;
	vcpu->regs[KL_REG_RBX] = ebx;
	vcpu->regs[KL_REG_RCX] = ecx;
	vcpu->regs[KL_REG_RDX] = edx;
	vcpu->stats.cpuid++;
	return kl_skip_insn(vcpu);
}

int kl_exit_hlt(struct kl_vcpu *vcpu)
{
	int ret;

	vcpu->stats.hlt++;
	ret = kl_ops->skip_insn(vcpu);
	if (ret <= 0)
		return ret;
	/* A debugger that steps over it hears of the step; the CPU has halted. */
	if (vcpu->apic)
		vcpu->mp_state = KVM_MP_STATE_HALTED;
	ret = kl_insn_done(vcpu);
	if (vcpu->apic)
		return ret;
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return 0;
}

int kl_exit_xsetbv(struct kl_vcpu *vcpu)
{
	if (kl_ops->get_cpl(vcpu) ||
	    !(kl_cr4(vcpu) & X86_CR4_OSXSAVE) ||
	    kl_set_xcr0(vcpu, vcpu->regs[KL_REG_RCX], kl_read_edx_eax(vcpu))) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	return kl_skip_insn(vcpu);
}

int kl_exit_triple_fault(struct kl_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

int kl_exit_invd(struct kl_vcpu *vcpu)
{
	/* Memory is coherent and write-back to all: nothing to write back. */
	return kl_skip_insn(vcpu);
}

int kl_exit_pause(struct kl_vcpu *vcpu)
{
	int ret = kl_skip_insn(vcpu);

	if (ret > 0)
		cond_resched();
	return ret;
}

int kl_exit_monitor(struct kl_vcpu *vcpu)
{
	if (!kl_guest_has(vcpu, X86_FEATURE_MWAIT) &&
	    (vcpu->vm->disabled_quirks & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)) {
		kl_queue_exception(vcpu, X86_TRAP_UD);
		return 1;
	}
	return kl_skip_insn(vcpu);
}

int kl_exit_rdpmc(struct kl_vcpu *vcpu)
{
	/* No performance counters are offered. */
	kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
	return 1;
}

int kl_exit_ud(struct kl_vcpu *vcpu)
{
	kl_queue_exception(vcpu, X86_TRAP_UD);
	return 1;
}

int kl_internal_error(struct kl_vcpu *vcpu, u32 suberror, unsigned int ndata,
		      const u64 *data)
{
	struct kvm_run *run = vcpu->run;
	unsigned int i;

	ndata = min_t(unsigned int, ndata, ARRAY_SIZE(run->internal.data));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = ndata;
	/* By our own count: user space can change the page's meanwhile. */
	for (i = 0; i < ndata; i++)
		run->internal.data[i] = data[i];
	return 0;
}

int kl_unexpected_exit(struct kl_vcpu *vcpu, u64 reason)
{
	u64 data[2] = { reason, vcpu->last_cpu };

	pr_warn_ratelimited("vCPU %u left the guest for a reason nobody expects: 0x%llx\n",
			    vcpu->id, reason);
	return kl_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
				 ARRAY_SIZE(data), data);
}

int kl_fail_entry(struct kl_vcpu *vcpu, u64 hw_reason)
{
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = hw_reason;
	vcpu->run->fail_entry.cpu = vcpu->last_cpu;
	return 0;
}

int kl_exit_tdp_fault(struct kl_vcpu *vcpu, gpa_t gpa, u32 access)
{
	int ret;

	vcpu->stats.tdp_fault++;
	vcpu->l1d_unclean = true;
	trace_kl_tdp_fault(vcpu, gpa, access);
	ret = kl_mmu_fault(vcpu, gpa, access);
	if (ret == KL_FAULT_MMIO) {
		/* The instruction at RIP has no part in it. */
		if (unlikely(kl_event_on_its_way(vcpu))) {
			u64 data[2] = { access, gpa };

			return kl_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV,
						 ARRAY_SIZE(data), data);
		}
		return kl_emulate_mmio(vcpu, gpa, access);
	}
	if (ret == KL_FAULT_DONE)
		return 1;
	if (ret == -EINTR)
		return 1;	/* the run loop sees the signal */
	return ret;
}

/* ---- MSRs ---- */

static int kl_complete_rdmsr(struct kl_vcpu *vcpu)
{
	if (vcpu->run->msr.error) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	kl_write_edx_eax(vcpu, vcpu->run->msr.data);
	return kl_skip_insn(vcpu);
}

static int kl_complete_wrmsr(struct kl_vcpu *vcpu)
{
	if (vcpu->run->msr.error) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	return kl_skip_insn(vcpu);
}

static bool kl_msr_to_user(struct kl_vcpu *vcpu, u32 index, u64 data,
			   bool write, u32 reason)
{
	struct kvm_run *run = vcpu->run;

	if (!(READ_ONCE(vcpu->vm->user_msr_mask) & reason))
		return false;
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = index;
	run->msr.data = data;
	vcpu->complete_io = write ? kl_complete_wrmsr : kl_complete_rdmsr;
	return true;
}

int kl_exit_rdmsr(struct kl_vcpu *vcpu)
{
	struct kl_msr msr = { .index = vcpu->regs[KL_REG_RCX] };
	u32 reason;
	int ret;

	vcpu->stats.msr++;
	if (!kl_msr_allowed(vcpu, msr.index, KVM_MSR_FILTER_READ)) {
		ret = 1;
		reason = KVM_MSR_EXIT_REASON_FILTER;
	} else {
		ret = kl_msr_get(vcpu, &msr);
		reason = ret == KL_MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN :
						 KVM_MSR_EXIT_REASON_INVAL;
	}
	trace_kl_msr(vcpu, false, msr.index, msr.data, ret);
	if (ret) {
		if (kl_msr_to_user(vcpu, msr.index, 0, false, reason))
			return 0;
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	kl_write_edx_eax(vcpu, msr.data);
	return kl_skip_insn(vcpu);
}

int kl_exit_wrmsr(struct kl_vcpu *vcpu)
{
	struct kl_msr msr = {
		.index = vcpu->regs[KL_REG_RCX],
		.data = kl_read_edx_eax(vcpu),
	};
	u32 reason;
	int ret;

	vcpu->stats.msr++;
	if (!kl_msr_allowed(vcpu, msr.index, KVM_MSR_FILTER_WRITE)) {
		ret = 1;
		reason = KVM_MSR_EXIT_REASON_FILTER;
	} else {
		ret = kl_msr_set(vcpu, &msr);
		reason = ret == KL_MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN :
						 KVM_MSR_EXIT_REASON_INVAL;
	}
	trace_kl_msr(vcpu, true, msr.index, msr.data, ret);
	if (ret < 0)
		return ret;
	if (ret) {
		if (kl_msr_to_user(vcpu, msr.index, msr.data, true, reason))
			return 0;
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	return kl_skip_insn(vcpu);
}
