/* SPDX-License-Identifier: GPL-2.0 */
/* Files that tell what happens at a switch. */
#ifndef VSWITCH_EVENT_H
#define VSWITCH_EVENT_H

#include <linux/jump_label.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>

struct file;
struct vsw_port;
struct vsw_switch;

/* Somebody watches some switch. */
DECLARE_STATIC_KEY_FALSE(vsw_event_key);
DECLARE_TRACEPOINT(vsw_event);

struct file *vsw_event_open(struct vsw_switch *sw, u32 mask);
void vsw_event_send(struct vsw_switch *sw, u32 kind, struct vsw_port *port, u64 key, u32 value);
void vsw_event_end(struct vsw_switch *sw);

/**
 * vsw_event() - something has happened
 * @sw: where; NULL in tests
 * @kind: VSWITCH_EVENT_*
 * @port: to whom, or NULL
 * @key: address and VLAN, or 0
 * @value: see the kind
 *
 * Context: any but hard interrupts.
 */
static inline void vsw_event(struct vsw_switch *sw, u32 kind, struct vsw_port *port, u64 key,
			     u32 value)
{
	if ((static_branch_unlikely(&vsw_event_key) || tracepoint_enabled(vsw_event)) && sw)
		vsw_event_send(sw, kind, port, key, value);
}

#endif /* VSWITCH_EVENT_H */
