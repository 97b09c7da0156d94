// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <x86intrin.h>

#include "test.h"

enum verdict { PASSED, FAILED, SKIPPED };

/* Written by the test's process, read by the parent once that has ended. */
struct outcome {
	int failures;
	bool skipped;
	char reason[256];
};

const char *device = "/dev/kvmlite";
bool quick;

static struct outcome *outcome;
static unsigned int limit = 60;

void test_init(void)
{
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
}

int test_failures(void)
{
	return outcome->failures;
}

void diag(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("# %s\n", line);
	fflush(stdout);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[448];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A check inside a long loop must not bury the log. */
	if (__atomic_add_fetch(&outcome->failures, 1, __ATOMIC_RELAXED) <= 20)
		diag("%s:%d: %s", file, line, text);
}

void test_abort(void)
{
	fflush(stdout);
	_exit(1);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(outcome->reason, sizeof(outcome->reason), fmt, ap);
	va_end(ap);
	outcome->skipped = true;
	fflush(stdout);
	_exit(0);
}

static void describe_death(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		diag("no end after %u seconds", limit);
	else if (WIFSIGNALED(status))
		diag("killed by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		diag("ended with status %d", WEXITSTATUS(status));
}

static enum verdict run_one(const struct test *t)
{
	pid_t parent = getpid(), pid;
	int status;

	memset(outcome, 0, sizeof(*outcome));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		diag("fork: %s", strerror(errno));
		return FAILED;
	}
	if (!pid) {
		/* A time-out of the whole program must not leave this behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		alarm(limit);
		t->fn();
		fflush(stdout);
		_exit(outcome->failures ? 1 : 0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return FAILED;
	}
	if (!outcome->failures && status)
		describe_death(status);
	if (outcome->failures || status)
		return FAILED;
	return outcome->skipped ? SKIPPED : PASSED;
}

static void usage(const char *name)
{
	printf("usage: %s [--device PATH] [--quick] [--limit SECONDS] [--list] [TEST…]\n"
	       "  --device PATH    the device, else $KVMLITE_DEV, else %s\n"
	       "  --quick          short loops (also: KVMLITE_QUICK=1, and where\n"
	       "                   the machine is an emulator that counts)\n"
	       "  --limit SECONDS  for one test, %u unless said\n"
	       "  --list           print the names of the tests\n",
	       name, device, limit);
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	if (!argc)
		return true;
	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return false;
}

/*
 * An emulator whose time stamp counter counts instructions is a slow machine:
 * there a loop of two instructions takes two ticks, on a CPU one or less.
 */
static bool slow_machine(void)
{
	unsigned long n = 50000, ticks;

	ticks = __rdtsc();
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(n));
	ticks = __rdtsc() - ticks;
	return ticks > 95000 && ticks < 150000;
}

int test_run(int argc, char **argv, const struct test *tests, size_t n)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "quick", no_argument, NULL, 'q' },
		{ "limit", required_argument, NULL, 'l' },
		{ "list", no_argument, NULL, 'L' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct timespec began, ended;
	size_t i, chosen = 0, number = 0, failed = 0, skipped = 0;
	int c;

	if (getenv("KVMLITE_DEV"))
		device = getenv("KVMLITE_DEV");
	quick = slow_machine();
	if (getenv("KVMLITE_QUICK"))
		quick = atoi(getenv("KVMLITE_QUICK"));
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'd':
			device = optarg;
			break;
		case 'q':
			quick = true;
			break;
		case 'l':
			limit = strtoul(optarg, NULL, 0);
			break;
		case 'L':
			for (i = 0; i < n; i++)
				puts(tests[i].name);
			return 0;
		case 'h':
			usage(argv[0]);
			return 0;
		default:
			usage(argv[0]);
			return 2;
		}
	}
	test_init();
	for (i = 0; i < n; i++)
		chosen += wanted(tests[i].name, argc - optind, argv + optind);
	printf("TAP version 13\n1..%zu\n", chosen);
	if (quick)
		diag("short loops");
	if (access(device, R_OK | W_OK)) {
		for (i = 0; i < chosen; i++)
			printf("ok %zu # SKIP %s: %s\n", i + 1, device,
			       strerror(errno));
		return 4;
	}
	for (i = 0; i < n; i++) {
		if (!wanted(tests[i].name, argc - optind, argv + optind))
			continue;
		number++;
		clock_gettime(CLOCK_MONOTONIC, &began);
		switch (run_one(&tests[i])) {
		case PASSED:
			printf("ok %zu %s\n", number, tests[i].name);
			break;
		case SKIPPED:
			skipped++;
			printf("ok %zu %s # SKIP %s\n", number, tests[i].name,
			       outcome->reason);
			break;
		case FAILED:
			failed++;
			printf("not ok %zu %s\n", number, tests[i].name);
			break;
		}
		clock_gettime(CLOCK_MONOTONIC, &ended);
		if (ended.tv_sec - began.tv_sec > 1)
			diag("that took %ld s", ended.tv_sec - began.tv_sec);
		fflush(stdout);
	}
	printf("# Totals: pass:%zu fail:%zu skip:%zu\n",
	       number - failed - skipped, failed, skipped);
	if (failed)
		return 1;
	return number && skipped == number ? 4 : 0;
}
