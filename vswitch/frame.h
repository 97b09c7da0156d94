/* SPDX-License-Identifier: GPL-2.0 */
/* What can be told from a frame's first bytes: no skb here. */
#ifndef VSWITCH_FRAME_H
#define VSWITCH_FRAME_H

#include <linux/types.h>

#define VSW_FRAME_MAX 65550	/* an Ethernet header and 64 KiB, and a little */

enum vsw_cast {
	VSW_UNICAST,
	VSW_MULTICAST,
	VSW_BROADCAST,
	VSW_RESERVED,	/* 01-80-C2-00-00-00 to -0F: IEEE 802.1Q table 8-1 */
};

static inline enum vsw_cast vsw_frame_cast(const u8 *dst)
{
	if (!(dst[0] & 1))
		return VSW_UNICAST;
	if (dst[0] == 0x01) {
		if (dst[1] == 0x80 && dst[2] == 0xc2 && !dst[3] && !dst[4] && dst[5] < 16)
			return VSW_RESERVED;
		return VSW_MULTICAST;
	}
	if ((dst[0] & dst[1] & dst[2] & dst[3] & dst[4] & dst[5]) == 0xff)
		return VSW_BROADCAST;
	return VSW_MULTICAST;
}

/* One station's address, and not nobody's. */
static inline bool vsw_mac_ok(const u8 *mac)
{
	return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

int vsw_frame_tag(const u8 *frame, u32 len, u16 *tpid, u16 *tci);
bool vsw_may_talk(u8 role_a, u32 community_a, u8 role_b, u32 community_b);

/* For struct vswitch_announce: the longest is a neighbour advertisement. */
#define VSW_ANNOUNCE_MAX 86

int vsw_announce_frame(u8 *frame, u16 family, const u8 *mac, const u8 *address);

#endif /* VSWITCH_FRAME_H */
