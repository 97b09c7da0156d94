// SPDX-License-Identifier: GPL-2.0
/* The forwarding database without a switch. */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fdb.h"
#include "param.h"
#include "port.h"

struct bed {
	struct vsw_fdb fdb;
	atomic_t budget;
	struct vsw_port a, b;
};

static struct bed *bed_new(struct kunit *test)
{
	struct bed *bed = kzalloc(sizeof(*bed), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bed);
	KUNIT_ASSERT_EQ(test, vsw_fdb_init(&bed->fdb, NULL, &bed->budget), 0);
	bed->a.id = 1;
	bed->b.id = 2;
	return bed;
}

static void bed_free(struct kunit *test, struct bed *bed)
{
	vsw_fdb_stop(&bed->fdb);
	vsw_fdb_flush(&bed->fdb, NULL, -1, VSW_FLUSH_ALL);
	KUNIT_EXPECT_EQ(test, bed->fdb.count, 0);
	KUNIT_EXPECT_EQ(test, bed->a.fdb_count, 0);
	KUNIT_EXPECT_EQ(test, bed->b.fdb_count, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&bed->budget), 0);
	vsw_fdb_destroy(&bed->fdb);
	kfree(bed);
}

static enum vsw_learn learn(struct bed *bed, struct vsw_port *port, u64 key)
{
	enum vsw_learn ret;

	local_bh_disable();
	rcu_read_lock();
	ret = vsw_fdb_learn(&bed->fdb, port, key);
	rcu_read_unlock();
	local_bh_enable();
	return ret;
}

static struct vsw_port *where(struct bed *bed, u64 key)
{
	struct vsw_fdb_entry *e;
	struct vsw_port *port;

	rcu_read_lock();
	e = vsw_fdb_find(&bed->fdb, key);
	port = e ? rcu_dereference(e->port) : NULL;
	rcu_read_unlock();
	return port;
}

static u64 key(u32 n, u16 vid)
{
	const u8 mac[6] = { 0x02, 0, n >> 24, n >> 16, n >> 8, n };

	return vsw_fdb_key(mac, vid);
}

static void keys(struct kunit *test)
{
	static const u8 mac[6] = { 1, 2, 3, 4, 5, 6 };
	u64 k = vsw_fdb_key(mac, 0xabc);
	u8 back[6];

	vsw_fdb_key_mac(k, back);
	KUNIT_EXPECT_EQ(test, memcmp(mac, back, 6), 0);
	KUNIT_EXPECT_EQ(test, vsw_fdb_key_vid(k), 0xabc);
}

/* Addresses that differ little are spread well: no bucket is asked for by many. */
static void spread(struct kunit *test)
{
	static const struct vsw_fdb_salt salt[] = {
		{ 0x123456789abcdef0ULL, 0xfedcba9876543211ULL }, { 0, 1 }, { ~0ULL, 3 },
	};
	u16 *load = kunit_kcalloc(test, 1024, sizeof(*load), GFP_KERNEL);
	u32 i, s, pattern, most;
	u64 k;

	KUNIT_ASSERT_NOT_NULL(test, load);
	for (s = 0; s < ARRAY_SIZE(salt); s++) {
		for (pattern = 0; pattern < 3; pattern++) {
			memset(load, 0, 1024 * sizeof(*load));
			for (i = 0, most = 0; i < 4096; i++) {
				u16 *l;

				k = pattern == 0 ? key(i, 0) : pattern == 1 ? key(i << 16, 0) :
				    key(1, i);
				l = &load[vsw_fdb_first(vsw_fdb_hash(&salt[s], k), 1023)];
				most = max_t(u32, most, ++*l);
			}
			/* Four are expected; twenty in a random one of 1024 is one in 10^6. */
			KUNIT_EXPECT_LE_MSG(test, most, 20U, "salt %u pattern %u", s, pattern);
		}
	}
}

static void learns(struct kunit *test)
{
	struct bed *bed = bed_new(test);

	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->a, key(1, 0)), VSW_LEARN_NEW);
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->a, key(1, 0)), VSW_LEARN_KNOWN);
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->b, key(1, 5)), VSW_LEARN_NEW);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 0)), &bed->a);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 5)), &bed->b);
	KUNIT_EXPECT_NULL(test, where(bed, key(1, 6)));
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->b, key(1, 0)), VSW_LEARN_MOVED);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 0)), &bed->b);
	KUNIT_EXPECT_EQ(test, bed->a.fdb_count, 0);
	KUNIT_EXPECT_EQ(test, bed->b.fdb_count, 2);
	bed_free(test, bed);
}

static void grows(struct kunit *test)
{
	const u32 n = 20000;
	struct bed *bed = bed_new(test);
	u32 i, lost = 0, missed = 0;

	for (i = 0; i < n; i++) {
		missed += learn(bed, &bed->a, key(i, 0)) != VSW_LEARN_NEW;
		if (i % 128 == 0)
			flush_work(&bed->fdb.grow);
	}
	flush_work(&bed->fdb.grow);
	/* A few may have come while both buckets were full, or the table was copied. */
	KUNIT_EXPECT_LE(test, missed, n / 50);
	for (i = 0; i < n; i++)
		lost += where(bed, key(i, 0)) != &bed->a;
	KUNIT_EXPECT_EQ(test, lost, missed);
	KUNIT_EXPECT_EQ(test, bed->fdb.count, n - lost);
	KUNIT_EXPECT_EQ(test, bed->a.fdb_count, n - lost);
	bed_free(test, bed);
}

static void limits(struct kunit *test)
{
	struct bed *bed = bed_new(test);
	u32 i, n[VSW_LEARN_REFUSED + 1] = {};

	bed->a.fdb_limit = 10;
	for (i = 0; i < 100; i++)
		n[learn(bed, &bed->a, key(i, 0))]++;
	KUNIT_EXPECT_EQ(test, n[VSW_LEARN_NEW], 10);
	KUNIT_EXPECT_EQ(test, n[VSW_LEARN_PORT_FULL], 90);

	bed->fdb.limit = 15;
	for (i = 100; i < 120; i++)
		n[learn(bed, &bed->b, key(i, 0))]++;
	KUNIT_EXPECT_EQ(test, n[VSW_LEARN_NEW], 15);
	KUNIT_EXPECT_EQ(test, n[VSW_LEARN_FULL], 15);
	KUNIT_EXPECT_EQ(test, vsw_fdb_add(&bed->fdb, &bed->b, key(500, 0), VSWITCH_FDB_STATIC, 0,
					  false), -ENOSPC);
	/* What is known stays known, and may still move. */
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->a, key(0, 0)), VSW_LEARN_KNOWN);
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->b, key(0, 0)), VSW_LEARN_MOVED);
	bed_free(test, bed);
}

static void static_entries(struct kunit *test)
{
	struct bed *bed = bed_new(test);

	KUNIT_EXPECT_EQ(test, vsw_fdb_add(&bed->fdb, &bed->a, key(1, 0), VSWITCH_FDB_STATIC, 0,
					  false), 0);
	KUNIT_EXPECT_EQ(test, vsw_fdb_add(&bed->fdb, &bed->b, key(1, 0), 0, 0, false), -EEXIST);
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->b, key(1, 0)), VSW_LEARN_REFUSED);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 0)), &bed->a);
	vsw_fdb_expire(&bed->fdb, jiffies + bed->fdb.ageing * 2);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 0)), &bed->a);
	vsw_fdb_flush(&bed->fdb, NULL, -1, VSW_FLUSH_LEARNED);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 0)), &bed->a);
	KUNIT_EXPECT_EQ(test, vsw_fdb_add(&bed->fdb, &bed->b, key(1, 0), 0, 0, true), 0);
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(1, 0)), &bed->b);
	KUNIT_EXPECT_EQ(test, vsw_fdb_del(&bed->fdb, key(1, 0)), 0);
	KUNIT_EXPECT_EQ(test, vsw_fdb_del(&bed->fdb, key(1, 0)), -ENOENT);

	KUNIT_EXPECT_EQ(test, vsw_fdb_add(&bed->fdb, &bed->a, key(2, 0),
					  VSWITCH_FDB_STATIC | VSWITCH_FDB_LOCAL, 0, false), 0);
	KUNIT_EXPECT_EQ(test, vsw_fdb_del(&bed->fdb, key(2, 0)), -EPERM);
	KUNIT_EXPECT_EQ(test, vsw_fdb_add(&bed->fdb, &bed->b, key(2, 0), 0, 0, true), -EPERM);
	bed_free(test, bed);
}

static void ageing(struct kunit *test)
{
	struct bed *bed = bed_new(test);
	unsigned long now = jiffies;

	bed->fdb.ageing = 10 * HZ;
	vsw_fdb_add(&bed->fdb, &bed->a, key(1, 0), 0, 5 * HZ, false);
	vsw_fdb_add(&bed->fdb, &bed->a, key(2, 0), VSWITCH_FDB_STICKY, 0, false);
	vsw_fdb_expire(&bed->fdb, now + 4 * HZ);
	KUNIT_EXPECT_EQ(test, bed->fdb.count, 2);
	vsw_fdb_expire(&bed->fdb, now + 6 * HZ);
	KUNIT_EXPECT_NULL(test, where(bed, key(1, 0)));
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(2, 0)), &bed->a);
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->b, key(2, 0)), VSW_LEARN_REFUSED);
	vsw_fdb_expire(&bed->fdb, now + 20 * HZ);
	KUNIT_EXPECT_EQ(test, bed->fdb.count, 0);
	/* 0 means never. */
	vsw_fdb_add(&bed->fdb, &bed->a, key(1, 0), 0, 5 * HZ, false);
	bed->fdb.ageing = 0;
	vsw_fdb_expire(&bed->fdb, now + 1000 * HZ);
	KUNIT_EXPECT_EQ(test, bed->fdb.count, 1);
	bed_free(test, bed);
}

static void damping(struct kunit *test)
{
	struct bed *bed = bed_new(test);
	u32 i, n[VSW_LEARN_REFUSED + 1] = {};
	struct vsw_port *stays;

	learn(bed, &bed->a, key(1, 0));
	for (i = 0; i < 100; i++)
		n[learn(bed, i & 1 ? &bed->a : &bed->b, key(1, 0))]++;
	KUNIT_EXPECT_EQ(test, n[VSW_LEARN_MOVED], VSW_MOVE_LIMIT_DEFAULT);
	KUNIT_EXPECT_GE(test, n[VSW_LEARN_REFUSED], 40);
	stays = where(bed, key(1, 0));
	KUNIT_EXPECT_EQ(test, (int)learn(bed, stays, key(1, 0)), VSW_LEARN_KNOWN);
	/* Others are not concerned. */
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->a, key(2, 0)), VSW_LEARN_NEW);
	KUNIT_EXPECT_EQ(test, (int)learn(bed, &bed->b, key(2, 0)), VSW_LEARN_MOVED);
	bed_free(test, bed);
}

static void flushes(struct kunit *test)
{
	struct bed *bed = bed_new(test);
	u32 i;

	for (i = 0; i < 50; i++)
		learn(bed, i & 1 ? &bed->a : &bed->b, key(i, i % 10));
	vsw_fdb_flush(&bed->fdb, &bed->a, -1, VSW_FLUSH_LEARNED);
	KUNIT_EXPECT_EQ(test, bed->a.fdb_count, 0);
	KUNIT_EXPECT_EQ(test, bed->b.fdb_count, 25);
	vsw_fdb_flush(&bed->fdb, NULL, 4, VSW_FLUSH_LEARNED);
	KUNIT_EXPECT_EQ(test, bed->fdb.count, 20);
	KUNIT_EXPECT_NULL(test, where(bed, key(4, 4)));
	KUNIT_EXPECT_PTR_EQ(test, where(bed, key(6, 6)), &bed->b);
	bed_free(test, bed);
}

static void dumps(struct kunit *test)
{
	struct vswitch_fdb_entry *to;
	struct bed *bed = bed_new(test);
	u32 i, n = 0, count, seen[500] = {};
	u64 cursor = 0;

	to = kunit_kcalloc(test, 64, sizeof(*to), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, to);
	for (i = 0; i < 500; i++)
		vsw_fdb_add(&bed->fdb, i & 1 ? &bed->a : &bed->b, key(i, 0), 0, 0, false);
	do {
		count = 64;
		KUNIT_ASSERT_EQ(test, vsw_fdb_dump(&bed->fdb, NULL, &cursor, to, &count), 0);
		for (i = 0; i < count; i++) {
			u32 which = to[i].mac[4] << 8 | to[i].mac[5];

			KUNIT_ASSERT_LT(test, which, 500U);
			KUNIT_EXPECT_EQ(test, to[i].port, which & 1 ? 1U : 2U);
			seen[which]++;
		}
		n += count;
	} while (cursor);
	KUNIT_EXPECT_EQ(test, n, 500);
	for (i = 0; i < 500; i++)
		KUNIT_EXPECT_EQ(test, seen[i], 1U);

	count = 64;
	cursor = 0;
	KUNIT_EXPECT_EQ(test, vsw_fdb_dump(&bed->fdb, &bed->a, &cursor, to, &count), 0);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(test, to[i].port, 1U);
	cursor = 77ULL << 32 | 5;
	KUNIT_EXPECT_EQ(test, vsw_fdb_dump(&bed->fdb, NULL, &cursor, to, &count), -EAGAIN);
	bed_free(test, bed);
}

static struct kunit_case fdb_cases[] = {
	KUNIT_CASE(keys),
	KUNIT_CASE(spread),
	KUNIT_CASE(learns),
	KUNIT_CASE(grows),
	KUNIT_CASE(limits),
	KUNIT_CASE(static_entries),
	KUNIT_CASE(ageing),
	KUNIT_CASE(damping),
	KUNIT_CASE(flushes),
	KUNIT_CASE(dumps),
	{}
};

static struct kunit_suite fdb_suite = {
	.name = "vswitch_fdb",
	.test_cases = fdb_cases,
};

kunit_test_suite(fdb_suite);
