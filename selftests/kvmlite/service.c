// SPDX-License-Identifier: GPL-2.0
/*
 * What a VMM uses beside running guests: statistics, attributes, memory that is
 * faulted in beforehand, switches, the VM's clock, coalesced MMIO, events.
 */
#include <linux/kvm_para.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "host.h"
#include "vm.h"

#define BAD_POINTER	((void *)8)
#define GPA		0x40000000UL

#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};

#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

GUEST(64, halts, "1: hlt\njmp 1b\n");

/* ---- statistics ---- */

static void stats_fd(void)
{
	struct vcpu *v = guest(64, halts);
	int vm = OK(ioctl(v->vm->fd, KVM_GET_STATS_FD, 0));
	int vcpu = OK(ioctl(v->fd, KVM_GET_STATS_FD, 0));
	struct kvm_stats_header h;
	char id[256] = "", c;
	uint64_t before;

	EQ(OK(pread(vcpu, &h, sizeof(h), 0)), sizeof(h));
	OK(pread(vcpu, id, h.name_size, h.id_offset));
	CHECK(strstr(id, "/vcpu-0"), "id %s", id);
	if (!is_kvmlite())
		test_skip("KVM has other counters");
	before = stat_value(vcpu, "hlt");
	RUN_TO(v, KVM_EXIT_HLT);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(stat_value(vcpu, "hlt"), before + 2);
	EQ(stat_value(vm, "vcpus"), 1);
	CHECK(stat_value(vm, "pages_4k") + stat_value(vm, "pages_2m") > 0,
	      "nothing is mapped");
	FAILS(write(vcpu, &c, 1), EBADF);
	EQ(pread(vcpu, &c, 1, 1 << 20), 0);
	/* It outlives the files that it came from. */
	close(v->fd);
	close(v->vm->fd);
	EQ(stat_value(vcpu, "hlt"), before + 2);
	close(vcpu);
	EQ(stat_value(vm, "vcpus"), 1);
}

/* ---- attributes ---- */

static void tsc_offset(void)
{
	struct vcpu *v = guest(64, halts);
	struct kvm_device_attr a = { .group = KVM_VCPU_TSC_CTRL };
	uint64_t offset = 0, moved, before, after;

	a.attr = KVM_VCPU_TSC_OFFSET;
	a.addr = (uintptr_t)&offset;
	OK(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &a));
	OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a));
	EQ(get_msr(v, 0x10, &before), 1);
	moved = offset + (1ULL << 50);
	a.addr = (uintptr_t)&moved;
	OK(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a));
	EQ(get_msr(v, 0x10, &after), 1);
	EQ(after >> 49, (before + (1ULL << 50)) >> 49);
	a.addr = (uintptr_t)&offset;
	OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a));
	EQ(offset, moved);

	a.addr = (uintptr_t)BAD_POINTER;
	FAILS(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a), EFAULT);
	FAILS(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a), EFAULT);
	a.attr = 1;
	FAILS(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &a), ENXIO);
	FAILS(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a), ENXIO);
	a.attr = KVM_VCPU_TSC_OFFSET;
	a.group = 7;
	FAILS(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a), ENXIO);
	FAILS(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, BAD_POINTER), EFAULT);
}

/* Two threads tell the time of the last write to each other's vCPU. */
static volatile bool writing;

static void *writes_offsets(void *arg)
{
	uint64_t offset = 0;
	struct kvm_device_attr a = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};
	struct vcpu *v = arg;

	while (writing)
		if (ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a))
			return (void *)1;
	return NULL;
}

static void tsc_written_by_two(void)
{
	struct vcpu *v = guest(64, halts), *w = vcpu_new(v->vm, 1);
	unsigned int i, n = scale(20000, 5000);
	pthread_t thread;
	void *failed;

	writing = true;
	REQUIRE(!pthread_create(&thread, NULL, writes_offsets, w), "no thread");
	for (i = 0; i < n; i++)
		REQUIRE(set_msr(v, 0x10, i) == 1, "write %u is refused", i);
	writing = false;
	pthread_join(thread, &failed);
	CHECK(!failed, "an offset is refused");
}

static void xcomp_attr(void)
{
	struct kvm_device_attr a = { .attr = KVM_X86_XCOMP_GUEST_SUPP };
	uint64_t features = 0;
	int fd = kvm_open();

	EQ(kvm_cap(fd, KVM_CAP_SYS_ATTRIBUTES), 1);
	a.addr = (uintptr_t)&features;
	OK(ioctl(fd, KVM_HAS_DEVICE_ATTR, &a));
	OK(ioctl(fd, KVM_GET_DEVICE_ATTR, &a));
	CHECK(features == 0 || (features & 3) == 3, "features 0x%lx",
	      (unsigned long)features);
	a.attr = 9;
	FAILS(ioctl(fd, KVM_HAS_DEVICE_ATTR, &a), ENXIO);
}

/* ---- memory beforehand ---- */

GUEST(64, reads_pages,
      "1: mov (%rdi), %eax\n"
      "add $0x1000, %rdi\n"
      "loop 1b\n"
      "hlt\n");

static void pre_fault(void)
{
	struct kvm_pre_fault_memory r = { .gpa = GPA, .size = 64 * 4096 };
	struct vcpu *v = guest(64, reads_pages);
	int stats = OK(ioctl(v->fd, KVM_GET_STATS_FD, 0));
	uint8_t *mem = mem_alloc(64 * 4096);
	struct kvm_regs regs;
	uint64_t faults;

	if (!is_kvmlite())
		test_skip("older kernels' KVM has no such call");
	memset(mem, 1, 64 * 4096);
	OK(vm_slot(v->vm, 1, 0, GPA, 64 * 4096, mem));
	regs = get_regs(v);
	regs.rdi = GPA;
	regs.rcx = 1;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);		/* the code and the tables */
	OK(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r));
	EQ(r.size, 0);
	EQ(r.gpa, GPA + 64 * 4096);
	faults = stat_value(stats, "tdp_fault");
	regs.rcx = 64;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(stat_value(stats, "tdp_fault"), faults);

	/* As far as there is memory; then nothing. */
	r.gpa = GPA + 60 * 4096;
	r.size = 8 * 4096;
	OK(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r));
	EQ(r.gpa, GPA + 64 * 4096);
	EQ(r.size, 4 * 4096);
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r), ENOENT);
	EQ(r.size, 4 * 4096);
	r.gpa = 1ULL << 51;
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r), ENOENT);
	r.gpa = GPA + 1;
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r), EINVAL);
	r.gpa = GPA;
	r.size = 0;
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r), EINVAL);
	r.size = -4096;
	r.gpa = 8192;
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r), EINVAL);
	r.size = 4096;
	r.gpa = GPA;
	r.flags = 1;
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r), EINVAL);
	FAILS(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, BAD_POINTER), EFAULT);
}

/* What is there already is no reason not to listen. */
static void pre_fault_is_interrupted(void)
{
	const uint64_t size = scale(256, 64) << 20;
	struct kvm_pre_fault_memory r = { .gpa = 1ULL << 32, .size = size };
	const struct itimerval soon = { .it_interval.tv_usec = 200, .it_value.tv_usec = 200 };
	const struct itimerval never = { };
	struct vcpu *v = guest(64, reads_pages);
	unsigned int tries;
	void *mem;

	if (!is_kvmlite())
		test_skip("older kernels' KVM has no such call");
	/* Read only, so each page is the zero page: no memory but for the tables. */
	mem = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	OK(madvise(mem, size, MADV_NOHUGEPAGE));
	OK(vm_slot(v->vm, 1, KVM_MEM_READONLY, r.gpa, size, mem));
	OK(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r));
	EQ(r.size, 0);

	catch_signal(SIGALRM);
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	for (tries = 0; tries < 20; tries++) {
		r.gpa = 1ULL << 32;
		r.size = size;
		if (ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r) || r.size)
			break;
	}
	OK(setitimer(ITIMER_REAL, &never, NULL));
	CHECK(tries < 20, "no signal was seen");
	CHECK(!r.size || r.size % 4096 == 0, "0x%llx bytes are left", r.size);
}

/* ---- switches ---- */

GUEST(64, reads_platform_info,
      "lea 1f(%rip), %r15\n"
      "mov $0xce, %ecx\n"
      "rdmsr\n"
      "1: hlt\n");

static void platform_info(void)
{
	struct vcpu *v = guest(64, reads_platform_info);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	v = guest(64, reads_platform_info);
	OK(vm_enable(v->vm, KVM_CAP_MSR_PLATFORM_INFO, 0));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->counts[13], 1);
}

static void switches(void)
{
	struct vm *vm = vm_bare();
	int exits = kvm_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS);

	CHECK(exits & KVM_X86_DISABLE_EXITS_HLT, "exits 0x%x", exits);
	FAILS(vm_enable(vm, KVM_CAP_X86_DISABLE_EXITS, 1 << 20), EINVAL);
	OK(vm_enable(vm, KVM_CAP_X86_DISABLE_EXITS, exits));
	EQ(kvm_cap(vm->fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE), 1);
	OK(vm_enable(vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1));
	FAILS(vm_enable(vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 2), EINVAL);
}

/* HLT that does not leave the guest ends with an interrupt, and by a signal. */
GUEST(64, halts_inside,
      "mov $0xfee000f0, %eax\n"
      "movl $0x1ff, (%rax)\n"
      "out %al, $0x10\n"
      "sti\n"
      /* An interrupt of the host's may end it as well. */
      "2: hlt\n"
      "cmpl $0, 0xb1c4\n"		/* counts[0x51] */
      "je 2b\n"
      "out %al, $0x11\n"
      "1: hlt\n"
      "jmp 1b\n");

static void hlt_inside(void)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x51 };
	struct vm *vm = vm_new();
	struct kvm_mp_state s;
	struct runner r;
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	OK(vm_enable(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, halts_inside);
	vcpu_long(v);
	RUN_TO(v, KVM_EXIT_IO);
	runner_start(&r, v);
	sleep_ms(20);
	EQ(r.done, 0);
	EQ(OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
	runner_join(&r);
	EQ(r.result, 0);
	EQ(v->run->io.port, 0x11);
	EQ(guest_exc(v)->counts[0x51], 1);
	runner_start(&r, v);
	sleep_ms(20);
	runner_stop(&r);
	EQ(r.result, -EINTR);
	OK(ioctl(v->fd, KVM_GET_MP_STATE, &s));
	EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
}

/* ---- clock ---- */

static void vm_clock(void)
{
	struct kvm_clock_data c = { }, now;
	struct vm *vm = vm_bare();

	OK(ioctl(vm->fd, KVM_GET_CLOCK, &c));
	CHECK(c.flags & KVM_CLOCK_REALTIME, "flags 0x%x", c.flags);
	/* It goes on from what is set. */
	c.flags = 0;
	c.clock = 5000000000000ULL;
	OK(ioctl(vm->fd, KVM_SET_CLOCK, &c));
	OK(ioctl(vm->fd, KVM_GET_CLOCK, &now));
	CHECK(now.clock >= c.clock && now.clock < c.clock + 60000000000ULL,
	      "clock %llu", now.clock);
	/* And has gone on meanwhile, if it is said since when: ten seconds. */
	c.flags = KVM_CLOCK_REALTIME;
	c.realtime = now.realtime - 10000000000ULL;
	OK(ioctl(vm->fd, KVM_SET_CLOCK, &c));
	OK(ioctl(vm->fd, KVM_GET_CLOCK, &now));
	CHECK(now.clock >= c.clock + 10000000000ULL, "clock %llu", now.clock);
	c.flags = 1 << 20;
	FAILS(ioctl(vm->fd, KVM_SET_CLOCK, &c), EINVAL);
	FAILS(ioctl(vm->fd, KVM_SET_CLOCK, BAD_POINTER), EFAULT);
}

/* ---- coalesced MMIO ---- */

GUEST(64, writes_mmio,
      "mov $0xd0000000, %ebx\n"
      "movl $0x11, (%rbx)\n"
      "movb $0x22, 7(%rbx)\n"
      "movl $0x33, 8(%rbx)\n"		/* behind the zone */
      "movl $0x44, (%rbx)\n"
      "hlt\n");

static void coalesced(void)
{
	struct kvm_coalesced_mmio_zone z = { .addr = GPA_MMIO, .size = 8 };
	struct vcpu *v = guest(64, writes_mmio);
	struct kvm_coalesced_mmio_ring *ring = (void *)v->run +
		4096 * kvm_cap(v->vm->fd, KVM_CAP_COALESCED_MMIO);

	OK(ioctl(v->vm->fd, KVM_REGISTER_COALESCED_MMIO, &z));
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO + 8);
	EQ(ring->last - ring->first, 2);
	EQ(ring->coalesced_mmio[0].phys_addr, GPA_MMIO);
	EQ(ring->coalesced_mmio[0].len, 4);
	EQ(ring->coalesced_mmio[0].data[0], 0x11);
	EQ(ring->coalesced_mmio[1].phys_addr, GPA_MMIO + 7);
	EQ(ring->coalesced_mmio[1].len, 1);
	EQ(ring->coalesced_mmio[1].data[0], 0x22);
	ring->first = ring->last;
	OK(ioctl(v->vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &z));
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, GPA_MMIO);
	EQ(ring->first, ring->last);
	z.pio = 2;
	FAILS(ioctl(v->vm->fd, KVM_REGISTER_COALESCED_MMIO, &z), EINVAL);
	FAILS(ioctl(v->vm->fd, KVM_REGISTER_COALESCED_MMIO, BAD_POINTER), EFAULT);
}

/* A triple fault that is pending in what a VMM restores comes at once. */
static void triple_fault_event(void)
{
	struct kvm_vcpu_events e = { };
	struct vcpu *v = guest(64, halts);

	e.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	e.triple_fault.pending = 1;
	FAILS(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	OK(vm_enable(v->vm, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	EQ(e.triple_fault.pending, 0);
	CHECK(e.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT, "flags 0x%x", e.flags);
	e.triple_fault.pending = 1;
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	EQ(e.triple_fault.pending, 1);
	RUN_TO(v, KVM_EXIT_SHUTDOWN);
}

/* ---- machine checks ---- */

static void machine_check(void)
{
	struct kvm_x86_mce mce = { .status = 1ULL << 63, .addr = 0x1234, .bank = 3 };
	struct vcpu *v = guest(64, halts);
	uint64_t cap = 0, value;
	int fd = kvm_open();

	OK(ioctl(fd, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	cap = (cap & ~0xffULL) | 10;
	OK(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	EQ(get_msr(v, 0x179, &value), 1);
	EQ(value, cap);
	/* One that was corrected is written down, and says nothing. */
	OK(ioctl(v->fd, KVM_X86_SET_MCE, &mce));
	EQ(get_msr(v, 0x400 + 4 * 3 + 1, &value), 1);
	EQ(value, 1ULL << 63);
	EQ(get_msr(v, 0x400 + 4 * 3 + 2, &value), 1);
	EQ(value, 0x1234);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->count, 0);
	mce.bank = 10;
	FAILS(ioctl(v->fd, KVM_X86_SET_MCE, &mce), EINVAL);
	mce.bank = 3;
	mce.status = 1;
	FAILS(ioctl(v->fd, KVM_X86_SET_MCE, &mce), EINVAL);
	cap = 0;
	FAILS(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap), EINVAL);
	cap = 33;
	FAILS(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap), EINVAL);
	FAILS(ioctl(v->fd, KVM_X86_SETUP_MCE, BAD_POINTER), EFAULT);
}

static const struct test tests[] = {
	{ "stats_fd", stats_fd },
	{ "tsc_offset", tsc_offset },
	{ "tsc_written_by_two", tsc_written_by_two },
	{ "xcomp_attr", xcomp_attr },
	{ "pre_fault", pre_fault },
	{ "pre_fault_is_interrupted", pre_fault_is_interrupted },
	{ "platform_info", platform_info },
	{ "switches", switches },
	{ "hlt_inside", hlt_inside },
	{ "vm_clock", vm_clock },
	{ "coalesced", coalesced },
	{ "triple_fault_event", triple_fault_event },
	{ "machine_check", machine_check },
};

TEST_SUITE(tests);
