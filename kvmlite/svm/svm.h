/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_SVM_H
#define KVMLITE_SVM_H

/*
 * AMD SVM with nested paging. Section numbers are those of the AMD64
 * Architecture Programmer's Manual, volume 2 ("APM"), chapter 15.
 */

#include <linux/cache.h>
#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/svm.h>

#include "../vendor.h"

/*
 * struct kl_svm_cpu - what SVM needs on each physical CPU
 *
 * Pages are allocated at module load for every possible CPU and freed at
 * unload; the rest belongs to the CPU itself, with preemption off.
 *
 * @host_area: where VMSAVE puts the host's FS, GS, TR, LDTR, syscall MSRs
 * @state_area: where VMRUN puts the rest of the host's state, in a layout of
 *	the CPU's own (VM_HSAVE_PA)
 * @host_pa: physical address of @host_area
 * @asid_gen: generation of address space identifiers. A vCPU whose number is
 *	of another generation gets a new one, which is how its translations are
 *	forgotten on a CPU that cannot flush a single ASID.
 * @next_asid: first one not used in this generation
 * @max_asid: last one the CPU has
 * @tsc_ratio: what MSR_AMD64_TSC_RATIO holds
 */
struct kl_svm_cpu {
	struct page *host_area;
	struct page *state_area;
	phys_addr_t host_pa;
	u64 asid_gen;
	u32 next_asid;
	u32 max_asid;
	u64 tsc_ratio;
};

DECLARE_PER_CPU(struct kl_svm_cpu, kl_svm_cpu);

struct kl_svm {
	struct kl_vcpu vcpu;

	struct vmcb *vmcb;
	phys_addr_t vmcb_pa;
	unsigned long *msrpm;
	u64 asid_gen;		/* 0: a new ASID before the next entry */
	u64 tsc_ratio;
	u64 tsc_aux;		/* as last given to the user-return MSRs */

	unsigned long cr0_hidden;	/* CD, NW: shown, not given to the CPU */
	unsigned long next_rip;		/* after the exiting instruction; 0: unknown */
	bool host_saved;		/* this CPU's host_area is current */
	u16 fast_left;			/* KL_RUN_FAST so often since prepare_run() */
	bool injected;			/* EVENTINJ was valid at the entry */

	/* #BP and #OF are injected with RIP past the instruction. */
	bool soft_exception;
	unsigned long soft_old_rip, soft_next_rip;

	/* NMI blocking, which the CPU does not track for guests: inject.c */
	bool nmi_masked;
	bool iret_begun;		/* an IRET at iret_rip will unmask */
	bool step;			/* TF for one instruction, for the window */
	bool stepped;			/* … and the exit being handled was that */
	u8 step_tf;			/* guest's own TF before */
	unsigned long iret_rip, step_rip;
};

static inline struct kl_svm *to_svm(struct kl_vcpu *vcpu)
{
	return container_of(vcpu, struct kl_svm, vcpu);
}

/* What the CPU offers beyond the required: written once in kl_svm_check(). */
struct kl_svm_caps {
	u32 nr_asids;
	bool nrips;
	bool decode_assists;
	bool flush_by_asid;
	bool tsc_ratio;
	bool pause_filter;
	bool pause_threshold;
};

extern struct kl_svm_caps kl_svm_caps;
/* User-return slot of MSR_TSC_AUX, which VMRUN does not switch; or -1. */
extern int kl_svm_tsc_aux_slot;

/* An exit code of ours: the entry itself faulted, SVM has been turned off. */
#define KL_SVM_EXIT_OFF	((u32)-0x80)

#define KL_SVM_DECLARE(type, name, args) type kl_svm_##name args;
KL_VENDOR_CALLS(KL_SVM_DECLARE)

/* cpu.c */
int kl_svm_init_cpus(void);
void kl_svm_free_cpus(void);

/* Preemption off. What VMLOAD of the same page puts back after an exit. */
static inline void kl_svm_save_host(struct kl_svm_cpu *c)
{
	/* If SVM was turned off under us, the entry will find that out as well. */
	asm volatile("1: vmsave\n2:\n" _ASM_EXTABLE(1b, 2b)
		     : : "a"(c->host_pa) : "memory");
}

/* vmcb.c */
extern phys_addr_t kl_svm_iopm_pa;
int kl_svm_init_iopm(void);
void kl_svm_free_iopm(void);
void kl_svm_init_control(struct kl_svm *svm);

static inline void kl_svm_intercept(struct vmcb *vmcb, unsigned int bit, bool on)
{
	if (on)
		vmcb->control.intercepts[bit / 32] |= BIT(bit % 32);
	else
		vmcb->control.intercepts[bit / 32] &= ~(u32)BIT(bit % 32);
}

/* Accesses to DR0-7, read and written. */
static inline void kl_svm_intercept_drs(struct vmcb *vmcb, bool on)
{
	vmcb->control.intercepts[INTERCEPT_DR] = on ? 0x00ff00ff : 0;
}

/* inject.c */
void kl_svm_requeue_event(struct kl_svm *svm, u32 info, u32 error_code);
void kl_svm_end_irq_window(struct kl_svm *svm);
void kl_svm_iret_begins(struct kl_svm *svm);
void kl_svm_step_begin(struct kl_svm *svm);
void kl_svm_step_end(struct kl_svm *svm);
void kl_svm_unmask_nmi(struct kl_svm *svm);

/* enter.S */
int kl_svm_enter(unsigned long vmcb_pa, unsigned long *regs,
		 unsigned long host_pa);

#endif
