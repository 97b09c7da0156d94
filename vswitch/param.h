/* SPDX-License-Identifier: GPL-2.0 */
/* Limits that only the administrator of the machine sets, and defaults. */
#ifndef VSWITCH_PARAM_H
#define VSWITCH_PARAM_H

#define VSW_MAX_PORTS 4096
#define VSW_MAX_QUEUES 16
#define VSW_MAX_MIRRORS 8
#define VSW_MAX_WATCHERS 16
#define VSW_FDB_LIMIT_DEFAULT 65536
#define VSW_AGEING_DEFAULT 300000	/* ms */
#define VSW_MOVE_LIMIT_DEFAULT 5	/* a second */
#define VSW_MOVE_HOLD_DEFAULT 1000	/* ms */
#define VSW_REPEAT_LIMIT_DEFAULT 64	/* a second */
#define VSW_RING_SIZE 1024		/* frames that wait for one receiver */

extern unsigned int vsw_param_max_switches;
extern unsigned int vsw_param_max_ports;
extern unsigned int vsw_param_max_fdb;
extern unsigned int vsw_param_ns_switches;
extern unsigned int vsw_param_ns_ports;
extern unsigned int vsw_param_ns_fdb;
extern unsigned int vsw_param_user_switches;
extern unsigned int vsw_param_user_ports;
extern unsigned int vsw_param_user_fdb;
extern unsigned int vsw_param_total_switches;
extern unsigned int vsw_param_total_ports;
extern unsigned int vsw_param_total_fdb;

#endif /* VSWITCH_PARAM_H */
