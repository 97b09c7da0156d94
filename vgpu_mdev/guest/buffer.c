// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: memory that the device can reach, and pieces of VRAM. Both are mapped page
 * by page as they are touched, so that a device that goes can take its pages along:
 * nothing new is mapped then, and what was is taken away.
 */

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat_mm.h"
#include "guest.h"

#define VRAM_OFFSET	BIT_ULL(62)	/* of mmap(), for what is in VRAM */
#define CLEAR_AT_ONCE	0x100000u

static bool in_vram(const struct vgg_buffer *b)
{
	return b->addr & VGPU_VRAM;
}

/* The first gap that is large enough. */
static int place_in_vram(struct vgg_device *dev, struct vgg_buffer *b)
{
	struct list_head *before = &dev->used;
	struct vgg_buffer *other;
	u64 at = 0;

	list_for_each_entry(other, &dev->used, vram_node) {
		if (other->device_addr - (VGPU_VRAM | at) >= b->bytes)
			break;
		at = (other->device_addr & ~VGPU_VRAM) + other->bytes;
		before = &other->vram_node;
	}
	if (b->bytes > dev->vram_bytes - at)
		return -ENOSPC;
	b->addr = VGPU_VRAM | at;
	b->device_addr = b->addr;
	b->offset = VRAM_OFFSET | at;
	list_add(&b->vram_node, before);
	return 0;
}

static int place_in_memory(struct vgg_file *f, struct vgg_buffer *b)
{
	dma_addr_t dma;

	b->page = dma_alloc_pages(&f->dev->pci->dev, b->bytes, &dma, DMA_BIDIRECTIONAL,
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!b->page)
		return -ENOMEM;
	b->device_addr = dma;
	b->addr = f->next;
	b->offset = f->next;
	f->next += b->bytes;
	return 0;
}

/* The device's lock is held, or nobody else knows of it. */
static void give_back(struct vgg_buffer *b)
{
	struct vgg_device *dev = b->file->dev;

	if (in_vram(b))
		list_del_init(&b->vram_node);
	else if (b->page)
		dma_free_pages(&dev->pci->dev, b->bytes, b->page, b->device_addr,
			       DMA_BIDIRECTIONAL);
	b->page = NULL;
}

static void end(struct vgg_buffer *b)
{
	give_back(b);
	list_del(&b->node);
	b->file->nr_buffers--;
	kfree(b);
}

/* Another one may have had it. In pieces: it may be much, and the device may go. */
static int clear_vram(struct vgg_device *dev, u64 at, u64 bytes)
{
	int ret = 0;

	while (bytes && !ret) {
		u64 n = min_t(u64, bytes, CLEAR_AT_ONCE);

		mutex_lock(&dev->lock);
		if (dev->gone)
			ret = -ENODEV;
		else
			memset_io(dev->vram + at, 0, n);
		mutex_unlock(&dev->lock);
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
		at += n;
		bytes -= n;
	}
	return ret;
}

static int place(struct vgg_file *f, struct vgg_buffer *b, bool vram)
{
	if (f->dev->gone)
		return -ENODEV;
	if (f->nr_buffers == VGPU_GUEST_MAX_BUFFERS)
		return -ENOSPC;
	return vram ? place_in_vram(f->dev, b) : place_in_memory(f, b);
}

/**
 * vgg_alloc() - VGPU_GUEST_ALLOC
 * @f: file
 * @a: of the ioctl
 *
 * It is in its file's list at once, lest a device that goes forgets it, but no command
 * and no mmap() finds it before a piece of VRAM is cleared.
 *
 * Return: as the ioctl.
 */
int vgg_alloc(struct vgg_file *f, struct vgpu_guest_alloc *a)
{
	bool vram = a->flags & VGPU_GUEST_VRAM;
	struct vgg_device *dev = f->dev;
	struct vgg_buffer *b;
	int ret;

	if (!a->bytes || a->bytes > (vram ? VGPU_MAX_BYTES : VGPU_GUEST_MAX_MEMORY))
		return -EINVAL;
	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return -ENOMEM;
	b->file = f;
	b->bytes = PAGE_ALIGN(a->bytes);
	INIT_LIST_HEAD(&b->vram_node);
	mutex_lock(&dev->lock);
	ret = place(f, b, vram);
	if (!ret) {
		list_add_tail(&b->node, &f->buffers);
		f->nr_buffers++;
	}
	mutex_unlock(&dev->lock);
	if (ret) {
		kfree(b);
		return ret;
	}
	if (vram)
		ret = clear_vram(dev, b->addr & ~VGPU_VRAM, b->bytes);
	mutex_lock(&dev->lock);
	if (!ret && dev->gone)
		ret = -ENODEV;
	if (ret) {
		end(b);
	} else {
		b->ready = true;
		a->bytes = b->bytes;
		a->addr = b->addr;
		a->offset = b->offset;
	}
	mutex_unlock(&dev->lock);
	return ret;
}

static struct vgg_buffer *find(struct vgg_file *f, u64 addr, u64 bytes)
{
	struct vgg_buffer *b;

	list_for_each_entry(b, &f->buffers, node)
		if (b->ready && addr >= b->addr && addr - b->addr < b->bytes &&
		    bytes <= b->bytes - (addr - b->addr))
			return b;
	return NULL;
}

/**
 * vgg_free() - VGPU_GUEST_FREE
 * @f: file
 * @addr: of the buffer
 *
 * Return: as the ioctl.
 */
int vgg_free(struct vgg_file *f, u64 addr)
{
	struct vgg_buffer *b;
	int ret = 0;

	mutex_lock(&f->dev->lock);
	b = find(f, addr, 1);
	if (!b || b->addr != addr)
		ret = -ENOENT;
	else if (atomic_read(&b->maps) || vgg_has_work(f))
		ret = -EBUSY;
	else
		end(b);
	mutex_unlock(&f->dev->lock);
	return ret;
}

/**
 * vgg_free_all() - the file is closed, its queues are stopped, nothing is mapped
 * @f: file; the device is locked
 */
void vgg_free_all(struct vgg_file *f)
{
	struct vgg_buffer *b, *next;

	list_for_each_entry_safe(b, next, &f->buffers, node)
		end(b);
}

/**
 * vgg_give_back() - the device is gone: so is the memory of its buffers
 * @f: file; the device is locked. Nothing is mapped
 */
void vgg_give_back(struct vgg_file *f)
{
	struct vgg_buffer *b;

	list_for_each_entry(b, &f->buffers, node)
		give_back(b);
}

/**
 * vgg_translate() - what a program's address is for the device
 * @file: its file; the device is locked
 * @addr: the address, changed
 * @bytes: that are touched from there
 *
 * Return: 0 or -ERANGE.
 */
int vgg_translate(void *file, u64 *addr, u64 bytes)
{
	struct vgg_buffer *b = find(file, *addr, bytes);

	if (!b)
		return -ERANGE;
	*addr = b->device_addr + (*addr - b->addr);
	return 0;
}

/**
 * vgg_vram_free() - VRAM that is in no buffer
 * @dev: device, locked
 */
u64 vgg_vram_free(struct vgg_device *dev)
{
	u64 bytes = dev->vram_bytes;
	struct vgg_buffer *b;

	list_for_each_entry(b, &dev->used, vram_node)
		bytes -= b->bytes;
	return bytes;
}

static void area_open(struct vm_area_struct *vma)
{
	struct vgg_buffer *b = vma->vm_private_data;

	atomic_inc(&b->maps);
}

static void area_close(struct vm_area_struct *vma)
{
	struct vgg_buffer *b = vma->vm_private_data;

	atomic_dec(&b->maps);
}

static vm_fault_t area_fault(struct vm_fault *vmf)
{
	struct vgg_buffer *b = vmf->vma->vm_private_data;
	u64 at = ((u64)vmf->pgoff << PAGE_SHIFT) - b->offset;
	struct vgg_device *dev = b->file->dev;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;

	mutex_lock(&dev->lock);
	if (!dev->gone && at < b->bytes) {
		if (in_vram(b))
			pfn = PHYS_PFN(dev->vram_phys + (b->addr & ~VGPU_VRAM) + at);
		else
			pfn = page_to_pfn(b->page) + (at >> PAGE_SHIFT);
		ret = vmf_insert_pfn(vmf->vma, vmf->address, pfn);
	}
	mutex_unlock(&dev->lock);
	return ret;
}

static const struct vm_operations_struct area_ops = {
	.open = area_open,
	.close = area_close,
	.fault = area_fault,
};

static struct vgg_buffer *find_offset(struct vgg_file *f, u64 offset, u64 bytes)
{
	struct vgg_buffer *b;

	list_for_each_entry(b, &f->buffers, node)
		if (b->ready && offset >= b->offset && offset - b->offset < b->bytes &&
		    bytes <= b->bytes - (offset - b->offset))
			return b;
	return NULL;
}

/**
 * vgg_mmap() - map a buffer, or a part of it
 * @f: file
 * @vma: where
 *
 * Return: 0, -EINVAL if it is not shared or there is no buffer like this, -ENODEV.
 */
int vgg_mmap(struct vgg_file *f, struct vm_area_struct *vma)
{
	struct vgg_buffer *b;
	int ret = 0;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff > ULONG_MAX >> PAGE_SHIFT)
		return -EINVAL;
	mutex_lock(&f->dev->lock);
	b = find_offset(f, (u64)vma->vm_pgoff << PAGE_SHIFT, vma->vm_end - vma->vm_start);
	if (f->dev->gone)
		ret = -ENODEV;
	else if (!b)
		ret = -EINVAL;
	else
		atomic_inc(&b->maps);
	mutex_unlock(&f->dev->lock);
	if (ret)
		return ret;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	if (in_vram(b))
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	vma->vm_private_data = b;
	vma->vm_ops = &area_ops;
	return 0;
}
