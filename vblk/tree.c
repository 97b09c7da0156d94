// SPDX-License-Identifier: GPL-2.0
/*
 * Trees of nodes, loaded as they are needed. A node is checked as a whole when it
 * is loaded; entries in memory are good.
 *
 * A node is loaded by who holds its load lock, so that there is never a second copy.
 * He has a reference to the node above, which keeps that, and with it the entry that
 * leads here: entries of nodes that are not in memory do not change.
 */

#include <linux/hash.h>
#include <linux/slab.h>

#include "image.h"

void vb_slot_get(const struct vb_node *n, unsigned int i, struct vb_entry *e)
{
	u64 a = le64_to_cpu(n->data[2 * i]), b = le64_to_cpu(n->data[2 * i + 1]);

	e->block = a & (VB_MAX_BLOCKS - 1);
	e->flags = a >> 40;
	e->birth = a >> 48 | (b & U32_MAX) << 16;
	e->crc = b >> 32;
}

void vb_slot_set(struct vb_node *n, unsigned int i, const struct vb_entry *e)
{
	n->data[2 * i] = cpu_to_le64(e->block | (u64)e->flags << 40 | e->birth << 48);
	n->data[2 * i + 1] = cpu_to_le64(e->birth >> 16 | (u64)e->crc << 32);
}

/**
 * vb_tree_init() - a tree none of whose nodes is in memory
 * @t: filled in
 * @im: image
 * @root: entry of its root
 * @depth: of it
 * @bottom: 1, or 0 if the leaves are blocks that are to be nodes, too
 * @target: what the leaves are
 */
void vb_tree_init(struct vb_tree *t, struct vb_image *im, const struct vb_entry *root,
		  unsigned int depth, unsigned int bottom, enum vb_target target)
{
	unsigned int i;

	t->im = im;
	spin_lock_init(&t->lock);
	t->root = *root;
	t->depth = depth;
	t->bottom = bottom;
	t->target = target;
	for (i = 0; i <= VB_TREE_MAX_DEPTH; i++) {
		xa_init(&t->nodes[i]);
		INIT_LIST_HEAD(&t->dirty[i]);
	}
}

void vb_tree_exit(struct vb_tree *t)
{
	vb_cache_drop(t);
}

/* One that is in memory, referenced. */
static struct vb_node *find(struct vb_tree *t, unsigned int level, u64 index)
{
	struct vb_node *n;

	spin_lock(&t->lock);
	n = xa_load(&t->nodes[level], index);
	if (n) {
		n->refs++;
		n->used = true;
	}
	spin_unlock(&t->lock);
	return n;
}

void vb_tree_put(struct vb_tree *t, struct vb_node *n)
{
	if (!n)
		return;
	spin_lock(&t->lock);
	n->refs--;
	spin_unlock(&t->lock);
}

static bool good(struct vb_tree *t, const struct vb_node *n)
{
	enum vb_target target = n->level > 1 ? VB_NODE : t->target;
	struct vb_entry e;
	unsigned int i;

	/* Records check themselves when they are used. */
	if (!n->level)
		return true;
	for (i = 0; i < VB_FANOUT; i++) {
		vb_slot_get(n, i, &e);
		if (vb_entry_check(&t->im->next, &e, n->where.birth, target))
			return false;
	}
	return true;
}

static struct vb_node *load(struct vb_tree *t, unsigned int level, u64 index,
			    const struct vb_entry *e)
{
	struct vb_node *n = vb_node_alloc(t->im);
	int ret;

	n->tree = t;
	n->level = level;
	n->index = index;
	n->where = *e;
	n->refs = 1;
	n->used = true;
	if (!vb_entry_is_hole(e)) {
		ret = vb_meta_read(t->im, e->block, n->data);
		if (!ret && (vb_crc32c(n->data, VB_BLOCK) != e->crc || !good(t, n)))
			ret = -EUCLEAN;
		if (ret) {
			/* Of the caller's: he has no memory, or is being killed. */
			if (ret != -ENOMEM && ret != -EINTR)
				vb_image_fail(t->im, ret, "reading a node");
			vb_node_free(n);
			return ERR_PTR(ret);
		}
	}
	ret = xa_insert(&t->nodes[level], index, n, VB_GFP_SURE);
	if (ret) {
		vb_node_free(n);
		return ERR_PTR(ret);
	}
	vb_cache_add(t->im, n);
	return n;
}

static struct vb_node *get_child(struct vb_tree *t, unsigned int level, u64 index, bool make,
				 struct vb_node *parent, u8 depth)
{
	struct mutex *lock = &t->im->load[hash_long((unsigned long)t + index * 8 + level,
						    ilog2(VB_LOAD_LOCKS))];
	struct vb_node *n;
	struct vb_entry e;

	mutex_lock(lock);
	n = find(t, level, index);
	if (n)
		goto out;
	spin_lock(&t->lock);
	if (parent)
		vb_slot_get(parent, index & (VB_FANOUT - 1), &e);
	else
		e = t->root;
	/* It has grown, and what was the root is not any more. */
	if (t->depth != depth && !parent)
		n = ERR_PTR(-EAGAIN);
	spin_unlock(&t->lock);
	if (!n && (make || !vb_entry_is_hole(&e)))
		n = load(t, level, index, &e);
out:
	mutex_unlock(lock);
	return n;
}

/**
 * vb_tree_get() - a node
 * @t: tree
 * @level: of it
 * @index: which
 * @make: if there is none, make one of holes, which has no place in the image yet;
 *	only with im->change held
 *
 * Context: may sleep and read.
 *
 * Return: it, referenced; NULL if there is a hole; or an error pointer.
 */
struct vb_node *vb_tree_get(struct vb_tree *t, unsigned int level, u64 index, bool make)
{
	struct vb_node *n, *parent;
	u8 depth;

	do {
		n = find(t, level, index);
		if (n)
			return n;
		depth = READ_ONCE(t->depth);
		parent = NULL;
		if (level > depth)
			return NULL;
		if (level < depth) {
			parent = vb_tree_get(t, level + 1, index >> 8, make);
			if (IS_ERR_OR_NULL(parent))
				return parent;
		} else if (index) {
			return NULL;
		}
		n = get_child(t, level, index, make, parent, depth);
		vb_tree_put(t, parent);
	} while (n == ERR_PTR(-EAGAIN));
	return n;
}

/**
 * vb_tree_entry() - the entry that leads to a subtree
 * @t: tree
 * @level: of the subtree's root; 0 for a leaf
 * @index: which
 * @e: the entry
 *
 * Return: 1 if what it leads to is changed in memory, so that the entry is old; 0; or a
 * negative errno, -ERANGE if the tree is not that deep.
 */
int vb_tree_entry(struct vb_tree *t, unsigned int level, u64 index, struct vb_entry *e)
{
	struct vb_node *parent = NULL, *n;
	int ret = 0;

	if (level > t->depth)
		return -ERANGE;
	*e = (struct vb_entry){};
	if (level < t->depth) {
		parent = vb_tree_get(t, level + 1, index >> 8, false);
		if (IS_ERR(parent))
			return PTR_ERR(parent);
		if (!parent)
			return 0;
	} else if (index) {
		return 0;
	}
	spin_lock(&t->lock);
	if (parent)
		vb_slot_get(parent, index & (VB_FANOUT - 1), e);
	else
		*e = t->root;
	n = level >= t->bottom ? xa_load(&t->nodes[level], index) : NULL;
	if (n && n->dirty)
		ret = 1;
	spin_unlock(&t->lock);
	vb_tree_put(t, parent);
	return ret;
}

/**
 * vb_path_get() - a node and all above it, in memory
 * @t: tree
 * @level: of the lowest; above the depth: an empty path
 * @index: which
 * @p: filled in, referenced
 *
 * Context: im->change is held; may sleep and read.
 *
 * Return: 0 or a negative errno.
 */
int vb_path_get(struct vb_tree *t, unsigned int level, u64 index, struct vb_path *p)
{
	struct vb_node *n;
	unsigned int l;

	memset(p, 0, sizeof(*p));
	for (l = t->depth; l >= level && l >= 1; l--) {
		n = vb_tree_get(t, l, index >> 8 * (l - level), true);
		if (IS_ERR_OR_NULL(n)) {
			vb_path_put(t, p);
			return n ? PTR_ERR(n) : -ERANGE;
		}
		p->node[l] = n;
	}
	if (level)
		return 0;
	n = vb_tree_get(t, 0, index, true);
	if (IS_ERR_OR_NULL(n)) {
		vb_path_put(t, p);
		return n ? PTR_ERR(n) : -ERANGE;
	}
	p->node[0] = n;
	return 0;
}

void vb_path_put(struct vb_tree *t, struct vb_path *p)
{
	unsigned int l;

	for (l = 0; l <= VB_TREE_MAX_DEPTH; l++) {
		vb_tree_put(t, p->node[l]);
		p->node[l] = NULL;
	}
}

/**
 * vb_path_dirty() - the next commit writes all of a path
 * @t: tree
 * @p: from vb_path_get()
 *
 * Context: im->change and t->lock are held; of what it needs enough is promised.
 */
void vb_path_dirty(struct vb_tree *t, struct vb_path *p)
{
	unsigned int l, nr = 0;

	lockdep_assert_held(&t->lock);
	for (l = 0; l <= VB_TREE_MAX_DEPTH; l++) {
		struct vb_node *n = p->node[l];

		if (!n || n->dirty)
			continue;
		n->dirty = true;
		list_add_tail(&n->link, &t->dirty[l]);
		nr++;
	}
	vb_space_node(t->im, nr, true);
	WRITE_ONCE(t->im->changed, true);
}

/**
 * vb_tree_change() - set the entry that leads to a subtree
 * @t: tree
 * @level: of the subtree's root; 0 for a leaf
 * @index: which
 * @e: the entry
 *
 * Context: im->change is held for writing. The root's owner is told by nobody.
 *
 * Return: 0 or a negative errno.
 */
int vb_tree_change(struct vb_tree *t, unsigned int level, u64 index, const struct vb_entry *e)
{
	struct vb_path p;
	int ret;

	if (level == t->depth) {
		spin_lock(&t->lock);
		t->root = *e;
		spin_unlock(&t->lock);
		WRITE_ONCE(t->im->changed, true);
		return 0;
	}
	ret = vb_path_get(t, level + 1, index >> 8, &p);
	if (ret)
		return ret;
	spin_lock(&t->lock);
	vb_slot_set(p.node[level + 1], index & (VB_FANOUT - 1), e);
	vb_path_dirty(t, &p);
	spin_unlock(&t->lock);
	vb_path_put(t, &p);
	return 0;
}

/**
 * vb_tree_peek() - a leaf's entry, from memory
 * @t: tree
 * @leaf: which
 * @e: the entry
 *
 * Context: t->lock is held.
 *
 * Return: 0, or -EAGAIN if a node must be loaded.
 */
int vb_tree_peek(struct vb_tree *t, u64 leaf, struct vb_entry *e)
{
	struct vb_node *n;
	unsigned int l;

	lockdep_assert_held(&t->lock);
	for (l = 1; l <= t->depth; l++) {
		n = xa_load(&t->nodes[l], leaf >> 8 * l);
		if (!n)
			continue;
		if (!n->used)
			n->used = true;
		vb_slot_get(n, vb_tree_index(leaf, l), e);
		return l == 1 || vb_entry_is_hole(e) ? 0 : -EAGAIN;
	}
	*e = t->root;
	return !t->depth || vb_entry_is_hole(e) ? 0 : -EAGAIN;
}

/**
 * vb_tree_grow() - cover more leaves
 * @t: tree
 * @depth: new; nothing happens if it is no larger
 *
 * Context: im->change is held for writing.
 *
 * Return: 0 or a negative errno, with the tree as deep as it got.
 */
int vb_tree_grow(struct vb_tree *t, unsigned int depth)
{
	struct vb_path p = {};
	struct vb_node *n;
	int ret;

	while (t->depth < depth) {
		if (vb_entry_is_hole(&t->root) && list_empty(&t->dirty[t->depth])) {
			spin_lock(&t->lock);
			t->depth++;
			spin_unlock(&t->lock);
			continue;
		}
		n = vb_node_alloc(t->im);
		n->tree = t;
		n->level = t->depth + 1;
		n->used = true;
		n->refs = 1;
		ret = xa_insert(&t->nodes[n->level], 0, n, VB_GFP_SURE);
		if (ret) {
			vb_node_free(n);
			return ret;
		}
		spin_lock(&t->lock);
		vb_slot_set(n, 0, &t->root);
		t->root = (struct vb_entry){};
		t->depth++;
		memset(&p, 0, sizeof(p));
		p.node[n->level] = n;
		vb_path_dirty(t, &p);
		spin_unlock(&t->lock);
		vb_cache_add(t->im, n);
		vb_tree_put(t, n);
	}
	return 0;
}
