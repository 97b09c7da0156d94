/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_CMD_H
#define VG_CMD_H

#include <virtlite/vgpu_isa.h>

#include "pure.h"

u32 vg_cmd_check(const struct vgpu_cmd *c, u64 vram);
u32 vg_pixel_bytes(u32 fmt);

/* A command that is there only if the GPU was made for tests. */
static inline bool vg_cmd_is_test(const struct vgpu_cmd *c)
{
	return c->op == VGPU_OP_SPIN || c->op == VGPU_OP_SPIN_FOREVER || c->op == VGPU_OP_FAULT;
}

/* Bytes from the first to the last one of a rectangle. */
static inline u64 vg_extent(u32 pitch, u32 width, u32 lines)
{
	return (u64)(lines - 1) * pitch + width;
}

#endif
