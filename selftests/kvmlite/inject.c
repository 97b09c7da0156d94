// SPDX-License-Identifier: GPL-2.0
/* Interrupts, NMIs and exceptions that user space injects; no irqchip. */
#include "vm.h"

#define VECTOR 0x20

static void ivt(struct vm *vm, unsigned int vector, uint16_t offset)
{
	uint16_t *e = (uint16_t *)(vm->mem + 4 * vector);

	e[0] = offset;
	e[1] = GPA_CODE >> 4;
}

static void interrupt(struct vcpu *v, uint32_t vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
}

static struct kvm_vcpu_events events(struct vcpu *v)
{
	struct kvm_vcpu_events e;

	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	return e;
}

/* The handler, at offset 0x40, shows where it was called from. */
GUEST(16, real_sti_hlt,
      "sti\n"
      "1: hlt\n"
      "jmp 1b\n"
      ".skip 0x40 - (. - real_sti_hlt)\n"
      "push %bp\n"
      "mov %sp, %bp\n"
      "mov 2(%bp), %ax\n"
      "out %ax, $0x20\n"
      "pop %bp\n"
      "iret\n");

static void wakes_hlt(void)
{
	struct vcpu *v = guest(16, real_sti_hlt);

	ivt(v->vm, VECTOR, 0x40);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(v->run->if_flag, 1);
	EQ(v->run->ready_for_interrupt_injection, 1);
	interrupt(v, VECTOR);
	EQ(events(v).interrupt.injected, 1);
	EQ(events(v).interrupt.nr, VECTOR);
	EQ(get_sregs(v).interrupt_bitmap[0], 1ULL << VECTOR);
	RUN_TO_OUT(v, 0x20, 2);		/* behind the HLT */
	EQ(v->run->if_flag, 0);
	EQ(v->run->ready_for_interrupt_injection, 0);
	EQ(events(v).interrupt.injected, 0);
	EQ(get_sregs(v).interrupt_bitmap[0], 0);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(v->run->if_flag, 1);
}

GUEST(16, real_window,
      "cli\n"
      "xor %bx, %bx\n"
      "out %al, $0x10\n"
      "inc %bx\n"
      "sti\n"
      "inc %bx\n"
      "inc %bx\n"
      "inc %bx\n"
      "out %al, $0x11\n"
      "hlt\n");

static void window_exit(void)
{
	struct vcpu *v = guest(16, real_window);

	v->run->request_interrupt_window = 1;
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->if_flag, 0);
	EQ(v->run->ready_for_interrupt_injection, 0);
	RUN_TO(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	EQ(v->run->if_flag, 1);
	EQ(v->run->ready_for_interrupt_injection, 1);
	/* STI holds interrupts off for one instruction more. */
	CHECK(get_regs(v).rbx >= 2, "the window opened in the shadow of STI");
	CHECK(get_regs(v).rbx <= 3, "the window opened late");
	v->run->request_interrupt_window = 0;
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x11);
}

/* Already open: the exit comes before any instruction. */
static void window_is_open(void)
{
	struct vcpu *v = guest(16, real_sti_hlt);
	uint64_t rip;

	RUN_TO(v, KVM_EXIT_HLT);
	rip = get_regs(v).rip;
	v->run->request_interrupt_window = 1;
	RUN_TO(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	EQ(get_regs(v).rip, rip);
}

GUEST(16, real_nmi,
      "1: inc %bx\n"
      "out %al, $0x10\n"
      "jmp 1b\n"
      ".skip 0x40 - (. - real_nmi)\n"
      "out %al, $0x2\n"
      "out %al, $0x3\n"
      "iret\n");

static void nmi(void)
{
	struct vcpu *v = guest(16, real_nmi);

	ivt(v->vm, 2, 0x40);
	RUN_TO_OUT(v, 0x10, 0);
	OK(ioctl(v->fd, KVM_NMI, 0));
	RUN_TO_OUT(v, 0x2, 0);
	EQ(events(v).nmi.masked, 1);
	/* In the handler a second one waits, until IRET. */
	OK(ioctl(v->fd, KVM_NMI, 0));
	EQ(events(v).nmi.pending, 1);
	RUN_TO_OUT(v, 0x3, 0);
	EQ(get_regs(v).rbx, 1);
	RUN_TO_OUT(v, 0x2, 0);
	EQ(events(v).nmi.pending, 0);
	EQ(events(v).nmi.masked, 1);
	RUN_TO_OUT(v, 0x3, 0);
	RUN_TO_OUT(v, 0x10, 0);
	EQ(events(v).nmi.masked, 0);
	CHECK(get_regs(v).rbx <= 3, "rbx is %llu", get_regs(v).rbx);
}

/* IF does not hold an NMI off, and HLT does not keep it out. */
static void nmi_wakes_hlt(void)
{
	struct vcpu *v = guest(16, real_sti_hlt);
	struct kvm_regs regs;

	ivt(v->vm, 2, 0x40);
	RUN_TO(v, KVM_EXIT_HLT);
	regs = get_regs(v);
	regs.rflags = 2;
	set_regs(v, &regs);
	OK(ioctl(v->fd, KVM_NMI, 0));
	RUN_TO_OUT(v, 0x20, 2);
	EQ(events(v).nmi.masked, 1);
}

GUEST(64, long_loop,
      "xor %r15d, %r15d\n"
      "sti\n"
      "nop\n"
      "1: out %al, $0x10\n"
      "jmp 1b\n");

static void every_vector(void)
{
	struct vcpu *v = guest(64, long_loop);
	unsigned int vector, step = scale(1, 7);
	uint64_t count = 0;

	for (vector = 32; vector < 256; vector += step) {
		RUN_TO_OUT(v, 0x10, 0);
		REQUIRE(v->run->ready_for_interrupt_injection, "not ready");
		interrupt(v, vector);
		RUN_TO_OUT(v, 0x10, 0);
		EQ(guest_exc(v)->count, ++count);
		EQ(guest_exc(v)->vector, vector);
		EQ(guest_exc(v)->error, 0);
	}
}

static void inject_exception(struct vcpu *v, unsigned int nr, int has_error,
			     uint32_t error)
{
	struct kvm_vcpu_events e = events(v);

	e.exception.injected = 1;
	e.exception.nr = nr;
	e.exception.has_error_code = has_error;
	e.exception.error_code = error;
	e.flags = 0;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
}

static void exceptions(void)
{
	static const struct {
		unsigned int nr;
		int has_error;
		uint32_t error;
	} cases[] = {
		{ 0, 0, 0 }, { 5, 0, 0 }, { 6, 0, 0 }, { 7, 0, 0 },
		{ 10, 1, 0x18 }, { 11, 1, 0x30 }, { 12, 1, 0 },
		{ 13, 1, 0x1230 }, { 14, 1, 2 }, { 16, 0, 0 }, { 17, 1, 0 },
		{ 19, 0, 0 },
	};
	struct vcpu *v = guest(64, long_loop);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		RUN_TO_OUT(v, 0x10, 0);
		/* The OUT completes only with the next entry. */
		v->run->immediate_exit = 1;
		EQ(vcpu_run(v), -EINTR);
		v->run->immediate_exit = 0;
		inject_exception(v, cases[i].nr, cases[i].has_error,
				 cases[i].error);
		EQ(events(v).exception.injected, 1);
		RUN_TO_OUT(v, 0x10, 0);
		EQ(guest_exc(v)->count, i + 1);
		EQ(guest_exc(v)->vector, cases[i].nr);
		EQ(guest_exc(v)->error, cases[i].error);
	}
}

/*
 * The stack that an event is delivered on lies on a page the guest never
 * touched: the page fault of the host in the middle of the delivery must not
 * lose the event, repeat it, or move RIP.
 */
GUEST(64, fresh_stack,
      "xor %r15d, %r15d\n"
      "mov $0x1f0000, %esp\n"
      "sti\n"
      "out %al, $0x10\n"
      "nop\n"
      "mov 0xb000, %eax\n"
      "out %eax, $0x11\n"
      "hlt\n");

static void interrupt_faults(void)
{
	struct vcpu *v = guest(64, fresh_stack);

	RUN_TO_OUT(v, 0x10, 0);
	interrupt(v, 0x55);
	RUN_TO_OUT(v, 0x11, 1);
	EQ(guest_exc(v)->vector, 0x55);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 1);
}

static void nmi_faults(void)
{
	struct vcpu *v = guest(64, fresh_stack);

	RUN_TO_OUT(v, 0x10, 0);
	OK(ioctl(v->fd, KVM_NMI, 0));
	RUN_TO_OUT(v, 0x11, 1);
	EQ(guest_exc(v)->vector, 2);
	EQ(events(v).nmi.masked, 0);
}

GUEST(64, soft_int,
      "xor %r15d, %r15d\n"
      "mov $0x1f0000, %esp\n"
      "int $0x80\n"
      "lea (%rip), %rax\n"
      "mov 0xb018, %rbx\n"
      "mov $0x1e0000, %esp\n"
      "int3\n"
      "lea (%rip), %rcx\n"
      "mov 0xb018, %rdx\n"
      "mov $0x1d0000, %esp\n"
      "lea 1f(%rip), %r15\n"
      "lea 2f(%rip), %rsi\n"
      "2: ud2\n"
      "1: mov 0xb018, %rdi\n"
      "hlt\n");

static void software_interrupt_faults(void)
{
	struct vcpu *v = guest(64, soft_int);
	struct kvm_regs regs;

	RUN_TO(v, KVM_EXIT_HLT);
	regs = get_regs(v);
	EQ(guest_exc(v)->count, 3);
	EQ(regs.rbx, regs.rax - 7);	/* behind INT, where LEA begins */
	EQ(regs.rdx, regs.rcx - 7);
	EQ(regs.rdi, regs.rsi);		/* a fault: on UD2 itself */
}

/*
 * The stack lies in a hole: the delivery needs MMIO. What comes of it is not
 * fixed, but it is an exit or a signal ends it.
 */
static void delivery_into_hole(void)
{
	struct vcpu *v = guest(64, long_loop);
	struct kvm_regs regs;
	struct runner r;

	RUN_TO_OUT(v, 0x10, 0);
	v->run->immediate_exit = 1;
	EQ(vcpu_run(v), -EINTR);
	v->run->immediate_exit = 0;
	regs = get_regs(v);
	regs.rsp = GPA_MMIO + 0x100;
	set_regs(v, &regs);
	interrupt(v, 0x55);
	runner_start(&r, v);
	sleep_ms(50);
	runner_stop(&r);
	CHECK(!r.result || r.result == -EINTR, "KVM_RUN: %s",
	      strerror(-r.result));
	diag("ended in %s", r.result ? "a signal" :
	     exit_name(v->run->exit_reason));
}

/* The shadow of MOV SS and of STI as state. */
GUEST(16, shadow,
      "mov %ss, %ax\n"
      "mov %ax, %ss\n"
      "out %al, $0x10\n"
      "sti\n"
      "out %al, $0x11\n"
      "nop\n"
      "hlt\n");

static void interrupt_shadow(void)
{
	struct vcpu *v = guest(16, shadow);

	RUN_TO(v, KVM_EXIT_IO);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x11);
	EQ(v->run->if_flag, 1);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(events(v).interrupt.shadow, 0);
	EQ(v->run->ready_for_interrupt_injection, 1);
}

static const struct test tests[] = {
	{ "wakes_hlt", wakes_hlt },
	{ "window_exit", window_exit },
	{ "window_is_open", window_is_open },
	{ "nmi", nmi },
	{ "nmi_wakes_hlt", nmi_wakes_hlt },
	{ "every_vector", every_vector },
	{ "exceptions", exceptions },
	{ "interrupt_faults", interrupt_faults },
	{ "nmi_faults", nmi_faults },
	{ "software_interrupt_faults", software_interrupt_faults },
	{ "delivery_into_hole", delivery_into_hole },
	{ "interrupt_shadow", interrupt_shadow },
};

TEST_SUITE(tests);
