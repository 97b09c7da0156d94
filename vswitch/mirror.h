/* SPDX-License-Identifier: GPL-2.0 */
/* Mirror sessions: copies of a port's frames for another port. */
#ifndef VSWITCH_MIRROR_H
#define VSWITCH_MIRROR_H

#include <linux/jump_label.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>

#include <virtlite/vswitch.h>

#include "param.h"

struct netlink_ext_ack;
struct vsw_port;
struct vsw_switch;

/**
 * struct vsw_mirror - a session
 * @direction: VSWITCH_MIRROR_*; 0: there is none
 * @source: whose frames; NULL: all ports'
 * @to: who gets the copies
 * @snap: bytes of each; 0: all
 * @vid: only this VLAN; 0: all
 *
 * Both ports are attached: a port ends its sessions before it goes.
 */
struct vsw_mirror {
	u32 direction;
	struct vsw_port *source;
	struct vsw_port *to;
	u32 snap;
	u16 vid;
};

/* A switch's sessions; replaced as a whole. */
struct vsw_mirror_set {
	struct rcu_head rcu;
	struct vsw_mirror s[VSW_MAX_MIRRORS];
};

/* Some switch has a session. */
DECLARE_STATIC_KEY_FALSE(vsw_mirror_key);

int vsw_mirror_set(struct vsw_switch *sw, u32 session, const struct vsw_mirror *m);
void vsw_mirror_forget(struct vsw_switch *sw, struct vsw_port *port);
void vsw_mirror_frame(struct vsw_switch *sw, struct vsw_port *port, u32 direction,
		      const struct sk_buff *skb, u16 vid, u16 prio);

#endif /* VSWITCH_MIRROR_H */
