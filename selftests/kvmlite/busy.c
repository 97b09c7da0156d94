// SPDX-License-Identifier: GPL-2.0
/*
 * kvmlite while the kernel's own KVM has the CPUs, for host/refuses: not in
 * the list of a plain run, because a boot in which both are loaded has to be
 * made for it.
 */
#include <fcntl.h>

#include "vm.h"

GUEST(16, halt, "hlt\n");

static struct vcpu *reference;

/* A guest of KVM runs before, between and after what kvmlite refuses. */
static void create_vm_is_busy(void)
{
	const char *mine = device;
	int fd, i;

	if (access("/dev/kvm", R_OK | W_OK))
		test_skip("/dev/kvm: %s", strerror(errno));
	fd = kvm_open();
	device = "/dev/kvm";
	reference = guest(16, halt);
	RUN_TO(reference, KVM_EXIT_HLT);
	for (i = 0; i < 3; i++) {
		FAILS(ioctl(fd, KVM_CREATE_VM, 0), EBUSY);
		vcpu_real(reference);
		RUN_TO(reference, KVM_EXIT_HLT);
	}
	/* What needs no CPU is answered as ever. */
	EQ(OK(ioctl(fd, KVM_GET_API_VERSION, 0)), KVM_API_VERSION);
	device = mine;
}

static const struct test tests[] = {
	{ "create_vm_is_busy", create_vm_is_busy },
};

TEST_SUITE(tests);
