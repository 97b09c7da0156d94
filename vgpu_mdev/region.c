// SPDX-License-Identifier: GPL-2.0
/*
 * The regions of a slice: which there are, reading, writing, mapping. A region's
 * number is in the upper bits of the file offset, as with every VFIO PCI device.
 */

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "compat_vfio.h"
#include "gpu.h"
#include "scanout.h"
#include "slice.h"
#include "vram.h"

#define INDEX_SHIFT	40
#define OFFSET_MASK	((1ULL << INDEX_SHIFT) - 1)

/* Of a display slice, behind the regions of PCI: the picture, and the monitor. */
#define DISPLAY_INDEX	VFIO_PCI_NUM_REGIONS
#define MONITOR_INDEX	(VFIO_PCI_NUM_REGIONS + 1)

/* Of what is no memory, as much as can be accessed at once. */
#define MOST_BYTES	VG_EDID_MAX
static_assert(MOST_BYTES >= VG_CONFIG_SIZE);

static u64 region_size(const struct vg_slice *s, u32 index)
{
	bool display = s->set.personality == VGPU_PERSONALITY_DISPLAY;

	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return VG_CONFIG_SIZE;
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM:
		return s->vram_bytes;
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_DISPLAY:
		return display ? VGPU_BAR_DISPLAY_SIZE : 0;
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_REGS:
		return VGPU_BAR_REGS_SIZE;
	case DISPLAY_INDEX:
		return s->scanout ? s->scanout->bytes : 0;
	case MONITOR_INDEX:
		return display ? VG_MONITOR_REGION : 0;
	}
	return 0;
}

/**
 * vg_region_count() - how many regions a slice has
 * @s: slice, open
 */
u32 vg_region_count(const struct vg_slice *s)
{
	return s->set.personality == VGPU_PERSONALITY_DISPLAY ? MONITOR_INDEX + 1 :
							       VFIO_PCI_NUM_REGIONS;
}

/**
 * vg_region_info() - VFIO_DEVICE_GET_REGION_INFO
 * @s: slice, open
 * @info: its index is read, the rest filled in
 *
 * Return: 0 or -EINVAL.
 */
int vg_region_info(struct vg_slice *s, struct vfio_region_info *info)
{
	if (info->index >= vg_region_count(s))
		return -EINVAL;
	info->size = region_size(s, info->index);
	info->offset = (u64)info->index << INDEX_SHIFT;
	info->flags = 0;
	info->cap_offset = 0;
	if (info->size)
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index == DISPLAY_INDEX && info->size)
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_MMAP;
	else if (info->index == VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

/**
 * vg_region_type() - what a region is that PCI does not know
 * @s: slice, open
 * @index: its number
 * @cap: type and subtype are filled in
 *
 * Return: whether it is one that says so.
 */
bool vg_region_type(const struct vg_slice *s, u32 index, struct vfio_region_info_cap_type *cap)
{
	if (index != MONITOR_INDEX)
		return false;
	cap->type = VFIO_REGION_TYPE_GFX;
	cap->subtype = VFIO_REGION_SUBTYPE_GFX_EDID;
	return true;
}

/* What the display shows now may be somewhere else. */
static void move_picture(struct vg_slice *s)
{
	struct vg_picture p;

	if (s->scanout && vg_display_picture(&s->disp, &p))
		vg_scanout_move(s->scanout, p.start);
}

static void read_config(struct vg_slice *s, u32 off, u8 *buf, u32 len)
{
	mutex_lock(&s->lock);
	vg_config_interrupt(&s->config, vg_irq_level(s));
	vg_config_read(&s->config, off, buf, len);
	mutex_unlock(&s->lock);
}

static int write_config(struct vg_slice *s, u32 off, const u8 *buf, u32 len)
{
	u32 command, i;
	int ret = 0;

	mutex_lock(&s->lock);
	vg_config_write(&s->config, off, buf, len);
	command = vg_config_command(&s->config);
	vg_irq_intx_off(s, command & VG_CONFIG_INTX_OFF);
	if (s->master && !(command & VG_CONFIG_MASTER)) {
		WRITE_ONCE(s->master, false);
		for (i = 0; !ret && i < s->gpu->nr_engines; i++)
			ret = vg_queue_settle(&s->queue[i]);
	} else {
		WRITE_ONCE(s->master, command & VG_CONFIG_MASTER);
	}
	mutex_unlock(&s->lock);
	return ret;
}

static void read_regs(struct vg_slice *s, u32 off, u8 *buf, u32 len)
{
	u32 value, i;

	for (i = 0; i < len; i += 4) {
		value = vg_regs_get(s, off + i);
		memcpy(buf + i, &value, 4);
	}
}

static int write_regs(struct vg_slice *s, u32 off, const u8 *buf, u32 len)
{
	u32 value, i;
	int ret = 0;

	for (i = 0; !ret && i < len; i += 4) {
		memcpy(&value, buf + i, 4);
		ret = vg_regs_set(s, off + i, value);
	}
	return ret;
}

static void read_display(struct vg_slice *s, u32 off, u8 *buf, u32 len)
{
	mutex_lock(&s->lock);
	vg_display_read(&s->disp, off, buf, len);
	mutex_unlock(&s->lock);
}

static void write_display(struct vg_slice *s, u32 off, const u8 *buf, u32 len)
{
	mutex_lock(&s->lock);
	vg_display_write(&s->disp, off, buf, len);
	move_picture(s);
	mutex_unlock(&s->lock);
}

static void read_monitor(struct vg_slice *s, u32 off, u8 *buf, u32 len)
{
	mutex_lock(&s->lock);
	vg_monitor_read(&s->disp.monitor, off, buf, len);
	mutex_unlock(&s->lock);
}

static int write_monitor(struct vg_slice *s, u32 off, const u8 *buf, u32 len)
{
	bool done;

	mutex_lock(&s->lock);
	done = vg_monitor_write(&s->disp.monitor, off, buf, len);
	mutex_unlock(&s->lock);
	return done ? 0 : -EINVAL;
}

/* Registers are accessed as a CPU does it. */
static bool natural(u64 off, size_t len, size_t least)
{
	return len >= least && len <= 8 && !(len & (len - 1)) && !(off % len);
}

static bool may_access(u32 index, u64 off, size_t len, bool write)
{
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_DISPLAY:
		return natural(off, len, 1);
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_REGS:
		return natural(off, len, 4);
	case DISPLAY_INDEX:
		return !write;
	case MONITOR_INDEX:
		return vg_monitor_access(off, len);
	}
	return true;
}

/* Memory, not registers: what is too long is cut at the end. */
static bool is_memory(u32 index)
{
	return index == VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM || index == DISPLAY_INDEX;
}

/* A whole access, or -EINVAL. */
static int check_access(struct vg_slice *s, u32 index, u64 off, size_t *len, bool write)
{
	u64 size = region_size(s, index);

	if (off >= size)
		return -EINVAL;
	if (*len > size - off) {
		if (!is_memory(index))
			return -EINVAL;
		*len = size - off;
	}
	return may_access(index, off, *len, write) ? 0 : -EINVAL;
}

/**
 * vg_region_read() - read() of the device
 * @s: slice, open
 * @buf: to
 * @len: bytes
 * @pos: file offset
 *
 * Return: bytes read, -EINVAL for what is no region or no access, -EFAULT, -EINTR.
 */
ssize_t vg_region_read(struct vg_slice *s, char __user *buf, size_t len, loff_t pos)
{
	u8 bytes[MOST_BYTES] __aligned(8);
	u32 index = (u64)pos >> INDEX_SHIFT;
	u64 off = pos & OFFSET_MASK;
	int ret;

	if (!len)
		return 0;
	ret = check_access(s, index, off, &len, false);
	if (ret)
		return ret;
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM:
		return vg_vram_read(s->vram, off, buf, len) ?: len;
	case DISPLAY_INDEX:
		return vg_scanout_read(s->scanout, off, buf, len);
	case VFIO_PCI_CONFIG_REGION_INDEX:
		read_config(s, off, bytes, len);
		break;
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_DISPLAY:
		read_display(s, off, bytes, len);
		break;
	case MONITOR_INDEX:
		read_monitor(s, off, bytes, len);
		break;
	default:
		read_regs(s, off, bytes, len);
	}
	return copy_to_user(buf, bytes, len) ? -EFAULT : len;
}

/**
 * vg_region_write() - write() of the device
 * @s: slice, open
 * @buf: from
 * @len: bytes
 * @pos: file offset
 *
 * Return: bytes written, -EINVAL for what is no region or no access, -EFAULT,
 * -EINTR, -ENOMEM.
 */
ssize_t vg_region_write(struct vg_slice *s, const char __user *buf, size_t len, loff_t pos)
{
	u8 bytes[MOST_BYTES] __aligned(8);
	u32 index = (u64)pos >> INDEX_SHIFT;
	u64 off = pos & OFFSET_MASK;
	int ret;

	if (!len)
		return 0;
	ret = check_access(s, index, off, &len, true);
	if (ret)
		return ret;
	if (index == VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM)
		return vg_vram_write(s->vram, off, buf, len) ?: len;
	if (copy_from_user(bytes, buf, len))
		return -EFAULT;
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		ret = write_config(s, off, bytes, len);
		break;
	case VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_DISPLAY:
		write_display(s, off, bytes, len);
		break;
	case MONITOR_INDEX:
		ret = write_monitor(s, off, bytes, len);
		break;
	default:
		ret = write_regs(s, off, bytes, len);
	}
	return ret ?: len;
}

/* The area holds the device's file, so the slice is open and has its VRAM. */
static vm_fault_t vram_fault(struct vm_fault *vmf)
{
	struct vg_slice *s = vmf->vma->vm_private_data;
	u64 off = ((u64)vmf->pgoff << PAGE_SHIFT) & OFFSET_MASK;
	struct page *page;

	if (off >= s->vram_bytes)
		return VM_FAULT_SIGBUS;
	page = vg_vram_page(s->vram, off);
	if (!page)
		return VM_FAULT_SIGBUS;	/* OOM would be tried again for ever */
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vram_ops = { .fault = vram_fault };

/**
 * vg_region_mmap() - mmap() of the device
 * @s: slice, open
 * @vma: area
 *
 * Return: 0, -EINVAL for what cannot be mapped.
 */
int vg_region_mmap(struct vg_slice *s, struct vm_area_struct *vma)
{
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT, off = pos & OFFSET_MASK;
	u64 bytes = vma->vm_end - vma->vm_start;
	u32 index = pos >> INDEX_SHIFT;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (index == DISPLAY_INDEX && s->scanout)
		return vg_scanout_mmap(s->scanout, vma, off);
	if (index != VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM)
		return -EINVAL;
	if (off > s->vram_bytes || bytes > s->vram_bytes - off)
		return -EINVAL;
	vma->vm_private_data = s;
	vma->vm_ops = &vram_ops;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}
