// SPDX-License-Identifier: GPL-2.0
/* Calls about the forwarding database. */

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "dev.h"
#include "frame.h"
#include "switch.h"

/* Entries of one call: as long as others may have to wait for it. */
#define VSW_DUMP_MAX 4096

static int vsw_entry_check(struct vsw_call *call, const struct vswitch_fdb_entry *e)
{
	if (e->pad || e->flags & ~(VSWITCH_FDB_STATIC | VSWITCH_FDB_STICKY))
		return vsw_call_error(call, -EINVAL, "unknown flag");
	if (!vsw_mac_ok(e->mac))
		return vsw_call_error(call, -EADDRNOTAVAIL, "not a unicast address");
	if (e->vid > 4094)
		return vsw_call_error(call, -EINVAL, "VLANs are below 4095");
	return 0;
}

int vsw_call_fdb_add(struct vsw_call *call)
{
	struct vswitch_fdb_change *c = call->arg;
	struct vsw_port *port = vsw_call_port(call, c->entry.port);
	int ret;

	if (!port)
		return -ENOENT;
	ret = vsw_entry_check(call, &c->entry);
	if (ret)
		return ret;
	ret = vsw_fdb_add(&call->sw->fdb, port, vsw_fdb_key(c->entry.mac, c->entry.vid),
			  c->entry.flags, msecs_to_jiffies(c->entry.age_ms),
			  c->head.flags & VSWITCH_F_REPLACE);
	if (ret == -EEXIST)
		NL_SET_ERR_MSG(&call->extack, "there is an entry for that address");
	else if (ret == -EPERM)
		NL_SET_ERR_MSG(&call->extack, "that is the switch's own address");
	else if (ret == -ENOSPC)
		NL_SET_ERR_MSG(&call->extack, "the database is full");
	return ret;
}

int vsw_call_fdb_del(struct vsw_call *call)
{
	struct vswitch_fdb_change *c = call->arg;
	int ret;

	ret = vsw_entry_check(call, &c->entry);
	if (ret)
		return ret;
	ret = vsw_fdb_del(&call->sw->fdb, vsw_fdb_key(c->entry.mac, c->entry.vid));
	if (ret == -ENOENT)
		NL_SET_ERR_MSG(&call->extack, "there is no entry for that address");
	else if (ret == -EPERM)
		NL_SET_ERR_MSG(&call->extack, "that is the switch's own address");
	return ret;
}

int vsw_call_fdb_dump(struct vsw_call *call)
{
	struct vswitch_fdb_dump *d = call->arg;
	struct vswitch_fdb_entry *to;
	struct vsw_port *port = NULL;
	u32 count = min_t(u32, d->count, VSW_DUMP_MAX);
	int ret;

	if (count < 8)
		return vsw_call_error(call, -EINVAL, "there must be room for 8 entries");
	if (d->port != VSWITCH_PORT_NONE) {
		port = vsw_call_port(call, d->port);
		if (!port)
			return -ENOENT;
	}
	to = kvcalloc(count, sizeof(*to), GFP_KERNEL);
	if (!to)
		return -ENOMEM;
	call->out = to;
	call->out_ptr = d->ptr;
	ret = vsw_fdb_dump(&call->sw->fdb, port, &d->cursor, to, &count);
	d->count = count;
	call->out_len = count * sizeof(*to);
	return ret;
}

int vsw_call_fdb_flush(struct vsw_call *call)
{
	struct vswitch_fdb_flush *f = call->arg;
	struct vsw_port *port = NULL;

	if (f->vid < -1 || f->vid > 4094)
		return vsw_call_error(call, -EINVAL, "VLANs are below 4095");
	if (f->port != VSWITCH_PORT_NONE) {
		port = vsw_call_port(call, f->port);
		if (!port)
			return -ENOENT;
	}
	vsw_fdb_flush(&call->sw->fdb, port, f->vid, f->head.flags & VSWITCH_F_FLUSH_STATIC ?
		      VSW_FLUSH_STATIC : VSW_FLUSH_LEARNED);
	return 0;
}

int vsw_call_list_groups(struct vsw_call *call)
{
	struct vswitch_list *list = call->arg;
	u32 room = min_t(u32, list->count, VSW_MCAST_MAX);

	if (list->pad)
		return -EINVAL;
	call->out = kvcalloc(max(room, 1U), sizeof(struct vswitch_group), GFP_KERNEL);
	if (!call->out)
		return -ENOMEM;
	call->out_ptr = list->ptr;
	list->count = vsw_mcast_dump(call->sw, call->out, room);
	call->out_len = min(room, list->count) * sizeof(struct vswitch_group);
	return 0;
}
