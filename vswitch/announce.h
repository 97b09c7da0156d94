/* SPDX-License-Identifier: GPL-2.0 */
/* Frames of the switch's own that tell others where an address is. */
#ifndef VSWITCH_ANNOUNCE_H
#define VSWITCH_ANNOUNCE_H

#include <linux/types.h>

struct sk_buff;
struct vsw_switch;

struct sk_buff *vsw_announce_skb(struct vsw_switch *sw, u16 family, const u8 *mac,
				 const u8 *address);

#endif /* VSWITCH_ANNOUNCE_H */
