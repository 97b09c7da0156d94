// SPDX-License-Identifier: GPL-2.0
/*
 * What is being deleted goes step by step, each an operation of a commit of its own:
 * Documentation/vblk-format.rst, "Deleting".
 */

#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "image.h"

/* Subtrees and clusters that one step looks at. */
#define STEP 8192

/* One whose neighbour waits for it must go first; of the others the lowest number. */
static struct vb_vol *choose(struct vb_image *im)
{
	struct vb_vol *vol, *w, *best = NULL;

	if (im->next.work)
		return vb_vol_find(im, im->next.work_volume);
	list_for_each_entry(vol, &im->deleting, link) {
		bool waits = false;

		list_for_each_entry(w, &im->deleting, link)
			waits |= w->rec.newer == vol->rec.number;
		if (!waits && (!best || vol->rec.number < best->rec.number))
			best = vol;
	}
	return best;
}

static bool same(const struct vb_entry *a, const struct vb_entry *b)
{
	return a->block == b->block && a->birth == b->birth && a->crc == b->crc &&
	       a->flags == b->flags;
}

/* What the neighbour has there; something else if its tree is not that deep. */
static int neighbour(struct vb_vol *n, unsigned int level, u64 index, struct vb_entry *e)
{
	int ret;

	*e = (struct vb_entry){ .flags = 0xff };
	if (!n)
		return 0;
	ret = vb_tree_entry(&n->tree, level, index, e);
	if (ret == -ERANGE) {
		*e = (struct vb_entry){ .flags = 0xff };
		return 0;
	}
	/* All maps have been written: nothing is older than it looks. */
	WARN_ON_ONCE(ret == 1);
	return min(ret, 0);
}

/* Is what an entry of @vol leads to another's, too? */
static int shared(struct vb_vol *vol, struct vb_vol *n, unsigned int level, u64 index,
		  const struct vb_entry *e)
{
	struct vb_entry f;
	int ret;

	if (e->birth <= vol->rec.keep)
		return 1;
	ret = neighbour(n, level, index, &f);
	return ret ?: same(e, &f);
}

/* It is only @vol's, and will be written anew or, without entries, go. */
static int make_dirty(struct vb_vol *vol, unsigned int level, u64 index)
{
	struct vb_path p;
	int ret;

	ret = vb_path_get(&vol->tree, level, index, &p);
	if (ret)
		return ret;
	spin_lock(&vol->tree.lock);
	vb_path_dirty(&vol->tree, &p);
	spin_unlock(&vol->tree.lock);
	vb_path_put(&vol->tree, &p);
	return 0;
}

/*
 * From walk_at on, the largest subtree that begins there and is dealt with as a whole:
 * a hole, shared, or a cluster. Return: how many leaves it has, or a negative errno.
 */
static s64 pass(struct vb_vol *vol, struct vb_vol *n, unsigned int *looks)
{
	static const struct vb_entry hole;
	struct vb_image *im = vol->im;
	struct vb_tree *t = &vol->tree;
	u64 at = vol->walk_at, index;
	struct vb_entry e;
	unsigned int level = t->depth;
	int ret;

	while (level && at & ((1ULL << 8 * level) - 1))
		level--;
	for (;; level--) {
		(*looks)++;
		index = at >> 8 * level;
		ret = vb_tree_entry(t, level, index, &e);
		if (ret < 0)
			return ret;
		/* What this delete has begun is neither shared nor a hole, yet. */
		if (!ret && vb_entry_is_hole(&e))
			return 1LL << 8 * level;
		if (!ret) {
			ret = shared(vol, n, level, index, &e);
			if (ret < 0)
				return ret;
			if (ret || !level)
				break;
		}
		if (!level)
			break;
		ret = make_dirty(vol, level, index);
		if (ret)
			return ret;
	}
	if (!ret && e.block) {
		ret = vb_space_give(im, e.block, vb_cluster_blocks(im));
		if (ret)
			return ret;
	}
	ret = vb_tree_change(t, level, index, &hole);
	return ret ?: 1LL << 8 * level;
}

static int step(struct vb_image *im, void *arg)
{
	struct vb_vol *vol = choose(im), *n;
	unsigned long until = jiffies + HZ / 20;
	unsigned int looks = 0;
	u64 end;
	s64 done;

	*(bool *)arg = vol;
	if (!vol) {
		/* Each waits for another: no writer of the format makes that. */
		if (!list_empty(&im->deleting))
			vb_image_fail(im, -EUCLEAN, "deleting: a loop");
		return 0;
	}
	n = vol->rec.newer == VB_NO_VOLUME ? NULL : vb_vol_find(im, vol->rec.newer);
	end = 1ULL << 8 * vol->tree.depth;
	/* All writers wait meanwhile, and each look may be a read. */
	while (vol->walk_at < end && looks < STEP && !time_after(jiffies, until)) {
		done = pass(vol, n, &looks);
		if (done < 0) {
			vb_image_fail(im, done, "deleting");
			return done;
		}
		vol->walk_at += done;
		cond_resched();
	}
	vb_vol_changed(vol);
	if (vol->walk_at < end) {
		im->next.work = 1;
		im->next.work_volume = vol->rec.number;
		im->next.work_at = vol->walk_at;
	} else {
		/* Its last nodes go with the maps that this commit writes next. */
		vol->gone = true;
		im->nr_volumes--;
		im->next.work = 0;
		im->next.work_volume = 0;
		im->next.work_at = 0;
	}
	return 0;
}

void vb_delete_work(struct work_struct *work)
{
	struct vb_image *im = container_of(work, struct vb_image, delete_work);
	bool more = true;
	struct vb_op op = { .fn = step, .arg = &more };
	unsigned int noio = memalloc_noio_save();

	while (more && !READ_ONCE(im->closing) && !vb_image_rdonly(im)) {
		down_read(&im->change);
		more = !list_empty(&im->deleting);
		up_read(&im->change);
		if (more && vb_commit(im, &op))
			break;
	}
	memalloc_noio_restore(noio);
}
