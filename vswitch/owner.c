// SPDX-License-Identifier: GPL-2.0
/* Accounts of containers and users, see owner.h. */

#include <linux/err.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>

#include "owner.h"
#include "param.h"

atomic_t vsw_fdb_total;

/* What all accounts have together, under RTNL. */
static struct {
	u32 switches;
	u32 ports;
} vsw_total;

static LIST_HEAD(vsw_owners);
static DEFINE_SPINLOCK(vsw_owners_lock);

/* Subordinate ids are many, and namespaces nest: what counts is where that began. */
static struct user_namespace *vsw_owner_ns(struct user_namespace *ns)
{
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return ns;
}

/*
 * The account of @ns, or of @uid if that is NULL, with one more reference. *@new is
 * taken if there is none yet.
 */
static struct vsw_owner *vsw_owner_find(struct user_namespace *ns, kuid_t uid,
					struct vsw_owner **new)
{
	struct vsw_owner *owner;

	lockdep_assert_held(&vsw_owners_lock);
	list_for_each_entry(owner, &vsw_owners, list) {
		if (owner->ns == ns && (ns || uid_eq(owner->uid, uid)))
			goto found;
	}
	owner = *new;
	*new = NULL;
	owner->ns = ns ? get_user_ns(ns) : NULL;
	owner->uid = uid;
	list_add(&owner->list, &vsw_owners);
found:
	owner->ref++;
	return owner;
}

/**
 * vsw_owner_get() - the account of a container
 * @ns: the user namespace that owns the network namespace of a switch
 *
 * Context: may sleep.
 * Return: it, with a reference; NULL for the initial user namespace; or -ENOMEM.
 */
struct vsw_owner *vsw_owner_get(struct user_namespace *ns)
{
	struct vsw_owner *owner, *new[2];

	if (ns == &init_user_ns)
		return NULL;
	ns = vsw_owner_ns(ns);
	new[0] = kzalloc(sizeof(*new[0]), GFP_KERNEL_ACCOUNT);
	new[1] = kzalloc(sizeof(*new[1]), GFP_KERNEL_ACCOUNT);
	if (!new[0] || !new[1]) {
		owner = ERR_PTR(-ENOMEM);
		goto out;
	}
	spin_lock(&vsw_owners_lock);
	owner = vsw_owner_find(ns, ns->owner, &new[0]);
	if (!owner->user && !uid_eq(ns->owner, GLOBAL_ROOT_UID))
		owner->user = vsw_owner_find(NULL, ns->owner, &new[1]);
	spin_unlock(&vsw_owners_lock);
out:
	kfree(new[0]);
	kfree(new[1]);
	return owner;
}

/* The last reference takes an account from the list. */
static bool vsw_owner_last(struct vsw_owner *owner)
{
	bool last;

	spin_lock(&vsw_owners_lock);
	last = !--owner->ref;
	if (last)
		list_del(&owner->list);
	spin_unlock(&vsw_owners_lock);
	return last;
}

/* May sleep. NULL is nobody. */
void vsw_owner_put(struct vsw_owner *owner)
{
	struct vsw_owner *user;

	for (; owner && vsw_owner_last(owner); owner = user) {
		WARN_ON_ONCE(owner->switches || owner->ports || atomic_read(&owner->fdb));
		user = owner->user;
		if (owner->ns)
			put_user_ns(owner->ns);
		kfree(owner);
	}
}

/**
 * vsw_owner_may_add_switch() - is there room for one more switch?
 * @ns: the user namespace that it would belong to
 * @extack: says why not
 *
 * Context: RTNL.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int vsw_owner_may_add_switch(struct user_namespace *ns, struct netlink_ext_ack *extack)
{
	struct vsw_owner *owner = vsw_owner_get(ns);
	int ret = 0;

	ASSERT_RTNL();
	if (IS_ERR_OR_NULL(owner))
		return PTR_ERR_OR_ZERO(owner);
	if (owner->switches >= READ_ONCE(vsw_param_ns_switches)) {
		NL_SET_ERR_MSG(extack, "this user namespace may have no more switches");
		ret = -ENOSPC;
	} else if (owner->user && owner->user->switches >= READ_ONCE(vsw_param_user_switches)) {
		NL_SET_ERR_MSG(extack, "this user may have no more switches");
		ret = -ENOSPC;
	} else if (vsw_total.switches >= READ_ONCE(vsw_param_total_switches)) {
		NL_SET_ERR_MSG(extack, "all users together may have no more switches");
		ret = -ENOSPC;
	}
	vsw_owner_put(owner);
	return ret;
}

/**
 * vsw_owner_may_add_port() - is there room for one more port?
 * @owner: the switch's account, or NULL
 * @extack: says why not
 *
 * Context: RTNL.
 * Return: 0 or -ENOSPC.
 */
int vsw_owner_may_add_port(const struct vsw_owner *owner, struct netlink_ext_ack *extack)
{
	ASSERT_RTNL();
	if (!owner)
		return 0;
	if (owner->ports >= READ_ONCE(vsw_param_ns_ports)) {
		NL_SET_ERR_MSG(extack, "this user namespace may have no more ports");
		return -ENOSPC;
	}
	if (owner->user && owner->user->ports >= READ_ONCE(vsw_param_user_ports)) {
		NL_SET_ERR_MSG(extack, "this user may have no more ports");
		return -ENOSPC;
	}
	if (vsw_total.ports >= READ_ONCE(vsw_param_total_ports)) {
		NL_SET_ERR_MSG(extack, "all users together may have no more ports");
		return -ENOSPC;
	}
	return 0;
}

/* Is there room for one more FDB entry? Any context. */
bool vsw_owner_may_add_address(const struct vsw_owner *owner)
{
	if (!owner)
		return true;
	if (owner->user && (u32)atomic_read(&owner->user->fdb) >= READ_ONCE(vsw_param_user_fdb))
		return false;
	return (u32)atomic_read(&owner->fdb) < READ_ONCE(vsw_param_ns_fdb) &&
	       (u32)atomic_read(&vsw_fdb_total) < READ_ONCE(vsw_param_total_fdb);
}

void vsw_owner_count_switch(struct vsw_owner *owner, int change)
{
	ASSERT_RTNL();
	if (owner)
		vsw_total.switches += change;
	for (; owner; owner = owner->user)
		owner->switches += change;
}

void vsw_owner_count_port(struct vsw_owner *owner, int change)
{
	ASSERT_RTNL();
	if (owner)
		vsw_total.ports += change;
	for (; owner; owner = owner->user)
		owner->ports += change;
}

void vsw_owner_count_address(struct vsw_owner *owner, int change)
{
	if (owner)
		atomic_add(change, &vsw_fdb_total);
	for (; owner; owner = owner->user)
		atomic_add(change, &owner->fdb);
}
