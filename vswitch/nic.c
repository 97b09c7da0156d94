// SPDX-License-Identifier: GPL-2.0
/*
 * Netdevs of ours, see nic.h.
 *
 * The cells live from ndo_init to ndo_uninit, before which the core has closed
 * the netdev (ndo_stop: the port is down) and waited a grace period: whoever saw
 * it up has put his frame into the cell by then. Their memory goes with the
 * netdev's, after another one.
 */

#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/sock.h>

#include "compat.h"
#include "forward.h"
#include "nic.h"
#include "switch.h"
#include "xdp.h"

#define VSW_NIC_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HW_CSUM | NETIF_F_RXCSUM | \
			  NETIF_F_HIGHDMA | NETIF_F_ALL_TSO | NETIF_F_GSO_UDP_L4 | \
			  NETIF_F_GSO_ENCAP_ALL)
#define VSW_NIC_VLAN (NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | \
		      NETIF_F_HW_VLAN_STAG_TX | NETIF_F_HW_VLAN_STAG_RX)

/* ndo_start_xmit: the owner of the netdev sends, so it comes into the switch. */
netdev_tx_t vsw_nic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct vsw_port *port = vsw_nic_port(dev);
	bool foreign;

	/* A generator may send one skb many times, and count its users. */
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (unlikely(!skb)) {
		vsw_count(port, VSWITCH_DROP_NOMEM);
		return NETDEV_TX_OK;
	}
	skb_tx_timestamp(skb);
	rcu_read_lock();
	foreign = !net_eq(dev_net(dev), dev_net(port->sw->dev));
	skb_scrub_packet(skb, foreign);
	skb_forward_csum(skb);
	vsw_input(port, skb);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

/*
 * GRO takes fragments out of what it merges: what others share, which a flood or
 * somebody's tap has cloned, gets a head of its own. To go past GRO is no way out:
 * what that has passed on waits in the NAPI's list and would be overtaken.
 */
static void vsw_cell_up(struct napi_struct *napi, struct sk_buff *skb)
{
	struct vsw_cell *cell = container_of(napi, struct vsw_cell, napi);

	if (unlikely(skb_unclone(skb, GFP_ATOMIC))) {
		rcu_read_lock();
		vsw_drop(cell->port, skb, VSWITCH_DROP_NOMEM);
		rcu_read_unlock();
		return;
	}
	/* Whose it is must not be merged into somebody else's account. */
	skb_prepare_for_gro(skb);
	napi_gro_receive(napi, skb);
}

static int vsw_cell_poll(struct napi_struct *napi, int budget)
{
	struct vsw_cell *cell = container_of(napi, struct vsw_cell, napi);
	struct vsw_port *port = cell->port;
	bool redirected = false;
	struct sk_buff *skb;
	int done = 0;

	while (done < budget) {
		/* On this CPU alone, unless its NAPI has been given a thread. */
		spin_lock(&cell->queue.lock);
		skb = __skb_dequeue(&cell->queue);
		spin_unlock(&cell->queue.lock);
		if (!skb)
			break;
		done++;
		/* It may have been closed since. */
		if (unlikely(READ_ONCE(port->state) != VSW_STATE_OPEN)) {
			rcu_read_lock();
			vsw_drop(port, skb, VSWITCH_DROP_DEST_DOWN);
			rcu_read_unlock();
			continue;
		}
		if (static_branch_unlikely(&vsw_xdp_key)) {
			rcu_read_lock();
			skb = vsw_xdp_run(cell, skb, &redirected);
			rcu_read_unlock();
			if (!skb)
				continue;
		}
		vsw_cell_up(napi, skb);
	}
	if (redirected)
		xdp_do_flush();
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

static void vsw_nic_put(struct vsw_port *port, struct sk_buff *skb)
{
	struct vsw_cell *cell = this_cpu_ptr(port->cells);
	struct net_device *dev = port->dev;
	u32 len = skb->len;
	bool first;

	if (unlikely(skb_queue_len(&cell->queue) >= VSW_RING_SIZE))
		return vsw_drop(port, skb, VSWITCH_DROP_FULL);

	skb->protocol = eth_type_trans(skb, dev);
	skb_postpull_rcsum(skb, skb_mac_header(skb), ETH_HLEN);
	skb_reset_network_header(skb);
	if (!net_eq(dev_net(dev), dev_net(port->sw->dev)))
		skb_scrub_packet(skb, true);
	/* eth_type_trans() has said for whom it is; scrubbing says: for the host. */
	if (!ether_addr_equal_64bits(eth_hdr(skb)->h_dest, dev->dev_addr)) {
		if (is_broadcast_ether_addr(eth_hdr(skb)->h_dest))
			skb->pkt_type = PACKET_BROADCAST;
		else if (is_multicast_ether_addr(eth_hdr(skb)->h_dest))
			skb->pkt_type = PACKET_MULTICAST;
		else
			skb->pkt_type = PACKET_OTHERHOST;
	}
	vsw_count_frame(port, VSWITCH_STAT_OUT_FRAMES, len);
	spin_lock(&cell->queue.lock);
	__skb_queue_tail(&cell->queue, skb);
	first = skb_queue_len(&cell->queue) == 1;
	spin_unlock(&cell->queue.lock);
	if (first)
		napi_schedule(&cell->napi);
}

/**
 * vsw_nic_deliver() - a frame goes up to the owner of a netdev
 * @port: its port, up
 * @skb: the frame, data at its Ethernet header
 *
 * Context: bottom halves off, RCU read lock.
 */
void vsw_nic_deliver(struct vsw_port *port, struct sk_buff *skb)
{
	struct sk_buff *next;

	if (!static_branch_unlikely(&vsw_xdp_key) || !rcu_access_pointer(port->xdp) ||
	    !skb_is_gso(skb))
		return vsw_nic_put(port, skb);
	skb_list_walk_safe(vsw_xdp_segment(port, skb), skb, next) {
		skb_mark_not_on_list(skb);
		vsw_nic_put(port, skb);
	}
}

/* ndo_init: called once, before anybody can reach the netdev. */
int vsw_nic_init(struct net_device *dev)
{
	struct vsw_port *port = vsw_nic_port(dev);
	int cpu;

	port->cells = alloc_percpu_gfp(struct vsw_cell, GFP_KERNEL_ACCOUNT);
	if (!port->cells)
		return -ENOMEM;
	port->dev = dev;
	vsw_port_get(port);
	for_each_possible_cpu(cpu) {
		struct vsw_cell *cell = per_cpu_ptr(port->cells, cpu);

		skb_queue_head_init(&cell->queue);
		cell->port = port;
		set_bit(NAPI_STATE_NO_BUSY_POLL, &cell->napi.state);
		netif_napi_add(dev, &cell->napi, vsw_cell_poll);
		napi_enable(&cell->napi);
		/* It has no memory of its own, so nothing in this can fail. */
		xdp_rxq_info_reg(&cell->rxq, dev, cpu, cell->napi.napi_id);
		xdp_rxq_info_reg_mem_model(&cell->rxq, MEM_TYPE_PAGE_SHARED, NULL);
	}
	return 0;
}

/* The last that ndo_uninit does; a grace period follows before vsw_nic_free(). */
void vsw_nic_uninit(struct net_device *dev)
{
	struct vsw_port *port = vsw_nic_port(dev);
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vsw_cell *cell = per_cpu_ptr(port->cells, cpu);

		napi_disable(&cell->napi);
		__netif_napi_del(&cell->napi);
		xdp_rxq_info_unreg(&cell->rxq);
		__skb_queue_purge(&cell->queue);
	}
}

/* The netdev's destructor. */
void vsw_nic_free(struct net_device *dev)
{
	struct vsw_port *port = vsw_nic_port(dev);

	free_percpu(port->cells);
	vsw_port_put(port);
}

/* ndo_get_stats64: what the switch gets in the netdev has sent. */
void vsw_nic_stats(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct vsw_port *port = vsw_nic_port(dev);
	u64 sums[VSWITCH_NR_STATS];
	int i;

	vsw_port_sum(port, sums);
	stats->tx_packets = sums[VSWITCH_STAT_IN_FRAMES];
	stats->tx_bytes = sums[VSWITCH_STAT_IN_BYTES];
	stats->rx_packets = sums[VSWITCH_STAT_OUT_FRAMES];
	stats->rx_bytes = sums[VSWITCH_STAT_OUT_BYTES];
	stats->rx_dropped = sums[VSWITCH_DROP_FULL] + sums[VSWITCH_DROP_MTU] +
			    sums[VSWITCH_DROP_RATE_OUT] + sums[VSWITCH_DROP_NOMEM];
	for (i = VSWITCH_DROP_RUNT; i < VSWITCH_NR_STATS; i++)
		stats->tx_dropped += sums[i];
	stats->tx_dropped -= stats->rx_dropped;
}

/* ndo_set_rx_mode: whatever is switched to it is given to it, so nothing to do. */
void vsw_nic_rx_mode(struct net_device *dev)
{
}

/* What all netdevs of ours are like. */
void vsw_nic_setup(struct net_device *dev)
{
	ether_setup(dev);
	compat_dev_lltx(dev);
	dev->priv_flags |= IFF_NO_QUEUE | IFF_LIVE_ADDR_CHANGE;
	/* vsw_nic_xmit() unshares, so generators may send one skb in bursts. */
	dev->priv_flags |= IFF_TX_SKB_SHARING;
	/* netpoll sends with interrupts off, where no frame can go its way here. */
	dev->priv_flags |= IFF_DISABLE_NETPOLL;
	dev->needs_free_netdev = true;
	/* What is longer than a packet of IP can be, who wants that says himself. */
	netif_set_tso_max_size(dev, GSO_MAX_SIZE);
	dev->max_mtu = ETH_MAX_MTU - ETH_HLEN;
	dev->features |= VSW_NIC_FEATURES | VSW_NIC_VLAN;
	dev->hw_features = VSW_NIC_FEATURES | VSW_NIC_VLAN;
	dev->hw_enc_features = VSW_NIC_FEATURES;
	dev->vlan_features = VSW_NIC_FEATURES;
	dev->mpls_features = VSW_NIC_FEATURES;
	dev->ethtool_ops = &vsw_ethtool_ops;
}
