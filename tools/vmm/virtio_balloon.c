// SPDX-License-Identifier: GPL-2.0
/*
 * virtio memory balloon (virtio 1.2, 5.5): the guest gives pages up, on request
 * and, by free page reporting, whenever it has no use for them; the host gets
 * them at once. A page that the guest takes back is a fresh one.
 */
#include <errno.h>
#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../lib/virtlite.h"
#include "virtio.h"
#include "vm.h"

#define CLASS_OTHER	0xff0000
#define PAGE		4096ULL

/*
 * Inflation, deflation, and the reporting queue: in the specification always the
 * fifth, in drivers that count only the queues that exist the third. So there are
 * five, and what comes by any of the last three is a report.
 */
enum { INFLATE, DEFLATE, REPORT, NR_QUEUES = 5 };

/* Most for one buffer; Linux sends 256. The rest stays with the guest. */
#define MAX_PFNS	65536
#define CHUNK		256

/**
 * struct virtio_balloon - the balloon
 * @v: virtio device
 * @config: what the driver reads, and its answer; num_pages is the main
 *	    thread's, actual the driver's
 * @released: bytes given to the host so far
 */
struct virtio_balloon {
	struct virtio v;
	struct virtio_balloon_config config;
	u64 released;
};

static struct virtio_balloon *to_balloon(struct virtio *v)
{
	return container_of(v, struct virtio_balloon, v);
}

static void release(struct virtio_balloon *b, void *start, u64 size)
{
	if (size && !b->v.pci.vm->mem.pinned &&
	    !madvise(start, size, MADV_DONTNEED))
		__atomic_fetch_add(&b->released, size, __ATOMIC_RELAXED);
}

/* A run of pages, of which the guest may have made up any number. */
static void release_pages(struct virtio_balloon *b, u64 pfn, u64 nr)
{
	void *start = memory_ptr(&b->v.pci.vm->mem, pfn * PAGE, nr * PAGE);

	if (start)
		release(b, start, nr * PAGE);
	else if (nr > 1)
		/* It reaches across the device hole, or out of RAM. */
		for (; nr; nr--, pfn++)
			release_pages(b, pfn, 1);
}

static void inflate(struct virtio_balloon *b, const struct vq_elem *e)
{
	u64 total = min_t(u64, e->out_len / sizeof(u32), MAX_PFNS);
	u64 first = 0, nr = 0;
	u32 pfn[CHUNK];

	for (u64 i = 0; i < total; i++) {
		u64 p;

		if (i % CHUNK == 0)
			iov_to_buf(e->iov, e->nr_out, i * sizeof(u32), pfn,
				   sizeof(pfn));
		p = pfn[i % CHUNK];
		if (nr && p == first + nr) {
			nr++;
		} else if (nr && p + 1 == first) {
			first--;
			nr++;
		} else {
			release_pages(b, first, nr);
			first = p;
			nr = 1;
		}
	}
	release_pages(b, first, nr);
}

static void report(struct virtio_balloon *b, const struct vq_elem *e)
{
	for (unsigned int i = e->nr_out; i < e->nr_out + e->nr_in; i++) {
		uintptr_t start = (uintptr_t)e->iov[i].iov_base;
		uintptr_t end = ALIGN_DOWN(start + e->iov[i].iov_len, PAGE);

		start = ALIGN(start, PAGE);
		if (start < end)
			release(b, (void *)start, end - start);
	}
}

static u32 balloon_handle(struct virtio *v, unsigned int queue, struct vq_elem *e)
{
	if (queue == INFLATE)
		inflate(to_balloon(v), e);
	else if (queue >= REPORT)
		report(to_balloon(v), e);
	/* Deflation: a page comes back when it is touched. */
	return 0;
}

static void balloon_config_write(struct virtio *v, u32 off, const void *data,
				 unsigned int size)
{
	struct virtio_balloon *b = to_balloon(v);

	if (off == offsetof(struct virtio_balloon_config, actual) &&
	    size == sizeof(b->config.actual))
		WRITE_ONCE(b->config.actual, *(const u32 *)data);
}

static const struct virtio_ops balloon_ops = {
	.id = VIRTIO_ID_BALLOON,
	.class = CLASS_OTHER,
	.handle = balloon_handle,
	.config_write = balloon_config_write,
};

/**
 * virtio_balloon_set() - ask the guest for memory, or give it back
 * @b: balloon
 * @size: bytes that the guest is to do without
 *
 * Does not wait: virtio_balloon_get() tells how far the guest is.
 */
void virtio_balloon_set(struct virtio_balloon *b, u64 size)
{
	WRITE_ONCE(b->config.num_pages, size / PAGE);
	if (READ_ONCE(b->v.status) & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt(&b->v, READ_ONCE(b->v.config_vector),
				 VIRTIO_ISR_CONFIG);
}

/**
 * virtio_balloon_get() - how it is
 * @b: balloon
 * @s: filled in
 */
void virtio_balloon_get(struct virtio_balloon *b, struct balloon_state *s)
{
	s->target = READ_ONCE(b->config.num_pages) * PAGE;
	s->actual = READ_ONCE(b->config.actual) * PAGE;
	s->released = __atomic_load_n(&b->released, __ATOMIC_RELAXED);
}

/**
 * virtio_balloon_create() - add a balloon, flat
 * @vm: machine
 *
 * Return: the device, or NULL with vl_message() set.
 */
struct virtio_balloon *virtio_balloon_create(struct vm *vm)
{
	struct virtio_balloon *b = calloc(1, sizeof(*b));

	if (!b) {
		vl_error(ENOMEM, "memory balloon");
		return NULL;
	}
	b->v.config = &b->config;
	b->v.config_size = offsetof(struct virtio_balloon_config, actual) +
			   sizeof(b->config.actual);
	if (virtio_init(vm, &b->v, &balloon_ops,
			BIT_ULL(VIRTIO_BALLOON_F_REPORTING), NR_QUEUES)) {
		virtio_balloon_destroy(b);
		return NULL;
	}
	return b;
}

/**
 * virtio_balloon_destroy() - remove it
 * @b: balloon, or NULL
 */
void virtio_balloon_destroy(struct virtio_balloon *b)
{
	if (!b)
		return;
	virtio_exit(&b->v);
	free(b);
}
