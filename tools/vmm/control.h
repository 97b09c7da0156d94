/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_CONTROL_H
#define VMM_CONTROL_H

#include <poll.h>
#include <sys/un.h>

#include "types.h"

struct vm;
struct virtio_balloon;

#define CONTROL_LINE	64

/**
 * struct control - the socket by which a running VM is told things
 * @vm: machine; NULL if there is no socket
 * @balloon: the device that the one command is about
 * @addr: where it is
 * @listen_fd: for the next client
 * @client_fd: the one being served, or -1
 * @line: what it has said so far
 * @len: bytes of that
 *
 * A client sends a line, "balloon" or "balloon BYTES", and gets one back, as of
 * then: the words of struct balloon_state, each with its number of bytes, or
 * "error" and what is wrong. The main thread alone uses it.
 */
struct control {
	struct vm *vm;
	struct virtio_balloon *balloon;
	struct sockaddr_un addr;
	int listen_fd;
	int client_fd;
	char line[CONTROL_LINE];
	size_t len;
};

int control_init(struct vm *vm, struct virtio_balloon *balloon);
void control_exit(struct control *c);
void control_prepare(const struct control *c, struct pollfd *fd);
void control_serve(struct control *c, const struct pollfd *fd);

#endif /* VMM_CONTROL_H */
