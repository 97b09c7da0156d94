/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_STATS_H
#define VB_STATS_H

#include <linux/bitops.h>
#include <linux/blk_types.h>
#include <linux/minmax.h>
#include <linux/percpu.h>

#include <virtlite/vblk.h>

/* One CPU's share. Only ever added to, from any context. */
struct vb_op_counts {
	u64 ios;
	u64 bytes;
	u64 errors;
	u64 time;
	u64 latency[VBLK_NR_BUCKETS];
};

struct vb_stats {
	u64 throttled;
	u64 handed;
	struct vb_op_counts op[VBLK_NR_OPS];
};

static inline unsigned int vb_latency_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(ns >> 9), VBLK_NR_BUCKETS - 1);
}

/* VBLK_OP_* of a request or a bio, by its operation and flags. */
static inline unsigned int vb_op(blk_opf_t opf, unsigned int bytes)
{
	switch (opf & REQ_OP_MASK) {
	case REQ_OP_READ:
		return VBLK_OP_READ;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
	case REQ_OP_SECURE_ERASE:
		return VBLK_OP_DISCARD;
	case REQ_OP_FLUSH:
		return VBLK_OP_FLUSH;
	default:
		return bytes ? VBLK_OP_WRITE : VBLK_OP_FLUSH;
	}
}

struct vb_disk;

void vb_stats_done(struct vb_disk *disk, unsigned int op, sector_t sector, unsigned int bytes,
		   u64 start, blk_status_t status);
void vb_stats_read(struct vb_disk *disk, struct vblk_stats *out);

#endif
