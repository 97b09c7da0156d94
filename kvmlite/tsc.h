/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_TSC_H
#define KVMLITE_TSC_H

#include <linux/types.h>

struct kl_msr;
struct kl_vcpu;
struct kl_vm;

u32 kl_tsc_host_khz(void);
void kl_tsc_vcpu_init(struct kl_vcpu *vcpu);
/* Around the time a vCPU is on a CPU; preemption off. */
void kl_tsc_load(struct kl_vcpu *vcpu);
void kl_tsc_put(struct kl_vcpu *vcpu);
int kl_tsc_msr_set(struct kl_vcpu *vcpu, const struct kl_msr *msr);
long kl_tsc_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, unsigned long arg);
long kl_tsc_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
		       unsigned long arg);

/* KVM_*_DEVICE_ATTR on a vCPU: the TSC offset is the one attribute. */
long kl_tsc_device_attr(struct kl_vcpu *vcpu, unsigned int ioctl,
			void __user *argp);

#endif
