/* SPDX-License-Identifier: GPL-2.0 */
/* Teams: uplinks to one segment, of which one is used. */
#ifndef VSWITCH_TEAM_H
#define VSWITCH_TEAM_H

#include <linux/types.h>

struct vsw_port;
struct vsw_switch;

void vsw_team_begin(struct vsw_port *port, u32 team);
void vsw_team_set(struct vsw_port *port, u32 team);
void vsw_team_update(struct vsw_switch *sw, u32 team);

#endif /* VSWITCH_TEAM_H */
