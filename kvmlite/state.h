/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_STATE_H
#define KVMLITE_STATE_H

#include <linux/kvm.h>

#include "vcpu.h"

#define KL_GUESTDBG_VALID						\
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |		\
	 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP |		\
	 KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |		\
	 KVM_GUESTDBG_BLOCKIRQ)

long kl_set_guest_debug(struct kl_vcpu *vcpu, const struct kvm_guest_debug *dbg);

/* RFLAGS as user space sees them: without the TF of its own single-stepping. */
unsigned long kl_get_user_rflags(struct kl_vcpu *vcpu);
void kl_set_user_rflags(struct kl_vcpu *vcpu, unsigned long rflags);

/* KVM_CAP_SYNC_REGS: the run page's copies; @mask is KVM_SYNC_X86_*. */
int kl_sync_regs_load(struct kl_vcpu *vcpu, u64 mask);
void kl_sync_regs_store(struct kl_vcpu *vcpu, u64 mask);

#endif
