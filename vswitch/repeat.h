/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames that come in by the same port again and again: what goes round a loop.
 *
 * A frame that somebody outside has put into a loop comes back at each turn by
 * the same port with the same source, so no address seems to move. What gives
 * it away is that it is the same frame, many times a second.
 */
#ifndef VSWITCH_REPEAT_H
#define VSWITCH_REPEAT_H

#include <linux/types.h>

struct vsw_port;
struct sk_buff;

#define VSW_REPEAT_SLOTS 512
/* Between two uplinks: how much more often in a second, and how many at once. */
#define VSW_REPEAT_TRANSIT_RATE 4
#define VSW_REPEAT_TRANSIT_BURST 64

/**
 * struct vsw_repeat - what has come in lately
 * @limit: how often the same frame may come in within a second; 0: no limit
 * @seed: of the hash, so that nobody can choose what collides
 * @slot: by hash: 32 bits of the hash, 16 of the second, 16 of a count. Written
 *	without a lock: a lost count is made good by the next turn
 */
struct vsw_repeat {
	u32 limit;
	u32 seed;
	u64 slot[VSW_REPEAT_SLOTS];
};

u64 vsw_repeat_note(u64 slot, u32 hash, u16 second, u32 leak);

static inline u32 vsw_repeat_count(u64 slot)
{
	return slot & 0xffff;
}

void vsw_repeat_init(struct vsw_repeat *r);
bool vsw_repeated(struct vsw_port *in, const struct sk_buff *skb, u16 vid, bool transit);

#endif /* VSWITCH_REPEAT_H */
