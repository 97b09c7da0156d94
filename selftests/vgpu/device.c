// SPDX-License-Identifier: GPL-2.0
/* A slice as a VFIO PCI device: regions, configuration space, interrupts, reset. */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "gpu.h"
#include "virtlite.h"

static struct vl_vgpu d;
static int id;

static void one_slice(void)
{
	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 2);
	EQ(add(id, 4, 1), 0);
	open_slice(&d, 1);
}

static void done(void)
{
	close_slice(&d);
	EQ(try_remove(1), 0);
	OK(try_delete(id, 0));
}

static struct vfio_region_info region(uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	OK(ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

static void infos(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info bad = { .argsz = sizeof(bad), .index = 9 };
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	uint32_t i;

	one_slice();
	OK(ioctl(d.device, VFIO_DEVICE_GET_INFO, &info));
	EQ(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	EQ(info.num_regions, VFIO_PCI_NUM_REGIONS);
	EQ(info.num_irqs, VFIO_PCI_NUM_IRQS);
	info.argsz = 8;
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_INFO, &info), EINVAL);
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_INFO, NULL), EFAULT);

	EQ(region(VFIO_PCI_BAR0_REGION_INDEX).size, 4 * MIB);
	EQ(region(VFIO_PCI_BAR0_REGION_INDEX).flags, VFIO_REGION_INFO_FLAG_READ |
	   VFIO_REGION_INFO_FLAG_WRITE | VFIO_REGION_INFO_FLAG_MMAP);
	EQ(region(VFIO_PCI_BAR4_REGION_INDEX).size, 4096);
	EQ(region(VFIO_PCI_BAR4_REGION_INDEX).flags,
	   VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	EQ(region(VFIO_PCI_CONFIG_REGION_INDEX).size, 256);
	/* A compute slice has no display. */
	EQ(region(VFIO_PCI_BAR2_REGION_INDEX).size, 0);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		EQ(region(i).offset, (uint64_t)i << 40);
	EQ(region(VFIO_PCI_ROM_REGION_INDEX).size, 0);
	EQ(region(VFIO_PCI_VGA_REGION_INDEX).size, 0);
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &bad), EINVAL);
	bad = (struct vfio_region_info){ .argsz = 8 };
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &bad), EINVAL);

	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		irq = (struct vfio_irq_info){ .argsz = sizeof(irq), .index = i };
		OK(ioctl(d.device, VFIO_DEVICE_GET_IRQ_INFO, &irq));
		EQ(irq.count, i == VFIO_PCI_INTX_IRQ_INDEX || i == VFIO_PCI_MSI_IRQ_INDEX ||
		   i == VFIO_PCI_REQ_IRQ_INDEX);
		EQ(!!(irq.flags & VFIO_IRQ_INFO_AUTOMASKED), i == VFIO_PCI_INTX_IRQ_INDEX);
	}
	irq = (struct vfio_irq_info){ .argsz = sizeof(irq), .index = VFIO_PCI_NUM_IRQS };
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_IRQ_INFO, &irq), EINVAL);
	FAILS(ioctl(d.device, _IO(VFIO_TYPE, VFIO_BASE + 99), NULL), ENOTTY);
	done();
}

static uint32_t config(uint32_t off, int bytes)
{
	uint32_t value = 0;

	EQ(pread(d.device, &value, bytes, CONFIG + off), bytes);
	return value;
}

static void set_config(uint32_t off, int bytes, uint32_t value)
{
	EQ(pwrite(d.device, &value, bytes, CONFIG + off), bytes);
}

static void config_space(void)
{
	uint8_t all[260], next;
	uint32_t seen = 0;

	one_slice();
	EQ(config(0, 4), VGPU_PCI_DEVICE_COMPUTE << 16 | VGPU_PCI_VENDOR);
	EQ(config(0x2c, 4), VGPU_PCI_SUBDEVICE << 16 | VGPU_PCI_SUBVENDOR);
	EQ(config(8, 4) >> 8, 0x120000);
	EQ(config(0x3d, 1), 1);
	EQ(config(6, 2) & 0x10, 0x10);
	/* The list ends, and has what the manual says. */
	for (next = config(0x34, 1); next; next = config(next + 1, 1)) {
		REQUIRE(next >= 0x40 && next % 4 == 0 && seen < 4, "capability at 0x%x", next);
		seen++;
		if (config(next, 1) == 0x05)
			EQ(config(next + 2, 2) & 0xfffe, 0x80);
		else if (config(next, 1) == 0x09)
			EQ(config(next + 4, 4), VGPU_ISA_VERSION);
		else
			CHECK(false, "capability 0x%x", config(next, 1));
	}
	EQ(seen, 2);
	/* Sizes of the BARs, as every BIOS asks. */
	set_config(0x10, 4, ~0U);
	set_config(0x14, 4, ~0U);
	EQ(config(0x10, 4), (uint32_t)~(4 * MIB - 1) | 0xc);
	EQ(config(0x14, 4), ~0U);
	set_config(0x18, 4, ~0U);
	EQ(config(0x18, 4), 0);
	set_config(0x20, 4, ~0U);
	EQ(config(0x20, 4), 0xfffff000);
	/* Identity stays; bytes of a register can be written alone. */
	set_config(0, 4, 0);
	EQ(config(0, 4), VGPU_PCI_DEVICE_COMPUTE << 16 | VGPU_PCI_VENDOR);
	set_config(0x3c, 1, 11);
	EQ(config(0x3c, 2), 0x010b);
	set_config(4, 2, 0xffff);
	EQ(config(4, 2), 0x0547);
	set_config(4, 2, 6);
	/* Any width that fits, nothing beyond the end. */
	EQ(pread(d.device, all, 256, CONFIG), 256);
	EQ(pread(d.device, all, 3, CONFIG + 1), 3);
	FAILS(pread(d.device, all, 257, CONFIG), EINVAL);
	FAILS(pread(d.device, all, 2, CONFIG + 255), EINVAL);
	FAILS(pread(d.device, all, 1, CONFIG + 256), EINVAL);
	FAILS(pwrite(d.device, all, 2, CONFIG + 255), EINVAL);
	FAILS(pwrite(d.device, all, 4, CONFIG + 4096), EINVAL);
	done();
}

static void accesses(void)
{
	uint64_t word = 0;
	void *p;

	one_slice();
	/* Registers: aligned, 4 or 8 bytes. */
	EQ(pread(d.device, &word, 8, BAR4 + VGPU_REG_ID), 8);
	EQ(word, (uint64_t)VGPU_ISA_VERSION << 32 | VGPU_ID);
	FAILS(pread(d.device, &word, 2, BAR4), EINVAL);
	FAILS(pread(d.device, &word, 1, BAR4), EINVAL);
	FAILS(pread(d.device, &word, 4, BAR4 + 2), EINVAL);
	FAILS(pread(d.device, &word, 8, BAR4 + 4), EINVAL);
	FAILS(pread(d.device, &word, 8, BAR4 + 4096), EINVAL);
	FAILS(pwrite(d.device, &word, 3, BAR4), EINVAL);
	FAILS(pread(d.device, (void *)-4096L, 4, BAR4), EFAULT);
	/* Reserved ones read as 0. */
	EQ(vl_vgpu_read(&d, 0xffc), 0);
	EQ(vl_vgpu_read(&d, VGPU_QUEUE(2)), 0);
	vl_vgpu_write(&d, 0xffc, 1);
	vl_vgpu_write(&d, VGPU_REG_SCRATCH, 0x12345678);
	EQ(vl_vgpu_read(&d, VGPU_REG_SCRATCH), 0x12345678);
	/* No such region; offsets that look small when cut. */
	FAILS(pread(d.device, &word, 4, BAR2), EINVAL);
	FAILS(pread(d.device, &word, 4, 1ULL << 40), EINVAL);
	FAILS(pread(d.device, &word, 4, 9ULL << 40), EINVAL);
	FAILS(pread(d.device, &word, 4, 1ULL << 62), EINVAL);
	FAILS(pread(d.device, &word, 4, BAR0 + 4 * MIB), EINVAL);
	EQ(pread(d.device, &word, 8, BAR0 + 4 * MIB - 4), 4);
	/* The VRAM: any access, the same as through the mapping. */
	EQ(pwrite(d.device, "hello", 5, BAR0 + 4094), 5);
	CHECK(!memcmp(d.vram + 4094, "hello", 5), "what was written is not in the mapping");
	d.vram[MIB] = 0x5a;
	EQ(pread(d.device, &word, 1, BAR0 + MIB), 1);
	EQ(word & 0xff, 0x5a);
	/* Mapping: BAR 0 alone, shared, not beyond its end. */
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, d.device, BAR4);
	EQ((uintptr_t)p, (uintptr_t)MAP_FAILED);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, d.device, BAR0);
	EQ((uintptr_t)p, (uintptr_t)MAP_FAILED);
	p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, d.device, BAR0 + 4 * MIB - 4096);
	EQ((uintptr_t)p, (uintptr_t)MAP_FAILED);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, d.device, BAR0 + 4 * MIB);
	EQ((uintptr_t)p, (uintptr_t)MAP_FAILED);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, d.device, BAR0 + 4 * MIB - 4096);
	CHECK(p != MAP_FAILED, "the last page: %s", strerror(errno));
	EQ((uintptr_t)mremap(p, 4096, 8192, MREMAP_MAYMOVE), (uintptr_t)MAP_FAILED);
	munmap(p, 4096);
	done();
}

static void registers(void)
{
	uint64_t a, b;

	one_slice();
	EQ(vl_vgpu_read(&d, VGPU_REG_FEATURES),
	   VGPU_HAS_COPY | VGPU_HAS_COMPUTE | VGPU_HAS_TEST);
	EQ(d.queues, 2);
	EQ(d.vram_bytes, 4 * MIB);
	EQ(vl_vgpu_read(&d, VGPU_REG_CARVEOUT_LO), 0);
	a = vl_vgpu_read(&d, VGPU_REG_TIME_LO);
	a |= (uint64_t)vl_vgpu_read(&d, VGPU_REG_TIME_HI) << 32;
	sleep_ms(2);
	b = vl_vgpu_read(&d, VGPU_REG_TIME_LO);
	b |= (uint64_t)vl_vgpu_read(&d, VGPU_REG_TIME_HI) << 32;
	CHECK(b - a >= 2 * MSEC && b - a < 60 * SECOND, "%llu ns have passed",
	      (unsigned long long)(b - a));
	/* A ring's registers can be written while the queue is off. */
	EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_OFF);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_PUT, 5);
	EQ(q_reg(&d, 0, VGPU_Q_PUT), 0);
	start(&d, 0, 4);
	EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_IDLE);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_RING_ORDER, 9);
	EQ(q_reg(&d, 0, VGPU_Q_RING_ORDER), 4);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, 0);
	EQ(q_reg(&d, 0, VGPU_Q_CONTROL), VGPU_Q_ENABLE);
	submit(&d, 0, spin(1000));
	EQ(vl_vgpu_finish(&d, 0, MINUTES), 0);
	EQ(q_reg(&d, 0, VGPU_Q_GET), 2);
	vl_vgpu_write(&d, VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
	EQ(q_reg(&d, 0, VGPU_Q_GET), 0);
	EQ(q_reg(&d, 0, VGPU_Q_FENCE_LO), 0);
	EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_OFF);
	EQ(q_reg(&d, 0, VGPU_Q_RING_ORDER), 4);
	vl_vgpu_write(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
	EQ(q_reg(&d, 0, VGPU_Q_RING_ORDER), 0);
	EQ(vl_vgpu_read(&d, VGPU_REG_INTR_ENABLE), 0);
	CHECK(vl_vgpu_read(&d, VGPU_REG_RESETS) == 2, "resets are not counted");
	done();
}

struct irqs {
	struct vfio_irq_set set;
	int32_t fd;
};

static int set_irq(uint32_t index, uint32_t flags, uint32_t count, int fd)
{
	struct irqs i = {
		.set = { .argsz = sizeof(i), .flags = flags, .index = index, .count = count },
		.fd = fd,
	};

	return ioctl(d.device, VFIO_DEVICE_SET_IRQS, &i);
}

#define TRIGGER	(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define OFF	(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER)

static uint64_t signals(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t n = 0;

	if (poll(&p, 1, ms) > 0)
		OK(read(fd, &n, sizeof(n)));
	return n;
}

static void fence(uint64_t value)
{
	struct vgpu_cmd c = { .op = VGPU_OP_FENCE, .flags = VGPU_F_IRQ };

	c.fence.value = value;
	submit(&d, 0, c);
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_FENCE_LO, value, 20000), "fence %llu",
	      (unsigned long long)value);
}

static void intx(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), again = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;

	one_slice();
	/* MSI is on: INTx cannot be. */
	FAILS(set_irq(VFIO_PCI_INTX_IRQ_INDEX, TRIGGER, 1, fd), EINVAL);
	OK(set_irq(VFIO_PCI_MSI_IRQ_INDEX, OFF, 0, 0));
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, TRIGGER, 1, fd));
	start(&d, 0, 4);
	fence(1);
	EQ(signals(fd, 10000), 1);
	EQ(config(6, 2) & 8, 8);
	/* Masked until it is unmasked; then it comes again, for it is asserted. */
	fence(2);
	EQ(signals(fd, 50), 0);
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE |
		   VFIO_IRQ_SET_ACTION_UNMASK, 1, 0));
	EQ(signals(fd, 10000), 1);
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	EQ(config(6, 2) & 8, 0);
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE |
		   VFIO_IRQ_SET_ACTION_UNMASK, 1, 0));
	EQ(signals(fd, 50), 0);
	/* The same by an eventfd. */
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_EVENTFD |
		   VFIO_IRQ_SET_ACTION_UNMASK, 1, again));
	FAILS(set_irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_EVENTFD |
		      VFIO_IRQ_SET_ACTION_UNMASK, 1, again), EBUSY);
	fence(3);
	EQ(signals(fd, 10000), 1);
	OK(write(again, &one, 8));
	EQ(signals(fd, 10000), 1);
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	OK(write(again, &one, 8));
	EQ(signals(fd, 50), 0);
	/* Masked by the user. */
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK,
		   1, 0));
	fence(4);
	EQ(signals(fd, 50), 0);
	OK(write(again, &one, 8));
	EQ(signals(fd, 10000), 1);
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	OK(write(again, &one, 8));
	/* Interrupt Disable: status yes, interrupt no. */
	sleep_ms(20);
	set_config(4, 2, 0x406);
	fence(5);
	EQ(signals(fd, 50), 0);
	EQ(config(6, 2) & 8, 8);
	set_config(4, 2, 6);
	EQ(signals(fd, 10000), 1);
	/* Taken away: no signal any more. */
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, OFF, 0, 0));
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	fence(6);
	EQ(signals(fd, 50), 0);
	close(fd);
	close(again);
	done();
}

/* An eventfd that unmasks the interrupt that it gets: it goes round, but not for ever. */
static void intx_loop(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t begin, sent, most;

	one_slice();
	EQ(slice(id, 0).irq_limit, VGPU_DEFAULT_IRQ_LIMIT);
	OK(set_slice(id, 0, VGPU_SLICE_IRQ_LIMIT, (struct vgpu_slice_set){ .irq_limit = 100 }));
	begin = now_ns();
	OK(set_irq(VFIO_PCI_MSI_IRQ_INDEX, OFF, 0, 0));
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, TRIGGER, 1, fd));
	OK(set_irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_EVENTFD |
		   VFIO_IRQ_SET_ACTION_UNMASK, 1, fd));
	start(&d, 0, 4);
	fence(1);
	sleep_ms(500);
	sent = stats(id, 0, -1).irqs;
	most = 100 / 8 + 100 * (now_ns() - begin) / SECOND + 2;
	CHECK(sent > 5 && sent <= most, "%llu interrupts, at most %llu are allowed",
	      (unsigned long long)sent, (unsigned long long)most);
	CHECK(stats(id, 0, -1).irq_storms, "no storm");
	/* Nothing is pending any more: it ends. */
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	sleep_ms(100);
	sent = stats(id, 0, -1).irqs;
	sleep_ms(100);
	EQ(stats(id, 0, -1).irqs, sent);
	close(fd);
	done();
}

static void msi(void)
{
	uint32_t both = VGPU_INTR_FENCE(0) | VGPU_INTR_FENCE(1);
	int fd;

	one_slice();
	fd = d.irq;
	signals(fd, 0);
	start(&d, 0, 4);
	fence(1);
	EQ(signals(fd, 10000), 1);
	/* It did not become "not 0" again: no second message. */
	fence(2);
	EQ(signals(fd, 50), 0);
	/* Some cleared, some left: told of again. */
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, ~0U);
	EQ(signals(fd, 50), 0);
	submit(&d, 0, (struct vgpu_cmd){ .op = VGPU_OP_FAULT });
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_ERROR, VGPU_ERR_FAULT, 10000), "FAULT did not halt");
	EQ(signals(fd, 10000), 1);
	EQ(vl_vgpu_read(&d, VGPU_REG_INTR_STATUS), VGPU_INTR_ERROR(0));
	start(&d, 0, 4);
	fence(1);
	EQ(vl_vgpu_read(&d, VGPU_REG_INTR_STATUS), VGPU_INTR_ERROR(0) | VGPU_INTR_FENCE(0));
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, VGPU_INTR_ERROR(0));
	EQ(signals(fd, 10000), 1);
	vl_vgpu_write(&d, VGPU_REG_INTR_STATUS, both);
	/* What is not enabled is seen, and does not interrupt until it is. */
	vl_vgpu_write(&d, VGPU_REG_INTR_ENABLE, 0);
	fence(2);
	EQ(signals(fd, 50), 0);
	EQ(vl_vgpu_read(&d, VGPU_REG_INTR_STATUS), VGPU_INTR_FENCE(0));
	vl_vgpu_write(&d, VGPU_REG_INTR_ENABLE, ~0U);
	EQ(vl_vgpu_read(&d, VGPU_REG_INTR_ENABLE), VGPU_INTR_ALL);
	EQ(signals(fd, 10000), 1);
	done();
}

static void irq_errors(void)
{
	uint8_t yes = 1;
	struct {
		struct vfio_irq_set set;
		uint8_t data;
	} b = { .set = { .argsz = sizeof(b), .index = VFIO_PCI_MSI_IRQ_INDEX, .count = 1,
			 .flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER },
		.data = yes };
	int fd = eventfd(0, EFD_NONBLOCK);

	one_slice();
	signals(d.irq, 0);
	FAILS(set_irq(VFIO_PCI_MSI_IRQ_INDEX, TRIGGER, 2, fd), EINVAL);
	FAILS(set_irq(VFIO_PCI_MSIX_IRQ_INDEX, TRIGGER, 1, fd), EINVAL);
	FAILS(set_irq(VFIO_PCI_NUM_IRQS, TRIGGER, 1, fd), EINVAL);
	FAILS(set_irq(VFIO_PCI_MSI_IRQ_INDEX, TRIGGER, 1, -2), EINVAL);
	FAILS(set_irq(VFIO_PCI_MSI_IRQ_INDEX, TRIGGER, 1, 999), EBADF);
	FAILS(set_irq(VFIO_PCI_MSI_IRQ_INDEX, TRIGGER, 1, d.device), EINVAL);
	FAILS(set_irq(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE |
		      VFIO_IRQ_SET_ACTION_MASK, 1, 0), ENOTTY);
	FAILS(set_irq(VFIO_PCI_MSI_IRQ_INDEX, TRIGGER | VFIO_IRQ_SET_DATA_BOOL, 1, fd), EINVAL);
	FAILS(set_irq(VFIO_PCI_REQ_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE |
		      VFIO_IRQ_SET_ACTION_UNMASK, 1, 0), ENOTTY);
	/* The user tries the way himself. */
	OK(set_irq(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE |
		   VFIO_IRQ_SET_ACTION_TRIGGER, 1, 0));
	EQ(signals(d.irq, 1000), 1);
	OK(ioctl(d.device, VFIO_DEVICE_SET_IRQS, &b));
	EQ(signals(d.irq, 1000), 1);
	/* Another eventfd takes the place of the first. */
	OK(set_irq(VFIO_PCI_MSI_IRQ_INDEX, TRIGGER, 1, fd));
	start(&d, 0, 4);
	fence(1);
	EQ(signals(d.irq, 20), 0);
	EQ(signals(fd, 1000), 1);
	close(fd);
	done();
}

/* Everything is as after power-on, and the VRAM is zero, mapped or not. */
static void reset(void)
{
	uint64_t iova;
	uint8_t *mem;

	one_slice();
	mem = share(&d, 8192, &iova);
	memset(mem, 0x77, 8192);
	EQ(run(&d, copy(iova, VGPU_VRAM | 0x5000, 8192)), 0);
	EQ(d.vram[0x5001], 0x77);
	start(&d, 1, 4);
	submit(&d, 1, (struct vgpu_cmd){ .op = VGPU_OP_SPIN_FOREVER });
	vl_vgpu_doorbell(&d, 1);
	CHECK(q_until(&d, 1, VGPU_Q_STATUS, VGPU_Q_BUSY, 10000), "queue 1 does not work");
	vl_vgpu_write(&d, VGPU_REG_SCRATCH, 3);
	OK(ioctl(d.device, VFIO_DEVICE_RESET));
	EQ(d.vram[0x5001], 0);
	EQ(vl_vgpu_read(&d, VGPU_REG_SCRATCH), 0);
	EQ(vl_vgpu_read(&d, VGPU_REG_INTR_ENABLE), 0);
	EQ(q_reg(&d, 0, VGPU_Q_STATUS), VGPU_Q_OFF);
	EQ(q_reg(&d, 1, VGPU_Q_STATUS), VGPU_Q_OFF);
	EQ(q_reg(&d, 1, VGPU_Q_RING_ORDER), 0);
	EQ(config(4, 2), 0);
	/* Bus mastering is off, so guest memory is out of reach. */
	start(&d, 0, 4);
	vl_vgpu_doorbell(&d, 0);
	submit(&d, 0, spin(1));
	vl_vgpu_doorbell(&d, 0);
	CHECK(q_until(&d, 0, VGPU_Q_ERROR, VGPU_ERR_BUS_MASTER, 10000), "error %u",
	      q_reg(&d, 0, VGPU_Q_ERROR));
	set_config(4, 2, 6);
	/* Or the end of the command would be found at the end of the patience. */
	vl_vgpu_write(&d, VGPU_REG_INTR_ENABLE, VGPU_INTR_ALL);
	start(&d, 0, 4);
	EQ(run(&d, copy(iova, VGPU_VRAM | 0x5000, 8192)), 0);
	EQ(d.vram[0x5001], 0x77);
	munmap(mem, 8192);
	done();
}

struct leaver {
	int request;
};

/* The host takes the slice away: its user is asked, and lets go. */
static void *let_go(void *arg)
{
	struct leaver *l = arg;
	struct pollfd p = { .fd = l->request, .events = POLLIN };

	if (poll(&p, 1, 30000) > 0)
		close_slice(&d);
	return NULL;
}

static void request(void)
{
	struct leaver l = { .request = eventfd(0, 0) };
	pthread_t t;

	one_slice();
	OK(set_irq(VFIO_PCI_REQ_IRQ_INDEX, TRIGGER, 1, l.request));
	EQ(pthread_create(&t, NULL, let_go, &l), 0);
	FAILS(try_delete(id, 0), EBUSY);
	EQ(try_remove(1), 0);
	/* The slice is free as soon as it is closed; the thread has more to do. */
	pthread_join(t, NULL);
	EQ(d.device, -1);
	EQ(query(id).slices, 0);
	close(l.request);
	OK(try_delete(id, 0));
}

static void iommufd(void)
{
	uint64_t iova;
	uint8_t *mem;

	if (access("/dev/iommu", F_OK))
		test_skip("this kernel has no /dev/iommu");
	if (access("/dev/vfio/devices", F_OK) && !fopen("/sys/class/vfio-dev", "r"))
		test_skip("this kernel has no nodes for VFIO devices");
	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 1);
	add(id, 1, 1);
	REQUIRE(!vl_vgpu_dev_open(&d, uuid_of(1), VL_VGPU_IOMMUFD), "%s", vl_message());
	mem = share(&d, 8192, &iova);
	memset(mem, 0x31, 4096);
	EQ(run(&d, copy(iova, VGPU_VRAM, 4096)), 0);
	EQ(run(&d, copy(VGPU_VRAM, iova + 4096, 4096)), 0);
	CHECK(!memcmp(mem, mem + 4096, 4096), "what came back is not what was sent");
	EQ(vl_vgpu_unmap(&d, iova, 8192), 0);
	EQ(run(&d, copy(iova, VGPU_VRAM, 4096)), VGPU_ERR_DMA);
	done();
}

static const struct test tests[] = {
	{ "infos", infos },
	{ "config_space", config_space },
	{ "accesses", accesses },
	{ "registers", registers },
	{ "intx", intx },
	{ "intx_loop", intx_loop },
	{ "msi", msi },
	{ "irq_errors", irq_errors },
	{ "reset", reset },
	{ "request", request },
	{ "iommufd", iommufd },
};

TEST_SUITE(tests);
