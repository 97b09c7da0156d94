// SPDX-License-Identifier: GPL-2.0
#include "test.h"

extern const struct suite __start_suites[], __stop_suites[];

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct suite *find_suite(const char *name)
{
	size_t len = strlen(name);
	const struct suite *s;

	for (s = __start_suites; s < __stop_suites; s++) {
		const char *base = base_name(s->file);

		if (!strncmp(base, name, len) && !strcmp(base + len, ".c"))
			return s;
	}
	return NULL;
}

static int list_suites(void)
{
	const struct suite *s;

	for (s = __start_suites; s < __stop_suites; s++) {
		const char *base = base_name(s->file);

		printf("%.*s\n", (int)strlen(base) - 2, base);
	}
	return 2;
}

int main(int argc, char **argv)
{
	const struct suite *s = argc > 1 ? find_suite(argv[1]) : NULL;

	if (!s)
		return list_suites();
	return test_run(argc - 1, argv + 1, s->tests, s->n);
}
