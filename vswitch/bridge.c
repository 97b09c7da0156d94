// SPDX-License-Identifier: GPL-2.0
/*
 * "bridge link" and "bridge vlan": rtnetlink's messages of family AF_BRIDGE, which
 * the core hands to an interface's master (an uplink's is the switch) or, as
 * "self", to the interface (a vNIC, the switch's own).
 *
 * They are one more door: what they say becomes a port's options and its VLAN
 * mode. A set of VLANs is a trunk; the one that is PVID and untagged its native
 * VLAN. What a switch does not have is refused.
 */

#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "bridge.h"
#include "nic.h"
#include "switch.h"
#include "uplink.h"
#include "vnic.h"

#define VSW_BRIDGE_NATIVE (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)
#define VSW_BRIDGE_RANGE (BRIDGE_VLAN_INFO_RANGE_BEGIN | BRIDGE_VLAN_INFO_RANGE_END)

/* The port that is meant, if the caller may say something about it. */
static struct vsw_port *vsw_bridge_port(struct net_device *dev, u16 flags)
{
	struct vsw_port *port;

	/* A vNIC may be another switch's uplink, whose the message is unless it says self. */
	if (flags & BRIDGE_FLAGS_SELF && !(flags & BRIDGE_FLAGS_MASTER))
		port = vsw_dev_is_switch(dev) || vsw_dev_is_vnic(dev) ? vsw_nic_port(dev) : NULL;
	else
		port = vsw_uplink_port(dev);
	if (!port || vsw_port_gone(port))
		return ERR_PTR(-EOPNOTSUPP);
	return vsw_switch_capable(port->sw) ? port : ERR_PTR(-EPERM);
}

/* ----------------------------------------------------------------- options */

/* The option that an attribute of a bridge's port is here, or 0. */
static u32 vsw_bridge_option(int type)
{
	switch (type) {
	case IFLA_BRPORT_LEARNING:
		return VSWITCH_P_LEARN;
	case IFLA_BRPORT_UNICAST_FLOOD:
		return VSWITCH_P_FLOOD_UNKNOWN;
	case IFLA_BRPORT_MCAST_FLOOD:
		return VSWITCH_P_FLOOD_MCAST;
	case IFLA_BRPORT_BCAST_FLOOD:
		return VSWITCH_P_FLOOD_BCAST;
	case IFLA_BRPORT_GUARD:
		return VSWITCH_P_BPDU_GUARD;
	}
	return 0;
}

static int vsw_bridge_set_options(struct vsw_port *port, const struct nlattr *info,
				  struct netlink_ext_ack *extack)
{
	u32 conf = port->conf, role = port->role, bit;
	const struct nlattr *a;
	int rem, ret;

	nla_for_each_nested(a, info, rem) {
		bit = vsw_bridge_option(nla_type(a));
		if (nla_len(a) != sizeof(u8) || (!bit && nla_type(a) != IFLA_BRPORT_ISOLATED)) {
			NL_SET_ERR_MSG_ATTR(extack, a, "a switch's port has no such option");
			return -EOPNOTSUPP;
		}
		if (!bit)
			role = nla_get_u8(a) ? VSWITCH_ROLE_ISOLATED : VSWITCH_ROLE_PROMISCUOUS;
		else if (nla_get_u8(a))
			conf |= bit;
		else
			conf &= ~bit;
	}
	ret = vsw_port_check_conf(port, conf, extack);
	if (ret)
		return ret;
	vsw_port_set_conf(port, conf);
	if (role != port->role) {
		WRITE_ONCE(port->community, 0);
		WRITE_ONCE(port->role, role);
	}
	return 0;
}

/* ------------------------------------------------------------------- VLANs */

/* What the port has now, as a trunk; an access port is one of a single VLAN. */
static int vsw_bridge_trunk(const struct vsw_port *port, struct vsw_vlan *vlan,
			    struct netlink_ext_ack *extack)
{
	const struct vsw_vlan *old = vsw_port_vlan(port);

	memset(vlan, 0, sizeof(*vlan));
	if (old && old->mode == VSWITCH_VLAN_TUNNEL) {
		NL_SET_ERR_MSG(extack, "the port is a tunnel: it takes all VLANs into one");
		return -EOPNOTSUPP;
	}
	if (old)
		*vlan = *old;
	vlan->mode = VSWITCH_VLAN_TRUNK;
	if (!vlan->tpid)
		vlan->tpid = VSW_TPID_C;
	if (vlan->vid)
		vlan->allowed[vlan->vid / 64] |= BIT_ULL(vlan->vid % 64);
	return 0;
}

static void vsw_bridge_change(struct vsw_vlan *vlan, u16 vid, bool native, bool add)
{
	if (add)
		vlan->allowed[vid / 64] |= BIT_ULL(vid % 64);
	else
		vlan->allowed[vid / 64] &= ~BIT_ULL(vid % 64);
	if (add && native)
		vlan->vid = vid;
	else if (vlan->vid == vid)
		vlan->vid = 0;
}

/* One attribute; @from remembers the first VLAN of a range until its last comes. */
static int vsw_bridge_info(struct vsw_vlan *vlan, const struct nlattr *a, bool add, u16 *from,
			   struct netlink_ext_ack *extack)
{
	const struct bridge_vlan_info *info = nla_data(a);
	u16 native, vid;

	if (nla_len(a) != sizeof(*info))
		return -EINVAL;
	native = info->flags & VSW_BRIDGE_NATIVE;
	if (!info->vid || info->vid > 4094 ||
	    info->flags & ~(VSW_BRIDGE_NATIVE | VSW_BRIDGE_RANGE | BRIDGE_VLAN_INFO_MASTER |
			    BRIDGE_VLAN_INFO_BRENTRY | BRIDGE_VLAN_INFO_ONLY_OPTS)) {
		NL_SET_ERR_MSG_ATTR(extack, a, "no VLAN, or an unknown flag");
		return -EINVAL;
	}
	if (add && native && native != VSW_BRIDGE_NATIVE) {
		NL_SET_ERR_MSG_ATTR(extack, a, "the PVID, and it alone, is untagged");
		return -EOPNOTSUPP;
	}
	if (add && native && info->flags & VSW_BRIDGE_RANGE) {
		NL_SET_ERR_MSG_ATTR(extack, a, "there is one PVID");
		return -EINVAL;
	}
	if (info->flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
		if (*from)
			return -EINVAL;
		*from = info->vid;
		return 0;
	}
	vid = info->vid;
	if (info->flags & BRIDGE_VLAN_INFO_RANGE_END) {
		if (!*from || *from > vid)
			return -EINVAL;
		vid = *from;
	} else if (*from) {
		return -EINVAL;
	}
	for (; vid <= info->vid; vid++)
		vsw_bridge_change(vlan, vid, native, add);
	*from = 0;
	return 0;
}

/* What passes all VLANs has none of its own that could be taken from it. */
static bool vsw_bridge_takes(const struct vsw_vlan *old, const struct vsw_vlan *vlan)
{
	if (!old)
		return false;
	return old->mode == VSWITCH_VLAN_TRUNK || old->vid != vlan->vid;
}

static int vsw_bridge_set_vlans(struct vsw_port *port, const struct nlattr *spec, bool add,
				struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	struct vsw_vlan *vlan;
	bool any = false;
	u16 from = 0;
	int rem, ret;

	vlan = kmalloc(sizeof(*vlan), GFP_KERNEL);
	if (!vlan)
		return -ENOMEM;
	ret = vsw_bridge_trunk(port, vlan, extack);
	nla_for_each_nested(a, spec, rem) {
		if (ret)
			break;
		switch (nla_type(a)) {
		case IFLA_BRIDGE_VLAN_INFO:
			any = true;
			ret = vsw_bridge_info(vlan, a, add, &from, extack);
			break;
		case IFLA_BRIDGE_FLAGS:
			break;
		default:
			NL_SET_ERR_MSG_ATTR(extack, a, "a switch's port has no such option");
			ret = -EOPNOTSUPP;
		}
	}
	if (!ret && from)
		ret = -EINVAL;
	if (!ret && any && (add || vsw_bridge_takes(vsw_port_vlan(port), vlan)))
		ret = vsw_port_set_vlan(port, vlan);
	kfree(vlan);
	return ret;
}

static bool vsw_bridge_has_vlans(const struct nlattr *spec)
{
	const struct nlattr *a;
	int rem;

	nla_for_each_nested(a, spec, rem) {
		if (nla_type(a) != IFLA_BRIDGE_FLAGS)
			return true;
	}
	return false;
}

static int vsw_bridge_link(struct net_device *dev, struct nlmsghdr *nlh, u16 flags, bool add,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *spec = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_AF_SPEC);
	struct nlattr *info = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_PROTINFO);
	struct vsw_port *port;
	int ret = 0;

	ASSERT_RTNL();
	port = vsw_bridge_port(dev, flags);
	if (IS_ERR(port))
		return PTR_ERR(port);
	if (add && info && !(info->nla_type & NLA_F_NESTED)) {
		NL_SET_ERR_MSG_ATTR(extack, info, "a switch's port has no such state");
		return -EOPNOTSUPP;
	}
	/* All of it or nothing: each of the two may fail. */
	if (spec && vsw_bridge_has_vlans(spec)) {
		if (add && info) {
			NL_SET_ERR_MSG(extack, "VLANs and options: one at a time");
			return -EINVAL;
		}
		return vsw_bridge_set_vlans(port, spec, add, extack);
	}
	if (info && add)
		ret = vsw_bridge_set_options(port, info, extack);
	return ret;
}

/* ndo_bridge_setlink. Under RTNL. */
int vsw_bridge_setlink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags,
		       struct netlink_ext_ack *extack)
{
	return vsw_bridge_link(dev, nlh, flags, true, extack);
}

/* ndo_bridge_dellink. Under RTNL. */
int vsw_bridge_dellink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags)
{
	return vsw_bridge_link(dev, nlh, flags, false, NULL);
}

/* ------------------------------------------------------------------ answers */

static int vsw_bridge_put(struct sk_buff *skb, u16 vid, u16 flags)
{
	struct bridge_vlan_info info = { .flags = flags, .vid = vid };

	return nla_put(skb, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

static u16 vsw_bridge_flags(const struct vsw_vlan *vlan, u16 vid)
{
	if (vid == vlan->vid)
		return VSW_BRIDGE_NATIVE;
	return vlan->mode == VSWITCH_VLAN_TRUNK && vsw_vlan_has(vlan, vid) ? 0 : U16_MAX;
}

/*
 * The next VLANs that are told in one go: a range if they are nothing special.
 *
 * Return: the first of them from @vid on, 0 if there are no more.
 */
static u16 vsw_bridge_next(const struct vsw_vlan *vlan, u16 vid, u16 *last, u16 *flags)
{
	for (; vid <= 4094; vid++) {
		*flags = vsw_bridge_flags(vlan, vid);
		if (*flags != U16_MAX)
			break;
	}
	if (vid > 4094)
		return 0;
	*last = vid;
	while (!*flags && *last < 4094 && !vsw_bridge_flags(vlan, *last + 1))
		++*last;
	return vid;
}

/* Its VLANs, ranges as such: all of them one by one would fit into no message. */
static int vsw_bridge_fill(struct sk_buff *skb, const struct vsw_vlan *vlan)
{
	u16 vid, last, flags;

	for (vid = 1; (vid = vsw_bridge_next(vlan, vid, &last, &flags)); vid = last + 1) {
		if (last == vid) {
			if (vsw_bridge_put(skb, vid, flags))
				return -EMSGSIZE;
		} else if (vsw_bridge_put(skb, vid, flags | BRIDGE_VLAN_INFO_RANGE_BEGIN) ||
			   vsw_bridge_put(skb, last, flags | BRIDGE_VLAN_INFO_RANGE_END)) {
			return -EMSGSIZE;
		}
	}
	return 0;
}

/**
 * vsw_bridge_vlan_size() - how long the list of a port's VLANs is
 * @vlan: the port's mode
 *
 * The core does not ask for it, but for the size of what "ip -d link" tells about
 * netdevs of ours, and takes the largest of all for a message of a dump, of whatever
 * family. An interface's list must fit into one: a dump cannot go on within it.
 *
 * Return: bytes.
 */
size_t vsw_bridge_vlan_size(const struct vsw_vlan *vlan)
{
	u16 vid, last, flags;
	size_t n = 0;

	for (vid = 1; (vid = vsw_bridge_next(vlan, vid, &last, &flags)); vid = last + 1)
		n += last == vid ? 1 : 2;
	return n * nla_total_size(sizeof(struct bridge_vlan_info));
}

static int vsw_bridge_fill_vlans(struct sk_buff *skb, const struct vsw_port *port, u32 mask)
{
	const struct vsw_vlan *vlan = port ? vsw_port_vlan(port) : NULL;

	if (!vlan || !(mask & (RTEXT_FILTER_BRVLAN | RTEXT_FILTER_BRVLAN_COMPRESSED)))
		return 0;
	return vsw_bridge_fill(skb, vlan);
}

static int vsw_bridge_fill_self(struct sk_buff *skb, struct net_device *dev, u32 mask)
{
	return vsw_bridge_fill_vlans(skb, vsw_nic_port(dev), mask);
}

static int vsw_bridge_fill_uplink(struct sk_buff *skb, struct net_device *dev, u32 mask)
{
	return vsw_bridge_fill_vlans(skb, vsw_uplink_port(dev), mask);
}

static u32 vsw_bridge_options(const struct vsw_port *port)
{
	u32 flags = 0;

	if (port->conf & VSWITCH_P_LEARN)
		flags |= BR_LEARNING;
	if (port->conf & VSWITCH_P_FLOOD_UNKNOWN)
		flags |= BR_FLOOD;
	if (port->conf & VSWITCH_P_FLOOD_MCAST)
		flags |= BR_MCAST_FLOOD;
	if (port->conf & VSWITCH_P_FLOOD_BCAST)
		flags |= BR_BCAST_FLOOD;
	if (port->conf & VSWITCH_P_BPDU_GUARD)
		flags |= BR_BPDU_GUARD;
	return flags;
}

#define VSW_BRIDGE_OPTIONS (BR_LEARNING | BR_FLOOD | BR_MCAST_FLOOD | BR_BCAST_FLOOD | \
			    BR_BPDU_GUARD)

/* ndo_bridge_getlink of vNICs and switches, about themselves. Under RTNL. */
int vsw_bridge_getlink(struct sk_buff *skb, u32 portid, u32 seq, struct net_device *dev,
		       u32 filter_mask, int nlflags)
{
	return ndo_dflt_bridge_getlink(skb, portid, seq, dev, BRIDGE_MODE_UNDEF,
				       vsw_bridge_options(vsw_nic_port(dev)), VSW_BRIDGE_OPTIONS,
				       nlflags, filter_mask, vsw_bridge_fill_self);
}

/* The same of switches: about themselves or an uplink. */
int vsw_bridge_getlink_switch(struct sk_buff *skb, u32 portid, u32 seq, struct net_device *dev,
			      u32 filter_mask, int nlflags)
{
	const struct vsw_port *port = vsw_uplink_port(dev);

	if (!port)
		return vsw_bridge_getlink(skb, portid, seq, dev, filter_mask, nlflags);
	return ndo_dflt_bridge_getlink(skb, portid, seq, dev, BRIDGE_MODE_UNDEF,
				       vsw_bridge_options(port), VSW_BRIDGE_OPTIONS, nlflags,
				       filter_mask, vsw_bridge_fill_uplink);
}
