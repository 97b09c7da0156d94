// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls with KVM's numbers and registers, and the other vendor's
 * instruction for them.
 */

#include <linux/kvm.h>
#include <linux/kvm_para.h>

#include "kvm_uapi.h"

#include "exit.h"
#include "regs.h"
#include "vendor.h"
#include "vm.h"

static long kl_hypercall(struct kl_vcpu *vcpu, unsigned long nr)
{
	if (kl_ops->get_cpl(vcpu))
		return -KVM_EPERM;
	switch (nr) {
	case KVM_HC_VAPIC_POLL_IRQ:
		return 0;	/* the exit itself was the point */
	default:
		return -KVM_ENOSYS;
	}
}

int kl_exit_hypercall(struct kl_vcpu *vcpu)
{
	unsigned long nr = vcpu->regs[KL_REG_RAX];
	bool wide = kl_is_64bit(vcpu);
	long ret;

	vcpu->stats.hypercall++;
	ret = kl_hypercall(vcpu, wide ? nr : (u32)nr);
	vcpu->regs[KL_REG_RAX] = wide ? ret : (u32)ret;
	return kl_skip_insn(vcpu);
}

int kl_exit_guest_ud(struct kl_vcpu *vcpu)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 };
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
	bool wide = kl_is_64bit(vcpu);
	u8 insn[3];
	long ret;

	vcpu->stats.exception++;
	if (kl_fetch_insn(vcpu, insn, sizeof(insn)) == sizeof(insn) &&
	    (!memcmp(insn, vmcall, sizeof(insn)) ||
	     !memcmp(insn, vmmcall, sizeof(insn))) &&
	    !(vcpu->vm->disabled_quirks & KVM_X86_QUIRK_FIX_HYPERCALL_INSN)) {
		ret = kl_hypercall(vcpu, wide ? vcpu->regs[KL_REG_RAX] :
				   (u32)vcpu->regs[KL_REG_RAX]);
		vcpu->stats.hypercall++;
		vcpu->regs[KL_REG_RAX] = wide ? ret : (u32)ret;
		kl_rip_write(vcpu, kl_rip_read(vcpu) + sizeof(insn));
		return kl_insn_done(vcpu);
	}
	/* The fetch may have found a page fault instead: that one stands. */
	if (!vcpu->events.exception.pending)
		kl_queue_exception(vcpu, X86_TRAP_UD);
	return 1;
}
