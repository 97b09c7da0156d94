// SPDX-License-Identifier: GPL-2.0
/* Calls about switches as such. */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "dev.h"
#include "event.h"
#include "param.h"
#include "switch.h"

#define VSW_SET_ALL (VSWITCH_SET_AGEING | VSWITCH_SET_FDB_LIMIT | VSWITCH_SET_RESERVED | \
		     VSWITCH_SET_MOVES | VSWITCH_SET_REPEATS | VSWITCH_SET_SNOOPING)

int vsw_call_get_info(struct vsw_call *call)
{
	struct vswitch_info *info = call->arg;

	info->features = VSWITCH_FEATURE_VNIC | VSWITCH_FEATURE_UPLINK | VSWITCH_FEATURE_QUEUE |
			 VSWITCH_FEATURE_VLAN | VSWITCH_FEATURE_QINQ |
			 VSWITCH_FEATURE_PRIVATE_VLAN | VSWITCH_FEATURE_MIRROR |
			 VSWITCH_FEATURE_RATE | VSWITCH_FEATURE_LOOP_GUARD |
			 VSWITCH_FEATURE_ANNOUNCE | VSWITCH_FEATURE_EVENTS |
			 VSWITCH_FEATURE_POLICY | VSWITCH_FEATURE_XDP |
			 VSWITCH_FEATURE_SNOOPING | VSWITCH_FEATURE_TEAM;
	info->max_switches = READ_ONCE(vsw_param_max_switches);
	info->max_ports = VSW_MAX_PORTS;
	info->max_fdb = READ_ONCE(vsw_param_max_fdb);
	info->max_queues = VSW_MAX_QUEUES;
	info->max_mirrors = VSW_MAX_MIRRORS;
	info->nr_stats = VSWITCH_NR_STATS;
	return 0;
}

/* Everything is checked before anything is changed. */
static int vsw_switch_check(struct vsw_call *call, const struct vswitch_switch *s)
{
	if (s->set & ~VSW_SET_ALL || s->pad)
		return vsw_call_error(call, -EINVAL, "unknown attribute");
	if (s->set & VSWITCH_SET_AGEING && s->ageing_ms && s->ageing_ms < 1000)
		return vsw_call_error(call, -ERANGE, "the ageing time is 0 or at least 1000 ms");
	if (s->set & VSWITCH_SET_FDB_LIMIT && !s->fdb_limit)
		return vsw_call_error(call, -ERANGE, "the FDB limit is at least 1");
	if (s->set & VSWITCH_SET_RESERVED && s->reserved & ~0xfffdU)
		return vsw_call_error(call, -ERANGE, "16 addresses are reserved; 1 is PAUSE");
	if (s->set & VSWITCH_SET_MOVES &&
	    (s->move_limit > U16_MAX - 1 || s->move_hold_ms < 100 || s->move_hold_ms > 60000))
		return vsw_call_error(call, -ERANGE, "move limit below 65535, hold 100 to 60000");
	if (s->set & VSWITCH_SET_REPEATS && s->repeat_limit > U16_MAX - 2)
		return vsw_call_error(call, -ERANGE, "the repeat limit is below 65534");
	if (s->set & VSWITCH_SET_SNOOPING && s->snooping > 1)
		return vsw_call_error(call, -EOPNOTSUPP, "snooping is 0 or 1");
	return 0;
}

static void vsw_switch_apply(struct vsw_switch *sw, const struct vswitch_switch *s)
{
	if (s->set & VSWITCH_SET_AGEING)
		vsw_fdb_set_ageing(&sw->fdb, msecs_to_jiffies(s->ageing_ms));
	if (s->set & VSWITCH_SET_FDB_LIMIT)
		WRITE_ONCE(sw->fdb.limit, s->fdb_limit);
	if (s->set & VSWITCH_SET_RESERVED)
		WRITE_ONCE(sw->reserved, s->reserved);
	if (s->set & VSWITCH_SET_MOVES) {
		WRITE_ONCE(sw->fdb.move_limit, s->move_limit);
		WRITE_ONCE(sw->fdb.move_hold, msecs_to_jiffies(s->move_hold_ms));
	}
	if (s->set & VSWITCH_SET_REPEATS)
		WRITE_ONCE(sw->repeat.limit, s->repeat_limit);
	if (s->set & VSWITCH_SET_SNOOPING)
		vsw_mcast_set(sw, s->snooping);
}

static void vsw_switch_tell(struct vsw_switch *sw, struct vswitch_switch *s)
{
	s->head.ifindex = sw->dev->ifindex;
	strscpy_pad((char *)s->name, sw->dev->name, sizeof(s->name));
	s->set = 0;
	s->ageing_ms = jiffies_to_msecs(sw->fdb.ageing);
	s->fdb_limit = sw->fdb.limit;
	s->reserved = sw->reserved;
	s->move_limit = sw->fdb.move_limit;
	s->move_hold_ms = jiffies_to_msecs(sw->fdb.move_hold);
	s->fdb_count = READ_ONCE(sw->fdb.count);
	s->nr_ports = sw->nr_ports;
	s->vlan_aware = sw->vlan_aware;
	s->repeat_limit = sw->repeat.limit;
	s->snooping = sw->mcast.on;
	s->pad = 0;
}

int vsw_call_create(struct vsw_call *call)
{
	struct vswitch_switch *s = call->arg;
	struct vsw_switch *sw;
	int ret;

	if (s->head.ifindex)
		return -EINVAL;
	if (strnlen((char *)s->name, sizeof(s->name)) == sizeof(s->name))
		return vsw_call_error(call, -EINVAL, "the name is too long");
	ret = vsw_switch_check(call, s);
	if (ret)
		return ret;
	sw = vsw_switch_create(call->file->net, (char *)s->name, &call->extack);
	if (IS_ERR(sw))
		return PTR_ERR(sw);
	vsw_switch_apply(sw, s);
	if (s->head.flags & VSWITCH_F_AUTODESTROY)
		list_add_tail(&sw->owned, &call->file->owned);
	vsw_switch_tell(sw, s);
	return 0;
}

int vsw_call_get(struct vsw_call *call)
{
	vsw_switch_tell(call->sw, call->arg);
	return 0;
}

int vsw_call_set(struct vsw_call *call)
{
	struct vswitch_switch *s = call->arg;
	int ret;

	ret = vsw_switch_check(call, s);
	if (ret)
		return ret;
	vsw_switch_apply(call->sw, s);
	vsw_switch_tell(call->sw, s);
	return 0;
}

int vsw_call_delete(struct vsw_call *call)
{
	vsw_switch_delete(call->sw);
	return 0;
}

/* An array of numbers for the caller, with room for what he has room for. */
static int vsw_list_begin(struct vsw_call *call, u32 **to)
{
	struct vswitch_list *list = call->arg;
	u32 room = min_t(u32, list->count, VSW_MAX_PORTS);

	if (list->pad)
		return -EINVAL;
	*to = kvcalloc(max(room, 1U), sizeof(u32), GFP_KERNEL);
	if (!*to)
		return -ENOMEM;
	call->out = *to;
	call->out_ptr = list->ptr;
	return room;
}

static void vsw_list_end(struct vsw_call *call, u32 room, u32 count)
{
	struct vswitch_list *list = call->arg;

	list->count = count;
	call->out_len = min(room, count) * sizeof(u32);
}

int vsw_call_list(struct vsw_call *call)
{
	struct vsw_switch *sw;
	u32 *to, n = 0;
	int room;

	room = vsw_list_begin(call, &to);
	if (room < 0)
		return room;
	list_for_each_entry(sw, &vsw_net(call->file->net)->switches, list) {
		if (n < room)
			to[n] = sw->dev->ifindex;
		n++;
	}
	vsw_list_end(call, room, n);
	return 0;
}

int vsw_call_list_ports(struct vsw_call *call)
{
	struct vsw_port *port;
	unsigned long id;
	u32 *to, n = 0;
	int room;

	room = vsw_list_begin(call, &to);
	if (room < 0)
		return room;
	xa_for_each(&call->sw->ids, id, port) {
		if (n < room)
			to[n] = id;
		n++;
	}
	vsw_list_end(call, room, n);
	return 0;
}

int vsw_call_events(struct vsw_call *call)
{
	struct vswitch_events *events = call->arg;
	struct file *file;

	if (events->mask >= BIT(VSWITCH_NR_EVENTS))
		return vsw_call_error(call, -EINVAL, "unknown kind of event");
	file = vsw_event_open(call->sw, events->mask);
	if (IS_ERR(file))
		return PTR_ERR(file);
	call->new_file = file;
	call->new_fd = &events->fd;
	return 0;
}
