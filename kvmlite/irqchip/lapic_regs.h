/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_LAPIC_REGS_H
#define KVMLITE_LAPIC_REGS_H

/*
 * The registers of a local APIC and what can be computed from them alone
 * (SDM vol. 3, chapter "Advanced Programmable Interrupt Controller").
 */

#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/types.h>

#define KL_APIC_VECTORS		256

/* Local vector table, in the order of the registers from 0x320 on. */
enum kl_lvt {
	KL_LVT_TIMER,
	KL_LVT_THERMAL,
	KL_LVT_PERF,
	KL_LVT_LINT0,
	KL_LVT_LINT1,
	KL_LVT_ERROR,
	KL_LVT_CMCI,		/* 0x2f0; only where machine checks have it */
	KL_NR_LVT
};

#define KL_LVT_MASKED		BIT(16)
#define KL_LVT_LEVEL		BIT(15)
#define KL_LVT_PERIODIC		BIT(17)
#define KL_LVT_TSC_DEADLINE	(2u << 17)
#define KL_LVT_TIMER_MODE	(3u << 17)

#define KL_SVR_ENABLE		BIT(8)
#define KL_SVR_NO_BROADCAST	BIT(12)
#define KL_ICR_BUSY		BIT(12)

/* ESR bits that can happen here. */
#define KL_ESR_SEND_VECTOR	BIT(5)
#define KL_ESR_RECV_VECTOR	BIT(6)
#define KL_ESR_ILLEGAL_REG	BIT(7)

/* Delivery modes, as in ICR, redirection entries, MSIs and LVT. */
enum kl_delivery {
	KL_DM_FIXED,
	KL_DM_LOWEST,
	KL_DM_SMI,
	KL_DM_REMRD,
	KL_DM_NMI,
	KL_DM_INIT,
	KL_DM_STARTUP,
	KL_DM_EXTINT,
};

/*
 * struct kl_lapic_regs - the registers
 * @irr, @tmr: set from any context with atomic bit operations
 * @isr: touched by the vCPU's thread alone
 * @esr: what the guest sees; @esr_new gathers until it writes the register
 * @version: register 0x30, fixed at reset
 *
 * The rest is written by the vCPU's thread and read by anybody with
 * READ_ONCE(): a message under way while the guest moves its own destination
 * may find either.
 */
struct kl_lapic_regs {
	unsigned long irr[KL_APIC_VECTORS / (8 * sizeof(long))];
	unsigned long isr[KL_APIC_VECTORS / (8 * sizeof(long))];
	unsigned long tmr[KL_APIC_VECTORS / (8 * sizeof(long))];
	u32 id;			/* xAPIC: 8 bits; x2APIC: 32 */
	u32 version;
	u32 tpr;
	u32 ldr;		/* as the register has it */
	u32 dfr;
	u32 svr;
	u32 esr;
	unsigned long esr_new;	/* atomic bit operations */
	u32 icr, icr2;
	u32 lvt[KL_NR_LVT];
	u32 tmict;
	u32 tdcr;
};

/* Highest vector set, or -1. */
int kl_lapic_highest(const unsigned long *vectors);
/* Processor priority from TPR and what is in service. */
u8 kl_lapic_ppr(const struct kl_lapic_regs *r);
/* The vector to deliver now: pending and above @ppr; or -1. */
int kl_lapic_deliverable(const struct kl_lapic_regs *r, u8 ppr);
/* Divisor of the timer's clock: 1, 2, 4 … 128. */
unsigned int kl_lapic_divisor(u32 tdcr);
/* The logical id that x2APIC mode derives from the id. */
u32 kl_x2apic_ldr(u32 id);
/* The register at @offset (0x2f0, 0x320 … 0x370) as enum kl_lvt, or -1. */
int kl_lapic_lvt_index(u32 offset);
/* Bits of an LVT entry that software can write. */
u32 kl_lapic_lvt_mask(enum kl_lvt lvt);
/**
 * kl_lapic_has_reg - is there a register to be read?
 * @offset: 0x000 … 0x3f0, a multiple of 16
 * @x2apic: by RDMSR
 * @nr_lvt: entries of the local vector table
 */
bool kl_lapic_has_reg(u32 offset, bool x2apic, unsigned int nr_lvt);

/**
 * kl_lapic_match - is this APIC meant?
 * @r: its registers
 * @x2apic: it is in x2APIC mode
 * @x2apic_id: its id there, whatever mode it is in
 * @dest: destination of the message
 * @logical: logical rather than physical destination mode
 */
bool kl_lapic_match(const struct kl_lapic_regs *r, bool x2apic, u32 x2apic_id,
		    u32 dest, bool logical);

/*
 * The register page that user space saves and restores; @id_reg as the
 * caller's mode and the VM's capabilities want it in register 0x20.
 */
void kl_lapic_regs_to_page(const struct kl_lapic_regs *r, u32 id_reg,
			   u32 tmcct, struct kvm_lapic_state *page);
/* Everything but id, version and ldr, which follow other rules. */
void kl_lapic_regs_from_page(struct kl_lapic_regs *r,
			     const struct kvm_lapic_state *page);
u32 kl_lapic_page_read(const struct kvm_lapic_state *page, u32 offset);

#endif
