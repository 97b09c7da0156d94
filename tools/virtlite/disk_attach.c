// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite disk attach: a disk on a file, a block device, memory, or a volume of an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "disk_online.h"

/*
 * The lock tells other programs that the file is in use; the kernel keeps it as
 * long as the disk. File systems that know no locks do without.
 */
int disk_open_backing(const char *path, bool ro, bool file)
{
	struct flock lock = { .l_type = ro ? F_RDLCK : F_WRLCK };
	int fd = open(path, (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);

	if (fd < 0)
		return vl_error(errno, "%s", path);
	if (file && fcntl(fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES)) {
		close(fd);
		return vl_error(EBUSY, "%s: another program has locked it", path);
	}
	return fd;
}

static int attach(struct vblk_attach *a, const char *path)
{
	int ctl, ret;

	ctl = vl_vblk_open();
	if (ctl < 0)
		return ctl;
	if (path) {
		a->fd = disk_open_backing(path, a->flags & VBLK_ATTACH_RDONLY,
					  a->backing == VBLK_BACKING_FILE);
		if (a->fd < 0) {
			close(ctl);
			return a->fd;
		}
	}
	ret = vl_vblk_attach(ctl, a);
	if (path)
		close(a->fd);
	close(ctl);
	return ret;
}

/* On a volume of an image: by its name or number, or the only one that there is. */
static int attach_image(struct vblk_attach *a, const char *path, const char *volume)
{
	__u32 way = a->flags & (VBLK_ATTACH_BUFFERED | VBLK_ATTACH_DIRECT);
	struct vblk_volume v;
	int ret, ctl;

	a->fd = disk_image_open(path, a->flags & VBLK_ATTACH_RDONLY, way);
	if (a->fd < 0)
		return a->fd;
	ret = disk_image_volume(a->fd, volume, &v);
	ctl = ret ? ret : vl_vblk_open();
	if (ctl < 0) {
		close(a->fd);
		return ctl;
	}
	/* How its image is read and written is the image's. */
	a->flags &= ~way;
	a->format = VBLK_FORMAT_IMAGE;
	a->volume = v.volume;
	ret = vl_vblk_attach(ctl, a);
	close(a->fd);
	close(ctl);
	return ret;
}

/**
 * disk_parse() - read the words that say what is to be attached
 * @argc: words
 * @argv: words, the verb first
 * @r: filled in; points into @argv
 *
 * Return: 0 or EXIT_USAGE.
 */
int disk_parse(int argc, char **argv, struct disk_request *r)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, OPT_FILE },
		{ "block", required_argument, NULL, OPT_BLOCK },
		{ "ram", no_argument, NULL, OPT_RAM },
		{ "image", required_argument, NULL, OPT_IMAGE },
		{ "volume", required_argument, NULL, OPT_VOLUME },
		{ "id", required_argument, NULL, OPT_ID },
		{ "ro", no_argument, NULL, OPT_RO },
		{ "buffered", no_argument, NULL, OPT_BUFFERED },
		{ "direct", no_argument, NULL, OPT_DIRECT },
		{ "no-part", no_argument, NULL, OPT_NO_PART },
		{ "sector", required_argument, NULL, OPT_SECTOR },
		{ "depth", required_argument, NULL, OPT_DEPTH },
		{ "offset", required_argument, NULL, OPT_OFFSET },
		{ "size", required_argument, NULL, OPT_SIZE },
		{},
	};
	struct vblk_attach a = { .format = VBLK_FORMAT_RAW, .fd = -1, .id = -1 };
	__u64 offset = 0, length = 0;
	__u32 id = -1;
	const struct disk_value_row values[] = {
		{ OPT_ID, "id", NULL, &id },
		{ OPT_SECTOR, "sector", NULL, &a.sector_size },
		{ OPT_DEPTH, "depth", NULL, &a.queue_depth },
		{ OPT_OFFSET, "offset", &offset, NULL },
		{ OPT_SIZE, "size", &length, NULL },
		{},
	};
	const char *path = NULL, *volume = NULL;
	unsigned int given = 0;
	int opt, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = 0;
		switch (opt) {
		case OPT_FILE:
		case OPT_BLOCK:
		case OPT_RAM:
		case OPT_IMAGE:
			a.backing = opt == OPT_FILE ? VBLK_BACKING_FILE :
				    opt == OPT_BLOCK ? VBLK_BACKING_BDEV :
				    opt == OPT_IMAGE ? VBLK_BACKING_IMAGE : VBLK_BACKING_RAM;
			path = optarg;
			given++;
			break;
		case OPT_VOLUME:
			volume = optarg;
			break;
		case OPT_RO:
			a.flags |= VBLK_ATTACH_RDONLY;
			break;
		case OPT_BUFFERED:
			a.flags |= VBLK_ATTACH_BUFFERED;
			break;
		case OPT_DIRECT:
			a.flags |= VBLK_ATTACH_DIRECT;
			break;
		case OPT_NO_PART:
			a.flags |= VBLK_ATTACH_NO_PART;
			break;
		default:
			ret = disk_value(values, opt, optarg);
		}
		if (ret)
			return ret;
	}
	if (optind < argc)
		return cmd_error("disk attach: unexpected \"%s\"", argv[optind]);
	if (given != 1)
		return cmd_error("disk attach: one of --file, --block, --ram, --image is needed");
	if (volume && a.backing != VBLK_BACKING_IMAGE)
		return cmd_error("disk attach: --volume is for --image");
	if (a.backing == VBLK_BACKING_IMAGE && (offset || length))
		return cmd_error("disk attach: a volume has its own size");
	if (a.backing == VBLK_BACKING_RAM && !length)
		return cmd_error("disk attach: --ram needs a --size");
	a.id = id;
	a.offset = offset;
	a.length = length;
	*r = (struct disk_request){ .attach = a, .path = path, .volume = volume };
	return 0;
}

/**
 * disk_make() - attach what was asked for
 * @r: request; the kernel's answer is in its struct on return
 *
 * Return: 0, or -errno with a message.
 */
int disk_make(struct disk_request *r)
{
	if (r->attach.backing == VBLK_BACKING_IMAGE)
		return attach_image(&r->attach, r->path, r->volume);
	return attach(&r->attach, r->path);
}

int do_attach(int argc, char **argv)
{
	struct disk_request r;
	int ret = disk_parse(argc, argv, &r);

	if (ret)
		return ret;
	if (disk_make(&r))
		return disk_failed();
	if (json_output) {
		json_object *o = json_object_new_object();
		char name[32];

		snprintf(name, sizeof(name), "vblk%d", r.attach.id);
		json_object_object_add(o, "name", json_object_new_string(name));
		disk_json_u64(o, "size", r.attach.length);
		disk_json_u64(o, "seq", r.attach.seq);
		cmd_print_json(o);
	} else {
		printf("/dev/vblk%d\n", r.attach.id);
	}
	return 0;
}
