// SPDX-License-Identifier: GPL-2.0
/*
 * Teams of uplinks. The segment that they lead to is another switch, "far", whose
 * vNICs are their other ends: a loop, were both of them open.
 */
#include <linux/if_ether.h>

#include "vsw.h"

static unsigned int up[2];	/* the uplinks' ports */
static unsigned int far[2];	/* and the other ends' */
static int near_sw, far_sw;

static struct vswitch_port uplink(const char *name, unsigned int port, unsigned int team)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.kind = VSWITCH_KIND_UPLINK,
		.netns_fd = -1,
		.port = port,
		.set = VSWITCH_SET_PORT_TEAM,
		.team = team,
	};

	strcpy((char *)p.name, name);
	return p;
}

static void set_up(void)
{
	static const char *const names[] = { "wire0", "wire1" };
	struct vswitch_port p;
	int i;

	setup();
	no_ipv6();
	near_sw = sw;
	far_sw = new_switch("far");
	sw = far_sw;
	for (i = 0; i < 2; i++) {
		far[i] = new_vnic(names[i], -1);
		link_up(names[i], true);
	}
	sw = near_sw;
	for (i = 0; i < 2; i++) {
		p = uplink(names[i], 10 + i, 7);
		OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
		up[i] = p.port;
		port_is_up(sw, p.port);
	}
}

static unsigned int state(unsigned int port)
{
	return get_port(port).state;
}

static void is_active(unsigned int a, unsigned int b)
{
	EQ(state(a), VSWITCH_STATE_UP);
	CHECK(state(b) & VSWITCH_STATE_STANDBY, "port %u does not stand by", b);
}

static void change_team(unsigned int port, unsigned int team)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.port = port,
		.set = VSWITCH_SET_PORT_TEAM,
		.team = team,
	};

	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	EQ(p.team, team);
}

/* One comes and goes, one copy of each: and the other side learns where. */
static void one_is_used(void)
{
	struct vswitch_fdb_entry e;
	struct queue a, b;
	struct frame f;

	set_up();
	is_active(up[0], up[1]);
	a = new_queue();
	b = new_queue_on(far_sw);
	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	SILENT(&b);
	SILENT(&a);
	f = from(2);
	put(&b, &f);
	ARRIVES(&a, &f);
	SILENT(&a);
	SILENT(&b);
	/* What the segment floods reaches the other one, too, and ends there. */
	CHECK(stat_of(up[1], VSWITCH_DROP_STANDBY), "nothing was dropped by the port that waits");
	EQ(stat_of(up[1], VSWITCH_STAT_IN_FRAMES), 0);
	EQ(stat_of(up[1], VSWITCH_STAT_OUT_FRAMES), 0);
	REQUIRE(fdb_has(f.src, 0, &e), "not learned");
	EQ(e.port, up[0]);
	sw = far_sw;
	f = from(1);
	REQUIRE(fdb_has(f.src, 0, &e), "not learned on the other side");
	EQ(e.port, far[0]);
}

static void read_event(int fd, unsigned int kind, struct vswitch_event *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	do {
		REQUIRE(poll(&p, 1, MS_ARRIVE) == 1, "no event %u", kind);
		EQ(OK(read(fd, e, sizeof(*e))), sizeof(*e));
	} while (e->kind != kind);
}

/* The active one fails: the other one takes over, addresses and all, and says so. */
static void failover(void)
{
	struct vswitch_events ev = {
		.head = { .size = sizeof(ev) },
		.mask = 1 << VSWITCH_EVENT_TEAM,
	};
	struct vswitch_fdb_entry entry;
	unsigned char third[6];
	struct vswitch_event e;
	struct queue a, b;
	struct frame f;

	set_up();
	a = new_queue();
	b = new_queue_on(far_sw);
	ev.head.ifindex = sw;
	OK(ioctl(dev, VSWITCH_EVENTS, &ev));
	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	f = from(2);
	put(&b, &f);
	ARRIVES(&a, &f);
	mac_of(third, 3);
	fdb_static(third, 0, up[0]);

	link_up("wire0", false);
	read_event(ev.fd, VSWITCH_EVENT_TEAM, &e);
	EQ(e.port, up[1]);
	EQ(e.value, up[0]);
	EQ(state(up[1]), VSWITCH_STATE_UP);
	EQ(state(up[0]), VSWITCH_STATE_STANDBY);
	/* It is known where they are, without their having said a word. */
	REQUIRE(fdb_has(f.src, 0, &entry), "a learned address was forgotten");
	EQ(entry.port, up[1]);
	REQUIRE(fdb_has(third, 0, &entry), "a static address was forgotten");
	EQ(entry.port, up[1]);
	EQ(entry.flags, VSWITCH_FDB_STATIC);
	/* The far side was told where ours is; it is no news to our own ports. */
	sw = far_sw;
	f = from(1);
	CHECK(EVENTUALLY(fdb_has(f.src, 0, &entry) && entry.port == far[1]),
	      "the segment does not know where the address is now");
	sw = near_sw;
	SILENT(&a);
	drain(&b);
	mac_of(f.dst, 2);
	put(&a, &f);
	ARRIVES(&b, &f);
	f = from(2);
	mac_of(f.dst, 1);
	put(&b, &f);
	ARRIVES(&a, &f);
	EQ(stat_of(a.port, VSWITCH_STAT_FLOODED), 0);

	/* Back, and it is the one with the lower number again. */
	link_up("wire0", true);
	read_event(ev.fd, VSWITCH_EVENT_TEAM, &e);
	EQ(e.port, up[0]);
	EQ(e.value, up[1]);
	is_active(up[0], up[1]);
	REQUIRE(fdb_has(third, 0, &entry), "a static address was forgotten");
	EQ(entry.port, up[0]);
	drain(&b);
	f = from(4);
	put(&a, &f);
	ARRIVES(&b, &f);
	SILENT(&b);
}

/* What is told is limited, but not used up by the many addresses of the segment itself. */
static void few_of_many(void)
{
	struct vswitch_fdb_entry entry;
	struct queue a, b;
	struct frame f;
	unsigned int i;

	set_up();
	a = new_queue();
	b = new_queue_on(far_sw);
	for (i = 0; i < 20; i++) {
		f = from(1 + i);
		put(&a, &f);
	}
	for (i = 0; i < 3000; i++) {
		f = from(100 + i);
		put(&b, &f);
		if (i % 100 == 99)
			drain(&a);
	}
	link_up("wire0", false);
	CHECK(EVENTUALLY(state(up[1]) == VSWITCH_STATE_UP), "nobody took over");
	sw = far_sw;
	for (i = 0; i < 20; i++) {
		f = from(1 + i);
		CHECK(EVENTUALLY(fdb_has(f.src, 0, &entry) && entry.port == far[1]),
		      "the segment does not know where address %u is now", i);
	}
}

/* Members come and go; one without a team is a port like others. */
static void members(void)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p) },
		.set = VSWITCH_SET_PORT_TEAM,
		.team = 1,
	};
	struct vswitch_port_id id = { .head = { .size = sizeof(id) } };
	struct queue q;

	set_up();
	p.head.ifindex = sw;
	id.head.ifindex = sw;
	q = new_queue();
	p.port = q.port;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), EINVAL);
	p.port = VSWITCH_PORT_LOCAL;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), EINVAL);
	is_active(up[0], up[1]);
	/* Another team is another matter, and so is none; the loop is cut meanwhile. */
	sw = far_sw;
	port_conf(far[0], 0, VSWITCH_P_DEFAULT);
	sw = near_sw;
	change_team(up[0], 8);
	EQ(state(up[0]), VSWITCH_STATE_UP);
	EQ(state(up[1]), VSWITCH_STATE_UP);
	change_team(up[0], 7);
	is_active(up[0], up[1]);
	change_team(up[1], 0);
	EQ(state(up[1]), VSWITCH_STATE_UP);
	change_team(up[1], 7);
	is_active(up[0], up[1]);
	/* The active one is no port any more. */
	id.port = up[0];
	OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
	EQ(state(up[1]), VSWITCH_STATE_UP);
	/* And the last one. */
	id.port = up[1];
	OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
}

static const struct test tests[] = {
	{ "one_is_used", one_is_used },
	{ "failover", failover },
	{ "few_of_many", few_of_many },
	{ "members", members },
};

TEST_SUITE(tests);
