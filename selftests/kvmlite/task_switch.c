// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches of a 32-bit guest: with SVM the CPU makes them, with
 * VT-x the hypervisor.
 */
#include "vm.h"

#define SEL_A		0x18		/* SEL_TSS: what the vCPU starts with */
#define SEL_B		0x30
#define TSS_A		0xe000UL	/* beyond the exception entries */
#define TSS_B		0xe800UL
#define CODE_B		(GPA_CODE + 0x1000)
#define HANDLER		(GPA_CODE + 0x2000)
#define STACK_B		0x70000UL

struct tss32 {
	uint32_t link, stacks[6], cr3, ip, flags;
	uint32_t ax, cx, dx, bx, sp, bp, si, di;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, io_map;
};

struct tss16 {
	uint16_t link, stacks[6], ip, flags;
	uint16_t ax, cx, dx, bx, sp, bp, si, di;
	uint16_t es, cs, ss, ds, ldt;
};

GUEST(32, jumps,
      "mov $0x11, %eax\n"
      "mov $0x22, %ebx\n"
      "ljmp $0x30, $0\n"
      "out %al, $0x12\n");

GUEST(32, calls,
      "mov $0x11, %eax\n"
      "mov $0x22, %ebx\n"
      "1: lcall $0x30, $0\n"
      "out %al, $0x12\n"
      "jmp 1b\n");

GUEST(32, interrupts,
      "mov $0x11, %eax\n"
      "1: int $0x40\n"
      "out %al, $0x12\n"
      "jmp 1b\n");

/*
 * QEMU's CPU cannot begin again once the switch is made: the new stack, where
 * the error code goes, has to be there by then.
 */
GUEST(32, faults,
      "mov $0x11, %eax\n"
      "mov %eax, 0x70000\n"
      "mov $0x1230, %ecx\n"
      "mov %ecx, %ds\n"			/* beyond the GDT */
      "out %al, $0x12\n");

GUEST(32, waits,
      "1: jmp 1b\n");

/* The other task: reports, returns, and goes on behind the IRET. */
GUEST(32, task_b,
      "1: out %al, $0x20\n"
      "inc %eax\n"
      "iret\n"
      "jmp 1b\n");

/* Of the interrupted task: an error code on the stack. */
GUEST(32, handler,
      "pop %eax\n"
      "out %eax, $0x30\n"
      "hlt\n");

static void descriptor(struct vm *vm, unsigned int sel, uint32_t base,
		       uint32_t limit, uint8_t access)
{
	uint64_t *d = (uint64_t *)(vm->mem + GPA_GDT + sel);

	*d = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
	     (uint64_t)access << 40 | (uint64_t)(base >> 24) << 56;
}

static uint8_t access_of(struct vcpu *v, unsigned int sel)
{
	return v->vm->mem[GPA_GDT + sel + 5];
}

static void gate(struct vm *vm, unsigned int vector, uint64_t offset,
		 unsigned int sel, uint8_t access)
{
	uint64_t *d = (uint64_t *)(vm->mem + GPA_IDT) + vector;

	*d = (offset & 0xffff) | (uint64_t)sel << 16 | (uint64_t)access << 40 |
	     (offset >> 16) << 48;
}

static struct tss32 *tss_b(struct vcpu *v)
{
	return (struct tss32 *)(v->vm->mem + TSS_B);
}

static struct tss32 *tss_a(struct vcpu *v)
{
	return (struct tss32 *)(v->vm->mem + TSS_A);
}

static struct vcpu *two_tasks(struct vcpu *v)
{
	struct vm *vm = v->vm;
	struct kvm_sregs s = get_sregs(v);
	unsigned int i;

	load_guest(vm, CODE_B, task_b);
	load_guest(vm, HANDLER, handler);
	memset(vm->mem + TSS_A, 0, sizeof(struct tss32));
	*tss_b(v) = (struct tss32) {
		.ip = CODE_B, .flags = 2, .ax = 0x55, .bx = 0x66,
		.sp = STACK_B, .bp = 0x77, .si = 0x88, .di = 0x99,
		.es = SEL_DATA, .cs = SEL_CODE32, .ss = SEL_DATA,
		.ds = SEL_DATA, .fs = SEL_DATA, .io_map = 104,
	};
	descriptor(vm, SEL_A, TSS_A, 103, 0x8b);	/* busy */
	descriptor(vm, SEL_B, TSS_B, 103, 0x89);
	for (i = 0; i < 256; i++)
		gate(vm, i, HANDLER, SEL_CODE32, 0x8e);
	s.tr.selector = SEL_A;
	s.tr.base = TSS_A;
	s.idt.limit = 256 * 8 - 1;
	set_sregs(v, &s);
	return v;
}

/* Both by a jump and by what returns: the new task is as its TSS says. */
static void check_in_b(struct vcpu *v)
{
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs regs = get_regs(v);

	EQ(s.tr.selector, SEL_B);
	EQ(s.tr.base, TSS_B);
	EQ(s.tr.type, 11);
	EQ(access_of(v, SEL_B), 0x8b);
	EQ(s.cr0 & 8, 8);			/* TS */
	EQ(regs.rax, 0x55);
	EQ(regs.rbx, 0x66);
	EQ(regs.rsp, STACK_B);
	EQ(regs.rbp, 0x77);
	EQ(regs.rsi, 0x88);
	EQ(regs.rdi, 0x99);
	EQ(s.fs.selector, SEL_DATA);
	EQ(s.gs.selector, 0);
	EQ(s.gs.unusable, 1);
	EQ(tss_a(v)->ax, 0x11);
	EQ(tss_a(v)->cs, SEL_CODE32);
	EQ(tss_a(v)->ss, SEL_DATA);
	EQ(tss_a(v)->sp, GPA_STACK);
}

static void jump(void)
{
	struct vcpu *v = two_tasks(guest(32, jumps));

	RUN_TO_OUT(v, 0x20, 0x55);
	check_in_b(v);
	EQ(tss_a(v)->bx, 0x22);
	EQ(tss_a(v)->ip, GPA_CODE + 10 + 7);
	EQ(access_of(v, SEL_A), 0x89);
	EQ(get_regs(v).rflags & 1 << 14, 0);
	EQ(tss_b(v)->link, 0);
}

static void call_and_return(void)
{
	struct vcpu *v = two_tasks(guest(32, calls));

	RUN_TO_OUT(v, 0x20, 0x55);
	check_in_b(v);
	EQ(access_of(v, SEL_A), 0x8b);
	EQ(get_regs(v).rflags & 1 << 14, 1 << 14);	/* NT */
	EQ(tss_b(v)->link, SEL_A);
	RUN_TO_OUT(v, 0x12, 0x11);
	EQ(get_sregs(v).tr.selector, SEL_A);
	EQ(get_regs(v).rbx, 0x22);
	EQ(access_of(v, SEL_A), 0x8b);
	EQ(access_of(v, SEL_B), 0x89);
	EQ(tss_b(v)->flags & 1 << 14, 0);
	/* The second call goes on behind the IRET. */
	RUN_TO_OUT(v, 0x20, 0x56);
	RUN_TO_OUT(v, 0x12, 0x11);
}

static void interrupt(void)
{
	struct vcpu *v = two_tasks(guest(32, interrupts));

	gate(v->vm, 0x40, 0, SEL_B, 0x85);
	RUN_TO_OUT(v, 0x20, 0x55);
	check_in_b(v);
	EQ(tss_a(v)->ip, GPA_CODE + 5 + 2);
	EQ(tss_b(v)->link, SEL_A);
	RUN_TO_OUT(v, 0x12, 0x11);
	RUN_TO_OUT(v, 0x20, 0x56);
	RUN_TO_OUT(v, 0x12, 0x11);
}

/* A fault: the old task stays at its instruction, the code is on the new stack. */
static void exception(void)
{
	struct vcpu *v = two_tasks(guest(32, faults));

	gate(v->vm, 13, 0, SEL_B, 0x85);
	tss_b(v)->sp = STACK_B + 4;
	RUN_TO_OUT(v, 0x20, 0x55);
	check_in_b(v);
	EQ(*(uint32_t *)(v->vm->mem + STACK_B), 0x1230);
	EQ(tss_a(v)->ip, GPA_CODE + 15);
}

static void small_tss(void)
{
	struct vcpu *v = two_tasks(guest(32, jumps));
	struct tss16 *tss = (struct tss16 *)(v->vm->mem + TSS_B);

	/* 16 bits of address: its code lies in what they reach, by CS.base. */
	*tss = (struct tss16) {
		.ip = 0x1000, .flags = 2, .ax = 0x55, .bx = 0x66, .sp = 0x8000,
		.cs = 0x38, .ss = SEL_DATA, .ds = SEL_DATA,
	};
	descriptor(v->vm, 0x38, GPA_CODE, 0xffff, 0x9b);
	descriptor(v->vm, SEL_B, TSS_B, 43, 0x81);
	RUN_TO_OUT(v, 0x20, 0x55);
	EQ(get_sregs(v).tr.selector, SEL_B);
	EQ(get_sregs(v).cs.base, GPA_CODE);
	EQ(get_sregs(v).fs.unusable, 1);
	EQ(get_regs(v).rbx & 0xffff, 0x66);
	EQ(tss_a(v)->ax, 0x11);
	EQ(access_of(v, SEL_B), 0x83);
}

static void not_present(void)
{
	struct vcpu *v = two_tasks(guest(32, jumps));

	descriptor(v->vm, SEL_B, TSS_B, 103, 0x09);
	RUN_TO_OUT(v, 0x30, SEL_B);
	EQ(get_sregs(v).tr.selector, SEL_A);
	EQ(get_sregs(v).cr0 & 8, 0);
}

static void too_short(void)
{
	struct vcpu *v = two_tasks(guest(32, jumps));

	descriptor(v->vm, SEL_B, TSS_B, 102, 0x89);
	RUN_TO_OUT(v, 0x30, SEL_B);
	EQ(get_sregs(v).tr.selector, SEL_A);
	EQ(access_of(v, SEL_A), 0x8b);
}

/* A segment that the new task may not have is the new task's fault. */
static void bad_segment(void)
{
	struct vcpu *v = two_tasks(guest(32, jumps));

	tss_b(v)->ds = 0x1230;
	RUN_TO_OUT(v, 0x30, 0x1230);
	EQ(get_sregs(v).tr.selector, SEL_B);
	EQ(get_regs(v).rdi, 0x99);
}

/* The same on the way to an interrupt's task: nothing that the program did (EXT). */
static void bad_segment_for_interrupt(void)
{
	struct vcpu *v = two_tasks(guest(32, waits));
	struct kvm_interrupt irq = { 0x41 };
	struct kvm_regs regs = get_regs(v);

	if (host_is_tcg())
		test_skip("QEMU's CPU does not check the segments on the way to an event");
	gate(v->vm, 0x41, 0, SEL_B, 0x85);
	tss_b(v)->ds = 0x1230;
	regs.rflags |= 1 << 9;
	set_regs(v, &regs);
	OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	RUN_TO_OUT(v, 0x30, 0x1231);
	EQ(get_sregs(v).tr.selector, SEL_B);
}

/* Asked for by an instruction it is. */
static void bad_segment_for_int_n(void)
{
	struct vcpu *v = two_tasks(guest(32, interrupts));

	if (host_is_tcg())
		test_skip("QEMU's CPU does not check the segments on the way to an event");
	gate(v->vm, 0x40, 0, SEL_B, 0x85);
	tss_b(v)->ds = 0x1230;
	RUN_TO_OUT(v, 0x30, 0x1230);
}

static const struct test tests[] = {
	{ "jump", jump },
	{ "call_and_return", call_and_return },
	{ "interrupt", interrupt },
	{ "exception", exception },
	{ "small_tss", small_tss },
	{ "not_present", not_present },
	{ "too_short", too_short },
	{ "bad_segment", bad_segment },
	{ "bad_segment_for_interrupt", bad_segment_for_interrupt },
	{ "bad_segment_for_int_n", bad_segment_for_int_n },
};

TEST_SUITE(tests);
