// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty rings: each vCPU tells of the pages that its guest writes to, in memory
 * that it shares with the VMM.
 */
#include <sys/mman.h>

#include "host.h"
#include "vm.h"

#define GPA		0x40000000UL
/* x86's; not in every <asm/kvm.h>. */
#define RING_PAGE	64

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

	OK(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING, RING_ENTRIES * sizeof(*ring)));
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
	FAILS(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING, 0), EINVAL);
	FAILS(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING, 3 * 4096), EINVAL);
	FAILS(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING, 512), EINVAL);
	FAILS(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING, 65536 * 32), E2BIG);
	OK(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, size));
	FAILS(vm_enable(vm, KVM_CAP_DIRTY_LOG_RING, size), EINVAL);
	v = vcpu_new(vm, 0);
	CHECK(mmap(NULL, size, PROT_READ, MAP_PRIVATE, v->fd, RING_PAGE * 4096) ==
	      MAP_FAILED && errno == EINVAL, "private");
	CHECK(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, v->fd,
		   RING_PAGE * 4096) == MAP_FAILED && errno == EINVAL,
	      "executable");
	CHECK(mmap(NULL, size + 4096, PROT_READ, MAP_SHARED, v->fd,
		   RING_PAGE * 4096) == MAP_FAILED || !is_kvmlite(), "too much");
	v = vcpu_new(without, 0);
	FAILS(vm_enable(without, KVM_CAP_DIRTY_LOG_RING, size), EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, v->fd, RING_PAGE * 4096) ==
	      MAP_FAILED || !is_kvmlite(), "a ring that is not there");
}

static const struct test tests[] = {
	{ "dirty_ring", dirty_ring },
	{ "dirty_ring_full", dirty_ring_full },
	{ "dirty_ring_forged", dirty_ring_forged },
	{ "dirty_ring_errors", dirty_ring_errors },
};

TEST_SUITE(tests);
