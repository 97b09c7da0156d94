// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory is the process's memory: what the process does to its mappings
 * a running guest sees at once, on every CPU.
 */
#include <signal.h>
#include <sys/mman.h>

#include "vm.h"

#define PAGE	0x1000UL
#define HUGE	0x200000UL
#define GPA	0x40000000UL

/* Copies the word at GPA to GPA_DATA for ever. */
GUEST(64, watch,
      "mov $0x40000000, %ebx\n"
      "1: mov (%rbx), %rax\n"
      "mov %rax, 0xc008\n"
      "incq 0xc000\n"
      "jmp 1b\n");

/* Writes a counter to GPA for ever. */
GUEST(64, writer,
      "mov $0x40000000, %ebx\n"
      "1: inc %rax\n"
      "mov %rax, (%rbx)\n"
      "incq 0xc000\n"
      "jmp 1b\n");

static struct vcpu *with_slot(const uint8_t *code, const uint8_t *end,
			      uint32_t flags, void *mem, size_t size)
{
	struct vcpu *v = guest_bytes(64, code, end - code);

	OK(vm_slot(v->vm, 1, flags, GPA, size, mem));
	return v;
}

#define WITH_SLOT(name, flags, mem, size) \
	with_slot(name, name##_end, flags, mem, size)

static void dontneed(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(watch, 0, mem, 16 * PAGE);
	volatile uint64_t *data = guest_data(v, uint64_t);
	unsigned long i, n = scale(60, 12);
	struct runner r;

	mem[0] = 1;
	runner_start(&r, v);
	for (i = 1; i <= n; i++) {
		mem[0] = i;
		CHECK(await(data[1] == i), "the guest does not see %lu", i);
		OK(madvise(mem, PAGE, MADV_DONTNEED));
		CHECK(guest_progress(v, 2), "the guest hangs");
		EQ(data[1], 0);
	}
	runner_stop(&r);
	EQ(r.result, -EINTR);
}

/* Another file or another page under the same address. */
static void remapped(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(watch, 0, mem, 16 * PAGE);
	volatile uint64_t *data = guest_data(v, uint64_t);
	unsigned long i, n = scale(40, 8);
	struct runner r;

	runner_start(&r, v);
	for (i = 1; i <= n; i++) {
		uint64_t *fresh = mem_alloc(PAGE);

		*fresh = i;
		REQUIRE(mremap(fresh, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       mem) == mem, "mremap: %s", strerror(errno));
		CHECK(guest_progress(v, 2), "the guest hangs");
		EQ(data[1], i);
	}
	runner_stop(&r);
}

/*
 * The classic: pages that the process gave back while a guest on another CPU
 * was writing to them must get no more writes.
 */
static void no_write_after_unmap(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(writer, 0, mem, 16 * PAGE);
	unsigned long i, n = scale(60, 12);
	uint64_t *old = mem_alloc(PAGE), *p, first, seen;
	volatile uint64_t *count = guest_data(v, uint64_t);
	struct runner r;

	runner_start(&r, v);
	CHECK(guest_progress(v, 10), "the guest does not run");
	for (i = 0; i < n; i++) {
		/* Move the page away; the guest gets a fresh one at mem. */
		p = mremap(mem, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, old);
		REQUIRE(p == old, "mremap: %s", strerror(errno));
		first = *(volatile uint64_t *)old;
		REQUIRE(mmap(mem, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
			mem, "mmap: %s", strerror(errno));
		/* In the moment without a mapping RUN may have said EFAULT. */
		seen = *count;
		CHECK(await(*count > seen + 10 || r.done), "the guest hangs");
		if (r.done) {
			EQ(r.result, -EFAULT);
			runner_join(&r);
			runner_start(&r, v);
			CHECK(guest_progress(v, 10), "the guest hangs");
		}
		EQ(*(volatile uint64_t *)old, first);
	}
	runner_stop(&r);
}

static void mprotect_read_only(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(writer, 0, mem, 16 * PAGE);
	unsigned long i, n = scale(20, 5);
	struct runner r;
	uint64_t seen;

	for (i = 0; i < n; i++) {
		runner_start(&r, v);
		CHECK(guest_progress(v, 10), "the guest does not run");
		OK(mprotect(mem, PAGE, PROT_READ));
		seen = *(volatile uint64_t *)mem;
		CHECK(await(r.done), "the guest goes on");
		EQ(r.result, -EFAULT);
		EQ(*(volatile uint64_t *)mem, seen);
		runner_join(&r);
		OK(mprotect(mem, PAGE, PROT_READ | PROT_WRITE));
	}
}

static void mprotect_none(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(watch, 0, mem, 16 * PAGE);
	struct runner r;

	runner_start(&r, v);
	CHECK(guest_progress(v, 10), "the guest does not run");
	OK(mprotect(mem, PAGE, PROT_NONE));
	CHECK(await(r.done), "the guest goes on");
	EQ(r.result, -EFAULT);
	runner_join(&r);
}

/* A guest that only reads gets a shared page read-only, the zero page too. */
static void copy_on_write(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(watch, 0, mem, 16 * PAGE);
	volatile uint64_t *data = guest_data(v, uint64_t);
	struct runner r;
	pid_t pid;

	runner_start(&r, v);
	CHECK(guest_progress(v, 10), "the guest does not run");
	EQ(data[1], 0);
	mem[0] = 5;
	CHECK(await(data[1] == 5), "the guest still has the zero page");
	/* fork() shares it; the parent's write makes a copy for the parent. */
	pid = OK(fork());
	if (!pid) {
		sleep_ms(200);
		_exit(0);
	}
	mem[0] = 6;
	CHECK(await(data[1] == 6), "the guest still has the child's page");
	runner_stop(&r);
}

/* The guest's own writes break sharing as well: a fork()ed child keeps its. */
static void guest_write_after_fork(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE);
	struct vcpu *v = WITH_SLOT(writer, 0, mem, 16 * PAGE);
	int up[2], down[2];
	struct runner r;
	uint64_t seen[2];
	char c = 0;
	pid_t pid;

	OK(pipe(up));
	OK(pipe(down));
	runner_start(&r, v);
	CHECK(guest_progress(v, 10), "the guest does not run");
	pid = OK(fork());
	if (!pid) {
		seen[0] = *(volatile uint64_t *)mem;
		OK(read(down[0], &c, 1));
		seen[1] = *(volatile uint64_t *)mem;
		OK(write(up[1], seen, sizeof(seen)));
		_exit(0);
	}
	CHECK(guest_progress(v, 10), "the guest hangs");
	OK(write(down[1], &c, 1));
	OK(read(up[0], seen, sizeof(seen)));
	EQ(seen[0], seen[1]);
	runner_stop(&r);
}

/* A read-only slot: reads are memory, writes are MMIO. */
GUEST(64, rom,
      "mov $0x40000000, %ebx\n"
      "mov (%rbx), %eax\n"
      "out %al, $0x10\n"
      "movb $0x55, 8(%rbx)\n"
      "mov 8(%rbx), %eax\n"
      "out %al, $0x11\n"
      "movl $0x12345678, 0x10(%rbx)\n"
      "hlt\n");

static void read_only_slot(void)
{
	uint8_t *mem = mem_alloc(PAGE);
	struct vcpu *v = WITH_SLOT(rom, KVM_MEM_READONLY, mem, PAGE);

	mem[0] = 0x99;
	mem[8] = 0x11;
	RUN_TO_OUT(v, 0x10, 0x99);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.is_write, 1);
	EQ(v->run->mmio.phys_addr, GPA + 8);
	EQ(v->run->mmio.len, 1);
	EQ(v->run->mmio.data[0], 0x55);
	RUN_TO_OUT(v, 0x11, 0x11);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.len, 4);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(mem[8], 0x11);
	EQ(mem[16], 0);
}

/* Its backing may be memory that the process cannot write either. */
static void read_only_backing(void)
{
	uint8_t *mem = mem_alloc(PAGE);
	struct vcpu *v = WITH_SLOT(rom, KVM_MEM_READONLY, mem, PAGE);

	mem[0] = 0x98;
	OK(mprotect(mem, PAGE, PROT_READ));
	RUN_TO_OUT(v, 0x10, 0x98);
	RUN_TO(v, KVM_EXIT_MMIO);
}

/* Two slots may show the same memory twice. */
GUEST(64, alias,
      "mov $0x40000000, %ebx\n"
      "mov $0x50000000, %ecx\n"
      "movl $0x1234, 0x10(%rbx)\n"
      "mov 0x10(%rcx), %eax\n"
      "movl $0x4321, 0x14(%rcx)\n"
      "mov 0x14(%rbx), %edx\n"
      "hlt\n");

static void aliased(void)
{
	uint8_t *mem = mem_alloc(PAGE);
	struct vcpu *v = WITH_SLOT(alias, 0, mem, PAGE);

	OK(vm_slot(v->vm, 2, 0, 0x50000000, PAGE, mem));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax, 0x1234);
	EQ(get_regs(v).rdx, 0x4321);
}

/* Large pages: aligned alike in guest and process, and split when it ends. */
static uint8_t *huge_alloc(size_t size)
{
	uint8_t *p = mem_alloc(size + HUGE);

	p = (uint8_t *)(((uintptr_t)p + HUGE - 1) & -HUGE);
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

GUEST(64, fill,
      "mov $0x40000000, %rdi\n"
      "mov %rdi, %rax\n"
      "1: mov %rax, (%rdi)\n"
      "add $0x1000, %rdi\n"
      "mov %rdi, %rax\n"
      "loop 1b\n"
      "hlt\n");

/* Runs fill over all of @mem, and looks at what it wrote. */
static void run_fill(struct vcpu *v, uint8_t *mem, size_t size)
{
	struct kvm_regs regs = get_regs(v);
	size_t i;

	memset(mem, 0, size);
	regs.rcx = size / PAGE;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	for (i = 0; i < size; i += PAGE)
		REQUIRE(*(uint64_t *)(mem + i) == GPA + i,
			"page 0x%zx has 0x%lx", i, *(uint64_t *)(mem + i));
}

static void large_pages(void)
{
	size_t size = 3 * HUGE;
	uint8_t *mem = huge_alloc(size);
	struct vcpu *v = WITH_SLOT(fill, 0, mem, size);
	struct kvm_regs regs = get_regs(v);

	run_fill(v, mem, size);
	/* Take one small page out of the middle, and run again. */
	OK(madvise(mem + HUGE + 5 * PAGE, PAGE, MADV_DONTNEED));
	OK(mprotect(mem + HUGE + 9 * PAGE, PAGE, PROT_READ));
	EQ(mem[HUGE + 5 * PAGE], 0);
	vcpu_long(v);
	regs.rcx = size / PAGE;
	set_regs(v, &regs);
	EQ(vcpu_run(v), -EFAULT);
	EQ(get_regs(v).rdi, GPA + HUGE + 9 * PAGE);
	OK(mprotect(mem + HUGE + 9 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(*(uint64_t *)(mem + HUGE + 5 * PAGE), GPA + HUGE + 5 * PAGE);
}

/* Misaligned against each other no large page may be used. */
static void large_pages_misaligned(void)
{
	size_t size = 2 * HUGE;
	uint8_t *mem = huge_alloc(size + HUGE) + 3 * PAGE;
	struct vcpu *v = WITH_SLOT(fill, 0, mem, size);

	run_fill(v, mem, size);
	EQ(*(uint64_t *)(mem - PAGE), 0);
	EQ(*(uint64_t *)(mem + size), 0);
}

/* A slot of 1 TiB costs nothing until it is touched. */
GUEST(64, far,
      "mov $0x40000000, %ebx\n"
      "movb $1, (%rbx)\n"
      "movb $2, 0x3fffff00(%rbx)\n"
      "hlt\n");

static void sparse(void)
{
	size_t size = 1UL << 40;
	uint8_t *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct vcpu *v;

	if (mem == MAP_FAILED)
		test_skip("no 1 TiB of address space: %s", strerror(errno));
	v = guest(64, far);
	/* Where the CPU has fewer address bits, less has to do. */
	while (vm_slot(v->vm, 1, 0, GPA, size, mem) && size > HUGE)
		size /= 2;
	diag("a slot of %zu GiB", size >> 30);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(mem[0], 1);
	EQ(mem[0x3fffff00], 2);
	OK(vm_slot(v->vm, 1, 0, GPA, 0, mem));
}

static const struct test tests[] = {
	{ "dontneed", dontneed },
	{ "remapped", remapped },
	{ "no_write_after_unmap", no_write_after_unmap },
	{ "mprotect_read_only", mprotect_read_only },
	{ "mprotect_none", mprotect_none },
	{ "copy_on_write", copy_on_write },
	{ "guest_write_after_fork", guest_write_after_fork },
	{ "read_only_slot", read_only_slot },
	{ "read_only_backing", read_only_backing },
	{ "aliased", aliased },
	{ "large_pages", large_pages },
	{ "large_pages_misaligned", large_pages_misaligned },
	{ "sparse", sparse },
};

TEST_SUITE(tests);
