// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite vm balloon: how much memory a running machine has.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "../vmm/types.h"
#include "cmd.h"
#include "vm.h"

/**
 * struct balloon - what a machine answers, in bytes
 * @memory: what it was made with
 * @target: of that, what it was asked to give
 * @actual: what it has given
 * @released: what the host has got in all, by reports of free pages too
 */
struct balloon {
	unsigned long long memory, target, actual, released;
};

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return vl_error(ENAMETOOLONG, "%s", path);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return vl_error(errno, "socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int ret = vl_error(errno, "%s", path);

		close(fd);
		return ret;
	}
	return fd;
}

/* A line there, a line back. */
static int ask(FILE *f, const char *line, struct balloon *b)
{
	char text[256];

	if (fprintf(f, "%s\n", line) < 0 || fflush(f) ||
	    !fgets(text, sizeof(text), f))
		return vl_error(EPIPE, "the machine does not answer");
	text[strcspn(text, "\n")] = '\0';
	if (!strncmp(text, "error ", 6))
		return vl_error(0, "%s", text + 6);
	if (sscanf(text, "memory %llu target %llu actual %llu released %llu",
		   &b->memory, &b->target, &b->actual, &b->released) != 4)
		return vl_error(0, "no answer to be understood: %s", text);
	return 0;
}

/* Ask for @size, if it is not 0, then wait until it is so, or for @seconds. */
static int steer(FILE *f, u64 size, unsigned int seconds, struct balloon *b)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	char line[64];
	int ret;

	ret = ask(f, "balloon", b);
	if (ret || !size)
		return ret;
	if (size > b->memory)
		return vl_error(0, "the machine was made with %llu bytes",
				b->memory);
	snprintf(line, sizeof(line), "balloon %llu",
		 b->memory - (unsigned long long)size);
	ret = ask(f, line, b);
	for (unsigned int i = 0; !ret && b->actual != b->target && i < seconds * 10;
	     i++) {
		nanosleep(&pause, NULL);
		ret = ask(f, "balloon", b);
	}
	return ret;
}

static void print(const struct balloon *b)
{
	json_object *o;

	if (!json_output) {
		printf("memory %llu KiB of %llu, asked for %llu; released %llu\n",
		       (b->memory - b->actual) / KIB, b->memory / KIB,
		       (b->memory - b->target) / KIB, b->released / KIB);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "memory", json_object_new_uint64(b->memory));
	json_object_object_add(o, "target", json_object_new_uint64(b->target));
	json_object_object_add(o, "actual", json_object_new_uint64(b->actual));
	json_object_object_add(o, "released",
			       json_object_new_uint64(b->released));
	cmd_print_json(o);
}

int do_vm_balloon(int argc, char **argv)
{
	static const struct option options[] = {
		{ "wait", required_argument, NULL, 'w' },
		{},
	};
	unsigned int seconds = 0;
	struct balloon b;
	u64 size = 0;
	FILE *f;
	int fd, opt, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'w')
			return EXIT_USAGE;
		if (!parse_count(optarg, &seconds))
			return cmd_error("--wait %s: not a number of seconds",
					 optarg);
	}
	if (optind == argc)
		return cmd_error("vm balloon: which control socket?");
	if (argc - optind > 2)
		return cmd_error("vm balloon: unexpected \"%s\"",
				 argv[optind + 2]);
	if (argc - optind == 2 && !parse_size(argv[optind + 1], &size))
		return cmd_error("%s: not a size (256M, 2G)", argv[optind + 1]);

	fd = connect_to(argv[optind]);
	f = fd < 0 ? NULL : fdopen(fd, "r+");
	ret = f ? steer(f, size, seconds, &b) : -1;
	if (f)
		fclose(f);
	if (ret) {
		fprintf(stderr, "virtlite: %s\n", vl_message());
		return EXIT_FAILURE;
	}
	print(&b);
	if (seconds && b.actual != b.target) {
		fprintf(stderr, "virtlite: the guest is not there yet\n");
		return EXIT_FAILURE;
	}
	return 0;
}
