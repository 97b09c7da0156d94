// SPDX-License-Identifier: GPL-2.0
/*
 * Can it be true what the device says? It is somebody else's machine: nothing of it
 * is used as a size, an index or a count before it has been looked at here. Pure.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <virtlite/vgpu_isa.h>

#include "answer.h"

/**
 * vgg_answers_wrong() - is it a slice that this driver can drive?
 * @a: what it says
 *
 * Return: NULL if so, else what is wrong.
 */
const char *vgg_answers_wrong(const struct vgg_answers *a)
{
	if (a->bar_regs < VGPU_BAR_REGS_SIZE)
		return "BAR 4 is too small";
	if (a->id != VGPU_ID)
		return "it has another ID";
	if (a->version >> 16 != VGPU_ISA_VERSION >> 16)
		return "it has another version of the instruction set";
	if (!a->queues || a->queues > VGPU_MAX_QUEUES)
		return "its number of queues cannot be";
	if (!a->vram || a->vram & ~PAGE_MASK || a->vram > a->bar_vram)
		return "its VRAM is not that of BAR 0";
	return NULL;
}

/**
 * vgg_fence_right() - can the last fence be this?
 * @done: the last that was seen
 * @seq: the last that was asked for
 * @fence: what the device says
 */
bool vgg_fence_right(u64 done, u64 seq, u64 fence)
{
	return fence >= done && fence <= seq;
}

/**
 * vgg_ring_room() - how many commands fit into the ring now?
 * @put: commands written so far
 * @get: commands done so far, as the device says
 * @order: log2 of the ring
 *
 * Return: how many, or -EPROTO.
 */
int vgg_ring_room(u32 put, u32 get, u32 order)
{
	u32 used = put - get;

	return used > 1u << order ? -EPROTO : (1 << order) - used;
}
