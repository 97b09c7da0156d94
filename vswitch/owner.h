/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose switches they are. Whoever may make a user namespace may make network
 * namespaces and switches in it, as many as he likes of each; what he has in all
 * of them together is on accounts: one of the outermost of those user namespaces
 * below the initial one, which is a container, and one of the user who made it.
 * Containers that root has made are not one user's, so those have but their own.
 * The administrator's switches, in namespaces of the initial user namespace, are
 * on no account: whatever users have taken, he has room.
 */
#ifndef VSWITCH_OWNER_H
#define VSWITCH_OWNER_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct netlink_ext_ack;
struct user_namespace;

/**
 * struct vsw_owner - an account
 * @list: of all of them; under a lock of their own
 * @ns: the container's user namespace, a reference; NULL: it is a user's account
 * @uid: who made it, or whose account it is
 * @user: of a container: his account, a reference; NULL if it is root's
 * @ref: a container's: one for each switch, a user's: one for each container of
 *	his; under that lock
 * @switches: what is on it; under RTNL
 * @ports: of all those switches; under RTNL
 * @fdb: entries of all those switches
 */
struct vsw_owner {
	struct list_head list;
	struct user_namespace *ns;
	kuid_t uid;
	struct vsw_owner *user;
	u32 ref;
	u32 switches;
	u32 ports;
	atomic_t fdb;
};

/* FDB entries of all accounts together. */
extern atomic_t vsw_fdb_total;

struct vsw_owner *vsw_owner_get(struct user_namespace *ns);
void vsw_owner_put(struct vsw_owner *owner);
int vsw_owner_may_add_switch(struct user_namespace *ns, struct netlink_ext_ack *extack);
int vsw_owner_may_add_port(const struct vsw_owner *owner, struct netlink_ext_ack *extack);
bool vsw_owner_may_add_address(const struct vsw_owner *owner);
void vsw_owner_count_switch(struct vsw_owner *owner, int change);
void vsw_owner_count_port(struct vsw_owner *owner, int change);
void vsw_owner_count_address(struct vsw_owner *owner, int change);

#endif /* VSWITCH_OWNER_H */
