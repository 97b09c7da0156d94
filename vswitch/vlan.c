// SPDX-License-Identifier: GPL-2.0
/*
 * VLAN decisions. No mode at all (NULL) is VSWITCH_VLAN_TRANSPARENT on a switch
 * that has other ports with one: a trunk of everything.
 */

#include <linux/errno.h>

#include <virtlite/vswitch.h>

#include "vlan.h"

/**
 * vsw_vlan_check() - may a port be given this mode?
 * @mode: VSWITCH_VLAN_*
 * @vid: see struct vswitch_vlan
 * @tpid: likewise
 * @allowed: likewise, 64 words
 *
 * Return: 0, -EOPNOTSUPP for an unknown mode or tag, -ERANGE for a VLAN that
 * does not exist, -EINVAL for something that this mode has no use for.
 */
int vsw_vlan_check(u32 mode, u16 vid, u16 tpid, const u64 *allowed)
{
	u64 any = 0;
	int i;

	for (i = 0; i < 64; i++)
		any |= allowed[i];

	switch (mode) {
	case VSWITCH_VLAN_TRANSPARENT:
		return vid || tpid || any ? -EINVAL : 0;
	case VSWITCH_VLAN_ACCESS:
	case VSWITCH_VLAN_TUNNEL:
		if (tpid || any)
			return -EINVAL;
		return vid >= 1 && vid <= 4094 ? 0 : -ERANGE;
	case VSWITCH_VLAN_TRUNK:
		if (tpid && tpid != VSW_TPID_C && tpid != VSW_TPID_S)
			return -EOPNOTSUPP;
		if (vid > 4094 || allowed[0] & 1 || allowed[63] >> 63)
			return -ERANGE;
		return 0;
	}
	return -EOPNOTSUPP;
}

/**
 * vsw_vlan_in() - the VLAN of a frame that comes in
 * @vlan: the port's mode, or NULL
 * @tpid: EtherType of the frame's outermost tag, 0 if it has none
 * @tci: that tag
 * @pop: set if the tag has done its duty and is to be taken off
 *
 * Return: the VLAN, 0 for none, or VSW_VLAN_DENIED.
 */
int vsw_vlan_in(const struct vsw_vlan *vlan, u16 tpid, u16 tci, bool *pop)
{
	u16 vid = tci & VSW_VID_MASK;

	*pop = false;
	if (!vlan) {
		/* Other tags are payload here. 4095 is no VLAN. */
		if (tpid != VSW_TPID_C)
			return 0;
		*pop = true;
		return vid == 4095 ? VSW_VLAN_DENIED : vid;
	}

	switch (vlan->mode) {
	case VSWITCH_VLAN_ACCESS:
		if (tpid && vid)
			return VSW_VLAN_DENIED;
		*pop = tpid;
		return vlan->vid;
	case VSWITCH_VLAN_TUNNEL:
		return vlan->vid;
	case VSWITCH_VLAN_TRUNK:
		if (tpid == vlan->tpid) {
			*pop = true;
			if (vid)
				return vsw_vlan_has(vlan, vid) || vid == vlan->vid ?
					vid : VSW_VLAN_DENIED;
		}
		return vlan->vid ?: VSW_VLAN_DENIED;
	}
	return VSW_VLAN_DENIED;
}

/**
 * vsw_vlan_out() - how a frame leaves
 * @vlan: the port's mode, or NULL
 * @vid: the frame's VLAN, as vsw_vlan_in() said
 * @tpid: EtherType of the tag to put on
 *
 * Return: 1 with a tag, 0 without, or VSW_VLAN_DENIED.
 */
int vsw_vlan_out(const struct vsw_vlan *vlan, u16 vid, u16 *tpid)
{
	*tpid = VSW_TPID_C;
	if (!vlan)
		return vid ? 1 : 0;

	switch (vlan->mode) {
	case VSWITCH_VLAN_ACCESS:
	case VSWITCH_VLAN_TUNNEL:
		return vid == vlan->vid ? 0 : VSW_VLAN_DENIED;
	case VSWITCH_VLAN_TRUNK:
		*tpid = vlan->tpid;
		if (!vid)
			return VSW_VLAN_DENIED;
		if (vid == vlan->vid)
			return 0;
		return vsw_vlan_has(vlan, vid) ? 1 : VSW_VLAN_DENIED;
	}
	return VSW_VLAN_DENIED;
}
