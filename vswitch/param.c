// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters. Whoever has a user namespace of his own may make switches
 * in it; these bounds he cannot raise.
 */

#include <linux/module.h>
#include <linux/stringify.h>

#include "param.h"

#define VSW_PARAM(name, value, text)					\
	unsigned int vsw_param_##name = value;				\
	module_param_named(name, vsw_param_##name, uint, 0644);		\
	MODULE_PARM_DESC(name, text " (" __stringify(value) ")")

VSW_PARAM(max_switches, 64, "Most switches of one network namespace");
VSW_PARAM(max_ports, 8192, "Most ports of all switches of one network namespace");
VSW_PARAM(max_fdb, 1048576, "Most FDB entries of all switches of one network namespace");

/*
 * Whoever may make namespaces has as many of them as he likes: what one container
 * has in all of its, one user in all of his, and all users. See owner.h.
 */
VSW_PARAM(ns_switches, 128, "Most switches in one user namespace and those below it");
VSW_PARAM(ns_ports, 4096, "Most ports in one user namespace and those below it");
VSW_PARAM(ns_fdb, 524288, "Most FDB entries in one user namespace and those below it");

VSW_PARAM(user_switches, 256, "Most switches in user namespaces of one user, but root");
VSW_PARAM(user_ports, 8192, "Most ports in user namespaces of one user, but root");
VSW_PARAM(user_fdb, 1048576, "Most FDB entries in user namespaces of one user, but root");

VSW_PARAM(total_switches, 1024, "Most switches in all user namespaces");
VSW_PARAM(total_ports, 32768, "Most ports in all user namespaces");
VSW_PARAM(total_fdb, 4194304, "Most FDB entries in all user namespaces");
