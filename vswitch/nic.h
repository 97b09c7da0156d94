/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The side of a port that is a netdev of ours: a vNIC, or the switch itself.
 * What the netdev's owner sends comes into the switch; what the switch gives to
 * the port waits in a cell of this CPU and goes up by its NAPI, so that GRO
 * works and no stack grows.
 */
#ifndef VSWITCH_NIC_H
#define VSWITCH_NIC_H

#include <linux/netdevice.h>
#include <net/xdp.h>

struct vsw_port;

/**
 * struct vsw_cell - what waits for one CPU's NAPI of one port
 * @queue: frames; touched on its own CPU with bottom halves off
 * @napi: takes them
 * @rxq: what XDP programs are told of it
 * @port: whose it is
 */
struct vsw_cell {
	struct sk_buff_head queue;
	struct napi_struct napi;
	struct xdp_rxq_info rxq;
	struct vsw_port *port;
};

/**
 * struct vsw_nic - private memory of a netdev of ours
 * @port: a reference, from ndo_init to the destructor; before, the caller's
 */
struct vsw_nic {
	struct vsw_port *port;
};

static inline struct vsw_port *vsw_nic_port(const struct net_device *dev)
{
	return ((struct vsw_nic *)netdev_priv(dev))->port;
}

int vsw_nic_init(struct net_device *dev);
void vsw_nic_uninit(struct net_device *dev);
void vsw_nic_free(struct net_device *dev);
netdev_tx_t vsw_nic_xmit(struct sk_buff *skb, struct net_device *dev);
void vsw_nic_stats(struct net_device *dev, struct rtnl_link_stats64 *stats);
void vsw_nic_setup(struct net_device *dev);
void vsw_nic_deliver(struct vsw_port *port, struct sk_buff *skb);
void vsw_nic_rx_mode(struct net_device *dev);

extern const struct ethtool_ops vsw_ethtool_ops;
extern const struct attribute_group vsw_switch_group;
extern const struct attribute_group vsw_vnic_group;

#endif /* VSWITCH_NIC_H */
