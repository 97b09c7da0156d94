// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer on the decoder and the emulator. The input is a mode, a register
 * file and instruction bytes; beyond memory safety (the sanitizers' part) it
 * checks what the vCPU layer relies on:
 *
 *  - a decoded length is 1..15 and within the bytes given; fewer bytes are asked
 *    to be more, and bytes after the end do not matter;
 *  - whatever does not succeed changes no register but by whole repetitions;
 *  - an instruction whose MMIO reads are answered one at a time, restarting it
 *    each time, ends as it would with all answers at hand.
 */
#include <stdio.h>
#include <stdlib.h>

#include "emulate.h"

#define MAX_ACCESSES	16

struct input {
	u8 mode;
	u8 knobs;
	u8 seed;
	u8 seg_type;
	u32 limit;
	u64 rflags;
	u64 regs[KL_NR_GPRS];
	u8 bytes[24];
};

/* An address decides by itself what is there; its content too. */
enum { NORMAL, MMIO, FAULTING, ABSENT_PAGE, CONTENDED };

struct world {
	struct kl_emul e;
	u64 regs[KL_NR_GPRS];	/* e.regs */
	u8 seed;
	bool by_log;		/* MMIO reads are answered from the log alone */
	unsigned int logged, used;
	unsigned int writes;
	u64 write_hash;
};

#define REQUIRE(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		abort();						\
	}								\
} while (0)

static u64 mix(u64 v)
{
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccdULL;
	v ^= v >> 33;
	v *= 0xc4ceb9fe1a85ec53ULL;
	return v ^ v >> 33;
}

static int kind(const struct world *w, u64 linear)
{
	unsigned int n = mix((linear >> 3) + w->seed) & 31;

	if (n < 10)
		return MMIO;
	return n == 10 ? FAULTING : n == 11 ? ABSENT_PAGE : n == 12 ? CONTENDED : NORMAL;
}

static int refuse(struct world *w, u64 linear)
{
	switch (kind(w, linear)) {
	case FAULTING:
		w->e.exception.vector = KL_EMUL_PF;
		w->e.exception.cr2 = linear;
		return KL_EMUL_FAULT;
	case ABSENT_PAGE:
		return -EFAULT;
	}
	return KL_EMUL_OK;
}

static void check_access(const struct world *w, u64 linear, unsigned int bytes)
{
	REQUIRE(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16);
	if (w->e.mode != KL_MODE_LONG64)
		REQUIRE(linear + bytes <= BIT_ULL(32));
}

static int fuzz_read(struct kl_emul *e, u64 linear, void *data, unsigned int bytes,
		     bool for_write)
{
	struct world *w = (struct world *)e;
	u64 val[2] = { mix(linear ^ w->seed), mix(linear + 1) };
	int ret = refuse(w, linear);

	check_access(w, linear, bytes);
	if (ret)
		return ret;
	if (kind(w, linear) == MMIO) {
		if (w->by_log && w->used == w->logged)
			return KL_EMUL_IO;
		w->used++;
		e->yield = true;
	}
	/* Small values make CMPXCHG and SCAS find what they look for. */
	if (!(linear & 16)) {
		val[0] &= 3;
		val[1] = 0;
	}
	memcpy(data, val, bytes);
	return KL_EMUL_OK;
}

static int fuzz_write(struct kl_emul *e, u64 linear, const void *data, unsigned int bytes)
{
	struct world *w = (struct world *)e;
	u64 val[2] = { 0 };
	int ret = refuse(w, linear);

	check_access(w, linear, bytes);
	if (ret)
		return ret;
	memcpy(val, data, bytes);
	w->writes++;
	w->write_hash = mix(w->write_hash ^ mix(linear ^ bytes) ^ mix(val[0]) ^ mix(val[1] + 1));
	if (kind(w, linear) == MMIO)
		e->yield = true;
	return KL_EMUL_OK;
}

static int fuzz_exchange(struct kl_emul *e, u64 linear, const void *old, const void *new,
			 unsigned int bytes)
{
	if (kind((struct world *)e, linear) == CONTENDED)
		return KL_EMUL_RETRY;
	return fuzz_write(e, linear, new, bytes);
}

static const struct kl_emul_ops fuzz_ops = {
	.read = fuzz_read, .write = fuzz_write, .exchange = fuzz_exchange,
};

static void world_init(struct world *w, const struct input *in, enum kl_mode mode)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->seed = in->seed;
	w->e.ops = &fuzz_ops;
	w->e.regs = w->regs;
	w->e.mode = mode;
	w->e.la57 = in->knobs & 1;
	w->e.align_check = in->knobs & 2;
	memcpy(w->e.regs, in->regs, sizeof(in->regs));
	w->e.rip = mix(in->seed);
	w->e.rflags = (in->rflags & ~(u64)KL_FLAG_RF) | 2;
	if (!(in->knobs & 0x30))	/* often, but not always, where SCAS gets going */
		w->e.regs[KL_RCX] &= 0xff;
	if (mode != KL_MODE_LONG64) {
		for (i = 0; i < KL_NR_GPRS; i++)
			w->e.regs[i] = (u32)w->e.regs[i];
		w->e.rip = (u32)w->e.rip;
	}
	for (i = 0; i < KL_NR_SREGS; i++) {
		struct kl_emul_seg *s = &w->e.segs[i];

		s->base = mode == KL_MODE_LONG64 ? mix(i) >> 20 : (u32)mix(i + in->seed);
		s->type = in->knobs & 8 ? 3 : in->seg_type >> (i & 4);
		s->limit = in->knobs & 4 ? U32_MAX : in->limit;
		s->db = in->seg_type & BIT(i & 7);
		s->unusable = !(in->knobs & 8) && mix(in->seg_type + i) % 16 == 0;
	}
}

static void world_copy(struct world *to, const struct world *from)
{
	*to = *from;
	to->e.regs = to->regs;
}

static bool same_state(const struct world *a, const struct world *b)
{
	return !memcmp(a->regs, b->regs, sizeof(a->regs)) && a->e.rip == b->e.rip &&
	       a->e.rflags == b->e.rflags;
}

static void check_outcome(const struct world *before, const struct world *w, int ret,
			  const struct kl_insn *insn)
{
	u64 changed = before->e.rflags ^ w->e.rflags;

	REQUIRE(w->e.iterations <= KL_EMUL_REP_BYTES / insn->opsize);
	REQUIRE(!(changed & ~(u64)(KL_FLAGS_ARITH | KL_FLAG_RF)));
	if (ret == KL_EMUL_OK) {
		u64 next = before->e.rip + insn->len;

		if (w->e.mode != KL_MODE_LONG64)
			next = (u32)next;
		REQUIRE(w->e.rip == next || (w->e.rip == before->e.rip && w->e.iterations));
		return;
	}
	REQUIRE(ret == KL_EMUL_FAULT || ret == KL_EMUL_IO || ret == KL_EMUL_RETRY ||
		ret == KL_EMUL_FAIL || ret == -EFAULT);
	REQUIRE(w->e.rip == before->e.rip);
	if (!w->e.iterations) {
		REQUIRE(same_state(before, w));
		REQUIRE(!w->writes);
	}
}

static void run(const struct input *in, const struct kl_insn *insn, enum kl_mode mode)
{
	struct world start, whole, steps;
	unsigned int tries;
	int ret, want;

	world_init(&start, in, mode);
	world_copy(&whole, &start);
	want = kl_emul_insn(&whole.e, insn);
	check_outcome(&start, &whole, want, insn);

	world_copy(&steps, &start);
	steps.by_log = true;
	for (tries = 0; ; tries++) {
		REQUIRE(tries <= MAX_ACCESSES);
		steps.used = 0;
		ret = kl_emul_insn(&steps.e, insn);
		check_outcome(&start, &steps, ret, insn);
		if (ret != KL_EMUL_IO)
			break;
		/* After whole repetitions it is another instruction's turn. */
		if (steps.e.iterations)
			return;
		steps.logged++;
	}
	REQUIRE(ret == want);
	REQUIRE(same_state(&whole, &steps));
	REQUIRE(whole.writes == steps.writes && whole.write_hash == steps.write_hash);
	REQUIRE(whole.e.iterations == steps.e.iterations);
}

/* The name under which libFuzzer looks for it. */
int fuzz_one(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

int fuzz_one(const u8 *data, size_t size)
{
	struct input in = { 0 };
	struct kl_insn insn, again;
	enum kl_mode mode;
	unsigned int len, i;
	u8 *exact;
	int ret;

	/* The bytes come first, so that a short input is all instruction. */
	if (size < 2)
		return -1;
	mode = data[0] % (KL_MODE_LONG64 + 1);
	in.knobs = data[1];
	data += 2;
	size -= 2;
	len = size < sizeof(in.bytes) ? size : sizeof(in.bytes);
	memcpy(in.bytes, data, len);
	data += len;
	size -= len;
	if (size > offsetof(struct input, bytes) - offsetof(struct input, seed))
		size = offsetof(struct input, bytes) - offsetof(struct input, seed);
	memcpy(&in.seed, data, size);

	/* Allocated to size, so that a read beyond the end is seen. */
	exact = malloc(len ?: 1);
	memcpy(exact, in.bytes, len);
	ret = kl_decode(&insn, exact, len, mode);
	free(exact);
	REQUIRE(ret == 0 || ret == -EAGAIN || ret == -EOPNOTSUPP || ret == -EILSEQ ||
		ret == -E2BIG);
	REQUIRE(ret != -EAGAIN || len < KL_INSN_MAX);
	if (ret)
		return 0;

	REQUIRE(insn.op > KL_OP_NONE && insn.op < KL_NR_OPS);
	REQUIRE(insn.len >= 1 && insn.len <= KL_INSN_MAX && insn.len <= len);
	for (i = 0; i < insn.len; i++)
		REQUIRE(kl_decode(&again, in.bytes, i, mode) == -EAGAIN);
	REQUIRE(!kl_decode(&again, in.bytes, insn.len, mode));
	REQUIRE(!memcmp(&insn, &again, sizeof(insn)));

	run(&in, &insn, mode);
	return 0;
}
