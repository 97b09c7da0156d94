/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_VRAM_H
#define VG_VRAM_H

#include <linux/kref.h>
#include <linux/mm.h>

struct mem_cgroup;

/**
 * struct vg_vram - the video memory of one tenant of a slice
 * @ref: the open slice has one, so has each dma-buf and each picture that is mapped:
 *	the pages are there until the last is gone, and never come to somebody else
 * @bytes: how large it looks, whole pages
 * @at: where those pages are that have been touched, by number; none leaves before the
 *	end. Flat, for each command of the engines asks for every page that it goes through
 * @used: how many they are
 * @memcg: who pays, or NULL
 */
struct vg_vram {
	struct kref ref;
	u64 bytes;
	void **at;
	atomic64_t used;
	struct mem_cgroup *memcg;
};

struct vg_vram *vg_vram_alloc(u64 bytes);
void vg_vram_get(struct vg_vram *v);
void vg_vram_put(struct vg_vram *v);
void *vg_vram_make(struct vg_vram *v, u64 off);
int vg_vram_read(struct vg_vram *v, u64 off, char __user *buf, size_t len);
int vg_vram_write(struct vg_vram *v, u64 off, const char __user *buf, size_t len);
void vg_vram_clear(struct vg_vram *v);

/* Where the page at an offset is; NULL for one that nobody has touched, or beyond the end. */
static inline void *vg_vram_find(struct vg_vram *v, u64 off)
{
	return likely(off < v->bytes) ? READ_ONCE(v->at[off >> PAGE_SHIFT]) : NULL;
}

/**
 * vg_vram_at() - where the page at an offset is, made if it is not there
 * @v: video memory
 * @off: in it, bytes
 *
 * Context: may sleep.
 *
 * Return: the page's begin, which stays as long as @v does; NULL if there is no memory,
 * or beyond the end.
 */
static inline void *vg_vram_at(struct vg_vram *v, u64 off)
{
	void *at = vg_vram_find(v, off);

	return likely(at) ? at : vg_vram_make(v, off);
}

/**
 * vg_vram_page() - the same as a page
 * @v: video memory
 * @off: in it, bytes
 *
 * Return: as vg_vram_at().
 */
static inline struct page *vg_vram_page(struct vg_vram *v, u64 off)
{
	void *at = vg_vram_at(v, off);

	return at ? virt_to_page(at) : NULL;
}

#endif
