// SPDX-License-Identifier: GPL-2.0
/*
 * Between the bytes of an image and structs, with the rules that one record and
 * its parent are enough to judge. A function that returns text returns what is
 * wrong, or NULL.
 */
#include <string.h>

#include "layout.h"

static const uint8_t magic[8] = { 0x89, 0x56, 0x42, 0x4c, 0x4b, 0x0d, 0x0a, 0x1a };

uint64_t img_get(const uint8_t *p, unsigned int bytes)
{
	uint64_t v = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

void img_put(uint8_t *p, unsigned int bytes, uint64_t v)
{
	unsigned int i;

	for (i = 0; i < bytes; i++)
		p[i] = v >> 8 * i;
}

bool img_zeroes(const void *p, size_t bytes)
{
	const uint8_t *b = p;

	return !bytes || (!*b && !memcmp(b, b + 1, bytes - 1));
}

struct img_entry img_entry_load(const uint8_t *raw)
{
	uint64_t a = img_get(raw, 8), b = img_get(raw + 8, 8);

	return (struct img_entry) {
		.addr = a & 0xffffffffffULL,
		.flags = a >> 40 & 0xff,
		.birth = a >> 48 | (b & 0xffffffff) << 16,
		.sum = b >> 32,
	};
}

void img_entry_store(uint8_t *raw, const struct img_entry *e)
{
	img_put(raw, 8, e->addr | (uint64_t)e->flags << 40 | e->birth << 48);
	img_put(raw + 8, 8, e->birth >> 16 | (uint64_t)e->sum << 32);
}

bool img_entry_same(const struct img_entry *a, const struct img_entry *b)
{
	return a->addr == b->addr && a->birth == b->birth && a->sum == b->sum &&
	       a->flags == b->flags;
}

bool img_hole(const struct img_entry *e)
{
	static const struct img_entry hole;

	return img_entry_same(e, &hole);
}

/**
 * img_entry_rules() - may an entry be followed?
 * @s: superblock it is reached from
 * @e: entry
 * @parent_birth: birth of the entry above, for a root the epoch
 * @blocks: size of what it points to; 0 for a node or a block of metadata, to
 *	which a zero entry never leads
 */
const char *img_entry_rules(const struct img_super *s, const struct img_entry *e,
			    uint64_t parent_birth, unsigned int blocks)
{
	unsigned int n = blocks ?: 1;

	if (img_hole(e))
		return NULL;
	if (e->flags & ~IMG_ENTRY_ZERO)
		return "unknown flags in an entry";
	if (!e->birth)
		return "an entry without a birth";
	if (e->birth > s->epoch)
		return "an entry from a later epoch than the superblock";
	if (e->birth > parent_birth)
		return "an entry that is younger than its parent";
	if (e->flags & IMG_ENTRY_ZERO) {
		if (!blocks)
			return "a zero entry where a node is expected";
		return e->addr || e->sum ? "a zero entry with an address" : NULL;
	}
	if (e->addr < IMG_FIRST)
		return "an entry that points to the superblocks";
	if (e->addr >= s->nr_blocks || s->nr_blocks - e->addr < n)
		return "an entry that points beyond the image";
	if (e->addr & (n - 1))
		return "an entry whose cluster is not aligned";
	if (blocks && !s->data_crc && e->sum)
		return "a checksum of data in an image that has none";
	return NULL;
}

/**
 * img_super_load() - read a superblock
 * @s: filled in, unless it is none at all
 * @raw: a block
 * @place: where it is from, 0 or 16
 */
const char *img_super_load(struct img_super *s, const uint8_t *raw, unsigned int place)
{
	if (memcmp(raw, magic, sizeof(magic)))
		return img_zeroes(raw, IMG_BLOCK) ? "empty" : "no magic";
	s->incompat = img_get(raw + 12, 4);
	s->ro_compat = img_get(raw + 16, 4);
	s->compat = img_get(raw + 20, 4);
	memcpy(s->uuid, raw + 24, 16);
	s->epoch = img_get(raw + 40, 8);
	s->nr_blocks = img_get(raw + 48, 8);
	s->shift = raw[56];
	s->data_crc = raw[57];
	s->nr_free = img_get(raw + 64, 8);
	s->nr_reserved = img_get(raw + 72, 8);
	s->next_volume = img_get(raw + 80, 4);
	s->nr_volumes = img_get(raw + 84, 4);
	s->volumes = img_entry_load(raw + 88);
	s->bitmap = img_entry_load(raw + 104);
	s->log_blocks = img_get(raw + 120, 4);
	s->log_records = img_get(raw + 124, 4);
	s->log = img_entry_load(raw + 128);
	s->work = img_get(raw + 144, 4);
	s->work_volume = img_get(raw + 148, 4);
	s->work_at = img_get(raw + 152, 8);
	if (img_get(raw + 8, 4) != 1)
		return "unknown version";
	if (img_get(raw + 4092, 4) != img_crc(raw, 4092))
		return "wrong checksum";
	if (s->incompat & ~IMG_INCOMPAT_BASE)
		return "unknown incompatible features";
	if (!img_zeroes(raw + 58, 6) || !img_zeroes(raw + 160, 4092 - 160))
		return "reserved bytes are not zero";
	if (img_place(s->epoch) != place)
		return "in the place of the other one";
	return img_super_rules(s);
}

/* What the fields demand of one another. */
const char *img_super_rules(const struct img_super *s)
{
	if (!s->epoch || s->epoch >= IMG_MAX_EPOCH)
		return "epoch out of range";
	if (s->nr_blocks <= IMG_FIRST || s->nr_blocks > IMG_MAX_IMAGE)
		return "size out of range";
	if (s->shift < 12 || s->shift > 16)
		return "cluster out of range";
	if (s->data_crc > 1)
		return "data_crc is neither 0 nor 1";
	if (s->next_volume > IMG_MAX_VOLUMES || s->nr_volumes > s->next_volume)
		return "number of volumes out of range";
	if (s->log_blocks > IMG_LOG_BLOCKS || s->log_records > s->log_blocks * IMG_LOG_RECORDS ||
	    !s->log_blocks != img_hole(&s->log) || s->log_records < s->log_blocks)
		return "log out of range";
	if (s->work > 1 || (s->work && s->work_volume >= s->next_volume))
		return "unknown work";
	return img_entry_rules(s, &s->volumes, s->epoch, 0) ?:
	       img_entry_rules(s, &s->bitmap, s->epoch, 0) ?:
	       img_entry_rules(s, &s->log, s->epoch, 0);
}

void img_super_store(uint8_t *raw, const struct img_super *s)
{
	memset(raw, 0, IMG_BLOCK);
	memcpy(raw, magic, sizeof(magic));
	img_put(raw + 8, 4, 1);
	img_put(raw + 12, 4, s->incompat);
	img_put(raw + 16, 4, s->ro_compat);
	img_put(raw + 20, 4, s->compat);
	memcpy(raw + 24, s->uuid, 16);
	img_put(raw + 40, 8, s->epoch);
	img_put(raw + 48, 8, s->nr_blocks);
	raw[56] = s->shift;
	raw[57] = s->data_crc;
	img_put(raw + 64, 8, s->nr_free);
	img_put(raw + 72, 8, s->nr_reserved);
	img_put(raw + 80, 4, s->next_volume);
	img_put(raw + 84, 4, s->nr_volumes);
	img_entry_store(raw + 88, &s->volumes);
	img_entry_store(raw + 104, &s->bitmap);
	img_put(raw + 120, 4, s->log_blocks);
	img_put(raw + 124, 4, s->log_records);
	img_entry_store(raw + 128, &s->log);
	img_put(raw + 144, 4, s->work);
	img_put(raw + 148, 4, s->work_volume);
	img_put(raw + 152, 8, s->work_at);
	img_put(raw + 4092, 4, img_crc(raw, 4092));
}

const char *img_volume_load(struct img_volume *v, const uint8_t *raw)
{
	v->state = img_get(raw, 4);
	v->number = img_get(raw + 4, 4);
	v->size = img_get(raw + 8, 8);
	v->root = img_entry_load(raw + 16);
	v->depth = raw[32];
	v->flags = raw[33];
	v->born = img_get(raw + 40, 8);
	v->time = img_get(raw + 48, 8);
	v->origin = img_get(raw + 56, 4);
	v->older = img_get(raw + 60, 4);
	v->newer = img_get(raw + 64, 4);
	v->clones = img_get(raw + 68, 4);
	memcpy(v->uuid, raw + 72, 16);
	v->taken = img_get(raw + 88, 8);
	v->base_id = img_get(raw + 96, 8);
	v->keep = img_get(raw + 104, 8);
	memcpy(v->name, raw + 128, 128);
	v->name[128] = 0;
	if (v->state == IMG_UNUSED)
		return img_zeroes(raw, IMG_RECORD) ? NULL : "unused, but not zero";
	if (!img_zeroes(raw + 34, 6) || !img_zeroes(raw + 112, 16))
		return "reserved bytes are not zero";
	if (!img_zeroes(raw + 128 + strlen(v->name), 128 - strlen(v->name)))
		return "the name goes on after its end";
	return NULL;
}

const char *img_volume_rules(const struct img_super *s, const struct img_volume *v,
			     uint32_t number)
{
	if (v->state > IMG_DELETED)
		return "unknown state";
	if (v->number != number)
		return "its number is another one's";
	if (number >= s->next_volume)
		return "its number is one that no volume has had";
	if (!v->size || v->size % 512 || v->size > IMG_MAX_BLOCKS * IMG_BLOCK)
		return "size out of range";
	if (v->depth > IMG_MAX_DEPTH || v->depth < img_depth(img_clusters(s, v)))
		return "the tree is too small or too deep for its size";
	if (v->flags & ~IMG_VOLUME_BASE)
		return "unknown flags";
	if (v->flags && !(s->incompat & IMG_INCOMPAT_BASE))
		return "it has a base, the image has none";
	if (!v->born || v->born > s->epoch || v->taken > s->epoch || v->keep > s->epoch)
		return "it is from a later epoch than the superblock";
	if (v->state == IMG_DELETED ? v->older != IMG_NONE || *v->name : v->keep)
		return "it has what only another state has";
	return img_entry_rules(s, &v->root, s->epoch, v->depth ? 0 : img_cluster_blocks(s));
}

void img_volume_store(uint8_t *raw, const struct img_volume *v)
{
	memset(raw, 0, IMG_RECORD);
	if (v->state == IMG_UNUSED)
		return;
	img_put(raw, 4, v->state);
	img_put(raw + 4, 4, v->number);
	img_put(raw + 8, 8, v->size);
	img_entry_store(raw + 16, &v->root);
	raw[32] = v->depth;
	raw[33] = v->flags;
	img_put(raw + 40, 8, v->born);
	img_put(raw + 48, 8, v->time);
	img_put(raw + 56, 4, v->origin);
	img_put(raw + 60, 4, v->older);
	img_put(raw + 64, 4, v->newer);
	img_put(raw + 68, 4, v->clones);
	memcpy(raw + 72, v->uuid, 16);
	img_put(raw + 88, 8, v->taken);
	img_put(raw + 96, 8, v->base_id);
	img_put(raw + 104, 8, v->keep);
	memcpy(raw + 128, v->name, strnlen(v->name, 128));
}

/* Levels that a tree needs for so many leaves. */
unsigned int img_depth(uint64_t leaves)
{
	unsigned int depth = 0;

	while (depth < IMG_MAX_DEPTH + 1 && leaves > 1ULL << 8 * depth)
		depth++;
	return depth;
}
