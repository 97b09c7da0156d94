// SPDX-License-Identifier: GPL-2.0
/*
 * Teams: uplinks of one switch that lead to the same segment. The one with the
 * lowest number among those that are up is active; the others stand by, which is
 * a bit of their state, so that nothing comes in or goes out by them and a frame's
 * way knows nothing of teams. When another one becomes active, what was known to
 * be behind the old one is behind the new one, and the segment is told where the
 * addresses on this side of it are now.
 *
 * Everything here runs under RTNL.
 */

#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "announce.h"
#include "event.h"
#include "forward.h"
#include "switch.h"
#include "team.h"

/* What the segment is told at most: a queue of an interface takes about as much. */
#define VSW_TEAM_ANNOUNCE 1024
#define VSW_TEAM_CHUNK 64

/* Tell the segment that an address is reached by @out now. Is there something to tell? */
static bool vsw_team_announce_one(struct vsw_port *out, const struct vswitch_fdb_entry *e)
{
	struct vsw_port *in = vsw_switch_port(out->sw, e->port);
	const struct vsw_vlan *vlan;
	struct sk_buff *skb;
	u16 vid = e->vid;

	if (!in || in->kind == VSWITCH_KIND_UPLINK)
		return false;
	/* The host's own entry is in no VLAN, but its port may be. */
	vlan = vsw_port_vlan(in);
	if (!vid && vlan)
		vid = vlan->vid;
	skb = vsw_announce_skb(out->sw, 0, e->mac, NULL);
	if (!IS_ERR(skb))
		vsw_forward_to(in, out, skb, vid);
	return true;
}

static void vsw_team_announce(struct vsw_port *out)
{
	struct vswitch_fdb_entry *e;
	u32 i, n, left = VSW_TEAM_ANNOUNCE;
	u64 cursor = 0;

	e = kmalloc_array(VSW_TEAM_CHUNK, sizeof(*e), GFP_KERNEL);
	if (!e)
		return;
	do {
		n = VSW_TEAM_CHUNK;
		/* A table that was rebuilt meanwhile: who is missing is heard when he speaks. */
		if (vsw_fdb_dump(&out->sw->fdb, NULL, &cursor, e, &n))
			break;
		/* What is behind the uplink itself may be most of the table. */
		for (i = 0; i < n && left; i++)
			left -= vsw_team_announce_one(out, &e[i]);
		cond_resched();
	} while (cursor && left);
	kfree(e);
}

/**
 * vsw_team_update() - find out which port of a team is to be used
 * @sw: the switch
 * @team: its number, 0: none
 *
 * While none is up everything stays as it was.
 *
 * Context: RTNL.
 */
void vsw_team_update(struct vsw_switch *sw, u32 team)
{
	struct vsw_port *p, *active = NULL, *old = NULL;

	ASSERT_RTNL();
	if (!team || vsw_port_gone(sw->local))
		return;
	list_for_each_entry(p, &sw->ports, list) {
		if (p->team == team && test_bit(VSW_BIT_UP, &p->state) &&
		    (!active || p->id < active->id))
			active = p;
	}
	if (!active)
		return;
	/* First the one, then the other: two at a time are a loop. */
	list_for_each_entry(p, &sw->ports, list) {
		if (p->team != team || p == active || test_bit(VSW_BIT_STANDBY, &p->state))
			continue;
		old = p;
		set_bit(VSW_BIT_STANDBY, &p->state);
	}
	if (old) {
		/* A frame that came in before may still teach the switch the old way. */
		synchronize_net();
		list_for_each_entry(p, &sw->ports, list) {
			if (p->team != team || p == active)
				continue;
			vsw_fdb_rehome(&sw->fdb, p, active);
			vsw_mcast_forget(sw, p);
		}
	}
	if (!test_and_clear_bit(VSW_BIT_STANDBY, &active->state))
		return;
	vsw_event(sw, VSWITCH_EVENT_TEAM, active, 0, old ? old->id : VSWITCH_PORT_NONE);
	vsw_team_announce(active);
}

/**
 * vsw_team_begin() - a new uplink shall be one of a team
 * @port: it, not yet attached
 * @team: its number, or 0
 *
 * It stands by until it is known to be up: there is not a moment in which it and
 * another one are open.
 */
void vsw_team_begin(struct vsw_port *port, u32 team)
{
	port->team = team;
	if (team)
		set_bit(VSW_BIT_STANDBY, &port->state);
}

/**
 * vsw_team_set() - an uplink changes its team
 * @port: it
 * @team: the number of the new one, or 0
 *
 * Context: RTNL.
 */
void vsw_team_set(struct vsw_port *port, u32 team)
{
	u32 old = port->team;

	ASSERT_RTNL();
	if (team == old)
		return;
	port->team = team;
	vsw_team_update(port->sw, old);
	if (team)
		vsw_team_update(port->sw, team);
	else
		clear_bit(VSW_BIT_STANDBY, &port->state);
}
