// SPDX-License-Identifier: GPL-2.0
/* A region's bits: what a block goes through, and what of it a commit records. */
#include <kunit/test.h>

#include "region.h"

static struct vb_bits *fresh(struct kunit *test, u32 blocks)
{
	struct vb_bits *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	vb_bits_load(b, NULL, blocks);
	return b;
}

static void region_life(struct kunit *test)
{
	struct vb_bits *b = fresh(test, VB_REGION_BLOCKS);
	u32 at = 0, got = 0, pos = 0;
	struct vb_run run;

	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS);
	KUNIT_EXPECT_TRUE(test, vb_bits_find(b, &at, 4, 8, &got));
	KUNIT_EXPECT_EQ(test, at, 0);
	KUNIT_EXPECT_EQ(test, got, 8);
	/* given out: nobody else gets it, and no commit has it */
	vb_bits_take(b, 0, 8);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS - 8);
	KUNIT_EXPECT_FALSE(test, vb_bits_change(b, &pos, &run));
	KUNIT_EXPECT_FALSE(test, vb_bits_used(b, 0, 8));
	vb_bits_use(b, 0, 8);
	KUNIT_EXPECT_TRUE(test, vb_bits_used(b, 0, 8));
	KUNIT_EXPECT_FALSE(test, vb_bits_used(b, 0, 9));
	pos = 0;
	KUNIT_EXPECT_TRUE(test, vb_bits_change(b, &pos, &run));
	KUNIT_EXPECT_EQ(test, run.first, 0);
	KUNIT_EXPECT_EQ(test, run.blocks, 8);
	KUNIT_EXPECT_TRUE(test, run.used);
	KUNIT_EXPECT_FALSE(test, vb_bits_change(b, &pos, &run));
	vb_bits_settle(b);
	pos = 0;
	KUNIT_EXPECT_FALSE(test, vb_bits_change(b, &pos, &run));

	/* given up: recorded, but not to be had before it is released */
	vb_bits_give(b, 2, 3);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS - 8);
	pos = 0;
	KUNIT_EXPECT_TRUE(test, vb_bits_change(b, &pos, &run));
	KUNIT_EXPECT_EQ(test, run.first, 2);
	KUNIT_EXPECT_EQ(test, run.blocks, 3);
	KUNIT_EXPECT_FALSE(test, run.used);
	pos = 0;
	KUNIT_EXPECT_FALSE(test, vb_bits_given(b, &pos, &run));
	vb_bits_settle(b);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS - 8);
	pos = 0;
	KUNIT_EXPECT_TRUE(test, vb_bits_given(b, &pos, &run));
	KUNIT_EXPECT_EQ(test, run.first, 2);
	KUNIT_EXPECT_EQ(test, run.blocks, 3);
	KUNIT_EXPECT_EQ(test, vb_bits_release(b), 3);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS - 5);
}

/* Made and given up between two commits: no record, but held until the next one. */
static void region_short_life(struct kunit *test)
{
	struct vb_bits *b = fresh(test, VB_REGION_BLOCKS);
	struct vb_run run;
	u32 pos = 0;

	vb_bits_take(b, 100, 2);
	vb_bits_use(b, 100, 2);
	vb_bits_give(b, 100, 2);
	KUNIT_EXPECT_FALSE(test, vb_bits_change(b, &pos, &run));
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS - 2);
	vb_bits_settle(b);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS - 2);
	KUNIT_EXPECT_EQ(test, vb_bits_release(b), 2);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS);

	vb_bits_take(b, 7, 1);
	vb_bits_cancel(b, 7, 1);
	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), VB_REGION_BLOCKS);
	KUNIT_EXPECT_TRUE(test, vb_bits_free(b));
}

/* The image ends within the region: what is beyond is never given out nor stored. */
static void region_end(struct kunit *test)
{
	struct vb_bits *b = fresh(test, 1000);
	static u8 raw[VB_BLOCK];
	u32 at = 990, got, last;

	KUNIT_EXPECT_EQ(test, vb_bits_avail(b), 1000);
	KUNIT_EXPECT_TRUE(test, vb_bits_find_last(b, &last));
	KUNIT_EXPECT_EQ(test, last, 999);
	KUNIT_EXPECT_TRUE(test, vb_bits_find(b, &at, 8, 64, &got));
	KUNIT_EXPECT_EQ(test, at, 992);
	KUNIT_EXPECT_EQ(test, got, 8);
	at = 993;
	KUNIT_EXPECT_FALSE(test, vb_bits_find(b, &at, 8, 64, &got));
	vb_bits_take(b, 0, 1000);
	vb_bits_use(b, 0, 1000);
	vb_bits_settle(b);
	KUNIT_EXPECT_FALSE(test, vb_bits_find_last(b, &last));
	vb_bits_store(b, raw);
	KUNIT_EXPECT_EQ(test, raw[124], 0xff);
	KUNIT_EXPECT_EQ(test, raw[125], 0);
}

static void region_find(struct kunit *test)
{
	struct vb_bits *b = fresh(test, VB_REGION_BLOCKS);
	u32 at, got, last, align;

	/* every other block of the first 128, and all of the next 128 but two */
	for (at = 0; at < 128; at += 2)
		vb_bits_take(b, at, 1);
	vb_bits_take(b, 128, 62);
	vb_bits_take(b, 192, 64);
	at = 0;
	KUNIT_EXPECT_TRUE(test, vb_bits_find(b, &at, 1, 5, &got));
	KUNIT_EXPECT_EQ(test, at, 1);
	KUNIT_EXPECT_EQ(test, got, 1);
	at = 0;
	KUNIT_EXPECT_TRUE(test, vb_bits_find(b, &at, 2, 6, &got));
	KUNIT_EXPECT_EQ(test, at, 190);
	KUNIT_EXPECT_EQ(test, got, 2);
	for (align = 4; align <= 64; align *= 2) {
		at = 0;
		KUNIT_EXPECT_TRUE(test, vb_bits_find(b, &at, align, 2 * align, &got));
		KUNIT_EXPECT_EQ(test, at, 256);
		KUNIT_EXPECT_EQ(test, got, 2 * align);
	}
	KUNIT_EXPECT_TRUE(test, vb_bits_find_last(b, &last));
	KUNIT_EXPECT_EQ(test, last, VB_REGION_BLOCKS - 1);
	vb_bits_take(b, 256, VB_REGION_BLOCKS - 256);
	KUNIT_EXPECT_TRUE(test, vb_bits_find_last(b, &last));
	KUNIT_EXPECT_EQ(test, last, 191);
	at = 192;
	KUNIT_EXPECT_FALSE(test, vb_bits_find(b, &at, 1, 1, &got));
}

/* A leaf and the log's records after it are what is stored again. */
static void region_log(struct kunit *test)
{
	struct vb_bits *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	static u8 raw[VB_BLOCK];
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	for (i = 0; i < VB_BLOCK; i++)
		raw[i] = i % 251;
	vb_bits_load(b, raw, VB_REGION_BLOCKS);
	vb_bits_record(b, 8, 16, true);
	vb_bits_record(b, 12, 4, false);
	raw[1] = 0x0f;
	raw[2] = 0xff;
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test, vb_bits_used(b, i, 1), raw[i / 8] >> i % 8 & 1);
	i = raw[3];
	raw[3] = 0;
	vb_bits_store(b, raw);
	KUNIT_EXPECT_EQ(test, raw[1], 0x0f);
	KUNIT_EXPECT_EQ(test, raw[2], 0xff);
	KUNIT_EXPECT_EQ(test, raw[3], i);
	KUNIT_EXPECT_FALSE(test, vb_bits_free(b));
}

static struct kunit_case region_cases[] = {
	KUNIT_CASE(region_life),
	KUNIT_CASE(region_short_life),
	KUNIT_CASE(region_end),
	KUNIT_CASE(region_find),
	KUNIT_CASE(region_log),
	{}
};

static struct kunit_suite region_suite = {
	.name = "vblk-region",
	.test_cases = region_cases,
};

kunit_test_suite(region_suite);
