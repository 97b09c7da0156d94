// SPDX-License-Identifier: GPL-2.0
/*
 * Every command on random operands, against a reference that does the same on a
 * flat copy of all memory the plain way; then all of memory is compared.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "exec.h"

#define GUEST	(128 * 1024u)
#define VRAM	(128 * 1024u)

struct bench {
	struct vg_mem m;
	struct vg_exec x;
	struct rnd_state rnd;
	u8 *guest, *vram;	/* what the engine sees */
	u8 *flat;		/* the reference's: guest, then VRAM */
	u64 time;
	u64 limit;		/* guest memory ends here */
};

static u32 bench_dma(struct vg_mem *m, u64 iova, void *buf, u32 len, bool write)
{
	struct bench *b = container_of(m, struct bench, m);

	if (iova > b->limit || len > b->limit - iova)
		return VGPU_ERR_DMA;
	if (write)
		memcpy(b->guest + iova, buf, len);
	else
		memcpy(buf, b->guest + iova, len);
	return 0;
}

static u8 *bench_vram(struct vg_mem *m, u64 off)
{
	struct bench *b = container_of(m, struct bench, m);

	return off < VRAM ? b->vram + (off & ~(VG_PAGE - 1ull)) : NULL;
}

static u64 bench_now(struct vg_mem *m)
{
	return ++container_of(m, struct bench, m)->time;
}

static u64 bench_spin(struct vg_mem *m, u64 ns)
{
	container_of(m, struct bench, m)->time += ns;
	return ns;
}

static u32 rnd(struct bench *b, u32 below)
{
	return prandom_u32_state(&b->rnd) % below;
}

static int bench_init(struct kunit *test)
{
	struct bench *b = kvzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return -ENOMEM;
	test->priv = b;
	b->m = (struct vg_mem){ bench_dma, bench_vram, bench_now, bench_spin, VRAM };
	b->limit = GUEST;
	b->guest = vmalloc(GUEST);
	b->vram = vmalloc(VRAM);
	b->flat = vmalloc(GUEST + VRAM);
	if (!b->guest || !b->vram || !b->flat)
		return -ENOMEM;
	prandom_seed_state(&b->rnd, 4711);
	prandom_bytes_state(&b->rnd, b->guest, GUEST);
	prandom_bytes_state(&b->rnd, b->vram, VRAM);
	memcpy(b->flat, b->guest, GUEST);
	memcpy(b->flat + GUEST, b->vram, VRAM);
	return 0;
}

static void bench_exit(struct kunit *test)
{
	struct bench *b = test->priv;

	if (!b)
		return;
	vfree(b->guest);
	vfree(b->vram);
	vfree(b->flat);
	kvfree(b);
}

static u8 *flat(struct bench *b, u64 addr)
{
	return b->flat + (addr & VGPU_VRAM ? GUEST : 0) + (addr & ~VGPU_VRAM);
}

/* An address for so many bytes, in either memory. */
static u64 place(struct bench *b, u32 bytes, u32 align)
{
	u64 at = rnd(b, GUEST - bytes + 1) & ~(u64)(align - 1);

	return rnd(b, 2) ? at | VGPU_VRAM : at;
}

/* Run to the end; the first error, or how it ended. Steps must stay in bounds. */
static int run(struct kunit *test, const struct vgpu_cmd *c)
{
	struct bench *b = test->priv;
	u32 err = vg_cmd_check(c, VRAM), steps = 0;
	int ret;

	if (err)
		return err;
	vg_exec_begin(&b->x, c);
	do {
		ret = vg_exec_step(&b->x, &b->m);
		KUNIT_EXPECT_LE(test, b->x.units, VGPU_CHECKPOINT_UNITS + VGPU_COMMAND_UNITS);
		if (++steps > 100000) {
			KUNIT_FAIL(test, "no end of command 0x%x", c->op);
			return VGPU_ERR_HANG;
		}
	} while (ret == VG_MORE);
	return ret;
}

static void compare(struct kunit *test, const struct vgpu_cmd *c)
{
	struct bench *b = test->priv;
	int bad = memcmp(b->guest, b->flat, GUEST) || memcmp(b->vram, b->flat + GUEST, VRAM);

	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "command 0x%x flags 0x%x", c->op, c->flags);
	memcpy(b->flat, b->guest, GUEST);
	memcpy(b->flat + GUEST, b->vram, VRAM);
}

static void exec_fill(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 i, y, x;

	for (i = 0; i < 200; i++) {
		u32 e = 1 << rnd(b, 3), lines = 1 + rnd(b, 40);
		u32 width = e * (1 + rnd(b, 500)), pitch = width + e * rnd(b, 9);
		struct vgpu_cmd c = { .op = VGPU_OP_FILL };

		c.fill = (struct vgpu_cmd_fill){
			.dst = place(b, pitch * lines, e), .pitch = pitch, .width = width,
			.lines = lines, .element = e, .pattern = prandom_u32_state(&b->rnd),
		};
		KUNIT_ASSERT_EQ(test, run(test, &c), 0);
		for (y = 0; y < lines; y++)
			for (x = 0; x < width; x++)
				flat(b, c.fill.dst + y * pitch)[x] =
					c.fill.pattern >> (x % e * 8);
		compare(test, &c);
	}
}

static void exec_copy(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 i, n, err;

	for (i = 0; i < 200; i++) {
		u32 bytes = 1 + rnd(b, i % 8 ? 3000 : 50000);
		struct vgpu_cmd c = { .op = VGPU_OP_COPY };
		u64 src = place(b, bytes, 1), dst = place(b, bytes, 1);
		u64 apart = src > dst ? src - dst : dst - src;

		c.copy = (struct vgpu_cmd_copy){ .src = src, .dst = dst, .bytes = bytes };
		err = run(test, &c);
		if (apart < bytes) {
			KUNIT_EXPECT_EQ(test, err, VGPU_ERR_OVERLAP);
			continue;
		}
		KUNIT_ASSERT_EQ(test, err, 0);
		for (n = 0; n < bytes; n++)
			*flat(b, dst + n) = *flat(b, src + n);
		compare(test, &c);
	}
}

static void exec_copy2d(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 i, y, done = 0;

	for (i = 0; i < 300; i++) {
		u32 lines = 1 + rnd(b, 60), width = 1 + rnd(b, 700);
		u32 sp = width + rnd(b, 50), dp = width + rnd(b, 50);
		struct vgpu_cmd c = { .op = VGPU_OP_COPY2D };

		c.copy2d = (struct vgpu_cmd_copy2d){
			.src = place(b, sp * lines, 1), .dst = place(b, dp * lines, 1),
			.src_pitch = sp, .dst_pitch = dp, .width = width, .lines = lines,
		};
		if (run(test, &c) == VGPU_ERR_OVERLAP)
			continue;
		for (y = 0; y < lines; y++)
			memcpy(flat(b, c.copy2d.dst + y * dp), flat(b, c.copy2d.src + y * sp),
			       width);
		compare(test, &c);
		done++;
	}
	KUNIT_EXPECT_GE(test, done, 150);
}

/* A pixel as 16-bit R, G, B, A; by arithmetic on the whole number. */
static void ref_load(const u8 *p, u32 fmt, u32 v[4])
{
	u32 w = p[0];

	if (vg_pixel_bytes(fmt) > 1)
		w |= p[1] << 8;
	if (vg_pixel_bytes(fmt) > 2)
		w |= p[2] << 16 | (u32)p[3] << 24;
	if (fmt == VGPU_FMT_R8) {
		v[0] = w;
		v[1] = w;
		v[2] = w;
		v[3] = 255;
	} else if (fmt == VGPU_FMT_RGB565) {
		v[0] = (w / 2048) * 8 + (w / 2048) / 4;
		v[1] = (w / 32 % 64) * 4 + (w / 32 % 64) / 16;
		v[2] = (w % 32) * 8 + (w % 32) / 4;
		v[3] = 255;
	} else {
		bool swapped = fmt == VGPU_FMT_XBGR8888 || fmt == VGPU_FMT_ABGR8888;

		v[swapped ? 2 : 0] = w >> 16 & 255;
		v[1] = w >> 8 & 255;
		v[swapped ? 0 : 2] = w & 255;
		v[3] = fmt == VGPU_FMT_ARGB8888 || fmt == VGPU_FMT_ABGR8888 ? w >> 24 : 255;
	}
}

static void ref_store(u8 *p, u32 fmt, const u32 v[4])
{
	bool swapped = fmt == VGPU_FMT_XBGR8888 || fmt == VGPU_FMT_ABGR8888;
	bool alpha = fmt == VGPU_FMT_ARGB8888 || fmt == VGPU_FMT_ABGR8888;
	u32 w, i;

	if (fmt == VGPU_FMT_R8)
		w = (v[0] * 77 + v[1] * 150 + v[2] * 29 + 128) / 256;
	else if (fmt == VGPU_FMT_RGB565)
		w = v[0] / 8 * 2048 + v[1] / 4 * 32 + v[2] / 8;
	else
		w = (alpha ? v[3] : 255) << 24 | v[swapped ? 2 : 0] << 16 | v[1] << 8 |
		    v[swapped ? 0 : 2];
	for (i = 0; i < vg_pixel_bytes(fmt); i++)
		p[i] = w >> (8 * i);
}

static void ref_rop(u32 rop, const u32 s[4], u32 d[4])
{
	u32 i;

	for (i = 0; i < 4; i++) {
		u32 blend = s[i] + (d[i] * (255 - s[3]) * 2 + 255) / 510;

		d[i] = rop == VGPU_ROP_COPY ? s[i] : rop == VGPU_ROP_NOT ? 255 - s[i] :
		       rop == VGPU_ROP_AND ? s[i] & d[i] : rop == VGPU_ROP_OR ? s[i] | d[i] :
		       rop == VGPU_ROP_XOR ? s[i] ^ d[i] : rop == VGPU_ROP_INVERT ? 255 - d[i] :
		       min(blend, 255u);
	}
}

static void exec_blit(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 i, y, x, s[4], d[4], done = 0;

	for (i = 0; i < VGPU_NR_FMTS * VGPU_NR_FMTS * VGPU_NR_ROPS; i++) {
		u32 sf = i % VGPU_NR_FMTS, df = i / VGPU_NR_FMTS % VGPU_NR_FMTS;
		u32 sb = vg_pixel_bytes(sf), db = vg_pixel_bytes(df);
		u32 lines = 1 + rnd(b, 20), width = 1 + rnd(b, 300);
		u32 sp = sb * (width + rnd(b, 5)), dp = db * (width + rnd(b, 5));
		struct vgpu_cmd c = { .op = VGPU_OP_BLIT };

		c.blit = (struct vgpu_cmd_blit){
			.src = place(b, sp * lines, sb), .dst = place(b, dp * lines, db),
			.src_pitch = sp, .dst_pitch = dp, .width = width, .lines = lines,
			.src_fmt = sf, .dst_fmt = df,
			.rop = i / VGPU_NR_FMTS / VGPU_NR_FMTS,
		};
		if (run(test, &c) == VGPU_ERR_OVERLAP)
			continue;
		for (y = 0; y < lines; y++)
			for (x = 0; x < width; x++) {
				u8 *to = flat(b, c.blit.dst + y * dp + x * db);

				ref_load(flat(b, c.blit.src + y * sp + x * sb), sf, s);
				ref_load(to, df, d);
				ref_rop(c.blit.rop, s, d);
				ref_store(to, df, d);
			}
		compare(test, &c);
		done++;
	}
	KUNIT_EXPECT_GE(test, done, 200);
}

static void exec_gemm(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 t, i, j, l, done = 0;

	for (t = 0; t < 40; t++) {
		u32 m = 1 + rnd(b, 70), n = 1 + rnd(b, 70), k = 1 + rnd(b, 140);
		u32 lda = k + rnd(b, 9), ldb = n + rnd(b, 9), ldc = 4 * (n + rnd(b, 9));
		struct vgpu_cmd c = { .op = VGPU_OP_GEMM, .flags = t % 2 ? VGPU_F_ACCUMULATE : 0 };

		c.gemm = (struct vgpu_cmd_gemm){
			.a = place(b, m * lda, 1), .b = place(b, k * ldb, 1),
			.c = place(b, m * ldc, 4), .m = m, .n = n, .k = k,
			.lda = lda, .ldb = ldb, .ldc = ldc,
		};
		if (run(test, &c) == VGPU_ERR_OVERLAP)
			continue;
		for (i = 0; i < m; i++)
			for (j = 0; j < n; j++) {
				u32 *out = (u32 *)flat(b, c.gemm.c + i * ldc + 4 * j);
				s64 sum = 0;

				for (l = 0; l < k; l++)
					sum += (s64)*(s8 *)flat(b, c.gemm.a + i * lda + l) *
					       *(s8 *)flat(b, c.gemm.b + l * ldb + j);
				*out = sum + (t % 2 ? *out : 0);
			}
		compare(test, &c);
		done++;
	}
	KUNIT_EXPECT_GE(test, done, 10);
}

static void exec_reduce(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 t, i;

	for (t = 0; t < 80; t++) {
		struct vgpu_cmd c = { .op = VGPU_OP_REDUCE };
		u32 bytes = 4 * (1 + rnd(b, 12000)), xor = 0;
		s64 lo = S32_MAX, hi = S32_MIN;
		u64 sum = 0;

		c.reduce = (struct vgpu_cmd_reduce){
			.src = place(b, bytes, 4), .dst = place(b, 8, 8), .bytes = bytes,
			.op = t % 4,
		};
		if (run(test, &c) == VGPU_ERR_OVERLAP)
			continue;
		for (i = 0; i < bytes; i += 4) {
			u32 v = *(u32 *)flat(b, c.reduce.src + i);

			sum += v;
			xor ^= v;
			lo = min_t(s64, lo, (s32)v);
			hi = max_t(s64, hi, (s32)v);
		}
		*(u64 *)flat(b, c.reduce.dst) = t % 4 == VGPU_REDUCE_SUM ? sum :
						t % 4 == VGPU_REDUCE_XOR ? xor :
						t % 4 == VGPU_REDUCE_MIN ? lo : hi;
		compare(test, &c);
	}
}

static void exec_histogram(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 t, i;

	for (t = 0; t < 40; t++) {
		struct vgpu_cmd c = {
			.op = VGPU_OP_HISTOGRAM, .flags = t % 2 ? VGPU_F_ACCUMULATE : 0,
		};
		u32 bytes = 1 + rnd(b, 40000), *h;

		c.reduce = (struct vgpu_cmd_reduce){
			.src = place(b, bytes, 1), .dst = place(b, 1024, 8), .bytes = bytes,
		};
		if (run(test, &c) == VGPU_ERR_OVERLAP)
			continue;
		h = (u32 *)flat(b, c.reduce.dst);
		if (!(t % 2))
			memset(h, 0, 1024);
		for (i = 0; i < bytes; i++)
			h[*flat(b, c.reduce.src + i)]++;
		compare(test, &c);
	}
}

/* Bit by bit. */
static u32 ref_crc(u32 crc, const u8 *p, u32 n)
{
	u32 i;

	crc = ~crc;
	while (n--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void exec_crc32c(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 t;

	KUNIT_EXPECT_EQ(test, ref_crc(0, "123456789", 9), 0xe3069283);
	for (t = 0; t < 40; t++) {
		struct vgpu_cmd c = { .op = VGPU_OP_CRC32C };
		u32 bytes = 1 + rnd(b, 40000);

		c.reduce = (struct vgpu_cmd_reduce){
			.src = place(b, bytes, 1), .dst = place(b, 4, 4), .bytes = bytes,
			.seed = t % 2 ? prandom_u32_state(&b->rnd) : 0,
		};
		if (run(test, &c) == VGPU_ERR_OVERLAP)
			continue;
		*(u32 *)flat(b, c.reduce.dst) =
			ref_crc(c.reduce.seed, flat(b, c.reduce.src), bytes);
		compare(test, &c);
	}
}

static void exec_sync(struct kunit *test)
{
	struct bench *b = test->priv;
	struct vgpu_cmd c = { .op = VGPU_OP_RELEASE, .flags = VGPU_F_TIMESTAMP };

	c.sem = (struct vgpu_cmd_sem){ .addr = 0x1000, .value = 7 };
	b->time = 100;
	KUNIT_EXPECT_EQ(test, run(test, &c), 0);
	KUNIT_EXPECT_EQ(test, *(u64 *)(b->guest + 0x1000), 7);
	KUNIT_EXPECT_EQ(test, *(u64 *)(b->guest + 0x1008), 101);
	c = (struct vgpu_cmd){ .op = VGPU_OP_ACQUIRE };
	c.sem = (struct vgpu_cmd_sem){ .addr = 0x1000, .value = 6 };
	KUNIT_EXPECT_EQ(test, run(test, &c), VG_WAIT);
	c.flags = VGPU_F_GE;
	KUNIT_EXPECT_EQ(test, run(test, &c), 0);
	c.sem.value = 8;
	KUNIT_EXPECT_EQ(test, run(test, &c), VG_WAIT);
	*(u64 *)(b->guest + 0x1000) = 8;
	KUNIT_EXPECT_EQ(test, vg_exec_step(&b->x, &b->m), VG_DONE);
	c = (struct vgpu_cmd){ .op = VGPU_OP_FENCE };
	c.fence = (struct vgpu_cmd_fence){ .value = 9, .addr = VGPU_VRAM | 0x80, .store = 1 };
	KUNIT_EXPECT_EQ(test, run(test, &c), 0);
	KUNIT_EXPECT_EQ(test, *(u64 *)(b->vram + 0x80), 9);
	c = (struct vgpu_cmd){ .op = VGPU_OP_SPIN };
	c.spin.ns = 1000000;
	b->time = 0;
	KUNIT_EXPECT_EQ(test, run(test, &c), 0);
	KUNIT_EXPECT_EQ(test, b->time, 1000000);
}

/* Guest memory that ends in the middle of an operand. */
static void exec_dma_error(struct kunit *test)
{
	struct bench *b = test->priv;
	struct vgpu_cmd c = { .op = VGPU_OP_COPY };

	b->limit = 0x8000;
	c.copy = (struct vgpu_cmd_copy){ .src = VGPU_VRAM, .dst = 0, .bytes = 0x10000 };
	KUNIT_EXPECT_EQ(test, run(test, &c), VGPU_ERR_DMA);
	c.copy = (struct vgpu_cmd_copy){ .src = 0, .dst = VGPU_VRAM, .bytes = 0x10000 };
	KUNIT_EXPECT_EQ(test, run(test, &c), VGPU_ERR_DMA);
	c = (struct vgpu_cmd){ .op = VGPU_OP_ACQUIRE };
	c.sem.addr = 0x8000;
	KUNIT_EXPECT_EQ(test, run(test, &c), VGPU_ERR_DMA);
	c = (struct vgpu_cmd){ .op = VGPU_OP_FAULT };
	KUNIT_EXPECT_EQ(test, run(test, &c), VGPU_ERR_FAULT);
}

#define CASE(err, opcode, ...) { err, { .op = VGPU_OP_##opcode, __VA_ARGS__ } }
#define V VGPU_VRAM

static const struct {
	u32 err;
	struct vgpu_cmd c;
} checks[] = {
	{ VGPU_ERR_OPCODE, { .op = 0x04 } },
	{ VGPU_ERR_OPCODE, { .op = 0x73 } },
	{ VGPU_ERR_OPCODE, { .op = 0xffffffff } },
	CASE(VGPU_ERR_FLAGS, NOP, .flags = 1),
	CASE(VGPU_ERR_FLAGS, FENCE, .flags = VGPU_F_TIMESTAMP),
	CASE(VGPU_ERR_FLAGS, COPY, .flags = 1u << 31),
	CASE(VGPU_ERR_RESERVED, NOP, .raw = { 1 }),
	CASE(VGPU_ERR_RESERVED, SPIN_FOREVER, .raw = { [13] = 1 }),
	CASE(VGPU_ERR_RESERVED, COPY, .raw = { [4] = 1, [13] = 1 }),
	CASE(VGPU_ERR_RANGE, COPY, .copy = { V, 0, 0 }),
	CASE(VGPU_ERR_RANGE, COPY, .copy = { V, 0, VGPU_MAX_BYTES + 1 }),
	CASE(VGPU_ERR_RANGE, COPY, .copy = { V, V - 8, 16 }),
	CASE(VGPU_ERR_VRAM, COPY, .copy = { V | VRAM, 0, 1 }),
	CASE(VGPU_ERR_VRAM, COPY, .copy = { V | (VRAM - 1), 0, 2 }),
	CASE(VGPU_ERR_VRAM, COPY, .copy = { 0, ~0ull, 2 }),
	CASE(0, COPY, .copy = { V | (VRAM - 2), 0, 2 }),
	CASE(VGPU_ERR_OVERLAP, COPY, .copy = { 8, 0, 9 }),
	CASE(VGPU_ERR_OVERLAP, COPY, .copy = { V, V | 8, 9 }),
	CASE(0, COPY, .copy = { 8, 0, 8 }),
	CASE(0, COPY, .copy = { V, 0, 100 }),
	CASE(VGPU_ERR_RANGE, FENCE, .fence = { .store = 2 }),
	CASE(VGPU_ERR_ALIGN, FENCE, .fence = { .store = 1, .addr = 4 }),
	CASE(0, FENCE, .fence = { .store = 0, .addr = 4 }),
	CASE(VGPU_ERR_ALIGN, RELEASE, .flags = VGPU_F_TIMESTAMP, .sem = { .addr = 8 }),
	CASE(VGPU_ERR_VRAM, ACQUIRE, .sem = { .addr = V | VRAM }),
	CASE(VGPU_ERR_RANGE, FILL, .fill = { 0, 4, 4, 1, 3 }),
	CASE(VGPU_ERR_RANGE, FILL, .fill = { 0, 4, 8, 1, 4 }),
	CASE(VGPU_ERR_RANGE, FILL, .fill = { 0, 4, 4, 0, 4 }),
	CASE(VGPU_ERR_RANGE, FILL, .fill = { 0, 4, 4, VGPU_MAX_LINES + 1, 4 }),
	CASE(VGPU_ERR_RANGE, FILL, .fill = { 0, VGPU_MAX_PITCH + 4, 4, 1, 4 }),
	CASE(VGPU_ERR_ALIGN, FILL, .fill = { 2, 4, 4, 1, 4 }),
	CASE(VGPU_ERR_ALIGN, FILL, .fill = { 0, 6, 4, 1, 4 }),
	CASE(VGPU_ERR_VRAM, FILL, .fill = { V, 65536, 4, 3, 4 }),
	CASE(0, FILL, .fill = { V, 65536, 65536, 2, 4 }),
	CASE(VGPU_ERR_RANGE, COPY2D, .copy2d = { 0, V, 4, 8, 8, 1 }),
	CASE(VGPU_ERR_RANGE, COPY2D, .copy2d = { 0, V, 8, 4, 8, 1 }),
	CASE(VGPU_ERR_OVERLAP, COPY2D, .copy2d = { 0, 8, 16, 16, 8, 2 }),
	CASE(VGPU_ERR_RANGE, BLIT, .blit = { 0, V, 8, 8, 2, 1, VGPU_NR_FMTS }),
	CASE(VGPU_ERR_RANGE, BLIT, .blit = { 0, V, 8, 8, 2, 1, 0, 0, VGPU_NR_ROPS }),
	CASE(VGPU_ERR_RANGE, BLIT, .blit = { 0, V, 8, 8, 0x80000000, 1 }),
	CASE(VGPU_ERR_ALIGN, BLIT, .blit = { 2, V, 8, 8, 2, 1 }),
	CASE(VGPU_ERR_ALIGN, BLIT, .blit = { 0, V | 1, 8, 8, 2, 1, 0, VGPU_FMT_RGB565 }),
	CASE(0, BLIT, .blit = { 0, V | 1, 8, 8, 2, 1, 0, VGPU_FMT_R8 }),
	CASE(VGPU_ERR_RANGE, GEMM, .gemm = { 0, 64, V, 0, 8, 8, 8, 8, 32 }),
	CASE(VGPU_ERR_RANGE, GEMM, .gemm = { 0, 64, V, 8, 8, 8, 7, 8, 32 }),
	CASE(VGPU_ERR_RANGE, GEMM, .gemm = { 0, 64, V, 8, 8, 8, 8, 8, 28 }),
	CASE(VGPU_ERR_ALIGN, GEMM, .gemm = { 0, 64, V | 2, 8, 8, 8, 8, 8, 32 }),
	CASE(VGPU_ERR_OVERLAP, GEMM, .gemm = { V, 64, V | 60, 8, 8, 8, 8, 8, 32 }),
	CASE(0, GEMM, .gemm = { 0, 0, V, 8, 8, 8, 8, 8, 32 }),
	CASE(VGPU_ERR_RANGE, REDUCE, .reduce = { 0, V, 4, VGPU_NR_REDUCES }),
	CASE(VGPU_ERR_RANGE, REDUCE, .reduce = { 0, V, 4, 0, 1 }),
	CASE(VGPU_ERR_ALIGN, REDUCE, .reduce = { 0, V, 5 }),
	CASE(VGPU_ERR_ALIGN, REDUCE, .reduce = { 0, V | 4, 4 }),
	CASE(VGPU_ERR_RANGE, HISTOGRAM, .reduce = { 0, V, 4, 1 }),
	CASE(VGPU_ERR_VRAM, HISTOGRAM, .reduce = { 0, V | (VRAM - 1016), 4 }),
	CASE(VGPU_ERR_OVERLAP, HISTOGRAM, .reduce = { V | 1023, V, 4 }),
	CASE(VGPU_ERR_ALIGN, CRC32C, .reduce = { 0, V | 2, 4 }),
	CASE(VGPU_ERR_RANGE, SPIN, .spin = { 0 }),
	CASE(VGPU_ERR_RANGE, SPIN, .spin = { VGPU_MAX_SPIN + 1 }),
	CASE(0, SPIN, .spin = { VGPU_MAX_SPIN }),
};

static void cmd_errors(struct kunit *test)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(checks); i++)
		KUNIT_EXPECT_EQ_MSG(test, vg_cmd_check(&checks[i].c, VRAM), checks[i].err,
				    "line %u, command 0x%x", i, checks[i].c.op);
}

/* Many bytes come between two checkpoints, or a few pieces. */
static void exec_checkpoints(struct kunit *test)
{
	struct bench *b = test->priv;
	struct vgpu_cmd c = { .op = VGPU_OP_COPY };

	c.copy = (struct vgpu_cmd_copy){ VGPU_VRAM, VGPU_VRAM | VG_BULK, VG_BULK };
	vg_exec_begin(&b->x, &c);
	KUNIT_EXPECT_EQ(test, vg_exec_step(&b->x, &b->m), VG_DONE);
	c.copy.dst = 0;
	vg_exec_begin(&b->x, &c);
	KUNIT_EXPECT_EQ(test, vg_exec_step(&b->x, &b->m), VG_DONE);

	c = (struct vgpu_cmd){ .op = VGPU_OP_COPY2D };
	c.copy2d = (struct vgpu_cmd_copy2d){ VGPU_VRAM, 0, 10, 10, 1, 5 * VG_PIECES };
	vg_exec_begin(&b->x, &c);
	KUNIT_EXPECT_EQ(test, vg_exec_step(&b->x, &b->m), VG_MORE);
	KUNIT_EXPECT_EQ(test, b->x.line, VG_PIECES);
	KUNIT_EXPECT_EQ(test, b->x.units, VGPU_COMMAND_UNITS + VG_PIECES * 256 / 4);
}

static struct kunit_case exec_cases[] = {
	KUNIT_CASE(cmd_errors),
	KUNIT_CASE(exec_fill),
	KUNIT_CASE(exec_copy),
	KUNIT_CASE(exec_copy2d),
	KUNIT_CASE(exec_blit),
	KUNIT_CASE(exec_gemm),
	KUNIT_CASE(exec_reduce),
	KUNIT_CASE(exec_histogram),
	KUNIT_CASE(exec_crc32c),
	KUNIT_CASE(exec_sync),
	KUNIT_CASE(exec_dma_error),
	KUNIT_CASE(exec_checkpoints),
	{}
};

static struct kunit_suite exec_suite = {
	.name = "vgpu_exec",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = exec_cases,
};

kunit_test_suite(exec_suite);
