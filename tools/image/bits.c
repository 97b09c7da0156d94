// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/virtlite.h"
#include "bits.h"
#include "layout.h"

static size_t table_bytes(const struct bits *b)
{
	return b->nr_leaves * sizeof(*b->leaf);
}

/* The table is as large as an image says it is, the memory as what it uses. */
int bits_init(struct bits *b, uint64_t n)
{
	b->n = n;
	b->nr_leaves = (n + IMG_MAP_BITS - 1) / IMG_MAP_BITS;
	b->leaf = mmap(NULL, table_bytes(b), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->leaf == MAP_FAILED) {
		b->leaf = NULL;
		return vl_error(ENOMEM, "a map of %llu blocks", (unsigned long long)n);
	}
	return 0;
}

void bits_free(struct bits *b)
{
	uint64_t i;

	if (!b->leaf)
		return;
	for (i = 0; i < b->nr_leaves; i++)
		free(b->leaf[i]);
	munmap(b->leaf, table_bytes(b));
	b->leaf = NULL;
}

/* A piece to be changed; NULL without memory. */
uint8_t *bits_leaf(struct bits *b, uint64_t leaf)
{
	if (!b->leaf[leaf])
		b->leaf[leaf] = calloc(1, IMG_BLOCK);
	return b->leaf[leaf];
}

bool bits_test(const struct bits *b, uint64_t i)
{
	const uint8_t *leaf = b->leaf[i / IMG_MAP_BITS];

	i %= IMG_MAP_BITS;
	return leaf && leaf[i >> 3] >> (i & 7) & 1;
}

bool bits_any(const struct bits *b, uint64_t first, uint64_t n)
{
	while (n--) {
		if (bits_test(b, first++))
			return true;
	}
	return false;
}

bool bits_all(const struct bits *b, uint64_t first, uint64_t n)
{
	while (n--) {
		if (!bits_test(b, first++))
			return false;
	}
	return true;
}

int bits_change(struct bits *b, uint64_t first, uint64_t n, bool value)
{
	uint8_t *leaf;

	for (; n--; first++) {
		leaf = bits_leaf(b, first / IMG_MAP_BITS);
		if (!leaf)
			return vl_error(ENOMEM, "a map of blocks");
		if (value)
			leaf[first % IMG_MAP_BITS >> 3] |= 1 << (first & 7);
		else
			leaf[first % IMG_MAP_BITS >> 3] &= ~(1 << (first & 7));
	}
	return 0;
}

uint64_t bits_count(const struct bits *b)
{
	uint64_t i, count = 0, word;
	unsigned int j;

	for (i = 0; i < b->nr_leaves; i++) {
		for (j = 0; b->leaf[i] && j < IMG_BLOCK; j += 8) {
			memcpy(&word, b->leaf[i] + j, 8);
			count += __builtin_popcountll(word);
		}
	}
	return count;
}

/* The first run of so many clear bits, aligned to its length, in a range. -1: none. */
int64_t bits_find_clear(const struct bits *b, uint64_t from, uint64_t to, unsigned int blocks)
{
	const uint8_t *leaf;
	uint64_t i, word;

	i = (from + blocks - 1) / blocks * blocks;
	while (i + blocks <= to) {
		leaf = b->leaf[i / IMG_MAP_BITS];
		if (!leaf)
			return i;
		/* IMG_MAP_BITS is a multiple of every cluster: a run is in one leaf. */
		memcpy(&word, leaf + i % IMG_MAP_BITS / 64 * 8, 8);
		if (word == ~0ULL) {
			i = (i / 64 + 1) * 64;
			i = (i + blocks - 1) / blocks * blocks;
			continue;
		}
		if (!bits_any(b, i, blocks))
			return i;
		i += blocks;
	}
	return -1;
}
