// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <virtlite/vswitch.h>

#include "ends.h"

void die(const char *what)
{
	perror(what);
	exit(1);
}

unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* The bridge has seen that there is a carrier, and forwards. */
static int forwards(const char *name)
{
	char path[64], state = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/brport/state", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, &state, 1) != 1)
		die(path);
	close(fd);
	return state == '3';
}

int open_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR), i;

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die(name);
	for (i = 0; !forwards(name); i++) {
		if (i == 1000)
			die("the bridge does not forward");
		usleep(10000);
	}
	return fd;
}

int open_queue(const char *index)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p), .ifindex = strtoul(index, NULL, 10) },
		.kind = VSWITCH_KIND_QUEUE,
		.netns_fd = -1,
	};
	int fd = open("/dev/vswitch", O_RDWR);

	if (fd < 0 || ioctl(fd, VSWITCH_ADD_PORT, &p))
		die("/dev/vswitch");
	return p.fd;
}

void fill(unsigned char *bytes)
{
	static const unsigned char head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	memset(bytes, 0, HDR + LEN);
	memcpy(bytes + HDR, head, sizeof(head));
}
