// SPDX-License-Identifier: GPL-2.0
/* What of a slice needs no kernel: configuration space, display, EDID, limits. */
#include <kunit/test.h>

#include "config.h"
#include "display.h"
#include "limit.h"

#define SECOND 1000000000ULL
#define MIB 1048576ULL

static u32 word(const struct vg_config *c, u32 off)
{
	u8 b[4];

	vg_config_read(c, off, b, 4);
	return b[0] | b[1] << 8 | b[2] << 16 | (u32)b[3] << 24;
}

static void config_bars(struct kunit *test)
{
	static const u8 ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
	struct vg_config c;

	vg_config_init(&c, true, 8ULL << 30);
	vg_config_write(&c, 0x10, ones, 8);
	KUNIT_EXPECT_EQ(test, word(&c, 0x10), 0xcU);
	KUNIT_EXPECT_EQ(test, word(&c, 0x14), 0xfffffffeU);
	vg_config_write(&c, 0x18, ones, 8);
	KUNIT_EXPECT_EQ(test, word(&c, 0x18), 0xfffff000U);
	KUNIT_EXPECT_EQ(test, word(&c, 0x1c), 0U);
	vg_config_init(&c, false, MIB);
	vg_config_write(&c, 0x18, ones, 4);
	KUNIT_EXPECT_EQ(test, word(&c, 0x18), 0U);
	KUNIT_EXPECT_EQ(test, word(&c, 0), 0x1d611234U);
}

/* Whatever is written, what cannot be changed stays, and nothing beside it changes. */
static void config_masks(struct kunit *test)
{
	struct vg_config c, was;
	u32 off, i;
	u8 b;

	vg_config_init(&was, true, MIB);
	for (off = 0; off < VG_CONFIG_SIZE; off++) {
		c = was;
		b = ~c.data[off];
		vg_config_write(&c, off, &b, 1);
		for (i = 0; i < VG_CONFIG_SIZE; i++) {
			u8 may = i == off ? c.mask[i] : 0;

			KUNIT_EXPECT_EQ(test, (c.data[i] ^ was.data[i]) & ~may, 0);
		}
	}
	vg_config_interrupt(&c, true);
	KUNIT_EXPECT_EQ(test, c.data[6] & 8, 8);
	vg_config_interrupt(&c, false);
	KUNIT_EXPECT_EQ(test, c.data[6] & 8, 0);
}

static void set(struct vg_display *d, u32 reg, u32 value)
{
	u8 b[2] = { value, value >> 8 };

	vg_display_write(d, 0x500 + 2 * reg, b, 2);
}

static void display_picture(struct kunit *test)
{
	struct vg_picture p;
	struct vg_display d;

	vg_display_init(&d, 1024, 768, 4 * MIB);
	KUNIT_EXPECT_FALSE(test, vg_display_picture(&d, &p));
	set(&d, 1, 1024);
	set(&d, 2, 768);
	set(&d, 3, 32);
	set(&d, 4, 0x41);
	KUNIT_EXPECT_TRUE(test, vg_display_picture(&d, &p));
	KUNIT_EXPECT_EQ(test, p.bytes, 1024 * 768 * 4ULL);
	/* The largest numbers there are do not wrap. */
	set(&d, 6, 0xffff);
	set(&d, 9, 0xffff);
	KUNIT_EXPECT_FALSE(test, vg_display_picture(&d, &p));
	set(&d, 6, 1024);
	set(&d, 9, 256);
	KUNIT_EXPECT_TRUE(test, vg_display_picture(&d, &p));
	KUNIT_EXPECT_EQ(test, p.start, MIB);
	set(&d, 9, 257);
	KUNIT_EXPECT_FALSE(test, vg_display_picture(&d, &p));
}

static void edid_sizes(struct kunit *test)
{
	static const u32 sizes[][2] = { { 320, 200 }, { 1024, 768 }, { 4088, 4088 } };
	u8 edid[VG_EDID_BLOCK], sum;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		vg_edid(edid, sizes[i][0], sizes[i][1]);
		for (sum = 0, k = 0; k < VG_EDID_BLOCK; k++)
			sum += edid[k];
		KUNIT_EXPECT_EQ(test, sum, 0);
		KUNIT_EXPECT_EQ(test, edid[56] | (edid[58] & 0xf0) << 4, (int)sizes[i][0]);
		KUNIT_EXPECT_EQ(test, edid[59] | (edid[61] & 0xf0) << 4, (int)sizes[i][1]);
		KUNIT_EXPECT_NE(test, edid[54] | edid[55], 0);
	}
}

static bool put(struct vg_monitor *m, u32 off, u32 value)
{
	return vg_monitor_write(m, off, (u8 *)&value, 4);
}

/* The user brings another monitor: it has to be unplugged for that. */
static void monitor_swap(struct kunit *test)
{
	u8 blob[256], back[256];
	struct vg_display d;
	u32 i;

	for (i = 0; i < sizeof(blob); i++)
		blob[i] = i * 7 + 1;
	vg_display_init(&d, 1024, 768, 4 * MIB);
	KUNIT_EXPECT_FALSE(test, vg_monitor_write(&d.monitor, VG_MONITOR_BLOB, blob, 256));
	KUNIT_EXPECT_FALSE(test, put(&d.monitor, 8, 256));
	KUNIT_EXPECT_FALSE(test, put(&d.monitor, 20, 3));
	KUNIT_EXPECT_FALSE(test, put(&d.monitor, 0, 0));
	KUNIT_EXPECT_TRUE(test, put(&d.monitor, 20, 2));
	vg_display_read(&d, 0, back, 1);
	vg_display_read(&d, 1, back + 1, 1);
	KUNIT_EXPECT_EQ(test, back[0] | back[1], 0);
	KUNIT_EXPECT_TRUE(test, vg_monitor_write(&d.monitor, VG_MONITOR_BLOB, blob, 256));
	KUNIT_EXPECT_FALSE(test, put(&d.monitor, 8, 100));
	KUNIT_EXPECT_FALSE(test, put(&d.monitor, 8, 2048));
	KUNIT_EXPECT_TRUE(test, put(&d.monitor, 8, 256));
	KUNIT_EXPECT_TRUE(test, put(&d.monitor, 20, 1));
	vg_display_reset(&d);
	for (i = 0; i < 256; i++)
		vg_display_read(&d, i, back + i, 1);
	KUNIT_EXPECT_EQ(test, memcmp(back, blob, 256), 0);
}

static void limit_rate(struct kunit *test)
{
	struct vg_limit l = { };
	u64 now = 5, n, done = 0, wait;

	for (n = 0; n < 1000; n++)
		KUNIT_EXPECT_EQ(test, vg_limit_take(&l, now), 0ULL);
	vg_limit_set(&l, 80, now);
	/* As often as it is allowed, for ten seconds. */
	while (now < 5 + 10 * SECOND) {
		wait = vg_limit_take(&l, now);
		done += !wait;
		now += wait;
	}
	KUNIT_EXPECT_GE(test, done, 800ULL);
	KUNIT_EXPECT_LE(test, done, 811ULL);
	/* A long pause is no claim to more than the burst. */
	now += 3600 * SECOND;
	for (n = 0; !vg_limit_take(&l, now); n++)
		;
	KUNIT_EXPECT_EQ(test, n, 10ULL);
}

static void limit_window(struct kunit *test)
{
	struct vg_window w = { .limit = 3 };
	u64 now = 1000 * SECOND;

	KUNIT_EXPECT_FALSE(test, vg_window_count(&w, now));
	KUNIT_EXPECT_FALSE(test, vg_window_count(&w, now));
	KUNIT_EXPECT_FALSE(test, vg_window_count(&w, now + 1));
	/* A new minute. */
	now += 61 * SECOND;
	KUNIT_EXPECT_FALSE(test, vg_window_count(&w, now));
	KUNIT_EXPECT_FALSE(test, vg_window_count(&w, now));
	KUNIT_EXPECT_FALSE(test, vg_window_count(&w, now));
	KUNIT_EXPECT_FALSE(test, vg_window_rests(&w, now));
	KUNIT_EXPECT_TRUE(test, vg_window_count(&w, now));
	KUNIT_EXPECT_TRUE(test, vg_window_rests(&w, now + 59 * SECOND));
	KUNIT_EXPECT_FALSE(test, vg_window_rests(&w, now + 60 * SECOND));
}

static void limit_seldom(struct kunit *test)
{
	struct vg_seldom s = { };
	u64 now = 1;
	u32 i, said = 0;

	for (i = 0; i < 10000; i++, now += SECOND / 1000)
		said += vg_seldom(&s, now);
	KUNIT_EXPECT_EQ(test, said, 10U);
	KUNIT_EXPECT_EQ(test, s.held, 9990ULL);
}

/* All that happens is told of, one by one or as a number, once a second. */
static void limit_held(struct kunit *test)
{
	struct vg_seldom s = { };
	u64 now = 5 * SECOND, n;
	u32 i, told = 0, all = 0;

	KUNIT_EXPECT_EQ(test, vg_seldom_due(&s), 0ULL);
	KUNIT_EXPECT_TRUE(test, vg_seldom(&s, now));
	KUNIT_EXPECT_EQ(test, vg_seldom_due(&s), 0ULL);
	KUNIT_EXPECT_EQ(test, vg_seldom_over(&s, now + 2 * SECOND), 0ULL);
	KUNIT_EXPECT_FALSE(test, vg_seldom(&s, now + 1));
	KUNIT_EXPECT_FALSE(test, vg_seldom(&s, now + 2));
	KUNIT_EXPECT_EQ(test, vg_seldom_due(&s), now + SECOND);
	KUNIT_EXPECT_EQ(test, vg_seldom_over(&s, now + SECOND - 1), 0ULL);
	KUNIT_EXPECT_EQ(test, vg_seldom_over(&s, now + SECOND), 2ULL);
	KUNIT_EXPECT_EQ(test, vg_seldom_over(&s, now + 9 * SECOND), 0ULL);
	/* Telling how many were held back is as good as telling of one. */
	KUNIT_EXPECT_FALSE(test, vg_seldom(&s, now + SECOND + 1));

	s = (struct vg_seldom){ };
	for (i = 0; i < 10500; i++, now += SECOND / 1000) {
		n = vg_seldom_over(&s, now);
		told += n ? 1 : 0;
		all += n;
		if (vg_seldom(&s, now)) {
			told++;
			all++;
		}
	}
	all += vg_seldom_over(&s, now + SECOND);
	KUNIT_EXPECT_EQ(test, all, 10500U);
	KUNIT_EXPECT_LE(test, told, 11U);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(config_bars),
	KUNIT_CASE(config_masks),
	KUNIT_CASE(display_picture),
	KUNIT_CASE(edid_sizes),
	KUNIT_CASE(monitor_swap),
	KUNIT_CASE(limit_rate),
	KUNIT_CASE(limit_window),
	KUNIT_CASE(limit_seldom),
	KUNIT_CASE(limit_held),
	{}
};

static struct kunit_suite device_suite = {
	.name = "vgpu_device",
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
