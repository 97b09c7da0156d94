// SPDX-License-Identifier: GPL-2.0
/*
 * Queue ports. A port has one queue or more; each is a file. What the switch
 * gives to the port goes into the ring of one of its attached queues, chosen by
 * the flow; what is written to any of them comes into the switch.
 *
 * A queue holds its port, and the port knows its queues while they are
 * attached. The port goes with the last of its files; a file outlives its port
 * if that is deleted first, and then says EBADFD.
 */

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "compat.h"
#include "forward.h"
#include "frame.h"
#include "queue.h"
#include "switch.h"

static void vsw_ring_free(void *skb)
{
	kfree_skb(skb);
}

static void vsw_queue_wake(struct vsw_queue *q)
{
	/* Pairs with the barrier in prepare_to_wait(): see wq_has_sleeper(). */
	if (wq_has_sleeper(&q->wait))
		wake_up_interruptible_sync_poll(&q->wait, EPOLLIN | EPOLLRDNORM);
}

static void vsw_queue_put(struct vsw_port *port, struct vsw_queue *q, struct sk_buff *skb)
{
	u32 len = skb->len;

	/* The reader may take its time: nobody's socket or netdev waits for it. */
	if (unlikely(skb_orphan_frags_rx(skb, GFP_ATOMIC)))
		return vsw_drop(port, skb, VSWITCH_DROP_NOMEM);
	skb_orphan(skb);
	skb->dev = NULL;
	if (unlikely(ptr_ring_produce(&q->ring, skb)))
		return vsw_drop(port, skb, VSWITCH_DROP_FULL);
	vsw_count_frame(port, VSWITCH_STAT_OUT_FRAMES, len);
}

/*
 * Super-packets that an offload header can describe, if the reader wants them. No
 * reader has room for what is longer than a packet of IP can be ("BIG TCP").
 */
static bool vsw_gso_fits(const struct sk_buff *skb, netdev_features_t features)
{
	if (unlikely(skb->len > VSW_FRAME_MAX))
		return false;
	switch (skb_shinfo(skb)->gso_type & ~(SKB_GSO_DODGY | SKB_GSO_TCP_ECN)) {
	case SKB_GSO_TCPV4:
		return features & NETIF_F_TSO;
	case SKB_GSO_TCPV6:
		return features & NETIF_F_TSO6;
	case SKB_GSO_UDP_L4:
		return features & NETIF_F_GSO_UDP_L4 && compat_virtio_has_uso();
	}
	return false;
}

static void vsw_queue_segment(struct vsw_port *port, struct vsw_queue *q, struct sk_buff *skb)
{
	netdev_features_t features = NETIF_F_SG | (q->features & NETIF_F_HW_CSUM);
	struct sk_buff *segs, *next;

	segs = skb_gso_segment(skb, features);
	if (IS_ERR_OR_NULL(segs))
		return vsw_drop(port, skb, VSWITCH_DROP_GSO);
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		vsw_queue_put(port, q, skb);
	}
}

/**
 * vsw_queue_deliver() - a frame goes to a queue
 * @port: a queue port
 * @skb: the frame, data at its Ethernet header
 *
 * Context: bottom halves off, RCU read lock.
 */
void vsw_queue_deliver(struct vsw_port *port, struct sk_buff *skb)
{
	u32 n = READ_ONCE(port->nr_queues);
	struct vsw_queue *q = NULL;

	if (likely(n))
		q = rcu_dereference(port->queue[n == 1 ? 0 :
						reciprocal_scale(skb_get_hash(skb), n)]);
	if (unlikely(!q))
		return vsw_drop(port, skb, VSWITCH_DROP_DEST_DOWN);

	if (skb_is_gso(skb) && !vsw_gso_fits(skb, q->features)) {
		skb->dev = port->sw->dev;
		vsw_queue_segment(port, q, skb);
	} else {
		if (skb->ip_summed == CHECKSUM_PARTIAL && !(q->features & NETIF_F_HW_CSUM) &&
		    skb_checksum_help(skb))
			return vsw_drop(port, skb, VSWITCH_DROP_NOMEM);
		vsw_queue_put(port, q, skb);
	}
	vsw_queue_wake(q);
}

/**
 * vsw_queue_next() - the next frame for the reader
 * @q: the queue
 * @wait: sleep until there is one
 * @err: why there is none: -EAGAIN, -ERESTARTSYS, -EBADFD
 *
 * Return: the frame, which is the caller's, or NULL.
 */
struct sk_buff *vsw_queue_next(struct vsw_queue *q, bool wait, int *err)
{
	struct sk_buff *skb = ptr_ring_consume_bh(&q->ring);
	DEFINE_WAIT(entry);

	*err = -EAGAIN;
	if (skb)
		return skb;
	if (vsw_port_gone(q->port))
		*err = -EBADFD;
	if (!wait || *err != -EAGAIN)
		return NULL;

	for (;;) {
		prepare_to_wait(&q->wait, &entry, TASK_INTERRUPTIBLE);
		skb = ptr_ring_consume_bh(&q->ring);
		if (skb)
			break;
		if (vsw_port_gone(q->port)) {
			*err = -EBADFD;
			break;
		}
		if (signal_pending(current)) {
			*err = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	finish_wait(&q->wait, &entry);
	return skb;
}

/* ------------------------------------------------------- attach, detach */

/* The attached queues are the first nr_queues of the array. */
static int vsw_queue_attach(struct vsw_queue *q)
{
	struct vsw_port *port = q->port;

	if (port->nr_queues == VSW_MAX_QUEUES)
		return -ENOSPC;
	rcu_assign_pointer(port->queue[port->nr_queues], q);
	WRITE_ONCE(port->nr_queues, port->nr_queues + 1);
	q->attached = true;
	return 0;
}

/* Who has read the array or its length a moment ago may still use the queue. */
static void vsw_queue_detach(struct vsw_queue *q)
{
	struct vsw_port *port = q->port;
	u32 i, last = port->nr_queues - 1;

	for (i = 0; i < last; i++) {
		if (rcu_access_pointer(port->queue[i]) == q)
			break;
	}
	rcu_assign_pointer(port->queue[i], rtnl_dereference(port->queue[last]));
	WRITE_ONCE(port->nr_queues, last);
	RCU_INIT_POINTER(port->queue[last], NULL);
	q->attached = false;
}

/**
 * vsw_queue_set_attached() - TUNSETQUEUE: shall it get frames?
 * @q: the queue
 * @attached: whether
 *
 * Context: RTNL.
 * Return: 0, -EINVAL if it is so already, -EBADFD.
 */
int vsw_queue_set_attached(struct vsw_queue *q, bool attached)
{
	ASSERT_RTNL();
	if (vsw_port_gone(q->port))
		return -EBADFD;
	if (attached == q->attached)
		return -EINVAL;
	if (attached)
		return vsw_queue_attach(q);
	vsw_queue_detach(q);
	return 0;
}

/**
 * vsw_queue_detach_port() - the port is going: wake who waits for it
 * @port: any port
 *
 * Context: RTNL.
 */
void vsw_queue_detach_port(struct vsw_port *port)
{
	struct vsw_queue *q;

	ASSERT_RTNL();
	while (port->nr_queues) {
		q = rtnl_dereference(port->queue[port->nr_queues - 1]);
		vsw_queue_detach(q);
		wake_up_interruptible_all(&q->wait);
	}
}

/* ----------------------------------------------------------------- files */

static ssize_t vsw_queue_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vsw_queue *q = iocb->ki_filp->private_data;
	bool wait = !(iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT);
	size_t room = iov_iter_count(to);
	struct sk_buff *skb;
	ssize_t ret;
	int err;

	skb = vsw_queue_next(q, wait, &err);
	if (!skb)
		return err;
	ret = vsw_queue_recv(q, skb, to);
	if (ret < 0) {
		kfree_skb(skb);
		return ret;
	}
	consume_skb(skb);
	return min_t(size_t, ret, room);
}

static ssize_t vsw_queue_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vsw_queue *q = iocb->ki_filp->private_data;
	bool wait = !(iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT);

	return vsw_queue_send(q, from, wait);
}

static __poll_t vsw_queue_poll(struct file *file, poll_table *table)
{
	struct vsw_queue *q = file->private_data;
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &q->wait, table);
	if (vsw_port_gone(q->port))
		mask = EPOLLERR | EPOLLHUP;
	if (!ptr_ring_empty_bh(&q->ring))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static void vsw_queue_free(struct rcu_head *rcu)
{
	struct vsw_queue *q = container_of(rcu, struct vsw_queue, rcu);

	ptr_ring_cleanup(&q->ring, vsw_ring_free);
	vsw_port_put(q->port);
	kfree(q);
}

static int vsw_queue_release(struct inode *inode, struct file *file)
{
	struct vsw_queue *q = file->private_data;
	struct vsw_port *port = q->port;

	rtnl_lock();
	if (q->attached)
		vsw_queue_detach(q);
	if (!--port->queues_open && !vsw_port_gone(port)) {
		vsw_port_detach_begin(port);
		synchronize_net();
		vsw_port_detach_end(port);
	}
	rtnl_unlock();
	call_rcu(&q->rcu, vsw_queue_free);
	return 0;
}

static const struct file_operations vsw_queue_fops = {
	.owner = THIS_MODULE,
	.read_iter = vsw_queue_read_iter,
	.write_iter = vsw_queue_write_iter,
	.poll = vsw_queue_poll,
	.unlocked_ioctl = vsw_queue_ioctl,
	.compat_ioctl = vsw_queue_compat_ioctl,
	.release = vsw_queue_release,
	.llseek = noop_llseek,
};

/**
 * vsw_queue_open() - another queue of a port
 * @port: a queue port, attached
 *
 * Context: RTNL.
 * Return: its file, or an error pointer.
 */
struct file *vsw_queue_open(struct vsw_port *port)
{
	struct vsw_queue *q;
	struct file *file;
	int ret;

	ASSERT_RTNL();
	if (port->queues_open == VSW_MAX_QUEUES)
		return ERR_PTR(-ENOSPC);
	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return ERR_PTR(-ENOMEM);
	ret = ptr_ring_init(&q->ring, VSW_RING_SIZE, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto err_free;
	init_waitqueue_head(&q->wait);
	q->port = port;
	q->flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	q->hdr_len = VSW_VNET_HDR_MIN;
	q->sndbuf = INT_MAX;

	file = anon_inode_getfile("[vswitch-queue]", &vsw_queue_fops, q, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_ring;
	}
	/* anon_inode_getfile() leaves that to the caller. */
	file->f_mode |= FMODE_NOWAIT;
	vsw_port_get(port);
	port->queues_open++;
	/* There is room: no more than VSW_MAX_QUEUES are open. */
	vsw_queue_attach(q);
	return file;

err_ring:
	ptr_ring_cleanup(&q->ring, NULL);
err_free:
	kfree(q);
	return ERR_PTR(ret);
}
