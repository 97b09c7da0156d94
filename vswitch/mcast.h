/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IGMP and MLD snooping: which ports want which groups, and behind which ports
 * there are multicast routers.
 */
#ifndef VSWITCH_MCAST_H
#define VSWITCH_MCAST_H

#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <virtlite/vswitch.h>

#include "igmp.h"

struct sk_buff;
struct vsw_port;
struct vsw_switch;

#define VSW_MCAST_BUCKETS 256
#define VSW_MCAST_MAX 8192		/* memberships of a switch */
#define VSW_MCAST_PORT_MAX 512		/* of one port */
#define VSW_MCAST_ROUTER_MAX 32		/* routers of a VLAN, above which it is flooded */

/* Some switch snoops. */
DECLARE_STATIC_KEY_FALSE(vsw_mcast_key);

/**
 * struct vsw_member - a port that wants a group
 * @list: in the group's list; RCU readers
 * @port: the port; it forgets its memberships before it goes
 * @expires: jiffies
 * @rcu: its way out
 */
struct vsw_member {
	struct list_head list;
	struct vsw_port *port;
	unsigned long expires;
	struct rcu_head rcu;
};

/**
 * struct vsw_members - a group, or the routers of a VLAN
 * @node: in its bucket; RCU readers
 * @group: never changes
 * @list: struct vsw_member; never empty while this is in its bucket
 * @count: of them
 * @rcu: its way out
 */
struct vsw_members {
	struct hlist_node node;
	struct vsw_group group;
	struct list_head list;
	u32 count;
	struct rcu_head rcu;
};

/**
 * struct vsw_mcast - what a switch knows of groups
 * @on: it snoops; under RTNL
 * @lock: to change anything
 * @count: memberships
 * @seed: of the hash
 * @full: jiffies until which groups that are not known are flooded, for there was
 *	no room to note who wants them; 0: there was
 * @memcg: who pays, or NULL
 * @gc: forgets what has expired
 * @bucket: see struct vsw_members
 */
struct vsw_mcast {
	bool on;
	spinlock_t lock;	/* everything below */
	u32 count;
	u32 seed;
	unsigned long full;
	struct mem_cgroup *memcg;
	struct delayed_work gc;
	struct hlist_head bucket[VSW_MCAST_BUCKETS];
};

/**
 * struct vsw_mcast_to - to whom a multicast goes
 * @members: who wants it, or NULL
 * @routers: those who want all, or NULL
 */
struct vsw_mcast_to {
	const struct vsw_members *members;
	const struct vsw_members *routers;
};

bool vsw_mcast_snoop(struct vsw_port *in, struct sk_buff *skb, u16 vid, struct vsw_mcast_to *to);
bool vsw_mcast_has(const struct vsw_members *m, const struct vsw_port *port);
void vsw_mcast_set(struct vsw_switch *sw, bool on);
void vsw_mcast_forget(struct vsw_switch *sw, struct vsw_port *port);
u32 vsw_mcast_dump(struct vsw_switch *sw, struct vswitch_group *to, u32 room);
void vsw_mcast_init(struct vsw_mcast *m, struct mem_cgroup *memcg);

#endif /* VSWITCH_MCAST_H */
