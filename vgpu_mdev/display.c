// SPDX-License-Identifier: GPL-2.0
/*
 * BAR 2 of a display slice: EDID, the VGA port that blanks the screen, the Bochs VBE
 * extensions ("DISPI"). Pure.
 */

#include "display.h"

#define VGA		0x400
#define DISPI		0x500
#define EXTENDED	0x600	/* size of it, byte order */
#define LITTLE_ENDIAN	0x1e1e1e1e

enum { ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, MEMORY };

#define DISPI_ID	0xb0c5
#define ENABLED		BIT(0)
#define GET_CAPS	BIT(1)

#define ATTRIBUTE	0x00	/* of the VGA ports: 0x3c0 */
#define ATTRIBUTE_SCREEN BIT(5)

#define MAX_XRES	4096
#define MAX_YRES	4096

/* <drm/drm_fourcc.h> is not for user space. */
#define FOURCC(a, b, c, d)	((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define XRGB8888		FOURCC('X', 'R', '2', '4')
#define RGB565			FOURCC('R', 'G', '1', '6')

#define PICTURE_ALIGN		4096

/**
 * vg_display_reset() - as after power-on; the monitor is what it was
 * @d: display
 */
void vg_display_reset(struct vg_display *d)
{
	memset(d->vga, 0, sizeof(d->vga));
	memset(d->dispi, 0, sizeof(d->dispi));
	d->vga[ATTRIBUTE] = ATTRIBUTE_SCREEN;
}

/**
 * vg_display_init() - as after power-on, with a new monitor
 * @d: display
 * @width: of the monitor's preferred mode
 * @height: likewise
 * @carveout: VRAM that it has, bytes
 */
void vg_display_init(struct vg_display *d, u32 width, u32 height, u64 carveout)
{
	vg_monitor_init(&d->monitor, width, height);
	d->carveout = carveout;
	vg_display_reset(d);
}

static u16 get_dispi(const struct vg_display *d, u32 i)
{
	bool caps = d->dispi[ENABLE] & GET_CAPS;

	switch (i) {
	case ID:
		return DISPI_ID;
	case XRES:
		return caps ? MAX_XRES : d->dispi[i];
	case YRES:
		return caps ? MAX_YRES : d->dispi[i];
	case BPP:
		return caps ? 32 : d->dispi[i];
	case MEMORY:
		return min_t(u64, d->carveout / 65536, 0xffff);
	}
	return i < VG_DISPI_REGS ? d->dispi[i] : 0;
}

static u8 get(const struct vg_display *d, u32 off)
{
	if (off < VG_EDID_MAX)	/* zeroes up to the VGA ports */
		return vg_monitor_edid(&d->monitor, off);
	if (off >= VGA && off < VGA + VG_VGA_PORTS)
		return d->vga[off - VGA];
	if (off >= DISPI && off < DISPI + 2 * VG_DISPI_REGS)
		return get_dispi(d, (off - DISPI) / 2) >> (off % 2 * 8);
	if (off == EXTENDED)
		return 8;
	if (off >= EXTENDED + 4 && off < EXTENDED + 8)
		return LITTLE_ENDIAN & 0xff;
	return 0;
}

/**
 * vg_display_read() - read some bytes
 * @d: display
 * @off: first byte
 * @buf: to
 * @len: how many, within the BAR
 */
void vg_display_read(const struct vg_display *d, u32 off, u8 *buf, u32 len)
{
	while (len--)
		*buf++ = get(d, off++);
}

/**
 * vg_display_write() - write some bytes
 * @d: display
 * @off: first byte, aligned
 * @buf: from
 * @len: 1, 2, 4 or 8
 *
 * DISPI registers are 16-bit words: a single byte changes nothing.
 */
void vg_display_write(struct vg_display *d, u32 off, const u8 *buf, u32 len)
{
	u32 i;

	if (off >= VGA && off < VGA + VG_VGA_PORTS) {
		for (i = 0; i < len && off - VGA + i < VG_VGA_PORTS; i++)
			d->vga[off - VGA + i] = buf[i];
		return;
	}
	for (i = 0; i + 1 < len; i += 2) {
		u32 reg = (off + i - DISPI) / 2;

		if (off + i >= DISPI && reg < VG_DISPI_REGS && reg != ID && reg != MEMORY)
			d->dispi[reg] = buf[i] | buf[i + 1] << 8;
	}
}

/**
 * vg_display_picture() - what is on the screen?
 * @d: display
 * @p: filled in
 *
 * Return: false if nothing is: off, blank, or a mode that cannot be shown.
 */
bool vg_display_picture(const struct vg_display *d, struct vg_picture *p)
{
	u32 bytes = d->dispi[BPP] / 8, virt = max(d->dispi[VIRT_WIDTH], d->dispi[XRES]);
	u64 size;

	if (!(d->dispi[ENABLE] & ENABLED) || !(d->vga[ATTRIBUTE] & ATTRIBUTE_SCREEN))
		return false;
	if (d->dispi[BPP] != 32 && d->dispi[BPP] != 16)
		return false;
	p->fourcc = bytes == 4 ? XRGB8888 : RGB565;
	p->width = d->dispi[XRES];
	p->height = d->dispi[YRES];
	if (!p->width || !p->height || p->width > MAX_XRES || p->height > MAX_YRES)
		return false;
	p->stride = virt * bytes;
	p->start = (u64)d->dispi[Y_OFFSET] * p->stride + d->dispi[X_OFFSET] * bytes;
	size = (u64)p->stride * (p->height - 1) + p->width * bytes;
	p->bytes = (size + PICTURE_ALIGN - 1) / PICTURE_ALIGN * PICTURE_ALIGN;
	return p->start % PICTURE_ALIGN == 0 && p->start + p->bytes <= d->carveout;
}
