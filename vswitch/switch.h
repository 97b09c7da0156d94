/* SPDX-License-Identifier: GPL-2.0 */
/* Switches, and the network namespaces that they are in. */
#ifndef VSWITCH_SWITCH_H
#define VSWITCH_SWITCH_H

#include <linux/netdevice.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "fdb.h"
#include "mcast.h"
#include "mirror.h"
#include "nic.h"
#include "owner.h"
#include "port.h"
#include "repeat.h"

/**
 * struct vsw_net - a network namespace's switches
 * @switches: under RTNL
 * @nr_switches: likewise
 * @nr_ports: of all of them; likewise
 * @nr_fdb: of all of them
 */
struct vsw_net {
	struct list_head switches;
	u32 nr_switches;
	u32 nr_ports;
	atomic_t nr_fdb;
};

/**
 * struct vsw_switch - a switch, in its netdev's private memory
 * @nic: the netdev as a port of its own switch; first, see nic.h
 * @dev: the netdev. It never changes its network namespace
 * @local: @nic's port, number 0
 * @ports: all of them; RCU, written under RTNL
 * @reserved: see struct vswitch_switch
 * @vlan_aware: a port has a VLAN mode
 * @fdb: addresses
 * @repeat: frames that have come in by uplinks lately
 * @mcast: groups and who wants them
 * @mirrors: mirror sessions, NULL if there are none
 * @policy: BPF program that sees what comes in, or NULL
 * @watchers: of its events; RCU, written under RTNL
 * @nr_watchers: under RTNL, as all that follows
 * @nr_ports: ports
 * @nr_vlan_ports: those that have a VLAN mode
 * @owner: on whose account it is, NULL: the administrator's; a reference
 * @ids: ports by number; RCU readers
 * @list: in the namespace's list
 * @owned: in the list of the file that deletes it, or empty
 *
 * The netdev's core holds the memory until every port is gone: dellink takes
 * the vNICs in the same go, uplinks and queues before.
 */
struct vsw_switch {
	struct vsw_nic nic;
	struct net_device *dev;
	struct vsw_port *local;
	struct list_head ports;
	u16 reserved;
	bool vlan_aware;
	struct vsw_fdb fdb;
	struct vsw_repeat repeat;
	struct vsw_mcast mcast;
	struct vsw_mirror_set __rcu *mirrors;
	struct bpf_prog __rcu *policy;
	struct list_head watchers;
	u32 nr_watchers;
	u32 nr_ports;
	u32 nr_vlan_ports;
	struct vsw_owner *owner;
	struct xarray ids;
	struct list_head list;
	struct list_head owned;
};

extern struct rtnl_link_ops vsw_switch_link_ops;

struct vsw_net *vsw_net(struct net *net);
int vsw_net_init(void);
void vsw_net_exit(void);

struct vsw_switch *vsw_switch_create(struct net *net, const char *name,
				     struct netlink_ext_ack *extack);
void vsw_switch_delete(struct vsw_switch *sw);
struct vsw_switch *vsw_switch_find(struct net *net, int ifindex);
struct vsw_port *vsw_switch_port(struct vsw_switch *sw, u32 id);
bool vsw_dev_is_switch(const struct net_device *dev);
void vsw_switch_set_vlan_ports(struct vsw_switch *sw, int change);
bool vsw_switch_capable(const struct vsw_switch *sw);

#endif /* VSWITCH_SWITCH_H */
