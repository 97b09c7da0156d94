// SPDX-License-Identifier: GPL-2.0
/*
 * Images whose backing goes wrong: what was acknowledged is safe, the image becomes
 * read-only and says so, and attaching it again works.
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "pool.h"

/* An image on a disk on a file, with a cache to flush, which can be made to fail. */
struct stack {
	int lower;
	int backing;
	int image;
	int id;
	int disk;
};

static struct stack build(void)
{
	struct stack s;

	fresh();
	s.lower = attach_fd(VBLK_BACKING_FILE, memfd(64 * MIB), 0);
	s.backing = disk_open(s.lower, PLAIN);
	pool_make(s.backing, 64 * MIB, 12);
	s.image = pool_open(s.backing);
	s.id = attach_volume(s.image, 0, 0);
	s.disk = disk_open(s.id, PLAIN);
	return s;
}

static void close_all(struct stack *s)
{
	close(s->disk);
	detach(s->id);
	close(s->image);
}

static void open_again(struct stack *s)
{
	s->image = pool_open(s->backing);
	EQ(pool_info(s->image).error, 0);
	s->id = attach_volume(s->image, 0, 0);
	s->disk = disk_open(s->id, PLAIN);
}

static bool writable(int disk, uint64_t pos, size_t bytes)
{
	void *buf = io_buffer(bytes);
	ssize_t n = pwrite(disk, buf, bytes, pos);
	int error = errno;

	munmap(buf, bytes);
	errno = error;
	return n == (ssize_t)bytes;
}

/* Whatever part of a commit fails, it is as if it had not been. */
static void metadata_write_error(void)
{
	static const uint32_t ops[] = { 1 << VBLK_OP_WRITE, 1 << VBLK_OP_FLUSH };
	struct vblk_event e;
	struct stack s;
	unsigned int i, every;
	int listener;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		for (every = 1; every <= (i ? 1 : 3); every++) {
			s = build();
			listener = listen_to(s.id);
			put(s.disk, 0, MIB, 1);
			OK(fsync(s.disk));
			put(s.disk, 2 * MIB, 64 * KIB, 2);
			/* the first or a later write of the commit */
			OK(set_fault(s.lower, VBLK_FAULT_ERROR, ops[i],
				     (struct vblk_fault){ .every = every }));
			FAILS(fsync(s.disk), EIO);
			CHECK(next_event(listener, VBLK_EVENT_READ_ONLY, 1000, &e), "no event");
			EQ(e.arg, EIO);
			EQ(pool_info(s.image).error, EIO);
			clear_fault(s.lower);
			/* it can be read, and is not written to any more */
			EXPECT(s.disk, 0, MIB, 1);
			EXPECT(s.disk, 2 * MIB, 64 * KIB, 2);
			CHECK(!writable(s.disk, 5 * MIB, 4096), "it can be written to");
			FAILS(fsync(s.disk), EIO);
			FAILS(try_make(s.image, VBLK_IMAGE_SNAPSHOT, 0, 0, "s", NULL), EROFS);
			close_all(&s);
			POOL_SOUND(s.backing);
			open_again(&s);
			EXPECT(s.disk, 0, MIB, 1);
			put(s.disk, 2 * MIB, MIB, 3);
			OK(fsync(s.disk));
			close_all(&s);
			POOL_SOUND(s.backing);
			close(s.backing);
			close(listener);
			detach(s.lower);
		}
	}
}

static void metadata_read_error(void)
{
	struct stack s = build();
	struct vblk_event e;
	void *buf = io_buffer(4096);
	int listener;

	put(s.disk, 0, MIB, 1);
	close_all(&s);
	open_again(&s);
	listener = listen_to(s.id);
	/* nodes are in the upper half, data is below */
	OK(set_fault(s.lower, VBLK_FAULT_ERROR, 1 << VBLK_OP_READ,
		     (struct vblk_fault){ .first = 32 * MIB }));
	FAILS(pread(s.disk, buf, 4096, 0), EIO);
	CHECK(next_event(listener, VBLK_EVENT_READ_ONLY, 1000, &e), "no event");
	CHECK(!writable(s.disk, 0, 4096), "it can be written to");
	CHECK(clear_fault(s.lower) > 0, "nothing was read there");
	/* once it can be read, it is */
	EXPECT(s.disk, 0, MIB, 1);
	CHECK(!writable(s.disk, 0, 4096), "it can be written to");
	close_all(&s);
	open_again(&s);
	EXPECT(s.disk, 0, MIB, 1);
	put(s.disk, 0, 4096, 2);
	OK(fsync(s.disk));
	close_all(&s);
	POOL_SOUND(s.backing);
	close(listener);
	close(s.backing);
	detach(s.lower);
}

/* Of data an error is the request's alone. */
static void data_error(void)
{
	struct stack s = build();
	void *buf = io_buffer(4096);

	put(s.disk, 0, MIB, 1);
	OK(fsync(s.disk));
	OK(set_fault(s.lower, VBLK_FAULT_ERROR, 1 << VBLK_OP_READ | 1 << VBLK_OP_WRITE,
		     (struct vblk_fault){ .length = 32 * MIB }));
	FAILS(pread(s.disk, buf, 4096, 0), EIO);
	CHECK(!writable(s.disk, 4096, 4096), "in place");
	CHECK(!writable(s.disk, 8 * MIB, 4096), "a new cluster");
	clear_fault(s.lower);
	EQ(pool_info(s.image).error, 0);
	EXPECT(s.disk, 0, 4096, 1);
	EXPECT(s.disk, 8192, MIB - 8192, 1);
	put(s.disk, 8 * MIB, 4096, 2);
	close_all(&s);
	POOL_SOUND(s.backing);
	close(s.backing);
	detach(s.lower);
}

static void damaged_node(void)
{
	struct img_volume *v;
	struct file_store store;
	struct vblk_event e;
	struct stack s = build();
	void *buf = io_buffer(4096);
	struct img im;
	char path[32];
	int listener;
	size_t n;

	put(s.disk, 0, MIB, 1);
	close_all(&s);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s.backing);
	EQ(store_open(&store, path, O_RDONLY), 0);
	REQUIRE(!img_open(&im, &store.s) && !img_volumes(&im, &v, &n) && n == 1, "no volume");
	store_close(&store);
	/* another block of the same kind, which is not the one meant */
	EQ(pread(s.backing, buf, 4096, im.sb.volumes.addr * 4096), 4096);
	EQ(pwrite(s.backing, buf, 4096, v->root.addr * 4096), 4096);
	open_again(&s);
	listener = listen_to(s.id);
	FAILS(pread(s.disk, buf, 4096, 0), EIO);
	CHECK(next_event(listener, VBLK_EVENT_READ_ONLY, 1000, &e), "no event");
	EQ(e.arg, EUCLEAN);
	CHECK(!writable(s.disk, 0, 4096), "it can be written to");
	close_all(&s);
	close(listener);
	close(s.backing);
	detach(s.lower);
	free(v);
}

/* Where what is, nobody but the map knows: some of it is lost. */
#define PIECE	65536

static void truncated(void)
{
	struct vblk_event e;
	int backing, image, id, disk, listener;
	unsigned int lost = 0, written = 0;
	void *buf = io_buffer(PIECE);
	struct stat st;
	uint64_t pos;

	fresh();
	backing = pool_new(64 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	listener = listen_to(id);
	disk = disk_open(id, PLAIN);
	put(disk, 0, 8 * MIB, 1);
	OK(fsync(disk));
	OK(ftruncate(backing, 4 * MIB));
	for (pos = 0; pos < 8 * MIB; pos += PIECE) {
		if (pread(disk, buf, PIECE, pos) != PIECE) {
			EQ(errno, EIO);
			lost++;
			continue;
		}
		CHECK(same(buf, PIECE, pos, 1), "wrong data at %llu", (unsigned long long)pos);
	}
	CHECK(lost > 40 && lost < 100, "%u pieces of 128 are lost", lost);
	CHECK(next_event(listener, VBLK_EVENT_LOST, 1000, &e), "no event");
	EQ(e.arg, 4 * MIB);
	for (pos = 0; pos < 10 * MIB; pos += PIECE)
		written += writable(disk, pos, 4096);
	CHECK(written < 100, "%u pieces of 160 can be written", written);
	CHECK(try_make(image, VBLK_IMAGE_SNAPSHOT, 0, 0, "s", NULL) < 0, "a commit to nowhere");
	OK(fstat(backing, &st));
	EQ(st.st_size, 4 * MIB);
	close(disk);
	detach(id);
	close(image);
	FAILS(try_pool_open(backing, 0), EUCLEAN);
	close(listener);
	close(backing);
}

/* The disk below is taken away. */
static void removed(void)
{
	struct stack s = build();
	void *buf = io_buffer(4096);

	put(s.disk, 0, MIB, 1);
	OK(fsync(s.disk));
	put(s.disk, MIB, MIB, 1);
	OK(try_detach(s.lower, VBLK_DETACH_FORCE));
	FAILS(pread(s.disk, buf, 4096, 0), EIO);
	CHECK(!writable(s.disk, 0, 4096), "it can be written to");
	FAILS(fsync(s.disk), EIO);
	FAILS(try_make(s.image, VBLK_IMAGE_SNAPSHOT, 0, 0, "s", NULL), EROFS);
	close_all(&s);
	close(s.backing);
}

/* The pool is full: writers hear of it, readers do not, deletes help. */
static void pool_full(void)
{
	struct vblk_event e;
	int backing, image, id, disk, listener, other;
	uint64_t pos, end;
	uint32_t ballast;

	fresh();
	backing = pool_new(24 * MIB, 12);
	image = pool_open(backing);
	ballast = pool_create(image, 64 * MIB, "ballast");
	id = attach_volume(image, ballast, 0);
	other = disk_open(id, PLAIN);
	put(other, 0, 8 * MIB, 9);
	close(other);
	detach(id);

	id = attach_volume(image, 0, 0);
	OK(try_resize(id, 128 * MIB, 0));
	listener = listen_to(id);
	disk = disk_open(id, PLAIN);
	for (pos = 0; writable(disk, pos * 2, 16 * KIB); pos += 16 * KIB)
		;
	EQ(errno, ENOSPC);
	CHECK(pos > 10 * MIB, "full after %llu", (unsigned long long)pos);
	CHECK(next_event(listener, VBLK_EVENT_NO_SPACE, 1000, &e), "no event");
	end = pos;
	OK(fsync(disk));
	EQ(pool_info(image).error, 0);
	EXPECT(disk, 0, 4096, 0);
	/* in place there is always space */
	for (pos = 0; pos < end; pos += MIB)
		put(disk, pos * 2, 4096, 3);
	OK(fsync(disk));
	FAILS(try_make(image, VBLK_IMAGE_CREATE, 0, MIB, "new", NULL), ENOSPC);
	OK(try_delete(image, ballast));
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	for (pos = 0; pos < 6 * MIB; pos += 16 * KIB)
		if (!writable(disk, 100 * MIB + pos, 16 * KIB))
			break;
	EQ(pos, 6 * MIB);
	for (pos = 0; pos < end; pos += MIB)
		EXPECT(disk, pos * 2, 4096, 3);
	close(disk);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(listener);
	close(backing);
}

static uint64_t takes(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_blocks * 512;
}

/* Thin all the way down: what is discarded or deleted leaves the file. */
static void backing_shrinks(void)
{
	uint64_t range[2] = { 0, 8 * MIB }, full;
	int backing, image, id, disk;
	uint32_t snapshot;

	fresh();
	backing = pool_new(64 * MIB, 16);
	CHECK(takes(backing) < MIB, "a new image takes %llu", (unsigned long long)takes(backing));
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	disk = disk_open(id, PLAIN);
	put(disk, 0, 16 * MIB, 1);
	OK(fsync(disk));
	full = takes(backing);
	CHECK(full >= 16 * MIB, "%llu", (unsigned long long)full);
	OK(ioctl(disk, BLKDISCARD, range));
	OK(pool_commit(image, 0));
	CHECK(takes(backing) <= full - 8 * MIB + 256 * KIB, "%llu after a discard",
	      (unsigned long long)takes(backing));
	/* what a snapshot holds stays, until that goes */
	snapshot = pool_snapshot(image, 0, "s");
	range[0] = 8 * MIB;
	OK(ioctl(disk, BLKDISCARD, range));
	OK(pool_commit(image, 0));
	CHECK(takes(backing) >= 8 * MIB, "%llu", (unsigned long long)takes(backing));
	OK(try_delete(image, snapshot));
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	/* Holes follow the commit that frees what was there. */
	for (int i = 0; i < 600 && takes(backing) >= MIB; i++)
		usleep(50000);
	CHECK(takes(backing) < MIB, "%llu after the delete", (unsigned long long)takes(backing));
	EXPECT(disk, 0, 16 * MIB, 0);
	close(disk);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(backing);
}

/* The file system below is full, though the pool is not. */
static void backing_full(void)
{
	int lower = -1, backing, image, id, disk;
	uint64_t pos;

	fresh();
	lower = attach_ram(24 * MIB);
	ext4_on(lower, "/mnt-vblk");
	backing = file_on("/mnt-vblk", "image", 64 * MIB);
	pool_make(backing, 64 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	disk = disk_open(id, PLAIN);
	put(disk, 0, MIB, 1);
	OK(fsync(disk));
	for (pos = MIB; pos < 60 * MIB && writable(disk, pos, 32 * KIB); pos += 32 * KIB)
		;
	CHECK(pos > 8 * MIB && pos < 40 * MIB, "full after %llu", (unsigned long long)pos);
	EXPECT(disk, 0, MIB, 1);
	close(disk);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	image = pool_open(backing);
	id = attach_volume(image, 0, VBLK_ATTACH_RDONLY);
	disk = disk_open(id, O_RDONLY | O_DIRECT);
	EXPECT(disk, 0, MIB, 1);
	close(disk);
	detach(id);
	close(image);
	close(backing);
	leave_dir("/mnt-vblk");
	detach(lower);
}

static bool knob(const char *name, const char *value)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/kernel/debug/failslab/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	ret = write(fd, value, strlen(value));
	close(fd);
	return ret > 0;
}

/* Memory runs out again and again: requests may fail, the image does not. */
static void out_of_memory(void)
{
	unsigned long rounds = scale(2000, 60), i, failed = 0;
	uint64_t seed = 1, pos;
	struct stack s;
	void *buf = io_buffer(4096);
	unsigned int *gen;
	int chance;

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (!knob("verbose", "0"))
		test_skip("the kernel has no failslab");
	s = build();
	gen = calloc(8 * MIB / 4096, sizeof(*gen));
	knob("task-filter", "N");
	knob("ignore-gfp-wait", "N");
	knob("interval", "1");
	knob("times", "-1");
	chance = OK(open("/sys/kernel/debug/failslab/probability", O_WRONLY | O_CLOEXEC));
	for (i = 0; i < rounds; i++) {
		uint64_t n = below(&seed, 8 * MIB / 4096);
		uint32_t snapshot = NONE;
		ssize_t ret;

		pos = n * 4096;
		fill(buf, 4096, pos, i + 1);
		OK(write(chance, "5", 1));
		ret = pwrite(s.disk, buf, 4096, pos);
		if (!below(&seed, 20) && fsync(s.disk))
			failed++;
		if (!below(&seed, 50) &&
		    !try_make(s.image, VBLK_IMAGE_SNAPSHOT, 0, 0, "s", &snapshot))
			try_delete(s.image, snapshot);
		/* This write has no memory either, for a while. */
		while (write(chance, "0", 1) < 0)
			;
		if (snapshot != NONE)
			try_delete(s.image, snapshot);
		if (ret == 4096) {
			gen[n] = i + 1;
		} else {
			failed++;
			/* old or new */
			EQ(OK(pread(s.disk, buf, 4096, pos)), 4096);
			if (same(buf, 4096, pos, i + 1))
				gen[n] = i + 1;
		}
	}
	close(chance);
	diag("%lu of %lu rounds failed", failed, rounds);
	EQ(pool_info(s.image).error, 0);
	for (i = 0; i < 8 * MIB / 4096; i++)
		EXPECT(s.disk, i * 4096, 4096, gen[i]);
	OK(fsync(s.disk));
	OK(pool_commit(s.image, VBLK_COMMIT_DELETES));
	close_all(&s);
	POOL_SOUND(s.backing);
	close(s.backing);
	detach(s.lower);
	free(gen);
}

static const struct test tests[] = {
	{ "metadata_write_error", metadata_write_error },
	{ "metadata_read_error", metadata_read_error },
	{ "data_error", data_error },
	{ "damaged_node", damaged_node },
	{ "truncated", truncated },
	{ "removed", removed },
	{ "pool_full", pool_full },
	{ "backing_shrinks", backing_shrinks },
	{ "backing_full", backing_full },
	{ "out_of_memory", out_of_memory },
};

TEST_SUITE(tests);
