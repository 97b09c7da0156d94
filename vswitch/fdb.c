// SPDX-License-Identifier: GPL-2.0
/*
 * The forwarding database: its life, and its entries' way in and out.
 *
 * Readers walk buckets under RCU and take no lock. Whoever changes a bucket
 * holds fdb->lock for the moment.
 *
 * A port's entries must be gone before the port: its owner stops its input,
 * waits a grace period (so that nobody learns for it any more), flushes, and
 * frees it a grace period later (so that nobody who found an entry still holds
 * it).
 */

#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "event.h"
#include "fdb_impl.h"
#include "owner.h"
#include "param.h"
#include "port.h"

static void vsw_fdb_uncount(struct vsw_fdb *fdb, struct vsw_fdb_entry *e)
{
	struct vsw_port *port = rcu_dereference_protected(e->port, lockdep_is_held(&fdb->lock));

	lockdep_assert_held(&fdb->lock);
	WRITE_ONCE(fdb->count, fdb->count - 1);
	WRITE_ONCE(port->fdb_count, port->fdb_count - 1);
	atomic_dec(fdb->budget);
	vsw_owner_count_address(fdb->owner, -1);
}

void vsw_fdb_remove(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way)
{
	struct vsw_fdb_entry *e = rcu_dereference_protected(b->entry[way],
							    lockdep_is_held(&fdb->lock));

	WRITE_ONCE(b->tag[way], 0);
	RCU_INIT_POINTER(b->entry[way], NULL);
	vsw_fdb_uncount(fdb, e);
	kfree_rcu(e, rcu);
}

bool vsw_fdb_has_room(struct vsw_fdb *fdb)
{
	return READ_ONCE(fdb->count) < READ_ONCE(fdb->limit) &&
	       (u32)atomic_read(fdb->budget) < READ_ONCE(vsw_param_max_fdb) &&
	       vsw_owner_may_add_address(fdb->owner);
}

/* Memory for an entry, of whoever pays for the database. */
struct vsw_fdb_entry *vsw_fdb_entry_alloc(struct vsw_fdb *fdb, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(fdb->memcg);
	struct vsw_fdb_entry *e = kzalloc(sizeof(*e), gfp | __GFP_ACCOUNT | __GFP_NOWARN);

	set_active_memcg(old);
	return e;
}

/*
 * The new entry @e, in the table and counted. The limits have been asked.
 * Return: whether it found a place; if not, it is still the caller's.
 */
bool vsw_fdb_insert(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *port,
		    u64 key, u32 flags, unsigned long updated)
{
	struct vsw_fdb_table *t = vsw_fdb_table(fdb);

	lockdep_assert_held(&fdb->lock);
	e->key = key;
	e->updated = updated;
	e->window = jiffies;
	e->home = port->id;
	e->flags = flags;
	RCU_INIT_POINTER(e->port, port);
	if (!vsw_fdb_put(t, e)) {
		vsw_fdb_want_grow(fdb, t);
		return false;
	}
	WRITE_ONCE(fdb->count, fdb->count + 1);
	WRITE_ONCE(port->fdb_count, port->fdb_count + 1);
	atomic_inc(fdb->budget);
	vsw_owner_count_address(fdb->owner, 1);
	if (fdb->count > vsw_fdb_capacity(t->mask))
		vsw_fdb_want_grow(fdb, t);
	return true;
}

void vsw_fdb_move(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *to)
{
	struct vsw_port *from = rcu_dereference_protected(e->port, lockdep_is_held(&fdb->lock));

	WRITE_ONCE(from->fdb_count, from->fdb_count - 1);
	WRITE_ONCE(to->fdb_count, to->fdb_count + 1);
	rcu_assign_pointer(e->port, to);
	vsw_event(fdb->sw, VSWITCH_EVENT_MOVED, to, e->key, from->id);
}

/* Return: 0, -EEXIST, -EPERM, -ENOSPC, -ENOMEM; *@new is NULL if it is in the table. */
static int vsw_fdb_add_locked(struct vsw_fdb *fdb, struct vsw_port *port, u64 key, u32 flags,
			      unsigned long updated, bool replace, struct vsw_fdb_entry **new)
{
	struct vsw_fdb_entry *e = vsw_fdb_find(fdb, key);

	if (e && (!replace || e->flags & VSWITCH_FDB_LOCAL))
		return replace ? -EPERM : -EEXIST;
	if (e) {
		WRITE_ONCE(e->flags, flags);
		WRITE_ONCE(e->updated, updated);
		vsw_fdb_count_anew(e, port);
		if (rcu_access_pointer(e->port) != port)
			vsw_fdb_move(fdb, e, port);
		return 0;
	}
	/* The host's own are few, one of a port, and a flood must not keep them out. */
	if (!(flags & VSWITCH_FDB_LOCAL) && !vsw_fdb_has_room(fdb))
		return -ENOSPC;
	if (!vsw_fdb_insert(fdb, *new, port, key, flags, updated))
		return -ENOMEM;
	*new = NULL;
	vsw_event(fdb->sw, VSWITCH_EVENT_LEARNED, port, key, 0);
	return 0;
}

/**
 * vsw_fdb_add() - an entry that the configuration demands
 * @fdb: the database
 * @port: where the address is; it stays attached during the call
 * @key: the address
 * @flags: VSWITCH_FDB_*; limits are not asked for VSWITCH_FDB_LOCAL
 * @age: jiffies since it was seen
 * @replace: also if there is an entry
 *
 * Context: may sleep.
 * Return: 0, -EEXIST, -EPERM if the entry is the switch's own address, -ENOSPC
 * at a limit, -ENOMEM.
 */
int vsw_fdb_add(struct vsw_fdb *fdb, struct vsw_port *port, u64 key, u32 flags,
		unsigned long age, bool replace)
{
	struct vsw_fdb_entry *new = vsw_fdb_entry_alloc(fdb, GFP_KERNEL | __GFP_RETRY_MAYFAIL);
	int ret, tries;

	if (!new)
		return -ENOMEM;
	mutex_lock(&fdb->mutex);
	for (tries = 0; tries < 2; tries++) {
		spin_lock_bh(&fdb->lock);
		ret = vsw_fdb_add_locked(fdb, port, key, flags, jiffies - age, replace, &new);
		spin_unlock_bh(&fdb->lock);
		/* Both buckets full: a larger table tells. */
		if (ret != -ENOMEM || vsw_fdb_grow(fdb))
			break;
	}
	mutex_unlock(&fdb->mutex);
	kfree(new);
	return ret;
}

static int vsw_fdb_take(struct vsw_fdb *fdb, u64 key, struct vsw_port *owner)
{
	struct vsw_fdb_table *t;
	struct vsw_fdb_entry *e;
	u32 where[2];
	int i, way, ret = -ENOENT;
	u64 hash;

	mutex_lock(&fdb->mutex);
	t = vsw_fdb_table(fdb);
	hash = vsw_fdb_hash(&t->salt, key);
	where[0] = vsw_fdb_first(hash, t->mask);
	where[1] = vsw_fdb_second(hash, t->mask);
	spin_lock_bh(&fdb->lock);
	for (i = 0; i < 2 && ret == -ENOENT; i++) {
		for (way = 0; way < VSW_FDB_WAYS; way++) {
			e = vsw_fdb_way(&t->bucket[where[i]], way);
			if (!e || e->key != key)
				continue;
			ret = 0;
			if (e->flags & VSWITCH_FDB_LOCAL &&
			    (!owner || rcu_access_pointer(e->port) != owner))
				ret = -EPERM;
			if (!ret)
				vsw_fdb_remove(fdb, &t->bucket[where[i]], way);
			break;
		}
	}
	spin_unlock_bh(&fdb->lock);
	mutex_unlock(&fdb->mutex);
	return ret;
}

/**
 * vsw_fdb_del() - remove an entry
 * @fdb: the database
 * @key: the address
 *
 * Context: may sleep.
 * Return: 0, -ENOENT, -EPERM if it is an address of the host's own.
 */
int vsw_fdb_del(struct vsw_fdb *fdb, u64 key)
{
	return vsw_fdb_take(fdb, key, NULL);
}

/**
 * vsw_fdb_del_own() - a port's netdev has another address now
 * @fdb: the database
 * @port: the port
 * @key: the old address
 *
 * Context: may sleep.
 */
void vsw_fdb_del_own(struct vsw_fdb *fdb, struct vsw_port *port, u64 key)
{
	vsw_fdb_take(fdb, key, port);
}

/**
 * vsw_fdb_init() - an empty database
 * @fdb: zeroed memory
 * @sw: whose it is
 * @budget: the network namespace's count of entries
 *
 * The creator's memory cgroup pays for it.
 *
 * Return: 0 or -ENOMEM.
 */
int vsw_fdb_init(struct vsw_fdb *fdb, struct vsw_switch *sw, atomic_t *budget)
{
	struct vsw_fdb_table *t;

	spin_lock_init(&fdb->lock);
	mutex_init(&fdb->mutex);
	INIT_DELAYED_WORK(&fdb->gc, vsw_fdb_gc_work);
	INIT_WORK(&fdb->grow, vsw_fdb_grow_work);
	fdb->sw = sw;
	fdb->budget = budget;
	fdb->limit = VSW_FDB_LIMIT_DEFAULT;
	fdb->move_limit = VSW_MOVE_LIMIT_DEFAULT;
	fdb->move_hold = msecs_to_jiffies(VSW_MOVE_HOLD_DEFAULT);
	fdb->memcg = current->mm ? get_mem_cgroup_from_mm(current->mm) : NULL;
	t = vsw_fdb_alloc(fdb, VSW_FDB_FIRST_MASK, 1);
	if (!t) {
		mem_cgroup_put(fdb->memcg);
		return -ENOMEM;
	}
	rcu_assign_pointer(fdb->table, t);
	vsw_fdb_set_ageing(fdb, msecs_to_jiffies(VSW_AGEING_DEFAULT));
	return 0;
}

/**
 * vsw_fdb_stop() - nothing happens by itself any more
 * @fdb: the database; nobody learns any more
 */
void vsw_fdb_stop(struct vsw_fdb *fdb)
{
	mutex_lock(&fdb->mutex);
	fdb->ageing = 0;
	mutex_unlock(&fdb->mutex);
	cancel_delayed_work_sync(&fdb->gc);
	cancel_work_sync(&fdb->grow);
}

/**
 * vsw_fdb_destroy() - free an empty, stopped database
 * @fdb: it; a grace period ago somebody may still have read it
 */
void vsw_fdb_destroy(struct vsw_fdb *fdb)
{
	WARN_ON_ONCE(fdb->count);
	kvfree(rcu_dereference_protected(fdb->table, 1));
	mem_cgroup_put(fdb->memcg);
}
