// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks are in use. The bitmap's leaves are regions in memory while they are
 * needed, see region_cache.c. What changes, changes in the region first.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "event.h"
#include "image.h"

int vb_space_init(struct vb_image *im)
{
	struct vb_space *s = &im->space;

	spin_lock_init(&s->lock);
	INIT_LIST_HEAD(&s->dirty);
	INIT_LIST_HEAD(&s->given);
	s->nr_regions = DIV_ROUND_UP_ULL(im->super.nr_blocks, VB_REGION_BLOCKS);
	s->free = im->super.nr_free;
	s->avail = im->super.nr_free;
	s->meta_at = s->nr_regions - 1;
	s->log = kvcalloc(VB_LOG_MAX_BLOCKS * VB_LOG_RECORDS, sizeof(*s->log), GFP_KERNEL);
	return s->log ? vb_regions_init(im) : -ENOMEM;
}

void vb_space_exit(struct vb_image *im)
{
	vb_regions_exit(im);
	kvfree(im->space.log);
}

static void make_dirty(struct vb_image *im, struct vb_region *r)
{
	lockdep_assert_held(&im->space.lock);
	if (!r->dirty) {
		r->dirty = true;
		list_add_tail(&r->dirty_link, &im->space.dirty);
		im->space.nr_dirty++;
	}
	WRITE_ONCE(im->changed, true);
}

/* Say once that there is little left; again after there was more. */
static void watch(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	u64 mark = im->super.nr_blocks / 16, left;
	bool tell = false;

	spin_lock(&s->lock);
	left = s->avail > im->super.nr_reserved ? s->avail - im->super.nr_reserved : 0;
	if (left < mark && !s->low) {
		s->low = true;
		tell = true;
	} else if (left > mark + mark / 4) {
		s->low = false;
	}
	spin_unlock(&s->lock);
	if (tell)
		vb_image_event(im, VBLK_EVENT_LOW_SPACE, left * VB_BLOCK);
}

/* Something came free there. s->lock is held. */
static void may_have(struct vb_space *s, const struct vb_region *r)
{
	lockdep_assert_held(&s->lock);
	set_bit(r->index, s->clusters);
	set_bit(r->index, s->blocks);
}

/* Look in one region, and give out what is there. */
static int look(struct vb_image *im, u64 index, u32 align, u32 want, u64 *block, u32 *got)
{
	struct vb_region *r = vb_region_get(im, index);
	struct vb_space *s = &im->space;
	u32 from = 0;
	bool found;

	if (IS_ERR(r))
		return PTR_ERR(r);
	spin_lock(&s->lock);
	found = r->avail >= align && vb_bits_find(&r->bits, &from, align, want, got);
	if (found) {
		r->avail -= *got;
		r->out += *got;
		s->avail -= min_t(u64, s->avail, *got);
		vb_bits_take(&r->bits, from, *got);
		*block = index * VB_REGION_BLOCKS + from;
	} else {
		clear_bit(index, s->clusters);
	}
	spin_unlock(&s->lock);
	vb_region_put(im, r);
	return found ? 0 : -ENOSPC;
}

/* The next region from @at on that may have a cluster, once around, or -ENOSPC. */
static s64 next_region(struct vb_space *s, u64 at)
{
	u64 index = find_next_bit(s->clusters, s->nr_regions, at);

	if (index >= s->nr_regions)
		index = find_next_bit(s->clusters, s->nr_regions, 0);
	return index < s->nr_regions ? (s64)index : -ENOSPC;
}

/**
 * vb_space_data() - get clusters for data
 * @im: image
 * @clusters: how many at most
 * @block: where they are
 * @got: how many, one after the other
 *
 * vb_space_use() or vb_space_cancel() follows. Reserved blocks are not given out, nor
 * those that the next commit will need.
 *
 * Return: 0, -ENOSPC or another negative errno.
 */
int vb_space_data(struct vb_image *im, u32 clusters, u64 *block, u32 *got)
{
	struct vb_space *s = &im->space;
	u32 size = vb_cluster_blocks(im), n;
	u64 i, left;
	s64 at;
	int ret;

	spin_lock(&s->lock);
	left = s->promised + VB_COMMIT_SLACK + im->super.nr_reserved;
	left = s->avail > left ? s->avail - left : 0;
	at = s->data_at;
	spin_unlock(&s->lock);
	clusters = min_t(u64, clusters, left / size);
	if (!clusters)
		return -ENOSPC;
	/* Each look that finds nothing takes a region out; what comes free meanwhile may not. */
	for (i = 0; i < s->nr_regions; i++) {
		at = next_region(s, at);
		if (at < 0)
			return at;
		ret = look(im, at, size, clusters * size, block, &n);
		if (!ret) {
			WRITE_ONCE(s->data_at, at);
			*got = n / size;
			watch(im);
			return 0;
		}
		if (ret != -ENOSPC)
			return ret;
	}
	return -ENOSPC;
}

/**
 * vb_space_meta() - get a block for metadata; a commit's
 * @im: image
 * @block: where it is; part of the map at once
 *
 * A commit takes what it needs from the top of the highest region with space: many
 * after one another give a run.
 *
 * Return: 0 or a negative errno.
 */
int vb_space_meta(struct vb_image *im, u64 *block)
{
	struct vb_space *s = &im->space;
	u64 i, at = s->meta_at, next;
	struct vb_region *r;
	bool found;
	u32 b;

	lockdep_assert_held(&im->committing);
	for (i = 0; i < s->nr_regions; i++) {
		/* Downwards, and once more from the top. */
		next = find_last_bit(s->blocks, at + 1);
		if (next > at)
			next = find_last_bit(s->blocks, s->nr_regions);
		if (next >= s->nr_regions)
			return -ENOSPC;
		at = next;
		r = vb_region_get(im, at);
		if (IS_ERR(r))
			return PTR_ERR(r);
		spin_lock(&s->lock);
		found = r->avail && vb_bits_find_last(&r->bits, &b);
		if (found) {
			r->avail--;
			s->avail -= min_t(u64, s->avail, 1);
			s->free -= min_t(u64, s->free, 1);
			vb_bits_use(&r->bits, b, 1);
			make_dirty(im, r);
		} else {
			clear_bit(at, s->blocks);
		}
		spin_unlock(&s->lock);
		vb_region_put(im, r);
		if (found) {
			s->meta_at = at;
			*block = at * VB_REGION_BLOCKS + b;
			return 0;
		}
	}
	return -ENOSPC;
}

/* Blocks that were given out, all in one region, which is in memory because of that. */
static struct vb_region *given_out(struct vb_image *im, u64 block)
{
	return xa_load(&im->space.regions, block / VB_REGION_BLOCKS);
}

/* They are part of the map now. im->change is held. */
void vb_space_use(struct vb_image *im, u64 block, u32 blocks)
{
	struct vb_region *r = given_out(im, block);
	struct vb_space *s = &im->space;

	spin_lock(&s->lock);
	vb_bits_use(&r->bits, block % VB_REGION_BLOCKS, blocks);
	r->out -= blocks;
	s->free -= min_t(u64, s->free, blocks);
	make_dirty(im, r);
	spin_unlock(&s->lock);
}

/* They have not been used. */
void vb_space_cancel(struct vb_image *im, u64 block, u32 blocks)
{
	struct vb_region *r = given_out(im, block);
	struct vb_space *s = &im->space;

	spin_lock(&s->lock);
	vb_bits_cancel(&r->bits, block % VB_REGION_BLOCKS, blocks);
	r->out -= blocks;
	r->avail += blocks;
	s->avail += blocks;
	may_have(s, r);
	spin_unlock(&s->lock);
}

/**
 * vb_space_give() - blocks are not part of the map any more
 * @im: image
 * @block: the first; all are in one region
 * @blocks: how many
 *
 * Context: im->change is held. The caller has a reference to the region if he cannot do
 * with an error.
 *
 * Return: 0 or a negative errno.
 */
int vb_space_give(struct vb_image *im, u64 block, u32 blocks)
{
	struct vb_region *r = vb_region_get(im, block / VB_REGION_BLOCKS);
	struct vb_space *s = &im->space;
	u32 first = block % VB_REGION_BLOCKS;
	bool used;

	if (IS_ERR(r))
		return PTR_ERR(r);
	spin_lock(&s->lock);
	used = vb_bits_used(&r->bits, first, blocks);
	if (used) {
		vb_bits_give(&r->bits, first, blocks);
		s->free += blocks;
		make_dirty(im, r);
	}
	spin_unlock(&s->lock);
	vb_region_put(im, r);
	if (used)
		return 0;
	vb_image_fail(im, -EUCLEAN, "freeing what is not in use");
	return -EUCLEAN;
}

/**
 * vb_space_promise() - a request will make nodes dirty
 * @im: image
 * @nodes: so many at most; vb_space_unpromise() takes it back afterwards
 *
 * Return: 0 or -ENOSPC.
 */
int vb_space_promise(struct vb_image *im, unsigned int nodes)
{
	struct vb_space *s = &im->space;
	int ret = 0;

	spin_lock(&s->lock);
	if (s->avail < s->promised + nodes + VB_COMMIT_SLACK + im->super.nr_reserved)
		ret = -ENOSPC;
	else
		s->promised += nodes;
	spin_unlock(&s->lock);
	return ret;
}

void vb_space_unpromise(struct vb_image *im, unsigned int nodes)
{
	struct vb_space *s = &im->space;

	spin_lock(&s->lock);
	s->promised -= min_t(u64, s->promised, nodes);
	spin_unlock(&s->lock);
}

/* Nodes become dirty, and are promised as long as they are; or they are written. */
void vb_space_node(struct vb_image *im, unsigned int nodes, bool dirty)
{
	struct vb_space *s = &im->space;

	spin_lock(&s->lock);
	if (dirty) {
		s->dirty_nodes += nodes;
		s->promised += nodes;
	} else {
		s->dirty_nodes -= nodes;
		s->promised -= min_t(u64, s->promised, nodes);
	}
	spin_unlock(&s->lock);
}

/**
 * vb_space_crowded() - is it time for a commit, because memory is full of changes?
 * @im: image
 * @full: so much that who adds to it should wait for that
 *
 * Nodes and regions that have been changed stay in memory until they are written. What
 * requests under way have been promised is space, and no memory yet.
 */
bool vb_space_crowded(struct vb_image *im, bool full)
{
	unsigned int shift = full ? 0 : 1;
	struct vb_space *s = &im->space;
	bool crowded;

	spin_lock(&s->lock);
	crowded = s->dirty_nodes > im->max_cached >> shift ||
		  s->nr_dirty > s->max_loaded >> shift;
	spin_unlock(&s->lock);
	return crowded;
}

/* A commit has all changes in its records. im->change is held for writing. */
void vb_space_settle(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	struct vb_region *r, *next;

	spin_lock(&s->lock);
	list_for_each_entry_safe(r, next, &s->dirty, dirty_link) {
		vb_bits_settle(&r->bits);
		list_del(&r->dirty_link);
		r->dirty = false;
		s->nr_dirty--;
		if (!r->given)
			list_add_tail(&r->given_link, &s->given);
		r->given = true;
	}
	spin_unlock(&s->lock);
}

/**
 * vb_space_release() - what the last commit gave up may be used again
 * @im: image; the commit is durable, and nobody reads there any more
 */
void vb_space_release(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	struct vb_region *r;
	struct vb_run run;
	u32 pos, n;

	lockdep_assert_held(&im->committing);
	while ((r = list_first_entry_or_null(&s->given, struct vb_region, given_link))) {
		/* Only commits change what is to be released. */
		for (pos = 0; vb_bits_given(&r->bits, &pos, &run); cond_resched())
			vb_data_punch(im, r->index * VB_REGION_BLOCKS + run.first, run.blocks);
		spin_lock(&s->lock);
		list_del(&r->given_link);
		r->given = false;
		n = vb_bits_release(&r->bits);
		r->avail += n;
		s->avail += n;
		if (n)
			may_have(s, r);
		spin_unlock(&s->lock);
	}
	watch(im);
}
