/* SPDX-License-Identifier: GPL-2.0 */
/* The driver of vgpu_dev.h over vgpu_guest, for a program inside a guest. */
#ifndef VIRTLITE_LIB_VGPU_GUEST_H
#define VIRTLITE_LIB_VGPU_GUEST_H

#include "vgpu_dev.h"

int vl_guest_open(struct vl_vgpu *d, const char *path);
void vl_guest_close(struct vl_vgpu *d);
void *vl_guest_alloc(struct vl_vgpu *d, size_t bytes, bool vram, __u64 *addr);
int vl_guest_start(struct vl_vgpu *d, __u32 q, __u32 order);
int vl_guest_submit(struct vl_vgpu *d, __u32 q, const struct vgpu_cmd *c);
int vl_guest_doorbell(struct vl_vgpu *d, __u32 q);
int vl_guest_finish(struct vl_vgpu *d, __u32 q, int timeout_ms);

#endif
