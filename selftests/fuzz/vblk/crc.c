// SPDX-License-Identifier: GPL-2.0
/* CRC-32C, bit by bit: slow, and nobody's table. */
#include "format.h"

u32 vb_crc32c(const void *data, size_t bytes)
{
	const u8 *p = data;
	u32 crc = ~0U;
	int i;

	while (bytes--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}
