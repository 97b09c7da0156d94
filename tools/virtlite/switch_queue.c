// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite switch queue: a queue port for a program that takes the descriptor
 * of a tap device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cmd.h"
#include "switch.h"

#define FIRST_FD 3
#define MAX_QUEUES 16

/* The number of words before "--", which becomes NULL; -1 without one. */
static int split(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--") && argv[i + 1])
			return i;
	return -1;
}

/* Take "queues N" out of the words. Exit status. */
static int take_queues(struct words *w, unsigned int *queues)
{
	*queues = 1;
	if (!w->argc || !word_is(w->argv[0], "queues"))
		return 0;
	next_word(w);
	if (!parse_u32(next_word(w), queues) || !*queues || *queues > MAX_QUEUES)
		return cmd_error("queues: a number from 1 to %d", MAX_QUEUES);
	return 0;
}

/*
 * Descriptors from 3 on for a program that inherits them. They come from above,
 * where none of the targets is, and take our own place.
 */
static int place(int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + n);
		if (fds[i] < 0)
			return vl_error(errno, "descriptors");
	}
	for (unsigned int i = 0; i < n; i++)
		if (dup2(fds[i], FIRST_FD + i) < 0)
			return vl_error(errno, "descriptors");
	return 0;
}

static int open_queues(int fd, struct port_request *r, int *fds, unsigned int n)
{
	if (call(fd, VSWITCH_ADD_PORT, &r->port, "queue") || set_rest(fd, r))
		return -1;
	fds[0] = r->port.fd;
	for (unsigned int i = 1; i < n; i++) {
		struct vswitch_port_id q = {
			.head = { .size = sizeof(q), .ifindex = r->port.head.ifindex },
			.port = r->port.port,
		};

		if (call(fd, VSWITCH_ADD_QUEUE, &q, "queue"))
			return -1;
		fds[i] = q.fd;
	}
	return place(fds, n);
}

int do_switch_queue(int argc, char **argv)
{
	int end = split(argc, argv), fd, ret, fds[MAX_QUEUES];
	struct words w = { end - 1, argv + 1 };
	struct port_request r;
	unsigned int sw, n;

	if (end < 1)
		return cmd_error("\"-- COMMAND\" is missing");
	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	r = new_request(sw);
	r.port.kind = VSWITCH_KIND_QUEUE;
	snprintf((char *)r.port.name, sizeof(r.port.name), "%s", argv[end + 1]);
	ret = take_queues(&w, &n);
	if (!ret)
		ret = parse_port(&w, &r);
	/* A port goes with its queues, and they with this process. */
	if (!ret && open_queues(fd, &r, fds, n))
		ret = failed();
	if (!ret) {
		execvp(argv[end + 1], argv + end + 1);
		vl_error(errno, "%s", argv[end + 1]);
		ret = failed();
	}
	return ret;
}
