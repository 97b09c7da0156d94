// SPDX-License-Identifier: GPL-2.0
/* A disk comes to life; and what can be asked and changed while it lives. */

#include <linux/module.h>
#include <linux/slab.h>

#include "backing.h"
#include "disk.h"
#include "event.h"
#include "image.h"
#include "trace.h"

#define ATTACH_FLAGS (VBLK_ATTACH_RDONLY | VBLK_ATTACH_BUFFERED | VBLK_ATTACH_DIRECT |	\
		      VBLK_ATTACH_NO_PART)

static ssize_t backing_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vb_disk *disk = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%s\n", disk->kind == &vb_ram_kind ? "ram" :
			  disk->kind == &vb_remap_kind ? "block" :
			  disk->kind == &vb_volume_kind ? "image" :
			  disk->flags & VBLK_ATTACH_DIRECT ? "file direct" : "file buffered");
}

static ssize_t offset_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vb_disk *disk = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%llu\n", disk->offset);
}

static DEVICE_ATTR_RO(backing);
static DEVICE_ATTR_RO(offset);

static struct attribute *disk_attrs[] = {
	&dev_attr_backing.attr,
	&dev_attr_offset.attr,
	NULL,
};

static const struct attribute_group disk_group = {
	.name = "vblk",
	.attrs = disk_attrs,
};

static const struct attribute_group *disk_groups[] = {
	&disk_group,
	NULL,
};

static int check(const struct vblk_attach *a, struct vb_msg *msg)
{
	bool image = a->backing == VBLK_BACKING_IMAGE;

	if (a->flags & ~ATTACH_FLAGS)
		return -EINVAL;
	if (a->flags & VBLK_ATTACH_BUFFERED && a->flags & VBLK_ATTACH_DIRECT) {
		vb_say(msg, "direct and buffered exclude one another");
		return -EINVAL;
	}
	if (a->format != VBLK_FORMAT_RAW && a->format != VBLK_FORMAT_IMAGE) {
		vb_say(msg, "unknown format %u", a->format);
		return -EOPNOTSUPP;
	}
	if (a->backing < VBLK_BACKING_RAM || a->backing > VBLK_BACKING_IMAGE) {
		vb_say(msg, "unknown kind of backing %u", a->backing);
		return -EOPNOTSUPP;
	}
	if (a->format != (image ? VBLK_FORMAT_IMAGE : VBLK_FORMAT_RAW)) {
		vb_say(msg, "the image format is for an image's fd, and nothing else is");
		return -EINVAL;
	}
	if (a->id < -1 || a->id >= VB_MAX_DISKS) {
		vb_say(msg, "disks have numbers from 0 to %u", VB_MAX_DISKS - 1);
		return -EINVAL;
	}
	if (a->sector_size && a->sector_size != 512 && a->sector_size != 4096) {
		vb_say(msg, "a sector has 512 or 4096 bytes");
		return -EINVAL;
	}
	if (a->queue_depth > VB_MAX_QUEUE_DEPTH ||
	    (a->queue_depth && a->backing != VBLK_BACKING_FILE &&
	     a->backing != VBLK_BACKING_IMAGE)) {
		vb_say(msg, "a queue depth is for files and images, and up to %u",
		       VB_MAX_QUEUE_DEPTH);
		return -EINVAL;
	}
	if (a->offset > VB_MAX_BYTES || a->length > VB_MAX_BYTES) {
		vb_say(msg, "an offset or a length of more than 2^60 bytes");
		return -EINVAL;
	}
	if (a->backing == VBLK_BACKING_IMAGE) {
		if (!a->offset && !a->length && !(a->flags & (VBLK_ATTACH_BUFFERED |
							      VBLK_ATTACH_DIRECT)))
			return 0;
		vb_say(msg, "a volume has its own length, and its image's way of I/O");
		return -EINVAL;
	}
	if (a->volume)
		return -EINVAL;
	if (a->backing != VBLK_BACKING_RAM)
		return 0;
	if (a->fd != -1 || a->offset || !a->length ||
	    a->flags & (VBLK_ATTACH_BUFFERED | VBLK_ATTACH_DIRECT)) {
		vb_say(msg, "memory wants a length, and neither fd, offset nor a way of I/O");
		return -EINVAL;
	}
	return 0;
}

/* The disk's size from what was asked for (0: what is there) and what is there. */
static int fit(struct vb_disk *disk, u64 length, u64 *bytes, struct vb_msg *msg)
{
	u64 have = VB_MAX_BYTES;

	/* A volume is as large as is asked for: space is another question. */
	if (disk->kind->backing_bytes && !disk->vol)
		have = disk->kind->backing_bytes(disk);
	if (disk->vol && length > VB_MAX_VOLUME_BYTES)
		have = VB_MAX_VOLUME_BYTES;
	have = min_t(u64, have, VB_MAX_BYTES);
	have = have > disk->offset ? round_down(have - disk->offset, disk->sector_size) : 0;
	*bytes = length ?: have;
	if (*bytes % disk->sector_size || disk->offset % disk->sector_size) {
		vb_say(msg, "offset and length are not multiples of the sector, %u bytes",
		       disk->sector_size);
		return -EINVAL;
	}
	if (!*bytes || *bytes > have) {
		vb_say(msg, "the backing has %llu bytes from the offset on", have);
		return -EINVAL;
	}
	return 0;
}

static int add(struct vb_disk *disk)
{
	struct gendisk *gd = disk->gd;
	int ret;

	gd->private_data = disk;
	snprintf(gd->disk_name, sizeof(gd->disk_name), "vblk%d", disk->id);
	if (disk->flags & VBLK_ATTACH_NO_PART)
		gd->flags |= GENHD_FL_NO_PART;
	set_capacity(gd, disk->bytes >> SECTOR_SHIFT);
	if (vb_rdonly(disk)) {
		set_disk_ro(gd, true);
		vb_slow_set(disk, VB_SLOW_RDONLY, true);
	}
	kref_get(&disk->ref);	/* disk_free() puts it */
	ret = device_add_disk(NULL, gd, disk_groups);
	if (ret)
		vb_disk_put(disk);
	return ret;
}

static int open_raw(struct vb_disk *disk, const struct vblk_attach *a, struct vb_msg *msg)
{
	struct vb_backing_spec spec = {
		.backing = a->backing, .fd = a->fd, .flags = disk->flags,
		.sector_size = disk->sector_size, .offset = disk->offset,
	};
	struct vb_backing *b;

	b = vb_backing_open(&spec, msg);
	if (IS_ERR(b))
		return PTR_ERR(b);
	disk->backing = b;
	disk->kind = a->backing == VBLK_BACKING_FILE ? &vb_rawfile_kind : &vb_remap_kind;
	disk->flags = spec.flags;
	disk->sector_size = spec.sector_size;
	disk->depth = spec.depth;
	return 0;
}

/* What it is on: @disk gets what follows from that. */
static int open_below(struct vb_disk *disk, const struct vblk_attach *a, struct vb_msg *msg)
{
	switch (a->backing) {
	case VBLK_BACKING_RAM:
		disk->kind = &vb_ram_kind;
		disk->depth = 1;
		disk->sector_size = disk->sector_size ?: SECTOR_SIZE;
		return 0;
	case VBLK_BACKING_IMAGE:
		return vb_volume_open(disk, a, msg);
	default:
		return open_raw(disk, a, msg);
	}
}

/* All of it but the number; undone in reverse. */
static int build(struct vb_disk *disk, const struct vblk_attach *a, struct vb_msg *msg)
{
	int ret;

	ret = vb_gate_init(disk);
	if (ret)
		return ret;
	ret = open_below(disk, a, msg);
	if (ret)
		goto err_gate;
	if (!disk->vol)
		ret = fit(disk, a->length, &disk->bytes, msg);
	if (ret)
		goto err_backing;
	ret = disk->kind->init(disk, msg);
	if (ret)
		goto err_backing;
	ret = add(disk);
	if (ret)
		goto err_kind;
	return 0;

err_kind:
	put_disk(disk->gd);
	disk->kind->exit(disk);
err_backing:
	vb_volume_close(disk);
	vb_backing_close(disk->backing);
err_gate:
	vb_gate_exit(disk);
	return ret;
}

/**
 * vb_attach() - ioctl(VBLK_ATTACH)
 * @a: from and to user space
 * @msg: what was wrong
 *
 * Return: 0 or a negative errno, see the uapi header.
 */
int vb_attach(struct vblk_attach *a, struct vb_msg *msg)
{
	struct vb_disk *disk;
	int ret;

	ret = check(a, msg);
	if (ret)
		return ret;
	disk = vb_disk_alloc();
	if (!disk)
		return -ENOMEM;
	disk->flags = a->flags;
	disk->offset = a->offset;
	disk->sector_size = a->sector_size;
	if (a->backing == VBLK_BACKING_FILE || a->backing == VBLK_BACKING_IMAGE)
		disk->queue_depth = a->queue_depth ?: VB_DEFAULT_QUEUE_DEPTH;

	ret = vb_disk_reserve(disk, a->id);
	if (ret) {
		vb_say(msg, ret == -EBUSY ? "vblk%d is there already" : "no number is free", a->id);
		goto err_put;
	}
	ret = build(disk, a, msg);
	if (ret)
		goto err_number;

	a->id = disk->id;
	a->seq = disk->seq;
	a->flags = disk->flags;
	a->sector_size = disk->sector_size;
	a->queue_depth = disk->queue_depth;
	a->length = disk->bytes;
	a->major = disk->gd->major;
	a->minor = disk->gd->first_minor;
	/* The detach that will find it puts it. */
	__module_get(THIS_MODULE);
	trace_vblk_attach(disk->id, a->backing, disk->bytes, disk->flags);
	vb_event(disk, VBLK_EVENT_ATTACHED, disk->bytes);
	vb_disk_publish(disk);
	vb_disk_put(disk);
	return 0;

err_number:
	vb_disk_unpublish(disk);
err_put:
	vb_disk_put(disk);
	return ret;
}

static int resize(struct vb_disk *disk, struct vblk_resize *r, struct vb_msg *msg)
{
	struct gendisk *gd = disk->gd;
	u64 bytes, before = disk->bytes;
	int ret;

	lockdep_assert_held(&disk->lock);
	if (disk->state != VB_LIVE)
		return -ENOENT;
	if (disk->vol && vb_rdonly(disk))
		return -EROFS;
	if (!r->length && (!disk->kind->backing_bytes || disk->vol)) {
		vb_say(msg, "memory and volumes have no other size: say how large");
		return -EINVAL;
	}
	ret = fit(disk, r->length, &bytes, msg);
	if (ret)
		return ret;
	r->length = bytes;
	if (bytes >= before) {
		ret = disk->vol && bytes > before ? vb_volume_resize(disk, bytes) : 0;
		if (ret)
			return ret;
		WRITE_ONCE(disk->bytes, bytes);
		if (bytes > before)
			set_capacity_and_notify(gd, bytes >> SECTOR_SHIFT);
		return 0;
	}
	if (!(r->flags & VBLK_RESIZE_SHRINK)) {
		vb_say(msg, "it would shrink from %llu to %llu bytes", before, bytes);
		return -EBUSY;
	}
	/* Nobody opens it meanwhile, so nobody's I/O can be beyond the end. */
	mutex_lock(&gd->open_mutex);
	if (disk_openers(gd)) {
		mutex_unlock(&gd->open_mutex);
		vb_say(msg, "it is open, and would shrink");
		return -EBUSY;
	}
	ret = disk->vol ? vb_volume_resize(disk, bytes) : 0;
	if (ret) {
		mutex_unlock(&gd->open_mutex);
		return ret;
	}
	set_capacity(gd, bytes >> SECTOR_SHIFT);
	WRITE_ONCE(disk->bytes, bytes);
	if (disk->kind->shrunk)
		disk->kind->shrunk(disk);
	mutex_unlock(&gd->open_mutex);
	kobject_uevent(&disk_to_dev(gd)->kobj, KOBJ_CHANGE);
	return 0;
}

/**
 * vb_resize() - ioctl(VBLK_RESIZE)
 * @r: from and to user space
 * @msg: what was wrong
 *
 * Return: 0 or a negative errno, see the uapi header.
 */
int vb_resize(struct vblk_resize *r, struct vb_msg *msg)
{
	struct vb_disk *disk;
	u64 before;
	int ret;

	if (r->flags & ~VBLK_RESIZE_SHRINK || r->pad || r->pad2 || r->length > VB_MAX_BYTES)
		return -EINVAL;
	disk = vb_disk_get(r->id, r->seq);
	if (!disk)
		return -ENOENT;
	mutex_lock(&disk->lock);
	before = disk->bytes;
	ret = resize(disk, r, msg);
	if (!ret && disk->bytes != before)
		vb_event(disk, VBLK_EVENT_RESIZED, disk->bytes);
	mutex_unlock(&disk->lock);
	vb_disk_put(disk);
	return ret;
}

static u32 encode_dev(dev_t dev)
{
	return MAJOR(dev) << 20 | (MINOR(dev) & 0xfffff);
}

static void query(struct vb_disk *disk, struct vblk_query *q)
{
	struct vb_backing *b = disk->vol ? disk->image->backing : disk->backing;
	struct gendisk *gd = disk->gd;

	q->id = disk->id;
	q->seq = disk->seq;
	q->attach_flags = disk->flags;
	q->format = disk->vol ? VBLK_FORMAT_IMAGE : VBLK_FORMAT_RAW;
	q->volume = disk->vol ? disk->vol->rec.number : 0;
	q->sector_size = disk->sector_size;
	q->queue_depth = disk->queue_depth;
	q->length = disk->bytes;
	q->offset = disk->offset;
	q->depth = disk->depth;
	q->major = gd->major;
	q->minor = gd->first_minor;
	q->openers = disk_openers(gd);
	q->backing = VBLK_BACKING_RAM;
	if (disk->kind->backing_bytes)
		q->backing_length = disk->kind->backing_bytes(disk);
	if (disk->kind->allocated)
		q->allocated = disk->kind->allocated(disk);
	if (b && !b->bdev.bdev) {
		q->backing = VBLK_BACKING_FILE;
		q->backing_dev = encode_dev(b->inode->i_sb->s_dev);
		q->backing_ino = b->inode->i_ino;
	} else if (b) {
		q->backing = VBLK_BACKING_BDEV;
		q->backing_dev = encode_dev(b->bdev.bdev->bd_dev);
	}
}

/**
 * vb_query() - ioctl(VBLK_QUERY)
 * @q: from and to user space
 *
 * Return: 0 or a negative errno, see the uapi header.
 */
int vb_query(struct vblk_query *q)
{
	bool next = q->flags & VBLK_QUERY_NEXT;
	struct vb_disk *disk;
	int ret;

	if (q->flags & ~VBLK_QUERY_NEXT || q->volume)
		return -EINVAL;
	for (;;) {
		disk = next ? vb_disk_next(q->id) : vb_disk_get(q->id, q->seq);
		if (!disk)
			return -ENOENT;
		mutex_lock(&disk->lock);
		ret = disk->state == VB_LIVE ? 0 : -ENOENT;
		if (!ret)
			query(disk, q);
		mutex_unlock(&disk->lock);
		if (ret && next)
			q->id = disk->id + 1;
		vb_disk_put(disk);
		if (!ret || !next)
			return ret;
	}
}
