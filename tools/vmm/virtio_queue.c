// SPDX-License-Identifier: GPL-2.0
/*
 * A virtqueue's life: kicks come in by an eventfd, a thread serves them,
 * interrupts go out by the device's vectors.
 */
#include <errno.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "virtio.h"
#include "vm.h"

/**
 * virtio_broken() - the driver broke a rule: ask it to reset the device
 * @v: device
 */
void virtio_broken(struct virtio *v)
{
	pthread_mutex_lock(&v->lock);
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	pthread_mutex_unlock(&v->lock);
	virtio_interrupt(v, READ_ONCE(v->config_vector),
			 VIRTIO_ISR_CONFIG);
}

/**
 * virtio_queue_stopping() - is the queue's thread to end?
 * @q: queue
 */
bool virtio_queue_stopping(const struct virtio_queue *q)
{
	return __atomic_load_n(&q->stop, __ATOMIC_ACQUIRE);
}

/**
 * virtio_queue_wait() - sleep until the driver kicks or a descriptor is ready
 * @q: the thread's queue
 * @fd: descriptor to read from, or -1
 *
 * Return: what poll() says of @fd.
 */
int virtio_queue_wait(struct virtio_queue *q, int fd)
{
	struct pollfd fds[] = { { q->kick_fd, POLLIN, 0 }, { fd, POLLIN, 0 } };
	eventfd_t kicks;

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return 0;	/* EINTR: the caller looks again */
	if (fds[0].revents)
		eventfd_read(q->kick_fd, &kicks);
	return fds[1].revents;
}

/* Serve what is there. Return: 0, or -EINVAL if the ring is broken. */
static int serve(struct virtio_queue *q, struct vq_elem *e)
{
	do {
		int ret;

		vq_disable_notify(&q->vq);
		while (!virtio_queue_stopping(q) &&
		       (ret = vq_pop(&q->vq, e))) {
			if (ret < 0)
				return ret;
			vq_push(&q->vq, e,
				q->v->ops->handle(q->v, q->index, e));
			if (vq_must_signal(&q->vq))
				virtio_interrupt(q->v, READ_ONCE(q->vector),
						 VIRTIO_ISR_QUEUE);
		}
	} while (!virtio_queue_stopping(q) && vq_enable_notify(&q->vq));
	return 0;
}

/**
 * virtio_queue_loop() - serve each buffer by the device's handle()
 * @q: the thread's queue
 *
 * Return: 0 when it is to stop, or -EINVAL if the ring is broken.
 */
int virtio_queue_loop(struct virtio_queue *q)
{
	struct vq_elem *e = malloc(sizeof(*e));
	int ret = e ? 0 : -EINVAL;

	while (!ret && !virtio_queue_stopping(q)) {
		virtio_queue_wait(q, -1);
		ret = serve(q, e);
	}
	free(e);
	return ret;
}

static void *queue_thread(void *arg)
{
	struct virtio_queue *q = arg;
	struct virtio *v = q->v;

	if (v->ops->loop ? v->ops->loop(q) : virtio_queue_loop(q))
		virtio_broken(v);
	return NULL;
}

/**
 * virtio_queue_kick() - make the queue's thread look
 * @q: queue
 */
void virtio_queue_kick(struct virtio_queue *q)
{
	eventfd_write(q->kick_fd, 1);
}

/**
 * virtio_queue_start() - begin to serve a queue that the driver enabled
 * @q: queue
 *
 * Context: pci.lock.
 */
int virtio_queue_start(struct virtio_queue *q)
{
	struct vm *vm = q->v->pci.vm;
	bool event_idx = q->v->driver_features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	int ret;

	if (q->running)
		return 0;
	ret = vq_init(&q->vq, &vm->mem, q->size, q->desc, q->avail, q->used,
		      event_idx);
	if (ret)
		return ret;
	q->stop = false;
	ret = pthread_create(&q->thread, NULL, queue_thread, q);
	if (ret)
		return -ret;
	q->running = true;

	/* Buffers may have been made available before the queue was served. */
	virtio_queue_kick(q);
	return 0;
}

/**
 * virtio_queue_stop() - end service; nothing touches the ring afterwards
 * @q: queue, also one that is not running
 *
 * Context: pci.lock, or nobody else is left. Waits for the request in flight.
 */
void virtio_queue_stop(struct virtio_queue *q)
{
	if (!q->running)
		return;
	__atomic_store_n(&q->stop, true, __ATOMIC_RELEASE);
	virtio_queue_kick(q);
	pthread_join(q->thread, NULL);
	q->running = false;
}

/**
 * virtio_queue_bind() - let the kernel turn the driver's kicks into signals
 * @q: queue
 * @addr: address of its doorbell now, 0 if it has none
 *
 * Without an ioeventfd, which the hypervisor may refuse, kicks come as MMIO
 * exits and work all the same.
 *
 * Context: pci.lock, or set-up.
 */
void virtio_queue_bind(struct virtio_queue *q, u64 addr)
{
	struct vm *vm = q->v->pci.vm;
	/* Any width spares the kernel from decoding the instruction. */
	u32 len = vl_kvm_cap(vm->kvm_fd, KVM_CAP_IOEVENTFD_ANY_LENGTH) ? 0 : 2;

	if (q->kick_addr == addr)
		return;
	if (q->kick_addr)
		vl_vm_ioeventfd(vm->vm_fd, q->kick_fd, q->kick_addr, len,
				KVM_IOEVENTFD_FLAG_DEASSIGN);
	q->kick_addr = 0;
	if (addr && vl_vm_ioeventfd(vm->vm_fd, q->kick_fd, addr, len, 0) >= 0)
		q->kick_addr = addr;
}

/**
 * virtio_queue_init() - make a queue
 * @q: queue, zeroed
 * @v: its device
 * @index: its number
 */
int virtio_queue_init(struct virtio_queue *q, struct virtio *v, u16 index)
{
	q->v = v;
	q->index = index;
	q->size = VQ_MAX_SIZE;
	q->vector = VIRTIO_MSI_NO_VECTOR;
	q->kick_fd = eventfd(0, EFD_CLOEXEC);
	return q->kick_fd < 0 ? vl_error(errno, "eventfd") : 0;
}

/**
 * virtio_queue_exit() - undo virtio_queue_init()
 * @q: queue; its VM's vCPUs are gone
 */
void virtio_queue_exit(struct virtio_queue *q)
{
	virtio_queue_stop(q);
	virtio_queue_bind(q, 0);
	close(q->kick_fd);
}
