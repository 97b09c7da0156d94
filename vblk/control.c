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

/* Every struct begins like this. */
struct header {
	u32 size;
	u32 flags;
};

union argument {
	struct header h;
	struct vblk_info info;
	struct vblk_attach attach;
	struct vblk_detach detach;
	struct vblk_query query;
	struct vblk_resize resize;
	struct vblk_limits limits;
	struct vblk_stats stats;
	struct vblk_events events;
	struct vblk_fault fault;
};

struct call {
	union argument arg;
	struct vb_msg msg;
	struct file *file;	/* to be installed at arg.events.fd */
};

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

static int do_info(struct call *c)
{
	struct vblk_info *i = &c->arg.info;

	if (i->flags)
		return -EINVAL;
	i->features = VBLK_FEATURE_RAM | VBLK_FEATURE_FILE | VBLK_FEATURE_BDEV |
		      VBLK_FEATURE_LIMITS | VBLK_FEATURE_EVENTS | VBLK_FEATURE_FAULTS;
	i->max_disks = VB_MAX_DISKS;
	i->max_depth = VB_MAX_DEPTH;
	i->max_queue_depth = VB_MAX_QUEUE_DEPTH;
	i->nr_disks = vb_disk_count();
	memset(i->build, 0, sizeof(i->build));
	if (THIS_MODULE->srcversion)
		strscpy(i->build, THIS_MODULE->srcversion, sizeof(i->build));
	return 0;
}

static int do_attach(struct call *c)
{
	return vb_attach(&c->arg.attach, &c->msg);
}

static int do_detach(struct call *c)
{
	return vb_detach(&c->arg.detach, &c->msg);
}

static int do_query(struct call *c)
{
	return vb_query(&c->arg.query);
}

static int do_resize(struct call *c)
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

static int do_limits(struct call *c)
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

static int do_stats(struct call *c)
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

static int do_events(struct call *c)
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
	c->file = file;
	return 0;
}

static int do_fault(struct call *c)
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
	int (*fn)(struct call *c);
	u32 size;	/* of its struct in this kernel, and in the first that had it */
	u32 msg;	/* where msg_ptr is in it, or 0; msg_len follows */
	bool open;	/* needs no privilege */
} entries[] = {
	[_IOC_NR(VBLK_GET_INFO)] = {
		.fn = do_info, .size = sizeof(struct vblk_info), .open = true,
	},
	[_IOC_NR(VBLK_ATTACH)] = {
		.fn = do_attach, .size = sizeof(struct vblk_attach),
		.msg = offsetof(struct vblk_attach, msg_ptr),
	},
	[_IOC_NR(VBLK_DETACH)] = {
		.fn = do_detach, .size = sizeof(struct vblk_detach),
		.msg = offsetof(struct vblk_detach, msg_ptr),
	},
	[_IOC_NR(VBLK_QUERY)] = { .fn = do_query, .size = sizeof(struct vblk_query) },
	[_IOC_NR(VBLK_RESIZE)] = {
		.fn = do_resize, .size = sizeof(struct vblk_resize),
		.msg = offsetof(struct vblk_resize, msg_ptr),
	},
	[_IOC_NR(VBLK_LIMITS)] = { .fn = do_limits, .size = sizeof(struct vblk_limits) },
	[_IOC_NR(VBLK_STATS)] = { .fn = do_stats, .size = sizeof(struct vblk_stats) },
	[_IOC_NR(VBLK_EVENTS)] = { .fn = do_events, .size = sizeof(struct vblk_events) },
	[_IOC_NR(VBLK_FAULT)] = { .fn = do_fault, .size = sizeof(struct vblk_fault) },
};

/* Best effort: the errno is what counts. */
static void send_message(const struct entry *e, struct call *c)
{
	const u8 *arg = (const u8 *)&c->arg;
	u64 ptr;
	u32 len;

	if (!e->msg || !c->msg.text[0])
		return;
	memcpy(&ptr, arg + e->msg, sizeof(ptr));
	memcpy(&len, arg + e->msg + sizeof(ptr), sizeof(len));
	if (!ptr || !len)
		return;
	len = min_t(u32, len, strlen(c->msg.text) + 1);
	c->msg.text[len - 1] = '\0';
	if (copy_to_user(u64_to_user_ptr(ptr), c->msg.text, len))
		return;
}

/* The caller could not be told of what was made, so that it is unmade. */
static void undo(struct call *c, unsigned int nr)
{
	struct vblk_detach d = {
		.flags = VBLK_DETACH_FORCE,
		.id = c->arg.attach.id,
		.seq = c->arg.attach.seq,
	};

	if (nr == _IOC_NR(VBLK_ATTACH))
		vb_detach(&d, &c->msg);
	if (c->file) {
		put_unused_fd(c->arg.events.fd);
		fput(c->file);
	}
}

static int run(const struct entry *e, struct call *c, unsigned int nr, void __user *user)
{
	u32 size;
	int ret;

	if (!e->open && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < e->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&c->arg, e->size, user, size);
	if (ret)
		return ret;
	c->arg.h.size = e->size;
	ret = e->fn(c);
	if (ret) {
		send_message(e, c);
		return ret;
	}
	if (copy_to_user(user, &c->arg, e->size)) {
		undo(c, nr);
		return -EFAULT;
	}
	if (c->file)
		fd_install(c->arg.events.fd, c->file);
	return 0;
}

static long control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);
	struct call *c;
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
