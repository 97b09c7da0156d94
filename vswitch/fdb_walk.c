// SPDX-License-Identifier: GPL-2.0
/* What goes through all of the forwarding database: flushing, ageing, reading. */

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>

#include "event.h"
#include "fdb_impl.h"
#include "port.h"

/**
 * struct vsw_fdb_visit - what a walk changes
 * @fn: is called for each entry, with the lock held
 * @port: only for entries of this port, or NULL
 * @vid: for @fn: of this VLAN, or -1
 * @kinds: for @fn: see vsw_fdb_flush()
 * @now: for @fn: jiffies
 * @to: for @fn: a port
 */
struct vsw_fdb_visit {
	void (*fn)(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way,
		   const struct vsw_fdb_visit *v);
	struct vsw_port *port;
	int vid;
	u32 kinds;
	unsigned long now;
	struct vsw_port *to;
};

/* The lock is held for one entry at a time. May sleep. */
static void vsw_fdb_walk(struct vsw_fdb *fdb, const struct vsw_fdb_visit *v)
{
	struct vsw_fdb_table *t;
	struct vsw_fdb_entry *e;
	int way;
	u32 i;

	mutex_lock(&fdb->mutex);
	t = vsw_fdb_table(fdb);
	for (i = 0; i <= t->mask; i++) {
		if (v->port && !READ_ONCE(v->port->fdb_count))
			break;
		for (way = 0; way < VSW_FDB_WAYS; way++) {
			if (!READ_ONCE(t->bucket[i].tag[way]))
				continue;
			spin_lock_bh(&fdb->lock);
			e = vsw_fdb_way(&t->bucket[i], way);
			if (e && (!v->port || rcu_access_pointer(e->port) == v->port))
				v->fn(fdb, &t->bucket[i], way, v);
			spin_unlock_bh(&fdb->lock);
		}
		if (i % VSW_FDB_CHUNK == 0)
			cond_resched();
	}
	mutex_unlock(&fdb->mutex);
}

static void vsw_fdb_flush_one(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way,
			      const struct vsw_fdb_visit *v)
{
	struct vsw_fdb_entry *e = vsw_fdb_way(b, way);

	if (!(e->flags & ~v->kinds) && (v->vid < 0 || vsw_fdb_key_vid(e->key) == v->vid))
		vsw_fdb_remove(fdb, b, way);
}

/**
 * vsw_fdb_flush() - remove many entries
 * @fdb: the database
 * @port: those of this port, or NULL: of all
 * @vid: those of this VLAN, or -1: of all
 * @kinds: of the kinds in VSWITCH_FDB_*, those to be taken, too
 *
 * Context: may sleep.
 */
void vsw_fdb_flush(struct vsw_fdb *fdb, struct vsw_port *port, int vid, u32 kinds)
{
	const struct vsw_fdb_visit v = {
		.fn = vsw_fdb_flush_one,
		.port = port,
		.vid = vid,
		.kinds = kinds,
	};

	vsw_fdb_walk(fdb, &v);
}

static void vsw_fdb_rehome_one(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way,
			       const struct vsw_fdb_visit *v)
{
	struct vsw_fdb_entry *e = vsw_fdb_way(b, way);

	if (e->flags & VSWITCH_FDB_LOCAL)
		return;
	vsw_fdb_move(fdb, e, v->to);
	vsw_fdb_count_anew(e, v->to);
}

/**
 * vsw_fdb_rehome() - what was behind one port is behind another
 * @fdb: the database
 * @from: the one; what its netdev's own address is stays
 * @to: the other, attached, whose limit is not asked
 *
 * Context: may sleep.
 */
void vsw_fdb_rehome(struct vsw_fdb *fdb, struct vsw_port *from, struct vsw_port *to)
{
	const struct vsw_fdb_visit v = {
		.fn = vsw_fdb_rehome_one,
		.port = from,
		.to = to,
	};

	vsw_fdb_walk(fdb, &v);
}

static void vsw_fdb_expire_one(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way,
			       const struct vsw_fdb_visit *v)
{
	struct vsw_fdb_entry *e = vsw_fdb_way(b, way);

	/* Somebody may just have said that nothing ages any more. */
	if (!fdb->ageing || e->flags & (VSWITCH_FDB_STATIC | VSWITCH_FDB_LOCAL) ||
	    time_before(v->now, READ_ONCE(e->updated) + fdb->ageing))
		return;
	vsw_event(fdb->sw, VSWITCH_EVENT_EXPIRED,
		  rcu_dereference_protected(e->port, lockdep_is_held(&fdb->lock)), e->key, 0);
	vsw_fdb_remove(fdb, b, way);
}

/**
 * vsw_fdb_expire() - forget what has aged
 * @fdb: the database
 * @now: jiffies
 *
 * Context: may sleep.
 */
void vsw_fdb_expire(struct vsw_fdb *fdb, unsigned long now)
{
	const struct vsw_fdb_visit v = { .fn = vsw_fdb_expire_one, .now = now };

	vsw_fdb_walk(fdb, &v);
}

/* Often enough that nothing outlives its age by more than a quarter of it. */
static unsigned long vsw_fdb_gc_period(struct vsw_fdb *fdb)
{
	return clamp(fdb->ageing / 4, (unsigned long)HZ / 4, 30UL * HZ);
}

void vsw_fdb_gc_work(struct work_struct *work)
{
	struct vsw_fdb *fdb = container_of(to_delayed_work(work), struct vsw_fdb, gc);

	vsw_fdb_expire(fdb, jiffies);
	if (fdb->ageing)
		queue_delayed_work(system_unbound_wq, &fdb->gc, vsw_fdb_gc_period(fdb));
}

/**
 * vsw_fdb_set_ageing() - change the age at which entries are forgotten
 * @fdb: the database
 * @ageing: jiffies; 0: never
 *
 * Context: may sleep.
 */
void vsw_fdb_set_ageing(struct vsw_fdb *fdb, unsigned long ageing)
{
	mutex_lock(&fdb->mutex);
	fdb->ageing = ageing;
	mutex_unlock(&fdb->mutex);
	if (ageing)
		mod_delayed_work(system_unbound_wq, &fdb->gc, vsw_fdb_gc_period(fdb));
}

static void vsw_fdb_tell(struct vswitch_fdb_entry *to, struct vsw_fdb_entry *e)
{
	memset(to, 0, sizeof(*to));
	vsw_fdb_key_mac(e->key, to->mac);
	to->vid = vsw_fdb_key_vid(e->key);
	to->port = rcu_dereference(e->port)->id;
	to->flags = READ_ONCE(e->flags);
	to->age_ms = min_t(u64, jiffies_to_msecs(jiffies - READ_ONCE(e->updated)), U32_MAX);
}

/**
 * vsw_fdb_dump() - read entries
 * @fdb: the database
 * @port: those of this port, or NULL: of all
 * @cursor: 0 to begin; on return where to go on, 0 at the end
 * @to: they are written here
 * @count: room, at least VSW_FDB_WAYS; on return how many were written
 *
 * The cursor is a table's generation and a bucket of it.
 *
 * Context: may sleep.
 * Return: 0, or -EAGAIN if the table is not the one that the cursor is of.
 */
int vsw_fdb_dump(struct vsw_fdb *fdb, struct vsw_port *port, u64 *cursor,
		 struct vswitch_fdb_entry *to, u32 *count)
{
	struct vsw_fdb_table *t;
	struct vsw_fdb_entry *e;
	u32 i = *cursor, n = 0;
	int way;

	mutex_lock(&fdb->mutex);
	t = vsw_fdb_table(fdb);
	if (*cursor && *cursor >> 32 != t->generation) {
		mutex_unlock(&fdb->mutex);
		return -EAGAIN;
	}
	for (; i <= t->mask && n + VSW_FDB_WAYS <= *count; i++) {
		rcu_read_lock();
		for (way = 0; way < VSW_FDB_WAYS; way++) {
			e = vsw_fdb_way(&t->bucket[i], way);
			if (e && (!port || rcu_access_pointer(e->port) == port))
				vsw_fdb_tell(&to[n++], e);
		}
		rcu_read_unlock();
		if (i % VSW_FDB_CHUNK == 0)
			cond_resched();
	}
	*cursor = i > t->mask ? 0 : (u64)t->generation << 32 | i;
	*count = n;
	mutex_unlock(&fdb->mutex);
	return 0;
}
