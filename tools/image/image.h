/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading vblk images. Functions return 0 (or what they say), or -errno with a
 * message; -EUCLEAN means that the image breaks the format.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "layout.h"
#include "store.h"

/**
 * struct img - an image that is being read
 * @st: where it is kept
 * @sb: the superblock that counts
 * @wrong: what is wrong with the superblock in block 0, and with that in block 16;
 *	NULL if nothing is
 * @place: both of them
 */
struct img {
	struct store *st;
	struct img_super sb;
	const char *wrong[2];
	struct img_super place[2];
};

int img_open(struct img *im, struct store *st);
bool img_probe(struct store *st);
int img_read(struct img *im, const struct img_entry *e, void *buf);

/**
 * struct img_cursor - a way down a tree, which remembers the nodes it went through
 * @im: image
 * @root: of the tree
 * @depth: of the tree
 * @blocks: that a leaf points to, 0 for metadata
 * @at: address of the node in @raw, by level; 0: none
 * @raw: nodes, by level
 */
struct img_cursor {
	struct img *im;
	struct img_entry root;
	unsigned int depth;
	unsigned int blocks;
	uint64_t at[IMG_MAX_DEPTH + 1];
	uint8_t raw[IMG_MAX_DEPTH + 1][IMG_BLOCK];
};

void img_cursor_init(struct img_cursor *c, struct img *im, const struct img_entry *root,
		     unsigned int depth, unsigned int blocks);
int img_find(struct img_cursor *c, uint64_t leaf, struct img_entry *e, uint64_t *span);
int img_next(struct img_cursor *c, uint64_t *leaf, uint64_t end, struct img_entry *e);

int img_volumes(struct img *im, struct img_volume **volumes, size_t *n);

/**
 * struct img_reader - a volume that is being read as a disk
 * @c: where in its tree
 * @v: its record
 * @base: what its holes read as, or NULL
 */
struct img_reader {
	struct img_cursor c;
	struct img_volume v;
	struct store *base;
};

struct img_reader *img_reader(struct img *im, const struct img_volume *v, struct store *base);
int img_reader_read(struct img_reader *r, void *buf, size_t n, uint64_t pos);
int img_reader_data(struct img_reader *r, uint64_t pos, uint64_t *start, uint64_t *end);

#endif
