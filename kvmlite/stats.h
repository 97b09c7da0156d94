/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_STATS_H
#define KVMLITE_STATS_H

#include <linux/types.h>

/*
 * Counters of one vCPU, written by its own thread only and read without a
 * lock through debugfs. X(name) so that the file listing them cannot forget
 * one.
 */
#define KL_VCPU_STATS(X)	\
	X(entries)		\
	X(exits)		\
	X(exits_fast)		\
	X(exits_to_user)	\
	X(io)			\
	X(mmio)			\
	X(cpuid)		\
	X(msr)			\
	X(cr)			\
	X(dr)			\
	X(hlt)			\
	X(hypercall)		\
	X(exception)		\
	X(external_interrupt)	\
	X(nmi)			\
	X(irq_window)		\
	X(nmi_window)		\
	X(tdp_fault)		\
	X(tdp_mapped_4k)	\
	X(tdp_mapped_2m)	\
	X(tdp_mapped_1g)	\
	X(emulated)		\
	X(irq_injected)		\
	X(nmi_injected)		\
	X(exception_injected)	\
	X(tlb_flush)		\
	X(halt_wakeup)		\
	X(signal_exits)		\
	X(l1d_flush)		\
	X(verw)			\
	X(ibpb)			\
	X(other)

struct kl_vcpu_stats {
#define X(name) u64 name;
	KL_VCPU_STATS(X)
#undef X
};

struct kl_vcpu;
struct kl_vm;

void kl_stats_init(void);
void kl_stats_exit(void);
void kl_stats_add_vm(struct kl_vm *vm);
void kl_stats_del_vm(struct kl_vm *vm);	/* and its vCPUs' files */
void kl_stats_add_vcpu(struct kl_vcpu *vcpu);

#endif
