// SPDX-License-Identifier: GPL-2.0
/* BAR 4: the registers of a slice and of its queues, as vgpu-isa.rst has them. */

#include "gpu.h"
#include "slice.h"

static u32 get(struct vg_slice *s, u32 off)
{
	bool display = s->set.personality == VGPU_PERSONALITY_DISPLAY;
	u64 carveout = display ? s->set.carveout : 0, time;

	switch (off) {
	case VGPU_REG_ID:
		return VGPU_ID;
	case VGPU_REG_VERSION:
		return VGPU_ISA_VERSION;
	case VGPU_REG_FEATURES:
		return VGPU_HAS_COPY | VGPU_HAS_COMPUTE | (s->gpu->tests ? VGPU_HAS_TEST : 0) |
		       (display ? VGPU_HAS_DISPLAY : 0);
	case VGPU_REG_QUEUES:
		return s->gpu->nr_engines;
	case VGPU_REG_VRAM_LO:
		return s->vram_bytes;
	case VGPU_REG_VRAM_HI:
		return s->vram_bytes >> 32;
	case VGPU_REG_CARVEOUT_LO:
		return carveout;
	case VGPU_REG_CARVEOUT_HI:
		return carveout >> 32;
	case VGPU_REG_INTR_STATUS:
		return READ_ONCE(s->irq.status);
	case VGPU_REG_INTR_ENABLE:
		return READ_ONCE(s->irq.enable);
	case VGPU_REG_TIME_LO:
		time = vg_gpu_now(s->gpu);
		WRITE_ONCE(s->time_hi, time >> 32);
		return time;
	case VGPU_REG_TIME_HI:
		return READ_ONCE(s->time_hi);
	case VGPU_REG_RESETS:
		return READ_ONCE(s->irq.resets);
	case VGPU_REG_SCRATCH:
		return READ_ONCE(s->scratch);
	}
	return 0;
}

/* The queue that a register belongs to, or NULL. */
static struct vg_queue *queue_of(struct vg_slice *s, u32 off)
{
	u32 nr = (off - VGPU_QUEUE(0)) / (VGPU_QUEUE(1) - VGPU_QUEUE(0));

	return off >= VGPU_QUEUE(0) && nr < s->gpu->nr_engines ? &s->queue[nr] : NULL;
}

/**
 * vg_regs_get() - read a register
 * @s: slice, open
 * @off: aligned to 4, within the BAR
 */
u32 vg_regs_get(struct vg_slice *s, u32 off)
{
	struct vg_queue *q = queue_of(s, off);

	return q ? vg_queue_get_reg(q, off - VGPU_QUEUE(q->nr)) : get(s, off);
}

/**
 * vg_regs_set() - write a register
 * @s: slice, open
 * @off: aligned to 4, within the BAR
 * @value: to it
 *
 * Return: 0; -EINTR: a reset was not waited for, because a fatal signal came.
 */
int vg_regs_set(struct vg_slice *s, u32 off, u32 value)
{
	struct vg_queue *q = queue_of(s, off);

	if (q)
		return vg_queue_set_reg(q, off - VGPU_QUEUE(q->nr), value);
	switch (off) {
	case VGPU_REG_INTR_STATUS:
		vg_irq_ack(s, value);
		break;
	case VGPU_REG_INTR_ENABLE:
		vg_irq_enable(s, value);
		break;
	case VGPU_REG_CONTROL:
		return value & VGPU_CONTROL_RESET ? vg_guest_reset(s) : 0;
	case VGPU_REG_SCRATCH:
		WRITE_ONCE(s->scratch, value);
		break;
	}
	return 0;
}
