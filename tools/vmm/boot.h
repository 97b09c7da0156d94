/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include <asm/bootparam.h>

#include "memory.h"
#include "types.h"

/**
 * struct bzimage - what a bzImage says about itself, checked
 * @hdr: setup header, as far as the image has one
 * @hdr_size: how much of @hdr the image filled
 * @payload_off: file offset of the protected-mode part
 * @payload_size: its size in bytes
 * @load: where it is put
 * @entry: its 64-bit entry point
 * @need: memory it uses while it starts, from @load on
 */
struct bzimage {
	struct setup_header hdr;
	size_t hdr_size;
	u64 payload_off;
	u64 payload_size;
	u64 load;
	u64 entry;
	u64 need;
};

/* As much of the file's beginning as bzimage_parse() looks at. */
#define BZIMAGE_HEAD	1024

int bzimage_parse(struct bzimage *b, const void *head, size_t head_size,
		  u64 file_size, const char *name);

/**
 * struct boot - where the first vCPU starts
 * @entry: instruction pointer
 * @params: address of the zero page
 */
struct boot {
	u64 entry;
	u64 params;
};

int boot_load(struct boot *boot, const struct memory *m, const char *kernel,
	      const char *initrd, const char *cmdline, u64 rsdp);

#endif /* VMM_BOOT_H */
