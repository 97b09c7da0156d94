/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_VRAM_H
#define VG_VRAM_H

#include <linux/kref.h>
#include <linux/mm_types.h>
#include <linux/xarray.h>

struct mem_cgroup;

/**
 * struct vg_vram - the video memory of one tenant of a slice
 * @ref: the open slice has one, so has each dma-buf and each picture that is mapped:
 *	the pages are there until the last is gone, and never come to somebody else
 * @bytes: how large it looks
 * @pages: those that have been touched, by number; none leaves before the end
 * @used: how many they are
 * @memcg: who pays, or NULL
 */
struct vg_vram {
	struct kref ref;
	u64 bytes;
	struct xarray pages;
	atomic64_t used;
	struct mem_cgroup *memcg;
};

struct vg_vram *vg_vram_alloc(u64 bytes);
void vg_vram_get(struct vg_vram *v);
void vg_vram_put(struct vg_vram *v);
struct page *vg_vram_page(struct vg_vram *v, u64 off);
int vg_vram_read(struct vg_vram *v, u64 off, char __user *buf, size_t len);
int vg_vram_write(struct vg_vram *v, u64 off, const char __user *buf, size_t len);
void vg_vram_clear(struct vg_vram *v);

#endif
