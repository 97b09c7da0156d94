// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes in memory: each image keeps a number of them, the kernel may ask for fewer; and
 * for fewer regions of its space, which region_cache.c keeps.
 * Who is to go is found by a clock: a node that was used since the hand came by last
 * stays.
 */

#include <linux/module.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

#include "compat_shrinker.h"
#include "image.h"

static unsigned int map_cache_mib = 64;
module_param(map_cache_mib, uint, 0644);
MODULE_PARM_DESC(map_cache_mib, "memory for the maps of an image, in MiB (64)");

/* A region is as much memory as so many nodes. */
#define REGION_WEIGHT DIV_ROUND_UP(sizeof(struct vb_region), VB_BLOCK)

static LIST_HEAD(caches);
/* Protects caches; the images' cache_lock is taken under it. */
static DEFINE_MUTEX(caches_lock);
static struct shrinker *shrinker;

static struct vb_node *try_alloc(gfp_t gfp)
{
	struct vb_node *n = kzalloc(sizeof(*n), gfp);

	if (!n)
		return NULL;
	n->data = (__le64 *)get_zeroed_page(gfp);
	if (n->data)
		return n;
	kfree(n);
	return NULL;
}

/**
 * vb_node_alloc() - memory for a node
 * @im: image
 *
 * If there is none, nodes that are not needed now are given back, and then it waits: a
 * commit that was half written could not be taken back.
 *
 * Context: may sleep.
 *
 * Return: the node, with zeroes.
 */
struct vb_node *vb_node_alloc(struct vb_image *im)
{
	struct vb_node *n = try_alloc(GFP_NOIO | __GFP_NOWARN);

	if (!n) {
		vb_cache_evict(im, 16);
		n = try_alloc(VB_GFP_SURE);
	}
	INIT_LIST_HEAD(&n->lru);
	INIT_LIST_HEAD(&n->link);
	return n;
}

void vb_node_free(struct vb_node *n)
{
	free_page((unsigned long)n->data);
	kfree(n);
}

/**
 * vb_cache_add() - a node is in its tree, and may be evicted from now on
 * @im: image
 * @n: node, referenced
 */
void vb_cache_add(struct vb_image *im, struct vb_node *n)
{
	unsigned long nr;

	spin_lock(&im->cache_lock);
	list_add(&n->lru, &im->cache);
	nr = ++im->nr_cached;
	spin_unlock(&im->cache_lock);
	if (nr > im->max_cached)
		vb_cache_evict(im, nr - im->max_cached);
}

/* Is it nobody's? Then it leaves its tree. */
static bool let_go(struct vb_node *n)
{
	struct vb_tree *t = n->tree;
	bool free;

	spin_lock(&t->lock);
	free = !n->refs && !n->dirty && !n->used;
	n->used = false;
	if (free)
		xa_erase(&t->nodes[n->level], n->index);
	spin_unlock(&t->lock);
	return free;
}

/**
 * vb_cache_evict() - free memory
 * @im: image
 * @nr: so many nodes
 *
 * Context: may be memory reclaim.
 *
 * Return: how many have been freed.
 */
unsigned long vb_cache_evict(struct vb_image *im, unsigned long nr)
{
	unsigned long looks, done = 0;
	struct vb_node *n, *next;
	LIST_HEAD(gone);

	spin_lock(&im->cache_lock);
	/* Twice around, at most: once to forget who was used. */
	for (looks = min(2 * im->nr_cached, 64 * nr + 64);
	     looks && done < nr && !list_empty(&im->cache); looks--) {
		n = list_last_entry(&im->cache, struct vb_node, lru);
		if (let_go(n)) {
			list_move(&n->lru, &gone);
			im->nr_cached--;
			done++;
		} else {
			list_move(&n->lru, &im->cache);
		}
	}
	spin_unlock(&im->cache_lock);
	list_for_each_entry_safe(n, next, &gone, lru)
		vb_node_free(n);
	return done;
}

/**
 * vb_cache_drop() - free all of a tree's nodes
 * @t: nobody uses it any more
 */
void vb_cache_drop(struct vb_tree *t)
{
	struct vb_image *im = t->im;
	struct vb_node *n;
	unsigned long index;
	unsigned int level;

	for (level = 0; level <= VB_TREE_MAX_DEPTH; level++) {
		spin_lock(&im->cache_lock);
		xa_for_each(&t->nodes[level], index, n) {
			WARN_ON_ONCE(n->refs);
			spin_lock(&t->lock);
			xa_erase(&t->nodes[level], index);
			spin_unlock(&t->lock);
			if (!list_empty(&n->lru)) {
				list_del(&n->lru);
				im->nr_cached--;
			}
			vb_node_free(n);
		}
		spin_unlock(&im->cache_lock);
		xa_destroy(&t->nodes[level]);
	}
}

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long nr = 0;
	struct vb_image *im;

	if (!mutex_trylock(&caches_lock))
		return 0;
	list_for_each_entry(im, &caches, caches)
		nr += READ_ONCE(im->nr_cached) + vb_regions_idle(im) * REGION_WEIGHT;
	mutex_unlock(&caches_lock);
	return nr ?: SHRINK_EMPTY;
}

static unsigned long scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long done = 0;
	struct vb_image *im;

	if (!mutex_trylock(&caches_lock))
		return SHRINK_STOP;
	list_for_each_entry(im, &caches, caches) {
		if (done >= sc->nr_to_scan)
			break;
		done += vb_cache_evict(im, sc->nr_to_scan - done);
		if (done < sc->nr_to_scan)
			done += REGION_WEIGHT *
				vb_regions_evict(im, DIV_ROUND_UP(sc->nr_to_scan - done,
								  REGION_WEIGHT));
	}
	mutex_unlock(&caches_lock);
	return done ?: SHRINK_STOP;
}

/* What an image may have for nodes, and as much again for regions of its space. */
unsigned long vb_cache_bytes(void)
{
	return max(1U, READ_ONCE(map_cache_mib)) * (unsigned long)SZ_1M;
}

void vb_cache_join(struct vb_image *im)
{
	im->max_cached = vb_cache_bytes() / VB_BLOCK;
	mutex_lock(&caches_lock);
	list_add(&im->caches, &caches);
	mutex_unlock(&caches_lock);
}

void vb_cache_leave(struct vb_image *im)
{
	mutex_lock(&caches_lock);
	list_del(&im->caches);
	mutex_unlock(&caches_lock);
}

int vb_cache_init(void)
{
	shrinker = compat_shrinker_register(count, scan, "vblk-maps");
	return shrinker ? 0 : -ENOMEM;
}

void vb_cache_exit(void)
{
	compat_shrinker_free(shrinker);
}
