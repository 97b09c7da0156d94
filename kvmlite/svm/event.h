/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_SVM_EVENT_H
#define KVMLITE_SVM_EVENT_H

#include <asm/svm.h>

#include "../pure.h"

/* What becomes of an event whose delivery an exit interrupted. */
enum kl_requeue {
	KL_REQUEUE_NONE,	/* the instruction that raised it runs again */
	KL_REQUEUE_IRQ,
	KL_REQUEUE_NMI,
	KL_REQUEUE_EXCEPTION,
};

/* EVENTINJ for an exception. */
static inline u32 kl_svm_exception_info(u8 vector, bool has_error)
{
	return SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_EXEPT | vector |
	       (has_error ? SVM_EVTINJ_VALID_ERR : 0);
}

/**
 * kl_svm_requeue_kind - must an interrupted event be injected again?
 * @info: EXITINTINFO, with the valid bit set
 * @soft_ours: a #BP or #OF among the last injected: no instruction raised it
 *
 * INT n, INT3 and INTO leave RIP at themselves until they are through, so they
 * repeat by themselves (APM 15.20: the CPU would push RIP unchanged, which is
 * wrong for them).
 */
static inline enum kl_requeue kl_svm_requeue_kind(u32 info, bool soft_ours)
{
	u8 vector = info & SVM_EXITINTINFO_VEC_MASK;

	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_INTR:
		return KL_REQUEUE_IRQ;
	case SVM_EXITINTINFO_TYPE_NMI:
		return KL_REQUEUE_NMI;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		if ((vector == 3 || vector == 4) && !soft_ours)
			return KL_REQUEUE_NONE;
		return KL_REQUEUE_EXCEPTION;
	default:
		return KL_REQUEUE_NONE;
	}
}

#endif
