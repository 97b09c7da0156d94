// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that exit without the CPU saying how long they are or what
 * their operands are: SVM before NRIP save and decode assists (APM 15.7.1,
 * 15.33), which QEMU's emulated CPUs still are.
 */

#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/traps.h>
#include <asm/trapnr.h>

#include "../exit.h"
#include "../regs.h"
#include "../vm.h"
#include "insn.h"
#include "svm.h"

/* Straight from the VMCB, also with interrupts off right after an exit. */
static unsigned long kl_svm_linear_rip(struct kl_svm *svm)
{
	const struct vmcb_save_area *save = &svm->vmcb->save;

	if ((save->efer & EFER_LMA) && (save->cs.attrib & SVM_SELECTOR_L_MASK))
		return save->rip;
	return (u32)(save->cs.base + save->rip);
}

static void kl_svm_set_next_rip(struct kl_svm *svm, unsigned int len)
{
	unsigned long rip = kl_rip_read(&svm->vcpu) + len;

	svm->next_rip = kl_is_64bit(&svm->vcpu) ? rip : (u32)rip;
}

int kl_svm_emulation_failed(struct kl_svm *svm, const u8 *bytes, int n)
{
	struct kvm_run *run = svm->vcpu.run;
	int i;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags =
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	n = min_t(int, n, sizeof(run->emulation_failure.insn_bytes));
	run->emulation_failure.insn_size = n;
	for (i = 0; i < sizeof(run->emulation_failure.insn_bytes); i++)
		run->emulation_failure.insn_bytes[i] = i < n ? bytes[i] : 0x90;
	return 0;
}

bool kl_svm_decode(struct kl_svm *svm, struct kl_insn *insn, int *ret)
{
	enum kl_mode mode = kl_code_mode(&svm->vcpu);
	u8 bytes[KL_FETCH_BUF];
	int n;

	n = kl_fetch_insn(&svm->vcpu, mode, bytes);
	if (!n) {
		/* Without a #PF to raise the guest would come back for ever. */
		*ret = svm->vcpu.events.exception.pending ?
			1 : kl_svm_emulation_failed(svm, NULL, 0);
		return false;
	}
	if (kl_decode(insn, bytes, n, mode)) {
		*ret = kl_svm_emulation_failed(svm, bytes, n);
		return false;
	}
	kl_svm_set_next_rip(svm, insn->len);
	return true;
}

/*
 * Interrupts off. The intercept says that a CPUID is at RIP; a first byte of
 * its opcode says that no prefix precedes it. Should the guest have remapped
 * the page under the same CR3, the old page would have to show the very two
 * bytes at the very place for the length to come out wrong.
 */
int kl_svm_peek_cpuid(struct kl_svm *svm)
{
	const struct kl_code_page *code = &svm->vcpu.code;
	unsigned long linear = kl_svm_linear_rip(svm);
	unsigned int off = offset_in_page(linear);
	u8 b[2];

	if (!code->known || code->linear != linear - off ||
	    code->cr3 != svm->vmcb->save.cr3 || off > PAGE_SIZE - sizeof(b) ||
	    code->seq != READ_ONCE(svm->vcpu.vm->mmu.seq))
		return 0;
	if (copy_from_user_nofault(b, (void __user *)(code->hva + off),
				   sizeof(b)))
		return 0;
	return b[0] == 0x0f && b[1] == 0xa2 ? 2 : 0;
}

/* As kl_svm_decode(), for the length alone: 1, else what skip_insn returns. */
static noinline int kl_svm_find_next(struct kl_svm *svm)
{
	struct srcu_struct *srcu = &svm->vcpu.vm->srcu;
	struct kl_insn insn;
	int idx, ret = 1;

	if (kl_svm_caps.nrips && svm->vmcb->control.next_rip) {
		svm->next_rip = svm->vmcb->control.next_rip;
		return 1;
	}
	/* Not all completions of an exit come with it held. */
	idx = srcu_read_lock(srcu);
	kl_svm_decode(svm, &insn, &ret);
	srcu_read_unlock(srcu, idx);
	return ret;
}

int kl_svm_skip_insn(struct kl_vcpu *vcpu)
{
	struct kl_svm *svm = to_svm(vcpu);

	/*
	 * User space has put RIP elsewhere since the exit: nothing to skip. If it
	 * wrote back what it had read, the instruction is still there.
	 */
	if ((vcpu->regs_dirty & BIT(KL_REG_RIP)) &&
	    vcpu->regs[KL_REG_RIP] != svm->vmcb->save.rip)
		return 1;
	if (unlikely(!svm->next_rip)) {
		int ret = kl_svm_find_next(svm);

		if (!svm->next_rip)
			return ret;
	}
	kl_rip_write(vcpu, svm->next_rip);
	svm->next_rip = 0;
	if (unlikely(svm->vmcb->save.rflags & X86_EFLAGS_RF))
		kl_rflags_write(vcpu, kl_rflags_read(vcpu) & ~X86_EFLAGS_RF);
	svm->vmcb->control.int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
	return 1;
}

bool kl_svm_linear(struct kl_svm *svm, const struct kl_insn *insn,
		   unsigned int size, u64 *linear)
{
	struct kl_vcpu *vcpu = &svm->vcpu;
	u8 vector = insn->mem.seg == KL_SS ? X86_TRAP_SS : X86_TRAP_GP;
	struct kvm_segment seg;
	u64 regs[KL_NR_GPRS], off;
	bool down;
	int i;

	for (i = 0; i < KL_NR_GPRS; i++)
		regs[i] = kl_reg_read(vcpu, i);
	off = kl_insn_offset(insn, regs, kl_rip_read(vcpu));
	kl_svm_get_segment(vcpu, (enum kl_seg)insn->mem.seg, &seg);

	if (kl_is_64bit(vcpu)) {
		if (insn->mem.seg == KL_FS || insn->mem.seg == KL_GS)
			off += seg.base;
		if (kl_is_noncanonical(vcpu, off) ||
		    kl_is_noncanonical(vcpu, off + size - 1))
			goto fault;
		*linear = off;
		return true;
	}

	off = (u32)off;
	/* An expand-down data segment holds what lies above its limit. */
	down = seg.s && (seg.type & 0xc) == 0x4;
	if (seg.unusable)
		goto fault;
	if (down ? off <= seg.limit || off + size - 1 > (seg.db ? U32_MAX : 0xffff) :
		   off + size - 1 > seg.limit)
		goto fault;
	*linear = (u32)(seg.base + off);
	return true;

fault:
	kl_queue_exception_e(vcpu, vector, 0);
	return false;
}
