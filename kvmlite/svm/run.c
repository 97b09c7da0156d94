// SPDX-License-Identifier: GPL-2.0
/* Into the guest and out again: the hot path. */

#include <linux/context_tracking.h>
#include <asm/msr.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "../host.h"
#include "../regs.h"
#include "../vm.h"
#include "insn.h"
#include "svm.h"

/* enter.S knows these. */
static_assert(KL_REG_RCX == 1 && KL_REG_RDX == 2 && KL_REG_RBX == 3 &&
	      KL_REG_RBP == 5 && KL_REG_RSI == 6 && KL_REG_RDI == 7 &&
	      KL_REG_R8 == 8 && KL_REG_R15 == 15);

/* What an exit may have changed without telling, fetched on first use. */
#define KL_SVM_LAZY	(BIT(KL_REG_RSP) | BIT(KL_REG_RIP) | BIT(KL_REG_RFLAGS) | \
			 BIT(KL_REG_CR0) | BIT(KL_REG_CR3) | BIT(KL_REG_PDPTR))

void kl_svm_vcpu_load(struct kl_vcpu *vcpu, int cpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	/* Its ASID was another CPU's, or is older than its stay there. */
	if (vcpu->last_cpu != cpu)
		svm->asid_gen = 0;
}

/*
 * A return to user space or a switch to another thread changes FS and GS. VMLOAD
 * has loaded LDTR as it was saved, base and limit; modify_ldt() may have been here
 * since then.
 */
void kl_svm_vcpu_put(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	if (!svm->host_saved)
		return;
	svm->host_saved = false;
	kl_host_reload_ldt();
}

void kl_svm_prepare_run(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct kl_svm_cpu *c = this_cpu_ptr(&kl_svm_cpu);

	svm->fast_left = KL_FAST_EXITS;
	/* The guest is about to have the debug registers: all of its own. */
	if (unlikely(vcpu->dr_dirty)) {
		vcpu->switch_drs = true;
		svm->vmcb->save.dr6 = vcpu->dr6;
	}
	if (likely(svm->host_saved && svm->tsc_aux == vcpu->tsc_aux))
		return;
	kl_svm_save_host(c);
	svm->host_saved = true;

	svm->tsc_aux = vcpu->tsc_aux;
	if (kl_svm_tsc_aux_slot >= 0)
		kl_uret_load(kl_svm_tsc_aux_slot, vcpu->tsc_aux);

	if (kl_svm_caps.tsc_ratio && c->tsc_ratio != svm->tsc_ratio) {
		wrmsrl(MSR_AMD64_TSC_RATIO, svm->tsc_ratio);
		c->tsc_ratio = svm->tsc_ratio;
	}
}

/*
 * No translation made under another ASID is used again: a new number is a
 * flush. When they run out, all are flushed and counting begins anew.
 */
static noinline void kl_svm_new_asid(struct kl_svm *svm, struct kl_svm_cpu *c)
{
	if (c->next_asid > c->max_asid) {
		c->asid_gen++;
		c->next_asid = 1;
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	svm->asid_gen = c->asid_gen;
	svm->vmcb->control.asid = c->next_asid++;
}

static noinstr int kl_svm_world_switch(struct kl_svm *svm,
				       struct kl_svm_cpu *c)
{
	int off;

	context_tracking_guest_enter();
	off = kl_svm_enter(svm->vmcb_pa, svm->vcpu.regs, c->host_pa);
	context_tracking_guest_exit();
	return off;
}

/*
 * CPUID is frequent enough, and simple enough, to be done with interrupts off, so
 * many times in a row.
 */
static bool kl_svm_fast_cpuid(struct kl_svm *svm)
{
	struct kl_vcpu *vcpu = &svm->vcpu;
	struct vmcb *vmcb = svm->vmcb;
	u32 eax, ebx, ecx, edx;
	unsigned long rip;

	if (unlikely(!svm->fast_left) || unlikely(kl_cpuid_faults(vcpu)))
		return false;
	svm->fast_left--;
	if (kl_svm_caps.nrips) {
		rip = vmcb->control.next_rip;
	} else {
		int len = kl_svm_peek_cpuid(svm);

		if (!len)
			return false;
		rip = vmcb->save.rip + len;
	}
	/* A trap is due after the instruction: the slow way raises it. */
	if (vmcb->save.rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF))
		return false;

	eax = vcpu->regs[KL_REG_RAX];
	ecx = vcpu->regs[KL_REG_RCX];
	kl_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	vcpu->regs[KL_REG_RAX] = eax;
	vcpu->regs[KL_REG_RBX] = ebx;
	vcpu->regs[KL_REG_RCX] = ecx;
	vcpu->regs[KL_REG_RDX] = edx;
	vmcb->save.rip = rip;
	vmcb->control.int_state = 0;
	vcpu->stats.cpuid++;
	return true;
}

/* What most handlers want: a copy is cheaper than the question whether to. */
static void kl_svm_read_regs(struct kl_svm *svm)
{
	const struct vmcb_save_area *save = &svm->vmcb->save;
	struct kl_vcpu *vcpu = &svm->vcpu;

	/* A new value of ours, from requeueing an event. */
	if (unlikely(vcpu->regs_dirty))
		return;
	vcpu->regs[KL_REG_RSP] = save->rsp;
	vcpu->regs[KL_REG_RIP] = save->rip;
	vcpu->regs[KL_REG_RFLAGS] = save->rflags;
	vcpu->regs[KL_REG_CR3] = save->cr3;
	vcpu->regs_avail |= BIT(KL_REG_RSP) | BIT(KL_REG_RIP) |
			    BIT(KL_REG_RFLAGS) | BIT(KL_REG_CR3);
}

enum kl_run_result kl_svm_run(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct kl_svm_cpu *c = this_cpu_ptr(&kl_svm_cpu);
	struct vmcb *vmcb = svm->vmcb;
	u32 code;

	if (vcpu->regs_dirty) {
		if (vcpu->regs_dirty & BIT(KL_REG_RSP))
			vmcb->save.rsp = vcpu->regs[KL_REG_RSP];
		if (vcpu->regs_dirty & BIT(KL_REG_RIP))
			vmcb->save.rip = vcpu->regs[KL_REG_RIP];
		if (vcpu->regs_dirty & BIT(KL_REG_RFLAGS))
			vmcb->save.rflags = vcpu->regs[KL_REG_RFLAGS];
		vcpu->regs_dirty = 0;
	}
	vmcb->save.rax = vcpu->regs[KL_REG_RAX];
	vmcb->save.cr2 = vcpu->cr2;
	if (unlikely(svm->asid_gen != c->asid_gen))
		kl_svm_new_asid(svm, c);
	if (unlikely(svm->step || svm->stepped))
		kl_svm_step_begin(svm);

	if (unlikely(kl_svm_world_switch(svm, c)))
		vmcb->control.exit_code = KL_SVM_EXIT_OFF;

	vcpu->regs[KL_REG_RAX] = vmcb->save.rax;
	vcpu->regs_avail = ~(u32)KL_SVM_LAZY;
	vcpu->cr2 = vmcb->save.cr2;
	vmcb->control.tlb_ctl = TLB_CONTROL_DO_NOTHING;
	svm->next_rip = 0;
	code = vmcb->control.exit_code;

	if (unlikely(svm->injected ||
		     (vmcb->control.exit_int_info & SVM_EXITINTINFO_VALID)))
		kl_svm_requeue_event(svm, vmcb->control.exit_int_info,
				     vmcb->control.exit_int_info_err);

	if (unlikely(svm->iret_begun || svm->stepped)) {
		if (svm->stepped)
			kl_svm_step_end(svm);
		else if (vmcb->save.rip != svm->iret_rip)
			kl_svm_unmask_nmi(svm);
		return code == SVM_EXIT_EXCP_BASE + X86_TRAP_MC ?
			KL_RUN_HOST_EVENT : KL_RUN_EXIT;
	}

	if (unlikely(kl_svm_ops.xsetbv_unseen) && kl_has_own_xcr(vcpu))
		kl_xcr_sync(vcpu);
	if (code == SVM_EXIT_CPUID && kl_svm_fast_cpuid(svm))
		return KL_RUN_FAST;
	kl_svm_read_regs(svm);
	return unlikely(code == SVM_EXIT_EXCP_BASE + X86_TRAP_MC) ?
		KL_RUN_HOST_EVENT : KL_RUN_EXIT;
}
