// SPDX-License-Identifier: GPL-2.0
/*
 * What the forwarding database learns from frames: new addresses, and those that
 * move, or move too often.
 */

#include <linux/jiffies.h>
#include <linux/slab.h>

#include "event.h"
#include "fdb_impl.h"
#include "port.h"
#include "switch.h"

void vsw_fdb_count_anew(struct vsw_fdb_entry *e, struct vsw_port *at)
{
	e->damped = false;
	e->moves = 0;
	e->home = at->id;
	e->window = jiffies;
}

/*
 * Where the address was before it began to move is where its owner is: what
 * goes round in a loop comes in by the ports of the loop. A port that can be
 * found leaves the database a grace period after that is over, so an entry may
 * be given to it.
 */
static void vsw_fdb_send_home(struct vsw_fdb *fdb, struct vsw_fdb_entry *e)
{
	struct vsw_port *home = fdb->sw ? vsw_switch_port(fdb->sw, e->home) : NULL;

	if (home && rcu_access_pointer(e->port) != home)
		vsw_fdb_move(fdb, e, home);
}

/*
 * Has the address changed its port too often? Two ports that lead to each other
 * make every address do so, many times a second. It is held where it was before.
 */
static bool vsw_fdb_damp(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *port)
{
	struct vsw_port *at = rcu_dereference_protected(e->port, lockdep_is_held(&fdb->lock));
	u32 limit = READ_ONCE(fdb->move_limit);

	if (e->damped && time_before(jiffies, e->window))
		return true;
	if (e->damped || time_after(jiffies, e->window + HZ))
		vsw_fdb_count_anew(e, at);
	if (!limit || ++e->moves <= limit)
		return false;
	vsw_fdb_send_home(fdb, e);
	e->window = jiffies + READ_ONCE(fdb->move_hold);
	e->damped = true;
	vsw_event(fdb->sw, VSWITCH_EVENT_LIMIT, port, e->key, 0);
	return true;
}

/* The address is known, at another port. */
static enum vsw_learn vsw_fdb_learn_moved(struct vsw_fdb *fdb, struct vsw_fdb_entry *e,
					  struct vsw_port *port)
{
	if (e->flags & VSWITCH_FDB_LOCAL)
		return VSW_LEARN_LOOP;
	if (e->flags & (VSWITCH_FDB_STATIC | VSWITCH_FDB_STICKY))
		return VSW_LEARN_REFUSED;
	if (port->fdb_limit && port->fdb_count >= port->fdb_limit)
		return VSW_LEARN_PORT_FULL;
	if (vsw_fdb_damp(fdb, e, port))
		return VSW_LEARN_REFUSED;
	vsw_fdb_move(fdb, e, port);
	e->updated = jiffies;
	return VSW_LEARN_MOVED;
}

/**
 * vsw_fdb_is_ours() - does an address belong to this host, at another port?
 * @fdb: the database
 * @port: where a frame from it has come in
 * @key: the address, in any VLAN: an own address is the same in all of them
 *
 * A frame that the host has sent through the switch or one of its uplinks comes
 * back only if there is a loop. It would be seen at one and the same port at
 * every turn, so nothing would seem to move.
 *
 * Context: RCU read lock.
 * Return: whether.
 */
bool vsw_fdb_is_ours(struct vsw_fdb *fdb, struct vsw_port *port, u64 key)
{
	struct vsw_fdb_entry *e = vsw_fdb_find(fdb, key & ~(u64)VSW_FDB_KEY_VID);

	return e && READ_ONCE(e->flags) & VSWITCH_FDB_LOCAL &&
	       rcu_access_pointer(e->port) != port;
}

/* A source address that was not known; the limits of its port have been asked. */
static bool vsw_fdb_learn_new(struct vsw_fdb *fdb, struct vsw_port *port, u64 key)
{
	u32 flags = port->conf & VSWITCH_P_STICKY ? VSWITCH_FDB_STICKY : 0;
	struct vsw_fdb_entry *e;

	if (!vsw_fdb_has_room(fdb))
		return false;
	/* Not GFP_ATOMIC: memory cgroups let that go over their limits. */
	e = vsw_fdb_entry_alloc(fdb, GFP_NOWAIT);
	if (!e)
		return false;
	if (!vsw_fdb_insert(fdb, e, port, key, flags, jiffies)) {
		kfree(e);
		return false;
	}
	vsw_event(fdb->sw, VSWITCH_EVENT_LEARNED, port, key, 0);
	return true;
}

/* The rest of vsw_fdb_learn(): the address is new, or was elsewhere. */
enum vsw_learn vsw_fdb_learn_slow(struct vsw_fdb *fdb, struct vsw_port *port, u64 key)
{
	enum vsw_learn ret = VSW_LEARN_KNOWN;
	struct vsw_fdb_entry *e;
	u32 limit;

	/* What a flood of addresses meets: no lock. */
	e = vsw_fdb_find(fdb, key);
	limit = READ_ONCE(port->fdb_limit);
	if (!e && limit && READ_ONCE(port->fdb_count) >= limit)
		return VSW_LEARN_PORT_FULL;
	if (!e && !vsw_fdb_has_room(fdb))
		return VSW_LEARN_FULL;
	if (e && READ_ONCE(e->flags) & VSWITCH_FDB_LOCAL)
		return VSW_LEARN_LOOP;
	if (e && READ_ONCE(e->flags) & (VSWITCH_FDB_STATIC | VSWITCH_FDB_STICKY))
		return VSW_LEARN_REFUSED;
	if (!e && vsw_fdb_key_vid(key) && vsw_fdb_is_ours(fdb, port, key))
		return VSW_LEARN_LOOP;
	if (e && READ_ONCE(e->damped) && time_before(jiffies, READ_ONCE(e->window)))
		return VSW_LEARN_REFUSED;

	spin_lock(&fdb->lock);
	if (fdb->frozen)
		goto out;
	e = vsw_fdb_find(fdb, key);
	if (e) {
		if (rcu_access_pointer(e->port) != port)
			ret = vsw_fdb_learn_moved(fdb, e, port);
	} else if (port->fdb_limit && port->fdb_count >= port->fdb_limit) {
		ret = VSW_LEARN_PORT_FULL;
	} else {
		ret = vsw_fdb_learn_new(fdb, port, key) ? VSW_LEARN_NEW : VSW_LEARN_FULL;
	}
out:
	spin_unlock(&fdb->lock);
	return ret;
}
