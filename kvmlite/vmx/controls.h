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

struct perf_guest_switch_msr;
struct vmx_msr_entry;

/**
 * kl_vmx_switch_list - the MSRs that entry and exit are to load
 * @msrs: what perf says
 * @nr: how many
 * @guest: what the entry loads
 * @host: what the exit loads
 * @max: room in either
 *
 * A register that is the same on both sides is left out; so is what finds no
 * room.
 *
 * Return: how many there are
 */
unsigned int kl_vmx_switch_list(const struct perf_guest_switch_msr *msrs, int nr,
				struct vmx_msr_entry *guest,
				struct vmx_msr_entry *host, unsigned int max);

/**
 * kl_vmx_ac_is_guests - whose is an alignment-check exception?
 * @detects: the host has the CPU raise #AC on split locks
 * @cpl: the guest's privilege level
 * @cr0: the guest's CR0
 * @rflags: the guest's RFLAGS
 *
 * A split lock raises it whatever the guest has asked for (SDM vol. 3, "#AC");
 * where the guest did, the two cannot be told apart, and it gets its due.
 */
bool kl_vmx_ac_is_guests(bool detects, int cpl, u64 cr0, u64 rflags);

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
