/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvirtlite: thin wrappers around the ioctls of the virtlite devices.
 *
 * Conventions, for every function unless it says otherwise:
 *  - success is 0 or a value >= 0 (a file descriptor, a count);
 *  - failure is a negative errno, and vl_message() then holds one line of text
 *    that names the ioctl or the object and says why. The text belongs to the
 *    calling thread and stays until its next failure;
 *  - file descriptors are close-on-exec and belong to the caller.
 *
 * /dev/kvmlite and /dev/kvm speak the same ABI, <linux/kvm.h>: nothing in here
 * asks which of the two is behind a descriptor.
 */
#ifndef VIRTLITE_H
#define VIRTLITE_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <virtlite/kvmlite.h>

#define VL_DEFAULT_DEVICE	"/dev/kvmlite"

/* ---- errors (error.c) ---- */

int vl_error(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *vl_message(void);

int vl_ioctl_named(int fd, unsigned long req, unsigned long arg,
		   const char *name);
#define vl_ioctl(fd, req, arg) \
	vl_ioctl_named(fd, req, (unsigned long)(arg), #req)

/* ---- the device (kvm.c) ---- */

/**
 * struct vl_cap - a capability by number, with the name people know
 * @nr: KVM_CAP_…
 * @name: the same in text, without "KVM_CAP_"
 */
struct vl_cap {
	unsigned int nr;
	const char *name;
};

int vl_kvm_open(const char *path);
int vl_kvm_cap(int fd, unsigned int cap);
int vl_kvm_require(int fd, const char *path, const struct vl_cap *caps,
		   size_t nr);
const struct vl_cap *vl_kvm_caps(size_t *nr);
struct kvm_cpuid2 *vl_kvm_supported_cpuid(int fd);
struct kvm_msr_list *vl_kvm_msr_list(int fd);
int vl_kvmlite_info(int fd, struct kvmlite_info *info);

/* ---- a VM (kvm.c) ---- */

int vl_vm_create(int kvm_fd);
int vl_vm_set_memory(int vm_fd, __u32 slot, __u32 flags, __u64 gpa, __u64 size,
		     void *hva);
int vl_vm_irq_line(int vm_fd, __u32 gsi, bool level);
int vl_vm_irqfd(int vm_fd, int event_fd, __u32 gsi, __u32 flags);
int vl_vm_ioeventfd(int vm_fd, int event_fd, __u64 addr, __u32 len,
		    __u32 flags);
int vl_vm_set_gsi_routing(int vm_fd, const struct kvm_irq_routing *table);

/* ---- a vCPU (vcpu.c) ---- */

int vl_vcpu_create(int vm_fd, unsigned int id);
struct kvm_run *vl_vcpu_map(int kvm_fd, int vcpu_fd, size_t *size);
int vl_vcpu_set_msrs(int vcpu_fd, const struct kvm_msr_entry *msrs,
		     unsigned int nr);
const char *vl_exit_name(unsigned int reason);

/* ---- counters of the hypervisor (stats.c) ---- */

/**
 * typedef vl_stat_fn - called with each counter of a VM or vCPU
 * @name: the counter's name, as the hypervisor spells it
 * @value: its value now
 * @data: what the caller of vl_stats_read() passed
 */
typedef void (*vl_stat_fn)(const char *name, __u64 value, void *data);

int vl_stats_read(int fd, vl_stat_fn fn, void *data);

#endif /* VIRTLITE_H */
