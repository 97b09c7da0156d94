/* SPDX-License-Identifier: GPL-2.0 */
/*
 * x86 instruction decode: as much of the opcode map as guest MMIO needs, and
 * the instructions whose exits on a plain SVM report neither length nor
 * operands. Anything else is refused by name, never guessed.
 */
#ifndef KL_DECODE_H
#define KL_DECODE_H

#include "pure.h"

/* SDM vol. 2, 2.3.11: a longer instruction is #GP(0). */
#define KL_INSN_MAX	15

/**
 * enum kl_mode - what the code segment makes of the same bytes
 * @KL_MODE_REAL: CR0.PE clear; 16-bit defaults, no segment type checks
 * @KL_MODE_VM86: EFLAGS.VM set; decodes as real mode
 * @KL_MODE_PROT16: protected or compatibility mode, CS.D clear
 * @KL_MODE_PROT32: protected or compatibility mode, CS.D set
 * @KL_MODE_LONG64: EFER.LMA and CS.L set
 */
enum kl_mode {
	KL_MODE_REAL,
	KL_MODE_VM86,
	KL_MODE_PROT16,
	KL_MODE_PROT32,
	KL_MODE_LONG64,
};

/* General registers by their number in an encoding (not struct kvm_regs' order). */
enum kl_gpr {
	KL_RAX, KL_RCX, KL_RDX, KL_RBX, KL_RSP, KL_RBP, KL_RSI, KL_RDI,
	KL_R8, KL_R9, KL_R10, KL_R11, KL_R12, KL_R13, KL_R14, KL_R15,
	KL_NR_GPRS,
	KL_NO_GPR = 0xff,
};

/* Segment registers by their number in an encoding. */
enum kl_sreg {
	KL_ES, KL_CS, KL_SS, KL_DS, KL_FS, KL_GS,
	KL_NR_SREGS,
};

/* ADD…CMP stand in the order of the opcode map: opcode bits 5:3, ModRM.reg. */
enum kl_op {
	KL_OP_NONE,
	KL_OP_ADD, KL_OP_OR, KL_OP_ADC, KL_OP_SBB,
	KL_OP_AND, KL_OP_SUB, KL_OP_XOR, KL_OP_CMP,
	KL_OP_TEST, KL_OP_NOT, KL_OP_NEG, KL_OP_INC, KL_OP_DEC,
	KL_OP_MOV, KL_OP_MOVZX, KL_OP_MOVSX,
	KL_OP_XCHG, KL_OP_XADD, KL_OP_CMPXCHG, KL_OP_CMPXCHG8B,
	KL_OP_BT, KL_OP_BTS, KL_OP_BTR, KL_OP_BTC,
	KL_OP_SETCC, KL_OP_CMOVCC,
	KL_OP_PUSH, KL_OP_POP,
	KL_OP_MOVS, KL_OP_CMPS, KL_OP_STOS, KL_OP_LODS, KL_OP_SCAS,
	/* Decoded only; kl_emul_insn() does not run what follows. */
	KL_OP_INS, KL_OP_OUTS, KL_OP_IN, KL_OP_OUT,
	KL_OP_MOV_FROM_CR, KL_OP_MOV_TO_CR, KL_OP_MOV_FROM_DR, KL_OP_MOV_TO_DR,
	KL_OP_CLTS, KL_OP_LMSW, KL_OP_SMSW, KL_OP_INVLPG, KL_OP_INVPCID,
	KL_OP_NOP, KL_OP_PAUSE, KL_OP_HLT, KL_OP_MONITOR, KL_OP_MWAIT,
	KL_OP_CPUID, KL_OP_RDMSR, KL_OP_WRMSR, KL_OP_RDTSC, KL_OP_RDTSCP,
	KL_OP_RDPMC, KL_OP_XGETBV, KL_OP_XSETBV,
	KL_OP_INVD, KL_OP_WBINVD, KL_OP_WBNOINVD, KL_OP_RSM,
	KL_OP_VMCALL, KL_OP_VMMCALL, KL_OP_VMRUN, KL_OP_VMLOAD, KL_OP_VMSAVE,
	KL_OP_STGI, KL_OP_CLGI, KL_OP_SKINIT, KL_OP_INVLPGA,
	KL_OP_INT, KL_OP_INT3, KL_OP_INTO, KL_OP_INT1, KL_OP_IRET,
	KL_OP_PUSHF, KL_OP_POPF,
	KL_OP_SGDT, KL_OP_SIDT, KL_OP_LGDT, KL_OP_LIDT,
	KL_OP_SLDT, KL_OP_STR, KL_OP_LLDT, KL_OP_LTR,
	KL_NR_OPS,
};

enum kl_opnd_type {
	KL_OPND_NONE,
	KL_OPND_REG,	/* general register; @high for AH, CH, DH, BH */
	KL_OPND_MEM,	/* kl_insn.mem; implied for string instructions */
	KL_OPND_IMM,	/* kl_insn.imm */
	KL_OPND_CR,
	KL_OPND_DR,
};

/**
 * struct kl_opnd - one operand
 * @type: enum kl_opnd_type
 * @reg: number of the general, control or debug register
 * @size: bytes (1, 2, 4, 8; 16 for CMPXCHG16B)
 * @high: bits 15:8 of @reg, which is then one of RAX, RCX, RDX, RBX
 */
struct kl_opnd {
	u8 type;
	u8 reg;
	u8 size;
	u8 high;
};

/**
 * struct kl_mem - the explicit memory operand
 * @seg: enum kl_sreg after overrides; for string instructions the segment of the
 *	source (the destination is always ES)
 * @base: enum kl_gpr or KL_NO_GPR
 * @index: enum kl_gpr or KL_NO_GPR
 * @scale: left shift of the index, 0..3
 * @disp: displacement, sign-extended; the whole offset of a moffs operand
 */
struct kl_mem {
	u8 seg;
	u8 base;
	u8 index;
	u8 scale;
	s64 disp;
};

#define KL_INSN_LOCK	BIT(0)
#define KL_INSN_REP	BIT(1)	/* F3: REP, REPE */
#define KL_INSN_REPNE	BIT(2)	/* F2 */
#define KL_INSN_RIPREL	BIT(3)	/* @mem is relative to the next instruction */
#define KL_INSN_MEM	BIT(4)	/* @mem is an explicit memory operand */
#define KL_INSN_SEG	BIT(5)	/* a segment override was in force */

/**
 * struct kl_insn - a decoded instruction
 * @op: enum kl_op
 * @len: bytes, prefixes included, 1..15
 * @opsize: operand size in bytes; for CMPXCHG8B 8 or 16
 * @adsize: address size in bytes: 2, 4 or 8
 * @flags: KL_INSN_*
 * @cond: of SETcc and CMOVcc, the number in the opcode's low bits
 * @dst: first operand, also the only one (INVLPG, LMSW, PUSH: read, not written)
 * @src: second operand. IN and OUT hold the port as an immediate or as DX.
 * @mem: valid with KL_INSN_MEM; @mem.seg also for string instructions
 * @imm: immediate, sign-extended to 64 bits (INT's vector and IN/OUT's port are not)
 */
struct kl_insn {
	u8 op;
	u8 len;
	u8 opsize;
	u8 adsize;
	u8 flags;
	u8 cond;
	struct kl_opnd dst;
	struct kl_opnd src;
	struct kl_mem mem;
	u64 imm;
};

int kl_decode(struct kl_insn *insn, const u8 *bytes, unsigned int len, enum kl_mode mode);
u64 kl_insn_offset(const struct kl_insn *insn, const u64 *regs, u64 rip);

/* The bits of a register that a number of @bytes (1..8) covers. */
static __always_inline u64 kl_size_mask(unsigned int bytes)
{
	return ~0ULL >> (64 - 8 * bytes);
}

#endif /* KL_DECODE_H */
