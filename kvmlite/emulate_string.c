// SPDX-License-Identifier: GPL-2.0
/*
 * MOVS, CMPS, STOS, LODS and SCAS, with and without a repeat prefix
 * (SDM vol. 2, "REP/REPE/REPZ/REPNE/REPNZ"; vol. 1, 7.3.9).
 */
#include "emulate_priv.h"

/* One element. Registers change only if all accesses succeeded. */
static int string_step(struct kl_emul *e, const struct kl_insn *insn)
{
	unsigned int size = insn->opsize, adsize = insn->adsize;
	const struct kl_opnd acc = { .type = KL_OPND_REG, .reg = KL_RAX, .size = size };
	u64 mask = kl_size_mask(adsize);
	u64 si = e->regs[KL_RSI] & mask, di = e->regs[KL_RDI] & mask;
	u64 step = e->rflags & KL_FLAG_DF ? -(u64)size : size;
	bool uses_si = true, uses_di = true;
	u64 a, b;
	int ret;

	switch (insn->op) {
	case KL_OP_MOVS:
		ret = kl_emul_load(e, insn->mem.seg, si, &a, size);
		if (!ret)
			ret = kl_emul_store(e, KL_ES, di, a, size);
		if (ret)
			return ret;
		break;
	case KL_OP_CMPS:
		ret = kl_emul_load(e, insn->mem.seg, si, &a, size);
		if (!ret)
			ret = kl_emul_load(e, KL_ES, di, &b, size);
		if (ret)
			return ret;
		kl_alu(KL_OP_CMP, size, a, b, &e->rflags);
		break;
	case KL_OP_STOS:
		ret = kl_emul_store(e, KL_ES, di, kl_emul_get_reg(e, &acc), size);
		if (ret)
			return ret;
		uses_si = false;
		break;
	case KL_OP_LODS:
		ret = kl_emul_load(e, insn->mem.seg, si, &a, size);
		if (ret)
			return ret;
		kl_emul_set_reg(e, &acc, a);
		uses_di = false;
		break;
	case KL_OP_SCAS:
		ret = kl_emul_load(e, KL_ES, di, &b, size);
		if (ret)
			return ret;
		kl_alu(KL_OP_CMP, size, kl_emul_get_reg(e, &acc), b, &e->rflags);
		uses_si = false;
		break;
	default:
		return KL_EMUL_FAIL;
	}

	if (uses_si)
		kl_emul_set_addr_reg(e, KL_RSI, adsize, si + step);
	if (uses_di)
		kl_emul_set_addr_reg(e, KL_RDI, adsize, di + step);
	return KL_EMUL_OK;
}

/* REPE ends at the first difference, REPNE at the first match. */
static bool condition_ends(const struct kl_emul *e, const struct kl_insn *insn)
{
	if (insn->op != KL_OP_CMPS && insn->op != KL_OP_SCAS)
		return false;
	return !(e->rflags & KL_FLAG_ZF) == !!(insn->flags & KL_INSN_REP);
}

/*
 * The instruction as far as one call takes it. RIP and RF are kl_emul_insn()'s:
 * KL_EMUL_OK with *@more says that the instruction is not through.
 */
int kl_emul_string(struct kl_emul *e, const struct kl_insn *insn, bool *more)
{
	u64 count = e->regs[KL_RCX] & kl_size_mask(insn->adsize);
	u32 budget = KL_EMUL_REP_BYTES / insn->opsize;
	int ret;

	*more = false;
	if (!(insn->flags & (KL_INSN_REP | KL_INSN_REPNE)))
		return string_step(e, insn);

	while (count) {
		ret = string_step(e, insn);
		if (ret)
			return ret;
		count--;
		kl_emul_set_addr_reg(e, KL_RCX, insn->adsize, count);
		e->iterations++;
		if (!count || condition_ends(e, insn))
			break;
		if (e->yield || (e->rflags & KL_FLAG_TF) || e->iterations == budget) {
			*more = true;
			break;
		}
	}
	return KL_EMUL_OK;
}
