/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The image format of Documentation/vblk-format.rst: from bytes to structs and
 * back, with every check that one block and its parent allow. Pure: programs
 * that read images compile it, too.
 */
#ifndef VB_FORMAT_H
#define VB_FORMAT_H

#include "pure.h"

#define VB_BLOCK		4096
#define VB_FIRST_BLOCK		32	/* before it only superblocks */
#define VB_MAX_BLOCKS		BIT_ULL(40)	/* a block number has 40 bits */
#define VB_MAX_IMAGE		BIT_ULL(39)	/* 2^24 leaves of the bitmap, 2^15 blocks each */
#define VB_MAX_EPOCH		BIT_ULL(48)
#define VB_FANOUT		256
#define VB_ENTRY_BYTES		16
#define VB_TREE_MAX_DEPTH	5
#define VB_VOLUMES_DEPTH	2
#define VB_BITMAP_DEPTH		3
#define VB_MAX_VOLUMES		BIT(20)
#define VB_NO_VOLUME		0xffffffffU
#define VB_VOLUME_BYTES		256
#define VB_LOG_RECORDS		508
#define VB_LOG_MAX_BLOCKS	64

/* Where the superblock of an epoch is, as a block. */
#define VB_SUPER_BLOCK(epoch)	((epoch) & 1 ? 16 : 0)

#define VB_ENTRY_ZERO		1	/* flags */
#define VB_INCOMPAT_BASE	1
#define VB_VOLUME_HAS_BASE	1

/**
 * struct vb_entry - a pointer in a tree
 * @block: address, in blocks
 * @birth: epoch whose commit wrote it
 * @crc: of what is there; 0 for data without checksums
 * @flags: VB_ENTRY_*
 */
struct vb_entry {
	u64 block;
	u64 birth;
	u32 crc;
	u8 flags;
};

/* A superblock; the format explains the fields, which have the same names there. */
struct vb_super {
	u8 uuid[16];
	u64 epoch;
	u64 nr_blocks;
	u64 nr_free;
	u64 nr_reserved;
	u32 incompat;
	u32 compat;
	u8 cluster_shift;
	u8 data_crc;
	u32 next_volume;
	u32 nr_volumes;
	struct vb_entry volumes;
	struct vb_entry bitmap;
	u32 log_blocks;
	u32 log_records;
	struct vb_entry log;
	u32 work;
	u32 work_volume;
	u64 work_at;
};

enum vb_volume_state {
	VB_VOLUME_UNUSED,
	VB_VOLUME_LIVE,
	VB_VOLUME_SNAPSHOT,
	VB_VOLUME_HIDDEN,
	VB_VOLUME_DELETED,
};

/* A record of the table of volumes; likewise. */
struct vb_volume {
	u32 state;
	u32 number;
	u64 size;
	struct vb_entry root;
	u8 depth;
	u8 flags;
	u64 born;
	u64 time;
	u32 origin;
	u32 older;
	u32 newer;
	u32 clones;
	u8 uuid[16];
	u64 taken;
	u64 base_id;
	u64 keep;
	u8 name[128];
};

/* What an entry points to, for its checks. */
enum vb_target {
	VB_NODE,	/* or another block of metadata */
	VB_DATA,	/* a cluster */
};

u32 vb_crc32c(const void *data, size_t bytes);

void vb_entry_unpack(struct vb_entry *e, const u8 *raw);
void vb_entry_pack(u8 *raw, const struct vb_entry *e);
bool vb_entry_is_hole(const struct vb_entry *e);
int vb_entry_check(const struct vb_super *s, const struct vb_entry *e, u64 parent_birth,
		   enum vb_target target);

int vb_super_unpack(struct vb_super *s, const u8 *raw, unsigned int place);
void vb_super_pack(u8 *raw, const struct vb_super *s);

int vb_volume_unpack(const struct vb_super *s, struct vb_volume *v, const u8 *raw, u32 number);
void vb_volume_pack(u8 *raw, const struct vb_volume *v);

int vb_log_unpack(const struct vb_super *s, const u8 *raw, struct vb_entry *next,
		  unsigned int *count);
int vb_log_record(const struct vb_super *s, const u8 *raw, unsigned int i, u64 *block,
		  u32 *blocks, bool *used);

unsigned int vb_tree_depth(u64 leaves);
unsigned int vb_tree_index(u64 leaf, unsigned int level);

/**
 * struct vb_reader - how to get at an image's blocks
 * @read: read one; the buffer is VB_BLOCK bytes. 0 or a negative errno
 * @ctx: its argument
 * @buffer: VB_BLOCK bytes for the walk
 */
struct vb_reader {
	int (*read)(void *ctx, u64 block, void *buffer);
	void *ctx;
	u8 *buffer;
};

int vb_tree_find(const struct vb_super *s, const struct vb_reader *r,
		 const struct vb_entry *root, unsigned int depth, u64 leaf,
		 enum vb_target target, struct vb_entry *found);

#endif
