// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of the host in the guest: put together, and taken apart in reverse.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vfio.h"
#include "vm.h"

/*
 * To be called before the guest sees it and when the guest is gone: what the
 * one who had it before has left in it is nobody's business.
 */
static void reset(struct vfio_dev *d)
{
	if (d->flags & VFIO_DEVICE_FLAGS_RESET)
		ioctl(d->fd, VFIO_DEVICE_RESET);
}

static int add_device(struct vm *vm, struct vfio *v, const char *name)
{
	struct vfio_dev *d = &v->dev[v->nr];
	int ret;

	*d = (struct vfio_dev){
		.vm = vm, .name = name, .fd = -1, .intx_fd = -1, .unmask_fd = -1,
		.pci.vm = vm, .notice = { { .fd = -1 }, { .fd = -1 } },
	};
	v->nr++;
	ret = vfio_open(vm, v, d);
	if (ret)
		return ret;
	reset(d);
	ret = vfio_config_init(d);
	if (!ret)
		ret = vfio_bars_init(d);
	if (!ret)
		ret = vfio_irq_init(d);
	return ret;
}

/**
 * vfio_init() - put the devices that the configuration names on the bus
 * @vm: machine, with its memory and its bus
 *
 * Return: 0, or -errno; vfio_exit() is due in both cases.
 */
int vfio_init(struct vm *vm)
{
	struct vfio *v;
	int ret = 0;

	if (!vm->cfg->nr_vfio)
		return 0;
	v = calloc(1, sizeof(*v));
	if (!v)
		return vl_error(ENOMEM, "--vfio");
	v->container = -1;
	v->next_slot = vm->mem.nr;
	v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	vm->vfio = v;
	if (v->epoll_fd < 0)
		return vl_error(errno, "epoll");
	for (unsigned int i = 0; !ret && i < vm->cfg->nr_vfio; i++)
		ret = add_device(vm, v, vm->cfg->vfio[i]);
	return ret;
}

/**
 * vfio_exit() - give the devices back, each as it is after a reset
 * @vm: machine whose vCPUs are gone, also when vfio_init() failed or never ran
 *
 * A reset device does no DMA: only then its view of memory may go.
 */
void vfio_exit(struct vm *vm)
{
	struct vfio *v = vm->vfio;

	if (!v)
		return;
	for (unsigned int i = v->nr; i-- > 0;) {
		struct vfio_dev *d = &v->dev[i];

		vfio_irq_exit(d);
		vfio_bars_exit(d);
		if (d->fd < 0)
			continue;
		reset(d);
		close(d->fd);
	}
	vfio_close(v);
	if (v->epoll_fd >= 0)
		close(v->epoll_fd);
	free(v);
	vm->vfio = NULL;
}

/**
 * vfio_poll_fd() - what the main thread is to wait for
 * @vm: machine
 *
 * Return: readable when the host has something to say, or -1.
 */
int vfio_poll_fd(const struct vm *vm)
{
	return vm->vfio ? vm->vfio->epoll_fd : -1;
}

/**
 * vfio_serve() - hear what the host has to say about a device
 * @vm: machine
 *
 * The guest has no way to give up a device, so it ends.
 */
void vfio_serve(struct vm *vm)
{
	const struct vfio_notice *n;
	struct epoll_event event;

	if (epoll_wait(vm->vfio->epoll_fd, &event, 1, 0) != 1)
		return;
	n = event.data.ptr;
	vm_stop_error(vm, "--vfio %s: %s", n->d->name, n->text);
}
