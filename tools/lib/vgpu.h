/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvirtlite, the part for sliced GPUs: the calls of /dev/vgpu. Negative results
 * are -errno; vl_message() in virtlite.h says more.
 */
#ifndef VIRTLITE_LIB_VGPU_H
#define VIRTLITE_LIB_VGPU_H

#include <virtlite/vgpu.h>

int vl_vgpu_open(void);
int vl_vgpu_create(int fd, struct vgpu_create *c);
int vl_vgpu_delete(int fd, int id, __u32 flags);
int vl_vgpu_query(int fd, int id, __u32 flags, struct vgpu_query *q);
int vl_vgpu_slice(int fd, int id, int slice, __u32 flags, struct vgpu_slice *s);
int vl_vgpu_stats(int fd, int id, int slice, int engine, struct vgpu_stats *s);
int vl_vgpu_set(int fd, struct vgpu_set *s);
int vl_vgpu_slice_set(int fd, struct vgpu_slice_set *s);
int vl_vgpu_log(int fd, int id, struct vgpu_turn *turns, __u32 *count, __u64 *from);

#endif
