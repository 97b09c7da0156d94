// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: lines that several devices may share, and routes for messages.
 *
 * The routing table is replaced as a whole, so the entries for the PICs and
 * the I/O APIC, which the kernel had by default, are repeated in front.
 */
#include <errno.h>
#include <stdlib.h>

#include "../lib/virtlite.h"
#include "irq.h"

static void add_pin(struct irq *irq, u32 gsi, u32 chip, u32 pin)
{
	struct kvm_irq_routing_entry *e = &irq->table->entries[irq->pins++];

	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
}

/**
 * irq_init() - install the routes of the ISA and PCI interrupts
 * @irq: to be filled
 * @vm_fd: VM, with its irqchip
 */
int irq_init(struct irq *irq, int vm_fd)
{
	size_t max = 16 + IOAPIC_PINS + IRQ_MAX_MSI;
	int ret;

	*irq = (struct irq){ .vm_fd = vm_fd };
	irq->table = calloc(1, sizeof(*irq->table) +
			    max * sizeof(irq->table->entries[0]));
	if (!irq->table)
		return vl_error(ENOMEM, "interrupt routing table");

	/* GSI 2 is the PICs' cascade: no device is on it, and the I/O APIC's
	 * pin 2 belongs to the timer.
	 */
	for (u32 gsi = 0; gsi < 16; gsi++)
		if (gsi != 2)
			add_pin(irq, gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
				KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
	for (u32 gsi = 0; gsi < IOAPIC_PINS; gsi++)
		if (gsi != GSI_TIMER)
			add_pin(irq, gsi, KVM_IRQCHIP_IOAPIC,
				gsi == IRQ_TIMER ? GSI_TIMER : gsi);
	irq->table->nr = irq->pins;

	ret = vl_vm_set_gsi_routing(vm_fd, irq->table);
	if (ret < 0) {
		free(irq->table);
		irq->table = NULL;
		return ret;
	}
	pthread_mutex_init(&irq->lock, NULL);
	return 0;
}

/**
 * irq_exit() - forget the table
 * @irq: interrupts, also when irq_init() failed or never ran
 */
void irq_exit(struct irq *irq)
{
	if (!irq->table)
		return;
	pthread_mutex_destroy(&irq->lock);
	free(irq->table);
	irq->table = NULL;
}

/**
 * irq_alloc_msi() - get a GSI for one message-signalled vector
 * @irq: interrupts
 *
 * Only while devices are being made: nothing takes a GSI back.
 *
 * Return: the GSI, which has no route yet, or -ENOSPC.
 */
int irq_alloc_msi(struct irq *irq)
{
	if (irq->msi_nr == IRQ_MAX_MSI)
		return vl_error(ENOSPC, "too many interrupt vectors");
	return IOAPIC_PINS + irq->msi_nr++;
}

/**
 * irq_set_msi() - give a GSI its message
 * @irq: interrupts
 * @gsi: from irq_alloc_msi()
 * @addr: address of the message, as the guest wrote it
 * @data: its data
 */
int irq_set_msi(struct irq *irq, u32 gsi, u64 addr, u32 data)
{
	unsigned int msi = gsi - IOAPIC_PINS;
	struct kvm_irq_routing_entry old = {}, *e;
	bool fresh;
	int ret;

	pthread_mutex_lock(&irq->lock);
	fresh = !irq->msi_entry[msi];
	if (fresh)
		irq->msi_entry[msi] = irq->table->nr++;
	e = &irq->table->entries[irq->msi_entry[msi]];
	old = *e;

	*e = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
	};
	e->u.msi.address_lo = addr;
	e->u.msi.address_hi = addr >> 32;
	e->u.msi.data = data;

	ret = vl_vm_set_gsi_routing(irq->vm_fd, irq->table);
	if (ret < 0) {
		/* One refused message must not spoil the next update. */
		*e = old;
		if (fresh) {
			irq->table->nr--;
			irq->msi_entry[msi] = 0;
		}
	}
	pthread_mutex_unlock(&irq->lock);
	return ret < 0 ? ret : 0;
}

/**
 * irq_set_line() - assert or release a line
 * @irq: interrupts
 * @pin: GSI below 24
 * @source: who speaks (0 to 63): a line is up while anybody holds it up
 * @level: asserted?
 */
void irq_set_line(struct irq *irq, u32 pin, unsigned int source, bool level)
{
	u64 old, new;

	pthread_mutex_lock(&irq->lock);
	old = irq->sources[pin];
	new = level ? old | BIT_ULL(source) : old & ~BIT_ULL(source);
	irq->sources[pin] = new;
	if (!old != !new)
		vl_vm_irq_line(irq->vm_fd, pin, new);
	pthread_mutex_unlock(&irq->lock);
}
