// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite gpu types, virtlite gpu slice: slices are mediated devices, made and
 * removed through sysfs as mdevctl does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/vgpu.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "gpu.h"

enum {
	OPT_UUID = 256,
	OPT_WEIGHT,
	OPT_SHARE,
	OPT_PRIORITY,
	OPT_DOORBELL_LIMIT,
	OPT_IRQ_LIMIT,
	OPT_FAULT_LIMIT,
	OPT_PERSONALITY,
	OPT_DISPLAY,
	OPT_MODE,
	OPT_CARVEOUT,
};

#define UUID_LEN 36

static const char * const types[] = { "1of16", "1of8", "1of4", "1of2", "1of1", NULL };
static const char * const personalities[] = { "compute", "display", NULL };
static const char * const displays[] = { "region", "dmabuf", NULL };

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return vl_error(errno, "%s", path);
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err ? vl_error(err, "%s", path) : 0;
}

static int read_line(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return vl_error(errno, "%s", path);
	if (!fgets(text, size, f))
		*text = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static void type_path(char *path, int id, const char *type, const char *file)
{
	snprintf(path, PATH_MAX, "/sys/class/vgpu/vgpu%d/mdev_supported_types/vgpu-%s/%s", id,
		 type, file);
}

int do_gpu_types(int argc, char **argv)
{
	char path[PATH_MAX], free_text[32], text[160];
	json_object *list = json_object_new_array();
	int id, ret, i;

	optind = 1;
	ret = gpu_take(argc, argv, "types", &id);
	if (!ret && optind < argc)
		ret = cmd_error("gpu types: unexpected \"%s\"", argv[optind]);
	for (i = 0; !ret && types[i]; i++) {
		json_object *o;

		type_path(path, id, types[i], "available_instances");
		ret = read_line(path, free_text, sizeof(free_text));
		type_path(path, id, types[i], "description");
		ret = ret ?: read_line(path, text, sizeof(text));
		if (ret)
			break;
		if (!json_output) {
			printf("%-6s %3s more  %s\n", types[i], free_text, text);
			continue;
		}
		o = json_object_new_object();
		json_object_object_add(o, "type", json_object_new_string(types[i]));
		json_object_object_add(o, "available", json_object_new_int(atoi(free_text)));
		json_object_object_add(o, "description", json_object_new_string(text));
		json_object_array_add(list, o);
	}
	if (!ret && json_output)
		cmd_print_json(list);
	else
		json_object_put(list);
	return ret < 0 ? gpu_failed() : ret;
}

/**
 * gpu_random_uuid() - a UUID that nothing has
 * @uuid: set to it
 * @size: room, at least 38
 */
int gpu_random_uuid(char *uuid, size_t size)
{
	return read_line("/proc/sys/kernel/random/uuid", uuid, size);
}

/**
 * gpu_slice_make() - make a slice, as mdevctl does it
 * @id: number of the GPU
 * @type: its type, one of 1of16 to 1of1
 * @uuid: what it will be called
 */
int gpu_slice_make(int id, const char *type, const char *uuid)
{
	char path[PATH_MAX];
	__u32 n;

	if (!gpu_parse_name(type, types, &n))
		return vl_error(0, "\"%s\" is no type: 1of16, 1of8, 1of4, 1of2, 1of1", type);
	type_path(path, id, type, "create");
	return write_file(path, uuid);
}

/**
 * gpu_slice_remove() - remove a slice
 * @uuid: what it is called
 */
int gpu_slice_remove(const char *uuid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", uuid);
	return write_file(path, "1");
}

static int do_add(int argc, char **argv)
{
	static const struct option options[] = { { "uuid", required_argument, NULL, OPT_UUID },
						 {} };
	char uuid[UUID_LEN + 2] = "";
	int opt, id, ret;
	__u32 type;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_UUID)
			return EXIT_USAGE;
		if (strlen(optarg) != UUID_LEN)
			return cmd_error("--uuid %s: not a UUID", optarg);
		memcpy(uuid, optarg, UUID_LEN + 1);
	}
	ret = gpu_take(argc, argv, "slice add", &id);
	if (ret)
		return ret;
	if (optind >= argc || !gpu_parse_name(argv[optind], types, &type))
		return cmd_error("gpu slice add: which type (1of16, 1of8, 1of4, 1of2, 1of1)?");
	if (++optind < argc)
		return cmd_error("gpu slice add: unexpected \"%s\"", argv[optind]);
	ret = *uuid ? 0 : gpu_random_uuid(uuid, sizeof(uuid));
	ret = ret ?: gpu_slice_make(id, types[type], uuid);
	if (ret)
		return gpu_failed();
	if (json_output) {
		json_object *o = json_object_new_object();

		json_object_object_add(o, "uuid", json_object_new_string(uuid));
		cmd_print_json(o);
	} else {
		printf("%s\n", uuid);
	}
	return 0;
}

static int do_del(int argc, char **argv)
{
	if (argc != 2 || strlen(argv[1]) != UUID_LEN || strchr(argv[1], '/'))
		return cmd_error("gpu slice del: which slice, by its UUID?");
	return gpu_slice_remove(argv[1]) ? gpu_failed() : 0;
}

static int number_option(struct vgpu_slice_set *s, int opt, __u32 n)
{
	static const __u32 flags[] = {
		VGPU_SLICE_WEIGHT, VGPU_SLICE_SHARE, VGPU_SLICE_PRIORITY,
		VGPU_SLICE_DOORBELL_LIMIT, VGPU_SLICE_IRQ_LIMIT, VGPU_SLICE_FAULT_LIMIT,
	};
	__u32 *fields[] = {
		&s->weight, &s->share, &s->priority, &s->doorbell_limit, &s->irq_limit,
		&s->fault_limit,
	};

	*fields[opt - OPT_WEIGHT] = n;
	s->flags |= flags[opt - OPT_WEIGHT];
	return 0;
}

static int set_option(struct vgpu_slice_set *s, int opt, const char *name)
{
	__u64 bytes;
	__u32 n;
	char end;

	switch (opt) {
	case OPT_PERSONALITY:
		if (!gpu_parse_name(optarg, personalities, &s->personality))
			return cmd_error("--%s %s: compute or display", name, optarg);
		s->flags |= VGPU_SLICE_PERSONALITY;
		return 0;
	case OPT_DISPLAY:
		if (!gpu_parse_name(optarg, displays, &s->display))
			return cmd_error("--%s %s: region or dmabuf", name, optarg);
		s->flags |= VGPU_SLICE_DISPLAY;
		return 0;
	case OPT_MODE:
		if (sscanf(optarg, "%ux%u%c", &s->width, &s->height, &end) != 2)
			return cmd_error("--%s %s: not a mode (1024x768)", name, optarg);
		s->flags |= VGPU_SLICE_MODE;
		return 0;
	case OPT_CARVEOUT:
		if (!gpu_parse_size(optarg, &bytes))
			return cmd_error("--%s %s: not a size (64M, 1G)", name, optarg);
		s->carveout = bytes;
		s->flags |= VGPU_SLICE_CARVEOUT;
		return 0;
	}
	if (!gpu_parse_number(optarg, &n))
		return cmd_error("--%s %s: not a number", name, optarg);
	return number_option(s, opt, n);
}

/**
 * gpu_parse_slice_set() - read the options that say what a slice is to be
 * @argc: words
 * @argv: words, the verb first; those that are no options are left to optind
 * @set: filled in but for the numbers of GPU and slice
 *
 * Return: 0 or EXIT_USAGE.
 */
int gpu_parse_slice_set(int argc, char **argv, struct vgpu_slice_set *set)
{
	static const struct option options[] = {
		{ "weight", required_argument, NULL, OPT_WEIGHT },
		{ "share", required_argument, NULL, OPT_SHARE },
		{ "priority", required_argument, NULL, OPT_PRIORITY },
		{ "doorbell-limit", required_argument, NULL, OPT_DOORBELL_LIMIT },
		{ "irq-limit", required_argument, NULL, OPT_IRQ_LIMIT },
		{ "fault-limit", required_argument, NULL, OPT_FAULT_LIMIT },
		{ "personality", required_argument, NULL, OPT_PERSONALITY },
		{ "display", required_argument, NULL, OPT_DISPLAY },
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "carveout", required_argument, NULL, OPT_CARVEOUT },
		{},
	};
	struct vgpu_slice_set s = {};
	int opt, index, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		ret = set_option(&s, opt, options[index].name);
		if (ret)
			return ret;
	}
	*set = s;
	return 0;
}

static int do_set(int argc, char **argv)
{
	struct vgpu_slice_set s;
	int ret, fd, id;
	__u32 nr;

	ret = gpu_parse_slice_set(argc, argv, &s);
	if (ret)
		return ret;
	ret = gpu_take(argc, argv, "slice set", &id);
	if (ret)
		return ret;
	if (optind + 1 != argc || !gpu_parse_number(argv[optind], &nr))
		return cmd_error("gpu slice set: which slice, by its number?");
	if (!s.flags)
		return cmd_error("gpu slice set: set what?");
	s.id = id;
	s.slice = nr;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	ret = vl_vgpu_slice_set(fd, &s);
	close(fd);
	return ret ? gpu_failed() : 0;
}

static int do_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: virtlite gpu slice add|del|set …: see virtlite gpu help\n");
	return 0;
}

int do_gpu_slice(int argc, char **argv)
{
	static const struct cmd verbs[] = {
		{ "add", do_add }, { "del", do_del }, { "set", do_set }, { "help", do_help },
		{ NULL, NULL },
	};

	return cmd_select(verbs, argc - 1, argv + 1, do_help, "gpu slice verb");
}
