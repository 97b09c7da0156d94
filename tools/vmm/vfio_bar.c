// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a device: what the host lets us map is the guest's without an
 * exit, wherever its BAR is; every other access is passed on.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vfio.h"
#include "vm.h"

#define PAGE	4096ULL

/* A region's description may be as long as the device likes, within reason. */
#define MAX_INFO	65536

/* What the host says about a region, to be freed; or NULL. */
static struct vfio_region_info *region_info(struct vfio_dev *d, u32 index)
{
	struct vfio_region_info *info = NULL, *more;
	u32 size = sizeof(*info);

	/* Once to hear how much there is to say. */
	for (int i = 0; i < 2; i++) {
		more = realloc(info, size);
		if (!more)
			break;
		info = more;
		memset(info, 0, size);
		info->argsz = size;
		info->index = index;
		if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, info))
			break;
		if (info->argsz <= size || info->argsz > MAX_INFO) {
			info->argsz = min_t(u32, info->argsz, size);
			return info;
		}
		size = info->argsz;
	}
	free(info);
	return NULL;
}

/* The list of what can be mapped, if there is one. */
static const struct vfio_region_info_cap_sparse_mmap *
find_sparse(const struct vfio_region_info *info)
{
	const struct vfio_region_info_cap_sparse_mmap *s;
	u32 off = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;

	while (off >= sizeof(*info) && off % 8 == 0 &&
	       off + sizeof(s->header) <= info->argsz) {
		s = (const void *)((const u8 *)info + off);
		if (s->header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP &&
		    off + sizeof(*s) <= info->argsz &&
		    s->nr_areas <= (info->argsz - off - sizeof(*s)) / sizeof(s->areas[0]))
			return s;
		if (s->header.next <= off)	/* no circles */
			break;
		off = s->header.next;
	}
	return NULL;
}

static void add_area(struct vfio_bar *b, u64 start, u64 end)
{
	if (start >= end || b->nr_areas == VFIO_MAX_AREAS)
		return;
	b->area[b->nr_areas++] = (struct vfio_area){
		.off = start, .size = end - start,
	};
}

/*
 * Pages of a piece, without those that hold the table or the pending bits of
 * MSI-X: these are ours. One that is beyond VFIO_MAX_AREAS is slower, no more.
 */
static void add_piece(struct vfio_dev *d, unsigned int bar, u64 off, u64 size)
{
	struct vfio_bar *b = &d->bar[bar];
	u64 start, end, hole[2][2] = {};

	if (off > b->size || size > b->size - off)
		return;
	start = ALIGN(off, PAGE);
	end = ALIGN_DOWN(off + size, PAGE);
	if (d->msix && d->table_bar == bar) {
		hole[0][0] = ALIGN_DOWN(d->table, PAGE);
		hole[0][1] = ALIGN(d->table + d->table_size, PAGE);
	}
	if (d->msix && d->pba_bar == bar) {
		hole[1][0] = ALIGN_DOWN(d->pba, PAGE);
		hole[1][1] = ALIGN(d->pba + d->table_size / 128 + 8, PAGE);
	}
	if (hole[0][0] > hole[1][0]) {
		u64 swap[2] = { hole[0][0], hole[0][1] };

		memcpy(hole[0], hole[1], sizeof(swap));
		memcpy(hole[1], swap, sizeof(swap));
	}
	for (int i = 0; i < 2; i++) {
		if (!hole[i][1] || hole[i][1] <= start || hole[i][0] >= end)
			continue;
		add_area(b, start, hole[i][0]);
		start = hole[i][1];
	}
	add_area(b, start, end);
}

static int find_bar(struct vfio_dev *d, unsigned int bar)
{
	struct vfio_region_info *info = region_info(d, bar);
	struct vfio_bar *b = &d->bar[bar];

	if (!info)
		return vl_error(errno, "--vfio %s: BAR %u", d->name, bar);
	b->offset = info->offset;
	b->size = info->size;
	b->flags = info->flags;
	free(info);
	return 0;
}

/* What of a BAR can be mapped: needs to know where the table of MSI-X is. */
static int find_areas(struct vfio_dev *d, unsigned int bar)
{
	const struct vfio_region_info_cap_sparse_mmap *s;
	struct vfio_region_info *info;
	struct vfio_bar *b = &d->bar[bar];

	if (!b->size || !(b->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return 0;
	info = region_info(d, bar);
	if (!info)
		return vl_error(errno, "--vfio %s: BAR %u", d->name, bar);
	s = find_sparse(info);
	if (!s)
		add_piece(d, bar, 0, b->size);
	for (u32 i = 0; s && i < s->nr_areas; i++)
		add_piece(d, bar, s->areas[i].offset, s->areas[i].size);
	free(info);
	return 0;
}

/**
 * vfio_bars_find() - which BARs there are
 * @d: device, whose @bar[].type is set
 */
int vfio_bars_find(struct vfio_dev *d)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		struct vfio_bar *b = &d->bar[i];
		bool wide = (b->type & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
			    PCI_BASE_ADDRESS_MEM_TYPE_64;
		int ret = find_bar(d, i);

		if (ret)
			return ret;
		/* Ports are not for guests. */
		if (b->type & PCI_BASE_ADDRESS_SPACE_IO)
			b->size = 0;
		if (!b->size)
			continue;
		if (b->size < 16 || b->size & (b->size - 1) ||
		    (wide && i == PCI_BARS - 1))
			return vl_error(0, "--vfio %s: BAR %u makes no sense", d->name, i);
		if (b->size > PCI_MMIO_END - PCI_MMIO_START)
			return vl_error(0,
					"--vfio %s: BAR %u is too large: %llu MiB of the %llu for all devices",
					d->name, i, (unsigned long long)(b->size / MIB),
					(PCI_MMIO_END - PCI_MMIO_START) / MIB);
		if (wide)
			i++;	/* its other half */
	}
	return 0;
}

static int map_areas(struct vfio_dev *d, struct vfio_bar *b)
{
	int prot = (b->flags & VFIO_REGION_INFO_FLAG_READ ? PROT_READ : 0) |
		   (b->flags & VFIO_REGION_INFO_FLAG_WRITE ? PROT_WRITE : 0);

	for (unsigned int i = 0; i < b->nr_areas; i++) {
		struct vfio_area *a = &b->area[i];

		a->hva = mmap(NULL, a->size, prot, MAP_SHARED, d->fd,
			      b->offset + a->off);
		if (a->hva == MAP_FAILED) {
			a->hva = NULL;
			return vl_error(errno, "--vfio %s: mapping a BAR", d->name);
		}
		a->slot = d->vm->vfio->next_slot++;
	}
	return 0;
}

/* Large ones first, which leaves the least of gaps between them. */
static int next_bar(const struct vfio_dev *d)
{
	int best = -1;

	for (int i = 0; i < PCI_BARS; i++)
		if (d->bar[i].size && !d->pci.bar_size[i] &&
		    (best < 0 || d->bar[i].size > d->bar[best].size))
			best = i;
	return best;
}

/**
 * vfio_bars_init() - give the guest the BARs
 * @d: device, on the bus, after vfio_bars_find() and with MSI-X known
 */
int vfio_bars_init(struct vfio_dev *d)
{
	int bar, ret;

	while ((bar = next_bar(d)) >= 0) {
		struct vfio_bar *b = &d->bar[bar];
		u32 reg = PCI_BASE_ADDRESS_0 + 4 * bar;

		ret = pci_add_bar(&d->pci, bar, b->size);
		if (ret)
			return vl_error(0, "--vfio %s: BAR %u of %llu KiB: %s", d->name,
					bar, (unsigned long long)(b->size / KIB), vl_message());
		d->pci.cfg[reg] |= b->type;
		if ((b->type & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
		    PCI_BASE_ADDRESS_MEM_TYPE_64)
			pci_set32(d->pci.wmask, reg + 4, ~0U);
		ret = find_areas(d, bar);
		if (!ret)
			ret = map_areas(d, b);
		if (ret)
			return ret;
	}
	vfio_bars_moved(&d->pci);
	return 0;
}

static void hide(struct vfio_dev *d, struct vfio_area *a)
{
	if (a->gpa)
		vl_vm_set_memory(d->vm->vm_fd, a->slot, 0, a->gpa, 0, a->hva);
	a->gpa = 0;
}

/* Only where BARs belong: a guest must not put one over its own APIC. What the
 * hypervisor does not take, because something is there already, comes by MMIO.
 */
static void show(struct vfio_dev *d, const struct vfio_bar *b, struct vfio_area *a,
		 u64 base)
{
	bool ro = !(b->flags & VFIO_REGION_INFO_FLAG_WRITE);

	if (a->gpa || base < PCI_MMIO_START || base > PCI_MMIO_END - b->size)
		return;
	if (vl_vm_set_memory(d->vm->vm_fd, a->slot, ro ? KVM_MEM_READONLY : 0,
			     base + a->off, a->size, a->hva) >= 0)
		a->gpa = base + a->off;
}

/**
 * vfio_bars_moved() - a device's BARs are somewhere else, or nowhere
 * @p: device
 *
 * All devices are gone through, as one may have been in the way of another.
 */
void vfio_bars_moved(struct pci_dev *p)
{
	struct vfio *v = p->vm->vfio;

	for (int showing = 0; showing < 2; showing++)
		for (unsigned int i = 0; i < v->nr * PCI_BARS; i++) {
			struct vfio_dev *d = &v->dev[i / PCI_BARS];
			struct vfio_bar *b = &d->bar[i % PCI_BARS];
			u64 base = pci_bar_addr(&d->pci, i % PCI_BARS);

			for (unsigned int k = 0; k < b->nr_areas; k++)
				if (showing)
					show(d, b, &b->area[k], base);
				else if (b->area[k].gpa != base + b->area[k].off)
					hide(d, &b->area[k]);
		}
}

/* One access of the guest is one of the device. A signal is for somebody who
 * wants this thread to end.
 */
static bool forward(struct vfio_dev *d, u64 pos, void *data, unsigned int size,
		    bool write)
{
	ssize_t n;

	do {
		n = write ? pwrite(d->fd, data, size, pos) :
			    pread(d->fd, data, size, pos);
	} while (n < 0 && errno == EINTR && !vm_stopping(d->vm));
	return n == (ssize_t)size;
}

/**
 * vfio_bar_access() - an access that is not to mapped memory
 * @p: device
 * @bar: BAR
 * @off: offset in it
 * @data: operand
 * @size: its size
 * @write: direction
 *
 * What the device refuses reads as all ones.
 */
void vfio_bar_access(struct pci_dev *p, unsigned int bar, u32 off, void *data,
		     unsigned int size, bool write)
{
	struct vfio_dev *d = container_of(p, struct vfio_dev, pci);

	if (vfio_msix_access(d, bar, off, data, size, write))
		return;
	if (!forward(d, d->bar[bar].offset + off, data, size, write) && !write)
		memset(data, 0xff, size);
}

/**
 * vfio_bars_exit() - take the BARs out of the guest
 * @d: device, also when vfio_bars_init() failed
 */
void vfio_bars_exit(struct vfio_dev *d)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		struct vfio_bar *b = &d->bar[i];

		for (unsigned int k = 0; k < b->nr_areas; k++) {
			hide(d, &b->area[k]);
			if (b->area[k].hva)
				munmap(b->area[k].hva, b->area[k].size);
		}
		b->nr_areas = 0;
	}
}
