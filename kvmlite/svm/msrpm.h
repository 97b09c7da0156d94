/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_SVM_MSRPM_H
#define KVMLITE_SVM_MSRPM_H

#include "../pure.h"

/*
 * The MSR permission map (APM 15.11): two bits an MSR, read then write, set to
 * intercept, for three ranges of 8192 MSRs in the first 6 KiB of two pages.
 */
#define KL_MSRPM_ORDER	1
#define KL_MSRPM_SIZE	8192

#define KL_MSRPM_RANGE	0x2000u

/* Number of the bit that intercepts reads of @msr, or -1: always intercepted. */
static inline int kl_msrpm_bit(u32 msr)
{
	u32 range;

	switch (msr & ~(KL_MSRPM_RANGE - 1)) {
	case 0:
		range = 0;
		break;
	case 0xc0000000:
		range = 1;
		break;
	case 0xc0010000:
		range = 2;
		break;
	default:
		return -1;
	}
	return (range * KL_MSRPM_RANGE + (msr & (KL_MSRPM_RANGE - 1))) * 2;
}

#endif
