// SPDX-License-Identifier: GPL-2.0
/*
 * IGMP and MLD snooping, as RFC 4541 has it.
 *
 * What keeps it from doing harm: nothing is kept from anybody in a VLAN, and for
 * a family, whose querier has not been heard lately, for without one memberships
 * are not refreshed; and groups of the link are flooded always. Routers of a VLAN
 * are the members of a group of their own, the address 0.
 *
 * Frames read the lists under RCU. Whoever changes them holds mcast->lock.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/memcontrol.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "event.h"
#include "mcast.h"
#include "switch.h"

/* RFC 3376 section 8: two queries of 125 s and a response of 10 s; leaving, 2 s. */
#define VSW_MCAST_HOLD (260 * HZ)
#define VSW_MCAST_ROUTER_HOLD (255 * HZ)
#define VSW_MCAST_LEAVE (2 * HZ)
#define VSW_MCAST_GC (2 * HZ)
#define VSW_MCAST_LINEAR 128

DEFINE_STATIC_KEY_FALSE(vsw_mcast_key);

static struct hlist_head *vsw_mcast_bucket(struct vsw_mcast *m, const struct vsw_group *g)
{
	u32 hash = jhash(g, sizeof(*g), m->seed);

	return &m->bucket[hash % VSW_MCAST_BUCKETS];
}

/* Under RCU, or the lock. */
static struct vsw_members *vsw_mcast_find(struct vsw_mcast *m, const struct vsw_group *g)
{
	struct vsw_members *e;

	hlist_for_each_entry_rcu(e, vsw_mcast_bucket(m, g), node, lockdep_is_held(&m->lock)) {
		if (!memcmp(&e->group, g, sizeof(*g)))
			return e;
	}
	return NULL;
}

static struct vsw_group vsw_mcast_routers_of(const struct vsw_group *g)
{
	return (struct vsw_group){ .vid = g->vid, .family = g->family };
}

/* ------------------------------------------------------------- memberships */

static void *vsw_mcast_alloc(struct vsw_mcast *m, size_t size)
{
	struct mem_cgroup *old = set_active_memcg(m->memcg);
	void *p = kzalloc(size, GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);

	set_active_memcg(old);
	return p;
}

static struct vsw_member *vsw_mcast_member(struct vsw_members *e, struct vsw_port *port)
{
	struct vsw_member *p;

	list_for_each_entry(p, &e->list, list) {
		if (p->port == port)
			return p;
	}
	return NULL;
}

/* What cannot be noted must not be kept from whoever wanted it. */
static void vsw_mcast_no_room(struct vsw_mcast *m, struct vsw_port *port)
{
	if (!READ_ONCE(m->full))
		vsw_event(port->sw, VSWITCH_EVENT_LIMIT, port, 0, 0);
	WRITE_ONCE(m->full, (jiffies + VSW_MCAST_HOLD) ?: 1);
}

static void vsw_mcast_join(struct vsw_mcast *m, struct vsw_port *port, const struct vsw_group *g,
			   unsigned long hold)
{
	struct vsw_members *e, *new = NULL;
	struct vsw_member *p;

	lockdep_assert_held(&m->lock);
	e = vsw_mcast_find(m, g);
	p = e ? vsw_mcast_member(e, port) : NULL;
	if (p) {
		WRITE_ONCE(p->expires, jiffies + hold);
		return;
	}
	if (m->count >= VSW_MCAST_MAX || port->mcast_count >= VSW_MCAST_PORT_MAX)
		return vsw_mcast_no_room(m, port);
	p = vsw_mcast_alloc(m, sizeof(*p));
	if (!e) {
		new = vsw_mcast_alloc(m, sizeof(*new));
		e = new;
	}
	if (!p || !e) {
		kfree(p);
		kfree(new);
		return vsw_mcast_no_room(m, port);
	}
	p->port = port;
	p->expires = jiffies + hold;
	if (new) {
		new->group = *g;
		INIT_LIST_HEAD(&new->list);
	}
	list_add_tail_rcu(&p->list, &e->list);
	WRITE_ONCE(e->count, e->count + 1);
	if (new)
		hlist_add_head_rcu(&new->node, vsw_mcast_bucket(m, g));
	m->count++;
	port->mcast_count++;
}

/* He may not have been the only one behind the port: the router asks them now. */
static void vsw_mcast_leave(struct vsw_mcast *m, struct vsw_port *port, const struct vsw_group *g)
{
	struct vsw_members *e = vsw_mcast_find(m, g);
	struct vsw_member *p = e ? vsw_mcast_member(e, port) : NULL;
	unsigned long soon = jiffies + VSW_MCAST_LEAVE;

	if (p && time_before(soon, p->expires))
		WRITE_ONCE(p->expires, soon);
}

static void vsw_mcast_remove(struct vsw_mcast *m, struct vsw_members *e, struct vsw_member *p)
{
	lockdep_assert_held(&m->lock);
	list_del_rcu(&p->list);
	WRITE_ONCE(e->count, e->count - 1);
	p->port->mcast_count--;
	m->count--;
	kfree_rcu(p, rcu);
	if (!list_empty(&e->list))
		return;
	hlist_del_rcu(&e->node);
	kfree_rcu(e, rcu);
}

/* Those of one port (NULL: of all), or, with @now, what has expired. */
static void vsw_mcast_sweep(struct vsw_mcast *m, struct vsw_port *port, const unsigned long *now)
{
	struct vsw_member *p, *next;
	struct vsw_members *e;
	struct hlist_node *n;
	int i;

	for (i = 0; i < VSW_MCAST_BUCKETS; i++) {
		if (hlist_empty(&m->bucket[i]))
			continue;
		spin_lock_bh(&m->lock);
		hlist_for_each_entry_safe(e, n, &m->bucket[i], node) {
			list_for_each_entry_safe(p, next, &e->list, list) {
				if (now ? time_after_eq(*now, p->expires) :
					  !port || p->port == port)
					vsw_mcast_remove(m, e, p);
			}
		}
		spin_unlock_bh(&m->lock);
	}
}

static void vsw_mcast_gc_work(struct work_struct *work)
{
	struct vsw_mcast *m = container_of(to_delayed_work(work), struct vsw_mcast, gc);
	unsigned long now = jiffies, full = READ_ONCE(m->full);

	vsw_mcast_sweep(m, NULL, &now);
	if (full && time_after_eq(now, full))
		WRITE_ONCE(m->full, 0);
	if (READ_ONCE(m->on))
		queue_delayed_work(system_unbound_wq, &m->gc, VSW_MCAST_GC);
}

/* ------------------------------------------------------------------ frames */

/* Return: whether routers alone are to hear it. */
static bool vsw_mcast_message(struct vsw_port *in, struct vsw_igmp *msg, u16 vid)
{
	struct vsw_mcast *m = &in->sw->mcast;
	struct vsw_group g = { .vid = vid, .family = msg->family };
	bool join;

	switch (msg->kind) {
	case VSW_IGMP_QUERY:
		spin_lock(&m->lock);
		vsw_mcast_join(m, in, &g, VSW_MCAST_ROUTER_HOLD);
		spin_unlock(&m->lock);
		return false;
	case VSW_IGMP_REPORT:
		spin_lock(&m->lock);
		while (vsw_igmp_next(msg, &g, &join)) {
			g.vid = vid;
			if (join)
				vsw_mcast_join(m, in, &g, VSW_MCAST_HOLD);
			else
				vsw_mcast_leave(m, in, &g);
		}
		spin_unlock(&m->lock);
		return true;
	}
	return false;
}

/* Where the IP header begins, and its family; 0: no IP. */
static u32 vsw_mcast_ip(const struct sk_buff *skb, u8 *family)
{
	/* A tag beside the frame counts as one among its bytes. */
	if (skb_vlan_tag_present(skb))
		return 0;
	switch (eth_hdr(skb)->h_proto) {
	case htons(ETH_P_IP):
		*family = 4;
		return ETH_HLEN;
	case htons(ETH_P_IPV6):
		*family = 6;
		return ETH_HLEN;
	}
	return 0;
}

static bool vsw_mcast_read(struct vsw_port *in, struct sk_buff *skb, u32 at, u8 family, u16 vid)
{
	struct vsw_igmp msg;

	if (skb_is_gso(skb) || skb_linearize(skb))
		return false;
	vsw_igmp_read(&msg, skb->data + at, skb->len - at, family);
	return vsw_mcast_message(in, &msg, vid);
}

/**
 * vsw_mcast_snoop() - to whom does this multicast go?
 * @in: where it has come in
 * @skb: the frame; its bytes may be moved
 * @vid: its VLAN
 * @to: comes back: to these, if the answer is true
 *
 * Context: bottom halves off, RCU read lock.
 * Return: whether it goes to them alone; else it is flooded.
 */
bool vsw_mcast_snoop(struct vsw_port *in, struct sk_buff *skb, u16 vid, struct vsw_mcast_to *to)
{
	struct vsw_mcast *m = &in->sw->mcast;
	struct vsw_group g = { .vid = vid }, routers;
	u8 room[VSW_MCAST_LINEAR], family;
	u32 at = vsw_mcast_ip(skb, &family), len, glen;
	bool report = false;
	const u8 *ip;

	if (!at || skb->len <= at)
		return false;
	len = min_t(u32, skb->len - at, VSW_MCAST_LINEAR);
	ip = skb_header_pointer(skb, at, len, room);
	glen = family == 4 ? 4 : 16;
	if (!ip || len < (family == 4 ? 20 : 40))
		return false;
	memcpy(g.address, ip + (family == 4 ? 16 : 24), glen);
	g.family = family;
	if (vsw_igmp_may_be(ip, len, family))
		report = vsw_mcast_read(in, skb, at, family, vid);

	routers = vsw_mcast_routers_of(&g);
	to->routers = vsw_mcast_find(m, &routers);
	to->members = NULL;
	if (!to->routers)
		return false;
	/* Each member is looked for among them: see vsw_mcast_has(). */
	if (READ_ONCE(to->routers->count) > VSW_MCAST_ROUTER_MAX)
		return false;
	if (report)
		return true;
	if (vsw_group_is_local(g.address, family))
		return false;
	/* Then somebody may have joined whose membership could not be noted. */
	if (READ_ONCE(m->full))
		return false;
	to->members = vsw_mcast_find(m, &g);
	return true;
}

/* Is the port among them? Under RCU. */
bool vsw_mcast_has(const struct vsw_members *m, const struct vsw_port *port)
{
	const struct vsw_member *p;

	list_for_each_entry_rcu(p, &m->list, list) {
		if (p->port == port)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------- configuration */

/**
 * vsw_mcast_set() - turn snooping on or off
 * @sw: the switch
 * @on: whether it snoops
 *
 * Context: RTNL.
 */
void vsw_mcast_set(struct vsw_switch *sw, bool on)
{
	struct vsw_mcast *m = &sw->mcast;

	ASSERT_RTNL();
	if (on == m->on)
		return;
	WRITE_ONCE(m->on, on);
	if (on) {
		static_branch_inc(&vsw_mcast_key);
		queue_delayed_work(system_unbound_wq, &m->gc, VSW_MCAST_GC);
		return;
	}
	static_branch_dec(&vsw_mcast_key);
	/* Frames that still saw it on have noted what they had to. */
	synchronize_net();
	cancel_delayed_work_sync(&m->gc);
	vsw_mcast_sweep(m, NULL, NULL);
	m->full = 0;
}

/**
 * vsw_mcast_forget() - a port is going, or is down
 * @sw: its switch
 * @port: the port; if it is going, nothing has come in by it for a grace period
 *
 * Context: RTNL.
 */
void vsw_mcast_forget(struct vsw_switch *sw, struct vsw_port *port)
{
	if (READ_ONCE(port->mcast_count))
		vsw_mcast_sweep(&sw->mcast, port, NULL);
}

/**
 * vsw_mcast_dump() - read the memberships
 * @sw: the switch
 * @to: they are written here
 * @room: how many fit
 *
 * Context: RTNL.
 * Return: how many there are.
 */
u32 vsw_mcast_dump(struct vsw_switch *sw, struct vswitch_group *to, u32 room)
{
	struct vsw_mcast *m = &sw->mcast;
	struct vsw_members *e;
	struct vsw_member *p;
	u32 n = 0;
	int i;

	for (i = 0; i < VSW_MCAST_BUCKETS; i++) {
		spin_lock_bh(&m->lock);
		hlist_for_each_entry(e, &m->bucket[i], node) {
			list_for_each_entry(p, &e->list, list) {
				long left = p->expires - jiffies;

				if (n++ >= room)
					continue;
				memset(to, 0, sizeof(*to));
				memcpy(to->address, e->group.address, sizeof(to->address));
				to->family = e->group.family;
				to->vid = e->group.vid;
				to->port = p->port->id;
				to->left_ms = left > 0 ? jiffies_to_msecs(left) : 0;
				to++;
			}
		}
		spin_unlock_bh(&m->lock);
	}
	return n;
}

/* Before a switch's first frame. The reference of @memcg stays the caller's. */
void vsw_mcast_init(struct vsw_mcast *m, struct mem_cgroup *memcg)
{
	spin_lock_init(&m->lock);
	INIT_DELAYED_WORK(&m->gc, vsw_mcast_gc_work);
	m->seed = get_random_u32();
	m->memcg = memcg;
}
