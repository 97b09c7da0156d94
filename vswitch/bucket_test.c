// SPDX-License-Identifier: GPL-2.0
/* Token buckets against the clock. */
#include <kunit/test.h>

#include "bucket.h"

#define S 1000000000ULL
#define MS 1000000ULL

static void no_limit(struct kunit *test)
{
	struct vsw_bucket b;

	vsw_bucket_init(&b, 0, 1, 0);
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, ~0U, 0));
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, ~0U, 0));
}

static void burst_then_rate(struct kunit *test)
{
	struct vsw_bucket b;
	int i, passed = 0;

	vsw_bucket_init(&b, 1000, 10, 5 * S);
	for (i = 0; i < 100; i++)
		passed += vsw_bucket_take(&b, 1, 5 * S);
	KUNIT_EXPECT_EQ(test, passed, 10);
	/* A token a millisecond from now on. */
	for (i = 1, passed = 0; i <= 1000; i++)
		passed += vsw_bucket_take(&b, 1, 5 * S + i * MS / 2);
	KUNIT_EXPECT_EQ(test, passed, 500);
}

static void never_more_than_the_burst(struct kunit *test)
{
	struct vsw_bucket b;
	int i, passed = 0;

	vsw_bucket_init(&b, 1000, 10, 0);
	/* A long rest saves no more than a burst, though it is longer than any product fits. */
	for (i = 0; i < 100; i++)
		passed += vsw_bucket_take(&b, 1, 1ULL << 62);
	KUNIT_EXPECT_EQ(test, passed, 10);
}

static void larger_than_the_burst(struct kunit *test)
{
	struct vsw_bucket b;

	vsw_bucket_init(&b, 1000, 100, 0);
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 1500, 0));
	KUNIT_EXPECT_FALSE(test, vsw_bucket_take(&b, 1, 0));
	KUNIT_EXPECT_FALSE(test, vsw_bucket_take(&b, 1500, S));
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 1500, 3 * S));
}

static void clock_goes_back(struct kunit *test)
{
	struct vsw_bucket b;

	vsw_bucket_init(&b, 1000, 1, 10 * S);
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 1, 10 * S));
	KUNIT_EXPECT_FALSE(test, vsw_bucket_take(&b, 1, 9 * S));
	KUNIT_EXPECT_FALSE(test, vsw_bucket_take(&b, 1, 10 * S));
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 1, 10 * S + MS));
}

/* Over ten seconds of full load each rate gives what it says, within a thousandth. */
static void rates(struct kunit *test)
{
	static const u64 rate[] = { 8000, 125000, 1250000, 125000000, 1250000000ULL };
	u64 now, step, got, want, off;
	struct vsw_bucket b;
	int i;

	for (i = 0; i < ARRAY_SIZE(rate); i++) {
		vsw_bucket_init(&b, rate[i], 65536, 0);
		/* Offer twice the rate. */
		step = max(1500 * S / rate[i] / 2, 1ULL);
		for (now = 0, got = 0; now < 40000 * step; now += step)
			got += vsw_bucket_take(&b, 1500, now) ? 1500 : 0;
		want = rate[i] / 1000 * (40000 * step / MS) + 65536;
		off = got > want ? got - want : want - got;
		KUNIT_EXPECT_LE_MSG(test, off, want / 100 + 1500, "rate %llu: %llu of %llu",
				    rate[i], got, want);
	}
}

static void extremes(struct kunit *test)
{
	struct vsw_bucket b;

	vsw_bucket_init(&b, VSW_BUCKET_MAX, VSW_BUCKET_MAX, 0);
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 65536, 0));
	KUNIT_EXPECT_GT(test, b.debt, 0ULL);
	/* No more than an hour's worth is saved. */
	vsw_bucket_init(&b, 1, VSW_BUCKET_MAX, 0);
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 1, 0));
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 3599, 0));
	KUNIT_EXPECT_FALSE(test, vsw_bucket_take(&b, 1, 0));
	vsw_bucket_init(&b, VSW_BUCKET_MAX, 1, 0);
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 65536, 0));
	KUNIT_EXPECT_FALSE(test, vsw_bucket_take(&b, 65536, 0));
	KUNIT_EXPECT_TRUE(test, vsw_bucket_take(&b, 65536, S));
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(no_limit),
	KUNIT_CASE(burst_then_rate),
	KUNIT_CASE(never_more_than_the_burst),
	KUNIT_CASE(larger_than_the_burst),
	KUNIT_CASE(clock_goes_back),
	KUNIT_CASE(rates),
	KUNIT_CASE(extremes),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "vswitch_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
