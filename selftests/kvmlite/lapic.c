// SPDX-License-Identifier: GPL-2.0
/* The local APIC in the kernel: its timer, IPIs, and the states of a CPU behind it. */
#include "chip.h"

/* MSIs to a CPU that is off by its spurious vector register. */
GUEST(64, lapic_off_guest,
      PIC_OFF
      LAPIC(0xf0, 0xff)
      READY
      IDLE);

static void lapic_disabled(void)
{
	struct vcpu *v = IRQCHIP_GUEST(lapic_off_guest);
	struct runner r;

	RUN_TO_OUT(v, 0x10, 0);
	runner_start(&r, v);
	msi(v, 0, 0x51);
	sleep_ms(10);
	EXPECT(v, 0x51, 0);
	runner_stop(&r);
}

/* The task priority holds back what is not above it. */
GUEST(64, tpr_guest,
      PIC_OFF
      LAPIC_ON
      "mov $6, %ebx\n"
      "mov %rbx, %cr8\n"
      "mov $0xfee00080, %eax\nmov (%rax), %eax\n"
      "sti\n"
      "nop\n"
      "out %al, $0x10\n"
      "nop\n"
      "out %al, $0x11\n"
      "xor %ebx, %ebx\n"
      "mov %rbx, %cr8\n"
      "nop\n"
      "out %al, $0x12\n"
      "hlt\n");

static void task_priority(void)
{
	struct vcpu *v = IRQCHIP_GUEST(tpr_guest);

	RUN_TO_OUT(v, 0x10, 0x60);	/* the APIC's TPR is CR8 */
	OK(msi(v, 0, 0x65));
	OK(msi(v, 0, 0x55));
	OK(msi(v, 0, 0x75));
	RUN_TO_OUT(v, 0x11, 0x60);
	EQ(*count(v, 0x75), 1);
	EQ(*count(v, 0x65), 0);
	EQ(*count(v, 0x55), 0);
	RUN_TO_OUT(v, 0x12, 0x60);
	EQ(*count(v, 0x65), 1);
	EQ(*count(v, 0x55), 1);
	EQ(guest_exc(v)->vector, 0x55);
}

/* IPIs to itself: by shorthand, by ID, and in x2APIC mode by MSR. */
GUEST(64, self_ipi,
      PIC_OFF
      LAPIC_ON
      "sti\n"
      LAPIC(0x300, 0x40061)
      "nop\n"
      LAPIC(0x310, 0)
      LAPIC(0x300, 0x62)
      "nop\n"
      "mov $0xfee00020, %eax\nmov (%rax), %ebx\n"		/* ID */
      "mov $0xfee00030, %eax\nmov (%rax), %esi\n"		/* version */
      "cli\n"
      "mov $0x1b, %ecx\n"
      "rdmsr\n"
      "or $0xc00, %eax\n"
      "wrmsr\n"
      "mov $0x802, %ecx\n"
      "rdmsr\n"
      "mov %eax, %edi\n"
      "mov $0x83f, %ecx\n"
      "mov $0x63, %eax\n"
      "xor %edx, %edx\n"
      "wrmsr\n"
      "movq $0, 0xb040\n"		/* EOI is an MSR now */
      "sti\n"
      "nop\n"
      "cli\n"
      "mov $0x80b, %ecx\n"
      "xor %eax, %eax\n"
      "wrmsr\n"
      "mov $0x830, %ecx\n"
      "mov $0x64, %eax\n"
      "xor %edx, %edx\n"
      "wrmsr\n"
      "sti\n"
      "nop\n"
      "cli\n"
      "out %al, $0x10\n"
      "hlt\n");

static void ipi_to_self(void)
{
	struct vcpu *v = IRQCHIP_GUEST(self_ipi);

	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x10);
	EQ(*count(v, 0x61), 1);
	EQ(*count(v, 0x62), 1);
	EQ(*count(v, 0x63), 1);
	EQ(*count(v, 0x64), 1);
	EQ(*count(v, 13), 0);
	EQ(get_regs(v).rbx, 0);
	EQ(get_regs(v).rsi & 0xf0, 0x10);
	EQ(get_regs(v).rdi, 0);
	EQ(get_sregs(v).apic_base & 0xd00, 0xd00);
}

/* One shot at first; the test then asks for periodic by writing R14. */
GUEST(64, timer_guest,
      PIC_OFF
      LAPIC_ON
      LAPIC(0x3e0, 0xb)			/* divide by 1 */
      LAPIC(0x320, 0x71)
      LAPIC(0x380, 1000000)
      READY
      "sti\n"
      "2: cmpl $0, 0xb244\n"		/* counts[0x71] */
      "je 2b\n"
      "mov $0xfee00390, %eax\nmov (%rax), %ebx\n"		/* current count: it has run out */
      LAPIC(0x320, 0x20072)		/* periodic */
      LAPIC(0x380, 1000000)
      "3: cmpl $3, 0xb248\n"
      "jb 3b\n"
      LAPIC(0x380, 0)
      "mov 0xb248, %eax\n"
      "out %al, $0x11\n"
      IDLE);

static void lapic_timer(void)
{
	struct vcpu *v = IRQCHIP_GUEST(timer_guest);
	uint32_t n;
	struct runner r;

	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x10);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x11);
	EQ(*count(v, 0x71), 1);
	EQ(get_regs(v).rbx, 0);
	CHECK(*count(v, 0x72) >= 3, "periodic: %u", *count(v, 0x72));
	/* Stopped it stays. */
	runner_start(&r, v);
	sleep_ms(10);
	n = *count(v, 0x72);
	sleep_ms(20);
	EQ(*count(v, 0x72), n);
	runner_stop(&r);
}

/* Wakes a halted vCPU. */
GUEST(64, deadline_guest,
      PIC_OFF
      LAPIC_ON
      LAPIC(0x320, 0x40073)
      READY
      "mov $5, %esi\n"
      "1: rdtsc\n"
      "shl $32, %rdx\n"
      "or %rdx, %rax\n"
      "add $1000000, %rax\n"
      "mov %rax, %rbx\n"
      "mov %rax, %rdx\n"
      "shr $32, %rdx\n"
      "mov $0x6e0, %ecx\n"
      "wrmsr\n"
      "sti\n"
      "hlt\n"
      "cli\n"
      "rdtsc\n"
      "shl $32, %rdx\n"
      "or %rdx, %rax\n"
      "cmp %rbx, %rax\n"
      "jb 2f\n"
      "dec %esi\n"
      "jnz 1b\n"
      "mov $0x6e0, %ecx\n"		/* it has fired: it reads as 0 */
      "rdmsr\n"
      "out %al, $0x11\n"
      "2: out %al, $0x12\n");

static void tsc_deadline(void)
{
	struct vcpu *v = IRQCHIP_GUEST(deadline_guest);
	uint64_t value;

	RUN_TO(v, KVM_EXIT_IO);
	EQ(get_msr(v, 0x6e0, &value), 1);
	RUN_TO_OUT(v, 0x11, 0);
	EQ(*count(v, 0x73), 5);
	EQ(*count(v, 13), 0);
}

/* A halted vCPU is HALTED, and made RUNNABLE goes on without an interrupt. */
GUEST(64, halt_once,
      READY
      "cli\n"
      "hlt\n"
      "out %al, $0x11\n");

static void mp_states(void)
{
	struct vcpu *v = IRQCHIP_GUEST(halt_once);
	struct kvm_mp_state s;
	struct runner r;
	int tries = 100;

	OK(ioctl(v->fd, KVM_GET_MP_STATE, &s));
	EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
	RUN_TO_OUT(v, 0x10, 0);
	/* On a busy machine the kick may come before the HLT does. */
	do {
		runner_start(&r, v);
		sleep_ms(20);
		runner_stop(&r);
		EQ(r.result, -EINTR);
		OK(ioctl(v->fd, KVM_GET_MP_STATE, &s));
	} while (s.mp_state == KVM_MP_STATE_RUNNABLE && --tries);
	EQ(s.mp_state, KVM_MP_STATE_HALTED);
	s.mp_state = KVM_MP_STATE_RUNNABLE;
	OK(ioctl(v->fd, KVM_SET_MP_STATE, &s));
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x11);
}

/* INIT and two SIPIs start the second CPU in real mode, at 0x20000. */
GUEST(64, bsp,
      PIC_OFF
      LAPIC_ON
      READY
      LAPIC(0x310, 0x1000000)
      LAPIC(0x300, 0x4500)
      LAPIC(0x300, 0x4620)
      LAPIC(0x300, 0x4620)
      "1: cmpl $0x1234, 0xc000\n"
      "jne 1b\n"
      "sti\n"
      LAPIC(0x300, 0x40091)		/* the AP answers with an IPI, 0x92 */
      "mov $1, %eax\n"
      "out %al, $0x11\n"
      "hlt\n");

GUEST(16, ap,
      "xor %ax, %ax\n"
      "mov %ax, %ds\n"
      "mov %cs, 0xc004\n"
      "movl $0x1234, 0xc000\n"
      "1: hlt\n"
      "jmp 1b\n");

static void second_cpu(void)
{
	struct vcpu *v = IRQCHIP_GUEST(bsp), *w;
	struct kvm_mp_state s;
	struct runner r;

	w = vcpu_new(v->vm, 1);
	load_guest(v->vm, 0x20000, ap);
	OK(ioctl(w->fd, KVM_GET_MP_STATE, &s));
	EQ(s.mp_state, KVM_MP_STATE_UNINITIALIZED);
	runner_start(&r, w);
	RUN_TO_OUT(v, 0x10, 0);
	EQ(r.done, 0);
	RUN_TO_OUT(v, 0x11, 1);
	EQ(guest_data(v, uint32_t)[0], 0x1234);
	EQ(guest_data(v, uint32_t)[1], 0x2000);
	runner_stop(&r);
	EQ(get_sregs(w).cs.selector, 0x2000);
	EQ(get_sregs(w).cs.base, 0x20000);
	EQ(get_sregs(w).cr0 & 1, 0);
	OK(ioctl(w->fd, KVM_GET_MP_STATE, &s));
	EQ(s.mp_state, KVM_MP_STATE_HALTED);
}

/* IPIs between two CPUs in long mode, each answered. */
GUEST(64, ipi_sender,
      LAPIC_ON
      "sti\n"
      LAPIC(0x310, 0x1000000)
      "mov $20, %esi\n"
      "1: mov %esi, %edi\n"
      "mov 0xc000, %ebx\n"
      LAPIC(0x300, 0x4093)
      "2: pause\n"
      "cmp 0xc000, %ebx\n"
      "je 2b\n"
      "dec %esi\n"
      "jnz 1b\n"
      "out %al, $0x11\n");

GUEST(64, ipi_receiver,
      LAPIC_ON
      "lock incl 0xc000\n"
      IDLE);

GUEST(64, ipi_handler,
      "push %rax\n"
      "lock incl 0xc000\n"
      LAPIC(0xb0, 0)
      "pop %rax\n"
      "iretq\n");

static void ipis(void)
{
	struct vcpu *v = IRQCHIP_GUEST(ipi_sender), *w;
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs;
	struct runner r;

	w = vcpu_new(v->vm, 1);
	vcpu_long(w);
	OK(ioctl(w->fd, KVM_SET_MP_STATE, &s));
	load_guest(v->vm, 0x20000, ipi_receiver);
	load_guest(v->vm, GPA_FREE, ipi_handler);
	idt_gate(v->vm, 0x93, GPA_FREE);
	regs = get_regs(w);
	regs.rip = 0x20000;
	regs.rsp = GPA_STACK - 0x8000;
	set_regs(w, &regs);
	runner_start(&r, w);
	CHECK(await(guest_data(v, uint32_t)[0] == 1), "the second CPU sleeps");
	RUN_TO(v, KVM_EXIT_IO);
	EQ(guest_data(v, uint32_t)[0], 21);
	runner_stop(&r);
}

/* Memory mapped registers move with the APIC base, and are off with it. */
GUEST(64, apic_base_guest,
      "mov $0x1b, %ecx\n"
      "rdmsr\n"
      "mov %eax, %ebx\n"
      "and $~0x800, %eax\n"
      "wrmsr\n"
      "mov $0xfee00030, %eax\nmov (%rax), %esi\n"
      "out %al, $0x10\n"
      "hlt\n");

/* Nothing answers there then: all ones (KVM's quirk), or user space. */
static void lapic_off_is_memory(void)
{
	struct vcpu *v = IRQCHIP_GUEST(apic_base_guest);

	EQ(vcpu_run(v), 0);
	if (v->run->exit_reason == KVM_EXIT_MMIO) {
		EQ(v->run->mmio.phys_addr, 0xfee00030);
		memset(v->run->mmio.data, 0xff, 8);
		EQ(vcpu_run(v), 0);
	}
	EQ(v->run->exit_reason, KVM_EXIT_IO);
	EQ(get_regs(v).rbx, 0xfee00900);
	EQ(get_regs(v).rsi, 0xffffffff);
	EQ(v->run->apic_base & 0x800, 0);
}

/*
 * TPR access reporting: a string instruction that reads the TPR and writes to a
 * device leaves twice. Each exit finds its own data in the run page.
 */
GUEST(64, tpr_moved,
      LAPIC_ON
      READY
      "mov $0xfee00080, %esi\n"
      "mov $0xd0000000, %edi\n"
      "cld\n"
      "1: movsl\n"
      "hlt\n");

static void tpr_reported_between(void)
{
	struct vcpu *v = IRQCHIP_GUEST(tpr_moved);
	struct kvm_tpr_access_ctl tac = { .enabled = 1 };
	uint64_t at = GPA_CODE + (tpr_moved_end - tpr_moved) - 2;
	unsigned int mmio = 0, tpr = 0;

	if (!is_kvmlite())
		test_skip("6.12's KVM fills in the run page too early");
	RUN_TO_OUT(v, 0x10, 0);
	OK(ioctl(v->fd, KVM_TPR_ACCESS_REPORTING, &tac));
	while (mmio + tpr < 2 && !vcpu_run(v)) {
		if (v->run->exit_reason == KVM_EXIT_MMIO) {
			mmio++;
			EQ(v->run->mmio.phys_addr, GPA_MMIO);
			EQ(v->run->mmio.is_write, 1);
			EQ(v->run->mmio.len, 4);
		} else {
			tpr++;
			EQ(v->run->exit_reason, KVM_EXIT_TPR_ACCESS);
			EQ(v->run->tpr_access.rip, at);
			EQ(v->run->tpr_access.is_write, 0);
		}
	}
	EQ(mmio, 1);
	EQ(tpr, 1);
}

/* User space restores a CPU that had its SIPI, and says which. */
static void sipi_vector_restored(void)
{
	struct vm *vm = irqchip_vm();
	struct kvm_vcpu_events ev;
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_SIPI_RECEIVED };
	struct vcpu *v;

	vcpu_new(vm, 0);
	v = vcpu_new(vm, 1);
	vm->mem[0x21000] = 0xe6;	/* out %al, $0x12; hlt */
	vm->mem[0x21001] = 0x12;
	vm->mem[0x21002] = 0xf4;
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &ev));
	ev.flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	ev.sipi_vector = 0x21;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev));
	OK(ioctl(v->fd, KVM_SET_MP_STATE, &s));
	while (vcpu_run(v) == -EAGAIN)
		;
	EQ(v->run->exit_reason, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x12);
	EQ(get_sregs(v).cs.selector, 0x2100);
}

/* A debugger steps over HLT: it hears of the step, and the CPU has halted. */
GUEST(64, step_to_halt,
      PIC_OFF
      READY
      "nop\n"
      "hlt\n"
      "out %al, $0x13\n");

static void hlt_stepped(void)
{
	struct vcpu *v = IRQCHIP_GUEST(step_to_halt);
	struct kvm_guest_debug dbg = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	struct kvm_mp_state s;
	int i;

	RUN_TO_OUT(v, 0x10, 0);
	OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &dbg));
	/* After OUT it may or may not report that one; then NOP, then HLT. */
	for (i = 0; i < 4; i++) {
		RUN_TO(v, KVM_EXIT_DEBUG);
		if (v->vm->mem[get_regs(v).rip - 1] == 0xf4)
			break;
	}
	EQ(v->vm->mem[get_regs(v).rip - 1], 0xf4);
	OK(ioctl(v->fd, KVM_GET_MP_STATE, &s));
	EQ(s.mp_state, KVM_MP_STATE_HALTED);
}

static const struct test tests[] = {
	{ "lapic_disabled", lapic_disabled },
	{ "task_priority", task_priority },
	{ "ipi_to_self", ipi_to_self },
	{ "lapic_timer", lapic_timer },
	{ "tsc_deadline", tsc_deadline },
	{ "mp_states", mp_states },
	{ "second_cpu", second_cpu },
	{ "ipis", ipis },
	{ "lapic_off_is_memory", lapic_off_is_memory },
	{ "tpr_reported_between", tpr_reported_between },
	{ "sipi_vector_restored", sipi_vector_restored },
	{ "hlt_stepped", hlt_stepped },
};

TEST_SUITE(tests);
