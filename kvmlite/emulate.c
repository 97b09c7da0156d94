// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one decoded instruction; emulate.h says how and for whom.
 *
 * The order inside every instruction is what makes it restartable: first all
 * reads, then the one write, then registers and flags. Whatever fails, fails
 * before anything has changed.
 */
#include "emulate_priv.h"

static int raise(struct kl_emul *e, u8 vector, u32 error_code)
{
	e->exception = (struct kl_emul_exception){
		.vector = vector,
		.has_error_code = e->mode != KL_MODE_REAL,
		.error_code = error_code,
	};
	return KL_EMUL_FAULT;
}

/* Registers */

u64 kl_emul_get_reg(const struct kl_emul *e, const struct kl_opnd *o)
{
	return e->regs[o->reg] >> (o->high ? 8 : 0) & kl_size_mask(o->size);
}

/* A 32-bit result clears the upper half, narrower ones leave it (SDM vol. 1, 3.4.1.1). */
void kl_emul_set_reg(struct kl_emul *e, const struct kl_opnd *o, u64 val)
{
	u64 *reg = &e->regs[o->reg], mask = kl_size_mask(o->size);

	val &= mask;
	if (o->size >= 4)
		*reg = val;
	else if (o->high)
		*reg = (*reg & ~0xff00ULL) | val << 8;
	else
		*reg = (*reg & ~mask) | val;
}

/* RSI, RDI, RCX and RSP count in the address size or the stack's. */
void kl_emul_set_addr_reg(struct kl_emul *e, enum kl_gpr reg, unsigned int size, u64 val)
{
	const struct kl_opnd o = { .type = KL_OPND_REG, .reg = reg, .size = size };

	kl_emul_set_reg(e, &o, val);
}

/* Memory */

static bool canonical(const struct kl_emul *e, u64 linear)
{
	unsigned int unused = e->la57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(linear << unused) >> unused) == linear;
}

/* Limit and type checks of the legacy modes (SDM vol. 3, 5.3 and 5.5). */
static bool segment_allows(const struct kl_emul *e, const struct kl_emul_seg *s, u64 offset,
			   unsigned int bytes, bool write)
{
	bool code = s->type & BIT(3), rw = s->type & BIT(1);
	bool expand_down = !code && (s->type & BIT(2));
	u64 last = offset + bytes - 1;

	if (s->unusable)
		return false;
	if (e->mode >= KL_MODE_PROT16 && (write ? code || !rw : code && !rw))
		return false;
	if (expand_down)
		return offset > s->limit && last <= (s->db ? 0xffffffff : 0xffff);
	return last <= s->limit;
}

/**
 * kl_emul_linear() - segment and offset to linear address
 * @e: the vCPU
 * @seg: segment register
 * @offset: within the segment, cut to the address size
 * @bytes: length of the access
 * @write: it is (also) a write
 * @linear: result
 *
 * Return: KL_EMUL_OK; KL_EMUL_FAULT with #GP(0) or #SS(0); KL_EMUL_FAIL for an
 * access that wraps around at 4 GiB.
 */
static int kl_emul_linear(struct kl_emul *e, enum kl_sreg seg, u64 offset, unsigned int bytes,
			  bool write, u64 *linear)
{
	const struct kl_emul_seg *s = &e->segs[seg];
	u8 vector = seg == KL_SS ? KL_EMUL_SS : KL_EMUL_GP;

	if (e->mode == KL_MODE_LONG64) {
		*linear = offset + (seg >= KL_FS ? s->base : 0);
		if (!canonical(e, *linear) || !canonical(e, *linear + bytes - 1))
			return raise(e, vector, 0);
		return KL_EMUL_OK;
	}
	if (!segment_allows(e, s, offset, bytes, write))
		return raise(e, vector, 0);
	*linear = (u32)(s->base + offset);
	return *linear + bytes > BIT_ULL(32) ? KL_EMUL_FAIL : KL_EMUL_OK;
}

static int linearize(struct kl_emul *e, enum kl_sreg seg, u64 offset, unsigned int bytes,
		     bool write, u64 *linear)
{
	int ret = kl_emul_linear(e, seg, offset, bytes, write, linear);

	if (!ret && e->align_check && (*linear & (bytes - 1)))
		return raise(e, KL_EMUL_AC, 0);
	return ret;
}

int kl_emul_load(struct kl_emul *e, enum kl_sreg seg, u64 offset, u64 *val,
		 unsigned int bytes)
{
	u64 linear;
	int ret = linearize(e, seg, offset, bytes, false, &linear);

	*val = 0;
	return ret ?: e->ops->read(e, linear, val, bytes, false);
}

int kl_emul_store(struct kl_emul *e, enum kl_sreg seg, u64 offset, u64 val,
		  unsigned int bytes)
{
	u64 linear;
	int ret = linearize(e, seg, offset, bytes, true, &linear);

	return ret ?: e->ops->write(e, linear, &val, bytes);
}

/* Operands */

static int read_opnd(struct kl_emul *e, const struct kl_insn *insn, const struct kl_opnd *o,
		     u64 *val)
{
	switch (o->type) {
	case KL_OPND_REG:
		*val = kl_emul_get_reg(e, o);
		return KL_EMUL_OK;
	case KL_OPND_IMM:
		*val = insn->imm & kl_size_mask(o->size);
		return KL_EMUL_OK;
	case KL_OPND_MEM:
		return kl_emul_load(e, insn->mem.seg, kl_insn_offset(insn, e->regs, e->rip),
				    val, o->size);
	}
	return KL_EMUL_FAIL;
}

static int write_opnd(struct kl_emul *e, const struct kl_insn *insn, const struct kl_opnd *o,
		      u64 val)
{
	if (o->type == KL_OPND_MEM)
		return kl_emul_store(e, insn->mem.seg, kl_insn_offset(insn, e->regs, e->rip),
				     val, o->size);
	kl_emul_set_reg(e, o, val);
	return KL_EMUL_OK;
}

/* A destination between its read and its write. */
struct rmw {
	struct kl_emul *e;
	const struct kl_insn *insn;
	u64 linear;
	u64 old[2];	/* as it was, 16 bytes at most */
};

/*
 * Reads insn->dst, @displaced bytes away from where the operand says. With
 * @write the segment and the page must allow the write that follows.
 */
static int rmw_begin(struct rmw *m, u64 displaced, bool write)
{
	const struct kl_insn *insn = m->insn;
	unsigned int size = insn->dst.size;
	u64 offset;
	int ret;

	if (insn->dst.type == KL_OPND_REG) {
		m->old[0] = kl_emul_get_reg(m->e, &insn->dst);
		return KL_EMUL_OK;
	}
	offset = kl_insn_offset(insn, m->e->regs, m->e->rip) + displaced;
	ret = linearize(m->e, insn->mem.seg, offset & kl_size_mask(insn->adsize), size,
			write, &m->linear);
	if (ret)
		return ret;
	/* CMPXCHG16B checks its alignment whatever RFLAGS.AC says. */
	if (size == 16 && m->linear & 15)
		return raise(m->e, KL_EMUL_GP, 0);
	return m->e->ops->read(m->e, m->linear, m->old, size, write);
}

static int rmw_end(struct rmw *m, const u64 *new)
{
	const struct kl_insn *insn = m->insn;
	unsigned int size = insn->dst.size;

	if (insn->dst.type == KL_OPND_REG) {
		kl_emul_set_reg(m->e, &insn->dst, *new);
		return KL_EMUL_OK;
	}
	/* XCHG with memory locks without being asked. */
	if ((insn->flags & KL_INSN_LOCK) || insn->op == KL_OP_XCHG)
		return m->e->ops->exchange(m->e, m->linear, m->old, new, size);
	return m->e->ops->write(m->e, m->linear, new, size);
}

/* Instructions */

static int exec_mov(struct kl_emul *e, const struct kl_insn *insn)
{
	u64 val;
	int ret = read_opnd(e, insn, &insn->src, &val);

	if (ret)
		return ret;
	if (insn->op == KL_OP_MOVSX) {
		unsigned int shift = 64 - 8 * insn->src.size;

		val = (s64)(val << shift) >> shift;
	}
	return write_opnd(e, insn, &insn->dst, val);
}

static int exec_alu(struct kl_emul *e, const struct kl_insn *insn)
{
	bool writes = insn->op != KL_OP_CMP && insn->op != KL_OP_TEST;
	struct rmw m = { .e = e, .insn = insn };
	u64 flags = e->rflags, b = 0, val;
	int ret;

	ret = rmw_begin(&m, 0, writes);
	if (!ret && insn->src.type)
		ret = read_opnd(e, insn, &insn->src, &b);
	if (ret)
		return ret;

	if (insn->op == KL_OP_NOT)
		val = ~m.old[0];
	else
		val = kl_alu(insn->op, insn->opsize, m.old[0], b, &flags);
	if (writes)
		ret = rmw_end(&m, &val);
	if (!ret)
		e->rflags = flags;
	return ret;
}

/* XCHG and XADD: the source register gets the old destination. */
static int exec_exchange(struct kl_emul *e, const struct kl_insn *insn)
{
	struct rmw m = { .e = e, .insn = insn };
	u64 flags = e->rflags, val = kl_emul_get_reg(e, &insn->src);
	int ret = rmw_begin(&m, 0, true);

	if (ret)
		return ret;
	if (insn->op == KL_OP_XADD)
		val = kl_alu(KL_OP_ADD, insn->opsize, m.old[0], val, &flags);
	/* Of two names for one register the destination is written last. */
	if (insn->dst.type == KL_OPND_REG)
		kl_emul_set_reg(e, &insn->src, m.old[0]);
	ret = rmw_end(&m, &val);
	if (ret)
		return ret;
	if (insn->dst.type == KL_OPND_MEM)
		kl_emul_set_reg(e, &insn->src, m.old[0]);
	e->rflags = flags;
	return KL_EMUL_OK;
}

/*
 * A comparison that fails changes no memory, so none is written; a CPU's extra
 * write of the old value would be one more MMIO write that devices do not expect.
 */
static int exec_cmpxchg(struct kl_emul *e, const struct kl_insn *insn)
{
	const struct kl_opnd acc = {
		.type = KL_OPND_REG, .reg = KL_RAX, .size = insn->opsize,
	};
	struct rmw m = { .e = e, .insn = insn };
	u64 flags = e->rflags, val = kl_emul_get_reg(e, &insn->src);
	int ret = rmw_begin(&m, 0, true);

	if (ret)
		return ret;
	kl_alu(KL_OP_CMP, insn->opsize, kl_emul_get_reg(e, &acc), m.old[0], &flags);
	if (flags & KL_FLAG_ZF)
		ret = rmw_end(&m, &val);
	else
		kl_emul_set_reg(e, &acc, m.old[0]);
	if (!ret)
		e->rflags = flags;
	return ret;
}

/* CMPXCHG8B and 16B: RDX:RAX is compared with memory, RCX:RBX replaces it. */
static int exec_cmpxchg8b(struct kl_emul *e, const struct kl_insn *insn)
{
	struct rmw m = { .e = e, .insn = insn };
	bool wide = insn->opsize == 16;
	const u64 *r = e->regs;
	u64 expect[2] = { r[KL_RAX], r[KL_RDX] }, new[2] = { r[KL_RBX], r[KL_RCX] };
	int ret = rmw_begin(&m, 0, true);

	if (ret)
		return ret;
	if (!wide) {
		expect[0] = (u32)expect[0] | expect[1] << 32;
		new[0] = (u32)new[0] | new[1] << 32;
	}
	if (m.old[0] == expect[0] && (!wide || m.old[1] == expect[1])) {
		ret = rmw_end(&m, new);
		if (!ret)
			e->rflags |= KL_FLAG_ZF;
		return ret;
	}
	e->rflags &= ~(u64)KL_FLAG_ZF;
	e->regs[KL_RAX] = wide ? m.old[0] : (u32)m.old[0];
	e->regs[KL_RDX] = wide ? m.old[1] : m.old[0] >> 32;
	return KL_EMUL_OK;
}

/*
 * BT, BTS, BTR, BTC. A register's bit offset is signed and reaches beyond the
 * memory operand, in steps of the operand size; an immediate wraps within it.
 */
static int exec_bt(struct kl_emul *e, const struct kl_insn *insn)
{
	unsigned int size = insn->opsize, shift = 64 - 8 * size;
	struct rmw m = { .e = e, .insn = insn };
	u64 offset = insn->imm, displaced = 0, bit, val;
	int ret;

	if (insn->src.type == KL_OPND_REG) {
		offset = kl_emul_get_reg(e, &insn->src);
		if (insn->dst.type == KL_OPND_MEM)
			displaced = ((s64)(offset << shift) >> shift >> 3) & ~(u64)(size - 1);
	}
	ret = rmw_begin(&m, displaced, insn->op != KL_OP_BT);
	if (ret)
		return ret;

	bit = BIT_ULL(offset & (8 * size - 1));
	val = m.old[0];
	switch (insn->op) {
	case KL_OP_BTS:
		val |= bit;
		break;
	case KL_OP_BTR:
		val &= ~bit;
		break;
	case KL_OP_BTC:
		val ^= bit;
		break;
	}
	if (insn->op != KL_OP_BT)
		ret = rmw_end(&m, &val);
	if (ret)
		return ret;
	/* The other flags are undefined or unchanged, so they stay. */
	e->rflags = (e->rflags & ~(u64)KL_FLAG_CF) | (m.old[0] & bit ? KL_FLAG_CF : 0);
	return KL_EMUL_OK;
}

/* The sixteen conditions: eight, and the opposite of each (SDM vol. 1, app. B). */
static bool condition(u64 flags, u8 cond)
{
	bool sf_ne_of = !(flags & KL_FLAG_SF) != !(flags & KL_FLAG_OF);
	bool met;

	switch (cond >> 1) {
	case 0:
		met = flags & KL_FLAG_OF;
		break;
	case 1:
		met = flags & KL_FLAG_CF;
		break;
	case 2:
		met = flags & KL_FLAG_ZF;
		break;
	case 3:
		met = flags & (KL_FLAG_CF | KL_FLAG_ZF);
		break;
	case 4:
		met = flags & KL_FLAG_SF;
		break;
	case 5:
		met = flags & KL_FLAG_PF;
		break;
	case 6:
		met = sf_ne_of;
		break;
	default:
		met = sf_ne_of || (flags & KL_FLAG_ZF);
	}
	return met != (cond & 1);
}

static int exec_setcc(struct kl_emul *e, const struct kl_insn *insn)
{
	return write_opnd(e, insn, &insn->dst, condition(e->rflags, insn->cond));
}

/*
 * The source is read whether or not the condition holds. So is the register
 * written: with a 32-bit operand its upper half is cleared either way.
 */
static int exec_cmov(struct kl_emul *e, const struct kl_insn *insn)
{
	u64 val;
	int ret = read_opnd(e, insn, &insn->src, &val);

	if (ret)
		return ret;
	if (!condition(e->rflags, insn->cond))
		val = kl_emul_get_reg(e, &insn->dst);
	kl_emul_set_reg(e, &insn->dst, val);
	return KL_EMUL_OK;
}

static unsigned int stack_size(const struct kl_emul *e)
{
	if (e->mode == KL_MODE_LONG64)
		return 8;
	return e->segs[KL_SS].db ? 4 : 2;
}

static int exec_push(struct kl_emul *e, const struct kl_insn *insn)
{
	unsigned int stack = stack_size(e);
	u64 sp = (e->regs[KL_RSP] - insn->opsize) & kl_size_mask(stack);
	u64 val;
	int ret;

	ret = read_opnd(e, insn, &insn->dst, &val);
	if (!ret)
		ret = kl_emul_store(e, KL_SS, sp, val, insn->opsize);
	if (!ret)
		kl_emul_set_addr_reg(e, KL_RSP, stack, sp);
	return ret;
}

static int exec_pop(struct kl_emul *e, const struct kl_insn *insn)
{
	unsigned int stack = stack_size(e);
	u64 old_rsp = e->regs[KL_RSP], val;
	int ret;

	ret = kl_emul_load(e, KL_SS, old_rsp & kl_size_mask(stack), &val, insn->opsize);
	if (ret)
		return ret;
	/* A destination based on RSP is addressed with RSP already incremented. */
	kl_emul_set_addr_reg(e, KL_RSP, stack, old_rsp + insn->opsize);
	ret = write_opnd(e, insn, &insn->dst, val);
	if (ret)
		e->regs[KL_RSP] = old_rsp;
	return ret;
}

static int exec(struct kl_emul *e, const struct kl_insn *insn, bool *more)
{
	switch (insn->op) {
	case KL_OP_MOV:
	case KL_OP_MOVZX:
	case KL_OP_MOVSX:
		return exec_mov(e, insn);
	case KL_OP_ADD ... KL_OP_DEC:
		return exec_alu(e, insn);
	case KL_OP_XCHG:
	case KL_OP_XADD:
		return exec_exchange(e, insn);
	case KL_OP_CMPXCHG:
		return exec_cmpxchg(e, insn);
	case KL_OP_CMPXCHG8B:
		return exec_cmpxchg8b(e, insn);
	case KL_OP_BT ... KL_OP_BTC:
		return exec_bt(e, insn);
	case KL_OP_SETCC:
		return exec_setcc(e, insn);
	case KL_OP_CMOVCC:
		return exec_cmov(e, insn);
	case KL_OP_PUSH:
		return exec_push(e, insn);
	case KL_OP_POP:
		return exec_pop(e, insn);
	case KL_OP_MOVS ... KL_OP_SCAS:
		return kl_emul_string(e, insn, more);
	}
	return KL_EMUL_FAIL;
}

/**
 * kl_emul_insn() - run a decoded instruction, or a batch of its repetitions
 * @e: the vCPU; see emulate.h for what goes in and what comes out
 * @insn: from kl_decode() with the same mode
 *
 * Context: whatever the callbacks need; takes no lock and never sleeps itself.
 * Return: enum kl_emul_result, or a callback's negative errno. Only KL_EMUL_OK,
 * and repetitions counted in @e->iterations, change registers.
 */
int kl_emul_insn(struct kl_emul *e, const struct kl_insn *insn)
{
	bool tf = e->rflags & KL_FLAG_TF, more = false;
	int ret;

	e->yield = false;
	e->trap = false;
	e->iterations = 0;

	ret = exec(e, insn, &more);

	/*
	 * RF keeps an instruction breakpoint from striking again in the middle of
	 * a repetition; the end of any instruction clears it (SDM vol. 3, 18.3.1.1).
	 */
	if (more || (ret && e->iterations))
		e->rflags |= KL_FLAG_RF;
	if (ret)
		return ret;
	if (!more) {
		e->rflags &= ~(u64)KL_FLAG_RF;
		e->rip += insn->len;
		if (e->mode != KL_MODE_LONG64)
			e->rip = (u32)e->rip;
	}
	e->trap = tf;
	return KL_EMUL_OK;
}
