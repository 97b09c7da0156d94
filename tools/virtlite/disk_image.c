// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite disk add, snapshot, clone, delete, commit, diff, and show of an image: what can
 * be done to an image that the module has open, or opens for it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "disk_online.h"
#include "progress.h"

/* A disk on the image in this file or block device, or -1. */
static int disk_on(int ctl, const struct stat *st)
{
	bool block = S_ISBLK(st->st_mode);
	dev_t dev = block ? st->st_rdev : st->st_dev;
	__u32 code = major(dev) << 20 | minor(dev);
	struct vblk_query q;
	int id;

	for (id = 0; !vl_vblk_query(ctl, id, VBLK_QUERY_NEXT, &q); id = q.id + 1)
		if (q.format == VBLK_FORMAT_IMAGE && q.backing_dev == code &&
		    (block ? q.backing == VBLK_BACKING_BDEV :
			     q.backing == VBLK_BACKING_FILE && q.backing_ino == st->st_ino))
			return q.id;
	return -1;
}

static int open_path(int ctl, const char *path, bool ro, __u32 flags)
{
	struct vblk_image_open o = { .flags = flags | (ro ? VBLK_ATTACH_RDONLY : 0) };
	struct stat st;
	int id, ret;

	if (stat(path, &st))
		return vl_error(errno, "%s", path);
	/* The lock on one that is attached is its disk's. */
	id = disk_on(ctl, &st);
	if (id >= 0) {
		o = (struct vblk_image_open){ .backing = VBLK_BACKING_IMAGE, .fd = -1, .id = id };
		return vl_vblk_image_open(ctl, &o);
	}
	o.backing = S_ISBLK(st.st_mode) ? VBLK_BACKING_BDEV : VBLK_BACKING_FILE;
	o.fd = disk_open_backing(path, ro, S_ISREG(st.st_mode));
	if (o.fd < 0)
		return o.fd;
	ret = vl_vblk_image_open(ctl, &o);
	close(o.fd);
	return ret;
}

/**
 * disk_image_open() - open an image
 * @name: its file or block device, or a disk on one of its volumes
 * @ro: reading will do
 * @flags: VBLK_ATTACH_BUFFERED or VBLK_ATTACH_DIRECT, if it is not open yet
 *
 * Return: its descriptor, or -errno with a message.
 */
int disk_image_open(const char *name, bool ro, __u32 flags)
{
	struct vblk_image_open o = { .backing = VBLK_BACKING_IMAGE, .fd = -1 };
	int ctl = vl_vblk_open(), ret;
	struct vblk_query q;

	if (ctl < 0)
		return ctl;
	if (disk_name(name, &o.id) && !vl_vblk_query(ctl, o.id, 0, &q) &&
	    q.format == VBLK_FORMAT_IMAGE)
		ret = vl_vblk_image_open(ctl, &o);
	else
		ret = open_path(ctl, name, ro, flags);
	close(ctl);
	return ret;
}

static bool has_name(const struct vblk_volume *v)
{
	return v->state == VBLK_VOLUME_LIVE || v->state == VBLK_VOLUME_SNAPSHOT;
}

/**
 * disk_image_volume() - find a volume
 * @image: descriptor of the image
 * @name: name or number; NULL: the only one that is no snapshot
 * @v: filled in
 *
 * Return: 0, or -errno with a message.
 */
int disk_image_volume(int image, const char *name, struct vblk_volume *v)
{
	struct vblk_volume found = {}, by_number = {};
	unsigned int n = 0;
	__u32 number, i;
	bool is_number = name && disk_number(name, &number);

	for (i = 0; !vl_vblk_volume(image, i, VBLK_VOLUME_NEXT, v); i = v->volume + 1) {
		if (!has_name(v))
			continue;
		if (name ? !strcmp((char *)v->name, name) : v->state == VBLK_VOLUME_LIVE) {
			found = *v;
			n++;
		} else if (is_number && v->volume == number) {
			by_number = *v;
		}
	}
	if (!name && n > 1)
		return vl_error(EINVAL, "the image has %u volumes: say which (--volume)", n);
	*v = n ? found : by_number;
	if (!v->state)
		return vl_error(ENOENT, name ? "volume \"%s\"" : "a volume%s", name ? name : "");
	return 0;
}

static const char *state_name(const struct vblk_volume *v)
{
	static const char * const names[] = { "?", "volume", "snapshot", "hidden", "deleted" };

	return names[v->state < 5 ? v->state : 0];
}

static void add_number(json_object *o, const char *name, __u32 number)
{
	if (number != VBLK_NO_VOLUME)
		disk_json_u64(o, name, number);
}

static json_object *volume_json(const struct vblk_volume *v)
{
	json_object *o = json_object_new_object();
	char text[32];

	disk_json_u64(o, "number", v->volume);
	json_object_object_add(o, "name", json_object_new_string((const char *)v->name));
	json_object_object_add(o, "state", json_object_new_string(state_name(v)));
	disk_json_u64(o, "size", v->length);
	disk_json_u64(o, "time", v->time);
	disk_json_u64(o, "born", v->born);
	add_number(o, "older", v->older);
	add_number(o, "newer", v->newer);
	add_number(o, "origin", v->origin);
	disk_json_u64(o, "clones", v->clones);
	if (v->disk >= 0) {
		snprintf(text, sizeof(text), "vblk%d", v->disk);
		json_object_object_add(o, "disk", json_object_new_string(text));
	}
	return o;
}

static void print_volume(const struct vblk_volume *v)
{
	char disk[16] = "-", older[16] = "-", when[32];
	time_t t = v->time;
	struct tm tm;

	if (v->disk >= 0)
		snprintf(disk, sizeof(disk), "vblk%d", v->disk);
	if (v->older != VBLK_NO_VOLUME)
		snprintf(older, sizeof(older), "%u", v->older);
	strftime(when, sizeof(when), "%F %T", localtime_r(&t, &tm));
	printf("%6u %-8s %15llu %-8s %6s %6u %19s %s\n", v->volume, state_name(v),
	       (unsigned long long)v->length, disk, older, v->clones, when, v->name);
}

static void uuid_text(const __u8 *u, char text[40])
{
	snprintf(text, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
}

static json_object *info_json(const struct vblk_image_info *i)
{
	json_object *o = json_object_new_object();
	char uuid[40];

	uuid_text(i->uuid, uuid);
	json_object_object_add(o, "uuid", json_object_new_string(uuid));
	json_object_object_add(o, "read_only", json_object_new_boolean
			       (i->attach_flags & VBLK_ATTACH_RDONLY || i->error));
	if (i->error)
		json_object_object_add(o, "error", json_object_new_string(strerror(i->error)));
	disk_json_u64(o, "epoch", i->epoch);
	disk_json_u64(o, "size", i->length);
	disk_json_u64(o, "free", i->free);
	disk_json_u64(o, "reserved", i->reserved);
	disk_json_u64(o, "cluster", i->cluster);
	disk_json_u64(o, "deleting", i->deleting);
	disk_json_u64(o, "to_delete", i->to_delete);
	disk_json_u64(o, "map_in_memory", i->cached);
	return o;
}

/**
 * disk_image_show() - print an image and its volumes
 * @name: as for disk_image_open()
 *
 * Return: 0, or -errno with a message.
 */
int disk_image_show(const char *name)
{
	int image = disk_image_open(name, true, 0), ret;
	json_object *o, *list;
	struct vblk_image_info info;
	struct vblk_volume v;
	__u32 i;

	if (image < 0)
		return image;
	ret = vl_vblk_image_info(image, &info);
	if (ret) {
		close(image);
		return ret;
	}
	o = info_json(&info);
	list = json_object_new_array();
	if (!json_output) {
		json_object_object_foreach(o, key, value) {
			printf("%-14s %s\n", key, json_object_get_string(value));
		}
		printf("\n%6s %-8s %15s %-8s %6s %6s %19s %s\n", "NUMBER", "STATE", "BYTES",
		       "DISK", "OLDER", "CLONES", "MADE", "NAME");
	}
	for (i = 0; !vl_vblk_volume(image, i, VBLK_VOLUME_NEXT, &v); i = v.volume + 1) {
		if (json_output)
			json_object_array_add(list, volume_json(&v));
		else
			print_volume(&v);
	}
	json_object_object_add(o, "volumes", list);
	if (json_output)
		cmd_print_json(o);
	else
		json_object_put(o);
	close(image);
	return 0;
}

/* The words of a verb, of which there are so many. */
static int take_words(int argc, char **argv, int n, const char *what)
{
	if (argc - optind == n)
		return 0;
	return cmd_error("disk %s: %s", argv[0], what);
}

/* Opens the image and finds the volume that a verb is about. Return: the image, < 0. */
static int open_volume(char **words, bool ro, struct vblk_volume *v)
{
	int image = disk_image_open(words[0], ro, 0), ret;

	if (image < 0)
		return image;
	ret = disk_image_volume(image, words[1], v);
	if (!ret)
		return image;
	close(image);
	return ret;
}

static int made(int image, unsigned long cmd, const char *name, struct vblk_image_make *m)
{
	int ret = vl_vblk_make(image, cmd, name, m);
	struct vblk_volume v;

	if (!ret)
		ret = vl_vblk_volume(image, m->volume, 0, &v);
	close(image);
	if (ret)
		return disk_failed();
	if (json_output)
		cmd_print_json(volume_json(&v));
	else
		printf("%u\n", v.volume);
	return 0;
}

int do_image_add(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, OPT_SIZE },
		{},
	};
	__u64 bytes = 0;
	const struct disk_value_row values[] = { { OPT_SIZE, "size", &bytes, NULL }, {} };
	struct vblk_image_make m = {};
	int opt, image, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = disk_value(values, opt, optarg);
		if (ret)
			return ret;
	}
	ret = take_words(argc, argv, 2, "an image and a name are needed");
	if (ret)
		return ret;
	if (!bytes)
		return cmd_error("disk add: a --size is needed");
	image = disk_image_open(argv[optind], false, 0);
	if (image < 0)
		return disk_failed();
	m.length = bytes;
	return made(image, VBLK_IMAGE_CREATE, argv[optind + 1], &m);
}

static int derive(int argc, char **argv, unsigned long cmd, const char *what)
{
	static const struct option none[] = { {} };
	struct vblk_image_make m = {};
	struct vblk_volume v;
	int image, ret;

	optind = 0;
	if (getopt_long(argc, argv, "", none, NULL) != -1)
		return EXIT_USAGE;
	ret = take_words(argc, argv, 3, what);
	if (ret)
		return ret;
	image = open_volume(argv + optind, false, &v);
	if (image < 0)
		return disk_failed();
	m.source = v.volume;
	return made(image, cmd, argv[optind + 2], &m);
}

int do_image_snapshot(int argc, char **argv)
{
	return derive(argc, argv, VBLK_IMAGE_SNAPSHOT, "an image, a volume and a name are needed");
}

int do_image_clone(int argc, char **argv)
{
	return derive(argc, argv, VBLK_IMAGE_CLONE, "an image, a snapshot and a name are needed");
}

/* Until all deletes are done; the bar is of what there was to look at when it began. */
static int wait_deletes(int image, const char *what, bool always)
{
	struct vblk_image_info info;
	struct progress bar;
	int ret = vl_vblk_image_info(image, &info);

	if (ret)
		return ret;
	progress_begin(&bar, what, info.to_delete, always);
	while (bar.shown && info.deleting && !info.error) {
		/* Somebody else's delete may have begun meanwhile. */
		if (info.to_delete > bar.total)
			bar.total = info.to_delete;
		progress_at(&bar, bar.total - info.to_delete);
		usleep(50000);
		ret = vl_vblk_image_info(image, &info);
		if (ret)
			return ret;
	}
	ret = vl_vblk_image_commit(image, VBLK_COMMIT_DELETES);
	if (!ret)
		progress_end(&bar);
	return ret;
}

static int drop(int argc, char **argv, unsigned long cmd)
{
	static const struct option options[] = {
		{ "wait", no_argument, NULL, OPT_WAIT },
		{ "progress", no_argument, NULL, OPT_PROGRESS },
		{},
	};
	bool wait = false, always = false;
	struct vblk_volume v;
	int opt, image, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_WAIT:
			wait = true;
			break;
		case OPT_PROGRESS:
			always = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (always && !wait)
		return cmd_error("disk %s: --progress is for --wait", argv[0]);
	ret = take_words(argc, argv, 2, "an image and a volume are needed");
	if (ret)
		return ret;
	image = open_volume(argv + optind, false, &v);
	if (image < 0)
		return disk_failed();
	ret = vl_vblk_drop(image, cmd, v.volume);
	if (!ret && wait)
		ret = wait_deletes(image, argv[0], always);
	close(image);
	return ret ? disk_failed() : 0;
}

int do_image_delete(int argc, char **argv)
{
	return drop(argc, argv, VBLK_IMAGE_DELETE);
}

int do_image_commit(int argc, char **argv)
{
	return drop(argc, argv, VBLK_IMAGE_PROMOTE);
}

static void print_extent(json_object *list, const struct vblk_extent *e)
{
	bool zero = e->flags & VBLK_EXTENT_ZERO;
	json_object *o;

	if (!json_output) {
		printf("%15llu %15llu %s\n", (unsigned long long)e->offset,
		       (unsigned long long)e->length, zero ? "zeroes" : "data");
		return;
	}
	o = json_object_new_object();
	disk_json_u64(o, "start", e->offset);
	disk_json_u64(o, "length", e->length);
	json_object_object_add(o, "zero", json_object_new_boolean(zero));
	json_object_array_add(list, o);
}

/* What a call returns may go on where the one before ended. */
static int walk(int image, struct vblk_image_diff *d, __u64 end, json_object *list)
{
	struct vblk_extent e[256], last = {};
	__u32 i;
	int ret;

	d->extents = (unsigned long)e;
	while (d->offset < end) {
		d->count = sizeof(e) / sizeof(*e);
		ret = vl_vblk_diff(image, d);
		if (ret)
			return ret;
		for (i = 0; i < d->count; i++) {
			if (last.length && last.flags == e[i].flags &&
			    last.offset + last.length == e[i].offset) {
				last.length += e[i].length;
				continue;
			}
			if (last.length)
				print_extent(list, &last);
			last = e[i];
		}
	}
	if (last.length)
		print_extent(list, &last);
	return 0;
}

int do_image_diff(int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, OPT_SINCE },
		{},
	};
	struct vblk_image_diff d = { .base = VBLK_NO_VOLUME };
	json_object *list = NULL;
	const char *since = NULL;
	struct vblk_volume v, base;
	int opt, image, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_SINCE)
			return EXIT_USAGE;
		since = optarg;
	}
	ret = take_words(argc, argv, 2, "an image and a volume are needed");
	if (ret)
		return ret;
	image = open_volume(argv + optind, true, &v);
	if (image < 0)
		return disk_failed();
	ret = since ? disk_image_volume(image, since, &base) : 0;
	if (!ret) {
		if (since)
			d.base = base.volume;
		d.volume = v.volume;
		if (json_output)
			list = json_object_new_array();
		else
			printf("%15s %15s\n", "OFFSET", "BYTES");
		ret = walk(image, &d, v.length, list);
	}
	close(image);
	if (ret) {
		json_object_put(list);
		return disk_failed();
	}
	if (json_output)
		cmd_print_json(list);
	return 0;
}
