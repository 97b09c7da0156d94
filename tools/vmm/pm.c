// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI's fixed hardware (ACPI 6.5, chapter 4.8): the PM1 blocks, whose use here
 * is to switch the machine off, and the PM timer.
 */
#include <string.h>

#include "vm.h"

#define CNT_SCI_EN	BIT(0)
#define CNT_SLP_TYP(v)	((v) >> 10 & 7)
#define CNT_SLP_EN	BIT(13)

#define PM_TIMER_HZ	3579545ULL

static void pm1_event(void *opaque, u16 off, void *data, unsigned int size,
		      bool write)
{
	struct pm *pm = opaque;
	u32 regs = (u32)READ_ONCE(pm->enable) << 16;	/* status is 0 */
	u16 enable;

	if (off + size > 4)
		return;
	if (!write) {
		memcpy(data, (u8 *)&regs + off, size);
		return;
	}
	if (off == 2 && size == 2) {
		memcpy(&enable, data, sizeof(enable));
		WRITE_ONCE(pm->enable, enable);
	}
}

static void pm1_control(void *opaque, u16 off, void *data, unsigned int size,
			bool write)
{
	struct vm *vm = opaque;
	u16 value = READ_ONCE(vm->pm.control) | CNT_SCI_EN;

	/* There is no legacy mode to leave: ACPI is always on. */
	if (off || size != 2)
		return;
	if (!write) {
		memcpy(data, &value, 2);
		return;
	}
	memcpy(&value, data, 2);
	WRITE_ONCE(vm->pm.control, value & ~CNT_SLP_EN);
	if (value & CNT_SLP_EN && CNT_SLP_TYP(value) == PM_SLP_TYP_S5)
		vm_stop(vm, VMM_POWEROFF);
}

static void pm_timer(void *opaque, u16 off, void *data, unsigned int size,
		     bool write)
{
	struct vm *vm = opaque;
	unsigned __int128 ns = now_ns() - vm->start_ns;
	u32 ticks = ns * PM_TIMER_HZ / 1000000000;

	if (!write && !off && size == 4)
		memcpy(data, &ticks, 4);
}

/**
 * pm_init() - answer the ports that the FADT names
 * @vm: machine
 */
int pm_init(struct vm *vm)
{
	int ret;

	ret = pio_add(&vm->pio, PM1_EVT_PORT, 4, pm1_event, &vm->pm);
	if (!ret)
		ret = pio_add(&vm->pio, PM1_CNT_PORT, 2, pm1_control, vm);
	if (!ret)
		ret = pio_add(&vm->pio, PM_TMR_PORT, 4, pm_timer, vm);
	return ret;
}
