// SPDX-License-Identifier: GPL-2.0
/*
 * What is left of the keyboard controller: the line that resets the CPU.
 */
#include "vm.h"

#define CMD_RESET	0xfe

static void i8042_cmd(void *opaque, u16 off, void *data, unsigned int size,
		      bool write)
{
	struct vm *vm = opaque;
	u8 *value = data;

	(void)off;
	(void)size;
	if (!write)
		*value = 0;	/* both buffers empty: ready for a command */
	else if (*value == CMD_RESET)
		vm_stop(vm, VMM_RESET);
}

/**
 * i8042_init() - answer the command port
 * @vm: machine
 */
int i8042_init(struct vm *vm)
{
	return pio_add(&vm->pio, I8042_CMD_PORT, 1, i8042_cmd, vm);
}
