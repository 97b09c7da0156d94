/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of netlink, as far as "frames" needs them. */
#ifndef BENCH_NETLINK_H
#define BENCH_NETLINK_H

#include <linux/netlink.h>

struct message {
	struct nlmsghdr h;
	char rest[532];		/* a header of the family's, and attributes */
};

/* A request with room for a header of @len bytes after netlink's own. */
struct message request(int type, int flags, int len);
struct nlattr *attr(struct message *m, int type, const void *data, int len);
void end(struct message *m, struct nlattr *nest);

/* Return: 0 or -errno; @answer: the first message that is none of success. */
int talk(int nl, struct message *m, struct message *answer);

#endif
