// SPDX-License-Identifier: GPL-2.0
/*
 * The log of an image: what has changed about its space since the bitmap was written.
 * All of it is in memory, too, for regions that are loaded later.
 */

#include <linux/module.h>
#include <linux/slab.h>

#include "image.h"

/* What a fold itself does to the space must have room in the log that it begins. */
#define MOST_BLOCKS (VB_LOG_MAX_BLOCKS / 2)

static unsigned int log_blocks = MOST_BLOCKS;
module_param(log_blocks, uint, 0644);
MODULE_PARM_DESC(log_blocks, "blocks an image's log may have before it is folded into the bitmap (32)");

#define CAPACITY (VB_LOG_MAX_BLOCKS * VB_LOG_RECORDS)
/*
 * Leaves that lie all over the image may make more records than they take away. They
 * are together after one fold, so that the next one has few.
 */
#define FOLDS 3

static u64 record(u64 first, u64 blocks, bool used)
{
	return first | blocks << 40 | (u64)used << 63;
}

/**
 * vb_log_read() - read the log of an image that is being opened
 * @im: image
 *
 * Return: 0 or a negative errno.
 */
int vb_log_read(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	struct vb_entry e = im->super.log, next;
	u32 left = im->super.log_records, at = left, i, blocks;
	unsigned int count;
	u64 block;
	bool used;
	u8 *raw;
	int ret = 0;

	raw = (u8 *)__get_free_page(GFP_KERNEL);
	if (!raw)
		return -ENOMEM;
	s->nr_blocks = im->super.log_blocks;
	s->nr_log = left;
	for (i = s->nr_blocks; !ret && i--; e = next) {
		if (vb_entry_is_hole(&e)) {
			ret = -EUCLEAN;
			break;
		}
		ret = vb_meta_read(im, e.block, raw);
		if (!ret && vb_crc32c(raw, VB_BLOCK) != e.crc)
			ret = -EUCLEAN;
		if (!ret)
			ret = vb_log_unpack(&im->super, raw, &next, &count);
		if (!ret && (count > at || next.birth > e.birth))
			ret = -EUCLEAN;
		if (ret)
			break;
		s->log_blocks[i].where = e;
		s->log_blocks[i].records = count;
		at -= count;
		for (left = 0; !ret && left < count; left++) {
			ret = vb_log_record(&im->super, raw, left, &block, &blocks, &used);
			s->log[at + left] = record(block, blocks, used);
			if (!ret)
				vb_regions_touch(s, block / VB_REGION_BLOCKS,
						 (block + blocks - 1) / VB_REGION_BLOCKS);
			cond_resched();
		}
	}
	if (!ret && (at || !vb_entry_is_hole(&e)))
		ret = -EUCLEAN;
	free_page((unsigned long)raw);
	return ret;
}

/* Walk over all changes since the last commit; keep them in @out if it is there. */
static u32 collect(struct vb_image *im, u64 *out, u32 max)
{
	struct vb_space *s = &im->space;
	struct vb_region *r;
	struct vb_run run;
	u32 n = 0, pos;

	/* Nobody makes a region dirty meanwhile: im->change is held for writing. */
	list_for_each_entry(r, &s->dirty, dirty_link) {
		for (pos = 0; vb_bits_change(&r->bits, &pos, &run); n++)
			if (out && n < max)
				out[n] = record(r->index * VB_REGION_BLOCKS + run.first,
						run.blocks, run.used);
	}
	return n;
}

/* A leaf of the bitmap as it is after this commit, all but the fold's own blocks. */
static int write_leaf(struct vb_image *im, struct vb_region *r, struct vb_entry *e)
{
	struct vb_node *raw;
	int ret;

	*e = (struct vb_entry){};
	if (vb_bits_free(&r->bits))
		return 0;
	ret = vb_space_meta(im, &e->block);
	if (ret)
		return ret;
	raw = vb_node_alloc(im);
	vb_bits_store(&r->bits, (u8 *)raw->data);
	e->birth = im->next.epoch;
	e->crc = vb_crc32c(raw->data, VB_BLOCK);
	ret = vb_meta_out(im, e->block, virt_to_page(raw->data)) ?: vb_meta_out_end(im);
	vb_node_free(raw);
	return ret;
}

/* The region stays in memory until its leaf is there, and the log is not for it any more. */
static int fold_region(struct vb_image *im, u64 index)
{
	struct vb_region *r = vb_region_get(im, index);
	struct vb_entry e, old;
	int ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	ret = vb_tree_entry(&im->bitmap, 0, index, &old);
	ret = min(ret, 0) ?: write_leaf(im, r, &e);
	if (!ret && !vb_entry_is_hole(&old))
		ret = vb_space_give(im, old.block, 1);
	ret = ret ?: vb_tree_change(&im->bitmap, 0, index, &e);
	if (!ret)
		set_bit(index, im->space.folded);
	vb_region_put(im, r);
	cond_resched();
	return ret;
}

/* Which leaves a fold writes: what the log is about, and what this commit changes. */
static int begin_fold(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	struct vb_region *r;
	int ret = 0;
	u32 i;

	mutex_lock(&s->load);
	s->folded = kvcalloc(BITS_TO_LONGS(s->nr_regions), sizeof(long), VB_GFP_SURE);
	mutex_unlock(&s->load);
	/* The log's own blocks go, and that, too, is in the leaves. */
	for (i = 0; !ret && i < s->nr_blocks; i++)
		ret = vb_space_give(im, s->log_blocks[i].where.block, 1);
	if (ret)
		return ret;
	list_for_each_entry(r, &s->dirty, dirty_link)
		vb_regions_touch(s, r->index, r->index);
	vb_space_settle(im);
	return 0;
}

/* From here on there is no log. */
static void end_fold(struct vb_image *im)
{
	struct vb_space *s = &im->space;

	mutex_lock(&s->load);
	s->nr_log = 0;
	s->nr_blocks = 0;
	kvfree(s->folded);
	s->folded = NULL;
	bitmap_zero(s->touched, s->nr_regions);
	s->nr_touched = 0;
	mutex_unlock(&s->load);
}

/*
 * Write the bitmap anew where the log or this commit changes it. The regions are
 * settled first: what the fold itself needs and gives up goes to the new log.
 *
 * After an error nothing is committed any more. But writers that are under way load
 * regions yet, and must find in use what is: the log stays, for all that has no new leaf.
 */
static int fold(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	u64 index;
	int ret;

	ret = begin_fold(im);
	for (index = 0; !ret && index < s->nr_regions; index++) {
		index = find_next_bit(s->touched, s->nr_regions, index);
		if (index < s->nr_regions)
			ret = fold_region(im, index);
	}
	ret = ret ?: vb_tree_write(&im->bitmap, NULL);
	if (ret)
		return ret;
	end_fold(im);
	im->next.bitmap = im->bitmap.root;
	return 0;
}

/* One block of the log: its records, and the way to the next older one. */
static int write_block(struct vb_image *im, u32 i, u32 at)
{
	struct vb_space *s = &im->space;
	struct vb_log_block *b = &s->log_blocks[i];
	struct vb_node *raw = vb_node_alloc(im);
	u32 j;
	int ret;

	if (i)
		vb_entry_pack((u8 *)raw->data, &s->log_blocks[i - 1].where);
	raw->data[2] = cpu_to_le64(b->records);
	for (j = 0; j < b->records; j++)
		raw->data[4 + j] = cpu_to_le64(s->log[at + j]);
	b->where.birth = im->next.epoch;
	b->where.crc = vb_crc32c(raw->data, VB_BLOCK);
	ret = vb_meta_out(im, b->where.block, virt_to_page(raw->data)) ?: vb_meta_out_end(im);
	vb_node_free(raw);
	return ret;
}

/*
 * How many new blocks hold @old records of the newest block and those of this commit?
 * Each new block may itself be a record, and the old one.
 */
static u32 blocks_for(u32 old, u32 records)
{
	u32 n = 1;

	while (n * VB_LOG_RECORDS < old + records + n + 2)
		n++;
	return n;
}

/*
 * Add this commit's records: nothing else takes or gives blocks after this. -E2BIG: the
 * log would have more than @max blocks, or be about more than @regions regions: a fold
 * has all of those in memory that its own blocks are in.
 */
static int append(struct vb_image *im, u32 max, unsigned long regions)
{
	struct vb_space *s = &im->space;
	struct vb_log_block *last = s->nr_blocks ? &s->log_blocks[s->nr_blocks - 1] : NULL;
	u32 old = last ? last->records : 0, add, n, i, at, base;
	struct vb_region *r;
	int ret = 0;

	if (s->nr_touched + s->nr_dirty > regions)
		return -E2BIG;
	add = collect(im, NULL, 0);
	/* Join the newest block, if it has space for all. */
	if (last && blocks_for(old, add) > 1) {
		last = NULL;
		old = 0;
	}
	n = blocks_for(old, add);
	base = s->nr_blocks - (last ? 1 : 0);
	if (base + n > min_t(u32, max, VB_LOG_MAX_BLOCKS) || s->nr_log + add + n + 2 > CAPACITY)
		return -E2BIG;
	if (last) {
		ret = vb_space_give(im, last->where.block, 1);
		if (ret)
			return ret;
	}
	for (i = 0; i < n; i++) {
		s->log_blocks[base + i].where = (struct vb_entry){};
		ret = vb_space_meta(im, &s->log_blocks[base + i].where.block);
		if (ret)
			return ret;
	}
	add = collect(im, s->log + s->nr_log, CAPACITY - s->nr_log);
	if (WARN_ON_ONCE(add > CAPACITY - s->nr_log || old + add > n * VB_LOG_RECORDS ||
			 old + add < n))
		return -EUCLEAN;
	list_for_each_entry(r, &s->dirty, dirty_link)
		vb_regions_touch(s, r->index, r->index);
	at = s->nr_log - old;
	WRITE_ONCE(s->nr_log, s->nr_log + add);
	add += old;
	s->nr_blocks = base + n;
	for (i = 0; !ret && i < n; i++) {
		s->log_blocks[base + i].records = add / (n - i);
		ret = write_block(im, base + i, at);
		at += s->log_blocks[base + i].records;
		add -= s->log_blocks[base + i].records;
	}
	return ret;
}

/**
 * vb_log_write() - what a commit changes about the space
 * @im: image; all else that the commit writes has its place. @next gets the log and,
 *	if it was folded, the bitmap
 *
 * Context: im->change is held for writing.
 *
 * Return: 0 or a negative errno.
 */
int vb_log_write(struct vb_image *im)
{
	struct vb_space *s = &im->space;
	unsigned int folds = 0;
	int ret;

	ret = append(im, min_t(u32, READ_ONCE(log_blocks), MOST_BLOCKS), s->max_loaded);
	while (ret == -E2BIG && folds++ < FOLDS)
		ret = fold(im) ?: append(im, VB_LOG_MAX_BLOCKS, ULONG_MAX);
	if (ret)
		return ret;
	vb_space_settle(im);
	im->next.log = s->log_blocks[s->nr_blocks - 1].where;
	im->next.log_blocks = s->nr_blocks;
	im->next.log_records = s->nr_log;
	im->next.nr_free = s->free;
	return 0;
}
