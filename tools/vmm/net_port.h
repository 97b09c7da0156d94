/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a network card's frames go and come from.
 */
#ifndef VMM_NET_PORT_H
#define VMM_NET_PORT_H

#include <sys/uio.h>
#include <virtlite/vswitch.h>

#include "types.h"

/* A card has so many pairs of queues at most: two virtqueues each, and one for
 * control.
 */
#define NET_MAX_QUEUES	7

struct net_port;
struct vmm_nic;

/**
 * struct net_port_ops - what a port can do
 * @recv: fill @frames with what is there; each frame behind its offload header.
 *	  Return: how many, -EAGAIN for none now, or another -errno: for good
 * @send: send @frames, in order; a frame that is not taken is lost
 * @sendv: send one frame that lies in pieces
 * @set_offload: what the guest can take, TUN_F_*
 * @set_queues: so many queues get frames, 1 or more
 * @close: let go of it
 *
 * @recv, @send and @sendv never block, and may run at a time for different
 * queues. The others have no company.
 */
struct net_port_ops {
	int (*recv)(struct net_port *p, unsigned int queue,
		    struct vswitch_frame *frames, unsigned int nr);
	void (*send)(struct net_port *p, unsigned int queue,
		     struct vswitch_frame *frames, unsigned int nr);
	void (*sendv)(struct net_port *p, unsigned int queue,
		      const struct iovec *iov, unsigned int nr);
	int (*set_offload)(struct net_port *p, unsigned int offload);
	int (*set_queues)(struct net_port *p, unsigned int nr);
	void (*close)(struct net_port *p);
};

/**
 * struct net_port - an open port
 * @ops: its kind
 * @fd: for each queue what poll() reports frames on
 * @nr_queues: how many
 * @nr_attached: so many of them get frames
 * @mac: the card's address
 * @mtu: longest packet, without the Ethernet header
 * @has_uso: it takes and gives UDP super-packets
 */
struct net_port {
	const struct net_port_ops *ops;
	int fd[NET_MAX_QUEUES];
	unsigned int nr_queues;
	unsigned int nr_attached;
	u8 mac[6];
	u16 mtu;
	bool has_uso;
};

struct net_port *net_port_open(const struct vmm_nic *nic,
			       unsigned int nr_queues);

#endif /* VMM_NET_PORT_H */
