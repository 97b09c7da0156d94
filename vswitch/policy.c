// SPDX-License-Identifier: GPL-2.0
/*
 * The policy program of a switch (BPF_PROG_TYPE_SCHED_CLS). It runs where a
 * frame comes in, before its source is learned, and says with TC_ACT_* what
 * becomes of it. The switch holds a reference of the program; frames find it
 * under RCU, and the core frees a program a grace period after its last user.
 */

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <net/sch_generic.h>

#include "compat.h"
#include "frame.h"
#include "policy.h"
#include "switch.h"

DEFINE_STATIC_KEY_FALSE(vsw_policy_key);

static void vsw_policy_replace(struct vsw_switch *sw, struct bpf_prog *new)
{
	struct bpf_prog *old = rtnl_dereference(sw->policy);

	rcu_assign_pointer(sw->policy, new);
	if (new && !old)
		static_branch_inc(&vsw_policy_key);
	else if (!new && old)
		static_branch_dec(&vsw_policy_key);
	if (old)
		bpf_prog_put(old);
}

/**
 * vsw_policy_set() - give a switch a policy
 * @sw: the switch
 * @fd: of a program of type BPF_PROG_TYPE_SCHED_CLS
 * @extack: says what is wrong
 *
 * Context: RTNL.
 * Return: 0, -EBADF, -EINVAL: not such a program.
 */
int vsw_policy_set(struct vsw_switch *sw, int fd, struct netlink_ext_ack *extack)
{
	struct bpf_prog *prog;

	ASSERT_RTNL();
	prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SCHED_CLS, false);
	if (IS_ERR(prog)) {
		NL_SET_ERR_MSG(extack, "the file is no BPF program of type SCHED_CLS");
		return PTR_ERR(prog);
	}
	vsw_policy_replace(sw, prog);
	return 0;
}

/**
 * vsw_policy_remove() - take a switch's policy away, if it has one
 * @sw: the switch
 *
 * Context: RTNL.
 */
void vsw_policy_remove(struct vsw_switch *sw)
{
	ASSERT_RTNL();
	vsw_policy_replace(sw, NULL);
}

/* Its program's number, as bpftool knows it; 0: none. Under RTNL. */
u32 vsw_policy_id(const struct vsw_switch *sw)
{
	const struct bpf_prog *prog = rtnl_dereference(sw->policy);

	return prog ? prog->aux->id : 0;
}

/* What cb[] says to the program, see VSWITCH_SET_POLICY, and what it says then. */
static u32 vsw_policy_call(const struct bpf_prog *prog, struct sk_buff *skb, u32 id, u16 vid,
			   u32 *to)
{
	compat_bpf_net_ctx_declare(ctx);
	u32 *cb = (u32 *)qdisc_skb_cb(skb)->data;
	u32 act;

	memset(skb->cb, 0, sizeof(skb->cb));
	cb[0] = id;
	cb[1] = vid;
	bpf_compute_data_pointers(skb);
	compat_bpf_net_ctx_set(ctx);
	act = bpf_prog_run(prog, skb);
	compat_bpf_net_ctx_clear(ctx);
	*to = cb[0];
	memset(skb->cb, 0, sizeof(skb->cb));
	return act;
}

/**
 * vsw_policy_run() - ask the policy
 * @in: where the frame has come in
 * @skb: the frame, data at its Ethernet header; the program may have changed it
 * @vid: its VLAN
 * @to: the one port to send it to, if the program has said so
 *
 * Context: bottom halves off, RCU read lock.
 * Return: 0, or why the frame goes no further.
 */
u32 vsw_policy_run(struct vsw_port *in, struct sk_buff *skb, u16 vid, struct vsw_port **to)
{
	const struct bpf_prog *prog = rcu_dereference(in->sw->policy);
	u32 act, id;

	if (!prog)
		return 0;
	act = vsw_policy_call(prog, skb, in->id, vid, &id);
	switch (act) {
	case TC_ACT_UNSPEC:
	case TC_ACT_OK:
		break;
	case TC_ACT_REDIRECT:
		*to = vsw_switch_port(in->sw, id);
		if (!*to)
			return VSWITCH_DROP_POLICY;
		break;
	default:
		return VSWITCH_DROP_POLICY;
	}
	/* What is left may be another frame, or none. */
	if (unlikely(!pskb_may_pull(skb, ETH_HLEN)))
		return VSWITCH_DROP_RUNT;
	skb_reset_mac_header(skb);
	return vsw_mac_ok(eth_hdr(skb)->h_source) ? 0 : VSWITCH_DROP_SOURCE;
}
