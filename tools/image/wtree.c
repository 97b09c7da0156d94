// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "writer.h"

/**
 * struct wnode - a node in memory
 * @kid: the nodes below that are in memory, too
 * @raw: its entries; what a dirty kid's will be is not known yet
 * @new_at: block that the next commit writes it to, or 0: not dirty
 */
struct wnode {
	struct wnode *kid[IMG_FAN];
	uint8_t raw[IMG_BLOCK];
	uint64_t new_at;
	bool dirty;
};

static unsigned int slot(uint64_t leaf, unsigned int level)
{
	return leaf >> 8 * (level - 1) & (IMG_FAN - 1);
}

/* The node that an entry of its parent leads to; an empty one for a hole. */
static struct wnode *load(struct wtree *t, const struct img_entry *e)
{
	struct wnode *n = calloc(1, sizeof(*n));
	const char *wrong;

	if (!n) {
		vl_error(ENOMEM, "a node");
		return NULL;
	}
	if (img_hole(e))
		return n;
	wrong = img_entry_rules(&t->w->sb, e, t->w->sb.epoch, 0);
	if (wrong)
		vl_error(EUCLEAN, "block %llu: %s", (unsigned long long)e->addr, wrong);
	else if (!img_read(&t->w->im, e, n->raw))
		return n;
	free(n);
	return NULL;
}

static struct wnode *step(struct wtree *t, struct wnode **place, const struct img_entry *e,
			  bool change)
{
	if (!*place)
		*place = load(t, e);
	if (*place && change && !(*place)->dirty) {
		(*place)->dirty = true;
		t->w->dirty_nodes++;
	}
	return *place;
}

/* A leaf's entry. */
int wtree_get(struct wtree *t, uint64_t leaf, struct img_entry *e)
{
	return wtree_at(t, 0, leaf, e);
}

/**
 * wtree_at() - an entry
 * @t: tree
 * @to: level of what it points to: 0 for a leaf's
 * @leaf: a leaf below it
 * @e: filled in
 */
int wtree_at(struct wtree *t, unsigned int to, uint64_t leaf, struct img_entry *e)
{
	struct wnode **place = &t->top, *n;
	unsigned int level;

	*e = t->root;
	for (level = t->depth; level > to; level--) {
		if (!*place && img_hole(e))
			return 0;
		n = step(t, place, e, false);
		if (!n)
			return -EUCLEAN;
		place = &n->kid[slot(leaf, level)];
		*e = img_entry_load(n->raw + slot(leaf, level) * 16);
	}
	return 0;
}

/**
 * wtree_set() - change an entry
 * @t: tree
 * @level: of what the entry points to: 0 for a leaf's
 * @leaf: a leaf below it
 * @e: what it is to be
 */
int wtree_set(struct wtree *t, unsigned int level, uint64_t leaf, const struct img_entry *e)
{
	struct wnode **place = &t->top, *n;
	struct img_entry at = t->root;
	unsigned int l;

	t->dirty = true;
	if (level == t->depth) {
		t->root = *e;
		wtree_forget(t);
		t->dirty = true;
		return 0;
	}
	for (l = t->depth; ; l--) {
		n = step(t, place, &at, true);
		if (!n)
			return -EUCLEAN;
		if (l == level + 1)
			break;
		place = &n->kid[slot(leaf, l)];
		at = img_entry_load(n->raw + slot(leaf, l) * 16);
	}
	img_entry_store(n->raw + slot(leaf, l) * 16, e);
	return 0;
}

static int give_old(struct wtree *t, const struct img_entry *old, uint64_t shared)
{
	if (img_hole(old) || old->birth <= shared)
		return 0;
	return img_give(t->w, old->addr, 1);
}

static int reserve(struct wtree *t, struct wnode *n, const struct img_entry *old, uint64_t shared)
{
	int64_t at;

	if (n->new_at)
		return 0;
	at = img_take(t->w, 1, false);
	if (at < 0)
		return at;
	n->new_at = at;
	return give_old(t, old, shared);
}

/**
 * wtree_reserve() - give the nodes on the way to a leaf their places now
 * @t: tree
 * @leaf: leaf
 * @shared: nodes of this birth or older are another's, too
 *
 * For the bitmap, which has to say where its own nodes are.
 */
int wtree_reserve(struct wtree *t, uint64_t leaf, uint64_t shared)
{
	struct wnode **place = &t->top, *n;
	struct img_entry at = t->root;
	unsigned int level;
	int ret;

	for (level = t->depth; level; level--) {
		n = step(t, place, &at, true);
		if (!n)
			return -EUCLEAN;
		ret = reserve(t, n, &at, shared);
		if (ret)
			return ret;
		place = &n->kid[slot(leaf, level)];
		at = img_entry_load(n->raw + slot(leaf, level) * 16);
	}
	t->dirty = true;
	return 0;
}

/* Bottom up: a parent has the checksums of its kids. */
static int write_node(struct wtree *t, struct wnode *n, struct img_entry *e, uint64_t shared)
{
	struct store *st = t->w->im.st;
	struct img_entry kid;
	unsigned int i;
	int ret;

	for (i = 0; i < IMG_FAN; i++) {
		if (!n->kid[i] || !n->kid[i]->dirty)
			continue;
		kid = img_entry_load(n->raw + i * 16);
		ret = write_node(t, n->kid[i], &kid, shared);
		if (ret)
			return ret;
		img_entry_store(n->raw + i * 16, &kid);
	}
	if (img_zeroes(n->raw, IMG_BLOCK) && !n->new_at) {
		/* Nothing below any more. */
		ret = give_old(t, e, shared);
		*e = (struct img_entry){};
	} else {
		ret = reserve(t, n, e, shared);
		if (!ret)
			ret = st->write(st, n->raw, IMG_BLOCK, n->new_at * IMG_BLOCK);
		*e = (struct img_entry) {
			.addr = n->new_at,
			.birth = t->w->sb.epoch,
			.sum = img_crc(n->raw, IMG_BLOCK),
		};
	}
	n->dirty = false;
	n->new_at = 0;
	return ret;
}

/**
 * wtree_commit() - write what has changed
 * @t: tree, whose root is then up to date
 * @shared: nodes of this birth or older are another's, too
 */
int wtree_commit(struct wtree *t, uint64_t shared)
{
	int ret = 0;

	if (t->top && t->top->dirty)
		ret = write_node(t, t->top, &t->root, shared);
	t->dirty = false;
	return ret;
}

static void forget(struct wnode *n)
{
	unsigned int i;

	if (!n)
		return;
	for (i = 0; i < IMG_FAN; i++)
		forget(n->kid[i]);
	free(n);
}

/* Give the memory back; what has not been committed is lost. */
void wtree_forget(struct wtree *t)
{
	forget(t->top);
	t->top = NULL;
	t->dirty = false;
}
