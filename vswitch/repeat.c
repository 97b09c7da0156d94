// SPDX-License-Identifier: GPL-2.0
/* Has this very frame come in by this port too often? See repeat.h. */

#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/skbuff.h>

#include "event.h"
#include "param.h"
#include "port.h"
#include "repeat.h"
#include "switch.h"

/* Headers and the first of what they carry; and the end, where counters may be. */
#define VSW_REPEAT_HEAD 128
#define VSW_REPEAT_TAIL 32

/**
 * vsw_repeat_note() - count a frame
 * @slot: what the slot holds
 * @hash: of the frame
 * @second: now
 * @leak: how many are forgotten with each second
 *
 * Another frame begins anew.
 *
 * Return: what it holds then.
 */
u64 vsw_repeat_note(u64 slot, u32 hash, u16 second, u32 leak)
{
	u64 now = (u64)hash << 32 | (u64)second << 16;
	u64 gone = (u64)(u16)(second - (u16)(slot >> 16)) * leak;
	u32 count = vsw_repeat_count(slot);

	if (slot >> 32 != hash || gone > count)
		return now | 1;
	count -= gone;
	return now | (count == 0xffff ? count : count + 1);
}

void vsw_repeat_init(struct vsw_repeat *r)
{
	r->limit = VSW_REPEAT_LIMIT_DEFAULT;
	r->seed = get_random_u32();
}

static u32 vsw_repeat_part(const struct sk_buff *skb, u32 from, u32 len, u32 seed)
{
	u8 room[VSW_REPEAT_HEAD];
	const u8 *p = skb_header_pointer(skb, from, len, room);

	return p ? jhash(p, len, seed) : seed;
}

static u32 vsw_repeat_hash(const struct vsw_port *in, const struct sk_buff *skb, u16 vid)
{
	u32 seed = in->sw->repeat.seed ^ ((u32)in->id << 16 | vid);
	u32 head = min_t(u32, skb->len, VSW_REPEAT_HEAD);
	u32 tail = min_t(u32, skb->len - head, VSW_REPEAT_TAIL);

	seed = vsw_repeat_part(skb, 0, head, seed ^ skb->len);
	return tail ? vsw_repeat_part(skb, skb->len - tail, tail, seed) : seed;
}

/**
 * vsw_repeated() - is this a frame that goes round?
 * @in: an uplink, where it has come in
 * @skb: the frame
 * @vid: its VLAN
 * @transit: it goes to another uplink whose address is known, and may be one of
 *	many that are alike
 *
 * Context: bottom halves off, RCU read lock.
 * Return: whether it has come more often than the limit allows.
 */
bool vsw_repeated(struct vsw_port *in, const struct sk_buff *skb, u16 vid, bool transit)
{
	struct vsw_repeat *r = &in->sw->repeat;
	u32 limit = READ_ONCE(r->limit), leak, count;
	u64 *slot, now;
	u32 hash;

	if (!limit)
		return false;
	leak = limit;
	if (transit) {
		leak *= VSW_REPEAT_TRANSIT_RATE;
		limit = min(limit * VSW_REPEAT_TRANSIT_BURST, 0xfffeU);
	}
	hash = vsw_repeat_hash(in, skb, vid);
	slot = &r->slot[hash % VSW_REPEAT_SLOTS];
	now = vsw_repeat_note(READ_ONCE(*slot), hash, jiffies / HZ, leak);
	WRITE_ONCE(*slot, now);
	count = vsw_repeat_count(now);
	if (likely(count <= limit))
		return false;
	if (count == limit + 1)
		vsw_event(in->sw, VSWITCH_EVENT_LIMIT, in,
			  vsw_fdb_key(eth_hdr(skb)->h_source, vid), 0);
	return true;
}
