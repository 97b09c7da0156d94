// SPDX-License-Identifier: GPL-2.0
/*
 * What a VMM uses beside running guests: statistics, attributes, memory that is
 * faulted in beforehand, dirty rings; and the paravirtual services of a guest.
 */
#include <linux/kvm_para.h>
#include <sys/mman.h>

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
/* x86's; not in every <asm/kvm.h>. */
#define RING_PAGE 64

GUEST(64, halts, "1: hlt\njmp 1b\n");

static int vm_cap(struct vm *vm, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap c = { .cap = cap, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &c);
}

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

/* ---- dirty rings ---- */

GUEST(64, writes_pages,
      "1: incl (%rdi)\n"
      "add $0x1000, %rdi\n"
      "loop 1b\n"
      "hlt\n");

#define RING_ENTRIES 256
#define RING_PAGES_N 1024UL

static struct kvm_dirty_gfn *ring_guest(struct vcpu **vp, uint8_t **mem)
{
	struct kvm_dirty_gfn *ring;
	struct vm *vm = vm_new();
	struct vcpu *v;

	OK(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING, RING_ENTRIES * sizeof(*ring)));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, writes_pages);
	vcpu_long(v);
	*mem = mem_alloc(RING_PAGES_N * 4096);
	OK(vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, RING_PAGES_N * 4096, *mem));
	ring = mmap(NULL, RING_ENTRIES * sizeof(*ring), PROT_READ | PROT_WRITE,
		    MAP_SHARED, v->fd, RING_PAGE * 4096);
	REQUIRE(ring != MAP_FAILED, "mmap of the ring: %s", strerror(errno));
	*vp = v;
	return ring;
}

static void write_pages(struct vcpu *v, unsigned long first, unsigned long n)
{
	struct kvm_regs regs = get_regs(v);

	regs.rip = GPA_CODE;
	regs.rdi = GPA + first * 4096;
	regs.rcx = n;
	set_regs(v, &regs);
}

/* Take what is in the ring; how many of each page. */
static unsigned int collect(struct kvm_dirty_gfn *ring, unsigned int *next,
			    uint8_t *seen)
{
	unsigned int n = 0;

	for (;; n++, (*next)++) {
		struct kvm_dirty_gfn *e = &ring[*next % RING_ENTRIES];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) !=
		    KVM_DIRTY_GFN_F_DIRTY)
			return n;
		EQ(e->slot, 1);
		REQUIRE(e->offset < RING_PAGES_N, "offset 0x%llx", e->offset);
		seen[e->offset]++;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET,
				 __ATOMIC_RELEASE);
	}
}

static void dirty_ring(void)
{
	uint8_t *mem, seen[RING_PAGES_N] = { };
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = mem_alloc(4096) };
	struct kvm_dirty_gfn *ring;
	unsigned int next = 0, i;
	struct vcpu *v;

	ring = ring_guest(&v, &mem);
	EQ(OK(ioctl(v->vm->fd, KVM_RESET_DIRTY_RINGS, 0)), 0);
	write_pages(v, 10, 20);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(collect(ring, &next, seen), 20);
	for (i = 0; i < RING_PAGES_N; i++)
		EQ(seen[i], i >= 10 && i < 30);
	/* Until they are reset they are not told again. */
	write_pages(v, 10, 20);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(collect(ring, &next, seen), 0);
	EQ(OK(ioctl(v->vm->fd, KVM_RESET_DIRTY_RINGS, 0)), 20);
	EQ(OK(ioctl(v->vm->fd, KVM_RESET_DIRTY_RINGS, 0)), 0);
	write_pages(v, 15, 30);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(collect(ring, &next, seen), 30);
	for (i = 0; i < RING_PAGES_N; i++)
		EQ(seen[i], (i >= 10 && i < 30) + (i >= 15 && i < 45));
	/* The bitmap is not there, and says so. */
	FAILS(ioctl(v->vm->fd, KVM_GET_DIRTY_LOG, &log), ENXIO);
}

static void dirty_ring_full(void)
{
	uint8_t *mem, seen[RING_PAGES_N] = { };
	unsigned int next = 0, i, total = 0, full = 0;
	struct kvm_dirty_gfn *ring;
	struct vcpu *v;

	ring = ring_guest(&v, &mem);
	write_pages(v, 0, RING_PAGES_N);
	for (i = 0; i < 100; i++) {
		EQ(vcpu_run(v), 0);
		if (v->run->exit_reason != KVM_EXIT_DIRTY_RING_FULL)
			break;
		full++;
		/* Nothing was done about it: no page more. */
		RUN_TO(v, KVM_EXIT_DIRTY_RING_FULL);
		total += collect(ring, &next, seen);
		OK(ioctl(v->vm->fd, KVM_RESET_DIRTY_RINGS, 0));
	}
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	total += collect(ring, &next, seen);
	/* The write that was stopped faults again after the reset. */
	CHECK(total >= RING_PAGES_N && total <= RING_PAGES_N + full,
	      "%u pages, full %u times", total, full);
	CHECK(full >= RING_PAGES_N / RING_ENTRIES - 1, "full %u times", full);
	for (i = 0; i < RING_PAGES_N; i++) {
		CHECK(seen[i] == 1 || seen[i] == 2, "page %u: %u times", i, seen[i]);
		EQ(mem[i * 4096], 1);
	}
}

/* The entries are user space's to write: whatever they say is harmless. */
static void dirty_ring_forged(void)
{
	uint8_t *mem, seen[RING_PAGES_N] = { };
	struct kvm_dirty_gfn *ring;
	unsigned int next = 0;
	struct vcpu *v;

	ring = ring_guest(&v, &mem);
	write_pages(v, 0, 8);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(collect(ring, &next, seen), 8);
	ring[0].slot = 0xffffffff;
	ring[1].offset = -1ULL;
	ring[2].offset = RING_PAGES_N;
	ring[3].slot = 0;			/* there, and not logged */
	ring[4].offset = 1ULL << 40;
	ring[8].flags = KVM_DIRTY_GFN_F_RESET;	/* not in the ring */
	EQ(OK(ioctl(v->vm->fd, KVM_RESET_DIRTY_RINGS, 0)), 8);
	write_pages(v, 0, 8);
	RUN_TO(v, KVM_EXIT_HLT);
	/* Pages 5, 6, 7 were reset; of 0 to 4 nobody knew. */
	EQ(collect(ring, &next, seen), 3);
}

static void dirty_ring_errors(void)
{
	struct vm *vm = vm_new(), *without = vm_new();
	size_t size = RING_ENTRIES * sizeof(struct kvm_dirty_gfn);
	struct vcpu *v;

	EQ(kvm_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING), 65536 * 16);
	FAILS(ioctl(without->fd, KVM_RESET_DIRTY_RINGS, 0), EINVAL);
	FAILS(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING, 0), EINVAL);
	FAILS(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING, 3 * 4096), EINVAL);
	FAILS(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING, 512), EINVAL);
	FAILS(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING, 65536 * 32), E2BIG);
	OK(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, size));
	FAILS(vm_cap(vm, KVM_CAP_DIRTY_LOG_RING, size), EINVAL);
	v = vcpu_new(vm, 0);
	CHECK(mmap(NULL, size, PROT_READ, MAP_PRIVATE, v->fd, RING_PAGE * 4096) ==
	      MAP_FAILED && errno == EINVAL, "private");
	CHECK(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, v->fd,
		   RING_PAGE * 4096) == MAP_FAILED && errno == EINVAL,
	      "executable");
	CHECK(mmap(NULL, size + 4096, PROT_READ, MAP_SHARED, v->fd,
		   RING_PAGE * 4096) == MAP_FAILED || !is_kvmlite(), "too much");
	v = vcpu_new(without, 0);
	FAILS(vm_cap(without, KVM_CAP_DIRTY_LOG_RING, size), EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, v->fd, RING_PAGE * 4096) ==
	      MAP_FAILED || !is_kvmlite(), "a ring that is not there");
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
	OK(vm_cap(v->vm, KVM_CAP_MSR_PLATFORM_INFO, 0));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->counts[13], 1);
}

static void switches(void)
{
	struct vm *vm = vm_bare();
	int exits = kvm_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS);

	CHECK(exits & KVM_X86_DISABLE_EXITS_HLT, "exits 0x%x", exits);
	FAILS(vm_cap(vm, KVM_CAP_X86_DISABLE_EXITS, 1 << 20), EINVAL);
	OK(vm_cap(vm, KVM_CAP_X86_DISABLE_EXITS, exits));
	EQ(kvm_cap(vm->fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE), 1);
	OK(vm_cap(vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1));
	FAILS(vm_cap(vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 2), EINVAL);
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
	OK(vm_cap(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT));
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
	OK(vm_cap(v->vm, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
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

/* ---- hypercalls ---- */

#define VMCALL	"\x0f\x01\xc1"
#define VMMCALL	"\x0f\x01\xd9"

static const char *hypercall_insn(bool own)
{
	return host_is_amd() == own ? VMMCALL : VMCALL;
}

/* Where the code has three NOPs. */
static void put_hypercall(struct vm *vm, uint64_t gpa, size_t len, bool own)
{
	uint8_t *p = memmem(vm->mem + gpa, len, "\x90\x90\x90", 3);

	REQUIRE(p, "no place for a hypercall");
	memcpy(p, hypercall_insn(own), 3);
}

GUEST(64, calls,
      "1: nop\nnop\nnop\n"
      "hlt\n"
      "jmp 1b\n");

static long hypercall(struct vcpu *v, uint64_t nr, uint64_t a0, uint64_t a1,
		      uint64_t a2, uint64_t a3)
{
	struct kvm_regs regs = get_regs(v);

	regs.rip = GPA_CODE;
	regs.rax = nr;
	regs.rbx = a0;
	regs.rcx = a1;
	regs.rdx = a2;
	regs.rsi = a3;
	regs.rflags = 2;
	set_regs(v, &regs);
	EQ(vcpu_run(v), 0);
	return get_regs(v).rax;
}

static void patched_hypercall(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_DISABLE_QUIRKS2,
		.args[0] = KVM_X86_QUIRK_FIX_HYPERCALL_INSN,
	};
	struct vcpu *v = guest(64, calls);
	uint8_t *code = v->vm->mem + GPA_CODE;
	struct kvm_regs regs;

	put_hypercall(v->vm, GPA_CODE, 16, false);
	EQ(hypercall(v, 1234, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK(!memcmp(code, hypercall_insn(true), 3), "not patched");
	EQ(guest_exc(v)->count, 0);

	/* Not if it is not wanted: it is an invalid opcode. */
	v = guest(64, calls);
	code = v->vm->mem + GPA_CODE;
	put_hypercall(v->vm, GPA_CODE, 16, false);
	OK(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap));
	regs = get_regs(v);
	regs.r15 = GPA_CODE + 3;		/* the HLT behind it */
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->counts[6], 1);
	CHECK(!memcmp(code, hypercall_insn(false), 3), "patched all the same");
}

static void hypercall_read_only(void)
{
	struct vcpu *v = guest(64, calls);
	struct kvm_sregs s = get_sregs(v);
	uint8_t *code = v->vm->mem + GPA_CODE;
	uint64_t *pd = (uint64_t *)(v->vm->mem + GPA_PD);

	put_hypercall(v->vm, GPA_CODE, 16, false);
	pd[0] &= ~2ULL;			/* and CR0.WP */
	s.cr0 |= 1 << 16;
	set_sregs(v, &s);
	EQ(hypercall(v, 1234, 0, 0, 0, 0), -KVM_ENOSYS);
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	CHECK(!memcmp(code, hypercall_insn(false), 3), "written to all the same");
}

static struct vcpu *call_guest(bool irqchip)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	if (irqchip)
		OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, calls);
	put_hypercall(vm, GPA_CODE, 16, true);
	/* Something that ends KVM_RUN although HLT does not. */
	if (irqchip)
		memcpy(vm->mem + GPA_CODE + 3, "\xe6\x10\xeb\xf9", 4);
	vcpu_long(v);
	return v;
}

/* A CPU that halts without interrupts goes on when it is kicked. */
GUEST(64, halts_masked,
      "cli\n"
      "out %al, $0x10\n"
      "hlt\n"
      "out %al, $0x11\n");

static void kick(void)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = call_guest(true), *w;
	struct kvm_regs regs;
	struct runner r;

	w = vcpu_new(v->vm, 1);
	vcpu_long(w);
	load_guest(v->vm, 0x20000, halts_masked);
	regs = get_regs(w);
	regs.rip = 0x20000;
	set_regs(w, &regs);
	OK(ioctl(w->fd, KVM_SET_MP_STATE, &s));
	RUN_TO(w, KVM_EXIT_IO);
	runner_start(&r, w);
	sleep_ms(20);
	EQ(r.done, 0);
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 1, 0, 0), 0);
	runner_join(&r);
	EQ(r.result, 0);
	EQ(w->run->io.port, 0x11);
	/* Before the HLT it counts as well. */
	set_regs(w, &regs);
	RUN_TO(w, KVM_EXIT_IO);
	EQ(w->run->io.port, 0x10);
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 1, 0, 0), 0);
	RUN_TO(w, KVM_EXIT_IO);
	EQ(w->run->io.port, 0x11);
	/* Nobody is there. */
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 77, 0, 0), 0);
	EQ(hypercall(v, KVM_HC_SCHED_YIELD, 1, 0, 0, 0), 0);
	EQ(hypercall(v, KVM_HC_SCHED_YIELD, 77, 0, 0, 0), 0);
}

GUEST(64, takes_interrupts,
      "mov $0xfee000f0, %eax\n"
      "movl $0x1ff, (%rax)\n"
      "lock incl 0xc000\n"
      "sti\n"
      "1: hlt\n"
      "jmp 1b\n");

static void send_ipi(void)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = call_guest(true), *w[2];
	struct kvm_regs regs;
	struct runner r[2];
	unsigned int i;

	load_guest(v->vm, 0x20000, takes_interrupts);
	guest_exc(v)->eoi = 1;
	for (i = 0; i < 2; i++) {
		/* In the low word, and in the high one. */
		w[i] = vcpu_new(v->vm, i ? 70 : 1);
		vcpu_long(w[i]);
		regs = get_regs(w[i]);
		regs.rip = 0x20000;
		regs.rsp = GPA_STACK - 0x1000 * (i + 1);
		set_regs(w[i], &regs);
		OK(ioctl(w[i]->fd, KVM_SET_MP_STATE, &s));
		runner_start(&r[i], w[i]);
	}
	CHECK(await(guest_data(v, uint32_t)[0] == 2), "they do not start");
	EQ(hypercall(v, KVM_HC_SEND_IPI, 1 << 1, 1 << 6, 0, 0x4061), 2);
	CHECK(await(guest_exc(v)->count == 2), "came %lu times", guest_exc(v)->count);
	EQ(guest_exc(v)->counts[0x61], 2);
	/* By another base; CPUs that are not there; no destination modes. */
	EQ(hypercall(v, KVM_HC_SEND_IPI, 1, ~0ULL, 70, 0x4062), 1);
	CHECK(await(guest_exc(v)->counts[0x62] == 1), "not by the base");
	EQ(hypercall(v, KVM_HC_SEND_IPI, ~0ULL, ~0ULL, 2000, 0x4062), 0);
	EQ(hypercall(v, KVM_HC_SEND_IPI, ~0ULL, ~0ULL, 0xfffffff0, 0x4062), -KVM_EINVAL);
	EQ(hypercall(v, KVM_HC_SEND_IPI, 2, 0, 0, 0xc4062), -KVM_EINVAL);
	for (i = 0; i < 2; i++)
		runner_stop(&r[i]);
}

/* ---- paravirtual registers ---- */

static void steal_time(void)
{
	struct vcpu *v = guest(64, halts);
	struct kvm_steal_time *st = (void *)(v->vm->mem + GPA_DATA);
	uint64_t value = 0;

	EQ(set_msr(v, MSR_KVM_STEAL_TIME, GPA_DATA | 2 | 1), 0);
	EQ(set_msr(v, MSR_KVM_STEAL_TIME, GPA_DATA | 1), 1);
	EQ(get_msr(v, MSR_KVM_STEAL_TIME, &value), 1);
	EQ(value, GPA_DATA | 1);
	RUN_TO(v, KVM_EXIT_HLT);
	CHECK(st->version >= 2 && !(st->version & 1), "version %u", st->version);
	EQ(set_msr(v, MSR_KVM_STEAL_TIME, 0), 1);
	EQ(set_msr(v, MSR_KVM_POLL_CONTROL, 2), 0);
	EQ(set_msr(v, MSR_KVM_POLL_CONTROL, 0), 1);
	/* An address without memory does no harm. */
	EQ(set_msr(v, MSR_KVM_STEAL_TIME, GPA_MMIO | 1), 1);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void enforced(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
		.args[0] = 1,
	};
	struct vcpu *v = call_guest(false);
	struct kvm_cpuid2 none = { };
	uint64_t value;

	EQ(get_msr(v, MSR_KVM_STEAL_TIME, &value), 1);
	OK(ioctl(v->fd, KVM_SET_CPUID2, &none));
	OK(ioctl(v->fd, KVM_ENABLE_CAP, &cap));
	EQ(get_msr(v, MSR_KVM_STEAL_TIME, &value), 0);
	EQ(get_msr(v, MSR_KVM_SYSTEM_TIME_NEW, &value), 0);
	EQ(set_msr(v, MSR_KVM_WALL_CLOCK, 0), 0);
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 0, 0, 0), -KVM_ENOSYS);
	EQ(hypercall(v, KVM_HC_SCHED_YIELD, 0, 0, 0, 0), -KVM_ENOSYS);
	cap.flags = 1;
	FAILS(ioctl(v->fd, KVM_ENABLE_CAP, &cap), EINVAL);
}

static const struct test tests[] = {
	{ "stats_fd", stats_fd },
	{ "tsc_offset", tsc_offset },
	{ "xcomp_attr", xcomp_attr },
	{ "pre_fault", pre_fault },
	{ "dirty_ring", dirty_ring },
	{ "dirty_ring_full", dirty_ring_full },
	{ "dirty_ring_forged", dirty_ring_forged },
	{ "dirty_ring_errors", dirty_ring_errors },
	{ "platform_info", platform_info },
	{ "switches", switches },
	{ "hlt_inside", hlt_inside },
	{ "vm_clock", vm_clock },
	{ "coalesced", coalesced },
	{ "triple_fault_event", triple_fault_event },
	{ "machine_check", machine_check },
	{ "patched_hypercall", patched_hypercall },
	{ "hypercall_read_only", hypercall_read_only },
	{ "kick", kick },
	{ "send_ipi", send_ipi },
	{ "steal_time", steal_time },
	{ "enforced", enforced },
};

TEST_SUITE(tests);
