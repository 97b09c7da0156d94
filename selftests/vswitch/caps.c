// SPDX-License-Identifier: GPL-2.0
/*
 * What nobody can take too much of: switches, ports, addresses, memory, however
 * many namespaces he makes, and however many addresses he pretends to have.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vsw.h"

#define PARAMETERS "/sys/module/vswitch/parameters/"
#define CGROUPS "/sys/fs/cgroup"

static void file_set(const char *path, const char *value)
{
	int fd = OK(open(path, O_WRONLY | O_CLOEXEC));

	REQUIRE(write(fd, value, strlen(value)) == (ssize_t)strlen(value), "%s: %s", path,
		strerror(errno));
	close(fd);
}

static unsigned long long file_number(const char *path)
{
	char text[32] = "";
	int fd = OK(open(path, O_RDONLY | O_CLOEXEC));

	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return strtoull(text, NULL, 10);
}

/* A parameter, until the test ends however it does: its parent sets it back. */
static void with_param(const char *name, const char *value, void (*fn)(void))
{
	char path[96], old[32];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(old, sizeof(old), "%llu", file_number(path));
	file_set(path, value);
	pid = OK(fork());
	if (!pid) {
		fn();
		exit(test_failures() ? 1 : 0);
	}
	OK(waitpid(pid, &status, 0));
	file_set(path, old);
	CHECK(status == 0, "%s at %s: status 0x%x", name, value, status);
}

static int try_switch(void)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s), .flags = VSWITCH_F_AUTODESTROY },
	};

	return ioctl(dev, VSWITCH_CREATE, &s);
}

/* In a network and user namespace of one's own, as somebody without rights. */
static void elsewhere(void (*fn)(void))
{
	int status;
	pid_t pid = OK(fork());

	if (!pid) {
		OK(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		dev = OK(open(device, O_RDWR | O_CLOEXEC));
		fn();
		exit(test_failures() ? 1 : 0);
	}
	OK(waitpid(pid, &status, 0));
	CHECK(status == 0, "elsewhere: status 0x%x", status);
}

static int try_queue(void)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.kind = VSWITCH_KIND_QUEUE,
		.netns_fd = -1,
	};

	return ioctl(dev, VSWITCH_ADD_PORT, &p);
}

/* A user, in a network and user namespace of his own, who keeps what he has made. */
struct user {
	pid_t pid;
	int hold;
};

static struct user new_user(unsigned int uid, void (*fn)(void))
{
	int ready[2], hold[2];
	struct user u;
	char c, map[32];

	OK(pipe2(ready, O_CLOEXEC));
	OK(pipe2(hold, O_CLOEXEC));
	u.pid = OK(fork());
	if (!u.pid) {
		close(hold[1]);
		close(ready[0]);
		OK(setresuid(uid, uid, uid));
		/* Or its files in /proc would be root's. */
		OK(prctl(PR_SET_DUMPABLE, 1));
		OK(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		/* Whose ids are none in a namespace makes no other in it. */
		snprintf(map, sizeof(map), "0 %u 1", uid);
		file_set("/proc/self/uid_map", map);
		file_set("/proc/self/setgroups", "deny");
		file_set("/proc/self/gid_map", "0 0 1");
		dev = OK(open(device, O_RDWR | O_CLOEXEC));
		fn();
		close(ready[1]);
		OK(read(hold[0], &c, 1));
		exit(test_failures() ? 1 : 0);
	}
	close(hold[0]);
	close(ready[1]);
	u.hold = hold[1];
	/* The end of that, when he is ready or dead. */
	EQ(OK(read(ready[0], &c, 1)), 0);
	close(ready[0]);
	return u;
}

static void no_user(struct user u)
{
	int status;

	/* If he is dead the test knows already. */
	signal(SIGPIPE, SIG_IGN);
	/* Users that came later have the other end, too: to close it says nothing. */
	if (write(u.hold, "", 1) < 0)
		diag("a user is gone already");
	close(u.hold);
	OK(waitpid(u.pid, &status, 0));
	CHECK(status == 0, "user: status 0x%x", status);
}

static void no_switch(void)
{
	FAILS(try_switch(), ENOSPC);
}

/* It does not help to make one namespace in another. */
static void two_switches(void)
{
	OK(try_switch());
	OK(try_switch());
	FAILS(try_switch(), ENOSPC);
	elsewhere(no_switch);
}

static void one_switch(void)
{
	OK(try_switch());
	FAILS(try_switch(), ENOSPC);
}

/* Two for a user, three for all of them; the administrator has as many as he likes. */
static void switches(void)
{
	struct user a = new_user(1001, two_switches), b = new_user(1002, one_switch);
	int i;

	setup();
	for (i = 0; i < 5; i++)
		OK(try_switch());
	/* A second container of his. */
	no_user(new_user(1001, no_switch));
	no_user(a);
	no_user(new_user(1003, two_switches));
	no_user(b);
}

static void three_switches_in_all(void)
{
	with_param("total_switches", "3", switches);
}

/* The switch itself is one of them. */
static void four_ports(void)
{
	sw = new_switch("");
	OK(try_queue());
	OK(try_queue());
	OK(try_queue());
	FAILS(try_queue(), ENOSPC);
	elsewhere(no_switch);
}

static void two_ports(void)
{
	sw = new_switch("");
	OK(try_queue());
	FAILS(try_queue(), ENOSPC);
}

static void ports(void)
{
	struct user a = new_user(1001, four_ports), b = new_user(1002, two_ports);
	int i;

	setup();
	for (i = 0; i < 8; i++)
		OK(try_queue());
	no_user(a);
	no_user(b);
}

static void six_ports_in_all(void)
{
	with_param("total_ports", "6", ports);
}

/* Five addresses; the switch's own is another one. Returns how many are known. */
static unsigned int learn_five(void)
{
	struct queue a = new_queue();
	struct frame f;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		f = frame_to(broadcast, broadcast);
		mac_of(f.src, i);
		put(&a, &f);
	}
	EQ(stat_of(a.port, VSWITCH_STAT_LEARNED) + stat_of(a.port, VSWITCH_STAT_FDB_FULL), 5);
	return fdb_count();
}

static void four_addresses(void)
{
	sw = new_switch("");
	EQ(learn_five(), 4);
}

static void two_addresses(void)
{
	sw = new_switch("");
	EQ(learn_five(), 2);
}

static void addresses(void)
{
	struct user a = new_user(1001, four_addresses), b = new_user(1002, two_addresses);

	setup();
	EQ(learn_five(), 6);
	no_user(a);
	no_user(b);
}

static void six_addresses_in_all(void)
{
	with_param("total_fdb", "6", addresses);
}

/* What one user has taken others still have, and what all have, the administrator. */
static void of_users(void)
{
	with_param("user_switches", "2", three_switches_in_all);
	with_param("user_ports", "4", six_ports_in_all);
	with_param("user_fdb", "4", six_addresses_in_all);
}

/* As much of each as one container may have; a namespace in it is no other one. */
static void container(void)
{
	sw = new_switch("");
	OK(try_switch());
	FAILS(try_switch(), ENOSPC);
	elsewhere(no_switch);
	/* With the two switches' own three ports, and then four. */
	OK(try_queue());
	/* With the switches' own five addresses, of which this one has four. */
	EQ(learn_five(), 4);
	FAILS(try_queue(), ENOSPC);
}

/* Those of root are different people's: what one has taken another one still has. */
static void of_root(void)
{
	struct user a = new_user(0, container), b = new_user(0, container);

	no_user(a);
	no_user(new_user(0, container));
	no_user(b);
}

static void five_addresses_each(void)
{
	with_param("ns_fdb", "5", of_root);
}

static void four_ports_each(void)
{
	with_param("ns_ports", "4", five_addresses_each);
}

static void of_containers(void)
{
	with_param("ns_switches", "2", four_ports_each);
}

static void fdb_limits(unsigned int fdb_limit)
{
	struct vswitch_switch s = {
		.head = head(vswitch_switch),
		.set = VSWITCH_SET_FDB_LIMIT | VSWITCH_SET_AGEING,
		.fdb_limit = fdb_limit,
	};

	OK(ioctl(dev, VSWITCH_SET, &s));
}

/*
 * More addresses than the switch may know, from one port: those of the others
 * stay, static ones, too, and frames still find them. What is known and what is
 * counted as refused are all there were.
 */
static void flood_of_addresses(void)
{
	bool all = getenv("LONG");
	unsigned int limit = all ? 1 << 19 : scale(1 << 15, 1 << 13), before;
	unsigned int n = all ? 2000000 : scale(200000, 40000);
	unsigned long long learned, full;
	struct queue a, b, bad;
	struct frame f;

	setup();
	fdb_limits(limit);
	a = new_queue();
	b = new_queue();
	bad = new_queue();
	f = frame_to(broadcast, broadcast);
	mac_of(f.src, 0xffffff00);
	put(&a, &f);
	ARRIVES(&b, &f);
	mac_of(f.src, 0xffffff01);
	fdb_static(f.src, 0, b.port);
	before = fdb_count();
	EQ(before, 3);
	drain(&bad);
	/* To nobody: what is measured is the database. */
	port_conf(a.port, 0, VSWITCH_P_FLOOD_BCAST);
	port_conf(b.port, 0, VSWITCH_P_FLOOD_BCAST);

	flood(&bad, broadcast, 0, n);
	learned = stat_of(bad.port, VSWITCH_STAT_LEARNED);
	full = stat_of(bad.port, VSWITCH_STAT_FDB_FULL);
	CHECK(fdb_count() <= limit, "%u entries", fdb_count());
	EQ(learned, fdb_count() - before);
	/* While the table grows an address is neither. */
	CHECK(learned + full <= n, "%llu + %llu", learned, full);
	/* It grows by the kernel's own time; the flood goes on until it is full. */
	while (fdb_count() < limit && n < 1U << 24) {
		flood(&bad, broadcast, n, 4096);
		n += 4096;
	}
	EQ(fdb_count(), limit);
	CHECK(stat_of(bad.port, VSWITCH_STAT_FDB_FULL) > full || full, "nothing was refused");
	diag("%u addresses, %u known, %llu refused", n, fdb_count(),
	     stat_of(bad.port, VSWITCH_STAT_FDB_FULL));

	/* Those who were there before are found, and get what is for them alone. */
	mac_of(f.dst, 0xffffff00);
	mac_of(f.src, 0xffffff01);
	put(&b, &f);
	ARRIVES(&a, &f);
	mac_of(f.dst, 0xffffff01);
	mac_of(f.src, 0xffffff00);
	put(&a, &f);
	ARRIVES(&b, &f);
	SILENT(&bad);
	/* And a port of one's own limit keeps to it. */
	{
		struct vswitch_fdb_flush fl = {
			.head = head(vswitch_fdb_flush),
			.port = bad.port,
			.vid = -1,
		};

		OK(ioctl(dev, VSWITCH_FDB_FLUSH, &fl));
		EQ(fdb_count(), before);
	}
}

/* ---------------------------------------------------------------- memory */

static char group[96];

static const char *group_file(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return path;
}

static void new_group(void)
{
	struct stat st;

	if (stat(CGROUPS "/cgroup.controllers", &st))
		test_skip("no cgroup2 at " CGROUPS);
	file_set(CGROUPS "/cgroup.subtree_control", "+memory");
	snprintf(group, sizeof(group), CGROUPS "/vswitch-%d", getpid());
	OK(mkdir(group, 0755));
}

/* Nobody's child with a memory limit: he floods his own switch's database. */
static int limit_fd, usage_fd;	/* of his group, opened while that was allowed */

static void flood_own(void)
{
	unsigned int n = scale(100000, 60000);
	char text[32] = "";
	struct queue q;

	sw = new_switch("");
	fdb_limits(1 << 20);
	q = new_queue();
	/*
	 * From here on he needs no page of his own, for which he would be killed; and
	 * there is room for the half of what he wants the switch to know.
	 */
	OK(mlockall(MCL_CURRENT | MCL_FUTURE));
	OK(pread(usage_fd, text, sizeof(text) - 1, 0));
	snprintf(text, sizeof(text), "%llu", strtoull(text, NULL, 10) + 3000000);
	OK(pwrite(limit_fd, text, strlen(text), 0));
	flood(&q, broadcast, 0, n);
	usleep(100000);
	flood(&q, broadcast, 0, n);
	diag("%u known of %u, %llu refused", fdb_count(), n,
	     stat_of(q.port, VSWITCH_STAT_FDB_FULL));
	CHECK(stat_of(q.port, VSWITCH_STAT_FDB_FULL), "nothing was refused");
	CHECK(fdb_count() < n, "all of them are known");
	/* What is refused is flooded, and the switch works. */
	EQ(stat_of(q.port, VSWITCH_DROP_NOWHERE), 2 * n);
}

static void memory_is_charged(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned long long used, limit;
	int status;
	pid_t pid;

	new_group();
	OK(setrlimit(RLIMIT_MEMLOCK, &all));
	limit_fd = OK(open(group_file("memory.max"), O_WRONLY | O_CLOEXEC));
	usage_fd = OK(open(group_file("memory.current"), O_RDONLY | O_CLOEXEC));
	pid = OK(fork());
	if (!pid) {
		file_set(group_file("cgroup.procs"), "0");
		elsewhere(flood_own);
		exit(test_failures() ? 1 : 0);
	}
	OK(waitpid(pid, &status, 0));
	CHECK(status == 0, "status 0x%x", status);
	used = file_number(group_file("memory.peak"));
	limit = file_number(group_file("memory.max"));
	CHECK(used > 1000000 && used <= limit + (1 << 20), "%llu bytes at most, %llu allowed",
	      used, limit);
	rmdir(group);
}

static const struct test tests[] = {
	{ "of_users", of_users },
	{ "of_containers", of_containers },
	{ "flood_of_addresses", flood_of_addresses },
	{ "memory_is_charged", memory_is_charged },
};

TEST_SUITE(tests);
