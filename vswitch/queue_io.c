// SPDX-License-Identifier: GPL-2.0
/*
 * Frames on their way between a queue's user and the switch, with the offload
 * header of virtio 1.1 section 5.1.6 before each. Nothing of what is written is
 * believed before it has been copied and checked, and nothing is read twice.
 */

#include <linux/etherdevice.h>
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>

#include "forward.h"
#include "frame.h"
#include "queue.h"
#include "switch.h"

/* Copy what is likely to be looked at into the linear part, the rest to pages. */
#define VSW_LINEAR 256
/* As Linux' TCP has it (net.ipv4.tcp_min_snd_mss). */
#define VSW_LEAST_MSS 48

static struct sk_buff *vsw_queue_alloc(u32 len, u32 hdr_len, bool wait, int *err)
{
	gfp_t gfp = (wait ? GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN) | __GFP_ACCOUNT;
	u32 linear = len;
	struct sk_buff *skb;

	if (len > SKB_WITH_OVERHEAD(PAGE_SIZE) - NET_SKB_PAD - NET_IP_ALIGN)
		linear = clamp_t(u32, hdr_len, VSW_LINEAR, SKB_MAX_HEAD(NET_SKB_PAD));
	linear = min(linear, len);
	skb = alloc_skb_with_frags(NET_SKB_PAD + NET_IP_ALIGN + linear, len - linear,
				   PAGE_ALLOC_COSTLY_ORDER, err, gfp);
	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	skb_put(skb, linear);
	skb->data_len = len - linear;
	skb->len += len - linear;
	return skb;
}

static int vsw_queue_get_header(const struct vsw_queue *q, struct iov_iter *from,
				struct virtio_net_hdr *hdr)
{
	u32 hdr_len = READ_ONCE(q->hdr_len);

	memset(hdr, 0, sizeof(*hdr));
	if (!hdr_len)
		return 0;
	if (iov_iter_count(from) < hdr_len)
		return -EINVAL;
	if (!copy_from_iter_full(hdr, sizeof(*hdr), from))
		return -EFAULT;
	iov_iter_advance(from, hdr_len - sizeof(*hdr));
	return 0;
}

/*
 * Take the header at its word where it makes sense for these bytes.
 * virtio_net_hdr_to_skb() compares it with the headers that are really there,
 * for which it must know where they begin.
 */
static int vsw_queue_apply_header(struct sk_buff *skb, const struct virtio_net_hdr *hdr)
{
	int ret;

	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth_hdr(skb)->h_proto;
	ret = virtio_net_hdr_to_skb(skb, hdr, true);
	/* A frame cut for each receiver into pieces of a byte is an attack. */
	if (!ret && skb_is_gso(skb) && skb_shinfo(skb)->gso_size < VSW_LEAST_MSS &&
	    !(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4))
		ret = -EINVAL;
	return ret;
}

/* Return: 0 or why the switch did not even look at it. */
static int vsw_queue_input(struct vsw_queue *q, struct sk_buff *skb,
			   const struct virtio_net_hdr *hdr)
{
	struct vsw_port *port = q->port;
	int ret = 0;

	local_bh_disable();
	rcu_read_lock();
	if (unlikely(vsw_port_gone(port))) {
		kfree_skb(skb);
		ret = -EBADFD;
	} else if (unlikely(!pskb_may_pull(skb, ETH_HLEN))) {
		vsw_drop(port, skb, VSWITCH_DROP_RUNT);
		ret = -EINVAL;
	} else {
		skb->dev = port->sw->dev;
		ret = vsw_queue_apply_header(skb, hdr);
		if (unlikely(ret)) {
			vsw_drop(port, skb, VSWITCH_DROP_GSO);
		} else {
			skb_probe_transport_header(skb);
			vsw_input(port, skb);
		}
	}
	rcu_read_unlock();
	local_bh_enable();
	return ret;
}

/**
 * vsw_queue_send() - one frame, and the header before it, into the switch
 * @q: the queue
 * @from: header and frame
 * @wait: memory may be waited for
 *
 * Context: may sleep.
 * Return: how many bytes that was, -EINVAL for what is no frame or has a header
 * that lies, -EBADFD, -EFAULT, -ENOBUFS.
 */
ssize_t vsw_queue_send(struct vsw_queue *q, struct iov_iter *from, bool wait)
{
	size_t total = iov_iter_count(from), len;
	struct virtio_net_hdr hdr;
	struct sk_buff *skb;
	int ret;

	ret = vsw_queue_get_header(q, from, &hdr);
	if (ret)
		return ret;
	len = iov_iter_count(from);
	if (len < ETH_HLEN || len > VSW_FRAME_MAX) {
		preempt_disable();
		vsw_count(q->port, VSWITCH_DROP_RUNT);
		preempt_enable();
		return -EINVAL;
	}
	skb = vsw_queue_alloc(len, le16_to_cpu((__force __le16)hdr.hdr_len), wait, &ret);
	if (!skb)
		return ret;
	if (skb_copy_datagram_from_iter(skb, 0, from, len)) {
		kfree_skb(skb);
		return -EFAULT;
	}
	ret = vsw_queue_input(q, skb, &hdr);
	return ret ?: (ssize_t)total;
}

/**
 * vsw_queue_recv() - one frame, and a header before it, to the reader
 * @q: the queue
 * @skb: the frame; the caller's
 * @to: where
 *
 * What does not fit is cut off.
 *
 * Return: how many bytes header and frame have, -EINVAL if not even the header
 * fits, -EFAULT.
 */
ssize_t vsw_queue_recv(struct vsw_queue *q, struct sk_buff *skb, struct iov_iter *to)
{
	u32 hdr_len = READ_ONCE(q->hdr_len), tag_len = 0, total;
	struct virtio_net_hdr_mrg_rxbuf hdr = {};
	struct {
		__be16 proto;
		__be16 tci;
	} tag;
	size_t room;

	if (skb_vlan_tag_present(skb))
		tag_len = VLAN_HLEN;
	total = hdr_len + skb->len + tag_len;

	if (hdr_len) {
		if (iov_iter_count(to) < hdr_len)
			return -EINVAL;
		if (virtio_net_hdr_from_skb(skb, &hdr.hdr, true, false, tag_len))
			return -EINVAL;
		hdr.num_buffers = (__force __virtio16)cpu_to_le16(1);
		if (copy_to_iter(&hdr, min_t(u32, hdr_len, sizeof(hdr)), to) !=
		    min_t(u32, hdr_len, sizeof(hdr)))
			return -EFAULT;
		if (hdr_len > sizeof(hdr) &&
		    iov_iter_zero(hdr_len - sizeof(hdr), to) != hdr_len - sizeof(hdr))
			return -EFAULT;
	}

	if (tag_len) {
		room = min_t(size_t, iov_iter_count(to), 2 * ETH_ALEN);
		if (skb_copy_datagram_iter(skb, 0, to, room))
			return -EFAULT;
		tag.proto = skb->vlan_proto;
		tag.tci = htons(skb_vlan_tag_get(skb));
		room = min_t(size_t, iov_iter_count(to), sizeof(tag));
		if (copy_to_iter(&tag, room, to) != room)
			return -EFAULT;
		room = min_t(size_t, iov_iter_count(to), skb->len - 2 * ETH_ALEN);
		if (skb_copy_datagram_iter(skb, 2 * ETH_ALEN, to, room))
			return -EFAULT;
		return total;
	}
	room = min_t(size_t, iov_iter_count(to), skb->len);
	if (skb_copy_datagram_iter(skb, 0, to, room))
		return -EFAULT;
	return total;
}
