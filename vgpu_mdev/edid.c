// SPDX-License-Identifier: GPL-2.0
/* The EDID (VESA E-EDID 1.4, one block) of a monitor that a slice is plugged into. Pure. */

#include "monitor.h"

#define DETAILED	54	/* four descriptors of 18 bytes */
#define NAME_TAG	0xfc
#define RANGE_TAG	0xfd
#define DUMMY_TAG	0x10
#define MAX_CLOCK	65535	/* of 10 kHz */
#define H_BLANK		160	/* as in CVT's reduced blanking */
#define V_BLANK		40
#define DPI		96

/* Chromaticity of sRGB, as everybody has it. */
static const u8 srgb[10] = { 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54 };

static u32 millimetres(u32 pixels)
{
	return pixels * 254 / (10 * DPI);
}

static void timing(u8 *d, u32 w, u32 h)
{
	u32 total = (w + H_BLANK) * (h + V_BLANK), hz = 60, clock;

	/* As often as the clock's field allows. */
	do {
		clock = total / 10000 * hz;
	} while (clock > MAX_CLOCK && --hz);
	d[0] = clock;
	d[1] = clock >> 8;
	d[2] = w;
	d[3] = H_BLANK;
	d[4] = w >> 8 << 4;
	d[5] = h;
	d[6] = V_BLANK;
	d[7] = h >> 8 << 4;
	d[8] = 48;			/* horizontal front porch */
	d[9] = 32;			/* sync width */
	d[10] = 3 << 4 | 5;		/* vertical front porch, sync width */
	d[12] = millimetres(w);
	d[13] = millimetres(h);
	d[14] = (millimetres(w) >> 8 & 15) << 4 | (millimetres(h) >> 8 & 15);
	d[17] = 0x18;			/* digital separate sync */
}

/**
 * vg_edid() - make an EDID
 * @edid: 128 bytes, all written
 * @width: of its preferred mode, below 4096
 * @height: likewise
 */
void vg_edid(u8 *edid, u32 width, u32 height)
{
	static const u8 header[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	static const char name[13] = "virtlite\n    ";
	u8 *d = edid + DETAILED, sum = 0;
	u32 i;

	memset(edid, 0, VG_EDID_BLOCK);
	memcpy(edid, header, sizeof(header));
	edid[8] = 0x5a;			/* VRL: three letters of five bits */
	edid[9] = 0x4c;
	edid[10] = 1;
	edid[17] = 30;			/* 2020 */
	edid[18] = 1;
	edid[19] = 4;
	edid[20] = 0xa5;		/* digital, 8 bits a colour, DisplayPort */
	edid[21] = min_t(u32, millimetres(width) / 10, 255);
	edid[22] = min_t(u32, millimetres(height) / 10, 255);
	edid[23] = 120;			/* gamma 2.2 */
	edid[24] = 0x06;		/* sRGB, the first timing is native */
	memcpy(edid + 25, srgb, sizeof(srgb));
	memset(edid + 38, 1, 16);	/* no standard timings */
	timing(d, width, height);
	d += 18;
	d[3] = NAME_TAG;
	memcpy(d + 5, name, sizeof(name));
	d += 18;
	d[3] = DUMMY_TAG;
	d += 18;
	d[3] = DUMMY_TAG;
	for (i = 0; i < VG_EDID_BLOCK - 1; i++)
		sum += edid[i];
	edid[VG_EDID_BLOCK - 1] = -sum;
}
