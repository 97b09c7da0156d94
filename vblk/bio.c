// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a bio on disks that have no requests: memory, block devices.
 *
 * From vb_bio_submit() on a bio holds a reference to disk->inflight, which
 * vb_bio_end() or vb_bio_fail() gives back; the gate, a delay or the backing may
 * keep it in between.
 */

#include <linux/ktime.h>

#include "disk.h"

/**
 * vb_bio_end() - a bio is done
 * @disk: where
 * @bio: goes back to its owner
 * @start: when it came
 * @status: how it went
 *
 * Context: any.
 */
void vb_bio_end(struct vb_disk *disk, struct bio *bio, u64 start, blk_status_t status)
{
	vb_stats_done(disk, vb_op(bio->bi_opf, bio->bi_iter.bi_size), bio->bi_iter.bi_sector,
		      bio->bi_iter.bi_size, start, status);
	bio->bi_status = status;
	bio_endio(bio);
	percpu_ref_put(&disk->inflight);
}

/**
 * vb_bio_fail() - end a bio that has not been tried
 * @disk: where
 * @bio: goes back to its owner
 * @status: why
 */
void vb_bio_fail(struct vb_disk *disk, struct bio *bio, blk_status_t status)
{
	vb_bio_end(disk, bio, ktime_get_ns(), status);
}

/**
 * vb_bio_pass() - do a bio that has passed the limits
 * @disk: where
 * @bio: the disk's from now on
 */
void vb_bio_pass(struct vb_disk *disk, struct bio *bio)
{
	struct vb_verdict v = { .kind = VBLK_FAULT_NONE };
	u64 start = ktime_get_ns();

	if (unlikely(test_bit(VB_SLOW_FAULT, &disk->slow)))
		vb_fault_judge(disk, vb_op(bio->bi_opf, bio->bi_iter.bi_size),
			       bio->bi_iter.bi_sector, bio->bi_iter.bi_size, &v);
	if (v.kind == VBLK_FAULT_ERROR) {
		vb_bio_end(disk, bio, start, errno_to_blk_status(v.error));
		return;
	}
	if (v.kind == VBLK_FAULT_DELAY && vb_fault_delay(disk, v.delay, bio, NULL, start))
		return;
	disk->kind->submit(disk, bio, v.kind == VBLK_FAULT_TORN ? v.torn : 0, start);
}

static void bio_slow(struct vb_disk *disk, struct bio *bio)
{
	if (test_bit(VB_SLOW_DEAD, &disk->slow)) {
		vb_bio_fail(disk, bio, BLK_STS_IOERR);
		return;
	}
	/* The block layer warns of writes to a read-only disk, and lets them in. */
	if (test_bit(VB_SLOW_RDONLY, &disk->slow) && op_is_write(bio_op(bio)) &&
	    bio->bi_iter.bi_size) {
		vb_bio_fail(disk, bio, BLK_STS_IOERR);
		return;
	}
	if (test_bit(VB_SLOW_LIMITS, &disk->slow) && vb_gate_keep_bio(disk, bio))
		return;
	vb_bio_pass(disk, bio);
}

/**
 * vb_bio_submit() - block_device_operations::submit_bio
 * @bio: new
 */
void vb_bio_submit(struct bio *bio)
{
	struct vb_disk *disk = bio->bi_bdev->bd_disk->private_data;

	if (unlikely(!percpu_ref_tryget_live(&disk->inflight))) {
		bio_io_error(bio);
		return;
	}
	if (unlikely(READ_ONCE(disk->slow)))
		bio_slow(disk, bio);
	else
		disk->kind->submit(disk, bio, 0, ktime_get_ns());
}
