// SPDX-License-Identifier: GPL-2.0
/*
 * The rules that guest state must keep at VM entry, with unrestricted guest on.
 * Sections are those of SDM vol. 3.
 */

#include <linux/bits.h>
#include <linux/kernel.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "check.h"
#include "segment.h"

#define KL_RFLAGS_RESERVED	(GENMASK_ULL(63, 22) | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))
#define KL_EFER_RESERVED	(~(u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
#define KL_DEBUGCTL_RESERVED	(GENMASK_ULL(63, 16) | GENMASK_ULL(5, 3))
#define KL_PENDING_DBG_RESERVED	(GENMASK_ULL(63, 17) | BIT_ULL(15) | BIT_ULL(13) | \
				 GENMASK_ULL(11, 4))
#define KL_PENDING_DBG_BS	BIT_ULL(14)
#define KL_DEBUGCTL_BTF		BIT_ULL(1)

#define KL_BLOCKED	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/* Exceptions that push an error code in protected mode. */
#define KL_HAS_ERROR_CODE	(BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) |	\
				 BIT(X86_TRAP_NP) | BIT(X86_TRAP_SS) |	\
				 BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |	\
				 BIT(X86_TRAP_AC))

static bool kl_long_mode(const struct kl_entry_state *s)
{
	return s->entry_ctl & VM_ENTRY_IA32E_MODE;
}

static bool kl_usable(const struct kl_entry_state *s, enum kl_check_seg seg)
{
	return !(s->seg[seg].ar & KL_AR_UNUSABLE);
}

static bool kl_canonical(const struct kl_entry_state *s, u64 addr)
{
	int shift = 64 - s->linear_bits;

	return (u64)((s64)(addr << shift) >> shift) == addr;
}

/* 27.3.1.1 */
static const char *kl_check_control_registers(const struct kl_entry_state *s)
{
	if (s->cr0 >> 32)
		return "CR0: upper half";
	if (!(s->cr0 & X86_CR0_NE))
		return "CR0: NE is 0";
	if ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE))
		return "CR0: PG without PE";
	if (s->cr4 & ~s->cr4_allowed)
		return "CR4: a bit the CPU does not have";
	if (!(s->cr4 & X86_CR4_VMXE))
		return "CR4: VMXE is 0";
	if (kl_long_mode(s) && !(s->cr0 & X86_CR0_PG))
		return "CR0: IA-32e mode without PG";
	if (kl_long_mode(s) && !(s->cr4 & X86_CR4_PAE))
		return "CR4: IA-32e mode without PAE";
	if (!kl_long_mode(s) && (s->cr4 & X86_CR4_PCIDE))
		return "CR4: PCIDE outside IA-32e mode";
	if (s->cr3 >> s->phys_bits)
		return "CR3: beyond the physical-address width";
	if (s->dr7 >> 32)
		return "DR7: upper half";
	if (s->debugctl & KL_DEBUGCTL_RESERVED)
		return "DEBUGCTL: reserved bits";
	if (!kl_canonical(s, s->sysenter_esp))
		return "SYSENTER_ESP: not canonical";
	if (!kl_canonical(s, s->sysenter_eip))
		return "SYSENTER_EIP: not canonical";
	if (s->efer & KL_EFER_RESERVED)
		return "EFER: reserved bits";
	if (!(s->efer & EFER_LMA) != !kl_long_mode(s))
		return "EFER: LMA differs from the entry control";
	if ((s->cr0 & X86_CR0_PG) && !(s->efer & EFER_LMA) != !(s->efer & EFER_LME))
		return "EFER: LMA differs from LME with paging on";
	return NULL;
}

/* The limit's granularity: 27.3.1.2, "G bit". */
static bool kl_bad_granularity(u32 limit, u32 ar)
{
	if (ar & KL_AR_G)
		return (limit & 0xfff) != 0xfff;
	return limit >> 20;
}

static const char *kl_check_v86_segments(const struct kl_entry_state *s)
{
	int i;

	for (i = KL_CHECK_ES; i <= KL_CHECK_GS; i++) {
		if (s->seg[i].base != (u64)s->seg[i].selector << 4)
			return "virtual-8086 mode: a base is not the selector times 16";
		if (s->seg[i].limit != 0xffff)
			return "virtual-8086 mode: a limit is not 0xffff";
		if (s->seg[i].ar != 0xf3)
			return "virtual-8086 mode: access rights are not 0xf3";
	}
	return NULL;
}

static const char *kl_check_cs(const struct kl_entry_state *s)
{
	u32 ar = s->seg[KL_CHECK_CS].ar;
	u32 ss_dpl = kl_ar_dpl(s->seg[KL_CHECK_SS].ar);

	if (s->seg[KL_CHECK_CS].base >> 32)
		return "CS: base above 4 GiB";
	if (ar & KL_AR_UNUSABLE)
		return "CS: unusable";
	switch (ar & KL_AR_TYPE) {
	case 3:
		if (kl_ar_dpl(ar))
			return "CS: a data segment with DPL other than 0";
		break;
	case 9:
	case 11:
		if (kl_ar_dpl(ar) != ss_dpl)
			return "CS: DPL differs from SS's";
		break;
	case 13:
	case 15:
		if (kl_ar_dpl(ar) > ss_dpl)
			return "CS: conforming, DPL above SS's";
		break;
	default:
		return "CS: type";
	}
	if (!(ar & KL_AR_S))
		return "CS: a system segment";
	if (!(ar & KL_AR_P))
		return "CS: not present";
	if (ar & KL_AR_RESERVED)
		return "CS: reserved access rights";
	if (kl_long_mode(s) && (ar & KL_AR_L) && (ar & KL_AR_DB))
		return "CS: both L and D";
	if (kl_bad_granularity(s->seg[KL_CHECK_CS].limit, ar))
		return "CS: limit and G disagree";
	return NULL;
}

static const char *kl_check_ss(const struct kl_entry_state *s)
{
	u32 ar = s->seg[KL_CHECK_SS].ar, type = ar & KL_AR_TYPE;
	u32 cs_type = s->seg[KL_CHECK_CS].ar & KL_AR_TYPE;

	/* DPL is the CPL and counts even where SS is unusable. */
	if ((cs_type == 3 || !(s->cr0 & X86_CR0_PE)) && kl_ar_dpl(ar))
		return "SS: DPL in real mode";
	if (ar & KL_AR_UNUSABLE)
		return NULL;
	if (s->seg[KL_CHECK_SS].base >> 32)
		return "SS: base above 4 GiB";
	if (type != 3 && type != 7)
		return "SS: type";
	if (!(ar & KL_AR_S))
		return "SS: a system segment";
	if (!(ar & KL_AR_P))
		return "SS: not present";
	if (ar & KL_AR_RESERVED)
		return "SS: reserved access rights";
	if (kl_bad_granularity(s->seg[KL_CHECK_SS].limit, ar))
		return "SS: limit and G disagree";
	return NULL;
}

static const char *kl_check_data_segments(const struct kl_entry_state *s)
{
	static const u8 data[] = { KL_CHECK_ES, KL_CHECK_DS, KL_CHECK_FS, KL_CHECK_GS };
	int i, n;
	u32 ar;

	for (n = 0; n < ARRAY_SIZE(data); n++) {
		i = data[n];
		ar = s->seg[i].ar;
		if (i == KL_CHECK_FS || i == KL_CHECK_GS) {
			if (!kl_canonical(s, s->seg[i].base))
				return "FS or GS: base not canonical";
		} else if (kl_usable(s, i) && s->seg[i].base >> 32) {
			return "DS or ES: base above 4 GiB";
		}
		if (!kl_usable(s, i))
			continue;
		if (!(ar & 1))
			return "data segment: not accessed";
		if ((ar & 8) && !(ar & 2))
			return "data segment: code that cannot be read";
		if (!(ar & KL_AR_S))
			return "data segment: a system segment";
		if (!(ar & KL_AR_P))
			return "data segment: not present";
		if (ar & KL_AR_RESERVED)
			return "data segment: reserved access rights";
		if (kl_bad_granularity(s->seg[i].limit, ar))
			return "data segment: limit and G disagree";
	}
	return NULL;
}

static const char *kl_check_system_segments(const struct kl_entry_state *s)
{
	u32 ar = s->seg[KL_CHECK_TR].ar, type = ar & KL_AR_TYPE;

	if (s->seg[KL_CHECK_TR].selector & 4)
		return "TR: selector points into the LDT";
	if (!kl_canonical(s, s->seg[KL_CHECK_TR].base))
		return "TR: base not canonical";
	if (ar & KL_AR_UNUSABLE)
		return "TR: unusable";
	if (type != 11 && (type != 3 || kl_long_mode(s)))
		return "TR: not a busy TSS";
	if ((ar & KL_AR_S) || !(ar & KL_AR_P) || (ar & KL_AR_RESERVED))
		return "TR: access rights";
	if (kl_bad_granularity(s->seg[KL_CHECK_TR].limit, ar))
		return "TR: limit and G disagree";

	if (!kl_usable(s, KL_CHECK_LDTR))
		return NULL;
	ar = s->seg[KL_CHECK_LDTR].ar;
	if (s->seg[KL_CHECK_LDTR].selector & 4)
		return "LDTR: selector points into the LDT";
	if (!kl_canonical(s, s->seg[KL_CHECK_LDTR].base))
		return "LDTR: base not canonical";
	if ((ar & KL_AR_TYPE) != 2)
		return "LDTR: not an LDT";
	if ((ar & KL_AR_S) || !(ar & KL_AR_P) || (ar & KL_AR_RESERVED))
		return "LDTR: access rights";
	if (kl_bad_granularity(s->seg[KL_CHECK_LDTR].limit, ar))
		return "LDTR: limit and G disagree";
	return NULL;
}

/* 27.3.1.2 */
static const char *kl_check_segments(const struct kl_entry_state *s)
{
	const char *bad;

	if (s->rflags & X86_EFLAGS_VM) {
		bad = kl_check_v86_segments(s);
	} else {
		bad = kl_check_cs(s);
		if (!bad)
			bad = kl_check_ss(s);
		if (!bad)
			bad = kl_check_data_segments(s);
	}
	return bad ?: kl_check_system_segments(s);
}

/* 27.3.1.3, 27.3.1.4 */
static const char *kl_check_tables_rip(const struct kl_entry_state *s)
{
	if (!kl_canonical(s, s->gdtr_base) || !kl_canonical(s, s->idtr_base))
		return "GDTR or IDTR: base not canonical";
	if (s->gdtr_limit >> 16 || s->idtr_limit >> 16)
		return "GDTR or IDTR: limit above 0xffff";
	if (kl_long_mode(s) && (s->seg[KL_CHECK_CS].ar & KL_AR_L)) {
		if (!kl_canonical(s, s->rip))
			return "RIP: not canonical";
	} else if (s->rip >> 32) {
		return "RIP: above 4 GiB outside 64-bit mode";
	}
	if (s->rflags & KL_RFLAGS_RESERVED)
		return "RFLAGS: reserved bits";
	if (!(s->rflags & X86_EFLAGS_FIXED))
		return "RFLAGS: bit 1 is 0";
	if ((s->rflags & X86_EFLAGS_VM) &&
	    (kl_long_mode(s) || !(s->cr0 & X86_CR0_PE)))
		return "RFLAGS: VM outside 32-bit protected mode";
	return NULL;
}

static u32 kl_event_type(const struct kl_entry_state *s)
{
	if (!(s->intr_info & INTR_INFO_VALID_MASK))
		return INTR_TYPE_RESERVED;
	return s->intr_info & INTR_INFO_INTR_TYPE_MASK;
}

/* 27.3.1.5 */
static const char *kl_check_nonregister(const struct kl_entry_state *s)
{
	u32 type = kl_event_type(s);
	bool bs = s->pending_dbg & KL_PENDING_DBG_BS;
	bool step;

	if (s->activity > GUEST_ACTIVITY_WAIT_SIPI)
		return "activity state: unknown";
	if (s->activity == GUEST_ACTIVITY_HLT && kl_ar_dpl(s->seg[KL_CHECK_SS].ar))
		return "activity state: HLT outside ring 0";
	if (s->activity != GUEST_ACTIVITY_ACTIVE && (s->interruptibility & KL_BLOCKED))
		return "activity state: inactive with blocking by STI or MOV SS";
	if (s->interruptibility >> 5)
		return "interruptibility: reserved bits";
	if ((s->interruptibility & KL_BLOCKED) == KL_BLOCKED)
		return "interruptibility: both STI and MOV SS";
	if ((s->interruptibility & GUEST_INTR_STATE_STI) &&
	    !(s->rflags & X86_EFLAGS_IF))
		return "interruptibility: STI with RFLAGS.IF 0";
	if (s->interruptibility & GUEST_INTR_STATE_SMI)
		return "interruptibility: SMI outside SMM";
	if (type == INTR_TYPE_EXT_INTR) {
		if (!(s->rflags & X86_EFLAGS_IF))
			return "RFLAGS: IF is 0 for an interrupt";
		if (s->interruptibility & KL_BLOCKED)
			return "interruptibility: an interrupt while blocked";
	}
	if (type == INTR_TYPE_NMI_INTR &&
	    (s->interruptibility & (GUEST_INTR_STATE_MOV_SS | GUEST_INTR_STATE_NMI)))
		return "interruptibility: an NMI while blocked";

	if (s->pending_dbg & KL_PENDING_DBG_RESERVED)
		return "pending debug exceptions: reserved bits";
	if ((s->interruptibility & KL_BLOCKED) || s->activity == GUEST_ACTIVITY_HLT) {
		step = (s->rflags & X86_EFLAGS_TF) && !(s->debugctl & KL_DEBUGCTL_BTF);
		if (step && !bs)
			return "pending debug exceptions: BS is 0 with TF and blocking";
		if (!step && bs)
			return "pending debug exceptions: BS without TF";
	}
	return NULL;
}

/* 27.3.1.6 */
static const char *kl_check_pdptrs(const struct kl_entry_state *s)
{
	u64 reserved = ~((1ull << s->phys_bits) - 1) | GENMASK_ULL(8, 5) | 6;
	int i;

	if (kl_long_mode(s) || !(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE))
		return NULL;
	for (i = 0; i < 4; i++)
		if ((s->pdptr[i] & 1) && (s->pdptr[i] & reserved))
			return "PDPTE: reserved bits";
	return NULL;
}

/* 27.2.1.3 */
static const char *kl_check_event(const struct kl_entry_state *s)
{
	u8 vector = s->intr_info & INTR_INFO_VECTOR_MASK;
	bool code = s->intr_info & INTR_INFO_DELIVER_CODE_MASK;
	bool wants_code;

	if (!(s->intr_info & INTR_INFO_VALID_MASK))
		return NULL;
	switch (kl_event_type(s)) {
	case INTR_TYPE_RESERVED:
		return "event: reserved type";
	case INTR_TYPE_NMI_INTR:
		if (vector != X86_TRAP_NMI)
			return "event: an NMI with another vector";
		break;
	case INTR_TYPE_HARD_EXCEPTION:
		if (vector > 31)
			return "event: an exception with a vector above 31";
		wants_code = (s->cr0 & X86_CR0_PE) && (KL_HAS_ERROR_CODE & BIT(vector));
		if (code && !wants_code)
			return "event: an error code where there is none";
		if (!code && wants_code)
			return "event: no error code where there must be one";
		return NULL;
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
	case INTR_TYPE_SOFT_EXCEPTION:
		if (s->insn_len > 15)
			return "event: instruction length";
		break;
	}
	return code ? "event: an error code where there is none" : NULL;
}

const char *kl_check_entry(const struct kl_entry_state *s)
{
	const char *bad;

	bad = kl_check_event(s);
	if (!bad)
		bad = kl_check_control_registers(s);
	if (!bad)
		bad = kl_check_segments(s);
	if (!bad)
		bad = kl_check_tables_rip(s);
	if (!bad)
		bad = kl_check_nonregister(s);
	if (!bad)
		bad = kl_check_pdptrs(s);
	return bad;
}
