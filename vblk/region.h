/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The space of one leaf of the bitmap, 128 MiB of an image, while it is in memory.
 * Pure.
 */
#ifndef VB_REGION_H
#define VB_REGION_H

#include "format.h"

#define VB_REGION_BLOCKS	32768
#define VB_REGION_WORDS		(VB_REGION_BLOCKS / 64)

/**
 * struct vb_bits - who has which block; a bit each
 * @durable: in use by the last state that was committed, or is being
 * @now: in use by the state in memory
 * @busy: not to be had for another reason: beyond the image's end; given out, and
 *	not yet part of the map; given up, and not yet released
 * @freed: made and given up between two commits; busy, too
 * @releasing: given up by the last commit; busy, too, until that is durable and
 *	nobody reads there any more
 *
 * A block may be given out if it has none of the first three.
 */
struct vb_bits {
	u64 durable[VB_REGION_WORDS];
	u64 now[VB_REGION_WORDS];
	u64 busy[VB_REGION_WORDS];
	u64 freed[VB_REGION_WORDS];
	u64 releasing[VB_REGION_WORDS];
};

/* A run of blocks within a region. */
struct vb_run {
	u32 first;
	u32 blocks;
	bool used;
};

void vb_bits_load(struct vb_bits *b, const u8 *raw, u32 blocks);
void vb_bits_record(struct vb_bits *b, u32 first, u32 blocks, bool used);
void vb_bits_store(const struct vb_bits *b, u8 *raw);
bool vb_bits_free(const struct vb_bits *b);
u32 vb_bits_avail(const struct vb_bits *b);
bool vb_bits_find(const struct vb_bits *b, u32 *from, u32 align, u32 want, u32 *got);
bool vb_bits_find_last(const struct vb_bits *b, u32 *last);
void vb_bits_take(struct vb_bits *b, u32 first, u32 blocks);
void vb_bits_cancel(struct vb_bits *b, u32 first, u32 blocks);
void vb_bits_use(struct vb_bits *b, u32 first, u32 blocks);
bool vb_bits_used(const struct vb_bits *b, u32 first, u32 blocks);
void vb_bits_give(struct vb_bits *b, u32 first, u32 blocks);
bool vb_bits_change(const struct vb_bits *b, u32 *pos, struct vb_run *run);
void vb_bits_settle(struct vb_bits *b);
bool vb_bits_given(const struct vb_bits *b, u32 *pos, struct vb_run *run);
u32 vb_bits_release(struct vb_bits *b);

#endif
