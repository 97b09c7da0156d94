// SPDX-License-Identifier: GPL-2.0
/*
 * A frame's way through the switch: what may come in, its VLAN, its source
 * learned, its destination found, and what may go out of each port it leads to.
 *
 * Everything here runs with bottom halves off under the RCU read lock, takes no
 * lock unless a port has a rate limit, and owns the frame it is given.
 */

#include <linux/if_vlan.h>

#include "compat.h"
#include "fdb.h"
#include "forward.h"
#include "frame.h"
#include "mcast.h"
#include "mirror.h"
#include "nic.h"
#include "policy.h"
#include "queue.h"
#include "repeat.h"
#include "switch.h"
#include "trace.h"
#include "uplink.h"

DEFINE_STATIC_KEY_FALSE(vsw_vlan_key);

/**
 * struct vsw_ctx - what is known of a frame on its way
 * @sw: the switch
 * @in: where it came in
 * @dst: its destination address, a copy: the bytes move when tags come and go
 * @cast: kind of destination
 * @vid: its VLAN, 0 if none. Its tag is off while it is inside
 * @prio: PCP and DEI of the tag that it had
 */
struct vsw_ctx {
	struct vsw_switch *sw;
	struct vsw_port *in;
	u8 dst[ETH_ALEN];
	u8 cast;
	u16 vid;
	u16 prio;
};

/**
 * vsw_drop() - a frame ends here
 * @port: where it is counted
 * @skb: the frame
 * @reason: VSWITCH_DROP_*
 */
void vsw_drop(struct vsw_port *port, struct sk_buff *skb, u32 reason)
{
	vsw_count(port, reason);
	trace_vsw_drop(port, skb, reason);
	kfree_skb(skb);
}

static bool vsw_rate_ok(struct vsw_port *port, u32 which, u64 units)
{
	struct vsw_rates *rates = rcu_dereference(port->rates);
	bool ok;

	if (likely(!rates) || !(rates->set & BIT(which)))
		return true;
	/* The clock is read inside, so that a bucket never sees time go back. */
	spin_lock(&rates->lock);
	ok = vsw_bucket_take(&rates->bucket[which], units, ktime_get_ns());
	spin_unlock(&rates->lock);
	return ok;
}

/* ------------------------------------------------------------------ out */

/* Hand it to whoever is behind the port; the frame is complete, tag and all. */
void vsw_send(struct vsw_port *out, struct sk_buff *skb)
{
	switch (out->kind) {
	case VSWITCH_KIND_VNIC:
	case VSWITCH_KIND_LOCAL:
		vsw_nic_deliver(out, skb);
		break;
	case VSWITCH_KIND_UPLINK:
		vsw_uplink_send(out, skb);
		break;
	default:
		vsw_queue_deliver(out, skb);
	}
}

/* Is it longer than what this port sends, and not to be cut into what is not? */
bool vsw_too_big(const struct vsw_port *out, const struct sk_buff *skb)
{
	u32 mtu = out->dev ? READ_ONCE(out->dev->mtu) : READ_ONCE(out->mtu);
	u32 len = skb->len - ETH_HLEN;

	if (likely(len <= mtu))
		return false;
	/* What it is cut into must fit, whatever its sender has said of that. */
	if (skb_is_gso(skb))
		return !skb_gso_validate_mac_len(skb, mtu + ETH_HLEN + VLAN_HLEN);
	/* A tag among the bytes is no part of the packet; one is enough. */
	return len > mtu + VLAN_HLEN || !eth_type_vlan(eth_hdr(skb)->h_proto);
}

/* The frame leaves by one port. Everything but limits of the port has been asked. */
static void vsw_output(const struct vsw_ctx *c, struct vsw_port *out, struct sk_buff *skb)
{
	u16 tpid;

	if (unlikely(vsw_too_big(out, skb)))
		return vsw_drop(out, skb, VSWITCH_DROP_MTU);
	if (unlikely(!vsw_rate_ok(out, VSWITCH_RATE_OUT, skb->len)))
		return vsw_drop(out, skb, VSWITCH_DROP_RATE_OUT);
	if (static_branch_unlikely(&vsw_mirror_key))
		vsw_mirror_frame(c->sw, out, VSWITCH_MIRROR_OUT, skb, c->vid, c->prio);

	if (static_branch_unlikely(&vsw_vlan_key) && c->sw->vlan_aware &&
	    vsw_vlan_out(vsw_port_vlan(out), c->vid, &tpid) > 0 &&
	    skb_vlan_push(skb, htons(tpid), c->vid | c->prio))
		return vsw_drop(out, skb, VSWITCH_DROP_NOMEM);
	vsw_send(out, skb);
}

/* Return: 0 if the frame may leave by this port, else why not. */
static u32 vsw_denied(const struct vsw_ctx *c, const struct vsw_port *out)
{
	u16 tpid;

	if (unlikely(out == c->in))
		return VSWITCH_DROP_HAIRPIN;
	if (unlikely(READ_ONCE(out->state) != VSW_STATE_OPEN))
		return VSWITCH_DROP_DEST_DOWN;
	if (unlikely(c->in->role | out->role) &&
	    !vsw_may_talk(c->in->role, c->in->community, out->role, out->community))
		return VSWITCH_DROP_ISOLATED;
	if (static_branch_unlikely(&vsw_vlan_key) && c->sw->vlan_aware &&
	    vsw_vlan_out(vsw_port_vlan(out), c->vid, &tpid) < 0)
		return VSWITCH_DROP_VLAN_OUT;
	return 0;
}

/* Which VSWITCH_P_FLOOD_* a port must have to get such a frame. */
static u32 vsw_flood_bit(u8 cast)
{
	switch (cast) {
	case VSW_UNICAST:
		return VSWITCH_P_FLOOD_UNKNOWN;
	case VSW_BROADCAST:
		return VSWITCH_P_FLOOD_BCAST;
	}
	return VSWITCH_P_FLOOD_MCAST;
}

/* One more receiver: the last one gets the frame itself, those before it copies. */
static void vsw_copy(const struct vsw_ctx *c, struct vsw_port **last, struct vsw_port *next,
		     struct sk_buff *skb)
{
	struct sk_buff *copy;

	if (*last) {
		copy = skb_clone(skb, GFP_ATOMIC);
		if (copy)
			vsw_output(c, *last, copy);
		else
			vsw_count(*last, VSWITCH_DROP_NOMEM);
	}
	*last = next;
}

/*
 * Loops lie between uplinks: of two switches that a vNIC of one connects, one has
 * an uplink at least. @out is where the frame goes, NULL: to all.
 */
static bool vsw_goes_round(const struct vsw_ctx *c, const struct vsw_port *out,
			   const struct sk_buff *skb)
{
	return c->in->kind == VSWITCH_KIND_UPLINK && (!out || out->kind == VSWITCH_KIND_UPLINK) &&
	       vsw_repeated(c->in, skb, c->vid, out);
}

static void vsw_flood(const struct vsw_ctx *c, struct sk_buff *skb)
{
	u32 bit = vsw_flood_bit(c->cast);
	struct vsw_port *p, *last = NULL;

	if (unlikely(vsw_goes_round(c, NULL, skb)))
		return vsw_drop(c->in, skb, VSWITCH_DROP_REPEAT);
	list_for_each_entry_rcu(p, &c->sw->ports, list) {
		if (!(READ_ONCE(p->conf) & bit) || vsw_denied(c, p))
			continue;
		/* The host's own stack is no place for others' frames. */
		if (c->cast == VSW_UNICAST && p == c->sw->local &&
		    !(READ_ONCE(p->dev->flags) & IFF_PROMISC))
			continue;
		vsw_copy(c, &last, p, skb);
	}
	if (last)
		vsw_output(c, last, skb);
	else
		vsw_drop(c->in, skb, VSWITCH_DROP_NOWHERE);
}

/* To those who have asked for the group, and to routers. */
static void vsw_to_members(const struct vsw_ctx *c, const struct vsw_mcast_to *to,
			   struct sk_buff *skb)
{
	struct vsw_port *last = NULL;
	struct vsw_member *m;

	if (unlikely(vsw_goes_round(c, NULL, skb)))
		return vsw_drop(c->in, skb, VSWITCH_DROP_REPEAT);
	list_for_each_entry_rcu(m, &to->routers->list, list) {
		if (!vsw_denied(c, m->port))
			vsw_copy(c, &last, m->port, skb);
	}
	if (to->members) {
		list_for_each_entry_rcu(m, &to->members->list, list) {
			if (!vsw_denied(c, m->port) && !vsw_mcast_has(to->routers, m->port))
				vsw_copy(c, &last, m->port, skb);
		}
	}
	if (last)
		vsw_output(c, last, skb);
	else
		vsw_drop(c->in, skb, VSWITCH_DROP_NO_MEMBER);
}

static void vsw_multicast(const struct vsw_ctx *c, struct sk_buff *skb)
{
	struct vsw_mcast_to to;

	if (static_branch_unlikely(&vsw_mcast_key) && c->cast == VSW_MULTICAST &&
	    READ_ONCE(c->sw->mcast.on) && vsw_mcast_snoop(c->in, skb, c->vid, &to))
		vsw_to_members(c, &to, skb);
	else
		vsw_flood(c, skb);
}

/**
 * vsw_forward_to() - a frame of the switch's own leaves by one port
 * @in: the port on whose behalf it is
 * @out: the port, if it may have it
 * @skb: the frame, without a tag; it is consumed
 * @vid: its VLAN, or 0
 *
 * Context: process.
 */
void vsw_forward_to(struct vsw_port *in, struct vsw_port *out, struct sk_buff *skb, u16 vid)
{
	struct vsw_ctx c = { .sw = in->sw, .in = in, .cast = VSW_BROADCAST, .vid = vid };
	u32 reason;

	local_bh_disable();
	rcu_read_lock();
	ether_addr_copy(c.dst, eth_hdr(skb)->h_dest);
	reason = vsw_denied(&c, out);
	if (reason)
		vsw_drop(out, skb, reason);
	else
		vsw_output(&c, out, skb);
	rcu_read_unlock();
	local_bh_enable();
}

/* ------------------------------------------------------------------- in */

/*
 * The frame's VLAN, and its tag off. The tag may be beside the frame (as the
 * kernel likes it) or among its bytes.
 *
 * Return: 0, or why it goes no further.
 */
static u32 vsw_classify(struct vsw_ctx *c, struct sk_buff *skb)
{
	u16 tpid = 0, tci = 0;
	bool pop;
	int vid;

	if (skb_vlan_tag_present(skb)) {
		tpid = ntohs(skb->vlan_proto);
		tci = skb_vlan_tag_get(skb);
	} else if (eth_type_vlan(eth_hdr(skb)->h_proto)) {
		if (!pskb_may_pull(skb, VLAN_ETH_HLEN))
			return VSWITCH_DROP_RUNT;
		vsw_frame_tag(skb->data, skb->len, &tpid, &tci);
	}

	vid = vsw_vlan_in(vsw_port_vlan(c->in), tpid, tci, &pop);
	if (vid < 0)
		return VSWITCH_DROP_VLAN_IN;
	c->vid = vid;
	c->prio = tpid ? tci & ~VLAN_VID_MASK : 0;
	if (!pop)
		return 0;
	if (skb_vlan_tag_present(skb))
		__vlan_hwaccel_clear_tag(skb);
	else if (__skb_vlan_pop(skb, &tci))
		return VSWITCH_DROP_NOMEM;
	skb->protocol = eth_hdr(skb)->h_proto;
	return 0;
}

/* Frames that a switch does not pass on: IEEE 802.1Q clause 8.6.3. */
static u32 vsw_reserved(struct vsw_port *in, const u8 *dst)
{
	if (!dst[5] && READ_ONCE(in->conf) & VSWITCH_P_BPDU_GUARD) {
		vsw_port_block(in);
		return VSWITCH_DROP_BPDU;
	}
	if (!dst[5] && READ_ONCE(in->conf) & VSWITCH_P_BPDU_FILTER)
		return VSWITCH_DROP_BPDU;
	return READ_ONCE(in->sw->reserved) & BIT(dst[5]) ? 0 : VSWITCH_DROP_RESERVED;
}

/**
 * vsw_uplink_keeps() - is this frame for the host's own daemons?
 * @in: an uplink
 * @dst: the frame's destination
 *
 * LACP, LLDP and spanning tree speak to the next hop, which is the host, unless
 * the switch passes such frames on or the port does not want them.
 *
 * Return: whether the uplink's netdev gets it as if there were no switch.
 */
bool vsw_uplink_keeps(struct vsw_port *in, const u8 *dst)
{
	return vsw_frame_cast(dst) == VSW_RESERVED &&
	       !(READ_ONCE(in->sw->reserved) & BIT(dst[5])) &&
	       (dst[5] || !(READ_ONCE(in->conf) &
			    (VSWITCH_P_BPDU_GUARD | VSWITCH_P_BPDU_FILTER)));
}

/*
 * Is somebody else the host? Where there are no VLANs the host's entry in the
 * FDB answers that.
 */
static bool vsw_is_host(const struct vsw_ctx *c, const u8 *src)
{
	return c->vid && c->in != c->sw->local &&
	       ether_addr_equal_unaligned(src, c->sw->dev->dev_addr);
}

static bool vsw_spoofed(const struct vsw_port *in, const u8 *src)
{
	return READ_ONCE(in->conf) & VSWITCH_P_ANTISPOOF &&
	       !ether_addr_equal_unaligned(src, vsw_port_mac(in));
}

/* Return: 0, or why the frame goes no further. */
static u32 vsw_learn(const struct vsw_ctx *c, u64 key)
{
	u32 conf = READ_ONCE(c->in->conf);

	if (unlikely(!(conf & VSWITCH_P_LEARN)))
		return vsw_fdb_is_ours(&c->sw->fdb, c->in, key) ? VSWITCH_DROP_LOOP : 0;
	switch (vsw_fdb_learn(&c->sw->fdb, c->in, key)) {
	case VSW_LEARN_KNOWN:
		return 0;
	case VSW_LEARN_NEW:
		vsw_count(c->in, VSWITCH_STAT_LEARNED);
		return 0;
	case VSW_LEARN_MOVED:
		vsw_count(c->in, VSWITCH_STAT_MOVED);
		return 0;
	case VSW_LEARN_PORT_FULL:
		vsw_count(c->in, VSWITCH_STAT_FDB_FULL);
		return conf & VSWITCH_P_LIMIT_DROP ? VSWITCH_DROP_LIMIT : 0;
	case VSW_LEARN_FULL:
		vsw_count(c->in, VSWITCH_STAT_FDB_FULL);
		return 0;
	case VSW_LEARN_LOOP:
		return VSWITCH_DROP_LOOP;
	case VSW_LEARN_REFUSED:
		break;
	}
	return VSWITCH_DROP_MOVED;
}

/* The policy sends the frame to one port, and nowhere else. */
static void vsw_redirect(struct vsw_ctx *c, struct vsw_port *out, struct sk_buff *skb)
{
	u32 reason = vsw_denied(c, out);

	if (unlikely(reason))
		return vsw_drop(c->in, skb, reason);
	vsw_output(c, out, skb);
}

/* Limits of the way in. Return: 0, or why the frame goes no further. */
static u32 vsw_in_limits(const struct vsw_ctx *c, const struct sk_buff *skb)
{
	if (likely(!rcu_access_pointer(c->in->rates)))
		return 0;
	if (!vsw_rate_ok(c->in, VSWITCH_RATE_IN, skb->len))
		return VSWITCH_DROP_RATE_IN;
	if (c->cast == VSW_BROADCAST && !vsw_rate_ok(c->in, VSWITCH_RATE_BCAST, 1))
		return VSWITCH_DROP_STORM;
	if ((c->cast == VSW_MULTICAST || c->cast == VSW_RESERVED) &&
	    !vsw_rate_ok(c->in, VSWITCH_RATE_MCAST, 1))
		return VSWITCH_DROP_STORM;
	return 0;
}

static void vsw_unicast(struct vsw_ctx *c, struct sk_buff *skb)
{
	struct vsw_fdb_entry *e;
	struct vsw_port *out = NULL;
	u32 reason;

	e = vsw_fdb_find(&c->sw->fdb, vsw_fdb_key(c->dst, c->vid));
	if (likely(e))
		out = rcu_dereference(e->port);
	/* The host's address is the same in each VLAN; its entry is in none. */
	else if (c->vid && ether_addr_equal(c->dst, c->sw->dev->dev_addr))
		out = c->sw->local;

	if (unlikely(!out)) {
		vsw_count(c->in, VSWITCH_STAT_FLOODED);
		if (!vsw_rate_ok(c->in, VSWITCH_RATE_UNKNOWN, 1))
			return vsw_drop(c->in, skb, VSWITCH_DROP_STORM);
		return vsw_flood(c, skb);
	}
	reason = vsw_denied(c, out);
	if (unlikely(!reason && vsw_goes_round(c, out, skb)))
		reason = VSWITCH_DROP_REPEAT;
	if (unlikely(reason))
		return vsw_drop(c->in, skb, reason);
	vsw_output(c, out, skb);
}

static void vsw_count_in(struct vsw_ctx *c, const struct sk_buff *skb)
{
	vsw_count_frame(c->in, VSWITCH_STAT_IN_FRAMES, skb->len);
	if (c->cast != VSW_UNICAST)
		vsw_count(c->in, VSWITCH_STAT_IN_MCAST);
}

static void vsw_input_one(struct vsw_port *in, struct sk_buff *skb)
{
	struct vsw_port *to = NULL;
	const struct ethhdr *eth;
	struct vsw_ctx c;
	u32 reason;

	if (unlikely(!pskb_may_pull(skb, ETH_HLEN)))
		return vsw_drop(in, skb, VSWITCH_DROP_RUNT);
	if (unlikely(READ_ONCE(in->state) != VSW_STATE_OPEN))
		return vsw_drop(in, skb, test_bit(VSW_BIT_STANDBY, &in->state) ?
					 VSWITCH_DROP_STANDBY : VSWITCH_DROP_DOWN);
	if (unlikely(READ_ONCE(in->conf) & VSWITCH_P_SILENT))
		return vsw_drop(in, skb, VSWITCH_DROP_SILENT);

	skb_reset_mac_header(skb);
	eth = eth_hdr(skb);
	if (unlikely(!vsw_mac_ok(eth->h_source)))
		return vsw_drop(in, skb, VSWITCH_DROP_SOURCE);

	c.sw = in->sw;
	c.in = in;
	c.vid = 0;
	c.prio = 0;
	ether_addr_copy(c.dst, eth->h_dest);
	c.cast = vsw_frame_cast(c.dst);
	if (unlikely(c.cast == VSW_RESERVED)) {
		reason = vsw_reserved(in, c.dst);
		if (reason)
			return vsw_drop(in, skb, reason);
	}
	if (unlikely(vsw_spoofed(in, eth->h_source)))
		return vsw_drop(in, skb, VSWITCH_DROP_SPOOF);

	if (static_branch_unlikely(&vsw_vlan_key) && READ_ONCE(c.sw->vlan_aware)) {
		reason = vsw_classify(&c, skb);
		if (!reason && vsw_is_host(&c, eth_hdr(skb)->h_source))
			reason = VSWITCH_DROP_LOOP;
		if (unlikely(reason))
			return vsw_drop(in, skb, reason);
	}
	reason = vsw_in_limits(&c, skb);
	if (unlikely(reason))
		return vsw_drop(in, skb, reason);
	if (static_branch_unlikely(&vsw_policy_key)) {
		reason = vsw_policy_run(in, skb, c.vid, &to);
		if (unlikely(reason))
			return vsw_drop(in, skb, reason);
		ether_addr_copy(c.dst, eth_hdr(skb)->h_dest);
		c.cast = vsw_frame_cast(c.dst);
	}
	reason = vsw_learn(&c, vsw_fdb_key(eth_hdr(skb)->h_source, c.vid));
	if (unlikely(reason))
		return vsw_drop(in, skb, reason);

	vsw_count_in(&c, skb);
	if (static_branch_unlikely(&vsw_mirror_key))
		vsw_mirror_frame(c.sw, in, VSWITCH_MIRROR_IN, skb, c.vid, c.prio);
	if (unlikely(to))
		vsw_redirect(&c, to, skb);
	else if (c.cast == VSW_UNICAST)
		vsw_unicast(&c, skb);
	else
		vsw_multicast(&c, skb);
}

/*
 * The uplink of one switch may be a vNIC of another, and a frame that is flooded
 * by each of a chain of them multiplies: what one may set off in one go.
 */
#define VSW_NEST_MAX 256

struct vsw_nest {
	u32 depth, inputs;
};

static DEFINE_PER_CPU(struct vsw_nest, vsw_nest);

/**
 * vsw_input() - a frame comes into the switch
 * @in: by this port
 * @skb: the frame, not shared, data at its Ethernet header; it is consumed
 *
 * Context: bottom halves off, RCU read lock.
 */
void vsw_input(struct vsw_port *in, struct sk_buff *skb)
{
	if (likely(!__this_cpu_read(vsw_nest.depth)))
		__this_cpu_write(vsw_nest.inputs, 0);
	else if (__this_cpu_inc_return(vsw_nest.inputs) > VSW_NEST_MAX)
		return vsw_drop(in, skb, VSWITCH_DROP_LOOP);
	__this_cpu_inc(vsw_nest.depth);
	vsw_input_one(in, skb);
	__this_cpu_dec(vsw_nest.depth);
}
