// SPDX-License-Identifier: GPL-2.0
/*
 * Parent GPUs: /sys/class/vgpu/vgpuN, each a parent of mediated devices.
 *
 * The table has its own mutex, which is held for looking at it only: a number stays
 * taken until the GPU's device is gone, but is found only until VGPU_DELETE begins.
 */

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "event.h"
#include "gpu.h"
#include "slice.h"
#include "vram.h"

#define DEFAULT_QUANTUM		(1 * NSEC_PER_MSEC)
#define MIN_QUANTUM		(50 * NSEC_PER_USEC)
#define MAX_QUANTUM		(1ULL * NSEC_PER_SEC)
#define DEFAULT_PREEMPT		(640ULL * NSEC_PER_MSEC)
#define MIN_PREEMPT		(1ULL * NSEC_PER_MSEC)
#define MAX_PREEMPT		(60ULL * NSEC_PER_SEC)

static DEFINE_MUTEX(table_lock);
static struct vg_gpu *table[VG_MAX_GPUS];	/* a reference each, while it can be found */
static bool taken[VG_MAX_GPUS];

static const char * const type_names[VG_TYPES] = { "1of16", "1of8", "1of4", "1of2", "1of1" };
static const char * const type_titles[VG_TYPES] = {
	"vGPU 1/16", "vGPU 1/8", "vGPU 1/4", "vGPU 1/2", "vGPU 1/1",
};

static struct class vgpu_class = { .name = "vgpu" };

/**
 * vg_say() - tell the caller of an ioctl why it fails
 * @msg: where
 * @fmt: a sentence without a full stop
 */
void vg_say(struct vg_msg *msg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg->text, sizeof(msg->text), fmt, ap);
	va_end(ap);
}

int vg_gpus_init(void)
{
	return class_register(&vgpu_class);
}

/* No GPU is left: each holds the module. */
void vg_gpus_exit(void)
{
	class_unregister(&vgpu_class);
}

u32 vg_gpu_count(void)
{
	u32 n = 0, i;

	mutex_lock(&table_lock);
	for (i = 0; i < VG_MAX_GPUS; i++)
		n += !!table[i];
	mutex_unlock(&table_lock);
	return n;
}

/**
 * vg_gpu_next() - the GPU with the lowest number from one on
 * @id: that number
 *
 * Return: the GPU, vg_gpu_put() is needed; or NULL.
 */
struct vg_gpu *vg_gpu_next(int id)
{
	struct vg_gpu *gpu = NULL;
	int i;

	mutex_lock(&table_lock);
	for (i = max(id, 0); i < VG_MAX_GPUS && !gpu; i++)
		gpu = table[i];
	if (gpu)
		get_device(&gpu->dev);
	mutex_unlock(&table_lock);
	return gpu;
}

/**
 * vg_gpu_get() - the GPU with a number
 * @id: the number
 *
 * Return: the GPU, vg_gpu_put() is needed; or NULL.
 */
struct vg_gpu *vg_gpu_get(int id)
{
	struct vg_gpu *gpu = NULL;

	if (id < 0 || id >= VG_MAX_GPUS)
		return NULL;
	mutex_lock(&table_lock);
	gpu = table[id];
	if (gpu)
		get_device(&gpu->dev);
	mutex_unlock(&table_lock);
	return gpu;
}

void vg_gpu_put(struct vg_gpu *gpu)
{
	put_device(&gpu->dev);
}

static void release(struct device *dev)
{
	struct vg_gpu *gpu = container_of(dev, struct vg_gpu, dev);
	u32 i;

	for (i = 0; i < gpu->nr_engines; i++)
		vg_engine_exit(&gpu->engine[i]);
	vg_log_exit(&gpu->log);
	kfree(gpu);
}

static int check_times(u64 quantum, u64 preempt_timeout, struct vg_msg *msg)
{
	if (quantum < MIN_QUANTUM || quantum > MAX_QUANTUM) {
		vg_say(msg, "a quantum is 50 us to 1 s");
		return -EINVAL;
	}
	if (preempt_timeout < MIN_PREEMPT || preempt_timeout > MAX_PREEMPT) {
		vg_say(msg, "a preempt timeout is 1 ms to 60 s");
		return -EINVAL;
	}
	return 0;
}

static int check_create(const struct vgpu_create *c, struct vg_msg *msg)
{
	if (c->flags & ~VGPU_CREATE_TESTS || c->id < -1 || c->id >= VG_MAX_GPUS || c->paused > 1)
		return -EINVAL;
	if (c->engines > VG_MAX_ENGINES) {
		vg_say(msg, "at most %u engines", VG_MAX_ENGINES);
		return -EINVAL;
	}
	if (!is_power_of_2(c->vram) || c->vram < VG_MIN_VRAM || c->vram > VG_MAX_VRAM) {
		vg_say(msg, "the VRAM is a power of two from 16 MiB to 64 GiB");
		return -EINVAL;
	}
	if (c->policy >= VGPU_NR_POLICIES || c->clock > VGPU_CLOCK_VIRTUAL)
		return -EOPNOTSUPP;
	return check_times(c->quantum ?: DEFAULT_QUANTUM, c->preempt_timeout ?: DEFAULT_PREEMPT,
			   msg);
}

static int take_number(int id)
{
	int i;

	mutex_lock(&table_lock);
	for (i = max(id, 0); i < VG_MAX_GPUS && taken[i] && id < 0; i++)
		;
	if (i == VG_MAX_GPUS)
		i = -ENOSPC;
	else if (taken[i])
		i = -EBUSY;
	else
		taken[i] = true;
	mutex_unlock(&table_lock);
	return i;
}

static void give_number(int id)
{
	mutex_lock(&table_lock);
	taken[id] = false;
	mutex_unlock(&table_lock);
}

static struct vg_gpu *alloc(const struct vgpu_create *c, int id)
{
	struct vg_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	u32 i;

	if (!gpu)
		return NULL;
	if (vg_log_init(&gpu->log)) {
		kfree(gpu);
		return NULL;
	}
	gpu->id = id;
	gpu->nr_engines = c->engines ?: 1;
	gpu->vram = c->vram;
	gpu->clock = c->clock;
	gpu->tests = c->flags & VGPU_CREATE_TESTS;
	gpu->policy = c->policy;
	gpu->paused = c->paused;
	gpu->quantum = c->quantum ?: DEFAULT_QUANTUM;
	gpu->preempt_timeout = c->preempt_timeout ?: DEFAULT_PREEMPT;
	gpu->job_timeout = c->job_timeout;
	gpu->free_units = VGPU_UNITS;
	mutex_init(&gpu->lock);
	for (i = 0; i < gpu->nr_engines; i++)
		vg_engine_init(&gpu->engine[i], gpu, i);
	for (i = 0; i < VG_TYPES; i++) {
		gpu->types[i].units = 1 << i;
		gpu->types[i].mdev.sysfs_name = type_names[i];
		gpu->types[i].mdev.pretty_name = type_titles[i];
		gpu->type_list[i] = &gpu->types[i].mdev;
	}
	return gpu;
}

/**
 * vg_gpu_create() - VGPU_CREATE
 * @c: of the ioctl; the number is filled in
 * @msg: what is wrong
 *
 * Return: the GPU, vg_gpu_put() is needed; or the ioctl's error as a pointer.
 */
struct vg_gpu *vg_gpu_create(struct vgpu_create *c, struct vg_msg *msg)
{
	struct vg_gpu *gpu;
	int id, ret;

	ret = check_create(c, msg);
	if (ret)
		return ERR_PTR(ret);
	id = take_number(c->id);
	if (id < 0) {
		vg_say(msg, id == -EBUSY ? "GPU %d is there already" :
					   "there are as many GPUs as there can be", c->id);
		return ERR_PTR(id);
	}
	gpu = alloc(c, id);
	if (!gpu) {
		ret = -ENOMEM;
		goto err_number;
	}
	device_initialize(&gpu->dev);
	gpu->dev.class = &vgpu_class;
	gpu->dev.release = release;
	ret = dev_set_name(&gpu->dev, "vgpu%d", id);
	if (ret)
		goto err_device;
	ret = device_add(&gpu->dev);
	if (ret)
		goto err_device;
	ret = mdev_register_parent(&gpu->parent, &gpu->dev, &vg_mdev_driver, gpu->type_list,
				   VG_TYPES);
	if (ret)
		goto err_add;
	__module_get(THIS_MODULE);
	get_device(&gpu->dev);	/* the caller's */
	mutex_lock(&table_lock);
	table[id] = gpu;
	mutex_unlock(&table_lock);
	c->id = id;
	vg_event_gpu(id, VGPU_EVENT_GPU_ADDED);
	return gpu;

err_add:
	device_del(&gpu->dev);
err_device:
	put_device(&gpu->dev);
err_number:
	give_number(id);
	return ERR_PTR(ret);
}

/**
 * vg_gpu_end() - no such GPU any more
 * @gpu: GPU; the caller keeps the reference it has
 * @force: even with slices
 * @msg: what is wrong
 *
 * Return: 0; -EBUSY: it has slices; -ENOENT: somebody else ends it already.
 */
int vg_gpu_end(struct vg_gpu *gpu, bool force, struct vg_msg *msg)
{
	bool mine;

	mutex_lock(&gpu->lock);
	if (gpu->free_units < VGPU_UNITS && !force) {
		mutex_unlock(&gpu->lock);
		vg_say(msg, "GPU %d has slices", gpu->id);
		return -EBUSY;
	}
	mine = !gpu->dying;
	gpu->dying = true;
	mutex_unlock(&gpu->lock);
	if (!mine)
		return -ENOENT;
	mutex_lock(&table_lock);
	table[gpu->id] = NULL;
	mutex_unlock(&table_lock);
	mdev_unregister_parent(&gpu->parent);
	device_del(&gpu->dev);
	give_number(gpu->id);
	vg_event_gpu(gpu->id, VGPU_EVENT_GPU_REMOVED);
	vg_gpu_put(gpu);	/* the table's */
	/* The caller's file holds the module until it has returned. */
	module_put(THIS_MODULE);
	return 0;
}

/**
 * vg_gpu_delete() - VGPU_DELETE
 * @d: of the ioctl
 * @msg: what is wrong
 *
 * Return: as the ioctl.
 */
int vg_gpu_delete(const struct vgpu_delete *d, struct vg_msg *msg)
{
	struct vg_gpu *gpu;
	int ret;

	if (d->flags & ~VGPU_DELETE_FORCE)
		return -EINVAL;
	gpu = vg_gpu_get(d->id);
	if (!gpu)
		return -ENOENT;
	ret = vg_gpu_end(gpu, d->flags & VGPU_DELETE_FORCE, msg);
	vg_gpu_put(gpu);
	return ret;
}

static u32 promised(const struct vg_gpu *gpu)
{
	u32 sum = 0, i;

	for (i = 0; i < VGPU_MAX_SLICES; i++) {
		const struct vg_slice *s = gpu->slices[i];

		if (s)
			sum += s->set.share ?: vg_default_share(s->units);
	}
	return sum;
}

/**
 * vg_gpu_available() - how many slices of a size can still be made?
 * @gpu: GPU, locked
 * @units: size
 */
u32 vg_gpu_available(struct vg_gpu *gpu, u32 units)
{
	u32 n = gpu->free_units / units, sum;

	lockdep_assert_held(&gpu->lock);
	if (gpu->policy != VGPU_POLICY_FIXED)
		return n;
	sum = promised(gpu);
	return min(n, (VGPU_WHOLE_SHARE - min_t(u32, sum, VGPU_WHOLE_SHARE)) /
		      vg_default_share(units));
}

#define ALL (VGPU_SET_POLICY | VGPU_SET_QUANTUM | VGPU_SET_PREEMPT_TIMEOUT | \
	     VGPU_SET_JOB_TIMEOUT | VGPU_SET_PAUSED)

/* A field that is not asked for must be 0. */
static bool unasked(const struct vgpu_set *s)
{
	return (!(s->flags & VGPU_SET_POLICY) && s->policy) ||
	       (!(s->flags & VGPU_SET_QUANTUM) && s->quantum) ||
	       (!(s->flags & VGPU_SET_PREEMPT_TIMEOUT) && s->preempt_timeout) ||
	       (!(s->flags & VGPU_SET_JOB_TIMEOUT) && s->job_timeout) ||
	       (!(s->flags & VGPU_SET_PAUSED) && s->paused);
}

static int check_set(struct vg_gpu *gpu, const struct vgpu_set *s, struct vg_msg *msg)
{
	if (s->flags & ~ALL || unasked(s) || s->paused > 1)
		return -EINVAL;
	if (s->policy >= VGPU_NR_POLICIES)
		return -EOPNOTSUPP;
	if (s->flags & VGPU_SET_POLICY && s->policy == VGPU_POLICY_FIXED &&
	    promised(gpu) > VGPU_WHOLE_SHARE) {
		vg_say(msg, "all shares together are more than %u", VGPU_WHOLE_SHARE);
		return -ENOSPC;
	}
	return check_times(s->flags & VGPU_SET_QUANTUM ? s->quantum : gpu->quantum,
			   s->flags & VGPU_SET_PREEMPT_TIMEOUT ? s->preempt_timeout :
								 gpu->preempt_timeout, msg);
}

static void apply(struct vg_gpu *gpu, struct vg_engine *e, u32 flags)
{
	u32 i;

	spin_lock_irq(&e->lock);
	if (flags & VGPU_SET_POLICY) {
		vg_sched_policy(&e->sched, gpu->policy, vg_engine_now(e));
		/* Those that are closed begin anew, too. */
		for (i = 0; i < VGPU_MAX_SLICES; i++) {
			if (!gpu->slices[i])
				continue;
			gpu->slices[i]->queue[e->nr].ent.vtime = (struct vg_vtime){ };
			gpu->slices[i]->queue[e->nr].ent.credit = 0;
		}
	}
	e->sched.quantum = gpu->quantum;
	e->preempt_timeout = gpu->preempt_timeout;
	e->job_timeout = gpu->job_timeout;
	spin_unlock_irq(&e->lock);
	/* Whoever waits for an old share may have a right to the engine now. */
	vg_engine_pause(e, gpu->paused);
}

/**
 * vg_gpu_set() - VGPU_SET
 * @gpu: GPU, locked
 * @s: of the ioctl
 * @msg: what is wrong
 *
 * Return: as the ioctl.
 */
int vg_gpu_set(struct vg_gpu *gpu, const struct vgpu_set *s, struct vg_msg *msg)
{
	int ret;
	u32 i;

	lockdep_assert_held(&gpu->lock);
	ret = check_set(gpu, s, msg);
	if (ret)
		return ret;
	if (s->flags & VGPU_SET_POLICY)
		gpu->policy = s->policy;
	if (s->flags & VGPU_SET_QUANTUM)
		gpu->quantum = s->quantum;
	if (s->flags & VGPU_SET_PREEMPT_TIMEOUT)
		gpu->preempt_timeout = s->preempt_timeout;
	if (s->flags & VGPU_SET_JOB_TIMEOUT)
		gpu->job_timeout = s->job_timeout;
	if (s->flags & VGPU_SET_PAUSED)
		gpu->paused = s->paused;
	for (i = 0; i < gpu->nr_engines; i++)
		apply(gpu, &gpu->engine[i], s->flags);
	return 0;
}

/**
 * vg_gpu_now() - time on a GPU's clock
 * @gpu: GPU
 *
 * With a virtual clock, each engine has its own: the latest.
 */
u64 vg_gpu_now(const struct vg_gpu *gpu)
{
	u64 now = 0;
	u32 i;

	for (i = 0; i < gpu->nr_engines; i++)
		now = max(now, vg_engine_now(&gpu->engine[i]));
	return now;
}

/**
 * vg_gpu_query() - VGPU_QUERY
 * @gpu: GPU, locked
 * @q: filled in
 */
void vg_gpu_query(struct vg_gpu *gpu, struct vgpu_query *q)
{
	u32 i;

	lockdep_assert_held(&gpu->lock);
	*q = (struct vgpu_query){
		.size = sizeof(*q), .id = gpu->id, .engines = gpu->nr_engines,
		.vram = gpu->vram, .policy = gpu->policy, .clock = gpu->clock,
		.quantum = gpu->quantum, .preempt_timeout = gpu->preempt_timeout,
		.job_timeout = gpu->job_timeout, .paused = gpu->paused,
		.free_units = gpu->free_units, .now = vg_gpu_now(gpu),
	};
	for (i = 0; i < VGPU_MAX_SLICES; i++) {
		struct vg_slice *s = gpu->slices[i];

		if (!s)
			continue;
		q->slices |= 1U << i;
		if (s->open)
			q->open |= 1U << i;
		if (s->vram)
			q->vram_used += atomic64_read(&s->vram->used) << PAGE_SHIFT;
	}
	for (i = 0; i < gpu->nr_engines; i++) {
		struct vg_engine *e = &gpu->engine[i];

		spin_lock_irq(&e->lock);
		q->busy += e->busy;
		q->units += e->units;
		q->dispatches += e->turns;
		spin_unlock_irq(&e->lock);
	}
}
