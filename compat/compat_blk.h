/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_COMPAT_BLK_H
#define VIRTLITE_COMPAT_BLK_H

/* compat.h's counterpart for the block layer, which vblk alone needs. */

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/version.h>

/**
 * struct compat_limits - what a disk can do, in every kernel's terms
 * @logical: logical block in bytes
 * @physical: physical block in bytes
 * @io_opt: best transfer size in bytes, 0 if there is none
 * @max_sectors: largest transfer in 512-byte sectors
 * @max_segments: most bio_vecs of a transfer
 * @dma_mask: alignment of memory, less one
 * @discard_granularity: bytes
 * @discard_sectors: largest discard in 512-byte sectors, 0: cannot
 * @zeroes_sectors: largest write-zeroes in 512-byte sectors, 0: cannot
 * @write_cache: has a volatile write cache: wants FLUSH, and does FUA
 * @no_fua: the block layer makes a FLUSH of FUA
 * @nowait: a bio-based disk that obeys REQ_NOWAIT
 * @below: the block device that these limits are stacked on, or NULL
 * @below_sector: where on it
 */
struct compat_limits {
	unsigned int logical;
	unsigned int physical;
	unsigned int io_opt;
	unsigned int max_sectors;
	unsigned int max_segments;
	unsigned int dma_mask;
	unsigned int discard_granularity;
	unsigned int discard_sectors;
	unsigned int zeroes_sectors;
	bool write_cache;
	bool no_fua;
	bool nowait;
	struct block_device *below;
	sector_t below_sector;
};

#if KERNEL_VERSION(6, 12, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */

static inline void compat_apply_limits(struct gendisk *gd, const struct compat_limits *l)
{
	struct request_queue *q = gd->queue;

	if (l->below) {
		blk_set_stacking_limits(&q->limits);
		disk_stack_limits(gd, l->below, l->below_sector);
		blk_queue_write_cache(q, bdev_write_cache(l->below), bdev_fua(l->below));
		if (bdev_stable_writes(l->below))
			blk_queue_flag_set(QUEUE_FLAG_STABLE_WRITES, q);
	} else {
		blk_queue_max_hw_sectors(q, l->max_sectors);
		blk_queue_max_segments(q, l->max_segments);
		blk_queue_max_segment_size(q, UINT_MAX);
		blk_queue_dma_alignment(q, l->dma_mask);
		blk_queue_max_discard_sectors(q, l->discard_sectors);
		blk_queue_max_write_zeroes_sectors(q, l->zeroes_sectors);
		q->limits.discard_granularity = l->discard_granularity;
		blk_queue_write_cache(q, l->write_cache, l->write_cache && !l->no_fua);
	}
	if (l->logical > queue_logical_block_size(q))
		blk_queue_logical_block_size(q, l->logical);
	if (l->physical > queue_physical_block_size(q))
		blk_queue_physical_block_size(q, l->physical);
	if (l->io_opt)
		blk_queue_io_opt(q, l->io_opt);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	if (l->nowait)
		blk_queue_flag_set(QUEUE_FLAG_NOWAIT, q);
}

static inline struct gendisk *compat_alloc_bio_disk(const struct compat_limits *l)
{
	struct gendisk *gd = blk_alloc_disk(NUMA_NO_NODE);

	if (!gd)
		return ERR_PTR(-ENOMEM);
	compat_apply_limits(gd, l);
	return gd;
}

static inline struct gendisk *compat_alloc_mq_disk(struct blk_mq_tag_set *set,
						   const struct compat_limits *l, void *data)
{
	struct gendisk *gd = blk_mq_alloc_disk(set, data);

	if (!IS_ERR(gd))
		compat_apply_limits(gd, l);
	return gd;
}

/* An open block device: the fields are the two halves of the next one's file. */
struct compat_bdev {
	struct block_device *bdev;
	fmode_t mode;
};

static inline int compat_bdev_open(struct compat_bdev *b, dev_t dev, bool write, void *holder)
{
	struct block_device *bdev;

	b->mode = FMODE_READ | FMODE_EXCL | (write ? FMODE_WRITE : 0);
	bdev = blkdev_get_by_dev(dev, b->mode, holder);
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	b->bdev = bdev;
	return 0;
}

static inline void compat_bdev_close(struct compat_bdev *b)
{
	blkdev_put(b->bdev, b->mode);
	b->bdev = NULL;
}

/* COMPAT_BLK_OPEN(fn) { … }: block_device_operations::open, given a gendisk. */
#define COMPAT_BLK_OPEN(fn)						\
static int fn##_gd(struct gendisk *gd);					\
static int fn(struct block_device *bdev, fmode_t mode)			\
{									\
	return fn##_gd(bdev->bd_disk);					\
}									\
static int fn##_gd(struct gendisk *gd)

#define COMPAT_BLK_RELEASE(fn) static void fn(struct gendisk *gd, fmode_t mode)

#else

static inline void compat_fill_limits(struct queue_limits *lim, const struct compat_limits *l)
{
	if (l->below) {
		blk_set_stacking_limits(lim);
		queue_limits_stack_bdev(lim, l->below, l->below_sector, "vblk");
		lim->features |= BLK_FEAT_IO_STAT;
	} else {
		lim->max_hw_sectors = l->max_sectors;
		lim->max_segments = l->max_segments;
		lim->max_segment_size = UINT_MAX;
		lim->dma_alignment = l->dma_mask;
		lim->max_hw_discard_sectors = l->discard_sectors;
		lim->max_write_zeroes_sectors = l->zeroes_sectors;
		lim->discard_granularity = l->discard_granularity;
		if (l->write_cache)
			lim->features |= BLK_FEAT_WRITE_CACHE | (l->no_fua ? 0 : BLK_FEAT_FUA);
	}
	lim->logical_block_size = max(lim->logical_block_size, l->logical);
	lim->physical_block_size = max(lim->physical_block_size, l->physical);
	if (l->io_opt)
		lim->io_opt = l->io_opt;
	if (l->nowait)
		lim->features |= BLK_FEAT_NOWAIT;
}

static inline struct gendisk *compat_alloc_bio_disk(const struct compat_limits *l)
{
	struct queue_limits lim = {};

	compat_fill_limits(&lim, l);
	return blk_alloc_disk(&lim, NUMA_NO_NODE);
}

static inline struct gendisk *compat_alloc_mq_disk(struct blk_mq_tag_set *set,
						   const struct compat_limits *l, void *data)
{
	struct queue_limits lim = { .features = BLK_FEAT_IO_STAT };

	compat_fill_limits(&lim, l);
	return blk_mq_alloc_disk(set, &lim, data);
}

struct compat_bdev {
	struct block_device *bdev;
	struct file *file;
};

static inline int compat_bdev_open(struct compat_bdev *b, dev_t dev, bool write, void *holder)
{
	struct file *file;

	file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | (write ? BLK_OPEN_WRITE : 0), holder,
				     NULL);
	if (IS_ERR(file))
		return PTR_ERR(file);
	b->file = file;
	b->bdev = file_bdev(file);
	return 0;
}

static inline void compat_bdev_close(struct compat_bdev *b)
{
	bdev_fput(b->file);
	b->bdev = NULL;
}

#define COMPAT_BLK_OPEN(fn) static int fn(struct gendisk *gd, blk_mode_t mode)
#define COMPAT_BLK_RELEASE(fn) static void fn(struct gendisk *gd)

#endif

#endif
