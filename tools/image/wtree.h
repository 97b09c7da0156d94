/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tree of an image that is being changed: nodes in memory, read when they are
 * needed, written by a commit.
 */
#ifndef IMAGE_WTREE_H
#define IMAGE_WTREE_H

#include "image.h"

struct img_writer;
struct wnode;

/**
 * struct wtree - a tree
 * @w: writer
 * @root: entry of the root as it is on disk
 * @top: the root's node in memory, or NULL
 * @depth: of the tree
 * @blocks: that a leaf points to, 0 for metadata
 * @dirty: @root changes with the next commit
 */
struct wtree {
	struct img_writer *w;
	struct img_entry root;
	struct wnode *top;
	unsigned int depth;
	unsigned int blocks;
	bool dirty;
};

int wtree_at(struct wtree *t, unsigned int level, uint64_t leaf, struct img_entry *e);
int wtree_get(struct wtree *t, uint64_t leaf, struct img_entry *e);
int wtree_set(struct wtree *t, unsigned int level, uint64_t leaf, const struct img_entry *e);
int wtree_reserve(struct wtree *t, uint64_t leaf, uint64_t shared);
int wtree_commit(struct wtree *t, uint64_t shared);
void wtree_forget(struct wtree *t);

#endif
