/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VMX_CHECK_H
#define KVMLITE_VMX_CHECK_H

/*
 * Why the CPU refused an entry. It only says "invalid guest state"; this names
 * the field, by the rules of SDM vol. 3, 27.2.1.3 and 27.3.1. Pure: the fields
 * come as a struct that failure.c fills from the VMCS after a failure.
 */

#include <linux/types.h>

/* In the VMCS's order. */
enum kl_check_seg {
	KL_CHECK_ES, KL_CHECK_CS, KL_CHECK_SS, KL_CHECK_DS, KL_CHECK_FS,
	KL_CHECK_GS, KL_CHECK_LDTR, KL_CHECK_TR,
	KL_CHECK_NR_SEGS
};

struct kl_entry_state {
	u64 cr0, cr3, cr4, efer;
	u64 dr7, debugctl;
	u64 rip, rflags;
	u64 sysenter_esp, sysenter_eip;
	struct {
		u64 base;
		u32 limit, ar;
		u16 selector;
	} seg[KL_CHECK_NR_SEGS];
	u64 gdtr_base, idtr_base;
	u32 gdtr_limit, idtr_limit;
	u32 activity;
	u32 interruptibility;
	u64 pending_dbg;
	u64 pdptr[4];
	u32 entry_ctl;
	u32 intr_info;		/* the event to inject */
	u32 insn_len;

	/* The CPU's, not the guest's. */
	u64 cr4_allowed;	/* IA32_VMX_CR4_FIXED1 */
	u8 phys_bits, linear_bits;
};

/**
 * kl_check_entry - find what is wrong with the state
 * @s: the fields
 *
 * Return: the rule that is broken, or NULL if none of those known here is.
 */
const char *kl_check_entry(const struct kl_entry_state *s);

#endif
