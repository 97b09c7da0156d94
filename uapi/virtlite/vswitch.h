/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_VIRTLITE_VSWITCH_H
#define _UAPI_VIRTLITE_VSWITCH_H

/*
 * /dev/vswitch: switches, their ports and what they know. A file of it acts in
 * the network namespace of the process that opened it; each call that changes
 * something asks for CAP_NET_ADMIN in the user namespace that owns that network
 * namespace.
 *
 * Errors that every call has, beside its own:
 *
 * ENOTTY      this kernel does not know the call
 * E2BIG       @size is larger than what this kernel knows, and what is beyond
 *             is not zero
 * EINVAL      @size is too small, a flag is unknown, a reserved field is not 0
 * EOPNOTSUPP  a known field has a value that this kernel does not know
 * EFAULT      a pointer leads nowhere
 * EPERM       the caller may not
 * ENODEV      no switch has that interface index in this network namespace
 * ENOENT      the switch has no such port, entry or session
 * EINTR       a fatal signal came while waiting for the configuration lock
 */

#include <linux/const.h>
#include <linux/types.h>

#define VSWITCH_MAGIC 0xb8

#define VSWITCH_NAME_MAX 16
#define VSWITCH_PORT_LOCAL 0		/* the switch's own netdev */
#define VSWITCH_PORT_NONE 0xffffffffU

/**
 * struct vswitch_head - how every argument begins
 * @size: bytes of the whole struct as the caller knows it; at most that much is
 *	written back
 * @flags: said at each call; 0 where it says nothing
 * @msg_ptr: buffer for a line of text that says what was wrong, or 0
 * @msg_len: its size; the text is cut to fit and always ends with a NUL
 * @ifindex: the interface index of the switch in the file's network namespace;
 *	0 where no switch is meant
 */
struct vswitch_head {
	__u32 size;
	__u32 flags;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 ifindex;
};

/* What the module can do: bits of vswitch_info.features. */
#define VSWITCH_FEATURE_VNIC		_BITULL(0)
#define VSWITCH_FEATURE_UPLINK		_BITULL(1)
#define VSWITCH_FEATURE_QUEUE		_BITULL(2)
#define VSWITCH_FEATURE_VLAN		_BITULL(3)
#define VSWITCH_FEATURE_QINQ		_BITULL(4)
#define VSWITCH_FEATURE_PRIVATE_VLAN	_BITULL(5)
#define VSWITCH_FEATURE_MIRROR		_BITULL(6)
#define VSWITCH_FEATURE_RATE		_BITULL(7)
#define VSWITCH_FEATURE_LOOP_GUARD	_BITULL(8)
#define VSWITCH_FEATURE_ANNOUNCE	_BITULL(9)
#define VSWITCH_FEATURE_EVENTS		_BITULL(10)
#define VSWITCH_FEATURE_POLICY		_BITULL(11)
#define VSWITCH_FEATURE_XDP		_BITULL(12)
#define VSWITCH_FEATURE_SNOOPING	_BITULL(13)
#define VSWITCH_FEATURE_TEAM		_BITULL(14)

/**
 * struct vswitch_info - ioctl(VSWITCH_GET_INFO)
 * @head: no flags, no switch
 * @features: VSWITCH_FEATURE_*
 * @max_switches: most switches of one network namespace
 * @max_ports: most ports of one switch, the local one included
 * @max_fdb: most FDB entries of all switches of one network namespace
 * @max_queues: most queues of one queue port
 * @max_mirrors: most mirror sessions of one switch
 * @nr_stats: counters of a port, see VSWITCH_GET_STATS
 *
 * Needs no privilege. Return: 0.
 */
struct vswitch_info {
	struct vswitch_head head;
	__aligned_u64 features;
	__u32 max_switches;
	__u32 max_ports;
	__u32 max_fdb;
	__u32 max_queues;
	__u32 max_mirrors;
	__u32 nr_stats;
};

#define VSWITCH_GET_INFO _IO(VSWITCH_MAGIC, 0x00)

/* Flags of VSWITCH_CREATE. */
#define VSWITCH_F_AUTODESTROY	(1U << 0)	/* delete it with the last close of the file */

/* Bits of vswitch_switch.set. */
#define VSWITCH_SET_AGEING	(1U << 0)
#define VSWITCH_SET_FDB_LIMIT	(1U << 1)
#define VSWITCH_SET_RESERVED	(1U << 2)
#define VSWITCH_SET_MOVES	(1U << 3)
#define VSWITCH_SET_REPEATS	(1U << 4)
#define VSWITCH_SET_SNOOPING	(1U << 5)

/**
 * struct vswitch_switch - ioctl(VSWITCH_CREATE), ioctl(VSWITCH_GET),
 *	ioctl(VSWITCH_SET)
 * @head: for CREATE VSWITCH_F_AUTODESTROY or 0; @head.ifindex comes back from
 *	CREATE, and names the switch for GET and SET
 * @name: of the netdev; for CREATE it may be empty or hold a "%d", and the
 *	chosen name comes back
 * @set: which of the following a CREATE or SET changes: VSWITCH_SET_*
 * @ageing_ms: a learned address is forgotten after so many milliseconds without
 *	a frame from it; 0: never, else 1000 or more (default 300,000)
 * @fdb_limit: most FDB entries of the switch (default 65,536). Once reached
 *	nothing more is learned, and frames to unknown addresses are flooded
 * @reserved: bit N forwards frames to 01-80-C2-00-00-0N, which a switch keeps
 *	to itself by default; bit 1 (PAUSE) cannot be set
 * @move_limit: an address that has changed its port so often within a second
 *	is held where it was before, and frames from it that come in elsewhere are
 *	dropped for @move_hold_ms; 0: no limit (default 5)
 * @move_hold_ms: see @move_limit; 100 to 60,000 (default 1,000)
 * @fdb_count: entries now
 * @nr_ports: ports now, the local one included
 * @vlan_aware: 1 while a port has a VLAN mode (see VSWITCH_SET_VLAN), else 0
 * @repeat_limit: how often the same frame may come in by the same uplink within
 *	a second to be flooded. To go to another uplink where its destination is:
 *	4 times as often, and 64 times as many at once. What comes again more
 *	often goes round a loop, and is dropped; 0: no limit, else at most 65,533
 *	(default 64)
 * @snooping: 1: multicasts go to the ports that want their group, as IGMP and
 *	MLD tell, and to multicast routers. In a VLAN without a querier, and for
 *	groups of the link (224.0.0.0/24, IPv6 scopes up to 2), everything is
 *	flooded as ever. 0 (default): all are flooded
 * @pad: 0
 *
 * Return: 0; EEXIST: the name is taken; ENOSPC: @max_switches, or the
 * module's parameter total_switches; ERANGE: a value
 * is out of its range.
 */
struct vswitch_switch {
	struct vswitch_head head;
	__u8 name[VSWITCH_NAME_MAX];
	__u32 set;
	__u32 ageing_ms;
	__u32 fdb_limit;
	__u32 reserved;
	__u32 move_limit;
	__u32 move_hold_ms;
	__u32 fdb_count;
	__u32 nr_ports;
	__u32 vlan_aware;
	__u32 repeat_limit;
	__u32 snooping;
	__u32 pad;
};

#define VSWITCH_CREATE _IO(VSWITCH_MAGIC, 0x01)
#define VSWITCH_GET _IO(VSWITCH_MAGIC, 0x02)
#define VSWITCH_SET _IO(VSWITCH_MAGIC, 0x03)

/**
 * struct vswitch_delete - ioctl(VSWITCH_DELETE)
 * @head: no flags; the switch
 *
 * Its vNICs go with it, in whichever network namespace they are, its uplinks
 * become ordinary interfaces again, and its queues answer EBADFD. Return: 0.
 */
struct vswitch_delete {
	struct vswitch_head head;
};

#define VSWITCH_DELETE _IO(VSWITCH_MAGIC, 0x04)

/**
 * struct vswitch_list - ioctl(VSWITCH_LIST), ioctl(VSWITCH_LIST_PORTS)
 * @head: no flags; for LIST_PORTS the switch
 * @count: room in the array, in elements; on return how many there are, which
 *	may be more than there was room for
 * @pad: 0
 * @ptr: array of __u32: interface indexes, or port ids
 *
 * Return: 0.
 */
struct vswitch_list {
	struct vswitch_head head;
	__u32 count;
	__u32 pad;
	__aligned_u64 ptr;
};

#define VSWITCH_LIST _IO(VSWITCH_MAGIC, 0x05)
#define VSWITCH_LIST_PORTS _IO(VSWITCH_MAGIC, 0x06)

/* Kinds of port. */
#define VSWITCH_KIND_LOCAL	0
#define VSWITCH_KIND_VNIC	1
#define VSWITCH_KIND_UPLINK	2
#define VSWITCH_KIND_QUEUE	3

/* What a port does: bits of vswitch_port.conf. */
#define VSWITCH_P_LEARN		(1U << 0)	/* learn source addresses */
#define VSWITCH_P_FLOOD_UNKNOWN	(1U << 1)	/* gets frames to unknown addresses */
#define VSWITCH_P_FLOOD_MCAST	(1U << 2)	/* gets multicasts */
#define VSWITCH_P_FLOOD_BCAST	(1U << 3)	/* gets broadcasts */
#define VSWITCH_P_LOCKED	(1U << 4)	/* a vNIC's owner may not change or delete it */
#define VSWITCH_P_ANTISPOOF	(1U << 5)	/* only frames from its own MAC come in */
#define VSWITCH_P_STICKY	(1U << 6)	/* what is learned here does not move away */
#define VSWITCH_P_LIMIT_DROP	(1U << 7)	/* over fdb_limit: drop instead of flood */
#define VSWITCH_P_BPDU_FILTER	(1U << 8)	/* spanning-tree frames do not come in */
#define VSWITCH_P_BPDU_GUARD	(1U << 9)	/* a spanning-tree frame blocks the port */
#define VSWITCH_P_SILENT	(1U << 10)	/* nothing comes in until activated */
#define VSWITCH_P_DEFAULT	(VSWITCH_P_LEARN | VSWITCH_P_FLOOD_UNKNOWN | \
				 VSWITCH_P_FLOOD_MCAST | VSWITCH_P_FLOOD_BCAST)

/* Whom a port may talk to. */
#define VSWITCH_ROLE_PROMISCUOUS	0	/* everybody */
#define VSWITCH_ROLE_ISOLATED		1	/* promiscuous ports */
#define VSWITCH_ROLE_COMMUNITY		2	/* those, and its own community */

/* Bits of vswitch_port.state. */
#define VSWITCH_STATE_UP	(1U << 0)	/* it forwards */
#define VSWITCH_STATE_BLOCKED	(1U << 1)	/* by VSWITCH_P_BPDU_GUARD */
#define VSWITCH_STATE_STANDBY	(1U << 2)	/* another port of its @team is active */

/* Bits of vswitch_port.set. */
#define VSWITCH_SET_PORT_CONF	(1U << 0)	/* @conf, those in @conf_mask */
#define VSWITCH_SET_PORT_MAC	(1U << 1)
#define VSWITCH_SET_PORT_ROLE	(1U << 2)	/* @role and @community */
#define VSWITCH_SET_PORT_LIMIT	(1U << 3)	/* @fdb_limit */
#define VSWITCH_SET_PORT_UNBLOCK (1U << 4)	/* end VSWITCH_STATE_BLOCKED */
#define VSWITCH_SET_PORT_MTU	(1U << 5)
#define VSWITCH_SET_PORT_TEAM	(1U << 6)	/* @team */

/**
 * struct vswitch_port - ioctl(VSWITCH_ADD_PORT), ioctl(VSWITCH_GET_PORT),
 *	ioctl(VSWITCH_SET_PORT)
 * @head: no flags; the switch
 * @port: id, 1 to @max_ports - 1 (VSWITCH_PORT_LOCAL is there from the start).
 *	ADD: 0 for the lowest free one, and the id comes back
 * @kind: VSWITCH_KIND_*
 * @name: of the netdev. ADD: for a vNIC as in vswitch_switch, for an uplink the
 *	name of the interface that becomes one; a queue port takes any label.
 *	GET: the name as it is now
 * @port_ifindex: of its netdev in the namespace that @netns_id names, else 0
 * @netns_fd: ADD of a vNIC: a file of the network namespace that it is put
 *	into, which needs CAP_NET_ADMIN there, too; -1: the switch's own.
 *	Not used otherwise
 * @netns_id: GET: the id that the switch's network namespace has for the
 *	netdev's, as in IFLA_LINK_NETNSID; -1: it is its own or has no id there
 * @fd: ADD of a queue port: its first queue comes back, close-on-exec. The port
 *	goes with the last of its queues. Else -1
 * @mac: of the netdev, or of the one device behind a queue. ADD: all zero for
 *	a random one. An uplink's is its netdev's
 * @pad: 0
 * @set: what a SET changes, and what an ADD does not leave at its default:
 *	VSWITCH_SET_PORT_*
 * @conf: VSWITCH_P_*
 * @conf_mask: which bits of @conf a SET or ADD means
 * @state: VSWITCH_STATE_*; not set by SET
 * @role: VSWITCH_ROLE_*
 * @community: for VSWITCH_ROLE_COMMUNITY, its number, else 0
 * @fdb_limit: most addresses learned from this port; 0: only the switch's
 *	limit. What is beyond is not learned, or dropped (VSWITCH_P_LIMIT_DROP)
 * @fdb_count: entries that lead to this port now
 * @mtu: 68 to 65,521: the longest packet without Ethernet and VLAN headers that
 *	goes out of this port, unless it is a super-packet that will be
 *	segmented. A queue's is kept here, others' are their netdevs'
 * @team: of an uplink: uplinks of the same number lead to the same segment, and
 *	that with the lowest @port among those that are up is used; the others
 *	stand by. 0: it is in no team
 *
 * Return: 0; EEXIST: the name or id is taken; ENOSPC: @max_ports; EBUSY: the
 * interface has a master already or is a vNIC of this switch; ELOOP: it is a
 * switch; EBADF: @netns_fd is no network namespace; ERANGE, EADDRNOTAVAIL: @mac
 * is no unicast address.
 */
struct vswitch_port {
	struct vswitch_head head;
	__u32 port;
	__u32 kind;
	__u8 name[VSWITCH_NAME_MAX];
	__u32 port_ifindex;
	__s32 netns_fd;
	__s32 netns_id;
	__s32 fd;
	__u8 mac[6];
	__u16 pad;
	__u32 set;
	__u32 conf;
	__u32 conf_mask;
	__u32 state;
	__u32 role;
	__u32 community;
	__u32 fdb_limit;
	__u32 fdb_count;
	__u32 mtu;
	__u32 team;
};

#define VSWITCH_ADD_PORT _IO(VSWITCH_MAGIC, 0x07)
#define VSWITCH_GET_PORT _IO(VSWITCH_MAGIC, 0x08)
#define VSWITCH_SET_PORT _IO(VSWITCH_MAGIC, 0x09)

/**
 * struct vswitch_port_id - ioctl(VSWITCH_DEL_PORT), ioctl(VSWITCH_ADD_QUEUE)
 * @head: no flags; the switch
 * @port: the port
 * @fd: 0. ADD_QUEUE: the new queue of a queue port comes back
 *
 * DEL_PORT: a vNIC's netdev is deleted, an uplink's becomes an ordinary one, a
 * queue's calls fail with EBADFD. Return: 0; EINVAL: the local port, or
 * ADD_QUEUE on a port of another kind; ENOSPC: @max_queues.
 */
struct vswitch_port_id {
	struct vswitch_head head;
	__u32 port;
	__s32 fd;
};

#define VSWITCH_DEL_PORT _IO(VSWITCH_MAGIC, 0x0a)
#define VSWITCH_ADD_QUEUE _IO(VSWITCH_MAGIC, 0x0b)

/*
 * Why a frame went nowhere, or not to one port: VSWITCH_DROP_name is its place
 * among the counters of the port at which it was lost.
 */
#define VSWITCH_DROP_REASONS(X)							\
	X(RUNT, "runt")			/* shorter than its headers */		\
	X(SOURCE, "bad_source")		/* no unicast source address */		\
	X(DOWN, "port_down")		/* the port is down or blocked */	\
	X(SILENT, "silent")		/* VSWITCH_P_SILENT */			\
	X(RESERVED, "reserved")		/* 01-80-C2-00-00-0N, see @reserved */	\
	X(BPDU, "bpdu")			/* VSWITCH_P_BPDU_* */			\
	X(VLAN_IN, "vlan_in")		/* VLAN not allowed in */		\
	X(VLAN_OUT, "vlan_out")		/* known address, VLAN not allowed out */ \
	X(ISOLATED, "isolated")		/* known address, may not talk to it */	\
	X(SPOOF, "spoof")		/* VSWITCH_P_ANTISPOOF */		\
	X(LIMIT, "mac_limit")		/* VSWITCH_P_LIMIT_DROP */		\
	X(MOVED, "mac_moved")		/* @move_limit, or a sticky address */	\
	X(HAIRPIN, "hairpin")		/* would go back where it came from */	\
	X(NOWHERE, "nowhere")		/* flooded, but nobody to flood to */	\
	X(MTU, "too_big")		/* longer than the port's MTU */	\
	X(RATE_IN, "rate_in")		/* VSWITCH_SET_RATE */			\
	X(RATE_OUT, "rate_out")							\
	X(STORM, "storm")		/* a storm limit of VSWITCH_SET_RATE */	\
	X(FULL, "full")			/* the receiver's ring is full */	\
	X(DEST_DOWN, "dest_down")	/* the port it leads to is down */	\
	X(GSO, "bad_offload")		/* what its offload header says is wrong */ \
	X(NOMEM, "no_memory")							\
	X(LOOP, "loop")			/* sent by this switch or an uplink, and came back */ \
	X(POLICY, "policy")		/* VSWITCH_SET_POLICY */		\
	X(XDP, "xdp")			/* by a vNIC's XDP program, or unfit for it */ \
	X(REPEAT, "repeat")		/* the same frame once more: see @repeat_limit */ \
	X(NO_MEMBER, "no_member")	/* a group that nobody wants: see @snooping */ \
	X(STANDBY, "standby")		/* came in by a port that stands by: see @team */

#define VSWITCH_STAT_ENUM_(name, ...) VSWITCH_DROP_##name,

/*
 * A port's counters, in frames or bytes, since it was made. In: what came into
 * the switch by this port and was not dropped for what it is. Out: what it gave
 * to whoever is behind the port.
 */
enum {
	VSWITCH_STAT_IN_FRAMES,
	VSWITCH_STAT_IN_BYTES,
	VSWITCH_STAT_IN_MCAST,		/* of these, multicast and broadcast */
	VSWITCH_STAT_OUT_FRAMES,
	VSWITCH_STAT_OUT_BYTES,
	VSWITCH_STAT_FLOODED,		/* came in, address unknown */
	VSWITCH_STAT_LEARNED,		/* addresses */
	VSWITCH_STAT_MOVED,		/* addresses that came here from another port */
	VSWITCH_STAT_FDB_FULL,		/* not learned: a limit */
	VSWITCH_STAT_MIRRORED,		/* copies made of this port's frames */
	VSWITCH_DROP_REASONS(VSWITCH_STAT_ENUM_)
	VSWITCH_NR_STATS
};

/**
 * struct vswitch_stats - ioctl(VSWITCH_GET_STATS)
 * @head: no flags; the switch
 * @port: the port
 * @count: room in the array, in elements; on return how many were written: a
 *	later kernel may have more, and never changes their order
 * @ptr: array of __u64, indexed by VSWITCH_STAT_* and VSWITCH_DROP_*
 *
 * Needs no privilege. Return: 0.
 */
struct vswitch_stats {
	struct vswitch_head head;
	__u32 port;
	__u32 count;
	__aligned_u64 ptr;
};

#define VSWITCH_GET_STATS _IO(VSWITCH_MAGIC, 0x0c)

/* Flags of an FDB entry. */
#define VSWITCH_FDB_STATIC	(1U << 0)	/* neither ages nor moves, never evicted */
#define VSWITCH_FDB_STICKY	(1U << 1)	/* ages, but does not move */
#define VSWITCH_FDB_LOCAL	(1U << 2)	/* of the switch's netdev, or of an uplink's */

/**
 * struct vswitch_fdb_entry - where an address is
 * @mac: a unicast address
 * @vid: its VLAN; 0 while the switch is not VLAN-aware, and for frames without
 *	a VLAN
 * @port: where it is
 * @flags: VSWITCH_FDB_*; LOCAL cannot be added or deleted
 * @age_ms: since the last frame from it; for ADD, as if it had been so long ago
 * @pad: 0
 */
struct vswitch_fdb_entry {
	__u8 mac[6];
	__u16 vid;
	__u32 port;
	__u32 flags;
	__u32 age_ms;
	__u32 pad;
};

/* Flags of VSWITCH_FDB_ADD. */
#define VSWITCH_F_REPLACE	(1U << 0)	/* also where there is an entry already */

/**
 * struct vswitch_fdb_change - ioctl(VSWITCH_FDB_ADD), ioctl(VSWITCH_FDB_DEL)
 * @head: ADD: VSWITCH_F_REPLACE or 0; DEL: 0; the switch
 * @entry: what to add; for DEL only its mac and vid are looked at
 *
 * Return: 0; EEXIST; ENOSPC: a limit is reached; EPERM: the entry is LOCAL;
 * EADDRNOTAVAIL: not a unicast address; ENOENT: no such port, or nothing to
 * delete.
 */
struct vswitch_fdb_change {
	struct vswitch_head head;
	struct vswitch_fdb_entry entry;
};

#define VSWITCH_FDB_ADD _IO(VSWITCH_MAGIC, 0x0d)
#define VSWITCH_FDB_DEL _IO(VSWITCH_MAGIC, 0x0e)

/**
 * struct vswitch_fdb_dump - ioctl(VSWITCH_FDB_DUMP)
 * @head: no flags; the switch
 * @cursor: 0 to begin; what comes back continues, and is 0 after the last
 * @ptr: array of struct vswitch_fdb_entry
 * @count: room in it, at least 8; on return how many were written
 * @port: only entries of this port, or VSWITCH_PORT_NONE
 *
 * Entries come in no order. One that is there all the time comes exactly once.
 * Return: 0; EAGAIN: the table was rebuilt since @cursor came back, begin anew.
 */
struct vswitch_fdb_dump {
	struct vswitch_head head;
	__aligned_u64 cursor;
	__aligned_u64 ptr;
	__u32 count;
	__u32 port;
};

#define VSWITCH_FDB_DUMP _IO(VSWITCH_MAGIC, 0x0f)

/**
 * struct vswitch_group - a port that wants a multicast group
 * @address: the group, IPv4 in the first four bytes; all zero: all groups, for
 *	there is a querier behind the port
 * @family: 4 or 6
 * @vid: the VLAN, or 0
 * @port: the port
 * @left_ms: until it is forgotten, unless it asks again
 * @pad: 0
 *
 * ioctl(VSWITCH_LIST_GROUPS) with a struct vswitch_list fills an array of these.
 */
struct vswitch_group {
	__u8 address[16];
	__u16 family;
	__u16 vid;
	__u32 port;
	__u32 left_ms;
	__u32 pad;
};

#define VSWITCH_LIST_GROUPS _IO(VSWITCH_MAGIC, 0x1b)

/* Flags of VSWITCH_FDB_FLUSH. */
#define VSWITCH_F_FLUSH_STATIC	(1U << 0)	/* static entries, too */

/**
 * struct vswitch_fdb_flush - ioctl(VSWITCH_FDB_FLUSH)
 * @head: VSWITCH_F_FLUSH_STATIC or 0; the switch
 * @port: of this port, or VSWITCH_PORT_NONE
 * @vid: of this VLAN; -1: of all
 *
 * Return: 0.
 */
struct vswitch_fdb_flush {
	struct vswitch_head head;
	__u32 port;
	__s32 vid;
};

#define VSWITCH_FDB_FLUSH _IO(VSWITCH_MAGIC, 0x10)

/* VLAN modes. */
#define VSWITCH_VLAN_TRANSPARENT 0	/* frames pass as they are */
#define VSWITCH_VLAN_ACCESS	1	/* untagged frames, all in VLAN @vid */
#define VSWITCH_VLAN_TRUNK	2	/* tagged frames of the VLANs in @allowed */
#define VSWITCH_VLAN_TUNNEL	3	/* QinQ: all frames, tagged or not, in @vid */

/**
 * struct vswitch_vlan - ioctl(VSWITCH_SET_VLAN), ioctl(VSWITCH_GET_VLAN)
 * @head: no flags; the switch
 * @port: the port
 * @mode: VSWITCH_VLAN_*
 * @vid: ACCESS and TUNNEL: the VLAN, 1 to 4094. TRUNK: the native VLAN, whose
 *	frames are untagged here, or 0: untagged frames are dropped.
 *	There is no VLAN 1 that appears by itself
 * @tpid: TRUNK: the tag's EtherType, 0x8100 or 0x88a8 (0: 0x8100), else 0
 * @pad: 0
 * @allowed: TRUNK: bit N of word N / 64 lets VLAN N pass; bits 0 and 4095 are 0.
 *	@vid, if not 0, passes in any case. Else all 0
 *
 * A switch is VLAN-aware while one of its ports has a mode other than
 * TRANSPARENT. Then a transparent port is a trunk of all VLANs, tagged with
 * 0x8100; untagged frames, which belong to no VLAN, pass between such ports.
 * The call flushes what was learned from the port, and all that was learned if
 * the switch becomes VLAN-aware or ceases to be.
 *
 * Return: 0; ERANGE: a VLAN number.
 */
struct vswitch_vlan {
	struct vswitch_head head;
	__u32 port;
	__u32 mode;
	__u16 vid;
	__u16 tpid;
	__u32 pad;
	__u64 allowed[64];
};

#define VSWITCH_SET_VLAN _IO(VSWITCH_MAGIC, 0x11)
#define VSWITCH_GET_VLAN _IO(VSWITCH_MAGIC, 0x12)

/**
 * struct vswitch_limit - a token bucket
 * @rate: units per second; 0: no limit
 * @burst: units that may come at once, at most an hour's worth of @rate;
 *	0: a tenth of @rate, at least 65,536 bytes or 8 frames
 */
struct vswitch_limit {
	__aligned_u64 rate;
	__aligned_u64 burst;
};

/* Which of a port's buckets a vswitch_rate.set bit stands for. */
#define VSWITCH_RATE_IN		0	/* bytes that come in */
#define VSWITCH_RATE_OUT	1	/* bytes that go out */
#define VSWITCH_RATE_BCAST	2	/* broadcast frames that come in */
#define VSWITCH_RATE_MCAST	3	/* multicast frames that come in */
#define VSWITCH_RATE_UNKNOWN	4	/* unknown unicast frames that come in */
#define VSWITCH_NR_RATES	5

/**
 * struct vswitch_rate - ioctl(VSWITCH_SET_RATE), ioctl(VSWITCH_GET_RATE)
 * @head: no flags; the switch
 * @port: the port
 * @set: SET: bit N changes @limit[N]; GET: which have a limit
 * @limit: indexed by VSWITCH_RATE_*; a super-packet counts with all its bytes,
 *	and as one frame
 *
 * Return: 0; ERANGE: a rate or burst above 10¹².
 */
struct vswitch_rate {
	struct vswitch_head head;
	__u32 port;
	__u32 set;
	struct vswitch_limit limit[VSWITCH_NR_RATES];
};

#define VSWITCH_SET_RATE _IO(VSWITCH_MAGIC, 0x13)
#define VSWITCH_GET_RATE _IO(VSWITCH_MAGIC, 0x14)

/* Directions of a mirror session. */
#define VSWITCH_MIRROR_IN	(1U << 0)	/* frames that come in by the source port */
#define VSWITCH_MIRROR_OUT	(1U << 1)	/* frames that go out of it */

/**
 * struct vswitch_mirror - ioctl(VSWITCH_SET_MIRROR), ioctl(VSWITCH_GET_MIRROR)
 * @head: no flags; the switch
 * @session: 0 to @max_mirrors - 1
 * @direction: VSWITCH_MIRROR_*; 0 ends the session, and the rest is 0
 * @source: the port that is watched, or VSWITCH_PORT_NONE: all
 * @destination: the port that gets the copies
 * @snap: bytes of each frame; 0: all. A cut frame's checksums are as they were
 * @vid: only this VLAN; 0: all
 * @pad: 0
 *
 * On a VLAN-aware switch a copy carries the tag of its VLAN. Copies are neither
 * learned from nor mirrored again. A session ends with either of its ports.
 *
 * Return: 0; ENOENT: no such port, or GET: no such session; EINVAL: source and
 * destination are one; ERANGE.
 */
struct vswitch_mirror {
	struct vswitch_head head;
	__u32 session;
	__u32 direction;
	__u32 source;
	__u32 destination;
	__u32 snap;
	__u16 vid;
	__u16 pad;
};

#define VSWITCH_SET_MIRROR _IO(VSWITCH_MAGIC, 0x15)
#define VSWITCH_GET_MIRROR _IO(VSWITCH_MAGIC, 0x16)

/* Flags of VSWITCH_ANNOUNCE. */
#define VSWITCH_F_ACTIVATE	(1U << 0)	/* first clear VSWITCH_P_SILENT */

/**
 * struct vswitch_announce - ioctl(VSWITCH_ANNOUNCE)
 * @head: VSWITCH_F_ACTIVATE or 0; the switch
 * @port: behind which the address has appeared
 * @vid: the VLAN in which it is told; 0: the port's own. On a VLAN-aware
 *	switch it must be allowed on the port
 * @family: 0: a RARP request, which tells switches alone; 4: a gratuitous ARP
 *	reply; 6: an unsolicited neighbour advertisement
 * @mac: whose; all zero: the port's own
 * @pad: 0
 * @address: the IPv4 address in the first four bytes, or the IPv6 address
 *
 * Sends a broadcast (IPv6: to all nodes) as if it had come in by the port, so
 * that this switch and all others on the way learn the new place. Return: 0;
 * EADDRNOTAVAIL: @mac is no unicast address; ENETDOWN: the port is down.
 */
struct vswitch_announce {
	struct vswitch_head head;
	__u32 port;
	__u16 vid;
	__u16 family;
	__u8 mac[6];
	__u16 pad;
	__u8 address[16];
};

#define VSWITCH_ANNOUNCE _IO(VSWITCH_MAGIC, 0x17)

/* Kinds of event; bit N of vswitch_events.mask asks for kind N. */
#define VSWITCH_EVENT_LOST		0	/* @value events had no room; always sent */
#define VSWITCH_EVENT_PORT_ADDED	1
#define VSWITCH_EVENT_PORT_REMOVED	2
#define VSWITCH_EVENT_PORT_UP		3
#define VSWITCH_EVENT_PORT_DOWN		4
#define VSWITCH_EVENT_LEARNED		5
#define VSWITCH_EVENT_MOVED		6	/* from port @value */
#define VSWITCH_EVENT_EXPIRED		7
#define VSWITCH_EVENT_LIMIT		8	/* of the FDB, of moves or of repeats */
#define VSWITCH_EVENT_BLOCKED		9	/* by VSWITCH_P_BPDU_GUARD */
#define VSWITCH_EVENT_SWITCH_REMOVED	10	/* the last one */
#define VSWITCH_EVENT_TEAM		11	/* active instead of port @value */
#define VSWITCH_NR_EVENTS		12

/**
 * struct vswitch_event - what read() on an events file returns
 * @kind: VSWITCH_EVENT_*
 * @port: the port, or VSWITCH_PORT_NONE
 * @mac: the address, else zero
 * @vid: its VLAN
 * @value: see the kind, else 0
 * @pad: 0
 * @time_ns: CLOCK_MONOTONIC
 */
struct vswitch_event {
	__u32 kind;
	__u32 port;
	__u8 mac[6];
	__u16 vid;
	__u32 value;
	__u32 pad;
	__u64 time_ns;
};

/**
 * struct vswitch_events - ioctl(VSWITCH_EVENTS)
 * @head: no flags; the switch
 * @mask: kinds that are wanted
 * @fd: comes back, close-on-exec. read() returns whole events, as many as are
 *	there and fit, and sleeps while there are none (O_NONBLOCK: EAGAIN);
 *	poll() works. After SWITCH_REMOVED it returns 0
 *
 * Up to 1,024 events wait; what comes then is counted and reported by one
 * VSWITCH_EVENT_LOST. Return: 0; ENOSPC: 16 files watch this switch already.
 */
struct vswitch_events {
	struct vswitch_head head;
	__u32 mask;
	__s32 fd;
};

#define VSWITCH_EVENTS _IO(VSWITCH_MAGIC, 0x18)

/**
 * struct vswitch_frame - one buffer of a batch
 * @addr: the buffer: an offload header if the queue has one, and a frame
 * @len: RECV: its size; SEND: bytes in it
 * @result: on return RECV: bytes of header and frame, of which at most @len
 *	were written; SEND: 0, or a negative errno: this frame was not taken
 */
struct vswitch_frame {
	__aligned_u64 addr;
	__u32 len;
	__s32 result;
};

/**
 * struct vswitch_batch - ioctl(VSWITCH_QUEUE_SEND), ioctl(VSWITCH_QUEUE_RECV)
 *	on a queue
 * @head: no flags, no switch, no message
 * @ptr: array of struct vswitch_frame
 * @count: its length, 1 to 1,024
 * @done: comes back: how many elements have a result
 *
 * A queue is a file on which read(), readv(), write() and writev() move one
 * frame each, with the offload header that TUNSETVNETHDRSZ describes before
 * it; it answers the TUN* calls of <linux/if_tun.h> that a VMM makes. These two
 * move many frames at once. RECV waits for the first one (O_NONBLOCK: EAGAIN)
 * and for no more.
 *
 * Return: 0 if @done is at least 1; EBADFD: the port is gone; EINTR; EINVAL:
 * @count.
 */
struct vswitch_batch {
	struct vswitch_head head;
	__aligned_u64 ptr;
	__u32 count;
	__u32 done;
};

/**
 * struct vswitch_policy - ioctl(VSWITCH_SET_POLICY), ioctl(VSWITCH_GET_POLICY)
 * @head: no flags; the switch
 * @fd: SET: a BPF program of type BPF_PROG_TYPE_SCHED_CLS, which replaces the
 *	one that is there; -1: none. GET: -1
 * @id: the program's number comes back, 0: none. SET: 0
 *
 * The program sees each frame that comes in, with its Ethernet header, before
 * its source is learned. On a VLAN-aware switch its tag is off; cb[0] holds the
 * number of the port where it came in, cb[1] its VLAN or 0. It may change the
 * frame. TC_ACT_OK and TC_ACT_UNSPEC: it goes its way; TC_ACT_REDIRECT: it goes
 * to the port whose number is in cb[0], if it may go there, and nowhere else;
 * anything else: it is dropped (VSWITCH_DROP_POLICY).
 *
 * Return: 0; EBADF: @fd is no file; EINVAL: no such program.
 */
struct vswitch_policy {
	struct vswitch_head head;
	__s32 fd;
	__u32 id;
};

#define VSWITCH_SET_POLICY _IO(VSWITCH_MAGIC, 0x19)
#define VSWITCH_GET_POLICY _IO(VSWITCH_MAGIC, 0x1a)

/* Attributes of the rtnetlink kinds "vswitch" and "vswitch_vnic". */
enum {
	IFLA_VSWITCH_UNSPEC,
	IFLA_VSWITCH_AGEING,		/* u32, see vswitch_switch.ageing_ms */
	IFLA_VSWITCH_FDB_LIMIT,		/* u32, see vswitch_switch.fdb_limit */
	IFLA_VSWITCH_FDB_COUNT,		/* u32, read only */
	IFLA_VSWITCH_PORTS,		/* u32, read only */
	IFLA_VSWITCH_VLAN_AWARE,	/* u8, read only */
	IFLA_VSWITCH_COUNT_,
	IFLA_VSWITCH_MAX = IFLA_VSWITCH_COUNT_ - 1
};

enum {
	IFLA_VSWITCH_VNIC_UNSPEC,
	IFLA_VSWITCH_VNIC_PORT,		/* u32: its number */
	IFLA_VSWITCH_VNIC_COUNT_,
	IFLA_VSWITCH_VNIC_MAX = IFLA_VSWITCH_VNIC_COUNT_ - 1
};

#define VSWITCH_QUEUE_SEND _IO(VSWITCH_MAGIC, 0x20)
#define VSWITCH_QUEUE_RECV _IO(VSWITCH_MAGIC, 0x21)

#endif
