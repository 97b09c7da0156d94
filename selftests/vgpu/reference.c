// SPDX-License-Identifier: GPL-2.0
/* The commands in plain C on flat memory, from vgpu-isa.rst: slow and obvious. */
#include "gpu.h"
#include "reference.h"

static uint8_t *at(struct model *m, uint64_t addr)
{
	return addr & VGPU_VRAM ? m->vram + (addr & ~VGPU_VRAM) : m->guest + (addr - m->base);
}

static void put(uint8_t *p, uint64_t value, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++)
		p[i] = value >> (8 * i);
}

static uint64_t get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void fill(struct model *m, const struct vgpu_cmd_fill *f)
{
	uint32_t y, x;

	for (y = 0; y < f->lines; y++)
		for (x = 0; x < f->width; x++)
			*at(m, f->dst + (uint64_t)y * f->pitch + x) =
				f->pattern >> (8 * (x % f->element));
}

static void copy2d(struct model *m, const struct vgpu_cmd_copy2d *c)
{
	uint32_t y, x;

	for (y = 0; y < c->lines; y++)
		for (x = 0; x < c->width; x++)
			*at(m, c->dst + (uint64_t)y * c->dst_pitch + x) =
				*at(m, c->src + (uint64_t)y * c->src_pitch + x);
}

static int bytes_of(uint32_t fmt)
{
	return fmt == VGPU_FMT_R8 ? 1 : fmt == VGPU_FMT_RGB565 ? 2 : 4;
}

static bool swapped(uint32_t fmt)
{
	return fmt == VGPU_FMT_XBGR8888 || fmt == VGPU_FMT_ABGR8888;
}

static bool has_alpha(uint32_t fmt)
{
	return fmt == VGPU_FMT_ARGB8888 || fmt == VGPU_FMT_ABGR8888;
}

/* r, g, b, a */
static void unpack(const uint8_t *p, uint32_t fmt, uint32_t c[4])
{
	uint32_t v = get(p, bytes_of(fmt));

	c[3] = 255;
	if (fmt == VGPU_FMT_R8) {
		c[0] = v;
		c[1] = v;
		c[2] = v;
	} else if (fmt == VGPU_FMT_RGB565) {
		c[0] = (v >> 11) * 8 + (v >> 11) / 4;
		c[1] = (v >> 5) % 64 * 4 + (v >> 5) % 64 / 16;
		c[2] = v % 32 * 8 + v % 32 / 4;
	} else {
		c[swapped(fmt) ? 2 : 0] = v >> 16 & 255;
		c[1] = v >> 8 & 255;
		c[swapped(fmt) ? 0 : 2] = v & 255;
		if (has_alpha(fmt))
			c[3] = v >> 24;
	}
}

static void pack(uint8_t *p, uint32_t fmt, const uint32_t c[4])
{
	uint32_t v;

	if (fmt == VGPU_FMT_R8)
		v = (c[0] * 77 + c[1] * 150 + c[2] * 29 + 128) / 256;
	else if (fmt == VGPU_FMT_RGB565)
		v = c[0] / 8 * 2048 + c[1] / 4 * 32 + c[2] / 8;
	else
		v = (has_alpha(fmt) ? c[3] : 255) << 24 | c[swapped(fmt) ? 2 : 0] << 16 |
		    c[1] << 8 | c[swapped(fmt) ? 0 : 2];
	put(p, v, bytes_of(fmt));
}

static uint32_t channel(uint32_t rop, uint32_t s, uint32_t d, uint32_t alpha)
{
	uint32_t over;

	switch (rop) {
	case VGPU_ROP_NOT:
		return 255 - s;
	case VGPU_ROP_AND:
		return s & d;
	case VGPU_ROP_OR:
		return s | d;
	case VGPU_ROP_XOR:
		return s ^ d;
	case VGPU_ROP_INVERT:
		return 255 - d;
	case VGPU_ROP_OVER:
		/* d * (255 - alpha) / 255, rounded */
		over = s + (2 * d * (255 - alpha) + 255) / 510;
		return over > 255 ? 255 : over;
	}
	return s;
}

static void blit(struct model *m, const struct vgpu_cmd_blit *b)
{
	uint32_t s[4], d[4], y, x, i;

	for (y = 0; y < b->lines; y++)
		for (x = 0; x < b->width; x++) {
			uint8_t *to = at(m, b->dst + (uint64_t)y * b->dst_pitch +
					    x * bytes_of(b->dst_fmt));

			unpack(at(m, b->src + (uint64_t)y * b->src_pitch +
				     x * bytes_of(b->src_fmt)), b->src_fmt, s);
			unpack(to, b->dst_fmt, d);
			for (i = 0; i < 4; i++)
				d[i] = channel(b->rop, s[i], d[i], s[3]);
			pack(to, b->dst_fmt, d);
		}
}

static void gemm(struct model *m, const struct vgpu_cmd_gemm *g, bool add)
{
	uint32_t i, j, l;

	for (i = 0; i < g->m; i++)
		for (j = 0; j < g->n; j++) {
			uint8_t *c = at(m, g->c + (uint64_t)i * g->ldc + 4 * j);
			uint32_t sum = add ? get(c, 4) : 0;

			for (l = 0; l < g->k; l++)
				sum += *(int8_t *)at(m, g->a + (uint64_t)i * g->lda + l) *
				       *(int8_t *)at(m, g->b + (uint64_t)l * g->ldb + j);
			put(c, sum, 4);
		}
}

static void reduce(struct model *m, const struct vgpu_cmd_reduce *r)
{
	int64_t best = r->op == VGPU_REDUCE_MIN ? INT64_MAX : INT64_MIN;
	uint64_t sum = 0, i;
	uint32_t v;

	for (i = 0; i < r->bytes; i += 4) {
		v = get(at(m, r->src + i), 4);
		if (r->op == VGPU_REDUCE_SUM)
			sum += v;
		else if (r->op == VGPU_REDUCE_XOR)
			sum ^= v;
		else if (r->op == VGPU_REDUCE_MIN ? (int32_t)v < best : (int32_t)v > best)
			best = (int32_t)v;
	}
	put(at(m, r->dst), r->op <= VGPU_REDUCE_XOR ? sum : (uint64_t)best, 8);
}

static void histogram(struct model *m, const struct vgpu_cmd_reduce *r, bool add)
{
	uint64_t i;
	uint8_t *h;

	if (!add)
		memset(at(m, r->dst), 0, 1024);
	for (i = 0; i < r->bytes; i++) {
		h = at(m, r->dst) + 4 * *at(m, r->src + i);
		put(h, get(h, 4) + 1, 4);
	}
}

static void crc(struct model *m, const struct vgpu_cmd_reduce *r)
{
	uint32_t v = ~r->seed;
	uint64_t i;
	int bit;

	for (i = 0; i < r->bytes; i++) {
		v ^= *at(m, r->src + i);
		for (bit = 0; bit < 8; bit++)
			v = v & 1 ? v >> 1 ^ 0x82f63b78 : v >> 1;
	}
	put(at(m, r->dst), ~v, 4);
}

/* A command that is right, on memory of the model alone. */
void model_run(struct model *m, const struct vgpu_cmd *c)
{
	bool add = c->flags & VGPU_F_ACCUMULATE;

	switch (c->op) {
	case VGPU_OP_FENCE:
		if (c->fence.store)
			put(at(m, c->fence.addr), c->fence.value, 8);
		break;
	case VGPU_OP_RELEASE:
		put(at(m, c->sem.addr), c->sem.value, 8);
		break;
	case VGPU_OP_FILL:
		fill(m, &c->fill);
		break;
	case VGPU_OP_COPY:
		memcpy(at(m, c->copy.dst), at(m, c->copy.src), c->copy.bytes);
		break;
	case VGPU_OP_COPY2D:
		copy2d(m, &c->copy2d);
		break;
	case VGPU_OP_BLIT:
		blit(m, &c->blit);
		break;
	case VGPU_OP_GEMM:
		gemm(m, &c->gemm, add);
		break;
	case VGPU_OP_REDUCE:
		reduce(m, &c->reduce);
		break;
	case VGPU_OP_HISTOGRAM:
		histogram(m, &c->reduce, add);
		break;
	case VGPU_OP_CRC32C:
		crc(m, &c->reduce);
		break;
	}
}
