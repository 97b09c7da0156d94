// SPDX-License-Identifier: GPL-2.0
/* What the guest did, by exit code (APM appendix C). */

#include <uapi/asm/debugreg.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "../exit.h"
#include "../host.h"
#include "../mmu.h"
#include "../regs.h"
#include "insn.h"
#include "svm.h"

/* EXITINFO1 of MOV CR with decode assists. */
#define KL_CR_VALID	BIT_ULL(63)
#define KL_GPR_MASK	0xf

/* EXITINFO1 of a nested page fault (APM 15.25.6). */
#define KL_NPF_WRITE	BIT(1)
#define KL_NPF_EXEC	BIT(4)
#define KL_NPF_GUEST_TABLE	BIT_ULL(33)

#define KL_DR7_GD	BIT(13)

typedef int kl_handler(struct kl_vcpu *vcpu);

static inline struct vmcb_control_area *kl_control(struct kl_vcpu *vcpu)
{
	return &to_svm(vcpu)->vmcb->control;
}

/* Nothing to do in the guest's name: the host had its turn in between. */
static int kl_svm_on_host_event(struct kl_vcpu *vcpu)
{
	return 1;
}

static int kl_svm_on_intr(struct kl_vcpu *vcpu)
{
	vcpu->stats.external_interrupt++;
	return 1;
}

static int kl_svm_on_nmi(struct kl_vcpu *vcpu)
{
	/* Held back by GIF until the entry code set it again: taken there. */
	vcpu->stats.nmi++;
	return 1;
}

static int kl_svm_on_vintr(struct kl_vcpu *vcpu)
{
	kl_svm_end_irq_window(to_svm(vcpu));
	kl_request(vcpu, KL_REQ_EVENT);
	vcpu->stats.irq_window++;
	return 1;
}

static int kl_svm_on_iret(struct kl_vcpu *vcpu)
{
	kl_svm_iret_begins(to_svm(vcpu));
	vcpu->stats.nmi_window++;
	return 1;
}

static int kl_svm_on_msr(struct kl_vcpu *vcpu)
{
	return kl_control(vcpu)->exit_info_1 ? kl_exit_wrmsr(vcpu) :
					       kl_exit_rdmsr(vcpu);
}

static int kl_svm_on_npf(struct kl_vcpu *vcpu)
{
	const struct vmcb_control_area *control = kl_control(vcpu);
	u64 info = control->exit_info_1;
	u32 access;

	if (info & KL_NPF_WRITE)
		access = KL_FAULT_WRITE;
	else if (info & KL_NPF_EXEC)
		access = KL_FAULT_EXEC;
	else
		access = KL_FAULT_READ;
	if (info & KL_NPF_GUEST_TABLE)
		access |= KL_FAULT_WALK;
	return kl_exit_tdp_fault(vcpu, control->exit_info_2, access);
}

static int kl_svm_io_size(u32 info)
{
	return (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT;
}

/*
 * IN and OUT report all but, before decode assists, the address size (on some
 * CPUs) and the segment of string forms. RIP after the instruction is there.
 */
static noinline int kl_svm_on_string_io(struct kl_vcpu *vcpu, u32 info)
{
	struct kl_svm *svm = to_svm(vcpu);
	int adsize = (info & SVM_IOIO_ASIZE_MASK) >> SVM_IOIO_ASIZE_SHIFT;
	enum kl_seg seg = (info >> 10) & 7;
	struct kl_insn insn;
	int ret;

	/* One bit for each of 16, 32, 64, like the size of the operand. */
	adsize *= 2;
	if (!kl_svm_caps.decode_assists || !adsize) {
		if (!kl_svm_decode(svm, &insn, &ret))
			return ret;
		adsize = insn.adsize;
		seg = (enum kl_seg)insn.mem.seg;
	}
	return kl_exit_io_string(vcpu, info >> 16, kl_svm_io_size(info),
				 info & SVM_IOIO_TYPE_MASK, seg, adsize,
				 info & SVM_IOIO_REP_MASK);
}

static int kl_svm_on_ioio(struct kl_vcpu *vcpu)
{
	const struct vmcb_control_area *control = kl_control(vcpu);
	u32 info = control->exit_info_1;

	to_svm(vcpu)->next_rip = control->exit_info_2;
	if (unlikely(info & SVM_IOIO_STR_MASK))
		return kl_svm_on_string_io(vcpu, info);
	return kl_exit_io(vcpu, info >> 16, kl_svm_io_size(info),
			  info & SVM_IOIO_TYPE_MASK);
}

/* The register operands of kl_decode() are numbered as enum kl_reg is. */
static void kl_svm_write_gpr(struct kl_vcpu *vcpu, const struct kl_opnd *op,
			     u64 val)
{
	u64 mask = kl_size_mask(op->size);
	u64 old = op->size == 4 ? 0 : kl_reg_read(vcpu, op->reg);

	kl_reg_write(vcpu, op->reg, (old & ~mask) | (val & mask));
}

/* SMSW is no MOV, but reads CR0 all the same. */
static int kl_svm_on_smsw(struct kl_vcpu *vcpu, const struct kl_insn *insn)
{
	struct kl_svm *svm = to_svm(vcpu);
	u64 cr0 = kl_cr0(vcpu), linear;
	struct kl_exception fault;
	u32 access = KL_ACCESS_WRITE | KL_ACCESS_SET_AD;
	int ret;

	vcpu->stats.cr++;
	if (insn->dst.type == KL_OPND_REG) {
		kl_svm_write_gpr(vcpu, &insn->dst, cr0);
		return kl_skip_insn(vcpu);
	}
	if (!kl_svm_linear(svm, insn, 2, &linear))
		return 1;
	if (kl_svm_get_cpl(vcpu) == 3)
		access |= KL_ACCESS_USER;
	ret = kl_gva_write(vcpu, linear, &cr0, 2, access, &fault);
	if (ret == 1) {
		kl_queue_page_fault(vcpu, fault.payload, fault.error_code);
		return 1;
	}
	return ret ? kl_svm_emulation_failed(svm, NULL, 0) : kl_skip_insn(vcpu);
}

static int kl_svm_on_lmsw(struct kl_vcpu *vcpu, const struct kl_insn *insn)
{
	struct kl_svm *svm = to_svm(vcpu);
	struct kl_exception fault;
	u64 linear;
	u16 msw;
	int ret;

	if (insn->dst.type == KL_OPND_REG)
		return kl_exit_lmsw(vcpu, kl_reg_read(vcpu, insn->dst.reg));
	if (!kl_svm_linear(svm, insn, 2, &linear))
		return 1;
	ret = kl_gva_read(vcpu, linear, &msw, 2, KL_ACCESS_SET_AD, &fault);
	if (ret == 1) {
		kl_queue_page_fault(vcpu, fault.payload, fault.error_code);
		return 1;
	}
	return ret ? kl_svm_emulation_failed(svm, NULL, 0) :
		     kl_exit_lmsw(vcpu, msw);
}

/* With an intercept of CR0 come CLTS, LMSW and SMSW besides MOV. */
static int kl_svm_on_cr(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	const struct vmcb_control_area *control = kl_control(vcpu);
	u32 code = control->exit_code;
	struct kl_insn insn;
	bool write = true;
	int cr = 0, ret;

	if (code != SVM_EXIT_CR0_SEL_WRITE) {
		write = code >= SVM_EXIT_WRITE_CR0;
		cr = code & 0xf;
	}
	if (kl_svm_caps.decode_assists && (control->exit_info_1 & KL_CR_VALID)) {
		int reg = control->exit_info_1 & KL_GPR_MASK;

		return write ? kl_exit_mov_to_cr(vcpu, cr, reg) :
			       kl_exit_mov_from_cr(vcpu, cr, reg);
	}
	if (!kl_svm_decode(svm, &insn, &ret))
		return ret;
	/*
	 * Another vCPU may have changed the code since the CPU looked at it, and
	 * found that SMSW is anybody's. Then the guest runs what is there now.
	 */
	if ((insn.op != KL_OP_SMSW && kl_svm_get_cpl(vcpu)) ||
	    write != (insn.op == KL_OP_MOV_TO_CR || insn.op == KL_OP_CLTS ||
		      insn.op == KL_OP_LMSW))
		return 1;
	switch (insn.op) {
	case KL_OP_MOV_TO_CR:
		return kl_exit_mov_to_cr(vcpu, cr, insn.src.reg);
	case KL_OP_MOV_FROM_CR:
		return kl_exit_mov_from_cr(vcpu, cr, insn.dst.reg);
	case KL_OP_CLTS:
		return kl_exit_clts(vcpu);
	case KL_OP_LMSW:
		return kl_svm_on_lmsw(vcpu, &insn);
	case KL_OP_SMSW:
		return kl_svm_on_smsw(vcpu, &insn);
	default:
		return 1;
	}
}

/*
 * Who touches a debug register mostly touches several: until its next exit the
 * guest has them all to itself, unless user space debugs it. With a general
 * detect the access has to trap.
 */
static bool kl_svm_lend_drs(struct kl_vcpu *vcpu)
{
	if (vcpu->guest_debug || (vcpu->dr7 & KL_DR7_GD))
		return false;
	kl_svm_intercept_drs(to_svm(vcpu)->vmcb, false);
	vcpu->dr_dirty = true;
	vcpu->stats.dr++;
	return true;
}

static int kl_svm_on_dr(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	const struct vmcb_control_area *control = kl_control(vcpu);
	int dr = control->exit_code & 0xf;
	bool write = control->exit_code >= SVM_EXIT_WRITE_DR0;
	struct kl_insn insn;
	int reg, ret;

	if (kl_svm_lend_drs(vcpu))
		return 1;
	if (kl_svm_caps.decode_assists) {
		reg = control->exit_info_1 & KL_GPR_MASK;
	} else {
		if (!kl_svm_decode(svm, &insn, &ret))
			return ret;
		if (insn.op != (write ? KL_OP_MOV_TO_DR : KL_OP_MOV_FROM_DR))
			return kl_svm_emulation_failed(svm, NULL, 0);
		reg = write ? insn.src.reg : insn.dst.reg;
	}
	return kl_exit_mov_dr(vcpu, dr, reg, write);
}

/* TF was ours, to see an NMI's IRET through: not the guest's to know. */
static int kl_svm_on_exception(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);
	const struct vmcb_control_area *control = kl_control(vcpu);
	u8 vector = control->exit_code - SVM_EXIT_EXCP_BASE;
	u64 dr6;

	if (unlikely(svm->stepped)) {
		switch (vector) {
		case X86_TRAP_DB:
			svm->vmcb->save.dr6 = DR6_RESERVED;
			return 1;
		case X86_TRAP_PF:
			kl_queue_page_fault(vcpu, control->exit_info_2,
					    control->exit_info_1);
			return 1;
		case X86_TRAP_DF:
		case X86_TRAP_TS:
		case X86_TRAP_NP:
		case X86_TRAP_SS:
		case X86_TRAP_GP:
			kl_queue_exception_e(vcpu, vector, control->exit_info_1);
			return 1;
		case X86_TRAP_MC:
		case X86_TRAP_AC:
		case X86_TRAP_UD:
			break;
		default:
			kl_queue_exception(vcpu, vector);
			return 1;
		}
	}

	switch (vector) {
	case X86_TRAP_DB:
		/*
		 * The guest's own DR6 is kept in software unless it was lent
		 * the register: here is what raised this #DB.
		 */
		dr6 = svm->vmcb->save.dr6 ^ DR6_RESERVED;
		svm->vmcb->save.dr6 = DR6_RESERVED;
		return kl_exit_debug(vcpu, vector, dr6);
	case X86_TRAP_BP:
		return kl_exit_debug(vcpu, vector, 0);
	case X86_TRAP_UD:
		return kl_exit_guest_ud(vcpu);
	case X86_TRAP_AC:
		vcpu->stats.exception++;
		kl_queue_exception_e(vcpu, vector, 0);
		return 1;
	case X86_TRAP_MC:
		/* handle_irqoff() has passed it to the host. */
		return 1;
	default:
		return kl_unexpected_exit(vcpu, control->exit_code);
	}
}

/* The VMCB's contents are undefined now (APM 15.14.3): begin a new one. */
static int kl_svm_on_shutdown(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	memset(&svm->vmcb->save, 0, sizeof(svm->vmcb->save));
	kl_svm_init_control(svm);
	kl_svm_cpuid_changed(vcpu);
	kl_vcpu_reset(vcpu, true);
	return kl_exit_triple_fault(vcpu);
}

static kl_handler *const kl_svm_handlers[] = {
	[SVM_EXIT_READ_CR0 ... SVM_EXIT_READ_CR0 + 15]	= kl_svm_on_cr,
	[SVM_EXIT_WRITE_CR0 ... SVM_EXIT_WRITE_CR0 + 15] = kl_svm_on_cr,
	[SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR0 + 15]	= kl_svm_on_dr,
	[SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR0 + 15] = kl_svm_on_dr,
	[SVM_EXIT_EXCP_BASE ... SVM_EXIT_LAST_EXCP]	= kl_svm_on_exception,
	[SVM_EXIT_INTR]		= kl_svm_on_intr,
	[SVM_EXIT_NMI]		= kl_svm_on_nmi,
	[SVM_EXIT_SMI]		= kl_svm_on_host_event,
	[SVM_EXIT_INIT]		= kl_svm_on_host_event,
	[SVM_EXIT_VINTR]	= kl_svm_on_vintr,
	[SVM_EXIT_CR0_SEL_WRITE] = kl_svm_on_cr,
	[SVM_EXIT_RDPMC]	= kl_exit_rdpmc,
	[SVM_EXIT_CPUID]	= kl_exit_cpuid,
	[SVM_EXIT_RSM]		= kl_exit_ud,
	[SVM_EXIT_IRET]		= kl_svm_on_iret,
	[SVM_EXIT_INVD]		= kl_exit_invd,
	[SVM_EXIT_PAUSE]	= kl_exit_pause,
	[SVM_EXIT_HLT]		= kl_exit_hlt,
	[SVM_EXIT_INVLPGA]	= kl_exit_ud,
	[SVM_EXIT_IOIO]		= kl_svm_on_ioio,
	[SVM_EXIT_MSR]		= kl_svm_on_msr,
	[SVM_EXIT_SHUTDOWN]	= kl_svm_on_shutdown,
	[SVM_EXIT_VMRUN]	= kl_exit_ud,
	[SVM_EXIT_VMMCALL]	= kl_exit_hypercall,
	[SVM_EXIT_VMLOAD]	= kl_exit_ud,
	[SVM_EXIT_VMSAVE]	= kl_exit_ud,
	[SVM_EXIT_STGI]		= kl_exit_ud,
	[SVM_EXIT_CLGI]		= kl_exit_ud,
	[SVM_EXIT_SKINIT]	= kl_exit_ud,
	[SVM_EXIT_RDTSCP]	= kl_exit_ud,
	[SVM_EXIT_WBINVD]	= kl_exit_invd,
	[SVM_EXIT_MONITOR]	= kl_exit_monitor,
	[SVM_EXIT_MWAIT]	= kl_exit_monitor,
	[SVM_EXIT_XSETBV]	= kl_exit_xsetbv,
	[SVM_EXIT_RDPRU]	= kl_exit_ud,
	[SVM_EXIT_INVPCID]	= kl_exit_ud,
};

int kl_svm_handle_exit(struct kl_vcpu *vcpu)
{
	u32 code = kl_control(vcpu)->exit_code;

	/* Direct calls for what is frequent: indirect ones may be retpolines. */
	switch (code) {
	case SVM_EXIT_INTR:
		return kl_svm_on_intr(vcpu);
	case SVM_EXIT_IOIO:
		return kl_svm_on_ioio(vcpu);
	case SVM_EXIT_NPF:
		return kl_svm_on_npf(vcpu);
	case SVM_EXIT_MSR:
		return kl_svm_on_msr(vcpu);
	case SVM_EXIT_HLT:
		return kl_exit_hlt(vcpu);
	case (u32)SVM_EXIT_ERR:
		return kl_fail_entry(vcpu, code);
	case KL_SVM_EXIT_OFF:
		return -EIO;
	}
	if (likely(code < ARRAY_SIZE(kl_svm_handlers) && kl_svm_handlers[code]))
		return kl_svm_handlers[code](vcpu);
	return kl_unexpected_exit(vcpu, code);
}

void kl_svm_handle_irqoff(struct kl_vcpu *vcpu)
{
	kl_host_mce();
}

void kl_svm_exit_info(struct kl_vcpu *vcpu, u32 *reason, u64 *info1,
		      u64 *info2, u32 *intr_info)
{
	const struct vmcb_control_area *control = kl_control(vcpu);

	*reason = control->exit_code;
	*info1 = control->exit_info_1;
	*info2 = control->exit_info_2;
	*intr_info = control->exit_int_info;
}
