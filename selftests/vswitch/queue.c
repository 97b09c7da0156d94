// SPDX-License-Identifier: GPL-2.0
/* Queues: the TUN* calls, offloads both ways, batches, more than one, their end. */
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vsw.h"

static void tun_calls(void)
{
	struct ifreq ifr = { };
	unsigned int features;
	struct queue q;
	int v;

	setup();
	q = new_queue();
	OK(ioctl(q.fd, TUNGETFEATURES, &features));
	CHECK(features & IFF_TAP && features & IFF_VNET_HDR, "features 0x%x", features);
	OK(ioctl(q.fd, TUNGETIFF, &ifr));
	EQ((unsigned short)ifr.ifr_flags, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	FAILS(ioctl(q.fd, TUNSETIFF, &ifr), EINVAL);
	OK(ioctl(q.fd, TUNGETVNETHDRSZ, &v));
	EQ(v, 10);
	v = 12;
	OK(ioctl(q.fd, TUNSETVNETHDRSZ, &v));
	OK(ioctl(q.fd, TUNGETVNETHDRSZ, &v));
	EQ(v, 12);
	v = 9;
	FAILS(ioctl(q.fd, TUNSETVNETHDRSZ, &v), EINVAL);
	v = 1 << 20;
	FAILS(ioctl(q.fd, TUNSETVNETHDRSZ, &v), EINVAL);
	v = 0;
	FAILS(ioctl(q.fd, TUNSETSNDBUF, &v), EINVAL);
	v = 4096;
	OK(ioctl(q.fd, TUNSETSNDBUF, &v));
	OK(ioctl(q.fd, TUNGETSNDBUF, &v));
	EQ(v, 4096);
	OK(ioctl(q.fd, TUNSETOFFLOAD, 0));
	OK(ioctl(q.fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN |
		 TUN_F_UFO));
	FAILS(ioctl(q.fd, TUNSETOFFLOAD, TUN_F_TSO4), EINVAL);
	FAILS(ioctl(q.fd, TUNSETOFFLOAD, TUN_F_CSUM | 0x8000), EINVAL);
	v = 1;
	OK(ioctl(q.fd, TUNSETVNETLE, &v));
	FAILS(ioctl(q.fd, TUNSETVNETBE, &v), EINVAL);
	FAILS(ioctl(q.fd, TUNSETSTEERINGEBPF, &v), ENOTTY);
	FAILS(ioctl(q.fd, TUNGETIFF, (void *)8), EFAULT);
}

static void header_sizes(void)
{
	unsigned char buf[128], got[128];
	struct queue a, b;
	int v = 12, n;
	struct frame f;

	setup();
	a = new_queue();
	b = new_queue();
	OK(ioctl(a.fd, TUNSETVNETHDRSZ, &v));
	OK(ioctl(b.fd, TUNSETVNETHDRSZ, &v));
	f = from(1);
	memset(buf, 0, sizeof(buf));
	n = 12 + frame_bytes(&f, buf + 12);
	EQ(OK(write(a.fd, buf, n)), n);
	EQ(OK(read(b.fd, got, sizeof(got))), n);
	EQ(got[10] | got[11] << 8, 1);		/* num_buffers */
	CHECK(!memcmp(got + 12, buf + 12, n - 12), "another frame");
	/* A header and nothing, or not even that. */
	FAILS(write(a.fd, buf, 12), EINVAL);
	FAILS(write(a.fd, buf, 11), EINVAL);
	/* Too little room: cut off, and the rest is gone. */
	OK(write(a.fd, buf, n));
	OK(write(a.fd, buf, n));
	EQ(OK(read(b.fd, got, 40)), 40);
	EQ(OK(read(b.fd, got, sizeof(got))), n);
	OK(write(a.fd, buf, n));
	FAILS(read(b.fd, got, 5), EINVAL);
	OK(fcntl(b.fd, F_SETFL, O_NONBLOCK));
	FAILS(read(b.fd, got, sizeof(got)), EAGAIN);
}

static void sum_add(unsigned int *sum, const unsigned char *p, unsigned int n)
{
	for (; n > 1; p += 2, n -= 2)
		*sum += p[0] << 8 | p[1];
	if (n)
		*sum += p[0] << 8;
}

static unsigned int sum_end(unsigned int sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* An IPv4 packet with so much TCP payload; the checksum is the pseudo-header's. */
static unsigned int tcp_frame(unsigned char *p, const unsigned char *dst, unsigned int payload)
{
	unsigned int len = 40 + payload, sum = 0, i;

	memset(p, 0, 14 + len);
	memcpy(p, dst, 6);
	mac_of(p + 6, 1);
	p[12] = 0x08;
	p += 14;
	p[0] = 0x45;
	p[2] = len >> 8;
	p[3] = len;
	p[8] = 64;
	p[9] = 6;
	p[12] = 10;
	p[15] = 1;
	p[16] = 10;
	p[19] = 2;
	sum_add(&sum, p, 20);
	sum = ~sum_end(sum);
	p[10] = sum >> 8;
	p[11] = sum;
	p[32] = 0x50;		/* the header is 20 bytes */
	p[33] = 0x10;		/* ACK */
	for (i = 0; i < payload; i++)
		p[40 + i] = i * 13 + (i >> 8);
	sum = 0;
	sum_add(&sum, p + 12, 8);
	sum = sum_end(sum + 6 + 20 + payload);
	p[36] = sum >> 8;
	p[37] = sum;
	return 14 + len;
}

static bool tcp_sum_ok(const unsigned char *p)
{
	unsigned int len = p[16] << 8 | p[17], sum = 6 + len - 20;

	sum_add(&sum, p + 26, 8);
	sum_add(&sum, p + 34, len - 20);
	return sum_end(sum) == 0xffff;
}

static void write_tcp(struct queue *q, unsigned int payload, unsigned int mss)
{
	static unsigned char buf[HDR + FRAME_MAX];
	struct virtio_net_hdr *h = (void *)buf;
	unsigned int n = tcp_frame(buf + HDR, broadcast, payload);

	memset(h, 0, HDR);
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = 34;
	h->csum_offset = 16;
	h->hdr_len = 54;
	if (mss) {
		h->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		h->gso_size = mss;
	}
	EQ(OK(write(q->fd, buf, HDR + n)), HDR + n);
}

/* A super-packet passes whole to who can take it, else in pieces, and summed. */
static void super_packets(void)
{
	static unsigned char buf[HDR + FRAME_MAX];
	struct virtio_net_hdr *h = (void *)buf;
	struct queue a, whole, pieces;
	unsigned int payload = 60000, total = 0;
	int n, count = 0;

	setup();
	a = new_queue();
	whole = new_queue();
	pieces = new_queue();
	OK(ioctl(whole.fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4));
	write_tcp(&a, payload, 1448);

	EQ(OK(read(whole.fd, buf, sizeof(buf))), HDR + 54 + payload);
	EQ(h->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	EQ(h->gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	EQ(h->gso_size, 1448);
	EQ(h->csum_start, 34);

	OK(fcntl(pieces.fd, F_SETFL, O_NONBLOCK));
	while ((n = read(pieces.fd, buf, sizeof(buf))) > 0) {
		n -= HDR + 54;
		CHECK(n <= 1448, "a piece of %d", n);
		EQ(h->flags, 0);
		EQ(h->gso_type, 0);
		CHECK(tcp_sum_ok(buf + HDR), "piece %d: wrong checksum", count);
		CHECK(buf[HDR + 54] == (unsigned char)(total * 13 + (total >> 8)), "wrong bytes");
		total += n;
		count++;
	}
	EQ(total, payload);
	EQ(count, (payload + 1447) / 1448);
	EQ(stat_of(pieces.port, VSWITCH_STAT_OUT_FRAMES), count);

	/* A checksum alone. */
	write_tcp(&a, 100, 0);
	n = OK(read(pieces.fd, buf, sizeof(buf)));
	EQ(n, HDR + 154);
	EQ(h->flags, 0);
	CHECK(tcp_sum_ok(buf + HDR), "wrong checksum");
	EQ(OK(read(whole.fd, buf, sizeof(buf))), HDR + 154);
	EQ(h->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
}

/*
 * "BIG TCP": what an interface sends may be longer than a packet of IP can be. A
 * queue, whatever it takes, gets that in pieces.
 */
static void big_super_packet(void)
{
	static unsigned char buf[HDR + 14 + 60 + 100000];
	struct virtio_net_hdr *h = (void *)buf;
	unsigned char *p = buf + HDR;
	const unsigned int payload = 100000;
	unsigned int total = 0;
	int fd, one = 1, n;
	struct queue q;

	setup();
	no_ipv6();
	q = new_queue();
	OK(ioctl(q.fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6));
	new_vnic("nic", -1);
	link_up("nic", true);
	fd = packet_socket("nic");
	OK(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)));
	n = rtnl_set_gso_max("nic", 200000);
	if (n)
		test_skip("no super-packets above 64 KiB: %s", strerror(-n));
	memcpy(p, broadcast, 6);
	mac_of(p + 6, 1);
	p[12] = 0x86;
	p[13] = 0xdd;
	p[14] = 0x60;
	p[20] = 6;
	p[21] = 64;
	p[22] = 0xfe;
	p[23] = 0x80;
	p[37] = 1;
	p[38] = 0xfe;
	p[39] = 0x80;
	p[53] = 2;
	p[14 + 40 + 12] = 0x50;
	p[14 + 40 + 13] = 0x10;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = 1400;
	h->hdr_len = 74;
	h->csum_start = 54;
	h->csum_offset = 16;
	n = send(fd, buf, HDR + 74 + payload, 0);
	if (n < 0 && errno == EMSGSIZE)
		test_skip("this kernel's packet sockets send nothing that long");
	EQ(OK(n), HDR + 74 + payload);
	OK(fcntl(q.fd, F_SETFL, O_NONBLOCK));
	EVENTUALLY(stat_of(q.port, VSWITCH_STAT_OUT_FRAMES));
	while ((n = read(q.fd, buf, sizeof(buf))) > 0) {
		CHECK(n <= HDR + 65550, "%d bytes at once", n);
		total += n - HDR - 74;
	}
	EQ(total, payload);
}

/* A VMM that takes the tag offloads nothing: tags and super-packets together. */
static void tagged_super_packet(void)
{
	static const unsigned short vlans[] = { 10, 0 };
	static unsigned char buf[HDR + FRAME_MAX];
	struct queue a, t;
	int n, count = 0;

	setup();
	a = new_queue();
	t = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(t.port, VSWITCH_VLAN_TRUNK, 0, 0, vlans);
	write_tcp(&a, 3000, 1000);
	OK(fcntl(t.fd, F_SETFL, O_NONBLOCK));
	while ((n = read(t.fd, buf, sizeof(buf))) > 0) {
		EQ(n, HDR + 54 + 4 + 1000);
		EQ(buf[HDR + 12] << 8 | buf[HDR + 13], 0x8100);
		EQ(buf[HDR + 14] << 8 | buf[HDR + 15], 10);
		/* The rest is as it was without the tag. */
		memmove(buf + HDR + 12, buf + HDR + 16, n - HDR - 16);
		CHECK(tcp_sum_ok(buf + HDR), "piece %d: wrong checksum", count);
		count++;
	}
	EQ(count, 3);
}

/*
 * A tag among the bytes, and a checksum that somebody else has to complete: the
 * tag's way off and on leaves it right, and a card by which it leaves finds the
 * packet behind the tag.
 */
static void tagged_checksum(void)
{
	static const unsigned short vlans[] = { 10, 0 };
	struct vswitch_port p = {
		.head = { .size = sizeof(p) },
		.kind = VSWITCH_KIND_UPLINK,
		.netns_fd = -1,
		.name = "wire",
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	static unsigned char buf[HDR + 512];
	struct virtio_net_hdr *h = (void *)buf;
	struct queue a, b;
	unsigned int n;
	int fd, first;

	setup();
	no_ipv6();
	first = sw;
	a = new_queue();
	b = new_queue();
	new_switch("other");
	sw = link_index("other");
	new_vnic("wire", -1);
	link_up("wire", true);
	sw = first;
	p.head.ifindex = sw;
	OK(ioctl(dev, VSWITCH_ADD_PORT, &p));
	port_is_up(sw, p.port);
	fd = OK(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)));
	to.sll_ifindex = link_index("wire");
	OK(bind(fd, (struct sockaddr *)&to, sizeof(to)));

	n = tcp_frame(buf + HDR, broadcast, 100);
	memmove(buf + HDR + 16, buf + HDR + 12, n - 12);
	memcpy(buf + HDR + 12, "\x81\0\0\x0a", 4);
	n += 4;
	memset(h, 0, HDR);
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = 38;
	h->csum_offset = 16;
	EQ(OK(write(a.fd, buf, HDR + n)), HDR + n);
	/* What leaves is shown from where its packet begins: IPv4, 20 bytes. */
	EQ(OK(recv(fd, buf, sizeof(buf), 0)), n - 18);
	EQ(buf[0], 0x45);
	EQ(OK(read(b.fd, buf, sizeof(buf))), HDR + n);
	EQ(buf[HDR + 12] << 8 | buf[HDR + 13], 0x8100);
	memmove(buf + HDR + 12, buf + HDR + 16, n - 16);
	CHECK(tcp_sum_ok(buf + HDR), "wrong checksum with its tag");

	/* From a trunk to where there is no tag. */
	n = tcp_frame(buf + HDR, broadcast, 100);
	memmove(buf + HDR + 16, buf + HDR + 12, n - 12);
	memcpy(buf + HDR + 12, "\x81\0\0\x0a", 4);
	memset(h, 0, HDR);
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = 38;
	h->csum_offset = 16;
	set_vlan(a.port, VSWITCH_VLAN_TRUNK, 0, 0, vlans);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	EQ(OK(write(a.fd, buf, HDR + n + 4)), HDR + n + 4);
	EQ(OK(read(b.fd, buf, sizeof(buf))), HDR + n);
	CHECK(tcp_sum_ok(buf + HDR), "wrong checksum without its tag");
}

/*
 * A 32-bit program's struct ifreq is shorter. ioctl is call 54 of those; what it
 * points to must be where they can reach.
 */
static long ioctl32(int fd, unsigned int cmd, void *arg)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(54L), "b"((long)fd), "c"((long)cmd), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void no_int80(int sig)
{
	(void)sig;
	_exit(4);
}

static void from_32_bits(void)
{
	struct sigaction sa = { .sa_handler = no_int80 };
	unsigned char *p;
	struct queue q;
	int i, status;
	pid_t pid;

	setup();
	q = new_queue();
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		 0);
	REQUIRE(p != MAP_FAILED, "no memory");
	pid = OK(fork());
	if (!pid) {
		OK(sigaction(SIGSEGV, &sa, NULL));
		_exit(ioctl32(q.fd, TUNGETVNETHDRSZ, p) ? 4 : 0);
	}
	OK(waitpid(pid, &status, 0));
	if (status)
		test_skip("the kernel runs no 32-bit programs");
	memset(p, 0xa5, 64);
	EQ(ioctl32(q.fd, TUNGETIFF, p), 0);
	EQ(p[16] | p[17] << 8, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	for (i = 32; i < 64; i++)
		CHECK(p[i] == 0xa5, "byte %d behind it is written", i);
	/* At the end of what it may read. */
	memset(p + 4096 - 32, 0, 32);
	p[4096 - 32 + 17] = IFF_DETACH_QUEUE >> 8;
	EQ(ioctl32(q.fd, TUNSETQUEUE, p + 4096 - 32), 0);
	p[4096 - 32 + 17] = IFF_ATTACH_QUEUE >> 8;
	EQ(ioctl32(q.fd, TUNSETQUEUE, p + 4096 - 32), 0);
	EQ(ioctl32(q.fd, TUNSETOFFLOAD, (void *)(long)TUN_F_CSUM), 0);
}

/* Headers that do not fit what follows them. */
static void lying_headers(void)
{
	static unsigned char buf[HDR + FRAME_MAX];
	struct virtio_net_hdr *h = (void *)buf;
	struct queue a, b;
	unsigned int n, i;
	static const struct {
		unsigned char flags, gso_type;
		unsigned short hdr_len, gso_size, csum_start, csum_offset;
	} bad[] = {
		{ 1, 0, 0, 0, 60000, 16 },
		{ 1, 0, 0, 0, 34, 60000 },
		{ 1, 0, 0, 0, 65535, 65535 },
		{ 1, 0, 0, 0, 0, 0 },			/* into the Ethernet header */
		{ 1, 1, 54, 0, 34, 16 },		/* segments of nothing */
		{ 1, 1, 54, 65535, 34, 16 },		/* the kernel's own mark */
		{ 1, 1, 54, 500, 34, 6 },		/* TCP, summed where UDP is */
		{ 1, 5, 54, 500, 34, 6 },		/* UDP, but it is TCP */
		{ 0, 5, 54, 500, 0, 0 },
		{ 0, 3, 54, 500, 0, 0 },
		{ 1, 4, 74, 500, 34, 16 },		/* IPv6, but it is IPv4 */
		{ 1, 2, 54, 500, 34, 16 },		/* no such type */
		{ 0, 0x7f, 54, 500, 0, 0 },
	};

	setup();
	a = new_queue();
	b = new_queue();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		n = tcp_frame(buf + HDR, broadcast, 1000);
		memset(h, 0, HDR);
		h->flags = bad[i].flags;
		h->gso_type = bad[i].gso_type;
		h->hdr_len = bad[i].hdr_len;
		h->gso_size = bad[i].gso_size;
		h->csum_start = bad[i].csum_start;
		h->csum_offset = bad[i].csum_offset;
		errno = 0;
		if (write(a.fd, buf, HDR + n) < 0)
			CHECK(errno == EINVAL, "row %u: %s", i, strerror(errno));
		/* What is believed must come out as a frame, or be counted. */
		else if (get_bytes(&b, buf, sizeof(buf), MS_QUIET) < 0)
			diag("row %u is taken, and not delivered", i);
		drain(&b);
	}
	CHECK(stat_of(a.port, VSWITCH_DROP_GSO) >= 8, "%llu of them are refused",
	      stat_of(a.port, VSWITCH_DROP_GSO));
	/* The queue works as before. */
	{
		struct frame f = from(1);

		put(&a, &f);
		ARRIVES(&b, &f);
	}
}

static void batches(void)
{
	static unsigned char out[64][HDR + 64], in[64][HDR + 64];
	struct vswitch_frame frames[64];
	struct vswitch_batch b = {
		.head = { .size = sizeof(b) },
		.ptr = (unsigned long)frames,
		.count = 64,
	};
	struct queue a, c;
	struct frame f;
	unsigned int i;

	setup();
	a = new_queue();
	c = new_queue();
	memset(out, 0, sizeof(out));
	for (i = 0; i < 64; i++) {
		f = from(i);
		frames[i].addr = (unsigned long)out[i];
		frames[i].len = HDR + frame_bytes(&f, out[i] + HDR);
	}
	frames[5].len = HDR + 3;
	frames[6].addr = 8;
	OK(ioctl(a.fd, VSWITCH_QUEUE_SEND, &b));
	EQ(b.done, 64);
	EQ(frames[4].result, 0);
	EQ(frames[5].result, -EINVAL);
	EQ(frames[6].result, -EFAULT);
	EQ(frames[63].result, 0);

	for (i = 0; i < 64; i++) {
		frames[i].addr = (unsigned long)in[i];
		frames[i].len = sizeof(in[i]);
	}
	frames[2].len = 30;
	OK(ioctl(c.fd, VSWITCH_QUEUE_RECV, &b));
	EQ(b.done, 62);
	EQ(frames[0].result, HDR + 64);
	CHECK(!memcmp(in[0] + HDR, out[0] + HDR, 64), "another frame");
	EQ(frames[2].result, HDR + 64);
	CHECK(!memcmp(in[61] + HDR, out[63] + HDR, 64), "another frame");
	OK(fcntl(c.fd, F_SETFL, O_NONBLOCK));
	FAILS(ioctl(c.fd, VSWITCH_QUEUE_RECV, &b), EAGAIN);

	b.count = 0;
	FAILS(ioctl(a.fd, VSWITCH_QUEUE_SEND, &b), EINVAL);
	b.count = 1025;
	FAILS(ioctl(a.fd, VSWITCH_QUEUE_SEND, &b), EINVAL);
	b.count = 64;
	b.head.flags = 1;
	FAILS(ioctl(a.fd, VSWITCH_QUEUE_SEND, &b), EINVAL);
	b.head.flags = 0;
	b.ptr = 8;
	FAILS(ioctl(a.fd, VSWITCH_QUEUE_SEND, &b), EFAULT);
}

/* A reader that never reads loses frames, and stops nobody. */
static void full_ring(void)
{
	struct queue a, deaf, b;
	struct frame f;
	int i;

	setup();
	a = new_queue();
	deaf = new_queue();
	b = new_queue();
	f = from(1);
	for (i = 0; i < 3000; i++) {
		put(&a, &f);
		if (i % 500 == 0)
			drain(&b);
	}
	CHECK(stat_of(deaf.port, VSWITCH_DROP_FULL) >= 1900, "%llu dropped",
	      stat_of(deaf.port, VSWITCH_DROP_FULL));
	EQ(stat_of(deaf.port, VSWITCH_DROP_FULL) +
	   stat_of(deaf.port, VSWITCH_STAT_OUT_FRAMES), 3000);
	EQ(stat_of(b.port, VSWITCH_DROP_FULL), 0);
}

static void set_attached(int fd, bool attached)
{
	struct ifreq ifr = { .ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	OK(ioctl(fd, TUNSETQUEUE, &ifr));
}

static void many_queues(void)
{
	struct vswitch_port_id id = { .head = { .size = sizeof(id) } };
	struct vswitch_port p = { .head = { .size = sizeof(p) } };
	struct queue a, b, second;
	unsigned char buf[256], got[256];
	int i, on_first = 0, on_second = 0, n;
	struct frame f;

	setup();
	id.head.ifindex = sw;
	p.head.ifindex = sw;
	a = new_queue();
	b = new_queue();
	id.port = b.port;
	OK(ioctl(dev, VSWITCH_ADD_QUEUE, &id));
	second = b;
	second.fd = id.fd;
	/* Flows are spread; one flow stays on one queue. */
	for (i = 0; i < 64; i++) {
		n = tcp_frame(buf, broadcast, 100);
		buf[34] = i;
		put_bytes(&a, buf, n);
		put_bytes(&a, buf, n);
		if (get_bytes(&b, got, sizeof(got), 0) >= 0) {
			on_first++;
			EQ(get_bytes(&b, got, sizeof(got), 0), n);
		} else {
			on_second++;
			EQ(get_bytes(&second, got, sizeof(got), 0), n);
			EQ(get_bytes(&second, got, sizeof(got), 0), n);
		}
	}
	CHECK(on_first > 10 && on_second > 10, "%d and %d of 64", on_first, on_second);

	f = from(1);
	set_attached(b.fd, false);
	put(&a, &f);
	ARRIVES(&second, &f);
	SILENT(&b);
	set_attached(second.fd, false);
	put(&a, &f);
	SILENT(&second);
	EQ(stat_of(b.port, VSWITCH_DROP_DEST_DOWN), 1);
	set_attached(b.fd, true);
	put(&a, &f);
	ARRIVES(&b, &f);
	set_attached(second.fd, true);
	/* The port goes with the last of them. */
	close(b.fd);
	put(&a, &f);
	ARRIVES(&second, &f);
	p.port = b.port;
	OK(ioctl(dev, VSWITCH_GET_PORT, &p));
	close(second.fd);
	FAILS(ioctl(dev, VSWITCH_GET_PORT, &p), ENOENT);

	id.port = a.port;
	FAILS(ioctl(dev, VSWITCH_ADD_QUEUE, &id), EINVAL);
	for (i = 1; i < 16; i++) {
		id.fd = 0;
		OK(ioctl(dev, VSWITCH_ADD_QUEUE, &id));
	}
	id.fd = 0;
	FAILS(ioctl(dev, VSWITCH_ADD_QUEUE, &id), ENOSPC);
}

static void woken(int sig)
{
	(void)sig;
}

/* Who waits for a frame is woken by one, by a signal, and by the port's end. */
static void waiting(void)
{
	struct vswitch_port_id id = { .head = { .size = sizeof(id) } };
	struct sigaction sa = { .sa_handler = woken };
	unsigned char buf[128] = { };
	volatile int *step;
	struct queue a, b;
	struct frame f;
	int status;
	pid_t pid;

	setup();
	step = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(step != MAP_FAILED, "no memory");
	a = new_queue();
	b = new_queue();
	f = from(1);
	OK(sigaction(SIGUSR1, &sa, NULL));
	pid = OK(fork());
	if (!pid) {
		usleep(100000);
		put(&a, &f);
		/* Who knows whether he waits already? */
		while (*step < 1)
			usleep(1000);
		while (*step < 2) {
			usleep(50000);
			kill(getppid(), SIGUSR1);
		}
		usleep(100000);
		id.head.ifindex = sw;
		id.port = b.port;
		OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
		_exit(0);
	}
	EQ(OK(read(b.fd, buf, sizeof(buf))), HDR + 64);
	*step = 1;
	FAILS(read(b.fd, buf, sizeof(buf)), EINTR);
	sa.sa_handler = SIG_IGN;
	OK(sigaction(SIGUSR1, &sa, NULL));
	*step = 2;
	FAILS(read(b.fd, buf, sizeof(buf)), EBADFD);
	FAILS(write(b.fd, buf, 74), EBADFD);
	{
		struct pollfd p = { .fd = b.fd, .events = POLLIN };

		EQ(OK(poll(&p, 1, 0)), 1);
		EQ(p.revents, POLLERR | POLLHUP);
	}
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

static const struct test tests[] = {
	{ "tun_calls", tun_calls },
	{ "header_sizes", header_sizes },
	{ "super_packets", super_packets },
	{ "big_super_packet", big_super_packet },
	{ "tagged_super_packet", tagged_super_packet },
	{ "tagged_checksum", tagged_checksum },
	{ "from_32_bits", from_32_bits },
	{ "lying_headers", lying_headers },
	{ "batches", batches },
	{ "full_ring", full_ring },
	{ "many_queues", many_queues },
	{ "waiting", waiting },
};

TEST_SUITE(tests);
