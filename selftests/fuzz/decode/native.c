// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator against this machine's CPU: random instructions from the
 * emulated set run in both, on the same registers and memory, in 64-bit, 32-bit
 * and 16-bit mode; registers, flags and all of memory must agree afterwards.
 * Encodings that kl_decode() says are #UD must raise it.
 *
 *	native [-n COUNT] [-s SEED]
 */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "emulate.h"
#include "native.h"

#define CODE	0x10000000UL
#define BUF	0x20000000UL
#define BUF_LEN	0x10000UL
#define GS_BASE	0x123456UL
#define LOW	0x1000		/* operands aim between these offsets in the buffer */
#define HIGH	0xe000

#define USER32_CS	0x23
#define USER_DS		0x2b
#define USER_CS		0x33
#define LDT_CS16	0x07
#define LDT_DS16	0x0f

struct native_state native_state;

/* One generated instruction. */
struct sample {
	enum kl_mode mode;
	u8 bytes[32];
	unsigned int len;
	unsigned int disp_pos;	/* 0 if none */
	unsigned int disp_len;
	struct kl_insn insn;
};

static u64 rng_state;
static u8 before[BUF_LEN];	/* memory as both start with it */
static u8 emulated[BUF_LEN];
static sig_atomic_t running;	/* the code under test is */
static int native_signal;
static bool have_ldt;

static u64 rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

static unsigned int below(unsigned int n)
{
	return (rnd() >> 33) % n;
}

static bool percent(unsigned int p)
{
	return below(100) < p;
}

/* Values at which flags change come up more often than by chance. */
static u64 rnd_value(void)
{
	static const u64 corners[] = {
		0, 1, ~0ULL, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0x0f, 0x10,
	};

	return percent(40) ? corners[below(ARRAY_SIZE(corners))] : rnd();
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	(void)info;

	if (!running) {
		signal(sig, SIG_DFL);
		return;
	}
	native_signal = sig;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)native_fault;
	/* Nothing may depend on where the code under test has left its stack. */
	uc->uc_mcontext.gregs[REG_RSP] = (greg_t)host_rsp;
	uc->uc_mcontext.gregs[REG_CSGSFS] = USER_CS | (u64)USER_DS << 48;
	uc->uc_mcontext.gregs[REG_EFL] = 0x202;
}

/* The emulator's memory: the buffer, by the linear addresses it has natively. */
static int mem_check(struct kl_emul *e, u64 linear, unsigned int bytes)
{
	if (linear < BUF || linear + bytes > BUF + BUF_LEN) {
		e->exception.vector = KL_EMUL_PF;
		return KL_EMUL_FAULT;
	}
	return 0;
}

static int mem_read(struct kl_emul *e, u64 linear, void *data, unsigned int bytes,
		    bool for_write)
{
	(void)for_write;
	if (mem_check(e, linear, bytes))
		return KL_EMUL_FAULT;
	memcpy(data, emulated + (linear - BUF), bytes);
	return 0;
}

static int mem_write(struct kl_emul *e, u64 linear, const void *data, unsigned int bytes)
{
	if (mem_check(e, linear, bytes))
		return KL_EMUL_FAULT;
	memcpy(emulated + (linear - BUF), data, bytes);
	return 0;
}

static int mem_exchange(struct kl_emul *e, u64 linear, const void *old, const void *new,
			unsigned int bytes)
{
	if (mem_check(e, linear, bytes))
		return KL_EMUL_FAULT;
	if (memcmp(emulated + (linear - BUF), old, bytes))
		return KL_EMUL_RETRY;
	return mem_write(e, linear, new, bytes);
}

static const struct kl_emul_ops mem_ops = {
	.read = mem_read, .write = mem_write, .exchange = mem_exchange,
};

/* Opcodes with a ModRM byte; the high byte says 0F, reg says which group members. */
static const struct {
	u16 opcode;
	u8 members;	/* of a group, as a bit mask; 0 = any ModRM.reg */
	u8 imm;		/* 1: byte, 2: operand size, 3: TEST's, members 0 and 1 */
	u8 more;	/* opcodes that follow and are the same: conditions */
} modrm_opcodes[] = {
	{ 0x63 }, { 0x80, 0xff, 1 }, { 0x81, 0xff, 2 }, { 0x83, 0xff, 1 }, { 0x82, 0xff, 1 },
	{ 0x84 }, { 0x85 }, { 0x86 }, { 0x87 }, { 0x88 }, { 0x89 }, { 0x8a }, { 0x8b },
	{ 0x8f, 0x01 }, { 0xc6, 0x01, 1 }, { 0xc7, 0x01, 2 },
	{ 0xf6, 0x0f, 3 }, { 0xf7, 0x0f, 3 }, { 0xfe, 0x03 }, { 0xff, 0x43 },
	{ 0x0fa3 }, { 0x0fab }, { 0x0fb3 }, { 0x0fbb }, { 0x0fba, 0xf0, 1 },
	{ 0x0fb0 }, { 0x0fb1 }, { 0x0fb6 }, { 0x0fb7 }, { 0x0fbe }, { 0x0fbf },
	{ 0x0fc0 }, { 0x0fc1 }, { 0x0fc3 }, { 0x0fc7, 0x02 },
	{ 0x0f40, .more = 15 }, { 0x0f90, .more = 15 },
};

static void emit(struct sample *s, u64 value, unsigned int n)
{
	while (n--) {
		s->bytes[s->len++] = value;
		value >>= 8;
	}
}

static void emit_disp(struct sample *s, unsigned int n)
{
	s->disp_pos = s->len;
	s->disp_len = n;
	emit(s, rnd(), n);
}

static void emit_modrm(struct sample *s, u8 modrm, unsigned int adsize)
{
	u8 mod = modrm >> 6, rm = modrm & 7, sib;

	emit(s, modrm, 1);
	if (mod == 3)
		return;
	if (adsize == 2) {
		if (mod || rm == 6)
			emit_disp(s, mod == 1 ? 1 : 2);
		return;
	}
	if (rm == 4) {
		sib = rnd() >> 20;
		emit(s, sib, 1);
		rm = sib & 7;
	}
	if (mod == 1)
		emit_disp(s, 1);
	else if (mod == 2 || rm == 5)
		emit_disp(s, 4);
}

static void generate(struct sample *s)
{
	static const u8 segs[] = { 0x3e, 0x26, 0x36, 0x65, 0x2e };
	bool long64 = s->mode == KL_MODE_LONG64, is_mem = true;
	bool op66 = percent(25), op67 = percent(20), string = percent(20);
	unsigned int adsize, opsize, i;
	u8 rex = 0;

	s->len = 0;
	s->disp_pos = 0;
	if (percent(15)) {
		u8 seg = segs[below(ARRAY_SIZE(segs))];

		/* GS has its test base in 64-bit mode only. */
		emit(s, seg == 0x65 && !long64 ? 0x3e : seg, 1);
	}
	if (op67)
		emit(s, 0x67, 1);
	if (percent(string ? 70 : 3))
		emit(s, percent(50) ? 0xf2 : 0xf3, 1);
	if (op66)
		emit(s, 0x66, 1);
	if (percent(12))
		emit(s, 0xf0, 1);
	if (long64 && percent(60)) {
		rex = 0x40 | below(16);
		emit(s, rex, 1);
	}
	adsize = long64 ? (op67 ? 4 : 8) : (op67 == (s->mode == KL_MODE_PROT32)) ? 2 : 4;
	opsize = op66 == (s->mode >= KL_MODE_PROT32) ? 2 : 4;
	if (rex & 8)
		opsize = 4;	/* of immediates */

	if (string) {
		static const u8 ops[] = { 0xa4, 0xa6, 0xaa, 0xac, 0xae };

		emit(s, ops[below(ARRAY_SIZE(ops))] + below(2), 1);
		return;
	}
	i = below(100);
	if (i < 5) {			/* moffs */
		emit(s, 0xa0 + below(4), 1);
		emit_disp(s, adsize);
		return;
	}
	if (i < 10) {			/* accumulator, immediate */
		u8 op = percent(20) ? 0xa8 + below(2) : below(8) * 8 + 4 + below(2);

		emit(s, op, 1);
		emit(s, rnd_value(), op & 1 ? opsize : 1);
		return;
	}
	is_mem = percent(80);
	if (i < 35) {			/* ALU r/m, r and r, r/m */
		emit(s, below(8) * 8 + below(4), 1);
		emit_modrm(s, is_mem ? below(0xc0) : 0xc0 + below(0x40), adsize);
		return;
	}
	i = below(ARRAY_SIZE(modrm_opcodes));
	{
		u16 op = modrm_opcodes[i].opcode + below(modrm_opcodes[i].more + 1);
		u8 modrm = is_mem ? below(0xc0) : 0xc0 + below(0x40), reg, imm;

		while (modrm_opcodes[i].members &&
		       !(modrm_opcodes[i].members & BIT(modrm >> 3 & 7)))
			modrm = (modrm & 0xc7) | below(8) << 3;
		reg = modrm >> 3 & 7;
		imm = modrm_opcodes[i].imm;
		if (imm == 3)
			imm = reg > 1 ? 0 : op & 1 ? 2 : 1;
		if (op > 0xff)
			emit(s, op >> 8, 1);
		emit(s, op, 1);
		emit_modrm(s, modrm, adsize);
		if (imm)
			emit(s, rnd_value(), imm == 1 ? 1 : opsize);
	}
}

static void init_emul(struct kl_emul *e, u64 *regs, enum kl_mode mode)
{
	unsigned int i;

	memset(e, 0, sizeof(*e));
	e->ops = &mem_ops;
	e->regs = regs;
	e->mode = mode;
	e->rip = mode == KL_MODE_PROT16 ? 0 : CODE;
	for (i = 0; i < KL_NR_SREGS; i++) {
		struct kl_emul_seg *seg = &e->segs[i];

		seg->type = i == KL_CS ? 0xb : 0x3;
		seg->db = mode == KL_MODE_PROT32;
		seg->limit = mode == KL_MODE_PROT16 ? 0xffff : U32_MAX;
		if (mode == KL_MODE_PROT16)
			seg->base = i == KL_CS ? CODE : BUF;
		else if (mode == KL_MODE_LONG64 && i == KL_GS)
			seg->base = GS_BASE;
	}
	for (i = 0; i < KL_NR_GPRS; i++) {
		e->regs[i] = rnd_value();
		if (mode != KL_MODE_LONG64)
			e->regs[i] = i < 8 ? (u32)e->regs[i] : 0;
	}
	e->regs[KL_RSP] = (mode == KL_MODE_PROT16 ? 0 : BUF) + LOW + (below(HIGH - LOW) & ~7);
	e->rflags = (rnd() & (KL_FLAGS_ARITH | KL_FLAG_DF)) | 0x202;
}

/* Moves the memory operand to @want by what it is made of. False if it cannot. */
static bool aim(struct sample *s, struct kl_emul *e, u64 want)
{
	struct kl_insn *insn = &s->insn;
	u64 delta = want - kl_insn_offset(insn, e->regs, e->rip);

	if (insn->mem.base != KL_NO_GPR && insn->mem.base != insn->mem.index) {
		e->regs[insn->mem.base] += delta;
	} else if (insn->mem.base == KL_NO_GPR && insn->mem.index != KL_NO_GPR &&
		   !insn->mem.scale) {
		e->regs[insn->mem.index] += delta;
	} else if (s->disp_pos && s->disp_len > 1) {
		u64 disp = insn->mem.disp + delta;

		memcpy(s->bytes + s->disp_pos, &disp, s->disp_len);
		if (kl_decode(insn, s->bytes, s->len, s->mode))
			return false;
	}
	if (e->mode != KL_MODE_LONG64 && insn->mem.base != KL_NO_GPR)
		e->regs[insn->mem.base] = (u32)e->regs[insn->mem.base];
	return kl_insn_offset(insn, e->regs, e->rip) == want;
}

/* Registers such that all accesses fall into the buffer, most of the time. */
static bool prepare(struct sample *s, struct kl_emul *e)
{
	const struct kl_insn *insn = &s->insn;
	u64 base = s->mode == KL_MODE_PROT16 ? 0 : BUF;
	u64 mask = kl_size_mask(insn->adsize);
	u64 want = base + LOW + below(HIGH - LOW);

	if (insn->opsize == 16 && percent(70))	/* or #GP */
		want &= ~15ULL;
	if (insn->op >= KL_OP_MOVS && insn->op <= KL_OP_SCAS) {
		u64 gs = s->mode == KL_MODE_LONG64 && insn->mem.seg == KL_GS ? GS_BASE : 0;
		u64 high = s->mode == KL_MODE_LONG64 ? rnd() & ~mask :
			   (u64)(u32)(rnd() & ~mask);

		e->regs[KL_RSI] = ((want - gs) & mask) | high;
		if (percent(70))
			want += below(64) - 32;
		else
			want = base + LOW + below(HIGH - LOW);
		e->regs[KL_RDI] = (want & mask) | high;
		e->regs[KL_RCX] = below(40) | high;
		return true;
	}
	if (!(insn->flags & KL_INSN_MEM))
		return true;
	if (insn->src.type == KL_OPND_REG && insn->op >= KL_OP_BT && insn->op <= KL_OP_BTC) {
		u64 *reg = &e->regs[insn->src.reg];

		*reg = (s64)(below(0x8000)) - 0x4000;
		if (insn->opsize < 8 && percent(50))
			*reg ^= rnd() & ~kl_size_mask(insn->opsize);
		if (e->mode != KL_MODE_LONG64)
			*reg = (u32)*reg;
	}
	if (s->mode == KL_MODE_LONG64 && insn->mem.seg == KL_GS)
		want -= GS_BASE;
	return aim(s, e, want & mask);
}

static void run_native(const struct sample *s, const struct kl_emul *start)
{
	u8 *code = (u8 *)CODE;
	u64 ret = (u64)native_return;

	memcpy(code, s->bytes, s->len);
	code += s->len;
	switch (s->mode) {
	case KL_MODE_LONG64:		/* jmp *(%rip) */
		memcpy(code, "\xff\x25\0\0\0\0", 6);
		memcpy(code + 6, &ret, 8);
		native_state.cs = USER_CS;
		break;
	default:			/* ljmpl */
		if (s->mode == KL_MODE_PROT16)
			*code++ = 0x66;
		*code++ = 0xea;
		memcpy(code, &ret, 4);
		code[4] = USER_CS;
		code[5] = 0;
		native_state.cs = s->mode == KL_MODE_PROT16 ? LDT_CS16 : USER32_CS;
	}
	native_state.ip = start->rip;
	native_state.ds = s->mode == KL_MODE_PROT16 ? LDT_DS16 : USER_DS;
	native_state.es = native_state.ds;
	native_state.ss = native_state.ds;
	memcpy(native_state.regs, start->regs, sizeof(native_state.regs));
	native_state.rflags = start->rflags;
	native_signal = 0;
	running = 1;
	native_run();
	running = 0;
}

/* What the SDM leaves undefined is not compared. */
static u64 defined_flags(const struct kl_insn *insn)
{
	switch (insn->op) {
	case KL_OP_AND:
	case KL_OP_OR:
	case KL_OP_XOR:
	case KL_OP_TEST:
		return (KL_FLAGS_ARITH | KL_FLAG_DF) & ~KL_FLAG_AF;
	case KL_OP_BT ... KL_OP_BTC:
		return KL_FLAG_CF | KL_FLAG_ZF | KL_FLAG_DF;
	}
	return KL_FLAGS_ARITH | KL_FLAG_DF;
}

static void report(const struct sample *s, const struct kl_emul *start,
		   const struct kl_emul *e, const char *what)
{
	unsigned int i;

	printf("# %s, mode %d:", what, s->mode);
	for (i = 0; i < s->len; i++)
		printf(" %02x", s->bytes[i]);
	printf("\n#  op %u opsize %u adsize %u flags %#x; signal %d\n", s->insn.op,
	       s->insn.opsize, s->insn.adsize, s->insn.flags, native_signal);
	for (i = 0; i < KL_NR_GPRS; i++)
		printf("#  r%-2u %016llx  native %016llx  emulated %016llx%s\n", i,
		       start->regs[i], native_state.regs[i], e->regs[i],
		       native_state.regs[i] == e->regs[i] ? "" : "  <--");
	printf("#  rfl %016llx  native %016llx  emulated %016llx\n", start->rflags,
	       native_state.rflags, e->rflags);
	for (i = 0; i < BUF_LEN; i++)
		if (((u8 *)BUF)[i] != emulated[i])
			printf("#  +%#x: %02x  native %02x  emulated %02x\n", i, before[i],
			       ((u8 *)BUF)[i], emulated[i]);
}

static bool same_regs(const struct sample *s, const struct kl_emul *e)
{
	unsigned int i, n = s->mode == KL_MODE_LONG64 ? 16 : 8;
	u64 mask = s->mode == KL_MODE_LONG64 ? U64_MAX : U32_MAX;

	for (i = 0; i < n; i++) {
		/* An interrupt in a 16-bit stack segment may spoil ESP's upper half. */
		if (s->mode == KL_MODE_PROT16 && i == KL_RSP)
			mask = 0xffff;
		if ((native_state.regs[i] ^ e->regs[i]) & mask)
			return false;
		if (s->mode == KL_MODE_PROT16)
			mask = U32_MAX;
	}
	return true;
}

/* CMPXCHG gets something to agree on, unless RDX:RAX is part of the address. */
static void let_compare_succeed(const struct kl_insn *insn, struct kl_emul *start)
{
	unsigned int size = insn->opsize;
	const u8 *at;
	u64 offset;

	if (insn->op != KL_OP_CMPXCHG && insn->op != KL_OP_CMPXCHG8B)
		return;
	if (!(insn->flags & KL_INSN_MEM) ||
	    insn->mem.base == KL_RAX || insn->mem.index == KL_RAX ||
	    insn->mem.base == KL_RDX || insn->mem.index == KL_RDX)
		return;
	/* The buffer's address and a segment base of 16-bit mode end in 0000. */
	offset = kl_insn_offset(insn, start->regs, start->rip);
	if (insn->mem.seg == KL_GS && start->mode == KL_MODE_LONG64)
		offset += GS_BASE;
	offset &= BUF_LEN - 1;
	if (offset > BUF_LEN - 16)
		return;
	at = before + offset;
	if (insn->op == KL_OP_CMPXCHG8B)
		size /= 2;
	start->regs[KL_RAX] = 0;
	memcpy(&start->regs[KL_RAX], at, size);
	if (insn->op == KL_OP_CMPXCHG8B) {
		start->regs[KL_RDX] = 0;
		memcpy(&start->regs[KL_RDX], at + size, size);
	}
}

enum verdict { SKIPPED, AGREED, AGREED_UD, AGREED_FAULT, DIFFERED };

static enum verdict run_one(struct sample *s)
{
	u64 start_regs[KL_NR_GPRS], regs[KL_NR_GPRS];
	struct kl_emul start, e;
	int ret;

	generate(s);
	init_emul(&start, start_regs, s->mode);
	ret = kl_decode(&s->insn, s->bytes, s->len, s->mode);
	if (ret == -EILSEQ || (ret == -E2BIG && s->len > KL_INSN_MAX)) {
		run_native(s, &start);
		if (native_signal == (ret == -EILSEQ ? SIGILL : SIGSEGV))
			return ret == -EILSEQ ? AGREED_UD : AGREED_FAULT;
		report(s, &start, &start, "should be #UD, or too long");
		return DIFFERED;
	}
	if (ret == -EOPNOTSUPP)	/* ARPL */
		return SKIPPED;
	if (ret || s->insn.len != s->len) {
		report(s, &start, &start, "length");
		return DIFFERED;
	}
	if (!prepare(s, &start))
		return SKIPPED;
	memcpy(emulated, before, BUF_LEN);
	if (percent(50))
		let_compare_succeed(&s->insn, &start);

	e = start;
	memcpy(regs, start_regs, sizeof(regs));
	e.regs = regs;
	ret = kl_emul_insn(&e, &s->insn);
	/* An interrupt there, and not every hypervisor under us gets back to such a stack. */
	if ((start.regs[KL_RSP] | regs[KL_RSP]) >> 47)
		return SKIPPED;
	/* Outside the buffer there is no telling what the access would hit. */
	if (ret == KL_EMUL_FAIL || (ret == KL_EMUL_FAULT && e.exception.vector == KL_EMUL_PF))
		return SKIPPED;

	memcpy((void *)BUF, before, BUF_LEN);
	run_native(s, &start);
	if (ret == KL_EMUL_FAULT) {
		if (native_signal == (e.exception.vector == KL_EMUL_SS ? SIGBUS : SIGSEGV))
			return AGREED_FAULT;
		report(s, &start, &e, "should fault");
		return DIFFERED;
	}
	if (ret || native_signal || e.rip != start.rip + s->insn.len || !same_regs(s, &e) ||
	    ((native_state.rflags ^ e.rflags) & defined_flags(&s->insn)) ||
	    memcmp((void *)BUF, emulated, BUF_LEN)) {
		report(s, &start, &e, ret ? "not emulated" : "differs");
		return DIFFERED;
	}
	return AGREED;
}

/* A machine whose own hypervisor does without 32-bit code in user space exists. */
static bool runs(enum kl_mode mode)
{
	struct sample s = { .mode = mode, .bytes = { 0x90 }, .len = 1 };
	u64 regs[KL_NR_GPRS];
	struct kl_emul start;

	if (mode == KL_MODE_PROT16 && !have_ldt)
		return false;
	init_emul(&start, regs, mode);
	run_native(&s, &start);
	return !native_signal;
}

static void setup(void)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct user_desc cs16 = {
		.entry_number = 0, .base_addr = CODE, .limit = 0xffff,
		.contents = MODIFY_LDT_CONTENTS_CODE,
	};
	struct user_desc ds16 = {
		.entry_number = 1, .base_addr = BUF, .limit = 0xffff,
		.contents = MODIFY_LDT_CONTENTS_DATA,
	};
	unsigned int i;

	if (mmap((void *)CODE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)CODE ||
	    mmap((void *)BUF, BUF_LEN, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)BUF) {
		perror("mmap");
		exit(1);
	}
	for (i = 0; i < BUF_LEN; i++)
		before[i] = percent(30) ? 0 : rnd() >> 24;
	have_ldt = !syscall(SYS_modify_ldt, 1, &cs16, sizeof(cs16)) &&
		   !syscall(SYS_modify_ldt, 1, &ds16, sizeof(ds16));
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE)) {
		perror("arch_prctl");
		exit(1);
	}
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGTRAP, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		enum kl_mode mode;
		const char *name;
	} modes[] = {
		{ KL_MODE_LONG64, "64-bit" },
		{ KL_MODE_PROT32, "32-bit" },
		{ KL_MODE_PROT16, "16-bit" },
	};
	unsigned long count = 100000, n, seed = 1, failed = 0;
	unsigned int m;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:")) != -1) {
		if (opt == 'n')
			count = strtoul(optarg, NULL, 0);
		else if (opt == 's')
			seed = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	rng_state = seed * 0x9e3779b97f4a7c15ULL + 1;
	setup();

	printf("TAP version 13\n1..%zu\n# seed %lu\n", ARRAY_SIZE(modes), seed);
	for (m = 0; m < ARRAY_SIZE(modes); m++) {
		unsigned long sum[DIFFERED + 1] = { 0 };
		unsigned int ops[KL_NR_OPS] = { 0 }, i, missing = 0;
		struct sample s = { .mode = modes[m].mode };
		bool bad;

		/* 64-bit code runs, or the tests that follow say so. */
		if (s.mode != KL_MODE_LONG64 && !runs(s.mode)) {
			printf("ok %u %s # SKIP this machine runs no such code in user space\n",
			       m + 1, modes[m].name);
			continue;
		}
		for (n = 0; n < count && sum[DIFFERED] < 10; n++) {
			enum verdict v = run_one(&s);

			sum[v]++;
			if (v == AGREED)
				ops[s.insn.op]++;
		}
		for (i = KL_OP_ADD; i <= KL_OP_SCAS; i++)
			missing += !ops[i];
		/* A generator that reaches nothing must not pass. */
		bad = sum[DIFFERED] || (count >= 100000 && (missing || sum[SKIPPED] > count / 2));
		failed += bad;
		printf("# agreed %lu, on #UD %lu, on other faults %lu; skipped %lu, differed %lu\n",
		       sum[AGREED], sum[AGREED_UD], sum[AGREED_FAULT], sum[SKIPPED],
		       sum[DIFFERED]);
		printf("%sok %u %s\n", bad ? "not " : "", m + 1, modes[m].name);
	}
	return !!failed;
}
