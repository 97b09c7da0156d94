/* SPDX-License-Identifier: GPL-2.0 */
/* The maps of the policy "guard", for it and for who fills them. */
#ifndef VIRTLITE_POLICY_GUARD_H
#define VIRTLITE_POLICY_GUARD_H

#include <linux/types.h>

#define GUARD_MAX_PORTS 4096
#define GUARD_MAX_BINDINGS 65536

/* Bits of guard_port.flags. */
#define GUARD_SOURCE	1U	/* ARP and ND say only what is in "bindings" */
#define GUARD_DHCP	2U	/* no DHCP server is behind this port */
#define GUARD_RA	4U	/* no IPv6 router is */

/**
 * struct guard_port - value of the map "ports", whose key is the port's number
 * @flags: GUARD_*
 * @pad: 0
 * @dropped: frames that the policy has dropped there
 */
struct guard_port {
	__u32 flags;
	__u32 pad;
	__u64 dropped;
};

/**
 * struct guard_binding - key of the map "bindings": an address of a port
 * @port: the port's number
 * @family: 4 or 6
 * @address: in the order of the wire; an IPv4 address is the first word
 */
struct guard_binding {
	__u32 port;
	__u32 family;
	__u32 address[4];
};

/**
 * struct guard_mac - value of the map "bindings"
 * @mac: who has the address
 * @pad: 0
 */
struct guard_mac {
	__u8 mac[6];
	__u8 pad[2];
};

#endif /* VIRTLITE_POLICY_GUARD_H */
