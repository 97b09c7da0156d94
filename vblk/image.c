// SPDX-License-Identifier: GPL-2.0
/* Images that are open: each once, however many use it. */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backing.h"
#include "event.h"
#include "image.h"

#define OPEN_FLAGS (VBLK_ATTACH_RDONLY | VBLK_ATTACH_BUFFERED | VBLK_ATTACH_DIRECT)

static LIST_HEAD(images);
/* Protects images and their @busy; nothing is read or written under it. */
static DEFINE_MUTEX(images_lock);
/* Who waits for an image that is being opened or closed, and how often one was done. */
static DECLARE_WAIT_QUEUE_HEAD(settled);
static unsigned long nr_settled;

/**
 * vb_image_event() - something has happened to an image: each of its disks tells it
 * @im: image
 * @type: VBLK_EVENT_*
 * @arg: see the type
 */
void vb_image_event(struct vb_image *im, u32 type, u64 arg)
{
	struct vb_disk *disk;

	spin_lock(&im->waiting_lock);
	list_for_each_entry(disk, &im->disks, image_link)
		vb_event(disk, type, arg);
	spin_unlock(&im->waiting_lock);
}

/**
 * vb_image_fail() - metadata cannot be read or written: nothing is written any more
 * @im: image
 * @error: negative errno
 * @what: was being done
 *
 * What is durable stays so.
 */
void vb_image_fail(struct vb_image *im, int error, const char *what)
{
	if (cmpxchg(&im->error, 0, error))
		return;
	pr_err("vblk: image %pU is read-only: error %d %s\n", im->super.uuid, error, what);
	vb_image_event(im, VBLK_EVENT_READ_ONLY, -error);
}

static int read_supers(struct vb_image *im, struct vb_msg *msg)
{
	struct vb_super s[2];
	int ret[2], i, best;
	u8 *raw;

	raw = (u8 *)__get_free_page(GFP_KERNEL);
	if (!raw)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		ret[i] = vb_meta_read(im, VB_SUPER_BLOCK(i), raw) ?:
			 vb_super_unpack(&s[i], raw, VB_SUPER_BLOCK(i));
	}
	free_page((unsigned long)raw);
	/*
	 * A torn one is passed over. One that cannot be read, or is newer than this
	 * module, may be the newest: going back behind it would lose what was flushed.
	 */
	for (i = 0; i < 2; i++) {
		if (ret[i] && ret[i] != -EINVAL && ret[i] != -EUCLEAN) {
			vb_say(msg, "a superblock cannot be read or understood");
			return ret[i];
		}
	}
	if (ret[0] && ret[1]) {
		vb_say(msg, "there is no superblock that can be used");
		i = ret[0] == -EINVAL ? ret[1] : ret[0];
		return i == -EINVAL ? -EUCLEAN : i;
	}
	best = ret[1] || (!ret[0] && s[0].epoch > s[1].epoch) ? 0 : 1;
	im->super = s[best];
	im->next = s[best];
	im->next.epoch++;
	if (im->super.incompat || im->super.data_crc) {
		vb_say(msg, "the image has %s, which this module does not do",
		       im->super.incompat ? "an external base" : "checksums of data");
		return -EOPNOTSUPP;
	}
	if (i_size_read(im->backing->file->f_mapping->host) / VB_BLOCK < im->super.nr_blocks) {
		vb_say(msg, "the backing is shorter than the image");
		return -EUCLEAN;
	}
	return 0;
}

static void *alloc_cluster(gfp_t gfp, void *order)
{
	return alloc_pages(gfp | __GFP_COMP, (unsigned long)order);
}

static void free_cluster(void *page, void *order)
{
	__free_pages(page, (unsigned long)order);
}

static int read_image(struct vb_image *im, struct vb_msg *msg)
{
	int ret;

	ret = read_supers(im, msg);
	if (ret)
		return ret;
	vb_tree_init(&im->table, im, &im->super.volumes, VB_VOLUMES_DEPTH, 0, VB_NODE);
	vb_tree_init(&im->bitmap, im, &im->super.bitmap, VB_BITMAP_DEPTH, 1, VB_NODE);
	ret = vb_space_init(im);
	if (ret)
		return ret;
	ret = mempool_init(&im->clusters, 2, alloc_cluster, free_cluster,
			   (void *)(unsigned long)get_order(1UL << im->super.cluster_shift));
	if (ret)
		return ret;
	ret = vb_log_read(im);
	if (ret) {
		vb_say(msg, "the log cannot be read");
		return ret;
	}
	ret = vb_vols_read(im);
	if (ret)
		vb_say(msg, "the table of volumes cannot be read");
	return ret;
}

/* All that it has, the backing last. */
static void end_image(struct vb_image *im)
{
	struct vb_vol *vol;
	unsigned long number;

	xa_for_each(&im->volumes, number, vol)
		vb_vol_free(vol);
	xa_destroy(&im->volumes);
	if (im->table.im) {
		vb_tree_exit(&im->table);
		vb_tree_exit(&im->bitmap);
		vb_space_exit(im);
	}
	if (im->wq)
		destroy_workqueue(im->wq);
	cleanup_srcu_struct(&im->srcu);
	mempool_exit(&im->clusters);
	vb_backing_close(im->backing);
}

static void free_image(struct vb_image *im)
{
	end_image(im);
	kfree(im);
}

static struct vb_image *new_image(void)
{
	struct vb_image *im = kzalloc(sizeof(*im), GFP_KERNEL);
	unsigned int i;

	if (!im)
		return NULL;
	if (init_srcu_struct(&im->srcu)) {
		kfree(im);
		return NULL;
	}
	kref_init(&im->ref);
	mutex_init(&im->admin);
	mutex_init(&im->committing);
	init_rwsem(&im->change);
	xa_init(&im->volumes);
	INIT_LIST_HEAD(&im->deleting);
	xa_init(&im->space.regions);
	for (i = 0; i < VB_LOAD_LOCKS; i++)
		mutex_init(&im->load[i]);
	spin_lock_init(&im->cache_lock);
	INIT_LIST_HEAD(&im->cache);
	INIT_DELAYED_WORK(&im->commit_work, vb_commit_work);
	INIT_WORK(&im->delete_work, vb_delete_work);
	init_waitqueue_head(&im->deleted);
	spin_lock_init(&im->waiting_lock);
	INIT_LIST_HEAD(&im->waiting);
	INIT_LIST_HEAD(&im->disks);
	im->max_cached = 1;
	im->wq = alloc_workqueue("vblk-image", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (im->wq)
		return im;
	free_image(im);
	return NULL;
}

/* What an image is known by: an inode, or a block device. Only compared. */
static const void *key_of(struct file *file)
{
	return vb_backing_bdev(file) ?: (void *)d_real_inode(file->f_path.dentry);
}

/* All of it but the table of images. */
static int open_new(struct vb_image *im, struct vblk_image_open *o, struct vb_msg *msg)
{
	struct vb_backing_spec spec = {
		.backing = o->backing, .fd = o->fd, .image = true, .flags = o->flags,
	};
	struct vb_backing *b;
	unsigned int noio;
	int ret;

	b = vb_backing_open(&spec, msg);
	if (IS_ERR(b))
		return PTR_ERR(b);
	im->backing = b;
	if (im->key != (b->inode ?: (void *)b->bdev.bdev)) {
		vb_say(msg, "fd %d is another file by now", o->fd);
		return -EBADF;
	}
	im->flags = spec.flags;
	im->sector_size = spec.sector_size;
	im->depth = spec.depth;
	noio = memalloc_noio_save();
	ret = read_image(im, msg);
	memalloc_noio_restore(noio);
	if (ret)
		return ret;
	vb_cache_join(im);
	if (!list_empty(&im->deleting) && !vb_image_rdonly(im))
		queue_work(im->wq, &im->delete_work);
	return 0;
}

/* It may be found from now on, or is gone. */
static void settle(struct vb_image *im, bool gone)
{
	mutex_lock(&images_lock);
	im->busy = false;
	if (gone)
		list_del(&im->node);
	WRITE_ONCE(nr_settled, nr_settled + 1);
	mutex_unlock(&images_lock);
	wake_up_all(&settled);
}

/*
 * The image that a file or block device is, referenced, if it is open. Else @new, if
 * there is one, is in the table in its place, busy; it stays the caller's.
 */
static struct vb_image *find(const void *key, struct vb_image *new)
{
	struct vb_image *im, *found;
	unsigned long seen;
	bool busy;

	for (;;) {
		found = NULL;
		mutex_lock(&images_lock);
		list_for_each_entry(im, &images, node)
			if (im->key == key)
				found = im;
		/* A busy one may be gone as soon as the lock is not held. */
		busy = found && found->busy;
		seen = nr_settled;
		if (found && !busy)
			vb_image_get(found);
		if (!found && new) {
			new->key = key;
			new->busy = true;
			list_add(&new->node, &images);
		}
		mutex_unlock(&images_lock);
		if (!busy)
			return found;
		if (wait_event_killable(settled, READ_ONCE(nr_settled) != seen))
			return ERR_PTR(-EINTR);
	}
}

/* The key of a file that may be opened so; also if somebody else has done it already. */
static const void *key_of_fd(const struct vblk_image_open *o, struct vb_msg *msg)
{
	bool write = !(o->flags & VBLK_ATTACH_RDONLY);
	struct file *file = fget(o->fd);
	const void *key;

	if (!file) {
		vb_say(msg, "fd %d is not open", o->fd);
		return ERR_PTR(-EBADF);
	}
	key = key_of(file);
	if (!(file->f_mode & FMODE_READ) || (write && !(file->f_mode & FMODE_WRITE))) {
		vb_say(msg, "the fd must be open for reading%s", write ? " and writing" : "");
		key = ERR_PTR(-EBADF);
	}
	fput(file);
	return key;
}

static struct vb_image *open_file(struct vblk_image_open *o, struct vb_msg *msg)
{
	const void *key = key_of_fd(o, msg);
	struct vb_image *new, *im;
	int ret;

	if (IS_ERR(key))
		return ERR_CAST(key);
	im = find(key, NULL);
	if (im)
		return im;
	new = new_image();
	if (!new)
		return ERR_PTR(-ENOMEM);
	im = find(key, new);
	if (im) {
		free_image(new);
		return im;
	}
	ret = open_new(new, o, msg);
	if (!ret) {
		settle(new, false);
		return new;
	}
	end_image(new);
	settle(new, true);
	kfree(new);
	return ERR_PTR(ret);
}

static struct vb_image *of_disk(struct vblk_image_open *o)
{
	struct vb_image *im = ERR_PTR(-ENOENT);
	struct vb_disk *disk;

	if (o->fd != -1)
		return ERR_PTR(-EINVAL);
	disk = vb_disk_get(o->id, 0);
	if (!disk)
		return im;
	mutex_lock(&disk->lock);
	if (disk->state == VB_LIVE) {
		im = disk->image ?: ERR_PTR(-EINVAL);
		if (disk->image)
			vb_image_get(im);
	}
	mutex_unlock(&disk->lock);
	vb_disk_put(disk);
	return im;
}

/**
 * vb_image_open() - open an image, or find it
 * @o: from and to user space; all but @image is done here
 * @msg: what was wrong
 *
 * Return: the image, referenced, or an error pointer.
 */
struct vb_image *vb_image_open(struct vblk_image_open *o, struct vb_msg *msg)
{
	struct vb_image *im;

	if (o->flags & ~OPEN_FLAGS || o->pad ||
	    (o->flags & VBLK_ATTACH_BUFFERED && o->flags & VBLK_ATTACH_DIRECT))
		return ERR_PTR(-EINVAL);
	if (o->backing < VBLK_BACKING_FILE || o->backing > VBLK_BACKING_IMAGE)
		return ERR_PTR(-EOPNOTSUPP);
	if (o->backing == VBLK_BACKING_IMAGE)
		im = of_disk(o);
	else
		im = o->id ? ERR_PTR(-EINVAL) : open_file(o, msg);
	if (IS_ERR(im))
		return im;
	if (im->flags & VBLK_ATTACH_RDONLY && !(o->flags & VBLK_ATTACH_RDONLY)) {
		vb_say(msg, "the image is open read-only");
		vb_image_put(im);
		return ERR_PTR(-EBUSY);
	}
	/* Who asked for reading only, gets no more. */
	o->flags = im->flags | (o->flags & VBLK_ATTACH_RDONLY);
	return im;
}

void vb_image_get(struct vb_image *im)
{
	kref_get(&im->ref);
}

static int last_commit(struct vb_image *im, void *arg)
{
	return im->changed ? vb_commit_now(im, NULL) : 0;
}

static void close_image(struct kref *ref)
{
	struct vb_image *im = container_of(ref, struct vb_image, ref);

	/* Nobody gets it any more; who wants to, waits until it is gone. */
	im->busy = true;
	WRITE_ONCE(im->closing, true);
	mutex_unlock(&images_lock);
	cancel_work_sync(&im->delete_work);
	cancel_delayed_work_sync(&im->commit_work);
	/* What is acknowledged is kept. */
	if (!vb_image_rdonly(im))
		vb_image_run(im, last_commit, NULL);
	cancel_delayed_work_sync(&im->commit_work);
	vb_cache_leave(im);
	end_image(im);
	settle(im, true);
	kfree(im);
}

void vb_image_put(struct vb_image *im)
{
	kref_put_mutex(&im->ref, close_image, &images_lock);
}
