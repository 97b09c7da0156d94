/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_CPUID_H
#define KVMLITE_CPUID_H

#include <linux/kvm.h>

#include "vcpu.h"

#define KL_CPUID_MAX_ENTRIES 256

long kl_cpuid_set(struct kl_vcpu *vcpu, struct kvm_cpuid2 __user *user);
long kl_cpuid_set_old(struct kl_vcpu *vcpu, struct kvm_cpuid __user *user);
long kl_cpuid_get(struct kl_vcpu *vcpu, struct kvm_cpuid2 __user *user);
/* The extended states that a guest can have: fewer than the host's. */
u64 kl_cpuid_supported_xcr0(void);
void kl_cpuid_vcpu_init(struct kl_vcpu *vcpu);
void kl_cpuid_vcpu_free(struct kl_vcpu *vcpu);
/* CR4, XCR0, XSS or the APIC base changed: so did a bit of CPUID. */
void kl_cpuid_update_runtime(struct kl_vcpu *vcpu);

#endif
