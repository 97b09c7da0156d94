/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_LOG_H
#define VG_LOG_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <virtlite/vgpu.h>

#define VG_LOG_TURNS 4096

/**
 * struct vg_log - the last turns on a GPU's engines
 * @lock: protects what follows; taken inside an engine's lock
 * @next: number of the next turn; those before are at their number modulo the size
 * @turns: VG_LOG_TURNS of them
 */
struct vg_log {
	spinlock_t lock;	/* the turns */
	u64 next;
	struct vgpu_turn *turns;
};

int vg_log_init(struct vg_log *l);
void vg_log_exit(struct vg_log *l);
void vg_log_add(struct vg_log *l, const struct vgpu_turn *turn);
int vg_log_read(struct vg_log *l, struct vgpu_log *arg);

#endif
