// SPDX-License-Identifier: GPL-2.0
/* The calls on the device itself, and their errors. */
#include <fcntl.h>
#include <sys/mman.h>

#include "vm.h"

#define BAD_POINTER ((void *)8)

struct msr_list {
	struct kvm_msr_list head;
	uint32_t indices[1024];
};

static struct kvm_cpuid2 *cpuid_alloc(unsigned int n)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + n * sizeof(c->entries[0]));

	REQUIRE(c, "out of memory");
	c->nent = n;
	return c;
}

static void api_version(void)
{
	int fd = kvm_open();

	EQ(OK(ioctl(fd, KVM_GET_API_VERSION, 0)), KVM_API_VERSION);
	FAILS(ioctl(fd, KVM_GET_API_VERSION, 1), EINVAL);
}

static void vcpu_mmap_size(void)
{
	int fd = kvm_open();
	int size = OK(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0));

	CHECK(size >= (int)sizeof(struct kvm_run) && !(size & 4095),
	      "size %d", size);
	FAILS(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL);
}

/* What the common VMMs ask for before they do anything else. */
static void required_caps(void)
{
	static const struct {
		const char *name;
		int cap;
	} caps[] = {
#define CAP(n) { #n, KVM_CAP_ ## n }
		CAP(USER_MEMORY), CAP(USER_MEMORY2),
		CAP(DESTROY_MEMORY_REGION_WORKS),
		CAP(JOIN_MEMORY_REGIONS_WORKS), CAP(SET_TSS_ADDR),
		CAP(EXT_CPUID), CAP(MP_STATE), CAP(IRQ_ROUTING), CAP(IRQCHIP),
		CAP(HLT), CAP(IRQ_INJECT_STATUS), CAP(IRQFD), CAP(IOEVENTFD),
		CAP(IOEVENTFD_ANY_LENGTH), CAP(SIGNAL_MSI), CAP(PIT2),
		CAP(PIT_STATE2), CAP(DEBUGREGS), CAP(XSAVE), CAP(XCRS),
		CAP(VCPU_EVENTS), CAP(X86_ROBUST_SINGLESTEP),
		CAP(INTERNAL_ERROR_DATA), CAP(SET_IDENTITY_MAP_ADDR),
		CAP(IMMEDIATE_EXIT), CAP(SET_GUEST_DEBUG), CAP(NR_VCPUS),
		CAP(MAX_VCPUS), CAP(MAX_VCPU_ID), CAP(NR_MEMSLOTS),
		CAP(SYNC_MMU), CAP(ENABLE_CAP_VM), CAP(CHECK_EXTENSION_VM),
		CAP(X86_USER_SPACE_MSR), CAP(SYNC_REGS), CAP(READONLY_MEM),
		CAP(GET_MSR_FEATURES), CAP(TSC_DEADLINE_TIMER),
		CAP(SPLIT_IRQCHIP), CAP(X2APIC_API), CAP(USER_NMI),
		CAP(GET_TSC_KHZ), CAP(VAPIC), CAP(IRQFD_RESAMPLE), CAP(XSAVE2),
	};
	int fd = kvm_open(), vm = OK(ioctl(fd, KVM_CREATE_VM, 0));
	struct vm *probe = vm_bare();
	size_t i;

	/* A kernel older than the number answers 0 by right. */
	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		if (!is_kvmlite() && caps[i].cap == KVM_CAP_USER_MEMORY2)
			continue;
		CHECK(kvm_cap(fd, caps[i].cap) > 0, "KVM_CAP_%s is 0 on the device",
		      caps[i].name);
		CHECK(kvm_cap(vm, caps[i].cap) > 0, "KVM_CAP_%s is 0 on a VM",
		      caps[i].name);
	}
	CHECK(kvm_cap(fd, KVM_CAP_MAX_VCPUS) >= kvm_cap(fd, KVM_CAP_NR_VCPUS),
	      "MAX_VCPUS below NR_VCPUS");
	CHECK(kvm_cap(fd, KVM_CAP_MAX_VCPU_ID) >= kvm_cap(fd, KVM_CAP_MAX_VCPUS),
	      "MAX_VCPU_ID below MAX_VCPUS");
	CHECK(kvm_cap(fd, KVM_CAP_XSAVE2) >= 4096, "XSAVE2 below 4096");
	vm_free(probe);
}

static void unknown_caps(void)
{
	int fd = kvm_open(), vm = OK(ioctl(fd, KVM_CREATE_VM, 0));

	EQ(kvm_cap(fd, 100000), 0);
	EQ(kvm_cap(vm, 100000), 0);
	EQ(OK(ioctl(fd, KVM_CHECK_EXTENSION, -1L)), 0);
	/* Other architectures' and what is not half there. */
	EQ(kvm_cap(fd, KVM_CAP_PPC_SMT), 0);
	EQ(kvm_cap(fd, KVM_CAP_S390_PSW), 0);
}

static void create_vm(void)
{
	int fd = kvm_open(), vm;

	vm = OK(ioctl(fd, KVM_CREATE_VM, 0));
	EQ(fcntl(vm, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	FAILS(ioctl(fd, KVM_CREATE_VM, 0x7fff), EINVAL);
	FAILS(ioctl(fd, KVM_CREATE_VM, -1L), EINVAL);
}

static void unknown_calls(void)
{
	int fd = kvm_open();

	FAILS(ioctl(fd, _IO(KVMIO, 0xff), 0), NO_CALL(EINVAL));
	FAILS(ioctl(fd, _IO('v', 0xff), 0), NO_CALL(EINVAL));
	/* Calls of the VM and of the vCPU, on the wrong fd. */
	FAILS(ioctl(fd, KVM_CREATE_VCPU, 0), NO_CALL(EINVAL));
	FAILS(ioctl(fd, KVM_RUN, 0), NO_CALL(EINVAL));
}

static void not_a_file(void)
{
	int fd = kvm_open();
	char c;

	FAILS(read(fd, &c, 1), EINVAL);
	FAILS(write(fd, &c, 1), EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == ENODEV, "mmap of the device");
}

static void msr_list(unsigned long call)
{
	static struct msr_list l;
	int fd = kvm_open();
	uint32_t n, i, j;

	FAILS(ioctl(fd, call, BAD_POINTER), EFAULT);
	l.head.nmsrs = 0;
	FAILS(ioctl(fd, call, &l), E2BIG);
	n = l.head.nmsrs;
	REQUIRE(n > 0 && n < 1024, "%u MSRs", n);
	l.head.nmsrs = n - 1;
	l.indices[0] = 0xabcdef;
	FAILS(ioctl(fd, call, &l), E2BIG);
	EQ(l.head.nmsrs, n);
	EQ(l.indices[0], 0xabcdef);
	l.indices[n] = 0xabcdef;
	l.head.nmsrs = n;
	OK(ioctl(fd, call, &l));
	EQ(l.head.nmsrs, n);
	EQ(l.indices[n], 0xabcdef);
	l.head.nmsrs = 1024;
	OK(ioctl(fd, call, &l));
	EQ(l.head.nmsrs, n);
	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			CHECK(l.indices[i] != l.indices[j],
			      "MSR 0x%x is there twice", l.indices[i]);
	}
}

static void msr_index_list(void)
{
	msr_list(KVM_GET_MSR_INDEX_LIST);
}

static void msr_feature_index_list(void)
{
	msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST);
}

static void get_feature_msrs(void)
{
	static struct msr_list l;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[300];
	} *m = calloc(1, sizeof(*m));
	int fd = kvm_open();
	uint32_t i;

	l.head.nmsrs = 1024;
	OK(ioctl(fd, KVM_GET_MSR_FEATURE_INDEX_LIST, &l));
	for (i = 0; i < l.head.nmsrs; i++) {
		m->head.nmsrs = 1;
		m->entries[0].index = l.indices[i];
		CHECK(ioctl(fd, KVM_GET_MSRS, m) == 1,
		      "feature MSR 0x%x is not readable", l.indices[i]);
	}
	m->head.nmsrs = 2;
	m->entries[0].index = l.indices[0];
	m->entries[1].index = 0xdeadbeef;
	EQ(OK(ioctl(fd, KVM_GET_MSRS, m)), 1);
	m->head.nmsrs = 0;
	EQ(OK(ioctl(fd, KVM_GET_MSRS, m)), 0);
	m->head.nmsrs = 256;
	FAILS(ioctl(fd, KVM_GET_MSRS, m), E2BIG);
	FAILS(ioctl(fd, KVM_GET_MSRS, BAD_POINTER), EFAULT);
}

static void supported_cpuid(void)
{
	struct kvm_cpuid2 *c = cpuid_alloc(256), *d;
	int fd = kvm_open();
	uint32_t n, i;
	bool kvm = false;

	OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, c));
	n = c->nent;
	REQUIRE(n > 2 && n <= 256, "%u entries", n);
	d = cpuid_alloc(n);
	OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, d));
	EQ(d->nent, n);
	CHECK(!memcmp(c->entries, d->entries, n * sizeof(c->entries[0])),
	      "the second answer is another one");
	d->nent = n - 1;
	FAILS(ioctl(fd, KVM_GET_SUPPORTED_CPUID, d), E2BIG);
	d->nent = 0;
	FAILS(ioctl(fd, KVM_GET_SUPPORTED_CPUID, d), E2BIG);
	FAILS(ioctl(fd, KVM_GET_SUPPORTED_CPUID, BAD_POINTER), EFAULT);
	for (i = 0; i < n; i++) {
		if (c->entries[i].function == 0x40000000)
			kvm = !memcmp(&c->entries[i].ebx, "KVMKVMKVM\0\0\0", 12);
	}
	CHECK(kvm, "no KVM signature at 0x40000000");
}

/* The caller's array may claim to be larger than it needs to be. */
static void supported_cpuid_huge(void)
{
	struct kvm_cpuid2 *c = cpuid_alloc(256);
	int fd = kvm_open();

	c->nent = 0xffffffff;
	OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, c));
	CHECK(c->nent <= 256, "%u entries", c->nent);
}

static const struct test tests[] = {
	{ "api_version", api_version },
	{ "vcpu_mmap_size", vcpu_mmap_size },
	{ "required_caps", required_caps },
	{ "unknown_caps", unknown_caps },
	{ "create_vm", create_vm },
	{ "unknown_calls", unknown_calls },
	{ "not_a_file", not_a_file },
	{ "msr_index_list", msr_index_list },
	{ "msr_feature_index_list", msr_feature_index_list },
	{ "get_feature_msrs", get_feature_msrs },
	{ "supported_cpuid", supported_cpuid },
	{ "supported_cpuid_huge", supported_cpuid_huge },
};

TEST_SUITE(tests);
