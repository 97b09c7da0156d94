// SPDX-License-Identifier: GPL-2.0
/* The calls on a VM and their errors; memory slots have a file of their own. */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "vm.h"

#define BAD_POINTER ((void *)8)

static void create_vcpu(void)
{
	struct vm *vm = vm_bare();
	unsigned long max = kvm_cap(vm->fd, KVM_CAP_MAX_VCPU_ID);
	int fd = OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));

	EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	FAILS(ioctl(vm->fd, KVM_CREATE_VCPU, 0), EEXIST);
	FAILS(ioctl(vm->fd, KVM_CREATE_VCPU, max), EINVAL);
	FAILS(ioctl(vm->fd, KVM_CREATE_VCPU, -1L), EINVAL);
	/* Truncated to 32 bits these two would be vCPU 1: the ABI is a u32. */
	OK(ioctl(vm->fd, KVM_CREATE_VCPU, 1));
	FAILS(ioctl(vm->fd, KVM_CREATE_VCPU, 1), EEXIST);
	OK(ioctl(vm->fd, KVM_CREATE_VCPU, max - 1));
}

/* A vCPU stays: closing its fd does not free the number. */
static void vcpu_id_is_taken(void)
{
	struct vm *vm = vm_bare();

	close(OK(ioctl(vm->fd, KVM_CREATE_VCPU, 3)));
	FAILS(ioctl(vm->fd, KVM_CREATE_VCPU, 3), EEXIST);
}

static void max_vcpus(void)
{
	struct vm *vm = vm_bare();
	int n = kvm_cap(vm->fd, KVM_CAP_NR_VCPUS), i;

	n = n > 8 ? 8 : n;
	for (i = 0; i < n; i++)
		OK(ioctl(vm->fd, KVM_CREATE_VCPU, i));
}

static void unknown_calls(void)
{
	struct vm *vm = vm_bare();

	FAILS(ioctl(vm->fd, _IO(KVMIO, 0xff), 0), ENOTTY);
	FAILS(ioctl(vm->fd, KVM_RUN, 0), ENOTTY);
	FAILS(ioctl(vm->fd, KVM_GET_API_VERSION, 0), ENOTTY);
	FAILS(ioctl(vm->fd, KVM_CREATE_VM, 0), ENOTTY);
}

static void tss_addr(void)
{
	struct vm *vm = vm_bare();

	OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfeffd000UL));
	FAILS(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xffffe000UL), EINVAL);
}

static void identity_map_addr(void)
{
	struct vm *vm = vm_bare();
	uint64_t addr = 0xfeffc000;

	OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	addr = 0;
	OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	FAILS(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, BAD_POINTER), EFAULT);
	OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	FAILS(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr), EINVAL);
}

static void enable_cap(void)
{
	struct kvm_enable_cap cap = { .cap = 100000 };
	struct vm *vm = vm_bare();

	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.cap = KVM_CAP_X86_USER_SPACE_MSR;
	cap.flags = 1;
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.flags = 0;
	cap.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN;
	OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, BAD_POINTER), EFAULT);
}

static void enable_user_space_msr(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = 1 << 20,
	};
	struct vm *vm = vm_bare();

	if (!is_kvmlite())
		test_skip("before 6.3 KVM takes unknown reasons");
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
}

static void enable_x2apic_api(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X2APIC_API };
	struct vm *vm = vm_bare();

	cap.args[0] = 4;
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = KVM_X2APIC_API_USE_32BIT_IDS |
		      KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

static void create_irqchip(void)
{
	struct vm *vm = vm_bare();

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	FAILS(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
}

static void create_irqchip_late(void)
{
	struct vm *vm = vm_bare();

	OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	FAILS(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EINVAL);
}

static void split_irqchip(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP };
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct vm *vm = vm_bare();

	cap.args[0] = 100000;
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 24;
	OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EEXIST);
	FAILS(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
	FAILS(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	vm = vm_bare();
	OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	FAILS(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EEXIST);
}

/* What needs the irqchip, without it. */
static void without_irqchip(void)
{
	struct vm *vm = vm_bare();
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	struct kvm_irq_level level = { .irq = 1, .level = 1 };
	struct kvm_pit_config config = { };
	struct kvm_pit_state2 pit = { };
	struct kvm_msi msi = { .address_lo = 0xfee00000 };
	struct kvm_irq_routing routing = { };
	struct kvm_reinject_control reinject = { };
	struct kvm_lapic_state lapic;
	int vcpu;

	FAILS(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	FAILS(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	FAILS(ioctl(vm->fd, KVM_IRQ_LINE, &level), ENXIO);
	FAILS(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &level), ENXIO);
	if (is_kvmlite())	/* Old kernels' KVM made a PIT of no use. */
		FAILS(ioctl(vm->fd, KVM_CREATE_PIT2, &config), ENOENT);
	FAILS(ioctl(vm->fd, KVM_GET_PIT2, &pit), ENXIO);
	FAILS(ioctl(vm->fd, KVM_SET_PIT2, &pit), ENXIO);
	FAILS(ioctl(vm->fd, KVM_REINJECT_CONTROL, &reinject), ENXIO);
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routing), EINVAL);
	FAILS(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	vcpu = OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	FAILS(ioctl(vcpu, KVM_GET_LAPIC, &lapic), EINVAL);
	FAILS(ioctl(vcpu, KVM_SET_LAPIC, &lapic), EINVAL);
}

static void irqchip_calls(void)
{
	struct vm *vm = vm_bare();
	struct kvm_irqchip chip = { .chip_id = 3 };
	struct kvm_irq_level level = { .irq = 1, .level = 1 };

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	FAILS(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), EINVAL);
	FAILS(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), EINVAL);
	FAILS(ioctl(vm->fd, KVM_GET_IRQCHIP, BAD_POINTER), EFAULT);
	FAILS(ioctl(vm->fd, KVM_SET_IRQCHIP, BAD_POINTER), EFAULT);
	FAILS(ioctl(vm->fd, KVM_IRQ_LINE, BAD_POINTER), EFAULT);
	OK(ioctl(vm->fd, KVM_IRQ_LINE, &level));
	level.level = 0;
	OK(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &level));
}

static void pit(void)
{
	struct vm *vm = vm_bare();
	struct kvm_pit_config config = { .flags = 0 };
	struct kvm_pit_state2 state;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	FAILS(ioctl(vm->fd, KVM_CREATE_PIT2, BAD_POINTER), EFAULT);
	OK(ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	FAILS(ioctl(vm->fd, KVM_CREATE_PIT2, &config), EEXIST);
	FAILS(ioctl(vm->fd, KVM_GET_PIT2, BAD_POINTER), EFAULT);
	FAILS(ioctl(vm->fd, KVM_SET_PIT2, BAD_POINTER), EFAULT);
	OK(ioctl(vm->fd, KVM_GET_PIT2, &state));
	OK(ioctl(vm->fd, KVM_SET_PIT2, &state));
}

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry e[2];
};

static void gsi_routing(void)
{
	struct vm *vm = vm_bare();
	struct routes r = {
		.head.nr = 1,
		.e[0] = {
			.gsi = 5,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = 5 },
		},
	}, bad;
	int max = kvm_cap(vm->fd, KVM_CAP_IRQ_ROUTING);

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r));
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, BAD_POINTER), EFAULT);
	bad = r;
	bad.head.flags = 1;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad = r;
	bad.head.nr = max + 1;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad = r;
	bad.e[0].gsi = max;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad = r;
	bad.e[0].type = 77;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad = r;
	bad.e[0].flags = 1;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad = r;
	bad.e[0].u.irqchip.irqchip = 9;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad = r;
	bad.e[0].u.irqchip.pin = 24;
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	/* One GSI may reach each chip once; an MSI shares it with nothing. */
	bad = r;
	bad.head.nr = 2;
	bad.e[1] = bad.e[0];
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	bad.e[1].u.irqchip.irqchip = KVM_IRQCHIP_PIC_MASTER;
	OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad));
	bad.e[1] = (struct kvm_irq_routing_entry) {
		.gsi = 5, .type = KVM_IRQ_ROUTING_MSI,
	};
	FAILS(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &bad), EINVAL);
	r.head.nr = 0;
	OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r));
}

static void boot_cpu_id(void)
{
	struct vm *vm = vm_bare();

	OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 1));
	OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	FAILS(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 0), EBUSY);
}

static void irqfd(void)
{
	struct vm *vm = vm_bare();
	int efd = OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct kvm_irqfd f = { .fd = efd, .gsi = 1 };

	if (is_kvmlite())	/* KVM takes it and never delivers. */
		FAILS(ioctl(vm->fd, KVM_IRQFD, &f), EINVAL);
	vm = vm_bare();
	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	f.flags = 0x80;
	FAILS(ioctl(vm->fd, KVM_IRQFD, &f), EINVAL);
	f.flags = 0;
	f.fd = -1;
	FAILS(ioctl(vm->fd, KVM_IRQFD, &f), EBADF);
	f.fd = vm->fd;
	FAILS(ioctl(vm->fd, KVM_IRQFD, &f), EINVAL);
	f.fd = efd;
	f.gsi = 1;
	OK(ioctl(vm->fd, KVM_IRQFD, &f));
	f.gsi = 2;
	FAILS(ioctl(vm->fd, KVM_IRQFD, &f), EBUSY);
	f.flags = KVM_IRQFD_FLAG_DEASSIGN;
	f.gsi = 1;
	OK(ioctl(vm->fd, KVM_IRQFD, &f));
	/* To deassign what is not there is no error. */
	OK(ioctl(vm->fd, KVM_IRQFD, &f));
	f.flags = KVM_IRQFD_FLAG_RESAMPLE;
	f.resamplefd = -1;
	FAILS(ioctl(vm->fd, KVM_IRQFD, &f), EBADF);
	FAILS(ioctl(vm->fd, KVM_IRQFD, BAD_POINTER), EFAULT);
}

static void ioeventfd(void)
{
	struct vm *vm = vm_bare();
	int efd = OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct kvm_ioeventfd io = {
		.fd = efd,
		.addr = GPA_MMIO,
		.len = 4,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
		.datamatch = 1,
	}, bad;

	OK(ioctl(vm->fd, KVM_IOEVENTFD, &io));
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &io), EEXIST);
	bad = io;
	bad.datamatch = 2;
	OK(ioctl(vm->fd, KVM_IOEVENTFD, &bad));
	bad = io;
	bad.len = 3;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), EINVAL);
	bad = io;
	bad.len = 16;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), EINVAL);
	bad = io;
	bad.flags = 0x80;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), EINVAL);
	bad = io;
	bad.addr = ~0ULL - 1;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), EINVAL);
	bad = io;
	bad.addr = GPA_MMIO + 8;
	bad.fd = -1;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), EBADF);
	/* Any length has nothing to match. */
	bad = io;
	bad.len = 0;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), EINVAL);
	bad.addr = GPA_MMIO + 8;
	bad.flags = 0;
	OK(ioctl(vm->fd, KVM_IOEVENTFD, &bad));
	bad = io;
	bad.addr = GPA_MMIO + 16;
	bad.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), ENOENT);
	bad.addr = io.addr;
	bad.datamatch = 7;
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), ENOENT);
	bad.datamatch = 1;
	OK(ioctl(vm->fd, KVM_IOEVENTFD, &bad));
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, &bad), ENOENT);
	FAILS(ioctl(vm->fd, KVM_IOEVENTFD, BAD_POINTER), EFAULT);
}

static void dirty_log_errors(void)
{
	struct vm *vm = vm_new();
	struct kvm_dirty_log log = { .slot = 0 };
	uint64_t bitmap[8];

	log.dirty_bitmap = bitmap;
	FAILS(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	log.slot = 5;
	FAILS(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	log.slot = 0xffff;
	FAILS(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
	/* Nor is there a second address space (without SMM). */
	log.slot = 7 << 16;
	FAILS(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
	FAILS(ioctl(vm->fd, KVM_GET_DIRTY_LOG, BAD_POINTER), EFAULT);
	log.slot = 0;
	OK(vm_slot(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, vm->size, vm->mem));
	OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	log.dirty_bitmap = BAD_POINTER;
	FAILS(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EFAULT);
}

static const struct test tests[] = {
	{ "create_vcpu", create_vcpu },
	{ "vcpu_id_is_taken", vcpu_id_is_taken },
	{ "max_vcpus", max_vcpus },
	{ "unknown_calls", unknown_calls },
	{ "tss_addr", tss_addr },
	{ "identity_map_addr", identity_map_addr },
	{ "enable_cap", enable_cap },
	{ "enable_user_space_msr", enable_user_space_msr },
	{ "enable_x2apic_api", enable_x2apic_api },
	{ "create_irqchip", create_irqchip },
	{ "create_irqchip_late", create_irqchip_late },
	{ "split_irqchip", split_irqchip },
	{ "without_irqchip", without_irqchip },
	{ "irqchip_calls", irqchip_calls },
	{ "pit", pit },
	{ "gsi_routing", gsi_routing },
	{ "boot_cpu_id", boot_cpu_id },
	{ "irqfd", irqfd },
	{ "ioeventfd", ioeventfd },
	{ "dirty_log_errors", dirty_log_errors },
};

TEST_SUITE(tests);
