// SPDX-License-Identifier: GPL-2.0
/* Everything at once, and frames that nobody in his right mind would send. */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "vsw.h"

static volatile bool stop;

static unsigned int random_of(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Sends to everybody, from ever changing addresses, until it is told to stop. */
static void *sender(void *arg)
{
	unsigned char buf[HDR + 1600] = { };
	int fd = *(int *)arg;
	unsigned int n, state = fd;
	struct frame f;

	while (!stop) {
		f = frame_to(broadcast, broadcast);
		mac_of(f.src, random_of(&state) % 500);
		if (random_of(&state) & 1)
			mac_of(f.dst, random_of(&state) % 500);
		if (!(random_of(&state) & 3)) {
			f.tpid = 0x8100;
			f.tci = random_of(&state) % 30;
		}
		f.len = 64 + random_of(&state) % 1400;
		n = frame_bytes(&f, buf + HDR);
		if (write(fd, buf, HDR + n) < 0 && errno == EBADFD)
			usleep(1000);
	}
	return NULL;
}

static void *reader(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };
	unsigned char buf[4096];

	while (!stop) {
		if (poll(&p, 1, 50) > 0 && read(p.fd, buf, sizeof(buf)) < 0)
			usleep(1000);
	}
	return NULL;
}

/* Ports come, change and go, sessions and modes, too, while frames run. */
static void configure_under_traffic(void)
{
	pthread_t thread[4];
	struct queue q[4];
	unsigned int i, state = 1, rounds = scale(60, 20), vnic, port;
	char name[16];

	setup();
	for (i = 0; i < 4; i++) {
		q[i] = new_queue();
		OK(pthread_create(&thread[i], NULL, i < 2 ? sender : reader, &q[i].fd));
	}
	for (i = 0; i < rounds; i++) {
		struct vswitch_port_id id = { .head = head(vswitch_port_id) };
		struct vswitch_mirror m = {
			.head = head(vswitch_mirror),
			.session = i % 8,
			.direction = 3,
			.source = VSWITCH_PORT_NONE,
			.destination = q[3].port,
		};
		struct vswitch_rate r = {
			.head = head(vswitch_rate),
			.port = q[i % 4].port,
			.set = 1 << i % VSWITCH_NR_RATES,
		};
		struct vswitch_fdb_flush fl = {
			.head = head(vswitch_fdb_flush),
			.port = VSWITCH_PORT_NONE,
			.vid = -1,
		};
		struct queue extra = new_queue();

		snprintf(name, sizeof(name), "nic%u", i);
		vnic = new_vnic(name, -1);
		link_up(name, true);
		if (i % 3)
			m.destination = extra.port;
		OK(ioctl(dev, VSWITCH_SET_MIRROR, &m));
		r.limit[i % VSWITCH_NR_RATES].rate = i & 8 ? 0 : 1000000;
		OK(ioctl(dev, VSWITCH_SET_RATE, &r));
		port = q[random_of(&state) % 4].port;
		if (i & 1)
			set_vlan(port, VSWITCH_VLAN_ACCESS, 1 + random_of(&state) % 30, 0, NULL);
		else
			set_vlan(port, VSWITCH_VLAN_TRANSPARENT, 0, 0, NULL);
		if (i % 5 == 0)
			OK(ioctl(dev, VSWITCH_FDB_FLUSH, &fl));
		usleep(2000);
		id.port = vnic;
		if (i % 2)
			OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
		else
			EQ(rtnl_del(name), 0);
		close(extra.fd);
	}
	/* And the switch itself, under all of it. */
	{
		struct vswitch_delete d = { .head = head(vswitch_delete) };

		CHECK(stat_of(q[2].port, VSWITCH_STAT_OUT_FRAMES), "nothing ran");
		OK(ioctl(dev, VSWITCH_DELETE, &d));
	}
	usleep(20000);
	stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

/* Switches with all kinds of ports, made and deleted under traffic. */
static void switches_come_and_go(void)
{
	unsigned int i, k, rounds = scale(40, 15);
	int first;

	setup();
	first = sw;
	for (i = 0; i < rounds; i++) {
		struct vswitch_delete d = { .head = { .size = sizeof(d) } };
		pthread_t thread[2];
		struct queue q[2];
		int ns = new_netns();

		sw = new_switch("");
		d.head.ifindex = sw;
		stop = false;
		for (k = 0; k < 2; k++) {
			q[k] = new_queue();
			OK(pthread_create(&thread[k], NULL, sender, &q[k].fd));
		}
		new_vnic("far", ns);
		new_vnic("near", -1);
		link_up("near", true);
		{
			struct vswitch_port p = {
				.head = { .size = sizeof(p), .ifindex = first },
				.kind = VSWITCH_KIND_UPLINK,
				.netns_fd = -1,
				.name = "near",
			};

			OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
		}
		usleep(3000);
		if (i & 1)
			close(ns);
		OK(ioctl(dev, VSWITCH_DELETE, &d));
		stop = true;
		for (k = 0; k < 2; k++) {
			pthread_join(thread[k], NULL);
			close(q[k].fd);
		}
		if (!(i & 1))
			close(ns);
	}
}

/* LONG=1 is for when there is time. */
static unsigned int many(void)
{
	return getenv("LONG") ? 1000000 : scale(200000, 30000);
}

/*
 * Headers and frames at random, sent to a netdev, a queue that can do nothing, a
 * queue that can do all, and through VLAN modes. What counts is that the kernel
 * is as well afterwards as before, and that an honest frame still passes.
 */
static void fuzz(void)
{
	static unsigned char buf[HDR + FRAME_MAX];
	static const unsigned short vlans[] = { 10, 20, 0 };
	struct queue a, plain, able, trunk;
	unsigned int i, k, len, state = 12345, n = many();
	struct virtio_net_hdr *h = (void *)buf;
	unsigned char got[256];
	struct frame f;

	setup();
	a = new_queue();
	plain = new_queue();
	able = new_queue();
	trunk = new_queue();
	OK(ioctl(able.fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6));
	set_vlan(trunk.port, VSWITCH_VLAN_TRUNK, 0, 0x88a8, vlans);
	new_vnic("nic", -1);
	link_up("nic", true);
	for (i = 0; i < n; i++) {
		len = random_of(&state) % 8 ? random_of(&state) % 200 : random_of(&state) % 4000;
		for (k = 0; k < HDR + len; k++)
			buf[k] = random_of(&state);
		/* Mostly nearly right: what is all wrong is refused too soon. */
		if (random_of(&state) % 8) {
			static const unsigned short types[] = {
				0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x88b5, 0x8847, 0x0600,
			};
			unsigned short t = types[random_of(&state) % 8];

			memset(buf + HDR, 0xff, 6);
			mac_of(buf + HDR + 6, random_of(&state) % 64);
			buf[HDR + 12] = t >> 8;
			buf[HDR + 13] = t;
			buf[HDR + 14] = t == 0x0800 ? 0x45 : t == 0x86dd ? 0x60 : 0;
			buf[HDR + 15] = t == 0x8100 || t == 0x88a8 ? 10 : buf[HDR + 15];
			buf[HDR + 23] = random_of(&state) & 1 ? 6 : 17;
			buf[HDR + 20] = random_of(&state) & 1 ? 6 : 17;
		}
		if (random_of(&state) % 4) {
			h->flags = random_of(&state) & 3;
			h->gso_type = "\0\1\3\4\5\x81"[random_of(&state) % 6];
			h->gso_size = random_of(&state) % 1500;
			h->csum_start = random_of(&state) % 64;
			h->csum_offset = random_of(&state) & 1 ? 16 : 6;
		}
		if (write(a.fd, buf, HDR + len) < 0 && errno != EINVAL) {
			CHECK(0, "frame %u: %s", i, strerror(errno));
			break;
		}
		if (i % 512 == 0) {
			drain(&plain);
			drain(&able);
			drain(&trunk);
		}
	}
	drain(&plain);
	f = frame_to(broadcast, broadcast);
	mac_of(f.src, 1000);
	/* The port may have been told nothing that would stop it. */
	put(&a, &f);
	for (i = 0; i < 20; i++) {
		if (get_bytes(&plain, got, sizeof(got), MS_ARRIVE) == 64 && got[11] == 0xe8)
			break;
	}
	CHECK(i < 20, "an honest frame does not pass any more");
}

/* The module stays while there is a switch, or a file of one that is gone. */
static void no_unload(void)
{
	struct vswitch_delete d = { .head = { .size = sizeof(d) } };
	struct queue q;

	setup();
	EQ(rtnl_add("kept", "vswitch", 0, -1), 0);
	close(dev);
	FAILS(syscall(SYS_delete_module, "vswitch", O_NONBLOCK), EWOULDBLOCK);
	EQ(rtnl_del("kept"), 0);
	dev = OK(open(device, O_RDWR | O_CLOEXEC));
	sw = new_switch("");
	q = new_queue();
	d.head.ifindex = sw;
	OK(ioctl(dev, VSWITCH_DELETE, &d));
	close(dev);
	FAILS(syscall(SYS_delete_module, "vswitch", O_NONBLOCK), EWOULDBLOCK);
	close(q.fd);
}

static const struct test tests[] = {
	{ "configure_under_traffic", configure_under_traffic },
	{ "switches_come_and_go", switches_come_and_go },
	{ "no_unload", no_unload },
	{ "fuzz", fuzz },
};

TEST_SUITE(tests);
