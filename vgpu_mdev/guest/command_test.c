// SPDX-License-Identifier: GPL-2.0
/* KUnit: what a program may make a slice touch, and what a slice may say. */

#include <kunit/test.h>

#include "answer.h"
#include "command.h"

#define BASE	0x10000000ull
#define SIZE	0x10000ull
#define DEVICE	0x7654000ull

/* One buffer, and how much of it the last command could touch. */
struct world {
	u64 first;
	u64 end;
};

static int translate(void *of, u64 *addr, u64 bytes)
{
	struct world *w = of;

	if (*addr < BASE || *addr - BASE >= SIZE || bytes > SIZE - (*addr - BASE))
		return -ERANGE;
	w->first = min(w->first, *addr - BASE);
	w->end = max(w->end, *addr - BASE + bytes);
	*addr += DEVICE - BASE;
	return 0;
}

static int check(struct vgpu_cmd c, struct world *w)
{
	*w = (struct world){ .first = ~0ull };
	return vgg_command(&c, translate, w);
}

static void reach(struct kunit *test)
{
	static const struct {
		struct vgpu_cmd c;
		u64 end;
	} rows[] = {
		{ { VGPU_OP_RELEASE, 0, .sem = { BASE, 1 } }, 8 },
		{ { VGPU_OP_RELEASE, VGPU_F_TIMESTAMP, .sem = { BASE, 1 } }, 16 },
		{ { VGPU_OP_ACQUIRE, VGPU_F_GE, .sem = { BASE, 1 } }, 8 },
		{ { VGPU_OP_FILL, 0, .fill = { BASE, 100, 60, 3, 1, 0 } }, 260 },
		{ { VGPU_OP_COPY, 0, .copy = { BASE, BASE + 1000, 100 } }, 1100 },
		{ { VGPU_OP_COPY2D, 0, .copy2d = { BASE, BASE + 1000, 50, 70, 40, 3 } }, 1180 },
		{ { VGPU_OP_COPY2D, 0, .copy2d = { BASE + 1000, BASE, 50, 70, 40, 3 } }, 1140 },
		{ { VGPU_OP_BLIT, 0, .blit = { BASE, BASE + 4096, 64, 64, 16, 2,
					       VGPU_FMT_R8, VGPU_FMT_RGB565 } }, 4192 },
		{ { VGPU_OP_BLIT, 0, .blit = { BASE + 4096, BASE, 64, 64, 16, 2,
					       VGPU_FMT_ARGB8888, VGPU_FMT_R8 } }, 4224 },
		{ { VGPU_OP_GEMM, 0, .gemm = { BASE, BASE + 100, BASE + 200, 2, 3, 4, 10, 10,
					       100 } }, 312 },
		{ { VGPU_OP_GEMM, 0, .gemm = { BASE + 1000, BASE, BASE, 2, 3, 4, 10, 10,
					       100 } }, 1014 },
		{ { VGPU_OP_GEMM, 0, .gemm = { BASE, BASE + 1000, BASE, 2, 3, 4, 10, 10,
					       100 } }, 1033 },
		{ { VGPU_OP_REDUCE, 0, .reduce = { BASE, BASE + 400, 400 } }, 408 },
		{ { VGPU_OP_REDUCE, 0, .reduce = { BASE + 400, BASE, 400 } }, 800 },
		{ { VGPU_OP_HISTOGRAM, VGPU_F_ACCUMULATE,
		    .reduce = { BASE, BASE + 400, 400 } }, 1424 },
		{ { VGPU_OP_CRC32C, 0, .reduce = { BASE, BASE + 400, 400 } }, 404 },
		{ { VGPU_OP_FENCE, VGPU_F_IRQ, .fence = { 7, BASE, 1 } }, 8 },
		{ { VGPU_OP_FENCE, VGPU_F_IRQ, .fence = { 7, 0, 0 } }, 0 },
		{ { VGPU_OP_NOP }, 0 },
		{ { VGPU_OP_SPIN, 0, .spin = { 5 } }, 0 },
	};
	struct world w;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ_MSG(test, check(rows[i].c, &w), 0, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, w.end, rows[i].end, "row %u", i);
	}
}

/* Nothing that begins or ends outside, however its numbers are chosen. */
static void refused(struct kunit *test)
{
	static const struct {
		struct vgpu_cmd c;
		int ret;
	} rows[] = {
		{ { 0x7f }, -EOPNOTSUPP },
		{ { 0x100 }, -EOPNOTSUPP },
		{ { VGPU_OP_NOP, VGPU_F_IRQ }, -EINVAL },
		{ { VGPU_OP_COPY, 1u << 31, .copy = { BASE, BASE, 1 } }, -EINVAL },
		{ { VGPU_OP_RELEASE, 0, .sem = { BASE + SIZE - 7, 1 } }, -ERANGE },
		{ { VGPU_OP_RELEASE, VGPU_F_TIMESTAMP, .sem = { BASE + SIZE - 8, 1 } }, -ERANGE },
		{ { VGPU_OP_FENCE, 0, .fence = { 7, BASE - 1, 1 } }, -ERANGE },
		{ { VGPU_OP_FENCE, 0, .fence = { 7, BASE, 2 } }, -EINVAL },
		{ { VGPU_OP_COPY, 0, .copy = { 0, BASE, 1 } }, -ERANGE },
		{ { VGPU_OP_COPY, 0, .copy = { BASE, VGPU_VRAM, 1 } }, -ERANGE },
		{ { VGPU_OP_COPY, 0, .copy = { BASE + 1, BASE, ~0ull } }, -ERANGE },
		{ { VGPU_OP_COPY, 0, .copy = { BASE, BASE, SIZE + 1 } }, -ERANGE },
		{ { VGPU_OP_COPY, 0, .copy = { BASE, BASE + SIZE, 0 } }, -ERANGE },
		{ { VGPU_OP_FILL, 0, .fill = { BASE, 4096, 4096, 17, 4 } }, -ERANGE },
		{ { VGPU_OP_FILL, 0, .fill = { BASE, ~0u, 1, ~0u, 1 } }, -EINVAL },
		{ { VGPU_OP_FILL, 0, .fill = { BASE, 1, ~0u, 1, 1 } }, -ERANGE },
		{ { VGPU_OP_BLIT, 0, .blit = { BASE, BASE, 1, 1, 1u << 30, 1, 99, 99 } }, -ERANGE },
		{ { VGPU_OP_GEMM, 0, .gemm = { BASE, BASE, BASE, 1, 1u << 30, 1, 1, 1, 4 } },
		  -ERANGE },
		{ { VGPU_OP_GEMM, 0, .gemm = { BASE, BASE, BASE, ~0u, 1, 1, 1, 1, 4 } }, -EINVAL },
	};
	struct world w;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, check(rows[i].c, &w), rows[i].ret, "row %u", i);
}

/* The device never sees a program's FENCE. */
static void fence(struct kunit *test)
{
	struct vgpu_cmd c = { VGPU_OP_FENCE, VGPU_F_IRQ, .fence = { 7, BASE + 8, 1 } };
	struct world w = { };

	KUNIT_ASSERT_EQ(test, vgg_command(&c, translate, &w), 0);
	KUNIT_EXPECT_EQ(test, c.op, VGPU_OP_RELEASE);
	KUNIT_EXPECT_EQ(test, c.flags, 0);
	KUNIT_EXPECT_EQ(test, c.sem.addr, DEVICE + 8);
	KUNIT_EXPECT_EQ(test, c.sem.value, 7);
	KUNIT_EXPECT_EQ(test, c.sem.pad[0], 0);
}

static const struct vgg_answers right = {
	.id = VGPU_ID, .version = VGPU_ISA_VERSION, .queues = 2, .vram = 0x100000,
	.bar_vram = 0x100000, .bar_regs = VGPU_BAR_REGS_SIZE,
};

static void answers(struct kunit *test)
{
	static const struct {
		u32 offset;
		u32 bytes;
		u64 value;
	} wrong[] = {
		{ offsetof(struct vgg_answers, id), 4, ~0u },
		{ offsetof(struct vgg_answers, version), 4, 0x20000 },
		{ offsetof(struct vgg_answers, queues), 4, 0 },
		{ offsetof(struct vgg_answers, queues), 4, VGPU_MAX_QUEUES + 1 },
		{ offsetof(struct vgg_answers, queues), 4, ~0u },
		{ offsetof(struct vgg_answers, vram), 8, 0 },
		{ offsetof(struct vgg_answers, vram), 8, 0x100001 },
		{ offsetof(struct vgg_answers, vram), 8, 0x101000 },
		{ offsetof(struct vgg_answers, vram), 8, ~0ull },
		{ offsetof(struct vgg_answers, bar_regs), 8, VGPU_BAR_REGS_SIZE - 1 },
	};
	struct vgg_answers a = right;
	u32 i;

	KUNIT_EXPECT_NULL(test, vgg_answers_wrong(&a));
	a.version += 5;
	KUNIT_EXPECT_NULL(test, vgg_answers_wrong(&a));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		a = right;
		memcpy((u8 *)&a + wrong[i].offset, &wrong[i].value, wrong[i].bytes);
		KUNIT_EXPECT_NOT_NULL_MSG(test, vgg_answers_wrong(&a), "row %u", i);
	}
}

static void counters(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, vgg_fence_right(3, 5, 3));
	KUNIT_EXPECT_TRUE(test, vgg_fence_right(3, 5, 5));
	KUNIT_EXPECT_FALSE(test, vgg_fence_right(3, 5, 2));
	KUNIT_EXPECT_FALSE(test, vgg_fence_right(3, 5, 6));
	KUNIT_EXPECT_FALSE(test, vgg_fence_right(3, 5, ~0ull));
	KUNIT_EXPECT_EQ(test, vgg_ring_room(10, 10, 4), 16);
	KUNIT_EXPECT_EQ(test, vgg_ring_room(26, 10, 4), 0);
	KUNIT_EXPECT_EQ(test, vgg_ring_room(5, 0xfffffffb, 4), 6);
	KUNIT_EXPECT_EQ(test, vgg_ring_room(27, 10, 4), -EPROTO);
	KUNIT_EXPECT_EQ(test, vgg_ring_room(10, 11, 4), -EPROTO);
	KUNIT_EXPECT_EQ(test, vgg_ring_room(10, ~0u, 13), 8192 - 11);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(reach),
	KUNIT_CASE(refused),
	KUNIT_CASE(fence),
	KUNIT_CASE(answers),
	KUNIT_CASE(counters),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_guest",
	.test_cases = cases,
};

kunit_test_suite(suite);
