// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters. A value out of range is refused: with EINVAL at load, or
 * by the write where the parameter can be changed later.
 */

#include <linux/moduleparam.h>

#include "param.h"

#define KL_PARAM(name, min, max, mode)					\
static int kl_set_##name(const char *val, const struct kernel_param *kp) \
{									\
	return param_set_uint_minmax(val, kp, min, max);		\
}									\
static const struct kernel_param_ops kl_ops_##name = {			\
	.set = kl_set_##name,						\
	.get = param_get_uint,						\
};									\
module_param_cb(name, &kl_ops_##name, &kl_param_##name, mode)

unsigned int kl_param_large_pages = 2;
KL_PARAM(large_pages, 0, 2, 0644);
MODULE_PARM_DESC(large_pages, "largest page in a guest's nested tables: 0: 4K, 1: 2M, 2: 1G where the CPU can (default 2)");

unsigned int kl_param_max_vms = 1024;
KL_PARAM(max_vms, 1, 65536, 0644);
MODULE_PARM_DESC(max_vms, "most virtual machines at a time, 1 to 65536 (default 1024); one more gets ENOSPC");

unsigned int kl_param_min_timer_us = 200;
KL_PARAM(min_timer_us, 10, 100000, 0644);
MODULE_PARM_DESC(min_timer_us, "shortest period of a guest's periodic timers, 10 to 100000 microseconds (default 200)");
