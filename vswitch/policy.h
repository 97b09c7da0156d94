/* SPDX-License-Identifier: GPL-2.0 */
/* A switch's policy: a BPF program that sees each frame that comes in. */
#ifndef VSWITCH_POLICY_H
#define VSWITCH_POLICY_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct netlink_ext_ack;
struct sk_buff;
struct vsw_port;
struct vsw_switch;

/* Some switch has a policy. */
DECLARE_STATIC_KEY_FALSE(vsw_policy_key);

int vsw_policy_set(struct vsw_switch *sw, int fd, struct netlink_ext_ack *extack);
void vsw_policy_remove(struct vsw_switch *sw);
u32 vsw_policy_id(const struct vsw_switch *sw);
u32 vsw_policy_run(struct vsw_port *in, struct sk_buff *skb, u16 vid, struct vsw_port **to);

#endif /* VSWITCH_POLICY_H */
