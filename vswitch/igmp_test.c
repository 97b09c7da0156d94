// SPDX-License-Identifier: GPL-2.0
/* IGMP and MLD: messages, broken ones, and any bytes at all. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "igmp.h"

static void set_sum(u8 *field, const u8 *p, u32 len, u32 s)
{
	field[0] = 0;
	field[1] = 0;
	for (; len > 1; p += 2, len -= 2)
		s += p[0] << 8 | p[1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	s = ~s;
	field[0] = s >> 8;
	field[1] = s;
}

static u32 igmp_packet(u8 *p, const u8 *message, u32 len)
{
	memset(p, 0, 24);
	p[0] = 0x46;
	p[3] = 24 + len;
	p[8] = 1;
	p[9] = 2;
	p[20] = 0x94;
	p[21] = 4;
	memcpy(p + 24, message, len);
	set_sum(p + 26, p + 24, len, 0);
	return 24 + len;
}

static u32 mld_packet(u8 *p, const u8 *message, u32 len)
{
	u32 i, s = len + 58;

	memset(p, 0, 48);
	p[0] = 0x60;
	p[4] = (8 + len) >> 8;
	p[5] = 8 + len;
	p[7] = 1;
	p[8] = 0xfe;
	p[9] = 0x80;
	p[23] = 1;
	p[24] = 0xff;
	p[25] = 2;
	p[39] = 0x16;
	p[40] = 58;
	p[42] = 5;
	p[43] = 2;
	memcpy(p + 48, message, len);
	for (i = 8; i < 40; i += 2)
		s += p[i] << 8 | p[i + 1];
	set_sum(p + 50, p + 48, len, s);
	return 48 + len;
}

static void old_igmp(struct kunit *test)
{
	static const u8 join[] = { 0x16, 0, 0, 0, 239, 1, 2, 3 };
	static const u8 leave[] = { 0x17, 0, 0, 0, 239, 1, 2, 3 };
	static const u8 query[] = { 0x11, 100, 0, 0, 0, 0, 0, 0 };
	static const u8 one[] = { 0x11, 10, 0, 0, 239, 1, 2, 3 };
	static const u8 local[] = { 0x16, 0, 0, 0, 224, 0, 0, 251 };
	struct vsw_group g;
	struct vsw_igmp m;
	u8 p[64];
	bool in;
	u32 n;

	n = igmp_packet(p, join, sizeof(join));
	KUNIT_EXPECT_TRUE(test, vsw_igmp_may_be(p, n, 4));
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_REPORT);
	KUNIT_ASSERT_TRUE(test, vsw_igmp_next(&m, &g, &in));
	KUNIT_EXPECT_TRUE(test, in);
	KUNIT_EXPECT_EQ(test, memcmp(g.address, join + 4, 4), 0);
	KUNIT_EXPECT_FALSE(test, vsw_igmp_next(&m, &g, &in));

	n = igmp_packet(p, leave, sizeof(leave));
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_ASSERT_TRUE(test, vsw_igmp_next(&m, &g, &in));
	KUNIT_EXPECT_FALSE(test, in);

	n = igmp_packet(p, query, sizeof(query));
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_QUERY);
	n = igmp_packet(p, one, sizeof(one));
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_QUERY_ONE);

	n = igmp_packet(p, local, sizeof(local));
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_EXPECT_FALSE(test, vsw_igmp_next(&m, &g, &in));

	n = igmp_packet(p, join, sizeof(join));
	p[30]++;
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_BAD);
	p[30]--;
	vsw_igmp_read(&m, p, n - 1, 4);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_BAD);
}

static void records(struct kunit *test)
{
	static const u8 report[] = {
		0x22, 0, 0, 0, 0, 0, 0, 4,
		2, 0, 0, 0, 239, 0, 0, 1,
		3, 0, 0, 1, 239, 0, 0, 2, 10, 0, 0, 1,
		3, 1, 0, 0, 239, 0, 0, 3, 9, 9, 9, 9,
		5, 0, 0, 200, 239, 0, 0, 4,
	};
	struct vsw_group g;
	struct vsw_igmp m;
	u8 p[128];
	bool in;
	u32 n;

	n = igmp_packet(p, report, sizeof(report));
	vsw_igmp_read(&m, p, n, 4);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_REPORT);
	KUNIT_ASSERT_TRUE(test, vsw_igmp_next(&m, &g, &in));
	KUNIT_EXPECT_EQ(test, g.address[3], 1);
	KUNIT_EXPECT_TRUE(test, in);
	/* From one source it wants the group, from none it has left. */
	KUNIT_ASSERT_TRUE(test, vsw_igmp_next(&m, &g, &in));
	KUNIT_EXPECT_EQ(test, g.address[3], 2);
	KUNIT_EXPECT_TRUE(test, in);
	KUNIT_ASSERT_TRUE(test, vsw_igmp_next(&m, &g, &in));
	KUNIT_EXPECT_EQ(test, g.address[3], 3);
	KUNIT_EXPECT_FALSE(test, in);
	/* The last one has more sources than there are bytes. */
	KUNIT_EXPECT_FALSE(test, vsw_igmp_next(&m, &g, &in));
}

static void mld(struct kunit *test)
{
	static u8 message[8 + 2 * 20] = { 143, 0, 0, 0, 0, 0, 0, 2 };
	struct vsw_group g;
	struct vsw_igmp m;
	u8 p[128];
	bool in;
	u32 n;

	message[8] = 4;
	message[12] = 0xff;
	message[13] = 0x0e;
	message[27] = 9;
	/* And a group of the link, which is none of ours. */
	message[28] = 4;
	message[32] = 0xff;
	message[33] = 2;
	n = mld_packet(p, message, sizeof(message));
	KUNIT_EXPECT_TRUE(test, vsw_igmp_may_be(p, n, 6));
	vsw_igmp_read(&m, p, n, 6);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_REPORT);
	KUNIT_ASSERT_TRUE(test, vsw_igmp_next(&m, &g, &in));
	KUNIT_EXPECT_TRUE(test, in);
	KUNIT_EXPECT_EQ(test, g.family, 6);
	KUNIT_EXPECT_EQ(test, g.address[15], 9);
	KUNIT_EXPECT_FALSE(test, vsw_igmp_next(&m, &g, &in));

	/* From another link. */
	p[7] = 2;
	vsw_igmp_read(&m, p, n, 6);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_BAD);
	/* Not MLD, but behind the same header. */
	p[7] = 1;
	p[48] = 135;
	vsw_igmp_read(&m, p, n, 6);
	KUNIT_EXPECT_EQ(test, m.kind, VSW_IGMP_NONE);
}

/* KASAN watches: each packet has exactly its memory. */
static void any_bytes(struct kunit *test)
{
	struct rnd_state r;
	struct vsw_group g;
	struct vsw_igmp m;
	u32 i, len, n;
	u8 *p, family;
	bool in;

	prandom_seed_state(&r, 1234);
	for (i = 0; i < 20000; i++) {
		family = prandom_u32_state(&r) & 1 ? 4 : 6;
		len = prandom_u32_state(&r) % 120;
		p = kmalloc(len ?: 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		prandom_bytes_state(&r, p, len);
		if (len > 60 && family == 4) {
			p[9] = 2;
			n = igmp_packet(p, p + 24, len - 24);
			p[24] = "\x11\x16\x17\x22"[i & 3];
			set_sum(p + 26, p + 24, len - 24, 0);
		} else if (len > 60) {
			p[48] = "\x82\x83\x84\x8f"[i & 3];
			n = mld_packet(p, p + 48, len - 48);
		}
		if (vsw_igmp_may_be(p, len, family)) {
			vsw_igmp_read(&m, p, len, family);
			for (n = 0; m.kind == VSW_IGMP_REPORT && vsw_igmp_next(&m, &g, &in); n++)
				KUNIT_ASSERT_LT(test, n, 65536);
		}
		kfree(p);
	}
}

static struct kunit_case igmp_cases[] = {
	KUNIT_CASE(old_igmp),
	KUNIT_CASE(records),
	KUNIT_CASE(mld),
	KUNIT_CASE(any_bytes),
	{}
};

static struct kunit_suite igmp_suite = {
	.name = "vswitch_igmp",
	.test_cases = igmp_cases,
};

kunit_test_suite(igmp_suite);
