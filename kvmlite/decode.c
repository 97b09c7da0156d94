// SPDX-License-Identifier: GPL-2.0
/*
 * x86 instruction decode. The layout of an instruction is SDM vol. 2, chapter 2;
 * the opcode maps are its appendix A, and AMD's APM vol. 3 for the SVM group.
 *
 * Pure logic: no state outlives a call, and nothing is read beyond @len.
 */
#include "decode.h"

/* How an opcode's operands are encoded, in the notation of appendix A. */
enum {
	F_NONE,		/* none, or implied */
	F_EG,		/* ModRM r/m, ModRM reg */
	F_GE,		/* ModRM reg, ModRM r/m */
	F_EI,		/* ModRM r/m, immediate */
	F_E,		/* ModRM r/m */
	F_AI,		/* accumulator, immediate */
	F_AO,		/* accumulator, moffs */
	F_OA,		/* moffs, accumulator */
	F_IB,		/* unsigned imm8 */
	F_IN_IB,	/* accumulator, port imm8 */
	F_IN_DX,
	F_OUT_IB,
	F_OUT_DX,
	F_STR,		/* string: segment only */
	F_SYS_RD,	/* general register from control or debug register */
	F_SYS_WR,
	F_MASK = 0x1f,
};

#define A_B	BIT(5)	/* operand size is a byte */
#define A_IB	BIT(6)	/* the immediate is a sign-extended byte */
#define A_D64	BIT(7)	/* operand size in 64-bit mode defaults to 8 */
#define A_F64	BIT(8)	/* operand size is 8 in 64-bit mode and 4 elsewhere … */
#define A_DESC	(A_F64 | A_D64)	/* … or as the prefixes say elsewhere */
#define A_MAX4	BIT(9)	/* REX.W does not widen */
#define A_W	BIT(10)	/* operand size is 2 */
#define A_MW	BIT(11)	/* operand size is 2 if it is in memory */
#define A_MEM	BIT(12)	/* register form does not exist: #UD */
#define A_N64	BIT(13)	/* #UD in 64-bit mode */
#define A_GRP	BIT(14)	/* .op is an index into groups[], ModRM.reg selects */
#define A_NTI	BIT(15)	/* MOVNTI: 4 bytes, 8 with REX.W; #UD with 66, F2 or F3 */

struct opcode {
	u8 op;
	u16 attr;
};

enum { G_IMM, G_TEST, G_INCDEC, G_MOVI, G_POP, G_SYS0, G_SYS1, G_BT, G_CX8, NR_GROUPS };

/* Attributes of the group's opcode and of the member add up. */
static const struct opcode groups[NR_GROUPS][8] = {
	[G_IMM] = {
		{ KL_OP_ADD }, { KL_OP_OR }, { KL_OP_ADC }, { KL_OP_SBB },
		{ KL_OP_AND }, { KL_OP_SUB }, { KL_OP_XOR }, { KL_OP_CMP },
	},
	[G_TEST] = {
		{ KL_OP_TEST, F_EI }, { KL_OP_TEST, F_EI },
		{ KL_OP_NOT, F_E }, { KL_OP_NEG, F_E },
	},
	[G_INCDEC] = {
		{ KL_OP_INC, F_E }, { KL_OP_DEC, F_E },
		/* FF only: decode_group() keeps FE /6 out */
		[6] = { KL_OP_PUSH, F_E | A_D64 },
	},
	[G_MOVI] = { { KL_OP_MOV } },
	[G_POP] = { { KL_OP_POP } },
	[G_SYS0] = {
		{ KL_OP_SLDT, A_MW }, { KL_OP_STR, A_MW },
		{ KL_OP_LLDT, A_W }, { KL_OP_LTR, A_W },
	},
	[G_SYS1] = {
		{ KL_OP_SGDT, A_MEM | A_DESC }, { KL_OP_SIDT, A_MEM | A_DESC },
		{ KL_OP_LGDT, A_MEM | A_DESC }, { KL_OP_LIDT, A_MEM | A_DESC },
		{ KL_OP_SMSW, A_MW }, { KL_OP_NONE },
		{ KL_OP_LMSW, A_W }, { KL_OP_INVLPG, A_MEM | A_B },
	},
	[G_BT] = {
		[4] = { KL_OP_BT }, { KL_OP_BTS }, { KL_OP_BTR }, { KL_OP_BTC },
	},
	[G_CX8] = { [1] = { KL_OP_CMPXCHG8B, A_MEM } },
};

/* One-byte opcodes; 00–3F with columns 0–5 come from alu_opcode(). */
static const struct opcode map1[256] = {
	[0x63] = { KL_OP_MOVSX, F_GE },
	[0x6c] = { KL_OP_INS, F_STR | A_B },
	[0x6d] = { KL_OP_INS, F_STR | A_MAX4 },
	[0x6e] = { KL_OP_OUTS, F_STR | A_B },
	[0x6f] = { KL_OP_OUTS, F_STR | A_MAX4 },
	[0x80] = { G_IMM, A_GRP | F_EI | A_B },
	[0x81] = { G_IMM, A_GRP | F_EI },
	[0x82] = { G_IMM, A_GRP | F_EI | A_B | A_N64 },
	[0x83] = { G_IMM, A_GRP | F_EI | A_IB },
	[0x84] = { KL_OP_TEST, F_EG | A_B },
	[0x85] = { KL_OP_TEST, F_EG },
	[0x86] = { KL_OP_XCHG, F_EG | A_B },
	[0x87] = { KL_OP_XCHG, F_EG },
	[0x88] = { KL_OP_MOV, F_EG | A_B },
	[0x89] = { KL_OP_MOV, F_EG },
	[0x8a] = { KL_OP_MOV, F_GE | A_B },
	[0x8b] = { KL_OP_MOV, F_GE },
	[0x8f] = { G_POP, A_GRP | F_E | A_D64 },
	[0x90] = { KL_OP_NOP, F_NONE },
	[0x9c] = { KL_OP_PUSHF, F_NONE | A_D64 },
	[0x9d] = { KL_OP_POPF, F_NONE | A_D64 },
	[0xa0] = { KL_OP_MOV, F_AO | A_B },
	[0xa1] = { KL_OP_MOV, F_AO },
	[0xa2] = { KL_OP_MOV, F_OA | A_B },
	[0xa3] = { KL_OP_MOV, F_OA },
	[0xa4] = { KL_OP_MOVS, F_STR | A_B },
	[0xa5] = { KL_OP_MOVS, F_STR },
	[0xa6] = { KL_OP_CMPS, F_STR | A_B },
	[0xa7] = { KL_OP_CMPS, F_STR },
	[0xa8] = { KL_OP_TEST, F_AI | A_B },
	[0xa9] = { KL_OP_TEST, F_AI },
	[0xaa] = { KL_OP_STOS, F_STR | A_B },
	[0xab] = { KL_OP_STOS, F_STR },
	[0xac] = { KL_OP_LODS, F_STR | A_B },
	[0xad] = { KL_OP_LODS, F_STR },
	[0xae] = { KL_OP_SCAS, F_STR | A_B },
	[0xaf] = { KL_OP_SCAS, F_STR },
	[0xc6] = { G_MOVI, A_GRP | F_EI | A_B },
	[0xc7] = { G_MOVI, A_GRP | F_EI },
	[0xcc] = { KL_OP_INT3, F_NONE },
	[0xcd] = { KL_OP_INT, F_IB },
	[0xce] = { KL_OP_INTO, F_NONE | A_N64 },
	[0xcf] = { KL_OP_IRET, F_NONE },
	[0xe4] = { KL_OP_IN, F_IN_IB | A_B },
	[0xe5] = { KL_OP_IN, F_IN_IB | A_MAX4 },
	[0xe6] = { KL_OP_OUT, F_OUT_IB | A_B },
	[0xe7] = { KL_OP_OUT, F_OUT_IB | A_MAX4 },
	[0xec] = { KL_OP_IN, F_IN_DX | A_B },
	[0xed] = { KL_OP_IN, F_IN_DX | A_MAX4 },
	[0xee] = { KL_OP_OUT, F_OUT_DX | A_B },
	[0xef] = { KL_OP_OUT, F_OUT_DX | A_MAX4 },
	[0xf1] = { KL_OP_INT1, F_NONE },
	[0xf4] = { KL_OP_HLT, F_NONE },
	[0xf6] = { G_TEST, A_GRP | A_B },
	[0xf7] = { G_TEST, A_GRP },
	[0xfe] = { G_INCDEC, A_GRP | A_B },
	[0xff] = { G_INCDEC, A_GRP },
};

/* Opcodes after 0F. */
static const struct opcode map2[256] = {
	[0x00] = { G_SYS0, A_GRP | F_E },
	[0x01] = { G_SYS1, A_GRP | F_E },
	[0x06] = { KL_OP_CLTS, F_NONE },
	[0x08] = { KL_OP_INVD, F_NONE },
	[0x09] = { KL_OP_WBINVD, F_NONE },
	[0x20] = { KL_OP_MOV_FROM_CR, F_SYS_RD | A_F64 },
	[0x21] = { KL_OP_MOV_FROM_DR, F_SYS_RD | A_F64 },
	[0x22] = { KL_OP_MOV_TO_CR, F_SYS_WR | A_F64 },
	[0x23] = { KL_OP_MOV_TO_DR, F_SYS_WR | A_F64 },
	[0x30] = { KL_OP_WRMSR, F_NONE },
	[0x31] = { KL_OP_RDTSC, F_NONE },
	[0x32] = { KL_OP_RDMSR, F_NONE },
	[0x33] = { KL_OP_RDPMC, F_NONE },
	[0x40 ... 0x4f] = { KL_OP_CMOVCC, F_GE },
	[0x90 ... 0x9f] = { KL_OP_SETCC, F_E | A_B },
	[0xa2] = { KL_OP_CPUID, F_NONE },
	[0xa3] = { KL_OP_BT, F_EG },
	[0xaa] = { KL_OP_RSM, F_NONE },
	[0xab] = { KL_OP_BTS, F_EG },
	[0xb0] = { KL_OP_CMPXCHG, F_EG | A_B },
	[0xb1] = { KL_OP_CMPXCHG, F_EG },
	[0xb3] = { KL_OP_BTR, F_EG },
	[0xb6] = { KL_OP_MOVZX, F_GE },
	[0xb7] = { KL_OP_MOVZX, F_GE },
	[0xba] = { G_BT, A_GRP | F_EI | A_IB },
	[0xbb] = { KL_OP_BTC, F_EG },
	[0xbe] = { KL_OP_MOVSX, F_GE },
	[0xbf] = { KL_OP_MOVSX, F_GE },
	[0xc0] = { KL_OP_XADD, F_EG | A_B },
	[0xc1] = { KL_OP_XADD, F_EG },
	[0xc3] = { KL_OP_MOV, F_EG | A_MEM | A_NTI },
	[0xc7] = { G_CX8, A_GRP | F_E },
};

/* Register forms of 0F 01 are instructions of their own; SMSW and LMSW are not here. */
static const u8 map_0f01[64] = {
	[0xc1 - 0xc0] = KL_OP_VMCALL,
	[0xc8 - 0xc0] = KL_OP_MONITOR,
	[0xc9 - 0xc0] = KL_OP_MWAIT,
	[0xd0 - 0xc0] = KL_OP_XGETBV,
	[0xd1 - 0xc0] = KL_OP_XSETBV,
	[0xd8 - 0xc0] = KL_OP_VMRUN,
	[0xd9 - 0xc0] = KL_OP_VMMCALL,
	[0xda - 0xc0] = KL_OP_VMLOAD,
	[0xdb - 0xc0] = KL_OP_VMSAVE,
	[0xdc - 0xc0] = KL_OP_STGI,
	[0xdd - 0xc0] = KL_OP_CLGI,
	[0xde - 0xc0] = KL_OP_SKINIT,
	[0xdf - 0xc0] = KL_OP_INVLPGA,
	[0xf9 - 0xc0] = KL_OP_RDTSCP,
};

/* What the prefixes said, and how far the bytes are used up. */
struct decoder {
	const u8 *bytes;
	unsigned int len;
	unsigned int pos;
	int err;		/* first failed fetch; later fetches return 0 */
	bool long64;
	bool opsize;		/* 66 */
	bool adsize;		/* 67 */
	u8 rex;
	u8 seg;			/* override, or KL_NR_SREGS */
	u8 opcode;		/* its last byte, escapes aside */
	u8 modrm;
	struct kl_insn *insn;
};

#define REX_W	0x08
#define REX_R	0x04
#define REX_X	0x02
#define REX_B	0x01

/* @n bytes, little-endian, zero-extended. */
static u64 fetch(struct decoder *d, unsigned int n)
{
	u64 v = 0;
	unsigned int i;

	if (d->err)
		return 0;
	if (d->pos + n > KL_INSN_MAX) {
		d->err = -E2BIG;
		return 0;
	}
	if (d->pos + n > d->len) {
		d->err = -EAGAIN;
		return 0;
	}
	for (i = 0; i < n; i++)
		v |= (u64)d->bytes[d->pos++] << (8 * i);
	return v;
}

static s64 fetch_signed(struct decoder *d, unsigned int n)
{
	unsigned int shift = 64 - 8 * n;

	return (s64)(fetch(d, n) << shift) >> shift;
}

/* Consumes the prefixes and returns the byte after them. */
static u8 fetch_prefixes(struct decoder *d)
{
	struct kl_insn *insn = d->insn;

	for (;;) {
		u8 b = fetch(d, 1);

		if (d->err)
			return 0;
		if (d->long64 && (b & 0xf0) == 0x40) {
			d->rex = b;
			continue;
		}
		switch (b) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			/* Ignored in 64-bit mode; does not undo an FS or GS before it. */
			if (!d->long64)
				d->seg = (b >> 3) & 3;
			break;
		case 0x64:
			d->seg = KL_FS;
			break;
		case 0x65:
			d->seg = KL_GS;
			break;
		case 0x66:
			d->opsize = true;
			break;
		case 0x67:
			d->adsize = true;
			break;
		case 0xf0:
			insn->flags |= KL_INSN_LOCK;
			break;
		case 0xf2:
			insn->flags = (insn->flags & ~KL_INSN_REP) | KL_INSN_REPNE;
			break;
		case 0xf3:
			insn->flags = (insn->flags & ~KL_INSN_REPNE) | KL_INSN_REP;
			break;
		default:
			return b;
		}
		/* REX counts only if the opcode follows at once (SDM vol. 2, 2.2.1). */
		d->rex = 0;
	}
}

/* 00–3F: eight operations, each with the same six forms. */
static struct opcode alu_opcode(u8 b)
{
	static const u16 forms[6] = {
		F_EG | A_B, F_EG, F_GE | A_B, F_GE, F_AI | A_B, F_AI,
	};

	return (struct opcode){ KL_OP_ADD + (b >> 3), forms[b & 7] };
}

/*
 * The instruction set proper: from the first opcode byte to the table entry.
 * .op is KL_OP_NONE for what this decoder does not know.
 */
static struct opcode lookup(struct decoder *d, u8 b)
{
	const struct opcode none = { KL_OP_NONE };
	bool prefix_f3 = d->insn->flags & KL_INSN_REP;
	struct opcode oc;

	if (b == 0x0f) {
		b = fetch(d, 1);
		d->opcode = b;
		if (b == 0x38) {
			b = fetch(d, 1);
			if (b == 0x82 && d->opsize)
				return (struct opcode){ KL_OP_INVPCID, F_GE | A_MEM | A_F64 };
			return none;
		}
		oc = map2[b];
		if (oc.op == KL_OP_WBINVD && prefix_f3)
			oc.op = KL_OP_WBNOINVD;
		return oc;
	}

	d->opcode = b;
	if (b < 0x40 && (b & 7) < 6)
		return alu_opcode(b);
	if (b == 0x63 && !d->long64)	/* ARPL */
		return none;
	oc = map1[b];
	if (oc.op == KL_OP_NOP) {
		if (d->rex & REX_B)	/* XCHG R8, RAX */
			return none;
		if (prefix_f3)
			oc.op = KL_OP_PAUSE;
	}
	return oc;
}

/* Resolves a group by ModRM.reg, and 0F 01 by the whole ModRM byte. */
static struct opcode lookup_group(struct decoder *d, struct opcode oc)
{
	u8 reg = (d->modrm >> 3) & 7;
	struct opcode member = groups[oc.op][reg];

	if (oc.op == G_SYS1 && d->modrm >= 0xc0 && !(member.attr & (A_MW | A_W)))
		return (struct opcode){ map_0f01[d->modrm - 0xc0], F_NONE };
	if (oc.op == G_INCDEC && (oc.attr & A_B) && reg > 1)
		return (struct opcode){ KL_OP_NONE };
	member.attr |= oc.attr & ~A_GRP;
	return member;
}

static struct kl_opnd reg_opnd(struct decoder *d, u8 reg, u8 size)
{
	struct kl_opnd o = { .type = KL_OPND_REG, .reg = reg, .size = size };

	/* Without REX, byte registers 4–7 are AH, CH, DH and BH. */
	if (size == 1 && !d->rex && reg >= 4) {
		o.reg = reg - 4;
		o.high = 1;
	}
	return o;
}

static u8 default_seg(u8 base)
{
	return base == KL_RSP || base == KL_RBP ? KL_SS : KL_DS;
}

static void decode_mem16(struct decoder *d)
{
	static const u8 bases[8] = {
		KL_RBX, KL_RBX, KL_RBP, KL_RBP, KL_RSI, KL_RDI, KL_RBP, KL_RBX,
	};
	static const u8 indexes[4] = { KL_RSI, KL_RDI, KL_RSI, KL_RDI };
	struct kl_mem *m = &d->insn->mem;
	u8 mod = d->modrm >> 6, rm = d->modrm & 7;

	m->base = bases[rm];
	m->index = rm < 4 ? indexes[rm] : KL_NO_GPR;
	if (mod == 0 && rm == 6) {
		m->base = KL_NO_GPR;
		m->disp = fetch_signed(d, 2);
	} else if (mod) {
		m->disp = fetch_signed(d, mod);
	}
	m->seg = default_seg(m->base);
}

static void decode_mem32(struct decoder *d)
{
	struct kl_mem *m = &d->insn->mem;
	u8 mod = d->modrm >> 6, base = d->modrm & 7;
	bool sib = base == 4;

	m->index = KL_NO_GPR;
	if (sib) {
		u8 b = fetch(d, 1);

		m->scale = b >> 6;
		m->index = ((b >> 3) & 7) | (d->rex & REX_X ? 8 : 0);
		if (m->index == KL_RSP)	/* no index; R12 is one */
			m->index = KL_NO_GPR;
		base = b & 7;
	}
	if (mod == 0 && base == 5) {
		m->base = KL_NO_GPR;
		m->disp = fetch_signed(d, 4);
		if (d->long64 && !sib)
			d->insn->flags |= KL_INSN_RIPREL;
	} else {
		m->base = base | (d->rex & REX_B ? 8 : 0);
		if (mod)
			m->disp = fetch_signed(d, mod == 1 ? 1 : 4);
	}
	m->seg = default_seg(m->base);
}

/* ModRM's r/m as an operand; takes SIB and displacement off the bytes. */
static struct kl_opnd decode_rm(struct decoder *d, u8 size)
{
	struct kl_insn *insn = d->insn;

	if (d->modrm >= 0xc0)
		return reg_opnd(d, (d->modrm & 7) | (d->rex & REX_B ? 8 : 0), size);
	if (insn->adsize == 2)
		decode_mem16(d);
	else
		decode_mem32(d);
	insn->flags |= KL_INSN_MEM;
	if (d->seg != KL_NR_SREGS)
		insn->mem.seg = d->seg;
	return (struct kl_opnd){ .type = KL_OPND_MEM, .size = size };
}

static struct kl_opnd decode_imm(struct decoder *d, u16 attr)
{
	struct kl_insn *insn = d->insn;
	u8 size = insn->opsize < 4 ? insn->opsize : 4;

	if (attr & A_IB)
		size = 1;
	insn->imm = fetch_signed(d, size);
	return (struct kl_opnd){ .type = KL_OPND_IMM, .size = insn->opsize };
}

static struct kl_opnd decode_moffs(struct decoder *d)
{
	struct kl_insn *insn = d->insn;

	insn->mem.base = KL_NO_GPR;
	insn->mem.index = KL_NO_GPR;
	insn->mem.disp = fetch(d, insn->adsize);
	insn->mem.seg = d->seg != KL_NR_SREGS ? d->seg : KL_DS;
	insn->flags |= KL_INSN_MEM;
	return (struct kl_opnd){ .type = KL_OPND_MEM, .size = insn->opsize };
}

/* MOV to and from control and debug registers: ModRM.mod is ignored. */
static int decode_sysreg(struct decoder *d, bool write)
{
	struct kl_insn *insn = d->insn;
	bool is_dr = insn->op == KL_OP_MOV_FROM_DR || insn->op == KL_OP_MOV_TO_DR;
	struct kl_opnd sys = { .type = is_dr ? KL_OPND_DR : KL_OPND_CR, .size = insn->opsize };
	struct kl_opnd gpr = { .type = KL_OPND_REG, .size = insn->opsize };

	gpr.reg = (d->modrm & 7) | (d->rex & REX_B ? 8 : 0);
	sys.reg = ((d->modrm >> 3) & 7) | (d->rex & REX_R ? 8 : 0);
	/* AMD's way to CR8 outside 64-bit mode (APM vol. 3, MOV CRn). */
	if ((insn->flags & KL_INSN_LOCK) && !is_dr && sys.reg == 0) {
		insn->flags &= ~KL_INSN_LOCK;
		sys.reg = 8;
	}
	if (is_dr ? sys.reg > 7 : !(BIT(sys.reg) & (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8))))
		return -EILSEQ;
	insn->dst = write ? sys : gpr;
	insn->src = write ? gpr : sys;
	return 0;
}

static bool has_modrm(u16 attr)
{
	switch (attr & F_MASK) {
	case F_EG:
	case F_GE:
	case F_EI:
	case F_E:
	case F_SYS_RD:
	case F_SYS_WR:
		return true;
	}
	return attr & A_GRP;
}

static void set_sizes(struct decoder *d, u16 attr, enum kl_mode mode)
{
	struct kl_insn *insn = d->insn;
	bool wide = mode >= KL_MODE_PROT32;	/* default operand size is not 16 bits */

	if (attr & A_B)
		insn->opsize = 1;
	else if ((attr & A_W) || ((attr & A_MW) && d->modrm < 0xc0))
		insn->opsize = 2;
	else if ((attr & A_F64) && (d->long64 || !(attr & A_D64)))
		insn->opsize = d->long64 ? 8 : 4;
	else if (attr & A_NTI)
		insn->opsize = d->rex & REX_W ? 8 : 4;
	else if ((d->rex & REX_W) && !(attr & A_MAX4))
		insn->opsize = 8;
	else if (d->opsize == wide)
		insn->opsize = 2;
	else
		insn->opsize = d->long64 && (attr & A_D64) ? 8 : 4;

	if (insn->op == KL_OP_CMPXCHG8B)
		insn->opsize = d->rex & REX_W ? 16 : 8;
	if (insn->op == KL_OP_SETCC || insn->op == KL_OP_CMOVCC)
		insn->cond = d->opcode & 15;
}

/* MOVZX, MOVSX, MOVSXD: the source is narrower than the operand size. */
static u8 source_size(const struct decoder *d)
{
	u8 opsize = d->insn->opsize;

	if (d->insn->op != KL_OP_MOVZX && d->insn->op != KL_OP_MOVSX)
		return opsize;
	if (d->opcode == 0x63)
		return opsize < 4 ? opsize : 4;
	return d->opcode & 1 ? 2 : 1;
}

static bool lockable(u8 op)
{
	switch (op) {
	case KL_OP_ADD ... KL_OP_XOR:
	case KL_OP_NOT ... KL_OP_DEC:
	case KL_OP_XCHG ... KL_OP_CMPXCHG8B:
	case KL_OP_BTS ... KL_OP_BTC:
		return true;
	}
	return false;
}

static int decode_operands(struct decoder *d, u16 attr)
{
	struct kl_insn *insn = d->insn;
	const struct kl_opnd dx = { .type = KL_OPND_REG, .reg = KL_RDX, .size = 2 };
	struct kl_opnd acc = { .type = KL_OPND_REG, .reg = KL_RAX, .size = insn->opsize };
	u8 size = insn->opsize;
	u8 reg = ((d->modrm >> 3) & 7) | (d->rex & REX_R ? 8 : 0);

	switch (attr & F_MASK) {
	case F_EG:
		insn->dst = decode_rm(d, size);
		insn->src = reg_opnd(d, reg, size);
		break;
	case F_GE:
		insn->dst = reg_opnd(d, reg, size);
		insn->src = decode_rm(d, source_size(d));
		break;
	case F_EI:
		insn->dst = decode_rm(d, size);
		insn->src = decode_imm(d, attr);
		break;
	case F_E:
		insn->dst = decode_rm(d, size);
		break;
	case F_AI:
		insn->dst = acc;
		insn->src = decode_imm(d, attr);
		break;
	case F_AO:
		insn->dst = acc;
		insn->src = decode_moffs(d);
		break;
	case F_OA:
		insn->dst = decode_moffs(d);
		insn->src = acc;
		break;
	case F_IB:
		insn->imm = fetch(d, 1);
		insn->dst = (struct kl_opnd){ .type = KL_OPND_IMM, .size = 1 };
		break;
	case F_IN_IB:
	case F_OUT_IB:
		insn->imm = fetch(d, 1);
		insn->src = (struct kl_opnd){ .type = KL_OPND_IMM, .size = 1 };
		insn->dst = acc;
		break;
	case F_IN_DX:
	case F_OUT_DX:
		insn->src = dx;
		insn->dst = acc;
		break;
	case F_STR:
		insn->mem.seg = d->seg != KL_NR_SREGS ? d->seg : KL_DS;
		break;
	case F_SYS_RD:
		return decode_sysreg(d, false);
	case F_SYS_WR:
		return decode_sysreg(d, true);
	}
	if ((attr & A_MEM) && d->modrm >= 0xc0)
		return -EILSEQ;
	return 0;
}

/**
 * kl_decode() - decode the instruction at the start of a buffer
 * @insn: filled in on success, undefined otherwise
 * @bytes: instruction bytes as the guest's CS:RIP shows them
 * @len: how many there are; more than 15 are not looked at
 * @mode: how the code segment reads them
 *
 * What depends on more than the code segment (privilege, CPUID, real mode) is
 * not checked: the exit that led here has done so.
 *
 * Context: any; pure.
 * Return: 0; -EAGAIN if the instruction goes on beyond @len; -EOPNOTSUPP if this
 * decoder does not know it; -EILSEQ if a CPU answers #UD to it (LOCK without a
 * memory destination that takes it, a form that does not exist); -E2BIG if it is
 * longer than 15 bytes, to which a CPU answers #GP(0).
 */
int kl_decode(struct kl_insn *insn, const u8 *bytes, unsigned int len, enum kl_mode mode)
{
	struct decoder d = {
		.bytes = bytes, .len = len, .long64 = mode == KL_MODE_LONG64,
		.seg = KL_NR_SREGS, .insn = insn,
	};
	struct opcode oc;
	int err;

	memset(insn, 0, sizeof(*insn));

	oc = lookup(&d, fetch_prefixes(&d));
	if (d.err)
		return d.err;
	/* Group 0 is G_IMM, so KL_OP_NONE must not be read from a group's entry. */
	if (!oc.op && !(oc.attr & A_GRP))
		return -EOPNOTSUPP;
	if (has_modrm(oc.attr)) {
		d.modrm = fetch(&d, 1);
		if (d.err)
			return d.err;
		if (oc.attr & A_GRP)
			oc = lookup_group(&d, oc);
		if (!oc.op)
			return -EOPNOTSUPP;
	}

	if ((oc.attr & A_N64) && d.long64)
		return -EILSEQ;
	if ((oc.attr & A_NTI) && (d.opsize || insn->flags & (KL_INSN_REP | KL_INSN_REPNE)))
		return -EILSEQ;

	insn->op = oc.op;
	if (d.long64)
		insn->adsize = d.adsize ? 4 : 8;
	else
		insn->adsize = d.adsize == (mode == KL_MODE_PROT32) ? 2 : 4;
	set_sizes(&d, oc.attr, mode);

	err = decode_operands(&d, oc.attr);
	if (d.err)
		return d.err;
	if (err)
		return err;
	if ((insn->flags & KL_INSN_LOCK) &&
	    !(lockable(insn->op) && insn->dst.type == KL_OPND_MEM))
		return -EILSEQ;
	if (d.seg != KL_NR_SREGS)
		insn->flags |= KL_INSN_SEG;
	insn->len = d.pos;
	return 0;
}

/**
 * kl_insn_offset() - offset of the explicit memory operand within its segment
 * @insn: with KL_INSN_MEM
 * @regs: the 16 general registers, indexed by enum kl_gpr
 * @rip: of this instruction
 *
 * Return: the offset, cut to the address size; the segment base is not in it.
 */
u64 kl_insn_offset(const struct kl_insn *insn, const u64 *regs, u64 rip)
{
	const struct kl_mem *m = &insn->mem;
	u64 off = m->disp;

	if (m->base != KL_NO_GPR)
		off += regs[m->base];
	if (m->index != KL_NO_GPR)
		off += regs[m->index] << m->scale;
	if (insn->flags & KL_INSN_RIPREL)
		off += rip + insn->len;
	return off & kl_size_mask(insn->adsize);
}
