// SPDX-License-Identifier: GPL-2.0
/* Images that are very large, or made to cost much: time and memory have bounds. */
#include <sys/mman.h>

#include "pool.h"

/* A module parameter. Return: what it was. */
static unsigned int map_cache(unsigned int mib)
{
	int fd = OK(open("/sys/module/vblk/parameters/map_cache_mib", O_RDWR | O_CLOEXEC));
	char text[16] = "";

	OK(read(fd, text, sizeof(text) - 1));
	OK(dprintf(fd, "%u", mib));
	close(fd);
	return atoi(text);
}

/* The newest superblock, to be changed; both places get it, as far as epochs allow. */
static struct img_super super_of(int backing)
{
	struct file_store store;
	struct img im;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", backing);
	REQUIRE(!store_open(&store, path, O_RDONLY) && !img_open(&im, &store.s), "no superblock");
	store_close(&store);
	return im.sb;
}

static void write_block(int backing, uint64_t block, const void *raw)
{
	EQ(OK(pwrite(backing, raw, IMG_BLOCK, block * IMG_BLOCK)), IMG_BLOCK);
}

static void write_super(int backing, const struct img_super *s)
{
	uint8_t raw[IMG_BLOCK] = {};

	write_block(backing, img_place(s->epoch) ^ 16, raw);
	img_super_store(raw, s);
	write_block(backing, img_place(s->epoch), raw);
}

/* A block somewhere, and what leads to it. */
static struct img_entry block_at(int backing, uint64_t block, uint64_t birth, const void *raw)
{
	struct img_entry e = { .addr = block, .birth = birth, .sum = img_crc(raw, IMG_BLOCK) };

	write_block(backing, block, raw);
	return e;
}

/* A node with the same entry @n times. */
static struct img_entry node_of(int backing, uint64_t block, const struct img_entry *e,
				unsigned int n)
{
	uint8_t raw[IMG_BLOCK] = {};
	unsigned int i;

	for (i = 0; i < n; i++)
		img_entry_store(raw + i * 16, e);
	return block_at(backing, block, e->birth, raw);
}

/*
 * The image on @backing gets @regions regions, whose bitmap says that all of them are in
 * use; if @some, in the last one every other block is free. The superblock says that half
 * of all is.
 */
static void fill_map(int backing, unsigned int regions, bool some)
{
	uint8_t raw[IMG_BLOCK], node[IMG_BLOCK] = {};
	struct img_super s = super_of(backing);
	struct img_entry full, last, e;
	uint64_t top;
	unsigned int i;

	s.nr_blocks = (uint64_t)regions * IMG_MAP_BITS;
	s.nr_free = s.nr_blocks / 2;
	top = s.nr_blocks - 1;
	memset(raw, 0xff, sizeof(raw));
	full = block_at(backing, top, s.epoch, raw);
	if (some)
		memset(raw, 0x55, sizeof(raw) - 16);
	last = block_at(backing, top - 1, s.epoch, raw);
	e = node_of(backing, top - 2, &full, 256);
	for (i = 0; i < 256; i++)
		img_entry_store(node + i * 16, i == 255 ? &last : &full);
	last = block_at(backing, top - 3, s.epoch, node);
	memset(node, 0, sizeof(node));
	for (i = 0; i < regions / 256; i++)
		img_entry_store(node + i * 16, i == regions / 256 - 1 ? &last : &e);
	e = block_at(backing, top - 4, s.epoch, node);
	s.bitmap = node_of(backing, top - 5, &e, 1);
	s.log_blocks = 0;
	s.log_records = 0;
	s.log = (struct img_entry){};
	write_super(backing, &s);
	OK(fsync(backing));
}

/* An image whose map is that of fill_map(), and a disk on its volume. */
struct mapped {
	int backing;
	int image;
	int id;
	int fd;
};

static struct mapped map_open(int backing, unsigned int regions, bool some)
{
	struct mapped m = { .backing = backing };

	fill_map(backing, regions, some);
	m.image = pool_open(backing);
	m.id = attach_volume(m.image, 0, 0);
	m.fd = disk_open(m.id, PLAIN);
	return m;
}

static void map_close(const struct mapped *m)
{
	close(m->fd);
	detach(m->id);
	close(m->image);
	close(m->backing);
}

/* A pool of 512 GiB without space: who looks for it, loads all of the bitmap. */
static void space_map(void)
{
	unsigned int was = map_cache(1), regions = 4096;
	struct mapped m;
	int backing;
	void *buf = io_buffer(4096);

	fresh();
	backing = pool_new(64 * MIB, 12);
	OK(ftruncate(backing, regions * 128 * MIB));
	m = map_open(backing, regions, false);
	CHECK(pwrite(m.fd, buf, 4096, 0) < 0, "there is space");
	CHECK(pool_info(m.image).cached < 4 * MIB, "%llu bytes in memory",
	      (unsigned long long)pool_info(m.image).cached);
	map_close(&m);
	map_cache(was);
}

/* With space for metadata alone: who looks again for a cluster, does not load it again. */
static void full_map(void)
{
	unsigned int was = map_cache(1), regions = 4096, i;
	int lower, backing, fd;
	struct mapped m;
	void *buf = io_buffer(4096);
	uint64_t reads, commits;

	fresh();
	fd = memfd(regions * 128 * MIB);
	lower = attach_fd(VBLK_BACKING_FILE, fd, 0);
	close(fd);
	backing = disk_open(lower, O_RDWR | O_CLOEXEC);
	pool_make(backing, 64 * MIB, 16);
	m = map_open(backing, regions, true);
	FAILS(pwrite(m.fd, buf, 4096, 0), ENOSPC);
	reads = stats(lower).op[VBLK_OP_READ].ios;
	commits = pool_info(m.image).epoch;
	for (i = 0; i < 8; i++) {
		/* Metadata comes free, in the one region that has any. */
		OK(try_delete(m.image, pool_snapshot(m.image, 0, "s")));
		OK(pool_commit(m.image, VBLK_COMMIT_DELETES));
		FAILS(pwrite(m.fd, buf, 4096, 0), ENOSPC);
	}
	reads = stats(lower).op[VBLK_OP_READ].ios - reads;
	commits = pool_info(m.image).epoch - commits;
	CHECK(commits >= 16, "%llu commits", (unsigned long long)commits);
	CHECK(reads < 1000, "%llu reads of the backing", (unsigned long long)reads);
	EQ(pool_info(m.image).error, 0);
	map_close(&m);
	detach(lower);
	map_cache(was);
}

/* What of the space map is in memory goes when the kernel is short of it. */
static void given_back(void)
{
	unsigned int was = map_cache(64), regions = 256, i;
	int backing, drop;
	struct mapped m;
	void *buf = io_buffer(4096);
	uint64_t before, after;

	fresh();
	backing = pool_new(64 * MIB, 16);
	OK(ftruncate(backing, regions * 128 * MIB));
	m = map_open(backing, regions, true);
	FAILS(pwrite(m.fd, buf, 4096, 0), ENOSPC);
	before = pool_info(m.image).cached;
	CHECK(before > 4 * MIB, "only %llu bytes are there to go", (unsigned long long)before);
	drop = OK(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));
	for (i = 0; i < 4; i++)
		EQ(OK(write(drop, "2", 1)), 1);
	close(drop);
	after = pool_info(m.image).cached;
	CHECK(after < before / 4, "%llu of %llu bytes are still there",
	      (unsigned long long)after, (unsigned long long)before);
	/* and can be loaded again */
	EQ(pool_info(m.image).error, 0);
	pool_snapshot(m.image, 0, "s");
	map_close(&m);
	map_cache(was);
}

/* Writes all over a volume: each makes another node dirty, and none is too many. */
static void dirty_maps(void)
{
	unsigned int was = map_cache(1), i, n = scale(1500, 700);
	uint64_t most = 0, cached;
	int backing, image, id, fd;

	fresh();
	backing = pool_new(256 * MIB, 12);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	OK(try_resize(id, 8 * GIB, 0));
	fd = disk_open(id, PLAIN);
	for (i = 0; i < n; i++) {
		put(fd, i * MIB, 4096, i + 1);
		cached = pool_info(image).cached;
		if (cached > most)
			most = cached;
	}
	CHECK(most < 4 * MIB, "%llu bytes in memory", (unsigned long long)most);
	for (i = 0; i < n; i += 97)
		EXPECT(fd, i * MIB, 4096, i + 1);
	close(fd);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(backing);
	map_cache(was);
}

/* 2^40 clusters, of which two are there: to cut them off is no work. */
static void shrink(void)
{
	int backing, image, id, fd;
	uint32_t volume;

	fresh();
	backing = pool_new(32 * MIB, 12);
	image = pool_open(backing);
	volume = pool_create(image, 1ULL << 52, "huge");
	id = attach_volume(image, volume, 0);
	fd = disk_open(id, PLAIN);
	put(fd, 0, 8192, 1);
	put(fd, 1ULL << 51, 8192, 1);
	put(fd, (1ULL << 52) - 8192, 8192, 1);
	close(fd);
	OK(try_resize(id, 4096 + 512, VBLK_RESIZE_SHRINK));
	OK(try_resize(id, 1ULL << 52, 0));
	fd = disk_open(id, PLAIN);
	EXPECT(fd, 0, 4096 + 512, 1);
	EXPECT(fd, 4096 + 512, 1024, 0);
	EXPECT(fd, 1ULL << 51, 8192, 0);
	EXPECT(fd, (1ULL << 52) - 8192, 8192, 0);
	close(fd);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(backing);
}

/* Very many that are being deleted, all compared with one volume, when an image is opened. */
static void many_deletes(void)
{
	unsigned int n = getenv("LONG") ? 50000 : scale(4000, 2000), i;
	int backing, image, id, fd;
	struct file_store store;
	struct img_writer *w;
	struct img_volume *v;
	char path[32], name[16];
	uint32_t number;

	fresh();
	backing = pool_new(256 * MIB, 12);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", backing);
	EQ(store_open(&store, path, O_RDWR), 0);
	w = img_write_open(&store.s);
	REQUIRE(w, "it cannot be written");
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		REQUIRE(!img_add_volume(w, name, MIB, &number), "no volume");
		/* as a delete leaves it that has not been begun */
		v = &w->vol[number].v;
		v->state = IMG_DELETED;
		v->taken = v->born;
		v->newer = 0;
		memset(v->name, 0, sizeof(v->name));
	}
	REQUIRE(!img_commit(w), "no commit");
	img_writer_free(w);
	store_close(&store);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	put(fd, 0, MIB, 1);
	OK(fsync(fd));
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	EQ(pool_info(image).volumes, 1);
	put(fd, 0, MIB, 2);
	EXPECT(fd, 0, MIB, 2);
	close(fd);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	close(backing);
}

/* An epoch has 48 bits: behind the last one nothing is written, and nothing is lost. */
static void last_epoch(void)
{
	int backing, image, id, fd;
	struct img_super s;

	fresh();
	backing = pool_new(32 * MIB, 12);
	s = super_of(backing);
	s.epoch = IMG_MAX_EPOCH - 2;
	write_super(backing, &s);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	put(fd, 0, MIB, 1);
	OK(fsync(fd));
	EQ(pool_info(image).epoch, IMG_MAX_EPOCH - 1);
	put(fd, MIB, MIB, 2);
	FAILS(fsync(fd), EIO);
	EQ(pool_info(image).error, EOVERFLOW);
	EXPECT(fd, 0, MIB, 1);
	close(fd);
	detach(id);
	close(image);
	POOL_SOUND(backing);
	image = OK(try_pool_open(backing, VBLK_ATTACH_RDONLY));
	id = attach_volume(image, 0, VBLK_ATTACH_RDONLY);
	fd = disk_open(id, O_RDONLY | O_DIRECT);
	EXPECT(fd, 0, MIB, 1);
	close(fd);
	detach(id);
	close(image);
	close(backing);
}

static const struct test tests[] = {
	{ "space_map", space_map },
	{ "full_map", full_map },
	{ "given_back", given_back },
	{ "dirty_maps", dirty_maps },
	{ "shrink", shrink },
	{ "many_deletes", many_deletes },
	{ "last_epoch", last_epoch },
};

TEST_SUITE(tests);
