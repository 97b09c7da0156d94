// SPDX-License-Identifier: GPL-2.0
/* CRC-32C, eight bytes at a time from tables made at the first use. */
#include <pthread.h>
#include <string.h>

#include "layout.h"

static uint32_t table[8][256];

static void make_tables(void)
{
	unsigned int i, j;
	uint32_t c;

	for (i = 0; i < 256; i++) {
		c = i;
		for (j = 0; j < 8; j++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
		table[0][i] = c;
	}
	for (i = 0; i < 256; i++) {
		for (j = 1; j < 8; j++)
			table[j][i] = table[j - 1][i] >> 8 ^ table[0][table[j - 1][i] & 0xff];
	}
}

uint32_t img_crc(const void *data, size_t bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint8_t *p = data;
	uint32_t c = ~0U;

	pthread_once(&once, make_tables);
	for (; bytes >= 8; bytes -= 8, p += 8) {
		uint64_t w = img_get(p, 8) ^ c;

		c = table[7][w & 0xff] ^ table[6][w >> 8 & 0xff] ^ table[5][w >> 16 & 0xff] ^
		    table[4][w >> 24 & 0xff] ^ table[3][w >> 32 & 0xff] ^
		    table[2][w >> 40 & 0xff] ^ table[1][w >> 48 & 0xff] ^ table[0][w >> 56];
	}
	while (bytes--)
		c = c >> 8 ^ table[0][(c ^ *p++) & 0xff];
	return ~c;
}
