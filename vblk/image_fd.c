// SPDX-License-Identifier: GPL-2.0
/* An image's fd, and the calls on it. */

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"
#include "image.h"

static_assert(sizeof(struct vblk_image_info) == 96);
static_assert(sizeof(struct vblk_volume) == 216);
static_assert(sizeof(struct vblk_image_make) == 176);
static_assert(sizeof(struct vblk_image_volume) == 32);
static_assert(sizeof(struct vblk_image_diff) == 56);
static_assert(sizeof(struct vblk_image_commit) == 16);
static_assert(sizeof(struct vblk_extent) == 24);

/* Bytes of a volume that is being deleted which its walk has not come to. */
static u64 to_delete(const struct vb_vol *vol)
{
	u32 shift = vol->im->super.cluster_shift;
	u64 leaves = DIV_ROUND_UP_ULL(vol->rec.size, 1ULL << shift);

	return leaves > vol->walk_at ? (leaves - vol->walk_at) << shift : 0;
}

static int do_info(struct vb_image *im, struct vb_call *c)
{
	struct vblk_image_info *i = &c->arg.image_info;
	struct vb_vol *vol;
	u64 left;

	if (i->flags)
		return -EINVAL;
	down_read(&im->change);
	i->attach_flags = im->flags;
	i->error = -im->error;
	memcpy(i->uuid, im->super.uuid, sizeof(i->uuid));
	i->epoch = im->super.epoch;
	i->length = im->super.nr_blocks * VB_BLOCK;
	i->free = READ_ONCE(im->space.free) * VB_BLOCK;
	i->reserved = im->super.nr_reserved * VB_BLOCK;
	i->cluster = 1U << im->super.cluster_shift;
	i->volumes = im->nr_volumes;
	i->next_volume = im->next_volume;
	i->deleting = 0;
	i->to_delete = 0;
	list_for_each_entry(vol, &im->deleting, link) {
		i->deleting++;
		if (check_add_overflow(i->to_delete, to_delete(vol), &left))
			left = U64_MAX;
		i->to_delete = left;
	}
	i->cached = READ_ONCE(im->nr_cached) * VB_BLOCK +
		    READ_ONCE(im->space.nr_loaded) * sizeof(struct vb_region);
	up_read(&im->change);
	return 0;
}

static int do_volume(struct vb_image *im, struct vb_call *c)
{
	struct vblk_volume *v = &c->arg.volume;
	unsigned long number = v->volume;
	struct vb_vol *vol;

	if (v->flags & ~VBLK_VOLUME_NEXT || v->pad)
		return -EINVAL;
	mutex_lock(&im->admin);
	down_read(&im->change);
	if (v->flags & VBLK_VOLUME_NEXT)
		vol = xa_find(&im->volumes, &number, ULONG_MAX, XA_PRESENT);
	else
		vol = vb_vol_find(im, number);
	if (vol) {
		v->volume = vol->rec.number;
		v->state = vol->rec.state;
		v->length = vol->rec.size;
		v->born = vol->rec.born;
		v->time = vol->rec.time;
		v->taken = vol->rec.taken;
		v->origin = vol->rec.origin;
		v->older = vol->rec.older;
		v->newer = vol->rec.newer;
		v->clones = vol->rec.clones;
		v->disk = vol->disk ? vol->disk->id : -1;
		memcpy(v->uuid, vol->rec.uuid, sizeof(v->uuid));
		memcpy(v->name, vol->rec.name, sizeof(v->name));
	}
	up_read(&im->change);
	mutex_unlock(&im->admin);
	return vol ? 0 : -ENOENT;
}

static int check_make(struct vblk_image_make *m, bool source, struct vb_msg *msg)
{
	size_t len = strnlen((char *)m->name, sizeof(m->name));

	if (m->flags || m->pad || (!source && m->source) || (source && m->length))
		return -EINVAL;
	if (!len || len == sizeof(m->name)) {
		vb_say(msg, "a name has 1 to %zu bytes", sizeof(m->name) - 1);
		return -EINVAL;
	}
	/* The rest of the field goes into the image. */
	memset(m->name + len, 0, sizeof(m->name) - len);
	return 0;
}

static int do_create(struct vb_image *im, struct vb_call *c)
{
	return check_make(&c->arg.make, false, &c->msg) ?:
	       vb_image_create(im, &c->arg.make, &c->msg);
}

static int do_snapshot(struct vb_image *im, struct vb_call *c)
{
	return check_make(&c->arg.make, true, &c->msg) ?:
	       vb_image_snapshot(im, &c->arg.make, &c->msg);
}

static int do_clone(struct vb_image *im, struct vb_call *c)
{
	return check_make(&c->arg.make, true, &c->msg) ?:
	       vb_image_clone(im, &c->arg.make, &c->msg);
}

static int do_delete(struct vb_image *im, struct vb_call *c)
{
	struct vblk_image_volume *v = &c->arg.image_volume;

	if (v->flags || v->pad || v->pad2)
		return -EINVAL;
	return vb_image_delete(im, v, &c->msg);
}

static int do_promote(struct vb_image *im, struct vb_call *c)
{
	struct vblk_image_volume *v = &c->arg.image_volume;

	if (v->flags || v->pad || v->pad2)
		return -EINVAL;
	return vb_image_promote(im, v, &c->msg);
}

static int do_diff(struct vb_image *im, struct vb_call *c)
{
	struct vblk_image_diff *d = &c->arg.diff;

	if (d->flags || d->pad || d->pad2 || !d->count)
		return -EINVAL;
	return vb_image_diff(im, d, &c->msg);
}

/* Is there nothing to delete, or nobody who does it? */
static bool no_deletes(struct vb_image *im)
{
	return list_empty_careful(&im->deleting) || READ_ONCE(im->error);
}

static int do_commit(struct vb_image *im, struct vb_call *c)
{
	struct vblk_image_commit *m = &c->arg.commit;
	bool busy;
	int ret;

	if (m->flags & ~VBLK_COMMIT_DELETES)
		return -EINVAL;
	if (vb_image_rdonly(im))
		return -EROFS;
	for (;;) {
		ret = vb_commit_wait(im, true);
		if (ret)
			return ret;
		down_read(&im->change);
		busy = !list_empty(&im->deleting);
		m->epoch = im->super.epoch;
		up_read(&im->change);
		if (!busy || !(m->flags & VBLK_COMMIT_DELETES))
			return 0;
		if (wait_event_killable(im->deleted, no_deletes(im)))
			return -EINTR;
		if (im->error)
			return -EIO;
	}
}

static const struct entry {
	int (*fn)(struct vb_image *im, struct vb_call *c);
	struct vb_shape shape;
	bool write;
} entries[] = {
	[_IOC_NR(VBLK_IMAGE_INFO) - 0x20] = {
		do_info, { .size = sizeof(struct vblk_image_info) },
	},
	[_IOC_NR(VBLK_IMAGE_VOLUME) - 0x20] = {
		do_volume, { .size = sizeof(struct vblk_volume) },
	},
	[_IOC_NR(VBLK_IMAGE_CREATE) - 0x20] = {
		do_create, { .size = sizeof(struct vblk_image_make),
			     .msg = offsetof(struct vblk_image_make, msg_ptr) }, true,
	},
	[_IOC_NR(VBLK_IMAGE_SNAPSHOT) - 0x20] = {
		do_snapshot, { .size = sizeof(struct vblk_image_make),
			       .msg = offsetof(struct vblk_image_make, msg_ptr) }, true,
	},
	[_IOC_NR(VBLK_IMAGE_CLONE) - 0x20] = {
		do_clone, { .size = sizeof(struct vblk_image_make),
			    .msg = offsetof(struct vblk_image_make, msg_ptr) }, true,
	},
	[_IOC_NR(VBLK_IMAGE_DELETE) - 0x20] = {
		do_delete, { .size = sizeof(struct vblk_image_volume),
			     .msg = offsetof(struct vblk_image_volume, msg_ptr) }, true,
	},
	[_IOC_NR(VBLK_IMAGE_PROMOTE) - 0x20] = {
		do_promote, { .size = sizeof(struct vblk_image_volume),
			      .msg = offsetof(struct vblk_image_volume, msg_ptr) }, true,
	},
	[_IOC_NR(VBLK_IMAGE_DIFF) - 0x20] = {
		do_diff, { .size = sizeof(struct vblk_image_diff),
			   .msg = offsetof(struct vblk_image_diff, msg_ptr) },
	},
	[_IOC_NR(VBLK_IMAGE_COMMIT) - 0x20] = {
		do_commit, { .size = sizeof(struct vblk_image_commit) }, true,
	},
};

static long image_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd) - 0x20, noio;
	void __user *user = (void __user *)arg;
	struct vb_call *c;
	int ret;

	if (cmd != _IO(VBLK_MAGIC, _IOC_NR(cmd)) || nr >= ARRAY_SIZE(entries))
		return -ENOTTY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	ret = vb_call_get(&entries[nr].shape, c, user);
	if (!ret && entries[nr].write && !(file->f_mode & FMODE_WRITE)) {
		vb_say(&c->msg, "the image's fd is for reading only");
		ret = vb_call_put(&entries[nr].shape, c, user, -EROFS);
	} else if (!ret) {
		noio = memalloc_noio_save();
		ret = entries[nr].fn(file->private_data, c);
		memalloc_noio_restore(noio);
		ret = vb_call_put(&entries[nr].shape, c, user, ret);
	}
	kfree(c);
	return ret;
}

static int image_release(struct inode *inode, struct file *file)
{
	vb_image_put(file->private_data);
	return 0;
}

static const struct file_operations image_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = image_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = image_release,
	.llseek = noop_llseek,
};

/**
 * vb_image_file() - make a file for an image
 * @im: image; the file takes over the caller's reference, if there is no error
 * @rdonly: nothing can be changed by it, whoever else may change the image
 *
 * Return: the file, or an error pointer.
 */
struct file *vb_image_file(struct vb_image *im, bool rdonly)
{
	return anon_inode_getfile("[vblk-image]", &image_fops, im, rdonly ? O_RDONLY : O_RDWR);
}

/**
 * vb_image_of_fd() - the image that an fd is for
 * @fd: from user space
 * @write: it is to be changed by it
 *
 * Return: it, referenced, or an error pointer.
 */
struct vb_image *vb_image_of_fd(int fd, bool write)
{
	struct vb_image *im = ERR_PTR(-EOPNOTSUPP);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &image_fops) {
		im = file->private_data;
		if (write && !(file->f_mode & FMODE_WRITE))
			im = ERR_PTR(-EROFS);
		else
			vb_image_get(im);
	}
	fput(file);
	return im;
}
