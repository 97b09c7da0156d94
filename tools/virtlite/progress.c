// SPDX-License-Identifier: GPL-2.0
/* A bar for work that takes long, on a terminal or where it is asked for. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define WIDTH 40

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void draw(struct progress *p, uint64_t done)
{
	static const char full[WIDTH + 1] = "########################################";
	unsigned int percent = p->total ? done * 100.0 / p->total : 100;

	fprintf(stderr, "\r%s %3u%% [%-*.*s] %llu/%llu MiB", p->what, percent, WIDTH,
		(int)(percent * WIDTH / 100), full, (unsigned long long)(done >> 20),
		(unsigned long long)(p->total >> 20));
}

void progress_begin(struct progress *p, const char *what, uint64_t total, bool always)
{
	*p = (struct progress) {
		.what = what, .total = total, .shown = always || isatty(STDERR_FILENO),
	};
}

void progress_at(struct progress *p, uint64_t done)
{
	uint64_t now;

	if (!p->shown)
		return;
	now = now_ms();
	if (p->last && now - p->last < 100)
		return;
	p->last = now;
	draw(p, done);
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	draw(p, p->total);
	fputc('\n', stderr);
}
