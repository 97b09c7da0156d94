// SPDX-License-Identifier: GPL-2.0
/*
 * Power cuts: what is written to an image's backing is noted down, and put together
 * again up to every flush, and with a random part of what came after it. Each such
 * image is sound, and has all that was acknowledged before the cut.
 *
 * VBLK_SEED and VBLK_STEPS in the environment choose another sequence.
 */
#include "crash.h"

static void mark(struct run *r)
{
	writelog_mark(&r->log, r->marks);
	r->state = realloc(r->state, (r->marks + 1) * sizeof(*r->state));
	r->state[r->marks++] = r->now;
}

static void note(struct run *r, unsigned int i, uint32_t first, uint32_t sectors, uint32_t tag)
{
	uint32_t n;

	r->change = realloc(r->change, (r->changes + 1) * sizeof(*r->change));
	r->change[r->changes++] = (struct change){
		r->marks, r->now.vol[i].number, first, sectors, tag,
	};
	for (n = first; n < first + sectors; n++)
		r->now.vol[i].tag[n] = tag;
}

static void hold(struct run *r, unsigned int i)
{
	struct disk *d = &r->disk[i];

	if (d->id >= 0)
		return;
	d->id = attach_volume(r->image, r->now.vol[i].number, 0);
	d->fd = disk_open(d->id, PLAIN);
}

static void let_go(struct run *r, unsigned int i)
{
	struct disk *d = &r->disk[i];

	if (d->id < 0)
		return;
	close(d->fd);
	detach(d->id);
	d->id = -1;
}

static int some(struct run *r, bool live)
{
	unsigned int i, n = 0, fit[MAX_VOLS];

	for (i = 0; i < r->now.nr; i++)
		if (r->now.vol[i].live == live)
			fit[n++] = i;
	return n ? (int)fit[below(&r->seed, n)] : -1;
}

static void one_write(struct run *r, unsigned int i)
{
	unsigned int slot = below(&r->seed, SLOTS);
	uint32_t first = below(&r->seed, SLOT_SECTORS);
	uint32_t n = 1 + below(&r->seed, SLOT_SECTORS - first), k;
	uint64_t range[2];

	if (!below(&r->seed, 3)) {
		first = first / 8 * 8;
		n = (n + 7) / 8 * 8;
		n = n > SLOT_SECTORS - first ? SLOT_SECTORS - first : n;
	}
	range[0] = slot_at(slot) + first * SECTOR;
	range[1] = n * SECTOR;
	first += slot * SLOT_SECTORS;
	if (!below(&r->seed, 6)) {
		OK(ioctl(r->disk[i].fd, BLKZEROOUT, range));
		note(r, i, first, n, 0);
		return;
	}
	r->tag++;
	for (k = 0; k < n; k++)
		crash_sector(r->buf + k * SECTOR, first + k, r->tag);
	EQ(OK(pwrite(r->disk[i].fd, r->buf, range[1], range[0])), range[1]);
	note(r, i, first, n, r->tag);
}

static void writes(struct run *r)
{
	unsigned int n = 1 + below(&r->seed, 8);
	int i = -1;

	while (n--) {
		i = some(r, true);
		hold(r, i);
		one_write(r, i);
	}
	OK(fsync(r->disk[i].fd));
}

static void add(struct run *r, uint32_t number, bool live, const struct vol *like)
{
	struct vol *v = &r->now.vol[r->now.nr];

	*v = *like;
	v->number = number;
	v->live = live;
	r->disk[r->now.nr++].id = -1;
}

static void drop(struct run *r, unsigned int i)
{
	r->now.nr--;
	r->now.vol[i] = r->now.vol[r->now.nr];
	r->disk[i] = r->disk[r->now.nr];
}

static void make(struct run *r, bool clone)
{
	int i = some(r, !clone);
	char name[16];

	if (i < 0 || r->now.nr == MAX_VOLS)
		return;
	snprintf(name, sizeof(name), "v%u", r->names++);
	if (clone)
		add(r, pool_clone(r->image, r->now.vol[i].number, name), true, &r->now.vol[i]);
	else
		add(r, pool_snapshot(r->image, r->now.vol[i].number, name), false,
		    &r->now.vol[i]);
}

static void delete(struct run *r)
{
	int i = some(r, below(&r->seed, 2));

	if (i < 0 || r->now.nr < 4 || (r->now.vol[i].live && some(r, true) == i))
		return;
	let_go(r, i);
	OK(try_delete(r->image, r->now.vol[i].number));
	drop(r, i);
}

static void promote(struct run *r)
{
	int i = some(r, true), k;
	struct vblk_volume v;
	uint32_t number;

	v = pool_volume(r->image, r->now.vol[i].number);
	if (v.origin == NONE)
		return;
	v = pool_volume(r->image, v.origin);
	number = v.newer;
	for (k = r->now.nr - 1; k >= 0 && r->now.vol[k].number != number; k--)
		;
	if (k < 0 || !r->now.vol[k].live || v.clones != 1)
		return;
	let_go(r, i);
	let_go(r, k);
	OK(try_promote(r->image, r->now.vol[i].number));
	memcpy(r->now.vol[k].tag, r->now.vol[i].tag, sizeof(r->now.vol[k].tag));
	drop(r, i);
}

static void step(struct run *r)
{
	unsigned int n = below(&r->seed, 100), i;

	if (n < 64)
		writes(r);
	else if (n < 76)
		make(r, false);
	else if (n < 86)
		make(r, true);
	else if (n < 95)
		delete(r);
	else
		promote(r);
	mark(r);
	if (!below(&r->seed, 20))
		for (i = 0; i < r->now.nr; i++)
			let_go(r, i);
}

static void cut(unsigned int shift, unsigned long steps, uint64_t seed)
{
	struct run r = { .seed = seed };
	uint8_t *first = malloc(IMAGE);
	struct counts c = {};
	struct vol v = { .live = true };
	unsigned long i;

	r.buf = io_buffer(SLOT_BYTES);
	writelog_begin(&r.log, IMAGE, LOG);
	pool_make(r.log.fd, IMAGE, shift);
	r.image = pool_open(r.log.fd);
	OK(try_delete(r.image, 0));
	OK(pool_commit(r.image, VBLK_COMMIT_DELETES));
	/* The first mark that counts: all before it is flushed. */
	add(&r, pool_create(r.image, VOLUME, "first"), true, &v);
	mark(&r);
	for (i = 0; i < steps; i++)
		step(&r);
	for (i = 0; i < r.now.nr; i++)
		let_go(&r, i);
	OK(pool_commit(r.image, VBLK_COMMIT_DELETES));
	close(r.image);
	writelog_end(&r.log);

	memset(first, 0, IMAGE);
	for (i = 0; i < r.log.nr_notes && !(r.log.note[i].flags & NOTE_MARK); i++)
		crash_apply(first, &r.log.note[i], r.log.note[i].bytes);
	r.log.note += i;
	r.log.nr_notes -= i;
	crash_replay(&r, first, &c);
	diag("%zu notes, %u marks: %lu cuts, %lu of them torn, %lu used on", r.log.nr_notes,
	     r.marks, c.cuts, c.torn, c.resumed);
	CHECK(c.cuts > steps, "only %lu cuts", c.cuts);
	r.log.note -= i;
	r.log.nr_notes += i;
	writelog_free(&r.log);
	free(r.state);
	free(r.change);
	free(first);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void go(unsigned int shift, unsigned int log_blocks)
{
	unsigned long steps = number("VBLK_STEPS", getenv("LONG") ? 600 : scale(24, 10));
	uint64_t seed = number("VBLK_SEED", 1);
	unsigned int was = pool_log_blocks(log_blocks);

	diag("seed %llu, %lu steps", (unsigned long long)seed, steps);
	cut(shift, steps, seed);
	pool_log_blocks(was);
}

static void small_clusters(void)
{
	go(12, 64);
}

static void large_clusters(void)
{
	go(16, 64);
}

/* The log is folded into the bitmap all the time. */
static void folds(void)
{
	go(12, 0);
}

static const struct test tests[] = {
	{ "small_clusters", small_clusters },
	{ "large_clusters", large_clusters },
	{ "folds", folds },
};

TEST_SUITE(tests);
