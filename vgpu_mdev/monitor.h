/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_MONITOR_H
#define VG_MONITOR_H

#include "pure.h"

#define VG_EDID_BLOCK		128u
#define VG_EDID_MAX		512u	/* in BAR 2 there is room for twice as much */
#define VG_MONITOR_BLOB		512u	/* in the region: registers before, the EDID from here */
#define VG_MONITOR_REGION	(VG_MONITOR_BLOB + VG_EDID_MAX)

/**
 * struct vg_monitor - what is plugged into a display slice: its user's, not its guest's
 * @up: it is plugged in
 * @size: bytes of the EDID
 * @edid: zeroes behind them
 */
struct vg_monitor {
	bool up;
	u32 size;
	u8 edid[VG_EDID_MAX];
};

void vg_monitor_init(struct vg_monitor *m, u32 width, u32 height);
u8 vg_monitor_edid(const struct vg_monitor *m, u32 off);
bool vg_monitor_access(u32 off, u32 len);
void vg_monitor_read(const struct vg_monitor *m, u32 off, u8 *buf, u32 len);
bool vg_monitor_write(struct vg_monitor *m, u32 off, const u8 *buf, u32 len);

/* edid.c */
void vg_edid(u8 *edid, u32 width, u32 height);

#endif
