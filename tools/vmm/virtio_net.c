// SPDX-License-Identifier: GPL-2.0
/*
 * virtio network device (virtio 1.2, 5.1). Pair N of its queues, virtqueues
 * 2N (the guest receives) and 2N + 1 (it sends), is queue N of a port; offload
 * headers pass through unread, for the other side of the port checks them.
 *
 * What the guest sends goes from its memory straight into the port. What it
 * receives takes a buffer of ours: how many of the guest's a frame needs is not
 * known before it is there.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "net_port.h"
#include "virtio.h"
#include "vm.h"

#define CLASS_NETWORK	0x020000

/* With VIRTIO_F_VERSION_1 the header is the long one, whatever was agreed on. */
#define HDR_LEN		sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define NUM_BUFFERS	offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers)

/* A super-packet of 64 KiB with Ethernet header and two tags. */
#define FRAME_MAX	(HDR_LEN + 65536 + 22)

/* Frames for one call of the port. */
#define BATCH		64

/* Younger than the headers of some systems. */
#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4	54
#define VIRTIO_NET_F_GUEST_USO6	55
#define VIRTIO_NET_F_HOST_USO	56
#endif

/**
 * struct virtio_net - a network card
 * @v: virtio device
 * @port: its port; net_port_ops says who may call what when
 * @config: what the driver reads; of it only status changes
 */
struct virtio_net {
	struct virtio v;
	struct net_port *port;
	struct virtio_net_config config;
};

/* What the guest takes, and how the port is told. */
static const struct {
	u8 feature;
	unsigned int offload;
} offloads[] = {
	{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
	{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
	{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	{ VIRTIO_NET_F_GUEST_USO4, TUN_F_USO4 },
	{ VIRTIO_NET_F_GUEST_USO6, TUN_F_USO6 },
};

static struct virtio_net *to_net(struct virtio *v)
{
	return container_of(v, struct virtio_net, v);
}

static bool has(const struct virtio *v, unsigned int feature)
{
	return v->driver_features & BIT_ULL(feature);
}

static void signal_used(struct virtio_queue *q)
{
	if (vq_must_signal(&q->vq))
		virtio_interrupt(q->v, READ_ONCE(q->vector), VIRTIO_ISR_QUEUE);
}

/* The port is gone for good: the cable is out. */
static void link_down(struct virtio_net *n)
{
	if (!(READ_ONCE(n->config.status) & VIRTIO_NET_S_LINK_UP))
		return;
	WRITE_ONCE(n->config.status, 0);
	virtio_interrupt(&n->v, READ_ONCE(n->v.config_vector),
			 VIRTIO_ISR_CONFIG);
}

/* ---------------------------------------------------------------- receive */

/**
 * struct rx - what a receiving queue's thread has
 * @frames: received and not yet passed on
 * @first: the guest's buffer that begins with the header
 * @more: its other buffers, one after the other
 * @seen: index of the buffer that was missing last
 * @data: FRAME_MAX bytes for each of @frames; pages that are never needed are
 *	  never there
 */
struct rx {
	struct vswitch_frame frames[BATCH];
	struct vq_elem first, more;
	u16 seen;
	u8 *data;
};

static struct rx *rx_alloc(void)
{
	struct rx *rx = malloc(sizeof(*rx));

	if (!rx)
		return NULL;
	rx->data = malloc(BATCH * FRAME_MAX);
	if (!rx->data) {
		free(rx);
		return NULL;
	}
	for (unsigned int i = 0; i < BATCH; i++)
		rx->frames[i] = (struct vswitch_frame){
			.addr = (unsigned long)(rx->data + i * FRAME_MAX),
			.len = FRAME_MAX,
		};
	return rx;
}

static void rx_free(struct rx *rx)
{
	if (rx)
		free(rx->data);
	free(rx);
}

static u32 fill_buffer(struct virtqueue *vq, const struct vq_elem *e, u16 nth,
		       const u8 *data, u32 len)
{
	u32 n = iov_from_buf(e->iov + e->nr_out, e->nr_in, 0, data, len);

	vq_fill(vq, nth, e->head, n);
	return n;
}

/*
 * One frame into as many buffers as it takes, all of which the guest sees at
 * once.
 *
 * Return: 1, 0 if the guest must provide more buffers, -EINVAL if the ring is
 *	   broken.
 */
static int rx_merge(struct virtio_queue *q, struct rx *rx, u8 *data, u32 len)
{
	struct vq_elem *e = &rx->first;
	u16 nr = 0;
	u32 off = 0;

	while (off < len) {
		int ret = vq_pop(&q->vq, e);

		if (!ret) {
			rx->seen = q->vq.next_avail;
			vq_unpop(&q->vq, nr);
		}
		if (ret <= 0)
			return ret;
		if (e->in_len < (nr ? 1 : HDR_LEN))
			return -EINVAL;
		off += fill_buffer(&q->vq, e, nr, data + off, len - off);
		nr++;
		e = &rx->more;
	}
	iov_from_buf(rx->first.iov + rx->first.nr_out, rx->first.nr_in,
		     NUM_BUFFERS, &nr, sizeof(nr));
	vq_publish(&q->vq, nr);
	return 1;
}

/* Likewise without mergeable buffers: what does not fit into one is lost. */
static int rx_single(struct virtio_queue *q, struct rx *rx, const u8 *data,
		     u32 len)
{
	int ret = vq_pop(&q->vq, &rx->first);

	rx->seen = q->vq.next_avail;
	if (ret <= 0)
		return ret;
	if (rx->first.in_len < len) {
		vq_unpop(&q->vq, 1);
		return 1;
	}
	fill_buffer(&q->vq, &rx->first, 0, data, len);
	vq_publish(&q->vq, 1);
	return 1;
}

/* Wait for buffers if there are too few. Return: 0, or -EINVAL. */
static int rx_deliver(struct virtio_queue *q, struct rx *rx, u8 *data, u32 len)
{
	while (!virtio_queue_stopping(q)) {
		int ret = has(q->v, VIRTIO_NET_F_MRG_RXBUF) ?
			  rx_merge(q, rx, data, len) :
			  rx_single(q, rx, data, len);

		if (ret)
			return ret < 0 ? ret : 0;
		signal_used(q);
		/* Too few may be more than none. */
		if (!vq_enable_notify_at(&q->vq, rx->seen))
			virtio_queue_wait(q, -1);
		vq_disable_notify(&q->vq);
	}
	return 0;
}

static int rx_loop(struct virtio_queue *q)
{
	struct virtio_net *n = to_net(q->v);
	struct net_port *port = n->port;
	unsigned int pair = q->index / 2;
	struct rx *rx = rx_alloc();
	int ret = rx ? 0 : -EINVAL;

	while (!ret && !virtio_queue_stopping(q)) {
		int got = port->ops->recv(port, pair, rx->frames, BATCH);

		vq_disable_notify(&q->vq);
		if (got == -EAGAIN) {
			virtio_queue_wait(q, port->fd[pair]);
			continue;
		}
		if (got < 0) {
			link_down(n);
			virtio_queue_wait(q, -1);
			continue;
		}
		for (int i = 0; !ret && i < got; i++) {
			struct vswitch_frame *f = &rx->frames[i];

			if (f->result >= (int)HDR_LEN &&
			    f->result <= (int)FRAME_MAX)
				ret = rx_deliver(q, rx,
						 (u8 *)(unsigned long)f->addr,
						 f->result);
		}
		if (!ret)
			signal_used(q);
	}
	rx_free(rx);
	return ret;
}

/* ------------------------------------------------------------------- send */

/**
 * struct tx - what a sending queue's thread has
 * @e: the buffer in hand
 * @frames: those that lie in one piece wait for their call
 * @heads: their names
 * @nr: how many
 */
struct tx {
	struct vq_elem e;
	struct vswitch_frame frames[BATCH];
	u16 heads[BATCH];
	unsigned int nr;
};

static void tx_flush(struct virtio_queue *q, struct tx *tx)
{
	struct net_port *port = to_net(q->v)->port;

	if (!tx->nr)
		return;
	port->ops->send(port, q->index / 2, tx->frames, tx->nr);
	for (unsigned int i = 0; i < tx->nr; i++)
		vq_fill(&q->vq, i, tx->heads[i], 0);
	vq_publish(&q->vq, tx->nr);
	tx->nr = 0;
}

static void tx_one(struct virtio_queue *q, struct tx *tx)
{
	struct net_port *port = to_net(q->v)->port;
	struct vq_elem *e = &tx->e;

	if (e->nr_out == 1 && e->iov[0].iov_len <= FRAME_MAX) {
		tx->frames[tx->nr] = (struct vswitch_frame){
			.addr = (unsigned long)e->iov[0].iov_base,
			.len = e->iov[0].iov_len,
		};
		tx->heads[tx->nr++] = e->head;
		return;
	}
	/* Frames stay in order. */
	tx_flush(q, tx);
	port->ops->sendv(port, q->index / 2, e->iov, e->nr_out);
	vq_push(&q->vq, e, 0);
}

/* Up to a batch. Return: how many, or -EINVAL if the ring is broken. */
static int tx_some(struct virtio_queue *q, struct tx *tx)
{
	int ret = 1, done = 0;

	while (done < BATCH && ret > 0) {
		ret = vq_pop(&q->vq, &tx->e);
		if (ret > 0) {
			tx_one(q, tx);
			done++;
		}
	}
	tx_flush(q, tx);
	if (done)
		signal_used(q);
	return ret < 0 ? ret : done;
}

static int tx_loop(struct virtio_queue *q)
{
	struct tx *tx = calloc(1, sizeof(*tx));
	int ret = tx ? 0 : -EINVAL;

	while (ret >= 0 && !virtio_queue_stopping(q)) {
		virtio_queue_wait(q, -1);
		do {
			vq_disable_notify(&q->vq);
			do
				ret = tx_some(q, tx);
			while (ret > 0 && !virtio_queue_stopping(q));
		} while (ret >= 0 && !virtio_queue_stopping(q) &&
			 vq_enable_notify(&q->vq));
	}
	free(tx);
	return ret < 0 ? ret : 0;
}

/* ---------------------------------------------------------------- control */

static u8 set_pairs(struct virtio_net *n, const struct vq_elem *e)
{
	struct virtio_net_ctrl_mq mq;

	if (!has(&n->v, VIRTIO_NET_F_MQ) ||
	    iov_to_buf(e->iov, e->nr_out, sizeof(struct virtio_net_ctrl_hdr),
		       &mq, sizeof(mq)) != sizeof(mq) ||
	    !mq.virtqueue_pairs ||
	    mq.virtqueue_pairs > n->config.max_virtqueue_pairs)
		return VIRTIO_NET_ERR;
	return n->port->ops->set_queues(n->port, mq.virtqueue_pairs) ?
		VIRTIO_NET_ERR : VIRTIO_NET_OK;
}

static u32 net_control(struct virtio *v, unsigned int queue, struct vq_elem *e)
{
	struct virtio_net *n = to_net(v);
	struct virtio_net_ctrl_hdr h;
	u8 ack = VIRTIO_NET_ERR;

	(void)queue;
	if (iov_to_buf(e->iov, e->nr_out, 0, &h, sizeof(h)) == sizeof(h) &&
	    h.class == VIRTIO_NET_CTRL_MQ &&
	    h.cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
		ack = set_pairs(n, e);
	return iov_from_buf(e->iov + e->nr_out, e->nr_in, 0, &ack, 1);
}

/* Without VIRTIO_NET_F_MQ the queue for control is the third (5.1.2). */
static bool is_control(const struct virtio_queue *q)
{
	unsigned int pairs = has(q->v, VIRTIO_NET_F_MQ) ?
			     (q->v->nr_queues - 1) / 2 : 1;

	return q->index == 2 * pairs;
}

static int net_loop(struct virtio_queue *q)
{
	if (is_control(q))
		return virtio_queue_loop(q);
	/* Without a queue of the port there is nothing to serve. */
	if (q->index / 2 >= to_net(q->v)->port->nr_queues)
		return 0;
	return q->index % 2 ? tx_loop(q) : rx_loop(q);
}

static void net_ready(struct virtio *v)
{
	struct net_port *port = to_net(v)->port;
	unsigned int offload = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(offloads); i++)
		if (has(v, offloads[i].feature))
			offload |= offloads[i].offload;
	if (port->ops->set_offload(port, offload))
		link_down(to_net(v));
}

static void net_reset(struct virtio *v)
{
	struct net_port *port = to_net(v)->port;

	port->ops->set_queues(port, 1);
}

static const struct virtio_ops net_ops = {
	.id = VIRTIO_ID_NET,
	.class = CLASS_NETWORK,
	.handle = net_control,
	.loop = net_loop,
	.ready = net_ready,
	.reset = net_reset,
};

/**
 * virtio_net_create() - add a network card
 * @vm: machine
 * @port: where its frames go; the card's from here on, also if this fails
 *
 * Return: the card, or NULL with vl_message() set.
 */
struct virtio_net *virtio_net_create(struct vm *vm, struct net_port *port)
{
	struct virtio_net *n = calloc(1, sizeof(*n));
	u64 features = BIT_ULL(VIRTIO_NET_F_CSUM) |
		       BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) |
		       BIT_ULL(VIRTIO_NET_F_MTU) |
		       BIT_ULL(VIRTIO_NET_F_MAC) |
		       BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) |
		       BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) |
		       BIT_ULL(VIRTIO_NET_F_GUEST_ECN) |
		       BIT_ULL(VIRTIO_NET_F_HOST_TSO4) |
		       BIT_ULL(VIRTIO_NET_F_HOST_TSO6) |
		       BIT_ULL(VIRTIO_NET_F_HOST_ECN) |
		       BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) |
		       BIT_ULL(VIRTIO_NET_F_STATUS) |
		       BIT_ULL(VIRTIO_NET_F_CTRL_VQ);

	if (!n) {
		vl_error(ENOMEM, "network card");
		port->ops->close(port);
		return NULL;
	}
	if (port->has_uso)
		features |= BIT_ULL(VIRTIO_NET_F_HOST_USO) |
			    BIT_ULL(VIRTIO_NET_F_GUEST_USO4) |
			    BIT_ULL(VIRTIO_NET_F_GUEST_USO6);
	if (port->nr_queues > 1)
		features |= BIT_ULL(VIRTIO_NET_F_MQ);
	n->port = port;
	memcpy(n->config.mac, port->mac, sizeof(n->config.mac));
	n->config.status = VIRTIO_NET_S_LINK_UP;
	n->config.max_virtqueue_pairs = port->nr_queues;
	n->config.mtu = port->mtu;
	n->v.config = &n->config;
	n->v.config_size = offsetof(struct virtio_net_config, mtu) +
			   sizeof(n->config.mtu);
	if (virtio_init(vm, &n->v, &net_ops, features,
			2 * port->nr_queues + 1)) {
		virtio_net_destroy(n);
		return NULL;
	}
	return n;
}

/**
 * virtio_net_destroy() - remove it, and its port
 * @n: card, or NULL
 */
void virtio_net_destroy(struct virtio_net *n)
{
	if (!n)
		return;
	virtio_exit(&n->v);
	n->port->ops->close(n->port);
	free(n);
}
