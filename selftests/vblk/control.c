// SPDX-License-Identifier: GPL-2.0
/* Limits, faults, statistics, events: on a disk of each kind. */
#include <pthread.h>
#include <sys/mount.h>

#include "disk.h"

static void on_each(void (*fn)(int id, int fd))
{
	int id, fd, below;

	fresh();
	id = attach_ram(8 * MIB);
	fd = disk_open(id, PLAIN);
	fn(id, fd);
	close(fd);
	detach(id);

	below = attach_ram(8 * MIB);
	fd = disk_open(below, O_RDWR);
	id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
	close(fd);
	fd = disk_open(id, PLAIN);
	fn(id, fd);
	close(fd);
	detach(id);
	detach(below);

	fd = memfd(8 * MIB);
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	close(fd);
	fd = disk_open(id, PLAIN);
	fn(id, fd);
	close(fd);
	detach(id);
}

static int set_limits(int id, uint64_t iops, uint64_t bps, uint64_t iops_burst,
		      uint64_t bps_burst)
{
	struct vblk_limits l = {
		.size = sizeof(l), .id = id, .iops = iops, .bps = bps,
		.iops_burst = iops_burst, .bps_burst = bps_burst,
	};

	return ioctl(control(), VBLK_LIMITS, &l);
}

static void limit_disk(int id, int fd)
{
	struct vblk_limits l = { .size = sizeof(l), .id = id, .flags = VBLK_LIMITS_GET };
	uint64_t t;
	int i;

	OK(set_limits(id, 50, 0, 10, 0));
	OK(ioctl(control(), VBLK_LIMITS, &l));
	EQ(l.iops, 50);
	EQ(l.iops_burst, 10);
	EQ(l.bps, 0);
	t = now_ns();
	for (i = 0; i < 60; i++)
		EXPECT(fd, i * 4096, 4096, 0);
	t = now_ns() - t;
	/* ten at once, fifty in a second; who reads more slowly by himself need not wait */
	CHECK(t >= 98 * SECOND / 100 && t < 60 * SECOND, "60 reads in %llu ns",
	      (unsigned long long)t);
	CHECK(stats(id).throttled >= 1 || t > 60 * SECOND / 50, "nobody waited");

	OK(set_limits(id, 0, 4 * MIB, 0, MIB));
	t = now_ns();
	put(fd, 0, 3 * MIB, 1);
	EXPECT(fd, 0, MIB, 1);
	t = now_ns() - t;
	CHECK(t >= 7 * SECOND / 10 && t < 60 * SECOND, "4 MiB in %llu ns",
	      (unsigned long long)t);
	/* a flush is never held up */
	OK(set_limits(id, 1, 0, 1, 0));
	EXPECT(fd, 0, 4096, 1);
	t = now_ns();
	OK(fsync(fd));
	CHECK(now_ns() - t < SECOND, "a flush waited");
	OK(set_limits(id, 0, 0, 0, 0));
	t = now_ns();
	for (i = 0; i < 60; i++)
		EXPECT(fd, i * 4096, 4096, 1);
	CHECK(now_ns() - t < 5 * SECOND, "still limited");
}

static void limits(void)
{
	on_each(limit_disk);
}

static void limit_errors(void)
{
	struct vblk_limits l = { .size = sizeof(l), .flags = VBLK_LIMITS_GET };
	int id;

	fresh();
	id = attach_ram(MIB);
	FAILS(set_limits(id, 1000000001, 0, 0, 0), EINVAL);
	FAILS(set_limits(id, 0, (1ULL << 40) + 1, 0, 0), EINVAL);
	FAILS(set_limits(id, 10, 0, 1000000001, 0), EINVAL);
	FAILS(set_limits(id, 0, 10, 0, (1ULL << 40) + 1), EINVAL);
	FAILS(set_limits(id, 0, 0, 1, 0), EINVAL);
	FAILS(set_limits(id, 0, 0, 0, 1), EINVAL);
	l.id = id;
	OK(ioctl(control(), VBLK_LIMITS, &l));
	EQ(l.iops + l.bps + l.iops_burst + l.bps_burst, 0);
	OK(set_limits(id, 50, 50, 0, 0));
	OK(ioctl(control(), VBLK_LIMITS, &l));
	EQ(l.iops_burst, 5);
	EQ(l.bps_burst, MIB);
	fresh();
}

static void *read_one(void *arg)
{
	uint8_t *buf = io_buffer(4096);
	long n = pread(*(int *)arg, buf, 4096, 0);

	return (void *)(n < 0 ? (long)-errno : n);
}

/* Those who wait at a limit are not forgotten by a new limit or the end. */
static void limit_leave(int id, int fd)
{
	pthread_t t[4];
	void *result;
	unsigned int i;

	OK(set_limits(id, 1, 0, 1, 0));
	EXPECT(fd, 0, 4096, 0);
	for (i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, read_one, &fd), 0);
	sleep_ms(100);
	OK(set_limits(id, 0, 0, 0, 0));
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &result);
		EQ((long)result, 4096);
	}
}

static void limits_change(void)
{
	on_each(limit_leave);
}

static void forced_while_waiting(void)
{
	uint32_t kind[2] = { VBLK_BACKING_RAM, VBLK_BACKING_FILE };
	unsigned int k, i, failed;
	int id, fd, delayed;
	pthread_t t[4];
	void *result;
	uint64_t began;

	for (k = 0; k < 4; k++) {
		fresh();
		delayed = k & 1;
		if (kind[k / 2] == VBLK_BACKING_RAM) {
			id = attach_ram(MIB);
		} else {
			fd = memfd(MIB);
			id = attach_fd(VBLK_BACKING_FILE, fd, 0);
			close(fd);
		}
		fd = disk_open(id, PLAIN);
		if (delayed)
			OK(set_fault(id, VBLK_FAULT_DELAY, 1 << VBLK_OP_READ,
				     (struct vblk_fault){ .delay = 10 * SECOND }));
		else
			OK(set_limits(id, 1, 0, 1, 0));
		for (i = 0; i < 4; i++)
			EQ(pthread_create(&t[i], NULL, read_one, &fd), 0);
		sleep_ms(200);
		began = now_ns();
		OK(try_detach(id, VBLK_DETACH_FORCE));
		CHECK(now_ns() - began < 3 * SECOND, "the end waited");
		failed = 0;
		for (i = 0; i < 4; i++) {
			pthread_join(t[i], &result);
			failed += (long)result != 4096;
		}
		CHECK(failed >= 2, "only %u of 4 failed", failed);
		close(fd);
	}
}

static void fault_disk(int id, int fd)
{
	uint8_t *buf = io_buffer(64 * KIB);
	uint64_t t;
	int i;

	put(fd, 0, 64 * KIB, 1);
	/* errors: which, where, how often */
	OK(set_fault(id, VBLK_FAULT_ERROR, 1 << VBLK_OP_READ, (struct vblk_fault){}));
	FAILS(pread(fd, buf, 4096, 0), EIO);
	put(fd, 0, 4096, 1);
	EQ(clear_fault(id), 1);
	EXPECT(fd, 0, 64 * KIB, 1);
	OK(set_fault(id, VBLK_FAULT_ERROR, 1 << VBLK_OP_WRITE,
		     (struct vblk_fault){ .error = ENOSPC, .first = 8192, .length = 4096 }));
	put(fd, 4096, 4096, 2);
	put(fd, 12288, 4096, 2);
	fill(buf, 4096, 8192, 9);
	FAILS(pwrite(fd, buf, 4096, 8192), ENOSPC);
	FAILS(pwrite(fd, buf, 512, 12288 - 512), ENOSPC);
	EXPECT(fd, 8192, 4096, 1);
	EXPECT(fd, 4096, 4096, 2);
	OK(set_fault(id, VBLK_FAULT_ERROR, 1 << VBLK_OP_READ,
		     (struct vblk_fault){ .every = 3, .count = 2 }));
	for (i = 1; i <= 12; i++) {
		bool failed = pread(fd, buf, 4096, 0) < 0;

		EQ(failed, i == 3 || i == 6);
	}
	EQ(clear_fault(id), 2);
	/* delay */
	OK(set_fault(id, VBLK_FAULT_DELAY, 1 << VBLK_OP_READ,
		     (struct vblk_fault){ .delay = SECOND / 4 }));
	t = now_ns();
	EXPECT(fd, 4096, 4096, 2);
	t = now_ns() - t;
	CHECK(t >= SECOND / 4 && t < 5 * SECOND, "%llu ns", (unsigned long long)t);
	/* torn: its first part arrives, and the writer hears of it */
	OK(set_fault(id, VBLK_FAULT_TORN, 1 << VBLK_OP_WRITE,
		     (struct vblk_fault){ .torn = 1536 }));
	fill(buf, 8192, 16384, 3);
	FAILS(pwrite(fd, buf, 8192, 16384), EIO);
	EQ(clear_fault(id), 1);
	EXPECT(fd, 16384, 1536, 3);
	EXPECT(fd, 16384 + 1536, 8192 - 1536, 1);
}

static void faults(void)
{
	on_each(fault_disk);
}

/* A flush that fails must be told; a disk with no cache to flush gets none. */
static void flush_faults(void)
{
	struct vblk_stats s;
	int id, fd;

	fresh();
	fd = memfd(MIB);
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	close(fd);
	fd = disk_open(id, PLAIN);
	put(fd, 0, 4096, 1);
	OK(fsync(fd));
	s = stats(id);
	CHECK(s.op[VBLK_OP_FLUSH].ios >= 1, "no flush");
	OK(set_fault(id, VBLK_FAULT_ERROR, 1 << VBLK_OP_FLUSH, (struct vblk_fault){}));
	put(fd, 0, 4096, 2);
	FAILS(fsync(fd), EIO);
	CHECK(clear_fault(id) >= 1, "no hit");
	OK(fsync(fd));
	CHECK(stats(id).op[VBLK_OP_FLUSH].errors >= 1, "no error counted");
	close(fd);
	detach(id);
}

#define BAD_FAULT(kind, ops, err, ...) \
	FAILS(set_fault(id, kind, ops, (struct vblk_fault){ __VA_ARGS__ }), err)

static void fault_errors(void)
{
	int id, fd;

	fresh();
	id = attach_ram(MIB);
	BAD_FAULT(9, 1, EOPNOTSUPP);
	BAD_FAULT(VBLK_FAULT_NONE, 1, EINVAL);
	BAD_FAULT(VBLK_FAULT_NONE, 0, EINVAL, .delay = 1);
	BAD_FAULT(VBLK_FAULT_ERROR, 0, EINVAL);
	BAD_FAULT(VBLK_FAULT_ERROR, 16, EINVAL);
	BAD_FAULT(VBLK_FAULT_ERROR, 1, EINVAL, .error = EPERM);
	BAD_FAULT(VBLK_FAULT_ERROR, 1, EINVAL, .delay = 1);
	BAD_FAULT(VBLK_FAULT_ERROR, 1, EINVAL, .torn = 512);
	BAD_FAULT(VBLK_FAULT_ERROR, 1, EINVAL, .first = 1ULL << 61);
	BAD_FAULT(VBLK_FAULT_ERROR, 1, EINVAL, .length = 1ULL << 61);
	BAD_FAULT(VBLK_FAULT_DELAY, 1, EINVAL);
	BAD_FAULT(VBLK_FAULT_DELAY, 1, EINVAL, .delay = 11 * SECOND);
	BAD_FAULT(VBLK_FAULT_DELAY, 1, EINVAL, .delay = 1, .error = EIO);
	BAD_FAULT(VBLK_FAULT_TORN, 1, EINVAL, .torn = 512);
	BAD_FAULT(VBLK_FAULT_TORN, 2, EINVAL);
	BAD_FAULT(VBLK_FAULT_TORN, 2, EINVAL, .torn = 100);
	BAD_FAULT(VBLK_FAULT_TORN, 2, EINVAL, .torn = 512, .delay = 1);
	fd = disk_open(id, PLAIN);
	put(fd, 0, MIB, 1);
	EXPECT(fd, 0, MIB, 1);
	close(fd);
	fresh();
}

static void count_disk(int id, int fd)
{
	struct vblk_stats before = stats(id), after;
	uint64_t range[2] = { 0, 64 * KIB }, sum = 0;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		put(fd, i * 4096, 4096, 1);
		EXPECT(fd, i * 4096, 4096, 1);
	}
	OK(ioctl(fd, BLKDISCARD, range));
	after = stats(id);
	EQ(after.op[VBLK_OP_READ].ios - before.op[VBLK_OP_READ].ios, 10);
	EQ(after.op[VBLK_OP_READ].bytes - before.op[VBLK_OP_READ].bytes, 40960);
	EQ(after.op[VBLK_OP_WRITE].ios - before.op[VBLK_OP_WRITE].ios, 10);
	EQ(after.op[VBLK_OP_WRITE].bytes - before.op[VBLK_OP_WRITE].bytes, 40960);
	EQ(after.op[VBLK_OP_DISCARD].ios - before.op[VBLK_OP_DISCARD].ios, 1);
	EQ(after.op[VBLK_OP_DISCARD].bytes - before.op[VBLK_OP_DISCARD].bytes, 64 * KIB);
	for (i = 0; i < VBLK_NR_BUCKETS; i++)
		sum += after.op[VBLK_OP_READ].latency[i];
	EQ(sum, after.op[VBLK_OP_READ].ios);
	CHECK(after.op[VBLK_OP_READ].time > before.op[VBLK_OP_READ].time, "no time passed");

	/* a delay is where the histogram says it is: 2^28 ns is 268 ms */
	OK(set_fault(id, VBLK_FAULT_DELAY, 1, (struct vblk_fault){ .delay = 300000000 }));
	EXPECT(fd, 512 * KIB, 4096, 0);
	clear_fault(id);
	before = after;
	after = stats(id);
	for (sum = 0, i = 20; i < VBLK_NR_BUCKETS; i++)
		sum += after.op[VBLK_OP_READ].latency[i] - before.op[VBLK_OP_READ].latency[i];
	EQ(sum, 1);
}

static void counters(void)
{
	on_each(count_disk);
}

static void event_fds(void)
{
	struct vblk_events args = { .size = sizeof(args), .id = 4096 };
	struct vblk_event e[3], one;
	int all, third, id;
	unsigned int i;

	fresh();
	FAILS(ioctl(control(), VBLK_EVENTS, &args), EINVAL);
	args.id = -2;
	FAILS(ioctl(control(), VBLK_EVENTS, &args), EINVAL);
	all = listen_to(-1);
	third = listen_to(3);
	EQ(fcntl(all, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	FAILS(read(all, e, sizeof(e[0]) - 1), EINVAL);
	FAILS(read(all, e, sizeof(e)), EAGAIN);
	FAILS(write(all, e, sizeof(e)), EBADF);
	id = attach_ram(MIB);
	detach(id);
	EQ(OK(read(all, e, sizeof(e))), 2 * sizeof(e[0]));
	EQ(e[0].type, VBLK_EVENT_ATTACHED);
	EQ(e[0].id, id);
	EQ(e[0].arg, MIB);
	EQ(e[1].type, VBLK_EVENT_DETACHED);
	EQ(e[1].arg, 0);
	EQ(e[0].seq, e[1].seq);
	CHECK(e[1].time >= e[0].time && e[0].time, "times");
	FAILS(read(third, e, sizeof(e)), EAGAIN);
	/* more than fit */
	for (i = 0; i < 40; i++)
		detach(attach_ram(MIB));
	for (i = 0; read(all, &one, sizeof(one)) == sizeof(one); i++)
		EQ(one.lost, 0);
	EQ(i, 64);
	detach(attach_ram(MIB));
	EQ(OK(read(all, &one, sizeof(one))), sizeof(one));
	EQ(one.lost, 16);
	/* errors are told once a second */
	id = attach_ram(MIB);
	OK(set_fault(id, VBLK_FAULT_ERROR, 1, (struct vblk_fault){ .error = ETIMEDOUT }));
	int fd = disk_open(id, PLAIN);

	for (i = 0; i < 5; i++)
		CHECK(pread(fd, io_buffer(4096), 4096, 0) < 0, "no error");
	CHECK(next_event(all, VBLK_EVENT_ERROR, 1000, &one), "no event");
	EQ(one.arg, ETIMEDOUT);
	CHECK(!next_event(all, VBLK_EVENT_ERROR, 100, &one), "a second event");
	close(fd);
	close(third);
	close(all);
	detach(id);
}

static const struct test tests[] = {
	{ "limits", limits },
	{ "limit_errors", limit_errors },
	{ "limits_change", limits_change },
	{ "forced_while_waiting", forced_while_waiting },
	{ "faults", faults },
	{ "flush_faults", flush_faults },
	{ "fault_errors", fault_errors },
	{ "counters", counters },
	{ "event_fds", event_fds },
};

TEST_SUITE(tests);
