// SPDX-License-Identifier: GPL-2.0
/* What a port may be kept from: talking, pretending, flooding, looping. */
#include <fcntl.h>
#include <time.h>
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

static struct frame from(unsigned int n)
{
	unsigned char mac[6];

	mac_of(mac, n);
	return frame_to(broadcast, mac);
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

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
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
	/* One a second: hardly more than the burst. */
	set_rate(a.port, VSWITCH_RATE_BCAST, 1, 5);
	f = from(1);
	EQ(through(&a, &b, &f, 50), 5);
	EQ(stat_of(a.port, VSWITCH_DROP_STORM), 45);
	/* Other kinds are not concerned, nor are other ports. */
	memcpy(f.dst, group, 6);
	EQ(through(&a, &b, &f, 50), 50);
	f = from(2);
	EQ(through(&b, &a, &f, 50), 50);

	set_rate(a.port, VSWITCH_RATE_MCAST, 1, 3);
	f = from(1);
	memcpy(f.dst, group, 6);
	EQ(through(&a, &b, &f, 50), 3);
	mac_of(f.dst, 99);
	EQ(through(&a, &b, &f, 50), 50);
	set_rate(a.port, VSWITCH_RATE_UNKNOWN, 1, 4);
	EQ(through(&a, &b, &f, 50), 4);
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
	/* Carrier is told by a work item. */
	usleep(300000);
	return second;
}

static unsigned long long copies(struct queue *q)
{
	return stat_of(q->port, VSWITCH_STAT_OUT_FRAMES) + stat_of(q->port, VSWITCH_DROP_FULL);
}

/* What goes round for ever goes by here a hundred thousand times a second. */
static void settles(struct queue *q)
{
	unsigned long long before, after;

	usleep(500000);
	before = copies(q);
	usleep(500000);
	after = copies(q);
	CHECK(after - before < 100, "%llu copies in half a second", after - before);
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

/* A frame that an interface of the loop sends, through the cable it is. */
static void loop_of_its_own(void)
{
	unsigned char bytes[FRAME_MAX], other[6];
	unsigned long long before;
	int second, first, fd;
	struct queue a;
	struct frame f;

	setup();
	first = sw;
	second = new_switch("second");
	a = new_queue();
	cable(second);
	settles(&a);
	fd = packet_socket("cable0");
	mac_of(other, 5);
	EQ(rtnl_set_mac("cable0", other), 0);
	f = frame_to(broadcast, other);
	sw = second;
	before = stat_of(2, VSWITCH_DROP_LOOP);
	OK(send(fd, bytes, frame_bytes(&f, bytes), 0));
	usleep(100000);
	/* It has gone round once, and came to where its sender is. */
	EQ(stat_of(2, VSWITCH_DROP_LOOP), before + 1);
	sw = first;
	ARRIVES(&a, &f);
	settles(&a);
}

/* Counter @which of port @port of switch @index, once it has changed. */
static unsigned long long changed(int index, unsigned int port, unsigned int which,
				  unsigned long long from)
{
	unsigned long long now = from;
	int first = sw, i;

	sw = index;
	/* A debug kernel in an emulator makes few turns a second. */
	for (i = 0; i < 400 && now == from; i++) {
		now = stat_of(port, which);
		usleep(100000);
	}
	sw = first;
	return now;
}

/*
 * A frame that somebody else has put into a cable comes in by the same ports at
 * each turn, so its address never moves. In the second switch both of them are
 * uplinks, 1 and 2.
 */
static void loop_of_a_stranger(void)
{
	unsigned char bytes[FRAME_MAX];
	int second, fd[2];
	struct queue a;
	struct frame f;

	setup();
	second = new_switch("second");
	a = new_queue();
	cable(second);
	settles(&a);
	fd[0] = packet_socket("cable0");
	fd[1] = packet_socket("cable1");
	f = from(1);
	OK(send(fd[1], bytes, frame_bytes(&f, bytes), 0));
	settles(&a);
	EQ(changed(second, 1, VSWITCH_DROP_REPEAT, 0), 1);

	/*
	 * To where the one above was seen last, in the other direction: each
	 * switch knows the address, and sends the frame on to the other.
	 */
	f = from(2);
	mac_of(f.dst, 1);
	OK(send(fd[0], bytes, frame_bytes(&f, bytes), 0));
	EQ(changed(second, 2, VSWITCH_DROP_REPEAT, 0), 1);
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
	int i, first, n, dropped;
	struct queue a, b;
	struct frame f;

	setup();
	first = sw;
	s.head.ifindex = new_switch("second");
	a = new_queue();
	OK(ioctl(dev, VSWITCH_SET, &s));
	cable(s.head.ifindex);
	link_up("cable1", false);
	usleep(100000);
	b = new_queue_on(s.head.ifindex);
	f = from(1);
	for (i = 0; i < 300; i++) {
		n = frame_bytes(&f, bytes);
		bytes[40] = i;
		bytes[41] = i >> 8;
		put_bytes(&a, bytes, n);
	}
	sw = s.head.ifindex;
	EQ(stat_of(1, VSWITCH_DROP_REPEAT), 0);
	CHECK(stat_of(b.port, VSWITCH_STAT_OUT_FRAMES) >= 300, "%llu of 300 frames arrive",
	      stat_of(b.port, VSWITCH_STAT_OUT_FRAMES));
	for (i = 0; i < 300; i++)
		put(&a, &f);
	dropped = stat_of(1, VSWITCH_DROP_REPEAT);
	/* It may have taken more than a second. */
	CHECK(dropped >= 250 && dropped <= 290, "%d of 300 repeats are dropped", dropped);
	s.set = VSWITCH_SET_REPEATS;
	s.repeat_limit = 0;
	OK(ioctl(dev, VSWITCH_SET, &s));
	for (i = 0; i < 300; i++)
		put(&a, &f);
	EQ(stat_of(1, VSWITCH_DROP_REPEAT), dropped);
	sw = first;
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
