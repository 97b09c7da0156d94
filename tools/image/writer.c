// SPDX-License-Identifier: GPL-2.0
/* Opening and making images for writing; the space of one; the commit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../lib/virtlite.h"
#include "writer.h"

/* A block that is free now gets a user. -ENOSPC. */
int64_t img_take(struct img_writer *w, unsigned int blocks, bool data)
{
	uint64_t *hint = data ? &w->data_hint : &w->meta_hint;
	uint64_t first = IMG_FIRST, end = w->sb.nr_blocks, need = blocks;
	int64_t at;
	int ret;

	/* Data leaves room for the nodes that it makes necessary. */
	if (data)
		need += w->sb.nr_reserved + 2 * w->dirty_nodes;
	if (w->free < need)
		return vl_error(ENOSPC, "%s: the image is full", w->im.st->name);
	at = bits_find_clear(&w->used, *hint, end, blocks);
	if (at < 0)
		at = bits_find_clear(&w->used, first, *hint < end - blocks ? *hint + blocks : end,
				     blocks);
	if (at < 0)
		return vl_error(ENOSPC, "%s: no free cluster", w->im.st->name);
	ret = bits_change(&w->used, at, blocks, true);
	if (ret)
		return ret;
	*hint = at + blocks;
	w->free -= blocks;
	ret = bits_change(&w->touched, at / IMG_MAP_BITS, 1, true);
	if (ret)
		return ret;
	/* Like the last record, if that ends here. */
	if (w->nr_log) {
		uint64_t last = w->log[w->nr_log - 1], n = last >> 40 & IMG_LOG_RUN;

		if (last >> 63 && (last & (IMG_MAX_BLOCKS - 1)) + n == (uint64_t)at &&
		    n + blocks <= IMG_LOG_RUN) {
			w->log[w->nr_log - 1] += (uint64_t)blocks << 40;
			return at;
		}
	}
	w->log = realloc(w->log, (w->nr_log + 1) * sizeof(*w->log));
	if (!w->log)
		return vl_error(ENOMEM, "the log");
	w->log[w->nr_log++] = at | (uint64_t)blocks << 40 | 1ULL << 63;
	return at;
}

/* A block is given up; it is not used again before the commit. */
int img_give(struct img_writer *w, uint64_t block, unsigned int blocks)
{
	int ret;

	if (w->keep)
		return 0;
	w->freed = realloc(w->freed, (w->nr_freed + 1) * sizeof(*w->freed));
	w->log = realloc(w->log, (w->nr_log + 1) * sizeof(*w->log));
	if (!w->freed || !w->log)
		return vl_error(ENOMEM, "the log");
	w->freed[w->nr_freed++] = (struct extent){ block, blocks };
	w->log[w->nr_log++] = block | (uint64_t)blocks << 40;
	w->free += blocks;
	ret = bits_change(&w->touched, block / IMG_MAP_BITS, 1, true);
	return ret;
}

static int log_block(struct img *im, const uint8_t *raw,
		     int (*record)(void *ctx, uint64_t block, uint64_t n, bool used), void *ctx)
{
	unsigned int n = img_get(raw + 16, 4), i;
	uint64_t word, first, run;
	int ret;

	for (i = 0; i < n; i++) {
		word = img_get(raw + 32 + 8 * i, 8);
		first = word & (IMG_MAX_BLOCKS - 1);
		run = word >> 40 & IMG_LOG_RUN;
		if (!run || first < IMG_FIRST || first + run > im->sb.nr_blocks)
			return vl_error(EUCLEAN, "log: a record names block %llu + %llu",
					(unsigned long long)first, (unsigned long long)run);
		ret = record(ctx, first, run, word >> 63);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * img_read_log() - go through the log
 * @im: image
 * @record: called for each record, in their order
 * @block: called for each block of the log, the newest first, or NULL
 * @ctx: passed to both
 *
 * Return: 0, -EUCLEAN, or what a callback returned if that is not 0.
 */
int img_read_log(struct img *im, int (*record)(void *ctx, uint64_t block, uint64_t n, bool used),
		 int (*block)(void *ctx, const struct img_entry *e), void *ctx)
{
	uint8_t (*raw)[IMG_BLOCK] = malloc(IMG_LOG_BLOCKS * IMG_BLOCK);
	struct img_entry e = im->sb.log;
	unsigned int blocks = 0, records = 0, n;
	const char *wrong;
	int ret = raw ? 0 : vl_error(ENOMEM, "log");

	/* The chain leads from the newest to the oldest. */
	for (; !ret && !img_hole(&e); e = img_entry_load(raw[blocks++])) {
		if (blocks == im->sb.log_blocks) {
			ret = vl_error(EUCLEAN, "log: longer than %u blocks", blocks);
			break;
		}
		wrong = img_entry_rules(&im->sb, &e, im->sb.epoch, 0);
		if (wrong) {
			ret = vl_error(EUCLEAN, "log: %s", wrong);
			break;
		}
		ret = block ? block(ctx, &e) : 0;
		if (!ret)
			ret = img_read(im, &e, raw[blocks]);
		if (ret)
			break;
		n = img_get(raw[blocks] + 16, 4);
		if (!n || n > IMG_LOG_RECORDS || !img_zeroes(raw[blocks] + 20, 12)) {
			ret = vl_error(EUCLEAN, "log: block %llu has a bad head",
				       (unsigned long long)e.addr);
			break;
		}
		records += n;
	}
	if (!ret && (blocks != im->sb.log_blocks || records != im->sb.log_records))
		ret = vl_error(EUCLEAN, "log: %u blocks and %u records, not %u and %u", blocks,
			       records, im->sb.log_blocks, im->sb.log_records);
	while (!ret && blocks)
		ret = log_block(im, raw[--blocks], record, ctx);
	free(raw);
	return ret;
}

/* A writer without volumes and with nothing in use, for those below and for repair. */
struct img_writer *img_writer_new(const struct img *im)
{
	struct img_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		vl_error(ENOMEM, "writer");
		return NULL;
	}
	w->im = *im;
	w->sb = im->sb;
	w->map = (struct wtree){ .w = w, .root = im->sb.bitmap, .depth = IMG_MAP_DEPTH };
	w->table = (struct wtree){ .w = w, .root = im->sb.volumes, .depth = IMG_TABLE_DEPTH };
	w->sb.epoch++;
	w->meta_hint = IMG_FIRST;
	/* Metadata in front, data behind it, each in one piece as long as it lasts. */
	w->data_hint = (IMG_FIRST + im->sb.nr_blocks / 64) & ~15ULL;
	if (bits_init(&w->used, im->sb.nr_blocks) ||
	    bits_init(&w->touched, w->used.nr_leaves) ||
	    bits_change(&w->used, 0, IMG_FIRST, true)) {
		img_writer_free(w);
		return NULL;
	}
	w->free = im->sb.nr_blocks - IMG_FIRST;
	return w;
}

void img_writer_free(struct img_writer *w)
{
	uint32_t i;

	if (!w)
		return;
	for (i = 0; w->vol && i < w->sb.next_volume; i++)
		wtree_forget(&w->vol[i].t);
	wtree_forget(&w->map);
	wtree_forget(&w->table);
	bits_free(&w->used);
	bits_free(&w->touched);
	free(w->vol);
	free(w->freed);
	free(w->log);
	free(w);
}

/**
 * img_make() - make an image
 * @st: where; what is there is overwritten
 * @m: what it is to be
 *
 * It is one after the first commit.
 */
struct img_writer *img_make(struct store *st, const struct img_make *m)
{
	static const uint8_t empty[IMG_FIRST * IMG_BLOCK];
	struct img_writer *w;
	struct img im = { .st = st };

	if (m->nr_blocks < 256 || m->nr_blocks > IMG_MAX_IMAGE) {
		vl_error(0, "an image has 1 MiB to 2 PiB");
		return NULL;
	}
	/* What was here before is gone first: it must not outlive a crash as half of both. */
	if (st->write(st, empty, sizeof(empty), 0) || st->flush(st))
		return NULL;
	im.sb.nr_blocks = m->nr_blocks;
	im.sb.shift = m->shift;
	im.sb.data_crc = m->data_crc;
	w = img_writer_new(&im);
	if (!w)
		return NULL;
	if (getrandom(w->sb.uuid, sizeof(w->sb.uuid), 0) != sizeof(w->sb.uuid)) {
		vl_error(errno, "uuid");
		img_writer_free(w);
		return NULL;
	}
	w->sb.nr_reserved = 256 + m->nr_blocks / 8192;
	if (w->sb.nr_reserved > m->nr_blocks / 8)
		w->sb.nr_reserved = m->nr_blocks / 8;
	/* The bitmap's first leaf is never a hole. */
	if (bits_change(&w->touched, 0, 1, true)) {
		img_writer_free(w);
		return NULL;
	}
	return w;
}

static int old_block(void *ctx, const struct img_entry *e)
{
	struct img_writer *w = ctx;

	w->old_log[w->nr_old_log++] = e->addr;
	return 0;
}

static int log_record(void *ctx, uint64_t block, uint64_t n, bool used)
{
	struct img_writer *w = ctx;
	uint64_t leaf;

	if (used ? bits_any(&w->used, block, n) : !bits_all(&w->used, block, n))
		return vl_error(EUCLEAN, "log: a record that changes nothing, block %llu",
				(unsigned long long)block);
	for (leaf = block / IMG_MAP_BITS; leaf <= (block + n - 1) / IMG_MAP_BITS; leaf++) {
		if (bits_change(&w->touched, leaf, 1, true))
			return -ENOMEM;
	}
	w->log = realloc(w->log, (w->nr_log + 1) * sizeof(*w->log));
	if (!w->log)
		return vl_error(ENOMEM, "the log");
	w->log[w->nr_log++] = block | n << 40 | (uint64_t)used << 63;
	return bits_change(&w->used, block, n, used);
}

static int load_map(struct img_writer *w)
{
	struct img_cursor *c = malloc(sizeof(*c));
	uint64_t leaf = 0;
	struct img_entry e;
	uint8_t *bits;
	int ret = -ENOMEM;

	if (!c)
		return vl_error(ENOMEM, "bitmap");
	img_cursor_init(c, &w->im, &w->im.sb.bitmap, IMG_MAP_DEPTH, 0);
	for (; (ret = img_next(c, &leaf, w->used.nr_leaves, &e)) > 0; leaf++) {
		bits = bits_leaf(&w->used, leaf);
		ret = bits ? img_read(&w->im, &e, bits) : -ENOMEM;
		if (ret)
			break;
	}
	free(c);
	return ret;
}

static int load_volumes(struct img_writer *w)
{
	struct img_volume *list;
	size_t n, i;
	int ret;

	ret = img_volumes(&w->im, &list, &n);
	if (ret)
		return ret;
	w->vol = calloc(w->sb.next_volume + 1, sizeof(*w->vol));
	for (i = 0; w->vol && i < n; i++) {
		struct wvolume *v = &w->vol[list[i].number];

		v->v = list[i];
		v->t = (struct wtree) {
			.w = w, .root = v->v.root, .depth = v->v.depth,
			.blocks = img_cluster_blocks(&w->sb),
		};
	}
	free(list);
	return w->vol ? 0 : vl_error(ENOMEM, "volumes");
}

/* An image that is there is going to be changed; it ought to be sound. */
struct img_writer *img_write_open(struct store *st)
{
	struct img_writer *w;
	struct img im;

	if (img_open(&im, st))
		return NULL;
	if (im.sb.ro_compat) {
		vl_error(0, "%s: has features that are unknown here, it can only be read",
			 st->name);
		return NULL;
	}
	w = img_writer_new(&im);
	if (!w)
		return NULL;
	if (load_map(w) || img_read_log(&w->im, log_record, old_block, w) || load_volumes(w)) {
		img_writer_free(w);
		return NULL;
	}
	w->free = w->sb.nr_blocks - bits_count(&w->used);
	return w;
}

static int write_table(struct img_writer *w)
{
	struct store *st = w->im.st;
	uint8_t raw[IMG_BLOCK];
	struct img_entry e;
	uint32_t first, i;
	bool dirty, any;
	int64_t at;
	int ret;

	for (first = 0; first < w->sb.next_volume; first += IMG_PER_LEAF) {
		dirty = false;
		any = false;
		memset(raw, 0, sizeof(raw));
		for (i = first; i < first + IMG_PER_LEAF && i < w->sb.next_volume; i++) {
			dirty |= w->vol[i].dirty;
			any |= w->vol[i].v.state != IMG_UNUSED;
			w->vol[i].dirty = false;
			img_volume_store(raw + (i - first) * IMG_RECORD, &w->vol[i].v);
		}
		if (!dirty)
			continue;
		ret = wtree_get(&w->table, first / IMG_PER_LEAF, &e);
		if (!ret && !img_hole(&e))
			ret = img_give(w, e.addr, 1);
		if (ret)
			return ret;
		e = (struct img_entry){};
		if (any) {
			at = img_take(w, 1, false);
			if (at < 0)
				return at;
			ret = st->write(st, raw, IMG_BLOCK, at * IMG_BLOCK);
			e = (struct img_entry) {
				.addr = at, .birth = w->sb.epoch, .sum = img_crc(raw, IMG_BLOCK),
			};
		}
		if (!ret)
			ret = wtree_set(&w->table, 0, first / IMG_PER_LEAF, &e);
		if (ret)
			return ret;
	}
	return wtree_commit(&w->table, 0);
}

static int give_log(struct img_writer *w)
{
	int ret = 0;

	while (w->nr_old_log && !ret)
		ret = img_give(w, w->old_log[--w->nr_old_log], 1);
	return ret;
}

/* The log of before, what has come since, and where the log itself is going to be. */
static int write_log(struct img_writer *w, unsigned int blocks)
{
	struct store *st = w->im.st;
	struct img_entry next = {};
	uint8_t raw[IMG_BLOCK];
	unsigned int i, j, n;
	int64_t at;
	int ret;

	for (i = 0; i < blocks; i++) {
		at = img_take(w, 1, false);
		if (at < 0)
			return at;
		w->old_log[i] = at;
	}
	w->nr_old_log = blocks;
	/* Records may have joined: fewer blocks may do, but those have records now. */
	for (i = 0; i < blocks; i++) {
		size_t first = w->nr_log * i / blocks, end = w->nr_log * (i + 1) / blocks;

		memset(raw, 0, sizeof(raw));
		img_entry_store(raw, &next);
		n = end - first;
		img_put(raw + 16, 4, n);
		for (j = 0; j < n; j++)
			img_put(raw + 32 + 8 * j, 8, w->log[first + j]);
		ret = st->write(st, raw, IMG_BLOCK, w->old_log[i] * IMG_BLOCK);
		if (ret)
			return ret;
		next = (struct img_entry) {
			.addr = w->old_log[i], .birth = w->sb.epoch,
			.sum = img_crc(raw, IMG_BLOCK),
		};
	}
	w->sb.log = next;
	w->sb.log_blocks = blocks;
	w->sb.log_records = w->nr_log;
	return 0;
}

/*
 * The bitmap is written anew where it has changed. Its blocks and nodes are among
 * what it speaks of: they get their places first, until none of that touches another
 * leaf.
 */
static int write_map(struct img_writer *w)
{
	uint64_t *place = calloc(w->used.nr_leaves, sizeof(*place));
	struct store *st = w->im.st;
	struct img_entry e;
	uint8_t raw[IMG_BLOCK];
	uint64_t leaf;
	int64_t at;
	size_t i;
	bool more = true;
	int ret = 0;

	if (!place)
		return vl_error(ENOMEM, "bitmap");
	while (more) {
		more = false;
		for (leaf = 0; leaf < w->used.nr_leaves; leaf++) {
			if (place[leaf] || !bits_test(&w->touched, leaf))
				continue;
			more = true;
			ret = wtree_get(&w->map, leaf, &e);
			if (!ret && !img_hole(&e))
				ret = img_give(w, e.addr, 1);
			if (!ret)
				ret = wtree_reserve(&w->map, leaf, 0);
			at = ret ?: img_take(w, 1, false);
			if (at < 0) {
				ret = at;
				goto out;
			}
			place[leaf] = at;
		}
	}
	for (leaf = 0; leaf < w->used.nr_leaves; leaf++) {
		if (!place[leaf])
			continue;
		memset(raw, 0, sizeof(raw));
		if (w->used.leaf[leaf])
			memcpy(raw, w->used.leaf[leaf], IMG_BLOCK);
		for (i = 0; i < w->nr_freed; i++) {
			uint64_t b = w->freed[i].block, n = w->freed[i].n;

			for (; b / IMG_MAP_BITS == leaf && n; b++, n--)
				raw[b % IMG_MAP_BITS >> 3] &= ~(1 << (b & 7));
		}
		ret = st->write(st, raw, IMG_BLOCK, place[leaf] * IMG_BLOCK);
		e = (struct img_entry) {
			.addr = place[leaf], .birth = w->sb.epoch,
			.sum = img_crc(raw, IMG_BLOCK),
		};
		if (!ret)
			ret = wtree_set(&w->map, 0, leaf, &e);
		if (ret)
			goto out;
	}
	ret = wtree_commit(&w->map, 0);
	w->sb.bitmap = w->map.root;
	w->sb.log = (struct img_entry){};
	w->sb.log_blocks = 0;
	w->sb.log_records = 0;
	w->nr_log = 0;
	bits_free(&w->touched);
	if (!ret)
		ret = bits_init(&w->touched, w->used.nr_leaves);
out:
	free(place);
	return ret;
}

static int write_super(struct img_writer *w)
{
	struct store *st = w->im.st;
	uint8_t raw[IMG_BLOCK];

	img_super_store(raw, &w->sb);
	return st->flush(st) ?:
	       st->write(st, raw, IMG_BLOCK, img_place(w->sb.epoch) * IMG_BLOCK) ?:
	       st->flush(st);
}

/**
 * img_commit() - make all changes since the last commit durable, or none
 * @w: writer; after an error it can only be freed
 */
int img_commit(struct img_writer *w)
{
	unsigned int blocks = 0;
	struct wvolume *v;
	uint32_t i;
	size_t f;
	int ret;

	w->sb.nr_volumes = 0;
	for (i = 0; i < w->sb.next_volume; i++) {
		v = &w->vol[i];
		if (v->t.dirty) {
			ret = wtree_commit(&v->t, img_shared_births(w, &v->v));
			if (ret)
				return ret;
			v->v.root = v->t.root;
			v->dirty = true;
		}
		w->sb.nr_volumes += v->v.state != IMG_UNUSED;
	}
	ret = write_table(w);
	if (!ret)
		ret = give_log(w);
	if (ret)
		return ret;
	w->sb.volumes = w->table.root;
	/* The log's own blocks are records, too, at most one each. */
	while (blocks <= IMG_LOG_BLOCKS && blocks * IMG_LOG_RECORDS < w->nr_log + blocks)
		blocks++;
	/* An image whose bitmap has no leaf 0 would read as if the superblocks were free. */
	if (blocks > IMG_LOG_BLOCKS || img_hole(&w->sb.bitmap))
		ret = write_map(w);
	else
		ret = write_log(w, blocks);
	if (ret)
		return ret;
	w->sb.nr_free = w->free;
	if (w->sb.nr_reserved > w->sb.nr_free)
		w->sb.nr_reserved = w->sb.nr_free;
	ret = write_super(w);
	if (ret)
		return ret;
	w->im.sb = w->sb;
	w->sb.epoch++;
	w->dirty_nodes = 0;
	for (f = 0; f < w->nr_freed; f++) {
		struct store *st = w->im.st;

		ret = bits_change(&w->used, w->freed[f].block, w->freed[f].n, false);
		if (ret)
			return ret;
		if (st->punch)
			st->punch(st, w->freed[f].n * IMG_BLOCK, w->freed[f].block * IMG_BLOCK);
	}
	w->nr_freed = 0;
	for (i = 0; i < w->sb.next_volume; i++)
		wtree_forget(&w->vol[i].t);
	return 0;
}
