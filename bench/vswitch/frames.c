// SPDX-License-Identifier: GPL-2.0
/*
 * frames: what it costs to get frames into a switch from user space.
 *
 *   frames tap NAME COUNT             write() on a tap device
 *   frames queue SWITCH COUNT BATCH   a queue port; BATCH frames a call, 0: write()
 *   frames fdb SWITCH COUNT           COUNT source addresses, then nothing more
 *   frames latency tap A B COUNT      from one to the other: percentiles 50, 99, 99.9, 100
 *   frames latency queue SWITCH SWITCH COUNT
 *   frames xdp INDEX TARGET           see redirect.c
 *   frames offload on|off DEVICE...
 *   frames ovs A B
 *   frames netkit A B
 *   frames stream tcp|udp NETNS NETNS ADDRESS KIB
 *
 * Frames have 64 bytes and go to 02:00:00:00:00:01. Prints nanoseconds a frame,
 * which are instructions where time is counted so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <virtlite/vswitch.h>

#include "ends.h"

static unsigned char bytes[MAX_BATCH][HDR + LEN];

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

static unsigned int fdb_count(int dev, const char *index)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s), .ifindex = strtoul(index, NULL, 10) },
	};

	if (ioctl(dev, VSWITCH_GET, &s))
		die("switch");
	return s.fdb_count;
}

static void learn(const char *index, unsigned int count)
{
	int dev = open("/dev/vswitch", O_RDWR), fd = open_queue(index);
	unsigned int before = fdb_count(dev, index), rounds = 0, i, k, n;

	/* What was missed while the table grew is learned the next time. */
	while (fdb_count(dev, index) < before + count && rounds++ < 100) {
		for (i = 0; i < count; i += n) {
			n = count - i < MAX_BATCH ? count - i : MAX_BATCH;
			for (k = 0; k < n; k++)
				memcpy(bytes[k] + HDR + 6, (unsigned char[]){
				       2, 1, (i + k) >> 24, (i + k) >> 16, (i + k) >> 8,
				       i + k }, 6);
			send_batch(fd, n);
		}
		usleep(10000);
	}
	/* It stays until somebody says it may go. */
	printf("%u\n", fdb_count(dev, index) - before);
	fflush(stdout);
	pause();
}

static const struct {
	const char *name;
	int (*fn)(int argc, char **argv);
} others[] = {
	{ "latency", latency }, { "xdp", redirect }, { "offload", offload }, { "stream", stream },
	{ "ovs", ovs }, { "netkit", netkit },
};

int main(int argc, char **argv)
{
	unsigned int count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned int i;

	for (i = 0; argc > 2 && i < sizeof(others) / sizeof(others[0]); i++) {
		if (!strcmp(argv[1], others[i].name))
			return others[i].fn(argc - 2, argv + 2);
	}
	if (!count) {
		fprintf(stderr, "usage: frames tap|queue|fdb NAME COUNT [BATCH]; see frames.c\n");
		return 2;
	}
	for (i = 0; i < MAX_BATCH; i++)
		fill(bytes[i]);
	if (!strcmp(argv[1], "tap"))
		send_all(open_tap(argv[2]), count, 0);
	else if (!strcmp(argv[1], "queue"))
		send_all(open_queue(argv[2]), count, argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
	else
		learn(argv[2], count);
	return 0;
}
