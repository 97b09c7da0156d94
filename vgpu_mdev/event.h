/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_EVENT_H
#define VG_EVENT_H

#include <linux/types.h>

struct file;
struct vg_slice;

void vg_event(const struct vg_slice *s, u32 type, u64 arg);
void vg_event_seldom(struct vg_slice *s, u32 what, u32 type, u64 arg);
void vg_event_init(struct vg_slice *s);
void vg_event_exit(struct vg_slice *s);
void vg_event_gpu(int id, u32 type);
struct file *vg_event_open(int id);

#endif
