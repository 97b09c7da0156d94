// SPDX-License-Identifier: GPL-2.0
/* VLANs: access, trunk, native, QinQ; and that there is no VLAN 1 by itself. */
#include "vsw.h"

#define C 0x8100
#define S 0x88a8

static struct frame tagged(struct frame f, unsigned int tpid, unsigned int tci)
{
	f.tpid2 = f.tpid;
	f.tci2 = f.tci;
	f.tpid = tpid;
	f.tci = tci;
	return f;
}

/* Without a mode anywhere, tags are bytes like others. */
static void unaware(void)
{
	struct queue a, b;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	f = tagged(from(1), C, 0x6005);
	put(&a, &f);
	ARRIVES(&b, &f);
	f = tagged(tagged(from(1), C, 7), S, 8);
	put(&a, &f);
	ARRIVES(&b, &f);
	CHECK(fdb_has(f.src, 0, NULL), "learned in a VLAN");
}

static void access_ports(void)
{
	struct queue a, b, c, d;
	struct frame f, t;

	setup();
	a = new_queue();
	b = new_queue();
	c = new_queue();
	d = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(c.port, VSWITCH_VLAN_ACCESS, 20, 0, NULL);

	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	SILENT(&c);
	/* A transparent port is a trunk of everything. */
	t = tagged(f, C, 10);
	ARRIVES(&d, &t);
	CHECK(fdb_has(f.src, 10, NULL), "not learned in VLAN 10");
	CHECK(!fdb_has(f.src, 0, NULL), "learned without a VLAN");

	t = tagged(from(2), C, 10);
	put(&a, &t);
	t = tagged(from(2), C, 20);
	put(&a, &t);
	t = tagged(from(2), C, 1);
	put(&a, &t);
	SILENT(&b);
	SILENT(&c);
	EQ(stat_of(a.port, VSWITCH_DROP_VLAN_IN), 3);
	/* A priority tag names no VLAN; its priority stays. */
	t = tagged(from(2), C, 0xa000);
	put(&a, &t);
	f = from(2);
	ARRIVES(&b, &f);
	t = tagged(f, C, 0xa00a);
	ARRIVES(&d, &t);

	t = tagged(from(3), C, 20);
	put(&d, &t);
	f = from(3);
	ARRIVES(&c, &f);
	SILENT(&a);
	/* No VLAN: none of the others has that. */
	put(&d, &f);
	SILENT(&a);
	SILENT(&c);
}

static void trunk(void)
{
	static const unsigned short vlans[] = { 10, 20, 0 };
	struct queue a, b, t;
	struct frame f, g;

	setup();
	a = new_queue();
	b = new_queue();
	t = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 30, 0, NULL);
	set_vlan(t.port, VSWITCH_VLAN_TRUNK, 0, 0, vlans);

	f = from(1);
	put(&a, &f);
	g = tagged(f, C, 10);
	ARRIVES(&t, &g);
	put(&b, &f);
	SILENT(&t);
	put(&t, &f);			/* untagged: no native VLAN, no VLAN 1 */
	g = tagged(from(2), C, 30);
	put(&t, &g);
	g = tagged(from(2), C, 1);
	put(&t, &g);
	SILENT(&a);
	SILENT(&b);
	EQ(stat_of(t.port, VSWITCH_DROP_VLAN_IN), 3);
	g = tagged(from(2), C, 10);
	put(&t, &g);
	f = from(2);
	ARRIVES(&a, &f);

	/* A known address, but not in a VLAN of that port. */
	mac_of(f.dst, 2);
	mac_of(f.src, 3);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(t.port, VSWITCH_VLAN_TRUNK, 0, 0, vlans + 1);
	g = tagged(from(2), C, 20);
	put(&t, &g);
	fdb_static(f.dst, 10, t.port);
	put(&a, &f);
	SILENT(&t);
	EQ(stat_of(a.port, VSWITCH_DROP_VLAN_OUT), 1);
}

static void native(void)
{
	static const unsigned short vlans[] = { 20, 0 };
	struct queue a, b, t;
	struct frame f, g;

	setup();
	a = new_queue();
	b = new_queue();
	t = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 20, 0, NULL);
	set_vlan(t.port, VSWITCH_VLAN_TRUNK, 10, 0, vlans);
	f = from(1);
	put(&a, &f);
	ARRIVES(&t, &f);
	f = from(2);
	put(&b, &f);
	g = tagged(f, C, 20);
	ARRIVES(&t, &g);
	f = from(3);
	put(&t, &f);
	ARRIVES(&a, &f);
	SILENT(&b);
}

static void qinq(void)
{
	static const unsigned short vlans[] = { 100, 0 };
	struct queue a, b, t;
	struct frame f, g;

	setup();
	a = new_queue();
	b = new_queue();
	t = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_TUNNEL, 100, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_TUNNEL, 100, 0, NULL);
	set_vlan(t.port, VSWITCH_VLAN_TRUNK, 0, S, vlans);
	/* The customer's frames, with a tag, two tags or none, come out as they went in. */
	f = tagged(from(1), C, 0x2007);
	put(&a, &f);
	ARRIVES(&b, &f);
	g = tagged(f, S, 0x2064);
	ARRIVES(&t, &g);
	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	g = tagged(f, S, 100);
	ARRIVES(&t, &g);
	/* And back. */
	f = tagged(from(2), C, 9);
	g = tagged(f, S, 100);
	put(&t, &g);
	ARRIVES(&a, &f);
	ARRIVES(&b, &f);
	g = tagged(from(2), C, 100);
	put(&t, &g);
	SILENT(&a);
}

/* The same address in two VLANs is two stations. */
static void independent_learning(void)
{
	struct queue a, b, t;
	unsigned char x[6], y[6];
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	t = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 20, 0, NULL);
	mac_of(x, 1);
	mac_of(y, 2);
	f = frame_to(broadcast, x);
	put(&a, &f);
	put(&b, &f);
	EQ(stat_of(b.port, VSWITCH_STAT_MOVED), 0);
	drain(&t);
	f = tagged(frame_to(x, y), C, 10);
	put(&t, &f);
	f = frame_to(x, y);
	ARRIVES(&a, &f);
	SILENT(&b);
	/* The switch forgets VLANs with the last mode, and addresses with them. */
	set_vlan(a.port, VSWITCH_VLAN_TRANSPARENT, 0, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_TRANSPARENT, 0, 0, NULL);
	CHECK(!fdb_has(x, 20, NULL), "still in VLAN 20");
	f = frame_to(x, y);
	put(&t, &f);
	ARRIVES(&a, &f);
	ARRIVES(&b, &f);
}

static void truncated_tags(void)
{
	unsigned char bytes[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1 };
	struct queue a, b;
	unsigned int len;

	setup();
	a = new_queue();
	b = new_queue();
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	bytes[12] = 0x81;
	bytes[15] = 10;
	for (len = 14; len < 18; len++)
		put_bytes(&a, bytes, len);
	EQ(get_bytes(&b, bytes, sizeof(bytes), MS_QUIET), -1);
	EQ(stat_of(a.port, VSWITCH_DROP_RUNT), 4);
	put_bytes(&a, bytes, 18);
	EQ(get_bytes(&b, bytes, sizeof(bytes), MS_ARRIVE), 14);
}

static void calls(void)
{
	struct vswitch_vlan v = { .head = { .size = sizeof(v) }, .mode = VSWITCH_VLAN_ACCESS };
	struct vswitch_switch s = { .head = { .size = sizeof(s) } };
	struct queue a;

	setup();
	a = new_queue();
	v.head.ifindex = sw;
	s.head.ifindex = sw;
	v.port = a.port;
	FAILS(ioctl(dev, VSWITCH_SET_VLAN, &v), ERANGE);
	v.vid = 4095;
	FAILS(ioctl(dev, VSWITCH_SET_VLAN, &v), ERANGE);
	v.vid = 5;
	v.allowed[0] = 2;
	FAILS(ioctl(dev, VSWITCH_SET_VLAN, &v), EINVAL);
	v.mode = 7;
	FAILS(ioctl(dev, VSWITCH_SET_VLAN, &v), EOPNOTSUPP);
	v.mode = VSWITCH_VLAN_TRUNK;
	v.tpid = 0x9100;
	FAILS(ioctl(dev, VSWITCH_SET_VLAN, &v), EOPNOTSUPP);
	v.tpid = 0;
	v.allowed[0] = 3;
	FAILS(ioctl(dev, VSWITCH_SET_VLAN, &v), ERANGE);
	OK(ioctl(dev, VSWITCH_GET, &s));
	EQ(s.vlan_aware, 0);
	v.allowed[0] = 2;
	OK(ioctl(dev, VSWITCH_SET_VLAN, &v));
	OK(ioctl(dev, VSWITCH_GET, &s));
	EQ(s.vlan_aware, 1);
	memset(&v.mode, 0xff, sizeof(v) - offsetof(struct vswitch_vlan, mode));
	v.pad = 0;
	OK(ioctl(dev, VSWITCH_GET_VLAN, &v));
	EQ(v.mode, VSWITCH_VLAN_TRUNK);
	EQ(v.vid, 5);
	EQ(v.tpid, 0x8100);
	EQ(v.allowed[0], 2);
	EQ(v.allowed[63], 0);
	close(a.fd);
	OK(ioctl(dev, VSWITCH_GET, &s));
	EQ(s.vlan_aware, 0);
}

static const struct test tests[] = {
	{ "unaware", unaware },
	{ "access_ports", access_ports },
	{ "trunk", trunk },
	{ "native", native },
	{ "qinq", qinq },
	{ "independent_learning", independent_learning },
	{ "truncated_tags", truncated_tags },
	{ "calls", calls },
};

TEST_SUITE(tests);
