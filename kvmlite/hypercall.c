// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls with KVM's numbers and registers, and the other vendor's
 * instruction for them.
 */

#include <linux/kvm.h>
#include <linux/kvm_para.h>

#include "kvm_uapi.h"

#include "exit.h"
#include "mmu.h"
#include "pv.h"
#include "regs.h"
#include "vendor.h"
#include "vm.h"

static long kl_hypercall(struct kl_vcpu *vcpu)
{
	bool wide = kl_is_64bit(vcpu);
	unsigned long arg[4] = {
		vcpu->regs[KL_REG_RBX], vcpu->regs[KL_REG_RCX],
		vcpu->regs[KL_REG_RDX], vcpu->regs[KL_REG_RSI],
	};
	unsigned long nr = vcpu->regs[KL_REG_RAX];
	unsigned int i;

	if (!wide) {
		nr = (u32)nr;
		for (i = 0; i < ARRAY_SIZE(arg); i++)
			arg[i] = (u32)arg[i];
	}
	if (kl_ops->get_cpl(vcpu))
		return -KVM_EPERM;
	if (nr == KVM_HC_VAPIC_POLL_IRQ)
		return 0;	/* the exit itself was the point */
	return kl_pv_hypercall(vcpu, nr, arg, wide);
}

static void kl_do_hypercall(struct kl_vcpu *vcpu)
{
	long ret = kl_hypercall(vcpu);

	vcpu->stats.hypercall++;
	vcpu->regs[KL_REG_RAX] = kl_is_64bit(vcpu) ? ret : (u32)ret;
}

int kl_exit_hypercall(struct kl_vcpu *vcpu)
{
	kl_do_hypercall(vcpu);
	return kl_skip_insn(vcpu);
}

/*
 * The other vendor's instruction: the CPU's own takes its place, so that this
 * happens once. Where the guest forbids that it is done from here each time.
 */
static int kl_fix_hypercall(struct kl_vcpu *vcpu)
{
	u64 rip = kl_rip_read(vcpu);
	struct kvm_segment cs;

	if (!kl_is_64bit(vcpu)) {
		kl_ops->get_segment(vcpu, KL_SEG_CS, &cs);
		rip = (u32)(rip + cs.base);
	}
	if (!kl_gva_write(vcpu, rip, kl_ops->hypercall, 3, KL_ACCESS_SET_AD |
			  (kl_ops->get_cpl(vcpu) == 3 ? KL_ACCESS_USER : 0), NULL))
		return 1;
	kl_do_hypercall(vcpu);
	rip = kl_rip_read(vcpu) + 3;
	kl_rip_write(vcpu, kl_is_64bit(vcpu) ? rip : (u32)rip);
	kl_ops->set_shadow(vcpu, 0);
	return kl_insn_done(vcpu);
}

int kl_exit_guest_ud(struct kl_vcpu *vcpu)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 };
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
	u8 insn[KL_FETCH_BUF];

	vcpu->stats.exception++;
	if (kl_fetch_insn(vcpu, kl_code_mode(vcpu), insn) >= sizeof(vmcall) &&
	    (!memcmp(insn, vmcall, sizeof(vmcall)) ||
	     !memcmp(insn, vmmcall, sizeof(vmmcall))) &&
	    !(vcpu->vm->disabled_quirks & KVM_X86_QUIRK_FIX_HYPERCALL_INSN))
		return kl_fix_hypercall(vcpu);
	/* The fetch may have found a page fault instead: that one stands. */
	if (!vcpu->events.exception.pending)
		kl_queue_exception(vcpu, X86_TRAP_UD);
	return 1;
}
