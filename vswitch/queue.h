/* SPDX-License-Identifier: GPL-2.0 */
/* Queue ports: a VMM's network cards. */
#ifndef VSWITCH_QUEUE_H
#define VSWITCH_QUEUE_H

#include <linux/netdev_features.h>
#include <linux/ptr_ring.h>
#include <linux/wait.h>

#include "port.h"

/* A virtio_net_hdr without num_buffers. */
#define VSW_VNET_HDR_MIN 10
#define VSW_VNET_HDR_MAX 64

struct file;
struct iov_iter;
struct sk_buff;

/**
 * struct vsw_queue - a queue: a file that a VMM reads and writes
 * @port: its port; a reference
 * @ring: frames that wait for the reader. Emptied when the file is closed, when
 *	nobody puts anything in any more
 * @wait: readers
 * @hdr_len: length of the offload header before each frame, 0: none
 * @flags: as TUNGETIFF tells them
 * @features: what the reader can take; else it is done here
 * @attached: it gets frames; under RTNL
 * @sndbuf: as TUNSETSNDBUF said; nothing is kept back for the sender
 * @rcu: its end, a grace period after the file's
 */
struct vsw_queue {
	struct vsw_port *port;
	struct ptr_ring ring;
	wait_queue_head_t wait;
	u32 hdr_len;
	u16 flags;
	bool attached;
	int sndbuf;
	netdev_features_t features;
	struct rcu_head rcu;
};

struct file *vsw_queue_open(struct vsw_port *port);
void vsw_queue_detach_port(struct vsw_port *port);
void vsw_queue_deliver(struct vsw_port *port, struct sk_buff *skb);
int vsw_queue_set_attached(struct vsw_queue *q, bool attached);

ssize_t vsw_queue_send(struct vsw_queue *q, struct iov_iter *from, bool wait);
ssize_t vsw_queue_recv(struct vsw_queue *q, struct sk_buff *skb, struct iov_iter *to);
long vsw_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long vsw_queue_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
#else
#define vsw_queue_compat_ioctl NULL
#endif
struct sk_buff *vsw_queue_next(struct vsw_queue *q, bool wait, int *err);

#endif /* VSWITCH_QUEUE_H */
