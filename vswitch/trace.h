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

#endif /* VSWITCH_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
