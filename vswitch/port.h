/* SPDX-License-Identifier: GPL-2.0 */
/* Ports: what is common to all kinds. */
#ifndef VSWITCH_PORT_H
#define VSWITCH_PORT_H

#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/rtnetlink.h>
#include <linux/u64_stats_sync.h>

#include <virtlite/vswitch.h>

#include "bucket.h"
#include "param.h"
#include "vlan.h"

struct netlink_ext_ack;
struct vsw_queue;
struct vsw_switch;

/* Bits of vsw_port.state: VSWITCH_STATE_*, and one that the outside never sees. */
#define VSW_BIT_UP 0
#define VSW_BIT_BLOCKED 1
#define VSW_BIT_STANDBY 2
#define VSW_BIT_GONE 8		/* it is being removed: nothing comes in or goes out */
#define VSW_STATE_OPEN VSWITCH_STATE_UP	/* that bit alone: frames pass */

#define VSW_P_ALL (VSWITCH_P_SILENT * 2 - 1)

struct vsw_pcpu {
	u64_stats_t v[VSWITCH_NR_STATS];
	struct u64_stats_sync syncp;
} ____cacheline_aligned;

/* All of a port's buckets; @lock is taken for frames only where there is one. */
struct vsw_rates {
	spinlock_t lock;	/* all of them */
	u32 set;
	struct vsw_bucket bucket[VSWITCH_NR_RATES];
	struct rcu_head rcu;
};

/* @list_size: of the list that "bridge vlan" gets. */
struct vsw_vlan_rcu {
	struct vsw_vlan v;
	u32 list_size;
	struct rcu_head rcu;
};

/**
 * struct vsw_port - a port
 * @sw: its switch. Good for whoever holds RTNL or the RCU read lock and has seen
 *	that it is not gone
 * @dev: netdev of a vNIC, an uplink or the switch itself; NULL for a queue
 * @kind: VSWITCH_KIND_*
 * @role: VSWITCH_ROLE_*
 * @id: its number, and the index in the switch's table
 * @conf: VSWITCH_P_*
 * @state: VSW_BIT_*; changed by atomic operations
 * @community: for its role
 * @vlan: its VLAN mode; NULL: transparent
 * @rates: its limits; NULL: none
 * @stats: counters
 * @xdp: of a vNIC: XDP program, or NULL
 * @cells: of a vNIC or the switch: where frames wait for its NAPI, for each CPU
 * @queue: of a queue port: its @nr_queues attached queues
 * @nr_queues: see @queue
 * @queues_open: of a queue port: queues, attached or not; under RTNL
 * @fdb_count: entries that lead here; under the database's lock
 * @fdb_limit: most learned ones; 0: no limit
 * @team: of an uplink: see struct vswitch_port
 * @mcast_count: groups that it wants; under the lock of the switch's groups
 * @mtu: of a queue
 * @mac: of a queue; of an uplink's netdev, as the FDB has it
 * @label: of a queue
 * @list: in the switch's list of ports
 * @dying: between the halves of its end
 * @ref: one for the switch while it is attached, one for the netdev of a vNIC
 *	or switch, one for each queue
 * @rcu: its memory goes a grace period after the last reference
 *
 * Everything but counters and @state is written under RTNL.
 */
struct vsw_port {
	struct vsw_switch *sw;
	struct net_device *dev;
	u8 kind;
	u8 role;
	u16 id;
	u32 conf;
	unsigned long state;
	u32 community;
	struct vsw_vlan_rcu __rcu *vlan;
	struct vsw_rates __rcu *rates;
	struct vsw_pcpu __percpu *stats;
	struct bpf_prog __rcu *xdp;
	struct vsw_cell __percpu *cells;
	struct vsw_queue __rcu *queue[VSW_MAX_QUEUES];
	u32 nr_queues;
	u32 queues_open;
	u32 fdb_count;
	u32 fdb_limit;
	u32 team;
	u32 mcast_count;
	u32 mtu;
	u8 mac[ETH_ALEN];
	char label[VSWITCH_NAME_MAX];
	struct list_head list;
	struct list_head dying;
	refcount_t ref;
	struct rcu_head rcu;
};

struct vsw_port *vsw_port_new(struct vsw_switch *sw, u8 kind);
void vsw_port_get(struct vsw_port *port);
void vsw_port_put(struct vsw_port *port);
int vsw_port_attach(struct vsw_port *port, u32 id, struct netlink_ext_ack *extack);
void vsw_port_detach_begin(struct vsw_port *port);
void vsw_port_detach_end(struct vsw_port *port);
void vsw_port_set_up(struct vsw_port *port, bool up);
void vsw_port_block(struct vsw_port *port);
int vsw_port_check_conf(const struct vsw_port *port, u32 new, struct netlink_ext_ack *extack);
void vsw_port_set_conf(struct vsw_port *port, u32 new);
int vsw_port_set_vlan(struct vsw_port *port, const struct vsw_vlan *vlan);
int vsw_port_set_rates(struct vsw_port *port, u32 set, const struct vswitch_limit *limits,
		       struct netlink_ext_ack *extack);
void vsw_port_sum(struct vsw_port *port, u64 *sums);
const char *vsw_port_name(const struct vsw_port *port);
const u8 *vsw_port_mac(const struct vsw_port *port);

static inline bool vsw_port_gone(const struct vsw_port *port)
{
	return test_bit(VSW_BIT_GONE, &port->state);
}

static inline const struct vsw_vlan *vsw_port_vlan(const struct vsw_port *port)
{
	const struct vsw_vlan_rcu *vlan = rcu_dereference_rtnl(port->vlan);

	return vlan ? &vlan->v : NULL;
}

/* How much room "bridge vlan" needs for it; under RTNL or RCU. */
static inline size_t vsw_port_vlan_size(const struct vsw_port *port)
{
	const struct vsw_vlan_rcu *vlan = rcu_dereference_rtnl(port->vlan);

	return vlan ? vlan->list_size : 0;
}

static inline void vsw_count(struct vsw_port *port, u32 what)
{
	struct vsw_pcpu *p = this_cpu_ptr(port->stats);

	u64_stats_update_begin(&p->syncp);
	u64_stats_inc(&p->v[what]);
	u64_stats_update_end(&p->syncp);
}

static inline void vsw_count_frame(struct vsw_port *port, u32 frames, u32 len)
{
	struct vsw_pcpu *p = this_cpu_ptr(port->stats);

	u64_stats_update_begin(&p->syncp);
	u64_stats_inc(&p->v[frames]);
	u64_stats_add(&p->v[frames + 1], len);
	u64_stats_update_end(&p->syncp);
}

#endif /* VSWITCH_PORT_H */
