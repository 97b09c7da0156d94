// SPDX-License-Identifier: GPL-2.0
/* Announcements as frames; frame.c knows their bytes. */

#include <linux/etherdevice.h>
#include <linux/skbuff.h>

#include "announce.h"
#include "frame.h"
#include "switch.h"

/**
 * vsw_announce_skb() - a frame that tells where an address is
 * @sw: the switch that sends it
 * @family: see struct vswitch_announce
 * @mac: whose
 * @address: 4 or 16 bytes; of family 0 not looked at
 *
 * Context: may sleep.
 * Return: the frame, -EOPNOTSUPP for an unknown family, -ENOMEM.
 */
struct sk_buff *vsw_announce_skb(struct vsw_switch *sw, u16 family, const u8 *mac,
				 const u8 *address)
{
	u8 frame[VSW_ANNOUNCE_MAX];
	struct sk_buff *skb;
	int len;

	len = vsw_announce_frame(frame, family, mac, address);
	if (len < 0)
		return ERR_PTR(len);
	skb = alloc_skb(NET_SKB_PAD + len, GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	skb_reserve(skb, NET_SKB_PAD);
	skb_put_data(skb, frame, len);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth_hdr(skb)->h_proto;
	skb->dev = sw->dev;
	return skb;
}
