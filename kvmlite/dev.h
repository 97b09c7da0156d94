/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_DEV_H
#define KVMLITE_DEV_H

#include <linux/types.h>

struct kvm_cpuid2;
struct kvm_msrs;
struct kvm_msr_list;

int kl_dev_init(void);
void kl_dev_exit(void);

/* cpuid.c: KVM_GET_SUPPORTED_CPUID and _EMULATED_CPUID */
void kl_cpuid_init(void);
long kl_cpuid_get_supported(struct kvm_cpuid2 __user *user, bool emulated);

/* msr.c: the lists, and feature MSRs on /dev/kvmlite */
void kl_msr_init(void);
long kl_msr_get_index_list(struct kvm_msr_list __user *user);
long kl_msr_get_feature_list(struct kvm_msr_list __user *user);
long kl_msr_get_features(struct kvm_msrs __user *user);

#endif
