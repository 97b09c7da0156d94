// SPDX-License-Identifier: GPL-2.0
/* /dev/vgpu_guestN. */

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "guest.h"

#define FIRST_ADDR 0x10000000ULL

/* Every argument begins so. */
struct head {
	u32 size;
	u32 flags;
};

union argument {
	struct head head;
	struct vgpu_guest_info info;
	struct vgpu_guest_alloc alloc;
	struct vgpu_guest_free free;
	struct vgpu_guest_start start;
	struct vgpu_guest_submit submit;
	struct vgpu_guest_wait wait;
};

static_assert(sizeof(struct vgpu_guest_info) == 40);
static_assert(sizeof(struct vgpu_guest_alloc) == 32);
static_assert(sizeof(struct vgpu_guest_free) == 16);
static_assert(sizeof(struct vgpu_guest_start) == 24);
static_assert(sizeof(struct vgpu_guest_submit) == 40);
static_assert(sizeof(struct vgpu_guest_wait) == 48);

static int do_info(struct vgg_file *f, union argument *a)
{
	struct vgg_device *dev = f->dev;
	int ret = 0;

	if (a->info.pad)
		return -EINVAL;
	mutex_lock(&dev->lock);
	if (dev->gone)
		ret = -ENODEV;
	a->info.version = dev->version;
	a->info.features = dev->features;
	a->info.queues = dev->nr_queues;
	a->info.vram_bytes = dev->vram_bytes;
	a->info.vram_free = vgg_vram_free(dev);
	mutex_unlock(&dev->lock);
	return ret;
}

static int do_alloc(struct vgg_file *f, union argument *a)
{
	return vgg_alloc(f, &a->alloc);
}

static int do_free(struct vgg_file *f, union argument *a)
{
	return vgg_free(f, a->free.addr);
}

static int do_start(struct vgg_file *f, union argument *a)
{
	return a->start.pad ? -EINVAL : vgg_start(f, &a->start);
}

static int do_submit(struct vgg_file *f, union argument *a)
{
	return a->submit.pad ? -EINVAL : vgg_submit(f, &a->submit);
}

static int do_wait(struct vgg_file *f, union argument *a)
{
	return vgg_wait(f, &a->wait);
}

static const struct {
	u32 size;
	u32 flags;		/* that it knows */
	int (*call)(struct vgg_file *f, union argument *a);
} calls[] = {
	{ sizeof(struct vgpu_guest_info), 0, do_info },
	{ sizeof(struct vgpu_guest_alloc), VGPU_GUEST_VRAM, do_alloc },
	{ sizeof(struct vgpu_guest_free), 0, do_free },
	{ sizeof(struct vgpu_guest_start), 0, do_start },
	{ sizeof(struct vgpu_guest_submit), 0, do_submit },
	{ sizeof(struct vgpu_guest_wait), 0, do_wait },
};

static long vgg_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	u32 nr = _IOC_NR(cmd), size;
	union argument a = { };
	int ret;

	if (cmd != _IO(VGPU_GUEST_MAGIC, nr) || nr >= ARRAY_SIZE(calls))
		return -ENOTTY;
	nr = array_index_nospec(nr, ARRAY_SIZE(calls));
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	/* All of it is of the first version: nobody knows a shorter one. */
	if (size < calls[nr].size)
		return -EINVAL;
	ret = copy_struct_from_user(&a, calls[nr].size, user, size);
	if (ret)
		return ret;
	if (a.head.flags & ~calls[nr].flags)
		return -EINVAL;
	ret = calls[nr].call(file->private_data, &a);
	a.head.size = size;
	if (copy_to_user(user, &a, calls[nr].size))
		return -EFAULT;
	return ret;
}

static int vgg_open(struct inode *inode, struct file *file)
{
	/* The node cannot go while this is called: its reference is still there. */
	struct vgg_device *dev = container_of(file->private_data, struct vgg_device, misc);
	struct vgg_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	kref_get(&dev->ref);
	f->dev = dev;
	f->mapping = file->f_mapping;
	f->next = FIRST_ADDR;
	INIT_LIST_HEAD(&f->buffers);
	mutex_lock(&dev->lock);
	list_add(&f->node, &dev->files);
	mutex_unlock(&dev->lock);
	file->private_data = f;
	return 0;
}

static int vgg_release(struct inode *inode, struct file *file)
{
	struct vgg_file *f = file->private_data;
	struct vgg_device *dev = f->dev;

	mutex_lock(&dev->lock);
	vgg_stop_all(f);
	vgg_free_all(f);
	list_del(&f->node);
	mutex_unlock(&dev->lock);
	kfree(f);
	vgg_put(dev);
	return 0;
}

static int vgg_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vgg_mmap(file->private_data, vma);
}

const struct file_operations vgg_fops = {
	.owner = THIS_MODULE,
	.open = vgg_open,
	.release = vgg_release,
	.unlocked_ioctl = vgg_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vgg_file_mmap,
	.llseek = noop_llseek,
};
