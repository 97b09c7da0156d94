/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_PIT_H
#define KVMLITE_PIT_H

/*
 * 8254 interval timer: the three counters as functions of time, which the
 * caller brings along in nanoseconds. The registers are kept in the form in
 * which user space saves them.
 */

#include <linux/kvm.h>
#include <linux/types.h>

#define KL_PIT_HZ	1193182u

/* What a write to a port asks of the owner of channel 0's timer. */
enum kl_pit_action {
	KL_PIT_NONE,
	KL_PIT_RESTART,		/* channel 0 was loaded: program the timer */
};

void kl_pit_reset(struct kvm_pit_state2 *pit, s64 now);
/* Ports 0…3 relative to 0x40. */
enum kl_pit_action kl_pit_write(struct kvm_pit_state2 *pit, unsigned int port,
				u8 val, s64 now);
u8 kl_pit_read(struct kvm_pit_state2 *pit, unsigned int port, s64 now);
/* Put a count of 0 (65536) … 65535 in a counter, starting it. */
void kl_pit_load(struct kvm_pit_state2 *pit, unsigned int channel, u32 count,
		 s64 now);
u32 kl_pit_count(const struct kvm_pit_channel_state *c, s64 now);
bool kl_pit_out(const struct kvm_pit_channel_state *c, s64 now);
void kl_pit_set_gate(struct kvm_pit_channel_state *c, bool gate, s64 now);
/* Port 0x61: gate and output of channel 2, speaker enable. */
u8 kl_pit_speaker_read(const struct kvm_pit_state2 *pit, s64 now);
void kl_pit_speaker_write(struct kvm_pit_state2 *pit, u8 val, s64 now);

/*
 * Channel 0's interrupts: ns from the load to the first; whether they repeat.
 * Returns false if its mode makes none.
 */
bool kl_pit_period(const struct kvm_pit_state2 *pit, u64 *ns, bool *periodic);
/* Take registers from user space; corrects what would break invariants. */
void kl_pit_set_state(struct kvm_pit_state2 *pit,
		      const struct kvm_pit_state2 *state, s64 now);

#endif
