// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite disk create, convert: images out of nothing and out of other disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../image/writer.h"
#include "../lib/virtlite.h"
#include "disk_offline.h"

/* Copied at a time; a multiple of every cluster. */
#define CHUNK	0x100000UL
/* Written between two commits: what is remembered of a tree meanwhile is bounded. */
#define EPOCH	0x40000000ULL

enum {
	OPT_SIZE = 256,
	OPT_POOL,
	OPT_NAME,
	OPT_CLUSTER,
	OPT_DATA_CRC,
	OPT_FORCE,
	OPT_VOLUME,
	OPT_BASE,
	OPT_TO,
	OPT_PROGRESS,
};

struct wishes {
	uint64_t size;
	uint64_t pool;
	uint64_t cluster;
	const char *name;
	const char *volume;
	const char *base;
	bool data_crc;
	bool force;
	bool progress;
	bool raw;
};

/* A number with a binary suffix. */
static bool take_bytes(const char *s, uint64_t *bytes)
{
	static const char suffixes[] = "kMGT";
	const char *suffix = NULL;
	unsigned int shift;
	char *end;

	errno = 0;
	*bytes = strtoull(s, &end, 10);
	if (*end)
		suffix = strchr(suffixes, *end);
	shift = suffix ? (suffix - suffixes + 1) * 10 : 0;
	if (errno || *s < '0' || *s > '9' || (*end && (!suffix || end[1])) ||
	    *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

int image_failed(void)
{
	fprintf(stderr, "virtlite: %s\n", vl_message());
	return EXIT_FAILURE;
}

const char *image_state(const struct img_volume *v)
{
	static const char * const names[] = {
		"unused", "volume", "snapshot", "hidden", "deleted",
	};

	return v->state <= IMG_DELETED ? names[v->state] : "?";
}

/**
 * image_choose() - find a volume
 * @im: image
 * @name: its name or number; NULL: the only one that there is
 * @v: its record
 */
int image_choose(struct img *im, const char *name, struct img_volume *v)
{
	struct img_volume *list;
	size_t n, i, found = 0;
	char number[16];
	int ret;

	ret = img_volumes(im, &list, &n);
	if (ret)
		return ret;
	for (i = 0; i < n; i++) {
		if (list[i].state != IMG_VOLUME && (!name || list[i].state != IMG_SNAPSHOT))
			continue;
		if (name && strcmp(name, list[i].name))
			continue;
		*v = list[i];
		found++;
	}
	for (i = 0; name && !found && i < n; i++) {
		snprintf(number, sizeof(number), "%u", list[i].number);
		if (!strcmp(name, number)) {
			*v = list[i];
			found++;
		}
	}
	free(list);
	if (!found && name)
		return vl_error(ENOENT, "%s: volume \"%s\"", im->st->name, name);
	if (found != 1)
		return vl_error(0, "%s: has %zu volumes, say which: --volume NAME", im->st->name,
				found);
	return 0;
}

/* Room for all of a volume, its nodes, the bitmap, and for changing them. */
static uint64_t pool_blocks(uint64_t size, unsigned int shift)
{
	uint64_t clusters = (size + (1ULL << shift) - 1) >> shift;
	uint64_t blocks = clusters << (shift - 12);

	blocks += clusters / 200 + blocks / 16384 + 1024;
	/* Data begins behind a part for metadata. */
	blocks += blocks / 64;
	return (blocks + 255) & ~255ULL;
}

static unsigned int cluster_shift(uint64_t cluster)
{
	return cluster ? __builtin_ctzll(cluster) : 16;
}

/* A new file or a block device, unless there is something in it already. */
static int open_target(struct file_store *f, const char *path, bool force, bool *made)
{
	int ret;

	*made = access(path, F_OK) != 0;
	ret = store_open(f, path, O_RDWR | O_CREAT | (*made ? O_EXCL : 0));
	if (ret)
		return ret;
	if (force || *made)
		return 0;
	if (f->block_device ? img_probe(&f->s) : f->s.bytes) {
		store_close(f);
		return vl_error(EEXIST, "%s: is not empty (--force overwrites it)", path);
	}
	return 0;
}

static struct img_writer *make(struct file_store *f, const struct wishes *w, uint64_t size)
{
	struct img_make m = {
		.shift = cluster_shift(w->cluster), .data_crc = w->data_crc,
	};

	m.nr_blocks = w->pool ? w->pool / IMG_BLOCK : f->block_device ? f->s.bytes / IMG_BLOCK :
		      pool_blocks(size, m.shift);
	if ((!f->block_device && store_resize(f, 0)) || store_resize(f, m.nr_blocks * IMG_BLOCK))
		return NULL;
	return img_make(&f->s, &m);
}

static int take_option(int opt, struct wishes *w)
{
	switch (opt) {
	case OPT_SIZE:
		if (!take_bytes(optarg, &w->size) || !w->size || w->size % 512)
			return cmd_error("--size %s: not a size (a multiple of 512, 10G)", optarg);
		return 0;
	case OPT_POOL:
		if (!take_bytes(optarg, &w->pool) || w->pool < CHUNK)
			return cmd_error("--pool %s: not a size of 1M or more", optarg);
		return 0;
	case OPT_CLUSTER:
		if (!take_bytes(optarg, &w->cluster) || w->cluster < 4096 ||
		    w->cluster > 65536 || w->cluster & (w->cluster - 1))
			return cmd_error("--cluster %s: 4k, 8k, 16k, 32k or 64k", optarg);
		return 0;
	case OPT_NAME:
		w->name = optarg;
		return 0;
	case OPT_VOLUME:
		w->volume = optarg;
		return 0;
	case OPT_BASE:
		w->base = optarg;
		return 0;
	case OPT_TO:
		if (strcmp(optarg, "raw") && strcmp(optarg, "image"))
			return cmd_error("--to %s: raw or image", optarg);
		w->raw = !strcmp(optarg, "raw");
		return 0;
	case OPT_DATA_CRC:
		w->data_crc = true;
		return 0;
	case OPT_FORCE:
		w->force = true;
		return 0;
	case OPT_PROGRESS:
		w->progress = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

int do_image_create(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "pool", required_argument, NULL, OPT_POOL },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "cluster", required_argument, NULL, OPT_CLUSTER },
		{ "data-crc", no_argument, NULL, OPT_DATA_CRC },
		{ "force", no_argument, NULL, OPT_FORCE },
		{},
	};
	struct wishes wish = { .name = "disk" };
	struct img_writer *w = NULL;
	struct file_store f;
	int opt, ret = 0;
	uint32_t number;
	bool made;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = take_option(opt, &wish);
		if (ret)
			return ret;
	}
	if (optind + 1 != argc)
		return cmd_error("disk create: one PATH is needed");
	if (!wish.size && !wish.pool)
		return cmd_error("disk create: --size is needed, or --pool alone");
	if (open_target(&f, argv[optind], wish.force, &made))
		return image_failed();
	w = make(&f, &wish, wish.size);
	ret = w ? 0 : -EINVAL;
	if (!ret && wish.size)
		ret = img_add_volume(w, wish.name, wish.size, &number);
	if (!ret)
		ret = img_commit(w);
	img_writer_free(w);
	if (store_close(&f) && !ret)
		ret = -EIO;
	if (ret) {
		if (made)
			unlink(argv[optind]);
		return image_failed();
	}
	return 0;
}

/* Where a conversion reads: an image's volume, or raw bytes. */
struct source {
	struct file_store f;
	struct file_store base;
	bool image;
	struct img im;
	struct img_volume v;
	struct img_reader *r;
	uint64_t size;
};

static int open_source(struct source *s, const char *path, const struct wishes *w)
{
	int ret;

	memset(s, 0, sizeof(*s));
	s->base.fd = -1;
	ret = store_open(&s->f, path, O_RDONLY);
	if (ret)
		return ret;
	s->image = img_probe(&s->f.s);
	if (!s->image) {
		s->size = (s->f.s.bytes + 511) & ~511ULL;
		if (w->volume)
			return vl_error(0, "%s: is no image, and has no volumes", path);
		return 0;
	}
	if (w->base) {
		ret = store_open(&s->base, w->base, O_RDONLY);
		if (ret)
			return ret;
	}
	ret = img_open(&s->im, &s->f.s) ?: image_choose(&s->im, w->volume, &s->v);
	if (ret)
		return ret;
	s->r = img_reader(&s->im, &s->v, w->base ? &s->base.s : NULL);
	s->size = s->v.size;
	return s->r ? 0 : -EINVAL;
}

static void close_source(struct source *s)
{
	free(s->r);
	store_close(&s->f);
	if (s->base.fd >= 0)
		store_close(&s->base);
}

static int source_data(struct source *s, uint64_t pos, uint64_t *start, uint64_t *end)
{
	return s->image ? img_reader_data(s->r, pos, start, end) :
			  store_data(&s->f, pos, start, end);
}

static int source_read(struct source *s, void *buf, size_t n, uint64_t pos)
{
	return s->image ? img_reader_read(s->r, buf, n, pos) : s->f.s.read(&s->f.s, buf, n, pos);
}

/* Where it writes. */
struct sink {
	struct file_store f;
	struct img_writer *w;
	uint32_t number;
	size_t grain;
	uint64_t since;
};

static int sink_zero(struct sink *k, uint64_t pos, uint64_t end)
{
	static const uint8_t zeroes[CHUNK];
	uint64_t range[2] = { pos, end - pos };
	int ret;

	/* New files and new volumes are zeroes already. */
	if (k->w || !k->f.block_device || pos >= end)
		return 0;
	if (!ioctl(k->f.fd, BLKZEROOUT, range))
		return 0;
	for (; pos < end; pos += range[1]) {
		range[1] = end - pos < CHUNK ? end - pos : CHUNK;
		ret = k->f.s.write(&k->f.s, zeroes, range[1], pos);
		if (ret)
			return ret;
	}
	return 0;
}

static int sink_write(struct sink *k, const uint8_t *buf, size_t n, uint64_t pos)
{
	int ret;

	if (!k->w)
		return k->f.s.write(&k->f.s, buf, n, pos);
	ret = img_write(k->w, k->number, buf, n, pos);
	k->since += n;
	if (!ret && k->since >= EPOCH) {
		k->since = 0;
		ret = img_commit(k->w);
	}
	return ret;
}

/* A chunk, but for the parts of it that are zeroes. */
static int put_chunk(struct sink *k, const uint8_t *buf, size_t n, uint64_t pos)
{
	size_t first = 0, at, len;
	int ret;

	for (at = 0; at < n; at += len) {
		len = n - at < k->grain ? n - at : k->grain;
		if (!img_zeroes(buf + at, len))
			continue;
		if (at > first) {
			ret = sink_write(k, buf + first, at - first, pos + first);
			if (ret)
				return ret;
		}
		ret = sink_zero(k, pos + at, pos + at + len);
		if (ret)
			return ret;
		first = at + len;
	}
	return first < n ? sink_write(k, buf + first, n - first, pos + first) : 0;
}

static int copy(struct source *s, struct sink *k, struct progress *p, uint64_t *bytes)
{
	uint64_t pos = 0, start, end, n, done = 0;
	uint8_t *buf = malloc(CHUNK);
	int ret;

	if (!buf)
		return vl_error(ENOMEM, "convert");
	while ((ret = source_data(s, pos, &start, &end)) > 0) {
		/* Whole grains, so that no cluster is written twice. */
		start &= ~(CHUNK - 1);
		if (start < pos)
			start = pos;
		end = (end + CHUNK - 1) & ~(CHUNK - 1);
		if (end > s->size)
			end = s->size;
		ret = sink_zero(k, done, start);
		for (pos = start; !ret && pos < end; pos += n) {
			n = end - pos < CHUNK ? end - pos : CHUNK;
			ret = source_read(s, buf, n, pos);
			if (!ret)
				ret = put_chunk(k, buf, n, pos);
			*bytes += n;
			progress_at(p, pos);
		}
		if (ret)
			break;
		done = end;
	}
	free(buf);
	return ret ?: sink_zero(k, done, s->size);
}

static int open_sink(struct sink *k, const char *path, const struct source *s,
		     const struct wishes *w, bool *made)
{
	int ret;

	memset(k, 0, sizeof(*k));
	ret = open_target(&k->f, path, w->force, made);
	if (ret)
		return ret;
	k->grain = w->raw ? IMG_BLOCK : 1UL << cluster_shift(w->cluster);
	if (w->raw) {
		if (!k->f.block_device)
			ret = store_resize(&k->f, 0);
		return ret ?: store_resize(&k->f, s->size);
	}
	k->w = make(&k->f, w, s->size);
	return k->w ? img_add_volume(k->w, w->name, s->size, &k->number) : -EINVAL;
}

static int convert(const char *from, const char *to, struct wishes *w)
{
	struct progress bar;
	struct source s;
	struct sink k = { .f.fd = -1 };
	uint64_t bytes = 0;
	bool made = false;
	int ret;

	ret = open_source(&s, from, w);
	if (!ret && !w->name)
		w->name = s.image ? s.v.name : "disk";
	if (!ret)
		ret = open_sink(&k, to, &s, w, &made);
	if (!ret) {
		progress_begin(&bar, "convert", s.size, w->progress);
		ret = copy(&s, &k, &bar, &bytes);
		if (!ret)
			progress_end(&bar);
		else if (bar.shown)
			fputc('\n', stderr);
	}
	if (!ret)
		ret = k.w ? img_commit(k.w) : k.f.s.flush(&k.f.s);
	img_writer_free(k.w);
	if (k.f.fd >= 0 && store_close(&k.f) && !ret)
		ret = -EIO;
	close_source(&s);
	if (ret) {
		/* Half of a disk is worse than none. */
		if (made)
			unlink(to);
		return image_failed();
	}
	if (json_output) {
		json_object *o = json_object_new_object();

		json_object_object_add(o, "size", json_object_new_uint64(s.size));
		json_object_object_add(o, "read", json_object_new_uint64(bytes));
		cmd_print_json(o);
	}
	return 0;
}

int do_image_convert(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, OPT_TO },
		{ "volume", required_argument, NULL, OPT_VOLUME },
		{ "base", required_argument, NULL, OPT_BASE },
		{ "pool", required_argument, NULL, OPT_POOL },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "cluster", required_argument, NULL, OPT_CLUSTER },
		{ "data-crc", no_argument, NULL, OPT_DATA_CRC },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "progress", no_argument, NULL, OPT_PROGRESS },
		{},
	};
	struct wishes w = {};
	bool to = false;
	int opt, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		to |= opt == OPT_TO;
		ret = take_option(opt, &w);
		if (ret)
			return ret;
	}
	if (optind + 2 != argc)
		return cmd_error("disk convert: a SOURCE and a TARGET are needed");
	if (!to)
		return cmd_error("disk convert: --to raw or --to image?");
	if (w.raw && (w.pool || w.name || w.cluster || w.data_crc))
		return cmd_error("disk convert: --pool, --name, --cluster, --data-crc: of images");
	return convert(argv[optind], argv[optind + 1], &w);
}
