/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_MSR_FILTER_H
#define KVMLITE_MSR_FILTER_H

#include <linux/compat.h>
#include <linux/kvm.h>
#include <asm/mce.h>

#include "vcpu.h"

struct kl_vm;
struct kl_msr_filter;

long kl_msr_filter_set(struct kl_vm *vm, struct kvm_msr_filter __user *user);

#ifdef CONFIG_COMPAT
/* As 32-bit programs have it. */
struct kl_compat_msr_range {
	u32 flags, nmsrs, base;
	compat_uptr_t bitmap;
};

struct kl_compat_msr_filter {
	u32 flags;
	struct kl_compat_msr_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define KL_SET_MSR_FILTER_COMPAT _IOW(KVMIO, 0xc6, struct kl_compat_msr_filter)

long kl_msr_filter_set_compat(struct kl_vm *vm,
			      struct kl_compat_msr_filter __user *user);
#endif
void kl_msr_filter_free(struct kl_msr_filter *filter);
/* Does user space let the guest @type (KVM_MSR_FILTER_READ or _WRITE) it? */
bool kl_msr_allowed(struct kl_vcpu *vcpu, u32 index, u32 type);

/* msr.c */
#define KL_MCE_BANKS		32
#define KL_MCG_CAP_SUPPORTED	(MCG_CTL_P | MCG_SER_P)
int kl_msr_alloc(struct kl_vcpu *vcpu);
void kl_msr_free(struct kl_vcpu *vcpu);
void kl_msr_reset(struct kl_vcpu *vcpu);
/* 0, or 1 for #GP. */
int kl_set_apic_base(struct kl_vcpu *vcpu, u64 base, bool host_initiated);
/* KVM_GET_MSRS, KVM_SET_MSRS: how many were done before one failed. */
long kl_msr_io(struct kl_vcpu *vcpu, struct kvm_msrs __user *user, bool set);

#endif
