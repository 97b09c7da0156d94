// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket: one client at a time, one line at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "virtio.h"
#include "vm.h"

static void drop_client(struct control *c)
{
	close(c->client_fd);
	c->client_fd = -1;
	c->len = 0;
}

/* Return: NULL, or what is wrong with the command. */
static const char *obey(struct control *c, const char *line)
{
	u64 size, mem = c->vm->cfg->mem;
	char *end;

	if (strncmp(line, "balloon", 7) || (line[7] && line[7] != ' '))
		return "unknown command";
	if (!line[7])
		return NULL;
	errno = 0;
	size = strtoull(line + 8, &end, 10);
	if (errno || *end || end == line + 8 || line[8] == '-')
		return "not a number of bytes";
	if (size >= mem)
		return "the guest has less memory than that";
	virtio_balloon_set(c->balloon, size);
	return NULL;
}

static void answer(struct control *c, const char *line)
{
	const char *wrong = obey(c, line);
	struct balloon_state s;
	char text[160];
	int n;

	if (wrong) {
		n = snprintf(text, sizeof(text), "error %s\n", wrong);
	} else {
		virtio_balloon_get(c->balloon, &s);
		n = snprintf(text, sizeof(text),
			     "memory %llu target %llu actual %llu released %llu\n",
			     (unsigned long long)c->vm->cfg->mem,
			     (unsigned long long)s.target,
			     (unsigned long long)s.actual,
			     (unsigned long long)s.released);
	}
	/* Who does not read its answers is not worth waiting for. */
	if (send(c->client_fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
		drop_client(c);
}

static void hear(struct control *c)
{
	char *end;
	ssize_t n;

	n = recv(c->client_fd, c->line + c->len, sizeof(c->line) - c->len,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_client(c);
		return;
	}
	c->len += n;
	while (c->client_fd >= 0 && (end = memchr(c->line, '\n', c->len))) {
		*end++ = '\0';
		answer(c, c->line);
		c->len -= min_t(size_t, c->len, end - c->line);
		memmove(c->line, end, c->len);
	}
	if (c->client_fd >= 0 && c->len == sizeof(c->line))
		drop_client(c);
}

/**
 * control_prepare() - say what the main thread is to wait for
 * @c: control, also without a socket
 * @fd: set up; its fd is -1 if there is nothing
 */
void control_prepare(const struct control *c, struct pollfd *fd)
{
	int want = -1;

	if (c->vm)
		want = c->client_fd >= 0 ? c->client_fd : c->listen_fd;
	*fd = (struct pollfd){ want, POLLIN, 0 };
}

/**
 * control_serve() - take or hear a client after poll() has returned
 * @c: control
 * @fd: from control_prepare(), with the result
 */
void control_serve(struct control *c, const struct pollfd *fd)
{
	if (fd->fd < 0 || !fd->revents)
		return;
	if (c->client_fd >= 0)
		hear(c);
	else
		c->client_fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

/**
 * control_init() - open the socket that the configuration names
 * @vm: machine
 * @balloon: its balloon
 *
 * Only this user can connect. A file that is there already is left alone.
 */
int control_init(struct vm *vm, struct virtio_balloon *balloon)
{
	struct control *c = &vm->control;
	const char *path = vm->cfg->control;
	mode_t mask;
	int ret;

	c->client_fd = -1;
	c->balloon = balloon;
	c->addr.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(c->addr.sun_path))
		return vl_error(ENAMETOOLONG, "control socket %s", path);
	strcpy(c->addr.sun_path, path);
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      0);
	if (c->listen_fd < 0)
		return vl_error(errno, "control socket");
	mask = umask(0177);
	ret = bind(c->listen_fd, (struct sockaddr *)&c->addr, sizeof(c->addr));
	umask(mask);
	if (ret || listen(c->listen_fd, 4)) {
		ret = vl_error(errno, "control socket %s", path);
		close(c->listen_fd);
		return ret;
	}
	c->vm = vm;
	return 0;
}

/**
 * control_exit() - close and remove the socket
 * @c: control, also when control_init() failed or never ran
 */
void control_exit(struct control *c)
{
	if (!c->vm)
		return;
	if (c->client_fd >= 0)
		drop_client(c);
	unlink(c->addr.sun_path);
	close(c->listen_fd);
	c->vm = NULL;
}
