/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VFIO device and the hypervisor beside it, in this process: a file whose
 * parts are the device's regions, and an ioctl() that answers for group,
 * container, device and VM and keeps what it was told.
 */
#ifndef TESTS_FAKE_VFIO_H
#define TESTS_FAKE_VFIO_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../vmm/vfio.h"
#include "fake_vm.h"

#define REGION(index)	((u64)(index) << 26)
#define FAKE_SLOTS	32
#define FAKE_IRQFDS	96

/**
 * struct fake - device and hypervisor
 * @dir: folder that stands for /dev/vfio and for sysfs
 * @memfd: the device's file
 * @size: of each BAR
 * @flags: of each region
 * @sparse: areas of BAR 2 that can be mapped: offset and size
 * @nr_sparse: how many; 0: no such list
 * @irqs: interrupts of each kind
 * @viable: the group is
 * @type1: the container has an IOMMU of that type
 * @device_flags: VFIO_DEVICE_FLAGS_*
 * @fail: a request that fails
 * @fail_index: for VFIO_DEVICE_SET_IRQS only of that kind, or -1
 * @fail_errno: with what
 * @resets: how often it was reset
 * @maps: calls of VFIO_IOMMU_MAP_DMA, and the last of them
 * @map: likewise
 * @trigger: eventfds that the device has, by kind; -1: none
 * @unmask: eventfd that unmasks INTx, or -1
 * @slot: memory slots
 * @irqfd: eventfds that the hypervisor has
 * @routes: the routing table
 */
struct fake {
	char dir[64];
	int memfd;
	u64 size[PCI_BARS];
	u32 flags[VFIO_PCI_NUM_REGIONS];
	u64 sparse[4][2];
	unsigned int nr_sparse;
	u32 irqs[VFIO_PCI_NUM_IRQS];
	bool viable;
	int type1;
	u32 device_flags;
	unsigned long fail;
	int fail_index;
	int fail_errno;
	unsigned int resets;
	unsigned int maps;
	struct vfio_iommu_type1_dma_map map;
	int trigger[VFIO_PCI_NUM_IRQS][VFIO_MAX_VECTORS];
	int unmask;
	struct kvm_userspace_memory_region slot[FAKE_SLOTS];
	struct kvm_irqfd irqfd[FAKE_IRQFDS];
	struct kvm_irq_routing_entry routes[1200];
	unsigned int nr_routes;
};

static struct fake fake;

static inline int fake_region(struct vfio_region_info *info)
{
	struct vfio_region_info_cap_sparse_mmap *s = (void *)(info + 1);
	u32 want = sizeof(*info), room = info->argsz;

	if (info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->offset = REGION(info->index);
	info->flags = fake.flags[info->index];
	info->size = info->index < PCI_BARS ? fake.size[info->index] : 0;
	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX)
		info->size = PCI_CFG_SIZE;
	info->cap_offset = 0;
	if (info->index == 2 && fake.nr_sparse) {
		want += sizeof(*s) + fake.nr_sparse * sizeof(s->areas[0]);
		info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (room >= want) {
			info->cap_offset = sizeof(*info);
			memset(s, 0, sizeof(*s));
			s->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
			s->nr_areas = fake.nr_sparse;
			for (unsigned int i = 0; i < fake.nr_sparse; i++) {
				s->areas[i].offset = fake.sparse[i][0];
				s->areas[i].size = fake.sparse[i][1];
			}
		}
	}
	info->argsz = want;
	return 0;
}

static inline int fake_set_irqs(const struct vfio_irq_set *set)
{
	const int *fds = (const void *)set->data;
	bool events = set->flags & VFIO_IRQ_SET_DATA_EVENTFD;

	if (set->index >= VFIO_PCI_NUM_IRQS || set->start ||
	    set->count > fake.irqs[set->index])
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_ACTION_UNMASK) {
		if (set->index || fake.trigger[0][0] < 0)
			return -EINVAL;
		fake.unmask = fds[0];
		return 0;
	}
	/* INTx, MSI or MSI-X, one at a time. */
	for (u32 i = 0; set->count && set->index < 3 && i < 3; i++)
		if (i != set->index && fake.trigger[i][0] >= 0)
			return -EINVAL;
	for (u32 i = 0; i < VFIO_MAX_VECTORS; i++)
		fake.trigger[set->index][i] = events && i < set->count ? fds[i] : -1;
	if (!set->index && !set->count)
		fake.unmask = -1;
	return 0;
}

static inline int fake_slot(const struct kvm_userspace_memory_region *r)
{
	if (r->slot >= FAKE_SLOTS)
		return -EINVAL;
	for (u32 i = 0; r->memory_size && i < FAKE_SLOTS; i++)
		if (fake.slot[i].memory_size && i != r->slot &&
		    r->guest_phys_addr < fake.slot[i].guest_phys_addr + fake.slot[i].memory_size &&
		    fake.slot[i].guest_phys_addr < r->guest_phys_addr + r->memory_size)
			return -EEXIST;
	fake.slot[r->slot] = *r;
	return 0;
}

static inline int fake_irqfd(const struct kvm_irqfd *r)
{
	struct kvm_irqfd *room = NULL;

	for (int i = 0; i < FAKE_IRQFDS; i++) {
		struct kvm_irqfd *f = &fake.irqfd[i];

		if (f->fd && f->fd == r->fd) {
			if (!(r->flags & KVM_IRQFD_FLAG_DEASSIGN))
				return -EBUSY;
			f->fd = 0;
			return 0;
		}
		if (!f->fd && !room)
			room = f;
	}
	if (!(r->flags & KVM_IRQFD_FLAG_DEASSIGN) && room)
		*room = *r;
	return 0;
}

static inline int fake_routing(const struct kvm_irq_routing *t)
{
	fake.nr_routes = t->nr;
	memcpy(fake.routes, t->entries, t->nr * sizeof(t->entries[0]));
	return 0;
}

/* 0, or -errno; 1: not one of ours. */
static inline int fake_ioctl(unsigned long req, void *arg)
{
	const struct vfio_irq_set *set = arg;

	if (fake.fail == req && (fake.fail_index < 0 || (int)set->index == fake.fail_index))
		return -fake.fail_errno;
	switch (req) {
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)arg)->flags =
			fake.viable ? VFIO_GROUP_FLAGS_VIABLE : 0;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
	case VFIO_SET_IOMMU:
		return 0;
	case VFIO_IOMMU_MAP_DMA:
		fake.map = *(struct vfio_iommu_type1_dma_map *)arg;
		fake.maps++;
		return 0;
	case VFIO_DEVICE_GET_INFO:
		((struct vfio_device_info *)arg)->flags = fake.device_flags;
		((struct vfio_device_info *)arg)->num_regions = VFIO_PCI_NUM_REGIONS;
		((struct vfio_device_info *)arg)->num_irqs = VFIO_PCI_NUM_IRQS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return fake_region(arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		((struct vfio_irq_info *)arg)->count =
			fake.irqs[((struct vfio_irq_info *)arg)->index];
		((struct vfio_irq_info *)arg)->flags = VFIO_IRQ_INFO_EVENTFD;
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		return fake_set_irqs(arg);
	case VFIO_DEVICE_RESET:
		fake.resets++;
		return 0;
	case KVM_SET_USER_MEMORY_REGION:
		return fake_slot(arg);
	case KVM_IRQFD:
		return fake_irqfd(arg);
	case KVM_SET_GSI_ROUTING:
		return fake_routing(arg);
	}
	return 1;
}

/* In the place of the C library's. */
int ioctl(int fd, unsigned long req, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, req);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (req == VFIO_GET_API_VERSION && fake.fail != req)
		return VFIO_API_VERSION;
	if (req == VFIO_CHECK_EXTENSION)
		return fake.type1;
	if (req == VFIO_GROUP_GET_DEVICE_FD && fake.fail != req)
		return fcntl(fake.memfd, F_DUPFD_CLOEXEC, 0);
	ret = fake_ioctl(req, arg);
	if (ret > 0)
		return syscall(SYS_ioctl, fd, req, arg);
	errno = -ret;
	return ret ? -1 : 0;
}

static inline void fake_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fake.dir, name);
	close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

static inline void fake_link(const char *name, const char *to)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fake.dir, name);
	unlink(path);
	if (symlink(to, path))
		exit(1);
}

/* Nothing is known of what came before; the device's file is as it was. */
static inline void fake_clear(void)
{
	fake.viable = true;
	fake.type1 = 1;
	fake.device_flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	fake.fail = 0;
	fake.fail_index = -1;
	fake.fail_errno = EIO;
	fake.resets = 0;
	fake.maps = 0;
	fake.unmask = -1;
	memset(fake.trigger, 0xff, sizeof(fake.trigger));
	memset(fake.slot, 0, sizeof(fake.slot));
	memset(fake.irqfd, 0, sizeof(fake.irqfd));
	fake.nr_routes = 0;
}

static inline void fake_init(void)
{
	char path[128];

	strcpy(fake.dir, "/tmp/vfio-XXXXXX");
	fake.memfd = memfd_create("device", MFD_CLOEXEC);
	if (!mkdtemp(fake.dir) || fake.memfd < 0 ||
	    ftruncate(fake.memfd, REGION(VFIO_PCI_NUM_REGIONS)))
		exit(1);
	vfio_folder = fake.dir;
	fake_file("vfio");
	fake_file("7");
	snprintf(path, sizeof(path), "%s/dev", fake.dir);
	mkdir(path, 0700);
	fake_link("dev/iommu_group", "../groups/7");
	fake_link("dev/driver", "../drivers/vfio-pci");
	fake_clear();
}

static inline void fake_exit(void)
{
	static const char *const names[] = { "dev/iommu_group", "dev/driver", "7", "vfio" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", fake.dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/dev", fake.dir);
	rmdir(path);
	rmdir(fake.dir);
	close(fake.memfd);
}

/* The device's own bytes. */
static inline u32 own_get(unsigned int region, u64 off, unsigned int size)
{
	u32 v = 0;

	if (pread(fake.memfd, &v, size, REGION(region) + off) != (ssize_t)size)
		exit(1);
	return v;
}

static inline void own_set(unsigned int region, u64 off, u32 v, unsigned int size)
{
	if (pwrite(fake.memfd, &v, size, REGION(region) + off) != (ssize_t)size)
		exit(1);
}

#endif /* TESTS_FAKE_VFIO_H */
