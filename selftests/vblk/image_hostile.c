// SPDX-License-Identifier: GPL-2.0
/*
 * Images that somebody has made to do harm: a word of some block is changed, anywhere
 * below the superblock, and all checksums above it are right again. Whatever the module
 * makes of one, it says so with an error, ends in time, and the next image is fine.
 *
 * VBLK_SEED in the environment chooses others, VBLK_STEPS how many.
 */
#include <sys/mman.h>

#include "pool.h"

#define BYTES	(16 * MIB)

struct image {
	int fd;
	uint8_t *mem;
	uint64_t *seed;
};

/* A number that is likely to hurt: near a limit, near what was there, or any. */
static uint64_t bad(uint64_t *seed, uint64_t was)
{
	switch (below(seed, 8)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return was + 1;
	case 3:
		return was - 1;
	case 4:
		return was ^ 1ULL << below(seed, 64);
	case 5:
		return BYTES / IMG_BLOCK - 1;
	case 6:
		return 1ULL << below(seed, 64);
	default:
		return rnd(seed);
	}
}

/* A field of 1, 2, 4 or 8 bytes; mostly where there is something. */
static void spoil(struct image *im, uint8_t *raw, size_t bytes)
{
	unsigned int n = 1U << below(im->seed, 4), tries;
	size_t at = 0;

	for (tries = 0; tries < 20; tries++) {
		at = below(im->seed, bytes / n) * n;
		if (!img_zeroes(raw + at, n))
			break;
	}
	img_put(raw + at, n, bad(im->seed, img_get(raw + at, n)));
}

/* What is below an entry, down to somewhere, is spoilt; the entry fits again. */
static void below_entry(struct image *im, struct img_entry *e, unsigned int level, bool table)
{
	uint8_t *raw = im->mem + e->addr * IMG_BLOCK, *p;
	struct img_entry child;
	unsigned int i, tries;

	if (!e->addr || (e->addr + 1) * IMG_BLOCK > BYTES)
		return;
	for (tries = 0; below(im->seed, 4) && tries < 50; tries++) {
		if (level > 1 || (level && table)) {
			p = raw + below(im->seed, IMG_FAN) * 16;
		} else if (table) {
			i = below(im->seed, IMG_PER_LEAF);
			p = raw + i * IMG_RECORD + 16;
			if (!p[16])
				continue;
		} else {
			break;
		}
		child = img_entry_load(p);
		if (!child.addr)
			continue;
		/* of a record: its own tree, as deep as it says */
		below_entry(im, &child, table && !level ? p[16] : level - 1, table && level);
		img_entry_store(p, &child);
		e->sum = img_crc(raw, IMG_BLOCK);
		return;
	}
	spoil(im, raw, IMG_BLOCK);
	e->sum = img_crc(raw, IMG_BLOCK);
}

static void spoil_image(struct image *im)
{
	struct img_super s;
	unsigned int i;
	uint8_t *raw;

	for (i = 0; i < 2; i++) {
		raw = im->mem + i * 16 * IMG_BLOCK;
		if (img_super_load(&s, raw, i * 16))
			continue;
		switch (below(im->seed, 8)) {
		case 0:
			spoil(im, raw, 160);
			img_put(raw + 4092, 4, img_crc(raw, 4092));
			continue;
		case 1:
			below_entry(im, &s.log, 0, false);
			break;
		case 2:
		case 3:
			below_entry(im, &s.bitmap, IMG_MAP_DEPTH, false);
			break;
		default:
			below_entry(im, &s.volumes, IMG_TABLE_DEPTH, true);
		}
		img_super_store(raw, &s);
	}
}

/* One with all that there can be, deletes that have not been begun among it. */
static void original(int fd)
{
	uint32_t number, snapshot, clone;
	struct file_store store;
	struct img_writer *w;
	char path[32], name[16];
	uint8_t buf[65536];
	unsigned int i;

	pool_make(fd, BYTES, 12);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EQ(store_open(&store, path, O_RDWR), 0);
	w = img_write_open(&store.s);
	REQUIRE(w, "it cannot be written");
	memset(buf, 0x77, sizeof(buf));
	for (i = 0; i < 4; i++) {
		EQ(img_write(w, 0, buf, sizeof(buf), i * MIB * 3), 0);
		snprintf(name, sizeof(name), "s%u", i);
		EQ(img_snapshot(w, 0, name, &snapshot), 0);
		snprintf(name, sizeof(name), "c%u", i);
		EQ(img_clone(w, snapshot, name, &clone), 0);
		EQ(img_write(w, clone, buf, sizeof(buf), MIB), 0);
	}
	EQ(img_add_volume(w, "gone", BYTES, &number), 0);
	EQ(img_write(w, number, buf, sizeof(buf), 0), 0);
	EQ(img_commit(w), 0);
	w->vol[number].v.state = IMG_DELETED;
	memset(w->vol[number].v.name, 0, sizeof(w->vol[number].v.name));
	w->vol[number].v.taken = w->vol[number].v.born;
	w->vol[number].dirty = true;
	EQ(img_commit(w), 0);
	img_writer_free(w);
	store_close(&store);
}

/* Whatever can be done; all of it may fail. */
static void use(int image, uint64_t *seed, void *buf)
{
	struct vblk_volume v = { .size = sizeof(v), .flags = VBLK_VOLUME_NEXT };
	struct vblk_extent e[16];
	struct vblk_image_diff d = {
		.size = sizeof(d), .base = NONE, .extents = (uintptr_t)e, .count = 16,
	};
	unsigned int n, i;
	uint32_t s;
	int id, fd;

	for (n = 0; n < 12 && !ioctl(image, VBLK_IMAGE_VOLUME, &v); n++) {
		id = try_volume(image, v.volume, VBLK_ATTACH_NO_PART |
				(v.state == VBLK_VOLUME_LIVE ? 0 : VBLK_ATTACH_RDONLY));
		fd = id < 0 ? -1 : disk_open(id, (v.state == VBLK_VOLUME_LIVE ? O_RDWR : O_RDONLY) |
					     O_DIRECT | O_CLOEXEC);
		for (i = 0; fd >= 0 && i < 4; i++) {
			if (pread(fd, buf, 65536, i * MIB) < 0)
				continue;
			if (v.state == VBLK_VOLUME_LIVE &&
			    pwrite(fd, buf, 8192, i * MIB + 4096 * below(seed, 20)) < 0)
				continue;
		}
		if (fd >= 0 && below(seed, 2))
			fsync(fd);
		d.volume = v.volume;
		d.offset = 0;
		d.count = 16;
		ioctl(image, VBLK_IMAGE_DIFF, &d);
		if (!try_make(image, VBLK_IMAGE_SNAPSHOT, v.volume, 0, "new", &s))
			try_delete(image, s);
		close(fd);
		if (id >= 0)
			detach(id);
		if (!below(seed, 3))
			try_promote(image, v.volume);
		if (!below(seed, 3))
			try_delete(image, v.volume);
		v.volume++;
		v.flags = VBLK_VOLUME_NEXT;
	}
	pool_commit(image, 0);
}

static int quiet_open(int fd)
{
	struct vblk_image_open o = {
		.size = sizeof(o), .backing = VBLK_BACKING_FILE, .fd = fd,
	};

	return ioctl(control(), VBLK_IMAGE_OPEN, &o) ? -1 : o.image;
}

static void spoilt(void)
{
	const char *text = getenv("VBLK_STEPS");
	unsigned long rounds = getenv("LONG") ? 5000 : scale(30, 8), i, opened = 0, failed = 0;
	struct image im = { .fd = memfd(BYTES) };
	void *buf = io_buffer(65536);
	uint64_t seed, first = 1;
	uint8_t *copy;
	int image;

	fresh();
	if (text)
		rounds = strtoul(text, NULL, 0);
	text = getenv("VBLK_SEED");
	if (text)
		first = strtoull(text, NULL, 0);
	original(im.fd);
	POOL_SOUND(im.fd);
	im.mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, im.fd, 0);
	copy = malloc(BYTES);
	REQUIRE(im.mem != MAP_FAILED && copy, "no memory");
	memcpy(copy, im.mem, BYTES);
	im.seed = &seed;
	for (i = 0; i < rounds; i++) {
		memcpy(im.mem, copy, BYTES);
		seed = first + i;
		spoil_image(&im);
		if (getenv("VBLK_TRACE"))
			diag("seed %llu", (unsigned long long)(first + i));
		image = quiet_open(im.fd);
		if (image < 0)
			continue;
		opened++;
		use(image, &seed, buf);
		failed += pool_info(image).error != 0;
		close(image);
	}
	diag("seeds from %llu: %lu images, %lu of them opened, %lu of those became read-only",
	     (unsigned long long)first, rounds, opened, failed);
	CHECK(opened > rounds / 20 && opened < rounds, "%lu of %lu images opened", opened, rounds);
	/* After all that one that is as it should be. */
	memcpy(im.mem, copy, BYTES);
	image = pool_open(im.fd);
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	EQ(pool_info(image).error, 0);
	close(image);
	POOL_SOUND(im.fd);
	munmap(im.mem, BYTES);
	munmap(buf, 65536);
	free(copy);
	close(im.fd);
}

static const struct test tests[] = {
	{ "spoilt", spoilt },
};

TEST_SUITE(tests);
