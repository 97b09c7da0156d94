// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vswitch in a few calls.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "switch.h"
#include "virtlite.h"

/**
 * vl_switch_open() - open the device, in this process's network namespace
 */
int vl_switch_open(void)
{
	int fd = open(VL_SWITCH_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return vl_error(errno, "%s%s", VL_SWITCH_DEVICE,
			errno == ENOENT ? " (is the module vswitch loaded?)" : "");
}

/**
 * vl_switch_call() - a call, with the kernel's own words if it fails
 * @fd: the device
 * @req: VSWITCH_*
 * @arg: begins with a struct vswitch_head whose size is set
 * @name: what the message calls it
 */
int vl_switch_call(int fd, unsigned long req, void *arg, const char *name)
{
	struct vswitch_head *head = arg;
	char text[128] = "";
	int err;

	head->msg_ptr = (unsigned long)text;
	head->msg_len = sizeof(text);
	err = ioctl(fd, req, arg) ? errno : 0;
	head->msg_ptr = 0;
	head->msg_len = 0;
	if (!err)
		return 0;
	if (*text)
		return vl_error(err, "%s: %s", name, text);
	return vl_error(err, "%s", name);
}

/**
 * vl_switch_index() - the interface index of a switch
 * @name: of its netdev
 */
int vl_switch_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	return index ? (int)index : vl_error(ENODEV, "switch %s", name);
}

/**
 * vl_switch_list() - all switches, or all ports of one
 * @fd: the device
 * @ifindex: the switch, or 0 for switches
 * @found: their numbers, to be freed
 *
 * Return: how many.
 */
int vl_switch_list(int fd, unsigned int ifindex, unsigned int **found)
{
	struct vswitch_list list = {
		.head = { .size = sizeof(list), .ifindex = ifindex },
		.count = 4096,
	};
	int ret;

	*found = calloc(list.count, sizeof(**found));
	if (!*found)
		return vl_error(ENOMEM, "list");
	list.ptr = (unsigned long)*found;
	ret = vl_switch_call(fd, ifindex ? VSWITCH_LIST_PORTS : VSWITCH_LIST, &list, "list");
	if (ret) {
		free(*found);
		*found = NULL;
		return ret;
	}
	return list.count < 4096 ? list.count : 4096;
}

/**
 * vl_switch_port_id() - a port by number or name
 * @fd: the device
 * @ifindex: the switch
 * @name: what people call it
 * @id: its number
 */
int vl_switch_port_id(int fd, unsigned int ifindex, const char *name, unsigned int *id)
{
	unsigned int *ids;
	char *end;
	int i, n;

	*id = strtoul(name, &end, 10);
	if (isdigit((unsigned char)*name) && !*end)
		return 0;
	n = vl_switch_list(fd, ifindex, &ids);
	for (i = 0; i < n; i++) {
		struct vswitch_port p = {
			.head = { .size = sizeof(p), .ifindex = ifindex },
			.port = ids[i],
		};

		/* It may have gone since. */
		if (vl_switch_call(fd, VSWITCH_GET_PORT, &p, "port") ||
		    strcmp((char *)p.name, name))
			continue;
		*id = ids[i];
		free(ids);
		return 0;
	}
	if (n < 0)
		return n;
	free(ids);
	return vl_error(ENOENT, "port %s", name);
}

/**
 * vl_switch_fdb() - the whole forwarding database
 * @fd: the device
 * @ifindex: the switch
 * @port: of this port, or VSWITCH_PORT_NONE
 * @entries: to be freed
 *
 * Return: how many entries.
 */
int vl_switch_fdb(int fd, unsigned int ifindex, unsigned int port,
		  struct vswitch_fdb_entry **entries)
{
	struct vswitch_fdb_dump dump = {
		.head = { .size = sizeof(dump), .ifindex = ifindex },
		.port = port,
	};
	struct vswitch_fdb_entry *grown;
	size_t n = 0, room = 0;
	int ret;

	*entries = NULL;
	do {
		if (room - n < 1024) {
			room = room * 2 + 4096;
			grown = reallocarray(*entries, room, sizeof(*grown));
			if (!grown) {
				ret = vl_error(ENOMEM, "fdb");
				goto err;
			}
			*entries = grown;
		}
		dump.ptr = (unsigned long)(*entries + n);
		dump.count = room - n;
		ret = vl_switch_call(fd, VSWITCH_FDB_DUMP, &dump, "fdb");
		if (ret == -EAGAIN) {
			/* The table was rebuilt. */
			n = 0;
			dump.cursor = 0;
			continue;
		}
		if (ret)
			goto err;
		n += dump.count;
	} while (ret || dump.cursor);
	return n;
err:
	free(*entries);
	*entries = NULL;
	return ret;
}

/**
 * vl_switch_stat_name() - a counter's name, as ethtool -S has it
 * @which: VSWITCH_STAT_* or VSWITCH_DROP_*
 */
const char *vl_switch_stat_name(unsigned int which)
{
	static const char *const names[VSWITCH_NR_STATS] = {
		"in_frames", "in_bytes", "in_multicast", "out_frames", "out_bytes",
		"flooded", "learned", "moved", "fdb_full", "mirrored",
#define DROP_NAME(name, text) \
		[VSWITCH_DROP_##name] = "drop_" text,
		VSWITCH_DROP_REASONS(DROP_NAME)
	};

	return which < VSWITCH_NR_STATS ? names[which] : "unknown";
}
