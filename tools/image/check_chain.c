// SPDX-License-Identifier: GPL-2.0
/* How volumes, snapshots and clones refer to one another: check 3. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char *title(const struct img_checked_volume *v)
{
	return v->v.state == IMG_HIDDEN ? "(hidden)" : v->v.state == IMG_DELETED ? "(deleted)" :
	       v->v.name;
}

static bool is_snapshot(const struct img_volume *v)
{
	return v->state == IMG_SNAPSHOT || v->state == IMG_HIDDEN;
}

static bool present(struct img_check *c, uint32_t number)
{
	return number < c->nr_vol && c->vol[number].present;
}

/* The volume that comes next along `older`, or among the deleted along `newer`. */
static int64_t neighbour(struct img_check *c, uint32_t i)
{
	struct img_checked_volume *v = &c->vol[i];
	bool deleted = v->v.state == IMG_DELETED;
	uint32_t to = deleted ? v->v.newer : v->v.older;

	if (to == IMG_NONE)
		return -1;
	if (present(c, to) && to != i && (deleted || c->vol[to].v.state != IMG_DELETED))
		return to;
	img_damaged(c, DAMAGE_CHAIN, c->table_lost ? REMEDY_LOSSY : REMEDY_NONE,
		    "volume %u \"%s\": its neighbour %u is none", i, title(v), to);
	if (c->table_lost) {
		v->v.older = IMG_NONE;
		if (deleted)
			v->v.newer = IMG_NONE;
	}
	return -1;
}

/* A chain that does not end is cut, for the sake of those who walk along it. */
static void find_loops(struct img_check *c)
{
	uint32_t *met = calloc(c->nr_vol + 1, sizeof(*met)), i;
	int64_t at;

	for (i = 0; met && i < c->nr_vol; i++) {
		for (at = i; at >= 0 && !met[at]; at = c->vol[at].beside)
			met[at] = i + 1;
		if (at < 0 || met[at] != i + 1)
			continue;
		img_damaged(c, DAMAGE_CHAIN, REMEDY_NONE,
			    "volume %u \"%s\": going from neighbour to neighbour never ends", i,
			    title(&c->vol[i]));
		c->vol[at].beside = -1;
	}
	free(met);
}

static void check_taken(struct img_check *c, uint32_t i)
{
	struct img_checked_volume *v = &c->vol[i], *o;

	if (v->v.state == IMG_VOLUME ? v->v.taken : is_snapshot(&v->v) && !v->v.taken)
		img_damaged(c, DAMAGE_CHAIN, REMEDY_NONE, "volume %u \"%s\": taken in epoch %llu",
			    i, title(v), (unsigned long long)v->v.taken);
	if (v->beside < 0 || v->v.state == IMG_DELETED)
		return;
	o = &c->vol[v->beside];
	if (!is_snapshot(&o->v))
		img_damaged(c, DAMAGE_CHAIN, REMEDY_NONE,
			    "volume %u \"%s\": its older neighbour %u is no snapshot", i,
			    title(v), o->v.number);
	else if (is_snapshot(&v->v) && v->v.taken <= o->v.taken)
		img_damaged(c, DAMAGE_CHAIN, REMEDY_NONE,
			    "snapshot %u \"%s\" was not taken after its older neighbour %u", i,
			    title(v), o->v.number);
}

/*
 * newer and clones can be derived from what other records say. What is found
 * there is put right, for repair.
 */
static void check_derived(struct img_check *c)
{
	struct derived { uint32_t followers, of_branch; } *d;
	struct img_checked_volume *v;
	uint32_t i, to, clones;
	bool right;

	d = calloc(c->nr_vol + 1, sizeof(*d));
	if (!d)
		return;
	for (i = 0; i < c->nr_vol; i++)
		d[i].of_branch = IMG_NONE;
	for (i = 0; i < c->nr_vol; i++) {
		v = &c->vol[i];
		to = v->v.older;
		if (!v->present || v->v.state == IMG_DELETED || !present(c, to))
			continue;
		d[to].followers++;
		/* A branch has one origin; a clone's is the snapshot itself. */
		if (v->v.origin == c->vol[to].v.origin && v->v.origin != to)
			d[to].of_branch = i;
	}
	for (i = 0; i < c->nr_vol; i++) {
		v = &c->vol[i];
		if (!v->present || v->v.state == IMG_DELETED)
			continue;
		to = v->v.newer;
		if (v->v.state == IMG_VOLUME) {
			if (to == IMG_NONE && !v->v.clones)
				continue;
			img_damaged(c, DAMAGE_CHAIN, REMEDY_WHOLE,
				    "volume %u \"%s\" has a newer neighbour or clones", i,
				    title(v));
			v->v.newer = IMG_NONE;
			v->v.clones = 0;
			continue;
		}
		right = to == IMG_NONE || (present(c, to) && c->vol[to].v.older == i &&
					   c->vol[to].v.state != IMG_DELETED);
		/* None, and yet one that can be nothing else. */
		if (to == IMG_NONE && d[i].of_branch != IMG_NONE &&
		    v->v.clones + 1 == d[i].followers)
			right = false;
		if (!right) {
			img_damaged(c, DAMAGE_CHAIN, REMEDY_WHOLE,
				    "snapshot %u \"%s\": its newer neighbour is %d, not %d", i,
				    title(v), (int)d[i].of_branch, (int)to);
			v->v.newer = d[i].of_branch;
		}
		clones = d[i].followers - (v->v.newer != IMG_NONE);
		if (v->v.clones != clones) {
			img_damaged(c, DAMAGE_CHAIN, REMEDY_WHOLE,
				    "snapshot %u \"%s\" has %u clones, not %u", i, title(v),
				    clones, v->v.clones);
			v->v.clones = clones;
		}
		if (v->v.state == IMG_HIDDEN && !clones)
			img_damaged(c, DAMAGE_CHAIN, REMEDY_NONE,
				    "snapshot %u is hidden, and has no clones", i);
	}
	free(d);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct img_checked_volume **)a)->v.name,
		      (*(struct img_checked_volume **)b)->v.name);
}

static void check_names(struct img_check *c)
{
	struct img_checked_volume **list = calloc(c->nr_vol + 1, sizeof(*list));
	uint32_t i, n = 0;

	if (!list)
		return;
	for (i = 0; i < c->nr_vol; i++) {
		if (c->vol[i].present && (c->vol[i].v.state == IMG_VOLUME ||
					  c->vol[i].v.state == IMG_SNAPSHOT))
			list[n++] = &c->vol[i];
	}
	qsort(list, n, sizeof(*list), by_name);
	for (i = 1; i < n; i++) {
		if (!by_name(&list[i - 1], &list[i]))
			img_damaged(c, DAMAGE_VOLUME, REMEDY_NONE,
				    "volumes %u and %u have the same name, \"%s\"",
				    list[i - 1]->v.number, list[i]->v.number, list[i]->v.name);
	}
	free(list);
}

void img_check_chains(struct img_check *c)
{
	uint32_t i;

	for (i = 0; i < c->nr_vol; i++)
		c->vol[i].beside = c->vol[i].present ? neighbour(c, i) : -1;
	find_loops(c);
	for (i = 0; i < c->nr_vol; i++) {
		if (c->vol[i].present)
			check_taken(c, i);
	}
	check_derived(c);
	check_names(c);
}
