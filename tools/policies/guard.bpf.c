// SPDX-License-Identifier: GPL-2.0
/*
 * A policy for a switch: who may say what about addresses.
 *
 *   ARP and ND   a port that is checked speaks for its own addresses only
 *   DHCP         servers are behind ports that may have them
 *   RA           so are routers, and whoever redirects
 *
 * Each port has its flags in the map "ports", all zero at first: then a port is
 * nobody's enemy. What a checked port may claim is in "bindings".
 *
 * What cannot be looked at to the end of its headers is dropped where it could
 * hide what is forbidden: a first fragment without its upper header, more
 * extension headers or tags than anybody needs (RFC 7113).
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "guard.h"

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

#define HELPER(number) __attribute__((kernel_helper(number)))

void *map_lookup(void *map, const void *key) HELPER(BPF_FUNC_map_lookup_elem);
long load_bytes(const void *skb, __u32 offset, void *to, __u32 len)
	HELPER(BPF_FUNC_skb_load_bytes);

/* The loader reads what these point to, and how long the arrays are. */
struct {
	int (*type)[BPF_MAP_TYPE_ARRAY];
	int (*max_entries)[GUARD_MAX_PORTS];
	__u32 *key;
	struct guard_port *value;
} ports SEC(".maps");

struct {
	int (*type)[BPF_MAP_TYPE_HASH];
	int (*max_entries)[GUARD_MAX_BINDINGS];
	struct guard_binding *key;
	struct guard_mac *value;
} bindings SEC(".maps");

#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8

#define PROTO_HOP 0
#define PROTO_UDP 17
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_AUTH 51
#define PROTO_ICMPV6 58
#define PROTO_DEST 60

#define MAX_TAGS 4
#define MAX_HEADERS 8

#define PASS 0
#define DROP 1

/*
 * MACs are compared as the six low bytes of a word, in the order of the wire:
 * that is short, and the compiler (GCC 12) gets bytes that it has to put aside
 * wrong.
 */
struct ctx {
	struct __sk_buff *skb;
	__u64 src;		/* the frame's source */
	__u32 port;
	__u32 flags;
};

INLINE int load_mac(struct ctx *c, __u32 at, __u64 *mac)
{
	*mac = 0;
	return load_bytes(c->skb, at, mac, 6);
}

/* Is this address, from this MAC, the port's own? */
INLINE int owns(struct ctx *c, struct guard_binding *b, __u64 mac)
{
	__u64 *m;

	b->port = c->port;
	m = map_lookup(&bindings, b);
	return m && *m == mac && c->src == mac;
}

/* Ethernet, IPv4, and the lengths of their addresses, as they begin an ARP packet. */
#define ARP_ETHERNET_IPV4 0x040600080100ULL

/* RFC 826: hardware, protocol, sizes, operation, sender's and target's pairs. */
INLINE int check_arp(struct ctx *c, __u32 at)
{
	struct guard_binding b = {};
	__u64 kind, mac;
	__u32 ip;

	if (!(c->flags & GUARD_SOURCE))
		return PASS;
	if (load_mac(c, at, &kind) || load_mac(c, at + 8, &mac) ||
	    load_bytes(c->skb, at + 14, &ip, sizeof(ip)))
		return DROP;
	if (kind != ARP_ETHERNET_IPV4)
		return DROP;
	/* A probe (RFC 5227) claims nothing but its own MAC. */
	if (!ip)
		return mac == c->src ? PASS : DROP;
	b.family = 4;
	b.address[0] = ip;
	return owns(c, &b, mac) ? PASS : DROP;
}

/* RFC 4861 section 4: the option of this type, its MAC in @mac. */
INLINE int nd_option(struct ctx *c, __u32 at, __u8 type, __u64 *mac)
{
	__u8 head[2];
	int i;

	for (i = 0; i < 4; i++) {
		if (load_bytes(c->skb, at, head, sizeof(head)) || !head[1])
			return 0;
		if (head[0] == type && head[1] == 1)
			return !load_mac(c, at + 2, mac);
		at += head[1] * 8;
	}
	return 0;
}

/* What a checked port says in neighbour discovery must be true. */
INLINE int check_nd(struct ctx *c, __u32 ip, __u32 at, __u8 type)
{
	struct guard_binding b = {};
	__u64 mac;

	if (!(c->flags & GUARD_SOURCE))
		return PASS;
	b.family = 6;
	if (type == 135) {
		/* A solicitation speaks for its source, which may be nobody yet. */
		if (load_bytes(c->skb, ip + 8, b.address, 16))
			return DROP;
		if (!(b.address[0] | b.address[1] | b.address[2] | b.address[3]))
			return PASS;
		if (!nd_option(c, at + 24, 1, &mac))
			mac = c->src;
	} else {
		/* An advertisement for its target. */
		if (load_bytes(c->skb, at + 8, b.address, 16))
			return DROP;
		if (!nd_option(c, at + 24, 2, &mac))
			mac = c->src;
	}
	return owns(c, &b, mac) ? PASS : DROP;
}

INLINE int check_icmpv6(struct ctx *c, __u32 ip, __u32 at)
{
	__u8 type;

	if (load_bytes(c->skb, at, &type, 1))
		return DROP;
	switch (type) {
	case 134:		/* router advertisement */
	case 137:		/* redirect */
		return c->flags & GUARD_RA ? DROP : PASS;
	case 135:
	case 136:
		return check_nd(c, ip, at, type);
	}
	return PASS;
}

/* Only a server speaks from these ports. */
INLINE int check_udp(struct ctx *c, __u32 at, __u16 server)
{
	__u8 port[2];

	if (!(c->flags & GUARD_DHCP))
		return PASS;
	if (load_bytes(c->skb, at, port, sizeof(port)))
		return DROP;
	return (port[0] << 8 | port[1]) == server ? DROP : PASS;
}

INLINE int check_ipv4(struct ctx *c, __u32 at)
{
	__u8 ip[20];

	if (load_bytes(c->skb, at, ip, sizeof(ip)))
		return PASS;
	/* Later fragments have no ports, and mean nothing without the first. */
	if (ip[9] != PROTO_UDP || (ip[6] & 0x1f) || ip[7])
		return PASS;
	return check_udp(c, at + (ip[0] & 15) * 4, 67);
}

INLINE int check_ipv6(struct ctx *c, __u32 ip)
{
	__u32 at = ip + 40;
	__u8 next, head[8];
	int i;

	if (load_bytes(c->skb, ip + 6, &next, 1))
		return PASS;
	for (i = 0; i < MAX_HEADERS; i++) {
		switch (next) {
		case PROTO_UDP:
			return check_udp(c, at, 547);
		case PROTO_ICMPV6:
			return check_icmpv6(c, ip, at);
		case PROTO_HOP:
		case PROTO_ROUTING:
		case PROTO_DEST:
		case PROTO_AUTH:
		case PROTO_FRAGMENT:
			break;
		default:
			return PASS;
		}
		if (load_bytes(c->skb, at, head, sizeof(head)))
			return DROP;
		if (next == PROTO_FRAGMENT) {
			/* Not the first: without that it is nothing. */
			if (head[2] || (head[3] & 0xf8))
				return PASS;
			at += 8;
		} else if (next == PROTO_AUTH) {
			at += head[1] * 4 + 8;
		} else {
			at += head[1] * 8 + 8;
		}
		next = head[0];
	}
	return DROP;
}

INLINE int check(struct ctx *c)
{
	__u32 at = 12;
	__u8 type[2];
	int i;

	for (i = 0; i <= MAX_TAGS; i++) {
		if (load_bytes(c->skb, at, type, sizeof(type)))
			return PASS;
		at += 2;
		switch (type[0] << 8 | type[1]) {
		case TYPE_VLAN:
		case TYPE_QINQ:
			at += 2;
			continue;
		case TYPE_ARP:
			return check_arp(c, at);
		case TYPE_IPV4:
			return check_ipv4(c, at);
		case TYPE_IPV6:
			return check_ipv6(c, at);
		}
		return PASS;
	}
	return DROP;
}

SEC("classifier")
int guard(struct __sk_buff *skb)
{
	struct guard_port *port;
	struct ctx c = { .skb = skb };

	c.port = skb->cb[0];
	port = map_lookup(&ports, &c.port);
	if (!port || !port->flags)
		return TC_ACT_OK;
	c.flags = port->flags;
	if (load_mac(&c, 6, &c.src))
		return TC_ACT_SHOT;
	if (check(&c) == PASS)
		return TC_ACT_OK;
	__sync_fetch_and_add(&port->dropped, 1);
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
