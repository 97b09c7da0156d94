// SPDX-License-Identifier: GPL-2.0
/*
 * The checks of the format, 1 to 6. Each block is entered at most once, however an
 * image is broken, and trees are no deeper than their records say: it ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "check.h"

#define U(x) ((unsigned long long)(x))

const char *img_damage_name(enum img_damage what)
{
	static const char * const names[NR_DAMAGES] = {
		"superblock", "table", "volume", "chain", "node", "data", "shared", "bitmap",
		"log", "free", "leak", "count",
	};

	return names[what];
}

void img_damaged(struct img_check *c, enum img_damage what, enum img_remedy remedy,
		 const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->found[what]++;
	c->lossy += remedy == REMEDY_LOSSY;
	c->hopeless += remedy == REMEDY_NONE;
	if (c->report)
		c->report(c->ctx, what, remedy, text);
}

unsigned long img_check_found(const struct img_check *c)
{
	unsigned long n = 0;
	unsigned int i;

	for (i = 0; i < NR_DAMAGES; i++)
		n += c->found[i];
	return n;
}

/* Something leads to these blocks. Return: false if something else did before. */
bool img_reach(struct img_check *c, uint64_t block, unsigned int n)
{
	if (bits_any(&c->reached, block, n))
		return false;
	return !bits_change(&c->reached, block, n, true);
}

/* The same for what a repair writes anew in any case. */
bool img_reach_meta(struct img_check *c, uint64_t block)
{
	return img_reach(c, block, 1) && !bits_change(&c->meta, block, 1, true);
}

static void take_record(struct img_check *c, uint32_t number, const uint8_t *raw)
{
	struct img_checked_volume *v;
	struct img_volume rec;
	const char *wrong;

	wrong = img_volume_load(&rec, raw);
	if (!wrong && rec.state == IMG_UNUSED)
		return;
	if (number >= c->nr_vol) {
		c->table_lost++;
		img_damaged(c, DAMAGE_VOLUME, REMEDY_LOSSY,
			    "record %u is in use, numbers end before %u", number, c->nr_vol);
		return;
	}
	wrong = wrong ?: img_volume_rules(&c->im.sb, &rec, number);
	if (wrong) {
		c->incomplete = true;
		c->table_lost++;
		img_damaged(c, DAMAGE_VOLUME, REMEDY_LOSSY, "volume %u \"%.127s\": %s", number,
			    rec.name, wrong);
		return;
	}
	v = &c->vol[number];
	v->v = rec;
	v->present = true;
	c->nr_present++;
}

static int table_node(struct img_check *c, const struct img_entry *e, unsigned int level,
		      uint64_t leaf, uint64_t birth)
{
	uint8_t raw[IMG_BLOCK];
	struct img_entry kid;
	const char *wrong;
	unsigned int i;
	int ret;

	if (img_hole(e))
		return 0;
	wrong = img_entry_rules(&c->im.sb, e, birth, 0);
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
		c->incomplete = true;
		c->table_lost++;
		img_damaged(c, DAMAGE_TABLE, REMEDY_LOSSY,
			    "table of volumes, numbers from %llu on: block %llu: %s",
			    U(leaf * IMG_PER_LEAF), U(e->addr), wrong);
		return 0;
	}
	if (!level) {
		for (i = 0; i < IMG_PER_LEAF; i++)
			take_record(c, leaf * IMG_PER_LEAF + i, raw + i * IMG_RECORD);
		return 0;
	}
	for (i = 0; i < IMG_FAN; i++) {
		kid = img_entry_load(raw + i * 16);
		ret = table_node(c, &kid, level - 1, leaf | (uint64_t)i << 8 * (level - 1),
				 e->birth);
		if (ret)
			return ret;
	}
	return 0;
}

/* Neighbours first: what a volume shares with them is their business. */
static int walk_all(struct img_check *c)
{
	uint32_t i, *path = calloc(c->nr_vol + 1, sizeof(*path));
	size_t n;
	int64_t at;
	int ret = 0;

	if (!path)
		return vl_error(ENOMEM, "volumes");
	for (i = 0; i < c->nr_vol && !ret; i++) {
		n = 0;
		for (at = i; at >= 0 && c->vol[at].present && !c->vol[at].walked;
		     at = c->vol[at].beside) {
			path[n++] = at;
			c->vol[at].walked = true;
		}
		while (n && !ret)
			ret = img_check_tree(c, path[--n]);
	}
	free(path);
	return ret;
}

/**
 * img_check() - check an image
 * @c: what it says in @report, @ctx and @skip_data is used, the rest filled in; to be
 *	ended with img_check_end() whatever comes back
 * @st: where the image is
 *
 * Return: 0 if the check came to its end, whatever it found; -EUCLEAN if there is
 * no superblock, else an error of the store.
 */
int img_check(struct img_check *c, struct store *st)
{
	int ret;

	memset(c->found, 0, sizeof(c->found));
	c->lossy = 0;
	c->hopeless = 0;
	c->table_lost = 0;
	c->nr_present = 0;
	c->incomplete = false;
	ret = img_open(&c->im, st);
	if (ret == -EUCLEAN)
		img_damaged(c, DAMAGE_SUPER, REMEDY_NONE, "block 0: %s; block 16: %s",
			    c->im.wrong[0], c->im.wrong[1]);
	if (ret)
		return ret;
	c->nr_vol = c->im.sb.next_volume;
	c->vol = calloc(c->nr_vol + 1, sizeof(*c->vol));
	if (!c->vol)
		return vl_error(ENOMEM, "volumes");
	ret = bits_init(&c->reached, c->im.sb.nr_blocks) ?:
	      bits_init(&c->used, c->im.sb.nr_blocks) ?:
	      bits_init(&c->meta, c->im.sb.nr_blocks) ?:
	      bits_change(&c->reached, 0, IMG_FIRST, true);
	if (ret)
		return ret;
	if (c->im.sb.nr_reserved > c->im.sb.nr_free)
		img_damaged(c, DAMAGE_COUNT, REMEDY_WHOLE, "%llu blocks are reserved, %llu free",
			    U(c->im.sb.nr_reserved), U(c->im.sb.nr_free));
	ret = table_node(c, &c->im.sb.volumes, IMG_TABLE_DEPTH, 0, c->im.sb.epoch);
	if (ret)
		return ret;
	img_check_chains(c);
	if (c->im.sb.work && (!c->vol[c->im.sb.work_volume].present ||
			      c->vol[c->im.sb.work_volume].v.state != IMG_DELETED)) {
		img_damaged(c, DAMAGE_SUPER, REMEDY_WHOLE,
			    "volume %u is said to be being deleted, and is not",
			    c->im.sb.work_volume);
		c->im.sb.work = 0;
		c->im.sb.work_volume = 0;
		c->im.sb.work_at = 0;
	}
	ret = walk_all(c);
	return ret ?: img_check_space(c);
}

void img_check_end(struct img_check *c)
{
	uint32_t i;

	for (i = 0; c->vol && i < c->nr_vol; i++)
		free(c->vol[i].spot);
	free(c->vol);
	c->vol = NULL;
	bits_free(&c->reached);
	bits_free(&c->used);
	bits_free(&c->meta);
}
