// SPDX-License-Identifier: GPL-2.0
/*
 * A region's bits, see region.h. Pure. What a block goes through:
 *
 *   free -> busy (given out) -> now (part of the map) -> now, durable (committed)
 *   now, durable -> durable (given up) -> busy, releasing (committed) -> free
 *   now -> busy, freed (given up before it was committed) -> busy, releasing -> free
 */

#include "region.h"

static bool has(const u64 *bits, u32 i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void change(u64 *bits, u32 first, u32 blocks, bool on)
{
	u32 i;

	for (i = first; i < first + blocks; i++) {
		if (on)
			bits[i / 64] |= BIT_ULL(i % 64);
		else
			bits[i / 64] &= ~BIT_ULL(i % 64);
	}
}

/**
 * vb_bits_load() - a region as its leaf has it
 * @b: filled in
 * @raw: the leaf, VB_BLOCK bytes, or NULL for a hole
 * @blocks: of the image that the region has: fewer at the image's end
 */
void vb_bits_load(struct vb_bits *b, const u8 *raw, u32 blocks)
{
	u32 i;

	memset(b, 0, sizeof(*b));
	if (raw)
		for (i = 0; i < VB_BLOCK; i++)
			b->now[i / 8] |= (u64)raw[i] << i % 8 * 8;
	change(b->now, blocks, VB_REGION_BLOCKS - blocks, false);
	change(b->busy, blocks, VB_REGION_BLOCKS - blocks, true);
	memcpy(b->durable, b->now, sizeof(b->now));
}

/**
 * vb_bits_record() - a record of the log, or a part of it
 * @b: a region that has only been loaded
 * @first: block in the region
 * @blocks: how many
 * @used: in use from then on
 */
void vb_bits_record(struct vb_bits *b, u32 first, u32 blocks, bool used)
{
	change(b->now, first, blocks, used);
	change(b->durable, first, blocks, used);
}

/**
 * vb_bits_store() - a leaf of the bitmap
 * @b: the region, settled
 * @raw: VB_BLOCK bytes
 */
void vb_bits_store(const struct vb_bits *b, u8 *raw)
{
	u32 i;

	for (i = 0; i < VB_BLOCK; i++)
		raw[i] = b->durable[i / 8] >> i % 8 * 8;
}

/* Is nothing in use by what is or will be committed? */
bool vb_bits_free(const struct vb_bits *b)
{
	u32 i;

	for (i = 0; i < VB_REGION_WORDS; i++)
		if (b->durable[i])
			return false;
	return true;
}

static u64 taken(const struct vb_bits *b, u32 word)
{
	return b->durable[word] | b->now[word] | b->busy[word];
}

/* How many may be given out. */
u32 vb_bits_avail(const struct vb_bits *b)
{
	u32 i, n = 0;
	u64 w;

	for (i = 0; i < VB_REGION_WORDS; i++)
		for (w = ~taken(b, i); w; w &= w - 1)
			n++;
	return n;
}

/**
 * vb_bits_find() - look for blocks to give out
 * @b: the region
 * @from: where to begin; on return the first block of what was found
 * @align: of it, and the least that is of use: a power of two, at most 64
 * @want: most that is wanted, a multiple of @align
 * @got: how many blocks
 *
 * Return: false if there is nothing from @from on.
 */
bool vb_bits_find(const struct vb_bits *b, u32 *from, u32 align, u32 want, u32 *got)
{
	u64 mask = align == 64 ? U64_MAX : BIT_ULL(align) - 1;
	u32 i = (*from + align - 1) / align * align;

	for (; i < VB_REGION_BLOCKS; i += align) {
		if (taken(b, i / 64) == U64_MAX) {
			i = (i / 64 + 1) * 64 - align;
			continue;
		}
		if (!(taken(b, i / 64) & mask << i % 64))
			break;
	}
	if (i >= VB_REGION_BLOCKS)
		return false;
	*from = i;
	*got = align;
	while (*got < want) {
		i = *from + *got;
		if (i >= VB_REGION_BLOCKS || taken(b, i / 64) & mask << i % 64)
			break;
		*got += align;
	}
	return true;
}

/* The last block that may be given out. Return: false if there is none. */
bool vb_bits_find_last(const struct vb_bits *b, u32 *last)
{
	u32 i = VB_REGION_BLOCKS;

	while (i--) {
		if (taken(b, i / 64) == U64_MAX) {
			i = i / 64 * 64;
			continue;
		}
		if (!(taken(b, i / 64) >> i % 64 & 1)) {
			*last = i;
			return true;
		}
	}
	return false;
}

/* Give out what was found. */
void vb_bits_take(struct vb_bits *b, u32 first, u32 blocks)
{
	change(b->busy, first, blocks, true);
}

/* Take it back, unused. */
void vb_bits_cancel(struct vb_bits *b, u32 first, u32 blocks)
{
	change(b->busy, first, blocks, false);
}

/* It is part of the map now. */
void vb_bits_use(struct vb_bits *b, u32 first, u32 blocks)
{
	change(b->busy, first, blocks, false);
	change(b->now, first, blocks, true);
}

/* Is all of it part of the map? */
bool vb_bits_used(const struct vb_bits *b, u32 first, u32 blocks)
{
	u32 i;

	for (i = first; i < first + blocks; i++)
		if (!has(b->now, i))
			return false;
	return true;
}

/* It is so no more; vb_bits_used() says yes. */
void vb_bits_give(struct vb_bits *b, u32 first, u32 blocks)
{
	u32 i;

	change(b->now, first, blocks, false);
	for (i = first; i < first + blocks; i++) {
		if (has(b->durable, i))
			continue;
		change(b->freed, i, 1, true);
		change(b->busy, i, 1, true);
	}
}

/**
 * vb_bits_change() - the next run of blocks that a commit is about
 * @b: the region
 * @pos: where to look from; moves on
 * @run: filled in
 *
 * Return: false if there are no more.
 */
bool vb_bits_change(const struct vb_bits *b, u32 *pos, struct vb_run *run)
{
	u32 i = *pos;

	while (i < VB_REGION_BLOCKS && has(b->durable, i) == has(b->now, i)) {
		if (i % 64 == 0 && b->durable[i / 64] == b->now[i / 64])
			i += 64;
		else
			i++;
	}
	if (i >= VB_REGION_BLOCKS)
		return false;
	run->first = i;
	run->used = has(b->now, i);
	while (i < VB_REGION_BLOCKS && has(b->durable, i) != has(b->now, i) &&
	       has(b->now, i) == run->used)
		i++;
	run->blocks = i - run->first;
	*pos = i;
	return true;
}

/* What is in memory is what is committed; what that gave up waits for its release. */
void vb_bits_settle(struct vb_bits *b)
{
	u32 i;

	for (i = 0; i < VB_REGION_WORDS; i++) {
		b->releasing[i] |= (b->durable[i] & ~b->now[i]) | b->freed[i];
		b->busy[i] |= b->releasing[i];
		b->freed[i] = 0;
		b->durable[i] = b->now[i];
	}
}

/**
 * vb_bits_given() - the next run of blocks that are about to be released
 * @b: the region
 * @pos: where to look from; moves on
 * @run: filled in
 *
 * Return: false if there are no more.
 */
bool vb_bits_given(const struct vb_bits *b, u32 *pos, struct vb_run *run)
{
	u32 i = *pos;

	while (i < VB_REGION_BLOCKS && !has(b->releasing, i))
		i += i % 64 || b->releasing[i / 64] ? 1 : 64;
	if (i >= VB_REGION_BLOCKS)
		return false;
	run->first = i;
	while (i < VB_REGION_BLOCKS && has(b->releasing, i))
		i++;
	run->blocks = i - run->first;
	run->used = false;
	*pos = i;
	return true;
}

/* They are free. How many. */
u32 vb_bits_release(struct vb_bits *b)
{
	u32 i, n = 0;
	u64 w;

	for (i = 0; i < VB_REGION_WORDS; i++) {
		for (w = b->releasing[i]; w; w &= w - 1)
			n++;
		b->busy[i] &= ~b->releasing[i];
		b->releasing[i] = 0;
	}
	return n;
}
