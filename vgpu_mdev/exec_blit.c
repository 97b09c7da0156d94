// SPDX-License-Identifier: GPL-2.0
/* The copy engine: BLIT. Pure. */

#include "exec.h"

#define SHORTEST (VG_PIXELS / VG_PIECES)

/* Channels of 8 bits. */
struct pixel {
	u8 r, g, b, a;
};

static struct pixel load(const u8 *p, u32 fmt)
{
	u32 v;

	switch (fmt) {
	case VGPU_FMT_XRGB8888:
		return (struct pixel){ p[2], p[1], p[0], 255 };
	case VGPU_FMT_ARGB8888:
		return (struct pixel){ p[2], p[1], p[0], p[3] };
	case VGPU_FMT_XBGR8888:
		return (struct pixel){ p[0], p[1], p[2], 255 };
	case VGPU_FMT_ABGR8888:
		return (struct pixel){ p[0], p[1], p[2], p[3] };
	case VGPU_FMT_RGB565:
		v = p[0] | p[1] << 8;
		return (struct pixel){
			(v >> 11) << 3 | (v >> 13), (v >> 5 & 63) << 2 | (v >> 9 & 3),
			(v & 31) << 3 | (v >> 2 & 7), 255
		};
	}
	return (struct pixel){ p[0], p[0], p[0], 255 };
}

static void store(u8 *p, u32 fmt, struct pixel c)
{
	u32 v;

	switch (fmt) {
	case VGPU_FMT_XRGB8888:
	case VGPU_FMT_ARGB8888:
		p[0] = c.b;
		p[1] = c.g;
		p[2] = c.r;
		p[3] = fmt == VGPU_FMT_ARGB8888 ? c.a : 255;
		break;
	case VGPU_FMT_XBGR8888:
	case VGPU_FMT_ABGR8888:
		p[0] = c.r;
		p[1] = c.g;
		p[2] = c.b;
		p[3] = fmt == VGPU_FMT_ABGR8888 ? c.a : 255;
		break;
	case VGPU_FMT_RGB565:
		v = (c.r >> 3) << 11 | (c.g >> 2) << 5 | c.b >> 3;
		p[0] = v;
		p[1] = v >> 8;
		break;
	default:
		p[0] = (77 * c.r + 150 * c.g + 29 * c.b + 128) >> 8;
	}
}

static u8 over(u8 s, u8 d, u8 alpha)
{
	u32 t = d * (255 - alpha) + 128;

	return min_t(u32, 255, s + ((t + (t >> 8)) >> 8));
}

static u8 bits(u8 s, u8 d, u32 rop)
{
	switch (rop) {
	case VGPU_ROP_NOT:
		return ~s;
	case VGPU_ROP_AND:
		return s & d;
	case VGPU_ROP_OR:
		return s | d;
	case VGPU_ROP_XOR:
		return s ^ d;
	case VGPU_ROP_INVERT:
		return ~d;
	}
	return s;
}

static void row(const struct vgpu_cmd_blit *c, u8 *dst, const u8 *src, u32 n)
{
	u32 sb = vg_pixel_bytes(c->src_fmt), db = vg_pixel_bytes(c->dst_fmt);
	struct pixel s, d = { };

	for (; n--; src += sb, dst += db) {
		s = load(src, c->src_fmt);
		if (c->rop == VGPU_ROP_COPY) {
			store(dst, c->dst_fmt, s);
			continue;
		}
		d = load(dst, c->dst_fmt);
		if (c->rop == VGPU_ROP_OVER)
			d = (struct pixel){ over(s.r, d.r, s.a), over(s.g, d.g, s.a),
					    over(s.b, d.b, s.a), over(s.a, d.a, s.a) };
		else
			d = (struct pixel){ bits(s.r, d.r, c->rop), bits(s.g, d.g, c->rop),
					    bits(s.b, d.b, c->rop), bits(s.a, d.a, c->rop) };
		store(dst, c->dst_fmt, d);
	}
}

int vg_exec_blit(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_blit *c = &x->c.blit;
	u32 sb = vg_pixel_bytes(c->src_fmt), db = vg_pixel_bytes(c->dst_fmt);
	u32 left = VG_PIXELS, n, err;
	const u8 *from;
	u64 src, dst;
	u8 *to;

	while (x->line < c->lines && left) {
		src = c->src + (u64)x->line * c->src_pitch + x->pos * sb;
		dst = c->dst + (u64)x->line * c->dst_pitch + x->pos * db;
		n = min_t(u64, c->width - x->pos, left);
		n = min(vg_run(src, n * sb) / sb, vg_run(dst, n * db) / db);
		err = vg_get(x, m, src, n * sb, &from);
		err = err ?: vg_put_begin(x, m, dst, n * db, c->rop != VGPU_ROP_COPY, &to);
		if (err)
			return err;
		row(c, to, from, n);
		err = vg_put_end(m, dst, to, n * db);
		if (err)
			return err;
		left -= min(left, max(n, SHORTEST));
		x->pos += n;
		if (x->pos == c->width) {
			x->pos = 0;
			x->line++;
		}
	}
	x->units += (VG_PIXELS - left) * (c->rop == VGPU_ROP_OVER ? 4 : 2);
	return x->line == c->lines ? VG_DONE : VG_MORE;
}
