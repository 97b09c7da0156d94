/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Test Anything Protocol, as little of it as these tests need.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_tests, tap_failures;

static inline bool tap_result(bool good, const char *name, const char *cond,
			      int line)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tap_tests, name);
	if (!good) {
		printf("# line %d: %s\n", line, cond);
		tap_failures++;
	}
	fflush(stdout);
	return good;
}

/* One property, with its name. */
#define ok(cond, name) tap_result(cond, name, #cond, __LINE__)

#define skip(name, why) \
	printf("ok %u - %s # SKIP %s\n", ++tap_tests, name, why)

static inline int tap_done(void)
{
	printf("1..%u\n", tap_tests);
	return tap_failures ? 1 : 0;
}

#endif /* TESTS_TAP_H */
