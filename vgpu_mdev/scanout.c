// SPDX-License-Identifier: GPL-2.0
/* The picture of a display slice as a VFIO region: a window on VRAM that moves. */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "compat_vfio.h"
#include "scanout.h"
#include "vram.h"

/* The last area may outlive slice and GPU; its file holds the module. */
static const struct file_operations file_ops = { .owner = THIS_MODULE };

/**
 * vg_scanout_alloc() - for a slice that is opened
 * @vram: its VRAM
 * @bytes: how much of it may be shown
 *
 * Return: it, with one reference, or an error pointer.
 */
struct vg_scanout *vg_scanout_alloc(struct vg_vram *vram, u64 bytes)
{
	struct vg_scanout *sc = kzalloc(sizeof(*sc), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!sc)
		return ERR_PTR(-ENOMEM);
	/* Only for its inode: nothing is ever stored in it. */
	file = shmem_file_setup("vgpu-display", bytes, VM_NORESERVE);
	if (IS_ERR(file)) {
		kfree(sc);
		return ERR_CAST(file);
	}
	__module_get(THIS_MODULE);	/* the last fput() gives it back */
	file->f_op = &file_ops;
	kref_init(&sc->ref);
	init_rwsem(&sc->sem);
	sc->file = file;
	sc->bytes = bytes;
	vg_vram_get(vram);
	sc->vram = vram;
	return sc;
}

static void release(struct kref *ref)
{
	struct vg_scanout *sc = container_of(ref, struct vg_scanout, ref);

	fput(sc->file);
	vg_vram_put(sc->vram);
	kfree(sc);
}

void vg_scanout_put(struct vg_scanout *sc)
{
	kref_put(&sc->ref, release);
}

/**
 * vg_scanout_move() - the picture is somewhere else now
 * @sc: scanout
 * @start: offset in VRAM, page-aligned
 */
void vg_scanout_move(struct vg_scanout *sc, u64 start)
{
	if (READ_ONCE(sc->start) == start)
		return;
	down_write(&sc->sem);
	sc->start = start;
	up_write(&sc->sem);
	/* Who has mapped the old one meanwhile has finished doing so. */
	unmap_mapping_range(sc->file->f_mapping, 0, 0, 1);
}

static void area_open(struct vm_area_struct *vma)
{
	struct vg_scanout *sc = vma->vm_private_data;

	kref_get(&sc->ref);
}

static void area_close(struct vm_area_struct *vma)
{
	vg_scanout_put(vma->vm_private_data);
}

static vm_fault_t area_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vg_scanout *sc = vma->vm_private_data;
	u64 off = (u64)vmf->pgoff << PAGE_SHIFT;
	struct page *page;
	int ret = -EFAULT;

	down_read(&sc->sem);
	off += sc->start;
	/* Behind the end of VRAM is nothing, however far the picture has moved. */
	page = off < sc->vram->bytes ? vg_vram_page(sc->vram, off) : NULL;
	if (page)
		ret = vm_insert_page(vma, vmf->address & PAGE_MASK, page);
	up_read(&sc->sem);
	/*
	 * For want of a page of VRAM, not OOM: nobody is killed for this one, and who
	 * touches it would try again for ever.
	 */
	if (ret == -ENOMEM)
		return VM_FAULT_OOM;
	/* Somebody else may have been faster. */
	return !ret || ret == -EBUSY ? VM_FAULT_NOPAGE : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct area_ops = {
	.open = area_open,
	.close = area_close,
	.fault = area_fault,
};

/**
 * vg_scanout_mmap() - map the region
 * @sc: scanout
 * @vma: area, shared
 * @off: in the region
 *
 * The area keeps the picture, not the slice.
 *
 * Return: 0 or -EINVAL.
 */
int vg_scanout_mmap(struct vg_scanout *sc, struct vm_area_struct *vma, u64 off)
{
	u64 bytes = vma->vm_end - vma->vm_start;

	if (off > sc->bytes || bytes > sc->bytes - off)
		return -EINVAL;
	kref_get(&sc->ref);
	vma_set_file(vma, sc->file);
	vma->vm_pgoff = off >> PAGE_SHIFT;
	vma->vm_private_data = sc;
	vma->vm_ops = &area_ops;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_MIXEDMAP);
	return 0;
}

/**
 * vg_scanout_read() - copy from the region
 * @sc: scanout
 * @off: in the region
 * @buf: to
 * @len: bytes, up to the region's end at most
 *
 * @sem is not held: @buf may be a mapping of the very same picture. One that moves
 * meanwhile is torn, as it is on any screen.
 *
 * Return: bytes, fewer where VRAM ends; 0 behind its end; -EFAULT, -EINTR.
 */
ssize_t vg_scanout_read(struct vg_scanout *sc, u64 off, char __user *buf, size_t len)
{
	u64 at = off + READ_ONCE(sc->start);

	if (at >= sc->vram->bytes)
		return 0;
	len = min_t(u64, len, sc->vram->bytes - at);
	return vg_vram_read(sc->vram, at, buf, len) ?: len;
}
