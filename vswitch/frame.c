// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and making frames as plain bytes.
 */

#include <linux/errno.h>
#include <linux/string.h>

#include <virtlite/vswitch.h>

#include "frame.h"
#include "vlan.h"

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u8 *put16(u8 *p, u16 v)
{
	*p++ = v >> 8;
	*p++ = v;
	return p;
}

static u8 *put(u8 *p, const void *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

/**
 * vsw_frame_tag() - the outermost VLAN tag in a frame's bytes
 * @frame: at least its first 18 bytes, or all of it if it is shorter
 * @len: of the whole frame
 * @tpid: the tag's EtherType, 0 if there is none
 * @tci: the tag
 *
 * Return: 0, or -EINVAL if the frame ends within its headers.
 */
int vsw_frame_tag(const u8 *frame, u32 len, u16 *tpid, u16 *tci)
{
	*tpid = 0;
	*tci = 0;
	if (len < 14)
		return -EINVAL;
	switch (get16(frame + 12)) {
	case VSW_TPID_C:
	case VSW_TPID_S:
		if (len < 18)
			return -EINVAL;
		*tpid = get16(frame + 12);
		*tci = get16(frame + 14);
	}
	return 0;
}

/**
 * vsw_may_talk() - private VLANs: may frames go from one port to the other?
 * @role_a: VSWITCH_ROLE_* of one
 * @community_a: its community
 * @role_b: of the other
 * @community_b: its community
 *
 * Return: whether; the same in both directions.
 */
bool vsw_may_talk(u8 role_a, u32 community_a, u8 role_b, u32 community_b)
{
	if (role_a == VSWITCH_ROLE_PROMISCUOUS || role_b == VSWITCH_ROLE_PROMISCUOUS)
		return true;
	return role_a == VSWITCH_ROLE_COMMUNITY && role_b == VSWITCH_ROLE_COMMUNITY &&
	       community_a == community_b;
}

/* RFC 826, RFC 903, RFC 5227 section 3. */
static int vsw_announce_arp(u8 *frame, u16 type, u16 op, const u8 *mac, const u8 *address)
{
	u8 *p = frame;

	memset(p, 0xff, 6);
	p = put(p + 6, mac, 6);
	p = put16(p, type);
	p = put16(p, 1);		/* Ethernet */
	p = put16(p, 0x0800);		/* IPv4 */
	*p++ = 6;
	*p++ = 4;
	p = put16(p, op);
	p = put(p, mac, 6);
	p = put(p, address, 4);
	p = put(p, mac, 6);
	p = put(p, address, 4);
	/* The least that Ethernet carries. */
	memset(p, 0, frame + 60 - p);
	return 60;
}

static u16 vsw_sum(const u8 *p, u32 n, u32 sum)
{
	u32 i;

	for (i = 0; i + 1 < n; i += 2)
		sum += get16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 4861 sections 4.4 and 7.2.6: override is set, solicited is not. */
static int vsw_announce_na(u8 *frame, const u8 *mac, const u8 *address)
{
	static const u8 all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const u8 all_nodes[16] = { 0xff, 0x02, [15] = 1 };
	u8 *p = frame, *icmp;
	u32 sum;

	p = put(p, all_nodes_mac, 6);
	p = put(p, mac, 6);
	p = put16(p, 0x86dd);
	p = put16(p, 0x6000);
	p = put16(p, 0);
	p = put16(p, 32);
	*p++ = 58;			/* ICMPv6 */
	*p++ = 255;
	p = put(p, address, 16);
	p = put(p, all_nodes, 16);

	icmp = p;
	*p++ = 136;
	*p++ = 0;
	p = put16(p, 0);
	p = put16(p, 0x2000);
	p = put16(p, 0);
	p = put(p, address, 16);
	*p++ = 2;			/* target link-layer address */
	*p++ = 1;
	p = put(p, mac, 6);

	/* The pseudo-header: both addresses, length, next header. */
	sum = vsw_sum(icmp - 32, 32, 32 + 58);
	put16(icmp + 2, ~vsw_sum(icmp, 32, sum));
	return p - frame;
}

/**
 * vsw_announce_frame() - a frame that tells where an address is
 * @frame: room for VSW_ANNOUNCE_MAX bytes
 * @family: see struct vswitch_announce
 * @mac: whose
 * @address: 4 or 16 bytes
 *
 * Return: its length, or -EOPNOTSUPP for an unknown family.
 */
int vsw_announce_frame(u8 *frame, u16 family, const u8 *mac, const u8 *address)
{
	static const u8 none[4];

	switch (family) {
	case 0:
		return vsw_announce_arp(frame, 0x8035, 3, mac, none);
	case 4:
		return vsw_announce_arp(frame, 0x0806, 2, mac, address);
	case 6:
		return vsw_announce_na(frame, mac, address);
	}
	return -EOPNOTSUPP;
}
