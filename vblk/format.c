// SPDX-License-Identifier: GPL-2.0
/*
 * The image format, see format.h. Pure. Nothing in an image is believed before it
 * has been checked against its parent and the superblock; -EUCLEAN says that it
 * breaks the format.
 */

#include "format.h"

static const u8 magic[8] = { 0x89, 'V', 'B', 'L', 'K', '\r', '\n', 0x1a };

/* Byte by byte: the format has an order of its own, and no alignment. */
static u64 get(const u8 *p, unsigned int bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void put(u8 *p, unsigned int bytes, u64 v)
{
	for (; bytes--; v >>= 8)
		*p++ = v;
}

static bool all_zero(const u8 *p, size_t bytes)
{
	while (bytes--)
		if (*p++)
			return false;
	return true;
}

void vb_entry_unpack(struct vb_entry *e, const u8 *raw)
{
	e->block = get(raw, 5);
	e->flags = raw[5];
	e->birth = get(raw + 6, 2) | get(raw + 8, 4) << 16;
	e->crc = get(raw + 12, 4);
}

void vb_entry_pack(u8 *raw, const struct vb_entry *e)
{
	put(raw, 5, e->block);
	raw[5] = e->flags;
	put(raw + 6, 2, e->birth);
	put(raw + 8, 4, e->birth >> 16);
	put(raw + 12, 4, e->crc);
}

bool vb_entry_is_hole(const struct vb_entry *e)
{
	return !e->block && !e->flags && !e->birth && !e->crc;
}

/**
 * vb_entry_check() - may this entry be followed?
 * @s: the superblock that it is reached from
 * @e: the entry
 * @parent_birth: of the entry whose node it is in; a root's: the epoch
 * @target: what it has to point to
 *
 * A hole and, of data, a zero entry are fine: there is nothing to follow.
 *
 * Return: 0 or -EUCLEAN.
 */
int vb_entry_check(const struct vb_super *s, const struct vb_entry *e, u64 parent_birth,
		   enum vb_target target)
{
	u64 blocks = target == VB_DATA ? 1ULL << (s->cluster_shift - 12) : 1;

	if (vb_entry_is_hole(e))
		return 0;
	if (!e->birth || e->birth > parent_birth || e->birth > s->epoch)
		return -EUCLEAN;
	if (e->flags == VB_ENTRY_ZERO)
		return target == VB_DATA && !e->block && !e->crc ? 0 : -EUCLEAN;
	if (e->flags || e->block < VB_FIRST_BLOCK || e->block % blocks ||
	    e->block + blocks > s->nr_blocks)
		return -EUCLEAN;
	if (target == VB_DATA && !s->data_crc && e->crc)
		return -EUCLEAN;
	return 0;
}

static int check_super(const struct vb_super *s)
{
	if (!s->epoch || s->epoch >= VB_MAX_EPOCH)
		return -EUCLEAN;
	if (s->nr_blocks <= VB_FIRST_BLOCK || s->nr_blocks > VB_MAX_IMAGE)
		return -EUCLEAN;
	if (s->cluster_shift < 12 || s->cluster_shift > 16 || s->data_crc > 1)
		return -EUCLEAN;
	if (s->nr_free > s->nr_blocks - VB_FIRST_BLOCK || s->nr_reserved > s->nr_free)
		return -EUCLEAN;
	if (s->next_volume > VB_MAX_VOLUMES || s->nr_volumes > s->next_volume)
		return -EUCLEAN;
	if (s->log_blocks > VB_LOG_MAX_BLOCKS || s->log_records > s->log_blocks * VB_LOG_RECORDS ||
	    s->log_records < s->log_blocks || !s->log_blocks != vb_entry_is_hole(&s->log))
		return -EUCLEAN;
	if (s->work > 1 || (s->work && s->work_volume >= s->next_volume) ||
	    (!s->work && (s->work_volume || s->work_at)))
		return -EUCLEAN;
	if (vb_entry_check(s, &s->volumes, s->epoch, VB_NODE) ||
	    vb_entry_check(s, &s->bitmap, s->epoch, VB_NODE) ||
	    vb_entry_check(s, &s->log, s->epoch, VB_NODE))
		return -EUCLEAN;
	return 0;
}

/**
 * vb_super_unpack() - read and check a superblock
 * @s: filled in
 * @raw: VB_BLOCK bytes
 * @place: the block that they are from: 0 or 16
 *
 * Return: 0; -EINVAL if it is none, or torn; -EOPNOTSUPP if it is of another
 * version or has features that are unknown here; -EUCLEAN if it makes no sense.
 */
int vb_super_unpack(struct vb_super *s, const u8 *raw, unsigned int place)
{
	if (memcmp(raw, magic, sizeof(magic)) ||
	    get(raw + 4092, 4) != vb_crc32c(raw, 4092))
		return -EINVAL;
	if (get(raw + 8, 4) != 1 || get(raw + 12, 4) & ~VB_INCOMPAT_BASE || get(raw + 16, 4))
		return -EOPNOTSUPP;
	s->incompat = get(raw + 12, 4);
	s->compat = get(raw + 20, 4);
	memcpy(s->uuid, raw + 24, 16);
	s->epoch = get(raw + 40, 8);
	s->nr_blocks = get(raw + 48, 8);
	s->cluster_shift = raw[56];
	s->data_crc = raw[57];
	s->nr_free = get(raw + 64, 8);
	s->nr_reserved = get(raw + 72, 8);
	s->next_volume = get(raw + 80, 4);
	s->nr_volumes = get(raw + 84, 4);
	vb_entry_unpack(&s->volumes, raw + 88);
	vb_entry_unpack(&s->bitmap, raw + 104);
	s->log_blocks = get(raw + 120, 4);
	s->log_records = get(raw + 124, 4);
	vb_entry_unpack(&s->log, raw + 128);
	s->work = get(raw + 144, 4);
	s->work_volume = get(raw + 148, 4);
	s->work_at = get(raw + 152, 8);
	if (!all_zero(raw + 58, 6) || !all_zero(raw + 160, 4092 - 160))
		return -EUCLEAN;
	/* A copy in the other's place would be taken for newer than it is. */
	if (VB_SUPER_BLOCK(s->epoch) != place)
		return -EUCLEAN;
	return check_super(s);
}

/**
 * vb_super_pack() - write a superblock
 * @raw: VB_BLOCK bytes
 * @s: what they are to say
 */
void vb_super_pack(u8 *raw, const struct vb_super *s)
{
	memset(raw, 0, VB_BLOCK);
	memcpy(raw, magic, sizeof(magic));
	put(raw + 8, 4, 1);
	put(raw + 12, 4, s->incompat);
	put(raw + 20, 4, s->compat);
	memcpy(raw + 24, s->uuid, 16);
	put(raw + 40, 8, s->epoch);
	put(raw + 48, 8, s->nr_blocks);
	raw[56] = s->cluster_shift;
	raw[57] = s->data_crc;
	put(raw + 64, 8, s->nr_free);
	put(raw + 72, 8, s->nr_reserved);
	put(raw + 80, 4, s->next_volume);
	put(raw + 84, 4, s->nr_volumes);
	vb_entry_pack(raw + 88, &s->volumes);
	vb_entry_pack(raw + 104, &s->bitmap);
	put(raw + 120, 4, s->log_blocks);
	put(raw + 124, 4, s->log_records);
	vb_entry_pack(raw + 128, &s->log);
	put(raw + 144, 4, s->work);
	put(raw + 148, 4, s->work_volume);
	put(raw + 152, 8, s->work_at);
	put(raw + 4092, 4, vb_crc32c(raw, 4092));
}

static int check_volume(const struct vb_super *s, const struct vb_volume *v)
{
	u64 clusters = (v->size + (1ULL << s->cluster_shift) - 1) >> s->cluster_shift;

	if (v->state > VB_VOLUME_DELETED || !v->size || v->size % 512 ||
	    v->size > VB_MAX_BLOCKS * VB_BLOCK)
		return -EUCLEAN;
	if (v->depth > VB_TREE_MAX_DEPTH || v->depth < vb_tree_depth(clusters))
		return -EUCLEAN;
	if (v->flags & ~VB_VOLUME_HAS_BASE ||
	    (v->flags & VB_VOLUME_HAS_BASE && !(s->incompat & VB_INCOMPAT_BASE)))
		return -EUCLEAN;
	if (!v->born || v->born > s->epoch || v->taken > s->epoch ||
	    v->keep > s->epoch)
		return -EUCLEAN;
	if (v->state != VB_VOLUME_DELETED && v->keep)
		return -EUCLEAN;
	if ((v->origin != VB_NO_VOLUME && v->origin >= s->next_volume) ||
	    (v->older != VB_NO_VOLUME && v->older >= s->next_volume) ||
	    (v->newer != VB_NO_VOLUME && v->newer >= s->next_volume) ||
	    v->origin == v->number || v->older == v->number || v->newer == v->number)
		return -EUCLEAN;
	return vb_entry_check(s, &v->root, s->epoch, v->depth ? VB_NODE : VB_DATA);
}

/**
 * vb_volume_unpack() - read and check a record of the table of volumes
 * @s: the superblock that the table is of
 * @v: filled in
 * @raw: VB_VOLUME_BYTES bytes
 * @number: which record it is
 *
 * Return: 0; -ENOENT if it is unused; -EUCLEAN.
 */
int vb_volume_unpack(const struct vb_super *s, struct vb_volume *v, const u8 *raw, u32 number)
{
	if (all_zero(raw, VB_VOLUME_BYTES))
		return -ENOENT;
	v->state = get(raw, 4);
	v->number = get(raw + 4, 4);
	v->size = get(raw + 8, 8);
	vb_entry_unpack(&v->root, raw + 16);
	v->depth = raw[32];
	v->flags = raw[33];
	v->born = get(raw + 40, 8);
	v->time = get(raw + 48, 8);
	v->origin = get(raw + 56, 4);
	v->older = get(raw + 60, 4);
	v->newer = get(raw + 64, 4);
	v->clones = get(raw + 68, 4);
	memcpy(v->uuid, raw + 72, 16);
	v->taken = get(raw + 88, 8);
	v->base_id = get(raw + 96, 8);
	v->keep = get(raw + 104, 8);
	memcpy(v->name, raw + 128, 128);
	/* What is unused is all zero, and a name ends within its field. */
	if (v->state == VB_VOLUME_UNUSED || v->number != number || number >= s->next_volume ||
	    !all_zero(raw + 34, 6) || !all_zero(raw + 112, 16) || v->name[127])
		return -EUCLEAN;
	return check_volume(s, v);
}

/**
 * vb_volume_pack() - write a record of the table of volumes
 * @raw: VB_VOLUME_BYTES bytes
 * @v: what they are to say
 */
void vb_volume_pack(u8 *raw, const struct vb_volume *v)
{
	memset(raw, 0, VB_VOLUME_BYTES);
	put(raw, 4, v->state);
	put(raw + 4, 4, v->number);
	put(raw + 8, 8, v->size);
	vb_entry_pack(raw + 16, &v->root);
	raw[32] = v->depth;
	raw[33] = v->flags;
	put(raw + 40, 8, v->born);
	put(raw + 48, 8, v->time);
	put(raw + 56, 4, v->origin);
	put(raw + 60, 4, v->older);
	put(raw + 64, 4, v->newer);
	put(raw + 68, 4, v->clones);
	memcpy(raw + 72, v->uuid, 16);
	put(raw + 88, 8, v->taken);
	put(raw + 96, 8, v->base_id);
	put(raw + 104, 8, v->keep);
	memcpy(raw + 128, v->name, 128);
}

/**
 * vb_log_unpack() - read and check the head of a block of the log
 * @s: the superblock that the log is of
 * @raw: VB_BLOCK bytes, their checksum compared
 * @next: entry of the next block; the caller counts them
 * @count: records in this one
 *
 * Return: 0 or -EUCLEAN.
 */
int vb_log_unpack(const struct vb_super *s, const u8 *raw, struct vb_entry *next,
		  unsigned int *count)
{
	vb_entry_unpack(next, raw);
	*count = get(raw + 16, 4);
	if (!*count || *count > VB_LOG_RECORDS || !all_zero(raw + 20, 12))
		return -EUCLEAN;
	return vb_entry_check(s, next, s->epoch, VB_NODE);
}

/**
 * vb_log_record() - read and check a record of the log
 * @s: the superblock that the log is of
 * @raw: VB_BLOCK bytes
 * @i: which, below what vb_log_unpack() counted
 * @block: the first it is about
 * @blocks: how many
 * @used: whether they are in use from here on
 *
 * Return: 0 or -EUCLEAN.
 */
int vb_log_record(const struct vb_super *s, const u8 *raw, unsigned int i, u64 *block,
		  u32 *blocks, bool *used)
{
	u64 word = get(raw + 32 + 8 * i, 8);

	*block = word & (VB_MAX_BLOCKS - 1);
	*blocks = word >> 40 & 0x7fffff;
	*used = word >> 63;
	if (!*blocks || *block < VB_FIRST_BLOCK || *block + *blocks > s->nr_blocks)
		return -EUCLEAN;
	return 0;
}

/**
 * vb_tree_depth() - how deep a tree must be
 * @leaves: that it is to cover
 *
 * Return: levels of nodes; 0 if the root's entry is the leaf.
 */
unsigned int vb_tree_depth(u64 leaves)
{
	unsigned int depth = 0;

	while (leaves > 1) {
		leaves = (leaves + VB_FANOUT - 1) / VB_FANOUT;
		depth++;
	}
	return depth;
}

/**
 * vb_tree_index() - which entry of a node leads to a leaf
 * @leaf: its number
 * @level: of the node, 1 above the leaves
 *
 * Return: below VB_FANOUT.
 */
unsigned int vb_tree_index(u64 leaf, unsigned int level)
{
	return leaf >> 8 * (level - 1) & (VB_FANOUT - 1);
}

/**
 * vb_tree_find() - walk from a root down to one leaf
 * @s: the superblock that the root is of
 * @r: how to read blocks
 * @root: entry of the root
 * @depth: of the tree, at most VB_TREE_MAX_DEPTH
 * @leaf: which
 * @target: what leaves are
 * @found: the leaf's entry, checked; a hole if a node above it is missing
 *
 * Return: 0, -EUCLEAN if something on the way breaks the format, -EINVAL if the tree
 * does not go as far as @leaf, or the error of @r->read.
 */
int vb_tree_find(const struct vb_super *s, const struct vb_reader *r,
		 const struct vb_entry *root, unsigned int depth, u64 leaf,
		 enum vb_target target, struct vb_entry *found)
{
	struct vb_entry e = *root;
	u64 birth = s->epoch;
	unsigned int level;
	int ret;

	if (depth > VB_TREE_MAX_DEPTH)
		return -EUCLEAN;
	if (leaf >> 8 * depth)
		return -EINVAL;
	for (level = depth; ; level--) {
		ret = vb_entry_check(s, &e, birth, level ? VB_NODE : target);
		if (ret)
			return ret;
		if (!level || vb_entry_is_hole(&e))
			break;
		ret = r->read(r->ctx, e.block, r->buffer);
		if (ret)
			return ret;
		if (vb_crc32c(r->buffer, VB_BLOCK) != e.crc)
			return -EUCLEAN;
		birth = e.birth;
		vb_entry_unpack(&e, r->buffer + vb_tree_index(leaf, level) * VB_ENTRY_BYTES);
	}
	*found = e;
	return 0;
}
