// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vgpu: every call is copied in once, checked, carried out on the copy, and
 * copied out.
 */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"
#include "event.h"
#include "gpu.h"
#include "slice.h"

/* Every struct begins like this. */
struct header {
	u32 size;
	u32 flags;
};

union argument {
	struct header h;
	struct vgpu_info info;
	struct vgpu_create create;
	struct vgpu_delete del;
	struct vgpu_query query;
	struct vgpu_set set;
	struct vgpu_slice slice;
	struct vgpu_slice_set slice_set;
	struct vgpu_stats stats;
	struct vgpu_log log;
	struct vgpu_events events;
	struct vgpu_slice_reset reset;
};

struct call {
	union argument arg;
	struct vg_msg msg;
	struct file *file;	/* to be installed at arg.events.fd */
	struct vg_gpu *gpu;	/* just made, with a reference */
};

static_assert(sizeof(struct vgpu_info) == 80);
static_assert(sizeof(struct vgpu_create) == 72);
static_assert(sizeof(struct vgpu_delete) == 24);
static_assert(sizeof(struct vgpu_query) == 112);
static_assert(sizeof(struct vgpu_set) == 56);
static_assert(sizeof(struct vgpu_slice) == 120);
static_assert(sizeof(struct vgpu_slice_set) == 88);
static_assert(sizeof(struct vgpu_stats) == 176);
static_assert(sizeof(struct vgpu_turn) == 48);
static_assert(sizeof(struct vgpu_log) == 40);
static_assert(sizeof(struct vgpu_event) == 40);
static_assert(sizeof(struct vgpu_events) == 16);
static_assert(sizeof(struct vgpu_slice_reset) == 24);

static int do_info(struct call *c)
{
	struct vgpu_info *i = &c->arg.info;

	if (i->flags)
		return -EINVAL;
	*i = (struct vgpu_info){
		.size = sizeof(*i),
		.features = VGPU_FEATURE_DISPLAY | VGPU_FEATURE_COMPUTE | VGPU_FEATURE_DMABUF |
			    VGPU_FEATURE_EVENTS | VGPU_FEATURE_LOG,
		.max_gpus = VG_MAX_GPUS,
		.max_engines = VG_MAX_ENGINES,
		.nr_gpus = vg_gpu_count(),
		.isa_version = VGPU_ISA_VERSION,
		.min_vram = VG_MIN_VRAM,
		.max_vram = VG_MAX_VRAM,
	};
	if (THIS_MODULE->srcversion)
		strscpy(i->build, THIS_MODULE->srcversion, sizeof(i->build));
	return 0;
}

static int do_create(struct call *c)
{
	struct vg_gpu *gpu = vg_gpu_create(&c->arg.create, &c->msg);

	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	c->gpu = gpu;
	return 0;
}

static int do_delete(struct call *c)
{
	return vg_gpu_delete(&c->arg.del, &c->msg);
}

/* A GPU with its lock held: by number, or with @next from a number on. */
static struct vg_gpu *lock_gpu(int id, bool next)
{
	struct vg_gpu *gpu;

	while ((gpu = next ? vg_gpu_next(id) : vg_gpu_get(id))) {
		mutex_lock(&gpu->lock);
		if (!gpu->dying)
			return gpu;
		mutex_unlock(&gpu->lock);
		/* It is leaving the table; behind it there may be others. */
		id = gpu->id + 1;
		vg_gpu_put(gpu);
		if (!next)
			break;
	}
	return NULL;
}

static void unlock_gpu(struct vg_gpu *gpu)
{
	mutex_unlock(&gpu->lock);
	vg_gpu_put(gpu);
}

/* A slice of a GPU that is locked, or NULL. */
static struct vg_slice *find_slice(struct vg_gpu *gpu, int nr, u64 seq, bool next)
{
	struct vg_slice *s = NULL;

	if (next) {
		for (nr = max(nr, 0); nr < VGPU_MAX_SLICES && !s; nr++)
			s = gpu->slices[nr];
		return s;
	}
	if (nr < 0 || nr >= VGPU_MAX_SLICES)
		return NULL;
	s = gpu->slices[nr];
	return s && (!seq || s->seq == seq) ? s : NULL;
}

static int do_query(struct call *c)
{
	struct vgpu_query *q = &c->arg.query;
	struct vg_gpu *gpu;

	if (q->flags & ~VGPU_QUERY_NEXT)
		return -EINVAL;
	gpu = lock_gpu(q->id, q->flags);
	if (!gpu)
		return -ENOENT;
	vg_gpu_query(gpu, q);
	unlock_gpu(gpu);
	return 0;
}

static int do_set(struct call *c)
{
	struct vgpu_set *s = &c->arg.set;
	struct vg_gpu *gpu = lock_gpu(s->id, false);
	int ret;

	if (!gpu)
		return -ENOENT;
	ret = vg_gpu_set(gpu, s, &c->msg);
	unlock_gpu(gpu);
	return ret;
}

static int do_slice(struct call *c)
{
	struct vgpu_slice *d = &c->arg.slice;
	struct vg_slice *s;
	struct vg_gpu *gpu;

	if (d->flags & ~VGPU_QUERY_NEXT)
		return -EINVAL;
	gpu = lock_gpu(d->id, false);
	if (!gpu)
		return -ENOENT;
	s = find_slice(gpu, d->slice, d->seq, d->flags);
	if (s)
		vg_slice_describe(s, d);
	unlock_gpu(gpu);
	return s ? 0 : -ENOENT;
}

static int do_slice_set(struct call *c)
{
	struct vgpu_slice_set *set = &c->arg.slice_set;
	struct vg_gpu *gpu = lock_gpu(set->id, false);
	struct vg_slice *s;
	int ret;

	if (!gpu)
		return -ENOENT;
	s = find_slice(gpu, set->slice, set->seq, false);
	ret = s ? vg_slice_set(s, set, &c->msg) : -ENOENT;
	unlock_gpu(gpu);
	return ret;
}

static int do_stats(struct call *c)
{
	struct vgpu_stats *st = &c->arg.stats;
	struct vg_slice *s;
	struct vg_gpu *gpu;
	int ret;

	if (st->flags || st->pad)
		return -EINVAL;
	gpu = lock_gpu(st->id, false);
	if (!gpu)
		return -ENOENT;
	s = find_slice(gpu, st->slice, st->seq, false);
	ret = s ? vg_slice_stats(s, st) : -ENOENT;
	unlock_gpu(gpu);
	return ret;
}

/* Copies to user space: the GPU is held, not locked. */
static int do_log(struct call *c)
{
	struct vgpu_log *l = &c->arg.log;
	struct vg_gpu *gpu;
	int ret;

	if (l->flags)
		return -EINVAL;
	gpu = vg_gpu_get(l->id);
	if (!gpu)
		return -ENOENT;
	ret = vg_log_read(&gpu->log, l);
	vg_gpu_put(gpu);
	return ret;
}

static int do_events(struct call *c)
{
	struct vgpu_events *e = &c->arg.events;
	struct file *file;
	int fd;

	if (e->flags || e->id < -1 || e->id >= VG_MAX_GPUS)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = vg_event_open(e->id);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	e->fd = fd;
	c->file = file;
	return 0;
}

static int do_reset(struct call *c)
{
	struct vgpu_slice_reset *r = &c->arg.reset;
	struct vg_slice *s;
	struct vg_gpu *gpu;

	if (r->flags)
		return -EINVAL;
	gpu = lock_gpu(r->id, false);
	if (!gpu)
		return -ENOENT;
	s = find_slice(gpu, r->slice, r->seq, false);
	if (s)
		vg_slice_reset(s, VGPU_RESET_HOST);
	unlock_gpu(gpu);
	return s ? 0 : -ENOENT;
}

static const struct entry {
	int (*fn)(struct call *c);
	u32 size;	/* of its struct in this kernel, and in the first that had it */
	u32 msg;	/* where msg_ptr is in it, or 0 */
	u32 len;	/* where msg_len is */
	bool open;	/* needs no privilege */
} entries[] = {
	[_IOC_NR(VGPU_GET_INFO)] = {
		.fn = do_info, .size = sizeof(struct vgpu_info), .open = true,
	},
	[_IOC_NR(VGPU_CREATE)] = {
		.fn = do_create, .size = sizeof(struct vgpu_create),
		.msg = offsetof(struct vgpu_create, msg_ptr),
		.len = offsetof(struct vgpu_create, msg_len),
	},
	[_IOC_NR(VGPU_DELETE)] = {
		.fn = do_delete, .size = sizeof(struct vgpu_delete),
		.msg = offsetof(struct vgpu_delete, msg_ptr),
		.len = offsetof(struct vgpu_delete, msg_len),
	},
	[_IOC_NR(VGPU_QUERY)] = { .fn = do_query, .size = sizeof(struct vgpu_query) },
	[_IOC_NR(VGPU_SET)] = {
		.fn = do_set, .size = sizeof(struct vgpu_set),
		.msg = offsetof(struct vgpu_set, msg_ptr),
		.len = offsetof(struct vgpu_set, msg_len),
	},
	[_IOC_NR(VGPU_SLICE)] = { .fn = do_slice, .size = sizeof(struct vgpu_slice) },
	[_IOC_NR(VGPU_SLICE_SET)] = {
		.fn = do_slice_set, .size = sizeof(struct vgpu_slice_set),
		.msg = offsetof(struct vgpu_slice_set, msg_ptr),
		.len = offsetof(struct vgpu_slice_set, msg_len),
	},
	[_IOC_NR(VGPU_STATS)] = { .fn = do_stats, .size = sizeof(struct vgpu_stats) },
	[_IOC_NR(VGPU_LOG)] = { .fn = do_log, .size = sizeof(struct vgpu_log) },
	[_IOC_NR(VGPU_EVENTS)] = { .fn = do_events, .size = sizeof(struct vgpu_events) },
	[_IOC_NR(VGPU_SLICE_RESET)] = {
		.fn = do_reset, .size = sizeof(struct vgpu_slice_reset),
	},
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
	memcpy(&len, arg + e->len, sizeof(len));
	if (!ptr || !len)
		return;
	len = min_t(u32, len, strlen(c->msg.text) + 1);
	c->msg.text[len - 1] = '\0';
	if (copy_to_user(u64_to_user_ptr(ptr), c->msg.text, len))
		return;
}

/*
 * The caller could not be told of what was made, so that it is unmade: the GPU itself,
 * whose number may be another one's by now.
 */
static void undo(struct call *c)
{
	if (c->gpu)
		vg_gpu_end(c->gpu, true, &c->msg);
	if (c->file) {
		put_unused_fd(c->arg.events.fd);
		fput(c->file);
	}
}

static int run(const struct entry *e, struct call *c, void __user *user)
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
		undo(c);
		ret = -EFAULT;
	} else if (c->file) {
		fd_install(c->arg.events.fd, c->file);
	}
	if (c->gpu)
		vg_gpu_put(c->gpu);
	return ret;
}

static long control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);
	struct call *c;
	int ret;

	if (cmd != _IO(VGPU_MAGIC, nr) || nr >= ARRAY_SIZE(entries))
		return -ENOTTY;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	ret = run(&entries[nr], c, (void __user *)arg);
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
	.name = "vgpu",
	.fops = &control_fops,
	.mode = 0600,
};

int vg_control_init(void)
{
	return misc_register(&control);
}

void vg_control_exit(void)
{
	misc_deregister(&control);
}
