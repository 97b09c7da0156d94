/* SPDX-License-Identifier: GPL-2.0 */
/* Uplinks: netdevs of others that are ports of a switch. */
#ifndef VSWITCH_UPLINK_H
#define VSWITCH_UPLINK_H

struct net_device;
struct netlink_ext_ack;
struct sk_buff;
struct vsw_port;
struct vsw_switch;

struct vsw_port *vsw_uplink_add(struct vsw_switch *sw, struct net_device *dev, u32 id,
				u32 team, struct netlink_ext_ack *extack);
struct vsw_port *vsw_uplink_port(struct net_device *dev);
void vsw_uplink_unhook(struct vsw_port *port);
void vsw_uplink_del(struct vsw_port *port);
void vsw_uplink_send(struct vsw_port *port, struct sk_buff *skb);
int vsw_uplink_init(void);
void vsw_uplink_exit(void);

#endif /* VSWITCH_UPLINK_H */
