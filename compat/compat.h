/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_COMPAT_H
#define VIRTLITE_COMPAT_H

/*
 * The one file that knows about kernel versions. The tree is written to the
 * newest API; here older kernels are given the newer names. Each entry says
 * with which version it can go.
 */

#include <linux/version.h>
#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/syscore_ops.h>

/*
 * The CPU-hotplug state that the kernel's own KVM claims: at load or with its
 * first VM. A state has one owner, so claiming it shows whether KVM is active.
 * Until 6.3 it is in the section that runs with interrupts off and cannot fail.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)	/* delete with 6.1 */
#define KL_CPUHP_KVM CPUHP_AP_KVM_STARTING
#else
#define KL_CPUHP_KVM CPUHP_AP_KVM_ONLINE
#endif

/*
 * A registration object with a cookie took the place of naked callbacks;
 * stable series have it too, so ask whether the callbacks take an argument.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)	/* delete with 6.1 */
struct syscore {
	struct syscore_ops *ops;
};

#define KL_SYSCORE_ARG void
#define register_syscore(s) register_syscore_ops((s)->ops)
#define unregister_syscore(s) unregister_syscore_ops((s)->ops)
#define KL_SYSCORE_OPS static struct syscore_ops
#else
#define KL_SYSCORE_ARG void *data
#define KL_SYSCORE_OPS static const struct syscore_ops
#endif

#endif
