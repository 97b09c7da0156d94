// SPDX-License-Identifier: GPL-2.0
/* What goes where: learning, flooding, and what goes nowhere. */
#include <sys/socket.h>

#include "vsw.h"

static void flood_and_learn(void)
{
	struct queue a, b, c;
	unsigned char x[6], y[6];
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	c = new_queue();
	mac_of(x, 1);
	mac_of(y, 2);

	f = frame_to(y, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	ARRIVES(&c, &f);
	SILENT(&a);
	EQ(stat_of(a.port, VSWITCH_STAT_FLOODED), 1);

	f = frame_to(x, y);
	put(&b, &f);
	ARRIVES(&a, &f);
	SILENT(&c);

	f = frame_to(y, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	SILENT(&c);
	EQ(stat_of(a.port, VSWITCH_STAT_LEARNED), 1);
	EQ(stat_of(a.port, VSWITCH_STAT_IN_FRAMES), 2);
	EQ(stat_of(a.port, VSWITCH_STAT_IN_BYTES), 128);
	EQ(stat_of(b.port, VSWITCH_STAT_OUT_FRAMES), 2);
	EQ(stat_of(b.port, VSWITCH_STAT_OUT_BYTES), 128);
}

static void groups(void)
{
	static const unsigned char group[6] = { 0x01, 0, 0x5e, 1, 2, 3 };
	struct queue a, b, c;
	unsigned char x[6];
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	c = new_queue();
	mac_of(x, 1);
	f = frame_to(broadcast, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	ARRIVES(&c, &f);
	f = frame_to(group, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	ARRIVES(&c, &f);
	SILENT(&a);
	EQ(stat_of(a.port, VSWITCH_STAT_IN_MCAST), 2);

	port_conf(b.port, 0, VSWITCH_P_FLOOD_MCAST);
	port_conf(c.port, 0, VSWITCH_P_FLOOD_BCAST);
	put(&a, &f);
	ARRIVES(&c, &f);
	SILENT(&b);
	f = frame_to(broadcast, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	SILENT(&c);
	port_conf(b.port, 0, VSWITCH_P_FLOOD_UNKNOWN);
	mac_of(x, 9);
	f = frame_to(x, f.src);
	put(&a, &f);
	ARRIVES(&c, &f);
	SILENT(&b);
}

/* An address that is where the frame came from leads nowhere. */
static void hairpin(void)
{
	struct queue a, b;
	unsigned char x[6], y[6];
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	mac_of(x, 1);
	mac_of(y, 2);
	f = frame_to(broadcast, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	f = frame_to(x, y);
	put(&a, &f);
	SILENT(&a);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_HAIRPIN), 1);
}

static void bad_frames(void)
{
	static const unsigned char zero[6];
	unsigned char bytes[64];
	struct queue a, b;
	struct frame f;
	int len;

	setup();
	a = new_queue();
	b = new_queue();
	f = frame_to(broadcast, broadcast);
	put(&a, &f);
	f = frame_to(broadcast, zero);
	put(&a, &f);
	EQ(stat_of(a.port, VSWITCH_DROP_SOURCE), 2);
	mac_of(f.src, 1);
	frame_bytes(&f, bytes);
	for (len = 0; len < 14; len++)
		FAILS(try_bytes(&a, bytes, len), EINVAL);
	EQ(stat_of(a.port, VSWITCH_DROP_RUNT), 14);
	SILENT(&b);
	/* The least that has a header is let through: no wire is behind a queue. */
	put_bytes(&a, bytes, 14);
	EQ(get_bytes(&b, bytes, sizeof(bytes), MS_ARRIVE), 14);
}

static void reserved_groups(void)
{
	unsigned char lldp[6] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
	struct vswitch_switch s = { .head = { .size = sizeof(s) } };
	struct queue a, b;
	struct frame f;
	unsigned char x[6];
	int i;

	setup();
	a = new_queue();
	b = new_queue();
	mac_of(x, 1);
	for (i = 0; i < 16; i++) {
		lldp[5] = i;
		f = frame_to(lldp, x);
		put(&a, &f);
	}
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_RESERVED), 16);
	lldp[5] = 16;
	f = frame_to(lldp, x);
	put(&a, &f);
	ARRIVES(&b, &f);

	s.head.ifindex = sw;
	s.set = VSWITCH_SET_RESERVED;
	s.reserved = 1 << 14;
	OK(ioctl(dev, VSWITCH_SET, &s));
	lldp[5] = 14;
	f = frame_to(lldp, x);
	put(&a, &f);
	ARRIVES(&b, &f);
	lldp[5] = 13;
	f = frame_to(lldp, x);
	put(&a, &f);
	SILENT(&b);
	s.set = VSWITCH_SET_RESERVED;
	s.reserved = 2;
	FAILS(ioctl(dev, VSWITCH_SET, &s), ERANGE);
}

static void too_big(void)
{
	struct vswitch_port p = { .head = { .size = sizeof(p) } };
	struct queue a, b, c;
	struct frame f;
	unsigned char x[6];

	setup();
	a = new_queue();
	b = new_queue();
	c = new_queue();
	mac_of(x, 1);
	p.head.ifindex = sw;
	p.port = c.port;
	p.set = VSWITCH_SET_PORT_MTU;
	p.mtu = 9000;
	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	f = frame_to(broadcast, x);
	f.len = 1514;
	put(&a, &f);
	ARRIVES(&b, &f);
	ARRIVES(&c, &f);
	f.len = 1515;
	put(&a, &f);
	SILENT(&b);
	ARRIVES(&c, &f);
	EQ(stat_of(b.port, VSWITCH_DROP_MTU), 1);
	/* One tag is no part of the packet. */
	f.len = 1514;
	f.tpid = 0x8100;
	f.tci = 5;
	put(&a, &f);
	ARRIVES(&b, &f);
}

/* The host's own port: its address, groups, and nothing else. */
static void local_port(void)
{
	struct queue a, b;
	struct vswitch_port p;
	unsigned char x[6];
	struct frame f;
	int fd;

	setup();
	a = new_queue();
	b = new_queue();
	mac_of(x, 1);
	p = get_port(VSWITCH_PORT_LOCAL);
	EQ(p.kind, VSWITCH_KIND_LOCAL);
	EQ(p.port_ifindex, sw);

	f = frame_to(p.mac, x);
	put(&a, &f);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_DEST_DOWN), 1);

	link_up((char *)p.name, true);
	fd = packet_socket((char *)p.name);
	put(&a, &f);
	CHECK(packet_arrives(fd, &f), "the host does not hear its own address");
	SILENT(&b);
	f = frame_to(broadcast, x);
	put(&a, &f);
	CHECK(packet_arrives(fd, &f), "the host does not hear a broadcast");
	ARRIVES(&b, &f);
	mac_of(f.dst, 77);
	put(&a, &f);
	CHECK(packet_missing(fd, &f), "the host hears what is not for it");
	ARRIVES(&b, &f);

	/* The other way. */
	drain(&a);
	drain(&b);
	f = frame_to(x, p.mac);
	{
		unsigned char bytes[64];

		OK(send(fd, bytes, frame_bytes(&f, bytes), 0));
	}
	ARRIVES(&a, &f);
	SILENT(&b);
	/* Nobody else is the host. */
	f = frame_to(broadcast, p.mac);
	put(&a, &f);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_LOOP), 1);
}

static void silent_until_activated(void)
{
	struct vswitch_announce an = { .head = { .size = sizeof(an) } };
	struct queue a, b;
	unsigned char x[6], got[128];
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	mac_of(x, 1);
	port_conf(a.port, VSWITCH_P_SILENT, VSWITCH_P_SILENT);
	f = frame_to(broadcast, x);
	put(&a, &f);
	SILENT(&b);
	CHECK(!fdb_has(x, 0, NULL), "learned from a silent port");
	EQ(stat_of(a.port, VSWITCH_DROP_SILENT), 1);

	an.head.ifindex = sw;
	an.port = a.port;
	an.family = 4;
	memcpy(an.mac, x, 6);
	memcpy(an.address, "\xc0\x00\x02\x01", 4);
	/* Without activation the announcement is silenced, too. */
	OK(ioctl(dev, VSWITCH_ANNOUNCE, &an));
	EQ(get_bytes(&b, got, sizeof(got), MS_QUIET), -1);
	an.head.flags = VSWITCH_F_ACTIVATE;
	OK(ioctl(dev, VSWITCH_ANNOUNCE, &an));
	EQ(get_bytes(&b, got, sizeof(got), MS_ARRIVE), 60);
	CHECK(got[12] == 0x08 && got[13] == 0x06, "not an ARP");
	CHECK(!memcmp(got + 28, an.address, 4), "another address");
	CHECK(fdb_has(x, 0, NULL), "not learned from the announcement");
	put(&a, &f);
	ARRIVES(&b, &f);

	an.head.flags = 0;
	an.family = 6;
	OK(ioctl(dev, VSWITCH_ANNOUNCE, &an));
	EQ(get_bytes(&b, got, sizeof(got), MS_ARRIVE), 86);
	an.family = 0;
	OK(ioctl(dev, VSWITCH_ANNOUNCE, &an));
	EQ(get_bytes(&b, got, sizeof(got), MS_ARRIVE), 60);
	CHECK(got[12] == 0x80 && got[13] == 0x35, "not a RARP");
	an.family = 5;
	FAILS(ioctl(dev, VSWITCH_ANNOUNCE, &an), EOPNOTSUPP);
	an.family = 4;
	an.mac[0] |= 1;
	FAILS(ioctl(dev, VSWITCH_ANNOUNCE, &an), EADDRNOTAVAIL);
}

static const struct test tests[] = {
	{ "flood_and_learn", flood_and_learn },
	{ "groups", groups },
	{ "hairpin", hairpin },
	{ "bad_frames", bad_frames },
	{ "reserved_groups", reserved_groups },
	{ "too_big", too_big },
	{ "local_port", local_port },
	{ "silent_until_activated", silent_until_activated },
};

TEST_SUITE(tests);
