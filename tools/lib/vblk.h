/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvirtlite, the part for virtual disks. Negative results are -errno;
 * vl_message() in virtlite.h says more.
 */
#ifndef VIRTLITE_LIB_VBLK_H
#define VIRTLITE_LIB_VBLK_H

#include <virtlite/vblk.h>

int vl_vblk_open(void);
int vl_vblk_attach(int fd, struct vblk_attach *a);
int vl_vblk_detach(int fd, int id, __u32 flags);
int vl_vblk_query(int fd, int id, __u32 flags, struct vblk_query *q);
int vl_vblk_resize(int fd, int id, __u64 *length, __u32 flags);
int vl_vblk_limits(int fd, struct vblk_limits *l);
int vl_vblk_stats(int fd, int id, struct vblk_stats *s);

int vl_vblk_image_open(int fd, struct vblk_image_open *o);
int vl_vblk_image_info(int image, struct vblk_image_info *i);
int vl_vblk_volume(int image, __u32 number, __u32 flags, struct vblk_volume *v);
int vl_vblk_make(int image, unsigned long cmd, const char *name, struct vblk_image_make *m);
int vl_vblk_drop(int image, unsigned long cmd, __u32 number);
int vl_vblk_diff(int image, struct vblk_image_diff *d);
int vl_vblk_image_commit(int image, __u32 flags);

#endif
