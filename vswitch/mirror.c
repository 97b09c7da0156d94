// SPDX-License-Identifier: GPL-2.0
/*
 * Mirror sessions. The set is read under RCU and replaced as a whole under
 * RTNL; there is none while no session exists.
 */

#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "forward.h"
#include "mirror.h"
#include "switch.h"

DEFINE_STATIC_KEY_FALSE(vsw_mirror_key);

static bool vsw_mirror_any(const struct vsw_mirror_set *set)
{
	int i;

	for (i = 0; i < VSW_MAX_MIRRORS; i++) {
		if (set->s[i].direction)
			return true;
	}
	return false;
}

/* Publishes the new set and keeps the static key's count of switches. */
static void vsw_mirror_replace(struct vsw_switch *sw, struct vsw_mirror_set *new)
{
	struct vsw_mirror_set *old = rtnl_dereference(sw->mirrors);

	if (new && !vsw_mirror_any(new)) {
		kfree(new);
		new = NULL;
	}
	rcu_assign_pointer(sw->mirrors, new);
	if (new && !old)
		static_branch_inc(&vsw_mirror_key);
	else if (!new && old)
		static_branch_dec(&vsw_mirror_key);
	if (old)
		kfree_rcu(old, rcu);
}

/**
 * vsw_mirror_set() - begin, change or end a session
 * @sw: the switch
 * @session: below VSW_MAX_MIRRORS
 * @m: what it shall be
 *
 * Context: RTNL.
 * Return: 0 or -ENOMEM.
 */
int vsw_mirror_set(struct vsw_switch *sw, u32 session, const struct vsw_mirror *m)
{
	struct vsw_mirror_set *new, *old = rtnl_dereference(sw->mirrors);

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	if (old)
		memcpy(new->s, old->s, sizeof(new->s));
	new->s[session] = *m;
	vsw_mirror_replace(sw, new);
	return 0;
}

/**
 * vsw_mirror_forget() - end the sessions of a port
 * @sw: the switch
 * @port: that goes
 *
 * The sessions are cleared in place: a removal must not fail, and who reads a
 * session half cleared finds a direction of none or ports that are still there.
 *
 * Context: RTNL; a grace period passes before the port goes.
 */
void vsw_mirror_forget(struct vsw_switch *sw, struct vsw_port *port)
{
	struct vsw_mirror_set *set = rtnl_dereference(sw->mirrors);
	int i;

	if (!set)
		return;
	for (i = 0; i < VSW_MAX_MIRRORS; i++) {
		if (set->s[i].source == port || set->s[i].to == port)
			WRITE_ONCE(set->s[i].direction, 0);
	}
	if (!vsw_mirror_any(set))
		vsw_mirror_replace(sw, NULL);
}

/* A copy as it shall go out, or NULL. */
static struct sk_buff *vsw_mirror_copy(const struct vsw_mirror *m, const struct sk_buff *skb,
				       u16 tci)
{
	struct sk_buff *copy = skb_clone((struct sk_buff *)skb, GFP_ATOMIC);

	if (!copy)
		return NULL;
	if (tci & VLAN_VID_MASK && skb_vlan_push(copy, htons(ETH_P_8021Q), tci))
		goto err;
	if (m->snap && copy->len > m->snap) {
		if (pskb_trim(copy, m->snap))
			goto err;
		/* What is left is no packet: nobody shall segment or sum it. */
		if (skb_is_gso(copy)) {
			/* The original goes on as it is. */
			if (skb_unclone(copy, GFP_ATOMIC))
				goto err;
			skb_gso_reset(copy);
		}
		copy->ip_summed = CHECKSUM_NONE;
	}
	return copy;
err:
	kfree_skb(copy);
	return NULL;
}

/**
 * vsw_mirror_frame() - copy a frame to whoever watches the port
 * @sw: the switch
 * @port: where the frame comes in or goes out
 * @direction: VSWITCH_MIRROR_IN or VSWITCH_MIRROR_OUT
 * @skb: the frame, its tag off if the switch is VLAN-aware
 * @vid: its VLAN
 * @prio: PCP and DEI
 *
 * Context: bottom halves off, RCU read lock.
 */
void vsw_mirror_frame(struct vsw_switch *sw, struct vsw_port *port, u32 direction,
		      const struct sk_buff *skb, u16 vid, u16 prio)
{
	struct vsw_mirror_set *set = rcu_dereference(sw->mirrors);
	struct sk_buff *copy;
	int i;

	for (i = 0; set && i < VSW_MAX_MIRRORS; i++) {
		const struct vsw_mirror *m = &set->s[i];

		if (!(READ_ONCE(m->direction) & direction) || m->to == port ||
		    (m->source && m->source != port) || (m->vid && m->vid != vid))
			continue;
		if (READ_ONCE(m->to->state) != VSW_STATE_OPEN) {
			vsw_count(m->to, VSWITCH_DROP_DEST_DOWN);
			continue;
		}
		copy = vsw_mirror_copy(m, skb, vid | prio);
		if (!copy) {
			vsw_count(m->to, VSWITCH_DROP_NOMEM);
			continue;
		}
		if (unlikely(vsw_too_big(m->to, copy))) {
			vsw_drop(m->to, copy, VSWITCH_DROP_MTU);
			continue;
		}
		vsw_count(port, VSWITCH_STAT_MIRRORED);
		vsw_send(m->to, copy);
	}
}
