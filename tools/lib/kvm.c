// SPDX-License-Identifier: GPL-2.0
/*
 * The device and the VM: what one asks of /dev/kvmlite and of a VM descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "virtlite.h"

/* Far above what any CPU reports; it only bounds the doubling. */
#define MAX_CPUID_ENTRIES	4096
#define MAX_MSRS		65536

#define CAP(x) { KVM_CAP_##x, #x }

/* What a VMM may want to know; `virtlite vm info` prints these. */
static const struct vl_cap known_caps[] = {
	CAP(IRQCHIP), CAP(HLT), CAP(USER_MEMORY), CAP(SET_TSS_ADDR),
	CAP(EXT_CPUID), CAP(NR_VCPUS), CAP(MAX_VCPUS), CAP(MAX_VCPU_ID),
	CAP(NR_MEMSLOTS), CAP(MP_STATE), CAP(COALESCED_MMIO), CAP(SYNC_MMU),
	CAP(DESTROY_MEMORY_REGION_WORKS), CAP(JOIN_MEMORY_REGIONS_WORKS),
	CAP(IRQ_ROUTING), CAP(IRQ_INJECT_STATUS), CAP(MCE), CAP(IRQFD),
	CAP(IRQFD_RESAMPLE), CAP(PIT2), CAP(PIT_STATE2),
	CAP(SET_BOOT_CPU_ID), CAP(IOEVENTFD), CAP(IOEVENTFD_ANY_LENGTH),
	CAP(SET_IDENTITY_MAP_ADDR), CAP(ADJUST_CLOCK), CAP(INTERNAL_ERROR_DATA),
	CAP(VCPU_EVENTS), CAP(DEBUGREGS), CAP(X86_ROBUST_SINGLESTEP),
	CAP(XSAVE), CAP(XSAVE2), CAP(XCRS), CAP(GET_TSC_KHZ), CAP(TSC_CONTROL),
	CAP(TSC_DEADLINE_TIMER), CAP(SIGNAL_MSI), CAP(READONLY_MEM),
	CAP(SPLIT_IRQCHIP), CAP(X2APIC_API), CAP(IMMEDIATE_EXIT),
	CAP(SYNC_REGS), CAP(SET_GUEST_DEBUG), CAP(X86_USER_SPACE_MSR),
	CAP(X86_MSR_FILTER), CAP(DIRTY_LOG_RING), CAP(MANUAL_DIRTY_LOG_PROTECT2),
	CAP(BINARY_STATS_FD), CAP(DISABLE_QUIRKS2),
};

/**
 * vl_kvm_open() - open a hypervisor's device and check that it speaks the ABI
 * @path: device node
 *
 * Return: a descriptor, or -errno.
 */
int vl_kvm_open(const char *path)
{
	int fd, version;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int err = errno;

		if (err == ENOENT)
			return vl_error(err, "%s (is the module loaded?)",
					path);
		return vl_error(err, "%s", path);
	}

	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version < 0) {
		int err = errno;

		close(fd);
		return vl_error(err, "%s: KVM_GET_API_VERSION", path);
	}
	if (version != KVM_API_VERSION) {
		close(fd);
		return vl_error(ENOTSUP, "%s: API version %d instead of %d",
				path, version, KVM_API_VERSION);
	}
	return fd;
}

/**
 * vl_kvm_cap() - ask for a capability
 * @fd: device or VM
 * @cap: KVM_CAP_…
 *
 * Return: its value, 0 if it is absent (never negative).
 */
int vl_kvm_cap(int fd, unsigned int cap)
{
	int ret = ioctl(fd, KVM_CHECK_EXTENSION, (unsigned long)cap);

	return ret < 0 ? 0 : ret;
}

/**
 * vl_kvm_require() - fail with a name when a capability is missing
 * @fd: device
 * @path: its name, for the message
 * @caps: what is needed
 * @nr: how many
 */
int vl_kvm_require(int fd, const char *path, const struct vl_cap *caps,
		   size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!vl_kvm_cap(fd, caps[i].nr))
			return vl_error(ENOTSUP, "%s lacks KVM_CAP_%s", path,
					caps[i].name);
	return 0;
}

/**
 * vl_kvm_caps() - the capabilities that this library knows by name
 * @nr: set to how many there are
 */
const struct vl_cap *vl_kvm_caps(size_t *nr)
{
	*nr = sizeof(known_caps) / sizeof(known_caps[0]);
	return known_caps;
}

/**
 * vl_kvm_supported_cpuid() - what CPUID can show to a guest
 * @fd: device
 *
 * The call says E2BIG until the buffer is large enough.
 *
 * Return: to be freed by the caller, or NULL with vl_message() set.
 */
struct kvm_cpuid2 *vl_kvm_supported_cpuid(int fd)
{
	for (unsigned int nr = 64; nr <= MAX_CPUID_ENTRIES; nr *= 2) {
		struct kvm_cpuid2 *c;

		c = calloc(1, sizeof(*c) + nr * sizeof(c->entries[0]));
		if (!c) {
			vl_error(ENOMEM, "CPUID table");
			return NULL;
		}
		c->nent = nr;
		if (ioctl(fd, KVM_GET_SUPPORTED_CPUID, c) == 0)
			return c;
		if (errno != E2BIG) {
			vl_error(errno, "KVM_GET_SUPPORTED_CPUID");
			free(c);
			return NULL;
		}
		free(c);
	}
	vl_error(E2BIG, "KVM_GET_SUPPORTED_CPUID with %u entries",
		 MAX_CPUID_ENTRIES);
	return NULL;
}

/**
 * vl_kvm_msr_list() - the MSRs that a VMM saves and restores
 * @fd: device
 *
 * Return: to be freed by the caller, or NULL with vl_message() set.
 */
struct kvm_msr_list *vl_kvm_msr_list(int fd)
{
	struct kvm_msr_list probe = { .nmsrs = 0 }, *list;

	if (ioctl(fd, KVM_GET_MSR_INDEX_LIST, &probe) < 0 && errno != E2BIG) {
		vl_error(errno, "KVM_GET_MSR_INDEX_LIST");
		return NULL;
	}
	if (probe.nmsrs > MAX_MSRS) {
		vl_error(E2BIG, "KVM_GET_MSR_INDEX_LIST says %u MSRs",
			 probe.nmsrs);
		return NULL;
	}
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(__u32));
	if (!list) {
		vl_error(ENOMEM, "MSR list");
		return NULL;
	}
	list->nmsrs = probe.nmsrs;
	if (ioctl(fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
		vl_error(errno, "KVM_GET_MSR_INDEX_LIST");
		free(list);
		return NULL;
	}
	return list;
}

/**
 * vl_kvmlite_info() - what kvmlite says about itself
 * @fd: device
 * @info: filled; what an older module does not know is 0
 *
 * Return: 0, -ENOTTY if the device is another hypervisor's, or -errno.
 */
int vl_kvmlite_info(int fd, struct kvmlite_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return vl_ioctl(fd, KVMLITE_GET_INFO, info);
}

/**
 * vl_vm_create() - make an empty VM
 * @kvm_fd: device
 *
 * Return: the VM's descriptor, or -errno.
 */
int vl_vm_create(int kvm_fd)
{
	return vl_ioctl(kvm_fd, KVM_CREATE_VM, 0);
}

/**
 * vl_vm_set_memory() - make, change or (with @size 0) delete a memory slot
 * @vm_fd: VM
 * @slot: slot number
 * @flags: KVM_MEM_…
 * @gpa: guest physical address, page aligned
 * @size: bytes, a multiple of the page size
 * @hva: where the memory is in this process
 */
int vl_vm_set_memory(int vm_fd, __u32 slot, __u32 flags, __u64 gpa, __u64 size,
		     void *hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (unsigned long)hva,
	};

	return vl_ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &r);
}

/**
 * vl_vm_irq_line() - set the level of an interrupt line
 * @vm_fd: VM with an irqchip in the kernel
 * @gsi: line
 * @level: asserted?
 */
int vl_vm_irq_line(int vm_fd, __u32 gsi, bool level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	return vl_ioctl(vm_fd, KVM_IRQ_LINE, &l);
}

/**
 * vl_vm_irqfd() - tie an eventfd to an interrupt
 * @vm_fd: VM
 * @event_fd: each write to it raises the interrupt
 * @gsi: as the routing table numbers it
 * @flags: KVM_IRQFD_FLAG_…
 */
int vl_vm_irqfd(int vm_fd, int event_fd, __u32 gsi, __u32 flags)
{
	struct kvm_irqfd i = { .fd = event_fd, .gsi = gsi, .flags = flags };

	return vl_ioctl(vm_fd, KVM_IRQFD, &i);
}

/**
 * vl_vm_ioeventfd() - turn guest writes to an address into eventfd signals
 * @vm_fd: VM
 * @event_fd: what gets signalled
 * @addr: guest physical address, or port with KVM_IOEVENTFD_FLAG_PIO
 * @len: width of the write in bytes, 0 for any
 * @flags: KVM_IOEVENTFD_FLAG_…
 */
int vl_vm_ioeventfd(int vm_fd, int event_fd, __u64 addr, __u32 len,
		    __u32 flags)
{
	struct kvm_ioeventfd e = {
		.addr = addr, .len = len, .fd = event_fd, .flags = flags,
	};

	return vl_ioctl(vm_fd, KVM_IOEVENTFD, &e);
}

/**
 * vl_vm_set_gsi_routing() - replace the whole interrupt routing table
 * @vm_fd: VM
 * @table: the new table
 */
int vl_vm_set_gsi_routing(int vm_fd, const struct kvm_irq_routing *table)
{
	return vl_ioctl(vm_fd, KVM_SET_GSI_ROUTING, table);
}
