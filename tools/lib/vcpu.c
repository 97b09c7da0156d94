// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's descriptor and its shared page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "virtlite.h"

#define EXIT(x) { KVM_EXIT_##x, #x }

static const struct {
	unsigned int reason;
	const char *name;
} exits[] = {
	EXIT(UNKNOWN), EXIT(EXCEPTION), EXIT(IO), EXIT(HYPERCALL), EXIT(DEBUG),
	EXIT(HLT), EXIT(MMIO), EXIT(IRQ_WINDOW_OPEN), EXIT(SHUTDOWN),
	EXIT(FAIL_ENTRY), EXIT(INTR), EXIT(SET_TPR), EXIT(TPR_ACCESS),
	EXIT(NMI), EXIT(INTERNAL_ERROR), EXIT(SYSTEM_EVENT), EXIT(IOAPIC_EOI),
	EXIT(X86_RDMSR), EXIT(X86_WRMSR), EXIT(DIRTY_RING_FULL),
	EXIT(X86_BUS_LOCK),
};

/**
 * vl_vcpu_create() - add a vCPU to a VM
 * @vm_fd: VM
 * @id: its number, on x86 also its APIC id
 *
 * Return: the vCPU's descriptor, or -errno.
 */
int vl_vcpu_create(int vm_fd, unsigned int id)
{
	return vl_ioctl(vm_fd, KVM_CREATE_VCPU, id);
}

/**
 * vl_vcpu_map() - map the page that a vCPU shares with us
 * @kvm_fd: device, which knows the size
 * @vcpu_fd: vCPU
 * @size: set to the size of the mapping, for munmap()
 *
 * Return: the mapping, or NULL with vl_message() set.
 */
struct kvm_run *vl_vcpu_map(int kvm_fd, int vcpu_fd, size_t *size)
{
	int ret = vl_ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *p;

	if (ret < 0)
		return NULL;
	if ((size_t)ret < sizeof(struct kvm_run)) {
		vl_error(EPROTO, "KVM_GET_VCPU_MMAP_SIZE says %d bytes", ret);
		return NULL;
	}
	p = mmap(NULL, ret, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, 0);
	if (p == MAP_FAILED) {
		vl_error(errno, "mapping a vCPU's run page");
		return NULL;
	}
	*size = ret;
	return p;
}

/**
 * vl_vcpu_set_msrs() - set MSRs, all or a named failure
 * @vcpu_fd: vCPU
 * @msrs: index and value of each
 * @nr: how many
 */
int vl_vcpu_set_msrs(int vcpu_fd, const struct kvm_msr_entry *msrs,
		     unsigned int nr)
{
	struct kvm_msrs *m;
	int ret;

	m = calloc(1, sizeof(*m) + nr * sizeof(m->entries[0]));
	if (!m)
		return vl_error(ENOMEM, "KVM_SET_MSRS");
	m->nmsrs = nr;
	memcpy(m->entries, msrs, nr * sizeof(m->entries[0]));

	/* The result counts the MSRs that were taken; the first that was not
	 * stops it.
	 */
	ret = vl_ioctl(vcpu_fd, KVM_SET_MSRS, m);
	free(m);
	if (ret < 0)
		return ret;
	if ((unsigned int)ret < nr)
		return vl_error(EINVAL, "KVM_SET_MSRS: MSR %#x refused",
				msrs[ret].index);
	return 0;
}

/**
 * vl_exit_name() - KVM_EXIT_… in text
 * @reason: exit reason
 */
const char *vl_exit_name(unsigned int reason)
{
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (exits[i].reason == reason)
			return exits[i].name;
	return "other";
}
