/* SPDX-License-Identifier: GPL-2.0 */
/* A store in memory, for tests of images. */
#ifndef TESTS_MEM_STORE_H
#define TESTS_MEM_STORE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../image/store.h"

struct mem_store {
	struct store s;
	uint8_t *mem;
	/* Writes that still succeed; -1: all. */
	long left;
};

static inline struct mem_store *mem_of(struct store *s)
{
	return (struct mem_store *)((char *)s - offsetof(struct mem_store, s));
}

static inline int mem_read(struct store *s, void *buf, size_t n, uint64_t pos)
{
	if (pos + n > s->bytes) {
		memset(buf, 0, n);
		if (pos >= s->bytes)
			return 0;
		n = s->bytes - pos;
	}
	memcpy(buf, mem_of(s)->mem + pos, n);
	return 0;
}

static inline int mem_write(struct store *s, const void *buf, size_t n, uint64_t pos)
{
	struct mem_store *m = mem_of(s);

	if (pos + n > s->bytes)
		return -ENOSPC;
	if (!m->left)
		return -EIO;
	m->left -= m->left > 0;
	memcpy(m->mem + pos, buf, n);
	return 0;
}

static inline int mem_flush(struct store *s)
{
	return mem_of(s)->left ? 0 : -EIO;
}

/* Not zeroes: what is punched must not be read any more. */
static inline void mem_punch(struct store *s, uint64_t n, uint64_t pos)
{
	memset(mem_of(s)->mem + pos, 0xee, n);
}

static inline void mem_store(struct mem_store *m, uint64_t bytes)
{
	m->s = (struct store) {
		.read = mem_read, .write = mem_write, .flush = mem_flush, .punch = mem_punch,
		.name = "memory", .bytes = bytes,
	};
	m->mem = calloc(1, bytes);
	m->left = -1;
}

#endif
