// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite disk check, repair, dump: what is in an image, and is it sound?
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../image/check.h"
#include "../image/writer.h"
#include "../lib/virtlite.h"
#include "disk_offline.h"

/* Damages that are told one by one; the rest is counted. */
#define TOLD 200

enum {
	OPT_LOSSY = 256,
	OPT_NO_DATA,
	OPT_VOLUME,
	OPT_MAP,
	OPT_LOG,
	OPT_SPACE,
};

static const char * const remedies[] = { "repair", "repair --lossy", "none" };

/* What a check says, as text at once or as JSON in the end. */
struct teller {
	json_object *list;
	unsigned long n;
};

static void tell(void *ctx, enum img_damage what, enum img_remedy remedy, const char *text)
{
	struct teller *t = ctx;
	json_object *o;

	if (t->n++ >= TOLD)
		return;
	if (!json_output) {
		printf("%s: %s (remedy: %s)\n", img_damage_name(what), text, remedies[remedy]);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "kind", json_object_new_string(img_damage_name(what)));
	json_object_object_add(o, "text", json_object_new_string(text));
	json_object_object_add(o, "remedy", json_object_new_string(remedies[remedy]));
	json_object_array_add(t->list, o);
}

static void add(json_object *o, const char *name, uint64_t value)
{
	json_object_object_add(o, name, json_object_new_uint64(value));
}

static void conclude(const struct img_check *c, struct teller *t, bool opened)
{
	unsigned long found = img_check_found(c);
	json_object *o;

	if (!json_output) {
		json_object_put(t->list);
		if (t->n > TOLD)
			printf("and %lu more\n", t->n - TOLD);
		if (opened)
			printf("%s: epoch %llu, %u volumes, %llu of %llu blocks free\n",
			       found ? "damaged" : "sound", (unsigned long long)c->im.sb.epoch,
			       c->nr_present, (unsigned long long)c->im.sb.nr_free,
			       (unsigned long long)c->im.sb.nr_blocks);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "sound", json_object_new_boolean(!found));
	add(o, "damages", found);
	json_object_object_add(o, "damage", t->list);
	if (opened) {
		add(o, "epoch", c->im.sb.epoch);
		add(o, "volumes", c->nr_present);
		add(o, "blocks", c->im.sb.nr_blocks);
		add(o, "free", c->im.sb.nr_free);
	}
	cmd_print_json(o);
}

static int take_path(int argc, const char *verb)
{
	return optind + 1 == argc ? 0 : cmd_error("disk %s: one PATH is needed", verb);
}

int do_image_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "no-data", no_argument, NULL, OPT_NO_DATA },
		{},
	};
	struct teller t = {};
	struct img_check c = { .report = tell, .ctx = &t };
	struct file_store f;
	int opt, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_NO_DATA)
			return EXIT_USAGE;
		c.skip_data = true;
	}
	ret = take_path(argc, "check");
	if (ret)
		return ret;
	if (store_open(&f, argv[optind], O_RDONLY))
		return image_failed();
	t.list = json_object_new_array();
	ret = img_check(&c, &f.s);
	if (ret && ret != -EUCLEAN) {
		json_object_put(t.list);
		image_failed();
		ret = EXIT_FAILURE;
	} else {
		conclude(&c, &t, !ret);
		ret = img_check_found(&c) ? EXIT_DAMAGED : 0;
	}
	img_check_end(&c);
	store_close(&f);
	return ret;
}

static int mend(struct img_check *c, struct file_store *f, bool lossy, struct teller *t,
		bool *changed)
{
	int ret = img_check(c, &f->s);

	*changed = false;
	if (ret == -EUCLEAN && lossy) {
		ret = img_rescue(&f->s);
		if (ret)
			return ret;
		*changed = true;
		img_check_end(c);
		ret = img_check(c, &f->s);
	}
	if (ret || !img_check_found(c))
		return ret;
	*changed = true;
	/* From here on only what is left counts. */
	json_object_put(t->list);
	t->list = json_object_new_array();
	t->n = 0;
	c->report = NULL;
	ret = img_repair(c, lossy);
	if (ret)
		return ret;
	c->report = tell;
	if (!img_check_found(c))
		return 0;
	if (!json_output)
		puts("left:");
	img_check_end(c);
	return img_check(c, &f->s);
}

int do_image_repair(int argc, char **argv)
{
	static const struct option options[] = {
		{ "lossy", no_argument, NULL, OPT_LOSSY },
		{},
	};
	struct teller t = {};
	struct img_check c = { .report = tell, .ctx = &t };
	bool lossy = false, changed;
	struct file_store f;
	int opt, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_LOSSY)
			return EXIT_USAGE;
		lossy = true;
	}
	ret = take_path(argc, "repair");
	if (ret)
		return ret;
	if (store_open(&f, argv[optind], O_RDWR))
		return image_failed();
	t.list = json_object_new_array();
	ret = mend(&c, &f, lossy, &t, &changed);
	if (ret) {
		json_object_put(t.list);
		image_failed();
		ret = ret == -EUCLEAN ? EXIT_DAMAGED : EXIT_FAILURE;
	} else {
		if (!json_output && changed)
			puts("repaired");
		conclude(&c, &t, true);
		ret = img_check_found(&c) ? EXIT_DAMAGED : 0;
	}
	img_check_end(&c);
	if (store_close(&f) && !ret)
		ret = image_failed();
	return ret;
}

static void hex(char *to, const uint8_t *raw, unsigned int n)
{
	while (n--)
		to += sprintf(to, "%02x", *raw++);
}

static json_object *entry_json(const struct img_entry *e)
{
	json_object *o = json_object_new_object();

	if (img_hole(e))
		return o;
	add(o, "block", e->addr);
	add(o, "birth", e->birth);
	add(o, "crc", e->sum);
	if (e->flags)
		add(o, "flags", e->flags);
	return o;
}

static json_object *super_json(const struct img *im)
{
	json_object *o = json_object_new_object();
	const struct img_super *s = &im->sb;
	char uuid[33];

	hex(uuid, s->uuid, 16);
	json_object_object_add(o, "uuid", json_object_new_string(uuid));
	add(o, "epoch", s->epoch);
	add(o, "blocks", s->nr_blocks);
	add(o, "free", s->nr_free);
	add(o, "reserved", s->nr_reserved);
	add(o, "cluster", 1ULL << s->shift);
	json_object_object_add(o, "data_crc", json_object_new_boolean(s->data_crc));
	add(o, "incompat", s->incompat);
	add(o, "ro_compat", s->ro_compat);
	add(o, "compat", s->compat);
	add(o, "next_volume", s->next_volume);
	add(o, "nr_volumes", s->nr_volumes);
	json_object_object_add(o, "volumes", entry_json(&s->volumes));
	json_object_object_add(o, "bitmap", entry_json(&s->bitmap));
	json_object_object_add(o, "log", entry_json(&s->log));
	add(o, "log_blocks", s->log_blocks);
	add(o, "log_records", s->log_records);
	if (s->work) {
		add(o, "deleting", s->work_volume);
		add(o, "deleted_below", s->work_at);
	}
	json_object_object_add(o, "block_0", json_object_new_string(im->wrong[0] ?: "valid"));
	json_object_object_add(o, "block_16", json_object_new_string(im->wrong[1] ?: "valid"));
	return o;
}

static void add_neighbour(json_object *o, const char *name, uint32_t number)
{
	if (number != IMG_NONE)
		add(o, name, number);
}

static json_object *volume_json(const struct img_volume *v)
{
	json_object *o = json_object_new_object();
	char uuid[33];

	add(o, "number", v->number);
	json_object_object_add(o, "name", json_object_new_string(v->name));
	json_object_object_add(o, "state", json_object_new_string(image_state(v)));
	add(o, "size", v->size);
	add(o, "depth", v->depth);
	json_object_object_add(o, "root", entry_json(&v->root));
	add(o, "born", v->born);
	add(o, "taken", v->taken);
	add(o, "time", v->time);
	add_neighbour(o, "origin", v->origin);
	add_neighbour(o, "older", v->older);
	add_neighbour(o, "newer", v->newer);
	add(o, "clones", v->clones);
	if (v->flags & IMG_VOLUME_BASE)
		add(o, "base_id", v->base_id);
	hex(uuid, v->uuid, 16);
	json_object_object_add(o, "uuid", json_object_new_string(uuid));
	return o;
}

static void print_fields(json_object *o, const char *indent)
{
	json_object_object_foreach(o, key, value) {
		printf("%s%-14s %s\n", indent, key, json_object_get_string(value));
	}
}

/* Runs of clusters that lie side by side, in the volume and in the image. */
static int dump_map(struct img *im, const struct img_volume *v, json_object *list)
{
	struct img_cursor *c = malloc(sizeof(*c));
	uint64_t leaf = 0, end = img_clusters(&im->sb, v), n;
	unsigned int blocks = img_cluster_blocks(&im->sb), shift = im->sb.shift;
	struct img_entry e, next;
	json_object *o;
	int ret = 0;

	if (!c)
		return vl_error(ENOMEM, "map");
	img_cursor_init(c, im, &v->root, v->depth, blocks);
	while (leaf < end && (ret = img_next(c, &leaf, end, &e)) > 0) {
		uint64_t span;

		for (n = 1; leaf + n < end; n++) {
			ret = img_find(c, leaf + n, &next, &span);
			if (ret)
				goto out;
			if (img_hole(&next) || next.flags != e.flags || next.birth != e.birth ||
			    (!e.flags && next.addr != e.addr + n * blocks))
				break;
		}
		if (list) {
			o = json_object_new_object();
			add(o, "start", leaf << shift);
			add(o, "length", n << shift);
			if (e.flags)
				json_object_object_add(o, "zero", json_object_new_boolean(true));
			else
				add(o, "block", e.addr);
			add(o, "birth", e.birth);
			json_object_array_add(list, o);
		} else {
			printf("  %14llu %14llu  %s%-12llu %llu\n",
			       (unsigned long long)(leaf << shift),
			       (unsigned long long)(n << shift), e.flags ? "zero " : "block ",
			       (unsigned long long)e.addr, (unsigned long long)e.birth);
		}
		leaf += n;
	}
out:
	free(c);
	return ret < 0 ? ret : 0;
}

static int dump_record(void *ctx, uint64_t block, uint64_t n, bool used)
{
	json_object *o, *list = ctx;

	if (!json_output) {
		printf("  %-6s %llu + %llu\n", used ? "in use" : "free",
		       (unsigned long long)block, (unsigned long long)n);
		return 0;
	}
	o = json_object_new_object();
	add(o, "block", block);
	add(o, "blocks", n);
	json_object_object_add(o, "used", json_object_new_boolean(used));
	json_object_array_add(list, o);
	return 0;
}

static int dump(struct img *im, const char *only, bool map, bool log)
{
	json_object *all = json_object_new_object(), *super = super_json(im), *list, *o, *m;
	struct img_volume *vol, one;
	size_t n, i;
	int ret;

	json_object_object_add(all, "superblock", super);
	if (only) {
		vol = NULL;
		n = 1;
		ret = image_choose(im, only, &one);
	} else {
		ret = img_volumes(im, &vol, &n);
	}
	if (!json_output && !only) {
		puts("superblock");
		print_fields(super, "  ");
	}
	list = json_object_new_array();
	json_object_object_add(all, "volumes", list);
	for (i = 0; !ret && i < n; i++) {
		const struct img_volume *v = only ? &one : &vol[i];

		o = volume_json(v);
		json_object_array_add(list, o);
		if (!json_output) {
			printf("volume %u\n", v->number);
			print_fields(o, "  ");
		}
		m = NULL;
		if (map && json_output) {
			m = json_object_new_array();
			json_object_object_add(o, "map", m);
		} else if (map) {
			printf("  %14s %14s  %-18s %s\n", "START", "LENGTH", "WHERE", "BORN");
		}
		if (map)
			ret = dump_map(im, v, m);
	}
	if (!ret && log) {
		m = json_object_new_array();
		json_object_object_add(all, "log", m);
		if (!json_output)
			puts("log");
		ret = img_read_log(im, dump_record, NULL, m);
	}
	free(only ? NULL : vol);
	if (json_output)
		cmd_print_json(all);
	else
		json_object_put(all);
	return ret;
}

int do_image_dump(int argc, char **argv)
{
	static const struct option options[] = {
		{ "volume", required_argument, NULL, OPT_VOLUME },
		{ "map", no_argument, NULL, OPT_MAP },
		{ "log", no_argument, NULL, OPT_LOG },
		{},
	};
	const char *volume = NULL;
	bool map = false, log = false;
	struct file_store f;
	struct img im;
	int opt, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_VOLUME:
			volume = optarg;
			break;
		case OPT_MAP:
			map = true;
			break;
		case OPT_LOG:
			log = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	ret = take_path(argc, "dump");
	if (ret)
		return ret;
	if (store_open(&f, argv[optind], O_RDONLY))
		return image_failed();
	ret = img_open(&im, &f.s) ?: dump(&im, volume, map, log);
	store_close(&f);
	return ret ? image_failed() : 0;
}
