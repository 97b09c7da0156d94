// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <sched.h>
#include <time.h>
#include <net/if.h>
#include <sys/socket.h>
#include <linux/if_packet.h>

#include "vsw.h"

int dev, sw;
const unsigned char broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* What the runner looks at, before it looks. A debug kernel is a slow machine. */
__attribute__((constructor)) static void choose_device(void)
{
	const char *kernel = getenv("VIRTLITE_KERNEL");

	device = "/dev/vswitch";
	if (kernel && strstr(kernel, "debug"))
		setenv("KVMLITE_QUICK", "1", 0);
}

int new_switch(const char *name)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s), .flags = VSWITCH_F_AUTODESTROY },
	};

	strncpy((char *)s.name, name, sizeof(s.name) - 1);
	OK(ioctl(dev, VSWITCH_CREATE, &s));
	return s.head.ifindex;
}

void setup(void)
{
	OK(unshare(CLONE_NEWNET));
	dev = OK(open(device, O_RDWR | O_CLOEXEC));
	sw = new_switch("");
}

struct queue new_queue_on(int ifindex)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p), .ifindex = ifindex },
		.kind = VSWITCH_KIND_QUEUE,
		.netns_fd = -1,
	};
	struct queue q;

	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	q.fd = p.fd;
	q.port = p.port;
	memcpy(q.mac, p.mac, 6);
	return q;
}

struct queue new_queue(void)
{
	return new_queue_on(sw);
}

void mac_of(unsigned char *mac, unsigned int n)
{
	mac[0] = 0x02;
	mac[1] = 0x11;
	mac[2] = n >> 24;
	mac[3] = n >> 16;
	mac[4] = n >> 8;
	mac[5] = n;
}

struct frame frame_to(const unsigned char *dst, const unsigned char *src)
{
	struct frame f = { };

	memcpy(f.dst, dst, 6);
	memcpy(f.src, src, 6);
	return f;
}

/* A broadcast from the address that mac_of() makes of a number. */
struct frame from(unsigned int n)
{
	unsigned char mac[6];

	mac_of(mac, n);
	return frame_to(broadcast, mac);
}

static unsigned char *put16(unsigned char *p, unsigned int v)
{
	*p++ = v >> 8;
	*p++ = v;
	return p;
}

/* The EtherType is one that nobody else uses, so that strangers are known. */
unsigned int frame_bytes(const struct frame *f, unsigned char *to)
{
	unsigned int len = f->len ?: 64, i;
	unsigned char *p = to;

	memcpy(p, f->dst, 6);
	memcpy(p + 6, f->src, 6);
	p += 12;
	if (f->tpid) {
		p = put16(p, f->tpid);
		p = put16(p, f->tci);
	}
	if (f->tpid2) {
		p = put16(p, f->tpid2);
		p = put16(p, f->tci2);
	}
	p = put16(p, 0x88b5);
	/* Tags are not counted: the same frame has the same rest with and without. */
	for (i = 0; i < len - 14; i++)
		*p++ = i * 7;
	return p - to;
}

int try_bytes(struct queue *q, const void *bytes, unsigned int len)
{
	static unsigned char buf[HDR + FRAME_MAX];

	memset(buf, 0, HDR);
	memcpy(buf + HDR, bytes, len);
	return write(q->fd, buf, HDR + len);
}

void put_bytes(struct queue *q, const void *bytes, unsigned int len)
{
	EQ(OK(try_bytes(q, bytes, len)), HDR + len);
}

void put(struct queue *q, const struct frame *f)
{
	unsigned char bytes[FRAME_MAX];

	put_bytes(q, bytes, frame_bytes(f, bytes));
}

/* Return: its length without the header, or -1 if none comes. */
int get_bytes(struct queue *q, void *to, unsigned int room, int ms)
{
	static unsigned char buf[HDR + FRAME_MAX];
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int n;

	if (OK(poll(&p, 1, ms)) == 0 || !(p.revents & POLLIN))
		return -1;
	n = OK(read(q->fd, buf, sizeof(buf))) - HDR;
	memcpy(to, buf + HDR, (unsigned int)n < room ? (unsigned int)n : room);
	return n;
}

/* Frames of ours have our EtherType behind their tags; hosts talk, too. */
static bool ours(const unsigned char *b, int n)
{
	int at = 12;

	while (at + 2 <= n && ((b[at] == 0x81 && b[at + 1] == 0) ||
			       (b[at] == 0x88 && b[at + 1] == 0xa8)))
		at += 4;
	return at + 2 <= n && b[at] == 0x88 && b[at + 1] == 0xb5;
}

bool arrives(struct queue *q, const struct frame *f)
{
	unsigned char want[FRAME_MAX], got[FRAME_MAX];
	int len = frame_bytes(f, want), n, tries;

	for (tries = 0; tries < 50; tries++) {
		n = get_bytes(q, got, sizeof(got), MS_ARRIVE);
		if (n < 0)
			return false;
		if (n == len && !memcmp(want, got, len))
			return true;
		if (ours(got, n)) {
			diag("%d bytes instead of %d: %02x%02x%02x%02x at 12", n, len,
			     got[12], got[13], got[14], got[15]);
			return false;
		}
	}
	return false;
}

bool silent(struct queue *q)
{
	unsigned char got[FRAME_MAX];
	int n;

	do {
		n = get_bytes(q, got, sizeof(got), MS_QUIET);
		if (n >= 0 && ours(got, n))
			return false;
	} while (n >= 0);
	return true;
}

void drain(struct queue *q)
{
	unsigned char got[FRAME_MAX];

	while (get_bytes(q, got, sizeof(got), 10) >= 0)
		;
}

unsigned long long stat_of(unsigned int port, unsigned int which)
{
	unsigned long long v[VSWITCH_NR_STATS];
	struct vswitch_stats s = {
		.head = head(vswitch_stats),
		.port = port,
		.count = VSWITCH_NR_STATS,
		.ptr = (unsigned long)v,
	};

	OK(ioctl(dev, VSWITCH_GET_STATS, &s));
	EQ(s.count, VSWITCH_NR_STATS);
	return v[which];
}

struct vswitch_port get_port(unsigned int port)
{
	struct vswitch_port p = { .head = head(vswitch_port), .port = port };

	OK(ioctl(dev, VSWITCH_GET_PORT, &p));
	return p;
}

void port_conf(unsigned int port, unsigned int conf, unsigned int mask)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.port = port,
		.set = VSWITCH_SET_PORT_CONF,
		.conf = conf,
		.conf_mask = mask,
	};

	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
}

void set_vlan(unsigned int port, unsigned int mode, unsigned int vid, unsigned int tpid,
	      const unsigned short *allowed)
{
	struct vswitch_vlan v = {
		.head = head(vswitch_vlan),
		.port = port,
		.mode = mode,
		.vid = vid,
		.tpid = tpid,
	};

	for (; allowed && *allowed; allowed++)
		v.allowed[*allowed / 64] |= 1ULL << (*allowed % 64);
	OK(ioctl(dev, VSWITCH_SET_VLAN, &v));
}

bool fdb_has(const unsigned char *mac, unsigned int vid, struct vswitch_fdb_entry *entry)
{
	struct vswitch_fdb_entry e[512];
	struct vswitch_fdb_dump d = {
		.head = head(vswitch_fdb_dump),
		.port = VSWITCH_PORT_NONE,
		.ptr = (unsigned long)e,
	};
	unsigned int i;

	do {
		d.count = ARRAY_SIZE(e);
		if (ioctl(dev, VSWITCH_FDB_DUMP, &d)) {
			REQUIRE(errno == EAGAIN, "dump: %s", strerror(errno));
			d.cursor = 0;
			continue;
		}
		for (i = 0; i < d.count; i++) {
			if (memcmp(e[i].mac, mac, 6) || e[i].vid != vid)
				continue;
			if (entry)
				*entry = e[i];
			return true;
		}
	} while (d.cursor);
	return false;
}

void fdb_static(const unsigned char *mac, unsigned int vid, unsigned int port)
{
	struct vswitch_fdb_change c = {
		.head = head(vswitch_fdb_change),
		.entry = { .vid = vid, .port = port, .flags = VSWITCH_FDB_STATIC },
	};

	memcpy(c.entry.mac, mac, 6);
	OK(ioctl(dev, VSWITCH_FDB_ADD, &c));
}

unsigned int fdb_count(void)
{
	struct vswitch_switch s = { .head = head(vswitch_switch) };

	OK(ioctl(dev, VSWITCH_GET, &s));
	return s.fdb_count;
}

/* @n frames from as many addresses, in batches. Each is as short as can be. */
void flood(struct queue *q, const unsigned char *dst, unsigned int first, unsigned int n)
{
	static unsigned char bytes[256][HDR + 14];
	struct vswitch_frame frames[256];
	struct vswitch_batch b = {
		.head = { .size = sizeof(b) },
		.ptr = (unsigned long)frames,
	};
	unsigned int i;

	for (i = 0; i < 256; i++) {
		frames[i].addr = (unsigned long)bytes[i];
		frames[i].len = sizeof(bytes[i]);
		memcpy(bytes[i] + HDR, dst, 6);
	}
	while (n) {
		b.count = n < 256 ? n : 256;
		for (i = 0; i < b.count; i++)
			mac_of(bytes[i] + HDR + 6, first++);
		OK(ioctl(q->fd, VSWITCH_QUEUE_SEND, &b));
		EQ(b.done, b.count);
		EQ(frames[b.count - 1].result, 0);
		n -= b.count;
	}
}

/* ---------------------------------------------------------------- netdevs */

unsigned int new_vnic(const char *name, int netns)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.kind = VSWITCH_KIND_VNIC,
		.netns_fd = netns,
	};

	strncpy((char *)p.name, name, sizeof(p.name) - 1);
	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	return p.port;
}

static int with_socket(unsigned long cmd, struct ifreq *ifr)
{
	int fd = OK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), ret;

	ret = ioctl(fd, cmd, ifr) ? -errno : 0;
	close(fd);
	return ret;
}

int link_flags(const char *name)
{
	struct ifreq ifr = { };
	int ret;

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ret = with_socket(SIOCGIFFLAGS, &ifr);
	return ret ? ret : (unsigned short)ifr.ifr_flags;
}

void link_up(const char *name, bool up)
{
	struct ifreq ifr = { };
	int flags = link_flags(name);

	REQUIRE(flags >= 0, "%s: %s", name, strerror(-flags));
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ifr.ifr_flags = up ? flags | IFF_UP : flags & ~IFF_UP;
	EQ(with_socket(SIOCSIFFLAGS, &ifr), 0);
}

int link_index(const char *name)
{
	struct ifreq ifr = { };
	int ret;

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ret = with_socket(SIOCGIFINDEX, &ifr);
	return ret ? ret : ifr.ifr_ifindex;
}

int packet_socket(const char *name)
{
	int fd = OK(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))), one = 1;
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = link_index(name),
	};

	OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	OK(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)));
	return fd;
}

static bool packet_within(int fd, const struct frame *f, int ms)
{
	unsigned char want[FRAME_MAX], got[FRAME_MAX];
	int len = frame_bytes(f, want), n, tries;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (tries = 0; tries < 50; tries++) {
		if (poll(&p, 1, ms) <= 0)
			return false;
		n = OK(recv(fd, got, sizeof(got), 0));
		if (n == len && !memcmp(want, got, len))
			return true;
	}
	return false;
}

/* An untagged frame of ours. */
bool packet_arrives(int fd, const struct frame *f)
{
	return packet_within(fd, f, MS_ARRIVE);
}

bool packet_missing(int fd, const struct frame *f)
{
	return !packet_within(fd, f, MS_QUIET);
}

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Neighbour discovery and MLD speak when they like to. */
void no_ipv6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	OK(write(fd, "1", 1));
	close(fd);
}

static bool is_up(int index, unsigned int port)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p), .ifindex = index },
		.port = port,
	};

	OK(ioctl(dev, VSWITCH_GET_PORT, &p));
	return p.state & VSWITCH_STATE_UP;
}

/* Carrier is told by a work item. */
void port_is_up(int index, unsigned int port)
{
	REQUIRE(EVENTUALLY(is_up(index, port)), "port %u does not come up", port);
}

int new_netns(void)
{
	int old = OK(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)), new;

	OK(unshare(CLONE_NEWNET));
	new = OK(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	OK(setns(old, CLONE_NEWNET));
	close(old);
	return new;
}

void in_netns(int fd)
{
	OK(setns(fd, CLONE_NEWNET));
}
