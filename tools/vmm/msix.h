/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_MSIX_H
#define VMM_MSIX_H

#include "irq.h"
#include "pci.h"
#include "types.h"

#define MSIX_MAX	32
#define MSIX_BAR_SIZE	4096
#define MSIX_PBA	2048	/* in the BAR, behind the table */

/**
 * struct msix - a device's MSI-X vectors (PCI Local Bus 3.0, 6.8.2)
 * @irq: where messages go
 * @nr: vectors
 * @enabled: the guest uses MSI-X
 * @masked: all of them are masked
 * @pending: vectors that were raised while masked
 * @vec: each vector: its table entry, and the GSI and eventfd that carry it
 *
 * Protected by the device's own lock.
 */
struct msix {
	struct irq *irq;
	unsigned int nr;
	bool enabled;
	bool masked;
	u32 pending;
	struct {
		u32 entry[4];
		u32 gsi;
		int fd;
		bool routed;
		bool bound;
		u32 route[3];
	} vec[MSIX_MAX];
};

int msix_init(struct msix *m, struct irq *irq, struct pci_dev *d,
	      unsigned int bar, unsigned int nr);
void msix_exit(struct msix *m);
void msix_control(struct msix *m, u16 control);
void msix_bar(struct msix *m, u32 off, void *data, unsigned int size,
	      bool write);
void msix_raise(struct msix *m, unsigned int vector);

#endif /* VMM_MSIX_H */
