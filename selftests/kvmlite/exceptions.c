// SPDX-License-Identifier: GPL-2.0
/* Exceptions that the guest raises by itself, through its own IDT. */
#include "vm.h"

/*
 * FAULT(name, setup, insn): the address of insn ends up in RBX, and the guest
 * goes on behind it.
 */
#define FAULT(name, setup, insn)					\
	GUEST(64, name,							\
	      setup							\
	      "lea 1f(%rip), %r15\n"					\
	      "lea 2f(%rip), %rbx\n"					\
	      "2: " insn						\
	      "1: hlt\n")

static struct vcpu *expect(const char *name, const uint8_t *code,
			   const uint8_t *end, unsigned int vector,
			   uint64_t error)
{
	struct vcpu *v = guest_bytes(64, code, end - code);

	RUN_TO(v, KVM_EXIT_HLT);
	CHECK(guest_exc(v)->count == 1, "%s: %lu exceptions", name,
	      guest_exc(v)->count);
	if (guest_exc(v)->count != 1)
		return v;
	CHECK(guest_exc(v)->vector == vector && guest_exc(v)->error == error,
	      "%s: vector %lu error 0x%lx", name, guest_exc(v)->vector,
	      guest_exc(v)->error);
	EQ(guest_exc(v)->cs, SEL_CODE);
	EQ(guest_exc(v)->rsp, GPA_STACK);
	return v;
}

#define EXPECT(name, vector, error) \
	expect(#name, name, name##_end, vector, error)

FAULT(divide, "xor %ecx, %ecx\n", "div %ecx\n");
FAULT(undefined, "", "ud2\n");
FAULT(no_lock, "", ".byte 0xf0, 0x90\n");
FAULT(bad_rdmsr, "mov $0x12345678, %ecx\n", "rdmsr\n");
FAULT(bad_wrmsr, "mov $0x12345678, %ecx\n", "wrmsr\n");
FAULT(non_canonical, "movabs $0x8000000000000000, %rax\n", "mov (%rax), %eax\n");
FAULT(bad_segment, "mov $0x100, %eax\n", "mov %eax, %ds\n");
FAULT(no_read, "movabs $0x7f0012345678, %rax\n", "mov (%rax), %ecx\n");
FAULT(no_write, "movabs $0x7f0012345678, %rax\n", "movb $1, (%rax)\n");
FAULT(device_na, "mov %cr0, %rax\nor $8, %rax\nmov %rax, %cr0\n", "fninit\n");

static void simple(void)
{
	struct vcpu *v;

	v = EXPECT(divide, 0, 0);
	EQ(guest_exc(v)->rip, get_regs(v).rbx);
	v = EXPECT(undefined, 6, 0);
	EQ(guest_exc(v)->rip, get_regs(v).rbx);
	EXPECT(no_lock, 6, 0);
	v = EXPECT(non_canonical, 13, 0);
	EQ(guest_exc(v)->rip, get_regs(v).rbx);
	EXPECT(bad_segment, 13, 0x100);
	EXPECT(device_na, 7, 0);
}

static void bad_msr(void)
{
	struct vcpu *v;

	v = EXPECT(bad_rdmsr, 13, 0);
	EQ(guest_exc(v)->rip, get_regs(v).rbx);
	v = EXPECT(bad_wrmsr, 13, 0);
	EQ(guest_exc(v)->rip, get_regs(v).rbx);
}

static void page_fault(void)
{
	struct vcpu *v;

	v = EXPECT(no_read, 14, 0);
	EQ(guest_exc(v)->cr2, 0x7f0012345678);
	EQ(guest_exc(v)->rip, get_regs(v).rbx);
	EQ(get_sregs(v).cr2, 0x7f0012345678);
	v = EXPECT(no_write, 14, 2);
	EQ(guest_exc(v)->cr2, 0x7f0012345678);
}

/* A present page: write-protected, then not executable. */
FAULT(read_only,
      "mov 0x5000, %rax\n"		/* the page directory's first entry… */
      "mov %rax, 0x5040\n"		/* …maps 16 MiB too */
      "andb $0xfd, 0x5040\n"
      "mov $0x1010000, %ecx\n"
      "mov (%rcx), %eax\n",
      "movb $0, (%rcx)\n");

FAULT(no_exec,
      "mov $0xc0000080, %ecx\n"
      "rdmsr\n"
      "or $0x800, %eax\n"
      "wrmsr\n"
      "mov 0x5000, %rax\n"
      "bts $63, %rax\n"
      "mov %rax, 0x5040\n"
      "mov $0x1010000, %ecx\n",
      "jmp *%rcx\n");

static void protection(void)
{
	struct vcpu *v;

	v = EXPECT(read_only, 14, 3);
	EQ(guest_exc(v)->cr2, 0x1010000);
	v = EXPECT(no_exec, 14, 0x11);
	EQ(guest_exc(v)->cr2, 0x1010000);
}

/* Traps: RIP is behind the instruction. */
GUEST(64, traps,
      "xor %r15d, %r15d\n"
      "int3\n"
      "mov 0xb018, %rax\n"
      "lea -8(%rip), %rbx\n"
      "int $0x21\n"
      "mov 0xb008, %ecx\n"
      "hlt\n");

static void software_interrupts(void)
{
	struct vcpu *v = guest(64, traps);
	struct kvm_regs regs;

	RUN_TO(v, KVM_EXIT_HLT);
	regs = get_regs(v);
	EQ(guest_exc(v)->count, 2);
	EQ(regs.rax, GPA_CODE + 4);
	EQ(regs.rcx, 0x21);
}

/* #DE cannot be delivered, because its gate is not present: #DF can. */
static void double_fault(void)
{
	struct vcpu *v = guest(64, divide);

	if (host_is_tcg())
		test_skip("this emulated CPU raises no #DF for #NP in #DE");
	v->vm->mem[GPA_IDT + 5] &= 0x7f;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 1);
	EQ(guest_exc(v)->vector, 8);
	EQ(guest_exc(v)->error, 0);
}

/* Registers that the hypervisor writes on behalf of the guest. */
FAULT(cr0_pg_without_pe, "mov %cr0, %rax\nand $~1, %rax\n", "mov %rax, %cr0\n");
FAULT(cr0_high, "mov %cr0, %rax\nbts $40, %rax\n", "mov %rax, %cr0\n");
FAULT(cr0_nw, "mov %cr0, %rax\nbts $29, %rax\n", "mov %rax, %cr0\n");
FAULT(cr4_reserved, "mov %cr4, %rax\nbts $31, %rax\n", "mov %rax, %cr4\n");
FAULT(cr4_no_pae, "mov %cr4, %rax\nbtr $5, %rax\n", "mov %rax, %cr4\n");
FAULT(cr3_reserved, "mov %cr3, %rax\nbts $61, %rax\n", "mov %rax, %cr3\n");
FAULT(efer_reserved,
      "mov $0xc0000080, %ecx\nrdmsr\nor $2, %eax\n", "wrmsr\n");
FAULT(efer_lme_off,
      "mov $0xc0000080, %ecx\nrdmsr\nbtr $8, %eax\n", "wrmsr\n");
FAULT(star_canonical,
      "mov $0xc0000082, %ecx\nmov $0x80000000, %edx\n", "wrmsr\n");
FAULT(apic_base_reserved,
      "mov $0x1b, %ecx\nrdmsr\nor $0x40000000, %edx\n", "wrmsr\n");
FAULT(xcr_bad, "mov %cr4, %rax\nbts $18, %rax\nmov %rax, %cr4\n"
      "xor %ecx, %ecx\nxor %edx, %edx\nxor %eax, %eax\n", "xsetbv\n");

static void bad_control_registers(void)
{
	EXPECT(cr0_pg_without_pe, 13, 0);
	if (!host_is_tcg())	/* which ignores the upper half */
		EXPECT(cr0_high, 13, 0);
	EXPECT(cr0_nw, 13, 0);
	EXPECT(cr4_reserved, 13, 0);
	EXPECT(cr4_no_pae, 13, 0);
	if (!host_is_tcg())	/* which has no reserved bits in CR3 */
		EXPECT(cr3_reserved, 13, 0);
}

static void bad_msr_values(void)
{
	EXPECT(efer_reserved, 13, 0);
	EXPECT(efer_lme_off, 13, 0);
	if (!host_is_tcg())	/* which takes any address */
		EXPECT(star_canonical, 13, 0);
	EXPECT(apic_base_reserved, 13, 0);
}

static void bad_xcr0(void)
{
	EXPECT(xcr_bad, 13, 0);
}

/* From ring 3 the privileged ones are #GP, and I/O too (IOPL 0). */
GUEST(64, user_mode,
      "push $0x13\n"
      "push $0x70000\n"
      "push $2\n"
      "push $0x2b\n"
      "lea 1f(%rip), %rax\n"
      "push %rax\n"
      "iretq\n"
      "1: lea 2f(%rip), %r15\n"
      "rdmsr\n"
      "2: lea 3f(%rip), %r15\n"
      "mov %cr0, %rax\n"
      "3: lea 4f(%rip), %r15\n"
      "hlt\n"
      "4: lea 5f(%rip), %r15\n"
      "invlpg (%rax)\n"
      "5: lea 6f(%rip), %r15\n"
      "out %al, $0x10\n"
      "6: lea 7f(%rip), %r15\n"
      "mov $8, %r14d\n"
      "wbinvd\n"
      "7: mov $0xb000, %eax\n"
      "mov (%rax), %r13\n"
      "cpuid\n"
      "ud2\n");

static void user_mode_is_unprivileged(void)
{
	struct vcpu *v = guest(64, user_mode);
	unsigned int faults = 6;
	uint64_t *gdt = (uint64_t *)(v->vm->mem + GPA_GDT);

	gdt[SEL_DATA / 8] |= 3ULL << 45;
	gdt[SEL_CODE32 / 8] = 0x00affb000000ffffULL;
	*(uint64_t *)(v->vm->mem + GPA_TSS + 4) = GPA_STACK;
	/* No I/O permission map: it would begin beyond the segment's limit. */
	*(uint16_t *)(v->vm->mem + GPA_TSS + 102) = 104;
	/* #UD ends it, in ring 0. */
	v->vm->mem[GPA_FREE] = 0xf4;
	idt_gate(v->vm, 6, GPA_FREE);
	EQ(vcpu_run(v), 0);
	/* Bochs 2.7 leaves the guest before it looks at IOPL and the TSS. */
	if (v->run->exit_reason == KVM_EXIT_IO) {
		diag("I/O exits before it faults");
		faults--;
		EQ(vcpu_run(v), 0);
	}
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	EQ(get_regs(v).r13, faults);
	EQ(guest_exc(v)->vector, 13);
	EQ(guest_exc(v)->cs, 0x2b);
}

static const struct test tests[] = {
	{ "simple", simple },
	{ "bad_msr", bad_msr },
	{ "page_fault", page_fault },
	{ "protection", protection },
	{ "software_interrupts", software_interrupts },
	{ "double_fault", double_fault },
	{ "bad_control_registers", bad_control_registers },
	{ "bad_msr_values", bad_msr_values },
	{ "bad_xcr0", bad_xcr0 },
	{ "user_mode_is_unprivileged", user_mode_is_unprivileged },
};

TEST_SUITE(tests);
