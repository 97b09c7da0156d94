/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include "types.h"

/**
 * struct mem_region - a piece of guest RAM
 * @gpa: where the guest sees it
 * @size: bytes
 * @hva: where it is in this process
 */
struct mem_region {
	u64 gpa;
	u64 size;
	u8 *hva;
};

/**
 * struct memory - all of the guest's RAM
 * @region: below and above the device hole
 * @nr: 1 or 2
 * @map: the whole mapping, for memory_exit()
 * @map_size: its size
 * @pinned: a device of the host may hold on to pages: none may be given back
 *
 * Fixed for the life of the VM: pointers into it stay valid until
 * memory_exit(), which runs when no vCPU and no device thread is left.
 */
struct memory {
	struct mem_region region[2];
	unsigned int nr;
	void *map;
	size_t map_size;
	bool pinned;
};

int memory_init(struct memory *m, u64 size);
void memory_exit(struct memory *m);
int memory_register(const struct memory *m, int vm_fd);
void *memory_ptr(const struct memory *m, u64 gpa, u64 len);

#endif /* VMM_MEMORY_H */
