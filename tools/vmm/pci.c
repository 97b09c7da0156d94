// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI host bridge with one bus, reached by configuration mechanism #1
 * (PCI Local Bus 3.0, 3.2.2.3.2). No device has I/O BARs.
 *
 * There is no firmware, so BARs get their addresses here, as firmware would
 * have set them; the guest may move them.
 */
#include <errno.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "vm.h"

#define ADDRESS_ENABLE	0x80000000U
#define HOST_BRIDGE_ID	0x0008
#define CLASS_BRIDGE_HOST	0x060000

#define RESET_CPU	0x04	/* in the reset control register */

/**
 * pci_bar_addr() - where a memory BAR is now
 * @d: device
 * @bar: its number
 *
 * Return: guest physical address, or 0 if the device does not decode memory.
 */
u64 pci_bar_addr(const struct pci_dev *d, unsigned int bar)
{
	u32 reg = PCI_BASE_ADDRESS_0 + 4 * bar, low;
	u64 high = 0;

	if (!d->bar_size[bar] ||
	    !(pci_get16(d, PCI_COMMAND) & PCI_COMMAND_MEMORY))
		return 0;
	low = pci_get32(d, reg);
	if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64)
		high = pci_get32(d, reg + 4);
	return high << 32 | (low & PCI_BASE_ADDRESS_MEM_MASK);
}

static void config_write(struct pci_dev *d, u32 off, const u8 *data,
			 unsigned int size)
{
	bool moved = false;

	for (unsigned int i = 0; i < size; i++) {
		u8 *p = &d->cfg[off + i], old = *p;
		u8 mask = d->wmask[off + i];

		*p = (old & ~mask) | (data[i] & mask);
		if (*p != old && (off + i == PCI_COMMAND ||
				  (off + i >= PCI_BASE_ADDRESS_0 &&
				   off + i < PCI_CARDBUS_CIS)))
			moved = true;
	}
	if (moved && d->ops)
		d->ops->moved(d);
	if (d->ops && d->ops->cfg_written)
		d->ops->cfg_written(d, off, size);
}

/* The data port, at @lane bytes into the register that the address names. */
static void config_data(struct pci *pci, unsigned int lane, void *data,
			unsigned int size, bool write)
{
	u32 off = (pci->address & 0xfc) + lane;
	struct pci_dev *d;

	/* Bus 0, function 0; an access that straddles registers is nothing. */
	if (!(pci->address & ADDRESS_ENABLE) || pci->address & 0x00ff0700 ||
	    lane + size > 4)
		return;
	d = pci->dev[pci->address >> 11 & 0x1f];
	if (!d)
		return;

	if (write) {
		config_write(d, off, data, size);
		return;
	}
	if (d->ops && d->ops->cfg_read)
		d->ops->cfg_read(d, off, size);
	memcpy(data, d->cfg + off, size);
}

static void config_ports(void *opaque, u16 off, void *data, unsigned int size,
			 bool write)
{
	struct vm *vm = opaque;
	struct pci *pci = &vm->pci;

	pthread_mutex_lock(&pci->lock);
	if (off == 0 && size == 4) {
		if (write)
			memcpy(&pci->address, data, 4);
		else
			memcpy(data, &pci->address, 4);
	} else if (off == RESET_PORT - PCI_CONFIG_PORT && size == 1) {
		/* The chipset's reset control shares the address register's
		 * ports: only an access of four bytes means the latter.
		 */
		if (!write)
			*(u8 *)data = 0;
		else if (*(u8 *)data & RESET_CPU)
			vm_stop(vm, VMM_RESET);
	} else if (off >= 4) {
		config_data(pci, off - 4, data, size, write);
	}
	pthread_mutex_unlock(&pci->lock);
}

/**
 * pci_mmio() - an access to the device hole
 * @pci: host bridge
 * @addr: guest physical address
 * @data: operand
 * @size: 1 to 8 bytes
 * @write: direction
 *
 * What no BAR claims reads as all ones.
 */
void pci_mmio(struct pci *pci, u64 addr, void *data, unsigned int size,
	      bool write)
{
	if (!write)
		memset(data, 0xff, size);

	pthread_mutex_lock(&pci->lock);
	for (unsigned int s = 0; s < pci->nr_slots; s++) {
		struct pci_dev *d = pci->dev[s];

		for (unsigned int b = 0; b < PCI_BARS; b++) {
			u64 base = pci_bar_addr(d, b);

			if (!base || addr < base ||
			    addr - base >= d->bar_size[b] ||
			    size > d->bar_size[b] - (addr - base))
				continue;
			d->ops->bar(d, b, addr - base, data, size, write);
			pthread_mutex_unlock(&pci->lock);
			return;
		}
	}
	pthread_mutex_unlock(&pci->lock);
}

/**
 * pci_add() - put a device into the next free slot
 * @vm: machine
 * @d: device, zeroed; it stays the caller's
 * @ops: behaviour, or NULL
 * @vendor: vendor id
 * @device: device id
 * @class_rev: class code << 8 | revision
 *
 * Set-up only: before the first vCPU runs.
 */
int pci_add(struct vm *vm, struct pci_dev *d, const struct pci_ops *ops,
	    u16 vendor, u16 device, u32 class_rev)
{
	struct pci *pci = &vm->pci;

	if (pci->nr_slots == PCI_SLOTS)
		return vl_error(ENOSPC, "no PCI slot is left");

	d->vm = vm;
	d->ops = ops;
	d->slot = pci->nr_slots;
	pci_set16(d->cfg, PCI_VENDOR_ID, vendor);
	pci_set16(d->cfg, PCI_DEVICE_ID, device);
	pci_set32(d->cfg, PCI_CLASS_REVISION, class_rev);
	d->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	d->cap_next = 0x40;
	d->cap_last = PCI_CAPABILITY_LIST;

	if (ops) {
		d->gsi = GSI_PCI + d->slot % GSI_PCI_NR;
		d->cfg[PCI_INTERRUPT_PIN] = 1;
		d->cfg[PCI_INTERRUPT_LINE] = d->gsi;
		d->wmask[PCI_INTERRUPT_LINE] = 0xff;
		pci_set16(d->cfg, PCI_COMMAND, PCI_COMMAND_MEMORY);
		pci_set16(d->wmask, PCI_COMMAND, PCI_COMMAND_MEMORY |
			  PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	}
	pci->dev[pci->nr_slots++] = d;
	return 0;
}

/**
 * pci_add_bar() - give a device a memory BAR, 32-bit unless the caller sets its type
 * @d: device
 * @bar: number, 0 to 5
 * @size: a power of two; at least a page if it is bound or mapped, so that no two
 *	  BARs share one
 */
int pci_add_bar(struct pci_dev *d, unsigned int bar, u32 size)
{
	struct pci *pci = &d->vm->pci;
	u64 addr = ALIGN(pci->mmio_next, (u64)size);

	if (addr + size > PCI_MMIO_END)
		return vl_error(ENOSPC, "no room for a PCI BAR");

	pci->mmio_next = addr + size;
	d->bar_size[bar] = size;
	pci_set32(d->cfg, PCI_BASE_ADDRESS_0 + 4 * bar, addr);
	pci_set32(d->wmask, PCI_BASE_ADDRESS_0 + 4 * bar, ~(size - 1));
	return 0;
}

/**
 * pci_add_cap() - append a capability
 * @d: device
 * @cap: capability; its second byte, the link, is filled in
 * @len: its size
 *
 * Return: its offset, or -ENOSPC.
 */
int pci_add_cap(struct pci_dev *d, const void *cap, u8 len)
{
	u16 off = d->cap_next;

	if (off + ALIGN(len, 4) > PCI_CFG_SIZE)
		return vl_error(ENOSPC, "no room for a PCI capability");

	memcpy(d->cfg + off, cap, len);
	d->cfg[off + PCI_CAP_LIST_NEXT] = 0;
	d->cfg[d->cap_last] = off;
	d->cap_last = off + PCI_CAP_LIST_NEXT;
	d->cap_next = off + ALIGN(len, 4);
	d->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	return off;
}

/**
 * pci_init() - make the host bridge and answer its ports
 * @vm: machine
 */
int pci_init(struct vm *vm)
{
	struct pci *pci = &vm->pci;
	int ret;

	pthread_mutex_init(&pci->lock, NULL);
	pci->mmio_next = PCI_MMIO_START;
	ret = pci_add(vm, &pci->bridge, NULL, PCI_VENDOR_REDHAT, HOST_BRIDGE_ID,
		      CLASS_BRIDGE_HOST << 8);
	if (!ret)
		ret = pio_add(&vm->pio, PCI_CONFIG_PORT, 8, config_ports, vm);
	return ret;
}
