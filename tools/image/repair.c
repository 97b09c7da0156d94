// SPDX-License-Identifier: GPL-2.0
/*
 * Repair after a check: an ordinary commit on top of the image, with the space
 * taken from what is reached, and with the entries left out that lead nowhere. If
 * the machine stops in the middle, the image is as damaged as before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "check.h"
#include "writer.h"

/*
 * A copy in a place of its own: of a cluster, or of a node, whose kids then are
 * what is reached twice, until the next pass.
 */
static int copy(struct img_writer *w, struct wvolume *v, const struct img_spot *s)
{
	unsigned int blocks = s->level ? 1 : img_cluster_blocks(&w->sb);
	uint8_t raw[65536];
	struct img_entry e;
	int64_t at;
	int ret;

	ret = wtree_at(&v->t, s->level, s->leaf, &e);
	if (!ret)
		ret = w->im.st->read(w->im.st, raw, blocks * IMG_BLOCK, e.addr * IMG_BLOCK);
	if (ret)
		return ret;
	/* A node that is not what its entry says is no node. */
	if (s->level && img_crc(raw, IMG_BLOCK) != e.sum) {
		e = (struct img_entry){};
		return wtree_set(&v->t, s->level, s->leaf, &e);
	}
	at = img_take(w, blocks, !s->level);
	if (at < 0)
		return at;
	e.addr = at;
	e.birth = w->sb.epoch;
	e.sum = s->level || w->sb.data_crc ? img_crc(raw, blocks * IMG_BLOCK) : 0;
	ret = w->im.st->write(w->im.st, raw, blocks * IMG_BLOCK, at * IMG_BLOCK);
	return ret ?: wtree_set(&v->t, s->level, s->leaf, &e);
}

static int mend_tree(struct img_writer *w, struct wvolume *v, const struct img_checked_volume *c,
		     bool lossy)
{
	static const struct img_entry hole;
	size_t i;
	int ret;

	for (i = 0; i < c->nr_spots; i++) {
		const struct img_spot *s = &c->spot[i];

		if (s->lossy && !lossy)
			continue;
		if (s->own) {
			ret = copy(w, v, s);
		} else if (s->renew) {
			struct img_entry e;

			ret = wtree_get(&v->t, s->leaf, &e);
			e.birth = w->sb.epoch;
			if (!ret)
				ret = wtree_set(&v->t, 0, s->leaf, &e);
		} else {
			ret = wtree_set(&v->t, s->level, s->leaf, &hole);
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* The space: what is reached. Table, bitmap and log make room for new ones. */
static int take_space(struct img_writer *w, const struct img_check *c, bool lossy)
{
	uint64_t leaf, i;

	for (leaf = 0; leaf < c->reached.nr_leaves; leaf++) {
		bool unsure = c->incomplete && !lossy && c->used.leaf[leaf];
		uint8_t *to;

		if (!c->reached.leaf[leaf] && !unsure)
			continue;
		to = bits_leaf(&w->used, leaf);
		if (!to || bits_change(&w->touched, leaf, 1, true))
			return vl_error(ENOMEM, "bitmap");
		if (c->reached.leaf[leaf])
			memcpy(to, c->reached.leaf[leaf], IMG_BLOCK);
		/* What could not be looked into may reach anything that is in use. */
		for (i = 0; unsure && i < IMG_BLOCK; i++)
			to[i] |= c->used.leaf[leaf][i];
	}
	w->free = w->sb.nr_blocks - bits_count(&w->used);
	for (leaf = 0; leaf < c->meta.nr_leaves; leaf++) {
		for (i = 0; c->meta.leaf[leaf] && i < IMG_MAP_BITS; i++) {
			int ret;

			if (!(c->meta.leaf[leaf][i >> 3] >> (i & 7) & 1))
				continue;
			ret = img_give(w, leaf * IMG_MAP_BITS + i, 1);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/*
 * What trees let go of here stays in use, as other volumes may share it: the check
 * that follows finds that nothing reaches it, and a second pass collects it.
 */
static int one_pass(struct img_check *c, bool lossy)
{
	struct img_writer *w = img_writer_new(&c->im);
	struct wvolume *v;
	uint32_t i;
	int ret;

	if (!w)
		return -ENOMEM;
	w->vol = calloc(c->nr_vol + 1, sizeof(*w->vol));
	ret = w->vol ? take_space(w, c, lossy) : vl_error(ENOMEM, "volumes");
	if (ret)
		goto out;
	w->keep = true;
	w->map.root = (struct img_entry){};
	w->sb.bitmap = (struct img_entry){};
	w->table.root = (struct img_entry){};
	for (i = 0; i < c->nr_vol; i++) {
		v = &w->vol[i];
		if (!c->vol[i].present)
			continue;
		v->v = c->vol[i].v;
		v->dirty = true;
		v->t = (struct wtree) {
			.w = w, .root = v->v.root, .depth = v->v.depth,
			.blocks = img_cluster_blocks(&w->sb),
		};
	}
	for (i = 0; i < c->nr_vol && !ret; i++)
		ret = mend_tree(w, &w->vol[i], &c->vol[i], lossy);
	if (!ret)
		ret = img_commit(w);
out:
	img_writer_free(w);
	return ret;
}

/**
 * img_repair() - mend what a check has found
 * @c: the check, whose store is open for writing; checked anew on return
 * @lossy: give up what cannot be read: it becomes holes
 *
 * Return: 0 if a commit was made; what is left is in @c. -EUCLEAN if
 * nothing can be done.
 */
int img_repair(struct img_check *c, bool lossy)
{
	struct store *st = c->im.st;
	unsigned int pass;
	int ret;

	if (c->table_lost && !lossy)
		return vl_error(EUCLEAN, "%s: a part of the table of volumes cannot be read",
				st->name);
	for (pass = 0; pass < 2 * IMG_MAX_DEPTH; pass++) {
		ret = one_pass(c, lossy);
		if (ret)
			return ret;
		img_check_end(c);
		ret = img_check(c, st);
		if (ret)
			return ret;
		if (c->hopeless + (lossy ? 0 : c->lossy) == img_check_found(c))
			return 0;
	}
	return 0;
}

/**
 * img_rescue() - make a superblock valid whose checksum is wrong
 * @st: image without a superblock, open for writing
 *
 * Only if all it says is possible, and the table of volumes is where it says. Whether
 * the rest is true a check will tell.
 *
 * Return: 0, -EUCLEAN if there is none like that.
 */
int img_rescue(struct store *st)
{
	uint8_t raw[IMG_BLOCK], node[IMG_BLOCK];
	struct img im = { .st = st };
	const char *wrong;
	unsigned int i;
	int ret;

	for (i = 0; i < 2; i++) {
		ret = st->read(st, raw, IMG_BLOCK, i * 16 * IMG_BLOCK);
		if (ret)
			return ret;
		wrong = img_super_load(&im.sb, raw, i * 16);
		if (!wrong || strcmp(wrong, "wrong checksum") || img_super_rules(&im.sb) ||
		    img_place(im.sb.epoch) != i * 16 || img_hole(&im.sb.volumes) ||
		    img_read(&im, &im.sb.volumes, node))
			continue;
		im.sb.incompat &= IMG_INCOMPAT_BASE;
		img_super_store(raw, &im.sb);
		return st->write(st, raw, IMG_BLOCK, i * 16 * IMG_BLOCK) ?: st->flush(st);
	}
	return vl_error(EUCLEAN, "%s: no superblock that could be believed", st->name);
}
