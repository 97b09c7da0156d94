// SPDX-License-Identifier: GPL-2.0
/*
 * Inside a guest that a slice has been passed to: vgpu_guest, its calls one by one, what
 * it refuses, and what becomes of programs when a queue is halted, a file is closed or
 * the device goes. host/clients runs it.
 */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <virtlite/vgpu_guest.h>

#include "gpu.h"
#include "reference.h"
#include "virtlite.h"

#define NODE	"/dev/vgpu_guest0"
#define HALF	(AREA / 2)
#define PAGE	4096u
#define NOWHERE	0x66600000ULL

static int open_node(void)
{
	return OK(open(NODE, O_RDWR | O_CLOEXEC));
}

static struct vgpu_guest_info info_of(int fd)
{
	struct vgpu_guest_info i = { .size = sizeof(i) };

	OK(ioctl(fd, VGPU_GUEST_INFO, &i));
	return i;
}

static struct vgpu_guest_alloc alloc_args(uint64_t bytes, bool vram)
{
	return (struct vgpu_guest_alloc){
		.size = sizeof(struct vgpu_guest_alloc), .bytes = bytes,
		.flags = vram ? VGPU_GUEST_VRAM : 0,
	};
}

/* A buffer, mapped. */
static uint8_t *buffer(int fd, uint64_t bytes, bool vram, uint64_t *addr)
{
	struct vgpu_guest_alloc a = alloc_args(bytes, vram);
	void *p;

	OK(ioctl(fd, VGPU_GUEST_ALLOC, &a));
	*addr = a.addr;
	p = mmap(NULL, a.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, a.offset);
	REQUIRE(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

static int try_free(int fd, uint64_t addr)
{
	struct vgpu_guest_free f = { .size = sizeof(f), .addr = addr };

	return ioctl(fd, VGPU_GUEST_FREE, &f);
}

static int try_start(int fd, uint32_t queue, uint32_t order)
{
	struct vgpu_guest_start s = { .size = sizeof(s), .queue = queue, .order = order };

	return ioctl(fd, VGPU_GUEST_START, &s);
}

static struct vgpu_guest_submit submit_args(uint32_t queue, const struct vgpu_cmd *c,
					    uint32_t count)
{
	return (struct vgpu_guest_submit){
		.size = sizeof(struct vgpu_guest_submit), .queue = queue, .count = count,
		.cmds_ptr = (uintptr_t)c,
	};
}

/* The job's number, or -1. */
static int64_t try_job(int fd, uint32_t queue, const struct vgpu_cmd *c, uint32_t count)
{
	struct vgpu_guest_submit s = submit_args(queue, c, count);

	return ioctl(fd, VGPU_GUEST_SUBMIT, &s) ? -1 : (int64_t)s.job;
}

static struct vgpu_guest_wait wait_args(uint32_t queue, uint64_t job, uint64_t timeout)
{
	return (struct vgpu_guest_wait){
		.size = sizeof(struct vgpu_guest_wait), .queue = queue, .job = job,
		.timeout = timeout,
	};
}

static int try_wait(int fd, uint32_t queue, uint64_t job)
{
	struct vgpu_guest_wait w = wait_args(queue, job, ~0ULL);

	return ioctl(fd, VGPU_GUEST_WAIT, &w);
}

/* Wait for memory and give way, or go on for ever. */
static struct vgpu_cmd acquire(uint64_t addr, uint64_t value)
{
	struct vgpu_cmd c = { .op = VGPU_OP_ACQUIRE };

	c.sem = (struct vgpu_cmd_sem){ .addr = addr, .value = value };
	return c;
}

static const struct vgpu_cmd forever = { .op = VGPU_OP_SPIN_FOREVER };

static void info(void)
{
	int fd = open_node();
	struct vgpu_guest_info i = info_of(fd);

	EQ(i.version, VGPU_ISA_VERSION);
	EQ(i.queues, 2);
	CHECK(i.features & VGPU_HAS_COMPUTE && i.features & VGPU_HAS_COPY &&
	      !(i.features & VGPU_HAS_DISPLAY), "features 0x%x", i.features);
	EQ(i.vram_bytes, 16 * MIB);
	EQ(i.vram_free, 16 * MIB);
	close(fd);
}

static void shape(int fd, unsigned long cmd, uint32_t size)
{
	uint8_t arg[256] = { };

	FAILS(ioctl(fd, cmd, NULL), EFAULT);
	*(uint32_t *)arg = size - 8;
	FAILS(ioctl(fd, cmd, arg), EINVAL);
	*(uint32_t *)arg = size;
	((uint32_t *)arg)[1] = 1U << 31;
	FAILS(ioctl(fd, cmd, arg), EINVAL);
	((uint32_t *)arg)[1] = 0;
	*(uint32_t *)arg = size + 8;
	arg[size] = 1;
	FAILS(ioctl(fd, cmd, arg), E2BIG);
	*(uint32_t *)arg = 8192;
	FAILS(ioctl(fd, cmd, arg), E2BIG);
}

static void shapes(void)
{
	int fd = open_node();
	char arg[64] = { };

	FAILS(ioctl(fd, _IO(VGPU_GUEST_MAGIC, 6), arg), ENOTTY);
	FAILS(ioctl(fd, _IO(VGPU_MAGIC, 0), arg), ENOTTY);
	FAILS(ioctl(fd, _IOW(VGPU_GUEST_MAGIC, 0, int), arg), ENOTTY);
	shape(fd, VGPU_GUEST_INFO, sizeof(struct vgpu_guest_info));
	shape(fd, VGPU_GUEST_ALLOC, sizeof(struct vgpu_guest_alloc));
	shape(fd, VGPU_GUEST_FREE, sizeof(struct vgpu_guest_free));
	shape(fd, VGPU_GUEST_START, sizeof(struct vgpu_guest_start));
	shape(fd, VGPU_GUEST_SUBMIT, sizeof(struct vgpu_guest_submit));
	shape(fd, VGPU_GUEST_WAIT, sizeof(struct vgpu_guest_wait));
	close(fd);
}

static void buffers(void)
{
	struct vgpu_guest_alloc a;
	uint64_t addr, first;
	int fd = open_node(), i;
	uint8_t *p, *q;

	a = alloc_args(0, false);
	FAILS(ioctl(fd, VGPU_GUEST_ALLOC, &a), EINVAL);
	a = alloc_args(VGPU_GUEST_MAX_MEMORY + 1, false);
	FAILS(ioctl(fd, VGPU_GUEST_ALLOC, &a), EINVAL);
	a = alloc_args(~0ULL, true);
	FAILS(ioctl(fd, VGPU_GUEST_ALLOC, &a), EINVAL);
	a = alloc_args(16 * MIB + 1, true);
	FAILS(ioctl(fd, VGPU_GUEST_ALLOC, &a), ENOSPC);
	FAILS(try_free(fd, NOWHERE), ENOENT);

	/* The gap that the one in the middle leaves is found again. */
	p = buffer(fd, MIB, true, &first);
	q = buffer(fd, MIB, true, &addr);
	a = alloc_args(MIB, true);
	OK(ioctl(fd, VGPU_GUEST_ALLOC, &a));
	EQ(first, VGPU_VRAM);
	EQ(addr, VGPU_VRAM | MIB);
	EQ(info_of(fd).vram_free, 13 * MIB);
	memset(p, 1, MIB);
	memset(q, 2, MIB);
	FAILS(try_free(fd, addr), EBUSY);
	FAILS(try_free(fd, addr + PAGE), ENOENT);
	OK(munmap(q, MIB / 2));
	FAILS(try_free(fd, addr), EBUSY);
	OK(munmap(q + MIB / 2, MIB / 2));
	OK(try_free(fd, addr));
	FAILS(try_free(fd, addr), ENOENT);
	q = buffer(fd, MIB - 5, true, &addr);
	EQ(addr, VGPU_VRAM | MIB);
	for (i = 0; i < (int)MIB && !q[i]; i++)
		;
	EQ(i, MIB);
	EQ(p[MIB - 1], 1);

	/* What mmap() does not do. */
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, a.offset) == MAP_FAILED, "private");
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, "no buffer");
	CHECK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, a.offset + MIB - PAGE) ==
	      MAP_FAILED, "beyond the end");
	for (i = 3; i < VGPU_GUEST_MAX_BUFFERS; i++) {
		a = alloc_args(PAGE, false);
		OK(ioctl(fd, VGPU_GUEST_ALLOC, &a));
	}
	FAILS(ioctl(fd, VGPU_GUEST_ALLOC, &a), ENOSPC);
	close(fd);
	/* What is mapped is still there. */
	EQ(p[7], 1);
}

/* What commands are refused, and which of several it was. */
static void refused(void)
{
	struct vgpu_cmd c[3] = { };
	struct vgpu_guest_submit s;
	struct vgpu_guest_start st = { .size = sizeof(st), .pad = 1 };
	int fd = open_node();
	uint64_t addr;

	buffer(fd, PAGE, false, &addr);
	FAILS(ioctl(fd, VGPU_GUEST_START, &st), EINVAL);
	FAILS(try_start(fd, 2, 4), ENOENT);
	FAILS(try_start(fd, ~0U, 4), ENOENT);
	FAILS(try_start(fd, 0, VGPU_GUEST_ORDER_MIN - 1), EINVAL);
	FAILS(try_start(fd, 0, VGPU_GUEST_ORDER_MAX + 1), EINVAL);
	FAILS(try_job(fd, 0, c, 1), ENOENT);
	FAILS(try_wait(fd, 0, 0), ENOENT);
	OK(try_start(fd, 0, 2));
	FAILS(try_job(fd, 1, c, 1), ENOENT);
	FAILS(try_job(fd, ~0U, c, 1), ENOENT);
	FAILS(try_job(fd, 0, c, 4), EINVAL);
	FAILS(try_job(fd, 0, c, ~0U), EINVAL);
	FAILS(try_job(fd, 0, NULL, 1), EFAULT);
	FAILS(try_wait(fd, 0, 1), EINVAL);
	OK(try_wait(fd, 0, 0));
	c[0] = copy(addr, addr + 100, 100);
	c[1] = copy(addr, addr + 100, 100);
	c[2] = copy(addr, addr + 4000, 97);
	s = submit_args(0, c, 3);
	FAILS(ioctl(fd, VGPU_GUEST_SUBMIT, &s), ERANGE);
	EQ(s.bad, 2);
	c[1].op = 0x55;
	FAILS(ioctl(fd, VGPU_GUEST_SUBMIT, &s), EOPNOTSUPP);
	EQ(s.bad, 1);
	c[0].flags = 1U << 30;
	FAILS(ioctl(fd, VGPU_GUEST_SUBMIT, &s), EINVAL);
	EQ(s.bad, 0);
	c[0] = copy(VGPU_VRAM, addr, 1);
	FAILS(ioctl(fd, VGPU_GUEST_SUBMIT, &s), ERANGE);
	/* None of that has been executed, and the queue is as it was. */
	EQ(try_job(fd, 0, NULL, 0), 1);
	OK(try_wait(fd, 0, 1));
	close(fd);
}

/* Operands in both memories, the results in the upper half. */
static uint64_t source(uint64_t base, uint32_t bytes, uint32_t align)
{
	uint64_t off = rnd((HALF - bytes) / align + 1) * align;

	return rnd(2) ? VGPU_VRAM | off : base + off;
}

static uint64_t target(uint64_t base, uint32_t bytes, uint32_t align)
{
	return source(base, bytes, align) + HALF;
}

static struct vgpu_cmd any_command(uint64_t base, uint32_t kind)
{
	uint32_t bytes = 4 * (1 + rnd(5000)), lines = 1 + rnd(20), width = 1 + rnd(300);
	uint32_t sp = 4 * (width + rnd(9)), dp = 4 * (width + rnd(9));
	struct vgpu_cmd c = { };

	switch (kind) {
	case 0:
		return copy(source(base, bytes, 1), target(base, bytes, 1), bytes);
	case 1:
		c.op = VGPU_OP_FILL;
		c.fill = (struct vgpu_cmd_fill){
			.dst = target(base, dp * lines, 4), .pitch = dp, .width = 4 * width,
			.lines = lines, .element = 4, .pattern = rnd(UINT32_MAX),
		};
		break;
	case 2:
		c.op = VGPU_OP_COPY2D;
		c.copy2d = (struct vgpu_cmd_copy2d){
			.src = source(base, sp * lines, 1), .dst = target(base, dp * lines, 1),
			.src_pitch = sp, .dst_pitch = dp, .width = width, .lines = lines,
		};
		break;
	case 3:
		c.op = VGPU_OP_BLIT;
		c.blit = (struct vgpu_cmd_blit){
			.src = source(base, sp * lines, 4), .dst = target(base, dp * lines, 4),
			.src_pitch = sp, .dst_pitch = dp, .width = width, .lines = lines,
			.src_fmt = rnd(VGPU_NR_FMTS), .dst_fmt = rnd(VGPU_NR_FMTS),
			.rop = rnd(VGPU_NR_ROPS),
		};
		break;
	case 4:
		c.op = VGPU_OP_GEMM;
		c.flags = rnd(2) ? VGPU_F_ACCUMULATE : 0;
		c.gemm = (struct vgpu_cmd_gemm){
			.a = source(base, 40 * 70, 1), .b = source(base, 70 * 50, 1),
			.c = target(base, 40 * 200, 4), .m = 40, .n = 50, .k = 70,
			.lda = 70, .ldb = 50, .ldc = 200,
		};
		break;
	default:
		c.op = VGPU_OP_REDUCE + kind % 3;
		c.reduce = (struct vgpu_cmd_reduce){
			.src = source(base, bytes, 4), .dst = target(base, 1024, 8),
			.bytes = bytes,
		};
		if (c.op == VGPU_OP_REDUCE)
			c.reduce.op = rnd(VGPU_NR_REDUCES);
	}
	return c;
}

/* Every command, on random operands, by the library's driver. */
static void bit_exact(void)
{
	struct model *m = malloc(sizeof(*m));
	__u64 base, vram_at;
	uint8_t *mem, *vram;
	struct vl_vgpu d;
	uint32_t i, round;

	REQUIRE(m, "memory");
	REQUIRE(!vl_vgpu_dev_open(&d, NODE, 0), "%s", vl_message());
	mem = vl_vgpu_alloc(&d, AREA, &base);
	vram = vl_vgpu_vram(&d, AREA, &vram_at);
	REQUIRE(mem && vram, "%s", vl_message());
	EQ(vram_at, 0);
	m->base = base;
	for (i = 0; i < AREA / 4; i++) {
		((uint32_t *)m->guest)[i] = rnd(UINT32_MAX);
		((uint32_t *)m->vram)[i] = rnd(UINT32_MAX);
	}
	memcpy(mem, m->guest, AREA);
	memcpy(vram, m->vram, AREA);
	for (round = 0; round < 16; round++) {
		/* Each queue, a large ring and one that wraps. */
		if (round % 4 == 0)
			REQUIRE(!vl_vgpu_start(&d, round / 8, round % 8 ? 4 : 6), "%s",
				vl_message());
		for (i = 0; i < 8; i++) {
			struct vgpu_cmd c = any_command(base, i);

			EQ(vl_vgpu_submit(&d, round / 8, &c), 0);
			model_run(m, &c);
		}
		REQUIRE(!vl_vgpu_finish(&d, round / 8, MINUTES), "%s", vl_message());
		CHECK(!memcmp(mem, m->guest, AREA), "round %u: memory", round);
		CHECK(!memcmp(vram, m->vram, AREA), "round %u: VRAM", round);
	}
	vl_vgpu_dev_close(&d);
	free(m);
}

/* The queue's fence is the driver's: a program's stores its value, and ends no job. */
static void fences(void)
{
	struct vgpu_cmd c[2] = { { .op = VGPU_OP_FENCE, .flags = VGPU_F_IRQ } };
	struct vgpu_guest_wait w;
	int fd = open_node();
	uint64_t addr, *p;

	p = (uint64_t *)buffer(fd, PAGE, false, &addr);
	OK(try_start(fd, 0, 4));
	c[0].fence = (struct vgpu_cmd_fence){ .value = ~5ULL, .addr = addr + 8, .store = 1 };
	c[1] = acquire(addr, 1);
	EQ(try_job(fd, 0, c, 2), 1);
	w = wait_args(0, 1, now_ns() + 20 * MSEC);
	while (__atomic_load_n(&p[1], __ATOMIC_ACQUIRE) != ~5ULL)
		sleep_ms(1);
	/* It waits in the ACQUIRE: the job is not done, and time passes. */
	FAILS(ioctl(fd, VGPU_GUEST_WAIT, &w), ETIMEDOUT);
	EQ(w.done, 0);
	w.timeout = 0;
	FAILS(ioctl(fd, VGPU_GUEST_WAIT, &w), ETIMEDOUT);
	__atomic_store_n(&p[0], 1, __ATOMIC_RELEASE);
	OK(try_wait(fd, 0, 1));
	close(fd);
}

/* A ring that is full takes no more, and goes on when it is not. */
static void full_ring(void)
{
	struct vgpu_cmd c[4] = { };
	int fd = open_node();
	uint64_t addr, *p;
	int64_t job;

	p = (uint64_t *)buffer(fd, PAGE, false, &addr);
	OK(try_start(fd, 1, 2));
	c[0] = acquire(addr, 1);
	EQ(try_job(fd, 1, c, 1), 1);
	EQ(try_job(fd, 1, NULL, 0), 2);
	FAILS(try_job(fd, 1, c + 1, 3), EAGAIN);
	FAILS(try_job(fd, 1, c + 1, 1), EAGAIN);
	EQ(try_job(fd, 1, NULL, 0), 3);
	FAILS(try_job(fd, 1, NULL, 0), EAGAIN);
	FAILS(try_free(fd, addr), EBUSY);
	__atomic_store_n(&p[0], 1, __ATOMIC_RELEASE);
	OK(try_wait(fd, 1, 3));
	for (job = 4; job < 40; job++) {
		EQ(try_job(fd, 1, c, 3), job);
		OK(try_wait(fd, 1, job));
	}
	close(fd);
}

/* A command that fails halts the queue; the next start gets it going. */
static void faults(void)
{
	struct vgpu_cmd c[3] = { { }, { .op = VGPU_OP_FAULT } };
	struct vgpu_guest_wait w;
	int fd = open_node();

	OK(try_start(fd, 0, 4));
	EQ(try_job(fd, 0, c, 1), 1);
	EQ(try_job(fd, 0, c, 3), 2);
	w = wait_args(0, 2, ~0ULL);
	FAILS(ioctl(fd, VGPU_GUEST_WAIT, &w), EIO);
	EQ(w.error, VGPU_ERR_FAULT);
	EQ(w.done, 1);
	EQ(w.commands, 2);
	OK(try_wait(fd, 0, 1));
	FAILS(try_job(fd, 0, c, 1), EIO);
	OK(try_start(fd, 0, 4));
	EQ(try_job(fd, 0, c, 1), 1);
	OK(try_wait(fd, 0, 1));
	close(fd);
}

struct waiter {
	pthread_t thread;
	int fd;
	int err;
};

static void *waits(void *arg)
{
	struct waiter *w = arg;

	w->err = try_wait(w->fd, 0, 1) ? errno : 0;
	return NULL;
}

/* Somebody waits for ever, and surely does by now. */
static void wait_in_thread(struct waiter *w, int fd)
{
	w->fd = fd;
	OK(-pthread_create(&w->thread, NULL, waits, w));
	sleep_ms(50);
}

static int result(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	return w->err;
}

/* Each has its own queues and buffers; what is endless ends with its file. */
static void two_programs(void)
{
	int a = open_node(), b = open_node();
	struct waiter w;
	struct vgpu_cmd c;
	uint64_t mine, theirs;
	uint8_t *p;

	p = buffer(a, PAGE, true, &mine);
	buffer(b, PAGE, true, &theirs);
	CHECK(mine != theirs, "the same place");
	memset(p, 7, PAGE);
	OK(try_start(a, 0, 4));
	FAILS(try_start(b, 0, 4), EBUSY);
	FAILS(try_wait(b, 0, 0), ENOENT);
	FAILS(try_job(b, 0, NULL, 0), ENOENT);
	OK(try_start(b, 1, 4));
	c = copy(mine, theirs, 1);
	FAILS(try_job(b, 1, &c, 1), ERANGE);
	FAILS(try_free(b, mine), ENOENT);
	EQ(try_job(a, 0, &forever, 1), 1);
	wait_in_thread(&w, a);
	/* Anew: who waits is told. */
	OK(try_start(a, 0, 4));
	EQ(result(&w), ECANCELED);
	EQ(try_job(a, 0, &forever, 1), 1);
	OK(munmap(p, PAGE));
	close(a);
	OK(try_start(b, 0, 4));
	EQ(try_job(b, 0, NULL, 0), 1);
	OK(try_wait(b, 0, 1));
	/* What the other left behind is not to be seen. */
	p = buffer(b, PAGE, true, &mine);
	EQ(p[5], 0);
	close(b);
}

static char slot[PATH_MAX];

static void write_to(const char *path)
{
	int fd = OK(open(path, O_WRONLY | O_CLOEXEC));

	OK(write(fd, "1", 1));
	close(fd);
}

static sigjmp_buf out;

static void bus_error(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static bool faults_at(volatile uint8_t *p)
{
	if (sigsetjmp(out, 1))
		return true;
	*p = 1;
	return false;
}

/* The device goes with a queue that is busy, somebody who waits, buffers that are mapped. */
static void unplug_in_use(void)
{
	struct vgpu_guest_info i = { .size = sizeof(i) };
	uint8_t *memory, *vram, *untouched;
	struct vgpu_guest_alloc a;
	int fd = open_node();
	struct waiter w;
	uint64_t addr;

	REQUIRE(realpath("/sys/class/misc/vgpu_guest0/device", slot), "sysfs");
	memory = buffer(fd, 2 * PAGE, false, &addr);
	vram = buffer(fd, 2 * PAGE, true, &addr);
	untouched = memory + PAGE;
	*memory = 1;
	*vram = 1;
	OK(try_start(fd, 0, 4));
	EQ(try_job(fd, 0, &forever, 1), 1);
	wait_in_thread(&w, fd);
	strcat(slot, "/remove");
	write_to(slot);
	EQ(result(&w), ENODEV);
	FAILS(ioctl(fd, VGPU_GUEST_INFO, &i), ENODEV);
	FAILS(try_start(fd, 0, 4), ENODEV);
	FAILS(try_job(fd, 0, NULL, 0), ENODEV);
	FAILS(try_wait(fd, 0, 1), ENODEV);
	a = alloc_args(PAGE, false);
	FAILS(ioctl(fd, VGPU_GUEST_ALLOC, &a), ENODEV);
	FAILS(open(NODE, O_RDWR), ENOENT);
	signal(SIGBUS, bus_error);
	CHECK(faults_at(memory), "memory is still mapped");
	CHECK(faults_at(untouched), "memory that was not touched");
	CHECK(faults_at(vram), "VRAM is still mapped");
	munmap(memory, 2 * PAGE);
	munmap(vram, 2 * PAGE);
	/* And comes again, while the old file is still there. */
	write_to("/sys/bus/pci/rescan");
	while (access(NODE, F_OK))
		sleep_ms(10);
	FAILS(ioctl(fd, VGPU_GUEST_INFO, &i), ENODEV);
	close(fd);
	fd = open_node();
	OK(try_start(fd, 0, 4));
	EQ(try_job(fd, 0, NULL, 0), 1);
	OK(try_wait(fd, 0, 1));
	close(fd);
}

/* A child has what its parent has mapped, and closes nothing of it. */
static void child(void)
{
	int fd = open_node(), status;
	uint64_t addr;
	uint8_t *p = buffer(fd, PAGE, false, &addr);
	pid_t pid = OK(fork());

	if (!pid) {
		*p = 42;
		_exit(munmap(p, PAGE) ? 1 : 0);
	}
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
	EQ(*p, 42);
	FAILS(try_free(fd, addr), EBUSY);
	OK(munmap(p, PAGE));
	OK(try_free(fd, addr));
	close(fd);
}

static const struct test tests[] = {
	{ "info", info },
	{ "shapes", shapes },
	{ "buffers", buffers },
	{ "refused", refused },
	{ "bit_exact", bit_exact },
	{ "fences", fences },
	{ "full_ring", full_ring },
	{ "faults", faults },
	{ "two_programs", two_programs },
	{ "child", child },
	{ "unplug_in_use", unplug_in_use },
	{ "bit_exact_again", bit_exact },
};

TEST_SUITE(tests);
