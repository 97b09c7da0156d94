/* SPDX-License-Identifier: GPL-2.0 */
/* The forwarding database: where each address is. */
#ifndef VSWITCH_FDB_H
#define VSWITCH_FDB_H

#include <linux/cache.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <virtlite/vswitch.h>

#include "fdb_hash.h"

struct mem_cgroup;
struct vsw_owner;
struct vsw_port;
struct vsw_switch;

/**
 * struct vsw_fdb_entry - an address
 * @key: see vsw_fdb_key(); never changes
 * @port: where it is. Written under the database's lock; a reader holds the RCU
 *	read lock, and thereby the port
 * @updated: jiffies of the last frame from it; anybody writes it
 * @flags: VSWITCH_FDB_*; written under the lock
 * @home: number of the port where it was at the start of that second
 * @moves: how often it changed its port since @window
 * @damped: it moved too often, and stays until @window
 * @window: jiffies: start of the second in which moves are counted, or end of
 *	the damping
 * @rcu: its way out
 *
 * The table owns it; it is freed a grace period after it has left the table.
 */
struct vsw_fdb_entry {
	u64 key;
	struct vsw_port __rcu *port;
	unsigned long updated;
	u32 flags;
	u32 home;
	u16 moves;
	bool damped;
	unsigned long window;
	struct rcu_head rcu;
};

/* A tag is written after its pointer and cleared before it. */
struct vsw_fdb_bucket {
	u16 tag[VSW_FDB_WAYS];
	u32 unused;
	struct vsw_fdb_entry __rcu *entry[VSW_FDB_WAYS];
} __aligned(64);

struct vsw_fdb_table {
	u32 mask;
	u32 generation;		/* of this database's tables, from 1 */
	struct vsw_fdb_salt salt;
	struct rcu_head rcu;
	struct vsw_fdb_bucket bucket[];
};

/**
 * struct vsw_fdb - a switch's database
 * @table: read under RCU; replaced under @mutex
 * @ageing: jiffies; 0: never
 * @move_limit: see struct vswitch_switch
 * @move_hold: jiffies
 * @limit: most entries
 * @count: entries; written under @lock
 * @frozen: the table is being copied: it must not change; written under @lock
 * @lock: held, with bottom halves off, to change a bucket or an entry
 * @mutex: held to replace the table, and by whoever walks all of it. Taken
 *	before @lock; the configuration takes it inside RTNL
 * @budget: the network namespace's count of entries
 * @owner: on whose account they are, or NULL; the switch's reference
 * @memcg: who pays, or NULL
 * @sw: whose database this is; NULL in tests
 * @gc: forgets what has aged
 * @grow: replaces the table by a larger one
 */
struct vsw_fdb {
	struct vsw_fdb_table __rcu *table;
	unsigned long ageing;
	u32 move_limit;
	unsigned long move_hold;
	u32 limit;

	u32 count ____cacheline_aligned_in_smp;
	bool frozen;
	spinlock_t lock;	/* a bucket, an entry */
	struct mutex mutex;	/* the table as a whole */
	atomic_t *budget;
	struct vsw_owner *owner;
	struct mem_cgroup *memcg;
	struct vsw_switch *sw;
	struct delayed_work gc;
	struct work_struct grow;
};

/* What became of a source address. */
enum vsw_learn {
	VSW_LEARN_KNOWN,
	VSW_LEARN_NEW,
	VSW_LEARN_MOVED,
	VSW_LEARN_FULL,		/* a limit of the switch or namespace, or memory */
	VSW_LEARN_PORT_FULL,
	VSW_LEARN_REFUSED,	/* it belongs elsewhere and does not move */
	VSW_LEARN_LOOP,		/* it is the host's own, at another port */
};

int vsw_fdb_init(struct vsw_fdb *fdb, struct vsw_switch *sw, atomic_t *budget);
void vsw_fdb_stop(struct vsw_fdb *fdb);
void vsw_fdb_destroy(struct vsw_fdb *fdb);

enum vsw_learn vsw_fdb_learn_slow(struct vsw_fdb *fdb, struct vsw_port *port, u64 key);
int vsw_fdb_add(struct vsw_fdb *fdb, struct vsw_port *port, u64 key, u32 flags,
		unsigned long age, bool replace);
int vsw_fdb_del(struct vsw_fdb *fdb, u64 key);
void vsw_fdb_del_own(struct vsw_fdb *fdb, struct vsw_port *port, u64 key);
bool vsw_fdb_is_ours(struct vsw_fdb *fdb, struct vsw_port *port, u64 key);
void vsw_fdb_flush(struct vsw_fdb *fdb, struct vsw_port *port, int vid, u32 kinds);
void vsw_fdb_rehome(struct vsw_fdb *fdb, struct vsw_port *from, struct vsw_port *to);
void vsw_fdb_set_ageing(struct vsw_fdb *fdb, unsigned long ageing);
void vsw_fdb_expire(struct vsw_fdb *fdb, unsigned long now);
int vsw_fdb_dump(struct vsw_fdb *fdb, struct vsw_port *port, u64 *cursor,
		 struct vswitch_fdb_entry *to, u32 *count);

/* What a flush takes beside ordinary learned entries. */
#define VSW_FLUSH_ALL (VSWITCH_FDB_STATIC | VSWITCH_FDB_STICKY | VSWITCH_FDB_LOCAL)
#define VSW_FLUSH_STATIC (VSWITCH_FDB_STATIC | VSWITCH_FDB_STICKY)
#define VSW_FLUSH_LEARNED VSWITCH_FDB_STICKY

static __always_inline struct vsw_fdb_entry *
vsw_fdb_in_bucket(const struct vsw_fdb_bucket *b, u16 tag, u64 key)
{
	struct vsw_fdb_entry *e;
	int i;

	for (i = 0; i < VSW_FDB_WAYS; i++) {
		if (READ_ONCE(b->tag[i]) != tag)
			continue;
		e = rcu_dereference_check(b->entry[i], 1);
		if (e && e->key == key)
			return e;
	}
	return NULL;
}

/**
 * vsw_fdb_find() - look an address up
 * @fdb: the database
 * @key: the address
 *
 * Context: RCU read lock.
 * Return: the entry, or NULL.
 */
static __always_inline struct vsw_fdb_entry *vsw_fdb_find(struct vsw_fdb *fdb, u64 key)
{
	struct vsw_fdb_table *t = rcu_dereference_check(fdb->table, 1);
	u64 hash = vsw_fdb_hash(&t->salt, key);
	u16 tag = vsw_fdb_tag(hash);
	struct vsw_fdb_entry *e;

	e = vsw_fdb_in_bucket(&t->bucket[vsw_fdb_first(hash, t->mask)], tag, key);
	if (!e)
		e = vsw_fdb_in_bucket(&t->bucket[vsw_fdb_second(hash, t->mask)], tag, key);
	return e;
}

/**
 * vsw_fdb_learn() - a frame has come from this address
 * @fdb: the database
 * @port: where it came in
 * @key: its source address
 *
 * The usual case writes nothing, or a time stamp once a jiffy.
 *
 * Context: RCU read lock, bottom halves off.
 * Return: what became of it.
 */
static __always_inline enum vsw_learn
vsw_fdb_learn(struct vsw_fdb *fdb, struct vsw_port *port, u64 key)
{
	struct vsw_fdb_entry *e = vsw_fdb_find(fdb, key);
	unsigned long now = jiffies;

	if (likely(e && rcu_access_pointer(e->port) == port)) {
		if (READ_ONCE(e->updated) != now)
			WRITE_ONCE(e->updated, now);
		return VSW_LEARN_KNOWN;
	}
	return vsw_fdb_learn_slow(fdb, port, key);
}

#endif /* VSWITCH_FDB_H */
