// SPDX-License-Identifier: GPL-2.0
/*
 * What a request to a block device costs, and what making a disk does: for bench/disk.
 *
 *   requests io FILE read|write rand|seq BYTES DEPTH COUNT
 *   requests touch FILE BYTES STRIDE COUNT	a write at each multiple of STRIDE, in turn
 *   requests attach vblk|loop|image FILE COUNT	two numbers: and taking it away
 *   requests snapshot FILE VOLUME COUNT
 *
 * Prints nanoseconds of the clock for each, which are instructions with --icount.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <virtlite/vblk.h>

#define MOST 64
#define RUNS 5

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long check(long ret, const char *what)
{
	if (ret < 0)
		die(what);
	return ret;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static uint64_t seed = 1;

static uint64_t rnd(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 33;
}

struct load {
	int fd;
	int write;
	int random;
	uint64_t bytes;
	uint64_t slots;
	uint64_t next;
	uint8_t *buf;
	aio_context_t ctx;	/* goes with the process: that waits for RCU */
};

static void prepare(struct load *l, struct iocb *cb, unsigned int i)
{
	uint64_t slot = l->random ? rnd() % l->slots : l->next++ % l->slots;

	memset(cb, 0, sizeof(*cb));
	cb->aio_data = i;
	cb->aio_lio_opcode = l->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	cb->aio_fildes = l->fd;
	cb->aio_buf = (uintptr_t)(l->buf + i * l->bytes);
	cb->aio_nbytes = l->bytes;
	cb->aio_offset = slot * l->bytes;
}

/* Always @depth of them on their way; those that come back together go together. */
static void transfer(struct load *l, unsigned int depth, unsigned long count)
{
	struct iocb cb[MOST], *go[MOST];
	struct io_event ev[MOST];
	unsigned long sent = 0, back = 0;
	aio_context_t ctx = l->ctx;
	unsigned int i, n;

	for (i = 0; i < depth && sent < count; i++, sent++) {
		prepare(l, &cb[i], i);
		go[i] = &cb[i];
	}
	if (check(syscall(SYS_io_submit, ctx, i, go), "io_submit") != i)
		die("io_submit: not all");
	while (back < count) {
		n = check(syscall(SYS_io_getevents, ctx, 1, MOST, ev, NULL), "io_getevents");
		back += n;
		for (i = 0; i < n; i++)
			if (ev[i].res != (int64_t)l->bytes) {
				errno = -ev[i].res;
				die("request");
			}
		for (i = 0; i < n && sent < count; i++, sent++) {
			prepare(l, &cb[ev[i].data], ev[i].data);
			go[i] = &cb[ev[i].data];
		}
		if (i && check(syscall(SYS_io_submit, ctx, i, go), "io_submit") != i)
			die("io_submit: not all");
	}
}

static void do_io(char **arg)
{
	struct load l = {
		.write = !strcmp(arg[1], "write"), .random = !strcmp(arg[2], "rand"),
		.bytes = strtoull(arg[3], NULL, 0),
	};
	unsigned int depth = atoi(arg[4]);
	unsigned long count = atol(arg[5]);
	uint64_t size, began, best = 0;
	unsigned int i;

	l.fd = check(open(arg[0], O_RDWR | O_DIRECT), arg[0]);
	size = check(lseek(l.fd, 0, SEEK_END), "size");
	l.slots = size / l.bytes;
	if (depth > MOST || !l.slots)
		exit(2);
	l.buf = mmap(NULL, depth * l.bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (l.buf == MAP_FAILED)
		die("memory");
	memset(l.buf, 0x5a, depth * l.bytes);
	check(syscall(SYS_io_setup, MOST, &l.ctx), "io_setup");
	/* what is only done once */
	transfer(&l, depth, depth * 8);
	/* the kernel has other things to do, too, now and then: the best of a few */
	for (i = 0; i < RUNS; i++) {
		began = now();
		transfer(&l, depth, count);
		began = now() - began;
		if (!i || began < best)
			best = began;
	}
	printf("%llu\n", (unsigned long long)(best / count));
}

static void do_touch(char **arg)
{
	uint64_t bytes = strtoull(arg[1], NULL, 0), stride = strtoull(arg[2], NULL, 0), began;
	int fd = check(open(arg[0], O_RDWR | O_DIRECT), arg[0]);
	unsigned long count = atol(arg[3]), i;
	void *buf;

	if (posix_memalign(&buf, 4096, bytes))
		die("memory");
	memset(buf, 0xa5, bytes);
	began = now();
	for (i = 0; i < count; i++)
		if (pwrite(fd, buf, bytes, i * stride) != (ssize_t)bytes)
			die("write");
	printf("%llu\n", (unsigned long long)((now() - began) / count));
}

/* Nanoseconds until it is there, and until it is gone. */
struct cost {
	uint64_t there;
	uint64_t gone;
};

static void attach_loop(int control, int fd, struct cost *cost)
{
	struct loop_config c = {
		.fd = fd, .block_size = 512, .info.lo_flags = LO_FLAGS_DIRECT_IO,
	};
	char path[32];
	uint64_t began;
	int n, dev;

	began = now();
	n = check(ioctl(control, LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE");
	snprintf(path, sizeof(path), "/dev/loop%d", n);
	dev = check(open(path, O_RDWR), path);
	check(ioctl(dev, LOOP_CONFIGURE, &c), "LOOP_CONFIGURE");
	cost->there += now() - began;
	began = now();
	check(ioctl(dev, LOOP_CLR_FD), "LOOP_CLR_FD");
	close(dev);
	cost->gone += now() - began;
}

static void attach(int control, struct vblk_attach *a, uint64_t began, struct cost *cost)
{
	struct vblk_detach d = { .size = sizeof(d) };

	a->size = sizeof(*a);
	a->id = -1;
	check(ioctl(control, VBLK_ATTACH, a), "VBLK_ATTACH");
	cost->there += now() - began;
	d.id = a->id;
	d.seq = a->seq;
	began = now();
	check(ioctl(control, VBLK_DETACH, &d), "VBLK_DETACH");
	cost->gone += now() - began;
}

static void attach_vblk(int control, int fd, struct cost *cost)
{
	struct vblk_attach a = {
		.flags = VBLK_ATTACH_DIRECT, .backing = VBLK_BACKING_FILE,
		.format = VBLK_FORMAT_RAW, .fd = fd,
	};

	attach(control, &a, now(), cost);
}

/* The image is opened, and closed, each time, too. */
static void attach_image(int control, int fd, struct cost *cost)
{
	struct vblk_image_open o = {
		.size = sizeof(o), .backing = VBLK_BACKING_FILE, .fd = fd,
	};
	struct vblk_attach a = { .backing = VBLK_BACKING_IMAGE, .format = VBLK_FORMAT_IMAGE };
	uint64_t began = now();

	check(ioctl(control, VBLK_IMAGE_OPEN, &o), "VBLK_IMAGE_OPEN");
	a.fd = o.image;
	attach(control, &a, began, cost);
	began = now();
	close(o.image);
	cost->gone += now() - began;
}

static void do_attach(char **arg)
{
	void (*fn)(int, int, struct cost *) = !strcmp(arg[0], "loop") ? attach_loop :
		!strcmp(arg[0], "image") ? attach_image : attach_vblk;
	const char *path = fn == attach_loop ? "/dev/loop-control" : VBLK_CONTROL_PATH;
	int control = check(open(path, O_RDWR), path);
	int fd = check(open(arg[1], O_RDWR), arg[1]);
	unsigned long count = atol(arg[2]), i;
	struct cost all;

	fn(control, fd, &all);
	all = (struct cost){};
	for (i = 0; i < count; i++)
		fn(control, fd, &all);
	printf("%llu %llu\n", (unsigned long long)(all.there / count),
	       (unsigned long long)(all.gone / count));
}

static void do_snapshot(char **arg)
{
	struct vblk_image_open o = { .size = sizeof(o), .backing = VBLK_BACKING_FILE };
	uint32_t volume = atoi(arg[1]);
	struct vblk_image_make m;
	int control = check(open(VBLK_CONTROL_PATH, O_RDWR), VBLK_CONTROL_PATH);
	unsigned long count = atol(arg[2]), i;
	uint64_t began;

	o.fd = check(open(arg[0], O_RDWR), arg[0]);
	check(ioctl(control, VBLK_IMAGE_OPEN, &o), "VBLK_IMAGE_OPEN");
	began = now();
	for (i = 0; i < count; i++) {
		m = (struct vblk_image_make){ .size = sizeof(m), .source = volume };
		snprintf((char *)m.name, sizeof(m.name), "%d.%lu", getpid(), i);
		check(ioctl(o.image, VBLK_IMAGE_SNAPSHOT, &m), "VBLK_IMAGE_SNAPSHOT");
	}
	printf("%llu\n", (unsigned long long)((now() - began) / count));
}

int main(int argc, char **argv)
{
	if (argc == 8 && !strcmp(argv[1], "io"))
		do_io(argv + 2);
	else if (argc == 6 && !strcmp(argv[1], "touch"))
		do_touch(argv + 2);
	else if (argc == 5 && !strcmp(argv[1], "attach"))
		do_attach(argv + 2);
	else if (argc == 5 && !strcmp(argv[1], "snapshot"))
		do_snapshot(argv + 2);
	else
		return 2;
	return 0;
}
