// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: their numbers, their life and what the configuration may change.
 *
 * The end of a port has two halves with a grace period between them: first
 * nothing comes in or goes out by it any more (detach_begin), then nobody is in
 * the middle of doing so (synchronize_net(), once for many ports), then what
 * others know of it is forgotten (detach_end). Its memory goes with the last
 * reference and another grace period.
 */

#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "bridge.h"
#include "compat.h"
#include "event.h"
#include "frame.h"
#include "port.h"
#include "queue.h"
#include "switch.h"
#include "team.h"

/**
 * vsw_port_new() - a port that nobody knows yet
 * @sw: its switch
 * @kind: VSWITCH_KIND_*
 *
 * Return: it, with one reference, or NULL for lack of memory.
 */
struct vsw_port *vsw_port_new(struct vsw_switch *sw, u8 kind)
{
	struct vsw_port *port;
	int cpu;

	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return NULL;
	port->stats = alloc_percpu_gfp(struct vsw_pcpu, GFP_KERNEL_ACCOUNT);
	if (!port->stats) {
		kfree(port);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(port->stats, cpu)->syncp);
	port->sw = sw;
	port->kind = kind;
	port->conf = VSWITCH_P_DEFAULT;
	port->mtu = ETH_DATA_LEN;
	INIT_LIST_HEAD(&port->list);
	refcount_set(&port->ref, 1);
	return port;
}

static void vsw_port_free(struct rcu_head *rcu)
{
	struct vsw_port *port = container_of(rcu, struct vsw_port, rcu);

	kfree(rcu_dereference_protected(port->vlan, 1));
	kfree(rcu_dereference_protected(port->rates, 1));
	free_percpu(port->stats);
	kfree(port);
}

void vsw_port_get(struct vsw_port *port)
{
	refcount_inc(&port->ref);
}

void vsw_port_put(struct vsw_port *port)
{
	if (refcount_dec_and_test(&port->ref))
		call_rcu(&port->rcu, vsw_port_free);
}

/**
 * vsw_port_attach() - make a port one of its switch's
 * @port: a new port
 * @id: its number, 0: the lowest free one; of the local port not looked at
 * @extack: says what is wrong
 *
 * Takes a reference for the switch. The port is still down.
 *
 * Context: RTNL.
 * Return: 0, -EEXIST, -ENOSPC, -ERANGE, -ENOMEM.
 */
int vsw_port_attach(struct vsw_port *port, u32 id, struct netlink_ext_ack *extack)
{
	struct vsw_switch *sw = port->sw;
	struct vsw_net *vn = vsw_net(dev_net(sw->dev));
	int ret;

	ASSERT_RTNL();
	if (vn->nr_ports >= READ_ONCE(vsw_param_max_ports)) {
		NL_SET_ERR_MSG(extack, "this network namespace may have no more ports");
		return -ENOSPC;
	}
	ret = vsw_owner_may_add_port(sw->owner, extack);
	if (ret)
		return ret;
	if (port->kind == VSWITCH_KIND_LOCAL) {
		ret = xa_insert(&sw->ids, VSWITCH_PORT_LOCAL, port, GFP_KERNEL_ACCOUNT);
		id = VSWITCH_PORT_LOCAL;
	} else if (id) {
		if (id >= VSW_MAX_PORTS) {
			NL_SET_ERR_MSG(extack, "port numbers are below 4096");
			return -ERANGE;
		}
		ret = xa_insert(&sw->ids, id, port, GFP_KERNEL_ACCOUNT);
		if (ret == -EBUSY) {
			NL_SET_ERR_MSG(extack, "the switch has a port of that number");
			ret = -EEXIST;
		}
	} else {
		ret = xa_alloc(&sw->ids, &id, port, XA_LIMIT(1, VSW_MAX_PORTS - 1),
			       GFP_KERNEL_ACCOUNT);
		if (ret == -EBUSY) {
			NL_SET_ERR_MSG(extack, "the switch has 4096 ports");
			ret = -ENOSPC;
		}
	}
	if (ret)
		return ret;

	port->id = id;
	vsw_port_get(port);
	list_add_tail_rcu(&port->list, &sw->ports);
	sw->nr_ports++;
	vn->nr_ports++;
	vsw_owner_count_port(sw->owner, 1);
	vsw_event(sw, VSWITCH_EVENT_PORT_ADDED, port, 0, 0);
	return 0;
}

/**
 * vsw_port_detach_begin() - nothing shall come in or go out by it any more
 * @port: an attached port, or one for which this has been said already
 *
 * Context: RTNL.
 */
void vsw_port_detach_begin(struct vsw_port *port)
{
	ASSERT_RTNL();
	if (list_empty(&port->list) || vsw_port_gone(port))
		return;
	set_bit(VSW_BIT_GONE, &port->state);
	list_del_rcu(&port->list);
	xa_erase(&port->sw->ids, port->id);
	vsw_mirror_forget(port->sw, port);
	vsw_queue_detach_port(port);
	vsw_event(port->sw, VSWITCH_EVENT_PORT_REMOVED, port, 0, 0);
	vsw_team_update(port->sw, port->team);
}

/**
 * vsw_port_detach_end() - and all that is known of it shall be forgotten
 * @port: vsw_port_detach_begin() was a grace period ago
 *
 * Drops the switch's reference.
 *
 * Context: RTNL.
 */
void vsw_port_detach_end(struct vsw_port *port)
{
	struct vsw_switch *sw = port->sw;

	ASSERT_RTNL();
	vsw_fdb_flush(&sw->fdb, port, -1, VSW_FLUSH_ALL);
	vsw_mcast_forget(sw, port);
	if (rcu_access_pointer(port->vlan))
		vsw_switch_set_vlan_ports(sw, -1);
	sw->nr_ports--;
	vsw_net(dev_net(sw->dev))->nr_ports--;
	vsw_owner_count_port(sw->owner, -1);
	vsw_port_put(port);
}

/**
 * vsw_port_set_up() - what is behind a port works, or does not
 * @port: the port
 * @up: whether
 *
 * Context: RTNL.
 */
void vsw_port_set_up(struct vsw_port *port, bool up)
{
	ASSERT_RTNL();
	if (up == test_bit(VSW_BIT_UP, &port->state))
		return;
	if (up)
		set_bit(VSW_BIT_UP, &port->state);
	else
		clear_bit(VSW_BIT_UP, &port->state);
	if (vsw_port_gone(port))
		return;
	vsw_event(port->sw, up ? VSWITCH_EVENT_PORT_UP : VSWITCH_EVENT_PORT_DOWN, port, 0, 0);
	vsw_team_update(port->sw, port->team);
	if (up)
		return;
	vsw_fdb_flush(&port->sw->fdb, port, -1, VSW_FLUSH_LEARNED);
	vsw_mcast_forget(port->sw, port);
}

/**
 * vsw_port_block() - stop a port: a frame has shown that it must not be open
 * @port: the port
 *
 * Context: any but hard interrupts, RCU read lock.
 */
void vsw_port_block(struct vsw_port *port)
{
	if (!test_and_set_bit(VSW_BIT_BLOCKED, &port->state))
		vsw_event(port->sw, VSWITCH_EVENT_BLOCKED, port, 0, 0);
}

/**
 * vsw_port_check_conf() - may a port do this?
 * @port: the port
 * @new: VSWITCH_P_*, all that it shall do
 * @extack: says what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int vsw_port_check_conf(const struct vsw_port *port, u32 new, struct netlink_ext_ack *extack)
{
	if (new & VSWITCH_P_LOCKED && port->kind != VSWITCH_KIND_VNIC) {
		NL_SET_ERR_MSG(extack, "only a vNIC has an owner against whom to lock it");
		return -EINVAL;
	}
	if (new & VSWITCH_P_ANTISPOOF && port->kind == VSWITCH_KIND_UPLINK) {
		NL_SET_ERR_MSG(extack, "what is behind an uplink has more addresses than its own");
		return -EINVAL;
	}
	return 0;
}

/**
 * vsw_port_set_conf() - change what a port does
 * @port: the port
 * @new: VSWITCH_P_*, checked
 *
 * Context: RTNL.
 */
void vsw_port_set_conf(struct vsw_port *port, u32 new)
{
	ASSERT_RTNL();
	WRITE_ONCE(port->conf, new);
	/* Its owner could take it to a namespace of his, and end that with it. */
	if (port->kind == VSWITCH_KIND_VNIC)
		compat_dev_set_netns_immutable(port->dev, new & VSWITCH_P_LOCKED);
	/* Entries that should not have been learned would never be refreshed. */
	if (!(new & VSWITCH_P_LEARN))
		vsw_fdb_flush(&port->sw->fdb, port, -1, VSW_FLUSH_LEARNED);
}

/**
 * vsw_port_set_vlan() - change a port's VLAN mode
 * @port: the port
 * @vlan: the mode, checked; NULL: transparent
 *
 * Context: RTNL.
 * Return: 0 or -ENOMEM.
 */
int vsw_port_set_vlan(struct vsw_port *port, const struct vsw_vlan *vlan)
{
	struct vsw_vlan_rcu *new = NULL, *old = rtnl_dereference(port->vlan);

	if (vlan) {
		new = kmalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		new->v = *vlan;
		new->list_size = vsw_bridge_vlan_size(vlan);
	}
	rcu_assign_pointer(port->vlan, new);
	vsw_switch_set_vlan_ports(port->sw, !!new - !!old);
	vsw_fdb_flush(&port->sw->fdb, port, -1, VSW_FLUSH_LEARNED);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/* The default burst: a tenth of a second, and room for a few frames. */
static u64 vsw_default_burst(u32 which, u64 rate)
{
	return max(rate / 10, which <= VSWITCH_RATE_OUT ? 65536ULL : 8ULL);
}

/**
 * vsw_port_set_rates() - change a port's limits
 * @port: the port
 * @set: bit N: change limit N
 * @limits: VSWITCH_NR_RATES limits
 * @extack: says what is wrong
 *
 * Context: RTNL.
 * Return: 0, -ERANGE, -ENOMEM.
 */
int vsw_port_set_rates(struct vsw_port *port, u32 set, const struct vswitch_limit *limits,
		       struct netlink_ext_ack *extack)
{
	struct vsw_rates *new, *old = rtnl_dereference(port->rates);
	u32 i;

	for (i = 0; i < VSWITCH_NR_RATES; i++) {
		if (set & BIT(i) && (limits[i].rate > VSW_BUCKET_MAX ||
				     limits[i].burst > VSW_BUCKET_MAX)) {
			NL_SET_ERR_MSG(extack, "a rate or burst above 10^12");
			return -ERANGE;
		}
	}
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	spin_lock_init(&new->lock);
	for (i = 0; i < VSWITCH_NR_RATES; i++) {
		u64 rate = set & BIT(i) ? limits[i].rate : old ? old->bucket[i].rate : 0;
		u64 burst = set & BIT(i) ? limits[i].burst : old ? old->bucket[i].burst : 0;

		if (!rate)
			continue;
		new->set |= BIT(i);
		vsw_bucket_init(&new->bucket[i], rate, burst ?: vsw_default_burst(i, rate),
				ktime_get_ns());
	}
	if (!new->set) {
		kfree(new);
		new = NULL;
	}
	rcu_assign_pointer(port->rates, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/**
 * vsw_port_sum() - a port's counters
 * @port: the port
 * @sums: VSWITCH_NR_STATS numbers
 */
void vsw_port_sum(struct vsw_port *port, u64 *sums)
{
	u64 v[VSWITCH_NR_STATS];
	unsigned int start;
	int cpu, i;

	memset(sums, 0, sizeof(v));
	for_each_possible_cpu(cpu) {
		struct vsw_pcpu *p = per_cpu_ptr(port->stats, cpu);

		do {
			start = u64_stats_fetch_begin(&p->syncp);
			for (i = 0; i < VSWITCH_NR_STATS; i++)
				v[i] = u64_stats_read(&p->v[i]);
		} while (u64_stats_fetch_retry(&p->syncp, start));
		for (i = 0; i < VSWITCH_NR_STATS; i++)
			sums[i] += v[i];
	}
}

/* Its name as people know it; under RTNL. */
const char *vsw_port_name(const struct vsw_port *port)
{
	return port->dev ? port->dev->name : port->label;
}

/* Its own address; under RTNL or RCU. */
const u8 *vsw_port_mac(const struct vsw_port *port)
{
	return port->dev ? port->dev->dev_addr : port->mac;
}
