/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_PIC_H
#define KVMLITE_PIC_H

/*
 * A pair of 8259A interrupt controllers as in a PC: the state machine alone,
 * without locks, so that tests and fuzzers can compile it anywhere. The
 * registers are kept in the form in which user space saves them.
 */

#include <linux/kvm.h>
#include <linux/types.h>

#define KL_PIC_PINS	16

/**
 * struct kl_pic - master [0] and slave [1]
 * @chip: the registers
 * @output: INTR of the master, to the CPU
 * @eoi: pins whose interrupt ended since somebody last looked; the owner
 *	clears it and tells those who wait
 */
struct kl_pic {
	struct kvm_pic_state chip[2];
	bool output;
	u16 eoi;
};

void kl_pic_init(struct kl_pic *pic);
/* Take over registers from user space; what cannot be is corrected. */
void kl_pic_set_state(struct kl_pic *pic, int chip,
		      const struct kvm_pic_state *state);
/**
 * kl_pic_set_line - a device moves its line
 * @pic: the pair
 * @pin: 0…15
 * @level: 0 or 1
 *
 * Return: 1 it is now pending, 0 it already was, -1 masked.
 */
int kl_pic_set_line(struct kl_pic *pic, unsigned int pin, int level);
/*
 * The CPU's acknowledge cycle: the vector, that of a spurious IRQ 7 or 15 if
 * there is nothing after all.
 */
u8 kl_pic_ack(struct kl_pic *pic);
/* Ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1; others must not get here. */
void kl_pic_write(struct kl_pic *pic, u16 port, u8 val);
u8 kl_pic_read(struct kl_pic *pic, u16 port);

#endif
