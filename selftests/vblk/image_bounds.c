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
 * A pool of 512 GiB whose bitmap says that all is in use, though the superblock says that
 * there is space: who looks for it, loads all of the bitmap.
 */
static void space_map(void)
{
	unsigned int was = map_cache(1), regions = 4096;
	uint8_t raw[IMG_BLOCK];
	int backing, image, id, fd;
	struct img_super s;
	struct img_entry e;
	void *buf = io_buffer(4096);

	fresh();
	backing = pool_new(64 * MIB, 12);
	OK(ftruncate(backing, regions * 128 * MIB));
	s = super_of(backing);
	s.nr_blocks = (uint64_t)regions * IMG_MAP_BITS;
	s.nr_free = s.nr_blocks / 2;
	memset(raw, 0xff, sizeof(raw));
	e = block_at(backing, s.nr_blocks - 1, s.epoch, raw);
	e = node_of(backing, s.nr_blocks - 2, &e, 256);
	e = node_of(backing, s.nr_blocks - 3, &e, regions / 256);
	s.bitmap = node_of(backing, s.nr_blocks - 4, &e, 1);
	s.log_blocks = 0;
	s.log_records = 0;
	s.log = (struct img_entry){};
	write_super(backing, &s);
	image = pool_open(backing);
	id = attach_volume(image, 0, 0);
	fd = disk_open(id, PLAIN);
	CHECK(pwrite(fd, buf, 4096, 0) < 0, "there is space");
	CHECK(pool_info(image).cached < 4 * MIB, "%llu bytes in memory",
	      (unsigned long long)pool_info(image).cached);
	close(fd);
	detach(id);
	close(image);
	close(backing);
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
	{ "dirty_maps", dirty_maps },
	{ "shrink", shrink },
	{ "many_deletes", many_deletes },
	{ "last_epoch", last_epoch },
};

TEST_SUITE(tests);
