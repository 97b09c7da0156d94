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
