/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_PV_H
#define KVMLITE_PV_H

#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <asm/pvclock-abi.h>

struct kl_vcpu;
struct kl_vm;

/**
 * struct kl_pv - paravirtual state of a vCPU
 * @time_msr: the system-time register as the guest wrote it
 * @time: what the guest's page says; its version counts up for ever
 * @stopped: tell the guest that it was stopped from outside
 * @enforced: what CPUID does not offer is not there (KVM_ENABLE_CAP)
 * @steal_msr: the steal-time register
 * @steal_seen: how long the thread had waited when the guest was last told
 * @poll_control: may the host poll before the vCPU sleeps? Kept for the guest
 */
struct kl_pv {
	u64 time_msr;
	struct pvclock_vcpu_time_info time;
	bool stopped;
	bool enforced;
	u64 steal_msr;
	u64 steal_seen;
	u64 poll_control;
};

/* CPUID 4000_0001h EAX: the paravirtual features there are. */
u32 kl_pv_features(void);
/* May the guest use the feature (KVM_FEATURE_*)? */
bool kl_pv_has(struct kl_vcpu *vcpu, unsigned int feature);
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

/* pv_sched.c */
u32 kl_pv_sched_features(void);
/* Has the scheduler kept the guest waiting since it was last told? */
static inline bool kl_pv_steal_changed(const struct kl_pv *pv)
{
#ifdef CONFIG_SCHED_INFO
	return unlikely(pv->steal_msr & KVM_MSR_ENABLED) &&
	       pv->steal_seen != current->sched_info.run_delay;
#else
	return false;
#endif
}

void kl_pv_new_thread(struct kl_vcpu *vcpu);
void kl_pv_update_steal(struct kl_vcpu *vcpu);
int kl_pv_set_steal(struct kl_vcpu *vcpu, u64 data);
/* What the guest gets in RAX; @wide: it is in 64-bit mode. */
long kl_pv_hypercall(struct kl_vcpu *vcpu, unsigned long nr,
		     const unsigned long arg[4], bool wide);

#endif
