// SPDX-License-Identifier: GPL-2.0
/* The forwarding database as user space sees it, and as a flood leaves it. */

#include "vsw.h"

static int change(unsigned long call, const unsigned char *mac, unsigned int vid,
		  unsigned int port, unsigned int flags, bool replace)
{
	struct vswitch_fdb_change c = {
		.head = {
			.size = sizeof(c),
			.ifindex = sw,
			.flags = replace ? VSWITCH_F_REPLACE : 0,
		},
		.entry = { .vid = vid, .port = port, .flags = flags },
	};

	memcpy(c.entry.mac, mac, 6);
	return ioctl(dev, call, &c);
}

static void set_switch(unsigned int which, unsigned int ageing, unsigned int limit)
{
	struct vswitch_switch s = {
		.head = head(vswitch_switch),
		.set = which,
		.ageing_ms = ageing,
		.fdb_limit = limit,
	};

	OK(ioctl(dev, VSWITCH_SET, &s));
}

static void add_and_del(void)
{
	struct vswitch_fdb_entry e;
	unsigned char x[6], y[6];
	struct queue a, b, c;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	c = new_queue();
	mac_of(x, 1);
	mac_of(y, 2);
	OK(change(VSWITCH_FDB_ADD, x, 0, a.port, VSWITCH_FDB_STATIC, false));
	FAILS(change(VSWITCH_FDB_ADD, x, 0, a.port, 0, false), EEXIST);
	REQUIRE(fdb_has(x, 0, &e), "not there");
	EQ(e.port, a.port);
	EQ(e.flags, VSWITCH_FDB_STATIC);
	f = frame_to(x, y);
	put(&b, &f);
	ARRIVES(&a, &f);
	SILENT(&c);
	/* A static address comes from nowhere else. */
	f = frame_to(broadcast, x);
	put(&b, &f);
	SILENT(&a);
	EQ(stat_of(b.port, VSWITCH_DROP_MOVED), 1);
	OK(change(VSWITCH_FDB_ADD, x, 0, c.port, VSWITCH_FDB_STATIC, true));
	f = frame_to(x, y);
	put(&b, &f);
	ARRIVES(&c, &f);
	SILENT(&a);

	FAILS(change(VSWITCH_FDB_ADD, x, 0, 99, 0, true), ENOENT);
	FAILS(change(VSWITCH_FDB_ADD, broadcast, 0, a.port, 0, true), EADDRNOTAVAIL);
	FAILS(change(VSWITCH_FDB_ADD, x, 4095, a.port, 0, true), EINVAL);
	FAILS(change(VSWITCH_FDB_ADD, x, 0, a.port, VSWITCH_FDB_LOCAL, true), EINVAL);
	FAILS(change(VSWITCH_FDB_DEL, x, 7, 0, 0, false), ENOENT);
	OK(change(VSWITCH_FDB_DEL, x, 0, 0, 0, false));
	FAILS(change(VSWITCH_FDB_DEL, x, 0, 0, 0, false), ENOENT);
	{
		struct vswitch_port p = get_port(VSWITCH_PORT_LOCAL);

		FAILS(change(VSWITCH_FDB_DEL, p.mac, 0, 0, 0, false), EPERM);
		FAILS(change(VSWITCH_FDB_ADD, p.mac, 0, a.port, 0, true), EPERM);
	}
}

static void ageing(void)
{
	double before, last = 0, gap = 0;
	unsigned char x[6], y[6];
	struct queue a;
	struct frame f;
	int i;

	setup();
	a = new_queue();
	mac_of(x, 1);
	mac_of(y, 2);
	OK(change(VSWITCH_FDB_ADD, y, 0, a.port, VSWITCH_FDB_STATIC, false));
	set_switch(VSWITCH_SET_AGEING, 1000, 0);
	f = frame_to(broadcast, x);
	put(&a, &f);
	/* As long as frames come it stays: if this machine lets them come in time. */
	for (i = 0; i < 8; i++) {
		before = now_ms();
		put(&a, &f);
		if (last && now_ms() - last > gap)
			gap = now_ms() - last;
		last = before;
		usleep(250000);
	}
	if (fdb_has(x, 0, NULL))
		diag("known after 2 s");
	else if (now_ms() - last > gap)
		gap = now_ms() - last;
	CHECK(gap > 900 || fdb_has(x, 0, NULL), "forgotten while in use");
	before = now_ms();
	put(&a, &f);
	CHECK(EVENTUALLY(!fdb_has(x, 0, NULL)), "not forgotten");
	CHECK(now_ms() - before > 900, "forgotten after %.0f ms", now_ms() - before);
	CHECK(fdb_has(y, 0, NULL), "a static entry aged");
}

static void flush(void)
{
	struct vswitch_fdb_flush fl = { .head = { .size = sizeof(fl) }, .vid = -1 };
	unsigned char x[6], y[6], z[6];
	struct queue a, b;
	struct frame f;

	setup();
	fl.head.ifindex = sw;
	a = new_queue();
	b = new_queue();
	mac_of(x, 1);
	mac_of(y, 2);
	mac_of(z, 3);
	f = frame_to(broadcast, x);
	put(&a, &f);
	f = frame_to(broadcast, y);
	put(&b, &f);
	OK(change(VSWITCH_FDB_ADD, z, 0, a.port, VSWITCH_FDB_STATIC, false));
	fl.port = a.port;
	OK(ioctl(dev, VSWITCH_FDB_FLUSH, &fl));
	CHECK(!fdb_has(x, 0, NULL) && fdb_has(y, 0, NULL) && fdb_has(z, 0, NULL), "flush");
	fl.head.flags = VSWITCH_F_FLUSH_STATIC;
	OK(ioctl(dev, VSWITCH_FDB_FLUSH, &fl));
	CHECK(!fdb_has(z, 0, NULL), "a static entry is left");
	fl.port = VSWITCH_PORT_NONE;
	fl.vid = 7;
	OK(ioctl(dev, VSWITCH_FDB_FLUSH, &fl));
	CHECK(fdb_has(y, 0, NULL), "flushed another VLAN");
	fl.vid = -1;
	OK(ioctl(dev, VSWITCH_FDB_FLUSH, &fl));
	EQ(fdb_count(), 1);		/* the switch's own */
	fl.vid = 4095;
	FAILS(ioctl(dev, VSWITCH_FDB_FLUSH, &fl), EINVAL);
	fl.vid = -1;
	fl.port = 77;
	FAILS(ioctl(dev, VSWITCH_FDB_FLUSH, &fl), ENOENT);
}

/* The least work: to an address that leads back. */
static void flood_from(struct queue *q, unsigned int n)
{
	unsigned char first[6];

	mac_of(first, 0);
	flood(q, first, 0, n);
}

/*
 * A flood of addresses from one port fills what it may fill, and what others
 * have stays. In the short form 60,000 of them.
 */
static void mac_flood(void)
{
	const unsigned int n = scale(2000000, 60000), limit = 20000;
	struct vswitch_port p = {
		.head = { .size = sizeof(p) },
		.set = VSWITCH_SET_PORT_LIMIT,
		.fdb_limit = 5000,
	};
	struct queue a, b;
	unsigned int i;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	set_switch(VSWITCH_SET_FDB_LIMIT, 0, limit);
	p.head.ifindex = sw;
	for (i = 0; i < 100; i++) {
		f = frame_to(broadcast, broadcast);
		mac_of(f.src, 0x80000000 + i);
		put(&b, &f);
		drain(&a);
	}
	/* First against the port's limit, then against the switch's. */
	p.port = a.port;
	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	flood_from(&a, 20224);
	OK(ioctl(dev, VSWITCH_GET_PORT, &p));
	EQ(p.fdb_count, 5000);
	p.set = VSWITCH_SET_PORT_LIMIT;
	p.fdb_limit = 0;
	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	flood_from(&a, n);
	EQ(fdb_count(), limit);
	for (i = 0; i < 100; i += 33) {
		struct vswitch_fdb_entry e;

		mac_of(f.src, 0x80000000 + i);
		CHECK(fdb_has(f.src, 0, &e) && e.port == b.port, "address %u is lost", i);
	}
	EQ(stat_of(b.port, VSWITCH_STAT_MOVED), 0);
	CHECK(stat_of(a.port, VSWITCH_STAT_FDB_FULL) > n - limit, "not counted");
	/* The port goes, and its entries with it. */
	close(a.fd);
	EQ(fdb_count(), 101);
}

static void big_table(void)
{
	const unsigned int n = scale(100096, 30208);
	struct queue a, b;
	struct frame f;
	unsigned int i;

	setup();
	a = new_queue();
	b = new_queue();
	set_switch(VSWITCH_SET_FDB_LIMIT, 0, 1 << 20);
	/* What was missed while the table grew is learned the next time. */
	for (i = 0; i < 200 && fdb_count() < n + 1; i++) {
		flood_from(&a, n);
		usleep(100000);
	}
	EQ(fdb_count(), n + 1);
	f = frame_to(broadcast, broadcast);
	mac_of(f.src, 0x80000000);
	for (i = 0; i < n; i += 9973) {
		mac_of(f.dst, i);
		put(&b, &f);
		ARRIVES(&a, &f);
	}
	EQ(stat_of(b.port, VSWITCH_STAT_FLOODED), 0);
}

static const struct test tests[] = {
	{ "add_and_del", add_and_del },
	{ "ageing", ageing },
	{ "flush", flush },
	{ "mac_flood", mac_flood },
	{ "big_table", big_table },
};

TEST_SUITE(tests);
