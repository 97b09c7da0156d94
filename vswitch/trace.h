/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vswitch

#if !defined(VSWITCH_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VSWITCH_TRACE_H

#include <linux/tracepoint.h>

#include <virtlite/vswitch.h>

#include "switch.h"

#define VSW_TRACE_REASON(name, text) { VSWITCH_DROP_##name, text },

TRACE_EVENT(vsw_drop,
	    TP_PROTO(const struct vsw_port *port, const struct sk_buff *skb, u32 reason),
	    TP_ARGS(port, skb, reason),
	    TP_STRUCT__entry(__field(int, ifindex)
			     __field(u32, port)
			     __field(u32, reason)
			     __field(u32, len)
			     __field(const void *, skb)),
	    TP_fast_assign(__entry->ifindex = vsw_port_gone(port) ? 0 :
						port->sw->dev->ifindex;
			   __entry->port = port->id;
			   __entry->reason = reason;
			   __entry->len = skb->len;
			   __entry->skb = skb;),
	    TP_printk("switch %d port %u reason %s len %u skb %p", __entry->ifindex,
		      __entry->port,
		      __print_symbolic(__entry->reason,
				       VSWITCH_DROP_REASONS(VSW_TRACE_REASON) { -1, "" }),
		      __entry->len, __entry->skb)
);

#define VSW_TRACE_EVENTS						\
	{ VSWITCH_EVENT_PORT_ADDED, "port-added" },			\
	{ VSWITCH_EVENT_PORT_REMOVED, "port-removed" },			\
	{ VSWITCH_EVENT_PORT_UP, "port-up" },				\
	{ VSWITCH_EVENT_PORT_DOWN, "port-down" },			\
	{ VSWITCH_EVENT_LEARNED, "learned" },				\
	{ VSWITCH_EVENT_MOVED, "moved" },				\
	{ VSWITCH_EVENT_EXPIRED, "expired" },				\
	{ VSWITCH_EVENT_LIMIT, "limit" },				\
	{ VSWITCH_EVENT_BLOCKED, "blocked" },				\
	{ VSWITCH_EVENT_SWITCH_REMOVED, "switch-removed" },		\
	{ VSWITCH_EVENT_TEAM, "team" }

/* What an events file tells, whether somebody has one or not. */
TRACE_EVENT(vsw_event,
	    TP_PROTO(const struct vsw_switch *sw, const struct vswitch_event *event),
	    TP_ARGS(sw, event),
	    TP_STRUCT__entry(__field(int, ifindex)
			     __field(u32, kind)
			     __field(u32, port)
			     __field(u32, value)
			     __field(u16, vid)
			     __array(u8, mac, ETH_ALEN)),
	    TP_fast_assign(__entry->ifindex = sw->dev->ifindex;
			   __entry->kind = event->kind;
			   __entry->port = event->port;
			   __entry->value = event->value;
			   __entry->vid = event->vid;
			   memcpy(__entry->mac, event->mac, ETH_ALEN);),
	    TP_printk("switch %d %s port %u mac %pM vlan %u value %u", __entry->ifindex,
		      __print_symbolic(__entry->kind, VSW_TRACE_EVENTS), __entry->port,
		      __entry->mac, __entry->vid, __entry->value)
);

#endif /* VSWITCH_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
