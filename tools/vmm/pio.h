/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_PIO_H
#define VMM_PIO_H

#include "types.h"

#define PIO_MAX_RANGES	16

/**
 * typedef pio_fn - one access to a device's ports
 * @opaque: the device
 * @off: offset from its first port
 * @data: @size bytes, in or out; reads find all ones there
 * @size: 1, 2 or 4
 * @write: direction
 *
 * Called from any vCPU's thread.
 */
typedef void (*pio_fn)(void *opaque, u16 off, void *data, unsigned int size,
		       bool write);

/**
 * struct pio - which device answers which ports
 * @range: filled before the first vCPU runs, then only read
 * @nr: how many
 */
struct pio {
	struct {
		u16 first, last;
		pio_fn fn;
		void *opaque;
	} range[PIO_MAX_RANGES];
	unsigned int nr;
};

int pio_add(struct pio *pio, u16 first, u16 count, pio_fn fn, void *opaque);
void pio_access(const struct pio *pio, u16 port, void *data, unsigned int size,
		bool write);

#endif /* VMM_PIO_H */
