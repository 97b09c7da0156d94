// SPDX-License-Identifier: GPL-2.0
/*
 * The forwarding database.
 *
 * Readers walk buckets under RCU and take no lock. Whoever changes a bucket
 * holds fdb->lock for the moment. A table never shrinks; when it fills, a work
 * item freezes it (nothing is learned meanwhile: frames are flooded), copies
 * the pointers into a table four times as large and publishes that.
 *
 * A port's entries must be gone before the port: its owner stops its input,
 * waits a grace period (so that nobody learns for it any more), flushes, and
 * frees it a grace period later (so that nobody who found an entry still holds
 * it).
 */

#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "event.h"
#include "fdb.h"
#include "owner.h"
#include "param.h"
#include "port.h"
#include "switch.h"

/*
 * 64 KiB: a burst of addresses on a new switch has room for 2,048 before the
 * table grows, which takes a work item's turn, and for twice as many before an
 * address finds no place.
 */
#define VSW_FDB_FIRST_MASK 1023
#define VSW_FDB_LAST_MASK ((1U << 20) - 1)
#define VSW_FDB_CHUNK 256		/* buckets between chances to reschedule */

/* Mutex or lock: whichever the caller has keeps the table where it is. */
static struct vsw_fdb_table *vsw_fdb_table(struct vsw_fdb *fdb)
{
	return rcu_dereference_protected(fdb->table, lockdep_is_held(&fdb->lock) ||
					 lockdep_is_held(&fdb->mutex));
}

static struct vsw_fdb_table *vsw_fdb_alloc(struct vsw_fdb *fdb, u32 mask, u32 generation)
{
	struct mem_cgroup *old = set_active_memcg(fdb->memcg);
	struct vsw_fdb_table *t;

	t = kvzalloc(struct_size(t, bucket, (size_t)mask + 1),
		     GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	set_active_memcg(old);
	if (!t)
		return NULL;
	t->mask = mask;
	t->generation = generation;
	get_random_bytes(&t->salt, sizeof(t->salt));
	t->salt.mul |= 1;
	return t;
}

static int vsw_fdb_load(const struct vsw_fdb_bucket *b)
{
	int way, n = 0;

	for (way = 0; way < VSW_FDB_WAYS; way++)
		n += b->tag[way] != 0;
	return n;
}

/*
 * The first bucket is the one that a lookup reads first, so it is taken while
 * it is not even half full; from then on the emptier of the two, or buckets
 * would overflow that have an empty one beside them.
 *
 * Return: whether there was room.
 */
static bool vsw_fdb_put(struct vsw_fdb_table *t, struct vsw_fdb_entry *e)
{
	u64 hash = vsw_fdb_hash(&t->salt, e->key);
	struct vsw_fdb_bucket *b = &t->bucket[vsw_fdb_first(hash, t->mask)];
	struct vsw_fdb_bucket *second = &t->bucket[vsw_fdb_second(hash, t->mask)];
	int load = vsw_fdb_load(b), way;

	if (load >= VSW_FDB_WAYS / 2 && vsw_fdb_load(second) < load)
		b = second;
	for (way = 0; way < VSW_FDB_WAYS; way++) {
		if (b->tag[way])
			continue;
		rcu_assign_pointer(b->entry[way], e);
		/* Pairs with the reader's dependent loads: it rechecks the key. */
		smp_store_release(&b->tag[way], vsw_fdb_tag(hash));
		return true;
	}
	return false;
}

static void vsw_fdb_uncount(struct vsw_fdb *fdb, struct vsw_fdb_entry *e)
{
	struct vsw_port *port = rcu_dereference_protected(e->port, lockdep_is_held(&fdb->lock));

	lockdep_assert_held(&fdb->lock);
	WRITE_ONCE(fdb->count, fdb->count - 1);
	WRITE_ONCE(port->fdb_count, port->fdb_count - 1);
	atomic_dec(fdb->budget);
	vsw_owner_count_address(fdb->owner, -1);
}

static void vsw_fdb_remove(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way)
{
	struct vsw_fdb_entry *e = rcu_dereference_protected(b->entry[way],
							    lockdep_is_held(&fdb->lock));

	WRITE_ONCE(b->tag[way], 0);
	RCU_INIT_POINTER(b->entry[way], NULL);
	vsw_fdb_uncount(fdb, e);
	kfree_rcu(e, rcu);
}

/* For walks: the entry in a way, whose memory the caller's lock or RCU holds. */
static struct vsw_fdb_entry *vsw_fdb_way(struct vsw_fdb_bucket *b, int way)
{
	return READ_ONCE(b->tag[way]) ? rcu_dereference_check(b->entry[way], 1) : NULL;
}

static bool vsw_fdb_has_room(struct vsw_fdb *fdb)
{
	return READ_ONCE(fdb->count) < READ_ONCE(fdb->limit) &&
	       (u32)atomic_read(fdb->budget) < READ_ONCE(vsw_param_max_fdb) &&
	       vsw_owner_may_add_address(fdb->owner);
}

static void vsw_fdb_want_grow(struct vsw_fdb *fdb, struct vsw_fdb_table *t)
{
	if (t->mask < VSW_FDB_LAST_MASK)
		queue_work(system_unbound_wq, &fdb->grow);
}

/* Memory for an entry, of whoever pays for the database. */
static struct vsw_fdb_entry *vsw_fdb_entry_alloc(struct vsw_fdb *fdb, gfp_t gfp)
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
static bool vsw_fdb_insert(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *port,
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

static void vsw_fdb_move(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *to)
{
	struct vsw_port *from = rcu_dereference_protected(e->port, lockdep_is_held(&fdb->lock));

	WRITE_ONCE(from->fdb_count, from->fdb_count - 1);
	WRITE_ONCE(to->fdb_count, to->fdb_count + 1);
	rcu_assign_pointer(e->port, to);
	vsw_event(fdb->sw, VSWITCH_EVENT_MOVED, to, e->key, from->id);
}

static void vsw_fdb_count_anew(struct vsw_fdb_entry *e, struct vsw_port *at)
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

/* Return: the new table with all entries in it, or NULL. */
static struct vsw_fdb_table *vsw_fdb_copy(struct vsw_fdb *fdb, struct vsw_fdb_table *from,
					  u32 mask)
{
	struct vsw_fdb_table *to;
	u32 i;
	int way;

	to = vsw_fdb_alloc(fdb, mask, from->generation + 1);
	if (!to)
		return NULL;
	for (i = 0; i <= from->mask; i++) {
		for (way = 0; way < VSW_FDB_WAYS; way++) {
			struct vsw_fdb_entry *e = vsw_fdb_way(&from->bucket[i], way);

			if (e && !vsw_fdb_put(to, e)) {
				kvfree(to);
				return NULL;
			}
		}
		if (i % VSW_FDB_CHUNK == 0)
			cond_resched();
	}
	return to;
}

/*
 * A table four times as large; unless no memory is there, or more than twelve
 * addresses share two buckets of it, which the salt makes unlikely: the next
 * insertion tries again with another.
 */
static int vsw_fdb_grow(struct vsw_fdb *fdb)
{
	struct vsw_fdb_table *old, *new;

	lockdep_assert_held(&fdb->mutex);
	old = vsw_fdb_table(fdb);
	if (old->mask >= VSW_FDB_LAST_MASK)
		return -ENOSPC;

	spin_lock_bh(&fdb->lock);
	fdb->frozen = true;
	spin_unlock_bh(&fdb->lock);

	new = vsw_fdb_copy(fdb, old, old->mask * 4 + 3);
	if (new)
		rcu_assign_pointer(fdb->table, new);

	spin_lock_bh(&fdb->lock);
	fdb->frozen = false;
	spin_unlock_bh(&fdb->lock);

	if (!new)
		return -ENOMEM;
	kvfree_rcu(old, rcu);
	return 0;
}

static void vsw_fdb_grow_work(struct work_struct *work)
{
	struct vsw_fdb *fdb = container_of(work, struct vsw_fdb, grow);

	mutex_lock(&fdb->mutex);
	/* A burst may have queued this again while the last one ran. */
	if (fdb->count > vsw_fdb_capacity(vsw_fdb_table(fdb)->mask) / 4)
		vsw_fdb_grow(fdb);
	mutex_unlock(&fdb->mutex);
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
	struct vsw_fdb_table *t;
	struct vsw_fdb_entry *e;
	int way;
	u32 i;

	mutex_lock(&fdb->mutex);
	t = vsw_fdb_table(fdb);
	for (i = 0; i <= t->mask; i++) {
		if (port && !READ_ONCE(port->fdb_count))
			break;
		for (way = 0; way < VSW_FDB_WAYS; way++) {
			if (!READ_ONCE(t->bucket[i].tag[way]))
				continue;
			spin_lock_bh(&fdb->lock);
			e = vsw_fdb_way(&t->bucket[i], way);
			if (e && !(e->flags & ~kinds) &&
			    (!port || rcu_access_pointer(e->port) == port) &&
			    (vid < 0 || vsw_fdb_key_vid(e->key) == vid))
				vsw_fdb_remove(fdb, &t->bucket[i], way);
			spin_unlock_bh(&fdb->lock);
		}
		if (i % VSW_FDB_CHUNK == 0)
			cond_resched();
	}
	mutex_unlock(&fdb->mutex);
}

static bool vsw_fdb_old(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, unsigned long now)
{
	return !(READ_ONCE(e->flags) & (VSWITCH_FDB_STATIC | VSWITCH_FDB_LOCAL)) &&
	       time_after_eq(now, READ_ONCE(e->updated) + fdb->ageing);
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
	struct vsw_fdb_table *t;
	struct vsw_fdb_entry *e;
	int way;
	u32 i;

	mutex_lock(&fdb->mutex);
	t = vsw_fdb_table(fdb);
	for (i = 0; fdb->ageing && i <= t->mask; i++) {
		struct vsw_fdb_bucket *b = &t->bucket[i];

		for (way = 0; way < VSW_FDB_WAYS; way++) {
			if (!READ_ONCE(b->tag[way]))
				continue;
			spin_lock_bh(&fdb->lock);
			e = vsw_fdb_way(b, way);
			if (e && vsw_fdb_old(fdb, e, now)) {
				vsw_event(fdb->sw, VSWITCH_EVENT_EXPIRED,
					  rcu_dereference_protected(e->port, 1), e->key, 0);
				vsw_fdb_remove(fdb, b, way);
			}
			spin_unlock_bh(&fdb->lock);
		}
		if (i % VSW_FDB_CHUNK == 0)
			cond_resched();
	}
	mutex_unlock(&fdb->mutex);
}

/* Often enough that nothing outlives its age by more than a quarter of it. */
static unsigned long vsw_fdb_gc_period(struct vsw_fdb *fdb)
{
	return clamp(fdb->ageing / 4, (unsigned long)HZ / 4, 30UL * HZ);
}

static void vsw_fdb_gc_work(struct work_struct *work)
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
