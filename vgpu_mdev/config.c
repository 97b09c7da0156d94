// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration space of a slice (PCI Local Bus 3.0, chapter 6): bytes, and a
 * mask of the bits that can be written. Pure.
 */

#include "config.h"

/* Offsets of the header, and of the MSI capability behind its own. */
#define VENDOR		0x00
#define DEVICE		0x02
#define COMMAND		0x04
#define STATUS		0x06
#define REVISION	0x08
#define CLASS		0x09
#define BAR(n)		(0x10 + 4 * (n))
#define SUBVENDOR	0x2c
#define SUBDEVICE	0x2e
#define CAPABILITIES	0x34
#define LINE		0x3c
#define PIN		0x3d
#define MSI_CONTROL	2
#define MSI_ADDRESS_LO	4
#define MSI_ADDRESS_HI	8
#define MSI_DATA	12

#define STATUS_INTERRUPT	BIT(3)
#define STATUS_CAPABILITIES	BIT(4)

#define CAP_MSI		0x05
#define CAP_VENDOR	0x09

#define COMMAND_BITS	(BIT(0) | BIT(1) | VG_CONFIG_MASTER | BIT(6) | BIT(8) | VG_CONFIG_INTX_OFF)

static void put16(u8 *p, u32 v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void put32(u8 *p, u32 v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

/* A memory BAR reads as its address above its size, and as its type below. */
static void bar(struct vg_config *c, u32 n, u64 size, bool wide)
{
	u64 mask = ~(size - 1);

	put32(c->data + BAR(n), wide ? 0xc : 0);
	put32(c->mask + BAR(n), mask & ~0xfULL);
	if (wide)
		put32(c->mask + BAR(n + 1), mask >> 32);
}

static void capabilities(struct vg_config *c)
{
	u8 *msi = c->data + VG_CONFIG_MSI, *mask = c->mask + VG_CONFIG_MSI;
	u8 *vendor = c->data + VG_CONFIG_VENDOR;

	put16(c->data + STATUS, STATUS_CAPABILITIES);
	c->data[CAPABILITIES] = VG_CONFIG_MSI;

	msi[0] = CAP_MSI;
	msi[1] = VG_CONFIG_VENDOR;
	put16(msi + MSI_CONTROL, BIT(7));	/* 64-bit address, one vector */
	put16(mask + MSI_CONTROL, BIT(0));
	put32(mask + MSI_ADDRESS_LO, ~3u);
	put32(mask + MSI_ADDRESS_HI, ~0u);
	put16(mask + MSI_DATA, 0xffff);

	vendor[0] = CAP_VENDOR;
	vendor[1] = 0;
	vendor[2] = 8;
	put32(vendor + 4, VGPU_ISA_VERSION);
}

/**
 * vg_config_init() - as after power-on
 * @c: configuration space
 * @display: of a display slice
 * @vram: bytes, a power of two
 */
void vg_config_init(struct vg_config *c, bool display, u64 vram)
{
	memset(c, 0, sizeof(*c));
	put16(c->data + VENDOR, VGPU_PCI_VENDOR);
	put16(c->data + DEVICE, display ? VGPU_PCI_DEVICE_DISPLAY : VGPU_PCI_DEVICE_COMPUTE);
	put16(c->mask + COMMAND, COMMAND_BITS);
	/* bochs-drm looks for the registers at 0x600 of BAR 2 from revision 2 on. */
	c->data[REVISION] = 2;
	put16(c->data + CLASS + 1, display ? 0x0380 : 0x1200);
	bar(c, VGPU_BAR_VRAM, vram, true);
	if (display)
		bar(c, VGPU_BAR_DISPLAY, VGPU_BAR_DISPLAY_SIZE, false);
	bar(c, VGPU_BAR_REGS, VGPU_BAR_REGS_SIZE, false);
	put16(c->data + SUBVENDOR, VGPU_PCI_SUBVENDOR);
	put16(c->data + SUBDEVICE, VGPU_PCI_SUBDEVICE);
	c->mask[LINE] = 0xff;
	c->data[PIN] = 1;
	capabilities(c);
}

/**
 * vg_config_read() - read some bytes
 * @c: configuration space
 * @off: first byte
 * @buf: to
 * @len: how many, up to its end at most
 */
void vg_config_read(const struct vg_config *c, u32 off, u8 *buf, u32 len)
{
	memcpy(buf, c->data + off, len);
}

/**
 * vg_config_write() - write some bytes: what cannot be changed stays
 * @c: configuration space
 * @off: first byte
 * @buf: from
 * @len: how many, up to its end at most
 */
void vg_config_write(struct vg_config *c, u32 off, const u8 *buf, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		u8 mask = c->mask[off + i];

		c->data[off + i] = (c->data[off + i] & ~mask) | (buf[i] & mask);
	}
}

/**
 * vg_config_command() - the command register
 * @c: configuration space
 */
u32 vg_config_command(const struct vg_config *c)
{
	return c->data[COMMAND] | c->data[COMMAND + 1] << 8;
}

/**
 * vg_config_interrupt() - is INTA# wanted? Status says so even where it is disabled
 * @c: configuration space
 * @pending: it is
 */
void vg_config_interrupt(struct vg_config *c, bool pending)
{
	if (pending)
		c->data[STATUS] |= STATUS_INTERRUPT;
	else
		c->data[STATUS] &= ~STATUS_INTERRUPT;
}
