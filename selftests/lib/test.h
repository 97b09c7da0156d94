/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All suites are linked into one program, because a dozen static ones would
 * take longer to unpack in an emulator than to run; its first argument names
 * the suite.
 *
 * A suite is a table of tests. Each test runs in a process of its
 * own, so that it leaves nothing behind for the next one, can be killed when
 * it hangs, and may end itself from any of its threads. The output is TAP 13;
 * the program exits with 0 (passed), 1 (failed) or 4 (all of it skipped).
 */
#ifndef SELFTESTS_TEST_H
#define SELFTESTS_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __noreturn __attribute__((noreturn))
#define __printf(f, a) __attribute__((format(printf, f, a)))

struct test {
	const char *name;
	void (*fn)(void);
};

/* One source file: its tests, found by the linker in the section "suites". */
struct suite {
	const char *file;
	const struct test *tests;
	size_t n;
};

/**
 * test_run() - run a table of tests
 * @argc: as main() got it
 * @argv: as main() got it; --help prints what is understood
 * @tests: the table
 * @n: its length
 *
 * Return: the exit status of the program.
 */
int test_run(int argc, char **argv, const struct test *tests, size_t n);

/*
 * A program with a main() of its own says test_init() before its first check,
 * and asks test_failures() how many have failed.
 */
void test_init(void);
int test_failures(void);

/* TEST_SUITE(tests): once in each file, which gives the suite its name. */
#define TEST_SUITE(tests)						\
	static const struct suite suite					\
	__attribute__((used, section("suites"), aligned(8))) =		\
		{ __BASE_FILE__, tests, ARRAY_SIZE(tests) }

/* What the command line and the environment said. */
extern const char *device;
extern bool quick;

/* scale() - how often to do something: n, or few under --quick. */
static inline unsigned long scale(unsigned long n, unsigned long few)
{
	return quick ? few : n;
}

void test_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);
void __noreturn test_abort(void);
void test_skip(const char *fmt, ...) __printf(1, 2) __attribute__((noreturn));
void diag(const char *fmt, ...) __printf(1, 2);

/* The test fails, and goes on. */
#define CHECK(cond, ...)						\
	do {								\
		if (!(cond))						\
			test_fail(__FILE__, __LINE__, __VA_ARGS__);	\
	} while (0)

/* The test fails, and ends. */
#define REQUIRE(cond, ...)						\
	do {								\
		if (!(cond)) {						\
			test_fail(__FILE__, __LINE__, __VA_ARGS__);	\
			test_abort();					\
		}							\
	} while (0)

#define EQ(a, b)							\
	do {								\
		unsigned long long __a = (unsigned long long)(a);	\
		unsigned long long __b = (unsigned long long)(b);	\
									\
		if (__a != __b)						\
			test_fail(__FILE__, __LINE__,			\
				  "%s is 0x%llx, not 0x%llx (%s)",	\
				  #a, __a, __b, #b);			\
	} while (0)

/* A system call that must succeed; the test ends if it does not. */
#define OK(expr)							\
	({								\
		long __r = (long)(expr);				\
									\
		if (__r < 0) {						\
			test_fail(__FILE__, __LINE__, "%s: %s",		\
				  #expr, strerror(errno));		\
			test_abort();					\
		}							\
		__r;							\
	})

/* A system call that must fail, with this errno. */
#define FAILS(expr, err)						\
	do {								\
		long __r;						\
									\
		errno = 0;						\
		__r = (long)(expr);					\
		if (__r >= 0)						\
			test_fail(__FILE__, __LINE__,			\
				  "%s: %ld instead of %s",		\
				  #expr, __r, #err);			\
		else if (errno != (err))				\
			test_fail(__FILE__, __LINE__,			\
				  "%s: %s instead of %s",		\
				  #expr, strerror(errno), #err);	\
	} while (0)

#endif
