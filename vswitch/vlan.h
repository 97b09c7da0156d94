/* SPDX-License-Identifier: GPL-2.0 */
/* What a port's VLAN mode makes of a frame: decisions alone. */
#ifndef VSWITCH_VLAN_H
#define VSWITCH_VLAN_H

#include <linux/types.h>

#define VSW_VID_MASK 0x0fff
#define VSW_TPID_C 0x8100
#define VSW_TPID_S 0x88a8
#define VSW_VLAN_DENIED (-1)

/**
 * struct vsw_vlan - a port's VLAN mode, once it is set
 * @mode: VSWITCH_VLAN_*
 * @vid: see struct vswitch_vlan
 * @tpid: EtherType of a trunk's tags
 * @allowed: bit map of VLANs
 */
struct vsw_vlan {
	u8 mode;
	u16 vid;
	u16 tpid;
	u64 allowed[64];
};

static inline bool vsw_vlan_has(const struct vsw_vlan *vlan, u16 vid)
{
	return vlan->allowed[vid / 64] >> (vid % 64) & 1;
}

int vsw_vlan_check(u32 mode, u16 vid, u16 tpid, const u64 *allowed);
int vsw_vlan_in(const struct vsw_vlan *vlan, u16 tpid, u16 tci, bool *pop);
int vsw_vlan_out(const struct vsw_vlan *vlan, u16 vid, u16 *tpid);

#endif /* VSWITCH_VLAN_H */
