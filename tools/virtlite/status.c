// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite status: the modules, and what there is of each, at a glance.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/vblk.h"
#include "../lib/vgpu.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "switch.h"
#include "up.h"

#define VM_COUNTERS	"/sys/kernel/debug/kvmlite"

static void add_text(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_number(json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_uint64(n));
}

/* One line of a file, or "". */
static const char *line_of(char *text, size_t size, const char *path)
{
	FILE *f;

	*text = '\0';
	f = fopen(path, "re");
	if (f && !fgets(text, size, f))
		*text = '\0';
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* What cannot be looked at has its reason in place of its list. */
static int refused(json_object *module)
{
	add_text(module, "error", vl_message());
	return -1;
}

/* ------------------------------------------------- what there is of each */

static unsigned int count_vcpus(const char *name)
{
	char path[PATH_MAX];
	struct dirent *e;
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", VM_COUNTERS, name);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += !strncmp(e->d_name, "vcpu", 4);
	if (d)
		closedir(d);
	return n;
}

/* The module shows its machines in debugfs, each as PROCESS-NUMBER, and nowhere else. */
static int list_vms(json_object *module, json_object *list)
{
	DIR *d = opendir(VM_COUNTERS);
	struct dirent *e;
	char path[64], comm[64];
	int pid;

	if (!d) {
		vl_error(errno, "%s", VM_COUNTERS);
		return refused(module);
	}
	while ((e = readdir(d))) {
		json_object *o;

		if (sscanf(e->d_name, "%d-", &pid) != 1)
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "process", json_object_new_int(pid));
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		add_text(o, "command", line_of(comm, sizeof(comm), path));
		add_number(o, "vcpus", count_vcpus(e->d_name));
		json_object_array_add(list, o);
	}
	closedir(d);
	return 0;
}

static int list_switches(json_object *module, json_object *list)
{
	int fd = vl_switch_open(), n;
	unsigned int *found;

	n = fd < 0 ? fd : vl_switch_list(fd, 0, &found);
	if (n < 0) {
		if (fd >= 0)
			close(fd);
		return refused(module);
	}
	for (int i = 0; i < n; i++) {
		struct vswitch_switch s = { .head = head_of(vswitch_switch, found[i]) };
		json_object *o;

		/* It may have gone since. */
		if (call(fd, VSWITCH_GET, &s, "switch"))
			continue;
		o = json_object_new_object();
		add_text(o, "name", (char *)s.name);
		/* The switch itself is one. */
		add_number(o, "ports", s.nr_ports ? s.nr_ports - 1 : 0);
		add_number(o, "addresses", s.fdb_count);
		json_object_array_add(list, o);
	}
	free(found);
	close(fd);
	return 0;
}

static int list_disks(json_object *module, json_object *list)
{
	int fd = vl_vblk_open(), ret;
	struct vblk_query q;
	char name[16];

	if (fd < 0)
		return refused(module);
	for (int id = 0; !(ret = vl_vblk_query(fd, id, VBLK_QUERY_NEXT, &q)); id = q.id + 1) {
		static const char *const backings[] = { "?", "ram", "file", "block", "image" };
		json_object *o = json_object_new_object();
		__u32 backing = q.format == VBLK_FORMAT_IMAGE ? VBLK_BACKING_IMAGE : q.backing;

		snprintf(name, sizeof(name), "vblk%d", q.id);
		add_text(o, "name", name);
		add_number(o, "size", q.length);
		add_text(o, "backing", backings[backing < 5 ? backing : 0]);
		add_number(o, "openers", q.openers);
		json_object_array_add(list, o);
	}
	close(fd);
	return ret == -ENOENT ? 0 : refused(module);
}

static int list_gpus(json_object *module, json_object *list)
{
	int fd = vl_vgpu_open(), ret;
	struct vgpu_query q;
	char name[16];

	if (fd < 0)
		return refused(module);
	for (int id = 0; !(ret = vl_vgpu_query(fd, id, VGPU_QUERY_NEXT, &q)); id = q.id + 1) {
		json_object *o = json_object_new_object();

		snprintf(name, sizeof(name), "vgpu%d", q.id);
		add_text(o, "name", name);
		add_number(o, "vram", q.vram);
		add_number(o, "slices", __builtin_popcount(q.slices));
		add_number(o, "open", __builtin_popcount(q.open));
		json_object_array_add(list, o);
	}
	close(fd);
	return ret == -ENOENT ? 0 : refused(module);
}

static const struct {
	const char *module;
	const char *objects;
	int (*list)(json_object *module, json_object *list);
} modules[] = {
	{ "kvmlite", "vms", list_vms },
	{ "vswitch", "switches", list_switches },
	{ "vblk", "disks", list_disks },
	{ "vgpu_mdev", "gpus", list_gpus },
};

#define NR_MODULES	(sizeof(modules) / sizeof(modules[0]))

static json_object *look_at(unsigned int i)
{
	json_object *o = json_object_new_object(), *list;
	const char *name = modules[i].module;
	char path[PATH_MAX], text[64];
	bool loaded;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	loaded = !access(path, F_OK);
	add_text(o, "module", name);
	json_object_object_add(o, "loaded", json_object_new_boolean(loaded));
	if (!loaded)
		return o;
	snprintf(path, sizeof(path), "/sys/module/%s/srcversion", name);
	add_text(o, "version", line_of(text, sizeof(text), path));
	list = json_object_new_array();
	modules[i].list(o, list);
	json_object_object_add(o, modules[i].objects, list);
	return o;
}

/* ---------------------------------------------------------- what up made */

static json_object *look_at_stack(const char *path)
{
	json_object *root = json_object_from_file(path), *o;
	struct stack record;
	unsigned int guests = 0, running = 0;

	if (!root || stack_from_json(root, &record)) {
		json_object_put(root);
		return NULL;
	}
	for (size_t i = 0; i < record.nr; i++) {
		const struct stack_object *g = &record.objects[i];

		if (g->kind != STACK_GUEST)
			continue;
		guests++;
		running += g->place && up_guest_pid(g->place) > 0;
	}
	o = json_object_new_object();
	add_text(o, "name", record.name);
	add_number(o, "objects", record.nr);
	add_number(o, "guests", guests);
	add_number(o, "running", running);
	stack_free(&record);
	json_object_put(root);
	return o;
}

static json_object *look_at_stacks(void)
{
	json_object *list = json_object_new_array();
	DIR *d = opendir(up_state);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name);
		char path[PATH_MAX];
		json_object *o;

		if (len < 6 || strcmp(e->d_name + len - 5, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", up_state, e->d_name);
		o = look_at_stack(path);
		if (o)
			json_object_array_add(list, o);
	}
	if (d)
		closedir(d);
	return list;
}

/* -------------------------------------------------------------- a table */

static const char *text_of(json_object *o, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(o, key));

	return text ? text : "";
}

static void print_module(unsigned int i, json_object *o)
{
	json_object *list = json_object_object_get(o, modules[i].objects);
	size_t n = list ? json_object_array_length(list) : 0;
	char count[64] = "";

	if (json_object_object_get(o, "error"))
		snprintf(count, sizeof(count), "?");
	else if (list)
		snprintf(count, sizeof(count), "%zu %s", n, modules[i].objects);
	printf("%-10s %-11s %-24s %s\n", modules[i].module, list ? "loaded" : "not loaded",
	       text_of(o, "version"), count);
	if (json_object_object_get(o, "error"))
		printf("  %s\n", text_of(o, "error"));
	for (size_t k = 0; k < n; k++) {
		json_object *one = json_object_array_get_idx(list, k);

		printf(" ");
		json_object_object_foreach(one, key, v) {
			if (!strcmp(key, "name"))
				printf(" %-16s", json_object_get_string(v));
			else
				printf(" %s %s", key, json_object_get_string(v));
		}
		printf("\n");
	}
}

static void print_stacks(json_object *list)
{
	size_t n = json_object_array_length(list);

	for (size_t i = 0; i < n; i++) {
		json_object *o = json_object_array_get_idx(list, i);

		printf("%s is up: %s objects, %s of %s guests running\n", text_of(o, "name"),
		       text_of(o, "objects"), text_of(o, "running"), text_of(o, "guests"));
	}
}

int do_status(int argc, char **argv)
{
	static const struct option options[] = { { "state", required_argument, NULL, 's' }, {} };
	json_object *all, *list, *stacks;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 's')
			return EXIT_USAGE;
		up_state = optarg;
	}
	if (optind < argc)
		return cmd_error("status: unexpected \"%s\"", argv[optind]);
	list = json_object_new_array();
	if (!json_output)
		printf("%-10s %-11s %-24s %s\n", "MODULE", "", "VERSION", "");
	for (unsigned int i = 0; i < NR_MODULES; i++) {
		json_object *o = look_at(i);

		json_object_array_add(list, o);
		if (!json_output)
			print_module(i, o);
	}
	stacks = look_at_stacks();
	if (!json_output)
		print_stacks(stacks);
	all = json_object_new_object();
	json_object_object_add(all, "modules", list);
	json_object_object_add(all, "up", stacks);
	if (json_output)
		cmd_print_json(all);
	else
		json_object_put(all);
	return 0;
}
