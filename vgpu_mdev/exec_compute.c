// SPDX-License-Identifier: GPL-2.0
/* Computing: GEMM, REDUCE, HISTOGRAM, CRC32C. Integers only. Pure. */

#include "exec.h"

/* A tile of C, as it is or zeroes, into the state or back. */
static u32 tile_io(struct vg_exec *x, struct vg_mem *m, u32 rows, u32 cols, bool write)
{
	const struct vgpu_cmd_gemm *g = &x->c.gemm;
	u32 r, err;
	u64 addr;

	for (r = 0; r < rows; r++) {
		addr = g->c + (u64)(x->i + r) * g->ldc + 4ull * x->j;
		if (write)
			err = vg_write(m, addr, &x->tile[r * VG_TILE], cols * 4);
		else
			err = vg_read(m, addr, &x->tile[r * VG_TILE], cols * 4);
		if (err)
			return err;
	}
	return 0;
}

static void multiply(u32 *tile, const s8 *a, const s8 *b, u32 rows, u32 cols, u32 depth)
{
	u32 r, c, l;

	for (r = 0; r < rows; r++)
		for (l = 0; l < depth; l++) {
			s32 v = a[r * VG_DEPTH + l];

			for (c = 0; c < cols; c++)
				tile[r * VG_TILE + c] += v * b[l * VG_TILE + c];
		}
}

/* A block of A and one of B, packed. */
static u32 load_blocks(struct vg_exec *x, struct vg_mem *m, u32 rows, u32 cols, u32 depth)
{
	const struct vgpu_cmd_gemm *g = &x->c.gemm;
	u32 r, err;

	for (r = 0; r < rows; r++) {
		err = vg_read(m, g->a + (u64)(x->i + r) * g->lda + x->l, x->in + r * VG_DEPTH,
			      depth);
		if (err)
			return err;
	}
	for (r = 0; r < depth; r++) {
		err = vg_read(m, g->b + (u64)(x->l + r) * g->ldb + x->j, x->out + r * VG_TILE,
			      cols);
		if (err)
			return err;
	}
	return 0;
}

int vg_exec_gemm(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_gemm *g = &x->c.gemm;
	u32 rows = min(VG_TILE, g->m - x->i), cols = min(VG_TILE, g->n - x->j);
	u32 depth = min(VG_DEPTH, g->k - x->l), err;

	if (!x->l) {
		memset(x->tile, 0, sizeof(x->tile));
		err = x->c.flags & VGPU_F_ACCUMULATE ? tile_io(x, m, rows, cols, false) : 0;
		if (err)
			return err;
	}
	err = load_blocks(x, m, rows, cols, depth);
	if (err)
		return err;
	multiply(x->tile, (s8 *)x->in, (s8 *)x->out, rows, cols, depth);
	x->units += DIV_ROUND_UP(rows * cols * depth, 2);
	x->l += depth;
	if (x->l < g->k)
		return VG_MORE;

	err = tile_io(x, m, rows, cols, true);
	if (err)
		return err;
	x->l = 0;
	x->j += cols;
	if (x->j == g->n) {
		x->j = 0;
		x->i += rows;
	}
	return x->i == g->m ? VG_DONE : VG_MORE;
}

static void reduce(struct vg_exec *x, const u32 *v, u32 n)
{
	s64 best = x->acc;
	u64 sum = x->acc;
	u32 i;

	switch (x->c.reduce.op) {
	case VGPU_REDUCE_SUM:
		for (i = 0; i < n; i++)
			sum += v[i];
		x->acc = sum;
		break;
	case VGPU_REDUCE_XOR:
		for (i = 0; i < n; i++)
			sum ^= v[i];
		x->acc = sum;
		break;
	case VGPU_REDUCE_MIN:
		for (i = 0; i < n; i++)
			best = min_t(s64, best, (s32)v[i]);
		x->acc = best;
		break;
	case VGPU_REDUCE_MAX:
		for (i = 0; i < n; i++)
			best = max_t(s64, best, (s32)v[i]);
		x->acc = best;
		break;
	}
}

/* A nibble at a time: the table fits anywhere, and is checked by the tests. */
static const u32 crc_nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static u32 crc32c(u32 crc, const u8 *p, u32 n)
{
	while (n--) {
		crc ^= *p++;
		crc = crc >> 4 ^ crc_nibble[crc & 15];
		crc = crc >> 4 ^ crc_nibble[crc & 15];
	}
	return crc;
}

static void first(struct vg_exec *x)
{
	const struct vgpu_cmd_reduce *r = &x->c.reduce;

	switch (x->c.op) {
	case VGPU_OP_REDUCE:
		if (r->op == VGPU_REDUCE_MIN)
			x->acc = 0x7fffffff;
		else if (r->op == VGPU_REDUCE_MAX)
			x->acc = (s64)-0x80000000LL;
		return;
	case VGPU_OP_CRC32C:
		x->acc = ~r->seed;
		return;
	}
	memset(x->hist, 0, sizeof(x->hist));
}

static u32 last(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_reduce *r = &x->c.reduce;
	u32 crc = ~(u32)x->acc, i, err;
	u32 *there = (u32 *)x->out;

	switch (x->c.op) {
	case VGPU_OP_REDUCE:
		return vg_write(m, r->dst, &x->acc, 8);
	case VGPU_OP_CRC32C:
		return vg_write(m, r->dst, &crc, 4);
	}
	if (x->c.flags & VGPU_F_ACCUMULATE) {
		err = vg_read(m, r->dst, there, sizeof(x->hist));
		if (err)
			return err;
		for (i = 0; i < 256; i++)
			x->hist[i] += there[i];
	}
	return vg_write(m, r->dst, x->hist, sizeof(x->hist));
}

/* REDUCE, HISTOGRAM and CRC32C: a chunk. */
int vg_exec_reduce(struct vg_exec *x, struct vg_mem *m)
{
	const struct vgpu_cmd_reduce *r = &x->c.reduce;
	u32 left = VG_CHUNK, n, i, err;
	const u8 *p;

	if (!x->pos)
		first(x);
	while (x->pos < r->bytes && left) {
		n = vg_run(r->src + x->pos, min_t(u64, r->bytes - x->pos, left));
		err = vg_get(x, m, r->src + x->pos, n, &p);
		if (err)
			return err;
		if (x->c.op == VGPU_OP_REDUCE)
			reduce(x, (const u32 *)p, n / 4);
		else if (x->c.op == VGPU_OP_CRC32C)
			x->acc = crc32c(x->acc, p, n);
		else
			for (i = 0; i < n; i++)
				x->hist[p[i]]++;
		x->pos += n;
		left -= n;
	}
	n = VG_CHUNK - left;
	x->units += x->c.op == VGPU_OP_REDUCE ? DIV_ROUND_UP(n, 4) : n;
	if (x->pos < r->bytes)
		return VG_MORE;
	return last(x, m);
}
