// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite switch fdb, mirror, stats, events: what a switch knows and tells.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cmd.h"
#include "switch.h"

/* A port that a word names; exit status. */
static int find_port(int fd, unsigned int sw, const char *name, unsigned int *id)
{
	if (!name)
		return cmd_error("the port is missing");
	return vl_switch_port_id(fd, sw, name, id) ? failed() : 0;
}

static const char *flag_text(unsigned int flags)
{
	if (flags & VSWITCH_FDB_LOCAL)
		return "local";
	if (flags & VSWITCH_FDB_STATIC)
		return "static";
	return flags & VSWITCH_FDB_STICKY ? "sticky" : "learned";
}

static void print_entries(const struct vswitch_fdb_entry *e, int n)
{
	char mac[18];
	int i;

	printf("%-17s %4s %4s %-7s %s\n", "MAC", "VLAN", "PORT", "KIND", "AGE");
	for (i = 0; i < n; i++)
		printf("%-17s %4u %4u %-7s %u.%03u\n", mac_text(e[i].mac, mac), e[i].vid,
		       e[i].port, flag_text(e[i].flags), e[i].age_ms / 1000, e[i].age_ms % 1000);
}

static void json_entries(const struct vswitch_fdb_entry *e, int n)
{
	json_object *all = json_object_new_array(), *o;
	char mac[18];
	int i;

	for (i = 0; i < n; i++) {
		o = json_object_new_object();
		json_object_object_add(o, "mac", json_object_new_string(mac_text(e[i].mac, mac)));
		json_object_object_add(o, "vlan", json_object_new_int(e[i].vid));
		json_object_object_add(o, "port", json_object_new_int(e[i].port));
		json_object_object_add(o, "kind", json_object_new_string(flag_text(e[i].flags)));
		json_object_object_add(o, "age_ms", json_object_new_int64(e[i].age_ms));
		json_object_array_add(all, o);
	}
	cmd_print_json(all);
}

static int do_fdb_show(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_fdb_entry *entries;
	unsigned int sw, port = VSWITCH_PORT_NONE;
	int fd, ret, n;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	if (w.argc)
		ret = find_port(fd, sw, next_word(&w), &port);
	if (!ret) {
		n = vl_switch_fdb(fd, sw, port, &entries);
		if (n < 0)
			ret = failed();
		else if (json_output)
			json_entries(entries, n);
		else
			print_entries(entries, n);
		if (n >= 0)
			free(entries);
	}
	close(fd);
	return ret;
}

/* What follows the address and the port: exit status. */
static int parse_entry(struct words *w, struct vswitch_fdb_change *c)
{
	const char *word;
	unsigned int vid;

	while ((word = next_word(w))) {
		if (word_is(word, "static")) {
			c->entry.flags |= VSWITCH_FDB_STATIC;
		} else if (word_is(word, "sticky")) {
			c->entry.flags |= VSWITCH_FDB_STICKY;
		} else if (word_is(word, "replace")) {
			c->head.flags |= VSWITCH_F_REPLACE;
		} else if (word_is(word, "vlan")) {
			if (!parse_u32(next_word(w), &vid) || vid > 4094)
				return cmd_error("vlan: a number from 0 to 4094");
			c->entry.vid = vid;
		} else {
			return cmd_error("unexpected \"%s\"", word);
		}
	}
	return 0;
}

static int change_fdb(int argc, char **argv, bool add)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_fdb_change c;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	c = (struct vswitch_fdb_change){ .head = head_of(vswitch_fdb_change, sw) };
	if (!parse_mac(next_word(&w), c.entry.mac))
		ret = cmd_error("an address is missing, or is none");
	if (!ret && add)
		ret = find_port(fd, sw, next_word(&w), &c.entry.port);
	if (!ret)
		ret = parse_entry(&w, &c);
	if (!ret && call(fd, add ? VSWITCH_FDB_ADD : VSWITCH_FDB_DEL, &c,
			 add ? "fdb add" : "fdb del"))
		ret = failed();
	close(fd);
	return ret;
}

static int do_fdb_add(int argc, char **argv)
{
	return change_fdb(argc, argv, true);
}

static int do_fdb_del(int argc, char **argv)
{
	return change_fdb(argc, argv, false);
}

static int do_fdb_flush(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_fdb_flush f;
	unsigned int sw, vid;
	const char *word;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	f = (struct vswitch_fdb_flush){
		.head = head_of(vswitch_fdb_flush, sw),
		.port = VSWITCH_PORT_NONE,
		.vid = -1,
	};
	while (!ret && (word = next_word(&w))) {
		if (word_is(word, "static")) {
			f.head.flags |= VSWITCH_F_FLUSH_STATIC;
		} else if (word_is(word, "port")) {
			ret = find_port(fd, sw, next_word(&w), &f.port);
		} else if (word_is(word, "vlan")) {
			if (parse_u32(next_word(&w), &vid) && vid <= 4094)
				f.vid = vid;
			else
				ret = cmd_error("vlan: a number from 0 to 4094");
		} else {
			ret = cmd_error("unexpected \"%s\"", word);
		}
	}
	if (!ret && call(fd, VSWITCH_FDB_FLUSH, &f, "fdb flush"))
		ret = failed();
	close(fd);
	return ret;
}

static int do_fdb_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("virtlite switch fdb show|add|del|flush: see virtlite switch help\n");
	return 0;
}

static const struct cmd fdb_verbs[] = {
	{ "show", do_fdb_show },
	{ "add", do_fdb_add },
	{ "del", do_fdb_del },
	{ "flush", do_fdb_flush },
	{ "help", do_fdb_help },
	{ NULL, NULL },
};

int do_switch_fdb(int argc, char **argv)
{
	return cmd_select(fdb_verbs, argc - 1, argv + 1, do_fdb_help, "fdb verb");
}

/* ---------------------------------------------------------------- mirrors */

/* PORT|all to PORT [in|out|both] [vlan N] [snap BYTES] */
static int parse_mirror(int fd, struct words *w, const char *source, struct vswitch_mirror *m)
{
	unsigned int vid;
	const char *word;
	int ret;

	m->direction = VSWITCH_MIRROR_IN | VSWITCH_MIRROR_OUT;
	m->source = VSWITCH_PORT_NONE;
	if (!word_is(source, "all")) {
		ret = find_port(fd, m->head.ifindex, source, &m->source);
		if (ret)
			return ret;
	}
	if (!word_is(next_word(w), "to"))
		return cmd_error("\"to PORT\" is missing");
	ret = find_port(fd, m->head.ifindex, next_word(w), &m->destination);
	if (ret)
		return ret;
	while ((word = next_word(w))) {
		if (word_is(word, "in"))
			m->direction = VSWITCH_MIRROR_IN;
		else if (word_is(word, "out"))
			m->direction = VSWITCH_MIRROR_OUT;
		else if (word_is(word, "vlan") && parse_u32(next_word(w), &vid) && vid <= 4094)
			m->vid = vid;
		else if (!word_is(word, "both") &&
			 !(word_is(word, "snap") && parse_u32(next_word(w), &m->snap)))
			return cmd_error("\"%s\" makes no sense here", word);
	}
	return 0;
}

int do_switch_mirror(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_mirror m;
	const char *word;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	m = (struct vswitch_mirror){ .head = head_of(vswitch_mirror, sw) };
	if (!parse_u32(next_word(&w), &m.session))
		ret = cmd_error("the session is a number");
	word = next_word(&w);
	if (!ret && !word)
		ret = cmd_error("a port, \"all\" or \"off\" is missing");
	else if (!ret && !word_is(word, "off"))
		ret = parse_mirror(fd, &w, word, &m);
	if (!ret && call(fd, VSWITCH_SET_MIRROR, &m, "mirror"))
		ret = failed();
	close(fd);
	return ret;
}

/* --------------------------------------------------------------- counters */

/* For people: those that are not zero. */
static json_object *stats_of(int fd, unsigned int sw, unsigned int port)
{
	unsigned long long v[VSWITCH_NR_STATS];
	struct vswitch_stats s = {
		.head = head_of(vswitch_stats, sw),
		.port = port,
		.count = VSWITCH_NR_STATS,
		.ptr = (unsigned long)v,
	};
	json_object *o;
	unsigned int i;

	if (call(fd, VSWITCH_GET_STATS, &s, "stats"))
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "port", json_object_new_int(port));
	if (!json_output)
		printf("port %u\n", port);
	for (i = 0; i < s.count; i++) {
		json_object_object_add(o, vl_switch_stat_name(i), json_object_new_int64(v[i]));
		if (!json_output && v[i])
			printf("  %-16s %llu\n", vl_switch_stat_name(i), v[i]);
	}
	return o;
}

int do_switch_stats(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	json_object *all = json_object_new_array(), *o;
	unsigned int sw, one, *ids = NULL;
	int fd, ret, i, n = 1;

	ret = begin(&w, &fd, &sw);
	if (ret)
		goto out;
	if (w.argc)
		ret = find_port(fd, sw, next_word(&w), &one);
	else
		n = vl_switch_list(fd, sw, &ids);
	if (n < 0)
		ret = failed();
	for (i = 0; !ret && i < n; i++) {
		o = stats_of(fd, sw, ids ? ids[i] : one);
		if (o)
			json_object_array_add(all, o);
		else if (!ids)
			ret = failed();
	}
	close(fd);
	free(ids);
out:
	if (!ret && json_output)
		cmd_print_json(all);
	else
		json_object_put(all);
	return ret;
}

/* ----------------------------------------------------------------- events */

static const char *const event_names[VSWITCH_NR_EVENTS] = {
	"lost", "port-added", "port-removed", "port-up", "port-down", "learned", "moved",
	"expired", "limit", "blocked", "switch-removed", "team",
};

static void print_event(const struct vswitch_event *e)
{
	const char *name = e->kind < VSWITCH_NR_EVENTS ? event_names[e->kind] : "unknown";
	char mac[18];
	json_object *o;

	if (json_output) {
		o = json_object_new_object();
		json_object_object_add(o, "event", json_object_new_string(name));
		json_object_object_add(o, "time_ns", json_object_new_int64(e->time_ns));
		json_object_object_add(o, "port", json_object_new_int64(e->port));
		json_object_object_add(o, "mac", json_object_new_string(mac_text(e->mac, mac)));
		json_object_object_add(o, "vlan", json_object_new_int(e->vid));
		json_object_object_add(o, "value", json_object_new_int64(e->value));
		cmd_print_json(o);
	} else {
		printf("%llu.%06llu %s", (unsigned long long)e->time_ns / 1000000000,
		       (unsigned long long)e->time_ns / 1000 % 1000000, name);
		if (e->port != VSWITCH_PORT_NONE)
			printf(" port %u", e->port);
		if (e->kind >= VSWITCH_EVENT_LEARNED && e->kind <= VSWITCH_EVENT_LIMIT)
			printf(" %s vlan %u", mac_text(e->mac, mac), e->vid);
		if (e->kind == VSWITCH_EVENT_MOVED)
			printf(" from port %u", e->value);
		if (e->kind == VSWITCH_EVENT_LOST)
			printf(" %u", e->value);
		putchar('\n');
	}
	fflush(stdout);
}

int do_switch_events(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_event events[64];
	struct vswitch_events open;
	unsigned int sw;
	int fd, ret;
	ssize_t n, i;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	open = (struct vswitch_events){
		.head = head_of(vswitch_events, sw),
		.mask = (1U << VSWITCH_NR_EVENTS) - 1,
	};
	ret = call(fd, VSWITCH_EVENTS, &open, "events");
	close(fd);
	if (ret)
		return failed();
	while ((n = read(open.fd, events, sizeof(events))) > 0) {
		for (i = 0; i < n / (ssize_t)sizeof(events[0]); i++)
			print_event(&events[i]);
	}
	if (n < 0) {
		vl_error(errno, "events");
		ret = failed();
	}
	close(open.fd);
	return ret;
}

static const char *group_text(const struct vswitch_group *g, char *to)
{
	static const unsigned char none[16];

	if (!memcmp(g->address, none, sizeof(none)))
		return g->family == 4 ? "IPv4 querier" : "IPv6 querier";
	inet_ntop(g->family == 4 ? AF_INET : AF_INET6, g->address, to, INET6_ADDRSTRLEN);
	return to;
}

static void print_groups(const struct vswitch_group *g, unsigned int n)
{
	json_object *all = json_object_new_array(), *o;
	char text[INET6_ADDRSTRLEN];

	if (!json_output)
		printf("%-39s %4s %4s %s\n", "GROUP", "VLAN", "PORT", "LEFT");
	for (unsigned int i = 0; i < n; i++, g++) {
		if (!json_output) {
			printf("%-39s %4u %4u %u s\n", group_text(g, text), g->vid, g->port,
			       g->left_ms / 1000);
			continue;
		}
		o = json_object_new_object();
		json_object_object_add(o, "group", json_object_new_string(group_text(g, text)));
		json_object_object_add(o, "vlan", json_object_new_int(g->vid));
		json_object_object_add(o, "port", json_object_new_int64(g->port));
		json_object_object_add(o, "left_ms", json_object_new_int64(g->left_ms));
		json_object_array_add(all, o);
	}
	if (json_output)
		cmd_print_json(all);
	else
		json_object_put(all);
}

int do_switch_groups(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	static struct vswitch_group groups[8192];
	struct vswitch_list list;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	list = (struct vswitch_list){
		.head = head_of(vswitch_list, sw),
		.count = sizeof(groups) / sizeof(*groups),
		.ptr = (unsigned long)groups,
	};
	if (call(fd, VSWITCH_LIST_GROUPS, &list, "groups"))
		ret = failed();
	else
		print_groups(groups, list.count);
	close(fd);
	return ret;
}
