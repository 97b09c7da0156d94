// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration space of a device that is passed through (PCI Local Bus 3.0,
 * chapter 6). What names an address or an interrupt of the machine is ours, and
 * so are links: the guest sees capabilities that work here, which are MSI, MSI-X
 * and the vendor's own. Of the rest the device is asked each time.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vfio.h"
#include "vm.h"

#define COMMAND_BITS	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | \
			 PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
			 PCI_COMMAND_INTX_DISABLE)
#define MAX_CAPS	48	/* as many as there is room for */
#define MSIX_SIZE	12

enum { CAP_NONE, CAP_SHOWN, CAP_HIDDEN };

static struct vfio_dev *to_vfio(struct pci_dev *p)
{
	return container_of(p, struct vfio_dev, pci);
}

static u16 get16(const u8 *raw, u32 off)
{
	return raw[off] | raw[off + 1] << 8;
}

static u32 get32(const u8 *raw, u32 off)
{
	return get16(raw, off) | (u32)get16(raw, off + 2) << 16;
}

static void pass(struct vfio_dev *d, u32 off, u32 len)
{
	memset(d->pass + off, true, len);
	memset(d->pci.wmask + off, 0xff, len);
}

/* @len bytes are ours, as the device has them, and cannot be written. */
static void own(struct vfio_dev *d, const u8 *raw, u32 off, u32 len)
{
	memset(d->pass + off, false, len);
	memset(d->pci.wmask + off, 0, len);
	memcpy(d->pci.cfg + off, raw + off, len);
}

static int read_config(struct vfio_dev *d, u8 *raw)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info), .index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	ssize_t n;

	if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		return vl_error(errno, "--vfio %s: configuration space", d->name);
	d->config = info.offset;
	memset(raw, 0, PCI_CFG_SIZE);
	n = pread(d->fd, raw, PCI_CFG_SIZE, d->config);
	if (n < PCI_STD_HEADER_SIZEOF)
		return vl_error(n < 0 ? errno : EIO, "--vfio %s: configuration space",
				d->name);
	if ((raw[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL)
		return vl_error(0, "--vfio %s: a bridge cannot be passed through", d->name);
	return 0;
}

/* 32 or 64 bits of address, with masks or without (6.8.1). */
static u32 msi_size(u16 flags)
{
	return (flags & PCI_MSI_FLAGS_64BIT ? 14 : 10) +
	       (flags & PCI_MSI_FLAGS_MASKBIT ? 10 : 0);
}

static bool show_msi(struct vfio_dev *d, const u8 *raw, u32 off)
{
	u16 flags = get16(raw, off + PCI_MSI_FLAGS);
	unsigned int nr = vfio_irq_count(d, VFIO_PCI_MSI_IRQ_INDEX);
	u32 order = (flags & PCI_MSI_FLAGS_QMASK) >> 1, msg = off + PCI_MSI_ADDRESS_LO;
	u8 *mask = d->pci.wmask;

	if (!nr || d->msi || order > 5 || off + msi_size(flags) > PCI_CFG_SIZE)
		return false;
	while (BIT(order) > nr)
		order--;
	d->msi = off;
	d->nr_msi = BIT(order);
	own(d, raw, off, msi_size(flags));
	memset(d->pci.cfg + off + PCI_MSI_FLAGS, 0, msi_size(flags) - PCI_MSI_FLAGS);
	flags &= PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT;
	pci_set16(d->pci.cfg, off + PCI_MSI_FLAGS, flags | order << 1);
	pci_set16(mask, off + PCI_MSI_FLAGS,
		  PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	pci_set32(mask, msg, ~3U);
	if (flags & PCI_MSI_FLAGS_64BIT) {
		pci_set32(mask, msg + 4, ~0U);
		msg += 4;
	}
	pci_set16(mask, msg + 4, 0xffff);
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		pci_set32(mask, msg + 8, ~0U);
	return true;
}

/* Is it in a memory BAR? Also a table of 2048 entries is below 64 KiB. */
static bool in_bar(const struct vfio_dev *d, u32 where, u32 size)
{
	const struct vfio_bar *b;

	if ((where & PCI_MSIX_TABLE_BIR) >= PCI_BARS)
		return false;
	b = &d->bar[where & PCI_MSIX_TABLE_BIR];
	where &= PCI_MSIX_TABLE_OFFSET;
	return where < b->size && size <= b->size - where;
}

static bool show_msix(struct vfio_dev *d, const u8 *raw, u32 off)
{
	u32 size = (get16(raw, off + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1;
	u32 table = get32(raw, off + PCI_MSIX_TABLE), pba = get32(raw, off + PCI_MSIX_PBA);
	unsigned int nr = vfio_irq_count(d, VFIO_PCI_MSIX_IRQ_INDEX);

	nr = min_t(unsigned int, min_t(unsigned int, nr, size), VFIO_MAX_VECTORS);
	if (!nr || d->msix || off + MSIX_SIZE > PCI_CFG_SIZE ||
	    !in_bar(d, table, size * PCI_MSIX_ENTRY_SIZE) || !in_bar(d, pba, (size + 63) / 64 * 8))
		return false;
	d->msix = off;
	d->nr_msix = nr;
	d->table_bar = table & PCI_MSIX_TABLE_BIR;
	d->table = table & PCI_MSIX_TABLE_OFFSET;
	d->table_size = size * PCI_MSIX_ENTRY_SIZE;
	d->pba_bar = pba & PCI_MSIX_PBA_BIR;
	d->pba = pba & PCI_MSIX_PBA_OFFSET;
	own(d, raw, off, MSIX_SIZE);
	pci_set16(d->pci.cfg, off + PCI_MSIX_FLAGS, nr - 1);
	pci_set16(d->pci.wmask, off + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	return true;
}

static bool show_cap(struct vfio_dev *d, const u8 *raw, u32 off)
{
	switch (raw[off]) {
	case PCI_CAP_ID_MSI:
		return show_msi(d, raw, off);
	case PCI_CAP_ID_MSIX:
		return show_msix(d, raw, off);
	}
	return raw[off] == PCI_CAP_ID_VNDR;
}

/*
 * Bytes behind the header are the device's own, but for capabilities that are
 * hidden: how long these are is not known of each, so all that comes up to the
 * next capability is hidden with them.
 */
static void add_caps(struct vfio_dev *d, const u8 *raw)
{
	u8 kind[PCI_CFG_SIZE] = {}, state = CAP_SHOWN;
	u32 off = raw[PCI_CAPABILITY_LIST] & ~3U, last = PCI_CAPABILITY_LIST;

	if (!(raw[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		off = 0;
	for (u32 at = off, i = 0; at >= PCI_STD_HEADER_SIZEOF && i < MAX_CAPS; i++) {
		kind[at] = CAP_HIDDEN;
		at = raw[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	for (u32 at = PCI_STD_HEADER_SIZEOF; at < PCI_CFG_SIZE; at++) {
		if (kind[at])
			state = raw[at] == PCI_CAP_ID_MSI || raw[at] == PCI_CAP_ID_MSIX ||
				raw[at] == PCI_CAP_ID_VNDR ? CAP_SHOWN : CAP_HIDDEN;
		if (state == CAP_SHOWN)
			pass(d, at, 1);
	}
	for (int i = 0; off >= PCI_STD_HEADER_SIZEOF && i < MAX_CAPS; i++) {
		if (kind[off] == CAP_HIDDEN && show_cap(d, raw, off)) {
			kind[off] = CAP_SHOWN;
			own(d, raw, off, 2);
			d->pci.cfg[off + PCI_CAP_LIST_NEXT] = 0;
			d->pci.cfg[last] = off;
			last = off + PCI_CAP_LIST_NEXT;
		} else if (kind[off] == CAP_HIDDEN && d->pass[off]) {
			/* One that cannot be used after all. */
			own(d, raw, off, 2);
			memset(d->pci.cfg + off, 0, 2);
		}
		off = raw[off + PCI_CAP_LIST_NEXT] & ~3U;
	}
}

/**
 * vfio_config_init() - put a device on the bus, with its capabilities
 * @d: device, open
 */
int vfio_config_init(struct vfio_dev *d)
{
	static const struct pci_ops ops = {
		.bar = vfio_bar_access,
		.moved = vfio_bars_moved,
		.cfg_read = vfio_config_read,
		.cfg_written = vfio_config_written,
	};
	u8 raw[PCI_CFG_SIZE];
	int ret;

	ret = read_config(d, raw);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		d->bar[i].type = raw[PCI_BASE_ADDRESS_0 + 4 * i] & 0xf;
		if (d->bar[i].type & PCI_BASE_ADDRESS_SPACE_IO)
			continue;
		/* The upper half of an address has no type. */
		if ((d->bar[i].type & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
		    PCI_BASE_ADDRESS_MEM_TYPE_64)
			i++;
	}
	ret = vfio_bars_find(d);
	if (ret)
		return ret;
	ret = pci_add(d->vm, &d->pci, &ops, get16(raw, PCI_VENDOR_ID),
		      get16(raw, PCI_DEVICE_ID), get32(raw, PCI_CLASS_REVISION));
	if (ret)
		return ret;

	memcpy(d->pci.cfg + PCI_SUBSYSTEM_VENDOR_ID, raw + PCI_SUBSYSTEM_VENDOR_ID, 4);
	pass(d, PCI_STATUS, 2);
	pass(d, PCI_CACHE_LINE_SIZE, 2);
	pass(d, PCI_MIN_GNT, 2);
	pci_set16(d->pci.wmask, PCI_COMMAND, COMMAND_BITS);
	add_caps(d, raw);
	if (!raw[PCI_INTERRUPT_PIN] || !vfio_irq_count(d, VFIO_PCI_INTX_IRQ_INDEX))
		d->pci.cfg[PCI_INTERRUPT_PIN] = 0;
	vfio_config_written(&d->pci, PCI_COMMAND, 2);
	return 0;
}

/**
 * vfio_config_read() - have what is the device's own in the copy
 * @p: device
 * @off: first byte
 * @len: 1 to 4
 */
void vfio_config_read(struct pci_dev *p, u32 off, unsigned int len)
{
	struct vfio_dev *d = to_vfio(p);
	u8 now[4];

	vfio_msi_pending(d);
	if (!memchr(d->pass + off, true, len))
		return;
	if (pread(d->fd, now, len, d->config + off) != (ssize_t)len)
		memset(now, 0xff, sizeof(now));
	for (unsigned int i = 0; i < len; i++)
		if (d->pass[off + i])
			p->cfg[off + i] = now[i];
	/* The list is ours. */
	p->cfg[PCI_STATUS] &= ~PCI_STATUS_CAP_LIST;
	if (p->cfg[PCI_CAPABILITY_LIST])
		p->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}

/*
 * The device decodes memory all the time: whether the guest wants it to is
 * seen in what the guest has of the BARs, and the host may fault on what a
 * device does not decode.
 */
static void write_command(struct vfio_dev *d)
{
	u16 command = pci_get16(&d->pci, PCI_COMMAND) | PCI_COMMAND_MEMORY;

	/* What a device makes of it is between it and its driver. */
	if (pwrite(d->fd, &command, sizeof(command), d->config + PCI_COMMAND) < 0)
		return;
}

/**
 * vfio_config_written() - pass on what is the device's own
 * @p: device
 * @off: first byte
 * @len: 1 to 4
 */
void vfio_config_written(struct pci_dev *p, u32 off, unsigned int len)
{
	struct vfio_dev *d = to_vfio(p);

	for (unsigned int i = 0, n; i < len; i += n) {
		n = 1;
		if (!d->pass[off + i])
			continue;
		while (i + n < len && d->pass[off + i + n])
			n++;
		if (pwrite(d->fd, p->cfg + off + i, n, d->config + off + i) < 0)
			break;
	}
	if (off < PCI_COMMAND + 2 && off + len > PCI_COMMAND)
		write_command(d);
	vfio_irq_update(d);
}
