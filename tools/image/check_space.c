// SPDX-License-Identifier: GPL-2.0
/* Bitmap and log against what is reached: checks 5 and 6. */
#include <errno.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "check.h"
#include "writer.h"

#define U(x) ((unsigned long long)(x))

static int map_node(struct img_check *c, const struct img_entry *e, unsigned int level,
		    uint64_t leaf, uint64_t birth)
{
	uint8_t raw[IMG_BLOCK], *bits;
	struct img_entry kid;
	const char *wrong;
	unsigned int i;
	int ret;

	if (img_hole(e))
		return 0;
	wrong = img_entry_rules(&c->im.sb, e, birth, 0);
	if (!wrong && leaf >= c->used.nr_leaves)
		wrong = "beyond the image";
	if (!wrong && !img_reach_meta(c, e->addr))
		wrong = "reached from two places";
	if (!wrong) {
		ret = img_read(&c->im, e, raw);
		if (ret && ret != -EUCLEAN)
			return ret;
		if (ret)
			wrong = "wrong checksum";
	}
	if (wrong) {
		c->used_known = false;
		img_damaged(c, DAMAGE_BITMAP, REMEDY_WHOLE,
			    "bitmap, from block %llu on: block %llu: %s",
			    U(leaf * IMG_MAP_BITS), U(e->addr), wrong);
		return 0;
	}
	if (!level) {
		bits = bits_leaf(&c->used, leaf);
		if (!bits)
			return vl_error(ENOMEM, "bitmap");
		memcpy(bits, raw, IMG_BLOCK);
		/* What lies beyond the image is nobody's. */
		if (leaf == c->used.nr_leaves - 1 && c->im.sb.nr_blocks % IMG_MAP_BITS) {
			for (i = c->im.sb.nr_blocks % IMG_MAP_BITS; i < IMG_MAP_BITS; i++)
				bits[i >> 3] &= ~(1 << (i & 7));
		}
		return 0;
	}
	for (i = 0; i < IMG_FAN; i++) {
		kid = img_entry_load(raw + i * 16);
		ret = map_node(c, &kid, level - 1, leaf | (uint64_t)i << 8 * (level - 1), e->birth);
		if (ret)
			return ret;
	}
	return 0;
}

static int log_record(void *ctx, uint64_t block, uint64_t n, bool used)
{
	struct img_check *c = ctx;

	/* Without the bitmap nobody can tell what changes something. */
	if (c->used_known && (used ? bits_any(&c->used, block, n) :
			      !bits_all(&c->used, block, n)))
		return vl_error(EUCLEAN, "log: a record that changes nothing: block %llu + %llu %s",
				U(block), U(n), used ? "in use" : "free");
	return bits_change(&c->used, block, n, used);
}

static int log_block(void *ctx, const struct img_entry *e)
{
	struct img_check *c = ctx;

	if (!img_reach_meta(c, e->addr))
		return vl_error(EUCLEAN, "log: block %llu is reached from two places", U(e->addr));
	return 0;
}

/* Runs of blocks that one map has and the other has not. */
static void compare(struct img_check *c)
{
	static const uint8_t none[IMG_BLOCK];
	uint64_t leaf, i, first = 0, run = 0, b;
	const uint8_t *r, *u;
	int kind = 0, now;

	for (leaf = 0; leaf < c->reached.nr_leaves; leaf++) {
		r = c->reached.leaf[leaf] ?: none;
		u = c->used.leaf[leaf] ?: none;
		if (r == u && !run)
			continue;
		for (i = 0; i < IMG_MAP_BITS; i++) {
			if (!(i & 7) && r[i >> 3] == u[i >> 3] && !run) {
				i += 7;
				continue;
			}
			b = leaf * IMG_MAP_BITS + i;
			now = (r[i >> 3] >> (i & 7) & 1) - (u[i >> 3] >> (i & 7) & 1);
			if (now == kind && run) {
				run++;
				continue;
			}
			if (run && (kind > 0 || !c->incomplete))
				img_damaged(c, kind > 0 ? DAMAGE_FREE : DAMAGE_LEAK, REMEDY_WHOLE,
					    "blocks %llu + %llu are %s", U(first), U(run),
					    kind > 0 ? "reached, but free" :
					    "in use, but nothing reaches them");
			kind = now;
			first = b;
			run = now ? 1 : 0;
		}
	}
	if (run && (kind > 0 || !c->incomplete))
		img_damaged(c, kind > 0 ? DAMAGE_FREE : DAMAGE_LEAK, REMEDY_WHOLE,
			    "blocks %llu + %llu are %s", U(first), U(run), kind > 0 ?
			    "reached, but free" : "in use, but nothing reaches them");
}

int img_check_space(struct img_check *c)
{
	uint64_t free;
	uint32_t volumes = 0, i;
	int ret;

	c->used_known = true;
	ret = map_node(c, &c->im.sb.bitmap, IMG_MAP_DEPTH, 0, c->im.sb.epoch);
	if (!ret && img_hole(&c->im.sb.bitmap) && !c->im.sb.log_blocks) {
		img_damaged(c, DAMAGE_BITMAP, REMEDY_WHOLE, "there is no bitmap");
		c->used_known = false;
	}
	if (!ret)
		ret = bits_change(&c->used, 0, IMG_FIRST, true);
	if (ret)
		return ret;
	ret = img_read_log(&c->im, log_record, log_block, c);
	if (ret == -EUCLEAN) {
		img_damaged(c, DAMAGE_LOG, REMEDY_WHOLE, "%s", vl_message());
		c->used_known = false;
	} else if (ret) {
		return ret;
	}
	if (c->used_known) {
		compare(c);
		free = c->im.sb.nr_blocks - bits_count(&c->used);
		if (free != c->im.sb.nr_free)
			img_damaged(c, DAMAGE_COUNT, REMEDY_WHOLE,
				    "%llu blocks are free, the superblock says %llu", U(free),
				    U(c->im.sb.nr_free));
	}
	for (i = 0; i < c->nr_vol; i++)
		volumes += c->vol[i].present;
	if (volumes != c->im.sb.nr_volumes && !c->incomplete)
		img_damaged(c, DAMAGE_COUNT, REMEDY_WHOLE,
			    "there are %u volumes, the superblock says %u", volumes,
			    c->im.sb.nr_volumes);
	return 0;
}
