/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_EVENT_H
#define VB_EVENT_H

#include <linux/types.h>

struct file;
struct vb_disk;

void vb_event(struct vb_disk *disk, u32 type, u64 arg);
void vb_event_error(struct vb_disk *disk, int error);
void vb_event_lost(struct vb_disk *disk, u64 bytes);
struct file *vb_event_open(int id);

#endif
