/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VMX_CONTROLS_H
#define KVMLITE_VMX_CONTROLS_H

/*
 * The choice of VM-execution, exit and entry controls, as a pure function of the
 * capability MSRs (SDM vol. 3, appendix A).
 */

#include <linux/types.h>

/* The capability MSRs that decide; read by caps.c, invented by the tests. */
struct kl_vmx_cap_msrs {
	u64 basic;		/* IA32_VMX_BASIC */
	u64 pin, cpu, exit, entry;	/* the true ones */
	u64 sec;		/* IA32_VMX_PROCBASED_CTLS2; 0 without */
	u64 ept_vpid;		/* IA32_VMX_EPT_VPID_CAP; 0 without */
};

struct kl_vmx_controls {
	u32 pin, cpu, sec, exit, entry;
};

/**
 * kl_vmx_adjust - which bits of a control word to set
 * @need: bits that must be 1
 * @want: bits to set if the CPU can
 * @allow: bits that the CPU may insist on
 * @cap: capability MSR: low half must be 1, high half may be 1
 * @out: result
 *
 * Return: 0, or the bits of @need that the CPU lacks together with the bits that
 * it insists on although neither @need nor @want (nor @allow) has them.
 */
u32 kl_vmx_adjust(u32 need, u32 want, u32 allow, u64 cap, u32 *out);

/**
 * kl_vmx_choose_controls - all control words
 * @msrs: the capability MSRs
 * @ctl: result
 *
 * Return: NULL, or the name of the first required feature that is missing.
 */
const char *kl_vmx_choose_controls(const struct kl_vmx_cap_msrs *msrs,
				   struct kl_vmx_controls *ctl);

#endif
