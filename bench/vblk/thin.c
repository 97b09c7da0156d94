// SPDX-License-Identifier: GPL-2.0
/*
 * What a snapshot of a dm-thin device takes, for bench/disk: suspended, its pool told,
 * resumed, by ioctls and not by dmsetup, which would cost more than the snapshot.
 *
 *   thin POOL THIN FIRST COUNT		snapshots of device 0 of the pool get numbers from FIRST
 *
 * Prints nanoseconds of the clock for each.
 */
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

struct call {
	struct dm_ioctl io;
	struct dm_target_msg msg;
	char text[64];
};

static int control;

static void ask(unsigned long cmd, const char *name, uint32_t flags, const char *text)
{
	struct call c = {
		.io.version = { DM_VERSION_MAJOR, 0, 0 },
		.io.data_size = sizeof(c), .io.data_start = offsetof(struct call, msg),
		.io.flags = flags,
	};

	snprintf(c.io.name, sizeof(c.io.name), "%s", name);
	snprintf(c.text, sizeof(c.text), "%s", text);
	if (ioctl(control, cmd, &c)) {
		perror(name);
		exit(1);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long first, count, i;
	char text[64];
	uint64_t began;

	if (argc != 5)
		return 2;
	control = open("/dev/mapper/control", O_RDWR);
	if (control < 0) {
		perror("/dev/mapper/control");
		return 1;
	}
	first = atol(argv[3]);
	count = atol(argv[4]);
	began = now();
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "create_snap %lu 0", first + i);
		ask(DM_DEV_SUSPEND, argv[2], DM_SUSPEND_FLAG, "");
		ask(DM_TARGET_MSG, argv[1], 0, text);
		ask(DM_DEV_SUSPEND, argv[2], 0, "");
	}
	printf("%llu\n", (unsigned long long)((now() - began) / count));
	return 0;
}
