// SPDX-License-Identifier: GPL-2.0
/*
 * The two ways to a VFIO device and to the memory that it sees: a group in a
 * container, and, where the kernel has it, the device's own node with an iommufd.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vgpu_vfio.h"
#include "virtlite.h"

/* <linux/iommufd.h> and the newer part of <linux/vfio.h>, which not every system has. */
#ifndef VFIO_DEVICE_BIND_IOMMUFD
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};

#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};

#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#endif

#define IOMMUFD_PATH "/dev/iommu"

struct ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 id;
};

struct ioas_map {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 pad;
	__aligned_u64 mem;
	__aligned_u64 bytes;
	__aligned_u64 iova;
};

struct ioas_unmap {
	__u32 size;
	__u32 id;
	__aligned_u64 iova;
	__aligned_u64 bytes;
};

#define IOAS_ALLOC	_IO(';', 0x81)
#define IOAS_MAP	_IO(';', 0x85)
#define IOAS_UNMAP	_IO(';', 0x86)
#define IOAS_FIXED	1
#define IOAS_WRITABLE	2
#define IOAS_READABLE	4

/**
 * vl_vfio_group() - open a slice by its group
 * @d: @group, @container and @device are set
 * @uuid: of the mediated device
 *
 * Return: 0, or -errno with a message.
 */
int vl_vfio_group(struct vl_vgpu *d, const char *uuid)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/iommu_group", uuid);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return vl_error(errno, "no mediated device %s", uuid);
	link[n] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	d->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (d->container < 0)
		return vl_error(errno, "/dev/vfio/vfio: is the module vfio loaded?");
	if (!ioctl(d->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU))
		return vl_error(ENODEV, "is the module vfio_iommu_type1 loaded?");
	d->group = open(path, O_RDWR | O_CLOEXEC);
	if (d->group < 0)
		return vl_error(errno, "%s", path);
	if (ioctl(d->group, VFIO_GROUP_GET_STATUS, &status) ||
	    !(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vl_error(EBUSY, "%s is not viable", path);
	if (ioctl(d->group, VFIO_GROUP_SET_CONTAINER, &d->container) ||
	    ioctl(d->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return vl_error(errno, "%s: container", path);
	d->device = ioctl(d->group, VFIO_GROUP_GET_DEVICE_FD, uuid);
	return d->device < 0 ? vl_error(errno, "%s: device", path) : 0;
}

static int open_cdev(const char *uuid)
{
	char path[PATH_MAX];
	struct dirent *e;
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/vfio-dev", uuid);
	dir = opendir(path);
	if (!dir)
		return vl_error(errno, "%s", path);
	while (fd < 0 && (e = readdir(dir))) {
		if (strncmp(e->d_name, "vfio", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	closedir(dir);
	return fd < 0 ? vl_error(ENODEV, "%s: no node of its own", uuid) : fd;
}

/**
 * vl_vfio_iommufd() - open a slice by its own node
 * @d: @container, @ioas and @device are set
 * @uuid: of the mediated device
 *
 * Return: 0, or -errno with a message.
 */
int vl_vfio_iommufd(struct vl_vgpu *d, const char *uuid)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct ioas_alloc alloc = { .size = sizeof(alloc) };

	d->container = open(IOMMUFD_PATH, O_RDWR | O_CLOEXEC);
	if (d->container < 0)
		return vl_error(errno, IOMMUFD_PATH);
	d->device = open_cdev(uuid);
	if (d->device < 0)
		return d->device;
	bind.iommufd = d->container;
	if (ioctl(d->device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return vl_error(errno, "%s: iommufd", uuid);
	if (ioctl(d->container, IOAS_ALLOC, &alloc))
		return vl_error(errno, "address space");
	d->ioas = alloc.id;
	attach.pt_id = alloc.id;
	if (ioctl(d->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return vl_error(errno, "%s: address space", uuid);
	return 0;
}

/**
 * vl_vgpu_map() - let the slice see memory
 * @d: slice
 * @mem: page-aligned
 * @bytes: whole pages
 * @iova: where
 * @writable: it may write, too
 *
 * Return: 0, or -errno with a message.
 */
int vl_vgpu_map(struct vl_vgpu *d, void *mem, size_t bytes, __u64 iova, bool writable)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .vaddr = (unsigned long)mem, .iova = iova, .size = bytes,
		.flags = VFIO_DMA_MAP_FLAG_READ | (writable ? VFIO_DMA_MAP_FLAG_WRITE : 0),
	};
	struct ioas_map io = {
		.size = sizeof(io), .id = d->ioas, .mem = (unsigned long)mem, .bytes = bytes,
		.iova = iova,
		.flags = IOAS_FIXED | IOAS_READABLE | (writable ? IOAS_WRITABLE : 0),
	};
	int ret = d->group >= 0 ? ioctl(d->container, VFIO_IOMMU_MAP_DMA, &map) :
				  ioctl(d->container, IOAS_MAP, &io);

	return ret ? vl_error(errno, "mapping memory") : 0;
}

/**
 * vl_vgpu_unmap() - let the slice see memory no more
 * @d: slice
 * @iova: where it was mapped
 * @bytes: all of it
 *
 * Return: 0, or -errno with a message.
 */
int vl_vgpu_unmap(struct vl_vgpu *d, __u64 iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap map = {
		.argsz = sizeof(map), .iova = iova, .size = bytes,
	};
	struct ioas_unmap io = { .size = sizeof(io), .id = d->ioas, .iova = iova, .bytes = bytes };
	int ret = d->group >= 0 ? ioctl(d->container, VFIO_IOMMU_UNMAP_DMA, &map) :
				  ioctl(d->container, IOAS_UNMAP, &io);

	return ret ? vl_error(errno, "unmapping memory") : 0;
}
