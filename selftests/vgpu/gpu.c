// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <sys/wait.h>
#include <time.h>

#include "gpu.h"
#include "virtlite.h"

/* What the suites' runner looks for before it starts. */
__attribute__((constructor)) static void choose_device(void)
{
	const char *kernel = getenv("VIRTLITE_KERNEL");

	device = VGPU_CONTROL_PATH;
	/* A debug kernel in an emulator takes ten times as long; a stock one is the third. */
	if (kernel && (strstr(kernel, "debug") || !strncmp(kernel, "stock", 5)))
		setenv("KVMLITE_QUICK", "1", 0);
}

int control(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = OK(open(device, O_RDWR | O_CLOEXEC));
		if (access("/sys/module/vfio_iommu_type1", F_OK) &&
		    system("modprobe vfio_iommu_type1"))
			diag("no module vfio_iommu_type1");
	}
	return fd;
}

/* No GPUs: what a test that failed has left is none of the next one's. */
void fresh(void)
{
	struct vgpu_query q = { .size = sizeof(q), .flags = VGPU_QUERY_NEXT };

	while (!ioctl(control(), VGPU_QUERY, &q)) {
		OK(try_delete(q.id, VGPU_DELETE_FORCE));
		q = (struct vgpu_query){ .size = sizeof(q), .flags = VGPU_QUERY_NEXT };
	}
}

struct vgpu_create gpu_args(void)
{
	return (struct vgpu_create) {
		.size = sizeof(struct vgpu_create), .flags = VGPU_CREATE_TESTS, .id = -1,
		.vram = 16 * MIB,
	};
}

int try_create(struct vgpu_create *c)
{
	return ioctl(control(), VGPU_CREATE, c);
}

/* Patient: a thread of a busy emulator may stand still for a while. */
int new_gpu(uint64_t vram, uint32_t policy, uint32_t clock, uint32_t engines)
{
	struct vgpu_create c = gpu_args();

	c.vram = vram;
	c.policy = policy;
	c.clock = clock;
	c.engines = engines;
	c.preempt_timeout = 20 * SECOND;
	OK(try_create(&c));
	return c.id;
}

int try_delete(int id, uint32_t flags)
{
	struct vgpu_delete d = { .size = sizeof(d), .flags = flags, .id = id };

	return ioctl(control(), VGPU_DELETE, &d);
}

struct vgpu_query query(int id)
{
	struct vgpu_query q = { .size = sizeof(q), .id = id };

	OK(ioctl(control(), VGPU_QUERY, &q));
	return q;
}

int set_gpu(int id, uint32_t flags, struct vgpu_set s)
{
	s.size = sizeof(s);
	s.flags = flags;
	s.id = id;
	return ioctl(control(), VGPU_SET, &s);
}

void pause_gpu(int id, bool paused)
{
	OK(set_gpu(id, VGPU_SET_PAUSED, (struct vgpu_set){ .paused = paused }));
}

const char *uuid_of(int n)
{
	static char text[4][40];
	static unsigned int next;
	char *t = text[next++ % 4];

	snprintf(t, 40, "76677075-0000-4000-8000-%012x", n);
	return t;
}

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = write(fd, value, strlen(value)) < 0 ? -1 : 0;
	close(fd);
	return ret;
}

static void type_path(char *path, size_t size, int id, int of, const char *file)
{
	snprintf(path, size, "/sys/class/vgpu/vgpu%d/mdev_supported_types/vgpu-1of%d/%s", id, of,
		 file);
}

/* Slice number n of all, a sixteenth and so on of a GPU. */
int try_add(int id, int of, int n)
{
	char path[128];

	type_path(path, sizeof(path), id, of, "create");
	return write_file(path, uuid_of(n));
}

/* Returns the number that it got in its GPU. */
int add(int id, int of, int n)
{
	char path[128], text[16] = "";
	int fd;

	OK(try_add(id, of, n));
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/vgpu/slice", uuid_of(n));
	fd = OK(open(path, O_RDONLY | O_CLOEXEC));
	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atoi(text);
}

int try_remove(int n)
{
	return attribute(n, "../remove", "1");
}

int available(int id, int of)
{
	char path[128], text[16] = "";
	int fd;

	type_path(path, sizeof(path), id, of, "available_instances");
	fd = OK(open(path, O_RDONLY | O_CLOEXEC));
	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atoi(text);
}

int set_slice(int id, int nr, uint32_t flags, struct vgpu_slice_set s)
{
	s.size = sizeof(s);
	s.flags = flags;
	s.id = id;
	s.slice = nr;
	return ioctl(control(), VGPU_SLICE_SET, &s);
}

struct vgpu_slice slice(int id, int nr)
{
	struct vgpu_slice s = { .size = sizeof(s), .id = id, .slice = nr };

	OK(ioctl(control(), VGPU_SLICE, &s));
	return s;
}

struct vgpu_stats stats(int id, int nr, int engine)
{
	struct vgpu_stats s = { .size = sizeof(s), .id = id, .slice = nr, .engine = engine };

	OK(ioctl(control(), VGPU_STATS, &s));
	return s;
}

int listen_to(int id)
{
	struct vgpu_events e = { .size = sizeof(e), .id = id };

	OK(ioctl(control(), VGPU_EVENTS, &e));
	return e.fd;
}

/* The next event of a type; others are skipped. */
bool next_event(int fd, uint32_t type, unsigned int ms, struct vgpu_event *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t until = now_ns() + ms * MSEC;
	struct vgpu_event event;

	for (;;) {
		uint64_t now = now_ns();

		if (now >= until || poll(&p, 1, (until - now) / MSEC + 1) <= 0)
			return false;
		if (read(fd, &event, sizeof(event)) != sizeof(event))
			return false;
		if (event.type != type)
			continue;
		if (e)
			*e = event;
		return true;
	}
}

int attribute(int n, const char *name, const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/vgpu/%s", uuid_of(n), name);
	return write_file(path, value);
}

void open_slice(struct vl_vgpu *d, int n)
{
	int ret;

	control();
	ret = vl_vgpu_dev_open(d, uuid_of(n), 0);
	REQUIRE(!ret, "open slice %d: %s", n, vl_message());
}

void close_slice(struct vl_vgpu *d)
{
	vl_vgpu_dev_close(d);
}

void *share(struct vl_vgpu *d, size_t bytes, uint64_t *iova)
{
	__u64 at;
	void *mem = vl_vgpu_alloc(d, bytes, &at);

	REQUIRE(mem, "shared memory: %s", vl_message());
	*iova = at;
	return mem;
}

void start(struct vl_vgpu *d, uint32_t q, uint32_t order)
{
	int ret = vl_vgpu_start(d, q, order);

	REQUIRE(!ret, "queue %u: %s", q, vl_message());
}

void submit(struct vl_vgpu *d, uint32_t q, struct vgpu_cmd c)
{
	REQUIRE(!vl_vgpu_submit(d, q, &c), "queue %u is full", q);
}

/* One command on queue 0, which is set up anew if it has to. Returns VGPU_ERR_*. */
uint32_t run(struct vl_vgpu *d, struct vgpu_cmd c)
{
	uint32_t error;
	int ret;

	if (q_reg(d, 0, VGPU_Q_STATUS) == VGPU_Q_OFF)
		start(d, 0, 4);
	submit(d, 0, c);
	ret = vl_vgpu_finish(d, 0, MINUTES);
	REQUIRE(!ret || ret == -EIO, "command 0x%x: %s", c.op, strerror(-ret));
	error = q_reg(d, 0, VGPU_Q_ERROR);
	if (error)
		start(d, 0, 4);
	return error;
}

uint32_t q_reg(struct vl_vgpu *d, uint32_t q, uint32_t reg)
{
	return vl_vgpu_read(d, VGPU_QUEUE(q) + reg);
}

bool q_until(struct vl_vgpu *d, uint32_t q, uint32_t reg, uint32_t value, unsigned int ms)
{
	uint64_t until = now_ns() + ms * MSEC;

	while (q_reg(d, q, reg) != value) {
		if (now_ns() > until)
			return false;
		sleep_ms(1);
	}
	return true;
}

struct vgpu_cmd spin(uint64_t ns)
{
	struct vgpu_cmd c = { .op = VGPU_OP_SPIN };

	c.spin.ns = ns;
	return c;
}

struct vgpu_cmd copy(uint64_t src, uint64_t dst, uint64_t bytes)
{
	struct vgpu_cmd c = { .op = VGPU_OP_COPY };

	c.copy = (struct vgpu_cmd_copy){ .src = src, .dst = dst, .bytes = bytes };
	return c;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MSEC };

	nanosleep(&t, NULL);
}

static uint64_t state = 1;

void seed(uint64_t s)
{
	state = s * 2 + 1;
}

/* xorshift64*: the same numbers on every run. */
uint32_t rnd(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

/* In a process of its own, whose end is waited for. */
int run_child(void (*fn)(void *), void *arg)
{
	pid_t pid = OK(fork());
	int status;

	if (!pid) {
		fn(arg);
		_exit(0);
	}
	OK(waitpid(pid, &status, 0));
	return status;
}
