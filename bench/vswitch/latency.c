// SPDX-License-Identifier: GPL-2.0
/* How long a frame takes from one program to another: percentiles. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ends.h"

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

/* The frame, once, to where it is expected; what hosts say besides is passed over. */
static unsigned long long once(int in, int out, const unsigned char *bytes)
{
	unsigned char got[2048];
	unsigned long long begun = now();
	ssize_t n;

	if (write(in, bytes, HDR + LEN) != HDR + LEN)
		die("write");
	do {
		n = read(out, got, sizeof(got));
		if (n < 0 && errno != EAGAIN)
			die("read");
	} while (n != HDR + LEN || memcmp(got + HDR, bytes + HDR, LEN));
	return now() - begun;
}

/* latency tap A B COUNT | latency queue SWITCH SWITCH COUNT */
int latency(int argc, char **argv)
{
	unsigned char there[HDR + LEN], back[HDR + LEN];
	unsigned int n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0, i;
	unsigned long long *t = calloc(n + 1, sizeof(*t));
	int a, b, tap;

	if (!n || !t)
		return 2;
	tap = !strcmp(argv[0], "tap");
	a = tap ? open_tap(argv[1]) : open_queue(argv[1]);
	b = tap ? open_tap(argv[2]) : open_queue(argv[2]);
	if (fcntl(b, F_SETFL, O_NONBLOCK) || fcntl(a, F_SETFL, O_NONBLOCK))
		die("fcntl");
	fill(there);
	fill(back);
	memcpy(back + HDR, there + HDR + 6, 6);
	memcpy(back + HDR + 6, there + HDR, 6);
	/* Each learns of the other before it counts. */
	for (i = 0; i < 64; i++) {
		once(b, a, back);
		once(a, b, there);
	}
	for (i = 0; i < n; i++)
		t[i] = once(a, b, there);
	qsort(t, n, sizeof(*t), compare);
	printf("%llu %llu %llu %llu\n", t[n / 2], t[n - 1 - n / 100], t[n - 1 - n / 1000],
	       t[n - 1]);
	return 0;
}
