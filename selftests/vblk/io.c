// SPDX-License-Identifier: GPL-2.0
/* Reading, writing, discarding on every kind of disk. */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/uio.h>

#include "disk.h"

/* A disk of some kind, what lies below it, and an fd of its backing or -1. */
struct bed {
	int id;
	int below;
	int backing;
	int disk;
	bool ext4;
};

#define SIZE (16 * MIB)

static void ram_bed(struct bed *b)
{
	fresh();
	*b = (struct bed){ .id = attach_ram(SIZE), .below = -1, .backing = -1 };
	b->disk = disk_open(b->id, PLAIN);
}

static void bdev_bed(struct bed *b)
{
	int fd;

	fresh();
	*b = (struct bed){ .below = attach_ram(SIZE + MIB), .backing = -1 };
	fd = disk_open(b->below, O_RDWR);
	b->id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
	close(fd);
	OK(try_resize(b->id, SIZE, VBLK_RESIZE_SHRINK));
	b->disk = disk_open(b->id, PLAIN);
}

/* The page cache of tmpfs: no file system that could submit without blocking. */
static void memfd_bed(struct bed *b)
{
	fresh();
	*b = (struct bed){ .below = -1, .backing = memfd(SIZE) };
	b->id = attach_fd(VBLK_BACKING_FILE, b->backing, VBLK_ATTACH_BUFFERED);
	b->disk = disk_open(b->id, PLAIN);
}

static void ext4_bed(struct bed *b, uint32_t flags)
{
	fresh();
	*b = (struct bed){ .below = attach_ram(64 * MIB), .ext4 = true };
	ext4_on(b->below, "/mnt-vblk");
	b->backing = file_on("/mnt-vblk", "disk", SIZE);
	b->id = attach_fd(VBLK_BACKING_FILE, b->backing, flags);
	EQ(query(b->id).attach_flags, flags ?: VBLK_ATTACH_DIRECT);
	b->disk = disk_open(b->id, PLAIN);
}

static void end(struct bed *b)
{
	close(b->disk);
	detach(b->id);
	if (b->backing >= 0)
		close(b->backing);
	if (b->ext4)
		leave_dir("/mnt-vblk");
	if (b->below >= 0)
		detach(b->below);
}

static void discard(int fd, uint64_t pos, uint64_t bytes)
{
	uint64_t range[2] = { pos, bytes };

	OK(ioctl(fd, BLKDISCARD, range));
}

static void zero_out(int fd, uint64_t pos, uint64_t bytes)
{
	uint64_t range[2] = { pos, bytes };

	OK(ioctl(fd, BLKZEROOUT, range));
}

/* A block device has nothing below that could tell how much it holds. */
static uint64_t allocated(struct bed *b)
{
	return query(b->below >= 0 && !b->ext4 ? b->below : b->id).allocated;
}

static void content(struct bed *b)
{
	uint64_t pos;

	EQ(disk_bytes(b->disk), SIZE);
	EXPECT(b->disk, 0, MIB, 0);
	put(b->disk, 0, MIB, 1);
	put(b->disk, SIZE - MIB, MIB, 1);
	EXPECT(b->disk, 0, MIB, 1);
	EXPECT(b->disk, MIB, MIB, 0);
	EXPECT(b->disk, SIZE - MIB, MIB, 1);
	/* single sectors across page borders */
	for (pos = 512; pos < 64 * KIB; pos += 1536)
		put(b->disk, pos, 512, 2);
	for (pos = 0; pos < 64 * KIB; pos += 512)
		EXPECT(b->disk, pos, 512, pos % 1536 == 512 ? 2 : 1);
	put(b->disk, 3 * 512, 24 * KIB, 3);
	EXPECT(b->disk, 3 * 512, 24 * KIB, 3);
	EXPECT(b->disk, 0, 512, 1);
	/* beyond the end */
	FAILS(pwrite(b->disk, io_buffer(4096), 4096, SIZE), ENOSPC);
	OK(fsync(b->disk));
	OK(fdatasync(b->disk));
}

/* Many pieces in one request, and the page cache's way of writing. */
static void many_bios(struct bed *b)
{
	struct iovec v[64];
	uint8_t *buf = io_buffer(2 * sizeof(v) / sizeof(v[0]) * 4096);
	size_t i, n = ARRAY_SIZE(v);
	int fd;

	for (i = 0; i < n; i++) {
		v[i] = (struct iovec){ buf + 2 * i * 4096, 4096 };
		fill(v[i].iov_base, 4096, 4096 + i * 4096, 4);
	}
	EQ(OK(pwritev(b->disk, v, n, 4096)), n * 4096);
	EXPECT(b->disk, 4096, n * 4096, 4);
	memset(buf, 0, 2 * n * 4096);
	EQ(OK(preadv(b->disk, v, n, 4096)), n * 4096);
	for (i = 0; i < n; i++)
		CHECK(same(v[i].iov_base, 4096, 4096 + i * 4096, 4), "piece %zu", i);

	fd = disk_open(b->id, O_RDWR);
	put(fd, 4 * MIB + 512, 4 * MIB, 5);
	OK(fsync(fd));
	EXPECT(b->disk, 4 * MIB + 512, 4 * MIB, 5);
	OK(ioctl(fd, BLKFLSBUF, 0));
	EXPECT(fd, 4 * MIB + 512, 4 * MIB, 5);
	close(fd);
	/* FUA, or what the kernel makes of it */
	fd = disk_open(b->id, PLAIN | O_DSYNC);
	put(fd, 12 * MIB, 64 * KIB, 6);
	EXPECT(b->disk, 12 * MIB, 64 * KIB, 6);
	close(fd);
}

static void holes(struct bed *b)
{
	uint64_t full;

	put(b->disk, 0, 8 * MIB, 1);
	OK(fsync(b->disk));
	full = allocated(b);
	CHECK(full >= 8 * MIB, "%llu bytes of 8 MiB are there", (unsigned long long)full);
	discard(b->disk, 2 * MIB, 4 * MIB);
	EXPECT(b->disk, 2 * MIB, 4 * MIB, 0);
	EXPECT(b->disk, MIB, MIB, 1);
	EXPECT(b->disk, 6 * MIB, 2 * MIB, 1);
	CHECK(allocated(b) <= full - 4 * MIB + 64 * KIB, "discard gives %llu of %llu bytes back",
	      (unsigned long long)(full - allocated(b)), 4 * MIB);
	/* edges that are no page's */
	zero_out(b->disk, 512, 1024);
	zero_out(b->disk, MIB - 512, 1024);
	zero_out(b->disk, 64 * KIB - 1536, 32 * KIB);
	EXPECT(b->disk, 0, 512, 1);
	EXPECT(b->disk, 512, 1024, 0);
	EXPECT(b->disk, 1536, 8192, 1);
	EXPECT(b->disk, MIB - 1024, 512, 1);
	EXPECT(b->disk, MIB - 512, 1024, 0);
	EXPECT(b->disk, MIB + 512, 512, 1);
	EXPECT(b->disk, 64 * KIB - 2048, 512, 1);
	EXPECT(b->disk, 64 * KIB - 1536, 32 * KIB, 0);
	EXPECT(b->disk, 96 * KIB - 1536, 512, 1);
	put(b->disk, 3 * MIB, MIB, 7);
	EXPECT(b->disk, 3 * MIB, MIB, 7);
}

static void random_writes(struct bed *b)
{
	uint8_t *model = io_buffer(SIZE), *buf = io_buffer(SIZE);
	unsigned long n = scale(800, 100), i;
	uint64_t pos, len;

	EQ(OK(pread(b->disk, model, SIZE, 0)), SIZE);
	srandom(1);
	for (i = 0; i < n; i++) {
		pos = random() % (SIZE / 512) * 512;
		len = (1 + random() % (random() % 8 ? 16 : 1024)) * 512;
		if (pos + len > SIZE)
			len = SIZE - pos;
		if (random() % 8 == 0) {
			zero_out(b->disk, pos, len);
			memset(model + pos, 0, len);
		} else {
			/* at an address that is a sector's, not a page's */
			uint8_t *p = buf + random() % 8 * 512;

			if (len > SIZE - 4096)
				len = SIZE - 4096;
			fill(p, len, pos, i);
			memcpy(model + pos, p, len);
			EQ(OK(pwrite(b->disk, p, len, pos)), len);
		}
	}
	EQ(OK(pread(b->disk, buf, SIZE, 0)), SIZE);
	for (i = 0; i < SIZE; i += 512)
		CHECK(!memcmp(model + i, buf + i, 512), "sector %lu", i / 512);
	OK(fsync(b->disk));
}

static void all(struct bed *b)
{
	content(b);
	many_bios(b);
	discard(b->disk, 0, SIZE);
	EXPECT(b->disk, 0, SIZE, 0);
	holes(b);
	random_writes(b);
	end(b);
}

static void ram(void)
{
	struct bed b;

	ram_bed(&b);
	all(&b);
}

static void bdev(void)
{
	struct bed b;

	bdev_bed(&b);
	all(&b);
}

static void tmpfs(void)
{
	struct bed b;

	memfd_bed(&b);
	all(&b);
}

static void ext4_direct(void)
{
	struct bed b;

	ext4_bed(&b, 0);
	all(&b);
}

static void ext4_buffered(void)
{
	struct bed b;

	ext4_bed(&b, VBLK_ATTACH_BUFFERED);
	all(&b);
}

/* What is written arrives in the backing, at the offset. */
static void window(void)
{
	struct vblk_attach a;
	int fd = memfd(8 * MIB + 100), disk;

	fresh();
	a = attach_args(VBLK_BACKING_FILE, fd);
	a.offset = MIB;
	OK(try_attach(&a));
	EQ(a.length, 7 * MIB);
	disk = disk_open(a.id, PLAIN);
	put(disk, 0, 4096, 1);
	OK(fsync(disk));
	close(disk);
	detach(a.id);
	uint8_t *buf = io_buffer(4096);

	EQ(OK(pread(fd, buf, 4096, MIB)), 4096);
	CHECK(same(buf, 4096, 0, 1), "not in the file at the offset");
	EQ(OK(pread(fd, buf, 4096, MIB - 4096)), 4096);
	CHECK(zeroes(buf, 4096), "before the offset");

	a = attach_args(VBLK_BACKING_FILE, fd);
	a.offset = MIB;
	a.length = 64 * KIB;
	a.sector_size = 4096;
	OK(try_attach(&a));
	EQ(a.length, 64 * KIB);
	disk = disk_open(a.id, PLAIN);
	EXPECT(disk, 0, 4096, 1);
	FAILS(pread(disk, buf, 512, 0), EINVAL);
	close(disk);
	fresh();
}

static void sector_4096(void)
{
	struct vblk_attach a = attach_args(VBLK_BACKING_RAM, -1);
	int disk, upper, size = 0;
	struct vblk_attach b;

	fresh();
	a.length = SIZE;
	a.sector_size = 4096;
	OK(try_attach(&a));
	disk = disk_open(a.id, PLAIN);
	OK(ioctl(disk, BLKSSZGET, &size));
	EQ(size, 4096);
	FAILS(pwrite(disk, io_buffer(4096), 512, 0), EINVAL);
	put(disk, 4096, 4096, 1);
	/* A disk on it cannot have smaller sectors. */
	b = attach_args(VBLK_BACKING_BDEV, disk);
	b.sector_size = 512;
	FAILS(try_attach(&b), EINVAL);
	b.sector_size = 0;
	b.offset = 512;
	FAILS(try_attach(&b), EINVAL);
	b.offset = 4096;
	OK(try_attach(&b));
	EQ(b.sector_size, 4096);
	close(disk);
	upper = disk_open(b.id, PLAIN);
	uint8_t *buf = io_buffer(4096);

	EQ(OK(pread(upper, buf, 4096, 0)), 4096);
	CHECK(same(buf, 4096, 4096, 1), "the offset");
	close(upper);
	fresh();
}

static void read_only(void)
{
	uint32_t kinds[] = { VBLK_BACKING_FILE, VBLK_BACKING_BDEV };
	uint64_t range[2] = { 0, MIB };
	int below, fd, id, disk, ro = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		fresh();
		below = attach_ram(MIB);
		fd = i ? disk_open(below, O_RDWR) : memfd(MIB);
		put(fd, 0, MIB, 1);
		fsync(fd);
		id = attach_fd(kinds[i], fd, VBLK_ATTACH_RDONLY);
		disk = disk_open(id, PLAIN);
		EXPECT(disk, 0, MIB, 1);
		FAILS(pwrite(disk, range, sizeof(range), 0), EPERM);
		FAILS(ioctl(disk, BLKROSET, &ro), EROFS);
		CHECK(ioctl(disk, BLKDISCARD, range) < 0, "discarded");
		CHECK(ioctl(disk, BLKZEROOUT, range) < 0, "zeroed");
		close(disk);
		EXPECT(fd, 0, MIB, 1);
		close(fd);
	}
	fresh();
}

/* The same file or device is never below two disks if one of them writes. */
static void used_once(void)
{
	int fd = memfd(MIB), other, below, id, ro;
	struct vblk_attach a;
	char path[64];

	fresh();
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	a = attach_args(VBLK_BACKING_FILE, fd);
	FAILS(try_attach(&a), EBUSY);
	a.flags = VBLK_ATTACH_RDONLY;
	FAILS(try_attach(&a), EBUSY);
	a.offset = 64 * KIB;
	FAILS(try_attach(&a), EBUSY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = OK(open(path, O_RDWR));
	a = attach_args(VBLK_BACKING_FILE, other);
	FAILS(try_attach(&a), EBUSY);
	detach(id);
	id = attach_fd(VBLK_BACKING_FILE, fd, VBLK_ATTACH_RDONLY);
	ro = attach_fd(VBLK_BACKING_FILE, other, VBLK_ATTACH_RDONLY);
	FAILS(try_attach(&a), EBUSY);
	detach(id);
	FAILS(try_attach(&a), EBUSY);
	detach(ro);
	OK(try_attach(&a));
	detach(a.id);
	close(other);

	below = attach_ram(MIB);
	fd = disk_open(below, O_RDWR);
	id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
	a = attach_args(VBLK_BACKING_BDEV, fd);
	FAILS(try_attach(&a), EBUSY);
	a.flags = VBLK_ATTACH_RDONLY;
	FAILS(try_attach(&a), EBUSY);
	node(below, path);
	FAILS(open(path, O_RDWR | O_EXCL), EBUSY);
	detach(id);
	OK(try_attach(&a));
	id = attach_fd(VBLK_BACKING_BDEV, fd, VBLK_ATTACH_RDONLY);
	a.flags = 0;
	FAILS(try_attach(&a), EBUSY);
	close(fd);
	fresh();
}

/* A lock that came with the fd lasts as long as the disk, not the fd. */
static void locked(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	char path[64];
	int below, fd, id, other;

	fresh();
	below = attach_ram(32 * MIB);
	ext4_on(below, "/mnt-vblk");
	fd = file_on("/mnt-vblk", "disk", MIB);
	OK(fcntl(fd, F_OFD_SETLK, &lock));
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = OK(open(path, O_RDWR));
	close(fd);
	FAILS(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
	detach(id);
	OK(fcntl(other, F_OFD_SETLK, &lock));
	close(other);
	leave_dir("/mnt-vblk");
	detach(below);
}

static void stacked(void)
{
	struct vblk_info i = { .size = sizeof(i) };
	struct vblk_attach a;
	int id, fd, disk;
	unsigned int n;

	fresh();
	OK(ioctl(control(), VBLK_GET_INFO, &i));
	id = attach_ram(MIB);
	EQ(query(id).depth, 1);
	for (n = 2; n <= i.max_depth; n++) {
		fd = disk_open(id, O_RDWR);
		id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
		EQ(query(id).depth, n);
		close(fd);
	}
	disk = disk_open(id, PLAIN);
	put(disk, 0, MIB, 1);
	EXPECT(disk, 0, MIB, 1);
	a = attach_args(VBLK_BACKING_BDEV, disk);
	FAILS(try_attach(&a), ELOOP);
	close(disk);
	/* from the top */
	while (id)
		detach(id--);
	fresh();

	/* through a file system */
	id = attach_ram(32 * MIB);
	ext4_on(id, "/mnt-vblk");
	fd = file_on("/mnt-vblk", "disk", MIB);
	EQ(query(attach_fd(VBLK_BACKING_FILE, fd, 0)).depth, 2);
	close(fd);
	detach(id + 1);
	leave_dir("/mnt-vblk");
	detach(id);
}

/*
 * The blocks that tell where a file's blocks are must be read before a request
 * goes on, and whoever waits for them must not keep them back himself: a file in
 * thousands of pieces, nothing cached, requests one by one and many at a time.
 */
static void fragmented(void)
{
	uint64_t size = scale(16, 4) * MIB, pos;
	int below, a, b, id, disk, drop;

	fresh();
	below = attach_ram(96 * MIB);
	ext4_on(below, "/mnt-vblk");
	a = file_on("/mnt-vblk", "a", 0);
	b = file_on("/mnt-vblk", "b", 0);
	for (pos = 0; pos < size; pos += 4096) {
		if (pos % (8 * 4096) == 0) {
			OK(fsync(a));
			OK(fsync(b));
		}
		put(a, pos, 4096, 1);
		put(b, pos, 4096, 2);
		OK(sync_file_range(a, pos, 4096, SYNC_FILE_RANGE_WAIT_BEFORE |
				   SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
	}
	OK(fsync(a));
	OK(fsync(b));
	close(a);
	close(b);
	leave_dir("/mnt-vblk");
	char path[32];

	node(below, path);
	mkdir("/mnt-vblk", 0700);
	OK(mount(path, "/mnt-vblk", "ext4", 0, NULL));
	a = OK(open("/mnt-vblk/a", O_RDWR));
	id = attach_fd(VBLK_BACKING_FILE, a, VBLK_ATTACH_DIRECT);
	drop = OK(open("/proc/sys/vm/drop_caches", O_WRONLY));
	EQ(OK(write(drop, "3", 1)), 1);
	disk = disk_open(id, PLAIN);
	for (pos = 0; pos < size; pos += size / 16)
		EXPECT(disk, pos, 4096, 1);
	EQ(OK(write(drop, "3", 1)), 1);
	put(disk, size / 4 + 4096, 4096, 3);
	EXPECT(disk, size / 4 + 4096, 4096, 3);
	close(disk);
	EQ(OK(write(drop, "3", 1)), 1);
	/* through the page cache: many bios under one plug */
	disk = disk_open(id, O_RDWR);
	EXPECT(disk, 0, size / 4, 1);
	put(disk, size / 2, size / 2, 4);
	OK(fsync(disk));
	OK(ioctl(disk, BLKFLSBUF, 0));
	EXPECT(disk, size / 2, size / 2, 4);
	close(disk);
	close(drop);
	detach(id);
	close(a);
	leave_dir("/mnt-vblk");
	detach(below);
}

/* The backing becomes shorter: what is gone fails, the rest works on. */
static void truncated(void)
{
	struct vblk_event e;
	int fd, id, disk, ev, below;
	uint8_t *buf = io_buffer(4096);

	fresh();
	below = attach_ram(64 * MIB);
	ext4_on(below, "/mnt-vblk");
	fd = file_on("/mnt-vblk", "disk", SIZE);
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	ev = listen_to(id);
	disk = disk_open(id, PLAIN);
	put(disk, 0, MIB, 1);
	put(disk, 8 * MIB, MIB, 1);
	OK(ftruncate(fd, 4 * MIB));
	FAILS(pread(disk, buf, 4096, 8 * MIB), EIO);
	FAILS(pwrite(disk, buf, 4096, 8 * MIB), EIO);
	CHECK(next_event(ev, VBLK_EVENT_LOST, 2000, &e), "no event");
	EQ(e.arg, 4 * MIB);
	uint64_t range[2] = { 8 * MIB, MIB };

	FAILS(ioctl(disk, BLKDISCARD, range), EIO);
	EXPECT(disk, 0, MIB, 1);
	put(disk, MIB, MIB, 2);
	EXPECT(disk, MIB, MIB, 2);
	/* the file did not grow by itself */
	EQ(query(id).backing_length, 4 * MIB);
	EQ(query(id).length, SIZE);
	close(disk);
	detach(id);
	/* attached again it has the size that is there */
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	EQ(query(id).length, 4 * MIB);
	disk = disk_open(id, PLAIN);
	EXPECT(disk, MIB, MIB, 2);
	close(disk);
	close(ev);
	close(fd);
	detach(id);
	leave_dir("/mnt-vblk");
	detach(below);
}

/* The device below is gone by force: errors, and both can be detached. */
static void backing_gone(void)
{
	int below, fd, id, disk;
	uint8_t *buf = io_buffer(4096);

	fresh();
	below = attach_ram(MIB);
	fd = disk_open(below, O_RDWR);
	id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
	close(fd);
	disk = disk_open(id, PLAIN);
	put(disk, 0, 4096, 1);
	FAILS(try_detach(below, 0), EBUSY);
	OK(try_detach(below, VBLK_DETACH_FORCE));
	FAILS(pread(disk, buf, 4096, 0), EIO);
	FAILS(pwrite(disk, buf, 4096, 0), EIO);
	CHECK(stats(id).op[VBLK_OP_READ].errors >= 1, "not counted");
	close(disk);
	detach(id);
}

/* A full file system below: ENOSPC to the writer, an event, reads go on. */
static void backing_full(void)
{
	struct vblk_event e;
	int below, fd, id, disk, ev;
	uint8_t *buf = io_buffer(MIB);
	uint64_t pos;

	fresh();
	below = attach_ram(24 * MIB);
	ext4_on(below, "/mnt-vblk");
	fd = file_on("/mnt-vblk", "disk", 64 * MIB);
	id = attach_fd(VBLK_BACKING_FILE, fd, 0);
	ev = listen_to(id);
	disk = disk_open(id, PLAIN);
	for (pos = 0; pos < 64 * MIB; pos += MIB) {
		fill(buf, MIB, pos, 1);
		if (pwrite(disk, buf, MIB, pos) != (ssize_t)MIB)
			break;
	}
	CHECK(pos < 32 * MIB, "a full file system took %llu bytes", (unsigned long long)pos);
	FAILS(pwrite(disk, buf, MIB, pos), ENOSPC);
	CHECK(next_event(ev, VBLK_EVENT_NO_SPACE, 2000, &e), "no event");
	EXPECT(disk, 0, MIB, 1);
	put(disk, 0, MIB, 2);		/* in place */
	discard(disk, MIB, 2 * MIB);
	put(disk, pos, MIB, 2);
	EXPECT(disk, pos, MIB, 2);
	EXPECT(disk, 0, MIB, 2);
	close(disk);
	close(ev);
	close(fd);
	detach(id);
	leave_dir("/mnt-vblk");
	detach(below);
}

static const struct test tests[] = {
	{ "ram", ram },
	{ "bdev", bdev },
	{ "tmpfs", tmpfs },
	{ "ext4_direct", ext4_direct },
	{ "ext4_buffered", ext4_buffered },
	{ "window", window },
	{ "sector_4096", sector_4096 },
	{ "read_only", read_only },
	{ "used_once", used_once },
	{ "locked", locked },
	{ "stacked", stacked },
	{ "fragmented", fragmented },
	{ "truncated", truncated },
	{ "backing_gone", backing_gone },
	{ "backing_full", backing_full },
};

TEST_SUITE(tests);
