// SPDX-License-Identifier: GPL-2.0
/* All state that can be set can be read again, and the guest has it. */
#include "vm.h"

GUEST(64, stop,
      "1: hlt\n"
      "jmp 1b\n");

static struct vcpu *long_vcpu(void)
{
	return guest(64, stop);
}

#define SAME(a, b) CHECK(!memcmp(&(a), &(b), sizeof(a)), #a " came back changed")

static void regs(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_regs set, get;
	unsigned int i;

	for (i = 0; i < 16; i++)
		(&set.rax)[i] = 0x1111111111111111ULL * (i % 7 + 1) + i;
	set.rip = GPA_CODE;
	set.rflags = 0x200ed7;		/* all that a program may have */
	set_regs(v, &set);
	get = get_regs(v);
	SAME(set, get);
	set.rflags = 0x246;
	set_regs(v, &set);
	RUN_TO(v, KVM_EXIT_HLT);
	get = get_regs(v);
	set.rip++;
	SAME(set, get);
}

/* Bit 1 of RFLAGS is always set, whatever was asked. */
static void rflags_fixed(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_regs r = get_regs(v);

	r.rflags = 0;
	set_regs(v, &r);
	EQ(get_regs(v).rflags, 2);
}

static void sregs(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_sregs set = get_sregs(v), get;

	set.fs.base = 0x123456789000;
	set.gs.base = 0xffff888000001000;
	set.ds.selector = 0x2b;
	set.ds.dpl = 3;
	set.ldt = (struct kvm_segment) {
		.base = 0x4000, .limit = 0xff, .selector = 0x50, .type = 2,
		.present = 1,
	};
	set.gdt.base = 0xffff800000001000;
	set.gdt.limit = 0x7f;
	set.idt.base = 0xffff800000002000;
	set.idt.limit = 0xfff;
	set.cr2 = 0xffff800012345678;
	set.cr8 = 7;
	set_sregs(v, &set);
	get = get_sregs(v);
	SAME(set, get);
	RUN_TO(v, KVM_EXIT_HLT);
	get = get_sregs(v);
	/* CR8 belongs to the shared page when no APIC is in the kernel. */
	get.cr8 = set.cr8;
	SAME(set, get);
}

/* Every kind of segment that protected mode can hold. */
static void segments(void)
{
	struct vcpu *v = vcpu_new(vm_new(), 0);
	struct kvm_sregs set, get;
	unsigned int type;

	load_guest(v->vm, GPA_CODE, stop);
	for (type = 0; type < 8; type++) {
		vcpu_prot(v);
		set = get_sregs(v);
		/* Accessed data segments, up and down, with all bits. */
		set.es.type = type | 1;
		set.es.limit = type & 1 ? 0xfffff : 0xfff;
		set.es.g = 0;
		set.es.db = type & 1;
		set.es.avl = 1;
		set.es.dpl = type & 3;
		set.es.base = 0x12345678;
		set.gs.unusable = 1;
		set.gs.present = 0;
		set.gs.selector = 0;
		set_sregs(v, &set);
		get = get_sregs(v);
		SAME(set.es, get.es);
		EQ(get.gs.unusable, 1);
		SAME(set.cs, get.cs);
		SAME(set.tr, get.tr);
		RUN_TO(v, KVM_EXIT_HLT);
		get = get_sregs(v);
		SAME(set.es, get.es);
		EQ(get.gs.unusable, 1);
	}
}

static void sregs2(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_sregs2 set, get;

	if (!kvm_cap(v->vm->fd, KVM_CAP_SREGS2))
		test_skip("no KVM_CAP_SREGS2");
	OK(ioctl(v->fd, KVM_GET_SREGS2, &set));
	EQ(set.flags, 0);
	EQ(set.cr3, GPA_PML4);
	set.cr2 = 0x12345000;
	set.fs.base = 0x7f0000001000;
	OK(ioctl(v->fd, KVM_SET_SREGS2, &set));
	OK(ioctl(v->fd, KVM_GET_SREGS2, &get));
	SAME(set, get);
	EQ(get_sregs(v).cr2, 0x12345000);
}

/* In PAE mode it carries the PDPTEs. */
static void sregs2_pdptrs(void)
{
	struct vcpu *v = vcpu_new(vm_new(), 0);
	struct kvm_sregs2 s;
	uint64_t *pdpt = (uint64_t *)(v->vm->mem + GPA_PDPT);
	int i;

	if (!kvm_cap(v->vm->fd, KVM_CAP_SREGS2))
		test_skip("no KVM_CAP_SREGS2");
	load_guest(v->vm, GPA_CODE, stop);
	vcpu_cpuid(v);
	vcpu_prot(v);
	OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	s.cr0 |= 0x80000000;
	s.cr4 |= 0x20;
	s.cr3 = GPA_PDPT;
	s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	for (i = 0; i < 4; i++)
		s.pdptrs[i] = (GPA_PD + i * 4096) | 1;
	/* Memory says something else: what was set counts. */
	memset(pdpt, 0, 32);
	OK(ioctl(v->fd, KVM_SET_SREGS2, &s));
	memset(&s, 0, sizeof(s));
	OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	EQ(s.flags, KVM_SREGS2_FLAGS_PDPTRS_VALID);
	EQ(s.pdptrs[1], (GPA_PD + 4096) | 1);
	if (host_is_amd())
		test_skip("with NPT the CPU reads the PDPTEs from memory");
	RUN_TO(v, KVM_EXIT_HLT);
}

/*
 * KVM sets registers that stay in their initial state as far as XSAVE knows,
 * and so loses them, unless the guest has used them before.
 */
GUEST(64, use_fpu,
      "fld1\n"
      "mov $1, %eax\n"
      "movd %eax, %xmm0\n"
      "1: hlt\n"
      "jmp 1b\n");

static struct vcpu *fpu_vcpu(void)
{
	struct vcpu *v = guest(64, use_fpu);

	if (!is_kvmlite())
		RUN_TO(v, KVM_EXIT_HLT);
	return v;
}

static void fpu(void)
{
	struct vcpu *v = fpu_vcpu();
	struct kvm_fpu set = { }, get;
	unsigned int i, k;

	for (i = 0; i < 16; i++) {
		for (k = 0; k < 16; k++)
			set.xmm[i][k] = i * 16 + k;
	}
	for (i = 0; i < 8; i++) {
		for (k = 0; k < 10; k++)
			set.fpr[i][k] = i * 10 + k + 1;
	}
	set.fcw = 0x37e;
	set.fsw = 0x1800;
	set.ftwx = 0xff;
	set.last_ip = 0x1234;
	set.last_dp = 0x5678;
	OK(ioctl(v->fd, KVM_SET_FPU, &set));
	OK(ioctl(v->fd, KVM_GET_FPU, &get));
	SAME(set.xmm, get.xmm);
	SAME(set.fpr, get.fpr);
	EQ(get.fcw, 0x37e);
	EQ(get.fsw, 0x1800);
	EQ(get.ftwx, 0xff);
	if (is_kvmlite())
		load_guest(v->vm, GPA_CODE, stop);
	RUN_TO(v, KVM_EXIT_HLT);
	OK(ioctl(v->fd, KVM_GET_FPU, &get));
	SAME(set.xmm, get.xmm);
	SAME(set.fpr, get.fpr);
}

/* The guest computes with it, the process with its own. */
GUEST(64, sse,
      "1: hlt\n"
      "movaps %xmm1, %xmm2\n"
      "paddd %xmm1, %xmm2\n"
      "movq %xmm2, 0xc000\n"
      "stmxcsr 0xc010\n"
      "hlt\n"
      "mov $0x77777777, %eax\n"
      "movd %eax, %xmm3\n"
      "movd %eax, %xmm1\n"
      "jmp 1b\n");

static void fpu_is_the_guests(void)
{
	struct vcpu *v = guest(64, sse);
	struct kvm_fpu f;
	int i;

	OK(ioctl(v->fd, KVM_GET_FPU, &f));
	EQ(f.fcw, 0x37f);
	/* Twice round, see above; then the registers are in use. */
	for (i = 0; i < 3; i++)
		RUN_TO(v, KVM_EXIT_HLT);
	OK(ioctl(v->fd, KVM_GET_FPU, &f));
	EQ(*(uint32_t *)f.xmm[3], 0x77777777);
	memset(f.xmm[1], 0x11, 16);
	OK(ioctl(v->fd, KVM_SET_FPU, &f));
	/* The process's own registers are in the guest's way here… */
	__asm__ volatile("pcmpeqd %%xmm1, %%xmm1\n\t"
			 "pcmpeqd %%xmm2, %%xmm2" : : : "xmm1", "xmm2");
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(*guest_data(v, uint64_t), 0x2222222222222222);
	EQ(guest_data(v, uint32_t)[4], 0x1f80);
}

/* …and the guest's in the way of the process. */
static void fpu_is_the_hosts(void)
{
	struct vcpu *v = guest(64, sse);
	uint64_t mine[2] = { 0x123456789abcdef, 0xfedcba987654321 }, after[2];
	int fd = v->fd;
	long r;
	int i;

	for (i = 0; i < 3; i++) {
		/* Nothing between the two but the system call. */
		__asm__ volatile("movups %2, %%xmm1\n\t"
				 "movups %2, %%xmm3\n\t"
				 "syscall\n\t"
				 "pcmpeqb %%xmm1, %%xmm3\n\t"
				 "movups %%xmm1, %1"
				 : "=a"(r), "=m"(after)
				 : "m"(mine), "0"(16L), "D"(fd), "S"(KVM_RUN),
				   "d"(0L)
				 : "rcx", "r11", "xmm1", "xmm3", "memory");
		EQ(r, 0);
		EQ(v->run->exit_reason, KVM_EXIT_HLT);
		EQ(after[0], mine[0]);
		EQ(after[1], mine[1]);
	}
}

static void xsave(void)
{
	struct vcpu *v = fpu_vcpu();
	struct kvm_xsave set, get;
	struct kvm_fpu f;

	OK(ioctl(v->fd, KVM_GET_FPU, &f));
	memset(f.xmm[5], 0x5a, 16);
	OK(ioctl(v->fd, KVM_SET_FPU, &f));
	memset(&set, 0xff, sizeof(set));
	OK(ioctl(v->fd, KVM_GET_XSAVE, &set));
	/* XMM5 is at 160 + 5 * 16. */
	EQ(set.region[60], 0x5a5a5a5a);
	set.region[60] = 0xa5a5a5a5;
	OK(ioctl(v->fd, KVM_SET_XSAVE, &set));
	OK(ioctl(v->fd, KVM_GET_XSAVE, &get));
	SAME(set, get);
	OK(ioctl(v->fd, KVM_GET_FPU, &f));
	EQ(*(uint32_t *)f.xmm[5], 0xa5a5a5a5);
	RUN_TO(v, KVM_EXIT_HLT);
	OK(ioctl(v->fd, KVM_GET_XSAVE, &get));
	EQ(get.region[60], 0xa5a5a5a5);
}

static void xsave2(void)
{
	struct vcpu *v = long_vcpu();
	int size = kvm_cap(v->vm->fd, KVM_CAP_XSAVE2);
	struct kvm_xsave *x;

	if (!size)
		test_skip("no KVM_CAP_XSAVE2");
	x = calloc(1, size);
	OK(ioctl(v->fd, KVM_GET_XSAVE2, x));
	OK(ioctl(v->fd, KVM_SET_XSAVE, x));
	RUN_TO(v, KVM_EXIT_HLT);
}

GUEST(64, read_xcr,
      "mov %cr4, %rax\n"
      "bts $18, %rax\n"
      "mov %rax, %cr4\n"
      "xor %ecx, %ecx\n"
      "xgetbv\n"
      "mov %eax, %esi\n"
      "1: hlt\n"
      "mov $3, %eax\n"
      "xor %edx, %edx\n"
      "xsetbv\n"
      "xgetbv\n"
      "hlt\n");

static void xcrs(void)
{
	struct vcpu *v = guest(64, read_xcr);
	struct kvm_xcrs x;

	if (!kvm_cap(v->vm->fd, KVM_CAP_XCRS))
		test_skip("no KVM_CAP_XCRS");
	OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	EQ(x.nr_xcrs, 1);
	x.xcrs[0].value = 7;
	if (ioctl(v->fd, KVM_SET_XCRS, &x))
		test_skip("the host has no AVX state");
	OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	EQ(x.xcrs[0].value, 7);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	EQ(get_regs(v).rsi, 7);
	if (host_is_tcg())	/* XSETBV does not exit: it would be the host's */
		return;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax, 3);
	OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	EQ(x.xcrs[0].value, 3);
}

/*
 * The upper halves of the YMM registers are a part of their own of the XSAVE
 * image: each side finds its own there, and its own alone.
 */
GUEST(64, avx,
      "mov %cr4, %rax\n"
      "bts $18, %rax\n"
      "mov %rax, %cr4\n"
      "1: hlt\n"
      "vmovdqu %ymm1, 0xc000\n"
      "vmovdqu 0xc040, %ymm1\n"
      "jmp 1b\n");

static void avx_is_each_sides(void)
{
	struct vcpu *v = guest(64, avx);
	struct kvm_xcrs x = { .nr_xcrs = 1, .xcrs[0].value = 7 };
	uint8_t mine[32], after[32], before[32] = { };
	int fd = v->fd;
	unsigned int i, k;
	long r;

	if (!__builtin_cpu_supports("avx"))
		test_skip("the host has no AVX");
	if (ioctl(v->fd, KVM_SET_XCRS, &x))
		test_skip("the guest has no AVX state");
	RUN_TO(v, KVM_EXIT_HLT);
	for (i = 0; i < 5; i++) {
		uint8_t *data = (uint8_t *)guest_data(v, uint8_t);

		for (k = 0; k < 32; k++) {
			mine[k] = 0x80 + i * 3 + k;
			data[64 + k] = i * 5 + k;
		}
		/* Nothing between the two but the system call. */
		__asm__ volatile("vmovdqu %2, %%ymm1\n\t"
				 "syscall\n\t"
				 "vmovdqu %%ymm1, %1\n\t"
				 "vzeroupper"
				 : "=a"(r), "=m"(after)
				 : "m"(mine), "0"(16L), "D"(fd), "S"(KVM_RUN),
				   "d"(0L)
				 : "rcx", "r11", "xmm1", "memory");
		EQ(r, 0);
		EQ(v->run->exit_reason, KVM_EXIT_HLT);
		SAME(after, mine);
		/* What the guest had left in its own before this run. */
		if (i)
			CHECK(!memcmp(data, before, 32), "the guest's YMM1");
		memcpy(before, data + 64, 32);
	}
}

static void events(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_vcpu_events set, get;

	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &set));
	set.exception.injected = 1;
	set.exception.nr = 13;
	set.exception.has_error_code = 1;
	set.exception.error_code = 0x40;
	set.nmi.masked = 1;
	set.nmi.pending = 1;
	set.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
		    KVM_VCPUEVENT_VALID_SHADOW;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &get));
	SAME(set.exception, get.exception);
	EQ(get.nmi.masked, 1);
	EQ(get.nmi.pending, 1);
	/* What is not marked valid stays. */
	set = get;
	set.exception.injected = 0;
	set.nmi.pending = 0;
	set.flags = 0;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &get));
	EQ(get.exception.injected, 0);
	EQ(get.nmi.pending, 1);
	memset(&set, 0, sizeof(set));
	set.interrupt.injected = 1;
	set.interrupt.nr = 0x77;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &get));
	EQ(get.interrupt.injected, 1);
	EQ(get.interrupt.nr, 0x77);
	EQ(get_sregs(v).interrupt_bitmap[1], 1ULL << (0x77 - 64));
}

static void shadow(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_vcpu_events e;
	struct kvm_regs r = get_regs(v);

	r.rflags |= 0x200;
	set_regs(v, &r);
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	e.flags = KVM_VCPUEVENT_VALID_SHADOW;
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	CHECK(e.interrupt.shadow, "the shadow is lost");
	RUN_TO(v, KVM_EXIT_HLT);
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	EQ(e.interrupt.shadow, 0);
}

GUEST(64, read_drs,
      "mov %dr0, %rax\n"
      "mov %dr3, %rbx\n"
      "mov %dr6, %rcx\n"
      "mov %dr7, %rdx\n"
      "mov $0x1234, %esi\n"
      "mov %rsi, %dr1\n"
      "mov $0x400, %esi\n"
      "mov %rsi, %dr7\n"
      "hlt\n");

static void debugregs(void)
{
	struct vcpu *v = guest(64, read_drs);
	struct kvm_debugregs set = { }, get;

	set.db[0] = 0x7f0000000000;
	set.db[3] = 0xffff800000003000;
	set.dr6 = 0xffff0ff1;
	set.dr7 = 0x402;
	OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &set));
	OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &get));
	SAME(set, get);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	EQ(get_regs(v).rax, 0x7f0000000000);
	EQ(get_regs(v).rbx, 0xffff800000003000);
	EQ(get_regs(v).rcx, 0xffff0ff1);
	EQ(get_regs(v).rdx, 0x402);
	OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &get));
	EQ(get.db[1], 0x1234);
	EQ(get.dr7, 0x400);
	EQ(get.db[0], 0x7f0000000000);
}

static void cpuid(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_cpuid2 *set, *get;
	int fd = kvm_open();
	size_t size = sizeof(*set) + 256 * sizeof(set->entries[0]);

	set = calloc(1, size);
	get = calloc(1, size);
	set->nent = 256;
	OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, set));
	OK(ioctl(v->fd, KVM_SET_CPUID2, set));
	get->nent = 256;
	OK(ioctl(v->fd, KVM_GET_CPUID2, get));
	if (is_kvmlite())
		EQ(get->nent, set->nent);
	EQ(get->entries[0].eax, set->entries[0].eax);
	EQ(get->entries[set->nent - 1].function,
	   set->entries[set->nent - 1].function);
}

/* A whole machine's state moved to another VM, in the order QEMU uses. */
static void moved_to_another_vm(void)
{
	struct vcpu *v = guest(64, sse), *w;
	struct vm *vm;
	struct kvm_regs r;
	struct kvm_sregs s;
	struct kvm_xsave x;
	struct kvm_xcrs c;
	struct kvm_vcpu_events e;
	struct kvm_debugregs d;
	struct kvm_mp_state m;
	struct kvm_fpu f;

	RUN_TO(v, KVM_EXIT_HLT);
	RUN_TO(v, KVM_EXIT_HLT);
	RUN_TO(v, KVM_EXIT_HLT);
	r = get_regs(v);
	s = get_sregs(v);
	OK(ioctl(v->fd, KVM_GET_XSAVE, &x));
	OK(ioctl(v->fd, KVM_GET_XCRS, &c));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	OK(ioctl(v->fd, KVM_GET_MP_STATE, &m));
	OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	vm = vm_new();
	w = vcpu_new(vm, 0);
	vcpu_cpuid(w);
	memcpy(vm->mem, v->vm->mem, VM_MEM);
	vcpu_free(v);
	set_sregs(w, &s);
	set_regs(w, &r);
	OK(ioctl(w->fd, KVM_SET_XSAVE, &x));
	OK(ioctl(w->fd, KVM_SET_XCRS, &c));
	OK(ioctl(w->fd, KVM_SET_VCPU_EVENTS, &e));
	OK(ioctl(w->fd, KVM_SET_MP_STATE, &m));
	OK(ioctl(w->fd, KVM_SET_DEBUGREGS, &d));
	RUN_TO(w, KVM_EXIT_HLT);
	OK(ioctl(w->fd, KVM_GET_FPU, &f));
	EQ(*(uint32_t *)f.xmm[3], 0x77777777);
	EQ(*(uint32_t *)f.xmm[2], 0xeeeeeeee);
}

/* KVM_CAP_SYNC_REGS: registers through the shared page. */
static void sync_regs(void)
{
	struct vcpu *v = long_vcpu();
	struct kvm_run *run = v->run;
	int valid = kvm_cap(v->vm->fd, KVM_CAP_SYNC_REGS);

	EQ(valid, KVM_SYNC_X86_VALID_FIELDS);
	run->kvm_valid_regs = 1 << 31;
	EQ(vcpu_run(v), -EINVAL);
	run->kvm_valid_regs = 0;
	run->kvm_dirty_regs = 1 << 31;
	EQ(vcpu_run(v), -EINVAL);
	run->kvm_dirty_regs = 0;
	run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(run->s.regs.regs.rip, GPA_CODE + 1);
	EQ(run->s.regs.sregs.cr3, GPA_PML4);
	run->s.regs.regs.rbx = 0xbabe;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rbx, 0xbabe);
	EQ(run->kvm_dirty_regs, 0);
}

static const struct test tests[] = {
	{ "regs", regs },
	{ "rflags_fixed", rflags_fixed },
	{ "sregs", sregs },
	{ "segments", segments },
	{ "sregs2", sregs2 },
	{ "sregs2_pdptrs", sregs2_pdptrs },
	{ "fpu", fpu },
	{ "fpu_is_the_guests", fpu_is_the_guests },
	{ "fpu_is_the_hosts", fpu_is_the_hosts },
	{ "avx_is_each_sides", avx_is_each_sides },
	{ "xsave", xsave },
	{ "xsave2", xsave2 },
	{ "xcrs", xcrs },
	{ "events", events },
	{ "shadow", shadow },
	{ "debugregs", debugregs },
	{ "cpuid", cpuid },
	{ "moved_to_another_vm", moved_to_another_vm },
	{ "sync_regs", sync_regs },
};

TEST_SUITE(tests);
