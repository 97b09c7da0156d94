// SPDX-License-Identifier: GPL-2.0
/* What it costs to carry a stream from one network namespace to another. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ends.h"

#define PORT 5001
#define DATAGRAM 1400
#define IN_FLIGHT 32

static char buf[1 << 16];

/* A socket of a namespace of "ip netns". */
static int socket_in(const char *netns, int type)
{
	struct timeval patience = { .tv_sec = 20 };
	char path[64];
	int ns, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(path);
	close(ns);
	fd = socket(AF_INET, type, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)))
		die("socket");
	return fd;
}

/* Sender and receiver are two processes, and both of their costs count. */
static unsigned long long tcp(int from, int to, struct sockaddr_in *a, unsigned long total)
{
	unsigned long long begun;
	unsigned long left = total;
	pid_t pid;
	ssize_t n;
	int fd;

	if (listen(to, 1) || connect(from, (void *)a, sizeof(*a)))
		die("connect");
	fd = accept(to, NULL, NULL);
	if (fd < 0)
		die("accept");
	begun = now();
	pid = fork();
	if (!pid) {
		for (; left; left -= n) {
			n = write(from, buf, left < sizeof(buf) ? left : sizeof(buf));
			if (n <= 0)
				die("write");
		}
		exit(0);
	}
	for (; left; left -= n) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			die("read");
	}
	begun = now() - begun;
	waitpid(pid, NULL, 0);
	return begun;
}

/* So many are under way that none is lost for lack of room. */
static unsigned long long udp(int from, int to, struct sockaddr_in *a, unsigned long total)
{
	unsigned long long begun = now();
	unsigned long done;
	int i;

	if (connect(from, (void *)a, sizeof(*a)))
		die("connect");
	for (done = 0; done < total; done += DATAGRAM * IN_FLIGHT) {
		for (i = 0; i < IN_FLIGHT; i++)
			if (send(from, buf, DATAGRAM, 0) != DATAGRAM)
				die("send");
		for (i = 0; i < IN_FLIGHT; i++)
			if (recv(to, buf, sizeof(buf), 0) != DATAGRAM)
				die("recv");
	}
	return now() - begun;
}

/* stream tcp|udp NETNS NETNS ADDRESS KIB: of the second; prints the cost of a KiB */
int stream(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	unsigned long kib = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	int is_tcp, from, to, one = 1;

	if (!kib)
		return 2;
	is_tcp = !strcmp(argv[0], "tcp");
	to = socket_in(argv[2], is_tcp ? SOCK_STREAM : SOCK_DGRAM);
	setsockopt(to, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	a.sin_addr.s_addr = inet_addr(argv[3]);
	if (bind(to, (void *)&a, sizeof(a)))
		die("bind");
	from = socket_in(argv[1], is_tcp ? SOCK_STREAM : SOCK_DGRAM);
	printf("%llu\n", (is_tcp ? tcp : udp)(from, to, &a, kib << 10) / kib);
	return 0;
}
