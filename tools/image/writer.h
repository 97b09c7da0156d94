/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing vblk images: changes are collected, and become the image's next epoch by
 * a commit, in the order that the format demands. Whatever happens between two
 * commits, the image is as the last one left it.
 */
#ifndef IMAGE_WRITER_H
#define IMAGE_WRITER_H

#include "bits.h"
#include "image.h"
#include "wtree.h"

/**
 * struct wvolume - a volume, as the writer has it
 * @v: its record; @v.root is @t.root of the last commit
 * @t: its tree
 * @dirty: the record has to be written
 */
struct wvolume {
	struct img_volume v;
	struct wtree t;
	bool dirty;
};

struct extent {
	uint64_t block;
	uint64_t n;
};

/**
 * struct img_writer - an image that is being written
 * @im: the image; @im.sb is the last durable superblock
 * @sb: the next one
 * @used: blocks that must not be allocated: those in use, and those freed since the
 *	last commit, which the durable superblock still reaches
 * @freed: the latter
 * @nr_freed: how many there are in @freed
 * @log: records since the bitmap was last written, as in the log
 * @nr_log: how many
 * @touched: leaves of the bitmap that differ from what is on disk
 * @map: tree of the bitmap
 * @table: tree of the table of volumes
 * @old_log: blocks of the log on disk
 * @nr_old_log: how many
 * @vol: volumes by number, [@sb.next_volume]
 * @data_hint: where to look for a free cluster
 * @meta_hint: where to look for a free block
 * @free: blocks that are free, or will be after the commit
 * @keep: what is given up stays in use, see repair.c
 * @dirty_nodes: about how many nodes a commit has to write
 */
struct img_writer {
	struct img im;
	struct img_super sb;
	struct bits used;
	struct extent *freed;
	size_t nr_freed;
	uint64_t *log;
	size_t nr_log;
	struct bits touched;
	struct wtree map;
	struct wtree table;
	uint64_t old_log[IMG_LOG_BLOCKS];
	unsigned int nr_old_log;
	struct wvolume *vol;
	uint64_t data_hint;
	uint64_t meta_hint;
	uint64_t free;
	bool keep;
	uint64_t dirty_nodes;
};

/**
 * struct img_make - what a new image is to be
 * @nr_blocks: size
 * @shift: log2 of the cluster
 * @data_crc: with checksums of data
 */
struct img_make {
	uint64_t nr_blocks;
	unsigned int shift;
	bool data_crc;
};

struct img_writer *img_make(struct store *st, const struct img_make *m);
struct img_writer *img_write_open(struct store *st);
struct img_writer *img_writer_new(const struct img *im);
int img_commit(struct img_writer *w);
void img_writer_free(struct img_writer *w);

int img_add_volume(struct img_writer *w, const char *name, uint64_t size, uint32_t *number);
int img_snapshot(struct img_writer *w, uint32_t volume, const char *name, uint32_t *number);
int img_clone(struct img_writer *w, uint32_t snapshot, const char *name, uint32_t *number);
int img_write(struct img_writer *w, uint32_t volume, const void *buf, size_t n, uint64_t pos);
int img_discard(struct img_writer *w, uint32_t volume, uint64_t n, uint64_t pos);

/* For the writer's own files. */
int64_t img_take(struct img_writer *w, unsigned int blocks, bool data);
int img_give(struct img_writer *w, uint64_t block, unsigned int blocks);
int img_read_log(struct img *im, int (*record)(void *ctx, uint64_t block, uint64_t n, bool used),
		 int (*block)(void *ctx, const struct img_entry *e), void *ctx);
uint64_t img_shared_births(struct img_writer *w, const struct img_volume *v);

#endif
