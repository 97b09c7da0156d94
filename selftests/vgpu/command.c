// SPDX-License-Identifier: GPL-2.0
/*
 * Every command over the ring, on random operands in VRAM and in guest memory: bit
 * for bit what the reference makes of them, and nothing beside them touched. Then
 * the errors, and what goes on between commands.
 */
#include "gpu.h"
#include "reference.h"

static struct vl_vgpu d;
static struct model *m;
static uint8_t *guest;
static int id;

static void bench(uint32_t clock)
{
	uint64_t base;
	uint32_t i;

	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, clock, 2);
	add(id, 1, 1);
	open_slice(&d, 1);
	guest = share(&d, AREA, &base);
	m = malloc(sizeof(*m));
	REQUIRE(m, "memory");
	m->base = base;
	for (i = 0; i < AREA / 4; i++) {
		((uint32_t *)m->guest)[i] = rnd(UINT32_MAX);
		((uint32_t *)m->vram)[i] = rnd(UINT32_MAX);
	}
	memcpy(guest, m->guest, AREA);
	memcpy(d.vram, m->vram, AREA);
}

static void done(void)
{
	free(m);
	close_slice(&d);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

/* A place for so many bytes, in either memory. */
static uint64_t place(uint32_t bytes, uint32_t align)
{
	uint64_t off = rnd((AREA - bytes) / align + 1) * align;

	return rnd(2) ? VGPU_VRAM | off : m->base + off;
}

/* Run it here and there, unless its operands overlap. */
static void try(struct vgpu_cmd c, uint32_t *tried)
{
	uint32_t error = run(&d, c);

	if (error == VGPU_ERR_OVERLAP)
		return;
	REQUIRE(!error, "command 0x%x: error %u", c.op, error);
	model_run(m, &c);
	(*tried)++;
	REQUIRE(!memcmp(guest, m->guest, AREA), "command 0x%x, number %u: guest memory", c.op,
		*tried);
	REQUIRE(!memcmp(d.vram, m->vram, AREA), "command 0x%x, number %u: VRAM", c.op, *tried);
}

static void fill(void)
{
	uint32_t n, tried = 0;

	bench(VGPU_CLOCK_REAL);
	for (n = scale(60, 20); n--;) {
		uint32_t e = 1 << rnd(3), lines = 1 + rnd(60), width = e * (1 + rnd(700));
		uint32_t pitch = width + e * rnd(40);
		struct vgpu_cmd c = { .op = VGPU_OP_FILL };

		c.fill = (struct vgpu_cmd_fill){
			.dst = place(pitch * lines, e), .pitch = pitch, .width = width,
			.lines = lines, .element = e, .pattern = rnd(UINT32_MAX),
		};
		try(c, &tried);
	}
	done();
}

static void copies(void)
{
	uint32_t n, tried = 0;

	bench(VGPU_CLOCK_REAL);
	for (n = scale(80, 24); n--;) {
		uint32_t bytes = 1 + rnd(60000), lines = 1 + rnd(50), width = 1 + rnd(1500);
		uint32_t sp = width + rnd(50), dp = width + rnd(50);
		struct vgpu_cmd c = copy(place(bytes, 1), place(bytes, 1), bytes);

		try(c, &tried);
		c = (struct vgpu_cmd){ .op = VGPU_OP_COPY2D };
		c.copy2d = (struct vgpu_cmd_copy2d){
			.src = place(sp * lines, 1), .dst = place(dp * lines, 1),
			.src_pitch = sp, .dst_pitch = dp, .width = width, .lines = lines,
		};
		try(c, &tried);
	}
	CHECK(tried > 20, "only %u did not overlap", tried);
	done();
}

static void blits(void)
{
	static const uint8_t bytes[VGPU_NR_FMTS] = { 4, 4, 4, 4, 2, 1 };
	uint32_t i, tried = 0, step = scale(1, 5);

	bench(VGPU_CLOCK_REAL);
	for (i = 0; i < VGPU_NR_FMTS * VGPU_NR_FMTS * VGPU_NR_ROPS; i += step) {
		uint32_t sf = i % VGPU_NR_FMTS, df = i / VGPU_NR_FMTS % VGPU_NR_FMTS;
		uint32_t lines = 1 + rnd(20), width = 1 + rnd(300);
		uint32_t sp = bytes[sf] * (width + rnd(9)), dp = bytes[df] * (width + rnd(9));
		struct vgpu_cmd c = { .op = VGPU_OP_BLIT };

		c.blit = (struct vgpu_cmd_blit){
			.src = place(sp * lines, bytes[sf]), .dst = place(dp * lines, bytes[df]),
			.src_pitch = sp, .dst_pitch = dp, .width = width, .lines = lines,
			.src_fmt = sf, .dst_fmt = df, .rop = i / VGPU_NR_FMTS / VGPU_NR_FMTS,
		};
		try(c, &tried);
	}
	CHECK(tried >= VGPU_NR_FMTS * VGPU_NR_FMTS * VGPU_NR_ROPS / step * 3 / 4,
	      "only %u did not overlap", tried);
	done();
}

static void gemms(void)
{
	uint32_t n, tried = 0;

	bench(VGPU_CLOCK_REAL);
	for (n = scale(40, 12); n--;) {
		uint32_t rows = 1 + rnd(70), cols = 1 + rnd(70), k = 1 + rnd(140);
		uint32_t lda = k + rnd(9), ldb = cols + rnd(9), ldc = 4 * (cols + rnd(9));
		struct vgpu_cmd c = { .op = VGPU_OP_GEMM,
				      .flags = rnd(2) ? VGPU_F_ACCUMULATE : 0 };

		c.gemm = (struct vgpu_cmd_gemm){
			.a = place(rows * lda, 1), .b = place(k * ldb, 1),
			.c = place(rows * ldc, 4), .m = rows, .n = cols, .k = k, .lda = lda,
			.ldb = ldb, .ldc = ldc,
		};
		try(c, &tried);
	}
	CHECK(tried >= 8, "only %u did not overlap", tried);
	done();
}

static void reductions(void)
{
	uint32_t n, tried = 0;

	bench(VGPU_CLOCK_REAL);
	for (n = scale(120, 36); n--;) {
		struct vgpu_cmd c = { .op = VGPU_OP_REDUCE + n % 3 };
		uint32_t bytes = 4 * (1 + rnd(12000)) - (n % 3 ? rnd(4) : 0);

		c.reduce = (struct vgpu_cmd_reduce){
			.src = place(bytes, 4), .dst = place(1024, 8), .bytes = bytes,
		};
		if (c.op == VGPU_OP_REDUCE)
			c.reduce.op = rnd(VGPU_NR_REDUCES);
		else if (c.op == VGPU_OP_HISTOGRAM)
			c.flags = rnd(2) ? VGPU_F_ACCUMULATE : 0;
		else
			c.reduce.seed = rnd(2) ? rnd(UINT32_MAX) : 0;
		try(c, &tried);
	}
	CHECK(tried >= 30, "only %u did not overlap", tried);
	done();
}

/* A mix, in a ring that wraps, in VRAM or not, without a look in between. */
static void mixed(void)
{
	struct vgpu_cmd c[64];
	uint32_t round, i;

	bench(VGPU_CLOCK_REAL);
	start(&d, 0, 6);
	for (round = 0; round < scale(10, 4); round++) {
		for (i = 0; i < 40; i++) {
			uint32_t half = AREA / 2;

			memset(&c[i], 0, sizeof(c[i]));
			if (rnd(2)) {
				c[i].op = VGPU_OP_FILL;
				c[i].fill = (struct vgpu_cmd_fill){
					.dst = VGPU_VRAM | rnd(half), .pitch = 3000, .width = 3000,
					.lines = 1 + rnd(10), .element = 1, .pattern = rnd(256),
				};
			} else {
				c[i] = copy(VGPU_VRAM | rnd(half), m->base + rnd(half),
					    1 + rnd(30000));
			}
			submit(&d, 0, c[i]);
			model_run(m, &c[i]);
		}
		EQ(vl_vgpu_finish(&d, 0, MINUTES), 0);
		CHECK(!memcmp(guest, m->guest, AREA) && !memcmp(d.vram, m->vram, AREA),
		      "round %u", round);
	}
	done();
}

static void ring_in_vram(void)
{
	struct vgpu_cmd *ring;
	uint32_t i;

	bench(VGPU_CLOCK_REAL);
	ring = (struct vgpu_cmd *)(d.vram + MIB);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_LO, MIB);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_HI, VGPU_VRAM >> 32);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_ORDER, 2);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
	for (i = 0; i < 10; i++) {
		ring[i % 4] = copy(VGPU_VRAM | 100, VGPU_VRAM | (2000 + i * 100), 100);
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_PUT, i + 1);
		CHECK(q_until(&d, 0, VGPU_Q_GET, i + 1, 20000), "command %u", i);
		CHECK(!memcmp(d.vram + 100, d.vram + 2000 + i * 100, 100), "copy %u", i);
	}
	done();
}

static void bad_rings(void)
{
	static const struct {
		uint64_t ring;
		uint32_t order;
		uint32_t error;
	} bad[] = {
		{ 0x1020, 4, VGPU_ERR_ALIGN },
		{ 0x1000, 1, VGPU_ERR_RANGE },
		{ 0x1000, 17, VGPU_ERR_RANGE },
		{ 0x1000, 0xffffffff, VGPU_ERR_RANGE },
		{ VGPU_VRAM | (16 * MIB - 64), 2, VGPU_ERR_RANGE },
		{ VGPU_VRAM | 16 * MIB, 2, VGPU_ERR_RANGE },
		{ VGPU_VRAM - 64, 2, VGPU_ERR_RANGE },
		{ ~63ULL, 2, VGPU_ERR_RANGE },
	};
	uint32_t i;

	bench(VGPU_CLOCK_REAL);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_LO, bad[i].ring);
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_HI, bad[i].ring >> 32);
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_ORDER, bad[i].order);
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
		CHECK(q_reg(&d, 0, VGPU_Q_ERROR) == bad[i].error, "ring %u: error %u", i,
		      q_reg(&d, 0, VGPU_Q_ERROR));
		EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_HALTED);
	}
	/* A ring that is right but not there. */
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_LO, 0x7f000000);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_HI, 0);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_ORDER, 2);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_PUT, 1);
	CHECK(q_until(&d, 0, VGPU_Q_ERROR, VGPU_ERR_DMA, 20000), "error %u",
	      q_reg(&d, 0, VGPU_Q_ERROR));
	/* PUT too far ahead, and then by exactly the ring. */
	start(&d, 1, 2);
	vl_vgpu_write(&d, VGPU_QUEUE(1) + VGPU_Q_PUT, 5);
	EQ(q_reg(&d, 1, VGPU_Q_ERROR), VGPU_ERR_RING);
	start(&d, 1, 2);
	memset(d.q[1].ring, 0, 4 * 64);
	vl_vgpu_write(&d, VGPU_QUEUE(1) + VGPU_Q_PUT, 4);
	CHECK(q_until(&d, 1, VGPU_Q_GET, 4, 20000), "a full ring does not run");
	vl_vgpu_write(&d, VGPU_QUEUE(1) + VGPU_Q_PUT, 3);
	EQ(q_reg(&d, 1, VGPU_Q_ERROR), VGPU_ERR_RING);
	done();
}

#define CASE(e, opcode, ...) { e, { .op = VGPU_OP_##opcode, __VA_ARGS__ } }
#define V VGPU_VRAM

static const struct {
	uint32_t error;
	struct vgpu_cmd c;
} wrong[] = {
	{ VGPU_ERR_OPCODE, { .op = 0x04 } },
	{ VGPU_ERR_OPCODE, { .op = 0xffffffff } },
	CASE(VGPU_ERR_FLAGS, NOP, .flags = 1),
	CASE(VGPU_ERR_RESERVED, NOP, .raw = { [13] = 1 }),
	CASE(VGPU_ERR_RANGE, COPY, .copy = { V, 0, 0 }),
	CASE(VGPU_ERR_VRAM, COPY, .copy = { V | 16 * MIB, 0x100000, 1 }),
	CASE(VGPU_ERR_VRAM, COPY, .copy = { 0x100000, V | (16 * MIB - 1), 2 }),
	CASE(VGPU_ERR_VRAM, COPY, .copy = { 0x100000, ~0ULL, 2 }),
	CASE(VGPU_ERR_RANGE, COPY, .copy = { V, V - 8, 16 }),
	CASE(VGPU_ERR_OVERLAP, COPY, .copy = { V, V | 8, 9 }),
	CASE(VGPU_ERR_DMA, COPY, .copy = { 0x7f000000, V, 16 }),
	CASE(VGPU_ERR_DMA, COPY, .copy = { V, 0x7f000000, 16 }),
	CASE(VGPU_ERR_ALIGN, FILL, .fill = { V | 2, 4, 4, 1, 4 }),
	CASE(VGPU_ERR_RANGE, FILL, .fill = { V, 4, 8, 1, 4 }),
	CASE(VGPU_ERR_RANGE, BLIT, .blit = { V, V | 4096, 8, 8, 2, 1, VGPU_NR_FMTS }),
	CASE(VGPU_ERR_RANGE, GEMM, .gemm = { V, V, V | 4096, 8, 8, 8, 7, 8, 32 }),
	CASE(VGPU_ERR_ALIGN, REDUCE, .reduce = { V, V | 4, 4 }),
	CASE(VGPU_ERR_RANGE, SPIN, .spin = { 0 }),
	CASE(VGPU_ERR_FAULT, FAULT),
};

/* The queue halts at the command, says why, and goes on after RESET. */
static void errors(void)
{
	uint32_t i;

	bench(VGPU_CLOCK_REAL);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		start(&d, 0, 4);
		submit(&d, 0, spin(1000));
		submit(&d, 0, wrong[i].c);
		EQ(vl_vgpu_finish(&d, 0, MINUTES), -EIO);
		CHECK(q_reg(&d, 0, VGPU_Q_ERROR) == wrong[i].error, "line %u: error %u", i,
		      q_reg(&d, 0, VGPU_Q_ERROR));
		EQ(q_reg(&d, 0, VGPU_Q_GET), 1);
		EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_HALTED);
		/* Nothing but RESET gets it going. */
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
		vl_vgpu_doorbell(&d, 0);
		EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_HALTED);
	}
	EQ(stats(id, 0, -1).faults, ARRAY_SIZE(wrong));
	EQ(stats(id, 0, 1).faults, 0);
	CHECK(!memcmp(d.vram, m->vram, AREA), "something was written");
	done();
}

/* Memory that may only be read; that is only partly there. */
static void guest_memory(void)
{
	uint8_t *mem;

	bench(VGPU_CLOCK_REAL);
	mem = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EQ(vl_vgpu_map(&d, mem, 65536, 0x40000000, false), 0);
	EQ(run(&d, copy(0x40000000, V, 65536)), 0);
	EQ(run(&d, copy(V, 0x40000000, 16)), VGPU_ERR_DMA);
	EQ(run(&d, copy(0x40000000 + 65536 - 8, V, 16)), VGPU_ERR_DMA);
	/* Two mappings side by side are one memory. */
	EQ(vl_vgpu_map(&d, mem, 4096, 0x40010000, true), 0);
	EQ(run(&d, copy(0x4000fff8, V, 16)), 0);
	/* Mapped for the slice, gone for the process. */
	munmap(mem + 8192, 4096);
	EQ(run(&d, copy(0x40002000, V, 16)), VGPU_ERR_DMA);
	EQ(vl_vgpu_unmap(&d, 0x40000000, 65536), 0);
	EQ(run(&d, copy(0x40000000, V, 16)), VGPU_ERR_DMA);
	done();
}

static struct vgpu_cmd sem(uint32_t op, uint32_t flags, uint64_t addr, uint64_t value)
{
	struct vgpu_cmd c = { .op = op, .flags = flags };

	c.sem = (struct vgpu_cmd_sem){ .addr = addr, .value = value };
	return c;
}

/* Two queues, which hand a number to and fro. */
static void semaphores(void)
{
	uint64_t s = V | 0x8000, n = scale(200, 50), i;
	uint64_t *times;

	bench(VGPU_CLOCK_REAL);
	memset(d.vram + 0x8000, 0, 32);
	start(&d, 0, 10);
	start(&d, 1, 10);
	for (i = 0; i < n; i++) {
		submit(&d, 0, sem(VGPU_OP_ACQUIRE, 0, s, 2 * i));
		submit(&d, 0, sem(VGPU_OP_RELEASE, 0, s, 2 * i + 1));
		submit(&d, 1, sem(VGPU_OP_ACQUIRE, VGPU_F_GE, s, 2 * i + 1));
		submit(&d, 1, sem(VGPU_OP_RELEASE, 0, s, 2 * i + 2));
	}
	vl_vgpu_doorbell(&d, 1);
	CHECK(q_until(&d, 1, VGPU_Q_STATUS, VGPU_Q_WAIT, 10000), "queue 1 does not wait");
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_GET, 2 * n, 60000), "queue 0 stands at %u",
	      q_reg(&d, 0, VGPU_Q_GET));
	CHECK(q_until(&d, 1, VGPU_Q_GET, 2 * n, 60000), "queue 1 stands at %u",
	      q_reg(&d, 1, VGPU_Q_GET));
	EQ(*(uint64_t *)(d.vram + 0x8000), 2 * n);
	/* The timestamp is of the engine's clock. */
	submit(&d, 0, sem(VGPU_OP_RELEASE, VGPU_F_TIMESTAMP, m->base, 7));
	EQ(vl_vgpu_finish(&d, 0, MINUTES), 0);
	times = (uint64_t *)guest;
	EQ(times[0], 7);
	CHECK(times[1] <= now_ns() && now_ns() - times[1] < 60 * SECOND, "timestamp %llu",
	      (unsigned long long)times[1]);
	done();
}

/* Waiting takes no engine time: now and then it looks, which is no work. */
static void waiting(void)
{
	struct vgpu_stats before, after;
	uint64_t s = V | 0x8000;

	bench(VGPU_CLOCK_VIRTUAL);
	start(&d, 0, 4);
	memset(d.vram + 0x8000, 0, 32);
	submit(&d, 0, sem(VGPU_OP_ACQUIRE, 0, s, 1));
	before = stats(id, 0, 0);
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_STATUS, VGPU_Q_WAIT, MINUTES), "it does not wait");
	/* It looks, and looks, and looks. */
	do {
		sleep_ms(1);
		after = stats(id, 0, 0);
	} while (after.turns - before.turns < 4);
	EQ(after.busy - before.busy, VGPU_COMMAND_UNITS);
	/* The program itself may release it. */
	*(uint64_t *)(d.vram + 0x8000) = 1;
	EQ(vl_vgpu_finish(&d, 0, MINUTES), 0);
	done();
}

/* On a virtual clock, a work unit is a nanosecond, as the manual says. */
static void units(void)
{
	struct vgpu_stats before, after;
	uint64_t cost;

	bench(VGPU_CLOCK_VIRTUAL);
	start(&d, 0, 4);
	before = stats(id, 0, 0);
	submit(&d, 0, spin(123456));
	EQ(vl_vgpu_finish(&d, 0, MINUTES), 0);
	after = stats(id, 0, 0);
	cost = after.busy - before.busy;
	EQ(cost, 123456 + 2 * VGPU_COMMAND_UNITS);
	EQ(after.units - before.units, cost);
	EQ(after.commands - before.commands, 2);
	before = after;
	submit(&d, 0, copy(V, V | MIB, 40000));
	EQ(vl_vgpu_finish(&d, 0, MINUTES), 0);
	after = stats(id, 0, 0);
	EQ(after.units - before.units, 10000 + 2 * VGPU_COMMAND_UNITS);
	done();
}

/* A GPU that was not made for tests has no commands that do nothing but take time. */
static void no_test_commands(void)
{
	static const uint8_t ops[] = { VGPU_OP_SPIN, VGPU_OP_SPIN_FOREVER, VGPU_OP_FAULT };
	struct vgpu_create c = gpu_args();
	uint32_t i;

	fresh();
	EQ(c.flags, VGPU_CREATE_TESTS);
	c.flags = 0;
	OK(try_create(&c));
	id = c.id;
	add(id, 1, 1);
	open_slice(&d, 1);
	EQ(vl_vgpu_read(&d, VGPU_REG_FEATURES) & VGPU_HAS_TEST, 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EQ(run(&d, (struct vgpu_cmd){ .op = ops[i], .spin = { .ns = !i } }),
		   VGPU_ERR_OPCODE);
	EQ(run(&d, copy(V, V | 4096, 4096)), 0);
	close_slice(&d);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

static const struct test tests[] = {
	{ "fill", fill },
	{ "copies", copies },
	{ "blits", blits },
	{ "gemms", gemms },
	{ "reductions", reductions },
	{ "mixed", mixed },
	{ "ring_in_vram", ring_in_vram },
	{ "bad_rings", bad_rings },
	{ "errors", errors },
	{ "guest_memory", guest_memory },
	{ "semaphores", semaphores },
	{ "waiting", waiting },
	{ "units", units },
	{ "no_test_commands", no_test_commands },
};

TEST_SUITE(tests);
