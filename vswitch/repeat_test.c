// SPDX-License-Identifier: GPL-2.0
/* Counting what comes again. */
#include <kunit/test.h>

#include "repeat.h"

static void counts_the_same(struct kunit *test)
{
	u64 slot = 0;
	int i;

	for (i = 1; i <= 100; i++) {
		slot = vsw_repeat_note(slot, 0x12345678, 7, 10);
		KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), i);
	}
}

static void begins_anew(struct kunit *test)
{
	u64 slot = 0;

	slot = vsw_repeat_note(slot, 1, 7, 10);
	slot = vsw_repeat_note(slot, 1, 7, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 2);
	slot = vsw_repeat_note(slot, 2, 7, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 1);
	slot = vsw_repeat_note(slot, 1, 7, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 1);
}

static void leaks(struct kunit *test)
{
	u64 slot = 0;
	int i;

	for (i = 0; i < 25; i++)
		slot = vsw_repeat_note(slot, 1, 0xffff, 10);
	/* The seconds begin anew, too. */
	slot = vsw_repeat_note(slot, 1, 0, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 16);
	slot = vsw_repeat_note(slot, 1, 1, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 7);
	slot = vsw_repeat_note(slot, 1, 30000, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 1);
}

/* A count that went over its end would let a frame pass once more. */
static void stays_at_its_end(struct kunit *test)
{
	u64 slot = 0;
	int i;

	for (i = 0; i < 70000; i++)
		slot = vsw_repeat_note(slot, 0xffffffff, 0xffff, 10);
	KUNIT_EXPECT_EQ(test, vsw_repeat_count(slot), 0xffff);
	KUNIT_EXPECT_EQ(test, slot >> 16, 0xffffffffffffULL);
}

static struct kunit_case repeat_cases[] = {
	KUNIT_CASE(counts_the_same),
	KUNIT_CASE(begins_anew),
	KUNIT_CASE(leaks),
	KUNIT_CASE(stays_at_its_end),
	{}
};

static struct kunit_suite repeat_suite = {
	.name = "vswitch_repeat",
	.test_cases = repeat_cases,
};

kunit_test_suite(repeat_suite);
