// SPDX-License-Identifier: GPL-2.0
/* Volumes of an image that is being written: new ones, snapshots, data. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../lib/virtlite.h"
#include "writer.h"

/* What has this birth or an older one is not the volume's own. */
uint64_t img_shared_births(struct img_writer *w, const struct img_volume *v)
{
	if (v->state == IMG_DELETED)
		return v->keep;
	return v->older < w->sb.next_volume ? w->vol[v->older].v.taken : 0;
}

static struct wvolume *find(struct img_writer *w, uint32_t number)
{
	if (number < w->sb.next_volume && w->vol[number].v.state != IMG_UNUSED)
		return &w->vol[number];
	vl_error(ENOENT, "volume %u", number);
	return NULL;
}

static struct wvolume *new_volume(struct img_writer *w, enum img_state state, const char *name)
{
	struct wvolume *more, *v;
	uint32_t i;

	if (!*name || strlen(name) > 127) {
		vl_error(0, "\"%s\": a name has 1 to 127 bytes", name);
		return NULL;
	}
	for (i = 0; i < w->sb.next_volume; i++) {
		v = &w->vol[i];
		if ((v->v.state == IMG_VOLUME || v->v.state == IMG_SNAPSHOT) &&
		    !strcmp(v->v.name, name)) {
			vl_error(EEXIST, "volume \"%s\"", name);
			return NULL;
		}
	}
	if (w->sb.next_volume == IMG_MAX_VOLUMES) {
		vl_error(ENOSPC, "no number for another volume");
		return NULL;
	}
	more = realloc(w->vol, (w->sb.next_volume + 1) * sizeof(*more));
	if (!more) {
		vl_error(ENOMEM, "volume");
		return NULL;
	}
	w->vol = more;
	v = &more[w->sb.next_volume];
	memset(v, 0, sizeof(*v));
	v->v.state = state;
	v->v.number = w->sb.next_volume++;
	v->v.born = w->sb.epoch;
	v->v.time = time(NULL);
	v->v.origin = IMG_NONE;
	v->v.older = IMG_NONE;
	v->v.newer = IMG_NONE;
	strcpy(v->v.name, name);
	if (getrandom(v->v.uuid, sizeof(v->v.uuid), 0) < 0)
		vl_error(errno, "uuid");
	v->t = (struct wtree){ .w = w, .blocks = img_cluster_blocks(&w->sb) };
	v->dirty = true;
	return v;
}

int img_add_volume(struct img_writer *w, const char *name, uint64_t size, uint32_t *number)
{
	struct wvolume *v;

	if (!size || size % 512 || size > IMG_MAX_BLOCKS * IMG_BLOCK)
		return vl_error(0, "a volume has a multiple of 512 bytes, up to 4 PiB");
	v = new_volume(w, IMG_VOLUME, name);
	if (!v)
		return -EINVAL;
	v->v.size = size;
	v->v.depth = img_depth(img_clusters(&w->sb, &v->v));
	v->t.depth = v->v.depth;
	*number = v->v.number;
	return 0;
}

/* What a new volume has of the one it begins as. */
static void inherit(struct wvolume *to, const struct wvolume *from)
{
	to->v.size = from->v.size;
	to->v.depth = from->v.depth;
	to->v.flags = from->v.flags;
	to->v.base_id = from->v.base_id;
	to->v.root = from->v.root;
	to->t.root = from->v.root;
	to->t.depth = from->v.depth;
}

/**
 * img_snapshot() - keep what a volume is now
 * @w: writer, which commits
 * @volume: number
 * @name: of the snapshot
 * @number: of the snapshot
 */
int img_snapshot(struct img_writer *w, uint32_t volume, const char *name, uint32_t *number)
{
	struct wvolume *v, *s;
	int ret;

	if (!find(w, volume))
		return -ENOENT;
	/* The root that both are to have must be known. */
	ret = img_commit(w);
	if (ret)
		return ret;
	s = new_volume(w, IMG_SNAPSHOT, name);
	if (!s)
		return -EINVAL;
	v = &w->vol[volume];
	inherit(s, v);
	s->v.taken = w->sb.epoch;
	s->v.origin = v->v.origin;
	s->v.older = v->v.older;
	s->v.newer = volume;
	if (v->v.older != IMG_NONE && w->vol[v->v.older].v.newer == volume) {
		w->vol[v->v.older].v.newer = s->v.number;
		w->vol[v->v.older].dirty = true;
	}
	v->v.older = s->v.number;
	v->dirty = true;
	*number = s->v.number;
	return img_commit(w);
}

/* A volume that begins as a snapshot is. */
int img_clone(struct img_writer *w, uint32_t snapshot, const char *name, uint32_t *number)
{
	struct wvolume *v;

	v = find(w, snapshot);
	if (!v)
		return -ENOENT;
	if (v->v.state != IMG_SNAPSHOT)
		return vl_error(0, "volume %u is no snapshot", snapshot);
	v = new_volume(w, IMG_VOLUME, name);
	if (!v)
		return -EINVAL;
	inherit(v, &w->vol[snapshot]);
	v->v.origin = snapshot;
	v->v.older = snapshot;
	w->vol[snapshot].v.clones++;
	w->vol[snapshot].dirty = true;
	*number = v->v.number;
	return img_commit(w);
}

/* An entry is replaced: what it pointed to is free if it was the volume's own. */
static int replace(struct img_writer *w, struct wvolume *v, uint64_t leaf,
		   const struct img_entry *old, const struct img_entry *e)
{
	int ret = 0;

	if (old->addr && old->birth > img_shared_births(w, &v->v))
		ret = img_give(w, old->addr, img_cluster_blocks(&w->sb));
	return ret ?: wtree_set(&v->t, 0, leaf, e);
}

/* The cluster as it reads now. */
static int old_data(struct img_writer *w, const struct img_entry *e, uint8_t *buf)
{
	size_t size = 1UL << w->sb.shift;
	int ret;

	if (!e->addr) {
		memset(buf, 0, size);
		return 0;
	}
	ret = w->im.st->read(w->im.st, buf, size, e->addr * IMG_BLOCK);
	if (!ret && w->sb.data_crc && img_crc(buf, size) != e->sum)
		ret = vl_error(EUCLEAN, "data at block %llu: wrong checksum",
			       (unsigned long long)e->addr);
	return ret;
}

/* Clusters side by side become one write. */
struct run {
	struct img_writer *w;
	const uint8_t *buf;
	uint64_t at;
	size_t n;
};

static int end_run(struct run *r)
{
	struct store *st = r->w->im.st;
	int ret = r->n ? st->write(st, r->buf, r->n, r->at * IMG_BLOCK) : 0;

	r->n = 0;
	return ret;
}

static int write_cluster(struct wvolume *v, uint64_t leaf, const uint8_t *buf, struct run *run)
{
	struct img_writer *w = run->w;
	size_t size = 1UL << w->sb.shift;
	struct img_entry old, e = {};
	int64_t at;
	int ret;

	ret = wtree_get(&v->t, leaf, &old);
	if (ret)
		return ret;
	at = img_take(w, img_cluster_blocks(&w->sb), true);
	if (at < 0)
		return at;
	if (run->n && (run->at + run->n / IMG_BLOCK != (uint64_t)at || run->buf + run->n != buf)) {
		ret = end_run(run);
		if (ret)
			return ret;
	}
	if (!run->n) {
		run->buf = buf;
		run->at = at;
	}
	run->n += size;
	e.addr = at;
	e.birth = w->sb.epoch;
	if (w->sb.data_crc)
		e.sum = img_crc(buf, size);
	return replace(w, v, leaf, &old, &e);
}

/**
 * img_write() - write to a volume
 * @w: writer
 * @volume: number
 * @buf: data
 * @n: bytes
 * @pos: where; all of it within the volume
 */
int img_write(struct img_writer *w, uint32_t volume, const void *buf, size_t n, uint64_t pos)
{
	size_t size = 1UL << w->sb.shift, off, len;
	struct wvolume *v = find(w, volume);
	struct run run = { .w = w };
	struct img_entry old;
	const uint8_t *p = buf;
	uint8_t part[65536];
	int ret;

	if (!v)
		return -ENOENT;
	if (pos > v->v.size || v->v.size - pos < n)
		return vl_error(0, "volume \"%s\" ends at %llu", v->v.name,
				(unsigned long long)v->v.size);
	for (; n; n -= len, p += len, pos += len) {
		off = pos & (size - 1);
		len = size - off < n ? size - off : n;
		if (len == size) {
			ret = write_cluster(v, pos >> w->sb.shift, p, &run);
		} else {
			if (v->v.flags & IMG_VOLUME_BASE)
				return vl_error(EOPNOTSUPP, "part of a cluster on a base");
			ret = end_run(&run) ?: wtree_get(&v->t, pos >> w->sb.shift, &old) ?:
			      old_data(w, &old, part);
			if (!ret) {
				memcpy(part + off, p, len);
				ret = write_cluster(v, pos >> w->sb.shift, part, &run) ?:
				      end_run(&run);
			}
		}
		if (ret)
			return ret;
	}
	return end_run(&run);
}

/* Whole clusters become holes, or zero entries where a hole would show the base. */
int img_discard(struct img_writer *w, uint32_t volume, uint64_t n, uint64_t pos)
{
	struct wvolume *v = find(w, volume);
	uint64_t leaf, end;
	struct img_entry old, e = {};
	int ret;

	if (!v)
		return -ENOENT;
	if (v->v.flags & IMG_VOLUME_BASE)
		e = (struct img_entry){ .flags = IMG_ENTRY_ZERO, .birth = w->sb.epoch };
	leaf = (pos + (1ULL << w->sb.shift) - 1) >> w->sb.shift;
	end = pos + n == v->v.size ? img_clusters(&w->sb, &v->v) : (pos + n) >> w->sb.shift;
	for (; leaf < end; leaf++) {
		ret = wtree_get(&v->t, leaf, &old);
		if (!ret && !img_entry_same(&old, &e))
			ret = replace(w, v, leaf, &old, &e);
		if (ret)
			return ret;
	}
	return 0;
}
