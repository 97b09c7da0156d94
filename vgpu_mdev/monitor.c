// SPDX-License-Identifier: GPL-2.0
/*
 * The monitor of a display slice, as the VFIO region VFIO_REGION_SUBTYPE_GFX_EDID
 * shows it: struct vfio_region_gfx_edid, then the EDID. Pure.
 */

#include "monitor.h"

/* Registers, 32 bits each, in the order of struct vfio_region_gfx_edid. */
enum { OFFSET, MAX_SIZE, SIZE, MAX_X, MAX_Y, LINK, REGISTERS };

#define LINK_UP		1
#define LINK_DOWN	2
#define MAX_PIXELS	4088

/**
 * vg_monitor_init() - the monitor that a slice has if its user brings none
 * @m: monitor
 * @width: of the preferred mode
 * @height: likewise
 */
void vg_monitor_init(struct vg_monitor *m, u32 width, u32 height)
{
	memset(m, 0, sizeof(*m));
	vg_edid(m->edid, width, height);
	m->size = VG_EDID_BLOCK;
	m->up = true;
}

/**
 * vg_monitor_edid() - what the guest reads
 * @m: monitor
 * @off: byte of its EDID, below VG_EDID_MAX
 */
u8 vg_monitor_edid(const struct vg_monitor *m, u32 off)
{
	return m->up && off < m->size ? m->edid[off] : 0;
}

/**
 * vg_monitor_access() - can the region be accessed like this?
 * @off: first byte
 * @len: bytes, up to the region's end at most
 *
 * Registers one at a time, the EDID as one likes.
 */
bool vg_monitor_access(u32 off, u32 len)
{
	return (off >= VG_MONITOR_BLOB && len <= VG_EDID_MAX) || (len == 4 && off % 4 == 0);
}

static u32 get(const struct vg_monitor *m, u32 reg)
{
	switch (reg) {
	case OFFSET:
		return VG_MONITOR_BLOB;
	case MAX_SIZE:
		return VG_EDID_MAX;
	case SIZE:
		return m->size;
	case MAX_X:
	case MAX_Y:
		return MAX_PIXELS;
	case LINK:
		return m->up ? LINK_UP : LINK_DOWN;
	}
	return 0;
}

/**
 * vg_monitor_read() - read the region
 * @m: monitor
 * @off: as vg_monitor_access() allows
 * @buf: to
 * @len: likewise
 */
void vg_monitor_read(const struct vg_monitor *m, u32 off, u8 *buf, u32 len)
{
	u32 value;

	if (off >= VG_MONITOR_BLOB) {
		memcpy(buf, m->edid + off - VG_MONITOR_BLOB, len);
		return;
	}
	value = get(m, off / 4);
	memcpy(buf, &value, 4);
}

static bool set_size(struct vg_monitor *m, u32 size)
{
	if (m->up || size % VG_EDID_BLOCK || size > VG_EDID_MAX)
		return false;
	m->size = size;
	return true;
}

/**
 * vg_monitor_write() - write to the region
 * @m: monitor
 * @off: as vg_monitor_access() allows
 * @buf: from
 * @len: likewise
 *
 * Return: false for what cannot be written, or not while the monitor is plugged in.
 */
bool vg_monitor_write(struct vg_monitor *m, u32 off, const u8 *buf, u32 len)
{
	u32 value;

	if (off >= VG_MONITOR_BLOB) {
		if (m->up)
			return false;
		memcpy(m->edid + off - VG_MONITOR_BLOB, buf, len);
		return true;
	}
	memcpy(&value, buf, 4);
	if (off / 4 == SIZE)
		return set_size(m, value);
	if (off / 4 != LINK || (value != LINK_UP && value != LINK_DOWN))
		return false;
	m->up = value == LINK_UP;
	return true;
}
