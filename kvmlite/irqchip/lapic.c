// SPDX-License-Identifier: GPL-2.0
/*
 * Local APIC: reads and writes of its registers by the guest, through the page
 * in memory (xAPIC) or MSRs (x2APIC), and the CPU's side: priorities,
 * acknowledge, end of interrupt. SDM vol. 3, chapter "Advanced Programmable
 * Interrupt Controller".
 *
 * Context: the vCPU's own thread or an ioctl on it, but where a function says
 * otherwise. See struct kl_lapic for who else touches what.
 */

#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "../regs.h"
#include "chip.h"

#define LAPIC_PAGE_LEN		0x1000

/* ICR bits that must be 0 in a WRMSR: SDM, "x2APIC ICR". */
#define X2APIC_ICR_RESERVED	(GENMASK_ULL(31, 20) | GENMASK_ULL(17, 16) | \
				 BIT_ULL(13))

/* An event may have become deliverable, or the threshold for it moved. */
static void lapic_priority_changed(struct kl_lapic *apic)
{
	kl_request(apic->vcpu, KL_REQ_EVENT);
}

static void lapic_set_tpr(struct kl_lapic *apic, u32 tpr)
{
	apic->r.tpr = tpr & 0xff;
	lapic_priority_changed(apic);
}

/*
 * User space wants to see each access to the TPR: Windows XP's are many, and
 * a helper in the guest's firmware patches them away.
 */
static void lapic_report_tpr(struct kl_lapic *apic, bool write)
{
	struct kl_vcpu *vcpu = apic->vcpu;

	if (!apic->tpr_reporting)
		return;
	apic->tpr_rip = kl_rip_read(vcpu);
	apic->tpr_write = write;
	kl_request(vcpu, KL_REQ_TPR_ACCESS);
}

/* At the exit and not before: until then the run page has other uses. */
void kl_lapic_fill_tpr_access(struct kl_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_TPR_ACCESS;
	vcpu->run->tpr_access.rip = vcpu->apic->tpr_rip;
	vcpu->run->tpr_access.is_write = vcpu->apic->tpr_write;
}

static void lapic_eoi(struct kl_lapic *apic)
{
	struct kl_irqchip *chip = apic->vcpu->vm->irqchip;
	int vector = kl_lapic_highest(apic->r.isr);
	bool level;

	/* An EOI with nothing in service is not an error. */
	if (vector < 0)
		return;
	__clear_bit(vector, apic->r.isr);
	lapic_priority_changed(apic);

	level = test_bit(vector, apic->r.tmr);
	if (apic->vcpu->vm->irqchip_mode == KL_IRQCHIP_KERNEL) {
		kl_ioapic_dev_eoi(chip, vector, level);
	} else if (level && !(apic->r.svr & KL_SVR_NO_BROADCAST) &&
		   kl_routing_wants_eoi(chip, vector)) {
		apic->vcpu->pending_ioapic_eoi = vector;
		kl_request(apic->vcpu, KL_REQ_IOAPIC_EOI_EXIT);
	}
}

static void lapic_send_ipi(struct kl_lapic *apic, u32 icr, u32 dest)
{
	struct kl_apic_msg msg = {
		.dest = dest,
		.vector = icr,
		.mode = icr >> 8 & 7,
		.shorthand = icr >> 18 & 3,
		.logical = icr & APIC_DEST_LOGICAL,
		.level = icr & APIC_INT_LEVELTRIG,
		.assert = icr & APIC_INT_ASSERT,
	};

	if (msg.vector < 16 &&
	    (msg.mode == KL_DM_FIXED || msg.mode == KL_DM_LOWEST)) {
		kl_lapic_error(apic, KL_ESR_SEND_VECTOR);
		return;
	}
	kl_apic_send(apic->vcpu->vm, apic, &msg);
}

static u32 lapic_read(struct kl_lapic *apic, u32 offset)
{
	struct kl_lapic_regs *r = &apic->r;

	switch (offset) {
	case APIC_ID:
		return apic->mode == KL_LAPIC_X2APIC ? r->id : r->id << 24;
	case APIC_LVR:
		return r->version;
	case APIC_TASKPRI:
		lapic_report_tpr(apic, false);
		return r->tpr;
	case APIC_PROCPRI:
		return kl_lapic_ppr(r);
	case APIC_LDR:
		return r->ldr;
	case APIC_DFR:
		return r->dfr;
	case APIC_SPIV:
		return r->svr;
	case APIC_ESR:
		return r->esr;
	case APIC_ICR:
		return r->icr;
	case APIC_ICR2:
		return r->icr2;
	case APIC_TMICT:
		return r->tmict;
	case APIC_TMCCT:
		return kl_lapic_timer_count(apic);
	case APIC_TDCR:
		return r->tdcr;
	case APIC_ISR ... APIC_ISR + 0x70:
		return ((u32 *)r->isr)[(offset - APIC_ISR) >> 4];
	case APIC_TMR ... APIC_TMR + 0x70:
		return READ_ONCE(((u32 *)r->tmr)[(offset - APIC_TMR) >> 4]);
	case APIC_IRR ... APIC_IRR + 0x70:
		return READ_ONCE(((u32 *)r->irr)[(offset - APIC_IRR) >> 4]);
	}
	if (kl_lapic_lvt_index(offset) >= 0)
		return r->lvt[kl_lapic_lvt_index(offset)];
	return 0;	/* arbitration priority */
}

static void lapic_write_svr(struct kl_lapic *apic, u32 val)
{
	struct kl_lapic_regs *r = &apic->r;
	u32 mask = 0x3ff;
	unsigned int i;

	if (r->version & APIC_LVR_DIRECTED_EOI)
		mask |= KL_SVR_NO_BROADCAST;
	WRITE_ONCE(r->svr, val & mask);
	if (val & KL_SVR_ENABLE) {
		lapic_priority_changed(apic);
		return;
	}
	/* Software disable masks the whole table, and for good. */
	for (i = 0; i < apic->nr_lvt; i++)
		WRITE_ONCE(r->lvt[i], r->lvt[i] | KL_LVT_MASKED);
	kl_lapic_check_watchdog(apic);
}

static int lapic_write_lvt(struct kl_lapic *apic, u32 offset, u32 val)
{
	int lvt = kl_lapic_lvt_index(offset);
	u32 mask, old;

	if (lvt < 0 || lvt >= apic->nr_lvt)
		return 1;
	old = apic->r.lvt[lvt];
	mask = kl_lapic_lvt_mask(lvt);
	if (lvt == KL_LVT_TIMER &&
	    !kl_guest_has(apic->vcpu, X86_FEATURE_TSC_DEADLINE_TIMER))
		mask &= ~KL_LVT_TSC_DEADLINE;
	if (!(apic->r.svr & KL_SVR_ENABLE))
		val |= KL_LVT_MASKED;
	WRITE_ONCE(apic->r.lvt[lvt], val & mask);

	if (lvt == KL_LVT_TIMER)
		kl_lapic_timer_set_mode(apic, old);
	else if (lvt == KL_LVT_LINT0)
		kl_lapic_check_watchdog(apic);
	return 0;
}

/* Registers that only one of the two modes can write. 0 or 1. */
static int lapic_write_xapic_only(struct kl_lapic *apic, u32 offset, u32 val)
{
	struct kl_lapic_regs *r = &apic->r;

	if (apic->mode == KL_LAPIC_X2APIC)
		return 1;
	switch (offset) {
	case APIC_ID:
		WRITE_ONCE(r->id, val >> 24);
		if (r->id != (apic->vcpu->id & 0xff))
			WRITE_ONCE(apic->vcpu->vm->irqchip->odd_ids, true);
		break;
	case APIC_LDR:
		WRITE_ONCE(r->ldr, val & APIC_LDR_MASK);
		break;
	case APIC_DFR:
		WRITE_ONCE(r->dfr, val | 0x0fffffff);
		break;
	case APIC_ICR2:
		r->icr2 = val & 0xff000000;
		break;
	}
	return 0;
}

/* 0, or 1 if there is no such register to write or the value is reserved. */
static int lapic_write(struct kl_lapic *apic, u32 offset, u32 val)
{
	struct kl_lapic_regs *r = &apic->r;
	bool x2apic = apic->mode == KL_LAPIC_X2APIC;

	switch (offset) {
	case APIC_ID:
	case APIC_LDR:
	case APIC_DFR:
	case APIC_ICR2:
		return lapic_write_xapic_only(apic, offset, val);
	case APIC_TASKPRI:
		if (x2apic && (val & ~0xffu))
			return 1;
		lapic_report_tpr(apic, true);
		lapic_set_tpr(apic, val);
		return 0;
	case APIC_EOI:
		if (x2apic && val)
			return 1;
		lapic_eoi(apic);
		return 0;
	case APIC_SPIV:
		lapic_write_svr(apic, val);
		return 0;
	case APIC_ESR:
		if (x2apic && val)
			return 1;
		/* The write shows what has gathered and starts over. */
		r->esr = xchg(&r->esr_new, 0);
		return 0;
	case APIC_ICR:
		/* Delivery takes no time that the guest could see. */
		r->icr = val & ~KL_ICR_BUSY;
		lapic_send_ipi(apic, r->icr, r->icr2 >> 24);
		return 0;
	case APIC_TMICT:
		if ((r->lvt[KL_LVT_TIMER] & KL_LVT_TIMER_MODE) ==
		    KL_LVT_TSC_DEADLINE)
			return 0;
		r->tmict = val;
		kl_lapic_timer_start(apic);
		return 0;
	case APIC_TDCR:
		kl_lapic_timer_set_divisor(apic, val & 0xb);
		return 0;
	case APIC_SELF_IPI:
		if (!x2apic || (val & ~0xffu))
			return 1;
		lapic_send_ipi(apic, APIC_DEST_SELF | val, 0);
		return 0;
	}
	return lapic_write_lvt(apic, offset, val);
}

/*
 * The page in memory.
 */

static bool lapic_in_page(const struct kl_vcpu *vcpu, u64 addr)
{
	u64 base = vcpu->apic_base & PAGE_MASK;

	return addr >= base && addr < base + LAPIC_PAGE_LEN;
}

/*
 * Not there in x2APIC mode or when disabled: a hole that older user space
 * expects to be filled (KVM_X86_QUIRK_LAPIC_MMIO_HOLE).
 */
static int lapic_hole(const struct kl_vcpu *vcpu)
{
	return vcpu->vm->disabled_quirks & KVM_X86_QUIRK_LAPIC_MMIO_HOLE ?
	       -EOPNOTSUPP : 0;
}

int kl_lapic_mmio_read(struct kl_vcpu *vcpu, u64 addr, int len, void *val)
{
	struct kl_lapic *apic = vcpu->apic;
	u32 offset, data;

	if (!apic || !lapic_in_page(vcpu, addr))
		return -EOPNOTSUPP;
	memset(val, 0xff, len);
	if (apic->mode != KL_LAPIC_XAPIC)
		return lapic_hole(vcpu);

	memset(val, 0, len);
	offset = addr & (LAPIC_PAGE_LEN - 1);
	/* Registers are 32 bits wide and 16 bytes apart. */
	if ((offset & 0xf) + len > 4)
		return 0;
	if (!kl_lapic_has_reg(offset & ~0xfu, false, apic->nr_lvt)) {
		kl_lapic_error(apic, KL_ESR_ILLEGAL_REG);
		return 0;
	}
	data = lapic_read(apic, offset & ~0xfu);
	memcpy(val, (u8 *)&data + (offset & 0xf), len);
	return 0;
}

int kl_lapic_mmio_write(struct kl_vcpu *vcpu, u64 addr, int len,
			const void *val)
{
	struct kl_lapic *apic = vcpu->apic;
	u32 offset, data;

	if (!apic || !lapic_in_page(vcpu, addr))
		return -EOPNOTSUPP;
	if (apic->mode != KL_LAPIC_XAPIC)
		return lapic_hole(vcpu);

	offset = addr & (LAPIC_PAGE_LEN - 1);
	if (len != 4 || (offset & 0xf))
		return 0;
	memcpy(&data, val, sizeof(data));
	if (lapic_write(apic, offset, data))
		kl_lapic_error(apic, KL_ESR_ILLEGAL_REG);
	return 0;
}

/*
 * MSRs.
 */

static bool lapic_has_deadline(struct kl_lapic *apic)
{
	return kl_lapic_hw_enabled(apic) &&
	       (apic->r.lvt[KL_LVT_TIMER] & KL_LVT_TIMER_MODE) ==
	       KL_LVT_TSC_DEADLINE;
}

int kl_lapic_msr_get(struct kl_vcpu *vcpu, u32 msr, u64 *data)
{
	struct kl_lapic *apic = vcpu->apic;
	u32 offset;

	if (msr == MSR_IA32_TSC_DEADLINE) {
		*data = apic && lapic_has_deadline(apic) ?
			READ_ONCE(apic->deadline) : 0;
		return 0;
	}
	if (!apic || apic->mode != KL_LAPIC_X2APIC)
		return 1;
	offset = (msr - APIC_BASE_MSR) << 4;
	if (offset > 0x3f0 || !kl_lapic_has_reg(offset, true, apic->nr_lvt))
		return 1;
	*data = lapic_read(apic, offset);
	if (offset == APIC_ICR)
		*data |= (u64)apic->r.icr2 << 32;
	return 0;
}

int kl_lapic_msr_set(struct kl_vcpu *vcpu, u32 msr, u64 data,
		     bool host_initiated)
{
	struct kl_lapic *apic = vcpu->apic;
	u32 offset;

	if (msr == MSR_IA32_TSC_DEADLINE) {
		/* Without the mode a write has no effect. */
		if (apic && lapic_has_deadline(apic))
			kl_lapic_timer_set_deadline(apic, data);
		return 0;
	}
	if (!apic || apic->mode != KL_LAPIC_X2APIC)
		return 1;
	offset = (msr - APIC_BASE_MSR) << 4;
	if (offset > 0x3f0)
		return 1;
	if (offset == APIC_ICR) {
		if (data & X2APIC_ICR_RESERVED)
			return 1;
		apic->r.icr = (u32)data & ~KL_ICR_BUSY;
		apic->r.icr2 = data >> 32;
		lapic_send_ipi(apic, apic->r.icr, apic->r.icr2);
		return 0;
	}
	if (data >> 32)
		return 1;
	return lapic_write(apic, offset, data);
}

/*
 * The CPU's side.
 */

u8 kl_lapic_get_cr8(struct kl_vcpu *vcpu)
{
	return vcpu->apic->r.tpr >> 4;
}

void kl_lapic_set_cr8(struct kl_vcpu *vcpu, u8 cr8)
{
	lapic_set_tpr(vcpu->apic, (cr8 & 0xf) << 4);
}

/* Any context. */
bool kl_lapic_accepts_pic(struct kl_vcpu *vcpu)
{
	struct kl_lapic *apic = vcpu->apic;
	u32 lint0;

	if (!kl_lapic_hw_enabled(apic))
		return true;
	lint0 = READ_ONCE(apic->r.lvt[KL_LVT_LINT0]);
	return !(lint0 & KL_LVT_MASKED) && (lint0 >> 8 & 7) == KL_DM_EXTINT;
}

/*
 * The PIC's output, which bypasses the LAPIC. User space's own (split irqchip,
 * KVM_INTERRUPT) is vcpu->user_irq and does not come here.
 */
static bool lapic_has_extint(struct kl_vcpu *vcpu)
{
	struct kl_vm *vm = vcpu->vm;

	return vm->irqchip_mode == KL_IRQCHIP_KERNEL &&
	       READ_ONCE(vm->irqchip->pic.pic.output) &&
	       kl_lapic_accepts_pic(vcpu);
}

static int lapic_deliverable(struct kl_lapic *apic)
{
	if (!kl_lapic_hw_enabled(apic))
		return -1;
	return kl_lapic_deliverable(&apic->r, kl_lapic_ppr(&apic->r));
}

bool kl_irq_pending(struct kl_vcpu *vcpu)
{
	return lapic_has_extint(vcpu) || lapic_deliverable(vcpu->apic) >= 0;
}

int kl_irq_ack(struct kl_vcpu *vcpu)
{
	struct kl_lapic *apic = vcpu->apic;
	int vector;

	if (lapic_has_extint(vcpu))
		return kl_pic_dev_ack(vcpu->vm->irqchip);

	vector = lapic_deliverable(apic);
	if (vector < 0)
		return -1;
	/* In service before it is no longer pending: nobody may find neither. */
	__set_bit(vector, apic->r.isr);
	clear_bit(vector, apic->r.irr);
	return vector;
}
