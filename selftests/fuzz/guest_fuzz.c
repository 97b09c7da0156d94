// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that execute random bytes, in real, protected and long mode. Every
 * RUN must end: by an exit, or by the signal that a second thread sends. What
 * the guest then is does not matter; it gets new bytes and goes on. A minute
 * for each mode: guest_fuzz --seconds 180
 */
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>

#include "vm.h"

#define SLICE_MS	5	/* so long a guest may run on its own */
#define HANG_NS		20000000000ULL

static uint64_t seed = 1;
static unsigned int seconds = 10;

static const char * const mode_names[] = { "real", "protected", "long" };
#define MODES	ARRAY_SIZE(mode_names)

static uint64_t state;
static struct vcpu *volatile running;
static volatile unsigned long turn;
static volatile int finished;
static pthread_t main_thread;

static uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

/*
 * Bytes that are more interesting than noise: prefixes and opcodes which exit,
 * touch control registers, or use memory, with random operands.
 */
static size_t instruction(uint8_t *p)
{
	static const char * const known[] = {
		"\x0f\x20", "\x0f\x22", "\x0f\x21", "\x0f\x23", "\x0f\x01",
		"\x0f\x00", "\x0f\x30", "\x0f\x32", "\x0f\xa2", "\x0f\x31",
		"\x0f\x09", "\x0f\x06", "\x0f\x0b", "\x0f\xc7", "\x0f\xae",
		"\x0f\xb0", "\x0f\xb1", "\x0f\xc0", "\x0f\xc1", "\x0f\xb6",
		"\x0f\xbe", "\x0f\xa3", "\x0f\xab", "\x0f\xba", "\xe4",
		"\xe5", "\xe6", "\xe7", "\xec", "\xed", "\xee", "\xef",
		"\x6c", "\x6d", "\x6e", "\x6f", "\xf3\x6c", "\xf3\x6f",
		"\xf3\xaa", "\xf3\xab", "\xf3\xa4", "\xf3\xa5", "\xf3\xa6",
		"\xf4", "\xfa", "\xfb", "\xcc", "\xcd", "\xce", "\xcf",
		"\xea", "\x9a", "\xcb", "\x8e", "\x8c", "\x17", "\x9d", "\x9c",
		"\x88", "\x89", "\x8a", "\x8b", "\xc6", "\xc7", "\xa0", "\xa2",
		"\x01", "\x31", "\x80", "\x81", "\x83", "\xf6", "\xf7", "\xfe",
		"\xff", "\x86", "\x87", "\xd7", "\xf0\x0f\xb1", "\x66", "\x67",
		"\x2e", "\x36", "\x65", "\x48", "\x4c",
	};
	const char *k = known[rnd() % ARRAY_SIZE(known)];
	/* The first byte may be 0: then the opcode is the next. */
	size_t n = k[0] == '\x0f' && !k[1] ? 2 : strlen(k), i, operands;

	memcpy(p, k, n);
	operands = rnd() % 7;
	for (i = 0; i < operands; i++)
		p[n++] = rnd();
	return n;
}

/*
 * XSETBV does not exit in QEMU's emulation of SVM: it would change what the
 * host saves and restores. That is a fault of this emulated machine alone.
 */
static void no_xsetbv(uint8_t *p, size_t size)
{
	size_t i;

	for (i = 0; i + 2 < size; i++) {
		if (p[i] == 0x0f && p[i + 1] == 0x01 && p[i + 2] == 0xd1)
			p[i + 2] = 0xd0;
	}
}

static void fill(struct vcpu *v)
{
	uint8_t *m = v->vm->mem + GPA_CODE;
	size_t size = 0x4000, n = 0;

	if (rnd() & 1) {
		while (n < size)
			n += instruction(m + n);
	} else {
		for (n = 0; n < size; n += 8)
			*(uint64_t *)(m + n) = rnd();
	}
	if (host_is_tcg())
		no_xsetbv(v->vm->mem, v->vm->size);
}

/*
 * Exceptions and interrupts of the 16- and 32-bit guests lead somewhere into
 * the code as well; the long-mode one goes on at R15, likewise random.
 */
static void vectors(struct vcpu *v, unsigned int mode)
{
	uint32_t *ivt = (uint32_t *)v->vm->mem;
	uint64_t *idt = (uint64_t *)(v->vm->mem + GPA_IDT);
	unsigned int i;

	for (i = 0; mode == 0 && i < 256; i++)
		ivt[i] = GPA_CODE >> 4 << 16 | (rnd() & 0x3fff);
	for (i = 0; mode == 1 && i < 256; i++)
		idt[i] = (uint64_t)SEL_CODE32 << 16 | 0x8e00ULL << 32 |
			 (GPA_CODE & 0xffff0000) << 32 | (rnd() & 0x3fff);
}

/*
 * In QEMU's emulation MOV to DR7 arms a breakpoint that VMRUN and #VMEXIT know
 * nothing of: it stays when the guest is left. If one on data hits while an
 * exception is delivered, QEMU takes a lock that it holds, and dies of its own
 * assertion (cpu_check_watchpoint() in 7.2). A debugger's set of registers, with
 * nothing enabled, keeps the guest's own out of the CPU.
 */
static void no_breakpoints(struct vcpu *v)
{
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg[7] = 0x400,
	};

	OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
}

static struct vcpu *make_guest(unsigned int mode)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	/* A hole right behind, another slot read-only, the rest MMIO. */
	OK(vm_slot(vm, 1, KVM_MEM_READONLY, VM_MEM + 0x10000, 0x10000,
		   vm->mem + GPA_FREE));
	if (rnd() & 1)
		OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	if (host_is_tcg())
		no_breakpoints(v);
	vectors(v, mode);
	fill(v);
	switch (mode) {
	case 0:
		vcpu_cpuid(v);
		vcpu_real(v);
		break;
	case 1:
		vcpu_cpuid(v);
		vcpu_prot(v);
		break;
	default:
		vcpu_long(v);
	}
	return v;
}

static void random_registers(struct vcpu *v)
{
	struct kvm_regs r = get_regs(v);
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (i == 6)
			continue;	/* RSP */
		switch (rnd() % 4) {
		case 0:
			(&r.rax)[i] = rnd();
			break;
		case 1:
			(&r.rax)[i] = rnd() % VM_MEM;
			break;
		case 2:
			(&r.rax)[i] = rnd() % 32;
			break;
		default:
			(&r.rax)[i] = GPA_MMIO + rnd() % 0x1000;
		}
	}
	r.r15 = GPA_CODE + rnd() % 0x4000;
	r.rflags = 2 | (rnd() & 0x240ed5);
	r.rip += rnd() % 64;
	set_regs(v, &r);
}

/* The second thread: whoever runs too long gets a signal, and must notice. */
static void *watchdog(void *arg)
{
	unsigned long last = 0;
	uint64_t since = now_ns();

	(void)arg;
	while (!finished) {
		sleep_ms(SLICE_MS);
		if (turn != last) {
			last = turn;
			since = now_ns();
			continue;
		}
		if (running)
			pthread_kill(main_thread, SIGUSR1);
		if (now_ns() - since > HANG_NS) {
			printf("# a vCPU cannot be interrupted\n");
			printf("not ok 1 guest_fuzz seed %lu\n", seed);
			fflush(stdout);
			_exit(1);
		}
	}
	return NULL;
}

static unsigned long reasons[64], interrupted, errors;

/* Returns false when this guest is of no more use. */
static bool one_run(struct vcpu *v)
{
	struct kvm_interrupt irq = { .irq = rnd() & 0xff };
	struct kvm_run *run = v->run;
	int r;

	turn++;
	running = v;
	r = vcpu_run(v);
	running = NULL;
	if (r == -EINTR) {
		interrupted++;
		return false;
	}
	if (r == -EAGAIN)
		return false;
	if (r) {
		/* EFAULT: it touched what the process has not mapped. */
		errors++;
		return false;
	}
	CHECK(run->exit_reason < 64, "exit %u", run->exit_reason);
	reasons[run->exit_reason & 63]++;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.direction == KVM_EXIT_IO_IN)
			memset(io_data(v), rnd(), run->io.size * run->io.count);
		return true;
	case KVM_EXIT_MMIO:
		if (!run->mmio.is_write)
			*(uint64_t *)run->mmio.data = rnd();
		return true;
	case KVM_EXIT_HLT:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		if (run->ready_for_interrupt_injection)
			ioctl(v->fd, KVM_INTERRUPT, &irq);
		else
			ioctl(v->fd, KVM_NMI, 0);
		return true;
	case KVM_EXIT_DEBUG:
		return true;
	default:
		return false;
	}
}

/* One guest, which gets new registers and code a few times. */
static void one_guest(unsigned int mode, uint64_t end)
{
	struct vcpu *v = make_guest(mode);
	unsigned int i, n;

	for (i = 0; i < 10 && now_ns() < end; i++) {
		random_registers(v);
		v->run->request_interrupt_window = rnd() & 1;
		for (n = 0; n < 200 && one_run(v); n++)
			;
		fill(v);
		if (mode == 0)
			vcpu_real(v);
		else if (mode == 1)
			vcpu_prot(v);
		else
			vcpu_long(v);
	}
	vm_free(v->vm);
	vcpu_free(v);
}

static int fuzz(void)
{
	uint64_t left[MODES], began, took, told = now_ns();
	unsigned long guests[MODES] = { }, i;
	unsigned int mode = 0, alive;
	pthread_t thread;

	main_thread = pthread_self();
	catch_signal(SIGUSR1);
	pthread_create(&thread, NULL, watchdog, NULL);
	for (i = 0; i < MODES; i++)
		left[i] = 1 + seconds * 1000000000ULL / MODES;
	/* By turns, until each has had its time. */
	for (alive = MODES; alive; mode = (mode + 1) % MODES) {
		if (!left[mode])
			continue;
		began = now_ns();
		one_guest(mode, began + left[mode]);
		guests[mode]++;
		took = now_ns() - began;
		left[mode] -= took < left[mode] ? took : left[mode];
		if (!left[mode])
			alive--;
		if (now_ns() - told > 10000000000ULL) {
			told = now_ns();
			printf("# %lu guests so far\n",
			       guests[0] + guests[1] + guests[2]);
			fflush(stdout);
		}
	}
	finished = 1;
	pthread_join(thread, NULL);
	for (i = 0; i < MODES; i++)
		printf("# %lu guests in %s mode\n", guests[i], mode_names[i]);
	printf("# %lu signals, %lu errors\n", interrupted, errors);
	for (i = 0; i < 64; i++) {
		if (reasons[i])
			printf("# exit %s: %lu\n", exit_name(i), reasons[i]);
	}
	return guests[0] && guests[1] && guests[2] && reasons[KVM_EXIT_IO] ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ }
	};
	int c, status;

	if (getenv("KVMLITE_DEV"))
		device = getenv("KVMLITE_DEV");
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'd':
			device = optarg;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		default:
			fprintf(stderr, "usage: %s [--device PATH] [--seed N] [--seconds N]\n",
				argv[0]);
			return 2;
		}
	}
	printf("TAP version 13\n1..1\n");
	if (access(device, R_OK | W_OK)) {
		printf("ok 1 # SKIP %s: %s\n", device, strerror(errno));
		return 4;
	}
	printf("# seed %lu, %u seconds for the modes in all\n", seed, seconds);
	if (host_is_tcg())
		printf("# no XSETBV and no breakpoints: QEMU keeps them when the guest is left\n");
	fflush(stdout);
	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	test_init();
	status = fuzz() || test_failures();
	printf("%s 1 guest_fuzz seed %lu\n", status ? "not ok" : "ok", seed);
	return status;
}
