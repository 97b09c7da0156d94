// SPDX-License-Identifier: GPL-2.0
/*
 * What a paravirtual guest and the host's scheduler tell one another: the time
 * that a vCPU's thread was kept waiting for a CPU ("steal time"), and the
 * hypercalls by which a guest wakes, interrupts and lets go ahead its other
 * CPUs. Documentation/virt/kvm/x86/msr.rst and hypercalls.rst.
 */

#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>

#include "kvm_uapi.h"

#include "irqchip/irqchip.h"
#include "pv.h"
#include "regs.h"
#include "vm.h"

#define STEAL_RESERVED	(GENMASK_ULL(5, 1))

u32 kl_pv_sched_features(void)
{
	u32 features = BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_SEND_IPI) |
		       BIT(KVM_FEATURE_PV_SCHED_YIELD) |
		       BIT(KVM_FEATURE_POLL_CONTROL);

	if (sched_info_on())
		features |= BIT(KVM_FEATURE_STEAL_TIME);
	return features;
}

/* Another thread runs the vCPU: what that one waited before is not its time. */
void kl_pv_new_thread(struct kl_vcpu *vcpu)
{
#ifdef CONFIG_SCHED_INFO
	vcpu->pv->steal_seen = current->sched_info.run_delay;
#endif
}

/**
 * kl_pv_update_steal - KL_REQ_STEAL: add to the guest's account
 * @vcpu: the vCPU, loaded by its thread; vm->srcu held, may sleep
 *
 * An odd version while the account is being written. Its other fields are the
 * guest's.
 */
void kl_pv_update_steal(struct kl_vcpu *vcpu)
{
#ifdef CONFIG_SCHED_INFO
	u64 now = current->sched_info.run_delay;
	gpa_t gpa = vcpu->pv->steal_msr & ~(STEAL_RESERVED | KVM_MSR_ENABLED);
	struct kl_vm *vm = vcpu->vm;
	u32 version;
	u64 steal;

	if (!(vcpu->pv->steal_msr & KVM_MSR_ENABLED) ||
	    kl_gpa_read(vm, gpa + offsetof(struct kvm_steal_time, version),
			&version, sizeof(version)) ||
	    kl_gpa_read(vm, gpa + offsetof(struct kvm_steal_time, steal),
			&steal, sizeof(steal)))
		return;
	version |= 1;
	if (kl_gpa_write(vm, gpa + offsetof(struct kvm_steal_time, version),
			 &version, sizeof(version)))
		return;
	/* Odd version before the sum … */
	smp_wmb();
	steal += now - vcpu->pv->steal_seen;
	vcpu->pv->steal_seen = now;
	kl_gpa_write(vm, gpa + offsetof(struct kvm_steal_time, steal), &steal,
		     sizeof(steal));
	/* … the sum before the even one. */
	smp_wmb();
	version++;
	kl_gpa_write(vm, gpa + offsetof(struct kvm_steal_time, version),
		     &version, sizeof(version));
#endif
}

int kl_pv_set_steal(struct kl_vcpu *vcpu, u64 data)
{
	if (!sched_info_on() || (data & STEAL_RESERVED))
		return 1;
	vcpu->pv->steal_msr = data;
	if (data & KVM_MSR_ENABLED)
		kl_request(vcpu, KL_REQ_STEAL);
	return 0;
}

/* ---- hypercalls ---- */

/* That CPU's spinlock has become free: end its HLT, or the next one. */
static void pv_kick_cpu(struct kl_vm *vm, u32 id)
{
	struct kl_vcpu *vcpu = kl_vcpu_by_id(vm, id);

	if (!vcpu)
		return;
	WRITE_ONCE(vcpu->pv_unhalted, true);
	kl_vcpu_kick(vcpu);
}

/* This CPU waits for that one: let its thread have our time, if it can. */
static void pv_yield_cpu(struct kl_vcpu *me, u32 id)
{
	struct kl_vcpu *vcpu = kl_vcpu_by_id(me->vm, id);
	struct task_struct *task = NULL;

	if (!vcpu || vcpu == me)
		return;
	rcu_read_lock();
	task = get_pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return;
	yield_to(task, true);
	put_task_struct(task);
}

long kl_pv_hypercall(struct kl_vcpu *vcpu, unsigned long nr,
		     const unsigned long arg[4], bool wide)
{
	switch (nr) {
	case KVM_HC_KICK_CPU:
		if (!kl_pv_has(vcpu, KVM_FEATURE_PV_UNHALT))
			break;
		pv_kick_cpu(vcpu->vm, arg[1]);
		return 0;
	case KVM_HC_SEND_IPI:
		if (!kl_pv_has(vcpu, KVM_FEATURE_PV_SEND_IPI))
			break;
		return kl_lapic_send_ipis(vcpu->vm, arg, wide);
	case KVM_HC_SCHED_YIELD:
		if (!kl_pv_has(vcpu, KVM_FEATURE_PV_SCHED_YIELD))
			break;
		pv_yield_cpu(vcpu, arg[0]);
		return 0;
	}
	return -KVM_ENOSYS;
}
