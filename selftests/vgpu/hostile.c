// SPDX-License-Identifier: GPL-2.0
/*
 * A slice's user and its guest at their worst: random accesses to every region, rings
 * of random bytes and of commands that are nearly right, from several threads. The
 * kernel must live, and a neighbour must not notice. With LONG in the environment,
 * a million operations; SEED chooses others.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#include "gpu.h"

#define BYTES (64 * KIB)

static struct vl_vgpu d, neighbour;
static uint64_t iova;
static uint8_t *mem;
static int id;

static uint64_t operations(void)
{
	return getenv("LONG") ? 1000000 : scale(20000, 5000);
}

static void two_slices(void)
{
	seed(getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 1);
	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_VIRTUAL, 2);
	add(id, 4, 1);
	add(id, 4, 2);
	OK(set_slice(id, 0, VGPU_SLICE_PERSONALITY, (struct vgpu_slice_set){
		.personality = VGPU_PERSONALITY_DISPLAY }));
	OK(set_gpu(id, VGPU_SET_JOB_TIMEOUT | VGPU_SET_PREEMPT_TIMEOUT, (struct vgpu_set){
		.job_timeout = 20 * MSEC, .preempt_timeout = 10 * SECOND }));
	open_slice(&d, 1);
	open_slice(&neighbour, 2);
	mem = share(&d, BYTES, &iova);
	memset(neighbour.vram, 0x3c, neighbour.vram_bytes);
}

static void done(void)
{
	uint32_t i, bad = 0;

	/* The neighbour works, and has what it had. */
	start(&neighbour, 0, 4);
	submit(&neighbour, 0, spin(1000));
	EQ(vl_vgpu_finish(&neighbour, 0, MINUTES), 0);
	for (i = 0; i < neighbour.vram_bytes; i += 61)
		bad += neighbour.vram[i] != 0x3c;
	CHECK(!bad, "%u bytes of the neighbour have changed", bad);
	EQ(stats(id, 1, -1).faults, 0);
	close_slice(&d);
	close_slice(&neighbour);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

/* An address that is often right, and often just not. */
static uint64_t address(void)
{
	uint64_t near = rnd(3) ? rnd(BYTES) : rnd(16) * 4096 - rnd(64);

	switch (rnd(8)) {
	case 0:
		return VGPU_VRAM | (4 * MIB - rnd(8192));
	case 1:
		return (uint64_t)rnd(UINT32_MAX) << 32 | rnd(UINT32_MAX);
	case 2:
	case 3:
		return VGPU_VRAM | near;
	}
	return iova + near;
}

static struct vgpu_cmd command(void)
{
	static const uint8_t ops[] = { 0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22, 0x23,
				       0x70, 0x71, 0x72 };
	struct vgpu_cmd c = { .op = ops[rnd(ARRAY_SIZE(ops))] };
	uint32_t i, n = 14;

	if (!rnd(10)) {
		for (i = 0; i < n; i++)
			c.raw[i] = rnd(UINT32_MAX);
		return c;
	}
	if (!rnd(4))
		c.flags = 1U << rnd(6);
	switch (c.op) {
	case VGPU_OP_FENCE:
		c.fence = (struct vgpu_cmd_fence){ rnd(100), address() & ~7ULL, rnd(2) };
		break;
	case VGPU_OP_RELEASE:
	case VGPU_OP_ACQUIRE:
		c.sem = (struct vgpu_cmd_sem){ address() & ~15ULL, rnd(2) };
		break;
	case VGPU_OP_FILL:
		c.fill = (struct vgpu_cmd_fill){ address() & ~3ULL, 4 * rnd(2000), 4 * rnd(2000),
						 rnd(40), 1 << rnd(4), rnd(UINT32_MAX) };
		break;
	case VGPU_OP_COPY:
		c.copy = (struct vgpu_cmd_copy){ address(), address(), rnd(40000) };
		break;
	case VGPU_OP_COPY2D:
		c.copy2d = (struct vgpu_cmd_copy2d){ address(), address(), rnd(4000), rnd(4000),
						     rnd(2000), rnd(30) };
		break;
	case VGPU_OP_BLIT:
		c.blit = (struct vgpu_cmd_blit){ address() & ~3ULL, address() & ~3ULL,
						 4 * rnd(500), 4 * rnd(500), rnd(300), rnd(20),
						 rnd(7), rnd(7), rnd(8) };
		break;
	case VGPU_OP_GEMM:
		c.gemm = (struct vgpu_cmd_gemm){ address(), address(), address() & ~3ULL, rnd(40),
						 rnd(40), rnd(90), rnd(200), rnd(200),
						 4 * rnd(100) };
		break;
	case VGPU_OP_REDUCE:
	case VGPU_OP_HISTOGRAM:
	case VGPU_OP_CRC32C:
		c.reduce = (struct vgpu_cmd_reduce){ address() & ~7ULL, address() & ~7ULL,
						     4 * rnd(8000), rnd(5) };
		break;
	case VGPU_OP_SPIN:
		c.spin.ns = rnd(100000);
		break;
	}
	return c;
}

/* Rings of such commands; the queue is set up again whenever it has halted. */
static void rings(void)
{
	uint64_t n = operations() / 4, i;
	uint32_t halted = 0;

	two_slices();
	start(&d, 0, 5);
	for (i = 0; i < n; i++) {
		if (q_reg(&d, 0, VGPU_Q_ERROR)) {
			halted++;
			start(&d, 0, 5);
		}
		if (vl_vgpu_submit(&d, 0, &(struct vgpu_cmd){ 0 }) == -EAGAIN) {
			/* Perhaps it waits for a semaphore that nobody will release. */
			if (!rnd(50))
				start(&d, 0, 5);
			else
				sleep_ms(0);
			continue;
		}
		d.q[0].ring[(d.q[0].put - 1) % 32] = command();
		vl_vgpu_doorbell(&d, 0);
	}
	diag("%u halts in %llu commands", halted, (unsigned long long)n);
	CHECK(halted > n / 100, "only %u halts: this is not hostile", halted);
	done();
}

/* Random accesses to the regions, and the calls of VFIO. */
static void access_once(void)
{
	static const uint32_t index[] = { 0, 2, 4, 4, 4, 7, 7, 9, 1, 8 };
	uint64_t off = rnd(3) ? rnd(0x1400) & ~3U : rnd(UINT32_MAX);
	uint32_t len = rnd(4) ? 4 : 1 + rnd(300);
	uint64_t pos = (uint64_t)index[rnd(ARRAY_SIZE(index))] << 40 | off;
	uint8_t buf[304];
	uint32_t i;

	for (i = 0; i < len; i++)
		buf[i] = rnd(3) ? rnd(8) : rnd(256);
	if (rnd(2) ? pread(d.device, buf, len, pos) < 0 : pwrite(d.device, buf, len, pos) < 0)
		CHECK(errno == EINVAL, "access of %u at 0x%llx: %s", len, (unsigned long long)pos,
		      strerror(errno));
}

static void call_once(void)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} s = {
		.set = {
			.argsz = sizeof(s), .index = rnd(6), .start = rnd(8) ? 0 : rnd(UINT32_MAX),
			.count = rnd(8) ? rnd(2) : rnd(UINT32_MAX), .flags = rnd(64),
		},
		.fd = rnd(3) ? d.irq : (int)rnd(20) - 2,
	};
	struct vfio_device_gfx_plane_info p = {
		.argsz = sizeof(p), .flags = rnd(8), .drm_plane_type = rnd(4),
	};
	struct vfio_region_info r = { .argsz = sizeof(r), .index = rnd(12) };
	uint32_t id_of = rnd(4);
	int fd;

	switch (rnd(12)) {
	case 0:
		ioctl(d.device, VFIO_DEVICE_RESET);
		break;
	case 1:
	case 2:
		ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p);
		break;
	case 3:
		ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &r);
		break;
	case 4:
		fd = ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &id_of);
		if (fd >= 0)
			close(fd);
		break;
	default:
		ioctl(d.device, VFIO_DEVICE_SET_IRQS, &s);
	}
}

static void regions(void)
{
	uint64_t n = operations(), i;

	two_slices();
	for (i = 0; i < n; i++) {
		access_once();
		if (i % 64 == 0)
			call_once();
	}
	done();
}

static volatile bool stop;

static void *resetter(void *arg)
{
	(void)arg;
	while (!stop) {
		struct vgpu_slice_reset r = { .size = sizeof(r), .id = id };

		ioctl(control(), VGPU_SLICE_RESET, &r);
		vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
		sleep_ms(1);
		vl_vgpu_write(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
		ioctl(d.device, VFIO_DEVICE_RESET);
	}
	return NULL;
}

static void *mapper(void *arg)
{
	(void)arg;
	while (!stop) {
		vl_vgpu_unmap(&d, iova, BYTES);
		vl_vgpu_map(&d, mem, BYTES, iova, true);
		sleep_ms(2);
	}
	return NULL;
}

/* All at once. */
static void together(void)
{
	uint64_t n = operations() / 10, i;
	pthread_t t[2];

	two_slices();
	EQ(pthread_create(&t[0], NULL, resetter, NULL), 0);
	EQ(pthread_create(&t[1], NULL, mapper, NULL), 0);
	for (i = 0; i < n; i++) {
		uint16_t master = 6;

		if (i % 16 == 0) {
			vl_vgpu_config(&d, 4, &master, 2, true);
			vl_vgpu_start(&d, 0, 5);
		}
		d.q[0].ring[d.q[0].put++ % 32] = command();
		vl_vgpu_doorbell(&d, 0);
		if (rnd(4))
			access_once();
	}
	stop = true;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	done();
}

static const struct test tests[] = {
	{ "rings", rings },
	{ "regions", regions },
	{ "together", together },
};

TEST_SUITE(tests);
