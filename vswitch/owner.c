// SPDX-License-Identifier: GPL-2.0
/* Accounts of users, see owner.h. */

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

/* Subordinate ids are many, and namespaces nest: what counts is who began. */
static kuid_t vsw_owner_uid(const struct user_namespace *ns)
{
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return ns->owner;
}

static struct vsw_owner *vsw_owner_find(kuid_t uid)
{
	struct vsw_owner *owner;

	lockdep_assert_held(&vsw_owners_lock);
	list_for_each_entry(owner, &vsw_owners, list) {
		if (uid_eq(owner->uid, uid))
			return owner;
	}
	return NULL;
}

/**
 * vsw_owner_get() - the account of who owns a user namespace
 * @ns: the user namespace
 *
 * Context: may sleep.
 * Return: it, with a reference; NULL for the initial user namespace; or -ENOMEM.
 */
struct vsw_owner *vsw_owner_get(struct user_namespace *ns)
{
	struct vsw_owner *owner, *new;
	kuid_t uid;

	if (ns == &init_user_ns)
		return NULL;
	uid = vsw_owner_uid(ns);
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->uid = uid;
	spin_lock(&vsw_owners_lock);
	owner = vsw_owner_find(uid);
	if (!owner) {
		list_add(&new->list, &vsw_owners);
		swap(owner, new);
	}
	owner->ref++;
	spin_unlock(&vsw_owners_lock);
	kfree(new);
	return owner;
}

/* May sleep; the last reference frees it. NULL is nobody. */
void vsw_owner_put(struct vsw_owner *owner)
{
	bool last;

	if (!owner)
		return;
	spin_lock(&vsw_owners_lock);
	last = !--owner->ref;
	if (last)
		list_del(&owner->list);
	spin_unlock(&vsw_owners_lock);
	if (!last)
		return;
	WARN_ON_ONCE(owner->switches || owner->ports || atomic_read(&owner->fdb));
	kfree(owner);
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
	if (owner->switches >= READ_ONCE(vsw_param_user_switches)) {
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
	if (owner->ports >= READ_ONCE(vsw_param_user_ports)) {
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
	return !owner ||
	       ((u32)atomic_read(&owner->fdb) < READ_ONCE(vsw_param_user_fdb) &&
		(u32)atomic_read(&vsw_fdb_total) < READ_ONCE(vsw_param_total_fdb));
}

void vsw_owner_count_switch(struct vsw_owner *owner, int change)
{
	ASSERT_RTNL();
	if (!owner)
		return;
	owner->switches += change;
	vsw_total.switches += change;
}

void vsw_owner_count_port(struct vsw_owner *owner, int change)
{
	ASSERT_RTNL();
	if (!owner)
		return;
	owner->ports += change;
	vsw_total.ports += change;
}

void vsw_owner_count_address(struct vsw_owner *owner, int change)
{
	if (!owner)
		return;
	atomic_add(change, &owner->fdb);
	atomic_add(change, &vsw_fdb_total);
}
