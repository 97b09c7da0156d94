// SPDX-License-Identifier: GPL-2.0
/*
 * A network card's place on a switch of the module vswitch: a queue port, whose
 * descriptors are all that is kept. It goes with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/switch.h"
#include "../lib/virtlite.h"
#include "net_port.h"
#include "vmm.h"

/* Younger than the headers of some systems. */
#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

static int batch(int fd, unsigned long req, struct vswitch_frame *frames,
		 unsigned int nr)
{
	struct vswitch_batch b = {
		.head = { .size = sizeof(b) },
		.ptr = (unsigned long)frames,
		.count = nr,
	};

	while (ioctl(fd, req, &b))
		if (errno != EINTR)
			return -errno;
	return b.done;
}

static int switch_recv(struct net_port *p, unsigned int queue,
		       struct vswitch_frame *frames, unsigned int nr)
{
	return batch(p->fd[queue], VSWITCH_QUEUE_RECV, frames, nr);
}

static void switch_send(struct net_port *p, unsigned int queue,
			struct vswitch_frame *frames, unsigned int nr)
{
	while (nr) {
		int done = batch(p->fd[queue], VSWITCH_QUEUE_SEND, frames, nr);

		if (done <= 0)
			return;
		frames += done;
		nr -= done;
	}
}

static void switch_sendv(struct net_port *p, unsigned int queue,
			 const struct iovec *iov, unsigned int nr)
{
	while (writev(p->fd[queue], iov, nr) < 0 && errno == EINTR)
		;
}

static int switch_set_offload(struct net_port *p, unsigned int offload)
{
	for (unsigned int i = 0; i < p->nr_queues; i++)
		if (ioctl(p->fd[i], TUNSETOFFLOAD, offload))
			return vl_error(errno, "TUNSETOFFLOAD");
	return 0;
}

/* The switch hashes flows over those that are attached. */
static int switch_set_queues(struct net_port *p, unsigned int nr)
{
	for (unsigned int i = 0; i < p->nr_queues; i++) {
		bool attach = i < nr, attached = i < p->nr_attached;
		struct ifreq ifr = {
			.ifr_flags = attach ? IFF_ATTACH_QUEUE :
					      IFF_DETACH_QUEUE,
		};

		if (attach == attached)
			continue;
		if (ioctl(p->fd[i], TUNSETQUEUE, &ifr))
			return vl_error(errno, "TUNSETQUEUE");
	}
	p->nr_attached = nr;
	return 0;
}

static void switch_close(struct net_port *p)
{
	for (unsigned int i = 0; i < p->nr_queues; i++)
		close(p->fd[i]);
	free(p);
}

static const struct net_port_ops switch_ops = {
	.recv = switch_recv,
	.send = switch_send,
	.sendv = switch_sendv,
	.set_offload = switch_set_offload,
	.set_queues = switch_set_queues,
	.close = switch_close,
};

static int set_up_queue(int fd)
{
	int len = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return vl_error(errno, "a queue of the switch");
	if (ioctl(fd, TUNSETVNETHDRSZ, &len))
		return vl_error(errno, "TUNSETVNETHDRSZ");
	return 0;
}

/* The port and its first queue. It goes with that, so nothing is to be undone. */
static int add_port(int dev, unsigned int sw, const struct vmm_nic *nic,
		    struct net_port *p, unsigned int *id)
{
	struct vswitch_port port = {
		.head = { .size = sizeof(port), .ifindex = sw },
		.kind = VSWITCH_KIND_QUEUE,
		.netns_fd = -1,
		.fd = -1,
	};
	struct vswitch_vlan vlan = {
		.head = { .size = sizeof(vlan), .ifindex = sw },
		.mode = VSWITCH_VLAN_ACCESS,
		.vid = nic->vlan,
	};
	int ret;

	snprintf((char *)port.name, sizeof(port.name), "%s",
		 nic->name ? nic->name : "vm");
	if (nic->has_mac) {
		port.set = VSWITCH_SET_PORT_MAC;
		memcpy(port.mac, nic->mac, sizeof(port.mac));
	}
	if (nic->mtu) {
		port.set |= VSWITCH_SET_PORT_MTU;
		port.mtu = nic->mtu;
	}
	ret = vl_switch_call(dev, VSWITCH_ADD_PORT, &port, nic->sw);
	if (ret)
		return ret;
	p->fd[p->nr_queues++] = port.fd;
	p->nr_attached = 1;
	memcpy(p->mac, port.mac, sizeof(p->mac));
	p->mtu = port.mtu;
	*id = port.port;
	vlan.port = port.port;
	return nic->vlan ? vl_switch_call(dev, VSWITCH_SET_VLAN, &vlan,
					  nic->sw) : 0;
}

static int add_queues(int dev, unsigned int sw, unsigned int id,
		      struct net_port *p, unsigned int nr)
{
	while (p->nr_queues < nr) {
		struct vswitch_port_id q = {
			.head = { .size = sizeof(q), .ifindex = sw },
			.port = id,
		};
		int ret = vl_switch_call(dev, VSWITCH_ADD_QUEUE, &q,
					 "a queue of the switch");

		if (ret)
			return ret;
		p->fd[p->nr_queues++] = q.fd;
		p->nr_attached++;
	}
	return 0;
}

static int open_switch(const struct vmm_nic *nic, struct net_port *p,
		       unsigned int nr_queues)
{
	int dev = vl_switch_open();
	unsigned int id;
	int ret, sw;

	if (dev < 0)
		return dev;
	sw = vl_switch_index(nic->sw);
	ret = sw < 0 ? sw : add_port(dev, sw, nic, p, &id);
	if (!ret)
		ret = add_queues(dev, sw, id, p, nr_queues);
	close(dev);
	for (unsigned int i = 0; !ret && i < nr_queues; i++)
		ret = set_up_queue(p->fd[i]);
	/* Nothing else tells whether this kernel knows such packets. */
	p->has_uso = !ret && !ioctl(p->fd[0], TUNSETOFFLOAD,
				    TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6);
	if (!ret)
		ret = switch_set_offload(p, 0);
	return ret ? ret : switch_set_queues(p, 1);
}

/**
 * net_port_open() - a new port of a switch
 * @nic: which switch, and how
 * @nr_queues: queues, 1 to NET_MAX_QUEUES
 *
 * Return: the port, of whose queues only the first gets frames and none is
 *	   offered super-packets; or NULL with vl_message() set.
 */
struct net_port *net_port_open(const struct vmm_nic *nic,
			       unsigned int nr_queues)
{
	struct net_port *p = calloc(1, sizeof(*p));

	if (!p) {
		vl_error(ENOMEM, "network card");
		return NULL;
	}
	p->ops = &switch_ops;
	if (open_switch(nic, p, nr_queues)) {
		switch_close(p);
		return NULL;
	}
	return p;
}
