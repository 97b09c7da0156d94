// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/socket.h>

#include "ends.h"
#include "netlink.h"

struct message request(int type, int flags, int len)
{
	return (struct message){
		.h = {
			.nlmsg_len = NLMSG_LENGTH(len),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
	};
}

/* No data: a nest, until end() says that it is whole. */
struct nlattr *attr(struct message *m, int type, const void *data, int len)
{
	struct nlattr *a = (void *)m + NLMSG_ALIGN(m->h.nlmsg_len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((void *)a + NLA_HDRLEN, data, len);
	m->h.nlmsg_len = NLMSG_ALIGN(m->h.nlmsg_len) + NLA_ALIGN(a->nla_len);
	return a;
}

void end(struct message *m, struct nlattr *nest)
{
	nest->nla_len = (void *)m + m->h.nlmsg_len - (void *)nest;
}

int talk(int nl, struct message *m, struct message *answer)
{
	struct message got;

	if (send(nl, m, m->h.nlmsg_len, 0) < 0)
		die("netlink");
	for (;;) {
		if (recv(nl, &got, sizeof(got), 0) < 0)
			die("netlink");
		if (got.h.nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(&got.h))->error;
		if (answer)
			*answer = got;
	}
}
