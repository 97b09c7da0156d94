/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_EXIT_H
#define KVMLITE_EXIT_H

/*
 * What the vendors' exit handlers call once they know what the guest did.
 *
 * Every handler returns 1 to enter the guest again, 0 to return to user space
 * with vcpu->run filled in, or a negative errno for KVM_RUN itself. They skip
 * the instruction themselves (kl_ops->skip_insn) where it is complete; when
 * they queue a fault instead, RIP stays.
 */

#include "decode.h"
#include "mmu.h"
#include "vcpu.h"

int kl_exit_cpuid(struct kl_vcpu *vcpu);
int kl_exit_hlt(struct kl_vcpu *vcpu);
int kl_exit_rdmsr(struct kl_vcpu *vcpu);
int kl_exit_wrmsr(struct kl_vcpu *vcpu);
int kl_exit_xsetbv(struct kl_vcpu *vcpu);
int kl_exit_hypercall(struct kl_vcpu *vcpu);
int kl_exit_triple_fault(struct kl_vcpu *vcpu);
int kl_exit_invd(struct kl_vcpu *vcpu);		/* INVD, WBINVD: nothing to do */
int kl_exit_pause(struct kl_vcpu *vcpu);
int kl_exit_monitor(struct kl_vcpu *vcpu);	/* MONITOR/MWAIT as NOP or #UD */
int kl_exit_rdpmc(struct kl_vcpu *vcpu);
/* The instruction raises #UD here (nested virtualization and the like). */
int kl_exit_ud(struct kl_vcpu *vcpu);
/* #UD intercepted: a hypercall of the other vendor is patched; else #UD. */
int kl_exit_guest_ud(struct kl_vcpu *vcpu);

/* Control and debug registers; @reg is the general register 0…15. */
int kl_exit_mov_to_cr(struct kl_vcpu *vcpu, int cr, int reg);
int kl_exit_mov_from_cr(struct kl_vcpu *vcpu, int cr, int reg);
int kl_exit_clts(struct kl_vcpu *vcpu);
int kl_exit_lmsw(struct kl_vcpu *vcpu, u16 msw);
/* What MOV to CR3 does; 1: not a legal value. */
int kl_set_cr3(struct kl_vcpu *vcpu, unsigned long cr3);
int kl_exit_mov_dr(struct kl_vcpu *vcpu, int dr, int reg, bool to_dr);

/**
 * kl_exit_io - IN or OUT of AL, AX, EAX
 * @vcpu: the vCPU
 * @port: port number
 * @size: 1, 2, 4
 * @in: IN rather than OUT
 */
int kl_exit_io(struct kl_vcpu *vcpu, u16 port, int size, bool in);
/**
 * kl_exit_io_string - INS or OUTS, with or without REP
 * @vcpu: the vCPU
 * @port: port number
 * @size: 1, 2, 4
 * @in: INS rather than OUTS
 * @addr_size: 2, 4, 8: how much of RSI, RDI, RCX counts
 * @seg: segment of OUTS' source (INS always writes to ES)
 * @rep: RCX counts
 */
int kl_exit_io_string(struct kl_vcpu *vcpu, u16 port, int size, bool in,
		      enum kl_seg seg, int addr_size, bool rep);

/* EPT violation or nested page fault; @access is KL_FAULT_* bits. */
int kl_exit_tdp_fault(struct kl_vcpu *vcpu, gpa_t gpa, u32 access);

/* Past the instruction that exited; the single-step trap that is due with it. */
int kl_skip_insn(struct kl_vcpu *vcpu);
/* As kl_skip_insn(), where RIP has been moved already. */
int kl_insn_done(struct kl_vcpu *vcpu);

/* #DB and #BP that the vendor intercepts for KVM_SET_GUEST_DEBUG. */
int kl_exit_debug(struct kl_vcpu *vcpu, u32 exception, u64 dr6);

/* KVM_EXIT_INTERNAL_ERROR; @suberror KVM_INTERNAL_ERROR_*. Returns 0. */
int kl_internal_error(struct kl_vcpu *vcpu, u32 suberror, unsigned int ndata,
		      const u64 *data);
/* An exit reason that nobody should ever see. Returns 0. */
int kl_unexpected_exit(struct kl_vcpu *vcpu, u64 reason);
int kl_fail_entry(struct kl_vcpu *vcpu, u64 hw_reason);

/* fetch.c: how the code segment reads the bytes at RIP. */
enum kl_mode kl_code_mode(struct kl_vcpu *vcpu);
/* KL_ACCESS_USER if the guest is in user mode, else 0. */
u32 kl_cpl_access(struct kl_vcpu *vcpu);

/* Room for the longest instruction, in whole words. */
#define KL_FETCH_BUF	16
/**
 * kl_fetch_insn - the bytes at RIP, for decoding
 * @vcpu: the vCPU, loaded; vm->srcu is held; may sleep
 * @mode: kl_code_mode()
 * @bytes: 15 of them, fewer where the next page is not there; then zeros
 *
 * Return: the count; 0 with a #PF queued, if it is one, if none could be read.
 */
int kl_fetch_insn(struct kl_vcpu *vcpu, enum kl_mode mode, u8 bytes[KL_FETCH_BUF]);

/* Emulate the instruction at RIP whose memory operand is not memory. */
int kl_emulate_mmio(struct kl_vcpu *vcpu, gpa_t gpa, u32 access);

#endif
