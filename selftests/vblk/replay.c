// SPDX-License-Identifier: GPL-2.0
/* Images as a power cut leaves them, put together from the log of writes, and judged. */
#include "crash.h"

void crash_sector(void *buf, uint32_t n, uint32_t tag)
{
	uint64_t *p = buf, x = (uint64_t)n << 32 | tag;
	unsigned int i;

	for (i = 0; i < SECTOR / 8; i++)
		p[i] = tag ? x + i * 0x9e3779b97f4a7c15ULL : 0;
}

/* From what a sector has to the write it is from. Return: false if it is from none. */
static bool tag_of(const void *buf, uint32_t n, uint32_t *tag)
{
	uint64_t want[SECTOR / 8];

	*tag = *(const uint64_t *)buf;
	crash_sector(want, n, *tag);
	return !memcmp(want, buf, SECTOR);
}

struct memory {
	struct store store;
	uint8_t *mem;
};

static int mem_read(struct store *s, void *buf, size_t n, uint64_t pos)
{
	struct memory *m = (struct memory *)s;

	if (pos + n > s->bytes)
		return -EIO;
	memcpy(buf, m->mem + pos, n);
	return 0;
}

static const struct vol *in(const struct state *s, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		if (s->vol[i].number == number)
			return &s->vol[i];
	return NULL;
}

static bool changed(const struct run *r, unsigned int mark, uint32_t number, uint32_t n,
		    uint32_t tag)
{
	const struct change *c;

	for (c = r->change; c < r->change + r->changes; c++)
		if (c->before == mark && c->number == number && c->tag == tag &&
		    n >= c->first && n < c->first + c->sectors)
			return true;
	return false;
}

/* A volume's data after a cut between marks @mark - 1 and @mark. */
static bool data_right(struct run *r, struct img *im, const struct img_volume *v,
		       unsigned int mark)
{
	const struct vol *a = mark ? in(&r->state[mark - 1], v->number) : NULL;
	const struct vol *b = in(&r->state[mark < r->marks ? mark : mark - 1], v->number);
	struct img_reader *reader = img_reader(im, v, NULL);
	uint32_t slot, k, n, tag;
	bool right = true;

	if (!reader)
		return false;
	for (slot = 0; right && slot < SLOTS; slot++) {
		if (img_reader_read(reader, r->buf, SLOT_BYTES, slot_at(slot))) {
			diag("volume %u cannot be read", v->number);
			right = false;
		}
		for (k = 0; right && k < SLOT_SECTORS; k++) {
			n = slot * SLOT_SECTORS + k;
			right = tag_of(r->buf + k * SECTOR, n, &tag) &&
				((a && a->tag[n] == tag) || (b && b->tag[n] == tag) ||
				 changed(r, mark, v->number, n, tag));
			if (!right)
				diag("volume %u sector %u: %u, not %d or %d", v->number, n, tag,
				     a ? (int)a->tag[n] : -1, b ? (int)b->tag[n] : -1);
		}
	}
	free(reader);
	return right;
}

static bool volumes_right(struct run *r, struct store *st, unsigned int mark)
{
	const struct state *before = mark ? &r->state[mark - 1] : NULL;
	const struct state *after = &r->state[mark < r->marks ? mark : mark - 1];
	unsigned int must = 0, there = 0, i;
	struct img_volume *v;
	struct img im;
	bool right = true;
	size_t n;

	if (img_open(&im, st) || img_volumes(&im, &v, &n))
		return false;
	for (i = 0; before && i < before->nr; i++)
		must += !!in(after, before->vol[i].number);
	for (i = 0; right && i < n; i++) {
		if (v[i].state != IMG_VOLUME && v[i].state != IMG_SNAPSHOT)
			continue;
		if (before && in(before, v[i].number) && in(after, v[i].number))
			there++;
		else if (before && !in(before, v[i].number) && !in(after, v[i].number))
			right = false;
		right = right && data_right(r, &im, &v[i], mark);
	}
	free(v);
	if (right && there != must)
		diag("%u volumes of %u are there", there, must);
	return right && there == must;
}

/* The module itself goes on with it: deletes end, writes work. */
static void go_on(struct run *r, const uint8_t *mem)
{
	int fd = memfd(IMAGE), image, id, disk;
	struct vblk_volume v = { .size = sizeof(v), .flags = VBLK_VOLUME_NEXT };

	EQ(OK(pwrite(fd, mem, IMAGE, 0)), IMAGE);
	image = pool_open(fd);
	while (!ioctl(image, VBLK_IMAGE_VOLUME, &v) && v.state != VBLK_VOLUME_LIVE)
		v = (struct vblk_volume){ .size = sizeof(v), .flags = VBLK_VOLUME_NEXT,
					  .volume = v.volume + 1 };
	if (v.state == VBLK_VOLUME_LIVE) {
		id = attach_volume(image, v.volume, 0);
		disk = disk_open(id, PLAIN);
		put(disk, MIB / 2, 128 * KIB, 77);
		OK(fsync(disk));
		EXPECT(disk, MIB / 2, 128 * KIB, 77);
		close(disk);
		detach(id);
	}
	OK(pool_commit(image, VBLK_COMMIT_DELETES));
	EQ(pool_info(image).deleting, 0);
	close(image);
	POOL_SOUND(fd);
	close(fd);
	(void)r;
}

void crash_apply(uint8_t *mem, const struct note *n, uint64_t bytes)
{
	if (n->flags & NOTE_MARK || !n->bytes)
		return;
	if (n->flags & NOTE_DISCARD)
		memset(mem + n->pos, 0xee, n->bytes);
	else
		memcpy(mem + n->pos, n->data, bytes);
}

static void judge(struct run *r, uint8_t *mem, unsigned int mark, struct counts *c, size_t at,
		  const char *how)
{
	struct memory m = {
		.store = { .read = mem_read, .name = "replay", .bytes = IMAGE }, .mem = mem,
	};

	c->cuts++;
	if (store_sound(&m.store) && volumes_right(r, &m.store, mark))
		return;
	REQUIRE(false, "cut at note %zu of %zu, %s, before mark %u of %u", at, r->log.nr_notes,
		how, mark, r->marks);
}

/* What came after a flush is there in part: writes that were lost, or torn. */
static void tear(struct run *r, uint8_t *mem, const uint8_t *flushed, size_t from, size_t to,
		 unsigned int mark, struct counts *c)
{
	size_t i;

	memcpy(mem, flushed, IMAGE);
	for (i = from; i < to; i++) {
		const struct note *n = &r->log.note[i];

		/* One that went through to the medium is there, but for the last. */
		switch (n->flags & NOTE_FUA && i + 1 < to ? 3 : below(&r->seed, 4)) {
		case 0:
			break;
		case 1:
			crash_apply(mem, n, below(&r->seed, n->bytes / SECTOR) * SECTOR);
			break;
		default:
			crash_apply(mem, n, n->bytes);
		}
	}
	c->torn++;
	judge(r, mem, mark, c, to, "torn");
}

void crash_replay(struct run *r, const uint8_t *first, struct counts *c)
{
	uint8_t *flushed = malloc(IMAGE), *mem = malloc(IMAGE);
	unsigned int mark = 0;
	size_t i, k, from = 0;

	memcpy(flushed, first, IMAGE);
	for (i = 0; i < r->log.nr_notes; i++) {
		const struct note *n = &r->log.note[i];

		if (n->flags & NOTE_MARK && n->data[0] != 'd')
			mark = atoi(n->data) + 1;
		if (!(n->flags & (NOTE_FLUSH | NOTE_FUA)))
			continue;
		if (below(&r->seed, 2))
			tear(r, mem, flushed, from, i + 1, mark, c);
		memcpy(mem, flushed, IMAGE);
		for (k = from; k <= i; k++)
			crash_apply(mem, &r->log.note[k], r->log.note[k].bytes);
		judge(r, mem, mark, c, i, "whole");
		if (!below(&r->seed, 40)) {
			go_on(r, mem);
			c->resumed++;
		}
		/* A flush covers what ended before it, a FUA write itself alone. */
		if (n->flags & NOTE_FLUSH) {
			memcpy(flushed, mem, IMAGE);
			from = i + 1;
		}
	}
	free(flushed);
	free(mem);
}
