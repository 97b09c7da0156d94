// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what follows from a local APIC's registers.
 */

#include <kunit/test.h>
#include <asm/apicdef.h>

#include "lapic_regs.h"

static void lapic_highest(struct kunit *test)
{
	struct kl_lapic_regs r = { };

	KUNIT_EXPECT_EQ(test, kl_lapic_highest(r.irr), -1);
	__set_bit(0, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_highest(r.irr), 0);
	__set_bit(63, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_highest(r.irr), 63);
	__set_bit(64, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_highest(r.irr), 64);
	__set_bit(255, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_highest(r.irr), 255);
}

/* SDM vol. 3, "Task and Processor Priorities". */
static void lapic_priority(struct kunit *test)
{
	struct kl_lapic_regs r = { };

	KUNIT_EXPECT_EQ(test, kl_lapic_ppr(&r), 0);
	r.tpr = 0x45;
	KUNIT_EXPECT_EQ(test, kl_lapic_ppr(&r), 0x45);
	__set_bit(0x37, r.isr);
	KUNIT_EXPECT_EQ(test, kl_lapic_ppr(&r), 0x45);
	__set_bit(0x4f, r.isr);
	KUNIT_EXPECT_EQ(test, kl_lapic_ppr(&r), 0x45);
	__set_bit(0x51, r.isr);
	KUNIT_EXPECT_EQ(test, kl_lapic_ppr(&r), 0x50);

	/* The class counts: 0x5f does not interrupt 0x51. */
	__set_bit(0x5f, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_deliverable(&r, kl_lapic_ppr(&r)), -1);
	__set_bit(0x60, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_deliverable(&r, kl_lapic_ppr(&r)), 0x60);
	/* Vectors of class 0 never get in. */
	memset(&r, 0, sizeof(r));
	__set_bit(0x0f, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_deliverable(&r, 0), -1);
	__set_bit(0x10, r.irr);
	KUNIT_EXPECT_EQ(test, kl_lapic_deliverable(&r, 0), 0x10);
}

static void lapic_divisor(struct kunit *test)
{
	static const struct {
		u32 tdcr;
		unsigned int by;
	} t[] = {
		{ 0x0, 2 }, { 0x1, 4 }, { 0x2, 8 }, { 0x3, 16 },
		{ 0x8, 32 }, { 0x9, 64 }, { 0xa, 128 }, { 0xb, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		KUNIT_EXPECT_EQ(test, kl_lapic_divisor(t[i].tdcr), t[i].by);
}

static void lapic_physical(struct kunit *test)
{
	struct kl_lapic_regs r = { .id = 3 };

	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 3, 3, false));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 3, 4, false));
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 3, 0xff, false));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, true, 3, 0xff, false));
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, true, 3, ~0u, false));
	/* The guest gave itself another id: it answers to that one. */
	r.id = 9;
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 3, 9, false));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 3, 3, false));
	/* An id beyond eight bits, before x2APIC mode. */
	r.id = 300 & 0xff;
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 300, 300, false));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 300, 301, false));
}

static void lapic_logical(struct kunit *test)
{
	struct kl_lapic_regs r = { .dfr = ~0u, .ldr = 0x04000000 };

	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 2, 0x04, true));
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 2, 0x0c, true));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 2, 0x03, true));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 2, 0, true));
	/* Cluster 2, second of four. */
	r.dfr = 0x0fffffff;
	r.ldr = 0x22000000;
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 2, 0x22, true));
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 2, 0x2f, true));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 2, 0x12, true));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 2, 0x21, true));
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, false, 2, 0xff, true));
	/* A model that does not exist matches nothing. */
	r.dfr = 0x5fffffff;
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, false, 2, 0x22, true));

	r.ldr = kl_x2apic_ldr(0x25);
	KUNIT_EXPECT_EQ(test, r.ldr, 0x00020020u);
	KUNIT_EXPECT_TRUE(test, kl_lapic_match(&r, true, 0x25, 0x20020, true));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, true, 0x25, 0x30020, true));
	KUNIT_EXPECT_FALSE(test, kl_lapic_match(&r, true, 0x25, 0x20010, true));
}

static void lapic_readable(struct kunit *test)
{
	unsigned int x2 = 0, x1 = 0;
	u32 offset;

	for (offset = 0; offset <= 0x3f0; offset += 0x10) {
		x2 += kl_lapic_has_reg(offset, true, KL_LVT_CMCI);
		x1 += kl_lapic_has_reg(offset, false, KL_LVT_CMCI);
	}
	/* ID … SVR 6, vectors 24, ESR, ICR, LVT 6, TMICT TMCCT TDCR. */
	KUNIT_EXPECT_EQ(test, x2, 6u + 24 + 2 + 6 + 3);
	/* and ARBPRI, DFR, ICR2. */
	KUNIT_EXPECT_EQ(test, x1, x2 + 3);
	KUNIT_EXPECT_FALSE(test, kl_lapic_has_reg(APIC_EOI, true, KL_NR_LVT));
	KUNIT_EXPECT_FALSE(test, kl_lapic_has_reg(APIC_SELF_IPI, true,
						  KL_NR_LVT));
	KUNIT_EXPECT_FALSE(test, kl_lapic_has_reg(APIC_LVTCMCI, true,
						  KL_LVT_CMCI));
	KUNIT_EXPECT_TRUE(test, kl_lapic_has_reg(APIC_LVTCMCI, true,
						 KL_NR_LVT));
	KUNIT_EXPECT_EQ(test, kl_lapic_lvt_index(APIC_LVTT), KL_LVT_TIMER);
	KUNIT_EXPECT_EQ(test, kl_lapic_lvt_index(APIC_LVTERR), KL_LVT_ERROR);
	KUNIT_EXPECT_EQ(test, kl_lapic_lvt_index(APIC_LVTCMCI), KL_LVT_CMCI);
	KUNIT_EXPECT_EQ(test, kl_lapic_lvt_index(APIC_TMICT), -1);
	KUNIT_EXPECT_EQ(test, kl_lapic_lvt_index(APIC_ICR2), -1);
}

/* Saved and restored, every register is what it was. */
static void lapic_page(struct kunit *test)
{
	struct kl_lapic_regs *a, *b;
	struct kvm_lapic_state *page, *again;
	unsigned int i;

	a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	page = kunit_kzalloc(test, sizeof(*page), GFP_KERNEL);
	again = kunit_kzalloc(test, sizeof(*again), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, a && b && page && again);

	a->tpr = 0x20;
	a->dfr = 0x0fffffff;
	a->svr = 0x1ff;
	a->icr = 0x000c4040;
	a->icr2 = 0x03000000;
	a->tmict = 12345;
	a->tdcr = 0xb;
	for (i = 0; i < KL_NR_LVT; i++)
		a->lvt[i] = KL_LVT_MASKED | (0x40 + i);
	for (i = 16; i < 256; i += 7) {
		__set_bit(i, a->irr);
		__set_bit((i + 3) & 255, a->isr);
		__set_bit((i + 5) & 255, a->tmr);
	}
	kl_lapic_regs_to_page(a, 0x03000000, 77, page);
	KUNIT_EXPECT_EQ(test, kl_lapic_page_read(page, APIC_ID), 0x03000000u);
	KUNIT_EXPECT_EQ(test, kl_lapic_page_read(page, APIC_TMCCT), 77u);
	KUNIT_EXPECT_EQ(test, kl_lapic_page_read(page, APIC_LVT0),
			(u32)(KL_LVT_MASKED | 0x43));
	KUNIT_EXPECT_EQ(test, !!(kl_lapic_page_read(page, APIC_IRR) & BIT(16)), 1);

	kl_lapic_regs_from_page(b, page);
	kl_lapic_regs_to_page(b, 0x03000000, 77, again);
	KUNIT_EXPECT_EQ(test, memcmp(page, again, sizeof(*page)), 0);
}

static struct kunit_case lapic_cases[] = {
	KUNIT_CASE(lapic_highest),
	KUNIT_CASE(lapic_priority),
	KUNIT_CASE(lapic_divisor),
	KUNIT_CASE(lapic_physical),
	KUNIT_CASE(lapic_logical),
	KUNIT_CASE(lapic_readable),
	KUNIT_CASE(lapic_page),
	{ }
};

static struct kunit_suite lapic_suite = {
	.name = "kvmlite_lapic",
	.test_cases = lapic_cases,
};

kunit_test_suite(lapic_suite);
