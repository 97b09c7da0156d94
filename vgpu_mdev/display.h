/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_DISPLAY_H
#define VG_DISPLAY_H

#include <virtlite/vgpu_isa.h>

#include "monitor.h"
#include "pure.h"

#define VG_DISPI_REGS	11
#define VG_VGA_PORTS	0x20

/**
 * struct vg_display - BAR 2 of a display slice
 * @monitor: whose EDID is at the start
 * @vga: ports 0x3c0 to 0x3df, of which only the screen's blanking does something
 * @dispi: Bochs VBE registers, by index
 * @carveout: VRAM that it has, bytes
 */
struct vg_display {
	struct vg_monitor monitor;
	u8 vga[VG_VGA_PORTS];
	u16 dispi[VG_DISPI_REGS];
	u64 carveout;
};

/**
 * struct vg_picture - what is on the screen
 * @fourcc: DRM_FORMAT_*
 * @width: pixels
 * @height: lines
 * @stride: bytes from a line to the next
 * @start: offset in VRAM, a multiple of the page size
 * @bytes: from the first to the last, up to the end of the last page
 */
struct vg_picture {
	u32 fourcc;
	u32 width;
	u32 height;
	u32 stride;
	u64 start;
	u64 bytes;
};

void vg_display_init(struct vg_display *d, u32 width, u32 height, u64 carveout);
void vg_display_reset(struct vg_display *d);
void vg_display_read(const struct vg_display *d, u32 off, u8 *buf, u32 len);
void vg_display_write(struct vg_display *d, u32 off, const u8 *buf, u32 len);
bool vg_display_picture(const struct vg_display *d, struct vg_picture *p);

#endif
