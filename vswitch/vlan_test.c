// SPDX-License-Identifier: GPL-2.0
/* VLAN modes, as a table: what comes in, what becomes of it, how it leaves. */
#include <kunit/test.h>

#include <virtlite/vswitch.h>

#include "vlan.h"

#define C VSW_TPID_C
#define S VSW_TPID_S
#define NO VSW_VLAN_DENIED

static void set_up(struct vsw_vlan *v, u8 mode, u16 vid, u16 tpid)
{
	memset(v, 0, sizeof(*v));
	v->mode = mode;
	v->vid = vid;
	v->tpid = tpid;
	if (mode == VSWITCH_VLAN_TRUNK) {
		v->allowed[10 / 64] |= 1ULL << 10;
		v->allowed[4094 / 64] |= 1ULL << (4094 % 64);
	}
}

struct in_row {
	u16 tpid;
	u16 tci;
	int vid;
	bool pop;
};

static void check_in(struct kunit *test, const struct vsw_vlan *v, const struct in_row *rows,
		     int n)
{
	bool pop;
	int i;

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ_MSG(test, vsw_vlan_in(v, rows[i].tpid, rows[i].tci, &pop),
				    rows[i].vid, "row %d", i);
		if (rows[i].vid != NO)
			KUNIT_EXPECT_EQ_MSG(test, pop, rows[i].pop, "row %d", i);
	}
}

static void transparent_in(struct kunit *test)
{
	static const struct in_row rows[] = {
		{ 0, 0, 0, false },
		{ C, 10, 10, true },
		{ C, 0xe000, 0, true },		/* a priority tag names no VLAN */
		{ C, 0xf00a, 10, true },
		{ C, 4095, NO },
		{ S, 10, 0, false },		/* payload */
	};

	check_in(test, NULL, rows, ARRAY_SIZE(rows));
}

static void access_in(struct kunit *test)
{
	static const struct in_row rows[] = {
		{ 0, 0, 20, false },
		{ C, 0xe000, 20, true },
		{ C, 20, NO },
		{ C, 10, NO },
		{ S, 20, NO },
	};
	struct vsw_vlan v;

	set_up(&v, VSWITCH_VLAN_ACCESS, 20, 0);
	check_in(test, &v, rows, ARRAY_SIZE(rows));
}

static void trunk_in(struct kunit *test)
{
	static const struct in_row native[] = {
		{ 0, 0, 20, false },
		{ C, 0x2000, 20, true },
		{ C, 10, 10, true },
		{ C, 20, 20, true },
		{ C, 11, NO },
		{ C, 4094, 4094, true },
		{ C, 4095, NO },
		{ S, 10, 20, false },
	};
	static const struct in_row tagged_only[] = {
		{ 0, 0, NO },
		{ C, 0, NO },
		{ C, 10, 10, true },
		{ C, 1, NO },			/* there is no VLAN 1 by itself */
	};
	struct vsw_vlan v;

	set_up(&v, VSWITCH_VLAN_TRUNK, 20, C);
	check_in(test, &v, native, ARRAY_SIZE(native));
	set_up(&v, VSWITCH_VLAN_TRUNK, 0, C);
	check_in(test, &v, tagged_only, ARRAY_SIZE(tagged_only));
}

static void service_trunk_in(struct kunit *test)
{
	static const struct in_row rows[] = {
		{ S, 10, 10, true },
		{ S, 11, NO },
		{ C, 10, NO },			/* a customer's tag, and no native VLAN */
	};
	struct vsw_vlan v;

	set_up(&v, VSWITCH_VLAN_TRUNK, 0, S);
	check_in(test, &v, rows, ARRAY_SIZE(rows));
}

static void tunnel_in(struct kunit *test)
{
	static const struct in_row rows[] = {
		{ 0, 0, 100, false },
		{ C, 10, 100, false },
		{ S, 10, 100, false },
	};
	struct vsw_vlan v;

	set_up(&v, VSWITCH_VLAN_TUNNEL, 100, 0);
	check_in(test, &v, rows, ARRAY_SIZE(rows));
}

static void ways_out(struct kunit *test)
{
	struct vsw_vlan v;
	u16 tpid;

	KUNIT_EXPECT_EQ(test, vsw_vlan_out(NULL, 0, &tpid), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(NULL, 7, &tpid), 1);
	KUNIT_EXPECT_EQ(test, tpid, C);

	set_up(&v, VSWITCH_VLAN_ACCESS, 20, 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 20, &tpid), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 10, &tpid), NO);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 0, &tpid), NO);

	set_up(&v, VSWITCH_VLAN_TRUNK, 20, S);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 20, &tpid), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 10, &tpid), 1);
	KUNIT_EXPECT_EQ(test, tpid, S);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 11, &tpid), NO);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 0, &tpid), NO);

	set_up(&v, VSWITCH_VLAN_TUNNEL, 100, 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 100, &tpid), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_out(&v, 10, &tpid), NO);
}

static void checks(struct kunit *test)
{
	static const u64 none[64], ten[64] = { 1ULL << 10 }, zero[64] = { 1 };
	static const u64 last[64] = { [63] = 1ULL << 63 };

	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRANSPARENT, 0, 0, none), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRANSPARENT, 1, 0, none), -EINVAL);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_ACCESS, 1, 0, none), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_ACCESS, 0, 0, none), -ERANGE);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_ACCESS, 4095, 0, none), -ERANGE);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_ACCESS, 1, C, none), -EINVAL);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_ACCESS, 1, 0, ten), -EINVAL);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRUNK, 0, 0, none), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRUNK, 4094, S, ten), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRUNK, 0, 0x9100, ten), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRUNK, 0, 0, zero), -ERANGE);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TRUNK, 0, 0, last), -ERANGE);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(VSWITCH_VLAN_TUNNEL, 100, 0, none), 0);
	KUNIT_EXPECT_EQ(test, vsw_vlan_check(4, 0, 0, none), -EOPNOTSUPP);
}

static struct kunit_case vlan_cases[] = {
	KUNIT_CASE(transparent_in),
	KUNIT_CASE(access_in),
	KUNIT_CASE(trunk_in),
	KUNIT_CASE(service_trunk_in),
	KUNIT_CASE(tunnel_in),
	KUNIT_CASE(ways_out),
	KUNIT_CASE(checks),
	{}
};

static struct kunit_suite vlan_suite = {
	.name = "vswitch_vlan",
	.test_cases = vlan_cases,
};

kunit_test_suite(vlan_suite);
