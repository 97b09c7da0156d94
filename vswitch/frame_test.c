// SPDX-License-Identifier: GPL-2.0
/* Frames as bytes. */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include <virtlite/vswitch.h>

#include "frame.h"

static void casts(struct kunit *test)
{
	static const struct {
		u8 mac[6];
		enum vsw_cast cast;
	} rows[] = {
		{ { 0x02, 0, 0, 0, 0, 1 }, VSW_UNICAST },
		{ { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff }, VSW_UNICAST },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, VSW_BROADCAST },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe }, VSW_MULTICAST },
		{ { 0x01, 0x00, 0x5e, 0, 0, 1 }, VSW_MULTICAST },
		{ { 0x33, 0x33, 0, 0, 0, 1 }, VSW_MULTICAST },
		{ { 0x01, 0x80, 0xc2, 0, 0, 0 }, VSW_RESERVED },
		{ { 0x01, 0x80, 0xc2, 0, 0, 0x0f }, VSW_RESERVED },
		{ { 0x01, 0x80, 0xc2, 0, 0, 0x10 }, VSW_MULTICAST },
		{ { 0x01, 0x80, 0xc2, 0, 1, 0 }, VSW_MULTICAST },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, vsw_frame_cast(rows[i].mac), rows[i].cast, "row %d", i);
}

static void sources(struct kunit *test)
{
	static const u8 good[6] = { 0x02, [5] = 1 }, group[6] = { 0x03 }, zero[6];

	KUNIT_EXPECT_TRUE(test, vsw_mac_ok(good));
	KUNIT_EXPECT_FALSE(test, vsw_mac_ok(group));
	KUNIT_EXPECT_FALSE(test, vsw_mac_ok(zero));
}

static void tags(struct kunit *test)
{
	u8 frame[18] = { [12] = 0x81, 0x00, 0xe0, 0x0a, 0x08, 0x00 };
	u16 tpid, tci;
	u32 len;

	KUNIT_EXPECT_EQ(test, vsw_frame_tag(frame, 64, &tpid, &tci), 0);
	KUNIT_EXPECT_EQ(test, tpid, 0x8100);
	KUNIT_EXPECT_EQ(test, tci, 0xe00a);
	for (len = 0; len < 18; len++)
		KUNIT_EXPECT_EQ_MSG(test, vsw_frame_tag(frame, len, &tpid, &tci), -EINVAL,
				    "length %u", len);
	frame[12] = 0x08;
	KUNIT_EXPECT_EQ(test, vsw_frame_tag(frame, 14, &tpid, &tci), 0);
	KUNIT_EXPECT_EQ(test, tpid, 0);
	frame[12] = 0x88;
	frame[13] = 0xa8;
	KUNIT_EXPECT_EQ(test, vsw_frame_tag(frame, 18, &tpid, &tci), 0);
	KUNIT_EXPECT_EQ(test, tpid, 0x88a8);
}

static void private_vlans(struct kunit *test)
{
	const u8 p = VSWITCH_ROLE_PROMISCUOUS, i = VSWITCH_ROLE_ISOLATED;
	const u8 c = VSWITCH_ROLE_COMMUNITY;

	KUNIT_EXPECT_TRUE(test, vsw_may_talk(p, 0, p, 0));
	KUNIT_EXPECT_TRUE(test, vsw_may_talk(p, 0, i, 0));
	KUNIT_EXPECT_TRUE(test, vsw_may_talk(c, 7, p, 0));
	KUNIT_EXPECT_FALSE(test, vsw_may_talk(i, 0, i, 0));
	KUNIT_EXPECT_FALSE(test, vsw_may_talk(i, 0, c, 7));
	KUNIT_EXPECT_FALSE(test, vsw_may_talk(c, 7, c, 8));
	KUNIT_EXPECT_TRUE(test, vsw_may_talk(c, 7, c, 7));
}

static void announce_arp(struct kunit *test)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 9 }, ip[16] = { 192, 0, 2, 1 };
	u8 f[VSW_ANNOUNCE_MAX];

	KUNIT_ASSERT_EQ(test, vsw_announce_frame(f, 4, mac, ip), 60);
	KUNIT_EXPECT_TRUE(test, is_broadcast_ether_addr(f));
	KUNIT_EXPECT_EQ(test, memcmp(f + 6, mac, 6), 0);
	KUNIT_EXPECT_EQ(test, f[12] << 8 | f[13], ETH_P_ARP);
	KUNIT_EXPECT_EQ(test, f[21], 2);
	KUNIT_EXPECT_EQ(test, memcmp(f + 22, mac, 6), 0);
	KUNIT_EXPECT_EQ(test, memcmp(f + 28, ip, 4), 0);
	KUNIT_EXPECT_EQ(test, memcmp(f + 38, ip, 4), 0);

	KUNIT_ASSERT_EQ(test, vsw_announce_frame(f, 0, mac, ip), 60);
	KUNIT_EXPECT_EQ(test, f[12] << 8 | f[13], ETH_P_RARP);
	KUNIT_EXPECT_EQ(test, vsw_announce_frame(f, 5, mac, ip), -EOPNOTSUPP);
}

/* The kernel's own arithmetic says whether the checksum is right. */
static void announce_na(struct kunit *test)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct in6_addr from = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } }, to;
	u8 f[VSW_ANNOUNCE_MAX];
	__wsum sum;

	KUNIT_ASSERT_EQ(test, vsw_announce_frame(f, 6, mac, from.s6_addr), 86);
	KUNIT_EXPECT_EQ(test, f[12] << 8 | f[13], ETH_P_IPV6);
	KUNIT_EXPECT_EQ(test, f[54], 136);
	KUNIT_EXPECT_EQ(test, f[21], 255);
	memcpy(&to, f + 38, sizeof(to));
	sum = csum_partial(f + 54, 32, 0);
	KUNIT_EXPECT_EQ(test, (__force u16)csum_ipv6_magic(&from, &to, 32, IPPROTO_ICMPV6, sum), 0);
}

static struct kunit_case frame_cases[] = {
	KUNIT_CASE(casts),
	KUNIT_CASE(sources),
	KUNIT_CASE(tags),
	KUNIT_CASE(private_vlans),
	KUNIT_CASE(announce_arp),
	KUNIT_CASE(announce_na),
	{}
};

static struct kunit_suite frame_suite = {
	.name = "vswitch_frame",
	.test_cases = frame_cases,
};

kunit_test_suite(frame_suite);
