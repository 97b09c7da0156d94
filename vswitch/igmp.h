/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What hosts and routers say about multicast groups, IGMP (RFC 2236, 3376) and
 * MLD (RFC 2710, 3810): reading plain bytes, no skb here.
 */
#ifndef VSWITCH_IGMP_H
#define VSWITCH_IGMP_H

#include <linux/types.h>

/**
 * struct vsw_group - a group, as a key
 * @address: of IPv6; or of IPv4 in the first four bytes. All zero: the routers
 * @vid: its VLAN
 * @family: 4 or 6
 */
struct vsw_group {
	u8 address[16];
	u16 vid;
	u16 family;
};

enum vsw_igmp_kind {
	VSW_IGMP_NONE,		/* none of these messages */
	VSW_IGMP_BAD,		/* one that is broken */
	VSW_IGMP_QUERY,		/* to all groups */
	VSW_IGMP_QUERY_ONE,	/* to one */
	VSW_IGMP_REPORT,	/* see vsw_igmp_next() */
};

/**
 * struct vsw_igmp - a message while it is read
 * @kind: VSW_IGMP_*
 * @family: 4 or 6
 * @records: groups that have not been read yet
 * @old: a single group and what is said of it: 1 join, 0 leave; -1: records
 * @at: where the next one is
 * @end: of the message
 */
struct vsw_igmp {
	u8 kind;
	u8 family;
	u16 records;
	int old;
	const u8 *at;
	const u8 *end;
};

bool vsw_igmp_may_be(const u8 *ip, u32 len, u8 family);
void vsw_igmp_read(struct vsw_igmp *m, const u8 *ip, u32 len, u8 family);
bool vsw_igmp_next(struct vsw_igmp *m, struct vsw_group *group, bool *join);
bool vsw_group_is_local(const u8 *address, u8 family);

#endif /* VSWITCH_IGMP_H */
