/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verbs of `virtlite disk` that speak to the module, and what they share.
 */
#ifndef VIRTLITE_DISK_ONLINE_H
#define VIRTLITE_DISK_ONLINE_H

#include <linux/types.h>

#include "../lib/vblk.h"
#include "cmd.h"

enum {
	OPT_FILE = 256,
	OPT_BLOCK,
	OPT_RAM,
	OPT_IMAGE,
	OPT_VOLUME,
	OPT_ID,
	OPT_RO,
	OPT_BUFFERED,
	OPT_DIRECT,
	OPT_NO_PART,
	OPT_SECTOR,
	OPT_DEPTH,
	OPT_OFFSET,
	OPT_SIZE,
	OPT_WAIT,
	OPT_FORCE,
	OPT_SHRINK,
	OPT_IOPS,
	OPT_BPS,
	OPT_IOPS_BURST,
	OPT_BPS_BURST,
	OPT_SINCE,
	OPT_PROGRESS,
};

/* A table row: how an option's argument is read, and where it goes. */
struct disk_value_row {
	int opt;
	const char *name;
	__u64 *bytes;
	__u32 *number;
};

/* disk.c */
int disk_failed(void);
bool disk_bytes(const char *s, __u64 *bytes);
bool disk_number(const char *s, __u32 *n);
bool disk_name(const char *s, int *id);
int disk_value(const struct disk_value_row *values, int opt, const char *arg);
void disk_json_u64(json_object *o, const char *name, __u64 value);

/* disk_attach.c */
int disk_open_backing(const char *path, bool ro, bool file);

/* What the words after "disk attach" ask for. */
struct disk_request {
	struct vblk_attach attach;
	const char *path;
	const char *volume;
};

int disk_parse(int argc, char **argv, struct disk_request *r);
int disk_make(struct disk_request *r);
int do_attach(int argc, char **argv);

/* disk_image.c */
int disk_image_open(const char *name, bool ro, __u32 flags);
int disk_image_volume(int image, const char *name, struct vblk_volume *v);
int disk_image_show(const char *name);
int do_image_add(int argc, char **argv);
int do_image_snapshot(int argc, char **argv);
int do_image_clone(int argc, char **argv);
int do_image_delete(int argc, char **argv);
int do_image_commit(int argc, char **argv);
int do_image_diff(int argc, char **argv);

#endif
