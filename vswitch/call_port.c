// SPDX-License-Identifier: GPL-2.0
/* Calls about ports as such. */

#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

#include "dev.h"
#include "param.h"
#include "queue.h"
#include "switch.h"
#include "team.h"
#include "uplink.h"
#include "vnic.h"

#define VSW_SET_PORT_ALL (VSWITCH_SET_PORT_CONF | VSWITCH_SET_PORT_MAC | VSWITCH_SET_PORT_ROLE | \
			  VSWITCH_SET_PORT_LIMIT | VSWITCH_SET_PORT_UNBLOCK | \
			  VSWITCH_SET_PORT_MTU | VSWITCH_SET_PORT_TEAM)

/* Everything that can be said without the port. */
static int vsw_port_check(struct vsw_call *call, const struct vswitch_port *p)
{
	if (p->set & ~VSW_SET_PORT_ALL || p->pad)
		return vsw_call_error(call, -EINVAL, "unknown attribute");
	if (p->set & VSWITCH_SET_PORT_CONF && (p->conf | p->conf_mask) & ~VSW_P_ALL)
		return vsw_call_error(call, -EINVAL, "unknown port option");
	if (p->set & VSWITCH_SET_PORT_ROLE) {
		if (p->role > VSWITCH_ROLE_COMMUNITY)
			return vsw_call_error(call, -EOPNOTSUPP, "unknown role");
		if (p->community && p->role != VSWITCH_ROLE_COMMUNITY)
			return vsw_call_error(call, -EINVAL,
					      "only a community port has a community");
	}
	if (p->set & VSWITCH_SET_PORT_MAC && !is_valid_ether_addr(p->mac))
		return vsw_call_error(call, -EADDRNOTAVAIL, "not a unicast address");
	if (p->set & VSWITCH_SET_PORT_MTU &&
	    (p->mtu < ETH_MIN_MTU || p->mtu > ETH_MAX_MTU - ETH_HLEN))
		return vsw_call_error(call, -ERANGE, "an MTU is from 68 to 65521");
	return 0;
}

static int vsw_port_apply_mac(struct vsw_call *call, struct vsw_port *port, const u8 *mac)
{
	struct sockaddr address = { .sa_family = ARPHRD_ETHER };

	switch (port->kind) {
	case VSWITCH_KIND_QUEUE:
		ether_addr_copy(port->mac, mac);
		return 0;
	case VSWITCH_KIND_UPLINK:
		return vsw_call_error(call, -EINVAL, "an uplink's address is its netdev's");
	}
	ether_addr_copy(address.sa_data, mac);
	return dev_set_mac_address(port->dev, &address, &call->extack);
}

static int vsw_port_apply_mtu(struct vsw_call *call, struct vsw_port *port, u32 mtu)
{
	switch (port->kind) {
	case VSWITCH_KIND_QUEUE:
		WRITE_ONCE(port->mtu, mtu);
		return 0;
	case VSWITCH_KIND_UPLINK:
		return vsw_call_error(call, -EINVAL, "an uplink's MTU is its netdev's");
	}
	return dev_set_mtu(port->dev, mtu);
}

/* All or nothing: what may fail comes first, and is undone if the next one does. */
static int vsw_port_apply(struct vsw_call *call, struct vsw_port *port,
			  const struct vswitch_port *p)
{
	u32 old_mtu = port->dev ? port->dev->mtu : port->mtu;
	u32 conf = (port->conf & ~p->conf_mask) | (p->conf & p->conf_mask);
	int ret = 0;

	if (p->set & VSWITCH_SET_PORT_TEAM && p->team && port->kind != VSWITCH_KIND_UPLINK)
		return vsw_call_error(call, -EINVAL, "only uplinks make a team");
	if (p->set & VSWITCH_SET_PORT_CONF)
		ret = vsw_port_check_conf(port, conf, &call->extack);
	if (!ret && p->set & VSWITCH_SET_PORT_MTU)
		ret = vsw_port_apply_mtu(call, port, p->mtu);
	if (ret)
		return ret;
	if (p->set & VSWITCH_SET_PORT_MAC && !ether_addr_equal(p->mac, vsw_port_mac(port))) {
		ret = vsw_port_apply_mac(call, port, p->mac);
		if (ret && p->set & VSWITCH_SET_PORT_MTU)
			vsw_port_apply_mtu(call, port, old_mtu);
	}
	if (ret)
		return ret;
	if (p->set & VSWITCH_SET_PORT_CONF)
		vsw_port_set_conf(port, conf);
	if (p->set & VSWITCH_SET_PORT_ROLE) {
		WRITE_ONCE(port->community, p->community);
		WRITE_ONCE(port->role, p->role);
	}
	if (p->set & VSWITCH_SET_PORT_LIMIT)
		WRITE_ONCE(port->fdb_limit, p->fdb_limit);
	if (p->set & VSWITCH_SET_PORT_UNBLOCK)
		clear_bit(VSW_BIT_BLOCKED, &port->state);
	if (p->set & VSWITCH_SET_PORT_TEAM)
		vsw_team_set(port, p->team);
	return 0;
}

static void vsw_port_tell(struct vsw_port *port, struct vswitch_port *p)
{
	struct net *net = dev_net(port->sw->dev);
	struct net *where = port->dev ? dev_net(port->dev) : net;

	p->port = port->id;
	p->kind = port->kind;
	strscpy_pad((char *)p->name, vsw_port_name(port), sizeof(p->name));
	p->port_ifindex = port->dev ? port->dev->ifindex : 0;
	p->netns_id = net_eq(where, net) ? -1 : peernet2id(net, where);
	p->netns_fd = -1;
	p->fd = -1;
	ether_addr_copy(p->mac, vsw_port_mac(port));
	p->set = 0;
	p->conf = port->conf;
	p->conf_mask = VSW_P_ALL;
	p->state = READ_ONCE(port->state) &
		   (VSWITCH_STATE_UP | VSWITCH_STATE_BLOCKED | VSWITCH_STATE_STANDBY);
	p->role = port->role;
	p->community = port->community;
	p->fdb_limit = port->fdb_limit;
	p->fdb_count = READ_ONCE(port->fdb_count);
	p->mtu = port->dev ? port->dev->mtu : port->mtu;
	p->team = port->team;
}

static struct vsw_port *vsw_add_vnic(struct vsw_call *call, const struct vswitch_port *p)
{
	struct vsw_vnic_spec spec = {
		.name = (char *)p->name,
		.net = get_net(call->file->net),
		.id = p->port,
		.mac = p->mac,
	};
	struct vsw_port *port;

	if (p->netns_fd != -1) {
		put_net(spec.net);
		spec.net = get_net_ns_by_fd(p->netns_fd);
		if (IS_ERR(spec.net)) {
			NL_SET_ERR_MSG(&call->extack, "netns_fd is no network namespace");
			return ERR_PTR(-EBADF);
		}
		if (!ns_capable(spec.net->user_ns, CAP_NET_ADMIN)) {
			NL_SET_ERR_MSG(&call->extack, "CAP_NET_ADMIN is needed there, too");
			put_net(spec.net);
			return ERR_PTR(-EPERM);
		}
		/* So that LIST and GET can say where it went. */
		peernet2id_alloc(call->file->net, spec.net, GFP_KERNEL);
	}
	port = vsw_vnic_create(call->sw, &spec, &call->extack);
	put_net(spec.net);
	return port;
}

static struct vsw_port *vsw_add_uplink(struct vsw_call *call, const struct vswitch_port *p)
{
	struct net_device *dev = __dev_get_by_name(call->file->net, (char *)p->name);

	if (!dev) {
		NL_SET_ERR_MSG(&call->extack, "there is no interface of that name");
		return ERR_PTR(-ENOENT);
	}
	return vsw_uplink_add(call->sw, dev, p->port,
			      p->set & VSWITCH_SET_PORT_TEAM ? p->team : 0, &call->extack);
}

static struct vsw_port *vsw_add_queue_port(struct vsw_call *call, struct vswitch_port *p)
{
	struct vsw_port *port;
	struct file *file;
	int ret;

	port = vsw_port_new(call->sw, VSWITCH_KIND_QUEUE);
	if (!port)
		return ERR_PTR(-ENOMEM);
	strscpy(port->label, (char *)p->name, sizeof(port->label));
	if (is_zero_ether_addr(p->mac))
		eth_random_addr(port->mac);
	else
		ether_addr_copy(port->mac, p->mac);
	ret = vsw_port_attach(port, p->port, &call->extack);
	if (ret)
		goto out;
	if (!*port->label)
		snprintf(port->label, sizeof(port->label), "queue%u", port->id);
	file = vsw_queue_open(port);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		vsw_port_detach_begin(port);
		synchronize_net();
		vsw_port_detach_end(port);
		goto out;
	}
	call->new_file = file;
	call->new_fd = &p->fd;
	vsw_port_set_up(port, true);
out:
	vsw_port_put(port);
	return ret ? ERR_PTR(ret) : port;
}

static void vsw_port_delete(struct vsw_port *port)
{
	LIST_HEAD(kill);

	switch (port->kind) {
	case VSWITCH_KIND_VNIC:
		vsw_vnic_link_ops.dellink(port->dev, &kill);
		unregister_netdevice_many(&kill);
		break;
	case VSWITCH_KIND_UPLINK:
		vsw_uplink_unhook(port);
		synchronize_net();
		vsw_uplink_del(port);
		break;
	case VSWITCH_KIND_QUEUE:
		vsw_port_detach_begin(port);
		synchronize_net();
		vsw_port_detach_end(port);
		break;
	}
}

int vsw_call_add_port(struct vsw_call *call)
{
	struct vswitch_port *p = call->arg;
	struct vsw_port *port;
	int ret;

	ret = vsw_port_check(call, p);
	if (ret)
		return ret;
	if (strnlen((char *)p->name, sizeof(p->name)) == sizeof(p->name))
		return vsw_call_error(call, -EINVAL, "the name is too long");
	if (!is_zero_ether_addr(p->mac) && !is_valid_ether_addr(p->mac))
		return vsw_call_error(call, -EADDRNOTAVAIL, "not a unicast address");

	switch (p->kind) {
	case VSWITCH_KIND_VNIC:
		port = vsw_add_vnic(call, p);
		break;
	case VSWITCH_KIND_UPLINK:
		port = vsw_add_uplink(call, p);
		break;
	case VSWITCH_KIND_QUEUE:
		port = vsw_add_queue_port(call, p);
		break;
	default:
		return vsw_call_error(call, -EOPNOTSUPP, "unknown kind of port");
	}
	if (IS_ERR(port))
		return PTR_ERR(port);

	ret = vsw_port_apply(call, port, p);
	if (!ret) {
		vsw_port_tell(port, p);
		return 0;
	}
	vsw_port_delete(port);
	if (call->new_file)
		fput(call->new_file);
	call->new_file = NULL;
	return ret;
}

int vsw_call_get_port(struct vsw_call *call)
{
	struct vswitch_port *p = call->arg;
	struct vsw_port *port = vsw_call_port(call, p->port);

	if (!port)
		return -ENOENT;
	vsw_port_tell(port, p);
	return 0;
}

int vsw_call_set_port(struct vsw_call *call)
{
	struct vswitch_port *p = call->arg;
	struct vsw_port *port = vsw_call_port(call, p->port);
	int ret;

	if (!port)
		return -ENOENT;
	ret = vsw_port_check(call, p);
	if (!ret)
		ret = vsw_port_apply(call, port, p);
	if (!ret)
		vsw_port_tell(port, p);
	return ret;
}

int vsw_call_del_port(struct vsw_call *call)
{
	struct vswitch_port_id *id = call->arg;
	struct vsw_port *port = vsw_call_port(call, id->port);

	if (!port)
		return -ENOENT;
	if (id->fd || port->kind == VSWITCH_KIND_LOCAL)
		return vsw_call_error(call, -EINVAL, "the local port goes with the switch");
	vsw_port_delete(port);
	return 0;
}

int vsw_call_add_queue(struct vsw_call *call)
{
	struct vswitch_port_id *id = call->arg;
	struct vsw_port *port = vsw_call_port(call, id->port);
	struct file *file;

	if (!port)
		return -ENOENT;
	if (port->kind != VSWITCH_KIND_QUEUE)
		return vsw_call_error(call, -EINVAL, "not a queue port");
	if (id->fd)
		return vsw_call_error(call, -EINVAL, "the new queue is an answer, no question");
	file = vsw_queue_open(port);
	if (IS_ERR(file))
		return PTR_ERR(file);
	call->new_file = file;
	call->new_fd = &id->fd;
	return 0;
}

int vsw_call_get_stats(struct vsw_call *call)
{
	struct vswitch_stats *s = call->arg;
	struct vsw_port *port = vsw_call_port(call, s->port);
	u64 *sums;

	if (!port)
		return -ENOENT;
	sums = kcalloc(VSWITCH_NR_STATS, sizeof(*sums), GFP_KERNEL);
	if (!sums)
		return -ENOMEM;
	vsw_port_sum(port, sums);
	s->count = min_t(u32, s->count, VSWITCH_NR_STATS);
	call->out = sums;
	call->out_len = s->count * sizeof(*sums);
	call->out_ptr = s->ptr;
	return 0;
}
