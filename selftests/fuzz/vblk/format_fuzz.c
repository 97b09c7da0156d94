// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile images. The input says which bytes of a sound image to change; the
 * checksums are then made right again from the leaves to the superblock, as by
 * somebody who means it. Whatever the reader makes of it: it must come to an end,
 * read no block outside of the image, and take only what packs back into the same
 * bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "format.h"

#define NR_BLOCKS	64
#define TREE_ROOT	42
#define TREE_INNER	41
#define TREE_LEAF	40
#define TABLE_LEAF	45
#define LOG		50

static u8 image[NR_BLOCKS][VB_BLOCK];
static unsigned int reads;
static u32 crcs[NR_BLOCKS];
static bool crc_known[NR_BLOCKS];

static void require(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
}

static int read_block(void *ctx, u64 block, void *buffer)
{
	reads++;
	require(block >= VB_FIRST_BLOCK && block < NR_BLOCKS, "a block of the image");
	memcpy(buffer, image[block], VB_BLOCK);
	return 0;
}

/* A block's checksum, once for all entries of a level that point to it. */
static u32 crc_of(u64 block)
{
	if (!crc_known[block]) {
		crcs[block] = vb_crc32c(image[block], VB_BLOCK);
		crc_known[block] = true;
	}
	return crcs[block];
}

/* The checksum in the entry at raw, of the block that it names. */
static void mend(u8 *raw)
{
	struct vb_entry e;

	vb_entry_unpack(&e, raw);
	if (e.block < NR_BLOCKS && !vb_entry_is_hole(&e) && !e.flags) {
		e.crc = crc_of(e.block);
		vb_entry_pack(raw, &e);
	}
}

static void entry(u8 *raw, u64 block, u64 birth)
{
	vb_entry_pack(raw, &(struct vb_entry){ .block = block, .birth = birth, .crc = 1 });
}

static void make_image(void)
{
	struct vb_super s = {
		.epoch = 8, .nr_blocks = NR_BLOCKS, .nr_free = 10, .cluster_shift = 12,
		.next_volume = 16, .nr_volumes = 1, .log_blocks = 1, .log_records = 1,
		.volumes = { .block = TABLE_LEAF, .birth = 8 },
		.log = { .block = LOG, .birth = 8 },
	};
	struct vb_volume v = {
		.state = VB_VOLUME_LIVE, .size = 65536ULL * 4096, .depth = 3, .born = 1,
		.root = { .block = TREE_ROOT, .birth = 7 },
		.origin = VB_NO_VOLUME, .older = VB_NO_VOLUME, .newer = VB_NO_VOLUME,
	};
	unsigned int i;

	memset(image, 0, sizeof(image));
	for (i = 0; i < VB_FANOUT; i++) {
		entry(image[TREE_LEAF] + i * 16, 48, 3);
		entry(image[TREE_INNER] + i * 16, TREE_LEAF, 4);
		entry(image[TREE_ROOT] + i * 16, TREE_INNER, 5);
	}
	vb_volume_pack(image[TABLE_LEAF], &v);
	image[LOG][16] = 1;
	image[LOG][32] = 40;
	image[LOG][37] = 1;
	vb_super_pack(image[0], &s);
}

/* Three bytes of input: a block that matters, a place in it, a new value. */
static void change(const u8 *data, size_t size)
{
	static const u8 blocks[] = { 0, TREE_LEAF, TREE_INNER, TREE_ROOT, TABLE_LEAF, LOG };
	static const u16 from[] = { 8, 0, 0, 0, 0, 0 };

	for (; size >= 3; data += 3, size -= 3) {
		unsigned int b = data[0] % 6;

		image[blocks[b]][from[b] + data[1]] = data[2];
	}
}

static void mend_all(void)
{
	unsigned int i;

	memset(crc_known, 0, sizeof(crc_known));
	for (i = 0; i < VB_FANOUT; i++)
		mend(image[TREE_INNER] + i * 16);
	memset(crc_known, 0, sizeof(crc_known));
	for (i = 0; i < VB_FANOUT; i++)
		mend(image[TREE_ROOT] + i * 16);
	memset(crc_known, 0, sizeof(crc_known));
	mend(image[TABLE_LEAF] + 16);
	memset(crc_known, 0, sizeof(crc_known));
	mend(image[0] + 88);
	mend(image[0] + 104);
	mend(image[0] + 128);
	i = vb_crc32c(image[0], 4092);
	memcpy(image[0] + 4092, &i, 4);
}

static void walk(const struct vb_super *s, const struct vb_entry *root, unsigned int depth,
		 u64 leaf)
{
	static u8 buffer[VB_BLOCK];
	struct vb_reader r = { .read = read_block, .buffer = buffer };
	struct vb_entry e;

	reads = 0;
	if (!vb_tree_find(s, &r, root, depth, leaf, VB_DATA, &e) && !vb_entry_is_hole(&e) &&
	    !e.flags)
		require(e.block >= VB_FIRST_BLOCK && e.block < NR_BLOCKS, "a leaf in the image");
	require(reads <= depth, "one read for each level");
}

static void look(const struct vb_super *s)
{
	u8 again[VB_BLOCK];
	struct vb_entry next;
	struct vb_volume v;
	unsigned int i, count;
	u64 block;
	u32 blocks;
	bool used;

	vb_super_pack(again, s);
	require(!memcmp(again, image[0], VB_BLOCK), "the superblock packs as it was");
	if (!vb_volume_unpack(s, &v, image[TABLE_LEAF], 0)) {
		vb_volume_pack(again, &v);
		require(!memcmp(again, image[TABLE_LEAF], VB_VOLUME_BYTES), "so does a volume");
		for (i = 0; i < 64; i++)
			walk(s, &v.root, v.depth, (u64)i * i * i * i * 7);
	}
	if (!vb_log_unpack(s, image[LOG], &next, &count)) {
		for (i = 0; i < count; i++) {
			if (!vb_log_record(s, image[LOG], i, &block, &blocks, &used))
				require(block + blocks <= s->nr_blocks, "space in the image");
		}
	}
}

/* The name under which libFuzzer looks for it. */
int fuzz_one(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

int fuzz_one(const u8 *data, size_t size)
{
	struct vb_super s;

	make_image();
	change(data, size);
	mend_all();
	/* An image of another size than its file is refused before all this. */
	if (!vb_super_unpack(&s, image[0], 0) && s.nr_blocks <= NR_BLOCKS)
		look(&s);
	return 0;
}

#ifdef BROKEN
/* Without a fuzzer: so many images, by a seed. */
int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000, i;
	struct vb_super s;
	u8 data[48];
	size_t j;

	make_image();
	mend_all();
	require(!vb_super_unpack(&s, image[0], 0), "the image is sound to begin with");
	srandom(argc > 2 ? strtoul(argv[2], NULL, 0) : 1);
	for (i = 0; i < count; i++) {
		size_t size = 3 * (random() % 16);

		for (j = 0; j < sizeof(data); j++)
			data[j] = random() % 3 ? random() % 64 : random();
		fuzz_one(data, size);
	}
	printf("%lu broken images\n", count);
	return 0;
}
#endif
