/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_AML_H
#define VMM_AML_H

#include "types.h"

#define AML_MAX		4096
#define AML_DEPTH	8

/**
 * struct aml - ACPI machine language being assembled
 * @buf: what there is
 * @len: its length
 * @open: where the lengths of the objects that are still open go
 * @depth: how many are open
 * @overflow: it did not fit, and what there is must not be used
 */
struct aml {
	u8 buf[AML_MAX];
	size_t len;
	size_t open[AML_DEPTH];
	unsigned int depth;
	bool overflow;
};

enum aml_resource {
	AML_MEMORY = 0,
	AML_IO = 1,
	AML_BUS = 2,
};

void aml_scope(struct aml *a, const char *path);
void aml_device(struct aml *a, const char *name);
void aml_name(struct aml *a, const char *name);
void aml_package(struct aml *a, u8 elements);
void aml_resources(struct aml *a);
void aml_close(struct aml *a);
void aml_close_resources(struct aml *a);

void aml_int(struct aml *a, u32 v);
void aml_eisa_id(struct aml *a, const char *id);
void aml_io_port(struct aml *a, u16 port, u8 len);
void aml_irq(struct aml *a, unsigned int irq);
void aml_window16(struct aml *a, enum aml_resource type, u16 min, u16 max);
void aml_window32(struct aml *a, enum aml_resource type, u32 min, u32 max);

#endif /* VMM_AML_H */
