// SPDX-License-Identifier: GPL-2.0
/*
 * Debug registers, single-stepping, and user space's debugger
 * (KVM_SET_GUEST_DEBUG) beside the guest's own.
 */

#include <linux/kvm.h>
#include <uapi/asm/debugreg.h>

#include "exit.h"
#include "regs.h"
#include "state.h"
#include "vendor.h"
#include "vm.h"

/* Writable bits; the others read as fixed (SDM vol. 3, 18.2). */
#define KL_DR6_WRITABLE	(DR_TRAP_BITS | DR_STEP | DR_SWITCH | BIT(13))
#define KL_DR7_WRITABLE	0xffff23ffUL
/* L0–G3: a breakpoint is enabled. */
#define KL_DR7_ENABLED	0xffUL

void kl_update_debug(struct kl_vcpu *vcpu)
{
	unsigned long dr7 = vcpu->dr7;
	int i;

	if (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		dr7 = vcpu->guest_debug_dr7;
		for (i = 0; i < 4; i++)
			vcpu->eff_db[i] = vcpu->user_db[i];
	} else {
		for (i = 0; i < 4; i++)
			vcpu->eff_db[i] = vcpu->db[i];
	}
	vcpu->switch_drs = dr7 & KL_DR7_ENABLED;
	kl_ops->set_dr7(vcpu, dr7);
}

int kl_set_dr(struct kl_vcpu *vcpu, int dr, unsigned long val)
{
	switch (dr) {
	case 0 ... 3:
		vcpu->db[dr] = val;
		if (!(vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP))
			vcpu->eff_db[dr] = val;
		return 0;
	case 4:
	case 6:
		if (val >> 32)
			return 1;
		vcpu->dr6 = (val & KL_DR6_WRITABLE) | DR6_RESERVED;
		return 0;
	default:
		if (val >> 32)
			return 1;
		vcpu->dr7 = (val & KL_DR7_WRITABLE) | KL_DR7_FIXED;
		kl_update_debug(vcpu);
		return 0;
	}
}

static unsigned long kl_get_dr(struct kl_vcpu *vcpu, int dr)
{
	switch (dr) {
	case 0 ... 3:
		return vcpu->db[dr];
	case 4:
	case 6:
		return vcpu->dr6;
	default:
		return vcpu->dr7;
	}
}

static u64 kl_debug_pc(struct kl_vcpu *vcpu)
{
	struct kvm_segment cs;

	if (kl_is_64bit(vcpu))
		return kl_rip_read(vcpu);
	kl_ops->get_segment(vcpu, KL_SEG_CS, &cs);
	return (u32)(cs.base + kl_rip_read(vcpu));
}

static int kl_debug_to_user(struct kl_vcpu *vcpu, u32 exception, u64 payload)
{
	struct kvm_debug_exit_arch *d = &vcpu->run->debug.arch;

	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	d->exception = exception;
	d->pad = 0;
	d->pc = kl_debug_pc(vcpu);
	d->dr6 = payload | DR6_RESERVED;
	d->dr7 = vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
		 vcpu->guest_debug_dr7 : vcpu->dr7;
	return 0;
}

int kl_exit_debug(struct kl_vcpu *vcpu, u32 exception, u64 dr6)
{
	vcpu->stats.exception++;
	if (exception == X86_TRAP_BP) {
		if (vcpu->guest_debug & KVM_GUESTDBG_USE_SW_BP)
			return kl_debug_to_user(vcpu, exception, 0);
		kl_queue_exception(vcpu, X86_TRAP_BP);
		return 1;
	}
	if (vcpu->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return kl_debug_to_user(vcpu, exception, dr6);
	kl_queue_exception_p(vcpu, X86_TRAP_DB, dr6);
	return 1;
}

int kl_insn_done(struct kl_vcpu *vcpu)
{
	if (likely(!(kl_rflags_read(vcpu) & X86_EFLAGS_TF)))
		return 1;
	return kl_exit_debug(vcpu, X86_TRAP_DB, DR_STEP);
}

int kl_skip_insn(struct kl_vcpu *vcpu)
{
	int ret = static_call(kl_vendor_skip)(vcpu);

	if (likely(ret > 0 && !(kl_rflags_read(vcpu) & X86_EFLAGS_TF)))
		return 1;
	return ret > 0 ? kl_insn_done(vcpu) : ret;
}

int kl_exit_mov_dr(struct kl_vcpu *vcpu, int dr, int reg, bool to_dr)
{
	vcpu->stats.dr++;
	if ((dr == 4 || dr == 5) && (kl_cr4(vcpu) & X86_CR4_DE)) {
		kl_queue_exception(vcpu, X86_TRAP_UD);
		return 1;
	}
	if (kl_ops->get_cpl(vcpu)) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	/* General detect: any access traps before it is made. */
	if (vcpu->dr7 & KL_DR7_GD) {
		if (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP)
			return kl_debug_to_user(vcpu, X86_TRAP_DB, BIT(13));
		kl_queue_exception_p(vcpu, X86_TRAP_DB, BIT(13));
		return 1;
	}
	if (!to_dr) {
		kl_reg_write(vcpu, reg, kl_get_dr(vcpu, dr));
	} else if (kl_set_dr(vcpu, dr, kl_reg_read(vcpu, reg))) {
		kl_queue_exception_e(vcpu, X86_TRAP_GP, 0);
		return 1;
	}
	return kl_skip_insn(vcpu);
}

long kl_set_guest_debug(struct kl_vcpu *vcpu, const struct kvm_guest_debug *dbg)
{
	unsigned long rflags;
	int i;

	if (dbg->control & ~KL_GUESTDBG_VALID)
		return -EINVAL;
	if (dbg->control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (vcpu->events.exception.pending)
			return -EBUSY;
		if (dbg->control & KVM_GUESTDBG_INJECT_DB)
			kl_queue_exception(vcpu, X86_TRAP_DB);
		else
			kl_queue_exception(vcpu, X86_TRAP_BP);
	}

	rflags = kl_get_user_rflags(vcpu);
	vcpu->guest_debug = dbg->control;
	if (!(vcpu->guest_debug & KVM_GUESTDBG_ENABLE))
		vcpu->guest_debug = 0;

	if (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		for (i = 0; i < 4; i++)
			vcpu->user_db[i] = dbg->arch.debugreg[i];
		vcpu->guest_debug_dr7 = dbg->arch.debugreg[7];
	}
	kl_update_debug(vcpu);
	kl_set_user_rflags(vcpu, rflags);
	kl_ops->update_exception_bitmap(vcpu);
	/* What KVM_GUESTDBG_BLOCKIRQ held back may go now. */
	kl_request(vcpu, KL_REQ_EVENT);
	return 0;
}
