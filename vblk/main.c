// SPDX-License-Identifier: GPL-2.0
/* Module init and exit, in order. */

#include <linux/module.h>

#include "control.h"
#include "disk.h"
#include "image.h"

static int __init vb_init(void)
{
	int ret;

	ret = vb_cache_init();
	if (ret)
		return ret;
	ret = vb_control_init();
	if (ret)
		vb_cache_exit();
	return ret;
}

static void __exit vb_exit(void)
{
	/* Every attached disk and every open file holds the module. */
	vb_control_exit();
	vb_disks_exit();
	vb_cache_exit();
}

module_init(vb_init);
module_exit(vb_exit);

MODULE_DESCRIPTION("virtlite virtual disks on files, block devices, memory and images");
MODULE_LICENSE("GPL");
