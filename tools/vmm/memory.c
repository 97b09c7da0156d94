// SPDX-License-Identifier: GPL-2.0
/*
 * Guest RAM: one anonymous mapping, never touched before the guest or a loader
 * touches it, so that the guest's size costs nothing until used.
 */
#include <errno.h>
#include <sys/mman.h>

#include "../lib/virtlite.h"
#include "layout.h"
#include "memory.h"

/* Host and guest addresses agree modulo this, or no large page would fit. */
#define LARGE_PAGE	(2 * MIB)

/**
 * memory_init() - reserve guest RAM
 * @m: to be filled
 * @size: bytes, a multiple of the page size
 */
int memory_init(struct memory *m, u64 size)
{
	u64 low = min_t(u64, size, HOLE_START);
	u8 *base;

	*m = (struct memory){ .map_size = size + LARGE_PAGE };
	m->map = mmap(NULL, m->map_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return vl_error(errno, "reserving %llu MiB of guest memory",
				(unsigned long long)(size / MIB));
	}

	base = (u8 *)ALIGN((uintptr_t)m->map, LARGE_PAGE);
	/* Advice only: without large pages the guest is slower, not wrong. */
	madvise(base, size, MADV_HUGEPAGE);

	m->region[0] = (struct mem_region){ 0, low, base };
	m->nr = 1;
	if (size > low) {
		m->region[1] = (struct mem_region){ HOLE_END, size - low,
						    base + low };
		m->nr = 2;
	}
	return 0;
}

/**
 * memory_exit() - give guest RAM back
 * @m: memory, also one whose memory_init() failed
 */
void memory_exit(struct memory *m)
{
	if (m->map)
		munmap(m->map, m->map_size);
	m->map = NULL;
	m->nr = 0;
}

/**
 * memory_register() - make a memory slot of each region
 * @m: memory
 * @vm_fd: VM
 */
int memory_register(const struct memory *m, int vm_fd)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		int ret = vl_vm_set_memory(vm_fd, i, 0, m->region[i].gpa,
					   m->region[i].size,
					   m->region[i].hva);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/**
 * memory_ptr() - translate a guest physical range
 * @m: memory
 * @gpa: start, whatever the guest says
 * @len: bytes, whatever the guest says
 *
 * Return: a pointer to @len bytes, or NULL if the range is empty or any of it
 *	   is not RAM.
 */
void *memory_ptr(const struct memory *m, u64 gpa, u64 len)
{
	if (!len)
		return NULL;

	for (unsigned int i = 0; i < m->nr; i++) {
		const struct mem_region *r = &m->region[i];

		/* No sum that could wrap. */
		if (gpa >= r->gpa && gpa - r->gpa < r->size &&
		    len <= r->size - (gpa - r->gpa))
			return r->hva + (gpa - r->gpa);
	}
	return NULL;
}
