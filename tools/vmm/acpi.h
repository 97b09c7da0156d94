/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include "memory.h"
#include "types.h"

/* Layout common to all tables (ACPI 6.5, 5.2.6). */
struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __attribute__((packed));

int acpi_build(const struct memory *m, unsigned int cpus, u64 *rsdp);
u8 acpi_sum(const void *p, size_t len);

#endif /* VMM_ACPI_H */
