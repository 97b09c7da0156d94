// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of /dev/vblk-control.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vblk.h"
#include "virtlite.h"

/**
 * vl_vblk_open() - open the control device
 *
 * Return: a descriptor, or -errno with a message.
 */
int vl_vblk_open(void)
{
	int fd = open(VBLK_CONTROL_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return vl_error(errno, "%s: %s", VBLK_CONTROL_PATH,
				errno == ENOENT ? "is the module vblk loaded?" : "open");
	return fd;
}

/* The kernel's own words, if it had any. */
static int call(int fd, unsigned long cmd, void *arg, const char *msg, const char *name)
{
	int err;

	if (!ioctl(fd, cmd, arg))
		return 0;
	err = errno;
	return msg && *msg ? vl_error(err, "%s: %s", name, msg) : vl_error(err, "%s", name);
}

/**
 * vl_vblk_attach() - make a disk
 * @fd: control device
 * @a: as for the ioctl; size and message buffer are set here
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vblk_attach(int fd, struct vblk_attach *a)
{
	char msg[160] = "";

	a->size = sizeof(*a);
	a->msg_ptr = (unsigned long)msg;
	a->msg_len = sizeof(msg);
	return call(fd, VBLK_ATTACH, a, msg, "attach");
}

/**
 * vl_vblk_detach() - end a disk
 * @fd: control device
 * @id: number of the disk
 * @flags: VBLK_DETACH_*
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vblk_detach(int fd, int id, __u32 flags)
{
	char msg[160] = "";
	struct vblk_detach d = {
		.size = sizeof(d), .flags = flags, .id = id,
		.msg_ptr = (unsigned long)msg, .msg_len = sizeof(msg),
	};

	return call(fd, VBLK_DETACH, &d, msg, "detach");
}

/**
 * vl_vblk_query() - what a disk is
 * @fd: control device
 * @id: number of the disk, or with VBLK_QUERY_NEXT where to begin
 * @flags: VBLK_QUERY_NEXT or 0
 * @q: filled in
 *
 * Return: 0, or -errno; -ENOENT if there is none.
 */
int vl_vblk_query(int fd, int id, __u32 flags, struct vblk_query *q)
{
	*q = (struct vblk_query){ .size = sizeof(*q), .flags = flags, .id = id };
	return call(fd, VBLK_QUERY, q, NULL, "query");
}

/**
 * vl_vblk_resize() - change the size of a disk
 * @fd: control device
 * @id: number of the disk
 * @length: bytes, 0: as large as the backing; the new size on return
 * @flags: VBLK_RESIZE_*
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vblk_resize(int fd, int id, __u64 *length, __u32 flags)
{
	char msg[160] = "";
	struct vblk_resize r = {
		.size = sizeof(r), .flags = flags, .id = id, .length = *length,
		.msg_ptr = (unsigned long)msg, .msg_len = sizeof(msg),
	};
	int ret = call(fd, VBLK_RESIZE, &r, msg, "resize");

	if (!ret)
		*length = r.length;
	return ret;
}

/**
 * vl_vblk_limits() - set or read the limits of a disk
 * @fd: control device
 * @l: as for the ioctl; size is set here
 *
 * Return: 0, or -errno with a message.
 */
int vl_vblk_limits(int fd, struct vblk_limits *l)
{
	l->size = sizeof(*l);
	return call(fd, VBLK_LIMITS, l, NULL, "limit");
}

/**
 * vl_vblk_stats() - what a disk has done
 * @fd: control device
 * @id: number of the disk
 * @s: filled in
 *
 * Return: 0, or -errno with a message.
 */
int vl_vblk_stats(int fd, int id, struct vblk_stats *s)
{
	*s = (struct vblk_stats){ .size = sizeof(*s), .id = id };
	return call(fd, VBLK_STATS, s, NULL, "stats");
}

/**
 * vl_vblk_image_open() - open an image
 * @fd: control device
 * @o: as for the ioctl; size and message buffer are set here
 *
 * Return: the image's descriptor, or -errno with the kernel's message.
 */
int vl_vblk_image_open(int fd, struct vblk_image_open *o)
{
	char msg[160] = "";
	int ret;

	o->size = sizeof(*o);
	o->msg_ptr = (unsigned long)msg;
	o->msg_len = sizeof(msg);
	ret = call(fd, VBLK_IMAGE_OPEN, o, msg, "image");
	return ret ? ret : o->image;
}

/**
 * vl_vblk_image_info() - what an image is
 * @image: its descriptor
 * @i: filled in
 *
 * Return: 0, or -errno with a message.
 */
int vl_vblk_image_info(int image, struct vblk_image_info *i)
{
	*i = (struct vblk_image_info){ .size = sizeof(*i) };
	return call(image, VBLK_IMAGE_INFO, i, NULL, "image");
}

/**
 * vl_vblk_volume() - what a volume is
 * @image: descriptor of its image
 * @number: of the volume, or with VBLK_VOLUME_NEXT where to begin
 * @flags: VBLK_VOLUME_NEXT or 0
 * @v: filled in
 *
 * Return: 0, or -errno; -ENOENT if there is none.
 */
int vl_vblk_volume(int image, __u32 number, __u32 flags, struct vblk_volume *v)
{
	*v = (struct vblk_volume){ .size = sizeof(*v), .flags = flags, .volume = number };
	return call(image, VBLK_IMAGE_VOLUME, v, NULL, "volume");
}

/**
 * vl_vblk_make() - make a volume, a snapshot or a clone
 * @image: descriptor of the image
 * @cmd: VBLK_IMAGE_CREATE, VBLK_IMAGE_SNAPSHOT or VBLK_IMAGE_CLONE
 * @name: of what is made
 * @m: as for the ioctl; size, name and message buffer are set here
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vblk_make(int image, unsigned long cmd, const char *name, struct vblk_image_make *m)
{
	char msg[160] = "";

	m->size = sizeof(*m);
	m->msg_ptr = (unsigned long)msg;
	m->msg_len = sizeof(msg);
	if (strlen(name) >= sizeof(m->name))
		return vl_error(ENAMETOOLONG, "%s", name);
	strcpy((char *)m->name, name);
	return call(image, cmd, m, msg, name);
}

/**
 * vl_vblk_drop() - delete a volume, or promote a clone
 * @image: descriptor of the image
 * @cmd: VBLK_IMAGE_DELETE or VBLK_IMAGE_PROMOTE
 * @number: of the volume
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vblk_drop(int image, unsigned long cmd, __u32 number)
{
	char msg[160] = "";
	struct vblk_image_volume v = {
		.size = sizeof(v), .volume = number,
		.msg_ptr = (unsigned long)msg, .msg_len = sizeof(msg),
	};

	return call(image, cmd, &v, msg, cmd == VBLK_IMAGE_DELETE ? "delete" : "commit");
}

/**
 * vl_vblk_diff() - what is not the same in two volumes
 * @image: descriptor of their image
 * @d: as for the ioctl; size and message buffer are set here
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vblk_diff(int image, struct vblk_image_diff *d)
{
	char msg[160] = "";

	d->size = sizeof(*d);
	d->msg_ptr = (unsigned long)msg;
	d->msg_len = sizeof(msg);
	return call(image, VBLK_IMAGE_DIFF, d, msg, "diff");
}

/**
 * vl_vblk_image_commit() - have everything durable
 * @image: descriptor of the image
 * @flags: VBLK_COMMIT_DELETES: also until nothing is being deleted
 *
 * Return: 0, or -errno with a message.
 */
int vl_vblk_image_commit(int image, __u32 flags)
{
	struct vblk_image_commit c = { .size = sizeof(c), .flags = flags };

	return call(image, VBLK_IMAGE_COMMIT, &c, NULL, "image");
}
