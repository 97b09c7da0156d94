/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine without a hypervisor: its descriptors are invalid, so that every
 * ioctl fails, which the device models must survive. Doorbells then come by
 * MMIO, and interrupt lines can be read from vm->irq.sources.
 */
#ifndef TESTS_FAKE_VM_H
#define TESTS_FAKE_VM_H

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../vmm/vm.h"

static inline struct vm *fake_vm(u64 mem, const char *mark)
{
	static struct vmm_config cfg;
	struct vm *vm = calloc(1, sizeof(*vm));

	cfg.mark = mark;
	cfg.cpus = 1;
	vm->cfg = &cfg;
	vm->kvm_fd = -1;
	vm->vm_fd = -1;
	vm->stop = -1;
	vm->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->irq.vm_fd = -1;
	vm->irq.table = calloc(1, sizeof(*vm->irq.table) + IRQ_MAX_MSI *
			       sizeof(vm->irq.table->entries[0]));
	pthread_mutex_init(&vm->irq.lock, NULL);
	if (memory_init(&vm->mem, mem) || console_init(vm) ||
	    serial_init(vm) || rtc_init(vm) || i8042_init(vm) ||
	    pm_init(vm) || pci_init(vm))
		exit(1);
	return vm;
}

static inline void fake_vm_free(struct vm *vm)
{
	/* stdout is the test's. */
	vm->console.out_count = 0;
	vm->console.out_last = 0;
	console_exit(&vm->console);
	irq_exit(&vm->irq);
	memory_exit(&vm->mem);
	close(vm->wake_fd);
	free(vm);
}

static inline u32 in(struct vm *vm, u16 port, unsigned int size)
{
	u32 v = 0;

	pio_access(&vm->pio, port, &v, size, false);
	return v;
}

static inline void out(struct vm *vm, u16 port, u32 v, unsigned int size)
{
	pio_access(&vm->pio, port, &v, size, true);
}

static inline u32 cfg_read(struct vm *vm, unsigned int slot, u32 off,
			   unsigned int size)
{
	out(vm, PCI_CONFIG_PORT, 0x80000000U | slot << 11 | (off & 0xfc), 4);
	return in(vm, PCI_CONFIG_PORT + 4 + off % 4, size);
}

static inline void cfg_write(struct vm *vm, unsigned int slot, u32 off, u32 v,
			     unsigned int size)
{
	out(vm, PCI_CONFIG_PORT, 0x80000000U | slot << 11 | (off & 0xfc), 4);
	out(vm, PCI_CONFIG_PORT + 4 + off % 4, v, size);
}

static inline u64 mmio_read(struct vm *vm, u64 addr, unsigned int size)
{
	u64 v = 0;

	pci_mmio(&vm->pci, addr, &v, size, false);
	return v;
}

static inline void mmio_write(struct vm *vm, u64 addr, u64 v, unsigned int size)
{
	pci_mmio(&vm->pci, addr, &v, size, true);
}

#endif /* TESTS_FAKE_VM_H */
