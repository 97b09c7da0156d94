// SPDX-License-Identifier: GPL-2.0
/* The dirty log names exactly the pages that were written. */
#include <sys/mman.h>

#include "vm.h"

#define PAGE	0x1000UL
#define GPA	0x40000000UL
#define PAGES	1024UL		/* 4 MiB: with large pages to be split */

static uint64_t bitmap[PAGES / 64];

static bool dirty(unsigned long page)
{
	return bitmap[page / 64] >> (page % 64) & 1;
}

static unsigned int count_dirty(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(bitmap); i++)
		n += __builtin_popcountll(bitmap[i]);
	return n;
}

static void get_log(struct vm *vm)
{
	struct kvm_dirty_log log = { .slot = 1 };

	memset(bitmap, 0xff, sizeof(bitmap));
	log.dirty_bitmap = bitmap;
	OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
}

static uint8_t *backing(void)
{
	uint8_t *p = mem_alloc(PAGES * PAGE + 0x200000);

	p = (uint8_t *)(((uintptr_t)p + 0x1fffff) & ~0x1fffffUL);
	madvise(p, PAGES * PAGE, MADV_HUGEPAGE);
	memset(p, 0, PAGES * PAGE);
	return p;
}

static void log_slot(struct vm *vm, uint8_t *mem, bool on)
{
	OK(vm_slot(vm, 1, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, GPA, PAGES * PAGE,
		   mem));
}

/* Writes the page RDI, RCX times RDX bytes apart, and stops; again and again. */
GUEST(64, store,
      "1: movb $1, (%rdi)\n"
      "add %rdx, %rdi\n"
      "loop 1b\n"
      "hlt\n"
      "jmp 1b\n");

GUEST(64, load,
      "1: mov (%rdi), %al\n"
      "add %rdx, %rdi\n"
      "loop 1b\n"
      "hlt\n"
      "jmp 1b\n");

static void touch(struct vcpu *v, uint64_t first, uint64_t n, uint64_t step)
{
	struct kvm_regs regs = get_regs(v);

	regs.rdi = GPA + first * PAGE;
	regs.rcx = n;
	regs.rdx = step * PAGE;
	regs.rip = GPA_CODE;
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void exact_pages(void)
{
	struct vcpu *v = guest(64, store);
	uint8_t *mem = backing();
	unsigned long i;

	log_slot(v->vm, mem, true);
	get_log(v->vm);
	EQ(count_dirty(), 0);
	touch(v, 3, 10, 7);
	get_log(v->vm);
	EQ(count_dirty(), 10);
	for (i = 0; i < 10; i++)
		CHECK(dirty(3 + 7 * i), "page %lu is missing", 3 + 7 * i);
	/* Reading the log cleared it. */
	get_log(v->vm);
	EQ(count_dirty(), 0);
	/* And the same pages can get dirty again. */
	touch(v, 3, 5, 7);
	get_log(v->vm);
	EQ(count_dirty(), 5);
	touch(v, PAGES - 1, 1, 1);
	get_log(v->vm);
	EQ(count_dirty(), 1);
	CHECK(dirty(PAGES - 1), "the last page is missing");
}

static void reads_are_clean(void)
{
	struct vcpu *v = guest(64, load);
	uint8_t *mem = backing();

	if (!is_kvmlite())
		test_skip("KVM maps what is read writable, and logs it");
	log_slot(v->vm, mem, true);
	touch(v, 0, 64, 3);
	get_log(v->vm);
	EQ(count_dirty(), 0);
	/* What user space writes by itself is its own business. */
	mem[5 * PAGE] = 1;
	get_log(v->vm);
	EQ(count_dirty(), 0);
}

/* Pages that were mapped writable, and large, before the log was on. */
static void enabled_later(void)
{
	struct vcpu *v = guest(64, store);
	uint8_t *mem = backing();

	log_slot(v->vm, mem, false);
	touch(v, 0, PAGES, 1);
	log_slot(v->vm, mem, true);
	get_log(v->vm);
	EQ(count_dirty(), 0);
	touch(v, 100, 3, 200);
	get_log(v->vm);
	EQ(count_dirty(), 3);
	CHECK(dirty(100) && dirty(300) && dirty(500), "other pages");
	/* Off and on again: it begins empty. */
	touch(v, 7, 1, 1);
	log_slot(v->vm, mem, false);
	touch(v, 0, 20, 1);
	log_slot(v->vm, mem, true);
	get_log(v->vm);
	EQ(count_dirty(), 0);
	touch(v, 9, 1, 1);
	get_log(v->vm);
	EQ(count_dirty(), 1);
	CHECK(dirty(9), "another page");
}

/* Pages that the kernel writes for the guest: string input, MMIO's target. */
GUEST(64, by_ins,
      "mov $0x1f0, %edx\n"
      "mov $0x40005ffe, %edi\n"
      "mov $4, %ecx\n"
      "cld\n"
      "rep insb\n"
      "mov $0xd0000000, %esi\n"
      "mov $0x40009000, %edi\n"
      "movsl\n"
      "hlt\n");

static void written_by_the_kernel(void)
{
	struct vcpu *v = guest(64, by_ins);
	uint8_t *mem = backing();
	int r;

	log_slot(v->vm, mem, true);
	while (!(r = vcpu_run(v)) && v->run->exit_reason != KVM_EXIT_HLT) {
		if (v->run->exit_reason == KVM_EXIT_IO)
			memset(io_data(v), 0x33,
			       v->run->io.size * v->run->io.count);
		else if (v->run->exit_reason == KVM_EXIT_MMIO)
			memset(v->run->mmio.data, 0x44, 8);
		else
			break;
	}
	EQ(r, 0);
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	EQ(mem[0x5fff], 0x33);
	EQ(mem[0x6001], 0x33);
	EQ(mem[0x9003], 0x44);
	get_log(v->vm);
	EQ(count_dirty(), 3);
	CHECK(dirty(5) && dirty(6) && dirty(9), "other pages");
}

/* The guest's page tables get accessed and dirty bits: those are writes. */
GUEST(64, use_tables,
      "mov $0x40000000, %eax\n"
      "mov %rax, %cr3\n"
      "movb $1, 0xc000\n"
      "hlt\n");

static void page_tables(void)
{
	struct vcpu *v = guest(64, use_tables);
	uint8_t *mem = backing();
	uint64_t *t = (uint64_t *)mem;

	t[0] = (GPA + PAGE) | 7;
	t[512] = (GPA + 2 * PAGE) | 7;
	t[1024] = 0x87;
	log_slot(v->vm, mem, true);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(t[0] & 0x20, 0x20);
	EQ(t[1024] & 0x60, 0x60);
	get_log(v->vm);
	CHECK(dirty(0), "the PML4 is missing");
	CHECK(dirty(2), "the page directory is missing");
	CHECK(count_dirty() <= 3, "%u pages", count_dirty());
}

/* With KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, CLEAR_DIRTY_LOG does the clearing. */
static void clear_dirty_log(void)
{
	struct vcpu *v = guest(64, store);
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
	};
	struct kvm_clear_dirty_log clear = { .slot = 1 };
	uint64_t ask[PAGES / 64] = { };
	uint8_t *mem = backing();

	if (!kvm_cap(v->vm->fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2))
		test_skip("no KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	OK(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap));
	log_slot(v->vm, mem, true);
	touch(v, 0, 10, 1);
	get_log(v->vm);
	EQ(count_dirty(), 10);
	get_log(v->vm);
	EQ(count_dirty(), 10);
	/* The first and the third word's worth are cleared as asked. */
	ask[0] = 0x0f;
	clear.dirty_bitmap = ask;
	clear.first_page = 0;
	clear.num_pages = 64;
	OK(ioctl(v->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
	get_log(v->vm);
	EQ(count_dirty(), 6);
	touch(v, 2, 1, 1);
	get_log(v->vm);
	EQ(count_dirty(), 7);
	clear.first_page = 1;
	FAILS(ioctl(v->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.first_page = 0;
	clear.num_pages = 65;
	FAILS(ioctl(v->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.first_page = PAGES;
	clear.num_pages = 64;
	FAILS(ioctl(v->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.slot = 7;
	clear.first_page = 0;
	FAILS(ioctl(v->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), ENOENT);
	get_log(v->vm);
	EQ(count_dirty(), 7);
}

/*
 * A running guest writes pages in turn; the log read meanwhile, and once at
 * the end, together name each of them at least once and no other.
 */
GUEST(64, store_forever,
      "2: mov $0x40000000, %edi\n"
      "mov $512, %ecx\n"
      "1: incl (%rdi)\n"
      "add $0x2000, %rdi\n"
      "loop 1b\n"
      "incq 0xc000\n"
      "jmp 2b\n");

static void while_running(void)
{
	struct vcpu *v = guest(64, store_forever);
	uint8_t *mem = backing();
	volatile uint64_t *rounds = guest_data(v, uint64_t);
	uint32_t *copy = calloc(PAGES, sizeof(*copy));
	unsigned long i, n = scale(30, 5), k;
	struct runner r;

	log_slot(v->vm, mem, true);
	runner_start(&r, v);
	for (k = 0; k < n; k++) {
		uint64_t from = *rounds;

		CHECK(await(*rounds > from + 1), "the guest hangs");
		get_log(v->vm);
		for (i = 0; i < PAGES; i++) {
			if (dirty(i))
				copy[i] = *(volatile uint32_t *)(mem + i * PAGE);
			CHECK(!dirty(i) || !(i & 1), "page %lu", i);
		}
	}
	runner_stop(&r);
	get_log(v->vm);
	/* As in a migration: what is not dirty now was copied unchanged. */
	for (i = 0; i < PAGES; i++) {
		if (!dirty(i))
			CHECK(copy[i] == *(uint32_t *)(mem + i * PAGE),
			      "a write to page %lu was lost", i);
	}
}

static const struct test tests[] = {
	{ "exact_pages", exact_pages },
	{ "reads_are_clean", reads_are_clean },
	{ "enabled_later", enabled_later },
	{ "written_by_the_kernel", written_by_the_kernel },
	{ "page_tables", page_tables },
	{ "clear_dirty_log", clear_dirty_log },
	{ "while_running", while_running },
};

TEST_SUITE(tests);
