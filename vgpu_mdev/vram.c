// SPDX-License-Identifier: GPL-2.0
/*
 * Video memory: single pages, made and cleared when they are first touched, so that
 * slices of any sizes fit together, and freed when their last user is gone.
 *
 * Lookup needs no lock: a page that is in the table stays there as long as the
 * table does, and whoever looks holds a reference to that.
 */

#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vram.h"

/**
 * vg_vram_alloc() - video memory for a new tenant, all zeroes
 * @bytes: how much
 *
 * The caller's memory cgroup pays for the pages, whoever touches them.
 *
 * Return: it, with one reference, or NULL.
 */
struct vg_vram *vg_vram_alloc(u64 bytes)
{
	struct vg_vram *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;
	kref_init(&v->ref);
	v->bytes = bytes;
	xa_init(&v->pages);
	v->memcg = get_mem_cgroup_from_mm(current->mm);
	return v;
}

static void release(struct kref *ref)
{
	struct vg_vram *v = container_of(ref, struct vg_vram, ref);
	unsigned long i;
	struct page *page;

	xa_for_each(&v->pages, i, page) {
		__free_page(page);
		cond_resched();
	}
	xa_destroy(&v->pages);
	mem_cgroup_put(v->memcg);
	kfree(v);
}

void vg_vram_get(struct vg_vram *v)
{
	kref_get(&v->ref);
}

void vg_vram_put(struct vg_vram *v)
{
	kref_put(&v->ref, release);
}

/**
 * vg_vram_page() - the page at an offset, made if it is not there
 * @v: video memory
 * @off: in it, bytes
 *
 * Context: may sleep.
 *
 * Return: the page, which stays as long as @v does; NULL if there is no memory.
 */
struct page *vg_vram_page(struct vg_vram *v, u64 off)
{
	/* Fail rather than have somebody killed: the slice can be told. */
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct page *page = xa_load(&v->pages, off >> PAGE_SHIFT), *other;
	struct mem_cgroup *was;

	if (page)
		return page;
	was = set_active_memcg(v->memcg);
	page = alloc_page(gfp | __GFP_ZERO);
	if (page) {
		other = xa_cmpxchg(&v->pages, off >> PAGE_SHIFT, NULL, page, gfp);
		if (other) {
			__free_page(page);
			page = xa_is_err(other) ? NULL : other;
		} else {
			atomic64_inc(&v->used);
		}
	}
	set_active_memcg(was);
	return page;
}

/**
 * vg_vram_read() - copy to user space
 * @v: video memory
 * @off: in it
 * @buf: to
 * @len: bytes, up to its end at most
 *
 * Return: 0, -EFAULT, -EINTR.
 */
int vg_vram_read(struct vg_vram *v, u64 off, char __user *buf, size_t len)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(off));
		struct page *page = xa_load(&v->pages, off >> PAGE_SHIFT);

		/* What nobody has touched is zero. */
		if (page ? copy_to_user(buf, page_address(page) + offset_in_page(off), n) :
			   clear_user(buf, n))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		off += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * vg_vram_write() - copy from user space
 * @v: video memory
 * @off: in it
 * @buf: from
 * @len: bytes, up to its end at most
 *
 * Return: 0, -EFAULT, -EINTR, -ENOMEM.
 */
int vg_vram_write(struct vg_vram *v, u64 off, const char __user *buf, size_t len)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(off));
		struct page *page = vg_vram_page(v, off);

		if (!page)
			return -ENOMEM;
		if (copy_from_user(page_address(page) + offset_in_page(off), buf, n))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		off += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * vg_vram_clear() - all zeroes again, where it is: mappings stay
 * @v: video memory; the engines do not use it now
 */
void vg_vram_clear(struct vg_vram *v)
{
	unsigned long i;
	struct page *page;

	xa_for_each(&v->pages, i, page) {
		clear_highpage(page);
		cond_resched();
	}
}
