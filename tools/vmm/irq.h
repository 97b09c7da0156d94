/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

#include <linux/kvm.h>
#include <pthread.h>

#include "layout.h"
#include "types.h"

/* Every MSI-X vector of every device; a device has at most 17 of them. */
#define IRQ_MAX_MSI	1024

/**
 * struct irq - how interrupts reach the irqchip in the kernel
 * @vm_fd: VM
 * @lock: protects all below; the innermost lock of the VMM
 * @table: the routing table as the kernel has it
 * @pins: entries of @table for the PICs and the I/O APIC
 * @msi_nr: GSIs handed out by irq_alloc_msi()
 * @msi_entry: for each, its index in @table, or 0 while it has no route
 * @sources: for each pin, the devices that assert it
 */
struct irq {
	int vm_fd;
	pthread_mutex_t lock;
	struct kvm_irq_routing *table;
	unsigned int pins;
	unsigned int msi_nr;
	unsigned int msi_entry[IRQ_MAX_MSI];
	u64 sources[IOAPIC_PINS];
};

int irq_init(struct irq *irq, int vm_fd);
void irq_exit(struct irq *irq);
int irq_alloc_msi(struct irq *irq);
int irq_set_msi(struct irq *irq, u32 gsi, u64 addr, u32 data);
void irq_set_line(struct irq *irq, u32 pin, unsigned int source, bool level);

#endif /* VMM_IRQ_H */
