// SPDX-License-Identifier: GPL-2.0
/* Attach and detach, with and against others; sizes; partitions. */
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "disk.h"

/* The node is there when the attach returns, and gone when the detach does. */
static void node_at_once(void)
{
	struct stat st;
	char path[32];
	int id;

	fresh();
	for (int i = 0; i < 20; i++) {
		id = attach_ram(MIB);
		node(id, path);
		OK(stat(path, &st));
		CHECK(S_ISBLK(st.st_mode), "%s", path);
		EQ(st.st_rdev >> 8 & 0xfff, query(id).major);
		detach(id);
	}
}

static void busy(void)
{
	struct vblk_detach d = { .size = sizeof(d), .flags = VBLK_DETACH_WAIT };
	int id, fd;
	uint64_t t;

	fresh();
	id = attach_ram(MIB);
	fd = disk_open(id, O_RDONLY);
	EQ(query(id).openers, 1);
	t = now_ns();
	FAILS(try_detach(id, 0), EBUSY);
	t = now_ns() - t;
	CHECK(t >= SECOND && t < 20 * SECOND, "%llu ns", (unsigned long long)t);
	/* it works on */
	EXPECT(fd, 0, MIB, 0);
	d.id = id;
	d.deadline = now_ns() + SECOND / 10;
	FAILS(ioctl(control(), VBLK_DETACH, &d), ETIMEDOUT);
	d.deadline = 1;
	FAILS(ioctl(control(), VBLK_DETACH, &d), ETIMEDOUT);
	EXPECT(fd, 0, MIB, 0);
	/* bad combinations */
	FAILS(try_detach(id, VBLK_DETACH_WAIT | VBLK_DETACH_FORCE), EINVAL);
	d.flags = 0;
	FAILS(ioctl(control(), VBLK_DETACH, &d), EINVAL);
	close(fd);
	/* an owner is not waited for */
	fd = disk_open(id, O_RDWR | O_EXCL);
	t = now_ns();
	FAILS(try_detach(id, 0), EBUSY);
	CHECK(now_ns() - t < SECOND, "waited for an owner");
	close(fd);
	detach(id);
}

struct closer {
	int fd;
	unsigned int ms;
};

static void *close_later(void *arg)
{
	struct closer *c = arg;

	sleep_ms(c->ms);
	close(c->fd);
	return NULL;
}

static void waits(void)
{
	struct closer c = { .ms = 300 };
	pthread_t t;
	uint64_t began;
	int id;

	fresh();
	/* somebody who only looks, does not make a plain detach fail */
	id = attach_ram(MIB);
	c.fd = disk_open(id, O_RDONLY);
	EQ(pthread_create(&t, NULL, close_later, &c), 0);
	detach(id);
	pthread_join(t, NULL);

	id = attach_ram(MIB);
	c.fd = disk_open(id, O_RDONLY);
	c.ms = 1500;
	began = now_ns();
	EQ(pthread_create(&t, NULL, close_later, &c), 0);
	OK(try_detach(id, VBLK_DETACH_WAIT));
	CHECK(now_ns() - began >= 14 * SECOND / 10, "did not wait");
	pthread_join(t, NULL);
}

static void wait_is_killable(void)
{
	int id, fd, status;
	pid_t pid;

	fresh();
	id = attach_ram(MIB);
	fd = disk_open(id, O_RDONLY);
	pid = OK(fork());
	if (!pid) {
		close(fd);
		try_detach(id, VBLK_DETACH_WAIT);
		_exit(0);
	}
	sleep_ms(200);
	EQ(waitpid(pid, &status, WNOHANG), 0);
	OK(kill(pid, SIGKILL));
	EQ(OK(waitpid(pid, &status, 0)), pid);
	CHECK(WIFSIGNALED(status), "status %x", status);
	EXPECT(fd, 0, MIB, 0);
	close(fd);
	detach(id);
}

static void force(void)
{
	uint8_t *buf = io_buffer(4096);
	char path[32];
	int id, fd;

	fresh();
	id = attach_ram(MIB);
	fd = disk_open(id, PLAIN);
	put(fd, 0, 4096, 1);
	OK(try_detach(id, VBLK_DETACH_FORCE));
	node(id, path);
	FAILS(open(path, O_RDONLY), ENOENT);
	errno = 0;
	CHECK(pread(fd, buf, 4096, 0) <= 0, "read from a disk that is gone");
	CHECK(pwrite(fd, buf, 4096, 0) < 0, "wrote to a disk that is gone");
	/* the number is free while the opener still has the old disk */
	EQ(attach_ram(2 * MIB), id);
	EQ(disk_bytes(disk_open(id, O_RDONLY | O_CLOEXEC)), 2 * MIB);
	CHECK(pread(fd, buf, 4096, 0) <= 0, "the old fd reads the new disk");
	close(fd);
	fresh();
}

/* The backing is free when the detach returns, however it ended. */
static void backing_released(void)
{
	int below, upper, fd, disk;

	fresh();
	for (int i = 0; i < 10; i++) {
		below = attach_ram(MIB);
		fd = disk_open(below, O_RDWR);
		upper = attach_fd(VBLK_BACKING_BDEV, fd, 0);
		close(fd);
		disk = disk_open(upper, PLAIN);
		put(disk, 0, 4096, 1);
		OK(try_detach(upper, VBLK_DETACH_FORCE));
		OK(try_detach(below, 0));
		close(disk);
	}
}

static void forced_under_a_file_system(void)
{
	int id, fd;
	uint8_t *buf = io_buffer(64 * KIB);

	fresh();
	id = attach_ram(32 * MIB);
	ext4_on(id, "/mnt-vblk");
	fd = file_on("/mnt-vblk", "f", MIB);
	EQ(OK(write(fd, buf, 64 * KIB)), 64 * KIB);
	FAILS(try_detach(id, 0), EBUSY);
	OK(try_detach(id, VBLK_DETACH_FORCE));
	/* What was written before may have been on the disk when it went. */
	CHECK(write(fd, buf, 64 * KIB) < 0 || fsync(fd) < 0, "fsync on a disk that is gone");
	close(fd);
	umount2("/mnt-vblk", MNT_DETACH);
	rmdir("/mnt-vblk");
}

static void *hammer(void *arg)
{
	volatile int *stop = arg;
	unsigned long opens = 0;
	uint8_t *buf = io_buffer(64 * KIB);
	int fd;

	while (!*stop) {
		fd = open("/dev/vblk0", PLAIN);
		if (fd < 0) {
			usleep(200);
			continue;
		}
		opens++;
		if (pwrite(fd, buf, 64 * KIB, 0) < 0 || pread(fd, buf, 4096, 4096) < 0)
			sched_yield();
		close(fd);
		/* Who never rests is an owner: a detach would wait for ever. */
		sleep_ms(1);
	}
	return (void *)opens;
}

/*
 * Disks come and go while others open them and do I/O all the time, as udev and
 * its friends do.
 */
static void races(void)
{
	unsigned long n = getenv("LONG") ? 1000 : scale(200, 60), i, opens = 0;
	uint64_t t0 = now_ns();
	volatile int stop = 0;
	pthread_t t[3];
	void *result;
	int fd, below, id, made;

	fresh();
	for (i = 0; i < ARRAY_SIZE(t); i++)
		EQ(pthread_create(&t[i], NULL, hammer, (void *)&stop), 0);
	for (i = 0; i < n; i++) {
		struct vblk_attach a = attach_args(VBLK_BACKING_RAM, -1);

		below = -1;
		switch (i % 3) {
		case 0:
			a.length = MIB;
			a.id = 0;
			OK(try_attach(&a));
			break;
		case 1:
			fd = memfd(MIB);
			a = attach_args(VBLK_BACKING_FILE, fd);
			a.id = 0;
			OK(try_attach(&a));
			close(fd);
			break;
		default:
			a.length = MIB;
			a.id = 5;
			OK(try_attach(&a));
			below = a.id;
			fd = disk_open(below, O_RDWR);
			a = attach_args(VBLK_BACKING_BDEV, fd);
			a.id = 0;
			OK(try_attach(&a));
			close(fd);
		}
		id = a.id;
		EQ(id, 0);
		if (i % 7)
			sched_yield();
		/* Now and then all three have it closed. */
		made = try_detach(id, i % 2 ? VBLK_DETACH_FORCE : VBLK_DETACH_WAIT);
		OK(made);
		if (below >= 0)
			OK(try_detach(below, 0));
	}
	stop = 1;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i], &result);
		opens += (unsigned long)result;
	}
	diag("%lu disks, opened %lu times, in %llu ms", n, opens,
	     (unsigned long long)(now_ns() - t0) / 1000000);
	CHECK(opens > n / 10, "hardly anybody met a disk");
	fresh();
}

static void *detacher(void *arg)
{
	return (void *)(long)(try_detach(0, *(uint32_t *)arg) ? errno : 0);
}

/* Of several who detach a disk, one succeeds, the others are told it is gone. */
static void one_winner(void)
{
	uint32_t flags[4] = { 0, VBLK_DETACH_FORCE, VBLK_DETACH_WAIT, VBLK_DETACH_FORCE };
	unsigned int i, round, winners;
	pthread_t t[4];
	void *result;

	fresh();
	for (round = 0; round < scale(100, 20); round++) {
		EQ(attach_ram(MIB), 0);
		winners = 0;
		for (i = 0; i < 4; i++)
			EQ(pthread_create(&t[i], NULL, detacher, &flags[i]), 0);
		for (i = 0; i < 4; i++) {
			pthread_join(t[i], &result);
			winners += !result;
			CHECK(!result || (long)result == ENOENT, "%s", strerror((long)result));
		}
		EQ(winners, 1);
	}
}

static void resize_ram(void)
{
	struct vblk_event e;
	int id, fd, ev;

	fresh();
	id = attach_ram(4 * MIB);
	ev = listen_to(id);
	fd = disk_open(id, PLAIN);
	put(fd, 0, 4 * MIB, 1);
	OK(try_resize(id, 8 * MIB, 0));
	EQ(disk_bytes(fd), 8 * MIB);
	CHECK(next_event(ev, VBLK_EVENT_RESIZED, 1000, &e), "no event");
	EQ(e.arg, 8 * MIB);
	EXPECT(fd, 0, 4 * MIB, 1);
	EXPECT(fd, 4 * MIB, 4 * MIB, 0);
	put(fd, 4 * MIB, 4 * MIB, 2);
	/* not smaller: by accident, while it is open, to nothing, unaligned */
	FAILS(try_resize(id, 2 * MIB, 0), EBUSY);
	FAILS(try_resize(id, 2 * MIB, VBLK_RESIZE_SHRINK), EBUSY);
	FAILS(try_resize(id, 0, 0), EINVAL);
	FAILS(try_resize(id, MIB + 1, 0), EINVAL);
	FAILS(try_resize(id, 1ULL << 61, 0), EINVAL);
	EQ(disk_bytes(fd), 8 * MIB);
	close(fd);
	OK(try_resize(id, 2 * MIB + 512, VBLK_RESIZE_SHRINK));
	EQ(query(id).length, 2 * MIB + 512);
	CHECK(query(id).allocated <= 2 * MIB + 4096, "memory beyond the end is kept");
	OK(try_resize(id, 8 * MIB, 0));
	fd = disk_open(id, PLAIN);
	EXPECT(fd, 0, 2 * MIB + 512, 1);
	/* what was cut off does not come back */
	EXPECT(fd, 2 * MIB + 512, 6 * MIB - 512, 0);
	close(fd);
	close(ev);
	detach(id);
}

static void resize_file(void)
{
	int fd = memfd(4 * MIB), id, disk;

	fresh();
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	disk = disk_open(id, PLAIN);
	FAILS(try_resize(id, 8 * MIB, 0), EINVAL);
	OK(ftruncate(fd, 8 * MIB + 700));
	EQ(disk_bytes(disk), 4 * MIB);
	OK(try_resize(id, 0, 0));
	EQ(disk_bytes(disk), 8 * MIB + 512);
	put(disk, 7 * MIB, MIB, 1);
	EXPECT(disk, 7 * MIB, MIB, 1);
	close(disk);
	OK(try_resize(id, 2 * MIB, VBLK_RESIZE_SHRINK));
	EQ(query(id).length, 2 * MIB);
	EQ(query(id).backing_length, 8 * MIB + 700);
	OK(try_resize(id, 8 * MIB, 0));
	disk = disk_open(id, PLAIN);
	EXPECT(disk, 7 * MIB, MIB, 1);
	close(disk);
	detach(id);
	close(fd);
}

/* A table of one partition: it is found, used, and in the way of a detach. */
static void partitions(void)
{
	uint8_t *mbr = io_buffer(512);
	uint32_t start = 2048, sectors = 4096;
	struct vblk_attach a;
	int fd = memfd(4 * MIB), id, part;

	fresh();
	mbr[446 + 4] = 0x83;
	memcpy(mbr + 446 + 8, &start, 4);
	memcpy(mbr + 446 + 12, &sectors, 4);
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	EQ(OK(pwrite(fd, mbr, 512, 0)), 512);
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	part = open("/dev/vblk0p1", PLAIN);
	if (part < 0) {
		detach(id);
		test_skip("the kernel reads no partition tables");
	}
	EQ(disk_bytes(part), 2 * MIB);
	put(part, 0, 4096, 1);
	OK(fsync(part));
	FAILS(try_detach(id, 0), EBUSY);
	close(part);
	detach(id);
	FAILS(access("/dev/vblk0p1", F_OK), ENOENT);
	uint8_t *buf = io_buffer(4096);

	EQ(OK(pread(fd, buf, 4096, start * 512)), 4096);
	CHECK(same(buf, 4096, 0, 1), "the partition is elsewhere");
	a = attach_args(VBLK_BACKING_FILE, fd);
	a.flags = VBLK_ATTACH_NO_PART;
	OK(try_attach(&a));
	FAILS(access("/dev/vblk0p1", F_OK), ENOENT);
	fresh();
}

static void many(void)
{
	unsigned int n = scale(100, 20), i;
	int fd;

	fresh();
	for (i = 0; i < n; i++)
		EQ(attach_ram(MIB), i);
	for (i = 0; i < n; i++) {
		fd = disk_open(i, PLAIN);
		put(fd, 0, 4096, i + 1);
		close(fd);
	}
	for (i = 0; i < n; i++) {
		fd = disk_open(i, PLAIN);
		EXPECT(fd, 0, 4096, i + 1);
		close(fd);
		detach(i);
	}
}

static const struct test tests[] = {
	{ "node_at_once", node_at_once },
	{ "busy", busy },
	{ "waits", waits },
	{ "wait_is_killable", wait_is_killable },
	{ "force", force },
	{ "backing_released", backing_released },
	{ "forced_under_a_file_system", forced_under_a_file_system },
	{ "races", races },
	{ "one_winner", one_winner },
	{ "resize_ram", resize_ram },
	{ "resize_file", resize_file },
	{ "partitions", partitions },
	{ "many", many },
};

TEST_SUITE(tests);
