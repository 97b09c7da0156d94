// SPDX-License-Identifier: GPL-2.0
/* Mirror sessions and event files. */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vsw.h"

static int mirror(unsigned int direction, unsigned int source, unsigned int to, unsigned int snap,
		  unsigned int vid)
{
	struct vswitch_mirror m = {
		.head = head(vswitch_mirror),
		.session = 3,
		.direction = direction,
		.source = source,
		.destination = to,
		.snap = snap,
		.vid = vid,
	};

	return ioctl(dev, VSWITCH_SET_MIRROR, &m);
}

/* The monitor gets no floods, so that what it gets are copies. */
static struct queue new_monitor(void)
{
	struct queue m = new_queue();

	port_conf(m.port, 0, VSWITCH_P_DEFAULT);
	return m;
}

static void set_mtu(unsigned int port, unsigned int mtu)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.port = port,
		.set = VSWITCH_SET_PORT_MTU,
		.mtu = mtu,
	};

	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
}

static void mirrors(void)
{
	struct vswitch_mirror g = { .head = { .size = sizeof(g) }, .session = 3 };
	struct queue a, b, c, m;
	unsigned char got[128];
	struct frame f, t;

	setup();
	g.head.ifindex = sw;
	a = new_queue();
	b = new_queue();
	c = new_queue();
	m = new_monitor();
	FAILS(ioctl(dev, VSWITCH_GET_MIRROR, &g), ENOENT);
	OK(mirror(VSWITCH_MIRROR_IN, a.port, m.port, 0, 0));
	OK(ioctl(dev, VSWITCH_GET_MIRROR, &g));
	EQ(g.source, a.port);
	EQ(g.destination, m.port);
	f = from(1);
	put(&a, &f);
	ARRIVES(&m, &f);
	SILENT(&m);
	EQ(stat_of(a.port, VSWITCH_STAT_MIRRORED), 1);
	f = from(2);
	put(&b, &f);
	SILENT(&m);

	OK(mirror(VSWITCH_MIRROR_OUT, a.port, m.port, 0, 0));
	put(&b, &f);
	ARRIVES(&m, &f);
	SILENT(&m);
	OK(mirror(VSWITCH_MIRROR_IN, VSWITCH_PORT_NONE, m.port, 0, 0));
	put(&b, &f);
	ARRIVES(&m, &f);
	SILENT(&m);
	OK(mirror(VSWITCH_MIRROR_IN | VSWITCH_MIRROR_OUT, b.port, m.port, 60, 0));
	f.len = 1000;
	put(&b, &f);
	EQ(get_bytes(&m, got, sizeof(got), MS_ARRIVE), 60);
	drain(&a);
	drain(&c);

	/* VLANs: the copy has its tag, and the filter looks at it. */
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 20, 0, NULL);
	OK(mirror(VSWITCH_MIRROR_IN, VSWITCH_PORT_NONE, m.port, 0, 10));
	f = from(1);
	put(&a, &f);
	t = f;
	t.tpid = 0x8100;
	t.tci = 10;
	ARRIVES(&m, &t);
	put(&b, &f);
	SILENT(&m);

	FAILS(mirror(VSWITCH_MIRROR_IN, a.port, a.port, 0, 0), EINVAL);
	FAILS(mirror(4, a.port, m.port, 0, 0), EINVAL);
	FAILS(mirror(1, 99, m.port, 0, 0), ENOENT);
	FAILS(mirror(1, a.port, 99, 0, 0), ENOENT);
	FAILS(mirror(1, a.port, m.port, 59, 0), ERANGE);
	FAILS(mirror(0, a.port, m.port, 0, 0), EINVAL);
	OK(mirror(0, 0, 0, 0, 0));
	put(&a, &f);
	SILENT(&m);
	/* A copy is held against the MTU like another frame; a cut one fits. */
	OK(mirror(VSWITCH_MIRROR_IN, c.port, m.port, 0, 0));
	set_mtu(m.port, 100);
	f = from(7);
	f.len = 200;
	put(&c, &f);
	SILENT(&m);
	EQ(stat_of(m.port, VSWITCH_DROP_MTU), 1);
	OK(mirror(VSWITCH_MIRROR_IN, c.port, m.port, 60, 0));
	put(&c, &f);
	EQ(get_bytes(&m, got, sizeof(got), MS_ARRIVE), 60);
	/* A session ends with its port. */
	OK(mirror(VSWITCH_MIRROR_IN, c.port, m.port, 0, 0));
	close(m.fd);
	FAILS(ioctl(dev, VSWITCH_GET_MIRROR, &g), ENOENT);
	put(&c, &f);
}

static int watch(unsigned int mask)
{
	struct vswitch_events e = { .head = head(vswitch_events), .mask = mask };

	OK(ioctl(dev, VSWITCH_EVENTS, &e));
	return e.fd;
}

static bool event(int fd, unsigned int kind, unsigned int port, struct vswitch_event *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (OK(poll(&p, 1, MS_ARRIVE)) == 0) {
		diag("no event %u", kind);
		return false;
	}
	EQ(OK(read(fd, e, sizeof(*e))), sizeof(*e));
	if (e->kind != kind || e->port != port)
		diag("event %u of port %u instead of %u of %u", e->kind, e->port, kind, port);
	return e->kind == kind && e->port == port;
}

#define EVENT(fd, kind, port) \
	CHECK(event(fd, VSWITCH_EVENT_##kind, port, &e), "%s: no %s", __func__, #kind)

static void events(void)
{
	struct vswitch_fdb_flush fl = { .head = { .size = sizeof(fl) }, .vid = -1 };
	struct vswitch_delete d = { .head = { .size = sizeof(d) } };
	struct vswitch_event e, many[4];
	struct queue a, b;
	struct frame f;
	int fd, few;

	setup();
	d.head.ifindex = sw;
	fl.head.ifindex = sw;
	fd = watch((1 << VSWITCH_NR_EVENTS) - 1);
	few = watch(1 << VSWITCH_EVENT_MOVED);
	a = new_queue();
	EVENT(fd, PORT_ADDED, a.port);
	EVENT(fd, PORT_UP, a.port);
	b = new_queue();
	EVENT(fd, PORT_ADDED, b.port);
	EVENT(fd, PORT_UP, b.port);
	f = from(1);
	put(&a, &f);
	EVENT(fd, LEARNED, a.port);
	CHECK(!memcmp(e.mac, f.src, 6), "another address");
	CHECK(e.time_ns, "no time");
	put(&b, &f);
	EVENT(fd, MOVED, b.port);
	EQ(e.value, a.port);
	EVENT(few, MOVED, b.port);
	port_conf(b.port, VSWITCH_P_BPDU_GUARD, VSWITCH_P_BPDU_GUARD);
	memcpy(f.dst, "\x01\x80\xc2\0\0", 6);
	put(&b, &f);
	EVENT(fd, BLOCKED, b.port);

	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	FAILS(read(fd, &e, sizeof(e)), EAGAIN);
	FAILS(read(fd, &e, sizeof(e) - 1), EINVAL);
	close(b.fd);
	EVENT(fd, PORT_REMOVED, b.port);
	OK(ioctl(dev, VSWITCH_DELETE, &d));
	EVENT(fd, PORT_REMOVED, 0);
	EVENT(fd, PORT_REMOVED, a.port);
	EVENT(fd, SWITCH_REMOVED, VSWITCH_PORT_NONE);
	EQ(OK(read(fd, &e, sizeof(e))), 0);
	/* The one who asked for moves only hears of the end, too. */
	EQ(OK(read(few, many, sizeof(many))), sizeof(e));
	EQ(many[0].kind, VSWITCH_EVENT_SWITCH_REMOVED);
	EQ(OK(read(few, many, sizeof(many))), 0);
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = OK(open(path, O_RDONLY | O_CLOEXEC));
	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return strrchr(text, ')') ? strrchr(text, ')')[2] : 0;
}

/* One sleeps in read(), another does not want to wait: neither for an event nor for him. */
static void two_readers(void)
{
	struct vswitch_event e;
	struct queue a;
	struct frame f;
	int fd, status;
	pid_t pid;

	setup();
	a = new_queue();
	fd = watch(1 << VSWITCH_EVENT_LEARNED);
	pid = OK(fork());
	if (!pid) {
		EQ(OK(read(fd, &e, sizeof(e))), sizeof(e));
		_exit(test_failures() ? 1 : 0);
	}
	CHECK(EVENTUALLY(state_of(pid) == 'S'), "he does not sleep");
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	/* Where it slept itself, only a frame would end that. */
	alarm(30);
	FAILS(read(fd, &e, sizeof(e)), EAGAIN);
	alarm(0);
	f = from(1);
	put(&a, &f);
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

/* Nobody reads: what is lost is counted, once. */
static void lost_events(void)
{
	struct vswitch_event e[2000];
	unsigned int i, n, learned = 0, lost = 0;
	struct queue a;
	struct frame f;
	int fd;

	setup();
	a = new_queue();
	fd = watch(1 << VSWITCH_EVENT_LEARNED);
	for (i = 0; i < 1500; i++) {
		f = from(i);
		put(&a, &f);
	}
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	while (read(fd, &e[0], sizeof(e[0])) > 0) {
		n = e[0].kind == VSWITCH_EVENT_LOST;
		lost += n ? e[0].value : 0;
		learned += !n;
	}
	EQ(learned, 1024);
	EQ(learned + lost, 1500);
	EQ(stat_of(a.port, VSWITCH_STAT_LEARNED), 1500);
}

static void too_many_watchers(void)
{
	struct vswitch_events e = { .head = { .size = sizeof(e) } };
	int i;

	setup();
	e.head.ifindex = sw;
	e.mask = 1 << VSWITCH_NR_EVENTS;
	FAILS(ioctl(dev, VSWITCH_EVENTS, &e), EINVAL);
	e.mask = 0;
	for (i = 0; i < 16; i++)
		OK(ioctl(dev, VSWITCH_EVENTS, &e));
	FAILS(ioctl(dev, VSWITCH_EVENTS, &e), ENOSPC);
	close(e.fd);
	OK(ioctl(dev, VSWITCH_EVENTS, &e));
}

#define TRACING "/sys/kernel/tracing/"

static void trace_set(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", name);
	fd = OK(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
	OK(write(fd, value, strlen(value)));
	close(fd);
}

static bool traced(const char *what)
{
	static char text[1 << 16];
	int fd = OK(open(TRACING "trace", O_RDONLY | O_CLOEXEC)), n, all = 0;

	while ((n = OK(read(fd, text + all, sizeof(text) - 1 - all))) > 0)
		all += n;
	close(fd);
	text[all] = 0;
	return strstr(text, what);
}

/* Drops and events are tracepoints, too; of events also when nobody has a file. */
static void tracepoints(void)
{
	struct queue a, b;
	struct stat st;
	struct frame f;
	char want[128];

	if (stat(TRACING "events", &st) && mount("tracefs", TRACING, "tracefs", 0, NULL))
		test_skip("no tracefs");
	if (stat(TRACING "events/vswitch/enable", &st))
		test_skip("no tracepoints of modules");
	setup();
	a = new_queue();
	b = new_queue();
	trace_set("trace", "");
	trace_set("events/vswitch/enable", "1");
	f = from(5);
	put(&a, &f);
	ARRIVES(&b, &f);
	put(&b, &f);
	put_bytes(&a, "\xff\xff\xff\xff\xff\xff\1\0\0\0\0\1\x88\xb5", 14);
	trace_set("events/vswitch/enable", "0");
	snprintf(want, sizeof(want), "switch %d learned port %u mac 02:11:00:00:00:05", sw,
		 a.port);
	CHECK(traced(want), "not traced: %s", want);
	snprintf(want, sizeof(want),
		 "switch %d moved port %u mac 02:11:00:00:00:05 vlan 0 value %u", sw, b.port,
		 a.port);
	CHECK(traced(want), "not traced: %s", want);
	snprintf(want, sizeof(want), "switch %d port %u reason bad_source", sw, a.port);
	CHECK(traced(want), "not traced: %s", want);
	trace_set("trace", "");
}

static const struct test tests[] = {
	{ "mirrors", mirrors },
	{ "events", events },
	{ "two_readers", two_readers },
	{ "lost_events", lost_events },
	{ "too_many_watchers", too_many_watchers },
	{ "tracepoints", tracepoints },
};

TEST_SUITE(tests);
