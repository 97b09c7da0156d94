// SPDX-License-Identifier: GPL-2.0
/* The contract of /dev/vgpu, GPUs and their types, what a slice can be set to. */
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "gpu.h"

static const struct call {
	unsigned long cmd;
	size_t size;
	const char *name;
} calls[] = {
	{ VGPU_GET_INFO, sizeof(struct vgpu_info), "GET_INFO" },
	{ VGPU_CREATE, sizeof(struct vgpu_create), "CREATE" },
	{ VGPU_DELETE, sizeof(struct vgpu_delete), "DELETE" },
	{ VGPU_QUERY, sizeof(struct vgpu_query), "QUERY" },
	{ VGPU_SET, sizeof(struct vgpu_set), "SET" },
	{ VGPU_SLICE, sizeof(struct vgpu_slice), "SLICE" },
	{ VGPU_SLICE_SET, sizeof(struct vgpu_slice_set), "SLICE_SET" },
	{ VGPU_STATS, sizeof(struct vgpu_stats), "STATS" },
	{ VGPU_LOG, sizeof(struct vgpu_log), "LOG" },
	{ VGPU_EVENTS, sizeof(struct vgpu_events), "EVENTS" },
	{ VGPU_SLICE_RESET, sizeof(struct vgpu_slice_reset), "SLICE_RESET" },
};

/* A struct that is valid for its call: GPU 0, slice 0. */
static void valid(unsigned long cmd, void *arg)
{
	if (cmd == VGPU_CREATE)
		*(struct vgpu_create *)arg = gpu_args();
}

/* Slice 0 of GPU 0, unless the call before has taken it away. */
static void there(void)
{
	struct vgpu_query q = { .size = sizeof(q) };

	if (!ioctl(control(), VGPU_QUERY, &q) && q.slices == 1)
		return;
	fresh();
	EQ(new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 1), 0);
	EQ(add(0, 4, 1), 0);
}

static void unknown_calls(void)
{
	uint64_t arg[256] = { 8 };

	FAILS(ioctl(control(), _IO(VGPU_MAGIC, 0x0b), arg), ENOTTY);
	FAILS(ioctl(control(), _IO(VGPU_MAGIC, 0xff), arg), ENOTTY);
	FAILS(ioctl(control(), _IO(0xb8, 0), arg), ENOTTY);
	FAILS(ioctl(control(), _IOW(VGPU_MAGIC, 0, int), arg), ENOTTY);
}

static void sizes(void)
{
	uint8_t arg[4096 + 8] __attribute__((aligned(8)));
	uint32_t *size = (uint32_t *)arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *c = &calls[i];
		bool delete = c->cmd == VGPU_DELETE;

		there();
		memset(arg, 0, sizeof(arg));
		valid(c->cmd, arg);
		*size = c->size - 8;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == EINVAL, "%s: short: %s",
		      c->name, strerror(errno));
		*size = 4096 + 8;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == E2BIG, "%s: a page: %s",
		      c->name, strerror(errno));
		*size = c->size + 16;
		arg[c->size + 3] = 1;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == E2BIG, "%s: tail: %s", c->name,
		      strerror(errno));
		/* A newer program's struct with nothing new in it is fine. */
		arg[c->size + 3] = 0;
		CHECK(!ioctl(control(), c->cmd, arg) || (delete && errno == EBUSY), "%s: %s",
		      c->name, strerror(errno));
		if (!delete)
			EQ(*size, c->size);
		*size = c->size;
		((uint32_t *)arg)[1] = 1U << 30;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == EINVAL, "%s: flags: %s",
		      c->name, strerror(errno));
		FAILS(ioctl(control(), c->cmd, NULL), EFAULT);
		FAILS(ioctl(control(), c->cmd, (void *)-4096L), EFAULT);
	}
	fresh();
}

static void no_such(void)
{
	uint64_t arg[64];
	size_t i;

	there();
	for (i = 3; i < ARRAY_SIZE(calls); i++) {
		struct vgpu_slice *s = (void *)arg;

		if (calls[i].cmd == VGPU_EVENTS)
			continue;
		memset(arg, 0, sizeof(arg));
		s->size = calls[i].size;
		s->id = 5;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
		s->id = -3;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
		s->id = 1 << 30;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
		if (calls[i].cmd == VGPU_QUERY || calls[i].cmd == VGPU_SET ||
		    calls[i].cmd == VGPU_LOG)
			continue;
		s->id = 0;
		s->slice = 1;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
		s->slice = 1 << 20;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
		s->slice = 0;
		s->seq = 1ULL << 60;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
	}
	fresh();
}

static void drop_admin(void *arg)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct c[2] = { };
	size_t i;

	(void)arg;
	control();
	OK(syscall(SYS_capset, &h, c));
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		uint64_t a[64] = { calls[i].size };

		if (calls[i].cmd == VGPU_GET_INFO)
			OK(ioctl(control(), calls[i].cmd, a));
		else
			FAILS(ioctl(control(), calls[i].cmd, a), EPERM);
	}
}

static void privilege(void)
{
	there();
	EQ(run_child(drop_admin, NULL), 0);
	fresh();
}

static void info(void)
{
	struct vgpu_info i = { .size = sizeof(i) };

	fresh();
	OK(ioctl(control(), VGPU_GET_INFO, &i));
	EQ(i.nr_gpus, 0);
	EQ(i.isa_version, VGPU_ISA_VERSION);
	EQ(i.max_engines, VGPU_MAX_QUEUES);
	EQ(i.min_vram, 16 * MIB);
	EQ(i.features, VGPU_FEATURE_DISPLAY | VGPU_FEATURE_COMPUTE | VGPU_FEATURE_DMABUF |
	   VGPU_FEATURE_EVENTS | VGPU_FEATURE_LOG);
}

static int create(struct vgpu_create with)
{
	struct vgpu_create c = gpu_args();

	if (with.vram)
		c.vram = with.vram;
	if (with.id)
		c.id = with.id;
	c.engines = with.engines;
	c.policy = with.policy;
	c.clock = with.clock;
	c.quantum = with.quantum;
	c.preempt_timeout = with.preempt_timeout;
	c.paused = with.paused;
	return try_create(&c);
}

#define WITH(...) create((struct vgpu_create){ __VA_ARGS__ })

static void create_errors(void)
{
	char msg[64] = "";
	struct vgpu_create c = gpu_args();
	int n;

	fresh();
	FAILS(WITH(.vram = 8 * MIB), EINVAL);
	FAILS(WITH(.vram = 48 * MIB), EINVAL);
	FAILS(WITH(.vram = 128 * GIB), EINVAL);
	FAILS(WITH(.engines = 9), EINVAL);
	FAILS(WITH(.policy = 4), EOPNOTSUPP);
	FAILS(WITH(.clock = 2), EOPNOTSUPP);
	FAILS(WITH(.quantum = 49999), EINVAL);
	FAILS(WITH(.quantum = SECOND + 1), EINVAL);
	FAILS(WITH(.preempt_timeout = 999999), EINVAL);
	FAILS(WITH(.preempt_timeout = 61 * SECOND), EINVAL);
	FAILS(WITH(.paused = 2), EINVAL);
	FAILS(WITH(.id = -2), EINVAL);
	FAILS(WITH(.id = 16), EINVAL);
	c.vram = 5;
	c.msg_ptr = (uintptr_t)msg;
	c.msg_len = 9;
	FAILS(try_create(&c), EINVAL);
	EQ(strlen(msg), 8);
	OK(WITH(.id = 7));
	FAILS(WITH(.id = 7), EBUSY);
	for (n = 0; n < 15; n++)
		OK(WITH());
	FAILS(WITH(), ENOSPC);
	fresh();
	FAILS(try_delete(0, 0), ENOENT);
	FAILS(try_delete(-1, 0), ENOENT);
}

/* Any mix of sizes, in any order: what is said to be available is. */
static void instances(void)
{
	static const int sizes[] = { 16, 8, 4, 2, 1 };
	int of[17] = { 0 }, free_units, round, n, s;

	fresh();
	EQ(new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 1), 0);
	for (round = 0, free_units = 16; round < (int)scale(60, 25); round++) {
		for (s = 0; s < 5; s++)
			CHECK(available(0, sizes[s]) == free_units * sizes[s] / 16,
			      "1of%d: %d with %d units free", sizes[s], available(0, sizes[s]),
			      free_units);
		n = 1 + rnd(16);
		if (of[n]) {
			EQ(try_remove(n), 0);
			free_units += 16 / of[n];
			of[n] = 0;
			continue;
		}
		s = sizes[rnd(5)];
		if (16 / s <= free_units) {
			OK(try_add(0, s, n));
			of[n] = s;
			free_units -= 16 / s;
		} else {
			FAILS(try_add(0, s, n), ENOSPC);
		}
	}
	EQ(query(0).free_units, free_units);
	fresh();
	/* With fixed shares, what is promised counts, too. */
	EQ(new_gpu(16 * MIB, VGPU_POLICY_FIXED, VGPU_CLOCK_REAL, 1), 0);
	add(0, 16, 1);
	OK(set_slice(0, 0, VGPU_SLICE_SHARE, (struct vgpu_slice_set){ .share = 8000 }));
	EQ(available(0, 16), 3);
	EQ(available(0, 4), 0);
	FAILS(try_add(0, 4, 2), ENOSPC);
	add(0, 16, 2);
	FAILS(set_slice(0, 1, VGPU_SLICE_SHARE, (struct vgpu_slice_set){ .share = 2001 }), ENOSPC);
	OK(set_slice(0, 1, VGPU_SLICE_SHARE, (struct vgpu_slice_set){ .share = 2000 }));
	fresh();
}

static void settings(void)
{
	struct vgpu_slice_set big = { .carveout = 32 * MIB };
	struct vl_vgpu d;
	struct vgpu_slice s;

	there();
	s = slice(0, 0);
	EQ(s.weight, VGPU_DEFAULT_WEIGHT);
	EQ(s.units, 4);
	EQ(s.vram, 4 * MIB);
	EQ(s.personality, VGPU_PERSONALITY_COMPUTE);
	EQ(s.state, 0);
	CHECK(s.uuid[0] == 0x76 && s.uuid[3] == 0x75 && s.uuid[15] == 1, "UUID %02x%02x…%02x",
	      s.uuid[0], s.uuid[1], s.uuid[15]);
#define SET(f, ...) set_slice(0, 0, f, (struct vgpu_slice_set){ __VA_ARGS__ })
	FAILS(SET(VGPU_SLICE_WEIGHT, .weight = 0), EINVAL);
	FAILS(SET(VGPU_SLICE_WEIGHT, .weight = VGPU_MAX_WEIGHT + 1), EINVAL);
	FAILS(SET(VGPU_SLICE_SHARE, .share = 10001), EINVAL);
	FAILS(SET(VGPU_SLICE_PRIORITY, .priority = 8), EINVAL);
	FAILS(SET(VGPU_SLICE_PERSONALITY, .personality = 2), EOPNOTSUPP);
	FAILS(SET(VGPU_SLICE_DISPLAY, .display = 2), EOPNOTSUPP);
	FAILS(SET(VGPU_SLICE_MODE, .width = 1001, .height = 700), EINVAL);
	FAILS(SET(VGPU_SLICE_MODE, .width = 4096, .height = 700), EINVAL);
	FAILS(SET(VGPU_SLICE_CARVEOUT, .carveout = 65537), EINVAL);
	FAILS(set_slice(0, 0, VGPU_SLICE_CARVEOUT, big), EINVAL);
	FAILS(SET(0, .weight = 5), EINVAL);
	FAILS(SET(VGPU_SLICE_WEIGHT, .weight = 5, .pad = 1), EINVAL);
	EQ(slice(0, 0).weight, VGPU_DEFAULT_WEIGHT);
	OK(SET(VGPU_SLICE_WEIGHT | VGPU_SLICE_PRIORITY, .weight = 77, .priority = 3));
	EQ(slice(0, 0).weight, 77);
	EQ(attribute(1, "personality", "display\n"), 0);
	EQ(attribute(1, "mode", "1280x720\n"), 0);
	EQ(attribute(1, "mode", "1280x720x3"), -1);
	EQ(attribute(1, "weight", "0"), -1);
	EQ(attribute(1, "display", "none"), -1);
	s = slice(0, 0);
	EQ(s.personality, VGPU_PERSONALITY_DISPLAY);
	EQ(s.width, 1280);
	/* Some only while nobody has it open. */
	open_slice(&d, 1);
	EQ(slice(0, 0).state, VGPU_SLICE_OPEN);
	EQ(slice(0, 0).pid, getpid());
	FAILS(SET(VGPU_SLICE_PERSONALITY, .personality = 0), EBUSY);
	FAILS(SET(VGPU_SLICE_MODE | VGPU_SLICE_WEIGHT, .weight = 5, .width = 640, .height = 480),
	      EBUSY);
	EQ(slice(0, 0).weight, 77);
	OK(SET(VGPU_SLICE_WEIGHT, .weight = 5));
	FAILS(try_delete(0, 0), EBUSY);
	close_slice(&d);
	fresh();
}

static void set_errors(void)
{
	there();
#define GPU(f, ...) set_gpu(0, f, (struct vgpu_set){ __VA_ARGS__ })
	FAILS(GPU(VGPU_SET_POLICY, .policy = 4), EOPNOTSUPP);
	FAILS(GPU(VGPU_SET_QUANTUM, .quantum = 0), EINVAL);
	FAILS(GPU(VGPU_SET_PREEMPT_TIMEOUT, .preempt_timeout = 1), EINVAL);
	FAILS(GPU(VGPU_SET_PAUSED, .paused = 2), EINVAL);
	FAILS(GPU(0, .quantum = MSEC), EINVAL);
	OK(GPU(VGPU_SET_QUANTUM | VGPU_SET_POLICY, .quantum = 2 * MSEC,
	       .policy = VGPU_POLICY_PRIORITY));
	EQ(query(0).quantum, 2 * MSEC);
	EQ(query(0).policy, VGPU_POLICY_PRIORITY);
	OK(SET(VGPU_SLICE_SHARE, .share = 10000));
	add(0, 4, 2);
	FAILS(GPU(VGPU_SET_POLICY, .policy = VGPU_POLICY_FIXED), ENOSPC);
	EQ(query(0).policy, VGPU_POLICY_PRIORITY);
	fresh();
}

static void events(void)
{
	struct vgpu_events bad = { .size = sizeof(bad), .id = 16 };
	struct vl_vgpu d;
	struct vgpu_event e;
	int fd, other;

	fresh();
	FAILS(ioctl(control(), VGPU_EVENTS, &bad), EINVAL);
	fd = listen_to(-1);
	other = listen_to(3);
	FAILS(read(fd, &e, sizeof(e) - 1), EINVAL);
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	FAILS(read(fd, &e, sizeof(e)), EAGAIN);
	there();
	CHECK(next_event(fd, VGPU_EVENT_GPU_ADDED, 10000, &e) && e.id == 0 && e.slice == -1,
	      "no GPU_ADDED");
	CHECK(next_event(fd, VGPU_EVENT_SLICE_ADDED, 10000, &e) && e.arg == 4 && e.seq,
	      "no SLICE_ADDED");
	open_slice(&d, 1);
	CHECK(next_event(fd, VGPU_EVENT_OPENED, 10000, &e), "no OPENED");
	EQ(run(&d, (struct vgpu_cmd){ .op = VGPU_OP_FAULT }), VGPU_ERR_FAULT);
	CHECK(next_event(fd, VGPU_EVENT_FAULT, 10000, &e) && e.arg == VGPU_ERR_FAULT, "no FAULT");
	close_slice(&d);
	CHECK(next_event(fd, VGPU_EVENT_CLOSED, 10000, &e), "no CLOSED");
	fresh();
	CHECK(next_event(fd, VGPU_EVENT_SLICE_REMOVED, 10000, &e), "no SLICE_REMOVED");
	CHECK(next_event(fd, VGPU_EVENT_GPU_REMOVED, 10000, &e), "no GPU_REMOVED");
	CHECK(!next_event(other, VGPU_EVENT_GPU_ADDED, 10, &e), "an event of another GPU");
	close(fd);
	close(other);
}

/* What a guest does in a loop does not drown what others have to tell. */
static void event_flood(void)
{
	uint64_t begin, seconds;
	uint32_t resets = 0, i;
	struct vgpu_event e;
	struct vl_vgpu d;
	bool closed = false;
	int fd;

	there();
	open_slice(&d, 1);
	begin = now_ns();
	fd = listen_to(0);
	for (i = 0; i < 300; i++) {
		vl_vgpu_write(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
		if (i % 3 == 0)
			OK(ioctl(d.device, VFIO_DEVICE_RESET));
	}
	close_slice(&d);
	seconds = (now_ns() - begin) / SECOND + 1;
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	while (read(fd, &e, sizeof(e)) == sizeof(e)) {
		closed |= e.type == VGPU_EVENT_CLOSED;
		resets += e.type == VGPU_EVENT_RESET;
	}
	CHECK(closed, "the end was not told of");
	CHECK(resets <= 2 * (seconds + 1), "%u resets were told of in %llu s", resets,
	      (unsigned long long)seconds);
	CHECK(stats(0, 0, -1).resets >= 400, "only %llu resets were counted",
	      (unsigned long long)stats(0, 0, -1).resets);
	close(fd);
	fresh();
}

/* Who opens and closes in a loop fills no listener, and every time is told of in the end. */
static void open_flood(void)
{
	uint64_t begin, seconds, opened = 0, closed = 0;
	uint32_t told = 0, i, n = 150;
	struct pollfd p = { .events = POLLIN };
	struct vgpu_event e;
	struct vl_vgpu d;

	there();
	begin = now_ns();
	p.fd = listen_to(0);
	for (i = 0; i < n; i++) {
		open_slice(&d, 1);
		close_slice(&d);
	}
	while ((opened < n || closed < n) && poll(&p, 1, MINUTES) > 0) {
		OK(read(p.fd, &e, sizeof(e)));
		EQ(e.lost, 0);
		told++;
		opened += e.type == VGPU_EVENT_OPENED;
		closed += e.type == VGPU_EVENT_CLOSED;
		if (e.type != VGPU_EVENT_HELD)
			continue;
		if (e.arg >> 32 == VGPU_EVENT_OPENED)
			opened += (uint32_t)e.arg;
		else if (e.arg >> 32 == VGPU_EVENT_CLOSED)
			closed += (uint32_t)e.arg;
	}
	seconds = (now_ns() - begin) / SECOND + 1;
	EQ(opened, n);
	EQ(closed, n);
	/* The library resets a slice that it opens. */
	CHECK(told <= 3 * (seconds + 1), "%u events in %llu s", told, (unsigned long long)seconds);
	close(p.fd);
	fresh();
}

struct interlude {
	int fd;
	void *page;
	uint64_t vram;
};

static void unprotect(struct interlude *t)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (uintptr_t)t->page, .len = 4096 },
	};

	OK(ioctl(t->fd, UFFDIO_WRITEPROTECT, &wp));
}

/* While the answer waits for its page: the number is given to another GPU. */
static void *swap_gpus(void *arg)
{
	struct pollfd p = { .events = POLLIN };
	struct interlude *t = arg;
	struct vgpu_create c = gpu_args();
	struct uffd_msg m;

	p.fd = t->fd;
	REQUIRE(poll(&p, 1, MINUTES) == 1, "nobody writes to the page");
	OK(read(t->fd, &m, sizeof(m)));
	OK(try_delete(3, 0));
	c.id = 3;
	c.vram = t->vram;
	OK(try_create(&c));
	/* And then the answer cannot be written. */
	OK(mprotect(t->page, 4096, PROT_READ));
	unprotect(t);
	return NULL;
}

/* Who cannot be told of his GPU gets none; somebody else's of its number stays. */
static void create_undone(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect wp = { .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	struct interlude t = { .vram = 64 * MIB };
	struct vgpu_create *c;
	pthread_t thread;

	fresh();
	t.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	c = t.page;
	*c = gpu_args();
	c->id = 3;
	OK(mprotect(t.page, 4096, PROT_READ));
	FAILS(try_create(c), EFAULT);
	FAILS(try_delete(3, 0), ENOENT);
	OK(mprotect(t.page, 4096, PROT_READ | PROT_WRITE));

	t.fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (t.fd < 0 || ioctl(t.fd, UFFDIO_API, &api))
		test_skip("no userfaultfd with write protection");
	r.range = (struct uffdio_range){ .start = (uintptr_t)t.page, .len = 4096 };
	OK(ioctl(t.fd, UFFDIO_REGISTER, &r));
	wp.range = r.range;
	OK(ioctl(t.fd, UFFDIO_WRITEPROTECT, &wp));
	EQ(pthread_create(&thread, NULL, swap_gpus, &t), 0);
	FAILS(try_create(c), EFAULT);
	pthread_join(thread, NULL);
	EQ(query(3).vram, 64 * MIB);
	close(t.fd);
	munmap(t.page, 4096);
	fresh();
}

static const struct test tests[] = {
	{ "unknown_calls", unknown_calls },
	{ "sizes", sizes },
	{ "no_such", no_such },
	{ "privilege", privilege },
	{ "info", info },
	{ "create_errors", create_errors },
	{ "instances", instances },
	{ "settings", settings },
	{ "set_errors", set_errors },
	{ "events", events },
	{ "event_flood", event_flood },
	{ "open_flood", open_flood },
	{ "create_undone", create_undone },
};

TEST_SUITE(tests);
