// SPDX-License-Identifier: GPL-2.0
/*
 * Uplinks. An rx_handler takes what the netdev receives; what the switch sends
 * goes through its queueing discipline like any other packet. The netdev stays
 * its owner's: when it is unregistered, or moved to another network namespace
 * (which the core announces as the same), it stops being a port.
 */

#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "forward.h"
#include "switch.h"
#include "team.h"
#include "uplink.h"
#include "vnic.h"

static rx_handler_result_t vsw_uplink_receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct vsw_port *port;

	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (unlikely(!skb))
		return RX_HANDLER_CONSUMED;
	*pskb = skb;
	port = rcu_dereference(skb->dev->rx_handler_data);
	if (unlikely(vsw_port_gone(port)) || vsw_uplink_keeps(port, eth_hdr(skb)->h_dest))
		return RX_HANDLER_PASS;
	/* In the switch what a card has summed is the whole frame: see skb_vlan_push(). */
	skb_push_rcsum(skb, skb->data - skb_mac_header(skb));
	skb_scrub_packet(skb, false);
	vsw_input(port, skb);
	return RX_HANDLER_CONSUMED;
}

/**
 * vsw_uplink_send() - a frame leaves by an uplink
 * @port: it
 * @skb: the frame, data at its Ethernet header
 *
 * Context: bottom halves off, RCU read lock.
 */
void vsw_uplink_send(struct vsw_port *port, struct sk_buff *skb)
{
	int depth;

	/* A card that is to sum it looks for the packet where the kernel says it is. */
	if (skb->ip_summed == CHECKSUM_PARTIAL && eth_type_vlan(skb->protocol)) {
		/* In a frame of this host's own it is nothing, or what a push has added. */
		skb->mac_len = 0;
		if (!vlan_get_protocol_and_depth(skb, skb->protocol, &depth))
			return vsw_drop(port, skb, VSWITCH_DROP_RUNT);
		skb_set_network_header(skb, depth);
		skb_reset_mac_len(skb);
	}
	vsw_count_frame(port, VSWITCH_STAT_OUT_FRAMES, skb->len);
	skb_forward_csum(skb);
	/* When it came in is not when it is to go out. */
	skb_clear_tstamp(skb);
	skb->dev = port->dev;
	dev_queue_xmit(skb);
}

static bool vsw_uplink_is(const struct net_device *dev)
{
	return rcu_access_pointer(dev->rx_handler) == vsw_uplink_receive;
}

/**
 * vsw_uplink_port() - the port that a netdev is
 * @dev: any netdev
 *
 * Context: RTNL.
 * Return: the port, or NULL if it is no uplink.
 */
struct vsw_port *vsw_uplink_port(struct net_device *dev)
{
	return vsw_uplink_is(dev) ? rtnl_dereference(dev->rx_handler_data) : NULL;
}

static int vsw_uplink_check(struct vsw_switch *sw, struct net_device *dev,
			    struct netlink_ext_ack *extack)
{
	if (vsw_dev_is_switch(dev)) {
		NL_SET_ERR_MSG(extack, "a switch is no uplink; cable two with a vNIC of one");
		return -ELOOP;
	}
	if (vsw_dev_is_vnic(dev) && vsw_nic_port(dev)->sw == sw) {
		NL_SET_ERR_MSG(extack, "the interface is a vNIC of this switch");
		return -EBUSY;
	}
	if (dev->flags & IFF_LOOPBACK || dev->type != ARPHRD_ETHER || dev->addr_len != ETH_ALEN) {
		NL_SET_ERR_MSG(extack, "the interface is not Ethernet");
		return -EINVAL;
	}
	if (dev->priv_flags & IFF_DONT_BRIDGE) {
		NL_SET_ERR_MSG(extack, "the interface can send from its own address only");
		return -EOPNOTSUPP;
	}
	if (!net_eq(dev_net(dev), dev_net(sw->dev))) {
		NL_SET_ERR_MSG(extack, "the interface is in another network namespace");
		return -EINVAL;
	}
	if (netdev_master_upper_dev_get(dev) || netdev_is_rx_handler_busy(dev)) {
		NL_SET_ERR_MSG(extack, "the interface has another master");
		return -EBUSY;
	}
	return 0;
}

static void vsw_uplink_follow(struct vsw_port *port)
{
	vsw_port_set_up(port, netif_running(port->dev) && netif_oper_up(port->dev));
}

/*
 * What the netdev itself sends (its neighbour discovery, say) has its address
 * and must not come back by another port. If that cannot be noted (no memory, or
 * another uplink with the same address), a loop of such frames is not seen.
 */
static void vsw_uplink_own_address(struct vsw_port *port)
{
	ether_addr_copy(port->mac, port->dev->dev_addr);
	vsw_fdb_add(&port->sw->fdb, port, vsw_fdb_key(port->mac, 0),
		    VSWITCH_FDB_STATIC | VSWITCH_FDB_LOCAL, 0, true);
}

static void vsw_uplink_new_address(struct vsw_port *port)
{
	u64 old = vsw_fdb_key(port->mac, 0);

	if (ether_addr_equal(port->mac, port->dev->dev_addr))
		return;
	vsw_uplink_own_address(port);
	vsw_fdb_del_own(&port->sw->fdb, port, old);
}

/**
 * vsw_uplink_add() - make a netdev a port
 * @sw: the switch
 * @dev: the netdev
 * @id: the port's number, 0: any
 * @team: its team's, 0: none
 * @extack: says what is wrong
 *
 * Context: RTNL.
 * Return: the port, which the switch holds, or an error pointer.
 */
struct vsw_port *vsw_uplink_add(struct vsw_switch *sw, struct net_device *dev, u32 id,
				u32 team, struct netlink_ext_ack *extack)
{
	struct vsw_port *port;
	int ret;

	ASSERT_RTNL();
	ret = vsw_uplink_check(sw, dev, extack);
	if (ret)
		return ERR_PTR(ret);
	port = vsw_port_new(sw, VSWITCH_KIND_UPLINK);
	if (!port)
		return ERR_PTR(-ENOMEM);
	port->dev = dev;
	vsw_team_begin(port, team);
	dev_hold(dev);

	ret = vsw_port_attach(port, id, extack);
	if (ret)
		goto err_hold;
	/* It must hear what is not for its own address. */
	ret = dev_set_promiscuity(dev, 1);
	if (ret)
		goto err_attach;
	ret = netdev_master_upper_dev_link(dev, sw->dev, NULL, NULL, extack);
	if (ret)
		goto err_promisc;
	ret = netdev_rx_handler_register(dev, vsw_uplink_receive, port);
	if (ret)
		goto err_link;
	dev_disable_lro(dev);
	vsw_uplink_own_address(port);
	vsw_uplink_follow(port);
	vsw_port_put(port);
	return port;

err_link:
	netdev_upper_dev_unlink(dev, sw->dev);
err_promisc:
	dev_set_promiscuity(dev, -1);
err_attach:
	vsw_port_detach_begin(port);
	synchronize_net();
	vsw_port_detach_end(port);
err_hold:
	dev_put(dev);
	vsw_port_put(port);
	return ERR_PTR(ret);
}

/**
 * vsw_uplink_unhook() - first half of an uplink's end
 * @port: it
 *
 * Context: RTNL.
 */
void vsw_uplink_unhook(struct vsw_port *port)
{
	vsw_port_detach_begin(port);
	netdev_rx_handler_unregister(port->dev);
	netdev_upper_dev_unlink(port->dev, port->sw->dev);
	dev_set_promiscuity(port->dev, -1);
}

/**
 * vsw_uplink_del() - second half, a grace period later
 * @port: it
 *
 * Context: RTNL.
 */
void vsw_uplink_del(struct vsw_port *port)
{
	struct net_device *dev = port->dev;

	vsw_port_detach_end(port);
	dev_put(dev);
}

static int vsw_uplink_event(struct notifier_block *nb, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);
	struct vsw_port *port = vsw_uplink_port(dev);

	if (!port)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		vsw_uplink_follow(port);
		break;
	case NETDEV_CHANGEADDR:
		vsw_uplink_new_address(port);
		break;
	case NETDEV_UNREGISTER:
		vsw_uplink_unhook(port);
		synchronize_net();
		vsw_uplink_del(port);
		break;
	case NETDEV_PRE_TYPE_CHANGE:
		return NOTIFY_BAD;
	}
	return NOTIFY_DONE;
}

static struct notifier_block vsw_uplink_notifier = {
	.notifier_call = vsw_uplink_event,
};

int vsw_uplink_init(void)
{
	return register_netdevice_notifier(&vsw_uplink_notifier);
}

void vsw_uplink_exit(void)
{
	unregister_netdevice_notifier(&vsw_uplink_notifier);
}
