/* SPDX-License-Identifier: GPL-2.0 */
/* A frame's way through the switch. */
#ifndef VSWITCH_FORWARD_H
#define VSWITCH_FORWARD_H

#include <linux/jump_label.h>
#include <linux/skbuff.h>

struct vsw_port;

/* Some switch is VLAN-aware. */
DECLARE_STATIC_KEY_FALSE(vsw_vlan_key);

void vsw_input(struct vsw_port *in, struct sk_buff *skb);
void vsw_forward_to(struct vsw_port *in, struct vsw_port *out, struct sk_buff *skb, u16 vid);
void vsw_send(struct vsw_port *out, struct sk_buff *skb);
bool vsw_too_big(const struct vsw_port *out, const struct sk_buff *skb);
bool vsw_uplink_keeps(struct vsw_port *in, const u8 *dst);
void vsw_drop(struct vsw_port *port, struct sk_buff *skb, u32 reason);

#endif /* VSWITCH_FORWARD_H */
