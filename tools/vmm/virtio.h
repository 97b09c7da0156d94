/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device on PCI (virtio 1.2, chapters 2 and 4.1; no legacy interface).
 */
#ifndef VMM_VIRTIO_H
#define VMM_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <pthread.h>

#include "msix.h"
#include "pci.h"
#include "virtqueue.h"

#define VIRTIO_MAX_QUEUES	16

/* The bits of the interrupt status byte (virtio 1.2, 4.1.4.5). */
#define VIRTIO_ISR_QUEUE	0x1
#define VIRTIO_ISR_CONFIG	0x2

struct vm;
struct virtio;
struct virtio_queue;

/**
 * struct virtio_ops - what kind of device it is
 * @id: VIRTIO_ID_…
 * @class: PCI class code
 * @handle: serve one buffer of that queue and say how many bytes were written
 *	    into it; called from the queue's own thread, without locks
 * @loop: instead of @handle, if not NULL: the whole life of the queue's thread,
 *	  see virtio_queue_loop(). Return: 0 when it is to stop, -EINVAL if the
 *	  ring is broken
 * @ready: if not NULL: the driver is there, and no queue is served yet. Context:
 *	   pci.lock
 * @reset: if not NULL: the driver is gone, and no queue is served any more.
 *	   Context: pci.lock
 * @config_write: the driver writes to the configuration; under pci.lock. NULL:
 *		  nothing there can be written
 */
struct virtio_ops {
	u16 id;
	u32 class;
	u32 (*handle)(struct virtio *v, unsigned int queue, struct vq_elem *e);
	int (*loop)(struct virtio_queue *q);
	void (*ready)(struct virtio *v);
	void (*reset)(struct virtio *v);
	void (*config_write)(struct virtio *v, u32 off, const void *data,
			     unsigned int size);
};

/**
 * struct virtio_queue - a queue and its thread
 * @v: device
 * @index: its number
 * @size: as the driver set it
 * @vector: MSI-X vector for used buffers, or VIRTIO_MSI_NO_VECTOR
 * @enabled: the driver switched it on
 * @desc: address of the descriptor table
 * @avail: address of the driver's ring
 * @used: address of the device's ring
 * @kick_fd: eventfd: the driver has something
 * @kick_addr: where an ioeventfd for @kick_fd is registered, or 0
 * @running: @thread exists
 * @stop: @thread is to end
 * @thread: serves @vq; started and joined under pci.lock
 * @vq: the ring, @thread's
 */
struct virtio_queue {
	struct virtio *v;
	u16 index;
	u16 size;
	u16 vector;
	bool enabled;
	u64 desc, avail, used;
	int kick_fd;
	u64 kick_addr;
	bool running;
	bool stop;
	pthread_t thread;
	struct virtqueue vq;
};

/**
 * struct virtio - a virtio device
 * @pci: its PCI side
 * @ops: kind
 * @features: offered
 * @config: device-specific configuration; what changes in it is at most a word,
 *	    and written as one
 * @config_size: its size
 * @queue: queues
 * @nr_queues: how many
 * @cfg_cap: offset of the capability that reaches BARs through configuration
 *	     space
 *
 * Under pci.lock:
 * @feature_sel: which half of @features the driver reads
 * @driver_feature_sel: which half of @driver_features it writes
 * @driver_features: accepted by the driver
 * @queue_sel: which queue the queue registers show
 *
 * @lock: protects the rest: interrupts, which queue threads raise
 * @status: device status; set under pci.lock too, except for NEEDS_RESET
 * @isr: interrupt status for INTx
 * @config_vector: MSI-X vector for configuration changes
 * @msix: vectors
 */
struct virtio {
	struct pci_dev pci;
	const struct virtio_ops *ops;
	u64 features;
	const void *config;
	size_t config_size;
	struct virtio_queue queue[VIRTIO_MAX_QUEUES];
	unsigned int nr_queues;
	u8 cfg_cap;

	u32 feature_sel;
	u32 driver_feature_sel;
	u64 driver_features;
	u16 queue_sel;

	pthread_mutex_t lock;
	u8 status;
	u8 isr;
	u16 config_vector;
	struct msix msix;
};

/* virtio_pci.c */
int virtio_init(struct vm *vm, struct virtio *v, const struct virtio_ops *ops,
		u64 features, unsigned int nr_queues);
void virtio_exit(struct virtio *v);
void virtio_interrupt(struct virtio *v, u16 vector, u8 isr);

/* virtio_queue.c */
int virtio_queue_init(struct virtio_queue *q, struct virtio *v, u16 index);
void virtio_queue_exit(struct virtio_queue *q);
int virtio_queue_start(struct virtio_queue *q);
void virtio_queue_stop(struct virtio_queue *q);
void virtio_queue_kick(struct virtio_queue *q);
bool virtio_queue_stopping(const struct virtio_queue *q);
int virtio_queue_wait(struct virtio_queue *q, int fd);
int virtio_queue_loop(struct virtio_queue *q);
void virtio_queue_bind(struct virtio_queue *q, u64 addr);
void virtio_broken(struct virtio *v);

/* virtio_balloon.c */
struct virtio_balloon;

/**
 * struct balloon_state - bytes
 * @target: that the guest was asked to give
 * @actual: that it has given
 * @released: that went to the host so far, by reports of free pages too
 */
struct balloon_state {
	u64 target;
	u64 actual;
	u64 released;
};

struct virtio_balloon *virtio_balloon_create(struct vm *vm);
void virtio_balloon_destroy(struct virtio_balloon *b);
void virtio_balloon_set(struct virtio_balloon *b, u64 size);
void virtio_balloon_get(struct virtio_balloon *b, struct balloon_state *s);

/* virtio_blk.c, virtio_rng.c */
struct virtio_blk;
struct vmm_disk;
struct virtio_blk *virtio_blk_create(struct vm *vm, const struct vmm_disk *disk,
				     unsigned int nr_queues);
void virtio_blk_destroy(struct virtio_blk *blk);
struct virtio *virtio_rng_create(struct vm *vm);
void virtio_rng_destroy(struct virtio *v);

/* virtio_net.c */
struct virtio_net;
struct net_port;
struct virtio_net *virtio_net_create(struct vm *vm, struct net_port *port);
void virtio_net_destroy(struct virtio_net *n);

#endif /* VMM_VIRTIO_H */
