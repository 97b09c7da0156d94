// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit costs: ticks of the time stamp counter per CPUID, per OUT and
 * per store to MMIO that user space sees, per first touch of a page that is
 * resident in the process. One line of JSON.
 *
 * In an emulator whose clock counts instructions the ticks are instructions,
 * and the median of a few rounds repeats itself to some percent.
 */
#include <getopt.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "vm.h"

#define ROUNDS	9
#define LOOPS	400UL
#define GPA	0x40000000UL

GUEST(64, loop_cpuid,
      "1: mov %rcx, %rsi\n"
      "xor %eax, %eax\n"
      "cpuid\n"
      "mov %rsi, %rcx\n"
      "loop 1b\n"
      "hlt\n");

/* The same without CPUID: what the loop itself costs, and one RUN. */
GUEST(64, loop_empty,
      "1: mov %rcx, %rsi\n"
      "xor %eax, %eax\n"
      "nop\n"
      "mov %rsi, %rcx\n"
      "loop 1b\n"
      "hlt\n");

GUEST(64, loop_out,
      "mov $0x120, %edx\n"
      "1: out %eax, %dx\n"
      "jmp 1b\n");

GUEST(64, loop_mmio,
      "mov $0xd0000000, %ebx\n"
      "1: mov %eax, (%rbx)\n"
      "jmp 1b\n");

GUEST(64, loop_touch,
      "1: movb $1, (%rdi)\n"
      "add $0x1000, %rdi\n"
      "loop 1b\n"
      "hlt\n");

static uint64_t ticks(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

/* One RUN until HLT, with RCX turns of the guest's loop. */
static uint64_t run_once(struct vcpu *v, uint64_t rdi)
{
	struct kvm_regs regs = get_regs(v);
	uint64_t t;

	regs.rip = GPA_CODE;
	regs.rcx = LOOPS;
	regs.rdi = rdi;
	set_regs(v, &regs);
	t = ticks();
	RUN_TO(v, KVM_EXIT_HLT);
	return ticks() - t;
}

static uint64_t per_cpuid(void)
{
	struct vcpu *full = guest(64, loop_cpuid);
	struct vcpu *empty = guest(64, loop_empty);
	uint64_t rounds[ROUNDS], base;
	int i;

	run_once(full, 0);
	run_once(empty, 0);
	for (i = 0; i < ROUNDS; i++) {
		base = run_once(empty, 0);
		rounds[i] = (run_once(full, 0) - base) / LOOPS;
	}
	return median(rounds);
}

/* Exits to user space: the RUN and its return are what is counted. */
static uint64_t per_exit(struct vcpu *v, uint32_t reason)
{
	uint64_t rounds[ROUNDS], t;
	unsigned long k;
	int i;

	RUN_TO(v, reason);
	for (i = 0; i < ROUNDS; i++) {
		t = ticks();
		for (k = 0; k < LOOPS; k++) {
			if (ioctl(v->fd, KVM_RUN, 0) < 0 ||
			    v->run->exit_reason != reason)
				REQUIRE(false, "exit %u", v->run->exit_reason);
		}
		rounds[i] = (ticks() - t) / LOOPS;
	}
	return median(rounds);
}

/* Pages that the process has, 4K each, that the guest has never touched. */
static uint64_t per_touch(void)
{
	struct vcpu *v = guest(64, loop_touch);
	uint64_t rounds[ROUNDS], base;
	size_t size = LOOPS * 4096;
	uint8_t *mem = mem_alloc(size);
	int i;

	madvise(mem, size, MADV_NOHUGEPAGE);
	memset(mem, 1, size);
	for (i = 0; i < ROUNDS; i++) {
		/* A slot made anew has none of its pages mapped. */
		OK(vm_slot(v->vm, 1, 0, GPA, size, mem));
		rounds[i] = run_once(v, GPA);
		base = run_once(v, GPA);
		rounds[i] = (rounds[i] - base) / LOOPS;
		OK(vm_slot(v->vm, 1, 0, GPA, 0, mem));
	}
	return median(rounds);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ }
	};
	uint64_t cpuid, pio, mmio, touch;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c != 'd') {
			fprintf(stderr, "usage: %s [--device PATH]\n", argv[0]);
			return 2;
		}
		device = optarg;
	}
	test_init();
	cpuid = per_cpuid();
	pio = per_exit(guest(64, loop_out), KVM_EXIT_IO);
	mmio = per_exit(guest(64, loop_mmio), KVM_EXIT_MMIO);
	touch = per_touch();
	printf("{\"device\": \"%s\", \"cpuid\": %lu, \"pio\": %lu, ",
	       device, cpuid, pio);
	printf("\"mmio\": %lu, \"touch\": %lu}\n", mmio, touch);
	return test_failures() ? 1 : 0;
}
