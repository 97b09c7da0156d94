/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_BUCKET_H
#define VB_BUCKET_H

#include "pure.h"

/**
 * struct vb_bucket - a rate limit
 * @rate: units per second, up to 2^40; 0: no limit
 * @burst: units that may go at once after a pause, up to 2^40
 * @paid: when all that went has been paid for at @rate, in ns
 *
 * A bucket of tokens, kept as the time at which it is full again. The caller
 * serializes.
 */
struct vb_bucket {
	u64 rate;
	u64 burst;
	u64 paid;
};

void vb_bucket_set(struct vb_bucket *b, u64 rate, u64 burst, u64 now);
u64 vb_bucket_wait(const struct vb_bucket *b, u64 units, u64 now);
void vb_bucket_take(struct vb_bucket *b, u64 units, u64 now);

#endif
