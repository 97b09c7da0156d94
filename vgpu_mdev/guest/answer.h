/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGG_ANSWER_H
#define VGG_ANSWER_H

#include <linux/types.h>

/**
 * struct vgg_answers - what a device says of itself, and what the bus says
 * @id: VGPU_REG_ID
 * @version: VGPU_REG_VERSION
 * @queues: VGPU_REG_QUEUES
 * @vram: VGPU_REG_VRAM_*
 * @bar_vram: size of BAR 0
 * @bar_regs: size of BAR 4
 */
struct vgg_answers {
	u32 id;
	u32 version;
	u32 queues;
	u64 vram;
	u64 bar_vram;
	u64 bar_regs;
};

const char *vgg_answers_wrong(const struct vgg_answers *a);
bool vgg_fence_right(u64 done, u64 seq, u64 fence);
int vgg_ring_room(u32 put, u32 get, u32 order);

#endif
