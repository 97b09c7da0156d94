/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_CONTROL_H
#define VB_CONTROL_H

#include <linux/file.h>
#include <virtlite/vblk.h>

#include "disk.h"

/* Every struct begins like this. */
struct vb_header {
	u32 size;
	u32 flags;
};

union vb_argument {
	struct vb_header h;
	struct vblk_info info;
	struct vblk_attach attach;
	struct vblk_detach detach;
	struct vblk_query query;
	struct vblk_resize resize;
	struct vblk_limits limits;
	struct vblk_stats stats;
	struct vblk_events events;
	struct vblk_fault fault;
	struct vblk_image_open open;
	struct vblk_image_info image_info;
	struct vblk_volume volume;
	struct vblk_image_make make;
	struct vblk_image_volume image_volume;
	struct vblk_image_diff diff;
	struct vblk_image_commit commit;
};

/**
 * struct vb_call - an ioctl while it is being done
 * @arg: the copy of what user space gave, and will get
 * @msg: what was wrong
 * @file: to be installed at @fd, or NULL
 * @fd: reserved for it
 */
struct vb_call {
	union vb_argument arg;
	struct vb_msg msg;
	struct file *file;
	int fd;
};

/**
 * struct vb_shape - what the struct of a call is like
 * @size: in this kernel, and in the first that had it
 * @msg: where msg_ptr is in it, or 0; msg_len follows
 */
struct vb_shape {
	u32 size;
	u32 msg;
};

int vb_call_get(const struct vb_shape *shape, struct vb_call *c, void __user *user);
int vb_call_put(const struct vb_shape *shape, struct vb_call *c, void __user *user, int ret);

int vb_control_init(void);
void vb_control_exit(void);

#endif
