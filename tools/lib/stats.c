// SPDX-License-Identifier: GPL-2.0
/*
 * The binary statistics descriptor: a header, then descriptors of fixed size,
 * then values, each at an offset that the header or the descriptor gives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "virtlite.h"

/* Bounds on what the hypervisor may claim, far above what any does. */
#define MAX_STATS	4096
#define MAX_NAME	1024

static int read_at(int fd, void *buf, size_t len, __u64 off)
{
	return pread(fd, buf, len, off) == (ssize_t)len ? 0 :
		vl_error(EIO, "reading a statistics descriptor");
}

static int read_all(int fd, vl_stat_fn fn, void *data)
{
	struct kvm_stats_header h;
	size_t stride;
	char *descs;
	int ret;

	ret = read_at(fd, &h, sizeof(h), 0);
	if (ret)
		return ret;
	if (!h.num_desc)
		return 0;
	if (h.num_desc > MAX_STATS || !h.name_size || h.name_size > MAX_NAME)
		return vl_error(EPROTO, "statistics header out of range");

	stride = sizeof(struct kvm_stats_desc) + h.name_size;
	descs = malloc(h.num_desc * stride);
	if (!descs)
		return vl_error(ENOMEM, "statistics");

	ret = read_at(fd, descs, h.num_desc * stride, h.desc_offset);
	for (__u32 i = 0; !ret && i < h.num_desc; i++) {
		struct kvm_stats_desc *d = (void *)(descs + i * stride);
		__u64 value;

		/* Histograms have many values: not what is asked for here. */
		if (d->size != 1)
			continue;
		d->name[h.name_size - 1] = '\0';
		ret = read_at(fd, &value, sizeof(value),
			      (__u64)h.data_offset + d->offset);
		if (!ret)
			fn(d->name, value, data);
	}
	free(descs);
	return ret;
}

/**
 * vl_stats_read() - report every single-valued counter of a VM or vCPU
 * @fd: VM or vCPU
 * @fn: called with each
 * @data: passed to @fn
 *
 * Return: 0, -ENOTTY if the hypervisor has no such counters, or -errno.
 */
int vl_stats_read(int fd, vl_stat_fn fn, void *data)
{
	int stats_fd = vl_ioctl(fd, KVM_GET_STATS_FD, 0);
	int ret;

	if (stats_fd < 0)
		return stats_fd;
	ret = read_all(stats_fd, fn, data);
	close(stats_fd);
	return ret;
}
