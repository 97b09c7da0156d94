// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters. Whoever has a user namespace of his own may make switches
 * in it; these bounds he cannot raise.
 */

#include <linux/module.h>

#include "param.h"

unsigned int vsw_param_max_switches = 64;
module_param_named(max_switches, vsw_param_max_switches, uint, 0644);
MODULE_PARM_DESC(max_switches, "Most switches of one network namespace (64)");

unsigned int vsw_param_max_ports = 8192;
module_param_named(max_ports, vsw_param_max_ports, uint, 0644);
MODULE_PARM_DESC(max_ports, "Most ports of all switches of one network namespace (8192)");

unsigned int vsw_param_max_fdb = 1 << 20;
module_param_named(max_fdb, vsw_param_max_fdb, uint, 0644);
MODULE_PARM_DESC(max_fdb, "Most FDB entries of all switches of one network namespace (1048576)");

/* Whoever may make namespaces has as much as he likes of them: what all have. */
unsigned int vsw_param_total_switches = 1024;
module_param_named(total_switches, vsw_param_total_switches, uint, 0644);
MODULE_PARM_DESC(total_switches, "Most switches of all network namespaces (1024)");

unsigned int vsw_param_total_ports = 32768;
module_param_named(total_ports, vsw_param_total_ports, uint, 0644);
MODULE_PARM_DESC(total_ports, "Most ports of all network namespaces (32768)");

unsigned int vsw_param_total_fdb = 1 << 22;
module_param_named(total_fdb, vsw_param_total_fdb, uint, 0644);
MODULE_PARM_DESC(total_fdb, "Most FDB entries of all network namespaces (4194304)");
