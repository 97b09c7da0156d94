// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread owes the kernel before it enters the guest: reschedule, task
 * work; which MSRs perf wants switched. Apart from host.c, because both need KVM's
 * own structures by name.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>
#include <asm/perf_event.h>

#include "host.h"

const struct perf_guest_switch_msr *kl_host_perf_msrs(int *nr)
{
	/* What the guest's own counters want: it has none. */
	static struct kvm_pmu pmu;

	return perf_guest_get_msrs(nr, &pmu);
}

int kl_host_guest_mode_work(void)
{
	/*
	 * On a signal, which may come at any moment, the kernel notes so in the
	 * vCPU and its run page. Ours look different; nobody reads these.
	 */
	static struct kvm_run run;
	static struct kvm_vcpu vcpu = { .run = &run };

	return xfer_to_guest_mode_handle_work(&vcpu);
}
