/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A block device that notes down what is written to it, and its notes: device-mapper's
 * log-writes target (the kernel's Documentation/admin-guide/device-mapper/log-writes.rst)
 * over two disks in memory.
 */
#ifndef SELFTESTS_WRITELOG_H
#define SELFTESTS_WRITELOG_H

#include "disk.h"

/* What an entry is; a write if none is set. */
#define NOTE_FLUSH	1
#define NOTE_FUA	2
#define NOTE_DISCARD	4
#define NOTE_MARK	8

struct note {
	uint64_t flags;
	uint64_t pos;		/* bytes */
	uint64_t bytes;
	char *data;		/* of a write or a mark */
};

struct writelog {
	uint64_t bytes;		/* of the device */
	int data;		/* disks */
	int log;
	int fd;			/* of the device */
	struct note *note;
	size_t nr_notes;
};

/* Skips the test if the kernel has no such target. */
void writelog_begin(struct writelog *w, uint64_t bytes, uint64_t log_bytes);
void writelog_mark(struct writelog *w, unsigned int n);
/* The device is closed; from here on there are notes. */
void writelog_end(struct writelog *w);
void writelog_free(struct writelog *w);

#endif
