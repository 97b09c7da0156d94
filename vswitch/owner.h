/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose switches they are. Whoever may make a user namespace may make network
 * namespaces and switches in it, as many as he likes of each; what he has in all
 * of them together is on one account. The administrator's, in namespaces of the
 * initial user namespace, are on none: whatever users have taken, he has room.
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
 * struct vsw_owner - a user's account
 * @list: of all of them; under a lock of their own
 * @uid: who made the outermost of the user namespaces below the initial one
 * @ref: one for each switch; under that lock
 * @switches: his; under RTNL
 * @ports: of all his switches; under RTNL
 * @fdb: entries of all his switches
 */
struct vsw_owner {
	struct list_head list;
	kuid_t uid;
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
