// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite disk: virtual disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/vblk.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "disk_offline.h"
#include "disk_online.h"

static int do_disk_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: virtlite disk attach (--file PATH | --block PATH | --ram | --image PATH)\n"
	       "                            [--volume NAME] [--size SIZE] [--offset SIZE]\n"
	       "                            [--sector 512|4096] [--id N] [--ro]\n"
	       "                            [--direct | --buffered] [--depth N] [--no-part]\n"
	       "       virtlite disk detach DISK [--wait | --force]\n"
	       "       virtlite disk list\n"
	       "       virtlite disk show DISK | IMAGE\n"
	       "       virtlite disk resize DISK [--size SIZE] [--shrink]\n"
	       "       virtlite disk limit DISK [--iops N] [--bps SIZE] [--iops-burst N]\n"
	       "                                [--bps-burst SIZE]\n"
	       "       virtlite disk stats DISK\n"
	       "       virtlite disk add IMAGE NAME --size SIZE\n"
	       "       virtlite disk snapshot IMAGE VOLUME NAME\n"
	       "       virtlite disk clone IMAGE SNAPSHOT NAME\n"
	       "       virtlite disk delete IMAGE VOLUME [--wait [--progress]]\n"
	       "       virtlite disk commit IMAGE CLONE [--wait [--progress]]\n"
	       "       virtlite disk diff IMAGE VOLUME [--since SNAPSHOT]\n"
	       "       virtlite disk create PATH --size SIZE [--pool SIZE] [--name NAME]\n"
	       "                            [--cluster SIZE] [--data-crc] [--force]\n"
	       "       virtlite disk check PATH [--no-data]\n"
	       "       virtlite disk repair PATH [--lossy]\n"
	       "       virtlite disk dump PATH [--volume NAME] [--map] [--log]\n"
	       "       virtlite disk convert SOURCE TARGET --to raw|image [--volume NAME]\n"
	       "                             [--base PATH] [--name NAME] [--pool SIZE]\n"
	       "                             [--cluster SIZE] [--data-crc] [--force] [--progress]\n"
	       "\n"
	       "DISK := N | vblkN | /dev/vblkN; SIZE := bytes, or with k, M, G, T.\n"
	       "IMAGE := the file or block device it is in, or a DISK on it; VOLUME := name | number\n"
	       "attach prints the new disk. resize without --size follows the backing; limit\n"
	       "without options prints the limits, a limit of 0 takes it away.\n");
	return 0;
}

int disk_failed(void)
{
	fprintf(stderr, "virtlite: %s\n", vl_message());
	return EXIT_FAILURE;
}

/* A number with a binary suffix. Return: false if it is none. */
bool disk_bytes(const char *s, __u64 *bytes)
{
	static const char suffixes[] = "kMGT";
	const char *suffix;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	*bytes = strtoull(s, &end, 10);
	if (errno || end == s || *s == '-' || *s == '+')
		return false;
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return false;
		shift = (suffix - suffixes + 1) * 10;
	}
	if (*bytes > ~0ULL >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

bool disk_number(const char *s, __u32 *n)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || end == s || *end || *s == '-' || *s == '+' || v > 0x7fffffff)
		return false;
	*n = v;
	return true;
}

bool disk_name(const char *s, int *id)
{
	__u32 n;

	if (!strncmp(s, "/dev/", 5))
		s += 5;
	if (!strncmp(s, "vblk", 4))
		s += 4;
	if (!disk_number(s, &n))
		return false;
	*id = n;
	return true;
}

/* Where the value of an option goes, by a table. Return: 0 or EXIT_USAGE. */
int disk_value(const struct disk_value_row *values, int opt, const char *arg)
{
	const struct disk_value_row *v;

	for (v = values; v->name && v->opt != opt; v++)
		;
	if (!v->name)
		return EXIT_USAGE;
	if (v->bytes && !disk_bytes(arg, v->bytes))
		return cmd_error("--%s %s: not a size (4096, 64k, 10G)", v->name, arg);
	if (v->number && !disk_number(arg, v->number))
		return cmd_error("--%s %s: not a number", v->name, arg);
	return 0;
}

/* The one word that names the disk. */
static int take_disk(int argc, char **argv, const char *verb, int *id)
{
	if (optind >= argc)
		return cmd_error("disk %s: which disk?", verb);
	if (!disk_name(argv[optind], id))
		return cmd_error("disk %s: \"%s\" is no disk (0, vblk0, /dev/vblk0)", verb,
				 argv[optind]);
	if (optind + 1 < argc)
		return cmd_error("disk %s: unexpected \"%s\"", verb, argv[optind + 1]);
	return 0;
}

static const char *backing_name(const struct vblk_query *q)
{
	switch (q->backing) {
	case VBLK_BACKING_RAM:
		return "ram";
	case VBLK_BACKING_BDEV:
		return q->format == VBLK_FORMAT_IMAGE ? "image on block" : "block";
	default:
		if (q->format == VBLK_FORMAT_IMAGE)
			return "image in file";
		return q->attach_flags & VBLK_ATTACH_BUFFERED ? "file, buffered" : "file, direct";
	}
}

void disk_json_u64(json_object *o, const char *name, __u64 value)
{
	json_object_object_add(o, name, json_object_new_uint64(value));
}

static json_object *disk_json(const struct vblk_query *q)
{
	json_object *o = json_object_new_object();
	char name[32];

	snprintf(name, sizeof(name), "vblk%d", q->id);
	json_object_object_add(o, "name", json_object_new_string(name));
	disk_json_u64(o, "size", q->length);
	json_object_object_add(o, "backing", json_object_new_string(backing_name(q)));
	json_object_object_add(o, "read_only", json_object_new_boolean
			       (q->attach_flags & VBLK_ATTACH_RDONLY));
	disk_json_u64(o, "sector", q->sector_size);
	disk_json_u64(o, "openers", q->openers);
	disk_json_u64(o, "offset", q->offset);
	disk_json_u64(o, "backing_size", q->backing_length);
	disk_json_u64(o, "allocated", q->allocated);
	disk_json_u64(o, "inode", q->backing_ino);
	disk_json_u64(o, "queue_depth", q->queue_depth);
	disk_json_u64(o, "depth", q->depth);
	if (q->format == VBLK_FORMAT_IMAGE)
		disk_json_u64(o, "volume", q->volume);
	disk_json_u64(o, "seq", q->seq);
	return o;
}

static void print_object(json_object *o)
{
	if (json_output) {
		cmd_print_json(o);
		return;
	}
	json_object_object_foreach(o, key, value) {
		printf("%-14s %s\n", key, json_object_get_string(value));
	}
	json_object_put(o);
}

static int do_detach(int argc, char **argv)
{
	static const struct option options[] = {
		{ "wait", no_argument, NULL, OPT_WAIT },
		{ "force", no_argument, NULL, OPT_FORCE },
		{},
	};
	__u32 flags = 0;
	int opt, id, ctl, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_WAIT && opt != OPT_FORCE)
			return EXIT_USAGE;
		flags |= opt == OPT_WAIT ? VBLK_DETACH_WAIT : VBLK_DETACH_FORCE;
	}
	ret = take_disk(argc, argv, "detach", &id);
	if (ret)
		return ret;
	if (flags == (VBLK_DETACH_WAIT | VBLK_DETACH_FORCE))
		return cmd_error("disk detach: --wait or --force");
	ctl = vl_vblk_open();
	if (ctl < 0)
		return disk_failed();
	ret = vl_vblk_detach(ctl, id, flags);
	close(ctl);
	return ret ? disk_failed() : 0;
}

static int do_list(int argc, char **argv)
{
	json_object *list = json_object_new_array();
	struct vblk_query q;
	int ctl, id;

	if (argc > 1) {
		json_object_put(list);
		return cmd_error("disk list: unexpected \"%s\"", argv[1]);
	}
	ctl = vl_vblk_open();
	if (ctl < 0) {
		json_object_put(list);
		return disk_failed();
	}
	if (!json_output)
		printf("%-10s %15s %6s %-3s %-15s %s\n", "DISK", "BYTES", "SECTOR", "", "BACKING",
		       "OPEN");
	for (id = 0; !vl_vblk_query(ctl, id, VBLK_QUERY_NEXT, &q); id = q.id + 1) {
		json_object_array_add(list, disk_json(&q));
		if (!json_output)
			printf("vblk%-6d %15llu %6u %-3s %-15s %u\n", q.id,
			       (unsigned long long)q.length, q.sector_size,
			       q.attach_flags & VBLK_ATTACH_RDONLY ? "ro" : "rw",
			       backing_name(&q), q.openers);
	}
	close(ctl);
	if (json_output)
		cmd_print_json(list);
	else
		json_object_put(list);
	return 0;
}

/* A verb without options that is about one disk: its number and the device. */
static int one_disk(int argc, char **argv, int *id)
{
	static const struct option none[] = { {} };
	int ret;

	optind = 0;
	if (getopt_long(argc, argv, "", none, NULL) != -1)
		return -EXIT_USAGE;
	ret = take_disk(argc, argv, argv[0], id);
	if (ret)
		return -ret;
	ret = vl_vblk_open();
	return ret < 0 ? -disk_failed() : ret;
}

static int do_show(int argc, char **argv)
{
	struct vblk_query q;
	int id, ctl, ret;

	/* What is no disk is an image. */
	if (argc == 2 && argv[1][0] != '-' && !disk_name(argv[1], &id))
		return disk_image_show(argv[1]) ? disk_failed() : 0;
	ctl = one_disk(argc, argv, &id);
	if (ctl < 0)
		return -ctl;
	ret = vl_vblk_query(ctl, id, 0, &q);
	close(ctl);
	if (ret)
		return disk_failed();
	print_object(disk_json(&q));
	return 0;
}

static int do_resize(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "shrink", no_argument, NULL, OPT_SHRINK },
		{},
	};
	__u64 length = 0;
	const struct disk_value_row values[] = { { OPT_SIZE, "size", &length, NULL }, {} };
	__u32 flags = 0;
	int opt, id, ctl, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = 0;
		if (opt == OPT_SHRINK)
			flags = VBLK_RESIZE_SHRINK;
		else
			ret = disk_value(values, opt, optarg);
		if (ret)
			return ret;
	}
	ret = take_disk(argc, argv, "resize", &id);
	if (ret)
		return ret;
	ctl = vl_vblk_open();
	if (ctl < 0)
		return disk_failed();
	ret = vl_vblk_resize(ctl, id, &length, flags);
	close(ctl);
	if (ret)
		return disk_failed();
	if (json_output) {
		json_object *o = json_object_new_object();
		char name[32];

		snprintf(name, sizeof(name), "vblk%d", id);
		json_object_object_add(o, "name", json_object_new_string(name));
		disk_json_u64(o, "size", length);
		cmd_print_json(o);
	} else {
		printf("vblk%d: %llu bytes\n", id, (unsigned long long)length);
	}
	return 0;
}

static void print_limits(const struct vblk_limits *l)
{
	json_object *o = json_object_new_object();

	disk_json_u64(o, "iops", l->iops);
	disk_json_u64(o, "iops_burst", l->iops_burst);
	disk_json_u64(o, "bps", l->bps);
	disk_json_u64(o, "bps_burst", l->bps_burst);
	print_object(o);
}

static int do_limit(int argc, char **argv)
{
	static const struct option options[] = {
		{ "iops", required_argument, NULL, OPT_IOPS },
		{ "bps", required_argument, NULL, OPT_BPS },
		{ "iops-burst", required_argument, NULL, OPT_IOPS_BURST },
		{ "bps-burst", required_argument, NULL, OPT_BPS_BURST },
		{},
	};
	__u32 iops = 0, iops_burst = 0;
	__u64 bps = 0, bps_burst = 0;
	const struct disk_value_row values[] = {
		{ OPT_IOPS, "iops", NULL, &iops },
		{ OPT_BPS, "bps", &bps, NULL },
		{ OPT_IOPS_BURST, "iops-burst", NULL, &iops_burst },
		{ OPT_BPS_BURST, "bps-burst", &bps_burst, NULL },
		{},
	};
	struct vblk_limits l = { .flags = VBLK_LIMITS_GET };
	int opt, id, ctl, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = disk_value(values, opt, optarg);
		if (ret)
			return ret;
		l.flags = 0;
	}
	ret = take_disk(argc, argv, "limit", &id);
	if (ret)
		return ret;
	ctl = vl_vblk_open();
	if (ctl < 0)
		return disk_failed();
	l.id = id;
	l.iops = iops;
	l.bps = bps;
	l.iops_burst = iops_burst;
	l.bps_burst = bps_burst;
	ret = vl_vblk_limits(ctl, &l);
	close(ctl);
	if (ret)
		return disk_failed();
	print_limits(&l);
	return 0;
}

static json_object *op_json(const struct vblk_op_stats *op)
{
	json_object *o = json_object_new_object();
	json_object *h = json_object_new_array();
	unsigned int i;

	disk_json_u64(o, "ios", op->ios);
	disk_json_u64(o, "bytes", op->bytes);
	disk_json_u64(o, "errors", op->errors);
	disk_json_u64(o, "ns", op->time);
	for (i = 0; i < VBLK_NR_BUCKETS; i++)
		json_object_array_add(h, json_object_new_uint64(op->latency[i]));
	json_object_object_add(o, "latency", h);
	return o;
}

/* Above which latency is one request in so many? The bucket's upper end. */
static __u64 percentile(const struct vblk_op_stats *op, unsigned int one_in)
{
	__u64 above = 0;
	unsigned int i;

	for (i = VBLK_NR_BUCKETS - 1; i > 0; i--) {
		above += op->latency[i];
		if (above * one_in >= op->ios)
			break;
	}
	return 512ULL << i;
}

static int do_stats(int argc, char **argv)
{
	static const char * const names[] = { "read", "write", "discard", "flush" };
	json_object *o;
	struct vblk_stats s;
	int id, ctl, ret;
	unsigned int i;

	ctl = one_disk(argc, argv, &id);
	if (ctl < 0)
		return -ctl;
	ret = vl_vblk_stats(ctl, id, &s);
	close(ctl);
	if (ret)
		return disk_failed();
	if (!json_output) {
		printf("%-8s %12s %16s %8s %10s %10s %10s\n", "", "REQUESTS", "BYTES", "ERRORS",
		       "MEAN us", "50% < us", "99% < us");
		for (i = 0; i < VBLK_NR_OPS; i++) {
			const struct vblk_op_stats *op = &s.op[i];

			printf("%-8s %12llu %16llu %8llu %10.1f %10.1f %10.1f\n", names[i],
			       (unsigned long long)op->ios, (unsigned long long)op->bytes,
			       (unsigned long long)op->errors,
			       op->ios ? op->time / 1e3 / op->ios : 0.0,
			       op->ios ? percentile(op, 2) / 1e3 : 0.0,
			       op->ios ? percentile(op, 100) / 1e3 : 0.0);
		}
		printf("%llu waited for a limit, a worker submitted %llu\n",
		       (unsigned long long)s.throttled, (unsigned long long)s.handed);
		return 0;
	}
	o = json_object_new_object();
	for (i = 0; i < VBLK_NR_OPS; i++)
		json_object_object_add(o, names[i], op_json(&s.op[i]));
	disk_json_u64(o, "throttled", s.throttled);
	disk_json_u64(o, "handed", s.handed);
	cmd_print_json(o);
	return 0;
}

static const struct cmd verbs[] = {
	{ "attach", do_attach },
	{ "detach", do_detach },
	{ "add", do_image_add },
	{ "snapshot", do_image_snapshot },
	{ "clone", do_image_clone },
	{ "delete", do_image_delete },
	{ "commit", do_image_commit },
	{ "diff", do_image_diff },
	{ "list", do_list },
	{ "show", do_show },
	{ "resize", do_resize },
	{ "limit", do_limit },
	{ "stats", do_stats },
	{ "create", do_image_create },
	{ "check", do_image_check },
	{ "repair", do_image_repair },
	{ "dump", do_image_dump },
	{ "convert", do_image_convert },
	{ "help", do_disk_help },
	{ NULL, NULL },
};

int do_disk(int argc, char **argv)
{
	return cmd_select(verbs, argc - 1, argv + 1, do_disk_help, "disk verb");
}
