// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for ip: the options of "ip link add … type vswitch" and "… type
 * vswitch_vnic", and what "ip -d link" shows of both. ip loads link_KIND.so from
 * its library folder (or from $IP_LIB_DIR) and takes KIND_link_util from it.
 *
 * iproute2 installs no headers for that: what it expects, and what of its own it
 * lends to plugins, is declared here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <virtlite/vswitch.h>

/* Its beginning has been the same since iproute2 4.x; ip reads and never writes the rest. */
struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *lu, int argc, char **argv, struct nlmsghdr *n);
	void (*print_opt)(struct link_util *lu, FILE *f, struct rtattr *tb[]);
	void (*print_xstats)(struct link_util *lu, FILE *f, struct rtattr *xstats);
	void (*print_help)(struct link_util *lu, int argc, char **argv, FILE *f);
	void *reserved[8];
};

#define MESSAGE_ROOM 1024
#define PRINT_ANY 4
#define COLOR_NONE 6

int addattr32(struct nlmsghdr *n, int maxlen, int type, __u32 data);
int print_color_uint(int type, int color, const char *key, const char *fmt, unsigned int value);

struct option {
	const char *word;
	int type;
};

static void help(FILE *f, const char *text)
{
	fputs(text, f);
}

static const char switch_help[] =
	"Usage: ... vswitch [ ageing MILLISECONDS ] [ fdb-limit NUMBER ]\n"
	"\n"
	"ageing 0: addresses are never forgotten. All else: virtlite switch set\n";

static const char vnic_help[] =
	"Usage: ip link add NAME link SWITCH type vswitch_vnic [ port NUMBER ]\n";

static int parse(int argc, char **argv, struct nlmsghdr *n, const struct option *options,
		 const char *usage)
{
	const struct option *o;
	unsigned long value;
	char *end;

	for (; argc > 0; argc -= 2, argv += 2) {
		if (!strcmp(*argv, "help")) {
			help(stdout, usage);
			exit(0);
		}
		for (o = options; o->word && strcmp(o->word, *argv); o++)
			;
		if (!o->word || argc < 2) {
			fprintf(stderr, "%s: what is \"%s\"?\n", usage, *argv);
			return -1;
		}
		errno = 0;
		value = strtoul(argv[1], &end, 10);
		if (errno || !*argv[1] || *end || value > 0xffffffffUL) {
			fprintf(stderr, "%s is no number for \"%s\"\n", argv[1], *argv);
			return -1;
		}
		addattr32(n, MESSAGE_ROOM, o->type, value);
	}
	return 0;
}

static void show(struct rtattr *a, const char *key, const char *fmt)
{
	if (a)
		print_color_uint(PRINT_ANY, COLOR_NONE, key, fmt, *(__u32 *)RTA_DATA(a));
}

/* ------------------------------------------------------------------ vswitch */

static int switch_parse(struct link_util *lu, int argc, char **argv, struct nlmsghdr *n)
{
	static const struct option options[] = {
		{ "ageing", IFLA_VSWITCH_AGEING },
		{ "fdb-limit", IFLA_VSWITCH_FDB_LIMIT },
		{ NULL, 0 }
	};

	(void)lu;
	return parse(argc, argv, n, options, switch_help);
}

static void switch_print(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	(void)lu;
	(void)f;
	if (!tb)
		return;
	show(tb[IFLA_VSWITCH_AGEING], "ageing_ms", "ageing %u ");
	show(tb[IFLA_VSWITCH_FDB_LIMIT], "fdb_limit", "fdb-limit %u ");
	show(tb[IFLA_VSWITCH_FDB_COUNT], "fdb_count", "fdb-count %u ");
	show(tb[IFLA_VSWITCH_PORTS], "ports", "ports %u ");
	if (tb[IFLA_VSWITCH_VLAN_AWARE])
		print_color_uint(PRINT_ANY, COLOR_NONE, "vlan_aware", "vlan-aware %u ",
				 *(__u8 *)RTA_DATA(tb[IFLA_VSWITCH_VLAN_AWARE]));
}

static void switch_usage(struct link_util *lu, int argc, char **argv, FILE *f)
{
	(void)lu;
	(void)argc;
	(void)argv;
	help(f, switch_help);
}

struct link_util vswitch_link_util = {
	.id = "vswitch",
	.maxattr = IFLA_VSWITCH_MAX,
	.parse_opt = switch_parse,
	.print_opt = switch_print,
	.print_help = switch_usage,
};

/* ------------------------------------------------------------- vswitch_vnic */

static int vnic_parse(struct link_util *lu, int argc, char **argv, struct nlmsghdr *n)
{
	static const struct option options[] = {
		{ "port", IFLA_VSWITCH_VNIC_PORT },
		{ NULL, 0 }
	};

	(void)lu;
	return parse(argc, argv, n, options, vnic_help);
}

static void vnic_print(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	(void)lu;
	(void)f;
	if (tb)
		show(tb[IFLA_VSWITCH_VNIC_PORT], "port", "port %u ");
}

static void vnic_usage(struct link_util *lu, int argc, char **argv, FILE *f)
{
	(void)lu;
	(void)argc;
	(void)argv;
	help(f, vnic_help);
}

struct link_util vswitch_vnic_link_util = {
	.id = "vswitch_vnic",
	.maxattr = IFLA_VSWITCH_VNIC_MAX,
	.parse_opt = vnic_parse,
	.print_opt = vnic_print,
	.print_help = vnic_usage,
};
