// SPDX-License-Identifier: GPL-2.0
/* Results and flags of the arithmetic instructions (SDM vol. 1, 3.4.3.1). */
#include "emulate_priv.h"

/* ZF, SF and PF follow from the result alone; PF looks at its low byte only. */
static u64 result_flags(u64 result, unsigned int size)
{
	u64 flags = 0;
	u8 parity = result;

	parity ^= parity >> 4;
	parity ^= parity >> 2;
	parity ^= parity >> 1;
	if (!(parity & 1))
		flags |= KL_FLAG_PF;
	if (!(result & kl_size_mask(size)))
		flags |= KL_FLAG_ZF;
	if (result >> (8 * size - 1) & 1)
		flags |= KL_FLAG_SF;
	return flags;
}

/*
 * @carries has a bit set where a carry (or borrow) left that position; CF is the
 * one that left the operand, AF the one that left bit 3. The sum overflowed if
 * the sign bit took a carry in without passing one on, or the reverse.
 */
static u64 carry_flags(u64 carries, unsigned int size)
{
	unsigned int top = 8 * size - 1;
	u64 flags = 0;

	if (carries >> top & 1)
		flags |= KL_FLAG_CF;
	if (carries >> 3 & 1)
		flags |= KL_FLAG_AF;
	if ((carries >> top ^ carries >> (top - 1)) & 1)
		flags |= KL_FLAG_OF;
	return flags;
}

/**
 * kl_alu() - one of ADD … CMP, TEST, NEG, INC, DEC
 * @op: enum kl_op; NEG, INC and DEC work on @a
 * @size: operand size in bytes
 * @a: first operand, bits beyond @size are ignored
 * @b: second operand
 * @rflags: arithmetic flags are replaced; ADC and SBB take CF from it
 *
 * AF, which the logical operations leave undefined, is cleared as CPUs do.
 *
 * Return: the result, cut to @size; CMP and TEST give what SUB and AND would.
 */
u64 kl_alu(enum kl_op op, unsigned int size, u64 a, u64 b, u64 *rflags)
{
	u64 carry = *rflags & KL_FLAG_CF, flags = 0, keep = 0, r;

	switch (op) {
	case KL_OP_INC:
	case KL_OP_DEC:
		keep = KL_FLAG_CF;
		b = 1;
		break;
	case KL_OP_NEG:
		b = a;
		a = 0;
		break;
	default:
		break;
	}

	switch (op) {
	case KL_OP_ADC:
	case KL_OP_ADD:
	case KL_OP_INC:
		r = a + b + (op == KL_OP_ADC ? carry : 0);
		flags = carry_flags((a & b) | ((a | b) & ~r), size);
		break;
	case KL_OP_SBB:
	case KL_OP_SUB:
	case KL_OP_CMP:
	case KL_OP_NEG:
	case KL_OP_DEC:
		r = a - b - (op == KL_OP_SBB ? carry : 0);
		flags = carry_flags((~a & b) | ((~a | b) & r), size);
		break;
	case KL_OP_OR:
		r = a | b;
		break;
	case KL_OP_XOR:
		r = a ^ b;
		break;
	default:	/* AND, TEST */
		r = a & b;
		break;
	}

	flags |= result_flags(r, size);
	*rflags = (*rflags & ~(u64)(KL_FLAGS_ARITH & ~keep)) | (flags & ~keep);
	return r & kl_size_mask(size);
}
