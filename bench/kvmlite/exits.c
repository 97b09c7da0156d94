// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit costs: ticks of the time stamp counter per CPUID, per OUT and
 * per store to MMIO that user space sees, per first touch of a page that is
 * resident in the process; per OUT and per store that signal an eventfd, and per
 * interrupt that an eventfd raises. One line of JSON.
 *
 * In an emulator whose clock counts instructions the ticks are instructions,
 * and the median of a few rounds repeats itself to some percent.
 */
#include <getopt.h>
#include <sys/eventfd.h>
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

/* RCX times, then HLT. */
GUEST(64, count_out,
      "mov $0x120, %edx\n"
      "1: out %eax, %dx\n"
      "loop 1b\n"
      "hlt\n");

GUEST(64, count_mmio,
      "mov $0xd0000000, %ebx\n"
      "1: mov %eax, (%rbx)\n"
      "loop 1b\n"
      "hlt\n");

/* PICs masked, local APIC on; the interrupt's entry acknowledges it. */
GUEST(64, loop_interruptible,
      "mov $0xff, %al\n"
      "out %al, $0x21\n"
      "out %al, $0xa1\n"
      "mov $0xfee000f0, %eax\n"
      "movl $0x1ff, (%rax)\n"
      "sti\n"
      "mov $0x120, %edx\n"
      "1: out %eax, %dx\n"
      "jmp 1b\n");

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

/* What one turn of @full's loop costs beyond one of @empty's. */
static uint64_t per_turn(struct vcpu *full)
{
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

/* Stores that end in the kernel, in an eventfd's count. */
static uint64_t per_ioeventfd(struct vcpu *v, uint64_t addr, uint32_t flags)
{
	struct kvm_ioeventfd io = {
		.addr = addr, .len = 4, .flags = flags,
		.fd = OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
	};
	uint64_t result, n;

	OK(ioctl(v->vm->fd, KVM_IOEVENTFD, &io));
	result = per_turn(v);
	OK(read(io.fd, &n, sizeof(n)));
	REQUIRE(n == (ROUNDS + 1) * LOOPS, "%lu events", n);
	return result;
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

/*
 * From the write to the eventfd through the guest's interrupt handler: what that
 * adds to the exit in whose place it came.
 */
static uint64_t per_irqfd(void)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e;
	} route = {
		.head.nr = 1,
		.e = {
			.gsi = 24, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = 0x61 },
		},
	};
	struct kvm_irqfd irqfd = { .gsi = 24 };
	uint64_t rounds[ROUNDS], one = 1, base, t;
	struct vm *vm = vm_new();
	struct vcpu *v;
	unsigned long k;
	int i;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, loop_interruptible);
	vcpu_long(v);
	guest_exc(v)->eoi = 1;
	OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &route));
	irqfd.fd = OK(eventfd(0, EFD_CLOEXEC));
	OK(ioctl(vm->fd, KVM_IRQFD, &irqfd));

	base = per_exit(v, KVM_EXIT_IO);
	for (i = 0; i < ROUNDS; i++) {
		t = ticks();
		for (k = 0; k < LOOPS; k++)
			if (write(irqfd.fd, &one, sizeof(one)) < 0 ||
			    ioctl(v->fd, KVM_RUN, 0) < 0)
				REQUIRE(false, "errno %d", errno);
		rounds[i] = (ticks() - t) / LOOPS;
	}
	REQUIRE(guest_exc(v)->counts[0x61] == ROUNDS * LOOPS, "%u interrupts",
		guest_exc(v)->counts[0x61]);
	return median(rounds) - base;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ }
	};
	uint64_t cpuid, pio, mmio, touch, event_pio, event_mmio, irqfd;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c != 'd') {
			fprintf(stderr, "usage: %s [--device PATH]\n", argv[0]);
			return 2;
		}
		device = optarg;
	}
	test_init();
	cpuid = per_turn(guest(64, loop_cpuid));
	pio = per_exit(guest(64, loop_out), KVM_EXIT_IO);
	mmio = per_exit(guest(64, loop_mmio), KVM_EXIT_MMIO);
	touch = per_touch();
	event_pio = per_ioeventfd(guest(64, count_out), 0x120,
				  KVM_IOEVENTFD_FLAG_PIO);
	event_mmio = per_ioeventfd(guest(64, count_mmio), 0xd0000000, 0);
	irqfd = per_irqfd();
	printf("{\"device\": \"%s\", \"cpuid\": %lu, \"pio\": %lu, ",
	       device, cpuid, pio);
	printf("\"mmio\": %lu, \"touch\": %lu, ", mmio, touch);
	printf("\"ioeventfd_pio\": %lu, \"ioeventfd_mmio\": %lu, ",
	       event_pio, event_mmio);
	printf("\"irqfd\": %lu}\n", irqfd);
	return test_failures() ? 1 : 0;
}
