// SPDX-License-Identifier: GPL-2.0
/*
 * The bus: which device in the kernel answers at a port or an address.
 *
 * Each kind has a table sorted by address, read under vm->srcu, which every
 * vCPU holds while it handles an exit. Under iobus.mutex a device is added by
 * replacing the table and removed by emptying its entry, which cannot fail; the
 * next addition drops empty entries. A device may be freed when the grace
 * period after its removal is over.
 */

#include <linux/slab.h>
#include <linux/srcu.h>

#include "chip.h"

/* Devices on each bus, ioeventfds included: bounds what user space can pin. */
#define KL_BUS_MAX	1000
#define KL_NR_BUSES	2

struct kl_bus_entry {
	u64 addr;
	u32 len;
	struct kl_iodev *dev;		/* NULL: removed */
};

/**
 * struct kl_bus_table - devices of a bus, by address
 * @nr: entries
 * @entry: sorted
 * @reach: the longest entry's length, at least 1: how far before an address
 *	one that covers it can begin
 */
struct kl_bus_table {
	unsigned int nr;
	u32 reach;
	struct kl_bus_entry entry[];
};

struct kl_iobus {
	struct mutex mutex;	/* writers of the tables */
	struct kl_bus_table __rcu *table[KL_NR_BUSES];
};

static const struct kl_bus_table *bus_read_table(struct kl_vm *vm,
						 enum kl_bus bus)
{
	return srcu_dereference(vm->iobus->table[bus], &vm->srcu);
}

static struct kl_bus_table *bus_own_table(struct kl_vm *vm, enum kl_bus bus)
{
	return rcu_dereference_protected(vm->iobus->table[bus],
				lockdep_is_held(&vm->iobus->mutex));
}

/* First entry that may cover @addr. */
static unsigned int bus_find(const struct kl_bus_table *table, u64 addr)
{
	u64 from = addr >= table->reach ? addr - table->reach + 1 : 0;
	unsigned int low = 0, high = table->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (table->entry[mid].addr < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool bus_covers(const struct kl_bus_entry *e, u64 addr, int len)
{
	if (!e->len)
		return addr == e->addr;
	return addr + len <= e->addr + e->len;
}

/* Apart, so that a bus without devices costs next to nothing. */
static noinline int bus_write(const struct kl_bus_table *table, u64 addr, int len,
			      const void *val)
{
	const struct kl_bus_entry *e;
	struct kl_iodev *dev;
	unsigned int i;

	for (i = bus_find(table, addr); i < table->nr; i++) {
		e = &table->entry[i];
		dev = READ_ONCE(e->dev);
		if (e->addr > addr)
			break;
		if (dev && bus_covers(e, addr, len) &&
		    !dev->ops->write(dev, addr, len, val))
			return 0;
	}
	return -EOPNOTSUPP;
}

int kl_bus_write(struct kl_vcpu *vcpu, enum kl_bus bus, u64 addr, int len,
		 const void *val)
{
	const struct kl_bus_table *table = bus_read_table(vcpu->vm, bus);

	return table ? bus_write(table, addr, len, val) : -EOPNOTSUPP;
}

static noinline int bus_read(const struct kl_bus_table *table, u64 addr, int len,
			     void *val)
{
	const struct kl_bus_entry *e;
	struct kl_iodev *dev;
	unsigned int i;

	for (i = bus_find(table, addr); i < table->nr; i++) {
		e = &table->entry[i];
		dev = READ_ONCE(e->dev);
		if (e->addr > addr)
			break;
		if (dev && dev->ops->read && bus_covers(e, addr, len) &&
		    !dev->ops->read(dev, addr, len, val))
			return 0;
	}
	return -EOPNOTSUPP;
}

int kl_bus_read(struct kl_vcpu *vcpu, enum kl_bus bus, u64 addr, int len,
		void *val)
{
	const struct kl_bus_table *table = bus_read_table(vcpu->vm, bus);

	return table ? bus_read(table, addr, len, val) : -EOPNOTSUPP;
}

void kl_iobus_lock(struct kl_vm *vm)
{
	mutex_lock(&vm->iobus->mutex);
}

void kl_iobus_unlock(struct kl_vm *vm)
{
	mutex_unlock(&vm->iobus->mutex);
}

/**
 * kl_iobus_add - put a device on the bus
 * @vm: the VM
 * @dev: the device; the bus calls it until kl_iobus_remove()
 *
 * Return: 0, -ENOSPC if the bus is full, -ENOMEM. Sleeps.
 */
int kl_iobus_add(struct kl_vm *vm, struct kl_iodev *dev)
{
	struct kl_bus_table *old = bus_own_table(vm, dev->bus), *new;
	unsigned int nr = 0, i, to = 0;

	for (i = 0; old && i < old->nr; i++)
		nr += !!old->entry[i].dev;
	if (nr >= KL_BUS_MAX)
		return -ENOSPC;
	new = kvzalloc(struct_size(new, entry, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->nr = nr + 1;
	new->reach = max_t(u32, dev->len, 1);

	/* After those at the same address: the first to come is asked first. */
	for (i = 0; old && i < old->nr && old->entry[i].addr <= dev->addr; i++)
		if (old->entry[i].dev)
			new->entry[to++] = old->entry[i];
	new->entry[to].addr = dev->addr;
	new->entry[to].len = dev->len;
	new->entry[to++].dev = dev;
	for (; old && i < old->nr; i++)
		if (old->entry[i].dev)
			new->entry[to++] = old->entry[i];
	for (i = 0; i < new->nr; i++)
		new->reach = max(new->reach, new->entry[i].len);

	rcu_assign_pointer(vm->iobus->table[dev->bus], new);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
	return 0;
}

/* Remove @only, or all with @ops. */
static void bus_remove(struct kl_vm *vm, enum kl_bus bus,
		       const struct kl_iodev_ops *ops, struct kl_iodev *only)
{
	struct kl_bus_table *table = bus_own_table(vm, bus);
	struct kl_iodev *dev, *gone = NULL;
	unsigned int i;

	for (i = 0; table && i < table->nr; i++) {
		dev = table->entry[i].dev;
		if (!dev || (only ? dev != only : dev->ops != ops))
			continue;
		WRITE_ONCE(table->entry[i].dev, NULL);
		dev->gone = gone;
		gone = dev;
	}
	if (!gone)
		return;
	synchronize_srcu_expedited(&vm->srcu);
	while (gone) {
		dev = gone;
		gone = dev->gone;
		if (dev->ops->free)
			dev->ops->free(dev);
	}
}

/**
 * kl_iobus_remove - take a device off the bus and free it
 * @vm: the VM
 * @dev: the device
 *
 * Cannot fail. Sleeps until nobody is in it.
 */
void kl_iobus_remove(struct kl_vm *vm, struct kl_iodev *dev)
{
	bus_remove(vm, dev->bus, NULL, dev);
}

void kl_iobus_remove_all(struct kl_vm *vm, const struct kl_iodev_ops *ops)
{
	unsigned int bus;

	kl_iobus_lock(vm);
	for (bus = 0; bus < KL_NR_BUSES; bus++)
		bus_remove(vm, bus, ops, NULL);
	kl_iobus_unlock(vm);
}

struct kl_iodev *kl_iobus_next(struct kl_vm *vm, enum kl_bus bus,
			       const struct kl_iodev_ops *ops,
			       struct kl_iodev *prev)
{
	struct kl_bus_table *table = bus_own_table(vm, bus);
	unsigned int i;

	for (i = 0; table && i < table->nr; i++) {
		struct kl_iodev *dev = table->entry[i].dev;

		if (!dev)
			continue;
		if (!prev && dev->ops == ops)
			return dev;
		if (dev == prev)
			prev = NULL;
	}
	return NULL;
}

int kl_iobus_init(struct kl_vm *vm)
{
	vm->iobus = kzalloc(sizeof(*vm->iobus), GFP_KERNEL_ACCOUNT);
	if (!vm->iobus)
		return -ENOMEM;
	mutex_init(&vm->iobus->mutex);
	return 0;
}

/* The last reference has gone: no vCPU reads. */
void kl_iobus_destroy(struct kl_vm *vm)
{
	struct kl_bus_table *table;
	struct kl_iodev *dev;
	unsigned int bus, i;

	for (bus = 0; bus < KL_NR_BUSES; bus++) {
		table = rcu_dereference_protected(vm->iobus->table[bus], true);
		for (i = 0; table && i < table->nr; i++) {
			dev = table->entry[i].dev;
			if (dev && dev->ops->free)
				dev->ops->free(dev);
		}
		kvfree(table);
	}
	kfree(vm->iobus);
	vm->iobus = NULL;
}
