/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/vswitch in a few calls; conventions as in virtlite.h. */
#ifndef VIRTLITE_SWITCH_H
#define VIRTLITE_SWITCH_H

#include <virtlite/vswitch.h>

#define VL_SWITCH_DEVICE "/dev/vswitch"

int vl_switch_open(void);
int vl_switch_call(int fd, unsigned long req, void *arg, const char *name);
int vl_switch_index(const char *name);
int vl_switch_list(int fd, unsigned int ifindex, unsigned int **found);
int vl_switch_port_id(int fd, unsigned int ifindex, const char *name, unsigned int *id);
int vl_switch_fdb(int fd, unsigned int ifindex, unsigned int port,
		  struct vswitch_fdb_entry **entries);
const char *vl_switch_stat_name(unsigned int which);

#endif /* VIRTLITE_SWITCH_H */
