// SPDX-License-Identifier: GPL-2.0
/* The volumes of an image: their records, and whose blocks are whose. */

#include <linux/slab.h>

#include "image.h"

struct vb_vol *vb_vol_new(struct vb_image *im, const struct vb_volume *rec)
{
	struct vb_vol *vol = kzalloc(sizeof(*vol), GFP_NOIO);

	if (!vol)
		return NULL;
	vol->im = im;
	vol->rec = *rec;
	vb_tree_init(&vol->tree, im, &rec->root, rec->depth, 1, VB_DATA);
	INIT_LIST_HEAD(&vol->link);
	INIT_LIST_HEAD(&vol->watchers);
	INIT_LIST_HEAD(&vol->watch);
	INIT_LIST_HEAD(&vol->spans);
	init_waitqueue_head(&vol->wait);
	vol->inplace = U64_MAX;
	return vol;
}

void vb_vol_free(struct vb_vol *vol)
{
	vb_tree_exit(&vol->tree);
	kfree(vol);
}

struct vb_vol *vb_vol_find(struct vb_image *im, u32 number)
{
	return xa_load(&im->volumes, number);
}

/* The next commit looks at it. im->change is held. */
void vb_vol_changed(struct vb_vol *vol)
{
	if (READ_ONCE(vol->changed))
		return;
	WRITE_ONCE(vol->changed, true);
	xa_set_mark(&vol->im->volumes, vol->rec.number, VB_CHANGED);
	WRITE_ONCE(vol->im->changed, true);
}

/**
 * vb_vol_others() - up to which birth are a volume's blocks another's, too?
 * @vol: whose
 * @leaf: where
 *
 * Context: im->change is held.
 *
 * Return: an epoch; what is born later is this volume's to free.
 */
u64 vb_vol_others(struct vb_vol *vol, u64 leaf)
{
	return max(vol->own, vb_watch_border(vol, leaf));
}

static u64 taken(struct vb_image *im, u32 number)
{
	struct vb_vol *vol = number == VB_NO_VOLUME ? NULL : vb_vol_find(im, number);

	return vol ? vol->rec.taken : 0;
}

/**
 * vb_vol_settle() - whose blocks are whose, from the records
 * @vol: volume
 *
 * Context: im->change is held for writing; what is in memory is durable, or is about
 * to be and raises the border only.
 */
void vb_vol_settle(struct vb_vol *vol)
{
	struct vb_image *im = vol->im;
	struct vb_vol *w;
	u64 border;

	vol->own = vol->rec.state == VB_VOLUME_DELETED ? vol->rec.keep :
		   taken(im, vol->rec.older);
	if (vol->stopped)
		return;
	border = vol->own;
	list_for_each_entry(w, &vol->watchers, watch)
		border = max(border, w->rec.taken);
	spin_lock(&vol->tree.lock);
	vol->inplace = border;
	spin_unlock(&vol->tree.lock);
}

/* Do the links of a record lead to what they should? */
static bool links_good(struct vb_image *im, const struct vb_vol *vol)
{
	const struct vb_volume *r = &vol->rec;
	struct vb_vol *v;

	if (r->older != VB_NO_VOLUME) {
		v = vb_vol_find(im, r->older);
		if (!v || r->state == VB_VOLUME_DELETED || v->rec.state < VB_VOLUME_SNAPSHOT ||
		    v->rec.state > VB_VOLUME_HIDDEN || v == vol)
			return false;
		if (r->state != VB_VOLUME_LIVE && v->rec.taken >= r->taken)
			return false;
	}
	if (r->newer != VB_NO_VOLUME) {
		v = vb_vol_find(im, r->newer);
		if (!v || r->state == VB_VOLUME_LIVE || v == vol)
			return false;
		if (r->state != VB_VOLUME_DELETED && v->rec.older != r->number)
			return false;
	}
	return r->state == VB_VOLUME_LIVE || r->taken;
}

static int read_leaf(struct vb_image *im, u32 leaf)
{
	struct vb_node *n = vb_tree_get(&im->table, 0, leaf, false);
	struct vb_volume rec;
	struct vb_vol *vol;
	u32 i, number;
	int ret = 0;

	if (IS_ERR_OR_NULL(n))
		return PTR_ERR_OR_ZERO(n);
	for (i = 0; i < 16; i++) {
		number = leaf * 16 + i;
		ret = vb_volume_unpack(&im->super, &rec, (u8 *)n->data + i * VB_VOLUME_BYTES,
				       number);
		if (ret == -ENOENT) {
			ret = 0;
			continue;
		}
		if (ret)
			break;
		vol = vb_vol_new(im, &rec);
		ret = vol ? xa_err(xa_store(&im->volumes, number, vol, GFP_KERNEL)) : -ENOMEM;
		if (ret) {
			if (vol)
				vb_vol_free(vol);
			break;
		}
		im->nr_volumes++;
	}
	vb_tree_put(&im->table, n);
	return ret;
}

/**
 * vb_vols_read() - read the table of volumes
 * @im: image that is being opened
 *
 * Return: 0 or a negative errno.
 */
int vb_vols_read(struct vb_image *im)
{
	struct vb_entry e;
	struct vb_vol *vol;
	unsigned long number;
	u32 leaf;
	int ret;

	for (leaf = 0; leaf < DIV_ROUND_UP(im->super.next_volume, 16); leaf++) {
		/* Nothing is below a hole. */
		ret = vb_tree_entry(&im->table, 1, leaf >> 8, &e);
		if (ret < 0)
			return ret;
		if (vb_entry_is_hole(&e)) {
			leaf |= 255;
			continue;
		}
		ret = read_leaf(im, leaf);
		if (ret)
			return ret;
	}
	im->next_volume = im->super.next_volume;
	if (im->nr_volumes != im->super.nr_volumes)
		return -EUCLEAN;
	xa_for_each(&im->volumes, number, vol) {
		if (!links_good(im, vol))
			return -EUCLEAN;
		cond_resched();
	}
	down_write(&im->change);
	ret = vb_doomed_read(im);
	xa_for_each(&im->volumes, number, vol) {
		vb_vol_settle(vol);
		cond_resched();
	}
	up_write(&im->change);
	return ret;
}

static int write_record(struct vb_image *im, struct vb_vol *vol)
{
	struct vb_path p;
	u8 *raw;
	int ret;

	vol->rec.root = vol->tree.root;
	vol->rec.depth = vol->tree.depth;
	ret = vb_path_get(&im->table, 0, vol->rec.number >> 4, &p);
	if (ret)
		return ret;
	raw = (u8 *)p.node[0]->data + (vol->rec.number & 15) * VB_VOLUME_BYTES;
	spin_lock(&im->table.lock);
	if (vol->gone)
		memset(raw, 0, VB_VOLUME_BYTES);
	else
		vb_volume_pack(raw, &vol->rec);
	vb_path_dirty(&im->table, &p);
	spin_unlock(&im->table.lock);
	vb_path_put(&im->table, &p);
	return 0;
}

/* Changed records go to the table. Part of a commit. */
int vb_vols_write(struct vb_image *im)
{
	struct vb_vol *vol;
	unsigned long number;
	int ret;

	xa_for_each_marked(&im->volumes, number, vol, VB_CHANGED) {
		ret = write_record(im, vol);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/*
 * A commit is durable: what it deleted is gone, and who owns what is settled, of those
 * that an operation has changed.
 */
void vb_vols_durable(struct vb_image *im)
{
	struct vb_vol *vol;
	unsigned long number;

	xa_for_each_marked(&im->volumes, number, vol, VB_CHANGED) {
		xa_clear_mark(&im->volumes, number, VB_CHANGED);
		vol->changed = false;
		if (vol->gone) {
			xa_erase(&im->volumes, number);
			vb_vol_free(vol);
		} else if (im->ops) {
			vb_vol_settle(vol);
		}
		cond_resched();
	}
	im->ops = false;
}

static struct vb_entry place(struct vb_image *im, struct vb_node *n, bool data, int *ret)
{
	struct vb_entry e = {};

	*ret = 0;
	/* A map's node without entries becomes a hole. */
	if (data && !memchr_inv(n->data, 0, VB_BLOCK))
		return e;
	*ret = vb_space_meta(im, &e.block);
	e.birth = im->next.epoch;
	e.crc = vb_crc32c(n->data, VB_BLOCK);
	return e;
}

static int write_node(struct vb_tree *t, struct vb_vol *vol, struct vb_node *n)
{
	struct vb_entry old = n->where, e;
	struct vb_node *parent;
	int ret;

	e = place(t->im, n, vol, &ret);
	if (ret)
		return ret;
	if (!vb_entry_is_hole(&old) &&
	    (!vol || old.birth > vb_vol_others(vol, n->index << 8 * n->level))) {
		ret = vb_space_give(t->im, old.block, 1);
		if (ret)
			return ret;
	}
	spin_lock(&t->lock);
	n->where = e;
	parent = n->level < t->depth ? xa_load(&t->nodes[n->level + 1], n->index >> 8) : NULL;
	if (parent)
		vb_slot_set(parent, n->index & (VB_FANOUT - 1), &e);
	else
		t->root = e;
	spin_unlock(&t->lock);
	return vb_entry_is_hole(&e) ? 0 : vb_meta_out(t->im, e.block, virt_to_page(n->data));
}

/**
 * vb_tree_write() - write the nodes that have changed, and pass on where they are
 * @t: tree
 * @vol: whose, or NULL: all that it had before is its own
 *
 * Context: a commit, with im->change held for writing.
 *
 * Return: 0 or a negative errno.
 */
int vb_tree_write(struct vb_tree *t, struct vb_vol *vol)
{
	struct vb_node *n, *next;
	unsigned int level;
	int ret;

	for (level = t->bottom; level <= t->depth; level++) {
		list_for_each_entry(n, &t->dirty[level], link) {
			ret = write_node(t, vol, n);
			if (ret)
				return ret;
		}
		/* They may go from memory only after that. */
		ret = vb_meta_out_end(t->im);
		if (ret)
			return ret;
		spin_lock(&t->lock);
		list_for_each_entry_safe(n, next, &t->dirty[level], link) {
			list_del_init(&n->link);
			n->dirty = false;
			vb_space_node(t->im, 1, false);
		}
		spin_unlock(&t->lock);
	}
	return 0;
}
