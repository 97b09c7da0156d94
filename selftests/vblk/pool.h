/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Images for tests: made and judged by the programs of tools/image, which read and write
 * the same format without the module.
 */
#ifndef SELFTESTS_POOL_H
#define SELFTESTS_POOL_H

#include "../../tools/image/check.h"
#include "../../tools/image/writer.h"
#include "disk.h"

#define NONE VBLK_NO_VOLUME

void pool_make(int backing, uint64_t bytes, unsigned int shift);
int pool_new(uint64_t bytes, unsigned int shift);
int try_pool_open(int backing, uint32_t flags);
int pool_open(int backing);
/* The image is sound, by a reader of its own; it must be at rest. */
#define POOL_SOUND(backing) pool_sound(__FILE__, __LINE__, backing)
bool pool_sound(const char *file, int line, int backing);
bool store_sound(struct store *st);

/* What a volume has, read without the module. */
struct reading {
	struct file_store store;
	char path[32];
	struct img im;
	struct img_reader *reader;
};

void reading_begin(struct reading *r, int backing, uint32_t volume);
void reading_end(struct reading *r);

struct vblk_image_info pool_info(int image);
struct vblk_volume pool_volume(int image, uint32_t number);
int try_make(int image, unsigned long call, uint32_t source, uint64_t bytes, const char *name,
	     uint32_t *number);
uint32_t pool_create(int image, uint64_t bytes, const char *name);
uint32_t pool_snapshot(int image, uint32_t volume, const char *name);
uint32_t pool_clone(int image, uint32_t snapshot, const char *name);
int try_delete(int image, uint32_t volume);
int try_promote(int image, uint32_t volume);
int pool_commit(int image, uint32_t flags);
int try_volume(int image, uint32_t volume, uint32_t flags);
int attach_volume(int image, uint32_t volume, uint32_t flags);

/* After how many blocks of log it is folded into the bitmap. Return: what it was. */
unsigned int pool_log_blocks(unsigned int n);

/* A sequence of numbers that a seed decides. */
uint64_t rnd(uint64_t *state);
uint64_t below(uint64_t *state, uint64_t n);

#endif
