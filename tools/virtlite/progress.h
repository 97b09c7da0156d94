/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_PROGRESS_H
#define VIRTLITE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct progress - a bar on standard error
 * @what: text in front of it
 * @total: what is 100 %
 * @shown: there is a bar, or will be
 * @last: when it was drawn, in ms
 */
struct progress {
	const char *what;
	uint64_t total;
	bool shown;
	uint64_t last;
};

void progress_begin(struct progress *p, const char *what, uint64_t total, bool always);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

#endif
