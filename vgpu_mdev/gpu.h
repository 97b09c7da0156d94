/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_GPU_H
#define VG_GPU_H

#include <linux/device.h>
#include <linux/mdev.h>
#include <linux/mutex.h>
#include <virtlite/vgpu.h>
#include <virtlite/vgpu_isa.h>

#include "engine.h"
#include "log.h"

#define VG_MAX_GPUS	16
#define VG_MAX_ENGINES	VGPU_MAX_QUEUES
#define VG_MIN_VRAM	(16ULL << 20)
#define VG_MAX_VRAM	(64ULL << 30)
#define VG_TYPES	5	/* 1, 2, 4, 8 and 16 units */

struct vg_slice;

/* What a failing call says, besides its errno. */
struct vg_msg {
	char text[128];
};

void vg_say(struct vg_msg *msg, const char *fmt, ...) __printf(2, 3);

/**
 * struct vg_type - a type of mediated device: so many units
 * @mdev: for the mdev core; its parent is that of the GPU
 * @units: of VGPU_UNITS
 */
struct vg_type {
	struct mdev_type mdev;
	u32 units;
};

/**
 * struct vg_gpu - a GPU that is sliced
 * @dev: its device. The table of GPUs has a reference until VGPU_DELETE, each slice
 *	one until its own end, and whoever works on it; the last one frees it
 * @parent: for the mdev core
 * @types: of slices
 * @type_list: pointers to them, for the mdev core
 * @id: number
 * @nr_engines: how many
 * @vram: bytes
 * @clock: VGPU_CLOCK_*
 * @tests: there are test commands
 * @lock: a mutex, taken inside VFIO's lock of an open device and before a slice's
 *	and an engine's; protects what follows, which slices there are and what they
 *	are set to
 * @dying: no more slices
 * @policy: VGPU_POLICY_*
 * @paused: the engines rest
 * @quantum: ns
 * @preempt_timeout: ns
 * @job_timeout: ns
 * @slices: by number
 * @free_units: not in a slice
 * @log: has its own lock
 * @engine: have their own locks
 */
struct vg_gpu {
	struct device dev;
	struct mdev_parent parent;
	struct vg_type types[VG_TYPES];
	struct mdev_type *type_list[VG_TYPES];
	int id;
	u32 nr_engines;
	u64 vram;
	u32 clock;
	bool tests;
	struct mutex lock;	/* slices and settings */
	bool dying;
	u32 policy;
	bool paused;
	u64 quantum;
	u64 preempt_timeout;
	u64 job_timeout;
	struct vg_slice *slices[VGPU_MAX_SLICES];
	u32 free_units;
	struct vg_log log;
	struct vg_engine engine[VG_MAX_ENGINES];
};

int vg_gpus_init(void);
void vg_gpus_exit(void);
u32 vg_gpu_count(void);
struct vg_gpu *vg_gpu_get(int id);
struct vg_gpu *vg_gpu_next(int id);
void vg_gpu_put(struct vg_gpu *gpu);
struct vg_gpu *vg_gpu_create(struct vgpu_create *c, struct vg_msg *msg);
int vg_gpu_delete(const struct vgpu_delete *d, struct vg_msg *msg);
int vg_gpu_end(struct vg_gpu *gpu, bool force, struct vg_msg *msg);
int vg_gpu_set(struct vg_gpu *gpu, const struct vgpu_set *s, struct vg_msg *msg);
void vg_gpu_query(struct vg_gpu *gpu, struct vgpu_query *q);
u64 vg_gpu_now(const struct vg_gpu *gpu);
u32 vg_gpu_available(struct vg_gpu *gpu, u32 units);

static inline struct vg_gpu *vg_gpu_of(struct mdev_parent *parent)
{
	return container_of(parent, struct vg_gpu, parent);
}

static inline u32 vg_default_share(u32 units)
{
	return units * (VGPU_WHOLE_SHARE / VGPU_UNITS);
}

#endif
