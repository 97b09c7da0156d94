// SPDX-License-Identifier: GPL-2.0
/* The copy engine: FILL, COPY, COPY2D. Pure. */

#include "exec.h"

/* A short piece costs as much as this many bytes: getting at it is the work. */
#define SHORTEST (VG_CHUNK / VG_PIECES)

static void fill(u8 *p, u32 len, u32 element, u32 pattern)
{
	u32 i;

	if (element == 1) {
		memset(p, pattern, len);
	} else if (element == 2) {
		for (i = 0; i < len / 2; i++)
			((u16 *)p)[i] = pattern;
	} else {
		for (i = 0; i < len / 4; i++)
			((u32 *)p)[i] = pattern;
	}
}

/* On to the next piece; is it the last of all? */
static bool advance(struct vg_exec *x, u32 n, u32 width, u32 lines)
{
	x->pos += n;
	if (x->pos == width) {
		x->pos = 0;
		x->line++;
	}
	return x->line == lines;
}

/* What is left of a chunk after a piece. */
static u32 spend(u32 left, u32 n)
{
	n = max(n, SHORTEST);
	return left > n ? left - n : 0;
}

int vg_exec_fill(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_fill *f = &x->c.fill;
	u32 left = VG_CHUNK, n, err;
	bool done = false;
	u64 addr;
	u8 *p;

	while (!done && left) {
		addr = f->dst + (u64)x->line * f->pitch + x->pos;
		/* All of it are multiples of the element. */
		n = vg_run(addr, min_t(u64, f->width - x->pos, left));
		err = vg_put_begin(x, m, addr, n, false, &p);
		if (err)
			return err;
		fill(p, n, f->element, f->pattern);
		err = vg_put_end(m, addr, p, n);
		if (err)
			return err;
		left = spend(left, n);
		done = advance(x, n, f->width, f->lines);
	}
	x->units += DIV_ROUND_UP(VG_CHUNK - left, 8);
	return done ? VG_DONE : VG_MORE;
}

/* One piece: at most one copy if either end is in VRAM. */
static u32 move(struct vg_exec *x, struct vg_mem *m, u64 dst, u64 src, u32 n)
{
	const u8 *from;
	u32 err;
	u8 *to;

	err = vg_get(x, m, src, n, &from);
	if (err)
		return err;
	if (!(dst & VGPU_VRAM))
		return vg_put_end(m, dst, from, n);
	err = vg_put_begin(x, m, dst, n, false, &to);
	if (err)
		return err;
	memcpy(to, from, n);
	return 0;
}

int vg_exec_copy(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_copy *c = &x->c.copy;
	u32 left = VG_CHUNK, n, err;

	while (x->pos < c->bytes && left) {
		n = vg_run(c->src + x->pos, min_t(u64, c->bytes - x->pos, left));
		n = vg_run(c->dst + x->pos, n);
		err = move(x, m, c->dst + x->pos, c->src + x->pos, n);
		if (err)
			return err;
		left -= n;
		x->pos += n;
	}
	x->units += DIV_ROUND_UP(VG_CHUNK - left, 4);
	return x->pos == c->bytes ? VG_DONE : VG_MORE;
}

int vg_exec_copy2d(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_copy2d *c = &x->c.copy2d;
	u32 left = VG_CHUNK, n, err;
	bool done = false;
	u64 src, dst;

	while (!done && left) {
		src = c->src + (u64)x->line * c->src_pitch + x->pos;
		dst = c->dst + (u64)x->line * c->dst_pitch + x->pos;
		n = vg_run(dst, vg_run(src, min_t(u64, c->width - x->pos, left)));
		err = move(x, m, dst, src, n);
		if (err)
			return err;
		left = spend(left, n);
		done = advance(x, n, c->width, c->lines);
	}
	x->units += DIV_ROUND_UP(VG_CHUNK - left, 4);
	return done ? VG_DONE : VG_MORE;
}
