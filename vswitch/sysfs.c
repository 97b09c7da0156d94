// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/net/SWITCH/vswitch and /sys/class/net/VNIC/vswitch_port: what one may
 * want to see without a program for it. Read only, and without a lock: a number is
 * what it was at some moment. The core removes the files, and waits for readers,
 * before a netdev's port goes.
 */

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/sysfs.h>

#include "nic.h"
#include "switch.h"

#define VSW_SHOW(name, type, object, value)						\
	static ssize_t name##_show(struct device *d, struct device_attribute *attr, char *buf) \
	{										\
		const struct type *o = object;						\
											\
		return sysfs_emit(buf, "%u\n", (unsigned int)(value));			\
	}										\
	static DEVICE_ATTR_RO(name)

#define VSW_SHOW_SWITCH(name, value) VSW_SHOW(name, vsw_switch, netdev_priv(to_net_dev(d)), value)

VSW_SHOW_SWITCH(ageing_ms, jiffies_to_msecs(READ_ONCE(o->fdb.ageing)));
VSW_SHOW_SWITCH(fdb_count, READ_ONCE(o->fdb.count));
VSW_SHOW_SWITCH(fdb_limit, READ_ONCE(o->fdb.limit));
VSW_SHOW_SWITCH(ports, READ_ONCE(o->nr_ports));
VSW_SHOW_SWITCH(vlan_aware, READ_ONCE(o->vlan_aware));
VSW_SHOW_SWITCH(snooping, READ_ONCE(o->mcast.on));

static struct attribute *vsw_switch_attrs[] = {
	&dev_attr_ageing_ms.attr,
	&dev_attr_fdb_count.attr,
	&dev_attr_fdb_limit.attr,
	&dev_attr_ports.attr,
	&dev_attr_vlan_aware.attr,
	&dev_attr_snooping.attr,
	NULL,
};

const struct attribute_group vsw_switch_group = {
	.name = "vswitch",
	.attrs = vsw_switch_attrs,
};

#define VSW_SHOW_PORT(name, value) VSW_SHOW(name, vsw_port, vsw_nic_port(to_net_dev(d)), value)

VSW_SHOW_PORT(port, o->id);
VSW_SHOW_PORT(options, READ_ONCE(o->conf));
VSW_SHOW_PORT(role, READ_ONCE(o->role));
VSW_SHOW_PORT(community, READ_ONCE(o->community));
VSW_SHOW_PORT(addresses, READ_ONCE(o->fdb_count));

static struct attribute *vsw_vnic_attrs[] = {
	&dev_attr_port.attr,
	&dev_attr_options.attr,
	&dev_attr_role.attr,
	&dev_attr_community.attr,
	&dev_attr_addresses.attr,
	NULL,
};

const struct attribute_group vsw_vnic_group = {
	.name = "vswitch_port",
	.attrs = vsw_vnic_attrs,
};
