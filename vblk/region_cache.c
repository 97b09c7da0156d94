// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of the space map in memory. Each is a leaf of the bitmap, to which the log's
 * records are applied when it is loaded; a region that is in memory is ahead of both.
 * There may be as many as memory for maps allows, and those in which something is under
 * way: one that is like its leaf and the log may go, and be loaded again.
 *
 * A fold writes leaves anew while the old log is still there: @folded says which of them
 * the log is not to be applied to any more.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "image.h"

/* Who looks for one that may go gives up after so many. */
#define LOOKS 32

int vb_regions_init(struct vb_image *im)
{
	struct vb_space *s = &im->space;

	mutex_init(&s->load);
	INIT_LIST_HEAD(&s->lru);
	s->max_loaded = max(64UL, vb_cache_bytes() / sizeof(struct vb_region));
	s->touched = kvcalloc(BITS_TO_LONGS(s->nr_regions), sizeof(long), GFP_KERNEL);
	s->clusters = kvcalloc(BITS_TO_LONGS(s->nr_regions), sizeof(long), GFP_KERNEL);
	s->blocks = kvcalloc(BITS_TO_LONGS(s->nr_regions), sizeof(long), GFP_KERNEL);
	if (!s->touched || !s->clusters || !s->blocks)
		return -ENOMEM;
	bitmap_fill(s->clusters, s->nr_regions);
	bitmap_fill(s->blocks, s->nr_regions);
	return 0;
}

void vb_regions_exit(struct vb_image *im)
{
	struct vb_region *r;
	unsigned long index;

	xa_for_each(&im->space.regions, index, r)
		kvfree(r);
	xa_destroy(&im->space.regions);
	/* There if a fold failed. */
	kvfree(im->space.folded);
	kvfree(im->space.touched);
	kvfree(im->space.clusters);
	kvfree(im->space.blocks);
}

/**
 * vb_regions_touch() - the log has a record
 * @s: space
 * @first: the first region that it is about
 * @last: the last
 */
void vb_regions_touch(struct vb_space *s, u64 first, u64 last)
{
	for (; first <= last; first++)
		if (!test_and_set_bit(first, s->touched))
			s->nr_touched++;
}

static u32 region_blocks(struct vb_image *im, u64 index)
{
	return min_t(u64, im->super.nr_blocks - index * VB_REGION_BLOCKS, VB_REGION_BLOCKS);
}

/* The part of a record of the log that is about a region. */
static void apply(struct vb_region *r, u64 record)
{
	u64 first = record & (VB_MAX_BLOCKS - 1), end = first + (record >> 40 & 0x7fffff);
	u64 base = r->index * VB_REGION_BLOCKS;

	first = max(first, base);
	end = min(end, base + VB_REGION_BLOCKS);
	if (first < end)
		vb_bits_record(&r->bits, first - base, end - first, record >> 63);
}

static int read_leaf(struct vb_image *im, struct vb_region *r)
{
	struct vb_entry e;
	void *raw = NULL;
	int ret;

	ret = vb_tree_entry(&im->bitmap, 0, r->index, &e);
	if (ret < 0)
		return ret;
	if (!vb_entry_is_hole(&e)) {
		raw = (void *)__get_free_page(VB_GFP_SURE);
		ret = vb_meta_read(im, e.block, raw);
		if (!ret && vb_crc32c(raw, VB_BLOCK) != e.crc)
			ret = -EUCLEAN;
		if (ret) {
			free_page((unsigned long)raw);
			/* Of the caller's: he has no memory, or is being killed. */
			if (ret != -ENOMEM && ret != -EINTR)
				vb_image_fail(im, ret, "reading the bitmap");
			return ret;
		}
	}
	vb_bits_load(&r->bits, raw, region_blocks(im, r->index));
	free_page((unsigned long)raw);
	return 0;
}

/* The one used longest ago goes, if nothing is under way there. s->lock is held. */
static bool drop_last(struct vb_space *s, struct list_head *gone)
{
	struct vb_region *r = list_last_entry(&s->lru, struct vb_region, lru);

	lockdep_assert_held(&s->lock);
	if (r->refs || r->out || r->dirty || r->given || r->used) {
		r->used = false;
		list_move(&r->lru, &s->lru);
		return false;
	}
	xa_erase(&s->regions, r->index);
	list_move(&r->lru, gone);
	s->nr_loaded--;
	return true;
}

/* Another one comes; some may go. s->lock is held. */
static void make_room(struct vb_space *s, struct list_head *gone)
{
	unsigned int looks = LOOKS;

	for (; s->nr_loaded >= s->max_loaded && looks; looks--)
		drop_last(s, gone);
}

static void free_all(struct list_head *gone)
{
	struct vb_region *r, *next;

	list_for_each_entry_safe(r, next, gone, lru)
		kvfree(r);
}

/* For the shrinker: how many could go, about. */
unsigned long vb_regions_idle(struct vb_image *im)
{
	unsigned long loaded = READ_ONCE(im->space.nr_loaded);
	unsigned long dirty = READ_ONCE(im->space.nr_dirty);

	return loaded > dirty ? loaded - dirty : 0;
}

/**
 * vb_regions_evict() - free memory
 * @im: image
 * @nr: so many regions
 *
 * Context: may be memory reclaim.
 *
 * Return: how many have been freed.
 */
unsigned long vb_regions_evict(struct vb_image *im, unsigned long nr)
{
	struct vb_space *s = &im->space;
	unsigned long looks, done = 0;
	LIST_HEAD(gone);

	spin_lock(&s->lock);
	/* Twice around, at most, as with nodes. */
	for (looks = min(2 * s->nr_loaded, 4 * nr + LOOKS);
	     looks && done < nr && !list_empty(&s->lru); looks--)
		done += drop_last(s, &gone);
	spin_unlock(&s->lock);
	free_all(&gone);
	return done;
}

static struct vb_region *load(struct vb_image *im, u64 index)
{
	struct vb_space *s = &im->space;
	struct vb_region *r;
	LIST_HEAD(gone);
	int ret;
	u32 i;

	lockdep_assert_held(&s->load);
	r = kvzalloc(sizeof(*r), VB_GFP_SURE);
	r->index = index;
	r->refs = 1;
	r->used = true;
	ret = read_leaf(im, r);
	if (ret)
		goto err;
	/* A commit adds records of regions only that are in memory. */
	if (test_bit(index, s->touched) && !(s->folded && test_bit(index, s->folded)))
		for (i = 0; i < READ_ONCE(s->nr_log); i++)
			apply(r, s->log[i]);
	if (!index)
		vb_bits_record(&r->bits, 0, VB_FIRST_BLOCK, true);
	r->avail = vb_bits_avail(&r->bits);
	ret = xa_err(xa_store(&s->regions, index, r, VB_GFP_SURE));
	if (ret)
		goto err;
	spin_lock(&s->lock);
	make_room(s, &gone);
	list_add(&r->lru, &s->lru);
	s->nr_loaded++;
	spin_unlock(&s->lock);
	free_all(&gone);
	return r;

err:
	kvfree(r);
	return ERR_PTR(ret);
}

static struct vb_region *find(struct vb_space *s, u64 index)
{
	struct vb_region *r;

	spin_lock(&s->lock);
	r = xa_load(&s->regions, index);
	if (r) {
		r->refs++;
		r->used = true;
	}
	spin_unlock(&s->lock);
	return r;
}

/**
 * vb_region_get() - a region, in memory
 * @im: image
 * @index: which
 *
 * Context: may sleep and read.
 *
 * Return: it, referenced, or an error pointer.
 */
struct vb_region *vb_region_get(struct vb_image *im, u64 index)
{
	struct vb_space *s = &im->space;
	struct vb_region *r = find(s, index);

	if (r)
		return r;
	mutex_lock(&s->load);
	r = find(s, index);
	if (!r)
		r = load(im, index);
	mutex_unlock(&s->load);
	return r;
}

void vb_region_put(struct vb_image *im, struct vb_region *r)
{
	if (!r)
		return;
	spin_lock(&im->space.lock);
	r->refs--;
	spin_unlock(&im->space.lock);
}
