// SPDX-License-Identifier: GPL-2.0
/*
 * Mitigations between guest and host: what the module says it does, its counters
 * show. Run plainly it holds the two against each other, whatever they are; with
 * names in EXPECT ("l1d_flush verw") those must be among them: host/mitigations.
 */
#include <dirent.h>
#include <limits.h>

#include <virtlite/kvmlite.h>

#include "vm.h"

/* A counter for each action; some actions share one. */
static const struct action {
	const char *name, *counter;
	uint64_t bits;
} actions[] = {
	{ "l1d_flush", "l1d_flush", KVMLITE_MITIGATION_L1D_FLUSH },
	{ "verw", "verw", KVMLITE_MITIGATION_VERW | KVMLITE_MITIGATION_VERW_MMIO },
	{ "ibpb", "ibpb", KVMLITE_MITIGATION_IBPB },
	{ "rsb_fill", "rsb_fill", KVMLITE_MITIGATION_RSB_FILL |
				  KVMLITE_MITIGATION_RSB_ONE },
	{ "spec_ctrl", "spec_ctrl", KVMLITE_MITIGATION_SPEC_CTRL },
	{ "bhb_clear", "bhb_clear", KVMLITE_MITIGATION_BHB_CLEAR },
	{ "ibpb_user", "ibpb_user", KVMLITE_MITIGATION_IBPB_USER },
	{ "untrain", "untrain", KVMLITE_MITIGATION_UNTRAIN },
	{ "ibpb_exit", "ibpb_exit", KVMLITE_MITIGATION_IBPB_EXIT },
};

static struct kvmlite_info get_info(void)
{
	struct kvmlite_info info = { .size = sizeof(info) };
	int fd = kvm_open();

	OK(ioctl(fd, KVMLITE_GET_INFO, &info));
	EQ(info.size, sizeof(info));
	close(fd);
	return info;
}

/* The sum over this process's VMs, each with one vCPU. */
static uint64_t counter(const char *name)
{
	char prefix[32], path[PATH_MAX], line[64], key[32];
	unsigned long long value, sum = 0;
	bool found = false;
	struct dirent *e;
	FILE *f;
	DIR *d;

	snprintf(prefix, sizeof(prefix), "%d-", getpid());
	d = opendir("/sys/kernel/debug/kvmlite");
	if (!d)
		test_skip("debugfs: %s", strerror(errno));
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/debug/kvmlite/%s/vcpu0",
			 e->d_name);
		f = fopen(path, "r");
		REQUIRE(f, "%s: %s", path, strerror(errno));
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%31s %llu", key, &value) != 2 ||
			    strcmp(key, name))
				continue;
			sum += value;
			found = true;
		}
		fclose(f);
	}
	closedir(d);
	REQUIRE(found, "there is no counter %s", name);
	return sum;
}

/* Thousands of exits that the host serves without interrupts, then one. */
GUEST(64, cpuids,
      "mov $20000, %esi\n"
      "1: xor %eax, %eax\n"
      "xor %ecx, %ecx\n"
      "cpuid\n"
      "dec %esi\n"
      "jnz 1b\n"
      "hlt\n");

GUEST(64, stores,
      "mov $0xd0000000, %ebx\n"
      "1: mov %eax, (%rbx)\n"
      "jmp 1b\n");

static void counters_show_it(void)
{
	const char *expect = getenv("EXPECT") ?: "";
	struct kvmlite_info info;
	struct vcpu *a, *b;
	uint64_t n;
	size_t i;

	if (!is_kvmlite())
		test_skip("kvmlite's own");
	info = get_info();
	a = guest(64, stores);
	b = guest(64, stores);
	for (i = 0; i < 50; i++) {
		RUN_TO(a, KVM_EXIT_MMIO);
		RUN_TO(b, KVM_EXIT_MMIO);
	}
	CHECK(counter("entries") >= 100, "only %lu entries", counter("entries"));
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		n = counter(actions[i].counter);
		if (strstr(expect, actions[i].name))
			CHECK(info.mitigations & actions[i].bits,
			      "%s is not in effect", actions[i].name);
		if (info.mitigations & actions[i].bits)
			CHECK(n >= 100, "%s: done %lu times", actions[i].name, n);
		else
			EQ(n, 0);
		diag("%-10s %lu", actions[i].name, n);
	}
	diag("bugs 0x%llx, exposed 0x%llx", info.bugs, info.exposed);
	EQ(info.exposed & ~info.bugs, 0);
}

/* Short handlers leave the L1D as it was: no flush, unless for an interrupt. */
static void no_flush_in_short_handlers(void)
{
	struct vcpu *v;
	uint64_t n;

	if (!is_kvmlite() ||
	    !(get_info().mitigations & KVMLITE_MITIGATION_L1D_FLUSH) ||
	    (get_info().mitigations & KVMLITE_MITIGATION_L1D_ALWAYS))
		test_skip("no conditional flush of the L1D here");
	v = guest(64, cpuids);
	RUN_TO(v, KVM_EXIT_HLT);
	n = counter("l1d_flush");
	CHECK(n >= 1 && n < counter("entries") / 4, "%lu flushes in %lu entries", n,
	      counter("entries"));
}

static void info_sizes(void)
{
	struct kvmlite_info info = { .size = 4 };
	int fd = kvm_open();

	if (!is_kvmlite())
		test_skip("kvmlite's own");
	FAILS(ioctl(fd, KVMLITE_GET_INFO, &info), EINVAL);
	/* A program built with the first version of the struct. */
	memset(&info, 0xa5, sizeof(info));
	info.size = offsetof(struct kvmlite_info, mitigations);
	OK(ioctl(fd, KVMLITE_GET_INFO, &info));
	EQ(info.size, offsetof(struct kvmlite_info, mitigations));
	EQ(info.mitigations, 0xa5a5a5a5a5a5a5a5ULL);
	/* One from the future. */
	info.size = 4096;
	OK(ioctl(fd, KVMLITE_GET_INFO, &info));
	EQ(info.size, sizeof(info));
}

static const struct test tests[] = {
	{ "counters_show_it", counters_show_it },
	{ "no_flush_in_short_handlers", no_flush_in_short_handlers },
	{ "info_sizes", info_sizes },
};

TEST_SUITE(tests);
