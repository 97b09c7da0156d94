// SPDX-License-Identifier: GPL-2.0
/*
 * What kvmlite asks of a CPU's VMX, and the control words that follow. Pure: the
 * capability MSRs come as arguments.
 */

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <asm/perf_event.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "controls.h"

/* IA32_VMX_BASIC (A.1); not all of these have a name in every kernel. */
#define KL_BASIC_SIZE		GENMASK_ULL(44, 32)
#define KL_BASIC_MEM_TYPE	GENMASK_ULL(53, 50)
#define KL_BASIC_MEM_WB		(6ull << 50)
#define KL_BASIC_INS_OUTS	BIT_ULL(54)
#define KL_BASIC_TRUE		BIT_ULL(55)

/*
 * Reserved bits that are 1 by history ("default1", A.2). The CPU may insist on
 * them; on anything else it may not.
 */
#define KL_PIN_DEFAULT1		0x00000016u
#define KL_CPU_DEFAULT1		0x04006172u	/* CR3 exiting is not among them */
#define KL_EXIT_DEFAULT1	0x00036dffu
#define KL_ENTRY_DEFAULT1	0x000011ffu

struct kl_control_name {
	u32 bit;
	const char *name;
};

static const struct kl_control_name pin_need[] = {
	{ PIN_BASED_EXT_INTR_MASK,	"external-interrupt exiting" },
	{ PIN_BASED_NMI_EXITING,	"NMI exiting" },
	{ PIN_BASED_VIRTUAL_NMIS,	"virtual NMIs" },
	{ }
};

static const struct kl_control_name cpu_need[] = {
	{ CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, "secondary controls" },
	{ CPU_BASED_USE_MSR_BITMAPS,	"MSR bitmaps" },
	{ CPU_BASED_INTR_WINDOW_EXITING, "interrupt-window exiting" },
	{ CPU_BASED_NMI_WINDOW_EXITING,	"NMI-window exiting" },
	{ CPU_BASED_USE_TSC_OFFSETTING,	"TSC offsetting" },
	{ CPU_BASED_HLT_EXITING,	"HLT exiting" },
	{ CPU_BASED_MWAIT_EXITING,	"MWAIT exiting" },
	{ CPU_BASED_MONITOR_EXITING,	"MONITOR exiting" },
	{ CPU_BASED_RDPMC_EXITING,	"RDPMC exiting" },
	{ CPU_BASED_CR8_LOAD_EXITING,	"CR8-load exiting" },
	{ CPU_BASED_CR8_STORE_EXITING,	"CR8-store exiting" },
	{ CPU_BASED_MOV_DR_EXITING,	"MOV-DR exiting" },
	{ CPU_BASED_UNCOND_IO_EXITING,	"unconditional I/O exiting" },
	{ }
};

static const struct kl_control_name sec_need[] = {
	{ SECONDARY_EXEC_ENABLE_EPT,	"EPT" },
	{ SECONDARY_EXEC_UNRESTRICTED_GUEST, "unrestricted guest" },
	{ SECONDARY_EXEC_ENABLE_VPID,	"VPID" },
	{ }
};

/*
 * ENCLS, WBINVD: a guest must not reach SGX, nor flush the host's caches. PAUSE
 * loops: give a lock's holder a chance. The rest exist for the guest.
 */
#define KL_SEC_WANT	(SECONDARY_EXEC_ENABLE_RDTSCP |			\
			 SECONDARY_EXEC_ENABLE_INVPCID |		\
			 VMCS_CONTROL_BIT(XSAVES) |			\
			 SECONDARY_EXEC_TSC_SCALING |			\
			 SECONDARY_EXEC_WBINVD_EXITING |		\
			 SECONDARY_EXEC_ENCLS_EXITING |			\
			 SECONDARY_EXEC_PAUSE_LOOP_EXITING)

static const struct kl_control_name exit_need[] = {
	{ VM_EXIT_HOST_ADDR_SPACE_SIZE,	"64-bit host" },
	{ VM_EXIT_LOAD_IA32_EFER,	"loading EFER on exit" },
	{ VM_EXIT_SAVE_DEBUG_CONTROLS,	"saving debug controls on exit" },
	{ }
};

static const struct kl_control_name entry_need[] = {
	{ VM_ENTRY_LOAD_IA32_EFER,	"loading EFER on entry" },
	{ VM_ENTRY_LOAD_DEBUG_CONTROLS,	"loading debug controls on entry" },
	{ VM_ENTRY_IA32E_MODE,		"64-bit guests" },
	{ }
};

/* IA32_VMX_EPT_VPID_CAP (A.10) */
static const struct kl_control_name ept_need[] = {
	{ VMX_EPT_PAGE_WALK_4_BIT,	"EPT with four levels" },
	{ VMX_EPTP_WB_BIT,		"EPT in write-back memory" },
	{ VMX_EPT_2MB_PAGE_BIT,		"EPT with 2 MiB pages" },
	{ VMX_EPT_INVEPT_BIT,		"INVEPT" },
	{ VMX_EPT_EXTENT_CONTEXT_BIT,	"INVEPT of a single context" },
	{ VMX_EPT_EXTENT_GLOBAL_BIT,	"INVEPT of all contexts" },
	{ }
};

u32 kl_vmx_adjust(u32 need, u32 want, u32 allow, u64 cap, u32 *out)
{
	u32 must = cap, may = cap >> 32;
	u32 ctl = ((need | want) & may) | must;

	*out = ctl;
	return (need & ~ctl) | (must & ~(need | want | allow));
}

unsigned int kl_vmx_switch_list(const struct perf_guest_switch_msr *msrs, int nr,
				struct vmx_msr_entry *guest,
				struct vmx_msr_entry *host, unsigned int max)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < nr && n < max; i++) {
		if (msrs[i].guest == msrs[i].host)
			continue;
		guest[n] = (struct vmx_msr_entry){
			.index = msrs[i].msr, .value = msrs[i].guest,
		};
		host[n] = (struct vmx_msr_entry){
			.index = msrs[i].msr, .value = msrs[i].host,
		};
		n++;
	}
	return n;
}

bool kl_vmx_ac_is_guests(bool detects, int cpl, u64 cr0, u64 rflags)
{
	if (!detects)
		return true;
	return cpl == 3 && (cr0 & X86_CR0_AM) && (rflags & X86_EFLAGS_AC);
}

static u32 kl_control_mask(const struct kl_control_name *names)
{
	u32 mask = 0;

	for (; names->bit; names++)
		mask |= names->bit;
	return mask;
}

static const char *kl_control_missing(const struct kl_control_name *names, u32 bits)
{
	for (; names->bit; names++)
		if (names->bit & bits)
			return names->name;
	return "a control that may be zero";
}

static const char *kl_choose(const struct kl_control_name *need, u32 want,
			     u32 allow, u64 cap, u32 *out)
{
	u32 bad = kl_vmx_adjust(kl_control_mask(need), want, allow, cap, out);

	return bad ? kl_control_missing(need, bad) : NULL;
}

const char *kl_vmx_choose_controls(const struct kl_vmx_cap_msrs *msrs,
				   struct kl_vmx_controls *ctl)
{
	const char *missing;
	u32 bad;

	if ((msrs->basic & KL_BASIC_SIZE) >> 32 > SZ_4K)
		return "a VMCS of one page";
	if ((msrs->basic & KL_BASIC_MEM_TYPE) != KL_BASIC_MEM_WB)
		return "a VMCS in write-back memory";
	if (!(msrs->basic & KL_BASIC_TRUE))
		return "true controls";
	if (!(msrs->basic & KL_BASIC_INS_OUTS))
		return "exit information for INS and OUTS";

	missing = kl_choose(pin_need, PIN_BASED_VMX_PREEMPTION_TIMER,
			    KL_PIN_DEFAULT1, msrs->pin, &ctl->pin);
	if (missing)
		return missing;
	missing = kl_choose(cpu_need, 0, KL_CPU_DEFAULT1, msrs->cpu, &ctl->cpu);
	if (missing)
		return missing;
	/* Asked for when there is something to inject. */
	ctl->cpu &= ~(CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING);
	missing = kl_choose(sec_need, KL_SEC_WANT, 0, msrs->sec, &ctl->sec);
	if (missing)
		return missing;
	bad = kl_control_mask(ept_need) & ~(u32)msrs->ept_vpid;
	if (bad)
		return kl_control_missing(ept_need, bad);
	missing = kl_choose(exit_need, 0, KL_EXIT_DEFAULT1, msrs->exit, &ctl->exit);
	if (missing)
		return missing;
	missing = kl_choose(entry_need, 0, KL_ENTRY_DEFAULT1, msrs->entry,
			    &ctl->entry);
	if (missing)
		return missing;
	/* Follows the guest's EFER.LMA. */
	ctl->entry &= ~VM_ENTRY_IA32E_MODE;
	return NULL;
}
