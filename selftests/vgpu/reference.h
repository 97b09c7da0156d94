/* SPDX-License-Identifier: GPL-2.0 */
/* What each command does, once more, as plainly as can be. */
#ifndef SELFTESTS_REFERENCE_H
#define SELFTESTS_REFERENCE_H

#include <stdint.h>
#include <virtlite/vgpu_isa.h>

#define AREA	(192 * 1024u)	/* bytes of guest memory and of VRAM that tests use */

/**
 * struct model - memory as it should be
 * @guest: guest memory, from @base on
 * @vram: VRAM, from 0 on
 * @base: guest address
 */
struct model {
	uint8_t guest[AREA];
	uint8_t vram[AREA];
	uint64_t base;
};

void model_run(struct model *m, const struct vgpu_cmd *c);

#endif
