// SPDX-License-Identifier: GPL-2.0
/*
 * Guests and user space that mean harm: memory that changes between two looks,
 * pages that are someone else's by now, a shared page full of nonsense, faults
 * that never end, a VM that is declared dead. What the host must survive.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "vm.h"

#define PAGE	0x1000UL
#define GPA	0x40000000UL

/* Writes a counter to each of 16 pages at GPA, for ever. */
GUEST(64, writer,
      "mov $0x40000000, %ebx\n"
      "1: xor %ecx, %ecx\n"
      "2: inc %rax\n"
      "mov %rax, (%rbx,%rcx)\n"
      "add $0x1000, %ecx\n"
      "cmp $0x10000, %ecx\n"
      "jne 2b\n"
      "incq 0xc000\n"
      "jmp 1b\n");

/*
 * The classic hypervisor bug: a page goes back to the kernel and to someone else
 * while a guest on another CPU still has it in its TLB. MADV_DONTNEED frees 16
 * pages; the next 64 that are faulted in are, some of them, the same ones.
 */
static void freed_page_is_someone_elses(void)
{
	uint64_t *mem = mem_alloc(16 * PAGE), *other;
	struct vcpu *v = guest(64, writer);
	unsigned long i, n = scale(100, 25), k;
	struct runner r;

	OK(vm_slot(v->vm, 1, 0, GPA, 16 * PAGE, mem));
	runner_start(&r, v);
	CHECK(guest_progress(v, 2), "the guest does not run");
	for (i = 0; i < n; i++) {
		OK(madvise(mem, 16 * PAGE, MADV_DONTNEED));
		other = mem_alloc(64 * PAGE);
		for (k = 0; k < 64 * PAGE / 8; k += PAGE / 8)
			other[k] = ~0ULL;
		if (i % 8 == 0)
			CHECK(guest_progress(v, 2), "the guest hangs");
		else
			sched_yield();
		for (k = 0; k < 64 * PAGE / 8; k++)
			if (other[k] != (k % (PAGE / 8) ? 0 : ~0ULL))
				break;
		REQUIRE(k == 64 * PAGE / 8,
			"round %lu: word %lu of a fresh page is 0x%lx", i, k,
			other[k]);
		munmap(other, 64 * PAGE);
	}
	runner_stop(&r);
	EQ(r.result, -EINTR);
}

/* The same by way of the slot: what a deleted slot had is not written to. */
static void deleted_slot_is_someone_elses(void)
{
	struct vcpu *v = guest(64, writer);
	unsigned long i, n = scale(25, 6), k;
	uint64_t *mem;
	struct runner r;

	for (i = 0; i < n; i++) {
		mem = mem_alloc(16 * PAGE);
		OK(vm_slot(v->vm, 1, 0, GPA, 16 * PAGE, mem));
		runner_start(&r, v);
		CHECK(guest_progress(v, 2), "the guest does not run");
		OK(vm_slot(v->vm, 1, 0, GPA, 0, mem));
		memset(mem, 0x5a, 16 * PAGE);
		/* The guest has left with the write that found nothing there. */
		runner_join(&r);
		EQ(r.result, 0);
		EQ(v->run->exit_reason, KVM_EXIT_MMIO);
		for (k = 0; k < 16 * PAGE / 8; k++)
			REQUIRE(mem[k] == 0x5a5a5a5a5a5a5a5aULL,
				"round %lu: word %lu is 0x%lx", i, k, mem[k]);
		munmap(mem, 16 * PAGE);
	}
}

/*
 * Code that one CPU writes while another translates it is where QEMU's TCG (7.2)
 * is not sound: it reads the bytes, and only then begins to watch the page, so
 * that a store between the two is lost on it. Machines with more than one CPU
 * have stopped in these tests; whether for that reason was not found out. With one
 * CPU (host/changing-code) and in Bochs the guests take turns at any instruction of
 * the exit's handling.
 */
static void may_change_code(void)
{
	if (host_is_tcg() && sysconf(_SC_NPROCESSORS_ONLN) > 1 && !long_run())
		test_skip("several CPUs in TCG: with LONG=1, or one in host/kvmlite/changing-code");
}

/* The second of two vCPUs goes on changing the code of the first. */
static void start_changing(struct vcpu *v, struct vcpu *w, struct runner *r)
{
	struct kvm_regs regs;

	vcpu_long(v);
	vcpu_long(w);
	regs = get_regs(w);
	regs.rip = GPA_CODE + 0x1000;
	set_regs(w, &regs);
	runner_start(r, w);
}

/*
 * Double fetch: while one vCPU stores to a hole, another changes the store. Two
 * instructions of the same length; what comes out is one or the other, never the
 * address of one with the data of the other.
 */
GUEST(64, storing,
      "mov $0xd0000000, %ebx\n"
      "mov $0xd0001008, %ecx\n"
      "mov $0x11111111, %eax\n"
      "mov $0x22222222, %edx\n"
      "nop\nnop\nnop\nnop\n"		/* to GPA_CODE + 0x18 */
      "1: mov %eax, (%rbx)\n"		/* 89 03, or 89 11: mov %edx, (%rcx) */
      ".byte 0x0f, 0x1f, 0x40, 0x00\n"
      "jmp 1b\n");

GUEST(64, changing,
      "mov $0x10018, %ebx\n"
      "1: movw $0x1189, (%rbx)\n"
      "incq 0xc000\n"
      "movw $0x0389, (%rbx)\n"
      "jmp 1b\n");

static void instruction_changes(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v = vcpu_new(vm, 0), *w = vcpu_new(vm, 1);
	unsigned long i, n = scale(20000, 2000), seen[2] = { 0 };
	struct runner r;

	may_change_code();
	load_guest(vm, GPA_CODE, storing);
	load_guest(vm, GPA_CODE + 0x1000, changing);
	REQUIRE(!memcmp(vm->mem + 0x10018, "\x89\x03", 2),
		"the store is not where it should be");
	start_changing(v, w, &r);
	for (i = 0; i < n; i++) {
		uint32_t data;
		int which;

		REQUIRE(!vcpu_run(v), "KVM_RUN: %s", strerror(errno));
		EQ(v->run->exit_reason, KVM_EXIT_MMIO);
		EQ(v->run->mmio.is_write, 1);
		EQ(v->run->mmio.len, 4);
		memcpy(&data, v->run->mmio.data, 4);
		which = v->run->mmio.phys_addr == 0xd0001008;
		REQUIRE((which || v->run->mmio.phys_addr == GPA_MMIO) &&
			data == (which ? 0x22222222 : 0x11111111),
			"0x%x to 0x%llx", data, v->run->mmio.phys_addr);
		seen[which]++;
	}
	runner_stop(&r);
	diag("%lu of one, %lu of the other", seen[0], seen[1]);
}

/*
 * The same with a page that the guest may only read: the CPU lets a load through,
 * and finds a store in its place when it is looked at again. That is the guest's
 * page fault, and never a write to the device.
 */
GUEST(64, loading,
      "mov $0xd0000000, %ebx\n"
      "mov $0x11111111, %eax\n"
      "nop\nnop\nnop\nnop\nnop\nnop\n"	/* to GPA_CODE + 0x10 */
      "1: mov (%rbx), %eax\n"		/* 8b 03, or 89 03: mov %eax, (%rbx) */
      "jmp 1b\n");

GUEST(64, changing_load,
      "mov $0x10010, %ebx\n"
      "1: movb $0x89, (%rbx)\n"
      "incq 0xc000\n"
      "movb $0x8b, (%rbx)\n"
      "jmp 1b\n");

static void load_becomes_store(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v = vcpu_new(vm, 0), *w = vcpu_new(vm, 1);
	uint64_t *pd = (void *)(vm->mem + GPA_PD);
	unsigned long i, n = scale(5000, 1000);
	struct runner r;

	if (!is_kvmlite())
		test_skip("6.12's KVM takes the exit's address for the store's");
	may_change_code();
	pd[GPA_MMIO >> 21] &= ~2ULL;
	load_guest(vm, GPA_CODE, loading);
	load_guest(vm, GPA_CODE + 0x1000, changing_load);
	REQUIRE(!memcmp(vm->mem + 0x10010, "\x8b\x03", 2),
		"the load is not where it should be");
	start_changing(v, w, &r);
	for (i = 0; i < n; i++) {
		REQUIRE(!vcpu_run(v), "KVM_RUN: %s", strerror(errno));
		EQ(v->run->exit_reason, KVM_EXIT_MMIO);
		EQ(v->run->mmio.phys_addr, GPA_MMIO);
		REQUIRE(!v->run->mmio.is_write, "exit %lu is a write", i);
	}
	runner_stop(&r);
	diag("%u page faults", guest_exc(v)->counts[14]);
}

/* Someone else writes to the run page while the vCPU exits and comes back. */
static volatile int scribbling;

static void *scribble(void *arg)
{
	struct vcpu *v = arg;
	const size_t regs = offsetof(struct kvm_run, kvm_valid_regs) / 8;
	uint64_t x = 88172645463325252ULL;
	unsigned long round = 0;
	size_t i;

	while (scribbling) {
		round++;
		for (i = 0; i < v->run_size / 8; i++) {
			/* Mostly not what makes KVM_RUN return at once. */
			if (round % 64 && (!i || i == regs || i == regs + 1))
				continue;
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* Mostly small numbers: counts, lengths, indices. */
			((volatile uint64_t *)v->run)[i] = x & 1 ? x : x & 0xff;
		}
	}
	return NULL;
}

/* INS and OUTS of many elements, MMIO of all kinds, from a guest that goes on. */
GUEST(64, exiting,
      "1: mov $0x100000, %edi\n"
      "mov $0x100000, %esi\n"
      "mov $300, %ecx\n"
      "mov $0x20, %edx\n"
      "cld\n"
      "rep insw\n"
      "mov $300, %ecx\n"
      "rep outsb\n"
      "mov $0xd0000ffc, %ebx\n"
      "mov (%rbx), %rax\n"
      "mov %rax, (%rbx)\n"
      "lock incl 4(%rbx)\n"
      "mov $0xd0000000, %edi\n"
      "mov $0x100000, %esi\n"
      "mov $40, %ecx\n"
      "rep movsb\n"
      "mov $0xc0000080, %ecx\n"
      "rdmsr\n"
      "incq 0xc000\n"
      "jmp 1b\n");

static void run_page_full_of_nonsense(void)
{
	struct vm *vm = vm_new();
	struct kvm_coalesced_mmio_zone zone = { .addr = 0xd0000000, .size = 32 };
	uint64_t end = now_ns() + 1000000ULL * scale(3000, 500);
	struct vcpu *v = vcpu_new(vm, 0);
	uint8_t *guard = mem_alloc(4 * PAGE);
	unsigned long runs = 0, i;
	struct kvm_regs regs;
	pthread_t thread;

	/* Memory that the guest was never told to touch, next to what it was. */
	memset(guard, 0x77, 4 * PAGE);
	OK(vm_slot(vm, 1, 0, 0x300000, 4 * PAGE, guard));
	OK(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone));
	load_guest(vm, GPA_CODE, exiting);
	vcpu_long(v);
	scribbling = 1;
	OK(-pthread_create(&thread, NULL, scribble, v));
	while (now_ns() < end) {
		/* Any answer will do; the guest begins anew when it is lost. */
		vcpu_run(v);
		if (++runs % 64 == 0) {
			v->run->kvm_dirty_regs = 0;
			regs = (struct kvm_regs) {
				.rip = GPA_CODE, .rsp = GPA_STACK, .rflags = 2,
			};
			set_regs(v, &regs);
		}
	}
	scribbling = 0;
	pthread_join(thread, NULL);
	for (i = 0; i < 4 * PAGE; i++)
		REQUIRE(guard[i] == 0x77, "byte %lu is 0x%x", i, guard[i]);
	CHECK(runs > 64, "only %lu runs", runs);
	diag("%lu runs", runs);

	/* It is still a vCPU. */
	memset(v->run, 0, PAGE);
	OK(ioctl(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &zone));
	load_guest(vm, GPA_CODE, writer);
	vm->mem[GPA_CODE] = 0xf4;
	vcpu_long(v);
	for (i = 0; i < 10; i++) {
		memset(v->run, 0, PAGE);
		if (!vcpu_run(v) && v->run->exit_reason == KVM_EXIT_HLT)
			return;
	}
	test_fail(__FILE__, __LINE__, "no HLT, but exit %u", v->run->exit_reason);
}

/*
 * A fault that nobody answers: memory whose pages come from a userfaultfd that
 * is never read. The thread must die at once, and be woken by a signal.
 */
static int silent_fd;

static void *silent_memory(size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *mem = mem_alloc(size);

	silent_fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (silent_fd < 0)
		test_skip("userfaultfd: %s", strerror(errno));
	OK(ioctl(silent_fd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)mem;
	reg.range.len = size;
	OK(ioctl(silent_fd, UFFDIO_REGISTER, &reg));
	return mem;
}

static void unanswered_fault_is_killed(void)
{
	volatile int *started = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began;
	int status;
	pid_t pid;

	pid = OK(fork());
	if (!pid) {
		struct vcpu *v = guest(64, writer);

		OK(vm_slot(v->vm, 1, 0, GPA, 16 * PAGE, silent_memory(16 * PAGE)));
		*started = 1;
		vcpu_run(v);
		_exit(3);
	}
	CHECK(await(*started || waitpid(pid, &status, WNOHANG) == pid),
	      "never began");
	if (!*started)
		test_skip("no userfaultfd for us");
	sleep_ms(50);
	OK(kill(pid, SIGKILL));
	began = now_ns();
	EQ(OK(waitpid(pid, &status, 0)), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x",
	      status);
	CHECK(now_ns() - began < 2000000000ULL, "that took long");
}

/* ---- a 32-bit program ---- */

static void *low_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	REQUIRE(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

/* ioctl() by the 32-bit entry, which a 64-bit process has as well. */
static int ioctl32(int fd, uint32_t request, void *arg)
{
	long ret = 54;		/* __NR_ioctl of i386 */

	REQUIRE((uintptr_t)arg >> 32 == 0, "%p", arg);
	__asm__ volatile("int $0x80" : "+a" (ret) :
			 "b" (fd), "c" (request), "d" (arg) :
			 "memory", "r8", "r9", "r10", "r11");
	if ((int)ret < 0) {
		errno = -(int)ret;
		return -1;
	}
	return ret;
}

struct range32 {
	uint32_t flags, nmsrs, base, bitmap;
};

struct filter32 {
	uint32_t flags;
	struct range32 ranges[16];
};

#define SET_MSR_FILTER32 _IOW(KVMIO, 0xc6, struct filter32)

GUEST(64, read_pat,
      "mov $0x277, %ecx\n"
      "lea 1f(%rip), %r15\n"
      "rdmsr\n"
      "1: hlt\n");

static void msr_filter_of_32_bits(void)
{
	struct vcpu *v = guest(64, read_pat);
	struct filter32 *f = low_alloc(PAGE);
	uint32_t *bitmap = low_alloc(PAGE);

	f->ranges[0] = (struct range32) {
		.flags = 1 /* read */, .nmsrs = 32, .base = 0x277,
		.bitmap = (uintptr_t)bitmap,
	};
	f->flags = 2;
	FAILS(ioctl32(v->vm->fd, SET_MSR_FILTER32, f), EINVAL);
	f->flags = 0;
	f->ranges[0].bitmap = 0x10;
	FAILS(ioctl32(v->vm->fd, SET_MSR_FILTER32, f), EFAULT);
	f->ranges[0].bitmap = (uintptr_t)bitmap;
	OK(ioctl32(v->vm->fd, SET_MSR_FILTER32, f));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->counts[13], 1);
	/* That number is nothing to a 64-bit program. */
	FAILS(ioctl(v->vm->fd, SET_MSR_FILTER32, f), NO_CALL(ENOTTY));
}

static void dirty_log_of_32_bits(void)
{
	struct kvm_dirty_log *log = low_alloc(PAGE);
	struct kvm_clear_dirty_log *clear = low_alloc(PAGE);
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 1,
	};
	uint64_t *bitmap = low_alloc(PAGE);
	struct vcpu *v = guest(64, writer);
	struct runner r;

	OK(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap));
	OK(vm_slot(v->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, 16 * PAGE,
		   mem_alloc(16 * PAGE)));
	runner_start(&r, v);
	CHECK(guest_progress(v, 2), "the guest does not run");
	runner_stop(&r);
	/* Such a program fills in half of the field. */
	log->slot = 1;
	log->padding2 = 0xdeadbeef00000000ULL | (uintptr_t)bitmap;
	OK(ioctl32(v->vm->fd, KVM_GET_DIRTY_LOG, log));
	EQ(*bitmap, 0xffff);
	clear->slot = 1;
	clear->num_pages = 16;
	clear->padding2 = 0xdeadbeef00000000ULL | (uintptr_t)bitmap;
	*bitmap = 0x00ff;
	OK(ioctl32(v->vm->fd, KVM_CLEAR_DIRTY_LOG, clear));
	*bitmap = 0;
	OK(ioctl32(v->vm->fd, KVM_GET_DIRTY_LOG, log));
	EQ(*bitmap, 0xff00);
}

/* ---- a dead VM ---- */

/* Writes 1 to kvmlite/PID-N/dead of the one VM that this process has. */
static void kill_vm(void)
{
	char prefix[32], path[PATH_MAX] = "";
	struct dirent *e;
	DIR *d;
	int fd;

	snprintf(prefix, sizeof(prefix), "%d-", getpid());
	d = opendir("/sys/kernel/debug/kvmlite");
	if (!d)
		test_skip("debugfs: %s", strerror(errno));
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, prefix, strlen(prefix)))
			snprintf(path, sizeof(path),
				 "/sys/kernel/debug/kvmlite/%s/dead", e->d_name);
	closedir(d);
	fd = OK(open(path, O_RDWR));
	EQ(write(fd, "2\n", 2), -1);
	EQ(errno, EINVAL);
	EQ(write(fd, "1\n", 2), 2);
	close(fd);
}

GUEST(64, spin, "1: incq 0xc000\njmp 1b\n");
GUEST(16, halt, "hlt\n");

static void dead_vm(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v = vcpu_new(vm, 0), *h;
	struct kvm_regs regs;
	struct runner r;

	if (!is_kvmlite())
		test_skip("kvmlite's own");
	h = vcpu_new(vm, 1);
	load_guest(vm, GPA_CODE, spin);
	vcpu_long(v);
	vcpu_long(h);
	runner_start(&r, v);
	CHECK(await(*guest_data(v, uint64_t) > 100), "the guest does not run");
	kill_vm();
	runner_join(&r);
	EQ(r.result, -EIO);
	/* From now on nothing works, on any of its files. */
	EQ(vcpu_run(h), -EIO);
	FAILS(ioctl(h->fd, KVM_GET_REGS, &regs), EIO);
	FAILS(ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_HLT), EIO);
	FAILS(ioctl(vm->fd, KVM_CREATE_VCPU, 2UL), EIO);
}

/* Does the process's other thread sleep, where a signal would wake it? */
static bool other_sleeps(void)
{
	char path[PATH_MAX], line[256] = "", *state;
	DIR *d = opendir("/proc/self/task");
	bool sleeps = false;
	struct dirent *e;
	FILE *f;

	REQUIRE(d, "/proc/self/task: %s", strerror(errno));
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/stat", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		sleeps |= state && state[2] == 'S';
		fclose(f);
	}
	closedir(d);
	return sleeps;
}

/* A vCPU that waits, in a VM that ends meanwhile. */
static void killed_while_waiting(struct vcpu *v)
{
	struct runner r;

	runner_start(&r, v);
	CHECK(await(other_sleeps()), "it does not sleep");
	EQ(r.done, 0);
	kill_vm();
	runner_join(&r);
	EQ(r.result, -EIO);
}

/* One that sleeps in HLT is woken for it. */
static void dead_vm_in_hlt(void)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	if (!is_kvmlite())
		test_skip("kvmlite's own");
	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, halt);
	vcpu_real(v);
	killed_while_waiting(v);
}

/* Nor is it waited for by a CPU that nobody has started, whatever else comes. */
static void dead_vm_in_init(void)
{
	struct kvm_mp_state s = { KVM_MP_STATE_INIT_RECEIVED };
	struct vm *vm = vm_new();
	struct vcpu *v;

	if (!is_kvmlite())
		test_skip("kvmlite's own");
	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vcpu_new(vm, 0);
	v = vcpu_new(vm, 1);
	OK(ioctl(v->fd, KVM_SET_MP_STATE, &s));
	OK(ioctl(v->fd, KVM_NMI));
	killed_while_waiting(v);
}

/* ---- the APIC base without a LAPIC in the kernel ---- */

static void x2apic_without_lapic(void)
{
	struct vcpu *v = guest(16, halt);
	struct kvm_sregs s = get_sregs(v);

	/* CPUID has it: mode bits are the business of user space. */
	vcpu_cpuid(v);
	s.apic_base |= 0xc00;
	OK(ioctl(v->fd, KVM_SET_SREGS, &s));
	EQ(get_sregs(v).apic_base & 0xc00, 0xc00);
	s.apic_base &= ~0x800ULL;
	FAILS(ioctl(v->fd, KVM_SET_SREGS, &s), EINVAL);
}

static const struct test tests[] = {
	{ "freed_page_is_someone_elses", freed_page_is_someone_elses },
	{ "deleted_slot_is_someone_elses", deleted_slot_is_someone_elses },
	{ "instruction_changes", instruction_changes },
	{ "load_becomes_store", load_becomes_store },
	{ "run_page_full_of_nonsense", run_page_full_of_nonsense },
	{ "unanswered_fault_is_killed", unanswered_fault_is_killed },
	{ "msr_filter_of_32_bits", msr_filter_of_32_bits },
	{ "dirty_log_of_32_bits", dirty_log_of_32_bits },
	{ "dead_vm", dead_vm },
	{ "dead_vm_in_hlt", dead_vm_in_hlt },
	{ "dead_vm_in_init", dead_vm_in_init },
	{ "x2apic_without_lapic", x2apic_without_lapic },
};

TEST_SUITE(tests);
