// SPDX-License-Identifier: GPL-2.0
/*
 * virtio over PCI (virtio 1.2, 4.1): one BAR holds the four structures, each
 * in its own page, a second BAR the MSI-X table.
 */
#include <errno.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "virtio.h"
#include "vm.h"

#define BAR_VIRTIO	0
#define BAR_MSIX	2

/* Pages of BAR_VIRTIO. */
#define COMMON		0x0000
#define ISR		0x1000
#define DEVICE		0x2000
#define NOTIFY		0x3000
#define BAR_SIZE	0x4000
#define PAGE		0x1000

#define NOTIFY_MULT	4
#define DEVICE_ID_BASE	0x1040
#define REVISION	1	/* non-transitional */

#define FEATURES_FIXED	(BIT_ULL(VIRTIO_F_VERSION_1) | \
			 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX))

static struct virtio *to_virtio(struct pci_dev *d)
{
	return container_of(d, struct virtio, pci);
}

/* Drive INTA# by what it depends on. Context: v->lock. */
static void update_intx(struct virtio *v)
{
	bool disabled = pci_get16(&v->pci, PCI_COMMAND) &
			PCI_COMMAND_INTX_DISABLE;

	irq_set_line(&v->pci.vm->irq, v->pci.gsi, v->pci.slot,
		     v->isr && !v->msix.enabled && !disabled);
}

/**
 * virtio_interrupt() - tell the driver something
 * @v: device
 * @vector: MSI-X vector to use if MSI-X is on
 * @isr: bit of the interrupt status to set otherwise
 *
 * Context: any thread, without v->lock.
 */
void virtio_interrupt(struct virtio *v, u16 vector, u8 isr)
{
	pthread_mutex_lock(&v->lock);
	if (v->msix.enabled) {
		msix_raise(&v->msix, vector);
	} else {
		v->isr |= isr;
		update_intx(v);
	}
	pthread_mutex_unlock(&v->lock);
}

/* Back to the state after power-on, except for what PCI itself holds. */
static void reset(struct virtio *v)
{
	for (unsigned int i = 0; i < v->nr_queues; i++) {
		struct virtio_queue *q = &v->queue[i];

		virtio_queue_stop(q);
		q->size = VQ_MAX_SIZE;
		q->vector = VIRTIO_MSI_NO_VECTOR;
		q->enabled = false;
		q->desc = 0;
		q->avail = 0;
		q->used = 0;
	}
	if (v->ops->reset)
		v->ops->reset(v);
	v->feature_sel = 0;
	v->driver_feature_sel = 0;
	v->driver_features = 0;
	v->queue_sel = 0;

	pthread_mutex_lock(&v->lock);
	v->status = 0;
	v->isr = 0;
	v->config_vector = VIRTIO_MSI_NO_VECTOR;
	update_intx(v);
	pthread_mutex_unlock(&v->lock);
}

static bool is_ready(u8 status)
{
	u8 ready = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

	return (status & ready) == ready;
}

static void start_queues(struct virtio *v)
{
	if (!is_ready(v->status))
		return;
	for (unsigned int i = 0; i < v->nr_queues; i++)
		if (v->queue[i].enabled && virtio_queue_start(&v->queue[i])) {
			virtio_broken(v);
			return;
		}
}

static void set_status(struct virtio *v, u8 status)
{
	u8 before;

	if (!status) {
		reset(v);
		return;
	}
	/* Features count only if all of them were offered, and 1.0 is among
	 * them; the driver sees by the missing bit that they do not.
	 */
	if (status & VIRTIO_CONFIG_S_FEATURES_OK &&
	    (v->driver_features & ~v->features ||
	     !(v->driver_features & BIT_ULL(VIRTIO_F_VERSION_1))))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;

	/* The driver adds bits; it can take none away but by a reset. */
	pthread_mutex_lock(&v->lock);
	before = v->status;
	v->status |= status & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	pthread_mutex_unlock(&v->lock);
	if (v->ops->ready && !is_ready(before) && is_ready(v->status))
		v->ops->ready(v);
	start_queues(v);
}

static struct virtio_queue *selected(struct virtio *v)
{
	return v->queue_sel < v->nr_queues ? &v->queue[v->queue_sel] : NULL;
}

static void common_read(struct virtio *v, struct virtio_pci_common_cfg *c)
{
	struct virtio_queue *q = selected(v);

	memset(c, 0, sizeof(*c));
	c->device_feature_select = v->feature_sel;
	if (v->feature_sel < 2)
		c->device_feature = v->features >> 32 * v->feature_sel;
	c->guest_feature_select = v->driver_feature_sel;
	if (v->driver_feature_sel < 2)
		c->guest_feature = v->driver_features >>
				   32 * v->driver_feature_sel;
	c->msix_config = v->config_vector;
	c->num_queues = v->nr_queues;
	c->device_status = READ_ONCE(v->status);
	c->queue_select = v->queue_sel;
	c->queue_msix_vector = VIRTIO_MSI_NO_VECTOR;
	if (!q)
		return;		/* its size of 0 says that there is none */
	c->queue_size = q->size;
	c->queue_msix_vector = q->vector;
	c->queue_enable = q->enabled;
	c->queue_notify_off = q->index;
	c->queue_desc_lo = q->desc;
	c->queue_desc_hi = q->desc >> 32;
	c->queue_avail_lo = q->avail;
	c->queue_avail_hi = q->avail >> 32;
	c->queue_used_lo = q->used;
	c->queue_used_hi = q->used >> 32;
}

static void set_half(u64 *v, unsigned int half, u32 value)
{
	*v = (*v & ~(0xffffffffULL << 32 * half)) | (u64)value << 32 * half;
}

static u16 valid_vector(const struct virtio *v, u16 vector)
{
	return vector < v->msix.nr ? vector : VIRTIO_MSI_NO_VECTOR;
}

/* Registers of the selected queue. Those that say where it is are fixed while
 * it is enabled.
 */
static void queue_write(struct virtio *v, u32 off, u32 value)
{
	struct virtio_queue *q = selected(v);

	if (!q)
		return;
	if (off == VIRTIO_PCI_COMMON_Q_MSIX) {
		WRITE_ONCE(q->vector, valid_vector(v, value));
		return;
	}
	if (q->enabled)
		return;
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (value && value <= VQ_MAX_SIZE && !(value & (value - 1)))
			q->size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		q->enabled = value == 1;
		start_queues(v);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		set_half(&q->desc, 0, value);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&q->desc, 1, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		set_half(&q->avail, 0, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&q->avail, 1, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		set_half(&q->used, 0, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&q->used, 1, value);
		break;
	}
}

static unsigned int common_width(u32 off)
{
	if (off == VIRTIO_PCI_COMMON_STATUS ||
	    off == VIRTIO_PCI_COMMON_CFGGENERATION)
		return 1;
	if (off < VIRTIO_PCI_COMMON_MSIX || off >= VIRTIO_PCI_COMMON_Q_DESCLO)
		return 4;
	return 2;
}

/* The specification requires a write to be as wide as its field. */
static void common_write(struct virtio *v, u32 off, u32 value,
			 unsigned int size)
{
	if (size != common_width(off))
		return;
	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		v->feature_sel = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		v->driver_feature_sel = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		/* Fixed once agreed on: queue threads rely on them. */
		if (v->driver_feature_sel < 2 &&
		    !(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
			set_half(&v->driver_features, v->driver_feature_sel,
				 value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		WRITE_ONCE(v->config_vector, valid_vector(v, value));
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		set_status(v, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		v->queue_sel = value;
		break;
	default:
		queue_write(v, off, value);
	}
}

static void isr_access(struct virtio *v, u32 off, u8 *data, bool write)
{
	if (write || off)
		return;
	pthread_mutex_lock(&v->lock);
	data[0] = v->isr;
	v->isr = 0;
	update_intx(v);
	pthread_mutex_unlock(&v->lock);
}

static void copy_out(void *data, unsigned int size, const void *from,
		     size_t from_size, u32 off)
{
	memset(data, 0, size);
	if (off < from_size)
		memcpy(data, (const u8 *)from + off,
		       min_t(size_t, size, from_size - off));
}

static void virtio_bar(struct pci_dev *d, unsigned int bar, u32 off, void *data,
		       unsigned int size, bool write)
{
	struct virtio *v = to_virtio(d);
	struct virtio_pci_common_cfg common;
	u32 in_page = off % PAGE, value = 0;

	if (bar == BAR_MSIX) {
		pthread_mutex_lock(&v->lock);
		msix_bar(&v->msix, off, data, size, write);
		pthread_mutex_unlock(&v->lock);
		return;
	}

	switch (off - in_page) {
	case COMMON:
		if (!write) {
			common_read(v, &common);
			copy_out(data, size, &common, sizeof(common), in_page);
		} else if (size <= 4) {
			memcpy(&value, data, size);
			common_write(v, in_page, value, size);
		}
		break;
	case ISR:
		if (!write)
			memset(data, 0, size);
		isr_access(v, in_page, data, write);
		break;
	case DEVICE:
		if (!write)
			copy_out(data, size, v->config, v->config_size,
				 in_page);
		else if (v->ops->config_write)
			v->ops->config_write(v, in_page, data, size);
		break;
	case NOTIFY:
		if (!write)
			memset(data, 0, size);
		else if (in_page / NOTIFY_MULT < v->nr_queues)
			virtio_queue_kick(&v->queue[in_page / NOTIFY_MULT]);
		break;
	}
}

/* Doorbells move with the BAR. */
static void virtio_moved(struct pci_dev *d)
{
	struct virtio *v = to_virtio(d);
	u64 base = pci_bar_addr(d, BAR_VIRTIO);

	for (unsigned int i = 0; i < v->nr_queues; i++)
		virtio_queue_bind(&v->queue[i],
				  base ? base + NOTIFY + i * NOTIFY_MULT : 0);
}

/*
 * The window through which a driver without access to memory BARs reaches them
 * (virtio 1.2, 4.1.4.9): bar, offset and length are registers of the
 * capability, the data behind them stands for that access.
 */
static void cfg_window(struct virtio *v, bool write)
{
	u8 *cap = v->pci.cfg + v->cfg_cap;
	u8 bar = cap[offsetof(struct virtio_pci_cap, bar)];
	u32 off = pci_get32(&v->pci, v->cfg_cap +
			    offsetof(struct virtio_pci_cap, offset));
	u32 len = pci_get32(&v->pci, v->cfg_cap +
			    offsetof(struct virtio_pci_cap, length));
	u32 size;

	if (bar >= PCI_BARS || (len != 1 && len != 2 && len != 4) || off % len)
		return;
	size = v->pci.bar_size[bar];
	if (off >= size || len > size - off)
		return;
	virtio_bar(&v->pci, bar, off, cap + sizeof(struct virtio_pci_cap), len,
		   write);
}

static bool in_window(const struct virtio *v, u32 off, unsigned int len)
{
	u32 data = v->cfg_cap + sizeof(struct virtio_pci_cap);

	return off < data + 4 && off + len > data;
}

static void virtio_cfg_read(struct pci_dev *d, u32 off, unsigned int len)
{
	struct virtio *v = to_virtio(d);

	if (in_window(v, off, len))
		cfg_window(v, false);
	if (off <= PCI_STATUS && off + len > PCI_STATUS) {
		pthread_mutex_lock(&v->lock);
		d->cfg[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
		if (v->isr && !v->msix.enabled)
			d->cfg[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
		pthread_mutex_unlock(&v->lock);
	}
}

static void virtio_cfg_written(struct pci_dev *d, u32 off, unsigned int len)
{
	struct virtio *v = to_virtio(d);

	/* Cheap, and right whichever byte it was. */
	pthread_mutex_lock(&v->lock);
	msix_control(&v->msix, pci_get16(d, d->cfg[PCI_CAPABILITY_LIST] +
					 PCI_MSIX_FLAGS));
	update_intx(v);
	pthread_mutex_unlock(&v->lock);

	if (in_window(v, off, len))
		cfg_window(v, true);
}

static const struct pci_ops virtio_pci_ops = {
	.bar = virtio_bar,
	.moved = virtio_moved,
	.cfg_read = virtio_cfg_read,
	.cfg_written = virtio_cfg_written,
};

static int add_cap(struct virtio *v, u8 type, u32 off, u32 len)
{
	struct virtio_pci_notify_cap c = {
		.cap = {
			.cap_vndr = PCI_CAP_ID_VNDR,
			.cap_len = sizeof(c.cap),
			.cfg_type = type,
			.bar = BAR_VIRTIO,
			.offset = off,
			.length = len,
		},
		.notify_off_multiplier = NOTIFY_MULT,
	};

	/* Two kinds have one more word; in the other it is the window's data. */
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG || type == VIRTIO_PCI_CAP_PCI_CFG)
		c.cap.cap_len = sizeof(c);
	return pci_add_cap(&v->pci, &c, c.cap.cap_len);
}

static int add_caps(struct virtio *v)
{
	int ret = add_cap(v, VIRTIO_PCI_CAP_COMMON_CFG, COMMON,
			  sizeof(struct virtio_pci_common_cfg));

	if (ret >= 0)
		ret = add_cap(v, VIRTIO_PCI_CAP_ISR_CFG, ISR, 1);
	if (ret >= 0 && v->config_size)
		ret = add_cap(v, VIRTIO_PCI_CAP_DEVICE_CFG, DEVICE,
			      v->config_size);
	if (ret >= 0)
		ret = add_cap(v, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY,
			      v->nr_queues * NOTIFY_MULT);
	if (ret >= 0)
		ret = add_cap(v, VIRTIO_PCI_CAP_PCI_CFG, 0, 0);
	if (ret < 0)
		return ret;

	v->cfg_cap = ret;
	v->pci.wmask[ret + offsetof(struct virtio_pci_cap, bar)] = 0xff;
	memset(v->pci.wmask + ret + offsetof(struct virtio_pci_cap, offset),
	       0xff, sizeof(struct virtio_pci_notify_cap) -
	       offsetof(struct virtio_pci_cap, offset));
	return 0;
}

/**
 * virtio_init() - put a virtio device on the bus
 * @vm: machine
 * @v: device, zeroed but for its @config
 * @ops: its kind
 * @features: what it offers beside the ring features and version 1
 * @nr_queues: how many queues
 *
 * Return: 0, or -errno; virtio_exit() is due in both cases.
 */
int virtio_init(struct vm *vm, struct virtio *v, const struct virtio_ops *ops,
		u64 features, unsigned int nr_queues)
{
	int ret;

	v->ops = ops;
	v->features = features | FEATURES_FIXED;
	v->config_vector = VIRTIO_MSI_NO_VECTOR;
	pthread_mutex_init(&v->lock, NULL);

	ret = pci_add(vm, &v->pci, &virtio_pci_ops, PCI_VENDOR_VIRTIO,
		      DEVICE_ID_BASE + ops->id, ops->class << 8 | REVISION);
	if (ret)
		return ret;
	pci_set16(v->pci.cfg, PCI_SUBSYSTEM_VENDOR_ID, PCI_VENDOR_VIRTIO);
	pci_set16(v->pci.cfg, PCI_SUBSYSTEM_ID, DEVICE_ID_BASE + ops->id);

	for (; v->nr_queues < nr_queues; v->nr_queues++) {
		ret = virtio_queue_init(&v->queue[v->nr_queues], v,
					v->nr_queues);
		if (ret)
			return ret;
	}

	/* One vector per queue and one for the configuration. MSI-X comes
	 * first: virtio_cfg_written() looks for it at the head of the list.
	 */
	ret = pci_add_bar(&v->pci, BAR_VIRTIO, BAR_SIZE);
	if (!ret)
		ret = msix_init(&v->msix, &vm->irq, &v->pci, BAR_MSIX,
				nr_queues + 1);
	if (!ret)
		ret = add_caps(v);
	if (!ret)
		virtio_moved(&v->pci);
	return ret;
}

/**
 * virtio_exit() - stop a device and let go of what it holds
 * @v: device, also when virtio_init() failed; the vCPUs are gone
 */
void virtio_exit(struct virtio *v)
{
	for (unsigned int i = 0; i < v->nr_queues; i++)
		virtio_queue_exit(&v->queue[i]);
	msix_exit(&v->msix);
	pthread_mutex_destroy(&v->lock);
}
