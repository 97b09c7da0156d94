// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for what: on the real clock all of the time between getting an engine and
 * giving it back, whoever keeps the thread from running; nobody earns in a pause; VRAM is
 * in the account of the cgroup that has opened the slice. What is compared was measured
 * by one clock, so that a slow machine does not matter.
 */
#include <sys/stat.h>

#include "gpu.h"

#define CGROUPS	"/sys/fs/cgroup"
#define GROUP	CGROUPS "/virtlite-vgpu"

static struct vl_vgpu d[2];
static uint64_t held[2], turns[2], longest;
static int id;

static void two_slices(uint32_t policy)
{
	int i;

	fresh();
	id = new_gpu(16 * MIB, policy, VGPU_CLOCK_REAL, 1);
	for (i = 0; i < 2; i++)
		EQ(add(id, 8, i), i);
}

static void done(void)
{
	close_slice(&d[0]);
	close_slice(&d[1]);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

/* Work that does not end, or for a while. */
static void busy(struct vl_vgpu *v)
{
	start(v, 0, 4);
	submit(v, 0, (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER });
	vl_vgpu_doorbell(v, 0);
}

/* What each has held the engine for since turn @next, as the log has it. */
static uint64_t read_log(uint64_t next)
{
	struct vgpu_turn t[64];
	struct vgpu_log l = {
		.size = sizeof(l), .id = id, .buf_ptr = (uintptr_t)t, .from = next,
	};
	uint32_t i;

	do {
		l.count = ARRAY_SIZE(t);
		OK(ioctl(control(), VGPU_LOG, &l));
		REQUIRE(!l.lost, "%llu turns were lost", (unsigned long long)l.lost);
		for (i = 0; i < l.count; i++) {
			uint64_t ns = t[i].end - t[i].start;

			held[t[i].slice] += ns;
			turns[t[i].slice]++;
			if (ns > longest)
				longest = ns;
		}
	} while (l.count);
	return l.from;
}

/* From here nobody has the engine: every turn that was granted has ended. */
static void rest(uint64_t next)
{
	pause_gpu(id, true);
	while ((next = read_log(next)) < query(id).dispatches)
		sleep_ms(1);
}

/* Let them run, and compare what they have paid with what they have had. */
static void compare(unsigned int ms)
{
	uint64_t until = now_ns() + ms * MSEC, next = 0, paid;
	int i;

	memset(held, 0, sizeof(held));
	memset(turns, 0, sizeof(turns));
	longest = 0;
	pause_gpu(id, false);
	while (now_ns() < until || !turns[0] || !turns[1]) {
		sleep_ms(10);
		next = read_log(next);
	}
	rest(next);
	for (i = 0; i < 2; i++) {
		paid = stats(id, i, 0).busy;
		CHECK(paid == held[i], "slice %d has paid %llu ns, and had %llu in %llu turns", i,
		      (unsigned long long)paid, (unsigned long long)held[i],
		      (unsigned long long)turns[i]);
	}
}

/* From the first moment to the last. */
static void all_of_it(void)
{
	two_slices(VGPU_POLICY_BEST_EFFORT);
	pause_gpu(id, true);
	open_slice(&d[0], 0);
	open_slice(&d[1], 1);
	busy(&d[0]);
	busy(&d[1]);
	compare(500);
	done();
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return ret;
}

/* Into a cgroup of our own, which has a file. */
static void enter_cgroup(const char *controller, const char *file)
{
	char pid[16];

	if (access(CGROUPS "/cgroup.controllers", F_OK)) {
		mkdir(CGROUPS, 0755);
		if (system("mount -t cgroup2 none " CGROUPS))
			test_skip("no cgroup2");
	}
	put(CGROUPS "/cgroup.subtree_control", controller);
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		test_skip("%s: %s", GROUP, strerror(errno));
	if (access(file, F_OK))
		test_skip("this kernel has no %s", file);
	snprintf(pid, sizeof(pid), "%d", getpid());
	OK(put(GROUP "/cgroup.procs", pid));
}

static void leave_cgroup(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	OK(put(CGROUPS "/cgroup.procs", pid));
}

/*
 * One whose cgroup has little CPU time keeps the engine while it waits for some. It
 * pays for that, and has no more than its half.
 */
static void slow_owner(void)
{
	uint64_t whole;

	two_slices(VGPU_POLICY_BEST_EFFORT);
	pause_gpu(id, true);
	enter_cgroup("+cpu", GROUP "/cpu.max");
	open_slice(&d[0], 0);
	leave_cgroup();
	open_slice(&d[1], 1);
	busy(&d[0]);
	busy(&d[1]);
	OK(put(GROUP "/cpu.max", "1000 100000"));
	compare(2000);
	whole = held[0] + held[1];
	CHECK(held[0] <= whole / 2 + longest + MSEC, "the slow one held it for %llu of %llu ns",
	      (unsigned long long)held[0], (unsigned long long)whole);
	diag("the slow one held the engine for %llu of %llu ms, at most %llu ms at once",
	     (unsigned long long)(held[0] / MSEC), (unsigned long long)(whole / MSEC),
	     (unsigned long long)(longest / MSEC));
	OK(put(GROUP "/cpu.max", "max"));
	done();
	rmdir(GROUP);
}

/* Products enough for a while: what they cost, the machine decides. */
static struct vgpu_cmd product(uint32_t rows)
{
	struct vgpu_cmd c = { .op = VGPU_OP_GEMM };

	c.gemm = (struct vgpu_cmd_gemm){
		.a = VGPU_VRAM, .b = VGPU_VRAM | MIB / 2, .c = VGPU_VRAM | MIB, .m = rows,
		.n = 64, .k = 512, .lda = 512, .ldb = 64, .ldc = 256,
	};
	return c;
}

static uint64_t cost(struct vgpu_cmd c)
{
	uint64_t before = stats(id, 0, 0).busy;

	EQ(run(&d[0], c), 0);
	return stats(id, 0, 0).busy - before;
}

/*
 * A job that takes a twentieth of what it may, by a thread that has a hundredth of a CPU:
 * it takes five times as long as it may, and is left alone. That it may so much more than
 * it takes is for a machine that is itself an emulator's: what that one's own host takes
 * away looks like time on the CPU.
 */
static void slow_job(void)
{
	uint64_t alone, slow, limit;
	struct vgpu_cmd c;
	uint32_t rows;

	two_slices(VGPU_POLICY_BEST_EFFORT);
	enter_cgroup("+cpu", GROUP "/cpu.max");
	open_slice(&d[0], 0);
	leave_cgroup();
	open_slice(&d[1], 1);
	start(&d[0], 0, 4);
	for (rows = 16; rows < 1024; rows *= 2)
		if (cost(product(rows)) >= 40 * MSEC)
			break;
	c = product(rows);
	alone = cost(c);
	limit = 20 * alone;
	OK(set_gpu(id, VGPU_SET_JOB_TIMEOUT, (struct vgpu_set){ .job_timeout = limit }));
	OK(put(GROUP "/cpu.max", "1000 100000"));
	slow = cost(c);
	OK(put(GROUP "/cpu.max", "max"));
	EQ(stats(id, 0, 0).hangs, 0);
	diag("%llu ms alone, %llu ms with a hundredth of a CPU, %llu ms allowed",
	     (unsigned long long)(alone / MSEC), (unsigned long long)(slow / MSEC),
	     (unsigned long long)(limit / MSEC));
	if (slow < limit)
		diag("it was not slow enough to tell");
	/* The limit is still one. */
	start(&d[0], 0, 4);
	EQ(run(&d[0], (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER }), VGPU_ERR_HANG);
	done();
	rmdir(GROUP);
}

static uint64_t charged(void)
{
	char text[32] = "";
	int fd = OK(open(GROUP "/memory.current", O_RDONLY | O_CLOEXEC));

	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return strtoull(text, NULL, 0);
}

static struct vgpu_cmd fill(uint64_t at, uint64_t bytes)
{
	struct vgpu_cmd c = { .op = VGPU_OP_FILL };

	c.fill = (struct vgpu_cmd_fill){
		.dst = VGPU_VRAM | at, .pitch = 4096, .width = 4096, .lines = bytes / 4096,
		.element = 4, .pattern = 0x5a5a5a5a,
	};
	return c;
}

/*
 * Whoever opens the slice pays for its VRAM, also where an engine touches it first; and
 * when there is no more, the command fails, and nobody is killed.
 */
static void memory(void)
{
	uint64_t before, after;
	static uint8_t more[4 * MIB];
	char limit[32];

	fresh();
	id = new_gpu(64 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_VIRTUAL, 1);
	add(id, 2, 0);
	enter_cgroup("+memory", GROUP "/memory.max");
	open_slice(&d[0], 0);
	leave_cgroup();
	start(&d[0], 0, 4);
	before = charged();
	EQ(run(&d[0], fill(0, 8 * MIB)), 0);
	after = charged();
	CHECK(after >= before + 8 * MIB, "%llu bytes before, %llu after",
	      (unsigned long long)before, (unsigned long long)after);
	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)(after + 2 * MIB));
	OK(put(GROUP "/memory.max", limit));
	EQ(run(&d[0], fill(8 * MIB, 8 * MIB)), VGPU_ERR_MEMORY);
	FAILS(pwrite(d[0].device, more, sizeof(more), BAR0 + 28 * MIB), ENOMEM);
	/* What is there goes on. */
	EQ(run(&d[0], fill(0, 8 * MIB)), 0);
	EQ(d[0].vram[8 * MIB - 1], 0x5a);
	OK(put(GROUP "/memory.max", "max"));
	EQ(run(&d[0], fill(8 * MIB, 8 * MIB)), 0);
	after = charged();
	close_slice(&d[0]);
	CHECK(charged() + 15 * MIB <= after, "%llu bytes are left of %llu",
	      (unsigned long long)charged(), (unsigned long long)after);
	OK(try_delete(id, VGPU_DELETE_FORCE));
	rmdir(GROUP);
}

/* Half of a pause is nobody's claim. */
static void pause_earns_nothing(void)
{
	static const uint32_t policies[] = { VGPU_POLICY_EQUAL, VGPU_POLICY_FIXED };
	uint64_t begin, passed;
	int64_t before, earned;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		two_slices(policies[i]);
		open_slice(&d[0], 0);
		open_slice(&d[1], 1);
		busy(&d[0]);
		sleep_ms(20);
		rest(0);
		before = stats(id, 0, 0).debt;
		sleep_ms(400);
		begin = now_ns();
		pause_gpu(id, false);
		rest(0);
		passed = now_ns() - begin;
		earned = before - stats(id, 0, 0).debt;
		CHECK(earned <= (int64_t)(passed / 2 + MSEC), "policy %u: %lld ns earned in %llu",
		      policies[i], (long long)earned, (unsigned long long)passed);
		done();
	}
}

static const struct test tests[] = {
	{ "all_of_it", all_of_it },
	{ "slow_owner", slow_owner },
	{ "slow_job", slow_job },
	{ "memory", memory },
	{ "pause_earns_nothing", pause_earns_nothing },
};

TEST_SUITE(tests);
