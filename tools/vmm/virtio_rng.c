// SPDX-License-Identifier: GPL-2.0
/*
 * virtio entropy device (virtio 1.2, 5.4): the host's getrandom().
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../lib/virtlite.h"
#include "virtio.h"
#include "vm.h"

#define CLASS_OTHER	0xff0000

/* Most for one request: a guest must not keep the host busy for gigabytes. */
#define MAX_BYTES	(64 * KIB)

static u32 rng_handle(struct virtio *v, unsigned int queue, struct vq_elem *e)
{
	struct iovec iov[VQ_MAX_SIZE];
	unsigned int nr;
	u32 done = 0;

	(void)v;
	(void)queue;
	nr = iov_slice(iov, e->iov + e->nr_out, e->nr_in, 0, MAX_BYTES);
	for (unsigned int i = 0; i < nr; i++) {
		ssize_t n = getrandom(iov[i].iov_base, iov[i].iov_len, 0);

		if (n <= 0)
			break;
		done += n;
		/* What follows a short piece would leave a gap. */
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return done;
}

static const struct virtio_ops rng_ops = {
	.id = VIRTIO_ID_RNG,
	.class = CLASS_OTHER,
	.handle = rng_handle,
};

/**
 * virtio_rng_create() - add an entropy device
 * @vm: machine
 *
 * Return: the device, or NULL with vl_message() set.
 */
struct virtio *virtio_rng_create(struct vm *vm)
{
	struct virtio *v = calloc(1, sizeof(*v));

	if (!v) {
		vl_error(ENOMEM, "entropy device");
		return NULL;
	}
	if (virtio_init(vm, v, &rng_ops, 0, 1)) {
		virtio_rng_destroy(v);
		return NULL;
	}
	return v;
}

/**
 * virtio_rng_destroy() - remove it
 * @v: device, or NULL
 */
void virtio_rng_destroy(struct virtio *v)
{
	if (!v)
		return;
	virtio_exit(v);
	free(v);
}
