// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of /dev/vgpu.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "vgpu.h"
#include "virtlite.h"

/**
 * vl_vgpu_open() - open the control device
 *
 * Return: a descriptor, or -errno with a message.
 */
int vl_vgpu_open(void)
{
	int fd = open(VGPU_CONTROL_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return vl_error(errno, "%s: %s", VGPU_CONTROL_PATH,
				errno == ENOENT ? "is the module vgpu_mdev loaded?" : "open");
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
 * vl_vgpu_create() - make a GPU
 * @fd: control device
 * @c: as for the ioctl; size and message buffer are set here
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vgpu_create(int fd, struct vgpu_create *c)
{
	char msg[160] = "";
	int ret;

	c->size = sizeof(*c);
	c->msg_ptr = (unsigned long)msg;
	c->msg_len = sizeof(msg);
	ret = call(fd, VGPU_CREATE, c, msg, "create");
	c->msg_ptr = 0;
	return ret;
}

/**
 * vl_vgpu_delete() - end a GPU
 * @fd: control device
 * @id: its number
 * @flags: VGPU_DELETE_FORCE or 0
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vgpu_delete(int fd, int id, __u32 flags)
{
	char msg[160] = "";
	struct vgpu_delete d = {
		.size = sizeof(d), .flags = flags, .id = id,
		.msg_ptr = (unsigned long)msg, .msg_len = sizeof(msg),
	};

	return call(fd, VGPU_DELETE, &d, msg, "delete");
}

/**
 * vl_vgpu_query() - what a GPU is
 * @fd: control device
 * @id: its number, or with VGPU_QUERY_NEXT where to begin
 * @flags: VGPU_QUERY_NEXT or 0
 * @q: filled in
 *
 * Return: 0, or -errno; -ENOENT if there is none.
 */
int vl_vgpu_query(int fd, int id, __u32 flags, struct vgpu_query *q)
{
	*q = (struct vgpu_query){ .size = sizeof(*q), .flags = flags, .id = id };
	return call(fd, VGPU_QUERY, q, NULL, "query");
}

/**
 * vl_vgpu_slice() - what a slice is
 * @fd: control device
 * @id: number of the GPU
 * @slice: its own, or with VGPU_QUERY_NEXT where to begin
 * @flags: VGPU_QUERY_NEXT or 0
 * @s: filled in
 *
 * Return: 0, or -errno; -ENOENT if there is none.
 */
int vl_vgpu_slice(int fd, int id, int slice, __u32 flags, struct vgpu_slice *s)
{
	*s = (struct vgpu_slice){ .size = sizeof(*s), .flags = flags, .id = id, .slice = slice };
	return call(fd, VGPU_SLICE, s, NULL, "slice");
}

/**
 * vl_vgpu_stats() - what a slice has done
 * @fd: control device
 * @id: number of the GPU
 * @slice: number of the slice
 * @engine: of which engine, or -1: of all
 * @s: filled in
 *
 * Return: 0, or -errno with a message.
 */
int vl_vgpu_stats(int fd, int id, int slice, int engine, struct vgpu_stats *s)
{
	*s = (struct vgpu_stats){ .size = sizeof(*s), .id = id, .slice = slice,
				  .engine = engine };
	return call(fd, VGPU_STATS, s, NULL, "stats");
}

/**
 * vl_vgpu_set() - change a GPU
 * @fd: control device
 * @s: as for the ioctl; size and message buffer are set here
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vgpu_set(int fd, struct vgpu_set *s)
{
	char msg[160] = "";

	s->size = sizeof(*s);
	s->msg_ptr = (unsigned long)msg;
	s->msg_len = sizeof(msg);
	return call(fd, VGPU_SET, s, msg, "set");
}

/**
 * vl_vgpu_slice_set() - change a slice
 * @fd: control device
 * @s: as for the ioctl; size and message buffer are set here
 *
 * Return: 0, or -errno with the kernel's message.
 */
int vl_vgpu_slice_set(int fd, struct vgpu_slice_set *s)
{
	char msg[160] = "";

	s->size = sizeof(*s);
	s->msg_ptr = (unsigned long)msg;
	s->msg_len = sizeof(msg);
	return call(fd, VGPU_SLICE_SET, s, msg, "slice set");
}

/**
 * vl_vgpu_log() - the last turns on a GPU's engines
 * @fd: control device
 * @id: number of the GPU
 * @turns: filled in
 * @count: how many fit; how many there are on return
 * @from: number of the first; of the next one on return
 *
 * Return: 0, or -errno with a message.
 */
int vl_vgpu_log(int fd, int id, struct vgpu_turn *turns, __u32 *count, __u64 *from)
{
	struct vgpu_log l = {
		.size = sizeof(l), .id = id, .count = *count, .from = *from,
		.buf_ptr = (unsigned long)turns,
	};
	int ret = call(fd, VGPU_LOG, &l, NULL, "log");

	if (ret)
		return ret;
	*count = l.count;
	*from = l.from;
	return 0;
}
