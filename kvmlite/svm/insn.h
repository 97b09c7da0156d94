/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_SVM_INSN_H
#define KVMLITE_SVM_INSN_H

#include "../decode.h"

struct kl_svm;

/**
 * kl_svm_decode - decode the instruction that left the guest
 * @svm: the vCPU, after an exit
 * @insn: filled in
 * @ret: what the exit's handler must return if this fails
 *
 * On success svm->next_rip is known.
 *
 * Return: true; false if the bytes cannot be read (the guest gets a #PF) or
 * make no instruction (user space gets an internal error with the bytes).
 */
bool kl_svm_decode(struct kl_svm *svm, struct kl_insn *insn, int *ret);
/* KVM_INTERNAL_ERROR_EMULATION with the bytes at RIP. Returns 0. */
int kl_svm_emulation_failed(struct kl_svm *svm, const u8 *bytes, int n);
/* Length of a CPUID without faulting and sleeping; 0: not known that cheaply. */
int kl_svm_peek_cpuid(struct kl_svm *svm);
/* An explicit memory operand: its linear address; false: a fault is queued. */
bool kl_svm_linear(struct kl_svm *svm, const struct kl_insn *insn,
		   unsigned int size, u64 *linear);

#endif
