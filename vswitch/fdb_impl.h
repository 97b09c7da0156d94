/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the forwarding database share; fdb.h is for all others. */
#ifndef VSWITCH_FDB_IMPL_H
#define VSWITCH_FDB_IMPL_H

#include "fdb.h"

/*
 * 64 KiB: a burst of addresses on a new switch has room for 2,048 before the
 * table grows, which takes a work item's turn, and for twice as many before an
 * address finds no place.
 */
#define VSW_FDB_FIRST_MASK 1023
#define VSW_FDB_LAST_MASK ((1U << 20) - 1)
#define VSW_FDB_CHUNK 256		/* buckets between chances to reschedule */

/* For walks: the entry in a way, whose memory the caller's lock or RCU holds. */
static inline struct vsw_fdb_entry *vsw_fdb_way(struct vsw_fdb_bucket *b, int way)
{
	return READ_ONCE(b->tag[way]) ? rcu_dereference_check(b->entry[way], 1) : NULL;
}

/* fdb.c: entries */
struct vsw_fdb_entry *vsw_fdb_entry_alloc(struct vsw_fdb *fdb, gfp_t gfp);
bool vsw_fdb_has_room(struct vsw_fdb *fdb);
bool vsw_fdb_insert(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *port,
		    u64 key, u32 flags, unsigned long updated);
void vsw_fdb_remove(struct vsw_fdb *fdb, struct vsw_fdb_bucket *b, int way);
void vsw_fdb_move(struct vsw_fdb *fdb, struct vsw_fdb_entry *e, struct vsw_port *to);

/* fdb_table.c */
struct vsw_fdb_table *vsw_fdb_table(struct vsw_fdb *fdb);
struct vsw_fdb_table *vsw_fdb_alloc(struct vsw_fdb *fdb, u32 mask, u32 generation);
bool vsw_fdb_put(struct vsw_fdb_table *t, struct vsw_fdb_entry *e);
void vsw_fdb_want_grow(struct vsw_fdb *fdb, struct vsw_fdb_table *t);
int vsw_fdb_grow(struct vsw_fdb *fdb);
void vsw_fdb_grow_work(struct work_struct *work);

/* fdb_learn.c */
void vsw_fdb_count_anew(struct vsw_fdb_entry *e, struct vsw_port *at);

/* fdb_walk.c */
void vsw_fdb_gc_work(struct work_struct *work);

#endif /* VSWITCH_FDB_IMPL_H */
