// SPDX-License-Identifier: GPL-2.0
/*
 * I/O APIC: the state machine (82093AA data sheet, 3.2).
 *
 * No locks here: ioapic_dev.c calls with the chip's lock held.
 */

#include <linux/nospec.h>
#include <linux/string.h>

#include "ioapic.h"

#define IOAPIC_REGSEL	0x00
#define IOAPIC_WINDOW	0x10

#define IOAPIC_ID	0
#define IOAPIC_VERSION	1
#define IOAPIC_ARB	2
#define IOAPIC_TABLE	0x10

/* Version 1.1, number of the last pin; no EOI register. */
#define IOAPIC_VERSION_VALUE	(0x11 | (KL_IOAPIC_PINS - 1) << 16)

#define RTE_READONLY	(KL_RTE_REMOTE_IRR | KL_RTE_PENDING)

static int ioapic_send(struct kl_ioapic *io, unsigned int pin)
{
	u64 rte = io->rte[pin];
	int ret;

	if (rte & KL_RTE_MASKED)
		return -1;
	if ((rte & KL_RTE_LEVEL) && (rte & KL_RTE_REMOTE_IRR))
		return -1;
	if (!(rte & KL_RTE_LEVEL))
		io->sent |= 1u << pin;
	/*
	 * Before the message, not after: the EOI may come from another CPU,
	 * which waits for our lock and must find the bit set.
	 */
	if (rte & KL_RTE_LEVEL)
		io->rte[pin] |= KL_RTE_REMOTE_IRR;
	ret = io->deliver(io->ctx, rte);
	if (ret <= 0)
		io->rte[pin] &= ~KL_RTE_REMOTE_IRR;
	return ret;
}

int kl_ioapic_set_line(struct kl_ioapic *io, unsigned int pin, int level)
{
	u32 mask = 1u << pin;
	bool was = io->irr & mask;

	if (!level) {
		io->irr &= ~mask;
		return 1;
	}
	io->irr |= mask;
	if (!(io->rte[pin] & KL_RTE_LEVEL)) {
		if (was)
			return 0;
		io->sent &= ~mask;
	}
	return ioapic_send(io, pin);
}

u32 kl_ioapic_eoi_pins(const struct kl_ioapic *io, u8 vector, bool level)
{
	unsigned int pin;
	u32 pins = 0;

	for (pin = 0; pin < KL_IOAPIC_PINS; pin++) {
		if (KL_RTE_VECTOR(io->rte[pin]) != vector)
			continue;
		if (level != !!(io->rte[pin] & KL_RTE_LEVEL))
			continue;
		pins |= 1u << pin;
	}
	return pins;
}

bool kl_ioapic_end(struct kl_ioapic *io, unsigned int pin)
{
	if (!(io->rte[pin] & KL_RTE_LEVEL))
		return false;
	io->rte[pin] &= ~KL_RTE_REMOTE_IRR;
	if (!(io->irr & (1u << pin))) {
		io->storm[pin] = 0;
		return false;
	}
	if (++io->storm[pin] >= KL_IOAPIC_STORM) {
		io->storm[pin] = 0;
		return true;
	}
	ioapic_send(io, pin);
	return false;
}

void kl_ioapic_resend(struct kl_ioapic *io)
{
	unsigned int pin;

	/* Those that were sent meanwhile, or have been masked, it leaves alone. */
	for (pin = 0; pin < KL_IOAPIC_PINS; pin++)
		if ((io->rte[pin] & KL_RTE_LEVEL) && (io->irr & (1u << pin)))
			ioapic_send(io, pin);
}

u32 kl_ioapic_read(const struct kl_ioapic *io, u32 offset)
{
	unsigned int pin;

	if (offset == IOAPIC_REGSEL)
		return io->select;
	if (offset != IOAPIC_WINDOW)
		return 0;

	switch (io->select) {
	case IOAPIC_VERSION:
		return IOAPIC_VERSION_VALUE;
	case IOAPIC_ID:
	case IOAPIC_ARB:
		return io->id << 24;
	}
	if (io->select < IOAPIC_TABLE)
		return 0;
	pin = (io->select - IOAPIC_TABLE) >> 1;
	if (pin >= KL_IOAPIC_PINS)
		return ~0u;
	pin = array_index_nospec(pin, KL_IOAPIC_PINS);
	return io->select & 1 ? io->rte[pin] >> 32 : (u32)io->rte[pin];
}

static u32 ioapic_write_rte(struct kl_ioapic *io, unsigned int pin, bool high,
			    u32 val)
{
	u64 old = io->rte[pin], new;

	if (high)
		new = (u32)old | (u64)val << 32;
	else
		new = (old & ~0xffffffffull) | val;
	new = (new & ~RTE_READONLY) | (old & RTE_READONLY);
	/*
	 * Kernels that find no EOI register end a level interrupt by switching
	 * the entry to edge and back.
	 */
	if (!(new & KL_RTE_LEVEL))
		new &= ~KL_RTE_REMOTE_IRR;
	io->rte[pin] = new;

	if ((new & KL_RTE_LEVEL) && (io->irr & (1u << pin)))
		ioapic_send(io, pin);
	return (old & ~new) & KL_RTE_MASKED ? 1u << pin : 0;
}

u32 kl_ioapic_write(struct kl_ioapic *io, u32 offset, u32 val)
{
	unsigned int pin;

	if (offset == IOAPIC_REGSEL) {
		io->select = val & 0xff;
		return 0;
	}
	if (offset != IOAPIC_WINDOW)
		return 0;
	if (io->select == IOAPIC_ID) {
		io->id = val >> 24 & 0xf;
		return 0;
	}
	if (io->select < IOAPIC_TABLE)
		return 0;
	pin = (io->select - IOAPIC_TABLE) >> 1;
	if (pin >= KL_IOAPIC_PINS)
		return 0;
	pin = array_index_nospec(pin, KL_IOAPIC_PINS);
	return ioapic_write_rte(io, pin, io->select & 1, val);
}

void kl_ioapic_get_state(const struct kl_ioapic *io,
			 struct kvm_ioapic_state *state)
{
	unsigned int pin;

	memset(state, 0, sizeof(*state));
	state->base_address = KL_IOAPIC_BASE;
	state->ioregsel = io->select;
	state->id = io->id;
	/* An edge that has been sent must not be sent again on restore. */
	state->irr = io->irr & ~io->sent;
	for (pin = 0; pin < KL_IOAPIC_PINS; pin++)
		state->redirtbl[pin].bits = io->rte[pin];
}

void kl_ioapic_set_state(struct kl_ioapic *io,
			 const struct kvm_ioapic_state *state)
{
	unsigned int pin;

	io->select = state->ioregsel & 0xff;
	io->id = state->id & 0xf;
	io->irr = 0;
	io->sent = 0;
	for (pin = 0; pin < KL_IOAPIC_PINS; pin++)
		io->rte[pin] = state->redirtbl[pin].bits;
	for (pin = 0; pin < KL_IOAPIC_PINS; pin++)
		if (state->irr & (1u << pin))
			kl_ioapic_set_line(io, pin, 1);
}

void kl_ioapic_init(struct kl_ioapic *io, int (*deliver)(void *, u64),
		    void *ctx)
{
	unsigned int pin;

	memset(io, 0, sizeof(*io));
	io->deliver = deliver;
	io->ctx = ctx;
	for (pin = 0; pin < KL_IOAPIC_PINS; pin++)
		io->rte[pin] = KL_RTE_MASKED;
}
