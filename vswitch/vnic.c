// SPDX-License-Identifier: GPL-2.0
/*
 * vNICs. The netdev is the port; it may be moved to any network namespace, whose
 * owner uses it as an ordinary interface. What it may do as a port is decided
 * in the switch's network namespace alone: no call on the netdev reaches that,
 * and of a locked one the owner can change neither address nor MTU, nor can he
 * delete it.
 *
 * It is deleted with its switch or with the network namespace that it is in.
 */

#include <linux/etherdevice.h>
#include <net/rtnetlink.h>

#include "bridge.h"
#include "compat.h"
#include "switch.h"
#include "vnic.h"
#include "xdp.h"

/* May the caller do this to the netdev, which may be in his own namespace? */
static bool vsw_vnic_permits(const struct vsw_port *port)
{
	return !(port->conf & VSWITCH_P_LOCKED) || vsw_switch_capable(port->sw);
}

static int vsw_vnic_open(struct net_device *dev)
{
	vsw_port_set_up(vsw_nic_port(dev), true);
	return 0;
}

static int vsw_vnic_stop(struct net_device *dev)
{
	vsw_port_set_up(vsw_nic_port(dev), false);
	return 0;
}

static void vsw_vnic_uninit(struct net_device *dev)
{
	struct vsw_port *port = vsw_nic_port(dev);

	/*
	 * A vNIC that could not be registered was never attached. Otherwise
	 * dellink has begun, and the core has waited a grace period since.
	 */
	if (!list_empty(&port->list)) {
		if (!vsw_port_gone(port)) {
			vsw_port_detach_begin(port);
			synchronize_net();
		}
		vsw_port_detach_end(port);
	}
	vsw_nic_uninit(dev);
}

static int vsw_vnic_set_mac(struct net_device *dev, void *address)
{
	if (!vsw_vnic_permits(vsw_nic_port(dev)))
		return -EPERM;
	return eth_mac_addr(dev, address);
}

static int vsw_vnic_change_mtu(struct net_device *dev, int mtu)
{
	if (!vsw_vnic_permits(vsw_nic_port(dev)))
		return -EPERM;
	if (rtnl_dereference(vsw_nic_port(dev)->xdp) && mtu > VSW_XDP_MAX_MTU)
		return -ERANGE;
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

/* The switch's index, which means something in the switch's namespace only. */
static int vsw_vnic_iflink(const struct net_device *dev)
{
	return vsw_nic_port(dev)->sw->dev->ifindex;
}

static const struct net_device_ops vsw_vnic_ops = {
	.ndo_init = vsw_nic_init,
	.ndo_uninit = vsw_vnic_uninit,
	.ndo_open = vsw_vnic_open,
	.ndo_stop = vsw_vnic_stop,
	.ndo_start_xmit = vsw_nic_xmit,
	.ndo_get_stats64 = vsw_nic_stats,
	.ndo_set_mac_address = vsw_vnic_set_mac,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_mtu = vsw_vnic_change_mtu,
	.ndo_get_iflink = vsw_vnic_iflink,
	.ndo_set_rx_mode = vsw_nic_rx_mode,
	.ndo_features_check = passthru_features_check,
	.ndo_bridge_setlink = vsw_bridge_setlink,
	.ndo_bridge_getlink = vsw_bridge_getlink,
	.ndo_bridge_dellink = vsw_bridge_dellink,
	.ndo_bpf = vsw_xdp_command,
	.ndo_xdp_xmit = vsw_xdp_xmit,
};

static void vsw_vnic_setup(struct net_device *dev)
{
	vsw_nic_setup(dev);
	dev->sysfs_groups[0] = &vsw_vnic_group;
	dev->netdev_ops = &vsw_vnic_ops;
	dev->priv_destructor = vsw_nic_free;
	compat_xdp_set_features(dev);
}

bool vsw_dev_is_vnic(const struct net_device *dev)
{
	return dev->netdev_ops == &vsw_vnic_ops;
}

/*
 * Register @dev as a port of @sw. On failure the caller calls free_netdev(),
 * which knows a netdev that is on its way out already.
 */
static int vsw_vnic_register(struct vsw_switch *sw, struct net_device *dev, u32 id,
			     struct netlink_ext_ack *extack)
{
	struct vsw_port *port;
	int ret;

	port = vsw_port_new(sw, VSWITCH_KIND_VNIC);
	if (!port)
		return -ENOMEM;
	((struct vsw_nic *)netdev_priv(dev))->port = port;
	ret = register_netdevice(dev);
	if (!ret) {
		ret = vsw_port_attach(port, id, extack);
		if (ret)
			unregister_netdevice(dev);
	}
	vsw_port_put(port);
	return ret;
}

/**
 * vsw_vnic_create() - a new vNIC
 * @sw: its switch
 * @spec: what it shall be
 * @extack: says what is wrong
 *
 * Context: RTNL.
 * Return: its port, which the switch holds, or an error pointer.
 */
struct vsw_port *vsw_vnic_create(struct vsw_switch *sw, const struct vsw_vnic_spec *spec,
				 struct netlink_ext_ack *extack)
{
	const char *name = *spec->name ? spec->name : "vnic%d";
	struct net_device *dev;
	int ret;

	ASSERT_RTNL();
	dev = alloc_netdev(sizeof(struct vsw_nic), name,
			   strchr(name, '%') ? NET_NAME_ENUM : NET_NAME_USER, vsw_vnic_setup);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev_net_set(dev, spec->net);
	dev->rtnl_link_ops = &vsw_vnic_link_ops;
	if (is_zero_ether_addr(spec->mac))
		eth_hw_addr_random(dev);
	else
		eth_hw_addr_set(dev, spec->mac);
	ret = vsw_vnic_register(sw, dev, spec->id, extack);
	if (ret) {
		free_netdev(dev);
		return ERR_PTR(ret);
	}
	ret = rtnl_configure_link(dev, NULL, 0, NULL);
	if (ret) {
		LIST_HEAD(kill);

		vsw_vnic_link_ops.dellink(dev, &kill);
		unregister_netdevice_many(&kill);
		return ERR_PTR(ret);
	}
	return vsw_nic_port(dev);
}

/* ------------------------------------------------------------- rtnetlink */

static const struct nla_policy vsw_vnic_policy[IFLA_VSWITCH_VNIC_MAX + 1] = {
	[IFLA_VSWITCH_VNIC_PORT] = NLA_POLICY_RANGE(NLA_U32, 1, VSW_MAX_PORTS - 1),
};

/* ip link add NAME link SWITCH type vswitch_vnic */
static int vsw_vnic_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			    struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct vsw_switch *sw;
	u32 id = 0;

	if (!tb[IFLA_LINK]) {
		NL_SET_ERR_MSG(extack, "a vNIC needs a switch: link SWITCH");
		return -EINVAL;
	}
	sw = vsw_switch_find(src_net, nla_get_u32(tb[IFLA_LINK]));
	if (!sw) {
		NL_SET_ERR_MSG(extack, "the link is no switch in this network namespace");
		return -ENODEV;
	}
	if (!vsw_switch_capable(sw))
		return -EPERM;
	if (data && data[IFLA_VSWITCH_VNIC_PORT])
		id = nla_get_u32(data[IFLA_VSWITCH_VNIC_PORT]);
	if (!tb[IFLA_ADDRESS])
		eth_hw_addr_random(dev);
	return vsw_vnic_register(sw, dev, id, extack);
}

/*
 * The core asks nobody whether it may delete, and takes no answer: what is left
 * is not to do it. With its network namespace a vNIC goes in any case, as the
 * worker that takes that apart may do everything.
 */
static void vsw_vnic_dellink(struct net_device *dev, struct list_head *head)
{
	struct vsw_port *port = vsw_nic_port(dev);

	if (!vsw_vnic_permits(port)) {
		net_info_ratelimited("vswitch: %s is locked, and stays\n", dev->name);
		return;
	}
	if (!list_empty(&port->list))
		vsw_port_detach_begin(port);
	unregister_netdevice_queue(dev, head);
}

static size_t vsw_vnic_get_size(const struct net_device *dev)
{
	/* The second is for "bridge vlan": see vsw_bridge_vlan_size(). */
	return nla_total_size(sizeof(u32)) + vsw_port_vlan_size(vsw_nic_port(dev));
}

static int vsw_vnic_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	return nla_put_u32(skb, IFLA_VSWITCH_VNIC_PORT, vsw_nic_port(dev)->id);
}

static struct net *vsw_vnic_link_net(const struct net_device *dev)
{
	return dev_net(vsw_nic_port(dev)->sw->dev);
}

struct rtnl_link_ops vsw_vnic_link_ops = {
	.kind = "vswitch_vnic",
	.priv_size = sizeof(struct vsw_nic),
	.setup = vsw_vnic_setup,
	.maxtype = IFLA_VSWITCH_VNIC_MAX,
	.policy = vsw_vnic_policy,
	.newlink = vsw_vnic_newlink,
	.dellink = vsw_vnic_dellink,
	.get_size = vsw_vnic_get_size,
	.fill_info = vsw_vnic_fill_info,
	.get_link_net = vsw_vnic_link_net,
};
