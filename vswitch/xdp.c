// SPDX-License-Identifier: GPL-2.0
/*
 * XDP on vNICs: the program sees what the switch gives to the port, in the
 * port's NAPI, before GRO and the stack. XDP_TX sends it into the switch, as if
 * the owner had; what others redirect to the vNIC comes into the switch, too.
 *
 * The switch carries sk_buffs, whose bytes may be shared and in pieces, while a
 * program writes to one piece with room before it. What is not so is copied.
 */

#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/xdp.h>

#include "compat.h"
#include "forward.h"
#include "nic.h"
#include "switch.h"
#include "xdp.h"

DEFINE_STATIC_KEY_FALSE(vsw_xdp_key);

static int vsw_xdp_setup(struct net_device *dev, struct bpf_prog *new,
			 struct netlink_ext_ack *extack)
{
	struct vsw_port *port = vsw_nic_port(dev);
	struct bpf_prog *old = rtnl_dereference(port->xdp);

	/* The end of a link or of the netdev cannot be refused: the core has no extack then. */
	if ((new || extack) && port->conf & VSWITCH_P_LOCKED &&
	    !vsw_switch_capable(port->sw)) {
		NL_SET_ERR_MSG(extack, "the vNIC is locked by its switch");
		return -EPERM;
	}
	if (new && dev->mtu > VSW_XDP_MAX_MTU) {
		NL_SET_ERR_MSG(extack, "the MTU is too large for XDP: 3400 at most");
		return -ERANGE;
	}
	rcu_assign_pointer(port->xdp, new);
	if (new && !old)
		static_branch_inc(&vsw_xdp_key);
	else if (!new && old)
		static_branch_dec(&vsw_xdp_key);
	if (old)
		bpf_prog_put(old);
	return 0;
}

/* ndo_bpf. The reference of the program becomes ours. */
int vsw_xdp_command(struct net_device *dev, struct netdev_bpf *bpf)
{
	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	return vsw_xdp_setup(dev, bpf->prog, bpf->extack);
}

/*
 * ndo_xdp_xmit: the owner sends. Return: how many were taken; the rest is the
 * caller's.
 */
int vsw_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct vsw_port *port = vsw_nic_port(dev);
	struct sk_buff *skb;
	int i;

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (unlikely(READ_ONCE(port->state) != VSW_STATE_OPEN))
		return -ENETDOWN;
	rcu_read_lock();
	for (i = 0; i < n; i++) {
		skb = xdp_build_skb_from_frame(frames[i], dev);
		if (unlikely(!skb))
			break;
		skb_push(skb, ETH_HLEN);
		vsw_input(port, skb);
	}
	rcu_read_unlock();
	return i;
}

/**
 * vsw_xdp_segment() - a program sees packets, not super-packets
 * @port: that has a program
 * @skb: a super-packet, data at its Ethernet header; it is consumed
 *
 * Return: the list of packets, or NULL.
 */
struct sk_buff *vsw_xdp_segment(struct vsw_port *port, struct sk_buff *skb)
{
	struct sk_buff *segs;

	skb->dev = port->dev;
	segs = skb_gso_segment(skb, NETIF_F_SG);
	if (IS_ERR_OR_NULL(segs)) {
		vsw_drop(port, skb, VSWITCH_DROP_GSO);
		return NULL;
	}
	consume_skb(skb);
	return segs;
}

/* One piece that is ours alone, its checksum complete, with room before it. */
static bool vsw_xdp_make_room(struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		return false;
	if (skb_cloned(skb) || skb_headroom(skb) < XDP_PACKET_HEADROOM) {
		int more = XDP_PACKET_HEADROOM - skb_headroom(skb);

		if (pskb_expand_head(skb, max(more, 0), 0, GFP_ATOMIC))
			return false;
	}
	return !skb_linearize(skb);
}

/* What the program has done to the frame's ends. */
static void vsw_xdp_adopt(struct sk_buff *skb, const struct xdp_buff *xdp)
{
	int front = xdp->data - (void *)skb->data;
	u32 len = xdp->data_end - xdp->data;
	u32 meta = xdp->data - xdp->data_meta;

	if (front > 0)
		__skb_pull(skb, front);
	else if (front < 0)
		__skb_push(skb, -front);
	skb->len = len;
	skb_set_tail_pointer(skb, len);
	skb_reset_mac_header(skb);
	/* A checksum that the sender has vouched for is of other bytes. */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	if (meta)
		skb_metadata_set(skb, meta);
}

/*
 * Whoever gets a redirected frame frees it as a page, which an sk_buff's head is
 * not: a copy.
 */
static int vsw_xdp_redirect(struct vsw_cell *cell, struct xdp_buff *from, struct bpf_prog *prog)
{
	u32 len = from->data_end - from->data;
	struct xdp_buff xdp;
	struct page *page;
	int ret;

	if (len > SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM)
		return -EMSGSIZE;
	page = dev_alloc_page();
	if (!page)
		return -ENOMEM;
	xdp_init_buff(&xdp, PAGE_SIZE, &cell->rxq);
	xdp_prepare_buff(&xdp, page_address(page), XDP_PACKET_HEADROOM, len, false);
	memcpy(xdp.data, from->data, len);
	ret = xdp_do_redirect(cell->port->dev, &xdp, prog);
	if (ret)
		put_page(page);
	return ret;
}

static struct sk_buff *vsw_xdp_lost(struct vsw_cell *cell, struct sk_buff *skb)
{
	vsw_drop(cell->port, skb, VSWITCH_DROP_XDP);
	return NULL;
}

/**
 * vsw_xdp_run() - show a frame to the port's program
 * @cell: where it has waited
 * @skb: the frame, data behind its Ethernet header
 * @redirected: set if xdp_do_flush() is to be called before the poll ends
 *
 * Context: NAPI, RCU read lock.
 * Return: the frame for the stack, or NULL if it has gone elsewhere.
 */
struct sk_buff *vsw_xdp_run(struct vsw_cell *cell, struct sk_buff *skb, bool *redirected)
{
	struct vsw_port *port = cell->port;
	struct bpf_prog *prog = rcu_dereference(port->xdp);
	struct xdp_buff xdp;
	u32 act;

	if (!prog)
		return skb;
	__skb_push(skb, ETH_HLEN);
	if (unlikely(skb_is_gso(skb) || !vsw_xdp_make_room(skb)))
		return vsw_xdp_lost(cell, skb);

	xdp_init_buff(&xdp, skb_end_offset(skb) +
		      SKB_DATA_ALIGN(sizeof(struct skb_shared_info)), &cell->rxq);
	xdp_prepare_buff(&xdp, skb->head, skb_headroom(skb), skb->len, true);
	act = bpf_prog_run_xdp(prog, &xdp);
	switch (act) {
	case XDP_PASS:
		vsw_xdp_adopt(skb, &xdp);
		if (unlikely(!pskb_may_pull(skb, ETH_HLEN)))
			return vsw_xdp_lost(cell, skb);
		skb->protocol = eth_type_trans(skb, port->dev);
		return skb;
	case XDP_TX:
		vsw_xdp_adopt(skb, &xdp);
		skb_scrub_packet(skb, false);
		vsw_input(port, skb);
		return NULL;
	case XDP_REDIRECT:
		if (vsw_xdp_redirect(cell, &xdp, prog)) {
			trace_xdp_exception(port->dev, prog, act);
			return vsw_xdp_lost(cell, skb);
		}
		*redirected = true;
		consume_skb(skb);
		return NULL;
	default:
		bpf_warn_invalid_xdp_action(port->dev, prog, act);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(port->dev, prog, act);
		fallthrough;
	case XDP_DROP:
		return vsw_xdp_lost(cell, skb);
	}
}
