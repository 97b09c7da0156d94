/* SPDX-License-Identifier: GPL-2.0 */
/* What was done to an image, what was acknowledged when, and its judges after a cut. */
#ifndef SELFTESTS_CRASH_H
#define SELFTESTS_CRASH_H

#include "pool.h"
#include "writelog.h"

#define SECTOR		512
#define VOLUME		(4 * MIB)
#define IMAGE		(16 * MIB)
#define LOG		(320 * MIB)
#define MAX_VOLS	8
/* Where volumes are written: some places, so that comparing does not take for ever. */
#define SLOTS		8
#define SLOT_BYTES	(24 * KIB)
#define SLOT_SECTORS	(SLOT_BYTES / SECTOR)
#define SECTORS		(SLOTS * SLOT_SECTORS)

static inline uint64_t slot_at(unsigned int slot)
{
	return slot * (VOLUME / SLOTS) + slot * 2 * KIB;
}

struct vol {
	uint32_t number;
	bool live;
	uint32_t tag[SECTORS];
};

/* All that is acknowledged and durable at a mark. */
struct state {
	unsigned int nr;
	struct vol vol[MAX_VOLS];
};

/* Between two marks: one of them may be in a cut's image or not. */
struct change {
	unsigned int before;	/* which mark */
	uint32_t number;
	uint32_t first;
	uint32_t sectors;
	uint32_t tag;
};

struct disk {
	int id;
	int fd;
};

struct run {
	uint64_t seed;
	struct writelog log;
	int image;
	struct state *state;	/* by mark */
	unsigned int marks;
	struct state now;
	struct disk disk[MAX_VOLS];
	struct change *change;
	unsigned int changes;
	uint32_t tag;
	unsigned int names;
	void *buf;
};

struct counts {
	unsigned long cuts;
	unsigned long torn;
	unsigned long resumed;
};

/* What a sector has that is from write @tag; 0: zeroes. */
void crash_sector(void *buf, uint32_t n, uint32_t tag);
/* Every cut of the log, from an image as it was at its beginning. */
void crash_replay(struct run *r, const uint8_t *first, struct counts *c);
void crash_apply(uint8_t *mem, const struct note *n, uint64_t bytes);

#endif
