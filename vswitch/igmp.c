// SPDX-License-Identifier: GPL-2.0
/* IGMP and MLD messages, see igmp.h. */

#include <linux/string.h>

#include "igmp.h"

#define IP4_HEADER 20
#define IP6_HEADER 40
#define PROTO_HOP 0
#define PROTO_IGMP 2
#define PROTO_ICMPV6 58
#define MESSAGE 8		/* of IGMP, and of MLD before its group */

#define IGMP_QUERY 0x11
#define IGMP_REPORT_1 0x12
#define IGMP_REPORT_2 0x16
#define IGMP_LEAVE 0x17
#define IGMP_REPORT_3 0x22
#define MLD_QUERY 130
#define MLD_REPORT_1 131
#define MLD_DONE 132
#define MLD_REPORT_2 143

/* Kinds of record, RFC 3376 section 4.2.12 and RFC 3810 section 5.2.12. */
#define IS_INCLUDE 1
#define IS_EXCLUDE 2
#define TO_INCLUDE 3
#define TO_EXCLUDE 4
#define ALLOW_NEW 5

static u32 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 sum(const u8 *p, u32 len, u32 from)
{
	for (; len > 1; p += 2, len -= 2)
		from += get16(p);
	return len ? from + (p[0] << 8) : from;
}

static bool sum_ok(u32 s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s == 0xffff;
}

static u32 group_len(u8 family)
{
	return family == 4 ? 4 : 16;
}

/**
 * vsw_group_is_local() - groups that are flooded in any case
 * @address: the group
 * @family: 4 or 6
 *
 * 224.0.0.0/24 (RFC 4541 section 2.1.2), and what goes no further than its link:
 * without neighbour discovery nothing works.
 *
 * Return: whether.
 */
bool vsw_group_is_local(const u8 *address, u8 family)
{
	if (family == 4)
		return address[0] == 224 && !address[1] && !address[2];
	return (address[1] & 15) <= 2;
}

/**
 * vsw_igmp_may_be() - is it worth while to read all of this packet?
 * @ip: its IP header
 * @len: how much of it is there
 * @family: 4 or 6
 */
bool vsw_igmp_may_be(const u8 *ip, u32 len, u8 family)
{
	if (family == 4)
		return len >= IP4_HEADER && ip[9] == PROTO_IGMP;
	/* MLD says "router alert" in a hop-by-hop header. */
	return len > IP6_HEADER && ip[6] == PROTO_HOP && ip[IP6_HEADER] == PROTO_ICMPV6;
}

static void read_message(struct vsw_igmp *m, u32 head)
{
	const u8 *p = m->at;
	u8 type = p[0];

	m->old = -1;
	switch (type) {
	case IGMP_QUERY:
	case MLD_QUERY: {
		u8 any = 0;
		u32 i;

		for (i = 0; i < group_len(m->family); i++)
			any |= p[head + i];
		m->kind = any ? VSW_IGMP_QUERY_ONE : VSW_IGMP_QUERY;
		return;
	}
	case IGMP_REPORT_1:
	case IGMP_REPORT_2:
	case MLD_REPORT_1:
	case IGMP_LEAVE:
	case MLD_DONE:
		m->kind = VSW_IGMP_REPORT;
		m->old = type != IGMP_LEAVE && type != MLD_DONE;
		m->records = 1;
		m->at += head;
		return;
	case IGMP_REPORT_3:
	case MLD_REPORT_2:
		m->kind = VSW_IGMP_REPORT;
		m->records = get16(p + 6);
		m->at += MESSAGE;
		return;
	}
	m->kind = VSW_IGMP_NONE;
}

static void read_igmp(struct vsw_igmp *m, const u8 *ip, u32 len)
{
	u32 header = (ip[0] & 15) * 4, total = get16(ip + 2);

	if (ip[0] >> 4 != 4 || header < IP4_HEADER || total > len || total < header + MESSAGE ||
	    (get16(ip + 6) & 0x3fff))
		return;
	m->at = ip + header;
	m->end = ip + total;
	if (sum_ok(sum(m->at, total - header, 0)))
		read_message(m, 4);
}

static void read_mld(struct vsw_igmp *m, const u8 *ip, u32 len)
{
	u32 total = IP6_HEADER + get16(ip + 4), header, size, s;

	if (ip[0] >> 4 != 6 || total > len || total < IP6_HEADER + 8)
		return;
	header = IP6_HEADER + 8 + ip[IP6_HEADER + 1] * 8;
	if (total < header + MESSAGE) {
		m->kind = VSW_IGMP_BAD;
		return;
	}
	size = total - header;
	m->at = ip + header;
	m->end = ip + total;
	switch (m->at[0]) {
	case MLD_QUERY:
	case MLD_REPORT_1:
	case MLD_DONE:
		if (size < MESSAGE + 16)
			return;
		break;
	case MLD_REPORT_2:
		break;
	default:
		/* Any other ICMPv6. */
		m->kind = VSW_IGMP_NONE;
		return;
	}
	/* Nobody off the link speaks for somebody on it: RFC 2710 section 3. */
	if (ip[7] != 1 || ip[8] != 0xfe || (ip[9] & 0xc0) != 0x80)
		return;
	s = sum(m->at, size, sum(ip + 8, 32, size + PROTO_ICMPV6));
	if (sum_ok(s))
		read_message(m, MESSAGE);
}

/**
 * vsw_igmp_read() - what does this packet say?
 * @m: comes back; @m->kind tells
 * @ip: its IP header, of a packet that vsw_igmp_may_be() was true of
 * @len: all of it
 * @family: 4 or 6
 */
void vsw_igmp_read(struct vsw_igmp *m, const u8 *ip, u32 len, u8 family)
{
	memset(m, 0, sizeof(*m));
	m->kind = VSW_IGMP_BAD;
	m->family = family;
	if (family == 4)
		read_igmp(m, ip, len);
	else
		read_mld(m, ip, len);
}

/* A record of a newer report, and its length; 0 if it goes over the end. */
static u32 read_record(struct vsw_igmp *m, struct vsw_group *group, int *says)
{
	u32 room = m->end - m->at, glen = group_len(m->family), sources, len;
	const u8 *p = m->at;

	if (room < 4 + glen)
		return 0;
	sources = get16(p + 2);
	len = 4 + glen + sources * glen + p[1] * 4;
	if (len > room)
		return 0;
	memcpy(group->address, p + 4, glen);
	switch (p[0]) {
	case IS_EXCLUDE:
	case TO_EXCLUDE:
	case ALLOW_NEW:
		*says = 1;
		break;
	case IS_INCLUDE:
		*says = sources ? 1 : -1;
		break;
	case TO_INCLUDE:
		*says = sources ? 1 : 0;
		break;
	default:
		*says = -1;
	}
	return len;
}

/**
 * vsw_igmp_next() - the next group that a report speaks of
 * @m: the report
 * @group: comes back, without its VLAN
 * @join: whether somebody wants it; else somebody has left it
 *
 * Return: whether there was one.
 */
bool vsw_igmp_next(struct vsw_igmp *m, struct vsw_group *group, bool *join)
{
	u32 glen = group_len(m->family), len;
	int says = m->old;

	while (m->records) {
		m->records--;
		memset(group, 0, sizeof(*group));
		group->family = m->family;
		if (m->old >= 0) {
			if (m->end - m->at < glen)
				return false;
			memcpy(group->address, m->at, glen);
		} else {
			len = read_record(m, group, &says);
			if (!len)
				return false;
			m->at += len;
		}
		/* Only what is a group, and may be kept from somebody. */
		if ((m->family == 4 ? group->address[0] >> 4 == 14 : group->address[0] == 0xff) &&
		    !vsw_group_is_local(group->address, m->family) && says >= 0) {
			*join = says;
			return true;
		}
	}
	return false;
}
