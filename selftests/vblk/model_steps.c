// SPDX-License-Identifier: GPL-2.0
/* One step of the sequence for an image and its model, and what both have then. */
#include "model.h"

void model_fail(struct model *m, const struct vol *v, const char *what)
{
	REQUIRE(false, "step %lu: volume %d: %s", m->step, v ? (int)v->number : -1, what);
}

/* What a sector of a write has: also where it is, so that a wrong place shows. */
static void sector(void *buf, uint64_t n, uint32_t tag)
{
	uint64_t *p = buf, x = n << 32 | tag;
	unsigned int i;

	if (!tag) {
		memset(buf, 0, SECTOR);
		return;
	}
	for (i = 0; i < SECTOR / 8; i++)
		p[i] = x ^ (uint64_t)i * 0x9e3779b97f4a7c15ULL;
}

static bool is_sector(const void *buf, uint64_t n, uint32_t tag)
{
	uint64_t want[SECTOR / 8];

	sector(want, n, tag);
	return !memcmp(buf, want, SECTOR);
}

static struct vol *find(struct model *m, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(m->vol); i++)
		if (m->vol[i].used && m->vol[i].number == number)
			return &m->vol[i];
	return NULL;
}

static unsigned int count(struct model *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(m->vol); i++)
		n += m->vol[i].used;
	return n;
}

/* Some volume: a live one, a snapshot, or either. NULL: there is none. */
struct vol *model_some(struct model *m, bool live, bool snapshot)
{
	struct vol *fit[ARRAY_SIZE(m->vol)];
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(m->vol); i++)
		if (m->vol[i].used && !m->vol[i].hidden &&
		    (m->vol[i].live ? live : snapshot))
			fit[n++] = &m->vol[i];
	return n ? fit[below(&m->seed, n)] : NULL;
}

static struct vol *add(struct model *m, uint64_t bytes)
{
	struct vol *v = m->vol;

	while (v->used)
		v++;
	*v = (struct vol){
		.used = true, .bytes = bytes, .older = NONE, .newer = NONE, .id = -1, .fd = -1,
		.tag = calloc(MAX_BYTES / SECTOR, sizeof(*v->tag)),
	};
	snprintf(v->name, sizeof(v->name), "v%u", m->names++);
	return v;
}

void model_forget(struct vol *v)
{
	free(v->tag);
	v->used = false;
}

static void hold(struct model *m, struct vol *v)
{
	if (v->id >= 0)
		return;
	v->id = attach_volume(m->image, v->number, v->live ? 0 : VBLK_ATTACH_RDONLY);
	v->fd = disk_open(v->id, v->live ? PLAIN : O_RDONLY | O_DIRECT | O_CLOEXEC);
	EQ(disk_bytes(v->fd), v->bytes);
}

void model_let_go(struct vol *v)
{
	if (v->id < 0)
		return;
	close(v->fd);
	detach(v->id);
	v->id = -1;
	v->fd = -1;
}

static void compare(struct model *m, struct vol *v, const void *buf, uint64_t pos, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes / SECTOR; i++) {
		uint64_t n = pos / SECTOR + i;

		if (!is_sector(buf + i * SECTOR, n, v->tag[n])) {
			const uint64_t *p = buf + i * SECTOR;

			diag("sector %llu: tag %u wanted; first words %llx %llx",
			     (unsigned long long)n, v->tag[n], (unsigned long long)p[0],
			     (unsigned long long)p[1]);
			model_fail(m, v, "wrong data");
		}
	}
}

static void place(struct model *m, struct vol *v, uint64_t *pos, uint64_t *bytes)
{
	uint64_t unit = below(&m->seed, 4) ? SECTOR : m->cluster;

	if (v->bytes < unit)
		unit = SECTOR;
	*pos = below(&m->seed, v->bytes / unit) * unit;
	*bytes = (1 + below(&m->seed, MAX_IO / unit >> below(&m->seed, 6))) * unit;
	/* some places are more liked than others */
	if (!below(&m->seed, 3))
		*pos %= MIB;
	if (*pos + *bytes > v->bytes)
		*bytes = v->bytes - *pos;
}

void model_read(struct model *m)
{
	struct vol *v = model_some(m, true, true);
	uint64_t pos, bytes;

	hold(m, v);
	place(m, v, &pos, &bytes);
	EQ(OK(pread(v->fd, m->buf, bytes, pos)), bytes);
	compare(m, v, m->buf, pos, bytes);
}

/* After an error each sector is old or new, no other. */
static void settle(struct model *m, struct vol *v, uint64_t pos, uint64_t bytes, uint32_t tag)
{
	uint64_t i, n;

	EQ(OK(pread(v->fd, m->buf2, bytes, pos)), bytes);
	for (i = 0; i < bytes / SECTOR; i++) {
		n = pos / SECTOR + i;
		if (is_sector(m->buf2 + i * SECTOR, n, tag))
			v->tag[n] = tag;
	}
	compare(m, v, m->buf2, pos, bytes);
}

void model_write(struct model *m)
{
	struct vol *v = model_some(m, true, false);
	uint64_t pos, bytes, i;
	ssize_t n;

	if (!v)
		return;
	hold(m, v);
	place(m, v, &pos, &bytes);
	m->tag++;
	for (i = 0; i < bytes / SECTOR; i++)
		sector(m->buf + i * SECTOR, pos / SECTOR + i, m->tag);
	n = pwrite(v->fd, m->buf, bytes, pos);
	if (n == (ssize_t)bytes) {
		for (i = 0; i < bytes / SECTOR; i++)
			v->tag[pos / SECTOR + i] = m->tag;
		return;
	}
	if (n < 0 && errno != ENOSPC)
		model_fail(m, v, strerror(errno));
	m->full++;
	settle(m, v, pos, bytes, m->tag);
}

void model_discard(struct model *m)
{
	struct vol *v = model_some(m, true, false);
	bool zero = below(&m->seed, 2);
	uint64_t range[2], i, n;
	int ret;

	if (!v)
		return;
	hold(m, v);
	place(m, v, &range[0], &range[1]);
	ret = ioctl(v->fd, zero ? BLKZEROOUT : BLKDISCARD, range);
	if (ret && errno != ENOSPC)
		model_fail(m, v, strerror(errno));
	if (zero && !ret) {
		for (i = 0; i < range[1] / SECTOR; i++)
			v->tag[range[0] / SECTOR + i] = 0;
		return;
	}
	/* What is discarded may stay, but here whole clusters go, if there is space. */
	settle(m, v, range[0], range[1], 0);
	if (ret || m->full || zero)
		return;
	for (i = range[0] + m->cluster - 1; i < range[0] + range[1]; i += SECTOR) {
		n = i - i % m->cluster;
		if (n >= range[0] && n + m->cluster <= range[0] + range[1] && v->tag[i / SECTOR])
			model_fail(m, v, "a discarded cluster is there");
	}
}

void model_flush(struct model *m)
{
	struct vol *v = model_some(m, true, false);

	if (!v)
		return;
	hold(m, v);
	OK(fsync(v->fd));
}

static void copy(struct vol *to, const struct vol *from)
{
	to->bytes = from->bytes;
	memcpy(to->tag, from->tag, MAX_BYTES / SECTOR * sizeof(*to->tag));
}

void model_create(struct model *m)
{
	uint64_t bytes = (1 + below(&m->seed, MAX_BYTES / SECTOR)) * SECTOR;
	struct vol *v;

	if (count(m) >= MAX_VOLS)
		return;
	v = add(m, bytes);
	v->live = true;
	if (!try_make(m->image, VBLK_IMAGE_CREATE, 0, bytes, v->name, &v->number))
		return;
	EQ(errno, ENOSPC);
	model_forget(v);
}

void model_snapshot(struct model *m)
{
	struct vol *v = model_some(m, true, false), *s, *o;

	if (!v || count(m) >= MAX_VOLS)
		return;
	s = add(m, v->bytes);
	if (try_make(m->image, VBLK_IMAGE_SNAPSHOT, v->number, 0, s->name, &s->number)) {
		EQ(errno, ENOSPC);
		model_forget(s);
		return;
	}
	copy(s, v);
	s->older = v->older;
	s->newer = v->number;
	o = v->older == NONE ? NULL : find(m, v->older);
	if (o && o->newer == v->number)
		o->newer = s->number;
	v->older = s->number;
}

void model_clone(struct model *m)
{
	struct vol *s = model_some(m, false, true), *c;

	if (!s || count(m) >= MAX_VOLS)
		return;
	c = add(m, s->bytes);
	c->live = true;
	if (try_make(m->image, VBLK_IMAGE_CLONE, s->number, 0, c->name, &c->number)) {
		EQ(errno, ENOSPC);
		model_forget(c);
		return;
	}
	copy(c, s);
	c->older = s->number;
}

static unsigned int clones(struct model *m, const struct vol *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(m->vol); i++)
		n += m->vol[i].used && m->vol[i].older == s->number &&
		     m->vol[i].number != s->newer;
	return n;
}

/* It leaves its chain; a hidden snapshot that was only there for it does, too. */
static void unlink_vol(struct model *m, struct vol *v)
{
	struct vol *p, *n;

	for (; v; v = p) {
		p = v->older == NONE ? NULL : find(m, v->older);
		n = v->newer == NONE ? NULL : find(m, v->newer);
		if (n)
			n->older = v->older;
		if (p && p->newer == v->number)
			p->newer = n ? n->number : NONE;
		model_forget(v);
		if (!p || !p->hidden || clones(m, p))
			return;
	}
}

void model_delete(struct model *m)
{
	struct vol *v = model_some(m, true, true);

	if (!v || count(m) < 3)
		return;
	if (v->id >= 0 && !below(&m->seed, 4))
		FAILS(try_delete(m->image, v->number), EBUSY);
	model_let_go(v);
	OK(try_delete(m->image, v->number));
	FAILS(try_delete(m->image, v->number), ENOENT);
	if (clones(m, v))
		v->hidden = true;
	else
		unlink_vol(m, v);
}

static struct vol *origin(struct model *m, struct vol *c, struct vol **first)
{
	struct vol *v = c, *o;

	for (;;) {
		*first = v;
		o = v->older == NONE ? NULL : find(m, v->older);
		if (!o || o->newer != v->number)
			return o;
		v = o;
	}
}

void model_promote(struct model *m)
{
	struct vol *c = model_some(m, true, true), *s, *v, *first = NULL, *w;
	uint32_t number;
	char name[32];

	if (!c->live) {
		model_let_go(c);
		FAILS(try_promote(m->image, c->number), ENOENT);
		return;
	}
	s = origin(m, c, &first);
	if (!s) {
		FAILS(try_promote(m->image, c->number), EINVAL);
		return;
	}
	v = s->newer == NONE ? NULL : find(m, s->newer);
	if (!v) {
		FAILS(try_promote(m->image, c->number), EINVAL);
		return;
	}
	if (!v->live || clones(m, s) != 1) {
		FAILS(try_promote(m->image, c->number), EBUSY);
		return;
	}
	if (c->id >= 0 || v->id >= 0)
		FAILS(try_promote(m->image, c->number), EBUSY);
	model_let_go(c);
	model_let_go(v);
	OK(try_promote(m->image, c->number));
	number = v->number;
	memcpy(name, v->name, sizeof(name));
	model_forget(v);
	if (first != c) {
		w = find(m, c->older);
		w->newer = number;
	}
	c->number = number;
	memcpy(c->name, name, sizeof(name));
	s->newer = first->number;
	if (s->hidden)
		unlink_vol(m, s);
}

void model_resize(struct model *m)
{
	struct vol *v = model_some(m, true, false);
	uint64_t bytes = (1 + below(&m->seed, MAX_BYTES / SECTOR)) * SECTOR, i;

	if (!v || below(&m->seed, 3))
		return;
	hold(m, v);
	if (bytes < v->bytes) {
		FAILS(try_resize(v->id, bytes, 0), EBUSY);
		FAILS(try_resize(v->id, bytes, VBLK_RESIZE_SHRINK), EBUSY);
		close(v->fd);
		if (try_resize(v->id, bytes, VBLK_RESIZE_SHRINK)) {
			/* To cut off may take a cluster. */
			EQ(errno, ENOSPC);
			bytes = v->bytes;
			m->full++;
		}
		v->fd = disk_open(v->id, PLAIN);
		if (bytes == v->bytes) {
			for (i = 0; i < v->bytes; i += MAX_IO)
				settle(m, v, i, v->bytes - i < MAX_IO ? v->bytes - i : MAX_IO, 0);
			return;
		}
	} else {
		OK(try_resize(v->id, bytes, 0));
	}
	for (i = bytes; i < v->bytes; i += SECTOR)
		v->tag[i / SECTOR] = 0;
	v->bytes = bytes;
	EQ(disk_bytes(v->fd), bytes);
	EQ(pool_volume(m->image, v->number).length, bytes);
}

/* What a diff does not name, is the same; what it calls zeroes, is that. */
void model_diff(struct model *m)
{
	struct vol *a = below(&m->seed, 4) ? model_some(m, true, true) : NULL;
	struct vol *b = model_some(m, true, true);
	struct vblk_extent e[16];
	struct vblk_image_diff d = {
		.size = sizeof(d), .base = a ? a->number : NONE, .volume = b->number,
		.extents = (uintptr_t)e,
	};
	uint64_t at = 0, end, i, k;

	while (d.offset < b->bytes) {
		d.count = 1 + below(&m->seed, ARRAY_SIZE(e));
		OK(ioctl(m->image, VBLK_IMAGE_DIFF, &d));
		for (k = 0; k <= d.count; k++) {
			end = k < d.count ? e[k].offset : d.offset;
			for (i = at / SECTOR; i < end / SECTOR; i++) {
				uint32_t was = a && i * SECTOR < a->bytes ? a->tag[i] : 0;

				if (was != b->tag[i])
					model_fail(m, b, "a difference that is not told");
			}
			if (k == d.count)
				break;
			at = e[k].offset + e[k].length;
			if (at > d.offset || e[k].offset < (k ? e[k - 1].offset : 0))
				model_fail(m, b, "extents out of order");
			for (i = e[k].offset / SECTOR; i < at / SECTOR; i++)
				if (e[k].flags & VBLK_EXTENT_ZERO && b->tag[i])
					model_fail(m, b, "zeroes that are none");
		}
		at = d.offset;
	}
	EQ(d.offset, b->bytes);
}

static void compare_all(struct model *m)
{
	struct reading r;
	uint64_t pos, n;
	struct vol *v;

	for (v = m->vol; v < m->vol + ARRAY_SIZE(m->vol); v++) {
		if (!v->used || v->hidden)
			continue;
		reading_begin(&r, m->backing, v->number);
		EQ(r.reader->v.size, v->bytes);
		CHECK(!strcmp(r.reader->v.name, v->name), "volume %u is called %s, not %s",
		      v->number, r.reader->v.name, v->name);
		for (pos = 0; pos < v->bytes; pos += n) {
			n = v->bytes - pos < MAX_IO ? v->bytes - pos : MAX_IO;
			EQ(img_reader_read(r.reader, m->buf, n, pos), 0);
			compare(m, v, m->buf, pos, n);
		}
		reading_end(&r);
	}
}

static void numbers(struct model *m)
{
	struct vblk_volume v = { .size = sizeof(v), .flags = VBLK_VOLUME_NEXT };
	unsigned int seen = 0;
	struct vol *w;

	for (; !ioctl(m->image, VBLK_IMAGE_VOLUME, &v); v.volume++, v.flags = VBLK_VOLUME_NEXT) {
		if (v.state == VBLK_VOLUME_DELETED)
			continue;
		w = find(m, v.volume);
		if (!w)
			model_fail(m, NULL, "a volume too many");
		seen++;
		EQ(v.state, w->live ? VBLK_VOLUME_LIVE :
		   w->hidden ? VBLK_VOLUME_HIDDEN : VBLK_VOLUME_SNAPSHOT);
		EQ(v.older, w->older);
		EQ(v.newer, w->newer);
		EQ(v.clones, clones(m, w) * !w->live);
		EQ(v.disk, w->id);
		EQ(v.length, w->bytes);
	}
	EQ(seen, count(m));
}

void model_at_rest(struct model *m, bool closed)
{
	struct vol *v;

	numbers(m);
	if (closed) {
		for (v = m->vol; v < m->vol + ARRAY_SIZE(m->vol); v++)
			if (v->used)
				model_let_go(v);
		/* Now and then with deletes that are not done yet. */
		if (below(&m->seed, 2))
			OK(pool_commit(m->image, VBLK_COMMIT_DELETES));
		close(m->image);
	} else {
		OK(pool_commit(m->image, VBLK_COMMIT_DELETES));
	}
	if (!POOL_SOUND(m->backing))
		model_fail(m, NULL, "not sound");
	compare_all(m);
	if (closed)
		m->image = pool_open(m->backing);
	m->full = 0;
}
