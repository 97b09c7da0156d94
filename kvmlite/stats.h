/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_STATS_H
#define KVMLITE_STATS_H

#include <linux/types.h>

/*
 * struct kl_vcpu_stats - counters of one vCPU
 *
 * Written by its own thread only, read without a lock through debugfs. The list
 * of them is a file of its own, so that who prints them cannot forget one.
 */
struct kl_vcpu_stats {
#define KL_STAT(name) u64 name
#include "stats_list.h"
#undef KL_STAT
};

struct kl_vcpu;
struct kl_vm;

void kl_stats_init(void);
void kl_stats_exit(void);
void kl_stats_add_vm(struct kl_vm *vm);
void kl_stats_del_vm(struct kl_vm *vm);	/* and its vCPUs' files */
void kl_stats_add_vcpu(struct kl_vcpu *vcpu);
/* KVM_GET_STATS_FD: of the vCPU, or of the VM if that is NULL. */
long kl_stats_fd(struct kl_vm *vm, struct kl_vcpu *vcpu);

#endif
