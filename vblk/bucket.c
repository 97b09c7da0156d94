// SPDX-License-Identifier: GPL-2.0
/* Rate limits with a burst, as arithmetic on the time. Pure. */

#include "bucket.h"

#define NS_PER_SECOND 1000000000ULL

/* No limit that anybody waits out; two of them still fit into 64 bits. */
#define FOREVER BIT_ULL(62)

/*
 * The time that units take at the rate. Seconds and the rest apart: the product
 * of the whole has more than 64 bits, and the division must not overflow.
 */
static u64 cost(const struct vb_bucket *b, u64 units)
{
	u64 seconds = div64_u64(units, b->rate);

	if (seconds >= FOREVER / NS_PER_SECOND)
		return FOREVER;
	return seconds * NS_PER_SECOND +
	       mul_u64_u64_div_u64(units - seconds * b->rate, NS_PER_SECOND, b->rate);
}

/**
 * vb_bucket_set() - change a limit; the bucket is full afterwards
 * @b: the bucket
 * @rate: units per second; 0: no limit
 * @burst: units
 * @now: ns
 */
void vb_bucket_set(struct vb_bucket *b, u64 rate, u64 burst, u64 now)
{
	b->rate = rate;
	b->burst = burst;
	b->paid = now;
}

/**
 * vb_bucket_wait() - when could something go?
 * @b: the bucket
 * @units: what it costs; more than the burst count as the burst, so that the
 *	bucket need only be full for what never fits
 * @now: ns
 *
 * Return: ns from @now; 0: it may go now.
 */
u64 vb_bucket_wait(const struct vb_bucket *b, u64 units, u64 now)
{
	u64 slack, ready;

	if (!b->rate)
		return 0;
	slack = cost(b, b->burst - min(units, b->burst));
	if (b->paid <= now || b->paid - now <= slack)
		return 0;
	ready = b->paid - slack;
	return ready - now;
}

/**
 * vb_bucket_take() - something goes
 * @b: the bucket
 * @units: what it costs
 * @now: ns
 */
void vb_bucket_take(struct vb_bucket *b, u64 units, u64 now)
{
	if (!b->rate)
		return;
	b->paid = max(b->paid, now) + cost(b, units);
}
