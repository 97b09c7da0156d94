// SPDX-License-Identifier: GPL-2.0
/*
 * What the engines of a sliced GPU cost: each kind of command against the same loop in
 * this program, from submit to fence, from slice to slice, many slices against one, and
 * who gets how much. Lines "@@ KEY VALUE…" for bench/gpu.
 */
#include "gpu.h"

#include "exec.h"
#include "virtlite.h"

#define AT	(VGPU_VRAM | 0)
#define TO	(VGPU_VRAM | 4 * MIB)
#define VRAM	(8 * MIB)
#define ROUNDS	5

static uint8_t *memory;		/* the program's own "VRAM" */
static int id;

static u8 *page_of(struct vg_mem *m, u64 off)
{
	(void)m;
	return memory + (off & ~(u64)(VG_PAGE - 1));
}

static const struct row {
	const char *name;
	struct vgpu_cmd c;
} rows[] = {
	{ "fill", { .op = VGPU_OP_FILL, .fill = { AT, 4096, 4096, 64, 4, 0x12345678 } } },
	{ "copy", { .op = VGPU_OP_COPY, .copy = { AT, TO, 256 * KIB } } },
	{ "copy2d", { .op = VGPU_OP_COPY2D, .copy2d = { AT, TO, 4096, 4096, 4000, 64 } } },
	{ "blit", { .op = VGPU_OP_BLIT, .blit = { AT, TO, 1024, 512, 256, 256,
						   VGPU_FMT_ARGB8888, VGPU_FMT_RGB565 } } },
	{ "over", { .op = VGPU_OP_BLIT, .blit = { AT, TO, 1024, 1024, 256, 128,
						   VGPU_FMT_ARGB8888, VGPU_FMT_XRGB8888,
						   VGPU_ROP_OVER } } },
	{ "gemm", { .op = VGPU_OP_GEMM, .gemm = { AT, AT + MIB, TO, 64, 64, 64, 64, 64, 256 } } },
	{ "reduce", { .op = VGPU_OP_REDUCE, .reduce = { AT, TO, 256 * KIB } } },
	{ "histogram", { .op = VGPU_OP_HISTOGRAM, .reduce = { AT, TO, 64 * KIB } } },
	{ "crc32c", { .op = VGPU_OP_CRC32C, .reduce = { AT, TO, 64 * KIB } } },
};

/* The same steps here; the shortest of a few rounds, ns. */
static uint64_t outside(const struct vgpu_cmd *c)
{
	static struct vg_exec x;
	struct vg_mem m = { .vram = page_of, .vram_bytes = VRAM };
	uint64_t best = ~0ULL, begin;
	int i;

	REQUIRE(!vg_cmd_check(c, VRAM), "command 0x%x is none", c->op);
	for (i = 0; i < ROUNDS; i++) {
		begin = now_ns();
		vg_exec_begin(&x, c);
		while (vg_exec_step(&x, &m) == VG_MORE)
			;
		if (now_ns() - begin < best)
			best = now_ns() - begin;
	}
	return best;
}

/* Engine time of one, less that of a FENCE alone. */
static uint64_t inside(struct vl_vgpu *d, const struct vgpu_cmd *c)
{
	uint64_t best = ~0ULL, before, used;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		before = stats(id, 0, 0).busy;
		if (c)
			submit(d, 0, *c);
		REQUIRE(!vl_vgpu_finish(d, 0, MINUTES), "%s", vl_message());
		used = stats(id, 0, 0).busy - before;
		if (used < best)
			best = used;
	}
	return best;
}

static void begin(uint32_t policy, uint32_t slices, struct vl_vgpu *d)
{
	uint32_t i;

	fresh();
	id = new_gpu(slices > 1 ? 16 * MIB : 8 * 16 * MIB, policy, VGPU_CLOCK_REAL, 1);
	for (i = 0; i < slices; i++) {
		add(id, 16, i);
		open_slice(&d[i], i);
	}
}

static void end(uint32_t slices, struct vl_vgpu *d)
{
	while (slices--)
		close_slice(&d[slices]);
	fresh();
}

static void throughput(void)
{
	uint64_t out, in, fence;
	struct vl_vgpu d;
	uint32_t i;

	begin(VGPU_POLICY_BEST_EFFORT, 1, &d);
	start(&d, 0, 6);
	/* Pages are made when they are first touched: not now. */
	memset(d.vram, 1, d.vram_bytes);
	memset(memory, 1, VRAM);
	fence = inside(&d, NULL);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		out = outside(&rows[i].c);
		in = inside(&d, &rows[i].c) - fence;
		printf("@@ op %s %llu %llu\n", rows[i].name, (unsigned long long)in,
		       (unsigned long long)out);
	}
	end(1, &d);
}

static void latency(void)
{
	struct vl_vgpu d;
	uint64_t from;
	int i, n = 200;

	begin(VGPU_POLICY_BEST_EFFORT, 1, &d);
	start(&d, 0, 6);
	REQUIRE(!vl_vgpu_finish(&d, 0, MINUTES), "%s", vl_message());
	from = now_ns();
	for (i = 0; i < n; i++)
		REQUIRE(!vl_vgpu_finish(&d, 0, MINUTES), "%s", vl_message());
	printf("@@ latency %llu\n", (unsigned long long)(now_ns() - from) / n);
	end(1, &d);
}

/* All slices do the same work, together as much as one alone. Returns ns. */
static uint64_t together(uint32_t slices, struct vgpu_cmd c, uint32_t all)
{
	static struct vl_vgpu d[VGPU_MAX_SLICES];
	uint64_t from;
	uint32_t i, k;

	begin(VGPU_POLICY_BEST_EFFORT, slices, d);
	pause_gpu(id, true);
	for (i = 0; i < slices; i++) {
		memset(d[i].vram, 1, d[i].vram_bytes);
		start(&d[i], 0, 9);
		for (k = 0; k < all / slices; k++)
			submit(&d[i], 0, c);
		vl_vgpu_doorbell(&d[i], 0);
	}
	from = now_ns();
	pause_gpu(id, false);
	for (i = 0; i < slices; i++)
		while (q_reg(&d[i], 0, VGPU_Q_GET) != all / slices)
			sleep_ms(1);
	from = now_ns() - from;
	printf("@@ turns %u %llu\n", slices, (unsigned long long)query(id).dispatches);
	end(slices, d);
	return from;
}

static void aggregate(void)
{
	struct vgpu_cmd c = { .op = VGPU_OP_FILL };
	uint32_t n;

	c.fill = (struct vgpu_cmd_fill){ AT, 4096, 4096, 128, 4, 7 };
	for (n = 1; n <= VGPU_MAX_SLICES; n *= 2)
		printf("@@ together %u %llu\n", n, (unsigned long long)together(n, c, 256));
}

/* Weights 1:2:3:4, endless commands, the real clock. */
static void shares(void)
{
	static struct vl_vgpu d[4];
	uint64_t busy[4], all = 0;
	uint32_t i;

	begin(VGPU_POLICY_BEST_EFFORT, 4, d);
	pause_gpu(id, true);
	for (i = 0; i < 4; i++) {
		OK(set_slice(id, i, VGPU_SLICE_WEIGHT, (struct vgpu_slice_set){
			.weight = 1024 * (i + 1) }));
		start(&d[i], 0, 4);
		submit(&d[i], 0, (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER });
		vl_vgpu_doorbell(&d[i], 0);
	}
	pause_gpu(id, false);
	sleep_ms(500);
	pause_gpu(id, true);
	sleep_ms(5);
	for (i = 0; i < 4; i++) {
		busy[i] = stats(id, i, 0).busy;
		all += busy[i];
	}
	for (i = 0; i < 4; i++)
		printf("@@ share %u %llu %llu\n", i + 1, (unsigned long long)busy[i],
		       (unsigned long long)(all * (i + 1) / 10));
	end(4, d);
}

int main(void)
{
	test_init();
	setvbuf(stdout, NULL, _IOLBF, 0);
	memory = mmap(NULL, VRAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	throughput();
	latency();
	aggregate();
	shares();
	return test_failures() ? 1 : 0;
}
