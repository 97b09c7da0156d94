// SPDX-License-Identifier: GPL-2.0
/*
 * Decode, as a table: bytes on the left, what they mean on the right, in a
 * notation that shows every field of struct kl_insn:
 *
 *	[lock|rep|repne] OP.opsize DST, SRC
 *
 * with registers by name, memory as seg.adsize:[base+index*scale+disp].size,
 * immediates as $hex. A refused encoding shows the reason: more, unknown, ud,
 * long.
 */
#include <kunit/test.h>

#include "decode.h"

struct decode_row {
	u8 mode;
	u8 len;
	const char *bytes;
	const char *text;
};

#define M16	KL_MODE_REAL
#define M32	KL_MODE_PROT32
#define M64	KL_MODE_LONG64

#define ROW(mode, bytes, text) { mode, sizeof(bytes) - 1, bytes, text }

static const struct decode_row decode_rows[] = {
#include "decode_test_rows.h"
};

static const char * const op_names[KL_NR_OPS] = {
	[KL_OP_ADD] = "add", [KL_OP_OR] = "or", [KL_OP_ADC] = "adc", [KL_OP_SBB] = "sbb",
	[KL_OP_AND] = "and", [KL_OP_SUB] = "sub", [KL_OP_XOR] = "xor", [KL_OP_CMP] = "cmp",
	[KL_OP_TEST] = "test", [KL_OP_NOT] = "not", [KL_OP_NEG] = "neg",
	[KL_OP_INC] = "inc", [KL_OP_DEC] = "dec", [KL_OP_MOV] = "mov",
	[KL_OP_MOVZX] = "movzx", [KL_OP_MOVSX] = "movsx", [KL_OP_XCHG] = "xchg",
	[KL_OP_XADD] = "xadd", [KL_OP_CMPXCHG] = "cmpxchg", [KL_OP_CMPXCHG8B] = "cmpxchg8b",
	[KL_OP_BT] = "bt", [KL_OP_BTS] = "bts", [KL_OP_BTR] = "btr", [KL_OP_BTC] = "btc",
	[KL_OP_SETCC] = "set", [KL_OP_CMOVCC] = "cmov",
	[KL_OP_PUSH] = "push", [KL_OP_POP] = "pop", [KL_OP_MOVS] = "movs",
	[KL_OP_CMPS] = "cmps", [KL_OP_STOS] = "stos", [KL_OP_LODS] = "lods",
	[KL_OP_SCAS] = "scas", [KL_OP_INS] = "ins", [KL_OP_OUTS] = "outs",
	[KL_OP_IN] = "in", [KL_OP_OUT] = "out", [KL_OP_MOV_FROM_CR] = "movcr",
	[KL_OP_MOV_TO_CR] = "movcr", [KL_OP_MOV_FROM_DR] = "movdr",
	[KL_OP_MOV_TO_DR] = "movdr", [KL_OP_CLTS] = "clts", [KL_OP_LMSW] = "lmsw",
	[KL_OP_SMSW] = "smsw", [KL_OP_INVLPG] = "invlpg", [KL_OP_INVPCID] = "invpcid",
	[KL_OP_NOP] = "nop", [KL_OP_PAUSE] = "pause", [KL_OP_HLT] = "hlt",
	[KL_OP_MONITOR] = "monitor", [KL_OP_MWAIT] = "mwait", [KL_OP_CPUID] = "cpuid",
	[KL_OP_RDMSR] = "rdmsr", [KL_OP_WRMSR] = "wrmsr", [KL_OP_RDTSC] = "rdtsc",
	[KL_OP_RDTSCP] = "rdtscp", [KL_OP_RDPMC] = "rdpmc", [KL_OP_XGETBV] = "xgetbv",
	[KL_OP_XSETBV] = "xsetbv", [KL_OP_INVD] = "invd", [KL_OP_WBINVD] = "wbinvd",
	[KL_OP_WBNOINVD] = "wbnoinvd", [KL_OP_RSM] = "rsm", [KL_OP_VMCALL] = "vmcall",
	[KL_OP_VMMCALL] = "vmmcall", [KL_OP_VMRUN] = "vmrun", [KL_OP_VMLOAD] = "vmload",
	[KL_OP_VMSAVE] = "vmsave", [KL_OP_STGI] = "stgi", [KL_OP_CLGI] = "clgi",
	[KL_OP_SKINIT] = "skinit", [KL_OP_INVLPGA] = "invlpga", [KL_OP_INT] = "int",
	[KL_OP_INT3] = "int3", [KL_OP_INTO] = "into", [KL_OP_INT1] = "int1",
	[KL_OP_IRET] = "iret", [KL_OP_PUSHF] = "pushf", [KL_OP_POPF] = "popf",
	[KL_OP_SGDT] = "sgdt", [KL_OP_SIDT] = "sidt", [KL_OP_LGDT] = "lgdt",
	[KL_OP_LIDT] = "lidt", [KL_OP_SLDT] = "sldt", [KL_OP_STR] = "str",
	[KL_OP_LLDT] = "lldt", [KL_OP_LTR] = "ltr",
};

static const char * const cond_names[16] = {
	"o", "no", "b", "nb", "z", "nz", "be", "nbe",
	"s", "ns", "p", "np", "l", "nl", "le", "nle",
};

static const char * const seg_names[] = { "es", "cs", "ss", "ds", "fs", "gs" };

struct text {
	char buf[96];
	unsigned int len;
};

static __printf(2, 3) void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
	va_end(ap);
	if (t->len >= sizeof(t->buf))
		t->len = sizeof(t->buf) - 1;
}

static void put_gpr(struct text *t, unsigned int reg, unsigned int size, bool high)
{
	static const char * const names[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
	const char *suffix = size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "";

	if (reg >= 8)
		put(t, "r%u%s", reg, suffix);
	else if (size != 1)
		put(t, "%s%s", size == 8 ? "r" : size == 4 ? "e" : "", names[reg]);
	else if (reg < 4)
		put(t, "%c%c", names[reg][0], high ? 'h' : 'l');
	else
		put(t, "%sl", names[reg]);
}

static void put_hex(struct text *t, s64 v)
{
	if (v < 0)
		put(t, "-0x%llx", -(unsigned long long)v);
	else
		put(t, "0x%llx", (unsigned long long)v);
}

static void put_mem(struct text *t, const struct kl_insn *insn, unsigned int size)
{
	const struct kl_mem *m = &insn->mem;
	bool any = false;

	put(t, "%s.%u:[", seg_names[m->seg], insn->adsize);
	if (insn->flags & KL_INSN_RIPREL) {
		put(t, "rip");
		any = true;
	}
	if (m->base != KL_NO_GPR) {
		put_gpr(t, m->base, insn->adsize, false);
		any = true;
	}
	if (m->index != KL_NO_GPR) {
		put(t, any ? "+" : "");
		put_gpr(t, m->index, insn->adsize, false);
		if (insn->adsize != 2)
			put(t, "*%u", 1 << m->scale);
		any = true;
	}
	if (m->disp || !any) {
		put(t, any && m->disp >= 0 ? "+" : "");
		put_hex(t, m->disp);
	}
	put(t, "].%u", size);
}

static void put_opnd(struct text *t, const struct kl_insn *insn, const struct kl_opnd *o)
{
	switch (o->type) {
	case KL_OPND_REG:
		put_gpr(t, o->reg, o->size, o->high);
		break;
	case KL_OPND_MEM:
		put_mem(t, insn, o->size);
		break;
	case KL_OPND_IMM:
		put(t, "$");
		put_hex(t, insn->imm);
		break;
	case KL_OPND_CR:
		put(t, "cr%u", o->reg);
		break;
	case KL_OPND_DR:
		put(t, "dr%u", o->reg);
		break;
	}
}

static void put_insn(struct text *t, const struct kl_insn *insn)
{
	if (insn->flags & KL_INSN_LOCK)
		put(t, "lock ");
	if (insn->flags & KL_INSN_REP)
		put(t, "rep ");
	if (insn->flags & KL_INSN_REPNE)
		put(t, "repne ");
	put(t, "%s", op_names[insn->op] ?: "?");
	if (insn->op == KL_OP_SETCC || insn->op == KL_OP_CMOVCC)
		put(t, "%s", cond_names[insn->cond]);
	put(t, ".%u", insn->opsize);
	if (insn->dst.type) {
		put(t, " ");
		put_opnd(t, insn, &insn->dst);
	}
	if (insn->src.type) {
		put(t, ", ");
		put_opnd(t, insn, &insn->src);
	}
	switch (insn->op) {
	case KL_OP_MOVS ... KL_OP_OUTS:
		put(t, " %s.%u", seg_names[insn->mem.seg], insn->adsize);
		break;
	}
}

static void decode_text(struct text *t, const u8 *bytes, unsigned int len, enum kl_mode mode)
{
	struct kl_insn insn;
	int err = kl_decode(&insn, bytes, len, mode);

	t->len = 0;
	t->buf[0] = 0;
	switch (err) {
	case 0:
		put_insn(t, &insn);
		/* Every row is one whole instruction. */
		if (insn.len != len)
			put(t, " (length %u)", insn.len);
		break;
	case -EAGAIN:
		put(t, "more");
		break;
	case -EOPNOTSUPP:
		put(t, "unknown");
		break;
	case -EILSEQ:
		put(t, "ud");
		break;
	case -E2BIG:
		put(t, "long");
		break;
	default:
		put(t, "error %d", err);
	}
}

static void decode_table(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(decode_rows); i++) {
		const struct decode_row *row = &decode_rows[i];
		struct text t;

		decode_text(&t, (const u8 *)row->bytes, row->len, row->mode);
		KUNIT_EXPECT_STREQ_MSG(test, t.buf, row->text, "row %u", i);
	}
}

/* Cut short anywhere, an instruction asks for more; bytes after it change nothing. */
static void decode_boundaries(struct kunit *test)
{
	struct kl_insn whole, longer;
	unsigned int i, len;
	u8 buf[KL_INSN_MAX];

	for (i = 0; i < ARRAY_SIZE(decode_rows); i++) {
		const struct decode_row *row = &decode_rows[i];
		const u8 *bytes = (const u8 *)row->bytes;

		if (kl_decode(&whole, bytes, row->len, row->mode))
			continue;
		for (len = 0; len < whole.len; len++)
			KUNIT_EXPECT_EQ_MSG(test, kl_decode(&longer, bytes, len, row->mode),
					    -EAGAIN, "row %u cut to %u", i, len);
		memset(buf, 0xf0, sizeof(buf));
		memcpy(buf, bytes, row->len);
		KUNIT_EXPECT_EQ(test, kl_decode(&longer, buf, sizeof(buf), row->mode), 0);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&whole, &longer, sizeof(whole)), 0,
				    "row %u depends on what follows", i);
	}
}

/* Fifteen bytes decode, sixteen are #GP, also where the end is not in sight. */
static void decode_length_limit(struct kunit *test)
{
	struct kl_insn insn;
	u8 buf[32];

	memset(buf, 0x66, sizeof(buf));
	KUNIT_EXPECT_EQ(test, kl_decode(&insn, buf, 14, KL_MODE_PROT32), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kl_decode(&insn, buf, 15, KL_MODE_PROT32), -E2BIG);
	KUNIT_EXPECT_EQ(test, kl_decode(&insn, buf, 32, KL_MODE_PROT32), -E2BIG);
	buf[13] = 0x8b;		/* mov (%ecx), %ax */
	buf[14] = 0x01;
	KUNIT_EXPECT_EQ(test, kl_decode(&insn, buf, 32, KL_MODE_PROT32), 0);
	KUNIT_EXPECT_EQ(test, insn.len, 15);
	buf[14] = 0x41;		/* … with a displacement */
	KUNIT_EXPECT_EQ(test, kl_decode(&insn, buf, 32, KL_MODE_PROT32), -E2BIG);
	KUNIT_EXPECT_EQ(test, kl_decode(&insn, buf, 15, KL_MODE_PROT32), -E2BIG);
}

/* The modes that share an encoding agree on everything. */
static void decode_mode_twins(struct kunit *test)
{
	struct kl_insn a, b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(decode_rows); i++) {
		const struct decode_row *row = &decode_rows[i];
		const u8 *bytes = (const u8 *)row->bytes;
		int err;

		if (row->mode != M16)
			continue;
		err = kl_decode(&a, bytes, row->len, KL_MODE_REAL);
		KUNIT_EXPECT_EQ(test, kl_decode(&b, bytes, row->len, KL_MODE_VM86), err);
		KUNIT_EXPECT_EQ(test, memcmp(&a, &b, sizeof(a)), 0);
		KUNIT_EXPECT_EQ(test, kl_decode(&b, bytes, row->len, KL_MODE_PROT16), err);
		KUNIT_EXPECT_EQ(test, memcmp(&a, &b, sizeof(a)), 0);
	}
}

static u64 offset_of(const char *bytes, unsigned int len, enum kl_mode mode,
		     const u64 *regs, u64 rip)
{
	struct kl_insn insn;

	if (kl_decode(&insn, (const u8 *)bytes, len, mode) || !(insn.flags & KL_INSN_MEM))
		return 0xdead;
	return kl_insn_offset(&insn, regs, rip);
}

#define OFFSET(mode, bytes) offset_of(bytes, sizeof(bytes) - 1, mode, regs, rip)

static void decode_offsets(struct kunit *test)
{
	u64 regs[KL_NR_GPRS] = {
		[KL_RBX] = 0xfffffff0, [KL_RSI] = 0x20, [KL_RBP] = 0xffff,
		[KL_RDI] = 0xffff800000000000, [KL_R12] = 0x1000,
	};
	u64 rip = 0x7fffffff0;

	/* mov (%rbx,%rsi,8) carries into bit 32; 67 cuts it off */
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x8b\x04\xf3"), 0x1000000f0);
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x67\x8b\x04\xf3"), 0xf0);
	KUNIT_EXPECT_EQ(test, OFFSET(M32, "\x8b\x04\xf3"), 0xf0);
	/* bx+si and bp+si+disp8 wrap at 64 KiB */
	KUNIT_EXPECT_EQ(test, OFFSET(M16, "\x8b\x00"), 0x10);
	KUNIT_EXPECT_EQ(test, OFFSET(M16, "\x8b\x42\x80"), 0xff9f);
	KUNIT_EXPECT_EQ(test, OFFSET(M16, "\x8b\x06\xff\xff"), 0xffff);
	/* -1(%rdi) */
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x8b\x47\xff"), 0xffff7fffffffffff);
	/* RIP-relative counts from the next instruction, immediate included */
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x8b\x05\x10\x00\x00\x00"), 0x800000006);
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x81\x05\x10\x00\x00\x00\x78\x56\x34\x12"), 0x80000000a);
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x67\x8b\x05\x10\x00\x00\x00"), 0x7);
	/* the same bytes are absolute in 32-bit mode */
	KUNIT_EXPECT_EQ(test, OFFSET(M32, "\x8b\x05\x10\x00\x00\x00"), 0x10);
	/* disp32 is signed, moffs is not; R12 is an index, RSP is none */
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x8b\x04\x25\x00\x00\x00\x80"), 0xffffffff80000000);
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\xa1\x00\x00\x00\x80\x00\x00\x00\x00"), 0x80000000);
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x67\xa1\x00\x00\x00\x80"), 0x80000000);
	KUNIT_EXPECT_EQ(test, OFFSET(M64, "\x4a\x8b\x44\xa6\x01"), 0x4021);
}

static struct kunit_case decode_cases[] = {
	KUNIT_CASE(decode_table),
	KUNIT_CASE(decode_boundaries),
	KUNIT_CASE(decode_length_limit),
	KUNIT_CASE(decode_mode_twins),
	KUNIT_CASE(decode_offsets),
	{}
};

static struct kunit_suite decode_suite = {
	.name = "kvmlite_decode",
	.test_cases = decode_cases,
};

kunit_test_suite(decode_suite);
