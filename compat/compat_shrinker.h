/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_COMPAT_SHRINKER_H
#define VIRTLITE_COMPAT_SHRINKER_H

#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/version.h>

typedef unsigned long (*compat_shrink_fn)(struct shrinker *s, struct shrink_control *sc);

#if KERNEL_VERSION(6, 7, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */

static inline struct shrinker *compat_shrinker_register(compat_shrink_fn count,
							compat_shrink_fn scan, const char *name)
{
	struct shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	if (register_shrinker(s, "%s", name)) {
		kfree(s);
		return NULL;
	}
	return s;
}

static inline void compat_shrinker_free(struct shrinker *s)
{
	unregister_shrinker(s);
	kfree(s);
}

#else

static inline struct shrinker *compat_shrinker_register(compat_shrink_fn count,
							compat_shrink_fn scan, const char *name)
{
	struct shrinker *s = shrinker_alloc(0, "%s", name);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	shrinker_register(s);
	return s;
}

static inline void compat_shrinker_free(struct shrinker *s)
{
	shrinker_free(s);
}

#endif

#endif
