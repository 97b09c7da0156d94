// SPDX-License-Identifier: GPL-2.0
/*
 * Coalesced MMIO and PIO: writes to zones that user space names are put in a
 * ring and wait there until something else makes the vCPU leave.
 *
 * One ring per VM, in a page that every vCPU's mapping shows. User space can
 * write all of it, and may set both ends while no vCPU runs: each is read once
 * and checked before it is used.
 */

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "chip.h"

struct kl_coalesced {
	struct page *page;
	spinlock_t lock;	/* writers of the ring */
};

struct kl_zone {
	struct kl_iodev dev;
	struct kl_coalesced *ring;
};

#define RING_MAX	KVM_COALESCED_MMIO_MAX

static int zone_write(struct kl_iodev *dev, u64 addr, int len, const void *val)
{
	struct kl_coalesced *c = container_of(dev, struct kl_zone, dev)->ring;
	struct kvm_coalesced_mmio_ring *ring = page_address(c->page);
	struct kvm_coalesced_mmio *e;
	u32 first, last;

	if (len > sizeof(e->data))
		return -EOPNOTSUPP;
	spin_lock(&c->lock);
	first = READ_ONCE(ring->first);
	last = READ_ONCE(ring->last);
	/* Nonsense, or full: then as if there were no zone. */
	if (first >= RING_MAX || last >= RING_MAX ||
	    (last + 1) % RING_MAX == first) {
		spin_unlock(&c->lock);
		return -EOPNOTSUPP;
	}
	last = array_index_nospec(last, RING_MAX);
	e = &ring->coalesced_mmio[last];
	e->phys_addr = addr;
	e->len = len;
	memcpy(e->data, val, len);
	e->pio = dev->bus == KL_BUS_PIO;
	/* The entry before the index that shows it. */
	smp_wmb();
	WRITE_ONCE(ring->last, (last + 1) % RING_MAX);
	spin_unlock(&c->lock);
	return 0;
}

static void zone_free(struct kl_iodev *dev)
{
	kfree(container_of(dev, struct kl_zone, dev));
}

static const struct kl_iodev_ops zone_ops = {
	.write = zone_write,
	.free = zone_free,
};

int kl_coalesced_add(struct kl_vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	struct kl_zone *zone;
	int ret;

	if (z->pio > 1 || !z->size || z->addr + z->size < z->addr)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->ring = vm->irqchip->coalesced;
	zone->dev.ops = &zone_ops;
	zone->dev.bus = z->pio ? KL_BUS_PIO : KL_BUS_MMIO;
	zone->dev.addr = z->addr;
	zone->dev.len = z->size;
	kl_iobus_lock(vm);
	ret = kl_iobus_add(vm, &zone->dev);
	kl_iobus_unlock(vm);
	if (ret)
		kfree(zone);
	return ret;
}

/* Every zone that lies within @z goes; that there is none is no error. */
int kl_coalesced_del(struct kl_vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	enum kl_bus bus = z->pio ? KL_BUS_PIO : KL_BUS_MMIO;
	struct kl_iodev *dev, *next;

	if (z->pio > 1)
		return -EINVAL;
	kl_iobus_lock(vm);
	dev = kl_iobus_next(vm, bus, &zone_ops, NULL);
	while (dev) {
		next = kl_iobus_next(vm, bus, &zone_ops, dev);
		if (dev->addr >= z->addr &&
		    dev->addr + dev->len <= z->addr + z->size)
			kl_iobus_remove(vm, dev);
		dev = next;
	}
	kl_iobus_unlock(vm);
	return 0;
}

struct page *kl_coalesced_page(struct kl_vm *vm)
{
	return vm->irqchip->coalesced->page;
}

int kl_coalesced_init(struct kl_irqchip *chip)
{
	struct kl_coalesced *c;

	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	c->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!c->page) {
		kfree(c);
		return -ENOMEM;
	}
	spin_lock_init(&c->lock);
	chip->coalesced = c;
	return 0;
}

void kl_coalesced_destroy(struct kl_irqchip *chip)
{
	/* A mapping that outlives the VM holds a reference of its own. */
	put_page(chip->coalesced->page);
	kfree(chip->coalesced);
}
