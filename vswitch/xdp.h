/* SPDX-License-Identifier: GPL-2.0 */
/* XDP programs on vNICs. */
#ifndef VSWITCH_XDP_H
#define VSWITCH_XDP_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct net_device;
struct netdev_bpf;
struct sk_buff;
struct vsw_cell;
struct vsw_port;
struct xdp_frame;

/*
 * What a program is given lies in one page, so that it can be handed on: less the
 * headroom and the shared info, rounded down.
 */
#define VSW_XDP_MAX_MTU 3400

/* Some vNIC has a program. */
DECLARE_STATIC_KEY_FALSE(vsw_xdp_key);

int vsw_xdp_command(struct net_device *dev, struct netdev_bpf *bpf);
int vsw_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags);
struct sk_buff *vsw_xdp_segment(struct vsw_port *port, struct sk_buff *skb);
struct sk_buff *vsw_xdp_run(struct vsw_cell *cell, struct sk_buff *skb, bool *redirected);

#endif /* VSWITCH_XDP_H */
