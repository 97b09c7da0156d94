/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VMX_H
#define KVMLITE_VMX_H

/*
 * VT-x with EPT behind the vendor seam (../vendor.h). Section numbers are those
 * of the Intel SDM, volume 3.
 *
 *	caps.c    what the CPU must and may have; the control words that follow
 *	cpu.c     VMXON and VMXOFF; which VMCS is loaded on which CPU
 *	vmcs.c    a vCPU's VMCS: allocation, what never changes, reset state
 *	state.c   segments, tables, control registers
 *	msr.c     MSR bitmap, registers switched by hand, TSC
 *	inject.c  events into the guest, and those an exit interrupted
 *	run.c     entry and exit: the hot path; enter.S below it
 *	exit.c    one handler per exit reason
 *	check.c   why an entry failed
 */

#include <linux/list.h>
#include <asm/msr-index.h>
#include <asm/vmx.h>

#include "../host.h"
#include "../vcpu.h"
#include "../vendor.h"
#include "../vm.h"
#include "controls.h"

/* The VMCS region's header (25.2); the rest of the page belongs to the CPU. */
struct kl_vmcs {
	u32 revision;
	u32 abort;
	u8 data[];
};

/*
 * struct kl_vmx_caps - what this machine offers, and the control words of every
 * VMCS that follow from it. Read only after kl_vmx_init().
 */
struct kl_vmx_caps {
	u64 basic;
	u64 misc;
	u64 ept_vpid;
	struct kl_vmx_controls ctl;
	bool has_invvpid;	/* INVVPID with a single context */
	bool has_ept_ad;
	bool has_ept_1g;
};

extern struct kl_vmx_caps kl_vmx_caps;

/*
 * The host's user-visible segment state, which the guest's entry replaces: saved
 * by the first prepare_run() after the vCPU was loaded, put back by vcpu_put().
 */
struct kl_vmx_host {
	bool saved;
	u16 fs_sel, gs_sel, ds_sel, es_sel;
	unsigned long fs_base;
	u64 kernel_gs_base;
};

/* MSRs of SYSCALL, in the order of kl_vmx_syscall_msrs[]. */
#define KL_VMX_NR_SYSCALL_MSRS	4

/*
 * struct kl_vmx - a vCPU and its VMCS
 *
 * @vmcs is "loaded" on the CPU @vmcs_cpu from VMPTRLD to VMCLEAR: that CPU may
 * hold parts of it that memory does not. Only that CPU changes @vmcs_cpu,
 * @launched and @loaded_link, with interrupts off; -1 means it is in memory.
 */
struct kl_vmx {
	struct kl_vcpu vcpu;		/* first: kl_vmx_ops.vcpu_size */

	struct kl_vmcs *vmcs;
	int vmcs_cpu;
	bool launched;
	struct list_head loaded_link;	/* kl_vmx_loaded of @vmcs_cpu */

	/* What the VMCS has now, so that it need not be read or rewritten. */
	unsigned long host_rsp;
	unsigned long host_cr3;
	unsigned long host_cr4;
	unsigned long host_fs_base;
	unsigned long host_gs_base;
	u16 host_fs_sel, host_gs_sel;
	u32 cpu_ctl, sec_ctl, entry_ctl;
	u32 exception_bitmap;
	unsigned long cr0_guest_owned, cr4_guest_owned;
	u64 eptp;

	/* Of the exit at hand. */
	u32 exit_reason;
	u32 idt_info;			/* the event it interrupted; 0: none */
	bool entry_error;		/* VMLAUNCH or VMRESUME itself failed */
	u32 failed_event;		/* what a refused entry was to inject */
	u8 seg_cached;			/* KL_VMX_CACHED_* */
	u32 cs_ar, ss_ar;
	bool injecting;			/* this entry delivers an event */
	bool host_checked;		/* CR3, CR4 looked at since prepare_run() */
	u16 fast_left;			/* KL_RUN_FAST so often since then */
	u8 tlb_flush;			/* KL_VMX_FLUSH_* before the next entry */

	u16 vpid;
	unsigned long *msr_bitmap;

	/* Switched by the CPU at entry and exit, for the host's perf events. */
	unsigned int nr_auto;
	struct vmx_msr_entry auto_guest[KL_MAX_PERF_MSRS] __aligned(16);
	struct vmx_msr_entry auto_host[KL_MAX_PERF_MSRS] __aligned(16);

	struct kl_vmx_host host;
	u64 host_debugctl;
	u64 guest_kernel_gs_base;	/* while host.saved it is in the MSR */
	u64 syscall_msr[KL_VMX_NR_SYSCALL_MSRS];
	u64 feat_ctl;
};

#define KL_VMX_CACHED_CS	BIT(0)
#define KL_VMX_CACHED_SS	BIT(1)

#define KL_VMX_FLUSH_EPT	BIT(0)	/* everything under the EPT root */
#define KL_VMX_FLUSH_VPID	BIT(1)	/* what this vCPU translated */

static inline struct kl_vmx *to_vmx(struct kl_vcpu *vcpu)
{
	return container_of(vcpu, struct kl_vmx, vcpu);
}

#define KL_VMX_DECLARE(type, name, args) type kl_vmx_##name args;
KL_VENDOR_CALLS(KL_VMX_DECLARE)

/* cpu.c */
int kl_vmx_alloc_regions(void);
void kl_vmx_free_regions(void);
/*
 * Make it the current VMCS of this CPU; true if it came from another CPU or from
 * memory. Preemption off.
 */
bool kl_vmx_load_vmcs(struct kl_vmx *vmx, int cpu);
/* Write it back to memory wherever it is. May sleep on an IPI. */
void kl_vmx_unload_vmcs(struct kl_vmx *vmx);
void kl_vmx_flush(struct kl_vmx *vmx);

/* vmcs.c */
void kl_vmx_set_cpu_ctl(struct kl_vmx *vmx, u32 set, u32 clear);
void kl_vmx_set_sec_ctl(struct kl_vmx *vmx, u32 set, u32 clear);
void kl_vmx_set_entry_ctl(struct kl_vmx *vmx, u32 set, u32 clear);

/* state.c */
void kl_vmx_set_cr4_owned(struct kl_vmx *vmx);

/* msr.c */
void kl_vmx_msr_init(void);
void kl_vmx_init_msr_bitmap(struct kl_vmx *vmx);
void kl_vmx_load_guest_msrs(struct kl_vmx *vmx);
/* The same if they are loaded now; from any context. */
void kl_vmx_reload_guest_msrs(struct kl_vmx *vmx);

/* inject.c */
void kl_vmx_requeue_event(struct kl_vmx *vmx, u32 info, u32 error_code);

/* run.c */
void kl_vmx_restore_host(struct kl_vmx *vmx);

/* failure.c */
int kl_vmx_entry_failed(struct kl_vcpu *vcpu);

/* task.c */
int kl_vmx_task_switch(struct kl_vcpu *vcpu);

/* enter.S: true if VMLAUNCH or VMRESUME itself failed. */
bool kl_vmx_enter(unsigned long *regs, unsigned long *host_rsp, bool launched);
extern const char kl_vmx_exit_point[];	/* HOST_RIP; code, never called */

#endif
