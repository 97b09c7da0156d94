// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is short: guests larger than the host, which swaps; guests in a
 * memory cgroup; tables that take long to free.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "host.h"
#include "vm.h"

#define PAGE	0x1000UL
#define HUGE	0x200000UL
#define GPA	0x100000000UL		/* 4 GiB, mapped by 1 GiB pages */

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/*
 * %r8: first page, %r9: how many, %r13: bytes from one to the next, %r11: step in
 * which to take them, %r10: pass. Each page's first and last word must be what the
 * pass before left there, its address plus the number of that pass; %r12 counts
 * those that are not. OUT ends a pass.
 */
GUEST(64, workload,
      "1: mov %r9, %rcx\n"
      "xor %esi, %esi\n"
      "2: mov %rsi, %rdi\n"
      "imul %r13, %rdi\n"
      "add %r8, %rdi\n"
      "lea (%rdi,%r10), %rax\n"
      "cmp %rax, (%rdi)\n"
      "jne 3f\n"
      "cmp %rax, 0xff8(%rdi)\n"
      "je 4f\n"
      "3: inc %r12\n"
      "4: inc %rax\n"
      "mov %rax, (%rdi)\n"
      "mov %rax, 0xff8(%rdi)\n"
      "add %r11, %rsi\n"
      "cmp %r9, %rsi\n"
      "jb 5f\n"
      "sub %r9, %rsi\n"
      "5: loop 2b\n"
      "inc %r10\n"
      "out %al, $0x10\n"
      "jmp 1b\n");

/* Reads a word in each of %rcx pieces of 2 MiB from GPA on, then halts. */
GUEST(64, sparse,
      "mov $0x100000000, %rdi\n"
      "1: mov (%rdi), %rax\n"
      "add $0x200000, %rdi\n"
      "loop 1b\n"
      "hlt\n");

/* The guest sees 512 GiB one to one, all but the first 4 by 1 GiB pages. */
static void map_all(struct vm *vm)
{
	uint64_t *pdpt = (void *)(vm->mem + GPA_PDPT), i;

	for (i = 4; i < 512; i++)
		pdpt[i] = i << 30 | 0x87;
}

static struct vcpu *far_guest(struct vm *vm, uint32_t id, const uint8_t *code,
			      size_t len)
{
	struct vcpu *v = vcpu_new(vm, id);

	memcpy(vm->mem + GPA_CODE, code, len);
	map_all(vm);
	vcpu_cpuid(v);
	vcpu_long(v);
	return v;
}

#define FAR_GUEST(vm, id, code) \
	far_guest(vm, id, code, (size_t)(code##_end - (code)))

static void start_pass(struct vcpu *v, uint64_t gpa, uint64_t pages,
		       uint64_t distance)
{
	struct kvm_regs regs = get_regs(v);

	regs.r8 = gpa;
	regs.r9 = pages;
	regs.r10 = 0;
	regs.r11 = 1;
	regs.r12 = 0;
	regs.r13 = distance;
	set_regs(v, &regs);
}

/* ---- more memory than there is ---- */

struct job {
	pthread_t thread;
	struct vcpu *v;
	unsigned int passes;
	volatile int done;
};

static void *passes(void *arg)
{
	struct job *job = arg;
	struct vcpu *v = job->v;
	struct kvm_regs regs;
	unsigned int i;

	for (i = 0; i < job->passes; i++) {
		RUN_TO_OUT(v, 0x10, (i + 1) & 0xff);
		regs = get_regs(v);
		/* Before the first nothing was written. */
		if (i)
			EQ(regs.r12, 0);
		regs.r12 = 0;
		/* In an order in which readahead is of no use. */
		if (i && long_run() && regs.r9 > 0x1235)
			regs.r11 = 0x1235;
		set_regs(v, &regs);
	}
	job->done = 1;
	return NULL;
}

static void job_start(struct job *job, struct vcpu *v, unsigned int n)
{
	*job = (struct job) { .v = v, .passes = n };
	OK(-pthread_create(&job->thread, NULL, passes, job));
}

#define LEFT	(24UL << 20)

static void overcommit(void)
{
	uint64_t total = host_value("/proc/meminfo", "MemTotal") << 10;
	/* Whole multiples of what a short run uses. */
	uint64_t size = (8 * total + 32 * HUGE - 1) & -(32 * HUGE);
	/* In a short run a part of it, in what is left of the host's memory. */
	uint64_t used = long_run() ? size : 64 << 20;
	uint64_t out = host_value("/proc/vmstat", "pswpout");
	uint64_t in = host_value("/proc/vmstat", "pswpin"), spare = total;
	struct job job[2];
	struct vcpu *v;
	struct vm *vm;
	void *mem, *ballast;
	int i;

	if (host_value("/proc/meminfo", "SwapFree") << 10 < size)
		test_skip("a guest of %lu MiB wants as much swap", size >> 20);
	if (!long_run()) {
		spare = host_value("/proc/meminfo", "MemAvailable") << 10;
		if (spare > LEFT) {
			ballast = mem_alloc(spare - LEFT);
			OK(mlock(ballast, spare - LEFT));
			spare = LEFT;
		}
	}
	mem = mem_alloc(size);
	madvise(mem, size, MADV_NOHUGEPAGE);
	vm = vm_new();
	OK(vm_slot(vm, 1, 0, GPA, size, mem));
	for (i = 0; i < 2; i++) {
		v = FAR_GUEST(vm, i, workload);
		start_pass(v, GPA + i * size / 2, used / 2 / PAGE,
			   PAGE * (size / used));
		job_start(&job[i], v, 2);
	}
	for (i = 0; i < 2; i++)
		pthread_join(job[i].thread, NULL);
	out = host_value("/proc/vmstat", "pswpout") - out;
	in = host_value("/proc/vmstat", "pswpin") - in;
	diag("%lu MiB, %lu used, in %lu: %lu MiB went out, %lu came back",
	     size >> 20, used >> 20, total >> 20, out >> 8, in >> 8);
	CHECK(out * PAGE > used - spare, "that is too little");
	CHECK(in * PAGE > used - spare, "that is too little");
}

/* Pages leave under the hands of a guest that goes on with them. */
static void page_out(void)
{
	size_t pages = 512;
	uint8_t *mem = mem_alloc(pages * PAGE);
	struct vm *vm = vm_new();
	struct vcpu *v = FAR_GUEST(vm, 0, workload);
	uint64_t out = host_value("/proc/vmstat", "pswpout");
	struct job job;

	if (!host_value("/proc/meminfo", "SwapFree"))
		test_skip("no swap");
	OK(vm_slot(vm, 1, 0, GPA, pages * PAGE, mem));
	start_pass(v, GPA, pages, PAGE);
	job_start(&job, v, long_run() ? 200 : 30);
	while (!job.done) {
		OK(madvise(mem, pages * PAGE, MADV_PAGEOUT));
		sched_yield();
	}
	pthread_join(job.thread, NULL);
	CHECK(host_value("/proc/vmstat", "pswpout") - out > pages,
	      "nothing went out");
}

/* ---- cgroups ---- */

#define CGROUPS "/sys/fs/cgroup"

static char group[128];

static const char *group_file(const char *name)
{
	static char path[192];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return path;
}

/* A memory cgroup for this test; @limit: its memory.max, or 0. */
static void group_new(uint64_t limit)
{
	struct stat st;

	snprintf(group, sizeof(group), CGROUPS "/kvmlite-%d", getpid());
	if (stat(CGROUPS "/cgroup.controllers", &st))
		test_skip("no cgroup2 at " CGROUPS);
	host_set(CGROUPS "/cgroup.subtree_control", "+memory");
	OK(mkdir(group, 0755));
	if (stat(group_file("memory.max"), &st)) {
		rmdir(group);
		test_skip("no memory controller");
	}
	host_set(group_file("memory.swap.max"), "0\n");
	if (limit)
		REQUIRE(host_set(group_file("memory.max"), "%lu\n", limit),
			"memory.max: %s", strerror(errno));
}

static void group_enter(void)
{
	REQUIRE(host_set(group_file("cgroup.procs"), "0\n"), "cgroup.procs: %s",
		strerror(errno));
}

/* What is charged goes away with the process; the group can be removed. */
static void group_end(uint64_t left)
{
	CHECK(await(host_value(group_file("memory.current"), NULL) <= left),
	      "%lu bytes are still charged",
	      host_value(group_file("memory.current"), NULL));
	CHECK(await(!rmdir(group)), "rmdir: %s", strerror(errno));
}

static int wait_for(pid_t pid)
{
	int status = -1;

	EQ(OK(waitpid(pid, &status, 0)), pid);
	return status;
}

/* A guest that touches much takes one table page for each 2 MiB. */
static struct vcpu *sparse_guest(uint64_t pieces, void **mem)
{
	struct vm *vm = vm_new();
	struct vcpu *v = FAR_GUEST(vm, 0, sparse);
	struct kvm_regs regs = get_regs(v);

	*mem = mem_alloc(pieces * HUGE);
	/* The zero page, not the huge one. */
	madvise(*mem, pieces * HUGE, MADV_NOHUGEPAGE);
	OK(vm_slot(vm, 1, 0, GPA, pieces * HUGE, *mem));
	regs.rcx = pieces;
	set_regs(v, &regs);
	return v;
}

/*
 * The nested tables are charged to whoever runs the guest, beside the host's own
 * tables, which are as many.
 */
static void tables_are_charged(void)
{
	const uint64_t pieces = 4096, tables = pieces * PAGE;
	uint64_t kernel, host;
	struct vcpu *v;
	pid_t pid;
	void *mem;

	group_new(0);
	pid = OK(fork());
	if (!pid) {
		group_enter();
		v = sparse_guest(pieces, &mem);
		kernel = host_value(group_file("memory.stat"), "kernel");
		host = host_value(group_file("memory.stat"), "pagetables");
		RUN_TO(v, KVM_EXIT_HLT);
		/* The counters of a group lag behind by some pages per CPU. */
		CHECK(await(host_value(group_file("memory.stat"), "pagetables") -
			    host > tables * 9 / 10), "%lu bytes of host tables",
		      host_value(group_file("memory.stat"), "pagetables") - host);
		CHECK(await(host_value(group_file("memory.stat"), "kernel") -
			    kernel > 2 * tables * 9 / 10), "%lu bytes in all",
		      host_value(group_file("memory.stat"), "kernel") - kernel);
		_exit(0);
	}
	EQ(wait_for(pid), 0);
	group_end(tables / 2);
}

static uint64_t oom_kills(void)
{
	return host_value(group_file("memory.events"), "oom_kill");
}

/* One that needs more than its group may have dies; its neighbour does not. */
static void killed_alone(void)
{
	const uint64_t limit = 32 << 20;
	struct vm *vm = vm_new(), *other;
	struct vcpu *near = FAR_GUEST(vm, 0, workload), *v;
	uint8_t *mem = mem_alloc(64 * PAGE);
	struct kvm_regs regs;
	struct runner r;
	int i, status;
	pid_t pid;

	group_new(limit);
	OK(vm_slot(vm, 1, 0, GPA, 64 * PAGE, mem));
	start_pass(near, GPA, 64, PAGE);
	RUN_TO_OUT(near, 0x10, 1);
	pid = OK(fork());
	if (!pid) {
		group_enter();
		other = vm_new();
		OK(vm_slot(other, 1, 0, GPA, 4 * limit, mem_alloc(4 * limit)));
		for (i = 0; i < 2; i++) {
			v = FAR_GUEST(other, i, workload);
			start_pass(v, GPA + i * 2 * limit, 2 * limit / PAGE,
				   PAGE);
			if (i)
				runner_start(&r, v);
			else
				RUN_TO(v, KVM_EXIT_IO);
		}
		_exit(3);
	}
	status = wait_for(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x",
	      status);
	EQ(oom_kills(), 1);
	/* Ours goes on where it was. */
	for (i = 0; i < 3; i++)
		RUN_TO(near, KVM_EXIT_IO);
	regs = get_regs(near);
	EQ(regs.r12, 64);
	group_end(limit / 4);
}

/* Tables alone are enough for that. */
static void killed_for_tables(void)
{
	const uint64_t limit = 24 << 20;
	struct vcpu *v;
	int status;
	pid_t pid;
	void *mem;

	group_new(limit);
	pid = OK(fork());
	if (!pid) {
		group_enter();
		v = sparse_guest(limit / PAGE, &mem);
		vcpu_run(v);
		_exit(3);
	}
	status = wait_for(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x",
	      status);
	EQ(oom_kills(), 1);
	group_end(limit / 4);
}

/* ---- freeing ---- */

/* On the same CPU, more urgent than the test: how long did it not get it? */
struct watch {
	pthread_t thread;
	volatile int stop;
	uint64_t worst;
};

static const struct timespec nap = { .tv_nsec = 500000 };

/* A machine that has just started may wake nobody but at its next tick. */
static void timers_get_fine(void)
{
	uint64_t began = now_ns(), last;
	unsigned int fine = 0;

	while (fine < 20) {
		last = now_ns();
		nanosleep(&nap, NULL);
		fine = now_ns() - last < 2000000 ? fine + 1 : 0;
		REQUIRE(now_ns() - began < 30000000000ULL, "its timers stay coarse");
	}
}

static void *watch_cpu(void *arg)
{
	struct watch *w = arg;
	uint64_t now, last = now_ns();

	while (!w->stop) {
		nanosleep(&nap, NULL);
		now = now_ns();
		if (now - last > w->worst)
			w->worst = now - last;
		last = now;
	}
	return NULL;
}

static void watch_start(struct watch *w)
{
	struct sched_param urgent = { .sched_priority = 10 };
	pthread_attr_t attr;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	OK(sched_setaffinity(0, sizeof(cpu), &cpu));
	timers_get_fine();
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &urgent);
	*w = (struct watch) { };
	OK(-pthread_create(&w->thread, &attr, watch_cpu, w));
	sleep_ms(5);
	w->worst = 0;
}

enum how { SLOT, UNMAP, CLOSE };

/* How long it took in all; @worst: how long at a stretch. */
static uint64_t free_tables(enum how how, uint64_t pieces, uint64_t *worst)
{
	struct watch w;
	struct vcpu *v;
	uint64_t took;
	struct vm *vm;
	void *mem;

	v = sparse_guest(pieces, &mem);
	vm = v->vm;
	RUN_TO(v, KVM_EXIT_HLT);
	if (is_kvmlite())
		CHECK(vm_stat(v->vm, "tables") > pieces, "%lu tables",
		      vm_stat(v->vm, "tables"));
	watch_start(&w);
	took = now_ns();
	if (how == SLOT)
		OK(vm_slot(v->vm, 1, 0, GPA, 0, mem));
	else if (how == UNMAP)
		munmap(mem, pieces * HUGE);
	if (how != CLOSE)
		took = now_ns() - took;
	vcpu_free(v);
	vm_free(vm);
	if (how == CLOSE)
		took = now_ns() - took;
	w.stop = 1;
	pthread_join(w.thread, NULL);
	munmap(mem, pieces * HUGE);
	*worst = w.worst;
	return took;
}

/*
 * Wall-clock time says nothing where a CPU is a thread of a busy machine. So only
 * where time is the number of instructions, and then to the microsecond: STRETCH
 * is what host/memory allows there.
 */
static void freed_in_steps(enum how how)
{
	const char *text = getenv("STRETCH");
	const uint64_t pieces = long_run() ? 65536 : 8192;
	uint64_t took, worst, allowed = text ? strtoull(text, NULL, 10) : 0;

	if (!allowed)
		test_skip("time is not the number of instructions (STRETCH)");
	if (host_value("/proc/meminfo", "MemFree") << 10 < 3 * pieces * PAGE)
		test_skip("%lu MiB for tables wanted", 3 * pieces * PAGE >> 20);
	took = free_tables(how, pieces, &worst) / 1000;
	worst /= 1000;
	diag("%lu tables: %lu us, at a stretch %lu", pieces, took, worst);
	CHECK(worst <= allowed, "%lu us at a stretch, of %lu", worst, took);
	/* Otherwise the limit would say nothing. */
	CHECK(took > 5 * allowed, "only %lu us in all", took);
}

static void slot_is_freed_in_steps(void)
{
	freed_in_steps(SLOT);
}

static void memory_is_unmapped_in_steps(void)
{
	freed_in_steps(UNMAP);
}

static void vm_is_freed_in_steps(void)
{
	freed_in_steps(CLOSE);
}

static const struct test tests[] = {
	{ "overcommit", overcommit },
	{ "page_out", page_out },
	{ "tables_are_charged", tables_are_charged },
	{ "killed_alone", killed_alone },
	{ "killed_for_tables", killed_for_tables },
	{ "slot_is_freed_in_steps", slot_is_freed_in_steps },
	{ "memory_is_unmapped_in_steps", memory_is_unmapped_in_steps },
	{ "vm_is_freed_in_steps", vm_is_freed_in_steps },
};

TEST_SUITE(tests);
