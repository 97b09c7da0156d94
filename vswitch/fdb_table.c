// SPDX-License-Identifier: GPL-2.0
/*
 * The forwarding database's table: where an entry goes in it, and how it grows.
 *
 * A table never shrinks; when it fills, a work item freezes it (nothing is
 * learned meanwhile: frames are flooded), copies the pointers into a table four
 * times as large and publishes that.
 */

#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "fdb_impl.h"

/* Mutex or lock: whichever the caller has keeps the table where it is. */
struct vsw_fdb_table *vsw_fdb_table(struct vsw_fdb *fdb)
{
	return rcu_dereference_protected(fdb->table, lockdep_is_held(&fdb->lock) ||
					 lockdep_is_held(&fdb->mutex));
}

struct vsw_fdb_table *vsw_fdb_alloc(struct vsw_fdb *fdb, u32 mask, u32 generation)
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
bool vsw_fdb_put(struct vsw_fdb_table *t, struct vsw_fdb_entry *e)
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

void vsw_fdb_want_grow(struct vsw_fdb *fdb, struct vsw_fdb_table *t)
{
	if (t->mask < VSW_FDB_LAST_MASK)
		queue_work(system_unbound_wq, &fdb->grow);
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
int vsw_fdb_grow(struct vsw_fdb *fdb)
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

void vsw_fdb_grow_work(struct work_struct *work)
{
	struct vsw_fdb *fdb = container_of(work, struct vsw_fdb, grow);

	mutex_lock(&fdb->mutex);
	/* A burst may have queued this again while the last one ran. */
	if (fdb->count > vsw_fdb_capacity(vsw_fdb_table(fdb)->mask) / 4)
		vsw_fdb_grow(fdb);
	mutex_unlock(&fdb->mutex);
}
