// SPDX-License-Identifier: GPL-2.0
/*
 * Mitigations at the boundary: the decision. host.c reads the report and does
 * what is decided here, enter.S of either vendor what must be next to the entry
 * or the exit.
 */

#include "mitigate.h"

static u64 kl_mitigate_l1tf(const struct kl_host_report *r)
{
	u64 actions = KVMLITE_MITIGATION_L1D_FLUSH;

	/* SVM's CPUs do not have it. */
	if (!r->vmx || !(r->bugs & KVMLITE_BUG_L1TF) ||
	    (r->does & KL_HOST_L1D_DONE) || r->l1tf == KL_L1TF_OFF)
		return 0;
	if (r->l1tf == KL_L1TF_ALWAYS)
		actions |= KVMLITE_MITIGATION_L1D_ALWAYS;
	if (r->does & KL_HOST_L1D_COMMAND)
		actions |= KVMLITE_MITIGATION_L1D_COMMAND;
	return actions;
}

/* What either vendor's entry code does where the host does it. */
static const struct kl_boundary_action {
	u32 does;
	u64 action;
	bool vmx, svm;
} kl_actions[] = {
	{ KL_HOST_VERW,		KVMLITE_MITIGATION_VERW,	.vmx = true },
	{ KL_HOST_VERW_VMRUN,	KVMLITE_MITIGATION_VERW,	.svm = true },
	{ KL_HOST_VERW_MMIO,	KVMLITE_MITIGATION_VERW_MMIO,	.vmx = true },
	{ KL_HOST_IBPB,		KVMLITE_MITIGATION_IBPB,	true, true },
	{ KL_HOST_RSB,		KVMLITE_MITIGATION_RSB_FILL,	true, true },
	{ KL_HOST_RSB_ONE,	KVMLITE_MITIGATION_RSB_ONE,	.vmx = true },
	{ KL_HOST_IBRS,		KVMLITE_MITIGATION_SPEC_CTRL,	.vmx = true },
	{ KL_HOST_BHB_LOOP,	KVMLITE_MITIGATION_BHB_CLEAR,	.vmx = true },
	{ KL_HOST_IBPB_USER,	KVMLITE_MITIGATION_IBPB_USER,	true, true },
	{ KL_HOST_UNTRAIN,	KVMLITE_MITIGATION_UNTRAIN,	.svm = true },
	{ KL_HOST_SRSO,		KVMLITE_MITIGATION_UNTRAIN,	.svm = true },
	{ KL_HOST_IBPB_EXIT,	KVMLITE_MITIGATION_IBPB_EXIT,	.svm = true },
};

u64 kl_mitigate(const struct kl_host_report *r)
{
	u64 actions = kl_mitigate_l1tf(r);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kl_actions); i++) {
		const struct kl_boundary_action *a = &kl_actions[i];

		if ((r->does & a->does) && (r->vmx ? a->vmx : a->svm))
			actions |= a->action;
	}
	/* The whole buffer, and so the one entry as well. */
	if (actions & KVMLITE_MITIGATION_RSB_FILL)
		actions &= ~KVMLITE_MITIGATION_RSB_ONE;
	/* VERW before every entry serves those with device memory, too. */
	if (actions & KVMLITE_MITIGATION_VERW)
		actions &= ~KVMLITE_MITIGATION_VERW_MMIO;
	return actions;
}

/*
 * Any of @actions or of the host's own @does covers @bug; with @smt not while
 * another guest's code, or the host's, runs on the sibling.
 */
static const struct kl_cover {
	u64 bug;
	u64 actions;
	u32 does;
	bool smt;
} kl_covers[] = {
	{ KVMLITE_BUG_L1TF, KVMLITE_MITIGATION_L1D_FLUSH, KL_HOST_L1D_DONE, true },
	{ KVMLITE_BUG_MDS, KVMLITE_MITIGATION_VERW, .smt = true },
	{ KVMLITE_BUG_TAA, KVMLITE_MITIGATION_VERW, .smt = true },
	{ KVMLITE_BUG_MMIO, KVMLITE_MITIGATION_VERW |
			    KVMLITE_MITIGATION_VERW_MMIO, .smt = true },
	{ KVMLITE_BUG_RFDS, KVMLITE_MITIGATION_VERW },
	{ KVMLITE_BUG_TSA, KVMLITE_MITIGATION_VERW },
	{ KVMLITE_BUG_SPECTRE_V2, KVMLITE_MITIGATION_IBPB },
	{ KVMLITE_BUG_RETBLEED, KVMLITE_MITIGATION_SPEC_CTRL |
				KVMLITE_MITIGATION_UNTRAIN |
				KVMLITE_MITIGATION_IBPB_EXIT,
				KL_HOST_EIBRS | KL_HOST_CALL_DEPTH },
	{ KVMLITE_BUG_PBRSB, KVMLITE_MITIGATION_RSB_ONE |
			     KVMLITE_MITIGATION_RSB_FILL },
	{ KVMLITE_BUG_BHI, KVMLITE_MITIGATION_BHB_CLEAR, KL_HOST_BHI_DIS },
	{ KVMLITE_BUG_VMSCAPE, KVMLITE_MITIGATION_IBPB_USER |
			       KVMLITE_MITIGATION_IBPB_EXIT },
};

u64 kl_exposed(const struct kl_host_report *r, u64 actions)
{
	u64 exposed = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kl_covers); i++) {
		const struct kl_cover *c = &kl_covers[i];

		if (!(r->bugs & c->bug))
			continue;
		if (!(actions & c->actions) && !(r->does & c->does))
			exposed |= c->bug;
		if (c->smt && (r->does & KL_HOST_SMT))
			exposed |= c->bug;
	}
	/* Untraining for RETBleed alone leaves the aliases that SRSO uses. */
	if ((r->bugs & KVMLITE_BUG_SRSO) && !(r->does & KL_HOST_SRSO) &&
	    !(actions & KVMLITE_MITIGATION_IBPB_EXIT))
		exposed |= KVMLITE_BUG_SRSO;
	return exposed;
}
