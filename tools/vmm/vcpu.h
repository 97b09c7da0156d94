/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>

#include "boot.h"
#include "types.h"

struct vm;

/* Exit reasons that are counted one by one; all above share the last. */
#define VCPU_EXITS	48

/**
 * struct vcpu - a virtual CPU and its thread
 * @vm: machine
 * @id: number, and APIC id
 * @fd: vCPU
 * @run: page shared with the hypervisor
 * @run_size: its size
 * @thread: runs the vCPU
 * @started: there is such a thread
 * @exits: exits to user space by reason; the thread's own until it is joined
 */
struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool started;
	u64 exits[VCPU_EXITS];
};

int vcpu_init(struct vcpu *v, struct vm *vm, unsigned int id,
	      const struct kvm_cpuid2 *supported);
int vcpu_set_boot_state(struct vcpu *v, const struct boot *boot);
int vcpu_start(struct vcpu *v);
void vcpu_kick(struct vcpu *v);
void vcpu_join(struct vcpu *v);
void vcpu_exit(struct vcpu *v);

#endif /* VMM_VCPU_H */
