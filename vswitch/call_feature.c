// SPDX-License-Identifier: GPL-2.0
/* Calls about what a port can do besides: VLANs, limits, mirrors, announcements. */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "announce.h"
#include "dev.h"
#include "forward.h"
#include "frame.h"
#include "mirror.h"
#include "param.h"
#include "policy.h"
#include "switch.h"

int vsw_call_set_vlan(struct vsw_call *call)
{
	struct vswitch_vlan *v = call->arg;
	struct vsw_port *port = vsw_call_port(call, v->port);
	struct vsw_vlan vlan;
	int ret;

	if (!port)
		return -ENOENT;
	if (v->pad)
		return -EINVAL;
	ret = vsw_vlan_check(v->mode, v->vid, v->tpid, v->allowed);
	switch (ret) {
	case -EOPNOTSUPP:
		return vsw_call_error(call, ret, "unknown mode or tag");
	case -ERANGE:
		return vsw_call_error(call, ret, "VLANs are from 1 to 4094");
	case -EINVAL:
		return vsw_call_error(call, ret, "the mode has no use for one of the values");
	}
	vlan.mode = v->mode;
	vlan.vid = v->vid;
	vlan.tpid = v->tpid ?: VSW_TPID_C;
	memcpy(vlan.allowed, v->allowed, sizeof(vlan.allowed));
	return vsw_port_set_vlan(port, v->mode == VSWITCH_VLAN_TRANSPARENT ? NULL : &vlan);
}

int vsw_call_get_vlan(struct vsw_call *call)
{
	struct vswitch_vlan *v = call->arg;
	struct vsw_port *port = vsw_call_port(call, v->port);
	const struct vsw_vlan *vlan;

	if (!port)
		return -ENOENT;
	v->mode = VSWITCH_VLAN_TRANSPARENT;
	v->vid = 0;
	v->tpid = 0;
	memset(v->allowed, 0, sizeof(v->allowed));
	vlan = vsw_port_vlan(port);
	if (!vlan)
		return 0;
	v->mode = vlan->mode;
	v->vid = vlan->vid;
	if (vlan->mode == VSWITCH_VLAN_TRUNK)
		v->tpid = vlan->tpid;
	memcpy(v->allowed, vlan->allowed, sizeof(v->allowed));
	return 0;
}

int vsw_call_set_rate(struct vsw_call *call)
{
	struct vswitch_rate *r = call->arg;
	struct vsw_port *port = vsw_call_port(call, r->port);

	if (!port)
		return -ENOENT;
	if (r->set >= BIT(VSWITCH_NR_RATES))
		return vsw_call_error(call, -EINVAL, "unknown limit");
	return vsw_port_set_rates(port, r->set, r->limit, &call->extack);
}

int vsw_call_get_rate(struct vsw_call *call)
{
	struct vswitch_rate *r = call->arg;
	struct vsw_port *port = vsw_call_port(call, r->port);
	struct vsw_rates *rates;
	int i;

	if (!port)
		return -ENOENT;
	r->set = 0;
	memset(r->limit, 0, sizeof(r->limit));
	rates = rtnl_dereference(port->rates);
	for (i = 0; rates && i < VSWITCH_NR_RATES; i++) {
		if (!(rates->set & BIT(i)))
			continue;
		r->set |= BIT(i);
		r->limit[i].rate = rates->bucket[i].rate;
		r->limit[i].burst = rates->bucket[i].burst;
	}
	return 0;
}

int vsw_call_set_mirror(struct vsw_call *call)
{
	struct vswitch_mirror *m = call->arg;
	struct vsw_mirror new = {
		.direction = m->direction,
		.snap = m->snap,
		.vid = m->vid,
	};

	if (m->session >= VSW_MAX_MIRRORS)
		return vsw_call_error(call, -ERANGE, "sessions are from 0 to 7");
	if (m->pad || m->direction & ~(VSWITCH_MIRROR_IN | VSWITCH_MIRROR_OUT))
		return vsw_call_error(call, -EINVAL, "unknown direction");
	if (!m->direction) {
		if (m->source || m->destination || m->snap || m->vid)
			return vsw_call_error(call, -EINVAL, "a session without direction ends");
		return vsw_mirror_set(call->sw, m->session, &new);
	}
	if (m->vid > 4094 || (m->snap && (m->snap < ETH_ZLEN || m->snap > U16_MAX)))
		return vsw_call_error(call, -ERANGE, "a VLAN above 4094 or a snap length below 60");
	if (m->source == m->destination)
		return vsw_call_error(call, -EINVAL, "source and destination are one");
	if (m->source != VSWITCH_PORT_NONE) {
		new.source = vsw_call_port(call, m->source);
		if (!new.source)
			return -ENOENT;
	}
	new.to = vsw_call_port(call, m->destination);
	if (!new.to)
		return -ENOENT;
	return vsw_mirror_set(call->sw, m->session, &new);
}

int vsw_call_get_mirror(struct vsw_call *call)
{
	struct vswitch_mirror *m = call->arg;
	struct vsw_mirror_set *set = rtnl_dereference(call->sw->mirrors);
	const struct vsw_mirror *s;

	if (m->session >= VSW_MAX_MIRRORS)
		return vsw_call_error(call, -ERANGE, "sessions are from 0 to 7");
	s = set ? &set->s[m->session] : NULL;
	if (!s || !s->direction)
		return vsw_call_error(call, -ENOENT, "there is no such session");
	m->direction = s->direction;
	m->source = s->source ? s->source->id : VSWITCH_PORT_NONE;
	m->destination = s->to->id;
	m->snap = s->snap;
	m->vid = s->vid;
	m->pad = 0;
	return 0;
}

/* The tag that a frame of this VLAN has when it comes in here; 0: none. */
static int vsw_announce_tag(const struct vsw_port *port, u16 vid, u16 *tpid)
{
	const struct vsw_vlan *vlan = vsw_port_vlan(port);

	*tpid = vlan && vlan->mode == VSWITCH_VLAN_TRUNK ? vlan->tpid : VSW_TPID_C;
	if (!vid || (vlan && vid == vlan->vid))
		return 0;
	return !vlan || vlan->mode == VSWITCH_VLAN_TRUNK ? vid : -EINVAL;
}

int vsw_call_announce(struct vsw_call *call)
{
	struct vswitch_announce *a = call->arg;
	struct vsw_port *port = vsw_call_port(call, a->port);
	struct sk_buff *skb;
	const u8 *mac;
	u16 tpid;
	int tag;

	if (!port)
		return -ENOENT;
	mac = is_zero_ether_addr(a->mac) ? vsw_port_mac(port) : a->mac;
	if (!vsw_mac_ok(mac))
		return vsw_call_error(call, -EADDRNOTAVAIL, "not a unicast address");
	tag = a->vid > 4094 || a->pad ? -EINVAL : vsw_announce_tag(port, a->vid, &tpid);
	if (tag < 0)
		return vsw_call_error(call, -EINVAL, "the port has no such VLAN");
	if (a->family && a->family != 4 && a->family != 6)
		return vsw_call_error(call, -EOPNOTSUPP, "families are 0, 4 and 6");
	if (READ_ONCE(port->state) != VSW_STATE_OPEN)
		return vsw_call_error(call, -ENETDOWN, "the port is down or blocked");

	skb = vsw_announce_skb(call->sw, a->family, mac, a->address);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	if (tag)
		__vlan_hwaccel_put_tag(skb, htons(tpid), tag);

	if (a->head.flags & VSWITCH_F_ACTIVATE)
		WRITE_ONCE(port->conf, port->conf & ~VSWITCH_P_SILENT);
	local_bh_disable();
	rcu_read_lock();
	vsw_input(port, skb);
	rcu_read_unlock();
	local_bh_enable();
	return 0;
}

int vsw_call_set_policy(struct vsw_call *call)
{
	struct vswitch_policy *p = call->arg;
	int ret = 0;

	if (p->id || p->fd < -1)
		return vsw_call_error(call, -EINVAL, "a program is given by its descriptor");
	if (p->fd == -1)
		vsw_policy_remove(call->sw);
	else
		ret = vsw_policy_set(call->sw, p->fd, &call->extack);
	p->id = vsw_policy_id(call->sw);
	return ret;
}

int vsw_call_get_policy(struct vsw_call *call)
{
	struct vswitch_policy *p = call->arg;

	p->fd = -1;
	p->id = vsw_policy_id(call->sw);
	return 0;
}
