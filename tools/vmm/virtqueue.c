// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues. Everything in the rings is the guest's to change while we
 * look: each field is read once, into a local, and only the local is checked
 * and used. A ring that breaks a rule of the specification is broken for good;
 * the device then asks for a reset.
 */
#include <errno.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "virtqueue.h"

/* The word behind each ring, which EVENT_IDX gives a meaning. */
#define used_event(vq)	((vq)->avail->ring[(vq)->size])
#define avail_event(vq)	(*(u16 *)&(vq)->used->ring[(vq)->size])

/**
 * vq_init() - check where a queue is and get hold of it
 * @vq: to be filled
 * @mem: guest RAM
 * @size: entries
 * @desc: address of the descriptor table
 * @avail: address of the driver's ring
 * @used: address of the device's ring
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 *
 * Return: 0, or -EINVAL for a queue that is not wholly in RAM or not aligned.
 */
int vq_init(struct virtqueue *vq, const struct memory *mem, u16 size,
	    u64 desc, u64 avail, u64 used, bool event_idx)
{
	*vq = (struct virtqueue){
		.mem = mem, .size = size, .event_idx = event_idx,
	};

	if (!size || size > VQ_MAX_SIZE || size & (size - 1) ||
	    desc % VRING_DESC_ALIGN_SIZE || avail % VRING_AVAIL_ALIGN_SIZE ||
	    used % VRING_USED_ALIGN_SIZE)
		return -EINVAL;

	vq->desc = memory_ptr(mem, desc, size * sizeof(struct vring_desc));
	vq->avail = memory_ptr(mem, avail, sizeof(struct vring_avail) +
			       (size + 1) * sizeof(u16));
	vq->used = memory_ptr(mem, used, sizeof(struct vring_used) + size *
			      sizeof(struct vring_used_elem) + sizeof(u16));
	return vq->desc && vq->avail && vq->used ? 0 : -EINVAL;
}

/* An indirect table may begin at any address: no field of it is aligned. */
static struct vring_desc read_desc(const struct vring_desc *p)
{
	struct vring_desc d;

	memcpy(&d, p, sizeof(d));
	compiler_barrier();	/* the copy is what counts from here on */
	return d;
}

static int add_piece(struct virtqueue *vq, struct vq_elem *e,
		     const struct vring_desc *d)
{
	unsigned int nr = e->nr_out + e->nr_in;
	void *p;

	/* An empty piece carries nothing, and has no address to check. */
	if (!d->len)
		return 0;

	p = memory_ptr(vq->mem, d->addr, d->len);
	if (!p || nr == VQ_MAX_SIZE ||
	    e->out_len + e->in_len + d->len > VQ_MAX_BYTES)
		return -EINVAL;
	e->iov[nr] = (struct iovec){ p, d->len };

	if (d->flags & VRING_DESC_F_WRITE) {
		e->nr_in++;
		e->in_len += d->len;
	} else {
		/* All that is read comes before all that is written. */
		if (e->nr_in)
			return -EINVAL;
		e->nr_out++;
		e->out_len += d->len;
	}
	return 0;
}

/*
 * Walk one table from @i on. A chain has no more links than the table has
 * entries, or it is a loop.
 */
static int walk(struct virtqueue *vq, struct vq_elem *e,
		const struct vring_desc *table, unsigned int size, u16 i,
		bool indirect)
{
	for (unsigned int links = 0; links < size; links++) {
		struct vring_desc d;
		int ret;

		if (i >= size)
			return -EINVAL;
		d = read_desc(&table[i]);

		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* Only the last link of a chain may lead to a table,
			 * only once, and it must be a sensible one.
			 */
			if (indirect || d.flags & VRING_DESC_F_NEXT ||
			    !d.len || d.len % sizeof(d) ||
			    d.len / sizeof(d) > VQ_MAX_SIZE)
				return -EINVAL;
			table = memory_ptr(vq->mem, d.addr, d.len);
			if (!table)
				return -EINVAL;
			return walk(vq, e, table, d.len / sizeof(d), 0, true);
		}

		ret = add_piece(vq, e, &d);
		if (ret)
			return ret;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
	return -EINVAL;
}

/**
 * vq_pop() - take the next buffer that the driver made available
 * @vq: queue
 * @e: filled with the buffer
 *
 * Return: 1 if there was one, 0 if there is none, -EINVAL if the ring is
 *	   broken.
 */
int vq_pop(struct virtqueue *vq, struct vq_elem *e)
{
	u16 idx = load_acquire(&vq->avail->idx);
	u16 waiting = idx - vq->next_avail;
	int ret;

	if (!waiting)
		return 0;
	if (waiting > vq->size)
		return -EINVAL;

	e->head = READ_ONCE(vq->avail->ring[vq->next_avail & (vq->size - 1)]);
	e->nr_out = 0;
	e->nr_in = 0;
	e->out_len = 0;
	e->in_len = 0;
	ret = walk(vq, e, vq->desc, vq->size, e->head, false);
	if (ret)
		return ret;
	vq->next_avail++;
	return 1;
}

/**
 * vq_unpop() - put the buffers that were taken last back, as if never taken
 * @vq: queue
 * @nr: how many; none of them has been given back yet
 */
void vq_unpop(struct virtqueue *vq, u16 nr)
{
	vq->next_avail -= nr;
}

/**
 * vq_fill() - prepare to give a buffer back
 * @vq: queue
 * @nth: counted from the next one that the driver will see
 * @head: the buffer's name
 * @len: bytes written into it
 */
void vq_fill(struct virtqueue *vq, u16 nth, u16 head, u32 len)
{
	struct vring_used_elem *u;

	u = &vq->used->ring[(u16)(vq->next_used + nth) & (vq->size - 1)];
	WRITE_ONCE(u->id, head);
	WRITE_ONCE(u->len, len);
}

/**
 * vq_publish() - give back, at once, what vq_fill() prepared
 * @vq: queue
 * @nr: how many buffers
 */
void vq_publish(struct virtqueue *vq, u16 nr)
{
	vq->next_used += nr;
	store_release(&vq->used->idx, vq->next_used);
}

/**
 * vq_push() - give a buffer back
 * @vq: queue
 * @e: from vq_pop()
 * @len: bytes written into it
 */
void vq_push(struct virtqueue *vq, const struct vq_elem *e, u32 len)
{
	vq_fill(vq, 0, e->head, len);
	vq_publish(vq, 1);
}

/**
 * vq_must_signal() - does the driver want an interrupt for what was pushed?
 * @vq: queue
 */
bool vq_must_signal(struct virtqueue *vq)
{
	u16 old = vq->checked, event;
	bool must;

	/* The used index must be visible before the driver's wish is read: the
	 * driver does the same in the opposite order.
	 */
	full_barrier();

	if (!vq->event_idx)
		return !(READ_ONCE(vq->avail->flags) &
			 VRING_AVAIL_F_NO_INTERRUPT);

	/* Did the index pass the event since it was looked at last? Looking is
	 * what counts: remembering the last signal instead would go wrong when
	 * the driver wants none for 65536 buffers.
	 */
	event = READ_ONCE(used_event(vq));
	must = !vq->checked_valid ||
	       (u16)(vq->next_used - event - 1) < (u16)(vq->next_used - old);
	vq->checked = vq->next_used;
	vq->checked_valid = true;
	return must;
}

/**
 * vq_disable_notify() - tell the driver that we look at the ring anyway
 * @vq: queue
 */
void vq_disable_notify(struct virtqueue *vq)
{
	/* With EVENT_IDX an event index left behind is enough. */
	if (!vq->event_idx)
		WRITE_ONCE(vq->used->flags, VRING_USED_F_NO_NOTIFY);
}

/**
 * vq_enable_notify_at() - ask the driver to kick us at a certain buffer
 * @vq: queue
 * @idx: index of that buffer; those before it are known to be there
 *
 * Return: true if it came meanwhile: the driver may not kick for it.
 */
bool vq_enable_notify_at(struct virtqueue *vq, u16 idx)
{
	if (vq->event_idx)
		WRITE_ONCE(avail_event(vq), idx);
	else
		WRITE_ONCE(vq->used->flags, 0);

	/* Pairs with the driver's barrier between its index and this. */
	full_barrier();
	return READ_ONCE(vq->avail->idx) != idx;
}

/**
 * vq_enable_notify() - ask the driver to kick us again
 * @vq: queue
 *
 * Return: true if something came meanwhile: the driver may not kick for it.
 */
bool vq_enable_notify(struct virtqueue *vq)
{
	return vq_enable_notify_at(vq, vq->next_avail);
}

/**
 * iov_slice() - the part of a scattered buffer from one offset on
 * @dst: filled, with room for @nr
 * @src: buffer
 * @nr: its pieces
 * @off: bytes to leave out in front
 * @len: bytes to take at most
 *
 * Return: pieces in @dst.
 */
unsigned int iov_slice(struct iovec *dst, const struct iovec *src,
		       unsigned int nr, u64 off, u64 len)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr && len; i++) {
		u64 take;

		if (off >= src[i].iov_len) {
			off -= src[i].iov_len;
			continue;
		}
		take = min_t(u64, src[i].iov_len - off, len);
		dst[n++] = (struct iovec){ (u8 *)src[i].iov_base + off, take };
		len -= take;
		off = 0;
	}
	return n;
}

/**
 * iov_to_buf() - copy out of a scattered buffer
 * @iov: buffer
 * @nr: its pieces
 * @off: where to begin
 * @buf: destination
 * @len: bytes
 *
 * Return: bytes copied, fewer than @len if the buffer ends before.
 */
size_t iov_to_buf(const struct iovec *iov, unsigned int nr, u64 off, void *buf,
		  size_t len)
{
	size_t done = 0;

	for (unsigned int i = 0; i < nr && done < len; i++) {
		size_t take;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		take = min_t(size_t, iov[i].iov_len - off, len - done);
		memcpy((u8 *)buf + done, (u8 *)iov[i].iov_base + off, take);
		done += take;
		off = 0;
	}
	return done;
}

/**
 * iov_from_buf() - copy into a scattered buffer
 * @iov: buffer
 * @nr: its pieces
 * @off: where to begin
 * @buf: source
 * @len: bytes
 *
 * Return: bytes copied, fewer than @len if the buffer ends before.
 */
size_t iov_from_buf(const struct iovec *iov, unsigned int nr, u64 off,
		    const void *buf, size_t len)
{
	size_t done = 0;

	for (unsigned int i = 0; i < nr && done < len; i++) {
		size_t take;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		take = min_t(size_t, iov[i].iov_len - off, len - done);
		memcpy((u8 *)iov[i].iov_base + off, (const u8 *)buf + done,
		       take);
		done += take;
		off = 0;
	}
	return done;
}
