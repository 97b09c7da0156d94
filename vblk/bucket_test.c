// SPDX-License-Identifier: GPL-2.0
/* Rate limits: the long run, the burst, what is larger than the burst. */
#include <kunit/test.h>

#include "bucket.h"
#include "stats.h"

#define S 1000000000ULL

/* How many units go in a time, if somebody always wants to send @units. */
static u64 drive(struct vb_bucket *b, u64 units, u64 from, u64 until)
{
	u64 now = from, sent = 0;

	for (;;) {
		now += vb_bucket_wait(b, units, now);
		if (now >= until)
			return sent;
		vb_bucket_take(b, units, now);
		sent += units;
	}
}

static void bucket_long_run(struct kunit *test)
{
	struct vb_bucket b;

	vb_bucket_set(&b, 1000, 100, 5 * S);
	/* The burst and one each ms, but for the one that is due at the very end. */
	KUNIT_EXPECT_EQ(test, drive(&b, 1, 5 * S, 15 * S), 10099);
	KUNIT_EXPECT_EQ(test, drive(&b, 1, 15 * S, 16 * S), 1000);
}

static void bucket_burst(struct kunit *test)
{
	struct vb_bucket b;
	unsigned int i;

	vb_bucket_set(&b, 10, 4, S);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 1, S), 0);
		vb_bucket_take(&b, 1, S);
	}
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 1, S), S / 10);
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 1, S + S / 10), 0);
	/* A long pause fills it, and no more than that. */
	KUNIT_EXPECT_EQ(test, drive(&b, 1, 100 * S, 100 * S + 1), 4);
}

static void bucket_larger_than_burst(struct kunit *test)
{
	struct vb_bucket b;

	vb_bucket_set(&b, 1000, 10, S);
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 5000, S), 0);
	vb_bucket_take(&b, 5000, S);
	/* Five seconds to pay for it; one unit may be owed 9 of the burst. */
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 5000, S), 5 * S);
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 1, S), 5 * S - 9 * S / 1000);
}

static void bucket_no_limit(struct kunit *test)
{
	struct vb_bucket b;

	vb_bucket_set(&b, 0, 0, S);
	vb_bucket_take(&b, U64_MAX, S);
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, U64_MAX, S), 0);
}

static void bucket_extremes(struct kunit *test)
{
	struct vb_bucket b;

	/* The largest numbers that user space can set. */
	vb_bucket_set(&b, 1, 1ULL << 40, S);
	vb_bucket_take(&b, 1ULL << 32, S);
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 1, S), 0);
	vb_bucket_set(&b, 1ULL << 40, 1, S);
	vb_bucket_take(&b, 1ULL << 40, S);
	KUNIT_EXPECT_EQ(test, vb_bucket_wait(&b, 1, S), S);
}

static void latency_buckets(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(0), 0);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(511), 0);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(512), 1);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(1023), 1);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(1024), 2);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket((1ULL << 39) - 1), 30);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(1ULL << 39), 31);
	KUNIT_EXPECT_EQ(test, vb_latency_bucket(U64_MAX), 31);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_long_run),
	KUNIT_CASE(bucket_burst),
	KUNIT_CASE(bucket_larger_than_burst),
	KUNIT_CASE(bucket_no_limit),
	KUNIT_CASE(bucket_extremes),
	KUNIT_CASE(latency_buckets),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "vblk_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
