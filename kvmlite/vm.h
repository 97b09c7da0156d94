/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VM_H
#define KVMLITE_VM_H

#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include "mmu.h"

#define KL_MAX_VCPUS	1024
#define KL_MAX_VCPU_ID	4096

struct kl_irqchip;
struct kl_vcpu;
struct kl_msr_filter;
struct kl_iobus;
struct dentry;

enum kl_irqchip_mode {
	KL_IRQCHIP_NONE,
	KL_IRQCHIP_KERNEL,	/* PIC, IOAPIC and LAPICs */
	KL_IRQCHIP_SPLIT,	/* LAPICs; the rest in user space */
};

/*
 * struct kl_vm - one virtual machine
 *
 * Lifetime: @ref is held by the VM's file and by each vCPU's file. The last
 * one to go unregisters the MMU notifier, frees the vCPUs and the tables. An
 * irqfd or ioeventfd holds none: it is torn down when the VM file is released.
 *
 * Locking, outermost first: vcpu->mutex, @lock, @slots_lock, @srcu (read),
 * mmu.lock. Documentation/kvmlite-locking.rst has the whole order.
 */
struct kl_vm {
	struct kref ref;
	struct mm_struct *mm;		/* of the creator; mm_count held */
	pid_t creator;			/* for names */
	struct mutex lock;		/* vCPU creation, irqchip creation, caps */

	struct xarray vcpus;		/* id → vCPU; entries never go while @ref */
	unsigned int nr_vcpus;		/* under @lock; read anywhere */
	u32 max_vcpu_id;		/* KVM_CAP_MAX_VCPU_ID; ids are below it */
	bool max_vcpu_id_set;
	u32 bsp_id;

	/* Memory: memslot.c, mmu.c, notifier.c */
	struct mutex slots_lock;
	struct kl_memslots __rcu *slots;	/* read under @srcu */
	struct srcu_struct srcu;
	struct kl_mmu mmu;
	struct mmu_notifier notifier;

	u32 dirty_ring_size;		/* entries; 0: bitmaps. Before the first vCPU */

	/* Interrupts and I/O devices in the kernel: irqchip/ */
	enum kl_irqchip_mode irqchip_mode;	/* under @lock; set once */
	struct kl_irqchip *irqchip;		/* published with smp_store_release */
	struct kl_iobus *iobus;

	/* Capabilities enabled with KVM_ENABLE_CAP, under @lock. */
	u32 user_msr_mask;			/* KVM_MSR_EXIT_REASON_* */
	u64 disabled_quirks;
	bool x2apic_32bit;
	bool x2apic_no_broadcast_quirk;
	bool triple_fault_event;
	bool exception_payload;
	u32 disabled_exits;			/* KVM_X86_DISABLE_EXITS_* */
	bool no_platform_info;			/* MSR_PLATFORM_INFO is the VMM's */
	struct kl_msr_filter __rcu *msr_filter;	/* read under @srcu */

	/* Time */
	u32 default_tsc_khz;
	spinlock_t tsc_lock;			/* the tsc_last_ fields */
	s64 clock_offset;			/* kvmclock minus host boot time, ns */
	u64 tsc_last_value, tsc_last_ns, tsc_last_offset;	/* @tsc_lock */
	u32 tsc_last_khz;
	u64 wall_clock_msr;

	gpa_t tss_addr, identity_map_addr;
	bool dead;				/* kl_vm_kill(): all calls give EIO */

	struct dentry *debugfs;
};

static inline bool kl_irqchip_in_kernel(struct kl_vm *vm)
{
	/* Pairs with the release after the irqchip is complete. */
	return smp_load_acquire(&vm->irqchip_mode) != KL_IRQCHIP_NONE;
}

#define kl_for_each_vcpu(idx, vcpu, vm) \
	xa_for_each(&(vm)->vcpus, idx, vcpu)

/* Behaviours of early KVM that user space may switch off. */
#define KL_QUIRKS	(KVM_X86_QUIRK_LINT0_REENABLED |		\
			 KVM_X86_QUIRK_OUT_7E_INC_RIP |			\
			 KVM_X86_QUIRK_FIX_HYPERCALL_INSN |		\
			 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

int kl_vm_create_fd(unsigned long type);
void kl_vm_get(struct kl_vm *vm);
void kl_vm_put(struct kl_vm *vm);
struct kl_vcpu *kl_vcpu_by_id(struct kl_vm *vm, u32 id);
/**
 * kl_vm_kill - the VM's state can no longer be trusted
 * @vm: the VM
 *
 * Its vCPUs leave guest mode and never come back; from now on every call on it
 * but close() answers -EIO. For what only a bug of ours, or broken hardware, can
 * bring about. Any context but a hard interrupt.
 */
void kl_vm_kill(struct kl_vm *vm);

/* KVM_CAP_X86_DISABLE_EXITS: what a guest may be allowed to execute. */
u32 kl_disable_exits(void);
/* Capabilities; NULL vm for the question asked on /dev/kvmlite. */
int kl_check_extension(struct kl_vm *vm, long cap);
/* main.c: VMX/SVM is taken with the first VM and released with the last. */
int kl_hardware_get(void);
void kl_hardware_put(void);

#endif
