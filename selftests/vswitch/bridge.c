// SPDX-License-Identifier: GPL-2.0
/* bridge link and bridge vlan: one more door to a port's options and VLANs. */
#include <sched.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <sys/wait.h>

#include "vsw.h"

#define NATIVE (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)

static int vlan(const char *name, bool self, unsigned int vid, unsigned int flags)
{
	struct bridge_vlan_info v = { .flags = flags, .vid = vid };

	return rtnl_bridge_vlan(name, true, self, &v, 1);
}

static int no_vlan(const char *name, bool self, unsigned int vid)
{
	struct bridge_vlan_info v = { .vid = vid };

	return rtnl_bridge_vlan(name, false, self, &v, 1);
}

static int range(const char *name, bool add, bool self, unsigned int from, unsigned int to)
{
	struct bridge_vlan_info v[2] = {
		{ .flags = BRIDGE_VLAN_INFO_RANGE_BEGIN, .vid = from },
		{ .flags = BRIDGE_VLAN_INFO_RANGE_END, .vid = to },
	};

	return rtnl_bridge_vlan(name, add, self, v, 2);
}

static struct vswitch_vlan mode_of(unsigned int port)
{
	struct vswitch_vlan v = { .head = head(vswitch_vlan), .port = port };

	OK(ioctl(dev, VSWITCH_GET_VLAN, &v));
	return v;
}

static bool has(const struct vswitch_vlan *v, unsigned int vid)
{
	return v->allowed[vid / 64] >> vid % 64 & 1;
}

/* Number of the uplink, the interface "wire", whose other end is another switch. */
static unsigned int new_uplink(void)
{
	struct vswitch_port p = {
		.head = head(vswitch_port),
		.kind = VSWITCH_KIND_UPLINK,
		.netns_fd = -1,
		.name = "wire",
	};
	int first = sw;

	sw = new_switch("other");
	new_vnic("wire", -1);
	link_up("wire", true);
	sw = first;
	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	port_is_up(sw, p.port);
	return p.port;
}

static void vlans(void)
{
	struct bridge_vlan_info info[8];
	unsigned int up, port;
	struct vswitch_vlan v;
	struct queue q;
	struct frame f, t;
	int fd;

	setup();
	no_ipv6();
	up = new_uplink();
	q = new_queue();
	port = new_vnic("nic", -1);
	link_up("nic", true);
	/* Of all VLANs none can be taken: scripts begin so. */
	EQ(no_vlan("wire", false, 1), 0);
	EQ(mode_of(up).mode, VSWITCH_VLAN_TRANSPARENT);
	EQ(vlan("wire", false, 10, 0), 0);
	EQ(vlan("wire", false, 20, NATIVE), 0);
	EQ(range("wire", true, false, 30, 39), 0);
	v = mode_of(up);
	EQ(v.mode, VSWITCH_VLAN_TRUNK);
	EQ(v.vid, 20);
	EQ(v.tpid, 0x8100);
	CHECK(has(&v, 10) && has(&v, 20) && has(&v, 30) && has(&v, 39), "VLANs are missing");
	CHECK(!has(&v, 1) && !has(&v, 29) && !has(&v, 40), "too many VLANs");
	EQ(rtnl_bridge_vlans("wire", info, 8), 4);
	EQ(info[0].vid, 10);
	EQ(info[0].flags, 0);
	EQ(info[1].vid, 20);
	EQ(info[1].flags, NATIVE);
	EQ(info[2].vid, 30);
	EQ(info[2].flags, BRIDGE_VLAN_INFO_RANGE_BEGIN);
	EQ(info[3].vid, 39);
	EQ(range("wire", false, false, 31, 39), 0);
	EQ(no_vlan("wire", false, 20), 0);
	v = mode_of(up);
	EQ(v.vid, 0);
	CHECK(has(&v, 30) && !has(&v, 31) && !has(&v, 20), "the wrong VLANs are gone");
	/* The last one gone opens nothing. */
	EQ(no_vlan("wire", false, 10), 0);
	EQ(no_vlan("wire", false, 30), 0);
	EQ(mode_of(up).mode, VSWITCH_VLAN_TRUNK);
	EQ(rtnl_bridge_vlans("wire", info, 8), 0);

	/* A vNIC is told itself, and frames go accordingly. */
	EQ(vlan("nic", false, 10, 0), -EOPNOTSUPP);
	EQ(vlan("nic", true, 10, NATIVE), 0);
	set_vlan(q.port, VSWITCH_VLAN_TRUNK, 0, 0, (const unsigned short[]){ 10, 11, 0 });
	fd = packet_socket("nic");
	f = frame_to(broadcast, q.mac);
	t = f;
	t.tpid = 0x8100;
	t.tci = 11;
	put(&q, &t);
	CHECK(packet_missing(fd, &f), "a frame of another VLAN arrives");
	t.tci = 10;
	put(&q, &t);
	CHECK(packet_arrives(fd, &f), "a frame of its VLAN does not arrive");

	/* An access port becomes a trunk that still has its VLAN. */
	set_vlan(port, VSWITCH_VLAN_ACCESS, 12, 0, NULL);
	EQ(no_vlan("nic", true, 13), 0);
	EQ(mode_of(port).mode, VSWITCH_VLAN_ACCESS);
	EQ(rtnl_bridge_vlans("nic", info, 8), 1);
	EQ(info[0].flags, NATIVE);
	EQ(vlan("nic", true, 13, 0), 0);
	v = mode_of(port);
	EQ(v.vid, 12);
	CHECK(has(&v, 12) && has(&v, 13), "VLANs are missing");
	/* The switch's own. */
	EQ(vlan("other", true, 7, 0), 0);

	EQ(vlan("wire", false, 10, BRIDGE_VLAN_INFO_PVID), -EOPNOTSUPP);
	EQ(vlan("wire", false, 10, BRIDGE_VLAN_INFO_UNTAGGED), -EOPNOTSUPP);
	EQ(vlan("wire", false, 0, 0), -EINVAL);
	EQ(vlan("wire", false, 4095, 0), -EINVAL);
	EQ(vlan("wire", false, 10, 0x8000), -EINVAL);
	EQ(vlan("wire", false, 10, BRIDGE_VLAN_INFO_RANGE_BEGIN), -EINVAL);
	EQ(vlan("wire", false, 10, BRIDGE_VLAN_INFO_RANGE_END), -EINVAL);
	EQ(range("wire", true, false, 11, 10), -EINVAL);
	v = mode_of(up);
	CHECK(!has(&v, 10), "what failed has changed it");
	set_vlan(port, VSWITCH_VLAN_TUNNEL, 12, 0, NULL);
	EQ(vlan("nic", true, 13, 0), -EOPNOTSUPP);
	/* All there are fit into an answer. */
	set_vlan(port, VSWITCH_VLAN_TRANSPARENT, 0, 0, NULL);
	EQ(range("nic", true, true, 1, 4094), 0);
	EQ(rtnl_bridge_vlans("nic", info, 8), 2);
	EQ(info[1].vid, 4094);
}

/* A list that is as long as can be, every other VLAN by itself, of each kind of port. */
static void long_list(void)
{
	static struct bridge_vlan_info info[4096];
	unsigned short odd[2048];
	unsigned int up, port, i;

	setup();
	for (i = 0; i < 2047; i++)
		odd[i] = 1 + 2 * i;
	odd[i] = 0;
	up = new_uplink();
	port = new_vnic("nic", -1);
	set_vlan(port, VSWITCH_VLAN_TRUNK, 0, 0, odd);
	EQ(rtnl_bridge_vlans("nic", info, 4096), 2047);
	EQ(info[2046].vid, 4093);
	EQ(info[2046].flags, 0);
	EQ(rtnl_bridge_vlans("wire", info, 4096), 0);
	set_vlan(up, VSWITCH_VLAN_TRUNK, 0, 0, odd);
	EQ(rtnl_bridge_vlans("wire", info, 4096), 2047);
	set_vlan(port, VSWITCH_VLAN_TRANSPARENT, 0, 0, NULL);
	EQ(rtnl_bridge_vlans("wire", info, 4096), 2047);
	EQ(info[1].vid, 3);
	/* The switch's own. */
	set_vlan(up, VSWITCH_VLAN_TRANSPARENT, 0, 0, NULL);
	set_vlan(VSWITCH_PORT_LOCAL, VSWITCH_VLAN_TRUNK, 0, 0, odd);
	EQ(rtnl_bridge_vlans("vsw0", info, 4096), 2047);
}

static void options(void)
{
	static const struct {
		int option;
		unsigned int bit;
	} all[] = {
		{ IFLA_BRPORT_LEARNING, VSWITCH_P_LEARN },
		{ IFLA_BRPORT_UNICAST_FLOOD, VSWITCH_P_FLOOD_UNKNOWN },
		{ IFLA_BRPORT_MCAST_FLOOD, VSWITCH_P_FLOOD_MCAST },
		{ IFLA_BRPORT_BCAST_FLOOD, VSWITCH_P_FLOOD_BCAST },
		{ IFLA_BRPORT_GUARD, VSWITCH_P_BPDU_GUARD },
	};
	unsigned int up, port, i;

	setup();
	up = new_uplink();
	port = new_vnic("nic", -1);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		EQ(rtnl_bridge_option("wire", false, all[i].option, 1), 0);
		CHECK(get_port(up).conf & all[i].bit, "option %u is not set", i);
		EQ(rtnl_bridge_option("wire", false, all[i].option, 0), 0);
		CHECK(!(get_port(up).conf & all[i].bit), "option %u is set", i);
	}
	EQ(get_port(up).conf, 0);
	EQ(rtnl_bridge_option("nic", true, IFLA_BRPORT_ISOLATED, 1), 0);
	EQ(get_port(port).role, VSWITCH_ROLE_ISOLATED);
	EQ(rtnl_bridge_option("nic", true, IFLA_BRPORT_ISOLATED, 0), 0);
	EQ(get_port(port).role, VSWITCH_ROLE_PROMISCUOUS);
	EQ(rtnl_bridge_option("wire", false, IFLA_BRPORT_MODE, 1), -EOPNOTSUPP);
	EQ(rtnl_bridge_option("nic", false, IFLA_BRPORT_LEARNING, 0), -EOPNOTSUPP);
}

/* Who has the vNIC in his namespace decides nothing about the port. */
static void owner(void)
{
	int ready[2], go[2], status, ns;
	char path[64], c;
	pid_t pid;

	setup();
	OK(pipe(ready));
	OK(pipe(go));
	pid = OK(fork());
	if (!pid) {
		OK(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		OK(write(ready[1], "r", 1));
		OK(read(go[0], &c, 1));
		EQ(vlan("nic", true, 10, 0), -EPERM);
		EQ(no_vlan("nic", true, 10), -EPERM);
		EQ(rtnl_bridge_option("nic", true, IFLA_BRPORT_LEARNING, 0), -EPERM);
		_exit(test_failures() ? 1 : 0);
	}
	OK(read(ready[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ns = OK(open(path, O_RDONLY));
	new_vnic("nic", ns);
	OK(write(go[1], "g", 1));
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

static const struct test tests[] = {
	{ "vlans", vlans },
	{ "long_list", long_list },
	{ "options", options },
	{ "owner", owner },
};

TEST_SUITE(tests);
