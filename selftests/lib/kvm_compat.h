/* SPDX-License-Identifier: GPL-2.0 */
/* ABI numbers newer than the <linux/kvm.h> that the tests are built with. */
#ifndef SELFTESTS_KVM_COMPAT_H
#define SELFTESTS_KVM_COMPAT_H

#include <linux/kvm.h>

#ifndef KVM_API_VERSION
#define KVM_API_VERSION 12
#endif
#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2 231
#endif
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

#endif
