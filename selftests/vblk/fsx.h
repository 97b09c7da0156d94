/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file on whatever file system, to which things are done at random: written, written
 * by a map, cut, made longer, holes punched; it must have what a copy in memory has.
 */
#ifndef SELFTESTS_FSX_H
#define SELFTESTS_FSX_H

#include "disk.h"

#define CHECKED_MAX	(3 * MIB)

struct checked {
	int fd;
	char path[64];
	uint64_t seed;
	uint64_t bytes;
	uint8_t *copy;
	uint8_t *buf;
};

void checked_open(struct checked *f, const char *dir, const char *name, uint64_t seed);
void checked_step(struct checked *f);
void checked_all(struct checked *f);
void checked_close(struct checked *f);
void checked_again(struct checked *f);
void checked_end(struct checked *f);

#endif
