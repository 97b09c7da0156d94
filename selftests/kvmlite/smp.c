// SPDX-License-Identifier: GPL-2.0
/* Two vCPUs on two threads, sharing memory. */
#include <sched.h>
#include <sys/mman.h>

#include "vm.h"

#define GPA 0x40000000UL

/* Both add to one counter, RCX times, with and without being alone in it. */
GUEST(64, add_locked,
      "1: lock incq 0xc000\n"
      "loop 1b\n"
      "hlt\n");

static struct vcpu *start_second(struct vcpu *v)
{
	struct vcpu *w = vcpu_new(v->vm, 1);
	struct kvm_regs regs;

	vcpu_long(w);
	regs = get_regs(w);
	regs.rsp = GPA_STACK - 0x8000;
	set_regs(w, &regs);
	return w;
}

static void set_rcx(struct vcpu *v, uint64_t rcx)
{
	struct kvm_regs regs = get_regs(v);

	regs.rcx = rcx;
	set_regs(v, &regs);
}

static void atomic_add(void)
{
	struct vcpu *v = guest(64, add_locked), *w = start_second(v);
	unsigned long n = scale(200000, 20000);
	struct runner a, b;

	set_rcx(v, n);
	set_rcx(w, n);
	runner_start(&a, v);
	runner_start(&b, w);
	runner_join(&a);
	runner_join(&b);
	EQ(a.result, 0);
	EQ(b.result, 0);
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	EQ(w->run->exit_reason, KVM_EXIT_HLT);
	EQ(*guest_data(v, uint64_t), 2 * n);
}

/* One waits for the other's answer, RCX times: ping, pong. */
GUEST(64, ping,
      "mov $0xc000, %ebx\n"
      "1: incl (%rbx)\n"
      "2: pause\n"
      "mov (%rbx), %eax\n"
      "cmp %eax, 64(%rbx)\n"
      "jne 2b\n"
      "loop 1b\n"
      "hlt\n");

GUEST(64, pong,
      "mov $0xc000, %ebx\n"
      "2: pause\n"
      "mov (%rbx), %eax\n"
      "cmp %eax, 64(%rbx)\n"
      "je 2b\n"
      "mov %eax, 64(%rbx)\n"
      "loop 2b\n"
      "hlt\n");

static void ping_pong(void)
{
	struct vcpu *v = guest(64, ping), *w = start_second(v);
	unsigned long n = scale(2000, 50);
	struct kvm_regs regs;
	struct runner a, b;

	load_guest(v->vm, GPA_CODE + 0x1000, pong);
	regs = get_regs(w);
	regs.rip = GPA_CODE + 0x1000;
	set_regs(w, &regs);
	set_rcx(v, n);
	set_rcx(w, n);
	runner_start(&a, v);
	runner_start(&b, w);
	runner_join(&a);
	runner_join(&b);
	EQ(guest_data(v, uint32_t)[0], n);
	EQ(guest_data(v, uint32_t)[16], n);
}

/* Both fault in the same fresh pages at once, and write their own halves. */
GUEST(64, fault_in,
      "1: movb $1, (%rdi)\n"
      "add $0x1000, %rdi\n"
      "loop 1b\n"
      "hlt\n");

static void fault_together(void)
{
	struct vcpu *v = guest(64, fault_in), *w = start_second(v);
	unsigned long pages = 1024, i, k, n = scale(10, 2);
	uint8_t *mem = mem_alloc(pages * 4096);
	struct kvm_regs regs;
	struct runner a, b;

	OK(vm_slot(v->vm, 1, 0, GPA, pages * 4096, mem));
	for (k = 0; k < n; k++) {
		for (i = 0; i < 2; i++) {
			regs = get_regs(i ? w : v);
			regs.rip = GPA_CODE;
			regs.rcx = pages;
			regs.rdi = GPA + (i ? 8 : 0);
			set_regs(i ? w : v, &regs);
		}
		runner_start(&a, v);
		runner_start(&b, w);
		runner_join(&a);
		runner_join(&b);
		EQ(a.result, 0);
		EQ(b.result, 0);
		for (i = 0; i < pages; i++)
			REQUIRE(mem[i * 4096] == 1 && mem[i * 4096 + 8] == 1,
				"page %lu", i);
		OK(madvise(mem, pages * 4096, MADV_DONTNEED));
	}
}

/* More vCPUs than CPUs, each on a thread of its own. */
GUEST(64, count_own,
      "mov $3000, %ecx\n"
      "1: incq (%rdi)\n"
      "pause\n"
      "loop 1b\n"
      "cpuid\n"
      "hlt\n");

static void more_than_cpus(void)
{
	struct vcpu *v[6];
	struct runner r[6];
	struct kvm_regs regs;
	unsigned int i, n = scale(6, 3);

	v[0] = guest(64, count_own);
	for (i = 1; i < n; i++) {
		v[i] = vcpu_new(v[0]->vm, i);
		vcpu_long(v[i]);
	}
	for (i = 0; i < n; i++) {
		regs = get_regs(v[i]);
		regs.rdi = GPA_DATA + 64 * i;
		set_regs(v[i], &regs);
		runner_start(&r[i], v[i]);
	}
	for (i = 0; i < n; i++) {
		runner_join(&r[i]);
		EQ(r[i].result, 0);
		EQ(v[i]->run->exit_reason, KVM_EXIT_HLT);
		EQ(guest_data(v[0], uint64_t)[8 * i], 3000);
	}
}

/* A vCPU that is run by one thread after another, on whatever CPU. */
static void migrates(void)
{
	struct vcpu *v = guest(64, add_locked);
	unsigned int i, n = scale(30, 6), cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct runner r;
	cpu_set_t set;

	for (i = 0; i < n; i++) {
		struct kvm_regs regs = get_regs(v);

		regs.rcx = 100;
		regs.rip = GPA_CODE;
		set_regs(v, &regs);
		CPU_ZERO(&set);
		CPU_SET(i % cpus, &set);
		OK(sched_setaffinity(0, sizeof(set), &set));
		runner_start(&r, v);
		runner_join(&r);
		EQ(r.result, 0);
	}
	EQ(*guest_data(v, uint64_t), 100 * n);
}

static const struct test tests[] = {
	{ "atomic_add", atomic_add },
	{ "ping_pong", ping_pong },
	{ "fault_together", fault_together },
	{ "more_than_cpus", more_than_cpus },
	{ "migrates", migrates },
};

TEST_SUITE(tests);
