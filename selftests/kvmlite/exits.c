// SPDX-License-Identifier: GPL-2.0
/* Exits that are neither port nor memory I/O. */
#include "vm.h"

GUEST(16, hlt_twice,
      "hlt\n"
      "inc %ax\n"
      "hlt\n");

/*
 * An IDT of one byte (GPA_DATA is all zero): neither the exception nor the
 * double fault that follows can be delivered.
 */
GUEST(32, triple,
      "lidt 0xc000\n"
      "ud2\n"
      "hlt\n");

GUEST(64, hypercall_intel,
      "mov $0x12345, %eax\n"
      "vmcall\n"
      "mov %rax, 0xc000\n"
      "hlt\n");

GUEST(64, hypercall_amd,
      "mov $0x12345, %eax\n"
      "vmmcall\n"
      "mov %rax, 0xc000\n"
      "hlt\n");

GUEST(64, cr8,
      "mov $5, %eax\n"
      "mov %rax, %cr8\n"
      "xor %eax, %eax\n"
      "mov %cr8, %rax\n"
      "mov %rax, 0xc000\n"
      "out %al, $0x10\n"
      "mov %cr8, %rax\n"
      "mov %rax, 0xc008\n"
      "hlt\n");

GUEST(64, cr8_bad,
      "lea 1f(%rip), %r15\n"
      "mov $0x10, %eax\n"
      "mov %rax, %cr8\n"
      "1: hlt\n");

GUEST(64, caches,
      "wbinvd\n"
      "mov $0x10000, %eax\n"
      "invlpg (%rax)\n"
      "clts\n"
      "pause\n"
      "hlt\n");

/* An instruction in memory that no slot backs. */
GUEST(64, jump_to_nowhere,
      "mov $0xd0000000, %eax\n"
      "jmp *%rax\n");

GUEST(64, virtualization,
      "lea 1f(%rip), %r15\n"
      "mov $0x3000, %eax\n"
      "vmsave\n"
      "1: mov 0xb000, %ecx\n"
      "lea 2f(%rip), %r15\n"
      "vmxoff\n"
      "2: mov 0xb000, %edx\n"
      "hlt\n");

static void hlt_resumes(void)
{
	struct vcpu *v = guest(16, hlt_twice);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rip, 1);
	EQ(get_regs(v).rax, 0);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rip, 3);
	EQ(get_regs(v).rax, 1);
}

static void triple_fault(void)
{
	struct vcpu *v = guest(32, triple);

	RUN_TO(v, KVM_EXIT_SHUTDOWN);
}

/* After SHUTDOWN the state can be set anew, and the vCPU runs. */
static void runs_after_shutdown(void)
{
	struct vcpu *v = guest(32, triple);

	RUN_TO(v, KVM_EXIT_SHUTDOWN);
	load_guest(v->vm, GPA_CODE, hlt_twice);
	vcpu_prot(v);
	RUN_TO(v, KVM_EXIT_HLT);
}

/* An unknown hypercall is answered with -KVM_ENOSYS, which is -1000. */
static void hypercall_enosys(void)
{
	struct vcpu *v = host_is_amd() ? guest(64, hypercall_amd) :
					 guest(64, hypercall_intel);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(*guest_data(v, int64_t), -1000);
}

/* From user mode it is refused: -KVM_EPERM, whatever its number. */
GUEST(64, hypercall_cpl3,
      "push $0x13\n"
      "push $0x70000\n"
      "push $2\n"
      "push $0x2b\n"
      "lea 1f(%rip), %rax\n"
      "push %rax\n"
      "iretq\n"
      "1: mov $0x12345, %eax\n"
      "2: nop\nnop\nnop\n"
      "mov %rax, 0xc000\n"
      "hlt\n");

static void hypercall_from_user(void)
{
	struct vcpu *v = guest(64, hypercall_cpl3);
	uint64_t *gdt = (uint64_t *)(v->vm->mem + GPA_GDT);
	uint8_t *nop = v->vm->mem + GPA_CODE;

	while (memcmp(nop, "\x90\x90\x90", 3))
		nop++;
	memcpy(nop, host_is_amd() ? "\x0f\x01\xd9" : "\x0f\x01\xc1", 3);
	/* User data at 0x10, user code at 0x28; HLT there is #GP: HLT here. */
	v->vm->mem[GPA_FREE] = 0xf4;
	idt_gate(v->vm, 13, GPA_FREE);
	gdt[SEL_DATA / 8] |= 3ULL << 45;
	gdt[SEL_CODE32 / 8] = 0x00affb000000ffffULL;
	*(uint64_t *)(v->vm->mem + GPA_TSS + 4) = GPA_STACK;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_sregs(v).cs.selector & 3, 0);
	EQ(*guest_data(v, int64_t), -1);
}

static void cr8_is_tpr(void)
{
	struct vcpu *v = guest(64, cr8);

	RUN_TO_OUT(v, 0x10, 5);
	EQ(v->run->cr8, 5);
	EQ(get_sregs(v).cr8, 5);
	/* Without an APIC in the kernel user space owns it. */
	v->run->cr8 = 9;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_data(v, uint64_t)[0], 5);
	EQ(guest_data(v, uint64_t)[1], 9);
	EQ(v->run->cr8, 9);
}

static void cr8_reserved_bits(void)
{
	struct vcpu *v = guest(64, cr8_bad);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->vector, 13);
	EQ(v->run->cr8, 0);
}

static void privileged_instructions(void)
{
	struct vcpu *v = guest(64, caches);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	EQ(get_sregs(v).cr0 & 8, 0);
}

/* Code outside of every slot cannot be emulated: never a guess. */
static void fetch_from_mmio(void)
{
	struct vcpu *v = guest(64, jump_to_nowhere);

	RUN_TO(v, KVM_EXIT_INTERNAL_ERROR);
	EQ(v->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
}

/* A guest that was not offered VMX or SVM finds neither. */
static void no_nesting(void)
{
	struct vcpu *v = guest(64, virtualization);
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 4 * sizeof(c->entries[0]));

	c->nent = 3;
	c->entries[0] = (struct kvm_cpuid_entry2) { .function = 0, .eax = 1 };
	c->entries[1] = (struct kvm_cpuid_entry2) { .function = 1 };
	c->entries[2] = (struct kvm_cpuid_entry2) {
		.function = 0x80000001, .edx = 1 << 29,
	};
	OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rcx, 1);
	EQ(get_regs(v).rdx, 2);
	EQ(guest_exc(v)->vector, 6);
}

/* With interrupts off nothing is open: the shared page says so. */
static void run_page(void)
{
	struct vcpu *v = guest(16, hlt_twice);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(v->run->if_flag, 0);
	EQ(v->run->ready_for_interrupt_injection, 0);
	EQ(v->run->cr8, 0);
	EQ(v->run->apic_base, get_sregs(v).apic_base);
	EQ(v->run->apic_base & ~0x800ULL, 0xfee00100);
}

/*
 * A state that VT-x refuses (outside 64-bit mode RIP has 32 bits) and KVM's calls
 * take. Before the first entry, so that it is not the VMCS' last.
 */
static void refused_entry(void)
{
	struct vcpu *v = guest(16, hlt_twice);
	struct kvm_regs good = get_regs(v), bad = good;

	if (host_is_amd())
		test_skip("SVM ignores the upper half of RIP");
	bad.rip |= 1ULL << 38;
	set_regs(v, &bad);
	RUN_TO(v, KVM_EXIT_FAIL_ENTRY);
	EQ(v->run->fail_entry.hardware_entry_failure_reason, 0x80000021);
	RUN_TO(v, KVM_EXIT_FAIL_ENTRY);
	EQ(v->run->fail_entry.hardware_entry_failure_reason, 0x80000021);
	set_regs(v, &good);
	RUN_TO(v, KVM_EXIT_HLT);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax & 0xffff, (good.rax + 1) & 0xffff);
}

static const struct test tests[] = {
	{ "hlt_resumes", hlt_resumes },
	{ "triple_fault", triple_fault },
	{ "runs_after_shutdown", runs_after_shutdown },
	{ "hypercall_enosys", hypercall_enosys },
	{ "hypercall_from_user", hypercall_from_user },
	{ "cr8_is_tpr", cr8_is_tpr },
	{ "cr8_reserved_bits", cr8_reserved_bits },
	{ "privileged_instructions", privileged_instructions },
	{ "fetch_from_mmio", fetch_from_mmio },
	{ "no_nesting", no_nesting },
	{ "run_page", run_page },
	{ "refused_entry", refused_entry },
};

TEST_SUITE(tests);
