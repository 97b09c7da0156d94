// SPDX-License-Identifier: GPL-2.0
/* Ports that are netdevs: vNICs in any namespace, uplinks, and who may do what. */
#include <sched.h>
#include <net/if.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vsw.h"

static void transmit(int fd, const struct frame *f)
{
	unsigned char bytes[FRAME_MAX];

	OK(send(fd, bytes, frame_bytes(f, bytes), 0));
}

static void del_port(unsigned int port)
{
	struct vswitch_port_id id = { .head = head(vswitch_port_id), .port = port };

	OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
}

static void vnic_traffic(void)
{
	struct queue q;
	struct frame f;
	unsigned int port;
	int fd;

	setup();
	q = new_queue();
	port = new_vnic("nic", -1);
	f = from(1);
	put(&q, &f);
	EQ(stat_of(q.port, VSWITCH_DROP_NOWHERE), 1);
	link_up("nic", true);
	EQ(get_port(port).state, VSWITCH_STATE_UP);
	fd = packet_socket("nic");
	put(&q, &f);
	CHECK(packet_arrives(fd, &f), "the vNIC hears nothing");
	drain(&q);
	f = from(2);
	transmit(fd, &f);
	ARRIVES(&q, &f);
	link_up("nic", false);
	EQ(get_port(port).state, 0);
	CHECK(!fdb_has(f.src, 0, NULL), "a port that is down keeps its addresses");
	del_port(port);
	EQ(link_index("nic"), -ENODEV);
}

static void vnic_elsewhere(void)
{
	struct vswitch_port p;
	unsigned int port;
	struct queue q;
	struct frame f;
	int ns, fd, home;

	setup();
	home = OK(open("/proc/self/ns/net", O_RDONLY));
	ns = new_netns();
	q = new_queue();
	port = new_vnic("nic", ns);
	EQ(link_index("nic"), -ENODEV);
	p = get_port(port);
	CHECK(p.netns_id >= 0, "its namespace has no id");
	CHECK(!strcmp((char *)p.name, "nic"), "it is called %s", p.name);

	in_netns(ns);
	EQ(link_index("nic"), p.port_ifindex);
	link_up("nic", true);
	fd = packet_socket("nic");
	f = from(1);
	put(&q, &f);
	CHECK(packet_arrives(fd, &f), "nothing arrives in the other namespace");
	drain(&q);
	f = from(2);
	transmit(fd, &f);
	ARRIVES(&q, &f);

	/* Moved again, it stays the same port. */
	EQ(rtnl_set_netns("nic", home), 0);
	in_netns(home);
	EQ(get_port(port).netns_id, -1);
	link_up("nic", true);
	close(fd);
	fd = packet_socket("nic");
	f = from(3);
	put(&q, &f);
	CHECK(packet_arrives(fd, &f), "nothing arrives at home");
	EQ(rtnl_set_netns("nic", ns), 0);

	/* The switch itself goes nowhere. */
	p = get_port(VSWITCH_PORT_LOCAL);
	CHECK(rtnl_set_netns((char *)p.name, ns), "the switch left its namespace");
	/* And takes its vNICs with it, wherever they are. */
	close(dev);
	in_netns(ns);
	EQ(link_index("nic"), -ENODEV);
}

/* The namespace that a vNIC is in ends first. */
static void vnic_namespace_dies(void)
{
	struct vswitch_port p = { .head = { .size = sizeof(p) } };
	struct queue q;
	unsigned int port;
	struct frame f;
	int ns;

	setup();
	q = new_queue();
	ns = new_netns();
	port = new_vnic("nic", ns);
	port_conf(port, VSWITCH_P_LOCKED, VSWITCH_P_LOCKED);
	close(ns);
	p.head.ifindex = sw;
	p.port = port;
	EVENTUALLY(ioctl(dev, VSWITCH_GET_PORT, &p));
	FAILS(ioctl(dev, VSWITCH_GET_PORT, &p), ENOENT);
	f = from(1);
	put(&q, &f);
	EQ(stat_of(q.port, VSWITCH_DROP_NOWHERE), 1);
}

/* The namespace that the switch is in ends first. */
static void switch_namespace_dies(void)
{
	int home;

	home = OK(open("/proc/self/ns/net", O_RDONLY));
	OK(unshare(CLONE_NEWNET));
	dev = OK(open(device, O_RDWR));
	{
		struct vswitch_switch s = { .head = { .size = sizeof(s) } };

		OK(ioctl(dev, VSWITCH_CREATE, &s));
		sw = s.head.ifindex;
	}
	{
		int ns = new_netns();

		new_vnic("nic", ns);
		close(dev);
		in_netns(ns);
	}
	close(home);
	CHECK(link_index("nic") > 0, "not made");
	EVENTUALLY(link_index("nic") < 0);
	EQ(link_index("nic"), -ENODEV);
}

/* Root of a container: all capabilities in a user namespace of its own. */
static void container_root(void)
{
	unsigned char mac[6];
	unsigned int port;
	struct ifreq ifr = { .ifr_name = "nic", .ifr_mtu = 1000 };
	int to_child[2], to_parent[2], status, ns, fd, away;
	char path[64], c;
	pid_t pid;

	setup();
	OK(pipe(to_child));
	OK(pipe(to_parent));
	pid = OK(fork());
	if (!pid) {
		OK(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		OK(write(to_parent[1], "r", 1));
		OK(read(to_child[0], &c, 1));

		mac_of(mac, 1);
		link_up("nic", true);
		link_up("nic", false);
		EQ(rtnl_set_mac("nic", mac), -EPERM);
		fd = OK(socket(AF_INET, SOCK_DGRAM, 0));
		FAILS(ioctl(fd, SIOCSIFMTU, &ifr), EPERM);
		rtnl_del("nic");
		CHECK(link_index("nic") > 0, "it deleted a locked vNIC");
		/* Nor take it to where it would go with the namespace. */
		EQ(rtnl_set_netns("nic", new_netns()), -EINVAL);
		OK(write(to_parent[1], "u", 1));
		OK(read(to_child[0], &c, 1));
		/* Unlocked it is an interface like another. */
		EQ(rtnl_set_mac("nic", mac), 0);
		OK(ioctl(fd, SIOCSIFMTU, &ifr));
		away = new_netns();
		EQ(rtnl_set_netns("nic", away), 0);
		in_netns(away);
		EQ(rtnl_del("nic"), 0);
		EQ(link_index("nic"), -ENODEV);
		_exit(test_failures() ? 1 : 0);
	}
	OK(read(to_parent[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ns = OK(open(path, O_RDONLY));
	port = new_vnic("nic", ns);
	port_conf(port, VSWITCH_P_LOCKED, VSWITCH_P_LOCKED);
	OK(write(to_child[1], "g", 1));
	OK(read(to_parent[0], &c, 1));
	/* The switch's administrator may do what the container may not. */
	{
		struct vswitch_port p = {
			.head = head(vswitch_port),
			.port = port,
			.set = VSWITCH_SET_PORT_MTU,
			.mtu = 1400,
		};

		OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	}
	port_conf(port, 0, VSWITCH_P_LOCKED);
	OK(write(to_child[1], "g", 1));
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

static void uplink(void)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p) },
		.kind = VSWITCH_KIND_UPLINK,
		.netns_fd = -1,
		.name = "wire",
	};
	unsigned char lldp[6] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
	int other, first, fd;
	struct queue far, near;
	struct frame f;

	setup();
	first = sw;
	/* A vNIC of another switch is the wire. */
	other = new_switch("other");
	sw = other;
	new_vnic("wire", -1);
	link_up("wire", true);
	far = new_queue();
	p.head.ifindex = other;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EBUSY);
	sw = first;
	p.head.ifindex = first;
	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	p.port = 0;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EBUSY);
	memcpy(p.name, "other", 6);
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), ELOOP);
	near = new_queue();
	port_is_up(first, 1);

	f = from(1);
	put(&far, &f);
	ARRIVES(&near, &f);
	f = from(2);
	mac_of(f.dst, 1);
	put(&near, &f);
	ARRIVES(&far, &f);
	/* The host's daemons keep what is for the next hop. */
	fd = packet_socket("wire");
	{
		struct vswitch_switch s = {
			.head = { .size = sizeof(s), .ifindex = other },
			.set = VSWITCH_SET_RESERVED,
			.reserved = 1 << 14,
		};

		OK(ioctl(dev, VSWITCH_SET, &s));
	}
	f = from(3);
	memcpy(f.dst, lldp, 6);
	put(&far, &f);
	CHECK(packet_arrives(fd, &f), "the host does not get LLDP");
	SILENT(&near);

	/* Down, up, and gone. */
	link_up("wire", false);
	EQ(get_port(1).state, 0);
	link_up("wire", true);
	port_is_up(first, 1);
	EQ(get_port(1).state, VSWITCH_STATE_UP);
	del_port(1);
	f = from(4);
	put(&far, &f);
	SILENT(&near);
	CHECK(!(link_flags("wire") & IFF_PROMISC), "still promiscuous");
	/* Once more, and then the interface is deleted under it. */
	memcpy(p.name, "wire", 5);
	p.port = 0;
	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	EQ(rtnl_del("wire"), 0);
	{
		struct vswitch_port_id id = { .head = head(vswitch_port_id), .port = p.port };

		FAILS(ioctl(dev, VSWITCH_DEL_PORT, &id), ENOENT);
	}
}

static void rtnetlink(void)
{
	struct vswitch_switch s = { .head = { .size = sizeof(s) } };
	unsigned int ports[4];
	struct vswitch_list l = {
		.head = { .size = sizeof(l) },
		.count = 4,
		.ptr = (unsigned long)ports,
	};
	int br, ns;

	setup();
	EQ(rtnl_add("br", "vswitch", 0, -1), 0);
	br = link_index("br");
	s.head.ifindex = br;
	OK(ioctl(dev, VSWITCH_GET, &s));
	EQ(rtnl_add("br", "vswitch", 0, -1), -EEXIST);
	EQ(rtnl_add_limit("none", 0), -ERANGE);
	EQ(rtnl_add_limit("one", 1), 0);
	EQ(rtnl_del("one"), 0);
	EQ(rtnl_add("nic", "vswitch_vnic", 0, -1), -EINVAL);
	EQ(rtnl_add("nic", "vswitch_vnic", 1, -1), -ENODEV);
	EQ(rtnl_add("nic", "vswitch_vnic", br, -1), 0);
	ns = new_netns();
	EQ(rtnl_add("far", "vswitch_vnic", br, ns), 0);
	l.head.ifindex = br;
	OK(ioctl(dev, VSWITCH_LIST_PORTS, &l));
	EQ(l.count, 3);

	/* ip link set … master, nomaster */
	EQ(rtnl_add("other", "vswitch", 0, -1), 0);
	EQ(rtnl_set_master("nic", link_index("other")), 0);
	EQ(rtnl_set_master("nic", br), -EBUSY);
	EQ(rtnl_set_master("nic", 0), 0);
	l.head.ifindex = link_index("other");
	OK(ioctl(dev, VSWITCH_LIST_PORTS, &l));
	EQ(l.count, 1);
	EQ(rtnl_set_master("nic", link_index("other")), 0);
	EQ(rtnl_del("other"), 0);
	CHECK(link_index("nic") > 0, "an uplink went with the switch that it was not a vNIC of");
	EQ(rtnl_del("nic"), 0);
	EQ(rtnl_del("br"), 0);
	in_netns(ns);
	EQ(link_index("far"), -ENODEV);
}

/*
 * Frames that others have, too, and frames that nobody else has go up to the host
 * in the order in which they came. A thread takes them, so that many wait. Who sends
 * from several CPUs has no order between them.
 */
static void in_order(void)
{
	unsigned int n = 0, want = 0, i, port, bad = 0;
	unsigned char bytes[FRAME_MAX], got[256];
	struct queue q, other;
	struct vswitch_port p;
	struct frame f;
	int fd, room = 8 << 20;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	OK(sched_setaffinity(0, sizeof(one), &one));
	setup();
	no_ipv6();
	q = new_queue();
	port = new_vnic("nic", -1);
	other = new_queue();
	p = get_port(port);
	/* A sysfs that shows this network namespace. */
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mount("none", "/sys", "sysfs", 0, NULL));
	fd = open("/sys/class/net/nic/threaded", O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		diag("no thread for it: %s", strerror(errno));
	link_up("nic", true);
	fd = packet_socket("nic");
	OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)));
	while (n < scale(20000, 4000)) {
		for (i = 0; i < 500; i++, n++) {
			f = frame_to(n % 3 ? p.mac : broadcast, q.mac);
			frame_bytes(&f, bytes);
			memcpy(bytes + 20, &n, 4);
			put_bytes(&q, bytes, 64);
		}
		EQ(stat_of(port, VSWITCH_DROP_FULL), 0);
		for (i = 0; i < 500; i++, want++) {
			struct pollfd w = { .fd = fd, .events = POLLIN };
			unsigned int number;

			REQUIRE(poll(&w, 1, MS_ARRIVE) == 1, "frame %u does not come", want);
			OK(recv(fd, got, sizeof(got), 0));
			memcpy(&number, got + 20, 4);
			bad += number != want;
		}
		drain(&other);
	}
	CHECK(!bad, "%u of %u frames are not where they were", bad, n);
}

static void change_mac_of_switch(void)
{
	struct vswitch_port p;
	unsigned char mac[6];

	setup();
	p = get_port(VSWITCH_PORT_LOCAL);
	CHECK(fdb_has(p.mac, 0, NULL), "its address is not there");
	mac_of(mac, 9);
	EQ(rtnl_set_mac((char *)p.name, mac), 0);
	CHECK(!fdb_has(p.mac, 0, NULL), "its old address is still there");
	CHECK(fdb_has(mac, 0, NULL), "its new address is not there");
}

/* A flood of addresses leaves room for the host's own. */
static void change_mac_under_flood(void)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s) },
		.set = VSWITCH_SET_FDB_LIMIT,
		.fdb_limit = 2,
	};
	unsigned char mac[6], wire[6];
	struct vswitch_port p;
	struct queue q;
	struct frame f;
	int i, first;

	setup();
	first = sw;
	q = new_queue();
	p = get_port(VSWITCH_PORT_LOCAL);
	for (i = 0; i < 10; i++) {
		f = from(i);
		put(&q, &f);
	}
	s.head.ifindex = sw;
	OK(ioctl(dev, VSWITCH_SET, &s));
	EQ(fdb_count(), 11);
	mac_of(mac, 99);
	EQ(rtnl_set_mac((char *)p.name, mac), 0);
	CHECK(fdb_has(mac, 0, NULL), "its new address is not there");
	CHECK(!fdb_has(p.mac, 0, NULL), "its old address is still there");

	/* And for an uplink's. */
	sw = new_switch("other");
	new_vnic("wire", -1);
	sw = first;
	{
		struct vswitch_port up = {
			.head = head(vswitch_port),
			.kind = VSWITCH_KIND_UPLINK,
			.netns_fd = -1,
			.name = "wire",
		};

		OK(ioctl(dev, VSWITCH_ADD_PORT, &up));
		memcpy(wire, up.mac, 6);
	}
	CHECK(fdb_has(wire, 0, NULL), "the uplink's address is not there");
	mac_of(mac, 98);
	EQ(rtnl_set_mac("wire", mac), 0);
	CHECK(fdb_has(mac, 0, NULL), "the uplink's new address is not there");
	CHECK(!fdb_has(wire, 0, NULL), "the uplink's old address is still there");
}

static const struct test tests[] = {
	{ "vnic_traffic", vnic_traffic },
	{ "vnic_elsewhere", vnic_elsewhere },
	{ "vnic_namespace_dies", vnic_namespace_dies },
	{ "switch_namespace_dies", switch_namespace_dies },
	{ "container_root", container_root },
	{ "uplink", uplink },
	{ "rtnetlink", rtnetlink },
	{ "in_order", in_order },
	{ "change_mac_of_switch", change_mac_of_switch },
	{ "change_mac_under_flood", change_mac_under_flood },
};

TEST_SUITE(tests);
