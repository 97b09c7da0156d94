// SPDX-License-Identifier: GPL-2.0
/*
 * 8254 interval timer (Intel 8254 data sheet, order 231164).
 *
 * A counter is never counted down: its value and output are computed from the
 * time since it was loaded. No locks here: pit_dev.c brings them.
 */

#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "pit.h"

#define PIT_LATCH	0	/* access 0 in a control word */
#define PIT_LSB		1
#define PIT_MSB		2
#define PIT_WORD	3	/* low byte, then high byte */
#define PIT_WORD_HIGH	4	/* … of which the low one is done */

#define PIT_CONTROL	3
#define PIT_READ_BACK	3

#define SPEAKER_GATE	0x01
#define SPEAKER_DATA	0x02
#define SPEAKER_REFRESH	0x10
#define SPEAKER_OUT	0x20

static u64 pit_ticks(const struct kvm_pit_channel_state *c, s64 now)
{
	s64 ns = now - c->count_load_time;

	if (ns < 0)
		return 0;
	/* Without 128-bit arithmetic: seconds and the rest apart. */
	return div_u64(ns, NSEC_PER_SEC) * KL_PIT_HZ +
	       div_u64((u64)((u64)ns % NSEC_PER_SEC) * KL_PIT_HZ, NSEC_PER_SEC);
}

static u32 pit_from_bcd(u32 val)
{
	return (val & 0xf) + (val >> 4 & 0xf) * 10 + (val >> 8 & 0xf) * 100 +
	       (val >> 12 & 0xf) * 1000;
}

static u32 pit_to_bcd(u32 val)
{
	val %= 10000;
	return val % 10 | val / 10 % 10 << 4 | val / 100 % 10 << 8 |
	       val / 1000 << 12;
}

/* A counter that has run out goes on below zero, by 16 bits or 4 digits. */
static u32 pit_range(const struct kvm_pit_channel_state *c)
{
	return c->bcd ? 10000 : 0x10000;
}

static u32 pit_modulo(u64 val, u32 by)
{
	u32 rem;

	div_u64_rem(val, by, &rem);
	return rem;
}

u32 kl_pit_count(const struct kvm_pit_channel_state *c, s64 now)
{
	u64 ticks = pit_ticks(c, now);
	u32 range = pit_range(c), count;

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		count = pit_modulo((u64)c->count + range -
				   pit_modulo(ticks, range), range);
		break;
	case 3:
		/* Down by two each tick, twice per period. */
		count = c->count - pit_modulo(2 * ticks, c->count);
		break;
	default:
		count = c->count - pit_modulo(ticks, c->count);
		break;
	}
	count &= 0xffff;
	return c->bcd ? pit_to_bcd(count) : count;
}

bool kl_pit_out(const struct kvm_pit_channel_state *c, s64 now)
{
	u64 ticks = pit_ticks(c, now);

	switch (c->mode) {
	case 0:
	case 1:
		return ticks >= c->count;
	case 2:
		/* Low for the last tick of each period. */
		return pit_modulo(ticks, c->count) != c->count - 1;
	case 3:
		return pit_modulo(ticks, c->count) < (c->count + 1) / 2;
	default:
		/* Low for the one tick at which it strikes. */
		return ticks != c->count;
	}
}

void kl_pit_load(struct kvm_pit_state2 *pit, unsigned int channel, u32 count,
		 s64 now)
{
	struct kvm_pit_channel_state *c = &pit->channels[channel];

	if (c->bcd)
		count = pit_from_bcd(count);
	c->count = count ? count : pit_range(c);
	c->count_load_time = now;
}

void kl_pit_set_gate(struct kvm_pit_channel_state *c, bool gate, s64 now)
{
	/* Modes 1, 2, 3 and 5 start again on the rising edge. */
	if (gate && !c->gate && c->mode != 0 && c->mode != 4)
		c->count_load_time = now;
	c->gate = gate;
}

static void pit_latch_count(struct kvm_pit_channel_state *c, s64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = kl_pit_count(c, now);
	c->count_latched = c->rw_mode;
}

static void pit_latch_status(struct kvm_pit_channel_state *c, s64 now)
{
	if (c->status_latched)
		return;
	c->status = kl_pit_out(c, now) << 7 | c->rw_mode << 4 |
		    (c->mode & 7) << 1 | c->bcd;
	c->status_latched = 1;
}

static void pit_control(struct kvm_pit_state2 *pit, u8 val, s64 now)
{
	struct kvm_pit_channel_state *c;
	unsigned int channel = val >> 6, access = val >> 4 & 3;

	if (channel == PIT_READ_BACK) {
		for (channel = 0; channel < 3; channel++) {
			if (!(val & 2 << channel))
				continue;
			if (!(val & 0x20))
				pit_latch_count(&pit->channels[channel], now);
			if (!(val & 0x10))
				pit_latch_status(&pit->channels[channel], now);
		}
		return;
	}

	c = &pit->channels[channel];
	if (access == PIT_LATCH) {
		pit_latch_count(c, now);
		return;
	}
	c->rw_mode = access;
	c->read_state = access;
	c->write_state = access;
	c->mode = val >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4;	/* bit 2 does not count for modes 2 and 3 */
	c->bcd = val & 1;
	c->count_latched = 0;
}

enum kl_pit_action kl_pit_write(struct kvm_pit_state2 *pit, unsigned int port,
				u8 val, s64 now)
{
	struct kvm_pit_channel_state *c;
	u32 count;

	if (port == PIT_CONTROL) {
		pit_control(pit, val, now);
		return KL_PIT_NONE;
	}

	c = &pit->channels[port];
	switch (c->write_state) {
	case PIT_MSB:
		count = val << 8;
		break;
	case PIT_WORD:
		c->write_latch = val;
		c->write_state = PIT_WORD_HIGH;
		return KL_PIT_NONE;
	case PIT_WORD_HIGH:
		count = c->write_latch | val << 8;
		c->write_state = PIT_WORD;
		break;
	default:
		count = val;
		break;
	}
	kl_pit_load(pit, port, count, now);
	return port ? KL_PIT_NONE : KL_PIT_RESTART;
}

static u8 pit_read_latched(struct kvm_pit_channel_state *c)
{
	switch (c->count_latched) {
	case PIT_MSB:
		c->count_latched = 0;
		return c->latched_count >> 8;
	case PIT_WORD:
		c->count_latched = PIT_MSB;
		return c->latched_count;
	default:
		c->count_latched = 0;
		return c->latched_count;
	}
}

u8 kl_pit_read(struct kvm_pit_state2 *pit, unsigned int port, s64 now)
{
	struct kvm_pit_channel_state *c;

	if (port == PIT_CONTROL)
		return 0;	/* write-only: the bus floats; KVM answers 0 */

	c = &pit->channels[port];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return pit_read_latched(c);

	switch (c->read_state) {
	case PIT_MSB:
		return kl_pit_count(c, now) >> 8;
	case PIT_WORD:
		c->read_state = PIT_WORD_HIGH;
		return kl_pit_count(c, now);
	case PIT_WORD_HIGH:
		c->read_state = PIT_WORD;
		return kl_pit_count(c, now) >> 8;
	default:
		return kl_pit_count(c, now);
	}
}

u8 kl_pit_speaker_read(const struct kvm_pit_state2 *pit, s64 now)
{
	const struct kvm_pit_channel_state *c = &pit->channels[2];
	u8 val = 0;

	if (pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON)
		val |= SPEAKER_DATA;
	if (c->gate)
		val |= SPEAKER_GATE;
	if (kl_pit_out(c, now))
		val |= SPEAKER_OUT;
	/* DRAM refresh toggles about every 15 µs; old software times by it. */
	if (now >> 14 & 1)
		val |= SPEAKER_REFRESH;
	return val;
}

void kl_pit_speaker_write(struct kvm_pit_state2 *pit, u8 val, s64 now)
{
	if (val & SPEAKER_DATA)
		pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	else
		pit->flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	kl_pit_set_gate(&pit->channels[2], val & SPEAKER_GATE, now);
}

bool kl_pit_period(const struct kvm_pit_state2 *pit, u64 *ns, bool *periodic)
{
	const struct kvm_pit_channel_state *c = &pit->channels[0];

	/* With HPET in legacy replacement mode IRQ 0 is not ours. */
	if (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		return false;
	/* Mode 5 waits for a gate that never moves; others do not exist. */
	if (c->mode >= 5)
		return false;
	*ns = div_u64((u64)c->count * NSEC_PER_SEC, KL_PIT_HZ);
	*periodic = c->mode == 2 || c->mode == 3;
	return true;
}

void kl_pit_set_state(struct kvm_pit_state2 *pit,
		      const struct kvm_pit_state2 *state, s64 now)
{
	struct kvm_pit_channel_state *c;
	unsigned int i;

	memset(pit, 0, sizeof(*pit));
	pit->flags = state->flags;
	for (i = 0; i < 3; i++) {
		c = &pit->channels[i];
		*c = state->channels[i];
		c->bcd = !!c->bcd;
		c->gate = !!c->gate;
		c->rw_mode &= 3;
		c->count_latched &= 3;
		/* Counters divide by it: 1 … range. */
		if (!c->count || c->count > pit_range(c))
			c->count = pit_range(c);
		c->count_load_time = now;
	}
}

void kl_pit_reset(struct kvm_pit_state2 *pit, s64 now)
{
	unsigned int i;

	memset(pit, 0, sizeof(*pit));
	for (i = 0; i < 3; i++) {
		pit->channels[i].mode = 0xff;	/* no mode set: makes no output */
		pit->channels[i].gate = i != 2;
		kl_pit_load(pit, i, 0, now);
	}
}
