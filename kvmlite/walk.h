/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_WALK_H
#define KVMLITE_WALK_H

/*
 * The guest's own paging as a function of its registers and its memory, which
 * is read through callbacks: no vCPU and no slot is needed to try it.
 */

#include <linux/types.h>

#include "mmu.h"

/**
 * struct kl_walk - the registers that decide how a linear address translates
 * @cr0: as named
 * @cr3: likewise
 * @cr4: likewise
 * @efer: likewise; LMA selects 4- and 5-level paging
 * @pdptrs: of PAE paging
 * @reserved_gpa: address bits that the guest's CPU does not have
 * @has_1g: it has 1 GiB pages
 * @smap_off: RFLAGS.AC lifts SMAP for explicit accesses
 * @read_entry: one entry of 4 or 8 bytes at a gpa; 0 or -EFAULT
 * @swap_entry: as kl_gpa_cmpxchg()
 * @ctx: passed to both
 */
struct kl_walk {
	u64 cr0, cr3, cr4, efer;
	const u64 *pdptrs;
	u64 reserved_gpa;
	bool has_1g;
	bool smap_off;
	int (*read_entry)(void *ctx, gpa_t gpa, u64 *entry, unsigned int size);
	int (*swap_entry)(void *ctx, gpa_t gpa, u64 *old, u64 new,
			  unsigned int size);
	void *ctx;
};

/**
 * kl_walk - translate
 * @w: the registers
 * @gva: linear address; canonical if that is asked for
 * @access: KL_ACCESS_* bits
 * @gpa: result
 * @error_code: of the page fault, if it is one
 *
 * Return: 0, 1 for a page fault, or -EFAULT if a table is not in memory.
 */
int kl_walk(const struct kl_walk *w, u64 gva, u32 access, gpa_t *gpa,
	    u32 *error_code);

/* Has one of PAE's four PDPTEs reserved bits set? */
bool kl_pdpte_valid(u64 pdpte, u64 reserved_gpa);

#endif
