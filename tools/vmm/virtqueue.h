/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_VIRTQUEUE_H
#define VMM_VIRTQUEUE_H

#include <linux/virtio_ring.h>
#include <sys/uio.h>

#include "memory.h"
#include "types.h"

#define VQ_MAX_SIZE	256

/* Most a chain may describe: what a 32-bit used length can express. */
#define VQ_MAX_BYTES	0xffffffffULL

/**
 * struct virtqueue - a split virtqueue, device side (virtio 1.2, 2.7)
 * @mem: guest RAM
 * @size: entries, a power of two
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 * @desc: descriptor table; like the next two, the guest writes it any time
 * @avail: driver's ring
 * @used: device's ring
 * @next_avail: index of the next entry to take
 * @next_used: index of the next entry to fill
 * @checked: @next_used when vq_must_signal() was last asked
 * @checked_valid: it has been asked
 *
 * Belongs to one thread.
 */
struct virtqueue {
	const struct memory *mem;
	u16 size;
	bool event_idx;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u16 next_avail;
	u16 next_used;
	u16 checked;
	bool checked_valid;
};

/**
 * struct vq_elem - one buffer, copied out of the ring and translated
 * @head: its name, for vq_push()
 * @nr_out: pieces the device reads
 * @nr_in: pieces the device writes
 * @out_len: their bytes in all
 * @in_len: their bytes in all
 * @iov: first the pieces to read, then those to write
 */
struct vq_elem {
	u16 head;
	unsigned int nr_out;
	unsigned int nr_in;
	u64 out_len;
	u64 in_len;
	struct iovec iov[VQ_MAX_SIZE];
};

int vq_init(struct virtqueue *vq, const struct memory *mem, u16 size,
	    u64 desc, u64 avail, u64 used, bool event_idx);
int vq_pop(struct virtqueue *vq, struct vq_elem *e);
void vq_unpop(struct virtqueue *vq, u16 nr);
void vq_fill(struct virtqueue *vq, u16 nth, u16 head, u32 len);
void vq_publish(struct virtqueue *vq, u16 nr);
void vq_push(struct virtqueue *vq, const struct vq_elem *e, u32 len);
bool vq_must_signal(struct virtqueue *vq);
void vq_disable_notify(struct virtqueue *vq);
bool vq_enable_notify(struct virtqueue *vq);
bool vq_enable_notify_at(struct virtqueue *vq, u16 idx);

size_t iov_to_buf(const struct iovec *iov, unsigned int nr, u64 off, void *buf,
		  size_t len);
size_t iov_from_buf(const struct iovec *iov, unsigned int nr, u64 off,
		    const void *buf, size_t len);
unsigned int iov_slice(struct iovec *dst, const struct iovec *src,
		       unsigned int nr, u64 off, u64 len);

#endif /* VMM_VIRTQUEUE_H */
