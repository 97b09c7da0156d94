// SPDX-License-Identifier: GPL-2.0
/* MSRs: lists, round trips, what a guest may read, exits to user space. */
#include "vm.h"

struct msr_list {
	struct kvm_msr_list head;
	uint32_t indices[1024];
};

static struct msr_list list;

static void get_list(void)
{
	int fd = kvm_open();

	list.head.nmsrs = 1024;
	OK(ioctl(fd, KVM_GET_MSR_INDEX_LIST, &list));
	close(fd);
}

static bool listed(uint32_t index)
{
	uint32_t i;

	for (i = 0; i < list.head.nmsrs; i++) {
		if (list.indices[i] == index)
			return true;
	}
	return false;
}

GUEST(64, nothing, "hlt\n");

/* Listed, but not to be set without an irqchip: kvm-amd and 6.1 only. */
static bool kvm_refuses(uint32_t msr)
{
	return !is_kvmlite() && msr == 0x4b564d06;
}

/* QEMU asserts it: what the list names can be read, and set to what it is. */
static void round_trip(void)
{
	struct vcpu *v = guest(64, nothing);
	uint64_t value, again;
	uint32_t i, msr;

	get_list();
	for (i = 0; i < list.head.nmsrs; i++) {
		msr = list.indices[i];
		if (get_msr(v, msr, &value) != 1) {
			CHECK(!is_kvmlite(), "MSR 0x%x cannot be read", msr);
			continue;
		}
		CHECK(set_msr(v, msr, value) == 1 || kvm_refuses(msr),
		      "MSR 0x%x cannot be set to its 0x%lx", msr, value);
		CHECK(get_msr(v, msr, &again) == 1, "MSR 0x%x, again", msr);
		/* The clocks go on. */
		if (msr != 0x10 && msr != 0x40000020)
			CHECK(again == value, "MSR 0x%x was 0x%lx, is 0x%lx",
			      msr, value, again);
	}
	RUN_TO(v, KVM_EXIT_HLT);
	diag("%u MSRs", list.head.nmsrs);
}

/* All of them in one call, as a VMM saves and restores them. */
static void in_one_call(void)
{
	struct vcpu *v = guest(64, nothing);
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[255];
	} *m = calloc(1, sizeof(*m));
	uint32_t i, n;

	get_list();
	for (i = n = 0; i < list.head.nmsrs && n < 255; i++) {
		if (!kvm_refuses(list.indices[i]))
			m->e[n++].index = list.indices[i];
	}
	m->head.nmsrs = n;
	i = OK(ioctl(v->fd, KVM_GET_MSRS, m));
	CHECK(!is_kvmlite() || i == m->head.nmsrs, "GET ends at MSR 0x%x",
	      m->e[i].index);
	m->head.nmsrs = i;
	i = OK(ioctl(v->fd, KVM_SET_MSRS, m));
	CHECK(i == m->head.nmsrs, "SET ends at MSR 0x%x", m->e[i].index);
}

static void values(void)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} cases[] = {
		{ 0x174, 0x10 },
		{ 0x175, 0x81234000 },
		{ 0x176, 0x81235000 },
		{ 0xc0000081, 0x0023001000000000 },
		{ 0xc0000082, 0xffffffff81000000 },
		{ 0xc0000083, 0xffffffff81001000 },
		{ 0xc0000084, 0x47700 },
		{ 0xc0000100, 0x7f1234567000 },
		{ 0xc0000101, 0xffff888012345000 },
		{ 0xc0000102, 0x7f7654321000 },
		{ 0x277, 0x0007040600070406 },
		{ 0x2ff, 0xc06 },
		{ 0x250, 0x0606060606060606 },
		{ 0x200, 0x80000006 },
		{ 0x1a0, 1 },
	};
	struct vcpu *v = guest(64, nothing);
	uint64_t value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(set_msr(v, cases[i].msr, cases[i].value) == 1,
		      "MSR 0x%x cannot be set", cases[i].msr);
		CHECK(get_msr(v, cases[i].msr, &value) == 1 &&
		      value == cases[i].value, "MSR 0x%x is 0x%lx, not 0x%lx",
		      cases[i].msr, value, cases[i].value);
	}
	RUN_TO(v, KVM_EXIT_HLT);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(get_msr(v, cases[i].msr, &value) == 1 &&
		      value == cases[i].value, "MSR 0x%x is 0x%lx after a run",
		      cases[i].msr, value);
	}
}

static void invalid_values(void)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} cases[] = {
		{ 0xc0000082, 0x8000000000000000 },	/* not canonical */
		{ 0xc0000101, 0x8000000000000000 },
		{ 0x277, 0x02 },		/* no such memory type */
		{ 0x2ff, 0x02 },
		{ 0xc0000080, 0x2 },		/* EFER, reserved */
		{ 0x1b, 1ULL << 62 },		/* APIC base */
	};
	struct vcpu *v = guest(64, nothing);
	uint64_t before, after;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EQ(get_msr(v, cases[i].msr, &before), 1);
		CHECK(set_msr(v, cases[i].msr, cases[i].value) == 0,
		      "MSR 0x%x took 0x%lx", cases[i].msr, cases[i].value);
		EQ(get_msr(v, cases[i].msr, &after), 1);
		EQ(before, after);
	}
}

/* The guest has what user space set, and the other way round. */
GUEST(64, exchange,
      "mov $0xc0000082, %ecx\n"
      "rdmsr\n"
      "mov %eax, 0xc000\n"
      "mov %edx, 0xc004\n"
      "mov $0x174, %ecx\n"
      "rdmsr\n"
      "mov %eax, 0xc008\n"
      "mov $0xc0000102, %ecx\n"
      "mov $0x11223000, %eax\n"
      "mov $0x7f00, %edx\n"
      "wrmsr\n"
      "mov $0xc0000081, %ecx\n"
      "xor %eax, %eax\n"
      "mov $0x230008, %edx\n"
      "wrmsr\n"
      "swapgs\n"
      "mov $0xc0000101, %ecx\n"
      "rdmsr\n"
      "mov %eax, 0xc010\n"
      "hlt\n");

static void shared_with_guest(void)
{
	struct vcpu *v = guest(64, exchange);
	uint64_t value;

	EQ(set_msr(v, 0xc0000082, 0xffffffff81000000), 1);
	EQ(set_msr(v, 0x174, 0x33), 1);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	EQ(guest_data(v, uint64_t)[0], 0xffffffff81000000);
	EQ(guest_data(v, uint32_t)[2], 0x33);
	EQ(guest_data(v, uint32_t)[4], 0x11223000);
	EQ(get_msr(v, 0xc0000081, &value), 1);
	EQ(value, 0x0023000800000000);
	EQ(get_msr(v, 0xc0000101, &value), 1);
	EQ(value, 0x7f0011223000);
	EQ(get_sregs(v).gs.base, 0x7f0011223000);
	EQ(get_msr(v, 0xc0000102, &value), 1);
	EQ(value, 0);
}

/*
 * The guest reads MSRs EBX…EBP and writes down those that answer: their number
 * at GPA_FREE, then themselves. #GP goes to label 2.
 */
GUEST(64, read_range,
      "lea 2f(%rip), %r15\n"
      "mov $0x100000, %edi\n"
      "mov (%rdi), %esi\n"
      "1: mov %ebx, %ecx\n"
      "rdmsr\n"
      "inc %esi\n"
      "mov %ebx, (%rdi,%rsi,4)\n"
      "2: inc %ebx\n"
      "cmp %ebp, %ebx\n"
      "jb 1b\n"
      "mov %esi, (%rdi)\n"
      "hlt\n");

/*
 * MSRs that a CPU has whatever its features are, and that the list need not
 * name: they hold no state of the guest, or user space has them elsewhere.
 */
static bool architectural(uint32_t msr)
{
	switch (msr) {
	case 0x0: case 0x1:		/* machine check address, type */
	case 0x17:			/* platform id */
	case 0x1b:			/* APIC base */
	case 0x2a: case 0x2c:		/* power-on, frequency */
	case 0x3a:			/* IA32_FEATURE_CONTROL, locked */
	case 0x8b:			/* microcode revision */
	case 0xcd: case 0xce:		/* bus speed, platform info */
	case 0xfe:			/* MTRR capabilities */
	case 0x119:			/* BBL_CR_CTL */
	case 0x140:			/* MISC_FEATURES_ENABLES */
	case 0x179: case 0x17a: case 0x17b:	/* machine check */
	case 0x186: case 0x187:		/* event selects, read as 0 */
	case 0x198:			/* PERF_STATUS */
	case 0x19a: case 0x19b: case 0x19c:
	case 0x1a6: case 0x1a7:
	case 0x1d9: case 0x1db: case 0x1dc: case 0x1dd: case 0x1de:
	case 0x10a: case 0x122:
	case 0x345: case 0x38d: case 0x38e: case 0x38f: case 0x390:
	case 0x3f1:
	case 0x600:
	case 0xc0000080: case 0xc0000100: case 0xc0000101:
	case 0xc0000102: case 0xc0000103: case 0xc0000104:
		return true;
	}
	return (msr >= 0x200 && msr <= 0x26f) || msr == 0x277 || msr == 0x2ff ||
	       (msr >= 0x400 && msr < 0x480) ||	/* machine check banks */
	       (msr >= 0x280 && msr < 0x2a0) ||
	       (msr >= 0xc1 && msr <= 0xc8) || (msr >= 0x186 && msr <= 0x18d) ||
	       (msr >= 0x309 && msr <= 0x30b) ||
	       (msr >= 0xc0010000 && msr <= 0xc0010007) ||
	       (msr >= 0xc0010010 && msr <= 0xc0010020) ||
	       msr == 0xc0010015 || msr == 0xc0010055 || msr == 0xc0010058 ||
	       msr == 0xc0010064 || msr == 0xc0010111 || msr == 0xc0010112 ||
	       msr == 0xc0010113 || msr == 0xc0010114 || msr == 0xc0010117 ||
	       msr == 0xc001001f || msr == 0xc001100d || msr == 0xc0011020 ||
	       msr == 0xc0011021 || msr == 0xc0011022 || msr == 0xc0011023 ||
	       msr == 0xc0011029 || msr == 0xc001102a || msr == 0xc001102c ||
	       (msr >= 0xc0010200 && msr <= 0xc001020b) ||
	       (msr >= 0x40000000 && msr <= 0x400001ff) ||
	       (msr >= 0x4b564d00 && msr <= 0x4b564d08) ||
	       msr == 0x11 || msr == 0x12;
}

/* A missing intercept shows as an MSR that answers though nobody offered it. */
static void guest_reads_every_msr(void)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{ 0, 0x2000 }, { 0x40000000, 0x40000200 },
		{ 0x4b564d00, 0x4b564d10 }, { 0xc0000000, 0xc0002000 },
		{ 0xc0010000, 0xc0012000 }, { 0xc0020000, 0xc0020010 },
		{ 0x80000000, 0x80000010 }, { 0xfffffff0, 0xffffffff },
	};
	struct vcpu *v = guest(64, read_range);
	uint32_t *found = (uint32_t *)(v->vm->mem + GPA_FREE), n;
	struct kvm_regs regs;
	unsigned int i, bad = 0;

	get_list();
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		regs = get_regs(v);
		regs.rip = GPA_CODE;
		regs.rbx = ranges[i].from;
		regs.rbp = ranges[i].to;
		set_regs(v, &regs);
		RUN_TO(v, KVM_EXIT_HLT);
	}
	n = found[0];
	diag("%u MSRs answer, %lu do not", n, guest_exc(v)->count);
	for (i = 1; i <= n; i++) {
		uint64_t value;

		if (listed(found[i]) || architectural(found[i]))
			continue;
		diag("MSR 0x%x answers", found[i]);
		bad++;
		/* At least it must be the hypervisor that answered. */
		CHECK(get_msr(v, found[i], &value) == 1 || !is_kvmlite(),
		      "user space cannot see MSR 0x%x", found[i]);
	}
	CHECK(!bad || !is_kvmlite(), "%u MSRs answer that are not offered", bad);
	CHECK(n > 10 && n < 2000, "%u MSRs", n);
}

GUEST(64, unknown_msrs,
      "mov $0xdeadbee0, %ecx\n"
      "rdmsr\n"
      "mov %eax, 0xc000\n"
      "mov %edx, 0xc004\n"
      "mov $0x11223344, %eax\n"
      "mov $0x55667788, %edx\n"
      "inc %ecx\n"
      "wrmsr\n"
      "lea 1f(%rip), %r15\n"
      "rdmsr\n"
      "1: lea 2f(%rip), %r15\n"
      "wrmsr\n"
      "2: hlt\n");

static void exits(void)
{
	struct vcpu *v = guest(64, unknown_msrs);
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN |
			   KVM_MSR_EXIT_REASON_INVAL,
	};
	struct kvm_run *run = v->run;

	OK(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap));
	RUN_TO(v, KVM_EXIT_X86_RDMSR);
	EQ(run->msr.index, 0xdeadbee0);
	CHECK(run->msr.reason == KVM_MSR_EXIT_REASON_UNKNOWN ||
	      run->msr.reason == KVM_MSR_EXIT_REASON_INVAL, "reason 0x%x",
	      run->msr.reason);
	EQ(run->msr.error, 0);
	run->msr.data = 0x1234567890abcdef;
	RUN_TO(v, KVM_EXIT_X86_WRMSR);
	EQ(*guest_data(v, uint64_t), 0x1234567890abcdef);
	EQ(run->msr.index, 0xdeadbee1);
	EQ(run->msr.data, 0x5566778811223344);
	/* Errors become #GP. */
	RUN_TO(v, KVM_EXIT_X86_RDMSR);
	run->msr.error = 1;
	RUN_TO(v, KVM_EXIT_X86_WRMSR);
	EQ(guest_exc(v)->count, 1);
	EQ(guest_exc(v)->vector, 13);
	run->msr.error = 1;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 2);
}

/* Without the capability both are #GP. */
static void no_exits(void)
{
	struct vcpu *v = guest(64, unknown_msrs);
	struct kvm_regs regs = get_regs(v);

	/* #GP at the first: resume at HLT, the last byte. */
	regs.r15 = GPA_CODE + (unknown_msrs_end - unknown_msrs) - 1;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 1);
	EQ(guest_exc(v)->vector, 13);
}

/* The TSC goes forward, and user space can move it. */
GUEST(64, tsc,
      "rdtsc\n"
      "mov %eax, 0xc000\n"
      "mov %edx, 0xc004\n"
      "mov $0x10, %ecx\n"
      "rdmsr\n"
      "mov %eax, 0xc008\n"
      "mov %edx, 0xc00c\n"
      "rdtscp\n"
      "mov %eax, 0xc010\n"
      "mov %edx, 0xc014\n"
      "hlt\n");

static void time_stamp_counter(void)
{
	struct vcpu *v = guest(64, tsc);
	volatile uint64_t *t = guest_data(v, uint64_t);
	uint64_t value;

	EQ(set_msr(v, 0x10, 1ULL << 40), 1);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	CHECK(t[0] >= 1ULL << 40 && t[0] < 2ULL << 40, "TSC 0x%lx", t[0]);
	CHECK(t[1] >= t[0] && t[2] >= t[1], "0x%lx 0x%lx 0x%lx", t[0], t[1],
	      t[2]);
	EQ(get_msr(v, 0x10, &value), 1);
	CHECK(value >= t[2], "user space reads 0x%lx", value);
}

static const struct test tests[] = {
	{ "round_trip", round_trip },
	{ "in_one_call", in_one_call },
	{ "values", values },
	{ "invalid_values", invalid_values },
	{ "shared_with_guest", shared_with_guest },
	{ "guest_reads_every_msr", guest_reads_every_msr },
	{ "exits", exits },
	{ "no_exits", no_exits },
	{ "time_stamp_counter", time_stamp_counter },
};

TEST_SUITE(tests);
