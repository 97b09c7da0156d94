/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_VIRTLITE_KVMLITE_H
#define _UAPI_VIRTLITE_KVMLITE_H

/*
 * /dev/kvmlite speaks the ABI of <linux/kvm.h>; this header adds only what KVM
 * has no call for.
 */

#include <linux/const.h>
#include <linux/kvm.h>
#include <linux/types.h>

#define KVMLITE_MAGIC 0xb7

#define KVMLITE_BACKEND_VMX 1
#define KVMLITE_BACKEND_SVM 2

#define KVMLITE_FEATURE_1G_PAGES	_BITULL(0)
#define KVMLITE_FEATURE_AD_BITS		_BITULL(1)
#define KVMLITE_FEATURE_TSC_SCALING	_BITULL(2)

/*
 * What is done between guest and host against bugs of the CPU; see
 * Documentation/kvmlite.rst.
 */
#define KVMLITE_MITIGATION_L1D_FLUSH	_BITULL(0)	/* before an entry, */
#define KVMLITE_MITIGATION_L1D_ALWAYS	_BITULL(1)	/* … each, not only some */
#define KVMLITE_MITIGATION_L1D_COMMAND	_BITULL(2)	/* … by IA32_FLUSH_CMD */
#define KVMLITE_MITIGATION_VERW		_BITULL(3)	/* before each entry */
#define KVMLITE_MITIGATION_VERW_MMIO	_BITULL(4)	/* likewise, a little earlier */
#define KVMLITE_MITIGATION_IBPB		_BITULL(5)	/* when another VM comes */
#define KVMLITE_MITIGATION_RSB_FILL	_BITULL(6)	/* after each exit */
#define KVMLITE_MITIGATION_RSB_ONE	_BITULL(7)	/* likewise: one return */
#define KVMLITE_MITIGATION_SPEC_CTRL	_BITULL(8)	/* written after each exit */
#define KVMLITE_MITIGATION_BHB_CLEAR	_BITULL(9)	/* after each exit */
#define KVMLITE_MITIGATION_IBPB_USER	_BITULL(10)	/* before user space runs */
#define KVMLITE_MITIGATION_UNTRAIN	_BITULL(11)	/* returns, after each exit */
#define KVMLITE_MITIGATION_IBPB_EXIT	_BITULL(12)	/* after each exit */

/* Bugs of the CPU that a guest could use against the host or other guests. */
#define KVMLITE_BUG_L1TF		_BITULL(0)
#define KVMLITE_BUG_MDS			_BITULL(1)
#define KVMLITE_BUG_TAA			_BITULL(2)
#define KVMLITE_BUG_MMIO		_BITULL(3)
#define KVMLITE_BUG_RFDS		_BITULL(4)
#define KVMLITE_BUG_TSA			_BITULL(5)
#define KVMLITE_BUG_SPECTRE_V2		_BITULL(6)
#define KVMLITE_BUG_RETBLEED		_BITULL(7)
#define KVMLITE_BUG_SRSO		_BITULL(8)
#define KVMLITE_BUG_PBRSB		_BITULL(9)
#define KVMLITE_BUG_BHI			_BITULL(10)
#define KVMLITE_BUG_VMSCAPE		_BITULL(11)
#define KVMLITE_BUG_ALL			0xfffULL

/**
 * struct kvmlite_info - ioctl(KVMLITE_GET_INFO) on /dev/kvmlite
 * @size: set by the caller to the size of the struct it was built with; on
 *	return how much of it was filled in, in bytes
 * @flags: 0 on return
 * @backend: one of KVMLITE_BACKEND_*
 * @max_vcpus: most vCPUs of one VM
 * @max_slots: most memory slots of one VM
 * @pad: 0
 * @features: KVMLITE_FEATURE_* that the CPU has and kvmlite uses
 * @build: the module's source version, NUL-terminated; empty if not recorded
 * @mitigations: KVMLITE_MITIGATION_* that are in effect
 * @bugs: KVMLITE_BUG_* that the CPU has
 * @exposed: those of @bugs that guests can use all the same, because the host's
 *	kernel was told not to mitigate them or cannot
 *
 * Return: 0, -EINVAL if @size is too small to hold @flags, -EFAULT.
 */
struct kvmlite_info {
	__u32 size;
	__u32 flags;
	__u32 backend;
	__u32 max_vcpus;
	__u32 max_slots;
	__u32 pad;
	__u64 features;
	__u8 build[32];
	__u64 mitigations;
	__u64 bugs;
	__u64 exposed;
};

#define KVMLITE_GET_INFO _IO(KVMLITE_MAGIC, 0x00)

#endif
