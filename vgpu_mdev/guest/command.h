/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGG_COMMAND_H
#define VGG_COMMAND_H

#include <linux/types.h>
#include <virtlite/vgpu_isa.h>

/* Makes a program's address the device's; -ERANGE if it may not touch all of that. */
typedef int vgg_translate_t(void *of, u64 *addr, u64 bytes);

int vgg_command(struct vgpu_cmd *c, vgg_translate_t *translate, void *of);

#endif
