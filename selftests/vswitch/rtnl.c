// SPDX-License-Identifier: GPL-2.0
/* Just enough rtnetlink for what ip link add, del and set do. */
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "vsw.h"

struct request {
	struct nlmsghdr h;
	struct ifinfomsg i;
	char attrs[512];
};

static struct request begin(int type, int flags, const char *name)
{
	struct request r = {
		.h = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
	};

	if (name)
		r.i.ifi_index = link_index(name);
	return r;
}

static struct rtattr *attr(struct request *r, int type, const void *data, int len)
{
	struct rtattr *a = (void *)&r->h + NLMSG_ALIGN(r->h.nlmsg_len);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static int talk(struct request *r)
{
	int fd = OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	char answer[4096];
	struct nlmsghdr *h = (void *)answer;
	int ret;

	OK(sendto(fd, r, r->h.nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)));
	OK(recv(fd, answer, sizeof(answer), 0));
	close(fd);
	REQUIRE(h->nlmsg_type == NLMSG_ERROR, "netlink answers %u", h->nlmsg_type);
	ret = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
	return ret;
}

int rtnl_add(const char *name, const char *kind, int link, int netns)
{
	struct request r = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, NULL);
	struct rtattr *info;

	attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	if (link)
		attr(&r, IFLA_LINK, &link, sizeof(link));
	if (netns >= 0)
		attr(&r, IFLA_NET_NS_FD, &netns, sizeof(netns));
	info = attr(&r, IFLA_LINKINFO, NULL, 0);
	attr(&r, IFLA_INFO_KIND, kind, strlen(kind) + 1);
	info->rta_len = (void *)&r + r.h.nlmsg_len - (void *)info;
	return talk(&r);
}

/* ip link add NAME type vswitch, with a limit of addresses */
int rtnl_add_limit(const char *name, unsigned int fdb_limit)
{
	struct request r = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, NULL);
	struct rtattr *info, *data;

	attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	info = attr(&r, IFLA_LINKINFO, NULL, 0);
	attr(&r, IFLA_INFO_KIND, "vswitch", 8);
	data = attr(&r, IFLA_INFO_DATA, NULL, 0);
	attr(&r, IFLA_VSWITCH_FDB_LIMIT, &fdb_limit, sizeof(fdb_limit));
	data->rta_len = (void *)&r + r.h.nlmsg_len - (void *)data;
	info->rta_len = (void *)&r + r.h.nlmsg_len - (void *)info;
	return talk(&r);
}

int rtnl_del(const char *name)
{
	struct request r = begin(RTM_DELLINK, 0, name);

	return talk(&r);
}

int rtnl_set_master(const char *name, int master)
{
	struct request r = begin(RTM_NEWLINK, 0, name);

	attr(&r, IFLA_MASTER, &master, sizeof(master));
	return talk(&r);
}

int rtnl_set_netns(const char *name, int netns)
{
	struct request r = begin(RTM_NEWLINK, 0, name);

	attr(&r, IFLA_NET_NS_FD, &netns, sizeof(netns));
	return talk(&r);
}

int rtnl_set_mac(const char *name, const unsigned char *mac)
{
	struct request r = begin(RTM_NEWLINK, 0, name);

	attr(&r, IFLA_ADDRESS, mac, 6);
	return talk(&r);
}

/* The interface's own XDP program, in its driver; -1: none. */
int rtnl_set_xdp(const char *name, int fd)
{
	struct request r = begin(RTM_NEWLINK, 0, name);
	unsigned int flags = XDP_FLAGS_DRV_MODE;
	struct rtattr *xdp = attr(&r, IFLA_XDP | NLA_F_NESTED, NULL, 0);

	attr(&r, IFLA_XDP_FD, &fd, sizeof(fd));
	attr(&r, IFLA_XDP_FLAGS, &flags, sizeof(flags));
	xdp->rta_len = (void *)&r + r.h.nlmsg_len - (void *)xdp;
	return talk(&r);
}
