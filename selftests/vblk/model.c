// SPDX-License-Identifier: GPL-2.0
/*
 * Images against a model in memory: a long random sequence of all that can be done to
 * one. Then the image is judged by a reader that is not the module, and every volume
 * compared with the model.
 *
 * VBLK_SEED and VBLK_STEPS in the environment choose another sequence.
 */
#include <sys/mman.h>

#include "model.h"

/* Each about so often. */
static const struct {
	unsigned int weight;
	void (*fn)(struct model *m);
	const char *name;
} kinds[] = {
	{ 300, model_write, "write" },
	{ 80, model_read, "read" },
	{ 50, model_discard, "discard" },
	{ 15, model_flush, "flush" },
	{ 4, model_create, "create" },
	{ 12, model_snapshot, "snapshot" },
	{ 8, model_clone, "clone" },
	{ 14, model_delete, "delete" },
	{ 6, model_promote, "promote" },
	{ 6, model_resize, "resize" },
	{ 6, model_diff, "diff" },
};

static void one_step(struct model *m)
{
	unsigned int i, all = 0, n;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		all += kinds[i].weight;
	n = below(&m->seed, all);
	for (i = 0; n >= kinds[i].weight; i++)
		n -= kinds[i].weight;
	if (getenv("VBLK_TRACE"))
		diag("%llu ms: step %lu: %s", (unsigned long long)(now_ns() / 1000000), m->step,
		     kinds[i].name);
	kinds[i].fn(m);
	if (!below(&m->seed, 60)) {
		struct vol *v = model_some(m, true, true);

		model_let_go(v);
	}
	if (!below(&m->seed, 250))
		model_at_rest(m, below(&m->seed, 2));
}

static void run(uint64_t seed, uint64_t bytes, unsigned int shift, unsigned long steps)
{
	struct model m = { .seed = seed, .cluster = 1ULL << shift };
	struct vol *v;

	fresh();
	m.buf = io_buffer(MAX_IO);
	m.buf2 = io_buffer(MAX_IO);
	m.backing = pool_new(bytes, shift);
	m.image = pool_open(m.backing);
	OK(try_delete(m.image, 0));
	model_create(&m);
	for (m.step = 0; m.step < steps && !test_failures(); m.step++)
		one_step(&m);
	model_at_rest(&m, true);
	for (v = m.vol; v < m.vol + ARRAY_SIZE(m.vol); v++)
		if (v->used)
			model_forget(v);
	close(m.image);
	close(m.backing);
	munmap(m.buf, MAX_IO);
	munmap(m.buf2, MAX_IO);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void go(uint64_t bytes, unsigned int shift, unsigned long percent)
{
	unsigned long steps = getenv("LONG") ? 6000 : scale(500, 120);
	uint64_t seed = number("VBLK_SEED", 1);
	unsigned int was;

	steps = number("VBLK_STEPS", steps) * percent / 100;
	diag("seed %llu, %lu steps", (unsigned long long)seed, steps);
	/* The log is folded often, too. */
	was = pool_log_blocks(shift == 14 ? 0 : 1);
	run(seed, bytes, shift, steps);
	pool_log_blocks(was);
}

static void small_clusters(void)
{
	go(256 * MIB, 12, 100);
}

static void middle_clusters(void)
{
	go(256 * MIB, 14, 100);
}

static void large_clusters(void)
{
	go(384 * MIB, 16, 100);
}

/* There is never enough space: ENOSPC, and what follows from it. */
static void no_space(void)
{
	go(24 * MIB, 12, 60);
}

static void no_space_large_clusters(void)
{
	go(32 * MIB, 16, 60);
}

static const struct test tests[] = {
	{ "small_clusters", small_clusters },
	{ "middle_clusters", middle_clusters },
	{ "large_clusters", large_clusters },
	{ "no_space", no_space },
	{ "no_space_large_clusters", no_space_large_clusters },
};

TEST_SUITE(tests);
