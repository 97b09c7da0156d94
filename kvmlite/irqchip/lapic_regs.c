// SPDX-License-Identifier: GPL-2.0
/*
 * Local APIC: what follows from the registers alone. No locks, no kernel
 * machinery: tests and fuzzers compile this file anywhere.
 */

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "lapic_regs.h"

#define WORD_BITS	((int)(8 * sizeof(long)))

int kl_lapic_highest(const unsigned long *vectors)
{
	int i;

	for (i = KL_APIC_VECTORS / WORD_BITS - 1; i >= 0; i--) {
		unsigned long word = READ_ONCE(vectors[i]);

		if (word)
			return i * WORD_BITS + (int)__fls(word);
	}
	return -1;
}

u8 kl_lapic_ppr(const struct kl_lapic_regs *r)
{
	int isr = kl_lapic_highest(r->isr);
	u32 tpr = r->tpr & 0xff;

	if (isr < 0 || (tpr & 0xf0) >= (isr & 0xf0))
		return tpr;
	return isr & 0xf0;
}

int kl_lapic_deliverable(const struct kl_lapic_regs *r, u8 ppr)
{
	int irr = kl_lapic_highest(r->irr);

	return irr >= 0 && (irr & 0xf0) > (ppr & 0xf0) ? irr : -1;
}

unsigned int kl_lapic_divisor(u32 tdcr)
{
	unsigned int code = (tdcr & 3) | (tdcr >> 1 & 4);

	return 1u << ((code + 1) & 7);
}

u32 kl_x2apic_ldr(u32 id)
{
	return id >> 4 << 16 | 1u << (id & 0xf);
}

int kl_lapic_lvt_index(u32 offset)
{
	if (offset == APIC_LVTCMCI)
		return KL_LVT_CMCI;
	if (offset < APIC_LVTT || offset > APIC_LVTERR)
		return -1;
	return (offset - APIC_LVTT) >> 4;
}

u32 kl_lapic_lvt_mask(enum kl_lvt lvt)
{
	u32 vector_and_mask = 0xff | KL_LVT_MASKED;

	switch (lvt) {
	case KL_LVT_TIMER:
		return vector_and_mask | KL_LVT_TIMER_MODE;
	case KL_LVT_ERROR:
		return vector_and_mask;
	case KL_LVT_LINT0:
	case KL_LVT_LINT1:
		/* Delivery mode, polarity, remote IRR, trigger mode. */
		return vector_and_mask | 0x700 | 0x2000 | 0x4000 | KL_LVT_LEVEL;
	default:
		return vector_and_mask | 0x700;
	}
}

bool kl_lapic_has_reg(u32 offset, bool x2apic, unsigned int nr_lvt)
{
	switch (offset) {
	case APIC_ID:
	case APIC_LVR:
	case APIC_TASKPRI:
	case APIC_PROCPRI:
	case APIC_LDR:
	case APIC_SPIV:
	case APIC_ISR ... APIC_ISR + 0x70:
	case APIC_TMR ... APIC_TMR + 0x70:
	case APIC_IRR ... APIC_IRR + 0x70:
	case APIC_ESR:
	case APIC_ICR:
	case APIC_LVTT ... APIC_LVTERR:
	case APIC_TMICT:
	case APIC_TMCCT:
	case APIC_TDCR:
		return true;
	case APIC_LVTCMCI:
		return nr_lvt > KL_LVT_CMCI;
	case APIC_ARBPRI:
	case APIC_DFR:
	case APIC_ICR2:
		return !x2apic;
	}
	return false;
}

static bool match_logical(const struct kl_lapic_regs *r, bool x2apic, u32 dest)
{
	u32 ldr = READ_ONCE(r->ldr);

	if (x2apic)
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);

	ldr >>= 24;
	switch (READ_ONCE(r->dfr) >> 28) {
	case 0xf:	/* flat: a bit for each of eight */
		return ldr & dest;
	case 0x0:	/* cluster: number, and a bit for each of four */
		return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
	}
	return false;
}

bool kl_lapic_match(const struct kl_lapic_regs *r, bool x2apic, u32 x2apic_id,
		    u32 dest, bool logical)
{
	if (dest == (x2apic ? ~0u : 0xffu))
		return true;
	if (logical)
		return match_logical(r, x2apic, dest);
	/*
	 * An APIC whose id does not fit in eight bits can be addressed before
	 * it has been switched to x2APIC mode: so KVM, for hot-plugged CPUs.
	 */
	if (x2apic || dest > 0xff)
		return dest == x2apic_id;
	return dest == READ_ONCE(r->id);
}

static void page_write(struct kvm_lapic_state *page, u32 offset, u32 val)
{
	memcpy(page->regs + offset, &val, sizeof(val));
}

u32 kl_lapic_page_read(const struct kvm_lapic_state *page, u32 offset)
{
	u32 val;

	memcpy(&val, page->regs + offset, sizeof(val));
	return val;
}

static u32 vectors_word(const unsigned long *vectors, unsigned int i)
{
	return READ_ONCE(vectors[i * 32 / WORD_BITS]) >> (i * 32 % WORD_BITS);
}

static void vectors_to_page(struct kvm_lapic_state *page, u32 offset,
			    const unsigned long *vectors)
{
	unsigned int i;

	for (i = 0; i < KL_APIC_VECTORS / 32; i++)
		page_write(page, offset + i * 0x10, vectors_word(vectors, i));
}

static void vectors_from_page(const struct kvm_lapic_state *page, u32 offset,
			      unsigned long *vectors)
{
	unsigned int i;

	memset(vectors, 0, KL_APIC_VECTORS / 8);
	for (i = 0; i < KL_APIC_VECTORS / 32; i++)
		vectors[i * 32 / WORD_BITS] |=
			(unsigned long)kl_lapic_page_read(page,
							  offset + i * 0x10)
			<< (i * 32 % WORD_BITS);
}

void kl_lapic_regs_to_page(const struct kl_lapic_regs *r, u32 id_reg,
			   u32 tmcct, struct kvm_lapic_state *page)
{
	unsigned int i;

	memset(page, 0, sizeof(*page));
	page_write(page, APIC_ID, id_reg);
	page_write(page, APIC_LVR, r->version);
	page_write(page, APIC_TASKPRI, r->tpr);
	page_write(page, APIC_PROCPRI, kl_lapic_ppr(r));
	page_write(page, APIC_LDR, r->ldr);
	page_write(page, APIC_DFR, r->dfr);
	page_write(page, APIC_SPIV, r->svr);
	vectors_to_page(page, APIC_ISR, r->isr);
	vectors_to_page(page, APIC_TMR, r->tmr);
	vectors_to_page(page, APIC_IRR, r->irr);
	page_write(page, APIC_ESR, r->esr);
	page_write(page, APIC_ICR, r->icr);
	page_write(page, APIC_ICR2, r->icr2);
	for (i = 0; i < KL_LVT_CMCI; i++)
		page_write(page, APIC_LVTT + i * 0x10, r->lvt[i]);
	page_write(page, APIC_LVTCMCI, r->lvt[KL_LVT_CMCI]);
	page_write(page, APIC_TMICT, r->tmict);
	page_write(page, APIC_TMCCT, tmcct);
	page_write(page, APIC_TDCR, r->tdcr);
}

void kl_lapic_regs_from_page(struct kl_lapic_regs *r,
			     const struct kvm_lapic_state *page)
{
	unsigned int i;

	r->tpr = kl_lapic_page_read(page, APIC_TASKPRI) & 0xff;
	r->dfr = kl_lapic_page_read(page, APIC_DFR) | 0x0fffffff;
	r->svr = kl_lapic_page_read(page, APIC_SPIV) &
		 (0x3ff | KL_SVR_NO_BROADCAST);
	vectors_from_page(page, APIC_ISR, r->isr);
	vectors_from_page(page, APIC_TMR, r->tmr);
	vectors_from_page(page, APIC_IRR, r->irr);
	r->esr = kl_lapic_page_read(page, APIC_ESR);
	r->icr = kl_lapic_page_read(page, APIC_ICR);
	r->icr2 = kl_lapic_page_read(page, APIC_ICR2);
	for (i = 0; i < KL_LVT_CMCI; i++)
		r->lvt[i] = kl_lapic_page_read(page, APIC_LVTT + i * 0x10) &
			    kl_lapic_lvt_mask(i);
	r->lvt[KL_LVT_CMCI] = kl_lapic_page_read(page, APIC_LVTCMCI) &
			      kl_lapic_lvt_mask(KL_LVT_CMCI);
	r->tmict = kl_lapic_page_read(page, APIC_TMICT);
	r->tdcr = kl_lapic_page_read(page, APIC_TDCR);
}
