// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite switch save, restore: a switch as a piece of JSON, and back. It holds
 * what was configured, not what was learned: options of switch and ports, VLANs,
 * limits, mirrors, and FDB entries that do not age.
 *
 * The ports of virtual machines belong to those and come back with them; a vNIC
 * comes back in this network namespace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cmd.h"
#include "switch.h"

#define VLAN_WORDS 64

static void put(json_object *o, const char *key, unsigned long long value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void put_text(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static unsigned long long get(json_object *o, const char *key)
{
	return json_object_get_int64(json_object_object_get(o, key));
}

static const char *get_text(json_object *o, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(o, key));

	return text ? text : "";
}

/* ------------------------------------------------------------------- save */

static int save_vlan(int fd, unsigned int sw, unsigned int port, json_object *o)
{
	struct vswitch_vlan v = { .head = head_of(vswitch_vlan, sw), .port = port };
	json_object *allowed;

	if (call(fd, VSWITCH_GET_VLAN, &v, "vlan"))
		return -1;
	put(o, "vlan_mode", v.mode);
	put(o, "vlan", v.vid);
	put(o, "tpid", v.tpid);
	allowed = json_object_new_array();
	for (int vid = 1; v.mode == VSWITCH_VLAN_TRUNK && vid < 4095; vid++)
		if (v.allowed[vid / 64] & 1ULL << (vid % 64))
			json_object_array_add(allowed, json_object_new_int(vid));
	json_object_object_add(o, "allowed", allowed);
	return 0;
}

static int save_rates(int fd, unsigned int sw, unsigned int port, json_object *o)
{
	struct vswitch_rate r = { .head = head_of(vswitch_rate, sw), .port = port };
	json_object *all, *one;

	if (call(fd, VSWITCH_GET_RATE, &r, "rate"))
		return -1;
	all = json_object_new_array();
	for (int i = 0; i < VSWITCH_NR_RATES; i++) {
		one = json_object_new_object();
		put(one, "rate", r.limit[i].rate);
		put(one, "burst", r.limit[i].burst);
		json_object_array_add(all, one);
	}
	json_object_object_add(o, "limits", all);
	return 0;
}

static json_object *save_port(int fd, unsigned int sw, unsigned int id)
{
	struct vswitch_port p = { .head = head_of(vswitch_port, sw), .port = id };
	json_object *o;
	char mac[18];

	if (call(fd, VSWITCH_GET_PORT, &p, "save"))
		return NULL;
	o = json_object_new_object();
	put(o, "port", p.port);
	put(o, "kind", p.kind);
	put_text(o, "name", (char *)p.name);
	put_text(o, "mac", mac_text(p.mac, mac));
	put(o, "options", p.conf);
	put(o, "role", p.role);
	put(o, "community", p.community);
	put(o, "fdb_limit", p.fdb_limit);
	put(o, "mtu", p.mtu);
	put(o, "team", p.team);
	if (!save_vlan(fd, sw, id, o) && !save_rates(fd, sw, id, o))
		return o;
	json_object_put(o);
	return NULL;
}

static int save_fdb(int fd, unsigned int sw, json_object *all)
{
	struct vswitch_fdb_entry *e;
	int n = vl_switch_fdb(fd, sw, VSWITCH_PORT_NONE, &e);
	json_object *o;
	char mac[18];

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		/* What comes with a netdev comes back with it. */
		if (!(e[i].flags & VSWITCH_FDB_STATIC) || e[i].flags & VSWITCH_FDB_LOCAL)
			continue;
		o = json_object_new_object();
		put_text(o, "mac", mac_text(e[i].mac, mac));
		put(o, "vlan", e[i].vid);
		put(o, "port", e[i].port);
		json_object_array_add(all, o);
	}
	free(e);
	return 0;
}

static int save_mirrors(int fd, unsigned int sw, json_object *all)
{
	struct vswitch_info info = { .head = head_of(vswitch_info, 0) };
	json_object *o;
	int ret = call(fd, VSWITCH_GET_INFO, &info, "info");

	for (unsigned int i = 0; !ret && i < info.max_mirrors; i++) {
		struct vswitch_mirror m = {
			.head = head_of(vswitch_mirror, sw), .session = i,
		};

		/* No such session. */
		if (call(fd, VSWITCH_GET_MIRROR, &m, "mirror"))
			continue;
		o = json_object_new_object();
		put(o, "session", i);
		put(o, "direction", m.direction);
		put(o, "source", m.source);
		put(o, "destination", m.destination);
		put(o, "snap", m.snap);
		put(o, "vlan", m.vid);
		json_object_array_add(all, o);
	}
	return ret;
}

static int save(int fd, unsigned int sw, json_object *o)
{
	struct vswitch_switch s = { .head = head_of(vswitch_switch, sw) };
	json_object *ports = json_object_new_array();
	json_object *fdb = json_object_new_array();
	json_object *mirrors = json_object_new_array();
	unsigned int *ids;
	int n, ret = call(fd, VSWITCH_GET, &s, "save");

	put_text(o, "name", (char *)s.name);
	put(o, "ageing_ms", s.ageing_ms);
	put(o, "fdb_limit", s.fdb_limit);
	put(o, "reserved", s.reserved);
	put(o, "move_limit", s.move_limit);
	put(o, "move_hold_ms", s.move_hold_ms);
	put(o, "repeat_limit", s.repeat_limit);
	put(o, "snooping", s.snooping);
	json_object_object_add(o, "ports", ports);
	json_object_object_add(o, "fdb", fdb);
	json_object_object_add(o, "mirrors", mirrors);
	n = ret ? ret : vl_switch_list(fd, sw, &ids);
	if (n < 0)
		return n;
	for (int i = 0; !ret && i < n; i++) {
		json_object *port = save_port(fd, sw, ids[i]);

		if (port)
			json_object_array_add(ports, port);
		else
			ret = -1;
	}
	free(ids);
	if (!ret)
		ret = save_fdb(fd, sw, fdb);
	return ret ? ret : save_mirrors(fd, sw, mirrors);
}

int do_switch_save(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	json_object *o;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	o = json_object_new_object();
	if (next_word(&w)) {
		ret = cmd_error("a word too many");
	} else if (save(fd, sw, o)) {
		ret = failed();
	} else {
		cmd_print_json(o);
		o = NULL;
	}
	json_object_put(o);
	close(fd);
	return ret;
}

/* ---------------------------------------------------------------- restore */

static int restore_vlan(int fd, unsigned int sw, json_object *o)
{
	struct vswitch_vlan v = {
		.head = head_of(vswitch_vlan, sw),
		.port = get(o, "port"),
		.mode = get(o, "vlan_mode"),
		.vid = get(o, "vlan"),
		.tpid = get(o, "tpid"),
	};
	json_object *allowed = json_object_object_get(o, "allowed");
	size_t n = json_object_is_type(allowed, json_type_array) ?
		   json_object_array_length(allowed) : 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int vid = json_object_get_int(json_object_array_get_idx(allowed, i));

		if (vid / 64 < VLAN_WORDS)
			v.allowed[vid / 64] |= 1ULL << (vid % 64);
	}
	return call(fd, VSWITCH_SET_VLAN, &v, "vlan");
}

static int restore_rates(int fd, unsigned int sw, json_object *o)
{
	struct vswitch_rate r = {
		.head = head_of(vswitch_rate, sw),
		.port = get(o, "port"),
		.set = (1U << VSWITCH_NR_RATES) - 1,
	};
	json_object *all = json_object_object_get(o, "limits"), *one;

	if (!json_object_is_type(all, json_type_array))
		return 0;
	for (int i = 0; i < VSWITCH_NR_RATES; i++) {
		one = json_object_array_get_idx(all, i);
		r.limit[i].rate = one ? get(one, "rate") : 0;
		r.limit[i].burst = one ? get(one, "burst") : 0;
	}
	return call(fd, VSWITCH_SET_RATE, &r, "rate");
}

static int restore_port(int fd, unsigned int sw, json_object *o)
{
	struct vswitch_port p = {
		.head = head_of(vswitch_port, sw),
		.netns_fd = -1,
		.port = get(o, "port"),
		.kind = get(o, "kind"),
		.conf = get(o, "options"),
		.conf_mask = get(o, "options") | VSWITCH_P_DEFAULT,
		.role = get(o, "role"),
		.community = get(o, "community"),
		.fdb_limit = get(o, "fdb_limit"),
		.mtu = get(o, "mtu"),
		.team = get(o, "team"),
		.set = VSWITCH_SET_PORT_CONF | VSWITCH_SET_PORT_ROLE | VSWITCH_SET_PORT_LIMIT,
	};
	bool add = p.kind != VSWITCH_KIND_LOCAL;

	if (p.kind == VSWITCH_KIND_QUEUE)
		return 0;
	/* An uplink's address and MTU are not the switch's to set. */
	if (p.kind == VSWITCH_KIND_UPLINK) {
		p.set |= VSWITCH_SET_PORT_TEAM;
	} else {
		p.set |= VSWITCH_SET_PORT_MAC | VSWITCH_SET_PORT_MTU;
		if (!parse_mac(get_text(o, "mac"), p.mac))
			return vl_error(EINVAL, "port %u: its address", p.port);
	}
	if (add)
		snprintf((char *)p.name, sizeof(p.name), "%s", get_text(o, "name"));
	else
		p.kind = 0;
	if (call(fd, add ? VSWITCH_ADD_PORT : VSWITCH_SET_PORT, &p, get_text(o, "name")) ||
	    restore_vlan(fd, sw, o))
		return -1;
	return restore_rates(fd, sw, o);
}

static int restore_entry(int fd, unsigned int sw, json_object *o)
{
	struct vswitch_fdb_change c = {
		.head = {
			.size = sizeof(c),
			.flags = VSWITCH_F_REPLACE,
			.ifindex = sw,
		},
		.entry = {
			.vid = get(o, "vlan"),
			.port = get(o, "port"),
			.flags = VSWITCH_FDB_STATIC,
		},
	};

	if (!parse_mac(get_text(o, "mac"), c.entry.mac))
		return vl_error(EINVAL, "an entry's address");
	return call(fd, VSWITCH_FDB_ADD, &c, "fdb");
}

static int restore_mirror(int fd, unsigned int sw, json_object *o)
{
	struct vswitch_mirror m = {
		.head = head_of(vswitch_mirror, sw),
		.session = get(o, "session"),
		.direction = get(o, "direction"),
		.source = get(o, "source"),
		.destination = get(o, "destination"),
		.snap = get(o, "snap"),
		.vid = get(o, "vlan"),
	};

	return call(fd, VSWITCH_SET_MIRROR, &m, "mirror");
}

static int each(json_object *o, const char *key, int fd, unsigned int sw,
		int (*restore)(int fd, unsigned int sw, json_object *o))
{
	json_object *all = json_object_object_get(o, key);
	size_t n = json_object_is_type(all, json_type_array) ? json_object_array_length(all) : 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++)
		ret = restore(fd, sw, json_object_array_get_idx(all, i));
	return ret;
}

/* All or nothing: a switch that cannot be had as it was is deleted. */
static int restore(int fd, json_object *o)
{
	struct vswitch_switch s = {
		.head = { .size = sizeof(s) },
		.set = VSWITCH_SET_AGEING | VSWITCH_SET_FDB_LIMIT | VSWITCH_SET_RESERVED |
		       VSWITCH_SET_MOVES | VSWITCH_SET_REPEATS | VSWITCH_SET_SNOOPING,
		.ageing_ms = get(o, "ageing_ms"),
		.fdb_limit = get(o, "fdb_limit"),
		.reserved = get(o, "reserved"),
		.move_limit = get(o, "move_limit"),
		.move_hold_ms = get(o, "move_hold_ms"),
		.repeat_limit = get(o, "repeat_limit"),
		.snooping = get(o, "snooping"),
	};
	struct vswitch_delete d;
	int ret;

	snprintf((char *)s.name, sizeof(s.name), "%s", get_text(o, "name"));
	if (call(fd, VSWITCH_CREATE, &s, get_text(o, "name")))
		return failed();
	ret = each(o, "ports", fd, s.head.ifindex, restore_port);
	if (!ret)
		ret = each(o, "fdb", fd, s.head.ifindex, restore_entry);
	if (!ret)
		ret = each(o, "mirrors", fd, s.head.ifindex, restore_mirror);
	if (!ret)
		return 0;
	ret = failed();
	d = (struct vswitch_delete){ .head = head_of(vswitch_delete, s.head.ifindex) };
	if (call(fd, VSWITCH_DELETE, &d, "restore"))
		failed();
	return ret;
}

int do_switch_restore(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	const char *path = next_word(&w), *name = next_word(&w);
	json_object *o;
	int fd, ret;

	if (!path || next_word(&w))
		return cmd_error("restore: a file, and a name if it is to have another");
	o = json_object_from_file(word_is(path, "-") ? "/dev/stdin" : path);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return cmd_error("%s holds no switch", path);
	}
	if (name)
		put_text(o, "name", name);
	fd = vl_switch_open();
	ret = fd < 0 ? failed() : restore(fd, o);
	if (fd >= 0)
		close(fd);
	json_object_put(o);
	return ret;
}
