/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_MMU_H
#define KVMLITE_MMU_H

/*
 * Guest memory: slots, the nested page tables (EPT, NPT) and the reading and
 * writing of guest memory by the hypervisor itself.
 */

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "../compat/kvm_uapi.h"
#include "tdp_entry.h"

struct kl_dirty_ring;
struct kl_exception;
struct kl_memslot;
struct kl_vcpu;
struct kl_vm;

typedef u64 gpa_t;
typedef u64 gfn_t;
typedef u64 hpa_t;

#define KL_INVALID_GPA	(~(gpa_t)0)

/*
 * struct kl_mmu - the nested page tables of a VM, shared by its vCPUs
 *
 * @lock: protects the tables' contents, @seq, @in_progress and the range
 * @root: the top table's physical address, as the hardware wants it; fixed for
 *	the VM's life
 * @root_table: the same, for us
 * @fmt: how entries look
 * @levels: of the tables
 * @large_nx: large leaves must not be executable (see fault.c)
 * @seq: raised when an invalidation ends and when slots have changed; a fault
 *	that saw another value before it looked the page up starts again
 * @in_progress: invalidations begun by the host's memory management and not
 *	ended
 * @inv_start, @inv_end: union of the host addresses they concern
 * @nr_tables: table pages, the root among them
 * @nr_leaves: leaves of 4K, 2M, 1G
 * @retiring: the slot that is being deleted or moved, while leaves by it may be
 *	left in the tables; the notifier looks at it besides vm->slots
 * @slots_by_id: slot number → slot, for ioctls; under vm->slots_lock
 * @manual_protect: KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2's argument; under
 *	vm->slots_lock
 */
struct kl_mmu {
	spinlock_t lock;	/* as above */
	hpa_t root;
	u64 *root_table;
	struct kl_tdp_fmt fmt;
	int levels;
	bool large_nx;
	unsigned long seq;
	long in_progress;
	unsigned long inv_start, inv_end;
	atomic_long_t nr_tables;
	atomic_long_t nr_leaves[3];
	struct kl_memslot *retiring;
	struct xarray slots_by_id;
	u64 manual_protect;
};

/* Why a guest access did not translate, in the vendor-neutral form. */
#define KL_FAULT_READ	BIT(0)
#define KL_FAULT_WRITE	BIT(1)
#define KL_FAULT_EXEC	BIT(2)
/* The access was made by the CPU's walk of the guest's own tables. */
#define KL_FAULT_WALK	BIT(3)

/*
 * Needs vm->mm, vm->srcu and vm->slots_lock; everything else under "Memory" in
 * struct kl_vm is initialised here. 0, or -errno with nothing to undo. From
 * here on the notifier may call kl_request_all().
 */
int kl_mmu_init_vm(struct kl_vm *vm);
/* Stop the notifier (the mm may be gone already); then free everything. */
void kl_mmu_release_vm(struct kl_vm *vm);
void kl_mmu_destroy_vm(struct kl_vm *vm);

enum kl_fault_result {
	KL_FAULT_DONE = 1,	/* mapped, or somebody else did: run again */
	KL_FAULT_MMIO = 0,	/* no slot, or a write to a read-only slot */
	/* negative errno: -EFAULT bad host address, -EINTR signal, … */
};

/**
 * kl_mmu_fault - give the guest the page it faulted on
 * @vcpu: the vCPU, loaded; may sleep
 * @gpa: guest-physical address of the access
 * @access: KL_FAULT_* bits
 */
int kl_mmu_fault(struct kl_vcpu *vcpu, gpa_t gpa, u32 access);

/* KVM_PRE_FAULT_MEMORY; @range is updated to what is left of it. */
long kl_mmu_prefault(struct kl_vcpu *vcpu, struct kvm_pre_fault_memory *range);

/*
 * Memory access by the hypervisor on a guest's behalf, by guest-physical
 * address, across slot and page boundaries. 0, or -EFAULT where there is no
 * slot or the host mapping fails; writes are logged as dirty. May sleep. The
 * caller holds vm->srcu for reading or is in a vCPU ioctl (which does).
 */
int kl_gpa_read(struct kl_vm *vm, gpa_t gpa, void *data, unsigned int len);
int kl_gpa_write(struct kl_vm *vm, gpa_t gpa, const void *data,
		 unsigned int len);
/*
 * Compare-and-exchange of 1, 2, 4, 8 bytes, naturally aligned, in place.
 * 0 and *old updated; -EAGAIN if the value differed; -EFAULT.
 */
int kl_gpa_cmpxchg(struct kl_vm *vm, gpa_t gpa, u64 *old, u64 new,
		   unsigned int len);
bool kl_gpa_has_slot(struct kl_vm *vm, gpa_t gpa);
/* A write to @gpa would go to memory (and not to user space as MMIO). */
bool kl_gpa_is_writable(struct kl_vm *vm, gpa_t gpa);

/*
 * The guest's own paging (walk.c), by its current CR0, CR3, CR4, EFER: none,
 * 32-bit, PAE, 4-level, 5-level; NX, SMEP, SMAP, WP, reserved bits.
 */
#define KL_ACCESS_WRITE	BIT(0)
#define KL_ACCESS_FETCH	BIT(1)
#define KL_ACCESS_USER	BIT(2)
/* An implicit supervisor access (descriptor tables): SMAP ignores RFLAGS.AC. */
#define KL_ACCESS_IMPLICIT BIT(3)
/* Set accessed and dirty bits in the guest's tables, as the CPU would. */
#define KL_ACCESS_SET_AD BIT(4)

/**
 * kl_gva_to_gpa - translate as the guest's MMU would
 * @vcpu: the vCPU, loaded
 * @gva: linear address
 * @access: KL_ACCESS_* bits
 * @gpa: result
 * @fault: filled in with the #PF to raise if the return is 1; may be NULL
 *
 * Return: 0; 1 page fault for the guest; -EFAULT the guest's tables lie where
 * there is no memory.
 */
int kl_gva_to_gpa(struct kl_vcpu *vcpu, u64 gva, u32 access, gpa_t *gpa,
		  struct kl_exception *fault);
/* Read/write memory at a linear address; returns as kl_gva_to_gpa(). */
int kl_gva_read(struct kl_vcpu *vcpu, u64 gva, void *data, unsigned int len,
		u32 access, struct kl_exception *fault);
int kl_gva_write(struct kl_vcpu *vcpu, u64 gva, const void *data,
		 unsigned int len, u32 access, struct kl_exception *fault);
/*
 * Load the four PDPTEs from CR3 for PAE paging; false: one has reserved bits
 * set (#GP) or no memory is there.
 */
bool kl_load_pdptrs(struct kl_vcpu *vcpu, unsigned long cr3);

/*
 * VM ioctls of this part (memory regions, dirty log, …). -ENOIOCTLCMD if it is
 * somebody else's. Takes vm->slots_lock itself.
 */
long kl_mmu_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, void __user *argp);
/* -ENOIOCTLCMD likewise. @vm is NULL for the question on /dev/kvmlite. */
int kl_mmu_check_extension(struct kl_vm *vm, long cap);
/* KVM_ENABLE_CAP on the VM; -ENOIOCTLCMD if the capability is another's. */
long kl_mmu_enable_cap(struct kl_vm *vm, const struct kvm_enable_cap *cap);
#define KL_USER_SLOTS		32764

#endif
