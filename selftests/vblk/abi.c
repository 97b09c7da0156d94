// SPDX-License-Identifier: GPL-2.0
/* The contract of the ioctls: sizes, flags, padding, privilege, every errno. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <sys/wait.h>

#include "disk.h"

static const struct call {
	unsigned long cmd;
	size_t size;
	const char *name;
} calls[] = {
	{ VBLK_GET_INFO, sizeof(struct vblk_info), "GET_INFO" },
	{ VBLK_ATTACH, sizeof(struct vblk_attach), "ATTACH" },
	{ VBLK_DETACH, sizeof(struct vblk_detach), "DETACH" },
	{ VBLK_QUERY, sizeof(struct vblk_query), "QUERY" },
	{ VBLK_RESIZE, sizeof(struct vblk_resize), "RESIZE" },
	{ VBLK_LIMITS, sizeof(struct vblk_limits), "LIMITS" },
	{ VBLK_STATS, sizeof(struct vblk_stats), "STATS" },
	{ VBLK_EVENTS, sizeof(struct vblk_events), "EVENTS" },
	{ VBLK_FAULT, sizeof(struct vblk_fault), "FAULT" },
};

/* A struct that is valid for its call, on a disk of its own. */
static void valid(unsigned long cmd, void *arg, int id)
{
	struct vblk_attach *a = arg;
	struct vblk_events *e = arg;
	struct vblk_query *q = arg;

	switch (cmd) {
	case VBLK_ATTACH:
		*a = attach_args(VBLK_BACKING_RAM, -1);
		a->length = MIB;
		break;
	case VBLK_GET_INFO:
		*(uint32_t *)arg = sizeof(struct vblk_info);
		break;
	case VBLK_EVENTS:
		*e = (struct vblk_events){ .size = sizeof(*e), .id = id, .fd = -1 };
		break;
	default:
		/* The others have id at the same place. */
		q->id = id;
		if (cmd == VBLK_RESIZE)
			((struct vblk_resize *)arg)->length = MIB;
	}
}

static void unknown_calls(void)
{
	uint64_t arg[256] = { 8 };

	FAILS(ioctl(control(), _IO(VBLK_MAGIC, 0x0a), arg), ENOTTY);
	FAILS(ioctl(control(), _IO(VBLK_MAGIC, 0xff), arg), ENOTTY);
	FAILS(ioctl(control(), _IO(0xb7, 0), arg), ENOTTY);
	FAILS(ioctl(control(), _IOW(VBLK_MAGIC, 0, int), arg), ENOTTY);
}

static void sizes(void)
{
	uint8_t arg[4096 + 8] __attribute__((aligned(8)));
	size_t i;
	int id;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		uint32_t *size = (uint32_t *)arg;
		const struct call *c = &calls[i];

		fresh();
		id = attach_ram(MIB);
		memset(arg, 0, sizeof(arg));
		valid(c->cmd, arg, id);
		*size = c->size - 8;
		errno = 0;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == EINVAL, "%s: short: %s",
		      c->name, strerror(errno));
		*size = 4096 + 8;
		errno = 0;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == E2BIG,
		      "%s: longer than a page: %s", c->name, strerror(errno));
		*size = c->size + 16;
		arg[c->size + 3] = 1;
		errno = 0;
		CHECK(ioctl(control(), c->cmd, arg) < 0 && errno == E2BIG, "%s: tail: %s", c->name,
		      strerror(errno));
		/* A newer program's struct with nothing new in it is fine. */
		arg[c->size + 3] = 0;
		CHECK(!ioctl(control(), c->cmd, arg), "%s: %s", c->name, strerror(errno));
		EQ(*size, c->size);
		FAILS(ioctl(control(), c->cmd, NULL), EFAULT);
		FAILS(ioctl(control(), c->cmd, (void *)-4096L), EFAULT);
	}
	fresh();
}

static void unknown_flags(void)
{
	uint64_t arg[256];
	size_t i;
	int id;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		fresh();
		id = attach_ram(MIB);
		memset(arg, 0, sizeof(arg));
		valid(calls[i].cmd, arg, id);
		((uint32_t *)arg)[0] = calls[i].size;
		((uint32_t *)arg)[1] = 1U << 30;
		errno = 0;
		CHECK(ioctl(control(), calls[i].cmd, arg) < 0 && errno == EINVAL, "%s: %s",
		      calls[i].name, strerror(errno));
		EQ(query(id).length, MIB);
		((uint32_t *)arg)[1] = 0;
		CHECK(!ioctl(control(), calls[i].cmd, arg), "%s: %s", calls[i].name,
		      strerror(errno));
	}
	fresh();
}

#define PAD(type, cmd, field)						\
	do {								\
		uint64_t arg[256] = { 0 };				\
		uint32_t *one = (void *)((char *)arg + offsetof(type, field));	\
									\
		valid(cmd, arg, id);					\
		*(uint32_t *)arg = sizeof(type);			\
		*one = 1;						\
		FAILS(ioctl(control(), cmd, arg), EINVAL);		\
	} while (0)

static void padding(void)
{
	int id;

	fresh();
	id = attach_ram(MIB);
	PAD(struct vblk_attach, VBLK_ATTACH, volume);
	PAD(struct vblk_detach, VBLK_DETACH, pad);
	PAD(struct vblk_detach, VBLK_DETACH, pad2);
	PAD(struct vblk_query, VBLK_QUERY, volume);
	PAD(struct vblk_resize, VBLK_RESIZE, pad);
	PAD(struct vblk_resize, VBLK_RESIZE, pad2);
	PAD(struct vblk_limits, VBLK_LIMITS, pad);
	PAD(struct vblk_stats, VBLK_STATS, pad);
	PAD(struct vblk_fault, VBLK_FAULT, pad);
	EQ(query(id).length, MIB);
	fresh();
}

static void no_such_disk(void)
{
	uint64_t arg[256];
	size_t i;
	int id;

	fresh();
	id = attach_ram(MIB);
	for (i = 2; i < ARRAY_SIZE(calls); i++) {
		struct vblk_query *q = (struct vblk_query *)arg;

		if (calls[i].cmd == VBLK_EVENTS)
			continue;
		memset(arg, 0, sizeof(arg));
		valid(calls[i].cmd, arg, id + 1);
		q->size = calls[i].size;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
		q->id = -1;
		FAILS(ioctl(control(), calls[i].cmd, arg), ENOENT);
	}
	/* The right number, but of an earlier disk. */
	struct vblk_detach d = { .size = sizeof(d), .id = id, .seq = query(id).seq + 1 };

	FAILS(ioctl(control(), VBLK_DETACH, &d), ENOENT);
	d.seq = query(id).seq;
	OK(ioctl(control(), VBLK_DETACH, &d));
}

static void info(void)
{
	struct vblk_info i = { .size = sizeof(i) };

	fresh();
	OK(ioctl(control(), VBLK_GET_INFO, &i));
	EQ(i.features, 0x7f);
	EQ(i.nr_disks, 0);
	CHECK(i.max_disks >= 256 && i.max_depth >= 2 && i.max_queue_depth >= 128, "limits");
	attach_ram(MIB);
	OK(ioctl(control(), VBLK_GET_INFO, &i));
	EQ(i.nr_disks, 1);
	fresh();
}

static void unprivileged_calls(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { };
	uint64_t arg[256];
	size_t i;

	OK(syscall(SYS_capset, &h, none));
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		memset(arg, 0, sizeof(arg));
		valid(calls[i].cmd, arg, 0);
		((uint32_t *)arg)[0] = calls[i].size;
		if (calls[i].cmd == VBLK_GET_INFO)
			OK(ioctl(control(), calls[i].cmd, arg));
		else
			FAILS(ioctl(control(), calls[i].cmd, arg), EPERM);
	}
}

static void privilege(void)
{
	struct vblk_info i = { .size = sizeof(i) };
	int status;
	pid_t pid;

	fresh();
	control();		/* opened by root: the fd alone gives nothing */
	pid = OK(fork());
	if (!pid) {
		unprivileged_calls();
		_exit(test_failures() ? 1 : 0);
	}
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
	OK(ioctl(control(), VBLK_GET_INFO, &i));
	EQ(i.nr_disks, 0);
}

static struct vblk_attach ram(void)
{
	struct vblk_attach a = attach_args(VBLK_BACKING_RAM, -1);

	a.length = MIB;
	return a;
}

#define REFUSED(change, err)						\
	do {								\
		struct vblk_attach a = ram();				\
									\
		change;							\
		FAILS(try_attach(&a), err);				\
	} while (0)

static void attach_errors(void)
{
	struct vblk_info i = { .size = sizeof(i) };
	int id, fd = memfd(MIB), rd, pipes[2];

	fresh();
	OK(pipe(pipes));
	REFUSED(a.format = 0, EOPNOTSUPP);
	REFUSED(a.format = 99, EOPNOTSUPP);
	REFUSED(a.backing = 0, EOPNOTSUPP);
	REFUSED(a.backing = 5, EOPNOTSUPP);
	REFUSED(a.id = -2, EINVAL);
	REFUSED(a.id = 1 << 20, EINVAL);
	REFUSED(a.sector_size = 513, EINVAL);
	REFUSED(a.sector_size = 1024, EINVAL);
	REFUSED(a.length = 0, EINVAL);
	REFUSED(a.length = 1000, EINVAL);
	REFUSED(a.length = 1ULL << 61, EINVAL);
	REFUSED(a.length = -1ULL, EINVAL);
	REFUSED(a.offset = 512, EINVAL);
	REFUSED(a.fd = 0, EINVAL);
	REFUSED(a.queue_depth = 1, EINVAL);
	REFUSED(a.flags = VBLK_ATTACH_BUFFERED, EINVAL);
	REFUSED(a.flags = VBLK_ATTACH_DIRECT, EINVAL);
	/* files */
#define FILE_REFUSED(change, err) \
	REFUSED(a.backing = VBLK_BACKING_FILE; a.fd = fd; a.length = 0; change, err)
	FILE_REFUSED(a.fd = -1, EBADF);
	FILE_REFUSED(a.fd = 999, EBADF);
	FILE_REFUSED(a.fd = pipes[0], EBADF);
	FILE_REFUSED(a.flags = VBLK_ATTACH_BUFFERED | VBLK_ATTACH_DIRECT, EINVAL);
	FILE_REFUSED(a.queue_depth = 1025, EINVAL);
	FILE_REFUSED(a.offset = 100, EINVAL);
	FILE_REFUSED(a.offset = MIB, EINVAL);
	FILE_REFUSED(a.offset = 2 * MIB, EINVAL);
	FILE_REFUSED(a.offset = 1ULL << 61, EINVAL);
	FILE_REFUSED(a.length = MIB + 512, EINVAL);
	FILE_REFUSED(a.offset = 4096; a.length = MIB, EINVAL);
	FILE_REFUSED(a.backing = VBLK_BACKING_BDEV, EOPNOTSUPP);
	/* open for less than the disk wants to do */
	rd = OK(open("/proc/self/exe", O_RDONLY));
	FILE_REFUSED(a.fd = rd, EBADF);
	close(rd);
	rd = OK(open("/", O_RDONLY | O_DIRECTORY));
	FILE_REFUSED(a.fd = rd; a.flags = VBLK_ATTACH_RDONLY, EOPNOTSUPP);
	close(rd);
	rd = OK(open("/dev/null", O_RDWR));
	FILE_REFUSED(a.fd = rd, EOPNOTSUPP);
	close(rd);
	/* a file that is too small for a sector */
	OK(ftruncate(fd, 100));
	FILE_REFUSED(, EINVAL);

	id = attach_ram(MIB);
	REFUSED(a.id = id, EBUSY);
	OK(ioctl(control(), VBLK_GET_INFO, &i));
	EQ(i.nr_disks, 1);
	fresh();
}

/* A disk whose number could not be told to anybody must not stay. */
static void attach_undone(void)
{
	struct vblk_info i = { .size = sizeof(i) };
	struct vblk_attach *a = io_buffer(4096);

	fresh();
	*a = ram();
	OK(mprotect(a, 4096, PROT_READ));
	FAILS(try_attach(a), EFAULT);
	OK(ioctl(control(), VBLK_GET_INFO, &i));
	EQ(i.nr_disks, 0);
}

static void messages(void)
{
	struct vblk_attach a = ram();
	char text[64];

	fresh();
	memset(text, 'x', sizeof(text));
	a.sector_size = 77;
	a.msg_ptr = (uintptr_t)text;
	a.msg_len = sizeof(text);
	FAILS(try_attach(&a), EINVAL);
	CHECK(memchr(text, 0, sizeof(text)) && strstr(text, "sector"), "%.64s", text);
	/* Cut to fit, and still a string. */
	memset(text, 'x', sizeof(text));
	a.msg_len = 5;
	FAILS(try_attach(&a), EINVAL);
	EQ(strlen(text), 4);
	EQ(text[5], 'x');
	/* A bad address does not hide the errno. */
	a.msg_ptr = 8;
	FAILS(try_attach(&a), EINVAL);
}

static void numbers(void)
{
	struct vblk_query q = { .size = sizeof(q), .flags = VBLK_QUERY_NEXT };
	struct vblk_attach a = ram();
	int first, second;
	uint64_t seq;

	fresh();
	first = attach_ram(MIB);
	second = attach_ram(2 * MIB);
	EQ(first, 0);
	EQ(second, 1);
	a.id = 77;
	OK(try_attach(&a));
	EQ(a.id, 77);
	seq = query(first).seq;
	detach(first);
	EQ(attach_ram(MIB), 0);
	CHECK(query(0).seq != seq, "a number's second disk has the first's seq");

	OK(ioctl(control(), VBLK_QUERY, &q));
	EQ(q.id, 0);
	q.id++;
	OK(ioctl(control(), VBLK_QUERY, &q));
	EQ(q.id, 1);
	EQ(q.length, 2 * MIB);
	q.id++;
	OK(ioctl(control(), VBLK_QUERY, &q));
	EQ(q.id, 77);
	q.id++;
	FAILS(ioctl(control(), VBLK_QUERY, &q), ENOENT);
	fresh();
}

static const struct test tests[] = {
	{ "unknown_calls", unknown_calls },
	{ "sizes", sizes },
	{ "unknown_flags", unknown_flags },
	{ "padding", padding },
	{ "no_such_disk", no_such_disk },
	{ "info", info },
	{ "privilege", privilege },
	{ "attach_errors", attach_errors },
	{ "attach_undone", attach_undone },
	{ "messages", messages },
	{ "numbers", numbers },
};

TEST_SUITE(tests);
