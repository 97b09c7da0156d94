/* SPDX-License-Identifier: GPL-2.0 */
/* Token buckets, kept as debts of time: arithmetic alone. */
#ifndef VSWITCH_BUCKET_H
#define VSWITCH_BUCKET_H

#include <linux/types.h>

#define VSW_BUCKET_MAX 1000000000000ULL		/* units, and units per second */

/**
 * struct vsw_bucket - a token bucket
 * @rate: units per second; 0: no limit
 * @burst: units that may come at once
 * @depth: the time in which a burst's worth of tokens arrives, in 1/1024 ns
 * @debt: time until the bucket is full, likewise
 * @last: when @debt was true, ns
 *
 * Whoever uses one brings a lock.
 */
struct vsw_bucket {
	u64 rate;
	u64 burst;
	u64 depth;
	u64 debt;
	u64 last;
};

void vsw_bucket_init(struct vsw_bucket *b, u64 rate, u64 burst, u64 now);
bool vsw_bucket_take(struct vsw_bucket *b, u64 units, u64 now);

#endif /* VSWITCH_BUCKET_H */
