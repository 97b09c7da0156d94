// SPDX-License-Identifier: GPL-2.0
/* Runs the KUnit suites linked into this program; see shim/kunit/test.h. */
#include <kunit/test.h>

static struct kunit_suite *suites;

void kunit_shim_register(struct kunit_suite *suite)
{
	suite->next = suites;
	suites = suite;
}

void kunit_shim_fail(struct kunit *test, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	test->failures++;
	printf("    # %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

int main(void)
{
	unsigned int n = 0, failed = 0;
	struct kunit_suite *suite;
	struct kunit_case *c;

	printf("TAP version 13\n");
	for (suite = suites; suite; suite = suite->next) {
		for (c = suite->test_cases; c->run; c++) {
			struct kunit test = { 0 };

			c->run(&test);
			failed += !!test.failures;
			printf("%sok %u %s.%s\n", test.failures ? "not " : "", ++n,
			       suite->name, c->name);
		}
	}
	printf("1..%u\n", n);
	return !!failed || !n;
}
