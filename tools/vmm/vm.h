/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine that holds all the rest.
 *
 * Threads: the main thread sets everything up, then serves the console until
 * the VM stops; each vCPU has a thread; each enabled virtqueue has a thread.
 *
 * Locks, in the order in which they may be taken:
 *   pci.lock       configuration space, BARs, virtio's common configuration, all of vfio
 *   virtio->lock   one device's interrupt state and its MSI-X table
 *   serial.lock    the UART
 *   irq.lock       routing table and line levels
 *   console.lock   the output buffer
 * rtc.lock is taken alone. A queue's thread never takes pci.lock, because a
 * vCPU that holds it waits for that thread when the guest resets the device.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "console.h"
#include "control.h"
#include "irq.h"
#include "memory.h"
#include "pci.h"
#include "pio.h"
#include "pm.h"
#include "rtc.h"
#include "serial.h"
#include "types.h"
#include "vcpu.h"
#include "vmm.h"

struct vfio;

/**
 * struct vm - one virtual machine
 * @cfg: what was asked for
 * @kvm_fd: hypervisor
 * @vm_fd: VM
 * @mem: guest RAM
 * @irq: interrupt routing
 * @pio: port dispatch
 * @pci: host bridge, and through it the virtio devices
 * @serial: COM1
 * @rtc: CMOS clock
 * @pm: ACPI's fixed hardware
 * @console: this process's terminal
 * @control: the socket by which it is told things
 * @vfio: devices of the host that the guest has, or NULL
 * @vcpus: vCPUs
 * @nr_vcpus: how many are set up
 * @wake_fd: eventfd: the main thread is to look again
 * @stop: why the VM stops, or -1; the first reason stays
 * @stop_text: for VMM_STOPPED, what happened; written by who set @stop
 * @start_ns: CLOCK_MONOTONIC at the creation of the VM
 * @start_tsc: time stamp counter then
 */
struct vm {
	const struct vmm_config *cfg;
	int kvm_fd;
	int vm_fd;
	struct memory mem;
	struct irq irq;
	struct pio pio;
	struct pci pci;
	struct serial serial;
	struct rtc rtc;
	struct pm pm;
	struct console console;
	struct control control;
	struct vfio *vfio;
	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	int wake_fd;
	int stop;
	char stop_text[1024];
	u64 start_ns;
	u64 start_tsc;
};

void vm_stop(struct vm *vm, enum vmm_status why);
void vm_stop_error(struct vm *vm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool vm_stopping(const struct vm *vm);
void vm_wake(struct vm *vm);

u64 now_ns(void);
u64 now_tsc(void);

/* summary.c */
void summary_print(const struct vm *vm, enum vmm_status why, u64 end_ns,
		   u64 end_tsc);

/* i8042.c */
int i8042_init(struct vm *vm);

#endif /* VMM_VM_H */
