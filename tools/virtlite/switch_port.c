// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite switch port: ports and what they may do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cmd.h"
#include "switch.h"

static const struct {
	const char *name;
	unsigned int bit;
} options[] = {
	{ "learn", VSWITCH_P_LEARN },
	{ "flood-unknown", VSWITCH_P_FLOOD_UNKNOWN },
	{ "flood-mcast", VSWITCH_P_FLOOD_MCAST },
	{ "flood-bcast", VSWITCH_P_FLOOD_BCAST },
	{ "locked", VSWITCH_P_LOCKED },
	{ "antispoof", VSWITCH_P_ANTISPOOF },
	{ "sticky", VSWITCH_P_STICKY },
	{ "limit-drop", VSWITCH_P_LIMIT_DROP },
	{ "bpdu-filter", VSWITCH_P_BPDU_FILTER },
	{ "bpdu-guard", VSWITCH_P_BPDU_GUARD },
	{ "silent", VSWITCH_P_SILENT },
};

static const char *const rates[VSWITCH_NR_RATES] = {
	"rate-in", "rate-out", "storm-bcast", "storm-mcast", "storm-unknown",
};

/* 1,5-9 */
static bool parse_vlans(const char *s, unsigned long long *allowed)
{
	unsigned long first, last;
	char *end;

	while (s && *s) {
		first = strtoul(s, &end, 10);
		last = first;
		if (end == s)
			return false;
		if (*end == '-') {
			s = end + 1;
			last = strtoul(s, &end, 10);
			if (end == s)
				return false;
		}
		if (!first || first > last || last > 4094)
			return false;
		for (; first <= last; first++)
			allowed[first / 64] |= 1ULL << (first % 64);
		if (*end && *end != ',')
			return false;
		s = *end ? end + 1 : end;
	}
	return s;
}

static bool parse_vid(const char *s, struct port_request *r)
{
	unsigned int vid;

	if (!parse_u32(s, &vid) || vid > 4094)
		return false;
	r->vlan.vid = vid;
	return true;
}

/* Return: 1 if the word was about VLANs, 0 if not, -1 if its value makes no sense. */
static int parse_vlan(const char *word, struct words *w, struct port_request *r)
{
	unsigned long long allowed[64] = { 0 };
	const char *tpid;

	if (word_is(word, "transparent")) {
		r->vlan.mode = VSWITCH_VLAN_TRANSPARENT;
	} else if (word_is(word, "access") || word_is(word, "tunnel")) {
		r->vlan.mode = *word == 'a' ? VSWITCH_VLAN_ACCESS : VSWITCH_VLAN_TUNNEL;
		if (!parse_vid(next_word(w), r))
			return -1;
	} else if (word_is(word, "trunk")) {
		r->vlan.mode = VSWITCH_VLAN_TRUNK;
		if (!parse_vlans(next_word(w), allowed))
			return -1;
		memcpy(r->vlan.allowed, allowed, sizeof(allowed));
	} else if (word_is(word, "native")) {
		if (!parse_vid(next_word(w), r))
			return -1;
	} else if (word_is(word, "tpid")) {
		tpid = next_word(w);
		if (!word_is(tpid, "8100") && !word_is(tpid, "88a8"))
			return -1;
		r->vlan.tpid = strtoul(tpid, NULL, 16);
	} else {
		return 0;
	}
	r->set_vlan = true;
	return 1;
}

static int parse_role(const char *word, struct words *w, struct port_request *r)
{
	struct vswitch_port *p = &r->port;

	if (word_is(word, "promiscuous")) {
		p->role = VSWITCH_ROLE_PROMISCUOUS;
	} else if (word_is(word, "isolated")) {
		p->role = VSWITCH_ROLE_ISOLATED;
	} else if (word_is(word, "community")) {
		p->role = VSWITCH_ROLE_COMMUNITY;
		if (!parse_u32(next_word(w), &p->community))
			return -1;
	} else {
		return 0;
	}
	p->set |= VSWITCH_SET_PORT_ROLE;
	return 1;
}

static int parse_option(const char *word, struct words *w, struct port_request *r)
{
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!word_is(word, options[i].name))
			continue;
		value = next_word(w);
		if (!word_is(value, "on") && !word_is(value, "off"))
			return -1;
		r->port.set |= VSWITCH_SET_PORT_CONF;
		r->port.conf_mask |= options[i].bit;
		r->port.conf &= ~options[i].bit;
		if (word_is(value, "on"))
			r->port.conf |= options[i].bit;
		return 1;
	}
	for (i = 0; i < VSWITCH_NR_RATES; i++) {
		char *end;

		if (!word_is(word, rates[i]))
			continue;
		value = next_word(w);
		if (!value || *value < '0' || *value > '9')
			return -1;
		r->rate.set |= 1U << i;
		r->rate.limit[i].rate = strtoull(value, &end, 10);
		return *end ? -1 : 1;
	}
	return 0;
}

static int parse_number(const char *word, struct words *w, struct port_request *r)
{
	struct vswitch_port *p = &r->port;

	if (word_is(word, "mtu")) {
		p->set |= VSWITCH_SET_PORT_MTU;
		return parse_u32(next_word(w), &p->mtu) ? 1 : -1;
	}
	if (word_is(word, "team")) {
		const char *value = next_word(w);

		p->set |= VSWITCH_SET_PORT_TEAM;
		p->team = 0;
		return word_is(value, "off") || parse_u32(value, &p->team) ? 1 : -1;
	}
	if (word_is(word, "limit")) {
		p->set |= VSWITCH_SET_PORT_LIMIT;
		return parse_u32(next_word(w), &p->fdb_limit) ? 1 : -1;
	}
	if (word_is(word, "mac")) {
		p->set |= VSWITCH_SET_PORT_MAC;
		return parse_mac(next_word(w), p->mac) ? 1 : -1;
	}
	if (word_is(word, "unblock")) {
		p->set |= VSWITCH_SET_PORT_UNBLOCK;
		return 1;
	}
	return 0;
}

/* A name of `ip netns`, a path, or a process. Return: a file or -errno. */
static int open_netns(const char *name)
{
	char path[256];
	unsigned int pid;
	int fd;

	if (strchr(name, '/'))
		snprintf(path, sizeof(path), "%s", name);
	else if (parse_u32(name, &pid))
		snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	else
		snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : vl_error(errno, "network namespace %s", path);
}

int parse_port(struct words *w, struct port_request *r)
{
	const char *word, *ns;
	int ret;

	while ((word = next_word(w))) {
		if (word_is(word, "netns")) {
			ns = next_word(w);
			if (!ns)
				return cmd_error("netns: which?");
			r->port.netns_fd = open_netns(ns);
			if (r->port.netns_fd < 0)
				return failed();
			continue;
		}
		ret = parse_vlan(word, w, r);
		if (!ret)
			ret = parse_role(word, w, r);
		if (!ret)
			ret = parse_option(word, w, r);
		if (!ret)
			ret = parse_number(word, w, r);
		if (!ret)
			return cmd_error("unexpected \"%s\"", word);
		if (ret < 0)
			return cmd_error("%s: a value that makes no sense, or none", word);
	}
	return 0;
}

struct port_request new_request(unsigned int sw)
{
	struct port_request r = {
		.port = { .head = head_of(vswitch_port, sw), .netns_fd = -1 },
		.vlan = { .head = head_of(vswitch_vlan, sw) },
		.rate = { .head = head_of(vswitch_rate, sw) },
	};

	return r;
}

int set_rest(int fd, struct port_request *r)
{
	int ret = 0;

	r->vlan.port = r->port.port;
	r->rate.port = r->port.port;
	if (r->set_vlan)
		ret = call(fd, VSWITCH_SET_VLAN, &r->vlan, "vlan");
	if (!ret && r->rate.set)
		ret = call(fd, VSWITCH_SET_RATE, &r->rate, "rate");
	return ret;
}

int parse_new_port(struct words *w, struct port_request *r)
{
	const char *kind = next_word(w), *name = next_word(w);

	if (word_is(kind, "vnic"))
		r->port.kind = VSWITCH_KIND_VNIC;
	else if (word_is(kind, "uplink"))
		r->port.kind = VSWITCH_KIND_UPLINK;
	else
		return cmd_error("the kind is vnic or uplink");
	if (!name || strlen(name) >= sizeof(r->port.name))
		return cmd_error("the interface is missing, or its name too long");
	memcpy(r->port.name, name, strlen(name));
	return parse_port(w, r);
}

int add_port(int fd, struct port_request *r)
{
	struct vswitch_port_id id;
	int ret = call(fd, VSWITCH_ADD_PORT, &r->port, "port add");

	if (ret)
		return ret;
	ret = set_rest(fd, r);
	if (!ret)
		return 0;
	id = (struct vswitch_port_id){
		.head = head_of(vswitch_port_id, r->port.head.ifindex), .port = r->port.port,
	};
	/* Why the port cannot be as it should says more than why it stays. */
	ioctl(fd, VSWITCH_DEL_PORT, &id);
	return ret;
}

static int do_port_add(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct port_request r;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	r = new_request(sw);
	ret = parse_new_port(&w, &r);
	if (!ret && add_port(fd, &r))
		ret = failed();
	if (!ret && json_output) {
		json_object *o = json_object_new_object();

		json_object_object_add(o, "port", json_object_new_int(r.port.port));
		cmd_print_json(o);
	}
	close(fd);
	return ret;
}

static int do_port_set(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct port_request r;
	const char *name;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	r = new_request(sw);
	name = next_word(&w);
	if (!name)
		ret = cmd_error("the port is missing");
	else if (vl_switch_port_id(fd, sw, name, &r.port.port))
		ret = failed();
	else
		ret = parse_port(&w, &r);
	if (!ret && (call(fd, VSWITCH_SET_PORT, &r.port, "port set") || set_rest(fd, &r)))
		ret = failed();
	close(fd);
	return ret;
}

static int do_port_del(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_port_id id = { .head = { .size = sizeof(id) } };
	const char *name;
	int fd, ret;

	ret = begin(&w, &fd, &id.head.ifindex);
	if (ret)
		return ret;
	name = next_word(&w);
	if (!name)
		ret = cmd_error("the port is missing");
	else if (vl_switch_port_id(fd, id.head.ifindex, name, &id.port) ||
		 call(fd, VSWITCH_DEL_PORT, &id, "port del"))
		ret = failed();
	close(fd);
	return ret;
}

static int do_port_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("virtlite switch port add|set|del: see virtlite switch help\n");
	return 0;
}

static const struct cmd verbs[] = {
	{ "add", do_port_add },
	{ "set", do_port_set },
	{ "del", do_port_del },
	{ "help", do_port_help },
	{ NULL, NULL },
};

int do_switch_port(int argc, char **argv)
{
	return cmd_select(verbs, argc - 1, argv + 1, do_port_help, "port verb");
}
