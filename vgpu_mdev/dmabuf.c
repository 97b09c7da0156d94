// SPDX-License-Identifier: GPL-2.0
/*
 * The picture of a display slice as a dma-buf: the pages that it is in now. They
 * stay with it when the slice shows something else, is reset or closed.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "compat_vfio.h"
#include "scanout.h"
#include "vram.h"

struct picture {
	struct vg_vram *vram;	/* with a reference */
	u64 start;
	u64 bytes;
};

static struct sg_table *map(struct dma_buf_attachment *at, enum dma_data_direction dir)
{
	struct picture *p = at->dmabuf->priv;
	unsigned int n = p->bytes >> PAGE_SHIFT, i;
	struct sg_table *sg = NULL;
	struct page **pages;
	int ret = -ENOMEM;

	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < n; i++) {
		pages[i] = vg_vram_page(p->vram, p->start + ((u64)i << PAGE_SHIFT));
		if (!pages[i])
			goto out;
	}
	sg = kzalloc(sizeof(*sg), GFP_KERNEL);
	if (!sg)
		goto out;
	ret = sg_alloc_table_from_pages(sg, pages, n, 0, p->bytes, GFP_KERNEL);
	if (ret)
		goto out;
	ret = dma_map_sgtable(at->dev, sg, dir, 0);
	if (ret)
		sg_free_table(sg);
out:
	kvfree(pages);
	if (!ret)
		return sg;
	kfree(sg);
	return ERR_PTR(ret);
}

static void unmap(struct dma_buf_attachment *at, struct sg_table *sg, enum dma_data_direction dir)
{
	dma_unmap_sgtable(at->dev, sg, dir, 0);
	sg_free_table(sg);
	kfree(sg);
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct picture *p = vmf->vma->vm_private_data;
	struct page *page;

	if (vmf->pgoff >= p->bytes >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	page = vg_vram_page(p->vram, p->start + ((u64)vmf->pgoff << PAGE_SHIFT));
	if (!page)
		return VM_FAULT_SIGBUS;	/* OOM would be tried again for ever */
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct area_ops = { .fault = fault };

/* dma_buf_mmap() has checked the size; the area holds the dma-buf's file. */
static int map_area(struct dma_buf *buf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vma->vm_private_data = buf->priv;
	vma->vm_ops = &area_ops;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

static void release(struct dma_buf *buf)
{
	struct picture *p = buf->priv;

	vg_vram_put(p->vram);
	kfree(p);
}

static const struct dma_buf_ops ops = {
	.map_dma_buf = map,
	.unmap_dma_buf = unmap,
	.mmap = map_area,
	.release = release,
};

/**
 * vg_dmabuf_fd() - hand out a part of VRAM
 * @vram: VRAM
 * @start: offset, page-aligned
 * @bytes: whole pages
 *
 * Return: a descriptor, close-on-exec, or -errno.
 */
int vg_dmabuf_fd(struct vg_vram *vram, u64 start, u64 bytes)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct picture *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct dma_buf *buf;
	int fd;

	if (!p)
		return -ENOMEM;
	p->vram = vram;
	p->start = start;
	p->bytes = bytes;
	info.ops = &ops;
	info.size = bytes;
	info.flags = O_RDWR;
	info.priv = p;
	buf = dma_buf_export(&info);
	if (IS_ERR(buf)) {
		kfree(p);
		return PTR_ERR(buf);
	}
	vg_vram_get(vram);
	fd = dma_buf_fd(buf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(buf);
	return fd;
}

COMPAT_IMPORT_DMA_BUF;
