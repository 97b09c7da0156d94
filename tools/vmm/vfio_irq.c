// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of a device that is passed through: an eventfd that the device
 * signals and the hypervisor takes, so that none comes by here. A message that
 * the guest has masked is taken by nobody: the eventfd keeps it, tells of it
 * when it is asked for pending bits, and delivers it when it is bound again.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vfio.h"
#include "vm.h"

#define CTRL_MASKED	PCI_MSIX_ENTRY_CTRL_MASKBIT

/**
 * vfio_irq_count() - how many interrupts of a kind a device has
 * @d: device
 * @index: VFIO_PCI_*_IRQ_INDEX
 *
 * Return: how many can be had as eventfds.
 */
unsigned int vfio_irq_count(struct vfio_dev *d, u32 index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	return info.count;
}

/* With @nr 0, all of the kind are switched off. */
static int set_irqs(struct vfio_dev *d, u32 index, u32 action, const int *fds,
		    unsigned int nr)
{
	u8 buf[sizeof(struct vfio_irq_set) + VFIO_MAX_VECTORS * sizeof(*fds)]
		__attribute__((aligned(8)));
	struct vfio_irq_set *set = (void *)buf;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set) + nr * sizeof(*fds),
		.flags = action | (nr ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE),
		.index = index,
		.count = nr,
	};
	if (nr)
		memcpy(set->data, fds, nr * sizeof(*fds));
	return ioctl(d->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

static void drain(int fd)
{
	eventfd_t count;

	eventfd_read(fd, &count);
}

/* Does somebody signal it, and nobody take it? */
static bool waiting(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

/* ---- INTA# ---- */

static void intx_off(struct vfio_dev *d)
{
	struct kvm_irqfd irqfd = {
		.fd = d->intx_fd, .gsi = d->pci.gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN,
	};

	/* With the interrupt goes the eventfd that unmasks it. */
	set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, NULL, 0);
	ioctl(d->vm->vm_fd, KVM_IRQFD, &irqfd);
	drain(d->intx_fd);
	drain(d->unmask_fd);
}

/*
 * The line stays up until the guest has told the interrupt controller that it
 * is done; then the hypervisor signals the second eventfd, by which the device
 * may raise it again.
 */
static int intx_on(struct vfio_dev *d)
{
	struct kvm_irqfd irqfd = {
		.fd = d->intx_fd, .gsi = d->pci.gsi, .flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = d->unmask_fd,
	};
	int ret;

	if (vl_ioctl(d->vm->vm_fd, KVM_IRQFD, &irqfd) < 0)
		return vl_error(0, "--vfio %s: INTx: %s", d->name, vl_message());
	ret = set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER,
		       &d->intx_fd, 1);
	if (!ret)
		ret = set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK,
			       &d->unmask_fd, 1);
	if (!ret)
		return 0;
	intx_off(d);
	return vl_error(-ret, "--vfio %s: INTx", d->name);
}

/* ---- messages ---- */

static void unbind(struct vfio_dev *d, struct vfio_vector *v)
{
	if (v->bound)
		vl_vm_irqfd(d->vm->vm_fd, v->fd, v->gsi, KVM_IRQFD_FLAG_DEASSIGN);
	v->bound = false;
}

/* A message that the hypervisor refuses goes nowhere, as it would on a bus. */
static void bind_vector(struct vfio_dev *d, struct vfio_vector *v)
{
	if (!v->routed || memcmp(v->route, v->entry, sizeof(v->route))) {
		if (irq_set_msi(&d->vm->irq, v->gsi,
				(u64)v->entry[1] << 32 | v->entry[0], v->entry[2])) {
			unbind(d, v);
			return;
		}
		memcpy(v->route, v->entry, sizeof(v->route));
		v->routed = true;
	}
	if (!v->bound)
		v->bound = vl_vm_irqfd(d->vm->vm_fd, v->fd, v->gsi, 0) >= 0;
}

static void bind_vectors(struct vfio_dev *d, unsigned int nr, bool masked)
{
	for (unsigned int i = 0; i < nr; i++)
		if (masked || d->vec[i].entry[3] & CTRL_MASKED)
			unbind(d, &d->vec[i]);
		else
			bind_vector(d, &d->vec[i]);
}

static int messages_on(struct vfio_dev *d, u32 index, unsigned int nr)
{
	int fds[VFIO_MAX_VECTORS];

	for (unsigned int i = 0; i < nr; i++)
		fds[i] = d->vec[i].fd;
	return set_irqs(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, fds, nr);
}

static void messages_off(struct vfio_dev *d, u32 index)
{
	set_irqs(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, NULL, 0);
	for (unsigned int i = 0; i < d->nr_vectors; i++) {
		unbind(d, &d->vec[i]);
		drain(d->vec[i].fd);
	}
}

static u16 msi_flags(const struct vfio_dev *d)
{
	return d->msi ? pci_get16(&d->pci, d->msi + PCI_MSI_FLAGS) : 0;
}

static u16 msix_flags(const struct vfio_dev *d)
{
	return d->msix ? pci_get16(&d->pci, d->msix + PCI_MSIX_FLAGS) : 0;
}

/* As many as the guest has enabled, which are not more than there are. */
static unsigned int msi_enabled(const struct vfio_dev *d)
{
	return min_t(unsigned int, BIT((msi_flags(d) & PCI_MSI_FLAGS_QSIZE) >> 4), d->nr_msi);
}

/* MSI has one message, of which each vector changes the lowest bits. */
static void read_msi(struct vfio_dev *d)
{
	const struct pci_dev *p = &d->pci;
	u32 off = d->msi + PCI_MSI_ADDRESS_LO, high = 0, mask = 0, nr = msi_enabled(d);
	u32 low = pci_get32(p, off), data;

	if (msi_flags(d) & PCI_MSI_FLAGS_64BIT) {
		off += 4;
		high = pci_get32(p, off);
	}
	data = pci_get16(p, off + 4);
	if (msi_flags(d) & PCI_MSI_FLAGS_MASKBIT)
		mask = pci_get32(p, off + 8);
	for (u32 i = 0; i < nr; i++) {
		u32 *e = d->vec[i].entry;

		e[0] = low;
		e[1] = high;
		e[2] = (data & ~(nr - 1)) | i;
		e[3] = mask & BIT(i) ? CTRL_MASKED : 0;
	}
}

/* ---- which of them ---- */

static int set_mode(struct vfio_dev *d, enum vfio_mode mode)
{
	switch (d->mode) {
	case VFIO_INTX:
		intx_off(d);
		break;
	case VFIO_MSI:
		messages_off(d, VFIO_PCI_MSI_IRQ_INDEX);
		break;
	case VFIO_MSIX:
		messages_off(d, VFIO_PCI_MSIX_IRQ_INDEX);
		break;
	case VFIO_NO_IRQ:
		break;
	}
	d->mode = mode;
	switch (mode) {
	case VFIO_INTX:
		return intx_on(d);
	case VFIO_MSI:
		return messages_on(d, VFIO_PCI_MSI_IRQ_INDEX, msi_enabled(d));
	case VFIO_MSIX:
		return messages_on(d, VFIO_PCI_MSIX_IRQ_INDEX, d->nr_msix);
	case VFIO_NO_IRQ:
		break;
	}
	return 0;
}

static enum vfio_mode wanted(const struct vfio_dev *d)
{
	if (msix_flags(d) & PCI_MSIX_FLAGS_ENABLE)
		return VFIO_MSIX;
	if (msi_flags(d) & PCI_MSI_FLAGS_ENABLE)
		return VFIO_MSI;
	return d->pci.cfg[PCI_INTERRUPT_PIN] ? VFIO_INTX : VFIO_NO_IRQ;
}

/**
 * vfio_irq_update() - have interrupts as the guest has set them up
 * @d: device; before vfio_irq_init(), nothing happens
 */
void vfio_irq_update(struct vfio_dev *d)
{
	enum vfio_mode mode = wanted(d);
	int ret;

	if (d->intx_fd < 0)
		return;
	if (mode != d->mode) {
		ret = set_mode(d, mode);
		if (ret) {
			d->mode = VFIO_NO_IRQ;
			vm_stop_error(d->vm, "--vfio %s: interrupts of the guest's kind: %s",
				      d->name, strerror(-ret));
			return;
		}
	}
	if (mode == VFIO_MSI) {
		read_msi(d);
		bind_vectors(d, msi_enabled(d), false);
	} else if (mode == VFIO_MSIX) {
		for (unsigned int i = 0; i < d->nr_msix; i++)
			memcpy(d->vec[i].entry, d->table_entry[i],
			       sizeof(d->vec[i].entry));
		bind_vectors(d, d->nr_msix, msix_flags(d) & PCI_MSIX_FLAGS_MASKALL);
	}
}

/**
 * vfio_msi_pending() - have the pending bits of MSI in the configuration space
 * @d: device
 */
void vfio_msi_pending(struct vfio_dev *d)
{
	u16 flags = msi_flags(d);
	u32 pending = 0;

	if (!(flags & PCI_MSI_FLAGS_MASKBIT))
		return;
	for (unsigned int i = 0; d->mode == VFIO_MSI && i < d->nr_msi; i++)
		if (waiting(d->vec[i].fd))
			pending |= BIT(i);
	pci_set32(d->pci.cfg, d->msi + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_PENDING_64 :
					PCI_MSI_PENDING_32), pending);
}

/* ---- the table of MSI-X ---- */

static bool overlaps(u32 off, unsigned int size, u32 start, u32 len)
{
	return off < start + len && off + size > start;
}

static void read_pba(struct vfio_dev *d, u32 off, void *data, unsigned int size)
{
	u64 pending = 0;

	for (unsigned int i = 0; i < d->nr_msix; i++)
		if (waiting(d->vec[i].fd))
			pending |= BIT_ULL(i);
	memset(data, 0, size);
	if (off < sizeof(pending))
		memcpy(data, (u8 *)&pending + off, min_t(unsigned int, size, 8 - off));
}

static void access_table(struct vfio_dev *d, u32 off, void *data, unsigned int size,
			 bool write)
{
	u32 v = off / PCI_MSIX_ENTRY_SIZE;
	u8 *entry;

	if (v >= d->nr_msix) {
		if (!write)
			memset(data, 0, size);
		return;
	}
	entry = (u8 *)d->table_entry[v] + off % PCI_MSIX_ENTRY_SIZE;
	if (!write) {
		memcpy(data, entry, size);
		return;
	}
	memcpy(entry, data, size);
	vfio_irq_update(d);
}

/**
 * vfio_msix_access() - an access to a BAR that may be to the table of MSI-X
 * @d: device
 * @bar: BAR
 * @off: offset in it
 * @data: operand
 * @size: its size. What is not 4 or 8 and aligned is ignored, as the
 *	  specification leaves it undefined (6.8.2)
 * @write: direction
 *
 * Return: it was, and has been done.
 */
bool vfio_msix_access(struct vfio_dev *d, unsigned int bar, u32 off, void *data,
		      unsigned int size, bool write)
{
	u32 pba_size = ALIGN(d->table_size / PCI_MSIX_ENTRY_SIZE, 64U) / 8;
	bool natural = (size == 4 || size == 8) && off % size == 0;

	if (!d->msix)
		return false;
	if (bar == d->table_bar && overlaps(off, size, d->table, d->table_size)) {
		if (natural)
			access_table(d, off - d->table, data, size, write);
		return true;
	}
	if (bar == d->pba_bar && overlaps(off, size, d->pba, pba_size)) {
		if (natural && !write)
			read_pba(d, off - d->pba, data, size);
		return true;
	}
	return false;
}

/* ---- set-up ---- */

static int new_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? vl_error(errno, "eventfd") : 0;
}

static int add_vectors(struct vfio_dev *d)
{
	unsigned int nr = max_t(unsigned int, d->nr_msi, d->nr_msix);
	int ret;

	while (d->nr_vectors < nr) {
		struct vfio_vector *v = &d->vec[d->nr_vectors];

		d->table_entry[d->nr_vectors][3] = CTRL_MASKED;
		ret = irq_alloc_msi(&d->vm->irq);
		if (ret < 0)
			return ret;
		v->gsi = ret;
		ret = new_eventfd(&v->fd);
		if (ret)
			return ret;
		d->nr_vectors++;
	}
	return 0;
}

/* Word from the host, which the main thread waits for. */
static int add_notice(struct vfio_dev *d, struct vfio_notice *n, u32 index,
		      const char *text)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = n };
	int ret;

	n->d = d;
	n->text = text;
	if (!vfio_irq_count(d, index))
		return 0;
	ret = new_eventfd(&n->fd);
	if (!ret)
		ret = set_irqs(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, &n->fd, 1);
	if (!ret && epoll_ctl(d->vm->vfio->epoll_fd, EPOLL_CTL_ADD, n->fd, &event))
		ret = -errno;
	return ret ? vl_error(-ret, "--vfio %s: notices of the host", d->name) : 0;
}

/**
 * vfio_irq_init() - switch a device's interrupts on, which is INTA# at first
 * @d: device, with its capabilities
 */
int vfio_irq_init(struct vfio_dev *d)
{
	int ret;

	ret = add_notice(d, &d->notice[0], VFIO_PCI_REQ_IRQ_INDEX,
			 "the host wants the device back");
	if (!ret)
		ret = add_notice(d, &d->notice[1], VFIO_PCI_ERR_IRQ_INDEX,
				 "the device reports an error that it cannot recover from");
	if (!ret)
		ret = add_vectors(d);
	if (!ret)
		ret = new_eventfd(&d->unmask_fd);
	if (!ret)
		ret = new_eventfd(&d->intx_fd);
	if (ret || !d->pci.cfg[PCI_INTERRUPT_PIN])
		return ret;
	ret = set_mode(d, VFIO_INTX);
	if (ret)
		d->mode = VFIO_NO_IRQ;
	/* A line that the host cannot share is no loss to who has messages. */
	if (ret && d->nr_vectors) {
		d->pci.cfg[PCI_INTERRUPT_PIN] = 0;
		ret = 0;
	}
	return ret;
}

/**
 * vfio_irq_exit() - switch them off, and close what vfio_irq_init() opened
 * @d: device, also when that failed or never ran
 */
void vfio_irq_exit(struct vfio_dev *d)
{
	if (d->intx_fd >= 0)
		set_mode(d, VFIO_NO_IRQ);
	for (size_t i = 0; i < ARRAY_SIZE(d->notice); i++)
		if (d->notice[i].fd >= 0)
			close(d->notice[i].fd);
	while (d->nr_vectors)
		close(d->vec[--d->nr_vectors].fd);
	if (d->unmask_fd >= 0)
		close(d->unmask_fd);
	if (d->intx_fd >= 0)
		close(d->intx_fd);
	d->intx_fd = -1;
	d->unmask_fd = -1;
}
