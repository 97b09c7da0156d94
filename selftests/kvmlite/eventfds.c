// SPDX-License-Identifier: GPL-2.0
/* irqfd, ioeventfd, GSI routing, and the split irqchip. */
#include <poll.h>
#include <sys/eventfd.h>

#include "vm.h"

static int event(void)
{
	return OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

static void signal_event(int fd)
{
	uint64_t one = 1;

	OK(write(fd, &one, sizeof(one)));
}

/* How often it was signalled since the last time. */
static uint64_t drain(int fd)
{
	uint64_t n = 0;

	if (read(fd, &n, sizeof(n)) < 0)
		return 0;
	return n;
}

static void ioeventfd(struct vm *vm, int fd, uint64_t addr, uint32_t len,
		      uint32_t flags, uint64_t match)
{
	struct kvm_ioeventfd io = {
		.fd = fd, .addr = addr, .len = len, .flags = flags,
		.datamatch = match,
	};

	OK(ioctl(vm->fd, KVM_IOEVENTFD, &io));
}

GUEST(64, writes_port,
      "mov $0x120, %edx\n"
      "mov $7, %eax\n"
      "out %ax, %dx\n"
      "out %ax, %dx\n"
      "mov $8, %eax\n"
      "out %ax, %dx\n"		/* another value */
      "out %al, %dx\n"		/* another length */
      "in %dx, %ax\n"		/* not a write */
      "hlt\n");

static void pio_datamatch(void)
{
	struct vcpu *v = guest(64, writes_port);
	int fd = event();

	ioeventfd(v->vm, fd, 0x120, 2, KVM_IOEVENTFD_FLAG_PIO |
		  KVM_IOEVENTFD_FLAG_DATAMATCH, 7);
	RUN_TO_OUT(v, 0x120, 8);
	EQ(v->run->io.size, 2);
	EQ(drain(fd), 2);
	RUN_TO_OUT(v, 0x120, 8);
	EQ(v->run->io.size, 1);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.direction, KVM_EXIT_IO_IN);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(drain(fd), 0);
}

static void pio_any_value(void)
{
	struct vcpu *v = guest(64, writes_port);
	int fd = event();

	ioeventfd(v->vm, fd, 0x120, 2, KVM_IOEVENTFD_FLAG_PIO, 0);
	RUN_TO_OUT(v, 0x120, 8);
	EQ(v->run->io.size, 1);
	EQ(drain(fd), 3);
}

static void pio_any_length(void)
{
	struct vcpu *v = guest(64, writes_port);
	int fd = event();

	ioeventfd(v->vm, fd, 0x120, 0, KVM_IOEVENTFD_FLAG_PIO, 0);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.direction, KVM_EXIT_IO_IN);
	EQ(drain(fd), 4);
}

GUEST(64, writes_memory,
      "mov $0xd0000000, %ebx\n"
      "movl $5, (%rbx)\n"
      "movl $6, (%rbx)\n"
      "movl $5, 4(%rbx)\n"
      "movw $5, (%rbx)\n"
      "mov (%rbx), %eax\n"
      "movq $5, 8(%rbx)\n"
      "hlt\n");

static void mmio_datamatch(void)
{
	struct vcpu *v = guest(64, writes_memory);
	int fd = event(), wide = event();

	ioeventfd(v->vm, fd, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, 5);
	ioeventfd(v->vm, wide, GPA_MMIO + 8, 8, 0, 0);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.data[0], 6);
	EQ(drain(fd), 1);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO + 4);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.len, 2);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.is_write, 0);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(drain(fd), 0);
	EQ(drain(wide), 1);
}

static void mmio_any_length(void)
{
	struct vcpu *v = guest(64, writes_memory);
	int fd = event();

	ioeventfd(v->vm, fd, GPA_MMIO, 0, 0, 0);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO + 4);
	EQ(drain(fd), 2);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.is_write, 0);
	EQ(drain(fd), 1);
}

/* Two eventfds for two values at one address; one taken off again. */
static void deassign(void)
{
	struct vcpu *v = guest(64, writes_memory);
	int five = event(), six = event();
	struct kvm_ioeventfd io = {
		.fd = five, .addr = GPA_MMIO, .len = 4, .datamatch = 5,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH |
			 KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	ioeventfd(v->vm, five, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, 5);
	ioeventfd(v->vm, six, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, 6);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO + 4);
	EQ(drain(five), 1);
	EQ(drain(six), 1);
	OK(ioctl(v->vm->fd, KVM_IOEVENTFD, &io));
	vcpu_long(v);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO);
	EQ(v->run->mmio.data[0], 5);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO + 4);
	EQ(drain(six), 1);
}

/* The eventfd may be closed by its owner: the VM keeps it. */
static void closed_eventfd(void)
{
	struct vcpu *v = guest(64, writes_port);
	int fd = event();

	ioeventfd(v->vm, fd, 0x120, 0, KVM_IOEVENTFD_FLAG_PIO, 0);
	close(fd);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.direction, KVM_EXIT_IO_IN);
}

#define MMIO32(addr, value) \
	"mov $" #addr ", %eax\nmovl $" #value ", (%rax)\n"
#define IOAPIC(reg, value)	MMIO32(0xfec00000, reg) MMIO32(0xfec00010, value)
#define LAPIC_ON		MMIO32(0xfee000f0, 0x1ff)
#define READY			"xor %eax, %eax\nout %al, $0x10\n"
#define IDLE			"sti\n1: hlt\njmp 1b\n"
#define PICS_OFF		"mov $0xff, %al\nout %al, $0x21\nout %al, $0xa1\n"

GUEST(64, idle,
      PICS_OFF
      LAPIC_ON
      IOAPIC(0x18, 0x44)
      IOAPIC(0x19, 0)
      IOAPIC(0x1a, 0x8045)
      IOAPIC(0x1b, 0)
      READY
      IDLE);

static struct vcpu *irqchip_guest(const uint8_t *code, const uint8_t *end)
{
	struct vm *vm = vm_new();
	struct kvm_regs regs;
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	memcpy(vm->mem + GPA_CODE, code, end - code);
	vcpu_long(v);
	regs = get_regs(v);
	regs.r15 = 0;
	set_regs(v, &regs);
	guest_exc(v)->eoi = 1;
	RUN_TO_OUT(v, 0x10, 0);
	return v;
}

static volatile uint32_t *count(struct vcpu *v, unsigned int vector)
{
	return &guest_exc(v)->counts[vector];
}

static void expect(struct vcpu *v, unsigned int vector, unsigned int n, int where)
{
	volatile uint32_t *c = count(v, vector);

	if (!await(*c >= n) || *c != n)
		test_fail(__FILE__, where, "vector 0x%x came %u times, not %u",
			  vector, *c, n);
}

#define EXPECT(v, vector, n) expect(v, vector, n, __LINE__)

static void irqfd(struct vm *vm, int fd, uint32_t gsi, uint32_t flags, int again)
{
	struct kvm_irqfd f = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = again,
	};

	OK(ioctl(vm->fd, KVM_IRQFD, &f));
}

/* Wakes the halted guest each time; off again it does not. */
static void irqfd_edge(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	unsigned int i, n = scale(20, 5);
	int fd = event();
	struct runner r;

	irqfd(v->vm, fd, 4, 0, 0);
	runner_start(&r, v);
	for (i = 1; i <= n; i++) {
		signal_event(fd);
		EXPECT(v, 0x44, i);
	}
	irqfd(v->vm, fd, 4, KVM_IRQFD_FLAG_DEASSIGN, 0);
	drain(fd);
	signal_event(fd);
	sleep_ms(10);
	EXPECT(v, 0x44, n);
	EQ(drain(fd), 1);
	runner_stop(&r);
}

/* Signalled before it was assigned: that counts as well. */
static void irqfd_signalled_before(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	int fd = event();
	struct runner r;

	signal_event(fd);
	irqfd(v->vm, fd, 4, 0, 0);
	runner_start(&r, v);
	EXPECT(v, 0x44, 1);
	runner_stop(&r);
}

/* Closed instead of deassigned. */
static void irqfd_closed(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	int fd = event();
	struct runner r;

	irqfd(v->vm, fd, 4, 0, 0);
	signal_event(fd);
	runner_start(&r, v);
	EXPECT(v, 0x44, 1);
	close(fd);
	sleep_ms(10);
	fd = event();
	irqfd(v->vm, fd, 4, 0, 0);
	signal_event(fd);
	EXPECT(v, 0x44, 2);
	runner_stop(&r);
}

/* Level: the line falls at the EOI, which is told to the second eventfd. */
static void irqfd_resample(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	struct pollfd p = { .events = POLLIN };
	unsigned int i, n = scale(10, 3);
	int fd = event();
	struct runner r;

	p.fd = event();
	irqfd(v->vm, fd, 5, KVM_IRQFD_FLAG_RESAMPLE, p.fd);
	runner_start(&r, v);
	for (i = 1; i <= n; i++) {
		signal_event(fd);
		CHECK(poll(&p, 1, 5000) == 1, "no EOI was told");
		EQ(drain(p.fd), 1);
		EXPECT(v, 0x45, i);
	}
	runner_stop(&r);
	irqfd(v->vm, fd, 5, KVM_IRQFD_FLAG_DEASSIGN, 0);
}

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry e[4];
};

static struct kvm_irq_routing_entry msi_route(uint32_t gsi, uint32_t address,
					      uint32_t data)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000 | address, .data = data },
	};
}

static void msi_by_irqfd(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	struct routes t = { .head.nr = 2 };
	int fd = event(), other = event();
	struct runner r;

	t.e[0] = msi_route(24, 0, 0x61);
	t.e[1] = msi_route(25, 0, 0x62);
	OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	irqfd(v->vm, fd, 24, 0, 0);
	irqfd(v->vm, other, 25, 0, 0);
	runner_start(&r, v);
	signal_event(fd);
	EXPECT(v, 0x61, 1);
	signal_event(other);
	EXPECT(v, 0x62, 1);
	/* A new table counts for the irqfds that are there. */
	t.e[0] = msi_route(24, 0, 0x63);
	OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	signal_event(fd);
	EXPECT(v, 0x63, 1);
	EXPECT(v, 0x61, 1);
	/* And where the route is gone nothing comes. */
	t.head.nr = 0;
	OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	signal_event(fd);
	sleep_ms(10);
	EXPECT(v, 0x63, 1);
	runner_stop(&r);
}

/* Routes of the chips: GSI 9 reaches pin 4 of the IOAPIC. */
static void rerouted_pin(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	struct routes t = { .head.nr = 1 };
	struct kvm_irq_level level = { .irq = 9, .level = 1 };
	struct runner r;

	t.e[0] = (struct kvm_irq_routing_entry) {
		.gsi = 9,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = 4 },
	};
	OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	runner_start(&r, v);
	OK(ioctl(v->vm->fd, KVM_IRQ_LINE_STATUS, &level));
	EXPECT(v, 0x44, 1);
	EQ(level.status, 1);
	level.level = 0;
	OK(ioctl(v->vm->fd, KVM_IRQ_LINE, &level));
	runner_stop(&r);
}

/* Routes change under interrupts that come all the time. */
static void routes_change_under_fire(void)
{
	struct vcpu *v = irqchip_guest(idle, idle_end);
	struct routes t = { .head.nr = 1 };
	unsigned int i, n = scale(300, 60);
	int fd = event();
	struct runner r;

	t.e[0] = msi_route(24, 0, 0x61);
	OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	irqfd(v->vm, fd, 24, 0, 0);
	runner_start(&r, v);
	for (i = 0; i < n; i++) {
		signal_event(fd);
		t.e[0] = msi_route(24, 0, i & 1 ? 0x61 : 0x62);
		OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	}
	signal_event(fd);
	CHECK(await(*count(v, 0x61) && *count(v, 0x62)), "0x61: %u, 0x62: %u",
	      *count(v, 0x61), *count(v, 0x62));
	runner_stop(&r);
}

/* Split irqchip: the IOAPIC is user space's, which needs to see EOIs. */
GUEST(64, split_guest,
      LAPIC_ON
      READY
      IDLE);

static struct vcpu *split_vcpu(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24,
	};
	struct vm *vm = vm_new();
	struct kvm_regs regs;
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, split_guest);
	vcpu_long(v);
	regs = get_regs(v);
	regs.r15 = 0;
	set_regs(v, &regs);
	guest_exc(v)->eoi = 1;
	RUN_TO_OUT(v, 0x10, 0);
	return v;
}

static void split_eoi(void)
{
	struct vcpu *v = split_vcpu();
	struct routes t = { .head.nr = 2 };
	int fd = event();

	/* A level route (bit 15) asks for the EOI, an edge one does not. */
	t.e[0] = msi_route(5, 0, 0x71 | 1 << 15 | 1 << 14);
	t.e[1] = msi_route(6, 0, 0x72);
	OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &t));
	irqfd(v->vm, fd, 5, 0, 0);
	signal_event(fd);
	RUN_TO(v, KVM_EXIT_IOAPIC_EOI);
	EQ(v->run->eoi.vector, 0x71);
	EQ(*count(v, 0x71), 1);
	/* The IOAPIC's registers are MMIO of user space. */
}

/* ExtINT from user space's PIC. */
static void split_interrupt(void)
{
	struct vcpu *v = split_vcpu();
	struct kvm_interrupt irq = { .irq = 0x38 };
	struct kvm_lapic_state lapic;
	struct runner r;

	/* LINT0 in ExtINT mode. */
	OK(ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	*(uint32_t *)(lapic.regs + 0x350) = 0x700;
	OK(ioctl(v->fd, KVM_SET_LAPIC, &lapic));
	guest_exc(v)->eoi = 0;
	OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	FAILS(ioctl(v->fd, KVM_INTERRUPT, &irq), EEXIST);
	runner_start(&r, v);
	EXPECT(v, 0x38, 1);
	runner_stop(&r);
	OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	runner_start(&r, v);
	EXPECT(v, 0x38, 2);
	runner_stop(&r);
}

static const struct test tests[] = {
	{ "pio_datamatch", pio_datamatch },
	{ "pio_any_value", pio_any_value },
	{ "pio_any_length", pio_any_length },
	{ "mmio_datamatch", mmio_datamatch },
	{ "mmio_any_length", mmio_any_length },
	{ "deassign", deassign },
	{ "closed_eventfd", closed_eventfd },
	{ "irqfd_edge", irqfd_edge },
	{ "irqfd_signalled_before", irqfd_signalled_before },
	{ "irqfd_closed", irqfd_closed },
	{ "irqfd_resample", irqfd_resample },
	{ "msi_by_irqfd", msi_by_irqfd },
	{ "rerouted_pin", rerouted_pin },
	{ "routes_change_under_fire", routes_change_under_fire },
	{ "split_eoi", split_eoi },
	{ "split_interrupt", split_interrupt },
};

TEST_SUITE(tests);
