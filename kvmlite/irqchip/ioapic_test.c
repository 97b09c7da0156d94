// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the I/O APIC.
 */

#include <kunit/test.h>

#include "ioapic.h"

struct sink {
	unsigned int count;
	u64 last;
	int answer;
};

static int sink_deliver(void *ctx, u64 rte)
{
	struct sink *sink = ctx;

	sink->count++;
	sink->last = rte;
	return sink->answer;
}

static u32 read_reg(struct kl_ioapic *io, u8 reg)
{
	kl_ioapic_write(io, 0x00, reg);
	return kl_ioapic_read(io, 0x10);
}

static u32 write_reg(struct kl_ioapic *io, u8 reg, u32 val)
{
	kl_ioapic_write(io, 0x00, reg);
	return kl_ioapic_write(io, 0x10, val);
}

static u32 set_rte(struct kl_ioapic *io, unsigned int pin, u64 rte)
{
	write_reg(io, 0x11 + 2 * pin, rte >> 32);
	return write_reg(io, 0x10 + 2 * pin, rte);
}

static void setup(struct kl_ioapic *io, struct sink *sink)
{
	memset(sink, 0, sizeof(*sink));
	sink->answer = 1;
	kl_ioapic_init(io, sink_deliver, sink);
}

static void ioapic_registers(struct kunit *test)
{
	struct kl_ioapic io;
	struct sink sink;

	setup(&io, &sink);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 1), 0x00170011u);
	write_reg(&io, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 0), 0x0f000000u);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 0x10), 0x00010000u);
	/* Read-only bits stay as they are. */
	set_rte(&io, 3, ~0ull);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 0x16) & 0x5000, 0u);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 0x17), 0xffffffffu);
	/* Beyond the table. */
	KUNIT_EXPECT_EQ(test, write_reg(&io, 0x40, 0), 0u);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 0x40), 0xffffffffu);
	KUNIT_EXPECT_EQ(test, read_reg(&io, 0x05), 0u);
	KUNIT_EXPECT_EQ(test, sink.count, 0u);
}

static void ioapic_edge(struct kunit *test)
{
	struct kl_ioapic io;
	struct sink sink;

	setup(&io, &sink);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 4, 1), -1);
	kl_ioapic_set_line(&io, 4, 0);
	KUNIT_EXPECT_EQ(test, set_rte(&io, 4, 0x0100000000000044ull), BIT(4));
	KUNIT_EXPECT_EQ(test, sink.count, 0u);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 4, 1), 1);
	KUNIT_EXPECT_EQ(test, sink.count, 1u);
	KUNIT_EXPECT_EQ(test, KL_RTE_VECTOR(sink.last), 0x44);
	KUNIT_EXPECT_EQ(test, KL_RTE_DEST(sink.last), 1);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, sink.count, 1u);
	kl_ioapic_set_line(&io, 4, 0);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 4, 1), 1);
	KUNIT_EXPECT_EQ(test, sink.count, 2u);
	/* An EOI is nothing to an edge. */
	KUNIT_EXPECT_EQ(test, kl_ioapic_eoi_pins(&io, 0x44, false), BIT(4));
	KUNIT_EXPECT_EQ(test, kl_ioapic_eoi_pins(&io, 0x44, true), 0u);
	kl_ioapic_end(&io, 4);
	KUNIT_EXPECT_EQ(test, sink.count, 2u);
}

static void ioapic_level(struct kunit *test)
{
	struct kl_ioapic io;
	struct sink sink;

	setup(&io, &sink);
	set_rte(&io, 9, 0x8049);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 9, 1), 1);
	KUNIT_EXPECT_TRUE(test, io.rte[9] & KL_RTE_REMOTE_IRR);
	/* Remote IRR holds back the next. */
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 9, 1), -1);
	KUNIT_EXPECT_EQ(test, kl_ioapic_eoi_pins(&io, 0x49, true), BIT(9));
	kl_ioapic_end(&io, 9);
	KUNIT_EXPECT_EQ(test, sink.count, 2u);
	kl_ioapic_set_line(&io, 9, 0);
	kl_ioapic_end(&io, 9);
	KUNIT_EXPECT_EQ(test, sink.count, 2u);
	KUNIT_EXPECT_FALSE(test, io.rte[9] & KL_RTE_REMOTE_IRR);

	/* Asserted while masked: sent on unmasking. */
	set_rte(&io, 9, 0x18049);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 9, 1), -1);
	KUNIT_EXPECT_EQ(test, set_rte(&io, 9, 0x8049), BIT(9));
	KUNIT_EXPECT_EQ(test, sink.count, 3u);
	/* The way out without an EOI register: edge and back. */
	kl_ioapic_set_line(&io, 9, 0);
	set_rte(&io, 9, 0x10049);
	KUNIT_EXPECT_FALSE(test, io.rte[9] & KL_RTE_REMOTE_IRR);
}

/* A guest that acknowledges and leaves the line up does not get it for ever. */
static void ioapic_storm(struct kunit *test)
{
	struct kl_ioapic io;
	unsigned int i;
	struct sink sink;

	setup(&io, &sink);
	set_rte(&io, 9, 0x8049);
	kl_ioapic_set_line(&io, 9, 1);
	for (i = 1; i < KL_IOAPIC_STORM; i++)
		KUNIT_ASSERT_FALSE(test, kl_ioapic_end(&io, 9));
	KUNIT_EXPECT_EQ(test, sink.count, (unsigned int)KL_IOAPIC_STORM);
	/* Held back, and not lost. */
	KUNIT_EXPECT_TRUE(test, kl_ioapic_end(&io, 9));
	KUNIT_EXPECT_EQ(test, sink.count, (unsigned int)KL_IOAPIC_STORM);
	KUNIT_EXPECT_FALSE(test, io.rte[9] & KL_RTE_REMOTE_IRR);
	kl_ioapic_resend(&io);
	KUNIT_EXPECT_EQ(test, sink.count, KL_IOAPIC_STORM + 1u);
	/* It is on its way: not twice. */
	kl_ioapic_resend(&io);
	KUNIT_EXPECT_EQ(test, sink.count, KL_IOAPIC_STORM + 1u);
	/* The count begins again, also where the device has been heard. */
	for (i = 2; i < KL_IOAPIC_STORM; i++)
		KUNIT_ASSERT_FALSE(test, kl_ioapic_end(&io, 9));
	kl_ioapic_set_line(&io, 9, 0);
	KUNIT_EXPECT_FALSE(test, kl_ioapic_end(&io, 9));
	kl_ioapic_set_line(&io, 9, 1);
	KUNIT_EXPECT_FALSE(test, kl_ioapic_end(&io, 9));
	kl_ioapic_set_line(&io, 9, 0);
	sink.count = 0;
	kl_ioapic_resend(&io);
	KUNIT_EXPECT_EQ(test, sink.count, 0u);
}

static void ioapic_undelivered(struct kunit *test)
{
	struct kl_ioapic io;
	struct sink sink;

	setup(&io, &sink);
	sink.answer = -1;
	set_rte(&io, 9, 0x8049);
	KUNIT_EXPECT_EQ(test, kl_ioapic_set_line(&io, 9, 1), -1);
	/* Nobody will send an EOI for it. */
	KUNIT_EXPECT_FALSE(test, io.rte[9] & KL_RTE_REMOTE_IRR);
}

static void ioapic_state(struct kunit *test)
{
	struct kvm_ioapic_state state;
	struct kl_ioapic io, copy;
	struct sink sink;

	setup(&io, &sink);
	set_rte(&io, 4, 0x44);
	set_rte(&io, 9, 0x8049);
	set_rte(&io, 10, 0x1804a);
	kl_ioapic_set_line(&io, 4, 1);
	kl_ioapic_set_line(&io, 10, 1);
	kl_ioapic_get_state(&io, &state);
	/* The edge has been sent; the masked level waits. */
	KUNIT_EXPECT_EQ(test, state.irr, BIT(10));
	KUNIT_EXPECT_EQ(test, state.base_address, KL_IOAPIC_BASE);

	setup(&copy, &sink);
	kl_ioapic_set_state(&copy, &state);
	KUNIT_EXPECT_EQ(test, sink.count, 0u);
	KUNIT_EXPECT_EQ(test, copy.rte[9], 0x8049ull);
	set_rte(&copy, 10, 0x804a);
	KUNIT_EXPECT_EQ(test, sink.count, 1u);
}

static struct kunit_case ioapic_cases[] = {
	KUNIT_CASE(ioapic_registers),
	KUNIT_CASE(ioapic_edge),
	KUNIT_CASE(ioapic_level),
	KUNIT_CASE(ioapic_storm),
	KUNIT_CASE(ioapic_undelivered),
	KUNIT_CASE(ioapic_state),
	{ }
};

static struct kunit_suite ioapic_suite = {
	.name = "kvmlite_ioapic",
	.test_cases = ioapic_cases,
};

kunit_test_suite(ioapic_suite);
