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

#endif
