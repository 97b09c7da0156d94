// SPDX-License-Identifier: GPL-2.0
/* File descriptors closed in any order, shared, inherited, used all at once. */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "vm.h"

GUEST(64, count,
      "1: incq 0xc000\n"
      "jmp 1b\n");

GUEST(16, out_hlt,
      "out %al, $0x10\n"
      "hlt\n");

static void vm_closed_first(void)
{
	struct vcpu *v = guest(16, out_hlt);

	close(v->vm->fd);
	RUN_TO_OUT(v, 0x10, 0);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rip, 3);
	close(v->fd);
	/* The shared page outlives both. */
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
}

static void vcpu_closed_first(void)
{
	struct vcpu *v = guest(16, out_hlt);
	struct vm *vm = v->vm;
	struct vcpu *w;

	RUN_TO_OUT(v, 0x10, 0);
	vcpu_free(v);
	OK(vm_slot(vm, 1, 0, GPA_MMIO, 0x1000, mem_alloc(0x1000)));
	w = vcpu_new(vm, 1);
	vcpu_real(w);
	RUN_TO_OUT(w, 0x10, 0);
}

static void device_closed_first(void)
{
	int fd = kvm_open(), vm = OK(ioctl(fd, KVM_CREATE_VM, 0));

	close(fd);
	OK(ioctl(vm, KVM_CREATE_VCPU, 0));
}

/* Memory that goes away while the slot is there. */
static void memory_unmapped_first(void)
{
	struct vcpu *v = guest(16, out_hlt);

	RUN_TO_OUT(v, 0x10, 0);
	OK(munmap(v->vm->mem, v->vm->size));
	EQ(vcpu_run(v), -EFAULT);
	v->vm->mem = NULL;
	close(v->vm->fd);
	EQ(vcpu_run(v), -EFAULT);
}

static void run_page_unmapped(void)
{
	struct vcpu *v = guest(16, out_hlt);

	OK(munmap(v->run, v->run_size));
	EQ(vcpu_run(v), 0);
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	REQUIRE(v->run != MAP_FAILED, "mmap: %s", strerror(errno));
	EQ(v->run->exit_reason, KVM_EXIT_IO);
}

/* Closed by one thread while another is inside RUN. */
static void closed_while_running(void)
{
	struct vcpu *v = guest(64, count);
	struct runner r;

	runner_start(&r, v);
	CHECK(await(*guest_data(v, uint64_t) > 10), "the guest does not run");
	close(v->vm->fd);
	close(v->fd);
	sleep_ms(5);
	CHECK(!r.done, "RUN came back: %d", r.result);
	/* The next RUN, after the signal, finds the fd closed. */
	while (!r.done) {
		runner_kick(&r);
		sleep_ms(1);
	}
	runner_join(&r);
	EQ(r.result, -EBADF);
}

static void forked(void)
{
	struct vcpu *v = guest(16, out_hlt);
	struct kvm_regs regs;
	int status;
	pid_t pid;

	pid = OK(fork());
	if (!pid) {
		/* Another mm: nothing but closing is left. */
		FAILS(ioctl(v->fd, KVM_RUN, 0), EIO);
		FAILS(ioctl(v->fd, KVM_GET_REGS, &regs), EIO);
		FAILS(ioctl(v->vm->fd, KVM_CREATE_VCPU, 1), EIO);
		FAILS(vm_slot(v->vm, 1, 0, GPA_MMIO, 0x1000, v->vm->mem), EIO);
		FAILS(ioctl(v->vm->fd, KVM_CHECK_EXTENSION, 0), EIO);
		test_abort();
	}
	OK(waitpid(pid, &status, 0));
	RUN_TO_OUT(v, 0x10, 0);
	RUN_TO(v, KVM_EXIT_HLT);
}

/* The child holds the last reference; the parent's memory is gone by then. */
static void child_closes_last(void)
{
	struct vcpu *v = guest(16, out_hlt);
	int status;
	pid_t pid;

	RUN_TO_OUT(v, 0x10, 0);
	pid = OK(fork());
	if (!pid) {
		sleep_ms(50);
		_exit(0);
	}
	close(v->fd);
	close(v->vm->fd);
	munmap(v->run, v->run_size);
	munmap(v->vm->mem, v->vm->size);
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

/* And here the parent ends, with the VM's mm, before the child closes. */
static void parent_exits_first(void)
{
	int status;
	pid_t pid;

	pid = OK(fork());
	if (!pid) {
		struct vcpu *v = guest(16, out_hlt);

		RUN_TO_OUT(v, 0x10, 0);
		if (!fork()) {
			sleep_ms(100);
			if (ioctl(v->fd, KVM_RUN, 0) >= 0 || errno != EIO)
				_exit(1);
			_exit(0);
		}
		_exit(0);
	}
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
	sleep_ms(200);
}

/* RUN on one vCPU from two threads: one waits for the other, or is refused. */
static void run_from_two_threads(void)
{
	struct vcpu *v = guest(64, count);
	struct runner a, b;

	runner_start(&a, v);
	CHECK(await(*guest_data(v, uint64_t) > 10), "the guest does not run");
	runner_start(&b, v);
	sleep_ms(20);
	a.stop = 1;
	b.stop = 1;
	while (!a.done || !b.done) {
		if (!a.done)
			runner_kick(&a);
		if (!b.done)
			runner_kick(&b);
		sleep_ms(1);
	}
	runner_join(&a);
	runner_join(&b);
	EQ(a.result, -EINTR);
	EQ(b.result, -EINTR);
}

/* Calls on a vCPU that runs wait until it does not, or a signal comes. */
static void *get_regs_thread(void *arg)
{
	struct vcpu *v = arg;
	struct kvm_regs regs;
	long i;

	for (i = 0; i < 50; i++) {
		if (ioctl(v->fd, KVM_GET_REGS, &regs) < 0)
			return (void *)(long)errno;
	}
	return NULL;
}

static void calls_while_running(void)
{
	struct vcpu *v = guest(64, count);
	pthread_t thread;
	struct runner r;
	void *result;

	runner_start(&r, v);
	CHECK(await(*guest_data(v, uint64_t) > 10), "the guest does not run");
	pthread_create(&thread, NULL, get_regs_thread, v);
	while (pthread_tryjoin_np(thread, &result)) {
		runner_kick(&r);
		sleep_ms(1);
	}
	EQ((long)result, 0);
	runner_stop(&r);
}

static unsigned long meminfo(const char *key)
{
	char line[128];
	unsigned long value = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	REQUIRE(f, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			sscanf(strchr(line, ':') + 1, "%lu", &value);
	}
	fclose(f);
	return value;
}

static void one_vm(void)
{
	struct vm *vm = vm_bare();
	struct kvm_ioeventfd io = { .addr = GPA_MMIO, .len = 4 };
	struct kvm_irqfd irq = { .gsi = 3 };
	struct vcpu *v, *w;

	vm->size = VM_MEM;
	vm->mem = mem_alloc(VM_MEM);
	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	OK(vm_slot(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, VM_MEM, vm->mem));
	load_guest(vm, GPA_CODE, out_hlt);
	io.fd = OK(eventfd(0, EFD_CLOEXEC));
	irq.fd = OK(eventfd(0, EFD_CLOEXEC));
	OK(ioctl(vm->fd, KVM_IOEVENTFD, &io));
	OK(ioctl(vm->fd, KVM_IRQFD, &irq));
	v = vcpu_new(vm, 0);
	w = vcpu_new(vm, 1);
	vcpu_real(v);
	vcpu_cpuid(v);
	RUN_TO_OUT(v, 0x10, 0);
	close(io.fd);
	close(irq.fd);
	vcpu_free(w);
	vcpu_free(v);
	vm_free(vm);
}

/* What the kernel holds after 100 more VMs is what it held before. */
static void no_leak(void)
{
	static const char * const keys[] = {
		"SUnreclaim", "PageTables", "SecPageTables", "KernelStack",
	};
	unsigned long before[ARRAY_SIZE(keys)], free_before, free_after;
	unsigned int n = scale(100, 30), i, k;

	for (i = 0; i < 10; i++)
		one_vm();
	sleep_ms(100);
	for (k = 0; k < ARRAY_SIZE(keys); k++)
		before[k] = meminfo(keys[k]);
	free_before = meminfo("MemFree") + meminfo("Cached");
	for (i = 0; i < n; i++)
		one_vm();
	/* What RCU frees takes a moment. */
	sleep_ms(200);
	for (k = 0; k < ARRAY_SIZE(keys); k++) {
		unsigned long now = meminfo(keys[k]);

		/* A leak of the least a VM has, its pages, is n times 8 KiB. */
		CHECK(now < before[k] + n * 8, "%s was %lu kB, is %lu kB",
		      keys[k], before[k], now);
	}
	free_after = meminfo("MemFree") + meminfo("Cached");
	CHECK(free_after + n * 24 > free_before,
	      "free memory was %lu kB, is %lu kB", free_before, free_after);
}

/* As many VMs as that at the same time. */
static void many_at_once(void)
{
	unsigned int n = scale(100, 20), i;
	struct vcpu *v[100];

	for (i = 0; i < n; i++) {
		v[i] = guest(16, out_hlt);
		RUN_TO_OUT(v[i], 0x10, 0);
	}
	for (i = 0; i < n; i++)
		RUN_TO(v[i], KVM_EXIT_HLT);
}

static const struct test tests[] = {
	{ "vm_closed_first", vm_closed_first },
	{ "vcpu_closed_first", vcpu_closed_first },
	{ "device_closed_first", device_closed_first },
	{ "memory_unmapped_first", memory_unmapped_first },
	{ "run_page_unmapped", run_page_unmapped },
	{ "closed_while_running", closed_while_running },
	{ "forked", forked },
	{ "child_closes_last", child_closes_last },
	{ "parent_exits_first", parent_exits_first },
	{ "run_from_two_threads", run_from_two_threads },
	{ "calls_while_running", calls_while_running },
	{ "no_leak", no_leak },
	{ "many_at_once", many_at_once },
};

TEST_SUITE(tests);
