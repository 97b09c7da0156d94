/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_SCANOUT_H
#define VG_SCANOUT_H

#include <linux/kref.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct file;
struct vg_vram;
struct vm_area_struct;

/**
 * struct vg_scanout - the picture as a thing that can be mapped
 * @ref: the open slice has one, and each mapping
 * @vram: where it is, with a reference
 * @file: its inode has all mappings, so that they can be found
 * @sem: held for reading while a page is mapped, for writing to change @start
 * @start: offset of the picture in VRAM
 * @bytes: how much may be mapped
 *
 * When the driver turns the page, mappings are emptied, and show the new picture.
 */
struct vg_scanout {
	struct kref ref;
	struct vg_vram *vram;
	struct file *file;
	struct rw_semaphore sem;
	u64 start;
	u64 bytes;
};

struct vg_scanout *vg_scanout_alloc(struct vg_vram *vram, u64 bytes);
void vg_scanout_put(struct vg_scanout *sc);
void vg_scanout_move(struct vg_scanout *sc, u64 start);
ssize_t vg_scanout_read(struct vg_scanout *sc, u64 off, char __user *buf, size_t len);
int vg_scanout_mmap(struct vg_scanout *sc, struct vm_area_struct *vma, u64 off);

/* dmabuf.c */
int vg_dmabuf_fd(struct vg_vram *vram, u64 start, u64 bytes);

#endif
