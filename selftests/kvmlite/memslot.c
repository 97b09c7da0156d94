// SPDX-License-Identifier: GPL-2.0
/* Memory slots: what is refused, and changes under a running vCPU. */
#include <signal.h>
#include <sys/mman.h>

#include "vm.h"

#define PAGE 0x1000UL

static int slot2(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
		 uint64_t size, void *hva)
{
	struct kvm_userspace_memory_region2 r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &r);
}

static void alignment(void)
{
	struct vm *vm = vm_bare();
	uint8_t *mem = mem_alloc(16 * PAGE);

	FAILS(vm_slot(vm, 0, 0, 1, PAGE, mem), EINVAL);
	FAILS(vm_slot(vm, 0, 0, 0, PAGE - 1, mem), EINVAL);
	FAILS(vm_slot(vm, 0, 0, 0, PAGE + 1, mem), EINVAL);
	FAILS(vm_slot(vm, 0, 0, 0, PAGE, mem + 1), EINVAL);
	OK(vm_slot(vm, 0, 0, 0, PAGE, mem));
}

static void bounds(void)
{
	struct vm *vm = vm_bare();
	uint8_t *mem = mem_alloc(16 * PAGE);
	int n = kvm_cap(vm->fd, KVM_CAP_NR_MEMSLOTS);

	/* Wraps around, in the guest and in the process. */
	FAILS(vm_slot(vm, 0, 0, -PAGE, 2 * PAGE, mem), EINVAL);
	FAILS(vm_slot(vm, 0, 0, 0, 2 * PAGE, (void *)-PAGE), EINVAL);
	/* Not a user address at all. */
	FAILS(vm_slot(vm, 0, 0, 0, PAGE, (void *)0xffff888000000000UL), EINVAL);
	/* Deleting what is not there. */
	FAILS(vm_slot(vm, 0, 0, 0, 0, mem), EINVAL);
	OK(vm_slot(vm, n - 1, 0, 0, PAGE, mem));
	FAILS(vm_slot(vm, n, 0, 2 * PAGE, PAGE, mem), EINVAL);
	FAILS(vm_slot(vm, 0xffff, 0, 2 * PAGE, PAGE, mem), EINVAL);
	/* A second address space (SMM) does not exist unless it says so. */
	if (kvm_cap(vm->fd, KVM_CAP_MULTI_ADDRESS_SPACE) <= 1)
		FAILS(vm_slot(vm, 1 << 16, 0, 0, PAGE, mem), EINVAL);
	FAILS(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, (void *)8), EFAULT);
}

static void flags(void)
{
	struct vm *vm = vm_bare();
	uint8_t *mem = mem_alloc(16 * PAGE);

	FAILS(vm_slot(vm, 0, 1 << 8, 0, PAGE, mem), EINVAL);
	FAILS(vm_slot(vm, 0, 1u << 31, 0, PAGE, mem), EINVAL);
	OK(vm_slot(vm, 0, 0, 0, PAGE, mem));
	/* Read-only is decided when the slot is made. */
	FAILS(vm_slot(vm, 0, KVM_MEM_READONLY, 0, PAGE, mem), EINVAL);
	/* Nor can its size or its memory change. */
	FAILS(vm_slot(vm, 0, 0, 0, 2 * PAGE, mem), EINVAL);
	FAILS(vm_slot(vm, 0, 0, 0, PAGE, mem + PAGE), EINVAL);
	/* The same again is no change; a move is one. */
	OK(vm_slot(vm, 0, 0, 0, PAGE, mem));
	OK(vm_slot(vm, 0, 0, 8 * PAGE, PAGE, mem));
	OK(vm_slot(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 8 * PAGE, PAGE, mem));
	OK(vm_slot(vm, 0, 0, 8 * PAGE, 0, mem));
}

static void overlap(void)
{
	struct vm *vm = vm_bare();
	uint8_t *mem = mem_alloc(64 * PAGE);

	OK(vm_slot(vm, 0, 0, 16 * PAGE, 4 * PAGE, mem));
	OK(vm_slot(vm, 1, 0, 32 * PAGE, 4 * PAGE, mem));
	FAILS(vm_slot(vm, 2, 0, 16 * PAGE, 4 * PAGE, mem), EEXIST);
	FAILS(vm_slot(vm, 2, 0, 19 * PAGE, PAGE, mem), EEXIST);
	FAILS(vm_slot(vm, 2, 0, 15 * PAGE, 2 * PAGE, mem), EEXIST);
	FAILS(vm_slot(vm, 2, 0, 0, 64 * PAGE, mem), EEXIST);
	FAILS(vm_slot(vm, 2, 0, 17 * PAGE, PAGE, mem), EEXIST);
	/* A move onto another is refused, and leaves it where it was. */
	FAILS(vm_slot(vm, 1, 0, 18 * PAGE, 4 * PAGE, mem), EEXIST);
	/* Exactly between them, and over where one has been. */
	OK(vm_slot(vm, 2, 0, 20 * PAGE, 12 * PAGE, mem));
	OK(vm_slot(vm, 0, 0, 16 * PAGE, 0, mem));
	OK(vm_slot(vm, 3, 0, 15 * PAGE, 5 * PAGE, mem));
	/* A slot may overlap where it itself is being moved from. */
	OK(vm_slot(vm, 1, 0, 33 * PAGE, 4 * PAGE, mem));
}

static void region2(void)
{
	struct vm *vm = vm_bare();
	uint8_t *mem = mem_alloc(16 * PAGE);

	if (!kvm_cap(vm->fd, KVM_CAP_USER_MEMORY2))
		test_skip("KVM_SET_USER_MEMORY_REGION2 is not there");
	OK(slot2(vm, 0, 0, 0, PAGE, mem));
	FAILS(slot2(vm, 1, 0, 0, PAGE, mem), EEXIST);
	FAILS(slot2(vm, 1, 0, PAGE + 1, PAGE, mem), EINVAL);
	/* guest_memfd is not half there. */
	if (!kvm_cap(vm->fd, 234))
		FAILS(slot2(vm, 1, 1 << 2, PAGE, PAGE, mem), EINVAL);
	FAILS(vm_slot(vm, 1, 1 << 2, PAGE, PAGE, mem), EINVAL);
	OK(slot2(vm, 0, 0, 0, 0, mem));
	OK(slot2(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGE, mem));
}

/* Many slots, in no order: each address reaches the right one. */
GUEST(64, sum_slots,
      "mov $0x40000000, %ebx\n"
      "1: mov (%rbx), %eax\n"
      "out %eax, $0x10\n"
      "add $0x2000, %ebx\n"
      "loop 1b\n"
      "hlt\n");

static void many_slots(void)
{
	struct vcpu *v = guest(64, sum_slots);
	unsigned int n = scale(200, 40), i;
	uint8_t *mem = mem_alloc(n * PAGE);
	struct kvm_regs regs = get_regs(v);

	for (i = 0; i < n; i++) {
		unsigned int k = (i * 17 + 5) % n;	/* 17 divides no n here */

		*(uint32_t *)(mem + k * PAGE) = k + 1000;
		OK(vm_slot(v->vm, 1 + i, 0, 0x40000000 + k * 2 * PAGE, PAGE,
			   mem + k * PAGE));
	}
	regs.rcx = n;
	set_regs(v, &regs);
	for (i = 0; i < n; i++)
		RUN_TO_OUT(v, 0x10, i + 1000);
	RUN_TO(v, KVM_EXIT_HLT);
}

/* Where no slot is any more, an access is MMIO again. */
GUEST(64, touch_twice,
      "mov $0x40000000, %ebx\n"
      "mov (%rbx), %eax\n"
      "out %al, $0x10\n"
      "mov (%rbx), %eax\n"
      "out %al, $0x11\n"
      "mov (%rbx), %eax\n"
      "hlt\n");

static void deleted_slot(void)
{
	struct vcpu *v = guest(64, touch_twice);
	uint8_t *mem = mem_alloc(2 * PAGE);

	mem[0] = 0x11;
	mem[PAGE] = 0x22;
	OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, mem));
	RUN_TO_OUT(v, 0x10, 0x11);
	OK(vm_slot(v->vm, 1, 0, 0x40000000, 0, mem));
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(v->run->mmio.phys_addr, 0x40000000);
	v->run->mmio.data[0] = 0x33;
	RUN_TO_OUT(v, 0x11, 0x33);
	OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, mem + PAGE));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax & 0xff, 0x22);
}

static void moved_slot(void)
{
	struct vcpu *v = guest(64, touch_twice);
	uint8_t *mem = mem_alloc(PAGE);

	mem[0] = 0x44;
	OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, mem));
	RUN_TO_OUT(v, 0x10, 0x44);
	OK(vm_slot(v->vm, 1, 0, 0x50000000, PAGE, mem));
	RUN_TO(v, KVM_EXIT_MMIO);
	OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, mem));
	RUN_TO(v, KVM_EXIT_IO);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax & 0xff, 0x44);
}

/*
 * The guest reads one address for ever while its slot is deleted, moved and
 * made anew on another thread: it sees the memory or MMIO, nothing else.
 */
GUEST(64, reader,
      "mov $0x40000000, %ebx\n"
      "1: mov (%rbx), %rax\n"
      "incq 0xc000\n"
      "cmp $0x5a5a, %rax\n"
      "je 1b\n"
      "cmp $0x7777, %rax\n"
      "je 1b\n"
      "mov %rax, 0xc008\n"
      "out %al, $0x10\n"
      "hlt\n");

struct reader {
	struct vcpu *v;
	volatile int stop, failed;
	unsigned long mmio;
};

static void *read_loop(void *arg)
{
	struct reader *r = arg;
	struct kvm_run *run = r->v->run;
	uint64_t value = 0x7777;
	int e;

	while (!r->stop) {
		e = vcpu_run(r->v);
		if (e == -EINTR || e == -EAGAIN)
			continue;
		if (e || run->exit_reason != KVM_EXIT_MMIO ||
		    run->mmio.phys_addr != 0x40000000 || run->mmio.is_write) {
			test_fail(__FILE__, __LINE__,
				  "RUN: %d, exit %u (%s), the guest saw 0x%lx",
				  e, run->exit_reason,
				  exit_name(run->exit_reason),
				  guest_data(r->v, uint64_t)[1]);
			r->failed = 1;
			break;
		}
		r->mmio++;
		memcpy(run->mmio.data, &value, 8);
	}
	return NULL;
}

static void under_running_vcpu(void)
{
	struct vcpu *v = guest(64, reader);
	volatile uint64_t *count = guest_data(v, uint64_t);
	unsigned long n = scale(80, 20), i;
	uint64_t *mem = mem_alloc(PAGE), seen;
	struct reader r = { .v = v };
	pthread_t thread;
	void *hva = mem;

	mem[0] = 0x5a5a;
	OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, hva));
	catch_signal(SIGUSR1);
	pthread_create(&thread, NULL, read_loop, &r);
	CHECK(await(*count > 10), "the guest does not run");
	for (i = 0; i < n && !r.failed; i++) {
		if (i & 1) {
			OK(vm_slot(v->vm, 1, 0, 0x40000000, 0, hva));
		} else {
			OK(vm_slot(v->vm, 1, 0, 0x60000000, PAGE, hva));
			OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, hva));
			continue;
		}
		/* While it is away nothing but MMIO is seen. */
		mem[0] = 0xbad;
		seen = *count;
		CHECK(await(*count > seen + 2 || r.failed), "the guest hangs");
		mem[0] = 0x5a5a;
		OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, hva));
	}
	/* Other slots come and go beside it. */
	for (i = 0; i < n && !r.failed; i++) {
		OK(vm_slot(v->vm, 2, i & 2 ? KVM_MEM_LOG_DIRTY_PAGES : 0,
			   0x70000000 + (i % 7) * PAGE, PAGE, hva));
		OK(vm_slot(v->vm, 2, 0, 0x70000000, 0, hva));
	}
	r.stop = 1;
	while (pthread_tryjoin_np(thread, NULL)) {
		pthread_kill(thread, SIGUSR1);
		sleep_ms(1);
	}
	CHECK(r.failed || r.mmio, "the guest never saw the slot missing");
	diag("%lu changes, %lu MMIO reads, %lu reads in all", 3 * n, r.mmio,
	     (unsigned long)*count);
}

/* The code itself loses its slot. */
static void code_disappears(void)
{
	struct vcpu *v = guest(64, reader);
	uint64_t *mem = mem_alloc(PAGE);
	struct runner r;

	mem[0] = 0x5a5a;
	OK(vm_slot(v->vm, 1, 0, 0x40000000, PAGE, mem));
	runner_start(&r, v);
	CHECK(await(*guest_data(v, uint64_t) > 10), "the guest does not run");
	OK(vm_slot(v->vm, 0, 0, 0, 0, v->vm->mem));
	sleep_ms(20);
	runner_stop(&r);
	CHECK(!r.result || r.result == -EINTR, "KVM_RUN: %s",
	      strerror(-r.result));
}

static const struct test tests[] = {
	{ "alignment", alignment },
	{ "bounds", bounds },
	{ "flags", flags },
	{ "overlap", overlap },
	{ "region2", region2 },
	{ "many_slots", many_slots },
	{ "deleted_slot", deleted_slot },
	{ "moved_slot", moved_slot },
	{ "under_running_vcpu", under_running_vcpu },
	{ "code_disappears", code_disappears },
};

TEST_SUITE(tests);
