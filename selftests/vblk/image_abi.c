// SPDX-License-Identifier: GPL-2.0
/* The calls on images: each way to get them wrong has its errno, and changes nothing. */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "pool.h"

struct world {
	int backing;
	int image;
	uint32_t volume;	/* "disk", attached as */
	int id;
	uint32_t snapshot;	/* "snap", of it */
	uint32_t clone;		/* "clone", of that */
	uint32_t other;		/* "other", with nothing */
};

static struct world build(void)
{
	struct world w = { .volume = 0 };

	fresh();
	w.backing = pool_new(32 * MIB, 12);
	w.image = pool_open(w.backing);
	w.snapshot = pool_snapshot(w.image, 0, "snap");
	w.clone = pool_clone(w.image, w.snapshot, "clone");
	w.other = pool_create(w.image, MIB, "other");
	w.id = attach_volume(w.image, 0, 0);
	return w;
}

static void raze(struct world *w)
{
	struct vblk_image_info i = pool_info(w->image);

	/* Nothing that was refused has left a trace. */
	EQ(i.volumes, 4);
	EQ(i.next_volume, 4);
	EQ(i.deleting, 0);
	EQ(i.error, 0);
	detach(w->id);
	close(w->image);
	POOL_SOUND(w->backing);
	close(w->backing);
}

#define OPEN(err, ...)							\
	do {								\
		struct vblk_image_open o = {				\
			.size = sizeof(o), .backing = VBLK_BACKING_FILE,	\
			.fd = w.backing,				\
		};							\
									\
		__VA_ARGS__;						\
		FAILS(ioctl(control(), VBLK_IMAGE_OPEN, &o), err);	\
	} while (0)

static void open_errors(void)
{
	struct world w = build();
	int empty = memfd(4 * MIB), raw = attach_ram(MIB), cut, crc, rd, image, id;
	struct img_make make = { .nr_blocks = 4096, .shift = 12, .data_crc = true };
	struct vblk_attach a;
	struct file_store store;
	struct img_writer *writer;
	struct reading r;
	char path[64];

	OPEN(EINVAL, o.flags = VBLK_ATTACH_NO_PART);
	OPEN(EINVAL, o.flags = 1U << 31);
	OPEN(EINVAL, o.flags = VBLK_ATTACH_DIRECT | VBLK_ATTACH_BUFFERED);
	OPEN(EINVAL, o.pad = 1);
	OPEN(EINVAL, o.id = 1);
	OPEN(EINVAL, o.size = 8);
	OPEN(EOPNOTSUPP, o.backing = 0);
	OPEN(EOPNOTSUPP, o.backing = VBLK_BACKING_RAM);
	OPEN(EOPNOTSUPP, o.backing = 9);
	OPEN(EBADF, o.fd = 999);
	OPEN(EOPNOTSUPP, o.fd = empty; o.backing = VBLK_BACKING_BDEV);
	OPEN(EUCLEAN, o.fd = empty);
	OPEN(EINVAL, o.backing = VBLK_BACKING_IMAGE; o.id = w.id);
	OPEN(ENOENT, o.backing = VBLK_BACKING_IMAGE; o.fd = -1; o.id = 4000);
	OPEN(EINVAL, o.backing = VBLK_BACKING_IMAGE; o.fd = -1; o.id = raw);

	/* for reading only */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", empty);
	rd = OK(open(path, O_RDONLY));
	OPEN(EBADF, o.fd = rd);
	close(rd);

	/* shorter than it says */
	cut = pool_new(8 * MIB, 12);
	OK(ftruncate(cut, 7 * MIB));
	OPEN(EUCLEAN, o.fd = cut);

	/* what the module does not do */
	crc = memfd(16 * MIB);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", crc);
	EQ(store_open(&store, path, O_RDWR), 0);
	writer = img_make(&store.s, &make);
	REQUIRE(writer && !img_commit(writer), "no image with checksums");
	img_writer_free(writer);
	store_close(&store);
	OPEN(EOPNOTSUPP, o.fd = crc);

	/* in use as something else */
	a = attach_args(VBLK_BACKING_FILE, w.backing);
	FAILS(try_attach(&a), EBUSY);
	a = attach_args(VBLK_BACKING_FILE, cut);
	OK(try_attach(&a));
	OPEN(EBUSY, o.fd = cut);
	detach(a.id);

	/* once for reading, then for writing */
	OK(ftruncate(cut, 8 * MIB));
	image = OK(try_pool_open(cut, VBLK_ATTACH_RDONLY));
	OPEN(EBUSY, o.fd = cut);
	close(image);
	close(OK(try_pool_open(cut, 0)));
	POOL_SOUND(cut);

	/* again is the same one */
	image = pool_open(w.backing);
	EQ(pool_info(image).volumes, 4);
	close(image);
	reading_begin(&r, w.backing, 0);
	reading_end(&r);

	/* the same one, but by an fd for reading: it gives no more */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w.backing);
	rd = OK(open(path, O_RDONLY | O_CLOEXEC));
	OPEN(EBADF, o.fd = rd);
	image = OK(try_pool_open(rd, VBLK_ATTACH_RDONLY));
	EQ(pool_info(image).volumes, 4);
	FAILS(try_make(image, VBLK_IMAGE_CREATE, 0, MIB, "new", NULL), EROFS);
	FAILS(try_make(image, VBLK_IMAGE_SNAPSHOT, 0, 0, "new", NULL), EROFS);
	FAILS(try_make(image, VBLK_IMAGE_CLONE, w.snapshot, 0, "new", NULL), EROFS);
	FAILS(try_delete(image, w.other), EROFS);
	FAILS(try_promote(image, w.clone), EROFS);
	FAILS(pool_commit(image, 0), EROFS);
	FAILS(try_volume(image, w.other, 0), EROFS);
	id = OK(try_volume(image, w.other, VBLK_ATTACH_RDONLY));
	detach(id);
	close(image);
	close(rd);
	detach(raw);
	raze(&w);
}

#define MAKE(call, err, ...)						\
	do {								\
		struct vblk_image_make m = { .size = sizeof(m), .name = "new" };	\
									\
		if (VBLK_IMAGE_##call == VBLK_IMAGE_CREATE)		\
			m.length = MIB;					\
		else							\
			m.source = VBLK_IMAGE_##call == VBLK_IMAGE_CLONE ? w.snapshot : 0;	\
		__VA_ARGS__;						\
		FAILS(ioctl(w.image, VBLK_IMAGE_##call, &m), err);	\
	} while (0)

#define MAKE_ALL(call)							\
	do {								\
		MAKE(call, EINVAL, m.flags = 1);			\
		MAKE(call, EINVAL, m.pad = 1);				\
		MAKE(call, EINVAL, m.name[0] = '\0');			\
		MAKE(call, EINVAL, memset(m.name, 'x', sizeof(m.name)));	\
		MAKE(call, EINVAL, m.size = 16);			\
		MAKE(call, EEXIST, strcpy((char *)m.name, "snap"));	\
	} while (0)

static void make_errors(void)
{
	struct world w = build();

	MAKE_ALL(CREATE);
	MAKE(CREATE, EINVAL, m.length = 0);
	MAKE(CREATE, EINVAL, m.length = 1000);
	MAKE(CREATE, EINVAL, m.length = (1ULL << 52) + 512);
	MAKE(CREATE, EINVAL, m.source = 1);
	MAKE_ALL(SNAPSHOT);
	MAKE(SNAPSHOT, EINVAL, m.length = 512);
	MAKE(SNAPSHOT, EINVAL, m.source = w.snapshot);
	MAKE(SNAPSHOT, ENOENT, m.source = 77);
	MAKE(SNAPSHOT, ENOENT, m.source = NONE);
	MAKE_ALL(CLONE);
	MAKE(CLONE, EINVAL, m.length = 512);
	MAKE(CLONE, EINVAL, m.source = 0);
	MAKE(CLONE, ENOENT, m.source = 77);
	raze(&w);
}

#define DROP(call, err, ...)						\
	do {								\
		struct vblk_image_volume v = { .size = sizeof(v), .volume = w.other };	\
									\
		__VA_ARGS__;						\
		FAILS(ioctl(w.image, VBLK_IMAGE_##call, &v), err);	\
	} while (0)

static void drop_errors(void)
{
	struct world w = build();
	uint32_t twin;

	DROP(DELETE, EINVAL, v.flags = 1);
	DROP(DELETE, EINVAL, v.pad = 1);
	DROP(DELETE, EINVAL, v.pad2 = 1);
	DROP(DELETE, ENOENT, v.volume = 77);
	DROP(DELETE, EBUSY, v.volume = 0);
	DROP(PROMOTE, EINVAL, v.flags = 1);
	DROP(PROMOTE, EINVAL, v.pad = 1);
	DROP(PROMOTE, EINVAL, v.pad2 = 1);
	DROP(PROMOTE, ENOENT, v.volume = 77);
	DROP(PROMOTE, ENOENT, v.volume = w.snapshot);
	DROP(PROMOTE, EINVAL, v.volume = w.other);
	DROP(PROMOTE, EBUSY, v.volume = w.clone);
	raze(&w);

	/* it has a sister; then the volume has a newer snapshot */
	w = build();
	detach(w.id);
	twin = pool_clone(w.image, w.snapshot, "twin");
	DROP(PROMOTE, EBUSY, v.volume = w.clone);
	OK(try_delete(w.image, twin));
	twin = pool_snapshot(w.image, 0, "newer");
	DROP(PROMOTE, EBUSY, v.volume = w.clone);
	OK(try_delete(w.image, twin));
	OK(try_promote(w.image, w.clone));
	FAILS(try_promote(w.image, w.clone), ENOENT);
	CHECK(!strcmp((char *)pool_volume(w.image, 0).name, "disk"), "the name");
	OK(pool_commit(w.image, VBLK_COMMIT_DELETES));
	EQ(pool_info(w.image).volumes, 3);
	close(w.image);
	POOL_SOUND(w.backing);
	close(w.backing);
}

/* A snapshot with a clone is out of sight until the clone goes. */
static void hidden(void)
{
	struct world w = build();

	OK(try_delete(w.image, w.snapshot));
	EQ(pool_volume(w.image, w.snapshot).state, VBLK_VOLUME_HIDDEN);
	FAILS(try_volume(w.image, w.snapshot, VBLK_ATTACH_RDONLY), ENOENT);
	FAILS(try_delete(w.image, w.snapshot), ENOENT);
	MAKE(CLONE, ENOENT, m.source = w.snapshot);
	/* the name is free */
	OK(try_delete(w.image, pool_create(w.image, MIB, "snap")));
	OK(try_delete(w.image, w.clone));
	OK(pool_commit(w.image, VBLK_COMMIT_DELETES));
	EQ(pool_info(w.image).volumes, 2);
	detach(w.id);
	close(w.image);
	POOL_SOUND(w.backing);
	close(w.backing);
}

#define ASK(type, call, err, ...)					\
	do {								\
		struct type q = { .size = sizeof(q) };			\
									\
		__VA_ARGS__;						\
		FAILS(ioctl(w.image, call, &q), err);			\
	} while (0)

#define DIFF(err, ...)							\
	ASK(vblk_image_diff, VBLK_IMAGE_DIFF, err, q.base = w.snapshot; q.volume = 0;	\
	    q.count = 1; q.extents = (uintptr_t)&e; __VA_ARGS__)

static void query_errors(void)
{
	struct world w = build();
	struct { struct vblk_image_info i; uint64_t more; } longer = {
		.i.size = sizeof(longer), .more = 0,
	};
	struct vblk_extent e;
	int disk;

	ASK(vblk_image_info, VBLK_IMAGE_INFO, EINVAL, q.flags = 1);
	ASK(vblk_image_info, VBLK_IMAGE_INFO, EINVAL, q.size = 8);
	ASK(vblk_image_info, VBLK_IMAGE_INFO, E2BIG, q.size = 8192);
	OK(ioctl(w.image, VBLK_IMAGE_INFO, &longer));
	longer.i.size = sizeof(longer);
	longer.i.flags = 0;
	longer.more = 1;
	FAILS(ioctl(w.image, VBLK_IMAGE_INFO, &longer), E2BIG);
	FAILS(ioctl(w.image, VBLK_IMAGE_INFO, 16), EFAULT);
	FAILS(ioctl(w.image, VBLK_IMAGE_COMMIT + 1, 16), ENOTTY);
	FAILS(ioctl(w.image, VBLK_GET_INFO, &longer), ENOTTY);
	ASK(vblk_volume, VBLK_IMAGE_VOLUME, EINVAL, q.flags = 2);
	ASK(vblk_volume, VBLK_IMAGE_VOLUME, EINVAL, q.pad = 1);
	ASK(vblk_volume, VBLK_IMAGE_VOLUME, ENOENT, q.volume = 77);
	ASK(vblk_volume, VBLK_IMAGE_VOLUME, ENOENT, q.volume = 4; q.flags = VBLK_VOLUME_NEXT);
	ASK(vblk_image_commit, VBLK_IMAGE_COMMIT, EINVAL, q.flags = 2);
	disk = disk_open(w.id, PLAIN);
	put(disk, 0, 8192, 1);
	DIFF(EINVAL, q.flags = 1);
	DIFF(EINVAL, q.pad = 1);
	DIFF(EINVAL, q.pad2 = 1);
	DIFF(EINVAL, q.count = 0);
	DIFF(EINVAL, q.offset = 32 * MIB + 1);
	DIFF(ENOENT, q.base = 77);
	DIFF(ENOENT, q.volume = 77);
	DIFF(ENOENT, q.volume = NONE);
	DIFF(EFAULT, q.extents = 16);
	close(disk);
	raze(&w);
}

#define ATTACH(err, ...)						\
	do {								\
		struct vblk_attach a = attach_args(VBLK_BACKING_IMAGE, w.image);	\
									\
		a.format = VBLK_FORMAT_IMAGE;				\
		a.volume = w.other;					\
		__VA_ARGS__;						\
		FAILS(try_attach(&a), err);				\
	} while (0)

static void attach_errors(void)
{
	struct world w = build();
	int id, ro;

	ATTACH(EINVAL, a.format = VBLK_FORMAT_RAW);
	ATTACH(EINVAL, a.backing = VBLK_BACKING_FILE);
	ATTACH(EBADF, a.fd = 999);
	ATTACH(EOPNOTSUPP, a.fd = w.backing);
	ATTACH(EINVAL, a.offset = 512);
	ATTACH(EINVAL, a.length = MIB);
	ATTACH(EINVAL, a.flags = VBLK_ATTACH_DIRECT);
	ATTACH(EINVAL, a.flags = VBLK_ATTACH_BUFFERED);
	ATTACH(EINVAL, a.sector_size = 1024);
	ATTACH(ENOENT, a.volume = 77);
	ATTACH(EBUSY, a.volume = 0);
	ATTACH(EROFS, a.volume = w.snapshot);
	id = attach_volume(w.image, w.snapshot, VBLK_ATTACH_RDONLY);
	FAILS(try_volume(w.image, w.snapshot, VBLK_ATTACH_RDONLY), EBUSY);
	FAILS(try_delete(w.image, w.snapshot), EBUSY);
	EQ(query(id).volume, w.snapshot);
	EQ(query(id).format, VBLK_FORMAT_IMAGE);
	EQ(query(id).attach_flags & VBLK_ATTACH_RDONLY, VBLK_ATTACH_RDONLY);
	FAILS(try_resize(id, MIB, 0), EROFS);
	FAILS(try_resize(w.id, 0, 0), EINVAL);
	FAILS(try_resize(w.id, 1000, VBLK_RESIZE_SHRINK), EINVAL);
	FAILS(try_resize(w.id, 1ULL << 53, 0), EINVAL);
	detach(id);
	EQ(pool_volume(w.image, w.snapshot).disk, -1);
	raze(&w);

	/* an image that is only read */
	w = build();
	detach(w.id);
	close(w.image);
	ro = OK(try_pool_open(w.backing, VBLK_ATTACH_RDONLY));
	w.image = ro;
	ATTACH(EROFS, a.volume = 0);
	MAKE(CREATE, EROFS, (void)m);
	MAKE(SNAPSHOT, EROFS, (void)m);
	MAKE(CLONE, EROFS, (void)m);
	DROP(DELETE, EROFS, (void)v);
	DROP(PROMOTE, EROFS, v.volume = w.clone);
	FAILS(pool_commit(ro, 0), EROFS);
	w.id = attach_volume(ro, 0, VBLK_ATTACH_RDONLY);
	raze(&w);
}

static void unprivileged(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct all[2], none[2] = {};
	struct world w = build();

	OK(syscall(SYS_capget, &h, all));
	OK(syscall(SYS_capset, &h, none));
	ASK(vblk_image_info, VBLK_IMAGE_INFO, EPERM, (void)q);
	MAKE(SNAPSHOT, EPERM, (void)m);
	DROP(DELETE, EPERM, (void)v);
	OPEN(EPERM, (void)o);
}

/* Resized, little space left: told by those who are attached; and what was done counts. */
static void events_and_stats(void)
{
	struct world w = build();
	int listener = listen_to(w.id), disk;
	struct vblk_event e;
	struct vblk_stats s;
	uint64_t sum = 0, i;

	OK(try_resize(w.id, 48 * MIB, 0));
	CHECK(next_event(listener, VBLK_EVENT_RESIZED, 1000, &e), "no event");
	EQ(e.arg, 48 * MIB);
	disk = disk_open(w.id, PLAIN);
	EQ(disk_bytes(disk), 48 * MIB);
	put(disk, 40 * MIB, MIB, 1);
	put(disk, 0, 24 * MIB, 2);
	CHECK(!next_event(listener, VBLK_EVENT_LOW_SPACE, 100, &e), "an event too soon");
	put(disk, 24 * MIB, 4 * MIB, 3);
	CHECK(next_event(listener, VBLK_EVENT_LOW_SPACE, 1000, &e), "no event");
	CHECK(e.arg < 2 * MIB, "%llu left", (unsigned long long)e.arg);
	EXPECT(disk, 40 * MIB, MIB, 1);
	OK(fsync(disk));
	s = stats(w.id);
	EQ(s.op[VBLK_OP_WRITE].bytes, 29 * MIB);
	EQ(s.op[VBLK_OP_READ].bytes, MIB);
	EQ(s.op[VBLK_OP_WRITE].errors, 0);
	CHECK(s.op[VBLK_OP_FLUSH].ios >= 1, "no flush");
	CHECK(s.handed > 0, "nothing has needed a worker");
	for (i = 0; i < VBLK_NR_BUCKETS; i++)
		sum += s.op[VBLK_OP_WRITE].latency[i];
	EQ(sum, s.op[VBLK_OP_WRITE].ios);
	close(disk);
	close(listener);
	raze(&w);
}

/* How far a delete is can be seen: less and less is left, and in the end nothing. */
static void delete_progress(void)
{
	uint64_t bytes = 64 * MIB, last = bytes, between = 0;
	int lower, backing, image, id, disk;
	struct vblk_image_info i;
	uint32_t other;

	fresh();
	lower = attach_ram(160 * MIB);
	backing = disk_open(lower, O_RDWR | O_CLOEXEC);
	pool_make(backing, 160 * MIB, 12);
	image = pool_open(backing);
	other = pool_create(image, bytes, "other");
	id = attach_volume(image, other, 0);
	disk = disk_open(id, PLAIN);
	put(disk, 0, bytes, 1);
	close(disk);
	detach(id);
	OK(pool_commit(image, 0));
	EQ(pool_info(image).to_delete, 0);
	/* Each step's commit takes a while; steps have a bound of what they look at. */
	OK(set_fault(lower, VBLK_FAULT_DELAY, 1 << VBLK_OP_WRITE,
		     (struct vblk_fault){ .delay = SECOND / 5 }));
	OK(try_delete(image, other));
	for (i = pool_info(image); i.deleting; i = pool_info(image)) {
		CHECK(i.to_delete <= last, "%llu bytes are left after %llu",
		      (unsigned long long)i.to_delete, (unsigned long long)last);
		last = i.to_delete;
		/* That is enough: the rest without waiting. */
		if (last > 0 && last < bytes && !between++)
			clear_fault(lower);
		sleep_ms(5);
	}
	EQ(i.to_delete, 0);
	CHECK(between > 0, "never seen between all and nothing");
	close(image);
	POOL_SOUND(backing);
	close(backing);
	detach(lower);
}

static const struct test tests[] = {
	{ "open_errors", open_errors },
	{ "make_errors", make_errors },
	{ "drop_errors", drop_errors },
	{ "hidden", hidden },
	{ "query_errors", query_errors },
	{ "attach_errors", attach_errors },
	{ "unprivileged", unprivileged },
	{ "events_and_stats", events_and_stats },
	{ "delete_progress", delete_progress },
};

TEST_SUITE(tests);
