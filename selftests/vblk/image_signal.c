// SPDX-License-Identifier: GPL-2.0
/*
 * Callers that are limited, interrupted or killed: an image is more than one of them, and
 * goes on.
 */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "pool.h"

static pid_t child(void (*fn)(int image, int id), int image, int id)
{
	pid_t pid = OK(fork());

	if (pid)
		return pid;
	fn(image, id);
	_exit(test_failures() ? 1 : 0);
}

static void succeeds(pid_t pid, const char *what)
{
	int status;

	EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "%s: status 0x%x", what, status);
}

/* All of it writes to the backing, for the image. */
static void all_calls(int image, int id)
{
	uint32_t snapshot, clone, other;

	snapshot = pool_snapshot(image, 0, "s");
	clone = pool_clone(image, snapshot, "c");
	other = pool_create(image, MIB, "o");
	OK(try_delete(image, other));
	OK(try_delete(image, clone));
	OK(try_delete(image, snapshot));
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	OK(try_resize(id, 64 * MIB, 0));
	/* not at a cluster's end: a part of one is written with zeroes */
	OK(try_resize(id, 4 * MIB + 512, VBLK_RESIZE_SHRINK));
}

static void small_files(int image, int id)
{
	struct rlimit none = { 4096, 4096 };

	signal(SIGXFSZ, SIG_DFL);
	OK(setrlimit(RLIMIT_FSIZE, &none));
	all_calls(image, id);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(int image, int id)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } };
	struct sigaction sa = { .sa_handler = on_alarm };

	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &often, NULL));
	all_calls(image, id);
}

/* The caller may write no files, or gets signals all the time. */
static void limits(void)
{
	static void (* const ways[])(int, int) = { small_files, interrupted };
	int backing, image, id, fd;
	unsigned int i;

	fresh();
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		backing = pool_new(32 * MIB, 13);
		image = pool_open(backing);
		id = attach_volume(image, 0, 0);
		fd = disk_open(id, PLAIN);
		put(fd, 0, 16 * MIB, 1);
		close(fd);
		succeeds(child(ways[i], image, id), i ? "with signals" : "with a limit");
		EQ(pool_info(image).error, 0);
		fd = disk_open(id, PLAIN);
		EXPECT(fd, 0, 4 * MIB + 512, 1);
		put(fd, MIB, MIB, 2);
		OK(fsync(fd));
		close(fd);
		detach(id);
		close(image);
		POOL_SOUND(backing);
		close(backing);
	}
}

static void last_one(int image, int id)
{
	struct rlimit none = { 4096, 4096 };

	/* Whoever closes last commits: here it is the one with the limit. */
	(void)id;
	OK(setrlimit(RLIMIT_FSIZE, &none));
	close(image);
}

/* What was acknowledged and not flushed is kept by who closes, whoever that is. */
static void last_close(void)
{
	int backing, image, id, fd, pipes[2];
	pid_t pid;
	char c;

	fresh();
	backing = pool_new(32 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	OK(pipe(pipes));
	pid = OK(fork());
	if (!pid) {
		OK(read(pipes[0], &c, 1));
		last_one(image, id);
		_exit(0);
	}
	close(image);
	fd = disk_open(id, PLAIN);
	put(fd, 0, 4 * MIB, 1);
	close(fd);
	detach(id);
	OK(write(pipes[1], "", 1));
	succeeds(pid, "closing");
	close(pipes[0]);
	close(pipes[1]);
	POOL_SOUND(backing);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	EXPECT(fd, 0, 4 * MIB, 1);
	close(fd);
	detach(id);
	close(image);
	close(backing);
}

static void __noreturn make_and_drop(int image, unsigned int who)
{
	uint32_t snapshot;
	char name[32];
	unsigned int i;

	for (i = 0; ; i++) {
		snprintf(name, sizeof(name), "%u.%u", who, i);
		if (try_make(image, VBLK_IMAGE_SNAPSHOT, 0, 0, name, &snapshot))
			_exit(2);
		if (try_delete(image, snapshot))
			_exit(3);
	}
}

/* Killed in the middle of a snapshot or a delete: it is done, or it is not. */
static void killed(void)
{
	unsigned long rounds = scale(60, 20), i;
	uint64_t seed = 1;
	int backing, image, id, fd, status;
	pid_t pid;

	fresh();
	backing = pool_new(64 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	for (i = 0; i < rounds && !test_failures(); i++) {
		pid = OK(fork());
		if (!pid)
			make_and_drop(image, i);
		put(fd, below(&seed, 8) * MIB, 64 * KIB, i);
		usleep(below(&seed, 30000));
		kill(pid, SIGKILL);
		EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status), "round %lu: status 0x%x", i, status);
		EQ(pool_info(image).error, 0);
	}
	OK(fsync(fd));
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	close(fd);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(backing);
}

/* Looking for what differs may take as long as reading all maps: it can be killed. */
static void killed_in_a_diff(void)
{
	int lower, backing, image, id, fd, status;
	struct vblk_extent e[64];
	struct vblk_image_diff d = {
		.size = sizeof(d), .base = NONE, .volume = 0, .extents = (uintptr_t)e, .count = 64,
	};
	uint64_t began, at;
	pid_t pid;

	fresh();
	lower = attach_fd(VBLK_BACKING_FILE, memfd(64 * MIB), 0);
	backing = disk_open(lower, PLAIN);
	pool_make(backing, 64 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	OK(try_resize(id, GIB, 0));
	fd = disk_open(id, PLAIN);
	/* a node each, and nothing after it: the first diff is behind all of them */
	for (at = 0; at < 60 * MIB; at += MIB)
		put(fd, at, 4096, 1);
	close(fd);
	detach(id);
	close(image);
	image = pool_open(backing);
	OK(set_fault(lower, VBLK_FAULT_DELAY, 1 << VBLK_OP_READ,
		     (struct vblk_fault){ .delay = 2 * SECOND }));
	pid = OK(fork());
	if (!pid) {
		ioctl(image, VBLK_IMAGE_DIFF, &d);
		_exit(0);
	}
	sleep_ms(500);
	began = now_ns();
	kill(pid, SIGKILL);
	EQ(waitpid(pid, &status, 0), pid);
	/* 60 reads of 2 s, of which one is under way */
	CHECK(now_ns() - began < 60 * SECOND, "it took %llu s to be killed",
	      (unsigned long long)((now_ns() - began) / SECOND));
	clear_fault(lower);
	EQ(pool_info(image).error, 0);
	close(image);
	POOL_SOUND(backing);
	close(backing);
	detach(lower);
}

static void limit(int id, uint64_t bps)
{
	struct vblk_limits l = { .size = sizeof(l), .id = id, .bps = bps };

	OK(ioctl(control(), VBLK_LIMITS, &l));
}

/* Blocks until the pipe's other end is closed, or not at all. */
static bool ended(int fd, unsigned int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms);
}

/* While the last commit of an image hangs, others are opened; it itself, afterwards. */
static void closing(void)
{
	int lower, backing, image, id, fd, other, closes[2], opens[2];
	uint64_t range[2] = { MIB, MIB };
	void *buf = io_buffer(MIB);
	pid_t closer, opener;
	char c;

	fresh();
	lower = attach_fd(VBLK_BACKING_FILE, memfd(64 * MIB), 0);
	backing = disk_open(lower, PLAIN);
	pool_make(backing, 64 * MIB, 12);
	other = pool_new(16 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	put(fd, 0, 2 * MIB, 1);
	OK(fsync(fd));
	/* one byte a second, and the first MiB is gone */
	limit(lower, 1);
	EQ(OK(pread(backing, buf, MIB, 0)), MIB);
	/* this changes the map, and needs nothing of the backing for now */
	OK(ioctl(fd, BLKDISCARD, range));
	close(fd);
	OK(pipe2(closes, O_CLOEXEC));
	OK(pipe2(opens, O_CLOEXEC));
	closer = OK(fork());
	if (!closer) {
		detach(id);
		OK(write(closes[1], "", 1));
		close(image);
		_exit(0);
	}
	close(image);
	close(closes[1]);
	/* now it is about to close, and soon hangs there */
	EQ(OK(read(closes[0], &c, 1)), 1);
	sleep_ms(200);
	opener = OK(fork());
	if (!opener) {
		image = pool_open(backing);
		_exit(0);
	}
	close(opens[1]);
	close(pool_open(other));
	CHECK(!ended(closes[0], 100), "nothing had to wait");
	CHECK(!ended(opens[0], 0), "an image is open twice");
	limit(lower, 0);
	succeeds(closer, "closing");
	succeeds(opener, "opening");
	close(closes[0]);
	close(opens[0]);
	image = pool_open(backing);
	EQ(pool_info(image).error, 0);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	EXPECT(fd, 0, MIB, 1);
	EXPECT(fd, MIB, MIB, 0);
	close(fd);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(backing);
	close(other);
	detach(lower);
}

static const struct test tests[] = {
	{ "limits", limits },
	{ "last_close", last_close },
	{ "killed", killed },
	{ "killed_in_a_diff", killed_in_a_diff },
	{ "closing", closing },
};

TEST_SUITE(tests);
