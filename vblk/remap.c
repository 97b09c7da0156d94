// SPDX-License-Identifier: GPL-2.0
/*
 * Disks on a block device: each bio goes there as a clone, which shares its
 * pages and inherits its cgroup, its flags and its priority.
 *
 * The clones come from a set of the disk's own. Disks may be stacked on disks:
 * while a bio is being submitted, nobody takes two from the same set, so the one
 * that the pool keeps in reserve is enough to go on without memory.
 */

#include "backing.h"
#include "disk.h"

/* A clone and what is needed to end the original. */
struct vb_clone {
	struct vb_disk *disk;
	struct bio *bio;
	u64 start;
	unsigned long acct;
	bool torn;
	struct bio clone;	/* the last member: the set puts it behind the rest */
};

static void clone_end(struct bio *clone)
{
	struct vb_clone *c = container_of(clone, struct vb_clone, clone);
	struct vb_disk *disk = c->disk;
	blk_status_t status = clone->bi_status;
	struct bio *bio = c->bio;
	u64 start = c->start;

	if (c->torn && !status)
		status = BLK_STS_IOERR;
	bio_end_io_acct(bio, c->acct);
	bio_put(clone);
	vb_bio_end(disk, bio, start, status);
}

static void remap_submit(struct vb_disk *disk, struct bio *bio, unsigned int torn, u64 start)
{
	bool nowait = bio->bi_opf & REQ_NOWAIT;
	struct vb_clone *c;
	struct bio *clone;

	clone = bio_alloc_clone(disk->backing->bdev.bdev, bio, nowait ? GFP_NOWAIT : GFP_NOIO,
				&disk->clones);
	if (!clone) {
		vb_bio_end(disk, bio, start, BLK_STS_AGAIN);
		return;
	}
	c = container_of(clone, struct vb_clone, clone);
	c->disk = disk;
	c->bio = bio;
	c->start = start;
	c->torn = torn;
	c->acct = bio_start_io_acct(bio);
	clone->bi_end_io = clone_end;
	/* An empty FLUSH has no place. */
	if (bio_sectors(bio))
		clone->bi_iter.bi_sector += disk->offset >> SECTOR_SHIFT;
	if (torn && torn < clone->bi_iter.bi_size)
		bio_trim(clone, 0, torn >> SECTOR_SHIFT);
	submit_bio_noacct(clone);
}

static int remap_init(struct vb_disk *disk, struct vb_msg *msg)
{
	struct block_device *bdev = disk->backing->bdev.bdev;
	struct compat_limits lim = {
		.logical = disk->sector_size,
		.physical = disk->sector_size,
		.nowait = bdev_nowait(bdev),
		.below = bdev,
		.below_sector = disk->offset >> SECTOR_SHIFT,
	};
	struct gendisk *gd;
	int ret;

	ret = bioset_init(&disk->clones, BIO_POOL_SIZE, offsetof(struct vb_clone, clone), 0);
	if (ret)
		return ret;
	gd = compat_alloc_bio_disk(&lim);
	if (IS_ERR(gd)) {
		bioset_exit(&disk->clones);
		return PTR_ERR(gd);
	}
	gd->fops = &vb_bio_fops;
	disk->gd = gd;
	return 0;
}

static void remap_exit(struct vb_disk *disk)
{
	bioset_exit(&disk->clones);
}

static u64 remap_backing_bytes(struct vb_disk *disk)
{
	return bdev_nr_bytes(disk->backing->bdev.bdev);
}

const struct vb_kind vb_remap_kind = {
	.init = remap_init,
	.exit = remap_exit,
	.submit = remap_submit,
	.backing_bytes = remap_backing_bytes,
};
