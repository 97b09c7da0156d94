// SPDX-License-Identifier: GPL-2.0
/*
 * The network card as a guest sees it, on a port that is played here: what is
 * sent arrives, what arrives is received in the buffers that are there, and
 * what no driver would do harms nobody.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "../lib/virtlite.h"
#include "../vmm/net_port.h"
#include "driver.h"
#include "tap.h"

#define PAIRS		2
#define CONTROL		(2 * PAIRS)
#define DATA		0x40000ULL
#define HDR_LEN		12

#define V1		BIT_ULL(VIRTIO_F_VERSION_1)
#define EVENT_IDX	BIT_ULL(VIRTIO_RING_F_EVENT_IDX)
#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)

/**
 * struct port - a port whose other side is this test
 * @p: what the card sees
 * @lock: protects the rest
 * @in: bytes of the frame that waits to be received, none if @in_len is 0
 * @out: the last frame that was sent
 * @sent: how many there were
 * @calls: by how many calls
 * @gone: it has been deleted
 * @closed: close() was called
 */
static struct port {
	struct net_port p;
	pthread_mutex_t lock;
	u8 in[PAIRS][70000];
	unsigned int in_len[PAIRS];
	u8 out[70000];
	unsigned int out_len, out_queue, sent, calls, offload;
	bool gone, closed;
} port = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int port_recv(struct net_port *p, unsigned int queue,
		     struct vswitch_frame *frames, unsigned int nr)
{
	eventfd_t n;
	int ret = -EAGAIN;

	pthread_mutex_lock(&port.lock);
	if (port.gone) {
		ret = -EBADFD;
	} else if (port.in_len[queue] && nr) {
		memcpy((void *)(unsigned long)frames->addr, port.in[queue],
		       min_t(unsigned int, frames->len, port.in_len[queue]));
		frames->result = port.in_len[queue];
		port.in_len[queue] = 0;
		eventfd_read(p->fd[queue], &n);
		ret = 1;
	}
	pthread_mutex_unlock(&port.lock);
	return ret;
}

static void port_sendv(struct net_port *p, unsigned int queue,
		       const struct iovec *iov, unsigned int nr)
{
	(void)p;
	pthread_mutex_lock(&port.lock);
	port.out_len = iov_to_buf(iov, nr, 0, port.out, sizeof(port.out));
	port.out_queue = queue;
	port.sent++;
	port.calls++;
	pthread_mutex_unlock(&port.lock);
}

static void port_send(struct net_port *p, unsigned int queue,
		      struct vswitch_frame *frames, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct iovec iov = {
			(void *)(unsigned long)frames[i].addr, frames[i].len,
		};

		port_sendv(p, queue, &iov, 1);
	}
	pthread_mutex_lock(&port.lock);
	port.calls -= nr - 1;
	pthread_mutex_unlock(&port.lock);
}

static int port_set_offload(struct net_port *p, unsigned int offload)
{
	(void)p;
	port.offload = offload;
	return 0;
}

static int port_set_queues(struct net_port *p, unsigned int nr)
{
	p->nr_attached = nr;
	return 0;
}

static void port_close(struct net_port *p)
{
	for (unsigned int i = 0; i < p->nr_queues; i++)
		close(p->fd[i]);
	port.closed = true;
}

static const struct net_port_ops port_ops = {
	.recv = port_recv,
	.send = port_send,
	.sendv = port_sendv,
	.set_offload = port_set_offload,
	.set_queues = port_set_queues,
	.close = port_close,
};

static struct net_port *open_port(unsigned int queues)
{
	port.p = (struct net_port){
		.ops = &port_ops,
		.nr_queues = queues,
		.nr_attached = 1,
		.mac = { 2, 0, 0, 0xaa, 0xbb, 0xcc },
		.mtu = 1400,
	};
	for (unsigned int i = 0; i < queues; i++)
		port.p.fd[i] = eventfd(0, EFD_CLOEXEC);
	port.gone = false;
	port.closed = false;
	return &port.p;
}

/* A frame of that many bytes, its header included, comes to a queue. */
static void arrive(unsigned int queue, unsigned int len)
{
	pthread_mutex_lock(&port.lock);
	memset(port.in[queue], 0, HDR_LEN);
	for (unsigned int i = HDR_LEN; i < len; i++)
		port.in[queue][i] = i * 7;
	port.in_len[queue] = len;
	pthread_mutex_unlock(&port.lock);
	eventfd_write(port.p.fd[queue], 1);
}

/* Make the chain that begins with that descriptor available, without a word. */
static void offer(struct driver *d, u16 q, u16 head)
{
	struct vring_avail *a = ptr(RING(q) + 0x1000);

	a->ring[d->idx[q]++ % QSIZE] = head;
	__atomic_store_n(&a->idx, d->idx[q], __ATOMIC_RELEASE);
}

static void notify(struct driver *d, u16 q)
{
	mmio_write(vm, d->bar + d->caps[VIRTIO_PCI_CAP_NOTIFY_CFG] + 4 * q, q,
		   2);
}

/* Wait until so many buffers in all have come back. */
static bool back(u16 q, u16 want)
{
	for (int ms = 0; ms < 2000 && used(q)->idx != want; ms++)
		usleep(1000);
	return used(q)->idx == want;
}

/* The same without hope: long enough that it would have come. */
static bool not_back(u16 q, u16 want)
{
	usleep(50000);
	return used(q)->idx != want;
}

static bool waits(unsigned int queue)
{
	unsigned int len;

	for (int ms = 0; ms < 2000; ms++) {
		pthread_mutex_lock(&port.lock);
		len = port.in_len[queue];
		pthread_mutex_unlock(&port.lock);
		if (!len)
			return true;
		usleep(1000);
	}
	return false;
}

static bool pattern(u64 gpa, unsigned int from, unsigned int to)
{
	const u8 *p = ptr(gpa);

	for (unsigned int i = from; i < to; i++)
		if (p[i - from] != (u8)(i * 7))
			return false;
	return true;
}

static u64 net_config(struct driver *d, u32 off, unsigned int size)
{
	return mmio_read(vm, d->bar + d->caps[VIRTIO_PCI_CAP_DEVICE_CFG] + off,
			 size);
}

static void test_identity(struct driver *d)
{
	ok(cfg_read(vm, 1, 0, 4) == 0x10411af4 &&
	   cfg_read(vm, 1, PCI_CLASS_DEVICE, 2) == 0x0200,
	   "a virtio network card");
	ok(net_config(d, 0, 4) == 0xaa000002 && net_config(d, 4, 2) == 0xccbb,
	   "its address");
	ok(net_config(d, 6, 2) == VIRTIO_NET_S_LINK_UP &&
	   net_config(d, 8, 2) == PAIRS && net_config(d, 10, 2) == 1400 &&
	   net_config(d, 12, 4) == 0, "link, pairs and MTU, and no more");
	ok(common(d, VIRTIO_PCI_COMMON_NUMQ, 2) == 2 * PAIRS + 1,
	   "a pair of queues each, and one for control");
}

static void test_offload(struct driver *d)
{
	ok(bring_up(d, V1, 2) && port.offload == 0,
	   "who takes no offload gets none");
	ok(bring_up(d, V1 | F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_ECN), 2) &&
	   port.offload == (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN),
	   "who takes some gets those");
	ok(!negotiate(d, V1 | BIT_ULL(56)),
	   "UDP super-packets are not offered if the port has none");
}

static void test_send(struct driver *d, u64 features)
{
	struct vring_desc *t;
	unsigned int sent;

	bring_up(d, V1 | F(CTRL_VQ) | F(MQ) | features, 4);
	t = desc(1);
	memset(ptr(DATA), 0, 4096);
	memset(ptr(DATA + 12), 's', 60);
	t[0] = (struct vring_desc){ DATA, 72, 0, 0 };
	ok(kick(d, 1) == 0 && port.out_len == 72 && port.out_queue == 0 &&
	   port.out[11] == 0 && port.out[12] == 's' && port.out[71] == 's',
	   "a frame in one piece is sent");
	t[0] = (struct vring_desc){ DATA, 12, NEXT, 1 };
	t[1] = (struct vring_desc){ DATA + 12, 20, NEXT, 2 };
	t[2] = (struct vring_desc){ DATA + 32, 30, 0, 0 };
	ok(kick(d, 1) == 0 && port.out_len == 62 && port.out[61] == 's',
	   "and one in three");

	sent = port.sent;
	port.calls = 0;
	t[3] = (struct vring_desc){ DATA, 60, 0, 0 };
	t[4] = (struct vring_desc){ DATA, 61, 0, 0 };
	t[5] = (struct vring_desc){ DATA, 63, 0, 0 };
	for (u16 i = 3; i < 6; i++)
		offer(d, 1, i);
	notify(d, 1);
	ok(back(1, 5) && port.sent == sent + 3 && port.calls == 1 &&
	   port.out_len == 63, "three at once go by one call");
	port.calls = 0;
	offer(d, 1, 3);
	offer(d, 1, 0);
	offer(d, 1, 4);
	notify(d, 1);
	ok(back(1, 8) && port.calls == 3 && port.out_len == 61,
	   "and stay in order around one in pieces");

	t = desc(3);
	t[0] = (struct vring_desc){ DATA, 70, 0, 0 };
	ok(kick(d, 3) == 0 && port.out_queue == 1, "the second pair sends");
	t[0] = (struct vring_desc){ DATA, 0, 0, 0 };
	ok(kick(d, 3) == 0 && !broken(d), "nothing at all is no reason to stop");
	t[0] = (struct vring_desc){ 0x7ff000, 0x2000, 0, 0 };
	ok(kick(d, 3) == -1 && broken(d), "a piece outside RAM is");
}

static void test_receive(struct driver *d)
{
	struct vring_desc *t;

	bring_up(d, V1 | F(CTRL_VQ) | F(MQ), 4);
	t = desc(0);
	t[0] = (struct vring_desc){ DATA, 12, NEXT | WRITE, 1 };
	t[1] = (struct vring_desc){ DATA + 0x1000, 1514, WRITE, 0 };
	memset(ptr(DATA + 0x1000), 0, 4096);
	offer(d, 0, 0);
	notify(d, 0);
	ok(not_back(0, 1), "without a frame a buffer stays");
	arrive(0, 500);
	ok(back(0, 1) && used(0)->ring[0].len == 500 &&
	   pattern(DATA + 0x1000, HDR_LEN, 500), "a frame is received");
	usleep(20000);
	ok(line(d) && isr(d) == 1, "with an interrupt");
	offer(d, 0, 0);
	arrive(0, 2000);
	ok(waits(0) && not_back(0, 2), "one that does not fit is lost");
	arrive(0, 1000);
	ok(back(0, 2) && used(0)->ring[1].len == 1000,
	   "and its buffer serves for the next");
	arrive(0, 80);
	ok(waits(0) && not_back(0, 3), "without a buffer a frame waits");
	offer(d, 0, 0);
	notify(d, 0);
	ok(back(0, 3) && used(0)->ring[2].len == 80, "until there is one");

	t = desc(2);
	t[0] = (struct vring_desc){ DATA, 4096, WRITE, 0 };
	offer(d, 2, 0);
	arrive(1, 90);
	ok(back(2, 1) && used(2)->ring[0].len == 90, "the second pair receives");
	t[1] = (struct vring_desc){ DATA, 4096, 0, 0 };
	offer(d, 2, 1);
	arrive(1, 90);
	ok(waits(1) && not_back(2, 2) && !broken(d),
	   "a buffer that may only be read holds nothing");
}

static void test_merge(struct driver *d, u64 features)
{
	struct vring_desc *t;
	u16 *num = (u16 *)((u8 *)ptr(DATA) + 10);

	bring_up(d, V1 | F(MRG_RXBUF) | features, 2);
	t = desc(0);
	for (u16 i = 0; i < 6; i++) {
		t[i] = (struct vring_desc){ DATA + i * 0x1000, 100, WRITE, 0 };
		memset(ptr(t[i].addr), 0xee, 4096);
	}
	for (u16 i = 0; i < 2; i++)
		offer(d, 0, i);
	arrive(0, 250);
	ok(waits(0) && not_back(0, 1), "two buffers are too few for three");
	offer(d, 0, 2);
	offer(d, 0, 3);
	notify(d, 0);
	ok(back(0, 3) && used(0)->ring[0].len == 100 &&
	   used(0)->ring[1].len == 100 && used(0)->ring[2].len == 50 &&
	   used(0)->ring[2].id == 2 && *num == 3, "with a third all are used");
	ok(pattern(DATA + HDR_LEN, HDR_LEN, 100) &&
	   pattern(DATA + 0x1000, 100, 200) &&
	   pattern(DATA + 0x2000, 200, 250) &&
	   *((u8 *)ptr(DATA + 0x2000) + 50) == 0xee,
	   "and hold the frame, no byte more");
	arrive(0, 60);
	ok(back(0, 4) && used(0)->ring[3].id == 3 &&
	   *(u16 *)((u8 *)ptr(DATA + 0x3000) + 10) == 1,
	   "a small frame takes one");
	t[4].len = 11;
	offer(d, 0, 4);
	arrive(0, 60);
	usleep(50000);
	ok(waits(0) && broken(d), "one too small for a header breaks the rules");
}

/* A control command. Return: its answer, or -1. */
static int control(struct driver *d, u16 q, u8 class, u8 cmd, u16 arg,
		   unsigned int arg_len)
{
	struct vring_desc *t = desc(q);
	u8 *p = ptr(DATA);

	p[0] = class;
	p[1] = cmd;
	memcpy(p + 2, &arg, 2);
	p[8] = 0xee;
	t[0] = (struct vring_desc){ DATA, 2 + arg_len, NEXT, 1 };
	t[1] = (struct vring_desc){ DATA + 8, 1, WRITE, 0 };
	return kick(d, q) == 1 ? p[8] : -1;
}

static void test_control(struct driver *d)
{
	bring_up(d, V1 | F(CTRL_VQ) | F(MQ), 2 * PAIRS + 1);
	ok(control(d, CONTROL, VIRTIO_NET_CTRL_MQ, 0, 2, 2) == VIRTIO_NET_OK &&
	   port.p.nr_attached == 2, "two pairs at work");
	ok(control(d, CONTROL, VIRTIO_NET_CTRL_MQ, 0, 0, 2) == VIRTIO_NET_ERR &&
	   control(d, CONTROL, VIRTIO_NET_CTRL_MQ, 0, 3, 2) == VIRTIO_NET_ERR &&
	   port.p.nr_attached == 2, "neither none nor three");
	ok(control(d, CONTROL, VIRTIO_NET_CTRL_MQ, 0, 1, 1) == VIRTIO_NET_ERR &&
	   control(d, CONTROL, VIRTIO_NET_CTRL_MQ, 9, 1, 2) == VIRTIO_NET_ERR &&
	   control(d, CONTROL, 77, 0, 1, 2) == VIRTIO_NET_ERR,
	   "half a command, and those that are not known");
	bring_up(d, V1 | F(CTRL_VQ), 3);
	ok(port.p.nr_attached == 1, "a reset leaves one pair");
	ok(control(d, 2, VIRTIO_NET_CTRL_MQ, 0, 2, 2) == VIRTIO_NET_ERR &&
	   port.p.nr_attached == 1,
	   "without multiqueue the third queue is for control");
}

static void test_gone(struct driver *d)
{
	bring_up(d, V1 | F(STATUS), 2);
	usleep(20000);
	isr(d);
	port.gone = true;
	arrive(0, 60);
	for (int ms = 0; ms < 2000 && net_config(d, 6, 2); ms++)
		usleep(1000);
	usleep(20000);
	ok(net_config(d, 6, 2) == 0 && isr(d) & VIRTIO_ISR_CONFIG,
	   "a port that goes takes the link with it");
	desc(1)[0] = (struct vring_desc){ DATA, 70, 0, 0 };
	ok(kick(d, 1) == 0 && !broken(d), "sending is then in vain, no more");
}

int main(void)
{
	struct virtio_net *card;
	struct driver d;

	vm = fake_vm(8 * MIB, "-");
	card = virtio_net_create(vm, open_port(PAIRS));
	if (!card || !find(&d, 1))
		return 1;
	test_identity(&d);
	test_offload(&d);
	test_send(&d, 0);
	test_send(&d, EVENT_IDX);
	test_receive(&d);
	test_merge(&d, 0);
	test_merge(&d, EVENT_IDX);
	test_control(&d);
	test_gone(&d);
	virtio_net_destroy(card);
	ok(port.closed, "the port is closed");
	fake_vm_free(vm);
	return tap_done();
}
