// SPDX-License-Identifier: GPL-2.0
/*
 * MSI-X. The table lives here, the delivery in the kernel: an unmasked vector
 * is a route of its GSI and an irqfd, so that raising it is one write to an
 * eventfd from whichever thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "msix.h"

#define ENTRY_SIZE	PCI_MSIX_ENTRY_SIZE
#define CTRL_MASKED	PCI_MSIX_ENTRY_CTRL_MASKBIT
#define CAP_SIZE	12

static bool is_masked(const struct msix *m, unsigned int v)
{
	return m->masked || m->vec[v].entry[3] & CTRL_MASKED;
}

/* Make the kernel's route what the table says. */
static int bind_vector(struct msix *m, unsigned int v)
{
	const u32 *e = m->vec[v].entry;
	int ret;

	if (!m->vec[v].routed || memcmp(m->vec[v].route, e, 12)) {
		ret = irq_set_msi(m->irq, m->vec[v].gsi,
				  (u64)e[1] << 32 | e[0], e[2]);
		if (ret)
			return ret;
		memcpy(m->vec[v].route, e, 12);
		m->vec[v].routed = true;
	}
	if (!m->vec[v].bound) {
		ret = vl_vm_irqfd(m->irq->vm_fd, m->vec[v].fd, m->vec[v].gsi, 0);
		if (ret < 0)
			return ret;
		m->vec[v].bound = true;
	}
	return 0;
}

static void signal_vector(struct msix *m, unsigned int v)
{
	/* A message that the guest made up and the hypervisor refuses goes
	 * nowhere, as it would on a bus.
	 */
	if (!bind_vector(m, v))
		eventfd_write(m->vec[v].fd, 1);
}

/* A mask has changed: what was held back may go. */
static void update(struct msix *m)
{
	if (!m->enabled)
		return;
	for (unsigned int v = 0; v < m->nr; v++) {
		if (is_masked(m, v))
			continue;
		if (m->pending & BIT(v)) {
			m->pending &= ~BIT(v);
			signal_vector(m, v);
		}
	}
}

/**
 * msix_raise() - send a vector's message, now or when it is unmasked
 * @m: vectors
 * @vector: which; one that does not exist is ignored
 */
void msix_raise(struct msix *m, unsigned int vector)
{
	if (vector >= m->nr)
		return;
	if (is_masked(m, vector))
		m->pending |= BIT(vector);
	else
		signal_vector(m, vector);
}

/**
 * msix_control() - the guest wrote the message control word
 * @m: vectors
 * @control: its value
 */
void msix_control(struct msix *m, u16 control)
{
	m->enabled = control & PCI_MSIX_FLAGS_ENABLE;
	m->masked = control & PCI_MSIX_FLAGS_MASKALL;
	update(m);
}

/**
 * msix_bar() - access to the table or the pending bits
 * @m: vectors
 * @off: offset in the BAR
 * @data: operand
 * @size: 1 to 8; what is not 4 or 8 and aligned is ignored, as the
 *	  specification leaves it undefined
 * @write: direction
 */
void msix_bar(struct msix *m, u32 off, void *data, unsigned int size,
	      bool write)
{
	u64 pba = m->pending;
	u8 *table;

	if ((size != 4 && size != 8) || off % size)
		return;

	if (off >= MSIX_PBA) {
		if (write)
			return;
		memset(data, 0, size);
		if (off < MSIX_PBA + sizeof(pba))
			memcpy(data, (u8 *)&pba + (off - MSIX_PBA), size);
		return;
	}
	if (off / ENTRY_SIZE >= m->nr) {
		if (!write)
			memset(data, 0, size);
		return;
	}

	table = (u8 *)m->vec[off / ENTRY_SIZE].entry;
	if (write) {
		memcpy(table + off % ENTRY_SIZE, data, size);
		update(m);
	} else {
		memcpy(data, table + off % ENTRY_SIZE, size);
	}
}

/**
 * msix_init() - give a device MSI-X
 * @m: to be filled
 * @irq: where messages go
 * @d: device, which gets a capability and a BAR
 * @bar: number of that BAR
 * @nr: vectors
 */
int msix_init(struct msix *m, struct irq *irq, struct pci_dev *d,
	      unsigned int bar, unsigned int nr)
{
	u8 cap[CAP_SIZE] = { PCI_CAP_ID_MSIX };
	int ret;

	*m = (struct msix){ .irq = irq };
	for (; m->nr < nr; m->nr++) {
		m->vec[m->nr].entry[3] = CTRL_MASKED;
		ret = irq_alloc_msi(irq);
		if (ret < 0)
			return ret;
		m->vec[m->nr].gsi = ret;
		m->vec[m->nr].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->vec[m->nr].fd < 0)
			return vl_error(errno, "eventfd");
	}

	pci_set16(cap, PCI_MSIX_FLAGS, nr - 1);
	pci_set32(cap, PCI_MSIX_TABLE, bar);
	pci_set32(cap, PCI_MSIX_PBA, MSIX_PBA | bar);
	ret = pci_add_cap(d, cap, sizeof(cap));
	if (ret < 0)
		return ret;
	pci_set16(d->wmask, ret + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	ret = pci_add_bar(d, bar, MSIX_BAR_SIZE);
	return ret;
}

/**
 * msix_exit() - close what msix_init() opened
 * @m: vectors, also when msix_init() failed
 *
 * The VM's irqfds go with the eventfds.
 */
void msix_exit(struct msix *m)
{
	for (unsigned int v = 0; v < m->nr; v++)
		close(m->vec[v].fd);
	m->nr = 0;
}
