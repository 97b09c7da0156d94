// SPDX-License-Identifier: GPL-2.0
/*
 * Getting at a device of the host: its group, the container that all groups of
 * the guest share, and in it the guest's memory, whose addresses the devices see
 * as the guest's CPUs do.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vfio.h"
#include "vm.h"

const char *vfio_folder = "/dev/vfio";

/* Drivers of mediated devices that copy from and to memory, and pin none of it. */
static const char *const no_pinning[] = { "vgpu_mdev" };

/* Where a link of the device's folder leads: the last word of it. */
static int last_of_link(const char *path, const char *name, char *word, size_t size)
{
	char link[PATH_MAX], to[PATH_MAX];
	const char *slash;
	ssize_t n;

	if (snprintf(link, sizeof(link), "%s/%s", path, name) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	n = readlink(link, to, sizeof(to) - 1);
	if (n < 0)
		return -errno;
	to[n] = '\0';
	slash = strrchr(to, '/');
	slash = slash ? slash + 1 : to;
	if (strlen(slash) >= size)
		return -ENAMETOOLONG;
	strcpy(word, slash);
	return 0;
}

/* A folder of sysfs, or what devices are called there. */
static int find_device(const char *name, char *path)
{
	static const char *const buses[] = { "mdev", "pci" };
	char try[PATH_MAX];

	if (strchr(name, '/')) {
		if (realpath(name, path))
			return 0;
		return vl_error(errno, "--vfio %s", name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(buses); i++) {
		snprintf(try, sizeof(try), "/sys/bus/%s/devices/%.200s", buses[i], name);
		if (realpath(try, path))
			return 0;
	}
	return vl_error(ENODEV, "--vfio %s: neither a mediated device nor a PCI one",
			name);
}

static int open_container(struct vfio *v)
{
	char path[PATH_MAX];

	if (v->container >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s/vfio", vfio_folder);
	v->container = open(path, O_RDWR | O_CLOEXEC);
	if (v->container < 0)
		return vl_error(errno, "%s: is the module vfio loaded?", path);
	if (ioctl(v->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		return vl_error(0, "%s speaks another version of VFIO", path);
	if (ioctl(v->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0)
		return vl_error(0, "%s has no type 1 IOMMU: is vfio_iommu_type1 loaded?",
				path);
	return 0;
}

static int map_memory(struct vm *vm, struct vfio *v)
{
	for (unsigned int i = 0; i < vm->mem.nr; i++) {
		const struct mem_region *r = &vm->mem.region[i];
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)r->hva,
			.iova = r->gpa,
			.size = r->size,
		};

		if (!ioctl(v->container, VFIO_IOMMU_MAP_DMA, &map))
			continue;
		if (errno == ENOMEM)
			return vl_error(ENOMEM, "%llu MiB for DMA, all locked: see ulimit -l",
					(unsigned long long)(r->size / MIB));
		return vl_error(errno, "memory at %#llx for DMA",
				(unsigned long long)r->gpa);
	}
	return 0;
}

/* The first group makes the container an address space. */
static int join(struct vm *vm, struct vfio *v, int fd, const char *path)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status))
		return vl_error(errno, "%s: status", path);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vl_error(0,
				"%s is not viable: a device of the group is with another driver",
				path);
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &v->container))
		return vl_error(errno, "%s: the container does not take it", path);
	if (v->nr_groups > 1)
		return 0;
	if (ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return vl_error(errno, "%s: type 1 IOMMU", path);
	return map_memory(vm, v);
}

/* Return: its descriptor, which stays the container's, or -errno. */
static int open_group(struct vm *vm, struct vfio *v, const char *name)
{
	char path[PATH_MAX];
	int fd, ret;

	for (unsigned int i = 0; i < v->nr_groups; i++)
		if (!strcmp(v->group[i].name, name))
			return v->group[i].fd;

	snprintf(path, sizeof(path), "%s/%s", vfio_folder, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return vl_error(ENOENT, "%s: is the device bound to a VFIO driver (vfio-pci)?",
				path);
	if (fd < 0 && errno == EBUSY)
		return vl_error(EBUSY, "%s: somebody else has the group open", path);
	if (fd < 0)
		return vl_error(errno, "%s", path);
	strcpy(v->group[v->nr_groups].name, name);
	v->group[v->nr_groups++].fd = fd;
	ret = join(vm, v, fd, path);
	return ret ? ret : fd;
}

static int get_device(struct vfio_dev *d, int group, const char *path)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	d->fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, strrchr(path, '/') + 1);
	if (d->fd < 0)
		return vl_error(errno, "--vfio %s: the device", d->name);
	if (ioctl(d->fd, VFIO_DEVICE_GET_INFO, &info))
		return vl_error(errno, "--vfio %s: information", d->name);
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX)
		return vl_error(0, "--vfio %s: not a PCI device", d->name);
	d->flags = info.flags;
	return 0;
}

/**
 * vfio_open() - open a device, and let it see the guest's memory
 * @vm: machine
 * @v: all that is passed through
 * @d: @name is what was asked for; @fd and @flags are set
 *
 * Memory that a device may have pinned must not be given back to the host: the
 * guest would get another page than the one that the device has.
 */
int vfio_open(struct vm *vm, struct vfio *v, struct vfio_dev *d)
{
	char path[PATH_MAX], word[32];
	bool pins = true;
	int ret;

	ret = find_device(d->name, path);
	if (ret)
		return ret;
	ret = last_of_link(path, "iommu_group", word, sizeof(word));
	if (ret)
		return vl_error(-ret,
				"--vfio %s: in no IOMMU group (not a device, or no IOMMU)",
				d->name);
	ret = open_container(v);
	if (ret)
		return ret;
	ret = open_group(vm, v, word);
	if (ret < 0)
		return ret;
	ret = get_device(d, ret, path);
	if (ret)
		return ret;

	if (!last_of_link(path, "driver", word, sizeof(word)))
		for (size_t i = 0; i < ARRAY_SIZE(no_pinning); i++)
			if (!strcmp(word, no_pinning[i]))
				pins = false;
	vm->mem.pinned |= pins;
	return 0;
}

/**
 * vfio_close() - close groups and container, when the devices are closed
 * @v: all that is passed through
 */
void vfio_close(struct vfio *v)
{
	while (v->nr_groups)
		close(v->group[--v->nr_groups].fd);
	if (v->container >= 0)
		close(v->container);
	v->container = -1;
}
