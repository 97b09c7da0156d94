// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread owes the kernel before it enters the guest: reschedule, task
 * work. Apart from host.c, because it needs KVM's own structures by name.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>

#include "host.h"

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
