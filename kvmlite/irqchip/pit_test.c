// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the 8254.
 */

#include <kunit/test.h>
#include <linux/math64.h>

#include "pit.h"

/* The moment just after @ticks of the PIT's clock. */
static s64 at(u64 ticks)
{
	return div_u64(ticks * NSEC_PER_SEC, KL_PIT_HZ) + 1;
}

static void start(struct kvm_pit_state2 *pit, unsigned int channel, u8 mode,
		  u16 count)
{
	kl_pit_reset(pit, 0);
	kl_pit_write(pit, 3, channel << 6 | 3 << 4 | mode << 1, 0);
	kl_pit_write(pit, channel, count, 0);
	kl_pit_write(pit, channel, count >> 8, 0);
}

static u16 read16(struct kvm_pit_state2 *pit, unsigned int channel, s64 now)
{
	u16 low = kl_pit_read(pit, channel, now);

	return low | kl_pit_read(pit, channel, now) << 8;
}

static void pit_mode0(struct kunit *test)
{
	struct kvm_pit_state2 pit;
	struct kvm_pit_channel_state *c = &pit.channels[2];

	start(&pit, 2, 0, 1000);
	KUNIT_EXPECT_EQ(test, read16(&pit, 2, at(0)), 1000);
	KUNIT_EXPECT_EQ(test, read16(&pit, 2, at(400)), 600);
	KUNIT_EXPECT_FALSE(test, kl_pit_out(c, at(999)));
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(1000)));
	/* It counts on, through zero. */
	KUNIT_EXPECT_EQ(test, read16(&pit, 2, at(1001)), 0xffff);
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(100000)));
}

static void pit_mode2(struct kunit *test)
{
	struct kvm_pit_state2 pit;
	struct kvm_pit_channel_state *c = &pit.channels[0];
	bool periodic = false;
	u64 ns;

	start(&pit, 0, 2, 100);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(99)), 1);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(100)), 100);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(1030)), 70);
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(98)));
	KUNIT_EXPECT_FALSE(test, kl_pit_out(c, at(99)));
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(100)));
	KUNIT_EXPECT_TRUE(test, kl_pit_period(&pit, &ns, &periodic));
	KUNIT_EXPECT_TRUE(test, periodic);
	KUNIT_EXPECT_EQ(test, ns, 83809ull);
	/* Mode 6 is mode 2. */
	start(&pit, 0, 6, 100);
	KUNIT_EXPECT_EQ(test, c->mode, 2);
}

static void pit_mode3(struct kunit *test)
{
	struct kvm_pit_state2 pit;
	struct kvm_pit_channel_state *c = &pit.channels[2];

	start(&pit, 2, 3, 100);
	KUNIT_EXPECT_EQ(test, read16(&pit, 2, at(10)), 80);
	KUNIT_EXPECT_EQ(test, read16(&pit, 2, at(60)), 80);
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(49)));
	KUNIT_EXPECT_FALSE(test, kl_pit_out(c, at(50)));
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(100)));
}

/* A trigger on the gate starts mode 1 again; mode 0 takes no notice. */
static void pit_gate(struct kunit *test)
{
	struct kvm_pit_state2 pit;
	struct kvm_pit_channel_state *c = &pit.channels[2];

	start(&pit, 2, 1, 100);
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(150)));
	kl_pit_speaker_write(&pit, 1, at(150));
	KUNIT_EXPECT_FALSE(test, kl_pit_out(c, at(200)));
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(251)));
	start(&pit, 2, 0, 100);
	kl_pit_speaker_write(&pit, 1, at(150));
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(200)));
	KUNIT_EXPECT_EQ(test, kl_pit_speaker_read(&pit, at(200)) & 0x23, 0x21);
	kl_pit_speaker_write(&pit, 3, at(200));
	KUNIT_EXPECT_EQ(test, kl_pit_speaker_read(&pit, at(200)) & 0x23, 0x23);
}

static void pit_strobe(struct kunit *test)
{
	struct kvm_pit_state2 pit;
	struct kvm_pit_channel_state *c = &pit.channels[0];
	bool periodic = true;
	u64 ns;

	start(&pit, 0, 4, 50);
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(49)));
	KUNIT_EXPECT_FALSE(test, kl_pit_out(c, at(50)));
	KUNIT_EXPECT_TRUE(test, kl_pit_out(c, at(51)));
	KUNIT_EXPECT_TRUE(test, kl_pit_period(&pit, &ns, &periodic));
	KUNIT_EXPECT_FALSE(test, periodic);
	start(&pit, 0, 5, 50);
	KUNIT_EXPECT_FALSE(test, kl_pit_period(&pit, &ns, &periodic));
	kl_pit_reset(&pit, 0);
	KUNIT_EXPECT_FALSE(test, kl_pit_period(&pit, &ns, &periodic));
}

static void pit_latches(struct kunit *test)
{
	struct kvm_pit_state2 pit;

	start(&pit, 0, 2, 0x1234);
	kl_pit_write(&pit, 3, 0x00, at(4));
	/* Time goes on, the latch does not; a second latch is ignored. */
	kl_pit_write(&pit, 3, 0x00, at(8));
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(100)), 0x1230);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(4)), 0x1230);
	/* Read back: status first, then the count. */
	kl_pit_write(&pit, 3, 0xc2, at(16));
	KUNIT_EXPECT_EQ(test, kl_pit_read(&pit, 0, at(20)), 0xb4);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(20)), 0x1224);
}

static void pit_access(struct kunit *test)
{
	struct kvm_pit_state2 pit;

	kl_pit_reset(&pit, 0);
	KUNIT_EXPECT_EQ(test, kl_pit_write(&pit, 3, 0x14, 0), KL_PIT_NONE);
	KUNIT_EXPECT_EQ(test, kl_pit_write(&pit, 0, 0x80, 0), KL_PIT_RESTART);
	KUNIT_EXPECT_EQ(test, pit.channels[0].count, 0x80u);
	KUNIT_EXPECT_EQ(test, kl_pit_read(&pit, 0, at(1)), 0x7f);
	kl_pit_write(&pit, 3, 0x24, 0);
	kl_pit_write(&pit, 0, 0x12, 0);
	KUNIT_EXPECT_EQ(test, pit.channels[0].count, 0x1200u);
	/* Zero is the largest count. */
	start(&pit, 0, 2, 0);
	KUNIT_EXPECT_EQ(test, pit.channels[0].count, 0x10000u);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(0)), 0);
}

static void pit_bcd(struct kunit *test)
{
	struct kvm_pit_state2 pit;

	kl_pit_reset(&pit, 0);
	kl_pit_write(&pit, 3, 0x35, 0);
	kl_pit_write(&pit, 0, 0x00, 0);
	kl_pit_write(&pit, 0, 0x10, 0);
	KUNIT_EXPECT_EQ(test, pit.channels[0].count, 1000u);
	KUNIT_EXPECT_EQ(test, read16(&pit, 0, at(1)), 0x0999);
}

/* Nothing that user space restores may divide by zero. */
static void pit_bad_state(struct kunit *test)
{
	struct kvm_pit_state2 pit, bad;
	unsigned int i, fill;

	for (fill = 0; fill < 256; fill += 0x55) {
		memset(&bad, fill, sizeof(bad));
		kl_pit_set_state(&pit, &bad, 0);
		for (i = 0; i < 3; i++) {
			KUNIT_EXPECT_NE(test, pit.channels[i].count, 0u);
			kl_pit_write(&pit, 3, 0xc0 | 2 << i, at(5));
			kl_pit_read(&pit, i, at(5));
			kl_pit_read(&pit, i, at(5));
		}
	}
}

static struct kunit_case pit_cases[] = {
	KUNIT_CASE(pit_mode0),
	KUNIT_CASE(pit_mode2),
	KUNIT_CASE(pit_mode3),
	KUNIT_CASE(pit_gate),
	KUNIT_CASE(pit_strobe),
	KUNIT_CASE(pit_latches),
	KUNIT_CASE(pit_access),
	KUNIT_CASE(pit_bcd),
	KUNIT_CASE(pit_bad_state),
	{ }
};

static struct kunit_suite pit_suite = {
	.name = "kvmlite_pit",
	.test_cases = pit_cases,
};

kunit_test_suite(pit_suite);
