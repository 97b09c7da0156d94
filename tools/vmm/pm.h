/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_PM_H
#define VMM_PM_H

#include "types.h"

struct vm;

/**
 * struct pm - ACPI's fixed hardware
 * @enable: PM1 enable register; no event of it ever happens
 * @control: PM1 control register, without the bits that act at once
 */
struct pm {
	u16 enable;
	u16 control;
};

int pm_init(struct vm *vm);

#endif /* VMM_PM_H */
