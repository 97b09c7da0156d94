// SPDX-License-Identifier: GPL-2.0
/*
 * A slice from inside a guest: the calls of vgpu_guest. Commands are kept here until
 * the doorbell rings; the driver has the ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <virtlite/vgpu_guest.h>

#include "vgpu_guest.h"
#include "virtlite.h"

/**
 * vl_guest_open() - open a slice
 * @d: @device, @queues and @vram_bytes are set
 * @path: /dev/vgpu_guestN
 *
 * Return: 0, or -errno with a message.
 */
int vl_guest_open(struct vl_vgpu *d, const char *path)
{
	struct vgpu_guest_info info = { .size = sizeof(info) };

	d->guest = true;
	d->device = open(path, O_RDWR | O_CLOEXEC);
	if (d->device < 0)
		return vl_error(errno, "%s: %s", path,
				errno == ENOENT ? "is the module vgpu_guest loaded?" : "open");
	if (ioctl(d->device, VGPU_GUEST_INFO, &info))
		return vl_error(errno, "%s", path);
	d->queues = info.queues;
	d->vram_bytes = info.vram_bytes;
	return 0;
}

/**
 * vl_guest_close() - what vl_vgpu_dev_close() need not know
 * @d: slice
 */
void vl_guest_close(struct vl_vgpu *d)
{
	__u32 i;

	for (i = 0; i < VGPU_MAX_QUEUES; i++) {
		free(d->q[i].ring);
		d->q[i].ring = NULL;
	}
}

/**
 * vl_guest_alloc() - memory that program and slice share
 * @d: slice
 * @bytes: how much
 * @vram: of its VRAM
 * @addr: set to its address in commands
 *
 * Return: memory, zeroed, or NULL with a message.
 */
void *vl_guest_alloc(struct vl_vgpu *d, size_t bytes, bool vram, __u64 *addr)
{
	struct vgpu_guest_alloc a = {
		.size = sizeof(a), .flags = vram ? VGPU_GUEST_VRAM : 0, .bytes = bytes,
	};
	struct vgpu_guest_free f = { .size = sizeof(f) };
	void *mem;

	if (ioctl(d->device, VGPU_GUEST_ALLOC, &a)) {
		vl_error(errno, "%zu bytes of %s", bytes, vram ? "VRAM" : "memory");
		return NULL;
	}
	mem = mmap(NULL, a.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->device, a.offset);
	if (mem == MAP_FAILED) {
		vl_error(errno, "mapping %zu bytes", bytes);
		f.addr = a.addr;
		ioctl(d->device, VGPU_GUEST_FREE, &f);
		return NULL;
	}
	*addr = a.addr;
	return mem;
}

/**
 * vl_guest_start() - set a queue up, anew if need be
 * @d: slice
 * @q: number of the queue
 * @order: log2 of the commands in its ring
 *
 * Return: 0, or -errno with a message.
 */
int vl_guest_start(struct vl_vgpu *d, __u32 q, __u32 order)
{
	struct vgpu_guest_start s = {
		.size = sizeof(s), .queue = q, .order = order,
	};
	struct vl_vgpu_queue *vq = &d->q[q];

	if (ioctl(d->device, VGPU_GUEST_START, &s))
		return vl_error(errno, "queue %u: error %u", q, s.error);
	free(vq->ring);
	*vq = (struct vl_vgpu_queue){ .order = order };
	vq->ring = calloc(1U << order, sizeof(*vq->ring));
	return vq->ring ? 0 : vl_error(ENOMEM, "queue %u", q);
}

/**
 * vl_guest_submit() - remember a command until the doorbell rings
 * @d: slice
 * @q: queue
 * @c: command
 *
 * Return: 0, or -EAGAIN if there is no room.
 */
int vl_guest_submit(struct vl_vgpu *d, __u32 q, const struct vgpu_cmd *c)
{
	struct vl_vgpu_queue *vq = &d->q[q];

	/* The driver adds a FENCE. */
	if (vq->put + 1 >= 1U << vq->order)
		return -EAGAIN;
	vq->ring[vq->put++] = *c;
	return 0;
}

/* As the device would say it. */
static __u32 error_of(int err)
{
	return err == ERANGE ? VGPU_ERR_DMA : err == EOPNOTSUPP ? VGPU_ERR_OPCODE :
		err == EINVAL ? VGPU_ERR_FLAGS : VGPU_ERR_NONE;
}

/**
 * vl_guest_doorbell() - have what was submitted executed
 * @d: slice
 * @q: queue
 *
 * Return: 0, or -errno: what was submitted is still to be executed if it is -EAGAIN,
 * else forgotten.
 */
int vl_guest_doorbell(struct vl_vgpu *d, __u32 q)
{
	struct vl_vgpu_queue *vq = &d->q[q];
	struct vgpu_guest_submit s = {
		.size = sizeof(s), .queue = q, .count = vq->put,
		.cmds_ptr = (unsigned long)vq->ring,
	};
	int err = ioctl(d->device, VGPU_GUEST_SUBMIT, &s) ? errno : 0;

	if (err == EAGAIN)
		return -err;
	if (!err)
		vq->fence = s.job;
	else
		vq->error = error_of(err);	/* none if it is halted already */
	vq->failed = vq->commands + s.bad;
	vq->commands += vq->put;
	vq->put = 0;
	return -err;
}

/* CLOCK_MONOTONIC, so many ms from now. */
static __u64 until(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec + ms * 1000000ULL;
}

/**
 * vl_guest_finish() - wait until all that was submitted is done
 * @d: slice
 * @q: queue
 * @timeout_ms: how long at most
 *
 * Return: as vl_vgpu_finish().
 */
int vl_guest_finish(struct vl_vgpu *d, __u32 q, int timeout_ms)
{
	struct vl_vgpu_queue *vq = &d->q[q];
	struct vgpu_guest_wait w = {
		.size = sizeof(w), .queue = q, .timeout = until(timeout_ms),
	};
	int ret = vq->error ? 0 : vl_guest_doorbell(d, q);
	bool halted = ret == -EIO;

	if (vq->error)
		return vl_error(EIO, "queue %u: error %u", q, vq->error);
	if (ret && !halted)
		return ret;
	w.job = vq->fence;
	do
		ret = ioctl(d->device, VGPU_GUEST_WAIT, &w) ? -errno : 0;
	while (ret == -EINTR);
	if (ret != -EIO && !halted)
		return ret;
	vq->error = w.error;
	vq->failed = w.commands;
	return vl_error(EIO, "queue %u: error %u", q, vq->error);
}
