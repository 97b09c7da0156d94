// SPDX-License-Identifier: GPL-2.0
/*
 * Getting a vCPU's attention, from any thread or interrupt.
 *
 * The vCPU's thread sets mode to KL_IN_GUEST and then looks for requests, with
 * a full barrier between; whoever makes a request sets the bit and then looks
 * at mode, with a full barrier between. So either the thread sees the request
 * before it enters, or the requester sees KL_IN_GUEST and sends an interrupt.
 */

#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>

#include "vm.h"
#include "vcpu.h"

static void kl_vcpu_wake(struct kl_vcpu *vcpu)
{
	rcuwait_wake_up(&vcpu->wait);
}

void kl_vcpu_kick(struct kl_vcpu *vcpu)
{
	int cpu, me;

	kl_vcpu_wake(vcpu);

	me = get_cpu();
	/* The request before the mode: see above. */
	smp_mb();
	if (READ_ONCE(vcpu->mode) == KL_IN_GUEST) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != me && cpu_online(cpu))
			smp_send_reschedule(cpu);
	}
	put_cpu();
}

static void kl_seen_outside(void *unused)
{
	/* That the interrupt was taken is the answer. */
}

static DEFINE_PER_CPU(cpumask_t, kl_kick_mask);

void kl_request_all(struct kl_vm *vm, enum kl_request_bit req)
{
	struct kl_vcpu *vcpu;
	struct cpumask *mask;
	unsigned long i;
	int cpu, me;

	me = get_cpu();
	mask = this_cpu_ptr(&kl_kick_mask);
	cpumask_clear(mask);
	kl_for_each_vcpu(i, vcpu, vm) {
		kl_request(vcpu, req);
		/* The request before the mode: see above. */
		smp_mb__after_atomic();
		if (READ_ONCE(vcpu->mode) != KL_IN_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != me)
			cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, kl_seen_outside, NULL, true);
	put_cpu();
}
