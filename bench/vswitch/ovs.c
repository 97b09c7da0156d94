// SPDX-License-Identifier: GPL-2.0
/* Open vSwitch's datapath with two interfaces and the one flow between them. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <linux/openvswitch.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"
#include "netlink.h"

#define NAME "ovs0"

static int nl;

static struct message begin(int family, int cmd, int version)
{
	struct message m = request(family, 0, GENL_HDRLEN);

	*(struct genlmsghdr *)m.rest = (struct genlmsghdr){ .cmd = cmd, .version = version };
	return m;
}

static int family(const char *name)
{
	struct message m = begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1), got;
	struct nlattr *a = (void *)got.rest + GENL_HDRLEN;

	attr(&m, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	if (talk(nl, &m, &got))
		return -1;
	while (a->nla_type != CTRL_ATTR_FAMILY_ID)
		a = (void *)a + NLA_ALIGN(a->nla_len);
	return *(unsigned short *)((void *)a + NLA_HDRLEN);
}

/* A message about the datapath, which is known by its interface. */
static struct message about(const char *name, int cmd, int version, int dp)
{
	struct message m = begin(family(name), cmd, version);

	*(int *)(m.rest + GENL_HDRLEN) = dp;
	m.h.nlmsg_len += sizeof(struct ovs_header);
	return m;
}

static int dp_index(void)
{
	struct ifreq ifr = { .ifr_name = NAME };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		die(NAME);
	close(fd);
	return ifr.ifr_ifindex;
}

static void add_port(int dp, const char *name, unsigned int port)
{
	struct message m = about(OVS_VPORT_FAMILY, OVS_VPORT_CMD_NEW, OVS_VPORT_VERSION, dp);
	unsigned int type = OVS_VPORT_TYPE_NETDEV, pid = 0;

	attr(&m, OVS_VPORT_ATTR_NAME, name, strlen(name) + 1);
	attr(&m, OVS_VPORT_ATTR_TYPE, &type, sizeof(type));
	attr(&m, OVS_VPORT_ATTR_PORT_NO, &port, sizeof(port));
	attr(&m, OVS_VPORT_ATTR_UPCALL_PID, &pid, sizeof(pid));
	errno = -talk(nl, &m, NULL);
	if (errno)
		die(name);
}

/* From one port to an address: to the other port. */
static void add_flow(int dp, unsigned int from, unsigned int to)
{
	struct message m = about(OVS_FLOW_FAMILY, OVS_FLOW_CMD_NEW, OVS_FLOW_VERSION, dp);
	struct ovs_key_ethernet eth = { .eth_dst = { 2, 0, 0, 0, 0, 1 } }, mask = { };
	unsigned int all = ~0U;
	struct nlattr *nest;

	memset(mask.eth_dst, 0xff, sizeof(mask.eth_dst));
	nest = attr(&m, OVS_FLOW_ATTR_KEY, NULL, 0);
	attr(&m, OVS_KEY_ATTR_IN_PORT, &from, sizeof(from));
	attr(&m, OVS_KEY_ATTR_ETHERNET, &eth, sizeof(eth));
	end(&m, nest);
	nest = attr(&m, OVS_FLOW_ATTR_MASK, NULL, 0);
	attr(&m, OVS_KEY_ATTR_IN_PORT, &all, sizeof(all));
	attr(&m, OVS_KEY_ATTR_ETHERNET, &mask, sizeof(mask));
	end(&m, nest);
	nest = attr(&m, OVS_FLOW_ATTR_ACTIONS, NULL, 0);
	attr(&m, OVS_ACTION_ATTR_OUTPUT, &to, sizeof(to));
	end(&m, nest);
	errno = -talk(nl, &m, NULL);
	if (errno)
		die("flow");
}

/* ovs A B: from A to B; ovs del del: no more. Status 1: the kernel has none. */
int ovs(int argc, char **argv)
{
	unsigned int pid = 0;
	struct message m;

	nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (argc < 2 || nl < 0)
		return 2;
	if (family(OVS_DATAPATH_FAMILY) < 0)
		return 1;
	if (!strcmp(argv[0], "del")) {
		m = about(OVS_DATAPATH_FAMILY, OVS_DP_CMD_DEL, OVS_DATAPATH_VERSION, dp_index());
		return !!talk(nl, &m, NULL);
	}
	m = about(OVS_DATAPATH_FAMILY, OVS_DP_CMD_NEW, OVS_DATAPATH_VERSION, 0);
	attr(&m, OVS_DP_ATTR_NAME, NAME, sizeof(NAME));
	attr(&m, OVS_DP_ATTR_UPCALL_PID, &pid, sizeof(pid));
	errno = -talk(nl, &m, NULL);
	if (errno)
		die(NAME);
	add_port(dp_index(), argv[0], 1);
	add_port(dp_index(), argv[1], 2);
	add_flow(dp_index(), 1, 2);
	return 0;
}
