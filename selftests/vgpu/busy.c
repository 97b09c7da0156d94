// SPDX-License-Identifier: GPL-2.0
/*
 * Taking things away while the engine works with exactly those: memory, queues, the
 * device, the GPU. And what must not be left behind for the next tenant.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "gpu.h"
#include "virtlite.h"

#define BYTES (64 * KIB)

static struct vl_vgpu d;
static int id;

static void one_slice(void)
{
	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 2);
	add(id, 2, 1);
	open_slice(&d, 1);
}

static void done(void)
{
	close_slice(&d);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

/* Keep queue 0 copying between guest memory and VRAM. */
static void keep_busy(uint64_t iova, uint32_t n)
{
	start(&d, 0, 8);
	while (n--) {
		submit(&d, 0, copy(iova, VGPU_VRAM | 0x10000, BYTES));
		submit(&d, 0, copy(VGPU_VRAM | 0x10000, iova, BYTES));
	}
	vl_vgpu_doorbell(&d, 0);
}

/* Wait until queue 0 has halted, or done all that it was given. */
static bool ended(uint32_t commands)
{
	uint64_t until = now_ns() + 20 * SECOND;

	while (now_ns() < until) {
		if (q_reg(&d, 0, VGPU_Q_ERROR) || q_reg(&d, 0, VGPU_Q_GET) == commands)
			return true;
		sleep_ms(1);
	}
	return false;
}

/* Once unmap has returned, nothing more comes into the memory. */
static void unmap(void)
{
	uint32_t round, i;
	uint64_t iova;

	one_slice();
	for (round = 0; round < scale(30, 10); round++) {
		uint8_t *mem = share(&d, BYTES, &iova);

		memset(mem, round, BYTES);
		memset(d.vram + 0x10000, 0xee, BYTES);
		keep_busy(iova, 100);
		sleep_ms(rnd(4));
		EQ(vl_vgpu_unmap(&d, iova, BYTES), 0);
		memset(mem, 0x55, BYTES);
		CHECK(ended(200), "queue 0 neither halts nor ends");
		for (i = 0; i < BYTES; i++)
			if (mem[i] != 0x55)
				break;
		CHECK(i == BYTES, "round %u: byte %u was written after unmap", round, i);
		munmap(mem, BYTES);
	}
	done();
}

static void reset_queue(void)
{
	uint32_t round, i;
	uint64_t iova;
	uint8_t *mem;

	one_slice();
	mem = share(&d, BYTES, &iova);
	for (round = 0; round < scale(50, 15); round++) {
		memset(d.vram + 0x10000, 0xee, BYTES);
		keep_busy(iova, 100);
		sleep_ms(rnd(3));
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
		memset(mem, 0x55, BYTES);
		sleep_ms(1);
		for (i = 0; i < BYTES && mem[i] == 0x55; i++)
			;
		CHECK(i == BYTES, "round %u: byte %u was written after the reset", round, i);
	}
	done();
}

static void reset_device(void)
{
	uint32_t round, i;
	uint64_t iova;
	uint8_t *mem;
	uint16_t master = 6;

	one_slice();
	mem = share(&d, BYTES, &iova);
	for (round = 0; round < scale(20, 8); round++) {
		EQ(vl_vgpu_config(&d, 4, &master, 2, true), 0);
		memset(mem, 0x11, BYTES);
		keep_busy(iova, 100);
		sleep_ms(rnd(3));
		OK(ioctl(d.device, VFIO_DEVICE_RESET));
		for (i = 0; i < BYTES && !d.vram[0x10000 + i]; i++)
			;
		CHECK(i == BYTES, "round %u: VRAM is 0x%x after the reset", round,
		      d.vram[0x10000 + i]);
	}
	done();
}

/* Bus Master Enable is cleared: from then on no access. */
static void master_off(void)
{
	uint16_t on = 6, off = 2;
	uint32_t round, i;
	uint64_t iova;
	uint8_t *mem;

	one_slice();
	mem = share(&d, BYTES, &iova);
	for (round = 0; round < scale(20, 8); round++) {
		EQ(vl_vgpu_config(&d, 4, &on, 2, true), 0);
		memset(d.vram + 0x10000, 0xee, BYTES);
		keep_busy(iova, 100);
		sleep_ms(rnd(3));
		EQ(vl_vgpu_config(&d, 4, &off, 2, true), 0);
		memset(mem, 0x55, BYTES);
		sleep_ms(1);
		for (i = 0; i < BYTES && mem[i] == 0x55; i++)
			;
		CHECK(i == BYTES, "round %u: byte %u was written", round, i);
	}
	done();
}

static void close_busy(void)
{
	uint32_t round;
	uint64_t iova;

	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_EQUAL, VGPU_CLOCK_REAL, 2);
	add(id, 2, 1);
	for (round = 0; round < scale(15, 6); round++) {
		uint8_t *mem;

		open_slice(&d, 1);
		mem = share(&d, BYTES, &iova);
		keep_busy(iova, 100);
		start(&d, 1, 4);
		submit(&d, 1, (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER, .flags = rnd(2) ?
						 VGPU_F_NOPREEMPT : 0 });
		vl_vgpu_doorbell(&d, 1);
		sleep_ms(rnd(5));
		close_slice(&d);
		munmap(mem, BYTES);
	}
	EQ(query(id).open, 0);
	EQ(query(id).vram_used, 0);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

static void work_until_killed(void *arg)
{
	uint64_t iova;
	int *ready = arg;

	open_slice(&d, 1);
	share(&d, BYTES, &iova);
	keep_busy(iova, 100);
	if (write(*ready, "", 1) != 1)
		return;
	for (;;)
		pause();
}

/* The user is killed in the middle; the GPU is deleted at once. */
static void killed(void)
{
	uint32_t round;

	fresh();
	for (round = 0; round < scale(8, 4); round++) {
		int ready[2], status;
		pid_t pid;
		char c;

		id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 1);
		add(id, 1, 1);
		OK(pipe(ready));
		pid = OK(fork());
		if (!pid) {
			work_until_killed(&ready[1]);
			_exit(1);
		}
		OK(read(ready[0], &c, 1));
		EQ(slice(id, 0).pid, pid);
		kill(pid, SIGKILL);
		OK(try_delete(id, VGPU_DELETE_FORCE));
		OK(waitpid(pid, &status, 0));
		close(ready[0]);
		close(ready[1]);
	}
	FAILS(try_delete(id, 0), ENOENT);
}

/* Nothing of one tenant's VRAM is seen by the next, nor by a neighbour. */
static void tenants(void)
{
	struct vl_vgpu other;
	uint32_t i, bad = 0;

	one_slice();
	add(id, 2, 2);
	open_slice(&other, 2);
	memset(d.vram, 0xa5, d.vram_bytes);
	for (i = 0; i < other.vram_bytes; i += 4096)
		bad += other.vram[i + 7] != 0;
	CHECK(!bad, "%u pages of the neighbour are not zero", bad);
	EQ(slice(id, 0).vram_used, 8 * MIB);
	close_slice(&d);
	EQ(slice(id, 0).vram_used, 0);
	open_slice(&d, 1);
	for (i = 0; i < d.vram_bytes; i += 64)
		bad += d.vram[i] != 0;
	CHECK(!bad, "%u lines of the last tenant are there", bad);
	EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_OFF);
	close_slice(&other);
	done();
}

static int fault_fd(void *mem, size_t bytes)
{
	struct uffdio_register r = {
		.range = { .start = (uintptr_t)mem, .len = bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		test_skip("no userfaultfd: %s", strerror(errno));
	OK(ioctl(fd, UFFDIO_API, &api));
	OK(ioctl(fd, UFFDIO_REGISTER, &r));
	return fd;
}

/*
 * Guest memory that never comes: the engine is taken away from the one who waits
 * for it, the other one goes on; reset and close do not wait for it either.
 */
static void stuck(void)
{
	struct vl_vgpu other;
	uint8_t *mem;
	int fd;

	one_slice();
	add(id, 2, 2);
	open_slice(&other, 2);
	OK(set_gpu(id, VGPU_SET_PREEMPT_TIMEOUT, (struct vgpu_set){
		.preempt_timeout = 100 * MSEC }));
	mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EQ(vl_vgpu_map(&d, mem, BYTES, 0x40000000, true), 0);
	fd = fault_fd(mem, BYTES);
	start(&d, 0, 4);
	start(&other, 0, 4);
	submit(&d, 0, copy(0x40000000, VGPU_VRAM, 4096));
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_ERROR, VGPU_ERR_HANG, 20000), "not stopped");
	OK(set_gpu(id, VGPU_SET_PREEMPT_TIMEOUT, (struct vgpu_set){
		.preempt_timeout = 20 * SECOND }));
	EQ(stats(id, 0, 0).revoked, 1);
	submit(&other, 0, spin(1000));
	EQ(vl_vgpu_finish(&other, 0, MINUTES), 0);
	EQ(stats(id, 1, 0).hangs, 0);
	/* It returns, although the page is still missing. */
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
	EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_OFF);
	EQ(run(&d, copy(VGPU_VRAM, VGPU_VRAM | 4096, 4096)), 0);
	/* And close while it is stuck again. */
	submit(&d, 0, copy(0x40001000, VGPU_VRAM, 4096));
	vl_vgpu_doorbell(&d, 0);
	sleep_ms(50);
	close_slice(&d);
	close_slice(&other);
	close(fd);
	munmap(mem, BYTES);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

/* As soon as the driver sees that a queue has hung, it may set it up anew. */
static void hang_and_go_on(void)
{
	struct vgpu_cmd endless = {
		.op = VGPU_OP_SPIN_FOREVER, .flags = VGPU_F_NOPREEMPT,
	};
	uint32_t round, status, late = 0, told = 0;

	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_VIRTUAL, 1);
	add(id, 2, 1);
	open_slice(&d, 1);
	OK(set_gpu(id, VGPU_SET_PREEMPT_TIMEOUT, (struct vgpu_set){ .preempt_timeout = MSEC }));
	for (round = 0; round < scale(400, 100); round++) {
		start(&d, 0, 4);
		submit(&d, 0, endless);
		vl_vgpu_doorbell(&d, 0);
		while (q_reg(&d, 0, VGPU_Q_ERROR) != VGPU_ERR_HANG)
			;
		/* The queue alone, or all of the slice. */
		if (round % 2)
			vl_vgpu_write(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
		start(&d, 0, 4);
		sleep_ms(1);
		late += q_reg(&d, 0, VGPU_Q_ERROR) == VGPU_ERR_RESET;
		status = vl_vgpu_read(&d, VGPU_REG_INTR_STATUS);
		if (round % 2)
			told += !!(status & VGPU_INTR_RESET);
	}
	EQ(stats(id, 0, -1).hangs, round);
	CHECK(!late, "%u of %u times a new queue was stopped for the old one", late, round);
	CHECK(!told, "%u times a slice that was reset was told of it again", told);
	done();
}

static void host_reset(void)
{
	struct vgpu_slice_reset r = { .size = sizeof(r) };
	struct vgpu_event e;
	int fd;

	one_slice();
	fd = listen_to(id);
	start(&d, 0, 4);
	submit(&d, 0, (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER });
	vl_vgpu_doorbell(&d, 0);
	start(&d, 1, 4);
	r.id = id;
	OK(ioctl(control(), VGPU_SLICE_RESET, &r));
	EQ(q_reg(&d, 0, VGPU_Q_ERROR), VGPU_ERR_RESET);
	EQ(q_reg(&d, 1, VGPU_Q_ERROR), VGPU_ERR_RESET);
	CHECK(vl_vgpu_read(&d, VGPU_REG_INTR_STATUS) & VGPU_INTR_RESET, "not told");
	CHECK(next_event(fd, VGPU_EVENT_RESET, 10000, &e) && e.arg == VGPU_RESET_HOST, "no event");
	EQ(stats(id, 0, -1).resets, 2);
	close(fd);
	done();
}

/* Storms are held up, counted, and nothing of them is lost. */
static void storms(void)
{
	struct vgpu_cmd c = { .op = VGPU_OP_FENCE, .flags = VGPU_F_IRQ };
	struct vgpu_event e;
	uint32_t i;
	int fd;

	one_slice();
	fd = listen_to(id);
	OK(set_slice(id, 0, VGPU_SLICE_DOORBELL_LIMIT | VGPU_SLICE_IRQ_LIMIT,
		     (struct vgpu_slice_set){ .doorbell_limit = 200, .irq_limit = 100 }));
	start(&d, 0, 8);
	for (i = 0; i < 150; i++) {
		c.fence.value = i + 1;
		submit(&d, 0, c);
		vl_vgpu_doorbell(&d, 0);
		vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	}
	CHECK(q_until(&d, 0, VGPU_Q_FENCE_LO, 150, 60000), "fence %u",
	      q_reg(&d, 0, VGPU_Q_FENCE_LO));
	CHECK(stats(id, 0, -1).doorbell_storms > 0, "no doorbell storm");
	EQ(stats(id, 0, -1).doorbells, 150);
	CHECK(next_event(fd, VGPU_EVENT_STORM, 10000, &e), "no event");
	/* Faults: the fourth is one too many. */
	OK(set_slice(id, 0, VGPU_SLICE_DOORBELL_LIMIT | VGPU_SLICE_FAULT_LIMIT,
		     (struct vgpu_slice_set){ .fault_limit = 3 }));
	for (i = 0; i < 4; i++) {
		start(&d, 1, 4);
		submit(&d, 1, (struct vgpu_cmd){ .op = VGPU_OP_FAULT });
		vl_vgpu_doorbell(&d, 1);
		CHECK(q_until(&d, 1, VGPU_Q_ERROR, VGPU_ERR_FAULT, 20000), "no fault");
	}
	vl_vgpu_write(&d, VGPU_QUEUE(1) + VGPU_Q_CONTROL, VGPU_Q_RESET);
	vl_vgpu_write(&d, VGPU_QUEUE(1) + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
	EQ(q_reg(&d, 1, VGPU_Q_ERROR), VGPU_ERR_STORM);
	EQ(stats(id, 0, -1).fault_storms, 1);
	/* The other queue goes on. */
	c.fence.value = 1000;
	submit(&d, 0, c);
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_FENCE_LO, 1000, 20000), "queue 0 stands still");
	close(fd);
	done();
}

static const struct test tests[] = {
	{ "unmap", unmap },
	{ "reset_queue", reset_queue },
	{ "reset_device", reset_device },
	{ "master_off", master_off },
	{ "close_busy", close_busy },
	{ "killed", killed },
	{ "tenants", tenants },
	{ "stuck", stuck },
	{ "hang_and_go_on", hang_and_go_on },
	{ "host_reset", host_reset },
	{ "storms", storms },
};

TEST_SUITE(tests);
