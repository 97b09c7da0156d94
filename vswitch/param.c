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

/*
 * Whoever may make namespaces has as many of them as he likes: what one user has
 * in all of his, and what all users have. See owner.h for who is one.
 */
unsigned int vsw_param_user_switches = 256;
module_param_named(user_switches, vsw_param_user_switches, uint, 0644);
MODULE_PARM_DESC(user_switches, "Most switches in user namespaces of one user (256)");

unsigned int vsw_param_user_ports = 8192;
module_param_named(user_ports, vsw_param_user_ports, uint, 0644);
MODULE_PARM_DESC(user_ports, "Most ports in user namespaces of one user (8192)");

unsigned int vsw_param_user_fdb = 1 << 20;
module_param_named(user_fdb, vsw_param_user_fdb, uint, 0644);
MODULE_PARM_DESC(user_fdb, "Most FDB entries in user namespaces of one user (1048576)");

unsigned int vsw_param_total_switches = 1024;
module_param_named(total_switches, vsw_param_total_switches, uint, 0644);
MODULE_PARM_DESC(total_switches, "Most switches in all user namespaces (1024)");

unsigned int vsw_param_total_ports = 32768;
module_param_named(total_ports, vsw_param_total_ports, uint, 0644);
MODULE_PARM_DESC(total_ports, "Most ports in all user namespaces (32768)");

unsigned int vsw_param_total_fdb = 1 << 22;
module_param_named(total_fdb, vsw_param_total_fdb, uint, 0644);
MODULE_PARM_DESC(total_fdb, "Most FDB entries in all user namespaces (4194304)");
