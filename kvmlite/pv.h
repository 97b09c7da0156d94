/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_PV_H
#define KVMLITE_PV_H

#include <linux/types.h>

struct kl_vcpu;
struct kl_vm;

/* CPUID 4000_0001h EAX: the paravirtual features there are. */
u32 kl_pv_features(void);
void kl_pv_vm_init(struct kl_vm *vm);
int kl_pv_vcpu_init(struct kl_vcpu *vcpu);
void kl_pv_vcpu_free(struct kl_vcpu *vcpu);
/* Power-up or INIT: the guest's memory is its own again. */
void kl_pv_reset(struct kl_vcpu *vcpu);
/* KVM_GET_CLOCK, KVM_SET_CLOCK */
long kl_pv_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, void __user *argp);
/* KVM_KVMCLOCK_CTRL */
long kl_pv_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl, void __user *argp);
/* KL_REQ_CLOCK: write the guest's clock page; vm->srcu held, may sleep. */
void kl_pv_update_clock(struct kl_vcpu *vcpu);
/* 0, 1 for #GP, KL_MSR_UNKNOWN */
int kl_pv_msr_get(struct kl_vcpu *vcpu, u32 msr, u64 *data);
int kl_pv_msr_set(struct kl_vcpu *vcpu, u32 msr, u64 data);

#endif
