// SPDX-License-Identifier: GPL-2.0
/* The least a hypervisor must do: run a few instructions in each mode. */
#include "vm.h"

GUEST(16, real_hlt,
      "hlt\n");

GUEST(16, real_out,
      "mov $0x5a, %al\n"
      "out %al, $0x10\n"
      "mov $0x1234, %ax\n"
      "mov $0x3f8, %dx\n"
      "out %ax, %dx\n"
      "mov $0xdeadbeef, %eax\n"
      "out %eax, %dx\n"
      "hlt\n");

GUEST(16, real_in,
      "mov $0x60, %dx\n"
      "in %dx, %al\n"
      "add $1, %al\n"
      "out %al, $0x10\n"
      "hlt\n");

GUEST(16, real_memory,
      "mov $0xc000, %bx\n"
      "movl $0x11223344, (%bx)\n"
      "push %bx\n"
      "pop %cx\n"
      "addl $1, (%bx)\n"
      "mov %cx, 4(%bx)\n"
      "hlt\n");

GUEST(32, prot_loop,
      "mov $0xc000, %ebx\n"
      "mov $100, %ecx\n"
      "1: add %ecx, (%ebx)\n"
      "loop 1b\n"
      "mov (%ebx), %eax\n"
      "out %eax, $0x10\n"
      "hlt\n");

GUEST(64, long_regs,
      "movabs $0x1122334455667788, %rax\n"
      "mov %rax, %r12\n"
      "shr $32, %rax\n"
      "out %eax, $0x10\n"
      "mov %r12, 0xc000\n"
      "push %r12\n"
      "pop %rbx\n"
      "mov $0x42, %r8d\n"
      "hlt\n");

static void hlt(void)
{
	struct vcpu *v = guest(16, real_hlt);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rip, 1);
}

static void out(void)
{
	struct vcpu *v = guest(16, real_out);

	RUN_TO_OUT(v, 0x10, 0x5a);
	EQ(v->run->io.size, 1);
	RUN_TO_OUT(v, 0x3f8, 0x1234);
	EQ(v->run->io.size, 2);
	RUN_TO_OUT(v, 0x3f8, 0xdeadbeef);
	EQ(v->run->io.size, 4);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void in(void)
{
	struct vcpu *v = guest(16, real_in);

	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.direction, KVM_EXIT_IO_IN);
	EQ(v->run->io.port, 0x60);
	EQ(v->run->io.size, 1);
	EQ(v->run->io.count, 1);
	*(uint8_t *)io_data(v) = 0x41;
	RUN_TO_OUT(v, 0x10, 0x42);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void memory(void)
{
	struct vcpu *v = guest(16, real_memory);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_data(v, uint32_t)[0], 0x11223345);
	EQ(guest_data(v, uint32_t)[1], 0xc000);
}

static void protected_mode(void)
{
	struct vcpu *v = guest(32, prot_loop);

	RUN_TO_OUT(v, 0x10, 5050);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_data(v, uint32_t)[0], 5050);
}

static void long_mode(void)
{
	struct vcpu *v = guest(64, long_regs);

	RUN_TO_OUT(v, 0x10, 0x11223344);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rbx, 0x1122334455667788);
	EQ(get_regs(v).r8, 0x42);
	EQ(get_regs(v).rsp, GPA_STACK);
	EQ(*guest_data(v, uint64_t), 0x1122334455667788);
}

static const struct test tests[] = {
	{ "hlt", hlt },
	{ "out", out },
	{ "in", in },
	{ "memory", memory },
	{ "protected_mode", protected_mode },
	{ "long_mode", long_mode },
};

TEST_SUITE(tests);
