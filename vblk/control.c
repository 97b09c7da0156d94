// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vblk-control: every call is copied in once, checked, carried out on the
 * copy, and copied out.
 */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"
#include "disk.h"
#include "event.h"
#include "image.h"

static_assert(sizeof(struct vblk_info) == 64);
static_assert(sizeof(struct vblk_attach) == 80);
static_assert(sizeof(struct vblk_detach) == 48);
static_assert(sizeof(struct vblk_query) == 104);
static_assert(sizeof(struct vblk_resize) == 48);
static_assert(sizeof(struct vblk_limits) == 56);
static_assert(sizeof(struct vblk_op_stats) == 288);
static_assert(sizeof(struct vblk_stats) == 40 + VBLK_NR_OPS * 288);
static_assert(sizeof(struct vblk_event) == 40);
static_assert(sizeof(struct vblk_events) == 16);
static_assert(sizeof(struct vblk_fault) == 88);
static_assert(sizeof(struct vblk_image_open) == 40);

static int do_info(struct vb_call *c)
{
	struct vblk_info *i = &c->arg.info;

	if (i->flags)
		return -EINVAL;
	i->features = VBLK_FEATURE_RAM | VBLK_FEATURE_FILE | VBLK_FEATURE_BDEV |
		      VBLK_FEATURE_LIMITS | VBLK_FEATURE_EVENTS | VBLK_FEATURE_FAULTS |
		      VBLK_FEATURE_IMAGES;
	i->max_disks = VB_MAX_DISKS;
	i->max_depth = VB_MAX_DEPTH;
	i->max_queue_depth = VB_MAX_QUEUE_DEPTH;
	i->nr_disks = vb_disk_count();
	memset(i->build, 0, sizeof(i->build));
	if (THIS_MODULE->srcversion)
		strscpy(i->build, THIS_MODULE->srcversion, sizeof(i->build));
	return 0;
}

static int do_attach(struct vb_call *c)
{
	return vb_attach(&c->arg.attach, &c->msg);
}

static int do_detach(struct vb_call *c)
{
	return vb_detach(&c->arg.detach, &c->msg);
}

static int do_query(struct vb_call *c)
{
	return vb_query(&c->arg.query);
}

static int do_resize(struct vb_call *c)
{
	return vb_resize(&c->arg.resize, &c->msg);
}

/* A disk that lives, with its lock held, for a call that changes or reads it. */
static struct vb_disk *lock_disk(int id, u64 seq)
{
	struct vb_disk *disk = vb_disk_get(id, seq);

	if (!disk)
		return NULL;
	mutex_lock(&disk->lock);
	if (disk->state == VB_LIVE)
		return disk;
	mutex_unlock(&disk->lock);
	vb_disk_put(disk);
	return NULL;
}

static void unlock_disk(struct vb_disk *disk)
{
	mutex_unlock(&disk->lock);
	vb_disk_put(disk);
}

static int do_limits(struct vb_call *c)
{
	struct vblk_limits *l = &c->arg.limits;
	struct vb_disk *disk;
	int ret;

	if (l->flags & ~VBLK_LIMITS_GET || l->pad)
		return -EINVAL;
	disk = lock_disk(l->id, l->seq);
	if (!disk)
		return -ENOENT;
	ret = vb_gate_limits(disk, l);
	unlock_disk(disk);
	return ret;
}

static int do_stats(struct vb_call *c)
{
	struct vblk_stats *s = &c->arg.stats;
	struct vb_disk *disk;

	if (s->flags || s->pad)
		return -EINVAL;
	disk = lock_disk(s->id, s->seq);
	if (!disk)
		return -ENOENT;
	s->seq = disk->seq;
	s->throttled = 0;
	s->handed = 0;
	memset(s->op, 0, sizeof(s->op));
	vb_stats_read(disk, s);
	unlock_disk(disk);
	return 0;
}

static int do_events(struct vb_call *c)
{
	struct vblk_events *e = &c->arg.events;
	struct file *file;
	int fd;

	if (e->flags || e->id < -1 || e->id >= VB_MAX_DISKS)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = vb_event_open(e->id);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	e->fd = fd;
	c->fd = fd;
	c->file = file;
	return 0;
}

static int do_image_open(struct vb_call *c)
{
	struct vblk_image_open *o = &c->arg.open;
	struct vb_image *im;
	struct file *file;
	int fd;

	im = vb_image_open(o, &c->msg);
	if (IS_ERR(im))
		return PTR_ERR(im);
	fd = get_unused_fd_flags(O_CLOEXEC);
	file = fd < 0 ? ERR_PTR(fd) : vb_image_file(im, o->flags & VBLK_ATTACH_RDONLY);
	if (IS_ERR(file)) {
		if (fd >= 0)
			put_unused_fd(fd);
		vb_image_put(im);
		return PTR_ERR(file);
	}
	o->image = fd;
	c->fd = fd;
	c->file = file;
	return 0;
}

static int do_fault(struct vb_call *c)
{
	struct vblk_fault *f = &c->arg.fault;
	struct vb_disk *disk;
	int ret;

	if (f->flags || f->pad)
		return -EINVAL;
	disk = lock_disk(f->id, f->seq);
	if (!disk)
		return -ENOENT;
	ret = vb_fault_set(disk, f);
	unlock_disk(disk);
	return ret;
}

static const struct entry {
	int (*fn)(struct vb_call *c);
	struct vb_shape shape;
	bool open;	/* needs no privilege */
} entries[] = {
	[_IOC_NR(VBLK_GET_INFO)] = {
		.fn = do_info, .shape.size = sizeof(struct vblk_info), .open = true,
	},
	[_IOC_NR(VBLK_ATTACH)] = {
		.fn = do_attach, .shape.size = sizeof(struct vblk_attach),
		.shape.msg = offsetof(struct vblk_attach, msg_ptr),
	},
	[_IOC_NR(VBLK_DETACH)] = {
		.fn = do_detach, .shape.size = sizeof(struct vblk_detach),
		.shape.msg = offsetof(struct vblk_detach, msg_ptr),
	},
	[_IOC_NR(VBLK_QUERY)] = { .fn = do_query, .shape.size = sizeof(struct vblk_query) },
	[_IOC_NR(VBLK_RESIZE)] = {
		.fn = do_resize, .shape.size = sizeof(struct vblk_resize),
		.shape.msg = offsetof(struct vblk_resize, msg_ptr),
	},
	[_IOC_NR(VBLK_LIMITS)] = { .fn = do_limits, .shape.size = sizeof(struct vblk_limits) },
	[_IOC_NR(VBLK_STATS)] = { .fn = do_stats, .shape.size = sizeof(struct vblk_stats) },
	[_IOC_NR(VBLK_EVENTS)] = { .fn = do_events, .shape.size = sizeof(struct vblk_events) },
	[_IOC_NR(VBLK_IMAGE_OPEN)] = {
		.fn = do_image_open, .shape.size = sizeof(struct vblk_image_open),
		.shape.msg = offsetof(struct vblk_image_open, msg_ptr),
	},
	[_IOC_NR(VBLK_FAULT)] = { .fn = do_fault, .shape.size = sizeof(struct vblk_fault) },
};

/* Best effort: the errno is what counts. */
static void send_message(const struct vb_shape *shape, struct vb_call *c)
{
	const u8 *arg = (const u8 *)&c->arg;
	u64 ptr;
	u32 len;

	if (!shape->msg || !c->msg.text[0])
		return;
	memcpy(&ptr, arg + shape->msg, sizeof(ptr));
	memcpy(&len, arg + shape->msg + sizeof(ptr), sizeof(len));
	if (!ptr || !len)
		return;
	len = min_t(u32, len, strlen(c->msg.text) + 1);
	c->msg.text[len - 1] = '\0';
	if (copy_to_user(u64_to_user_ptr(ptr), c->msg.text, len))
		return;
}

/**
 * vb_call_get() - copy in what a call is about
 * @shape: of its struct
 * @c: zeroed; its argument is filled in
 * @user: from where
 *
 * Return: 0 or a negative errno.
 */
int vb_call_get(const struct vb_shape *shape, struct vb_call *c, void __user *user)
{
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < shape->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&c->arg, shape->size, user, size);
	c->arg.h.size = shape->size;
	return ret;
}

/**
 * vb_call_put() - copy out what a call has to say
 * @shape: of its struct
 * @c: done
 * @user: to where
 * @ret: how it went
 *
 * Return: @ret, or -EFAULT; then a file that was to be installed is gone.
 */
int vb_call_put(const struct vb_shape *shape, struct vb_call *c, void __user *user, int ret)
{
	if (ret) {
		send_message(shape, c);
		return ret;
	}
	if (copy_to_user(user, &c->arg, shape->size)) {
		if (c->file) {
			put_unused_fd(c->fd);
			fput(c->file);
		}
		return -EFAULT;
	}
	if (c->file)
		fd_install(c->fd, c->file);
	return 0;
}

static int run(const struct entry *e, struct vb_call *c, unsigned int nr, void __user *user)
{
	struct vblk_detach d = { .flags = VBLK_DETACH_FORCE };
	int ret;

	if (!e->open && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = vb_call_get(&e->shape, c, user);
	if (ret)
		return ret;
	ret = e->fn(c);
	d.id = c->arg.attach.id;
	d.seq = c->arg.attach.seq;
	if (ret)
		return vb_call_put(&e->shape, c, user, ret);
	ret = vb_call_put(&e->shape, c, user, 0);
	/* The caller could not be told of what was made, so that it is unmade. */
	if (ret && nr == _IOC_NR(VBLK_ATTACH))
		vb_detach(&d, &c->msg);
	return ret;
}

static long control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);
	struct vb_call *c;
	int ret;

	if (cmd != _IO(VBLK_MAGIC, nr) || nr >= ARRAY_SIZE(entries))
		return -ENOTTY;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	ret = run(&entries[nr], c, nr, (void __user *)arg);
	kfree(c);
	return ret;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice control = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vblk-control",
	.fops = &control_fops,
	.mode = 0600,
};

int vb_control_init(void)
{
	return misc_register(&control);
}

void vb_control_exit(void)
{
	misc_deregister(&control);
}
