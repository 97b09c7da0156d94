/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one file that knows about kernel versions. The suite is written to the
 * newest kernel's interfaces; what an older one lacks or calls otherwise is
 * filled in here, each entry with the version at which it can be deleted.
 */
#ifndef VIRTLITE_COMPAT_H
#define VIRTLITE_COMPAT_H

#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <linux/version.h>
#include <asm/cpufeatures.h>

/*
 * The CPU-hotplug state that the kernel's own KVM claims: at load or with its
 * first VM. A state has one owner, so claiming it shows whether KVM is active.
 * Until 6.3 it is in the section that runs with interrupts off and cannot fail.
 */
#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define KL_CPUHP_KVM CPUHP_AP_KVM_STARTING
#else
#define KL_CPUHP_KVM CPUHP_AP_KVM_ONLINE
#endif

/*
 * A registration object with a cookie took the place of naked callbacks;
 * stable series have it too, so ask whether the callbacks take an argument.
 */
#if KERNEL_VERSION(6, 12, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
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

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define rcu_virt_note_context_switch() rcu_virt_note_context_switch(smp_processor_id())
#endif

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
/* A slow get_user_pages() that any signal ends: without it, a fatal one only. */
#define FOLL_INTERRUPTIBLE 0
#endif

/**
 * compat_follow_pfn - what a VM_PFNMAP or VM_IO area has at an address
 * @vma: the area; mmap_lock is held for reading
 * @address: in @vma
 * @pfn: the frame number
 * @writable: the entry allows writes
 *
 * Return: 0 or -EINVAL if nothing is there (yet).
 */
#if KERNEL_VERSION(6, 12, 0) > LINUX_VERSION_CODE
static inline int compat_follow_pfn(struct vm_area_struct *vma,
				    unsigned long address, unsigned long *pfn,
				    bool *writable)
{
	spinlock_t *lock;	/* the page table's, returned held */
	pte_t *pte;
	int ret;

	ret = follow_pte(vma->vm_mm, address, &pte, &lock);
	if (ret)
		return ret;
	__acquire(lock);
	*pfn = pte_pfn(*pte);
	*writable = pte_write(*pte);
	pte_unmap_unlock(pte, lock);
	return 0;
}
#else
static inline int compat_follow_pfn(struct vm_area_struct *vma,
				    unsigned long address, unsigned long *pfn,
				    bool *writable)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = address };
	int ret;

	ret = follow_pfnmap_start(&args);
	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
}
#endif

#if KERNEL_VERSION(6, 8, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

#if KERNEL_VERSION(6, 13, 0) > LINUX_VERSION_CODE	/* delete with 6.12 */
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

/*
 * CPU bugs and their mitigations that a kernel does not know; stable series get
 * them too, so ask for the name. The feature and the bug that stand in were those
 * of 32-bit CPUs: no x86-64 kernel ever finds them.
 */
#define COMPAT_FEATURE_NEVER	X86_FEATURE_CENTAUR_MCR
#define COMPAT_BUG_NEVER	X86_BUG_COMA
#ifndef X86_FEATURE_CALL_DEPTH			/* delete with 6.1 */
#define X86_FEATURE_CALL_DEPTH			COMPAT_FEATURE_NEVER
#endif
#ifndef X86_FEATURE_CLEAR_CPU_BUF_VM
#define X86_FEATURE_CLEAR_CPU_BUF_VM		COMPAT_FEATURE_NEVER
#endif
#ifndef X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#define X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT	COMPAT_FEATURE_NEVER
#endif
#ifndef X86_FEATURE_CLEAR_BHB_HW
#define X86_FEATURE_CLEAR_BHB_HW		COMPAT_FEATURE_NEVER
#endif
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
#define compat_ibpb_exit_to_user()	this_cpu_write(x86_ibpb_exit_to_user, true)
#else
#define X86_FEATURE_IBPB_EXIT_TO_USER		COMPAT_FEATURE_NEVER
#define compat_ibpb_exit_to_user()	do { } while (0)
#endif
#ifndef X86_BUG_BHI
#define X86_BUG_BHI				COMPAT_BUG_NEVER
#endif
#ifndef X86_BUG_RFDS
#define X86_BUG_RFDS				COMPAT_BUG_NEVER
#endif
#ifndef X86_BUG_TSA
#define X86_BUG_TSA				COMPAT_BUG_NEVER
#endif
#ifndef X86_BUG_VMSCAPE
#define X86_BUG_VMSCAPE				COMPAT_BUG_NEVER
#endif

/* UDP segmentation in virtio's offload header, and in the TUN* calls. */
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define compat_virtio_has_uso() false
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#else
#define compat_virtio_has_uso() true
#endif

#if KERNEL_VERSION(6, 5, 0) <= LINUX_VERSION_CODE	/* unconditional without 6.1 */
#include <net/gso.h>
#endif

/* Until 6.11 what a BPF program's redirect helper writes to is each CPU's. */
#if KERNEL_VERSION(6, 11, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define compat_bpf_net_ctx_declare(name) int (name) = 0
#define compat_bpf_net_ctx_set(name) ((void)(name))
#define compat_bpf_net_ctx_clear(name) ((void)(name))
#else
#define compat_bpf_net_ctx_declare(name) struct bpf_net_context name##_room, *(name)
#define compat_bpf_net_ctx_set(name) ((name) = bpf_net_ctx_set(&name##_room))
#define compat_bpf_net_ctx_clear(name) bpf_net_ctx_clear(name)
#endif

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define compat_xdp_set_features(dev) ((void)(dev))
#else
#define compat_xdp_set_features(dev)					\
	((dev)->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |	\
			       NETDEV_XDP_ACT_NDO_XMIT)
#endif

/* Two device features have become bits of struct net_device. */
#if KERNEL_VERSION(6, 12, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define compat_dev_lltx(dev) ((dev)->features |= NETIF_F_LLTX)
#define compat_dev_set_netns_immutable(dev, on)				\
	do {								\
		struct net_device *_dev = (dev);			\
									\
		_dev->features &= ~NETIF_F_NETNS_LOCAL;			\
		_dev->features |= (on) ? NETIF_F_NETNS_LOCAL : 0;	\
	} while (0)
#else
#define compat_dev_lltx(dev) ((dev)->lltx = true)
#define compat_dev_set_netns_immutable(dev, on) ((dev)->netns_immutable = !!(on))
#endif

#endif /* VIRTLITE_COMPAT_H */
