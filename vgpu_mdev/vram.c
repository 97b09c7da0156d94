// SPDX-License-Identifier: GPL-2.0
/*
 * Video memory: single pages, made and cleared when they are first touched, so that
 * slices of any sizes fit together, and freed when their last user is gone.
 *
 * Lookup needs no lock: a page that is in the table stays there as long as the
 * table does, and whoever looks holds a reference to that.
 */

#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vram.h"

/* Fail rather than have somebody killed: the slice can be told. */
#define QUIET (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

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
	v->at = kvcalloc(bytes >> PAGE_SHIFT, sizeof(*v->at), QUIET);
	if (!v->at) {
		kfree(v);
		return NULL;
	}
	kref_init(&v->ref);
	v->bytes = bytes;
	v->memcg = get_mem_cgroup_from_mm(current->mm);
	return v;
}

static void release(struct kref *ref)
{
	struct vg_vram *v = container_of(ref, struct vg_vram, ref);
	u64 i;

	for (i = 0; i < v->bytes >> PAGE_SHIFT; i++) {
		free_page((unsigned long)v->at[i]);
		cond_resched();
	}
	kvfree(v->at);
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
 * vg_vram_make() - vg_vram_at(), when there is no page yet
 * @v: video memory
 * @off: in it, bytes
 *
 * Return: where it is, this one or that of who came first; NULL as for vg_vram_at().
 */
void *vg_vram_make(struct vg_vram *v, u64 off)
{
	struct mem_cgroup *was;
	void *at, *other;

	if (off >= v->bytes)
		return NULL;
	was = set_active_memcg(v->memcg);
	at = (void *)get_zeroed_page(QUIET);
	set_active_memcg(was);
	if (!at)
		return NULL;
	/* A full barrier: who finds the page finds it cleared. */
	other = cmpxchg(&v->at[off >> PAGE_SHIFT], NULL, at);
	if (other) {
		free_page((unsigned long)at);
		return other;
	}
	atomic64_inc(&v->used);
	return at;
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
		const void *at = vg_vram_find(v, off);

		/* What nobody has touched is zero. */
		if (at ? copy_to_user(buf, at + offset_in_page(off), n) : clear_user(buf, n))
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
		void *at = vg_vram_at(v, off);

		if (!at)
			return -ENOMEM;
		if (copy_from_user(at + offset_in_page(off), buf, n))
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
	u64 i;

	for (i = 0; i < v->bytes >> PAGE_SHIFT; i++) {
		if (v->at[i])
			clear_page(v->at[i]);
		cond_resched();
	}
}
