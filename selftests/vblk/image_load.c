// SPDX-License-Identifier: GPL-2.0
/* Images in use: many clones at once, threads against snapshots, a file system on top. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "fsx.h"
#include "pool.h"

#define BLOCK 4096

/* Clones of one golden image, all attached, each written differently. */
static void hundred_clones(void)
{
	unsigned int n = scale(100, 40), i, k;
	int backing, image, golden, fd[100], id[100];
	uint32_t snapshot, clone[100];
	char name[16];

	fresh();
	backing = pool_new(128 * MIB, 14);
	image = pool_open(backing);
	golden = attach_volume(image, 0, 0);
	fd[0] = disk_open(golden, PLAIN);
	put(fd[0], 0, 4 * MIB, 1);
	close(fd[0]);
	detach(golden);
	snapshot = pool_snapshot(image, 0, "golden");
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "clone%u", i);
		clone[i] = pool_clone(image, snapshot, name);
		id[i] = attach_volume(image, clone[i], 0);
		fd[i] = disk_open(id[i], PLAIN);
	}
	for (k = 0; k < 3; k++) {
		for (i = 0; i < n; i++)
			put(fd[i], (i * 7 % 60 + k) * 65536 + 512 * k, BLOCK, 10 + i);
	}
	for (i = 0; i < n; i++) {
		uint64_t at = 0, next;

		/* its own three, and between them the golden image */
		for (k = 0; k < 3; k++)
			EXPECT(fd[i], (i * 7 % 60 + k) * 65536 + 512 * k, BLOCK, 10 + i);
		next = i * 7 % 60 * 65536;
		for (at = 0; at + BLOCK <= 4 * MIB; at += 256 * KIB)
			if (at + BLOCK <= next || at >= next + 3 * 65536)
				EXPECT(fd[i], at, BLOCK, 1);
	}
	OK(fsync(fd[0]));
	for (i = 0; i < n; i++) {
		close(fd[i]);
		detach(id[i]);
	}
	OK(try_delete(image, snapshot));
	for (i = 0; i < n; i++)
		OK(try_delete(image, clone[i]));
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	EQ(pool_info(image).volumes, 1);
	close(image);
	POOL_SOUND(backing);
	close(backing);
}

#define THREADS	4
#define AREA	256	/* blocks of each */

struct writer {
	int fd;
	unsigned int first;
	uint64_t seed;
	/* generation of each block: before its write, and after it */
	uint32_t begun[AREA];
	uint32_t done[AREA];
	bool stop;
	bool failed;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	void *buf = io_buffer(8 * BLOCK);
	uint32_t gen = 0;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		unsigned int n = 1 + below(&w->seed, 8), at = below(&w->seed, AREA - n), i;
		uint64_t pos = (uint64_t)(w->first + at) * BLOCK;

		gen++;
		for (i = 0; i < n; i++)
			__atomic_store_n(&w->begun[at + i], gen, __ATOMIC_SEQ_CST);
		fill(buf, n * BLOCK, pos, gen);
		if (pwrite(w->fd, buf, n * BLOCK, pos) != n * BLOCK)
			w->failed = true;
		for (i = 0; i < n; i++)
			__atomic_store_n(&w->done[at + i], gen, __ATOMIC_SEQ_CST);
		if (!below(&w->seed, 64) && fsync(w->fd))
			w->failed = true;
	}
	munmap(buf, 8 * BLOCK);
	return NULL;
}

/* Is a block of a write that was begun, and not older than one that had ended? */
static bool in_time(const void *buf, uint64_t pos, uint32_t from, uint32_t to)
{
	for (; from <= to; from++)
		if (from ? same(buf, BLOCK, pos, from) : zeroes(buf, BLOCK))
			return true;
	return false;
}

/* A snapshot has all that was acknowledged before it, and nothing begun after it. */
static void snapshots_under_writes(void)
{
	unsigned long rounds = scale(12, 4), round;
	static struct writer w[THREADS];
	static uint32_t done[THREADS][AREA], begun[THREADS][AREA];
	void *buf = io_buffer(AREA * BLOCK);
	pthread_t thread[THREADS];
	int backing, image, id, sid, sfd;
	uint32_t snapshot, old = NONE;
	unsigned int t, i, bad = 0;
	char name[16];

	fresh();
	backing = pool_new(64 * MIB, 13);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	for (t = 0; t < THREADS; t++) {
		w[t] = (struct writer){ .fd = disk_open(id, PLAIN), .first = t * AREA, .seed = t };
		EQ(pthread_create(&thread[t], NULL, write_on, &w[t]), 0);
	}
	for (round = 0; round < rounds && !bad; round++) {
		sleep_ms(20);
		snprintf(name, sizeof(name), "s%lu", round);
		for (t = 0; t < THREADS; t++)
			for (i = 0; i < AREA; i++)
				done[t][i] = __atomic_load_n(&w[t].done[i], __ATOMIC_SEQ_CST);
		snapshot = pool_snapshot(image, 0, name);
		for (t = 0; t < THREADS; t++)
			for (i = 0; i < AREA; i++)
				begun[t][i] = __atomic_load_n(&w[t].begun[i], __ATOMIC_SEQ_CST);
		sid = attach_volume(image, snapshot, VBLK_ATTACH_RDONLY);
		sfd = disk_open(sid, O_RDONLY | O_DIRECT);
		for (t = 0; t < THREADS; t++) {
			uint64_t pos = (uint64_t)t * AREA * BLOCK;

			EQ(OK(pread(sfd, buf, AREA * BLOCK, pos)), AREA * BLOCK);
			for (i = 0; i < AREA; i++)
				bad += !in_time(buf + i * BLOCK, pos + i * BLOCK, done[t][i],
						begun[t][i]);
		}
		CHECK(!bad, "round %lu: %u blocks are of another time", round, bad);
		close(sfd);
		detach(sid);
		if (old != NONE)
			OK(try_delete(image, old));
		old = snapshot;
	}
	for (t = 0; t < THREADS; t++)
		__atomic_store_n(&w[t].stop, true, __ATOMIC_RELAXED);
	for (t = 0; t < THREADS; t++) {
		pthread_join(thread[t], NULL);
		CHECK(!w[t].failed, "a write has failed");
		for (i = 0; i < AREA; i++)
			EXPECT(w[t].fd, (uint64_t)(w[t].first + i) * BLOCK, BLOCK, w[t].done[i]);
		close(w[t].fd);
	}
	detach(id);
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	close(image);
	POOL_SOUND(backing);
	close(backing);
}

/* A file on ext4 on a volume; now and then a snapshot, which has a file system of its own. */
static void file_system(void)
{
	unsigned long steps = getenv("LONG") ? 20000 : scale(500, 120), i;
	int backing, image, id;
	uint32_t snapshot = NONE;
	struct checked f;
	char path[32];

	fresh();
	backing = pool_new(96 * MIB, 14);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	ext4_on(id, "/mnt-vblk");
	checked_open(&f, "/mnt-vblk", "file", 1);
	for (i = 0; i < steps; i++) {
		checked_step(&f);
		if (below(&f.seed, 100))
			continue;
		if (snapshot != NONE)
			OK(try_delete(image, snapshot));
		snprintf(path, sizeof(path), "s%lu", i);
		snapshot = pool_snapshot(image, 0, path);
	}
	checked_all(&f);
	checked_close(&f);
	leave_dir("/mnt-vblk");
	detach(id);
	close(image);
	POOL_SOUND(backing);

	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	node(id, path);
	mkdir("/mnt-vblk", 0700);
	OK(mount(path, "/mnt-vblk", "ext4", 0, NULL));
	checked_again(&f);
	checked_close(&f);
	leave_dir("/mnt-vblk");
	detach(id);
	close(image);
	close(backing);
	checked_end(&f);
}

static const struct test tests[] = {
	{ "hundred_clones", hundred_clones },
	{ "snapshots_under_writes", snapshots_under_writes },
	{ "file_system", file_system },
};

TEST_SUITE(tests);
