// SPDX-License-Identifier: GPL-2.0
/* The modes of the CPU, and the ways between them. */
#include "vm.h"

/*
 * From reset's real mode through 32-bit protected mode, 32-bit paging and long
 * mode with 4 levels, and all the way back. Each stage says OUT.
 * The code is linked to run at GPA_CODE; far jumps name absolute addresses.
 */
GUEST(16, grand_tour,
      "cli\n"
      "mov $0x11, %al\n"
      "out %al, $0x10\n"
      "lgdtl 0xc100\n"
      "lidtl 0xc110\n"
      "mov %cr0, %eax\n"
      "or $1, %eax\n"
      "mov %eax, %cr0\n"
      "ljmpl $0x28, $0x10000 + 1f - grand_tour\n"
      ".code32\n"
      "1: mov $0x10, %eax\n"
      "mov %eax, %ds\n"
      "mov %eax, %es\n"
      "mov %eax, %ss\n"
      "mov $0x80000, %esp\n"
      "mov $0x22, %al\n"
      "out %al, $0x10\n"
      /* 32-bit paging with 4M pages */
      "mov %cr4, %eax\n"
      "or $0x10, %eax\n"
      "mov %eax, %cr4\n"
      "mov $0x9000, %eax\n"
      "mov %eax, %cr3\n"
      "mov %cr0, %eax\n"
      "or $0x80000000, %eax\n"
      "mov %eax, %cr0\n"
      "push %eax\n"
      "pop %eax\n"
      "mov $0x33, %al\n"
      "out %al, $0x10\n"
      /* off again, and long mode on */
      "mov %cr0, %eax\n"
      "and $0x7fffffff, %eax\n"
      "mov %eax, %cr0\n"
      "mov %cr4, %eax\n"
      "or $0x20, %eax\n"
      "mov %eax, %cr4\n"
      "mov $0x3000, %eax\n"
      "mov %eax, %cr3\n"
      "mov $0xc0000080, %ecx\n"
      "rdmsr\n"
      "or $0x100, %eax\n"
      "wrmsr\n"
      "mov %cr0, %eax\n"
      "or $0x80000000, %eax\n"
      "mov %eax, %cr0\n"
      "mov $0x44, %al\n"		/* compatibility mode */
      "out %al, $0x10\n"
      "ljmp $0x08, $0x10000 + 2f - grand_tour\n"
      ".code64\n"
      "2: movabs $0x123456789a, %rax\n"
      "shr $32, %rax\n"
      "add $0x43, %eax\n"
      "out %al, $0x10\n"		/* 0x55 */
      /* back: compatibility mode, paging off, real mode */
      "mov $0x80000, %esp\n"
      "pushq $0x28\n"
      "pushq $0x10000 + 3f - grand_tour\n"
      "lretq\n"
      ".code32\n"
      "3: mov %cr0, %eax\n"
      "and $0x7fffffff, %eax\n"
      "mov %eax, %cr0\n"
      "mov $0xc0000080, %ecx\n"
      "rdmsr\n"
      "and $~0x100, %eax\n"
      "wrmsr\n"
      "mov $0x66, %al\n"
      "out %al, $0x10\n"
      "ljmp $0x30, $4f - grand_tour\n"
      ".code16\n"
      "4: mov $0x38, %ax\n"
      "mov %ax, %ds\n"
      "mov %ax, %es\n"
      "mov %ax, %ss\n"
      "mov %cr0, %eax\n"
      "and $~1, %eax\n"
      "mov %eax, %cr0\n"
      "ljmp $0x1000, $5f - grand_tour\n"
      "5: xor %ax, %ax\n"
      "mov %ax, %ds\n"
      "mov %ax, %ss\n"
      "mov $0xfff0, %sp\n"
      "mov $0x77, %al\n"
      "out %al, $0x10\n"
      "movw $0x1234, 0xc000\n"
      "hlt\n");

struct pseudo {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

static void tour(void)
{
	struct vcpu *v = guest(16, grand_tour);
	uint64_t *gdt = (uint64_t *)(v->vm->mem + GPA_GDT);
	struct kvm_sregs s;

	*(struct pseudo *)(v->vm->mem + 0xc100) =
		(struct pseudo) { 0x3f, GPA_GDT };
	*(struct pseudo *)(v->vm->mem + 0xc110) =
		(struct pseudo) { 0x3ff, 0 };
	gdt[6] = 0x00009b010000ffffULL;	/* 16-bit code at 0x10000 */
	gdt[7] = 0x000093000000ffffULL;	/* 16-bit data */
	vcpu_cpuid(v);
	RUN_TO_OUT(v, 0x10, 0x11);
	EQ(get_sregs(v).cr0 & 0x80000001, 0);
	RUN_TO_OUT(v, 0x10, 0x22);
	s = get_sregs(v);
	EQ(s.cr0 & 0x80000001, 1);
	EQ(s.gdt.base, GPA_GDT);
	EQ(s.gdt.limit, 0x3f);
	EQ(s.cs.selector, 0x28);
	EQ(s.cs.db, 1);
	EQ(s.cs.base, 0);
	EQ(s.cs.limit, 0xffffffff);
	RUN_TO_OUT(v, 0x10, 0x33);
	s = get_sregs(v);
	EQ(s.cr0 & 0x80000001, 0x80000001);
	EQ(s.cr4 & 0x30, 0x10);
	EQ(s.cr3, GPA_PD32);
	EQ(s.efer & 0x500, 0);
	RUN_TO_OUT(v, 0x10, 0x44);
	s = get_sregs(v);
	EQ(s.efer & 0x500, 0x500);
	EQ(s.cs.l, 0);
	RUN_TO_OUT(v, 0x10, 0x55);
	s = get_sregs(v);
	EQ(s.cs.l, 1);
	EQ(s.cs.db, 0);
	RUN_TO_OUT(v, 0x10, 0x66);
	s = get_sregs(v);
	EQ(s.efer & 0x500, 0);
	EQ(s.cr0 & 0x80000001, 1);
	RUN_TO_OUT(v, 0x10, 0x77);
	s = get_sregs(v);
	EQ(s.cr0 & 0x80000001, 0);
	EQ(s.cs.base, 0x10000);
	EQ(s.cs.selector, 0x1000);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_data(v, uint16_t)[0], 0x1234);
}

/*
 * LME without PAE means nothing until PG is set, which faults then, and the empty IDT
 * makes of that a shutdown. Leaving such a guest must leave the host as it was: an
 * emulated CPU is known to lose the host's CR0 there.
 */
GUEST(32, lme_alone,
      "lidtl 0xc110\n"
      "mov %cr4, %eax\n"
      "and $~0x20, %eax\n"
      "mov %eax, %cr4\n"
      "mov $0xc0000080, %ecx\n"
      "rdmsr\n"
      "or $0x100, %eax\n"
      "wrmsr\n"
      "mov $0x11, %al\n"
      "out %al, $0x10\n"
      "rdmsr\n"
      "out %eax, $0x10\n"
      "mov %cr0, %eax\n"
      "or $0x80000000, %eax\n"
      "mov %eax, %cr0\n"
      "mov $0x22, %al\n"
      "out %al, $0x10\n");

static void lme_without_pae(void)
{
	struct vcpu *v = guest(32, lme_alone);

	vcpu_cpuid(v);
	RUN_TO_OUT(v, 0x10, 0x11);
	EQ(get_sregs(v).efer & 0x500, 0x100);
	EQ(get_sregs(v).cr4 & 0x20, 0);
	RUN_TO(v, KVM_EXIT_IO);
	EQ(get_regs(v).rax & 0x500, 0x100);
	RUN_TO(v, KVM_EXIT_SHUTDOWN);
}

/* What the architecture says a CPU looks like after reset (SDM 3, 10.1.1). */
static void reset_state(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs r = get_regs(v);

	EQ(r.rip, 0xfff0);
	EQ(r.rflags, 2);
	EQ(s.cs.selector, 0xf000);
	EQ(s.cs.base, 0xffff0000);
	EQ(s.cs.limit, 0xffff);
	EQ(s.ds.base, 0);
	EQ(s.ds.limit, 0xffff);
	EQ(s.cr0, 0x60000010);
	EQ(s.cr2, 0);
	EQ(s.cr3, 0);
	EQ(s.cr4, 0);
	EQ(s.efer, 0);
	EQ(s.gdt.base, 0);
	EQ(s.gdt.limit, 0xffff);
	EQ(s.idt.limit, 0xffff);
	EQ(s.cr8, 0);
	EQ(s.tr.limit, 0xffff);
	EQ(s.apic_base, 0xfee00900);
}

/* The reset vector is where the first instruction comes from. */
GUEST(16, at_reset,
      "ljmp $0xf000, $0xff00\n");

GUEST(16, below_reset,
      "mov $0x99, %al\n"
      "out %al, $0x10\n"
      "hlt\n");

static void reset_vector(void)
{
	struct vm *vm = vm_bare();
	uint8_t *rom = mem_alloc(0x10000);
	struct vcpu *v;

	OK(vm_slot(vm, 0, 0, 0xffff0000, 0x10000, rom));
	OK(vm_slot(vm, 1, 0, 0xf0000, 0x10000, rom));
	memcpy(rom + 0xfff0, at_reset, at_reset_end - at_reset);
	memcpy(rom + 0xff00, below_reset, below_reset_end - below_reset);
	v = vcpu_new(vm, 0);
	RUN_TO_OUT(v, 0x10, 0x99);
	EQ(get_sregs(v).cs.base, 0xf0000);
	RUN_TO(v, KVM_EXIT_HLT);
}

/*
 * "Big real mode": a data segment keeps its 4 GiB limit when protected mode
 * is left. Firmware lives on it.
 */
GUEST(16, unreal,
      "cli\n"
      "lgdtl 0xc100\n"
      "mov %cr0, %eax\n"
      "or $1, %al\n"
      "mov %eax, %cr0\n"
      "jmp 1f\n"
      "1: mov $0x10, %bx\n"
      "mov %bx, %ds\n"
      "and $0xfe, %al\n"
      "mov %eax, %cr0\n"
      "jmp 2f\n"
      "2: mov $0x150000, %ebx\n"
      "addr32 movl $0x12345678, (%ebx)\n"
      "addr32 mov (%ebx), %eax\n"
      "hlt\n");

static void big_real_mode(void)
{
	struct vcpu *v = guest(16, unreal);

	*(struct pseudo *)(v->vm->mem + 0xc100) =
		(struct pseudo) { 0x3f, GPA_GDT };
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax, 0x12345678);
	EQ(*(uint32_t *)(v->vm->mem + 0x150000), 0x12345678);
	EQ(get_sregs(v).ds.limit, 0xffffffff);
}

/* The CPU writes accessed and dirty bits into the guest's own tables. */
GUEST(64, accessed_dirty,
      "mov $0x200000, %eax\n"		/* second large page: RAM of ours */
      "mov (%rax), %ecx\n"
      "mov 0x5008, %rdx\n"
      "movb $1, (%rax)\n"
      "mov 0x5008, %rsi\n"
      "hlt\n");

static void guest_accessed_dirty(void)
{
	struct vm *vm = vm_new_size(0x400000);
	struct vcpu *v = vcpu_new(vm, 0);

	load_guest(vm, GPA_CODE, accessed_dirty);
	vcpu_long(v);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rdx & 0x60, 0x20);
	EQ(get_regs(v).rsi & 0x60, 0x60);
}

/* A changed page-table entry is seen after INVLPG, and after MOV to CR3. */
GUEST(64, tlb,
      "mov $0x1000000, %ebx\n"		/* virtual 16 MiB */
      "movq $0x87, 0x5040\n"		/* is physical 0 */
      "mov 0x100000(%rbx), %rax\n"
      "movq $0x200087, 0x5040\n"	/* is physical 2 MiB */
      "invlpg (%rbx)\n"
      "mov 0x100000(%rbx), %rcx\n"
      "movq $0x87, 0x5040\n"
      "mov %cr3, %rdx\n"
      "mov %rdx, %cr3\n"
      "mov 0x100000(%rbx), %rdx\n"
      "movq $0x200087, 0x5040\n"
      "mov %cr4, %rsi\n"		/* toggling PGE flushes all of it */
      "xor $0x80, %rsi\n"
      "mov %rsi, %cr4\n"
      "mov 0x100000(%rbx), %rsi\n"
      "hlt\n");

static void guest_tlb(void)
{
	struct vm *vm = vm_new_size(0x400000);
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_regs regs;

	load_guest(vm, GPA_CODE, tlb);
	vcpu_long(v);
	*(uint64_t *)(vm->mem + 0x100000) = 0x1111;
	*(uint64_t *)(vm->mem + 0x300000) = 0x2222;
	RUN_TO(v, KVM_EXIT_HLT);
	regs = get_regs(v);
	EQ(regs.rax, 0x1111);
	EQ(regs.rcx, 0x2222);
	EQ(regs.rdx, 0x1111);
	EQ(regs.rsi, 0x2222);
}

/* Bits of CR0 and CR4 that the hypervisor owns look to the guest as set. */
GUEST(64, control,
      "mov %cr0, %rax\n"
      "or $8, %rax\n"			/* TS */
      "mov %rax, %cr0\n"
      "mov %cr0, %rbx\n"
      "clts\n"
      "mov %cr0, %rcx\n"
      "smsw %edx\n"
      "mov $0x40000000, %esi\n"		/* CD: caches off, as Linux does */
      "mov %cr0, %rdi\n"
      "or %rdi, %rsi\n"
      "mov %rsi, %cr0\n"
      "mov %cr0, %rsi\n"
      "mov %rdi, %cr0\n"
      "mov %cr4, %r8\n"
      "mov %r8, %r9\n"
      "or $0x84, %r9\n"			/* TSD, PGE */
      "mov %r9, %cr4\n"
      "mov %cr4, %r9\n"
      "mov %cr0, %rdi\n"
      "lmsw %di\n"
      "hlt\n");

static void control_registers(void)
{
	struct vcpu *v = guest(64, control);
	struct kvm_regs r;

	RUN_TO(v, KVM_EXIT_HLT);
	r = get_regs(v);
	EQ(guest_exc(v)->count, 0);
	EQ(r.rbx, 0x8001003b);
	EQ(r.rcx, 0x80010033);
	EQ(r.rdx & 0xffff, 0x33);
	EQ(r.rsi, 0xc0010033);
	EQ(r.r8, 0x620);
	EQ(r.r9, 0x6a4);
	EQ(get_sregs(v).cr0, 0x80010033);
	EQ(get_sregs(v).cr4, 0x6a4);
}

/* PAE paging loads four PDPTEs into the CPU itself. */
GUEST(32, pae,
      "mov %cr4, %eax\n"
      "or $0x20, %eax\n"
      "mov %eax, %cr4\n"
      "mov $0x4000, %eax\n"		/* the lib's PDPT, entries fit for PAE */
      "mov %eax, %cr3\n"
      "mov %cr0, %eax\n"
      "or $0x80000000, %eax\n"
      "mov %eax, %cr0\n"
      "mov $0xc000, %ebx\n"
      "movl $0x4444, (%ebx)\n"
      "mov $0x55, %al\n"
      "out %al, $0x10\n"
      "mov (%ebx), %ecx\n"
      "hlt\n");

static void pae_paging(void)
{
	struct vcpu *v = guest(32, pae);
	uint64_t *pdpt = (uint64_t *)(v->vm->mem + GPA_PDPT);
	int i;

	vcpu_cpuid(v);
	for (i = 0; i < 4; i++)		/* writable and user are reserved here */
		pdpt[i] &= ~6ULL;
	RUN_TO_OUT(v, 0x10, 0x55);
	EQ(get_sregs(v).cr3, GPA_PDPT);
	EQ(get_sregs(v).cr4 & 0x20, 0x20);
	/* Across a get and set of the state it still works. */
	{
		struct kvm_sregs s = get_sregs(v);

		set_sregs(v, &s);
	}
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rcx, 0x4444);
}

static const struct test tests[] = {
	{ "reset_state", reset_state },
	{ "reset_vector", reset_vector },
	{ "tour", tour },
	{ "lme_without_pae", lme_without_pae },
	{ "big_real_mode", big_real_mode },
	{ "pae_paging", pae_paging },
	{ "guest_accessed_dirty", guest_accessed_dirty },
	{ "guest_tlb", guest_tlb },
	{ "control_registers", control_registers },
};

TEST_SUITE(tests);
