/* SPDX-License-Identifier: GPL-2.0 */
/* An image in memory, and a model of what its volumes hold. */
#ifndef TESTS_IMAGE_MODEL_H
#define TESTS_IMAGE_MODEL_H

#include <stdio.h>

#include "../image/check.h"
#include "../image/writer.h"
#include "../lib/virtlite.h"
#include "mem_store.h"
#include "tap.h"

#define POOL	(24U << 20)
#define DISK	(2U << 20)
#define VOLS	8

struct model {
	struct mem_store st;
	struct img_writer *w;
	uint8_t *data[VOLS];
	uint32_t number[VOLS];
	bool snapshot[VOLS];
	unsigned int n;
	unsigned int rnd;
};

static inline unsigned int rnd(struct model *m, unsigned int below)
{
	m->rnd = m->rnd * 1103515245 + 12345;
	return (m->rnd >> 8) % below;
}

static inline void fill(struct model *m, uint8_t *p, size_t n)
{
	while (n--)
		*p++ = rnd(m, 256);
}

static inline unsigned int other(struct model *m, unsigned int from, bool snapshot)
{
	m->data[m->n] = malloc(DISK);
	memcpy(m->data[m->n], m->data[from], DISK);
	m->snapshot[m->n] = snapshot;
	return m->n++;
}

static inline bool step(struct model *m)
{
	unsigned int v, what = rnd(m, 100);
	uint64_t pos, n;
	char name[16];

	do
		v = rnd(m, m->n);
	while (m->snapshot[v]);
	pos = rnd(m, DISK / 512) * 512;
	n = (1 + rnd(m, what & 1 ? 16 : 400)) * 512;
	if (pos + n > DISK)
		n = DISK - pos;
	snprintf(name, sizeof(name), "v%u", m->n);
	if (what < 70) {
		fill(m, m->data[v] + pos, n);
		return !img_write(m->w, m->number[v], m->data[v] + pos, n, pos);
	}
	if (what < 80) {
		uint64_t c = 1ULL << m->w->sb.shift, from = (pos + c - 1) & ~(c - 1);
		uint64_t to = (pos + n) & ~(c - 1);

		if (from < to)
			memset(m->data[v] + from, 0, to - from);
		return from >= to || !img_discard(m->w, m->number[v], to - from, from);
	}
	if (what < 84 && m->n < VOLS) {
		other(m, v, true);
		return !img_snapshot(m->w, m->number[v], name, &m->number[m->n - 1]);
	}
	if (what < 88 && m->n < VOLS) {
		for (v = 0; v < m->n && !m->snapshot[v]; v++)
			;
		if (v == m->n)
			return true;
		other(m, v, false);
		return !img_clone(m->w, m->number[v], name, &m->number[m->n - 1]);
	}
	return what < 95 || !img_commit(m->w);
}

static inline bool build(struct model *m, unsigned int shift, bool crc, unsigned int steps,
			 unsigned int seed)
{
	struct img_make make = { .nr_blocks = POOL / 4096, .shift = shift, .data_crc = crc };

	memset(m, 0, sizeof(*m));
	m->rnd = seed;
	mem_store(&m->st, POOL);
	m->w = img_make(&m->st.s, &make);
	m->data[0] = calloc(1, DISK);
	m->n = 1;
	if (!m->w || img_add_volume(m->w, "v0", DISK, &m->number[0]))
		return false;
	while (steps--) {
		if (!step(m)) {
			printf("# %s\n", vl_message());
			return false;
		}
	}
	return !img_commit(m->w);
}

static inline bool same(struct model *m)
{
	uint8_t *buf = malloc(DISK);
	struct img_reader *r;
	struct img_volume *list;
	unsigned int i;
	struct img im;
	size_t n, j;
	bool good;

	good = !img_open(&im, &m->st.s) && !img_volumes(&im, &list, &n) && n == m->n;
	for (i = 0; good && i < m->n; i++) {
		for (j = 0; j < n && list[j].number != m->number[i]; j++)
			;
		r = j < n ? img_reader(&im, &list[j], NULL) : NULL;
		good = r && !img_reader_read(r, buf, DISK, 0) && !memcmp(buf, m->data[i], DISK);
		if (!good)
			printf("# volume %u differs: %s\n", m->number[i], vl_message());
		free(r);
	}
	free(buf);
	return good;
}

static inline void done(struct model *m)
{
	unsigned int i;

	img_writer_free(m->w);
	for (i = 0; i < m->n; i++)
		free(m->data[i]);
	free(m->st.mem);
}

static inline void print(void *ctx, enum img_damage what, enum img_remedy remedy, const char *text)
{
	(void)ctx;
	printf("# %s (%u): %s\n", img_damage_name(what), remedy, text);
}

static inline bool sound(struct store *st)
{
	struct img_check c = { .report = print };
	bool good = !img_check(&c, st) && !img_check_found(&c);

	img_check_end(&c);
	return good;
}

#endif
