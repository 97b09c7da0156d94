// SPDX-License-Identifier: GPL-2.0
/* Module init and exit, in order. */

#include <linux/mdev.h>
#include <linux/module.h>

#include "control.h"
#include "gpu.h"
#include "slice.h"

static int __init vg_init(void)
{
	int ret;

	ret = vg_gpus_init();
	if (ret)
		return ret;
	ret = mdev_register_driver(&vg_mdev_driver);
	if (ret)
		goto err_gpus;
	ret = vg_control_init();
	if (ret)
		goto err_driver;
	return 0;

err_driver:
	mdev_unregister_driver(&vg_mdev_driver);
err_gpus:
	vg_gpus_exit();
	return ret;
}

static void __exit vg_exit(void)
{
	/* Every GPU and every open file holds the module. */
	vg_control_exit();
	mdev_unregister_driver(&vg_mdev_driver);
	vg_gpus_exit();
}

module_init(vg_init);
module_exit(vg_exit);

MODULE_DESCRIPTION("virtlite GPUs, sliced into mediated devices");
MODULE_LICENSE("GPL");
