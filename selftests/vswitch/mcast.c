// SPDX-License-Identifier: GPL-2.0
/* IGMP and MLD snooping: who gets a group's frames, and who does not. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "vsw.h"

/* The IPv4 group 239.1.2.N, the IPv6 group ff0e::N; 0: all hosts of the link. */
static void group_mac(unsigned char *mac, int family, unsigned int n)
{
	static const unsigned char v4[6] = { 0x01, 0, 0x5e, 1, 2 }, v6[6] = { 0x33, 0x33 };

	memcpy(mac, family == 4 ? v4 : v6, 6);
	mac[5] = n;
}

static void add_sum(unsigned char *field, const unsigned char *p, unsigned int len,
		    unsigned int sum)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum;
	field[0] = sum >> 8;
	field[1] = sum;
}

/* @message in IPv4 or, with its router alert, IPv6. Returns the frame's length. */
static unsigned int packet(unsigned char *f, int family, unsigned int group, int proto,
			   const unsigned char *message, unsigned int len)
{
	unsigned int ip = family == 4 ? 24 : 48, i, sum = len + proto;
	unsigned char *p = f + 14;

	memset(f, 0, 14 + ip);
	group_mac(f, family, group);
	memcpy(p + ip, message, len);
	if (family == 4) {
		f[12] = 0x08;
		p[0] = 0x46;
		p[2] = (ip + len) >> 8;
		p[3] = ip + len;
		p[8] = 1;
		p[9] = proto;
		p[12] = 10;
		p[15] = 9;
		memcpy(p + 16, group ? (unsigned char[]){ 239, 1, 2, group } :
				       (unsigned char[]){ 224, 0, 0, 1 }, 4);
		p[20] = 0x94;
		p[21] = 4;
		add_sum(p + 10, p, 24, 0);
		if (proto == 2)
			add_sum(p + ip + 2, p + ip, len, 0);
		return 14 + ip + len;
	}
	f[12] = 0x86;
	f[13] = 0xdd;
	p[0] = 0x60;
	p[4] = (8 + len) >> 8;
	p[5] = 8 + len;
	p[7] = 1;
	p[8] = 0xfe;
	p[9] = 0x80;
	p[23] = 9;
	p[24] = 0xff;
	p[25] = group ? 0x0e : 0x02;
	p[39] = group ?: 1;
	p[40] = proto;
	p[42] = 5;
	p[43] = 2;
	for (i = 8; i < 40; i += 2)
		sum += p[i] << 8 | p[i + 1];
	if (proto == 58)
		add_sum(p + ip + 2, p + ip, len, sum);
	return 14 + ip + len;
}

/* From its own address. */
static void put_from(struct queue *q, unsigned char *f, unsigned int n)
{
	memcpy(f + 6, q->mac, 6);
	put_bytes(q, f, n);
}

enum what { QUERY, JOIN, LEAVE, JOIN_NEW, LEAVE_NEW };

/* What hosts and routers say; the newer kinds in one record. */
static void say(struct queue *q, int family, enum what what, unsigned int group)
{
	static const unsigned char types[2][5] = {
		{ 0x11, 0x16, 0x17, 0x22, 0x22 }, { 130, 131, 132, 143, 143 },
	};
	unsigned char m[32] = { types[family == 6][what] }, f[128], *to;
	unsigned int glen = family == 4 ? 4 : 16, at = family == 4 ? 4 : 8, len;

	if (what >= JOIN_NEW) {
		m[7] = 1;
		m[8] = what == JOIN_NEW ? 4 : 3;
		at = 12;
	}
	to = m + at;
	len = at + glen;
	if (what != QUERY) {
		memcpy(to, (unsigned char[]){ 239, 1, 2, group }, 4);
		if (family == 6) {
			memset(to, 0, 16);
			to[0] = 0xff;
			to[1] = 0x0e;
			to[15] = group;
		}
	}
	put_from(q, f, packet(f, family, group, family == 4 ? 2 : 58, m, len));
}

static const unsigned char data[40] = "data";

/* Does a frame to the group come? */
static void send_group(struct queue *q, int family, unsigned int group)
{
	unsigned char f[128];

	put_from(q, f, packet(f, family, group, 17, data, sizeof(data)));
}

static bool hears(struct queue *q, int family, unsigned int group)
{
	unsigned char want[128], got[FRAME_MAX];
	int n = packet(want, family, group, 17, data, sizeof(data)), len;

	while ((len = get_bytes(q, got, sizeof(got), MS_QUIET)) >= 0) {
		if (len == n && !memcmp(got, want, 6) && !memcmp(got + 12, want + 12, n - 12))
			return true;
	}
	return false;
}

static void snoop(bool on)
{
	struct vswitch_switch s = {
		.head = head(vswitch_switch),
		.set = VSWITCH_SET_SNOOPING,
		.snooping = on,
	};

	OK(ioctl(dev, VSWITCH_SET, &s));
	EQ(s.snooping, on);
}

static unsigned int groups(struct vswitch_group *to, unsigned int room)
{
	struct vswitch_list l = {
		.head = head(vswitch_list),
		.count = room,
		.ptr = (unsigned long)to,
	};

	OK(ioctl(dev, VSWITCH_LIST_GROUPS, &l));
	return l.count;
}

#define HEARS(q, group) CHECK(hears(&(q), family, group), "IPv%d: %s does not hear %u", family, \
			      #q, group)
#define DEAF(q, group) CHECK(!hears(&(q), family, group), "IPv%d: %s hears %u", family, #q, group)

static void members(int family)
{
	struct queue source, router, a, b;
	struct vswitch_group g[8];
	unsigned int n, i;

	source = new_queue();
	router = new_queue();
	a = new_queue();
	b = new_queue();
	/* Nobody asks who wants what: all get everything. */
	say(&a, family, JOIN, 1);
	send_group(&source, family, 1);
	HEARS(a, 1);
	HEARS(b, 1);
	HEARS(router, 1);

	say(&router, family, QUERY, 0);
	drain(&a);
	drain(&b);
	drain(&source);
	send_group(&source, family, 1);
	HEARS(a, 1);
	DEAF(b, 1);
	HEARS(router, 1);
	/* One that nobody wants. */
	send_group(&source, family, 2);
	DEAF(a, 2);
	DEAF(b, 2);
	HEARS(router, 2);
	/* A report goes to who asks, and keeps nobody else from reporting. */
	say(&b, family, JOIN_NEW, 2);
	EQ(get_bytes(&a, g, sizeof(g), MS_QUIET), -1);
	CHECK(get_bytes(&router, g, sizeof(g), MS_ARRIVE) > 0, "the router hears no report");
	send_group(&source, family, 2);
	HEARS(b, 2);
	DEAF(a, 2);
	HEARS(router, 2);
	/* What the router itself sends goes to members alone. */
	send_group(&router, family, 3);
	EQ(stat_of(router.port, VSWITCH_DROP_NO_MEMBER), 1);

	n = groups(g, 8);
	EQ(n, 3);
	for (i = 0; i < n; i++) {
		EQ(g[i].family, family);
		CHECK(g[i].left_ms > 200000, "%u ms are left", g[i].left_ms);
	}

	/* Leaving takes two seconds, in which the router asks again. */
	say(&a, family, LEAVE, 1);
	say(&b, family, LEAVE_NEW, 2);
	say(&b, family, JOIN, 2);
	CHECK(EVENTUALLY(groups(g, 8) == 2), "who has left is still there");
	drain(&router);
	send_group(&source, family, 1);
	DEAF(a, 1);
	HEARS(router, 1);
	send_group(&source, family, 2);
	HEARS(b, 2);
	EQ(groups(g, 8), 2);
	/* With its port a membership goes, and with the router's the querier. */
	close(b.fd);
	EQ(groups(g, 8), 1);
	close(router.fd);
	EQ(groups(g, 8), 0);
	send_group(&source, family, 2);
	HEARS(a, 2);
	close(a.fd);
	close(source.fd);
}

static void igmp(void)
{
	setup();
	snoop(true);
	members(4);
}

static void mld(void)
{
	setup();
	snoop(true);
	members(6);
}

/* What must reach everybody does, whoever asks; and one VLAN says nothing of others. */
static void what_is_flooded(void)
{
	static const unsigned char nd[6] = { 0x33, 0x33, 0xff, 0, 0, 1 };
	static const unsigned char mdns[6] = { 0x01, 0, 0x5e, 0, 0, 251 };
	unsigned char bytes[128];
	struct queue a, router, b;
	int family = 4, n;
	struct frame f;

	setup();
	snoop(true);
	a = new_queue();
	router = new_queue();
	b = new_queue();
	say(&router, 4, QUERY, 0);
	say(&router, 6, QUERY, 0);
	drain(&b);
	/* No IP, in a group's address. */
	group_mac(bytes, 4, 9);
	f = frame_to(bytes, broadcast);
	mac_of(f.src, 1);
	put(&a, &f);
	ARRIVES(&b, &f);
	/* Neighbour discovery: ff02::1:ff00:1; and 224.0.0.251. */
	n = packet(bytes, 6, 1, 17, data, sizeof(data));
	memcpy(bytes, nd, 6);
	bytes[14 + 25] = 2;
	put_from(&a, bytes, n);
	EQ(get_bytes(&b, bytes, sizeof(bytes), MS_ARRIVE), n);
	n = packet(bytes, 4, 1, 17, data, sizeof(data));
	memcpy(bytes, mdns, 6);
	memcpy(bytes + 14 + 16, (unsigned char[]){ 224, 0, 0, 251 }, 4);
	put_from(&a, bytes, n);
	EQ(get_bytes(&b, bytes, sizeof(bytes), MS_ARRIVE), n);
	send_group(&a, 4, 5);
	DEAF(b, 5);
	/* A router of the one family is none of the other. */
	snoop(false);
	send_group(&a, 4, 5);
	HEARS(b, 5);
	snoop(true);
	say(&router, 6, QUERY, 0);
	drain(&b);
	send_group(&a, 4, 5);
	HEARS(b, 5);

	say(&router, 4, QUERY, 0);
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	drain(&b);
	send_group(&a, 4, 5);
	HEARS(b, 5);
}

/* More groups than may be noted: who cannot be noted gets everything. */
static void too_many(void)
{
	struct queue source, router, greedy, b;
	unsigned char f[128], m[8] = { 0x16, 0, 0, 0, 239 };
	unsigned int i, n;
	int family = 4;

	setup();
	snoop(true);
	source = new_queue();
	router = new_queue();
	greedy = new_queue();
	b = new_queue();
	say(&router, 4, QUERY, 0);
	for (i = 0; i < 600; i++) {
		m[5] = 9;
		m[6] = i >> 8;
		m[7] = i;
		n = packet(f, 4, 0, 2, m, sizeof(m));
		put_from(&greedy, f, n);
		if (i == 400) {
			drain(&b);
			send_group(&source, 4, 6);
			DEAF(b, 6);
		}
	}
	EQ(groups(NULL, 0), 513);
	drain(&b);
	send_group(&source, 4, 6);
	HEARS(b, 6);
}

/* The host's own stack asks, as any host does. */
static void a_real_host(void)
{
	struct ip_mreqn join = { };
	struct queue source, b;
	int s, i, family = 4;
	struct vswitch_group g[16];
	bool found = false;

	setup();
	snoop(true);
	source = new_queue();
	b = new_queue();
	new_vnic("nic", -1);
	link_up("nic", true);
	s = OK(socket(AF_INET, SOCK_DGRAM, 0));
	inet_pton(AF_INET, "239.1.2.7", &join.imr_multiaddr);
	join.imr_ifindex = link_index("nic");
	OK(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)));
	for (i = 0; i < 50 && !found; i++) {
		unsigned int k, n = groups(g, 16);

		for (k = 0; k < n && k < 16; k++)
			found |= g[k].family == 4 &&
				 !memcmp(g[k].address, &join.imr_multiaddr, 4);
		usleep(100000);
	}
	CHECK(found, "the host's report was not heard");
	say(&b, 4, QUERY, 0);
	i = packet_socket("nic");
	send_group(&source, 4, 7);
	{
		unsigned char want[128], got[FRAME_MAX];
		int n = packet(want, 4, 7, 17, data, sizeof(data)), len = 0;
		struct pollfd p = { .fd = i, .events = POLLIN };

		while (poll(&p, 1, MS_ARRIVE) > 0) {
			len = OK(recv(i, got, sizeof(got), 0));
			if (len == n && !memcmp(got + 12, want + 12, n - 12))
				break;
			len = 0;
		}
		CHECK(len == n, "what it asked for does not arrive");
	}
	HEARS(b, 7);
}

/* A query from each of very many ports: then a group is flooded like any other. */
static void many_routers(void)
{
	struct queue source, b, router;
	int i, family = 4;

	setup();
	snoop(true);
	source = new_queue();
	b = new_queue();
	for (i = 0; i < 32; i++) {
		router = new_queue();
		say(&router, 4, QUERY, 0);
	}
	drain(&b);
	send_group(&source, 4, 6);
	DEAF(b, 6);
	HEARS(router, 6);
	router = new_queue();
	say(&router, 4, QUERY, 0);
	drain(&b);
	send_group(&source, 4, 6);
	HEARS(b, 6);
	HEARS(router, 6);
	close(router.fd);
	drain(&b);
	send_group(&source, 4, 6);
	DEAF(b, 6);
}

static const struct test tests[] = {
	{ "igmp", igmp },
	{ "mld", mld },
	{ "what_is_flooded", what_is_flooded },
	{ "too_many", too_many },
	{ "many_routers", many_routers },
	{ "a_real_host", a_real_host },
};

TEST_SUITE(tests);
