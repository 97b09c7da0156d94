/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_CONFIG_H
#define VG_CONFIG_H

#include <virtlite/vgpu_isa.h>

#include "pure.h"

#define VG_CONFIG_SIZE		256u
#define VG_CONFIG_MSI		0x40
#define VG_CONFIG_VENDOR	0x50

/* What of the command register matters to the rest of the slice. */
#define VG_CONFIG_MASTER	BIT(2)
#define VG_CONFIG_INTX_OFF	BIT(10)

/**
 * struct vg_config - PCI configuration space
 * @data: what is read
 * @mask: bits that can be written
 */
struct vg_config {
	u8 data[VG_CONFIG_SIZE];
	u8 mask[VG_CONFIG_SIZE];
};

void vg_config_init(struct vg_config *c, bool display, u64 vram);
void vg_config_read(const struct vg_config *c, u32 off, u8 *buf, u32 len);
void vg_config_write(struct vg_config *c, u32 off, const u8 *buf, u32 len);
u32 vg_config_command(const struct vg_config *c);
void vg_config_interrupt(struct vg_config *c, bool pending);

#endif
