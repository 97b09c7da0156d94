/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_IOAPIC_H
#define KVMLITE_IOAPIC_H

/*
 * I/O APIC with 24 pins (Intel 82093AA, order 290566): the state machine
 * alone. Where the messages go is the owner's affair.
 */

#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/types.h>

#define KL_IOAPIC_PINS		24
#define KL_IOAPIC_BASE		0xfec00000ull
#define KL_IOAPIC_LEN		0x100

/*
 * Ends of a level-triggered interrupt in a row that found the line still up,
 * until the next one is held back for a while: a guest that does not know how to
 * silence the device still gets to run.
 */
#define KL_IOAPIC_STORM		10000
#define KL_IOAPIC_STORM_MS	10

/* A redirection table entry. */
#define KL_RTE_VECTOR(rte)	((u8)(rte))
#define KL_RTE_MODE(rte)	((u8)((rte) >> 8 & 7))
#define KL_RTE_LOGICAL		BIT_ULL(11)
#define KL_RTE_PENDING		BIT_ULL(12)	/* read-only; always 0 here */
#define KL_RTE_POLARITY		BIT_ULL(13)	/* kept, not applied */
#define KL_RTE_REMOTE_IRR	BIT_ULL(14)	/* read-only */
#define KL_RTE_LEVEL		BIT_ULL(15)
#define KL_RTE_MASKED		BIT_ULL(16)
#define KL_RTE_DEST(rte)	((u8)((rte) >> 56))

/**
 * struct kl_ioapic - one I/O APIC
 * @deliver: send the message of an entry; how many CPUs took it, or -1
 * @ctx: for @deliver
 * @id: bits 27:24 of register 0
 * @select: index register
 * @irr: pins asserted (level) or with an edge not yet sent
 * @sent: edge pins whose edge in @irr has been sent
 * @storm: how often in a row an end found the pin asserted
 * @rte: redirection table
 */
struct kl_ioapic {
	int (*deliver)(void *ctx, u64 rte);
	void *ctx;
	u32 id;
	u32 select;
	u32 irr;
	u32 sent;
	u16 storm[KL_IOAPIC_PINS];
	u64 rte[KL_IOAPIC_PINS];
};

void kl_ioapic_init(struct kl_ioapic *io, int (*deliver)(void *, u64),
		    void *ctx);
/**
 * kl_ioapic_set_line - a device moves its line
 * @io: the I/O APIC
 * @pin: 0…23
 * @level: 0 or 1
 *
 * Return: CPUs that took it; 0 it was pending already; -1 masked.
 */
int kl_ioapic_set_line(struct kl_ioapic *io, unsigned int pin, int level);
/*
 * Pins that an EOI of @vector would end: level ones that wait for it, and
 * edge ones that sent it.
 */
u32 kl_ioapic_eoi_pins(const struct kl_ioapic *io, u8 vector, bool level);
/*
 * The EOI has come to a level-triggered pin: send again if still asserted. True:
 * not yet, it has done so too often; call kl_ioapic_resend() later.
 */
bool kl_ioapic_end(struct kl_ioapic *io, unsigned int pin);
/* What kl_ioapic_end() held back. */
void kl_ioapic_resend(struct kl_ioapic *io);

u32 kl_ioapic_read(const struct kl_ioapic *io, u32 offset);
/* Returns the pins that this write unmasked. */
u32 kl_ioapic_write(struct kl_ioapic *io, u32 offset, u32 val);

void kl_ioapic_get_state(const struct kl_ioapic *io,
			 struct kvm_ioapic_state *state);
void kl_ioapic_set_state(struct kl_ioapic *io,
			 const struct kvm_ioapic_state *state);

#endif
