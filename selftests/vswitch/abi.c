// SPDX-License-Identifier: GPL-2.0
/* The contract of the calls: sizes, flags, errors, privilege, text. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vsw.h"

static void info(void)
{
	struct vswitch_info i = { .head = { .size = sizeof(i) } };

	setup();
	OK(ioctl(dev, VSWITCH_GET_INFO, &i));
	EQ(i.max_ports, 4096);
	EQ(i.nr_stats, VSWITCH_NR_STATS);
	CHECK(i.features & VSWITCH_FEATURE_QUEUE, "no queue ports");
	i.head.ifindex = 1;
	FAILS(ioctl(dev, VSWITCH_GET_INFO, &i), EINVAL);
}

static void sizes(void)
{
	struct {
		struct vswitch_info i;
		unsigned char more[64];
	} big = { .i.head.size = sizeof(big) };
	struct vswitch_switch s = { .head = head(vswitch_switch) };
	unsigned char huge[8192] = { };

	setup();
	/* What comes after is zero, so nothing is asked that is not understood. */
	OK(ioctl(dev, VSWITCH_GET_INFO, &big));
	big.more[63] = 1;
	FAILS(ioctl(dev, VSWITCH_GET_INFO, &big), E2BIG);
	big.i.head.size = sizeof(big.i) - 1;
	FAILS(ioctl(dev, VSWITCH_GET_INFO, &big), EINVAL);
	*(unsigned int *)huge = sizeof(huge);
	FAILS(ioctl(dev, VSWITCH_GET_INFO, huge), E2BIG);
	FAILS(ioctl(dev, VSWITCH_GET_INFO, (void *)8), EFAULT);
	FAILS(ioctl(dev, _IO(VSWITCH_MAGIC, 0xff), &big), ENOTTY);
	FAILS(ioctl(dev, 0x5401, &big), ENOTTY);

	s.head.ifindex = sw;
	s.head.flags = 1;
	FAILS(ioctl(dev, VSWITCH_GET, &s), EINVAL);
	s.head.flags = 0;
	s.head.ifindex = 1;	/* lo */
	FAILS(ioctl(dev, VSWITCH_GET, &s), ENODEV);
	s.head.ifindex = 12345;
	FAILS(ioctl(dev, VSWITCH_GET, &s), ENODEV);
}

static void messages(void)
{
	char text[80] = "untouched";
	struct vswitch_port_id p = {
		.head = {
			.size = sizeof(p),
			.msg_ptr = (unsigned long)text,
			.msg_len = sizeof(text),
		},
		.port = 99,
	};

	setup();
	p.head.ifindex = sw;
	FAILS(ioctl(dev, VSWITCH_DEL_PORT, &p), ENOENT);
	CHECK(strstr(text, "no port"), "the message is \"%s\"", text);
	memset(text, 'x', sizeof(text));
	p.head.msg_len = 4;
	FAILS(ioctl(dev, VSWITCH_DEL_PORT, &p), ENOENT);
	CHECK(!strcmp(text, "the") && text[4] == 'x', "cut to \"%.8s\"", text);
	/* One that cannot be delivered changes nothing. */
	p.head.msg_ptr = 8;
	FAILS(ioctl(dev, VSWITCH_DEL_PORT, &p), ENOENT);
	p.port = 0;
	FAILS(ioctl(dev, VSWITCH_DEL_PORT, &p), EINVAL);
}

static void switches(void)
{
	struct vswitch_switch s = { .head = { .size = sizeof(s) }, .name = "one" };
	struct vswitch_delete d = { .head = { .size = sizeof(d) } };
	unsigned int found[8];
	struct vswitch_list l = {
		.head = { .size = sizeof(l) },
		.count = 8,
		.ptr = (unsigned long)found,
	};

	setup();
	OK(ioctl(dev, VSWITCH_LIST, &l));
	EQ(l.count, 1);
	EQ(found[0], sw);

	s.set = VSWITCH_SET_AGEING | VSWITCH_SET_FDB_LIMIT | VSWITCH_SET_MOVES;
	s.ageing_ms = 999;
	s.fdb_limit = 100;
	s.move_hold_ms = 100;
	FAILS(ioctl(dev, VSWITCH_CREATE, &s), ERANGE);
	EQ(link_index("one"), -ENODEV);
	s.ageing_ms = 1000;
	OK(ioctl(dev, VSWITCH_CREATE, &s));
	EQ(s.head.ifindex, link_index("one"));
	EQ(s.nr_ports, 1);
	d.head.ifindex = s.head.ifindex;
	s.ageing_ms = 0;
	OK(ioctl(dev, VSWITCH_GET, &s));
	EQ(s.ageing_ms, 1000);
	EQ(s.fdb_limit, 100);
	EQ(s.move_limit, 0);
	EQ(s.move_hold_ms, 100);
	CHECK(!strcmp((char *)s.name, "one"), "its name is %s", s.name);

	s.head.ifindex = 0;
	s.set = 0;
	FAILS(ioctl(dev, VSWITCH_CREATE, &s), EEXIST);
	memset(s.name, 'a', sizeof(s.name));
	FAILS(ioctl(dev, VSWITCH_CREATE, &s), EINVAL);
	memcpy(s.name, "a/b", 4);
	FAILS(ioctl(dev, VSWITCH_CREATE, &s), EINVAL);
	s.head.ifindex = sw;
	s.set = VSWITCH_SET_REPEATS;
	s.repeat_limit = 65534;
	FAILS(ioctl(dev, VSWITCH_SET, &s), ERANGE);
	s.repeat_limit = 65533;
	OK(ioctl(dev, VSWITCH_SET, &s));
	EQ(s.repeat_limit, 65533);
	s.set = 1 << 30;
	FAILS(ioctl(dev, VSWITCH_SET, &s), EINVAL);

	l.count = 1;
	found[1] = 4711;
	OK(ioctl(dev, VSWITCH_LIST, &l));
	EQ(l.count, 2);
	EQ(found[1], 4711);

	OK(ioctl(dev, VSWITCH_DELETE, &d));
	EQ(link_index("one"), -ENODEV);
	FAILS(ioctl(dev, VSWITCH_DELETE, &d), ENODEV);
}

/* A switch goes with the file that made it, if it said so, and else does not. */
static void autodestroy(void)
{
	struct vswitch_switch s = { .head = { .size = sizeof(s) }, .name = "stays" };
	struct vswitch_delete d = { .head = { .size = sizeof(d) } };
	int other;

	setup();
	other = OK(open(device, O_RDWR));
	OK(ioctl(other, VSWITCH_CREATE, &s));
	d.head.ifindex = s.head.ifindex;
	memcpy(s.name, "goes", 5);
	s.head.ifindex = 0;
	s.head.flags = VSWITCH_F_AUTODESTROY;
	OK(ioctl(other, VSWITCH_CREATE, &s));
	CHECK(link_index("goes") > 0, "not made");
	close(other);
	EQ(link_index("goes"), -ENODEV);
	CHECK(link_index("stays") > 0, "gone with the file");
	OK(ioctl(dev, VSWITCH_DELETE, &d));
}

/* Whoever opens the device is root of nothing until he proves it. */
static void privilege(void)
{
	struct vswitch_switch s = { .head = { .size = sizeof(s) } };
	struct vswitch_info i = { .head = { .size = sizeof(i) } };
	struct vswitch_port p = { .head = { .size = sizeof(p) }, .netns_fd = -1 };
	int status;
	pid_t pid;

	setup();
	pid = OK(fork());
	if (!pid) {
		int fd;

		OK(setgid(65534));
		OK(setuid(65534));
		fd = OK(open(device, O_RDWR));
		OK(ioctl(fd, VSWITCH_GET_INFO, &i));
		FAILS(ioctl(fd, VSWITCH_CREATE, &s), EPERM);
		s.head.ifindex = sw;
		OK(ioctl(fd, VSWITCH_GET, &s));
		FAILS(ioctl(fd, VSWITCH_SET, &s), EPERM);
		/* The file that root opened is no help. */
		FAILS(ioctl(dev, VSWITCH_SET, &s), EPERM);
		p.head.ifindex = sw;
		p.kind = VSWITCH_KIND_QUEUE;
		FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EPERM);

		/* In a user namespace of his own he has switches of his own. */
		OK(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		FAILS(ioctl(dev, VSWITCH_SET, &s), EPERM);
		FAILS(ioctl(fd, VSWITCH_SET, &s), EPERM);
		dev = OK(open(device, O_RDWR));
		sw = new_switch("mine");
		new_queue();
		_exit(test_failures() ? 1 : 0);
	}
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

static void port_calls(void)
{
	struct vswitch_port p = { .head = { .size = sizeof(p) }, .netns_fd = -1 };
	struct vswitch_port_id id = { .head = { .size = sizeof(id) } };
	unsigned int ports[8];
	struct vswitch_list l = {
		.head = { .size = sizeof(l) },
		.count = 8,
		.ptr = (unsigned long)ports,
	};

	setup();
	p.head.ifindex = sw;
	id.head.ifindex = sw;
	l.head.ifindex = sw;
	p.kind = 9;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EOPNOTSUPP);
	p.kind = VSWITCH_KIND_LOCAL;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EOPNOTSUPP);
	p.kind = VSWITCH_KIND_UPLINK;
	memcpy(p.name, "nothing", 8);
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), ENOENT);
	memcpy(p.name, "lo", 3);
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EINVAL);
	p.kind = VSWITCH_KIND_VNIC;
	memcpy(p.name, "nic", 4);
	p.netns_fd = dev;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EBADF);
	p.netns_fd = -1;
	p.port = 4096;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), ERANGE);
	EQ(link_index("nic"), -ENODEV);
	p.port = 4095;
	p.mac[0] = 1;
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EADDRNOTAVAIL);
	mac_of(p.mac, 5);
	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	EQ(p.port, 4095);
	EQ(p.port_ifindex, link_index("nic"));
	EQ(p.netns_id, -1);
	p.port = 4095;
	memcpy(p.name, "nic2", 5);
	FAILS(ioctl(dev, VSWITCH_ADD_PORT, &p), EEXIST);
	EQ(link_index("nic2"), -ENODEV);

	OK(ioctl(dev, VSWITCH_LIST_PORTS, &l));
	EQ(l.count, 2);
	EQ(ports[0], 0);
	EQ(ports[1], 4095);

	p.port = 4095;
	p.set = VSWITCH_SET_PORT_CONF;
	p.conf_mask = 1 << 31;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), EINVAL);
	p.set = VSWITCH_SET_PORT_ROLE;
	p.role = 3;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), EOPNOTSUPP);
	p.role = VSWITCH_ROLE_ISOLATED;
	p.community = 1;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), EINVAL);
	p.set = VSWITCH_SET_PORT_MTU;
	p.mtu = 67;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), ERANGE);
	p.mtu = 9000;
	OK(ioctl(dev, VSWITCH_SET_PORT, &p));
	p.mtu = 0;
	OK(ioctl(dev, VSWITCH_GET_PORT, &p));
	EQ(p.mtu, 9000);
	EQ(p.role, VSWITCH_ROLE_PROMISCUOUS);
	p.set = 1 << 20;
	FAILS(ioctl(dev, VSWITCH_SET_PORT, &p), EINVAL);
	p.port = 7;
	FAILS(ioctl(dev, VSWITCH_GET_PORT, &p), ENOENT);

	id.port = 4095;
	FAILS(ioctl(dev, VSWITCH_ADD_QUEUE, &id), EINVAL);
	OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
	FAILS(ioctl(dev, VSWITCH_DEL_PORT, &id), ENOENT);
	EQ(link_index("nic"), -ENODEV);
}

static void caps(void)
{
	struct vswitch_switch s = { .head = { .size = sizeof(s) } };
	struct vswitch_info i = { .head = { .size = sizeof(i) } };
	unsigned int n;
	int ret = 0;

	setup();
	OK(ioctl(dev, VSWITCH_GET_INFO, &i));
	for (n = 1; n <= i.max_switches && !ret; n++) {
		memset(s.name, 0, sizeof(s.name));
		s.head.ifindex = 0;
		s.head.flags = VSWITCH_F_AUTODESTROY;
		ret = ioctl(dev, VSWITCH_CREATE, &s);
	}
	EQ(errno, ENOSPC);
	EQ(n, i.max_switches + 1);
}

/* A number of /sys/class/net, as this network namespace has it. */
static int sys_number(const char *name)
{
	char path[128], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	fd = OK(open(path, O_RDONLY | O_CLOEXEC));
	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atoi(text);
}

static void sysfs(void)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s) },
		.set = VSWITCH_SET_AGEING | VSWITCH_SET_FDB_LIMIT | VSWITCH_SET_SNOOPING,
		.ageing_ms = 7000,
		.fdb_limit = 99,
		.snooping = 1,
	};
	unsigned int port;

	setup();
	OK(unshare(CLONE_NEWNS));
	OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("sys", 0755));
	OK(mount("sysfs", "sys", "sysfs", 0, NULL));
	s.head.ifindex = sw;
	OK(ioctl(dev, VSWITCH_SET, &s));
	port = new_vnic("nic", -1);
	set_vlan(port, VSWITCH_VLAN_ACCESS, 5, 0, NULL);
	EQ(sys_number("vsw0/vswitch/ageing_ms"), 7000);
	EQ(sys_number("vsw0/vswitch/fdb_limit"), 99);
	EQ(sys_number("vsw0/vswitch/fdb_count"), 1);
	EQ(sys_number("vsw0/vswitch/ports"), 2);
	EQ(sys_number("vsw0/vswitch/vlan_aware"), 1);
	EQ(sys_number("vsw0/vswitch/snooping"), 1);
	EQ(sys_number("nic/vswitch_port/port"), (int)port);
	EQ(sys_number("nic/vswitch_port/options"), VSWITCH_P_DEFAULT);
	EQ(sys_number("nic/vswitch_port/role"), VSWITCH_ROLE_PROMISCUOUS);
	EQ(sys_number("nic/vswitch_port/community"), 0);
	EQ(sys_number("nic/vswitch_port/addresses"), 0);
	FAILS(open("sys/class/net/vsw0/vswitch/ageing_ms", O_WRONLY | O_TRUNC), EACCES);
	OK(umount("sys"));
	OK(rmdir("sys"));
}

static const struct test tests[] = {
	{ "info", info },
	{ "sizes", sizes },
	{ "messages", messages },
	{ "switches", switches },
	{ "autodestroy", autodestroy },
	{ "privilege", privilege },
	{ "port_calls", port_calls },
	{ "caps", caps },
	{ "sysfs", sysfs },
};

TEST_SUITE(tests);
