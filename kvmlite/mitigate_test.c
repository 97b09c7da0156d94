// SPDX-License-Identifier: GPL-2.0
/* KUnit: what is done at the boundary for which CPU and which host. */

#include <kunit/test.h>

#include "mitigate.h"

#define B(name) KVMLITE_BUG_##name
#define M(name) KVMLITE_MITIGATION_##name
#define H(name) KL_HOST_##name

static const struct mitigate_case {
	const char *name;
	struct kl_host_report report;
	u64 actions, exposed;
} cases[] = {
	{ "sound CPU, VT-x", { .vmx = true } },
	{ "sound CPU, SVM", { } },
	{
		"mitigations=off",
		{ B(L1TF) | B(MDS) | B(TAA) | B(MMIO) | B(SPECTRE_V2) |
		  B(RETBLEED) | B(VMSCAPE), 0, KL_L1TF_OFF, true },
		0,
		B(L1TF) | B(MDS) | B(TAA) | B(MMIO) | B(SPECTRE_V2) |
		B(RETBLEED) | B(VMSCAPE),
	}, {
		"all of it, no SMT",
		{ B(L1TF) | B(MDS) | B(TAA) | B(MMIO) | B(SPECTRE_V2) |
		  B(RETBLEED) | B(VMSCAPE),
		  H(VERW) | H(IBPB) | H(RSB) | H(IBRS) | H(IBPB_USER),
		  KL_L1TF_COND, true },
		M(L1D_FLUSH) | M(VERW) | M(IBPB) | M(RSB_FILL) | M(SPEC_CTRL) |
		M(IBPB_USER),
		0,
	}, {
		"siblings share what is flushed",
		{ B(L1TF) | B(MDS) | B(MMIO) | B(RFDS),
		  H(VERW) | H(SMT), KL_L1TF_COND, true },
		M(L1D_FLUSH) | M(VERW), B(L1TF) | B(MDS) | B(MMIO),
	}, {
		"l1tf=full,force, with the command",
		{ B(L1TF), H(L1D_COMMAND), KL_L1TF_ALWAYS, true },
		M(L1D_FLUSH) | M(L1D_ALWAYS) | M(L1D_COMMAND), 0,
	}, {
		"an outer hypervisor flushes",
		{ B(L1TF), H(L1D_DONE) | H(L1D_COMMAND), KL_L1TF_ALWAYS, true },
		0, 0,
	}, {
		"no flush without the bug",
		{ 0, H(L1D_COMMAND), KL_L1TF_ALWAYS, true }, 0, 0,
	}, {
		"no flush on SVM, whatever is said",
		{ B(L1TF), H(L1D_COMMAND), KL_L1TF_ALWAYS, false }, 0, B(L1TF),
	}, {
		"stale device data only",
		{ B(MMIO), H(VERW_MMIO), KL_L1TF_OFF, true },
		M(VERW_MMIO), 0,
	}, {
		"VERW at each entry serves device data",
		{ B(MMIO) | B(MDS), H(VERW) | H(VERW_MMIO), KL_L1TF_OFF, true },
		M(VERW), 0,
	}, {
		"register files",
		{ B(RFDS), H(VERW) | H(SMT), KL_L1TF_OFF, true }, M(VERW), 0,
	}, {
		"VERW for user space says nothing about VMRUN",
		{ B(TSA), H(VERW), KL_L1TF_OFF, false }, 0, B(TSA),
	}, {
		"transient scheduler attacks",
		{ B(TSA), H(VERW) | H(VERW_VMRUN), KL_L1TF_OFF, false },
		M(VERW), 0,
	}, {
		"enhanced IBRS: one return is enough",
		{ B(SPECTRE_V2) | B(RETBLEED) | B(PBRSB) | B(BHI),
		  H(IBPB) | H(EIBRS) | H(RSB_ONE) | H(BHB_LOOP),
		  KL_L1TF_OFF, true },
		M(IBPB) | M(RSB_ONE) | M(BHB_CLEAR), 0,
	}, {
		"the whole buffer holds the one",
		{ B(PBRSB), H(RSB) | H(RSB_ONE), KL_L1TF_OFF, true },
		M(RSB_FILL), 0,
	}, {
		"BHI_DIS_S needs no loop",
		{ B(BHI), H(BHI_DIS), KL_L1TF_OFF, true }, 0, 0,
	}, {
		"BHI, nothing done",
		{ B(BHI) | B(PBRSB), 0, KL_L1TF_OFF, true }, 0,
		B(BHI) | B(PBRSB),
	}, {
		"call-depth tracking",
		{ B(RETBLEED), H(CALL_DEPTH), KL_L1TF_OFF, true }, 0, 0,
	}, {
		"Zen 2: returns untrained",
		{ B(RETBLEED) | B(SPECTRE_V2), H(UNTRAIN) | H(RSB) | H(IBPB),
		  KL_L1TF_OFF, false },
		M(UNTRAIN) | M(RSB_FILL) | M(IBPB), 0,
	}, {
		"untrained for RETBleed is not for SRSO",
		{ B(RETBLEED) | B(SRSO), H(UNTRAIN), KL_L1TF_OFF, false },
		M(UNTRAIN), B(SRSO),
	}, {
		"safe returns",
		{ B(SRSO), H(SRSO), KL_L1TF_OFF, false }, M(UNTRAIN), 0,
	}, {
		"a barrier at each exit covers all branches",
		{ B(RETBLEED) | B(SRSO) | B(VMSCAPE), H(IBPB_EXIT),
		  KL_L1TF_OFF, false },
		M(IBPB_EXIT), 0,
	}, {
		"untraining is SVM's, IBRS and the loop VT-x's",
		{ 0, H(UNTRAIN) | H(SRSO) | H(IBPB_EXIT), KL_L1TF_OFF, true },
		0, 0,
	}, {
		"… and the other way round",
		{ 0, H(IBRS) | H(BHB_LOOP) | H(RSB_ONE) | H(VERW_MMIO),
		  KL_L1TF_OFF, false },
		0, 0,
	}, {
		"VMSCAPE on either",
		{ B(VMSCAPE), H(IBPB_USER), KL_L1TF_OFF, false },
		M(IBPB_USER), 0,
	},
};

static void table(struct kunit *test)
{
	unsigned int i;
	u64 actions;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		actions = kl_mitigate(&cases[i].report);
		KUNIT_EXPECT_EQ_MSG(test, actions, cases[i].actions, "%s",
				    cases[i].name);
		KUNIT_EXPECT_EQ_MSG(test, kl_exposed(&cases[i].report, actions),
				    cases[i].exposed, "%s", cases[i].name);
	}
}

/* Whatever the host reports: only bugs of its CPU, and more help never hurts. */
static void monotonous(struct kunit *test)
{
	struct kl_host_report r = { .bugs = KVMLITE_BUG_ALL };
	unsigned int i, invented = 0, worse = 0;
	u64 exposed, more;

	for (i = 0; i < 1u << 18; i += 61) {
		r.does = i;
		r.vmx = i & 1 ? true : i >> 17;
		r.l1tf = i % 3;
		exposed = kl_exposed(&r, kl_mitigate(&r));
		invented += !!(exposed & ~r.bugs);
		r.does |= 1u << (i % 17);	/* anything but siblings */
		more = kl_exposed(&r, kl_mitigate(&r));
		worse += !!(more & ~exposed);
	}
	KUNIT_EXPECT_EQ(test, invented, 0u);
	KUNIT_EXPECT_EQ(test, worse, 0u);
}

static struct kunit_case mitigate_cases[] = {
	KUNIT_CASE(table),
	KUNIT_CASE(monotonous),
	{}
};

static struct kunit_suite mitigate_suite = {
	.name = "kvmlite_mitigate",
	.test_cases = mitigate_cases,
};

kunit_test_suite(mitigate_suite);
