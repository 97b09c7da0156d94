// SPDX-License-Identifier: GPL-2.0
/* A pair of netkit devices for whole frames, which not every ip knows how to make. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "ends.h"
#include "netlink.h"

/* linux/if_link.h of 6.7 and later: IFLA_NETKIT_PEER_INFO, IFLA_NETKIT_MODE, NETKIT_L2. */
#define PEER_INFO 1
#define MODE 5
#define L2 0

/* netkit A B. Status 1: the kernel has none. */
int netkit(int argc, char **argv)
{
	struct message m = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
				   sizeof(struct ifinfomsg));
	int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), ret;
	struct nlattr *info, *data, *peer;
	struct ifinfomsg whose = { };
	unsigned int mode = L2;

	if (argc < 2 || nl < 0)
		return 2;
	attr(&m, IFLA_IFNAME, argv[0], strlen(argv[0]) + 1);
	info = attr(&m, IFLA_LINKINFO, NULL, 0);
	attr(&m, IFLA_INFO_KIND, "netkit", sizeof("netkit"));
	data = attr(&m, IFLA_INFO_DATA, NULL, 0);
	attr(&m, MODE, &mode, sizeof(mode));
	peer = attr(&m, PEER_INFO, &whose, sizeof(whose));
	attr(&m, IFLA_IFNAME, argv[1], strlen(argv[1]) + 1);
	end(&m, peer);
	end(&m, data);
	end(&m, info);
	ret = talk(nl, &m, NULL);
	if (ret == -EOPNOTSUPP)
		return 1;
	errno = -ret;
	if (ret)
		die("netkit");
	return 0;
}
