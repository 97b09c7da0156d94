// SPDX-License-Identifier: GPL-2.0
/* Module init and exit, in order: there are only tests so far. */

#include <linux/module.h>

static int __init vg_init(void)
{
	return 0;
}

static void __exit vg_exit(void)
{
}

module_init(vg_init);
module_exit(vg_exit);

MODULE_DESCRIPTION("virtlite: engines and scheduler of sliced GPUs, and their tests");
MODULE_LICENSE("GPL");
