/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Enough of KUnit for a suite of pure logic to run as a program. Each suite
 * registers itself; kunit_shim.c runs them all and prints KTAP.
 */
#ifndef SHIM_KUNIT_TEST_H
#define SHIM_KUNIT_TEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct kunit {
	unsigned int failures;
};

struct kunit_case {
	void (*run)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

void kunit_shim_register(struct kunit_suite *suite);
__printf(4, 5)
void kunit_shim_fail(struct kunit *test, const char *file, int line, const char *fmt, ...);

#define KUNIT_CASE(fn) { .run = fn, .name = #fn }

#define kunit_test_suite(suite)						\
	static __attribute__((constructor)) void register_##suite(void)	\
	{								\
		kunit_shim_register(&(suite));				\
	}

#define KUNIT_SHIM_CMP(test, a, op, b, fmt, ...) do {			\
	__typeof__((a) + 0) _a = (a);					\
	__typeof__((b) + 0) _b = (b);					\
									\
	if (!(_a op _b))						\
		kunit_shim_fail(test, __FILE__, __LINE__,		\
				"%s (%#llx) %s %s (%#llx) " fmt,	\
				#a, (unsigned long long)_a, #op,	\
				#b, (unsigned long long)_b, ##__VA_ARGS__); \
} while (0)

#define KUNIT_EXPECT_EQ(t, a, b)	KUNIT_SHIM_CMP(t, a, ==, b, "")
#define KUNIT_EXPECT_NE(t, a, b)	KUNIT_SHIM_CMP(t, a, !=, b, "")
#define KUNIT_EXPECT_TRUE(t, a)		KUNIT_SHIM_CMP(t, !!(a), ==, true, "")
#define KUNIT_EXPECT_FALSE(t, a)	KUNIT_SHIM_CMP(t, !!(a), ==, false, "")
#define KUNIT_EXPECT_EQ_MSG(t, a, b, fmt, ...) \
	KUNIT_SHIM_CMP(t, a, ==, b, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_STREQ_MSG(t, a, b, fmt, ...) do {			\
	const char *_a = (a), *_b = (b);				\
									\
	if (strcmp(_a, _b))						\
		kunit_shim_fail(t, __FILE__, __LINE__,			\
				"\"%s\" != \"%s\" " fmt, _a, _b, ##__VA_ARGS__); \
} while (0)

#endif /* SHIM_KUNIT_TEST_H */
