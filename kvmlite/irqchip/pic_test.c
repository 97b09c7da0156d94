// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the 8259A pair.
 */

#include <kunit/test.h>

#include "pic.h"

static void init_chip(struct kl_pic *pic, u16 port, u8 base, u8 icw4)
{
	kl_pic_write(pic, port, 0x11);
	kl_pic_write(pic, port + 1, base);
	kl_pic_write(pic, port + 1, port == 0x20 ? 4 : 2);
	kl_pic_write(pic, port + 1, icw4);
}

static void init_pair(struct kl_pic *pic, u8 icw4)
{
	kl_pic_init(pic);
	init_chip(pic, 0x20, 0x30, icw4);
	init_chip(pic, 0xa0, 0x38, icw4);
}

static void pulse(struct kl_pic *pic, unsigned int pin)
{
	kl_pic_set_line(pic, pin, 1);
	kl_pic_set_line(pic, pin, 0);
}

static u8 isr(struct kl_pic *pic, u16 port)
{
	kl_pic_write(pic, port, 0x0b);
	return kl_pic_read(pic, port);
}

static u8 irr(struct kl_pic *pic, u16 port)
{
	kl_pic_write(pic, port, 0x0a);
	return kl_pic_read(pic, port);
}

static void pic_edge(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	KUNIT_EXPECT_FALSE(test, pic.output);
	KUNIT_EXPECT_EQ(test, kl_pic_set_line(&pic, 0, 1), 1);
	KUNIT_EXPECT_TRUE(test, pic.output);
	/* The line stays up: not another interrupt. */
	KUNIT_EXPECT_EQ(test, kl_pic_set_line(&pic, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x30);
	KUNIT_EXPECT_FALSE(test, pic.output);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0x01);
	KUNIT_EXPECT_EQ(test, pic.eoi, 0);
	kl_pic_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0);
	KUNIT_EXPECT_EQ(test, pic.eoi, 0x0001);
	KUNIT_EXPECT_FALSE(test, pic.output);
	/* A new edge is one; its latch survives the line going down. */
	kl_pic_set_line(&pic, 0, 0);
	pulse(&pic, 0);
	KUNIT_EXPECT_EQ(test, irr(&pic, 0x20), 0x01);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x30);
}

static void pic_level(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	kl_pic_write(&pic, 0x4d0, 0xff);
	KUNIT_EXPECT_EQ(test, kl_pic_read(&pic, 0x4d0), 0xf8);
	kl_pic_write(&pic, 0x4d1, 0xff);
	KUNIT_EXPECT_EQ(test, kl_pic_read(&pic, 0x4d1), 0xde);

	kl_pic_set_line(&pic, 5, 1);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x35);
	kl_pic_write(&pic, 0x20, 0x20);
	/* Still asserted: again. */
	KUNIT_EXPECT_TRUE(test, pic.output);
	kl_pic_set_line(&pic, 5, 0);
	KUNIT_EXPECT_FALSE(test, pic.output);
}

static void pic_priorities(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	pulse(&pic, 5);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x35);
	pulse(&pic, 6);
	KUNIT_EXPECT_FALSE(test, pic.output);
	pulse(&pic, 1);
	KUNIT_EXPECT_TRUE(test, pic.output);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x31);
	/* Non-specific EOI ends the highest. */
	kl_pic_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0x20);
	/* Specific, and rotate: 5 is now the lowest. */
	kl_pic_write(&pic, 0x20, 0xe5);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0);
	pulse(&pic, 0);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x36);
	/* Set priority: 7 lowest again. */
	kl_pic_write(&pic, 0x20, 0x20);
	kl_pic_write(&pic, 0x20, 0xc7);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x30);
}

static void pic_mask(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	kl_pic_write(&pic, 0x21, 0x02);
	KUNIT_EXPECT_EQ(test, kl_pic_read(&pic, 0x21), 0x02);
	KUNIT_EXPECT_EQ(test, kl_pic_set_line(&pic, 1, 1), -1);
	KUNIT_EXPECT_FALSE(test, pic.output);
	kl_pic_write(&pic, 0x21, 0);
	KUNIT_EXPECT_TRUE(test, pic.output);

	/* Special mask mode: a masked one in service holds nobody up. */
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x31);
	pulse(&pic, 4);
	KUNIT_EXPECT_FALSE(test, pic.output);
	kl_pic_write(&pic, 0x20, 0x68);
	kl_pic_write(&pic, 0x21, 0x02);
	KUNIT_EXPECT_TRUE(test, pic.output);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x34);
}

static void pic_slave(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	pulse(&pic, 12);
	KUNIT_EXPECT_TRUE(test, pic.output);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x3c);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0x04);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0xa0), 0x10);
	/* Higher within the slave, but the master's cascade is busy. */
	pulse(&pic, 8);
	KUNIT_EXPECT_FALSE(test, pic.output);
	kl_pic_write(&pic, 0xa0, 0x20);
	KUNIT_EXPECT_EQ(test, pic.eoi, 0x1000);
	kl_pic_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_TRUE(test, pic.output);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x38);

	/* Special fully nested: it may interrupt itself. */
	init_pair(&pic, 0x11);
	pulse(&pic, 12);
	kl_pic_ack(&pic);
	pulse(&pic, 8);
	KUNIT_EXPECT_TRUE(test, pic.output);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x38);
}

static void pic_auto_eoi(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 3);
	pulse(&pic, 3);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x33);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0);
	KUNIT_EXPECT_EQ(test, pic.eoi, 0x0008);
	/* With rotation the one just served is the lowest. */
	kl_pic_write(&pic, 0x20, 0x80);
	pulse(&pic, 3);
	kl_pic_ack(&pic);
	pulse(&pic, 3);
	pulse(&pic, 4);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x34);
}

static void pic_spurious(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x37);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0);
	KUNIT_EXPECT_EQ(test, pic.eoi, 0);
}

static void pic_poll_mode(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	pulse(&pic, 4);
	kl_pic_write(&pic, 0x20, 0x0c);
	KUNIT_EXPECT_EQ(test, kl_pic_read(&pic, 0x20), 0x84);
	KUNIT_EXPECT_EQ(test, isr(&pic, 0x20), 0x10);
	KUNIT_EXPECT_FALSE(test, pic.output);
	kl_pic_write(&pic, 0x20, 0x0c);
	KUNIT_EXPECT_EQ(test, kl_pic_read(&pic, 0x20) & 0x80, 0);
}

/* ICW1 forgets edges and what is in service, and says so. */
static void pic_reinit(struct kunit *test)
{
	struct kl_pic pic;

	init_pair(&pic, 1);
	kl_pic_write(&pic, 0x4d0, 0x20);
	pulse(&pic, 0);
	kl_pic_ack(&pic);
	pulse(&pic, 1);
	kl_pic_set_line(&pic, 5, 1);
	kl_pic_write(&pic, 0x20, 0x11);
	KUNIT_EXPECT_EQ(test, pic.eoi, 0x0003);
	kl_pic_write(&pic, 0x21, 0x50);
	kl_pic_write(&pic, 0x21, 4);
	kl_pic_write(&pic, 0x21, 1);
	KUNIT_EXPECT_EQ(test, irr(&pic, 0x20), 0x20);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&pic), 0x55);
}

static void pic_state(struct kunit *test)
{
	struct kvm_pic_state bad;
	struct kl_pic pic, copy;

	init_pair(&pic, 1);
	pulse(&pic, 1);
	kl_pic_init(&copy);
	kl_pic_set_state(&copy, 0, &pic.chip[0]);
	kl_pic_set_state(&copy, 1, &pic.chip[1]);
	KUNIT_EXPECT_TRUE(test, copy.output);
	KUNIT_EXPECT_EQ(test, kl_pic_ack(&copy), 0x31);

	memset(&bad, 0xff, sizeof(bad));
	kl_pic_set_state(&copy, 0, &bad);
	KUNIT_EXPECT_EQ(test, copy.chip[0].priority_add, 7);
	KUNIT_EXPECT_EQ(test, copy.chip[0].elcr, 0xf8);
	KUNIT_EXPECT_EQ(test, copy.chip[0].irq_base, 0xf8);
}

static struct kunit_case pic_cases[] = {
	KUNIT_CASE(pic_edge),
	KUNIT_CASE(pic_level),
	KUNIT_CASE(pic_priorities),
	KUNIT_CASE(pic_mask),
	KUNIT_CASE(pic_slave),
	KUNIT_CASE(pic_auto_eoi),
	KUNIT_CASE(pic_spurious),
	KUNIT_CASE(pic_poll_mode),
	KUNIT_CASE(pic_reinit),
	KUNIT_CASE(pic_state),
	{ }
};

static struct kunit_suite pic_suite = {
	.name = "kvmlite_pic",
	.test_cases = pic_cases,
};

kunit_test_suite(pic_suite);
