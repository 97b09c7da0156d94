// SPDX-License-Identifier: GPL-2.0
/* A volume's map: what is where, who works on which clusters, and changes. */

#include <linux/slab.h>

#include "image.h"

/**
 * vb_map_find() - a leaf's entry
 * @vol: volume
 * @leaf: which cluster
 * @e: its entry
 *
 * Context: may sleep and read.
 *
 * Return: 0 or a negative errno.
 */
int vb_map_find(struct vb_vol *vol, u64 leaf, struct vb_entry *e)
{
	struct vb_tree *t = &vol->tree;
	struct vb_node *n;
	int ret;

	for (;;) {
		spin_lock(&t->lock);
		ret = vb_tree_peek(t, leaf, e);
		spin_unlock(&t->lock);
		if (ret != -EAGAIN)
			return ret;
		n = vb_tree_get(t, 1, leaf >> 8, false);
		if (IS_ERR(n))
			return PTR_ERR(n);
		vb_tree_put(t, n);
	}
}

/**
 * vb_map_hole() - how many leaves there are in a row of which the map has nothing at all
 * @vol: volume
 * @leaf: the first
 *
 * As long as a node above is a hole, so is what is below it.
 *
 * Context: may sleep and read.
 *
 * Return: how many; 0: there is a node with entries of @leaf's; or a negative errno.
 */
s64 vb_map_hole(struct vb_vol *vol, u64 leaf)
{
	struct vb_tree *t = &vol->tree;
	unsigned int level;
	struct vb_entry e;
	u64 leaves;
	int ret;

	for (level = READ_ONCE(t->depth); level; level--) {
		ret = vb_tree_entry(t, level, leaf >> 8 * level, &e);
		if (ret < 0)
			return ret;
		leaves = 1ULL << 8 * level;
		if (!ret && vb_entry_is_hole(&e))
			return leaves - (leaf & (leaves - 1));
	}
	return 0;
}

/* Does somebody work on any of these clusters? vol->tree.lock is held. */
bool vb_span_meets(struct vb_vol *vol, u64 first, u64 last)
{
	struct vb_span *s;

	lockdep_assert_held(&vol->tree.lock);
	list_for_each_entry(s, &vol->spans, node)
		if (s->first <= last && s->last >= first)
			return true;
	return false;
}

static bool try_span(struct vb_vol *vol, struct vb_span *s)
{
	bool mine;

	spin_lock(&vol->tree.lock);
	mine = !vb_span_meets(vol, s->first, s->last);
	if (mine)
		list_add(&s->node, &vol->spans);
	spin_unlock(&vol->tree.lock);
	return mine;
}

/**
 * vb_span_lock() - have clusters for oneself, against all who write
 * @vol: volume
 * @s: the caller's
 * @first: the first
 * @last: the last
 */
void vb_span_lock(struct vb_vol *vol, struct vb_span *s, u64 first, u64 last)
{
	s->first = first;
	s->last = last;
	wait_event(vol->wait, try_span(vol, s));
}

void vb_span_unlock(struct vb_vol *vol, struct vb_span *s)
{
	spin_lock(&vol->tree.lock);
	list_del(&s->node);
	spin_unlock(&vol->tree.lock);
	wake_up_all(&vol->wait);
}

static void entry_at(struct vb_tree *t, struct vb_path *p, u64 leaf, struct vb_entry *e)
{
	if (p->node[1])
		vb_slot_get(p->node[1], leaf & (VB_FANOUT - 1), e);
	else
		*e = t->root;
}

static void set_entry(struct vb_tree *t, struct vb_path *p, u64 leaf, const struct vb_entry *e)
{
	if (p->node[1])
		vb_slot_set(p->node[1], leaf & (VB_FANOUT - 1), e);
	else
		t->root = *e;
}

/* A cluster that is given up by a change, and its region, which stays in memory for that. */
struct old {
	u64 block;
	struct vb_region *region;
};

static int find_old(struct vb_vol *vol, struct vb_path *p, u64 leaf, struct old *old)
{
	struct vb_region *r;
	struct vb_entry e;

	spin_lock(&vol->tree.lock);
	entry_at(&vol->tree, p, leaf, &e);
	spin_unlock(&vol->tree.lock);
	if (!e.block || e.birth <= vb_vol_others(vol, leaf))
		return 0;
	r = vb_region_get(vol->im, e.block / VB_REGION_BLOCKS);
	if (IS_ERR(r))
		return PTR_ERR(r);
	old->block = e.block;
	old->region = r;
	return 0;
}

static int change(struct vb_vol *vol, u64 leaf, u32 n, u64 block)
{
	u32 size = vb_cluster_blocks(vol->im), i;
	struct vb_image *im = vol->im;
	struct vb_tree *t = &vol->tree;
	struct vb_entry e = {};
	struct old old[VB_MAP_RUN] = {};
	struct vb_path p;
	int ret;

	lockdep_assert_held_read(&im->change);
	if (im->error)
		return -EROFS;
	ret = vb_path_get(t, 1, leaf >> 8, &p);
	if (ret)
		return ret;
	for (i = 0; !ret && i < n; i++)
		ret = find_old(vol, &p, leaf + i, &old[i]);
	if (ret)
		goto out;
	spin_lock(&t->lock);
	for (i = 0; i < n; i++) {
		if (block) {
			e.block = block + i * size;
			e.birth = im->next.epoch;
		}
		set_entry(t, &p, leaf + i, &e);
	}
	vb_path_dirty(t, &p);
	spin_unlock(&t->lock);
	vb_vol_changed(vol);
	if (block)
		vb_space_use(im, block, n * size);
	for (i = 0; !ret && i < n; i++)
		if (old[i].region)
			ret = vb_space_give(im, old[i].block, size);
out:
	for (i = 0; i < n; i++)
		vb_region_put(im, old[i].region);
	vb_path_put(t, &p);
	return ret;
}

/**
 * vb_map_set() - clusters get a new place, or become holes
 * @vol: volume; the caller has their span
 * @leaf: the first
 * @n: how many, up to VB_MAP_RUN, all in one node
 * @block: their new place, given out by vb_space_data(), or 0 for holes
 *
 * Their old places are given up if they are the volume's own. Until the commit the
 * promise that a path of nodes can be written is the caller's.
 *
 * Return: 0 or a negative errno.
 */
int vb_map_set(struct vb_vol *vol, u64 leaf, u32 n, u64 block)
{
	struct vb_image *im = vol->im;
	int ret;

	down_read(&im->change);
	ret = change(vol, leaf, n, block);
	up_read(&im->change);
	vb_commit_soon(im, vb_space_crowded(im, false));
	return ret;
}
