// SPDX-License-Identifier: GPL-2.0
/*
 * Port I/O: to a device in the kernel if one takes it, else to user space
 * through the run page. String instructions go a page of data at a time; their
 * registers move when the data has (INS) or when user space has been told
 * (OUTS), and RIP stays on the instruction until RCX is used up.
 */

#include <linux/kvm.h>

#include "exit.h"
#include "irqchip/irqchip.h"
#include "regs.h"
#include "trace.h"
#include "vendor.h"
#include "vm.h"

static unsigned long kl_addr_mask(int addr_size)
{
	return addr_size == 8 ? ~0UL : (1UL << (addr_size * 8)) - 1;
}

/*
 * A register written with an address size of 2 keeps its upper 48 bits; with 4
 * its upper half becomes zero.
 */
static void kl_write_addr_reg(struct kl_vcpu *vcpu, enum kl_reg reg,
			      unsigned long val, int addr_size)
{
	if (addr_size == 2)
		val = (vcpu->regs[reg] & ~0xffffUL) | (val & 0xffff);
	else
		val &= kl_addr_mask(addr_size);
	vcpu->regs[reg] = val;
}

static void kl_io_to_user(struct kl_vcpu *vcpu, u16 port, int size, bool in,
			  unsigned int count, int (*complete)(struct kl_vcpu *))
{
	struct kvm_run *run = vcpu->run;

	vcpu->pio.size = size;
	vcpu->pio.in = in;
	vcpu->pio.count = count;
	vcpu->pio.rip = kl_rip_read(vcpu);
	vcpu->regs_replaced = false;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KL_PIO_PAGE_OFFSET * PAGE_SIZE;
	vcpu->complete_io = complete;
}

/* User space moved RIP (a reset, say): the instruction is no longer there. */
static bool kl_io_stale(struct kl_vcpu *vcpu)
{
	return vcpu->regs_replaced && kl_rip_read(vcpu) != vcpu->pio.rip;
}

static void kl_io_set_rax(struct kl_vcpu *vcpu, u32 val, int size)
{
	unsigned long rax = vcpu->regs[KL_REG_RAX];

	switch (size) {
	case 1:
		rax = (rax & ~0xffUL) | (val & 0xff);
		break;
	case 2:
		rax = (rax & ~0xffffUL) | (val & 0xffff);
		break;
	default:
		rax = val;
	}
	vcpu->regs[KL_REG_RAX] = rax;
}

static int kl_complete_in(struct kl_vcpu *vcpu)
{
	if (kl_io_stale(vcpu))
		return 1;
	/* The page is shared: one read. kl_io_set_rax() takes what it needs. */
	kl_io_set_rax(vcpu, READ_ONCE(*(u32 *)vcpu->pio_data), vcpu->pio.size);
	return kl_skip_insn(vcpu);
}

static int kl_complete_out(struct kl_vcpu *vcpu)
{
	if (kl_io_stale(vcpu))
		return 1;
	return kl_skip_insn(vcpu);
}

static int kl_exit_in(struct kl_vcpu *vcpu, u16 port, int size)
{
	u32 val = 0;

	if (!kl_bus_read(vcpu, KL_BUS_PIO, port, size, &val)) {
		trace_kl_pio(vcpu, true, port, size, val);
		kl_io_set_rax(vcpu, val, size);
		return kl_skip_insn(vcpu);
	}
	kl_io_to_user(vcpu, port, size, true, 1, kl_complete_in);
	return 0;
}

static int kl_exit_out(struct kl_vcpu *vcpu, u16 port, int size)
{
	u32 val = vcpu->regs[KL_REG_RAX];
	int ret;

	trace_kl_pio(vcpu, false, port, size, val);
	if (!kl_bus_write(vcpu, KL_BUS_PIO, port, size, &val))
		return kl_skip_insn(vcpu);
	*(u32 *)vcpu->pio_data = val;
	/* The POST port's writers look at RIP after the exit, old KVM's way. */
	if (port == 0x7e &&
	    !(vcpu->vm->disabled_quirks & KVM_X86_QUIRK_OUT_7E_INC_RIP)) {
		ret = kl_skip_insn(vcpu);
		if (ret <= 0)
			return ret;
		kl_io_to_user(vcpu, port, size, false, 1, NULL);
		return 0;
	}
	kl_io_to_user(vcpu, port, size, false, 1, kl_complete_out);
	return 0;
}

int kl_exit_io(struct kl_vcpu *vcpu, u16 port, int size, bool in)
{
	vcpu->stats.io++;
	return in ? kl_exit_in(vcpu, port, size) : kl_exit_out(vcpu, port, size);
}

/* ---- strings ---- */

/* RSI or RDI, and RCX, after @count elements; the instruction ends with RCX. */
static int kl_string_advance(struct kl_vcpu *vcpu, unsigned int count)
{
	struct kl_string_io *s = &vcpu->pio.string;
	enum kl_reg reg = vcpu->pio.in ? KL_REG_RDI : KL_REG_RSI;
	long step = (long)count * vcpu->pio.size;
	unsigned long left;

	if (s->down)
		step = -step;
	kl_write_addr_reg(vcpu, reg, vcpu->regs[reg] + step, s->addr_size);
	if (!s->rep)
		return kl_skip_insn(vcpu);
	left = (vcpu->regs[KL_REG_RCX] & kl_addr_mask(s->addr_size)) - count;
	kl_write_addr_reg(vcpu, KL_REG_RCX, left, s->addr_size);
	if (left)
		return 1;
	return kl_skip_insn(vcpu);
}

/*
 * Linear address of element @i; 0, or 1 with the guest's #GP or #SS queued if
 * @queue. Each element is checked, so that a segment's end is found where it is.
 */
static int kl_string_linear(struct kl_vcpu *vcpu, unsigned int i, bool queue,
			    u64 *la)
{
	struct kl_string_io *s = &vcpu->pio.string;
	enum kl_reg reg = vcpu->pio.in ? KL_REG_RDI : KL_REG_RSI;
	enum kl_seg seg = vcpu->pio.in ? KL_SEG_ES : s->seg;
	long step = (long)i * vcpu->pio.size;
	struct kvm_segment var;
	unsigned long off, last;
	bool bad;

	off = vcpu->regs[reg] + (s->down ? -step : step);
	off &= kl_addr_mask(s->addr_size);
	kl_ops->get_segment(vcpu, seg, &var);

	if (kl_is_64bit(vcpu)) {
		*la = off;
		if (seg == KL_SEG_FS || seg == KL_SEG_GS)
			*la += var.base;
		bad = kl_is_noncanonical(vcpu, *la);
	} else {
		last = off + vcpu->pio.size - 1;
		*la = (u32)(var.base + off);
		bad = var.unusable;
		/* Expand-down data segments are valid above the limit. */
		if (kl_is_protected(vcpu) && var.s && (var.type & 0xc) == 4)
			bad |= off <= var.limit ||
			       last > (var.db ? U32_MAX : 0xffff);
		else
			bad |= last > var.limit;
		if (kl_is_protected(vcpu) && !(kl_rflags_read(vcpu) & X86_EFLAGS_VM)) {
			/*
			 * INS writes: data, writable. OUTS reads: not
			 * execute-only.
			 */
			if (vcpu->pio.in)
				bad |= (var.type & 8) || !(var.type & 2);
			else
				bad |= (var.type & 0xa) == 8;
		}
	}
	if (bad && queue)
		kl_queue_exception_e(vcpu, seg == KL_SEG_SS ? X86_TRAP_SS :
				     X86_TRAP_GP, 0);
	return bad;
}

static u32 kl_string_access(struct kl_vcpu *vcpu)
{
	u32 access = vcpu->pio.in ? KL_ACCESS_WRITE : 0;

	if (kl_ops->get_cpl(vcpu) == 3)
		access |= KL_ACCESS_USER;
	return access | KL_ACCESS_SET_AD;
}

/* How many elements one exit carries: what is left, what fits the data page. */
static unsigned int kl_string_count(struct kl_vcpu *vcpu)
{
	struct kl_string_io *s = &vcpu->pio.string;
	unsigned long left = 1;

	if (s->rep)
		left = vcpu->regs[KL_REG_RCX] & kl_addr_mask(s->addr_size);
	return min_t(unsigned long, left, PAGE_SIZE / vcpu->pio.size);
}

/* How many elements the exit was for: user space may have lowered RCX in it. */
static unsigned int kl_string_take(struct kl_vcpu *vcpu)
{
	return min(vcpu->pio.count, kl_string_count(vcpu));
}

/* Move the data page's elements to (INS) guest memory. Done: how many. */
static int kl_string_store(struct kl_vcpu *vcpu, unsigned int count,
			   unsigned int *done)
{
	int size = vcpu->pio.size, ret;
	struct kl_exception fault;
	u64 la;

	for (*done = 0; *done < count; ++*done) {
		if (kl_string_linear(vcpu, *done, true, &la))
			return 1;
		ret = kl_gva_write(vcpu, la, vcpu->pio_data + *done * size,
				   size, kl_string_access(vcpu), &fault);
		if (ret == 1) {
			kl_queue_page_fault(vcpu, fault.payload,
					    fault.error_code);
			return 1;
		}
		if (ret)
			return kl_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION,
						 0, NULL);
	}
	return 2;
}

static int kl_complete_ins(struct kl_vcpu *vcpu)
{
	unsigned int count = kl_string_take(vcpu), done;
	int ret, idx;

	if (kl_io_stale(vcpu))
		return 1;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	ret = kl_string_store(vcpu, count, &done);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	if (!done)
		return ret == 2 ? 1 : ret;
	if (ret == 2)
		return kl_string_advance(vcpu, done);
	/* A fault part of the way: what was stored counts, RIP stays. */
	if (vcpu->pio.string.rep)
		kl_string_advance(vcpu, done);
	return ret;
}

static int kl_complete_outs(struct kl_vcpu *vcpu)
{
	unsigned int count = kl_string_take(vcpu);

	if (kl_io_stale(vcpu))
		return 1;
	return kl_string_advance(vcpu, count);
}

/*
 * Is the memory that INS will write there at all? Ask before reading a device
 * whose data would be lost.
 */
static int kl_ins_probe(struct kl_vcpu *vcpu)
{
	struct kl_exception fault;
	gpa_t gpa;
	u64 la;
	int ret;

	if (kl_string_linear(vcpu, 0, true, &la))
		return 1;
	ret = kl_gva_to_gpa(vcpu, la, kl_string_access(vcpu), &gpa, &fault);
	if (ret == 1) {
		kl_queue_page_fault(vcpu, fault.payload, fault.error_code);
		return 1;
	}
	if (ret || !kl_gpa_is_writable(vcpu->vm, gpa))
		return kl_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION, 0,
					 NULL);
	return 2;
}

static int kl_exit_ins(struct kl_vcpu *vcpu, u16 port, int size)
{
	unsigned int count = kl_string_count(vcpu), i, done;
	int ret;

	ret = kl_ins_probe(vcpu);
	if (ret != 2)
		return ret;
	/* A device in the kernel gives its elements here and now. */
	for (i = 0; i < count; i++) {
		if (kl_bus_read(vcpu, KL_BUS_PIO, port, size,
				vcpu->pio_data + i * size))
			break;
	}
	if (!i) {
		kl_io_to_user(vcpu, port, size, true, count, kl_complete_ins);
		return 0;
	}
	ret = kl_string_store(vcpu, i, &done);
	if (done)
		return kl_string_advance(vcpu, done);
	return ret;
}

static int kl_exit_outs(struct kl_vcpu *vcpu, u16 port, int size)
{
	unsigned int count = kl_string_count(vcpu), i;
	struct kl_exception fault;
	u64 la;
	int ret;

	for (i = 0; i < count; i++) {
		/* A fault beyond the first element belongs to the next exit. */
		if (kl_string_linear(vcpu, i, !i, &la)) {
			if (!i)
				return 1;
			break;
		}
		ret = kl_gva_read(vcpu, la, vcpu->pio_data + i * size, size,
				  kl_string_access(vcpu), &fault);
		if (ret) {
			if (i)
				break;
			if (ret == 1) {
				kl_queue_page_fault(vcpu, fault.payload,
						    fault.error_code);
				return 1;
			}
			return kl_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION,
						 0, NULL);
		}
	}
	count = i;
	for (i = 0; i < count; i++) {
		if (kl_bus_write(vcpu, KL_BUS_PIO, port, size,
				 vcpu->pio_data + i * size))
			break;
	}
	if (i)
		return kl_string_advance(vcpu, i);
	kl_io_to_user(vcpu, port, size, false, count, kl_complete_outs);
	return 0;
}

int kl_exit_io_string(struct kl_vcpu *vcpu, u16 port, int size, bool in,
		      enum kl_seg seg, int addr_size, bool rep)
{
	struct kl_string_io *s = &vcpu->pio.string;

	vcpu->stats.io++;
	vcpu->l1d_unclean = true;
	trace_kl_pio(vcpu, in, port, size, 0);
	vcpu->pio.size = size;
	vcpu->pio.in = in;
	s->seg = seg;
	s->addr_size = addr_size;
	s->rep = rep;
	s->down = kl_rflags_read(vcpu) & X86_EFLAGS_DF;

	if (rep && !(vcpu->regs[KL_REG_RCX] & kl_addr_mask(addr_size)))
		return kl_skip_insn(vcpu);
	return in ? kl_exit_ins(vcpu, port, size) : kl_exit_outs(vcpu, port, size);
}
