// SPDX-License-Identifier: GPL-2.0
/*
 * A frame of n units costs the time in which n tokens arrive. Time is counted
 * in 1/1024 ns: at 10^12 units a second a frame still costs more than nothing,
 * and no sum comes near 64 bits.
 */

#include <linux/math64.h>
#include <linux/minmax.h>

#include "bucket.h"

#define TICKS_PER_NS 1024ULL
#define NS_PER_S 1000000000ULL
#define MAX_SECONDS 3600ULL

/* units / rate in ticks; the quotient is cut at an hour. */
static u64 vsw_bucket_time(u64 units, u64 rate)
{
	u64 seconds, rest;

	seconds = div64_u64_rem(units, rate, &rest);
	if (seconds >= MAX_SECONDS)
		return MAX_SECONDS * NS_PER_S * TICKS_PER_NS;
	/* rest < rate; both lose low bits until the product fits. */
	while (rest >> 23) {
		rest >>= 1;
		rate >>= 1;
	}
	return seconds * NS_PER_S * TICKS_PER_NS +
	       div64_u64(rest * NS_PER_S * TICKS_PER_NS, rate);
}

/**
 * vsw_bucket_init() - a full bucket
 * @b: the bucket
 * @rate: units per second, at most VSW_BUCKET_MAX; 0: no limit
 * @burst: units, at most VSW_BUCKET_MAX and not 0
 * @now: ns
 */
void vsw_bucket_init(struct vsw_bucket *b, u64 rate, u64 burst, u64 now)
{
	b->rate = rate;
	b->burst = burst;
	b->depth = rate ? max(vsw_bucket_time(burst, rate), 1ULL) : 0;
	b->debt = 0;
	b->last = now;
}

/**
 * vsw_bucket_take() - may so much pass now?
 * @b: the bucket
 * @units: how much
 * @now: ns, not before an earlier call's
 *
 * What is larger than the whole burst passes when the bucket is full, so that a
 * small burst slows large frames down rather than stops them.
 *
 * Return: whether it may; if so, it is paid for.
 */
bool vsw_bucket_take(struct vsw_bucket *b, u64 units, u64 now)
{
	u64 elapsed = now > b->last ? now - b->last : 0;
	u64 cost;

	if (!b->rate)
		return true;

	/* A full bucket gets no fuller; and so the product stays small. */
	if (elapsed > b->debt / TICKS_PER_NS)
		b->debt = 0;
	else
		b->debt -= elapsed * TICKS_PER_NS;
	if (now > b->last)
		b->last = now;

	cost = vsw_bucket_time(units, b->rate);
	if (b->debt && b->debt + cost > b->depth)
		return false;
	b->debt += cost;
	return true;
}
