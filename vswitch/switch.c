// SPDX-License-Identifier: GPL-2.0
/*
 * Switches. A switch is a netdev: its own local port, by which the host takes
 * part. It forwards whether that is up or not.
 *
 * All doors (the device's calls, rtnetlink) come here under RTNL. A switch ends
 * in dellink, whoever asked for it: every port is told first, then the core
 * waits a grace period, then what is left is freed as each netdev is.
 */

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <net/netns/generic.h>
#include <net/rtnetlink.h>

#include "bridge.h"
#include "compat.h"
#include "event.h"
#include "forward.h"
#include "policy.h"
#include "queue.h"
#include "switch.h"
#include "uplink.h"
#include "vnic.h"

static unsigned int vsw_net_id;

struct vsw_net *vsw_net(struct net *net)
{
	return net_generic(net, vsw_net_id);
}

/**
 * vsw_switch_capable() - may the caller configure this switch?
 * @sw: the switch
 *
 * Return: whether he has CAP_NET_ADMIN where the switch is.
 */
bool vsw_switch_capable(const struct vsw_switch *sw)
{
	return ns_capable(dev_net(sw->dev)->user_ns, CAP_NET_ADMIN);
}

/**
 * vsw_switch_port() - a port by its number
 * @sw: the switch
 * @id: the number
 *
 * Context: RTNL, or RCU read lock.
 * Return: the port or NULL.
 */
struct vsw_port *vsw_switch_port(struct vsw_switch *sw, u32 id)
{
	return id < VSW_MAX_PORTS ? xa_load(&sw->ids, id) : NULL;
}

/**
 * vsw_switch_set_vlan_ports() - a port has got a VLAN mode, or lost it
 * @sw: the switch
 * @change: 1, -1 or 0
 *
 * A switch that becomes VLAN-aware knows addresses without VLANs only, and the
 * other way round: both forget them.
 *
 * Context: RTNL.
 */
void vsw_switch_set_vlan_ports(struct vsw_switch *sw, int change)
{
	bool aware;

	ASSERT_RTNL();
	sw->nr_vlan_ports += change;
	aware = sw->nr_vlan_ports;
	if (aware == sw->vlan_aware)
		return;
	if (aware)
		static_branch_inc(&vsw_vlan_key);
	WRITE_ONCE(sw->vlan_aware, aware);
	if (!aware)
		static_branch_dec(&vsw_vlan_key);
	vsw_fdb_flush(&sw->fdb, NULL, -1, VSW_FLUSH_LEARNED);
}

/* ------------------------------------------------------------ the netdev */

static int vsw_switch_open(struct net_device *dev)
{
	vsw_port_set_up(vsw_nic_port(dev), true);
	return 0;
}

static int vsw_switch_stop(struct net_device *dev)
{
	vsw_port_set_up(vsw_nic_port(dev), false);
	return 0;
}

static int vsw_switch_own_address(struct vsw_switch *sw, const u8 *mac)
{
	return vsw_fdb_add(&sw->fdb, sw->local, vsw_fdb_key(mac, 0),
			   VSWITCH_FDB_STATIC | VSWITCH_FDB_LOCAL, 0, true);
}

static int vsw_switch_set_mac(struct net_device *dev, void *address)
{
	const u8 *mac = ((struct sockaddr *)address)->sa_data;
	struct vsw_switch *sw = netdev_priv(dev);
	u64 old = vsw_fdb_key(dev->dev_addr, 0);
	int ret;

	ret = eth_prepare_mac_addr_change(dev, address);
	if (ret || ether_addr_equal(mac, dev->dev_addr))
		return ret;
	/* The new one first: without either a loop would not be seen. */
	ret = vsw_switch_own_address(sw, mac);
	if (ret)
		return ret;
	eth_commit_mac_addr_change(dev, address);
	vsw_fdb_del_own(&sw->fdb, sw->local, old);
	return 0;
}

static int vsw_switch_change_mtu(struct net_device *dev, int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static int vsw_switch_add_slave(struct net_device *dev, struct net_device *slave,
				struct netlink_ext_ack *extack)
{
	return PTR_ERR_OR_ZERO(vsw_uplink_add(netdev_priv(dev), slave, 0, 0, extack));
}

static int vsw_switch_del_slave(struct net_device *dev, struct net_device *slave)
{
	struct vsw_port *port = vsw_uplink_port(slave);

	if (!port || port->sw != netdev_priv(dev))
		return -EINVAL;
	vsw_uplink_unhook(port);
	synchronize_net();
	vsw_uplink_del(port);
	return 0;
}

static int vsw_switch_init(struct net_device *dev)
{
	struct vsw_switch *sw = netdev_priv(dev);
	struct vsw_net *vn = vsw_net(dev_net(dev));
	struct vsw_port *port;
	int ret;

	sw->dev = dev;
	vsw_repeat_init(&sw->repeat);
	INIT_LIST_HEAD(&sw->ports);
	INIT_LIST_HEAD(&sw->watchers);
	INIT_LIST_HEAD(&sw->owned);
	xa_init_flags(&sw->ids, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);

	port = vsw_port_new(sw, VSWITCH_KIND_LOCAL);
	if (!port)
		return -ENOMEM;
	sw->local = port;
	sw->nic.port = port;
	sw->owner = vsw_owner_get(dev_net(dev)->user_ns);
	if (IS_ERR(sw->owner)) {
		ret = PTR_ERR(sw->owner);
		goto err_port;
	}
	ret = vsw_fdb_init(&sw->fdb, sw, &vn->nr_fdb);
	if (ret)
		goto err_owner;
	sw->fdb.owner = sw->owner;
	vsw_mcast_init(&sw->mcast, sw->fdb.memcg);
	ret = vsw_nic_init(dev);
	if (ret)
		goto err_fdb;
	ret = vsw_port_attach(port, 0, NULL);
	if (ret)
		goto err_nic;
	ret = vsw_switch_own_address(sw, dev->dev_addr);
	if (ret)
		goto err_attach;
	vsw_port_put(port);
	list_add_tail(&sw->list, &vn->switches);
	vn->nr_switches++;
	vsw_owner_count_switch(sw->owner, 1);
	__module_get(THIS_MODULE);
	return 0;

err_attach:
	vsw_port_detach_begin(port);
	vsw_port_detach_end(port);
err_nic:
	vsw_nic_uninit(dev);
	synchronize_net();
	vsw_nic_free(dev);
err_fdb:
	vsw_fdb_stop(&sw->fdb);
	vsw_fdb_destroy(&sw->fdb);
err_owner:
	vsw_owner_put(sw->owner);
err_port:
	vsw_port_put(port);
	xa_destroy(&sw->ids);
	return ret;
}

static void vsw_switch_uninit(struct net_device *dev)
{
	struct vsw_switch *sw = netdev_priv(dev);
	struct vsw_net *vn = vsw_net(dev_net(dev));

	if (!vsw_port_gone(sw->local)) {
		vsw_port_detach_begin(sw->local);
		synchronize_net();
	}
	vsw_port_detach_end(sw->local);
	vsw_policy_remove(sw);
	vsw_mcast_set(sw, false);
	vsw_event_end(sw);
	list_del(&sw->list);
	list_del_init(&sw->owned);
	vn->nr_switches--;
	vsw_owner_count_switch(sw->owner, -1);
	vsw_nic_uninit(dev);
}

/* All ports are gone, those that were netdevs in the same go as this one. */
static void vsw_switch_free(struct net_device *dev)
{
	struct vsw_switch *sw = netdev_priv(dev);

	vsw_fdb_stop(&sw->fdb);
	vsw_fdb_destroy(&sw->fdb);
	vsw_owner_put(sw->owner);
	xa_destroy(&sw->ids);
	vsw_nic_free(dev);
	/* rtnl_link_unregister() waits until the core has returned from here. */
	module_put(THIS_MODULE);
}

static const struct net_device_ops vsw_switch_ops = {
	.ndo_init = vsw_switch_init,
	.ndo_uninit = vsw_switch_uninit,
	.ndo_open = vsw_switch_open,
	.ndo_stop = vsw_switch_stop,
	.ndo_start_xmit = vsw_nic_xmit,
	.ndo_get_stats64 = vsw_nic_stats,
	.ndo_set_mac_address = vsw_switch_set_mac,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_mtu = vsw_switch_change_mtu,
	.ndo_set_rx_mode = vsw_nic_rx_mode,
	.ndo_features_check = passthru_features_check,
	.ndo_bridge_setlink = vsw_bridge_setlink,
	.ndo_bridge_getlink = vsw_bridge_getlink_switch,
	.ndo_bridge_dellink = vsw_bridge_dellink,
	.ndo_add_slave = vsw_switch_add_slave,
	.ndo_del_slave = vsw_switch_del_slave,
};

static void vsw_switch_setup(struct net_device *dev)
{
	vsw_nic_setup(dev);
	compat_dev_set_netns_immutable(dev, true);
	dev->sysfs_groups[0] = &vsw_switch_group;
	dev->netdev_ops = &vsw_switch_ops;
	dev->priv_destructor = vsw_switch_free;
}

bool vsw_dev_is_switch(const struct net_device *dev)
{
	return dev->netdev_ops == &vsw_switch_ops;
}

/**
 * vsw_switch_find() - a switch by its netdev
 * @net: the network namespace
 * @ifindex: of the netdev
 *
 * Context: RTNL.
 * Return: the switch or NULL.
 */
struct vsw_switch *vsw_switch_find(struct net *net, int ifindex)
{
	struct net_device *dev = __dev_get_by_index(net, ifindex);

	return dev && vsw_dev_is_switch(dev) ? netdev_priv(dev) : NULL;
}

/* --------------------------------------------------------- begin and end */

static int vsw_switch_register(struct net_device *dev, struct netlink_ext_ack *extack)
{
	struct vsw_net *vn = vsw_net(dev_net(dev));
	int ret;

	if (vn->nr_switches >= READ_ONCE(vsw_param_max_switches)) {
		NL_SET_ERR_MSG(extack, "this network namespace may have no more switches");
		return -ENOSPC;
	}
	ret = vsw_owner_may_add_switch(dev_net(dev)->user_ns, extack);
	return ret ?: register_netdevice(dev);
}

/**
 * vsw_switch_create() - a new switch
 * @net: the network namespace
 * @name: of the netdev; may hold "%d"; empty: "vsw%d"
 * @extack: says what is wrong
 *
 * Context: RTNL.
 * Return: the switch, or an error pointer.
 */
struct vsw_switch *vsw_switch_create(struct net *net, const char *name,
				     struct netlink_ext_ack *extack)
{
	struct net_device *dev;
	int ret;

	if (!*name)
		name = "vsw%d";
	dev = alloc_netdev(sizeof(struct vsw_switch), name,
			   strchr(name, '%') ? NET_NAME_ENUM : NET_NAME_USER, vsw_switch_setup);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev_net_set(dev, net);
	dev->rtnl_link_ops = &vsw_switch_link_ops;
	eth_hw_addr_random(dev);
	ret = vsw_switch_register(dev, extack);
	if (ret) {
		free_netdev(dev);
		return ERR_PTR(ret);
	}
	ret = rtnl_configure_link(dev, NULL, 0, NULL);
	if (ret) {
		vsw_switch_delete(netdev_priv(dev));
		return ERR_PTR(ret);
	}
	return netdev_priv(dev);
}

static void vsw_switch_dellink(struct net_device *dev, struct list_head *head)
{
	struct vsw_switch *sw = netdev_priv(dev);
	struct vsw_port *port;
	unsigned long id;
	LIST_HEAD(others);

	ASSERT_RTNL();
	xa_for_each(&sw->ids, id, port) {
		switch (port->kind) {
		case VSWITCH_KIND_VNIC:
			/* Locked or not: the lock is against its owner, not against us. */
			vsw_port_detach_begin(port);
			unregister_netdevice_queue(port->dev, head);
			break;
		case VSWITCH_KIND_UPLINK:
			vsw_uplink_unhook(port);
			list_add(&port->dying, &others);
			break;
		case VSWITCH_KIND_QUEUE:
			vsw_port_detach_begin(port);
			list_add(&port->dying, &others);
			break;
		case VSWITCH_KIND_LOCAL:
			vsw_port_detach_begin(port);
			break;
		}
	}
	/*
	 * One grace period for all of them, and then one pass over each table:
	 * port by port it would be as many as there are ports. What is left to
	 * do for each vNIC in its turn is little.
	 */
	synchronize_net();
	vsw_mcast_set(sw, false);
	vsw_fdb_flush(&sw->fdb, NULL, -1, VSW_FLUSH_ALL);
	while (!list_empty(&others)) {
		port = list_first_entry(&others, struct vsw_port, dying);
		list_del(&port->dying);
		if (port->kind == VSWITCH_KIND_UPLINK)
			vsw_uplink_del(port);
		else
			vsw_port_detach_end(port);
	}
	unregister_netdevice_queue(dev, head);
}

/**
 * vsw_switch_delete() - the end of a switch and of its ports
 * @sw: the switch
 *
 * Context: RTNL.
 */
void vsw_switch_delete(struct vsw_switch *sw)
{
	LIST_HEAD(kill);

	vsw_switch_dellink(sw->dev, &kill);
	unregister_netdevice_many(&kill);
}

/* ------------------------------------------------------------- rtnetlink */

static const struct nla_policy vsw_switch_policy[IFLA_VSWITCH_MAX + 1] = {
	[IFLA_VSWITCH_AGEING] = { .type = NLA_U32 },
	[IFLA_VSWITCH_FDB_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
	[IFLA_VSWITCH_FDB_COUNT] = { .type = NLA_REJECT },
	[IFLA_VSWITCH_PORTS] = { .type = NLA_REJECT },
	[IFLA_VSWITCH_VLAN_AWARE] = { .type = NLA_REJECT },
};

static int vsw_switch_validate(struct nlattr *tb[], struct nlattr *data[],
			       struct netlink_ext_ack *extack)
{
	u32 ms;

	if (!data || !data[IFLA_VSWITCH_AGEING])
		return 0;
	ms = nla_get_u32(data[IFLA_VSWITCH_AGEING]);
	if (ms && ms < 1000) {
		NL_SET_ERR_MSG(extack, "the ageing time is 0 or at least 1000 ms");
		return -ERANGE;
	}
	return 0;
}

static int vsw_switch_changelink(struct net_device *dev, struct nlattr *tb[],
				 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct vsw_switch *sw = netdev_priv(dev);

	if (data && data[IFLA_VSWITCH_AGEING])
		vsw_fdb_set_ageing(&sw->fdb,
				   msecs_to_jiffies(nla_get_u32(data[IFLA_VSWITCH_AGEING])));
	if (data && data[IFLA_VSWITCH_FDB_LIMIT])
		WRITE_ONCE(sw->fdb.limit, nla_get_u32(data[IFLA_VSWITCH_FDB_LIMIT]));
	return 0;
}

static int vsw_switch_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			      struct nlattr *data[], struct netlink_ext_ack *extack)
{
	int ret;

	if (!tb[IFLA_ADDRESS])
		eth_hw_addr_random(dev);
	ret = vsw_switch_register(dev, extack);
	return ret ?: vsw_switch_changelink(dev, tb, data, extack);
}

static size_t vsw_switch_get_size(const struct net_device *dev)
{
	const struct vsw_switch *sw = netdev_priv(dev);
	size_t vlans = 0;
	struct vsw_port *p;

	/* For "bridge vlan", its own and those of its uplinks: see vsw_bridge_vlan_size(). */
	list_for_each_entry_rcu(p, &sw->ports, list, lockdep_rtnl_is_held())
		vlans = max(vlans, vsw_port_vlan_size(p));
	return 4 * nla_total_size(sizeof(u32)) + nla_total_size(sizeof(u8)) + vlans;
}

static int vsw_switch_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct vsw_switch *sw = netdev_priv(dev);

	if (nla_put_u32(skb, IFLA_VSWITCH_AGEING, jiffies_to_msecs(sw->fdb.ageing)) ||
	    nla_put_u32(skb, IFLA_VSWITCH_FDB_LIMIT, sw->fdb.limit) ||
	    nla_put_u32(skb, IFLA_VSWITCH_FDB_COUNT, READ_ONCE(sw->fdb.count)) ||
	    nla_put_u32(skb, IFLA_VSWITCH_PORTS, sw->nr_ports) ||
	    nla_put_u8(skb, IFLA_VSWITCH_VLAN_AWARE, sw->vlan_aware))
		return -EMSGSIZE;
	return 0;
}

struct rtnl_link_ops vsw_switch_link_ops = {
	.kind = "vswitch",
	.priv_size = sizeof(struct vsw_switch),
	.setup = vsw_switch_setup,
	.maxtype = IFLA_VSWITCH_MAX,
	.policy = vsw_switch_policy,
	.validate = vsw_switch_validate,
	.newlink = vsw_switch_newlink,
	.changelink = vsw_switch_changelink,
	.dellink = vsw_switch_dellink,
	.get_size = vsw_switch_get_size,
	.fill_info = vsw_switch_fill_info,
};

/* -------------------------------------------------------- the namespaces */

static int __net_init vsw_net_start(struct net *net)
{
	INIT_LIST_HEAD(&vsw_net(net)->switches);
	return 0;
}

static struct pernet_operations vsw_net_ops = {
	.init = vsw_net_start,
	.id = &vsw_net_id,
	.size = sizeof(struct vsw_net),
};

int vsw_net_init(void)
{
	return register_pernet_subsys(&vsw_net_ops);
}

void vsw_net_exit(void)
{
	unregister_pernet_subsys(&vsw_net_ops);
}
