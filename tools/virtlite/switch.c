// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite switch: switches as such. Ports are in switch_port.c, what a switch
 * knows and tells in switch_fdb.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cmd.h"
#include "switch.h"

static int do_switch_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: virtlite switch add|set NAME [ageing MS] [fdb-limit N] [move-limit N]\n"
	       "                       [move-hold MS] [repeat-limit N] [reserved MASK]\n"
	       "                       [snooping on|off]\n"
	       "       virtlite switch del NAME\n"
	       "       virtlite switch show [NAME]\n"
	       "       virtlite switch port add NAME vnic|uplink DEV [netns NS] [mac MAC] [PORT-OPTION]...\n"
	       "       virtlite switch port set NAME PORT [mac MAC] [PORT-OPTION]...\n"
	       "       virtlite switch port del NAME PORT\n"
	       "       virtlite switch queue NAME [queues N] [mac MAC] [PORT-OPTION]... -- COMMAND...\n"
	       "       virtlite switch fdb show NAME [PORT]\n"
	       "       virtlite switch fdb add NAME MAC PORT [vlan N] [static|sticky] [replace]\n"
	       "       virtlite switch fdb del NAME MAC [vlan N]\n"
	       "       virtlite switch fdb flush NAME [port PORT] [vlan N] [static]\n"
	       "       virtlite switch mirror NAME SESSION PORT|all to PORT [in|out|both]\n"
	       "                       [vlan N] [snap BYTES]\n"
	       "       virtlite switch mirror NAME SESSION off\n"
	       "       virtlite switch stats NAME [PORT]\n"
	       "       virtlite switch events NAME\n"
	       "       virtlite switch groups NAME\n"
	       "       virtlite switch policy NAME [pinned PATH|off]\n"
	       "       virtlite switch guard FOLDER [PORT [source|dhcp|ra on|off]...]\n"
	       "       virtlite switch guard FOLDER bind PORT MAC ADDRESS\n"
	       "       virtlite switch guard FOLDER unbind PORT ADDRESS\n"
	       "       virtlite switch save NAME\n"
	       "       virtlite switch restore FILE|- [NAME]\n"
	       "\n"
	       "PORT-OPTION := OPTION on|off | mtu N | limit N | team N|off | unblock\n"
	       "             | promiscuous | isolated | community N\n"
	       "             | transparent | access N | trunk LIST [native N] [tpid 8100|88a8]\n"
	       "             | tunnel N | rate-in|rate-out BYTES | storm-bcast|storm-mcast|\n"
	       "               storm-unknown FRAMES\n"
	       "OPTION := learn | flood-unknown | flood-mcast | flood-bcast | locked | antispoof\n"
	       "        | sticky | limit-drop | bpdu-filter | bpdu-guard | silent\n");
	return 0;
}

const char *next_word(struct words *w)
{
	if (!w->argc)
		return NULL;
	w->argc--;
	return *w->argv++;
}

bool word_is(const char *word, const char *keyword)
{
	return word && !strcmp(word, keyword);
}

bool parse_u32(const char *s, unsigned int *v)
{
	unsigned long long n;
	char *end;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 0);
	*v = n;
	return !errno && !*end && n <= 0xffffffffULL;
}

bool parse_mac(const char *s, unsigned char *mac)
{
	unsigned int b[6];
	int i, n = 0;

	if (!s || sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4],
			 &b[5], &n) != 6 || s[n])
		return false;
	for (i = 0; i < 6; i++)
		mac[i] = b[i];
	return true;
}

const char *mac_text(const unsigned char *mac, char *to)
{
	sprintf(to, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
	return to;
}

int failed(void)
{
	fprintf(stderr, "virtlite: %s\n", vl_message());
	return 1;
}

int begin(struct words *w, int *fd, unsigned int *sw)
{
	const char *name = next_word(w);
	int index;

	if (!name)
		return cmd_error("the switch is missing");
	*fd = vl_switch_open();
	if (*fd < 0)
		return failed();
	index = vl_switch_index(name);
	if (index < 0) {
		close(*fd);
		return failed();
	}
	*sw = index;
	return 0;
}

/* What add and set have in common. */
static int parse_switch(struct words *w, struct vswitch_switch *s)
{
	const char *word, *value;
	unsigned int *v;

	while ((word = next_word(w))) {
		if (word_is(word, "snooping")) {
			value = next_word(w);
			if (!word_is(value, "on") && !word_is(value, "off"))
				return cmd_error("snooping: on or off");
			s->set |= VSWITCH_SET_SNOOPING;
			s->snooping = word_is(value, "on");
			continue;
		}
		if (word_is(word, "ageing")) {
			s->set |= VSWITCH_SET_AGEING;
			v = &s->ageing_ms;
		} else if (word_is(word, "fdb-limit")) {
			s->set |= VSWITCH_SET_FDB_LIMIT;
			v = &s->fdb_limit;
		} else if (word_is(word, "reserved")) {
			s->set |= VSWITCH_SET_RESERVED;
			v = &s->reserved;
		} else if (word_is(word, "move-limit")) {
			s->set |= VSWITCH_SET_MOVES;
			v = &s->move_limit;
		} else if (word_is(word, "move-hold")) {
			s->set |= VSWITCH_SET_MOVES;
			v = &s->move_hold_ms;
		} else if (word_is(word, "repeat-limit")) {
			s->set |= VSWITCH_SET_REPEATS;
			v = &s->repeat_limit;
		} else {
			return cmd_error("unexpected \"%s\"", word);
		}
		value = next_word(w);
		if (!parse_u32(value, v))
			return cmd_error("%s %s: not a number", word, value ? value : "");
	}
	return 0;
}

int parse_new_switch(struct words *w, struct vswitch_switch *s)
{
	const char *name = next_word(w);

	*s = (struct vswitch_switch){
		.head = { .size = sizeof(*s) },
		.move_limit = 5,
		.move_hold_ms = 1000,
	};
	if (!name)
		return cmd_error("the name is missing");
	if (strlen(name) >= sizeof(s->name))
		return cmd_error("\"%s\" is too long a name", name);
	memcpy(s->name, name, strlen(name));
	return parse_switch(w, s);
}

static int do_switch_add(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_switch s;
	int fd, ret;

	ret = parse_new_switch(&w, &s);
	if (ret)
		return ret;
	fd = vl_switch_open();
	if (fd < 0)
		return failed();
	ret = call(fd, VSWITCH_CREATE, &s, "add");
	close(fd);
	return ret ? failed() : 0;
}

static int do_switch_set(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_switch s;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	/* Two values are set together: the other stays as it is. */
	s = (struct vswitch_switch){ .head = head_of(vswitch_switch, sw) };
	ret = call(fd, VSWITCH_GET, &s, "set") ? failed() : parse_switch(&w, &s);
	if (!ret && call(fd, VSWITCH_SET, &s, "set"))
		ret = failed();
	close(fd);
	return ret;
}

static int do_switch_del(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_delete d;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	d = (struct vswitch_delete){ .head = head_of(vswitch_delete, sw) };
	if (next_word(&w))
		ret = cmd_error("a word too many");
	else if (call(fd, VSWITCH_DELETE, &d, "del"))
		ret = failed();
	close(fd);
	return ret;
}

static const char *const kinds[] = { "local", "vnic", "uplink", "queue" };
static const char *const roles[] = { "promiscuous", "isolated", "community" };

static void add_string(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void add_number(json_object *o, const char *key, unsigned long long value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static json_object *show_port(int fd, unsigned int sw, unsigned int id)
{
	struct vswitch_port p = { .head = head_of(vswitch_port, sw), .port = id };
	char mac[18];
	json_object *o;

	if (call(fd, VSWITCH_GET_PORT, &p, "show"))
		return NULL;
	o = json_object_new_object();
	add_number(o, "port", p.port);
	add_string(o, "name", (char *)p.name);
	add_string(o, "kind", p.kind < 4 ? kinds[p.kind] : "unknown");
	add_string(o, "mac", mac_text(p.mac, mac));
	add_string(o, "state", p.state & VSWITCH_STATE_BLOCKED ? "blocked" :
		   !(p.state & VSWITCH_STATE_UP) ? "down" :
		   p.state & VSWITCH_STATE_STANDBY ? "standby" : "up");
	add_string(o, "role", p.role < 3 ? roles[p.role] : "unknown");
	add_number(o, "community", p.community);
	add_number(o, "options", p.conf);
	add_number(o, "fdb_count", p.fdb_count);
	add_number(o, "fdb_limit", p.fdb_limit);
	add_number(o, "mtu", p.mtu);
	add_number(o, "team", p.team);
	return o;
}

static json_object *show_switch(int fd, unsigned int sw)
{
	struct vswitch_switch s = { .head = head_of(vswitch_switch, sw) };
	json_object *o, *ports, *port;
	unsigned int *ids;
	int i, n;

	if (call(fd, VSWITCH_GET, &s, "show"))
		return NULL;
	o = json_object_new_object();
	add_string(o, "name", (char *)s.name);
	add_number(o, "ifindex", sw);
	add_number(o, "ageing_ms", s.ageing_ms);
	add_number(o, "fdb_count", s.fdb_count);
	add_number(o, "fdb_limit", s.fdb_limit);
	add_number(o, "move_limit", s.move_limit);
	add_number(o, "move_hold_ms", s.move_hold_ms);
	add_number(o, "repeat_limit", s.repeat_limit);
	add_number(o, "reserved", s.reserved);
	json_object_object_add(o, "snooping", json_object_new_boolean(s.snooping));
	json_object_object_add(o, "vlan_aware", json_object_new_boolean(s.vlan_aware));
	ports = json_object_new_array();
	n = vl_switch_list(fd, sw, &ids);
	for (i = 0; i < n; i++) {
		/* One that went since is none. */
		port = show_port(fd, sw, ids[i]);
		if (port)
			json_object_array_add(ports, port);
	}
	if (n >= 0)
		free(ids);
	json_object_object_add(o, "ports", ports);
	return o;
}

static const char *get_string(json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

static void print_switch(json_object *o)
{
	json_object *ports = json_object_object_get(o, "ports"), *p;
	size_t i;

	printf("%s: FDB %s of %s, ageing %s ms%s\n", get_string(o, "name"),
	       get_string(o, "fdb_count"), get_string(o, "fdb_limit"), get_string(o, "ageing_ms"),
	       json_object_get_boolean(json_object_object_get(o, "vlan_aware")) ?
	       ", VLAN-aware" : "");
	printf("  %4s %-15s %-7s %-8s %-17s %-12s %s\n", "PORT", "NAME", "KIND", "STATE", "MAC",
	       "ROLE", "FDB");
	for (i = 0; i < json_object_array_length(ports); i++) {
		p = json_object_array_get_idx(ports, i);
		printf("  %4s %-15s %-7s %-8s %-17s %-12s %s\n", get_string(p, "port"),
		       get_string(p, "name"), get_string(p, "kind"), get_string(p, "state"),
		       get_string(p, "mac"), get_string(p, "role"), get_string(p, "fdb_count"));
	}
}

static int do_switch_show(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	json_object *all = json_object_new_array(), *o;
	unsigned int *found = NULL, one;
	int fd, i, n, ret = 0;

	if (w.argc) {
		ret = begin(&w, &fd, &one);
		n = 1;
	} else {
		fd = vl_switch_open();
		n = fd < 0 ? fd : vl_switch_list(fd, 0, &found);
		if (n < 0)
			ret = failed();
	}
	for (i = 0; !ret && i < n; i++) {
		o = show_switch(fd, found ? found[i] : one);
		if (!o)
			ret = failed();
		else if (json_output)
			json_object_array_add(all, o);
		else
			print_switch(o);
		if (o && !json_output)
			json_object_put(o);
	}
	if (!ret && json_output)
		cmd_print_json(all);
	else
		json_object_put(all);
	free(found);
	return ret;
}

static const struct cmd verbs[] = {
	{ "add", do_switch_add },
	{ "del", do_switch_del },
	{ "show", do_switch_show },
	{ "set", do_switch_set },
	{ "port", do_switch_port },
	{ "queue", do_switch_queue },
	{ "fdb", do_switch_fdb },
	{ "mirror", do_switch_mirror },
	{ "stats", do_switch_stats },
	{ "events", do_switch_events },
	{ "save", do_switch_save },
	{ "restore", do_switch_restore },
	{ "groups", do_switch_groups },
	{ "policy", do_switch_policy },
	{ "guard", do_switch_guard },
	{ "help", do_switch_help },
	{ NULL, NULL },
};

int do_switch(int argc, char **argv)
{
	return cmd_select(verbs, argc - 1, argv + 1, do_switch_help, "switch verb");
}
