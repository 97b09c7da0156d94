/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_HOST_H
#define KVMLITE_HOST_H

/*
 * The host's side: every kernel symbol that exists for hypervisors (FPU guest
 * state, user-return MSRs, mitigations, descriptor tables, emergency callback,
 * CPU hotplug) is used in host.c and nowhere else, so that a port to a kernel
 * that restricts them is bounded to one file.
 */

#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/thread_info.h>
#include <linux/types.h>
#include <asm/processor-flags.h>

#include "vcpu.h"

/* Constants of the host's CPU; once, at load. */
int kl_host_init(void);
void kl_host_exit(void);
/* Is the kernel's own KVM (or anything else that claims the CPUs) active? */
bool kl_host_kvm_active(void);
/*
 * Every CPU, those that come online later included; called under one lock.
 * -EBUSY with a message if KVM has them.
 */
int kl_host_take_cpus(void);
void kl_host_give_cpus(void);

/* FPU: guest state is swapped in around KVM_RUN. */
int kl_fpu_alloc(struct kl_vcpu *vcpu);
void kl_fpu_free(struct kl_vcpu *vcpu);
void kl_fpu_load_guest(struct kl_vcpu *vcpu);
void kl_fpu_put_guest(struct kl_vcpu *vcpu);
void kl_fpu_reload(void);
/* Interrupts off, just before entry: this thread's FPU state is in the CPU. */
static inline void kl_fpu_assure(void)
{
	if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
		kl_fpu_reload();
}

/*
 * XCR0 and XSS of the guest, around the entry; interrupts off. They are the
 * host's while CR4.OSXSAVE, which is never guest-owned, is clear.
 */
void kl_xcr_switch_to_guest(struct kl_vcpu *vcpu);
void kl_xcr_switch_to_host(struct kl_vcpu *vcpu);
/* See xsetbv_unseen in vendor.h; interrupts off, before anything uses XCR0. */
void kl_xcr_sync(struct kl_vcpu *vcpu);

static inline bool kl_has_own_xcr(const struct kl_vcpu *vcpu)
{
	return vcpu->regs[KL_REG_CR4] & X86_CR4_OSXSAVE;
}

static inline void kl_xcr_load_guest(struct kl_vcpu *vcpu)
{
	if (kl_has_own_xcr(vcpu))
		kl_xcr_switch_to_guest(vcpu);
}

static inline void kl_xcr_load_host(struct kl_vcpu *vcpu)
{
	if (kl_has_own_xcr(vcpu))
		kl_xcr_switch_to_host(vcpu);
}

void kl_fpu_to_uabi(struct kl_vcpu *vcpu, void *buf, unsigned int size);
int kl_fpu_from_uabi(struct kl_vcpu *vcpu, const void *buf);
void kl_fpu_reset(struct kl_vcpu *vcpu, bool init_event);
u64 kl_host_xcr0(void);
u32 kl_host_xsave_size(u64 xcr0);	/* standard format */
u32 kl_host_xsave_compacted_size(u64 features);
u32 kl_host_mxcsr_mask(void);
struct fxregs_state *kl_fpu_fxsave(struct kl_vcpu *vcpu);
void kl_fpu_mark_used(struct kl_vcpu *vcpu);

/*
 * User-return MSRs: registers the kernel itself does not use (STAR, LSTAR,
 * CSTAR, SYSCALL_MASK, TSC_AUX, EFER.SCE/NX where not switched by hardware),
 * which keep the guest's value until the CPU next returns to user space.
 */
int kl_uret_add(u32 msr);	/* at init: slot number, or -1: CPU lacks it */
/* Preemption off. 0, or 1 if the CPU refuses the value. */
int kl_uret_set(int slot, u64 value, u64 mask);

#define KL_MAX_URET 8
/* What each register holds now on this CPU. */
DECLARE_PER_CPU(u64 [KL_MAX_URET], kl_uret_curr);

/* A whole register that is known to take the value; preemption off. */
static inline void kl_uret_load(int slot, u64 value)
{
	if (unlikely(__this_cpu_read(kl_uret_curr[slot]) != value))
		kl_uret_set(slot, value, ~0ULL);
}

/*
 * The bits of CR4 and EFER that this CPU knows, switched on by the host or not: a
 * guest with another one would not be let in. OSXSAVE is there if the host has it,
 * for whoever loads XCR0 needs it.
 */
u64 kl_host_cr4_possible(void);
u64 kl_host_efer_possible(void);
/* CR4 as the host has it now on this CPU (changes with PCE, PCIDE …). */
unsigned long kl_host_cr4(void);
/* CR4.VMXE and processor trace around VMX operation; interrupts off. */
void kl_host_enable_vmxe(void);
void kl_host_disable_vmxe(void);
/* The same, from anywhere, when the machine is going down. */
void kl_host_emergency_vmxe(void);
void kl_host_load_gs(unsigned int selector);	/* writes MSR_KERNEL_GS_BASE, too */
/*
 * The LDT that the process has now: another thread may have given it one, or a
 * new one in place of one that is freed by now, since LDTR was saved. Preemption off.
 */
void kl_host_reload_ldt(void);
void kl_host_reload_gdt_tr(void);	/* after a VM exit truncated the limits */

/*
 * Do what is pending for this thread before it enters the guest. Preemption and
 * interrupts on. 0, or -EINTR if a signal is.
 */
int kl_host_guest_mode_work(void);

/* Run the host's handler for an NMI / machine check that ended guest mode. */
void kl_host_nmi(void);
void kl_host_mce(void);

void kl_host_restore_breakpoints(void);	/* the host's, DR7 included */

/*
 * #AC by split locks, if the host wants to know of them. A guest's has come at
 * @rip: true to run it again, false if it may not; then a SIGBUS is pending.
 */
bool kl_host_detects_split_locks(void);
bool kl_host_split_lock(unsigned long rip);

/*
 * MSRs of the host's performance events that must be others while a guest runs,
 * as of now on this CPU; interrupts off. At most KL_MAX_PERF_MSRS of them.
 */
#define KL_MAX_PERF_MSRS 8
struct perf_guest_switch_msr;
const struct perf_guest_switch_msr *kl_host_perf_msrs(int *nr);

/* The VM whose vCPU was last on this CPU. */
DECLARE_PER_CPU(struct kl_vm *, kl_last_vm);
void kl_host_vm_switch(struct kl_vcpu *vcpu);
/* Another VM's vCPU ran here last: barrier. Preemption off. */
static inline void kl_host_vcpu_switch(struct kl_vcpu *vcpu)
{
	/* Another thread may have run here. */
	vcpu->l1d_unclean = true;
	if (unlikely(__this_cpu_read(kl_last_vm) != vcpu->vm))
		kl_host_vm_switch(vcpu);
}

void kl_host_forget_vm(struct kl_vm *vm);

/*
 * The boundary, as mitigate.c decided: interrupts off, right before and right
 * after the vendor's run(). What cannot wait, or not come that early, is done in
 * enter.S; it is counted here.
 */
DECLARE_STATIC_KEY_FALSE(kl_host_guards);
void kl_host_do_guard_entry(struct kl_vcpu *vcpu);
void kl_host_do_guard_exit(struct kl_vcpu *vcpu);

static inline void kl_host_guard_entry(struct kl_vcpu *vcpu)
{
	if (static_branch_unlikely(&kl_host_guards))
		kl_host_do_guard_entry(vcpu);
}

static inline void kl_host_guard_exit(struct kl_vcpu *vcpu)
{
	if (static_branch_unlikely(&kl_host_guards))
		kl_host_do_guard_exit(vcpu);
}

/* Fills in the last three fields. */
struct kvmlite_info;
void kl_host_boundary_info(struct kvmlite_info *info);

#endif
