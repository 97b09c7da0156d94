// SPDX-License-Identifier: GPL-2.0
/*
 * What a command touches. A program may name its own buffers only, so every address
 * is looked at, with all that the command can reach from it, before the device sees it.
 * Whatever else is wrong with a command, the device says. Pure.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "command.h"

#define OPERANDS 3

/* A range that starts at an address in the command. */
struct operand {
	u64 *addr;
	u64 bytes;
};

static int known_flags(const struct vgpu_cmd *c)
{
	switch (c->op) {
	case VGPU_OP_NOP:
	case VGPU_OP_FILL:
	case VGPU_OP_COPY:
	case VGPU_OP_COPY2D:
	case VGPU_OP_BLIT:
	case VGPU_OP_REDUCE:
	case VGPU_OP_CRC32C:
	case VGPU_OP_FAULT:
		return 0;
	case VGPU_OP_FENCE:
		return VGPU_F_IRQ;
	case VGPU_OP_RELEASE:
		return VGPU_F_TIMESTAMP;
	case VGPU_OP_ACQUIRE:
		return VGPU_F_GE;
	case VGPU_OP_GEMM:
	case VGPU_OP_HISTOGRAM:
		return VGPU_F_ACCUMULATE;
	case VGPU_OP_SPIN:
	case VGPU_OP_SPIN_FOREVER:
		return VGPU_F_NOPREEMPT;
	}
	/* It may have addresses that nobody here knows of. */
	return -EOPNOTSUPP;
}

/* From the first to the last byte of some lines; 0 lines are the device's to refuse. */
static bool lines_of(struct operand *o, u64 *addr, u32 pitch, u64 width, u32 lines)
{
	o->addr = addr;
	o->bytes = lines ? (u64)(lines - 1) * pitch + width : 0;
	/* So that the sum is right whatever they are. */
	return pitch <= VGPU_MAX_PITCH && lines <= VGPU_MAX_LINES;
}

static u32 pixel_bytes(u32 fmt)
{
	return fmt == VGPU_FMT_R8 ? 1 : fmt == VGPU_FMT_RGB565 ? 2 : 4;
}

static u32 result_bytes(u32 op)
{
	return op == VGPU_OP_HISTOGRAM ? 1024 : op == VGPU_OP_REDUCE ? 8 : 4;
}

/* The operands, as many as there are; or the command has numbers that are none. */
static bool operands(struct vgpu_cmd *c, struct operand *o)
{
	switch (c->op) {
	case VGPU_OP_RELEASE:
	case VGPU_OP_ACQUIRE:
		o[0] = (struct operand){ &c->sem.addr,
					 c->flags & VGPU_F_TIMESTAMP ? 16 : 8 };
		return true;
	case VGPU_OP_FILL:
		return lines_of(o, &c->fill.dst, c->fill.pitch, c->fill.width, c->fill.lines);
	case VGPU_OP_COPY:
		o[0] = (struct operand){ &c->copy.src, c->copy.bytes };
		o[1] = (struct operand){ &c->copy.dst, c->copy.bytes };
		return true;
	case VGPU_OP_COPY2D:
		return lines_of(o, &c->copy2d.src, c->copy2d.src_pitch, c->copy2d.width,
				c->copy2d.lines) &&
			lines_of(o + 1, &c->copy2d.dst, c->copy2d.dst_pitch, c->copy2d.width,
				 c->copy2d.lines);
	case VGPU_OP_BLIT:
		return lines_of(o, &c->blit.src, c->blit.src_pitch,
				(u64)c->blit.width * pixel_bytes(c->blit.src_fmt),
				c->blit.lines) &&
			lines_of(o + 1, &c->blit.dst, c->blit.dst_pitch,
				 (u64)c->blit.width * pixel_bytes(c->blit.dst_fmt),
				 c->blit.lines);
	case VGPU_OP_GEMM:
		return lines_of(o, &c->gemm.a, c->gemm.lda, c->gemm.k, c->gemm.m) &&
			lines_of(o + 1, &c->gemm.b, c->gemm.ldb, c->gemm.n, c->gemm.k) &&
			lines_of(o + 2, &c->gemm.c, c->gemm.ldc, 4ull * c->gemm.n, c->gemm.m);
	case VGPU_OP_REDUCE:
	case VGPU_OP_HISTOGRAM:
	case VGPU_OP_CRC32C:
		o[0] = (struct operand){ &c->reduce.src, c->reduce.bytes };
		o[1] = (struct operand){ &c->reduce.dst, result_bytes(c->op) };
		return true;
	}
	return true;
}

/* The FENCE register is the driver's: what a program's FENCE stores, a RELEASE does. */
static int replace_fence(struct vgpu_cmd *c)
{
	struct vgpu_cmd_sem sem = { .addr = c->fence.addr, .value = c->fence.value };

	if (c->fence.store > 1 || memchr_inv(c->fence.pad, 0, sizeof(c->fence.pad)))
		return -EINVAL;
	c->op = c->fence.store ? VGPU_OP_RELEASE : VGPU_OP_NOP;
	c->flags = 0;
	memset(c->raw, 0, sizeof(c->raw));
	if (c->op == VGPU_OP_RELEASE)
		c->sem = sem;
	return 0;
}

/**
 * vgg_command() - make a program's command the device's
 * @c: the driver's copy of it, changed
 * @translate: what addresses are, at least one byte from there
 * @of: for @translate
 *
 * Return: 0, -EOPNOTSUPP, -EINVAL, or what @translate says.
 */
int vgg_command(struct vgpu_cmd *c, vgg_translate_t *translate, void *of)
{
	struct operand o[OPERANDS] = { };
	int flags = known_flags(c), ret, i;

	if (flags < 0)
		return flags;
	if (c->flags & ~flags)
		return -EINVAL;
	if (c->op == VGPU_OP_FENCE) {
		ret = replace_fence(c);
		if (ret)
			return ret;
	}
	if (!operands(c, o))
		return -EINVAL;
	for (i = 0; i < OPERANDS && o[i].addr; i++) {
		ret = translate(of, o[i].addr, max_t(u64, o[i].bytes, 1));
		if (ret)
			return ret;
	}
	return 0;
}
