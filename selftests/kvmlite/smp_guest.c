// SPDX-License-Identifier: GPL-2.0
/*
 * Guests with several CPUs, whose threads move, and whose host's CPUs come, go
 * and sleep meanwhile.
 */
#include <fcntl.h>
#include <sched.h>

#include "vm.h"

#define MMIO32(addr, value) \
	"mov $" #addr ", %eax\nmovl $" #value ", (%rax)\n"
#define LAPIC(reg, value)	MMIO32(0xfee00000 + (reg), value)
#define LAPIC_ON		LAPIC(0xf0, 0x1ff)
#define X2APIC_ON							\
	"mov $0x1b, %ecx\nrdmsr\nor $0xc00, %eax\nwrmsr\n"		\
	"mov $0x80f, %ecx\nmov $0x1ff, %eax\nxor %edx, %edx\nwrmsr\n"

static struct vcpu *first_cpu(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	vcpu_long(v);
	return v;
}

/* A CPU that needs no INIT: in long mode at @gpa already. */
static struct vcpu *next_cpu(struct vcpu *first, uint32_t id, uint64_t gpa)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = vcpu_new(first->vm, id);
	struct kvm_regs regs;

	vcpu_long(v);
	OK(ioctl(v->fd, KVM_SET_MP_STATE, &s));
	regs = get_regs(v);
	regs.rip = gpa;
	regs.rsp = GPA_STACK - 0x1000 * id;
	set_regs(v, &regs);
	return v;
}

static void set_reg(struct vcpu *v, uint64_t rcx, uint64_t rsi, uint64_t rdi)
{
	struct kvm_regs regs = get_regs(v);

	regs.rcx = rcx;
	regs.rsi = rsi;
	regs.rdi = rdi;
	set_regs(v, &regs);
}

/* Or it has ended since somebody looked, and has no CPU any more. */
static void pin(pthread_t thread, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	errno = pthread_setaffinity_np(thread, sizeof(set), &set);
	REQUIRE(!errno || errno == ESRCH, "affinity: %s", strerror(errno));
}

/* Every test that moves threads wants another CPU to move them to. */
static unsigned int cpus(void)
{
	unsigned int n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 2)
		test_skip("the machine has one CPU");
	return n;
}

/*
 * INIT and SIPI to "all but me". Each AP counts itself, then waits for an NMI
 * that is sent in the same way.
 */
GUEST(64, bsp_all,
      LAPIC_ON
      LAPIC(0x300, 0xc4500)
      LAPIC(0x300, 0xc4620)
      LAPIC(0x300, 0xc4620)
      "1: pause\n"
      "cmpl $3, 0xc000\n"
      "jne 1b\n"
      LAPIC(0x300, 0xc4400)
      "2: pause\n"
      "cmpl $3, 0xc004\n"
      "jne 2b\n"
      /* Again, from wherever they are: they start from the beginning. */
      LAPIC(0x300, 0xc4500)
      LAPIC(0x300, 0xc4620)
      "3: pause\n"
      "cmpl $6, 0xc000\n"
      "jne 3b\n"
      "out %al, $0x11\n");

GUEST(16, ap_counts,
      "xor %ax, %ax\n"
      "mov %ax, %ds\n"
      "mov %ax, %ss\n"
      "mov $0x1800, %sp\n"
      "movw $0x100, 8\n"		/* vector 2: 2000:0100 */
      "movw $0x2000, 10\n"
      "lock incl 0xc000\n"
      "1: hlt\n"
      "jmp 1b\n"
      ".skip 0x100 - (. - ap_counts)\n"
      "lock incl 0xc004\n"
      "2: pause\n"			/* never returns: only INIT helps */
      "jmp 2b\n");

static void init_sipi_all(void)
{
	struct vcpu *v = first_cpu(), *w[3];
	struct kvm_mp_state s;
	struct runner r[3];
	unsigned int i;

	load_guest(v->vm, GPA_CODE, bsp_all);
	load_guest(v->vm, 0x20000, ap_counts);
	for (i = 0; i < 3; i++) {
		w[i] = vcpu_new(v->vm, i + 1);
		OK(ioctl(w[i]->fd, KVM_GET_MP_STATE, &s));
		EQ(s.mp_state, KVM_MP_STATE_UNINITIALIZED);
		runner_start(&r[i], w[i]);
	}
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.port, 0x11);
	EQ(guest_data(v, uint32_t)[0], 6);
	for (i = 0; i < 3; i++)
		runner_stop(&r[i]);
}

/*
 * A token goes round: a CPU that was interrupted counts, and interrupts the
 * next one (RSI is its id). A lost interrupt ends the game. In x2APIC mode.
 */
GUEST(64, token,
      X2APIC_ON
      "lock incl 0xc040\n"
      "sti\n"
      "1: hlt\n"
      "jmp 1b\n");

/* The same, but a CPU that waits spins. */
GUEST(64, token_spins,
      X2APIC_ON
      "lock incl 0xc040\n"
      "sti\n"
      "1: pause\n"
      "jmp 1b\n");

GUEST(64, token_handler,
      "push %rax\n"
      "push %rcx\n"
      "push %rdx\n"
      "mov $0x80b, %ecx\n"		/* EOI first: the answer may be quick */
      "xor %eax, %eax\n"
      "xor %edx, %edx\n"
      "wrmsr\n"
      "lock incq 0xc000\n"
      "cmpl $0, 0xc048\n"		/* stop? */
      "jne 1f\n"
      "mov %esi, %edx\n"
      "mov $0x4093, %eax\n"
      "mov $0x830, %ecx\n"
      "wrmsr\n"
      "1: pop %rdx\n"
      "pop %rcx\n"
      "pop %rax\n"
      "iretq\n");

#define RING 4

struct ring {
	struct vcpu *v[RING];
	struct runner r[RING];
};

static void ring_start(struct ring *ring)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x93 };
	struct vcpu *v = first_cpu();
	unsigned int i;

	ring->v[0] = v;
	load_guest(v->vm, GPA_CODE, token);
	load_guest(v->vm, 0x20000, token_spins);
	load_guest(v->vm, GPA_FREE, token_handler);
	idt_gate(v->vm, 0x93, GPA_FREE);
	for (i = 0; i < RING; i++) {
		if (i)
			ring->v[i] = next_cpu(v, i, i & 1 ? 0x20000 : GPA_CODE);
		set_reg(ring->v[i], 0, (i + 1) % RING, 0);
		runner_start(&ring->r[i], ring->v[i]);
	}
	REQUIRE(await(guest_data(v, uint32_t)[16] == RING), "%u of the CPUs started",
		guest_data(v, uint32_t)[16]);
	EQ(OK(ioctl(v->vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
}

static uint64_t ring_count(struct ring *ring)
{
	return *guest_data(ring->v[0], uint64_t);
}

/* It goes on: so many interrupts from now. */
static void ring_goes_on(struct ring *ring, unsigned int n, const char *when)
{
	uint64_t from = ring_count(ring);

	CHECK(await(ring_count(ring) >= from + n), "%s: stuck at %lu", when,
	      (unsigned long)ring_count(ring));
}

static void ring_stop(struct ring *ring)
{
	unsigned int i;

	guest_data(ring->v[0], uint32_t)[18] = 1;
	for (i = 0; i < RING; i++)
		runner_stop(&ring->r[i]);
	for (i = 0; i < RING; i++) {
		EQ(ring->r[i].result, -EINTR);
		EQ(guest_exc(ring->v[0])->count, 0);
	}
}

static void x2apic_ring(void)
{
	struct ring ring;

	ring_start(&ring);
	ring_goes_on(&ring, scale(1000, 100), "at rest");
	ring_stop(&ring);
}

static void ring_migrates(void)
{
	unsigned int n = cpus(), k, i, rounds = scale(40, 8);
	struct ring ring;

	ring_start(&ring);
	for (k = 0; k < rounds; k++) {
		for (i = 0; i < RING; i++)
			pin(ring.r[i].thread, (i * 7 + k * (i + 1)) % n);
		ring_goes_on(&ring, 20, "migrating");
	}
	ring_stop(&ring);
}

/*
 * TLB shoot-down. The first CPU writes to what its page table has at VA, all
 * the time; the second changes that to the other of two pages, interrupts the
 * first, which forgets the entry, and sees that nothing is written to the old
 * page any more.
 */
#define VA	0xe0000000
#define PT	0x110000
#define PAGE_P	0x120000
#define PAGE_Q	0x121000

GUEST(64, writer,
      LAPIC_ON
      "lock incl 0xc040\n"
      "sti\n"
      "mov $0xe0000000, %ebx\n"
      "1: incq (%rbx)\n"
      "jmp 1b\n");

GUEST(64, shot_down,
      "push %rax\n"
      "invlpg (%rbx)\n"
      "lock incl 0xc000\n"
      LAPIC(0xb0, 0)
      "pop %rax\n"
      "iretq\n");

GUEST(64, switcher,
      LAPIC_ON
      "5: pause\n"
      "cmpl $1, 0xc040\n"		/* the other's APIC is on */
      "jne 5b\n"
      "mov $0x110000, %r8d\n"
      "mov $0x120007, %r9d\n"
      "mov $0x121007, %r10d\n"
      LAPIC(0x310, 0)
      "1: mov %r10, (%r8)\n"
      "mov 0xc000, %ebx\n"
      LAPIC(0x300, 0x4094)
      "2: pause\n"
      "cmp 0xc000, %ebx\n"
      "je 2b\n"
      "mov %r9, %rdi\n"
      "and $~7, %rdi\n"
      "movq $0, (%rdi)\n"
      "mov $100, %edx\n"
      "3: pause\n"
      "cmpq $0, (%rdi)\n"
      "jne 4f\n"
      "dec %edx\n"
      "jnz 3b\n"
      "xchg %r9, %r10\n"
      "dec %rcx\n"
      "jnz 1b\n"
      "out %al, $0x11\n"
      "4: out %al, $0x12\n");

static void shoot_down(void)
{
	unsigned int n = sysconf(_SC_NPROCESSORS_ONLN), k;
	struct vcpu *v = first_cpu(), *w;
	uint64_t *pd = (uint64_t *)(v->vm->mem + GPA_PD);
	struct runner a, b;

	pd[VA >> 21] = PT | 7;
	*(uint64_t *)(v->vm->mem + PT) = PAGE_P | 7;
	load_guest(v->vm, GPA_CODE, writer);
	load_guest(v->vm, 0x20000, switcher);
	load_guest(v->vm, GPA_FREE, shot_down);
	idt_gate(v->vm, 0x94, GPA_FREE);
	w = next_cpu(v, 1, 0x20000);
	set_reg(w, scale(400, 40), 0, 0);
	runner_start(&a, v);
	runner_start(&b, w);
	for (k = 0; !b.done; k++) {
		/* Now on one CPU, now on two, and the other way round. */
		if (n > 1) {
			pin(a.thread, k % n);
			pin(b.thread, k / 2 % n);
		}
		sleep_ms(5);
	}
	runner_join(&b);
	runner_stop(&a);
	EQ(b.result, 0);
	EQ(w->run->exit_reason, KVM_EXIT_IO);
	EQ(w->run->io.port, 0x11);
}

/* The timer goes where its vCPU goes: one elsewhere costs an IPI per tick. */
GUEST(64, ticks,
      LAPIC_ON
      LAPIC(0x3e0, 0xb)
      LAPIC(0x320, 0x20071)		/* periodic */
      LAPIC(0x380, 2000000)
      "lock incl 0xc040\n"
      "sti\n"
      "1: pause\n"
      "jmp 1b\n");

/* On which CPU the timer is queued, by the kernel's own list. -1: not known. */
static int timer_cpu(void)
{
	FILE *f = fopen("/proc/timer_list", "r");
	char line[256];
	int cpu = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "cpu: ", 5))
			cpu = atoi(line + 5);
		if (strstr(line, "lapic_timer_fn")) {
			fclose(f);
			return cpu;
		}
	}
	fclose(f);
	return -1;
}

static void timer_follows(void)
{
	unsigned int n = cpus(), k;
	struct vcpu *v = first_cpu();
	volatile uint32_t *count = &guest_exc(v)->counts[0x71];
	struct runner r;
	uint32_t from;

	guest_exc(v)->eoi = 1;
	load_guest(v->vm, GPA_CODE, ticks);
	runner_start(&r, v);
	for (k = 0; k < 6; k++) {
		pin(r.thread, k % n);
		from = *count;
		CHECK(await(*count >= from + 3), "no ticks on CPU %u", k % n);
		/* -1 in the moment in which it fires. */
		if (is_kvmlite() && !access("/proc/timer_list", R_OK))
			CHECK(await(timer_cpu() == (int)(k % n)),
			      "the timer is on CPU %d, not %u", timer_cpu(), k % n);
	}
	runner_stop(&r);
}

static void write_file(const char *path, const char *what)
{
	int fd = OK(open(path, O_WRONLY));

	CHECK(write(fd, what, strlen(what)) == (ssize_t)strlen(what),
	      "%s to %s: %s", what, path, strerror(errno));
	close(fd);
}

#define CPU1 "/sys/devices/system/cpu/cpu1/online"

/* A CPU goes and comes back, with guests in the middle of their code. */
static void cpu_hotplug(void)
{
	unsigned int k, rounds = scale(6, 2);
	struct ring ring;
	struct vcpu *late;

	cpus();
	if (access(CPU1, W_OK))
		test_skip("CPU 1 cannot be switched off");
	ring_start(&ring);
	for (k = 0; k < rounds; k++) {
		write_file(CPU1, "0");
		ring_goes_on(&ring, 20, "with one CPU");
		/* A VM that is made while a CPU is off. */
		late = guest(64, token_spins);
		vm_free(late->vm);
		write_file(CPU1, "1");
		pin(ring.r[k % RING].thread, 1);
		ring_goes_on(&ring, 20, "with both");
	}
	ring_stop(&ring);
}

static bool file_has(const char *path, const char *word)
{
	char text[256] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return strstr(text, word);
}

/*
 * As far into suspend to RAM as goes without firmware: processes frozen, the
 * other CPUs off, the last one without interrupts; and back.
 */
static void suspend(void)
{
	struct ring ring;

	if (!file_has("/sys/power/pm_test", "core") ||
	    !file_has("/sys/power/mem_sleep", "deep"))
		test_skip("the machine has no suspend to RAM to test with");
	write_file("/sys/power/mem_sleep", "deep");
	write_file("/sys/power/pm_test", "core");
	if (!access("/sys/module/suspend/parameters/pm_test_delay", W_OK))
		write_file("/sys/module/suspend/parameters/pm_test_delay", "1");
	ring_start(&ring);
	ring_goes_on(&ring, 20, "before");
	write_file("/sys/power/state", "mem");
	ring_goes_on(&ring, 20, "after");
	write_file("/sys/power/pm_test", "none");
	ring_stop(&ring);
}

static const struct test tests[] = {
	{ "init_sipi_all", init_sipi_all },
	{ "x2apic_ring", x2apic_ring },
	{ "ring_migrates", ring_migrates },
	{ "shoot_down", shoot_down },
	{ "timer_follows", timer_follows },
	{ "cpu_hotplug", cpu_hotplug },
	{ "suspend", suspend },
};

TEST_SUITE(tests);
