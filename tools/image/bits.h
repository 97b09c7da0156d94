/* SPDX-License-Identifier: GPL-2.0 */
/* A bit for each block of an image, kept only where some are set. */
#ifndef IMAGE_BITS_H
#define IMAGE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct bits - a set of blocks
 * @leaf: pieces of IMG_MAP_BITS bits, in the layout of the bitmap's leaves; NULL is
 *	all clear
 * @nr_leaves: how many
 * @n: blocks
 */
struct bits {
	uint8_t **leaf;
	uint64_t nr_leaves;
	uint64_t n;
};

int bits_init(struct bits *b, uint64_t n);
void bits_free(struct bits *b);
uint8_t *bits_leaf(struct bits *b, uint64_t leaf);
bool bits_test(const struct bits *b, uint64_t i);
bool bits_any(const struct bits *b, uint64_t first, uint64_t n);
bool bits_all(const struct bits *b, uint64_t first, uint64_t n);
int bits_change(struct bits *b, uint64_t first, uint64_t n, bool value);
uint64_t bits_count(const struct bits *b);
int64_t bits_find_clear(const struct bits *b, uint64_t from, uint64_t to, unsigned int blocks);

#endif
