// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "image.h"

#define U(x) ((unsigned long long)(x))

/* Does it look like an image, sound or not? */
bool img_probe(struct store *st)
{
	uint8_t raw[IMG_BLOCK];
	struct img_super s;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (st->bytes < (i * 16 + 1) * IMG_BLOCK || st->read(st, raw, IMG_BLOCK,
								     i * 16 * IMG_BLOCK))
			continue;
		wrong = img_super_load(&s, raw, i * 16);
		if (!wrong || (strcmp(wrong, "empty") && strcmp(wrong, "no magic")))
			return true;
	}
	return false;
}

/**
 * img_open() - find the superblock of an image
 * @im: filled in
 * @st: where it is; stays the caller's, and must live as long as @im
 */
int img_open(struct img *im, struct store *st)
{
	uint8_t raw[IMG_BLOCK];
	int i, ret;

	memset(im, 0, sizeof(*im));
	im->st = st;
	for (i = 0; i < 2; i++) {
		ret = st->read(st, raw, IMG_BLOCK, i * 16 * IMG_BLOCK);
		if (ret)
			return ret;
		im->wrong[i] = img_super_load(&im->place[i], raw, i * 16);
	}
	if (im->wrong[0] && im->wrong[1])
		return vl_error(EUCLEAN, "%s: no superblock (block 0: %s; block 16: %s)",
				st->name, im->wrong[0], im->wrong[1]);
	i = im->wrong[0] || (!im->wrong[1] && im->place[1].epoch > im->place[0].epoch);
	im->sb = im->place[i];
	return 0;
}

/* A block of metadata that an entry points to, its checksum compared. */
int img_read(struct img *im, const struct img_entry *e, void *buf)
{
	int ret = im->st->read(im->st, buf, IMG_BLOCK, e->addr * IMG_BLOCK);

	if (ret)
		return ret;
	if (img_crc(buf, IMG_BLOCK) != e->sum)
		return vl_error(EUCLEAN, "block %llu: wrong checksum", U(e->addr));
	return 0;
}

void img_cursor_init(struct img_cursor *c, struct img *im, const struct img_entry *root,
		     unsigned int depth, unsigned int blocks)
{
	c->im = im;
	c->root = *root;
	c->depth = depth;
	c->blocks = blocks;
	memset(c->at, 0, sizeof(c->at));
}

/**
 * img_find() - the entry of a leaf
 * @c: tree
 * @leaf: number
 * @e: the entry, which obeys the rules; a hole if a node above it is missing
 * @span: of how many leaves, a power of 256, the hole is that @leaf is in; 1 if the
 *	entry is one of a leaf
 */
int img_find(struct img_cursor *c, uint64_t leaf, struct img_entry *e, uint64_t *span)
{
	uint64_t birth = c->im->sb.epoch;
	unsigned int level;
	const char *wrong;
	int ret;

	*span = 1;
	if (leaf >> 8 * c->depth) {
		*e = (struct img_entry){};
		return 0;
	}
	*e = c->root;
	for (level = c->depth; ; level--) {
		wrong = img_entry_rules(&c->im->sb, e, birth, level ? 0 : c->blocks);
		if (wrong)
			return vl_error(EUCLEAN, "block %llu: %s", U(e->addr), wrong);
		if (!level || img_hole(e)) {
			*span = 1ULL << 8 * level;
			return 0;
		}
		if (c->at[level] != e->addr) {
			c->at[level] = 0;
			ret = img_read(c->im, e, c->raw[level]);
			if (ret)
				return ret;
			c->at[level] = e->addr;
		}
		birth = e->birth;
		*e = img_entry_load(c->raw[level] + (leaf >> 8 * (level - 1)) % IMG_FAN * 16);
	}
}

/**
 * img_next() - the next leaf that is no hole
 * @c: tree
 * @leaf: from here on; where it is, on return
 * @end: not from here on
 * @e: its entry
 *
 * Return: 1, 0 if there is none, -errno.
 */
int img_next(struct img_cursor *c, uint64_t *leaf, uint64_t end, struct img_entry *e)
{
	uint64_t span;
	int ret;

	while (*leaf < end) {
		ret = img_find(c, *leaf, e, &span);
		if (ret)
			return ret;
		if (!img_hole(e))
			return 1;
		*leaf = (*leaf | (span - 1)) + 1;
	}
	return 0;
}

/**
 * img_volumes() - read the table of volumes
 * @im: image
 * @volumes: records in use, by number; to be freed
 * @n: how many
 */
int img_volumes(struct img *im, struct img_volume **volumes, size_t *n)
{
	struct img_volume *list = NULL, *more, v;
	struct img_cursor *c = malloc(sizeof(*c));
	uint64_t leaf = 0, end = (im->sb.next_volume + IMG_PER_LEAF - 1) / IMG_PER_LEAF;
	uint8_t raw[IMG_BLOCK];
	struct img_entry e;
	size_t count = 0;
	const char *wrong;
	unsigned int i;
	int ret = -ENOMEM;

	if (!c)
		return vl_error(ENOMEM, "volumes");
	img_cursor_init(c, im, &im->sb.volumes, IMG_TABLE_DEPTH, 0);
	for (; (ret = img_next(c, &leaf, end, &e)) > 0; leaf++) {
		ret = img_read(im, &e, raw);
		if (ret)
			break;
		for (i = 0; i < IMG_PER_LEAF; i++) {
			wrong = img_volume_load(&v, raw + i * IMG_RECORD);
			if (!wrong && v.state == IMG_UNUSED)
				continue;
			wrong = wrong ?: img_volume_rules(&im->sb, &v, leaf * IMG_PER_LEAF + i);
			if (wrong) {
				ret = vl_error(EUCLEAN, "volume %llu: %s",
					       U(leaf * IMG_PER_LEAF + i), wrong);
				goto out;
			}
			more = realloc(list, (count + 1) * sizeof(*list));
			if (!more) {
				ret = vl_error(ENOMEM, "volumes");
				goto out;
			}
			list = more;
			list[count++] = v;
		}
	}
out:
	free(c);
	if (ret < 0) {
		free(list);
		return ret;
	}
	*volumes = list;
	*n = count;
	return 0;
}

/**
 * img_reader() - begin to read a volume
 * @im: image
 * @v: its record
 * @base: what its holes read as if it has the flag, or NULL
 *
 * Return: to be freed; NULL with a message.
 */
struct img_reader *img_reader(struct img *im, const struct img_volume *v, struct store *base)
{
	struct img_reader *r;

	if (v->flags & IMG_VOLUME_BASE && !base) {
		vl_error(0, "volume \"%s\" is on an external base, which must be given", v->name);
		return NULL;
	}
	r = malloc(sizeof(*r));
	if (!r) {
		vl_error(ENOMEM, "volume");
		return NULL;
	}
	img_cursor_init(&r->c, im, &v->root, v->depth, img_cluster_blocks(&im->sb));
	r->v = *v;
	r->base = v->flags & IMG_VOLUME_BASE ? base : NULL;
	return r;
}

static int read_piece(struct img_reader *r, uint8_t *p, uint64_t len, uint64_t pos)
{
	struct img *im = r->c.im;
	uint64_t size = 1ULL << im->sb.shift, off = pos & (size - 1), span;
	uint8_t whole[65536];
	struct img_entry e;
	int ret;

	ret = img_find(&r->c, pos >> im->sb.shift, &e, &span);
	if (ret)
		return ret;
	if (img_hole(&e) && r->base)
		return r->base->read(r->base, p, len, pos);
	if (img_hole(&e) || e.flags & IMG_ENTRY_ZERO) {
		memset(p, 0, len);
		return 0;
	}
	if (!im->sb.data_crc)
		return im->st->read(im->st, p, len, e.addr * IMG_BLOCK + off);
	ret = im->st->read(im->st, whole, size, e.addr * IMG_BLOCK);
	if (ret)
		return ret;
	if (img_crc(whole, size) != e.sum)
		return vl_error(EUCLEAN, "data at %llu: wrong checksum", U(pos - off));
	memcpy(p, whole + off, len);
	return 0;
}

int img_reader_read(struct img_reader *r, void *buf, size_t n, uint64_t pos)
{
	uint64_t size = 1ULL << r->c.im->sb.shift, len;
	uint8_t *p = buf;
	int ret;

	for (; n; n -= len, p += len, pos += len) {
		len = size - (pos & (size - 1));
		if (len > n)
			len = n;
		ret = read_piece(r, p, len, pos);
		if (ret)
			return ret;
	}
	return 0;
}

/* The next range that need not be zeroes; as store_data(). */
int img_reader_data(struct img_reader *r, uint64_t pos, uint64_t *start, uint64_t *end)
{
	unsigned int shift = r->c.im->sb.shift;
	uint64_t leaf = pos >> shift, last = img_clusters(&r->c.im->sb, &r->v), span;
	struct img_entry e;
	int ret;

	if (pos >= r->v.size)
		return 0;
	*start = pos;
	*end = r->v.size;
	if (r->base)
		return 1;
	do {
		ret = img_next(&r->c, &leaf, last, &e);
		if (ret <= 0)
			return ret;
	} while (e.flags & IMG_ENTRY_ZERO && ++leaf);
	if (leaf << shift > pos)
		*start = leaf << shift;
	for (leaf++; leaf < last; leaf++) {
		ret = img_find(&r->c, leaf, &e, &span);
		if (ret)
			return ret;
		if (img_hole(&e) || e.flags & IMG_ENTRY_ZERO)
			break;
	}
	if (leaf << shift < *end)
		*end = leaf << shift;
	return 1;
}
