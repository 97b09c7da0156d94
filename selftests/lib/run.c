// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <time.h>

#include "vm.h"

static const char * const names[] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "EXCEPTION",
	[KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL",
	[KVM_EXIT_DEBUG] = "DEBUG",
	[KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR",
	[KVM_EXIT_SET_TPR] = "SET_TPR",
	[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS",
	[KVM_EXIT_NMI] = "NMI",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
	[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
	[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
	[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
	[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
	[KVM_EXIT_X86_BUS_LOCK] = "X86_BUS_LOCK",
	[KVM_EXIT_NOTIFY] = "NOTIFY",
};

const char *exit_name(uint32_t reason)
{
	if (reason < ARRAY_SIZE(names) && names[reason])
		return names[reason];
	return "unnamed";
}

int vcpu_run(struct vcpu *v)
{
	return ioctl(v->fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

/* What a test that got another exit than it wanted needs to know. */
static void describe(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	struct kvm_regs r;
	unsigned int i;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		diag("  %s port 0x%x size %u count %u first 0x%x",
		     run->io.direction == KVM_EXIT_IO_OUT ? "out" : "in",
		     run->io.port, run->io.size, run->io.count,
		     *(uint8_t *)io_data(v));
		break;
	case KVM_EXIT_MMIO:
		diag("  %s 0x%llx len %u", run->mmio.is_write ? "write" : "read",
		     run->mmio.phys_addr, run->mmio.len);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		diag("  hardware reason 0x%llx",
		     run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		diag("  suberror %u", run->internal.suberror);
		for (i = 0; i < run->internal.ndata && i < 16; i++)
			diag("  data[%u] 0x%llx", i, run->internal.data[i]);
		break;
	}
	if (!ioctl(v->fd, KVM_GET_REGS, &r))
		diag("  rip 0x%llx rsp 0x%llx rflags 0x%llx rax 0x%llx rbx 0x%llx rcx 0x%llx",
		     r.rip, r.rsp, r.rflags, r.rax, r.rbx, r.rcx);
	if (v->vm->mem && guest_exc(v)->count)
		diag("  last exception: vector %lu error 0x%lx rip 0x%lx cr2 0x%lx (%lu in all)",
		     guest_exc(v)->vector, guest_exc(v)->error,
		     guest_exc(v)->rip, guest_exc(v)->cr2,
		     guest_exc(v)->count);
}

void run_to(struct vcpu *v, uint32_t reason, const char *file, int line)
{
	int r = vcpu_run(v);

	if (r) {
		test_fail(file, line, "KVM_RUN: %s", strerror(-r));
	} else if (v->run->exit_reason != reason) {
		test_fail(file, line, "exit %u (%s), not %s",
			  v->run->exit_reason, exit_name(v->run->exit_reason),
			  exit_name(reason));
	} else {
		return;
	}
	describe(v);
	test_abort();
}

void run_to_out(struct vcpu *v, uint16_t port, uint32_t value,
		const char *file, int line)
{
	struct kvm_run *run = v->run;
	uint32_t got = 0;

	run_to(v, KVM_EXIT_IO, file, line);
	memcpy(&got, io_data(v), run->io.size <= 4 ? run->io.size : 4);
	if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == port &&
	    run->io.count == 1 && got == value)
		return;
	test_fail(file, line, "not an OUT of 0x%x to port 0x%x", value, port);
	describe(v);
	test_abort();
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	do {
		r->result = vcpu_run(r->v);
		if (r->result == -EINTR)
			r->interrupted++;
	} while ((r->result == -EINTR || r->result == -EAGAIN) && !r->stop);
	r->done = 1;
	return NULL;
}

void runner_start(struct runner *r, struct vcpu *v)
{
	memset(r, 0, sizeof(*r));
	r->v = v;
	catch_signal(SIGUSR1);
	errno = pthread_create(&r->thread, NULL, runner_main, r);
	REQUIRE(!errno, "pthread_create: %s", strerror(errno));
}

void runner_kick(struct runner *r)
{
	pthread_kill(r->thread, SIGUSR1);
}

void runner_join(struct runner *r)
{
	pthread_join(r->thread, NULL);
}

void runner_stop(struct runner *r)
{
	r->stop = 1;
	/* A kick that lands just before KVM_RUN is lost: send more. */
	while (!r->done) {
		runner_kick(r);
		sleep_ms(1);
	}
	runner_join(r);
}

static void ignore(int sig)
{
	(void)sig;
}

void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = ignore };

	OK(sigaction(sig, &sa, NULL));
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}
