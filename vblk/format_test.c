// SPDX-License-Identifier: GPL-2.0
/*
 * The image format: what is written is read back; the bytes are where the
 * document says; whatever breaks a rule is refused, and no byte of a superblock or
 * of a node can change unnoticed.
 */
#include <kunit/test.h>

#include "format.h"

#define NR_BLOCKS 64

/* An image in memory: two superblocks of one state, a tree of depth 2. */
struct image {
	struct vb_super s;
	struct vb_reader r;
	struct vb_entry root;
	u8 blocks[NR_BLOCKS][VB_BLOCK];
	u8 buffer[VB_BLOCK];
	unsigned int reads;
};

static int image_read(void *ctx, u64 block, void *buffer)
{
	struct image *im = ctx;

	im->reads++;
	if (block >= NR_BLOCKS)
		return -EIO;
	memcpy(buffer, im->blocks[block], VB_BLOCK);
	return 0;
}

static void point(struct image *im, struct vb_entry *e, u64 block, u64 birth)
{
	*e = (struct vb_entry){
		.block = block, .birth = birth,
		.crc = vb_crc32c(im->blocks[block], VB_BLOCK),
	};
}

/* leaf 5 at block 48; leaf 256 + 7 is zeroed; the rest are holes. */
static struct image *image_new(struct kunit *test)
{
	struct image *im = kunit_kzalloc(test, sizeof(*im), GFP_KERNEL);
	struct vb_entry e;

	KUNIT_ASSERT_NOT_NULL(test, im);
	im->r = (struct vb_reader){ .read = image_read, .ctx = im, .buffer = im->buffer };
	im->s = (struct vb_super){
		.epoch = 9, .nr_blocks = NR_BLOCKS, .nr_free = 10, .nr_reserved = 4,
		.cluster_shift = 12, .next_volume = 3, .nr_volumes = 1,
	};
	vb_entry_pack(im->blocks[40] + 5 * 16, &(struct vb_entry){ .block = 48, .birth = 6 });
	vb_entry_pack(im->blocks[41] + 7 * 16,
		      &(struct vb_entry){ .flags = VB_ENTRY_ZERO, .birth = 8 });
	point(im, &e, 40, 7);
	vb_entry_pack(im->blocks[42], &e);
	point(im, &e, 41, 8);
	vb_entry_pack(im->blocks[42] + 16, &e);
	point(im, &im->root, 42, 9);
	return im;
}

static int find(struct image *im, u64 leaf, struct vb_entry *e)
{
	return vb_tree_find(&im->s, &im->r, &im->root, 2, leaf, VB_DATA, e);
}

static void format_entry(struct kunit *test)
{
	static const u8 want[16] = {
		0x05, 0x04, 0x03, 0x02, 0x01, 0x01, 0x22, 0x11,
		0x66, 0x55, 0x44, 0x33, 0xdd, 0xcc, 0xbb, 0xaa,
	};
	struct vb_entry e = {
		.block = 0x0102030405, .flags = 1, .birth = 0x334455661122, .crc = 0xaabbccdd,
	}, back;
	u8 raw[16];

	vb_entry_pack(raw, &e);
	KUNIT_EXPECT_EQ(test, memcmp(raw, want, 16), 0);
	vb_entry_unpack(&back, raw);
	KUNIT_EXPECT_EQ(test, back.block, e.block);
	KUNIT_EXPECT_EQ(test, back.flags, e.flags);
	KUNIT_EXPECT_EQ(test, back.birth, e.birth);
	KUNIT_EXPECT_EQ(test, back.crc, e.crc);
	KUNIT_EXPECT_FALSE(test, vb_entry_is_hole(&back));
	memset(raw, 0, sizeof(raw));
	vb_entry_unpack(&back, raw);
	KUNIT_EXPECT_TRUE(test, vb_entry_is_hole(&back));
}

static void format_crc(struct kunit *test)
{
	/* The check value of CRC-32C. */
	KUNIT_EXPECT_EQ(test, vb_crc32c("123456789", 9), 0xe3069283);
}

static void format_entry_rules(struct kunit *test)
{
	struct vb_super s = { .epoch = 100, .nr_blocks = 1024, .cluster_shift = 14 };
	struct vb_entry good = { .block = 64, .birth = 50 }, e;

#define BAD(target, change)						\
	do {								\
		e = good;						\
		change;							\
		KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &e, 60, target), -EUCLEAN); \
	} while (0)

	KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &good, 50, VB_DATA), 0);
	KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &good, 50, VB_NODE), 0);
	BAD(VB_NODE, e.birth = 0);
	BAD(VB_NODE, e.birth = 61);
	BAD(VB_NODE, e.block = 31);
	BAD(VB_NODE, e.block = 0);
	BAD(VB_NODE, e.block = 1024);
	BAD(VB_NODE, e.flags = VB_ENTRY_ZERO);
	BAD(VB_NODE, e.flags = 2);
	BAD(VB_DATA, e.flags = 2);
	BAD(VB_DATA, e.flags = VB_ENTRY_ZERO);
	BAD(VB_DATA, e.block = 66);
	BAD(VB_DATA, e.block = 1022);
	BAD(VB_DATA, e.crc = 1);
	BAD(VB_NODE, e.block = 0; e.flags = VB_ENTRY_ZERO);
	e = good;
	e.block = 1020;
	KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &e, 60, VB_DATA), 0);
	e.block = 1023;
	KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &e, 60, VB_NODE), 0);
	e = (struct vb_entry){ .flags = VB_ENTRY_ZERO, .birth = 60 };
	KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &e, 60, VB_DATA), 0);
	s.data_crc = 1;
	e = good;
	e.crc = 1;
	KUNIT_EXPECT_EQ(test, vb_entry_check(&s, &e, 60, VB_DATA), 0);
#undef BAD
}

static void format_super(struct kunit *test)
{
	struct image *im = image_new(test);
	u8 *raw = im->buffer;
	struct vb_super back;
	unsigned int i;

	im->s.volumes = im->root;
	im->s.work = 1;
	im->s.work_volume = 2;
	im->s.work_at = 0x123456789a;
	vb_super_pack(raw, &im->s);
	KUNIT_EXPECT_EQ(test, raw[1], 'V');
	KUNIT_EXPECT_EQ(test, raw[40], 9);
	KUNIT_EXPECT_EQ(test, raw[48], NR_BLOCKS);
	KUNIT_EXPECT_EQ(test, raw[56], 12);
	KUNIT_EXPECT_EQ(test, raw[88], 42);
	KUNIT_EXPECT_EQ(test, raw[148], 2);
	KUNIT_EXPECT_EQ(test, vb_super_unpack(&back, raw, 16), 0);
	KUNIT_EXPECT_EQ(test, back.epoch, 9);
	KUNIT_EXPECT_EQ(test, back.work_at, im->s.work_at);
	KUNIT_EXPECT_EQ(test, back.volumes.crc, im->root.crc);
	/* in the other's place, and with any byte changed */
	KUNIT_EXPECT_EQ(test, vb_super_unpack(&back, raw, 0), -EUCLEAN);
	for (i = 0; i < VB_BLOCK; i++) {
		raw[i] ^= 0x40;
		KUNIT_EXPECT_EQ(test, vb_super_unpack(&back, raw, 16), -EINVAL);
		raw[i] ^= 0x40;
	}
}

static void format_super_rules(struct kunit *test)
{
	struct image *im = image_new(test);
	u8 *raw = im->buffer;
	struct vb_super s, back;

#define BAD(change)							\
	do {								\
		s = im->s;						\
		change;							\
		vb_super_pack(raw, &s);					\
		KUNIT_EXPECT_EQ(test, vb_super_unpack(&back, raw, VB_SUPER_BLOCK(s.epoch)), \
				-EUCLEAN);				\
	} while (0)

	BAD(s.epoch = 0);
	BAD(s.epoch = VB_MAX_EPOCH);
	BAD(s.nr_blocks = 32);
	BAD(s.nr_blocks = VB_MAX_IMAGE + 1);
	BAD(s.cluster_shift = 11);
	BAD(s.cluster_shift = 17);
	BAD(s.data_crc = 2);
	BAD(s.nr_free = 33);
	BAD(s.nr_reserved = 11);
	BAD(s.next_volume = VB_MAX_VOLUMES + 1);
	BAD(s.nr_volumes = 4);
	BAD(s.log_blocks = 65; s.log_records = 65; s.log = im->root);
	BAD(s.log_blocks = 1; s.log_records = 1);
	BAD(s.log_blocks = 1; s.log_records = 511; s.log = im->root);
	BAD(s.log_blocks = 1; s.log_records = 0; s.log = im->root);
	BAD(s.log = im->root);
	BAD(s.work = 2);
	BAD(s.work = 1; s.work_volume = 3);
	BAD(s.work_at = 1);
	BAD(s.volumes = im->root; s.volumes.birth = 10);
	BAD(s.bitmap = im->root; s.bitmap.block = NR_BLOCKS);
#undef BAD
	s = im->s;
	s.incompat = 2;
	vb_super_pack(raw, &s);
	KUNIT_EXPECT_EQ(test, vb_super_unpack(&back, raw, 16), -EOPNOTSUPP);
}

static void format_volume(struct kunit *test)
{
	struct image *im = image_new(test);
	struct vb_volume v = {
		.state = VB_VOLUME_LIVE, .number = 1, .size = 300 * VB_BLOCK, .root = im->root,
		.depth = 2, .born = 3, .origin = VB_NO_VOLUME, .older = 0, .newer = VB_NO_VOLUME,
		.taken = 0, .name = "golden",
	}, w, back;
	u8 *raw = im->buffer;

#define BAD(change)							\
	do {								\
		w = v;							\
		change;							\
		vb_volume_pack(raw, &w);				\
		KUNIT_EXPECT_EQ(test, vb_volume_unpack(&im->s, &back, raw, 1), -EUCLEAN); \
	} while (0)

	vb_volume_pack(raw, &v);
	KUNIT_EXPECT_EQ(test, vb_volume_unpack(&im->s, &back, raw, 1), 0);
	KUNIT_EXPECT_EQ(test, back.size, v.size);
	KUNIT_EXPECT_EQ(test, back.root.block, 42);
	KUNIT_EXPECT_STREQ(test, (char *)back.name, "golden");
	w = v;
	w.state = VB_VOLUME_DELETED;
	w.keep = 2;
	vb_volume_pack(raw, &w);
	KUNIT_EXPECT_EQ(test, raw[104], 2);
	KUNIT_EXPECT_EQ(test, vb_volume_unpack(&im->s, &back, raw, 1), 0);
	KUNIT_EXPECT_EQ(test, back.keep, 2);
	vb_volume_pack(raw, &v);
	KUNIT_EXPECT_EQ(test, vb_volume_unpack(&im->s, &back, raw, 2), -EUCLEAN);
	raw[36] = 1;
	KUNIT_EXPECT_EQ(test, vb_volume_unpack(&im->s, &back, raw, 1), -EUCLEAN);
	BAD(w.state = 5);
	BAD(w.state = VB_VOLUME_UNUSED);
	BAD(w.size = 0);
	BAD(w.size = 513);
	BAD(w.size = 1ULL << 60);
	BAD(w.depth = 1);
	BAD(w.depth = 6);
	BAD(w.flags = VB_VOLUME_HAS_BASE);
	BAD(w.born = 0);
	BAD(w.born = 10);
	BAD(w.taken = 10);
	BAD(w.keep = 1);
	BAD(w.state = VB_VOLUME_DELETED; w.keep = 10);
	BAD(w.origin = 3);
	BAD(w.older = 1);
	BAD(w.newer = 77);
	BAD(w.root.birth = 10);
	BAD(memset(w.name, 'x', 128));
#undef BAD
	memset(raw, 0, VB_VOLUME_BYTES);
	KUNIT_EXPECT_EQ(test, vb_volume_unpack(&im->s, &back, raw, 1), -ENOENT);
}

static void format_log(struct kunit *test)
{
	struct image *im = image_new(test);
	u8 *raw = im->blocks[50];
	struct vb_entry next;
	unsigned int count;
	u64 block;
	u32 blocks;
	bool used;

	raw[16] = 2;
	raw[32] = 40;
	raw[37] = 3;
	raw[39] = 0x80;
	raw[40] = 62;
	raw[45] = 3;
	KUNIT_EXPECT_EQ(test, vb_log_unpack(&im->s, raw, &next, &count), 0);
	KUNIT_EXPECT_EQ(test, count, 2);
	KUNIT_EXPECT_TRUE(test, vb_entry_is_hole(&next));
	KUNIT_EXPECT_EQ(test, vb_log_record(&im->s, raw, 0, &block, &blocks, &used), 0);
	KUNIT_EXPECT_EQ(test, block, 40);
	KUNIT_EXPECT_EQ(test, blocks, 3);
	KUNIT_EXPECT_TRUE(test, used);
	/* 62, 63 and one beyond the end */
	KUNIT_EXPECT_EQ(test, vb_log_record(&im->s, raw, 1, &block, &blocks, &used), -EUCLEAN);
	raw[45] = 0;
	KUNIT_EXPECT_EQ(test, vb_log_record(&im->s, raw, 1, &block, &blocks, &used), -EUCLEAN);
	raw[45] = 2;
	KUNIT_EXPECT_EQ(test, vb_log_record(&im->s, raw, 1, &block, &blocks, &used), 0);
	KUNIT_EXPECT_FALSE(test, used);
	raw[40] = 31;
	KUNIT_EXPECT_EQ(test, vb_log_record(&im->s, raw, 1, &block, &blocks, &used), -EUCLEAN);
	raw[16] = 0;
	KUNIT_EXPECT_EQ(test, vb_log_unpack(&im->s, raw, &next, &count), -EUCLEAN);
	/* The 508 records that have room after the head, and one more. */
	raw[16] = 0xfc;
	raw[17] = 1;
	KUNIT_EXPECT_EQ(test, vb_log_unpack(&im->s, raw, &next, &count), 0);
	raw[16] = 0xfd;
	KUNIT_EXPECT_EQ(test, vb_log_unpack(&im->s, raw, &next, &count), -EUCLEAN);
	raw[16] = 1;
	raw[17] = 0;
	raw[31] = 1;
	KUNIT_EXPECT_EQ(test, vb_log_unpack(&im->s, raw, &next, &count), -EUCLEAN);
}

static void format_tree_shape(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vb_tree_depth(0), 0);
	KUNIT_EXPECT_EQ(test, vb_tree_depth(1), 0);
	KUNIT_EXPECT_EQ(test, vb_tree_depth(2), 1);
	KUNIT_EXPECT_EQ(test, vb_tree_depth(256), 1);
	KUNIT_EXPECT_EQ(test, vb_tree_depth(257), 2);
	KUNIT_EXPECT_EQ(test, vb_tree_depth(65536), 2);
	KUNIT_EXPECT_EQ(test, vb_tree_depth(1ULL << 40), 5);
	KUNIT_EXPECT_EQ(test, vb_tree_index(0x030201, 1), 1);
	KUNIT_EXPECT_EQ(test, vb_tree_index(0x030201, 2), 2);
	KUNIT_EXPECT_EQ(test, vb_tree_index(0x030201, 3), 3);
}

static void format_walk(struct kunit *test)
{
	struct image *im = image_new(test);
	struct vb_entry e;

	KUNIT_EXPECT_EQ(test, find(im, 5, &e), 0);
	KUNIT_EXPECT_EQ(test, e.block, 48);
	KUNIT_EXPECT_EQ(test, im->reads, 2);
	KUNIT_EXPECT_EQ(test, find(im, 6, &e), 0);
	KUNIT_EXPECT_TRUE(test, vb_entry_is_hole(&e));
	KUNIT_EXPECT_EQ(test, find(im, 263, &e), 0);
	KUNIT_EXPECT_EQ(test, e.flags, VB_ENTRY_ZERO);
	/* A node that is missing is not read. */
	im->reads = 0;
	KUNIT_EXPECT_EQ(test, find(im, 600, &e), 0);
	KUNIT_EXPECT_TRUE(test, vb_entry_is_hole(&e));
	KUNIT_EXPECT_EQ(test, im->reads, 1);
	/* beyond what the tree covers */
	KUNIT_EXPECT_EQ(test, find(im, 65536 + 5, &e), -EINVAL);
	KUNIT_EXPECT_EQ(test, vb_tree_find(&im->s, &im->r, &im->root, 6, 5, VB_DATA, &e),
			-EUCLEAN);
}

static void format_walk_hostile(struct kunit *test)
{
	struct image *im = image_new(test);
	struct vb_entry e, was = im->root;
	unsigned int i;

	/* Any byte of a node on the way: stale, torn, misplaced look the same. */
	for (i = 0; i < VB_BLOCK; i++) {
		im->blocks[40][i] ^= 1;
		KUNIT_EXPECT_EQ(test, find(im, 5, &e), -EUCLEAN);
		im->blocks[40][i] ^= 1;
	}
	/* A node that points to itself, with a checksum nobody could make: a loop. */
	im->root.crc ^= 1;
	KUNIT_EXPECT_EQ(test, find(im, 5, &e), -EUCLEAN);
	im->root = was;
	/* A child that is younger than its parent. */
	vb_entry_unpack(&e, im->blocks[42]);
	e.birth = 9;
	vb_entry_pack(im->blocks[42], &e);
	point(im, &im->root, 42, 8);
	KUNIT_EXPECT_EQ(test, find(im, 5, &e), -EUCLEAN);
	/* A child outside, whose checksum is right. */
	im->root = was;
	vb_entry_unpack(&e, im->blocks[42]);
	e.birth = 7;
	e.block = NR_BLOCKS;
	vb_entry_pack(im->blocks[42], &e);
	point(im, &im->root, 42, 9);
	im->reads = 0;
	KUNIT_EXPECT_EQ(test, find(im, 5, &e), -EUCLEAN);
	KUNIT_EXPECT_EQ(test, im->reads, 1);
	/* An error of the device is that. */
	im->s.nr_blocks = NR_BLOCKS + 1;
	KUNIT_EXPECT_EQ(test, find(im, 5, &e), -EIO);
}

static struct kunit_case format_cases[] = {
	KUNIT_CASE(format_entry),
	KUNIT_CASE(format_crc),
	KUNIT_CASE(format_entry_rules),
	KUNIT_CASE(format_super),
	KUNIT_CASE(format_super_rules),
	KUNIT_CASE(format_volume),
	KUNIT_CASE(format_log),
	KUNIT_CASE(format_tree_shape),
	KUNIT_CASE(format_walk),
	KUNIT_CASE(format_walk_hostile),
	{}
};

static struct kunit_suite format_suite = {
	.name = "vblk_format",
	.test_cases = format_cases,
};

kunit_test_suite(format_suite);
