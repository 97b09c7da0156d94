// SPDX-License-Identifier: GPL-2.0
/*
 * Port I/O dispatch.
 */
#include <errno.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "pio.h"

/**
 * pio_add() - let a device answer some ports
 * @pio: table
 * @first: first port
 * @count: how many ports
 * @fn: handler
 * @opaque: passed to it
 */
int pio_add(struct pio *pio, u16 first, u16 count, pio_fn fn, void *opaque)
{
	if (pio->nr == PIO_MAX_RANGES)
		return vl_error(ENOSPC, "too many port ranges");

	pio->range[pio->nr].first = first;
	pio->range[pio->nr].last = first + count - 1;
	pio->range[pio->nr].fn = fn;
	pio->range[pio->nr].opaque = opaque;
	pio->nr++;
	return 0;
}

/**
 * pio_access() - carry out one IN or OUT
 * @pio: table
 * @port: port
 * @data: operand
 * @size: 1, 2 or 4
 * @write: OUT?
 *
 * As on a bus without a device, ports that nobody answers read as all ones.
 */
void pio_access(const struct pio *pio, u16 port, void *data, unsigned int size,
		bool write)
{
	if (!write)
		memset(data, 0xff, size);

	for (unsigned int i = 0; i < pio->nr; i++)
		if (port >= pio->range[i].first && port <= pio->range[i].last) {
			pio->range[i].fn(pio->range[i].opaque,
					 port - pio->range[i].first, data,
					 size, write);
			return;
		}
}
