// SPDX-License-Identifier: GPL-2.0
/* Module init and exit, in order. */

#include <linux/module.h>

#include "control.h"
#include "disk.h"

static int __init vb_init(void)
{
	return vb_control_init();
}

static void __exit vb_exit(void)
{
	/* Every attached disk and every open file holds the module. */
	vb_control_exit();
	vb_disks_exit();
}

module_init(vb_init);
module_exit(vb_exit);

MODULE_DESCRIPTION("virtlite virtual disks on files, block devices and memory");
MODULE_LICENSE("GPL");
