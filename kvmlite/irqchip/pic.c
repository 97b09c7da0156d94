// SPDX-License-Identifier: GPL-2.0
/*
 * 8259A pair: the state machine (Intel 8259A data sheet, order 231468).
 *
 * No locks here: pic_dev.c calls with the chip's lock held.
 */

#include <linux/string.h>

#include "pic.h"

#define PIC_CASCADE	2	/* the master's pin that the slave drives */
#define PIC_NONE	8	/* a priority lower than every pin's */

/*
 * Pins that the edge/level register can set to level: not timer, keyboard,
 * cascade, RTC, FPU.
 */
static const u8 elcr_mask[2] = { 0xf8, 0xde };

/* Rank of the best of @pins: 0 highest, PIC_NONE if empty. */
static unsigned int pic_priority(const struct kvm_pic_state *s, u8 pins)
{
	unsigned int rank;

	for (rank = 0; rank < PIC_NONE; rank++)
		if (pins & (1 << ((rank + s->priority_add) & 7)))
			break;
	return rank;
}

/* The pin to serve next, or -1. */
static int pic_next(const struct kvm_pic_state *s, bool master)
{
	unsigned int want, busy;
	u8 in_service = s->isr;

	want = pic_priority(s, s->irr & ~s->imr);
	if (want == PIC_NONE)
		return -1;
	if (s->special_mask)
		in_service &= ~s->imr;
	/* Fully nested across chips: the slave may interrupt itself. */
	if (master && s->special_fully_nested_mode)
		in_service &= ~(1 << PIC_CASCADE);
	busy = pic_priority(s, in_service);
	return want < busy ? (int)((want + s->priority_add) & 7) : -1;
}

static int pic_drive(struct kvm_pic_state *s, u8 elcr, unsigned int pin,
		     int level)
{
	u8 mask = 1 << pin;
	bool was = s->irr & mask;

	if (elcr & mask) {
		if (level) {
			s->irr |= mask;
			s->last_irr |= mask;
		} else {
			s->irr &= ~mask;
			s->last_irr &= ~mask;
			was = false;
		}
	} else if (level) {
		if (!(s->last_irr & mask))
			s->irr |= mask;
		s->last_irr |= mask;
	} else {
		/* An edge stays latched until it is acknowledged. */
		s->last_irr &= ~mask;
		was = false;
	}
	if (s->imr & mask)
		return -1;
	return !was;
}

/* Let the slave drive the cascade pin, and the master the CPU. */
static void pic_update(struct kl_pic *pic)
{
	struct kvm_pic_state *master = &pic->chip[0];

	if (pic_next(&pic->chip[1], false) >= 0) {
		/* A pulse: the cascade is edge-triggered in the master. */
		pic_drive(master, 0, PIC_CASCADE, 0);
		pic_drive(master, 0, PIC_CASCADE, 1);
	} else {
		master->irr &= ~(1 << PIC_CASCADE);
		master->last_irr &= ~(1 << PIC_CASCADE);
	}
	pic->output = pic_next(master, true) >= 0;
}

int kl_pic_set_line(struct kl_pic *pic, unsigned int pin, int level)
{
	struct kvm_pic_state *s = &pic->chip[(pin >> 3) & 1];
	int ret;

	ret = pic_drive(s, s->elcr, pin & 7, level);
	pic_update(pic);
	return ret;
}

static void pic_end(struct kl_pic *pic, int chip, unsigned int pin)
{
	pic->chip[chip].isr &= ~(1 << pin);
	pic->eoi |= 1 << (chip * 8 + pin);
}

static void pic_accept(struct kl_pic *pic, int chip, unsigned int pin)
{
	struct kvm_pic_state *s = &pic->chip[chip];

	s->isr |= 1 << pin;
	if (!(s->elcr & (1 << pin)))
		s->irr &= ~(1 << pin);
	if (s->auto_eoi) {
		if (s->rotate_on_auto_eoi)
			s->priority_add = (pin + 1) & 7;
		pic_end(pic, chip, pin);
	}
}

u8 kl_pic_ack(struct kl_pic *pic)
{
	int pin = pic_next(&pic->chip[0], true);
	u8 vector;

	if (pin < 0) {
		vector = pic->chip[0].irq_base + 7;
	} else if (pin != PIC_CASCADE) {
		pic_accept(pic, 0, pin);
		vector = pic->chip[0].irq_base + pin;
	} else {
		pic_accept(pic, 0, PIC_CASCADE);
		pin = pic_next(&pic->chip[1], false);
		if (pin >= 0)
			pic_accept(pic, 1, pin);
		else
			pin = 7;
		vector = pic->chip[1].irq_base + pin;
	}
	pic_update(pic);
	return vector;
}

/* ICW1: start again. Level-triggered requests stay, as their lines do. */
static void pic_icw1(struct kl_pic *pic, int chip, u8 val)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	u8 lost = (s->irr & ~s->elcr) | s->isr;

	s->last_irr = 0;
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->rotate_on_auto_eoi = 0;
	s->init4 = val & 1;
	if (!s->init4) {
		s->special_fully_nested_mode = 0;
		s->auto_eoi = 0;
	}
	s->init_state = 1;
	/* Who waits for the end of these would wait for ever. */
	pic->eoi |= (u16)lost << (chip * 8);
}

static void pic_ocw2(struct kl_pic *pic, int chip, u8 val)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	unsigned int command = val >> 5, rank, pin;

	switch (command) {
	case 0:		/* rotate in automatic EOI mode: clear, set */
	case 4:
		s->rotate_on_auto_eoi = command >> 2;
		break;
	case 1:		/* non-specific EOI; 5: and rotate */
	case 5:
		rank = pic_priority(s, s->isr);
		if (rank == PIC_NONE)
			break;
		pin = (rank + s->priority_add) & 7;
		if (command == 5)
			s->priority_add = (pin + 1) & 7;
		pic_end(pic, chip, pin);
		break;
	case 3:		/* specific EOI; 7: and rotate */
	case 7:
		pin = val & 7;
		if (command == 7)
			s->priority_add = (pin + 1) & 7;
		pic_end(pic, chip, pin);
		break;
	case 6:		/* set priority */
		s->priority_add = (val + 1) & 7;
		break;
	}
}

static void pic_ocw3(struct kvm_pic_state *s, u8 val)
{
	if (val & 0x04)
		s->poll = 1;
	if (val & 0x02)
		s->read_reg_select = val & 1;
	if (val & 0x40)
		s->special_mask = (val >> 5) & 1;
}

static void pic_write_data(struct kvm_pic_state *s, u8 val)
{
	switch (s->init_state) {
	case 0:
		s->imr = val;
		break;
	case 1:		/* ICW2 */
		s->irq_base = val & 0xf8;
		s->init_state = 2;
		break;
	case 2:		/* ICW3: the wiring is what it is */
		s->init_state = s->init4 ? 3 : 0;
		break;
	case 3:		/* ICW4 */
		s->special_fully_nested_mode = (val >> 4) & 1;
		s->auto_eoi = (val >> 1) & 1;
		s->init_state = 0;
		break;
	}
}

void kl_pic_write(struct kl_pic *pic, u16 port, u8 val)
{
	int chip = port == 0xa0 || port == 0xa1 || port == 0x4d1;
	struct kvm_pic_state *s = &pic->chip[chip];

	if (port >= 0x4d0)
		s->elcr = val & elcr_mask[chip];
	else if (port & 1)
		pic_write_data(s, val);
	else if (val & 0x10)
		pic_icw1(pic, chip, val);
	else if (val & 0x08)
		pic_ocw3(s, val);
	else
		pic_ocw2(pic, chip, val);
	pic_update(pic);
}

/* A read after the poll command is an acknowledge cycle. */
static u8 pic_poll(struct kl_pic *pic, int chip)
{
	int pin = pic_next(&pic->chip[chip], !chip);

	if (pin < 0)
		return 7;
	pic_accept(pic, chip, pin);
	return 0x80 | pin;
}

u8 kl_pic_read(struct kl_pic *pic, u16 port)
{
	int chip = port == 0xa0 || port == 0xa1 || port == 0x4d1;
	struct kvm_pic_state *s = &pic->chip[chip];
	u8 val;

	if (port >= 0x4d0)
		return s->elcr;
	if (s->poll) {
		s->poll = 0;
		val = pic_poll(pic, chip);
		pic_update(pic);
		return val;
	}
	if (port & 1)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

void kl_pic_set_state(struct kl_pic *pic, int chip,
		      const struct kvm_pic_state *state)
{
	struct kvm_pic_state *s = &pic->chip[chip];

	*s = *state;
	s->priority_add &= 7;
	s->irq_base &= 0xf8;
	s->init_state &= 3;
	s->read_reg_select &= 1;
	s->elcr_mask = elcr_mask[chip];
	s->elcr &= elcr_mask[chip];
	pic_update(pic);
}

void kl_pic_init(struct kl_pic *pic)
{
	memset(pic, 0, sizeof(*pic));
	pic->chip[0].elcr_mask = elcr_mask[0];
	pic->chip[1].elcr_mask = elcr_mask[1];
}
