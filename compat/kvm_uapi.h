/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef VIRTLITE_COMPAT_KVM_UAPI_H
#define VIRTLITE_COMPAT_KVM_UAPI_H

/*
 * Numbers and structures of the KVM ABI that are newer than the <linux/kvm.h>
 * that is being built with.
 */

#include <linux/kvm.h>

#ifndef KVM_SET_USER_MEMORY_REGION2
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

#define KVM_SET_USER_MEMORY_REGION2 \
	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#endif

#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2 231
#endif

#ifndef KVM_MSR_EXIT_REASON_VALID_MASK
#define KVM_MSR_EXIT_REASON_VALID_MASK (KVM_MSR_EXIT_REASON_INVAL | \
					KVM_MSR_EXIT_REASON_UNKNOWN | \
					KVM_MSR_EXIT_REASON_FILTER)
#endif

#ifndef KVM_MSR_FILTER_RANGE_VALID_MASK
#define KVM_MSR_FILTER_RANGE_VALID_MASK (KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)
#define KVM_MSR_FILTER_VALID_MASK KVM_MSR_FILTER_DEFAULT_DENY
#endif

/*
 * Kernels that mark what user space may change at any moment give this field
 * another name inside the kernel.
 */
#ifdef HINT_UNSAFE_IN_KVM
#define kl_immediate_exit(run) READ_ONCE((run)->HINT_UNSAFE_IN_KVM(immediate_exit))
#else
#define kl_immediate_exit(run) READ_ONCE((run)->immediate_exit)
#endif

#ifndef KVM_CAP_X86_APIC_BUS_CYCLES_NS
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS 237
#endif

#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236
#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#endif

#ifndef KVM_CAP_DIRTY_LOG_RING_ACQ_REL
#define KVM_CAP_DIRTY_LOG_RING_ACQ_REL 223
#endif

#endif
