// SPDX-License-Identifier: GPL-2.0
/* Just enough rtnetlink for what ip link add, del and set do. */
#include <sys/socket.h>
#include <linux/if_bridge.h>
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

/* The longest super-packet that the stack makes for it ("BIG TCP"). */
int rtnl_set_gso_max(const char *name, unsigned int size)
{
	struct request r = begin(RTM_NEWLINK, 0, name);

	attr(&r, IFLA_GSO_MAX_SIZE, &size, sizeof(size));
	return talk(&r);
}

/* Its first attribute is IFLA_AF_SPEC, which may grow. */
static struct request bridge_begin(int type, const char *name, bool self)
{
	unsigned short flags = BRIDGE_FLAGS_SELF;
	struct request r = begin(type, 0, name);

	r.i.ifi_family = AF_BRIDGE;
	attr(&r, IFLA_AF_SPEC, NULL, 0);
	if (self)
		attr(&r, IFLA_BRIDGE_FLAGS, &flags, sizeof(flags));
	return r;
}

int rtnl_bridge_vlan(const char *name, bool add, bool self, const struct bridge_vlan_info *v,
		     int n)
{
	struct request r = bridge_begin(add ? RTM_SETLINK : RTM_DELLINK, name, self);
	struct rtattr *spec = (void *)r.attrs;

	for (; n--; v++)
		attr(&r, IFLA_BRIDGE_VLAN_INFO, v, sizeof(*v));
	spec->rta_len = (void *)&r + r.h.nlmsg_len - (void *)spec;
	return talk(&r);
}

int rtnl_bridge_option(const char *name, bool self, int option, unsigned char value)
{
	struct request r = bridge_begin(RTM_SETLINK, name, self);
	struct rtattr *spec = (void *)r.attrs, *info;

	spec->rta_len = (void *)&r + r.h.nlmsg_len - (void *)spec;
	info = attr(&r, IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
	attr(&r, option, &value, 1);
	info->rta_len = (void *)&r + r.h.nlmsg_len - (void *)info;
	return talk(&r);
}

/* What one answer of a dump says of the interface. */
static int bridge_answer(struct nlmsghdr *h, int index, struct bridge_vlan_info *v, int room)
{
	struct ifinfomsg *i = NLMSG_DATA(h);
	struct rtattr *a = IFLA_RTA(i), *in;
	int len = IFLA_PAYLOAD(h), inner, n = 0;

	if (i->ifi_index != index)
		return 0;
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if ((a->rta_type & NLA_TYPE_MASK) != IFLA_AF_SPEC)
			continue;
		in = RTA_DATA(a);
		inner = RTA_PAYLOAD(a);
		for (; RTA_OK(in, inner); in = RTA_NEXT(in, inner)) {
			if (in->rta_type == IFLA_BRIDGE_VLAN_INFO && n < room)
				memcpy(&v[n++], RTA_DATA(in), sizeof(*v));
		}
	}
	return n;
}

/* Returns how many there are. */
int rtnl_bridge_vlans(const char *name, struct bridge_vlan_info *v, int room)
{
	int fd = OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)), n = 0, len;
	unsigned int mask = RTEXT_FILTER_BRVLAN_COMPRESSED;
	struct request r = begin(RTM_GETLINK, NLM_F_DUMP, NULL);
	int index = link_index(name);
	static char answer[1 << 16];
	struct nlmsghdr *h;
	bool more = true;

	r.i.ifi_family = AF_BRIDGE;
	attr(&r, IFLA_EXT_MASK, &mask, sizeof(mask));
	OK(send(fd, &r, r.h.nlmsg_len, 0));
	while (more) {
		len = OK(recv(fd, answer, sizeof(answer), 0));
		for (h = (void *)answer; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			REQUIRE(h->nlmsg_type != NLMSG_ERROR, "no dump");
			if (h->nlmsg_type == NLMSG_DONE)
				more = false;
			else
				n += bridge_answer(h, index, v + n, room - n);
		}
	}
	close(fd);
	return n;
}
