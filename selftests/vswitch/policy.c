// SPDX-License-Identifier: GPL-2.0
/* What a port may be kept from: talking, pretending, flooding, looping. */
#include <fcntl.h>
#include <sys/socket.h>

#include "vsw.h"

static void set_role(unsigned int port, unsigned int role, unsigned int community)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.port = port,
		.set = VSWITCH_SET_PORT_ROLE,
		.role = role,
		.community = community,
	};

	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
}

static void set_rate(unsigned int port, unsigned int which, unsigned long long rate,
		     unsigned long long burst)
{
	struct vswitch_rate r = { .head = head(vswitch_rate), .port = port, .set = 1 << which };

	r.limit[which].rate = rate;
	r.limit[which].burst = burst;
	OK(ioctl(dev, VSWITCH_SET_RATE, &r));
}

static void private_vlan(void)
{
	struct queue up, iso1, iso2, com1, com2, com3;
	struct frame f;

	setup();
	up = new_queue();
	iso1 = new_queue();
	iso2 = new_queue();
	com1 = new_queue();
	com2 = new_queue();
	com3 = new_queue();
	set_role(iso1.port, VSWITCH_ROLE_ISOLATED, 0);
	set_role(iso2.port, VSWITCH_ROLE_ISOLATED, 0);
	set_role(com1.port, VSWITCH_ROLE_COMMUNITY, 7);
	set_role(com2.port, VSWITCH_ROLE_COMMUNITY, 7);
	set_role(com3.port, VSWITCH_ROLE_COMMUNITY, 8);

	f = from(1);
	put(&iso1, &f);
	ARRIVES(&up, &f);
	SILENT(&iso2);
	SILENT(&com1);
	f = from(2);
	put(&com1, &f);
	ARRIVES(&up, &f);
	ARRIVES(&com2, &f);
	SILENT(&com3);
	SILENT(&iso1);
	f = from(3);
	put(&up, &f);
	ARRIVES(&iso1, &f);
	ARRIVES(&iso2, &f);
	ARRIVES(&com1, &f);
	ARRIVES(&com3, &f);
	/* Known addresses are no way around it. */
	drain(&com2);
	f = from(4);
	mac_of(f.dst, 1);
	put(&iso2, &f);
	SILENT(&iso1);
	EQ(stat_of(iso2.port, VSWITCH_DROP_ISOLATED), 1);
}

static void antispoof(void)
{
	struct queue a, b;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	port_conf(a.port, VSWITCH_P_ANTISPOOF, VSWITCH_P_ANTISPOOF);
	f = from(1);
	put(&a, &f);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_SPOOF), 1);
	CHECK(!fdb_has(f.src, 0, NULL), "learned a forged address");
	memcpy(f.src, a.mac, 6);
	put(&a, &f);
	ARRIVES(&b, &f);
}

static void mac_limit(void)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p) },
		.set = VSWITCH_SET_PORT_LIMIT,
		.fdb_limit = 2,
	};
	struct queue a, b;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	p.head.ifindex = sw;
	p.port = a.port;
	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	f = from(2);
	put(&a, &f);
	ARRIVES(&b, &f);
	f = from(3);
	put(&a, &f);
	ARRIVES(&b, &f);
	CHECK(!fdb_has(f.src, 0, NULL), "learned above the limit");
	EQ(stat_of(a.port, VSWITCH_STAT_FDB_FULL), 1);
	port_conf(a.port, VSWITCH_P_LIMIT_DROP, VSWITCH_P_LIMIT_DROP);
	put(&a, &f);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_LIMIT), 1);
	f = from(2);
	put(&a, &f);
	ARRIVES(&b, &f);
}

static void sticky(void)
{
	struct vswitch_fdb_entry e;
	struct queue a, b, c;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	c = new_queue();
	port_conf(a.port, VSWITCH_P_STICKY, VSWITCH_P_STICKY);
	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	ARRIVES(&c, &f);
	put(&b, &f);
	SILENT(&c);
	EQ(stat_of(b.port, VSWITCH_DROP_MOVED), 1);
	REQUIRE(fdb_has(f.src, 0, &e), "not learned");
	EQ(e.port, a.port);
	EQ(e.flags, VSWITCH_FDB_STICKY);
}

static void no_learning(void)
{
	struct queue a, b;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	f = from(1);
	put(&a, &f);
	CHECK(fdb_has(f.src, 0, NULL), "not learned");
	port_conf(a.port, 0, VSWITCH_P_LEARN);
	CHECK(!fdb_has(f.src, 0, NULL), "not forgotten");
	put(&a, &f);
	CHECK(!fdb_has(f.src, 0, NULL), "learned");
	drain(&b);
}

/* Sends n frames and says how many come. */
static int through(struct queue *from_q, struct queue *to, const struct frame *f, int n)
{
	unsigned char got[FRAME_MAX];
	int i, came = 0;

	for (i = 0; i < n; i++)
		put(from_q, f);
	while (get_bytes(to, got, sizeof(got), 20) >= 0)
		came++;
	return came;
}

/* One frame a second passes after the first @burst. Returns how many were dropped. */
static int limited(struct queue *a, struct queue *b, const struct frame *f, int burst)
{
	double began = now_ms();
	int came = through(a, b, f, 50);
	int more = (now_ms() - began) / 1000 + 1;

	CHECK(came >= burst && came <= burst + more, "%d frames instead of %d to %d", came,
	      burst, burst + more);
	return 50 - came;
}

static void rates(void)
{
	static const unsigned char group[6] = { 0x01, 0, 0x5e, 9, 9, 9 };
	struct vswitch_rate r = { .head = { .size = sizeof(r) } };
	struct queue a, b;
	struct frame f;
	int n;

	setup();
	a = new_queue();
	b = new_queue();
	set_rate(a.port, VSWITCH_RATE_BCAST, 1, 5);
	f = from(1);
	n = limited(&a, &b, &f, 5);
	EQ(stat_of(a.port, VSWITCH_DROP_STORM), n);
	/* Other kinds are not concerned, nor are other ports. */
	memcpy(f.dst, group, 6);
	EQ(through(&a, &b, &f, 50), 50);
	f = from(2);
	EQ(through(&b, &a, &f, 50), 50);

	set_rate(a.port, VSWITCH_RATE_MCAST, 1, 3);
	f = from(1);
	memcpy(f.dst, group, 6);
	limited(&a, &b, &f, 3);
	mac_of(f.dst, 99);
	EQ(through(&a, &b, &f, 50), 50);
	set_rate(a.port, VSWITCH_RATE_UNKNOWN, 1, 4);
	limited(&a, &b, &f, 4);
	mac_of(f.dst, 2);
	EQ(through(&a, &b, &f, 50), 50);

	r.head.ifindex = sw;
	r.port = a.port;
	OK(ioctl(dev, VSWITCH_GET_RATE, &r));
	EQ(r.set, 1 << VSWITCH_RATE_BCAST | 1 << VSWITCH_RATE_MCAST | 1 << VSWITCH_RATE_UNKNOWN);
	EQ(r.limit[VSWITCH_RATE_MCAST].burst, 3);

	/* Bytes, both ways, over time: 64,000 a second are 1,000 frames. */
	set_rate(a.port, VSWITCH_RATE_IN, 64000, 640);
	{
		double ms, last = now_ms(), tokens = 10, want = 0;

		/* The same bucket here, asked when the frame is sent. */
		for (n = 0; n < 400; n++) {
			put(&a, &f);
			ms = now_ms();
			tokens += ms - last;
			last = ms;
			if (tokens > 10)
				tokens = 10;
			if (tokens >= 1) {
				tokens--;
				want++;
			}
			usleep(500);
		}
		n = through(&a, &b, &f, 0);
		CHECK(n > want * 0.8 - 5 && n < want * 1.2 + 5, "%d frames instead of %.0f", n,
		      want);
	}
	set_rate(a.port, VSWITCH_RATE_IN, 0, 0);
	set_rate(b.port, VSWITCH_RATE_OUT, 1, 640);
	EQ(through(&a, &b, &f, 50), 10);
	EQ(stat_of(b.port, VSWITCH_DROP_RATE_OUT), 40);

	r.set = 1 << VSWITCH_NR_RATES;
	FAILS(ioctl(dev, VSWITCH_SET_RATE, &r), EINVAL);
	r.set = 1;
	r.limit[0].rate = 1000000000001ULL;
	FAILS(ioctl(dev, VSWITCH_SET_RATE, &r), ERANGE);
}

static void bpdu(void)
{
	static const unsigned char stp[6] = { 0x01, 0x80, 0xc2 };
	struct vswitch_switch s = {
		.head = { .size = sizeof(s) },
		.set = VSWITCH_SET_RESERVED,
		.reserved = 1,
	};
	struct vswitch_port p = { .head = { .size = sizeof(p) } };
	struct queue a, b;
	struct frame f, g;

	setup();
	a = new_queue();
	b = new_queue();
	s.head.ifindex = sw;
	p.head.ifindex = sw;
	p.port = a.port;
	OK(ioctl(dev, VSWITCH_SET, &s));
	g = from(1);
	f = g;
	memcpy(f.dst, stp, 6);
	put(&a, &f);
	ARRIVES(&b, &f);
	port_conf(a.port, VSWITCH_P_BPDU_FILTER, VSWITCH_P_BPDU_FILTER);
	put(&a, &f);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_BPDU), 1);
	put(&a, &g);
	ARRIVES(&b, &g);

	port_conf(a.port, VSWITCH_P_BPDU_GUARD, VSWITCH_P_BPDU_GUARD);
	put(&a, &f);
	put(&a, &g);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_DOWN), 1);
	put(&b, &g);
	SILENT(&a);
	OK(ioctl(dev, VSWITCH_GET_PORT, &p));
	EQ(p.state, VSWITCH_STATE_UP | VSWITCH_STATE_BLOCKED);
	p.set = VSWITCH_SET_PORT_UNBLOCK;
	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	EQ(p.state, VSWITCH_STATE_UP);
	drain(&b);
	put(&a, &g);
	ARRIVES(&b, &g);
}

/* Two switches, and two cables between them: vNICs of the first. */
static int cable(int second)
{
	char name[16];
	int i;

	for (i = 0; i < 2; i++) {
		struct vswitch_port p = {
			.head = head(vswitch_port),
			.kind = VSWITCH_KIND_UPLINK,
			.netns_fd = -1,
		};

		snprintf(name, sizeof(name), "cable%d", i);
		new_vnic(name, -1);
		link_up(name, true);
		p.head.ifindex = second;
		memcpy(p.name, name, 7);
		OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	}
	port_is_up(second, 1);
	port_is_up(second, 2);
	return second;
}

static unsigned long long copies(struct queue *q)
{
	return stat_of(q->port, VSWITCH_STAT_OUT_FRAMES) + stat_of(q->port, VSWITCH_DROP_FULL);
}

/*
 * What goes round for ever goes by here at each turn. In the end nothing does, for
 * a second; interfaces with IPv6 say something now and then. Until then it must
 * not have been many.
 */
static void settles(struct queue *q)
{
	unsigned long long before = copies(q), now;
	int i, quiet = 0;

	for (i = 0; i < 600 && quiet < 10; i++) {
		usleep(100000);
		now = copies(q);
		quiet = now == before ? quiet + 1 : 0;
		before = now;
	}
	CHECK(quiet == 10, "frames go round and round");
	CHECK(before < 1000, "%llu copies before the loop was cut", before);
}

/*
 * A broadcast goes round a loop for ever, unless the address that seems to move
 * all the time is held. The interfaces of the loop take part with their own
 * IPv6, whose frames never seem to move.
 */
static void cabled_loop(void)
{
	struct queue a, b;
	struct frame f;
	int second;

	setup();
	second = new_switch("second");
	a = new_queue();
	cable(second);
	b = new_queue_on(second);
	f = from(1);
	put(&a, &f);
	settles(&a);
	drain(&b);
}

/* Counter @which of port @port of switch @index */
static unsigned long long stat_at(int index, unsigned int port, unsigned int which)
{
	unsigned long long value;
	int first = sw;

	sw = index;
	value = stat_of(port, which);
	sw = first;
	return value;
}

/* A frame that an interface of the loop sends, through the cable it is. */
static void loop_of_its_own(void)
{
	unsigned char bytes[FRAME_MAX], other[6];
	struct queue a;
	struct frame f;
	int second, fd;

	setup();
	/* Theirs would be counted, too. cabled_loop has them. */
	no_ipv6();
	second = new_switch("second");
	a = new_queue();
	cable(second);
	fd = packet_socket("cable0");
	mac_of(other, 5);
	EQ(rtnl_set_mac("cable0", other), 0);
	f = frame_to(broadcast, other);
	EQ(stat_at(second, 2, VSWITCH_DROP_LOOP), 0);
	OK(send(fd, bytes, frame_bytes(&f, bytes), 0));
	ARRIVES(&a, &f);
	/* It has gone round once, and come to where its sender is. */
	CHECK(EVENTUALLY(stat_at(second, 2, VSWITCH_DROP_LOOP)), "it is not seen");
	settles(&a);
	EQ(stat_at(second, 2, VSWITCH_DROP_LOOP), 1);
	EQ(copies(&a), 1);
}

/*
 * A frame that somebody else has put into a cable comes in by the same ports at
 * each turn, so its address never moves. In the second switch both of them are
 * uplinks, 1 and 2. A debug kernel in an emulator makes few turns a second, so
 * the limit is as low as can be.
 */
static void loop_of_a_stranger(void)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s) },
		.set = VSWITCH_SET_REPEATS,
		.repeat_limit = 1,
	};
	unsigned char bytes[FRAME_MAX];
	int second, fd[2];
	struct queue a;
	struct frame f;

	setup();
	no_ipv6();
	second = new_switch("second");
	s.head.ifindex = second;
	OK(ioctl(dev, VSWITCH_SET, &s));
	a = new_queue();
	cable(second);
	fd[0] = packet_socket("cable0");
	fd[1] = packet_socket("cable1");
	f = from(1);
	OK(send(fd[1], bytes, frame_bytes(&f, bytes), 0));
	CHECK(EVENTUALLY(stat_at(second, 1, VSWITCH_DROP_REPEAT)), "it is not seen");
	settles(&a);
	EQ(stat_at(second, 1, VSWITCH_DROP_REPEAT), 1);

	/*
	 * To where the one above was seen last, in the other direction: each
	 * switch knows the address, and sends the frame on to the other.
	 */
	f = from(2);
	mac_of(f.dst, 1);
	OK(send(fd[0], bytes, frame_bytes(&f, bytes), 0));
	CHECK(EVENTUALLY(stat_at(second, 2, VSWITCH_DROP_REPEAT)), "it is not seen");
	settles(&a);
	EQ(stat_at(second, 2, VSWITCH_DROP_REPEAT), 1);
}

/* Many frames, each once, or one a few times: nothing of that is a loop. */
static void no_loop(void)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s) },
		.set = VSWITCH_SET_REPEATS,
		.repeat_limit = 10,
	};
	unsigned char bytes[FRAME_MAX];
	unsigned int seconds;
	int i, second, n;
	unsigned int dropped;
	struct queue a, b;
	struct frame f;
	double began;

	setup();
	no_ipv6();
	second = new_switch("second");
	s.head.ifindex = second;
	a = new_queue();
	OK(ioctl(dev, VSWITCH_SET, &s));
	cable(second);
	link_up("cable1", false);
	b = new_queue_on(second);
	f = from(1);
	for (i = 0; i < 300; i++) {
		n = frame_bytes(&f, bytes);
		bytes[40] = i;
		bytes[41] = i >> 8;
		put_bytes(&a, bytes, n);
	}
	CHECK(EVENTUALLY(stat_at(second, b.port, VSWITCH_STAT_OUT_FRAMES) == 300),
	      "%llu of 300 frames arrive", stat_at(second, b.port, VSWITCH_STAT_OUT_FRAMES));
	EQ(stat_at(second, 1, VSWITCH_DROP_REPEAT), 0);

	/* Ten pass at once, and ten more with each second that begins. */
	began = now_ms();
	for (i = 0; i < 300; i++)
		put(&a, &f);
	CHECK(EVENTUALLY(stat_at(second, b.port, VSWITCH_STAT_OUT_FRAMES) +
			 stat_at(second, 1, VSWITCH_DROP_REPEAT) == 600), "some are lost");
	seconds = (now_ms() - began) / 1000 + 1;
	dropped = stat_at(second, 1, VSWITCH_DROP_REPEAT);
	CHECK(dropped + 10 * seconds >= 290 && dropped <= 290,
	      "%u of 300 repeats are dropped in %u s", dropped, seconds);
	s.set = VSWITCH_SET_REPEATS;
	s.repeat_limit = 0;
	OK(ioctl(dev, VSWITCH_SET, &s));
	for (i = 0; i < 300; i++)
		put(&a, &f);
	CHECK(EVENTUALLY(stat_at(second, b.port, VSWITCH_STAT_OUT_FRAMES) == 900 - dropped),
	      "some are dropped without a limit");
	EQ(stat_at(second, 1, VSWITCH_DROP_REPEAT), dropped);
}

static const struct test tests[] = {
	{ "private_vlan", private_vlan },
	{ "antispoof", antispoof },
	{ "mac_limit", mac_limit },
	{ "sticky", sticky },
	{ "no_learning", no_learning },
	{ "rates", rates },
	{ "bpdu", bpdu },
	{ "cabled_loop", cabled_loop },
	{ "loop_of_its_own", loop_of_its_own },
	{ "loop_of_a_stranger", loop_of_a_stranger },
	{ "no_loop", no_loop },
};

TEST_SUITE(tests);
