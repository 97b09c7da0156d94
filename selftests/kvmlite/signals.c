// SPDX-License-Identifier: GPL-2.0
/* A vCPU that runs for ever can be interrupted, and killed, at once. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "vm.h"

GUEST(64, spin,
      "1: incq 0xc000\n"
      "jmp 1b\n");

GUEST(64, spin_exits,
      "1: incq 0xc000\n"
      "cpuid\n"
      "jmp 1b\n");

/* Each turn of the loop is an exception inside of the guest. */
GUEST(64, spin_faults,
      "lea 1f(%rip), %r15\n"
      "1: incq 0xc000\n"
      "ud2\n");

GUEST(64, spin_page_faults,
      "lea 1f(%rip), %r15\n"
      "movabs $0x7f0000000000, %rbx\n"
      "1: incq 0xc000\n"
      "mov (%rbx), %eax\n");

/* And here an interrupt to itself, without end. */
GUEST(64, spin_int,
      "xor %r15d, %r15d\n"
      "1: incq 0xc000\n"
      "int $0x40\n"
      "jmp 1b\n");

GUEST(16, halt, "hlt\n");

static struct {
	const char *name;
	const uint8_t *code, *end;
} const loops[] = {
	{ "a loop", spin, spin_end },
	{ "exits", spin_exits, spin_exits_end },
	{ "exceptions", spin_faults, spin_faults_end },
	{ "page faults", spin_page_faults, spin_page_faults_end },
	{ "interrupts", spin_int, spin_int_end },
};

static void signal_interrupts(void)
{
	struct runner r;
	struct vcpu *v;
	uint64_t began;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		v = guest_bytes(64, loops[i].code, loops[i].end - loops[i].code);
		runner_start(&r, v);
		CHECK(await(guest_data(v, uint64_t)[0] > 100),
		      "%s: the guest does not run", loops[i].name);
		began = now_ns();
		runner_stop(&r);
		EQ(r.result, -EINTR);
		EQ(v->run->exit_reason, KVM_EXIT_INTR);
		CHECK(now_ns() - began < 2000000000ULL, "%s: that took long",
		      loops[i].name);
	}
}

/* After the signal the guest goes on where it was. */
static void goes_on(void)
{
	struct vcpu *v = guest(64, spin);
	volatile uint64_t *count = guest_data(v, uint64_t);
	uint64_t before;
	struct runner r;
	int i;

	for (i = 0; i < 5; i++) {
		before = *count;
		runner_start(&r, v);
		CHECK(await(*count > before + 100), "the guest does not run");
		runner_stop(&r);
		EQ(r.result, -EINTR);
		before = *count;
		sleep_ms(2);
		EQ(*count, before);
	}
}

static void immediate_exit(void)
{
	struct vcpu *v = guest(64, spin);

	v->run->immediate_exit = 1;
	EQ(vcpu_run(v), -EINTR);
	EQ(vcpu_run(v), -EINTR);
	EQ(guest_data(v, uint64_t)[0], 0);
	EQ(get_regs(v).rip, GPA_CODE);
}

/* immediate_exit set from another thread, with a signal to make it seen. */
static struct vcpu *from_handler;

static void set_immediate_exit(int sig)
{
	(void)sig;
	from_handler->run->immediate_exit = 1;
}

static void immediate_exit_from_handler(void)
{
	struct sigaction sa = { .sa_handler = set_immediate_exit };
	struct vcpu *v = guest(64, spin);
	struct runner r;

	from_handler = v;
	runner_start(&r, v);
	OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK(await(guest_data(v, uint64_t)[0] > 100), "the guest does not run");
	r.stop = 1;
	runner_kick(&r);
	runner_join(&r);
	EQ(r.result, -EINTR);
	/* Set is set: the next RUN comes back without the signal. */
	EQ(vcpu_run(v), -EINTR);
}

/*
 * KVM_SET_SIGNAL_MASK: a signal that the thread blocks, but not the vCPU's
 * mask, ends RUN and stays pending.
 */
static void signal_mask(void)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} __attribute__((packed)) m;
	struct vcpu *v = guest(64, spin);
	sigset_t blocked, pending;

	catch_signal(SIGUSR2);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
	memset(&m, 0, sizeof(m));
	m.head.len = 8;
	OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	OK(raise(SIGUSR2));
	EQ(vcpu_run(v), -EINTR);
	EQ(v->run->exit_reason, KVM_EXIT_INTR);
	OK(sigpending(&pending));
	EQ(sigismember(&pending, SIGUSR2), 1);
	/* The other way round: blocked in RUN only. */
	m.head.len = 8;
	m.set = 1UL << (SIGUSR2 - 1);
	load_guest(v->vm, GPA_CODE, halt);
	OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	RUN_TO(v, KVM_EXIT_HLT);
	/* And without a mask RUN uses the thread's. */
	OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL));
	OK(sigpending(&pending));
	EQ(sigismember(&pending, SIGUSR2), 1);
}

/* A pending signal is seen before the guest runs at all. */
static void pending_signal(void)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} __attribute__((packed)) m = { .head.len = 8 };
	struct vcpu *v = guest(64, spin);
	sigset_t blocked;

	catch_signal(SIGUSR2);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
	OK(raise(SIGUSR2));
	OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	EQ(vcpu_run(v), -EINTR);
	EQ(guest_data(v, uint64_t)[0], 0);
}

static void kill_at_once(void (*fn)(volatile uint64_t *), const char *what)
{
	volatile uint64_t *started = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began;
	pid_t pid;
	int status;

	pid = OK(fork());
	if (!pid) {
		fn(started);
		_exit(3);
	}
	CHECK(await(*started), "%s: never began", what);
	sleep_ms(20);
	OK(kill(pid, SIGKILL));
	began = now_ns();
	EQ(OK(waitpid(pid, &status, 0)), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "%s: status 0x%x", what, status);
	CHECK(now_ns() - began < 2000000000ULL, "%s: death took %lu ms", what,
	      (now_ns() - began) / 1000000);
}

static size_t which;

static void run_loop(volatile uint64_t *started)
{
	struct vcpu *v = guest_bytes(64, loops[which].code,
				     loops[which].end - loops[which].code);

	*started = 1;
	vcpu_run(v);
}

static void killed_in_loops(void)
{
	for (which = 0; which < ARRAY_SIZE(loops); which++)
		kill_at_once(run_loop, loops[which].name);
}

/* With the irqchip HLT sleeps in the kernel. */
static void run_halted(volatile uint64_t *started)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, halt);
	vcpu_real(v);
	*started = 1;
	vcpu_run(v);
}

static void killed_in_hlt(void)
{
	kill_at_once(run_halted, "HLT");
}

/* So does an application processor that waits for its INIT. */
static void run_uninitialized(volatile uint64_t *started)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vcpu_new(vm, 0);
	v = vcpu_new(vm, 1);
	*started = 1;
	while (vcpu_run(v) == -EAGAIN)
		;
}

static void killed_uninitialized(void)
{
	kill_at_once(run_uninitialized, "waiting for INIT");
}

static void hlt_interrupted(void)
{
	struct vm *vm = vm_new();
	struct runner r;
	struct vcpu *v;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, halt);
	vcpu_real(v);
	runner_start(&r, v);
	sleep_ms(20);
	EQ(r.done, 0);
	runner_stop(&r);
	EQ(r.result, -EINTR);
	EQ(get_regs(v).rip, 1);
}

/* Memory that user space may not touch: RUN says EFAULT, for ever. */
static void no_memory_behind_slot(void)
{
	struct vcpu *v = guest(64, spin);

	OK(mprotect(v->vm->mem, v->vm->size, PROT_NONE));
	EQ(vcpu_run(v), -EFAULT);
	EQ(vcpu_run(v), -EFAULT);
	OK(mprotect(v->vm->mem, v->vm->size, PROT_READ | PROT_WRITE));
	load_guest(v->vm, GPA_CODE, halt);
	RUN_TO(v, KVM_EXIT_HLT);
}

static const struct test tests[] = {
	{ "signal_interrupts", signal_interrupts },
	{ "goes_on", goes_on },
	{ "immediate_exit", immediate_exit },
	{ "immediate_exit_from_handler", immediate_exit_from_handler },
	{ "signal_mask", signal_mask },
	{ "pending_signal", pending_signal },
	{ "killed_in_loops", killed_in_loops },
	{ "killed_in_hlt", killed_in_hlt },
	{ "killed_uninitialized", killed_uninitialized },
	{ "hlt_interrupted", hlt_interrupted },
	{ "no_memory_behind_slot", no_memory_behind_slot },
};

TEST_SUITE(tests);
