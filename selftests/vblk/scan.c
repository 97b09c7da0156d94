// SPDX-License-Identifier: GPL-2.0
/*
 * Disks with a table of partitions that come and go, while others open the disk and its
 * partition and have the table read again, as udev and its friends do.
 */
#include <pthread.h>

#include "disk.h"

#define START	2048
#define SECTORS	4096

/* One partition, with a word of its own at its beginning. */
static int table(void)
{
	uint8_t *mbr = io_buffer(512);
	uint32_t start = START, sectors = SECTORS;
	int fd = memfd(4 * MIB);

	mbr[446 + 4] = 0x83;
	memcpy(mbr + 446 + 8, &start, 4);
	memcpy(mbr + 446 + 12, &sectors, 4);
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	EQ(OK(pwrite(fd, mbr, 512, 0)), 512);
	put(fd, START * 512, 4096, 1);
	return fd;
}

struct looker {
	const char *path;
	bool stop;
	unsigned long seen;
	unsigned long wrong;
};

/* Whoever finds it sees what is in the partition, and nothing else. */
static void *look(void *arg)
{
	struct looker *l = arg;
	bool part = strchr(l->path, 'p');
	uint8_t *buf = io_buffer(4096);
	int fd;

	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		fd = open(l->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			usleep(200);
			continue;
		}
		if (pread(fd, buf, 4096, part ? 0 : START * 512) == 4096) {
			l->seen++;
			l->wrong += !same(buf, 4096, START * 512, 1);
		}
		close(fd);
		/* Who never rests is an owner: a detach would wait for ever. */
		sleep_ms(1);
	}
	return NULL;
}

static void scans(void)
{
	unsigned long n = getenv("LONG") ? 1000 : scale(40, 15), i, again = 0;
	struct looker l[2] = { { .path = "/dev/vblk0" }, { .path = "/dev/vblk0p1" } };
	int fd = table(), disk, ret;
	struct vblk_attach a;
	pthread_t t[2];

	fresh();
	a = attach_args(VBLK_BACKING_FILE, fd);
	a.id = 0;
	OK(try_attach(&a));
	if (access("/dev/vblk0p1", F_OK)) {
		detach(0);
		test_skip("the kernel reads no partition tables");
	}
	detach(0);
	for (i = 0; i < 2; i++)
		EQ(pthread_create(&t[i], NULL, look, &l[i]), 0);
	for (i = 0; i < n; i++) {
		a = attach_args(VBLK_BACKING_FILE, fd);
		a.id = 0;
		OK(try_attach(&a));
		/* It is there when the attach returns, whoever has the disk open by then. */
		CHECK(!access("/dev/vblk0p1", F_OK), "no partition, the %luth time", i);
		if (i % 4 == 0) {
			disk = disk_open(0, O_RDONLY);
			ret = ioctl(disk, BLKRRPART, 0);
			CHECK(!ret || errno == EBUSY, "BLKRRPART: %s", strerror(errno));
			again += !ret;
			CHECK(!access("/dev/vblk0p1", F_OK), "no partition after BLKRRPART");
			close(disk);
		}
		OK(try_detach(0, i % 2 ? VBLK_DETACH_FORCE : VBLK_DETACH_WAIT));
		FAILS(access("/dev/vblk0p1", F_OK), ENOENT);
		FAILS(access("/dev/vblk0", F_OK), ENOENT);
	}
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&l[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(t[i], NULL);
		CHECK(!l[i].wrong, "%lu wrong reads of %s", l[i].wrong, l[i].path);
	}
	diag("%lu disks; seen %lu times, the partition %lu times, read again %lu times", n,
	     l[0].seen, l[1].seen, again);
	close(fd);
	fresh();
}

static const struct test tests[] = {
	{ "scans", scans },
};

TEST_SUITE(tests);
