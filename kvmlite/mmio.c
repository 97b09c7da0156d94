// SPDX-License-Identifier: GPL-2.0
/*
 * Guest accesses to addresses where there is no memory: fetch the instruction,
 * decode it, run it with its memory behind callbacks (emulate.h), and let a
 * device in the kernel or user space answer.
 *
 * An instruction whose read user space must answer is run again from the start
 * when the answer is there; the answers so far are kept in a log, in the order
 * of the accesses. Its writes are queued and performed once it is complete.
 */

#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "emulate.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "mmio.h"
#include "regs.h"
#include "trace.h"
#include "vendor.h"
#include "vm.h"

/* CMPXCHG16B across a page, twice over; in pieces of eight bytes at most. */
#define KL_MMIO_LOG	8

struct kl_mmio_piece {
	gpa_t gpa;
	u8 len;			/* 1…8 */
	u8 data[8];
};

/*
 * struct kl_mmio_state - one instruction under way, across exits
 * @e: the emulator's view of the vCPU
 * @log: MMIO reads that have been answered; @replay counts through them
 * @queue: MMIO writes to perform
 * @gpa, @linear_page: what the exit says about the first access: the page at
 *	@linear_page, if @hint, translates to the page of @gpa
 */
struct kl_mmio_state {
	struct kl_vcpu *vcpu;
	struct kl_emul e;
	struct kl_insn insn;
	u8 bytes[KL_INSN_MAX];
	u8 nbytes;
	unsigned int nlog, replay;
	struct kl_mmio_piece log[KL_MMIO_LOG];
	unsigned int nqueue, next;
	struct kl_mmio_piece queue[KL_MMIO_LOG];
	struct kl_mmio_piece read;
	gpa_t gpa;
	bool hint;
	int result;
};

int kl_mmio_alloc(struct kl_vcpu *vcpu)
{
	vcpu->mmio = kzalloc(sizeof(*vcpu->mmio), GFP_KERNEL_ACCOUNT);
	if (!vcpu->mmio)
		return -ENOMEM;
	vcpu->mmio->vcpu = vcpu;
	return 0;
}

void kl_mmio_free(struct kl_vcpu *vcpu)
{
	kfree(vcpu->mmio);
}

static u32 kl_cpl_access(struct kl_vcpu *vcpu)
{
	return kl_ops->get_cpl(vcpu) == 3 ? KL_ACCESS_USER : 0;
}

int kl_fetch_insn(struct kl_vcpu *vcpu, u8 *bytes, int max)
{
	u32 access = KL_ACCESS_FETCH | kl_cpl_access(vcpu) | KL_ACCESS_SET_AD;
	u64 la = kl_rip_read(vcpu);
	struct kl_exception fault;
	struct kvm_segment cs;
	int first, ret;

	if (!kl_is_64bit(vcpu)) {
		kl_ops->get_segment(vcpu, KL_SEG_CS, &cs);
		la = (u32)(cs.base + la);
	}
	first = min_t(int, max, PAGE_SIZE - offset_in_page(la));
	ret = kl_gva_read(vcpu, la, bytes, first, access, &fault);
	if (ret == 1)
		kl_queue_page_fault(vcpu, fault.payload, fault.error_code);
	if (ret)
		return 0;
	if (first < max &&
	    !kl_gva_read(vcpu, la + first, bytes + first, max - first, access,
			 &fault))
		return max;
	return first;
}

static enum kl_mode kl_code_mode(struct kl_vcpu *vcpu)
{
	int db, l;

	if (!kl_is_protected(vcpu))
		return KL_MODE_REAL;
	if (kl_rflags_read(vcpu) & X86_EFLAGS_VM)
		return KL_MODE_VM86;
	kl_ops->get_cs_db_l(vcpu, &db, &l);
	if (l && kl_is_long_mode(vcpu))
		return KL_MODE_LONG64;
	return db ? KL_MODE_PROT32 : KL_MODE_PROT16;
}

/* ---- the emulator's memory ---- */

static int kl_emul_fault(struct kl_emul *e, const struct kl_exception *fault)
{
	e->exception.vector = X86_TRAP_PF;
	e->exception.has_error_code = true;
	e->exception.error_code = fault->error_code;
	e->exception.cr2 = fault->payload;
	return KL_EMUL_FAULT;
}

static int kl_emul_translate(struct kl_mmio_state *m, u64 linear, bool write,
			     gpa_t *gpa)
{
	struct kl_exception fault;
	u32 access;
	int ret;

	/* The hardware translated this very access a moment ago. */
	if (m->hint && offset_in_page(linear) == offset_in_page(m->gpa)) {
		*gpa = m->gpa;
		return KL_EMUL_OK;
	}
	access = kl_cpl_access(m->vcpu) | KL_ACCESS_SET_AD;
	if (write)
		access |= KL_ACCESS_WRITE;
	ret = kl_gva_to_gpa(m->vcpu, linear, access, gpa, &fault);
	if (ret == 1)
		return kl_emul_fault(&m->e, &fault);
	return ret ? KL_EMUL_FAIL : KL_EMUL_OK;
}

/* Bytes up to the end of the page, or of the aligned eight that a device sees. */
static unsigned int kl_piece_len(u64 linear, unsigned int bytes, unsigned int unit)
{
	return min_t(unsigned int, bytes, unit - (linear & (unit - 1)));
}

static int kl_mmio_read_piece(struct kl_mmio_state *m, gpa_t gpa, void *data,
			      unsigned int len)
{
	struct kl_mmio_piece *p;

	if (m->replay < m->nlog) {
		p = &m->log[m->replay++];
		/* The guest changed what lies under the instruction. */
		if (p->gpa != gpa || p->len != len)
			return KL_EMUL_RETRY;
		memcpy(data, p->data, len);
		return KL_EMUL_OK;
	}
	if (m->nlog == KL_MMIO_LOG)
		return KL_EMUL_FAIL;
	if (kl_bus_read(m->vcpu, KL_BUS_MMIO, gpa, len, data)) {
		m->read.gpa = gpa;
		m->read.len = len;
		return KL_EMUL_IO;
	}
	p = &m->log[m->nlog++];
	m->replay = m->nlog;
	p->gpa = gpa;
	p->len = len;
	memcpy(p->data, data, len);
	return KL_EMUL_OK;
}

static int kl_emul_read(struct kl_emul *e, u64 linear, void *data,
			unsigned int bytes, bool for_write)
{
	struct kl_mmio_state *m = container_of(e, struct kl_mmio_state, e);
	unsigned int len, part;
	gpa_t gpa;
	int ret;

	for (; bytes; bytes -= len, data += len, linear += len) {
		len = kl_piece_len(linear, bytes, PAGE_SIZE);
		ret = kl_emul_translate(m, linear, for_write, &gpa);
		if (ret)
			return ret;
		if (kl_gpa_has_slot(m->vcpu->vm, gpa)) {
			/*
			 * The slot went meanwhile, or its host memory is bad:
			 * the guest's own access finds out which.
			 */
			if (kl_gpa_read(m->vcpu->vm, gpa, data, len))
				return KL_EMUL_RETRY;
			continue;
		}
		e->yield = true;
		len = min(len, 8U);
		for (part = len; part & (part - 1); part &= part - 1)
			;
		/* Devices see naturally sized accesses where that is possible. */
		len = part;
		ret = kl_mmio_read_piece(m, gpa, data, len);
		if (ret)
			return ret;
	}
	return KL_EMUL_OK;
}

static int kl_mmio_queue(struct kl_mmio_state *m, gpa_t gpa, const void *data,
			 unsigned int len)
{
	struct kl_mmio_piece *p;
	unsigned int part;

	for (; len; len -= part, gpa += part, data += part) {
		for (part = min(len, 8U); part & (part - 1); part &= part - 1)
			;
		if (m->nqueue == KL_MMIO_LOG)
			return KL_EMUL_FAIL;
		p = &m->queue[m->nqueue++];
		p->gpa = gpa;
		p->len = part;
		memcpy(p->data, data, part);
	}
	m->e.yield = true;
	return KL_EMUL_OK;
}

static int kl_emul_write(struct kl_emul *e, u64 linear, const void *data,
			 unsigned int bytes)
{
	struct kl_mmio_state *m = container_of(e, struct kl_mmio_state, e);
	struct { gpa_t gpa; unsigned int len; } page[2];
	unsigned int n, i;
	int ret;

	/* Both pages first: a store that faults changes nothing. */
	for (n = 0; bytes; n++, bytes -= page[n - 1].len) {
		page[n].len = kl_piece_len(linear, bytes, PAGE_SIZE);
		ret = kl_emul_translate(m, linear, true, &page[n].gpa);
		if (ret)
			return ret;
		linear += page[n].len;
	}
	for (i = 0; i < n; data += page[i].len, i++) {
		if (kl_gpa_is_writable(m->vcpu->vm, page[i].gpa)) {
			/* As for kl_emul_read(). */
			if (kl_gpa_write(m->vcpu->vm, page[i].gpa, data,
					 page[i].len))
				return KL_EMUL_RETRY;
			continue;
		}
		ret = kl_mmio_queue(m, page[i].gpa, data, page[i].len);
		if (ret)
			return ret;
	}
	return KL_EMUL_OK;
}

static int kl_emul_exchange(struct kl_emul *e, u64 linear, const void *old,
			    const void *new, unsigned int bytes)
{
	struct kl_mmio_state *m = container_of(e, struct kl_mmio_state, e);
	u64 expect = 0, value = 0;
	gpa_t gpa;
	int ret;

	ret = kl_emul_translate(m, linear, true, &gpa);
	if (ret)
		return ret;
	/* Split locks and 16 bytes on memory: plain, as no page answers both. */
	if (!kl_gpa_is_writable(m->vcpu->vm, gpa) || bytes > 8 ||
	    (linear & (bytes - 1)))
		return kl_emul_write(e, linear, new, bytes);
	memcpy(&expect, old, bytes);
	memcpy(&value, new, bytes);
	ret = kl_gpa_cmpxchg(m->vcpu->vm, gpa, &expect, value, bytes);
	if (ret == -EAGAIN)
		return KL_EMUL_RETRY;
	return ret ? -EFAULT : KL_EMUL_OK;
}

static const struct kl_emul_ops kl_mmio_ops = {
	.read = kl_emul_read,
	.write = kl_emul_write,
	.exchange = kl_emul_exchange,
};

/* ---- between the vCPU and the emulator ---- */

static void kl_emul_load(struct kl_vcpu *vcpu, struct kl_emul *e)
{
	struct kvm_segment var;
	int i;

	e->ops = &kl_mmio_ops;
	e->la57 = kl_cr4(vcpu) & X86_CR4_LA57;
	for (i = 0; i < KL_NR_GPRS; i++)
		e->regs[i] = kl_reg_read(vcpu, i);
	e->rip = kl_rip_read(vcpu);
	e->rflags = kl_rflags_read(vcpu);
	e->align_check = (kl_cr0(vcpu) & X86_CR0_AM) &&
			 (e->rflags & X86_EFLAGS_AC) &&
			 kl_ops->get_cpl(vcpu) == 3;
	for (i = 0; i < KL_NR_SREGS; i++) {
		/* In 64-bit mode only these two have a base, none a limit. */
		if (e->mode == KL_MODE_LONG64 && i != KL_FS && i != KL_GS)
			continue;
		kl_ops->get_segment(vcpu, i, &var);
		e->segs[i].base = var.base;
		e->segs[i].limit = var.limit;
		e->segs[i].type = var.type;
		e->segs[i].db = var.db;
		e->segs[i].unusable = var.unusable;
	}
}

static void kl_emul_store(struct kl_vcpu *vcpu, struct kl_emul *e)
{
	int i;

	for (i = 0; i < KL_NR_GPRS; i++) {
		if (i == KL_RSP) {
			if (vcpu->regs[i] != e->regs[i])
				kl_reg_write(vcpu, KL_REG_RSP, e->regs[i]);
		} else {
			vcpu->regs[i] = e->regs[i];
		}
	}
	if (vcpu->regs[KL_REG_RIP] != e->rip)
		kl_rip_write(vcpu, e->rip);
	if (vcpu->regs[KL_REG_RFLAGS] != e->rflags)
		kl_rflags_write(vcpu, e->rflags);
}

/* What user space needs to see what could not be done, KVM's layout. */
static int kl_emulation_error(struct kl_vcpu *vcpu, const u8 *bytes,
			      unsigned int nbytes)
{
	struct kvm_run *run = vcpu->run;

	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	if (nbytes) {
		run->emulation_failure.flags =
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		run->emulation_failure.insn_size = nbytes;
		memset(run->emulation_failure.insn_bytes, 0x90,
		       sizeof(run->emulation_failure.insn_bytes));
		memcpy(run->emulation_failure.insn_bytes, bytes, nbytes);
	}
	return 0;
}

static int kl_mmio_emulate(struct kl_mmio_state *m);

static int kl_mmio_complete_write(struct kl_vcpu *vcpu);

/* Perform the queued writes; 1 when all are done, 0 to have user space do one. */
static int kl_mmio_flush(struct kl_mmio_state *m)
{
	struct kl_vcpu *vcpu = m->vcpu;
	struct kl_mmio_piece *p;

	for (; m->next < m->nqueue; m->next++) {
		p = &m->queue[m->next];
		trace_kl_mmio(vcpu, true, p->gpa, p->len, p->data);
		if (!kl_bus_write(vcpu, KL_BUS_MMIO, p->gpa, p->len, p->data))
			continue;
		vcpu->run->exit_reason = KVM_EXIT_MMIO;
		vcpu->run->mmio.phys_addr = p->gpa;
		vcpu->run->mmio.len = p->len;
		vcpu->run->mmio.is_write = 1;
		memcpy(vcpu->run->mmio.data, p->data, p->len);
		vcpu->complete_io = kl_mmio_complete_write;
		return 0;
	}
	m->nqueue = 0;
	m->next = 0;
	return 1;
}

/* The instruction's own outcome, after its writes. */
static int kl_mmio_finish(struct kl_mmio_state *m)
{
	struct kl_vcpu *vcpu = m->vcpu;
	struct kl_emul_exception *ex = &m->e.exception;

	switch (m->result) {
	case KL_EMUL_OK:
		if (m->e.trap)
			return kl_insn_done(vcpu);
		return 1;
	case KL_EMUL_RETRY:
		return 1;
	case KL_EMUL_FAULT:
		if (ex->vector == X86_TRAP_PF)
			kl_queue_page_fault(vcpu, ex->cr2, ex->error_code);
		else if (ex->has_error_code)
			kl_queue_exception_e(vcpu, ex->vector, ex->error_code);
		else
			kl_queue_exception(vcpu, ex->vector);
		return 1;
	case KL_EMUL_FAIL:
		return kl_emulation_error(vcpu, m->bytes, m->nbytes);
	default:
		return m->result;
	}
}

static int kl_mmio_complete_write(struct kl_vcpu *vcpu)
{
	struct kl_mmio_state *m = vcpu->mmio;
	int ret;

	m->next++;
	ret = kl_mmio_flush(m);
	if (ret <= 0)
		return ret;
	return kl_mmio_finish(m);
}

static int kl_mmio_complete_read(struct kl_vcpu *vcpu)
{
	struct kl_mmio_state *m = vcpu->mmio;
	struct kl_mmio_piece *p = &m->log[m->nlog++];

	p->gpa = m->read.gpa;
	p->len = m->read.len;
	memcpy(p->data, vcpu->run->mmio.data, p->len);
	trace_kl_mmio(vcpu, false, p->gpa, p->len, p->data);
	/* User space may have changed registers (a reset): look again. */
	if (kl_rip_read(vcpu) != m->e.rip)
		return 1;
	return kl_mmio_emulate(m);
}

static int kl_mmio_emulate(struct kl_mmio_state *m)
{
	struct kl_vcpu *vcpu = m->vcpu;
	u64 rip;
	int ret;

	m->replay = 0;
	m->nqueue = 0;
	m->next = 0;
	m->e.yield = false;
	m->e.trap = false;
	m->e.iterations = 0;
	kl_emul_load(vcpu, &m->e);
	rip = m->e.rip;

	m->result = kl_emul_insn(&m->e, &m->insn);
	if (m->result < 0 || m->result == KL_EMUL_FAIL)
		m->nqueue = 0;
	if (m->result == KL_EMUL_OK || m->e.iterations)
		m->nlog = 0;
	kl_emul_store(vcpu, &m->e);
	if (m->e.rip != rip)
		kl_ops->set_shadow(vcpu, 0);
	vcpu->stats.emulated++;

	if (m->result == KL_EMUL_IO) {
		vcpu->run->exit_reason = KVM_EXIT_MMIO;
		vcpu->run->mmio.phys_addr = m->read.gpa;
		vcpu->run->mmio.len = m->read.len;
		vcpu->run->mmio.is_write = 0;
		vcpu->complete_io = kl_mmio_complete_read;
		return 0;
	}
	ret = kl_mmio_flush(m);
	if (ret <= 0)
		return ret;
	return kl_mmio_finish(m);
}

/* One memory operand, so the exit's address is that operand's. */
static bool kl_single_operand(const struct kl_insn *insn)
{
	return (insn->flags & KL_INSN_MEM) && insn->op != KL_OP_PUSH &&
	       insn->op != KL_OP_POP;
}

static bool kl_stores(const struct kl_insn *insn)
{
	return insn->dst.type == KL_OPND_MEM && insn->op != KL_OP_CMP &&
	       insn->op != KL_OP_TEST && insn->op != KL_OP_BT;
}

/*
 * May the exit's address, which the CPU has checked, stand for the operand's?
 * Another CPU of the guest may have put this instruction in the place of the one
 * that exited: what the CPU has let it read it may not therefore write.
 */
static bool kl_exit_vouches(const struct kl_insn *insn, u32 access)
{
	return kl_single_operand(insn) &&
	       (!kl_stores(insn) || (access & KL_FAULT_WRITE));
}

int kl_emulate_mmio(struct kl_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct kl_mmio_state *m = vcpu->mmio;
	int ret;

	vcpu->stats.mmio++;
	m->nbytes = 0;
	/* Code, or the guest's page tables, where there is no memory. */
	if (access & (KL_FAULT_EXEC | KL_FAULT_WALK))
		return kl_emulation_error(vcpu, NULL, 0);

	m->e.mode = kl_code_mode(vcpu);
	ret = kl_fetch_insn(vcpu, m->bytes, KL_INSN_MAX);
	if (!ret)
		return vcpu->events.exception.pending ?
			1 : kl_emulation_error(vcpu, NULL, 0);
	m->nbytes = ret;
	if (kl_decode(&m->insn, m->bytes, m->nbytes, m->e.mode))
		return kl_emulation_error(vcpu, m->bytes, m->nbytes);

	m->gpa = gpa;
	m->hint = kl_exit_vouches(&m->insn, access);
	m->nlog = 0;
	return kl_mmio_emulate(m);
}
