// SPDX-License-Identifier: GPL-2.0
/*
 * Slices: mediated devices come and go here, and are set and described. The mdev
 * core calls probe when a UUID is written to a type's "create", and remove when 1
 * is written to the device's "remove" or the GPU goes.
 */

#include <linux/ktime.h>
#include <linux/mdev.h>
#include <linux/pid.h>

#include "engine.h"
#include "event.h"
#include "gpu.h"
#include "slice.h"
#include "vram.h"

#define KIB64 65536ULL
#define DEFAULT_CARVEOUT (16ULL << 20)

static atomic64_t last_seq = ATOMIC64_INIT(0);

static u32 effective_share(const struct vg_slice *s, const struct vg_settings *set)
{
	return set->share ?: vg_default_share(s->units);
}

/* What the queues and the limits go by. */
static void apply(struct vg_slice *s)
{
	u64 now = ktime_get_ns();
	u32 i;

	for (i = 0; i < s->gpu->nr_engines; i++) {
		struct vg_engine *e = &s->gpu->engine[i];

		spin_lock_irq(&e->lock);
		vg_sched_change(&e->sched, &s->queue[i].ent, s->set.weight,
				effective_share(s, &s->set), s->set.priority, vg_engine_now(e));
		spin_unlock_irq(&e->lock);
	}
	spin_lock_irq(&s->irq.lock);
	if (s->irq.bell_limit.rate != s->set.doorbell_limit)
		vg_limit_set(&s->irq.bell_limit, s->set.doorbell_limit, now);
	if (s->irq.irq_limit.rate != s->set.irq_limit)
		vg_limit_set(&s->irq.irq_limit, s->set.irq_limit, now);
	s->irq.faults.limit = s->set.fault_limit;
	spin_unlock_irq(&s->irq.lock);
}

static void defaults(struct vg_slice *s)
{
	s->set = (struct vg_settings){
		.weight = VGPU_DEFAULT_WEIGHT,
		.irq_limit = VGPU_DEFAULT_IRQ_LIMIT,
		.personality = VGPU_PERSONALITY_COMPUTE,
		.display = VGPU_DISPLAY_REGION,
		.width = 1024,
		.height = 768,
		.carveout = min(DEFAULT_CARVEOUT, s->vram_bytes / 2),
	};
}

/* A place in the GPU, if there is one. */
static int join(struct vg_slice *s)
{
	struct vg_gpu *gpu = s->gpu;
	int ret = -ENOSPC;
	u32 i;

	mutex_lock(&gpu->lock);
	if (gpu->dying) {
		ret = -ENODEV;
	} else if (vg_gpu_available(gpu, s->units)) {
		for (i = 0; gpu->slices[i]; i++)
			;
		s->nr = i;
		gpu->slices[i] = s;
		gpu->free_units -= s->units;
		apply(s);
		ret = 0;
	}
	mutex_unlock(&gpu->lock);
	return ret;
}

static void leave(struct vg_slice *s)
{
	struct vg_gpu *gpu = s->gpu;

	mutex_lock(&gpu->lock);
	gpu->slices[s->nr] = NULL;
	gpu->free_units += s->units;
	mutex_unlock(&gpu->lock);
}

static int vg_probe(struct mdev_device *mdev)
{
	struct vg_type *type = container_of(mdev->type, struct vg_type, mdev);
	struct vg_gpu *gpu = vg_gpu_of(mdev->type->parent);
	struct vg_slice *s;
	u32 i;
	int ret;

	s = vfio_alloc_device(vg_slice, vdev, &mdev->dev, &vg_vfio_ops);
	if (IS_ERR(s))
		return PTR_ERR(s);
	/* Dropped when the slice is freed, not when it is removed. */
	get_device(&gpu->dev);
	s->gpu = gpu;
	s->seq = atomic64_inc_return(&last_seq);
	guid_copy(&s->uuid, &mdev->uuid);
	s->units = type->units;
	s->vram_bytes = gpu->vram / VGPU_UNITS * type->units;
	mutex_init(&s->lock);
	vg_irq_init(&s->irq);
	vg_tenant_init(s);
	vg_event_init(s);
	for (i = 0; i < gpu->nr_engines; i++)
		vg_queue_init(&s->queue[i], s, &gpu->engine[i]);
	defaults(s);

	ret = join(s);
	if (ret)
		goto err_put;
	dev_set_drvdata(&mdev->dev, s);
	ret = vfio_register_emulated_iommu_dev(&s->vdev);
	if (ret)
		goto err_leave;
	vg_event(s, VGPU_EVENT_SLICE_ADDED, s->units);
	return 0;

err_leave:
	leave(s);
err_put:
	vfio_put_device(&s->vdev);
	return ret;
}

static void vg_remove(struct mdev_device *mdev)
{
	struct vg_slice *s = dev_get_drvdata(&mdev->dev);

	mutex_lock(&s->gpu->lock);
	s->removing = true;
	mutex_unlock(&s->gpu->lock);
	/* Asks whoever has it open to close it, and waits. */
	vfio_unregister_group_dev(&s->vdev);
	leave(s);
	vg_event_exit(s);
	vg_event(s, VGPU_EVENT_SLICE_REMOVED, 0);
	vfio_put_device(&s->vdev);
}

static unsigned int get_available(struct mdev_type *mtype)
{
	struct vg_type *type = container_of(mtype, struct vg_type, mdev);
	struct vg_gpu *gpu = vg_gpu_of(mtype->parent);
	u32 n;

	mutex_lock(&gpu->lock);
	n = gpu->dying ? 0 : vg_gpu_available(gpu, type->units);
	mutex_unlock(&gpu->lock);
	return n;
}

static ssize_t show_description(struct mdev_type *mtype, char *buf)
{
	struct vg_type *type = container_of(mtype, struct vg_type, mdev);
	struct vg_gpu *gpu = vg_gpu_of(mtype->parent);

	return sysfs_emit(buf, "%llu MiB of VRAM, %u queue%s, up to %u\n",
			  gpu->vram / VGPU_UNITS * type->units >> 20, gpu->nr_engines,
			  gpu->nr_engines == 1 ? "" : "s", VGPU_UNITS / type->units);
}

struct mdev_driver vg_mdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.max_instances = VGPU_MAX_SLICES,
	.driver = {
		.name = "vgpu_mdev",
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
		.dev_groups = vg_slice_groups,
	},
	.probe = vg_probe,
	.remove = vg_remove,
	.get_available = get_available,
	.show_description = show_description,
};

static int check_numbers(const struct vg_slice *s, const struct vg_settings *n, u32 which,
			 struct vg_msg *msg)
{
	if (n->weight < 1 || n->weight > VGPU_MAX_WEIGHT) {
		vg_say(msg, "a weight is 1 to %u", VGPU_MAX_WEIGHT);
		return -EINVAL;
	}
	if (n->share > VGPU_WHOLE_SHARE || n->priority > VGPU_MAX_PRIORITY) {
		vg_say(msg, "a share is up to %u, a priority up to %u", VGPU_WHOLE_SHARE,
		       VGPU_MAX_PRIORITY);
		return -EINVAL;
	}
	if (n->personality > VGPU_PERSONALITY_DISPLAY || n->display > VGPU_DISPLAY_DMABUF)
		return -EOPNOTSUPP;
	if (which & VGPU_SLICE_MODE &&
	    (n->width < 320 || n->width > 4088 || n->width % 8 || n->height < 200 ||
	     n->height > 4088)) {
		vg_say(msg, "a mode is 320x200 to 4088x4088, its width a multiple of 8");
		return -EINVAL;
	}
	if (which & VGPU_SLICE_CARVEOUT &&
	    (n->carveout < KIB64 || n->carveout % KIB64 || n->carveout > s->vram_bytes)) {
		vg_say(msg, "the display has multiples of 64 KiB, up to all of the VRAM");
		return -EINVAL;
	}
	return 0;
}

/* With fixed shares, nobody may be promised what there is not. */
static bool fits(struct vg_slice *s, const struct vg_settings *n)
{
	u32 sum = effective_share(s, n), i;

	for (i = 0; i < VGPU_MAX_SLICES; i++) {
		struct vg_slice *o = s->gpu->slices[i];

		if (o && o != s)
			sum += effective_share(o, &o->set);
	}
	return sum <= VGPU_WHOLE_SHARE;
}

#define WHILE_CLOSED (VGPU_SLICE_PERSONALITY | VGPU_SLICE_DISPLAY | VGPU_SLICE_MODE | \
		      VGPU_SLICE_CARVEOUT)
#define ALL (VGPU_SLICE_WEIGHT | VGPU_SLICE_SHARE | VGPU_SLICE_PRIORITY |	\
	     VGPU_SLICE_DOORBELL_LIMIT | VGPU_SLICE_IRQ_LIMIT | VGPU_SLICE_FAULT_LIMIT | \
	     WHILE_CLOSED)

/* Take a field that is asked for; one that is not must be 0. */
static bool take(u32 asked, u32 *to, u32 value)
{
	if (asked)
		*to = value;
	return asked || !value;
}

static bool take_all(struct vg_settings *n, const struct vgpu_slice_set *set)
{
	u32 f = set->flags;

	if (f & VGPU_SLICE_CARVEOUT)
		n->carveout = set->carveout;
	else if (set->carveout)
		return false;
	return take(f & VGPU_SLICE_WEIGHT, &n->weight, set->weight) &&
	       take(f & VGPU_SLICE_SHARE, &n->share, set->share) &&
	       take(f & VGPU_SLICE_PRIORITY, &n->priority, set->priority) &&
	       take(f & VGPU_SLICE_DOORBELL_LIMIT, &n->doorbell_limit, set->doorbell_limit) &&
	       take(f & VGPU_SLICE_IRQ_LIMIT, &n->irq_limit, set->irq_limit) &&
	       take(f & VGPU_SLICE_FAULT_LIMIT, &n->fault_limit, set->fault_limit) &&
	       take(f & VGPU_SLICE_PERSONALITY, &n->personality, set->personality) &&
	       take(f & VGPU_SLICE_DISPLAY, &n->display, set->display) &&
	       take(f & VGPU_SLICE_MODE, &n->width, set->width) &&
	       take(f & VGPU_SLICE_MODE, &n->height, set->height);
}

/**
 * vg_slice_set() - VGPU_SLICE_SET
 * @s: slice, its GPU locked
 * @set: of the ioctl
 * @msg: what is wrong
 *
 * Return: as the ioctl.
 */
int vg_slice_set(struct vg_slice *s, const struct vgpu_slice_set *set, struct vg_msg *msg)
{
	struct vg_settings n = s->set;
	int ret;

	lockdep_assert_held(&s->gpu->lock);
	if (set->flags & ~ALL || set->pad || !take_all(&n, set))
		return -EINVAL;
	ret = check_numbers(s, &n, set->flags, msg);
	if (ret)
		return ret;
	if (set->flags & WHILE_CLOSED && s->open) {
		vg_say(msg, "slice %d is open", s->nr);
		return -EBUSY;
	}
	if (s->gpu->policy == VGPU_POLICY_FIXED && !fits(s, &n)) {
		vg_say(msg, "all shares together would be more than %u", VGPU_WHOLE_SHARE);
		return -ENOSPC;
	}
	s->set = n;
	apply(s);
	return 0;
}

/* In memory, the first three fields of a GUID are little endian. */
static void put_uuid(u8 *to, const guid_t *uuid)
{
	static const u8 order[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		to[i] = uuid->b[order[i]];
}

/**
 * vg_slice_describe() - VGPU_SLICE
 * @s: slice, its GPU locked
 * @d: filled in
 */
void vg_slice_describe(struct vg_slice *s, struct vgpu_slice *d)
{
	lockdep_assert_held(&s->gpu->lock);
	*d = (struct vgpu_slice){
		.size = sizeof(*d),
		.id = s->gpu->id,
		.slice = s->nr,
		.seq = s->seq,
		.units = s->units,
		.state = (s->open ? VGPU_SLICE_OPEN : 0) |
			 (s->removing ? VGPU_SLICE_REMOVING : 0),
		.vram = s->vram_bytes,
		.vram_used = s->vram ? atomic64_read(&s->vram->used) << PAGE_SHIFT : 0,
		.carveout = s->set.carveout,
		.personality = s->set.personality,
		.display = s->set.display,
		.width = s->set.width,
		.height = s->set.height,
		.weight = s->set.weight,
		.share = s->set.share,
		.priority = s->set.priority,
		.doorbell_limit = s->set.doorbell_limit,
		.irq_limit = s->set.irq_limit,
		.fault_limit = s->set.fault_limit,
		.pid = s->owner ? pid_vnr(s->owner) : 0,
	};
	put_uuid(d->uuid, &s->uuid);
}

static void add_counters(struct vgpu_stats *st, struct vg_queue *q)
{
	struct vg_engine *e = q->engine;
	u64 now;

	spin_lock_irq(&e->lock);
	now = vg_engine_now(e);
	st->now = max(st->now, now);
	st->busy += q->n.busy;
	st->units += q->n.units;
	st->wait += q->n.wait;
	if (q->ent.runnable && !q->granted)
		st->wait += now - min(q->wait_since, now);
	st->commands += q->n.commands;
	st->turns += q->n.turns;
	st->preemptions += q->n.preemptions;
	st->overruns += q->n.overruns;
	st->revoked += q->n.revoked;
	st->faults += q->n.faults;
	st->hangs += q->n.hangs;
	st->debt += vg_sched_debt(&q->ent);
	spin_unlock_irq(&e->lock);
}

/**
 * vg_slice_stats() - VGPU_STATS
 * @s: slice, its GPU locked
 * @st: @engine is read, the rest filled in
 *
 * Return: 0, or -EINVAL if there is no such engine.
 */
int vg_slice_stats(struct vg_slice *s, struct vgpu_stats *st)
{
	s32 engine = st->engine;
	u32 i;

	lockdep_assert_held(&s->gpu->lock);
	if (engine < -1 || engine >= (s32)s->gpu->nr_engines)
		return -EINVAL;
	*st = (struct vgpu_stats){
		.size = sizeof(*st), .id = s->gpu->id, .slice = s->nr, .seq = s->seq,
		.engine = engine,
	};
	for (i = 0; i < s->gpu->nr_engines; i++)
		if (engine < 0 || engine == i)
			add_counters(st, &s->queue[i]);
	spin_lock_irq(&s->irq.lock);
	st->resets = s->irq.all_resets;
	st->doorbells = s->irq.bells;
	st->irqs = s->irq.sent;
	st->doorbell_storms = s->irq.bell_storms;
	st->irq_storms = s->irq.irq_storms;
	st->fault_storms = s->irq.fault_storms;
	spin_unlock_irq(&s->irq.lock);
	return 0;
}
