/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_MITIGATE_H
#define KVMLITE_MITIGATE_H

/*
 * What is done at the boundary between guest and host, as a pure function of the
 * CPU's bugs and of what the host's kernel does about them for itself: kvmlite
 * guards against its guests as far as the host guards against its processes.
 */

#include <virtlite/kvmlite.h>

#include "pure.h"

/* What the host's kernel has decided, each from one feature bit or static key. */
#define KL_HOST_VERW		BIT(0)	/* clears buffers on return to user space */
#define KL_HOST_VERW_VMRUN	BIT(1)	/* wants that before VMRUN */
#define KL_HOST_VERW_MMIO	BIT(2)	/* only for guests with device memory */
#define KL_HOST_L1D_DONE	BIT(3)	/* an outer hypervisor flushes the L1D */
#define KL_HOST_L1D_COMMAND	BIT(4)	/* the CPU has IA32_FLUSH_CMD */
#define KL_HOST_IBPB		BIT(5)
#define KL_HOST_RSB		BIT(6)
#define KL_HOST_RSB_ONE		BIT(7)
#define KL_HOST_IBRS		BIT(8)	/* written on each entry to the kernel */
#define KL_HOST_EIBRS		BIT(9)	/* written once */
#define KL_HOST_CALL_DEPTH	BIT(10)	/* call-depth tracking */
#define KL_HOST_BHB_LOOP	BIT(11)
#define KL_HOST_BHI_DIS		BIT(12)	/* BHI_DIS_S in SPEC_CTRL */
#define KL_HOST_IBPB_USER	BIT(13)
#define KL_HOST_UNTRAIN		BIT(14)
#define KL_HOST_SRSO		BIT(15)
#define KL_HOST_IBPB_EXIT	BIT(16)
#define KL_HOST_SMT		BIT(17)	/* sibling threads are online */

enum kl_host_l1tf {
	KL_L1TF_OFF,
	KL_L1TF_COND,		/* flush where secrets may have been loaded */
	KL_L1TF_ALWAYS,
};

/**
 * struct kl_host_report - the CPU and its host's mitigations
 * @bugs: KVMLITE_BUG_*
 * @does: KL_HOST_*
 * @l1tf: the host's choice for guests (l1tf= on its command line)
 * @vmx: VT-x, else SVM
 */
struct kl_host_report {
	u64 bugs;
	u32 does;
	enum kl_host_l1tf l1tf;
	bool vmx;
};

/**
 * kl_mitigate - what to do around guest mode
 * @r: the report
 *
 * Return: KVMLITE_MITIGATION_* bits
 */
u64 kl_mitigate(const struct kl_host_report *r);

/**
 * kl_exposed - which bugs a guest can use all the same
 * @r: the report
 * @actions: what kl_mitigate() made of it
 *
 * Return: KVMLITE_BUG_* bits, a subset of @r->bugs
 */
u64 kl_exposed(const struct kl_host_report *r, u64 actions);

#endif
