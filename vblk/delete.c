// SPDX-License-Identifier: GPL-2.0
/*
 * What is being deleted goes step by step, each an operation of a commit of its own:
 * Documentation/vblk-format.rst, "Deleting".
 */

#include <linux/slab.h>

#include "image.h"
#include "mq.h"

/* Subtrees and clusters that one step looks at. */
#define STEP 8192
/*
 * A volume that is done changes its record and its neighbour's: two leaves of the table
 * and the way to them, which the reserve must have for all that end in one commit.
 */
#define DONE_COST (STEP / 16)

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

/* What one step may do: all writers wait meanwhile, and each look may be a read. */
struct budget {
	unsigned int looks;
	unsigned long until;
};

static bool spent(struct vb_image *im, const struct budget *b)
{
	return b->looks >= STEP || time_after(jiffies, b->until) || vb_space_crowded(im, false);
}

/* Go on with one of them. */
static int walk(struct vb_image *im, struct vb_vol *vol, struct budget *b)
{
	struct vb_vol *n = vol->rec.newer == VB_NO_VOLUME ? NULL : vb_vol_find(im, vol->rec.newer);
	u64 end = 1ULL << 8 * vol->tree.depth;
	s64 done;

	if (im->walking != vol)
		vb_doomed_begin(vol, 0);
	vb_vol_changed(vol);
	do {
		if (vol->walk_at >= end)
			break;
		done = pass(vol, n, &b->looks);
		if (done < 0)
			return done;
		vol->walk_at += done;
		cond_resched();
	} while (!spent(im, b));
	if (vol->walk_at < end) {
		im->next.work = 1;
		im->next.work_volume = vol->rec.number;
		im->next.work_at = vol->walk_at;
	} else {
		/* Its last nodes go with the maps that this commit writes next. */
		vb_doomed_done(vol);
		b->looks += DONE_COST;
		im->nr_volumes--;
		im->next.work = 0;
		im->next.work_volume = 0;
		im->next.work_at = 0;
	}
	return 0;
}

/* As many as a step has time for: the small ones go together. */
static int step(struct vb_image *im, void *arg)
{
	struct budget b = { .until = jiffies + HZ / 20 };
	struct vb_vol *vol;
	int ret;

	do {
		vol = vb_doomed_next(im);
		if (!vol)
			break;
		ret = walk(im, vol, &b);
		if (ret) {
			vb_image_fail(im, ret, "deleting");
			return ret;
		}
	} while (!spent(im, &b));
	/* Each waits for another: no writer of the format makes that. */
	if (!vol && !list_empty(&im->deleting))
		vb_image_fail(im, -EUCLEAN, "deleting: a loop");
	return 0;
}

void vb_delete_work(struct work_struct *work)
{
	struct vb_image *im = container_of(work, struct vb_image, delete_work);
	bool more = true;
	struct vb_op op = { .fn = step };
	struct vb_worker w;

	vb_worker_begin(&w);
	while (more && !READ_ONCE(im->closing) && !vb_image_rdonly(im)) {
		down_read(&im->change);
		more = !list_empty(&im->deleting);
		up_read(&im->change);
		if (more && vb_commit_now(im, &op))
			break;
		wake_up_all(&im->deleted);
	}
	wake_up_all(&im->deleted);
	vb_worker_end(&w);
}
