/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VCPU_H
#define KVMLITE_VCPU_H

#include <linux/bitops.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/types.h>
#include <uapi/asm/debugreg.h>
#include <asm/fpu/types.h>
#include <asm/trapnr.h>

#include "stats.h"

struct kl_vm;
struct kl_dirty_ring;
struct kl_lapic;
struct file;

enum kl_reg {
	KL_REG_RAX, KL_REG_RCX, KL_REG_RDX, KL_REG_RBX,
	KL_REG_RSP, KL_REG_RBP, KL_REG_RSI, KL_REG_RDI,
	KL_REG_R8, KL_REG_R9, KL_REG_R10, KL_REG_R11,
	KL_REG_R12, KL_REG_R13, KL_REG_R14, KL_REG_R15,
	KL_REG_RIP,
	KL_REG_RFLAGS,
	KL_REG_CR0,
	KL_REG_CR3,
	KL_REG_CR4,
	/* The four PDPTEs of PAE paging: a bit only, values in vcpu->pdptrs. */
	KL_REG_PDPTR,
	KL_NR_REGS
};

enum kl_seg {
	KL_SEG_ES, KL_SEG_CS, KL_SEG_SS, KL_SEG_DS, KL_SEG_FS, KL_SEG_GS,
	KL_SEG_TR, KL_SEG_LDTR,
	KL_NR_SEGS
};

/*
 * Things a vCPU is asked to do before it next enters the guest. Set by anybody
 * with kl_request(), taken by the vCPU's own thread with kl_request_take().
 */
enum kl_request_bit {
	KL_REQ_TLB_FLUSH,	/* forget every cached guest translation */
	KL_REQ_TDP_RELOAD,	/* the root of the guest's nested tables changed */
	KL_REQ_EVENT,		/* look for something to inject */
	KL_REQ_TRIPLE_FAULT,	/* leave with KVM_EXIT_SHUTDOWN */
	KL_REQ_CLOCK,		/* refresh the paravirtual clock page */
	KL_REQ_UNHALT,		/* end a HLT without an event */
	KL_REQ_EXIT,		/* no work: only be seen outside the guest once */
	KL_REQ_IOAPIC_EOI_EXIT,	/* user space must see an EOI (split irqchip) */
	KL_REQ_VM_DEAD,		/* leave with -EIO, now and ever after */
	KL_REQ_MSR_FILTER,	/* recompute MSR intercepts */
	KL_REQ_TPR_ACCESS,	/* leave with KVM_EXIT_TPR_ACCESS */
	KL_REQ_DIRTY_RING,	/* leave with KVM_EXIT_DIRTY_RING_FULL while it is */
	KL_REQ_STEAL,		/* tell the guest of time it did not get */
};

/* Where a vCPU's thread is, for those who want to know if an IPI is needed. */
enum kl_vcpu_mode {
	KL_OUTSIDE_GUEST,
	KL_IN_GUEST,		/* interrupts off, about to be or in the guest */
};

struct kl_exception {
	bool pending;		/* to be raised: checked and prioritised */
	bool injected;		/* being delivered: must be delivered again */
	bool has_error_code;
	bool has_payload;	/* payload not yet in CR2 / DR6 */
	u8 vector;
	u32 error_code;
	u64 payload;		/* #PF: address; #DB: DR6 bits */
};

struct kl_events {
	struct kl_exception exception;
	struct {
		bool injected;
		bool soft;	/* INT n: instruction length matters */
		u8 vector;
	} interrupt;
	bool nmi_injected;
	u8 nmi_pending;		/* 0…2 */
	atomic_t nmi_queued;	/* raised by other threads, not yet counted */
};

/* Longest run of string port I/O that fits the run page's data page. */
#define KL_PIO_PAGE_OFFSET	1
#define KL_COALESCED_PAGE_OFFSET 2	/* the VM's, in every vCPU's mapping */
#define KL_RUN_PAGES		3
#define KL_OWN_RUN_ORDER	1	/* the run page and the data page */

/* How the string instruction of a PIO exit walks memory. */
struct kl_string_io {
	enum kl_seg seg;	/* of OUTS; INS uses ES */
	u8 addr_size;
	bool rep;
	bool down;		/* RFLAGS.DF */
};

/* The PIO exit that is waiting for user space to complete it. */
struct kl_pio {
	unsigned int count;	/* elements */
	unsigned int size;	/* bytes of each: 1, 2, 4 */
	bool in;
	unsigned long rip;
	struct kl_string_io string;
};

struct kl_mmio_state;		/* mmio.c */

#define KL_WALK_LEVELS		5

/*
 * struct kl_code_page - the page that code was last fetched from: see fetch.c
 * @known: everything else is filled in
 * @exact: @entry has all that the walk read, as it still was at its end
 * @nr: of @entry
 * @access: KL_ACCESS_* bits of the walk
 * @linear: address of the page
 * @cr0, @cr3, @cr4, @efer: with which that was translated
 * @seq: vm->mmu.seq from before the walk
 * @hva: where the page lies in the VMM
 * @entry: what the walk read, and where that lies in the VMM
 */
struct kl_code_page {
	bool known;
	bool exact;
	u8 nr;
	u32 access;
	u64 linear;
	unsigned long cr0, cr3, cr4;
	u64 efer;
	unsigned long seq;
	unsigned long hva;
	struct kl_walked {
		unsigned long hva;
		u64 val;
	} entry[KL_WALK_LEVELS];
};

struct kl_cpuid {
	struct kvm_cpuid_entry2 *entries;
	unsigned int nent;
	u16 basic[32];		/* index of a leaf's first entry; 0xffff: none */
	u16 extended[34];
	/* Derived each time entries change, for hot or frequent questions. */
	u8 maxphyaddr;
	u8 linear_bits;			/* 48 or 57 */
	u64 cr4_reserved;
	u64 efer_allowed;
	u64 xcr0_allowed;
	u64 xss_allowed;
	u64 reserved_gpa;		/* address bits at or above maxphyaddr */
	bool intel;			/* the guest was told GenuineIntel */
};

/*
 * struct kl_vcpu - one virtual processor
 *
 * Lifetime: allocated by KVM_CREATE_VCPU with kl_ops->vcpu_size bytes (the
 * vendor's struct embeds this one as its first member), freed when the VM's
 * last reference goes. The vCPU's file holds a reference on the VM, so a vCPU
 * outlives a closed VM file and never outlives the VM.
 *
 * Locking: every vCPU ioctl holds @mutex, so fields without a note belong to
 * whoever holds it. @requests, @mode, @wait, @events.nmi_queued and the
 * LAPIC's IRR are touched by others, with atomics.
 */
struct kl_vcpu {
	struct kl_vm *vm;
	u32 id;				/* as user space named it: the APIC id */
	u32 index;			/* order of creation, 0… */
	struct mutex mutex;
	struct kvm_run *run;		/* first of 1 << KL_OWN_RUN_ORDER pages */

	unsigned long requests;		/* enum kl_request_bit, atomic bitops */
	int mode;			/* enum kl_vcpu_mode */
	int cpu;			/* loaded on, or -1 */
	int last_cpu;			/* where it ran last, or -1 */
	struct preempt_notifier preempt_notifier;
	struct rcuwait wait;		/* its thread, while in HLT */
	struct pid __rcu *pid;		/* thread that last ran it */

	/* Registers: see regs.h. */
	unsigned long regs[KL_NR_REGS];
	u32 regs_avail;
	u32 regs_dirty;
	bool regs_replaced;		/* by user space, since the last exit that asks */
	u64 pdptrs[4];
	unsigned long cr2;
	unsigned long cr8;		/* without an in-kernel LAPIC */
	u64 efer;
	u64 apic_base;
	u64 xcr0;
	u64 xss;
	u64 pat;
	u32 mp_state;

	/* Debug registers: db[] is the guest's DR0–DR3. */
	unsigned long db[4];
	unsigned long dr6;
	unsigned long dr7;
	unsigned long eff_db[4];	/* what the hardware gets: guest's or user's */
	unsigned long user_db[4];	/* KVM_SET_GUEST_DEBUG's */
	unsigned long guest_debug_dr7;
	u32 guest_debug;		/* KVM_GUESTDBG_* */
	bool dr_dirty;			/* guest owns DR0–3 in hardware until exit */
	bool switch_drs;		/* DR0–3 differ from the host's: load them */

	struct fpu_guest fpu;

	struct kl_events events;
	bool exit_soon;			/* leave right after the next delivery */
	bool l1d_unclean;		/* the host's data may be in the L1D */
	int user_irq;			/* vector of KVM_INTERRUPT, or -1 */

	struct kl_cpuid cpuid;

	/* Time. Guest TSC = host TSC * ratio + offset. */
	u64 tsc_offset;
	u64 last_guest_tsc;		/* where the host's TSCs disagree */
	u64 tsc_adjust;
	u32 tsc_khz;
	u64 tsc_ratio;			/* vendor's fixed point; 0: unscaled */

	/* Other model-specific registers kept for the guest. */
	u64 misc_enable;
	u64 arch_capabilities;
	u64 microcode_version;
	u64 tsc_aux;
	u64 mcg_cap, mcg_status, mcg_ctl, *mce_banks;
	u64 hwcr;
	u64 platform_info;
	u64 power_ctl;
	u64 misc_features_enables;
	struct kl_mtrr *mtrr;
	struct kl_pv *pv;		/* paravirtual clock and friends: pv.c */

	struct kl_lapic *apic;		/* NULL: no in-kernel irqchip */
	bool pv_unhalted;		/* kicked by a hypercall: ends the next HLT */
	struct kl_dirty_ring *ring;	/* NULL: none */

	struct kl_pio pio;
	void *pio_data;			/* run page + KL_PIO_PAGE_OFFSET */
	struct kl_mmio_state *mmio;
	struct kl_code_page code;
	/*
	 * Called at the next KVM_RUN to finish what the last exit began; takes
	 * vm->srcu itself if it looks at slots or devices.
	 */
	int (*complete_io)(struct kl_vcpu *vcpu);

	/* KVM_SET_SIGNAL_MASK */
	bool sigset_active;
	sigset_t sigset;

	u8 pending_ioapic_eoi;		/* vector for KVM_EXIT_IOAPIC_EOI */

	struct kl_vcpu_stats stats;
	struct dentry *debugfs;
};

/* vcpu.c: creation and the file. */
int kl_vcpu_create_fd(struct kl_vm *vm, unsigned long id);
void kl_vcpu_free(struct kl_vcpu *vcpu);
void kl_vcpu_reset(struct kl_vcpu *vcpu, bool init_event);

/* run.c */
int kl_vcpu_run(struct kl_vcpu *vcpu);

/* request.c: asking things of a vCPU from any context (also hard IRQ). */
static inline void kl_request(struct kl_vcpu *vcpu, enum kl_request_bit req)
{
	/* Data that goes with the request is written before the bit. */
	smp_wmb();
	set_bit(req, &vcpu->requests);
}

static inline bool kl_request_pending(struct kl_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests);
}

static inline bool kl_request_test(struct kl_vcpu *vcpu, enum kl_request_bit req)
{
	return test_bit(req, &vcpu->requests);
}

static inline bool kl_request_take(struct kl_vcpu *vcpu, enum kl_request_bit req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	/* Pairs with kl_request(): see the data after the bit. */
	smp_mb__after_atomic();
	return true;
}

/* Wake it from HLT; force it out of the guest if it is in there. */
void kl_vcpu_kick(struct kl_vcpu *vcpu);
/**
 * kl_request_all - ask every vCPU of a VM, and see them out of the guest
 * @vm: the VM
 * @req: the request
 *
 * On return no vCPU of @vm executes guest code that it entered before the
 * request was visible to it. May be called under spinlocks, interrupts on.
 */
void kl_request_all(struct kl_vm *vm, enum kl_request_bit req);

/* events.c */
void kl_queue_exception(struct kl_vcpu *vcpu, u8 vector);
void kl_queue_exception_e(struct kl_vcpu *vcpu, u8 vector, u32 error_code);
void kl_queue_exception_p(struct kl_vcpu *vcpu, u8 vector, u64 payload);
void kl_queue_page_fault(struct kl_vcpu *vcpu, u64 address, u32 error_code);
/* The exit interrupted a delivery: it must be delivered again (vendor code). */
void kl_requeue_exception(struct kl_vcpu *vcpu, u8 vector, bool has_error,
			  u32 error_code);
void kl_queue_interrupt(struct kl_vcpu *vcpu, u8 vector, bool soft);
void kl_inject_nmi(struct kl_vcpu *vcpu);	/* any context */
/* Is there an interrupt for the CPU, whatever its state? */
bool kl_irq_source_pending(struct kl_vcpu *vcpu);
/* Did the exit interrupt the delivery of an event? Until the next entry. */
static inline bool kl_event_on_its_way(const struct kl_vcpu *vcpu)
{
	return vcpu->events.exception.injected || vcpu->events.interrupt.injected ||
	       vcpu->events.nmi_injected;
}

static inline void kl_clear_injected(struct kl_vcpu *vcpu)
{
	vcpu->events.exception.injected = false;
	vcpu->events.interrupt.injected = false;
	vcpu->events.nmi_injected = false;
}

/* 0: go on to the guest; else as a handler's return value (exit.h). */
int kl_inject_events(struct kl_vcpu *vcpu);
void kl_deliver_payload(struct kl_vcpu *vcpu, struct kl_exception *ex);

/* cpuid.c */
struct kvm_cpuid_entry2 *kl_cpuid_find(struct kl_vcpu *vcpu, u32 leaf, u32 index);
bool kl_guest_has(struct kl_vcpu *vcpu, unsigned int x86_feature);
void kl_cpuid(struct kl_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
u32 kl_cpuid_pv_features(struct kl_vcpu *vcpu);

/* state.c: whole-register-set ioctls; called with the vCPU loaded. */
long kl_state_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
			 void __user *argp);

/* msr.c */
struct kl_msr {
	u32 index;
	u64 data;
	bool host_initiated;	/* from KVM_SET_MSRS, not from the guest */
};

/* 0, 1 for #GP, KL_MSR_UNKNOWN where nobody has such a register */
#define KL_MSR_UNKNOWN 2
int kl_msr_get(struct kl_vcpu *vcpu, struct kl_msr *msr);
int kl_msr_set(struct kl_vcpu *vcpu, struct kl_msr *msr);

/* tsc.c */
u64 kl_guest_tsc(struct kl_vcpu *vcpu, u64 host_tsc);

#endif
