// SPDX-License-Identifier: GPL-2.0
/* CPUID: the guest sees what user space set, and what depends on its state. */
#include "vm.h"

GUEST(64, ask,
      "mov 0xc000, %eax\n"
      "mov 0xc004, %ecx\n"
      "cpuid\n"
      "mov %eax, 0xc010\n"
      "mov %ebx, 0xc014\n"
      "mov %ecx, 0xc018\n"
      "mov %edx, 0xc01c\n"
      "hlt\n");

static struct vcpu *with_entries(const struct kvm_cpuid_entry2 *e, unsigned int n)
{
	struct vcpu *v = guest(64, ask);
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + n * sizeof(*e));

	c->nent = n;
	memcpy(c->entries, e, n * sizeof(*e));
	OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	free(c);
	return v;
}

static void query(struct vcpu *v, uint32_t leaf, uint32_t index, uint32_t *out)
{
	struct kvm_regs regs = get_regs(v);

	guest_data(v, uint32_t)[0] = leaf;
	guest_data(v, uint32_t)[1] = index;
	regs.rip = GPA_CODE;
	regs.rax = -1;
	regs.rcx = -1;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	memcpy(out, (void *)(guest_data(v, uint32_t) + 4), 16);
}

static const struct kvm_cpuid_entry2 entries[] = {
	{ .function = 0, .eax = 7, .ebx = 0x11111111, .ecx = 2, .edx = 3 },
	{ .function = 1, .eax = 0x600, .edx = 0x201 },
	{ .function = 4, .index = 0, .flags = 1, .eax = 0x40 },
	{ .function = 4, .index = 1, .flags = 1, .eax = 0x41 },
	{ .function = 7, .index = 0, .flags = 1, .eax = 0, .ebx = 0 },
	{ .function = 0x40000000, .eax = 0x40000001, .ebx = 0x4b4d564b },
	{ .function = 0x80000000, .eax = 0x80000001 },
	{ .function = 0x80000001, .edx = 1 << 29 | 1 << 20 },
};

static void leaves(void)
{
	struct vcpu *v = with_entries(entries, ARRAY_SIZE(entries));
	uint32_t r[4];

	query(v, 0, 0, r);
	EQ(r[0], 7);
	EQ(r[1], 0x11111111);
	EQ(r[2], 2);
	EQ(r[3], 3);
	query(v, 1, 99, r);		/* the index has no meaning here */
	EQ(r[0], 0x600);
	EQ(r[3] & 1, 1);
	query(v, 4, 0, r);
	EQ(r[0], 0x40);
	query(v, 4, 1, r);
	EQ(r[0], 0x41);
	query(v, 4, 2, r);
	EQ(r[0], 0);
	query(v, 0x40000000, 0, r);
	EQ(r[1], 0x4b4d564b);
	query(v, 0x80000001, 0, r);
	EQ(r[3], 1 << 29 | 1 << 20);
	/* In a range that exists, a leaf that is not there is zero. */
	query(v, 3, 0, r);
	EQ(r[0] | r[1] | r[2] | r[3], 0);
}

/* RAX to RDX are cleared to 32 bits. */
GUEST(64, wide,
      "mov $-1, %rax\n"
      "mov $-1, %rbx\n"
      "mov $-1, %rcx\n"
      "mov $-1, %rdx\n"
      "xor %eax, %eax\n"
      "cpuid\n"
      "hlt\n");

static void upper_halves(void)
{
	struct vcpu *v = guest(64, wide);
	struct kvm_regs r;

	RUN_TO(v, KVM_EXIT_HLT);
	r = get_regs(v);
	EQ((r.rax | r.rbx | r.rcx | r.rdx) >> 32, 0);
}

/* Bits that mirror the guest's own state: OSXSAVE (SDM 2A, CPUID). */
GUEST(64, osxsave,
      "mov $1, %eax\n"
      "cpuid\n"
      "mov %ecx, 0xc000\n"
      "mov %cr4, %rax\n"
      "bts $18, %rax\n"
      "mov %rax, %cr4\n"
      "mov $1, %eax\n"
      "cpuid\n"
      "mov %ecx, 0xc004\n"
      "hlt\n");

static void dynamic_bits(void)
{
	struct vcpu *v = guest(64, osxsave);
	uint32_t r[2];

	if (!kvm_cap(v->vm->fd, KVM_CAP_XCRS))
		test_skip("the host has no XSAVE");
	RUN_TO(v, KVM_EXIT_HLT);
	if (guest_exc(v)->count)
		test_skip("the guest has no XSAVE");
	r[0] = guest_data(v, uint32_t)[0];
	r[1] = guest_data(v, uint32_t)[1];
	EQ(r[0] >> 27 & 1, 0);
	EQ(r[1] >> 27 & 1, 1);
}

/* What is offered holds together. */
static void supported_is_sane(void)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	uint32_t max = 0, max_ext = 0, edx1 = 0, ecx1 = 0, kvm_eax = 0, i;
	uint32_t ext_ecx = 0, cache = 0;
	int fd = kvm_open();

	c->nent = 256;
	OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, c));
	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 0)
			max = e->eax;
		if (e->function == 0x80000000)
			max_ext = e->eax;
		if (e->function == 1) {
			edx1 = e->edx;
			ecx1 = e->ecx;
		}
		if (e->function == 0x40000000)
			kvm_eax = e->eax;
		if (e->function == 0x80000001)
			ext_ecx = e->ecx;
		if (e->function == 0x8000001d && e->index == 0)
			cache = e->eax;
	}
	CHECK(max >= 1 && max < 0x100, "leaf 0 says 0x%x", max);
	CHECK(max_ext >= 0x80000008, "leaf 0x80000000 says 0x%x", max_ext);
	EQ(kvm_eax, 0x40000001);
	/* FPU, PSE, MSR, PAE, CX8, PGE, SSE2: no Linux runs without. */
	EQ(edx1 & 0x04002169, 0x04002169);
	/* VMX would be nesting. */
	if (is_kvmlite())
		EQ(ecx1 & (1 << 5), 0);
	/* x2APIC is the hypervisor's to give, whatever the host has. */
	EQ(ecx1 >> 21 & 1, 1);
	/* TOPOEXT promises a description of the caches. */
	if (ext_ecx & (1 << 22))
		CHECK(cache & 0x1f, "leaf 0x8000001d says 0x%x", cache);
}

static const struct test tests[] = {
	{ "leaves", leaves },
	{ "upper_halves", upper_halves },
	{ "dynamic_bits", dynamic_bits },
	{ "supported_is_sane", supported_is_sane },
};

TEST_SUITE(tests);
