/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_PCI_H
#define VMM_PCI_H

#include <linux/pci_regs.h>
#include <pthread.h>

#include "types.h"

struct vm;
struct pci_dev;

#define PCI_SLOTS	32
#define PCI_CFG_SIZE	256
#define PCI_BARS	6
#define PCI_VENDOR_REDHAT	0x1b36
#define PCI_VENDOR_VIRTIO	0x1af4

/**
 * struct pci_ops - what a device does; all under pci.lock
 * @bar: access to @size bytes at @off of a memory BAR; @off + @size lies within
 *	 the BAR
 * @moved: memory decoding was switched or a BAR has a new address
 * @cfg_read: called before @len bytes at @off of the configuration space are
 *	      read; may be NULL
 * @cfg_written: called after they were written; may be NULL
 */
struct pci_ops {
	void (*bar)(struct pci_dev *d, unsigned int bar, u32 off, void *data,
		    unsigned int size, bool write);
	void (*moved)(struct pci_dev *d);
	void (*cfg_read)(struct pci_dev *d, u32 off, unsigned int len);
	void (*cfg_written)(struct pci_dev *d, u32 off, unsigned int len);
};

/**
 * struct pci_dev - a function on bus 0
 * @vm: machine
 * @ops: behaviour, or NULL for a device without BARs
 * @slot: device number
 * @gsi: where its INTA# goes, 0 if it has none
 * @cap_next: offset at which pci_add_cap() puts the next capability
 * @cap_last: offset of the link to it
 * @cfg: configuration space
 * @wmask: the bits of it that the guest can write
 * @bar_size: size of each BAR, a power of two, or 0
 */
struct pci_dev {
	struct vm *vm;
	const struct pci_ops *ops;
	unsigned int slot;
	u32 gsi;
	u16 cap_next;
	u16 cap_last;
	u8 cfg[PCI_CFG_SIZE];
	u8 wmask[PCI_CFG_SIZE];
	u32 bar_size[PCI_BARS];
};

/**
 * struct pci - the host bridge
 * @lock: protects the rest, and every device's configuration
 * @address: what was last written to port 0xcf8
 * @dev: devices by slot
 * @nr_slots: slots in use; they are taken in order
 * @mmio_next: where the next BAR goes; set-up only
 */
struct pci {
	pthread_mutex_t lock;
	u32 address;
	struct pci_dev *dev[PCI_SLOTS];
	unsigned int nr_slots;
	u64 mmio_next;
	struct pci_dev bridge;
};

int pci_init(struct vm *vm);
int pci_add(struct vm *vm, struct pci_dev *d, const struct pci_ops *ops,
	    u16 vendor, u16 device, u32 class_rev);
int pci_add_bar(struct pci_dev *d, unsigned int bar, u32 size);
int pci_add_cap(struct pci_dev *d, const void *cap, u8 len);
u64 pci_bar_addr(const struct pci_dev *d, unsigned int bar);
void pci_mmio(struct pci *pci, u64 addr, void *data, unsigned int size,
	      bool write);

static inline u16 pci_get16(const struct pci_dev *d, u32 off)
{
	return d->cfg[off] | d->cfg[off + 1] << 8;
}

static inline u32 pci_get32(const struct pci_dev *d, u32 off)
{
	return pci_get16(d, off) | (u32)pci_get16(d, off + 2) << 16;
}

static inline void pci_set16(u8 *cfg, u32 off, u16 v)
{
	cfg[off] = v;
	cfg[off + 1] = v >> 8;
}

static inline void pci_set32(u8 *cfg, u32 off, u32 v)
{
	pci_set16(cfg, off, v);
	pci_set16(cfg, off + 2, v >> 16);
}

#endif /* VMM_PCI_H */
