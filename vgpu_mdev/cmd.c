// SPDX-License-Identifier: GPL-2.0
/*
 * Is a command one? All that can be known of it without its operands, in the
 * order that vgpu-isa.rst gives. Pure.
 */

#include "cmd.h"

#define NO_PAD 14

/* What is known of each opcode: the flags, and where its arguments end. */
static const struct rule {
	bool known;
	u32 flags;
	u32 pad;	/* words of raw[] from here on are 0 */
} rules[] = {
	[VGPU_OP_NOP] = { true, 0, 0 },
	[VGPU_OP_FENCE] = { true, VGPU_F_IRQ, 5 },
	[VGPU_OP_RELEASE] = { true, VGPU_F_TIMESTAMP, 4 },
	[VGPU_OP_ACQUIRE] = { true, VGPU_F_GE, 4 },
	[VGPU_OP_FILL] = { true, 0, 7 },
	[VGPU_OP_COPY] = { true, 0, 6 },
	[VGPU_OP_COPY2D] = { true, 0, 8 },
	[VGPU_OP_BLIT] = { true, 0, 11 },
	[VGPU_OP_GEMM] = { true, VGPU_F_ACCUMULATE, 12 },
	[VGPU_OP_REDUCE] = { true, 0, 8 },
	[VGPU_OP_HISTOGRAM] = { true, VGPU_F_ACCUMULATE, 8 },
	[VGPU_OP_CRC32C] = { true, 0, 8 },
	[VGPU_OP_SPIN] = { true, VGPU_F_NOPREEMPT, 2 },
	[VGPU_OP_SPIN_FOREVER] = { true, VGPU_F_NOPREEMPT, 0 },
	[VGPU_OP_FAULT] = { true, 0, 0 },
};

/* An operand: from its first byte to its last. */
struct span {
	u64 addr;
	u64 bytes;
};

/**
 * vg_pixel_bytes() - size of a pixel
 * @fmt: VGPU_FMT_*
 */
u32 vg_pixel_bytes(u32 fmt)
{
	if (fmt == VGPU_FMT_R8)
		return 1;
	return fmt == VGPU_FMT_RGB565 ? 2 : 4;
}

static bool aligned(u64 value, u32 to)
{
	return !(value & (to - 1));
}

static u32 check_span(struct span s, u64 vram)
{
	u64 at = s.addr & ~VGPU_VRAM;

	if (s.addr & VGPU_VRAM)
		return at > vram || s.bytes > vram - at ? VGPU_ERR_VRAM : 0;
	return s.bytes > VGPU_VRAM - at ? VGPU_ERR_RANGE : 0;
}

static bool overlap(struct span a, struct span b)
{
	if ((a.addr ^ b.addr) & VGPU_VRAM)
		return false;
	return a.addr < b.addr ? b.addr - a.addr < a.bytes : a.addr - b.addr < b.bytes;
}

/* An output and up to two inputs, which may overlap one another but not it. */
static u32 check_spans(struct span out, struct span in, struct span in2, u64 vram)
{
	u32 err = check_span(out, vram);

	err = err ?: check_span(in, vram);
	err = err ?: check_span(in2, vram);
	if (err)
		return err;
	if ((in.bytes && overlap(out, in)) || (in2.bytes && overlap(out, in2)))
		return VGPU_ERR_OVERLAP;
	return 0;
}

static const struct span none;

static bool bad_lines(u32 pitch, u64 width, u32 lines)
{
	return !width || width > pitch || pitch > VGPU_MAX_PITCH || !lines ||
	       lines > VGPU_MAX_LINES;
}

static bool bad_bytes(u64 bytes)
{
	return !bytes || bytes > VGPU_MAX_BYTES;
}

static u32 check_sem(const struct vgpu_cmd *c, u64 vram)
{
	u32 size = c->flags & VGPU_F_TIMESTAMP ? 16 : 8;

	if (!aligned(c->sem.addr, size))
		return VGPU_ERR_ALIGN;
	return check_span((struct span){ c->sem.addr, size }, vram);
}

static u32 check_fence(const struct vgpu_cmd *c, u64 vram)
{
	if (c->fence.store > 1)
		return VGPU_ERR_RANGE;
	if (!c->fence.store)
		return 0;
	if (!aligned(c->fence.addr, 8))
		return VGPU_ERR_ALIGN;
	return check_span((struct span){ c->fence.addr, 8 }, vram);
}

static u32 check_fill(const struct vgpu_cmd_fill *f, u64 vram)
{
	u32 e = f->element;

	if (bad_lines(f->pitch, f->width, f->lines) || (e != 1 && e != 2 && e != 4))
		return VGPU_ERR_RANGE;
	if (!aligned(f->dst, e) || !aligned(f->pitch, e) || !aligned(f->width, e))
		return VGPU_ERR_ALIGN;
	return check_span((struct span){ f->dst, vg_extent(f->pitch, f->width, f->lines) }, vram);
}

static u32 check_copy(const struct vgpu_cmd_copy *p, u64 vram)
{
	if (bad_bytes(p->bytes))
		return VGPU_ERR_RANGE;
	return check_spans((struct span){ p->dst, p->bytes }, (struct span){ p->src, p->bytes },
			   none, vram);
}

static u32 check_copy2d(const struct vgpu_cmd_copy2d *p, u64 vram)
{
	if (bad_lines(p->src_pitch, p->width, p->lines) ||
	    bad_lines(p->dst_pitch, p->width, p->lines))
		return VGPU_ERR_RANGE;
	return check_spans((struct span){ p->dst, vg_extent(p->dst_pitch, p->width, p->lines) },
			   (struct span){ p->src, vg_extent(p->src_pitch, p->width, p->lines) },
			   none, vram);
}

static u32 check_blit(const struct vgpu_cmd_blit *b, u64 vram)
{
	u64 src_width, dst_width;
	u32 sb, db;

	if (b->src_fmt >= VGPU_NR_FMTS || b->dst_fmt >= VGPU_NR_FMTS || b->rop >= VGPU_NR_ROPS)
		return VGPU_ERR_RANGE;
	sb = vg_pixel_bytes(b->src_fmt);
	db = vg_pixel_bytes(b->dst_fmt);
	src_width = (u64)b->width * sb;
	dst_width = (u64)b->width * db;
	if (bad_lines(b->src_pitch, src_width, b->lines) ||
	    bad_lines(b->dst_pitch, dst_width, b->lines))
		return VGPU_ERR_RANGE;
	if (!aligned(b->src, sb) || !aligned(b->src_pitch, sb) || !aligned(b->dst, db) ||
	    !aligned(b->dst_pitch, db))
		return VGPU_ERR_ALIGN;
	return check_spans((struct span){ b->dst, vg_extent(b->dst_pitch, dst_width, b->lines) },
			   (struct span){ b->src, vg_extent(b->src_pitch, src_width, b->lines) },
			   none, vram);
}

static u32 check_gemm(const struct vgpu_cmd_gemm *g, u64 vram)
{
	if (!g->m || !g->n || !g->k || g->m > VGPU_MAX_GEMM || g->n > VGPU_MAX_GEMM ||
	    g->k > VGPU_MAX_GEMM)
		return VGPU_ERR_RANGE;
	if (bad_lines(g->lda, g->k, g->m) || bad_lines(g->ldb, g->n, g->k) ||
	    bad_lines(g->ldc, (u64)g->n * 4, g->m))
		return VGPU_ERR_RANGE;
	if (!aligned(g->c, 4) || !aligned(g->ldc, 4))
		return VGPU_ERR_ALIGN;
	return check_spans((struct span){ g->c, vg_extent(g->ldc, g->n * 4, g->m) },
			   (struct span){ g->a, vg_extent(g->lda, g->k, g->m) },
			   (struct span){ g->b, vg_extent(g->ldb, g->n, g->k) }, vram);
}

static u32 check_reduce(const struct vgpu_cmd *c, u64 vram)
{
	const struct vgpu_cmd_reduce *r = &c->reduce;
	u32 in = 1, out = 4, size = 4;

	if (c->op == VGPU_OP_REDUCE) {
		in = 4;
		out = 8;
		size = 8;
	} else if (c->op == VGPU_OP_HISTOGRAM) {
		out = 8;
		size = 1024;
	}
	if (bad_bytes(r->bytes) || (c->op == VGPU_OP_REDUCE ? r->op >= VGPU_NR_REDUCES : r->op) ||
	    (c->op != VGPU_OP_CRC32C && r->seed))
		return VGPU_ERR_RANGE;
	if (!aligned(r->src, in) || !aligned(r->bytes, in) || !aligned(r->dst, out))
		return VGPU_ERR_ALIGN;
	return check_spans((struct span){ r->dst, size }, (struct span){ r->src, r->bytes }, none,
			   vram);
}

/**
 * vg_cmd_check() - may a command be executed?
 * @c: the command, a copy that nobody changes
 * @vram: bytes of VRAM
 *
 * Return: 0 or VGPU_ERR_*.
 */
u32 vg_cmd_check(const struct vgpu_cmd *c, u64 vram)
{
	const struct rule *r;
	u32 i;

	if (c->op >= ARRAY_SIZE(rules) || !rules[c->op].known)
		return VGPU_ERR_OPCODE;
	r = &rules[c->op];
	if (c->flags & ~r->flags)
		return VGPU_ERR_FLAGS;
	for (i = r->pad; i < NO_PAD; i++)
		if (c->raw[i])
			return VGPU_ERR_RESERVED;
	switch (c->op) {
	case VGPU_OP_FENCE:
		return check_fence(c, vram);
	case VGPU_OP_RELEASE:
	case VGPU_OP_ACQUIRE:
		return check_sem(c, vram);
	case VGPU_OP_FILL:
		return check_fill(&c->fill, vram);
	case VGPU_OP_COPY:
		return check_copy(&c->copy, vram);
	case VGPU_OP_COPY2D:
		return check_copy2d(&c->copy2d, vram);
	case VGPU_OP_BLIT:
		return check_blit(&c->blit, vram);
	case VGPU_OP_GEMM:
		return check_gemm(&c->gemm, vram);
	case VGPU_OP_REDUCE:
	case VGPU_OP_HISTOGRAM:
	case VGPU_OP_CRC32C:
		return check_reduce(c, vram);
	case VGPU_OP_SPIN:
		return !c->spin.ns || c->spin.ns > VGPU_MAX_SPIN ? VGPU_ERR_RANGE : 0;
	}
	return 0;
}
