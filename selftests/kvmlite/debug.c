// SPDX-License-Identifier: GPL-2.0
/* Translation of addresses, and debugging a guest from outside. */
#include "vm.h"

GUEST(64, straight,
      "nop\n"
      "nop\n"
      "mov $1, %eax\n"
      "push %rax\n"
      "cpuid\n"
      "pop %rax\n"
      "hlt\n");

static struct kvm_translation translate(struct vcpu *v, uint64_t linear)
{
	struct kvm_translation t = { .linear_address = linear };

	OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	return t;
}

static void translation(void)
{
	struct vcpu *v = guest(64, straight);
	uint64_t *pd = (uint64_t *)(v->vm->mem + GPA_PD);
	uint64_t *pml4 = (uint64_t *)(v->vm->mem + GPA_PML4);
	struct kvm_translation t;

	t = translate(v, 0x12345);
	EQ(t.valid, 1);
	EQ(t.physical_address, 0x12345);
	/* Through a page table of 4K pages, in the upper half. */
	*(uint64_t *)(v->vm->mem + GPA_FREE) = 0x55000 | 3;
	pd[511] = GPA_FREE | 3;
	pml4[256] = pml4[0];
	t = translate(v, 0xffff80003fe00abcULL);
	EQ(t.valid, 1);
	EQ(t.physical_address, 0x55abc);
	t = translate(v, 0xffff80003fe01abcULL);
	EQ(t.valid, 0);
	EQ(t.physical_address, ~0ULL);
	t = translate(v, 0x7f0000000000);
	EQ(t.valid, 0);
}

static void translation_without_paging(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_translation t;

	vcpu_prot(v);
	t = translate(v, 0x12345678);
	EQ(t.valid, 1);
	EQ(t.physical_address, 0x12345678);
}

static void set_debug(struct vcpu *v, uint32_t control,
		      const uint64_t *debugreg)
{
	struct kvm_guest_debug d = { .control = control };

	if (debugreg)
		memcpy(d.arch.debugreg, debugreg, sizeof(d.arch.debugreg));
	OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
}

static void single_step(void)
{
	/* Behind NOP, NOP, MOV, PUSH, CPUID, POP. */
	static const unsigned int at[] = { 1, 2, 7, 8, 10, 11 };
	struct vcpu *v = guest(64, straight);
	size_t i;

	/* Bochs' pending debug exceptions: kvmlite clears them, KVM does not. */
	if (host_is_bochs() && !is_kvmlite())
		test_skip("an exit in a step leaves another step trap pending on Bochs");
	set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		RUN_TO(v, KVM_EXIT_DEBUG);
		EQ(v->run->debug.arch.pc, GPA_CODE + at[i]);
		EQ(get_regs(v).rip, GPA_CODE + at[i]);
		EQ(v->run->debug.arch.exception, 1);
		EQ(v->run->debug.arch.dr6 & 0x4000, 0x4000);
	}
	/* The guest does not see the trap flag, nor its trace. */
	EQ(get_regs(v).rflags & 0x100, 0);
	set_debug(v, 0, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
}

/* PUSHF in a stepped guest must not show TF. */
GUEST(64, pushf,
      "pushf\n"
      "pop %rax\n"
      "hlt\n");

static void step_is_hidden(void)
{
	struct vcpu *v = guest(64, pushf);

	set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL);
	RUN_TO(v, KVM_EXIT_DEBUG);
	RUN_TO(v, KVM_EXIT_DEBUG);
	EQ(get_regs(v).rflags & 0x100, 0);
	set_debug(v, 0, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
	/* The guest may see TF on its stack (KVM's does), but runs on. */
	EQ(guest_exc(v)->count, 0);
}

static void hardware_breakpoint(void)
{
	struct vcpu *v = guest(64, straight);
	uint64_t dr[8] = { };

	if (host_is_tcg())
		test_skip("VMRUN does not arm the breakpoints of DR7 here");
	dr[0] = GPA_CODE + 7;
	dr[7] = 0x2 | 0x400;		/* G0: execution */
	set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, dr);
	RUN_TO(v, KVM_EXIT_DEBUG);
	EQ(v->run->debug.arch.pc, GPA_CODE + 7);
	EQ(v->run->debug.arch.exception, 1);
	EQ(v->run->debug.arch.dr6 & 0xf, 1);
	set_debug(v, 0, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
}

/* All four at once, each told by its own bit; those that are left stay armed. */
static void four_breakpoints(void)
{
	static const unsigned int at[] = { 10, 1, 11, 7 }, order[] = { 1, 3, 0, 2 };
	struct vcpu *v = guest(64, straight);
	uint64_t dr[8] = { };
	unsigned int i;

	if (host_is_tcg())
		test_skip("VMRUN does not arm the breakpoints of DR7 here");
	for (i = 0; i < 4; i++)
		dr[i] = GPA_CODE + at[i];
	dr[7] = 0xaa | 0x400;		/* G0 to G3: execution */
	for (i = 0; i < 4; i++) {
		set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, dr);
		RUN_TO(v, KVM_EXIT_DEBUG);
		EQ(v->run->debug.arch.pc, GPA_CODE + at[order[i]]);
		EQ(v->run->debug.arch.dr6 & 0xf, 1 << order[i]);
		dr[7] &= ~(2ULL << 2 * order[i]);
	}
	set_debug(v, 0, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
}

/* On data: behind the PUSH that writes the stack. */
static void watchpoint(void)
{
	struct vcpu *v = guest(64, straight);
	uint64_t dr[8] = { };

	if (host_is_tcg())
		test_skip("VMRUN does not arm the breakpoints of DR7 here");
	dr[1] = GPA_STACK - 8;
	dr[7] = 0x8 | 0x400 | 1ULL << 20 | 3ULL << 22;	/* write, 4 bytes */
	set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, dr);
	RUN_TO(v, KVM_EXIT_DEBUG);
	EQ(v->run->debug.arch.pc, GPA_CODE + 8);
	EQ(v->run->debug.arch.dr6 & 0xf, 2);
	set_debug(v, 0, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
}

GUEST(64, int3,
      "xor %r15d, %r15d\n"
      "nop\n"
      "int3\n"
      "nop\n"
      "hlt\n");

static void software_breakpoint(void)
{
	struct vcpu *v = guest(64, int3);
	struct kvm_regs regs;

	if (host_is_tcg())
		test_skip("INT3 does not exit here");
	set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, NULL);
	RUN_TO(v, KVM_EXIT_DEBUG);
	EQ(v->run->debug.arch.exception, 3);
	EQ(v->run->debug.arch.pc, GPA_CODE + 4);
	EQ(get_regs(v).rip, GPA_CODE + 4);
	regs = get_regs(v);
	regs.rip++;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
}

/* Without the flag INT3 is the guest's own. */
static void guests_breakpoint(void)
{
	struct vcpu *v = guest(64, int3);

	set_debug(v, KVM_GUESTDBG_ENABLE, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 1);
	EQ(guest_exc(v)->vector, 3);
}

/* A debugger hands an INT3 that is not its own back to the guest. */
static void injected(void)
{
	struct vcpu *v = guest(64, int3);
	struct kvm_regs regs = get_regs(v);

	regs.rip = GPA_CODE + 4;
	regs.r15 = 0;
	set_regs(v, &regs);
	set_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP, NULL);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 1);
	EQ(guest_exc(v)->vector, 3);
	EQ(guest_exc(v)->rip, GPA_CODE + 5);
}

/* A guest that uses debug registers by itself: TF and a breakpoint of its own. */
GUEST(64, own_debug,
      "xor %r15d, %r15d\n"
      "lea 1f(%rip), %rax\n"
      "mov %rax, %dr0\n"
      "mov $0x702, %eax\n"
      "mov %rax, %dr7\n"
      "nop\n"
      "1: mov $0x400, %eax\n"		/* reached with one #DB */
      "mov %rax, %dr7\n"
      "mov 0xb000, %ebx\n"
      "mov %dr6, %rdx\n"
      "hlt\n");

/* Clears DR7 by itself, else the fault would come again without RF. */
GUEST(64, db_handler,
      "push %rax\n"
      "mov $0x400, %eax\n"
      "mov %rax, %dr7\n"
      "incq 0xb000\n"
      "pop %rax\n"
      "iretq\n");

static void guest_uses_debug_registers(void)
{
	struct vcpu *v = guest(64, own_debug);
	struct kvm_debugregs d;

	load_guest(v->vm, GPA_FREE, db_handler);
	idt_gate(v->vm, 1, GPA_FREE);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rbx, 1);
	EQ(get_regs(v).rdx & 0xf, 1);
	OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	EQ(d.dr6 & 0xf, 1);
	CHECK(d.db[0] > GPA_CODE && d.db[0] < GPA_CODE + 0x40, "DR0 is 0x%llx",
	      d.db[0]);
}

static const struct test tests[] = {
	{ "translation", translation },
	{ "translation_without_paging", translation_without_paging },
	{ "single_step", single_step },
	{ "step_is_hidden", step_is_hidden },
	{ "hardware_breakpoint", hardware_breakpoint },
	{ "four_breakpoints", four_breakpoints },
	{ "watchpoint", watchpoint },
	{ "software_breakpoint", software_breakpoint },
	{ "guests_breakpoint", guests_breakpoint },
	{ "injected", injected },
	{ "guest_uses_debug_registers", guest_uses_debug_registers },
};

TEST_SUITE(tests);
