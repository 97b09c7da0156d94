// SPDX-License-Identifier: GPL-2.0
/*
 * frames: what it costs to get frames into a switch from user space.
 *
 *   frames tap NAME COUNT             write() on a tap device
 *   frames queue SWITCH COUNT BATCH   a queue port; BATCH frames a call, 0: write()
 *   frames fdb SWITCH COUNT           COUNT source addresses, then nothing more
 *
 * Frames have 64 bytes and go to 02:00:00:00:00:01. Prints nanoseconds a frame,
 * which are instructions where time is counted so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <virtlite/vswitch.h>

#define LEN 64
#define HDR 10
#define MAX_BATCH 256

static unsigned char bytes[MAX_BATCH][HDR + LEN];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void fill(void)
{
	static const unsigned char head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
	int i;

	for (i = 0; i < MAX_BATCH; i++)
		memcpy(bytes[i] + HDR, head, sizeof(head));
}

static int open_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die(name);
	return fd;
}

static int open_queue(const char *name)
{
	struct vswitch_port p = {
		.head = { .size = sizeof(p), .ifindex = strtoul(name, NULL, 10) },
		.kind = VSWITCH_KIND_QUEUE,
		.netns_fd = -1,
	};
	int fd = open("/dev/vswitch", O_RDWR);

	if (fd < 0 || ioctl(fd, VSWITCH_ADD_PORT, &p))
		die("/dev/vswitch");
	return p.fd;
}

static void send_batch(int fd, unsigned int n)
{
	static struct vswitch_frame frames[MAX_BATCH];
	struct vswitch_batch b = {
		.head = { .size = sizeof(b) },
		.ptr = (unsigned long)frames,
		.count = n,
	};
	unsigned int i;

	for (i = 0; i < n; i++)
		frames[i] = (struct vswitch_frame){
			.addr = (unsigned long)bytes[i],
			.len = HDR + LEN,
		};
	if (ioctl(fd, VSWITCH_QUEUE_SEND, &b) || b.done != n)
		die("batch");
}

static void send_all(int fd, unsigned int count, unsigned int batch)
{
	unsigned long long begun;
	unsigned int i;

	/* The first ones are dear: addresses, caches, code. */
	for (i = 0; i < 64; i++)
		if (write(fd, bytes[0], HDR + LEN) != HDR + LEN)
			die("write");
	begun = now();
	for (i = 0; i < count; i += batch ? batch : 1) {
		if (batch)
			send_batch(fd, batch);
		else if (write(fd, bytes[0], HDR + LEN) != HDR + LEN)
			die("write");
	}
	printf("%llu\n", (now() - begun) / count);
}

static void learn(int fd, unsigned int count)
{
	unsigned int i, k;

	for (i = 0; i < count; i += MAX_BATCH) {
		for (k = 0; k < MAX_BATCH; k++) {
			unsigned int n = i + k;

			memcpy(bytes[k] + HDR + 6, (unsigned char[]){
			       2, 1, n >> 24, n >> 16, n >> 8, n }, 6);
		}
		send_batch(fd, MAX_BATCH);
		/* The table grows by the kernel's own time. */
		if (i % 2048 == 0)
			usleep(2000);
	}
	/* It stays until somebody says it may go. */
	printf("%u\n", count);
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	if (!count) {
		fprintf(stderr, "usage: frames tap|queue|fdb NAME COUNT [BATCH]\n");
		return 2;
	}
	fill();
	if (!strcmp(argv[1], "tap"))
		send_all(open_tap(argv[2]), count, 0);
	else if (!strcmp(argv[1], "queue"))
		send_all(open_queue(argv[2]), count, argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
	else
		learn(open_queue(argv[2]), count);
	return 0;
}
