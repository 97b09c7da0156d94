// SPDX-License-Identifier: GPL-2.0
/* What is not the same in two volumes: their maps, walked together. */

#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "image.h"

/* Subtrees and clusters that one call looks at. */
#define LOOKS 65536

static int entry(struct vb_vol *vol, unsigned int level, u64 index, struct vb_entry *e,
		 bool *old)
{
	int ret;

	*e = (struct vb_entry){};
	if (!vol)
		return 0;
	ret = vb_tree_entry(&vol->tree, level, index, e);
	if (ret == -ERANGE) {
		/* Above its root: another subtree only if the root is in it. */
		if (index)
			return 0;
		spin_lock(&vol->tree.lock);
		*e = vol->tree.root;
		spin_unlock(&vol->tree.lock);
		*old |= !vb_entry_is_hole(e);
		return 0;
	}
	*old |= ret == 1;
	return min(ret, 0);
}

struct walk {
	struct vb_vol *base;
	struct vb_vol *vol;
	u64 at;
	unsigned int looks;
	u64 leaves;	/* of what was found at @at */
	bool differs;
	bool zero;
};

/* The largest subtree at w->at that is the same, or a cluster that is not. */
static int look(struct walk *w)
{
	unsigned int level = w->vol->tree.depth;
	struct vb_entry a, b;
	bool old;
	int ret;

	if (w->base)
		level = max_t(unsigned int, level, w->base->tree.depth);
	while (level && w->at & ((1ULL << 8 * level) - 1))
		level--;
	for (;; level--) {
		w->looks++;
		old = false;
		ret = entry(w->base, level, w->at >> 8 * level, &a, &old) ?:
		      entry(w->vol, level, w->at >> 8 * level, &b, &old);
		if (ret)
			return ret;
		w->leaves = 1ULL << 8 * level;
		/* Zeroes are zeroes, however they are said. */
		w->differs = a.block != b.block || (a.block && a.birth != b.birth);
		w->zero = !b.block;
		if (!level || (!old && !w->differs))
			return 0;
	}
}

/* The caller's array, and where the volume ends. */
struct out {
	struct vblk_extent __user *to;
	u32 max;
	u32 nr;
	u64 bytes;
	struct vblk_extent e;
};

static int put(struct out *o)
{
	if (!o->e.length)
		return 0;
	if (o->e.offset + o->e.length > o->bytes)
		o->e.length = o->bytes - o->e.offset;
	if (copy_to_user(o->to + o->nr, &o->e, sizeof(o->e)))
		return -EFAULT;
	o->nr++;
	o->e.length = 0;
	return 0;
}

static int walk(struct vb_image *im, struct walk *w, struct out *o)
{
	u32 shift = im->super.cluster_shift;
	u64 end = (o->bytes + (1ULL << shift) - 1) >> shift;
	u32 flags;
	int ret;

	while (w->at < end && w->looks < LOOKS) {
		if (fatal_signal_pending(current))
			return -EINTR;
		down_read(&im->change);
		ret = look(w);
		up_read(&im->change);
		if (ret)
			return ret;
		flags = w->zero ? VBLK_EXTENT_ZERO : 0;
		if (!w->differs || (o->e.length && o->e.flags != flags)) {
			ret = put(o);
			if (ret || o->nr == o->max)
				return ret;
		}
		if (w->differs && !o->e.length) {
			o->e.offset = w->at << shift;
			o->e.flags = flags;
		}
		if (w->differs)
			o->e.length += w->leaves << shift;
		w->at += w->leaves;
		cond_resched();
	}
	return put(o);
}

static struct vb_vol *find(struct vb_image *im, u32 number)
{
	struct vb_vol *vol;

	/* One that is being deleted goes under im->change alone. */
	down_read(&im->change);
	vol = vb_vol_find(im, number);
	if (vol && vol->rec.state == VB_VOLUME_DELETED)
		vol = NULL;
	up_read(&im->change);
	return vol;
}

/**
 * vb_image_diff() - ioctl(VBLK_IMAGE_DIFF)
 * @im: image
 * @d: from and to user space
 * @msg: what was wrong
 *
 * Return: 0 or a negative errno, see the uapi header.
 */
int vb_image_diff(struct vb_image *im, struct vblk_image_diff *d, struct vb_msg *msg)
{
	struct out o = { .to = u64_to_user_ptr(d->extents), .max = d->count };
	u32 shift = im->super.cluster_shift;
	struct walk w = {};
	int ret = -ENOENT;

	mutex_lock(&im->admin);
	w.base = d->base == VBLK_NO_VOLUME ? NULL : find(im, d->base);
	w.vol = find(im, d->volume);
	if (!w.vol || (!w.base && d->base != VBLK_NO_VOLUME)) {
		vb_say(msg, "there is no volume %u", w.vol ? d->base : d->volume);
		goto out;
	}
	o.bytes = w.vol->rec.size;
	ret = -EINVAL;
	if (d->offset > o.bytes)
		goto out;
	w.at = d->offset >> shift;
	ret = walk(im, &w, &o);
	d->count = o.nr;
	d->offset = min(w.at << shift, o.bytes);
out:
	mutex_unlock(&im->admin);
	return ret;
}
