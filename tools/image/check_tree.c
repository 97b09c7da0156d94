// SPDX-License-Identifier: GPL-2.0
/*
 * A volume's tree, side by side with the tree of its neighbour: checks 2 and 4. The
 * neighbour is the older one, and of a volume that is being deleted, the newer one.
 * Where the entries are equal the two share, and the neighbour's walk has
 * counted; all else has to be the volume's own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "check.h"

#define U(x) ((unsigned long long)(x))

/* Where the neighbour is at the same place. */
struct beside {
	struct img_entry e;
	unsigned int level;
	/* Something on the way down could not be read. */
	bool unknown;
};

struct walk {
	struct img_check *c;
	struct img_checked_volume *v;
	struct img_checked_volume *n;
	/* Births up to this one are the neighbour's, or whoever else's. */
	uint64_t shared;
	uint64_t clusters;
	unsigned int blocks;
};

static int add_spot(struct img_checked_volume *v, const struct img_spot *s)
{
	struct img_spot *more = realloc(v->spot, (v->nr_spots + 1) * sizeof(*more));

	if (!more)
		return vl_error(ENOMEM, "damage");
	v->spot = more;
	more[v->nr_spots++] = *s;
	return 0;
}

/* What is shared is damaged in all that share it. */
static int inherit_spots(struct walk *w, struct img_checked_volume *from, unsigned int level,
			 uint64_t leaf)
{
	size_t i;
	int ret;

	for (i = 0; i < from->nr_spots; i++) {
		if (from->spot[i].level > level || (from->spot[i].leaf ^ leaf) >> 8 * level)
			continue;
		ret = add_spot(w->v, &from->spot[i]);
		if (ret)
			return ret;
	}
	return 0;
}

enum mend { DROP, COPY, RENEW };

static int damaged(struct walk *w, enum img_damage what, enum mend mend,
		   const struct img_entry *e, unsigned int level, uint64_t leaf,
		   const char *wrong)
{
	bool whole = mend == DROP && leaf >= w->clusters;
	struct img_spot s = {
		.leaf = leaf, .level = level, .lossy = !whole,
		.own = mend == COPY, .renew = mend == RENEW,
	};

	img_damaged(w->c, what, whole ? REMEDY_WHOLE : REMEDY_LOSSY,
		    "volume %u \"%s\", %llu bytes at %llu: block %llu: %s",
		    w->v->v.number, w->v->v.name,
		    U((1ULL << 8 * level) << w->c->im.sb.shift), U(leaf << w->c->im.sb.shift),
		    U(e->addr), wrong);
	return add_spot(w->v, &s);
}

static int check_data(struct walk *w, const struct img_entry *e, uint64_t leaf)
{
	size_t size = 1UL << w->c->im.sb.shift;
	uint8_t raw[65536];
	int ret;

	if (!w->c->im.sb.data_crc || w->c->skip_data)
		return 0;
	ret = w->c->im.st->read(w->c->im.st, raw, size, e->addr * IMG_BLOCK);
	if (ret)
		return ret;
	if (img_crc(raw, size) == e->sum)
		return 0;
	return damaged(w, DAMAGE_DATA, COPY, e, 0, leaf, "data: wrong checksum");
}

/* The neighbour's node, if it is at this level; false: it has none that can be read. */
static bool beside_node(struct walk *w, struct beside *b, unsigned int level, uint8_t *raw)
{
	if (b->level != level || img_hole(&b->e) || b->unknown)
		return false;
	if (img_entry_rules(&w->c->im.sb, &b->e, w->c->im.sb.epoch, 0) ||
	    img_read(&w->c->im, &b->e, raw)) {
		b->unknown = true;
		return false;
	}
	return true;
}

static struct beside beside_kid(const struct beside *b, bool node, const uint8_t *raw,
				unsigned int level, unsigned int i)
{
	struct beside k = { .level = level - 1, .unknown = b->unknown };

	if (node)
		k.e = img_entry_load(raw + i * 16);
	else if (b->level < level && !i)
		k = *b;	/* a smaller tree is all below the first entry */
	return k;
}

static int walk(struct walk *w, const struct img_entry *e, unsigned int level, uint64_t leaf,
		uint64_t birth, const struct beside *b);

static int walk_node(struct walk *w, const struct img_entry *e, unsigned int level, uint64_t leaf,
		     struct beside b)
{
	uint8_t (*raw)[IMG_BLOCK] = malloc(2 * IMG_BLOCK);
	struct img_entry k;
	struct beside kid;
	unsigned int i;
	bool node;
	int ret;

	if (!raw)
		return vl_error(ENOMEM, "a node");
	ret = img_read(&w->c->im, e, raw[0]);
	if (ret == -EUCLEAN) {
		w->c->incomplete = true;
		ret = damaged(w, DAMAGE_NODE, DROP, e, level, leaf, "wrong checksum");
		goto out;
	}
	node = beside_node(w, &b, level, raw[1]);
	for (i = 0; i < IMG_FAN && !ret; i++) {
		k = img_entry_load(raw[0] + i * 16);
		if (img_hole(&k))
			continue;
		kid = beside_kid(&b, node, raw[1], level, i);
		ret = walk(w, &k, level - 1, leaf | (uint64_t)i << 8 * (level - 1), e->birth,
			   &kid);
	}
out:
	free(raw);
	return ret;
}

static int walk(struct walk *w, const struct img_entry *e, unsigned int level, uint64_t leaf,
		uint64_t birth, const struct beside *b)
{
	unsigned int blocks = level ? 1 : w->blocks;
	const char *wrong;
	bool foreign;

	if (img_hole(e))
		return 0;
	/* Not its own any more, and perhaps nobody's: it is not followed. */
	if (w->v->v.state == IMG_DELETED && e->birth <= w->v->v.keep)
		return 0;
	if (b->level == level && img_entry_same(&b->e, e))
		return inherit_spots(w, w->n, level, leaf);
	wrong = img_entry_rules(&w->c->im.sb, e, birth, level ? 0 : w->blocks);
	if (wrong) {
		w->c->incomplete = true;
		return damaged(w, DAMAGE_NODE, DROP, e, level, leaf, wrong);
	}
	if (leaf >= w->clusters)
		return damaged(w, DAMAGE_NODE, DROP, e, level, leaf,
			       "beyond the end of the volume");
	/* Of a node that is to be said of everything below. */
	foreign = !level && e->birth <= w->shared && !b->unknown;
	if (e->flags & IMG_ENTRY_ZERO && !foreign)
		return 0;
	if (!(e->flags & IMG_ENTRY_ZERO) && !img_reach(w->c, e->addr, blocks)) {
		w->c->incomplete = true;
		return damaged(w, DAMAGE_SHARED, COPY, e, level, leaf,
			       "reached from two places");
	}
	if (foreign)
		return damaged(w, DAMAGE_SHARED, RENEW, e, level, leaf,
			       "from before its older neighbour, which has not got it");
	if (level)
		return walk_node(w, e, level, leaf, *b);
	w->v->clusters++;
	return check_data(w, e, leaf);
}

/* A neighbour's tree that is deeper: the part that this one can be compared with. */
static struct beside begin(struct walk *w, const struct img_volume *n, unsigned int depth)
{
	struct beside b = { .e = n->root, .level = n->depth };
	uint8_t raw[IMG_BLOCK];

	while (b.level > depth) {
		if (!beside_node(w, &b, b.level, raw)) {
			b.e = (struct img_entry){};
			b.level = depth;
			break;
		}
		b.e = img_entry_load(raw);
		b.level--;
	}
	return b;
}

int img_check_tree(struct img_check *c, uint32_t number)
{
	struct img_checked_volume *v = &c->vol[number];
	struct walk w = {
		.c = c, .v = v, .clusters = img_clusters(&c->im.sb, &v->v),
		.blocks = img_cluster_blocks(&c->im.sb),
	};
	struct beside b = {};

	if (v->beside >= 0) {
		w.n = &c->vol[v->beside];
		if (v->v.state != IMG_DELETED)
			w.shared = w.n->v.taken;
		b = begin(&w, &w.n->v, v->v.depth);
	}
	return walk(&w, &v->v.root, v->v.depth, 0, c->im.sb.epoch, &b);
}
