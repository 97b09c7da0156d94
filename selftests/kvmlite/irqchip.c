// SPDX-License-Identifier: GPL-2.0
/* PIC, IOAPIC, PIT and MSIs of the interrupt controller in the kernel. */
#include "chip.h"

GUEST(64, pic_guest,
      PIC_ON
      READY
      IDLE);

/* The PIC wants its EOI at the PIC: the handler says a non-specific one. */
GUEST(64, pic_handler,
      "push %rax\n"
      "incl 0xb144\n"		/* counts[0x31] */
      "mov $0x20, %al\n"
      "out %al, $0x20\n"
      "pop %rax\n"
      "iretq\n");

GUEST(64, pic_slave_handler,
      "push %rax\n"
      "incl 0xb168\n"		/* counts[0x3a] */
      "mov $0x20, %al\n"
      "out %al, $0xa0\n"
      "out %al, $0x20\n"
      "pop %rax\n"
      "iretq\n");

static void pic(void)
{
	struct vcpu *v = IRQCHIP_GUEST(pic_guest);
	struct runner r;
	unsigned int i;

	load_guest(v->vm, GPA_FREE, pic_handler);
	load_guest(v->vm, GPA_FREE + 0x100, pic_slave_handler);
	idt_gate(v->vm, 0x31, GPA_FREE);
	idt_gate(v->vm, 0x3a, GPA_FREE + 0x100);
	RUN_TO_OUT(v, 0x10, 0);
	runner_start(&r, v);
	for (i = 1; i <= 5; i++) {
		pulse(v, 1);
		EXPECT(v, 0x31, i);
		pulse(v, 10);
		EXPECT(v, 0x3a, i);
	}
	runner_stop(&r);
	EQ(r.result, -EINTR);
}

/* Without an EOI nothing of lower priority comes through. */
static void pic_priority(void)
{
	struct vcpu *v = IRQCHIP_GUEST(pic_guest);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	struct runner r;

	/* The library's handler gives no EOI to the PIC. */
	RUN_TO_OUT(v, 0x10, 0);
	runner_start(&r, v);
	pulse(v, 3);
	EXPECT(v, 0x33, 1);
	pulse(v, 4);
	sleep_ms(20);
	EXPECT(v, 0x34, 0);
	pulse(v, 1);			/* this is above */
	EXPECT(v, 0x31, 1);
	runner_stop(&r);
	OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	EQ(chip.chip.pic.isr, 1 << 3 | 1 << 1);
	EQ(chip.chip.pic.irr, 1 << 4);
	EQ(chip.chip.pic.irq_base, 0x30);
	EQ(chip.chip.pic.imr, 0);
}

/* IOAPIC pin 4: vector 0x44, edge; pin 5: 0x45, level; pin 6: 0x46, masked. */
GUEST(64, ioapic_guest,
      PIC_OFF
      LAPIC_ON
      IOAPIC(0x18, 0x44)
      IOAPIC(0x19, 0)
      IOAPIC(0x1a, 0x8045)
      IOAPIC(0x1b, 0)
      IOAPIC(0x1c, 0x10046)
      IOAPIC(0x1d, 0)
      MMIO32(0xfec00000, 1)
      "mov $0xfec00010, %eax\n"
      "mov (%rax), %ebx\n"
      "xor %eax, %eax\n"
      READY
      IDLE);

static void ioapic_edge(void)
{
	struct vcpu *v = IRQCHIP_GUEST(ioapic_guest);
	struct runner r;
	unsigned int i;

	RUN_TO_OUT(v, 0x10, 0);
	EQ(get_regs(v).rbx >> 16 & 0xff, 23);	/* 24 pins */
	runner_start(&r, v);
	for (i = 1; i <= 5; i++) {
		pulse(v, 4);
		EXPECT(v, 0x44, i);
	}
	/* An edge is one interrupt, however long the line is high. */
	line(v, 4, 1);
	EXPECT(v, 0x44, 6);
	line(v, 4, 1);
	sleep_ms(10);
	EXPECT(v, 0x44, 6);
	line(v, 4, 0);
	pulse(v, 6);
	sleep_ms(10);
	EXPECT(v, 0x46, 0);
	runner_stop(&r);
	EQ(guest_exc(v)->count, 6);
}

static void ioapic_level(void)
{
	struct vcpu *v = IRQCHIP_GUEST(ioapic_guest);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct runner r;
	uint32_t n;

	RUN_TO_OUT(v, 0x10, 0);
	runner_start(&r, v);
	/* As long as the line is high it comes again after each EOI. */
	line(v, 5, 1);
	CHECK(await(*count(v, 0x45) >= 3), "it came %u times",
	      *count(v, 0x45));
	line(v, 5, 0);
	sleep_ms(10);
	n = *count(v, 0x45);
	sleep_ms(10);
	EQ(*count(v, 0x45), n);
	/* Without the EOI it waits, with remote IRR set. */
	guest_exc(v)->eoi = 0;
	line(v, 5, 1);
	EXPECT(v, 0x45, n + 1);
	line(v, 5, 0);
	line(v, 5, 1);
	sleep_ms(10);
	EXPECT(v, 0x45, n + 1);
	runner_stop(&r);
	OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	EQ(chip.chip.ioapic.redirtbl[5].fields.remote_irr, 1);
	EQ(chip.chip.ioapic.redirtbl[5].fields.vector, 0x45);
	EQ(chip.chip.ioapic.redirtbl[6].fields.mask, 1);
	EQ(chip.chip.ioapic.base_address, 0xfec00000);
}

GUEST(64, lapic_guest,
      PIC_OFF
      LAPIC_ON
      READY
      IDLE);

static void signal_msi(void)
{
	struct vcpu *v = IRQCHIP_GUEST(lapic_guest);
	struct runner r;
	unsigned int i;

	RUN_TO_OUT(v, 0x10, 0);
	runner_start(&r, v);
	for (i = 1; i <= 5; i++) {
		CHECK(OK(msi(v, 0, 0x51)) > 0, "not delivered");
		EXPECT(v, 0x51, i);
	}
	/* Nobody has APIC ID 7. */
	CHECK(msi(v, 7 << 12, 0x52) <= 0, "delivered to nobody");
	/* Broadcast, and logical to the flat ID 1 (the guest has set none). */
	OK(msi(v, 0xff << 12, 0x53));
	EXPECT(v, 0x53, 1);
	/* Delivery mode NMI. */
	OK(msi(v, 0, 4 << 8));
	EXPECT(v, 2, 1);
	EXPECT(v, 0x52, 0);
	runner_stop(&r);
}

/* Channel 0 as a rate generator at 1 kHz, through the PIC. */
GUEST(64, pit_guest,
      PIC_ON
      OUTB(0x43, 0x34)
      OUTB(0x40, 0xa9)
      OUTB(0x40, 0x04)
      READY
      IDLE);

GUEST(64, pit_handler,
      "push %rax\n"
      "incl 0xb140\n"		/* counts[0x30] */
      "mov $0x20, %al\n"
      "out %al, $0x20\n"
      "pop %rax\n"
      "iretq\n");

static void pit(void)
{
	struct kvm_pit_config config = { };
	struct kvm_pit_state2 state;
	struct vm *vm = irqchip_vm();
	struct vcpu *v;
	struct runner r;

	OK(ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, pit_guest);
	load_guest(vm, GPA_FREE, pit_handler);
	idt_gate(vm, 0x30, GPA_FREE);
	vcpu_long(v);
	RUN_TO(v, KVM_EXIT_IO);
	runner_start(&r, v);
	CHECK(await(*count(v, 0x30) >= 5), "the PIT ticked %u times",
	      *count(v, 0x30));
	runner_stop(&r);
	OK(ioctl(vm->fd, KVM_GET_PIT2, &state));
	EQ(state.channels[0].count, 0x4a9);
	EQ(state.channels[0].mode, 2);
}

/* Channel 2, its gate and its output at port 0x61: how Linux calibrates. */
GUEST(64, speaker_guest,
      "in $0x61, %al\n"
      "and $0xfd, %al\n"
      "or $1, %al\n"
      "out %al, $0x61\n"
      OUTB(0x43, 0xb0)
      OUTB(0x42, 0xff)
      OUTB(0x42, 0x08)
      "in $0x61, %al\n"
      "mov %al, %bl\n"
      "1: in $0x61, %al\n"
      "test $0x20, %al\n"
      "jz 1b\n"
      "out %al, $0x10\n"
      "hlt\n");

static void pit_channel_2(void)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct vm *vm = irqchip_vm();
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, speaker_guest);
	vcpu_long(v);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x10);
	EQ(get_regs(v).rbx & 0x20, 0);
	EQ(get_regs(v).rax & 0x21, 0x21);
}

/* The state that a VMM saves comes back as it was. */
static void state_round_trip(void)
{
	struct vcpu *v = IRQCHIP_GUEST(ioapic_guest);
	struct kvm_irqchip set, get;
	struct kvm_lapic_state lapic, again;
	unsigned int id;

	RUN_TO_OUT(v, 0x10, 0);
	for (id = 0; id < 3; id++) {
		memset(&set, 0, sizeof(set));
		set.chip_id = id;
		OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &set));
		OK(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &set));
		memset(&get, 0, sizeof(get));
		get.chip_id = id;
		OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &get));
		CHECK(!memcmp(&set, &get, sizeof(set)), "chip %u", id);
	}
	EQ(get.chip.ioapic.redirtbl[4].fields.vector, 0x44);
	OK(ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	EQ(*(uint32_t *)(lapic.regs + 0xf0), 0x1ff);
	OK(ioctl(v->fd, KVM_SET_LAPIC, &lapic));
	OK(ioctl(v->fd, KVM_GET_LAPIC, &again));
	CHECK(!memcmp(&lapic, &again, sizeof(lapic)), "LAPIC");
	/* What is set counts: pin 4 has another vector now. */
	get.chip.ioapic.redirtbl[4].fields.vector = 0x4a;
	OK(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &get));
	{
		struct runner r;

		runner_start(&r, v);
		pulse(v, 4);
		EXPECT(v, 0x4a, 1);
		EXPECT(v, 0x44, 0);
		runner_stop(&r);
	}
}

/*
 * A device that nobody silences: the handler acknowledges and goes back. In the
 * end the guest's own code runs again all the same.
 */
GUEST(64, storm_guest,
      PIC_OFF
      LAPIC_ON
      IOAPIC(0x1c, 0x8041)		/* pin 6: level, vector 0x41 */
      READY
      "sti\n"
      "1: incq 0xc000\n"
      "jmp 1b\n");

static void level_storm(void)
{
	struct vcpu *v = IRQCHIP_GUEST(storm_guest);
	volatile uint64_t *turns = guest_data(v, uint64_t);
	struct runner r;
	uint64_t from;
	int tries;

	RUN_TO_OUT(v, 0x10, 0);
	line(v, 6, 1);
	runner_start(&r, v);
	CHECK(await(*count(v, 0x41) > 10), "vector 0x41 does not come");
	from = *turns;
	for (tries = 0; tries < 8 && !await(*turns > from + 1000); tries++)
		;
	CHECK(*turns > from + 1000, "%lu turns in %u interrupts", *turns - from,
	      *count(v, 0x41));
	line(v, 6, 0);
	runner_stop(&r);
	EQ(r.result, -EINTR);
}

/* An interrupt that is pending in a saved LAPIC comes where it is restored. */
static void pending_in_lapic(void)
{
	struct vcpu *v = IRQCHIP_GUEST(lapic_guest);
	struct kvm_lapic_state lapic;
	struct runner r;

	RUN_TO_OUT(v, 0x10, 0);
	OK(ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	*(uint32_t *)(lapic.regs + 0x200 + 16 * (0x81 / 32)) |= 1 << (0x81 % 32);
	OK(ioctl(v->fd, KVM_SET_LAPIC, &lapic));
	runner_start(&r, v);
	EXPECT(v, 0x81, 1);
	runner_stop(&r);
}

static const struct test tests[] = {
	{ "level_storm", level_storm },
	{ "pic", pic },
	{ "pic_priority", pic_priority },
	{ "ioapic_edge", ioapic_edge },
	{ "ioapic_level", ioapic_level },
	{ "signal_msi", signal_msi },
	{ "pit", pit },
	{ "pit_channel_2", pit_channel_2 },
	{ "state_round_trip", state_round_trip },
	{ "pending_in_lapic", pending_in_lapic },
};

TEST_SUITE(tests);
