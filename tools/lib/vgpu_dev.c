// SPDX-License-Identifier: GPL-2.0
/*
 * A user-space driver for a slice: registers, rings, interrupts over VFIO. What is
 * different inside a guest is in vgpu_guest.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vgpu_dev.h"
#include "vgpu_guest.h"
#include "vgpu_vfio.h"
#include "virtlite.h"

#define REGION(index)	((__u64)(index) << 40)
#define REGS		REGION(VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_REGS)
#define CONFIG		REGION(VFIO_PCI_CONFIG_REGION_INDEX)
#define COMMAND		4
#define COMMAND_MEMORY	2
#define COMMAND_MASTER	4
#define FIRST_IOVA	0x100000

/**
 * vl_vgpu_region() - where a region is
 * @d: slice
 * @index: VFIO_PCI_*_REGION_INDEX
 * @size: set to its size, if not NULL
 *
 * Return: offset in the device's file, or ~0 with a message.
 */
__u64 vl_vgpu_region(struct vl_vgpu *d, __u32 index, __u64 *size)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(d->device, VFIO_DEVICE_GET_REGION_INFO, &info)) {
		vl_error(errno, "region %u", index);
		return ~0ULL;
	}
	if (size)
		*size = info.size;
	return info.offset;
}

/**
 * vl_vgpu_read() - read a register of BAR 4
 * @d: slice
 * @reg: offset
 *
 * Return: its value; ~0 if it cannot be read, as from a device that is gone.
 */
__u32 vl_vgpu_read(struct vl_vgpu *d, __u32 reg)
{
	__u32 value;

	return pread(d->device, &value, 4, REGS + reg) == 4 ? value : ~0U;
}

/**
 * vl_vgpu_write() - write a register of BAR 4
 * @d: slice
 * @reg: offset
 * @value: to it
 */
void vl_vgpu_write(struct vl_vgpu *d, __u32 reg, __u32 value)
{
	/* The memory that a doorbell is about was written before. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (pwrite(d->device, &value, 4, REGS + reg) != 4)
		vl_error(errno, "register 0x%x", reg);
}

/**
 * vl_vgpu_config() - read or write configuration space
 * @d: slice
 * @off: where
 * @buf: to or from
 * @len: bytes
 * @write: which
 *
 * Return: 0 or -errno.
 */
int vl_vgpu_config(struct vl_vgpu *d, __u32 off, void *buf, size_t len, bool write)
{
	ssize_t n = write ? pwrite(d->device, buf, len, CONFIG + off) :
			    pread(d->device, buf, len, CONFIG + off);

	return n == (ssize_t)len ? 0 : vl_error(n < 0 ? errno : EIO, "configuration space");
}

static int set_up(struct vl_vgpu *d)
{
	struct {
		struct vfio_irq_set set;
		__s32 fd;
	} msi = {
		.set = {
			.argsz = sizeof(msi), .index = VFIO_PCI_MSI_IRQ_INDEX, .count = 1,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		},
	};
	__u16 command = COMMAND_MEMORY | COMMAND_MASTER;
	int ret;

	if (vl_vgpu_read(d, VGPU_REG_ID) != VGPU_ID)
		return vl_error(ENODEV, "this is no slice");
	if (vl_vgpu_read(d, VGPU_REG_VERSION) >> 16 != VGPU_ISA_VERSION >> 16)
		return vl_error(ENODEV, "the slice has another version of the instruction set");
	ret = vl_vgpu_config(d, COMMAND, &command, sizeof(command), true);
	if (ret)
		return ret;
	d->queues = vl_vgpu_read(d, VGPU_REG_QUEUES);
	d->vram_bytes = vl_vgpu_read(d, VGPU_REG_VRAM_LO) |
			(__u64)vl_vgpu_read(d, VGPU_REG_VRAM_HI) << 32;
	d->vram = mmap(NULL, d->vram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->device,
		       REGION(VFIO_PCI_BAR0_REGION_INDEX + VGPU_BAR_VRAM));
	if (d->vram == MAP_FAILED) {
		d->vram = NULL;
		return vl_error(errno, "mapping the VRAM");
	}
	d->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->irq < 0)
		return vl_error(errno, "eventfd");
	msi.set.argsz = sizeof(msi);
	msi.fd = d->irq;
	if (ioctl(d->device, VFIO_DEVICE_SET_IRQS, &msi))
		return vl_error(errno, "MSI");
	vl_vgpu_write(d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
	vl_vgpu_write(d, VGPU_REG_INTR_ENABLE, VGPU_INTR_ALL);
	return 0;
}

static int open_vfio(struct vl_vgpu *d, const char *uuid, unsigned int flags)
{
	int ret = flags & VL_VGPU_IOMMUFD ? vl_vfio_iommufd(d, uuid) : vl_vfio_group(d, uuid);

	return ret ?: set_up(d);
}

/**
 * vl_vgpu_dev_open() - open a slice and get it ready
 * @d: filled in
 * @name: UUID of the mediated device, or path of vgpu_guest's node
 * @flags: VL_VGPU_*
 *
 * Return: 0, or -errno with a message.
 */
int vl_vgpu_dev_open(struct vl_vgpu *d, const char *name, unsigned int flags)
{
	int ret;

	*d = (struct vl_vgpu){ .device = -1, .group = -1, .container = -1, .irq = -1,
			       .next = FIRST_IOVA };
	ret = *name == '/' ? vl_guest_open(d, name) : open_vfio(d, name, flags);
	if (ret)
		vl_vgpu_dev_close(d);
	return ret;
}

/**
 * vl_vgpu_dev_close() - close a slice
 * @d: slice
 *
 * Memory of vl_vgpu_alloc() stays the caller's.
 */
void vl_vgpu_dev_close(struct vl_vgpu *d)
{
	if (d->guest)
		vl_guest_close(d);
	if (d->vram)
		munmap(d->vram, d->vram_bytes);
	if (d->device >= 0)
		close(d->device);
	if (d->group >= 0)
		close(d->group);
	if (d->container >= 0)
		close(d->container);
	if (d->irq >= 0)
		close(d->irq);
	d->vram = NULL;
	d->device = -1;
	d->group = -1;
	d->container = -1;
	d->irq = -1;
}

/**
 * vl_vgpu_alloc() - memory that program and slice share
 * @d: slice
 * @bytes: how much
 * @iova: set to the address that the slice sees
 *
 * Return: memory, zeroed, to be freed with munmap(); NULL with a message.
 */
void *vl_vgpu_alloc(struct vl_vgpu *d, size_t bytes, __u64 *iova)
{
	void *mem;

	if (d->guest)
		return vl_guest_alloc(d, bytes, false, iova);
	bytes = (bytes + 4095) & ~4095UL;
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		vl_error(errno, "memory");
		return NULL;
	}
	if (vl_vgpu_map(d, mem, bytes, d->next, true)) {
		munmap(mem, bytes);
		return NULL;
	}
	*iova = d->next;
	d->next += bytes;
	return mem;
}

/**
 * vl_vgpu_vram() - VRAM that nobody else uses
 * @d: slice
 * @bytes: how much
 * @offset: set to where it begins
 *
 * There is one piece only for whom the device has to itself. It is zeroed in a guest, else
 * as it was left.
 *
 * Return: where it is mapped, to be freed with the slice; NULL with a message.
 */
void *vl_vgpu_vram(struct vl_vgpu *d, size_t bytes, __u64 *offset)
{
	void *mem;

	*offset = 0;
	if (bytes > d->vram_bytes) {
		vl_error(0, "the slice has %llu bytes of VRAM, %zu are wanted",
			 (unsigned long long)d->vram_bytes, bytes);
		return NULL;
	}
	if (!d->guest)
		return d->vram;
	mem = vl_guest_alloc(d, bytes, true, offset);
	*offset &= ~VGPU_VRAM;
	return mem;
}

/**
 * vl_vgpu_start() - set a queue up, anew if need be
 * @d: slice
 * @q: number of the queue
 * @order: log2 of the commands in its ring
 *
 * Return: 0, or -errno with a message.
 */
int vl_vgpu_start(struct vl_vgpu *d, __u32 q, __u32 order)
{
	struct vl_vgpu_queue *vq = &d->q[q];
	__u32 base = VGPU_QUEUE(q);

	if (d->guest)
		return vl_guest_start(d, q, order);
	if (!vq->ring || vq->order != order) {
		vq->ring = vl_vgpu_alloc(d, sizeof(struct vgpu_cmd) << order, &vq->iova);
		if (!vq->ring)
			return -ENOMEM;
	}
	vq->order = order;
	vq->put = 0;
	vl_vgpu_write(d, base + VGPU_Q_CONTROL, VGPU_Q_RESET);
	vl_vgpu_write(d, base + VGPU_Q_RING_LO, vq->iova);
	vl_vgpu_write(d, base + VGPU_Q_RING_HI, vq->iova >> 32);
	vl_vgpu_write(d, base + VGPU_Q_RING_ORDER, order);
	vl_vgpu_write(d, base + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
	if (vl_vgpu_read(d, base + VGPU_Q_STATUS) == VGPU_Q_HALTED)
		return vl_error(EIO, "queue %u: error %u", q,
				vl_vgpu_read(d, base + VGPU_Q_ERROR));
	return 0;
}

/**
 * vl_vgpu_submit() - write a command; the doorbell rings later
 * @d: slice
 * @q: queue
 * @c: command
 *
 * Return: 0, or -EAGAIN if the ring is full.
 */
int vl_vgpu_submit(struct vl_vgpu *d, __u32 q, const struct vgpu_cmd *c)
{
	struct vl_vgpu_queue *vq = &d->q[q];
	__u32 get;

	if (d->guest)
		return vl_guest_submit(d, q, c);
	get = vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_GET);
	if (vq->put - get >= 1U << vq->order)
		return -EAGAIN;
	vq->ring[vq->put++ & ((1U << vq->order) - 1)] = *c;
	return 0;
}

/**
 * vl_vgpu_doorbell() - have what was submitted executed
 * @d: slice
 * @q: queue
 */
void vl_vgpu_doorbell(struct vl_vgpu *d, __u32 q)
{
	if (d->guest)
		vl_guest_doorbell(d, q);
	else
		vl_vgpu_write(d, VGPU_QUEUE(q) + VGPU_Q_PUT, d->q[q].put);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool finished(struct vl_vgpu *d, __u32 q)
{
	__u64 fence = vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_FENCE_LO);

	fence |= (__u64)vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_FENCE_HI) << 32;
	return fence >= d->q[q].fence;
}

/**
 * vl_vgpu_finish() - wait until all that was submitted is done
 * @d: slice
 * @q: queue
 * @timeout_ms: how long at most
 *
 * Return: 0; -EIO: the queue is halted, VGPU_Q_ERROR says why; -ETIMEDOUT, -EAGAIN
 * if the ring is full.
 */
int vl_vgpu_finish(struct vl_vgpu *d, __u32 q, int timeout_ms)
{
	struct vgpu_cmd c = { .op = VGPU_OP_FENCE, .flags = VGPU_F_IRQ };
	struct pollfd p = { .fd = d->irq, .events = POLLIN };
	long until = now_ms() + timeout_ms, left;
	__u64 count;
	int ret;

	if (d->guest)
		return vl_guest_finish(d, q, timeout_ms);
	c.fence.value = d->q[q].fence + 1;
	ret = vl_vgpu_submit(d, q, &c);
	if (ret)
		return ret;
	d->q[q].fence++;
	vl_vgpu_doorbell(d, q);
	for (;;) {
		__u32 status = vl_vgpu_read(d, VGPU_REG_INTR_STATUS);

		vl_vgpu_write(d, VGPU_REG_INTR_STATUS, status);
		if (vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_ERROR))
			return vl_error(EIO, "queue %u: error %u", q,
					vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_ERROR));
		if (finished(d, q))
			return 0;
		left = until - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		poll(&p, 1, left);
		if (read(d->irq, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return -errno;
	}
}

/**
 * vl_vgpu_error() - why is a queue halted?
 * @d: slice
 * @q: queue
 * @command: set to the number of the command that has failed, since vl_vgpu_start()
 *
 * Return: VGPU_ERR_*.
 */
__u32 vl_vgpu_error(struct vl_vgpu *d, __u32 q, __u64 *command)
{
	if (d->guest) {
		*command = d->q[q].failed;
		return d->q[q].error;
	}
	*command = vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_GET);
	return vl_vgpu_read(d, VGPU_QUEUE(q) + VGPU_Q_ERROR);
}
