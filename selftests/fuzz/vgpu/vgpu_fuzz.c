// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile commands, register accesses and schedules. Commands are random, or nearly
 * right: whatever passes vg_cmd_check() must touch only memory that is there (each page
 * of VRAM is a block of its own, so that the sanitizer sees the next byte), come to a
 * checkpoint in time, and write nothing but its result; what does not pass must touch
 * nothing, which is so because it is not executed.
 *
 * usage: fuzz COUNT SEED
 */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "display.h"
#include "exec.h"
#include "limit.h"
#include "sched.h"

#define PAGES	32u
#define VRAM	(PAGES * VG_PAGE)
#define GUEST	(64u * 1024)
#define STEPS	300

static u64 state;
static u8 *page[PAGES];
static u8 *guest;
static u64 written_from, written_to;	/* guest memory, since the command began */

static void require(bool ok, const char *what, const struct vgpu_cmd *c)
{
	unsigned int i;

	if (ok)
		return;
	fprintf(stderr, "not so: %s\n", what);
	if (c) {
		fprintf(stderr, "op 0x%x flags 0x%x:", c->op, c->flags);
		for (i = 0; i < 14; i++)
			fprintf(stderr, " %08x", c->raw[i]);
		fprintf(stderr, "\n");
	}
	abort();
}

/* xorshift64*: the same numbers on every run. */
static u32 rnd(u32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (u32)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static u32 dma(struct vg_mem *m, u64 iova, void *buf, u32 len, bool write)
{
	(void)m;
	require(len && len <= VG_CHUNK, "a transfer is longer than the bounce buffer", NULL);
	if (iova >= GUEST || len > GUEST - iova)
		return VGPU_ERR_DMA;
	if (write) {
		memcpy(guest + iova, buf, len);
		if (iova < written_from)
			written_from = iova;
		if (iova + len > written_to)
			written_to = iova + len;
	} else {
		memcpy(buf, guest + iova, len);
	}
	return 0;
}

static u8 *vram(struct vg_mem *m, u64 off)
{
	(void)m;
	require(off < VRAM, "a page behind the end of VRAM", NULL);
	/* Sometimes the host has no memory. */
	return rnd(1000) ? page[off / VG_PAGE] : NULL;
}

static u64 now(struct vg_mem *m)
{
	static u64 t;

	(void)m;
	return ++t;
}

static u64 spin(struct vg_mem *m, u64 ns)
{
	(void)m;
	return ns + rnd(3);
}

static u64 address(void)
{
	u64 near = rnd(3) ? rnd(GUEST) : rnd(16) * VG_PAGE - rnd(64);

	switch (rnd(8)) {
	case 0:
		return VGPU_VRAM | (VRAM - rnd(8192));
	case 1:
		return (u64)rnd(0xffffffff) << 32 | rnd(0xffffffff);
	case 2:
	case 3:
	case 4:
		return VGPU_VRAM | near;
	}
	return near;
}

/* A size that is usual, large, or at the edge of what is allowed. */
static u32 size(u32 usual)
{
	switch (rnd(24)) {
	case 0:
		return rnd(0xffffffff);
	case 1:
		return VGPU_MAX_PITCH + 1 - rnd(3);
	case 2:
		return VGPU_MAX_LINES + 1 - rnd(3);
	}
	return rnd(usual);
}

static const u8 ops[] = { 0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22, 0x23, 0x70, 0x71,
			  0x72 };

static void arguments(struct vgpu_cmd *c)
{
	switch (c->op) {
	case VGPU_OP_FENCE:
		c->fence = (struct vgpu_cmd_fence){ rnd(100), address() & ~7ULL, rnd(2) };
		break;
	case VGPU_OP_RELEASE:
	case VGPU_OP_ACQUIRE:
		c->sem = (struct vgpu_cmd_sem){ address() & ~15ULL, rnd(2) };
		break;
	case VGPU_OP_FILL:
		c->fill = (struct vgpu_cmd_fill){ address() & ~3ULL, 4 * size(2000), 4 * size(2000),
						  size(40), 1 << rnd(4), rnd(0xffffffff) };
		break;
	case VGPU_OP_COPY:
		c->copy = (struct vgpu_cmd_copy){ address(), address(), size(40000) };
		break;
	case VGPU_OP_COPY2D:
		c->copy2d = (struct vgpu_cmd_copy2d){ address(), address(), size(4000), size(4000),
						      size(2000), size(30) };
		break;
	case VGPU_OP_BLIT:
		c->blit = (struct vgpu_cmd_blit){ address() & ~3ULL, address() & ~3ULL,
						  4 * size(500), 4 * size(500), size(300), size(20),
						  rnd(7), rnd(7), rnd(8) };
		break;
	case VGPU_OP_GEMM:
		c->gemm = (struct vgpu_cmd_gemm){ address(), address(), address() & ~3ULL, size(40),
						  size(40), size(90), size(200), size(200),
						  4 * size(100) };
		break;
	case VGPU_OP_REDUCE:
	case VGPU_OP_HISTOGRAM:
	case VGPU_OP_CRC32C:
		c->reduce = (struct vgpu_cmd_reduce){ address() & ~7ULL, address() & ~7ULL,
						      4 * size(8000), rnd(5) };
		break;
	case VGPU_OP_SPIN:
		c->spin.ns = size(100000);
		break;
	}
}

static struct vgpu_cmd command(void)
{
	struct vgpu_cmd c = { .op = ops[rnd(sizeof(ops))] };
	u32 i;

	if (!rnd(20)) {
		for (i = 0; i < 14; i++)
			c.raw[i] = rnd(0xffffffff);
		return c;
	}
	if (!rnd(4))
		c.flags = 1U << rnd(6);
	arguments(&c);
	if (!rnd(10))
		c.raw[rnd(14)] ^= 1U << rnd(32);
	return c;
}

/* Where in guest memory a command may write: from, to; the same if nowhere. */
static void result_of(const struct vgpu_cmd *c, u64 *from, u64 *to)
{
	u64 at = ~0ULL, bytes = 0;

	switch (c->op) {
	case VGPU_OP_FENCE:
		at = c->fence.addr;
		bytes = c->fence.store ? 8 : 0;
		break;
	case VGPU_OP_RELEASE:
		at = c->sem.addr;
		bytes = c->flags & VGPU_F_TIMESTAMP ? 16 : 8;
		break;
	case VGPU_OP_FILL:
		at = c->fill.dst;
		bytes = (u64)c->fill.pitch * (c->fill.lines - 1) + c->fill.width;
		break;
	case VGPU_OP_COPY:
		at = c->copy.dst;
		bytes = c->copy.bytes;
		break;
	case VGPU_OP_COPY2D:
		at = c->copy2d.dst;
		bytes = (u64)c->copy2d.dst_pitch * (c->copy2d.lines - 1) + c->copy2d.width;
		break;
	case VGPU_OP_BLIT:
		at = c->blit.dst;
		bytes = (u64)c->blit.dst_pitch * (c->blit.lines - 1) +
			c->blit.width * vg_pixel_bytes(c->blit.dst_fmt);
		break;
	case VGPU_OP_GEMM:
		at = c->gemm.c;
		bytes = (u64)c->gemm.ldc * (c->gemm.m - 1) + c->gemm.n * 4;
		break;
	case VGPU_OP_REDUCE:
	case VGPU_OP_HISTOGRAM:
	case VGPU_OP_CRC32C:
		at = c->reduce.dst;
		bytes = c->op == VGPU_OP_REDUCE ? 8 : c->op == VGPU_OP_CRC32C ? 4 : 1024;
		break;
	}
	*from = at & VGPU_VRAM ? 0 : at;
	*to = at & VGPU_VRAM ? 0 : at + bytes;
}

/* Returns whether it was one. */
static bool one_command(struct vg_exec *x, struct vg_mem *m)
{
	struct vgpu_cmd c = command();
	u32 steps = 0, most;
	u64 from, to;
	int ret;

	if (vg_cmd_check(&c, VRAM))
		return false;
	written_from = ~0ULL;
	written_to = 0;
	vg_exec_begin(x, &c);
	do {
		most = VGPU_CHECKPOINT_UNITS + (steps ? 0 : VGPU_COMMAND_UNITS);
		ret = vg_exec_step(x, m);
		require(x->units <= most, "a step does too much", &c);
	} while (ret == VG_MORE && ++steps < STEPS);
	result_of(&c, &from, &to);
	require(written_to == 0 || (written_from >= from && written_to <= to),
		"something but the result was written", &c);
	return true;
}

static void one_access(struct vg_config *config, struct vg_display *d)
{
	u32 off = rnd(VG_CONFIG_SIZE), len = 1 + rnd(VG_CONFIG_SIZE - off);
	static const u8 widths[] = { 1, 2, 4, 8 };
	u8 buf[VG_MONITOR_REGION];
	struct vg_picture p;
	u32 i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = rnd(3) ? rnd(8) : rnd(256);
	vg_config_write(config, off, buf, len);
	vg_config_read(config, off, buf, len);
	require(config->data[0] == 0x34 && config->data[1] == 0x12, "the vendor has changed", NULL);
	len = widths[rnd(4)];
	off = rnd(4096 / len) * len;
	vg_display_write(d, off, buf, len);
	vg_display_read(d, off, buf, len);
	if (vg_display_picture(d, &p))
		require(p.start % 4096 == 0 && p.start + p.bytes <= VRAM &&
			p.bytes >= (u64)p.stride * (p.height - 1), "a picture behind the end",
			NULL);
	off = rnd(VG_MONITOR_REGION);
	len = 1 + rnd(VG_MONITOR_REGION - off);
	if (rnd(2)) {
		off &= ~3U;
		len = 4;
	}
	if (!vg_monitor_access(off, len))
		return;
	vg_monitor_write(&d->monitor, off, buf, len);
	vg_monitor_read(&d->monitor, off, buf, len);
	require(d->monitor.size <= VG_EDID_MAX, "an EDID that is too long", NULL);
}

/* Any order of events, any settings: whoever gets a turn wants one, and has an end. */
static void one_event(struct vg_sched *s, struct vg_ent *ents, u64 *t)
{
	struct vg_ent *e = &ents[rnd(VGPU_MAX_SLICES)], *next;
	bool there = false;
	u64 turn = 0, wait = 0;
	u32 i;

	for (i = 0; i < s->nr; i++)
		there |= s->ents[i] == e;
	*t += rnd(50) ? rnd(3000000) : (u64)rnd(0xffffffff) << rnd(16);
	switch (rnd(10)) {
	case 0:
		if (there)
			vg_sched_del(s, e, *t);
		else
			vg_sched_add(s, e, *t);
		break;
	case 1:
		vg_sched_change(s, e, 1 + rnd(VGPU_MAX_WEIGHT), 1 + rnd(VGPU_WHOLE_SHARE),
				rnd(VGPU_MAX_PRIORITY + 1), *t);
		break;
	case 2:
		vg_sched_policy(s, rnd(VGPU_NR_POLICIES), *t);
		break;
	case 3:
		vg_sched_pause(s, rnd(2), *t);
		break;
	case 4:
		if (there)
			vg_sched_sleep(s, e, *t);
		break;
	case 5:
	case 6:
		if (there)
			vg_sched_wake(s, e, *t);
		break;
	default:
		next = vg_sched_pick(s, *t, &turn, &wait);
		if (!next)
			break;
		require(next->runnable && turn && turn <= s->quantum, "an odd turn", NULL);
		turn = rnd(10) ? turn : rnd(0xffffffff);
		*t += turn;
		vg_sched_charge(s, next, turn, *t);
	}
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000, i, done = 0;
	struct vg_mem m = { .dma = dma, .vram = vram, .now = now, .spin = spin,
			    .vram_bytes = VRAM };
	struct vg_ent ents[VGPU_MAX_SLICES] = { };
	struct vg_exec *x = calloc(1, sizeof(*x));
	struct vg_display display;
	struct vg_config config;
	struct vg_sched sched;
	u64 t = 1;

	state = (argc > 2 ? strtoull(argv[2], NULL, 0) : 1) * 2 + 1;
	guest = calloc(1, GUEST);
	for (i = 0; i < PAGES; i++)
		page[i] = calloc(1, VG_PAGE);
	for (i = 0; i < VGPU_MAX_SLICES; i++)
		ents[i].weight = VGPU_DEFAULT_WEIGHT;
	vg_config_init(&config, true, VRAM);
	vg_display_init(&display, 1024, 768, VRAM);
	vg_sched_init(&sched, VGPU_POLICY_EQUAL, 1000000, t);
	for (i = 0; i < count; i++) {
		done += one_command(x, &m);
		one_access(&config, &display);
		one_event(&sched, ents, &t);
	}
	printf("TAP version 13\n1..1\n# %lu of %lu commands were good ones\n", done, count);
	/* Or nothing was tried but the checks. */
	printf("%s 1 - hostile commands, accesses and schedules\n",
	       done > count / 10 ? "ok" : "not ok");
	free(x);
	free(guest);
	for (i = 0; i < PAGES; i++)
		free(page[i]);
	return done > count / 10 ? 0 : 1;
}
