// SPDX-License-Identifier: GPL-2.0
/*
 * The policy that comes with the switch (tools/policies/guard.bpf.c), loaded by
 * bpftool and set up by virtlite: frames that must pass, and that must not.
 */
#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vsw.h"

#define DIR "/sys/fs/bpf/guard"

static struct queue bad, good;

static const unsigned char mac_bad[6] = { 0x52, 0x54, 0, 0, 0, 1 };
static const unsigned char mac_other[6] = { 0x52, 0x54, 0, 0, 0, 2 };
static const unsigned char ip_bad[4] = { 10, 0, 0, 1 }, ip_other[4] = { 10, 0, 0, 2 };
static const unsigned char ip6_bad[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
static const unsigned char ip6_other[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };
static const unsigned char zero[16];

__attribute__((format(printf, 1, 2)))
static int run(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 16, fmt, ap);
	va_end(ap);
	strcat(line, " >said 2>&1");
	ret = system(line);
	if (ret) {
		diag("%s: status 0x%x", line, ret);
		ret |= system("sed 's/^/# /' said");
	}
	return ret;
}

/* A frame while it is put together. */
struct bytes {
	unsigned char p[512];
	unsigned int n;
};

static void add(struct bytes *b, const void *p, unsigned int n)
{
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

#define ADD(b, ...) do { const unsigned char p_[] = { __VA_ARGS__ }; add(b, p_, sizeof(p_)); } \
	while (0)

static struct bytes ethernet(const unsigned char *src, unsigned int type)
{
	struct bytes b = { };

	add(&b, broadcast, 6);
	add(&b, src, 6);
	ADD(&b, type >> 8, type);
	return b;
}

/* The same with a tag in it. */
static struct bytes tagged(struct bytes b)
{
	memmove(b.p + 16, b.p + 12, b.n - 12);
	memcpy(b.p + 12, (unsigned char[]){ 0x81, 0, 0, 5 }, 4);
	b.n += 4;
	return b;
}

/* Return: whether it comes out of the other port as it went in. */
static bool passes(struct queue *from, struct bytes b)
{
	unsigned char got[FRAME_MAX];
	unsigned long long before = stat_of(from->port, VSWITCH_DROP_POLICY);
	bool there;

	drain(from == &bad ? &good : &bad);
	put_bytes(from, b.p, b.n);
	there = get_bytes(from == &bad ? &good : &bad, got, sizeof(got), MS_QUIET) == (int)b.n &&
		!memcmp(got, b.p, b.n);
	CHECK(there == (stat_of(from->port, VSWITCH_DROP_POLICY) == before),
	      "lost, and not by the policy");
	return there;
}

#define PASSES(q, b) CHECK(passes(&(q), b), "%s: must pass: %s", #q, #b)
#define STOPPED(q, b) CHECK(!passes(&(q), b), "%s: must not pass: %s", #q, #b)

static struct bytes arp(const unsigned char *src, const unsigned char *mac,
			const unsigned char *ip)
{
	struct bytes b = ethernet(src, 0x0806);

	ADD(&b, 0, 1, 8, 0, 6, 4, 0, 1);
	add(&b, mac, 6);
	add(&b, ip, 4);
	add(&b, zero, 6);
	add(&b, ip_other, 4);
	return b;
}

static struct bytes udp4(unsigned int sport, bool options)
{
	struct bytes b = ethernet(mac_bad, 0x0800);

	ADD(&b, options ? 0x46 : 0x45, 0, 0, options ? 40 : 36, 0, 0, 0, 0, 64, 17, 0, 0);
	add(&b, ip_bad, 4);
	add(&b, ip_other, 4);
	if (options)
		ADD(&b, 1, 1, 1, 1);
	ADD(&b, sport >> 8, sport, 0, 68, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
	return b;
}

/* @chain: headers before the last one, "h" hop-by-hop, "d" destination, "f" fragment. */
static struct bytes ipv6(const unsigned char *src, const char *chain, unsigned int proto,
			 const struct bytes *payload)
{
	static const struct { char name; unsigned char proto; } known[] = {
		{ 'h', 0 }, { 'd', 60 }, { 'f', 44 }, { 'F', 44 },
	};
	struct bytes b = ethernet(mac_bad, 0x86dd);
	unsigned int i, k, len = payload->n + 8 * strlen(chain);
	unsigned char next[16];

	for (i = 0; chain[i]; i++) {
		for (k = 0; known[k].name != chain[i]; k++)
			;
		next[i] = known[k].proto;
	}
	next[i] = proto;
	ADD(&b, 0x60, 0, 0, 0, len >> 8, len, next[0], 255);
	add(&b, src, 16);
	ADD(&b, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	for (i = 0; chain[i]; i++) {
		if (chain[i] == 'f')
			ADD(&b, next[i + 1], 0, 0, 1, 1, 2, 3, 4);
		else if (chain[i] == 'F')
			ADD(&b, next[i + 1], 0, 0, 9, 1, 2, 3, 4);
		else
			ADD(&b, next[i + 1], 0, 1, 4, 0, 0, 0, 0);
	}
	add(&b, payload->p, payload->n);
	return b;
}

static struct bytes udp6(unsigned int sport, const char *chain)
{
	struct bytes p = { };

	ADD(&p, sport >> 8, sport, 2, 0x22, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
	return ipv6(ip6_bad, chain, 17, &p);
}

static struct bytes icmp6(const unsigned char *src, const char *chain, unsigned int type,
			  const unsigned char *target, const unsigned char *mac)
{
	struct bytes p = { };

	ADD(&p, type, 0, 0, 0, 0, 0, 0, 0);
	if (type == 134)
		ADD(&p, 0, 0, 0, 0, 0, 0, 0, 0);
	else
		add(&p, target, 16);
	if (mac) {
		ADD(&p, type == 136 ? 2 : 1, 1);
		add(&p, mac, 6);
	}
	return ipv6(src, chain, 58, &p);
}

static void set_up(void)
{
	struct vswitch_switch s = { .head = { .size = sizeof(s) } };

	if (access("./bpftool", X_OK) || access("./guard.bpf", R_OK))
		test_skip("no bpftool, or no compiler for BPF, when this was built");
	setup();
	s.head.ifindex = sw;
	OK(ioctl(dev, VSWITCH_GET, &s));
	bad = new_queue();
	good = new_queue();
	OK(unshare(CLONE_NEWNS));
	OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL));
	OK(mkdir(DIR, 0700));
	EQ(run("./bpftool prog load guard.bpf " DIR "/guard type classifier pinmaps " DIR), 0);
	EQ(run("./virtlite switch policy %s pinned " DIR "/guard", s.name), 0);
}

static void watch(const char *what, bool on)
{
	EQ(run("./virtlite switch guard " DIR " %u %s %s", bad.port, what, on ? "on" : "off"), 0);
}

static void sources(void)
{
	set_up();
	/* Until it is told to, it stops nobody. */
	PASSES(bad, arp(mac_bad, mac_bad, ip_other));
	watch("source", true);
	STOPPED(bad, arp(mac_bad, mac_bad, ip_bad));
	EQ(run("./virtlite switch guard " DIR " bind %u 52:54:00:00:00:01 10.0.0.1", bad.port), 0);
	PASSES(bad, arp(mac_bad, mac_bad, ip_bad));
	PASSES(bad, tagged(arp(mac_bad, mac_bad, ip_bad)));
	STOPPED(bad, arp(mac_bad, mac_bad, ip_other));
	STOPPED(bad, tagged(arp(mac_bad, mac_bad, ip_other)));
	STOPPED(bad, tagged(tagged(arp(mac_bad, mac_bad, ip_other))));
	STOPPED(bad, arp(mac_bad, mac_other, ip_bad));
	STOPPED(bad, arp(mac_other, mac_bad, ip_bad));
	/* A probe asks, and claims nothing. */
	PASSES(bad, arp(mac_bad, mac_bad, zero));
	STOPPED(bad, arp(mac_bad, mac_other, zero));
	{
		struct bytes cut = arp(mac_bad, mac_bad, ip_bad);

		cut.n = 30;
		STOPPED(bad, cut);
	}
	/* Others are not concerned. */
	PASSES(good, arp(mac_other, mac_bad, ip_bad));
	PASSES(bad, udp4(1000, false));

	PASSES(bad, icmp6(zero, "", 135, ip6_other, NULL));
	STOPPED(bad, icmp6(ip6_bad, "", 135, ip6_other, mac_bad));
	EQ(run("./virtlite switch guard " DIR " bind %u 52:54:00:00:00:01 2001:db8::1", bad.port),
	   0);
	PASSES(bad, icmp6(ip6_bad, "", 135, ip6_other, mac_bad));
	PASSES(bad, icmp6(ip6_bad, "", 135, ip6_other, NULL));
	STOPPED(bad, icmp6(ip6_other, "", 135, ip6_bad, mac_bad));
	STOPPED(bad, icmp6(ip6_bad, "", 135, ip6_other, mac_other));
	PASSES(bad, icmp6(ip6_bad, "", 136, ip6_bad, mac_bad));
	STOPPED(bad, icmp6(ip6_bad, "", 136, ip6_other, mac_bad));
	STOPPED(bad, icmp6(ip6_bad, "", 136, ip6_bad, mac_other));
	STOPPED(bad, icmp6(ip6_bad, "hd", 136, ip6_other, mac_bad));
	STOPPED(bad, tagged(icmp6(ip6_bad, "", 136, ip6_other, mac_bad)));
	EQ(run("./virtlite switch guard " DIR " unbind %u 2001:db8::1", bad.port), 0);
	STOPPED(bad, icmp6(ip6_bad, "", 136, ip6_bad, mac_bad));
	watch("source", false);
	PASSES(bad, arp(mac_bad, mac_other, ip_other));
}

static void dhcp(void)
{
	set_up();
	PASSES(bad, udp4(67, false));
	watch("dhcp", true);
	STOPPED(bad, udp4(67, false));
	STOPPED(bad, udp4(67, true));
	STOPPED(bad, tagged(udp4(67, false)));
	PASSES(bad, udp4(68, false));
	PASSES(bad, udp4(68, true));
	PASSES(good, udp4(67, false));
	STOPPED(bad, udp6(547, ""));
	STOPPED(bad, udp6(547, "dd"));
	STOPPED(bad, udp6(547, "f"));
	PASSES(bad, udp6(546, "hdf"));
	PASSES(good, udp6(547, ""));
	PASSES(bad, icmp6(ip6_bad, "", 134, NULL, NULL));
}

static void ra(void)
{
	set_up();
	watch("ra", true);
	STOPPED(bad, icmp6(ip6_bad, "", 134, NULL, NULL));
	STOPPED(bad, tagged(icmp6(ip6_bad, "", 134, NULL, NULL)));
	STOPPED(bad, icmp6(ip6_bad, "h", 134, NULL, NULL));
	STOPPED(bad, icmp6(ip6_bad, "dfd", 134, NULL, NULL));
	STOPPED(bad, icmp6(ip6_bad, "", 137, ip6_bad, NULL));
	/* More headers than anybody needs; a first fragment that ends before its own. */
	STOPPED(bad, icmp6(ip6_bad, "ddddddddd", 134, NULL, NULL));
	{
		struct bytes none = { };

		STOPPED(bad, ipv6(ip6_bad, "f", 58, &none));
		/* A later fragment is nothing by itself. */
		PASSES(bad, ipv6(ip6_bad, "F", 58, &none));
	}
	PASSES(bad, icmp6(ip6_bad, "", 133, ip6_bad, NULL));
	PASSES(bad, icmp6(ip6_bad, "", 135, ip6_bad, NULL));
	PASSES(good, icmp6(ip6_bad, "", 134, NULL, NULL));
	PASSES(bad, udp4(67, false));
	/* Off with it. */
	EQ(run("./virtlite -j switch guard " DIR " | grep -q '\"ra\":true,\"dropped\":7'"), 0);
	EQ(run("./virtlite switch policy vsw0 off"), 0);
	PASSES(bad, icmp6(ip6_bad, "", 134, NULL, NULL));
}

static const struct test tests[] = {
	{ "sources", sources },
	{ "dhcp", dhcp },
	{ "ra", ra },
};

TEST_SUITE(tests);
