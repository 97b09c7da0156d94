// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_IOEVENTFD: a write by the guest to a port or an address signals an
 * eventfd instead of going to user space.
 *
 * Lifetime: an ioeventfd holds a reference on its eventfd; it is a device on
 * the bus and dies when taken off, by the call or with the VM's file.
 */

#include <linux/eventfd.h>
#include <linux/slab.h>

#include "compat.h"
#include "chip.h"

struct kl_ioeventfd {
	struct kl_iodev dev;
	struct eventfd_ctx *eventfd;
	u64 datamatch;
	bool any_data;
};

static struct kl_ioeventfd *to_ioeventfd(struct kl_iodev *dev)
{
	return container_of(dev, struct kl_ioeventfd, dev);
}

static bool ioeventfd_matches(const struct kl_ioeventfd *p, u64 addr, int len,
			      const void *val)
{
	u64 data = 0;

	if (addr != p->dev.addr)
		return false;
	if (!p->dev.len)
		return true;
	if (len != p->dev.len)
		return false;
	if (p->any_data)
		return true;
	memcpy(&data, val, len);
	return data == p->datamatch;
}

static int ioeventfd_write(struct kl_iodev *dev, u64 addr, int len,
			   const void *val)
{
	struct kl_ioeventfd *p = to_ioeventfd(dev);

	if (!ioeventfd_matches(p, addr, len, val))
		return -EOPNOTSUPP;
	eventfd_signal(p->eventfd);
	return 0;
}

static void ioeventfd_free(struct kl_iodev *dev)
{
	struct kl_ioeventfd *p = to_ioeventfd(dev);

	eventfd_ctx_put(p->eventfd);
	kfree(p);
}

static const struct kl_iodev_ops ioeventfd_ops = {
	.write = ioeventfd_write,
	.free = ioeventfd_free,
};

/* Some write would signal both. */
static bool ioeventfd_collides(struct kl_vm *vm, const struct kl_ioeventfd *new)
{
	struct kl_iodev *dev = NULL;
	struct kl_ioeventfd *p;

	while ((dev = kl_iobus_next(vm, new->dev.bus, &ioeventfd_ops, dev))) {
		p = to_ioeventfd(dev);
		if (p->dev.addr != new->dev.addr)
			continue;
		if (!p->dev.len || !new->dev.len)
			return true;
		if (p->dev.len == new->dev.len &&
		    (p->any_data || new->any_data ||
		     p->datamatch == new->datamatch))
			return true;
	}
	return false;
}

static int ioeventfd_assign(struct kl_vm *vm, const struct kvm_ioeventfd *args)
{
	struct kl_ioeventfd *p;
	int ret;

	switch (args->len) {
	case 0: case 1: case 2: case 4: case 8:
		break;
	default:
		return -EINVAL;
	}
	if (args->addr + args->len < args->addr)
		return -EINVAL;
	if (args->flags & ~(KVM_IOEVENTFD_FLAG_DATAMATCH |
			    KVM_IOEVENTFD_FLAG_PIO |
			    KVM_IOEVENTFD_FLAG_DEASSIGN))
		return -EINVAL;
	if (!args->len && (args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH))
		return -EINVAL;

	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	p->eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(p->eventfd)) {
		ret = PTR_ERR(p->eventfd);
		goto err_free;
	}
	p->dev.ops = &ioeventfd_ops;
	p->dev.bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ? KL_BUS_PIO :
							    KL_BUS_MMIO;
	p->dev.addr = args->addr;
	p->dev.len = args->len;
	p->any_data = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	if (!p->any_data)
		p->datamatch = args->datamatch;

	kl_iobus_lock(vm);
	ret = ioeventfd_collides(vm, p) ? -EEXIST : kl_iobus_add(vm, &p->dev);
	kl_iobus_unlock(vm);
	if (ret)
		goto err_put;
	return 0;

err_put:
	eventfd_ctx_put(p->eventfd);
err_free:
	kfree(p);
	return ret;
}

static int ioeventfd_deassign(struct kl_vm *vm,
			      const struct kvm_ioeventfd *args)
{
	bool any_data = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	enum kl_bus bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ? KL_BUS_PIO :
								 KL_BUS_MMIO;
	struct eventfd_ctx *eventfd;
	struct kl_iodev *dev = NULL;
	struct kl_ioeventfd *p;
	int ret = -ENOENT;

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	kl_iobus_lock(vm);
	while ((dev = kl_iobus_next(vm, bus, &ioeventfd_ops, dev))) {
		p = to_ioeventfd(dev);
		if (p->eventfd != eventfd || dev->addr != args->addr ||
		    dev->len != args->len || p->any_data != any_data ||
		    (!any_data && p->datamatch != args->datamatch))
			continue;
		kl_iobus_remove(vm, dev);
		ret = 0;
		break;
	}
	kl_iobus_unlock(vm);
	eventfd_ctx_put(eventfd);
	return ret;
}

int kl_ioeventfd(struct kl_vm *vm, const struct kvm_ioeventfd *args)
{
	if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		return ioeventfd_deassign(vm, args);
	return ioeventfd_assign(vm, args);
}

void kl_ioeventfd_release(struct kl_vm *vm)
{
	kl_iobus_remove_all(vm, &ioeventfd_ops);
}
