/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's physical address space and its fixed interrupts.
 *
 * RAM runs from 0 to 3 GiB and goes on at 4 GiB; what lies between is for
 * devices.
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#include "types.h"

/* Below 1 MiB: what the kernel's 64-bit entry finds. */
#define BOOT_GDT		0x500ULL
#define BOOT_PARAMS		0x7000ULL
#define BOOT_STACK		0x8ff0ULL
#define BOOT_PML4		0x9000ULL
#define BOOT_PDPT		0xa000ULL
#define BOOT_PD			0xb000ULL	/* four pages: 4 GiB */
#define BOOT_CMDLINE		0x20000ULL
#define EBDA_START		0x9fc00ULL
#define VGA_START		0xa0000ULL
#define ACPI_START		0xe0000ULL
#define ACPI_END		0x100000ULL
#define HIGH_MEMORY		0x100000ULL

#define HOLE_START		(3 * GIB)
#define HOLE_END		(4 * GIB)

/* In the hole. The window for BARs ends below the I/O APIC. */
#define PCI_MMIO_START		0xc0000000ULL
#define PCI_MMIO_END		0xfec00000ULL
#define IOAPIC_ADDR		0xfec00000U
#define LAPIC_ADDR		0xfee00000U
#define IDENTITY_MAP_ADDR	0xfffbc000ULL
#define TSS_ADDR		0xfffbd000ULL	/* three pages */

/* ACPI fixed hardware. */
#define PM1_EVT_PORT		0x600
#define PM1_CNT_PORT		0x604
#define PM_TMR_PORT		0x608
#define PM_SLP_TYP_S5		5

#define COM1_PORT		0x3f8
#define RTC_PORT		0x70
#define I8042_DATA_PORT		0x60
#define I8042_CMD_PORT		0x64
#define PCI_CONFIG_PORT		0xcf8
#define RESET_PORT		0xcf9
#define RESET_VALUE		0x06

/* Global system interrupts: the I/O APIC has 24 pins. ISA interrupt 0 is on
 * pin 2, as on every PC; PCI devices share the eight pins above the ISA ones.
 */
#define IOAPIC_PINS		24
#define IRQ_TIMER		0
#define IRQ_COM1		4
#define IRQ_SCI			9
#define GSI_TIMER		2
#define GSI_PCI			16
#define GSI_PCI_NR		8

/* An MADT entry of type 0 has eight bits for the APIC id, 255 is broadcast. */
#define MAX_CPUS		254

#endif /* VMM_LAYOUT_H */
