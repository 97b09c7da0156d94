/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VENDOR_H
#define KVMLITE_VENDOR_H

/*
 * The seam between the vendor-neutral hypervisor and VMX or SVM.
 *
 * kl_vmx_ops or kl_svm_ops is chosen when the module is loaded. Everything
 * above the seam is written without knowing which one it is; what is called on
 * each entry and exit goes through static calls.
 *
 * Unless said otherwise a function is called by the vCPU's own thread with the
 * vCPU loaded (kl_vcpu_load()), preemption on.
 */

#include <linux/static_call.h>

#include "vcpu.h"

struct kl_vm;
struct kvm_dtable;
struct kvm_segment;

/*
 * Exits in a row that may be handled with interrupts off. An interrupt of the
 * host ends guest mode at once, or should (VT-x: see KL_LONGEST_STAY_MS).
 */
#define KL_FAST_EXITS	256

/* What run() found that the caller must look at before anything else. */
enum kl_run_result {
	KL_RUN_EXIT,		/* an exit: handle_exit() takes it */
	KL_RUN_FAST,		/* handled with interrupts off: enter again */
	KL_RUN_HOST_EVENT,	/* an exit, and handle_irqoff() first */
};

/*
 * The functions, each as X(type, name, (arguments)): what declares them, and
 * what fills in the ops, is made of this list.
 */
#define KL_VENDOR_CALLS(X) \
	X(int, check, (void)) \
	X(int, init, (void)) \
	X(void, exit, (void)) \
	X(int, cpu_enable, (void)) \
	X(void, cpu_disable, (void)) \
	X(void, cpu_emergency, (void)) \
	X(int, vcpu_init, (struct kl_vcpu *vcpu)) \
	X(void, vcpu_free, (struct kl_vcpu *vcpu)) \
	X(void, vcpu_reset, (struct kl_vcpu *vcpu, bool init_event)) \
	X(void, vcpu_load, (struct kl_vcpu *vcpu, int cpu)) \
	X(void, vcpu_put, (struct kl_vcpu *vcpu)) \
	X(void, cpuid_changed, (struct kl_vcpu *vcpu)) \
	X(void, cache_reg, (struct kl_vcpu *vcpu, enum kl_reg reg)) \
	X(void, get_segment, (struct kl_vcpu *vcpu, enum kl_seg seg, struct kvm_segment *var)) \
	X(void, set_segment, (struct kl_vcpu *vcpu, enum kl_seg seg, \
			      const struct kvm_segment *var)) \
	X(int, get_cpl, (struct kl_vcpu *vcpu)) \
	X(void, get_cs_db_l, (struct kl_vcpu *vcpu, int *db, int *l)) \
	X(void, get_idt, (struct kl_vcpu *vcpu, struct kvm_dtable *dt)) \
	X(void, set_idt, (struct kl_vcpu *vcpu, const struct kvm_dtable *dt)) \
	X(void, get_gdt, (struct kl_vcpu *vcpu, struct kvm_dtable *dt)) \
	X(void, set_gdt, (struct kl_vcpu *vcpu, const struct kvm_dtable *dt)) \
	X(void, set_cr0, (struct kl_vcpu *vcpu, unsigned long cr0)) \
	X(void, set_cr3, (struct kl_vcpu *vcpu, unsigned long cr3)) \
	X(bool, cr4_ok, (struct kl_vcpu *vcpu, unsigned long cr4)) \
	X(void, set_cr4, (struct kl_vcpu *vcpu, unsigned long cr4)) \
	X(void, set_efer, (struct kl_vcpu *vcpu, u64 efer)) \
	X(void, set_dr7, (struct kl_vcpu *vcpu, unsigned long dr7)) \
	X(void, sync_drs, (struct kl_vcpu *vcpu)) \
	X(void, update_exception_bitmap, (struct kl_vcpu *vcpu)) \
	X(void, flush_tlb, (struct kl_vcpu *vcpu)) \
	X(void, set_tdp_root, (struct kl_vcpu *vcpu, u64 root)) \
	X(void, inject_irq, (struct kl_vcpu *vcpu, bool reinject)) \
	X(void, inject_nmi, (struct kl_vcpu *vcpu)) \
	X(void, inject_exception, (struct kl_vcpu *vcpu)) \
	X(bool, irq_allowed, (struct kl_vcpu *vcpu)) \
	X(bool, nmi_allowed, (struct kl_vcpu *vcpu)) \
	X(void, want_irq_window, (struct kl_vcpu *vcpu)) \
	X(void, want_nmi_window, (struct kl_vcpu *vcpu)) \
	X(bool, get_nmi_mask, (struct kl_vcpu *vcpu)) \
	X(void, set_nmi_mask, (struct kl_vcpu *vcpu, bool masked)) \
	X(u32, get_shadow, (struct kl_vcpu *vcpu)) \
	X(void, set_shadow, (struct kl_vcpu *vcpu, u32 shadow)) \
	X(void, cancel_injection, (struct kl_vcpu *vcpu)) \
	X(void, prepare_run, (struct kl_vcpu *vcpu)) \
	X(enum kl_run_result, run, (struct kl_vcpu *vcpu)) \
	X(void, handle_irqoff, (struct kl_vcpu *vcpu)) \
	X(int, handle_exit, (struct kl_vcpu *vcpu)) \
	X(int, skip_insn, (struct kl_vcpu *vcpu)) \
	X(void, exit_info, (struct kl_vcpu *vcpu, u32 *reason, u64 *info1, u64 *info2, \
			    u32 *intr_info)) \
	X(int, msr_get, (struct kl_vcpu *vcpu, struct kl_msr *msr)) \
	X(int, msr_set, (struct kl_vcpu *vcpu, struct kl_msr *msr)) \
	X(int, msr_feature, (u32 index, u64 *data)) \
	X(void, msr_filter_changed, (struct kl_vcpu *vcpu)) \
	X(void, write_tsc_offset, (struct kl_vcpu *vcpu, u64 offset)) \
	X(void, write_tsc_ratio, (struct kl_vcpu *vcpu, u64 ratio))

#define KL_VENDOR_POINTER(type, name, args) typeof(type args) * (name);

/**
 * struct kl_vendor_ops - what VMX and SVM each provide
 * @name: "vmx" or "svm", for messages and KVMLITE_GET_INFO
 * @vcpu_size: bytes to allocate for a vCPU; struct kl_vcpu comes first in it
 * @tdp_levels: levels of the nested page table, 4 (or 5)
 * @has_1g: the nested tables can map 1 GiB pages
 * @has_ad: the hardware sets accessed/dirty bits in nested tables
 * @is_ept: entries have EPT's format, else that of ordinary page tables (NPT)
 * @has_xsaves: a guest may use XSAVES
 * @has_invpcid: a guest may use INVPCID
 * @has_rdtscp: a guest may use RDTSCP and RDPID
 * @xsetbv_unseen: XSETBV does not leave the guest (an emulated CPU whose SVM
 *	lacks that intercept): XCR0 is to be read after each exit
 * @tsc_scaling_frac_bits: fraction bits of the TSC multiplier; 0: no scaling
 * @max_tsc_ratio: largest multiplier
 * @hypercall: the three bytes of this vendor's hypercall
 *
 * @check: does the boot CPU have what kvmlite requires? 0, or a negative errno
 *	after one pr_err() that names what is missing.
 * @init: once, at module load, after @check; allocates global tables.
 * @exit: undoes @init.
 * @cpu_enable: take this CPU (VMXON, EFER.SVME). Interrupts off. 0 or -errno;
 *	-EBUSY if another hypervisor holds it.
 * @cpu_disable: give it back; clears every loaded VMCS. Interrupts off.
 * @cpu_emergency: the machine is going down: VMXOFF/clear SVME if on, with no
 *	lock and no allocation.
 *
 * @vcpu_init: the vCPU was allocated (vm, id set; registers not yet): control
 *	structure, MSR bitmap. 0 or -errno
 * @vcpu_free: undoes @vcpu_init; not loaded
 * @vcpu_reset: write the architectural reset state of vendor-kept registers
 *	(segments, tables, MSRs); @init_event: INIT rather than power-up. The
 *	core sets general registers, CR0, CR4, EFER, RIP, RFLAGS around it.
 * @vcpu_load: this CPU now holds the vCPU. Preemption off.
 * @vcpu_put: it no longer does (thread preempted or ioctl over). Preemption
 *	off. State may stay resident in the CPU (VMCS) for a cheap return.
 * @cpuid_changed: the guest's CPUID was set: recompute intercepts.
 *
 * @cache_reg: fetch one of RSP, RIP, RFLAGS, CR0, CR3, CR4, PDPTR to
 *	vcpu->regs[] (pdptrs[]) and set its avail bit.
 * @get_segment: all of a segment register
 * @set_segment: the same, written as it is
 * @get_cpl: privilege level, 0…3; 3 in virtual-8086 mode
 * @get_cs_db_l: CS.D and CS.L
 * @get_idt: base and limit of the IDT
 * @set_idt: likewise
 * @get_gdt: base and limit of the GDT
 * @set_gdt: likewise
 * @set_cr0: the value has been checked; write it and what follows from it to
 *	the control structure, and to vcpu->regs[]
 * @set_cr3: likewise
 * @cr4_ok: no veto on this CR4 value
 * @set_cr4: as @set_cr0
 * @set_efer: as @set_cr0; the core has updated vcpu->efer before
 * @set_dr7: effective DR7 for the hardware
 * @sync_drs: the guest's DR0–3 and DR6 were left in the CPU (dr_dirty): read
 *	them back
 * @update_exception_bitmap: guest_debug changed.
 * @flush_tlb: forget all translations of this vCPU, before its next entry.
 * @set_tdp_root: physical address of the root table changed.
 *
 * @inject_irq: put the interrupt of vcpu->events in the entry fields; called
 *	shortly before @run, when it is allowed. @reinject: it was injected
 *	before already
 * @inject_nmi: likewise
 * @inject_exception: likewise
 * @irq_allowed: could the guest take an interrupt now (IF, shadow)?
 * @nmi_allowed: an NMI (no NMI being handled, no shadow)?
 * @want_irq_window: exit as soon as @irq_allowed
 * @want_nmi_window: exit as soon as @nmi_allowed
 * @get_nmi_mask: NMIs are blocked
 * @set_nmi_mask: block them or not
 * @get_shadow: KVM_X86_SHADOW_INT_* bits
 * @set_shadow: set them
 * @cancel_injection: @run will not happen after all: take the event back out
 *	of the entry fields, into vcpu->events.
 *
 * @prepare_run: preemption off, interrupts on or off: load guest MSRs, save
 *	host state that is cheaper lazily. Called once per trip from outside.
 * @run: enter the guest and come back; interrupts off throughout. Writes dirty
 *	registers, runs, sets regs_avail to what is current, records the exit
 *	reason, requeues an interrupted event delivery to vcpu->events, and
 *	handles what it can without interrupts (KL_RUN_FAST).
 * @handle_irqoff: interrupts off, right after a @run that said
 *	KL_RUN_HOST_EVENT: deliver the NMI or machine check that caused the exit
 *	to the host.
 * @handle_exit: interrupts and preemption on: dispatch the exit. Returns as
 *	every handler: 1 go on, 0 exit to user space with run filled in,
 *	negative errno.
 * @skip_insn: advance RIP over the instruction that exited, clear its shadow;
 *	1, or 0 with an internal error in run.
 * @exit_info: for the tracepoint and internal errors: reason and qualification.
 *
 * @msr_get: registers that live in the control structure or exist with this
 *	vendor only; return values as kl_msr_get()
 * @msr_set: likewise
 * @msr_feature: KVM_GET_MSRS on /dev/kvmlite; 0 or KL_MSR_UNKNOWN.
 * @msr_filter_changed: which MSRs may be passed through may have changed.
 * @write_tsc_offset: as in struct kl_vcpu
 * @write_tsc_ratio: likewise
 */
struct kl_vendor_ops {
	const char *name;
	unsigned int vcpu_size;
	u8 tdp_levels;
	bool has_1g;
	bool has_ad;
	bool is_ept;
	bool has_xsaves;
	bool xsetbv_unseen;
	bool has_invpcid;
	bool has_rdtscp;
	u8 tsc_scaling_frac_bits;
	u64 max_tsc_ratio;
	const u8 *hypercall;

	KL_VENDOR_CALLS(KL_VENDOR_POINTER)
};

/* Their check() or init() fills in what varies from CPU to CPU. */
extern struct kl_vendor_ops kl_vmx_ops;
extern struct kl_vendor_ops kl_svm_ops;
/* The one in use; written once, before any VM can exist. */
extern const struct kl_vendor_ops *kl_ops;

/* Called on every entry or exit: patched to direct calls at module load. */
enum kl_run_result kl_null_run(struct kl_vcpu *vcpu);
int kl_null_handle_exit(struct kl_vcpu *vcpu);
void kl_null_vcpu(struct kl_vcpu *vcpu);
void kl_null_load(struct kl_vcpu *vcpu, int cpu);
DECLARE_STATIC_CALL(kl_run, kl_null_run);
DECLARE_STATIC_CALL(kl_handle_exit, kl_null_handle_exit);
DECLARE_STATIC_CALL(kl_prepare_run, kl_null_vcpu);
DECLARE_STATIC_CALL(kl_vendor_skip, kl_null_handle_exit);
DECLARE_STATIC_CALL(kl_vendor_load, kl_null_load);
DECLARE_STATIC_CALL(kl_vendor_put, kl_null_vcpu);

#endif
