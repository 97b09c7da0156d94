// SPDX-License-Identifier: GPL-2.0
/* The table of disks, their references, and what the block layer asks of them. */

#include <linux/idr.h>
#include <linux/kernfs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "disk.h"

/*
 * By number. NULL stands for a disk that is being attached. An entry goes when
 * its gendisk is gone: a number is free only if its name is.
 */
static DEFINE_IDR(disks);
static DEFINE_MUTEX(disks_lock);	/* protects the table; nothing is taken under it */
static u64 last_seq;			/* under disks_lock */
static unsigned int nr_attached;	/* under disks_lock */

/* Disks in memory, those included that only openers hold. */
static atomic_t nr_alive = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_gone);

/**
 * vb_say() - tell the caller of an ioctl why it fails
 * @msg: where
 * @fmt: a sentence without a full stop
 */
void vb_say(struct vb_msg *msg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg->text, sizeof(msg->text), fmt, ap);
	va_end(ap);
}

static void inflight_idle(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct vb_disk, inflight)->idle);
}

/**
 * vb_disk_alloc() - memory for a disk
 *
 * Return: a disk with one reference, in no table, or NULL.
 */
struct vb_disk *vb_disk_alloc(void)
{
	struct vb_disk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);

	if (!disk)
		return NULL;
	disk->stats = alloc_percpu(struct vb_stats);
	if (!disk->stats)
		goto err_free;
	if (percpu_ref_init(&disk->inflight, inflight_idle, 0, GFP_KERNEL))
		goto err_stats;
	kref_init(&disk->ref);
	mutex_init(&disk->lock);
	init_waitqueue_head(&disk->closed);
	init_completion(&disk->idle);
	xa_init(&disk->ram);
	vb_fault_init(disk);
	disk->state = VB_LIVE;
	disk->id = -1;
	atomic_inc(&nr_alive);
	return disk;

err_stats:
	free_percpu(disk->stats);
err_free:
	kfree(disk);
	return NULL;
}

static void disk_release(struct kref *ref)
{
	struct vb_disk *disk = container_of(ref, struct vb_disk, ref);

	percpu_ref_exit(&disk->inflight);
	free_percpu(disk->stats);
	kfree(disk);
	if (atomic_dec_and_test(&nr_alive))
		wake_up(&all_gone);
}

void vb_disk_put(struct vb_disk *disk)
{
	kref_put(&disk->ref, disk_release);
}

/**
 * vb_disk_get() - find a disk
 * @id: its number
 * @seq: which of those that had the number, or 0
 *
 * Return: the disk, referenced, or NULL. It may be going at any time.
 */
struct vb_disk *vb_disk_get(int id, u64 seq)
{
	struct vb_disk *disk;

	mutex_lock(&disks_lock);
	disk = id < 0 ? NULL : idr_find(&disks, id);
	if (disk && seq && disk->seq != seq)
		disk = NULL;
	if (disk)
		kref_get(&disk->ref);
	mutex_unlock(&disks_lock);
	return disk;
}

/**
 * vb_disk_next() - find the first disk from a number on
 * @id: the number
 *
 * Return: the disk, referenced, or NULL if there is none.
 */
struct vb_disk *vb_disk_next(int id)
{
	struct vb_disk *disk;
	int i = max(id, 0);

	mutex_lock(&disks_lock);
	/* Skips entries that are only reserved. */
	disk = idr_get_next(&disks, &i);
	if (disk)
		kref_get(&disk->ref);
	mutex_unlock(&disks_lock);
	return disk;
}

/**
 * vb_disk_reserve() - get a number
 * @disk: new
 * @id: the number wanted, or -1
 *
 * Return: 0: @disk->id and @disk->seq are set; -EBUSY, -ENOSPC or -ENOMEM.
 */
int vb_disk_reserve(struct vb_disk *disk, int id)
{
	int from = id < 0 ? 0 : id, to = id < 0 ? VB_MAX_DISKS : id + 1;
	int ret;

	mutex_lock(&disks_lock);
	ret = idr_alloc(&disks, NULL, from, to, GFP_KERNEL);
	if (ret >= 0) {
		disk->id = ret;
		disk->seq = ++last_seq;
		nr_attached++;
	}
	mutex_unlock(&disks_lock);
	if (ret == -ENOSPC && id >= 0)
		return -EBUSY;
	return min(ret, 0);
}

/**
 * vb_disk_publish() - from now on others find it
 * @disk: complete; the table gets a reference
 */
void vb_disk_publish(struct vb_disk *disk)
{
	kref_get(&disk->ref);
	mutex_lock(&disks_lock);
	idr_replace(&disks, disk, disk->id);
	mutex_unlock(&disks_lock);
}

/**
 * vb_disk_unpublish() - give the number back
 * @disk: reserved or published; its gendisk is gone
 */
void vb_disk_unpublish(struct vb_disk *disk)
{
	struct vb_disk *was;

	mutex_lock(&disks_lock);
	was = idr_remove(&disks, disk->id);
	nr_attached--;
	mutex_unlock(&disks_lock);
	if (was)
		vb_disk_put(disk);
}

unsigned int vb_disk_count(void)
{
	return READ_ONCE(nr_attached);
}

/* Does @upper, a dm or md device, hold this disk or one of its partitions? */
static bool holds(struct vb_disk *disk, const char *upper)
{
	struct kernfs_node *link = NULL;
	struct block_device *part;
	unsigned long index;

	mutex_lock(&disk->lock);
	if (disk->state == VB_LIVE) {
		/* The lock keeps the disk's folder, the mutex its partitions'. */
		mutex_lock(&disk->gd->open_mutex);
		xa_for_each(&disk->gd->part_tbl, index, part) {
			if (!part->bd_holder_dir || !part->bd_holder_dir->sd)
				continue;
			link = kernfs_find_and_get_ns(part->bd_holder_dir->sd, upper, NULL);
			if (link)
				break;
		}
		mutex_unlock(&disk->gd->open_mutex);
	}
	mutex_unlock(&disk->lock);
	kernfs_put(link);
	return link;
}

/**
 * vb_disk_depth_below() - how many vblk disks are on top of one another here?
 * @gd: the disk that a new one is to lie on, itself or with its file system
 *
 * Sees through one level of dm and md, by their folders of holders.
 *
 * Return: 0 if there is none.
 */
unsigned int vb_disk_depth_below(struct gendisk *gd)
{
	unsigned int depth = 0;
	struct vb_disk *disk;
	int id;

	if (gd->fops == &vb_bio_fops || gd->fops == &vb_mq_fops)
		return ((struct vb_disk *)gd->private_data)->depth;
	for (id = 0; (disk = vb_disk_next(id)); vb_disk_put(disk)) {
		if (disk->depth > depth && holds(disk, gd->disk_name))
			depth = disk->depth;
		id = disk->id + 1;
	}
	return depth;
}

/* Both run under gd->open_mutex; the state changes under it, too. */
COMPAT_BLK_OPEN(disk_open)
{
	struct vb_disk *disk = gd->private_data;

	return disk->state == VB_LIVE ? 0 : -ENXIO;
}

COMPAT_BLK_RELEASE(disk_close)
{
	struct vb_disk *disk = gd->private_data;

	wake_up_all(&disk->closed);
}

/* What was attached read-only stays so. */
static int disk_set_read_only(struct block_device *bdev, bool ro)
{
	struct vb_disk *disk = bdev->bd_disk->private_data;

	return vb_rdonly(disk) && !ro ? -EROFS : 0;
}

static void disk_free(struct gendisk *gd)
{
	vb_disk_put(gd->private_data);
}

const struct block_device_operations vb_bio_fops = {
	.owner = THIS_MODULE,
	.submit_bio = vb_bio_submit,
	.open = disk_open,
	.release = disk_close,
	.set_read_only = disk_set_read_only,
	.free_disk = disk_free,
};

const struct block_device_operations vb_mq_fops = {
	.owner = THIS_MODULE,
	.open = disk_open,
	.release = disk_close,
	.set_read_only = disk_set_read_only,
	.free_disk = disk_free,
};

/*
 * The last close of a disk that was forced off lets the module go before the
 * block layer gives the disk back, so wait for that; and for the pages on their
 * way through RCU.
 */
void vb_disks_exit(void)
{
	wait_event(all_gone, !atomic_read(&nr_alive));
	rcu_barrier();
	idr_destroy(&disks);
}
