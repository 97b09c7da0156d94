/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small driver in this process: what a guest does to find a virtio device on
 * the bus, come to terms with it and offer it buffers.
 */
#ifndef TESTS_DRIVER_H
#define TESTS_DRIVER_H

#include <linux/virtio_pci.h>
#include <unistd.h>

#include "../vmm/virtio.h"
#include "fake_vm.h"

#define QSIZE		8
#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE

#define RING(q)		(0x10000ULL + (q) * 0x3000)

static struct vm *vm;

/**
 * struct driver - a driver's view of a device
 * @slot: PCI slot
 * @bar: address of its virtio BAR
 * @caps: offset in the BAR of each structure
 * @idx: available index of each queue
 */
struct driver {
	unsigned int slot;
	u64 bar;
	u32 caps[6];
	u32 cfg_cap;
	u16 idx[8];
};

static inline void *ptr(u64 gpa)
{
	return memory_ptr(&vm->mem, gpa, 4096);
}

static inline u64 common(struct driver *d, u32 off, unsigned int size)
{
	return mmio_read(vm, d->bar + d->caps[VIRTIO_PCI_CAP_COMMON_CFG] + off,
			 size);
}

static inline void set_common(struct driver *d, u32 off, u32 v,
			      unsigned int size)
{
	mmio_write(vm, d->bar + d->caps[VIRTIO_PCI_CAP_COMMON_CFG] + off, v,
		   size);
}

static inline bool find(struct driver *d, unsigned int slot)
{
	u32 cap;

	*d = (struct driver){ .slot = slot };
	d->bar = cfg_read(vm, slot, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	for (cap = cfg_read(vm, slot, PCI_CAPABILITY_LIST, 1); cap;
	     cap = cfg_read(vm, slot, cap + 1, 1)) {
		u32 type = cfg_read(vm, slot, cap + 3, 1);

		if (cfg_read(vm, slot, cap, 1) != PCI_CAP_ID_VNDR)
			continue;
		if (type == VIRTIO_PCI_CAP_PCI_CFG)
			d->cfg_cap = cap;
		else if (type < ARRAY_SIZE(d->caps))
			d->caps[type] = cfg_read(vm, slot, cap + 8, 4);
	}
	return d->bar && d->cfg_cap;
}

static inline void setup_queue(struct driver *d, u16 q)
{
	memset(ptr(RING(q)), 0, 4096);
	memset(ptr(RING(q) + 0x1000), 0, 4096);
	memset(ptr(RING(q) + 0x2000), 0, 4096);
	d->idx[q] = 0;
	set_common(d, VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
	set_common(d, VIRTIO_PCI_COMMON_Q_SIZE, QSIZE, 2);
	set_common(d, VIRTIO_PCI_COMMON_Q_DESCLO, RING(q), 4);
	set_common(d, VIRTIO_PCI_COMMON_Q_AVAILLO, RING(q) + 0x1000, 4);
	set_common(d, VIRTIO_PCI_COMMON_Q_USEDLO, RING(q) + 0x2000, 4);
	set_common(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static inline bool negotiate(struct driver *d, u64 features)
{
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	for (u32 half = 0; half < 2; half++) {
		set_common(d, VIRTIO_PCI_COMMON_GFSELECT, half, 4);
		set_common(d, VIRTIO_PCI_COMMON_GF, features >> 32 * half, 4);
	}
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	return common(d, VIRTIO_PCI_COMMON_STATUS, 1) == 11;
}

static inline bool bring_up(struct driver *d, u64 features, u16 queues)
{
	if (!negotiate(d, features))
		return false;
	for (u16 q = 0; q < queues; q++)
		setup_queue(d, q);
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 15, 1);
	return common(d, VIRTIO_PCI_COMMON_STATUS, 1) == 15;
}

static inline struct vring_desc *desc(u16 q)
{
	return ptr(RING(q));
}

static inline volatile struct vring_used *used(u16 q)
{
	return ptr(RING(q) + 0x2000);
}

/* Offer the chain at descriptor 0 and wait for the answer; -1 if none comes. */
static inline int kick(struct driver *d, u16 q)
{
	struct vring_avail *a = ptr(RING(q) + 0x1000);
	u16 want = ++d->idx[q];

	a->ring[(want - 1) % QSIZE] = 0;
	__atomic_store_n(&a->idx, want, __ATOMIC_RELEASE);
	mmio_write(vm, d->bar + d->caps[VIRTIO_PCI_CAP_NOTIFY_CFG] + 4 * q, q,
		   2);
	for (int ms = 0; ms < 2000; ms++) {
		if (used(q)->idx == want)
			return used(q)->ring[(want - 1) % QSIZE].len;
		if (common(d, VIRTIO_PCI_COMMON_STATUS, 1) &
		    VIRTIO_CONFIG_S_NEEDS_RESET)
			return -1;
		usleep(1000);
	}
	return -1;
}

static inline bool broken(struct driver *d)
{
	return common(d, VIRTIO_PCI_COMMON_STATUS, 1) &
	       VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline bool line(struct driver *d)
{
	return vm->irq.sources[GSI_PCI + d->slot % GSI_PCI_NR];
}

static inline u32 isr(struct driver *d)
{
	return mmio_read(vm, d->bar + d->caps[VIRTIO_PCI_CAP_ISR_CFG], 1);
}

#endif /* TESTS_DRIVER_H */
