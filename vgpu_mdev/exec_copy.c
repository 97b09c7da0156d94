// SPDX-License-Identifier: GPL-2.0
/*
 * The copy engine: FILL, COPY, COPY2D. Pure.
 *
 * A byte costs next to nothing here, so there are more of them between two checkpoints
 * than elsewhere; but not more pieces: getting at one may mean a page that has to be made,
 * or guest memory that has to be waited for.
 */

#include "exec.h"

/* A short piece of a rectangle costs as much as this many bytes. */
#define SHORTEST 256u

/* What a step has done: bytes, as they are counted, and pieces. */
struct progress {
	u32 bytes;
	u32 pieces;
};

/* How many bytes may follow, before the next checkpoint. */
static u32 rest(const struct progress *p)
{
	return p->pieces < VG_PIECES && p->bytes < VG_BULK ? VG_BULK - p->bytes : 0;
}

static void count(struct progress *p, u32 bytes)
{
	p->bytes += bytes;
	p->pieces++;
}

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

int vg_exec_fill(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_fill *f = &x->c.fill;
	struct progress made = { };
	bool done = false;
	u32 n, err;
	u64 addr;
	u8 *p;

	while (!done && rest(&made)) {
		addr = f->dst + (u64)x->line * f->pitch + x->pos;
		/* All of it are multiples of the element. */
		n = vg_run(addr, min_t(u64, f->width - x->pos, rest(&made)));
		err = vg_put_begin(x, m, addr, n, false, &p);
		if (err)
			return err;
		fill(p, n, f->element, f->pattern);
		err = vg_put_end(m, addr, p, n);
		if (err)
			return err;
		count(&made, max(n, SHORTEST));
		done = advance(x, n, f->width, f->lines);
	}
	x->units += DIV_ROUND_UP(made.bytes, 8);
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
	vg_copy(to, from, n);
	return 0;
}

int vg_exec_copy(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_copy *c = &x->c.copy;
	struct progress made = { };
	u32 n, err;

	while (x->pos < c->bytes && rest(&made)) {
		n = vg_run(c->src + x->pos, min_t(u64, c->bytes - x->pos, rest(&made)));
		n = vg_run(c->dst + x->pos, n);
		err = move(x, m, c->dst + x->pos, c->src + x->pos, n);
		if (err)
			return err;
		count(&made, n);
		x->pos += n;
	}
	x->units += DIV_ROUND_UP(made.bytes, 4);
	return x->pos == c->bytes ? VG_DONE : VG_MORE;
}

int vg_exec_copy2d(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_copy2d *c = &x->c.copy2d;
	struct progress made = { };
	bool done = false;
	u64 src, dst;
	u32 n, err;

	while (!done && rest(&made)) {
		src = c->src + (u64)x->line * c->src_pitch + x->pos;
		dst = c->dst + (u64)x->line * c->dst_pitch + x->pos;
		n = vg_run(dst, vg_run(src, min_t(u64, c->width - x->pos, rest(&made))));
		err = move(x, m, dst, src, n);
		if (err)
			return err;
		count(&made, max(n, SHORTEST));
		done = advance(x, n, c->width, c->lines);
	}
	x->units += DIV_ROUND_UP(made.bytes, 4);
	return done ? VG_DONE : VG_MORE;
}
