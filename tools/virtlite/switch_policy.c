// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite switch policy, guard: a BPF program that judges what comes into a
 * switch, and the maps of the one that comes with it (tools/policies).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "../policies/guard.h"
#include "cmd.h"
#include "switch.h"

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* What is pinned there; a descriptor, or -1 with the message set. */
static int pinned(const char *path)
{
	union bpf_attr attr = { .pathname = (unsigned long)path };
	int fd = bpf(BPF_OBJ_GET, &attr);

	if (fd < 0)
		vl_error(errno, "%s", path);
	return fd;
}

static int show_policy(int fd, unsigned int sw)
{
	struct vswitch_policy p = { .head = head_of(vswitch_policy, sw) };
	json_object *o;

	if (call(fd, VSWITCH_GET_POLICY, &p, "policy"))
		return failed();
	if (!json_output) {
		if (p.id)
			printf("program %u\n", p.id);
		else
			printf("none\n");
		return 0;
	}
	o = json_object_new_object();
	json_object_object_add(o, "program", json_object_new_int64(p.id));
	cmd_print_json(o);
	return 0;
}

int do_switch_policy(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	struct vswitch_policy p;
	const char *word, *path;
	unsigned int sw;
	int fd, ret;

	ret = begin(&w, &fd, &sw);
	if (ret)
		return ret;
	p = (struct vswitch_policy){ .head = head_of(vswitch_policy, sw), .fd = -1 };
	word = next_word(&w);
	if (!word) {
		ret = show_policy(fd, sw);
		close(fd);
		return ret;
	}
	if (word_is(word, "pinned")) {
		path = next_word(&w);
		p.fd = path ? pinned(path) : -1;
		if (!path)
			ret = cmd_error("pinned: the path is missing");
		else if (p.fd < 0)
			ret = failed();
	} else if (!word_is(word, "off")) {
		ret = cmd_error("policy: \"pinned PATH\" or \"off\"");
	}
	if (!ret && call(fd, VSWITCH_SET_POLICY, &p, "policy"))
		ret = failed();
	close(fd);
	return ret;
}

/* ---------------------------------------------------------------- guard */

/* A map of a guard by its name; likewise. */
static int guard_map(const char *folder, const char *name)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		vl_error(ENOMEM, "%s", name);
		return -1;
	}
	fd = pinned(path);
	free(path);
	return fd;
}

static int map_call(int fd, int cmd, const void *key, void *value, const char *name)
{
	union bpf_attr attr = {
		.map_fd = fd,
		.key = (unsigned long)key,
		/* Who deletes has no use for one, and the kernel minds. */
		.value = cmd == BPF_MAP_DELETE_ELEM ? 0 : (unsigned long)value,
	};

	return bpf(cmd, &attr) ? vl_error(errno, "%s", name) : 0;
}

/* "dhcp on", "ra off", … : which bits, and what they become. Exit status. */
static int parse_guards(struct words *w, unsigned int *mask, unsigned int *flags)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} guards[] = {
		{ "source", GUARD_SOURCE }, { "dhcp", GUARD_DHCP }, { "ra", GUARD_RA },
	};
	const char *word, *value;
	unsigned int i;

	while ((word = next_word(w))) {
		for (i = 0; i < 3 && strcmp(word, guards[i].name); i++)
			;
		value = next_word(w);
		if (i == 3 || (!word_is(value, "on") && !word_is(value, "off")))
			return cmd_error("guard: source, dhcp or ra, and on or off");
		*mask |= guards[i].bit;
		*flags &= ~guards[i].bit;
		if (word_is(value, "on"))
			*flags |= guards[i].bit;
	}
	return 0;
}

static int show_guards(int fd)
{
	json_object *all = json_object_new_array(), *o;
	struct guard_port port;
	unsigned int i;

	if (!json_output)
		printf("%4s %-6s %-4s %-3s %s\n", "PORT", "SOURCE", "DHCP", "RA", "DROPPED");
	for (i = 0; i < GUARD_MAX_PORTS; i++) {
		if (map_call(fd, BPF_MAP_LOOKUP_ELEM, &i, &port, "ports"))
			return failed();
		if (!port.flags && !port.dropped)
			continue;
		if (!json_output) {
			printf("%4u %-6s %-4s %-3s %llu\n", i,
			       port.flags & GUARD_SOURCE ? "on" : "off",
			       port.flags & GUARD_DHCP ? "on" : "off",
			       port.flags & GUARD_RA ? "on" : "off",
			       (unsigned long long)port.dropped);
			continue;
		}
		o = json_object_new_object();
		json_object_object_add(o, "port", json_object_new_int64(i));
		json_object_object_add(o, "source",
				       json_object_new_boolean(port.flags & GUARD_SOURCE));
		json_object_object_add(o, "dhcp",
				       json_object_new_boolean(port.flags & GUARD_DHCP));
		json_object_object_add(o, "ra", json_object_new_boolean(port.flags & GUARD_RA));
		json_object_object_add(o, "dropped", json_object_new_int64(port.dropped));
		json_object_array_add(all, o);
	}
	if (json_output)
		cmd_print_json(all);
	else
		json_object_put(all);
	return 0;
}

static int set_guards(const char *folder, unsigned int id, struct words *w)
{
	unsigned int mask = 0, flags = 0;
	struct guard_port port;
	int fd, ret;

	ret = parse_guards(w, &mask, &flags);
	if (ret)
		return ret;
	fd = guard_map(folder, "ports");
	if (fd < 0)
		return failed();
	ret = map_call(fd, BPF_MAP_LOOKUP_ELEM, &id, &port, "port");
	port.flags = (port.flags & ~mask) | flags;
	if (!ret)
		ret = map_call(fd, BPF_MAP_UPDATE_ELEM, &id, &port, "port");
	close(fd);
	return ret ? failed() : 0;
}

static int bind_address(const char *folder, struct words *w, bool add)
{
	struct guard_binding key = { };
	struct guard_mac mac = { };
	const char *address;
	int fd, ret;

	if (!parse_u32(next_word(w), &key.port) || key.port >= GUARD_MAX_PORTS)
		return cmd_error("the port's number is missing");
	if (add && !parse_mac(next_word(w), mac.mac))
		return cmd_error("a MAC is missing, or is none");
	address = next_word(w);
	if (address && inet_pton(AF_INET, address, key.address) == 1)
		key.family = 4;
	else if (address && inet_pton(AF_INET6, address, key.address) == 1)
		key.family = 6;
	else
		return cmd_error("an IP address is missing, or is none");
	fd = guard_map(folder, "bindings");
	if (fd < 0)
		return failed();
	ret = map_call(fd, add ? BPF_MAP_UPDATE_ELEM : BPF_MAP_DELETE_ELEM, &key, &mac, address);
	close(fd);
	return ret ? failed() : 0;
}

int do_switch_guard(int argc, char **argv)
{
	struct words w = { argc - 1, argv + 1 };
	const char *folder = next_word(&w), *word = next_word(&w);
	unsigned int id;
	int fd, ret;

	if (!folder)
		return cmd_error("the folder where the guard's maps are pinned is missing");
	if (word_is(word, "bind"))
		return bind_address(folder, &w, true);
	if (word_is(word, "unbind"))
		return bind_address(folder, &w, false);
	if (word) {
		if (!parse_u32(word, &id))
			return cmd_error("guard: bind, unbind, or a port's number");
		return set_guards(folder, id, &w);
	}
	fd = guard_map(folder, "ports");
	if (fd < 0)
		return failed();
	ret = show_guards(fd);
	close(fd);
	return ret;
}
