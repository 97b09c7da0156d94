// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: choice of controls, segment access rights, the VM-entry checker.
 */

#include <kunit/test.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/perf_event.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "check.h"
#include "controls.h"
#include "segment.h"

static u64 cap(u32 must, u32 may)
{
	return (u64)may << 32 | must;
}

static void adjust(struct kunit *test)
{
	u32 out;

	/* Needed bits are there, wanted ones as far as the CPU has them. */
	KUNIT_EXPECT_EQ(test, kl_vmx_adjust(0x1, 0x6, 0, cap(0, 0x3), &out), 0u);
	KUNIT_EXPECT_EQ(test, out, 0x3u);
	/* A needed bit is missing: it is named. */
	KUNIT_EXPECT_EQ(test, kl_vmx_adjust(0x5, 0, 0, cap(0, 0x1), &out), 0x4u);
	/* The CPU insists on a bit: allowed if it is a known one. */
	KUNIT_EXPECT_EQ(test, kl_vmx_adjust(0, 0, 0x10, cap(0x10, 0x11), &out), 0u);
	KUNIT_EXPECT_EQ(test, out, 0x10u);
	KUNIT_EXPECT_EQ(test, kl_vmx_adjust(0, 0, 0x10, cap(0x30, 0x30), &out), 0x20u);
	/* ... or asked for anyway. */
	KUNIT_EXPECT_EQ(test, kl_vmx_adjust(0x20, 0, 0x10, cap(0x30, 0x30), &out), 0u);
	KUNIT_EXPECT_EQ(test, kl_vmx_adjust(0, 0x20, 0x10, cap(0x30, 0x30), &out), 0u);
}

/* A CPU that can do everything and insists on what all of them insist on. */
static const struct kl_vmx_cap_msrs full = {
	.basic = 0x00d8100000000001ull,
	.pin = 0xffffffff00000016ull,
	.cpu = 0xffffffff04006172ull,
	.exit = 0xffffffff00036dfbull,
	.entry = 0xffffffff000011fbull,
	.sec = 0xffffffff00000000ull,
	.ept_vpid = 0xf0106734141ull,
};

static void controls_full(struct kunit *test)
{
	struct kl_vmx_controls ctl;

	KUNIT_ASSERT_NULL(test, (void *)kl_vmx_choose_controls(&full, &ctl));
	KUNIT_EXPECT_EQ(test, ctl.pin, 0x7fu);
	/* Neither window is open yet, CR3 is the guest's, I/O is not. */
	KUNIT_EXPECT_FALSE(test, ctl.cpu & (CPU_BASED_INTR_WINDOW_EXITING |
					    CPU_BASED_NMI_WINDOW_EXITING |
					    CPU_BASED_CR3_LOAD_EXITING |
					    CPU_BASED_CR3_STORE_EXITING |
					    CPU_BASED_INVLPG_EXITING));
	KUNIT_EXPECT_TRUE(test, ctl.cpu & CPU_BASED_UNCOND_IO_EXITING);
	KUNIT_EXPECT_FALSE(test, ctl.sec & SECONDARY_EXEC_ENABLE_VMFUNC);
	KUNIT_EXPECT_FALSE(test, ctl.entry & VM_ENTRY_IA32E_MODE);
	KUNIT_EXPECT_FALSE(test, ctl.exit & VM_EXIT_ACK_INTR_ON_EXIT);
}

struct missing_row {
	size_t word;	/* offset in struct kl_vmx_cap_msrs */
	u64 clear, set;
	const char *name;
};

#define WORD(w)		offsetof(struct kl_vmx_cap_msrs, w)
#define MAY(bits)	((u64)(bits) << 32)

static void controls_missing(struct kunit *test)
{
	static const struct missing_row rows[] = {
		{ WORD(basic), BIT_ULL(55), 0, "true controls" },
		{ WORD(basic), BIT_ULL(54), 0, "exit information for INS and OUTS" },
		{ WORD(basic), 0xfull << 50, 0, "a VMCS in write-back memory" },
		{ WORD(basic), 0, 0x1fffull << 32, "a VMCS of one page" },
		{ WORD(pin), MAY(PIN_BASED_VIRTUAL_NMIS), 0, "virtual NMIs" },
		{ WORD(cpu), MAY(CPU_BASED_USE_MSR_BITMAPS), 0, "MSR bitmaps" },
		{ WORD(cpu), MAY(CPU_BASED_ACTIVATE_SECONDARY_CONTROLS), 0,
		  "secondary controls" },
		{ WORD(cpu), 0, CPU_BASED_CR3_LOAD_EXITING, "a control that may be zero" },
		{ WORD(sec), ~0ull, 0, "EPT" },
		{ WORD(sec), MAY(SECONDARY_EXEC_UNRESTRICTED_GUEST), 0,
		  "unrestricted guest" },
		{ WORD(sec), MAY(SECONDARY_EXEC_ENABLE_VPID), 0, "VPID" },
		{ WORD(ept_vpid), VMX_EPT_PAGE_WALK_4_BIT, 0, "EPT with four levels" },
		{ WORD(ept_vpid), VMX_EPTP_WB_BIT, 0, "EPT in write-back memory" },
		{ WORD(ept_vpid), VMX_EPT_2MB_PAGE_BIT, 0, "EPT with 2 MiB pages" },
		{ WORD(ept_vpid), VMX_EPT_INVEPT_BIT, 0, "INVEPT" },
		{ WORD(exit), MAY(VM_EXIT_LOAD_IA32_EFER), 0, "loading EFER on exit" },
		{ WORD(entry), MAY(VM_ENTRY_IA32E_MODE), 0, "64-bit guests" },
	};
	struct kl_vmx_controls ctl;
	struct kl_vmx_cap_msrs m;
	const char *name;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m = full;
		*(u64 *)((void *)&m + rows[i].word) &= ~rows[i].clear;
		*(u64 *)((void *)&m + rows[i].word) |= rows[i].set;
		name = kl_vmx_choose_controls(&m, &ctl);
		KUNIT_EXPECT_STREQ_MSG(test, name ?: "nothing", rows[i].name,
				       "row %d", i);
	}
}

static void controls_optional(struct kunit *test)
{
	struct kl_vmx_cap_msrs m = full;
	struct kl_vmx_controls ctl;

	m.sec = MAY(SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_UNRESTRICTED_GUEST |
		    SECONDARY_EXEC_ENABLE_VPID);
	KUNIT_ASSERT_NULL(test, (void *)kl_vmx_choose_controls(&m, &ctl));
	KUNIT_EXPECT_EQ(test, (u64)ctl.sec << 32, m.sec);
}

static void access_rights(struct kunit *test)
{
	static const struct {
		struct kvm_segment s;
		u32 ar;
	} rows[] = {
		/* 64-bit code, flat data, busy TSS, LDT, real-mode data */
		{ { .type = 11, .s = 1, .present = 1, .l = 1, .g = 1 }, 0xa09b },
		{ { .type = 3, .s = 1, .present = 1, .db = 1, .g = 1 }, 0xc093 },
		{ { .type = 3, .s = 1, .present = 1, .db = 1, .g = 1, .dpl = 3 }, 0xc0f3 },
		{ { .type = 11, .present = 1 }, 0x8b },
		{ { .type = 2, .present = 1 }, 0x82 },
		{ { .type = 3, .s = 1, .present = 1, .avl = 1 }, 0x1093 },
	};
	struct kvm_segment s, unusable = { .type = 3, .s = 1, .present = 1, .unusable = 1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ_MSG(test, kl_ar_encode(&rows[i].s), rows[i].ar, "row %d", i);
		memset(&s, 0, sizeof(s));
		kl_ar_decode(rows[i].ar, &s);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&s, &rows[i].s, sizeof(s)), 0, "row %d", i);
	}
	KUNIT_EXPECT_EQ(test, kl_ar_encode(&unusable), KL_AR_UNUSABLE);
	unusable.unusable = 0;
	unusable.present = 0;
	KUNIT_EXPECT_EQ(test, kl_ar_encode(&unusable), KL_AR_UNUSABLE);
	/* The CPU keeps P in one that is unusable; it is not present all the same. */
	kl_ar_decode(KL_AR_UNUSABLE | KL_AR_P | 3, &s);
	KUNIT_EXPECT_TRUE(test, s.unusable);
	KUNIT_EXPECT_FALSE(test, s.present);
}

static void set_seg(struct kl_entry_state *s, int i, u64 base, u32 limit, u32 ar)
{
	s->seg[i].base = base;
	s->seg[i].limit = limit;
	s->seg[i].ar = ar;
	s->seg[i].selector = 0;
}

static void common_state(struct kl_entry_state *s)
{
	memset(s, 0, sizeof(*s));
	s->cr4 = X86_CR4_VMXE;
	s->dr7 = 0x400;
	s->rflags = X86_EFLAGS_FIXED;
	s->cr4_allowed = 0x3767ff;
	s->phys_bits = 40;
	s->linear_bits = 48;
	set_seg(s, KL_CHECK_LDTR, 0, 0xffff, 0x82);
	set_seg(s, KL_CHECK_TR, 0, 0xffff, 0x8b);
	s->gdtr_limit = 0xffff;
	s->idtr_limit = 0xffff;
}

static void real_mode(struct kl_entry_state *s)
{
	int i;

	common_state(s);
	s->cr0 = X86_CR0_NE | X86_CR0_ET;
	for (i = KL_CHECK_ES; i <= KL_CHECK_GS; i++)
		set_seg(s, i, 0, 0xffff, 0x93);
	set_seg(s, KL_CHECK_CS, 0xffff0000, 0xffff, 0x9b);
	s->rip = 0xfff0;
}

static void protected_mode(struct kl_entry_state *s)
{
	int i;

	real_mode(s);
	s->cr0 |= X86_CR0_PE;
	for (i = KL_CHECK_ES; i <= KL_CHECK_GS; i++)
		set_seg(s, i, 0, 0xffffffff, 0xc093);
	set_seg(s, KL_CHECK_CS, 0, 0xffffffff, 0xc09b);
}

static void long_mode(struct kl_entry_state *s)
{
	protected_mode(s);
	s->cr0 |= X86_CR0_PG;
	s->cr4 |= X86_CR4_PAE;
	s->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NX;
	s->entry_ctl = VM_ENTRY_IA32E_MODE;
	s->cr3 = 0x1000;
	set_seg(s, KL_CHECK_CS, 0, 0xffffffff, 0xa09b);
	s->rip = 0xffffffff81000000ull;
	s->seg[KL_CHECK_GS].base = 0xffff888000000000ull;
}

static void v86_mode(struct kl_entry_state *s)
{
	int i;

	protected_mode(s);
	s->rflags |= X86_EFLAGS_VM;
	for (i = KL_CHECK_ES; i <= KL_CHECK_GS; i++) {
		set_seg(s, i, 0x1230, 0xffff, 0xf3);
		s->seg[i].selector = 0x123;
	}
}

static void entry_valid(struct kunit *test)
{
	static void (*const modes[])(struct kl_entry_state *s) = {
		real_mode, protected_mode, long_mode, v86_mode,
	};
	struct kl_entry_state s;
	int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		modes[i](&s);
		KUNIT_EXPECT_STREQ_MSG(test, kl_check_entry(&s) ?: "", "", "mode %d", i);
	}
}

/* One change to a valid state, and how the complaint about it begins. */
#define BAD(mode, change, complaint) do {					\
	struct kl_entry_state s;						\
	const char *said;							\
										\
	mode(&s);								\
	change;									\
	said = kl_check_entry(&s) ?: "nothing";					\
	KUNIT_EXPECT_EQ_MSG(test, strncmp(said, complaint, strlen(complaint)), 0, \
			    "%s: %s", #change, said);				\
} while (0)

static void entry_registers(struct kunit *test)
{
	BAD(real_mode, s.cr0 |= BIT_ULL(32), "CR0: upper");
	BAD(real_mode, s.cr0 &= ~X86_CR0_NE, "CR0: NE");
	BAD(real_mode, s.cr0 |= X86_CR0_PG, "CR0: PG without PE");
	BAD(real_mode, s.cr4 |= BIT(31), "CR4: a bit");
	BAD(real_mode, s.cr4 = 0, "CR4: VMXE");
	BAD(long_mode, s.cr0 &= ~X86_CR0_PG, "CR0: IA-32e");
	BAD(long_mode, s.cr4 &= ~X86_CR4_PAE, "CR4: IA-32e");
	BAD(protected_mode, s.cr4 |= X86_CR4_PCIDE, "CR4: PCIDE");
	BAD(long_mode, s.cr3 = BIT_ULL(40), "CR3");
	BAD(long_mode, s.dr7 |= BIT_ULL(40), "DR7");
	BAD(long_mode, s.debugctl = BIT(3), "DEBUGCTL");
	BAD(long_mode, s.sysenter_esp = BIT_ULL(47), "SYSENTER_ESP");
	BAD(long_mode, s.sysenter_eip = BIT_ULL(63), "SYSENTER_EIP");
	BAD(long_mode, s.efer |= EFER_SVME, "EFER: reserved");
	BAD(long_mode, s.efer &= ~(u64)EFER_LMA, "EFER: LMA differs from the entry");
	BAD(long_mode, s.efer &= ~(u64)EFER_LME, "EFER: LMA differs from LME");
	BAD(long_mode, s.rip = BIT_ULL(47), "RIP: not canonical");
	BAD(protected_mode, s.rip = BIT_ULL(32), "RIP: above");
	BAD(long_mode, s.seg[KL_CHECK_CS].ar = 0xc09b, "RIP: above");
	BAD(long_mode, s.rflags = 0, "RFLAGS: bit 1");
	BAD(long_mode, s.rflags |= BIT(15), "RFLAGS: reserved");
	BAD(real_mode, s.gdtr_base = BIT_ULL(50), "GDTR");
	BAD(real_mode, s.idtr_limit = 0x10000, "GDTR or IDTR: limit");
}

static void entry_segments(struct kunit *test)
{
	BAD(real_mode, s.seg[KL_CHECK_CS].base = BIT_ULL(32), "CS: base");
	BAD(real_mode, s.seg[KL_CHECK_CS].ar |= KL_AR_UNUSABLE, "CS: unusable");
	BAD(real_mode, s.seg[KL_CHECK_CS].ar = 0x9a, "CS: type");
	BAD(real_mode, s.seg[KL_CHECK_CS].ar = 0xf3, "CS: a data segment with DPL");
	BAD(protected_mode, s.seg[KL_CHECK_CS].ar = 0xc0fb, "CS: DPL differs");
	BAD(protected_mode, s.seg[KL_CHECK_CS].ar = 0xc0ff, "CS: conforming");
	BAD(protected_mode, s.seg[KL_CHECK_CS].ar = 0xc08b, "CS: a system");
	BAD(protected_mode, s.seg[KL_CHECK_CS].ar = 0xc01b, "CS: not present");
	BAD(protected_mode, s.seg[KL_CHECK_CS].ar |= 0x100, "CS: reserved");
	BAD(long_mode, s.seg[KL_CHECK_CS].ar |= KL_AR_DB, "CS: both");
	BAD(protected_mode, s.seg[KL_CHECK_CS].limit = 0xfffff, "nothing");
	BAD(protected_mode, s.seg[KL_CHECK_CS].limit = 0x1000, "CS: limit");
	BAD(real_mode, s.seg[KL_CHECK_CS].limit = 0x100000, "CS: limit");
	BAD(real_mode, s.seg[KL_CHECK_SS].ar = 0xf3, "CS: DPL differs");
	BAD(protected_mode, s.seg[KL_CHECK_SS].ar = 0xc09b, "SS: type");
	BAD(protected_mode, s.seg[KL_CHECK_SS].limit = 0, "SS: limit");
	BAD(protected_mode, s.seg[KL_CHECK_SS].base = BIT_ULL(40), "SS: base");
	BAD(long_mode, s.seg[KL_CHECK_SS].ar = KL_AR_UNUSABLE, "nothing");
	BAD(protected_mode, s.seg[KL_CHECK_DS].ar = 0xc092, "data segment: not accessed");
	BAD(protected_mode, s.seg[KL_CHECK_ES].ar = 0xc099, "data segment: code");
	BAD(protected_mode, s.seg[KL_CHECK_FS].ar = 0xc013, "data segment: not present");
	BAD(protected_mode, s.seg[KL_CHECK_GS].ar = 0xc083, "data segment: a system");
	BAD(long_mode, s.seg[KL_CHECK_FS].base = BIT_ULL(47), "FS or GS");
	BAD(long_mode, s.seg[KL_CHECK_DS].base = BIT_ULL(40), "DS or ES");
	BAD(v86_mode, s.seg[KL_CHECK_DS].base = 0, "virtual-8086 mode: a base");
	BAD(v86_mode, s.seg[KL_CHECK_CS].limit = 0xfff, "virtual-8086 mode: a limit");
	BAD(v86_mode, s.seg[KL_CHECK_SS].ar = 0x93, "virtual-8086 mode: access");
	BAD(v86_mode, s.cr0 &= ~X86_CR0_PE, "RFLAGS: VM");
	BAD(real_mode, s.seg[KL_CHECK_TR].ar = KL_AR_UNUSABLE, "TR: unusable");
	BAD(real_mode, s.seg[KL_CHECK_TR].ar = 0x83, "nothing");
	BAD(long_mode, s.seg[KL_CHECK_TR].ar = 0x83, "TR: not a busy");
	BAD(real_mode, s.seg[KL_CHECK_TR].selector = 4, "TR: selector");
	BAD(real_mode, s.seg[KL_CHECK_LDTR].ar = 0x83, "LDTR: not an LDT");
	BAD(real_mode, s.seg[KL_CHECK_LDTR].ar = KL_AR_UNUSABLE, "nothing");
}

#define EVENT(type, vector)	(INTR_INFO_VALID_MASK | (type) | (vector))

static void entry_events(struct kunit *test)
{
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_EXT_INTR, 32), "RFLAGS: IF");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_EXT_INTR, 32);
	    s.rflags |= X86_EFLAGS_IF, "nothing");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_EXT_INTR, 32);
	    s.rflags |= X86_EFLAGS_IF; s.interruptibility = 1,
	    "interruptibility: an interrupt");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_NMI_INTR, 3), "event: an NMI");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_NMI_INTR, 2);
	    s.interruptibility = 8, "interruptibility: an NMI");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_HARD_EXCEPTION, 32),
	    "event: an exception");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_GP),
	    "nothing");
	BAD(real_mode, s.intr_info = EVENT(INTR_TYPE_HARD_EXCEPTION,
					   X86_TRAP_GP | INTR_INFO_DELIVER_CODE_MASK),
	    "event: an error code");
	BAD(long_mode, s.intr_info = EVENT(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_GP),
	    "event: no error code");
	BAD(long_mode, s.intr_info = EVENT(INTR_TYPE_RESERVED, 32), "event: reserved");
	BAD(long_mode, s.intr_info = EVENT(INTR_TYPE_SOFT_INTR, 32); s.insn_len = 16,
	    "event: instruction length");

	BAD(real_mode, s.activity = 4, "activity state: unknown");
	BAD(real_mode, s.activity = 1; s.interruptibility = 2, "activity state: inactive");
	BAD(real_mode, s.interruptibility = 3, "interruptibility: both");
	BAD(real_mode, s.interruptibility = 1, "interruptibility: STI");
	BAD(real_mode, s.interruptibility = 4, "interruptibility: SMI");
	BAD(real_mode, s.interruptibility = 0x40, "interruptibility: reserved");
	BAD(real_mode, s.interruptibility = 2; s.rflags |= X86_EFLAGS_TF,
	    "pending debug exceptions: BS is 0");
	BAD(real_mode, s.interruptibility = 2; s.pending_dbg = BIT(14),
	    "pending debug exceptions: BS without");
	BAD(real_mode, s.pending_dbg = BIT(4), "pending debug exceptions: reserved");
	BAD(protected_mode, s.cr0 |= X86_CR0_PG; s.cr4 |= X86_CR4_PAE; s.pdptr[2] = 3,
	    "PDPTE");
}

static void switch_list(struct kunit *test)
{
	static const struct perf_guest_switch_msr msrs[] = {
		{ .msr = MSR_CORE_PERF_GLOBAL_CTRL, .host = 0xf, .guest = 0x3 },
		{ .msr = MSR_IA32_DS_AREA, .host = 0x1000, .guest = 0x1000 },
		{ .msr = MSR_IA32_PEBS_ENABLE, .host = 1, .guest = 0 },
	};
	struct vmx_msr_entry guest[2], host[2];

	KUNIT_EXPECT_EQ(test, kl_vmx_switch_list(msrs, 0, guest, host, 2), 0u);
	KUNIT_EXPECT_EQ(test, kl_vmx_switch_list(msrs, 3, guest, host, 2), 2u);
	KUNIT_EXPECT_EQ(test, guest[0].index, (u32)MSR_CORE_PERF_GLOBAL_CTRL);
	KUNIT_EXPECT_EQ(test, guest[0].reserved, 0u);
	KUNIT_EXPECT_EQ(test, guest[0].value, 0x3ull);
	KUNIT_EXPECT_EQ(test, host[0].value, 0xfull);
	KUNIT_EXPECT_EQ(test, guest[1].index, (u32)MSR_IA32_PEBS_ENABLE);
	KUNIT_EXPECT_EQ(test, guest[1].value, 0ull);
	KUNIT_EXPECT_EQ(test, host[1].index, (u32)MSR_IA32_PEBS_ENABLE);
	KUNIT_EXPECT_EQ(test, host[1].value, 1ull);
	KUNIT_EXPECT_EQ(test, kl_vmx_switch_list(msrs, 3, guest, host, 1), 1u);
	KUNIT_EXPECT_EQ(test, kl_vmx_switch_list(msrs + 1, 1, guest, host, 2), 0u);
}

static void split_locks(struct kunit *test)
{
	const u64 am = X86_CR0_AM, ac = X86_EFLAGS_AC;

	/* Nobody but the guest can have asked for it. */
	KUNIT_EXPECT_TRUE(test, kl_vmx_ac_is_guests(false, 0, 0, 0));
	KUNIT_EXPECT_TRUE(test, kl_vmx_ac_is_guests(false, 3, am, ac));
	/* It has, in all three ways that it takes. */
	KUNIT_EXPECT_TRUE(test, kl_vmx_ac_is_guests(true, 3, am, ac));
	KUNIT_EXPECT_FALSE(test, kl_vmx_ac_is_guests(true, 0, am, ac));
	KUNIT_EXPECT_FALSE(test, kl_vmx_ac_is_guests(true, 2, am, ac));
	KUNIT_EXPECT_FALSE(test, kl_vmx_ac_is_guests(true, 3, 0, ac));
	KUNIT_EXPECT_FALSE(test, kl_vmx_ac_is_guests(true, 3, am, 0));
	KUNIT_EXPECT_FALSE(test, kl_vmx_ac_is_guests(true, 3, ~am, ~ac));
}

static struct kunit_case vmx_cases[] = {
	KUNIT_CASE(adjust),
	KUNIT_CASE(controls_full),
	KUNIT_CASE(controls_missing),
	KUNIT_CASE(controls_optional),
	KUNIT_CASE(switch_list),
	KUNIT_CASE(split_locks),
	KUNIT_CASE(access_rights),
	KUNIT_CASE(entry_valid),
	KUNIT_CASE(entry_registers),
	KUNIT_CASE(entry_segments),
	KUNIT_CASE(entry_events),
	{}
};

static struct kunit_suite vmx_suite = {
	.name = "kvmlite_vmx",
	.test_cases = vmx_cases,
};

kunit_test_suite(vmx_suite);
