/* SPDX-License-Identifier: GPL-2.0 */
/* vNICs: netdevs that are ports of a switch, in any network namespace. */
#ifndef VSWITCH_VNIC_H
#define VSWITCH_VNIC_H

#include <linux/netdevice.h>

struct netlink_ext_ack;
struct vsw_port;
struct vsw_switch;

/**
 * struct vsw_vnic_spec - what a new vNIC shall be
 * @name: of the netdev, may hold "%d"; empty: "vnic%d"
 * @net: its network namespace
 * @id: the port's number, 0: any
 * @mac: all zero: random
 */
struct vsw_vnic_spec {
	const char *name;
	struct net *net;
	u32 id;
	const u8 *mac;
};

extern struct rtnl_link_ops vsw_vnic_link_ops;

struct vsw_port *vsw_vnic_create(struct vsw_switch *sw, const struct vsw_vnic_spec *spec,
				 struct netlink_ext_ack *extack);
bool vsw_dev_is_vnic(const struct net_device *dev);

#endif /* VSWITCH_VNIC_H */
