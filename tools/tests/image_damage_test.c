// SPDX-License-Identifier: GPL-2.0
/*
 * Images that are damaged in every way that has a name: check has to name it, and
 * repair to mend it; and at random, where both have to end.
 */
#include "image_model.h"

/*
 * Damage. Each case changes some bytes of a sound image; the checksums above are made
 * right again where the damage is not to be found by them.
 */
struct where {
	struct mem_store *st;
	struct img im;
	struct img_volume v[VOLS];
	size_t n;
};

static uint8_t *block(struct where *w, uint64_t addr)
{
	static uint8_t nothing[4096];

	/* An address that has been broken before. */
	if (addr >= POOL / 4096)
		return nothing;
	return w->st->mem + addr * 4096;
}

static uint8_t *super(struct where *w)
{
	return block(w, img_place(w->im.sb.epoch));
}

static void seal(struct where *w)
{
	img_put(super(w) + 4092, 4, img_crc(super(w), 4092));
}

/* The path from an entry of the superblock to a leaf: checksums anew. */
static void reseal(struct where *w, uint8_t *raw, unsigned int level, uint64_t leaf)
{
	struct img_entry e = img_entry_load(raw);

	if (level)
		reseal(w, block(w, e.addr) + (leaf >> 8 * (level - 1)) % 256 * 16, level - 1, leaf);
	e.sum = img_crc(block(w, e.addr), 4096);
	img_entry_store(raw, &e);
}

static uint8_t *table_leaf(struct where *w)
{
	struct img_entry e = w->im.sb.volumes;
	unsigned int i;

	for (i = 0; i < 2; i++)
		e = img_entry_load(block(w, e.addr));
	return block(w, e.addr);
}

static void seal_table(struct where *w)
{
	reseal(w, super(w) + 88, 2, 0);
	seal(w);
}

static struct img_volume *volume(struct where *w, uint32_t state)
{
	size_t i;

	for (i = w->n; i--; ) {
		if (w->v[i].state == state && w->v[i].root.addr)
			return &w->v[i];
	}
	return NULL;
}

static uint8_t *record(struct where *w, const struct img_volume *v)
{
	return table_leaf(w) + v->number % 16 * 256;
}

/* The first entry below a volume's root that is no hole. */
static uint8_t *first_entry(struct where *w, uint64_t node)
{
	uint8_t *p = block(w, node);

	while (img_zeroes(p, 16))
		p += 16;
	return p;
}

static void bad_super(struct where *w)
{
	super(w)[700] = 1;
}

static void bad_both(struct where *w)
{
	memset(w->st->mem, 0, 4096);
	memset(w->st->mem + 16 * 4096, 0, 4096);
}

static void bad_flip(struct where *w)
{
	w->st->mem[4092] ^= 1;
	w->st->mem[16 * 4096 + 4092] ^= 1;
}

static void bad_node(struct where *w)
{
	block(w, volume(w, IMG_VOLUME)->root.addr)[100] ^= 0x10;
}

static void bad_shared_node(struct where *w)
{
	block(w, w->v[0].root.addr)[100] ^= 0x10;
	block(w, volume(w, IMG_SNAPSHOT)->root.addr)[100] ^= 0x10;
}

static void bad_data(struct where *w)
{
	struct img_entry e = img_entry_load(first_entry(w, w->v[0].root.addr));

	e = img_entry_load(first_entry(w, e.addr));
	block(w, e.addr)[17] ^= 4;
}

static void bad_table(struct where *w)
{
	block(w, w->im.sb.volumes.addr)[5] ^= 1;
}

static void bad_record(struct where *w)
{
	record(w, volume(w, IMG_SNAPSHOT))[32] = 6;
	seal_table(w);
}

static void bad_newer(struct where *w)
{
	img_put(record(w, volume(w, IMG_SNAPSHOT)) + 64, 4, 0xffff);
	seal_table(w);
}

static void bad_clones(struct where *w)
{
	img_put(record(w, volume(w, IMG_SNAPSHOT)) + 68, 4, 77);
	seal_table(w);
}

static void bad_older(struct where *w)
{
	struct img_volume *v = volume(w, IMG_SNAPSHOT);

	img_put(record(w, v) + 60, 4, v->number);
	seal_table(w);
}

static void bad_name(struct where *w)
{
	memcpy(record(w, volume(w, IMG_SNAPSHOT)) + 128, w->v[0].name, 128);
	seal_table(w);
}

static void bad_count(struct where *w)
{
	img_put(super(w) + 64, 8, w->im.sb.nr_free - 1);
	seal(w);
}

static void bad_volumes(struct where *w)
{
	img_put(super(w) + 84, 4, w->im.sb.nr_volumes - 1);
	seal(w);
}

static uint8_t *map_leaf(struct where *w)
{
	struct img_entry e = w->im.sb.bitmap;
	unsigned int i;

	for (i = 0; i < 3; i++)
		e = img_entry_load(block(w, e.addr));
	return block(w, e.addr);
}

static void bad_map(struct where *w)
{
	map_leaf(w)[9] ^= 1;
}

/* A block that is in use by the bitmap and not spoken of in the log. */
static void bad_free(struct where *w)
{
	uint8_t *map = map_leaf(w);
	unsigned int i;

	for (i = 32; !(map[i >> 3] >> (i & 7) & 1); i++)
		;
	/* By the log, as its newest record. */
	w->im.sb.log = (struct img_entry){};
	memset(super(w) + 120, 0, 24);
	map[i >> 3] &= ~(1 << (i & 7));
	reseal(w, super(w) + 104, 3, 0);
	seal(w);
}

static void bad_leak(struct where *w)
{
	uint8_t *map = map_leaf(w);

	map[5000 >> 3] |= 1;
	reseal(w, super(w) + 104, 3, 0);
	seal(w);
}

static void bad_log(struct where *w)
{
	block(w, w->im.sb.log.addr)[40] ^= 8;
}

static void bad_log_record(struct where *w)
{
	uint8_t *raw = block(w, w->im.sb.log.addr);

	/* What is so already. */
	memcpy(raw + 40, raw + 32, 8);
	reseal(w, super(w) + 128, 0, 0);
	seal(w);
}

static void bad_twice(struct where *w)
{
	struct img_volume *v = &w->v[0];
	struct img_entry e = img_entry_load(first_entry(w, v->root.addr));
	uint8_t *a = first_entry(w, e.addr);
	unsigned int i, leaf;

	/* Another entry of the node says the same. */
	for (i = (a - block(w, e.addr)) / 16 + 1; i < 128; i++)
		memcpy(block(w, e.addr) + i * 16, a, 16);
	leaf = (first_entry(w, v->root.addr) - block(w, v->root.addr)) / 16;
	reseal(w, record(w, v) + 16, v->depth - 1, leaf);
	seal_table(w);
}

static void bad_birth(struct where *w)
{
	struct img_volume *v = &w->v[0];
	struct img_entry e = img_entry_load(first_entry(w, v->root.addr)), d;
	uint8_t *a = first_entry(w, e.addr);

	d = img_entry_load(a);
	d.birth = w->im.sb.epoch + 1;
	img_entry_store(a, &d);
	reseal(w, record(w, v) + 16, v->depth - 1, 0);
	seal_table(w);
}

static void bad_outside(struct where *w)
{
	struct img_volume *v = &w->v[0];
	struct img_entry e = img_entry_load(first_entry(w, v->root.addr)), d;
	uint8_t *a = first_entry(w, e.addr);

	d = img_entry_load(a);
	d.addr = POOL / 4096;
	img_entry_store(a, &d);
	reseal(w, record(w, v) + 16, v->depth - 1, 0);
	seal_table(w);
}

static void bad_end(struct where *w)
{
	img_put(record(w, &w->v[0]) + 8, 8, 512);
	seal_table(w);
}

static void bad_taken(struct where *w)
{
	struct img_volume *v = volume(w, IMG_SNAPSHOT);

	/* As if it had been taken later: what the volume wrote since is missing in it. */
	img_put(record(w, v) + 88, 8, w->im.sb.epoch);
	seal_table(w);
}

static void bad_work(struct where *w)
{
	img_put(super(w) + 144, 4, 1);
	img_put(super(w) + 148, 4, 0);
	seal(w);
}

static void bad_reserved(struct where *w)
{
	super(w)[200] = 1;
	seal(w);
}

static const struct {
	const char *name;
	void (*damage)(struct where *w);
	enum img_damage kind;
	bool crc;
	/* What a repair without and one with --lossy must come to. */
	bool mends, mends_lossy;
	/* All data is still what it was after a repair that loses nothing. */
	bool keeps;
} cases[] = {
	{ "no superblock", bad_both, DAMAGE_SUPER, false, false, false, false },
	{ "a bit of the superblocks' checksums", bad_flip, DAMAGE_SUPER, false, false, true, true },
	{ "a node", bad_node, DAMAGE_NODE, false, false, true, false },
	{ "nodes of two volumes", bad_shared_node, DAMAGE_NODE, false, false, true, false },
	{ "data", bad_data, DAMAGE_DATA, true, false, true, false },
	{ "the table of volumes", bad_table, DAMAGE_TABLE, false, false, true, false },
	{ "a volume's record", bad_record, DAMAGE_VOLUME, false, false, true, false },
	{ "newer of a snapshot", bad_newer, DAMAGE_CHAIN, false, true, true, true },
	{ "clones of a snapshot", bad_clones, DAMAGE_CHAIN, false, true, true, true },
	{ "a chain that does not end", bad_older, DAMAGE_CHAIN, false, false, false, false },
	{ "two of the same name", bad_name, DAMAGE_VOLUME, false, false, false, false },
	{ "nr_free", bad_count, DAMAGE_COUNT, false, true, true, true },
	{ "nr_volumes", bad_volumes, DAMAGE_COUNT, false, true, true, true },
	{ "the bitmap", bad_map, DAMAGE_BITMAP, false, true, true, true },
	{ "a block that is reached but free", bad_free, DAMAGE_FREE, false, true, true, true },
	{ "a block in use for nothing", bad_leak, DAMAGE_LEAK, false, true, true, true },
	{ "the log", bad_log, DAMAGE_LOG, false, true, true, true },
	{ "a record of the log", bad_log_record, DAMAGE_LOG, false, true, true, true },
	{ "a cluster twice in one volume", bad_twice, DAMAGE_SHARED, false, false, true, false },
	{ "an entry from the future", bad_birth, DAMAGE_NODE, false, false, true, false },
	{ "an entry beyond the image", bad_outside, DAMAGE_NODE, false, false, true, false },
	{ "data beyond the end of a volume", bad_end, DAMAGE_NODE, false, true, true, false },
	{ "a snapshot that lacks what it should share", bad_taken, DAMAGE_SHARED, false, false,
	  true, true },
	{ "work that is none", bad_work, DAMAGE_SUPER, false, true, true, true },
};

/* What the cases below rely on: two levels, a snapshot, a log. */
static bool look(struct where *w, struct model *m)
{
	struct img_volume *list;
	bool good;

	w->st = &m->st;
	good = !img_open(&w->im, &m->st.s) && !img_volumes(&w->im, &list, &w->n);
	if (good) {
		memcpy(w->v, list, w->n * sizeof(*list));
		free(list);
	}
	return good && volume(w, IMG_SNAPSHOT) && w->v[0].depth == 2 && w->im.sb.log_blocks;
}

static bool repaired(struct mem_store *st, bool lossy)
{
	struct img_check c = {};
	int ret = img_check(&c, &st->s);
	bool good;

	if (ret && lossy && !img_rescue(&st->s)) {
		img_check_end(&c);
		ret = img_check(&c, &st->s);
	}
	if (!ret && img_check_found(&c))
		ret = img_repair(&c, lossy);
	good = !ret && !img_check_found(&c);
	img_check_end(&c);
	/* Repair must not think well of its own work only. */
	return good && sound(&st->s);
}

/* A snapshot with data of its own, a clone, and a volume that has gone on. */
static bool history(struct model *m, bool crc)
{
	unsigned int i;
	bool good = build(m, 12, crc, 60, 11);

	for (i = 0; good && i < 3; i++) {
		if (i == 1) {
			other(m, 0, true);
			good = !img_snapshot(m->w, m->number[0], "snap", &m->number[m->n - 1]);
		}
		if (i == 2) {
			other(m, m->n - 1, false);
			good = !img_clone(m->w, m->number[m->n - 2], "clone", &m->number[m->n - 1]);
		}
		for (unsigned int j = 0; good && j < 400; j += 3 + i) {
			fill(m, m->data[0] + j * 4096, 4096);
			good = !img_write(m->w, 0, m->data[0] + j * 4096, 4096, j * 4096);
		}
		good = good && !img_commit(m->w);
	}
	return good;
}

static void damage(void)
{
	struct where w;
	struct model m;
	uint8_t *saved = malloc(POOL);
	const char *how;
	char name[128];
	unsigned int i;
	bool good;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct img_check c = {};

		good = history(&m, cases[i].crc) && sound(&m.st.s) && same(&m) && look(&w, &m);
		snprintf(name, sizeof(name), "%s: sound before", cases[i].name);
		if (!ok(good, name)) {
			done(&m);
			continue;
		}
		cases[i].damage(&w);
		memcpy(saved, m.st.mem, POOL);
		img_check(&c, &m.st.s);
		snprintf(name, sizeof(name), "%s: named", cases[i].name);
		good = c.found[cases[i].kind];
		img_check_end(&c);
		ok(good, name);
		if (!good) {
			c = (struct img_check){ .report = print };
			img_check(&c, &m.st.s);
			img_check_end(&c);
		}
		good = !memcmp(saved, m.st.mem, POOL);
		snprintf(name, sizeof(name), "%s: a check changes nothing", cases[i].name);
		ok(good, name);
		good = repaired(&m.st, false);
		how = "not mended without loss";
		if (cases[i].mends)
			how = "mended";
		snprintf(name, sizeof(name), "%s: %s", cases[i].name, how);
		ok(good == cases[i].mends, name);
		if (good && cases[i].keeps) {
			snprintf(name, sizeof(name), "%s: no byte lost", cases[i].name);
			ok(same(&m), name);
		}
		if (!cases[i].mends) {
			memcpy(m.st.mem, saved, POOL);
			good = repaired(&m.st, true);
			how = "beyond repair";
			if (cases[i].mends_lossy)
				how = "mended with --lossy";
			snprintf(name, sizeof(name), "%s: %s", cases[i].name, how);
			ok(good == cases[i].mends_lossy, name);
		}
		done(&m);
	}
	free(saved);
}

/* The newer superblock alone is bad: the older one counts, and what it reaches. */
static void one_super(void)
{
	struct where w;
	struct model m;
	struct img im;
	uint64_t epoch;

	if (!ok(build(&m, 12, false, 1, 2) && !img_open(&w.im, &m.st.s), "an image"))
		return;
	w.st = &m.st;
	epoch = w.im.sb.epoch;
	if (ok(!img_commit(m.w) && !img_open(&w.im, &m.st.s) && w.im.sb.epoch == epoch + 1,
	       "a commit later")) {
		bad_super(&w);
		ok(!img_open(&im, &m.st.s) && im.sb.epoch == epoch, "its superblock is torn");
		ok(sound(&m.st.s) && same(&m), "the one before counts");
		img_open(&w.im, &m.st.s);
		bad_reserved(&w);
		ok(img_open(&im, &m.st.s) == -EUCLEAN, "reserved bytes are refused");
	}
	done(&m);
}

/* Blocks that the checksums vouch for, changed at random: whatever comes, it ends. */
static void hostile(void)
{
	unsigned int i, j, found = 0, mended = 0;
	uint8_t *saved = malloc(POOL), *raw;
	struct where w;
	struct model m;

	if (!ok(history(&m, false) && look(&w, &m), "an image to be broken"))
		return;
	memcpy(saved, m.st.mem, POOL);
	for (i = 0; i < 400; i++) {
		struct img_check c = {};

		memcpy(m.st.mem, saved, POOL);
		for (j = 0; j < 1 + rnd(&m, 4); j++) {
			struct img_volume *v = &w.v[rnd(&m, w.n)];
			uint64_t leaf = rnd(&m, 2);
			struct img_entry e;

			switch (rnd(&m, 5)) {
			case 0:
				raw = table_leaf(&w) + rnd(&m, w.n) * 256;
				raw[rnd(&m, 112)] = rnd(&m, 4) ? rnd(&m, 4) : rnd(&m, 256);
				break;
			case 1:
				raw = super(&w) + 64;
				raw[rnd(&m, 96)] = rnd(&m, 256);
				break;
			case 2:
				raw = block(&w, v->root.addr) + rnd(&m, 2) * 16;
				raw[rnd(&m, 12)] = rnd(&m, 256);
				break;
			case 3:
				/* One entry for another. */
				e = img_entry_load(block(&w, v->root.addr) + leaf * 16);
				raw = block(&w, e.addr < POOL / 4096 ? e.addr : 40);
				memcpy(raw + rnd(&m, 256) * 16, raw + rnd(&m, 256) * 16, 16);
				break;
			case 4:
				raw = block(&w, w.im.sb.log.addr);
				raw[rnd(&m, 64)] = rnd(&m, 256);
				img_entry_store(super(&w) + 128, &w.im.sb.log);
				reseal(&w, super(&w) + 128, 0, 0);
				break;
			}
		}
		for (j = 0; j < w.n; j++) {
			struct img_entry r = img_entry_load(record(&w, &w.v[j]) + 16);

			if (r.addr != w.v[j].root.addr)
				continue;
			reseal(&w, record(&w, &w.v[j]) + 16, 1, 0);
			reseal(&w, record(&w, &w.v[j]) + 16, 1, 256);
		}
		reseal(&w, super(&w) + 88, 2, 0);
		seal(&w);
		img_check(&c, &m.st.s);
		found += img_check_found(&c) > 0;
		img_check_end(&c);
		mended += repaired(&m.st, true);
	}
	printf("# %u of 400 found, %u sound after a repair\n", found, mended);
	ok(found > 300 && mended > 100, "images broken at random");
	free(saved);
	done(&m);
}

int main(void)
{
	one_super();
	damage();
	hostile();
	return tap_done();
}
