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
 * @e: the emulator's view of the vCPU, whose general registers it works on
 * @insn: what the first @nbytes of @bytes mean in mode @e.mode; 0: nothing yet
 * @log: MMIO reads that have been answered; @replay counts through them
 * @queue: MMIO writes to perform
 * @gpa: what the exit says about the first access; with @hint it is the only
 *	one, so the linear address of the same offset translates to it
 */
struct kl_mmio_state {
	struct kl_vcpu *vcpu;
	struct kl_emul e;
	struct kl_insn insn;
	u8 bytes[KL_FETCH_BUF];
	unsigned int nbytes;
	unsigned int nlog, replay;
	struct kl_mmio_piece log[KL_MMIO_LOG];
	unsigned int nqueue, next;
	struct kl_mmio_piece queue[KL_MMIO_LOG];
	struct kl_mmio_piece read;
	gpa_t gpa;
	bool hint;
	int result;
};

/* ---- the emulator's memory ---- */

static int kl_emul_fault(struct kl_emul *e, const struct kl_exception *fault)
{
	e->exception.vector = X86_TRAP_PF;
	e->exception.has_error_code = true;
	e->exception.error_code = fault->error_code;
	e->exception.cr2 = fault->payload;
	return KL_EMUL_FAULT;
}

/* The hardware translated this very access a moment ago. */
static bool kl_is_exit_address(const struct kl_mmio_state *m, u64 linear)
{
	return m->hint && offset_in_page(linear) == offset_in_page(m->gpa);
}

static int kl_emul_translate(struct kl_mmio_state *m, u64 linear, bool write,
			     gpa_t *gpa)
{
	struct kl_exception fault;
	u32 access;
	int ret;

	if (kl_is_exit_address(m, linear)) {
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
	if ((!m->vcpu->apic || kl_lapic_mmio_read(m->vcpu, gpa, len, data)) &&
	    kl_bus_read(m->vcpu, KL_BUS_MMIO, gpa, len, data)) {
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

	/* The exit says that there is no memory, or none to be written. */
	if (kl_is_exit_address(m, linear) && offset_in_page(linear) + bytes <= PAGE_SIZE)
		return kl_mmio_queue(m, m->gpa, data, bytes);

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

/* The emulator works on vcpu->regs. */
static_assert(sizeof(unsigned long) == sizeof(u64) &&
	      (int)KL_REG_RAX == (int)KL_RAX && (int)KL_REG_RSP == (int)KL_RSP &&
	      (int)KL_REG_RBP == (int)KL_RBP && (int)KL_REG_R15 == (int)KL_R15);

int kl_mmio_alloc(struct kl_vcpu *vcpu)
{
	vcpu->mmio = kzalloc(sizeof(*vcpu->mmio), GFP_KERNEL_ACCOUNT);
	if (!vcpu->mmio)
		return -ENOMEM;
	vcpu->mmio->vcpu = vcpu;
	vcpu->mmio->e.ops = &kl_mmio_ops;
	vcpu->mmio->e.regs = (u64 *)vcpu->regs;
	return 0;
}

void kl_mmio_free(struct kl_vcpu *vcpu)
{
	kfree(vcpu->mmio);
}

static void kl_emul_load_seg(struct kl_vcpu *vcpu, struct kl_emul *e, int seg)
{
	struct kvm_segment var;

	kl_ops->get_segment(vcpu, seg, &var);
	e->segs[seg].base = var.base;
	e->segs[seg].limit = var.limit;
	e->segs[seg].type = var.type;
	e->segs[seg].db = var.db;
	e->segs[seg].unusable = var.unusable;
}

static void kl_emul_load(struct kl_vcpu *vcpu, struct kl_emul *e,
			 const struct kl_insn *insn)
{
	int i;

	e->la57 = kl_cr4(vcpu) & X86_CR4_LA57;
	/* The one general register that may not be there yet. */
	kl_reg_read(vcpu, KL_REG_RSP);
	e->rip = kl_rip_read(vcpu);
	e->rflags = kl_rflags_read(vcpu);
	e->align_check = (e->rflags & X86_EFLAGS_AC) &&
			 (kl_cr0(vcpu) & X86_CR0_AM) &&
			 kl_ops->get_cpl(vcpu) == 3;
	if (e->mode == KL_MODE_LONG64) {
		/* Only these two have a base, and none a limit. */
		if (insn->mem.seg == KL_FS || insn->mem.seg == KL_GS)
			kl_emul_load_seg(vcpu, e, insn->mem.seg);
		return;
	}
	for (i = 0; i < KL_NR_SREGS; i++)
		kl_emul_load_seg(vcpu, e, i);
}

/* The general registers have changed in place. */
static void kl_emul_store(struct kl_vcpu *vcpu, struct kl_emul *e, u64 rsp)
{
	if (vcpu->regs[KL_REG_RSP] != rsp)
		kl_reg_mark_dirty(vcpu, KL_REG_RSP);
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
		if (vcpu->apic && !kl_lapic_mmio_write(vcpu, p->gpa, p->len, p->data))
			continue;
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
	int ret = 1, idx;

	if (unlikely(++m->next < m->nqueue)) {
		idx = srcu_read_lock(&vcpu->vm->srcu);
		ret = kl_mmio_flush(m);
		srcu_read_unlock(&vcpu->vm->srcu, idx);
	}
	return ret <= 0 ? ret : kl_mmio_finish(m);
}

static int kl_mmio_complete_read(struct kl_vcpu *vcpu)
{
	struct kl_mmio_state *m = vcpu->mmio;
	struct kl_mmio_piece *p = &m->log[m->nlog++];
	int ret, idx;

	p->gpa = m->read.gpa;
	p->len = m->read.len;
	memcpy(p->data, vcpu->run->mmio.data, p->len);
	trace_kl_mmio(vcpu, false, p->gpa, p->len, p->data);
	/* User space may have changed registers (a reset): look again. */
	if (kl_rip_read(vcpu) != m->e.rip)
		return 1;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	ret = kl_mmio_emulate(m);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret;
}

static int kl_mmio_emulate(struct kl_mmio_state *m)
{
	struct kl_vcpu *vcpu = m->vcpu;
	u64 rip, rsp;
	int ret;

	m->replay = 0;
	m->nqueue = 0;
	m->next = 0;
	kl_emul_load(vcpu, &m->e, &m->insn);
	rip = m->e.rip;
	rsp = vcpu->regs[KL_REG_RSP];

	m->result = kl_emul_insn(&m->e, &m->insn);
	if (m->result < 0 || m->result == KL_EMUL_FAIL)
		m->nqueue = 0;
	if (m->result == KL_EMUL_OK || m->e.iterations)
		m->nlog = 0;
	kl_emul_store(vcpu, &m->e, rsp);
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
	u8 bytes[KL_FETCH_BUF];
	enum kl_mode mode;
	int n;

	vcpu->stats.mmio++;
	/* Code, or the guest's page tables, where there is no memory. */
	if (access & (KL_FAULT_EXEC | KL_FAULT_WALK))
		return kl_emulation_error(vcpu, NULL, 0);

	mode = kl_code_mode(vcpu);
	n = kl_fetch_insn(vcpu, mode, bytes);
	if (!n)
		return vcpu->events.exception.pending ?
			1 : kl_emulation_error(vcpu, NULL, 0);
	/* The same bytes in the same mode are the same instruction. */
	if (m->nbytes != n || m->e.mode != mode ||
	    memcmp(m->bytes, bytes, KL_FETCH_BUF)) {
		m->nbytes = 0;
		if (kl_decode(&m->insn, bytes, n, mode))
			return kl_emulation_error(vcpu, bytes, n);
		m->nbytes = n;
		m->e.mode = mode;
		memcpy(m->bytes, bytes, KL_FETCH_BUF);
	}

	m->gpa = gpa;
	m->hint = kl_exit_vouches(&m->insn, access);
	m->nlog = 0;
	return kl_mmio_emulate(m);
}
