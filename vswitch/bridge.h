/* SPDX-License-Identifier: GPL-2.0 */
/* "bridge link" and "bridge vlan" for ports that are netdevs. */
#ifndef VSWITCH_BRIDGE_H
#define VSWITCH_BRIDGE_H

#include <linux/types.h>

struct net_device;
struct netlink_ext_ack;
struct nlmsghdr;
struct sk_buff;
struct vsw_vlan;

int vsw_bridge_setlink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags,
		       struct netlink_ext_ack *extack);
int vsw_bridge_dellink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags);
int vsw_bridge_getlink(struct sk_buff *skb, u32 portid, u32 seq, struct net_device *dev,
		       u32 filter_mask, int nlflags);
int vsw_bridge_getlink_switch(struct sk_buff *skb, u32 portid, u32 seq, struct net_device *dev,
			      u32 filter_mask, int nlflags);
size_t vsw_bridge_vlan_size(const struct vsw_vlan *vlan);

#endif /* VSWITCH_BRIDGE_H */
