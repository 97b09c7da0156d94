/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_TSC_H
#define KVMLITE_TSC_H

#include <linux/types.h>
#include <asm/tsc.h>

#include "vcpu.h"

u32 kl_tsc_host_khz(void);
void kl_tsc_vcpu_init(struct kl_vcpu *vcpu);
void kl_tsc_moved(struct kl_vcpu *vcpu);
void kl_tsc_note(struct kl_vcpu *vcpu);

/*
 * Around the time a vCPU is on a CPU; preemption off. Only where the CPUs' TSCs
 * do not agree was one ever noted.
 */
static inline void kl_tsc_load(struct kl_vcpu *vcpu)
{
	if (unlikely(vcpu->last_guest_tsc && vcpu->last_cpu != vcpu->cpu))
		kl_tsc_moved(vcpu);
}

static inline void kl_tsc_put(struct kl_vcpu *vcpu)
{
	if (unlikely(check_tsc_unstable()))
		kl_tsc_note(vcpu);
}

int kl_tsc_msr_set(struct kl_vcpu *vcpu, const struct kl_msr *msr);
long kl_tsc_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, unsigned long arg);
long kl_tsc_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
		       unsigned long arg);

/* KVM_*_DEVICE_ATTR on a vCPU: the TSC offset is the one attribute. */
long kl_tsc_device_attr(struct kl_vcpu *vcpu, unsigned int ioctl,
			void __user *argp);

#endif
