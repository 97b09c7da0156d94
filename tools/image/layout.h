/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vblk image format as Documentation/vblk-format.rst has it: numbers, and the
 * structs that its records become in memory. Written from that page alone, and
 * sharing nothing with the module, so that each checks the other.
 */
#ifndef IMAGE_LAYOUT_H
#define IMAGE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMG_BLOCK	4096U
#define IMG_FIRST	32U	/* blocks before it are superblocks and padding */
#define IMG_FAN		256U	/* entries of a node */
#define IMG_MAX_DEPTH	5U
#define IMG_TABLE_DEPTH	2U
#define IMG_MAP_DEPTH	3U
#define IMG_MAP_BITS	32768U	/* blocks that a leaf of the bitmap stands for */
#define IMG_RECORD	256U	/* bytes of a volume's record */
#define IMG_PER_LEAF	(IMG_BLOCK / IMG_RECORD)
#define IMG_LOG_BLOCKS	64U
#define IMG_LOG_RECORDS	508U
#define IMG_LOG_RUN	0x7fffffU
#define IMG_MAX_BLOCKS	0x10000000000ULL	/* a block number has 40 bits */
#define IMG_MAX_IMAGE	0x8000000000ULL		/* what the bitmap covers */
#define IMG_MAX_EPOCH	0x1000000000000ULL
#define IMG_MAX_VOLUMES	0x100000U
#define IMG_NONE	0xffffffffU

#define IMG_INCOMPAT_BASE	1U
#define IMG_VOLUME_BASE		1U
#define IMG_ENTRY_ZERO		1U

enum img_state {
	IMG_UNUSED,
	IMG_VOLUME,
	IMG_SNAPSHOT,
	IMG_HIDDEN,
	IMG_DELETED,
};

/* An entry; a hole is all zero. */
struct img_entry {
	uint64_t addr;
	uint64_t birth;
	uint32_t sum;
	uint8_t flags;
};

struct img_super {
	uint32_t incompat, ro_compat, compat;
	uint8_t uuid[16];
	uint64_t epoch;
	uint64_t nr_blocks;
	uint8_t shift;
	uint8_t data_crc;
	uint64_t nr_free;
	uint64_t nr_reserved;
	uint32_t next_volume;
	uint32_t nr_volumes;
	struct img_entry volumes;
	struct img_entry bitmap;
	uint32_t log_blocks;
	uint32_t log_records;
	struct img_entry log;
	uint32_t work;
	uint32_t work_volume;
	uint64_t work_at;
};

struct img_volume {
	uint32_t state;
	uint32_t number;
	uint64_t size;
	struct img_entry root;
	uint8_t depth;
	uint8_t flags;
	uint64_t born;
	uint64_t time;
	uint32_t origin;
	uint32_t older;
	uint32_t newer;
	uint32_t clones;
	uint8_t uuid[16];
	uint64_t taken;
	uint64_t base_id;
	uint64_t keep;
	char name[129];
};

uint32_t img_crc(const void *data, size_t bytes);

uint64_t img_get(const uint8_t *p, unsigned int bytes);
void img_put(uint8_t *p, unsigned int bytes, uint64_t v);
bool img_zeroes(const void *p, size_t bytes);

struct img_entry img_entry_load(const uint8_t *raw);
void img_entry_store(uint8_t *raw, const struct img_entry *e);
bool img_entry_same(const struct img_entry *a, const struct img_entry *b);
bool img_hole(const struct img_entry *e);

const char *img_super_load(struct img_super *s, const uint8_t *raw, unsigned int place);
const char *img_super_rules(const struct img_super *s);
void img_super_store(uint8_t *raw, const struct img_super *s);
const char *img_entry_rules(const struct img_super *s, const struct img_entry *e,
			    uint64_t parent_birth, unsigned int blocks);

const char *img_volume_load(struct img_volume *v, const uint8_t *raw);
const char *img_volume_rules(const struct img_super *s, const struct img_volume *v,
			     uint32_t number);
void img_volume_store(uint8_t *raw, const struct img_volume *v);

unsigned int img_depth(uint64_t leaves);

/* Blocks of a cluster, bytes of a cluster, clusters of a volume. */
static inline unsigned int img_cluster_blocks(const struct img_super *s)
{
	return 1U << (s->shift - 12);
}

static inline uint64_t img_clusters(const struct img_super *s, const struct img_volume *v)
{
	return (v->size + (1ULL << s->shift) - 1) >> s->shift;
}

static inline uint64_t img_place(uint64_t epoch)
{
	return epoch & 1 ? 16 : 0;
}

#endif
