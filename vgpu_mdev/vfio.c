// SPDX-License-Identifier: GPL-2.0
/* The slice as VFIO sees it: its calls, checked and passed on. */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat_vfio.h"
#include "gpu.h"
#include "scanout.h"
#include "slice.h"

static struct vg_slice *of(struct vfio_device *vdev)
{
	return container_of(vdev, struct vg_slice, vdev);
}

static void release_slice(struct vfio_device *vdev)
{
	vg_gpu_put(of(vdev)->gpu);
	compat_vfio_free_device(vdev);
}

static int open_slice(struct vfio_device *vdev)
{
	return vg_tenant_open(of(vdev));
}

static void close_slice(struct vfio_device *vdev)
{
	vg_tenant_close(of(vdev));
}

static ssize_t read_slice(struct vfio_device *vdev, char __user *buf, size_t len, loff_t *pos)
{
	ssize_t ret = vg_region_read(of(vdev), buf, len, *pos);

	if (ret > 0)
		*pos += ret;
	return ret;
}

static ssize_t write_slice(struct vfio_device *vdev, const char __user *buf, size_t len,
			   loff_t *pos)
{
	ssize_t ret = vg_region_write(of(vdev), buf, len, *pos);

	if (ret > 0)
		*pos += ret;
	return ret;
}

static int mmap_slice(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	return vg_region_mmap(of(vdev), vma);
}

static void request(struct vfio_device *vdev, unsigned int count)
{
	vg_irq_request(of(vdev));
}

/*
 * Nothing is pinned, so there is nothing to let go of. The core does not take
 * vfio_dma_rw()'s lock before the range is gone, nor call this before.
 */
static void dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
}

#define COPY_IN(arg, to, last)						\
	(copy_from_user(&(to), arg, offsetofend(typeof(to), last)) ? -EFAULT :	\
	 (to).argsz < offsetofend(typeof(to), last) ? -EINVAL : 0)

static int device_info(struct vg_slice *s, void __user *arg)
{
	struct vfio_device_info info = { };
	int ret = COPY_IN(arg, info, num_irqs);

	if (ret)
		return ret;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = vg_region_count(s);
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user(arg, &info, offsetofend(typeof(info), num_irqs)) ? -EFAULT : 0;
}

static int region_info(struct vg_slice *s, void __user *arg)
{
	struct vfio_region_info_cap_type cap = {
		.header = { .id = VFIO_REGION_INFO_CAP_TYPE, .version = 1 },
	};
	struct vfio_region_info info = { };
	int ret = COPY_IN(arg, info, offset);
	u32 room = info.argsz;

	ret = ret ?: vg_region_info(s, &info);
	if (ret)
		return ret;
	info.argsz = sizeof(info);
	if (vg_region_type(s, info.index, &cap)) {
		info.argsz += sizeof(cap);
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		/* Who has no room for it is told how much it takes. */
		if (room >= info.argsz) {
			info.cap_offset = sizeof(info);
			if (copy_to_user(arg + sizeof(info), &cap, sizeof(cap)))
				return -EFAULT;
		}
	}
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int irq_info(void __user *arg)
{
	struct vfio_irq_info info = { };
	int ret = COPY_IN(arg, info, count);

	if (ret)
		return ret;
	if (info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = vg_irq_count(info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.count)
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	return copy_to_user(arg, &info, offsetofend(typeof(info), count)) ? -EFAULT : 0;
}

static int set_irqs(struct vg_slice *s, void __user *arg)
{
	struct vfio_irq_set set = { };
	int ret = COPY_IN(arg, set, count);
	void *data = NULL;
	size_t size = 0;

	if (ret)
		return ret;
	ret = vfio_set_irqs_validate_and_prepare(&set, vg_irq_count(set.index), VFIO_PCI_NUM_IRQS,
						 &size);
	if (ret)
		return ret;
	if (size) {
		data = memdup_user(arg + offsetofend(struct vfio_irq_set, count), size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	mutex_lock(&s->lock);
	ret = vg_irq_set(s, &set, data);
	mutex_unlock(&s->lock);
	kfree(data);
	return ret;
}

static int reset(struct vg_slice *s)
{
	int ret;

	mutex_lock(&s->lock);
	ret = vg_tenant_reset(s);
	mutex_unlock(&s->lock);
	return ret;
}

#define PLANE_KINDS (VFIO_GFX_PLANE_TYPE_REGION | VFIO_GFX_PLANE_TYPE_DMABUF)

/* A dma-buf's number stands for a picture, as long as that is what is shown. */
static u32 picture_id(struct vg_slice *s, const struct vg_picture *p)
{
	if (!s->picture_id || memcmp(p, &s->picture, sizeof(*p))) {
		s->picture = *p;
		s->picture_id++;
	}
	return s->picture_id;
}

static void describe_plane(struct vg_slice *s, struct vfio_device_gfx_plane_info *plane)
{
	struct vg_picture p;

	memset(&p, 0, sizeof(p));	/* it is compared, padding and all */
	if (!vg_display_picture(&s->disp, &p))
		return;
	plane->drm_format = p.fourcc;
	plane->width = p.width;
	plane->height = p.height;
	plane->stride = p.stride;
	plane->size = p.bytes;
	if (plane->flags & VFIO_GFX_PLANE_TYPE_REGION)
		plane->region_index = VFIO_PCI_NUM_REGIONS;
	else
		plane->dmabuf_id = picture_id(s, &p);
}

static int query_plane(struct vg_slice *s, void __user *arg)
{
	struct vfio_device_gfx_plane_info plane = { }, in = { };
	int ret = COPY_IN(arg, in, region_index);
	u32 kind;

	if (ret)
		return ret;
	if (s->set.personality != VGPU_PERSONALITY_DISPLAY)
		return -EINVAL;
	kind = s->set.display == VGPU_DISPLAY_REGION ? VFIO_GFX_PLANE_TYPE_REGION :
						       VFIO_GFX_PLANE_TYPE_DMABUF;
	if (in.flags == (VFIO_GFX_PLANE_TYPE_PROBE | kind))
		return 0;
	/* There is no cursor plane: the driver draws it. */
	if (in.flags != kind || in.drm_plane_type > 2)
		return -EINVAL;
	plane.argsz = in.argsz;
	plane.flags = in.flags;
	plane.drm_plane_type = in.drm_plane_type;
	/* Who asks for a region need not know of planes: QEMU leaves the type at 0. */
	if (in.drm_plane_type == 1 || (!in.drm_plane_type && kind == VFIO_GFX_PLANE_TYPE_REGION)) {
		mutex_lock(&s->lock);
		describe_plane(s, &plane);
		mutex_unlock(&s->lock);
	}
	return copy_to_user(arg, &plane, offsetofend(typeof(plane), region_index)) ? -EFAULT : 0;
}

static int get_dmabuf(struct vg_slice *s, void __user *arg)
{
	struct vg_picture p;
	u32 id, current_id;

	if (get_user(id, (u32 __user *)arg))
		return -EFAULT;
	/* Neither changes while it is open. */
	if (s->set.personality != VGPU_PERSONALITY_DISPLAY ||
	    s->set.display != VGPU_DISPLAY_DMABUF)
		return -EINVAL;
	mutex_lock(&s->lock);
	p = s->picture;
	current_id = s->picture_id;
	mutex_unlock(&s->lock);
	if (!id || id != current_id)
		return -EINVAL;
	return vg_dmabuf_fd(s->vram, p.start, p.bytes);
}

static long ioctl_slice(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct vg_slice *s = of(vdev);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return device_info(s, user);
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(s, user);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info(user);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(s, user);
	case VFIO_DEVICE_RESET:
		return reset(s);
	case VFIO_DEVICE_QUERY_GFX_PLANE:
		return query_plane(s, user);
	case VFIO_DEVICE_GET_GFX_DMABUF:
		return get_dmabuf(s, user);
	}
	return -ENOTTY;
}

const struct vfio_device_ops vg_vfio_ops = {
	.name = "vgpu-mdev",
	.release = release_slice,
	COMPAT_VFIO_IOMMUFD_OPS
	.open_device = open_slice,
	.close_device = close_slice,
	.read = read_slice,
	.write = write_slice,
	.ioctl = ioctl_slice,
	.mmap = mmap_slice,
	.request = request,
	.dma_unmap = dma_unmap,
};
