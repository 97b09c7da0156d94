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
};

#define KVMLITE_GET_INFO _IO(KVMLITE_MAGIC, 0x00)

#endif
