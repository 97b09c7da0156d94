// SPDX-License-Identifier: GPL-2.0
/*
 * What happened, for people (a short table) and for benchmarks (one line of
 * JSON), on stderr: stdout is the guest's.
 *
 * Exits to this process are counted here. What the hypervisor did without us
 * it counts itself: by its statistics descriptors if it has them, and in
 * debugfs.
 */
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vm.h"

#define DEBUGFS		"/sys/kernel/debug"

static const char *const why_text[] = {
	[VMM_POWEROFF] = "the guest switched itself off",
	[VMM_RESET] = "the guest asked for a reset",
	[VMM_CRASHED] = "the guest crashed (triple fault)",
	[VMM_STOPPED] = "the hypervisor could not go on",
	[VMM_QUIT] = "stopped from outside",
};

/* Add to a counter: those of several vCPUs become one. */
static void add_counter(const char *name, __u64 value, void *data)
{
	json_object *all = data, *old;

	if (json_object_object_get_ex(all, name, &old))
		value += json_object_get_uint64(old);
	json_object_object_add(all, name, json_object_new_uint64(value));
}

static void read_debugfs_file(int dir, const char *name, json_object *all)
{
	char key[128], line[256];
	FILE *f;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return;
	}
	/* Either a number, then the file's name is the counter's, or lines of
	 * name and number.
	 */
	while (fgets(line, sizeof(line), f)) {
		unsigned long long value;

		if (sscanf(line, "%llu", &value) == 1)
			add_counter(name, value, all);
		else if (sscanf(line, "%127[^ :=\t]%*[ :=\t]%llu", key, &value) == 2)
			add_counter(key, value, all);
	}
	fclose(f);
}

/*
 * Files and, at the top, folders whose names begin with @prefix: a VM's folder
 * is named after the process that made it and some number; each of its files
 * is about the VM or one vCPU.
 */
static void read_debugfs_dir(int at, const char *path, const char *prefix,
			     json_object *all)
{
	struct dirent *e;
	DIR *dir;
	int fd;

	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_REG && !prefix)
			read_debugfs_file(fd, e->d_name, all);
		else if (e->d_type == DT_DIR && prefix &&
			 !strncmp(e->d_name, prefix, strlen(prefix)))
			read_debugfs_dir(fd, e->d_name, NULL, all);
	}
	closedir(dir);
}

/* The hypervisor's counters, those of all vCPUs summed up. */
static json_object *kernel_counters(const struct vm *vm)
{
	json_object *all = json_object_new_object();
	const char *base = strrchr(vm->cfg->device, '/');
	char path[PATH_MAX], prefix[32];

	if (vl_stats_read(vm->vm_fd, add_counter, all) >= 0) {
		for (unsigned int i = 0; i < vm->nr_vcpus; i++)
			vl_stats_read(vm->vcpus[i].fd, add_counter, all);
		return all;
	}
	snprintf(path, sizeof(path), DEBUGFS "/%s",
		 base ? base + 1 : vm->cfg->device);
	snprintf(prefix, sizeof(prefix), "%d-", getpid());
	read_debugfs_dir(AT_FDCWD, path, prefix, all);
	return all;
}

static json_object *user_exits(const struct vm *vm)
{
	json_object *all = json_object_new_object();

	for (unsigned int r = 0; r < VCPU_EXITS; r++)
		for (unsigned int i = 0; i < vm->nr_vcpus; i++)
			if (vm->vcpus[i].exits[r])
				add_counter(vl_exit_name(r),
					    vm->vcpus[i].exits[r], all);
	return all;
}

static json_object *mark(const struct vm *vm)
{
	const struct console *c = &vm->console;
	json_object *o;

	if (!c->mark_ns)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "text", json_object_new_string(c->mark));
	json_object_object_add(o, "ns", json_object_new_uint64
			       (c->mark_ns - vm->start_ns));
	json_object_object_add(o, "ticks", json_object_new_uint64
			       (c->mark_tsc - vm->start_tsc));
	return o;
}

static void print_json(const struct vm *vm, enum vmm_status why, u64 ns,
		       u64 ticks)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "device",
			       json_object_new_string(vm->cfg->device));
	json_object_object_add(o, "status", json_object_new_int(why));
	json_object_object_add(o, "why",
			       json_object_new_string(why_text[why]));
	json_object_object_add(o, "ns", json_object_new_uint64(ns));
	json_object_object_add(o, "ticks", json_object_new_uint64(ticks));
	json_object_object_add(o, "mark", mark(vm));
	json_object_object_add(o, "user_exits", user_exits(vm));
	json_object_object_add(o, "counters", kernel_counters(vm));
	fprintf(stderr, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

static void print_counters(const char *title, json_object *all)
{
	int width = 0;

	json_object_object_foreach(all, name, value) {
		unsigned long long v = json_object_get_uint64(value);

		if (!v)
			continue;
		/* Several to a line, as far as 80 columns go. */
		if (!width || width + strlen(name) > 54) {
			fprintf(stderr, "%s  %-14s", width ? "\n" : "",
				width ? "" : title);
			width = 0;
		}
		width += fprintf(stderr, " %s %llu", name, v);
	}
	if (width)
		fprintf(stderr, "\n");
	json_object_put(all);
}

static void print_text(const struct vm *vm, enum vmm_status why, u64 ns,
		       u64 ticks)
{
	const struct console *c = &vm->console;

	fprintf(stderr, "virtlite: %s after %.3f s (status %d)\n",
		why_text[why], ns / 1e9, why);
	fprintf(stderr, "  %-14s %s, %u CPU%s, %llu MiB\n", "hypervisor",
		vm->cfg->device, vm->cfg->cpus, vm->cfg->cpus == 1 ? "" : "s",
		vm->cfg->mem / MIB);
	if (c->mark_ns)
		fprintf(stderr, "  %-14s %.3f s, %llu TSC ticks (\"%s\")\n",
			"time to /init", (c->mark_ns - vm->start_ns) / 1e9,
			(unsigned long long)(c->mark_tsc - vm->start_tsc),
			c->mark);
	fprintf(stderr, "  %-14s %llu\n", "TSC ticks",
		(unsigned long long)ticks);
	print_counters("exits to user", user_exits(vm));
	print_counters("in the kernel", kernel_counters(vm));
}

/**
 * summary_print() - say what happened, as the configuration asks
 * @vm: machine, stopped, with its descriptors still open
 * @why: why it stopped
 * @end_ns: CLOCK_MONOTONIC then
 * @end_tsc: time stamp counter then
 */
void summary_print(const struct vm *vm, enum vmm_status why, u64 end_ns,
		   u64 end_tsc)
{
	u64 ns = end_ns - vm->start_ns, ticks = end_tsc - vm->start_tsc;

	if (vm->cfg->json)
		print_json(vm, why, ns, ticks);
	else
		print_text(vm, why, ns, ticks);
}
