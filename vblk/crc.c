// SPDX-License-Identifier: GPL-2.0
/* The format's checksum, by the kernel's own CRC-32C. */

#include <linux/crc32.h>

#include "format.h"

/**
 * vb_crc32c() - CRC-32C as in the format
 * @data: of this
 * @bytes: so many
 *
 * Return: the checksum.
 */
u32 vb_crc32c(const void *data, size_t bytes)
{
	return ~__crc32c_le(~0U, data, bytes);
}
