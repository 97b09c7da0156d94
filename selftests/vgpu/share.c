// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets how much of an engine. On a virtual clock, and counted in work units from
 * the scheduler's log, so that neither the machine's load nor the scheduler's own
 * book-keeping has a part in it. The bound: 1 % of the share over a second, or one
 * checkpoint.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "gpu.h"

#define WINDOW	SECOND
#define ORDER	12
#define MAX	VGPU_MAX_SLICES

static struct vl_vgpu d[MAX];
static uint64_t used[MAX];
static struct vgpu_turn turns[65536];
static uint32_t nr_turns;
static uint64_t next_turn;

#define AGAIN	77	/* the status of a try that says nothing */
static int id;

/* More than it can do: short ones and long ones, 0.3 ms on average. */
static void load(struct vl_vgpu *v)
{
	static const uint32_t lengths[] = { 4001, 7000, 20000, 32768, 150000, 1500000 };
	uint32_t i;

	start(v, 0, ORDER);
	for (i = 0; i < 1U << ORDER; i++) {
		struct vgpu_cmd c = spin(lengths[rnd(ARRAY_SIZE(lengths))] + rnd(100));

		v->q[0].ring[i] = c;
	}
	v->q[0].put = 1U << ORDER;
	vl_vgpu_doorbell(v, 0);
}

static void begin(uint32_t policy, uint32_t nr)
{
	struct rlimit files = { 256, 256 };
	uint32_t i;

	setrlimit(RLIMIT_NOFILE, &files);
	fresh();
	nr_turns = 0;
	next_turn = 0;
	id = new_gpu(16 * MIB, policy, VGPU_CLOCK_VIRTUAL, 1);
	pause_gpu(id, true);
	for (i = 0; i < nr; i++) {
		EQ(add(id, 16, i), i);
		open_slice(&d[i], i);
	}
}

static void end(uint32_t nr)
{
	uint32_t i;

	pause_gpu(id, true);
	for (i = 0; i < nr; i++)
		close_slice(&d[i]);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

/* The kernel keeps 4096 of them: they are fetched while it goes on. */
static void fetch(void)
{
	struct vgpu_log l = {
		.size = sizeof(l), .id = id, .count = ARRAY_SIZE(turns) - nr_turns,
		.buf_ptr = (uintptr_t)(turns + nr_turns), .from = next_turn,
	};

	OK(ioctl(control(), VGPU_LOG, &l));
	if (l.lost) {
		/* This machine had other things to do than this program. */
		diag("%llu turns were lost: once more", (unsigned long long)l.lost);
		try_delete(id, VGPU_DELETE_FORCE);
		exit(AGAIN);
	}
	next_turn = l.from;
	nr_turns += l.count;
}

/* Let time pass, and some more: it is cut off later. */
static void run_on(uint64_t ns)
{
	uint64_t until = query(id).now + ns;

	pause_gpu(id, false);
	while (query(id).now < until)
		fetch();
	pause_gpu(id, true);
	sleep_ms(10);
	fetch();
}

/* Work units of each from @from on, in a window. Returns what all have had. */
static uint64_t count(uint64_t from)
{
	uint64_t all = 0;
	uint32_t i;

	memset(used, 0, sizeof(used));
	REQUIRE(nr_turns, "the log is empty");
	for (i = 0; i < nr_turns; i++) {
		const struct vgpu_turn *t = &turns[i];

		CHECK(t->end - t->start == t->units, "turn %u: %llu units in %llu ns", i,
		      (unsigned long long)t->units, (unsigned long long)(t->end - t->start));
		CHECK(!i || t->start >= turns[i - 1].end, "turn %u overlaps", i);
		if (t->start < from || t->end > from + WINDOW)
			continue;
		used[t->slice] += t->units;
		all += t->units;
	}
	return all;
}

/* Shares of @whole; returns the greatest error in 1/100 %. */
static uint32_t expect(const uint32_t *weight, uint32_t nr, uint64_t whole, const char *what)
{
	uint64_t sum = 0, due, off, worst = 0;
	uint32_t i;

	for (i = 0; i < nr; i++)
		sum += weight[i];
	for (i = 0; i < nr; i++) {
		due = whole * weight[i] / sum;
		off = used[i] > due ? used[i] - due : due - used[i];
		CHECK(off <= due / 100 || off <= VGPU_CHECKPOINT_UNITS,
		      "%s: slice %u of %u has %llu units, not %llu", what, i, nr,
		      (unsigned long long)used[i], (unsigned long long)due);
		if (off * 10000 / due > worst)
			worst = off * 10000 / due;
	}
	return worst;
}

/* 1 if all are equal, 1/nr if one has everything; in 1/10000. */
static uint32_t jain(uint32_t nr)
{
	double sum = 0, squares = 0;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		sum += used[i];
		squares += (double)used[i] * used[i];
	}
	return sum * sum / (nr * squares) * 10000;
}

/* How many slices: a few cases, or with LONG in the environment all. */
static uint32_t after(uint32_t nr)
{
	if (getenv("LONG"))
		return nr + 1;
	if (quick)
		return nr < 8 ? 8 : MAX + 1;
	return nr < 5 ? 5 : nr < MAX ? MAX : MAX + 1;
}

static void one(uint32_t policy, uint32_t nr, bool weighted, const char *what)
{
	uint32_t weight[MAX] = { 0 }, i, error, fair;
	uint64_t all;

	begin(policy, nr);
	for (i = 0; i < nr; i++) {
		weight[i] = weighted ? 1 + i % 4 : 1;
		if (weighted && policy == VGPU_POLICY_FIXED)
			OK(set_slice(id, i, VGPU_SLICE_SHARE, (struct vgpu_slice_set){
				.share = weight[i] * 250 }));
		else if (weighted)
			OK(set_slice(id, i, VGPU_SLICE_WEIGHT, (struct vgpu_slice_set){
				.weight = weight[i] * 1024 }));
		load(&d[i]);
	}
	run_on(WINDOW + 50 * MSEC);
	all = count(0);
	/* With fixed shares the rest of the second belongs to nobody. */
	if (policy == VGPU_POLICY_FIXED) {
		for (i = 0, all = 0; i < nr; i++)
			all += WINDOW / 10000 * (weighted ? weight[i] * 250 : 625);
	}
	error = expect(weight, nr, all, what);
	fair = jain(nr);
	if (!weighted)
		CHECK(fair >= 9990, "%s: Jain's index is 0.%u", what, fair);
	diag("%-24s %2u slices: share error %u.%02u %%, Jain %u.%04u", what, nr, error / 100,
	     error % 100, fair / 10000, fair % 10000);
	end(nr);
}

static void best_effort(void)
{
	uint32_t nr;

	for (nr = 2; nr <= MAX; nr = after(nr))
		one(VGPU_POLICY_BEST_EFFORT, nr, false, "best effort");
}

static void weighted(void)
{
	uint32_t nr;

	for (nr = 2; nr <= MAX; nr = after(nr))
		one(VGPU_POLICY_BEST_EFFORT, nr, true, "weights 1:2:3:4");
}

static void equal(void)
{
	uint32_t nr;

	for (nr = 2; nr <= MAX; nr = after(nr))
		one(VGPU_POLICY_EQUAL, nr, false, "equal");
}

static void fixed(void)
{
	uint32_t nr;

	for (nr = 2; nr <= MAX; nr = after(nr)) {
		one(VGPU_POLICY_FIXED, nr, false, "fixed, by VRAM");
		one(VGPU_POLICY_FIXED, nr, true, "fixed, set");
	}
}

static void live_change(void)
{
	static const uint32_t one_to_three[] = { 1, 3 };
	uint64_t from, all;

	begin(VGPU_POLICY_BEST_EFFORT, 2);
	load(&d[0]);
	load(&d[1]);
	run_on(100 * MSEC);
	OK(set_slice(id, 1, VGPU_SLICE_WEIGHT, (struct vgpu_slice_set){ .weight = 3 * 1024 }));
	from = query(id).now;
	run_on(WINDOW);
	all = count(from);
	expect(one_to_three, 2, all, "after a change");
	/* The same through sysfs. */
	EQ(attribute(1, "weight", "1024"), 0);
	EQ(slice(id, 1).weight, 1024);
	end(2);
}

static void priority(void)
{
	uint64_t from;

	begin(VGPU_POLICY_PRIORITY, 2);
	OK(set_slice(id, 1, VGPU_SLICE_PRIORITY, (struct vgpu_slice_set){ .priority = 5 }));
	load(&d[0]);
	load(&d[1]);
	run_on(300 * MSEC);
	count(0);
	CHECK(used[0] == 0 && used[1] > 200 * MSEC, "the lower one has %llu of %llu",
	      (unsigned long long)used[0], (unsigned long long)used[1]);
	/* It has no work any more: the other one's turn. */
	vl_vgpu_write(&d[1], VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
	from = query(id).now;
	run_on(100 * MSEC);
	count(from);
	CHECK(used[0] > 50 * MSEC && used[1] == 0, "the lower one has %llu",
	      (unsigned long long)used[0]);
	end(2);
}

/* An endless command, with checkpoints: half of the time is the neighbour's. */
static void endless(void)
{
	static const uint32_t same[] = { 1, 1 };
	uint64_t all;

	begin(VGPU_POLICY_BEST_EFFORT, 2);
	start(&d[0], 0, 4);
	submit(&d[0], 0, (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER });
	vl_vgpu_doorbell(&d[0], 0);
	load(&d[1]);
	run_on(WINDOW + 50 * MSEC);
	all = count(0);
	expect(same, 2, all, "beside SPIN_FOREVER");
	EQ(stats(id, 0, 0).hangs, 0);
	end(2);
}

/* Without checkpoints: it keeps the engine for the timeout, once; then only it is reset. */
static void hang(void)
{
	struct vgpu_event e;
	int fd;

	begin(VGPU_POLICY_BEST_EFFORT, 2);
	fd = listen_to(id);
	OK(set_gpu(id, VGPU_SET_PREEMPT_TIMEOUT, (struct vgpu_set){
		.preempt_timeout = 50 * MSEC }));
	start(&d[0], 0, 4);
	submit(&d[0], 0, (struct vgpu_cmd){
		.op = VGPU_OP_SPIN_FOREVER, .flags = VGPU_F_NOPREEMPT });
	vl_vgpu_doorbell(&d[0], 0);
	load(&d[1]);
	run_on(WINDOW);
	count(0);
	EQ(q_reg(&d[0], 0, VGPU_Q_ERROR), VGPU_ERR_HANG);
	EQ(q_reg(&d[1], 0, VGPU_Q_ERROR), 0);
	CHECK(used[0] >= 50 * MSEC && used[0] < 52 * MSEC, "it had %llu ns",
	      (unsigned long long)used[0]);
	EQ(stats(id, 0, 0).hangs, 1);
	EQ(stats(id, 1, 0).hangs, 0);
	CHECK(next_event(fd, VGPU_EVENT_HANG, 10000, &e) && e.slice == 0, "no HANG");
	CHECK(next_event(fd, VGPU_EVENT_RESET, 10000, &e) && e.arg == VGPU_RESET_HANG,
	      "no RESET");
	CHECK(vl_vgpu_read(&d[0], VGPU_REG_INTR_STATUS) & VGPU_INTR_RESET, "not told");
	EQ(vl_vgpu_read(&d[1], VGPU_REG_INTR_STATUS) & VGPU_INTR_RESET, 0);
	/* It may come again, and what it has had counts against it. */
	start(&d[0], 0, ORDER);
	load(&d[0]);
	run_on(100 * MSEC);
	EQ(q_reg(&d[0], 0, VGPU_Q_ERROR), 0);
	close(fd);
	end(2);
}

static void job_timeout(void)
{
	begin(VGPU_POLICY_BEST_EFFORT, 2);
	OK(set_gpu(id, VGPU_SET_JOB_TIMEOUT, (struct vgpu_set){ .job_timeout = 20 * MSEC }));
	start(&d[0], 0, 4);
	submit(&d[0], 0, spin(19 * MSEC));
	submit(&d[0], 0, spin(21 * MSEC));
	vl_vgpu_doorbell(&d[0], 0);
	load(&d[1]);
	run_on(200 * MSEC);
	EQ(q_reg(&d[0], 0, VGPU_Q_GET), 1);
	EQ(q_reg(&d[0], 0, VGPU_Q_ERROR), VGPU_ERR_HANG);
	EQ(q_reg(&d[1], 0, VGPU_Q_ERROR), 0);
	end(2);
}

/*
 * What it has had less what it has earned since, up to a turn or so. Virtual time may
 * have run far ahead of the one who looks: more than a quantum is not kept for it.
 */
static void expect_debt(const char *what)
{
	struct vgpu_stats s = stats(id, 0, 0);
	int64_t due = s.busy - s.now / 16, off;

	if (due < -(int64_t)MSEC)
		due = -MSEC;
	off = s.debt - due;
	CHECK(off < (int64_t)(2 * MSEC) && off > -(int64_t)MSEC, "%sdebt %lld, not %lld", what,
	      (long long)s.debt, (long long)due);
	CHECK(s.busy >= 100 * MSEC, "it had %llu", (unsigned long long)s.busy);
}

/* Debt stays when the slice is closed and opened again. */
static void debt(void)
{
	begin(VGPU_POLICY_FIXED, 2);
	start(&d[0], 0, 4);
	OK(set_gpu(id, VGPU_SET_PREEMPT_TIMEOUT, (struct vgpu_set){
		.preempt_timeout = 400 * MSEC }));
	submit(&d[0], 0, (struct vgpu_cmd){
		.op = VGPU_OP_SPIN, .flags = VGPU_F_NOPREEMPT, .spin = { .ns = 100 * MSEC } });
	vl_vgpu_doorbell(&d[0], 0);
	load(&d[1]);
	run_on(120 * MSEC);
	expect_debt("");
	close_slice(&d[0]);
	open_slice(&d[0], 0);
	expect_debt("after close: ");
	end(2);
}

/* A test whose turns are all known, in one of some tries. */
static void patiently(void (*fn)(void))
{
	unsigned int tries;
	int status;
	pid_t pid;

	for (tries = 0; tries < 10; tries++) {
		fflush(stdout);
		pid = OK(fork());
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			fn();
			exit(test_failures() ? 1 : 0);
		}
		OK(waitpid(pid, &status, 0));
		if (!WIFEXITED(status) || WEXITSTATUS(status) != AGAIN)
			break;
	}
	CHECK(status == 0, "status 0x%x in try %u", status, tries + 1);
}

static void t_best_effort(void)
{
	patiently(best_effort);
}

static void t_weighted(void)
{
	patiently(weighted);
}

static void t_equal(void)
{
	patiently(equal);
}

static void t_fixed(void)
{
	patiently(fixed);
}

static void t_live_change(void)
{
	patiently(live_change);
}

static void t_priority(void)
{
	patiently(priority);
}

static void t_endless(void)
{
	patiently(endless);
}

static void t_hang(void)
{
	patiently(hang);
}

static void t_job_timeout(void)
{
	patiently(job_timeout);
}

static void t_debt(void)
{
	patiently(debt);
}

static const struct test tests[] = {
	{ "best_effort", t_best_effort },
	{ "weighted", t_weighted },
	{ "equal", t_equal },
	{ "fixed", t_fixed },
	{ "live_change", t_live_change },
	{ "priority", t_priority },
	{ "endless", t_endless },
	{ "hang", t_hang },
	{ "job_timeout", t_job_timeout },
	{ "debt", t_debt },
};

TEST_SUITE(tests);
